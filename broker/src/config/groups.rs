//! Settings of consumer groups and of the offsets they store. Never reads where they come from.

use super::Read;
use super::setting::Check::AtLeast;
use super::setting::Setting;

/// Settings of consumer groups, read and checked.
#[derive(Clone, Debug)]
pub struct GroupSettings {
    /// `group.min.session.timeout.ms`.
    pub session_timeout_ms_min: i32,
    /// `group.max.session.timeout.ms`.
    pub session_timeout_ms_max: i32,
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`.
    pub members_max: u32,
    /// `offsets.retention.minutes`.
    pub offsets_retention_minutes: u32,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval_ms: u64,
    /// `offset.metadata.max.bytes`, counted in UTF-16 units as by Kafka.
    pub offset_metadata_units_max: u32,
}

impl GroupSettings {
    pub(super) fn read(values: &Read<'_>) -> Self {
        Self {
            session_timeout_ms_min: values.number("group.min.session.timeout.ms"),
            session_timeout_ms_max: values.number("group.max.session.timeout.ms"),
            initial_rebalance_delay_ms: values.number("group.initial.rebalance.delay.ms"),
            members_max: values.number("group.max.size"),
            offsets_retention_minutes: values.number("offsets.retention.minutes"),
            offsets_retention_check_interval_ms: values
                .number("offsets.retention.check.interval.ms"),
            offset_metadata_units_max: values.number("offset.metadata.max.bytes"),
        }
    }
}

/// Kafka's names, types and defaults.
pub(super) const GROUPS: &[Setting] = &[
    Setting::int(
        "group.min.session.timeout.ms",
        6000,
        AtLeast(1),
        "Shortest session timeout of a group member.",
    )
    .fixed(),
    Setting::int(
        "group.max.session.timeout.ms",
        1_800_000,
        AtLeast(1),
        "Longest session timeout of a group member.",
    )
    .fixed(),
    Setting::int(
        "group.initial.rebalance.delay.ms",
        3000,
        AtLeast(0),
        "Wait for more members before a first rebalance.",
    )
    .fixed(),
    Setting::int(
        "group.max.size",
        i32::MAX as i64,
        AtLeast(1),
        "Most members of a group.",
    )
    .fixed(),
    Setting::int(
        "offsets.retention.minutes",
        10_080,
        AtLeast(1),
        "How long offsets of an empty group are kept.",
    )
    .fixed(),
    Setting::long(
        "offsets.retention.check.interval.ms",
        600_000,
        AtLeast(1),
        "How often expired offsets and groups are looked for.",
    )
    .fixed(),
    Setting::int(
        "offset.metadata.max.bytes",
        4096,
        AtLeast(0),
        "Longest note a client may store with an offset, in characters as Kafka counts them.",
    )
    .fixed(),
    Setting::int(
        "offsets.topic.num.partitions",
        50,
        AtLeast(1),
        "Partitions of __consumer_offsets.",
    )
    .fixed(),
    Setting::short(
        "offsets.topic.replication.factor",
        3,
        AtLeast(1),
        "Replicas of __consumer_offsets.",
    )
    .fixed()
    .idle(),
];
