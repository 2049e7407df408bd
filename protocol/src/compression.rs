//! The five codecs of a record batch, with a hard cap on what decompression may yield: a bomb costs no
//! more memory than the cap and a block. It never decides whether to decompress, and never looks at
//! what it moves.
//!
//! Large inputs take long (1 MiB of gzip level 6: 28-78 ms); the caller bounds the work of one call.
//!
//! What is emitted is what every client reads: snappy in the xerial framing of Java clients (32 KiB
//! blocks), lz4 frames of independent 64 KiB blocks. What is read: snappy xerial and raw, lz4 frames of
//! independent blocks (Java refuses dependent ones), gzip of one or more members, zstd of one or more
//! frames without a dictionary.

use std::io::{Read, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
use thiserror::Error;
use zstd::zstd_safe;

/// Codec of a batch's records (attribute bits 0-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Records stand as they are.
    None = 0,
    /// RFC 1952.
    Gzip = 1,
    /// Snappy, xerial-framed or raw.
    Snappy = 2,
    /// LZ4 frame format.
    Lz4 = 3,
    /// Zstandard (Produce v7 and later).
    Zstd = 4,
}

impl Compression {
    /// All of them, by id.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec of a wire id (`Attributes::compression_id`); `None` for 5-7 and beyond.
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id)).copied()
    }

    /// The wire id.
    pub fn id(self) -> u8 {
        self as u8
    }

    /// Kafka's name, as in `compression.type` (where `None` is called "uncompressed").
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The codec of a name as [`Self::name`] gives it, or "uncompressed".
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "uncompressed" => Some(Self::None),
            name => Self::ALL.into_iter().find(|codec| codec.name() == name),
        }
    }
}

/// Why a codec failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CompressionError {
    /// The output would exceed the cap.
    #[error("{codec} output exceeds {output_bytes_max} bytes")]
    TooLarge {
        /// Codec's name.
        codec: &'static str,
        /// The cap.
        output_bytes_max: usize,
    },
    /// The input is not what the codec makes, or is cut.
    #[error("{codec} data is corrupt: {reason}")]
    Corrupt {
        /// Codec's name.
        codec: &'static str,
        /// The decoder's words.
        reason: String,
    },
    /// The compressor refused, e.g. its level.
    #[error("{codec} compression failed: {reason}")]
    Compress {
        /// Codec's name.
        codec: &'static str,
        /// The encoder's words.
        reason: String,
    },
}

/// Decompresses `src` into a new buffer of at most `output_bytes_max` bytes.
pub fn decompress(
    codec: Compression,
    src: &[u8],
    output_bytes_max: usize,
) -> Result<Vec<u8>, CompressionError> {
    let mut out = Vec::new();
    decompress_into(codec, src, output_bytes_max, &mut out)?;
    Ok(out)
}

/// As [`decompress`], into a buffer that is cleared and reused. On an error its content is unspecified,
/// its size still within the cap.
pub fn decompress_into(
    codec: Compression,
    src: &[u8],
    output_bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    out.clear();
    match codec {
        Compression::None if src.len() > output_bytes_max => {
            Err(too_large(codec, output_bytes_max))
        }
        Compression::None => {
            out.extend_from_slice(src);
            Ok(())
        }
        Compression::Gzip => read_capped(
            codec,
            GzipMembers(flate2::bufread::GzDecoder::new(src)),
            output_bytes_max,
            out,
        ),
        Compression::Snappy => snappy_decompress(src, output_bytes_max, out),
        Compression::Lz4 => lz4_decompress(src, output_bytes_max, out),
        Compression::Zstd => zstd_decompress(src, output_bytes_max, out),
    }
}

/// Appends `src`, compressed, to `out`. `level` is Kafka's `compression.<codec>.level` for gzip (1-9) and
/// zstd; lz4's level is accepted and makes no difference; snappy has none.
pub fn compress(
    codec: Compression,
    level: Option<i32>,
    src: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    match codec {
        Compression::None => {
            out.extend_from_slice(src);
            Ok(())
        }
        Compression::Gzip => gzip_compress(level, src, out),
        Compression::Snappy => snappy_compress(src, out),
        Compression::Lz4 => lz4_compress(src, out),
        Compression::Zstd => zstd_compress(level, src, out),
    }
}

/// Buffer growth step and first size of decoders that do not know their output's size.
const STEP_BYTES: usize = 64 * 1024;
/// Magic, version 1, compatible version 1.
const XERIAL_HEADER: [u8; 16] = [
    0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1,
];
const XERIAL_MAGIC_BYTES: usize = 8;
const XERIAL_BLOCK_BYTES: usize = 32 * 1024;
/// Identification and the only method there is, deflate.
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const LZ4_FLAG_INDEPENDENT_BLOCKS: u8 = 0x20;
const LZ4_FRAME_MAGIC: [u8; 4] = 0x184D_2204_u32.to_le_bytes();
/// `ZSTD_error_dstSize_tooSmall`, stable since zstd 1.3.1.
const ZSTD_OUTPUT_TOO_SMALL: usize = 70;

/// Gzip members one after the other. What follows one and does not begin like another is left alone, as Java does.
struct GzipMembers<'a>(flate2::bufread::GzDecoder<&'a [u8]>);

impl Read for GzipMembers<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let read = self.0.read(buf)?;
            let rest = *self.0.get_ref();
            if read > 0 || buf.is_empty() || !rest.starts_with(&GZIP_MAGIC) {
                return Ok(read);
            }
            self.0 = flate2::bufread::GzDecoder::new(rest);
        }
    }
}

/// A source that notes whether more was wanted than it had.
struct Watched<'a> {
    bytes: &'a [u8],
    was_short: bool,
}

impl Read for Watched<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.was_short |= buf.len() > self.bytes.len();
        self.bytes.read(buf)
    }
}

/// Reads `reader` to its end; grows `out` by doubling, never beyond the cap and one byte.
fn read_capped(
    codec: Compression,
    mut reader: impl Read,
    output_bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    let limit = output_bytes_max.saturating_add(1);
    let mut filled = 0;
    loop {
        if filled == out.len() {
            if filled == limit {
                return Err(too_large(codec, output_bytes_max));
            }
            let target = filled
                .saturating_mul(2)
                .max(STEP_BYTES)
                .max(out.capacity())
                .min(limit);
            out.reserve_exact(target - filled);
            out.resize(target, 0);
        }
        match reader.read(&mut out[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(corrupt(codec, error)),
        }
    }
    out.truncate(filled);
    if filled > output_bytes_max {
        Err(too_large(codec, output_bytes_max))
    } else {
        Ok(())
    }
}

fn snappy_decompress(
    src: &[u8],
    output_bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    if !(src.len() >= XERIAL_HEADER.len() && src.starts_with(&XERIAL_HEADER[..XERIAL_MAGIC_BYTES]))
    {
        return snappy_block(src, output_bytes_max, out);
    }
    let mut rest = &src[XERIAL_HEADER.len()..];
    while !rest.is_empty() {
        let cut = || corrupt(Compression::Snappy, "block length beyond the end");
        // Too few bytes for a length are left alone, as Java does.
        let Some((length, after)) = rest.split_first_chunk::<4>() else {
            break;
        };
        let (block, after) = after
            .split_at_checked(u32::from_be_bytes(*length) as usize)
            .ok_or_else(cut)?;
        snappy_block(block, output_bytes_max, out)?;
        rest = after;
    }
    Ok(())
}

/// Appends one raw block; its declared size is held against the cap before anything is allocated.
fn snappy_block(
    block: &[u8],
    output_bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    let codec = Compression::Snappy;
    let length = snap::raw::decompress_len(block).map_err(|error| corrupt(codec, error))?;
    let start = out.len();
    if length > output_bytes_max - start {
        return Err(too_large(codec, output_bytes_max));
    }
    // A snappy element of 3 bytes yields at most 64: a length beyond that ratio is a lie, not to be
    // allocated for.
    if length > block.len().saturating_mul(32) {
        return Err(corrupt(codec, "declared size is impossible for the block"));
    }
    out.resize(start + length, 0);
    let written = snap::raw::Decoder::new()
        .decompress(block, &mut out[start..])
        .map_err(|error| corrupt(codec, error))?;
    if written == length {
        Ok(())
    } else {
        Err(corrupt(codec, "block is shorter than declared"))
    }
}

fn snappy_compress(src: &[u8], out: &mut Vec<u8>) -> Result<(), CompressionError> {
    out.extend_from_slice(&XERIAL_HEADER);
    let mut encoder = snap::raw::Encoder::new();
    for block in src.chunks(XERIAL_BLOCK_BYTES) {
        let start = out.len();
        out.resize(start + 4 + snap::raw::max_compress_len(block.len()), 0);
        let written = encoder
            .compress(block, &mut out[start + 4..])
            .map_err(|error| failed(Compression::Snappy, error))?;
        out[start..start + 4].copy_from_slice(&(written as u32).to_be_bytes());
        out.truncate(start + 4 + written);
    }
    Ok(())
}

fn lz4_decompress(
    src: &[u8],
    output_bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    let codec = Compression::Lz4;
    // Legacy and skippable frames have other magics; Kafka knows neither.
    let flags = src
        .strip_prefix(&LZ4_FRAME_MAGIC)
        .and_then(|rest| rest.first());
    match flags {
        None => Err(corrupt(codec, "no frame header")),
        Some(flags) if flags & LZ4_FLAG_INDEPENDENT_BLOCKS == 0 => {
            Err(corrupt(codec, "dependent blocks"))
        }
        Some(_) => {
            let mut source = Watched {
                bytes: src,
                was_short: false,
            };
            read_capped(codec, FrameDecoder::new(&mut source), output_bytes_max, out)?;
            if source.was_short {
                return Err(corrupt(codec, "no end mark"));
            }
            Ok(())
        }
    }
}

fn lz4_compress(src: &[u8], out: &mut Vec<u8>) -> Result<(), CompressionError> {
    let codec = Compression::Lz4;
    let info = FrameInfo::new()
        .block_mode(BlockMode::Independent)
        .block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(info, out);
    encoder
        .write_all(src)
        .map_err(|error| failed(codec, error))?;
    encoder
        .finish()
        .map(|_| ())
        .map_err(|error| failed(codec, error))
}

fn gzip_compress(
    level: Option<i32>,
    src: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    let codec = Compression::Gzip;
    let level = match level {
        // Kafka's -1: the library's default.
        None | Some(-1) => flate2::Compression::default(),
        Some(level @ 0..=9) => flate2::Compression::new(level as u32),
        Some(level) => return Err(failed(codec, format!("no level {level}"))),
    };
    let mut encoder = flate2::write::GzEncoder::new(out, level);
    encoder
        .write_all(src)
        .map_err(|error| failed(codec, error))?;
    encoder
        .finish()
        .map(|_| ())
        .map_err(|error| failed(codec, error))
}

/// One shot into a growing buffer rather than a stream: a stream allocates the window the frame asks
/// for (up to 128 MiB) before it has yielded a byte; this allocates output only.
fn zstd_decompress(
    src: &[u8],
    output_bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    let codec = Compression::Zstd;
    let declared =
        zstd_safe::get_frame_content_size(src).map_err(|_| corrupt(codec, "no frame header"))?;
    if declared.is_some_and(|declared| declared > output_bytes_max as u64) {
        return Err(too_large(codec, output_bytes_max));
    }
    // A declared size is a hint, not a promise: bounded by what the input could honestly hold, and a
    // wrong one only costs another round.
    let hint = declared
        .map_or(0, |declared| declared as usize)
        .min(src.len().saturating_mul(64));
    let mut target = hint
        .max(src.len().saturating_mul(4))
        .max(STEP_BYTES)
        .max(out.capacity())
        .min(output_bytes_max);
    let mut context = zstd_safe::DCtx::create();
    loop {
        out.clear();
        out.reserve_exact(target);
        // The vector's capacity may exceed what was asked for; the cap is checked on the result too.
        match context.decompress(out, src) {
            Ok(_) if out.len() > output_bytes_max => {
                return Err(too_large(codec, output_bytes_max));
            }
            Ok(_) => return Ok(()),
            Err(code) if code.wrapping_neg() != ZSTD_OUTPUT_TOO_SMALL => {
                return Err(corrupt(codec, zstd_safe::get_error_name(code)));
            }
            Err(_) if target >= output_bytes_max => return Err(too_large(codec, output_bytes_max)),
            Err(_) => target = target.saturating_mul(4).min(output_bytes_max),
        }
    }
}

fn zstd_compress(
    level: Option<i32>,
    src: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressionError> {
    let codec = Compression::Zstd;
    let level = level.unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL);
    if !zstd::compression_level_range().contains(&level) {
        return Err(failed(codec, format!("no level {level}")));
    }
    let start = out.len();
    out.resize(start + zstd_safe::compress_bound(src.len()), 0);
    let written = zstd::bulk::compress_to_buffer(src, &mut out[start..], level)
        .map_err(|e| failed(codec, e))?;
    out.truncate(start + written);
    Ok(())
}

fn too_large(codec: Compression, output_bytes_max: usize) -> CompressionError {
    CompressionError::TooLarge {
        codec: codec.name(),
        output_bytes_max,
    }
}

fn corrupt(codec: Compression, reason: impl ToString) -> CompressionError {
    CompressionError::Corrupt {
        codec: codec.name(),
        reason: reason.to_string(),
    }
}

fn failed(codec: Compression, reason: impl ToString) -> CompressionError {
    CompressionError::Compress {
        codec: codec.name(),
        reason: reason.to_string(),
    }
}
