//! The seed's random numbers, in streams of their own: what one part draws never changes what another one gets.

use std::cell::Cell;
use std::time::Duration;

/// One stream (splitmix64).
#[derive(Debug)]
pub struct Random(Cell<u64>);

impl Random {
    /// The stream of this number under `seed`.
    pub fn stream(seed: u64, number: u64) -> Self {
        let random = Self(Cell::new(seed ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03)));
        random.next();
        random
    }

    /// A stream that follows from this one's next number.
    pub fn fork(&self) -> Self {
        Self(Cell::new(self.next()))
    }

    /// Any number.
    pub fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A place in something of this length, which is not 0.
    pub fn index(&self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// A number from `low` to `high`, both possible.
    pub fn between(&self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// A number from `low` (not 0) to `high`, small ones as likely as large ones.
    pub fn spread(&self, low: u64, high: u64) -> u64 {
        let steps = (high / low).ilog2() + 1;
        let floor = low << self.below(u64::from(steps));
        self.between(floor, (2 * floor - 1).min(high))
    }

    /// True once in `times`; never for 0.
    pub fn one_in(&self, times: u64) -> bool {
        times > 0 && self.below(times) == 0
    }

    /// One of these.
    pub fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// A time from `low` to `high` microseconds, short ones as likely as long ones.
    pub fn spread_us(&self, low: u64, high: u64) -> Duration {
        Duration::from_nanos(self.spread(low * 1000, high * 1000))
    }
}
