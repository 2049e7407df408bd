//! Was everything kept that was acknowledged, once, in order, unchanged? Pure.
//!
//! | module | what it is the only home of |
//! |---|---|
//! | [`partition`] | what a partition's batches say, seen one after the other |
//! | [`ledger`] | what was acknowledged, and the verdict over both |
//! | [`ranges`] | sets of sequences |

pub mod ledger;
pub mod partition;
pub mod ranges;
