//! The production [`Net`]: glommio's streams for waiting, raw vectored sends and receives for the bytes. No copy of its own.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::pin::Pin;
use std::rc::Rc;

use bytes::{BufMut, BytesMut};
use futures_lite::{AsyncRead, AsyncWrite};
use glommio::net::{TcpListener, TcpStream};

use super::LocalBoxFuture;
use super::net::{Accepted, Connection, Listener, Net, SocketBuffers};

/// Most slices one sendmsg takes (UIO_MAXIOV).
const SLICES_MAX: usize = 1024;

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

impl Net for GlommioNet {
    fn listen(&self, address: SocketAddr, backlog: u32) -> io::Result<Rc<dyn Listener>> {
        // std sets SO_REUSEADDR and never SO_REUSEPORT, so a second broker fails here.
        let listener = StdListener::bind(address)?;
        let backlog = libc::c_int::try_from(backlog).unwrap_or(libc::c_int::MAX);
        // SAFETY: the descriptor is open; listening again only changes the backlog.
        check(unsafe { libc::listen(listener.as_raw_fd(), backlog) })?;
        let local = listener.local_addr()?;
        let fd = listener.into_raw_fd();
        // SAFETY: ownership of the descriptor moves into glommio's listener.
        let listener = unsafe { TcpListener::from_raw_fd(fd) };
        Ok(Rc::new(GlommioListener {
            listener,
            fd,
            local,
        }))
    }

    fn adopt(&self, accepted: Accepted, buffers: SocketBuffers) -> io::Result<Rc<dyn Connection>> {
        let socket = accepted.socket.downcast::<OwnedFd>();
        let socket = *socket.expect("this net accepted it");
        let fd = socket.as_raw_fd();
        set_option(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
        set_option(fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)?;
        let sizes = [
            (libc::SO_SNDBUF, buffers.send_bytes),
            (libc::SO_RCVBUF, buffers.receive_bytes),
        ];
        for (name, bytes) in sizes {
            if let Some(bytes) = bytes {
                let bytes = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
                set_option(fd, libc::SOL_SOCKET, name, bytes)?;
            }
        }
        // SAFETY: the descriptor is owned here and moves into the stream.
        let stream = unsafe { TcpStream::from_raw_fd(socket.into_raw_fd()) };
        Ok(Rc::new(GlommioConnection {
            peer: accepted.peer,
            fd,
            stream: RefCell::new(stream),
            drained: Cell::new(false),
        }))
    }
}

struct GlommioListener {
    listener: TcpListener,
    /// The listener's descriptor, open as long as it is.
    fd: RawFd,
    local: SocketAddr,
}

/// Takes a connection that waits already; `None` when none does.
fn accept_now(listener: RawFd) -> io::Result<Option<Accepted>> {
    // The listener stays a blocking one, since the ring's accept does not wait on others. Nobody else accepts from it,
    // so a connection that waits is still there a moment later.
    let mut waiting = libc::pollfd {
        fd: listener,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one structure is given, and it lives through the call.
    if check(unsafe { libc::poll(&mut waiting, 1, 0) })? == 0 {
        return Ok(None);
    }
    // SAFETY: an address of any family fits, all zeros is one, and the call gets its true size.
    let mut address: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut length = size_of_val(&address) as libc::socklen_t;
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: both pointers are valid for the length of the call.
    let fd = unsafe { libc::accept4(listener, (&raw mut address).cast(), &mut length, flags) };
    let fd = check(fd)?;
    // SAFETY: a new descriptor that nobody else owns.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    Ok(Some(Accepted {
        socket: Box::new(socket),
        peer: peer_of(&address),
    }))
}

/// The address the kernel filled in; unspecified for a family that is not IP.
fn peer_of(address: &libc::sockaddr_storage) -> SocketAddr {
    let at = &raw const *address;
    match libc::c_int::from(address.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says what the storage holds, and it is large and aligned enough for it.
            let found: libc::sockaddr_in = unsafe { *at.cast() };
            let ip = Ipv4Addr::from(u32::from_be(found.sin_addr.s_addr));
            (ip, u16::from_be(found.sin_port)).into()
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let found: libc::sockaddr_in6 = unsafe { *at.cast() };
            let ip = Ipv6Addr::from(found.sin6_addr.s6_addr).to_canonical();
            (ip, u16::from_be(found.sin6_port)).into()
        }
        _ => (IpAddr::from(Ipv4Addr::UNSPECIFIED), 0).into(),
    }
}

impl Listener for GlommioListener {
    fn accept(&self) -> LocalBoxFuture<'_, io::Result<Accepted>> {
        Box::pin(async move {
            if let Some(accepted) = accept_now(self.fd)? {
                return Ok(accepted);
            }
            // Only to wait: what was accepted must become a stream at once, else its descriptor leaks.
            let stream = self.listener.shared_accept().await?.bind_to_executor();
            let peer = stream.peer_addr()?;
            // SAFETY: F_DUPFD_CLOEXEC makes a new descriptor that nobody else owns.
            let fd = check(unsafe { libc::fcntl(stream.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3) })?;
            // The stream is dropped without a shutdown: its duplicate keeps the connection.
            Ok(Accepted {
                // SAFETY: as above.
                socket: Box::new(unsafe { OwnedFd::from_raw_fd(fd) }),
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
    /// The stream's descriptor, open as long as it is.
    fd: RawFd,
    /// Borrowed within one poll only. glommio keeps the waits of the two directions apart.
    stream: RefCell<TcpStream>,
    /// The last receive took all there was: waiting comes before the next one.
    drained: Cell<bool>,
}

impl Connection for GlommioConnection {
    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn receive_now(&self, into: &mut BytesMut) -> io::Result<Option<usize>> {
        if self.drained.get() {
            return Ok(None);
        }
        let spare = into.spare_capacity_mut();
        assert!(!spare.is_empty(), "receiving needs room");
        loop {
            // SAFETY: the pointer and length are those of the spare capacity.
            let got = unsafe {
                libc::recv(
                    self.fd,
                    spare.as_mut_ptr().cast(),
                    spare.len(),
                    libc::MSG_DONTWAIT,
                )
            };
            if got >= 0 {
                let got = got as usize;
                self.drained.set(got > 0 && got < spare.len());
                // SAFETY: the kernel has filled `got` bytes of the spare capacity.
                unsafe { into.advance_mut(got) };
                return Ok(Some(got));
            }
            let error = io::Error::last_os_error();
            match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => return Ok(None),
                _ => return Err(error),
            }
        }
    }

    fn readable(&self) -> LocalBoxFuture<'_, ()> {
        // A read of no bytes is ready when there is something to read, and takes nothing.
        Box::pin(poll_fn(|context| {
            let mut stream = self.stream.borrow_mut();
            let ready = Pin::new(&mut *stream).poll_read(context, &mut []);
            ready.map(|_| self.drained.set(false))
        }))
    }

    fn send_now(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        // SAFETY: msghdr is plain data.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        header.msg_iov = slices.as_ptr() as *mut libc::iovec;
        header.msg_iovlen = slices.len().min(SLICES_MAX);
        loop {
            let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
            // SAFETY: IoSlice has the layout of iovec; the slices live through the call, and sendmsg only reads them.
            let sent = unsafe { libc::sendmsg(self.fd, &header, flags) };
            if sent >= 0 {
                return Ok(sent as usize);
            }
            let error = io::Error::last_os_error();
            match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => return Ok(0),
                _ => return Err(error),
            }
        }
    }

    fn send_waiting<'a>(&'a self, bytes: &'a [u8]) -> LocalBoxFuture<'a, io::Result<usize>> {
        assert!(!bytes.is_empty(), "sending nothing never waits");
        Box::pin(poll_fn(move |context| {
            let mut stream = self.stream.borrow_mut();
            Pin::new(&mut *stream).poll_write(context, bytes)
        }))
    }

    fn close(&self) {
        // SAFETY: shutdown of a descriptor that this connection owns; an error (already gone) changes nothing.
        unsafe { libc::shutdown(self.fd, libc::SHUT_RDWR) };
    }
}
