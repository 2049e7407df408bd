//! Runs a state machine on a log: appends what it decides and says which commit releases the reply. A reply, also one
//! without records, waits for all records decided before it. Never waits itself, never applies: the shard's loop does.

use super::{Decision, Moment, StateMachine};
use crate::quorum::Pending;

/// A state machine and where its log stands.
pub struct Runtime<M> {
    machine: M,
    /// What the last record decided on waits for: every later reply waits for it too.
    decided: Pending,
}

impl<M: StateMachine> Runtime<M> {
    /// Runs `machine`, whose records up to now are replayed, on the quorum at `place`.
    pub fn new(machine: M, place: usize) -> Self {
        let decided = Pending {
            quorum: place,
            index: 0,
        };
        Self { machine, decided }
    }

    /// The state as decided, which may be ahead of what is committed.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// What a reply without records of its own waits for.
    pub fn decided(&self) -> Pending {
        self.decided
    }

    /// When something is due at the earliest, if anything ever is.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.machine.next_deadline_ms()
    }

    /// Decides on `request` and gives what is to be recorded to `append`. The reply may go out once the pending entry is
    /// applied. After an error of `append` the state is to be dropped and read again from the log, if the machine keeps
    /// anything beside its records: that may be ahead of them.
    pub fn handle<E>(
        &mut self,
        request: M::Request,
        moment: Moment,
        append: impl FnOnce(&[M::Record]) -> Result<Pending, E>,
    ) -> Result<(M::Reply, Pending), E> {
        let Decision { records, reply } = self.machine.handle(request, moment);
        if !records.is_empty() {
            self.decided = append(&records)?;
            records
                .iter()
                .for_each(|record| self.machine.replay(record));
        }
        Ok((reply, self.decided))
    }
}
