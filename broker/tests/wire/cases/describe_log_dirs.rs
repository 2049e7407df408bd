//! DescribeLogDirs: all topics, some, none, unknown ones; what partitions take.

use protocol::messages::describe_log_dirs::{
    self, DescribeLogDirsRequest, DescribeLogDirsRequestTopic,
};

use super::admin_requests::{ask_delete_records, delete_records, step};
use super::requests::{produce, tagged};
use crate::batch::Batch;
use crate::scenario::{Run, Scenario, Step};

const VERSIONS: std::ops::RangeInclusive<i16> = 1..=5;

fn ask(label: impl Into<String>, version: i16, topics: Option<&[(&str, &[i32])]>) -> Step {
    let topic = |(name, partitions): &(&str, &[i32])| DescribeLogDirsRequestTopic {
        topic: (*name).to_owned().into(),
        partitions: partitions.to_vec(),
    };
    let request = DescribeLogDirsRequest {
        topics: topics.map(|topics| topics.iter().map(topic).collect()),
    };
    step!(label, describe_log_dirs, version, &request)
}

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(topics(run, version));
        let mut body = Vec::new();
        DescribeLogDirsRequest {
            topics: Some(vec![]),
        }
        .encode(&mut body, version);
        let tags = tagged(describe_log_dirs::KEY, version, &body);
        all.push(Scenario::new(format!("tags v{version}")).steps(tags));
    }
    all
}

fn topics(run: &Run, version: i16) -> Scenario {
    let topic = |text: &str| format!("dirs-v{version}-{text}");
    let like = format!("dirs-v{version}");
    let (a, b) = (run.topic(&topic("a")), run.topic(&topic("b")));
    Scenario::new(format!("topics v{version}"))
        .topic(&topic("a"), 2, &[])
        .topic(&topic("b"), 1, &[])
        .step(ask("nothing in it", version, Some(&[(&a, &[0, 1])])))
        .step(produce(run, "one", 7, &topic("a"), &Batch::of(run.time, 1).bytes()).prepares())
        .step(produce(run, "nine", 7, &topic("a"), &Batch::of(run.time, 9).bytes()).prepares())
        .step(produce(run, "two", 7, &topic("b"), &Batch::of(run.time, 2).bytes()).prepares())
        .step(ask("all", version, None).topics_like(&like).in_any_order())
        .step(ask("no topics", version, Some(&[])))
        .step(ask("one", version, Some(&[(&a, &[0])])))
        .step(ask("both", version, Some(&[(&a, &[0, 1])])).in_any_order())
        .step(ask("both, twice", version, Some(&[(&a, &[0, 1, 0, 1])])).in_any_order())
        .step(ask("two topics", version, Some(&[(&b, &[0]), (&a, &[1])])).in_any_order())
        .step(ask("a topic twice", version, Some(&[(&a, &[1]), (&a, &[0])])).in_any_order())
        .step(ask("no partitions", version, Some(&[(&a, &[])])))
        .step(ask(
            "an unknown partition",
            version,
            Some(&[(&a, &[7, -1])]),
        ))
        .step(ask(
            "an unknown and a known",
            version,
            Some(&[(&a, &[7, 0])]),
        ))
        .step(ask("an unknown topic", version, Some(&[("unknown", &[0])])))
        .step(ask("an illegal topic", version, Some(&[("$#! ä", &[0])])))
        .step(ask("an empty name", version, Some(&[("", &[0])])))
        .step(ask(
            "an unknown topic and a known",
            version,
            Some(&[("unknown", &[0]), (&b, &[0])]),
        ))
        .step(ask_delete_records("less", 2, &delete_records(&[(&a, &[(0, 4)])])).prepares())
        .step(ask("one, less", version, Some(&[(&a, &[0])])))
}
