//! The walk over a Produce request: what the broker pays before it looks into a batch. Batches are never read here.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use protocol::produce::ProduceRequest;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let batch = benches::batch(10, 100);
    let mut group = criterion.benchmark_group("produce_request_walk");
    for (version, partitions) in [(7, 1), (9, 1), (9, 10), (9, 100)] {
        let body = benches::produce_body(version, partitions, &batch);
        group.throughput(Throughput::Elements(partitions as u64));
        group.bench_function(format!("v{version}/{partitions}_partitions"), |bencher| {
            bencher.iter(|| {
                let request =
                    ProduceRequest::parse(black_box(&body), version).expect("encoded by us");
                let bytes = request
                    .partitions()
                    .filter_map(|partition| partition.records);
                bytes.map(|records| records.len()).sum::<usize>()
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
