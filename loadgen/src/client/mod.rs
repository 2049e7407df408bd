//! Talking to a broker, apart from the two hot requests.
//!
//! | module | what it is the only home of |
//! |---|---|
//! | [`kafka`] | a blocking connection: one request, one answer |
//! | [`cluster`] | topics: made, led by whom, their offsets and configs; which connection takes which partitions |
//! | [`frames`] | frames out of bytes as they arrive, for connections that never block |

pub mod cluster;
pub mod frames;
pub mod kafka;
