//! Leader epochs grow with each start and are remembered over it, whether the broker was stopped or killed; clients are told
//! where each ended, and where their log parts from ours.

use protocol::compression::Compression;
use protocol::messages::fetch::{
    FetchRequest, FetchRequestTopic, FetchRequestTopicPartition, FetchResponse,
    FetchResponseTopicResponsePartitionData,
};
use protocol::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochRequestTopic,
    OffsetForLeaderEpochRequestTopicPartition, OffsetForLeaderEpochResponse,
};
use protocol::primitives::Reader;
use tempfile::tempdir;

use crate::broker::Broker;
use crate::wire::{FETCH, batch, create_topic, frame, honest_value, produce, produced, try_once};

const OFFSET_FOR_LEADER_EPOCH: i16 = 23;
/// Bytes before the body of a flexible answer: correlation id and no tags.
const HEAD: usize = 5;

/// The code, the epoch, and where it ends.
fn end_of(port: u16, leader_epoch: i32) -> (i16, i32, i64) {
    let request = OffsetForLeaderEpochRequest {
        replica_id: -1,
        topics: vec![OffsetForLeaderEpochRequestTopic {
            topic: "epochs".into(),
            partitions: vec![OffsetForLeaderEpochRequestTopicPartition {
                partition: 0,
                current_leader_epoch: -1,
                leader_epoch,
            }],
        }],
    };
    let mut body = Vec::new();
    request.encode(&mut body, 4);
    let answer = try_once(port, &frame(OFFSET_FOR_LEADER_EPOCH, 4, &body)).unwrap();
    let answer = OffsetForLeaderEpochResponse::decode(&mut Reader::new(&answer[HEAD..]), 4);
    let one = &answer.unwrap().topics[0].partitions[0];
    (one.error_code, one.leader_epoch, one.end_offset)
}

fn fetch(
    port: u16,
    version: i16,
    wanted: FetchRequestTopicPartition,
) -> (FetchResponseTopicResponsePartitionData<'static>, usize) {
    let request = FetchRequest {
        max_bytes: 1 << 20,
        topics: vec![FetchRequestTopic {
            topic: "epochs".into(),
            topic_id: topic_id(port),
            partitions: vec![FetchRequestTopicPartition {
                partition_max_bytes: 1 << 20,
                ..wanted
            }],
        }],
        ..FetchRequest::default()
    };
    let mut body = Vec::new();
    request.encode(&mut body, version);
    let answer = try_once(port, &frame(FETCH, version, &body)).unwrap();
    let answer = FetchResponse::decode(&mut Reader::new(&answer[HEAD..]), version).unwrap();
    let one = &answer.responses[0].partitions[0];
    let told = FetchResponseTopicResponsePartitionData {
        records: None,
        ..one.clone()
    };
    (into_owned(told), answer.node_endpoints.len())
}

fn into_owned(
    told: FetchResponseTopicResponsePartitionData<'_>,
) -> FetchResponseTopicResponsePartitionData<'static> {
    FetchResponseTopicResponsePartitionData {
        partition_index: told.partition_index,
        error_code: told.error_code,
        high_watermark: told.high_watermark,
        diverging_epoch: told.diverging_epoch,
        current_leader: told.current_leader,
        ..FetchResponseTopicResponsePartitionData::default()
    }
}

fn topic_id(port: u16) -> protocol::primitives::Uuid {
    use protocol::messages::metadata::{MetadataRequest, MetadataResponse};
    let request = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    let mut body = Vec::new();
    request.encode(&mut body, 13);
    let answer = try_once(port, &frame(3, 13, &body)).unwrap();
    let answer = MetadataResponse::decode(&mut Reader::new(&answer[HEAD..]), 13).unwrap();
    let topics = answer.topics.iter();
    let mut ids = topics.filter(|topic| topic.name.as_deref() == Some("epochs"));
    ids.next().unwrap().topic_id
}

fn append(port: u16, base_offset: i64) {
    let values: Vec<_> = (0..10).map(honest_value).collect();
    let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    let records = batch(Compression::None, &values);
    let answer = try_once(port, &produce("epochs", -1, &records)).unwrap();
    assert_eq!(produced(&answer), (0, base_offset));
}

/// The epoch the leader is in: the only one that ends at `end`.
fn epoch_now(port: u16, end: i64) -> i32 {
    let mut epochs = (0..100).rev();
    let newest = epochs.find(|epoch| end_of(port, *epoch) == (0, *epoch, end));
    newest.expect("some epoch is the newest")
}

#[test]
fn epochs_outlive_stops_and_kills() {
    let data = tempdir().unwrap();
    let mut known = Vec::new();
    for run in 0..4i64 {
        let broker = Broker::start(data.path(), &["--set", "checkpoint.interval.ms=1000"]);
        let port = broker.port;
        if run == 0 {
            assert_eq!(create_topic(port, "epochs", 1, &[]), 0);
        }
        append(port, run * 10);
        let now = epoch_now(port, (run + 1) * 10);
        let last = known.last().copied();
        assert!(last.is_none_or(|last| now > last), "{now} after {last:?}");
        for (earlier, epoch) in known.iter().enumerate() {
            let end = (i64::try_from(earlier).unwrap() + 1) * 10;
            assert_eq!(end_of(port, *epoch), (0, *epoch, end), "run {run}");
        }
        assert_eq!(end_of(port, now + 1), (0, -1, -1), "it is not begun yet");
        known.push(now);
        match run {
            1 => broker.kill(),
            _ => broker.stop(),
        }
    }
    let broker = Broker::start(data.path(), &[]);
    let port = broker.port;
    // A log that had more in the first epoch than ours parts where that ended.
    for version in [12, 13, 18] {
        let (told, _) = fetch(
            port,
            version,
            FetchRequestTopicPartition {
                fetch_offset: 15,
                last_fetched_epoch: known[0],
                ..FetchRequestTopicPartition::default()
            },
        );
        let parted = (told.diverging_epoch.epoch, told.diverging_epoch.end_offset);
        assert_eq!((told.error_code, parted), (0, (known[0], 10)));
        let (told, nodes) = fetch(
            port,
            version,
            FetchRequestTopicPartition {
                fetch_offset: 15,
                current_leader_epoch: known[0],
                ..FetchRequestTopicPartition::default()
            },
        );
        assert_eq!(told.error_code, 74, "an old epoch");
        let leader = (told.current_leader.leader_id, nodes);
        // Who leads is told from version 16 on.
        assert_eq!(leader, if version >= 16 { (1000, 1) } else { (-1, 0) });
        if version >= 16 {
            assert!(told.current_leader.leader_epoch > known[3]);
        }
    }
    broker.stop();
}
