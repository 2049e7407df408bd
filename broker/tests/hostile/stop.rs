//! Stops: clean under load, at once when asked twice, and by force. Nothing acknowledged is lost in any.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use protocol::compression::Compression;
use tempfile::tempdir;

use crate::broker::{Broker, PATIENCE, connect};
use crate::wire::{
    Body, FETCH, assert_records, batch, create_topic, frame, honest_value, produce, produced,
};

/// The promise for a stop under load.
const STOP_MAX: Duration = Duration::from_secs(10);

/// A producer that goes on until its broker is gone, and counts what was acknowledged.
struct Load {
    topic: String,
    acknowledged: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Load {
    fn start(port: u16, number: usize) -> Self {
        let topic = format!("load-{number}");
        assert_eq!(create_topic(port, &topic, 1, &[]), 0);
        let acknowledged = Arc::new(AtomicU64::new(0));
        let (counted, name) = (acknowledged.clone(), topic.clone());
        let thread = std::thread::spawn(move || {
            let mut stream = connect(port);
            loop {
                let next = counted.load(Ordering::SeqCst);
                let values: Vec<_> = (next..next + 50).map(honest_value).collect();
                let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
                let records = batch(Compression::None, &values);
                if stream.write_all(&produce(&name, -1, &records)).is_err() {
                    return;
                }
                let Some(answer) = crate::wire::reply(&mut stream) else {
                    return;
                };
                match produced(&answer) {
                    (0, _) => drop(counted.fetch_add(50, Ordering::SeqCst)),
                    // NOT_LEADER_OR_FOLLOWER: it stops, nothing was appended.
                    (6, _) => return,
                    (code, _) => panic!("a stop is no failure: {code}"),
                }
            }
        });
        Self {
            topic,
            acknowledged,
            thread,
        }
    }

    fn wait_for(&self, records: u64) {
        let deadline = std::time::Instant::now() + PATIENCE;
        while self.acknowledged.load(Ordering::SeqCst) < records {
            assert!(std::time::Instant::now() < deadline, "the load waits");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Starts a broker under load, lets `end` end it, and looks for every acknowledged record after another start.
fn ends_under_load(end: impl FnOnce(&mut Broker)) {
    let data = tempdir().unwrap();
    let mut broker = Broker::start(data.path(), &[]);
    let loads: Vec<_> = (0..4)
        .map(|number| Load::start(broker.port, number))
        .collect();
    loads.iter().for_each(|load| load.wait_for(500));
    end(&mut broker);
    drop(broker);
    let counts = loads.into_iter().map(|load| {
        load.thread.join().unwrap();
        (load.topic, load.acknowledged.load(Ordering::SeqCst))
    });
    let counts: Vec<_> = counts.collect();
    all_is_there(data.path(), &counts);
}

fn all_is_there(data: &Path, counts: &[(String, u64)]) {
    let broker = Broker::start(data, &[]);
    for (topic, acknowledged) in counts {
        // What was on its way when the broker ended may be there too.
        assert_records(broker.port, topic, *acknowledged..=*acknowledged + 50);
    }
    broker.stop();
}

#[test]
fn a_stop_under_load_is_clean_and_takes_less_than_ten_seconds() {
    ends_under_load(|broker| {
        broker.signal(libc::SIGTERM);
        assert_eq!(
            broker.wait(STOP_MAX).code(),
            Some(0),
            "{:#?}",
            broker.lines()
        );
    });
}

#[test]
fn a_kill_under_load_loses_nothing_acknowledged() {
    ends_under_load(|broker| {
        broker.signal(libc::SIGKILL);
        assert_eq!(broker.wait(PATIENCE).code(), None);
    });
}

#[test]
fn a_second_signal_stops_at_once() {
    ends_under_load(|broker| {
        // A fetch that waits: the first stop gives it a while to be answered.
        let mut waiting = connect(broker.port);
        let body = Body::default()
            .i32(-1)
            .i32(60_000)
            .i32(1 << 30)
            .i32(1 << 20)
            .i8(0);
        let body = body.i32(1).text("load-0").i32(1).i32(0).i64(0).i32(1);
        waiting.write_all(&frame(FETCH, 4, &body.0)).unwrap();
        let lines = broker.lines().len();
        std::thread::sleep(Duration::from_millis(100));
        broker.signal(libc::SIGINT);
        assert!(broker.wait_for_new(lines, "stopping"));
        broker.signal(libc::SIGTERM);
        assert_eq!(
            broker.wait(PATIENCE).code(),
            Some(1),
            "{:#?}",
            broker.lines()
        );
    });
}
