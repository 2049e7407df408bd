//! Metadata: which topics are told, which are made, by name and by id.

use protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use protocol::primitives::Uuid;

use crate::scenario::{Run, Scenario, Step, id_of};

const METADATA: i16 = 3;
const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
/// What Kafka says while a topic is being made.
pub const BEING_MADE: &[&str] = &["error_code=5 ", "error_code=3 ", "leader_id=-1"];

/// A topic as it is asked for: its name as it goes over the wire.
pub fn named(name: &str) -> MetadataRequestTopic<'static> {
    MetadataRequestTopic {
        name: Some(name.to_owned().into()),
        ..MetadataRequestTopic::default()
    }
}

fn of(topics: Vec<MetadataRequestTopic<'static>>) -> MetadataRequest<'static> {
    MetadataRequest {
        topics: Some(topics),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    }
}

pub fn ask(label: impl Into<String>, version: i16, request: &MetadataRequest<'_>) -> Step {
    let mut body = Vec::new();
    request.encode(&mut body, version);
    Step::ask(label, METADATA, version, &body)
}

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(known(run, version));
        all.push(names(version));
        all.push(creation(run, version));
        all.push(operations(run, version));
        if version >= 10 {
            all.push(ids(run, version));
        }
        all.push(bytes(version));
    }
    all.push(creation_not_allowed(run));
    all.push(collisions(run));
    all.push(internal_topics());
    all
}

fn known(run: &Run, version: i16) -> Scenario {
    let (one, two) = (
        format!("known-v{version}-one"),
        format!("known-v{version}-two"),
    );
    let (first, second) = (named(&run.topic(&one)), named(&run.topic(&two)));
    let mut scenario = Scenario::new(format!("known v{version}"))
        .topic(&one, 1, &[])
        .topic(&two, 3, &[])
        .step(ask("one", version, &of(vec![first.clone()])).settles(BEING_MADE))
        .step(ask("three partitions", version, &of(vec![second.clone()])).settles(BEING_MADE))
        .step(ask(
            "two",
            version,
            &of(vec![second.clone(), first.clone()]),
        ))
        .step(ask(
            "the same twice",
            version,
            &of(vec![first.clone(), first.clone()]),
        ))
        .step(ask(
            "two, one of them twice",
            version,
            &of(vec![first.clone(), second.clone(), first.clone()]),
        ));
    let like = format!("known-v{version}");
    let everything = MetadataRequest {
        topics: None,
        ..of(vec![])
    };
    scenario = scenario
        .step(ask("null topics", version, &everything).topics_like(&like))
        .step(ask("no topics", version, &of(vec![])).topics_like(&like));
    let creating = MetadataRequest {
        allow_auto_topic_creation: true,
        ..everything
    };
    scenario.step(ask("null topics, creating", version, &creating).topics_like(&like))
}

/// Names that no topic has, and names that none may have, where nothing is made.
fn names(version: i16) -> Scenario {
    let mut scenario = Scenario::new(format!("names v{version}"));
    let (longest, too_long) = ("n".repeat(249), "n".repeat(250));
    let mut names = vec![
        "", ".", "..", "...", "$#!", "a b", "a/b", "a:b", "ä", "a\0", "a,b", " ", &too_long,
    ];
    if version >= 4 {
        names.extend(["unknown", "un.known", "un_known", "-", "_", &longest]);
    }
    for name in names {
        let label = format!("{name:.20?} of {}", name.len());
        scenario = scenario.step(ask(label, version, &of(vec![named(name)])));
    }
    if version >= 4 {
        scenario = scenario
            .step(ask(
                "several",
                version,
                &of(vec![named("unknown"), named("$#!"), named("other")]),
            ))
            .step(ask(
                "unknown twice",
                version,
                &of(vec![named("unknown"), named("unknown")]),
            ));
    }
    scenario.step(ask(
        "illegal twice",
        version,
        &of(vec![named("$#!"), named("$#!")]),
    ))
}

/// Below version 4 always, from there on if asked.
fn creation(run: &Run, version: i16) -> Scenario {
    let creating = |names: &[&str]| MetadataRequest {
        allow_auto_topic_creation: true,
        ..of(names.iter().map(|name| named(name)).collect())
    };
    let topic = |name: &str| run.topic(&format!("made-v{version}-{name}"));
    let (a, b, c, d) = (topic("a"), topic("b"), topic("c"), topic("d"));
    Scenario::new(format!("creation v{version}"))
        .step(ask("one", version, &creating(&[&a])).settles(BEING_MADE))
        .step(ask("it again", version, &creating(&[&a])))
        .step(ask("two, one is there", version, &creating(&[&a, &b])).settles(BEING_MADE))
        .step(ask("two new", version, &creating(&[&c, &d])).settles(BEING_MADE))
        .step(
            ask(
                "one new among illegal",
                version,
                &creating(&["$#!", &topic("e"), "..", ""]),
            )
            .settles(BEING_MADE),
        )
        .step(
            ask(
                "the same twice",
                version,
                &creating(&[&topic("f"), &topic("f")]),
            )
            .settles(BEING_MADE),
        )
        .step(ask("illegal", version, &creating(&["a b"])))
}

fn creation_not_allowed(run: &Run) -> Scenario {
    let name = run.topic("not-made");
    let mut scenario = Scenario::new("creation not allowed");
    for version in 4..=13 {
        let step = ask(format!("v{version}"), version, &of(vec![named(&name)]));
        scenario = scenario.step(step);
    }
    scenario
}

fn operations(run: &Run, version: i16) -> Scenario {
    let topic = format!("operations-v{version}");
    let mut scenario = Scenario::new(format!("operations v{version}")).topic(&topic, 1, &[]);
    for (cluster, topics) in [(false, false), (true, false), (false, true), (true, true)] {
        let request = MetadataRequest {
            include_cluster_authorized_operations: cluster,
            include_topic_authorized_operations: topics,
            ..of(vec![named(&run.topic(&topic)), named("$#!")])
        };
        let label = format!("cluster {cluster}, topics {topics}");
        scenario = scenario.step(ask(label, version, &request).settles(BEING_MADE));
    }
    let mut request = MetadataRequest {
        include_topic_authorized_operations: true,
        ..of(vec![MetadataRequestTopic {
            topic_id: Uuid(77),
            name: None,
        }])
    };
    if version >= 10 {
        scenario = scenario.step(ask("an unknown id", version, &request));
    }
    if version >= 4 {
        request.topics = Some(vec![named("unknown")]);
        scenario = scenario.step(ask("an unknown name", version, &request));
    }
    scenario
}

/// Ids that no topic has; those of topics that are there differ from run to run.
fn ids(run: &Run, version: i16) -> Scenario {
    let topic = format!("ids-v{version}");
    let name = run.topic(&topic);
    let id = |id: u128, name: Option<&str>| MetadataRequestTopic {
        topic_id: Uuid(id),
        name: name.map(|name| name.to_owned().into()),
    };
    let mut scenario = Scenario::new(format!("ids v{version}"))
        .topic(&topic, 1, &[])
        .step(ask("there", version, &of(vec![named(&name)])).settles(BEING_MADE));
    for (label, topics) in [
        ("unknown id", vec![id(77, None)]),
        ("two unknown ids", vec![id(77, None), id(78, None)]),
        ("unknown id twice", vec![id(77, None), id(77, None)]),
        ("unknown id and the name", vec![id(77, Some(&name))]),
        (
            "unknown id and an unknown name",
            vec![id(77, Some("unknown"))],
        ),
        ("unknown id and an empty name", vec![id(77, Some(""))]),
        ("neither", vec![id(0, None)]),
        ("neither, twice", vec![id(0, None), id(0, None)]),
        ("neither, beside a name", vec![id(0, None), named(&name)]),
        ("neither, beside an id", vec![id(0, None), id(77, None)]),
        ("an id beside a name", vec![id(77, None), named(&name)]),
        (
            "an id beside an unknown name",
            vec![id(77, None), named("unknown")],
        ),
        (
            "a name and an id with the name",
            vec![named(&name), id(77, Some(&name))],
        ),
        ("its id", vec![id(id_of(0), None)]),
        ("its id twice", vec![id(id_of(0), None), id(id_of(0), None)]),
        ("its id and its name", vec![id(id_of(0), Some(&name))]),
        (
            "its id and another name",
            vec![id(id_of(0), Some("unknown"))],
        ),
        ("its id, its name", vec![id(id_of(0), None), named(&name)]),
        ("its name, its id", vec![named(&name), id(id_of(0), None)]),
        (
            "its id, an unknown id",
            vec![id(id_of(0), None), id(77, None)],
        ),
        ("neither, its id", vec![id(0, None), id(id_of(0), None)]),
        ("neither, an illegal name", vec![id(0, None), named("$#!")]),
        (
            "its id, an illegal name",
            vec![id(id_of(0), None), named("$#!")],
        ),
        ("the id 1", vec![id(1, None)]),
        ("the id -1", vec![id(u128::MAX, None)]),
    ] {
        scenario = scenario.step(ask(label, version, &of(topics.clone())));
        let creating = MetadataRequest {
            allow_auto_topic_creation: true,
            ..of(topics)
        };
        if !label.contains("unknown name") {
            scenario = scenario.step(ask(format!("{label}, creating"), version, &creating));
        }
    }
    scenario
}

fn bytes(version: i16) -> Scenario {
    let raw = |label: &str, body: &[u8]| {
        Step::ask(label, METADATA, version, body).topics_like("none such")
    };
    Scenario::new(format!("bytes v{version}"))
        .step(raw("nothing", &[]))
        .step(raw("zeros", &[0; 8]))
        .step(raw("0xff", &[0xff; 8]))
        .step(raw("short", &[0, 0, 0]))
        .step(raw("null, then no flags", &[0xff, 0xff, 0xff, 0xff]))
        .step(raw("many zeros", &[0; 64]))
        .step(raw("flags of 2", &[1, 2, 2, 2, 0]))
}

/// '.' and '_' are the same letter in names of metrics.
fn collisions(run: &Run) -> Scenario {
    let ask_for = |label: &str, name: &str| {
        let request = MetadataRequest {
            allow_auto_topic_creation: true,
            ..of(vec![named(&run.topic(name))])
        };
        ask(label, 8, &request)
    };
    Scenario::new("collisions")
        .topic("col.lides", 1, &[])
        .step(ask_for("col_lides", "col_lides"))
        .step(ask_for("col.lides", "col.lides").settles(BEING_MADE))
        .step(ask_for("col-lides", "col-lides").settles(BEING_MADE))
}

/// Nothing is made here: internal topics can have no three replicas, which is their default.
fn internal_topics() -> Scenario {
    let mut scenario = Scenario::new("internal topics");
    for name in [
        "__cluster_metadata",
        "__consumer_offsets",
        "__transaction_state",
        "__consumer_offsets_",
        "__",
    ] {
        let request = of(vec![named(name)]);
        scenario = scenario.step(ask(name, 8, &request));
        if name.ends_with("s") || name.ends_with("state") {
            let creating = MetadataRequest {
                allow_auto_topic_creation: true,
                ..request
            };
            scenario = scenario.step(ask(format!("{name}, creating"), 8, &creating));
        }
    }
    scenario
}
