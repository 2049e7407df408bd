//! Pelton: an event-streaming broker, one pinned thread a core, share-nothing.

pub mod cli;
pub mod config;
pub mod io;
pub mod limits;
pub mod logging;
pub mod preflight;
