//! What DescribeConfigs says of resources that this broker has nothing of yet: groups and subscriptions to client metrics.
//! As in Kafka any name can be described, and has the defaults. Pure; nothing here can be set.

use super::describe::{ConfigSource, DescribedConfig};
use super::setting::ConfigType;

/// Name, type, value, the broker's setting behind it (none: null), one sentence.
type Row = (
    &'static str,
    ConfigType,
    &'static str,
    Option<&'static str>,
    &'static str,
);

use ConfigType::{Boolean, Int, List, String as Text};

/// In Kafka 4.3's order.
const CLIENT_METRICS: &[Row] = &[
    (
        "interval.ms",
        Int,
        "300000",
        None,
        "How often clients push their metrics.",
    ),
    ("match", List, "", None, "Which clients push."),
    (
        "metrics",
        List,
        "",
        None,
        "Prefixes of the metrics that are pushed.",
    ),
];

/// In Kafka 4.3's order.
const GROUP: &[Row] = &[
    (
        "consumer.session.timeout.ms",
        Int,
        "45000",
        Some("group.consumer.session.timeout.ms"),
        "Silence after which a consumer is out.",
    ),
    (
        "consumer.assignment.interval.ms",
        Int,
        "1000",
        Some("group.consumer.assignment.interval.ms"),
        "Shortest time between two assignments.",
    ),
    (
        "share.auto.offset.reset",
        Text,
        "latest",
        Some("share.auto.offset.reset"),
        "Where a share group begins.",
    ),
    (
        "share.renew.acknowledge.enable",
        Boolean,
        "true",
        Some("share.renew.acknowledge.enable"),
        "Whether a lock may be renewed.",
    ),
    (
        "streams.initial.rebalance.delay.ms",
        Int,
        "3000",
        Some("group.streams.initial.rebalance.delay.ms"),
        "Wait for more members before the first assignment.",
    ),
    (
        "share.session.timeout.ms",
        Int,
        "45000",
        Some("group.share.session.timeout.ms"),
        "Silence after which a member is out.",
    ),
    (
        "streams.assignment.interval.ms",
        Int,
        "1000",
        Some("group.streams.assignment.interval.ms"),
        "Shortest time between two assignments.",
    ),
    (
        "share.heartbeat.interval.ms",
        Int,
        "5000",
        Some("group.share.heartbeat.interval.ms"),
        "How often members say that they live.",
    ),
    (
        "streams.heartbeat.interval.ms",
        Int,
        "5000",
        Some("group.streams.heartbeat.interval.ms"),
        "How often members say that they live.",
    ),
    (
        "share.delivery.count.limit",
        Int,
        "5",
        Some("group.share.delivery.count.limit"),
        "How often a record is delivered at most.",
    ),
    (
        "consumer.heartbeat.interval.ms",
        Int,
        "5000",
        Some("group.consumer.heartbeat.interval.ms"),
        "How often members say that they live.",
    ),
    (
        "share.record.lock.duration.ms",
        Int,
        "30000",
        Some("group.share.record.lock.duration.ms"),
        "How long a delivered record is locked.",
    ),
    (
        "share.assignment.interval.ms",
        Int,
        "1000",
        Some("group.share.assignment.interval.ms"),
        "Shortest time between two assignments.",
    ),
    (
        "share.isolation.level",
        Text,
        "read_uncommitted",
        Some("share.isolation.level"),
        "Whether aborted records are delivered.",
    ),
    (
        "streams.session.timeout.ms",
        Int,
        "45000",
        Some("group.streams.session.timeout.ms"),
        "Silence after which a member is out.",
    ),
    (
        "share.partition.max.record.locks",
        Int,
        "2000",
        Some("group.share.partition.max.record.locks"),
        "Records of a partition that are locked at once.",
    ),
    (
        "streams.num.standby.replicas",
        Int,
        "0",
        Some("group.streams.num.standby.replicas"),
        "Standby copies of each task.",
    ),
];

/// Every config of a group.
pub fn describe_group() -> Vec<DescribedConfig> {
    GROUP.iter().map(line).collect()
}

/// Every config of a subscription to client metrics.
pub fn describe_client_metrics() -> Vec<DescribedConfig> {
    CLIENT_METRICS.iter().map(line).collect()
}

fn line((name, config_type, value, synonym, documentation): &Row) -> DescribedConfig {
    let value = Some((*value).to_owned());
    let synonym = synonym.map(|name| (name, value.clone(), ConfigSource::Default));
    DescribedConfig {
        name,
        value,
        read_only: false,
        sensitive: false,
        listed: true,
        source: ConfigSource::Default,
        synonyms: synonym.into_iter().collect(),
        config_type: *config_type,
        documentation,
    }
}
