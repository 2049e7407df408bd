//! The scenarios, one file an API or a side of it.

pub mod admin_mixed;
pub mod api_versions;
pub mod create_topics;
pub mod delete_topics;
pub mod describe_configs;
pub mod fetch;
pub mod find_coordinator;
pub mod frames;
pub mod init_producer_id;
pub mod list_offsets;
pub mod metadata;
pub mod produce;
pub mod produce_producers;
pub mod produce_records;
mod requests;
