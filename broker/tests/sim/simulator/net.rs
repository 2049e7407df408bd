//! Connections between clients and one process, without sockets: bytes go into a bounded pipe each way, in pieces of any
//! size. When the process ends, all of them break.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::task::Poll;

use broker::io::LocalBoxFuture;
use broker::io::net::{Accepted, Connection, Listener, Net, SocketBuffers};
use bytes::{BufMut, BytesMut};

use super::random::Random;
use super::world::Wakers;

/// The ports and connections of one process. Cheap to clone.
#[derive(Clone)]
pub struct SimNet(Rc<Inner>);

struct Inner {
    random: Random,
    /// Bytes that one direction holds.
    window_bytes: usize,
    ports: RefCell<BTreeMap<u16, Rc<Port>>>,
    /// By number; those not yet adopted too.
    links: RefCell<BTreeMap<u64, Rc<Link>>>,
    next_link: Cell<u64>,
}

#[derive(Default)]
struct Port {
    waiting: RefCell<VecDeque<u64>>,
    arrived: Wakers,
}

/// One connection.
struct Link {
    to_server: Pipe,
    to_client: Pipe,
    /// Neither end gives or takes any more.
    broken: Cell<bool>,
}

#[derive(Default)]
struct Pipe {
    bytes: RefCell<VecDeque<u8>>,
    changed: Wakers,
}

impl Link {
    fn break_off(&self) {
        self.broken.set(true);
        self.to_server.changed.wake();
        self.to_client.changed.wake();
    }
}

impl SimNet {
    /// No ports and no connections.
    pub fn new(window_bytes: usize, random: Random) -> Self {
        Self(Rc::new(Inner {
            random,
            window_bytes,
            ports: RefCell::default(),
            links: RefCell::default(),
            next_link: Cell::new(0),
        }))
    }

    /// Connects to `port`; `None`: nobody listens there.
    pub fn connect(&self, port: u16) -> Option<Client> {
        let port = self.0.ports.borrow().get(&port)?.clone();
        let number = self.0.next_link.get();
        self.0.next_link.set(number + 1);
        let link = Rc::new(Link {
            to_server: Pipe::default(),
            to_client: Pipe::default(),
            broken: Cell::new(false),
        });
        self.0.links.borrow_mut().insert(number, link.clone());
        port.waiting.borrow_mut().push_back(number);
        port.arrived.wake();
        Some(Client {
            net: self.clone(),
            link,
        })
    }

    /// The process ends: every connection breaks, and what is on the way to a client is lost or arrives.
    pub fn break_all(&self) {
        self.0.ports.borrow_mut().clear();
        for link in std::mem::take(&mut *self.0.links.borrow_mut()).into_values() {
            if self.0.random.one_in(2) {
                link.to_client.bytes.borrow_mut().clear();
            }
            link.break_off();
        }
    }
}

impl Net for SimNet {
    fn listen(&self, address: SocketAddr, _: u32) -> io::Result<Rc<dyn Listener>> {
        let port = Rc::new(Port::default());
        let mut ports = self.0.ports.borrow_mut();
        if ports.insert(address.port(), port.clone()).is_some() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        Ok(Rc::new(SimListener { address, port }))
    }

    fn adopt(&self, accepted: Accepted, _: SocketBuffers) -> io::Result<Rc<dyn Connection>> {
        let number = accepted.socket.downcast::<u64>();
        let number = number.expect("this net accepted it");
        let link = self.0.links.borrow().get(&number).cloned();
        Ok(Rc::new(SimConnection {
            net: self.clone(),
            number: *number,
            link: link.ok_or(io::ErrorKind::ConnectionReset)?,
        }))
    }
}

struct SimListener {
    address: SocketAddr,
    port: Rc<Port>,
}

impl Listener for SimListener {
    fn accept(&self) -> LocalBoxFuture<'_, io::Result<Accepted>> {
        Box::pin(poll_fn(|context| {
            match self.port.waiting.borrow_mut().pop_front() {
                Some(number) => Poll::Ready(Ok(Accepted {
                    socket: Box::new(number) as Box<dyn Any + Send>,
                    peer: (Ipv4Addr::LOCALHOST, number as u16).into(),
                })),
                None => {
                    self.port.arrived.add(context);
                    Poll::Pending
                }
            }
        }))
    }

    fn local_address(&self) -> SocketAddr {
        self.address
    }
}

/// The broker's end.
struct SimConnection {
    net: SimNet,
    number: u64,
    link: Rc<Link>,
}

impl SimConnection {
    /// What goes through at once of that many bytes.
    fn piece(&self, bytes: usize) -> usize {
        match self.net.0.random.one_in(4) {
            true => 1 + self.net.0.random.index(bytes),
            false => bytes,
        }
    }
}

impl Drop for SimConnection {
    fn drop(&mut self) {
        self.link.break_off();
        self.net.0.links.borrow_mut().remove(&self.number);
    }
}

impl Connection for SimConnection {
    fn peer(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number as u16).into()
    }

    fn receive_now(&self, into: &mut BytesMut) -> io::Result<Option<usize>> {
        let spare = into.capacity() - into.len();
        assert!(spare > 0, "receiving needs room");
        let mut bytes = self.link.to_server.bytes.borrow_mut();
        if bytes.is_empty() {
            return match self.link.broken.get() {
                true => Ok(Some(0)),
                false => Ok(None),
            };
        }
        let count = self.piece(bytes.len().min(spare));
        let (first, second) = bytes.as_slices();
        let first = &first[..first.len().min(count)];
        into.put_slice(first);
        into.put_slice(&second[..count - first.len()]);
        bytes.drain(..count);
        self.link.to_server.changed.wake();
        Ok(Some(count))
    }

    fn readable(&self) -> LocalBoxFuture<'_, ()> {
        Box::pin(poll_fn(|context| {
            let pipe = &self.link.to_server;
            if self.link.broken.get() || !pipe.bytes.borrow().is_empty() {
                return Poll::Ready(());
            }
            pipe.changed.add(context);
            Poll::Pending
        }))
    }

    fn send_now(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.link.broken.get() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut bytes = self.link.to_client.bytes.borrow_mut();
        let room = self.net.0.window_bytes.saturating_sub(bytes.len());
        let whole: usize = slices.iter().map(|slice| slice.len()).sum();
        if room == 0 || whole == 0 {
            return Ok(0);
        }
        let count = self.piece(whole.min(room));
        let mut left = count;
        for slice in slices {
            let part = slice.len().min(left);
            bytes.extend(&slice[..part]);
            left -= part;
        }
        self.link.to_client.changed.wake();
        Ok(count)
    }

    fn send_waiting<'a>(&'a self, bytes: &'a [u8]) -> LocalBoxFuture<'a, io::Result<usize>> {
        Box::pin(poll_fn(|context| {
            match self.send_now(&[IoSlice::new(bytes)]) {
                Ok(0) => {
                    self.link.to_client.changed.add(context);
                    Poll::Pending
                }
                sent => Poll::Ready(sent),
            }
        }))
    }

    fn close(&self) {
        self.link.break_off();
    }
}

/// A client's end. Dropped, the connection breaks.
pub struct Client {
    net: SimNet,
    link: Rc<Link>,
}

/// The connection is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

impl Drop for Client {
    fn drop(&mut self) {
        self.link.break_off();
    }
}

impl Client {
    /// Sends all of `bytes`, waiting while the broker does not read.
    pub async fn send(&self, mut bytes: &[u8]) -> Result<(), Broken> {
        poll_fn(|context| {
            if self.link.broken.get() {
                return Poll::Ready(Err(Broken));
            }
            let pipe = &self.link.to_server;
            let mut queued = pipe.bytes.borrow_mut();
            let room = self.net.0.window_bytes.saturating_sub(queued.len());
            let part = bytes.len().min(room);
            if part > 0 {
                queued.extend(&bytes[..part]);
                bytes = &bytes[part..];
                pipe.changed.wake();
            }
            if bytes.is_empty() {
                return Poll::Ready(Ok(()));
            }
            pipe.changed.add(context);
            Poll::Pending
        })
        .await
    }

    /// The next frame, without its length.
    pub async fn receive(&self) -> Result<Vec<u8>, Broken> {
        let length = self.exactly(4).await?;
        let length = u32::from_be_bytes(length.try_into().expect("four bytes"));
        self.exactly(length as usize).await
    }

    async fn exactly(&self, count: usize) -> Result<Vec<u8>, Broken> {
        let mut out = Vec::with_capacity(count);
        poll_fn(|context| {
            let pipe = &self.link.to_client;
            let mut bytes = pipe.bytes.borrow_mut();
            let part = bytes.len().min(count - out.len());
            if part > 0 {
                out.extend(bytes.drain(..part));
                pipe.changed.wake();
            }
            if out.len() == count {
                return Poll::Ready(Ok(std::mem::take(&mut out)));
            }
            if self.link.broken.get() {
                return Poll::Ready(Err(Broken));
            }
            pipe.changed.add(context);
            Poll::Pending
        })
        .await
    }
}
