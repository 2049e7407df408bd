//! What DescribeConfigs says: names, values, where each value comes from, and the synonyms behind it.
//!
//! Pure. The shapes and sources are Kafka 4.3's, asked of a running one; the request's handler filters by key and version.

use std::collections::BTreeMap;

use super::setting::{ConfigType, Setting, Value};
use super::topic::{self, TOPIC, TopicSetting};
use super::{Advertise, Config, Origin, broker};

/// Buckets of the Java hash map of Kafka's broker settings.
const BROKER_BUCKETS: u32 = 512;
/// Buckets of the one of what the cluster carries.
const CLUSTER_BUCKETS: u32 = 16;

/// Where a value comes from (`ConfigSource` of DescribeConfigs, KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// Set on the topic.
    DynamicTopic,
    /// Set on the broker while it ran.
    DynamicBroker,
    /// A default that the cluster carries for all brokers.
    DynamicDefaultBroker,
    /// Set at the broker's start: file, environment or flag.
    StaticBroker,
    /// Built in.
    Default,
    /// The level of a logger.
    BrokerLogger,
    /// Set on the subscription to client metrics.
    DynamicClientMetrics,
    /// Set on the group.
    DynamicGroup,
}

impl ConfigSource {
    /// The number on the wire.
    pub const fn code(self) -> i8 {
        match self {
            Self::DynamicTopic => 1,
            Self::DynamicBroker => 2,
            Self::DynamicDefaultBroker => 3,
            Self::StaticBroker => 4,
            Self::Default => 5,
            Self::BrokerLogger => 6,
            Self::DynamicClientMetrics => 7,
            Self::DynamicGroup => 8,
        }
    }
}

/// One line of a DescribeConfigs answer.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedConfig {
    /// The config's name.
    pub name: &'static str,
    /// Its value; `None` for null and for secrets.
    pub value: Option<String>,
    /// Whether it cannot be changed while the broker runs.
    pub read_only: bool,
    /// Whether it is a secret.
    pub sensitive: bool,
    /// Whether it is told to who asks for all. A topic config that only this broker has is not told at its default:
    /// who compares brokers, or moves topics from one to another, sees Kafka's.
    pub listed: bool,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// The values behind it, the one in force first: name, value, source.
    pub synonyms: Vec<(&'static str, Option<String>, ConfigSource)>,
    /// Its type (v3 and later).
    pub config_type: ConfigType,
    /// One sentence (v3 and later).
    pub documentation: &'static str,
}

/// Every config of a topic with these overrides, in Kafka's order.
pub fn describe_topic(
    overrides: &BTreeMap<String, String>,
    config: &Config,
) -> Vec<DescribedConfig> {
    TOPIC
        .iter()
        .map(|row| topic_line(row, overrides, config))
        .collect()
}

/// Every setting of the broker with this node id, in Kafka's order.
pub fn describe_broker(config: &Config, node_id: i32) -> Vec<DescribedConfig> {
    let mut lines: Vec<_> = broker::settings()
        .map(|row| broker_line(row, config, node_id))
        .collect();
    lines.sort_by_key(|line| bucket(line.name, BROKER_BUCKETS));
    lines
}

/// Where a Java hash map of so many buckets has this name: that is the order in which Kafka tells them.
fn bucket(name: &str, buckets: u32) -> u32 {
    let hash = name.bytes().fold(0u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    (hash ^ (hash >> 16)) % buckets
}

/// What the cluster carries for all brokers.
pub fn describe_cluster(config: &Config) -> Vec<DescribedConfig> {
    let source = ConfigSource::DynamicDefaultBroker;
    let mut lines: Vec<_> = broker::settings()
        .filter_map(|row| {
            let value = config.cluster_value(row.name)?.wire_text();
            let synonym = (row.name, value.clone(), source);
            Some(line(row, value, source, vec![synonym]))
        })
        .collect();
    lines.sort_by_key(|line| (bucket(line.name, CLUSTER_BUCKETS), line.name));
    lines
}

/// The levels of a broker's loggers: one, the filter that all log lines pass.
pub fn describe_loggers(level: &str) -> Vec<DescribedConfig> {
    let value = Some(level.to_uppercase());
    let source = ConfigSource::BrokerLogger;
    vec![DescribedConfig {
        name: "root",
        value,
        read_only: false,
        sensitive: false,
        listed: true,
        source,
        synonyms: Vec::new(),
        config_type: ConfigType::Unknown,
        documentation: "",
    }]
}

/// A value behind another: name, value, source.
type Layer = (&'static str, Option<String>, ConfigSource);

fn topic_line(
    row: &TopicSetting,
    overrides: &BTreeMap<String, String>,
    config: &Config,
) -> DescribedConfig {
    let name = row.setting.name;
    let value = topic::effective(row, overrides, config).wire_text();
    // Only the first synonym is listed, in its own unit; the others merely give the value (as in Kafka).
    let mut synonyms = row.synonyms.first().map_or_else(Vec::new, |(synonym, _)| {
        let setting = broker::setting(synonym).expect("every synonym is a broker setting; tested");
        all_layers_of(setting, config)
    });
    let mut source = synonyms
        .first()
        .map_or(ConfigSource::Default, |(_, _, source)| *source);
    if overrides.contains_key(name) {
        source = ConfigSource::DynamicTopic;
        synonyms.insert(0, (name, value.clone(), source));
    }
    DescribedConfig {
        listed: !topic::OURS.contains(&name) || source != ConfigSource::Default,
        ..line(&row.setting, value, source, synonyms)
    }
}

fn broker_line(row: &'static Setting, config: &Config, node_id: i32) -> DescribedConfig {
    if let Some(value) = reported(row.name, config, node_id) {
        let mut synonyms = vec![(row.name, Some(value.clone()), ConfigSource::StaticBroker)];
        synonyms.extend(layers_of(row, config));
        return line(row, Some(value), ConfigSource::StaticBroker, synonyms);
    }
    let value = config.value(row.name).wire_text();
    let synonyms = all_layers_of(row, config);
    let source = synonyms
        .first()
        .map_or(ConfigSource::Default, |(_, _, source)| *source);
    line(row, value, source, synonyms)
}

fn line(
    row: &Setting,
    value: Option<String>,
    source: ConfigSource,
    synonyms: Vec<Layer>,
) -> DescribedConfig {
    let hide = |value: Option<String>| value.filter(|_| !row.sensitive);
    DescribedConfig {
        name: row.name,
        value: hide(value),
        read_only: row.read_only,
        sensitive: row.sensitive,
        listed: true,
        source,
        synonyms: synonyms
            .into_iter()
            .map(|(name, value, source)| (name, hide(value), source))
            .collect(),
        config_type: row.kind.config_type(),
        documentation: row.doc,
    }
}

/// The values behind a broker setting, and if it has one those of the settings consulted in its place.
fn all_layers_of(row: &'static Setting, config: &Config) -> Vec<Layer> {
    let mut layers = layers_of(row, config);
    if *config.value(row.name) != Value::Null {
        for fallback in fallbacks(row.name) {
            let setting =
                broker::setting(fallback).expect("the fallbacks below are broker settings; tested");
            layers.extend(layers_of(setting, config).into_iter().take(1));
        }
    }
    layers
}

/// A broker setting's values: set while it ran, set at its start, its default; null ones are left out.
fn layers_of(row: &'static Setting, config: &Config) -> Vec<Layer> {
    let at_start = || {
        let given = *config.origin(row.name) != Origin::Default;
        given.then(|| config.value_at_start(row.name).clone())
    };
    let values = [
        (
            config.own_value(row.name).cloned(),
            ConfigSource::DynamicBroker,
        ),
        (
            config.cluster_value(row.name),
            ConfigSource::DynamicDefaultBroker,
        ),
        (at_start(), ConfigSource::StaticBroker),
        (Some(row.default_value()), ConfigSource::Default),
    ];
    let layer = |(value, source): (Option<Value>, ConfigSource)| {
        let text = value?.wire_text()?;
        Some((row.name, Some(text), source))
    };
    values.into_iter().filter_map(layer).collect()
}

/// Settings that Kafka consults when the one called `name` is not set.
fn fallbacks(name: &str) -> &'static [&'static str] {
    match name {
        "log.retention.ms" => &["log.retention.minutes", "log.retention.hours"],
        "log.retention.minutes" => &["log.retention.hours"],
        "log.roll.ms" => &["log.roll.hours"],
        "log.roll.jitter.ms" => &["log.roll.jitter.hours"],
        "log.flush.interval.ms" => &["log.flush.scheduler.interval.ms"],
        _ => &[],
    }
}

/// Values that follow from our own settings and the node asked about.
fn reported(name: &str, config: &Config, node_id: i32) -> Option<String> {
    let shard = node_id.saturating_sub(config.node_id(0));
    let port = match config.advertise {
        Advertise::Machine => config.listen_port,
        Advertise::Shard => u16::try_from(shard)
            .ok()
            .and_then(|shard| config.shard_port(shard))
            .unwrap_or(config.listen_port),
    };
    match name {
        "node.id" | "broker.id" => Some(node_id.to_string()),
        "listeners" => Some(format!(
            "PLAINTEXT://{}",
            super::host_port(&config.listen_host, port)
        )),
        "advertised.listeners" => Some(format!(
            "PLAINTEXT://{}",
            super::host_port(&config.advertised_host, port)
        )),
        "process.roles" => Some("broker,controller".to_owned()),
        "log.dirs" => Some(config.data_dir.display().to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'a>(lines: &'a [DescribedConfig], name: &str) -> &'a DescribedConfig {
        lines.iter().find(|line| line.name == name).unwrap()
    }

    fn shown(line: &DescribedConfig) -> Vec<(&str, &str, i8)> {
        line.synonyms
            .iter()
            .map(|(n, v, s)| (*n, v.as_deref().unwrap_or("-"), s.code()))
            .collect()
    }

    #[test]
    fn topic_lines_show_overrides_over_broker_settings() {
        let config = Config::from_pairs(&[("message.max.bytes", "2000000")]).unwrap();
        let overrides = BTreeMap::from([("segment.bytes".to_owned(), "2000000".to_owned())]);
        let lines = describe_topic(&overrides, &config);
        let segment = find(&lines, "segment.bytes");
        assert_eq!(
            (segment.value.as_deref(), segment.source.code()),
            (Some("2000000"), 1)
        );
        assert_eq!(
            shown(segment),
            [
                ("segment.bytes", "2000000", 1),
                ("log.segment.bytes", "1073741824", 5)
            ]
        );
        let message = find(&lines, "max.message.bytes");
        assert_eq!(
            shown(message),
            [
                ("message.max.bytes", "2000000", 4),
                ("message.max.bytes", "1048588", 5)
            ]
        );
        assert_eq!(message.source.code(), 4);
    }

    /// Lines of Kafka 4.3.0 for a topic without overrides under `log.retention.hours=100`.
    #[test]
    fn topic_defaults_read_as_in_kafka() {
        let lines = describe_topic(
            &BTreeMap::new(),
            &Config::from_pairs(&[("log.retention.hours", "100")]).unwrap(),
        );
        assert_eq!(lines.len(), 34);
        let retention = find(&lines, "retention.ms");
        assert_eq!(
            (retention.value.as_deref(), retention.source.code()),
            (Some("360000000"), 5)
        );
        assert!(retention.synonyms.is_empty());
        let isr = find(&lines, "min.insync.replicas");
        assert_eq!(
            (shown(isr), isr.source.code()),
            (
                vec![
                    ("min.insync.replicas", "1", 3),
                    ("min.insync.replicas", "1", 5)
                ],
                3
            )
        );
        let flush = find(&lines, "flush.ms");
        assert_eq!(
            (flush.value.as_deref(), flush.synonyms.len()),
            (Some("9223372036854775807"), 0)
        );
        assert_eq!(
            find(&lines, "min.cleanable.dirty.ratio").value.as_deref(),
            Some("0.5")
        );
        assert_eq!(
            find(&lines, "leader.replication.throttled.replicas")
                .value
                .as_deref(),
            Some("")
        );
    }

    #[test]
    fn broker_lines_show_every_layer() {
        let pairs = [
            ("log.retention.ms", "1000000"),
            ("log.retention.minutes", "77"),
        ];
        let lines = describe_broker(&Config::from_pairs(&pairs).unwrap(), 1000);
        let expected = [
            ("log.retention.ms", "1000000", 4),
            ("log.retention.minutes", "77", 4),
            ("log.retention.hours", "168", 5),
        ];
        assert_eq!(shown(find(&lines, "log.retention.ms")), expected);
        assert_eq!(find(&lines, "log.roll.ms").value, None);
        assert!(find(&lines, "log.roll.ms").synonyms.is_empty());
        assert_eq!(find(&lines, "message.max.bytes").config_type.code(), 3);
        let place = |name| lines.iter().position(|line| line.name == name).unwrap();
        assert!(place("min.insync.replicas") < place("message.max.bytes"));
        assert!(place("message.max.bytes") < place("log.retention.hours"));
    }

    #[test]
    fn a_broker_reports_its_own_address() {
        let lines = describe_broker(&Config::default(), 1001);
        assert_eq!(find(&lines, "node.id").value.as_deref(), Some("1001"));
        assert_eq!(
            find(&lines, "advertised.listeners").value.as_deref(),
            Some("PLAINTEXT://127.0.0.1:9094")
        );
    }
}
