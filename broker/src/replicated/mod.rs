//! The one shape of a replicated state machine: requests are decided into records, records are replayed into state.
//! Controller now; consumer groups and transactions later. Pure: no IO, no clock, no randomness of its own.

pub mod runtime;

/// What a request leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<Record, Reply> {
    /// To be appended, in this order, by one entry or by several.
    pub records: Vec<Record>,
    /// Answered once the records, and all decided before them, are committed.
    pub reply: Reply,
}

/// A state machine whose log is a quorum.
pub trait StateMachine {
    /// What comes in.
    type Request;
    /// What is appended.
    type Record;
    /// What goes out.
    type Reply;

    /// Decides; changes nothing. `entropy` is a fresh random number for ids.
    fn handle(&self, request: Self::Request, entropy: u128) -> Decision<Self::Record, Self::Reply>;

    /// A record happens: at decision time, and again when the state is rebuilt.
    fn replay(&mut self, record: &Self::Record);
}
