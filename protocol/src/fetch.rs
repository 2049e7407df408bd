//! Fetch, the broker's answer: all bytes but the records, and the places where records go in between, so that they are
//! sent from where they lie. Versions 4 to 18 (KIP-98, KIP-227, KIP-320, KIP-392, KIP-516, KIP-595). Never copies a record.

mod stream;
pub use stream::{FetchEvent, FetchStream, FetchStreamError, STREAM_VERSION};

use crate::messages::fetch::{FLEXIBLE, FetchResponseNodeEndpoint};
use crate::primitives::{Uuid, put_array, put_string, put_unsigned_varint};

/// Version from which topics are named by their ids.
const BY_ID: i16 = 13;

/// Version from which nodes are told.
const NODES: i16 = 16;

/// An epoch and the offset where it ends: where a follower's or consumer's log parts from ours (KIP-595).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DivergingEpoch {
    /// The largest epoch not above the one asked for.
    pub epoch: i32,
    /// Where it ends.
    pub end_offset: i64,
}

/// Who leads a partition: told to clients that believe otherwise (KIP-951).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentLeader {
    /// Node id; -1 for none.
    pub leader_id: i32,
    /// -1 if it is not known.
    pub leader_epoch: i32,
}

/// Where a leader is that clients believed elsewhere.
pub type NodeEndpoint<'a> = FetchResponseNodeEndpoint<'a>;

/// What is answered for one partition, records aside.
#[derive(Debug, Clone, Copy)]
pub struct PartitionAnswer {
    /// Partition number.
    pub partition: i32,
    /// Kafka's code, 0 for success.
    pub error_code: i16,
    /// -1 on error.
    pub high_watermark: i64,
    /// -1 on error.
    pub last_stable_offset: i64,
    /// -1 on error.
    pub log_start_offset: i64,
    /// Version 12, in place of records.
    pub diverging_epoch: Option<DivergingEpoch>,
    /// Version 12, with an error.
    pub current_leader: Option<CurrentLeader>,
    /// Whether the list of aborted transactions is there, empty, rather than null (read_committed).
    pub aborted_transactions: bool,
    /// Bytes of records that go here.
    pub records_bytes: usize,
}

impl PartitionAnswer {
    /// An answer that is only an error.
    pub fn error(partition: i32, error_code: i16) -> Self {
        Self {
            partition,
            error_code,
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: None,
            current_leader: None,
            aborted_transactions: false,
            records_bytes: 0,
        }
    }
}

/// Writes the body of a Fetch response around records that stay where they are.
pub struct FetchResponseWriter {
    out: Vec<u8>,
    version: i16,
    flexible: bool,
    in_topic: bool,
    gaps: Vec<Gap>,
}

/// Where records go: after `position` bytes of what the writer wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Position in the written bytes.
    pub position: usize,
    /// Bytes of records.
    pub bytes: usize,
}

impl FetchResponseWriter {
    /// Begins a response after what already stands in `out` (length and header). `session_id` is 0 without a session.
    pub fn begin(
        mut out: Vec<u8>,
        version: i16,
        (error_code, session_id): (i16, i32),
        topics: usize,
    ) -> Self {
        let flexible = version >= FLEXIBLE;
        out.extend_from_slice(&0i32.to_be_bytes());
        if version >= 7 {
            out.extend_from_slice(&error_code.to_be_bytes());
            out.extend_from_slice(&session_id.to_be_bytes());
        }
        put_array(&mut out, Some(topics), flexible);
        Self {
            out,
            version,
            flexible,
            in_topic: false,
            gaps: Vec::new(),
        }
    }

    /// Begins a topic of `partitions` partitions, told by its name or, from version 13, its id.
    pub fn topic(&mut self, name: &str, topic_id: Uuid, partitions: usize) {
        self.end_topic();
        if self.version >= BY_ID {
            self.out.extend_from_slice(&topic_id.0.to_be_bytes());
        } else {
            put_string(&mut self.out, name, self.flexible);
        }
        put_array(&mut self.out, Some(partitions), self.flexible);
        self.in_topic = true;
    }

    /// Writes one partition of the topic begun last.
    pub fn partition(&mut self, answer: &PartitionAnswer) {
        let out = &mut self.out;
        out.extend_from_slice(&answer.partition.to_be_bytes());
        out.extend_from_slice(&answer.error_code.to_be_bytes());
        out.extend_from_slice(&answer.high_watermark.to_be_bytes());
        out.extend_from_slice(&answer.last_stable_offset.to_be_bytes());
        if self.version >= 5 {
            out.extend_from_slice(&answer.log_start_offset.to_be_bytes());
        }
        put_array(out, answer.aborted_transactions.then_some(0), self.flexible);
        if self.version >= 11 {
            out.extend_from_slice(&(-1i32).to_be_bytes());
        }
        if self.flexible {
            put_unsigned_varint(out, answer.records_bytes as u32 + 1);
        } else {
            out.extend_from_slice(&(answer.records_bytes as i32).to_be_bytes());
        }
        if answer.records_bytes > 0 {
            self.gaps.push(Gap {
                position: out.len(),
                bytes: answer.records_bytes,
            });
        }
        if !self.flexible {
            return;
        }
        let tags = answer.diverging_epoch.is_some() as u32 + answer.current_leader.is_some() as u32;
        put_unsigned_varint(out, tags);
        if let Some(diverging) = answer.diverging_epoch {
            put_unsigned_varint(out, 0);
            put_unsigned_varint(out, 13);
            out.extend_from_slice(&diverging.epoch.to_be_bytes());
            out.extend_from_slice(&diverging.end_offset.to_be_bytes());
            put_unsigned_varint(out, 0);
        }
        if let Some(leader) = answer.current_leader {
            put_unsigned_varint(out, 1);
            put_unsigned_varint(out, 9);
            out.extend_from_slice(&leader.leader_id.to_be_bytes());
            out.extend_from_slice(&leader.leader_epoch.to_be_bytes());
            put_unsigned_varint(out, 0);
        }
    }

    /// Ends the response: what was written, and where records go in between. `nodes` are told from version 16 on.
    pub fn finish(mut self, nodes: &[NodeEndpoint<'_>]) -> (Vec<u8>, Vec<Gap>) {
        self.end_topic();
        if self.flexible && (nodes.is_empty() || self.version < NODES) {
            put_unsigned_varint(&mut self.out, 0);
        } else if self.flexible {
            let mut inside = Vec::new();
            put_array(&mut inside, Some(nodes.len()), true);
            nodes
                .iter()
                .for_each(|node| node.encode(&mut inside, self.version));
            put_unsigned_varint(&mut self.out, 1);
            put_unsigned_varint(&mut self.out, 0);
            put_unsigned_varint(&mut self.out, inside.len() as u32);
            self.out.extend_from_slice(&inside);
        }
        (self.out, self.gaps)
    }

    fn end_topic(&mut self) {
        if std::mem::take(&mut self.in_topic) && self.flexible {
            put_unsigned_varint(&mut self.out, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::fetch::FetchResponse;
    use crate::primitives::Reader;

    #[test]
    fn what_is_written_around_records_is_what_clients_decode() {
        for version in 4..=18 {
            let mut writer = FetchResponseWriter::begin(Vec::new(), version, (0, 5), 1);
            writer.topic("t", Uuid(3), 2);
            let good = PartitionAnswer {
                high_watermark: 9,
                last_stable_offset: 9,
                log_start_offset: 1,
                records_bytes: 3,
                aborted_transactions: true,
                ..PartitionAnswer::error(0, 0)
            };
            writer.partition(&good);
            let diverging = Some(DivergingEpoch {
                epoch: 2,
                end_offset: 5,
            });
            writer.partition(&PartitionAnswer {
                diverging_epoch: diverging,
                current_leader: Some(CurrentLeader {
                    leader_id: 1002,
                    leader_epoch: 7,
                }),
                ..PartitionAnswer::error(1, 0)
            });
            let node = NodeEndpoint {
                node_id: 1002,
                host: "h".into(),
                port: 9094,
                rack: None,
            };
            let (mut bytes, gaps) = writer.finish(&[node]);
            assert_eq!(gaps.len(), 1);
            bytes.splice(gaps[0].position..gaps[0].position, *b"rec");
            let mut reader = Reader::new(&bytes);
            let decoded = FetchResponse::decode(&mut reader, version).unwrap();
            assert_eq!(reader.remaining(), 0);
            let partitions = &decoded.responses[0].partitions;
            assert_eq!(partitions[0].records.as_deref(), Some(&b"rec"[..]));
            assert_eq!(partitions[0].high_watermark, 9);
            assert_eq!(
                partitions[1].diverging_epoch.end_offset,
                if version >= 12 { 5 } else { -1 }
            );
            let epoch = partitions[1].current_leader.leader_epoch;
            assert_eq!(epoch, if version >= 12 { 7 } else { -1 });
            assert_eq!(decoded.node_endpoints.len(), usize::from(version >= 16));
            let mut again = Vec::new();
            decoded.encode(&mut again, version);
            assert_eq!(again, bytes, "version {version}");
        }
    }
}
