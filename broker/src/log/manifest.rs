//! The manifest of one quorum: where it stood at a checkpoint, and each of its partitions. Frames in a file that is there
//! whole or not at all; the quorum's own frame stands first and again last, so that a cut file is noticed.

use std::path::{Path, PathBuf};

use protocol::frame::{Frame, FrameBuilder};
use protocol::native::{MetadataRecord, PartitionManifest, QuorumManifest};

use super::format::Segment;
use crate::io::Io;
use crate::io::buffer::{ALIGNMENT, WriteBuffer, align_up};
use crate::io::disk::OpenMode;

/// Largest frame in a manifest, bytes.
const FRAME_BYTES_MAX: usize = 64 << 20;
/// Largest manifest, bytes.
const MANIFEST_BYTES_MAX: u64 = 4 << 30;
const SUFFIX: &str = ".manifest";

/// What a checkpoint says of one quorum.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Where it stood.
    pub quorum: QuorumManifest,
    /// The controller's snapshot; empty for the others.
    pub records: Vec<MetadataRecord>,
    /// Its partitions.
    pub partitions: Vec<PartitionState>,
}

/// What a checkpoint says of one partition.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionState {
    /// Numbers.
    pub head: PartitionManifest,
    /// Its topic's name.
    pub topic: String,
    /// Its segments, ending at its next offset.
    pub segments: Vec<Segment>,
    /// Start offset of each leader epoch.
    pub leader_epochs: Vec<(i32, i64)>,
    /// Producer states, in their own encoding.
    pub producers: Vec<u8>,
}

/// Why a manifest cannot be used. Nothing is deleted or changed.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ManifestError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

impl Manifest {
    /// The file's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, String> {
        let mut builder = FrameBuilder::new();
        let mut out = self
            .quorum
            .encode(&mut builder)
            .map_err(|error| error.to_string())?
            .to_vec();
        for record in &self.records {
            out.extend_from_slice(
                record
                    .encode(&mut builder)
                    .map_err(|error| error.to_string())?,
            );
        }
        for partition in &self.partitions {
            let frame = partition.head.encode(&mut builder, &partition.attachment());
            out.extend_from_slice(frame.map_err(|error| error.to_string())?);
        }
        out.extend_from_slice(
            self.quorum
                .encode(&mut builder)
                .map_err(|error| error.to_string())?,
        );
        Ok(out)
    }

    /// Reads the file's bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let mut at = 0;
        let mut quorums = Vec::new();
        let (mut records, mut partitions) = (Vec::new(), Vec::new());
        while at < bytes.len() {
            let (frame, taken) = Frame::parse(&bytes[at..], FRAME_BYTES_MAX)
                .map_err(|error| format!("at byte {at}: {error}"))?;
            if let Ok(quorum) = QuorumManifest::decode(&frame) {
                quorums.push(quorum);
            } else if let Ok(head) = PartitionManifest::decode(&frame) {
                let partition = PartitionState::decode(head, frame.attachment);
                partitions.push(
                    partition.ok_or_else(|| {
                        format!("at byte {at}: a partition's arrays are malformed")
                    })?,
                );
            } else {
                records.push(
                    MetadataRecord::decode(&frame)
                        .map_err(|error| format!("at byte {at}: {error}"))?,
                );
            }
            at += taken;
        }
        match (quorums.pop(), quorums.pop(), quorums.len()) {
            (Some(last), Some(first), 0) if last == first => Ok(Self {
                quorum: first,
                records,
                partitions,
            }),
            _ => Err("it does not end as it began: it was cut".to_owned()),
        }
    }

    /// Makes this the manifest of its quorum in `directory`: whole or not at all.
    pub async fn write(&self, io: &Io, directory: &Path) -> Result<(), ManifestError> {
        let path = path(directory, self.quorum.quorum);
        let bytes = self.encode().map_err(|problem| ManifestError {
            path: path.clone(),
            problem,
        })?;
        let written = write_file(io, directory, &path, &bytes).await;
        written.map_err(|error| ManifestError {
            path,
            problem: error.to_string(),
        })
    }
}

/// Where the manifest of `quorum` lies in `directory`.
pub fn path(directory: &Path, quorum: u32) -> PathBuf {
    directory.join(format!("{quorum}{SUFFIX}"))
}

async fn write_file(io: &Io, directory: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension("tmp");
    io.disk.remove(&temporary).await?;
    let file = io.disk.open(&temporary, OpenMode::CreateNew).await?;
    for (at, part) in bytes.chunks(1 << 20).enumerate() {
        let mut buffer = WriteBuffer::new(align_up(part.len()));
        buffer.as_mut_slice()[..part.len()].copy_from_slice(part);
        buffer.as_mut_slice()[part.len()..].fill(0);
        file.write_at(buffer, (at as u64) << 20).await?;
    }
    file.truncate(bytes.len() as u64).await?;
    file.sync().await?;
    file.close().await?;
    io.disk.rename(&temporary, path.to_owned()).await?;
    io.disk.sync_directory(directory).await
}

/// All manifests of a directory.
pub async fn read_all(io: &Io, directory: &Path) -> Result<Vec<Manifest>, ManifestError> {
    let failed = |path: &Path, problem: String| ManifestError {
        path: path.to_owned(),
        problem,
    };
    let entries = io
        .disk
        .list(directory)
        .await
        .map_err(|error| failed(directory, error.to_string()))?;
    let mut manifests = Vec::new();
    for entry in entries
        .iter()
        .filter(|entry| !entry.is_directory && entry.name.ends_with(SUFFIX))
    {
        let path = directory.join(&entry.name);
        let bytes = read_file(io, &path)
            .await
            .map_err(|error| failed(&path, error.to_string()))?;
        manifests.push(Manifest::decode(&bytes).map_err(|problem| failed(&path, problem))?);
    }
    Ok(manifests)
}

async fn read_file(io: &Io, path: &Path) -> std::io::Result<Vec<u8>> {
    let file = io.disk.open(path, OpenMode::Read).await?;
    let bytes = file.bytes()?;
    if bytes > MANIFEST_BYTES_MAX {
        return Err(std::io::Error::other("larger than any manifest"));
    }
    let mut out: Vec<u8> = Vec::new();
    while (out.len() as u64) < bytes {
        let part = file.read_at(out.len() as u64, 1 << 20).await?;
        out.extend_from_slice(&part);
        if part.is_empty() || part.len() % ALIGNMENT != 0 {
            break;
        }
    }
    file.close().await?;
    Ok(out)
}

impl PartitionState {
    /// Flat little-endian arrays: topic (u16 length, bytes); segments (u32 count; base offset i64, next offset i64, bytes
    /// u64, largest timestamp i64, first timestamp i64); leader epochs (u32 count; epoch i32, start offset i64); producers.
    fn attachment(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&(self.topic.len() as u16).to_le_bytes());
        out.extend_from_slice(self.topic.as_bytes());
        out.extend_from_slice(&(self.segments.len() as u32).to_le_bytes());
        for segment in &self.segments {
            for number in [
                segment.base_offset,
                segment.next_offset,
                segment.bytes as i64,
                segment.max_timestamp,
                segment.first_timestamp,
            ] {
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
        out.extend_from_slice(&(self.leader_epochs.len() as u32).to_le_bytes());
        for (epoch, start) in &self.leader_epochs {
            out.extend_from_slice(&epoch.to_le_bytes());
            out.extend_from_slice(&start.to_le_bytes());
        }
        out.extend_from_slice(&self.producers);
        out
    }

    fn decode(head: PartitionManifest, mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let length = u16::from_le_bytes(take(bytes)?) as usize;
        let (topic, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        let topic = std::str::from_utf8(topic).ok()?.to_owned();
        let count = u32::from_le_bytes(take(bytes)?) as usize;
        let mut segments = Vec::with_capacity(count.min(bytes.len() / 40));
        for _ in 0..count {
            let mut segment = Segment::new(i64::from_le_bytes(take(bytes)?));
            segment.next_offset = i64::from_le_bytes(take(bytes)?);
            segment.bytes = u64::from_le_bytes(take(bytes)?);
            segment.max_timestamp = i64::from_le_bytes(take(bytes)?);
            segment.first_timestamp = i64::from_le_bytes(take(bytes)?);
            segments.push(segment);
        }
        let count = u32::from_le_bytes(take(bytes)?) as usize;
        let mut leader_epochs = Vec::with_capacity(count.min(bytes.len() / 12));
        for _ in 0..count {
            leader_epochs.push((
                i32::from_le_bytes(take(bytes)?),
                i64::from_le_bytes(take(bytes)?),
            ));
        }
        Some(Self {
            head,
            topic,
            segments,
            leader_epochs,
            producers: bytes.to_vec(),
        })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let quorum = QuorumManifest {
            quorum: 3,
            applied_index: 9,
            applied_term: 2,
            term: 2,
            vote: 1,
            commit: 9,
            voters: [1].into_iter().collect(),
        };
        let head = PartitionManifest {
            topic_id: 5,
            partition: 1,
            added_term: 1,
            log_start_offset: 0,
            next_offset: 30,
        };
        let segment = Segment {
            next_offset: 30,
            bytes: 999,
            max_timestamp: 7,
            first_timestamp: 6,
            ..Segment::new(0)
        };
        let partition = PartitionState {
            head,
            topic: "t".into(),
            segments: vec![segment],
            leader_epochs: vec![(0, 0), (1, 4)],
            producers: vec![1, 2, 3],
        };
        let record = MetadataRecord::RemoveTopic { topic_id: 4 };
        Manifest {
            quorum,
            records: vec![record],
            partitions: vec![partition],
        }
    }

    #[test]
    fn manifests_round_trip_and_a_cut_one_is_noticed() {
        let manifest = sample();
        let bytes = manifest.encode().unwrap();
        assert_eq!(Manifest::decode(&bytes).unwrap(), manifest);
        for cut in 0..bytes.len() {
            assert!(Manifest::decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            assert!(Manifest::decode(&damaged).is_err(), "damaged at {at}");
        }
    }
}
