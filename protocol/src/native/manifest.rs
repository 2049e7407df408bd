//! Manifests: what a checkpoint says of a quorum and of each of its partitions, and what a shard's
//! directory says of itself. It never looks into a partition manifest's attachment.

use smallvec::SmallVec;

use super::generated::native as table;
use super::{NativeError, done, from_uuid, kind, meta, to_uuid};
use crate::frame::{Frame, FrameBuilder, FrameError};

/// Most voters of a quorum (5 replicas, twice that while membership changes).
pub const VOTERS_MAX: usize = 16;

/// Where a quorum stood at a checkpoint; its partitions' manifests follow in the same file. What the checkpoint was made
/// from is the frame's attachment, whose layout is the broker's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumManifest {
    /// Which quorum.
    pub quorum: u32,
    /// Index of the last entry applied.
    pub applied_index: u64,
    /// Its term.
    pub applied_term: u64,
    /// Hard state: current term.
    pub term: u64,
    /// Hard state: replica voted for in it, 0 if none.
    pub vote: u64,
    /// Hard state: commit index.
    pub commit: u64,
    /// Replica ids of the voters, at most [`VOTERS_MAX`].
    pub voters: SmallVec<[u64; 5]>,
}

impl QuorumManifest {
    /// Manifest and attachment as one frame, valid until the builder's next use.
    pub fn encode<'b>(
        &self,
        builder: &'b mut FrameBuilder,
        attachment: &[u8],
    ) -> Result<&'b [u8], FrameError> {
        let fbb = builder.start();
        let header = table::QuorumManifestHeader::new(
            self.applied_index,
            self.applied_term,
            self.term,
            self.vote,
            self.commit,
            self.quorum,
        );
        let voters = Some(fbb.create_vector(&self.voters));
        let root = table::QuorumManifest::create(
            fbb,
            &table::QuorumManifestArgs {
                header: Some(&header),
                voters,
            },
        );
        done(fbb, root);
        builder.finish(kind::QUORUM_MANIFEST, attachment)
    }

    /// The manifest in a parsed frame; the attachment is `frame.attachment`.
    pub fn decode(frame: &Frame<'_>) -> Result<Self, NativeError> {
        let kind = kind::QUORUM_MANIFEST;
        let manifest = meta::<table::QuorumManifest>(frame, kind)?;
        let (header, voters) = (manifest.header(), manifest.voters());
        if voters.len() > VOTERS_MAX {
            return Err(NativeError::Count {
                kind,
                count: voters.len(),
                count_max: VOTERS_MAX,
            });
        }
        Ok(Self {
            quorum: header.quorum(),
            applied_index: header.applied_index(),
            applied_term: header.applied_term(),
            term: header.term(),
            vote: header.vote(),
            commit: header.commit(),
            voters: voters.iter().collect(),
        })
    }
}

/// Where a partition stood at a checkpoint. The flat arrays (segments, leader epochs, producer states)
/// are the frame's attachment, whose layout is the broker's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionManifest {
    /// Its topic.
    pub topic_id: u128,
    /// Its number in the topic.
    pub partition: i32,
    /// Term of the entry that added the partition: Kafka's leader epoch counts from it.
    pub added_term: u64,
    /// First offset that may be read.
    pub log_start_offset: i64,
    /// Offset of the next record.
    pub next_offset: i64,
}

impl PartitionManifest {
    /// Manifest and attachment as one frame, valid until the builder's next use.
    pub fn encode<'b>(
        &self,
        builder: &'b mut FrameBuilder,
        attachment: &[u8],
    ) -> Result<&'b [u8], FrameError> {
        let fbb = builder.start();
        let header = table::PartitionManifestHeader::new(
            &to_uuid(self.topic_id),
            self.added_term,
            self.log_start_offset,
            self.next_offset,
            self.partition,
        );
        let root = table::PartitionManifest::create(
            fbb,
            &table::PartitionManifestArgs {
                header: Some(&header),
            },
        );
        done(fbb, root);
        builder.finish(kind::PARTITION_MANIFEST, attachment)
    }

    /// The manifest in a parsed frame; the attachment is `frame.attachment`.
    pub fn decode(frame: &Frame<'_>) -> Result<Self, NativeError> {
        let header = meta::<table::PartitionManifest>(frame, kind::PARTITION_MANIFEST)?.header();
        Ok(Self {
            topic_id: from_uuid(header.topic_id()),
            partition: header.partition(),
            added_term: header.added_term(),
            log_start_offset: header.log_start_offset(),
            next_offset: header.next_offset(),
        })
    }
}

/// What a shard's directory is: checked at every start, before anything in it is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageManifest {
    /// Of the directory's layout.
    pub format_version: u32,
    /// The cluster it belongs to.
    pub cluster_id: u128,
    /// Random, of this directory.
    pub directory_id: u128,
    /// The machine it belongs to.
    pub machine_id: u32,
    /// Shards of that machine, fixed at the first start.
    pub shard_count: u32,
    /// Which of them this directory is.
    pub shard: u32,
    /// When it was made, ms since 1970.
    pub created_ms: i64,
}

impl StorageManifest {
    /// The manifest as one frame, valid until the builder's next use.
    pub fn encode<'b>(&self, builder: &'b mut FrameBuilder) -> Result<&'b [u8], FrameError> {
        let fbb = builder.start();
        let header = table::StorageManifestHeader::new(
            &to_uuid(self.cluster_id),
            &to_uuid(self.directory_id),
            self.created_ms,
            self.format_version,
            self.machine_id,
            self.shard_count,
            self.shard,
        );
        let root = table::StorageManifest::create(
            fbb,
            &table::StorageManifestArgs {
                header: Some(&header),
            },
        );
        done(fbb, root);
        builder.finish(kind::STORAGE_MANIFEST, &[])
    }

    /// The manifest in a parsed frame.
    pub fn decode(frame: &Frame<'_>) -> Result<Self, NativeError> {
        let header = meta::<table::StorageManifest>(frame, kind::STORAGE_MANIFEST)?.header();
        Ok(Self {
            format_version: header.format_version(),
            cluster_id: from_uuid(header.cluster_id()),
            directory_id: from_uuid(header.directory_id()),
            machine_id: header.machine_id(),
            shard_count: header.shard_count(),
            shard: header.shard(),
            created_ms: header.created_ms(),
        })
    }
}
