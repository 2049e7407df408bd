//! The scenarios, one file an API or a side of it.

pub mod fetch;
pub mod init_producer_id;
pub mod list_offsets;
pub mod produce;
pub mod produce_producers;
pub mod produce_records;
mod requests;
