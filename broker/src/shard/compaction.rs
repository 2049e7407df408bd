//! Compaction runs: which partition is next, and what its topic says (Kafka's `LogCleaner`). Background work of one shard,
//! one partition at a time, beside the write-back and never in its way. What a run replaced is needed by a restart until the
//! next checkpoint; then its files are removed as those of any segment that is over.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_lite::future::or;
use hashbrown::{HashMap, HashSet};

use super::{Owned, PartitionKey, Shard};
use crate::config::topic::TopicConfig;
use crate::io::clock::Instant;
use crate::io::executor::Signal;
use crate::log::compaction::{Cleanable, CompactionRule};
use crate::log::{Compacted, CompactionFailure, CompactionOrder, LogError};
use crate::metrics::CompactionFigures;
use crate::planted::{self, Bug};

/// What a shard remembers of compaction.
#[derive(Default)]
pub(in crate::shard) struct Compaction {
    /// Segments that were replaced while a restart would still begin with them, over all partitions.
    waiting: Cell<usize>,
    /// Partitions that cannot be compacted until an operator has looked at them.
    uncleanable: RefCell<HashSet<PartitionKey>>,
    /// When it was last looked for work, and the largest share of bytes not seen yet that was found then; from 0 to 1.
    looked: Cell<(Instant, f64)>,
    /// The shard stops.
    stopped: Signal,
}

impl Compaction {
    /// How it stands.
    pub(in crate::shard) fn figures(&self, now: Instant) -> CompactionFigures {
        let (looked, dirty_ratio_max) = self.looked.get();
        CompactionFigures {
            dirty_percent_max: (dirty_ratio_max * 100.0) as u64,
            since_look_ms: now.since_ns(looked) / 1_000_000,
            uncleanable: self.uncleanable.borrow().len() as u64,
        }
    }

    /// Whether a checkpoint would let files go.
    pub(in crate::shard) fn has_replaced(&self) -> bool {
        self.waiting.get() > 0
    }

    /// Nothing waits for the partition any more.
    pub(in crate::shard) fn forget(&self, owned: &Owned) {
        self.waiting.set(self.waiting.get() - owned.log.replaced());
        self.uncleanable.borrow_mut().remove(&owned.key);
    }

    /// No run begins any more.
    pub(in crate::shard) fn stop(&self) {
        self.stopped.set();
    }
}

impl Shard {
    /// Compacts until the shard stops.
    pub async fn run_compaction(self: Rc<Self>) {
        if !self.config.compaction.enabled {
            return;
        }
        while self.may_compact() {
            match self.dirtiest().await {
                Some((owned, rule, cleanable)) => self.compact(&owned, &rule, &cleanable).await,
                None => self.rest_from_compaction().await,
            }
        }
    }

    fn may_compact(&self) -> bool {
        !self.stopping.get() && !self.is_fenced()
    }

    async fn rest_from_compaction(&self) {
        let backoff = Duration::from_millis(self.config.compaction.backoff_ms.max(1));
        or(self.compaction.stopped.wait(), self.io.clock.sleep(backoff)).await;
    }

    /// The partition that compaction is due for: one that is overdue, or the one with the largest share of bytes not seen yet.
    async fn dirtiest(&self) -> Option<(Rc<Owned>, CompactionRule, Cleanable)> {
        let mut partitions: Vec<_> = self.partitions.borrow().values().cloned().collect();
        partitions.sort_unstable_by_key(|owned| owned.key);
        let mut rules: HashMap<u128, Option<CompactionRule>> = HashMap::new();
        let mut best: Option<(Rc<Owned>, CompactionRule, Cleanable)> = None;
        let mut dirty_ratio_max: f64 = 0.0;
        let now_ms = self.io.clock.wall_ms();
        for owned in partitions {
            let rule = *rules
                .entry(owned.key.topic_id)
                .or_insert_with(|| self.compaction_rule(owned.key.topic_id));
            if let Some(rule) = rule
                && !self.compaction.uncleanable.borrow().contains(&owned.key)
                && let Some(found) =
                    rule.cleanable(&owned.log.segments(), owned.log.cleaned_offset(), now_ms)
            {
                dirty_ratio_max = dirty_ratio_max.max(found.dirty_ratio);
                let is_more = |(_, _, best): &(_, _, _)| urgency(&found) > urgency(best);
                if rule.is_due(&found) && best.as_ref().is_none_or(is_more) {
                    best = Some((owned, rule, found));
                }
            }
            if self.io.executor.should_yield() {
                self.io.executor.yield_now().await;
            }
        }
        let now = self.io.clock.now();
        self.compaction.looked.set((now, dirty_ratio_max));
        best
    }

    fn compaction_rule(&self, topic_id: u128) -> Option<CompactionRule> {
        let settings = self.settings_of(topic_id)?;
        settings.cleanup_policy.compact.then(|| rule_of(&settings))
    }

    /// Compacts one partition. What came of it is counted and told; a partition that fails for another reason than space is
    /// left alone until the next start.
    pub(in crate::shard) async fn compact(
        &self,
        owned: &Rc<Owned>,
        rule: &CompactionRule,
        cleanable: &Cleanable,
    ) {
        let (topic, partition) = (&owned.topic, owned.key.partition);
        let start = owned.partition.borrow().log_start_offset();
        if let Err(error) = owned.log.sweep(start).await {
            tracing::warn!(%topic, partition, %error, "what an earlier run left is still there");
        }
        // Another task may be at it.
        if !owned.log.is_swept() {
            return self.rest_from_compaction().await;
        }
        let order = CompactionOrder {
            delete_retention_ms: rule.delete_retention_ms,
            segment_bytes_max: rule.segment_bytes_max,
            map_bytes_max: self.config.compaction.key_bytes_max / self.io.mesh.shards() as u64,
            is_last_of_producer: &|producer_id, base_offset| {
                let partition = owned.partition.borrow();
                partition.producers().last_base_offset(producer_id) == Some(base_offset)
            },
            io_bytes_per_second_max: &|| {
                self.settings().compaction.io_bytes_per_second_max / self.io.mesh.shards() as f64
            },
            is_wanted: &|| self.may_compact() && !owned.removed.get(),
        };
        match owned.log.compact(cleanable, &order).await {
            Ok(compacted) if !owned.removed.get() => {
                let waiting = self.compaction.waiting.get() + compacted.replaced;
                self.compaction.waiting.set(waiting);
                if planted::on(Bug::SwappedTooEarly) {
                    self.release_replaced(owned, compacted.replaced);
                }
                self.tell_compacted(owned, &compacted);
            }
            Ok(_) => {}
            Err(CompactionFailure::GivenUp) => self.io.executor.yield_now().await,
            Err(CompactionFailure::Log(error @ LogError::NoSpace { .. })) => {
                self.metrics.compaction_failures.add(1);
                tracing::warn!(%topic, partition, %error, "compaction needs space and waits for it");
                self.rest_from_compaction().await;
            }
            Err(CompactionFailure::Log(error)) => {
                self.metrics.compaction_failures.add(1);
                tracing::error!(%topic, partition, %error, "the partition is not compacted any more: it is as it was. It is tried again after a restart");
                self.compaction.uncleanable.borrow_mut().insert(owned.key);
            }
        }
    }

    /// A checkpoint names what stands in the places of these segments: no restart needs them.
    pub(in crate::shard) fn release_replaced(&self, owned: &Rc<Owned>, count: usize) {
        if owned.removed.get() {
            return;
        }
        let waiting = &self.compaction.waiting;
        waiting.set(waiting.get() - count);
        self.doom(owned, owned.log.release_replaced(count));
    }

    fn tell_compacted(&self, owned: &Owned, compacted: &Compacted) {
        self.metrics.compactions.add(1);
        self.metrics
            .compaction_bytes_read
            .add(compacted.bytes_before);
        self.metrics
            .compaction_bytes_written
            .add(compacted.bytes_after);
        let Compacted {
            replaced,
            bytes_before,
            bytes_after,
            records_before,
            records_after,
            keys,
            cleaned_offset,
        } = compacted;
        tracing::info!(topic = %owned.topic, partition = owned.key.partition, replaced, bytes_before, bytes_after, records_before, records_after, keys, cleaned_offset, "compacted");
    }
}

fn rule_of(settings: &TopicConfig) -> CompactionRule {
    CompactionRule {
        dirty_ratio_min: settings.min_cleanable_dirty_ratio,
        lag_ms_min: settings.min_compaction_lag_ms,
        lag_ms_max: settings.max_compaction_lag_ms,
        delete_retention_ms: settings.delete_retention_ms,
        segment_bytes_max: u64::from(settings.segment_bytes_max),
    }
}

fn urgency(cleanable: &Cleanable) -> (bool, f64) {
    (cleanable.overdue, cleanable.dirty_ratio)
}
