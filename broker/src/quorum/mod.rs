//! The replicated logs of one shard: propose, flush window, commit. Station 5 of the produce walk.
//!
//! A quorum takes items (record batches, changes of partitions, records of a state machine), gives each the index of the
//! entry that will carry it, and hands back what is committed; the shard's loop applies it. Bodies stay here beside raft.
//! It never decides what an item means, never writes by itself (the journal does) and never applies anything.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::io::buffer::Slice;
use crate::journal::frame::{Entry, EntryKind, HardState, Item, Section};
use crate::journal::{Journal, Sequence, Written};
use crate::planted::{self, Bug};

pub mod replica;

/// What an item takes in a frame beside its body, in bytes.
pub const ITEM_OVERHEAD_BYTES: usize = 64;

use replica::{Replica, ReplicaError, ReplicaStart};

/// Number of a quorum, unique in the cluster. 0 is the controller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QuorumId(pub u32);

/// Where a proposed item will stand: it is committed once its quorum has applied `index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Which quorum of the shard, by place.
    pub quorum: usize,
    /// Index of the entry that carries the item.
    pub index: u64,
}

/// A committed entry, ready to be applied.
#[derive(Debug)]
pub struct Committed {
    /// Which quorum of the shard, by place.
    pub quorum: usize,
    /// Its index.
    pub index: u64,
    /// Its term, from which leader epochs are counted.
    pub term: u64,
    /// The journal frame that holds it.
    pub sequence: Sequence,
    /// What it does.
    pub items: Vec<Item<Slice>>,
}

/// Why an item was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// The quorum does not lead, or has not applied its own term's first entry yet.
    #[error("the quorum does not lead here yet")]
    NotReady,
    /// More bytes wait for the journal than may; the caller waits for the next flush.
    #[error("too many bytes wait for the journal")]
    Full,
    /// A write failed; this shard takes nothing any more.
    #[error("the shard is fenced after a failed write")]
    Fenced,
}

/// What one journal frame will carry, between [`Quorums::begin_flush`] and [`Quorums::end_flush`].
#[derive(Debug)]
pub struct Window {
    /// For the journal.
    pub sections: Vec<Section<Bytes>>,
    /// The Readies in it: place of the quorum and number.
    readies: Vec<(usize, u64)>,
}

/// All quorums of one shard.
pub struct Quorums {
    quorums: Vec<Quorum>,
    /// Bytes proposed and not yet handed to the journal.
    queued_bytes: usize,
    frame_bytes_max: usize,
    prepared_bytes_max: usize,
    /// Place of the quorum that comes first in the next frame: each in turn, or who fills frames would keep the others waiting.
    first: usize,
    fenced: bool,
}

struct Quorum {
    id: QuorumId,
    replica: Replica,
    /// Drafts of entries in the order of their indices; the last one still grows.
    drafts: VecDeque<Draft>,
    /// Bodies that are stored and wait for their commit.
    stored: VecDeque<Stored>,
    /// A commit index that changed and rides on the next frame.
    late_hard_state: Option<HardState>,
    applied: u64,
    /// Set when the first entry of the own term is applied: from then on decisions are final.
    open: bool,
}

struct Draft {
    index: u64,
    bytes: usize,
    items: Vec<Item<Bytes>>,
}

struct Stored {
    index: u64,
    term: u64,
    sequence: Sequence,
    items: Vec<Item<Slice>>,
}

impl Quorums {
    /// No quorum yet; frames carry at most `frame_bytes_max` bytes, and at most `prepared_bytes_max` wait for them.
    pub fn new(frame_bytes_max: usize, prepared_bytes_max: usize) -> Self {
        Self {
            quorums: Vec::new(),
            queued_bytes: 0,
            frame_bytes_max,
            prepared_bytes_max,
            first: 0,
            fenced: false,
        }
    }

    /// Adds a quorum that continues from `start`, with the stored but unapplied entries' bodies in `stored`, and
    /// campaigns. Returns its place.
    pub fn add(
        &mut self,
        id: QuorumId,
        start: &ReplicaStart,
        stored: Vec<Committed>,
    ) -> Result<usize, ReplicaError> {
        assert_eq!(
            start.entry_terms.len(),
            stored.len(),
            "every stored entry has its body"
        );
        let mut replica = Replica::new(start)?;
        replica.campaign()?;
        let stored = stored
            .into_iter()
            .map(|entry| Stored {
                index: entry.index,
                term: entry.term,
                sequence: entry.sequence,
                items: entry.items,
            })
            .collect();
        self.quorums.push(Quorum {
            id,
            replica,
            drafts: VecDeque::new(),
            stored,
            late_hard_state: None,
            applied: start.applied_index,
            open: false,
        });
        Ok(self.quorums.len() - 1)
    }

    /// Place of the quorum `id`, if this shard has it.
    pub fn place(&self, id: QuorumId) -> Option<usize> {
        self.quorums.iter().position(|quorum| quorum.id == id)
    }

    /// How many quorums there are; places run below it.
    pub fn len(&self) -> usize {
        self.quorums.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.quorums.is_empty()
    }

    /// The quorum at `place`.
    pub fn id(&self, place: usize) -> QuorumId {
        self.quorums[place].id
    }

    /// Its replica, for checkpoints.
    pub fn replica(&self, place: usize) -> &Replica {
        &self.quorums[place].replica
    }

    /// Index up to which the quorum at `place` is applied.
    pub fn applied(&self, place: usize) -> u64 {
        self.quorums[place].applied
    }

    /// The oldest frame with an entry that is not applied; `None`: all that is stored is applied.
    pub fn oldest_unapplied(&self) -> Option<Sequence> {
        let oldest = self
            .quorums
            .iter()
            .filter_map(|quorum| quorum.stored.front());
        oldest.map(|stored| stored.sequence).min()
    }

    /// Index of the newest entry of the quorum at `place`, queued ones included.
    pub fn last_index(&self, place: usize) -> u64 {
        let quorum = &self.quorums[place];
        quorum
            .drafts
            .back()
            .map_or(quorum.replica.last_index(), |draft| draft.index)
    }

    /// Current term of the quorum at `place`.
    pub fn term(&self, place: usize) -> u64 {
        self.quorums[place].replica.term()
    }

    /// Whether the quorum takes proposals.
    pub fn is_open(&self, place: usize) -> bool {
        self.quorums[place].open && !self.fenced
    }

    /// Whether [`ProposeError::Full`] would be answered to a further item of `bytes` bytes.
    pub fn is_full(&self, bytes: usize) -> bool {
        self.queued_bytes > 0 && self.queued_bytes + bytes > self.prepared_bytes_max
    }

    /// From here on every proposal is refused: a write has failed.
    pub fn fence(&mut self) {
        self.fenced = true;
    }

    /// Whether a write has failed.
    pub fn is_fenced(&self) -> bool {
        self.fenced
    }

    /// Queues `item` for the next frame. Synchronous: what was decided on prepared state stays true.
    pub fn propose(&mut self, place: usize, item: Item<Bytes>) -> Result<Pending, ProposeError> {
        if self.fenced {
            return Err(ProposeError::Fenced);
        }
        let bytes = item.body.len() + ITEM_OVERHEAD_BYTES;
        if self.is_full(bytes) {
            return Err(ProposeError::Full);
        }
        let entry_bytes_max = self.frame_bytes_max / 4;
        let quorum = &mut self.quorums[place];
        if !quorum.open {
            return Err(ProposeError::NotReady);
        }
        let last = quorum.drafts.back();
        let full = last.is_none_or(|draft| draft.bytes + bytes > entry_bytes_max);
        if full {
            let index = last.map_or(quorum.replica.last_index(), |draft| draft.index) + 1;
            quorum.drafts.push_back(Draft {
                index,
                bytes: 0,
                items: Vec::new(),
            });
        }
        let draft = quorum
            .drafts
            .back_mut()
            .expect("a draft was just made sure of");
        draft.bytes += bytes;
        draft.items.push(item);
        self.queued_bytes += bytes;
        Ok(Pending {
            quorum: place,
            index: draft.index,
        })
    }

    /// Whether a flush would write something.
    pub fn wants_flush(&self) -> bool {
        !self.fenced
            && self
                .quorums
                .iter()
                .any(|quorum| !quorum.drafts.is_empty() || !quorum.open)
    }

    /// Takes what the next frame will carry: one Ready of every quorum that has something to store, up to the size of a frame.
    pub fn begin_flush(&mut self) -> Option<Window> {
        let mut window = Window {
            sections: Vec::new(),
            readies: Vec::new(),
        };
        let mut room = self.frame_bytes_max - self.frame_bytes_max / 8;
        let count = self.quorums.len();
        for place in (0..count).map(|step| (self.first + step) % count) {
            let quorum = &mut self.quorums[place];
            let mut bodies: VecDeque<Draft> = VecDeque::new();
            while quorum
                .drafts
                .front()
                .is_some_and(|draft| draft.bytes <= room)
            {
                let draft = quorum.drafts.pop_front().expect("just seen");
                room -= draft.bytes;
                self.queued_bytes -= draft.bytes;
                let (items, bytes) = (draft.items.len() as u32, draft.bytes as u32);
                let index = quorum
                    .replica
                    .propose(items, bytes)
                    .expect("a lone voter stays leader");
                assert_eq!(index, draft.index, "indices are handed out in order");
                bodies.push_back(draft);
            }
            if let Some(section) = quorum.take_section(bodies, &mut window.readies, place) {
                window.sections.push(section);
            }
        }
        if window.sections.is_empty() {
            return None;
        }
        self.first = (self.first + 1) % count;
        self.add_late_hard_states(&mut window.sections);
        Some(window)
    }

    /// Quorums that have nothing to store in this frame still say how far they are committed. So what a start finds stored
    /// and not known to be committed stands in the last frame, never in one that keeps old files of a full journal needed.
    fn add_late_hard_states(&mut self, sections: &mut Vec<Section<Bytes>>) {
        for quorum in &mut self.quorums {
            // A quorum with a section has put it there.
            if let Some(hard_state) = quorum.late_hard_state.take() {
                sections.push(Section {
                    quorum: quorum.id.0,
                    hard_state: Some(hard_state),
                    entries: Vec::new(),
                });
            }
        }
    }

    /// The frame is on disk: records it and returns what is committed by that, in order.
    pub fn end_flush(&mut self, readies: Vec<(usize, u64)>, written: Written) -> Vec<Committed> {
        let mut committed = Vec::new();
        for section in written.sections {
            let place = self
                .place(QuorumId(section.quorum))
                .expect("the frame carries this shard's quorums");
            for entry in section.entries {
                self.quorums[place].stored.push_back(Stored {
                    index: entry.index,
                    term: entry.term,
                    sequence: written.sequence,
                    items: entry.items,
                });
            }
        }
        for (place, number) in readies {
            let quorum = &mut self.quorums[place];
            quorum.replica.persisted(number);
            quorum.collect(place, &mut committed);
        }
        committed
    }

    /// Writes `window` to the journal and returns what is committed by it. Holds no borrow while it waits.
    pub async fn flush(
        journal: &Journal,
        window: Window,
    ) -> Result<(Vec<(usize, u64)>, Written), crate::journal::JournalError> {
        let written = journal.write(window.sections).await?;
        Ok((window.readies, written))
    }
}

impl Quorum {
    /// The Ready of this quorum as a section of the frame, if it has something that must be stored.
    fn take_section(
        &mut self,
        mut bodies: VecDeque<Draft>,
        readies: &mut Vec<(usize, u64)>,
        place: usize,
    ) -> Option<Section<Bytes>> {
        let ready = self.replica.take_ready()?;
        assert!(
            ready.committed.is_empty(),
            "commits are collected when a frame is on disk"
        );
        readies.push((place, ready.number));
        let hard_state = ready.hard_state.or(self.late_hard_state.take());
        let hard_state = hard_state.filter(|_| !planted::on(Bug::TermNotStored));
        let entries = ready.entries.into_iter().map(|(index, term)| {
            let items = match bodies.front() {
                Some(draft) if draft.index == index => bodies.pop_front().expect("just seen").items,
                _ => Vec::new(),
            };
            Entry {
                index,
                term,
                kind: EntryKind::Normal,
                items,
            }
        });
        let entries = entries.collect();
        assert!(bodies.is_empty(), "every body has its entry");
        Some(Section {
            quorum: self.id.0,
            hard_state,
            entries,
        })
    }

    /// Takes what raft holds for committed out of the stored bodies, and marks it applied: the caller applies it before it does anything else.
    fn collect(&mut self, place: usize, committed: &mut Vec<Committed>) {
        while let Some(ready) = self.replica.take_ready() {
            assert!(
                ready.entries.is_empty() && !ready.must_sync,
                "only a commit index is left"
            );
            self.late_hard_state = ready.hard_state.or(self.late_hard_state);
            for (index, term) in ready.committed {
                let stored = self
                    .stored
                    .pop_front()
                    .expect("a committed entry was stored");
                assert_eq!(
                    (stored.index, stored.term),
                    (index, term),
                    "entries commit in order"
                );
                assert_eq!(
                    index,
                    self.applied + 1,
                    "no entry is applied twice or left out"
                );
                self.applied = index;
                self.open |= term == self.replica.term();
                let Stored {
                    sequence, items, ..
                } = stored;
                committed.push(Committed {
                    quorum: place,
                    index,
                    term,
                    sequence,
                    items,
                });
            }
            self.replica.persisted(ready.number);
            self.replica.applied_to(self.applied);
        }
    }
}

#[cfg(test)]
mod tests;
