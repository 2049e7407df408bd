//! The one shape of a replicated state machine: requests are decided into records, records are replayed into state.
//! The controller and the group coordinators; transactions later. Pure: no IO, no clock, no randomness of its own.

pub mod runtime;

/// What a request leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<Record, Reply> {
    /// To be appended, in this order.
    pub records: Vec<Record>,
    /// Goes out once the records, and all decided before them, are committed.
    pub reply: Reply,
}

/// When a decision is made, and the chance it may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moment {
    /// Monotonic time, milliseconds since some start of this process: for deadlines.
    pub now_ms: u64,
    /// Milliseconds since the Unix epoch: for what records keep.
    pub wall_ms: i64,
    /// A fresh random number, for ids.
    pub entropy: u128,
}

/// A state machine whose log is a quorum, or a partition that a quorum carries.
pub trait StateMachine {
    /// What comes in; also that a deadline has come.
    type Request;
    /// What is appended.
    type Record;
    /// What goes out. Where requests can wait for each other it is a list of tickets and their replies.
    type Reply;

    /// Decides. What the records keep changes by [`StateMachine::replay`] alone; what no record keeps (who waits, and until
    /// when) may change here.
    fn handle(
        &mut self,
        request: Self::Request,
        moment: Moment,
    ) -> Decision<Self::Record, Self::Reply>;

    /// A record happens: at decision time, and again when the state is rebuilt.
    fn replay(&mut self, record: &Self::Record);

    /// The monotonic millisecond at which something is due, if anything ever is. It may come early, never late.
    fn next_deadline_ms(&self) -> Option<u64> {
        None
    }
}
