//! Broker settings that change while the broker runs (KIP-226): what the cluster carries for all brokers, and for one.
//! Pure: says which may change and to what, and gives the settings in force; who keeps them is the controller.

use std::collections::BTreeMap;

use super::setting::{Check, Setting, Value};
use super::{Config, Origin, Read, broker};
use crate::limits;

/// What the cluster carries, read: both hold only settings that may change while the broker runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Dynamic {
    own: BTreeMap<&'static str, Value>,
    cluster: BTreeMap<&'static str, Value>,
}

/// Settings as they were given: name and text.
pub type Given = BTreeMap<String, String>;

/// Kafka 4.3 stores this one setting as a cluster-wide default when a cluster is formatted (KIP-966): its tools and recorded
/// answers show it as such, and it cannot be taken away.
pub const CLUSTER_DEFAULT: &str = "min.insync.replicas";

/// Counts of threads: no change is larger than to twice, or to half, what is in force, and none is to 0.
const THREADS: &[&str] = &[
    "background.threads",
    "num.io.threads",
    "num.network.threads",
    "num.replica.fetchers",
    "num.recovery.threads.per.data.dir",
    CLEANER_THREADS,
];
/// Of these Kafka speaks in other words.
const CLEANER_THREADS: &str = "log.cleaner.threads";

impl Config {
    /// These settings under those that the cluster carries for all brokers and for this one. What does not read was refused
    /// when it was set; settings that do not go together with those of this start are left out, as a whole.
    pub fn with_dynamic(&self, cluster: &Given, own: &Given) -> Self {
        self.try_dynamic(cluster, own).unwrap_or_else(|why| {
            tracing::warn!(
                why,
                "settings that the cluster carries do not fit this broker's own"
            );
            self.clone()
        })
    }

    fn try_dynamic(&self, cluster: &Given, own: &Given) -> Result<Self, String> {
        let dynamic = Dynamic {
            own: read(own),
            cluster: read(cluster),
        };
        let mut merged = self.values.clone();
        for (name, value) in dynamic.cluster.iter().chain(&dynamic.own) {
            merged.insert(name, (value.clone(), Origin::Default));
        }
        let typed = Read { values: &merged }.typed(self.values.clone());
        let mut config = typed.map_err(|error| error.to_string())?;
        let changed = |name| dynamic.own.contains_key(name) || dynamic.cluster.contains_key(name);
        if !changed("max.connections") {
            // At the start it was bound by what the process may open.
            config.connections_max = self.connections_max;
        }
        config.dynamic = dynamic;
        match config.conflicts().first() {
            None => Ok(config),
            Some(conflict) => Err(conflict.to_string()),
        }
    }

    /// Whether a broker with these settings, set at its start, could have `given` of all brokers, or of one.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub fn check_dynamic(&self, given: &Given) -> Result<(), String> {
        let fixed: Vec<_> = given
            .keys()
            .filter(|name| broker::setting(name).is_some_and(|row| !is_dynamic(row)))
            .cloned()
            .collect();
        if !fixed.is_empty() {
            return Err(format!(
                "Cannot update these configs dynamically: [{}]",
                fixed.join(", ")
            ));
        }
        for (name, text) in given {
            // What no broker knows may belong to a plug-in: as in Kafka it is nobody's business here.
            let Some(row) = broker::setting(name) else {
                continue;
            };
            let value = row
                .parse(text)
                .map_err(|why| refused_value(row, text, &why))?;
            check_value(row.name, &value)?;
            self.check_threads(row.name, &value)?;
        }
        self.try_dynamic(given, &Given::new()).map(drop)
    }

    fn check_threads(&self, name: &'static str, value: &Value) -> Result<(), String> {
        let (Value::Integer(now), Value::Integer(new)) = (self.value(name), value) else {
            return Ok(());
        };
        let may_be = (*now / 2).max(1)..=now.saturating_mul(2);
        if !THREADS.contains(&name) || may_be.contains(new) {
            return Ok(());
        }
        let why = match (name == CLEANER_THREADS, new > now) {
            (true, true) => format!(
                "Log cleaner threads cannot be increased to more than double the current value {now}"
            ),
            (true, false) => format!(
                "Log cleaner threads cannot be reduced to less than half the current value {now}"
            ),
            (false, true) => format!(
                "Dynamic thread count update validation failed for {name}={new}, value should not be greater than double the current value {now}"
            ),
            (false, false) => format!(
                "Dynamic thread count update validation failed for {name}={new}, value should be at least half the current value {now}"
            ),
        };
        Err(refused_by_config(&why))
    }

    /// The value that the cluster carries for all brokers.
    pub(super) fn cluster_value(&self, name: &str) -> Option<Value> {
        let carried = self.dynamic.cluster.get(name).cloned();
        let formatted = || {
            let (value, origin) = &self.values[name];
            (name == CLUSTER_DEFAULT && *origin == Origin::Default).then(|| value.clone())
        };
        carried.or_else(formatted)
    }

    /// The value that the cluster carries for this broker.
    pub(super) fn own_value(&self, name: &str) -> Option<&Value> {
        self.dynamic.own.get(name)
    }

    /// The value in force, if it changed since the start.
    pub(super) fn changed_value(&self, name: &str) -> Option<&Value> {
        let Dynamic { own, cluster } = &self.dynamic;
        own.get(name).or_else(|| cluster.get(name))
    }
}

/// How Kafka words what its brokers find in a whole configuration.
fn refused_by_config(why: &str) -> String {
    format!(
        "Invalid value org.apache.kafka.common.config.ConfigException: {why} for configuration Invalid dynamic configuration"
    )
}

/// How Kafka words what its rows find, and what it looks at only where it reads the rows' values.
fn refused_value(row: &Setting, text: &str, why: &str) -> String {
    match (row.name, row.check, row.read(text)) {
        ("log.roll.ms" | "log.roll.jitter.ms", Check::AtLeast(least), Ok(Value::Integer(_))) => {
            format!(
                "requirement failed: {} must be greater than or equal to {least}",
                row.name
            )
        }
        (name, _, _) => {
            let shown = row.shown(text);
            format!("Invalid value {shown} for configuration {name}: {why}")
        }
    }
}

/// What Kafka's brokers ask of values beyond their rows, and the sentence it answers with.
fn check_value(name: &str, value: &Value) -> Result<(), String> {
    match (name, value) {
        ("log.retention.ms", Value::Integer(0)) => Err(
            "requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1"
                .to_owned(),
        ),
        ("max.connections", Value::Integer(0)) => {
            Err(refused_by_config("Invalid max.connections 0"))
        }
        _ => Ok(()),
    }
}

/// Whether a setting may change while the broker runs, and has a meaning for all brokers alike.
fn is_dynamic(row: &Setting) -> bool {
    !row.read_only && row.set_through.is_none()
}

fn read(given: &Given) -> BTreeMap<&'static str, Value> {
    let known = given.iter().take(limits::CONFIGS_PER_RESOURCE_MAX);
    known
        .filter_map(|(name, text)| {
            let row = broker::setting(name).filter(|row| is_dynamic(row))?;
            Some((row.name, row.parse(text).ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Given {
        let pairs = pairs.iter();
        pairs
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn what_is_set_for_one_broker_wins_over_all_and_over_its_start() {
        let start = Config::from_pairs(&[("message.max.bytes", "1000")]).unwrap();
        let config = start.with_dynamic(
            &given(&[("message.max.bytes", "2000"), ("log.retention.ms", "7")]),
            &given(&[("message.max.bytes", "3000"), ("max.connections", "9")]),
        );
        assert_eq!(*config.value("message.max.bytes"), Value::Integer(3000));
        assert_eq!(*config.value("log.retention.ms"), Value::Integer(7));
        assert_eq!(config.connections_max, 9);
        let again = config.with_dynamic(&Given::new(), &Given::new());
        assert_eq!(*again.value("message.max.bytes"), Value::Integer(1000));
        assert_eq!(
            again.value("log.retention.ms"),
            start.value("log.retention.ms")
        );
    }

    /// What Kafka 4.3.0 answered to IncrementalAlterConfigs of a broker with these.
    #[test]
    fn the_same_changes_are_refused_as_in_kafka() {
        let config = Config::default();
        for (name, text) in [
            ("num.partitions", "3"),
            ("log.dirs", "/tmp/x"),
            ("log.retention.hours", "5"),
            ("message.max.bytes", "x"),
            ("log.segment.bytes", "1"),
            ("background.threads", "21"),
            ("num.io.threads", "3"),
            ("log.cleaner.threads", "3"),
            ("log.cleaner.threads", "0"),
            ("min.insync.replicas", "0"),
            ("log.retention.ms", "0"),
            ("max.connections", "0"),
        ] {
            assert!(
                config.check_dynamic(&given(&[(name, text)])).is_err(),
                "{name}={text}"
            );
        }
        for (name, text) in [
            ("message.max.bytes", "7000"),
            ("background.threads", "20"),
            ("num.recovery.threads.per.data.dir", "1"),
            ("log.retention.ms", "-1"),
            ("no.such.config", "1"),
            ("", "1"),
        ] {
            assert_eq!(
                config.check_dynamic(&given(&[(name, text)])),
                Ok(()),
                "{name}={text}"
            );
        }
    }

    #[test]
    fn what_would_make_no_legal_topic_is_refused() {
        let most = given(&[("message.max.bytes", "2000000000")]);
        let config = Config::default();
        assert!(config.check_dynamic(&most).is_err());
        let unchanged = config.with_dynamic(&most, &Given::new());
        assert_eq!(
            unchanged.value("message.max.bytes"),
            config.value("message.max.bytes")
        );
    }
}
