//! One replica of one quorum: TiKV's raft, wrapped whole. Its words (term, index, vote) stay in this folder.
//!
//! Pure: it is told what was proposed, stored and applied, and says what must be stored and what is committed. It does no
//! IO, reads no clock and draws no randomness of its own (R7). Record bytes never enter it: an entry carries eight
//! bytes that describe the body which `quorum/` keeps beside it. Rules R1-R13 are those of raft's integration: one Ready
//! is stored by one journal frame or not at all (R1), and nothing that claims durability leaves before that (R8, R9).

use raft::eraftpb::{ConfState, Entry as RaftEntry, HardState as RaftHardState, Snapshot};
use raft::storage::MemStorage;
use raft::{Config, RawNode, StateRole};

use crate::journal::frame::HardState;

/// Elections are counted in ticks; a one-voter quorum is never ticked, so these only have to be legal.
const ELECTION_TICKS: usize = 10;
const HEARTBEAT_TICKS: usize = 2;

/// What a replica starts from: its manifest, and what the journal holds beyond it.
#[derive(Debug, Clone, Default)]
pub struct ReplicaStart {
    /// This replica's own number, never used by two storages (I10).
    pub replica: u64,
    /// The voters, this replica among them.
    pub voters: Vec<u64>,
    /// Term, vote and commit as last stored.
    pub hard_state: HardState,
    /// Index of the last applied entry.
    pub applied_index: u64,
    /// Term of the last applied entry.
    pub applied_term: u64,
    /// Stored entries beyond the applied one: their terms, in order, without a gap.
    pub entry_terms: Vec<u64>,
}

/// Why a replica refused a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplicaError {
    /// Another replica leads, or none.
    #[error("this replica does not lead the quorum")]
    NotLeader,
    /// The stored state contradicts itself (R10: checked before raft sees it).
    #[error("stored state contradicts itself: {0}")]
    Contradiction(&'static str),
}

/// What must be stored, by one frame, before [`Replica::persisted`] is told its number.
#[derive(Debug, Default)]
pub struct ReplicaReady {
    /// Handed back to [`Replica::persisted`].
    pub number: u64,
    /// Term, vote and commit if any changed.
    pub hard_state: Option<HardState>,
    /// Index and term of each entry to store.
    pub entries: Vec<(u64, u64)>,
    /// Index and term of each entry that is committed: stored earlier, and now to be applied.
    pub committed: Vec<(u64, u64)>,
    /// Whether this must be on disk before it counts; a mere commit index need not.
    pub must_sync: bool,
}

/// One replica.
pub struct Replica {
    node: RawNode<MemStorage>,
    storage: MemStorage,
    voters: Vec<u64>,
}

impl Replica {
    /// A replica that continues from `start`.
    pub fn new(start: &ReplicaStart) -> Result<Self, ReplicaError> {
        check(start)?;
        let storage = storage_of(start);
        let config = Config {
            id: start.replica,
            applied: start.applied_index,
            election_tick: ELECTION_TICKS,
            heartbeat_tick: HEARTBEAT_TICKS,
            check_quorum: true,
            pre_vote: true,
            max_size_per_msg: u64::MAX,
            max_committed_size_per_ready: u64::MAX,
            ..Config::default()
        };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let node = RawNode::new(&config, storage.clone(), &logger)
            .map_err(|_| ReplicaError::Contradiction("raft refused the stored state"))?;
        let mut replica = Self {
            node,
            storage,
            voters: start.voters.clone(),
        };
        replica.fence_randomness();
        Ok(replica)
    }

    /// Asks for leadership. A lone voter has it at once; what it stores for that is in the next Ready.
    pub fn campaign(&mut self) -> Result<(), ReplicaError> {
        let done = self.node.campaign().map_err(|_| ReplicaError::NotLeader);
        self.fence_randomness();
        done
    }

    /// Whether this replica leads.
    pub fn leads(&self) -> bool {
        self.node.raft.state == StateRole::Leader
    }

    /// The current term.
    pub fn term(&self) -> u64 {
        self.node.raft.term
    }

    /// Index of the last entry, stored or not.
    pub fn last_index(&self) -> u64 {
        self.node.raft.raft_log.last_index()
    }

    /// Index and term of the last applied entry.
    pub fn applied(&self) -> (u64, u64) {
        let index = self.node.raft.raft_log.applied;
        let term = self.node.raft.raft_log.term(index);
        (index, term.expect("the applied entry's term is kept"))
    }

    /// Term, vote and commit as they are now.
    pub fn hard_state(&self) -> HardState {
        from_raft(&self.node.raft.hard_state())
    }

    /// The voters.
    pub fn voters(&self) -> &[u64] {
        &self.voters
    }

    /// Proposes one entry whose body is `items` items of `body_bytes` bytes, kept by the caller; returns its index.
    pub fn propose(&mut self, items: u32, body_bytes: u32) -> Result<u64, ReplicaError> {
        let mut descriptor = Vec::with_capacity(8);
        descriptor.extend_from_slice(&items.to_le_bytes());
        descriptor.extend_from_slice(&body_bytes.to_le_bytes());
        let proposed = self
            .node
            .propose(Vec::new(), descriptor)
            .map_err(|_| ReplicaError::NotLeader);
        self.fence_randomness();
        proposed.map(|()| self.last_index())
    }

    /// What is to be stored and applied next, if anything.
    pub fn take_ready(&mut self) -> Option<ReplicaReady> {
        if !self.node.has_ready() {
            return None;
        }
        let mut ready = self.node.ready();
        assert!(
            ready.snapshot().is_empty(),
            "a lone voter is never sent a snapshot"
        );
        let out = ReplicaReady {
            number: ready.number(),
            hard_state: ready.hs().map(from_raft),
            entries: ready
                .entries()
                .iter()
                .map(|entry| (entry.index, entry.term))
                .collect(),
            committed: ready
                .take_committed_entries()
                .iter()
                .map(|entry| (entry.index, entry.term))
                .collect(),
            must_sync: ready.must_sync(),
        };
        {
            let mut core = self.storage.wl();
            core.append(ready.entries())
                .expect("raft appends to the end of its own log");
            if let Some(hard_state) = ready.hs() {
                core.set_hardstate(hard_state.clone());
            }
        }
        self.node.advance_append_async(ready);
        self.fence_randomness();
        Some(out)
    }

    /// The Ready of this number, and all before it, are on disk.
    pub fn persisted(&mut self, number: u64) {
        self.node.on_persist_ready(number);
        self.fence_randomness();
    }

    /// Everything up to `index` is applied; raft's memory of it may go.
    pub fn applied_to(&mut self, index: u64) {
        self.node.advance_apply_to(index);
        self.storage
            .wl()
            .compact(index)
            .expect("only applied entries are dropped");
        self.fence_randomness();
    }

    /// R7: raft draws its election timeout from a global generator; a number derived from the replica replaces it.
    fn fence_randomness(&mut self) {
        let spread = usize::try_from(self.node.raft.id % ELECTION_TICKS as u64).unwrap_or(0);
        self.node
            .raft
            .set_randomized_election_timeout(ELECTION_TICKS + spread);
    }
}

fn check(start: &ReplicaStart) -> Result<(), ReplicaError> {
    let last = start.applied_index + start.entry_terms.len() as u64;
    if !start.voters.contains(&start.replica) {
        return Err(ReplicaError::Contradiction(
            "this replica is not among its voters",
        ));
    }
    if start.hard_state.commit > last {
        return Err(ReplicaError::Contradiction(
            "the commit index is beyond the last entry",
        ));
    }
    let mut term = start.applied_term;
    for &next in &start.entry_terms {
        if next < term {
            return Err(ReplicaError::Contradiction("terms fall"));
        }
        term = next;
    }
    if term > start.hard_state.term {
        return Err(ReplicaError::Contradiction(
            "an entry's term is beyond the stored term",
        ));
    }
    Ok(())
}

fn storage_of(start: &ReplicaStart) -> MemStorage {
    let mut conf_state = ConfState::default();
    conf_state.set_voters(start.voters.clone());
    let storage = MemStorage::new_with_conf_state(conf_state.clone());
    let mut core = storage.wl();
    if start.applied_index > 0 {
        let mut snapshot = Snapshot::default();
        let metadata = snapshot.mut_metadata();
        metadata.index = start.applied_index;
        metadata.term = start.applied_term;
        metadata.set_conf_state(conf_state);
        core.apply_snapshot(snapshot)
            .expect("an empty log takes any snapshot");
    }
    let entries: Vec<RaftEntry> = (start.applied_index + 1..)
        .zip(&start.entry_terms)
        .map(|(index, &term)| RaftEntry {
            index,
            term,
            ..RaftEntry::default()
        })
        .collect();
    core.append(&entries)
        .expect("entries follow the applied one");
    let mut hard_state = RaftHardState::default();
    hard_state.term = start.hard_state.term;
    hard_state.vote = start.hard_state.vote;
    hard_state.commit = start.hard_state.commit.max(start.applied_index);
    core.set_hardstate(hard_state);
    drop(core);
    storage
}

fn from_raft(state: &RaftHardState) -> HardState {
    HardState {
        term: state.term,
        vote: state.vote,
        commit: state.commit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> ReplicaStart {
        ReplicaStart {
            replica: 1,
            voters: vec![1],
            ..ReplicaStart::default()
        }
    }

    /// Stores and applies all that is ready; returns the committed indices.
    fn settle(replica: &mut Replica) -> Vec<u64> {
        let mut committed = Vec::new();
        while let Some(ready) = replica.take_ready() {
            committed.extend(ready.committed.iter().map(|&(index, _)| index));
            replica.persisted(ready.number);
            if let Some(&last) = committed.last() {
                replica.applied_to(last);
            }
        }
        committed
    }

    #[test]
    fn a_lone_voter_leads_and_commits_what_it_stored() {
        let mut replica = Replica::new(&fresh()).unwrap();
        replica.campaign().unwrap();
        assert!(replica.leads());
        assert_eq!(settle(&mut replica), [1], "its own term's first entry");
        assert_eq!(replica.propose(3, 100).unwrap(), 2);
        let ready = replica.take_ready().unwrap();
        assert_eq!(ready.entries, [(2, 1)]);
        assert!(
            ready.must_sync && ready.committed.is_empty(),
            "nothing is committed before it is stored"
        );
        assert!(replica.take_ready().is_none());
        replica.persisted(ready.number);
        assert_eq!(settle(&mut replica), [2]);
        assert_eq!(replica.applied(), (2, 1));
    }

    #[test]
    fn a_restart_commits_the_stored_suffix_in_a_later_term() {
        let start = ReplicaStart {
            hard_state: HardState {
                term: 4,
                vote: 1,
                commit: 10,
            },
            applied_index: 10,
            applied_term: 3,
            entry_terms: vec![4, 4],
            ..fresh()
        };
        let mut replica = Replica::new(&start).unwrap();
        replica.campaign().unwrap();
        assert_eq!(replica.term(), 5);
        assert_eq!(settle(&mut replica), [11, 12, 13]);
    }

    #[test]
    fn contradicting_state_is_refused_before_raft_sees_it() {
        let beyond = ReplicaStart {
            hard_state: HardState {
                term: 1,
                vote: 1,
                commit: 5,
            },
            ..fresh()
        };
        assert!(matches!(
            Replica::new(&beyond),
            Err(ReplicaError::Contradiction(_))
        ));
        let falling = ReplicaStart {
            hard_state: HardState {
                term: 9,
                vote: 1,
                commit: 0,
            },
            entry_terms: vec![3, 2],
            ..fresh()
        };
        assert!(Replica::new(&falling).is_err());
        assert!(
            Replica::new(&ReplicaStart {
                voters: vec![2],
                ..fresh()
            })
            .is_err()
        );
    }
}
