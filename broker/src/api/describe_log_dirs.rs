//! DescribeLogDirs (KIP-113, KIP-827): what the partitions of this broker take on its disk. All shards of a machine keep their
//! data in one directory, so that there is one to tell of.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use protocol::error_code::ErrorCode;
use protocol::messages::describe_log_dirs::{
    DescribeLogDirsRequest, DescribeLogDirsResponse, DescribeLogDirsResponseResult,
    DescribeLogDirsResponseResultTopic, DescribeLogDirsResponseResultTopicPartition,
};

use super::{Handled, Reply, Request, reader};
use crate::config::Advertise;
use crate::metrics::PartitionFigures;
use crate::router::Router;

/// Answers with the partitions that were asked for and are here.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = DescribeLogDirsRequest::decode(&mut reader(request), request.version)?;
    let shard = router.shard();
    let directory = &shard.config.data_dir;
    let wanted = asked.topics.as_ref().map(|topics| {
        let mut wanted: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
        for topic in topics {
            let partitions = wanted.entry(&topic.topic).or_default();
            partitions.extend(&topic.partitions);
        }
        wanted
    });
    let mut topics: BTreeMap<Arc<str>, Vec<DescribeLogDirsResponseResultTopicPartition>> =
        BTreeMap::new();
    for partition in partitions(router).await {
        let is_wanted = wanted.as_ref().is_none_or(|wanted| {
            let numbers = wanted.get(&*partition.topic);
            numbers.is_some_and(|numbers| numbers.contains(&partition.partition))
        });
        if is_wanted {
            topics
                .entry(partition.topic.clone())
                .or_default()
                .push(line(&partition));
        }
    }
    let space = shard.io.disk.space(directory);
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let mut result = DescribeLogDirsResponseResult {
        log_dir: directory.display().to_string().into(),
        topics: topics
            .into_iter()
            .map(|(name, partitions)| DescribeLogDirsResponseResultTopic {
                name: name.to_string().into(),
                partitions,
            })
            .collect(),
        ..DescribeLogDirsResponseResult::default()
    };
    match space {
        Ok(space) => {
            result.total_bytes = bytes(space.total_bytes);
            result.usable_bytes = bytes(space.free_bytes);
        }
        Err(_) => result.error_code = ErrorCode::KafkaStorageError.code(),
    }
    let response = DescribeLogDirsResponse {
        results: vec![result],
        ..DescribeLogDirsResponse::default()
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// The partitions of this broker: of this shard, or of all of the machine where that is one broker.
async fn partitions(router: &Rc<Router>) -> Vec<PartitionFigures> {
    let own = router.shard();
    let shards = match own.config.advertise {
        Advertise::Shard => own.number..own.number + 1,
        Advertise::Machine => 0..own.image().shard_count,
    };
    let mut partitions = Vec::new();
    for shard in shards {
        if let Some(figures) = router.figures(shard, true).await {
            partitions.extend(figures.details);
        }
    }
    partitions.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
    partitions
}

fn line(partition: &PartitionFigures) -> DescribeLogDirsResponseResultTopicPartition {
    DescribeLogDirsResponseResultTopicPartition {
        partition_index: partition.partition,
        partition_size: i64::try_from(partition.size_bytes).unwrap_or(i64::MAX),
        offset_lag: 0,
        is_future_key: false,
    }
}
