//! The table of broker settings: Kafka's own under Kafka's names, then ours. One row a setting; nothing else lists them.
//!
//! Pure data. What a row means to the code is the typed field of the same name in `Config`.

use super::setting::{Check, Preset, Setting};
use crate::limits;

use Check::{Any, AtLeast, Between, BetweenOr, EachOf, NotEmpty, OneOf};

const INT_MAX: i64 = i32::MAX as i64;
const LONG_MAX: i64 = i64::MAX;

/// Every broker setting, in the order in which DescribeConfigs and `--help` list them.
pub static BROKER: &[&[Setting]] = &[
    IDENTITY,
    TOPICS,
    LOG,
    NETWORK,
    PRODUCERS,
    super::compaction::COMPACTION,
    super::groups::GROUPS,
    LATER,
    OWN,
];

/// The row called `name` exactly.
pub fn setting(name: &str) -> Option<&'static Setting> {
    settings().find(|row| row.name == name)
}

/// All rows in table order.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    BROKER.iter().flat_map(|part| part.iter())
}

/// Values that Kafka's tools read and that follow from our own settings.
const IDENTITY: &[Setting] = &[
    Setting::int(
        "node.id",
        0,
        Any,
        "The node id of this shard: machine id x 1000 + shard.",
    )
    .unset()
    .fixed()
    .reported("machine.id"),
    Setting::int("broker.id", -1, Any, "The same as node.id.")
        .fixed()
        .reported("machine.id"),
    Setting::list(
        "listeners",
        "PLAINTEXT://:9092",
        Any,
        "The address this shard accepts connections on.",
    )
    .reported("listen"),
    Setting::list(
        "advertised.listeners",
        "",
        Any,
        "The address clients are told to use for this shard.",
    )
    .unset()
    .fixed()
    .reported("advertised.host"),
    Setting::list("log.dirs", "", Any, "The directory that holds all data.")
        .unset()
        .fixed()
        .reported("data.dir"),
    Setting::list(
        "log.dir",
        "/tmp/kafka-logs",
        Any,
        "Kafka's older name for log.dirs; not used.",
    )
    .fixed()
    .reported("data.dir"),
    Setting::list(
        "process.roles",
        "",
        Any,
        "What this process does: always both.",
    )
    .unset()
    .fixed()
    .reported("machine.id"),
    Setting::text(
        "broker.rack",
        Preset::Null,
        Any,
        "The rack that Metadata reports for this machine.",
    )
    .fixed(),
];

/// How topics come and go.
const TOPICS: &[Setting] = &[
    Setting::int(
        "num.partitions",
        1,
        AtLeast(1),
        "Partitions of a topic that is created without saying how many.",
    )
    .fixed(),
    Setting::int(
        "default.replication.factor",
        1,
        AtLeast(1),
        "Replicas of a topic created without saying how many.",
    )
    .fixed(),
    Setting::bool(
        "auto.create.topics.enable",
        true,
        "Whether a client's first use of a topic name creates the topic.",
    )
    .fixed(),
    Setting::bool(
        "delete.topic.enable",
        true,
        "Whether topics can be deleted.",
    )
    .fixed(),
    Setting::int(
        "max.request.partition.size.limit",
        2000,
        AtLeast(1),
        "Partitions that one DescribeTopicPartitions request may ask for.",
    )
    .fixed(),
];

/// The defaults of topic configs; each topic may override them.
const LOG: &[Setting] = &[
    Setting::int(
        "message.max.bytes",
        1_048_588,
        AtLeast(0),
        "Largest record batch a topic accepts, after compression.",
    ),
    Setting::int(
        "log.segment.bytes",
        1_073_741_824,
        AtLeast(1_048_576),
        "Size at which a new segment is started.",
    ),
    Setting::long(
        "log.roll.ms",
        0,
        AtLeast(1),
        "Age at which a new segment is started; else log.roll.hours.",
    )
    .unset(),
    Setting::int(
        "log.roll.hours",
        168,
        AtLeast(1),
        "Age at which a new segment is started.",
    )
    .fixed(),
    Setting::long(
        "log.roll.jitter.ms",
        0,
        AtLeast(0),
        "Random part taken off that age; else log.roll.jitter.hours.",
    )
    .unset(),
    Setting::int(
        "log.roll.jitter.hours",
        0,
        AtLeast(0),
        "Random part taken off that age.",
    )
    .fixed(),
    Setting::long(
        "log.retention.ms",
        0,
        AtLeast(-1),
        "How long records are kept, -1 for ever; else log.retention.minutes.",
    )
    .unset(),
    Setting::int(
        "log.retention.minutes",
        0,
        AtLeast(-1),
        "How long records are kept; else log.retention.hours.",
    )
    .unset()
    .fixed(),
    Setting::int(
        "log.retention.hours",
        168,
        AtLeast(-1),
        "How long records are kept.",
    )
    .fixed(),
    Setting::long(
        "log.retention.bytes",
        -1,
        Any,
        "Bytes kept of each partition, -1 for all.",
    ),
    Setting::long(
        "log.retention.check.interval.ms",
        300_000,
        AtLeast(1),
        "How often old segments are looked for.",
    )
    .fixed(),
    Setting::list(
        "log.cleanup.policy",
        "delete",
        EachOf(&["compact", "delete"]),
        "What happens to old segments.",
    )
    .idle(),
    Setting::text(
        "log.message.timestamp.type",
        Preset::Text("CreateTime"),
        OneOf(&["CreateTime", "LogAppendTime"]),
        "Whose clock stamps records: the producer's or the broker's.",
    ),
    Setting::long(
        "log.message.timestamp.before.max.ms",
        LONG_MAX,
        AtLeast(0),
        "How far a record may lie in the past.",
    ),
    Setting::long(
        "log.message.timestamp.after.max.ms",
        3_600_000,
        AtLeast(0),
        "How far a record may lie in the future.",
    ),
    Setting::text(
        "compression.type",
        Preset::Text("producer"),
        OneOf(super::topic::COMPRESSION_TYPES),
        "Codec of stored batches; producer keeps what the producer chose.",
    ),
    Setting::int(
        "compression.gzip.level",
        -1,
        BetweenOr(1, 9, -1),
        "Level when the broker compresses with gzip.",
    ),
    Setting::int(
        "compression.lz4.level",
        9,
        Between(1, 17),
        "Level when the broker compresses with lz4.",
    ),
    Setting::int(
        "compression.zstd.level",
        3,
        Between(-131_072, 22),
        "Level when the broker compresses with zstd.",
    ),
    Setting::int(
        "min.insync.replicas",
        1,
        AtLeast(1),
        "Replicas that must have a batch before acks=all is answered.",
    ),
    Setting::bool(
        "unclean.leader.election.enable",
        false,
        "Always off in effect: a leader has every committed record.",
    ),
    Setting::int(
        "log.index.interval.bytes",
        4096,
        AtLeast(0),
        "Bytes of a segment between two index entries.",
    ),
    Setting::int(
        "log.index.size.max.bytes",
        10_485_760,
        AtLeast(4),
        "Accepted; indexes size themselves.",
    )
    .idle(),
    Setting::bool(
        "log.preallocate",
        false,
        "Accepted; segments are always preallocated by doubling.",
    )
    .idle(),
    Setting::long(
        "log.segment.delete.delay.ms",
        60_000,
        AtLeast(0),
        "How long the file of a segment that is over stays for those who read it.",
    ),
    Setting::long(
        "log.flush.interval.messages",
        LONG_MAX,
        AtLeast(1),
        "Accepted; every acknowledged record is already on disk.",
    )
    .idle(),
    Setting::long(
        "log.flush.interval.ms",
        0,
        Any,
        "Accepted; see log.flush.interval.messages.",
    )
    .unset()
    .idle(),
    Setting::long(
        "log.flush.scheduler.interval.ms",
        LONG_MAX,
        Any,
        "Accepted; see log.flush.interval.messages.",
    )
    .fixed()
    .idle(),
    Setting::long(
        "log.cleaner.delete.retention.ms",
        86_400_000,
        AtLeast(0),
        "How long compaction keeps tombstones.",
    ),
    Setting::long(
        "log.cleaner.min.compaction.lag.ms",
        0,
        AtLeast(0),
        "Age below which compaction spares records.",
    ),
    Setting::long(
        "log.cleaner.max.compaction.lag.ms",
        LONG_MAX,
        AtLeast(1),
        "Age by which records are compacted.",
    ),
    Setting::ratio(
        "log.cleaner.min.cleanable.ratio",
        0.5,
        "Share of a log not yet compacted that starts compaction.",
    ),
    Setting::long(
        "log.local.retention.ms",
        -2,
        AtLeast(-2),
        "Accepted; there is no tiered storage.",
    )
    .idle(),
    Setting::long(
        "log.local.retention.bytes",
        -2,
        AtLeast(-2),
        "Accepted; there is no tiered storage.",
    )
    .idle(),
];

/// Connections, requests and fetches.
const NETWORK: &[Setting] = &[
    Setting::int("socket.request.max.bytes", 104_857_600, AtLeast(1), "Largest request; a larger one closes the connection.")
        .fixed(),
    Setting::int("fetch.max.bytes", 57_671_680, AtLeast(1024), "Most bytes one fetch answer carries, one batch excepted.")
        .fixed(),
    Setting::long(
        "queued.max.request.bytes",
        -1,
        Any,
        "Bytes of requests in work on this machine, shared evenly by its shards; -1 for the built-in bound a shard.",
    )
    .fixed(),
    Setting::long("connections.max.idle.ms", 600_000, Any, "A connection silent for so long is closed; below 0 never.")
        .fixed(),
    Setting::int("max.connections", INT_MAX, AtLeast(0), "Most connections a shard; the built-in bound holds too."),
    Setting::int("max.connections.per.ip", INT_MAX, AtLeast(0), "Most connections a shard accepts from one address."),
    Setting::int("socket.send.buffer.bytes", 102_400, AtLeast(-1), "Kernel send buffer of a connection, -1 for its default.")
        .fixed(),
    Setting::int("socket.receive.buffer.bytes", 102_400, AtLeast(-1), "Kernel receive buffer, -1 for its default.")
        .fixed(),
    Setting::int("socket.listen.backlog.size", 50, AtLeast(1), "Connections the kernel holds before they are accepted.")
        .fixed(),
    Setting::int("max.incremental.fetch.session.cache.slots", 1000, AtLeast(0), "Most fetch sessions a shard keeps; the built-in bound holds too.")
        .fixed(),
    Setting::int("request.timeout.ms", 30_000, AtLeast(0), "Accepted; requests between brokers only.").fixed().idle(),
];

/// Idempotent producers.
const PRODUCERS: &[Setting] = &[
    Setting::int(
        "producer.id.expiration.ms",
        86_400_000,
        AtLeast(1),
        "How long an idle producer is remembered.",
    ),
    Setting::int(
        "producer.id.expiration.check.interval.ms",
        600_000,
        AtLeast(1),
        "How often idle producers are looked for.",
    )
    .fixed(),
];

/// Settings that belong to parts which this version does not have: they may stay in a file brought from Kafka.
const LATER: &[Setting] = &[
    Setting::int(
        "transaction.max.timeout.ms",
        900_000,
        AtLeast(1),
        "Longest transaction timeout a producer may ask for.",
    )
    .fixed(),
    Setting::int(
        "transactional.id.expiration.ms",
        604_800_000,
        AtLeast(1),
        "How long an idle transactional id is kept.",
    )
    .fixed()
    .idle(),
    Setting::int(
        "transaction.state.log.num.partitions",
        50,
        AtLeast(1),
        "Partitions of __transaction_state.",
    )
    .fixed(),
    Setting::short(
        "transaction.state.log.replication.factor",
        3,
        AtLeast(1),
        "Replicas of __transaction_state.",
    )
    .fixed()
    .idle(),
    Setting::int(
        "transaction.state.log.min.isr",
        2,
        AtLeast(1),
        "In-sync replicas __transaction_state needs.",
    )
    .fixed()
    .idle(),
    Setting::bool(
        "auto.leader.rebalance.enable",
        true,
        "Accepted; quorums place their own leaders.",
    )
    .fixed()
    .idle(),
    Setting::bool(
        "controlled.shutdown.enable",
        true,
        "Accepted; a clean stop always drains.",
    )
    .fixed()
    .idle(),
    Setting::int(
        "num.network.threads",
        3,
        AtLeast(1),
        "Accepted; a shard is one thread.",
    )
    .idle(),
    Setting::int(
        "num.io.threads",
        8,
        AtLeast(1),
        "Accepted; a shard is one thread.",
    )
    .idle(),
    Setting::int(
        "num.recovery.threads.per.data.dir",
        2,
        AtLeast(1),
        "Accepted; each shard recovers itself.",
    )
    .idle(),
    Setting::int(
        "num.replica.fetchers",
        1,
        AtLeast(1),
        "Accepted; replication is not by fetching.",
    )
    .idle(),
    Setting::int(
        "background.threads",
        10,
        AtLeast(1),
        "Accepted; a shard is one thread.",
    )
    .idle(),
    Setting::int(
        "queued.max.requests",
        500,
        AtLeast(1),
        "Accepted; see queued.max.request.bytes.",
    )
    .fixed()
    .idle(),
];

/// Pelton's own settings.
const OWN: &[Setting] = &[
    Setting::text("data.dir", Preset::Text("./pelton-data"), NotEmpty, "The directory that holds all data.").fixed(),
    Setting::text(
        "listen",
        Preset::Text("127.0.0.1:9092"),
        NotEmpty,
        "Address and bootstrap port; shard i listens on the port plus 1 plus i.",
    )
    .fixed(),
    Setting::text(
        "admin.listen",
        Preset::Text("127.0.0.1:9644"),
        NotEmpty,
        "Address of /metrics, /healthz, /readyz and /shards; off for none.",
    )
    .fixed(),
    Setting::text("advertised.host", Preset::Null, NotEmpty, "The host name clients are told; the one of listen unless set.")
        .fixed(),
    Setting::text(
        "advertise",
        Preset::Text("shard"),
        OneOf(&["shard", "machine"]),
        "Whether clients see each shard as a node with its own port, or one node and port a machine.",
    )
    .fixed(),
    Setting::int(
        "shards",
        0,
        Between(1, limits::SHARDS_MAX as i64),
        "Shards of this machine; the usable cores unless set. Fixed at the first start.",
    )
    .unset()
    .fixed(),
    Setting::int("machine.id", 1, Between(0, 2_000_000), "This machine's number; node ids are it x 1000 + shard.").fixed(),
    Setting::bool("write.caching", false, "Acknowledge before the disk has the records: faster, and a crash loses some."),
    Setting::text(
        "produce.validate.compressed",
        Preset::Text("full"),
        OneOf(&["full", "header"]),
        "Whether compressed batches are decompressed and counted, or only their headers checked.",
    )
    .fixed(),
    Setting::size(
        "journal.bytes.max",
        Preset::Null,
        AtLeast(limits::JOURNAL_BYTES_MIN as i64),
        "Journal of a shard; unless set the lesser of 2 GiB and 5 % of the file system.",
    )
    .fixed(),
    Setting::size(
        "journal.file.bytes",
        Preset::Integer(64 << 20),
        Between(limits::JOURNAL_FILE_BYTES_MIN as i64, 1 << 30),
        "Size of one journal file; a multiple of 4096.",
    )
    .fixed(),
    Setting::size(
        "frame.bytes.max",
        Preset::Integer(limits::FRAME_BYTES_MAX as i64),
        Between(1 << 20, limits::FRAME_BYTES_MAX as i64),
        "Largest journal frame; bounds message.max.bytes and max.message.bytes.",
    )
    .fixed(),
    Setting::size(
        "direct.bytes.min",
        Preset::Integer(limits::DIRECT_BYTES_MIN as i64),
        AtLeast(limits::BLOCK_BYTES as i64),
        "Bytes of a partition in one flush from which they go straight to its segment, once, instead of first to the journal; twice that while many partitions are written.",
    )
    .fixed(),
    Setting::size(
        "dirty.bytes.max",
        Preset::Null,
        AtLeast(limits::DIRTY_BYTES_MIN as i64),
        "Records of a shard not yet in segments; unless set memory / 8 / shards, at most half the journal.",
    )
    .fixed(),
    Setting::long("checkpoint.interval.ms", 60_000, AtLeast(1000), "Longest time between two checkpoints under writes.")
        .fixed(),
    Setting::size(
        "io.memory.bytes",
        Preset::Integer(64 << 20),
        Between(512 << 10, 16 << 30),
        "Direct-IO buffers of a shard; three times this is locked memory.",
    )
    .fixed(),
    Setting::int("spin.before.park.us", 50, Between(0, 10_000), "How long an idle shard spins before it sleeps, if a CPU is spare.")
        .fixed(),
    Setting::long("shutdown.timeout.ms", 8000, Between(0, 600_000), "How long a clean stop may take before it is cut.")
        .fixed(),
    Setting::text(
        "preflight",
        Preset::Text("warn"),
        OneOf(&["off", "warn", "strict"]),
        "Host checks at start: none, warn and refuse fatal ones, or refuse on any warning.",
    )
    .fixed(),
    Setting::text("log.format", Preset::Text("text"), OneOf(&["text", "json"]), "Form of the broker's own log lines.").fixed(),
    Setting::text("log.level", Preset::Text("info"), NotEmpty, "Levels of log lines: error, warn, info, debug, or per module.")
        .fixed(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_in_one_form() {
        let mut names: Vec<_> = settings().map(|row| row.name).collect();
        assert!(names.iter().all(|n| {
            n.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.')
        }));
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn every_default_passes_its_own_check() {
        for row in settings().filter(|row| row.set_through.is_none()) {
            if let Some(text) = row.default_value().wire_text() {
                assert_eq!(row.parse(&text), Ok(row.default_value()), "{}", row.name);
            }
        }
    }

    #[test]
    fn what_cannot_be_set_names_a_setting_that_can() {
        for row in settings() {
            if let Some(instead) = row.set_through {
                assert!(
                    setting(instead).is_some_and(|other| other.set_through.is_none()),
                    "{}",
                    row.name
                );
            }
        }
    }
}
