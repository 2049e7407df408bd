//! The one admin: creates and deletes topics, and looks at them again. What it asked for and never heard the end of is
//! unknown until it has looked.

use std::collections::BTreeMap;
use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::create_topics::{
    CreateTopicsRequest, CreateTopicsRequestTopic, CreateTopicsRequestTopicConfig,
    CreateTopicsResponse,
};
use protocol::messages::delete_records::{
    DeleteRecordsRequest, DeleteRecordsRequestTopic, DeleteRecordsRequestTopicPartition,
    DeleteRecordsResponse,
};
use protocol::messages::delete_topics::{
    DeleteTopicsRequest, DeleteTopicsRequestTopic, DeleteTopicsResponse,
};
use protocol::primitives::Reader;

use broker::log::retention::RetentionRule;
use broker::shard::PartitionKey;

use super::super::history::Known;
use super::super::random::Random;
use super::{Lost, Setting, Wire};

const CREATE: (i16, i16) = (19, 7);
const DELETE: (i16, i16) = (20, 6);
const DELETE_RECORDS: (i16, i16) = (21, 2);

/// What the admin may do to topics.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// Names in use.
    pub topics: u64,
    /// Partitions of a topic, at most.
    pub partitions_max: u64,
    /// A topic is deleted once in so many looks; 0 never.
    pub delete_one_in: u64,
    /// Age at which segments roll, milliseconds, at most; 0 leaves the default.
    pub segment_ms_max: u64,
    /// Records of a topic are deleted once in so many looks; 0 never.
    pub delete_records_one_in: u64,
    /// Topics have a `write.caching` of their own.
    pub own_caching: bool,
    /// A topic keeps its records for a time, or so many bytes, once in so many; 0 never.
    pub retention_one_in: u64,
    /// Which topics keep the newest record of each key, a bit each.
    pub compacted: u64,
    /// `min.cleanable.dirty.ratio` and `delete.retention.ms` of those.
    pub compaction: (f64, u64),
}

impl Wishes {
    /// The names in use.
    pub fn names(&self) -> Vec<String> {
        (0..self.topics)
            .map(|number| format!("t{number}"))
            .collect()
    }
}

/// The admin.
pub struct Admin {
    wire: Wire,
    wishes: Wishes,
    /// What it does not know the end of: whether the topic was to be there, and in which run of the broker it was asked.
    unsure: BTreeMap<String, (bool, u32)>,
}

impl Admin {
    /// Client `number`.
    pub fn new(setting: Rc<Setting>, number: u32, random: Random, wishes: Wishes) -> Self {
        Self {
            wire: Wire::new(setting, number, random),
            wishes,
            unsure: BTreeMap::new(),
        }
    }

    /// Works until the run ends, and leaves nothing unknown.
    pub async fn run(mut self) {
        let setting = self.wire.setting.clone();
        setting.begin(self.wire.number);
        while setting.goes_on() || self.is_unsure() {
            if self.session().await.is_err() {
                self.wire.hang_up();
                self.wire.back_off().await;
            }
        }
        setting.finish(self.wire.number);
    }

    fn is_unsure(&self) -> bool {
        !self.unsure.is_empty() || self.wire.setting.history.is_unsure()
    }

    async fn session(&mut self) -> Result<(), Lost> {
        if !self.wire.is_connected() {
            let bootstrap = self.wire.setting.machine.bootstrap_port();
            self.wire.connect(self.wire.some_port(bootstrap)).await;
        }
        self.look().await?;
        let names = &self.wire.setting.topic_names;
        let name = self.wire.random.pick(names).clone();
        if !self.wire.setting.goes_on() {
            self.wire.think().await;
            return Ok(());
        }
        match self.wire.setting.history.topic(&name).0 {
            Known::Absent => self.create(&name).await?,
            Known::Present(id) if self.wire.random.one_in(self.wishes.delete_one_in) => {
                self.delete(&name, id).await?;
            }
            Known::Present(id) if self.wire.random.one_in(self.wishes.delete_records_one_in) => {
                self.delete_records(&name, id).await?;
            }
            _ => {}
        }
        for _ in 0..self.wire.random.below(8) {
            self.wire.think().await;
        }
        Ok(())
    }

    /// Looks at every topic it ever asked for. What was unknown is known then, if it is as it was to be, or if the broker
    /// that was asked is gone: a later one has all that was decided, or nobody ever will.
    async fn look(&mut self) -> Result<(), Lost> {
        let topics = self.wire.setting.history.topics();
        let names: Vec<String> = topics.iter().map(|(name, ..)| name.clone()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let told = self.wire.metadata(&names).await?;
        let history = &self.wire.setting.history;
        for ((name, known, version), told) in topics.iter().zip(told) {
            if *known != Known::Unknown || history.topic(name) != (*known, *version) {
                continue;
            }
            let (to_be, asked) = self.unsure.get(name).copied().unwrap_or_default();
            if told.is_some() != to_be && self.wire.setting.machine.incarnation() == asked {
                continue;
            }
            self.unsure.remove(name);
            match told {
                Some(told) => {
                    let partitions = told.partitions.len() as i32;
                    history.set_topic(name, Known::Present(told.id), partitions);
                }
                None => history.set_topic(name, Known::Absent, 0),
            }
        }
        Ok(())
    }

    /// Settings of a new topic, and which of its records may go by them.
    fn settings(&self, name: &str) -> (Vec<(&'static str, String)>, RetentionRule) {
        let random = &self.wire.random;
        let mut rule = RetentionRule::default();
        if self.wire.setting.history.keeps_newest(name) {
            return (self.compacted(), rule);
        }
        let mut settings = Vec::new();
        let rolls = self.wishes.segment_ms_max > 0 && random.one_in(2);
        let mut segment_ms_max = self.wishes.segment_ms_max;
        let retains = random.one_in(self.wishes.retention_one_in);
        if retains {
            if random.one_in(2) {
                let age_ms = random.spread(1, 2000);
                settings.push(("retention.ms", age_ms.to_string()));
                rule.age_ms_max = Some(age_ms as i64);
            }
            if rule.age_ms_max.is_none() || random.one_in(3) {
                let bytes = random.spread(256, 256 << 10);
                settings.push(("retention.bytes", bytes.to_string()));
                rule.bytes_max = Some(bytes);
            }
            settings.push(("file.delete.delay.ms", random.below(500).to_string()));
            segment_ms_max = 100;
        }
        if rolls || retains {
            settings.push(("segment.ms", random.spread(1, segment_ms_max).to_string()));
        }
        if self.wishes.own_caching {
            let own = self.wire.setting.caches(name).to_string();
            settings.push(("write.caching", own));
        }
        (settings, rule)
    }

    /// Settings of a topic that keeps the newest record of each key, whatever its age.
    fn compacted(&self) -> Vec<(&'static str, String)> {
        let (dirty_ratio, delete_retention_ms) = self.wishes.compaction;
        let age_ms = self.wire.random.spread(1, 2000);
        vec![
            ("cleanup.policy", "compact".to_owned()),
            ("write.caching", "false".to_owned()),
            ("segment.ms", age_ms.to_string()),
            ("min.cleanable.dirty.ratio", dirty_ratio.to_string()),
            ("delete.retention.ms", delete_retention_ms.to_string()),
            ("file.delete.delay.ms", (age_ms % 7).to_string()),
        ]
    }

    async fn create(&mut self, name: &str) -> Result<(), Lost> {
        let random = &self.wire.random;
        let partitions = random.between(1, self.wishes.partitions_max) as i32;
        let (settings, rule) = self.settings(name);
        let configs = settings.into_iter().map(|(name, value)| {
            let value = Some(value.into());
            CreateTopicsRequestTopicConfig {
                name: name.into(),
                value,
            }
        });
        let request = CreateTopicsRequest {
            topics: vec![CreateTopicsRequestTopic {
                name: name.into(),
                num_partitions: partitions,
                replication_factor: 1,
                assignments: Vec::new(),
                configs: configs.collect(),
            }],
            timeout_ms: 30_000,
            validate_only: false,
        };
        let history = &self.wire.setting.history;
        history.set_topic(name, Known::Unknown, 0);
        history.wants_rule(name, rule);
        let incarnation = self.wire.setting.machine.incarnation();
        self.unsure.insert(name.to_owned(), (true, incarnation));
        let number = self.wire.number;
        self.wire
            .setting
            .doing(number, || format!("creates {name} with {partitions}"));
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.wire.ask(CREATE, encode).await?;
        let answer = CreateTopicsResponse::decode(&mut Reader::new(&body), CREATE.1);
        let Some(one) = answer
            .as_ref()
            .ok()
            .and_then(|answer| answer.topics.first())
        else {
            self.wire
                .fail("malformed-answer", "CreateTopics".to_owned());
            return Err(Lost);
        };
        let history = &self.wire.setting.history;
        let code = ErrorCode::from_code(one.error_code);
        self.wire.setting.doing(number, || {
            format!("{name}: {code:?} {:032x}", one.topic_id.0)
        });
        match code {
            ErrorCode::None => {
                history.set_topic(name, Known::Present(one.topic_id.0), partitions);
                self.unsure.remove(name);
            }
            // It is not available, and may have decided already.
            ErrorCode::RequestTimedOut
            | ErrorCode::NotController
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::LeaderNotAvailable
            | ErrorCode::BrokerNotAvailable
            | ErrorCode::KafkaStorageError => {}
            _ => self
                .wire
                .fail("wrong-refusal", format!("creating {name}: {code:?}")),
        }
        Ok(())
    }

    /// Deletes the first records of one partition, up to any offset that it is known to have.
    async fn delete_records(&mut self, name: &str, topic_id: u128) -> Result<(), Lost> {
        let history = &self.wire.setting.history;
        let present = history.present();
        let Some((.., partitions)) = present.iter().find(|(_, id, _)| *id == topic_id) else {
            return Ok(());
        };
        let partition = self.wire.random.index(*partitions as usize) as i32;
        let key = PartitionKey {
            topic_id,
            partition,
        };
        let offset = self.wire.random.below(history.end(key) as u64 + 1) as i64;
        let before = history.log_start(key);
        history.asks_log_start(key, offset);
        let request = DeleteRecordsRequest {
            topics: vec![DeleteRecordsRequestTopic {
                name: name.into(),
                partitions: vec![DeleteRecordsRequestTopicPartition {
                    partition_index: partition,
                    offset,
                }],
            }],
            timeout_ms: 30_000,
        };
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.wire.ask(DELETE_RECORDS, encode).await?;
        let answer = DeleteRecordsResponse::decode(&mut Reader::new(&body), DELETE_RECORDS.1);
        let Some(one) = answer.as_ref().ok().and_then(|answer| {
            let topic = answer.topics.first()?;
            topic.partitions.first()
        }) else {
            self.wire
                .fail("malformed-answer", "DeleteRecords".to_owned());
            return Err(Lost);
        };
        let (number, code) = (self.wire.number, ErrorCode::from_code(one.error_code));
        self.wire.setting.doing(number, || {
            format!(
                "deletes {name}-{partition} below {offset}: {code:?}, {}",
                one.low_watermark
            )
        });
        let history = &self.wire.setting.history;
        match code {
            ErrorCode::None if one.low_watermark < offset => {
                let what = format!("{key:?}: {} below {offset}", one.low_watermark);
                self.wire.fail("records-not-deleted", what);
            }
            ErrorCode::None => {
                let now_ms = self.wire.setting.now_ms();
                history.told_log_start(key, before, one.low_watermark, now_ms);
            }
            ErrorCode::OffsetOutOfRange => {
                let what = format!("deleting {key:?} below {offset}: {code:?}");
                self.wire.fail("wrong-refusal", what);
            }
            // Not now; whether it happens nobody knows.
            _ => {}
        }
        Ok(())
    }

    async fn delete(&mut self, name: &str, id: u128) -> Result<(), Lost> {
        let request = DeleteTopicsRequest {
            topics: vec![DeleteTopicsRequestTopic {
                name: Some(name.into()),
                ..DeleteTopicsRequestTopic::default()
            }],
            timeout_ms: 30_000,
            ..DeleteTopicsRequest::default()
        };
        let history = &self.wire.setting.history;
        history.set_topic(name, Known::Unknown, 0);
        let incarnation = self.wire.setting.machine.incarnation();
        self.unsure.insert(name.to_owned(), (false, incarnation));
        let number = self.wire.number;
        self.wire
            .setting
            .doing(number, || format!("deletes {name}"));
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.wire.ask(DELETE, encode).await?;
        let answer = DeleteTopicsResponse::decode(&mut Reader::new(&body), DELETE.1);
        let Some(one) = answer
            .as_ref()
            .ok()
            .and_then(|answer| answer.responses.first())
        else {
            self.wire
                .fail("malformed-answer", "DeleteTopics".to_owned());
            return Err(Lost);
        };
        let history = &self.wire.setting.history;
        let code = ErrorCode::from_code(one.error_code);
        self.wire
            .setting
            .doing(number, || format!("{name}: {code:?}"));
        if code == ErrorCode::None {
            history.set_topic(name, Known::Absent, 0);
            history.retire(id);
            self.unsure.remove(name);
        }
        Ok(())
    }
}
