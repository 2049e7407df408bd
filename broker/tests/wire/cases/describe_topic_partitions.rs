//! DescribeTopicPartitions: names, pages, cursors.

use protocol::messages::describe_topic_partitions::{
    self, DescribeTopicPartitionsRequest, DescribeTopicPartitionsRequestCursor,
    DescribeTopicPartitionsRequestTopic,
};

use super::admin_requests::{bytes, odd_topic_names, step};
use super::requests::tagged;
use crate::scenario::{Run, Scenario, Step};

type Request = DescribeTopicPartitionsRequest<'static>;

fn of(names: &[&str], limit: i32, cursor: Option<(&str, i32)>) -> Request {
    DescribeTopicPartitionsRequest {
        topics: names
            .iter()
            .map(|name| DescribeTopicPartitionsRequestTopic {
                name: (*name).to_owned().into(),
            })
            .collect(),
        response_partition_limit: limit,
        cursor: cursor.map(
            |(topic, partition_index)| DescribeTopicPartitionsRequestCursor {
                topic_name: topic.to_owned().into(),
                partition_index,
            },
        ),
    }
}

fn ask(label: impl Into<String>, request: &Request) -> Step {
    step!(label, describe_topic_partitions, 0, request)
}

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut body = Vec::new();
    of(&["unknown"], 10, None).encode(&mut body, 0);
    vec![
        names(run),
        pages(run),
        cursors(run),
        bytes(describe_topic_partitions::KEY, 0),
        Scenario::new("tags").steps(tagged(describe_topic_partitions::KEY, 0, &body)),
    ]
}

fn names(run: &Run) -> Scenario {
    let (a, b) = (run.topic("named-a"), run.topic("named-b"));
    let mut scenario = Scenario::new("names")
        .topic("named-a", 2, &[])
        .topic("named-b", 1, &[])
        .step(ask("one", &of(&[&a], 2000, None)))
        .step(ask("two", &of(&[&a, &b], 2000, None)))
        .step(ask("two, not in order", &of(&[&b, &a], 2000, None)))
        .step(ask("one twice", &of(&[&a, &a], 2000, None)))
        .step(ask(
            "an unknown one between",
            &of(&[&b, "unknown", &a], 2000, None),
        ))
        .step(ask("an unknown one twice", &of(&["x", "x"], 2000, None)));
    for (label, name) in &odd_topic_names() {
        scenario = scenario.step(ask(label, &of(&[name], 2000, None)));
    }
    scenario
}

fn pages(run: &Run) -> Scenario {
    let (a, b, c) = (
        run.topic("paged-a"),
        run.topic("paged-b"),
        run.topic("paged-c"),
    );
    let all = [a.as_str(), b.as_str(), c.as_str()];
    let mut scenario = Scenario::new("pages")
        .topic("paged-a", 3, &[])
        .topic("paged-b", 1, &[])
        .topic("paged-c", 2, &[]);
    for limit in [0, -1, i32::MIN, 1, 2, 3, 4, 5, 6, 7, 2000, 2001, i32::MAX] {
        scenario = scenario.step(ask(format!("at most {limit}"), &of(&all, limit, None)));
    }
    for limit in [1, 2, 3, 4] {
        for (name, partition) in [
            (&a, 1),
            (&a, 2),
            (&a, 3),
            (&b, 0),
            (&b, 1),
            (&c, 1),
            (&c, 9),
        ] {
            scenario = scenario.step(ask(
                format!("{limit} from {partition} of {}", &name[name.len() - 1..]),
                &of(&all, limit, Some((name, partition))),
            ));
        }
    }
    scenario
        .step(ask("unknown ones count", &of(&["A", &a, "zz"], 1, None)))
        .step(ask(
            "unknown ones behind the page",
            &of(&[&a, "zz"], 3, None),
        ))
        .step(ask(
            "unknown ones behind the page that is not full",
            &of(&[&a, "zz"], 4, None),
        ))
}

fn cursors(run: &Run) -> Scenario {
    let (a, b) = (run.topic("cursor-a"), run.topic("cursor-b"));
    Scenario::new("cursors")
        .topic("cursor-a", 2, &[])
        .topic("cursor-b", 2, &[])
        .step(ask("at the start", &of(&[&a, &b], 9, Some((&a, 0)))))
        .step(ask("at the second", &of(&[&a, &b], 9, Some((&b, 0)))))
        .step(ask("below 0", &of(&[&a, &b], 9, Some((&a, -1)))))
        .step(ask(
            "at a topic not asked for",
            &of(&[&a], 9, Some((&b, 0))),
        ))
        .step(ask("at a topic before all", &of(&[&a], 9, Some(("A", 0)))))
        .step(ask(
            "at an unknown topic that is asked for",
            &of(&[&a, "zz"], 9, Some(("zz", 0))),
        ))
        .step(ask(
            "below 0 at a topic not asked for",
            &of(&[&a], 9, Some((&b, -1))),
        ))
        .step(ask("at an empty name", &of(&[&a, ""], 9, Some(("", 0)))))
        .step(ask("beyond the end", &of(&[&a, &b], 9, Some((&b, 5)))))
        .step(ask("far beyond", &of(&[&a, &b], 9, Some((&b, i32::MAX)))))
}
