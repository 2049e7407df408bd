//! FindCoordinator: types, keys, batches of keys. Of groups there is a coordinator, of transactions none.

use protocol::messages::find_coordinator::FindCoordinatorRequest;

use crate::scenario::{Run, Scenario, Step};

const FIND_COORDINATOR: i16 = 10;
const GROUP: i8 = 0;
const SHARE: i8 = 2;
/// What is said while the topic of the coordinators is made.
const NOT_THERE: &[&str] = &["error_code=15"];

fn ask(label: impl Into<String>, version: i16, key_type: i8, keys: &[&str]) -> Step {
    let request = FindCoordinatorRequest {
        key: keys.first().copied().unwrap_or_default().into(),
        key_type,
        coordinator_keys: keys.iter().map(|key| (*key).into()).collect(),
    };
    let mut body = Vec::new();
    request.encode(&mut body, version);
    let step = Step::ask(label, FIND_COORDINATOR, version, &body);
    if key_type == GROUP || (key_type == SHARE && version >= 6) {
        step.settles(NOT_THERE)
    } else {
        step
    }
}

pub fn scenarios(_: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in 0..=6 {
        let types: &[i8] = if version == 0 {
            &[0]
        } else {
            &[0, 1, 2, 3, 9, -1, i8::MAX, i8::MIN]
        };
        let mut scenario = Scenario::new(format!("v{version}"));
        for key_type in types {
            for (label, keys) in keys(version) {
                let label = format!("type {key_type}, {label}");
                scenario = scenario.step(ask(label, version, *key_type, &keys));
            }
        }
        all.push(scenario);
        all.push(bytes(version));
    }
    all
}

fn keys(version: i16) -> Vec<(&'static str, Vec<&'static str>)> {
    let long = "x".repeat(300).leak();
    let mut keys = vec![
        ("a key", vec!["group"]),
        ("an empty key", vec![""]),
        ("a key of odd letters", vec!["$#! ä:0:1"]),
        ("a share key", vec!["group:AAAAAAAAAAAAAAAAAAAAAg:0"]),
        ("a long key", vec![&*long]),
    ];
    if version >= 4 {
        keys.push(("no keys", vec![]));
        keys.push(("two keys", vec!["a", "b"]));
        keys.push(("the same key twice", vec!["a", "a"]));
        keys.push(("a key and an empty one", vec!["a", ""]));
        keys.push(("three keys, the first twice", vec!["b", "a", "b"]));
    }
    keys
}

fn bytes(version: i16) -> Scenario {
    let raw = |label: &str, body: &[u8]| Step::ask(label, FIND_COORDINATOR, version, body);
    Scenario::new(format!("bytes v{version}"))
        .step(raw("nothing", &[]))
        .step(raw("zeros", &[0; 8]))
        .step(raw("0xff", &[0xff; 8]))
        .step(raw("a null key", &[0xff, 0xff, 0, 0]))
        .step(raw("short", &[0, 1, b'a']))
        .step(raw("not UTF-8", &[0, 1, 0xff, 0]))
        .step(raw("null keys", &[0, 0, 0]))
        .step(raw("a null among the keys", &[0, 2, 0, 0]))
}
