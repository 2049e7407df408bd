//! DeleteRecords (KIP-107): moves the starts of partitions; answers when that is durable.

use std::collections::BTreeMap;
use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::delete_records::{
    DeleteRecordsRequest, DeleteRecordsResponse, DeleteRecordsResponseTopic,
    DeleteRecordsResponseTopicPartition,
};

use super::{Handled, Reply, Request, reader};
use crate::metadata::{Image, is_internal};
use crate::router::{Cut, CutAt, Router};
use crate::shard::{DeleteRecordsFailure, PartitionKey};

/// Stands for everything that is committed.
const HIGH_WATERMARK: i64 = -1;

/// A partition by the name of its topic.
type Place<'a> = (&'a str, i32);

/// What is asked for, each partition once: the last of equal ones wins, as in Kafka.
type Asked<'a> = BTreeMap<Place<'a>, i64>;

/// Deletes what may be deleted.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = DeleteRecordsRequest::decode(&mut reader(request), request.version)?;
    let mut offsets = Asked::new();
    for topic in &asked.topics {
        for partition in &topic.partitions {
            offsets.insert((&topic.name, partition.partition_index), partition.offset);
        }
    }
    let mut topics: Vec<DeleteRecordsResponseTopic<'_>> = Vec::new();
    for ((name, partition), cut) in cut(router, &offsets).await {
        if topics.last().is_none_or(|last| last.name != name) {
            topics.push(DeleteRecordsResponseTopic {
                name: name.into(),
                partitions: Vec::new(),
            });
        }
        let last = topics.last_mut().expect("one was just added");
        last.partitions.push(answer(partition, cut));
    }
    let response = DeleteRecordsResponse {
        throttle_time_ms: 0,
        topics,
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

type Cuts<'a> = BTreeMap<Place<'a>, Result<i64, ErrorCode>>;

/// Asks each shard once for all that it leads.
async fn cut<'a>(router: &Rc<Router>, offsets: &Asked<'a>) -> Cuts<'a> {
    let image = router.shard().image();
    let mut cuts = Cuts::new();
    let mut by_shard: BTreeMap<u32, Vec<(Place<'a>, CutAt)>> = BTreeMap::new();
    for (place, offset) in offsets {
        match owner(&image, *place) {
            Ok((shard, key)) => {
                let before = (*offset != HIGH_WATERMARK).then_some(*offset);
                let asked = by_shard.entry(shard).or_default();
                asked.push((*place, (key, before)));
            }
            Err(code) => {
                cuts.insert(*place, Err(code));
            }
        }
    }
    for (shard, asked) in by_shard {
        let (places, asked): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let results = router.delete_records(shard, asked).await;
        cuts.extend(
            places
                .into_iter()
                .zip(results.into_iter().map(low_watermark)),
        );
    }
    cuts
}

fn owner(image: &Image, (name, partition): (&str, i32)) -> Result<(u32, PartitionKey), ErrorCode> {
    let topic = image.topic(name);
    let topic = topic.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    if is_internal(name) {
        return Err(ErrorCode::InvalidTopicException);
    }
    let number = usize::try_from(partition).ok();
    let placement = number.and_then(|number| topic.partitions.get(number));
    let placement = placement.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let key = PartitionKey {
        topic_id: topic.id,
        partition,
    };
    Ok((placement.shard, key))
}

fn low_watermark(cut: Cut) -> Result<i64, ErrorCode> {
    match cut {
        Ok(deleted) => Ok(deleted.low_watermark),
        Err(DeleteRecordsFailure::NotLeader) => Err(ErrorCode::NotLeaderOrFollower),
        Err(DeleteRecordsFailure::OffsetOutOfRange) => Err(ErrorCode::OffsetOutOfRange),
        Err(DeleteRecordsFailure::Policy) => Err(ErrorCode::PolicyViolation),
        Err(DeleteRecordsFailure::Storage) => Err(ErrorCode::KafkaStorageError),
        Err(DeleteRecordsFailure::Full) => Err(ErrorCode::RequestTimedOut),
    }
}

fn answer(
    partition_index: i32,
    cut: Result<i64, ErrorCode>,
) -> DeleteRecordsResponseTopicPartition {
    let code = cut.err().unwrap_or(ErrorCode::None);
    DeleteRecordsResponseTopicPartition {
        partition_index,
        low_watermark: cut.unwrap_or(-1),
        error_code: code.code(),
    }
}
