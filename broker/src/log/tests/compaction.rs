//! Compaction against a model, on a real file system: what stays, at which offsets, and what a restart finds.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use protocol::record_batch::BatchFilter;

use super::super::compaction::CompactionRule;
use super::*;
use crate::io::LocalBoxFuture;
use crate::io::clock::{Clock, Instant};

/// Everything sealed is due.
const RULE: CompactionRule = CompactionRule {
    dirty_ratio_min: 0.0,
    lag_ms_min: 0,
    lag_ms_max: i64::MAX,
    delete_retention_ms: 0,
    segment_bytes_max: 1200,
};

/// (offset, key, value; no value is a tombstone).
type Told = (i64, u8, Option<u8>);

fn keyed(
    base_offset: i64,
    codec: Compression,
    producer: i64,
    records: &[(u8, Option<u8>)],
) -> LogBatch {
    let mut builder = RecordBatchBuilder::new(codec);
    builder.base_offset(base_offset);
    if producer >= 0 {
        builder.producer(producer, 0, 0);
    }
    for (offset, (key, value)) in (base_offset..).zip(records) {
        let value = value.map(|value| vec![value; 40]);
        builder
            .append(1000 + offset, Some(&[*key]), value.as_deref(), &[])
            .unwrap();
    }
    let bytes = Bytes::from(builder.build().unwrap());
    let header = RecordBatch::parse(&bytes).unwrap().header();
    LogBatch {
        base_offset,
        last_offset: header.last_offset(),
        max_timestamp: header.max_timestamp(),
        bytes: Slice::from(bytes),
        stamp: None,
    }
}

/// All records from `offset` on, by reads of one batch each.
async fn told_from(log: &PartitionLog, offset: i64) -> Vec<Told> {
    let mut told = Vec::new();
    let mut at = offset;
    while at < log.end_offset().unwrap_or(0) {
        let found = log.read(&wanted(at, 1)).await.unwrap().unwrap_or_default();
        let bytes: Vec<u8> = found
            .batches
            .iter()
            .flat_map(|piece| piece.to_vec())
            .collect();
        let batch = RecordBatch::parse(&bytes).unwrap();
        assert!(
            batch.header().last_offset() >= at,
            "what was asked for, or what follows"
        );
        at = batch.header().last_offset() + 1;
        let mut filter = BatchFilter::default();
        filter
            .walk(&batch, 1 << 20, |record, offset| {
                told.push((
                    offset,
                    record.key.unwrap()[0],
                    record.value.map(|value| value[0]),
                ));
            })
            .unwrap();
    }
    told
}

async fn compact(
    log: &PartitionLog,
    map_bytes_max: u64,
    last_of: &dyn Fn(i64, i64) -> bool,
) -> Option<Compacted> {
    let now_ms = log.shared.io.clock.wall_ms();
    let cleanable = RULE.due(&log.segments(), log.cleaned_offset(), now_ms)?;
    log.sweep(0).await.unwrap();
    let order = CompactionOrder {
        delete_retention_ms: RULE.delete_retention_ms,
        segment_bytes_max: RULE.segment_bytes_max,
        map_bytes_max,
        is_last_of_producer: last_of,
        io_bytes_per_second_max: &|| f64::MAX,
        is_wanted: &|| true,
    };
    Some(log.compact(&cleanable, &order).await.unwrap())
}

fn small(io: &Io, root: &Path) -> PartitionLog {
    let log = log(io, root);
    log.configure(600, i64::MAX);
    log
}

fn after_restart(
    io: &Io,
    root: &Path,
    segments: Vec<Segment>,
    cleaned_offset: i64,
) -> PartitionLog {
    let log = small(io, root);
    log.restore(segments, cleaned_offset);
    log
}

/// What a pass over everything below `cleaned` may leave of `before`.
fn check_left(before: &[Told], after: &[Told], cleaned: i64) {
    let newest: BTreeMap<u8, i64> = before
        .iter()
        .filter(|(offset, ..)| *offset < cleaned)
        .map(|(offset, key, _)| (*key, *offset))
        .collect();
    for (one, key, value) in before {
        let stays = after.contains(&(*one, *key, *value));
        let is_newest = *one >= cleaned || newest[key] == *one;
        if is_newest && value.is_some() {
            assert!(stays, "the newest value of key {key} at {one} is gone");
        }
        assert!(
            is_newest || !stays,
            "key {key} at {one} has been replaced at {}",
            newest[key]
        );
    }
    for told in after {
        assert!(before.contains(told), "{told:?} was never written");
    }
    assert!(after.is_sorted(), "in their order");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 40 }))]
    #[test]
    fn what_stays_is_the_newest_of_each_key(
        batches in prop::collection::vec(
            (0..5_u8, prop::collection::vec((0..12_u8, prop::option::weighted(0.8, any::<u8>())), 1..6)),
            1..60,
        ),
        keys_max in 1..16_u64,
        passes in 1..4_usize,
    ) {
        let directory = tempfile::tempdir_in(".").unwrap();
        let root = directory.path().to_owned();
        run_local(async move |io| {
            let log = small(&io, &root);
            let (mut written, mut end) = (Vec::new(), 0);
            let part = batches.len() / passes + 1;
            for batches in batches.chunks(part) {
                for (codec, records) in batches {
                    let batch = keyed(end, Compression::from_id(*codec).unwrap(), -1, records);
                    written.extend((end..).zip(records).map(|(offset, (key, value))| (offset, *key, *value)));
                    end = batch.last_offset + 1;
                    log.append(&[batch]).await.unwrap();
                }
                let before = told_from(&log, 0).await;
                let (old, old_cleaned) = (log.segments(), log.cleaned_offset());
                let Some(compacted) = compact(&log, keys_max * 38, &|_, _| false).await else {
                    continue;
                };
                let after = told_from(&log, 0).await;
                assert!(compacted.cleaned_offset > old_cleaned, "every pass comes further");
                check_left(&before, &after, compacted.cleaned_offset);
                assert_eq!(log.segments().last(), old.last(), "the active one is as it was");
                for (offset, ..) in &written {
                    let from: Vec<_> = after.iter().filter(|(one, ..)| one >= offset).copied().collect();
                    let mut told = told_from(&log, *offset).await;
                    told.retain(|(one, ..)| one >= offset);
                    assert_eq!(told, from, "from {offset}");
                }
                // Before the checkpoint a restart finds what was; after it, what is.
                let earlier = after_restart(&io, &root, old, old_cleaned);
                assert_eq!(told_from(&earlier, 0).await, before);
                let later = after_restart(&io, &root, log.segments(), log.cleaned_offset());
                assert_eq!(told_from(&later, 0).await, after);
                for gone in log.release_replaced(log.replaced()) {
                    log.remove_segment(gone.id).await.unwrap();
                }
                later.sweep(0).await.unwrap();
                assert_eq!(told_from(&later, 0).await, after, "nothing that is needed is swept");
            }
        });
    }
}

fn in_folder(body: impl AsyncFnOnce(Io, PathBuf)) {
    let directory = tempfile::tempdir_in(".").unwrap();
    let root = directory.path().to_owned();
    run_local(async move |io| body(io, root).await);
}

async fn append(log: &PartitionLog, producer: i64, records: &[(u8, Option<u8>)]) {
    let base_offset = log.end_offset().unwrap_or(0);
    let batch = keyed(base_offset, Compression::None, producer, records);
    log.append(&[batch]).await.unwrap();
}

/// Enough of key 99 to seal what stands before.
async fn seal(log: &PartitionLog) {
    for _ in 0..2 {
        append(log, -1, &[(99, Some(0)); 8]).await;
    }
}

#[test]
fn a_tombstone_goes_in_the_pass_after_the_one_that_met_it() {
    in_folder(async |io, root| {
        let log = small(&io, &root);
        append(&log, -1, &[(1, Some(1)), (2, Some(2)), (1, None)]).await;
        seal(&log).await;
        compact(&log, 1 << 20, &|_, _| false).await.unwrap();
        let first = told_from(&log, 0).await;
        assert_eq!(
            first[..2],
            [(1, 2, Some(2)), (2, 1, None)],
            "readers on their way must meet it"
        );
        seal(&log).await;
        compact(&log, 1 << 20, &|_, _| false).await.unwrap();
        let second = told_from(&log, 0).await;
        assert_eq!(second[0], (1, 2, Some(2)));
        assert!(second.iter().all(|(_, key, _)| *key != 1));
    });
}

#[test]
fn the_last_batch_of_a_producer_keeps_its_header() {
    in_folder(async |io, root| {
        let log = small(&io, &root);
        append(&log, 5, &[(1, Some(1))]).await;
        append(&log, 6, &[(1, Some(2))]).await;
        append(&log, -1, &[(1, Some(3))]).await;
        seal(&log).await;
        let last_of = |producer, base_offset| (producer, base_offset) == (6, 1);
        compact(&log, 1 << 20, &last_of).await.unwrap();
        let found = log.read(&wanted(0, 1)).await.unwrap().unwrap_or_default();
        let header = RecordBatch::parse(&found.batches[0]).unwrap().header();
        assert_eq!((header.base_offset(), header.last_offset()), (1, 1));
        assert_eq!((header.producer_id(), header.record_count()), (6, 0));
        let stamped = log.batch_for_timestamp(1000, 0).await.unwrap().unwrap();
        let stamped = RecordBatch::parse(&stamped).unwrap().header();
        assert_eq!(stamped.base_offset(), 2, "one without records has no time");
    });
}

#[test]
fn segments_that_left_meanwhile_do_not_come_back() {
    in_folder(async |io, root| {
        let log = small(&io, &root);
        for round in 0..6 {
            append(&log, -1, &[(round, Some(round)); 8]).await;
        }
        let cleanable = RULE.due(&log.segments(), 0, 0).unwrap();
        log.sweep(0).await.unwrap();
        let start = log.segments()[1].base_offset();
        let order = CompactionOrder {
            delete_retention_ms: 0,
            segment_bytes_max: 1200,
            map_bytes_max: 1 << 20,
            is_last_of_producer: &|_, _| false,
            io_bytes_per_second_max: &|| f64::MAX,
            is_wanted: &|| {
                log.forget_below(start);
                true
            },
        };
        let given_up = log.compact(&cleanable, &order).await;
        assert!(matches!(given_up, Err(CompactionFailure::GivenUp)));
        assert_eq!(log.segments()[0].base_offset(), start);
        assert_eq!(log.replaced(), 0);
        let listed = io.disk.list(&log.directory).await.unwrap();
        let compacted = listed
            .iter()
            .filter_map(|entry| SegmentId::of_name(&entry.name));
        assert!(
            compacted.into_iter().all(|id| id.generation == 0),
            "nothing of it is left"
        );
    });
}

#[test]
fn what_a_compaction_before_a_crash_had_written_is_swept() {
    in_folder(async |io, root| {
        let log = small(&io, &root);
        for round in 0..6 {
            append(&log, -1, &[(round, Some(round)); 8]).await;
        }
        let (before, told) = (log.segments(), told_from(&log, 0).await);
        compact(&log, 1 << 20, &|_, _| false).await.unwrap();
        let restarted = after_restart(&io, &root, before.clone(), 0);
        restarted.sweep(0).await.unwrap();
        let listed = io.disk.list(&restarted.directory).await.unwrap();
        let known = listed
            .iter()
            .filter_map(|entry| SegmentId::of_name(&entry.name));
        assert!(
            known
                .into_iter()
                .all(|id| before.iter().any(|segment| segment.id == id))
        );
        assert_eq!(told_from(&restarted, 0).await, told);
        compact(&restarted, 1 << 20, &|_, _| false).await.unwrap();
    });
}

#[test]
fn below_the_tail_there_may_be_nothing_left() {
    in_folder(async |io, root| {
        let log = small(&io, &root);
        append(&log, -1, &[(1, Some(1))]).await;
        append(&log, -1, &[(1, Some(2))]).await;
        seal(&log).await;
        compact(&log, 1 << 20, &|_, _| false).await.unwrap();
        let below = Wanted {
            upper_offset: 1,
            ..wanted(0, 1)
        };
        let nothing = log.read(&below).await.unwrap();
        assert!(nothing.is_none(), "the next batch is not below 1");
        let within = Wanted {
            at_least_one: false,
            ..wanted(0, 1)
        };
        let too_large = log.read(&within).await.unwrap();
        assert_eq!(
            too_large.map(|found| found.batches.len()),
            Some(0),
            "there is one, but it was not to be read"
        );
    });
}

/// Time that passes only while somebody sleeps.
struct Sleeping(Cell<u64>);

impl Clock for Rc<Sleeping> {
    fn now(&self) -> Instant {
        Instant(self.0.get())
    }

    fn wall_ms(&self) -> i64 {
        0
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        self.0.set(self.0.get() + duration.as_nanos() as u64);
        Box::pin(async {})
    }
}

#[test]
fn it_reads_and_writes_no_faster_than_it_may() {
    in_folder(async |io, root| {
        let slept = Rc::new(Sleeping(Cell::new(0)));
        let clock = Rc::new(slept.clone());
        let io = Io { clock, ..io };
        let log = small(&io, &root);
        for round in 0..12 {
            append(&log, -1, &[(round % 3, Some(round)); 8]).await;
        }
        let cleanable = RULE.due(&log.segments(), 0, 0).unwrap();
        log.sweep(0).await.unwrap();
        let (asked, rates) = (Cell::new(0), [0.0, 0.0, 0.0, 1000.0]);
        let order = CompactionOrder {
            delete_retention_ms: 0,
            segment_bytes_max: 1200,
            map_bytes_max: 1 << 20,
            is_last_of_producer: &|_, _| false,
            io_bytes_per_second_max: &|| {
                asked.set(asked.get() + 1);
                rates[rates.len().min(asked.get()) - 1]
            },
            is_wanted: &|| true,
        };
        let before = slept.0.get();
        let done = log.compact(&cleanable, &order).await.unwrap();
        let seconds = (slept.0.get() - before) as f64 / 1e9;
        // Once for the keys, once to be written again; it does not rest after the last read.
        let bytes = (2 * done.bytes_before + done.bytes_after) as f64;
        let last = cleanable.segments.last().unwrap().bytes as f64;
        assert!(
            seconds > (bytes - 2.0 * last) / 1000.0 && seconds < bytes / 1000.0 + 0.5,
            "{seconds} s for {bytes} bytes"
        );
    });
}

/// Time that passes while something is read, a microsecond a byte, and while somebody sleeps.
struct SlowDisk {
    faults: Rc<Faults>,
    slept: Cell<u64>,
}

impl Clock for Rc<SlowDisk> {
    fn now(&self) -> Instant {
        Instant(self.slept.get() + self.faults.bytes_read.get() * 1000)
    }

    fn wall_ms(&self) -> i64 {
        0
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        self.slept
            .set(self.slept.get() + duration.as_nanos() as u64);
        Box::pin(async {})
    }
}

#[test]
fn it_does_not_rest_for_what_the_disk_did() {
    in_folder(async |io, root| {
        let (io, faults) = Faults::around(&io);
        let slow = Rc::new(SlowDisk {
            faults,
            slept: Cell::new(0),
        });
        let clock = Rc::new(slow.clone());
        let io = Io { clock, ..io };
        let log = small(&io, &root);
        for round in 0..12 {
            append(&log, -1, &[(round % 3, Some(round)); 8]).await;
        }
        let before = (slow.slept.get(), slow.faults.bytes_read.get());
        compact(&log, 1 << 20, &|_, _| false).await.unwrap();
        let slept_ns = slow.slept.get() - before.0;
        let read_ns = (slow.faults.bytes_read.get() - before.1) * 1000;
        assert!(
            slept_ns < read_ns / 10,
            "{slept_ns} ns of rest beside {read_ns} ns of reading"
        );
    });
}
