//! One client connection: frames in, replies out in the order of the requests. Station 1 of the produce walk.
//!
//! Two tasks: one reads and dispatches, one sends. Produces overlap: each waits in the ring for its commit. Any other
//! request starts when all before it are answered, as in Kafka. Bytes in flight are bounded by not reading. When reading
//! ends, for whatever reason, the replies that are owed still go out. It never interprets a body.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::{Buf, Bytes, BytesMut};
use futures_lite::future::or;
use protocol::header::RequestHeader;
use smallvec::SmallVec;

use super::Server;
use super::account::Account;
use super::watch::{Look, Stage};
use crate::api::{self, Answer, Pending, Reply};
use crate::io::clock::Instant;
use crate::io::executor::Signal;
use crate::io::net::Connection;
use crate::limits::{self, CONNECTION_READ_BYTES};
use crate::router::Router;

/// Replies and slices of one send that need no allocation of their own.
const REPLIES_INLINE: usize = 4;
const SLICES_INLINE: usize = 16;

/// A connection and what is under way on it.
pub struct Client {
    server: Rc<Server>,
    connection: Rc<dyn Connection>,
    number: usize,
    ring: RefCell<VecDeque<InFlight>>,
    state: Cell<State>,
    tasks: Cell<u8>,
    stage: Cell<Stage>,
    sending: Cell<bool>,
    /// A produce without a reply failed: once what went before is sent, the connection ends.
    refused: Cell<bool>,
    /// Bytes held: requests in the ring, the one that arrives, room to read ahead.
    account: Account,
    reply_bytes: Cell<u64>,
    received_bytes: Cell<u64>,
    sent_bytes: Cell<u64>,
    requests: Cell<u64>,
    /// The ring's front may have become ready, or reading has ended.
    send_wanted: Signal,
    /// The ring has shrunk, or it is closed.
    sent: Signal,
    /// Buffers may go.
    rest_wanted: Signal,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing more is read; what is owed is sent.
    Ending,
    Closed,
}

struct InFlight {
    pending: Pending,
    begun: Begun,
}

/// A request that was cut out.
struct Begun {
    api_key: i16,
    request_bytes: u64,
    at: Instant,
}

/// Ends the connection when one of its tasks ends, also by a panic; the last one gives back what it held.
struct Task(Rc<Client>);

impl Drop for Task {
    fn drop(&mut self) {
        let client = &self.0;
        client.tasks.set(client.tasks.get() - 1);
        if client.tasks.get() > 0 && client.state.get() == State::Ending {
            return;
        }
        client.close();
        if client.tasks.get() == 0 {
            client.account.close();
            client.account_replies(client.reply_bytes.get(), 0);
            client.server.leave(client.number);
        }
    }
}

impl Client {
    pub(super) fn new(
        server: Rc<Server>,
        connection: Rc<dyn Connection>,
        number: usize,
    ) -> Rc<Self> {
        let account = Account::new(server.budget.clone(), number);
        Rc::new(Self {
            server,
            connection,
            number,
            ring: RefCell::default(),
            state: Cell::new(State::Open),
            tasks: Cell::new(2),
            stage: Cell::new(Stage::Idle),
            sending: Cell::new(false),
            refused: Cell::new(false),
            account,
            reply_bytes: Cell::new(0),
            received_bytes: Cell::new(0),
            sent_bytes: Cell::new(0),
            requests: Cell::new(0),
            send_wanted: Signal::default(),
            sent: Signal::default(),
            rest_wanted: Signal::default(),
        })
    }

    /// Starts serving.
    pub(super) fn spawn(self: Rc<Self>) {
        let executor = self.router().shard().io.executor.clone();
        let (sender, receiver) = (Task(self.clone()), Task(self));
        executor.spawn(
            "connection send",
            Box::pin(async move { sender.0.run_send().await }),
        );
        executor.spawn(
            "connection receive",
            Box::pin(async move {
                let client = &receiver.0;
                if let Err(reason) = client.run_receive().await {
                    client.server.log_refusal(client.peer(), &reason);
                }
                if client.state.get() == State::Open {
                    client.state.set(State::Ending);
                }
                client.send_wanted.set();
            }),
        );
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.connection.peer()
    }

    pub(super) fn look(&self) -> Look {
        let stage = match (self.sending.get(), self.stage.get()) {
            (true, _) => Stage::Sending,
            (false, _) if self.owes_replies() => Stage::Working,
            (false, stage) => stage,
        };
        Look {
            stage,
            received_bytes: self.received_bytes.get(),
            sent_bytes: self.sent_bytes.get(),
            requests: self.requests.get(),
        }
    }

    pub(super) fn owes_replies(&self) -> bool {
        self.sending.get()
            || !self.ring.borrow().is_empty()
            || self.stage.get() == Stage::Working && self.state.get() == State::Open
    }

    /// Lets the buffers of a connection without work go.
    pub(super) fn rest(&self) {
        self.ring.borrow_mut().shrink_to(0);
        self.rest_wanted.set();
    }

    pub(super) fn close(&self) {
        if self.state.replace(State::Closed) != State::Closed {
            self.connection.close();
        }
        self.send_wanted.set();
        self.sent.set();
    }

    fn router(&self) -> &Rc<Router> {
        &self.server.router
    }

    async fn run_receive(&self) -> Result<(), String> {
        let mut buffer = BytesMut::new();
        while let Some(frame) = self.next_frame(&mut buffer).await? {
            self.dispatch(frame).await?;
            if self.state.get() != State::Open || self.server.closing.get() {
                break;
            }
            let executor = &self.router().shard().io.executor;
            if executor.should_yield() {
                executor.yield_now().await;
            }
        }
        Ok(())
    }

    /// The next whole request, without its length; `None` at the end of the stream.
    async fn next_frame(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>, String> {
        while buffer.len() < 4 {
            if !self.fill(buffer, CONNECTION_READ_BYTES / 4).await {
                return self.end_within(buffer, 4);
            }
        }
        let bytes = 4 + self.frame_bytes(buffer)?;
        self.stage.set(Stage::Working);
        self.wait_for_ring(bytes as u64).await;
        let mut held = 0;
        while buffer.len() < bytes {
            // A length alone costs nothing: what is held at most doubles what has come.
            let next = bytes.min(CONNECTION_READ_BYTES.max(2 * buffer.len()));
            self.account.hold((next - held) as u64).await;
            held = next;
            if !self.fill(buffer, next - buffer.len()).await {
                return self.end_within(buffer, bytes);
            }
        }
        self.account.hold((bytes - held) as u64).await;
        self.account.whole();
        self.requests.set(self.requests.get() + 1);
        buffer.advance(4);
        Ok(Some(buffer.split_to(bytes - 4).freeze()))
    }

    /// The stream has ended: between requests that is how clients leave.
    fn end_within(&self, buffer: &BytesMut, bytes: usize) -> Result<Option<Bytes>, String> {
        if buffer.is_empty() || self.state.get() == State::Closed {
            return Ok(None);
        }
        let come = buffer.len();
        Err(format!(
            "the stream ended within a request: {come} of {bytes} bytes"
        ))
    }

    fn frame_bytes(&self, buffer: &BytesMut) -> Result<usize, String> {
        let length = buffer.first_chunk().expect("four bytes have come");
        let length = i32::from_be_bytes(*length);
        let max = self.router().shard().config.socket_request_bytes_max;
        usize::try_from(length)
            .ok()
            .filter(|length| *length <= max as usize)
            .ok_or_else(|| {
                format!("a request of impossible size: {length} bytes, socket.request.max.bytes is {max}")
            })
    }

    /// Receives something, with room for at least `missing` bytes or a whole read. False: the stream has ended.
    async fn fill(&self, buffer: &mut BytesMut, missing: usize) -> bool {
        loop {
            if self.state.get() == State::Closed {
                return false;
            }
            if buffer.capacity() > 0 {
                let read_bytes = self.account.read_bytes();
                if buffer.capacity() - buffer.len() < missing.min(read_bytes) {
                    buffer.reserve(missing.max(read_bytes));
                }
                match self.connection.receive_now(buffer) {
                    Ok(Some(0)) | Err(_) => return false,
                    Ok(Some(bytes)) => {
                        self.received_bytes
                            .set(self.received_bytes.get() + bytes as u64);
                        self.account.read_ahead(buffer.len() == buffer.capacity());
                        return true;
                    }
                    Ok(None) => {}
                }
            }
            self.wait_readable(buffer).await;
            if buffer.capacity() == 0 {
                buffer.reserve(self.account.read_bytes());
            }
        }
    }

    async fn wait_readable(&self, buffer: &mut BytesMut) {
        let stage = match buffer.is_empty() {
            true => Stage::Idle,
            false => Stage::Receiving,
        };
        self.stage.set(stage);
        let readable = self.connection.readable();
        if stage == Stage::Idle && buffer.capacity() > 0 {
            let rest = async {
                self.rest_wanted.wait().await;
                // Memory of requests in work is theirs; what is left over may go.
                *buffer = BytesMut::new();
                self.account.read_ahead(false);
                self.connection.readable().await;
            };
            or(readable, rest).await;
        } else {
            readable.await;
        }
        self.stage.set(Stage::Working);
    }

    /// Waits until this connection may have one more request of `bytes` in work.
    async fn wait_for_ring(&self, bytes: u64) {
        let is_full = || {
            let held = self.account.held_bytes();
            self.ring.borrow().len() >= limits::REQUESTS_IN_FLIGHT_PER_CONNECTION_MAX
                || held > 0 && held + bytes > limits::REQUEST_BYTES_PER_CONNECTION_MAX
                || self.reply_bytes.get() > limits::REPLY_BYTES_PER_CONNECTION_MAX
        };
        while is_full() && self.state.get() == State::Open {
            self.sent.wait().await;
        }
    }

    fn account_replies(&self, sent: u64, taken: u64) {
        let server = &self.server.reply_bytes;
        server.set(server.get() + taken - sent);
        self.reply_bytes.set(self.reply_bytes.get() + taken - sent);
    }

    async fn dispatch(&self, frame: Bytes) -> Result<(), String> {
        let (header, body_at) =
            RequestHeader::decode(&frame).map_err(|error| format!("no request header: {error}"))?;
        let waiting = self.server.reply_bytes.get();
        let request = api::Request {
            api_key: header.api_key,
            version: header.api_version,
            correlation_id: header.correlation_id,
            internal_client: header.client_id.as_deref() == Some(api::INTERNAL_CLIENT),
            reply_bytes_max: limits::REPLY_BYTES_PER_SHARD_MAX.saturating_sub(waiting),
            body: frame.slice(body_at..),
        };
        let request_bytes = 4 + frame.len() as u64;
        let sender = api::Sender {
            peer: self.peer().ip(),
            head: frame.slice(..body_at),
        };
        drop(frame);
        let begun = self.begin(request.api_key, request_bytes);
        if api::is_produce(&request) {
            self.wait_for_room(request_bytes as usize).await;
            let produce = api::produce::begin(self.router(), &request, &self.send_wanted)?;
            let is_last = produce.will_close();
            self.push(Pending::Produce(produce), begun);
            if is_last {
                self.wait_until_answered().await;
            }
            return Ok(());
        }
        self.wait_until_answered().await;
        if self.state.get() == State::Closed {
            return Ok(());
        }
        // Boxed, so that a connection at rest does not carry the room of the largest handler.
        match Box::pin(api::handle(self.router(), request, sender)).await {
            Answer::Reply(reply) => self.push(Pending::Ready(reply), begun),
            Answer::Close(reason) => return Err(reason),
        }
        Ok(())
    }

    async fn wait_until_answered(&self) {
        while !self.ring.borrow().is_empty() && self.state.get() != State::Closed {
            self.sent.wait().await;
        }
    }

    /// Back-pressure: while too much waits for the disk, nothing more is read from this client.
    async fn wait_for_room(&self, bytes: usize) {
        let shard = self.router().shard();
        if shard.room.is_empty() && !shard.must_wait(bytes) {
            return;
        }
        let place = shard.room.join();
        place.first().await;
        while shard.must_wait(bytes) && self.state.get() == State::Open {
            let flushed = Signal::default();
            shard.notify_after_flush(&flushed);
            flushed.wait().await;
        }
    }

    fn begin(&self, api_key: i16, request_bytes: u64) -> Begun {
        let shard = self.router().shard();
        shard.metrics.request(api_key);
        Begun {
            api_key,
            request_bytes,
            at: shard.io.clock.now(),
        }
    }

    fn push(&self, pending: Pending, begun: Begun) {
        let mut ring = self.ring.borrow_mut();
        ring.push_back(InFlight { pending, begun });
        // Behind others there is nothing to send before they are.
        if ring.len() == 1 {
            self.send_wanted.set();
        }
    }

    async fn run_send(&self) {
        let shard = self.router().shard();
        loop {
            let replies = self.take_ready();
            let is_refused = self.refused.get();
            if !replies.is_empty() && self.send(&replies).await.is_err() || is_refused {
                return;
            }
            if !replies.is_empty() {
                drop(replies);
                self.account_replies(self.reply_bytes.get(), 0);
                self.sent.set();
                if shard.io.executor.should_yield() {
                    shard.io.executor.yield_now().await;
                }
                continue;
            }
            let is_empty = self.ring.borrow().is_empty();
            match self.state.get() {
                State::Closed => return,
                State::Ending if is_empty => return,
                State::Open | State::Ending => {}
            }
            if !is_empty {
                shard.notify_after_flush(&self.send_wanted);
            }
            self.send_wanted.wait().await;
        }
    }

    /// Takes the replies at the front of the ring that are ready, as many as one send carries.
    fn take_ready(&self) -> SmallVec<[Reply; REPLIES_INLINE]> {
        let mut replies = SmallVec::new();
        let (mut slices, mut bytes) = (0, 0);
        let mut ring = self.ring.borrow_mut();
        let shard = self.router().shard();
        let now = shard.io.clock.now();
        while slices < limits::SEND_BUFFERS_MAX / 2 {
            let is_ready = |front: &mut InFlight| front.pending.is_ready(self.router());
            if !ring.front_mut().is_some_and(is_ready) {
                break;
            }
            let front = ring.pop_front().expect("just seen");
            let Begun {
                api_key,
                request_bytes,
                at,
            } = front.begun;
            self.account.release(request_bytes);
            shard.metrics.answered(api_key, now.since_ns(at));
            let reply = match front.pending.into_reply() {
                Ok(reply) => reply,
                Err(reason) => {
                    self.server.log_refusal(self.peer(), &reason);
                    self.refused.set(true);
                    break;
                }
            };
            slices += reply.slices.len();
            bytes += reply
                .slices
                .iter()
                .map(|slice| slice.len() as u64)
                .sum::<u64>();
            replies.push(reply);
        }
        self.account_replies(0, bytes);
        replies
    }

    async fn send(&self, replies: &[Reply]) -> std::io::Result<()> {
        let slices = replies.iter().flat_map(|reply| &reply.slices);
        let mut slices: SmallVec<[IoSlice<'_>; SLICES_INLINE]> = slices
            .filter(|slice| !slice.is_empty())
            .map(|slice| IoSlice::new(slice))
            .collect();
        let mut rest = &mut slices[..];
        self.sending.set(true);
        while !rest.is_empty() {
            let sent = match self.connection.send_now(rest)? {
                0 => self.connection.send_waiting(&rest[0]).await?,
                sent => sent,
            };
            if sent == 0 {
                return Err(std::io::ErrorKind::WriteZero.into());
            }
            self.sent_bytes.set(self.sent_bytes.get() + sent as u64);
            IoSlice::advance_slices(&mut rest, sent);
        }
        self.sending.set(false);
        Ok(())
    }
}
