//! Settings of groups and of subscriptions to client metrics. This broker keeps them and tells them; nothing acts by them yet.
//! As in Kafka any name can be described, and has the defaults. Pure.

use std::collections::BTreeMap;

use super::describe::{ConfigSource, DescribedConfig};
use super::setting::{Check, Preset, Setting, Value};

use Check::{Any, AtLeast, Between, OneOf};

/// A setting, and the broker's setting behind it (none: nothing).
type Row = (Setting, Option<&'static str>);

/// Settings as they were given: name and text.
type Given = BTreeMap<String, String>;

/// In Kafka 4.3's order.
const CLIENT_METRICS: &[Row] = &[
    (
        Setting::int(
            "interval.ms",
            300_000,
            Any,
            "How often clients push their metrics.",
        ),
        None,
    ),
    (Setting::list("match", "", Any, "Which clients push."), None),
    (
        Setting::list(
            "metrics",
            "",
            Any,
            "Prefixes of the metrics that are pushed.",
        ),
        None,
    ),
];

/// In Kafka 4.3's order; bounds of the broker's own settings, which are at their defaults here.
const GROUP: &[Row] = &[
    (
        Setting::int(
            "consumer.session.timeout.ms",
            45_000,
            Between(45_000, 60_000),
            "Silence after which a consumer is out.",
        ),
        Some("group.consumer.session.timeout.ms"),
    ),
    (
        Setting::int(
            "consumer.assignment.interval.ms",
            1_000,
            AtLeast(0),
            "Shortest time between two assignments.",
        ),
        Some("group.consumer.assignment.interval.ms"),
    ),
    (
        Setting::text(
            "share.auto.offset.reset",
            Preset::Text("latest"),
            Any,
            "Where a share group begins.",
        ),
        Some("share.auto.offset.reset"),
    ),
    (
        Setting::bool(
            "share.renew.acknowledge.enable",
            true,
            "Whether a lock may be renewed.",
        ),
        Some("share.renew.acknowledge.enable"),
    ),
    (
        Setting::int(
            "streams.initial.rebalance.delay.ms",
            3_000,
            AtLeast(0),
            "Wait for more members before the first assignment.",
        ),
        Some("group.streams.initial.rebalance.delay.ms"),
    ),
    (
        Setting::int(
            "share.session.timeout.ms",
            45_000,
            Between(45_000, 60_000),
            "Silence after which a member is out.",
        ),
        Some("group.share.session.timeout.ms"),
    ),
    (
        Setting::int(
            "streams.assignment.interval.ms",
            1_000,
            AtLeast(0),
            "Shortest time between two assignments.",
        ),
        Some("group.streams.assignment.interval.ms"),
    ),
    (
        Setting::int(
            "share.heartbeat.interval.ms",
            5_000,
            Between(5_000, 15_000),
            "How often members say that they live.",
        ),
        Some("group.share.heartbeat.interval.ms"),
    ),
    (
        Setting::int(
            "streams.heartbeat.interval.ms",
            5_000,
            Between(5_000, 15_000),
            "How often members say that they live.",
        ),
        Some("group.streams.heartbeat.interval.ms"),
    ),
    (
        Setting::int(
            "share.delivery.count.limit",
            5,
            Between(2, 10),
            "How often a record is delivered at most.",
        ),
        Some("group.share.delivery.count.limit"),
    ),
    (
        Setting::int(
            "consumer.heartbeat.interval.ms",
            5_000,
            Between(5_000, 15_000),
            "How often members say that they live.",
        ),
        Some("group.consumer.heartbeat.interval.ms"),
    ),
    (
        Setting::int(
            "share.record.lock.duration.ms",
            30_000,
            Between(15_000, 60_000),
            "How long a delivered record is locked.",
        ),
        Some("group.share.record.lock.duration.ms"),
    ),
    (
        Setting::int(
            "share.assignment.interval.ms",
            1_000,
            AtLeast(0),
            "Shortest time between two assignments.",
        ),
        Some("group.share.assignment.interval.ms"),
    ),
    (
        Setting::text(
            "share.isolation.level",
            Preset::Text("read_uncommitted"),
            OneOf(&["read_committed", "read_uncommitted"]),
            "Whether aborted records are delivered.",
        ),
        Some("share.isolation.level"),
    ),
    (
        Setting::int(
            "streams.session.timeout.ms",
            45_000,
            Between(45_000, 60_000),
            "Silence after which a member is out.",
        ),
        Some("group.streams.session.timeout.ms"),
    ),
    (
        Setting::int(
            "share.partition.max.record.locks",
            2_000,
            Between(100, 10_000),
            "Records of a partition that are locked at once.",
        ),
        Some("group.share.partition.max.record.locks"),
    ),
    (
        Setting::int(
            "streams.num.standby.replicas",
            0,
            Between(0, 2),
            "Standby copies of each task.",
        ),
        Some("group.streams.num.standby.replicas"),
    ),
];

/// How often clients may push, milliseconds.
const PUSH_INTERVAL_MS: std::ops::RangeInclusive<i64> = 100..=3_600_000;

/// What a subscription may choose clients by.
const MATCHED: &[&str] = &[
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
];

/// Why a group or a subscription cannot have such settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceConfigError {
    /// A setting is unknown, or its value illegal.
    Config(String),
    /// Kafka calls it a request that cannot be.
    Request(String),
}

/// Every config of a group with these overrides.
pub fn describe_group(given: &Given) -> Vec<DescribedConfig> {
    let line = |row| line(row, given, ConfigSource::DynamicGroup);
    GROUP.iter().map(line).collect()
}

/// Every config of a subscription to client metrics with these overrides.
pub fn describe_client_metrics(given: &Given) -> Vec<DescribedConfig> {
    let line = |row| line(row, given, ConfigSource::DynamicClientMetrics);
    CLIENT_METRICS.iter().map(line).collect()
}

/// Whether a group can have these settings.
///
/// # Errors
/// The first that is unknown or out of bounds.
pub fn check_group(given: &Given) -> Result<(), ResourceConfigError> {
    for (name, text) in given {
        let row = find(GROUP, name).ok_or_else(|| {
            ResourceConfigError::Config(format!("Unknown group config name: {name}"))
        })?;
        check_bounds(row, text)?;
        parse(row, text)?;
        if row.name == "share.auto.offset.reset" && !is_reset(text) {
            let why = format!(
                "Invalid value `{text}` for configuration {name}. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'."
            );
            return Err(invalid(name, text, &why));
        }
    }
    Ok(())
}

/// Kafka words a number of no sense, and one that its brokers do not let a group have, apart.
fn check_bounds(row: &Setting, text: &str) -> Result<(), ResourceConfigError> {
    let (Between(low, high), Ok(Value::Integer(number))) = (row.check, row.read(text)) else {
        return Ok(());
    };
    let least = match row.name {
        "share.record.lock.duration.ms" => 1_000,
        name if name.ends_with(".ms") => 1,
        _ => low,
    };
    let (word, bound) = match number {
        _ if number < least => {
            let why = format!("Value must be at least {least}");
            return Err(invalid(row.name, &number.to_string(), &why));
        }
        _ if number < low => ("greater", "min"),
        _ if number > high => ("less", "max"),
        _ => return Ok(()),
    };
    let (kind, rest) = row.name.split_once('.').unwrap_or_default();
    let rest = rest.trim_start_matches("num.");
    Err(ResourceConfigError::Config(format!(
        "{} must be {word} than or equal to group.{kind}.{bound}.{rest}",
        row.name
    )))
}

fn is_reset(text: &str) -> bool {
    match text.strip_prefix("by_duration:P") {
        Some(duration) => {
            let in_duration = |c: char| c.is_ascii_digit() || "YMWDTHS.".contains(c);
            !duration.is_empty() && duration.chars().all(in_duration)
        }
        None => matches!(text, "earliest" | "latest"),
    }
}

/// Whether a subscription can have these settings.
///
/// # Errors
/// The first that is unknown or out of bounds.
pub fn check_client_metrics(given: &Given) -> Result<(), ResourceConfigError> {
    for (name, text) in given {
        let row = find(CLIENT_METRICS, name).ok_or_else(|| {
            let text = format!("Unknown client metrics configuration: {name}");
            ResourceConfigError::Request(text)
        })?;
        match (row.name, parse(row, text)?) {
            ("interval.ms", Value::Integer(ms)) if !PUSH_INTERVAL_MS.contains(&ms) => {
                let text = format!(
                    "Invalid value {ms} for interval.ms, interval must be between 100 and 3600000 (1 hour)"
                );
                return Err(ResourceConfigError::Request(text));
            }
            ("match", Value::List(patterns)) => {
                if let Some(wrong) = patterns.iter().find(|one| !is_pattern(one)) {
                    let text = format!("Illegal client matching pattern: {wrong}");
                    return Err(ResourceConfigError::Config(text));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether this is `field=expression`. Of the expression only what is open at its end is looked at: nothing here runs it.
fn is_pattern(text: &str) -> bool {
    let Some((field, expression)) = text.split_once('=') else {
        return false;
    };
    let count = |c| expression.matches(c).count();
    MATCHED.contains(&field.trim()) && count('[') == count(']') && count('(') == count(')')
}

fn find(rows: &'static [Row], name: &str) -> Option<&'static Setting> {
    let row = rows.iter().find(|(row, _)| row.name == name);
    row.map(|(row, _)| row)
}

fn parse(row: &Setting, text: &str) -> Result<Value, ResourceConfigError> {
    row.parse(text)
        .map_err(|why| invalid(row.name, &row.shown(text), &why))
}

fn invalid(name: &str, text: &str, why: &str) -> ResourceConfigError {
    let text = format!("Invalid value {text} for configuration {name}: {why}");
    ResourceConfigError::Config(text)
}

fn line((row, synonym): &Row, given: &Given, given_source: ConfigSource) -> DescribedConfig {
    let default = row.default_value().wire_text();
    let set = given.get(row.name).and_then(|text| row.parse(text).ok());
    let set = set.and_then(|value| value.wire_text());
    let mut synonyms = Vec::new();
    let mut source = ConfigSource::Default;
    if set.is_some() {
        source = given_source;
        synonyms.push((row.name, set.clone(), source));
    }
    if let Some(synonym) = synonym {
        synonyms.push((*synonym, default.clone(), ConfigSource::Default));
    }
    DescribedConfig {
        name: row.name,
        value: set.or(default),
        read_only: false,
        sensitive: false,
        listed: true,
        source,
        synonyms,
        config_type: row.kind.config_type(),
        documentation: row.doc,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, text: &str) -> Given {
        Given::from([(name.to_owned(), text.to_owned())])
    }

    /// What Kafka 4.3.0 answered to IncrementalAlterConfigs of groups and subscriptions with these.
    #[test]
    fn the_same_values_are_refused_as_in_kafka() {
        for (name, text) in [
            ("consumer.session.timeout.ms", "50000"),
            ("consumer.heartbeat.interval.ms", "6000"),
            ("share.auto.offset.reset", "by_duration:PT1H"),
            ("share.isolation.level", "read_committed"),
            ("streams.num.standby.replicas", "1"),
        ] {
            assert_eq!(check_group(&given(name, text)), Ok(()), "{name}={text}");
        }
        for (name, text) in [
            ("consumer.session.timeout.ms", "1"),
            ("consumer.session.timeout.ms", "500000"),
            ("consumer.session.timeout.ms", "x"),
            ("consumer.heartbeat.interval.ms", "50001"),
            ("share.auto.offset.reset", "x"),
            ("share.isolation.level", "x"),
            ("streams.num.standby.replicas", "5"),
            ("no.such.config", "x"),
        ] {
            assert!(check_group(&given(name, text)).is_err(), "{name}={text}");
        }
        let metrics = |name, text| match check_client_metrics(&given(name, text)) {
            Ok(()) => 0,
            Err(ResourceConfigError::Config(_)) => 40,
            Err(ResourceConfigError::Request(_)) => 42,
        };
        assert_eq!(metrics("interval.ms", "1000"), 0);
        assert_eq!(metrics("interval.ms", "99"), 42);
        assert_eq!(metrics("interval.ms", "x"), 40);
        assert_eq!(metrics("match", "client_id=a.*"), 0);
        assert_eq!(metrics("match", "x=y"), 40);
        assert_eq!(metrics("match", "client_id=["), 40);
        assert_eq!(metrics("no.such.config", "x"), 42);
    }

    #[test]
    fn what_is_set_stands_before_the_brokers_own() {
        let lines = describe_group(&given("consumer.session.timeout.ms", "50000"));
        let line = &lines[0];
        assert_eq!(
            (line.value.as_deref(), line.source.code()),
            (Some("50000"), 8)
        );
        let sources: Vec<_> = line
            .synonyms
            .iter()
            .map(|(_, _, source)| source.code())
            .collect();
        assert_eq!(sources, [8, 5]);
    }
}
