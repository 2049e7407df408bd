//! Bytes that are no request, or not one this broker serves: a closed connection and a line that says why.

use std::io::Write as _;
use std::net::Shutdown;

use tempfile::tempdir;

use crate::broker::{Broker, connect};
use crate::wire::{
    API_VERSIONS, Body, Fields, Honest, METADATA, PRODUCE, fetch, frame, produce, reply, try_once,
};

/// Runs `hostile` against a broker beside an honest client, which must not notice.
fn beside_an_honest_client(options: &[&str], hostile: impl FnOnce(&Broker, &Honest)) {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), options);
    let honest = Honest::start(broker.port, "honest");
    hostile(&broker, &honest);
    assert!(honest.finish() > 0);
    broker.stop();
}

#[test]
fn garbage_closes_the_connection() {
    beside_an_honest_client(&[], |broker, honest| {
        let tls_hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[0x5a; 300]].concat();
        let mut noise = vec![0u8; 4096];
        let mut state = 1u32;
        for byte in &mut noise {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
        // A length that says 100 bytes, so that what follows is taken for a header.
        noise[..4].copy_from_slice(&100i32.to_be_bytes());
        noise[12..14].fill(0xff);
        let cases: [(&str, &[u8], &str); 5] = [
            (
                "HTTP",
                b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                "impossible size",
            ),
            ("TLS", &tls_hello, "impossible size"),
            ("zeros", &[0; 64], "no request header"),
            ("ones", &[0xff; 64], "impossible size"),
            ("noise", &noise, "unknown API"),
        ];
        for (name, bytes, reason) in cases {
            assert_eq!(try_once(broker.port, bytes), None, "{name}");
            broker.assert_refusal(reason);
            honest.goes_on();
        }
    });
}

#[test]
fn truncated_requests_end_with_their_connection() {
    beside_an_honest_client(&[], |broker, honest| {
        let whole = frame(METADATA, 4, &Body::default().i32(1).text("t").i8(1).0);
        for length in 1..whole.len() {
            let mut stream = connect(broker.port);
            stream.write_all(&whole[..length]).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(reply(&mut stream), None, "{length} bytes");
        }
        broker.assert_refusal("the stream ended within a request");
        // The same bytes behind a length that is true: the request ends within its body.
        for length in 5..whole.len() {
            let mut cut = whole[..length].to_vec();
            let true_length = i32::try_from(length - 4).unwrap();
            cut[..4].copy_from_slice(&true_length.to_be_bytes());
            assert_eq!(try_once(broker.port, &cut), None, "{length} bytes");
        }
        broker.assert_refusal("no request header");
        broker.assert_refusal("malformed Metadata");
        honest.goes_on();
    });
}

#[test]
fn oversized_and_negative_lengths_close_the_connection() {
    let options = ["--set", "socket.request.max.bytes=5000"];
    beside_an_honest_client(&options, |broker, honest| {
        for length in [5001, i32::MAX, -1, i32::MIN] {
            let bytes = [&length.to_be_bytes()[..], &[0; 100]].concat();
            assert_eq!(try_once(broker.port, &bytes), None, "{length}");
        }
        broker.assert_refusal("socket.request.max.bytes is 5000");
        // A request of exactly the largest size is served: its client id is cut for nobody.
        let mut largest = vec![0; 5004];
        largest[..4].copy_from_slice(&5000i32.to_be_bytes());
        largest[4..8].copy_from_slice(&[0, 18, 0, 0]);
        largest[12..14].copy_from_slice(&4990i16.to_be_bytes());
        largest[14..].fill(b'c');
        assert!(try_once(broker.port, &largest).is_some());
        honest.goes_on();
    });
}

#[test]
fn a_length_alone_costs_no_memory_and_nobody_waits_for_it() {
    beside_an_honest_client(&[], |broker, honest| {
        let before = broker.resident_bytes();
        let claims: Vec<_> = (0..200)
            .map(|_| {
                let mut stream = connect(broker.port);
                stream.write_all(&100_000_000i32.to_be_bytes()).unwrap();
                stream.write_all(&[0; 10]).unwrap();
                stream
            })
            .collect();
        honest.goes_on();
        let grown = broker.resident_bytes().saturating_sub(before);
        assert!(grown < 64 << 20, "{grown} bytes for 200 lengths");
        drop(claims);
    });
}

#[test]
fn unknown_apis_and_versions_close_the_connection() {
    beside_an_honest_client(&[], |broker, honest| {
        for key in [9999, -1, i16::MIN, 36, 64, 68] {
            assert_eq!(
                try_once(broker.port, &frame(key, 0, &[0; 20])),
                None,
                "API {key}"
            );
        }
        broker.assert_refusal("unknown API");
        // Every API this broker names, in versions it does not.
        let table = try_once(broker.port, &frame(API_VERSIONS, 0, &[])).unwrap();
        let mut fields = Fields(&table);
        fields.take(4 + 2);
        for _ in 0..fields.i32() {
            let (key, min, max) = (fields.i16(), fields.i16(), fields.i16());
            for version in [max + 1, min - 1, i16::MAX, i16::MIN] {
                let answer = try_once(broker.port, &frame(key, version, &[0; 20]));
                if key == API_VERSIONS {
                    // KIP-511: version 0 of the answer, with the code and the versions there are.
                    assert_eq!(Fields(&answer.unwrap()[4..]).i16(), 35, "version {version}");
                } else {
                    assert_eq!(answer, None, "API {key} version {version}");
                }
            }
        }
        broker.assert_refusal("unsupported version");
        honest.goes_on();
    });
}

#[test]
fn headers_that_lie_close_the_connection() {
    beside_an_honest_client(&[], |broker, honest| {
        let header = |client_length: i16, rest: &[u8]| {
            let body = Body::default()
                .i16(API_VERSIONS)
                .i16(3)
                .i32(1)
                .i16(client_length);
            let body = body.raw(rest).0;
            Body::default().bytes(&body).0
        };
        let cases = [
            (
                "client id longer than the request",
                header(i16::MAX, b"short"),
            ),
            (
                "more tags than bytes",
                header(0, &[0xff, 0xff, 0xff, 0xff, 0x07]),
            ),
            (
                "a tag longer than the request",
                header(0, &[1, 0, 0xff, 0xff, 0xff, 0xff, 0x07]),
            ),
            ("an endless varint", header(0, &[0xff; 12])),
        ];
        for (name, bytes) in cases {
            assert_eq!(try_once(broker.port, &bytes), None, "{name}");
        }
        broker.assert_refusal("no request header");
        honest.goes_on();
    });
}

#[test]
fn what_came_before_garbage_is_still_answered() {
    beside_an_honest_client(&[], |broker, _| {
        let mut stream = connect(broker.port);
        let first = frame(API_VERSIONS, 0, &[]);
        stream
            .write_all(&[&first[..], &first, &[0xff; 4]].concat())
            .unwrap();
        assert!(reply(&mut stream).is_some());
        assert!(reply(&mut stream).is_some());
        assert_eq!(reply(&mut stream), None);
        // Half a close is no close: what was asked is answered.
        let mut stream = connect(broker.port);
        stream.write_all(&fetch("honest", 0, 1000)).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(reply(&mut stream).is_some());
        assert_eq!(reply(&mut stream), None);
    });
}

#[test]
fn produces_without_acknowledgement_that_fail_close_the_connection() {
    beside_an_honest_client(&[], |broker, honest| {
        assert_eq!(try_once(broker.port, &produce("nowhere", 0, b"")), None);
        broker.assert_refusal("acks=0");
        // No batch at all is told before that, as by Kafka.
        let good = crate::wire::batch(protocol::compression::Compression::None, &[b"v"]);
        let acks_2 = try_once(broker.port, &produce("honest", 2, &good)).unwrap();
        assert_eq!(
            crate::wire::produced(&acks_2).0,
            21,
            "INVALID_REQUIRED_ACKS"
        );
        assert_eq!(try_once(broker.port, &frame(PRODUCE, 9, &[0xff; 40])), None);
        honest.goes_on();
    });
}
