//! ListPartitionReassignments: none is ever going on.

use protocol::messages::list_partition_reassignments::{
    self, ListPartitionReassignmentsRequest, ListPartitionReassignmentsRequestTopic,
};

use super::admin_requests::{bytes, step};
use super::requests::tagged;
use crate::scenario::{Run, Scenario};

type Topics<'a> = Option<&'a [(&'a str, &'a [i32])]>;

fn of(topics: Topics<'_>) -> ListPartitionReassignmentsRequest<'static> {
    let topic = |(name, partitions): &(&str, &[i32])| ListPartitionReassignmentsRequestTopic {
        name: (*name).to_owned().into(),
        partition_indexes: partitions.to_vec(),
    };
    ListPartitionReassignmentsRequest {
        timeout_ms: 30_000,
        topics: topics.map(|topics| topics.iter().map(topic).collect()),
    }
}

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let name = run.topic("still");
    let mut scenario = Scenario::new("all").topic("still", 2, &[]);
    let cases: &[(&str, Topics<'_>)] = &[
        ("all", None),
        ("none", Some(&[])),
        ("a topic", Some(&[(&name, &[0])])),
        ("both", Some(&[(&name, &[0, 1])])),
        ("no partitions", Some(&[(&name, &[])])),
        ("an unknown partition", Some(&[(&name, &[7, -1])])),
        ("an unknown topic", Some(&[("unknown", &[0])])),
        ("an illegal topic", Some(&[("$#! ä", &[0])])),
        ("an empty name", Some(&[("", &[])])),
        ("a topic twice", Some(&[(&name, &[0]), (&name, &[0])])),
    ];
    for (label, topics) in cases {
        for timeout_ms in [30_000, 0, -1] {
            let request = ListPartitionReassignmentsRequest {
                timeout_ms,
                ..of(*topics)
            };
            let label = format!("{label}, {timeout_ms} ms");
            scenario = scenario.step(step!(label, list_partition_reassignments, 0, &request));
        }
    }
    let mut body = Vec::new();
    of(None).encode(&mut body, 0);
    vec![
        scenario,
        bytes(list_partition_reassignments::KEY, 0),
        Scenario::new("tags").steps(tagged(list_partition_reassignments::KEY, 0, &body)),
    ]
}
