//! A segment's index with a right magic number, version and checksum, and anything else in it. What is taken answers every
//! look-up with a place inside the segment, and encodes to the same bytes. `cargo fuzz run -s none index`
#![no_main]

use broker::log::index::SegmentIndex;
use libfuzzer_sys::fuzz_target;

const HEADER_BYTES: usize = 56;
const ENTRY_BYTES: usize = 16;

fuzz_target!(|data: &[u8]| {
    let _ = SegmentIndex::decode(data);
    let Some(bytes) = sealed(data) else { return };
    let Ok(index) = SegmentIndex::decode(&bytes) else {
        return;
    };
    assert_eq!(
        index.encode(),
        bytes,
        "what is taken encodes to the same bytes"
    );
    let (base, end) = (index.base_offset(), index.end());
    for asked in [
        base,
        end.offset.saturating_sub(1),
        base / 2 + end.offset / 2,
        i64::MIN,
        i64::MAX,
    ] {
        let mark = index.before_offset(asked);
        assert!(mark.position <= end.position && mark.offset >= base);
        assert!(mark.offset <= asked.max(base));
        let mark = index.before_timestamp(asked);
        assert!(mark.position <= end.position && mark.offset >= base);
    }
    assert_eq!(index.marks().count(), index.len());
});

/// `data` as the header's numbers and the entries of an index.
fn sealed(data: &[u8]) -> Option<Vec<u8>> {
    let (numbers, entries) = data.split_at_checked(32)?;
    let count = entries.len() / ENTRY_BYTES;
    let mut out = SegmentIndex::starting_at(
        0,
        broker::log::index::Mark {
            offset: 0,
            position: 0,
            max_timestamp: -1,
        },
    )
    .encode();
    out.truncate(HEADER_BYTES);
    out[16..48].copy_from_slice(numbers);
    out[48..52].copy_from_slice(&(count as u32).to_le_bytes());
    out.extend_from_slice(&entries[..count * ENTRY_BYTES]);
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&out[..12]);
    hasher.update(&out[16..]);
    out[12..16].copy_from_slice(&hasher.finalize().to_le_bytes());
    Some(out)
}
