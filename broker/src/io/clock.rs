//! Time and chance, always handed in from here. Never decides what a time means.

use std::time::Duration;

use super::LocalBoxFuture;

/// A point of monotonic time, in nanoseconds since some start of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Instant(pub u64);

impl Instant {
    /// The instant `milliseconds` later.
    pub fn plus_ms(self, milliseconds: u64) -> Self {
        Self(
            self.0
                .saturating_add(milliseconds.saturating_mul(1_000_000)),
        )
    }

    /// Nanoseconds from `earlier` to this instant, 0 if it is later.
    pub fn since_ns(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Clocks of this machine.
pub trait Clock {
    /// Monotonic time.
    fn now(&self) -> Instant;
    /// Wall time in milliseconds since the Unix epoch, as Kafka's timestamps have it.
    fn wall_ms(&self) -> i64;
    /// Completes when `duration` has passed.
    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()>;
}

/// Randomness of this machine.
pub trait Random {
    /// A random number.
    fn next_u64(&self) -> u64;
}
