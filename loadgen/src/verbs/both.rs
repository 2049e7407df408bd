//! `both`, `backlog` and `chase`: producers and consumers of the same topics, at once or one behind the other.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::args::{BacklogArgs, BothArgs, ChaseArgs};
use crate::client::cluster::{Cluster, LATEST, Place};
use crate::report::{Measurement, Report, judge};
use crate::run::consume::Looks;
use crate::run::{ConsumeLoad, Phase, PhaseEnd};
use crate::verify::ledger::{Ledger, Verdict};

use super::CommandError;
use super::bench::{Bench, settings};
use super::load::{self, Reach};
use super::produce::verdict;

/// Backlogs are built with batches of at least so many records: building is not what is measured.
const BUILD_BATCH_BYTES: u64 = 100 << 10;

/// Runs `both`.
pub fn run(args: &BothArgs) -> Result<Report, CommandError> {
    load::check(&args.produce)?;
    let mut bench = Bench::new(&args.target, &args.measure, &args.output)?;
    let cluster = bench.cluster(&args.target, true)?;
    bench.rounds(args.measure.rounds, |bench, round| {
        let mut runs = Runs::new(args, bench, &cluster, round)?;
        let end = runs.phase(
            "both",
            Some(Amount::Timed(args.produce.rate)),
            Some(Consumers::Tail),
        )?;
        let verdict = args.verify.then(|| runs.verdict(&[&end]));
        let mut report = runs.report("both", &end);
        report.main = runs.measurement("both", &end, args.produce.rate, verdict);
        report.ledger = Some(end.ledger);
        Ok(report)
    })
}

/// Runs `backlog`.
pub fn run_backlog(args: &BacklogArgs) -> Result<Report, CommandError> {
    let both = &args.both;
    load::check(&both.produce)?;
    let mut bench = Bench::new(&both.target, &both.measure, &both.output)?;
    let cluster = bench.cluster(&both.target, true)?;
    bench.rounds(both.measure.rounds, |bench, round| {
        let mut runs = Runs::new(both, bench, &cluster, round)?;
        let build = runs.build(args.backlog)?;
        let producing = args
            .keep_producing
            .then_some(Amount::Timed(both.produce.rate));
        let consumers = match args.keep_producing {
            true => Consumers::Tail,
            false => Consumers::All,
        };
        let drain = runs.phase("drain", producing, Some(consumers))?;
        let verdict = both.verify.then(|| runs.verdict(&[&build, &drain]));
        let mut report = runs.report("backlog", &drain);
        report.phases = vec![runs.measurement("build", &build, None, None)];
        let rate = both.produce.rate.filter(|_| args.keep_producing);
        report.main = runs.measurement("drain", &drain, rate, verdict);
        Ok(report)
    })
}

/// Runs `chase`.
pub fn run_chase(args: &ChaseArgs) -> Result<Report, CommandError> {
    let both = &args.both;
    load::check(&both.produce)?;
    let mut bench = Bench::new(&both.target, &both.measure, &both.output)?;
    let cluster = bench.cluster(&both.target, true)?;
    bench.rounds(both.measure.rounds, |bench, round| {
        let mut runs = Runs::new(both, bench, &cluster, round)?;
        let rate = both.produce.rate;
        let build = runs.build(args.backlog)?;
        let alone = runs.phase("alone", Some(Amount::Timed(rate)), None)?;
        let chase = runs.phase("chase", Some(Amount::Timed(rate)), Some(Consumers::Chasing))?;
        let mut report = runs.report("chase", &chase);
        report.phases = vec![
            runs.measurement("build", &build, None, None),
            runs.measurement("alone", &alone, rate, None),
        ];
        report.main = runs.measurement("chase", &chase, rate, None);
        Ok(report)
    })
}

/// How much is produced.
#[derive(Debug, Clone, Copy)]
pub enum Amount {
    /// At a rate, or as many as go, for the measured time.
    Timed(Option<u64>),
    /// So many records, as fast as they go.
    Records(u64),
}

/// Who consumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumers {
    /// From where the runs began, and then what comes, until everything acknowledged was read.
    Tail,
    /// From where the runs began to the end there is now.
    All,
    /// From where the runs began to the end there is now, over and over, for as long as is produced: always far behind.
    Chasing,
}

/// The phases of one round, on the same topics: producers of a later phase are others than those of an earlier one.
pub struct Runs<'a> {
    args: &'a BothArgs,
    /// Where they run.
    pub bench: &'a mut Bench,
    cluster: &'a Cluster,
    before: BTreeMap<Place, i64>,
    run: u32,
}

impl<'a> Runs<'a> {
    /// On topics that exist.
    pub fn new(
        args: &'a BothArgs,
        bench: &'a mut Bench,
        cluster: &'a Cluster,
        round: u32,
    ) -> Result<Self, CommandError> {
        let before = cluster.offsets(&cluster.places(), LATEST)?;
        // Phases of a round count on from it.
        let run = bench.run.wrapping_add(round << 4);
        Ok(Self {
            args,
            bench,
            cluster,
            before,
            run,
        })
    }

    fn looks(&self) -> Looks {
        match self.args.verify {
            true => Looks::Records,
            false => load::stamps(&self.args.produce),
        }
    }

    /// Runs a phase.
    pub fn phase(
        &mut self,
        name: &str,
        producing: Option<Amount>,
        consuming: Option<Consumers>,
    ) -> Result<PhaseEnd, CommandError> {
        let args = self.args;
        self.run = self.run.wrapping_add(1);
        let produce = match producing {
            None => None,
            Some(amount) => {
                let (rate, records) = match amount {
                    Amount::Timed(rate) => (rate, None),
                    Amount::Records(records) => (None, Some(records)),
                };
                let drawn = (self.run, args.measure.seed);
                let mut options = args.produce.clone();
                if records.is_some() {
                    let size = u64::from(options.record_bytes.max());
                    let least = BUILD_BATCH_BYTES.div_ceil(size).min(1000) as u32;
                    options.batch_records = options.batch_records.max(least);
                }
                Some(load::produce(self.cluster, &options, drawn, rate, records)?)
            }
        };
        let consume = match consuming {
            None => None,
            Some(consumers) => Some(self.consume(consumers)?),
        };
        let timed = matches!(producing, Some(Amount::Timed(_)));
        let cores = self.bench.cores.clone();
        self.bench.phase(&Phase {
            name,
            cluster: self.cluster,
            cores: &cores,
            produce,
            consume,
            warmup: match timed {
                true => args.measure.warmup(),
                false => Duration::ZERO,
            },
            duration: timed.then(|| args.measure.duration()),
        })
    }

    fn consume(&self, consumers: Consumers) -> Result<ConsumeLoad, CommandError> {
        let targets = match consumers {
            Consumers::All | Consumers::Chasing => {
                Some(self.cluster.offsets(&self.cluster.places(), LATEST)?)
            }
            Consumers::Tail => None,
        };
        let reach = Reach {
            compacted: None,
            offsets: self.before.clone(),
            targets,
            to_targets: consumers != Consumers::Chasing,
            repeat: consumers == Consumers::Chasing,
            from_first: true,
        };
        // Of what is old, nobody times the way.
        let looks = match consumers {
            Consumers::Chasing => Looks::Headers,
            Consumers::All | Consumers::Tail => self.looks(),
        };
        let args = self.args;
        Ok(load::consume(
            self.cluster,
            &args.fetch,
            args.consumers,
            looks,
            reach,
        ))
    }

    /// Produces a backlog of so many bytes of values.
    fn build(&mut self, bytes: u64) -> Result<PhaseEnd, CommandError> {
        let sizes = self.args.produce.record_bytes;
        let mean = u64::midpoint(u64::from(sizes.min()), u64::from(sizes.max()));
        let records = (bytes / mean.max(1)).max(1);
        self.phase("build", Some(Amount::Records(records)), None)
    }

    /// What all phases of the round sent, by what the last of them consumed.
    fn verdict(&self, phases: &[&PhaseEnd]) -> Verdict {
        let producers = phases
            .iter()
            .flat_map(|phase| phase.ledger.producers.iter().cloned());
        let ledger = Ledger {
            producers: producers.collect(),
        };
        let last = phases.last();
        last.map(|last| verdict(self.cluster, &ledger, last))
            .unwrap_or_default()
    }

    /// What a phase measured.
    pub fn measurement(
        &self,
        name: &str,
        end: &PhaseEnd,
        rate: Option<u64>,
        verdict: Option<Verdict>,
    ) -> Measurement {
        judge::measurement(name, end, rate.map(|rate| rate as f64), verdict)
    }

    /// A report of the command whose main phase this was, without measurements yet.
    pub fn report(&self, command: &str, main: &PhaseEnd) -> Report {
        let args = self.args;
        let mut told = settings(self.cluster, args.produce.acks);
        told.produce = load::produce_settings(&args.produce);
        told.consume = load::consume_settings(&args.fetch, self.looks());
        (told.produce_connections, told.consume_connections) = main.connections;
        self.bench
            .report(command, args.output.name.as_deref(), told)
    }
}
