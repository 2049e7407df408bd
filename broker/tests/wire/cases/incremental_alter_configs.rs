//! IncrementalAlterConfigs: topics, brokers, loggers, groups, client metrics; what each operation does and refuses.

use protocol::messages::incremental_alter_configs::{self, IncrementalAlterConfigsRequest};

use super::admin_requests::{
    APPEND, BROKER, BROKER_LOGGER, CLIENT_METRICS, DELETE, GROUP, SET, SUBTRACT, TOPIC,
    ask_change as ask, bytes, change as of, changed, describe, odd_topic_names,
};
use super::requests::tagged;
use crate::scenario::{Run, Scenario};

const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
/// What a topic's or a broker's settings are until Kafka's brokers have the change.
const BEING_MADE: &[&str] = &["error_code=3 "];

type Changes<'a> = &'a [(&'a str, i8, Option<&'a str>)];

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(topics(run, version));
        all.push(names(version));
        all.push(several(run, version));
        all.push(types(run, version));
        all.push(bytes(incremental_alter_configs::KEY, version));
    }
    all.push(values(run));
    all.push(lists(run));
    all.push(brokers(run));
    all.push(broker_names(run));
    all.push(broker_values(run));
    all.push(loggers(run));
    all.push(groups());
    all.push(metrics());
    let mut body = Vec::new();
    of(vec![]).encode(&mut body, 1);
    all.push(Scenario::new("tags").steps(tagged(incremental_alter_configs::KEY, 1, &body)));
    all
}

const KEYS: &[&str] = &[
    "retention.ms",
    "cleanup.policy",
    "segment.bytes",
    "max.message.bytes",
];

fn topics(run: &Run, version: i16) -> Scenario {
    let topic = format!("set-v{version}");
    let name = run.topic(&topic);
    let mut scenario =
        Scenario::new(format!("topics v{version}")).topic(&topic, 1, &[("retention.ms", "1000")]);
    let cases: &[(&str, Changes<'_>)] = &[
        ("nothing", &[]),
        ("set", &[("retention.ms", SET, Some("2000"))]),
        ("set again", &[("retention.ms", SET, Some("2000"))]),
        ("set with spaces", &[("retention.ms", SET, Some(" 3000 "))]),
        ("delete", &[("retention.ms", DELETE, None)]),
        ("delete again", &[("retention.ms", DELETE, None)]),
        (
            "delete with a value",
            &[("segment.bytes", DELETE, Some("x"))],
        ),
        (
            "two",
            &[
                ("retention.ms", SET, Some("5000")),
                ("segment.bytes", SET, Some("2000000")),
            ],
        ),
        (
            "a good one and a bad one",
            &[
                ("retention.ms", SET, Some("6000")),
                ("segment.bytes", SET, Some("1")),
            ],
        ),
        (
            "one set, one deleted",
            &[
                ("retention.ms", DELETE, None),
                ("max.message.bytes", SET, Some("5000")),
            ],
        ),
        ("unknown", &[("no.such.config", SET, Some("1"))]),
        ("unknown, deleted", &[("no.such.config", DELETE, None)]),
        (
            "unknown, appended",
            &[("no.such.config", APPEND, Some("1"))],
        ),
        ("an empty name", &[("", SET, Some("1"))]),
        ("null", &[("retention.ms", SET, None)]),
        ("null appended", &[("cleanup.policy", APPEND, None)]),
        ("null subtracted", &[("cleanup.policy", SUBTRACT, None)]),
        (
            "twice",
            &[
                ("retention.ms", SET, Some("1")),
                ("retention.ms", SET, Some("1")),
            ],
        ),
        (
            "twice, other operations",
            &[
                ("retention.ms", SET, Some("1")),
                ("retention.ms", DELETE, None),
            ],
        ),
        (
            "twice, null",
            &[("retention.ms", SET, None), ("retention.ms", SET, None)],
        ),
        (
            "appended to a number",
            &[("retention.ms", APPEND, Some("1"))],
        ),
        (
            "subtracted from a number",
            &[("retention.ms", SUBTRACT, Some("1"))],
        ),
        ("operation 4", &[("retention.ms", 4, Some("1"))]),
        ("operation -1", &[("retention.ms", -1, Some("1"))]),
        ("operation 4, null", &[("retention.ms", 4, None)]),
        ("of a broker", &[("log.retention.ms", SET, Some("1"))]),
        ("another case", &[("Retention.ms", SET, Some("1"))]),
    ];
    for (label, changes) in cases {
        let request = of(vec![changed(TOPIC, &name, changes)]);
        let validated = IncrementalAlterConfigsRequest {
            validate_only: true,
            ..request.clone()
        };
        scenario = scenario
            .step(ask(format!("{label}, validated"), version, &validated))
            .step(ask(*label, version, &request));
    }
    scenario.step(describe("at last", TOPIC, &name, KEYS).settles(BEING_MADE))
}

fn names(version: i16) -> Scenario {
    let mut scenario = Scenario::new(format!("names v{version}"));
    let cases: &[(&str, Changes<'_>)] = &[
        ("good", &[("retention.ms", SET, Some("1"))]),
        ("bad", &[("retention.ms", SET, Some("x"))]),
        ("unknown", &[("x", SET, Some("x"))]),
        ("null", &[("retention.ms", SET, None)]),
        ("append", &[("retention.ms", APPEND, Some("1"))]),
        ("nothing", &[]),
    ];
    for (of_name, name) in &odd_topic_names() {
        for (label, changes) in cases {
            let label = format!("{of_name}, {label}");
            let request = of(vec![changed(TOPIC, name, changes)]);
            scenario = scenario.step(ask(label, version, &request));
        }
    }
    scenario
}

fn several(run: &Run, version: i16) -> Scenario {
    let topic = |text: &str| format!("several-v{version}-{text}");
    let (a, b) = (run.topic(&topic("a")), run.topic(&topic("b")));
    let node = run.node.to_string();
    let good = |name: &str| changed(TOPIC, name, &[("retention.ms", SET, Some("77"))]);
    let bad = |name: &str| changed(TOPIC, name, &[("retention.ms", SET, Some("x"))]);
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
        ("the same twice", vec![good(&a), good(&a)]),
        ("the same twice, both bad", vec![bad(&a), bad(&a)]),
        ("the same thrice", vec![good(&a), good(&a), good(&a)]),
        (
            "the same twice beside another",
            vec![good(&a), good(&b), good(&a)],
        ),
        (
            "one name, two types",
            vec![
                changed(TOPIC, &node, &[("retention.ms", SET, Some("1"))]),
                changed(BROKER, &node, &[]),
            ],
        ),
        (
            "an unknown type between",
            vec![good(&a), changed(77, "x", &[]), good(&b)],
        ),
        (
            "an unknown type twice",
            vec![changed(77, "x", &[]), changed(77, "x", &[])],
        ),
        (
            "two unknown types",
            vec![changed(77, "x", &[]), changed(78, "x", &[])],
        ),
        (
            "all that can be wrong",
            vec![
                changed(TOPIC, &a, &[("x", SET, None)]),
                changed(TOPIC, "", &[]),
                bad("unknown"),
                changed(BROKER, "77", &[]),
                changed(BROKER, "abc", &[]),
                good(&b),
            ],
        ),
    ];
    for (label, resources) in cases {
        let request = of(resources);
        let validated = IncrementalAlterConfigsRequest {
            validate_only: true,
            ..request.clone()
        };
        scenario = scenario
            .step(ask(format!("{label}, validated"), version, &validated))
            .step(ask(label, version, &request));
    }
    scenario
}

fn types(run: &Run, version: i16) -> Scenario {
    let node = run.node.to_string();
    let mut scenario = Scenario::new(format!("types v{version}"));
    for kind in [0, 1, 3, 5, 7, 9, 15, 33, 64, 127, -1, -128] {
        for name in ["x", "", node.as_str()] {
            let changes: [Changes<'_>; 3] = [&[], &[("x", SET, Some("y"))], &[("x", SET, None)]];
            for changes in changes {
                let request = of(vec![changed(kind, name, changes)]);
                let label = match (name, changes) {
                    ("x" | "", _) => format!("type {kind}, {name:?}, {changes:?}"),
                    _ => format!("type {kind}, the node, {changes:?}"),
                };
                scenario = scenario.step(ask(label, version, &request));
            }
        }
    }
    scenario
}

/// Values of topics' settings, each by itself and at its edges.
pub const VALUES: &[(&str, &[&str])] = &[
    (
        "cleanup.policy",
        &[
            "compact",
            "compact,delete",
            "",
            "none",
            "delete,",
            "compact,compact",
        ],
    ),
    (
        "compression.type",
        &["gzip", "none", "Gzip", "producer", ""],
    ),
    ("compression.gzip.level", &["-1", "0", "9", "10"]),
    ("compression.lz4.level", &["0", "17", "18"]),
    ("compression.zstd.level", &["22", "23", "-131072"]),
    ("delete.retention.ms", &["0", "-1", "x"]),
    ("file.delete.delay.ms", &["0", "-1"]),
    ("flush.messages", &["0", "1"]),
    ("flush.ms", &["0", "-1"]),
    ("index.interval.bytes", &["0", "-1"]),
    ("max.compaction.lag.ms", &["0", "1"]),
    ("max.message.bytes", &["0", "-1", "99999999999"]),
    ("message.timestamp.after.max.ms", &["0", "-1"]),
    ("message.timestamp.before.max.ms", &["0", "-1"]),
    (
        "message.timestamp.type",
        &["LogAppendTime", "logappendtime", ""],
    ),
    ("message.format.version", &["3.0"]),
    ("message.downconversion.enable", &["true"]),
    ("min.cleanable.dirty.ratio", &["0", "1", "1.1", "-0.1", "x"]),
    ("min.compaction.lag.ms", &["0", "-1"]),
    ("min.insync.replicas", &["0", "1", "2"]),
    ("preallocate", &["TRUE", "yes", ""]),
    ("remote.storage.enable", &["false", "true"]),
    ("remote.log.copy.disable", &["false", "true"]),
    ("local.retention.ms", &["-2", "-3", "1"]),
    ("retention.bytes", &["-1", "-2", "0", "1k"]),
    ("retention.ms", &["-1", "-2", "0", "auto", ""]),
    ("segment.bytes", &["1048575", "1048576", "14"]),
    ("segment.index.bytes", &["3", "4"]),
    ("segment.jitter.ms", &["0", "-1"]),
    ("segment.ms", &["0", "1"]),
    ("unclean.leader.election.enable", &["true", "1"]),
    (
        "leader.replication.throttled.replicas",
        &["*", "0:1", "x", ""],
    ),
    (
        "follower.replication.throttled.replicas",
        &["*", "0:1,1:1", "0", ""],
    ),
];

fn values(run: &Run) -> Scenario {
    let name = run.topic("values");
    let mut scenario = Scenario::new("values").topic("values", 1, &[]);
    for (key, values) in VALUES {
        for value in *values {
            let request = of(vec![changed(TOPIC, &name, &[(key, SET, Some(value))])]);
            scenario = scenario.step(ask(format!("{key}={value:?}"), 1, &request));
        }
        scenario = scenario.step(describe(format!("{key} is"), TOPIC, &name, &[key]));
        let request = of(vec![changed(TOPIC, &name, &[(key, DELETE, None)])]);
        scenario = scenario.step(ask(format!("{key} deleted"), 1, &request));
    }
    let both: &[(&str, Changes<'_>)] = &[
        (
            "lags that do not go together",
            &[
                ("min.compaction.lag.ms", SET, Some("10")),
                ("max.compaction.lag.ms", SET, Some("5")),
            ],
        ),
        (
            "the lower lag",
            &[("min.compaction.lag.ms", SET, Some("10"))],
        ),
        (
            "a higher lag below it",
            &[("max.compaction.lag.ms", SET, Some("5"))],
        ),
        (
            "policy and key",
            &[
                ("cleanup.policy", SET, Some("compact")),
                ("retention.ms", SET, Some("1")),
            ],
        ),
        (
            "local retention above retention",
            &[
                ("retention.ms", SET, Some("10")),
                ("local.retention.ms", SET, Some("20")),
            ],
        ),
        (
            "local bytes above bytes",
            &[
                ("retention.bytes", SET, Some("10")),
                ("local.retention.bytes", SET, Some("20")),
            ],
        ),
    ];
    for (label, changes) in both {
        let request = of(vec![changed(TOPIC, &name, changes)]);
        scenario = scenario.step(ask(*label, 1, &request));
    }
    scenario
}

fn lists(run: &Run) -> Scenario {
    let name = run.topic("lists");
    let mut scenario = Scenario::new("lists").topic("lists", 1, &[]);
    let throttled = "leader.replication.throttled.replicas";
    let cases: &[(&str, Changes<'_>)] = &[
        (
            "append to the default",
            &[("cleanup.policy", APPEND, Some("compact"))],
        ),
        (
            "append it again",
            &[("cleanup.policy", APPEND, Some("compact"))],
        ),
        (
            "append two",
            &[("cleanup.policy", APPEND, Some("compact,delete"))],
        ),
        (
            "append what may not be",
            &[("cleanup.policy", APPEND, Some("x"))],
        ),
        ("append nothing", &[("cleanup.policy", APPEND, Some(""))]),
        (
            "subtract one",
            &[("cleanup.policy", SUBTRACT, Some("delete"))],
        ),
        (
            "subtract it again",
            &[("cleanup.policy", SUBTRACT, Some("delete"))],
        ),
        (
            "subtract nothing",
            &[("cleanup.policy", SUBTRACT, Some(""))],
        ),
        (
            "subtract the last",
            &[("cleanup.policy", SUBTRACT, Some("compact"))],
        ),
        (
            "append to nothing",
            &[("cleanup.policy", APPEND, Some("delete"))],
        ),
        ("append replicas", &[(throttled, APPEND, Some("0:1"))]),
        (
            "append more replicas",
            &[(throttled, APPEND, Some("1:1,2:1"))],
        ),
        ("append a star", &[(throttled, APPEND, Some("*"))]),
        (
            "subtract replicas",
            &[(throttled, SUBTRACT, Some("0:1,2:1"))],
        ),
        (
            "subtract what is not there",
            &[(throttled, SUBTRACT, Some("9:9"))],
        ),
        (
            "append with spaces",
            &[(throttled, APPEND, Some(" 5:1 , 6:1"))],
        ),
        (
            "append to one, set the other",
            &[
                (throttled, APPEND, Some("7:1")),
                ("cleanup.policy", SET, Some("compact")),
            ],
        ),
        (
            "subtract all but the rest",
            &[(throttled, SUBTRACT, Some("1:1,7:1"))],
        ),
        (
            "delete",
            &[(throttled, DELETE, None), ("cleanup.policy", DELETE, None)],
        ),
        (
            "subtract from the default",
            &[("cleanup.policy", SUBTRACT, Some("delete"))],
        ),
    ];
    for (label, changes) in cases {
        let request = of(vec![changed(TOPIC, &name, changes)]);
        scenario = scenario.step(ask(*label, 1, &request)).step(describe(
            format!("{label}: now"),
            TOPIC,
            &name,
            &["cleanup.policy", throttled],
        ));
    }
    scenario
}

/// What changes in all brokers, in one, and what topics have of it.
fn brokers(run: &Run) -> Scenario {
    let node = run.node.to_string();
    let topic = run.topic("of-brokers");
    let keys = &[
        "message.max.bytes",
        "log.retention.ms",
        "log.cleanup.policy",
    ][..];
    let mut scenario = Scenario::new("brokers").topic("of-brokers", 1, &[]);
    let cases: &[(&str, &str, Changes<'_>)] = &[
        (
            "all brokers",
            "",
            &[("message.max.bytes", SET, Some("900000"))],
        ),
        (
            "one broker",
            &node,
            &[("message.max.bytes", SET, Some("800000"))],
        ),
        (
            "one broker, more",
            &node,
            &[
                ("log.retention.ms", SET, Some("123456789")),
                ("log.cleanup.policy", SET, Some("compact")),
            ],
        ),
        (
            "all brokers, more",
            "",
            &[
                ("log.retention.ms", SET, Some("23456789")),
                ("log.cleanup.policy", APPEND, Some("compact")),
            ],
        ),
        (
            "one broker deleted",
            &node,
            &[("message.max.bytes", DELETE, None)],
        ),
        (
            "one broker, all deleted",
            &node,
            &[
                ("log.retention.ms", DELETE, None),
                ("log.cleanup.policy", DELETE, None),
            ],
        ),
        (
            "subtract",
            "",
            &[("log.cleanup.policy", SUBTRACT, Some("delete"))],
        ),
        (
            "all deleted",
            "",
            &[
                ("message.max.bytes", DELETE, None),
                ("log.retention.ms", DELETE, None),
                ("log.cleanup.policy", DELETE, None),
            ],
        ),
    ];
    for (label, name, changes) in cases {
        let request = of(vec![changed(BROKER, name, changes)]);
        let validated = IncrementalAlterConfigsRequest {
            validate_only: true,
            ..request.clone()
        };
        scenario = scenario
            .step(ask(format!("{label}, validated"), 1, &validated))
            .step(ask(*label, 1, &request))
            .step(describe(format!("{label}: the node"), BROKER, &node, keys))
            .step(describe(format!("{label}: all"), BROKER, "", &[]))
            .step(describe(
                format!("{label}: the topic"),
                TOPIC,
                &topic,
                &["max.message.bytes", "retention.ms", "cleanup.policy"],
            ));
    }
    scenario
}

fn broker_names(run: &Run) -> Scenario {
    let node = run.node.to_string();
    let mut scenario = Scenario::new("broker names");
    let cases: &[(&str, Changes<'_>)] = &[
        ("good", &[("message.max.bytes", DELETE, None)]),
        ("bad", &[("message.max.bytes", SET, Some("x"))]),
        ("not dynamic", &[("num.partitions", SET, Some("3"))]),
        ("null", &[("message.max.bytes", SET, None)]),
        (
            "twice",
            &[
                ("message.max.bytes", SET, Some("5")),
                ("message.max.bytes", SET, Some("5")),
            ],
        ),
        ("append", &[("message.max.bytes", APPEND, Some("5"))]),
        ("operation 4", &[("message.max.bytes", 4, Some("5"))]),
        ("append to an unknown one", &[("x.y.z", APPEND, Some("5"))]),
        ("append null", &[("log.cleanup.policy", APPEND, None)]),
        ("nothing", &[]),
    ];
    for (shown, name) in [
        ("", ""),
        ("the node", node.as_str()),
        ("77", "77"),
        ("-1", "-1"),
        ("abc", "abc"),
        (" ", " "),
        ("1x", "1x"),
        ("too large", "99999999999"),
    ] {
        for (label, changes) in cases {
            let request = of(vec![changed(BROKER, name, changes)]);
            scenario = scenario.step(ask(format!("{shown:?}, {label}"), 1, &request));
        }
    }
    scenario
}

/// Settings of brokers with values: dynamic ones, ones that are not, ones that nobody knows.
pub const BROKER_VALUES: &[(&str, &[&str])] = &[
    ("background.threads", &["0", "11", "20", "21", "1"]),
    ("num.io.threads", &["0", "9", "16", "17", "3"]),
    ("num.network.threads", &["0", "4", "7"]),
    ("num.replica.fetchers", &["0", "2", "3"]),
    ("num.recovery.threads.per.data.dir", &["0", "2", "5"]),
    ("log.cleaner.threads", &["0", "2", "3"]),
    ("compression.type", &["gzip", "none", ""]),
    ("log.cleanup.policy", &["compact", "x", ""]),
    ("log.flush.interval.messages", &["0", "5"]),
    ("log.flush.interval.ms", &["-1", "5"]),
    ("log.index.interval.bytes", &["-1", "5"]),
    ("log.index.size.max.bytes", &["3", "4"]),
    ("log.message.timestamp.type", &["LogAppendTime", "x"]),
    ("log.message.timestamp.after.max.ms", &["-1", "5"]),
    ("log.message.timestamp.before.max.ms", &["-1", "5"]),
    ("log.preallocate", &["true", "yes"]),
    ("log.retention.bytes", &["-1", "x", "7"]),
    ("log.retention.ms", &["-1", "-2", "7"]),
    ("log.roll.ms", &["0", "7"]),
    ("log.roll.jitter.ms", &["-1", "7"]),
    ("log.segment.bytes", &["1", "1048576"]),
    ("log.segment.delete.delay.ms", &["-1", "7"]),
    ("log.cleaner.delete.retention.ms", &["-1", "7"]),
    ("log.cleaner.min.cleanable.ratio", &["2", "0.7"]),
    ("log.cleaner.min.compaction.lag.ms", &["-1", "7"]),
    ("log.cleaner.max.compaction.lag.ms", &["0", "7"]),
    ("max.connections", &["-1", "7000"]),
    ("max.connections.per.ip", &["-1", "7000"]),
    ("message.max.bytes", &["-1", "7000", "99999999999"]),
    ("min.insync.replicas", &["0", "1", "2"]),
    ("producer.id.expiration.ms", &["0", "7000"]),
    ("unclean.leader.election.enable", &["true", "x"]),
    ("num.partitions", &["3", "0", "x"]),
    ("auto.create.topics.enable", &["false", "x"]),
    ("default.replication.factor", &["1"]),
    ("delete.topic.enable", &["true"]),
    ("log.retention.hours", &["5"]),
    ("log.retention.minutes", &["5"]),
    ("log.roll.hours", &["5"]),
    ("log.dirs", &["/tmp/x"]),
    ("node.id", &["5"]),
    ("broker.id", &["5"]),
    ("process.roles", &["broker"]),
    ("advertised.listeners", &["PLAINTEXT://127.0.0.1:1"]),
    ("group.max.size", &["7"]),
    ("offsets.retention.minutes", &["7"]),
    ("socket.request.max.bytes", &["7000"]),
    ("transaction.max.timeout.ms", &["7000"]),
    ("zookeeper.connect", &["x"]),
    ("no.such.config", &["1", ""]),
    ("retention.ms", &["1"]),
    ("Message.Max.Bytes", &["1"]),
    ("", &["1"]),
];

fn broker_values(run: &Run) -> Scenario {
    let node = run.node.to_string();
    let mut scenario = Scenario::new("broker values");
    for (key, values) in BROKER_VALUES {
        for value in *values {
            for (label, name) in [("all", ""), ("node", node.as_str())] {
                let request = IncrementalAlterConfigsRequest {
                    validate_only: true,
                    ..of(vec![changed(BROKER, name, &[(key, SET, Some(value))])])
                };
                let label = format!("{label}: {key}={value:?}");
                scenario = scenario.step(ask(label, 1, &request));
            }
        }
        for (label, name) in [("all", ""), ("node", node.as_str())] {
            let request = of(vec![changed(BROKER, name, &[(key, DELETE, None)])]);
            scenario = scenario.step(ask(format!("{label}: {key} deleted"), 1, &request));
        }
    }
    scenario
}

fn loggers(run: &Run) -> Scenario {
    let node = run.node.to_string();
    let mut scenario = Scenario::new("loggers");
    let cases: &[(&str, Changes<'_>)] = &[
        ("set", &[("root", SET, Some("INFO"))]),
        ("in another case", &[("root", SET, Some("info"))]),
        ("no level", &[("root", SET, Some("LOUD"))]),
        ("an empty level", &[("root", SET, Some(""))]),
        ("null", &[("root", SET, None)]),
        ("deleted", &[("root", DELETE, None)]),
        ("appended", &[("root", APPEND, Some("INFO"))]),
        ("subtracted", &[("root", SUBTRACT, Some("INFO"))]),
        ("operation 4", &[("root", 4, Some("INFO"))]),
        ("unknown", &[("no.such.logger", SET, Some("INFO"))]),
        ("unknown deleted", &[("no.such.logger", DELETE, None)]),
        (
            "twice",
            &[("root", SET, Some("INFO")), ("root", SET, Some("INFO"))],
        ),
        ("nothing", &[]),
    ];
    for (shown, name) in [
        ("the node", node.as_str()),
        ("", ""),
        ("77", "77"),
        ("abc", "abc"),
    ] {
        for (label, changes) in cases {
            for validate_only in [true, false] {
                let request = IncrementalAlterConfigsRequest {
                    validate_only,
                    ..of(vec![changed(BROKER_LOGGER, name, changes)])
                };
                let label = format!("{shown:?}, {label}, validated {validate_only}");
                scenario = scenario.step(ask(label, 1, &request));
            }
        }
    }
    scenario
}

fn groups() -> Scenario {
    let mut scenario = Scenario::new("groups");
    let cases: &[(&str, &str, Changes<'_>)] = &[
        (
            "set",
            "g",
            &[("consumer.session.timeout.ms", SET, Some("50000"))],
        ),
        (
            "too low",
            "g",
            &[("consumer.session.timeout.ms", SET, Some("1"))],
        ),
        (
            "too high",
            "g",
            &[("consumer.session.timeout.ms", SET, Some("500000"))],
        ),
        (
            "no number",
            "g",
            &[("consumer.session.timeout.ms", SET, Some("x"))],
        ),
        (
            "heartbeat",
            "g",
            &[("consumer.heartbeat.interval.ms", SET, Some("6000"))],
        ),
        (
            "heartbeat too high",
            "g",
            &[("consumer.heartbeat.interval.ms", SET, Some("50001"))],
        ),
        (
            "share",
            "g",
            &[("share.auto.offset.reset", SET, Some("earliest"))],
        ),
        (
            "share by duration",
            "g",
            &[("share.auto.offset.reset", SET, Some("by_duration:PT1H"))],
        ),
        (
            "no share",
            "g",
            &[("share.auto.offset.reset", SET, Some("x"))],
        ),
        (
            "isolation",
            "g",
            &[("share.isolation.level", SET, Some("read_committed"))],
        ),
        (
            "no isolation",
            "g",
            &[("share.isolation.level", SET, Some("x"))],
        ),
        (
            "streams",
            "g",
            &[("streams.num.standby.replicas", SET, Some("1"))],
        ),
        (
            "streams, too many",
            "g",
            &[("streams.num.standby.replicas", SET, Some("5"))],
        ),
        (
            "append",
            "g",
            &[("share.auto.offset.reset", APPEND, Some("x"))],
        ),
        ("unknown", "g", &[("no.such.config", SET, Some("x"))]),
        ("unknown deleted", "g", &[("no.such.config", DELETE, None)]),
        ("null", "g", &[("share.auto.offset.reset", SET, None)]),
        (
            "no name",
            "",
            &[("share.auto.offset.reset", SET, Some("latest"))],
        ),
        ("no name, nothing", "", &[]),
        ("nothing", "h", &[]),
        (
            "strange",
            "$#! ä",
            &[("share.auto.offset.reset", SET, Some("latest"))],
        ),
        (
            "deleted",
            "g",
            &[
                ("consumer.session.timeout.ms", DELETE, None),
                ("share.auto.offset.reset", DELETE, None),
            ],
        ),
    ];
    for (label, name, changes) in cases {
        let request = of(vec![changed(GROUP, name, changes)]);
        scenario = scenario.step(ask(*label, 1, &request)).step(describe(
            format!("{label}: now"),
            GROUP,
            "g",
            &[],
        ));
    }
    scenario
}

fn metrics() -> Scenario {
    let mut scenario = Scenario::new("metrics");
    let cases: &[(&str, &str, Changes<'_>)] = &[
        ("set", "m", &[("interval.ms", SET, Some("1000"))]),
        ("too low", "m", &[("interval.ms", SET, Some("99"))]),
        ("too high", "m", &[("interval.ms", SET, Some("3600001"))]),
        ("no number", "m", &[("interval.ms", SET, Some("x"))]),
        (
            "metrics",
            "m",
            &[("metrics", SET, Some("org.apache.kafka.,b"))],
        ),
        ("append metrics", "m", &[("metrics", APPEND, Some("c"))]),
        ("all metrics", "m", &[("metrics", SET, Some("*"))]),
        ("match", "m", &[("match", SET, Some("client_id=a.*"))]),
        (
            "match two",
            "m",
            &[("match", APPEND, Some("client_software_name=b"))],
        ),
        (
            "match what is not there",
            "m",
            &[("match", SET, Some("x=y"))],
        ),
        (
            "match no pattern",
            "m",
            &[("match", SET, Some("client_id=["))],
        ),
        ("match no pair", "m", &[("match", SET, Some("client_id"))]),
        ("unknown", "m", &[("no.such.config", SET, Some("x"))]),
        ("unknown deleted", "m", &[("no.such.config", DELETE, None)]),
        ("null", "m", &[("metrics", SET, None)]),
        ("no name", "", &[("interval.ms", SET, Some("1000"))]),
        ("no name, nothing", "", &[]),
        ("nothing", "n", &[]),
        ("strange", "$#! ä", &[("interval.ms", SET, Some("1000"))]),
        (
            "deleted",
            "m",
            &[
                ("interval.ms", DELETE, None),
                ("metrics", DELETE, None),
                ("match", DELETE, None),
            ],
        ),
    ];
    for (label, name, changes) in cases {
        let request = of(vec![changed(CLIENT_METRICS, name, changes)]);
        scenario = scenario.step(ask(*label, 1, &request)).step(describe(
            format!("{label}: now"),
            CLIENT_METRICS,
            "m",
            &[],
        ));
    }
    scenario
}
