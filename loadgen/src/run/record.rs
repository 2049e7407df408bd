//! What one core counts: by the second, handed to the main thread as each second ends, and a few numbers that may be read at any time.
//! Does no IO and reads no clock; latencies that count are those of requests *due* in the measured window, whenever answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use crate::clock::SECOND_NS;
use crate::histogram::Durations;

/// What a core has counted since the run began. One writer; others read.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Tally {
    /// Records acknowledged or, with acks=0, sent.
    pub produced: AtomicU64,
    /// Bytes of their values.
    pub produced_bytes: AtomicU64,
    /// Records consumed.
    pub consumed: AtomicU64,
    /// Bytes consumed: of values where they were looked at, else of batches.
    pub consumed_bytes: AtomicU64,
    /// Requests refused, and connections lost.
    pub errors: AtomicU64,
}

fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

/// The measured part of a run, CLOCK_MONOTONIC, ns.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// End of the warm-up.
    pub start: u64,
    /// `u64::MAX` while it is not known.
    pub end: u64,
}

impl Window {
    /// Whether a moment is measured.
    pub fn contains(self, ns: u64) -> bool {
        (self.start..self.end).contains(&ns)
    }
}

/// What a core counted in one second.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Which core.
    pub core: usize,
    /// Seconds after the window's start; negative in the warm-up.
    pub second: i64,
    /// How long it lasted, ns: about a second, the last one less.
    pub span_ns: u64,
    /// Of that, how long the core waited with nothing to do, ns.
    pub idle_ns: u64,
    /// CPU time of its thread, ns.
    pub cpu_ns: u64,
    /// When a record was counted last, CLOCK_MONOTONIC, ns.
    pub last_ns: u64,
    /// Records acknowledged.
    pub produced: u64,
    /// Bytes of their values.
    pub produced_bytes: u64,
    /// Produce requests answered.
    pub produce_requests: u64,
    /// Records consumed.
    pub consumed: u64,
    /// Bytes of them.
    pub consumed_bytes: u64,
    /// Fetch requests answered.
    pub fetch_requests: u64,
    /// Batches due or sent.
    pub batches: u64,
    /// Of these, sent more than a millisecond after they were due.
    pub late: u64,
    /// Of these, due and never sent.
    pub unsent: u64,
    /// From due to acknowledged; closed loop: from sent.
    pub response: Durations,
    /// From sent to acknowledged.
    pub service: Durations,
    /// From due, or from when there was room if that came later, to sent: the generator's own delay.
    pub slip: Durations,
    /// From due to seen by a consumer.
    pub end_to_end: Durations,
    /// From fetch to answer.
    pub fetch: Durations,
}

impl Sample {
    /// Adds another core's second.
    pub fn merge(&mut self, other: &Self) {
        self.span_ns = self.span_ns.max(other.span_ns);
        self.idle_ns += other.idle_ns;
        self.cpu_ns += other.cpu_ns;
        self.last_ns = self.last_ns.max(other.last_ns);
        self.produced += other.produced;
        self.produced_bytes += other.produced_bytes;
        self.produce_requests += other.produce_requests;
        self.consumed += other.consumed;
        self.consumed_bytes += other.consumed_bytes;
        self.fetch_requests += other.fetch_requests;
        self.batches += other.batches;
        self.late += other.late;
        self.unsent += other.unsent;
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.slip.merge(&other.slip);
        self.end_to_end.merge(&other.end_to_end);
        self.fetch.merge(&other.fetch);
    }
}

/// Later than this is late, ns.
const LATE_NS: u64 = 1_000_000;

/// Counts for one core.
pub struct Recorder {
    tally: Arc<Tally>,
    window: Window,
    sample: Sample,
    sample_start: u64,
    next: u64,
    sender: Sender<Box<Sample>>,
}

impl Recorder {
    /// Counts from `start` on, in seconds that begin at the window's start.
    pub fn new(
        core: usize,
        start: u64,
        window: Window,
        tally: Arc<Tally>,
        sender: Sender<Box<Sample>>,
    ) -> Self {
        let ahead = window.start.saturating_sub(start).div_ceil(SECOND_NS);
        let next = match ahead {
            0 => window.start + SECOND_NS,
            ahead => window.start - (ahead - 1) * SECOND_NS,
        };
        let sample = Sample {
            core,
            second: -(ahead as i64),
            ..Sample::default()
        };
        Self {
            tally,
            window,
            sample,
            sample_start: start,
            next,
            sender,
        }
    }

    /// The measured window.
    pub fn window(&self) -> Window {
        self.window
    }

    /// When the second ends, ns.
    pub fn next_tick(&self) -> u64 {
        self.next
    }

    /// Ends the second. `idle_ns` and `cpu_ns` are those since the last tick.
    pub fn tick(&mut self, now: u64, idle_ns: u64, cpu_ns: u64) {
        let (core, second) = (self.sample.core, self.sample.second);
        let mut ended = std::mem::take(&mut self.sample);
        ended.span_ns = now - self.sample_start;
        ended.idle_ns = idle_ns;
        ended.cpu_ns = cpu_ns;
        // Nobody listens only if this run has failed already.
        let _ = self.sender.send(Box::new(ended));
        let passed = (now.saturating_sub(self.next) / SECOND_NS + 1) as i64;
        self.sample.core = core;
        self.sample.second = second + passed;
        self.sample_start = now;
        self.next += passed as u64 * SECOND_NS;
    }

    /// A batch was sent: due then (or, closed loop, `None`), with room from `ready` on.
    pub fn sent(&mut self, now: u64, due: Option<u64>, ready: u64) {
        let Some(due) = due else { return };
        if self.window.contains(due) {
            self.sample.batches += 1;
            self.sample.late += u64::from(now.saturating_sub(due) > LATE_NS);
            self.sample
                .slip
                .record(now.saturating_sub(due.max(ready)), 1);
        }
    }

    /// A batch that was due will never be sent: its latency is at least what it waited.
    pub fn unsent(&mut self, now: u64, due: u64, records: u64) {
        if self.window.contains(due) {
            self.sample.batches += 1;
            self.sample.late += 1;
            self.sample.unsent += 1;
            self.sample
                .response
                .record(now.saturating_sub(due), records);
        }
    }

    /// A batch was acknowledged.
    pub fn acknowledged(&mut self, now: u64, due: u64, sent: u64, (records, bytes): (u64, u64)) {
        add(&self.tally.produced, records);
        add(&self.tally.produced_bytes, bytes);
        if self.window.contains(due) {
            self.sample
                .response
                .record(now.saturating_sub(due), records);
            self.sample
                .service
                .record(now.saturating_sub(sent), records);
        }
        if now < self.window.end {
            self.sample.last_ns = now;
            self.sample.produced += records;
            self.sample.produced_bytes += bytes;
            self.sample.produce_requests += 1;
        }
    }

    /// A batch came without an answer to wait for (acks=0).
    pub fn sent_unanswered(&mut self, now: u64, (records, bytes): (u64, u64)) {
        add(&self.tally.produced, records);
        add(&self.tally.produced_bytes, bytes);
        if now < self.window.end {
            self.sample.last_ns = now;
            self.sample.produced += records;
            self.sample.produced_bytes += bytes;
            self.sample.produce_requests += 1;
        }
    }

    /// A batch was consumed; `due` if its stamp says so.
    pub fn consumed(&mut self, now: u64, due: Option<u64>, (records, bytes): (u64, u64)) {
        add(&self.tally.consumed, records);
        add(&self.tally.consumed_bytes, bytes);
        if let Some(due) = due
            && self.window.contains(due)
        {
            self.sample
                .end_to_end
                .record(now.saturating_sub(due), records);
        }
        if now < self.window.end {
            self.sample.last_ns = now;
            self.sample.consumed += records;
            self.sample.consumed_bytes += bytes;
        }
    }

    /// A fetch was answered.
    pub fn fetched(&mut self, now: u64, sent: u64) {
        if self.window.contains(sent) {
            self.sample.fetch.record(now.saturating_sub(sent), 1);
        }
        self.sample.fetch_requests += u64::from(now < self.window.end);
    }

    /// A request was refused, or a connection lost.
    pub fn error(&mut self) {
        add(&self.tally.errors, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const S: u64 = SECOND_NS;

    fn recorder(start: u64, window: Window) -> (Recorder, mpsc::Receiver<Box<Sample>>) {
        let (sender, samples) = mpsc::channel();
        let recorder = Recorder::new(3, start, window, Arc::default(), sender);
        (recorder, samples)
    }

    #[test]
    fn seconds_begin_at_the_windows_start_and_the_warm_up_is_before_it() {
        let window = Window {
            start: 12 * S + S / 2,
            end: 20 * S,
        };
        let (mut recorder, samples) = recorder(11 * S, window);
        let mut seconds = Vec::new();
        for now in [11 * S + S / 2, 12 * S + S / 2, 13 * S + S / 2, 16 * S] {
            assert!(recorder.next_tick() <= now);
            recorder.tick(now, 1, 2);
            seconds.push(samples.recv().expect("a sample").second);
        }
        // The core was held up for two seconds: the one after is number 3.
        assert_eq!(seconds, [-2, -1, 0, 1]);
        assert_eq!(recorder.sample.second, 3);
        assert_eq!(recorder.next_tick(), 16 * S + S / 2);
    }

    #[test]
    fn what_was_due_in_the_window_counts_whenever_it_is_answered() {
        let window = Window {
            start: S,
            end: 2 * S,
        };
        let (mut recorder, samples) = recorder(0, window);
        recorder.acknowledged(S + 5, S - 5, S - 5, (10, 100));
        recorder.acknowledged(2 * S + 7, S + 7, S + 9, (10, 100));
        recorder.unsent(3 * S, 2 * S - 1, 10);
        recorder.unsent(3 * S, 2 * S, 10);
        recorder.tick(3 * S, 0, 0);
        let sample = samples.recv().expect("a sample");
        assert_eq!((sample.produced, sample.unsent), (10, 1));
        assert_eq!(sample.response.count(), 20);
        assert!(sample.response.at(0.5).abs_diff(S) < S / 500);
    }
}
