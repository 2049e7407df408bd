//! Walks, validates and patches whatever a client might call record batches.
//! `cargo fuzz run -s none record_batch`
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::record::{RecordsPolicy, records, validate_records};
use protocol::record_batch::{
    BatchFilter, Filtered, RecordBatch, RecordBatchMut, TimestampType, batches,
};

const POLICY: RecordsPolicy = RecordsPolicy {
    timestamp_type: TimestampType::CreateTime,
    now_ms: 1_700_000_000_000,
    timestamp_before_ms_max: i64::MAX,
    timestamp_after_ms_max: 3_600_000,
    key_required: true,
};

fuzz_target!(|data: &[u8]| {
    let mut walk = batches(data);
    for batch in walk.by_ref().flatten() {
        let _ = (
            batch.crc_matches(),
            batch.check_client_batch(),
            batch.last_sequence(),
        );
        let _ = validate_records(batch.header(), batch.payload(), &POLICY);
        for record in records(batch.payload()).flatten() {
            let announced = record.headers.count_left() as usize;
            assert_eq!(
                record.headers.count(),
                announced,
                "headers were walked once already"
            );
        }
        let mut left = Vec::new();
        let odd = BatchFilter::default().filter(
            &batch,
            1 << 20,
            9,
            |_, offset| offset % 2 != 0,
            &mut left,
        );
        if let Ok(Filtered::Some) = odd {
            let left = RecordBatch::parse(&left).expect("a batch");
            assert!(
                left.crc_matches() && left.header().last_offset() == batch.header().last_offset()
            );
        }
    }
    assert!(walk.position() <= data.len());
    let mut copy = data.to_vec();
    if let Ok(mut batch) = RecordBatchMut::parse(&mut copy) {
        batch.set_base_offset(42);
        batch.set_partition_leader_epoch(7);
        if batch.set_max_timestamp(TimestampType::LogAppendTime, 1) {
            assert!(batch.batch().crc_matches());
        }
        assert_eq!(batch.batch().base_offset(), 42);
    }
});
