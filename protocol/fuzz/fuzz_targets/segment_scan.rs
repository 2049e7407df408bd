//! A segment of any bytes, believed to be whole by its manifest: reads from every offset and look-ups by time give whole
//! batches whose checksums are right, in order, or say where the damage is; compaction leaves no more than there was, or
//! everything as it was. `cargo fuzz run -s none segment_scan`
#![no_main]

mod world;

use std::path::Path;
use std::rc::Rc;

use broker::log::compaction::Cleanable;
use broker::log::{CompactionOrder, LogDirectory, PartitionLog, Segment, SegmentId};
use libfuzzer_sys::fuzz_target;
use protocol::record_batch::batches;
use world::{Memory, at_once, io};

fuzz_target!(|data: &[u8]| {
    let Some((&[offsets, bytes_max, timestamp], content)) = data.split_first_chunk() else {
        return;
    };
    let memory = Rc::new(Memory::default());
    let directory = LogDirectory::new(io(memory.clone()), Path::new("/d"), 4, 1 << 20);
    let log = PartitionLog::new(directory, "t", 0, 1);
    // One that was compacted before may have gaps.
    let id = SegmentId {
        base_offset: 0,
        generation: u32::from(offsets % 2),
    };
    let path = format!("/d/t-0.{:032x}/{}", 1, id.segment_name());
    memory.put(&path, content.to_vec());
    let end = i64::from(offsets) + 1;
    let segment = Segment {
        id,
        next_offset: end,
        bytes: content.len() as u64,
        max_timestamp: i64::MAX,
        first_timestamp: 0,
        ..Segment::new(0, 0)
    };
    let active = Segment {
        next_offset: end + 1,
        bytes: 61,
        ..Segment::new(end, 0)
    };
    log.restore(vec![segment, active], 0);
    let mut at = 0;
    while at < end {
        let read = at_once(log.read(at, usize::from(bytes_max) * 64, true, end));
        let Ok(Some(slices)) = read else { break };
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        let mut next = at;
        for batch in batches(&bytes) {
            let batch = batch.expect("only whole batches are given");
            assert!(batch.crc_matches() && batch.header().last_offset() >= next);
            next = batch.header().last_offset() + 1;
        }
        assert!(next <= end);
        if next == at {
            break;
        }
        at = next;
    }
    let target = i64::from(timestamp) << 33;
    if let Ok(Some(batch)) = at_once(log.batch_for_timestamp(target, 0)) {
        let batch = batches(&batch).next().expect("one").expect("whole");
        assert!(batch.crc_matches() && batch.header().max_timestamp() >= target);
    }
    let cleanable = Cleanable {
        segments: vec![segment],
        dirty_from: 0,
        dirty_ratio: 1.0,
        overdue: false,
    };
    let order = CompactionOrder {
        delete_retention_ms: 0,
        segment_bytes_max: 1 << 20,
        map_bytes_max: u64::from(bytes_max),
        is_last_of_producer: &|_, base_offset| base_offset % 2 == 0,
        is_wanted: &|| true,
    };
    match at_once(log.compact(&cleanable, &order)) {
        Ok(compacted) => {
            assert!(compacted.records_after <= compacted.records_before);
            assert!(log.segments().iter().all(|left| left.id != id));
            // Unless nothing was left.
            if log.segments()[0] == active {
                return;
            }
            let read = at_once(log.read(0, 1 << 20, true, end));
            let read = read.expect("what it wrote can be read");
            for slice in read.unwrap_or_default() {
                for batch in batches(&slice) {
                    assert!(batch.expect("whole batches").crc_matches());
                }
            }
        }
        Err(_) => assert_eq!(log.segments(), [segment, active]),
    }
});
