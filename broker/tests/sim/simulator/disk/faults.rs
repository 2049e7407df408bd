//! What may go wrong with the disk, set from outside at any time, and whether it strikes an operation. Chances are "once in
//! so many operations", 0 for never.

use std::cell::Cell;
use std::io;

use super::super::random::Random;

/// An operation of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Opens a file that is there.
    Open,
    /// Opens a file, and makes it if need be.
    Create,
    /// Lists a directory.
    List,
    /// Reads a file.
    Read,
    /// Writes the first block of a file.
    Head,
    /// Writes anything else of a file.
    Write,
    /// Gives a file blocks.
    Allocate,
    /// Cuts or lengthens a file.
    Truncate,
    /// Makes a directory.
    CreateDirectory,
    /// Removes a file, or a directory with all in it.
    Remove,
    /// Renames a file.
    Rename,
    /// Syncs a file.
    Sync,
    /// Syncs a directory.
    SyncDirectory,
    /// Syncs the file system.
    SyncAll,
}

impl Action {
    /// What it does, as far as its failing goes.
    fn kind(self) -> Kind {
        match self {
            Self::Open | Self::List | Self::Read => Kind::Read,
            Self::Sync | Self::SyncDirectory | Self::SyncAll => Kind::Sync,
            _ => Kind::Write,
        }
    }
}

/// What an operation does, as far as its failing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It changes nothing.
    Read,
    /// It changes bytes, lengths or names.
    Write,
    /// It makes something durable.
    Sync,
}

/// What may go wrong right now.
#[derive(Debug)]
pub struct Faults {
    /// An operation takes this long, microseconds, at least and at most.
    pub latency_us: Cell<(u64, u64)>,
    /// Chance that one takes a hundred times that.
    pub slow: Cell<u64>,
    /// Nothing completes before this time.
    pub stalled_until_ns: Cell<u64>,
    /// Bytes of the whole file system.
    pub capacity_bytes: Cell<u64>,
    /// Operations so far for which there was no space.
    pub without_space: Cell<u64>,
    /// Whether syncing the file system empties the device's cache too.
    pub sync_all_flushes: Cell<bool>,
    /// Reads that fail.
    pub reads: Strikes,
    /// Writes that fail, and may have happened in part.
    pub writes: Strikes,
    /// Syncs that fail; the next one works, whether or not it makes durable what this one should have.
    pub syncs: Strikes,
    /// Syncs say that they succeeded and make nothing durable.
    pub lies: Cell<bool>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            latency_us: Cell::new((20, 200)),
            slow: Cell::new(0),
            stalled_until_ns: Cell::new(0),
            capacity_bytes: Cell::new(UNBOUNDED),
            without_space: Cell::new(0),
            sync_all_flushes: Cell::new(false),
            reads: Strikes::default(),
            writes: Strikes::default(),
            syncs: Strikes::default(),
            lies: Cell::new(false),
        }
    }
}

/// Bytes of a file system that is never full.
pub const UNBOUNDED: u64 = 1 << 40;

impl Faults {
    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.slow.set(0);
        self.stalled_until_ns.set(0);
        self.capacity_bytes.set(UNBOUNDED);
        self.stop_errors();
        self.lies.set(false);
    }

    /// No operation fails any more.
    pub fn stop_errors(&self) {
        self.reads.stop();
        self.writes.stop();
        self.syncs.stop();
    }

    /// How many operations have failed so far.
    pub fn struck(&self) -> u64 {
        self.reads.struck.get() + self.writes.struck.get() + self.syncs.struck.get()
    }

    /// Why an operation on `name` fails, if it does.
    pub(super) fn strike(&self, action: Action, name: &str, random: &Random) -> Option<io::Error> {
        const EIO: i32 = 5;
        let strikes = match action.kind() {
            Kind::Read => &self.reads,
            Kind::Write => &self.writes,
            Kind::Sync => &self.syncs,
        };
        strikes
            .hits(name, random)
            .then(|| io::Error::from_raw_os_error(EIO))
    }
}

/// Operations that fail.
#[derive(Debug, Default)]
pub struct Strikes {
    one_in: Cell<u64>,
    left: Cell<u64>,
    only: Cell<&'static str>,
    struck: Cell<u64>,
}

impl Strikes {
    /// The next `left` times that one in `one_in` operations on names with `only` in them fails.
    pub fn set(&self, one_in: u64, left: u64, only: &'static str) {
        self.one_in.set(one_in);
        self.left.set(left);
        self.only.set(only);
    }

    /// None fails any more.
    pub fn stop(&self) {
        self.left.set(0);
    }

    fn hits(&self, name: &str, random: &Random) -> bool {
        let hits = self.left.get() > 0
            && name.contains(self.only.get())
            && random.one_in(self.one_in.get());
        if hits {
            self.left.set(self.left.get() - 1);
            self.struck.set(self.struck.get() + 1);
        }
        hits
    }
}
