//! Requests about topics and settings, put together by chance from what is good, bad and odd: the same ones in every run.

use protocol::messages::create_topics::{
    CreateTopicsRequest, CreateTopicsRequestTopic, CreateTopicsRequestTopicAssignment,
    CreateTopicsRequestTopicConfig,
};
use protocol::messages::delete_topics::{DeleteTopicsRequest, DeleteTopicsRequestTopic};
use protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsRequestResource,
};
use protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use protocol::primitives::Uuid;

use crate::scenario::{Run, Scenario, Step, id_of};

const STEPS: usize = 400;
const CONFIGS: &[(&str, Option<&str>)] = &[
    ("retention.ms", Some("1000")),
    ("retention.ms", Some("-1")),
    ("retention.ms", Some("soon")),
    ("retention.ms", None),
    ("cleanup.policy", Some("compact")),
    ("cleanup.policy", Some("delete , compact")),
    ("cleanup.policy", Some("shred")),
    ("segment.bytes", Some("1048576")),
    ("segment.bytes", Some("1")),
    ("max.message.bytes", Some("0100")),
    ("min.cleanable.dirty.ratio", Some(".5")),
    ("min.cleanable.dirty.ratio", Some("1e-1")),
    ("compression.type", Some("ZSTD")),
    ("compression.type", Some("zstd")),
    ("unclean.leader.election.enable", Some("True")),
    ("message.timestamp.type", Some("LogAppendTime")),
    ("no.such.config", Some("1")),
    ("flush.ms", Some("9223372036854775807")),
];

/// Xorshift: chance that is the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.next(all.len())]
    }

    /// Mostly the first, else one of the others.
    fn mostly<T: Copy>(&mut self, usual: T, others: &[T]) -> T {
        if self.next(4) > 0 {
            usual
        } else {
            self.of(others)
        }
    }

    fn many<T>(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.next(most + 1)).map(|_| one(self)).collect()
    }
}

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    vec![changes(run), reads(run)]
}

fn changes(run: &Run) -> Scenario {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut scenario = Scenario::new("changes");
    for step in 0..STEPS {
        let mut body = Vec::new();
        let (key, version) = if chance.next(3) > 0 {
            let version = 2 + chance.next(6) as i16;
            create(run, &mut chance).encode(&mut body, version);
            (19, version)
        } else {
            let version = 1 + chance.next(6) as i16;
            delete(run, &mut chance).encode(&mut body, version);
            (20, version)
        };
        let label = format!("{step}: {key} v{version}");
        scenario = scenario.step(Step::ask(label, key, version, &body));
    }
    scenario
}

fn name(run: &Run, chance: &mut Chance) -> String {
    let good = ["m-a", "m-b", "m-c", "m-d", "m.e", "m_e", "m-f", "m-g"];
    let text = chance.of(&good);
    let good = run.topic(text);
    let bad = ["", ".", "a b", "$", "__cluster_metadata"];
    chance.mostly(good.as_str(), &bad).to_owned()
}

fn create(run: &Run, chance: &mut Chance) -> CreateTopicsRequest<'static> {
    let topics = chance.many(4, |chance| {
        let assigned = chance.next(5) == 0;
        let (partitions, replicas) = if assigned {
            (chance.mostly(-1, &[1, 0, 3]), chance.mostly(-1, &[1, 0, 2]))
        } else {
            (
                chance.mostly(1, &[-1, 2, 3, 0, -2, 10_001]),
                chance.mostly(1, &[-1, 0, 2, -2]),
            )
        };
        let most = if assigned { 3 } else { 0 };
        let assignments = (0..most.min(1 + chance.next(3) as i32)).map(|index| {
            CreateTopicsRequestTopicAssignment {
                partition_index: chance.mostly(index, &[0, 1, 2, -1]),
                broker_ids: match chance.next(8) {
                    0 => vec![],
                    1 => vec![77],
                    2 => vec![run.node, run.node],
                    _ => vec![run.node],
                },
            }
        });
        CreateTopicsRequestTopic {
            assignments: assignments.collect(),
            name: name(run, chance).into(),
            num_partitions: partitions,
            replication_factor: replicas,
            configs: if chance.next(2) == 0 {
                configs(chance)
            } else {
                Vec::new()
            },
        }
    });
    CreateTopicsRequest {
        topics,
        timeout_ms: chance.mostly(30_000, &[i32::MAX, 0, -1]),
        validate_only: chance.next(3) == 0,
    }
}

fn configs(chance: &mut Chance) -> Vec<CreateTopicsRequestTopicConfig<'static>> {
    chance.many(2, |chance| {
        let (name, value) = chance.of(CONFIGS);
        CreateTopicsRequestTopicConfig {
            name: name.into(),
            value: value.map(Into::into),
        }
    })
}

fn delete(run: &Run, chance: &mut Chance) -> DeleteTopicsRequest<'static> {
    let names: Vec<String> = chance.many(4, |chance| name(run, chance));
    let topics = names.iter().map(|name| DeleteTopicsRequestTopic {
        name: (chance.next(4) > 0).then(|| name.clone().into()),
        topic_id: Uuid(chance.mostly(0, &[0, 7, 8])),
    });
    let topics: Vec<_> = topics.collect();
    DeleteTopicsRequest {
        topics,
        topic_names: names.into_iter().map(Into::into).collect(),
        timeout_ms: chance.mostly(30_000, &[i32::MAX, 0]),
    }
}

fn reads(run: &Run) -> Scenario {
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    let mut scenario = Scenario::new("reads")
        .topic("read-a", 1, &[])
        .topic(
            "read-b",
            3,
            &[("retention.ms", "5"), ("min.insync.replicas", "2")],
        )
        .topic("read.c", 2, &[("cleanup.policy", "compact")]);
    for step in 0..STEPS {
        let mut body = Vec::new();
        let (key, version) = if chance.next(2) > 0 {
            let version = chance.next(13) as i16;
            metadata(run, &mut chance, version).encode(&mut body, version);
            (3, version)
        } else {
            let version = 1 + chance.next(4) as i16;
            describe(run, &mut chance).encode(&mut body, version);
            (32, version)
        };
        let label = format!("{step}: {key} v{version}");
        let step = Step::ask(label, key, version, &body).topics_like("read");
        scenario = scenario.step(step);
    }
    scenario
}

/// Only topics that are there, where a version would make others; names that none may have everywhere.
fn metadata(run: &Run, chance: &mut Chance, version: i16) -> MetadataRequest<'static> {
    let names = ["read-a", "read-b", "read.c"].map(|name| run.topic(name));
    let topics = chance.many(4, |chance| {
        let name = names[chance.next(3)].as_str();
        let name = chance.mostly(Some(name), &[Some(""), Some("a b"), None]);
        MetadataRequestTopic {
            name: name
                .or((version < 10).then_some(".."))
                .map(|name| name.to_owned().into()),
            topic_id: Uuid(chance.mostly(0, &[id_of(0), id_of(1), id_of(2), 77])),
        }
    });
    MetadataRequest {
        topics: (version == 0 || chance.next(8) > 0).then_some(topics),
        allow_auto_topic_creation: chance.next(2) == 0,
        include_cluster_authorized_operations: chance.next(2) == 0,
        include_topic_authorized_operations: chance.next(2) == 0,
    }
}

fn describe(run: &Run, chance: &mut Chance) -> DescribeConfigsRequest<'static> {
    let node = run.node.to_string();
    let names = ["read-a", "read-b", "read.c"].map(|name| run.topic(name));
    let keys = [
        "retention.ms",
        "segment.bytes",
        "cleanup.policy",
        "min.insync.replicas",
        "message.max.bytes",
        "",
        "x",
        "Retention.ms",
        "compression.type",
        "interval.ms",
        "consumer.session.timeout.ms",
    ];
    let resources = chance.many(3, |chance| {
        let kind = chance.mostly(2, &[4, 4, 4, 8, 16, 32, 1]);
        let name = match kind {
            2 => names[chance.next(3)].as_str(),
            4 | 8 => node.as_str(),
            _ => "some",
        };
        let name = chance
            .mostly(name, &["", "unknown", "a b", "77"])
            .to_owned();
        let all = kind != 4 && kind != 8 && chance.next(3) == 0;
        let wanted = chance.many(3, |chance| chance.of(&keys).into());
        let wanted = if wanted.is_empty() {
            vec!["x".into()]
        } else {
            wanted
        };
        DescribeConfigsRequestResource {
            resource_type: kind,
            resource_name: name.into(),
            configuration_keys: (!all).then_some(wanted),
        }
    });
    DescribeConfigsRequest {
        resources,
        include_synonyms: chance.next(2) == 0,
        include_documentation: chance.next(2) == 0,
    }
}
