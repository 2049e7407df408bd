//! Listeners and connections. Never parses what passes through, never buffers on its own.

use std::any::Any;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::BytesMut;

use super::LocalBoxFuture;

/// A connection that was accepted and belongs to no shard yet; may be sent to another one. Dropped, it is closed.
#[derive(Debug)]
pub struct Accepted {
    /// The socket, in the form that [`Net::adopt`] of the same implementation takes.
    pub socket: Box<dyn Any + Send>,
    /// Who connected.
    pub peer: SocketAddr,
}

/// Sockets of this shard.
pub trait Net {
    /// Binds without SO_REUSEPORT, so that a second broker fails here. The kernel holds `backlog` connections that
    /// nobody has accepted yet.
    fn listen(&self, address: SocketAddr, backlog: u32) -> io::Result<Rc<dyn Listener>>;
    /// Makes an accepted connection this shard's own.
    fn adopt(&self, accepted: Accepted, buffers: SocketBuffers) -> io::Result<Rc<dyn Connection>>;
}

/// Kernel buffers of a connection, bytes; `None` leaves them to the kernel, which grows and shrinks them as needed.
#[derive(Clone, Copy, Debug, Default)]
pub struct SocketBuffers {
    /// What the kernel takes from us before it is acknowledged.
    pub send_bytes: Option<u32>,
    /// What it holds for us before we read it.
    pub receive_bytes: Option<u32>,
}

/// A bound port.
pub trait Listener {
    /// The next connection.
    fn accept(&self) -> LocalBoxFuture<'_, io::Result<Accepted>>;
    /// Where it is bound (tells the port when 0 was asked for).
    fn local_address(&self) -> SocketAddr;
}

/// One connection: two directions, each used by one task at a time.
pub trait Connection {
    /// Who is at the other end.
    fn peer(&self) -> SocketAddr;
    /// Appends what has arrived to `into`, within its spare capacity (at least 1 byte of it must be there). 0 at the
    /// end of the stream, `None` when nothing is there: then wait for [`Connection::readable`].
    fn receive_now(&self, into: &mut BytesMut) -> io::Result<Option<usize>>;
    /// Waits until there is something to receive, be it the end or an error. Holds no buffer meanwhile.
    fn readable(&self) -> LocalBoxFuture<'_, ()>;
    /// Sends from the slices in order, as much as the kernel takes now: the number of bytes, 0 when it takes none.
    fn send_now(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Waits until the kernel takes something, and sends a first part of `bytes` (not empty): how many bytes.
    fn send_waiting<'a>(&'a self, bytes: &'a [u8]) -> LocalBoxFuture<'a, io::Result<usize>>;
    /// Shuts both directions down at once: both tasks wake with an end or an error.
    fn close(&self);
}
