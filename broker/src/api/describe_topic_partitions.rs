//! DescribeTopicPartitions (KIP-966): topics by name, page by page; a cursor says where the next page begins.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use hashbrown::HashMap;
use protocol::error_code::ErrorCode;
use protocol::messages::describe_topic_partitions::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsRequestCursor,
    DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponseCursor,
    DescribeTopicPartitionsResponseTopic, DescribeTopicPartitionsResponseTopicPartition,
};
use protocol::primitives::Uuid;

use super::metadata::{TOPIC_OPERATIONS, leader_epochs};
use super::nodes::Node;
use super::{Handled, Reply, Request, reader};
use crate::config::setting::Value;
use crate::controller::topics::check_name;
use crate::metadata::{Topic, is_internal};
use crate::router::Router;
use crate::shard::PartitionKey;

/// A page of what was asked for.
#[derive(Debug, Default, PartialEq)]
struct Page<'a> {
    /// Names, and for those that are there which partitions of them.
    topics: Vec<(&'a str, std::ops::Range<usize>)>,
    /// Where the next page begins.
    next: Option<(&'a str, usize)>,
}

/// Answers with a page.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = DescribeTopicPartitionsRequest::decode(&mut reader(request), request.version)?;
    let mut out = request.response();
    match check_cursor(&asked) {
        Ok(()) => page(router, &asked).await.encode(&mut out, request.version),
        Err(()) => refused(&asked).encode(&mut out, request.version),
    }
    Ok(Reply::whole(out))
}

/// A cursor stands at a topic that is asked for, and at a partition that could be.
fn check_cursor(asked: &DescribeTopicPartitionsRequest<'_>) -> Result<(), ()> {
    let Some(cursor) = &asked.cursor else {
        return Ok(());
    };
    let named = asked.topics.is_empty()
        || asked
            .topics
            .iter()
            .any(|topic| topic.name == cursor.topic_name);
    if named && cursor.partition_index >= 0 {
        Ok(())
    } else {
        Err(())
    }
}

fn refused<'a>(asked: &DescribeTopicPartitionsRequest<'a>) -> DescribeTopicPartitionsResponse<'a> {
    let topics = asked
        .topics
        .iter()
        .map(|topic| DescribeTopicPartitionsResponseTopic {
            error_code: ErrorCode::InvalidRequest.code(),
            name: Some(topic.name.clone()),
            ..DescribeTopicPartitionsResponseTopic::default()
        });
    DescribeTopicPartitionsResponse {
        topics: topics.collect(),
        ..DescribeTopicPartitionsResponse::default()
    }
}

async fn page<'a>(
    router: &Rc<Router>,
    asked: &'a DescribeTopicPartitionsRequest<'a>,
) -> DescribeTopicPartitionsResponse<'a> {
    let image = router.shard().image();
    let all = asked.topics.is_empty();
    let names: BTreeSet<&str> = if all {
        image.topics.keys().map(|name| &**name).collect()
    } else {
        asked.topics.iter().map(|topic| &*topic.name).collect()
    };
    let count = |name: &str| image.topic(name).map(|topic| topic.partitions.len());
    let page = cut(&names, asked.cursor.as_ref(), limit(router, asked), count);
    let known = page.topics.iter().filter_map(|(name, _)| image.topic(name));
    let epochs = leader_epochs(router, known).await;
    let topics = page.topics.iter().map(|(name, partitions)| {
        let topic = image.topic(name);
        match topic {
            Some(topic) => described(router, topic, partitions.clone(), &epochs),
            None => unknown(name),
        }
    });
    DescribeTopicPartitionsResponse {
        topics: topics.collect(),
        next_cursor: page
            .next
            .map(|(name, partition)| DescribeTopicPartitionsResponseCursor {
                topic_name: name.to_owned().into(),
                partition_index: partition as i32,
            }),
        ..DescribeTopicPartitionsResponse::default()
    }
}

/// How many partitions a page has at most.
fn limit(router: &Rc<Router>, asked: &DescribeTopicPartitionsRequest<'_>) -> usize {
    let most = router
        .shard()
        .config
        .value("max.request.partition.size.limit");
    let most = match most {
        Value::Integer(most) => *most,
        _ => 1,
    };
    let limit = i64::from(asked.response_partition_limit).min(most);
    usize::try_from(limit).unwrap_or(0).max(1)
}

/// The page that begins at `cursor`; `count` says how many partitions a topic has, if it is there.
fn cut<'a>(
    names: &BTreeSet<&'a str>,
    cursor: Option<&DescribeTopicPartitionsRequestCursor<'_>>,
    limit: usize,
    count: impl Fn(&str) -> Option<usize>,
) -> Page<'a> {
    let (from, first) = cursor.map_or(("", 0), |cursor| {
        (&*cursor.topic_name, cursor.partition_index)
    });
    let mut page = Page::default();
    let mut room = limit;
    for name in names.iter().copied().filter(|name| *name >= from) {
        if room == 0 {
            page.next = Some((name, 0));
            break;
        }
        let Some(partitions) = count(name) else {
            page.topics.push((name, 0..0));
            continue;
        };
        let start = if name == from { first as usize } else { 0 };
        let end = partitions.min(start.saturating_add(room));
        page.topics.push((name, start.min(end)..end));
        room -= end.saturating_sub(start);
        if end < partitions {
            page.next = Some((name, end));
            break;
        }
    }
    page
}

fn unknown<'a>(name: &str) -> DescribeTopicPartitionsResponseTopic<'a> {
    let code = match check_name(name) {
        Ok(()) => ErrorCode::UnknownTopicOrPartition,
        Err(_) => ErrorCode::InvalidTopicException,
    };
    DescribeTopicPartitionsResponseTopic {
        error_code: code.code(),
        name: Some(name.to_owned().into()),
        is_internal: is_internal(name),
        topic_authorized_operations: TOPIC_OPERATIONS,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

fn described<'a>(
    router: &Rc<Router>,
    topic: &Arc<Topic>,
    partitions: std::ops::Range<usize>,
    epochs: &HashMap<PartitionKey, i32>,
) -> DescribeTopicPartitionsResponseTopic<'a> {
    let partition = |number: usize| {
        let node = Node::of_shard(router, topic.partitions[number].shard).id;
        let key = PartitionKey {
            topic_id: topic.id,
            partition: number as i32,
        };
        DescribeTopicPartitionsResponseTopicPartition {
            partition_index: number as i32,
            leader_id: node,
            leader_epoch: epochs.get(&key).copied().unwrap_or(-1),
            replica_nodes: vec![node],
            isr_nodes: vec![node],
            eligible_leader_replicas: Some(Vec::new()),
            last_known_elr: Some(Vec::new()),
            ..DescribeTopicPartitionsResponseTopicPartition::default()
        }
    };
    DescribeTopicPartitionsResponseTopic {
        name: Some(topic.name.to_string().into()),
        topic_id: Uuid(topic.id),
        is_internal: is_internal(&topic.name),
        partitions: partitions.map(partition).collect(),
        topic_authorized_operations: TOPIC_OPERATIONS,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(limit: usize, cursor: Option<(&'static str, i32)>) -> String {
        let names = BTreeSet::from(["a", "b", "none", "z"]);
        let cursor = cursor.map(
            |(topic, partition_index)| DescribeTopicPartitionsRequestCursor {
                topic_name: topic.into(),
                partition_index,
            },
        );
        let count = |name: &str| match name {
            "a" => Some(3),
            "b" | "z" => Some(1),
            _ => None,
        };
        let page = cut(&names, cursor.as_ref(), limit, count);
        format!("{:?} {:?}", page.topics, page.next)
    }

    #[test]
    fn pages_end_where_their_room_does() {
        assert_eq!(page_of(2, None), r#"[("a", 0..2)] Some(("a", 2))"#);
        assert_eq!(page_of(3, None), r#"[("a", 0..3)] Some(("b", 0))"#);
        assert_eq!(
            page_of(9, Some(("a", 2))),
            r#"[("a", 2..3), ("b", 0..1), ("none", 0..0), ("z", 0..1)] None"#
        );
        assert_eq!(
            page_of(1, Some(("b", 0))),
            r#"[("b", 0..1)] Some(("none", 0))"#
        );
        assert_eq!(page_of(1, Some(("z", 7))), r#"[("z", 1..1)] None"#);
    }
}
