//! Listeners, and what the connections of one shard share: their number, the bytes they hold, the watch over them.
//!
//! Shard 0 accepts on the bootstrap port and hands connections out in turn; every shard accepts on its own port. Nothing
//! here looks into what arrives.

use std::cell::{Cell, RefCell};
use std::hash::BuildHasher as _;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use hashbrown::HashMap;

use crate::config::{Config, Origin};
use crate::io::executor::Signal;
use crate::io::net::{Accepted, Listener, SocketBuffers};
use crate::limits;
use crate::logging::{Admit, RateLimit};
use crate::router::{Hop, Router};

mod account;
mod budget;
pub mod connection;
mod watch;

use budget::Budget;
use connection::Client;
use watch::{Verdict, Watch};

/// How long accepting pauses after it failed (no descriptor left, for one). Those who wait stay in the kernel's queue.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Kinds of refusals whose lines are bounded apart.
const REFUSAL_KINDS: usize = 16;

/// The connections of one shard.
pub struct Server {
    router: Rc<Router>,
    budget: Rc<Budget>,
    /// Bytes of replies that wait for sockets.
    reply_bytes: Cell<u64>,
    clients: RefCell<Clients>,
    refusals: RefCell<[RateLimit; REFUSAL_KINDS]>,
    /// The first connection has come; the watch begins.
    arrived: Signal,
    closing: Cell<bool>,
}

#[derive(Default)]
struct Clients {
    /// By their number, which is used again.
    slots: Vec<Option<(Rc<Client>, Watch)>>,
    free: Vec<usize>,
    by_address: HashMap<IpAddr, u32>,
}

impl Clients {
    fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

impl Server {
    /// Serves what `router` reaches.
    pub fn new(router: Rc<Router>) -> Rc<Self> {
        let shard = router.shard();
        let shards = shard.io.mesh.shards() as u32;
        Rc::new(Self {
            budget: Rc::new(Budget::new(
                shard.config.request_bytes_per_shard_max(shards),
            )),
            router,
            reply_bytes: Cell::new(0),
            clients: RefCell::default(),
            refusals: RefCell::default(),
            arrived: Signal::default(),
            closing: Cell::new(false),
        })
    }

    /// Accepts until the shard stops; the connections of a `shared` port go to all shards in turn.
    pub async fn run_listener(self: Rc<Self>, listener: Rc<dyn Listener>, shared: bool) {
        let shard = self.router.shard();
        let mut next = 0;
        while !self.closing.get() {
            match listener.accept().await {
                Ok(accepted) if shared && next != shard.number => {
                    self.router.tell(next, Hop::Connection(accepted)).await;
                }
                Ok(accepted) => self.adopt(accepted),
                Err(error) => {
                    if let Some(left_out) = self.admit_line("accept") {
                        tracing::warn!(%error, left_out, "cannot accept connections; trying again");
                    }
                    shard.io.clock.sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            }
            next = (next + 1) % shard.io.mesh.shards() as u32;
            if shard.io.executor.should_yield() {
                shard.io.executor.yield_now().await;
            }
        }
    }

    /// Makes a connection this shard's own and serves it, unless there are too many. A refused one is closed.
    pub fn adopt(self: &Rc<Self>, accepted: Accepted) {
        let peer = accepted.peer;
        if let Err(reason) = self.may_come(peer.ip()) {
            return self.log_refusal(peer, reason);
        }
        let shard = self.router.shard();
        let connection = match shard.io.net.adopt(accepted, socket_buffers(&shard.config)) {
            Ok(connection) => connection,
            Err(error) => return self.log_refusal(peer, &format!("its socket fails: {error}")),
        };
        let mut clients = self.clients.borrow_mut();
        *clients.by_address.entry(peer.ip()).or_insert(0) += 1;
        let number = clients.free.pop().unwrap_or(clients.slots.len());
        if number == clients.slots.len() {
            clients.slots.push(None);
        }
        let client = Client::new(self.clone(), connection, number);
        clients.slots[number] = Some((client.clone(), Watch::new(self.now_ms())));
        drop(clients);
        let metrics = &shard.metrics;
        metrics.accepted.add(1);
        metrics.connections.set(metrics.connections.get() + 1);
        self.arrived.set();
        client.spawn();
    }

    fn may_come(&self, address: IpAddr) -> Result<(), &'static str> {
        let clients = self.clients.borrow();
        let config = self.router.shard().settings();
        let from_there = clients.by_address.get(&address).copied().unwrap_or(0);
        if self.closing.get() {
            Err("the broker stops")
        } else if clients.len() >= config.connections_max as usize {
            Err("too many connections on this shard (max.connections)")
        } else if from_there >= config.connections_per_ip_max {
            Err("too many connections from its address (max.connections.per.ip)")
        } else {
            Ok(())
        }
    }

    /// The connection with this number has ended.
    fn leave(&self, number: usize) {
        let mut clients = self.clients.borrow_mut();
        let (client, _) = clients.slots[number].take().expect("it leaves once");
        clients.free.push(number);
        let connections = &self.router.shard().metrics.connections;
        connections.set(connections.get() - 1);
        let address = client.peer().ip();
        let from_there = clients
            .by_address
            .get_mut(&address)
            .expect("it was counted");
        *from_there -= 1;
        if *from_there == 0 {
            clients.by_address.remove(&address);
        }
    }

    /// Looks at every connection now and then: closes those that are silent for too long or stalled, and lets the
    /// buffers of those at rest go.
    pub async fn run_watch(self: Rc<Self>) {
        let shard = self.router.shard();
        let idle_ms_max = shard.config.connections_idle_ms_max;
        let interval_ms = idle_ms_max.map_or(limits::WATCH_INTERVAL_MS, |idle| {
            limits::WATCH_INTERVAL_MS.min(idle / 4).max(10)
        });
        loop {
            if self.clients.borrow().len() == 0 {
                self.arrived.wait().await;
            }
            shard
                .io
                .clock
                .sleep(Duration::from_millis(interval_ms))
                .await;
            let mut first = 0;
            while first < self.clients.borrow().slots.len() {
                self.look_at(first, idle_ms_max);
                first += limits::WATCHED_PER_TURN;
                shard.io.executor.yield_now().await;
            }
        }
    }

    fn look_at(&self, first: usize, idle_ms_max: Option<u64>) {
        let now_ms = self.now_ms();
        let short = self.budget.is_short()
            || self.reply_bytes.get() > limits::REPLY_BYTES_PER_SHARD_MAX / 2;
        let mut clients = self.clients.borrow_mut();
        let slots = clients
            .slots
            .iter_mut()
            .skip(first)
            .take(limits::WATCHED_PER_TURN);
        for (client, watch) in slots.flatten() {
            match watch.judge(client.look(), now_ms, idle_ms_max, short) {
                Verdict::Keep => {}
                Verdict::Rest => client.rest(),
                Verdict::Idle => {
                    tracing::debug!(peer = %client.peer(), "closing an idle connection");
                    client.close();
                }
                Verdict::Stalled(reason) => {
                    self.log_refusal(client.peer(), reason);
                    client.close();
                }
            }
        }
    }

    /// Takes no more connections, and waits until every reply under way is with its client, or `patience` is over.
    pub async fn drain(&self, patience: Duration) {
        self.closing.set(true);
        let clock = &self.router.shard().io.clock;
        let deadline = clock.now().plus_ms(patience.as_millis() as u64);
        while self.owes_replies() && clock.now() < deadline {
            clock.sleep(Duration::from_millis(1)).await;
        }
    }

    fn owes_replies(&self) -> bool {
        let clients = self.clients.borrow();
        clients
            .slots
            .iter()
            .flatten()
            .any(|(client, _)| client.owes_replies())
    }

    /// One line about a connection that is closed; lines of one kind are bounded.
    fn log_refusal(&self, peer: SocketAddr, reason: &str) {
        self.router.shard().metrics.refused.add(1);
        // What a reason says after its first number or colon is the case, not the kind.
        let kind = reason
            .split(|c: char| c == ':' || c.is_ascii_digit())
            .next();
        if let Some(left_out) = self.admit_line(kind.unwrap_or_default()) {
            tracing::warn!(%peer, reason, left_out, "closing a connection");
        }
    }

    fn admit_line(&self, kind: &str) -> Option<u64> {
        let place = foldhash::fast::FixedState::default().hash_one(kind) as usize % REFUSAL_KINDS;
        match self.refusals.borrow_mut()[place].admit(self.now_ms()) {
            Admit::Line { left_out } => Some(left_out),
            Admit::Quiet => None,
        }
    }

    fn now_ms(&self) -> u64 {
        self.router.shard().io.clock.now().0 / 1_000_000
    }
}

/// The kernel's buffers follow the load by themselves; a size is set only where one was asked for.
fn socket_buffers(config: &Config) -> SocketBuffers {
    let asked = |name, bytes| match config.origin(name) {
        Origin::Default => None,
        _ => bytes,
    };
    SocketBuffers {
        send_bytes: asked("socket.send.buffer.bytes", config.socket_send_buffer_bytes),
        receive_bytes: asked(
            "socket.receive.buffer.bytes",
            config.socket_receive_buffer_bytes,
        ),
    }
}

/// How many connections the kernel holds until they are accepted.
pub fn backlog(config: &Config) -> u32 {
    match config.origin("socket.listen.backlog.size") {
        Origin::Default => limits::LISTEN_BACKLOG,
        _ => config.socket_listen_backlog,
    }
}
