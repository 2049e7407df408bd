//! Produce, the client's side: the bytes before a batch, and a walk over the answer. Version 7, the newest without tagged fields
//! whose body ends with the records. Allocates nothing per answer.

use std::borrow::Cow;

use crate::header::RequestHeader;
use crate::messages::produce::{
    KEY, ProduceRequest as Request, ProduceRequestTopicData as TopicData,
};
use crate::primitives::{DecodeError, Reader};

/// The version spoken.
pub const CLIENT_VERSION: i16 = 7;
/// Position of the correlation id in a frame: after length, API key and version.
const CORRELATION_ID: usize = 8;
/// Bytes of an answered partition: number, error code, base offset, log append time, log start offset.
const ANSWER_BYTES: usize = 30;

/// A Produce request to partitions of one topic, up to its first partition.
#[derive(Debug, Clone)]
pub struct ProduceHead {
    bytes: Vec<u8>,
}

impl ProduceHead {
    /// `acks` as in Kafka.
    pub fn new(client_id: &str, topic: &str, acks: i16, timeout_ms: i32) -> Self {
        let mut bytes = vec![0; 4];
        RequestHeader {
            api_key: KEY,
            api_version: CLIENT_VERSION,
            correlation_id: 0,
            client_id: Some(client_id.into()),
        }
        .encode(&mut bytes);
        let request = Request {
            acks,
            timeout_ms,
            topic_data: vec![TopicData {
                name: Cow::Borrowed(topic),
                partition_data: Vec::new(),
                ..Default::default()
            }],
            ..Default::default()
        };
        request.encode(&mut bytes, CLIENT_VERSION);
        Self { bytes }
    }

    /// Appends the head of a request of `partitions` partitions, whose batches are `batches_bytes` long together. Each
    /// partition follows by [`put_partition`] and its batch.
    pub fn put(
        &self,
        out: &mut Vec<u8>,
        correlation_id: i32,
        partitions: usize,
        batches_bytes: usize,
    ) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        let whole = self.bytes.len() + 8 * partitions + batches_bytes;
        let length = i32::try_from(whole - 4).expect("a request's bytes are bounded by options");
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        out[start + CORRELATION_ID..][..4].copy_from_slice(&correlation_id.to_be_bytes());
        let count = out.len() - 4;
        out[count..].copy_from_slice(&(partitions as i32).to_be_bytes());
    }
}

/// Appends what stands before a partition's batch.
pub fn put_partition(out: &mut Vec<u8>, partition: i32, batch_bytes: usize) {
    out.extend_from_slice(&partition.to_be_bytes());
    out.extend_from_slice(&(batch_bytes as i32).to_be_bytes());
}

/// What was answered for one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProduceAnswer {
    /// Its number.
    pub partition: i32,
    /// Kafka's code.
    pub error_code: i16,
    /// Of the batch's first record; -1 on error.
    pub base_offset: i64,
}

/// Walks the body of an answer to a request for partitions of one topic, in its order.
pub fn walk_answer(body: &[u8], mut on: impl FnMut(ProduceAnswer)) -> Result<(), DecodeError> {
    let mut reader = Reader::new(body);
    for _ in 0..reader.count("responses", false, 6)?.unwrap_or(0) {
        let name_bytes = reader.int16("name")?;
        reader.take("name", usize::try_from(name_bytes).unwrap_or(0))?;
        let partitions = reader.count("partition_responses", false, ANSWER_BYTES)?;
        for _ in 0..partitions.unwrap_or(0) {
            let answer = ProduceAnswer {
                partition: reader.int32("index")?,
                error_code: reader.int16("error_code")?,
                base_offset: reader.int64("base_offset")?,
            };
            reader.take("log_append_time_ms, log_start_offset", 16)?;
            on(answer);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::produce as wire;
    use crate::produce::ProduceRequest;

    #[test]
    fn head_and_partitions_make_a_request() {
        let head = ProduceHead::new("client", "topic", -1, 3000);
        let batches = [vec![1_u8; 10], vec![2; 30]];
        let mut out = vec![9; 5];
        head.put(&mut out, 77, 2, 40);
        for (partition, batch) in (4..).zip(&batches) {
            put_partition(&mut out, partition, batch.len());
            out.extend_from_slice(batch);
        }
        let frame = &out[5..];
        assert_eq!(frame[..4], ((frame.len() - 4) as i32).to_be_bytes());
        let (header, bytes) = RequestHeader::decode(&frame[4..]).expect("header");
        assert_eq!(
            (header.correlation_id, header.client_id.as_deref()),
            (77, Some("client"))
        );
        let body = &frame[4 + bytes..];
        let request = ProduceRequest::parse(body, CLIENT_VERSION).expect("body");
        assert_eq!((request.acks, request.timeout_ms), (-1, 3000));
        let seen: Vec<_> = request.partitions().collect();
        assert_eq!((seen[0].partition, seen[1].partition), (4, 5));
        for (seen, batch) in seen.iter().zip(&batches) {
            assert_eq!(&*seen.topic, "topic");
            assert_eq!(&body[seen.records.clone().expect("records")], &batch[..]);
        }
    }

    #[test]
    fn an_answer_is_walked_as_the_decoder_reads_it() {
        let partition =
            |index, error_code, base_offset| wire::ProduceResponseTopicResponsePartitionResponse {
                index,
                error_code,
                base_offset,
                ..Default::default()
            };
        let response = wire::ProduceResponse {
            responses: vec![wire::ProduceResponseTopicResponse {
                name: "topic".into(),
                partition_responses: vec![partition(3, 0, 70), partition(1, 6, -1)],
                ..Default::default()
            }],
            ..Default::default()
        };
        let mut body = Vec::new();
        response.encode(&mut body, CLIENT_VERSION);
        let mut seen = Vec::new();
        walk_answer(&body, |answer| seen.push(answer)).expect("an answer");
        let expected = |partition, error_code, base_offset| ProduceAnswer {
            partition,
            error_code,
            base_offset,
        };
        assert_eq!(seen, [expected(3, 0, 70), expected(1, 6, -1)]);
        for end in 0..body.len() - 4 {
            assert!(walk_answer(&body[..end], |_| {}).is_err(), "{end}");
        }
    }
}
