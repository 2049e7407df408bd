//! DeleteTopics: by name, by id, unknown, twice.

use protocol::messages::delete_topics::{DeleteTopicsRequest, DeleteTopicsRequestTopic};
use protocol::messages::metadata::MetadataRequest;
use protocol::primitives::Uuid;

use super::metadata;
use crate::scenario::{Run, Scenario, Step, id_of};

const DELETE_TOPICS: i16 = 20;
const VERSIONS: std::ops::RangeInclusive<i16> = 1..=6;
/// What Kafka still says while a topic goes.
const BEING_REMOVED: &[&str] = &["error_code=0 name"];

fn request(version: i16, names: &[&str]) -> DeleteTopicsRequest<'static> {
    let names = names.iter().map(|name| (*name).to_owned());
    let mut request = DeleteTopicsRequest {
        timeout_ms: 30_000,
        ..DeleteTopicsRequest::default()
    };
    if version >= 6 {
        request.topics = names.map(|name| by(Some(&name), 0)).collect();
    } else {
        request.topic_names = names.map(Into::into).collect();
    }
    request
}

fn by(name: Option<&str>, id: u128) -> DeleteTopicsRequestTopic<'static> {
    DeleteTopicsRequestTopic {
        name: name.map(|name| name.to_owned().into()),
        topic_id: Uuid(id),
    }
}

fn ask(label: impl Into<String>, version: i16, request: &DeleteTopicsRequest<'_>) -> Step {
    let mut body = Vec::new();
    request.encode(&mut body, version);
    Step::ask(label, DELETE_TOPICS, version, &body)
}

fn look(label: &str, name: &str) -> Step {
    let request = MetadataRequest {
        topics: Some(vec![metadata::named(name)]),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    metadata::ask(label, 8, &request)
}

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(by_name(run, version));
        all.push(twice(run, version));
        all.push(no_time(run, version));
        all.push(bytes(version));
    }
    all.push(by_id(run));
    all.push(ids_and_names(run));
    all
}

fn by_name(run: &Run, version: i16) -> Scenario {
    let topic = |text: &str| format!("name-v{version}-{text}");
    let name = |text: &str| run.topic(&topic(text));
    let mut scenario = Scenario::new(format!("by name v{version}"));
    for text in ["a", "b", "c", "d", "e"] {
        scenario = scenario.topic(&topic(text), 2, &[]);
    }
    scenario = scenario
        .step(ask("one", version, &request(version, &[&name("a")])))
        .step(look("it is gone", &name("a")).settles(BEING_REMOVED))
        .step(ask("it again", version, &request(version, &[&name("a")])))
        .step(ask(
            "two",
            version,
            &request(version, &[&name("b"), &name("c")]),
        ))
        .step(ask(
            "one and an unknown",
            version,
            &request(version, &["unknown", &name("d")]),
        ))
        .step(ask("no topics", version, &request(version, &[])));
    let too_long = "n".repeat(250);
    for illegal in ["", ".", "..", "$#!", "ä", "__cluster_metadata", &too_long] {
        let label = format!("{illegal:.20?} of {}", illegal.len());
        scenario = scenario.step(ask(label, version, &request(version, &[illegal])));
    }
    let timed = DeleteTopicsRequest {
        timeout_ms: i32::MAX,
        ..request(version, &[&name("e")])
    };
    scenario.step(ask("a long timeout", version, &timed))
}

fn twice(run: &Run, version: i16) -> Scenario {
    let topic = |text: &str| format!("twice-v{version}-{text}");
    let name = |text: &str| run.topic(&topic(text));
    let (a, b) = (name("a"), name("b"));
    Scenario::new(format!("twice v{version}"))
        .topic(&topic("a"), 1, &[])
        .topic(&topic("b"), 1, &[])
        .step(look("a is there", &a).settles(metadata::BEING_MADE))
        .step(ask("one", version, &request(version, &[&a, &a])))
        .step(look("a is still there", &a))
        .step(ask("thrice", version, &request(version, &[&a, &a, &a])))
        .step(ask(
            "beside another",
            version,
            &request(version, &[&a, &b, &a]),
        ))
        .step(look("b is gone", &b).settles(BEING_REMOVED))
        .step(ask(
            "unknown",
            version,
            &request(version, &["unknown", "unknown"]),
        ))
        .step(ask("illegal", version, &request(version, &["$#!", "$#!"])))
        .step(ask(
            "unknown and known",
            version,
            &request(version, &["unknown", &a, "unknown"]),
        ))
        .step(look("a is gone", &a).settles(BEING_REMOVED))
}

/// A timeout that is over before anything begins.
fn no_time(run: &Run, version: i16) -> Scenario {
    let topic = format!("no-time-v{version}");
    let name = run.topic(&topic);
    let mut scenario = Scenario::new(format!("no time v{version}"))
        .topic(&topic, 1, &[])
        .step(look("it is there", &name).settles(metadata::BEING_MADE));
    for timeout_ms in [0, -1, i32::MIN] {
        let mut requests = vec![
            ("one", request(version, &[&name])),
            ("unknown", request(version, &["unknown"])),
            ("two", request(version, &[&name, "unknown"])),
            ("none", request(version, &[])),
            ("twice", request(version, &[&name, &name])),
            ("twice, and another", request(version, &[&name, "x", &name])),
        ];
        if version >= 6 {
            requests.push(("neither", of(vec![by(None, 0)])));
            requests.push((
                "neither, and one",
                of(vec![by(None, 0), by(Some(&name), 0)]),
            ));
            requests.push(("both", of(vec![by(Some(&name), 77)])));
            requests.push(("an unknown id", of(vec![by(None, 77)])));
            requests.push(("its id", of(vec![by(None, id_of(0))])));
            requests.push((
                "its id twice",
                of(vec![by(None, id_of(0)), by(None, id_of(0))]),
            ));
        }
        for (label, request) in requests {
            let request = DeleteTopicsRequest {
                timeout_ms,
                ..request
            };
            scenario = scenario.step(ask(format!("{timeout_ms}: {label}"), version, &request));
        }
    }
    scenario.step(look("it is still there", &name))
}

fn of(topics: Vec<DeleteTopicsRequestTopic<'static>>) -> DeleteTopicsRequest<'static> {
    DeleteTopicsRequest {
        topics,
        timeout_ms: 30_000,
        ..DeleteTopicsRequest::default()
    }
}

fn by_id(run: &Run) -> Scenario {
    let mut scenario = Scenario::new("by id");
    for text in ["a", "b", "c"] {
        scenario = scenario.topic(&format!("id-{text}"), 1, &[]);
    }
    scenario
        .step(ask("unknown", 6, &of(vec![by(None, 77)])))
        .step(ask("two unknown", 6, &of(vec![by(None, 77), by(None, 78)])))
        .step(ask(
            "unknown twice",
            6,
            &of(vec![by(None, 77), by(None, 77)]),
        ))
        .step(ask("one", 6, &of(vec![by(None, id_of(0))])))
        .step(look("it is gone", &run.topic("id-a")).settles(BEING_REMOVED))
        .step(ask("it again", 6, &of(vec![by(None, id_of(0))])))
        .step(ask(
            "one twice",
            6,
            &of(vec![by(None, id_of(1)), by(None, id_of(1))]),
        ))
        .step(look("it is still there", &run.topic("id-b")))
        .step(ask(
            "one and an unknown",
            6,
            &of(vec![by(None, 77), by(None, id_of(1))]),
        ))
        .step(ask(
            "one by id, one by name",
            6,
            &of(vec![by(None, id_of(2)), by(Some("unknown"), 0)]),
        ))
        .step(ask("the id 1", 6, &of(vec![by(None, 1)])))
}

fn ids_and_names(run: &Run) -> Scenario {
    let name = |text: &str| run.topic(&format!("both-{text}"));
    let (a, b) = (name("a"), name("b"));
    let mut scenario = Scenario::new("ids and names")
        .topic("both-a", 1, &[])
        .topic("both-b", 1, &[]);
    let topics: [(&str, Vec<DeleteTopicsRequestTopic<'static>>); 12] = [
        ("neither", vec![by(None, 0)]),
        ("neither, twice", vec![by(None, 0), by(None, 0)]),
        ("an empty name", vec![by(Some(""), 0)]),
        ("both", vec![by(Some(&a), id_of(0))]),
        ("both, of two topics", vec![by(Some(&a), id_of(1))]),
        ("a name and an unknown id", vec![by(Some(&a), 77)]),
        (
            "an unknown name and an id",
            vec![by(Some("unknown"), id_of(0))],
        ),
        ("an empty name and an id", vec![by(Some(""), id_of(0))]),
        (
            "both, twice",
            vec![by(Some(&a), id_of(0)), by(Some(&a), id_of(0))],
        ),
        (
            "name and id of the same, apart",
            vec![by(Some(&a), 0), by(None, id_of(0))],
        ),
        (
            "id and name of the same, apart",
            vec![by(None, id_of(0)), by(Some(&a), 0)],
        ),
        ("neither, beside a name", vec![by(None, 0), by(Some(&b), 0)]),
    ];
    for (label, topics) in topics {
        scenario = scenario.step(ask(label, 6, &of(topics)));
    }
    scenario
        .step(look("a", &a))
        .step(look("b is gone", &b).settles(BEING_REMOVED))
}

fn bytes(version: i16) -> Scenario {
    let raw = |label: &str, body: &[u8]| Step::ask(label, DELETE_TOPICS, version, body);
    Scenario::new(format!("bytes v{version}"))
        .step(raw("nothing", &[]))
        .step(raw("zeros", &[0; 16]))
        .step(raw("0xff", &[0xff; 16]))
        .step(raw("null names", &[0xff, 0xff, 0xff, 0xff, 0, 0, 0x10, 0]))
        .step(raw("a null name", &[0, 0, 0, 1, 0xff, 0xff, 0, 0, 0x10, 0]))
        .step(raw(
            "no names, bytes after the end",
            &[0, 0, 0, 0, 0, 0, 0x10, 0, 7, 7],
        ))
}
