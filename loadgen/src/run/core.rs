//! One core's loop: its sessions, their sockets and their times. One pinned thread, nothing shared but counters.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::link::Link;
use super::poller::{Poller, Ready};
use super::reconnect::{Made, Wanted};
use super::session::{Context, LinkError, Session, SessionEnd, Totals};
use crate::clock::{now_ns, thread_cpu_ns};

/// Looks for connections made again at least so often while one is missing, ns.
const AWAY_LOOK_NS: u64 = 2_000_000;

/// What came of a core.
pub struct CoreEnd {
    /// By session.
    pub sessions: Vec<SessionEnd>,
    /// In words.
    pub failures: Vec<String>,
    /// Counted.
    pub totals: Totals,
}

/// One core's loop.
pub struct Core {
    context: Context,
    poller: Poller,
    sessions: Vec<Box<dyn Session>>,
    /// When each session's entry in `times` is due; `u64::MAX`: it has none.
    scheduled: Vec<u64>,
    times: BinaryHeap<Reverse<(u64, usize)>>,
    live: usize,
    /// Sessions that are being connected again.
    away: usize,
    /// How long a lost connection is tried again, ns.
    reconnect_ns: u64,
    wanted: Sender<Wanted>,
    made: (Sender<Made>, Receiver<Made>),
    stop: Arc<AtomicBool>,
    cpu_ns: u64,
}

impl Core {
    /// A loop for these sessions; `wanted` is where lost connections are asked for.
    pub fn new(
        context: Context,
        poller: Poller,
        sessions: Vec<Box<dyn Session>>,
        (wanted, reconnect_ns): (Sender<Wanted>, u64),
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            context,
            poller,
            scheduled: vec![u64::MAX; sessions.len()],
            times: BinaryHeap::with_capacity(sessions.len()),
            live: sessions.len(),
            sessions,
            away: 0,
            reconnect_ns,
            wanted,
            made: channel(),
            stop,
            cpu_ns: 0,
        }
    }

    /// Runs until every session is done. `sockets` are the sessions' connections, in order.
    pub fn run(mut self, sockets: Vec<TcpStream>) -> std::io::Result<CoreEnd> {
        self.cpu_ns = thread_cpu_ns();
        for (session, socket) in sockets.into_iter().enumerate() {
            self.begin(session, socket);
        }
        let mut ready = Vec::new();
        while self.live > 0 {
            let now = now_ns();
            if now >= self.context.recorder.next_tick() {
                self.tick(now);
            }
            self.handle_times(now);
            if self.away > 0 {
                self.take_made();
            }
            if self.live == 0 {
                break;
            }
            let next = self.times.peek().map_or(u64::MAX, |Reverse((at, _))| *at);
            let next = next.min(self.context.recorder.next_tick());
            let look = match self.away {
                0 => u64::MAX,
                _ => now + AWAY_LOOK_NS,
            };
            self.poller.wait(next.min(look), &mut ready)?;
            let now = now_ns();
            for &Ready { token, ended } in &ready {
                self.call(token, now, |session, context| {
                    session.handle_ready(context, now, ended)
                });
            }
        }
        self.tick(now_ns());
        Ok(CoreEnd {
            sessions: self
                .sessions
                .into_iter()
                .map(|session| session.finish())
                .collect(),
            failures: self.context.failures,
            totals: self.context.totals,
        })
    }

    fn tick(&mut self, now: u64) {
        let cpu_ns = thread_cpu_ns();
        let used = cpu_ns - self.cpu_ns;
        self.cpu_ns = cpu_ns;
        self.context
            .recorder
            .tick(now, self.poller.take_idle_ns(), used);
        self.context.stopped |= self.stop.load(Ordering::Relaxed);
    }

    fn handle_times(&mut self, now: u64) {
        while let Some(&Reverse((at, session))) = self.times.peek()
            && at <= now
        {
            self.times.pop();
            if self.scheduled[session] != at {
                continue;
            }
            self.scheduled[session] = u64::MAX;
            // The deadline may have moved since: then this only schedules the new one.
            let due = self.sessions[session].next_deadline(self.context.window()) <= now;
            if due || self.context.stopped {
                self.call(session, now, |session, context| {
                    session.handle_time(context, now)
                });
            } else {
                self.schedule(session);
            }
        }
    }

    /// Lets a session act, and sees to what came of it.
    fn call(
        &mut self,
        number: usize,
        now: u64,
        act: impl FnOnce(&mut dyn Session, &mut Context) -> Result<(), LinkError>,
    ) {
        let session = &mut self.sessions[number];
        if session.is_done() {
            return;
        }
        let acted = act(session.as_mut(), &mut self.context);
        match acted {
            Ok(()) if session.is_done() => self.close(number),
            Ok(()) => self.schedule(number),
            Err(error) => self.lose(number, now, &error),
        }
    }

    fn close(&mut self, session: usize) {
        self.live -= 1;
        self.sessions[session].close(&mut self.context);
    }

    fn schedule(&mut self, session: usize) {
        let at = self.sessions[session].next_deadline(self.context.window());
        if at < self.scheduled[session] {
            self.scheduled[session] = at;
            self.times.push(Reverse((at, session)));
        }
    }

    fn begin(&mut self, session: usize, socket: TcpStream) {
        let now = now_ns();
        let link = Link::new(socket).and_then(|link| {
            self.poller.add(link.socket(), session)?;
            Ok(link)
        });
        match link {
            Ok(link) => self.call(session, now, |session, context| {
                session.begin(link, context, now)
            }),
            Err(error) => self.lose(session, now, &error.into()),
        }
    }

    fn lose(&mut self, number: usize, now: u64, error: &LinkError) {
        self.context.recorder.error();
        self.context.fail(|| error.to_string());
        let session = &mut self.sessions[number];
        let place = session.place();
        session.handle_loss(&mut self.context, now);
        if session.is_done() {
            self.close(number);
            return;
        }
        self.schedule(number);
        self.away += 1;
        let wanted = Wanted {
            session: number,
            place,
            until: now.saturating_add(self.reconnect_ns),
            reply: self.made.0.clone(),
        };
        // The thread that connects outlives every core.
        let _ = self.wanted.send(wanted);
    }

    fn take_made(&mut self) {
        while let Ok(made) = self.made.1.try_recv() {
            self.away -= 1;
            if self.sessions[made.session].is_done() {
                continue;
            }
            match made.socket {
                Ok(socket) => self.begin(made.session, socket),
                Err(error) => {
                    self.context.recorder.error();
                    self.context.fail(|| format!("given up: {error}"));
                    self.close(made.session);
                }
            }
        }
    }
}
