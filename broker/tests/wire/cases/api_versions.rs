//! ApiVersions: names, versions that are not, bytes that are none of it. What is served is not compared: nobody serves the same.

use protocol::messages::api_versions::ApiVersionsRequest;

use crate::scenario::{Run, Scenario, Step};

const API_VERSIONS: i16 = 18;

fn ask(version: i16, name: &str, software_version: &str) -> Step {
    let request = ApiVersionsRequest {
        client_software_name: name.into(),
        client_software_version: software_version.into(),
    };
    let mut body = Vec::new();
    request.encode(&mut body, version);
    let label = format!("{name:.40?} {software_version:.40?}");
    Step::ask(label, API_VERSIONS, version, &body)
}

pub fn scenarios(_: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in 0..=4 {
        all.push(Scenario::new(format!("v{version}")).step(ask(version, "wire", "1.0")));
        if version >= 3 {
            all.push(names(version));
        }
        all.push(bytes(version));
    }
    all.push(versions_that_are_not());
    all
}

fn names(version: i16) -> Scenario {
    let long = "x".repeat(1000);
    let mut scenario = Scenario::new(format!("names v{version}"));
    let names = [
        "",
        " ",
        "a",
        "-a",
        "a-",
        ".",
        "a.b",
        "a-b",
        "a..b",
        "a_b",
        "a b",
        "a/b",
        "ä",
        "A1",
        "0",
        "a\n",
        "a\0",
        "-",
        "apache-kafka-java",
        &long,
    ];
    for name in names {
        scenario = scenario.step(ask(version, name, "2.1.0"));
        if name != "2.1.0" {
            scenario = scenario.step(ask(version, "wire", name));
        }
    }
    scenario
}

fn bytes(version: i16) -> Scenario {
    let raw = |label: &str, body: &[u8]| Step::ask(label, API_VERSIONS, version, body);
    Scenario::new(format!("bytes v{version}"))
        .step(raw("nothing", &[]))
        .step(raw("null names", &[0, 0, 0]))
        .step(raw("bytes after the end", &[2, b'a', 2, b'b', 0, 9, 9, 9]))
        .step(raw("an unknown tag", &[2, b'a', 2, b'b', 1, 9, 1, 7]))
        .step(raw("a length beyond the end", &[9, b'a', 2, b'b', 0]))
        .step(raw("0xff", &[0xff; 16]))
        .step(raw("not UTF-8", &[2, 0xff, 2, b'b', 0]))
}

fn versions_that_are_not() -> Scenario {
    let mut scenario = Scenario::new("versions that are not");
    for version in [5, 6, 99, i16::MAX, -1, -2, i16::MIN] {
        for (label, body) in [
            ("names", &[2, b'a', 2, b'b', 0][..]),
            ("nothing", &[]),
            ("garbage", &[0xff; 9]),
        ] {
            let label = format!("{version} {label}");
            scenario = scenario.step(Step::ask(label, API_VERSIONS, version, body));
        }
    }
    scenario
}
