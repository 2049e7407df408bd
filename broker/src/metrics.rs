//! What a shard counts while it works, and a snapshot of it that may leave the shard. Pure cells: an increment is one store.
//! Never labels, never formats: `admin` does, when somebody asks.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use hdrhistogram::Histogram;
use protocol::api_key::ApiKey;

use crate::coordinator::group::figures::{GroupCounts, GroupsFigures};

/// APIs are numbered below this.
const APIS: usize = 128;

/// Longest time a histogram tells apart, microseconds: a minute.
const TIME_US_MAX: u64 = 60_000_000;

/// Upper bounds of the buckets that are told, microseconds.
pub const TIME_BOUNDS_US: [u64; 17] = [
    50, 100, 200, 300, 500, 750, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000, 50_000, 100_000,
    500_000, 1_000_000, 10_000_000,
];

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(Cell<u64>);

impl Count {
    /// Counts `more`.
    pub fn add(&self, more: u64) {
        self.0.set(self.0.get().wrapping_add(more));
    }

    /// How many there were since the start.
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

/// Times, in buckets of two significant digits.
#[derive(Debug)]
pub struct Times {
    histogram: RefCell<Histogram<u64>>,
    sum_ns: Count,
}

impl Default for Times {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, TIME_US_MAX, 2);
        Self {
            histogram: RefCell::new(histogram.expect("the bounds are legal")),
            sum_ns: Count::default(),
        }
    }
}

impl Times {
    /// Notes that something took so long.
    pub fn note_ns(&self, ns: u64) {
        self.histogram
            .borrow_mut()
            .saturating_record((ns / 1_000).max(1));
        self.sum_ns.add(ns);
    }

    fn snapshot(&self) -> TimesSnapshot {
        let histogram = self.histogram.borrow();
        TimesSnapshot {
            count: histogram.len(),
            sum_ns: self.sum_ns.get(),
            below: TIME_BOUNDS_US.map(|bound| histogram.count_between(0, bound)),
        }
    }
}

/// Times as told: how many, their sum, and how many were at most each of [`TIME_BOUNDS_US`].
#[derive(Debug, Clone, Default)]
pub struct TimesSnapshot {
    /// How many.
    pub count: u64,
    /// Their sum, nanoseconds.
    pub sum_ns: u64,
    /// Cumulative.
    pub below: [u64; TIME_BOUNDS_US.len()],
}

/// What one shard counts.
#[derive(Debug)]
pub struct Metrics {
    /// Requests by API number.
    requests: [Count; APIS],
    /// From the last byte of a Produce to its reply being ready to be sent.
    pub produce_times: Times,
    /// The same of Fetch, with the time it waited for records.
    pub fetch_times: Times,
    /// The same of all other requests.
    pub other_times: Times,
    /// Records appended here.
    pub records_in: Count,
    /// Bytes of their batches.
    pub bytes_in: Count,
    /// Bytes of batches read for consumers.
    pub bytes_out: Count,
    /// Record bytes copied in user space for a fetch of this shard's own partitions: there is no such copy.
    pub fetch_copied_bytes: Count,
    /// Record bytes copied because a fetch came to another shard than the leader's.
    pub fetch_hop_copied_bytes: Count,
    /// Parts of Produce requests that were refused.
    pub failed_produces: Count,
    /// Parts of Fetch requests that were refused.
    pub failed_fetches: Count,
    /// Journal frames written and synced.
    pub flushes: Count,
    /// Their bytes.
    pub flush_bytes: Count,
    /// How long each took.
    pub flush_times: Times,
    /// Record bytes that went from memory to segments behind the journal.
    pub write_back_bytes: Count,
    /// Record bytes that went straight to segments.
    pub direct_bytes: Count,
    /// Checkpoints done.
    pub checkpoints: Count,
    /// Partitions compacted, counted each time.
    pub compactions: Count,
    /// Bytes of the segments before.
    pub compaction_bytes_read: Count,
    /// And of those in their place.
    pub compaction_bytes_written: Count,
    /// Compactions that failed.
    pub compaction_failures: Count,
    /// Segments below a log start that has moved.
    pub deleted_segments: Count,
    /// Their bytes.
    pub deleted_segment_bytes: Count,
    /// What coordinators of groups have done.
    groups: Cell<GroupCounts>,
    /// Connections that are open.
    pub connections: Cell<u64>,
    /// Connections accepted.
    pub accepted: Count,
    /// Connections closed by us: refused, malformed, stalled.
    pub refused: Count,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: std::array::from_fn(|_| Count::default()),
            produce_times: Times::default(),
            fetch_times: Times::default(),
            other_times: Times::default(),
            records_in: Count::default(),
            bytes_in: Count::default(),
            bytes_out: Count::default(),
            fetch_copied_bytes: Count::default(),
            fetch_hop_copied_bytes: Count::default(),
            failed_produces: Count::default(),
            failed_fetches: Count::default(),
            flushes: Count::default(),
            flush_bytes: Count::default(),
            flush_times: Times::default(),
            write_back_bytes: Count::default(),
            direct_bytes: Count::default(),
            checkpoints: Count::default(),
            compactions: Count::default(),
            compaction_bytes_read: Count::default(),
            compaction_bytes_written: Count::default(),
            compaction_failures: Count::default(),
            deleted_segments: Count::default(),
            deleted_segment_bytes: Count::default(),
            groups: Cell::default(),
            connections: Cell::new(0),
            accepted: Count::default(),
            refused: Count::default(),
        }
    }
}

impl Metrics {
    /// A request of this API has come; unknown numbers are not told apart.
    pub fn request(&self, api_key: i16) {
        let place = usize::try_from(api_key).unwrap_or(APIS - 1);
        self.requests[place.min(APIS - 1)].add(1);
    }

    /// A request of this API is answered.
    pub fn answered(&self, api_key: i16, ns: u64) {
        let times = if api_key == ApiKey::Produce.code() {
            &self.produce_times
        } else if api_key == ApiKey::Fetch.code() {
            &self.fetch_times
        } else {
            &self.other_times
        };
        times.note_ns(ns);
    }

    /// A journal frame is durable.
    pub fn flushed(&self, bytes: u64, ns: u64) {
        self.flushes.add(1);
        self.flush_bytes.add(bytes);
        self.flush_times.note_ns(ns);
    }

    /// A coordinator of groups has done this.
    pub fn groups_did(&self, more: &GroupCounts) {
        self.groups.set(self.groups.get() + *more);
    }

    /// What was counted up to now.
    pub fn snapshot(&self) -> Counters {
        let requests = self.requests.iter().enumerate();
        Counters {
            requests: requests
                .map(|(api_key, count)| (api_key as i16, count.get()))
                .filter(|(_, count)| *count > 0)
                .collect(),
            produce_times: self.produce_times.snapshot(),
            fetch_times: self.fetch_times.snapshot(),
            other_times: self.other_times.snapshot(),
            records_in: self.records_in.get(),
            bytes_in: self.bytes_in.get(),
            bytes_out: self.bytes_out.get(),
            fetch_copied_bytes: self.fetch_copied_bytes.get(),
            fetch_hop_copied_bytes: self.fetch_hop_copied_bytes.get(),
            failed_produces: self.failed_produces.get(),
            failed_fetches: self.failed_fetches.get(),
            flushes: self.flushes.get(),
            flush_bytes: self.flush_bytes.get(),
            flush_times: self.flush_times.snapshot(),
            write_back_bytes: self.write_back_bytes.get(),
            direct_bytes: self.direct_bytes.get(),
            checkpoints: self.checkpoints.get(),
            compactions: self.compactions.get(),
            compaction_bytes_read: self.compaction_bytes_read.get(),
            compaction_bytes_written: self.compaction_bytes_written.get(),
            compaction_failures: self.compaction_failures.get(),
            deleted_segments: self.deleted_segments.get(),
            deleted_segment_bytes: self.deleted_segment_bytes.get(),
            groups: self.groups.get(),
            connections: self.connections.get(),
            accepted: self.accepted.get(),
            refused: self.refused.get(),
        }
    }
}

/// What [`Metrics`] held at some moment, field for field.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Counters {
    /// By API number, those that have come.
    pub requests: Vec<(i16, u64)>,
    pub produce_times: TimesSnapshot,
    pub fetch_times: TimesSnapshot,
    pub other_times: TimesSnapshot,
    pub records_in: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub fetch_copied_bytes: u64,
    pub fetch_hop_copied_bytes: u64,
    pub failed_produces: u64,
    pub failed_fetches: u64,
    pub flushes: u64,
    pub flush_bytes: u64,
    pub flush_times: TimesSnapshot,
    pub write_back_bytes: u64,
    pub direct_bytes: u64,
    pub checkpoints: u64,
    pub compactions: u64,
    pub compaction_bytes_read: u64,
    pub compaction_bytes_written: u64,
    pub compaction_failures: u64,
    pub deleted_segments: u64,
    pub deleted_segment_bytes: u64,
    pub groups: GroupCounts,
    pub connections: u64,
    pub accepted: u64,
    pub refused: u64,
}

/// All that one shard tells of itself.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Which shard.
    pub shard: u32,
    /// Its node id.
    pub node_id: i32,
    /// The port it tells clients.
    pub port: u16,
    /// What it counted.
    pub counters: Counters,
    /// Partitions it leads.
    pub partitions: u64,
    /// A write failed: it acknowledges nothing more.
    pub fenced: bool,
    /// The file system is full: produces are refused.
    pub out_of_space: bool,
    /// It stops.
    pub stopping: bool,
    /// Bytes of records not yet in segments.
    pub dirty_bytes: u64,
    /// The most they may be.
    pub dirty_bytes_max: u64,
    /// Bytes of live journal files.
    pub journal_used_bytes: u64,
    /// The most they may be.
    pub journal_capacity_bytes: u64,
    /// Fetch sessions, the partitions they follow, and sessions that made room for others.
    pub fetch_sessions: (usize, usize, u64),
    /// Consumer groups that it coordinates.
    pub groups: GroupsFigures,
    /// How compaction stands.
    pub compaction: CompactionFigures,
    /// The last frame that is applied.
    pub applied_sequence: u64,
    /// The last frame a checkpoint covers.
    pub checkpointed_sequence: u64,
    /// One a partition led here, where that was asked for.
    pub details: Vec<PartitionFigures>,
}

/// What a shard tells of its compaction.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompactionFigures {
    /// The largest share of bytes not seen yet that the last look found in a partition, percent.
    pub dirty_percent_max: u64,
    /// How long ago that was, or the start; milliseconds.
    pub since_look_ms: u64,
    /// Partitions that are left alone since they cannot be compacted.
    pub uncleanable: u64,
}

/// All that is told of one partition.
#[derive(Debug, Clone)]
pub struct PartitionFigures {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its number.
    pub partition: i32,
    /// Offset of the first record.
    pub log_start_offset: i64,
    /// Offset after the last one that is committed.
    pub high_watermark: i64,
    /// Bytes of segments and of what waits to be written there.
    pub size_bytes: u64,
    /// Segments on disk.
    pub segments: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_has_what_was_counted() {
        let metrics = Metrics::default();
        for api_key in [0, 0, 1, -5, 20_000] {
            metrics.request(api_key);
        }
        for us in [40, 150, 5_000, 90_000_000] {
            metrics.answered(0, us * 1_000);
        }
        metrics.answered(1, 1);
        let told = metrics.snapshot();
        assert_eq!(told.requests, [(0, 2), (1, 1), (127, 2)]);
        assert_eq!((told.produce_times.count, told.fetch_times.count), (4, 1));
        assert_eq!(told.produce_times.sum_ns, 90_005_190_000);
        assert_eq!(told.produce_times.below[..3], [1, 1, 2]);
        assert_eq!(
            told.produce_times.below[TIME_BOUNDS_US.len() - 1],
            3,
            "a minute is beyond the last bound"
        );
    }
}
