//! What a broker meets that is not an honest client, tried against the binary: bad frames, bad records, floods and slow
//! peers, damaged data, full disks. After each, an honest client on another connection has all its records.

#![allow(clippy::unwrap_used)]

mod admin;
#[path = "../harness/broker.rs"]
#[allow(dead_code, reason = "shared with other test programs")]
mod broker;
mod epochs;
mod frames;
#[path = "../harness/load.rs"]
#[allow(dead_code, reason = "shared with other test programs")]
mod load;
mod mutations;
mod peers;
mod pressure;
mod records;
mod retention;
mod start;
mod stop;
#[path = "../harness/wire.rs"]
#[allow(dead_code, reason = "shared with other test programs")]
mod wire;
