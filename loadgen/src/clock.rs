//! The clock of all measurements: CLOCK_MONOTONIC, nanoseconds, the same for all processes of a host, so that a record stamped by
//! one process can be timed by another. Wall-clock time is for record timestamps and reports only.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

/// A second.
pub const SECOND_NS: u64 = 1_000_000_000;

/// Nanoseconds since the host started.
pub fn now_ns() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

/// CPU time of this thread, nanoseconds.
pub fn thread_cpu_ns() -> u64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

/// Milliseconds since 1970.
pub fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_millis() as i64
}

/// A duration as nanoseconds; above 584 years the most there is.
pub fn as_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn nanoseconds(id: ClockId) -> u64 {
    let time = clock_gettime(id);
    // Neither clock is ever negative.
    time.tv_sec as u64 * SECOND_NS + time.tv_nsec as u64
}
