//! Requests of every API: key and version are the first four bytes, as on the wire. What decodes also encodes, to bytes
//! that decode to the same; the hand-written walk over a Produce sees what the generated decoder sees.
//! `cargo fuzz run -s none kafka_request`
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::header::RequestHeader;
use protocol::messages::{produce, recode_request};
use protocol::primitives::{Problem, Reader};
use protocol::produce::ProduceRequest;

fuzz_target!(|data: &[u8]| {
    let Ok((header, body_at)) = RequestHeader::decode(data) else {
        return;
    };
    let (key, version, body) = (header.api_key, header.api_version, &data[body_at..]);
    let Ok(once) = recode_request(key, version, body) else {
        return;
    };
    match recode_request(key, version, &once) {
        Ok(twice) => assert_eq!(once, twice),
        // Text that was not UTF-8 grows; a long one may not fit any more.
        Err(error) => assert!(matches!(error.problem, Problem::Length | Problem::Memory)),
    }
    if key == produce::KEY {
        walk_produce(body, version);
    }
});

fn walk_produce(body: &[u8], version: i16) {
    let generated = produce::ProduceRequest::decode(&mut Reader::new(body), version)
        .expect("it was decoded before");
    let Ok(walked) = ProduceRequest::parse(body, version) else {
        return; // Each partition of a topic whose name is not UTF-8 is charged for it.
    };
    let expected = generated.topic_data.iter().flat_map(|topic| {
        let partitions = topic.partition_data.iter();
        let records = partitions.map(|one| (one.index, one.records.as_deref()));
        records.map(|(index, records)| (&topic.name, topic.topic_id, index, records))
    });
    let mut found = walked.partitions();
    for (topic, topic_id, partition, records) in expected {
        let one = found.next().expect("as many partitions");
        assert_eq!((&one.topic, one.topic_id), (topic, topic_id));
        assert_eq!(one.partition, partition);
        assert_eq!(one.records.map(|range| &body[range]), records);
    }
    assert!(found.next().is_none());
}
