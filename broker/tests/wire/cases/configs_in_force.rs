//! What settings that were changed do: to records that are produced, in topics old and new, with partitions old and new.

use super::admin_requests::{
    BROKER, DELETE, SET, TOPIC, ask_change, ask_create_partitions, change, changed,
    create_partitions, grown,
};
use super::requests::{fetch_all, produce_body};
use crate::batch::Batch;
use crate::scenario::{Run, Scenario, Step};

/// What Kafka says until new partitions are led.
const BEING_MADE: &[&str] = &["error_code=3 ", "error_code=6 "];

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    vec![
        of_topics(run),
        of_brokers(run),
        of_one_broker(run),
        of_policies(run),
        of_new_partitions(run),
    ]
}

fn set(label: &str, kind: i8, name: &str, changes: &[(&str, i8, Option<&str>)]) -> Step {
    ask_change(label, 1, &change(vec![changed(kind, name, changes)]))
}

/// A Produce of one record of so many bytes.
fn bytes(run: &Run, label: &str, topic: &str, partition: i32, bytes: usize) -> Step {
    let value = vec![b'v'; bytes];
    let batch = Batch::holding(run.time, &[(0, Some(b"k"), Some(&value))]).bytes();
    let body = produce_body(run, 7, -1, None, &[(topic, &[(partition, Some(&batch))])]);
    Step::ask(label, super::requests::PRODUCE, 7, &body)
        .later()
        .settles(BEING_MADE)
}

fn of_topics(run: &Run) -> Scenario {
    let name = run.topic("bounded");
    Scenario::new("topics")
        .topic("bounded", 1, &[])
        .step(bytes(run, "before", "bounded", 0, 1000))
        .step(set(
            "less",
            TOPIC,
            &name,
            &[("max.message.bytes", SET, Some("500"))],
        ))
        .step(bytes(run, "too large", "bounded", 0, 1000))
        .step(bytes(run, "small enough", "bounded", 0, 100))
        .step(set(
            "as before",
            TOPIC,
            &name,
            &[("max.message.bytes", DELETE, None)],
        ))
        .step(bytes(run, "not too large any more", "bounded", 0, 1000))
        .step(set(
            "stamps",
            TOPIC,
            &name,
            &[("message.timestamp.type", SET, Some("LogAppendTime"))],
        ))
        .step(bytes(run, "stamped", "bounded", 0, 10))
        .step(fetch_all(run, "all", 11, "bounded", 0))
}

fn of_brokers(run: &Run) -> Scenario {
    let own = run.topic("own");
    Scenario::new("brokers")
        .topic("own", 1, &[("max.message.bytes", "5000")])
        .topic("default", 1, &[])
        .step(set(
            "less",
            BROKER,
            "",
            &[("message.max.bytes", SET, Some("500"))],
        ))
        .step(bytes(run, "too large", "default", 0, 1000))
        .step(bytes(run, "small enough", "default", 0, 100))
        .step(bytes(run, "a topic with its own", "own", 0, 1000))
        .step(set(
            "without its own",
            TOPIC,
            &own,
            &[("max.message.bytes", DELETE, None)],
        ))
        .step(bytes(run, "too large there too", "own", 0, 1000))
        .step(set(
            "as before",
            BROKER,
            "",
            &[("message.max.bytes", DELETE, None)],
        ))
        .step(bytes(run, "not too large any more", "default", 0, 1000))
        .step(bytes(run, "nor there", "own", 0, 1000))
}

fn of_one_broker(run: &Run) -> Scenario {
    let node = run.node.to_string();
    Scenario::new("one broker")
        .topic("nodes", 1, &[])
        .step(set(
            "less for all",
            BROKER,
            "",
            &[("message.max.bytes", SET, Some("500"))],
        ))
        .step(set(
            "more for one",
            BROKER,
            &node,
            &[("message.max.bytes", SET, Some("2000"))],
        ))
        .step(bytes(run, "small enough for the one", "nodes", 0, 1000))
        .step(bytes(run, "too large for it", "nodes", 0, 3000))
        .step(set(
            "as all",
            BROKER,
            &node,
            &[("message.max.bytes", DELETE, None)],
        ))
        .step(bytes(run, "too large for all", "nodes", 0, 1000))
        .step(set(
            "as before",
            BROKER,
            "",
            &[("message.max.bytes", DELETE, None)],
        ))
        .step(bytes(run, "not too large any more", "nodes", 0, 1000))
}

fn of_policies(run: &Run) -> Scenario {
    let name = run.topic("policies");
    let keyless = Batch::holding(run.time, &[(0, None, Some(b"v"))]).bytes();
    let produced = |label: &str| {
        let body = produce_body(run, 8, -1, None, &[("policies", &[(0, Some(&keyless))])]);
        Step::ask(label, super::requests::PRODUCE, 8, &body).later()
    };
    Scenario::new("policies")
        .topic("policies", 1, &[])
        .step(produced("without a key"))
        .step(set(
            "compact",
            TOPIC,
            &name,
            &[("cleanup.policy", SET, Some("compact"))],
        ))
        .step(produced("without a key, compacted"))
        .step(set(
            "as before",
            TOPIC,
            &name,
            &[("cleanup.policy", DELETE, None)],
        ))
        .step(produced("without a key again"))
}

fn of_new_partitions(run: &Run) -> Scenario {
    let name = run.topic("more");
    Scenario::new("new partitions")
        .topic("more", 1, &[])
        .step(set(
            "less",
            TOPIC,
            &name,
            &[("max.message.bytes", SET, Some("500"))],
        ))
        .step(ask_create_partitions(
            "grows",
            3,
            &create_partitions(vec![grown(&name, 3, None)]),
        ))
        .step(bytes(run, "too large", "more", 2, 1000))
        .step(bytes(run, "small enough", "more", 2, 100))
}
