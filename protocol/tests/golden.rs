//! What went over the wire between real clients and Apache Kafka 4.3.0 decodes, and encodes to the same bytes.

#![allow(clippy::unwrap_used)]

use protocol::header::{RequestHeader, put_response_header, skip_response_header};
use protocol::messages::{recode_request, recode_response};
use protocol::primitives::Reader;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex"))
        .collect()
}

#[test]
fn captures_recode_to_the_same_bytes() {
    let text = include_str!("golden/kafka-4.3.0.tsv");
    let mut pairs = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (key, version): (i16, i16) = (columns[0].parse().unwrap(), columns[1].parse().unwrap());
        let (request, response) = (unhex(columns[3]), unhex(columns[4]));
        let what = format!("{} {key} v{version}", columns[2]);

        let (header, body) = RequestHeader::decode(&request[4..]).unwrap();
        assert_eq!(
            (header.api_key, header.api_version),
            (key, version),
            "{what}"
        );
        let mut again = Vec::new();
        header.encode(&mut again);
        again.extend(
            recode_request(key, version, &request[4 + body..])
                .unwrap_or_else(|error| panic!("{what}: {error}")),
        );
        assert_eq!(again, request[4..], "{what} request");

        let mut reader = Reader::new(&response[4..]);
        let correlation_id = skip_response_header(&mut reader, key, version).unwrap();
        assert_eq!(correlation_id, header.correlation_id, "{what}");
        let mut again = Vec::new();
        put_response_header(&mut again, key, version, correlation_id);
        let body = recode_response(key, version, &response[4 + reader.position()..]);
        again.extend(body.unwrap_or_else(|error| panic!("{what} response: {error}")));
        assert_eq!(again, response[4..], "{what} response");
        pairs += 1;
    }
    assert!(pairs > 250, "the captures are there: {pairs}");
}
