//! What `pelton inspect` reads: the first byte chooses between segment, journal, manifest, our index and Kafka's; the frames
//! of a manifest are given right checksums first. `cargo fuzz run -s none stored_file`
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::frame::{FLAG_ATTACHMENT_COVERED, FRAME_HEADER_BYTES};

const NAMES: [&str; 6] = [
    "00000000000000000000.log",
    "0.journal",
    "0.manifest",
    "00000000000000000000.idx",
    "00000000000000000000.index",
    "00000000000000000000.timeindex",
];

fuzz_target!(|data: &[u8]| {
    let Some((&kind, bytes)) = data.split_first() else {
        return;
    };
    let name = NAMES[usize::from(kind) % NAMES.len()];
    let mut bytes = bytes.to_vec();
    if name.ends_with(".manifest") {
        seal_frames(&mut bytes);
    }
    let mut text = String::new();
    broker::inspect::inspect(name, &bytes.as_slice(), true, &mut text);
    assert!(text.ends_with('\n') || text.is_empty());
});

fn seal_frames(bytes: &mut [u8]) {
    let mut rest = bytes;
    while let Some(length) = rest.first_chunk::<4>() {
        let whole = 4 + u32::from_le_bytes(*length) as usize;
        if whole < FRAME_HEADER_BYTES || whole > rest.len() {
            return;
        }
        let (frame, later) = rest.split_at_mut(whole);
        rest = later;
        let flags = u16::from_le_bytes([frame[10], frame[11]]);
        let meta = u32::from_le_bytes([frame[12], frame[13], frame[14], frame[15]]) as usize;
        let meta_end = (FRAME_HEADER_BYTES + meta).min(whole);
        let covered = if flags & FLAG_ATTACHMENT_COVERED == 0 {
            meta_end
        } else {
            whole
        };
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&frame[..4]);
        hasher.update(&frame[8..covered]);
        frame[4..8].copy_from_slice(&hasher.finalize().to_le_bytes());
    }
}
