//! OpenMetrics text of what the shards counted: Kafka's names, as its JMX beans are usually exported, where Kafka has one,
//! `pelton_` else. Made anew for each scrape. Counts nothing itself.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use protocol::api_key::ApiKey;

use super::http::Page;
use crate::coordinator::group::GroupState;
use crate::coordinator::group::figures::{GroupFigures, OffsetFigures};
use crate::metrics::{Figures, PartitionFigures, TIME_BOUNDS_US, TimesSnapshot};

const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The page; shards that do not answer are told as down.
pub fn page(figures: Vec<(u32, Option<Figures>)>) -> Page {
    let scrape = Scrape {
        up: figures
            .iter()
            .map(|(shard, told)| (*shard, told.is_some()))
            .collect(),
        shards: figures.into_iter().filter_map(|(_, told)| told).collect(),
    };
    let mut registry = Registry::default();
    registry.register_collector(Box::new(scrape));
    let mut body = String::new();
    match encode(&mut body, &registry) {
        Ok(()) => Page {
            status: 200,
            media_type: MEDIA_TYPE,
            body,
        },
        Err(error) => Page::text(503, format!("the figures cannot be written: {error}\n")),
    }
}

#[derive(Debug)]
struct Scrape {
    up: Vec<(u32, bool)>,
    shards: Vec<Figures>,
}

type Read = fn(&Figures) -> u64;

/// Counters of a shard: name without `_total`, what it is, where it is.
const COUNTERS: &[(&str, &str, Read)] = &[
    (
        "kafka_server_brokertopicmetrics_messagesin",
        "Records appended",
        |f| f.counters.records_in,
    ),
    (
        "kafka_server_brokertopicmetrics_bytesin",
        "Bytes of record batches appended",
        |f| f.counters.bytes_in,
    ),
    (
        "kafka_server_brokertopicmetrics_bytesout",
        "Bytes of record batches fetched",
        |f| f.counters.bytes_out,
    ),
    (
        "kafka_server_brokertopicmetrics_failedproducerequests",
        "Partitions of Produce requests refused",
        |f| f.counters.failed_produces,
    ),
    (
        "kafka_server_brokertopicmetrics_failedfetchrequests",
        "Partitions of Fetch requests refused",
        |f| f.counters.failed_fetches,
    ),
    (
        "kafka_server_fetchsessioncache_incrementalfetchsessionevictions",
        "Fetch sessions that made room for others",
        |f| f.fetch_sessions.2,
    ),
    ("pelton_connections_accepted", "Connections accepted", |f| {
        f.counters.accepted
    }),
    (
        "pelton_connections_refused",
        "Connections closed by the broker: refused, malformed, stalled",
        |f| f.counters.refused,
    ),
    (
        "pelton_journal_flushes",
        "Journal frames written and synced",
        |f| f.counters.flushes,
    ),
    ("pelton_journal_flush_bytes", "Bytes of those frames", |f| {
        f.counters.flush_bytes
    }),
    (
        "pelton_write_back_bytes",
        "Record bytes written to segments behind the journal",
        |f| f.counters.write_back_bytes,
    ),
    (
        "pelton_direct_bytes",
        "Record bytes that went straight to segments",
        |f| f.counters.direct_bytes,
    ),
    ("pelton_checkpoints", "Checkpoints done", |f| {
        f.counters.checkpoints
    }),
    (
        "pelton_compactions",
        "Partitions compacted, counted each time",
        |f| f.counters.compactions,
    ),
    (
        "pelton_compaction_read_bytes",
        "Bytes of segments that compaction replaced",
        |f| f.counters.compaction_bytes_read,
    ),
    (
        "pelton_compaction_written_bytes",
        "Bytes of the segments in their place",
        |f| f.counters.compaction_bytes_written,
    ),
    (
        "pelton_compaction_failures",
        "Compactions that failed; the partition is as it was",
        |f| f.counters.compaction_failures,
    ),
    (
        "pelton_deleted_segments",
        "Segments whose records were over: too old, too many, or deleted",
        |f| f.counters.deleted_segments,
    ),
    (
        "pelton_deleted_segment_bytes",
        "Bytes of those segments",
        |f| f.counters.deleted_segment_bytes,
    ),
    (
        "kafka_server_group_coordinator_metrics_group_completed_rebalance",
        "Rebalances of groups that came to their end",
        |f| f.counters.groups.rebalances,
    ),
    (
        "kafka_server_group_coordinator_metrics_offset_commit",
        "Offsets that groups stored",
        |f| f.counters.groups.offset_commits,
    ),
    (
        "kafka_server_group_coordinator_metrics_offset_expiration",
        "Stored offsets that went since their time was up",
        |f| f.counters.groups.offset_expirations,
    ),
    (
        "kafka_server_group_coordinator_metrics_offset_deletion",
        "Stored offsets that went with their group or topic, or were deleted",
        |f| f.counters.groups.offset_deletions,
    ),
    (
        "pelton_fetch_copied_bytes",
        "Record bytes copied in user space by fetches; stays 0",
        |f| f.counters.fetch_copied_bytes,
    ),
    (
        "pelton_fetch_hop_copied_bytes",
        "Record bytes copied because the client asked the wrong shard",
        |f| f.counters.fetch_hop_copied_bytes,
    ),
];

/// Gauges of a shard.
const GAUGES: &[(&str, &str, Read)] = &[
    (
        "kafka_server_socketservermetrics_connection_count",
        "Open connections",
        |f| f.counters.connections,
    ),
    (
        "kafka_server_fetchsessioncache_numincrementalfetchsessions",
        "Fetch sessions",
        |f| f.fetch_sessions.0 as u64,
    ),
    (
        "kafka_server_fetchsessioncache_numincrementalfetchpartitionscached",
        "Partitions that fetch sessions follow",
        |f| f.fetch_sessions.1 as u64,
    ),
    (
        "kafka_server_replicamanager_partitioncount",
        "Partitions on this shard",
        |f| f.partitions,
    ),
    (
        "kafka_server_replicamanager_leadercount",
        "Partitions this shard leads",
        |f| f.partitions,
    ),
    (
        "kafka_server_replicamanager_underreplicatedpartitions",
        "Partitions with fewer in-sync replicas than replicas",
        |_| 0,
    ),
    (
        "kafka_controller_kafkacontroller_activecontrollercount",
        "1 on the shard of the controller",
        |f| u64::from(f.shard == 0),
    ),
    (
        "kafka_log_logmanager_offlinelogdirectorycount",
        "1 when a write failed and the shard acknowledges nothing more",
        |f| u64::from(f.fenced),
    ),
    (
        "pelton_out_of_space",
        "1 while produces are refused because the file system is full",
        |f| u64::from(f.out_of_space),
    ),
    (
        "pelton_dirty_bytes",
        "Bytes of records not yet in segments",
        |f| f.dirty_bytes,
    ),
    ("pelton_dirty_bytes_max", "The most they may be", |f| {
        f.dirty_bytes_max
    }),
    (
        "pelton_journal_used_bytes",
        "Bytes of live journal files",
        |f| f.journal_used_bytes,
    ),
    (
        "pelton_journal_capacity_bytes",
        "The most they may be",
        |f| f.journal_capacity_bytes,
    ),
    (
        "pelton_journal_applied_sequence",
        "Last frame applied",
        |f| f.applied_sequence,
    ),
    (
        "kafka_log_logcleanermanager_max_dirty_percent",
        "Largest share of a partition's bytes that compaction has not seen",
        |f| f.compaction.dirty_percent_max,
    ),
    (
        "kafka_log_logcleanermanager_time_since_last_run_ms",
        "Milliseconds since compaction last looked for work",
        |f| f.compaction.since_look_ms,
    ),
    (
        "kafka_log_logcleanermanager_uncleanable_partitions_count",
        "Partitions that compaction leaves alone after a failure",
        |f| f.compaction.uncleanable,
    ),
    (
        "kafka_coordinator_group_groupmetadatamanager_numgroups",
        "Consumer groups that this shard coordinates",
        |f| f.groups.sums.groups() as u64,
    ),
    (
        "kafka_coordinator_group_groupmetadatamanager_numoffsets",
        "Offsets that they have stored",
        |f| f.groups.sums.offsets as u64,
    ),
    (
        "kafka_coordinator_group_groupmetadatamanager_numgroupsempty",
        "Groups without members",
        |f| f.groups.sums.in_state(GroupState::Empty) as u64,
    ),
    (
        "kafka_coordinator_group_groupmetadatamanager_numgroupspreparingrebalance",
        "Groups whose members are joining",
        |f| f.groups.sums.in_state(GroupState::PreparingRebalance) as u64,
    ),
    (
        "kafka_coordinator_group_groupmetadatamanager_numgroupscompletingrebalance",
        "Groups that wait for their leader's assignment",
        |f| f.groups.sums.in_state(GroupState::CompletingRebalance) as u64,
    ),
    (
        "kafka_coordinator_group_groupmetadatamanager_numgroupsstable",
        "Groups whose members all have their parts",
        |f| f.groups.sums.in_state(GroupState::Stable) as u64,
    ),
    (
        "pelton_group_bytes",
        "Memory that groups take, roughly",
        |f| f.groups.sums.bytes as u64,
    ),
    (
        "pelton_groups_not_told",
        "Groups without lines of their own here: there are too many",
        |f| (f.groups.sums.groups() - f.groups.told.len()) as u64,
    ),
    (
        "pelton_journal_checkpointed_sequence",
        "Last frame a checkpoint covers",
        |f| f.checkpointed_sequence,
    ),
];

type ReadOffset = fn(&OffsetFigures) -> Option<i64>;

/// Gauges of a stored offset.
const OFFSET_GAUGES: &[(&str, &str, ReadOffset)] = &[
    (
        "kafka_consumergroup_current_offset",
        "The next record that the group reads of the partition",
        |stored| Some(stored.offset),
    ),
    (
        "kafka_consumergroup_lag",
        "Committed records of the partition that the group has not read",
        |stored| i64::try_from(stored.lag?).ok(),
    ),
];

type ReadPartition = fn(&PartitionFigures) -> u64;

/// Gauges of a partition.
const PARTITION_GAUGES: &[(&str, &str, ReadPartition)] = &[
    (
        "kafka_log_log_logstartoffset",
        "Offset of the first record",
        |p| p.log_start_offset as u64,
    ),
    (
        "kafka_log_log_logendoffset",
        "Offset after the last committed record",
        |p| p.high_watermark as u64,
    ),
    ("kafka_log_log_size", "Bytes of the partition", |p| {
        p.size_bytes
    }),
    ("kafka_log_log_numlogsegments", "Segments on disk", |p| {
        p.segments
    }),
];

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut up = encoder.encode_descriptor(
            "pelton_shard_up",
            "1 while the shard answers",
            None,
            MetricType::Gauge,
        )?;
        for (shard, is_up) in &self.up {
            let labels = [("shard", shard.to_string())];
            up.encode_family(&labels)?
                .encode_gauge(&u64::from(*is_up))?;
        }
        for (name, help, read) in COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            self.each(&mut family, |mut metric, shard| {
                metric.encode_counter::<NoLabelSet, u64, u64>(&read(shard), None)
            })?;
        }
        for (name, help, read) in GAUGES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            self.each(&mut family, |mut metric, shard| {
                metric.encode_gauge(&read(shard))
            })?;
        }
        self.requests(&mut encoder)?;
        self.times(&mut encoder)?;
        self.groups(&mut encoder)?;
        self.partitions(&mut encoder)
    }
}

impl Scrape {
    fn each(
        &self,
        family: &mut MetricEncoder<'_>,
        write: impl Fn(MetricEncoder<'_>, &Figures) -> fmt::Result,
    ) -> fmt::Result {
        for shard in &self.shards {
            let labels = [("shard", shard.shard.to_string())];
            write(family.encode_family(&labels)?, shard)?;
        }
        Ok(())
    }

    fn requests(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let name = "kafka_network_requestmetrics_requests";
        let mut family =
            encoder.encode_descriptor(name, "Requests by API", None, MetricType::Counter)?;
        for shard in &self.shards {
            for (api_key, count) in &shard.counters.requests {
                let request = ApiKey::from_code(*api_key)
                    .map_or("unknown".to_owned(), |key| format!("{key:?}"));
                let labels = [("shard", shard.shard.to_string()), ("request", request)];
                family
                    .encode_family(&labels)?
                    .encode_counter::<NoLabelSet, u64, u64>(count, None)?;
            }
        }
        Ok(())
    }

    fn times(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let name = "pelton_request_duration_seconds";
        let help = "From a request's last byte to its reply being ready to be sent";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for shard in &self.shards {
            let told = [
                ("Produce", &shard.counters.produce_times),
                ("Fetch", &shard.counters.fetch_times),
                ("Other", &shard.counters.other_times),
            ];
            for (request, times) in told {
                let labels = [
                    ("shard", shard.shard.to_string()),
                    ("request", request.to_owned()),
                ];
                histogram(family.encode_family(&labels)?, times)?;
            }
        }
        let name = "pelton_journal_flush_duration_seconds";
        let mut family = encoder.encode_descriptor(
            name,
            "Time of one write and sync",
            None,
            MetricType::Histogram,
        )?;
        self.each(&mut family, |metric, shard| {
            histogram(metric, &shard.counters.flush_times)
        })
    }

    /// Names as common exporters of lag have them.
    fn groups(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let group_of = |shard: &Figures, group: &GroupFigures| {
            [
                ("shard", shard.shard.to_string()),
                ("consumergroup", group.group_id.to_string()),
            ]
        };
        let told = || {
            self.shards
                .iter()
                .flat_map(|shard| shard.groups.told.iter().map(move |group| (shard, group)))
        };
        let name = "kafka_consumergroup_info";
        let help = "1; the group's state and type are its labels";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (shard, group) in told() {
            let [by_shard, by_group] = group_of(shard, group);
            let labels = [
                by_shard,
                by_group,
                ("state", group.state.name().to_owned()),
                ("protocol_type", group.protocol_type.clone()),
            ];
            family.encode_family(&labels)?.encode_gauge(&1u64)?;
        }
        let name = "kafka_consumergroup_members";
        let help = "Members of the group";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (shard, group) in told() {
            let labels = group_of(shard, group);
            family
                .encode_family(&labels)?
                .encode_gauge(&(group.members as u64))?;
        }
        for (name, help, read) in OFFSET_GAUGES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (shard, group) in told() {
                for stored in &group.offsets {
                    let Some(value) = read(stored) else { continue };
                    let [by_shard, by_group] = group_of(shard, group);
                    let labels = [
                        by_shard,
                        by_group,
                        ("topic", stored.topic.to_string()),
                        ("partition", stored.partition.to_string()),
                    ];
                    family.encode_family(&labels)?.encode_gauge(&value)?;
                }
            }
        }
        Ok(())
    }

    fn partitions(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        if self.shards.iter().all(|shard| shard.details.is_empty()) {
            return Ok(());
        }
        for (name, help, read) in PARTITION_GAUGES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for shard in &self.shards {
                for partition in &shard.details {
                    let labels = [
                        ("shard", shard.shard.to_string()),
                        ("topic", partition.topic.to_string()),
                        ("partition", partition.partition.to_string()),
                    ];
                    family
                        .encode_family(&labels)?
                        .encode_gauge(&read(partition))?;
                }
            }
        }
        Ok(())
    }
}

fn histogram(mut metric: MetricEncoder<'_>, times: &TimesSnapshot) -> fmt::Result {
    // Each bucket alone: the encoder adds them up.
    let mut buckets = Vec::with_capacity(TIME_BOUNDS_US.len() + 1);
    let mut below = 0;
    for (bound, cumulative) in TIME_BOUNDS_US.iter().zip(times.below) {
        buckets.push((*bound as f64 / 1e6, cumulative - below));
        below = cumulative;
    }
    buckets.push((f64::INFINITY, times.count - below));
    metric.encode_histogram::<NoLabelSet>(times.sum_ns as f64 / 1e9, times.count, &buckets, None)
}
