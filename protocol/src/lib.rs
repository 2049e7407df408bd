//! Bytes to values and back. Does no IO, reads no clock, draws no randomness, names nothing of this workspace.
//!
//! | module | what it is the only home of |
//! |---|---|
//! | [`primitives`], [`header`] | Kafka's primitive types; request and response headers |
//! | [`api_key`], [`error_code`] | Kafka's numbers |
//! | [`messages`] | messages generated from `schema/kafka/` |
//! | [`produce`], [`fetch`] | the two hot requests, by hand |
//! | [`record_batch`], [`record`], [`compression`] | record batches v2, their records, their codecs |
//! | [`frame`], [`native`] | the FlatBuffers frame, and what Pelton puts into it |

pub mod api_key;
pub mod compression;
pub mod error_code;
pub mod fetch;
pub mod frame;
pub mod header;
pub mod messages;
pub mod native;
pub mod primitives;
pub mod produce;
pub mod record;
pub mod record_batch;
