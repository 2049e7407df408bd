//! DescribeQuorum: of what is no metadata log. How far that log is, every broker says for itself.

use protocol::messages::describe_quorum::{
    self, DescribeQuorumRequest, DescribeQuorumRequestTopic, DescribeQuorumRequestTopicPartition,
};

use super::admin_requests::{bytes, step};
use crate::scenario::{Run, Scenario};

const METADATA: &str = "__cluster_metadata";

type Topic<'a> = (&'a str, &'a [i32]);

fn of(topics: &[Topic<'_>]) -> DescribeQuorumRequest<'static> {
    let partition = |partition_index| DescribeQuorumRequestTopicPartition { partition_index };
    let topic = |(name, partitions): &Topic<'_>| DescribeQuorumRequestTopic {
        topic_name: (*name).to_owned().into(),
        partitions: partitions.iter().copied().map(partition).collect(),
    };
    DescribeQuorumRequest {
        topics: topics.iter().map(topic).collect(),
    }
}

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    (0..=2)
        .flat_map(|version| {
            let topic = format!("quorum-v{version}");
            let name = run.topic(&topic);
            let cases: &[(&str, &[Topic<'_>])] = &[
                ("nothing", &[]),
                ("a topic without partitions", &[(&name, &[])]),
                ("a topic", &[(&name, &[0, 1])]),
                ("an unknown topic", &[("unknown", &[0])]),
                ("no partition of the metadata", &[(METADATA, &[])]),
                ("another partition of the metadata", &[(METADATA, &[1])]),
                ("two partitions of the metadata", &[(METADATA, &[0, 1])]),
                ("its partition twice", &[(METADATA, &[0, 0])]),
                ("the metadata twice", &[(METADATA, &[0]), (METADATA, &[0])]),
                (
                    "the metadata and a topic",
                    &[(METADATA, &[0]), (&name, &[0])],
                ),
                ("a negative partition", &[(METADATA, &[-1])]),
                ("an empty name", &[("", &[0])]),
            ];
            let mut scenario = Scenario::new(format!("topics v{version}")).topic(&topic, 2, &[]);
            for (label, topics) in cases {
                let request = of(topics);
                scenario = scenario.step(step!(
                    (*label).to_owned(),
                    describe_quorum,
                    version,
                    &request
                ));
            }
            [scenario, bytes(describe_quorum::KEY, version)]
        })
        .collect()
}
