//! The answer to a Fetch: what is written, and record bytes where they lie in between. Copies no record byte.

use bytes::Bytes;
use protocol::error_code::ErrorCode;
use protocol::fetch::{
    CurrentLeader, DivergingEpoch, FetchResponseWriter, Gap, NodeEndpoint, PartitionAnswer,
};
use protocol::primitives::Uuid;

use super::session::Item;
use super::{Asked, Reply, Request};
use crate::api::nodes::Node;
use crate::api::read_failure_code;
use crate::io::buffer::Slice;
use crate::router::Router;
use crate::shard::{ReadAnswer, ReadFailure};

/// Version from which a client that asked the wrong leader, or an old one, is told who leads.
const LEADERS: i16 = 16;

/// Who leads the partitions whose clients do not know it: place among the items, node and epoch.
#[derive(Default)]
pub(super) struct Leaders {
    partitions: Vec<(usize, CurrentLeader)>,
    nodes: Vec<NodeEndpoint<'static>>,
}

impl Leaders {
    /// Looks for them.
    pub async fn of(
        router: &Router,
        (asked, version): (&Asked<'_>, i16),
        (items, answers): (&[Item<'_>], &[ReadAnswer]),
    ) -> Self {
        let mut leaders = Self::default();
        if version < LEADERS {
            return leaders;
        }
        for (at, (item, answer)) in items.iter().zip(answers).enumerate() {
            let (Some(ReadFailure::NotLeader | ReadFailure::FencedLeaderEpoch), Ok((shard, key))) =
                (answer.failure, item.place)
            else {
                continue;
            };
            let epochs = router.leader_epochs(shard, vec![key]).await;
            let node = Node::of_shard(router, shard);
            let leader = CurrentLeader {
                leader_id: node.id,
                leader_epoch: epochs.first().copied().unwrap_or(-1),
            };
            leaders.partitions.push((at, leader));
            // Kafka does not tell replicas where that node is.
            if asked.replica_id < 0 && leaders.nodes.iter().all(|known| known.node_id != node.id) {
                leaders.nodes.push(NodeEndpoint {
                    node_id: node.id,
                    host: node.host.into(),
                    port: node.port,
                    rack: router.shard().config.rack.clone().map(Into::into),
                });
            }
        }
        leaders
    }
}

/// The whole request is refused.
pub(super) fn refused(request: &Request, code: ErrorCode, session_id: i32) -> Reply {
    let writer = FetchResponseWriter::begin(
        request.response(),
        request.version,
        (code.code(), session_id),
        0,
    );
    assemble(writer.finish(&[]), Vec::new())
}

/// Answers to `items`, in their order.
pub(super) fn write(
    request: &Request,
    asked: &Asked<'_>,
    (code, session_id): (ErrorCode, i32),
    items: &[Item<'_>],
    answers: Vec<ReadAnswer>,
    leaders: &Leaders,
) -> Reply {
    let is_same = |one: &Item<'_>, next: &Item<'_>| {
        one.topic_id == next.topic_id && (asked.by_id || *one.topic == *next.topic)
    };
    let topics = || items.chunk_by(is_same);
    let mut writer = FetchResponseWriter::begin(
        request.response(),
        request.version,
        (code.code(), session_id),
        topics().count(),
    );
    let mut records = Vec::new();
    let mut told = leaders.partitions.iter().peekable();
    let mut answers = answers.into_iter().enumerate();
    for topic in topics() {
        writer.topic(&topic[0].topic, Uuid(topic[0].topic_id), topic.len());
        for (item, (at, answer)) in topic.iter().zip(&mut answers) {
            let partition = item.wanted.partition;
            if let Some(failure) = answer.failure {
                let leader = told.next_if(|(leader_of, _)| *leader_of == at);
                writer.partition(&PartitionAnswer {
                    // Kafka's two ways to make an answer.
                    aborted_transactions: !item.is_known() || code != ErrorCode::None,
                    current_leader: leader.map(|(_, leader)| *leader),
                    ..PartitionAnswer::error(partition, read_failure_code(failure).code())
                });
                continue;
            }
            writer.partition(&PartitionAnswer {
                partition,
                error_code: 0,
                high_watermark: answer.high_watermark,
                last_stable_offset: answer.high_watermark,
                log_start_offset: answer.log_start_offset,
                diverging_epoch: answer
                    .diverging
                    .map(|(epoch, end_offset)| DivergingEpoch { epoch, end_offset }),
                current_leader: None,
                aborted_transactions: asked.request.isolation_level == 1,
                records_bytes: answer.bytes(),
            });
            records.push(answer.records);
        }
    }
    let records = records.into_iter().flatten().collect();
    assemble(writer.finish(&leaders.nodes), records)
}

/// Puts records between the written bytes: one list of slices for one vectored send.
fn assemble((mut written, gaps): (Vec<u8>, Vec<Gap>), records: Vec<Slice>) -> Reply {
    let record_bytes: usize = gaps.iter().map(|gap| gap.bytes).sum();
    let length = (written.len() - 4 + record_bytes) as i32;
    written[..4].copy_from_slice(&length.to_be_bytes());
    let written = Bytes::from(written);
    let mut slices = Vec::with_capacity(records.len() + gaps.len() + 1);
    let mut records = records.into_iter();
    let mut position = 0;
    for gap in gaps {
        slices.push(Slice::from(written.slice(position..gap.position)));
        position = gap.position;
        let mut bytes = 0;
        while bytes < gap.bytes {
            let slice = records.next().expect("every gap has its records");
            bytes += slice.len();
            slices.push(slice);
        }
        assert_eq!(bytes, gap.bytes, "records fill their gap");
    }
    slices.push(Slice::from(written.slice(position..)));
    Reply { slices }
}
