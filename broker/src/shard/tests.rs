use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_lite::future::{or, poll_once, zip};
use protocol::compression::Compression;
use protocol::native::MetadataRecord;
use protocol::record_batch::RecordBatchBuilder;

use super::fetch::{OffsetRequest, OffsetSpec, ReadFailure, ReadRequest};
use super::produce::ProduceRequest;
use super::recovery::{self, Machine, ShardHome};
use super::*;
use crate::io::production::run_local;
use crate::journal::frame::Item;
use crate::metadata::{RESOURCE_TOPIC, data_quorum};

const KEY: PartitionKey = PartitionKey {
    topic_id: 7,
    partition: 0,
};

const OTHER: PartitionKey = PartitionKey {
    partition: 1,
    ..KEY
};

/// Opens the shard in `root` without any of its loops: what it does is done by the test.
async fn open(io: &Io, root: &Path) -> Rc<Shard> {
    // What most tests are about goes through the journal.
    open_with(io, root, direct_from(u64::MAX)).await
}

async fn open_with(io: &Io, root: &Path, config: Config) -> Rc<Shard> {
    let opened = try_open_with(io, root, config).await;
    opened.expect("the shard opens")
}

async fn try_open_with(
    io: &Io,
    root: &Path,
    mut config: Config,
) -> Result<Rc<Shard>, recovery::StartError> {
    config.journal_file_bytes = 4 << 20;
    config.journal_bytes_max = Some(12 << 20);
    config.frame_bytes_max = 2 << 20;
    let machine = Machine {
        memory_bytes: 1 << 30,
        open_segments_max: 16,
        prepared_bytes_max: limits::PREPARED_BYTES_PER_SHARD_MAX as usize,
    };
    let home = ShardHome {
        number: 0,
        directory: root.to_owned(),
        journal_id: 1,
    };
    let opened = recovery::open(io.clone(), home, Arc::new(config), machine).await;
    opened.map(|(shard, _)| shard)
}

/// Flushes until nothing waits.
async fn flush_all(shard: &Shard) {
    loop {
        let window = shard.quorums.borrow_mut().begin_flush();
        match window {
            Some(window) => shard.flush(window).await,
            None => return,
        }
    }
}

/// Adds a partition to the quorum at `place`.
fn add_partition(shard: &Shard, key: PartitionKey, place: usize) {
    propose_change(shard, ItemKind::PartitionAdd, key, place);
}

fn propose_change(shard: &Shard, kind: ItemKind, key: PartitionKey, place: usize) {
    let proposed = shard
        .quorums
        .borrow_mut()
        .propose(place, change(kind, key, -1));
    proposed.expect("open");
}

fn change(kind: ItemKind, key: PartitionKey, offset: i64) -> Item<Bytes> {
    Item {
        kind,
        topic_id: key.topic_id,
        partition: key.partition,
        offset,
        leader_epoch: -1,
        log_append_time_ms: -1,
        body: Bytes::from_static(b"t"),
    }
}

/// A shard that leads `KEY`.
async fn open_with_partition(io: &Io, root: &Path) -> Rc<Shard> {
    lead_partition(open(io, root).await).await
}

async fn lead_partition(shard: Rc<Shard>) -> Rc<Shard> {
    flush_all(&shard).await;
    add_partition(&shard, KEY, 1);
    flush_all(&shard).await;
    shard
}

/// A shard with records of two partitions in its memory. Those of `KEY` cannot be written to a segment: where its directory is
/// to be there is a file, which is told.
async fn one_cannot_be_written(io: &Io, root: &Path) -> (Rc<Shard>, PathBuf) {
    let shard = open(io, root).await;
    flush_all(&shard).await;
    add_partition(&shard, KEY, 1);
    add_partition(&shard, OTHER, 1);
    flush_all(&shard).await;
    let name = crate::log::format::directory_name("t", KEY.partition, KEY.topic_id);
    let in_the_way = root.join(name);
    std::fs::write(&in_the_way, b"").expect("a file");
    produce(&shard, 100);
    produce_to(&shard, OTHER, 900_000);
    flush_all(&shard).await;
    (shard, in_the_way)
}

/// Queues one record of `bytes` bytes.
fn produce(shard: &Shard, bytes: usize) {
    produce_to(shard, KEY, bytes);
}

fn produce_to(shard: &Shard, key: PartitionKey, bytes: usize) {
    let mut builder = RecordBatchBuilder::new(Compression::None);
    let value = vec![b'x'; bytes];
    builder
        .append(1, None, Some(&value), &[])
        .expect("a record");
    let request = ProduceRequest {
        records: Some(Bytes::from(builder.build().expect("a batch"))),
        version: 9,
        acks: -1,
        internal_client: false,
    };
    shard.produce(key, request).expect("it is taken");
}

fn read(offset: i64) -> ReadRequest {
    ReadRequest {
        key: KEY,
        offset,
        bytes_max: 1 << 20,
        at_least_one: true,
        current_leader_epoch: None,
        last_fetched_epoch: None,
    }
}

#[test]
fn a_start_tells_no_end_of_a_partition_before_all_that_was_acknowledged_is_applied() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    run_local(async |io| {
        let shard = open_with_partition(&io, directory.path()).await;
        produce(&shard, 100);
        flush_all(&shard).await;
        assert_eq!(shard.read(&read(1), None).await.high_watermark, 1);
        drop(shard);
        // The last frame is on disk; that it is committed stands in none.
        let shard = open(&io, directory.path()).await;
        let answer = shard.read(&read(1), None).await;
        assert_eq!(answer.failure, Some(ReadFailure::NotLeader));
        let request = OffsetRequest {
            key: KEY,
            spec: OffsetSpec::Latest,
            current_leader_epoch: None,
        };
        let answer = shard.offset(request).await;
        assert_eq!(answer.failure, Some(ReadFailure::NotLeader));
        flush_all(&shard).await;
        let answer = shard.read(&read(1), None).await;
        assert_eq!((answer.failure, answer.high_watermark), (None, 1));
    });
}

#[test]
fn a_checkpoint_before_the_first_flush_frees_nothing_that_is_not_applied() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    run_local(async |io| {
        let shard = open_with_partition(&io, directory.path()).await;
        // The entry of one quorum, and then files full of another's.
        add_partition(&shard, OTHER, 2);
        flush_all(&shard).await;
        for _ in 0..8 {
            produce(&shard, 900_000);
            flush_all(&shard).await;
        }
        drop(shard);
        let shard = open(&io, directory.path()).await;
        let oldest = shard.journal.oldest_sequence();
        assert!(shard.checkpoint().await);
        assert!(shard.journal.oldest_sequence() > oldest, "files were freed");
        drop(shard);
        let shard = open(&io, directory.path()).await;
        flush_all(&shard).await;
        let answer = shard.read(&read(8), None).await;
        assert_eq!((answer.failure, answer.high_watermark), (None, 8));
        assert!(shard.led(OTHER).is_some());
    });
}

#[test]
fn no_checkpoint_says_of_a_partition_what_could_not_be_written_whatever_became_of_others() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    run_local(async |io| {
        let (shard, in_the_way) = one_cannot_be_written(&io, directory.path()).await;
        assert!(!shard.checkpoint().await);
        drop(shard);
        std::fs::remove_file(&in_the_way).expect("the file");
        let shard = open(&io, directory.path()).await;
        flush_all(&shard).await;
        let answer = shard.read(&read(0), None).await;
        assert_eq!((answer.failure, answer.high_watermark), (None, 1));
        assert!(answer.bytes() > 100, "what was acknowledged is there");
    });
}

#[test]
fn a_partition_removed_while_a_checkpoint_is_made_does_not_keep_the_next_start_from_writing_back() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    run_local(async |io| {
        let shard = open_with_partition(&io, directory.path()).await;
        let owned = shard.owned(KEY).expect("it was added");
        // A segment each: what is written is not written at once.
        owned.log.configure(200, i64::MAX);
        for _ in 0..3 {
            produce(&shard, 100);
        }
        flush_all(&shard).await;
        // Behind the checkpoint in the journal: a record, and the removal, which happens while the checkpoint writes.
        produce(&shard, 100);
        let removed = async { shard.apply_remove(KEY) };
        let (made, ()) = zip(shard.checkpoint(), removed).await;
        assert!(made);
        flush_all(&shard).await;
        propose_change(&shard, ItemKind::PartitionRemove, KEY, 1);
        flush_all(&shard).await;
        drop(shard);
        let mut config = Config::default();
        config.dirty_bytes_max = Some(1);
        let shard = open_with(&io, directory.path(), config).await;
        assert!(shard.owned(KEY).is_none());
    });
}

#[test]
fn a_write_back_that_fails_leaves_no_other_one_halfway() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    run_local(async |io| {
        let (shard, _) = one_cannot_be_written(&io, directory.path()).await;
        for _ in 0..2 {
            assert!(!shard.write_back_oldest().await);
        }
        let owned = shard.owned(OTHER).expect("it is there");
        assert_eq!(owned.partition.borrow().tail_start_offset(), 1);
    });
}

#[test]
fn a_fenced_shard_makes_no_checkpoint() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    let manifests = || {
        let entries = std::fs::read_dir(directory.path()).expect("the directory");
        let names = entries.flatten().map(|entry| entry.file_name());
        names
            .filter(|name| name.to_string_lossy().ends_with(".manifest"))
            .count()
    };
    run_local(async |io| {
        let shard = open_with_partition(&io, directory.path()).await;
        produce(&shard, 100);
        flush_all(&shard).await;
        shard.fence("a sync of the file system failed");
        assert!(!shard.checkpoint().await);
        assert_eq!(manifests(), 0);
    });
}

/// The files of segments of `KEY`, and what can be read of it: offsets and sizes of its batches.
async fn stored(shard: &Shard, root: &Path) -> (Vec<String>, Vec<(i64, usize)>) {
    let name = crate::log::format::directory_name("t", KEY.partition, KEY.topic_id);
    let listed = std::fs::read_dir(root.join(name)).expect("a directory");
    let names = listed.map(|entry| entry.expect("an entry").file_name());
    let mut files: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
    files.retain(|name| name.ends_with(".log"));
    files.sort();
    let (mut batches, mut offset) = (Vec::new(), 0);
    loop {
        let answer = shard.read(&read(offset), None).await;
        assert_eq!(answer.failure, None);
        let all: Vec<u8> = answer
            .records
            .iter()
            .flat_map(|piece| piece.to_vec())
            .collect();
        if all.is_empty() {
            return (files, batches);
        }
        for batch in protocol::record_batch::batches(&all) {
            let header = batch.expect("whole batches").header();
            batches.push((header.base_offset(), header.size_bytes()));
            offset = header.last_offset() + 1;
        }
    }
}

#[test]
fn what_compaction_replaced_stays_until_a_checkpoint_names_what_stands_in_its_place() {
    use crate::log::compaction::CompactionRule;
    let directory = tempfile::tempdir_in(".").expect("a directory");
    let root = directory.path();
    run_local(async |io| {
        let shard = open_with_partition(&io, root).await;
        let owned = shard.owned(KEY).expect("it was added");
        owned.log.configure(500, i64::MAX);
        for value in 0..12_u8 {
            let mut builder = RecordBatchBuilder::new(Compression::None);
            let value = [value; 100];
            builder
                .append(1, Some(b"key"), Some(&value), &[])
                .expect("a record");
            let request = ProduceRequest {
                records: Some(Bytes::from(builder.build().expect("a batch"))),
                version: 9,
                acks: -1,
                internal_client: false,
            };
            shard.produce(KEY, request).expect("it is taken");
        }
        flush_all(&shard).await;
        assert!(shard.checkpoint().await);
        let before = stored(&shard, root).await;
        let rule = CompactionRule {
            dirty_ratio_min: 0.0,
            lag_ms_min: 0,
            lag_ms_max: i64::MAX,
            delete_retention_ms: 0,
            segment_bytes_max: 500,
        };
        let cleanable = rule.due(&owned.log.segments(), 0, 0).expect("it is due");
        shard.compact(&owned, &rule, &cleanable).await;
        let (both, after) = stored(&shard, root).await;
        assert!(shard.compaction.has_replaced());
        assert!(both.len() > before.0.len() && before.0.iter().all(|name| both.contains(name)));
        assert!(after.len() < before.1.len() && after.iter().all(|batch| before.1.contains(batch)));
        // Nothing else has happened: a restart begins with the checkpoint before.
        let again = open(&io, root).await;
        flush_all(&again).await;
        assert_eq!(stored(&again, root).await.1, before.1);
        drop(again);
        assert!(shard.checkpoint().await);
        shard.remove_due().await;
        let (left, _) = stored(&shard, root).await;
        assert!(!shard.compaction.has_replaced() && left.len() < before.0.len());
        let again = open(&io, root).await;
        flush_all(&again).await;
        assert_eq!(stored(&again, root).await, (left, after));
        assert_eq!(
            again.owned(KEY).map(|owned| owned.log.cleaned_offset()),
            Some(cleanable.end_offset())
        );
    });
}

#[test]
fn a_fenced_shard_writes_nothing_back() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    let name = crate::log::format::directory_name("t", KEY.partition, KEY.topic_id);
    run_local(async |io| {
        let shard = open_with_partition(&io, directory.path()).await;
        produce(&shard, 100);
        flush_all(&shard).await;
        shard.fence("a write of the journal failed");
        assert!(!shard.write_back_oldest().await);
        assert!(!directory.path().join(name).exists());
        let answer = shard.read(&read(0), None).await;
        assert_eq!((answer.failure, answer.high_watermark), (None, 1));
    });
}

/// An image with the topic of `KEY`, acknowledged as `write.caching` says.
fn image_with(write_caching: &str) -> Arc<Image> {
    let mut image = Image::default();
    let topic_id = KEY.topic_id;
    let records = [
        MetadataRecord::Topic {
            topic_id,
            name: "t".to_owned(),
        },
        MetadataRecord::Partition {
            topic_id,
            partition: KEY.partition,
            quorum: data_quorum(0, 0).0,
            shard: 0,
        },
        MetadataRecord::Config {
            resource_type: RESOURCE_TOPIC,
            resource_name: "t".to_owned(),
            key: "write.caching".to_owned(),
            value: Some(write_caching.to_owned()),
        },
    ];
    records.iter().for_each(|record| image.replay(record));
    Arc::new(image)
}

#[test]
fn no_record_is_taken_under_other_settings_than_its_topics() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    let is_cached = |shard: &Shard| {
        let owned = shard.owned(KEY).expect("it is there");
        owned.partition.borrow().config().write_caching
    };
    run_local(async |io| {
        let shard = open(&io, directory.path()).await;
        flush_all(&shard).await;
        shard.image_changed(image_with("true"));
        add_partition(&shard, KEY, 1);
        flush_all(&shard).await;
        assert!(is_cached(&shard), "as soon as the partition is there");
        shard.image_changed(image_with("false"));
        assert!(!is_cached(&shard), "as soon as the image is there");
        drop(shard);
        let shard = open(&io, directory.path()).await;
        flush_all(&shard).await;
        shard.image_changed(image_with("true"));
        assert!(is_cached(&shard), "after a start");
    });
}

/// A shard that leads `KEY` and takes the direct way with everything of it.
async fn open_direct(io: &Io, root: &Path) -> Rc<Shard> {
    open_with(io, root, direct_from(1000)).await
}

fn direct_from(direct_bytes_min: u64) -> Config {
    let mut config = Config::default();
    config.direct_bytes_min = direct_bytes_min;
    config
}

/// Values' sizes of all records of `KEY`.
async fn sizes(shard: &Shard) -> Vec<usize> {
    let mut sizes = Vec::new();
    loop {
        let answer = shard.read(&read(sizes.len() as i64), None).await;
        assert_eq!(answer.failure, None);
        if answer.records.is_empty() {
            assert_eq!(answer.high_watermark, sizes.len() as i64);
            return sizes;
        }
        let bytes: Vec<u8> = answer.records.iter().flat_map(|one| one.to_vec()).collect();
        for batch in protocol::record_batch::batches(&bytes) {
            let batch = batch.expect("whole batches");
            assert!(batch.crc_matches());
            sizes.push(batch.bytes().len());
        }
    }
}

#[test]
fn much_of_a_partition_goes_to_its_segment_and_is_found_there_by_the_next_start() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    run_local(async |io| {
        let shard = lead_partition(open_direct(&io, directory.path()).await).await;
        let before = shard.journal.used_bytes();
        // Small ones through the journal, large ones not, and the small ones before them with them.
        let (mut given, mut frames) = (Vec::new(), 0);
        for round in 0..30 {
            let bytes = [10, 200_000, 20, 30, 90_000][round % 5] + round;
            produce(&shard, bytes);
            flush_all(&shard).await;
            frames += 1;
            given.push(bytes);
            if round == 12 {
                assert!(shard.checkpoint().await);
            }
        }
        let taken = shard.journal.used_bytes() - before;
        assert_eq!(taken, frames * 4096, "no frame carries a large one");
        let live = sizes(&shard).await;
        assert_eq!(live.len(), given.len());
        let manifests = shard.manifests();
        drop(shard);
        for _ in 0..2 {
            let shard = open_direct(&io, directory.path()).await;
            let again = shard.manifests();
            for ((was, _), (is, _)) in manifests.iter().zip(&again) {
                assert_eq!(was.partitions.len(), is.partitions.len());
                for (was, is) in was.partitions.iter().zip(&is.partitions) {
                    assert_eq!((&was.head, &was.producers), (&is.head, &is.producers));
                }
            }
            flush_all(&shard).await;
            assert_eq!(sizes(&shard).await, live);
            // And what comes behind it, on either way.
            drop(shard);
        }
        let shard = open_direct(&io, directory.path()).await;
        flush_all(&shard).await;
        produce(&shard, 5);
        flush_all(&shard).await;
        produce(&shard, 50_000);
        flush_all(&shard).await;
        let longer = sizes(&shard).await;
        assert_eq!(longer[..live.len()], live);
        assert_eq!(longer.len(), live.len() + 2);
    });
}

#[test]
fn while_frames_are_written_readers_who_are_behind_read_little_and_in_turn() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    run_local(async |io| {
        let shard = lead_partition(open_direct(&io, directory.path()).await).await;
        for _ in 0..20 {
            produce(&shard, 100_000);
            flush_all(&shard).await;
        }
        drop(shard);
        // Nothing of it is in memory any more.
        let shard = open_direct(&io, directory.path()).await;
        flush_all(&shard).await;
        let answer = async |offset| shard.read(&read(offset), None).await;
        let read = async |offset| answer(offset).await.bytes();
        let turn = async || shard.read_turns.turn(&*io.clock).await.expect("frames");
        let bytes = read(0).await;
        assert!(answer(0).await.more && answer(18).await.more);
        assert!(!answer(19).await.more, "this is the last one");
        assert!((100_000..=limits::FETCH_READ_BESIDE_WRITES_BYTES).contains(&bytes));
        let other = turn().await;
        let mut waits = Box::pin(read(0));
        assert!(poll_once(&mut waits).await.is_none());
        drop(other);
        assert_eq!(waits.await, bytes);
        // The log start passes one that waits.
        let other = turn().await;
        let mut waits = Box::pin(answer(0));
        assert!(poll_once(&mut waits).await.is_none());
        let start = change(ItemKind::LogStart, KEY, 5);
        let proposed = shard.quorums.borrow_mut().propose(1, start);
        proposed.expect("open");
        flush_all(&shard).await;
        drop(other);
        let passed = waits.await.failure;
        assert_eq!(passed, Some(ReadFailure::OffsetOutOfRange));
        // After some time without a frame.
        let other = turn().await;
        assert_eq!(shard.wait_idle(Idle::No).await, Idle::Marked);
        assert!(poll_once(Box::pin(read(5))).await.is_none());
        assert_eq!(shard.wait_idle(Idle::Marked).await, Idle::Long);
        assert!(read(5).await > 3 * bytes, "it waits for nobody");
        drop(other);
    });
}

#[test]
fn a_read_that_may_take_nothing_asks_the_disk_for_nothing() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    run_local(async |io| {
        let shard = lead_partition(open_direct(&io, directory.path()).await).await;
        produce(&shard, 2000);
        flush_all(&shard).await;
        drop(shard);
        let shard = open_direct(&io, directory.path()).await;
        flush_all(&shard).await;
        let other = shard.read_turns.turn(&*io.clock).await;
        assert!(other.is_some(), "there are frames");
        let nothing = ReadRequest {
            bytes_max: 0,
            at_least_one: false,
            ..read(0)
        };
        let answer = Box::pin(shard.read(&nothing, None));
        let answer = poll_once(answer).await.expect("it waits for nobody");
        assert_eq!(answer.failure, None);
        assert_eq!((answer.bytes(), answer.high_watermark), (0, 1));
        let one = ReadRequest {
            at_least_one: true,
            ..nothing
        };
        drop(other);
        assert!(shard.read(&one, None).await.bytes() > 2000);
    });
}

#[test]
fn readers_have_the_disk_for_themselves_after_a_flush_that_was_asked_for_once_too_often() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    run_local(async |io| {
        let shard = lead_partition(open_direct(&io, directory.path()).await).await;
        produce(&shard, 100);
        // Whoever asked while the flush was under way already has been served by it.
        shard.flush_wanted.set();
        let readers = async {
            while shard.read_turns.turn(&*io.clock).await.is_some() {
                io.clock.sleep(Duration::from_millis(1)).await;
            }
            shard.stopping.set(true);
            shard.flush_wanted.set();
        };
        let deadline = async {
            io.clock.sleep(Duration::from_secs(20)).await;
            panic!("frames are still waited for");
        };
        or(
            async {
                zip(shard.clone().run_flush(), readers).await;
            },
            deadline,
        )
        .await;
    });
}

#[test]
fn while_many_partitions_are_in_memory_twice_as_much_is_asked_for_to_go_straight() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    run_local(async |io| {
        let shard = lead_partition(open_direct(&io, directory.path()).await).await;
        let goes_straight = async |bytes| {
            let before = shard.metrics.direct_bytes.get();
            produce(&shard, bytes);
            flush_all(&shard).await;
            shard.metrics.direct_bytes.get() > before
        };
        assert!(goes_straight(1500).await);
        for partition in 0..limits::DIRECT_PARTITIONS_FEW as i32 {
            let key = PartitionKey {
                partition: 100 + partition,
                ..KEY
            };
            add_partition(&shard, key, 1);
            flush_all(&shard).await;
            produce_to(&shard, key, 10);
            flush_all(&shard).await;
        }
        assert!(!goes_straight(1500).await);
        assert!(goes_straight(2500).await);
        assert!(shard.checkpoint().await);
        assert!(goes_straight(1500).await);
    });
}

#[test]
fn a_start_misses_the_checkpoint_that_has_the_segments_before_those_a_frame_tells_of() {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    run_local(async |io| {
        let shard = lead_partition(open_direct(&io, directory.path()).await).await;
        for made in [true, false] {
            produce(&shard, 2000);
            flush_all(&shard).await;
            assert!(!made || shard.checkpoint().await);
        }
        let quorum = shard.quorums.borrow().id(1).0;
        drop(shard);
        let path = crate::log::manifest::path(directory.path(), quorum);
        std::fs::remove_file(&path).expect("it is there");
        let opened = try_open_with(&io, directory.path(), direct_from(1000)).await;
        let error = opened.err().expect("it is missed");
        assert!(
            matches!(&error, recovery::StartError::ManifestOld { path: missed, .. } if *missed == path),
            "{error}"
        );
    });
}
