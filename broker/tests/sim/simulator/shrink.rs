//! Makes a failing run shorter: fewer families of faults, fewer breaks, fewer requests, as long as the same thing goes wrong.

use super::history::Violation;
use super::plan::Plan;
use super::run::run;
use super::trace::Trace;

/// The shortest run found.
#[derive(Debug)]
pub struct Shrunk {
    /// Its seed.
    pub seed: u64,
    /// What it is made of.
    pub plan: Plan,
    /// What goes wrong.
    pub violation: Violation,
    /// What was told of it.
    pub lines: Vec<String>,
}

/// Runs that may be tried.
const TRIES: u32 = 60;

/// Makes the run of `plan` under `seed` shorter.
pub fn shrink(seed: u64, plan: &Plan, violation: &Violation) -> Shrunk {
    let mut best = plan.clone();
    let mut tries = TRIES;
    let mut shorter = true;
    while shorter && tries > 0 {
        shorter = false;
        for candidate in candidates(&best) {
            tries = tries.saturating_sub(1);
            let found = run(seed, &candidate, Trace::default()).violation;
            if found.is_some_and(|found| found.kind == violation.kind) {
                best = candidate;
                shorter = true;
                break;
            }
            if tries == 0 {
                break;
            }
        }
    }
    let outcome = run(seed, &best, Trace::kept());
    Shrunk {
        seed,
        plan: best,
        violation: outcome.violation.unwrap_or_else(|| violation.clone()),
        lines: outcome.lines,
    }
}

/// Shorter runs, the shortest first.
fn candidates(plan: &Plan) -> Vec<Plan> {
    let mut all = Vec::new();
    for fault in &plan.faults {
        let mut fewer = plan.clone();
        fewer.faults.retain(|one| one != fault);
        if !fewer.faults.is_empty() {
            all.push(fewer);
        }
    }
    for breaks in [0, plan.breaks / 2, plan.breaks.saturating_sub(1)] {
        if breaks < plan.breaks {
            all.push(Plan {
                breaks,
                ..plan.clone()
            });
        }
    }
    for requests in [plan.requests / 4, plan.requests / 2, plan.requests * 3 / 4] {
        all.push(Plan {
            requests,
            ..plan.clone()
        });
    }
    all
}
