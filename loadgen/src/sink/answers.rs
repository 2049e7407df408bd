//! What the sink answers. Knows the requests that this program sends, one partition a Produce, and no others.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::SocketAddr;

use protocol::compression::Compression;
use protocol::header::{RequestHeader, put_response_header};
use protocol::messages::{
    create_topics, describe_configs, fetch, init_producer_id, list_offsets, metadata, produce,
};
use protocol::primitives::{DecodeError, Reader};
use protocol::record_batch::{BatchHeader, TemplateHeader};

use crate::args::SinkArgs;
use crate::content::{Batch, BatchPool, BatchShape, Stamp};
use crate::keys::Keys;
use crate::payload::{Payload, Sizes};

/// Where every partition seems to end.
const END_OFFSET: i64 = 1 << 50;
/// The base offset's bytes at the start of a batch, which no checksum covers.
pub const BASE_OFFSET_BYTES: usize = 8;

/// A partition of a fetch answer.
pub struct Part {
    /// What comes before its batches.
    pub head: Vec<u8>,
    /// Base offsets of its batches.
    pub offsets: Vec<[u8; BASE_OFFSET_BYTES]>,
    /// Which.
    pub partition: i32,
    /// How many batches of it lie before.
    pub first_batch: usize,
}

/// What becomes of a request.
pub enum Answer {
    /// It is in the output.
    Whole,
    /// It is sent from where it lies, in memory or on the disk.
    Fetch(Vec<Part>),
}

/// A Produce of this program: one batch for one partition.
struct Produced<'a> {
    acks: i16,
    topic: Cow<'a, str>,
    index: i32,
    /// As far as it is there.
    batch: &'a [u8],
}

impl<'a> Produced<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.nullable_string("transactional_id", false)?;
        let acks = reader.int16("acks")?;
        reader.int32("timeout_ms")?;
        reader.int32("topics")?;
        let topic = reader.string("name", false)?;
        reader.int32("partitions")?;
        let index = reader.int32("index")?;
        let bytes = usize::try_from(reader.int32("records")?).unwrap_or(usize::MAX);
        let batch = reader.take("records", bytes.min(reader.remaining()))?;
        Ok(Self {
            acks,
            topic,
            index,
            batch,
        })
    }
}

/// The batch of the request in `head`, if that is a Produce.
pub fn produced(head: &[u8]) -> std::io::Result<Option<&[u8]>> {
    let read = || -> Result<Option<&[u8]>, DecodeError> {
        let (header, position) = RequestHeader::decode(head)?;
        if header.api_key != produce::KEY {
            return Ok(None);
        }
        let produced = Produced::decode(&mut Reader::new(&head[position..]))?;
        Ok(Some(produced.batch))
    };
    read().map_err(|error| std::io::Error::other(error.to_string()))
}

/// The batch that is given out.
pub fn batch(args: &SinkArgs) -> Batch {
    let shape = BatchShape {
        payload: Payload {
            sizes: Sizes::Fixed(args.record_bytes.max(36)),
            keys: Keys::None,
            tombstone_every: None,
            headers: 0,
            compressible: 0.0,
            lines: None,
            seed: 1,
        },
        records: args.batch_records as usize,
        compression: Compression::None,
        stamped: true,
    };
    let batch = BatchPool::new(&shape, 0).and_then(|mut pool| {
        let mut batch = pool.take(shape.records)?;
        let header = TemplateHeader {
            timestamp_ms: 0,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
        };
        batch.stamp(Stamp::default(), header)?;
        Ok(batch)
    });
    batch.expect("the options bound a batch")
}

/// Answers requests.
pub struct Answers {
    address: SocketAddr,
    partitions: i32,
    batch: Batch,
    next_offsets: HashMap<i32, i64>,
    next_producer_id: i64,
}

impl Answers {
    /// Of a broker at `address` that gives out `batch`.
    pub fn new(address: SocketAddr, partitions: i32, batch: Batch) -> Self {
        Self {
            address,
            partitions,
            batch,
            next_offsets: HashMap::new(),
            next_producer_id: 1,
        }
    }

    /// Answers the request that begins with `head` and is `request_bytes` long.
    pub fn answer(
        &mut self,
        head: &[u8],
        request_bytes: usize,
        out: &mut Vec<u8>,
    ) -> std::io::Result<Answer> {
        let wrong = |error: DecodeError| std::io::Error::other(error.to_string());
        let (header, position) = RequestHeader::decode(head).map_err(wrong)?;
        let body = &head[position..];
        let whole = head.len() == request_bytes;
        let (key, version) = (header.api_key, header.api_version);
        if key == fetch::KEY && whole {
            return self.fetch(&header, body).map_err(wrong);
        }
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        put_response_header(out, key, version, header.correlation_id);
        let reader = &mut Reader::new(body);
        let answered = match key {
            produce::KEY => self.produce(reader, version, out),
            metadata::KEY if whole => self.metadata(reader, version, out),
            list_offsets::KEY if whole => list_offsets(reader, version, out),
            create_topics::KEY if whole => create_topics(reader, version, out),
            describe_configs::KEY if whole => {
                describe_configs::DescribeConfigsResponse::default().encode(out, version);
                Ok(true)
            }
            init_producer_id::KEY => {
                self.next_producer_id += 1;
                init_producer_id::InitProducerIdResponse {
                    producer_id: self.next_producer_id,
                    ..Default::default()
                }
                .encode(out, version);
                Ok(true)
            }
            _ => return Err(std::io::Error::other("not a request of this program")),
        };
        match answered.map_err(wrong)? {
            true => {
                let length = (out.len() - start - 4) as i32;
                out[start..start + 4].copy_from_slice(&length.to_be_bytes());
            }
            false => out.truncate(start),
        }
        Ok(Answer::Whole)
    }

    /// Whether there is an answer.
    fn produce(
        &mut self,
        reader: &mut Reader<'_>,
        version: i16,
        out: &mut Vec<u8>,
    ) -> Result<bool, DecodeError> {
        let Produced {
            acks,
            topic,
            index,
            batch,
        } = Produced::decode(reader)?;
        let records = BatchHeader::parse(batch).map_or(0, |batch| batch.record_count());
        let next = self.next_offsets.entry(index).or_default();
        let base_offset = *next;
        *next += i64::from(records);
        produce::ProduceResponse {
            responses: vec![produce::ProduceResponseTopicResponse {
                name: topic,
                partition_responses: vec![produce::ProduceResponseTopicResponsePartitionResponse {
                    index,
                    base_offset,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        }
        .encode(out, version);
        Ok(acks != 0)
    }

    fn metadata(
        &self,
        reader: &mut Reader<'_>,
        version: i16,
        out: &mut Vec<u8>,
    ) -> Result<bool, DecodeError> {
        let request = metadata::MetadataRequest::decode(reader, version)?;
        let names = request
            .topics
            .iter()
            .flatten()
            .filter_map(|topic| topic.name.as_deref());
        let topics = names.map(|name| metadata::MetadataResponseTopic {
            name: Some(Cow::Borrowed(name)),
            partitions: (0..self.partitions)
                .map(|partition_index| metadata::MetadataResponseTopicPartition {
                    partition_index,
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        });
        metadata::MetadataResponse {
            brokers: vec![metadata::MetadataResponseBroker {
                node_id: 0,
                host: Cow::Owned(self.address.ip().to_string()),
                port: i32::from(self.address.port()),
                ..Default::default()
            }],
            topics: topics.collect(),
            ..Default::default()
        }
        .encode(out, version);
        Ok(true)
    }

    /// Each partition is answered as a topic of its own, which is as good to a reader and needs no grouping.
    fn fetch(&self, header: &RequestHeader<'_>, body: &[u8]) -> Result<Answer, DecodeError> {
        let version = header.api_version;
        let request = fetch::FetchRequest::decode(&mut Reader::new(body), version)?;
        let (batch_bytes, records) = (self.batch.bytes().len(), self.batch.records() as i64);
        let mut room = request.max_bytes as usize;
        let mut head = vec![0; 4];
        put_response_header(&mut head, header.api_key, version, header.correlation_id);
        fetch::FetchResponse::default().encode(&mut head, version);
        let (count_at, mut whole) = (head.len() - 4, 0);
        let mut parts: Vec<Part> = Vec::new();
        for topic in &request.topics {
            for partition in &topic.partitions {
                let bytes = room.min(partition.partition_max_bytes as usize);
                let count = (bytes / batch_bytes).max(usize::from(parts.is_empty()));
                room = room.saturating_sub(count * batch_bytes);
                fetch::FetchResponseTopicResponse {
                    topic: Cow::Borrowed(&topic.topic),
                    partitions: vec![fetch::FetchResponseTopicResponsePartitionData {
                        partition_index: partition.partition,
                        high_watermark: END_OFFSET,
                        records: Some(Cow::Borrowed(&[])),
                        ..Default::default()
                    }],
                    ..Default::default()
                }
                .encode(&mut head, version);
                let length_at = head.len() - 4;
                head[length_at..].copy_from_slice(&((count * batch_bytes) as i32).to_be_bytes());
                whole += head.len() + count * batch_bytes;
                let first = partition.fetch_offset;
                let offsets = (0..count as i64).map(|at| (first + at * records).to_be_bytes());
                parts.push(Part {
                    head: std::mem::take(&mut head),
                    offsets: offsets.collect(),
                    partition: partition.partition,
                    first_batch: (first / records) as usize,
                });
            }
        }
        let count = parts.len() as i32;
        if let Some(Part { head, .. }) = parts.first_mut() {
            head[..4].copy_from_slice(&((whole - 4) as i32).to_be_bytes());
            head[count_at..count_at + 4].copy_from_slice(&count.to_be_bytes());
        }
        Ok(Answer::Fetch(parts))
    }

    /// What is to be sent of a fetch answer from memory, in order.
    pub fn pieces<'a>(&'a self, parts: &'a [Part]) -> impl Iterator<Item = &'a [u8]> {
        let rest = &self.batch.bytes()[BASE_OFFSET_BYTES..];
        parts.iter().flat_map(move |part| {
            let batches = part.offsets.iter();
            let batches = batches.flat_map(move |offset| [&offset[..], rest]);
            std::iter::once(&part.head[..]).chain(batches)
        })
    }
}

fn list_offsets(
    reader: &mut Reader<'_>,
    version: i16,
    out: &mut Vec<u8>,
) -> Result<bool, DecodeError> {
    let request = list_offsets::ListOffsetsRequest::decode(reader, version)?;
    let topics = request
        .topics
        .iter()
        .map(|topic| list_offsets::ListOffsetsResponseTopic {
            name: topic.name.clone(),
            partitions: topic
                .partitions
                .iter()
                .map(
                    |partition| list_offsets::ListOffsetsResponseTopicPartition {
                        partition_index: partition.partition_index,
                        offset: match partition.timestamp {
                            -2 => 0,
                            _ => END_OFFSET,
                        },
                        ..Default::default()
                    },
                )
                .collect(),
        });
    list_offsets::ListOffsetsResponse {
        topics: topics.collect(),
        ..Default::default()
    }
    .encode(out, version);
    Ok(true)
}

fn create_topics(
    reader: &mut Reader<'_>,
    version: i16,
    out: &mut Vec<u8>,
) -> Result<bool, DecodeError> {
    let request = create_topics::CreateTopicsRequest::decode(reader, version)?;
    let topics = request
        .topics
        .iter()
        .map(|topic| create_topics::CreateTopicsResponseTopic {
            name: topic.name.clone(),
            ..Default::default()
        });
    create_topics::CreateTopicsResponse {
        topics: topics.collect(),
        ..Default::default()
    }
    .encode(out, version);
    Ok(true)
}
