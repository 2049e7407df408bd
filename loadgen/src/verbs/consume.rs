//! `consume` and `verify`: every partition from its first offset to the end it had at the start, or what comes for a time.

use std::time::Duration;

use crate::args::{ConsumeArgs, VerifyArgs};
use crate::client::cluster::{Cluster, EARLIEST, LATEST};
use crate::report::files::read;
use crate::report::{Report, judge};
use crate::run::Phase;
use crate::run::consume::Looks;
use crate::verify::ledger::Ledger;

use super::CommandError;
use super::bench::{Bench, settings};
use super::load::{self, Reach};
use super::produce::verdict;

/// Runs `consume`.
pub fn run(args: &ConsumeArgs) -> Result<Report, CommandError> {
    let looks = match (args.verify, args.check_crc) {
        (true, _) => Looks::Records,
        (false, true) => Looks::Crc,
        (false, false) => Looks::Headers,
    };
    read_all("consume", args, looks, &Expected::default())
}

/// Runs `verify`.
pub fn run_verify(args: &VerifyArgs) -> Result<Report, CommandError> {
    let mut ledger = Ledger::default();
    for path in &args.report {
        let mut reports = read(path)?;
        let written = reports.drain(..).find_map(|report| report.ledger);
        let Some(written) = written else {
            return Err(CommandError::Usage(format!(
                "{}: not the result of a produce run",
                path.display()
            )));
        };
        ledger.producers.extend(written.producers);
    }
    let expected = match args.compacted {
        false => Expected {
            ledger,
            compacted: None,
        },
        true if ledger.is_keyed_alone() => Expected {
            ledger: Ledger::default(),
            compacted: Some(ledger),
        },
        true => {
            return Err(CommandError::Usage(
                "--compacted: the runs need --keys, and one connection at most for each partition"
                    .to_owned(),
            ));
        }
    };
    read_all("verify", &args.consume, Looks::Records, &expected)
}

/// What must be there.
#[derive(Default)]
struct Expected {
    /// All that these producers had acknowledged.
    ledger: Ledger,
    /// Of these the newest of each key.
    compacted: Option<Ledger>,
}

fn read_all(
    command: &str,
    args: &ConsumeArgs,
    looks: Looks,
    expected: &Expected,
) -> Result<Report, CommandError> {
    let mut bench = Bench::new(&args.target, &args.measure, &args.output)?;
    let cluster = bench.cluster(&args.target, false)?;
    bench.rounds(args.measure.rounds, |bench, _| {
        one(command, args, (bench, &cluster), (looks, expected))
    })
}

fn one(
    command: &str,
    args: &ConsumeArgs,
    (bench, cluster): (&mut Bench, &Cluster),
    (looks, expected): (Looks, &Expected),
) -> Result<Report, CommandError> {
    let places = cluster.places();
    let from = match args.from.as_str() {
        "latest" => LATEST,
        _ => EARLIEST,
    };
    let offsets = cluster.offsets(&places, from)?;
    let targets = match args.follow {
        true => None,
        false => Some(cluster.offsets(&places, LATEST)?),
    };
    let timed = args.follow || args.repeat || args.measure.duration.is_some();
    let reach = Reach {
        from_first: offsets.values().all(|offset| *offset == 0),
        offsets,
        targets,
        to_targets: !timed,
        repeat: args.repeat,
        compacted: expected.compacted.clone(),
    };
    let load = load::consume(cluster, &args.fetch, args.connections, looks, reach);
    let warmup = match args.follow || args.repeat {
        true => args.measure.warmup(),
        false => args.measure.warmup.unwrap_or(Duration::ZERO),
    };
    let cores = bench.cores.clone();
    let end = bench.phase(&Phase {
        name: command,
        cluster,
        cores: &cores,
        produce: None,
        consume: Some(load),
        warmup,
        duration: timed.then(|| args.measure.duration()),
    })?;
    let verdict = match looks {
        Looks::Headers | Looks::Stamps(_) => None,
        Looks::Crc | Looks::Records => Some(verdict(cluster, &expected.ledger, &end)),
    };
    let mut told = settings(cluster, -1);
    told.consume = load::consume_settings(&args.fetch, looks);
    told.consume_connections = end.connections.1;
    let mut report = bench.report(command, args.output.name.as_deref(), told);
    report.main = judge::measurement(command, &end, None, verdict);
    Ok(report)
}
