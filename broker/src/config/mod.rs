//! Every setting of the broker and of a topic: names, defaults, bounds, where a value came from, what clients are told.
//!
//! Settings come from flags, then the environment (`PELTON_NUM_PARTITIONS`), then the file (TOML), then the defaults.
//! Never reads the file or the environment itself: their contents are arguments. What changes while the broker runs makes
//! another set of them (`dynamic`).

pub mod broker;
mod compaction;
pub mod describe;
pub mod dynamic;
mod groups;
mod layers;
pub mod resources;
pub mod setting;
pub mod topic;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use crate::limits;
use setting::Value;

pub use compaction::CompactionSettings;
pub use groups::GroupSettings;
pub use layers::{ENV_FLAGS, ENV_PREFIX, Layers, Origin};

/// Why a setting is refused. The broker exits with code 78.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// No setting has this name.
    #[error("unknown setting `{name}` ({origin}){}", suggestion(.nearest))]
    Unknown {
        /// The name as given.
        name: String,
        /// A setting that may be meant.
        nearest: Option<&'static str>,
        /// Where it was given.
        origin: Origin,
    },
    /// The value does not read as its type, or is out of bounds.
    #[error("invalid value `{value}` for `{name}` ({origin}): {why}")]
    Invalid {
        /// The setting.
        name: &'static str,
        /// The value as given.
        value: String,
        /// What it must be.
        why: String,
        /// Where it was given.
        origin: Origin,
    },
    /// The name is one that Kafka's tools read and that follows from another setting.
    #[error("`{name}` cannot be set ({origin}); set `{instead}` instead")]
    NotSettable {
        /// The name as given.
        name: &'static str,
        /// The setting it follows from.
        instead: &'static str,
        /// Where it was given.
        origin: Origin,
    },
    /// Two values, each legal, do not go together.
    #[error("{0}")]
    Conflict(String),
    /// The file is not TOML, or a value in it is of no kind that a setting has.
    #[error("{path}, line {line}: {why}")]
    Syntax {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
}

/// All that is wrong with the settings, so that an operator mends it in one go. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// What clients are told to connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advertise {
    /// Each shard is a node with a port of its own.
    Shard,
    /// The machine is one node; requests for another shard's partition hop once.
    Machine,
}

/// How much of a compressed batch is looked at before it is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidateCompressed {
    /// Decompress and count, as Kafka does.
    Full,
    /// The header alone.
    Header,
}

/// What the host checks at start may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreflightMode {
    /// Nothing is checked.
    Off,
    /// Fatal findings refuse to start, others are logged.
    Warn,
    /// Any finding of severity warning or above refuses to start.
    Strict,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The broker's settings, read and checked. Fields are named after their settings, the unit last.
#[derive(Clone, Debug)]
pub struct Config {
    values: BTreeMap<&'static str, (Value, Origin)>,
    dynamic: dynamic::Dynamic,
    /// `data.dir`.
    pub data_dir: PathBuf,
    /// Host part of `listen`, without brackets.
    pub listen_host: String,
    /// Port part of `listen`: the bootstrap port. 0 lets the kernel choose every port (tests).
    pub listen_port: u16,
    /// Host and port of `admin.listen`; `None`: there is no such listener.
    pub admin_listen: Option<(String, u16)>,
    /// `advertised.host`, or the host of `listen`.
    pub advertised_host: String,
    /// `advertise`.
    pub advertise: Advertise,
    /// `shards`; `None` takes the usable cores, or what the data directory has.
    pub shards: Option<u32>,
    /// `machine.id`.
    pub machine_id: u32,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// `num.partitions`.
    pub num_partitions: u32,
    /// `default.replication.factor`.
    pub default_replication_factor: u32,
    /// `offsets.topic.num.partitions`.
    pub offsets_topic_partitions: u32,
    /// Settings of consumer groups.
    pub groups: GroupSettings,
    /// Settings of compaction.
    pub compaction: CompactionSettings,
    /// `transaction.state.log.num.partitions`.
    pub transaction_topic_partitions: u32,
    /// `auto.create.topics.enable`.
    pub auto_create_topics_enable: bool,
    /// `delete.topic.enable`.
    pub delete_topic_enable: bool,
    /// `socket.request.max.bytes`.
    pub socket_request_bytes_max: u32,
    /// `fetch.max.bytes`.
    pub fetch_bytes_max: u32,
    /// `max.incremental.fetch.session.cache.slots`, a shard.
    pub fetch_session_slots: u32,
    /// `queued.max.request.bytes`; `None` for the built-in bound a shard.
    pub queued_request_bytes_max: Option<u64>,
    /// `connections.max.idle.ms`; `None` never closes.
    pub connections_idle_ms_max: Option<u64>,
    /// `max.connections`, a shard, at most `limits::CONNECTIONS_PER_SHARD_MAX`.
    pub connections_max: u32,
    /// `max.connections.per.ip`, a shard.
    pub connections_per_ip_max: u32,
    /// `socket.send.buffer.bytes`; `None` for the kernel's default.
    pub socket_send_buffer_bytes: Option<u32>,
    /// `socket.receive.buffer.bytes`; `None` for the kernel's default.
    pub socket_receive_buffer_bytes: Option<u32>,
    /// `socket.listen.backlog.size`.
    pub socket_listen_backlog: u32,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: u64,
    /// `producer.id.expiration.check.interval.ms`.
    pub producer_id_expiration_check_interval_ms: u64,
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval_ms: u64,
    /// `write.caching` for topics that do not say.
    pub write_caching: bool,
    /// `produce.validate.compressed`.
    pub validate_compressed: ValidateCompressed,
    /// `journal.bytes.max`, a shard; `None`: see [`Config::journal_bytes_max`].
    pub journal_bytes_max: Option<u64>,
    /// `journal.file.bytes`, a multiple of 4096.
    pub journal_file_bytes: u64,
    /// `transaction.max.timeout.ms`.
    pub transaction_timeout_ms_max: i32,
    /// `frame.bytes.max`, a multiple of 4096.
    pub frame_bytes_max: u64,
    /// `direct.bytes.min`.
    pub direct_bytes_min: u64,
    /// `dirty.bytes.max`, a shard; `None`: see [`Config::dirty_bytes_max`].
    pub dirty_bytes_max: Option<u64>,
    /// `checkpoint.interval.ms`.
    pub checkpoint_interval_ms: u64,
    /// `io.memory.bytes`, a shard.
    pub io_memory_bytes: u64,
    /// `spin.before.park.us`; 0 never spins.
    pub spin_before_park_us: u64,
    /// `shutdown.timeout.ms`.
    pub shutdown_timeout_ms: u64,
    /// `preflight`.
    pub preflight: PreflightMode,
    /// `log.format`.
    pub log_format: LogFormat,
    /// `log.level`, in the words of `tracing`'s filter.
    pub log_level: String,
}

impl Default for Config {
    fn default() -> Self {
        Self::load(&Layers::default()).expect("the defaults are legal together; tested")
    }
}

impl Config {
    /// Reads all layers over the defaults.
    ///
    /// # Errors
    /// Everything that is wrong, each with the place it was given.
    pub fn load(layers: &Layers) -> Result<Self, ConfigErrors> {
        let (given, mut errors) = layers::read(layers);
        let mut values: BTreeMap<_, _> = broker::settings()
            .map(|row| (row.name, (row.default_value(), Origin::Default)))
            .collect();
        for given in given {
            match given.setting.parse(&given.text) {
                Ok(value) => {
                    values.insert(given.setting.name, (value, given.origin));
                }
                Err(why) => errors.push(ConfigError::Invalid {
                    name: given.setting.name,
                    value: given.text,
                    why,
                    origin: given.origin,
                }),
            }
        }
        if !errors.is_empty() {
            return Err(ConfigErrors(errors));
        }
        let config = Read { values: &values }
            .typed(values.clone())
            .map_err(|error| ConfigErrors(vec![error]))?;
        let conflicts = config.conflicts();
        if conflicts.is_empty() {
            Ok(config)
        } else {
            Err(ConfigErrors(conflicts))
        }
    }

    /// The settings of these pairs over the defaults; for tests and tools.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_pairs(pairs: &[(&str, &str)]) -> Result<Self, ConfigErrors> {
        let flag = |(name, text): &(&str, &str)| {
            ((*name).to_owned(), (*text).to_owned(), "--set".to_owned())
        };
        Self::load(&Layers {
            flags: pairs.iter().map(flag).collect(),
            ..Layers::default()
        })
    }

    /// The value of any broker setting that is in force.
    pub fn value(&self, name: &str) -> &Value {
        self.changed_value(name)
            .unwrap_or_else(|| &self.entry(name).0)
    }

    /// The value of any broker setting since the start.
    pub fn value_at_start(&self, name: &str) -> &Value {
        &self.entry(name).0
    }

    /// Where that value was set.
    pub fn origin(&self, name: &str) -> &Origin {
        &self.entry(name).1
    }

    /// Every setting that is not at its default: name, value, origin.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &Value, &Origin)> {
        self.values
            .iter()
            .filter(|(_, (_, origin))| *origin != Origin::Default)
            .map(|(name, (value, origin))| (*name, value, origin))
    }

    /// Names that were set although this version does nothing with them; worth one line in the log.
    pub fn given_without_effect(&self) -> Vec<&'static str> {
        let used = |name: &str| broker::setting(name).is_none_or(|row| row.used);
        self.given()
            .map(|(name, _, _)| name)
            .filter(|name| !used(name))
            .collect()
    }

    /// The node id of a shard: machine id x 1000 + shard.
    pub fn node_id(&self, shard: u16) -> i32 {
        i32::try_from(self.machine_id * 1000 + u32::from(shard))
            .expect("machine.id is at most 2,000,000")
    }

    /// The port of a shard: bootstrap port + 1 + shard. `None` past 65535; 0 if the kernel chooses.
    pub fn shard_port(&self, shard: u16) -> Option<u16> {
        match self.listen_port {
            0 => Some(0),
            port => port.checked_add(1)?.checked_add(shard),
        }
    }

    /// Bytes of a shard's journal, given the size of the file system that holds it.
    pub fn journal_bytes_max(&self, file_system_bytes: u64) -> u64 {
        let chosen = (2 << 30)
            .min(file_system_bytes / 20)
            .max(limits::JOURNAL_BYTES_MIN);
        self.journal_bytes_max
            .unwrap_or(chosen)
            .max(2 * self.journal_file_bytes)
    }

    /// Bytes of a shard that may wait for write-back, given the machine's memory and the shard's journal.
    pub fn dirty_bytes_max(&self, memory_bytes: u64, shards: u32, journal_bytes: u64) -> u64 {
        let share = memory_bytes / 8 / u64::from(shards.max(1));
        let chosen = self
            .dirty_bytes_max
            .unwrap_or(share.max(limits::DIRTY_BYTES_MIN));
        chosen.min(journal_bytes / 2)
    }

    /// Bytes of requests that one shard may have in work.
    pub fn request_bytes_per_shard_max(&self, shards: u32) -> u64 {
        match self.queued_request_bytes_max {
            Some(bytes) => (bytes / u64::from(shards.max(1))).max(1),
            None => limits::REQUEST_BYTES_PER_SHARD_MAX,
        }
    }

    fn entry(&self, name: &str) -> &(Value, Origin) {
        self.values
            .get(name)
            .unwrap_or_else(|| panic!("{name} is no broker setting"))
    }

    fn conflicts(&self) -> Vec<ConfigError> {
        let mut out = Vec::new();
        let mut refuse = |wrong: bool, why: String| {
            if wrong {
                out.push(ConfigError::Conflict(why));
            }
        };
        if let Err(error) = topic::TopicConfig::from_overrides(&BTreeMap::new(), self) {
            refuse(
                true,
                format!("the broker's settings make no legal topic: {error}"),
            );
        }
        for (name, bytes) in [
            ("journal.file.bytes", self.journal_file_bytes),
            ("frame.bytes.max", self.frame_bytes_max),
        ] {
            refuse(
                bytes % limits::BLOCK_BYTES != 0,
                format!("`{name}` must be a multiple of 4096, not {bytes}"),
            );
        }
        refuse(
            self.journal_file_bytes < 2 * self.frame_bytes_max,
            format!(
                "`journal.file.bytes` ({}) must be at least twice `frame.bytes.max` ({})",
                self.journal_file_bytes, self.frame_bytes_max
            ),
        );
        let wildcard = ["0.0.0.0", "::", ""].contains(&self.advertised_host.as_str());
        refuse(
            wildcard,
            "`listen` accepts on every address, which is none a client can be told: set `advertised.host`".to_owned(),
        );
        if let Some(shards) = self.shards {
            let last = u16::try_from(shards)
                .ok()
                .and_then(|shards| self.shard_port(shards - 1));
            refuse(
                last.is_none(),
                format!(
                    "{shards} shards above port {} pass port 65535",
                    self.listen_port
                ),
            );
        }
        out
    }
}

/// `host:port`, with brackets around an IPv6 address.
pub fn host_port(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

fn suggestion(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// Values of known type on their way into the fields.
struct Read<'a> {
    values: &'a BTreeMap<&'static str, (Value, Origin)>,
}

impl Read<'_> {
    fn typed(
        &self,
        values: BTreeMap<&'static str, (Value, Origin)>,
    ) -> Result<Config, ConfigError> {
        let (listen_host, listen_port) = self.address("listen")?;
        Ok(Config {
            values,
            dynamic: dynamic::Dynamic::default(),
            data_dir: PathBuf::from(self.text("data.dir")),
            advertised_host: self
                .optional_text("advertised.host")
                .unwrap_or_else(|| listen_host.clone()),
            listen_host,
            listen_port,
            admin_listen: self.admin_listen()?,
            advertise: if self.text("advertise") == "machine" {
                Advertise::Machine
            } else {
                Advertise::Shard
            },
            shards: self.optional("shards"),
            machine_id: self.number("machine.id"),
            rack: self.optional_text("broker.rack"),
            num_partitions: self.number("num.partitions"),
            default_replication_factor: self.number("default.replication.factor"),
            offsets_topic_partitions: self.number("offsets.topic.num.partitions"),
            groups: GroupSettings::read(self),
            compaction: CompactionSettings::read(self),
            transaction_topic_partitions: self.number("transaction.state.log.num.partitions"),
            auto_create_topics_enable: self.bool("auto.create.topics.enable"),
            delete_topic_enable: self.bool("delete.topic.enable"),
            socket_request_bytes_max: self.number("socket.request.max.bytes"),
            fetch_bytes_max: self.number("fetch.max.bytes"),
            fetch_session_slots: self.number("max.incremental.fetch.session.cache.slots"),
            queued_request_bytes_max: self
                .optional("queued.max.request.bytes")
                .filter(|bytes: &u64| *bytes > 0),
            connections_idle_ms_max: self.optional("connections.max.idle.ms"),
            connections_max: self
                .number::<u32>("max.connections")
                .min(limits::CONNECTIONS_PER_SHARD_MAX),
            connections_per_ip_max: self.number("max.connections.per.ip"),
            socket_send_buffer_bytes: self.optional("socket.send.buffer.bytes"),
            socket_receive_buffer_bytes: self.optional("socket.receive.buffer.bytes"),
            socket_listen_backlog: self.number("socket.listen.backlog.size"),
            producer_id_expiration_ms: self.number("producer.id.expiration.ms"),
            producer_id_expiration_check_interval_ms: self
                .number("producer.id.expiration.check.interval.ms"),
            retention_check_interval_ms: self.number("log.retention.check.interval.ms"),
            write_caching: self.bool("write.caching"),
            validate_compressed: self.validate_compressed(),
            journal_bytes_max: self.optional("journal.bytes.max"),
            journal_file_bytes: self.number("journal.file.bytes"),
            transaction_timeout_ms_max: self.number("transaction.max.timeout.ms"),
            frame_bytes_max: self.number("frame.bytes.max"),
            direct_bytes_min: self.number("direct.bytes.min"),
            dirty_bytes_max: self.optional("dirty.bytes.max"),
            checkpoint_interval_ms: self.number("checkpoint.interval.ms"),
            io_memory_bytes: self.number("io.memory.bytes"),
            spin_before_park_us: self.number("spin.before.park.us"),
            shutdown_timeout_ms: self.number("shutdown.timeout.ms"),
            preflight: match self.text("preflight").as_str() {
                "off" => PreflightMode::Off,
                "strict" => PreflightMode::Strict,
                _ => PreflightMode::Warn,
            },
            log_format: if self.text("log.format") == "json" {
                LogFormat::Json
            } else {
                LogFormat::Text
            },
            log_level: self.text("log.level"),
        })
    }

    fn value(&self, name: &str) -> &Value {
        &self
            .values
            .get(name)
            .unwrap_or_else(|| panic!("{name} is no broker setting"))
            .0
    }

    fn validate_compressed(&self) -> ValidateCompressed {
        match self.text("produce.validate.compressed").as_str() {
            "header" => ValidateCompressed::Header,
            _ => ValidateCompressed::Full,
        }
    }

    fn bool(&self, name: &str) -> bool {
        *self.value(name) == Value::Bool(true)
    }

    fn text(&self, name: &str) -> String {
        self.optional_text(name)
            .unwrap_or_else(|| panic!("{name} is text with a default"))
    }

    fn optional_text(&self, name: &str) -> Option<String> {
        match self.value(name) {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    fn double(&self, name: &str) -> f64 {
        match self.value(name) {
            Value::Double(value) => *value,
            other => unreachable!("{name} is a fraction, not {other:?}"),
        }
    }

    /// A number; its row's bounds make it fit.
    fn number<T: TryFrom<i64>>(&self, name: &str) -> T {
        self.optional(name)
            .unwrap_or_else(|| panic!("{name} is a number within the bounds of its row"))
    }

    /// A number that may be unset; a negative one of an unsigned field counts as unset (Kafka's -1).
    fn optional<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        match self.value(name) {
            Value::Integer(n) => T::try_from(*n).ok(),
            _ => None,
        }
    }

    fn admin_listen(&self) -> Result<Option<(String, u16)>, ConfigError> {
        match self.text("admin.listen").as_str() {
            "off" => Ok(None),
            _ => self.address("admin.listen").map(Some),
        }
    }

    /// Splits an address: `host:port`, `[v6]:port`, `:port` for every address.
    fn address(&self, name: &'static str) -> Result<(String, u16), ConfigError> {
        let text = self.text(name);
        let split = text
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let host = |host: &str| match host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            Some(v6) if v6.contains(':') => Some(v6.to_owned()),
            Some(_) => None,
            None if host.is_empty() => Some("0.0.0.0".to_owned()),
            None => (!host.contains([':', '/', ' '])).then(|| host.to_owned()),
        };
        split
            .and_then(|(h, port)| Some((host(h)?, port)))
            .ok_or_else(|| ConfigError::Invalid {
                name,
                value: text,
                why: "expected HOST:PORT such as 127.0.0.1:9092 or [::1]:9092".to_owned(),
                origin: self.values[name].1.clone(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(pairs: &[(&str, &str)]) -> String {
        Config::from_pairs(pairs).unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_those_of_the_readme() {
        let config = Config::default();
        assert_eq!(config.data_dir, PathBuf::from("./pelton-data"));
        assert_eq!(
            (config.listen_host.as_str(), config.listen_port),
            ("127.0.0.1", 9092)
        );
        assert_eq!(
            (config.shards, config.node_id(2), config.shard_port(1)),
            (None, 1002, Some(9094))
        );
        assert_eq!(
            (
                config.connections_idle_ms_max,
                config.queued_request_bytes_max
            ),
            (Some(600_000), None)
        );
        assert!(!config.write_caching);
    }

    #[test]
    fn precedence_is_flags_then_environment_then_file() {
        let layers = Layers {
            file: Some((
                "p.toml".into(),
                "shards = 1\nnum.partitions = 5\nmachine_id = 7".into(),
            )),
            env: vec![
                ("PELTON_SHARDS".into(), "2".into()),
                ("PELTON_NUM_PARTITIONS".into(), "6".into()),
            ],
            flags: vec![("shards".into(), "3".into(), "--shards".into())],
        };
        let config = Config::load(&layers).unwrap();
        assert_eq!(
            (config.shards, config.num_partitions, config.machine_id),
            (Some(3), 6, 7)
        );
        assert_eq!(*config.origin("shards"), Origin::Flag("--shards".into()));
        assert_eq!(
            config.origin("num.partitions").to_string(),
            "environment variable PELTON_NUM_PARTITIONS"
        );
        assert_eq!(config.origin("machine.id").to_string(), "p.toml, line 3");
        assert_eq!(config.given().count(), 3);
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let text = refusal(&[("shards", "many"), ("nmu.partitions", "1")]);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(
            text.contains("invalid value `many` for `shards` (flag --set)"),
            "{text}"
        );
    }

    #[test]
    fn listen_takes_names_and_both_families() {
        let host = |listen| {
            Config::from_pairs(&[("listen", listen), ("advertised.host", "h")])
                .map(|c| c.listen_host)
        };
        assert_eq!(host("[::1]:9092").unwrap(), "::1");
        assert_eq!(host(":9092").unwrap(), "0.0.0.0");
        assert_eq!(host("broker-1.example:9092").unwrap(), "broker-1.example");
        for bad in ["9092", "h:99999", "::1:9092", "h:", "[h]:1", "http://h:1"] {
            assert!(host(bad).is_err(), "{bad}");
        }
        assert!(refusal(&[("listen", "0.0.0.0:9092")]).contains("advertised.host"));
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(refusal(&[("message.max.bytes", "20000000")]).contains("no more than"));
        assert!(refusal(&[("journal.file.bytes", "16MiB")]).contains("at least twice"));
        assert!(refusal(&[("frame.bytes.max", "2000001")]).contains("multiple of 4096"));
        assert!(refusal(&[("listen", "h:65530"), ("shards", "16")]).contains("pass port 65535"));
    }

    #[test]
    fn budgets_follow_the_machine_unless_set() {
        let config = Config::default();
        assert_eq!(config.journal_bytes_max(1 << 40), 2 << 30);
        assert_eq!(config.journal_bytes_max(10 << 30), 512 << 20);
        assert_eq!(config.journal_bytes_max(0), 128 << 20);
        assert_eq!(config.dirty_bytes_max(64 << 30, 8, 2 << 30), 1 << 30);
        assert_eq!(config.dirty_bytes_max(1 << 30, 2, 2 << 30), 64 << 20);
        assert_eq!(
            config.request_bytes_per_shard_max(2),
            limits::REQUEST_BYTES_PER_SHARD_MAX
        );
        let config = Config::from_pairs(&[("queued.max.request.bytes", "1000")]).unwrap();
        assert_eq!(config.request_bytes_per_shard_max(4), 250);
    }

    #[test]
    fn settings_without_effect_are_listed() {
        let config = Config::from_pairs(&[("queued.max.requests", "5"), ("shards", "2")]).unwrap();
        assert_eq!(config.given_without_effect(), ["queued.max.requests"]);
    }

    #[test]
    fn the_readmes_file_is_legal() {
        let readme = include_str!("../../../README.md");
        let block = readme
            .split("```toml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .unwrap();
        let layers = Layers {
            file: Some(("README.md".into(), block.into())),
            ..Layers::default()
        };
        let config = Config::load(&layers).unwrap();
        assert_eq!(config.journal_bytes_max, Some(2 << 30));
        assert!(config.given().count() >= 6);
    }

    #[test]
    fn addresses_of_version_six_get_brackets() {
        assert_eq!(host_port("::1", 5), "[::1]:5");
        assert_eq!(host_port("h", 5), "h:5");
    }
}
