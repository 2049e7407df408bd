//! What a coordinator tells operators: what its groups come to, kept up while they change, what it has done, and each group by
//! itself. Pure.

use std::ops::{Add, Sub};
use std::sync::Arc;

use super::GroupState;
use super::machine::GroupCoordinator;
use super::state::Group;

/// Lines that a group takes where it is told as text.
const GROUP_LINES: usize = 2;

/// And each of its offsets.
const OFFSET_LINES: usize = 2;

/// What all groups of a coordinator come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupSums {
    /// Memory they take, roughly.
    pub bytes: usize,
    /// Offsets they keep.
    pub offsets: usize,
    /// How many there are in each state, in the order of [`GroupState::ALL`].
    pub by_state: [usize; GroupState::ALL.len()],
}

impl GroupSums {
    /// A group is there, or has changed.
    pub(super) fn count(&mut self, group: &Group) {
        self.bytes += group.bytes();
        self.offsets += group.offsets().len();
        self.by_state[group.state() as usize] += 1;
    }

    /// A group goes, or is about to change.
    pub(super) fn uncount(&mut self, group: &Group) {
        self.bytes -= group.bytes();
        self.offsets -= group.offsets().len();
        self.by_state[group.state() as usize] -= 1;
    }

    /// Those of another coordinator too.
    pub fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.offsets += other.offsets;
        for (sum, more) in self.by_state.iter_mut().zip(other.by_state) {
            *sum += more;
        }
    }

    /// How many groups are in this state.
    pub fn in_state(&self, state: GroupState) -> usize {
        self.by_state[state as usize]
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.by_state.iter().sum()
    }
}

/// What a coordinator has done since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupCounts {
    /// Rebalances that came to their end: everybody had a part.
    pub rebalances: u64,
    /// Offsets stored.
    pub offset_commits: u64,
    /// Offsets that went since their time was up.
    pub offset_expirations: u64,
    /// Offsets that went with their group or topic, or since somebody asked for it.
    pub offset_deletions: u64,
}

impl Add for GroupCounts {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            rebalances: self.rebalances + more.rebalances,
            offset_commits: self.offset_commits + more.offset_commits,
            offset_expirations: self.offset_expirations + more.offset_expirations,
            offset_deletions: self.offset_deletions + more.offset_deletions,
        }
    }
}

impl Sub for GroupCounts {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            rebalances: self.rebalances - before.rebalances,
            offset_commits: self.offset_commits - before.offset_commits,
            offset_expirations: self.offset_expirations - before.offset_expirations,
            offset_deletions: self.offset_deletions - before.offset_deletions,
        }
    }
}

/// What several coordinators tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupsFigures {
    /// What their groups come to.
    pub sums: GroupSums,
    /// Groups by themselves: whole ones, and not all where there are more than may be told.
    pub told: Vec<GroupFigures>,
    lines: usize,
}

impl GroupsFigures {
    /// Another coordinator, and its groups as far as all that is told takes no more than `lines_max` lines.
    pub fn add(&mut self, coordinator: &GroupCoordinator, lines_max: usize) {
        self.sums.add(coordinator.sums());
        for (group_id, group) in coordinator.groups() {
            let lines = GROUP_LINES + OFFSET_LINES * group.offsets().len();
            if self.lines + lines <= lines_max {
                self.lines += lines;
                self.told.push(group.figures(group_id));
            } else if self.lines + GROUP_LINES > lines_max {
                return;
            }
        }
    }
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFigures {
    /// Its id.
    pub group_id: Arc<str>,
    /// Where it stands.
    pub state: GroupState,
    /// Its type, empty if it never had a member.
    pub protocol_type: String,
    /// How many are in it.
    pub members: usize,
    /// What it has stored.
    pub offsets: Vec<OffsetFigures>,
}

/// How far a group is in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetFigures {
    /// The topic's name.
    pub topic: Arc<str>,
    /// Its id, 0 where it was not known.
    pub topic_id: u128,
    /// Number of the partition.
    pub partition: i32,
    /// The next record to read.
    pub offset: i64,
    /// Committed records that it has not read; `None` where nobody knows.
    pub lag: Option<u64>,
}
