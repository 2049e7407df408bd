//! Pelton: an event-streaming broker, one pinned thread a core, share-nothing.
pub mod config;
pub mod limits;
