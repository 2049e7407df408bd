//! Operations of the disk that something happens behind: the narrow windows between two of them, which times drawn at random
//! rarely hit.

use super::super::random::Random;
use super::faults::Action;

/// Operations on files of a kind: part of their names.
pub type Target = (Action, &'static str);

/// Those behind which something may break.
pub const TARGETS: [Target; 21] = [
    (Action::Create, ".journal"),
    (Action::Allocate, ".journal"),
    (Action::Head, ".journal"),
    (Action::Write, ".journal"),
    (Action::Sync, ".journal"),
    (Action::SyncDirectory, "/journal"),
    (Action::CreateDirectory, "-"),
    (Action::Create, ".log"),
    (Action::Allocate, ".log"),
    (Action::Head, ".log"),
    (Action::Write, ".log"),
    (Action::Truncate, ".log"),
    (Action::Head, ".idx"),
    (Action::SyncAll, ""),
    (Action::Remove, ""),
    (Action::Create, ".tmp"),
    (Action::Head, ".tmp"),
    (Action::Truncate, ".tmp"),
    (Action::Sync, ".tmp"),
    (Action::Rename, ".manifest"),
    (Action::SyncDirectory, "shard-"),
];

/// One operation, and how far behind it.
#[derive(Debug)]
pub struct Aim {
    target: Target,
    /// Operations on the target still to come, the one meant among them.
    left: u64,
    /// Operations of any kind behind that one.
    behind: u64,
    turns: u64,
}

impl Aim {
    /// Behind one of the next operations on one of `targets`: at once, or with a few more operations in between, and then a few turns.
    pub fn draw(targets: &[Target], random: &Random) -> Self {
        Self {
            target: *random.pick(targets),
            left: random.spread(1, 4),
            behind: random.below(4),
            turns: match random.one_in(2) {
                true => 0,
                false => random.spread(1, 64),
            },
        }
    }

    /// Turns from the operation that it means to what happens.
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// Whether an operation that completed is the one that it means.
    pub(super) fn meets(&mut self, action: Action, name: &str) -> bool {
        if self.left > 0 {
            let (wanted, part) = self.target;
            self.left -= u64::from(action == wanted && name.contains(part));
        } else {
            self.behind -= 1;
        }
        self.left == 0 && self.behind == 0
    }
}
