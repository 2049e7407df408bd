//! When fetches that read segments have the disk beside the frames that are written: a disk serves its queue in order, more or
//! less, so a frame waits for what readers have in it. Never reads or writes anything itself.

use std::cell::Cell;
use std::time::Duration;

use crate::io::clock::Clock;
use crate::io::executor::{Line, Place, Signal};
use crate::limits;

/// Whose turn it is. As long as frames are written, one fetch reads at a time; while a frame is on its way to the disk they read no
/// more together than the frame before it had, and at least once.
#[derive(Default)]
pub(super) struct ReadTurns {
    line: Line,
    /// Frames are written, or were a moment ago.
    beside_frames: Cell<bool>,
    /// A frame is on its way to the disk.
    in_frame: Cell<bool>,
    /// What may be read before the frame that is on its way, or the next, has ended.
    bytes_left: Cell<u64>,
    frame_ended: Signal,
}

/// A frame on its way to the disk, until it is dropped.
pub(super) struct FrameWrite<'a> {
    turns: &'a ReadTurns,
    bytes: u64,
}

impl ReadTurns {
    /// A frame of `bytes`, with what goes to segments before it, goes to the disk.
    pub(super) fn frame(&self, bytes: u64) -> FrameWrite<'_> {
        self.beside_frames.set(true);
        self.in_frame.set(true);
        FrameWrite { turns: self, bytes }
    }

    /// No frame was written for some time: readers have the disk for themselves.
    pub(super) fn no_frames(&self) {
        self.beside_frames.set(false);
    }

    /// Waits until a fetch may read [`limits::FETCH_READ_BESIDE_WRITES_BYTES`], and holds off the next until the place is dropped; at once
    /// and nothing: there are no frames, it may read what it likes.
    pub(super) async fn turn(&self, clock: &dyn Clock) -> Option<Place<'_>> {
        if !self.beside_frames.get() {
            return None;
        }
        let place = self.line.join();
        place.first().await;
        // A frame that takes very long, for want of space perhaps, is not waited for.
        let long = Duration::from_millis(limits::FETCH_READ_WAITS_FOR_FRAME_MS);
        while self.in_frame.get() && self.bytes_left.get() == 0 {
            if !self.frame_ended.wait_at_most(clock, long).await {
                break;
            }
        }
        let left = self.bytes_left.get();
        let read = limits::FETCH_READ_BESIDE_WRITES_BYTES as u64;
        self.bytes_left.set(left.saturating_sub(read));
        Some(place)
    }
}

impl Drop for FrameWrite<'_> {
    fn drop(&mut self) {
        let once = limits::FETCH_READ_BESIDE_WRITES_BYTES as u64;
        self.turns.in_frame.set(false);
        self.turns.bytes_left.set(self.bytes.max(once));
        self.turns.frame_ended.set();
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::{block_on, pending, poll_once, ready};

    use super::*;
    use crate::io::LocalBoxFuture;
    use crate::io::clock::Instant;

    /// Sleeps never end, or take no time.
    struct Sleeps {
        end: bool,
    }

    impl Clock for Sleeps {
        fn now(&self) -> Instant {
            Instant::default()
        }

        fn wall_ms(&self) -> i64 {
            0
        }

        fn sleep(&self, _duration: Duration) -> LocalBoxFuture<'static, ()> {
            match self.end {
                true => Box::pin(ready(())),
                false => Box::pin(pending()),
            }
        }
    }

    const READ: u64 = limits::FETCH_READ_BESIDE_WRITES_BYTES as u64;

    /// How many of `count` fetches, each of which has read before the next comes, need not wait.
    fn turns_at_once(turns: &ReadTurns, count: usize) -> usize {
        let clock = Sleeps { end: false };
        let is_given = |_: &usize| block_on(poll_once(Box::pin(turns.turn(&clock)))).is_some();
        (0..count).take_while(is_given).count()
    }

    #[test]
    fn beside_a_frame_as_much_is_read_as_the_frame_before_had_and_at_least_once() {
        let turns = ReadTurns::default();
        let first = turns.frame(1);
        assert_eq!(turns_at_once(&turns, 9), 0, "no frame was before it");
        drop(first);
        let second = turns.frame(3 * READ);
        assert_eq!(turns_at_once(&turns, 9), 1);
        drop(second);
        let third = turns.frame(1);
        assert_eq!(turns_at_once(&turns, 9), 3);
        drop(third);
        assert_eq!(turns_at_once(&turns, 9), 9, "no frame is on its way");
        let fourth = turns.frame(1);
        assert_eq!(
            turns_at_once(&turns, 9),
            0,
            "it met what was read before it"
        );
        drop(fourth);
    }

    #[test]
    fn the_end_of_a_frame_gives_the_turn_to_the_first_who_waits() {
        let (turns, clock) = (ReadTurns::default(), Sleeps { end: false });
        let frame = turns.frame(1);
        let mut first = Box::pin(turns.turn(&clock));
        let mut second = Box::pin(turns.turn(&clock));
        assert!(block_on(poll_once(&mut first)).is_none());
        assert!(block_on(poll_once(&mut second)).is_none());
        drop(frame);
        let _frame = turns.frame(1);
        assert!(block_on(poll_once(&mut second)).is_none());
        let place = block_on(poll_once(&mut first)).expect("the frame has ended");
        assert!(place.is_some());
        drop(place);
        assert!(block_on(poll_once(&mut second)).is_none());
        drop(second);
        assert!(turns.line.is_empty());
    }

    #[test]
    fn a_frame_that_takes_very_long_is_not_waited_for() {
        let turns = ReadTurns::default();
        let _frame = turns.frame(1);
        let clock = Sleeps { end: true };
        let turn = block_on(poll_once(Box::pin(turns.turn(&clock))));
        assert!(turn.is_some_and(|place| place.is_some()));
    }

    #[test]
    fn without_frames_nobody_waits_and_reads_are_as_large_as_they_are_wanted() {
        let (turns, clock) = (ReadTurns::default(), Sleeps { end: false });
        let free = |turns: &ReadTurns| block_on(turns.turn(&clock)).is_none();
        assert!(free(&turns));
        drop(turns.frame(1));
        assert!(!free(&turns));
        turns.no_frames();
        assert!(free(&turns));
    }
}
