//! The test of the test: bugs planted in the broker, one at a time, each with runs that provoke it, and the number of seeds
//! within which it must be caught. A bug that no run catches means that a fault or a check is missing.

use broker::planted::{Bug, plant};

use super::disk::faults::Action;
use super::history::Violation;
use super::plan::{FAULTS, Fault, Plan};
use super::run::run;
use super::trace::Trace;

/// A bug, and how it is hunted.
pub struct Hunt {
    /// What is planted.
    pub bug: Bug,
    /// It is caught within so many seeds.
    pub seeds_max: u64,
    /// Makes a drawn plan one that provokes it.
    aim: fn(&mut Plan),
}

/// All hunts: one a bug.
pub const HUNTS: &[Hunt] = &[
    hunt(Bug::AckedBeforeSync, 10, power),
    hunt(Bug::TornFrameAccepted, 300, rolls),
    hunt(Bug::StaleFrameAccepted, 50, rolls),
    hunt(Bug::MarkedTooEarly, 50, power),
    hunt(Bug::HeaderNotSynced, 300, headers),
    hunt(Bug::FileNotNamed, 50, first_starts),
    hunt(Bug::CheckpointBeforeSync, 50, checkpoints),
    hunt(Bug::RecycledTooEarly, 600, checkpoints),
    hunt(Bug::ManifestNotSynced, 50, checkpoints),
    hunt(Bug::RenameNotSynced, 50, checkpoints),
    hunt(Bug::TermNotStored, 10, kills),
    hunt(Bug::ProducersForgotten, 10, checkpoints),
    hunt(Bug::EpochsForgotten, 10, checkpoints),
    hunt(Bug::DuplicateAccepted, 20, kills),
    hunt(Bug::DuplicateAckedEarly, 200, hang_ups),
    hunt(Bug::HighWatermarkTooEarly, 20, readers),
    hunt(Bug::OffsetReused, 10, kills),
    hunt(Bug::LogStartNotCommitted, 200, deletes),
    hunt(Bug::LogStartForgotten, 20, deletes),
    hunt(Bug::FailureAcked, 200, failures),
    hunt(Bug::BlockNotReadBack, 20, checkpoints),
    hunt(Bug::OffsetReusedAfterFailure, 50, failures),
    hunt(Bug::SegmentsRemovedEarly, 50, retention),
    hunt(Bug::StaleGenerationAccepted, 50, groups),
    hunt(Bug::OffsetsExpiredWhileLive, 200, expiring),
    hunt(Bug::StaticMemberDuplicated, 100, groups),
    hunt(Bug::OffsetCommitAckedEarly, 200, groups),
    hunt(Bug::SwappedTooEarly, 50, compactions),
    hunt(Bug::TombstoneDroppedEarly, 50, partial_compactions),
    hunt(Bug::ProducerHeaderDropped, 50, compactions),
    hunt(Bug::StoredNotSynced, 50, direct),
    hunt(Bug::StoredNotLookedFor, 50, direct),
];

const fn hunt(bug: Bug, seeds_max: u64, aim: fn(&mut Plan)) -> Hunt {
    Hunt {
        bug,
        seeds_max,
        aim,
    }
}

impl Hunt {
    /// Runs seed after seed with the bug planted: how many it took, and what was found; `None`: it was not caught.
    pub fn go(&self, first_seed: u64, seeds_max: u64) -> Option<(u64, Violation)> {
        plant(Some(self.bug));
        let caught = (1..=seeds_max).find_map(|count| {
            let seed = first_seed + count - 1;
            let violation = run(seed, &self.plan(seed), Trace::default()).violation;
            violation.map(|violation| (count, violation))
        });
        plant(None);
        caught
    }

    /// The run of `seed`.
    pub fn plan(&self, seed: u64) -> Plan {
        let mut plan = Plan::draw(seed, &FAULTS);
        (self.aim)(&mut plan);
        plan
    }
}

/// A small busy machine whose process is killed.
fn kills(plan: &mut Plan) {
    plan.shape.shards = plan.shape.shards.min(2);
    plan.wishes.topics = 1;
    plan.wishes.partitions_max = 2;
    plan.wishes.delete_one_in = 0;
    plan.wishes.retention_one_in = 0;
    plan.producers = (2, 0);
    plan.consumers = 1;
    plan.members = (0, 1);
    plan.committers = 0;
    plan.requests = 200;
    plan.think_us_max = 1000;
    plan.faults = vec![Fault::Kill];
    plan.breaks = 6;
    plan.peace_us_max = 300_000;
    plan.latency_us = (10, 300);
}

/// One that loses its power.
fn power(plan: &mut Plan) {
    kills(plan);
    plan.faults = vec![Fault::Power];
}

/// One whose power goes while it starts for the first time.
fn first_starts(plan: &mut Plan) {
    power(plan);
    plan.breaks = 2;
    plan.peace_us_max = 1000;
    plan.latency_us = (100, 10_000);
    plan.shape.shards = 2;
}

/// Journal files that hold few frames.
fn rolls(plan: &mut Plan) {
    power(plan);
    let config = &mut plan.config;
    config.journal_file_bytes = config.frame_bytes_max + 4096;
    config.journal_bytes_max = Some(3 * config.journal_file_bytes);
    plan.value_bytes = (1024, 4096);
}

/// Power goes close behind the header of a journal file's next use.
fn headers(plan: &mut Plan) {
    rolls(plan);
    plan.requests = 1000;
    plan.aimed_one_in = 1;
    plan.targets = vec![(Action::Head, ".journal")];
}

/// Rolls and checkpoints all the time.
fn checkpoints(plan: &mut Plan) {
    rolls(plan);
    plan.config.checkpoint_interval_ms = 1000;
    plan.config.dirty_bytes_max = Some(16 << 10);
}

/// Topics whose segments are many and compacted all the time.
fn compactions(plan: &mut Plan) {
    checkpoints(plan);
    plan.faults = vec![Fault::Kill];
    plan.requests = 400;
    plan.wishes.compacted = u64::MAX;
    plan.wishes.compaction = (0.0, 0);
    plan.keys = 7;
    plan.config.compaction.backoff_ms = 50;
    plan.config.compaction.key_bytes_max = 1 << 20;
}

/// The same, with room for few keys at once.
fn partial_compactions(plan: &mut Plan) {
    compactions(plan);
    plan.keys = 97;
    plan.config.compaction.key_bytes_max = 5 * 38;
}

/// Nothing goes through the journal that need not.
fn direct(plan: &mut Plan) {
    power(plan);
    plan.config.direct_bytes_min = 1;
}

/// Clients hang up while something of theirs is under way.
fn hang_ups(plan: &mut Plan) {
    power(plan);
    plan.hang_up_one_in = 4;
    plan.latency_us = (200, 5_000);
}

/// Readers at the end of a log that grows slowly.
fn readers(plan: &mut Plan) {
    kills(plan);
    plan.consumers = 2;
    plan.latency_us = (200, 2_000);
}

/// Records are deleted all the time.
fn deletes(plan: &mut Plan) {
    checkpoints(plan);
    plan.faults = vec![Fault::Kill];
    plan.wishes.delete_records_one_in = 1;
    plan.wishes.partitions_max = 1;
    plan.consumers = 2;
    plan.latency_us = (200, 2_000);
}

/// Writes and syncs fail.
fn failures(plan: &mut Plan) {
    kills(plan);
    plan.faults = vec![Fault::Write, Fault::Sync];
}

/// Records go by their topic's rule all the time.
fn retention(plan: &mut Plan) {
    checkpoints(plan);
    plan.faults = vec![Fault::Kill];
    plan.wishes.retention_one_in = 1;
    plan.wishes.delete_records_one_in = 0;
    plan.wishes.partitions_max = 1;
    plan.consumers = 2;
    plan.config.retention_check_interval_ms = 20;
    plan.config.dirty_bytes_max = Some(4 << 10);
    plan.latency_us = (200, 2_000);
}

/// Members of one group that come, commit and go.
fn groups(plan: &mut Plan) {
    kills(plan);
    plan.producers = (1, 0);
    plan.consumers = 0;
    plan.members = (4, 1);
    plan.committers = 1;
    plan.requests = 400;
    plan.latency_us = (200, 2_000);
    plan.offset_retention_ms_max = 0;
    plan.config.groups.initial_rebalance_delay_ms = 10;
}

/// And some of what they commit is kept for a short time only.
fn expiring(plan: &mut Plan) {
    groups(plan);
    plan.think_us_max = 20_000;
    plan.breaks = 2;
    plan.peace_us_max = 1_000_000;
    plan.expire_offsets(10, 50);
}
