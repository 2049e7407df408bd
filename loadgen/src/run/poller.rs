//! Waiting for sockets: edge-triggered epoll, a short spin before sleeping, and an account of the time spent waiting.
//!
//! Not the broker's runtime, on purpose: what measures must be cheaper than what is measured. On the runtime's rings a small
//! request costs the client as much CPU as the broker; readiness by epoll costs about a third of it, and bulk transfer the same.

use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{Timespec, epoll};

use crate::clock::{SECOND_NS, now_ns};

/// Events taken at once.
const EVENTS_MAX: usize = 256;
/// The longest sleep, so that other threads are heard, ns.
const SLEEP_NS_MAX: u64 = 20_000_000;
/// A sleep ends so much before its deadline, since waking up takes long; the rest is spun, ns.
const WAKE_UP_NS: u64 = 100_000;

/// A socket that is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// As it was added.
    pub token: usize,
    /// The other side closed it, or it broke: there is an end to be read behind what is there.
    pub ended: bool,
}

/// Waits for the sockets of one core.
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
    spin_ns: u64,
    idle_ns: u64,
}

impl Poller {
    /// Spins for `spin_ns` before each sleep.
    pub fn new(spin_ns: u64) -> std::io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(EVENTS_MAX),
            spin_ns,
            idle_ns: 0,
        })
    }

    /// Watches a socket until it is closed; it is told of by `token`.
    pub fn add(&self, socket: impl AsFd, token: usize) -> std::io::Result<()> {
        let flags = epoll::EventFlags::IN
            | epoll::EventFlags::OUT
            | epoll::EventFlags::RDHUP
            | epoll::EventFlags::ET;
        let data = epoll::EventData::new_u64(token as u64);
        Ok(epoll::add(&self.epoll, socket, data, flags)?)
    }

    /// Waits until a socket is ready, or `deadline` (ns), or a short while. Puts the ready ones into `ready`.
    pub fn wait(&mut self, deadline: u64, ready: &mut Vec<Ready>) -> std::io::Result<()> {
        ready.clear();
        self.poll(0)?;
        if self.events.is_empty() {
            let start = now_ns();
            self.wait_idle(start, deadline)?;
            self.idle_ns += now_ns() - start;
        }
        let ended = epoll::EventFlags::RDHUP | epoll::EventFlags::HUP | epoll::EventFlags::ERR;
        ready.extend(self.events.iter().map(|event| {
            let flags = event.flags;
            Ready {
                token: event.data.u64() as usize,
                ended: flags.intersects(ended),
            }
        }));
        Ok(())
    }

    /// Time spent waiting since the last call, ns.
    pub fn take_idle_ns(&mut self) -> u64 {
        std::mem::take(&mut self.idle_ns)
    }

    fn wait_idle(&mut self, start: u64, deadline: u64) -> std::io::Result<()> {
        let end = deadline.min(start + SLEEP_NS_MAX);
        let mut now = start;
        while now < end && self.events.is_empty() {
            let spin_ends = start + self.spin_ns;
            let margin = if self.spin_ns > 0 { WAKE_UP_NS } else { 0 };
            let sleep = match now >= spin_ends && end > now + margin {
                true => end - now - margin,
                false => 0,
            };
            self.poll(sleep)?;
            now = now_ns();
        }
        Ok(())
    }

    fn poll(&mut self, timeout_ns: u64) -> std::io::Result<()> {
        self.events.clear();
        let timeout = Timespec {
            tv_sec: (timeout_ns / SECOND_NS) as i64,
            tv_nsec: (timeout_ns % SECOND_NS) as i64,
        };
        let events = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, events, Some(&timeout)) {
            Ok(_) => Ok(()),
            Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_ready_socket_is_told_of_and_a_deadline_ends_the_wait() {
        let (mut here, there) = UnixStream::pair().expect("a pair");
        there.set_nonblocking(true).expect("a socket");
        let mut poller = Poller::new(50_000).expect("epoll");
        poller.add(&there, 7).expect("adds");
        let mut ready = Vec::new();
        // It can be written to.
        poller
            .wait(now_ns() + SECOND_NS, &mut ready)
            .expect("waits");
        assert_eq!(
            ready,
            [Ready {
                token: 7,
                ended: false
            }]
        );
        let deadline = now_ns() + 3_000_000;
        poller.wait(deadline, &mut ready).expect("waits");
        assert!(ready.is_empty() && now_ns() >= deadline);
        assert!(poller.take_idle_ns() >= 2_900_000);
        here.write_all(b"x").expect("writes");
        poller
            .wait(now_ns() + SECOND_NS, &mut ready)
            .expect("waits");
        assert_eq!(
            ready,
            [Ready {
                token: 7,
                ended: false
            }]
        );
        // The end that comes right behind a byte is told with it.
        here.write_all(b"y").expect("writes");
        drop(here);
        poller
            .wait(now_ns() + SECOND_NS, &mut ready)
            .expect("waits");
        assert_eq!(
            ready,
            [Ready {
                token: 7,
                ended: true
            }]
        );
        assert_eq!((&there).read(&mut [0; 8]).expect("reads"), 2);
    }
}
