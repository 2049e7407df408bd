//! The frame: the one envelope of everything that is Pelton's own (metadata records, manifests, traffic
//! between machines, the native listener). It finds the ends and checks the sums; what a kind's meta and
//! attachment mean is `native`'s and its users' business. It never touches a Kafka request.
//!
//! Integers are little endian, as FlatBuffers':
//!
//! ```text
//!  offset size field
//!       0    4 length        bytes after this field: 12 + meta + attachment
//!       4    4 CRC-32        (IEEE) of the length field and of [8, end of meta), and of the attachment
//!                            too if flag bit 0 is set
//!       8    2 kind          see `native::kind`
//!      10    2 flags         bit 0: the CRC covers the attachment; others must be 0
//!      12    4 meta length
//!      16    . meta          a FlatBuffer
//!       .    . attachment    opaque bytes, to the end
//! ```
//!
//! Only an attachment of Kafka record batches goes uncovered: each carries its own CRC-32C.

use flatbuffers::FlatBufferBuilder;
use thiserror::Error;

/// Bytes before the meta.
pub const FRAME_HEADER_BYTES: usize = 16;
/// Largest meta. Metas are small by rule; what grows goes into attachments.
pub const META_BYTES_MAX: usize = 256 * 1024;
/// Flag bit: the frame's CRC covers the attachment.
pub const FLAG_ATTACHMENT_COVERED: u16 = 1;

const LENGTH_BYTES: usize = 4;
const FLAGS_KNOWN: u16 = FLAG_ATTACHMENT_COVERED;

/// Why bytes are not a frame, or a value does not fit one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// More bytes are needed (a stream) or the frame is cut (a file).
    #[error("frame needs {needed} bytes, {available} are there")]
    Truncated {
        /// Bytes needed to get further.
        needed: usize,
        /// Bytes given.
        available: usize,
    },
    /// The length is below a frame's smallest or above the caller's bound.
    #[error("frame of {frame_bytes} bytes is outside {FRAME_HEADER_BYTES}..={frame_bytes_max}")]
    FrameBytes {
        /// The whole frame's size, as its length field says.
        frame_bytes: usize,
        /// The caller's bound.
        frame_bytes_max: usize,
    },
    /// The meta reaches beyond the frame or exceeds [`META_BYTES_MAX`].
    #[error("frame meta of {meta_bytes} bytes is too large")]
    MetaBytes {
        /// The meta's size.
        meta_bytes: usize,
    },
    /// A flag this version does not know.
    #[error("frame has unknown flags {0:#06x}")]
    Flags(u16),
    /// The content is not what was written.
    #[error("frame CRC is {stored:08x}, content gives {computed:08x}")]
    Crc {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
}

/// A frame whose lengths and CRC hold. Its meta is not verified yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the meta is.
    pub kind: u16,
    /// See [`FLAG_ATTACHMENT_COVERED`].
    pub flags: u16,
    /// A FlatBuffer, unverified.
    pub meta: &'a [u8],
    /// Opaque bytes.
    pub attachment: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads the frame at the start of `bytes`; returns it and its size, so that a caller can go on
    /// behind it. `frame_bytes_max` bounds the whole frame and is checked before more is asked for.
    pub fn parse(bytes: &'a [u8], frame_bytes_max: usize) -> Result<(Self, usize), FrameError> {
        let frame_bytes = frame_bytes(bytes, frame_bytes_max)?;
        let truncated = FrameError::Truncated {
            needed: frame_bytes,
            available: bytes.len(),
        };
        let bytes = bytes.get(..frame_bytes).ok_or(truncated)?;
        let (header, rest) = bytes
            .split_first_chunk::<FRAME_HEADER_BYTES>()
            .ok_or(truncated)?;
        let kind = u16::from_le_bytes([header[8], header[9]]);
        let flags = u16::from_le_bytes([header[10], header[11]]);
        let meta_bytes =
            u32::from_le_bytes([header[12], header[13], header[14], header[15]]) as usize;
        if flags & !FLAGS_KNOWN != 0 {
            return Err(FrameError::Flags(flags));
        }
        if meta_bytes > META_BYTES_MAX {
            return Err(FrameError::MetaBytes { meta_bytes });
        }
        let (meta, attachment) = rest
            .split_at_checked(meta_bytes)
            .ok_or(FrameError::MetaBytes { meta_bytes })?;
        let stored = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        let computed = crc(header, meta, attachment, flags);
        if stored != computed {
            return Err(FrameError::Crc { stored, computed });
        }
        Ok((
            Self {
                kind,
                flags,
                meta,
                attachment,
            },
            frame_bytes,
        ))
    }
}

/// Size of the whole frame that starts here, from its first four bytes, held against the bound.
pub fn frame_bytes(bytes: &[u8], frame_bytes_max: usize) -> Result<usize, FrameError> {
    let length = bytes
        .first_chunk::<LENGTH_BYTES>()
        .ok_or(FrameError::Truncated {
            needed: LENGTH_BYTES,
            available: bytes.len(),
        })?;
    let frame_bytes = (u32::from_le_bytes(*length) as usize).saturating_add(LENGTH_BYTES);
    if (FRAME_HEADER_BYTES..=frame_bytes_max).contains(&frame_bytes) {
        Ok(frame_bytes)
    } else {
        Err(FrameError::FrameBytes {
            frame_bytes,
            frame_bytes_max,
        })
    }
}

/// Makes frames, reusing its memory. The FlatBuffer builder inside is only ever reused through `reset`
/// (recycling its buffer any other way corrupts tables in flatbuffers 25.12.19).
#[derive(Default)]
pub struct FrameBuilder {
    meta: FlatBufferBuilder<'static>,
    frame: Vec<u8>,
}

impl FrameBuilder {
    /// An empty builder; memory comes with use.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a frame: forgets the one before and gives out the meta's builder, to be finished with
    /// `finish_minimal` by the caller.
    pub fn start(&mut self) -> &mut FlatBufferBuilder<'static> {
        self.meta.reset();
        &mut self.meta
    }

    /// The whole frame, its attachment covered by the CRC. Valid until the next start.
    pub fn finish(&mut self, kind: u16, attachment: &[u8]) -> Result<&[u8], FrameError> {
        self.put_head(kind, FLAG_ATTACHMENT_COVERED, attachment)?;
        self.frame.extend_from_slice(attachment);
        Ok(&self.frame)
    }

    /// Header and meta of a frame whose attachment, `batches`, is whole Kafka record batches, not covered
    /// by the CRC. The caller sends or writes `batches` right behind: they are not copied.
    pub fn finish_before_batches(
        &mut self,
        kind: u16,
        batches: &[u8],
    ) -> Result<&[u8], FrameError> {
        self.put_head(kind, 0, batches)?;
        Ok(&self.frame)
    }

    fn put_head(&mut self, kind: u16, flags: u16, attachment: &[u8]) -> Result<(), FrameError> {
        let meta = self.meta.finished_data();
        let meta_bytes = meta.len();
        if meta_bytes > META_BYTES_MAX {
            return Err(FrameError::MetaBytes { meta_bytes });
        }
        let frame_bytes = FRAME_HEADER_BYTES
            .saturating_add(meta_bytes)
            .saturating_add(attachment.len());
        let frame_bytes_max = u32::MAX as usize;
        let length =
            u32::try_from(frame_bytes - LENGTH_BYTES).map_err(|_| FrameError::FrameBytes {
                frame_bytes,
                frame_bytes_max,
            })?;
        let mut header = [0; FRAME_HEADER_BYTES];
        header[..4].copy_from_slice(&length.to_le_bytes());
        header[8..10].copy_from_slice(&kind.to_le_bytes());
        header[10..12].copy_from_slice(&flags.to_le_bytes());
        header[12..].copy_from_slice(&(meta_bytes as u32).to_le_bytes());
        let crc = crc(&header, meta, attachment, flags);
        header[4..8].copy_from_slice(&crc.to_le_bytes());
        self.frame.clear();
        self.frame.extend_from_slice(&header);
        self.frame.extend_from_slice(meta);
        Ok(())
    }
}

fn crc(header: &[u8; FRAME_HEADER_BYTES], meta: &[u8], attachment: &[u8], flags: u16) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[..4]);
    hasher.update(&header[8..]);
    hasher.update(meta);
    if flags & FLAG_ATTACHMENT_COVERED != 0 {
        hasher.update(attachment);
    }
    hasher.finalize()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn built(attachment: &[u8]) -> Vec<u8> {
        let mut builder = FrameBuilder::new();
        let meta = builder.start();
        let name = meta.create_string("x");
        meta.finish_minimal(name);
        builder.finish(7, attachment).unwrap().to_vec()
    }

    #[test]
    fn a_frame_reads_back_and_says_where_it_ends() {
        let mut bytes = built(b"attached");
        let whole = bytes.len();
        bytes.extend_from_slice(b"next frame");
        let (frame, size) = Frame::parse(&bytes, 1 << 20).unwrap();
        assert_eq!(
            (frame.kind, frame.attachment, size),
            (7, &b"attached"[..], whole)
        );
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = built(b"attached");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Frame::parse(&bad, 1 << 20).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_cut_is_truncation() {
        let good = built(b"attached");
        for end in 0..good.len() {
            let cut = Frame::parse(&good[..end], 1 << 20);
            assert!(
                matches!(cut, Err(FrameError::Truncated { .. })),
                "cut at {end}: {cut:?}"
            );
        }
    }

    #[test]
    fn the_bound_is_checked_before_the_bytes_are_there() {
        let huge = u32::MAX.to_le_bytes();
        assert!(matches!(
            Frame::parse(&huge, 1 << 20),
            Err(FrameError::FrameBytes { .. })
        ));
        let tiny = 11_u32.to_le_bytes();
        assert!(matches!(
            Frame::parse(&tiny, 1 << 20),
            Err(FrameError::FrameBytes { .. })
        ));
    }

    #[test]
    fn batches_follow_uncovered() {
        let mut builder = FrameBuilder::new();
        let meta = builder.start();
        let name = meta.create_string("x");
        meta.finish_minimal(name);
        let mut bytes = builder
            .finish_before_batches(9, b"batches")
            .unwrap()
            .to_vec();
        bytes.extend_from_slice(b"BATCHES");
        let (frame, size) = Frame::parse(&bytes, 1 << 20).unwrap();
        assert_eq!(
            (frame.flags, frame.attachment, size),
            (0, &b"BATCHES"[..], bytes.len())
        );
    }
}
