//! The seconds of all cores made into one run: totals by addition, and a short line for each second. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::Sample;
use crate::clock::SECOND_NS;
use crate::histogram::{Durations, Latency};

/// One second of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Second {
    /// Seconds after the start of the measured window; negative in the warm-up.
    pub second: i64,
    /// Records acknowledged.
    pub produced: u64,
    /// Bytes of their values.
    pub produced_bytes: u64,
    /// Records consumed.
    pub consumed: u64,
    /// Bytes of their batches.
    pub consumed_bytes: u64,
    /// To acknowledgement, ns.
    #[serde(skip_serializing_if = "is_empty", default)]
    pub latency_ns: Latency,
    /// From due to consumed, ns.
    #[serde(skip_serializing_if = "is_empty", default)]
    pub end_to_end_ns: Latency,
    /// Share of the time that the busiest core worked.
    pub client_busy: f64,
}

fn is_empty(latency: &Latency) -> bool {
    latency.count == 0
}

/// What a core of the generator used in the measured window.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct CoreUse {
    /// The CPU it was pinned to.
    pub cpu: usize,
    /// Share of the time that it did not wait for sockets or due times.
    pub busy: f64,
    /// CPU time over elapsed time; waiting by spinning is in it.
    pub cpu_share: f64,
}

/// Collects samples.
pub struct Collector {
    cores: usize,
    /// Seconds of the measured window; what comes later is of requests that were due in it, and no second of its own.
    window_seconds: i64,
    open: BTreeMap<i64, Sample>,
    busiest: BTreeMap<i64, f64>,
    last_seconds: Vec<i64>,
    used: Vec<(u64, u64, u64)>,
    /// Of the measured window.
    pub total: Sample,
    /// Of all seconds that are over for every core.
    pub seconds: Vec<Second>,
}

impl Collector {
    /// For so many cores and seconds; `i64::MAX` where the end is not known.
    pub fn new(cores: usize, window_seconds: i64) -> Self {
        Self {
            cores,
            window_seconds,
            open: BTreeMap::new(),
            busiest: BTreeMap::new(),
            last_seconds: vec![i64::MIN; cores],
            used: vec![(0, 0, 0); cores],
            total: Sample::default(),
            seconds: Vec::new(),
        }
    }

    /// Adds one core's second. Calls `closed` for each second that is over for every core, in order.
    pub fn add(&mut self, sample: &Sample, closed: impl FnMut(&Second, &Sample)) {
        let second = sample.second;
        if second >= self.window_seconds {
            self.total.merge(sample);
            return;
        }
        if second >= 0 {
            self.total.merge(sample);
            let used = &mut self.used[sample.core];
            used.0 += sample.span_ns;
            used.1 += sample.span_ns.saturating_sub(sample.idle_ns);
            used.2 += sample.cpu_ns;
        }
        let busy = 1.0 - sample.idle_ns as f64 / sample.span_ns.max(1) as f64;
        let busiest = self.busiest.entry(second).or_insert(0.0);
        *busiest = busiest.max(busy);
        self.open.entry(second).or_default().merge(sample);
        self.last_seconds[sample.core] = second;
        let over = self.last_seconds.iter().copied().min().unwrap_or(i64::MIN);
        self.close_up_to(over, closed);
    }

    /// Closes what is left: the run is over.
    pub fn finish(&mut self, closed: impl FnMut(&Second, &Sample)) {
        self.close_up_to(i64::MAX, closed);
    }

    /// What each core used; `cpus` are their CPUs.
    pub fn core_use(&self, cpus: &[usize]) -> Vec<CoreUse> {
        let used = self.used.iter().zip(cpus).take(self.cores);
        used.map(|(&(span, busy, cpu_ns), &cpu)| CoreUse {
            cpu,
            busy: busy as f64 / span.max(1) as f64,
            cpu_share: cpu_ns as f64 / span.max(1) as f64,
        })
        .collect()
    }

    fn close_up_to(&mut self, last: i64, mut closed: impl FnMut(&Second, &Sample)) {
        while let Some(entry) = self.open.first_entry()
            && *entry.key() <= last
        {
            let (second, sample) = entry.remove_entry();
            let busy = self.busiest.remove(&second).unwrap_or_default();
            // Rates are per second, also where a core was held up or the run ended early.
            let per_second = |count: u64| match sample.span_ns {
                0 => 0,
                span => (u128::from(count) * u128::from(SECOND_NS) / u128::from(span)) as u64,
            };
            let short = Second {
                second,
                produced: per_second(sample.produced),
                produced_bytes: per_second(sample.produced_bytes),
                consumed: per_second(sample.consumed),
                consumed_bytes: per_second(sample.consumed_bytes),
                latency_ns: latency(&sample).summary(),
                end_to_end_ns: sample.end_to_end.summary(),
                client_busy: busy,
            };
            closed(&short, &sample);
            self.seconds.push(short);
        }
    }
}

/// The latency that a run is known by: to acknowledgement if it produces, else of fetches.
pub fn latency(sample: &Sample) -> &Durations {
    match sample.response.count() {
        0 => &sample.fetch,
        _ => &sample.response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(core: usize, second: i64, produced: u64) -> Sample {
        Sample {
            core,
            second,
            span_ns: SECOND_NS,
            idle_ns: SECOND_NS / 4,
            produced,
            ..Sample::default()
        }
    }

    #[test]
    fn a_second_closes_when_every_core_is_past_it() {
        let mut collector = Collector::new(2, 2);
        let mut closed = Vec::new();
        let steps = [
            (0, -1, 5),
            (0, 0, 10),
            (1, -1, 5),
            (1, 1, 7),
            (0, 1, 3),
            (0, 2, 1),
        ];
        for (core, second, produced) in steps {
            collector.add(&sample(core, second, produced), |second, _| {
                closed.push((second.second, second.produced));
            });
        }
        assert_eq!(closed, [(-1, 10), (0, 10), (1, 10)]);
        // Neither the warm-up nor the time after the window is a second; what came after it counts.
        assert_eq!(collector.total.produced, 21);
        let used = collector.core_use(&[4, 5]);
        assert_eq!((used[1].cpu, used[1].busy), (5, 0.75));
    }
}
