//! Disks, hosts and processes that fail, tried against the binary: one test by name for every row of the catalogue that one
//! machine can show. After each, every acknowledged record is there, or the broker has said what it cannot give.
//!
//! What a host cannot do (root, a loop device, FUSE, cgroups) is told on standard error as `SKIPPED`, and its test passes.

#![allow(clippy::unwrap_used)]

#[path = "../harness/broker.rs"]
#[allow(dead_code, reason = "shared with other test programs")]
mod broker;
mod catalogue;
mod damage;
#[allow(dead_code, reason = "shared with an example")]
mod device;
mod files;
mod kill;
#[path = "../harness/load.rs"]
#[allow(dead_code, reason = "shared with other test programs")]
mod load;
mod power;
mod process;
#[path = "../harness/wire.rs"]
#[allow(dead_code, reason = "shared with other test programs")]
mod wire;

/// Exit codes of refused starts.
mod exit {
    pub const DAMAGED: i32 = 4;
}

/// Small files of every kind: little data rolls segments, recycles journals and makes checkpoints.
const SMALL: [&str; 12] = [
    "--set",
    "journal.file.bytes=8MiB",
    "--set",
    "journal.bytes.max=24MiB",
    "--set",
    "frame.bytes.max=2MiB",
    "--set",
    "log.segment.bytes=1048576",
    "--set",
    "checkpoint.interval.ms=1000",
    "--set",
    "dirty.bytes.max=4MiB",
];

/// Says aloud that a test could not be made here. Not `eprintln!`, which the test runner swallows.
fn skipped(test: &str, why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}
