//! What went over the wire between real clients and Apache Kafka 4.3.0 decodes, and encodes to the same bytes.

#![allow(clippy::unwrap_used)]

use protocol::fetch::{CurrentLeader, DivergingEpoch, FetchResponseWriter};
use protocol::header::{RequestHeader, put_response_header, skip_response_header};
use protocol::messages::{covered, fetch, metadata, produce, recode_request, recode_response};
use protocol::primitives::Reader;
use protocol::produce::{ProduceRequest, ProduceResponseWriter};

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex"))
        .collect()
}

/// One pair of the captures: its API, version and client, the request and the response without their lengths.
struct Pair {
    key: i16,
    version: i16,
    what: String,
    request: Vec<u8>,
    response: Vec<u8>,
}

fn captures() -> Vec<Pair> {
    let text = include_str!("golden/kafka-4.3.0.tsv");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let (key, version) = (columns[0].parse().unwrap(), columns[1].parse().unwrap());
            Pair {
                key,
                version,
                what: format!("{} {key} v{version}", columns[2]),
                request: unhex(columns[3])[4..].to_vec(),
                response: unhex(columns[4])[4..].to_vec(),
            }
        })
        .collect()
}

#[test]
fn captures_recode_to_the_same_bytes() {
    let mut versions = std::collections::BTreeSet::new();
    for pair in captures() {
        let Pair {
            key, version, what, ..
        } = &pair;
        let (header, body) = RequestHeader::decode(&pair.request).unwrap();
        assert_eq!(
            (header.api_key, header.api_version),
            (*key, *version),
            "{what}"
        );
        let mut again = Vec::new();
        header.encode(&mut again);
        let recoded = recode_request(*key, *version, &pair.request[body..]);
        again.extend(recoded.unwrap_or_else(|error| panic!("{what}: {error}")));
        assert_eq!(again, pair.request, "{what} request");

        let mut reader = Reader::new(&pair.response);
        let correlation_id = skip_response_header(&mut reader, *key, *version).unwrap();
        assert_eq!(correlation_id, header.correlation_id, "{what}");
        let mut again = Vec::new();
        put_response_header(&mut again, *key, *version, correlation_id);
        let recoded = recode_response(*key, *version, &pair.response[reader.position()..]);
        again.extend(recoded.unwrap_or_else(|error| panic!("{what} response: {error}")));
        assert_eq!(again, pair.response, "{what} response");
        versions.insert((*key, *version));
    }
    for (key, range) in covered() {
        for version in range {
            assert!(versions.contains(&(key, version)), "{key} v{version}");
        }
    }
}

/// The walk over a Produce request sees what the generated decoder sees, and the writers of Produce and Fetch responses
/// write what Kafka wrote.
#[test]
fn captures_pass_the_hand_written_produce_and_fetch() {
    let mut seen = [0; 2];
    for pair in captures() {
        let (_, body) = RequestHeader::decode(&pair.request).unwrap();
        let mut reader = Reader::new(&pair.response);
        let correlation_id = skip_response_header(&mut reader, pair.key, pair.version).unwrap();
        let mut again = Vec::new();
        put_response_header(&mut again, pair.key, pair.version, correlation_id);
        match pair.key {
            produce::KEY => {
                walk_produce(&pair, &pair.request[body..]);
                let response = produce::ProduceResponse::decode(&mut reader, pair.version).unwrap();
                write_produce(&response, pair.version, &mut again);
            }
            fetch::KEY => {
                let response = fetch::FetchResponse::decode(&mut reader, pair.version).unwrap();
                again = write_fetch(&response, pair.version, again);
            }
            _ => continue,
        }
        assert_eq!(again, pair.response, "{}", pair.what);
        seen[pair.key as usize] += 1;
    }
    assert!(seen[0] >= 78 && seen[1] >= 57, "{seen:?}");
}

fn walk_produce(pair: &Pair, body: &[u8]) {
    let generated = produce::ProduceRequest::decode(&mut Reader::new(body), pair.version).unwrap();
    let walked = ProduceRequest::parse(body, pair.version).unwrap();
    assert_eq!(walked.transactional_id, generated.transactional_id);
    assert_eq!(
        (walked.acks, walked.timeout_ms),
        (generated.acks, generated.timeout_ms)
    );
    let expected = generated.topic_data.iter().flat_map(|topic| {
        let partitions = topic.partition_data.iter();
        let records = partitions.map(|one| (one.index, one.records.as_deref()));
        records.map(|(index, records)| (topic.name.clone(), topic.topic_id, index, records))
    });
    let found = walked.partitions().map(|one| {
        let records = one.records.map(|range| &body[range]);
        (one.topic, one.topic_id, one.partition, records)
    });
    assert!(found.eq(expected), "{}", pair.what);
}

fn write_produce(response: &produce::ProduceResponse<'_>, version: i16, out: &mut Vec<u8>) {
    let mut writer = ProduceResponseWriter::begin(out, version, response.responses.len());
    for topic in &response.responses {
        let partitions = topic.partition_responses.len();
        writer.topic(&topic.name, topic.topic_id, partitions);
        for one in &topic.partition_responses {
            let errors: Vec<_> = one
                .record_errors
                .iter()
                .map(|error| {
                    let message = error.batch_index_error_message.as_deref();
                    (error.batch_index, message.unwrap_or_default().to_owned())
                })
                .collect();
            writer.partition(&protocol::produce::PartitionAnswer {
                partition: one.index,
                error_code: one.error_code,
                base_offset: one.base_offset,
                log_append_time_ms: one.log_append_time_ms,
                log_start_offset: one.log_start_offset,
                record_errors: &errors,
                error_message: one.error_message.as_deref(),
            });
        }
    }
    writer.finish(response.throttle_time_ms);
}

fn write_fetch(response: &fetch::FetchResponse<'_>, version: i16, out: Vec<u8>) -> Vec<u8> {
    let topics = response.responses.len();
    let codes = (response.error_code, response.session_id);
    let mut writer = FetchResponseWriter::begin(out, version, codes, topics);
    let mut records = Vec::new();
    for topic in &response.responses {
        writer.topic(&topic.topic, topic.topic_id, topic.partitions.len());
        for one in &topic.partitions {
            let bytes = one.records.as_deref().unwrap_or_default();
            records.extend((!bytes.is_empty()).then_some(bytes));
            let diverging = &one.diverging_epoch;
            writer.partition(&protocol::fetch::PartitionAnswer {
                partition: one.partition_index,
                error_code: one.error_code,
                high_watermark: one.high_watermark,
                last_stable_offset: one.last_stable_offset,
                log_start_offset: one.log_start_offset,
                diverging_epoch: (diverging.epoch >= 0).then_some(DivergingEpoch {
                    epoch: diverging.epoch,
                    end_offset: diverging.end_offset,
                }),
                current_leader: (one.current_leader.leader_id >= 0).then_some(CurrentLeader {
                    leader_id: one.current_leader.leader_id,
                    leader_epoch: one.current_leader.leader_epoch,
                }),
                aborted_transactions: one.aborted_transactions.is_some(),
                records_bytes: bytes.len(),
            });
        }
    }
    let (mut out, gaps) = writer.finish(&response.node_endpoints);
    assert_eq!(gaps.len(), records.len());
    for (gap, records) in gaps.iter().zip(records).rev() {
        out.splice(gap.position..gap.position, records.iter().copied());
    }
    out
}

/// Where a version knows no null, an encoder writes an empty value.
#[test]
fn a_null_is_never_written_where_none_may_be() {
    let mut request = metadata::MetadataRequest {
        topics: None,
        ..Default::default()
    };
    let recode = |request: &metadata::MetadataRequest<'_>, version| {
        let mut out = Vec::new();
        request.encode(&mut out, version);
        metadata::MetadataRequest::decode(&mut Reader::new(&out), version)
            .map(|decoded| decoded.topics.map(|topics| topics.len()))
    };
    assert_eq!(recode(&request, 0), Ok(Some(0)));
    assert_eq!(recode(&request, 1), Ok(None));
    request.topics = Some(vec![metadata::MetadataRequestTopic::default()]);
    for version in metadata::VERSION_MIN..=metadata::VERSION_MAX {
        assert_eq!(recode(&request, version), Ok(Some(1)), "version {version}");
    }
}
