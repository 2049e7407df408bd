//! The whole broker under one seed: everything above its door runs unchanged, on a seeded executor, over a simulated disk,
//! mesh, net and clock, used by clients that hold every answer against what they were told before.
//!
//! | module | what it is |
//! |---|---|
//! | [`run`] | one seed from beginning to end: the operator who breaks and mends |
//! | [`operator`] | starts, stops, and what breaks how; how a process may end |
//! | `decay` | data at rest that is not what was written |
//! | [`plan`] | what a seed draws: sizes, clients, faults |
//! | [`hunt`] | bugs planted in the broker, each to be caught within so many seeds |
//! | [`sweep`] | the process or the power ends at every turn of a short run |
//! | [`world`], [`random`] | the executor and its clock; the seed's streams of chance |
//! | [`machine`] | a machine: a disk that stays, a process that comes and goes |
//! | [`disk`], [`mesh`], [`net`], [`clock`] | the door's other side |
//! | [`client`], [`history`] | clients, and what must be true after what they were told |
//! | [`invariants`] | what must hold of the broker's own state |
//! | [`shrink`] | makes a failing run shorter |
//! | [`trace`] | what is told of a run |
#![allow(dead_code)]

/// As in production, and much faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod client;
pub mod clock;
mod decay;
pub mod disk;
pub mod history;
pub mod hunt;
pub mod invariants;
pub mod machine;
pub mod mesh;
pub mod net;
pub mod operator;
pub mod plan;
pub mod random;
pub mod run;
pub mod shrink;
pub mod sweep;
pub mod trace;
pub mod world;
