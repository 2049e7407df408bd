//! Was everything kept that was acknowledged, once, in order, unchanged? Pure.
//!
//! | module | what it is the only home of |
//! |---|---|
//! | [`partition`] | what a partition's batches say, seen one after the other |
//! | [`compacted`] | what is to be left of a partition that keeps the newest of each key |
//! | [`ledger`] | what was acknowledged, and the verdict over both |
//! | [`ranges`] | sets of sequences |

pub mod compacted;
pub mod ledger;
pub mod partition;
pub mod ranges;
