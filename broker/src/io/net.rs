//! Listeners and connections. Never parses what passes through, never buffers on its own.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use bytes::BytesMut;

use super::LocalBoxFuture;

/// A connection that was accepted and belongs to no shard yet; may be sent to another one.
#[derive(Debug)]
pub struct Accepted {
    /// The socket.
    pub socket: OwnedFd,
    /// Who connected.
    pub peer: SocketAddr,
}

/// Sockets of this shard.
pub trait Net {
    /// Binds without SO_REUSEPORT, so that a second broker fails here.
    fn listen(&self, address: SocketAddr) -> io::Result<Rc<dyn Listener>>;
    /// Makes an accepted connection this shard's own.
    fn adopt(&self, accepted: Accepted) -> io::Result<Rc<dyn Connection>>;
}

/// A bound port.
pub trait Listener {
    /// The next connection.
    fn accept(&self) -> LocalBoxFuture<'_, io::Result<Accepted>>;
    /// Where it is bound (tells the port when 0 was asked for).
    fn local_address(&self) -> SocketAddr;
}

/// One connection. `receive` and `send` may be awaited by two tasks at once, each by one.
pub trait Connection {
    /// Who is at the other end.
    fn peer(&self) -> SocketAddr;
    /// Appends what has arrived to `into`, within its spare capacity (at least 1 byte of it must be there); waits for at least one byte. 0 at the end of the stream.
    fn receive<'a>(&'a self, into: &'a mut BytesMut) -> LocalBoxFuture<'a, io::Result<usize>>;
    /// Sends all slices in order (vectored; the slices are consumed by advancing).
    fn send<'a>(&'a self, slices: &'a mut [IoSlice<'a>]) -> LocalBoxFuture<'a, io::Result<()>>;
    /// Shuts both directions down at once: both tasks wake with an end or an error.
    fn close(&self);
}
