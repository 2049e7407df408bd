//! One group commit on a real disk: propose a batch to each of 1, 16 and 256 partitions, gather one frame, write, sync, commit.
//! The journal lies under the temporary directory; that has to be a file system that takes direct IO.

use std::time::{Duration, Instant};

use benches::batch_item;
use broker::io::Io;
use broker::io::production::run_local;
use broker::journal::{Journal, JournalOptions};
use broker::limits;
use broker::quorum::replica::ReplicaStart;
use broker::quorum::{QuorumId, Quorums};
use bytes::Bytes;
use criterion::{Criterion, Throughput};

/// A shard's worth of quorums; partitions are spread over them.
const QUORUMS: usize = 4;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let batch = Bytes::from(benches::batch(10, 100));
    let mut group = criterion.benchmark_group("flush");
    group.sample_size(20);
    for partitions in [1, 16, 256] {
        group.throughput(Throughput::Elements(partitions as u64));
        group.bench_function(format!("{partitions}_partitions"), |bencher| {
            bencher.iter_custom(|flushes| flush(partitions, flushes, &batch));
        });
    }
    group.finish();
    criterion.final_summary();
}

/// The time that `flushes` flushes take, each with one batch for each of `partitions` partitions.
fn flush(partitions: usize, flushes: u64, batch: &Bytes) -> Duration {
    let directory = tempfile::tempdir().expect("a temporary directory");
    run_local(async |io: Io| {
        let options = JournalOptions {
            id: 1,
            directory: directory.path().to_owned(),
            file_bytes: JournalOptions::FILE_BYTES_DEFAULT,
            journal_bytes_max: 4 * JournalOptions::FILE_BYTES_DEFAULT,
            frame_bytes_max: JournalOptions::FRAME_BYTES_MAX_DEFAULT,
        };
        let (journal, mut recovery) = Journal::open(io, options).await.expect("a new journal");
        let nothing = recovery.next_frame().await.expect("an empty journal");
        assert!(nothing.is_none(), "the journal is new");
        while journal.prepare_file().await.expect("files can be made") {}
        let mut quorums = Quorums::new(
            JournalOptions::FRAME_BYTES_MAX_DEFAULT,
            limits::PREPARED_BYTES_PER_SHARD_MAX as usize,
        );
        let start = ReplicaStart {
            replica: 1,
            voters: vec![1],
            ..ReplicaStart::default()
        };
        for id in 0..QUORUMS {
            let added = quorums.add(QuorumId(id as u32), &start, Vec::new());
            added.expect("a new quorum");
        }
        one_flush(&mut quorums, &journal).await;
        let started = Instant::now();
        for number in 0..flushes {
            for partition in 0..partitions {
                let item = batch_item(partition as i32, 10 * number as i64, batch);
                let proposed = quorums.propose(partition % QUORUMS, item);
                proposed.expect("one window's worth fits");
            }
            assert_eq!(one_flush(&mut quorums, &journal).await, partitions);
        }
        started.elapsed()
    })
}

/// Writes and syncs what waits; returns how many items that commits.
async fn one_flush(quorums: &mut Quorums, journal: &Journal) -> usize {
    let window = quorums.begin_flush().expect("something waits");
    let flushed = Quorums::flush(journal, window).await;
    let (readies, written) = flushed.expect("the disk works");
    let sequence = written.sequence;
    let committed = quorums.end_flush(readies, written);
    journal.recycle_below(sequence);
    committed.iter().map(|entry| entry.items.len()).sum()
}
