//! CreatePartitions: more, as many, fewer; assignments; topics that are not there; several at once.

use protocol::messages::create_partitions::{self, CreatePartitionsRequest};

use super::admin_requests::{
    ask_create_partitions as ask, bytes, create_partitions as of, grown, look, odd_topic_names,
};
use super::requests::{at, offsets, offsets_request, produce, tagged};
use crate::batch::Batch;
use crate::scenario::{Run, Scenario};

const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
/// What Kafka says until the new partitions are there and led.
const BEING_MADE: &[&str] = &["error_code=3 ", "error_code=5 ", "error_code=6 "];

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(counts(run, version));
        all.push(names(version));
        all.push(assignments(run, version));
        all.push(several(run, version));
        all.push(times(run, version));
        all.push(bytes(create_partitions::KEY, version));
    }
    all.push(used(run));
    all.push(which_error_wins(run));
    all.push(tags());
    all
}

fn counts(run: &Run, version: i16) -> Scenario {
    let topic = format!("grows-v{version}");
    let name = run.topic(&topic);
    let mut scenario = Scenario::new(format!("counts v{version}")).topic(&topic, 2, &[]);
    for count in [2, 1, 0, -1, i32::MIN] {
        scenario = scenario.step(ask(
            format!("{count} of 2"),
            version,
            &of(vec![grown(&name, count, None)]),
        ));
    }
    let validated = |count| CreatePartitionsRequest {
        validate_only: true,
        ..of(vec![grown(&name, count, None)])
    };
    scenario
        .step(ask("4, validated", version, &validated(4)))
        .step(ask("2, validated", version, &validated(2)))
        .step(look("as before", &[&name]))
        .step(ask("4", version, &of(vec![grown(&name, 4, None)])))
        .step(ask("4 again", version, &of(vec![grown(&name, 4, None)])))
        .step(ask("3", version, &of(vec![grown(&name, 3, None)])))
        .step(ask("9", version, &of(vec![grown(&name, 9, None)])))
        .step(ask("no topics", version, &of(vec![])))
}

fn names(version: i16) -> Scenario {
    let mut scenario = Scenario::new(format!("names v{version}"));
    for (label, name) in &odd_topic_names() {
        scenario = scenario
            .step(ask(label.clone(), version, &of(vec![grown(name, 3, None)])))
            .step(ask(
                format!("{label}, no number"),
                version,
                &of(vec![grown(name, -1, None)]),
            ));
    }
    scenario
}

fn assignments(run: &Run, version: i16) -> Scenario {
    let topic = format!("assigned-v{version}");
    let name = run.topic(&topic);
    let node = run.node;
    let cases: &[(&str, i32, &[&[i32]])] = &[
        ("none for one", 2, &[]),
        ("one for two", 3, &[&[node]]),
        ("two for one", 2, &[&[node], &[node]]),
        ("an empty one", 2, &[&[]]),
        ("an unknown node", 2, &[&[77]]),
        ("no node", 2, &[&[-1]]),
        ("a node twice", 2, &[&[node, node]]),
        ("a node and an unknown one", 2, &[&[node, 77]]),
        ("two unknown ones", 2, &[&[77, 78]]),
        ("an unknown one twice", 2, &[&[77, 77]]),
        ("a good one and an empty one", 3, &[&[node], &[]]),
        ("a good one and one of two", 3, &[&[node], &[node, 77]]),
        ("some for none", 1, &[&[node]]),
        ("none for none", 1, &[]),
        ("some for fewer", 0, &[&[node]]),
    ];
    let mut scenario = Scenario::new(format!("assignments v{version}")).topic(&topic, 1, &[]);
    for (label, count, assignments) in cases {
        let request = of(vec![grown(&name, *count, Some(assignments))]);
        scenario = scenario.step(ask(*label, version, &request));
    }
    scenario
        .step(ask(
            "two good ones, validated",
            version,
            &CreatePartitionsRequest {
                validate_only: true,
                ..of(vec![grown(&name, 3, Some(&[&[node], &[node]]))])
            },
        ))
        .step(ask(
            "two good ones",
            version,
            &of(vec![grown(&name, 3, Some(&[&[node], &[node]]))]),
        ))
        .step(ask(
            "the same again",
            version,
            &of(vec![grown(&name, 3, Some(&[&[node], &[node]]))]),
        ))
        .step(ask(
            "of an unknown topic",
            version,
            &of(vec![grown("unknown", 3, Some(&[&[node]]))]),
        ))
}

fn several(run: &Run, version: i16) -> Scenario {
    let topic = |text: &str| format!("several-v{version}-{text}");
    let (a, b, c) = (
        run.topic(&topic("a")),
        run.topic(&topic("b")),
        run.topic(&topic("c")),
    );
    let mut scenario = Scenario::new(format!("several v{version}"));
    for text in ["a", "b", "c"] {
        scenario = scenario.topic(&topic(text), 1, &[]);
    }
    let asks: Vec<(&str, Vec<_>)> = vec![
        ("twice", vec![grown(&a, 2, None), grown(&a, 2, None)]),
        (
            "twice, other counts",
            vec![grown(&a, 2, None), grown(&a, 3, None)],
        ),
        (
            "thrice",
            vec![grown(&a, 2, None), grown(&a, 2, None), grown(&a, 2, None)],
        ),
        (
            "twice beside another",
            vec![grown(&a, 2, None), grown(&b, 2, None), grown(&a, 2, None)],
        ),
        (
            "an unknown one twice",
            vec![grown("unknown", 2, None), grown("unknown", 2, None)],
        ),
        (
            "a good one and an unknown one",
            vec![grown(&c, 2, None), grown("unknown", 2, None)],
        ),
        (
            "an unknown one and a good one",
            vec![grown("unknown", 2, None), grown(&c, 3, None)],
        ),
        (
            "two good ones",
            vec![grown(&a, 5, None), grown(&c, 5, None)],
        ),
        (
            "all that can be wrong",
            vec![
                grown(&a, 0, None),
                grown(&b, 2, None),
                grown(&c, 9, Some(&[&[1]])),
                grown("", 1, None),
            ],
        ),
    ];
    for (label, topics) in asks {
        scenario = scenario.step(ask(label, version, &of(topics)));
    }
    scenario.step(look("looked at", &[&a, &b, &c]).settles(BEING_MADE))
}

fn times(run: &Run, version: i16) -> Scenario {
    let topic = |text: &str| format!("times-v{version}-{text}");
    let mut scenario = Scenario::new(format!("times v{version}"));
    for timeout_ms in [0, -1, i32::MIN, 1000, i32::MAX] {
        let text = timeout_ms.to_string();
        let name = run.topic(&topic(&text));
        let timed = |topics| CreatePartitionsRequest {
            timeout_ms,
            ..of(topics)
        };
        scenario = scenario
            .topic(&topic(&text), 1, &[])
            .step(ask(
                format!("an unknown one, {timeout_ms} ms"),
                version,
                &timed(vec![grown("unknown", 2, None)]),
            ))
            .step(ask(
                format!("no topics, {timeout_ms} ms"),
                version,
                &timed(vec![]),
            ))
            .step(ask(
                format!("twice, {timeout_ms} ms"),
                version,
                &timed(vec![grown(&name, 2, None), grown(&name, 2, None)]),
            ))
            .step(ask(
                format!("twice beside another, {timeout_ms} ms"),
                version,
                &timed(vec![
                    grown(&name, 2, None),
                    grown(&name, 2, None),
                    grown("unknown", 2, None),
                ]),
            ))
            .step(ask(
                format!("validated, {timeout_ms} ms"),
                version,
                &CreatePartitionsRequest {
                    validate_only: true,
                    ..timed(vec![grown(&name, 2, None)])
                },
            ));
    }
    scenario
}

/// The new partitions take records, the old ones keep theirs.
fn used(run: &Run) -> Scenario {
    let name = run.topic("used");
    let records = Batch::of(run.time, 2).bytes();
    let ends = offsets_request(
        run,
        &[("used", &[at(0, -1), at(1, -1), at(2, -1), at(3, -1)])],
    );
    Scenario::new("used")
        .topic("used", 1, &[])
        .step(produce(run, "before", 7, "used", &records).prepares())
        .step(ask("grows", 3, &of(vec![grown(&name, 3, None)])))
        .step(look("looked at", &[&name]).settles(BEING_MADE))
        .step(offsets("ends", 4, &ends).settles(&["error_code=6 "]))
        .step(produce(run, "after", 7, "used", &records))
        .step(offsets("ends afterwards", 4, &ends).settles(&["error_code=6 "]))
}

fn which_error_wins(run: &Run) -> Scenario {
    let name = run.topic("wins");
    Scenario::new("which error wins")
        .topic("wins", 2, &[])
        .step(ask(
            "as many, wrong assignments",
            3,
            &of(vec![grown(&name, 2, Some(&[&[], &[77]]))]),
        ))
        .step(ask(
            "fewer, wrong assignments",
            3,
            &of(vec![grown(&name, 1, Some(&[&[]]))]),
        ))
        .step(ask(
            "wrong number, wrong nodes",
            3,
            &of(vec![grown(&name, 4, Some(&[&[77]]))]),
        ))
        .step(ask(
            "an empty one, an unknown one",
            3,
            &of(vec![grown(&name, 4, Some(&[&[], &[77]]))]),
        ))
}

fn tags() -> Scenario {
    let mut body = Vec::new();
    of(vec![grown("unknown", 2, None)]).encode(&mut body, 3);
    Scenario::new("tags").steps(tagged(create_partitions::KEY, 3, &body))
}
