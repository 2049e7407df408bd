//! Bytes to values and back. Does no IO, reads no clock, draws no randomness.

pub mod compression;
pub mod frame;
pub mod native;
pub mod record;
pub mod record_batch;
