//! When each batch of a connection is due. Pure: it reads no clock. The schedule is never moved: a batch that could not be sent
//! in time stays due when it was, and its latency counts from then.

use crate::clock::SECOND_NS;
use crate::random::Random;

/// How batches arrive at a given rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// In equal distances.
    Fixed,
    /// As of many independent senders: exponential distances.
    Poisson,
    /// So many at once, in equal distances.
    Burst(u32),
}

/// The due times of one connection's batches.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// A batch is due when an answer makes room: closed loop.
    Closed,
    /// Batch `i` is due at `start + offset + i * interval`.
    Fixed {
        /// Of the run, ns.
        start: u64,
        /// Between batches, ns.
        interval: f64,
        /// The first batch's place in the interval, so that connections take turns, ns.
        offset: f64,
        /// Batches at each due time.
        burst: u32,
        /// Batches taken.
        taken: u64,
    },
    /// Distances are drawn.
    Poisson {
        /// Next due time after the run's start, ns.
        next: f64,
        /// Of the run, ns.
        start: u64,
        /// Mean distance, ns.
        interval: f64,
        /// Draws them.
        random: Random,
    },
}

impl Schedule {
    /// Of connection `number` of `connections`, which send `batches_per_second` together.
    pub fn new(
        arrival: Arrival,
        batches_per_second: f64,
        start: u64,
        (number, connections): (usize, usize),
        seed: u64,
    ) -> Self {
        let interval = SECOND_NS as f64 * connections as f64 / batches_per_second;
        match arrival {
            Arrival::Fixed | Arrival::Burst(_) => {
                let burst = match arrival {
                    Arrival::Burst(burst) => burst.max(1),
                    _ => 1,
                };
                let offset = interval * f64::from(burst) * number as f64 / connections as f64;
                Self::Fixed {
                    start,
                    interval,
                    offset,
                    burst,
                    taken: 0,
                }
            }
            Arrival::Poisson => {
                let mut random = Random::new(seed ^ (number as u64).rotate_left(32));
                Self::Poisson {
                    next: interval * exponential(&mut random),
                    start,
                    interval,
                    random,
                }
            }
        }
    }

    /// When the next batch is due; `None`: as soon as there is room.
    pub fn due(&self) -> Option<u64> {
        match self {
            Self::Closed => None,
            Self::Fixed {
                start,
                interval,
                offset,
                burst,
                taken,
            } => {
                let together = taken / u64::from(*burst) * u64::from(*burst);
                Some(start + (offset + interval * together as f64) as u64)
            }
            Self::Poisson { next, start, .. } => Some(start + *next as u64),
        }
    }

    /// The next batch was taken.
    pub fn advance(&mut self) {
        match self {
            Self::Closed => {}
            Self::Fixed { taken, .. } => *taken += 1,
            Self::Poisson {
                next,
                interval,
                random,
                ..
            } => *next += *interval * exponential(random),
        }
    }
}

/// Of mean 1.
fn exponential(random: &mut Random) -> f64 {
    -(1.0 - random.unit()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dues(mut schedule: Schedule, count: usize) -> Vec<u64> {
        let mut take = || {
            let due = schedule.due().expect("open loop");
            schedule.advance();
            due
        };
        (0..count).map(|_| take()).collect()
    }

    #[test]
    fn connections_take_turns_and_the_schedule_does_not_drift() {
        let of = |number| Schedule::new(Arrival::Fixed, 1000.0, 500, (number, 4), 1);
        assert_eq!(dues(of(0), 3), [500, 4_000_500, 8_000_500]);
        assert_eq!(dues(of(1), 2), [1_000_500, 5_000_500]);
        let mut schedule = Schedule::new(Arrival::Fixed, 3.0, 0, (0, 1), 1);
        for _ in 0..3_000_000 {
            schedule.advance();
        }
        assert_eq!(schedule.due(), Some(1_000_000 * SECOND_NS));
    }

    #[test]
    fn a_burst_is_due_at_once() {
        let schedule = Schedule::new(Arrival::Burst(3), 1000.0, 0, (0, 1), 1);
        assert_eq!(
            dues(schedule, 7),
            [0, 0, 0, 3_000_000, 3_000_000, 3_000_000, 6_000_000]
        );
    }

    #[test]
    fn poisson_keeps_the_rate_and_varies() {
        let schedule = Schedule::new(Arrival::Poisson, 1000.0, 0, (3, 8), 1);
        let dues = dues(schedule, 10_000);
        let rate = 10_000.0 / (dues[9_999] as f64 / SECOND_NS as f64);
        assert!((120.0..130.0).contains(&rate), "{rate}");
        let short = dues.windows(2).filter(|pair| pair[1] - pair[0] < 8_000_000);
        assert!((6_000..6_700).contains(&short.count()), "1 - 1/e of them");
    }
}
