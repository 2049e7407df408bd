//! AlterPartitionReassignments: a partition is asked to be where it is, or elsewhere.

use protocol::messages::alter_partition_reassignments::{
    self, AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsRequestTopic,
    AlterPartitionReassignmentsRequestTopicPartition,
};

use super::admin_requests::{bytes, step};
use super::requests::tagged;
use crate::scenario::{Run, Scenario};

type Wanted<'a> = (&'a str, i32, Option<&'a [i32]>);

fn of(wanted: &[Wanted<'_>]) -> AlterPartitionReassignmentsRequest<'static> {
    let topic = |(name, partition, replicas): &Wanted<'_>| {
        let partition = AlterPartitionReassignmentsRequestTopicPartition {
            partition_index: *partition,
            replicas: replicas.map(<[i32]>::to_vec),
        };
        AlterPartitionReassignmentsRequestTopic {
            name: (*name).to_owned().into(),
            partitions: vec![partition],
        }
    };
    AlterPartitionReassignmentsRequest {
        timeout_ms: 30_000,
        topics: wanted.iter().map(topic).collect(),
        ..AlterPartitionReassignmentsRequest::default()
    }
}

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    (0..=1)
        .flat_map(|version| {
            let (name, node) = (run.topic(&format!("stays-v{version}")), run.node);
            let cases: &[(&str, &[Wanted<'_>])] = &[
                ("nothing", &[]),
                ("where it is", &[(&name, 0, Some(&[node]))]),
                ("the other", &[(&name, 1, Some(&[node]))]),
                ("to be given up", &[(&name, 0, None)]),
                ("no replicas", &[(&name, 0, Some(&[]))]),
                ("a node twice", &[(&name, 0, Some(&[node, node]))]),
                ("an unknown node", &[(&name, 0, Some(&[77]))]),
                (
                    "a node and an unknown one",
                    &[(&name, 0, Some(&[node, 77]))],
                ),
                ("no node", &[(&name, 0, Some(&[-1]))]),
                ("an unknown partition", &[(&name, 2, Some(&[node]))]),
                ("an unknown one to be given up", &[(&name, 2, None)]),
                ("a partition below 0", &[(&name, -1, Some(&[node]))]),
                ("an unknown topic", &[("unknown", 0, Some(&[node]))]),
                ("an illegal topic", &[("$#! ä", 0, Some(&[]))]),
                ("an empty name", &[("", 0, None)]),
                (
                    "a topic twice",
                    &[(&name, 0, Some(&[node])), (&name, 0, Some(&[77]))],
                ),
            ];
            let mut scenario = Scenario::new(format!("wishes v{version}")).topic(
                &format!("stays-v{version}"),
                2,
                &[],
            );
            for (label, wanted) in cases {
                for timeout_ms in [30_000, 0, -1] {
                    let request = AlterPartitionReassignmentsRequest {
                        timeout_ms,
                        allow_replication_factor_change: timeout_ms != 0,
                        ..of(wanted)
                    };
                    let label = format!("{label}, {timeout_ms} ms");
                    scenario = scenario.step(step!(
                        label,
                        alter_partition_reassignments,
                        version,
                        &request
                    ));
                }
            }
            let mut body = Vec::new();
            of(&[]).encode(&mut body, version);
            let tags = Scenario::new(format!("tags v{version}"));
            [
                scenario,
                bytes(alter_partition_reassignments::KEY, version),
                tags.steps(tagged(alter_partition_reassignments::KEY, version, &body)),
            ]
        })
        .collect()
}
