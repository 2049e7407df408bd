//! Produce, the broker's side: a walk over the request that allocates nothing (but for text that is not UTF-8), and a
//! response written as it is decided.
//! Versions 3 to 13 (KIP-98, KIP-467, KIP-516; flexible from 9, topics by id from 13). Never looks into record batches.

pub mod client;

use std::borrow::Cow;
use std::ops::Range;

use crate::messages::produce::{
    FLEXIBLE, ProduceRequestTopicData, ProduceRequestTopicDataPartitionData,
};
use crate::primitives::{
    DecodeError, Reader, Uuid, put_array, put_nullable_string, put_string, put_unsigned_varint,
    required,
};

/// A Produce request whose bytes were checked from end to end: iterating over it cannot fail.
#[derive(Debug, Clone)]
pub struct ProduceRequest<'a> {
    /// Of a transactional producer.
    pub transactional_id: Option<Cow<'a, str>>,
    /// -1 (all), 0 or 1; others are the caller's to refuse.
    pub acks: i16,
    /// How long the client waits, milliseconds.
    pub timeout_ms: i32,
    /// Topics in the request.
    pub topics_len: usize,
    topics: Reader<'a>,
    version: i16,
}

/// Version from which topics are named by their ids.
const BY_ID: i16 = 13;

/// One partition's part of a Produce request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionProduce<'a> {
    /// Topic name; empty in versions that name topics by id.
    pub topic: Cow<'a, str>,
    /// Topic id; 0 in versions that name topics by name.
    pub topic_id: Uuid,
    /// Partitions of this topic in the request, in the first one's item; 0 in the others'.
    pub partitions_of_topic: usize,
    /// Partition number.
    pub partition: i32,
    /// Where its records lie in the body; `None` for null.
    pub records: Option<Range<usize>>,
}

impl<'a> ProduceRequest<'a> {
    /// Walks and checks the whole body.
    pub fn parse(body: &'a [u8], version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut reader = Reader::new(body);
        let transactional_id = reader.nullable_string("transactional_id", flexible)?;
        let acks = reader.int16("acks")?;
        let timeout_ms = reader.int32("timeout_ms")?;
        let topic_bytes_min = ProduceRequestTopicData::bytes_min(version);
        let topics_len = required(
            "topic_data",
            reader.count("topic_data", flexible, topic_bytes_min)?,
        )?;
        let request = Self {
            transactional_id,
            acks,
            timeout_ms,
            topics_len,
            topics: reader,
            version,
        };
        let mut partitions = request.partitions();
        while partitions.step()?.is_some() {}
        partitions.end_of_struct()?;
        Ok(request)
    }

    /// Its partitions, in the order of the request.
    pub fn partitions(&self) -> Partitions<'a> {
        Partitions {
            reader: self.topics.clone(),
            version: self.version,
            topics_left: self.topics_len,
            partitions_left: 0,
            topic: Cow::Borrowed(""),
            topic_id: Uuid(0),
        }
    }
}

/// Iterator of [`ProduceRequest::partitions`].
#[derive(Debug, Clone)]
pub struct Partitions<'a> {
    reader: Reader<'a>,
    version: i16,
    topics_left: usize,
    partitions_left: usize,
    topic: Cow<'a, str>,
    topic_id: Uuid,
}

impl<'a> Partitions<'a> {
    fn step(&mut self) -> Result<Option<PartitionProduce<'a>>, DecodeError> {
        let flexible = self.version >= FLEXIBLE;
        let mut partitions_of_topic = 0;
        while self.partitions_left == 0 {
            if self.topics_left == 0 {
                return Ok(None);
            }
            self.topics_left -= 1;
            if self.version >= BY_ID {
                self.topic_id = self.reader.uuid("topic_id")?;
            } else {
                self.topic = self.reader.string("name", flexible)?;
            }
            let bytes_min = ProduceRequestTopicDataPartitionData::bytes_min(self.version);
            let partitions = self.reader.count("partition_data", flexible, bytes_min)?;
            partitions_of_topic = required("partition_data", partitions)?;
            self.partitions_left = partitions_of_topic;
            if partitions_of_topic == 0 {
                self.end_of_struct()?;
            }
        }
        if let Cow::Owned(text) = &self.topic {
            self.reader.charge("name", text.len())?;
        }
        let partition = self.reader.int32("index")?;
        let records = self.reader.nullable_bytes("records", flexible)?;
        let end = self.reader.position();
        let records = records.map(|records| end - records.len()..end);
        self.end_of_struct()?;
        self.partitions_left -= 1;
        if self.partitions_left == 0 {
            self.end_of_struct()?;
        }
        Ok(Some(PartitionProduce {
            topic: self.topic.clone(),
            topic_id: self.topic_id,
            partitions_of_topic,
            partition,
            records,
        }))
    }

    fn end_of_struct(&mut self) -> Result<(), DecodeError> {
        if self.version >= FLEXIBLE {
            self.reader.skip_tags()?;
        }
        Ok(())
    }
}

impl<'a> Iterator for Partitions<'a> {
    type Item = PartitionProduce<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step()
            .expect("the request was checked when it was parsed")
    }
}

/// What is answered for one partition.
#[derive(Debug, Clone, Copy, Default)]
pub struct PartitionAnswer<'a> {
    /// Partition number.
    pub partition: i32,
    /// Kafka's code, 0 for success.
    pub error_code: i16,
    /// Offset of the first record, -1 on error.
    pub base_offset: i64,
    /// The broker's time of a LogAppendTime topic, else -1.
    pub log_append_time_ms: i64,
    /// First offset still there, -1 on error.
    pub log_start_offset: i64,
    /// Index in the batch and reason of each refused record (version 8).
    pub record_errors: &'a [(i32, String)],
    /// One sentence (version 8).
    pub error_message: Option<&'a str>,
}

/// Writes the body of a Produce response, one partition after the other.
pub struct ProduceResponseWriter<'a> {
    out: &'a mut Vec<u8>,
    version: i16,
    flexible: bool,
    in_topic: bool,
}

impl<'a> ProduceResponseWriter<'a> {
    /// Begins a response of `topics` topics.
    pub fn begin(out: &'a mut Vec<u8>, version: i16, topics: usize) -> Self {
        let flexible = version >= FLEXIBLE;
        put_array(out, Some(topics), flexible);
        Self {
            out,
            version,
            flexible,
            in_topic: false,
        }
    }

    /// Begins a topic of `partitions` partitions, told by its name or, from version 13, its id.
    pub fn topic(&mut self, name: &str, topic_id: Uuid, partitions: usize) {
        self.end_topic();
        if self.version >= BY_ID {
            self.out.extend_from_slice(&topic_id.0.to_be_bytes());
        } else {
            put_string(self.out, name, self.flexible);
        }
        put_array(self.out, Some(partitions), self.flexible);
        self.in_topic = true;
    }

    /// Writes one partition of the topic begun last.
    pub fn partition(&mut self, answer: &PartitionAnswer<'_>) {
        self.out.extend_from_slice(&answer.partition.to_be_bytes());
        self.out.extend_from_slice(&answer.error_code.to_be_bytes());
        self.out
            .extend_from_slice(&answer.base_offset.to_be_bytes());
        self.out
            .extend_from_slice(&answer.log_append_time_ms.to_be_bytes());
        if self.version >= 5 {
            self.out
                .extend_from_slice(&answer.log_start_offset.to_be_bytes());
        }
        if self.version >= 8 {
            put_array(self.out, Some(answer.record_errors.len()), self.flexible);
            for (index, message) in answer.record_errors {
                self.out.extend_from_slice(&index.to_be_bytes());
                put_nullable_string(
                    self.out,
                    (!message.is_empty()).then_some(message),
                    self.flexible,
                );
                self.end_of_struct();
            }
            put_nullable_string(self.out, answer.error_message, self.flexible);
        }
        self.end_of_struct();
    }

    /// Ends the response.
    pub fn finish(mut self, throttle_time_ms: i32) {
        self.end_topic();
        self.out.extend_from_slice(&throttle_time_ms.to_be_bytes());
        self.end_of_struct();
    }

    fn end_topic(&mut self) {
        if std::mem::take(&mut self.in_topic) {
            self.end_of_struct();
        }
    }

    fn end_of_struct(&mut self) {
        if self.flexible {
            put_unsigned_varint(self.out, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::produce as generated;
    use proptest::prelude::*;
    use std::borrow::Cow;

    fn sample(version: i16) -> Vec<u8> {
        let partition = |index, records: Option<&'static [u8]>| {
            generated::ProduceRequestTopicDataPartitionData {
                index,
                records: records.map(Cow::Borrowed),
            }
        };
        let topic = |name: &'static str, partition_data| generated::ProduceRequestTopicData {
            name: name.into(),
            topic_id: Uuid(name.len() as u128),
            partition_data,
        };
        let request = generated::ProduceRequest {
            transactional_id: None,
            acks: -1,
            timeout_ms: 1500,
            topic_data: vec![
                topic("empty", vec![]),
                topic("one", vec![partition(0, Some(b"abc")), partition(7, None)]),
                topic("two", vec![partition(1, Some(b""))]),
            ],
        };
        let mut out = Vec::new();
        request.encode(&mut out, version);
        out
    }

    #[test]
    fn the_walk_sees_what_the_generated_decoder_sees() {
        for version in 3..=13 {
            let body = sample(version);
            let request = ProduceRequest::parse(&body, version).unwrap();
            assert_eq!(
                (request.acks, request.timeout_ms, request.topics_len),
                (-1, 1500, 3)
            );
            let seen: Vec<_> = request.partitions().collect();
            assert_eq!(seen.len(), 3);
            assert_eq!((seen[0].partition, seen[0].partitions_of_topic), (0, 2));
            if version >= BY_ID {
                assert_eq!((&*seen[0].topic, seen[0].topic_id), ("", Uuid(3)));
            } else {
                assert_eq!((&*seen[0].topic, seen[0].topic_id), ("one", Uuid(0)));
            }
            assert_eq!(&body[seen[0].records.clone().unwrap()], b"abc");
            assert_eq!(
                (
                    seen[1].partition,
                    &seen[1].records,
                    seen[1].partitions_of_topic
                ),
                (7, &None, 0)
            );
            assert_eq!((seen[2].partition, seen[2].partitions_of_topic), (1, 1));
            assert!(seen[2].records.as_ref().unwrap().is_empty());
        }
    }

    #[test]
    fn the_writer_writes_what_the_generated_encoder_writes() {
        for version in 3..=13 {
            let mut ours = Vec::new();
            let mut writer = ProduceResponseWriter::begin(&mut ours, version, 1);
            writer.topic("one", Uuid(7), 1);
            let errors = [(3, String::from("no key"))];
            writer.partition(&PartitionAnswer {
                partition: 4,
                error_code: 87,
                base_offset: -1,
                log_append_time_ms: -1,
                log_start_offset: -1,
                record_errors: &errors,
                error_message: Some("refused"),
            });
            writer.finish(9);
            let decoded =
                generated::ProduceResponse::decode(&mut Reader::new(&ours), version).unwrap();
            assert_eq!(decoded.throttle_time_ms, 9);
            assert_eq!(decoded.responses[0].partition_responses[0].error_code, 87);
            let mut again = Vec::new();
            decoded.encode(&mut again, version);
            assert_eq!(again, ours);
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>, version in 3i16..=13) {
            if let Ok(request) = ProduceRequest::parse(&bytes, version) {
                for part in request.partitions() {
                    prop_assert!(part.records.is_none_or(|records| records.end <= bytes.len()));
                }
            }
        }

        #[test]
        fn cut_requests_are_refused(version in 3i16..=13, cut in 0usize..40) {
            let body = sample(version);
            let cut = cut.min(body.len() - 1);
            prop_assert!(ProduceRequest::parse(&body[..cut], version).is_err());
        }
    }
}
