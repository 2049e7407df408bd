//! Bugs planted on purpose, one at a time, to see whether the simulator finds them: the test of the test. Each is one line at
//! the place itself. Without the cargo feature `planted`, which only the broker's own tests and examples turn on, [`on`]
//! is a constant `false` and nothing of them is in the binary. This module decides nothing, and plants nothing by itself.

/// A bug, named after what the broker wrongly does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A frame counts as stored although it was not synced.
    AckedBeforeSync,
    /// The checksum of a frame is not looked at.
    TornFrameAccepted,
    /// What an earlier use of a journal file left behind counts as a frame.
    StaleFrameAccepted,
    /// A frame says of a later one that it is synced.
    MarkedTooEarly,
    /// The header of a journal file's next use is not synced before its first frame is written.
    HeaderNotSynced,
    /// A new journal file's name is not made durable.
    FileNotNamed,
    /// A checkpoint counts before the segments it names are synced.
    CheckpointBeforeSync,
    /// Journal files are free before the checkpoint that replaces them is written.
    RecycledTooEarly,
    /// A manifest gets its name before it is synced.
    ManifestNotSynced,
    /// A manifest's new name is not made durable.
    RenameNotSynced,
    /// Terms are never stored: after a start an old one comes again.
    TermNotStored,
    /// A start forgets the batches of idempotent producers.
    ProducersForgotten,
    /// A start forgets where leader epochs began.
    EpochsForgotten,
    /// Sequences of idempotent producers are not looked at.
    DuplicateAccepted,
    /// A batch that is sent again is acknowledged while its first copy is on its way.
    DuplicateAckedEarly,
    /// Readers are told an end that is not committed.
    HighWatermarkTooEarly,
    /// The offset of a batch that is on its way is given to the next one too.
    OffsetReused,
    /// The log starts later before that is committed.
    LogStartNotCommitted,
    /// A start forgets where logs start.
    LogStartForgotten,
    /// What a failed write or sync was to make durable is acknowledged.
    FailureAcked,
    /// The bytes before the end of a segment are not read back before their block is written again.
    BlockNotReadBack,
    /// A shard whose sync failed goes on: what was to be synced counts as never written, although it may be there, and its
    /// offsets are given to what comes next.
    OffsetReusedAfterFailure,
    /// Segments go before it is committed that the log starts behind them.
    SegmentsRemovedEarly,
    /// A member of an older generation may commit offsets.
    StaleGenerationAccepted,
    /// Offsets of topics expire that a live group reads.
    OffsetsExpiredWhileLive,
    /// A static member that comes back is another member beside the one it was.
    StaticMemberDuplicated,
    /// A commit of offsets is acknowledged before it is durable.
    OffsetCommitAckedEarly,
    /// Segments that compaction replaced go before a checkpoint names those in their place.
    SwappedTooEarly,
    /// Compaction drops tombstones of keys that it has not seen all records of.
    TombstoneDroppedEarly,
    /// Compaction keeps no header of a producer's last batch.
    ProducerHeaderDropped,
    /// A frame says of batches that they are in a segment before they are durable there.
    StoredNotSynced,
    /// A recovery writes to segments before it knows how far they reach.
    StoredNotLookedFor,
}

/// All of them.
pub const BUGS: &[Bug] = &[
    Bug::AckedBeforeSync,
    Bug::TornFrameAccepted,
    Bug::StaleFrameAccepted,
    Bug::MarkedTooEarly,
    Bug::HeaderNotSynced,
    Bug::FileNotNamed,
    Bug::CheckpointBeforeSync,
    Bug::RecycledTooEarly,
    Bug::ManifestNotSynced,
    Bug::RenameNotSynced,
    Bug::TermNotStored,
    Bug::ProducersForgotten,
    Bug::EpochsForgotten,
    Bug::DuplicateAccepted,
    Bug::DuplicateAckedEarly,
    Bug::HighWatermarkTooEarly,
    Bug::OffsetReused,
    Bug::LogStartNotCommitted,
    Bug::LogStartForgotten,
    Bug::FailureAcked,
    Bug::BlockNotReadBack,
    Bug::OffsetReusedAfterFailure,
    Bug::SegmentsRemovedEarly,
    Bug::StaleGenerationAccepted,
    Bug::OffsetsExpiredWhileLive,
    Bug::StaticMemberDuplicated,
    Bug::OffsetCommitAckedEarly,
    Bug::SwappedTooEarly,
    Bug::TombstoneDroppedEarly,
    Bug::ProducerHeaderDropped,
    Bug::StoredNotSynced,
    Bug::StoredNotLookedFor,
];

/// Whether `bug` is planted on this thread.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub const fn on(_: Bug) -> bool {
    false
}

#[cfg(feature = "planted")]
pub use chosen::{on, plant};

#[cfg(feature = "planted")]
mod chosen {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Whether `bug` is planted on this thread.
    pub fn on(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    /// Plants `bug` on this thread, or none.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }
}
