//! Partition logs on a real file system by direct IO, against a model, with faults and restarts in between.

use std::rc::Rc;

use bytes::Bytes;
use proptest::prelude::*;
use protocol::compression::Compression;
use protocol::record_batch::{RecordBatch, RecordBatchBuilder, batches};

use super::reader::Wanted;
use super::*;
use crate::io::Io;
use crate::io::production::run_local;

mod ahead;
mod compaction;
mod faults;
mod read_ahead;
mod removal;
use faults::Faults;

/// A whole batch with a timestamp of 1000 + its last offset.
fn batch(base_offset: i64, records: i32, value_bytes: usize) -> LogBatch {
    timed(base_offset, records, value_bytes, |offset| 1000 + offset)
}

fn timed(
    base_offset: i64,
    records: i32,
    value_bytes: usize,
    time: impl Fn(i64) -> i64,
) -> LogBatch {
    let mut builder = RecordBatchBuilder::new(Compression::None);
    builder.base_offset(base_offset);
    for record in 0..records {
        let offset = base_offset + i64::from(record);
        let value = vec![offset as u8; value_bytes];
        builder
            .append(time(offset), None, Some(&value), &[])
            .unwrap();
    }
    let bytes = Bytes::from(builder.build().unwrap());
    let header = RecordBatch::parse(&bytes).unwrap();
    let (last_offset, max_timestamp) = (header.last_offset(), header.max_timestamp());
    LogBatch {
        base_offset,
        last_offset,
        max_timestamp,
        bytes: Slice::from(bytes),
        stamp: None,
    }
}

/// `count` batches from `base_offset` on, and the offset after them.
fn run_of(base_offset: i64, count: usize, value_bytes: usize) -> (Vec<LogBatch>, i64) {
    let mut offset = base_offset;
    let batches = (0..count).map(|one| {
        let batch = batch(offset, 1 + (one % 5) as i32, value_bytes);
        offset = batch.last_offset + 1;
        batch
    });
    (batches.collect(), offset)
}

fn joined(batches: &[LogBatch]) -> Vec<u8> {
    batches
        .iter()
        .flat_map(|batch| batch.bytes.to_vec())
        .collect()
}

fn shared(io: &Io, root: &Path) -> Rc<LogDirectory> {
    LogDirectory::new(io.clone(), root, 4, 1 << 20)
}

fn log(io: &Io, root: &Path) -> PartitionLog {
    PartitionLog::new(shared(io, root), "t", 0, 7)
}

/// As after a restart: what a manifest keeps, and nothing of what was in memory.
fn restarted(io: &Io, root: &Path, before: &PartitionLog) -> PartitionLog {
    let after = log(io, root);
    after.restore(before.segments(), 0);
    let rule = before.roll.get();
    after.configure(rule.bytes_max, rule.age_ms_max);
    after
}

fn file_of(root: &Path, name: String) -> PathBuf {
    root.join(format::directory_name("t", 0, 7)).join(name)
}

fn wanted(offset: i64, bytes_max: usize) -> Wanted {
    Wanted {
        offset,
        bytes_max,
        at_least_one: true,
        upper_offset: i64::MAX,
        window_bytes_max: usize::MAX,
        ahead: true,
    }
}

async fn read_all(log: &PartitionLog, from: i64, bytes_max: usize) -> Vec<u8> {
    let (mut out, mut offset) = (Vec::new(), from);
    loop {
        let Some(found) = log.read(&wanted(offset, bytes_max)).await.unwrap() else {
            return out;
        };
        let pieces = found.batches.iter();
        let part: Vec<u8> = pieces.flat_map(|piece| piece.to_vec()).collect();
        match batches(&part).last() {
            Some(last) => offset = last.unwrap().last_offset() + 1,
            None => return out,
        }
        assert_eq!(found.next_offset, offset);
        out.extend(part);
    }
}

/// Runs `body` with a directory of its own on a file system that takes direct IO.
fn on_disk(body: impl AsyncFnOnce(Io, PathBuf)) {
    let directory = tempfile::tempdir_in(".").unwrap();
    let root = directory.path().to_owned();
    run_local(async |io| body(io, root).await);
}

#[test]
fn what_was_appended_is_read_whatever_the_sizes_also_after_a_restart() {
    on_disk(async |io, root| {
        let log = log(&io, &root);
        log.configure(1 << 20, i64::MAX);
        let (mut expected, mut offset) = (Vec::new(), 0);
        for round in 0..60usize {
            let some: Vec<LogBatch> = (0..1 + round % 3)
                .map(|_| {
                    let one = batch(
                        offset,
                        1 + (round % 5) as i32,
                        1 + round * round * 23 % 9000,
                    );
                    offset = one.last_offset + 1;
                    expected.extend_from_slice(&one.bytes);
                    one
                })
                .collect();
            log.append(&some).await.unwrap();
        }
        let big = batch(offset, 1, 3 << 20);
        expected.extend_from_slice(&big.bytes);
        log.append(std::slice::from_ref(&big)).await.unwrap();
        assert!(log.segments().len() > 2, "it rolled by size");
        for bytes_max in [1, 5000, 1 << 20] {
            let read = read_all(&log, 0, bytes_max).await;
            assert!(read == expected, "read {bytes_max} bytes at a time");
        }
        let again = restarted(&io, &root, &log);
        assert!(read_all(&again, 0, 70_000).await == expected);
        let more = batch(offset + 1, 2, 100);
        again.append(std::slice::from_ref(&more)).await.unwrap();
        expected.extend_from_slice(&more.bytes);
        let read = read_all(&again, 0, 1 << 20).await;
        assert!(read == expected, "an append continues in the last block");
        again.remove().await.unwrap();
        assert!(io.disk.list(&root).await.unwrap().is_empty());
    });
}

#[test]
fn a_read_takes_no_more_memory_than_the_segment_has_blocks() {
    on_disk(async |io, root| {
        let (io, disk) = Faults::around(&io);
        let log = log(&io, &root);
        let (run, _) = run_of(0, 3, 3000);
        log.append(&run).await.unwrap();
        let blocks = align_up(joined(&run).len());
        disk.bytes_read.set(0);
        let found = log.read(&wanted(0, 1 << 20)).await.unwrap().unwrap();
        assert_eq!(found.batches.len(), 3);
        assert_eq!(disk.bytes_read.get(), blocks as u64);
        // One read, whatever is taken of it, and once.
        assert_eq!(Slice::held_bytes(&found.batches), blocks);
        assert_eq!(Slice::held_bytes(&found.batches[2..]), blocks);
        let in_memory = run.iter().map(|batch| batch.bytes.clone());
        let in_memory: Vec<Slice> = in_memory.collect();
        assert_eq!(Slice::held_bytes(&in_memory), joined(&run).len());
    });
}

#[test]
fn a_sealed_segment_holds_batches_and_nothing_else() {
    on_disk(async |io, root| {
        let log = log(&io, &root);
        log.configure(1 << 20, 10);
        let first = batch(0, 3, 10);
        // Both come with one append: the age of the second counts in the middle of it.
        log.append(&[first.clone(), batch(3, 50, 10)])
            .await
            .unwrap();
        assert_eq!(log.segments().len(), 2, "it rolled by time");
        let path = file_of(&root, SegmentId::appended(0).segment_name());
        let file = io.disk.open(&path, OpenMode::Read).await.unwrap();
        assert_eq!(file.bytes().unwrap(), first.bytes.len() as u64);
        assert_eq!(&*file.read_at(0, 4096).await.unwrap(), &*first.bytes);
    });
}

#[test]
fn a_sealed_segment_is_looked_up_by_its_index_file_and_without_it() {
    on_disk(async |io, root| {
        let (io, faults) = Faults::around(&io);
        let log = log(&io, &root);
        log.configure(4 << 20, i64::MAX);
        let (run, end) = run_of(0, 900, 4000);
        log.append(&run).await.unwrap();
        assert!(log.segments().len() > 1);
        let index = file_of(&root, SegmentId::appended(0).index_name());
        let other = log.segments()[1].id.index_name();
        let other = file_of(&root, other);
        let target = &run[300];
        let want = joined(std::slice::from_ref(target));
        for (state, bytes_read_max) in [
            ("whole", 300 << 10),
            ("missing", 6 << 20),
            ("whole", 300 << 10),
            ("damaged", 6 << 20),
            ("foreign", 6 << 20),
            ("whole", 300 << 10),
        ] {
            match state {
                "missing" => io.disk.remove(&index).await.unwrap(),
                "damaged" => faults::flip(&io, &index, 100).await,
                "foreign" => faults::copy(&io, &other, &index).await,
                _ => {}
            }
            let again = restarted(&io, &root, &log);
            faults.bytes_read.set(0);
            let read = again
                .read(&wanted(target.base_offset, 1))
                .await
                .unwrap()
                .unwrap_or_default()
                .batches;
            assert_eq!(read.len(), 1);
            assert!(*read[0] == want[..]);
            let read = faults.bytes_read.get();
            assert!(read < bytes_read_max, "{state}: {read} bytes were read");
            let found = again
                .batch_for_timestamp(1000 + target.last_offset, 0)
                .await
                .unwrap();
            assert_eq!(found.as_deref(), Some(&want[..]), "{state}");
        }
        let again = restarted(&io, &root, &log);
        assert_eq!(again.max_timestamp(), Some(1000 + end - 1));
        assert!(
            again
                .batch_for_timestamp(1000 + end, 0)
                .await
                .unwrap()
                .is_none()
        );
    });
}

#[test]
fn an_active_segment_saves_its_index_and_walks_only_its_end_after_a_restart() {
    on_disk(async |io, root| {
        let (io, faults) = Faults::around(&io);
        let log = log(&io, &root);
        let (run, end) = run_of(0, 400, 20_000);
        log.append(&run).await.unwrap();
        log.settle().await;
        let (more, _) = run_of(end, 20, 20_000);
        log.append(&more).await.unwrap();
        log.settle().await;
        assert!(log.state.borrow().index_saved_bytes > 20 << 20);
        assert!(log.segments().len() == 1 && log.shared.index_bytes() > 0);
        let again = restarted(&io, &root, &log);
        faults.bytes_read.set(0);
        let target = more.last().unwrap();
        let read = again
            .read(&wanted(target.base_offset, 1))
            .await
            .unwrap()
            .unwrap_or_default()
            .batches;
        assert!(*read[0] == *target.bytes);
        let read = faults.bytes_read.get();
        assert!(
            read < 4 << 20,
            "{read} bytes were read of a segment of 25 MB"
        );
    });
}

#[test]
fn an_idle_partition_keeps_nothing_that_can_be_read_back() {
    on_disk(async |io, root| {
        let log = log(&io, &root);
        let (run, end) = run_of(0, 100, 3000);
        log.append(&run).await.unwrap();
        assert!(!log.state.borrow().recent.is_empty());
        log.settle().await;
        assert!(
            log.state.borrow().carry.is_some(),
            "it was in use until now"
        );
        log.settle().await;
        {
            let state = log.state.borrow();
            assert!(state.recent.is_empty() && state.carry.is_none());
            assert!(
                size_of::<PartitionLog>() <= 512,
                "an idle partition has 4 KiB in all"
            );
        }
        let (more, _) = run_of(end, 3, 3000);
        log.append(&more).await.unwrap();
        let mut expected = joined(&run);
        expected.extend(joined(&more));
        assert!(read_all(&log, 0, 1 << 20).await == expected);
    });
}

#[test]
fn open_files_and_indexes_of_a_shard_are_bounded() {
    on_disk(async |io, root| {
        let shared = LogDirectory::new(io.clone(), &root, 3, 700);
        let mut logs = Vec::new();
        for partition in 0..12 {
            let log = PartitionLog::new(shared.clone(), "t", partition, 7);
            log.configure(200_000, i64::MAX);
            log.append(&run_of(0, 100, 2000).0).await.unwrap();
            log.settle().await;
            assert!(shared.open_files() <= 3);
            assert!(shared.index_bytes() <= 700);
            logs.push(log);
        }
        let expected = joined(&run_of(0, 100, 2000).0);
        for log in &logs {
            assert!(read_all(log, 0, 1 << 20).await == expected);
            assert!(shared.open_files() <= 3 && shared.index_bytes() <= 700);
        }
        for log in &logs {
            log.remove().await.unwrap();
        }
        assert_eq!(
            shared.open_files(),
            0,
            "a removed partition leaves no descriptor"
        );
        assert_eq!(shared.index_bytes(), 0);
    });
}

#[test]
fn a_replay_overwrites_what_a_crash_left_beyond_the_manifest() {
    on_disk(async |io, root| {
        let log = log(&io, &root);
        log.configure(100_000, i64::MAX);
        let (first, end) = run_of(0, 20, 1000);
        log.append(&first).await.unwrap();
        let checkpoint = self::log(&io, &root);
        checkpoint.restore(log.segments(), 0);
        // The crash comes after more was written back: segments were sealed and begun.
        let (lost, _) = run_of(end, 200, 1000);
        log.append(&lost).await.unwrap();
        let segments_before = log.segments();
        assert!(segments_before.len() > checkpoint.segments().len() + 2);
        // The replay brings the same batches in other portions, once with the same rule and once with another.
        for (bytes_max, same) in [(100_000, true), (150_000, false)] {
            let again = self::log(&io, &root);
            again.restore(checkpoint.segments(), 0);
            again.configure(bytes_max, i64::MAX);
            for portion in lost.chunks(7) {
                again.append(portion).await.unwrap();
            }
            assert_eq!(again.segments().len() == segments_before.len(), same);
            let expected = [joined(&first), joined(&lost)].concat();
            assert!(read_all(&again, 0, 1 << 20).await == expected);
            let bases: Vec<i64> = again
                .segments()
                .iter()
                .map(|segment| segment.base_offset())
                .collect();
            for entry in io.disk.list(&again.directory).await.unwrap() {
                let base = SegmentId::of_name(&entry.name).unwrap().base_offset;
                assert!(bases.contains(&base), "{} was left over", entry.name);
            }
            for segment in &again.segments()[..bases.len() - 1] {
                let path = file_of(&root, segment.id.segment_name());
                let file = io.disk.open(&path, OpenMode::Read).await.unwrap();
                assert_eq!(file.bytes().unwrap(), segment.bytes, "a sealed one is cut");
            }
        }
    });
}

#[test]
fn damage_refuses_its_range_only_and_names_its_place() {
    on_disk(async |io, root| {
        let log = log(&io, &root);
        log.configure(1 << 20, i64::MAX);
        let (run, _) = run_of(0, 400, 3000);
        log.append(&run).await.unwrap();
        let position = |upto: usize| {
            run[..upto]
                .iter()
                .map(|batch| batch.bytes.len() as u64)
                .sum::<u64>()
        };
        let path = file_of(&root, SegmentId::appended(0).segment_name());
        // A flipped bit of a value: the checksum finds it. One of a base offset, which none covers: its neighbours do.
        for (at, byte) in [(30, position(30) + 200), (50, position(50) + 7)] {
            let restarted = restarted(&io, &root, &log);
            faults::flip(&io, &path, byte).await;
            let error = restarted
                .read(&wanted(run[at].base_offset, 1 << 20))
                .await
                .unwrap_err();
            let LogError::Corrupt {
                path: named,
                position: place,
                ..
            } = &error
            else {
                panic!("{error}");
            };
            assert_eq!((named, *place), (&path, position(at)), "{error}");
            let before = restarted
                .read(&wanted(run[at - 3].base_offset, 1 << 20))
                .await
                .unwrap()
                .unwrap_or_default();
            assert_eq!(before.batches.len(), 3, "what lies before it is served");
            let after = &run[at + 30..];
            let rest = read_all(&restarted, after[0].base_offset, 1 << 20).await;
            assert!(rest == joined(after), "what lies after it is served");
            faults::flip(&io, &path, byte).await;
        }
        assert!(
            read_all(&log, 0, 1 << 20).await == joined(&run),
            "and all again when it is mended"
        );
    });
}

#[test]
fn a_segment_that_is_gone_or_cut_is_left_alone_and_the_log_goes_on() {
    for cut in [None, Some(5_000)] {
        on_disk(async |io, root| {
            let log = log(&io, &root);
            let (first, end) = run_of(0, 10, 1000);
            log.append(&first).await.unwrap();
            let path = file_of(&root, SegmentId::appended(0).segment_name());
            let again = restarted(&io, &root, &log);
            match cut {
                None => io.disk.remove(&path).await.unwrap(),
                Some(bytes) => {
                    let file = io.disk.open(&path, OpenMode::ReadWrite).await.unwrap();
                    file.truncate(bytes).await.unwrap();
                }
            }
            let (more, _) = run_of(end, 10, 1000);
            again.append(&more).await.unwrap();
            assert_eq!(again.segments().len(), 2);
            assert!(read_all(&again, end, 1 << 20).await == joined(&more));
            let last = first.last().unwrap().base_offset;
            let lost = again.read(&wanted(last, 1)).await;
            assert!(matches!(lost, Err(LogError::Corrupt { .. })), "{lost:?}");
            let present = io.disk.open(&path, OpenMode::Read).await;
            assert_eq!(
                present.ok().map(|file| file.bytes().unwrap()),
                cut,
                "it is as it was found"
            );
        });
    }
}

#[test]
fn a_full_disk_refuses_an_append_and_a_later_one_heals_it() {
    on_disk(async |io, root| {
        let (io, faults) = Faults::around(&io);
        let (run, _) = run_of(0, 120, 1000);
        // Whichever operation meets the full disk: the directory, a segment, its blocks, its bytes, its index.
        for operation in 0..60 {
            let log = PartitionLog::new(shared(&io, &root), "t", operation, 7);
            log.configure(40_000, i64::MAX);
            let mut refused = 0;
            faults.full_after.set(Some(operation as u32));
            for portion in run.chunks(60) {
                // Some of them may be in segments already when the disk is full: all of them come again.
                while let Err(error) = log.append(portion).await {
                    assert!(matches!(error, LogError::NoSpace { .. }), "{error}");
                    refused += 1;
                    assert!(refused < 3, "one fault refuses no more than one append");
                    faults.full_after.set(None);
                }
            }
            faults.full_after.set(None);
            let again = PartitionLog::new(shared(&io, &root), "t", operation, 7);
            again.restore(log.segments(), 0);
            assert!(
                read_all(&again, 0, 1 << 20).await == joined(&run),
                "operation {operation}"
            );
            assert!(again.batch_for_timestamp(1050, 0).await.unwrap().is_some());
        }
    });
}

#[test]
fn reads_and_look_ups_go_on_while_it_is_written() {
    on_disk(async |io, root| {
        let log = Rc::new(log(&io, &root));
        log.configure(300_000, i64::MAX);
        let (run, end) = run_of(0, 600, 1500);
        let done = Signal::default();
        let writer = {
            let (log, run, done) = (log.clone(), run.clone(), done.clone());
            async move {
                for portion in run.chunks(5) {
                    log.append(portion).await.unwrap();
                    log.settle().await;
                }
                done.set();
            }
        };
        io.executor.spawn_background("writer", Box::pin(writer));
        let mut offset = 0;
        while offset < end {
            let behind = log.end_offset().unwrap_or(0) / 2;
            for from in [offset, behind] {
                for slice in log
                    .read(&wanted(from, 20_000))
                    .await
                    .unwrap()
                    .unwrap_or_default()
                    .batches
                {
                    let read = RecordBatch::parse(&slice).unwrap();
                    let known =
                        &run[run.partition_point(|batch| batch.last_offset < read.base_offset())];
                    assert!(*slice == *known.bytes);
                    offset = offset.max(read.last_offset() + 1);
                }
            }
            if offset > 0 {
                let found = log
                    .batch_for_timestamp(1000 + offset - 1, 0)
                    .await
                    .unwrap()
                    .unwrap();
                assert_eq!(
                    RecordBatch::parse(&found).unwrap().last_offset(),
                    offset - 1
                );
            }
            io.executor.yield_now().await;
        }
        done.wait().await;
    });
}

#[test]
fn a_removal_waits_for_a_running_append_and_leaves_nothing() {
    on_disk(async |io, root| {
        for turns in 0..40 {
            let log = Rc::new(PartitionLog::new(shared(&io, &root), "t", turns, 7));
            log.configure(20_000, i64::MAX);
            let done = Signal::default();
            let writer = {
                let (log, done) = (log.clone(), done.clone());
                async move {
                    let appended = log.append(&run_of(0, 60, 1000).0).await;
                    assert!(appended.is_ok(), "{appended:?}");
                    done.set();
                }
            };
            io.executor.spawn("writer", Box::pin(writer));
            for _ in 0..turns {
                io.executor.yield_now().await;
            }
            log.remove().await.unwrap();
            done.wait().await;
            assert!(log.append(&run_of(0, 1, 10).0).await.is_ok());
            assert!(
                io.disk.list(&root).await.unwrap().is_empty(),
                "after {turns} turns"
            );
        }
    });
}

#[derive(Debug, Clone)]
enum Step {
    Append { batches: usize, value_bytes: usize },
    Settle,
    Checkpoint,
    Crash,
    CleanStop,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..12_usize, 1..9000_usize).prop_map(|(batches, value_bytes)| Step::Append { batches, value_bytes }),
        1 => Just(Step::Settle),
        2 => Just(Step::Checkpoint),
        2 => Just(Step::Crash),
        1 => Just(Step::CleanStop),
    ]
}

/// Timestamps that go up and down, as producers send them.
fn restless(offset: i64) -> i64 {
    1000 + offset * 37 % 101 + offset / 2
}

async fn check_against(log: &PartitionLog, model: &[LogBatch], seed: u64) {
    assert!(read_all(log, 0, 30_000).await == joined(model));
    let Some(last) = model.last() else { return };
    let offset = (seed % (last.last_offset as u64 + 1)) as i64;
    let read = log
        .read(&wanted(offset, 1))
        .await
        .unwrap()
        .unwrap_or_default()
        .batches;
    let want = &model[model.partition_point(|batch| batch.last_offset < offset)];
    assert!(*read[0] == *want.bytes, "offset {offset}");
    let greatest = model.iter().map(|batch| batch.max_timestamp).max().unwrap();
    assert_eq!(log.max_timestamp(), Some(greatest));
    for target in [greatest, greatest + 1, 900 + (seed % 300) as i64] {
        let want = model.iter().find(|batch| batch.max_timestamp >= target);
        let found = log.batch_for_timestamp(target, 0).await.unwrap();
        assert_eq!(
            found.as_deref(),
            want.map(|batch| &*batch.bytes),
            "time {target}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever happens, the log holds what was appended, after a crash what the manifest knew and the journal repeats.
    #[test]
    fn it_is_what_a_list_of_batches_would_be(steps in prop::collection::vec(step(), 1..25), bytes_max in 8_000..250_000_u64, seed in any::<u64>()) {
        on_disk(async |io, root| {
            let mut log = self::log(&io, &root);
            log.configure(bytes_max, 90);
            let mut model: Vec<LogBatch> = Vec::new();
            let (mut manifest, mut checkpointed) = (Vec::new(), 0);
            for step in &steps {
                match step {
                    Step::Append { batches, value_bytes } => {
                        let mut offset = log.end_offset().unwrap_or(0);
                        let from = model.len();
                        for one in 0..*batches {
                            let batch = timed(offset, 1 + (one % 3) as i32, *value_bytes, restless);
                            offset = batch.last_offset + 1;
                            model.push(batch);
                        }
                        log.append(&model[from..]).await.unwrap();
                    }
                    Step::Settle => log.settle().await,
                    Step::Checkpoint | Step::CleanStop => {
                        log.settle().await;
                        (manifest, checkpointed) = (log.segments(), model.len());
                        if matches!(step, Step::CleanStop) {
                            log.trim().await.unwrap();
                            log = restarted(&io, &root, &log);
                        }
                    }
                    Step::Crash => {
                        log = self::log(&io, &root);
                        log.configure(bytes_max, 90);
                        log.restore(manifest.clone(), 0);
                        check_against(&log, &model[..checkpointed], seed).await;
                        for portion in model[checkpointed..].chunks(4) {
                            log.append(portion).await.unwrap();
                        }
                    }
                }
                check_against(&log, &model, seed).await;
            }
        });
    }
}

#[test]
fn of_a_cut_segment_whole_batches_are_served_or_an_error() {
    on_disk(async |io, root| {
        let log = log(&io, &root);
        let (run, _) = run_of(0, 12, 3000);
        log.append(&run).await.unwrap();
        let path = file_of(&root, SegmentId::appended(0).segment_name());
        let whole = joined(&run).len() as u64;
        for cut in (0..whole).rev().step_by(700) {
            let file = io.disk.open(&path, OpenMode::ReadWrite).await.unwrap();
            file.truncate(cut).await.unwrap();
            file.close().await.unwrap();
            let log = restarted(&io, &root, &log);
            let mut end = 0;
            for batch in &run {
                end += batch.bytes.len() as u64;
                let read = log.read(&wanted(batch.base_offset, 1 << 20)).await;
                assert_eq!(read.is_ok(), end <= cut, "cut at {cut}, batch to {end}");
                if let Ok(found) = read {
                    let found = found.unwrap_or_default();
                    let bytes: Vec<u8> = found
                        .batches
                        .iter()
                        .flat_map(|part| part.to_vec())
                        .collect();
                    assert!(batches(&bytes).all(|batch| batch.unwrap().crc_matches()));
                }
            }
        }
    });
}
