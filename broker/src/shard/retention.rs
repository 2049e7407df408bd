//! Records go: by age, by size, or because an admin asked. The log start moves by a committed entry first, the same on leader,
//! replay and restart; segments below it are forgotten then, and their files removed when readers have let go.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_lite::future::or;
use hashbrown::HashMap;

use super::{Owned, PartitionKey, Shard};
use crate::config::topic::TopicConfig;
use crate::io::clock::Instant;
use crate::io::executor::Signal;
use crate::journal::frame::{Item, ItemKind};
use crate::log::retention::RetentionRule;
use crate::log::{Segment, SegmentId};
use crate::planted::{self, Bug};
use crate::quorum::{Pending, ProposeError};

/// The first look for old segments comes this long after the start, as in Kafka.
const FIRST_CHECK_MS: u64 = 30_000;

/// What a shard remembers of records that go.
#[derive(Default)]
pub(in crate::shard) struct Retention {
    /// Segments that are forgotten or replaced and whose files are there, by the instant after which they may go.
    doomed: RefCell<BTreeMap<(Instant, PartitionKey, SegmentId), Rc<Owned>>>,
    /// There are more of them.
    grown: Signal,
}

/// Why records were not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeleteRecordsFailure {
    /// Not led here, or not yet.
    #[error("this shard does not lead the partition")]
    NotLeader,
    /// Beyond the high watermark, or negative.
    #[error("the offset is not within the partition")]
    OffsetOutOfRange,
    /// The topic keeps the newest record of each key, whatever its age.
    #[error("records of a topic that is only compacted cannot be deleted")]
    Policy,
    /// The journal failed.
    #[error("the journal failed")]
    Storage,
    /// Too much waits for the disk.
    #[error("the broker is behind with its writes")]
    Full,
}

/// What deleting came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletedRecords {
    /// The first offset that is still there.
    pub low_watermark: i64,
}

impl Shard {
    /// Moves each log start to the offset beside it, or to the high watermark, and answers in the same order when all that is
    /// durable (Kafka's DeleteRecords): they share flushes.
    pub async fn delete_records(
        &self,
        asked: &[(PartitionKey, Option<i64>)],
    ) -> Vec<Result<DeletedRecords, DeleteRecordsFailure>> {
        let begin = |(key, before): &(PartitionKey, Option<i64>)| self.begin_cut(*key, *before);
        let begun: Vec<_> = asked.iter().map(begin).collect();
        let mut results = Vec::with_capacity(begun.len());
        for cut in begun {
            results.push(match cut {
                Ok((owned, pending)) => self.end_cut(&owned, pending).await,
                Err(failure) => Err(failure),
            });
        }
        results
    }

    /// Decides, and proposes where there is something to move.
    fn begin_cut(
        &self,
        key: PartitionKey,
        before: Option<i64>,
    ) -> Result<(Rc<Owned>, Option<Pending>), DeleteRecordsFailure> {
        let owned = self.led(key).ok_or(DeleteRecordsFailure::NotLeader)?;
        let settings = self.settings_of(key.topic_id);
        let policy = settings
            .ok_or(DeleteRecordsFailure::NotLeader)?
            .cleanup_policy;
        if policy.compact && !policy.delete {
            return Err(DeleteRecordsFailure::Policy);
        }
        let (start, end) = {
            let partition = owned.partition.borrow();
            (partition.log_start_offset(), partition.high_watermark())
        };
        let before = before.unwrap_or(end);
        if !(0..=end).contains(&before) {
            return Err(DeleteRecordsFailure::OffsetOutOfRange);
        }
        if before <= start {
            return Ok((owned, None));
        }
        match self.propose_log_start(&owned, before) {
            Ok(pending) => Ok((owned, Some(pending))),
            Err(ProposeError::NotReady) => Err(DeleteRecordsFailure::NotLeader),
            Err(ProposeError::Full) => Err(DeleteRecordsFailure::Full),
            Err(ProposeError::Fenced) => Err(DeleteRecordsFailure::Storage),
        }
    }

    async fn end_cut(
        &self,
        owned: &Owned,
        pending: Option<Pending>,
    ) -> Result<DeletedRecords, DeleteRecordsFailure> {
        if let Some(pending) = pending
            && !self.wait_applied(pending).await
        {
            return Err(DeleteRecordsFailure::Storage);
        }
        let low_watermark = owned.partition.borrow().log_start_offset();
        Ok(DeletedRecords { low_watermark })
    }

    pub(in crate::shard) fn settings_of(&self, topic_id: u128) -> Option<TopicConfig> {
        let image = self.image();
        let topic = image.topic_by_id(topic_id)?;
        TopicConfig::from_overrides(&topic.configs, &self.settings()).ok()
    }

    fn propose_log_start(&self, owned: &Rc<Owned>, offset: i64) -> Result<Pending, ProposeError> {
        let item = Item {
            kind: ItemKind::LogStart,
            topic_id: owned.key.topic_id,
            partition: owned.key.partition,
            offset,
            leader_epoch: -1,
            log_append_time_ms: -1,
            body: Bytes::new(),
        };
        let pending = self.quorums.borrow_mut().propose(owned.quorum, item)?;
        if planted::on(Bug::LogStartNotCommitted) {
            self.apply_log_start(owned.key, offset);
        }
        if planted::on(Bug::SegmentsRemovedEarly) {
            self.doom(owned, owned.log.forget_below(offset));
        }
        self.flush_wanted.set();
        Ok(pending)
    }

    /// The log of this partition starts at `offset`, committed.
    pub(in crate::shard) fn apply_log_start(&self, key: PartitionKey, offset: i64) {
        let Some(owned) = self.owned(key) else { return };
        owned.partition.borrow_mut().raise_log_start(offset);
        let over = owned.log.forget_below(offset);
        self.metrics.deleted_segments.add(over.len() as u64);
        let bytes = over.iter().map(|segment| segment.bytes);
        self.metrics.deleted_segment_bytes.add(bytes.sum());
        self.doom(&owned, over);
    }

    /// The files of these segments go when whoever reads them has had time to let go: `file.delete.delay.ms`.
    pub(in crate::shard) fn doom(&self, owned: &Rc<Owned>, segments: Vec<Segment>) {
        if segments.is_empty() {
            return;
        }
        let settings = self.settings_of(owned.key.topic_id);
        let delay_ms = settings.map_or(0, |settings| settings.file_delete_delay_ms);
        let due = self.io.clock.now().plus_ms(delay_ms);
        let mut doomed = self.retention.doomed.borrow_mut();
        for segment in segments {
            doomed.insert((due, owned.key, segment.id), owned.clone());
        }
        drop(doomed);
        self.retention.grown.set();
    }

    /// Looks for what has had its time, every `log.retention.check.interval.ms`, and removes files that are due.
    pub async fn run_retention(self: Rc<Self>) {
        let interval_ms = self.config.retention_check_interval_ms;
        let clock = self.io.clock.clone();
        let mut check = clock.now().plus_ms(interval_ms.min(FIRST_CHECK_MS));
        while !self.stopping.get() {
            let next = self
                .retention
                .doomed
                .borrow()
                .keys()
                .next()
                .map(|(due, ..)| *due);
            let next = next.map_or(check, |due| due.min(check));
            let rest = Duration::from_nanos(next.since_ns(clock.now()));
            or(self.retention.grown.wait(), clock.sleep(rest)).await;
            self.remove_due().await;
            if clock.now() >= check {
                self.retain().await;
                check = clock.now().plus_ms(interval_ms);
            }
        }
    }

    pub(in crate::shard) async fn remove_due(&self) {
        loop {
            let due = {
                let mut doomed = self.retention.doomed.borrow_mut();
                match doomed.first_entry() {
                    Some(first) if first.key().0 <= self.io.clock.now() => first.remove_entry(),
                    _ => return,
                }
            };
            let ((_, _, id), owned) = due;
            if owned.removed.get() {
                continue;
            }
            if let Err(error) = owned.log.remove_segment(id).await {
                tracing::warn!(topic = %owned.topic, partition = owned.key.partition, %error, "a segment that is over is still there");
            }
        }
    }

    /// Moves the log start of every partition that has segments to lose.
    async fn retain(&self) {
        let mut partitions: Vec<_> = self.partitions.borrow().values().cloned().collect();
        partitions.sort_unstable_by_key(|owned| owned.key);
        let mut rules: HashMap<u128, RetentionRule> = HashMap::new();
        let mut last = None;
        for owned in partitions {
            let rule = *rules
                .entry(owned.key.topic_id)
                .or_insert_with(|| self.retention_rule(owned.key.topic_id));
            if let Some(offset) = self.expired(&owned, &rule) {
                match self.propose_log_start(&owned, offset) {
                    Ok(pending) => last = Some(pending),
                    // The next look comes.
                    Err(ProposeError::Full | ProposeError::NotReady) => break,
                    Err(ProposeError::Fenced) => return,
                }
            }
            let start = owned.partition.borrow().log_start_offset();
            if start > 0
                && !owned.removed.get()
                && let Err(error) = owned.log.sweep(start).await
            {
                tracing::warn!(topic = %owned.topic, partition = owned.key.partition, %error, "segments that are over are still there");
            }
            if self.io.executor.should_yield() {
                self.io.executor.yield_now().await;
            }
        }
        if let Some(last) = last {
            self.wait_applied(last).await;
        }
    }

    fn retention_rule(&self, topic_id: u128) -> RetentionRule {
        let settings = self.settings_of(topic_id);
        let settings = settings.filter(|settings| settings.cleanup_policy.delete);
        settings.map_or_else(RetentionRule::default, |settings| RetentionRule {
            age_ms_max: settings.retention_ms,
            bytes_max: settings.retention_bytes,
        })
    }

    fn expired(&self, owned: &Owned, rule: &RetentionRule) -> Option<i64> {
        if *rule == RetentionRule::default() {
            return None;
        }
        let segments = owned.log.segments();
        let partition = owned.partition.borrow();
        let tail_bytes = owned.tail_bytes_beyond(&segments);
        let offset = rule.log_start_after(&segments, tail_bytes, self.io.clock.wall_ms())?;
        (offset > partition.log_start_offset()).then_some(offset)
    }
}
