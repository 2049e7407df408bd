//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 1;
pub const VERSION_MIN: i16 = 4;
pub const VERSION_MAX: i16 = 18;
pub const FLEXIBLE: i16 = 12;

#[derive(Debug, Clone, PartialEq)]
pub struct FetchRequest<'a> {
    pub cluster_id: Option<Cow<'a, str>>,
    pub replica_id: i32,
    pub replica_state: FetchRequestReplicaState,
    pub max_wait_ms: i32,
    pub min_bytes: i32,
    pub max_bytes: i32,
    pub isolation_level: i8,
    pub session_id: i32,
    pub session_epoch: i32,
    pub topics: Vec<FetchRequestTopic<'a>>,
    pub forgotten_topics_data: Vec<FetchRequestForgottenTopic<'a>>,
    pub rack_id: Cow<'a, str>,
}

impl<'a> Default for FetchRequest<'a> {
    fn default() -> Self {
        Self {
            cluster_id: None,
            replica_id: -1,
            replica_state: Default::default(),
            max_wait_ms: Default::default(),
            min_bytes: Default::default(),
            max_bytes: 2147483647,
            isolation_level: Default::default(),
            session_id: Default::default(),
            session_epoch: -1,
            topics: Default::default(),
            forgotten_topics_data: Default::default(),
            rack_id: Default::default(),
        }
    }
}

impl<'a> FetchRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version <= 14 {
            out.replica_id = r.int32("replica_id")?;
        }
        out.max_wait_ms = r.int32("max_wait_ms")?;
        out.min_bytes = r.int32("min_bytes")?;
        out.max_bytes = r.int32("max_bytes")?;
        out.isolation_level = r.int8("isolation_level")?;
        if version >= 7 {
            out.session_id = r.int32("session_id")?;
        }
        if version >= 7 {
            out.session_epoch = r.int32("session_epoch")?;
        }
        out.topics = required("topics", r.array("topics", flexible, FetchRequestTopic::bytes_min(version), |r| FetchRequestTopic::decode(r, version))?)?;
        if version >= 7 {
            out.forgotten_topics_data = required("forgotten_topics_data", r.array("forgotten_topics_data", flexible, FetchRequestForgottenTopic::bytes_min(version), |r| FetchRequestForgottenTopic::decode(r, version))?)?;
        }
        if version >= 11 {
            out.rack_id = required("rack_id", r.nullable_string("rack_id", flexible)?)?;
        }
        if flexible {
            r.tags(|tag, r| {
                match tag {
                    0 if version >= 12 => out.cluster_id = null_if(version >= 12, "cluster_id", r.nullable_string("cluster_id", flexible)?)?,
                    1 if version >= 15 => out.replica_state = FetchRequestReplicaState::decode(r, version)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version <= 14 {
            w.extend_from_slice(&self.replica_id.to_be_bytes());
        }
        w.extend_from_slice(&self.max_wait_ms.to_be_bytes());
        w.extend_from_slice(&self.min_bytes.to_be_bytes());
        w.extend_from_slice(&self.max_bytes.to_be_bytes());
        w.extend_from_slice(&self.isolation_level.to_be_bytes());
        if version >= 7 {
            w.extend_from_slice(&self.session_id.to_be_bytes());
        }
        if version >= 7 {
            w.extend_from_slice(&self.session_epoch.to_be_bytes());
        }
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if version >= 7 {
            put_array(w, Some(self.forgotten_topics_data.len()), flexible); for item in &self.forgotten_topics_data { item.encode(w, version); }
        }
        if version >= 11 {
            put_string(w, &self.rack_id, flexible);
        }
        if flexible {
            let defaults = Self::default();
            let mut tags: Vec<(u32, Vec<u8>)> = Vec::new();
            if version >= 12 && self.cluster_id != defaults.cluster_id {
                let mut inside = Vec::new();
                put_nullable_string(&mut inside, self.cluster_id.as_deref().or(if version >= 12 { None } else { Some("") }), flexible);
                tags.push((0, inside));
            }
            if version >= 15 && self.replica_state != defaults.replica_state {
                let mut inside = Vec::new();
                self.replica_state.encode(&mut inside, version);
                tags.push((1, inside));
            }
            put_unsigned_varint(w, tags.len() as u32);
            for (tag, inside) in tags {
                put_unsigned_varint(w, tag);
                put_unsigned_varint(w, inside.len() as u32);
                w.extend_from_slice(&inside);
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FetchRequestReplicaState {
    pub replica_id: i32,
    pub replica_epoch: i64,
}

impl Default for FetchRequestReplicaState {
    fn default() -> Self {
        Self {
            replica_id: -1,
            replica_epoch: -1,
        }
    }
}

impl<'a> FetchRequestReplicaState {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 15 {
            out.replica_id = r.int32("replica_id")?;
        }
        if version >= 15 {
            out.replica_epoch = r.int64("replica_epoch")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 15 {
            bytes += 4;
        }
        if version >= 15 {
            bytes += 8;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 15 {
            w.extend_from_slice(&self.replica_id.to_be_bytes());
        }
        if version >= 15 {
            w.extend_from_slice(&self.replica_epoch.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FetchRequestTopic<'a> {
    pub topic: Cow<'a, str>,
    pub topic_id: Uuid,
    pub partitions: Vec<FetchRequestTopicPartition>,
}

impl<'a> Default for FetchRequestTopic<'a> {
    fn default() -> Self {
        Self {
            topic: Default::default(),
            topic_id: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> FetchRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version <= 12 {
            out.topic = required("topic", r.nullable_string("topic", flexible)?)?;
        }
        if version >= 13 {
            out.topic_id = r.uuid("topic_id")?;
        }
        out.partitions = required("partitions", r.array("partitions", flexible, FetchRequestTopicPartition::bytes_min(version), |r| FetchRequestTopicPartition::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version <= 12 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 13 {
            bytes += 16;
        }
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version <= 12 {
            put_string(w, &self.topic, flexible);
        }
        if version >= 13 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FetchRequestTopicPartition {
    pub partition: i32,
    pub current_leader_epoch: i32,
    pub fetch_offset: i64,
    pub last_fetched_epoch: i32,
    pub log_start_offset: i64,
    pub partition_max_bytes: i32,
    pub replica_directory_id: Option<Uuid>,
    pub high_watermark: i64,
}

impl Default for FetchRequestTopicPartition {
    fn default() -> Self {
        Self {
            partition: Default::default(),
            current_leader_epoch: -1,
            fetch_offset: Default::default(),
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: Default::default(),
            replica_directory_id: None,
            high_watermark: 9223372036854775807,
        }
    }
}

impl<'a> FetchRequestTopicPartition {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition = r.int32("partition")?;
        if version >= 9 {
            out.current_leader_epoch = r.int32("current_leader_epoch")?;
        }
        out.fetch_offset = r.int64("fetch_offset")?;
        if version >= 12 {
            out.last_fetched_epoch = r.int32("last_fetched_epoch")?;
        }
        if version >= 5 {
            out.log_start_offset = r.int64("log_start_offset")?;
        }
        out.partition_max_bytes = r.int32("partition_max_bytes")?;
        if flexible {
            r.tags(|tag, r| {
                match tag {
                    0 if version >= 17 => out.replica_directory_id = Some(r.uuid("replica_directory_id")?),
                    1 if version >= 18 => out.high_watermark = r.int64("high_watermark")?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 4;
        if version >= 9 {
            bytes += 4;
        }
        bytes += 8;
        if version >= 12 {
            bytes += 4;
        }
        if version >= 5 {
            bytes += 8;
        }
        bytes += 4;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition.to_be_bytes());
        if version >= 9 {
            w.extend_from_slice(&self.current_leader_epoch.to_be_bytes());
        }
        w.extend_from_slice(&self.fetch_offset.to_be_bytes());
        if version >= 12 {
            w.extend_from_slice(&self.last_fetched_epoch.to_be_bytes());
        }
        if version >= 5 {
            w.extend_from_slice(&self.log_start_offset.to_be_bytes());
        }
        w.extend_from_slice(&self.partition_max_bytes.to_be_bytes());
        if flexible {
            let defaults = Self::default();
            let mut tags: Vec<(u32, Vec<u8>)> = Vec::new();
            if version >= 17 && self.replica_directory_id != defaults.replica_directory_id {
                let mut inside = Vec::new();
                inside.extend_from_slice(&self.replica_directory_id.unwrap_or_default().0.to_be_bytes());
                tags.push((0, inside));
            }
            if version >= 18 && self.high_watermark != defaults.high_watermark {
                let mut inside = Vec::new();
                inside.extend_from_slice(&self.high_watermark.to_be_bytes());
                tags.push((1, inside));
            }
            put_unsigned_varint(w, tags.len() as u32);
            for (tag, inside) in tags {
                put_unsigned_varint(w, tag);
                put_unsigned_varint(w, inside.len() as u32);
                w.extend_from_slice(&inside);
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FetchRequestForgottenTopic<'a> {
    pub topic: Cow<'a, str>,
    pub topic_id: Uuid,
    pub partitions: Vec<i32>,
}

impl<'a> Default for FetchRequestForgottenTopic<'a> {
    fn default() -> Self {
        Self {
            topic: Default::default(),
            topic_id: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> FetchRequestForgottenTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if (7..=12).contains(&version) {
            out.topic = required("topic", r.nullable_string("topic", flexible)?)?;
        }
        if version >= 13 {
            out.topic_id = r.uuid("topic_id")?;
        }
        if version >= 7 {
            out.partitions = required("partitions", r.array("partitions", flexible, 4, |r| r.int32("partitions"))?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 7 && version <= 12 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 13 {
            bytes += 16;
        }
        if version >= 7 {
            bytes += if flexible { 1 } else { 4 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if (7..=12).contains(&version) {
            put_string(w, &self.topic, flexible);
        }
        if version >= 13 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        if version >= 7 {
            put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { w.extend_from_slice(&item.to_be_bytes()); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FetchResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub session_id: i32,
    pub responses: Vec<FetchResponseTopicResponse<'a>>,
    pub node_endpoints: Vec<FetchResponseNodeEndpoint<'a>>,
}

impl<'a> Default for FetchResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            session_id: Default::default(),
            responses: Default::default(),
            node_endpoints: Default::default(),
        }
    }
}

impl<'a> FetchResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        if version >= 7 {
            out.error_code = r.int16("error_code")?;
        }
        if version >= 7 {
            out.session_id = r.int32("session_id")?;
        }
        out.responses = required("responses", r.array("responses", flexible, FetchResponseTopicResponse::bytes_min(version), |r| FetchResponseTopicResponse::decode(r, version))?)?;
        if flexible {
            r.tags(|tag, r| {
                match tag {
                    0 if version >= 16 => out.node_endpoints = required("node_endpoints", r.array("node_endpoints", flexible, FetchResponseNodeEndpoint::bytes_min(version), |r| FetchResponseNodeEndpoint::decode(r, version))?)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        if version >= 7 {
            w.extend_from_slice(&self.error_code.to_be_bytes());
        }
        if version >= 7 {
            w.extend_from_slice(&self.session_id.to_be_bytes());
        }
        put_array(w, Some(self.responses.len()), flexible); for item in &self.responses { item.encode(w, version); }
        if flexible {
            let defaults = Self::default();
            let mut tags: Vec<(u32, Vec<u8>)> = Vec::new();
            if version >= 16 && self.node_endpoints != defaults.node_endpoints {
                let mut inside = Vec::new();
                put_array(&mut inside, Some(self.node_endpoints.len()), flexible); for item in &self.node_endpoints { item.encode(&mut inside, version); }
                tags.push((0, inside));
            }
            put_unsigned_varint(w, tags.len() as u32);
            for (tag, inside) in tags {
                put_unsigned_varint(w, tag);
                put_unsigned_varint(w, inside.len() as u32);
                w.extend_from_slice(&inside);
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FetchResponseTopicResponse<'a> {
    pub topic: Cow<'a, str>,
    pub topic_id: Uuid,
    pub partitions: Vec<FetchResponseTopicResponsePartitionData<'a>>,
}

impl<'a> Default for FetchResponseTopicResponse<'a> {
    fn default() -> Self {
        Self {
            topic: Default::default(),
            topic_id: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> FetchResponseTopicResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version <= 12 {
            out.topic = required("topic", r.nullable_string("topic", flexible)?)?;
        }
        if version >= 13 {
            out.topic_id = r.uuid("topic_id")?;
        }
        out.partitions = required("partitions", r.array("partitions", flexible, FetchResponseTopicResponsePartitionData::bytes_min(version), |r| FetchResponseTopicResponsePartitionData::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version <= 12 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 13 {
            bytes += 16;
        }
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version <= 12 {
            put_string(w, &self.topic, flexible);
        }
        if version >= 13 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FetchResponseTopicResponsePartitionData<'a> {
    pub partition_index: i32,
    pub error_code: i16,
    pub high_watermark: i64,
    pub last_stable_offset: i64,
    pub log_start_offset: i64,
    pub diverging_epoch: FetchResponseTopicResponsePartitionDataEpochEndOffset,
    pub current_leader: FetchResponseTopicResponsePartitionDataLeaderIdAndEpoch,
    pub snapshot_id: FetchResponseTopicResponsePartitionDataSnapshotId,
    pub aborted_transactions: Option<Vec<FetchResponseTopicResponsePartitionDataAbortedTransaction>>,
    pub preferred_read_replica: i32,
    pub records: Option<Cow<'a, [u8]>>,
}

impl<'a> Default for FetchResponseTopicResponsePartitionData<'a> {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            error_code: Default::default(),
            high_watermark: Default::default(),
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: Default::default(),
            current_leader: Default::default(),
            snapshot_id: Default::default(),
            aborted_transactions: Some(Vec::new()),
            preferred_read_replica: -1,
            records: None,
        }
    }
}

impl<'a> FetchResponseTopicResponsePartitionData<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition_index = r.int32("partition_index")?;
        out.error_code = r.int16("error_code")?;
        out.high_watermark = r.int64("high_watermark")?;
        out.last_stable_offset = r.int64("last_stable_offset")?;
        if version >= 5 {
            out.log_start_offset = r.int64("log_start_offset")?;
        }
        out.aborted_transactions = r.array("aborted_transactions", flexible, FetchResponseTopicResponsePartitionDataAbortedTransaction::bytes_min(version), |r| FetchResponseTopicResponsePartitionDataAbortedTransaction::decode(r, version))?;
        if version >= 11 {
            out.preferred_read_replica = r.int32("preferred_read_replica")?;
        }
        out.records = r.nullable_bytes("records", flexible)?.map(Cow::Borrowed);
        if flexible {
            r.tags(|tag, r| {
                match tag {
                    0 if version >= 12 => out.diverging_epoch = FetchResponseTopicResponsePartitionDataEpochEndOffset::decode(r, version)?,
                    1 if version >= 12 => out.current_leader = FetchResponseTopicResponsePartitionDataLeaderIdAndEpoch::decode(r, version)?,
                    2 if version >= 12 => out.snapshot_id = FetchResponseTopicResponsePartitionDataSnapshotId::decode(r, version)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 4;
        bytes += 2;
        bytes += 8;
        bytes += 8;
        if version >= 5 {
            bytes += 8;
        }
        bytes += if flexible { 1 } else { 4 };
        if version >= 11 {
            bytes += 4;
        }
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        w.extend_from_slice(&self.error_code.to_be_bytes());
        w.extend_from_slice(&self.high_watermark.to_be_bytes());
        w.extend_from_slice(&self.last_stable_offset.to_be_bytes());
        if version >= 5 {
            w.extend_from_slice(&self.log_start_offset.to_be_bytes());
        }
        put_array(w, self.aborted_transactions.as_ref().map(Vec::len), flexible); for item in self.aborted_transactions.iter().flatten() { item.encode(w, version); }
        if version >= 11 {
            w.extend_from_slice(&self.preferred_read_replica.to_be_bytes());
        }
        put_nullable_bytes(w, self.records.as_deref(), flexible);
        if flexible {
            let defaults = Self::default();
            let mut tags: Vec<(u32, Vec<u8>)> = Vec::new();
            if version >= 12 && self.diverging_epoch != defaults.diverging_epoch {
                let mut inside = Vec::new();
                self.diverging_epoch.encode(&mut inside, version);
                tags.push((0, inside));
            }
            if version >= 12 && self.current_leader != defaults.current_leader {
                let mut inside = Vec::new();
                self.current_leader.encode(&mut inside, version);
                tags.push((1, inside));
            }
            if version >= 12 && self.snapshot_id != defaults.snapshot_id {
                let mut inside = Vec::new();
                self.snapshot_id.encode(&mut inside, version);
                tags.push((2, inside));
            }
            put_unsigned_varint(w, tags.len() as u32);
            for (tag, inside) in tags {
                put_unsigned_varint(w, tag);
                put_unsigned_varint(w, inside.len() as u32);
                w.extend_from_slice(&inside);
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FetchResponseTopicResponsePartitionDataEpochEndOffset {
    pub epoch: i32,
    pub end_offset: i64,
}

impl Default for FetchResponseTopicResponsePartitionDataEpochEndOffset {
    fn default() -> Self {
        Self {
            epoch: -1,
            end_offset: -1,
        }
    }
}

impl<'a> FetchResponseTopicResponsePartitionDataEpochEndOffset {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 12 {
            out.epoch = r.int32("epoch")?;
        }
        if version >= 12 {
            out.end_offset = r.int64("end_offset")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 12 {
            bytes += 4;
        }
        if version >= 12 {
            bytes += 8;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 12 {
            w.extend_from_slice(&self.epoch.to_be_bytes());
        }
        if version >= 12 {
            w.extend_from_slice(&self.end_offset.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FetchResponseTopicResponsePartitionDataLeaderIdAndEpoch {
    pub leader_id: i32,
    pub leader_epoch: i32,
}

impl Default for FetchResponseTopicResponsePartitionDataLeaderIdAndEpoch {
    fn default() -> Self {
        Self {
            leader_id: -1,
            leader_epoch: -1,
        }
    }
}

impl<'a> FetchResponseTopicResponsePartitionDataLeaderIdAndEpoch {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 12 {
            out.leader_id = r.int32("leader_id")?;
        }
        if version >= 12 {
            out.leader_epoch = r.int32("leader_epoch")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 12 {
            bytes += 4;
        }
        if version >= 12 {
            bytes += 4;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 12 {
            w.extend_from_slice(&self.leader_id.to_be_bytes());
        }
        if version >= 12 {
            w.extend_from_slice(&self.leader_epoch.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FetchResponseTopicResponsePartitionDataSnapshotId {
    pub end_offset: i64,
    pub epoch: i32,
}

impl Default for FetchResponseTopicResponsePartitionDataSnapshotId {
    fn default() -> Self {
        Self {
            end_offset: -1,
            epoch: -1,
        }
    }
}

impl<'a> FetchResponseTopicResponsePartitionDataSnapshotId {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 12 {
            out.end_offset = r.int64("end_offset")?;
        }
        if version >= 12 {
            out.epoch = r.int32("epoch")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 12 {
            bytes += 8;
        }
        if version >= 12 {
            bytes += 4;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 12 {
            w.extend_from_slice(&self.end_offset.to_be_bytes());
        }
        if version >= 12 {
            w.extend_from_slice(&self.epoch.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FetchResponseTopicResponsePartitionDataAbortedTransaction {
    pub producer_id: i64,
    pub first_offset: i64,
}

impl Default for FetchResponseTopicResponsePartitionDataAbortedTransaction {
    fn default() -> Self {
        Self {
            producer_id: Default::default(),
            first_offset: Default::default(),
        }
    }
}

impl<'a> FetchResponseTopicResponsePartitionDataAbortedTransaction {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.producer_id = r.int64("producer_id")?;
        out.first_offset = r.int64("first_offset")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 8;
        bytes += 8;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.producer_id.to_be_bytes());
        w.extend_from_slice(&self.first_offset.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FetchResponseNodeEndpoint<'a> {
    pub node_id: i32,
    pub host: Cow<'a, str>,
    pub port: i32,
    pub rack: Option<Cow<'a, str>>,
}

impl<'a> Default for FetchResponseNodeEndpoint<'a> {
    fn default() -> Self {
        Self {
            node_id: Default::default(),
            host: Default::default(),
            port: Default::default(),
            rack: None,
        }
    }
}

impl<'a> FetchResponseNodeEndpoint<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 16 {
            out.node_id = r.int32("node_id")?;
        }
        if version >= 16 {
            out.host = required("host", r.nullable_string("host", flexible)?)?;
        }
        if version >= 16 {
            out.port = r.int32("port")?;
        }
        if version >= 16 {
            out.rack = null_if(version >= 16, "rack", r.nullable_string("rack", flexible)?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 16 {
            bytes += 4;
        }
        if version >= 16 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 16 {
            bytes += 4;
        }
        if version >= 16 {
            bytes += if flexible { 1 } else { 2 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 16 {
            w.extend_from_slice(&self.node_id.to_be_bytes());
        }
        if version >= 16 {
            put_string(w, &self.host, flexible);
        }
        if version >= 16 {
            w.extend_from_slice(&self.port.to_be_bytes());
        }
        if version >= 16 {
            put_nullable_string(w, self.rack.as_deref().or(if version >= 16 { None } else { Some("") }), flexible);
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

