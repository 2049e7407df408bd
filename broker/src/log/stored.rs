//! What a journal frame says of batches that went straight to a segment: the segments they made, and the header of each batch, which
//! is all that a replay needs of it. Pure.
//!
//! Little-endian: manifest sequence u64, segments (u32 count, each as in a manifest), headers (u32 count, the first 61 bytes of each batch).

use bytes::Bytes;
use protocol::record_batch::{BatchHeader, HEADER_BYTES};

use super::format::Segment;
use super::manifest::{SEGMENT_BYTES, put_segment, take, take_segment};

/// Batches of one partition that are in its segments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// The frame that the manifest was made from which has the other segments; 0: there was none.
    pub manifest_sequence: u64,
    /// The last segments of the partition: all that the manifest does not have as they are, up to these batches' or a later end.
    pub segments: Vec<Segment>,
    /// The headers of the batches, in order.
    pub headers: Vec<[u8; HEADER_BYTES]>,
}

impl Stored {
    /// Adds the batch that begins with `bytes`.
    pub fn push(&mut self, bytes: &[u8]) {
        let header = bytes.first_chunk();
        self.headers.push(*header.expect("batches are whole"));
    }

    /// As the body of an item.
    pub fn encode(&self) -> Bytes {
        let bytes = 16 + self.segments.len() * SEGMENT_BYTES + self.headers.len() * HEADER_BYTES;
        let mut out = Vec::with_capacity(bytes);
        out.extend_from_slice(&self.manifest_sequence.to_le_bytes());
        out.extend_from_slice(&(self.segments.len() as u32).to_le_bytes());
        self.segments
            .iter()
            .for_each(|segment| put_segment(segment, &mut out));
        out.extend_from_slice(&(self.headers.len() as u32).to_le_bytes());
        self.headers
            .iter()
            .for_each(|header| out.extend_from_slice(header));
        out.into()
    }

    /// `None`: the bytes are none, or contradict themselves.
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let manifest_sequence = u64::from_le_bytes(take(bytes)?);
        let count = u32::from_le_bytes(take(bytes)?) as usize;
        let mut segments: Vec<Segment> = Vec::with_capacity(count.min(bytes.len() / SEGMENT_BYTES));
        for _ in 0..count {
            let segment = take_segment(bytes)?;
            let follows = segments
                .last()
                .is_none_or(|last| last.next_offset <= segment.base_offset());
            if !follows || segment.base_offset() >= segment.next_offset {
                return None;
            }
            segments.push(segment);
        }
        let count = u32::from_le_bytes(take(bytes)?) as usize;
        let mut headers = Vec::with_capacity(count.min(bytes.len() / HEADER_BYTES));
        for _ in 0..count {
            let header = take(bytes)?;
            BatchHeader::parse(&header).ok()?;
            headers.push(header);
        }
        (bytes.is_empty() && !segments.is_empty()).then_some(Self {
            manifest_sequence,
            segments,
            headers,
        })
    }

    /// What a restart makes of the `segments` that a manifest has.
    pub fn continued(&self, mut segments: Vec<Segment>) -> Vec<Segment> {
        let end = |segments: &[Segment]| segments.last().map(|last| last.next_offset);
        if end(&segments) < end(&self.segments) {
            let first = self.segments[0].base_offset();
            segments.retain(|segment| segment.base_offset() < first);
            segments.extend_from_slice(&self.segments);
        }
        segments
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::compression::Compression;
    use protocol::record_batch::RecordBatchBuilder;

    use super::*;
    use crate::log::format::SegmentId;

    fn segment(base_offset: i64, next_offset: i64) -> Segment {
        Segment {
            id: SegmentId {
                base_offset,
                generation: 2,
            },
            next_offset,
            bytes: 1000,
            max_timestamp: 50,
            first_timestamp: -1,
            created_ms: 9,
        }
    }

    fn sample() -> Stored {
        let mut stored = Stored {
            manifest_sequence: 12,
            segments: vec![segment(5, 9), segment(9, 30)],
            headers: Vec::new(),
        };
        for value in 0..3u8 {
            let mut builder = RecordBatchBuilder::new(Compression::None);
            let record = builder.append(i64::from(value), None, Some(&[value]), &[]);
            record.expect("a record");
            stored.push(&builder.build().expect("a batch"));
        }
        stored
    }

    #[test]
    fn it_comes_back_as_it_was_and_nothing_else_does() {
        let stored = sample();
        let bytes = stored.encode();
        assert_eq!(Stored::decode(&bytes), Some(stored));
        for cut in 0..bytes.len() {
            assert_eq!(Stored::decode(&bytes[..cut]), None, "cut to {cut}");
        }
        assert_eq!(Stored::decode(&[&bytes[..], &[0]].concat()), None);
        let wrong = |segments| Stored {
            segments,
            ..sample()
        };
        for segments in [
            Vec::new(),
            vec![segment(5, 5)],
            vec![segment(5, 10), segment(9, 30)],
        ] {
            assert_eq!(Stored::decode(&wrong(segments).encode()), None);
        }
    }

    #[test]
    fn what_reaches_further_counts() {
        let stored = sample();
        let known = vec![segment(0, 5), segment(5, 7)];
        assert_eq!(
            stored.continued(known),
            [segment(0, 5), segment(5, 9), segment(9, 30)]
        );
        assert_eq!(stored.continued(Vec::new()), stored.segments);
        let newer = vec![segment(5, 9), segment(9, 31)];
        assert_eq!(stored.continued(newer.clone()), newer);
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(at in 0..400usize, value: u8, bytes: Vec<u8>) {
            let _ = Stored::decode(&bytes);
            let mut changed = sample().encode().to_vec();
            let at = at % changed.len();
            changed[at] = value;
            if let Some(stored) = Stored::decode(&changed) {
                prop_assert_eq!(&stored.encode()[..], &changed[..]);
            }
        }
    }
}
