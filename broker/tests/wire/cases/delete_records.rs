//! DeleteRecords: offsets in and out of a partition, policies, topics and partitions that are not there, several at once.

use protocol::messages::delete_records::{self, DeleteRecordsRequest};

use super::admin_requests::{
    ask_delete_records as ask, bytes, delete_records as of, odd_topic_names,
};
use super::requests::{at, fetch, fetch_request, from, offsets, offsets_request, produce, tagged};
use crate::batch::Batch;
use crate::scenario::{Run, Scenario, Step};

const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(records(run, version));
        all.push(names(run, version));
        all.push(several(run, version));
        all.push(times(run, version));
        all.push(bytes(delete_records::KEY, version));
    }
    all.push(policies(run));
    all.push(readers(run));
    all.push(tags());
    all
}

/// Three batches of four records each.
fn filled(run: &Run, topic: &str) -> Vec<Step> {
    let batch = Batch::of(run.time, 4).bytes();
    let step = |number| produce(run, format!("fill {topic} {number}"), 7, topic, &batch).prepares();
    (0..3).map(step).collect()
}

fn records(run: &Run, version: i16) -> Scenario {
    let topic = format!("cut-v{version}");
    let name = run.topic(&topic);
    let start = offsets_request(run, &[(&topic, &[at(0, -2)])]);
    let end = offsets_request(run, &[(&topic, &[at(0, -1)])]);
    let mut scenario = Scenario::new(format!("records v{version}"))
        .topic(&topic, 1, &[])
        .step(ask("0 of nothing", version, &of(&[(&name, &[(0, 0)])])))
        .step(ask("all of nothing", version, &of(&[(&name, &[(0, -1)])])))
        .step(ask("1 of nothing", version, &of(&[(&name, &[(0, 1)])])))
        .steps(filled(run, &topic));
    for (number, offset) in (0..).zip([0, 13, i64::MAX, -2, i64::MIN, 1, 4, 5, 3, 0, 8]) {
        let request = of(&[(&name, &[(0, offset)])]);
        scenario = scenario
            .step(ask(format!("{number}: to {offset}"), version, &request))
            .step(offsets(format!("{number}: start"), 4, &start));
    }
    scenario
        .step(ask("all", version, &of(&[(&name, &[(0, -1)])])))
        .step(offsets("start at last", 4, &start))
        .step(offsets("end at last", 4, &end))
        .step(ask("all again", version, &of(&[(&name, &[(0, -1)])])))
        .step(ask("beyond", version, &of(&[(&name, &[(0, 13)])])))
}

fn names(run: &Run, version: i16) -> Scenario {
    let topic = format!("there-v{version}");
    let name = run.topic(&topic);
    let mut scenario = Scenario::new(format!("names v{version}")).topic(&topic, 2, &[]);
    for (label, name) in &odd_topic_names() {
        scenario = scenario
            .step(ask(label.clone(), version, &of(&[(name, &[(0, 0)])])))
            .step(ask(
                format!("{label}, no partitions"),
                version,
                &of(&[(name, &[])]),
            ));
    }
    for partition in [2, -1, i32::MAX, i32::MIN] {
        scenario = scenario.step(ask(
            format!("partition {partition}"),
            version,
            &of(&[(&name, &[(partition, 0)])]),
        ));
    }
    scenario
        .step(ask("no partitions", version, &of(&[(&name, &[])])))
        .step(ask("no topics", version, &of(&[])))
}

fn several(run: &Run, version: i16) -> Scenario {
    let topic = |text: &str| format!("several-v{version}-{text}");
    let (a, b) = (run.topic(&topic("a")), run.topic(&topic("b")));
    Scenario::new(format!("several v{version}"))
        .topic(&topic("a"), 2, &[])
        .topic(&topic("b"), 2, &[])
        .steps(filled(run, &topic("a")))
        .steps(filled(run, &topic("b")))
        .step(ask(
            "two partitions",
            version,
            &of(&[(&a, &[(0, 1), (1, 0)])]),
        ))
        .step(ask(
            "a good one and wrong ones",
            version,
            &of(&[(&a, &[(0, 2), (1, 5), (9, 0), (-1, 0)])]),
        ))
        .step(ask(
            "two topics",
            version,
            &of(&[(&a, &[(0, 3)]), (&b, &[(0, 2)])]),
        ))
        .step(ask(
            "a topic and an unknown one",
            version,
            &of(&[("unknown", &[(0, 0), (1, 0)]), (&b, &[(0, 3), (1, -1)])]),
        ))
        .step(ask(
            "a partition twice",
            version,
            &of(&[(&a, &[(0, 4), (0, 4)])]),
        ))
        .step(ask(
            "a partition twice, other offsets",
            version,
            &of(&[(&a, &[(0, 6), (0, 5)])]),
        ))
        .step(ask(
            "a partition twice, the second wrong",
            version,
            &of(&[(&a, &[(0, 7), (0, 99)])]),
        ))
        .step(ask(
            "a topic twice",
            version,
            &of(&[(&a, &[(0, 8)]), (&a, &[(1, 0)])]),
        ))
        .step(ask(
            "a topic and a partition twice",
            version,
            &of(&[(&a, &[(0, 9)]), (&a, &[(0, 10)])]),
        ))
        .step(ask(
            "an unknown topic twice",
            version,
            &of(&[("unknown", &[(0, 0)]), ("unknown", &[(0, 0), (1, 1)])]),
        ))
        .step(offsets(
            "starts",
            4,
            &offsets_request(
                run,
                &[
                    (&topic("a"), &[at(0, -2), at(1, -2)]),
                    (&topic("b"), &[at(0, -2), at(1, -2)]),
                ],
            ),
        ))
}

fn times(run: &Run, version: i16) -> Scenario {
    let topic = format!("times-v{version}");
    let name = run.topic(&topic);
    let mut scenario = Scenario::new(format!("times v{version}"))
        .topic(&topic, 1, &[])
        .steps(filled(run, &topic));
    for (offset, timeout_ms) in (1..).zip([0, -1, i32::MIN, 1, i32::MAX]) {
        let timed = |topics| DeleteRecordsRequest {
            timeout_ms,
            ..of(topics)
        };
        scenario = scenario
            .step(ask(
                format!("{timeout_ms} ms"),
                version,
                &timed(&[(&name, &[(0, offset)])]),
            ))
            .step(ask(
                format!("an unknown one, {timeout_ms} ms"),
                version,
                &timed(&[("unknown", &[(0, 0)])]),
            ));
    }
    scenario
}

fn policies(run: &Run) -> Scenario {
    let mut scenario = Scenario::new("policies");
    for (topic, policy) in [
        ("policy-delete", "delete"),
        ("policy-compact", "compact"),
        ("policy-both", "compact,delete"),
        ("policy-none", ""),
    ] {
        let name = run.topic(topic);
        scenario = scenario.topic(topic, 1, &[("cleanup.policy", policy)]);
        for offset in [0, -1, 1, -2] {
            scenario = scenario.step(ask(
                format!("{topic} to {offset}"),
                2,
                &of(&[(&name, &[(0, offset)])]),
            ));
        }
        scenario = scenario.step(ask(
            format!("{topic}, a partition that is not there"),
            2,
            &of(&[(&name, &[(7, 0)])]),
        ));
    }
    scenario
}

/// What readers find afterwards.
fn readers(run: &Run) -> Scenario {
    let name = run.topic("readers");
    let read = |label: &str, offset| {
        let request = fetch_request(run, &[("readers", &[from(0, offset)])]);
        fetch(label, 11, &request)
    };
    Scenario::new("readers")
        .topic("readers", 1, &[])
        .steps(filled(run, "readers"))
        .step(read("from 0, before", 0))
        .step(ask("to 6", 2, &of(&[(&name, &[(0, 6)])])))
        .step(read("from 0", 0))
        .step(read("from 5", 5))
        .step(read("from 6", 6))
        .step(read("from 8", 8))
        .step(offsets(
            "by time",
            4,
            &offsets_request(
                run,
                &[("readers", &[at(0, run.time), at(0, -2), at(0, -1)])],
            ),
        ))
        .step(produce(
            run,
            "produce",
            7,
            "readers",
            &Batch::of(run.time, 1).bytes(),
        ))
        .step(ask("all", 2, &of(&[(&name, &[(0, -1)])])))
        .step(read("from 12", 12))
        .step(read("from 13", 13))
        .step(read("from 14", 14))
}

fn tags() -> Scenario {
    let mut body = Vec::new();
    of(&[("unknown", &[(0, 0)])]).encode(&mut body, 2);
    Scenario::new("tags").steps(tagged(delete_records::KEY, 2, &body))
}
