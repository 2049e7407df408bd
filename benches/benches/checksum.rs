//! The two checksums: CRC-32C of record batches (Kafka's), CRC-32 of journal frames (`crc32fast`). Bytes are warm in cache.

use std::hint::black_box;

use criterion::{Criterion, Throughput};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("checksum");
    for bytes in [1 << 10, 64 << 10, 1 << 20] {
        let input: Vec<u8> = (0..bytes)
            .map(|at: u32| at.wrapping_mul(0x9e37_79b9) as u8)
            .collect();
        group.throughput(Throughput::Bytes(u64::from(bytes)));
        group.bench_function(format!("crc32c/{bytes}"), |bencher| {
            bencher.iter(|| crc32c::crc32c(black_box(&input)));
        });
        group.bench_function(format!("crc32/{bytes}"), |bencher| {
            bencher.iter(|| crc32fast::hash(black_box(&input)));
        });
    }
    group.finish();
    criterion.final_summary();
}
