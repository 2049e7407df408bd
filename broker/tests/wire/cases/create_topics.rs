//! CreateTopics: names, counts, assignments, settings, several topics at once.

use protocol::messages::create_topics::{
    CreateTopicsRequest, CreateTopicsRequestTopic, CreateTopicsRequestTopicAssignment,
    CreateTopicsRequestTopicConfig,
};
use protocol::messages::metadata::MetadataRequest;

use super::metadata::{self, BEING_MADE};
use crate::scenario::{Run, Scenario, Step};

const CREATE_TOPICS: i16 = 19;
const VERSIONS: std::ops::RangeInclusive<i16> = 2..=7;
const TIMEOUT_MS: i32 = 30_000;

type Topic = CreateTopicsRequestTopic<'static>;

fn topic(name: &str, partitions: i32, replicas: i16) -> Topic {
    Topic {
        name: name.to_owned().into(),
        num_partitions: partitions,
        replication_factor: replicas,
        ..Topic::default()
    }
}

/// A topic that says where its replicas go.
fn assigned(name: &str, assignments: &[(i32, &[i32])]) -> Topic {
    let assignments = assignments.iter().map(|(partition_index, broker_ids)| {
        CreateTopicsRequestTopicAssignment {
            partition_index: *partition_index,
            broker_ids: broker_ids.to_vec(),
        }
    });
    Topic {
        assignments: assignments.collect(),
        ..topic(name, -1, -1)
    }
}

fn with(mut topic: Topic, configs: &[(&str, Option<&str>)]) -> Topic {
    let configs = configs
        .iter()
        .map(|(name, value)| CreateTopicsRequestTopicConfig {
            name: (*name).to_owned().into(),
            value: value.map(|value| value.to_owned().into()),
        });
    topic.configs = configs.collect();
    topic
}

fn of(topics: Vec<Topic>) -> CreateTopicsRequest<'static> {
    CreateTopicsRequest {
        topics,
        timeout_ms: TIMEOUT_MS,
        validate_only: false,
    }
}

fn ask(label: impl Into<String>, version: i16, request: &CreateTopicsRequest<'_>) -> Step {
    let mut body = Vec::new();
    request.encode(&mut body, version);
    Step::ask(label, CREATE_TOPICS, version, &body)
}

/// What Metadata says of these topics afterwards.
fn look(label: &str, names: &[&str]) -> Step {
    let topics = names.iter().map(|name| metadata::named(name));
    let request = MetadataRequest {
        topics: Some(topics.collect()),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    metadata::ask(label, 8, &request)
}

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(plain(run, version));
        all.push(names(version));
        all.push(counts(run, version));
        all.push(assignments(run, version));
        all.push(configs(run, version));
        all.push(several(run, version));
        all.push(validated(run, version));
        all.push(no_time(run, version));
        all.push(bytes(version));
    }
    all.push(values(run));
    all.push(which_error_wins(run));
    all.push(collisions(run));
    all
}

fn plain(run: &Run, version: i16) -> Scenario {
    let name = |text: &str| run.topic(&format!("plain-v{version}-{text}"));
    let (one, three, default) = (name("one"), name("three"), name("default"));
    let mut scenario = Scenario::new(format!("plain v{version}"))
        .step(ask("one partition", version, &of(vec![topic(&one, 1, 1)])))
        .step(ask(
            "three partitions",
            version,
            &of(vec![topic(&three, 3, 1)]),
        ))
        .step(ask("it exists", version, &of(vec![topic(&one, 1, 1)])))
        .step(ask(
            "it exists, validated",
            version,
            &CreateTopicsRequest {
                validate_only: true,
                ..of(vec![topic(&one, 1, 1)])
            },
        ))
        .step(ask(
            "it exists, another shape",
            version,
            &of(vec![topic(&one, 5, 1)]),
        ))
        .step(ask("no topics", version, &of(vec![])))
        .step(ask(
            "default partitions and replicas",
            version,
            &of(vec![topic(&default, -1, -1)]),
        ))
        .step(look("looked at", &[&one]).settles(BEING_MADE))
        .step(look("looked at three", &[&three]).settles(BEING_MADE))
        .step(look("looked at default", &[&default]).settles(BEING_MADE));
    for timeout_ms in [1000, i32::MAX] {
        let request = CreateTopicsRequest {
            timeout_ms,
            ..of(vec![topic(&name(&format!("timeout-{timeout_ms}")), 1, 1)])
        };
        scenario = scenario.step(ask(format!("timeout {timeout_ms}"), version, &request));
    }
    scenario
}

fn names(version: i16) -> Scenario {
    let too_long = "n".repeat(250);
    let mut scenario = Scenario::new(format!("names v{version}"));
    for name in [
        "",
        ".",
        "..",
        "$#!",
        "a b",
        "a/b",
        "a:b",
        "ä",
        "a\0",
        "a,b",
        " ",
        &too_long,
        "__cluster_metadata",
    ] {
        let label = format!("{name:.20?} of {}", name.len());
        scenario = scenario.step(ask(label, version, &of(vec![topic(name, 1, 1)])));
    }
    let twice = vec![topic("a b", 1, 1), topic("a b", 1, 1)];
    scenario
        .step(ask("illegal twice", version, &of(twice)))
        .step(ask(
            "the controller's twice",
            version,
            &of(vec![
                topic("__cluster_metadata", 1, 1),
                topic("__cluster_metadata", 1, 1),
            ]),
        ))
        .step(ask(
            "the controller's and an illegal one",
            version,
            &of(vec![topic("__cluster_metadata", 0, 9), topic("", 1, 1)]),
        ))
        .step(ask(
            "two illegal",
            version,
            &of(vec![topic("a b", 1, 1), topic("", 1, 1)]),
        ))
}

fn counts(run: &Run, version: i16) -> Scenario {
    let mut scenario = Scenario::new(format!("counts v{version}"));
    let name = run.topic(&format!("counts-v{version}"));
    for (partitions, replicas) in [
        (0, 1),
        (-2, 1),
        (i32::MIN, 1),
        (20_000, 1),
        (10_001, 1),
        (i32::MAX, 1),
        (1, 0),
        (1, -2),
        (1, i16::MIN),
        (1, 2),
        (1, 3),
        (1, i16::MAX),
        (0, 0),
        (0, 2),
        (-2, -2),
        (-1, 2),
        (-1, 0),
        (0, -1),
        (20_000, 2),
    ] {
        let label = format!("{partitions} partitions, {replicas} replicas");
        let request = of(vec![topic(&name, partitions, replicas)]);
        scenario = scenario.step(ask(label, version, &request));
    }
    scenario.step(look("nothing was made", &[&name]))
}

fn assignments(run: &Run, version: i16) -> Scenario {
    let node = run.node;
    let mut scenario = Scenario::new(format!("assignments v{version}"));
    let good: [&[(i32, &[i32])]; 4] = [
        &[(0, &[node])],
        &[(0, &[node]), (1, &[node]), (2, &[node])],
        &[(1, &[node]), (0, &[node])],
        &[(2, &[node]), (0, &[node]), (1, &[node])],
    ];
    for (index, assignments) in good.into_iter().enumerate() {
        let name = run.topic(&format!("assigned-v{version}-{index}"));
        scenario = scenario
            .step(ask(
                format!("good {index}"),
                version,
                &of(vec![assigned(&name, assignments)]),
            ))
            .step(look(&format!("good {index}, looked at"), &[&name]).settles(BEING_MADE));
    }
    let name = run.topic(&format!("not-assigned-v{version}"));
    let bad: [(&str, &[(i32, &[i32])]); 14] = [
        ("from 1", &[(1, &[node])]),
        ("a gap", &[(0, &[node]), (2, &[node])]),
        ("negative", &[(-1, &[node])]),
        ("negative and 0", &[(-1, &[node]), (0, &[node])]),
        ("unknown broker", &[(0, &[77])]),
        ("negative broker", &[(0, &[-1])]),
        ("unknown broker in the second", &[(0, &[node]), (1, &[77])]),
        ("no replicas", &[(0, &[])]),
        ("no replicas in the second", &[(0, &[node]), (1, &[])]),
        ("the same broker twice", &[(0, &[node, node])]),
        ("two brokers", &[(0, &[node, 77])]),
        (
            "different numbers of replicas",
            &[(0, &[node]), (1, &[node, 77])],
        ),
        ("the same partition twice", &[(0, &[node]), (0, &[node])]),
        (
            "the same partition twice, of different brokers",
            &[(0, &[node]), (0, &[77])],
        ),
    ];
    for (label, assignments) in bad {
        scenario = scenario.step(ask(label, version, &of(vec![assigned(&name, assignments)])));
    }
    for (label, partitions, replicas) in [
        ("partitions beside", 1, -1),
        ("replicas beside", -1, 1),
        ("both beside", 1, 1),
        ("others beside", 3, 2),
        ("zeros beside", 0, 0),
    ] {
        let mut topic = assigned(&name, &[(0, &[node])]);
        (topic.num_partitions, topic.replication_factor) = (partitions, replicas);
        scenario = scenario.step(ask(label, version, &of(vec![topic])));
    }
    scenario.step(look("nothing was made", &[&name]))
}

fn configs(run: &Run, version: i16) -> Scenario {
    let mut scenario = Scenario::new(format!("configs v{version}"));
    let name = |index: usize| run.topic(&format!("config-v{version}-{index}"));
    let good: [&[(&str, Option<&str>)]; 6] = [
        &[("retention.ms", Some("1000"))],
        &[
            ("cleanup.policy", Some("compact,delete")),
            ("compression.type", Some("zstd")),
        ],
        &[("cleanup.policy", Some("compact, delete"))],
        &[("retention.ms", Some(" 1000 "))],
        &[
            ("retention.ms", Some("1000")),
            ("retention.ms", Some("2000")),
        ],
        &[
            ("max.message.bytes", Some("+2000")),
            ("preallocate", Some("TRUE")),
        ],
    ];
    for (index, configs) in good.into_iter().enumerate() {
        let topic = with(topic(&name(index), 1, 1), configs);
        scenario = scenario.step(ask(format!("good {configs:?}"), version, &of(vec![topic])));
    }
    let bad: [&[(&str, Option<&str>)]; 12] = [
        &[("no.such.config", Some("1"))],
        &[("", Some("1"))],
        &[("retention.ms", Some("x"))],
        &[("retention.ms", Some(""))],
        &[("retention.ms", Some("-2"))],
        &[("retention.ms", None)],
        &[("no.such.config", None)],
        &[("cleanup.policy", Some("shred"))],
        &[("compression.type", Some("brotli"))],
        &[
            ("retention.ms", Some("1000")),
            ("no.such.config", Some("1")),
        ],
        &[("retention.ms", Some("1000")), ("retention.ms", None)],
        &[("retention.ms", Some("1000")), ("retention.ms", Some("x"))],
    ];
    for (index, configs) in bad.into_iter().enumerate() {
        let topic = with(topic(&name(100 + index), 1, 1), configs);
        scenario = scenario.step(ask(format!("bad {configs:?}"), version, &of(vec![topic])));
    }
    scenario
}

/// Values of settings at and beyond their edges.
fn values(run: &Run) -> Scenario {
    let mut scenario = Scenario::new("values");
    let values: &[(&str, &[&str])] = &[
        (
            "cleanup.policy",
            &[
                "delete",
                "compact",
                "delete,compact",
                "",
                "delete,",
                ",",
                "delete,delete",
                "Delete",
                "none",
            ],
        ),
        (
            "compression.type",
            &[
                "producer",
                "uncompressed",
                "gzip",
                "snappy",
                "lz4",
                "zstd",
                "none",
                "GZIP",
                "",
            ],
        ),
        ("compression.gzip.level", &["-1", "0", "1", "9", "10", "-2"]),
        ("compression.lz4.level", &["0", "1", "17", "18", "9"]),
        (
            "compression.zstd.level",
            &["-131072", "-131073", "22", "23", "0"],
        ),
        (
            "delete.retention.ms",
            &["0", "-1", "9223372036854775807", "9223372036854775808"],
        ),
        ("file.delete.delay.ms", &["0", "-1"]),
        ("flush.messages", &["0", "1", "-1"]),
        ("flush.ms", &["0", "-1"]),
        ("index.interval.bytes", &["0", "-1", "2147483648"]),
        ("max.compaction.lag.ms", &["0", "1", "-1"]),
        (
            "max.message.bytes",
            &["0", "-1", "1", "16777215", "1e3", "0x10", "1.5"],
        ),
        (
            "message.timestamp.type",
            &["CreateTime", "LogAppendTime", "createtime", ""],
        ),
        ("message.timestamp.before.max.ms", &["0", "-1"]),
        ("message.timestamp.after.max.ms", &["0", "-1"]),
        ("message.timestamp.difference.max.ms", &["1000"]),
        ("message.downconversion.enable", &["true"]),
        ("message.format.version", &["3.0"]),
        (
            "min.cleanable.dirty.ratio",
            &["0", "1", "0.5", "1.1", "-0.1", "x", "NaN"],
        ),
        ("min.compaction.lag.ms", &["0", "-1"]),
        ("min.insync.replicas", &["0", "1", "2", "-1"]),
        ("preallocate", &["true", "false", "yes", "1", ""]),
        ("retention.bytes", &["-1", "-2", "0", "1"]),
        ("retention.ms", &["-1", "-2", "0", "1"]),
        (
            "segment.bytes",
            &[
                "1048576",
                "1048575",
                "0",
                "13",
                "14",
                "2147483647",
                "2147483648",
            ],
        ),
        ("segment.index.bytes", &["4", "3", "0", "-1"]),
        ("segment.jitter.ms", &["0", "-1", "604800000", "604800001"]),
        ("segment.ms", &["0", "1", "-1"]),
        ("unclean.leader.election.enable", &["true", "false", "x"]),
        (
            "leader.replication.throttled.replicas",
            &["", "*", "0:1,1:1", "x", "none"],
        ),
        (
            "follower.replication.throttled.replicas",
            &["", "*", "0:1", "0"],
        ),
        ("remote.storage.enable", &["false", "true"]),
        ("local.retention.ms", &["-2", "-3", "1000"]),
        ("local.retention.bytes", &["-2", "-3", "1000"]),
        ("remote.log.copy.disable", &["false", "true"]),
        ("remote.log.delete.on.disable", &["false", "true"]),
        ("errors.deadletterqueue.topic.name", &["x"]),
        ("internal.segment.bytes", &["1000"]),
    ];
    for (setting, values) in values {
        for (index, value) in values.iter().enumerate() {
            let name = run.topic(&format!("value-{setting}-{index}"));
            let topic = with(topic(&name, 1, 1), &[(setting, Some(value))]);
            let request = CreateTopicsRequest {
                validate_only: true,
                ..of(vec![topic])
            };
            scenario = scenario.step(ask(format!("{setting}={value}"), 5, &request));
        }
    }
    let together: [&[(&str, Option<&str>)]; 5] = [
        &[
            ("min.compaction.lag.ms", Some("10")),
            ("max.compaction.lag.ms", Some("5")),
        ],
        &[
            ("retention.ms", Some("10")),
            ("local.retention.ms", Some("20")),
        ],
        &[
            ("retention.bytes", Some("10")),
            ("local.retention.bytes", Some("20")),
        ],
        &[
            ("segment.ms", Some("10")),
            ("segment.jitter.ms", Some("20")),
        ],
        &[
            ("cleanup.policy", Some("compact")),
            ("remote.storage.enable", Some("true")),
        ],
    ];
    for (index, configs) in together.into_iter().enumerate() {
        let topic = with(
            topic(&run.topic(&format!("together-{index}")), 1, 1),
            configs,
        );
        let request = CreateTopicsRequest {
            validate_only: true,
            ..of(vec![topic])
        };
        scenario = scenario.step(ask(format!("{configs:?}"), 5, &request));
    }
    scenario
}

fn several(run: &Run, version: i16) -> Scenario {
    let name = |text: &str| run.topic(&format!("several-v{version}-{text}"));
    let (a, b, c, d, e) = (name("a"), name("b"), name("c"), name("d"), name("e"));
    Scenario::new(format!("several v{version}"))
        .step(ask(
            "two",
            version,
            &of(vec![topic(&a, 1, 1), topic(&b, 2, 1)]),
        ))
        .step(ask(
            "new and old",
            version,
            &of(vec![topic(&a, 1, 1), topic(&c, 1, 1)]),
        ))
        .step(ask(
            "good and illegal",
            version,
            &of(vec![topic("a b", 1, 1), topic(&d, 1, 1)]),
        ))
        .step(ask(
            "the same twice",
            version,
            &of(vec![topic(&e, 1, 1), topic(&e, 1, 1)]),
        ))
        .step(ask(
            "the same thrice",
            version,
            &of(vec![topic(&e, 1, 1), topic(&e, 2, 1), topic(&e, 1, 2)]),
        ))
        .step(ask(
            "the same twice beside another",
            version,
            &of(vec![
                topic(&e, 1, 1),
                topic(&name("f"), 1, 1),
                topic(&e, 1, 1),
            ]),
        ))
        .step(ask(
            "one that exists twice",
            version,
            &of(vec![topic(&a, 1, 1), topic(&a, 1, 1)]),
        ))
        .step(ask(
            "colliding",
            version,
            &of(vec![topic(&name("x.y"), 1, 1), topic(&name("x_y"), 1, 1)]),
        ))
        .step(ask(
            "too many partitions together",
            version,
            &of(vec![topic(&name("g"), 6000, 1), topic(&name("h"), 4001, 1)]),
        ))
        .step(ask(
            "too many partitions, a good one",
            version,
            &of(vec![topic(&name("g"), 10_001, 1), topic(&name("h"), 1, 1)]),
        ))
        .step(ask(
            "too many partitions, one that exists",
            version,
            &of(vec![topic(&name("g"), 10_001, 1), topic(&a, 1, 1)]),
        ))
        .step(ask(
            "too many partitions of one that exists",
            version,
            &of(vec![topic(&a, 10_001, 1)]),
        ))
        .step(ask(
            "too many partitions of an illegal name",
            version,
            &of(vec![topic("a b", 10_001, 1), topic("", 1, 1)]),
        ))
        .step(ask(
            "too many partitions, one twice",
            version,
            &of(vec![
                topic(&name("g"), 10_001, 1),
                topic(&e, 1, 1),
                topic(&e, 1, 1),
            ]),
        ))
        .step(ask(
            "too many partitions in what is there twice",
            version,
            &of(vec![
                topic(&name("i"), 1, 1),
                topic(&e, 10_001, 1),
                topic(&e, 1, 1),
            ]),
        ))
        .step(ask(
            "a negative count makes room",
            version,
            &of(vec![topic(&name("g"), 10_001, 1), topic(&name("h"), -5, 1)]),
        ))
        .step(look("looked at f", &[&name("f")]).settles(BEING_MADE))
        .step(look("looked at e", &[&e]))
}

fn validated(run: &Run, version: i16) -> Scenario {
    let name = run.topic(&format!("validated-v{version}"));
    let only = |topics| CreateTopicsRequest {
        validate_only: true,
        ..of(topics)
    };
    Scenario::new(format!("validated v{version}"))
        .step(ask("good", version, &only(vec![topic(&name, 3, 1)])))
        .step(ask("default", version, &only(vec![topic(&name, -1, -1)])))
        .step(ask(
            "assigned",
            version,
            &only(vec![assigned(&name, &[(0, &[run.node])])]),
        ))
        .step(ask(
            "with a setting",
            version,
            &only(vec![with(
                topic(&name, 1, 1),
                &[("retention.ms", Some("5"))],
            )]),
        ))
        .step(ask(
            "bad setting",
            version,
            &only(vec![with(
                topic(&name, 1, 1),
                &[("retention.ms", Some("x"))],
            )]),
        ))
        .step(ask("bad name", version, &only(vec![topic("a b", 1, 1)])))
        .step(ask("bad count", version, &only(vec![topic(&name, 0, 1)])))
        .step(ask(
            "twice",
            version,
            &only(vec![topic(&name, 1, 1), topic(&name, 1, 1)]),
        ))
        .step(ask("no topics", version, &only(vec![])))
        .step(look("nothing was made", &[&name]))
}

/// A timeout that is over before anything begins.
fn no_time(run: &Run, version: i16) -> Scenario {
    let name = run.topic(&format!("no-time-v{version}"));
    let mut scenario = Scenario::new(format!("no time v{version}"));
    for timeout_ms in [0, -1, i32::MIN] {
        let within = |topics: Vec<Topic>, validate_only| CreateTopicsRequest {
            topics,
            timeout_ms,
            validate_only,
        };
        let good = topic(&name, 1, 1);
        for (label, request) in [
            ("one", within(vec![good.clone()], false)),
            ("validated", within(vec![good.clone()], true)),
            ("two", within(vec![good.clone(), topic("x", 1, 1)], false)),
            ("illegal", within(vec![topic("a b", 0, 9)], false)),
            ("none", within(vec![], false)),
            ("twice", within(vec![good.clone(), good.clone()], false)),
            (
                "twice, and another",
                within(vec![good.clone(), good.clone(), topic("x", 1, 1)], false),
            ),
            (
                "the controller's alone",
                within(vec![topic("__cluster_metadata", 1, 1)], false),
            ),
            (
                "the controller's",
                within(vec![topic("__cluster_metadata", 1, 1), good.clone()], false),
            ),
            ("too many", within(vec![topic(&name, 20_000, 1)], false)),
        ] {
            scenario = scenario.step(ask(format!("{timeout_ms}: {label}"), version, &request));
        }
    }
    scenario.step(look("nothing was made", &[&name]))
}

fn which_error_wins(run: &Run) -> Scenario {
    let name = |text: &str| run.topic(&format!("wins-{text}"));
    let there = name("there");
    let bad_config = |topic| with(topic, &[("no.such.config", Some("1"))]);
    Scenario::new("which error wins")
        .step(ask("there", 7, &of(vec![topic(&there, 1, 1)])))
        .step(ask(
            "exists, bad config",
            7,
            &of(vec![bad_config(topic(&there, 1, 1))]),
        ))
        .step(ask("exists, bad count", 7, &of(vec![topic(&there, 0, 9)])))
        .step(ask("bad name, bad count", 7, &of(vec![topic("a b", 0, 9)])))
        .step(ask(
            "bad name, bad config",
            7,
            &of(vec![bad_config(topic("a b", 1, 1))]),
        ))
        .step(ask(
            "bad config, bad count",
            7,
            &of(vec![bad_config(topic(&name("x"), 0, 1))]),
        ))
        .step(ask(
            "bad config, bad replicas",
            7,
            &of(vec![bad_config(topic(&name("x"), 1, 9))]),
        ))
        .step(ask(
            "bad config, bad assignment",
            7,
            &of(vec![bad_config(assigned(&name("x"), &[(1, &[7])]))]),
        ))
        .step(ask(
            "null config, bad count",
            7,
            &of(vec![with(
                topic(&name("x"), 0, 1),
                &[("retention.ms", None)],
            )]),
        ))
        .step(ask(
            "bad name twice, bad count",
            7,
            &of(vec![topic("a b", 0, 1), topic("a b", 1, 1)]),
        ))
        .step(ask(
            "exists, beside colliding",
            7,
            &of(vec![topic(&there, 1, 1), topic("..", 1, 1)]),
        ))
}

fn collisions(run: &Run) -> Scenario {
    let name = |text: &str| run.topic(text);
    Scenario::new("collisions")
        .topic("cre.ate_d", 1, &[])
        .step(ask(
            "underscores",
            7,
            &of(vec![topic(&name("cre_ate_d"), 1, 1)]),
        ))
        .step(ask("dots", 7, &of(vec![topic(&name("cre.ate.d"), 1, 1)])))
        .step(ask(
            "exchanged",
            7,
            &of(vec![topic(&name("cre_ate.d"), 1, 1)]),
        ))
        .step(ask(
            "the very same",
            7,
            &of(vec![topic(&name("cre.ate_d"), 1, 1)]),
        ))
        .step(ask("a dash", 7, &of(vec![topic(&name("cre-ate_d"), 1, 1)])))
        .step(ask(
            "bad count too",
            7,
            &of(vec![topic(&name("cre_ate_d"), 0, 1)]),
        ))
        .step(ask(
            "bad config too",
            7,
            &of(vec![with(
                topic(&name("cre_ate_d"), 1, 1),
                &[("x", Some("1"))],
            )]),
        ))
}

fn bytes(version: i16) -> Scenario {
    let raw = |label: &str, body: &[u8]| Step::ask(label, CREATE_TOPICS, version, body);
    Scenario::new(format!("bytes v{version}"))
        .step(raw("nothing", &[]))
        .step(raw("zeros", &[0; 16]))
        .step(raw("0xff", &[0xff; 16]))
        .step(raw(
            "null topics",
            &[0xff, 0xff, 0xff, 0xff, 0, 0, 0x10, 0, 0],
        ))
        .step(raw(
            "no topics, bytes after the end",
            &[0, 0, 0, 0, 0, 0, 0x10, 0, 0, 7, 7],
        ))
        .step(raw(
            "a million topics",
            &[0, 0x0f, 0x42, 0x40, 0, 0, 0x10, 0, 0],
        ))
}
