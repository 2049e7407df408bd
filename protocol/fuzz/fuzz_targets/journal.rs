//! A journal file's header block, and frames whose fixed part and checksum are right and whose directory is anything.
//! `cargo fuzz run -s none journal`
#![no_main]

use broker::journal::frame::{FileHeader, FileHeaders, decode};
use libfuzzer_sys::fuzz_target;

const FIXED_BYTES: usize = 80;
const BLOCK_BYTES: usize = 4096;
const FILE: FileHeader = FileHeader {
    seed: 7,
    journal_id: 1,
    file_number: 0,
    use_number: 1,
    first_sequence: 1,
    oldest_sequence: 1,
    frame_bytes_max: 1 << 20,
    previous_crc: 0,
};

fuzz_target!(|data: &[u8]| {
    let _ = FileHeaders::decode(data);
    let _ = decode(data, &FILE);
    let Some((&[sections, directory_low, directory_high], rest)) = data.split_first_chunk() else {
        return;
    };
    let directory = usize::from(u16::from_le_bytes([directory_low, directory_high]));
    let frame = sealed(u32::from(sections), directory.min(rest.len()), rest);
    if let Ok((header, sections)) = decode(&frame, &FILE) {
        assert_eq!(header.frame_bytes as usize, frame.len());
        let entries = sections.iter().flat_map(|section| &section.entries);
        for item in entries.flat_map(|entry| &entry.items) {
            assert!(item.body.start <= item.body.end && item.body.end <= frame.len());
        }
    }
});

/// A frame whose directory is the first bytes of `content`, its bodies the others.
fn sealed(sections: u32, directory_bytes: usize, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(b"PeltonFr");
    out.extend_from_slice(&FILE.journal_id.to_le_bytes());
    out.extend_from_slice(&FILE.use_number.to_le_bytes());
    for number in [1u64, 0, 9] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    let whole = (FIXED_BYTES + content.len()).next_multiple_of(BLOCK_BYTES);
    let body_bytes = content.len() - directory_bytes;
    for number in [
        0,
        sections,
        directory_bytes as u32,
        body_bytes as u32,
        whole as u32,
    ] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    let mut hasher = crc32fast::Hasher::new_with_initial(FILE.seed);
    hasher.update(&out);
    hasher.update(content);
    out.extend_from_slice(&hasher.finalize().to_le_bytes());
    assert_eq!(out.len(), FIXED_BYTES);
    out.extend_from_slice(content);
    out.resize(whole, 0);
    out
}
