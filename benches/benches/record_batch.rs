//! What a leader does with one batch of 1000 records of 100 bytes: header, CRC-32C, every record, the stamp at append. No IO.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use protocol::record::{RecordsPolicy, validate_records};
use protocol::record_batch::{RecordBatch, RecordBatchMut, TimestampType};

const RECORDS: usize = 1000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let bytes = benches::batch(RECORDS, 100);
    let policy = RecordsPolicy {
        timestamp_type: TimestampType::CreateTime,
        now_ms: benches::TIMESTAMP_MS,
        timestamp_before_ms_max: i64::MAX,
        timestamp_after_ms_max: 3_600_000,
        key_required: false,
    };
    let mut group = criterion.benchmark_group("record_batch_1000x100");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function("header", |bencher| {
        bencher.iter(|| {
            let batch = RecordBatch::parse(black_box(&bytes)).expect("built by us");
            batch.check_client_batch()
        });
    });
    group.bench_function("crc", |bencher| {
        bencher.iter(|| {
            RecordBatch::parse(black_box(&bytes))
                .expect("built by us")
                .crc_matches()
        });
    });
    group.bench_function("validate_records", |bencher| {
        bencher.iter(|| {
            let batch = RecordBatch::parse(black_box(&bytes)).expect("built by us");
            validate_records(batch.header(), batch.payload(), &policy)
        });
    });
    group.bench_function("stamp", |bencher| {
        bencher.iter_batched_ref(
            || bytes.clone(),
            |bytes| {
                let mut batch = RecordBatchMut::parse(bytes).expect("built by us");
                batch.set_base_offset(black_box(1 << 40));
                batch.set_partition_leader_epoch(black_box(3));
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
    criterion.final_summary();
}
