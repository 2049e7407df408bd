//! The process, or the power, ends at every turn of a short run: one run a turn, the same up to there. Its first start, rolls of
//! the journal, checkpoints, a clean stop, and recoveries are among the turns; each run is held against the same as any other.

use super::history::Violation;
use super::plan::{FAULTS, Fault, Plan, Point};
use super::run::{Outcome, run};
use super::trace::Trace;

/// What a sweep found.
#[derive(Debug)]
pub struct Swept {
    /// Runs, each with an end of its own.
    pub points: u64,
    /// Where it went wrong first.
    pub violation: Option<(Point, Violation)>,
}

/// The run of `seed` that is swept: `fault` ends it, and something in it ends so without that.
pub fn plan(seed: u64, fault: Fault) -> Plan {
    let mut plan = Plan::draw(seed, &FAULTS);
    plan.shape.shards = 1 + (seed % 2) as u32;
    plan.wishes.topics = 1;
    plan.wishes.partitions_max = 2;
    plan.wishes.segment_ms_max = 20;
    plan.wishes.delete_one_in = 8;
    plan.producers = (1, 1);
    plan.consumers = 1;
    plan.requests = 60;
    plan.think_us_max = 20_000;
    plan.value_bytes = (1024, 4096);
    plan.hang_up_one_in = 0;
    plan.faults = vec![fault, Fault::Stop];
    plan.breaks = 2;
    plan.peace_us_max = 400_000;
    plan.latency_us = (20, 400);
    let config = &mut plan.config;
    config.journal_file_bytes = config.frame_bytes_max + 4096;
    config.journal_bytes_max = Some(3 * config.journal_file_bytes);
    config.checkpoint_interval_ms = 1000;
    config.dirty_bytes_max = Some(64 << 10);
    plan
}

/// The run of `seed` that `fault` ends at `point` too.
pub fn run_to(seed: u64, fault: Fault, point: Point, trace: Trace) -> Outcome {
    let plan = Plan {
        ends: Some(point),
        ..plan(seed, fault)
    };
    run(seed, &plan, trace)
}

/// Ends the run of `seed` at all steps of its first start, and at every `stride`th of its turns from `first` on.
pub fn sweep(seed: u64, fault: Fault, first: u64, stride: u64) -> Swept {
    let whole = run(seed, &plan(seed, fault), Trace::default());
    let steps = (0..).map(|step| Point::StartStep(step, fault));
    let turns = (first..whole.chaos_steps).step_by(stride as usize);
    let turns = turns.map(|turn| Point::Turn(turn, fault));
    let mut points = 0;
    let mut go = |point: Point| {
        let outcome = run_to(seed, fault, point, Trace::default());
        let reached = outcome.first_start_cut || matches!(point, Point::Turn(..));
        points += u64::from(reached);
        let violation = outcome.violation.map(|violation| (point, violation));
        (reached, violation)
    };
    let mut found = None;
    for point in steps {
        let (reached, violation) = go(point);
        found = violation;
        if !reached || found.is_some() {
            break;
        }
    }
    if found.is_none() {
        found = turns.into_iter().find_map(|point| go(point).1);
    }
    Swept {
        points,
        violation: found,
    }
}
