//! What a broker meets that is not an honest client, tried against the binary: bad frames, bad records, floods and slow
//! peers, damaged data, full disks. After each, an honest client on another connection has all its records.

#![allow(clippy::unwrap_used)]

mod admin;
mod broker;
mod frames;
mod mutations;
mod pressure;
mod records;
mod retention;
mod start;
mod stop;
mod wire;
