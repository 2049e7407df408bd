//! When a quiet or slow connection is closed: rules over what a connection has moved, looked at every few seconds. Pure;
//! the requests themselves pay nothing for it.

use crate::limits;

/// What a connection is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Between requests, nothing is owed either way.
    Idle,
    /// A part of a request has come; the rest is waited for.
    Receiving,
    /// A request is in work here, or waits for room.
    Working,
    /// The peer has to take a reply.
    Sending,
}

/// A connection at one look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// What it is at.
    pub stage: Stage,
    /// Bytes received so far.
    pub received_bytes: u64,
    /// Bytes sent so far.
    pub sent_bytes: u64,
    /// Requests that have come whole so far.
    pub requests: u64,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Keep,
    /// It is at rest: its buffers may go.
    Rest,
    /// It was silent for longer than `connections.max.idle.ms`; no fault of anybody.
    Idle,
    /// It holds memory and does not go on.
    Stalled(&'static str),
}

/// What the looks before have seen.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    seen: Look,
    /// When that was, milliseconds of any clock.
    since_ms: u64,
}

impl Watch {
    /// A connection that has just come.
    pub fn new(now_ms: u64) -> Self {
        let seen = Look {
            stage: Stage::Idle,
            received_bytes: 0,
            sent_bytes: 0,
            requests: 0,
        };
        Self {
            seen,
            since_ms: now_ms,
        }
    }

    /// Judges a connection at `now_ms`. `idle_ms_max`: the setting; `short`: others wait for memory.
    pub fn judge(
        &mut self,
        look: Look,
        now_ms: u64,
        idle_ms_max: Option<u64>,
        short: bool,
    ) -> Verdict {
        if self.goes_on(&look) {
            self.seen = look;
            self.since_ms = now_ms;
            return Verdict::Keep;
        }
        let quiet_ms = now_ms.saturating_sub(self.since_ms);
        let stall_ms = |ms: u64| {
            if short {
                limits::STALL_MS_MAX_WHEN_SHORT
            } else {
                ms
            }
        };
        match look.stage {
            Stage::Working => Verdict::Keep,
            Stage::Idle if idle_ms_max.is_some_and(|max| quiet_ms >= max) => Verdict::Idle,
            Stage::Idle => Verdict::Rest,
            Stage::Sending if quiet_ms >= stall_ms(limits::SEND_STALL_MS_MAX) => {
                Verdict::Stalled("it takes no replies")
            }
            Stage::Receiving if quiet_ms >= stall_ms(limits::RECEIVE_STALL_MS_MAX) => {
                Verdict::Stalled("its request does not go on")
            }
            Stage::Sending | Stage::Receiving => Verdict::Keep,
        }
    }

    /// Whether the clock starts anew: another stage, or enough has moved.
    fn goes_on(&self, look: &Look) -> bool {
        let seen = &self.seen;
        let received = look.received_bytes - seen.received_bytes;
        look.stage != seen.stage
            || look.requests != seen.requests
            || match look.stage {
                Stage::Working => true,
                Stage::Idle => received > 0,
                Stage::Sending => look.sent_bytes != seen.sent_bytes,
                // One byte now and then does not count as going on.
                Stage::Receiving => received >= limits::RECEIVE_STALL_BYTES,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(stage: Stage, received_bytes: u64, sent_bytes: u64, requests: u64) -> Look {
        Look {
            stage,
            received_bytes,
            sent_bytes,
            requests,
        }
    }

    const IDLE: Option<u64> = Some(600_000);

    #[test]
    fn a_silent_connection_rests_and_is_closed_after_its_time() {
        let mut watch = Watch::new(1000);
        let silent = look(Stage::Idle, 0, 0, 0);
        assert_eq!(watch.judge(silent, 2000, IDLE, false), Verdict::Rest);
        assert_eq!(watch.judge(silent, 600_999, IDLE, true), Verdict::Rest);
        assert_eq!(watch.judge(silent, 601_000, IDLE, false), Verdict::Idle);
        assert_eq!(watch.judge(silent, u64::MAX, None, false), Verdict::Rest);
    }

    #[test]
    fn requests_start_its_time_anew() {
        let mut watch = Watch::new(0);
        assert_eq!(
            watch.judge(look(Stage::Idle, 99, 50, 1), 599_999, IDLE, false),
            Verdict::Keep
        );
        assert_eq!(
            watch.judge(look(Stage::Idle, 99, 50, 1), 1_199_998, IDLE, false),
            Verdict::Rest
        );
        assert_eq!(
            watch.judge(look(Stage::Idle, 99, 50, 1), 1_199_999, IDLE, false),
            Verdict::Idle
        );
    }

    #[test]
    fn a_request_that_trickles_in_is_stalled_however_busy_it_looks() {
        let mut watch = Watch::new(0);
        let mut verdict = Verdict::Keep;
        for second in 1..=61u64 {
            verdict = watch.judge(
                look(Stage::Receiving, second, 0, 0),
                second * 1000,
                IDLE,
                false,
            );
        }
        assert!(matches!(verdict, Verdict::Stalled(_)));
        let mut watch = Watch::new(0);
        for second in 1..=600u64 {
            let fast = look(Stage::Receiving, second * 20_000, 0, 0);
            assert_eq!(watch.judge(fast, second * 1000, IDLE, false), Verdict::Keep);
        }
    }

    #[test]
    fn a_peer_that_takes_no_replies_is_stalled_sooner_when_memory_is_short() {
        let mut watch = Watch::new(0);
        let stuck = look(Stage::Sending, 100, 5000, 7);
        assert_eq!(watch.judge(stuck, 1000, IDLE, false), Verdict::Keep);
        assert_eq!(watch.judge(stuck, 60_999, IDLE, false), Verdict::Keep);
        assert!(matches!(
            watch.judge(stuck, 61_000, IDLE, false),
            Verdict::Stalled(_)
        ));
        assert!(matches!(
            watch.judge(stuck, 11_000, IDLE, true),
            Verdict::Stalled(_)
        ));
        let moving = look(Stage::Sending, 100, 5001, 7);
        assert_eq!(watch.judge(moving, 61_000, IDLE, true), Verdict::Keep);
    }

    #[test]
    fn work_of_ours_is_never_held_against_the_peer() {
        let mut watch = Watch::new(0);
        for hour in 1..10u64 {
            let working = look(Stage::Working, 100, 0, 1);
            assert_eq!(
                watch.judge(working, hour * 3_600_000, IDLE, true),
                Verdict::Keep
            );
        }
    }
}
