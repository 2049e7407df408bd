//! `churn`: connections that come and go, topics that come and go, or connections that only stay. Threads that block: what is measured
//! is how long each takes, not how fast this program is.

use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::messages::metadata;

use crate::args::ChurnArgs;
use crate::client::cluster::{Cluster, LATEST, NewTopics, create_topics, delete_topics};
use crate::client::kafka::{ClientError, Connection, connect};
use crate::clock::{SECOND_NS, as_ns, now_ns};
use crate::histogram::Durations;
use crate::observe::Observed;
use crate::report::{Measurement, Report, Settings};
use crate::run::record::Window;

use super::CommandError;
use super::bench::Bench;

const METADATA_VERSION: i16 = 8;
/// How long a topic may take to be usable, ns.
const USABLE_NS: u64 = 10 * SECOND_NS;
/// Failures told in words.
const FAILURES_MAX: usize = 16;

/// What all threads count.
#[derive(Default)]
struct Counts {
    /// Connections, or topics from creation to deletion.
    done: AtomicU64,
    errors: AtomicU64,
    /// Connecting and the first answer; or creating until usable.
    first: Mutex<Durations>,
    /// Deleting.
    second: Mutex<Durations>,
    failures: Mutex<Vec<String>>,
}

/// Runs the command.
pub fn run(args: &ChurnArgs) -> Result<Report, CommandError> {
    let mut bench = Bench::new(&args.target, &args.measure, &args.output)?;
    let idle = hold(args)?;
    bench.live.say(&format!("{} idle connections", idle.len()));
    let mut report = bench.rounds(args.measure.rounds, |bench, round| one(args, bench, round))?;
    report.settings.consume_connections = idle.len();
    Ok(report)
}

/// Connects and says nothing.
fn hold(args: &ChurnArgs) -> Result<Vec<TcpStream>, ClientError> {
    (0..args.idle)
        .map(|_| connect(&args.target.bootstrap))
        .collect()
}

fn one(args: &ChurnArgs, bench: &mut Bench, round: u32) -> Result<Report, CommandError> {
    let counts = Arc::new(Counts::default());
    let start = now_ns() + as_ns(args.measure.warmup());
    let window = Window {
        start,
        end: start + as_ns(args.measure.duration()),
    };
    let threads = if args.only_idle { 0 } else { args.parallel };
    let observed = std::thread::scope(|scope| {
        for thread in 0..threads {
            let (counts, stop) = (counts.clone(), bench.live.stop_flag());
            let prefix = format!("{}-{}-{round}-{thread}", args.target.topic, bench.run);
            scope.spawn(move || {
                let mut number = 0;
                while now_ns() < window.end && !stop.load(Ordering::Relaxed) {
                    let done = match args.what.as_str() {
                        "topics" => {
                            churn_topic(args, &format!("{prefix}-{number}"), window, &counts)
                        }
                        _ => churn_connection(args, window, &counts),
                    };
                    number += 1;
                    if let Err(error) = done {
                        counts.fail(&error);
                        std::thread::sleep(Duration::from_millis(10));
                    }
                }
            });
        }
        watch(bench, window)
    });
    Ok(report(args, bench, &counts, observed))
}

/// Looks at the broker when the window begins and ends.
fn watch(bench: &mut Bench, window: Window) -> Observed {
    let sleep_until = |at: u64, bench: &Bench| {
        while now_ns() < at && !bench.live.stopped() {
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    sleep_until(window.start, bench);
    bench.observer.begin();
    sleep_until(window.end, bench);
    bench.observer.end()
}

fn churn_connection(args: &ChurnArgs, window: Window, counts: &Counts) -> Result<(), ClientError> {
    let start = now_ns();
    let mut connection = Connection::connect(&args.target.bootstrap)?;
    let request = metadata::MetadataRequest {
        topics: Some(Vec::new()),
        ..Default::default()
    };
    connection.round_trip(metadata::KEY, METADATA_VERSION, |out, version| {
        request.encode(out, version);
    })?;
    counts.done(start, window, &counts.first, true);
    Ok(())
}

fn churn_topic(
    args: &ChurnArgs,
    name: &str,
    window: Window,
    counts: &Counts,
) -> Result<(), ClientError> {
    let names = [name.to_owned()];
    let mut connection = Connection::connect(&args.target.bootstrap)?;
    let new = NewTopics {
        partitions: args.target.partitions,
        replication_factor: args.target.replication_factor,
        configs: args.target.topic_config.clone(),
    };
    let start = now_ns();
    create_topics(&mut connection, &names, &new)?;
    loop {
        let cluster = Cluster::prepare(&args.target.bootstrap, &names, None);
        let usable = cluster.and_then(|cluster| cluster.offsets(&cluster.places(), LATEST));
        match usable {
            Ok(_) => break,
            Err(error) if now_ns() > start + USABLE_NS => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_micros(200)),
        }
    }
    counts.done(start, window, &counts.first, false);
    let start = now_ns();
    delete_topics(&mut connection, &names)?;
    counts.done(start, window, &counts.second, true);
    Ok(())
}

impl Counts {
    fn done(&self, start: u64, window: Window, durations: &Mutex<Durations>, whole: bool) {
        if !window.contains(start) {
            return;
        }
        if let Ok(mut durations) = durations.lock() {
            durations.record(now_ns() - start, 1);
        }
        self.done.fetch_add(u64::from(whole), Ordering::Relaxed);
    }

    fn fail(&self, error: &ClientError) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut failures) = self.failures.lock()
            && failures.len() < FAILURES_MAX
        {
            failures.push(error.to_string());
        }
    }
}

fn report(args: &ChurnArgs, bench: &Bench, counts: &Counts, observed: Observed) -> Report {
    let elapsed_seconds = args.measure.duration().as_secs_f64();
    let taken = |durations: &Mutex<Durations>| {
        durations
            .lock()
            .map(|durations| durations.clone())
            .unwrap_or_default()
    };
    let done = counts.done.load(Ordering::Relaxed);
    let (first, second) = (taken(&counts.first), taken(&counts.second));
    let measurement = |phase: &str, durations: &Durations| Measurement {
        phase: phase.to_owned(),
        records: done,
        records_per_second: done as f64 / elapsed_seconds,
        latency_ns: durations.summary(),
        histogram: durations.counts(),
        elapsed_seconds,
        latency_of: phase.to_owned(),
        limited_by: format!("{} at once", args.parallel),
        ..Measurement::default()
    };
    let settings = Settings {
        bootstrap: args.target.bootstrap.clone(),
        topic: args.target.topic.clone(),
        durability: format!("{} come and go; a record is one of these", args.what),
        produce_connections: if args.only_idle {
            0
        } else {
            args.parallel as usize
        },
        ..Settings::default()
    };
    let mut report = bench.report("churn", args.output.name.as_deref(), settings);
    let what = match args.what.as_str() {
        _ if args.only_idle => "idle",
        "topics" => "create",
        _ => "connect",
    };
    report.main = measurement(what, &first);
    report.main.errors = counts.errors.load(Ordering::Relaxed);
    report.main.broker = observed.broker;
    report.main.cpus = observed.cpus;
    report.main.metrics = observed.metrics;
    if let Ok(failures) = counts.failures.lock() {
        report.main.incidents.failures.clone_from(&failures);
    }
    if second.count() > 0 {
        report.phases.push(measurement("delete", &second));
    }
    report
}
