//! Headers that are wrong or odd, and APIs and versions that are not. The body is a Metadata request for no topic.

use protocol::header::RequestHeader;

use crate::scenario::{Run, Scenario, Step};

const METADATA: i16 = 3;
/// No topics, no creation, no operations; no tags.
const NO_TOPICS: [u8; 5] = [1, 0, 0, 0, 0];

/// A frame of this header, client id and, from version 9 on, tags given as they are.
fn frame(version: i16, client_id: &[u8], tags: &[u8], body: &[u8]) -> Vec<u8> {
    let mut frame = METADATA.to_be_bytes().to_vec();
    frame.extend_from_slice(&version.to_be_bytes());
    frame.extend_from_slice(&77i32.to_be_bytes());
    frame.extend_from_slice(client_id);
    frame.extend_from_slice(tags);
    frame.extend_from_slice(body);
    frame
}

pub fn scenarios(_: &Run) -> Vec<Scenario> {
    vec![
        client_ids(),
        tags(),
        cut(),
        unknown_apis(),
        versions(),
        counts(),
    ]
}

fn client_ids() -> Scenario {
    let mut scenario = Scenario::new("client ids");
    let long = [&[0x7f, 0xff][..], &[b'x'; 0x7fff]].concat();
    for (label, client_id) in [
        ("null", &[0xff, 0xff][..]),
        ("empty", &[0, 0]),
        ("-2", &[0xff, 0xfe]),
        ("-32768", &[0x80, 0]),
        ("not UTF-8", &[0, 2, 0xff, 0xfe]),
        ("a nul", &[0, 1, 0]),
        ("beyond the end", &[0, 200, b'x']),
        ("32767 bytes", &long),
    ] {
        for (version, tags, body) in [(1, &[][..], &[0; 4][..]), (9, &[0], &NO_TOPICS)] {
            let frame = frame(version, client_id, tags, body);
            let label = format!("{label}, v{version}");
            scenario = scenario.step(Step::raw(label, METADATA, version, frame));
        }
    }
    scenario
}

fn tags() -> Scenario {
    let mut scenario = Scenario::new("tagged fields");
    for (label, tags) in [
        ("one", &[1, 5, 1, b'a'][..]),
        ("one of no bytes", &[1, 5, 0]),
        ("twice", &[2, 5, 1, b'a', 5, 1, b'b']),
        ("not in order", &[2, 7, 1, b'a', 5, 1, b'b']),
        ("longer than what is left", &[1, 5, 99, b'a']),
        ("of negative length", &[1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f]),
        ("a negative count", &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ("a count of too many bits", &[0x80, 0x80, 0x80, 0x80, 0x10]),
        (
            "a count of too many bytes",
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
        ),
        ("a count in more bytes than needed", &[0x80, 0x00]),
        ("more than there are", &[9, 5, 1, b'a']),
        ("none at all", &[]),
    ] {
        let header = frame(9, &[0, 0], tags, &NO_TOPICS);
        scenario = scenario.step(Step::raw(format!("header: {label}"), METADATA, 9, header));
        let body = [&NO_TOPICS[..4], tags].concat();
        let body = frame(9, &[0, 0], &[0], &body);
        scenario = scenario.step(Step::raw(format!("body: {label}"), METADATA, 9, body));
    }
    scenario
}

fn cut() -> Scenario {
    let mut scenario = Scenario::new("cut");
    for (version, tags, body) in [(1, &[][..], &[0; 4][..]), (9, &[0], &NO_TOPICS)] {
        let whole = frame(version, &[0, 2, b'm', b'e'], tags, body);
        for length in 0..whole.len() {
            let label = format!("v{version}: {length} bytes of {}", whole.len());
            let frame = whole[..length].to_vec();
            scenario = scenario.step(Step::raw(label, METADATA, version, frame));
        }
    }
    let mut longer = frame(1, &[0, 0], &[], &[0; 4]);
    longer.extend_from_slice(&[9; 100]);
    scenario = scenario.step(Step::raw("bytes after the end", METADATA, 1, longer));
    for (label, length) in [
        ("-1", -1),
        ("-2147483648", i32::MIN),
        ("2147483647", i32::MAX),
        ("104857601", 104_857_601),
    ] {
        let mut step = Step::raw(
            format!("a frame of length {label}"),
            METADATA,
            1,
            Vec::new(),
        );
        step.frame = length.to_be_bytes().to_vec();
        scenario = scenario.step(step);
    }
    scenario
}

fn unknown_apis() -> Scenario {
    let mut scenario = Scenario::new("APIs that are not");
    for key in [
        4,
        5,
        6,
        7,
        52,
        53,
        54,
        58,
        59,
        62,
        63,
        93,
        99,
        999,
        i16::MAX,
        -1,
        -2,
        i16::MIN,
    ] {
        for version in [0, 1, -1] {
            let mut frame = Vec::new();
            let header = RequestHeader {
                api_key: key,
                api_version: version,
                correlation_id: 77,
                client_id: None,
            };
            header.encode(&mut frame);
            frame.extend_from_slice(&[0; 32]);
            scenario = scenario.step(Step::raw(format!("{key} v{version}"), key, version, frame));
        }
    }
    scenario
}

fn versions() -> Scenario {
    let mut scenario = Scenario::new("versions that are not");
    for (key, highest) in [
        (2, 11),
        (3, 13),
        (10, 6),
        (19, 7),
        (20, 6),
        (22, 6),
        (32, 4),
    ] {
        for version in [-1, i16::MIN, highest + 1, highest + 2, i16::MAX] {
            let label = format!("{key} v{version}");
            scenario = scenario.step(Step::ask(label, key, version, &[0; 32]));
        }
    }
    for (key, version) in [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 0),
        (1, 3),
        (2, 0),
        (19, 0),
        (19, 1),
        (20, 0),
        (32, 0),
    ] {
        let label = format!("{key} v{version}");
        scenario = scenario.step(Step::ask(label, key, version, &[0; 32]));
    }
    scenario
}

fn counts() -> Scenario {
    let mut scenario = Scenario::new("counts");
    for count in [-1, -2, i32::MIN, 1, 2, 1_000_000, i32::MAX] {
        for version in [0, 1, 4] {
            let body = [&count.to_be_bytes()[..], &[0]].concat();
            let step = Step::ask(format!("{count}, v{version}"), METADATA, version, &body);
            scenario = scenario.step(step.topics_like("none such"));
        }
    }
    for (label, count) in [
        ("0x80000000", &[0x80, 0x80, 0x80, 0x80, 0x08][..]),
        ("0x80000001", &[0x81, 0x80, 0x80, 0x80, 0x08]),
        ("0xffffffff", &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ("0x7fffffff", &[0xff, 0xff, 0xff, 0xff, 0x07]),
        ("five bytes of 0xff", &[0xff; 5]),
        ("a fifth byte of 0x7f", &[0xff, 0xff, 0xff, 0xff, 0x7f]),
        ("two, one is there", &[3, 2, b'.', 0]),
    ] {
        let body = [count, &NO_TOPICS[1..]].concat();
        let step = Step::ask(label, METADATA, 9, &body);
        scenario = scenario.step(step.topics_like("none such"));
    }
    for (label, name) in [
        ("-1", &[0xff, 0xff][..]),
        ("-2", &[0xff, 0xfe]),
        ("beyond the end", &[0, 9, b'a']),
        ("not UTF-8", &[0, 3, b'a', 0xff, b'b']),
        ("a surrogate", &[0, 4, 0xed, 0xa0, 0x80, b'b']),
        ("cut letters", &[0, 5, 0xe2, 0x82, b'|', 0xf0, 0x9f]),
        (
            "overlong letters",
            &[0, 6, 0xc0, 0x80, b'|', 0xe0, 0x80, 0x80],
        ),
        ("a nul", &[0, 1, 0]),
    ] {
        for version in [1, 4] {
            let mut body = [&1i32.to_be_bytes()[..], name].concat();
            if version >= 4 {
                body.push(0);
            }
            scenario = scenario.step(Step::ask(
                format!("name: {label}, v{version}"),
                METADATA,
                version,
                &body,
            ));
        }
    }
    let long = [&[2, 0xc9, 0xb8, 0x02][..], &[b'a'; 40_008], &[0; 5]].concat();
    scenario = scenario.step(Step::ask("name: 40008 bytes, v9", METADATA, 9, &long));
    let longest = [&[2, 0x80, 0x80, 0x02][..], &[b'a'; 32_767], &[0; 5]].concat();
    scenario.step(Step::ask("name: 32767 bytes, v9", METADATA, 9, &longest))
}
