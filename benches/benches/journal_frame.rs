//! Gathering one journal frame: the directory, the one copy of the batches, their stamps, CRC-32 over all. No IO.

use std::hint::black_box;

use benches::batch_item;
use broker::journal::frame::{self, Chain, Entry, EntryKind, FileHeader, Section};
use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput};

fn sections(batches: usize, batch: &Bytes) -> Vec<Section<Bytes>> {
    let items = (0..batches).map(|partition| batch_item(partition as i32, 0, batch));
    vec![Section {
        quorum: 1,
        hard_state: None,
        entries: vec![Entry {
            index: 1,
            term: 1,
            kind: EntryKind::Normal,
            items: items.collect(),
        }],
    }]
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let header = FileHeader {
        seed: 7,
        journal_id: 1,
        file_number: 1,
        use_number: 1,
        first_sequence: 1,
        oldest_sequence: 1,
        frame_bytes_max: 16 << 20,
        previous_crc: 0,
    };
    let chain = Chain {
        sequence: 1,
        synced_sequence: 0,
        run: 1,
        previous_crc: 0,
    };
    let mut group = criterion.benchmark_group("journal_frame_encode");
    for (batches, records) in [(1, 1000), (16, 1000), (256, 10), (4096, 1)] {
        let batch = Bytes::from(benches::batch(records, 100));
        let sections = sections(batches, &batch);
        let mut buffer = vec![0; frame::frame_bytes(&sections)];
        group.throughput(Throughput::Bytes((batches * batch.len()) as u64));
        group.bench_function(format!("{batches}_batches_of_{records}x100"), |bencher| {
            bencher.iter_batched(
                || sections.clone(),
                |sections| frame::encode(sections, &header, chain, black_box(&mut buffer)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
    criterion.final_summary();
}
