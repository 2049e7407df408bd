//! Producers that go on until they are stopped or their broker is gone, whose records are numbered by their offsets: what
//! was acknowledged, what may be there beside it, and what is not, is known exactly.

use std::io::Write as _;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use protocol::compression::Compression;

use crate::broker::{PATIENCE, try_connect};
use crate::wire::{
    assert_records, batch, create_topic, fetch, fetched, honest_value, produce, produced, reply,
    try_once,
};

/// NOT_LEADER_OR_FOLLOWER: the broker starts or stops; nothing was appended.
const NOT_LEADER: i16 = 6;
/// Records of one request; one request is in flight.
pub const BATCH_RECORDS: u64 = 50;

/// Why a load is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was asked to.
    Stopped,
    /// The connection was closed.
    Closed,
    /// Kafka's code of a refusal.
    Refused(i16),
}

/// One producer to a topic of its own with one partition.
pub struct Load {
    port: u16,
    topic: String,
    acknowledged: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<End>,
    end: Arc<Mutex<Option<End>>>,
}

impl Load {
    /// Begins on `topic`, which it makes.
    pub fn start(port: u16, topic: &str) -> Self {
        assert_eq!(create_topic(port, topic, 1, &[]), 0);
        Self::go_on(port, topic, 0)
    }

    /// Goes on behind the records that are there.
    pub fn go_on(port: u16, topic: &str, records: u64) -> Self {
        let acknowledged = Arc::new(AtomicU64::new(records));
        let stop = Arc::new(AtomicBool::new(false));
        let (counted, asked, name) = (acknowledged.clone(), stop.clone(), topic.to_owned());
        let end = Arc::new(Mutex::new(None));
        let told = end.clone();
        Self {
            port,
            topic: topic.to_owned(),
            acknowledged,
            stop,
            thread: std::thread::spawn(move || {
                let end = produce_all(port, &name, &counted, &asked);
                *told.lock().unwrap() = Some(end);
                end
            }),
            end,
        }
    }

    /// Records acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Waits until so many are.
    pub fn wait_for(&self, records: u64) {
        let deadline = Instant::now() + PATIENCE;
        while self.acknowledged() < records {
            let end = *self.end.lock().unwrap();
            assert_eq!(end, None, "the load of {} is to go on", self.topic);
            assert!(
                Instant::now() < deadline,
                "the load of {} waits",
                self.topic
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until it was served once more, begun after now.
    pub fn goes_on(&self) {
        self.wait_for(self.acknowledged() + 2 * BATCH_RECORDS);
    }

    /// Waits for its end, which somebody else has brought about.
    pub fn ended(self) -> (Written, End) {
        let deadline = Instant::now() + PATIENCE;
        while !self.thread.is_finished() {
            assert!(
                Instant::now() < deadline,
                "the load of {} goes on",
                self.topic
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        let acknowledged = self.acknowledged.clone();
        let end = self.thread.join().expect("a load does not fail");
        let written = Written {
            topic: self.topic,
            acknowledged: acknowledged.load(Ordering::SeqCst),
            // What was on its way when it ended may be there too.
            unanswered: if end == End::Stopped {
                0
            } else {
                BATCH_RECORDS
            },
        };
        (written, end)
    }

    /// Ends it; nothing is in flight.
    pub fn stop(self) -> Written {
        self.stop.store(true, Ordering::SeqCst);
        let (port, (written, end)) = (self.port, self.ended());
        assert_eq!(end, End::Stopped, "the load of {} at {port}", written.topic);
        written
    }
}

fn produce_all(port: u16, topic: &str, acknowledged: &AtomicU64, stop: &AtomicBool) -> End {
    let Some(mut stream) = try_connect(port) else {
        return End::Closed;
    };
    let begun = Instant::now();
    while !stop.load(Ordering::SeqCst) {
        let next = acknowledged.load(Ordering::SeqCst);
        let values: Vec<_> = (next..next + BATCH_RECORDS).map(honest_value).collect();
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        let request = produce(topic, -1, &batch(Compression::None, &values));
        if stream.write_all(&request).is_err() {
            return End::Closed;
        }
        let Some(answer) = reply(&mut stream) else {
            return End::Closed;
        };
        match produced(&answer) {
            (0, offset) => assert_eq!(offset.cast_unsigned(), next, "{topic}: offsets follow"),
            // A partition of a broker that has just started is not led for a moment.
            (NOT_LEADER, _) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            }
            (code, _) => return End::Refused(code),
        }
        acknowledged.fetch_add(BATCH_RECORDS, Ordering::SeqCst);
    }
    End::Stopped
}

/// What a load that has ended left behind.
#[derive(Debug, Clone)]
pub struct Written {
    pub topic: String,
    /// All below this offset must be there.
    pub acknowledged: u64,
    unanswered: u64,
}

impl Written {
    fn allowed(&self) -> RangeInclusive<u64> {
        self.acknowledged..=self.acknowledged + self.unanswered
    }

    /// Asserts that every acknowledged record is there, once, in order, and nothing that was not sent.
    pub fn assert_there(&self, port: u16) {
        assert_records(port, &self.topic, self.allowed());
    }

    /// Goes on where the broker's records end, which must be where it allows.
    pub fn go_on(&self, port: u16) -> Load {
        let answer = try_once(port, &fetch(&self.topic, 0, 1)).expect("a fetch is answered");
        let (code, end, _) = fetched(&answer);
        assert_eq!(code, 0, "{}", self.topic);
        let end = end.cast_unsigned();
        assert!(
            self.allowed().contains(&end),
            "{} ends at {end}, not within {:?}",
            self.topic,
            self.allowed()
        );
        Load::go_on(port, &self.topic, end)
    }
}
