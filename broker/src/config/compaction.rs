//! Settings of compaction that are the machine's own; a topic's are the topic's. Never reads where they come from.

use super::Read;
use super::setting::Check::AtLeast;
use super::setting::Setting;

/// Settings of compaction, read and checked.
#[derive(Clone, Debug)]
pub struct CompactionSettings {
    /// `log.cleaner.enable`.
    pub enabled: bool,
    /// `log.cleaner.backoff.ms`.
    pub backoff_ms: u64,
    /// `log.cleaner.dedupe.buffer.size`, of all shards together.
    pub key_bytes_max: u64,
    /// `log.cleaner.io.max.bytes.per.second`, of all shards together.
    pub io_bytes_per_second_max: f64,
}

impl CompactionSettings {
    pub(super) fn read(values: &Read<'_>) -> Self {
        Self {
            enabled: values.bool("log.cleaner.enable"),
            backoff_ms: values.number("log.cleaner.backoff.ms"),
            key_bytes_max: values.number("log.cleaner.dedupe.buffer.size"),
            io_bytes_per_second_max: values.double("log.cleaner.io.max.bytes.per.second"),
        }
    }
}

/// Kafka's names, types and defaults.
pub(super) const COMPACTION: &[Setting] = &[
    Setting::bool("log.cleaner.enable", true, "Whether compaction runs.").fixed(),
    Setting::long(
        "log.cleaner.backoff.ms",
        15_000,
        AtLeast(0),
        "How often logs that need compaction are looked for.",
    )
    .fixed(),
    Setting::long(
        "log.cleaner.dedupe.buffer.size",
        134_217_728,
        AtLeast(0),
        "Bytes of memory for keys while logs are compacted, of all cores; more keys take more passes.",
    )
    .fixed(),
    Setting::double(
        "log.cleaner.io.max.bytes.per.second",
        f64::MAX,
        "Bytes that compaction reads and writes in a second on average, of all cores; with 0 it rests.",
    ),
    Setting::int(
        "log.cleaner.threads",
        1,
        AtLeast(0),
        "Accepted; each core compacts its own partitions.",
    )
    .idle(),
];
