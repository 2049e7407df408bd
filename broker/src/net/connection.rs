//! One client connection: frames in, replies out in the order of the requests. Station 1 of the produce walk.
//!
//! Two tasks: one reads and dispatches, one sends. Produces overlap: each waits in the ring for its commit. Any other
//! request starts when all before it are answered, as in Kafka. Bytes in flight are bounded by not reading. It never
//! interprets a body.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::rc::Rc;

use bytes::{Buf, Bytes, BytesMut};
use protocol::header::RequestHeader;

use crate::api::{self, Answer, Pending, Reply};
use crate::io::executor::Signal;
use crate::io::net::Connection;
use crate::limits;
use crate::router::Router;

/// Most slices one send carries.
const SLICES_MAX: usize = limits::SEND_BUFFERS_MAX;

struct Client {
    router: Rc<Router>,
    connection: Rc<dyn Connection>,
    ring: RefCell<VecDeque<InFlight>>,
    ring_bytes: Cell<usize>,
    /// Something in the ring may have become ready, or reading has ended.
    send_wanted: Signal,
    /// The ring has shrunk.
    sent: Signal,
    closed: Cell<bool>,
}

struct InFlight {
    pending: Pending,
    request_bytes: usize,
}

/// Serves `connection` until it ends.
pub fn spawn(router: Rc<Router>, connection: Rc<dyn Connection>) {
    let shard = router.shard().clone();
    shard.connections.set(shard.connections.get() + 1);
    let client = Rc::new(Client {
        router,
        connection,
        ring: RefCell::default(),
        ring_bytes: Cell::new(0),
        send_wanted: Signal::default(),
        sent: Signal::default(),
        closed: Cell::new(false),
    });
    let executor = shard.io.executor.clone();
    let sender = client.clone();
    executor.spawn(
        "connection send",
        Box::pin(async move { sender.run_send().await }),
    );
    executor.spawn(
        "connection receive",
        Box::pin(async move {
            if let Err(reason) = client.run_receive().await {
                shard.log_refusal(client.connection.peer(), &reason);
            }
            client.close();
            shard.connections.set(shard.connections.get() - 1);
        }),
    );
}

impl Client {
    fn close(&self) {
        if !self.closed.replace(true) {
            self.connection.close();
        }
        self.send_wanted.set();
        self.sent.set();
    }

    async fn run_receive(&self) -> Result<(), String> {
        let mut buffer = BytesMut::with_capacity(limits::CONNECTION_READ_BYTES);
        loop {
            while let Some(frame) = self.take_frame(&mut buffer)? {
                self.dispatch(frame).await?;
                if self.closed.get() {
                    return Ok(());
                }
                if self.router.shard().io.executor.should_yield() {
                    self.router.shard().io.executor.yield_now().await;
                }
            }
            while self.ring_bytes.get() > limits::REQUEST_BYTES_PER_CONNECTION_MAX as usize
                || self.ring.borrow().len() >= limits::REQUESTS_IN_FLIGHT_PER_CONNECTION_MAX
            {
                self.sent.wait().await;
                if self.closed.get() {
                    return Ok(());
                }
            }
            reserve(&mut buffer);
            match self.connection.receive(&mut buffer).await {
                Ok(0) | Err(_) => return Ok(()),
                Ok(_) if self.closed.get() => return Ok(()),
                Ok(_) => {}
            }
        }
    }

    /// The next whole request, without its length, if it has arrived.
    fn take_frame(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>, String> {
        let Some(length) = buffer.first_chunk::<4>() else {
            return Ok(None);
        };
        let length = i32::from_be_bytes(*length);
        let max = self.router.shard().config.socket_request_bytes_max;
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= max as usize);
        let Some(length) = length else {
            return Err(format!(
                "a request of an impossible size (socket.request.max.bytes is {max})"
            ));
        };
        if buffer.len() < 4 + length {
            return Ok(None);
        }
        buffer.advance(4);
        Ok(Some(buffer.split_to(length).freeze()))
    }

    async fn dispatch(&self, frame: Bytes) -> Result<(), String> {
        let (header, body_at) =
            RequestHeader::decode(&frame).map_err(|error| format!("no request header: {error}"))?;
        let request = api::Request {
            api_key: header.api_key,
            version: header.api_version,
            correlation_id: header.correlation_id,
            internal_client: header.client_id.as_deref() == Some(api::INTERNAL_CLIENT),
            body: frame.slice(body_at..),
        };
        let request_bytes = frame.len();
        if api::is_produce(&request) {
            self.wait_for_room(request_bytes).await;
            let produce = api::produce::begin(&self.router, &request, &self.send_wanted)?;
            let last = produce.will_close();
            self.push(Pending::Produce(produce), request_bytes);
            if last {
                self.wait_until_answered().await;
            }
            return Ok(());
        }
        self.wait_until_answered().await;
        if self.closed.get() {
            return Ok(());
        }
        match api::handle(&self.router, request).await {
            Answer::Reply(reply) => self.push(Pending::Ready(reply), request_bytes),
            Answer::Close(reason) => return Err(reason),
        }
        Ok(())
    }

    async fn wait_until_answered(&self) {
        while !self.ring.borrow().is_empty() && !self.closed.get() {
            self.sent.wait().await;
        }
    }

    /// Back-pressure: while too much waits for the disk, nothing more is read from this client.
    async fn wait_for_room(&self, bytes: usize) {
        while self.router.shard().must_wait(bytes) && !self.closed.get() {
            let flushed = Signal::default();
            self.router.shard().notify_after_flush(&flushed);
            flushed.wait().await;
        }
    }

    fn push(&self, pending: Pending, request_bytes: usize) {
        self.ring_bytes.set(self.ring_bytes.get() + request_bytes);
        self.ring.borrow_mut().push_back(InFlight {
            pending,
            request_bytes,
        });
        self.send_wanted.set();
    }

    async fn run_send(&self) {
        loop {
            let replies = self.take_ready();
            if !replies.is_empty() {
                if self.send(replies).await.is_err() {
                    self.close();
                    return;
                }
                self.sent.set();
                continue;
            }
            if self.closed.get() {
                return;
            }
            if !self.ring.borrow().is_empty() {
                self.router.shard().notify_after_flush(&self.send_wanted);
            }
            self.send_wanted.wait().await;
        }
    }

    /// Takes the replies at the front of the ring that are ready, as many as one send carries.
    fn take_ready(&self) -> Vec<Reply> {
        let mut ring = self.ring.borrow_mut();
        let mut replies = Vec::new();
        let mut slices = 0;
        while slices < SLICES_MAX / 2 {
            if !ring
                .front_mut()
                .is_some_and(|front| front.pending.is_ready(&self.router))
            {
                break;
            }
            let front = ring.pop_front().expect("just seen");
            self.ring_bytes
                .set(self.ring_bytes.get() - front.request_bytes);
            match front.pending.into_reply() {
                Ok(reply) => {
                    slices += reply.slices.len();
                    replies.push(reply);
                }
                Err(reason) => {
                    let shard = self.router.shard();
                    shard.log_refusal(self.connection.peer(), &reason);
                    self.close();
                    break;
                }
            }
        }
        replies
    }

    async fn send(&self, replies: Vec<Reply>) -> std::io::Result<()> {
        let all: Vec<_> = replies
            .iter()
            .flat_map(|reply| &reply.slices)
            .filter(|slice| !slice.is_empty())
            .collect();
        for some in all.chunks(SLICES_MAX) {
            let mut slices: Vec<IoSlice<'_>> =
                some.iter().map(|slice| IoSlice::new(slice)).collect();
            self.connection.send(&mut slices).await?;
        }
        Ok(())
    }
}

/// Makes room for what comes next: the rest of the request under way, grown in steps so that a length alone costs nothing.
fn reserve(buffer: &mut BytesMut) {
    let missing = match buffer.first_chunk::<4>() {
        Some(length) => {
            (i32::from_be_bytes(*length).max(0) as usize + 4).saturating_sub(buffer.len())
        }
        None => 0,
    };
    let wanted = missing.clamp(limits::CONNECTION_READ_BYTES, limits::REQUEST_GROW_BYTES);
    if buffer.capacity() - buffer.len() < wanted.min(limits::CONNECTION_READ_BYTES)
        || buffer.capacity() - buffer.len() < missing.min(wanted)
    {
        buffer.reserve(wanted.max(limits::CONNECTION_READ_BYTES_MAX.min(buffer.capacity())));
    }
}
