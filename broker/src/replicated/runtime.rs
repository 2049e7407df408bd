//! Runs a state machine on a quorum: appends what it decides and says which commit releases the reply. A reply, also one
//! without records, waits for all records decided before it. Never waits itself, never applies: the shard's loop does.

use bytes::Bytes;

use super::{Decision, StateMachine};
use crate::journal::frame::{Item, ItemKind};
use crate::quorum::{Pending, ProposeError, Quorums};

/// A state machine and its place among the shard's quorums.
pub struct Runtime<M> {
    machine: M,
    place: usize,
    /// The last entry decided on: every later reply waits for it.
    decided: u64,
}

impl<M: StateMachine> Runtime<M> {
    /// Runs `machine`, whose records up to now are replayed, on the quorum at `place`.
    pub fn new(machine: M, place: usize) -> Self {
        Self {
            machine,
            place,
            decided: 0,
        }
    }

    /// The state as decided, which may be ahead of what is committed.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// Decides on `request`. The reply may go out once the pending entry is applied.
    pub fn handle(
        &mut self,
        request: M::Request,
        entropy: u128,
        quorums: &mut Quorums,
        encode: impl Fn(&M::Record) -> Bytes,
    ) -> Result<(M::Reply, Pending), ProposeError> {
        if !quorums.is_open(self.place) {
            return Err(if quorums.is_fenced() {
                ProposeError::Fenced
            } else {
                ProposeError::NotReady
            });
        }
        let Decision { records, reply } = self.machine.handle(request, entropy);
        let bodies: Vec<Bytes> = records.iter().map(encode).collect();
        if quorums.is_full(
            bodies
                .iter()
                .map(|body| body.len() + crate::quorum::ITEM_OVERHEAD_BYTES)
                .sum(),
        ) {
            return Err(ProposeError::Full);
        }
        for (record, body) in records.iter().zip(bodies) {
            let item = Item {
                kind: ItemKind::Record,
                topic_id: 0,
                partition: -1,
                offset: -1,
                leader_epoch: -1,
                log_append_time_ms: -1,
                body,
            };
            let pending = quorums.propose(self.place, item)?;
            self.decided = pending.index;
            self.machine.replay(record);
        }
        Ok((
            reply,
            Pending {
                quorum: self.place,
                index: self.decided,
            },
        ))
    }
}
