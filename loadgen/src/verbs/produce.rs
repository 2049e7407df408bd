//! `produce`: throughput, and latency of acknowledgement; read back and verified where asked for.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::args::{FetchOptions, ProduceArgs};
use crate::client::cluster::{Cluster, EARLIEST, LATEST, Place};
use crate::keys::Keys;
use crate::report::{Report, judge};
use crate::run::consume::{Looks, PartitionEnd};
use crate::run::{Phase, PhaseEnd};
use crate::verify::compacted::KeyedLedger;
use crate::verify::ledger::{Ledger, Verdict};

use super::CommandError;
use super::bench::{Bench, settings};
use super::load::{self, Reach};

/// Runs the command.
pub fn run(args: &ProduceArgs) -> Result<Report, CommandError> {
    load::check(&args.produce)?;
    let mut bench = Bench::new(&args.target, &args.measure, &args.output)?;
    let cluster = bench.cluster(&args.target, true)?;
    bench.rounds(args.measure.rounds, |bench, round| {
        one(args, bench, &cluster, round)
    })
}

fn one(
    args: &ProduceArgs,
    bench: &mut Bench,
    cluster: &Cluster,
    round: u32,
) -> Result<Report, CommandError> {
    let places = cluster.places();
    let is_keyed = args.produce.keys != Keys::None;
    let before = match args.verify || is_keyed {
        true => cluster.offsets(&places, LATEST)?,
        false => BTreeMap::new(),
    };
    let run = bench.run.wrapping_add(round);
    let seed = args.measure.seed;
    let rate = args.produce.rate;
    let load = load::produce(cluster, &args.produce, (run, seed), rate, args.records)?;
    let (warmup, duration) = match args.records {
        Some(_) => (Duration::ZERO, None),
        None => (args.measure.warmup(), Some(args.measure.duration())),
    };
    let cores = bench.cores.clone();
    let mut end = bench.phase(&Phase {
        name: "produce",
        cluster,
        cores: &cores,
        produce: Some(load),
        consume: None,
        warmup,
        duration,
    })?;
    if is_keyed {
        name_keys(args, cluster, &before, &mut end.ledger);
    }
    let verdict = match args.verify {
        true => Some(read_back(bench, cluster, before, &end)?),
        false => None,
    };
    let mut told = settings(cluster, args.produce.acks);
    told.produce = load::produce_settings(&args.produce);
    told.produce_connections = end.connections.0;
    let mut report = bench.report("produce", args.output.name.as_deref(), told);
    report.main = judge::measurement("produce", &end, rate.map(|rate| rate as f64), verdict);
    report.ledger = Some(end.ledger);
    Ok(report)
}

/// Tells in the ledger which key each record has.
fn name_keys(
    args: &ProduceArgs,
    cluster: &Cluster,
    before: &BTreeMap<Place, i64>,
    ledger: &mut Ledger,
) {
    let ends: HashMap<(&str, i32), i64> = before
        .iter()
        .map(|(&place, &end)| ((cluster.topic(place), place.partition), end))
        .collect();
    for producer in &mut ledger.producers {
        let end = ends.get(&(producer.topic.as_str(), producer.partition));
        producer.keyed = end.map(|&base_offset| KeyedLedger {
            keys: args.produce.keys,
            seed: args.measure.seed,
            tombstone_every: args.produce.tombstones,
            base_offset,
        });
    }
}

/// Reads what was produced since `before` and compares it with what was acknowledged.
pub fn read_back(
    bench: &mut Bench,
    cluster: &Cluster,
    before: BTreeMap<Place, i64>,
    produced: &PhaseEnd,
) -> Result<Verdict, CommandError> {
    let targets = cluster.offsets(&cluster.places(), LATEST)?;
    let earliest = cluster.offsets(&cluster.places(), EARLIEST)?;
    // What retention removed meanwhile cannot be read: then it counts as lost, and is told as such.
    let from = before.iter().map(|(&place, &offset)| {
        let earliest = earliest.get(&place).copied().unwrap_or_default();
        (place, offset.max(earliest))
    });
    let reach = Reach {
        offsets: from.collect(),
        targets: Some(targets),
        to_targets: true,
        repeat: false,
        from_first: true,
        compacted: None,
    };
    let options = FetchOptions::default();
    let load = load::consume(cluster, &options, 8, Looks::Records, reach);
    let cores = bench.cores.clone();
    let end = bench.phase(&Phase {
        name: "verify",
        cluster,
        cores: &cores,
        produce: None,
        consume: Some(load),
        warmup: Duration::ZERO,
        duration: None,
    })?;
    Ok(verdict(cluster, &produced.ledger, &end))
}

/// Compares what was consumed with what was acknowledged.
pub fn verdict(cluster: &Cluster, ledger: &Ledger, consumed: &PhaseEnd) -> Verdict {
    let checks = consumed.partitions.iter().filter_map(|end: &PartitionEnd| {
        let check = end.check.as_ref()?;
        Some((cluster.topic(end.place), end.place.partition, check))
    });
    let mut verdict = ledger.verify(checks);
    let unread = consumed
        .partitions
        .iter()
        .filter(|end| !end.complete)
        .count();
    verdict.unread_partitions = unread as u64;
    if unread > 0 {
        let failures = consumed.failures.iter();
        let told = failures.map(|failure| format!("not all was read: {failure}"));
        verdict.details.extend(told);
    }
    verdict
}
