//! What Pelton's frames mean: plain values in, [`frame`](crate::frame)s out, and back. The only user of
//! the generated FlatBuffers code; nothing outside sees a FlatBuffers type. It keeps no state and does
//! not interpret attachments.
//!
//! A frame's kind names its table in `schema/native.fbs`. Decoding always verifies, under one strict
//! policy: a meta is one table, a little deep, at most [`META_BYTES_MAX`].

use flatbuffers::{FlatBufferBuilder, Follow, Verifiable, VerifierOptions, WIPOffset};
use thiserror::Error;

use crate::frame::{Frame, FrameError, META_BYTES_MAX};

/// Code made by flatc from `schema/native.fbs` (`schema/regen.sh`), never edited. The one place in this
/// crate where `unsafe_code` is allowed: accessors read slots that the verifier has checked.
#[rustfmt::skip]
#[allow(unsafe_code, missing_docs, unused_imports, clippy::all, clippy::unwrap_used)]
#[allow(clippy::undocumented_unsafe_blocks, clippy::too_many_arguments, clippy::too_many_lines)]
mod generated;

mod manifest;
mod metadata_record;

pub use manifest::{PartitionManifest, QuorumManifest, StorageManifest, VOTERS_MAX};
pub use metadata_record::MetadataRecord;

/// Frame kinds. A number is never given a second meaning.
pub mod kind {
    /// [`MetadataRecord::Cluster`](super::MetadataRecord::Cluster).
    pub const CLUSTER_RECORD: u16 = 0x0101;
    /// [`MetadataRecord::Machine`](super::MetadataRecord::Machine).
    pub const MACHINE_RECORD: u16 = 0x0102;
    /// [`MetadataRecord::Topic`](super::MetadataRecord::Topic).
    pub const TOPIC_RECORD: u16 = 0x0103;
    /// [`MetadataRecord::Partition`](super::MetadataRecord::Partition).
    pub const PARTITION_RECORD: u16 = 0x0104;
    /// [`MetadataRecord::Config`](super::MetadataRecord::Config).
    pub const CONFIG_RECORD: u16 = 0x0105;
    /// [`MetadataRecord::RemoveTopic`](super::MetadataRecord::RemoveTopic).
    pub const REMOVE_TOPIC_RECORD: u16 = 0x0106;
    /// [`MetadataRecord::ProducerIdBlock`](super::MetadataRecord::ProducerIdBlock).
    pub const PRODUCER_ID_BLOCK_RECORD: u16 = 0x0107;
    /// [`QuorumManifest`](super::QuorumManifest).
    pub const QUORUM_MANIFEST: u16 = 0x0201;
    /// [`PartitionManifest`](super::PartitionManifest).
    pub const PARTITION_MANIFEST: u16 = 0x0202;
    /// [`StorageManifest`](super::StorageManifest).
    pub const STORAGE_MANIFEST: u16 = 0x0301;
}

/// Why a frame is not the value asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NativeError {
    /// The envelope is broken.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Another kind than asked for, or one this version does not know.
    #[error("frame kind {0:#06x} is not expected here")]
    Kind(u16),
    /// The meta is not a valid FlatBuffer of its table.
    #[error("frame meta of kind {kind:#06x} is malformed: {reason}")]
    Meta {
        /// The frame's kind.
        kind: u16,
        /// The verifier's words.
        reason: String,
    },
    /// A list in the meta is longer than its bound.
    #[error(
        "frame meta of kind {kind:#06x} lists {count} entries, at most {count_max} are allowed"
    )]
    Count {
        /// The frame's kind.
        kind: u16,
        /// Entries there are.
        count: usize,
        /// The bound.
        count_max: usize,
    },
}

const VERIFIER: VerifierOptions = VerifierOptions {
    max_depth: 4,
    max_tables: 4,
    max_apparent_size: 2 * META_BYTES_MAX,
    ignore_missing_null_terminator: false,
};

/// The verified root table of a frame that must be of this kind.
fn meta<'a, T: Follow<'a> + Verifiable + 'a>(
    frame: &Frame<'a>,
    kind: u16,
) -> Result<T::Inner, NativeError> {
    if frame.kind != kind {
        return Err(NativeError::Kind(frame.kind));
    }
    flatbuffers::root_with_opts::<T>(&VERIFIER, frame.meta).map_err(|error| NativeError::Meta {
        kind,
        reason: error.to_string(),
    })
}

fn to_uuid(value: u128) -> generated::native::Uuid {
    generated::native::Uuid::new((value >> 64) as u64, value as u64)
}

fn from_uuid(uuid: &generated::native::Uuid) -> u128 {
    u128::from(uuid.high()) << 64 | u128::from(uuid.low())
}

fn done<T>(builder: &mut FlatBufferBuilder<'static>, root: WIPOffset<T>) {
    builder.finish_minimal(root);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    /// The generated code's first line names the CRC-32 of the schema it was made from.
    #[test]
    fn generated_code_is_of_this_schema() {
        let schema = crc32fast::hash(include_bytes!("../../schema/native.fbs"));
        let first_line = include_str!("generated.rs").lines().next().unwrap();
        assert_eq!(
            first_line,
            format!("// schema-crc32: {schema:08x}"),
            "run protocol/schema/regen.sh"
        );
    }
}
