//! AlterConfigs: all settings of topics, brokers, groups and client metrics at once; what is not given is gone.

use protocol::messages::alter_configs::{self, AlterConfigsRequest};

use super::admin_requests::{
    BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC, all_of, alter as of, ask_alter as ask,
    bytes, describe, odd_topic_names,
};
use super::incremental_alter_configs::{BROKER_VALUES, VALUES};
use super::requests::tagged;
use crate::scenario::{Run, Scenario};

const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
const BEING_MADE: &[&str] = &["error_code=3 "];

type Configs<'a> = &'a [(&'a str, Option<&'a str>)];

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(topics(run, version));
        all.push(names(version));
        all.push(several(run, version));
        all.push(types(run, version));
        all.push(bytes(alter_configs::KEY, version));
    }
    all.push(values(run));
    all.push(brokers(run));
    all.push(broker_names(run));
    all.push(broker_values(run));
    all.push(others());
    let mut body = Vec::new();
    of(vec![]).encode(&mut body, 2);
    all.push(Scenario::new("tags").steps(tagged(alter_configs::KEY, 2, &body)));
    all
}

fn validated(request: &AlterConfigsRequest<'static>) -> AlterConfigsRequest<'static> {
    AlterConfigsRequest {
        validate_only: true,
        ..request.clone()
    }
}

fn topics(run: &Run, version: i16) -> Scenario {
    let topic = format!("set-v{version}");
    let name = run.topic(&topic);
    let keys = &[
        "retention.ms",
        "cleanup.policy",
        "segment.bytes",
        "max.message.bytes",
    ];
    let mut scenario = Scenario::new(format!("topics v{version}"))
        .topic(&topic, 1, &[("retention.ms", "1000")])
        .step(describe("before", TOPIC, &name, keys).settles(BEING_MADE));
    let cases: &[(&str, Configs<'_>)] = &[
        ("one", &[("retention.ms", Some("2000"))]),
        ("it again", &[("retention.ms", Some("2000"))]),
        ("another", &[("segment.bytes", Some("2000000"))]),
        (
            "two",
            &[
                ("retention.ms", Some("5000")),
                ("cleanup.policy", Some("compact")),
            ],
        ),
        (
            "a good one and a bad one",
            &[("retention.ms", Some("6000")), ("segment.bytes", Some("1"))],
        ),
        ("unknown", &[("no.such.config", Some("1"))]),
        ("an empty name", &[("", Some("1"))]),
        ("null", &[("retention.ms", None)]),
        (
            "two nulls",
            &[("retention.ms", None), ("segment.bytes", None)],
        ),
        (
            "twice",
            &[("retention.ms", Some("1")), ("retention.ms", Some("1"))],
        ),
        (
            "twice, null",
            &[("retention.ms", None), ("retention.ms", None)],
        ),
        ("of a broker", &[("log.retention.ms", Some("1"))]),
        ("nothing", &[]),
        ("nothing again", &[]),
    ];
    for (label, configs) in cases {
        let request = of(vec![all_of(TOPIC, &name, configs)]);
        scenario = scenario
            .step(ask(
                format!("{label}, validated"),
                version,
                &validated(&request),
            ))
            .step(ask(*label, version, &request))
            .step(describe(format!("{label}: now"), TOPIC, &name, keys));
    }
    scenario
}

fn names(version: i16) -> Scenario {
    let mut scenario = Scenario::new(format!("names v{version}"));
    let cases: &[(&str, Configs<'_>)] = &[
        ("good", &[("retention.ms", Some("1"))]),
        ("bad", &[("retention.ms", Some("x"))]),
        ("null", &[("retention.ms", None)]),
        ("nothing", &[]),
    ];
    for (of_name, name) in &odd_topic_names() {
        for (label, configs) in cases {
            let label = format!("{of_name}, {label}");
            let request = of(vec![all_of(TOPIC, name, configs)]);
            scenario = scenario.step(ask(label, version, &request));
        }
    }
    scenario
}

fn several(run: &Run, version: i16) -> Scenario {
    let topic = |text: &str| format!("several-v{version}-{text}");
    let (a, b) = (run.topic(&topic("a")), run.topic(&topic("b")));
    let node = run.node.to_string();
    let good = |name: &str| all_of(TOPIC, name, &[("retention.ms", Some("77"))]);
    let bad = |name: &str| all_of(TOPIC, name, &[("retention.ms", Some("x"))]);
    let mut scenario = Scenario::new(format!("several v{version}"))
        .topic(&topic("a"), 1, &[])
        .topic(&topic("b"), 1, &[]);
    let cases = vec![
        ("none", vec![]),
        ("two", vec![good(&a), good(&b)]),
        ("a bad one and a good one", vec![bad(&a), good(&b)]),
        (
            "a good one and an unknown one",
            vec![good(&a), good("unknown")],
        ),
        (
            "one name, two types",
            vec![
                all_of(TOPIC, &node, &[("retention.ms", Some("1"))]),
                all_of(BROKER, &node, &[]),
            ],
        ),
        (
            "an unknown type between",
            vec![good(&a), all_of(77, "x", &[]), good(&b)],
        ),
        (
            "all that can be wrong",
            vec![
                all_of(TOPIC, &a, &[("x", None)]),
                all_of(TOPIC, "", &[]),
                bad("unknown"),
                all_of(BROKER, "77", &[]),
                all_of(BROKER, "abc", &[]),
                good(&b),
            ],
        ),
    ];
    for (label, resources) in cases {
        let request = of(resources);
        scenario = scenario
            .step(ask(
                format!("{label}, validated"),
                version,
                &validated(&request),
            ))
            .step(ask(label, version, &request));
    }
    scenario
}

fn types(run: &Run, version: i16) -> Scenario {
    let node = run.node.to_string();
    let mut scenario = Scenario::new(format!("types v{version}"));
    for kind in [0, 1, 3, 5, 7, BROKER_LOGGER, 9, 15, 33, 64, 127, -1, -128] {
        for name in ["x", "", node.as_str()] {
            let all: [Configs<'_>; 3] = [&[], &[("x", Some("y"))], &[("x", None)]];
            for configs in all {
                let request = of(vec![all_of(kind, name, configs)]);
                let label = match name {
                    "x" | "" => format!("type {kind}, {name:?}, {configs:?}"),
                    _ => format!("type {kind}, the node, {configs:?}"),
                };
                scenario = scenario.step(ask(label, version, &request));
            }
        }
    }
    scenario
}

fn values(run: &Run) -> Scenario {
    let name = run.topic("values");
    let mut scenario = Scenario::new("values").topic("values", 1, &[]);
    for (key, values) in VALUES {
        for value in *values {
            let request = of(vec![all_of(TOPIC, &name, &[(key, Some(value))])]);
            scenario = scenario.step(ask(format!("{key}={value:?}"), 2, &request));
        }
    }
    scenario
}

fn brokers(run: &Run) -> Scenario {
    let node = run.node.to_string();
    let keys = &[
        "message.max.bytes",
        "log.retention.ms",
        "min.insync.replicas",
    ][..];
    let insync = ("min.insync.replicas", Some("1"));
    let mut scenario = Scenario::new("brokers");
    let cases: &[(&str, &str, Configs<'_>)] = &[
        (
            "all brokers",
            "",
            &[insync, ("message.max.bytes", Some("900000"))],
        ),
        (
            "one broker",
            &node,
            &[("message.max.bytes", Some("800000"))],
        ),
        (
            "one broker, another",
            &node,
            &[("log.retention.ms", Some("7"))],
        ),
        (
            "all brokers, another",
            "",
            &[insync, ("log.retention.ms", Some("8"))],
        ),
        (
            "all brokers, without what must stay",
            "",
            &[("log.retention.ms", Some("9"))],
        ),
        ("one broker, nothing", &node, &[]),
        ("one broker, what may not be", &node, &[insync]),
        ("all brokers, as at first", "", &[insync]),
    ];
    for (label, name, configs) in cases {
        let request = of(vec![all_of(BROKER, name, configs)]);
        scenario = scenario
            .step(ask(format!("{label}, validated"), 2, &validated(&request)))
            .step(ask(*label, 2, &request))
            .step(describe(format!("{label}: the node"), BROKER, &node, keys))
            .step(describe(format!("{label}: all"), BROKER, "", &[]));
    }
    scenario
}

fn broker_names(run: &Run) -> Scenario {
    let node = run.node.to_string();
    let mut scenario = Scenario::new("broker names");
    let cases: &[(&str, Configs<'_>)] = &[
        ("good", &[("message.max.bytes", Some("5000"))]),
        ("bad", &[("message.max.bytes", Some("x"))]),
        ("not dynamic", &[("num.partitions", Some("3"))]),
        ("null", &[("message.max.bytes", None)]),
        (
            "twice",
            &[
                ("message.max.bytes", Some("5")),
                ("message.max.bytes", Some("5")),
            ],
        ),
        ("nothing", &[]),
    ];
    for (shown, name) in [
        ("", ""),
        ("the node", node.as_str()),
        ("77", "77"),
        ("-1", "-1"),
        ("abc", "abc"),
        (" ", " "),
        ("too large", "99999999999"),
    ] {
        for (label, configs) in cases {
            let request = validated(&of(vec![all_of(BROKER, name, configs)]));
            scenario = scenario.step(ask(format!("{shown:?}, {label}"), 2, &request));
        }
    }
    scenario
}

fn broker_values(run: &Run) -> Scenario {
    let node = run.node.to_string();
    let mut scenario = Scenario::new("broker values");
    for (key, values) in BROKER_VALUES {
        for value in *values {
            for (label, name) in [("all", ""), ("node", node.as_str())] {
                let request = validated(&of(vec![all_of(BROKER, name, &[(key, Some(value))])]));
                let label = format!("{label}: {key}={value:?}");
                scenario = scenario.step(ask(label, 2, &request));
            }
        }
    }
    scenario
}

fn others() -> Scenario {
    let mut scenario = Scenario::new("groups and metrics");
    let cases: &[(&str, i8, &str, Configs<'_>)] = &[
        (
            "group",
            GROUP,
            "g",
            &[("consumer.session.timeout.ms", Some("50000"))],
        ),
        (
            "group, another",
            GROUP,
            "g",
            &[("share.auto.offset.reset", Some("earliest"))],
        ),
        (
            "group, wrong",
            GROUP,
            "g",
            &[("share.auto.offset.reset", Some("x"))],
        ),
        ("group, unknown", GROUP, "g", &[("x", Some("x"))]),
        ("group, no name", GROUP, "", &[]),
        ("group, nothing", GROUP, "g", &[]),
        (
            "metrics",
            CLIENT_METRICS,
            "m",
            &[("interval.ms", Some("1000"))],
        ),
        (
            "metrics, another",
            CLIENT_METRICS,
            "m",
            &[("metrics", Some("a,b"))],
        ),
        (
            "metrics, wrong",
            CLIENT_METRICS,
            "m",
            &[("interval.ms", Some("1"))],
        ),
        ("metrics, unknown", CLIENT_METRICS, "m", &[("x", Some("x"))]),
        ("metrics, no name", CLIENT_METRICS, "", &[]),
        ("metrics, nothing", CLIENT_METRICS, "m", &[]),
    ];
    for (label, kind, name, configs) in cases {
        let request = of(vec![all_of(*kind, name, configs)]);
        scenario = scenario
            .step(ask(format!("{label}, validated"), 2, &validated(&request)))
            .step(ask(*label, 2, &request))
            .step(describe(format!("{label}: the group"), GROUP, "g", &[]))
            .step(describe(
                format!("{label}: metrics"),
                CLIENT_METRICS,
                "m",
                &[],
            ));
    }
    scenario
}
