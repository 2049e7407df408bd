//! Old records go and new ones stay, also when the broker is killed in the middle of it.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use protocol::compression::Compression;
use protocol::record::records;
use protocol::record_batch::batches;
use tempfile::tempdir;

use crate::broker::{Broker, PATIENCE, connect};
use crate::wire::{batch, create_topic, fetch, fetched, honest_value, produce, produced, reply};

const OPTIONS: &[&str] = &[
    "--set",
    "checkpoint.interval.ms=1000",
    "--set",
    "log.retention.check.interval.ms=100",
    "--set",
    "log.segment.delete.delay.ms=50",
];
/// Two segments of the smallest size stay.
const CONFIGS: &[(&str, &str)] = &[
    ("segment.bytes", "1048576"),
    ("retention.bytes", "2097152"),
    ("retention.ms", "-1"),
];
const BATCH: u64 = 500;

/// Appends records until `count` are there.
fn fill(port: u16, from: u64, count: u64) {
    let mut stream = connect(port);
    for first in (from..count).step_by(BATCH as usize) {
        let values: Vec<_> = (first..first + BATCH).map(honest_value).collect();
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        stream
            .write_all(&produce("old", -1, &batch(Compression::None, &values)))
            .unwrap();
        let answer = produced(&reply(&mut stream).unwrap());
        assert_eq!(answer, (0, i64::try_from(first).unwrap()));
    }
}

/// Asks from `offset` on; the first record's offset and value, or Kafka's code.
fn read(port: u16, offset: u64) -> Result<(i64, Vec<u8>), i16> {
    let mut stream = connect(port);
    stream
        .write_all(&fetch("old", i64::try_from(offset).unwrap(), 1 << 20))
        .unwrap();
    let answer = reply(&mut stream).unwrap();
    let (code, _, bytes) = fetched(&answer);
    if code != 0 {
        return Err(code);
    }
    let first = batches(bytes).next().expect("there are records").unwrap();
    let record = records(first.payload()).next().unwrap().unwrap();
    Ok((first.header().base_offset(), record.value.unwrap().to_vec()))
}

const OFFSET_OUT_OF_RANGE: i16 = 1;

/// The first offset that is still there: the boundaries of batches are all there is.
fn log_start(port: u16, count: u64) -> u64 {
    let step = BATCH as usize;
    let there = (0..count)
        .step_by(step)
        .find(|offset| read(port, *offset) != Err(OFFSET_OUT_OF_RANGE));
    there.expect("the newest records are there")
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Segments in the only partition's directory.
fn segments(data: &Path) -> usize {
    let shard = fs::read_dir(data.join("shard-0"))
        .unwrap()
        .map(Result::unwrap);
    let partition = shard.filter(|entry| entry.file_name().to_str().unwrap().starts_with("old-0."));
    let files = partition.flat_map(|entry| fs::read_dir(entry.path()).unwrap());
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".log")).count()
}

#[test]
fn old_segments_go_new_ones_stay_and_a_kill_changes_nothing() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), OPTIONS);
    assert_eq!(create_topic(broker.port, "old", 1, CONFIGS), 0);
    let count = 40_000;
    fill(broker.port, 0, count);
    wait_until("old records go", || log_start(broker.port, count) > 20_000);
    wait_until("old files go", || segments(data.path()) <= 3);
    let start = log_start(broker.port, count);
    broker.signal(libc::SIGKILL);
    drop(broker);
    let broker = Broker::start(data.path(), OPTIONS);
    assert!(
        log_start(broker.port, count) >= start,
        "the log start never moves back"
    );
    let newest = count - BATCH;
    let (offset, value) = read(broker.port, newest).unwrap();
    assert_eq!(
        (offset, value),
        (i64::try_from(newest).unwrap(), honest_value(newest))
    );
    fill(broker.port, count, 2 * count);
    wait_until("more go", || {
        log_start(broker.port, 2 * count) > start + 20_000
    });
    wait_until("their files go", || segments(data.path()) <= 3);
    let later = log_start(broker.port, 2 * count);
    let (offset, value) = read(broker.port, later).unwrap();
    assert_eq!(
        (offset, value),
        (i64::try_from(later).unwrap(), honest_value(later))
    );
    broker.stop();
}
