//! Bytes to values and back. Does no IO, reads no clock, draws no randomness, names nothing of this workspace.
//!
//! | module | what it is the only home of |
//! |---|---|
//! | [`primitives`], [`header`] | Kafka's primitive types; request and response headers |
//! | [`api_key`], [`error_code`] | Kafka's numbers |
//! | [`messages`] | messages generated from `schema/kafka/` |
//! | [`produce`], [`fetch`] | the two hot requests, by hand

pub mod api_key;
pub mod error_code;
pub mod fetch;
pub mod header;
pub mod messages;
pub mod primitives;
pub mod produce;
