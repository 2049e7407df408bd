//! Parses frames and decodes their metas. The first two bytes are a kind for the rest taken as a meta,
//! so that the verifier is reached without a right CRC. `cargo fuzz run -s none frame`
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::frame::{Frame, FrameBuilder};
use protocol::native::{MetadataRecord, PartitionManifest, QuorumManifest, StorageManifest};

fuzz_target!(|data: &[u8]| {
    if let Ok((frame, size)) = Frame::parse(data, 1 << 20) {
        assert!(size <= data.len());
        decode(&frame);
    }
    if let Some((kind, meta)) = data.split_first_chunk::<2>() {
        decode(&Frame {
            kind: u16::from_le_bytes(*kind),
            flags: 1,
            meta,
            attachment: &[],
        });
    }
});

fn decode(frame: &Frame<'_>) {
    if let Ok(record) = MetadataRecord::decode(frame) {
        let mut builder = FrameBuilder::new();
        if let Ok(bytes) = record.encode(&mut builder) {
            let again = Frame::parse(bytes, 1 << 20)
                .expect("what we encode parses")
                .0;
            assert_eq!(MetadataRecord::decode(&again), Ok(record));
        }
    }
    let _ = QuorumManifest::decode(frame);
    let _ = PartitionManifest::decode(frame);
    let _ = StorageManifest::decode(frame);
}
