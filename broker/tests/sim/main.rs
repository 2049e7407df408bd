//! The simulator's fixed seeds, and whether it is what it says: equal seeds give equal runs. See README.md.

#![allow(clippy::unwrap_used)]

mod simulator;

use simulator::plan::{FAULTS, Plan};
use simulator::run::run;
use simulator::trace::Trace;

/// Seeds that every test run tries.
const SEEDS: u64 = 100;

#[test]
fn no_seed_finds_a_violation() {
    for seed in 0..SEEDS {
        let outcome = run(seed, &Plan::draw(seed, &FAULTS), Trace::default());
        assert_eq!(outcome.violation, None, "seed {seed}");
    }
}

#[test]
fn a_seed_run_twice_is_the_same_run() {
    for seed in 0..10 {
        let plan = Plan::draw(seed, &FAULTS);
        let hashes = [(); 2].map(|()| run(seed, &plan, Trace::default()).hash);
        assert_eq!(hashes[0], hashes[1], "seed {seed}");
    }
}
