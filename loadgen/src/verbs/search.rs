//! `search`: the highest rate that keeps a latency; with --sweep, latency at shares of the highest rate. Each step is an open loop of
//! its own, so that a rate that is not kept shows as what it is.

use crate::args::SearchArgs;
use crate::clock::as_ns;
use crate::report::{Measurement, Report};
use crate::run::PhaseEnd;

use super::bench::Bench;
use super::both::{Amount, Consumers, Runs};
use super::{CommandError, load};

/// Steps of a search at most.
const STEPS_MAX: usize = 24;
/// Above a rate that is kept the next try is so much higher.
const GROWTH: f64 = 1.3;

/// Runs the command.
pub fn run(args: &SearchArgs) -> Result<Report, CommandError> {
    let both = &args.both;
    load::check(&both.produce)?;
    let mut bench = Bench::new(&both.target, &both.measure, &both.output)?;
    let cluster = bench.cluster(&both.target, true)?;
    bench.rounds(both.measure.rounds, |bench, round| {
        let mut runs = Runs::new(both, bench, &cluster, round)?;
        let mut steps = Steps {
            args,
            runs: &mut runs,
            taken: Vec::new(),
            last: None,
        };
        let most = steps.highest()?;
        match args.sweep {
            true => steps.sweep(most)?,
            false => steps.search(most)?,
        }
        steps.report()
    })
}

struct Steps<'a, 'b> {
    args: &'a SearchArgs,
    runs: &'a mut Runs<'b>,
    taken: Vec<Measurement>,
    last: Option<PhaseEnd>,
}

impl Steps<'_, '_> {
    /// The rate to begin with: as asked for, or what a closed loop reaches.
    fn highest(&mut self) -> Result<f64, CommandError> {
        match self.args.rate_max {
            Some(rate) => Ok(rate as f64),
            None => {
                let measurement = self.step("closed loop", None)?;
                Ok(measurement.records_per_second.max(1.0))
            }
        }
    }

    fn sweep(&mut self, most: f64) -> Result<(), CommandError> {
        for percent in (10..=100).step_by(10) {
            if self.runs.bench.live.stopped() {
                break;
            }
            let rate = most * f64::from(percent) / 100.0;
            self.step(&format!("{percent} %"), Some(rate))?;
        }
        Ok(())
    }

    fn search(&mut self, most: f64) -> Result<(), CommandError> {
        let (mut kept, mut failed) = (0.0_f64, f64::INFINITY);
        let mut rate = most;
        for number in 1..=STEPS_MAX {
            if self.runs.bench.live.stopped() {
                break;
            }
            let measurement = self.step(&format!("step {number}"), Some(rate))?;
            match self.keeps(&measurement) {
                true => kept = kept.max(rate),
                false => failed = failed.min(rate),
            }
            let known = failed - kept <= self.args.precision * failed;
            if known || failed < 1.0 {
                break;
            }
            rate = match failed.is_finite() {
                true => f64::midpoint(kept, failed),
                false => kept * GROWTH,
            };
        }
        Ok(())
    }

    /// One measurement, at a rate or in a closed loop.
    fn step(&mut self, name: &str, rate: Option<f64>) -> Result<Measurement, CommandError> {
        let rate = rate.map(|rate| rate.round().max(1.0) as u64);
        let consumers = self.args.end_to_end.then_some(Consumers::Tail);
        let told = match rate {
            Some(rate) => format!("{name}: {rate} records/s"),
            None => name.to_owned(),
        };
        self.runs.bench.live.say(&told);
        let end = self
            .runs
            .phase("search", Some(Amount::Timed(rate)), consumers)?;
        let measurement = self.runs.measurement(name, &end, rate, None);
        self.taken.push(measurement.clone());
        self.last = Some(end);
        Ok(measurement)
    }

    /// Whether the rate was kept, and the latency.
    fn keeps(&self, measurement: &Measurement) -> bool {
        let latency = match self.args.end_to_end {
            true => measurement.end_to_end_ns,
            false => measurement.latency_ns,
        };
        let sustained = measurement.rate.as_ref().is_some_and(|rate| rate.sustained);
        sustained && measurement.errors == 0 && latency.p99 <= as_ns(self.args.p99)
    }

    /// The highest step that keeps the latency is what the report is about.
    fn report(mut self) -> Result<Report, CommandError> {
        let Some(end) = self.last.take() else {
            return Err(CommandError::Usage(
                "stopped before the first step".to_owned(),
            ));
        };
        let mut report = self.runs.report("search", &end);
        let best = self
            .taken
            .iter()
            .enumerate()
            .filter(|(_, step)| self.keeps(step))
            .max_by(|(_, a), (_, b)| a.records_per_second.total_cmp(&b.records_per_second))
            .map(|(at, _)| at);
        match best {
            Some(at) => report.main = self.taken[at].clone(),
            None => {
                let limit = self.args.p99;
                report.main = self.taken.last().cloned().unwrap_or_default();
                report
                    .broken_requirements
                    .push(format!("no rate tried keeps p99 <= {limit:?}"));
            }
        }
        // By the second they are of no use here, and many.
        for step in &mut self.taken {
            step.seconds.clear();
        }
        report.phases = self.taken;
        Ok(report)
    }
}
