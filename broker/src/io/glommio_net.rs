//! The production [`Net`]: glommio's streams for waiting, raw vectored sends and receives for the bytes. No copy of its own.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::rc::Rc;

use bytes::{BufMut, BytesMut};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glommio::net::{TcpListener, TcpStream};

use super::LocalBoxFuture;
use super::net::{Accepted, Connection, Listener, Net};

/// What the waiting read takes along, in bytes; the rest follows by a direct receive.
const WAIT_READ_BYTES: usize = 4096;
/// Most slices one sendmsg takes (UIO_MAXIOV).
const SLICES_MAX: usize = 1024;
const BACKLOG: libc::c_int = 4096;

/// Sockets through glommio.
pub struct GlommioNet;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn set_option(
    fd: RawFd,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let bytes = size_of_val(&value) as libc::socklen_t;
    // SAFETY: `value` outlives the call and its size is given.
    check(unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), bytes) })
        .map(|_| ())
}

fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC makes a new descriptor that nobody else owns.
    check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) })
        .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

impl Net for GlommioNet {
    fn listen(&self, address: SocketAddr) -> io::Result<Rc<dyn Listener>> {
        // std sets SO_REUSEADDR and never SO_REUSEPORT, so a second broker fails here.
        let listener = StdListener::bind(address)?;
        // SAFETY: the descriptor is open; listening again only changes the backlog.
        check(unsafe { libc::listen(listener.as_raw_fd(), BACKLOG) })?;
        let local = listener.local_addr()?;
        // SAFETY: ownership of the descriptor moves into glommio's listener.
        let listener = unsafe { TcpListener::from_raw_fd(listener.into_raw_fd()) };
        Ok(Rc::new(GlommioListener { listener, local }))
    }

    fn adopt(&self, accepted: Accepted) -> io::Result<Rc<dyn Connection>> {
        let fd = accepted.socket.as_raw_fd();
        set_option(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
        set_option(fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)?;
        let reader = duplicate(fd)?;
        // SAFETY: each descriptor is owned here and moves into its stream.
        let reader = unsafe { TcpStream::from_raw_fd(reader.into_raw_fd()) };
        // SAFETY: as above.
        let writer = unsafe { TcpStream::from_raw_fd(accepted.socket.into_raw_fd()) };
        Ok(Rc::new(GlommioConnection {
            peer: accepted.peer,
            fd: writer.as_raw_fd(),
            reader: Cell::new(Some(reader)),
            writer: Cell::new(Some(writer)),
            wait: Cell::new(Some(vec![0; WAIT_READ_BYTES].into_boxed_slice())),
        }))
    }
}

struct GlommioListener {
    listener: TcpListener,
    local: SocketAddr,
}

impl Listener for GlommioListener {
    fn accept(&self) -> LocalBoxFuture<'_, io::Result<Accepted>> {
        Box::pin(async move {
            let accepted = self.listener.shared_accept().await?;
            let stream = accepted.bind_to_executor();
            let peer = stream.peer_addr()?;
            // The stream is dropped without a shutdown: its duplicate keeps the connection.
            Ok(Accepted {
                socket: duplicate(stream.as_raw_fd())?,
                peer,
            })
        })
    }

    fn local_address(&self) -> SocketAddr {
        self.local
    }
}

struct GlommioConnection {
    peer: SocketAddr,
    /// The writer's descriptor, for shutting down; open as long as `writer` is.
    fd: RawFd,
    reader: Cell<Option<TcpStream>>,
    writer: Cell<Option<TcpStream>>,
    wait: Cell<Option<Box<[u8]>>>,
}

/// Receives straight into spare capacity; `None` when nothing has arrived.
fn receive_now(fd: RawFd, into: &mut BytesMut) -> io::Result<Option<usize>> {
    loop {
        let spare = into.spare_capacity_mut();
        if spare.is_empty() {
            return Ok(None);
        }
        // SAFETY: the pointer and length are those of the spare capacity.
        let got = unsafe {
            libc::recv(
                fd,
                spare.as_mut_ptr().cast(),
                spare.len(),
                libc::MSG_DONTWAIT,
            )
        };
        if got >= 0 {
            // SAFETY: the kernel has filled `got` bytes of the spare capacity.
            unsafe { into.advance_mut(got as usize) };
            return Ok(Some(got as usize));
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::WouldBlock => return Ok(None),
            _ => return Err(error),
        }
    }
}

fn send_now(fd: RawFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    // SAFETY: msghdr is plain data.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = slices.as_ptr() as *mut libc::iovec;
    header.msg_iovlen = slices.len().min(SLICES_MAX);
    // SAFETY: IoSlice has the layout of iovec; the slices live through the call, and sendmsg only reads them.
    let sent = unsafe { libc::sendmsg(fd, &header, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) };
    if sent < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(sent as usize)
    }
}

impl Connection for GlommioConnection {
    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn receive<'a>(&'a self, into: &'a mut BytesMut) -> LocalBoxFuture<'a, io::Result<usize>> {
        Box::pin(async move {
            let mut reader = self
                .reader
                .take()
                .ok_or_else(|| io::Error::other("two tasks receive at once"))?;
            if let Some(got) = receive_now(reader.as_raw_fd(), into)? {
                self.reader.set(Some(reader));
                return Ok(got);
            }
            let mut wait = self.wait.take().expect("it comes back with the reader");
            let room = wait.len().min(into.capacity() - into.len());
            let waited = reader.read(&mut wait[..room]).await;
            let mut got = 0;
            if let Ok(first) = waited {
                into.extend_from_slice(&wait[..first]);
                got = first;
                if first == room
                    && let Some(more) = receive_now(reader.as_raw_fd(), into)?
                {
                    got += more;
                }
            }
            self.wait.set(Some(wait));
            self.reader.set(Some(reader));
            waited.map(|_| got)
        })
    }

    fn send<'a>(&'a self, mut slices: &'a mut [IoSlice<'a>]) -> LocalBoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            let mut writer = self
                .writer
                .take()
                .ok_or_else(|| io::Error::other("two tasks send at once"))?;
            while !slices.is_empty() {
                let sent = match send_now(writer.as_raw_fd(), slices) {
                    Ok(sent) => sent,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    // glommio's own write waits until the socket takes bytes again, and sends a first part.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        writer.write(&slices[0]).await?
                    }
                    Err(error) => return Err(error),
                };
                if sent == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                IoSlice::advance_slices(&mut slices, sent);
            }
            self.writer.set(Some(writer));
            Ok(())
        })
    }

    fn close(&self) {
        // SAFETY: shutdown of a descriptor that this connection owns; an error (already gone) changes nothing.
        unsafe { libc::shutdown(self.fd, libc::SHUT_RDWR) };
    }
}
