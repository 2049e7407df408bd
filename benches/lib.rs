//! What the benches share: input as a client sends it. Measures nothing itself, and is no part of the broker.

use std::borrow::Cow;

use broker::journal::frame::{Item, ItemKind};
use bytes::Bytes;
use protocol::compression::Compression;
use protocol::messages::produce;
use protocol::record_batch::RecordBatchBuilder;

/// The broker's own: half of what is measured would be the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Timestamp of every record, milliseconds.
pub const TIMESTAMP_MS: i64 = 1_700_000_000_000;

/// A batch of `records` records without keys, each with a value of `record_bytes` bytes; not compressed.
pub fn batch(records: usize, record_bytes: usize) -> Vec<u8> {
    let mut builder = RecordBatchBuilder::new(Compression::None);
    for record in 0..records {
        let value = vec![record as u8; record_bytes];
        builder
            .append(TIMESTAMP_MS + record as i64, None, Some(&value), &[])
            .expect("benches build small batches");
    }
    builder.build().expect("benches build small batches")
}

/// The body of a Produce request that carries `batch` to each of `partitions` partitions of one topic.
pub fn produce_body(version: i16, partitions: i32, batch: &[u8]) -> Vec<u8> {
    let partition_data =
        (0..partitions).map(|index| produce::ProduceRequestTopicDataPartitionData {
            index,
            records: Some(Cow::Borrowed(batch)),
        });
    let request = produce::ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![produce::ProduceRequestTopicData {
            name: Cow::Borrowed("bench-topic"),
            partition_data: partition_data.collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut body = Vec::new();
    request.encode(&mut body, version);
    body
}

/// `batch` on its way to the journal, for `partition`, at `offset`.
pub fn batch_item(partition: i32, offset: i64, batch: &Bytes) -> Item<Bytes> {
    Item {
        kind: ItemKind::Batch,
        topic_id: 1,
        partition,
        offset,
        leader_epoch: 0,
        log_append_time_ms: -1,
        body: batch.clone(),
    }
}
