//! DescribeConfigs: of topics, brokers and what is neither; all settings or some; synonyms and documentation.

use protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsRequestResource,
};

use crate::scenario::{Run, Scenario, Step};

const DESCRIBE_CONFIGS: i16 = 32;
const VERSIONS: std::ops::RangeInclusive<i16> = 1..=4;
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
/// What Kafka says until its copy of the metadata has the topic.
const BEING_MADE: &[&str] = &["error_code=3 "];
/// Broker settings whose values do not depend on the machine.
const BROKER_SETTINGS: &[&str] = &[
    "auto.create.topics.enable",
    "compression.type",
    "connections.max.idle.ms",
    "default.replication.factor",
    "delete.topic.enable",
    "fetch.max.bytes",
    "log.cleaner.delete.retention.ms",
    "log.cleanup.policy",
    "log.flush.interval.messages",
    "log.flush.interval.ms",
    "log.index.interval.bytes",
    "log.message.timestamp.type",
    "log.retention.bytes",
    "log.retention.hours",
    "log.retention.minutes",
    "log.retention.ms",
    "log.roll.hours",
    "log.roll.ms",
    "log.segment.bytes",
    "max.incremental.fetch.session.cache.slots",
    "message.max.bytes",
    "min.insync.replicas",
    "num.partitions",
    "offset.metadata.max.bytes",
    "socket.request.max.bytes",
    "transaction.max.timeout.ms",
    "unclean.leader.election.enable",
];

type Resource = DescribeConfigsRequestResource<'static>;

fn resource(kind: i8, name: &str, keys: Option<&[&str]>) -> Resource {
    Resource {
        resource_type: kind,
        resource_name: name.to_owned().into(),
        configuration_keys: keys
            .map(|keys| keys.iter().map(|key| (*key).to_owned().into()).collect()),
    }
}

fn of(resources: Vec<Resource>) -> DescribeConfigsRequest<'static> {
    DescribeConfigsRequest {
        resources,
        ..DescribeConfigsRequest::default()
    }
}

fn ask(label: impl Into<String>, version: i16, request: &DescribeConfigsRequest<'_>) -> Step {
    let mut body = Vec::new();
    request.encode(&mut body, version);
    Step::ask(label, DESCRIBE_CONFIGS, version, &body)
}

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(topics(run, version));
        all.push(keys(run, version));
        all.push(brokers(run, version));
        all.push(other_types(run, version));
        all.push(several(run, version));
        all.push(bytes(version));
    }
    all
}

fn topics(run: &Run, version: i16) -> Scenario {
    let topic = |text: &str| format!("described-v{version}-{text}");
    let mut scenario = Scenario::new(format!("topics v{version}"))
        .topic(&topic("plain"), 1, &[])
        .topic(
            &topic("set"),
            1,
            &[
                ("retention.ms", "1000"),
                ("cleanup.policy", "compact, delete"),
                ("max.message.bytes", " 2000"),
                ("min.cleanable.dirty.ratio", "0.25"),
                ("compression.type", "lz4"),
                ("preallocate", "TRUE"),
            ],
        );
    for text in ["plain", "set"] {
        for (synonyms, documentation) in
            [(false, false), (true, false), (false, true), (true, true)]
        {
            let request = DescribeConfigsRequest {
                include_synonyms: synonyms,
                include_documentation: documentation,
                resources: vec![resource(TOPIC, &run.topic(&topic(text)), None)],
            };
            let label = format!("{text}, synonyms {synonyms}, documentation {documentation}");
            scenario = scenario.step(ask(label, version, &request).settles(BEING_MADE));
        }
    }
    for name in ["unknown", "", ".", "$#!", "ä", "__cluster_metadata"] {
        let request = of(vec![resource(TOPIC, name, None)]);
        scenario = scenario.step(ask(format!("{name:?}"), version, &request));
    }
    scenario
}

fn keys(run: &Run, version: i16) -> Scenario {
    let topic = format!("keys-v{version}");
    let name = run.topic(&topic);
    let mut scenario =
        Scenario::new(format!("keys v{version}")).topic(&topic, 1, &[("retention.ms", "77")]);
    let keys: [(&str, &[&str]); 9] = [
        ("none", &[]),
        ("one", &["retention.ms"]),
        ("one at its default", &["segment.bytes"]),
        ("two, not in order", &["retention.ms", "cleanup.policy"]),
        ("one twice", &["retention.ms", "retention.ms"]),
        ("unknown", &["no.such.config"]),
        ("one and an unknown", &["no.such.config", "retention.ms"]),
        ("empty", &[""]),
        ("of a broker", &["log.retention.ms"]),
    ];
    for (label, keys) in keys {
        for include_synonyms in [false, true] {
            let request = DescribeConfigsRequest {
                include_synonyms,
                ..of(vec![resource(TOPIC, &name, Some(keys))])
            };
            let label = format!("{label}, synonyms {include_synonyms}");
            scenario = scenario.step(ask(label, version, &request).settles(BEING_MADE));
        }
    }
    scenario
}

fn brokers(run: &Run, version: i16) -> Scenario {
    let node = run.node.to_string();
    let mut scenario = Scenario::new(format!("brokers v{version}"));
    for setting in BROKER_SETTINGS {
        for (synonyms, documentation) in [(true, false), (false, true)] {
            let request = DescribeConfigsRequest {
                include_synonyms: synonyms,
                include_documentation: documentation,
                resources: vec![resource(BROKER, &node, Some(&[setting]))],
            };
            let label = format!("{setting}, synonyms {synonyms}, documentation {documentation}");
            scenario = scenario.step(ask(label, version, &request));
        }
    }
    for (label, name) in [
        ("all brokers", ""),
        ("an unknown broker", "77"),
        ("a negative broker", "-1"),
        ("no number", "abc"),
        ("no number at the end", "1x"),
        ("a space", " "),
        ("too large a number", "99999999999"),
    ] {
        for keys in [
            None,
            Some(&["min.insync.replicas"][..]),
            Some(&["num.partitions"]),
        ] {
            let request = DescribeConfigsRequest {
                include_synonyms: true,
                ..of(vec![resource(BROKER, name, keys)])
            };
            let keys = keys.map_or("all", |keys| keys[0]);
            scenario = scenario.step(ask(format!("{label}, {keys}"), version, &request));
        }
    }
    for keys in [
        &["no.such.config"][..],
        &[""],
        &["num.partitions", "num.partitions"],
    ] {
        let request = of(vec![resource(BROKER, &node, Some(keys))]);
        scenario = scenario.step(ask(format!("the node, {keys:?}"), version, &request));
    }
    scenario
}

fn other_types(run: &Run, version: i16) -> Scenario {
    let node = run.node.to_string();
    let mut scenario = Scenario::new(format!("other types v{version}"));
    for kind in [0, 1, 3, 5, 7, 8, 16, 32, 33, 64, 127, -1, -128] {
        for name in ["x", "", "77", "$#! ä"] {
            for keys in [None, Some(&[][..]), Some(&["x"])] {
                let label = format!("type {kind}, {name:?}, {keys:?}");
                let request = of(vec![resource(kind, name, keys)]);
                scenario = scenario.step(ask(label, version, &request));
            }
        }
    }
    for (kind, keys) in [
        (16, None),
        (16, Some(&["match", "interval.ms"][..])),
        (32, None),
        (32, Some(&["consumer.session.timeout.ms", "x"])),
    ] {
        let request = DescribeConfigsRequest {
            include_synonyms: true,
            include_documentation: true,
            resources: vec![resource(kind, "x", keys)],
        };
        let label = format!("type {kind}, {keys:?}, with all");
        scenario = scenario.step(ask(label, version, &request));
    }
    for keys in [&["root"][..], &["x"]] {
        let request = DescribeConfigsRequest {
            include_synonyms: true,
            include_documentation: true,
            resources: vec![resource(8, &node, Some(keys))],
        };
        scenario = scenario.step(ask(format!("loggers {keys:?}"), version, &request));
    }
    scenario
}

fn several(run: &Run, version: i16) -> Scenario {
    let topic = format!("several-v{version}");
    let name = run.topic(&topic);
    let node = run.node.to_string();
    let one = &["retention.ms"][..];
    let known = resource(TOPIC, &name, Some(one));
    Scenario::new(format!("several v{version}"))
        .topic(&topic, 1, &[])
        .step(ask("none", version, &of(vec![])))
        .step(ask("one", version, &of(vec![known.clone()])).settles(BEING_MADE))
        .step(ask(
            "the same twice",
            version,
            &of(vec![known.clone(), known.clone()]),
        ))
        .step(ask(
            "the same twice, other keys",
            version,
            &of(vec![
                known.clone(),
                resource(TOPIC, &name, Some(&["segment.ms"])),
            ]),
        ))
        .step(ask(
            "a known and an unknown",
            version,
            &of(vec![resource(TOPIC, "unknown", Some(one)), known.clone()]),
        ))
        .step(ask(
            "a topic and a broker",
            version,
            &of(vec![
                known.clone(),
                resource(BROKER, &node, Some(&["num.partitions"])),
            ]),
        ))
        .step(ask(
            "a topic and an unknown type",
            version,
            &of(vec![resource(77, "x", None), known.clone()]),
        ))
        .step(ask(
            "a topic, a group and metrics",
            version,
            &of(vec![
                known,
                resource(32, "g", Some(&["share.session.timeout.ms"])),
                resource(16, "m", Some(&["match"])),
            ]),
        ))
}

fn bytes(version: i16) -> Scenario {
    let raw = |label: &str, body: &[u8]| Step::ask(label, DESCRIBE_CONFIGS, version, body);
    Scenario::new(format!("bytes v{version}"))
        .step(raw("nothing", &[]))
        .step(raw("zeros", &[0; 16]))
        .step(raw("0xff", &[0xff; 16]))
        .step(raw("null resources", &[0xff, 0xff, 0xff, 0xff, 0, 0]))
        .step(raw(
            "a null name",
            &[0, 0, 0, 1, 2, 0xff, 0xff, 0, 0, 0, 0, 0, 0],
        ))
        .step(raw(
            "null keys",
            &[0, 0, 0, 1, 2, 0, 1, b'x', 0xff, 0xff, 0xff, 0xff, 0, 0],
        ))
        .step(raw(
            "a null key",
            &[0, 0, 0, 1, 2, 0, 1, b'x', 0, 0, 0, 1, 0xff, 0xff, 0, 0],
        ))
}
