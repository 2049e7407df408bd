//! Manifests: a data directory's own, and those of the quorums.

use protocol::frame::Frame;
use protocol::native::{MetadataRecord, StorageManifest, kind};

use super::{Report, Source, Stop};
use crate::limits;
use crate::log::manifest::{Manifest, PartitionState};

pub(super) fn inspect(
    _name: &str,
    source: &dyn Source,
    report: &mut Report<'_>,
) -> Result<(), Stop> {
    if source.bytes() > limits::MANIFEST_BYTES_MAX {
        return report.wrong(
            0,
            format_args!("{} bytes are more than any manifest has", source.bytes()),
        );
    }
    let read = source.read_at(0, source.bytes() as usize);
    let bytes = read.map_err(|error| Stop::Read(0, error))?;
    if let Ok((frame, _)) = Frame::parse(&bytes, bytes.len())
        && frame.kind == kind::STORAGE_MANIFEST
    {
        return storage(&frame, report);
    }
    let manifest = match Manifest::decode(&bytes) {
        Ok(manifest) => manifest,
        Err(defect) => {
            return report.wrong(
                defect.position,
                format_args!("no whole manifest: {}", defect.problem),
            );
        }
    };
    let quorum = &manifest.quorum;
    report.say(format_args!(
        "quorum {}: applied index {} term {}, hard state term {} vote {} commit {}, voters {:?}, {} records, {} partitions",
        quorum.quorum,
        quorum.applied_index,
        quorum.applied_term,
        quorum.term,
        quorum.vote,
        quorum.commit,
        &quorum.voters[..],
        manifest.records.len(),
        manifest.partitions.len()
    ))?;
    let origin = &manifest.origin;
    report.say(format_args!(
        "made from frame {} of journal {:032x}, metadata version {}",
        origin.sequence, origin.journal_id, origin.image_version
    ))?;
    for record in &manifest.records {
        metadata_record(record, report)?;
    }
    for state in &manifest.partitions {
        partition(state, report)?;
    }
    Ok(())
}

/// Topic ids as they stand in the names of directories.
fn metadata_record(record: &MetadataRecord, report: &mut Report<'_>) -> Result<(), Stop> {
    match record {
        MetadataRecord::Topic { topic_id, name } => {
            report.say(format_args!("record topic {topic_id:032x} name {name}"))
        }
        MetadataRecord::Partition {
            topic_id,
            partition,
            quorum,
            shard,
        } => report.say(format_args!(
            "record partition {partition} of topic {topic_id:032x} quorum {quorum} shard {shard}"
        )),
        MetadataRecord::RemoveTopic { topic_id } => {
            report.say(format_args!("record no topic {topic_id:032x} any more"))
        }
        other => report.say(format_args!("record {other:?}")),
    }
}

fn storage(frame: &Frame<'_>, report: &mut Report<'_>) -> Result<(), Stop> {
    match StorageManifest::decode(frame) {
        Ok(found) => report.say(format_args!(
            "data directory {:032x} of cluster {:032x}: format version {}, machine {}, {} shards, made at {} ms",
            found.directory_id,
            found.cluster_id,
            found.format_version,
            found.machine_id,
            found.shard_count,
            found.created_ms
        )),
        Err(error) => report.wrong(0, format_args!("{error}")),
    }
}

fn partition(state: &PartitionState, report: &mut Report<'_>) -> Result<(), Stop> {
    let head = &state.head;
    report.say(format_args!(
        "partition {}-{} of topic {:032x}: offsets {}-{}, compacted below {}, added in term {}, leader epochs {:?}, {} bytes of producers",
        state.topic,
        head.partition,
        head.topic_id,
        head.log_start_offset,
        head.next_offset,
        state.cleaned_offset,
        head.added_term,
        state.leader_epochs,
        state.producers.len()
    ))?;
    for segment in &state.segments {
        report.say(format_args!(
            "  segment {} generation {} next offset {} bytes {} largest time {} first time {} made at {}",
            segment.id.base_offset,
            segment.id.generation,
            segment.next_offset,
            segment.bytes,
            segment.max_timestamp,
            segment.first_timestamp,
            segment.created_ms
        ))?;
    }
    Ok(())
}
