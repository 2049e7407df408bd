//! The manifest of one quorum: where it stood at a checkpoint, and each of its partitions. Frames in a file that is there
//! whole or not at all; the quorum's own frame stands first and again last, so that a cut file is noticed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hashbrown::HashMap;
use protocol::frame::{Frame, FrameBuilder};
use protocol::native::{MetadataRecord, PartitionManifest, QuorumManifest, kind};

use super::format::{Segment, SegmentId};
use crate::io::Io;
use crate::io::buffer::{ALIGNMENT, WriteBuffer, align_up};
use crate::io::disk::OpenMode;
use crate::limits;
use crate::planted::{self, Bug};

/// Largest frame in a manifest, bytes.
const FRAME_BYTES_MAX: usize = 64 << 20;
/// A manifest is written in pieces of this many bytes.
const PIECE_BYTES: usize = 1 << 20;
/// What a segment takes in a partition's attachment.
pub(super) const SEGMENT_BYTES: usize = 52;
const SUFFIX: &str = ".manifest";

/// What a checkpoint was made from: tells a checkpoint and a journal that are not of one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The shard's journal.
    pub journal_id: u128,
    /// Its newest frame then. A journal that ends before it is an older copy.
    pub sequence: u64,
    /// Version of the metadata image: of the controller's own, or the one that the shard had followed.
    pub image_version: u64,
}

/// What a checkpoint says of one quorum.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// What it was made from.
    pub origin: Origin,
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
    pub topic: Arc<str>,
    /// Its segments, ending at its next offset.
    pub segments: Vec<Segment>,
    /// Compaction has seen every key below this offset.
    pub cleaned_offset: i64,
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

/// Why manifests cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestReadError {
    /// The device or the file system says no; the files may be well.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is there is no manifest.
    #[error("{0}")]
    Damaged(#[from] ManifestError),
}

/// Why bytes are no manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {position}: {problem}")]
pub struct ManifestDefect {
    /// Where.
    pub position: u64,
    /// What is wrong there.
    pub problem: String,
}

impl Manifest {
    /// The file's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, String> {
        let mut encoder = Encoder::default();
        let mut out = Vec::new();
        for at in 0..self.frames() {
            out.extend_from_slice(encoder.frame(self, at)?);
        }
        Ok(out)
    }

    /// Frames of its file: the quorum, its records, its partitions, the quorum again.
    fn frames(&self) -> usize {
        self.records.len() + self.partitions.len() + 2
    }

    /// Reads the file's bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestDefect> {
        let mut at = 0;
        let mut quorums = Vec::new();
        let mut names = HashMap::new();
        let (mut records, mut partitions) = (Vec::new(), Vec::new());
        while at < bytes.len() {
            let defect = |problem: String| ManifestDefect {
                position: at as u64,
                problem,
            };
            let (frame, taken) = Frame::parse(&bytes[at..], FRAME_BYTES_MAX)
                .map_err(|error| defect(error.to_string()))?;
            match frame.kind {
                kind::QUORUM_MANIFEST => {
                    let quorum = QuorumManifest::decode(&frame);
                    let quorum = quorum.map_err(|error| defect(error.to_string()))?;
                    let origin = Origin::decode(frame.attachment)
                        .ok_or_else(|| defect("its origin is malformed".to_owned()))?;
                    quorums.push((quorum, origin));
                }
                kind::PARTITION_MANIFEST => {
                    let head = PartitionManifest::decode(&frame)
                        .map_err(|error| defect(error.to_string()))?;
                    let partition = PartitionState::decode(head, frame.attachment, &mut names);
                    let partition = partition
                        .ok_or_else(|| defect("a partition's arrays are malformed".to_owned()))?;
                    partitions.push(partition);
                }
                _ => {
                    let record = MetadataRecord::decode(&frame);
                    records.push(record.map_err(|error| defect(error.to_string()))?);
                }
            }
            at += taken;
        }
        match (quorums.pop(), quorums.pop(), quorums.len()) {
            (Some(last), Some(first), 0) if last == first => Ok(Self {
                origin: first.1,
                quorum: first.0,
                records,
                partitions,
            }),
            _ => Err(ManifestDefect {
                position: at as u64,
                problem: "it does not end as it began: it was cut".to_owned(),
            }),
        }
    }

    /// Makes this the manifest of its quorum in `directory`: whole or not at all. It is encoded in pieces, and other tasks run
    /// in between.
    pub async fn write(&self, io: &Io, directory: &Path) -> Result<(), ManifestError> {
        let path = path(directory, self.quorum.quorum);
        let written = self.write_to(io, directory, &path).await;
        written.map_err(|problem| ManifestError { path, problem })
    }

    async fn write_to(&self, io: &Io, directory: &Path, path: &Path) -> Result<(), String> {
        let failed = |error: std::io::Error| error.to_string();
        let temporary = path.with_extension("tmp");
        io.disk.remove(&temporary).await.map_err(failed)?;
        let file = io
            .disk
            .open(&temporary, OpenMode::CreateNew)
            .await
            .map_err(failed)?;
        let mut encoder = Encoder::default();
        let (mut piece, mut written) = (Vec::new(), 0);
        for at in 0..self.frames() {
            piece.extend_from_slice(encoder.frame(self, at)?);
            let last = at + 1 == self.frames();
            if piece.len() >= PIECE_BYTES || last {
                let whole = if last {
                    piece.len()
                } else {
                    piece.len() - piece.len() % ALIGNMENT
                };
                let mut buffer = WriteBuffer::new(align_up(whole));
                buffer.as_mut_slice()[..whole].copy_from_slice(&piece[..whole]);
                buffer.as_mut_slice()[whole..].fill(0);
                file.write_at(buffer, written).await.map_err(failed)?;
                piece.drain(..whole);
                written += whole as u64;
            } else if io.executor.should_yield() {
                io.executor.yield_now().await;
            }
        }
        if written > limits::MANIFEST_BYTES_MAX {
            return Err(format!("{written} bytes are more than a start would read"));
        }
        file.truncate(written).await.map_err(failed)?;
        if !planted::on(Bug::ManifestNotSynced) {
            file.sync().await.map_err(failed)?;
        }
        file.close().await.map_err(failed)?;
        io.disk
            .rename(&temporary, path.to_owned())
            .await
            .map_err(failed)?;
        if planted::on(Bug::RenameNotSynced) {
            return Ok(());
        }
        io.disk.sync_directory(directory).await.map_err(failed)
    }
}

/// Where the manifest of `quorum` lies in `directory`.
pub fn path(directory: &Path, quorum: u32) -> PathBuf {
    directory.join(format!("{quorum}{SUFFIX}"))
}

/// Makes the frames of a manifest, reusing its memory.
#[derive(Default)]
struct Encoder {
    builder: FrameBuilder,
    attachment: Vec<u8>,
}

impl Encoder {
    /// The frame `at` of `manifest`'s file.
    fn frame(&mut self, manifest: &Manifest, at: usize) -> Result<&[u8], String> {
        let records = manifest.records.len();
        let frame = if at == 0 || at + 1 == manifest.frames() {
            let origin = manifest.origin.encode();
            manifest.quorum.encode(&mut self.builder, &origin)
        } else if let Some(record) = manifest.records.get(at - 1) {
            record.encode(&mut self.builder)
        } else {
            let partition = &manifest.partitions[at - 1 - records];
            self.attachment.clear();
            partition.put_attachment(&mut self.attachment);
            partition.head.encode(&mut self.builder, &self.attachment)
        };
        frame.map_err(|error| error.to_string())
    }
}

/// All manifests of a directory.
pub async fn read_all(io: &Io, directory: &Path) -> Result<Vec<Manifest>, ManifestReadError> {
    let failed = |path: &Path, source| ManifestReadError::Io {
        path: path.to_owned(),
        source,
    };
    let entries = io
        .disk
        .list(directory)
        .await
        .map_err(|error| failed(directory, error))?;
    let mut manifests = Vec::new();
    for entry in entries
        .iter()
        .filter(|entry| !entry.is_directory && entry.name.ends_with(SUFFIX))
    {
        let path = directory.join(&entry.name);
        let decoded = if entry.bytes > limits::MANIFEST_BYTES_MAX {
            Err("larger than any manifest".to_owned())
        } else {
            let bytes = read_file(io, &path, entry.bytes).await;
            let bytes = bytes.map_err(|error| failed(&path, error))?;
            Manifest::decode(&bytes).map_err(|defect| defect.to_string())
        };
        manifests.push(decoded.map_err(|problem| ManifestError { path, problem })?);
    }
    Ok(manifests)
}

async fn read_file(io: &Io, path: &Path, bytes: u64) -> std::io::Result<Vec<u8>> {
    let file = io.disk.open(path, OpenMode::Read).await?;
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

impl Origin {
    /// Little-endian: journal id u128, sequence u64, image version u64.
    fn encode(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out[..16].copy_from_slice(&self.journal_id.to_le_bytes());
        out[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        out[24..].copy_from_slice(&self.image_version.to_le_bytes());
        out
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let origin = Self {
            journal_id: u128::from_le_bytes(take(&mut bytes)?),
            sequence: u64::from_le_bytes(take(&mut bytes)?),
            image_version: u64::from_le_bytes(take(&mut bytes)?),
        };
        bytes.is_empty().then_some(origin)
    }
}

impl PartitionState {
    /// Flat little-endian arrays: topic (u16 length, bytes); segments (u32 count; base offset i64, generation u32, next offset
    /// i64, bytes u64, largest timestamp i64, first timestamp i64, created ms i64); cleaned offset i64; leader epochs (u32 count; epoch i32, start offset i64); producers.
    fn put_attachment(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.topic.len() as u16).to_le_bytes());
        out.extend_from_slice(self.topic.as_bytes());
        out.extend_from_slice(&(self.segments.len() as u32).to_le_bytes());
        self.segments
            .iter()
            .for_each(|segment| put_segment(segment, out));
        out.extend_from_slice(&self.cleaned_offset.to_le_bytes());
        out.extend_from_slice(&(self.leader_epochs.len() as u32).to_le_bytes());
        for (epoch, start) in &self.leader_epochs {
            out.extend_from_slice(&epoch.to_le_bytes());
            out.extend_from_slice(&start.to_le_bytes());
        }
        out.extend_from_slice(&self.producers);
    }

    /// `names` holds the topics met before: the partitions of one share its name.
    fn decode(
        head: PartitionManifest,
        mut bytes: &[u8],
        names: &mut HashMap<u128, Arc<str>>,
    ) -> Option<Self> {
        let bytes = &mut bytes;
        let length = u16::from_le_bytes(take(bytes)?) as usize;
        let (topic, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        let topic = std::str::from_utf8(topic).ok()?;
        // It becomes the name of a directory.
        if topic.contains(['/', '\0']) {
            return None;
        }
        let shared = names.entry(head.topic_id).or_insert_with(|| topic.into());
        let topic = if **shared == *topic {
            shared.clone()
        } else {
            topic.into()
        };
        let count = u32::from_le_bytes(take(bytes)?) as usize;
        let mut segments = Vec::with_capacity(count.min(bytes.len() / SEGMENT_BYTES));
        for _ in 0..count {
            segments.push(take_segment(bytes)?);
        }
        let cleaned_offset = i64::from_le_bytes(take(bytes)?);
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
            cleaned_offset,
            leader_epochs,
            producers: bytes.to_vec(),
        })
    }
}

pub(super) fn put_segment(segment: &Segment, out: &mut Vec<u8>) {
    out.extend_from_slice(&segment.id.base_offset.to_le_bytes());
    out.extend_from_slice(&segment.id.generation.to_le_bytes());
    for number in [
        segment.next_offset,
        segment.bytes as i64,
        segment.max_timestamp,
        segment.first_timestamp,
        segment.created_ms,
    ] {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

pub(super) fn take_segment(bytes: &mut &[u8]) -> Option<Segment> {
    Some(Segment {
        id: SegmentId {
            base_offset: i64::from_le_bytes(take(bytes)?),
            generation: u32::from_le_bytes(take(bytes)?),
        },
        next_offset: i64::from_le_bytes(take(bytes)?),
        bytes: u64::from_le_bytes(take(bytes)?),
        max_timestamp: i64::from_le_bytes(take(bytes)?),
        first_timestamp: i64::from_le_bytes(take(bytes)?),
        created_ms: i64::from_le_bytes(take(bytes)?),
    })
}

pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
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
            ..Segment::new(0, 5)
        };
        let partition = PartitionState {
            head,
            topic: "t".into(),
            segments: vec![segment],
            cleaned_offset: 17,
            leader_epochs: vec![(0, 0), (1, 4)],
            producers: vec![1, 2, 3],
        };
        let record = MetadataRecord::RemoveTopic { topic_id: 4 };
        Manifest {
            origin: Origin {
                journal_id: 11,
                sequence: 12,
                image_version: 13,
            },
            quorum,
            records: vec![record],
            partitions: vec![partition],
        }
    }

    #[test]
    fn a_manifest_of_many_pieces_is_written_whole_and_read_back() {
        let directory = tempfile::tempdir_in(".").unwrap();
        let root = directory.path().to_owned();
        crate::io::production::run_local(async |io| {
            let mut manifest = sample();
            let one = manifest.partitions[0].clone();
            let many = (0..20_000).map(|partition| PartitionState {
                head: PartitionManifest {
                    partition,
                    ..one.head
                },
                ..one.clone()
            });
            manifest.partitions = many.collect();
            for _ in 0..2 {
                manifest.write(&io, &root).await.unwrap();
                manifest.quorum.applied_index += 1;
            }
            manifest.quorum.applied_index -= 1;
            let read = read_all(&io, &root).await.unwrap();
            assert!(
                read == [manifest.clone()],
                "the second one replaced the first"
            );
            let names = io.disk.list(&root).await.unwrap();
            assert_eq!(names[0].bytes, manifest.encode().unwrap().len() as u64);
            assert_eq!(names.len(), 1, "{names:?}");
        });
    }

    #[test]
    fn a_name_that_would_leave_the_directory_is_refused() {
        let mut manifest = sample();
        manifest.partitions[0].topic = "../t".into();
        let defect = Manifest::decode(&manifest.encode().unwrap()).unwrap_err();
        assert!(defect.position > 0 && defect.problem.contains("malformed"));
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
