//! The table of topic configs, and one topic's configs as the log and the partition use them.
//!
//! Pure: overrides in, typed values out. Never stores anything (the controller does) and never talks to a client.
//! Names, types, bounds and defaults are those of Kafka 4.3 (`LogConfig`), asked of a running one.

use std::collections::BTreeMap;

use thiserror::Error;

use super::Config;
use super::setting::{Check, Preset, Setting, Value};
use crate::limits;

use Check::{Any, AtLeast, Between, BetweenOr, EachOf, OneOf, Replicas};

/// The words of `compression.type`.
pub const COMPRESSION_TYPES: &[&str] =
    &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];

/// A topic config and the broker settings that give its default.
#[derive(Clone, Copy, Debug)]
pub struct TopicSetting {
    /// Name, type, bound and sentence.
    pub setting: Setting,
    /// Broker settings that give the default, the first one set wins, each with its factor to this config's unit.
    pub synonyms: &'static [(&'static str, i64)],
}

/// Every topic config, in the order in which Kafka 4.3 lists them; ours last.
pub static TOPIC: &[TopicSetting] = &[
    row(
        Setting::text(
            "compression.type",
            Preset::Null,
            OneOf(COMPRESSION_TYPES),
            "Codec of stored batches; producer keeps what the producer chose.",
        ),
        &[("compression.type", 1)],
    ),
    row(
        Setting::bool(
            "remote.log.delete.on.disable",
            false,
            "Accepted; there is no tiered storage.",
        )
        .idle(),
        &[],
    ),
    row(
        Setting::list(
            "leader.replication.throttled.replicas",
            "",
            Replicas,
            "Accepted; replication is not throttled.",
        )
        .idle(),
        &[],
    ),
    row(
        Setting::bool(
            "remote.storage.enable",
            false,
            "Only false; there is no tiered storage.",
        ),
        &[],
    ),
    row(
        Setting::int(
            "min.insync.replicas",
            1,
            AtLeast(1),
            "Replicas that must have a batch before acks=all is answered.",
        )
        .unset(),
        &[("min.insync.replicas", 1)],
    ),
    row(
        Setting::long(
            "segment.jitter.ms",
            0,
            AtLeast(0),
            "Random part taken off segment.ms.",
        )
        .unset(),
        &[
            ("log.roll.jitter.ms", 1),
            ("log.roll.jitter.hours", HOUR_MS),
        ],
    ),
    row(
        Setting::bool(
            "remote.log.copy.disable",
            false,
            "Accepted; there is no tiered storage.",
        )
        .idle(),
        &[],
    ),
    row(
        Setting::long(
            "local.retention.ms",
            -2,
            AtLeast(-2),
            "Accepted; there is no tiered storage.",
        )
        .unset()
        .idle(),
        &[("log.local.retention.ms", 1)],
    ),
    row(
        Setting {
            preset: Preset::Null,
            ..Setting::list(
                "cleanup.policy",
                "",
                EachOf(&["compact", "delete"]),
                "What happens to old segments: delete, compact, or both.",
            )
        },
        &[("log.cleanup.policy", 1)],
    ),
    row(
        Setting::long(
            "flush.ms",
            0,
            AtLeast(0),
            "Accepted; every acknowledged record is already on disk.",
        )
        .unset()
        .idle(),
        &[
            ("log.flush.interval.ms", 1),
            ("log.flush.scheduler.interval.ms", 1),
        ],
    ),
    row(
        Setting::list(
            "follower.replication.throttled.replicas",
            "",
            Replicas,
            "Accepted; replication is not throttled.",
        )
        .idle(),
        &[],
    ),
    row(
        Setting::int(
            "compression.lz4.level",
            9,
            Between(1, 17),
            "Level when the broker compresses with lz4.",
        )
        .unset(),
        &[("compression.lz4.level", 1)],
    ),
    row(
        Setting::int(
            "segment.bytes",
            0,
            AtLeast(1_048_576),
            "Size at which a new segment is started.",
        )
        .unset(),
        &[("log.segment.bytes", 1)],
    ),
    row(
        Setting::long(
            "retention.ms",
            0,
            AtLeast(-1),
            "How long records are kept, -1 for ever.",
        )
        .unset(),
        &[
            ("log.retention.ms", 1),
            ("log.retention.minutes", MINUTE_MS),
            ("log.retention.hours", HOUR_MS),
        ],
    ),
    row(
        Setting::int(
            "compression.gzip.level",
            -1,
            BetweenOr(1, 9, -1),
            "Level when the broker compresses with gzip.",
        )
        .unset(),
        &[("compression.gzip.level", 1)],
    ),
    row(
        Setting::long(
            "flush.messages",
            0,
            AtLeast(1),
            "Accepted; every acknowledged record is already on disk.",
        )
        .unset()
        .idle(),
        &[("log.flush.interval.messages", 1)],
    ),
    row(
        Setting::int(
            "compression.zstd.level",
            3,
            Between(-131_072, 22),
            "Level when the broker compresses with zstd.",
        )
        .unset(),
        &[("compression.zstd.level", 1)],
    ),
    row(
        Setting::long(
            "max.compaction.lag.ms",
            0,
            AtLeast(1),
            "Age by which records are compacted.",
        )
        .unset(),
        &[("log.cleaner.max.compaction.lag.ms", 1)],
    ),
    row(
        Setting::long(
            "file.delete.delay.ms",
            0,
            AtLeast(0),
            "How long the file of a segment that is over stays for those who read it.",
        )
        .unset(),
        &[("log.segment.delete.delay.ms", 1)],
    ),
    row(
        Setting::int(
            "max.message.bytes",
            0,
            AtLeast(0),
            "Largest record batch accepted, after compression.",
        )
        .unset(),
        &[("message.max.bytes", 1)],
    ),
    row(
        Setting::long(
            "min.compaction.lag.ms",
            0,
            AtLeast(0),
            "Age below which compaction spares records.",
        )
        .unset(),
        &[("log.cleaner.min.compaction.lag.ms", 1)],
    ),
    row(
        Setting::text(
            "message.timestamp.type",
            Preset::Null,
            OneOf(&["CreateTime", "LogAppendTime"]),
            "Whose clock stamps records: the producer's or the broker's.",
        ),
        &[("log.message.timestamp.type", 1)],
    ),
    row(
        Setting::long(
            "local.retention.bytes",
            -2,
            AtLeast(-2),
            "Accepted; there is no tiered storage.",
        )
        .unset()
        .idle(),
        &[("log.local.retention.bytes", 1)],
    ),
    row(
        Setting {
            preset: Preset::Null,
            ..Setting::bool(
                "preallocate",
                false,
                "Accepted; segments are always preallocated by doubling.",
            )
            .idle()
        },
        &[("log.preallocate", 1)],
    ),
    row(
        Setting::int(
            "index.interval.bytes",
            0,
            AtLeast(0),
            "Bytes of a segment between two index entries.",
        )
        .unset(),
        &[("log.index.interval.bytes", 1)],
    ),
    row(
        Setting {
            preset: Preset::Null,
            ..Setting::ratio(
                "min.cleanable.dirty.ratio",
                0.5,
                "Share of a log not yet compacted that starts compaction.",
            )
        },
        &[("log.cleaner.min.cleanable.ratio", 1)],
    ),
    row(
        Setting {
            preset: Preset::Null,
            ..Setting::bool(
                "unclean.leader.election.enable",
                false,
                "Always off in effect: a leader has every committed record.",
            )
            .idle()
        },
        &[("unclean.leader.election.enable", 1)],
    ),
    row(
        Setting::long(
            "retention.bytes",
            0,
            Any,
            "Bytes kept of each partition, -1 for all.",
        )
        .unset(),
        &[("log.retention.bytes", 1)],
    ),
    row(
        Setting::long(
            "delete.retention.ms",
            0,
            AtLeast(0),
            "How long compaction keeps tombstones.",
        )
        .unset(),
        &[("log.cleaner.delete.retention.ms", 1)],
    ),
    row(
        Setting::long(
            "message.timestamp.after.max.ms",
            0,
            AtLeast(0),
            "How far a record may lie in the future.",
        )
        .unset(),
        &[("log.message.timestamp.after.max.ms", 1)],
    ),
    row(
        Setting::long(
            "message.timestamp.before.max.ms",
            0,
            AtLeast(0),
            "How far a record may lie in the past.",
        )
        .unset(),
        &[("log.message.timestamp.before.max.ms", 1)],
    ),
    row(
        Setting::long(
            "segment.ms",
            0,
            AtLeast(1),
            "Age at which a new segment is started.",
        )
        .unset(),
        &[("log.roll.ms", 1), ("log.roll.hours", HOUR_MS)],
    ),
    row(
        Setting::int(
            "segment.index.bytes",
            0,
            AtLeast(4),
            "Accepted; indexes size themselves.",
        )
        .unset()
        .idle(),
        &[("log.index.size.max.bytes", 1)],
    ),
    row(
        Setting {
            preset: Preset::Null,
            ..Setting::bool(
                "write.caching",
                false,
                "Acknowledge before the disk has the records: faster, and a crash loses some.",
            )
        },
        &[("write.caching", 1)],
    ),
];

/// The topic configs that only this broker has.
pub const OURS: &[&str] = &["write.caching"];

/// Why a topic's configs are refused. Every case is INVALID_CONFIG (40) on the wire; the text is the message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TopicConfigError {
    /// No such topic config.
    #[error("Unknown topic config name: {name}")]
    Unknown {
        /// The name that was given.
        name: String,
    },
    /// The value does not read as its type, or is out of bounds.
    #[error("Invalid value {value} for configuration {name}: {why}")]
    Invalid {
        /// The config.
        name: &'static str,
        /// The value as given.
        value: String,
        /// What it must be.
        why: String,
    },
    /// Two configs contradict each other, or one asks for what this broker does not have.
    #[error("{0}")]
    Conflict(String),
}

/// Which clean-up a partition's old segments get. Neither is legal, as in Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Remove segments by age and size.
    pub delete: bool,
    /// Keep the newest record of each key.
    pub compact: bool,
}

/// Whose clock stamps records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The broker's, when the batch is appended.
    LogAppendTime,
}

/// The codec of stored batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionType {
    /// As the producer sent them.
    Producer,
    /// None.
    Uncompressed,
    /// gzip.
    Gzip,
    /// snappy.
    Snappy,
    /// lz4 frames.
    Lz4,
    /// zstd.
    Zstd,
}

/// One topic's configs, defaults filled in. Immutable; a change makes a new one.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicConfig {
    /// `cleanup.policy`.
    pub cleanup_policy: CleanupPolicy,
    /// `retention.ms`; `None` keeps records for ever.
    pub retention_ms: Option<i64>,
    /// `retention.bytes` of a partition; `None` (any negative value) keeps all.
    pub retention_bytes: Option<u64>,
    /// `file.delete.delay.ms`.
    pub file_delete_delay_ms: u64,
    /// `segment.bytes`, at least 1 MiB.
    pub segment_bytes_max: u32,
    /// `segment.ms`, at least 1.
    pub segment_ms: i64,
    /// `segment.jitter.ms`.
    pub segment_jitter_ms: i64,
    /// `index.interval.bytes`.
    pub index_interval_bytes: u32,
    /// `max.message.bytes`: the largest batch, its 12-byte prefix included.
    pub message_bytes_max: u32,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_ms_max: i64,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_ms_max: i64,
    /// `compression.type`.
    pub compression_type: CompressionType,
    /// `compression.gzip.level`: 1 to 9, or -1 for the codec's default.
    pub gzip_level: i32,
    /// `compression.lz4.level`: 1 to 17.
    pub lz4_level: i32,
    /// `compression.zstd.level`: -131072 to 22.
    pub zstd_level: i32,
    /// `min.insync.replicas`, at least 1.
    pub min_insync_replicas: u32,
    /// `delete.retention.ms`.
    pub delete_retention_ms: i64,
    /// `min.compaction.lag.ms`.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`.
    pub max_compaction_lag_ms: i64,
    /// `min.cleanable.dirty.ratio`, 0 to 1.
    pub min_cleanable_dirty_ratio: f64,
    /// `write.caching`: acknowledge after the in-memory append.
    pub write_caching: bool,
}

impl TopicConfig {
    /// The configs of a topic whose own settings are `overrides`, over the broker's defaults.
    ///
    /// # Errors
    /// The first override that is unknown or out of bounds, or a contradiction between values.
    pub fn from_overrides(
        overrides: &BTreeMap<String, String>,
        config: &Config,
    ) -> Result<Self, TopicConfigError> {
        if let Some(name) = overrides.keys().find(|name| setting(name).is_none()) {
            return Err(TopicConfigError::Unknown { name: name.clone() });
        }
        let ordered = READ_ORDER
            .iter()
            .filter_map(|name| overrides.get_key_value(*name));
        let others = overrides
            .iter()
            .filter(|(name, _)| !READ_ORDER.contains(&name.as_str()));
        for (name, text) in ordered.chain(others) {
            validate(name, text)?;
        }
        let values = Values { overrides, config };
        let topic = values.typed();
        values.contradictions(&topic)?;
        Ok(topic)
    }
}

/// The order in which Kafka reads a topic's configs: of several that are wrong it names the first.
const READ_ORDER: &[&str] = &[
    "segment.bytes",
    "segment.ms",
    "segment.jitter.ms",
    "segment.index.bytes",
    "flush.messages",
    "flush.ms",
    "retention.bytes",
    "retention.ms",
    "max.message.bytes",
    "index.interval.bytes",
    "delete.retention.ms",
    "min.compaction.lag.ms",
    "max.compaction.lag.ms",
    "file.delete.delay.ms",
    "min.cleanable.dirty.ratio",
    "cleanup.policy",
    "unclean.leader.election.enable",
    "min.insync.replicas",
    "compression.type",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.zstd.level",
    "preallocate",
    "message.timestamp.type",
    "message.timestamp.before.max.ms",
    "message.timestamp.after.max.ms",
    "leader.replication.throttled.replicas",
    "follower.replication.throttled.replicas",
    "remote.storage.enable",
    "local.retention.ms",
    "local.retention.bytes",
    "remote.log.copy.disable",
    "remote.log.delete.on.disable",
];

/// The row called `name` exactly.
pub fn setting(name: &str) -> Option<&'static TopicSetting> {
    TOPIC.iter().find(|row| row.setting.name == name)
}

/// Checks one override by itself.
///
/// # Errors
/// `Unknown` for a name that is no topic config, `Invalid` for a value that is not of its type or out of its bounds.
pub fn validate(name: &str, text: &str) -> Result<Value, TopicConfigError> {
    let row = setting(name).ok_or_else(|| TopicConfigError::Unknown {
        name: name.to_owned(),
    })?;
    if let (Check::EachOf(_), Ok(Value::List(words))) = (row.setting.check, row.setting.read(text))
        && words.iter().any(String::is_empty)
    {
        let text = format!("Configuration '{name}' values must not be empty.");
        return Err(TopicConfigError::Conflict(text));
    }
    parse(&row.setting, text).map_err(|why| TopicConfigError::Invalid {
        name: row.setting.name,
        value: row.setting.shown(text),
        why,
    })
}

/// The value of `row` in a topic with these overrides (already validated), or the broker's default.
pub(super) fn effective(
    row: &TopicSetting,
    overrides: &BTreeMap<String, String>,
    config: &Config,
) -> Value {
    match overrides
        .get(row.setting.name)
        .and_then(|text| parse(&row.setting, text).ok())
    {
        Some(value) => value,
        None => default_of(row, config),
    }
}

/// The value of `row` in a topic without overrides.
pub(super) fn default_of(row: &TopicSetting, config: &Config) -> Value {
    for (name, factor) in row.synonyms {
        match config.value(name) {
            Value::Null => {}
            Value::Integer(n) if *factor != 1 => {
                return Value::Integer(if *n < 0 {
                    -1
                } else {
                    n.saturating_mul(*factor)
                });
            }
            value => return value.clone(),
        }
    }
    row.setting.default_value()
}

/// The text of a config's default, as changes of a list begin from it. `None` for a name that is no topic config.
pub fn default_text(name: &str, config: &Config) -> Option<String> {
    setting(name).and_then(|row| default_of(row, config).wire_text())
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;

const fn row(setting: Setting, synonyms: &'static [(&'static str, i64)]) -> TopicSetting {
    TopicSetting { setting, synonyms }
}

/// Topic rows without a default of their own take the broker's, so "auto" must not mean null here.
fn parse(setting: &Setting, text: &str) -> Result<Value, String> {
    match setting.parse(text)? {
        Value::Null => Err(setting.wrong_type()),
        value => Ok(value),
    }
}

struct Values<'a> {
    overrides: &'a BTreeMap<String, String>,
    config: &'a Config,
}

impl Values<'_> {
    fn typed(&self) -> TopicConfig {
        TopicConfig {
            cleanup_policy: self.cleanup_policy(),
            retention_ms: Some(self.long("retention.ms")).filter(|ms| *ms >= 0),
            retention_bytes: u64::try_from(self.long("retention.bytes")).ok(),
            segment_bytes_max: self.count("segment.bytes"),
            file_delete_delay_ms: u64::try_from(self.long("file.delete.delay.ms")).unwrap_or(0),
            segment_ms: self.long("segment.ms"),
            segment_jitter_ms: self.long("segment.jitter.ms"),
            index_interval_bytes: self.count("index.interval.bytes"),
            message_bytes_max: self.count("max.message.bytes"),
            timestamp_type: match self.text("message.timestamp.type").as_str() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            timestamp_before_ms_max: self.long("message.timestamp.before.max.ms"),
            timestamp_after_ms_max: self.long("message.timestamp.after.max.ms"),
            compression_type: self.compression_type(),
            gzip_level: self.level("compression.gzip.level"),
            lz4_level: self.level("compression.lz4.level"),
            zstd_level: self.level("compression.zstd.level"),
            min_insync_replicas: self.count("min.insync.replicas"),
            delete_retention_ms: self.long("delete.retention.ms"),
            min_compaction_lag_ms: self.long("min.compaction.lag.ms"),
            max_compaction_lag_ms: self.long("max.compaction.lag.ms"),
            min_cleanable_dirty_ratio: match self.value("min.cleanable.dirty.ratio") {
                Value::Double(ratio) => ratio,
                other => unreachable!("min.cleanable.dirty.ratio is a fraction, not {other:?}"),
            },
            write_caching: self.bool("write.caching"),
        }
    }

    fn contradictions(&self, topic: &TopicConfig) -> Result<(), TopicConfigError> {
        if self.bool("remote.storage.enable") {
            let why = "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.";
            return Err(TopicConfigError::Conflict(why.to_owned()));
        }
        let (low, high) = (topic.min_compaction_lag_ms, topic.max_compaction_lag_ms);
        if low > high {
            let why = format!(
                "conflict topic config setting min.compaction.lag.ms ({low}) > max.compaction.lag.ms ({high})"
            );
            return Err(TopicConfigError::Conflict(why));
        }
        let most = limits::batch_bytes_max(self.config.frame_bytes_max);
        if u64::from(topic.message_bytes_max) > most {
            return Err(TopicConfigError::Invalid {
                name: "max.message.bytes",
                value: topic.message_bytes_max.to_string(),
                why: format!(
                    "Value must be no more than {most} (a batch must fit into one journal frame)"
                ),
            });
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Value {
        effective(
            setting(name).expect("only names of the table are asked for"),
            self.overrides,
            self.config,
        )
    }

    fn long(&self, name: &str) -> i64 {
        match self.value(name) {
            Value::Integer(n) => n,
            other => unreachable!("{name} is a number, not {other:?}"),
        }
    }

    fn count(&self, name: &str) -> u32 {
        u32::try_from(self.long(name))
            .expect("its check keeps it at 0 or above and its type below 2^31")
    }

    fn level(&self, name: &str) -> i32 {
        i32::try_from(self.long(name)).expect("its type is 32 bits wide")
    }

    fn bool(&self, name: &str) -> bool {
        self.value(name) == Value::Bool(true)
    }

    fn text(&self, name: &str) -> String {
        self.value(name).to_string()
    }

    fn cleanup_policy(&self) -> CleanupPolicy {
        let Value::List(words) = self.value("cleanup.policy") else {
            unreachable!("cleanup.policy is a list");
        };
        let has = |word: &str| words.iter().any(|w| w == word);
        CleanupPolicy {
            delete: has("delete"),
            compact: has("compact"),
        }
    }

    fn compression_type(&self) -> CompressionType {
        match self.text("compression.type").as_str() {
            "uncompressed" => CompressionType::Uncompressed,
            "gzip" => CompressionType::Gzip,
            "snappy" => CompressionType::Snappy,
            "lz4" => CompressionType::Lz4,
            "zstd" => CompressionType::Zstd,
            _ => CompressionType::Producer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    fn topic(pairs: &[(&str, &str)]) -> Result<TopicConfig, TopicConfigError> {
        TopicConfig::from_overrides(&overrides(pairs), &Config::default())
    }

    #[test]
    fn a_topic_without_overrides_has_kafkas_defaults() {
        let topic = topic(&[]).unwrap();
        assert_eq!(
            topic.cleanup_policy,
            CleanupPolicy {
                delete: true,
                compact: false
            }
        );
        assert_eq!(topic.retention_ms, Some(604_800_000));
        assert_eq!(topic.retention_bytes, None);
        assert_eq!(topic.segment_bytes_max, 1 << 30);
        assert_eq!(topic.segment_ms, 604_800_000);
        assert_eq!(topic.message_bytes_max, 1_048_588);
        assert_eq!(topic.timestamp_after_ms_max, 3_600_000);
        assert_eq!(topic.compression_type, CompressionType::Producer);
        assert!(!topic.write_caching);
    }

    #[test]
    fn broker_settings_are_the_defaults_in_kafkas_order() {
        let config = Config::from_pairs(&[
            ("log.retention.hours", "100"),
            ("log.roll.ms", "7000"),
            ("write.caching", "true"),
        ])
        .unwrap();
        let topic = TopicConfig::from_overrides(&BTreeMap::new(), &config).unwrap();
        assert_eq!(topic.retention_ms, Some(360_000_000));
        assert_eq!(topic.segment_ms, 7000);
        assert!(topic.write_caching);
        let config = Config::from_pairs(&[
            ("log.retention.hours", "100"),
            ("log.retention.minutes", "-1"),
        ])
        .unwrap();
        assert_eq!(
            TopicConfig::from_overrides(&BTreeMap::new(), &config)
                .unwrap()
                .retention_ms,
            None
        );
    }

    #[test]
    fn overrides_win() {
        let topic = topic(&[
            ("cleanup.policy", "delete, compact"),
            ("retention.ms", "-1"),
            ("segment.bytes", " 1048576 "),
        ])
        .unwrap();
        assert_eq!(
            topic.cleanup_policy,
            CleanupPolicy {
                delete: true,
                compact: true
            }
        );
        assert_eq!(
            (topic.retention_ms, topic.segment_bytes_max),
            (None, 1 << 20)
        );
    }

    /// What Kafka 4.3.0 answered to CreateTopics with these, asked with validate_only.
    #[test]
    fn the_same_values_are_refused_as_in_kafka() {
        let refused = [
            ("bogus", "1"),
            ("message.format.version", "3.0"),
            ("min.insync.replicas", "0"),
            ("segment.bytes", "1048575"),
            ("segment.bytes", "99999999999"),
            ("segment.ms", "0"),
            ("compression.type", "none"),
            ("compression.type", "Gzip"),
            ("message.timestamp.type", "logappendtime"),
            ("cleanup.policy", "none"),
            ("min.cleanable.dirty.ratio", "1.5"),
            ("compression.gzip.level", "0"),
            ("compression.zstd.level", "23"),
            ("compression.lz4.level", "18"),
            ("retention.ms", "-2"),
            ("local.retention.ms", "-3"),
            ("remote.storage.enable", "true"),
            ("flush.messages", "0"),
            ("leader.replication.throttled.replicas", "x"),
            ("max.message.bytes", "-1"),
            ("preallocate", "yes"),
            ("max.compaction.lag.ms", "0"),
            ("segment.jitter.ms", "-1"),
            ("retention.ms", ""),
            ("retention.ms", "auto"),
        ];
        for (name, value) in refused {
            assert!(topic(&[(name, value)]).is_err(), "{name}={value}");
        }
        let accepted = [
            ("cleanup.policy", ""),
            ("cleanup.policy", "compact,compact"),
            ("retention.bytes", "-2"),
            ("max.message.bytes", "0"),
            ("preallocate", "TRUE"),
            ("segment.bytes", "+2000000"),
            ("min.cleanable.dirty.ratio", "1e-1"),
            ("follower.replication.throttled.replicas", "*"),
            ("retention.ms", "0"),
            ("flush.ms", "0"),
        ];
        for (name, value) in accepted {
            assert!(topic(&[(name, value)]).is_ok(), "{name}={value}");
        }
        assert!(
            topic(&[
                ("min.compaction.lag.ms", "10"),
                ("max.compaction.lag.ms", "5")
            ])
            .is_err()
        );
    }

    #[test]
    fn a_batch_must_fit_into_a_frame() {
        assert!(topic(&[("max.message.bytes", "8388608")]).is_ok());
        assert!(matches!(
            topic(&[("max.message.bytes", "16777216")]),
            Err(TopicConfigError::Invalid { .. })
        ));
    }

    #[test]
    fn every_row_has_a_value_and_known_synonyms() {
        let config = Config::default();
        for row in TOPIC {
            assert_ne!(
                default_of(row, &config),
                Value::Null,
                "{}",
                row.setting.name
            );
            for (name, _) in row.synonyms {
                assert!(super::super::broker::setting(name).is_some(), "{name}");
            }
        }
    }
}
