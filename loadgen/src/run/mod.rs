//! A phase of load: cores that produce, consume or both, for a time or until an end, measured in a window after a warm-up.
//!
//! | module | what it is the only home of |
//! |---|---|
//! | [`core`] | one core's loop |
//! | [`session`] | what loop and sessions say to each other |
//! | [`produce`], [`consume`] | one connection's work |
//! | [`fetch_session`] | what a fetch session's next request carries |
//! | [`link`], [`poller`] | sockets that never block, and waiting for them |
//! | [`reconnect`] | connections made again |
//! | [`record`], [`collect`] | counting by core and second; all of them as one run |

pub mod collect;
pub mod consume;
pub mod core;
mod fetch_session;
mod link;
pub mod poller;
pub mod produce;
mod reconnect;
pub mod record;
pub mod session;

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Barrier, OnceLock};
use std::time::Duration;

use protocol::record_batch::BatchBuildError;
use thiserror::Error;

use crate::client::cluster::{Cluster, LATEST, Place};
use crate::client::kafka::{ClientError, connect};
use crate::clock::{SECOND_NS, as_ns, now_ns};
use crate::content::{BatchPool, BatchShape};
use crate::host::{exact_timers, pin_thread};
use crate::live::Live;
use crate::observe::{Observed, Observer};
use crate::schedule::{Arrival, Schedule};
use crate::verify::compacted::CompactedCheck;
use crate::verify::ledger::Ledger;

use self::collect::{Collector, CoreUse, Second};
use self::consume::{ConsumePlan, Consumer, PartitionEnd, Reading};
use self::core::{Core, CoreEnd};
use self::poller::Poller;
use self::produce::{ProducePlan, Producer, Stream};
use self::record::{Recorder, Sample, Tally, Window};
use self::session::{Context, READ_BYTES, Session, SessionEnd, Totals};

/// From the moment that all is built to the first request, ns.
const START_NS: u64 = 20_000_000;

/// Why a phase could not run.
#[derive(Debug, Error)]
pub enum RunError {
    /// No answer, or a refusal.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A batch that cannot be.
    #[error(transparent)]
    Build(#[from] BatchBuildError),
    /// Threads, sockets.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The system's words.
        source: std::io::Error,
    },
}

fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> RunError {
    move |source| RunError::System { what, source }
}

/// Cores and how they wait.
#[derive(Debug, Clone)]
pub struct Cores {
    /// One thread on each of these CPUs.
    pub cpus: Vec<usize>,
    /// Spin before each sleep, ns.
    pub spin_ns: u64,
    /// How long a lost connection is tried again, ns.
    pub reconnect_ns: u64,
}

/// Producing connections.
pub struct ProduceLoad {
    /// What they share.
    pub plan: Arc<ProducePlan>,
    /// How their batches look.
    pub shape: BatchShape,
    /// How many.
    pub connections: usize,
    /// Requests a second of all together; `None`: closed loop.
    pub requests_per_second: Option<f64>,
    /// How they arrive.
    pub arrival: Arrival,
    /// For arrivals.
    pub seed: u64,
    /// Kafka's producer id and epoch for each connection, if idempotent.
    pub producer_ids: Vec<(i64, i16)>,
}

/// Consuming connections.
pub struct ConsumeLoad {
    /// What they share.
    pub plan: Arc<ConsumePlan>,
    /// How many for each group.
    pub connections: usize,
    /// How many times everything is read.
    pub groups: usize,
    /// Where reading begins.
    pub offsets: BTreeMap<Place, i64>,
    /// Whether every producer's records are there from its first on.
    pub from_first: bool,
    /// Who wrote to the topics, if these are compacted and to be checked as such.
    pub compacted: Option<Ledger>,
}

/// A phase.
pub struct Phase<'a> {
    /// For the progress line.
    pub name: &'a str,
    /// Topics and leaders.
    pub cluster: &'a Cluster,
    /// Where it runs.
    pub cores: &'a Cores,
    /// What is produced.
    pub produce: Option<ProduceLoad>,
    /// What is consumed.
    pub consume: Option<ConsumeLoad>,
    /// Not measured.
    pub warmup: Duration,
    /// Measured; `None`: until the connections are done.
    pub duration: Option<Duration>,
}

/// What came of a phase.
pub struct PhaseEnd {
    /// The measured window, seconds.
    pub elapsed_s: f64,
    /// Counts and distributions of the measured window.
    pub total: Sample,
    /// By the second, the warm-up too.
    pub seconds: Vec<Second>,
    /// What the generator's cores used.
    pub cores: Vec<CoreUse>,
    /// Over the whole phase.
    pub totals: Totals,
    /// Requests refused, connections lost, and the like, over the whole phase.
    pub errors: u64,
    /// Some of them in words.
    pub failures: Vec<String>,
    /// What was sent and acknowledged.
    pub ledger: Ledger,
    /// What was consumed.
    pub partitions: Vec<PartitionEnd>,
    /// The broker's process in the measured window.
    pub observed: Observed,
    /// Connections that were made.
    pub connections: (usize, usize),
}

/// One core's sessions before they run.
#[derive(Default)]
struct Work {
    producers: Vec<(Vec<Stream>, usize)>,
    consumers: Vec<Vec<Reading>>,
    producer_sockets: Vec<TcpStream>,
    consumer_sockets: Vec<TcpStream>,
}

/// What all cores of a phase are given.
struct Shared {
    barrier: Barrier,
    start: OnceLock<(u64, Window)>,
    stop: Arc<AtomicBool>,
    producing_connections: usize,
}

/// Runs a phase to its end.
pub fn run(
    phase: &Phase<'_>,
    observer: &mut Observer,
    live: &mut Live,
) -> Result<PhaseEnd, RunError> {
    let (work, connections) = distribute(phase)?;
    let cores = work.len();
    let shared = Shared {
        barrier: Barrier::new(cores + 1),
        start: OnceLock::new(),
        stop: live.stop_flag(),
        producing_connections: connections.0,
    };
    if let Some(produce) = &phase.produce {
        produce
            .plan
            .producing
            .store(connections.0, Ordering::Relaxed);
    }
    let tallies: Vec<Arc<Tally>> = (0..cores).map(|_| Arc::default()).collect();
    let (samples, sampled) = channel();
    let (wanted, wishes) = channel();
    let ended = std::thread::scope(|scope| {
        let cluster = phase.cluster;
        scope.spawn(move || reconnect::run(cluster, &wishes));
        let threads: Vec<_> = (0..)
            .zip(work)
            .map(|(number, work)| {
                let (samples, wanted) = (samples.clone(), wanted.clone());
                let (shared, tally) = (&shared, tallies[number].clone());
                scope.spawn(move || run_core(phase, number, work, shared, (tally, samples, wanted)))
            })
            .collect();
        drop((samples, wanted));
        let watched = watch(phase, &shared, &tallies, &sampled, (observer, live));
        let ends: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().expect("a core's loop does not panic"))
            .collect();
        (watched, ends)
    });
    let (watched, ends) = ended;
    let ends: Vec<CoreEnd> = ends.into_iter().collect::<Result<_, RunError>>()?;
    Ok(conclude(phase, watched, ends, (&tallies, connections)))
}

/// Connects, and gives each core its connections in turn.
fn distribute(phase: &Phase<'_>) -> Result<(Vec<Work>, (usize, usize)), RunError> {
    let mut cores: Vec<Work> = Vec::new();
    cores.resize_with(phase.cores.cpus.len().max(1), Work::default);
    let (mut turn, mut producer) = (0, 0);
    let mut connections = (0, 0);
    if let Some(load) = &phase.produce {
        for (leader, places) in phase.cluster.assign(load.connections, true) {
            let number = connections.0;
            let producer_id = load.producer_ids.get(number).copied();
            let streams = (producer..).zip(&places);
            let streams =
                streams.map(|(producer, &place)| Stream::new(place, producer, producer_id));
            let core = &mut cores[turn];
            core.producers.push((streams.collect(), number));
            core.producer_sockets.push(connect(&leader)?);
            producer += places.len() as u32;
            connections.0 += 1;
            turn = (turn + 1) % phase.cores.cpus.len();
        }
    }
    if let Some(load) = &phase.consume {
        for _ in 0..load.groups {
            for (leader, places) in phase.cluster.assign(load.connections, false) {
                let reading = |&place: &Place| {
                    let offset = load.offsets.get(&place).copied().unwrap_or(0);
                    let Some(ledger) = &load.compacted else {
                        return Reading::new(place, offset, load.plan.looks, load.from_first);
                    };
                    let writers = ledger.of(phase.cluster.topic(place), place.partition);
                    Reading::of_compacted(place, offset, CompactedCheck::new(writers))
                };
                let core = &mut cores[turn];
                core.consumers.push(places.iter().map(reading).collect());
                core.consumer_sockets.push(connect(&leader)?);
                connections.1 += 1;
                turn = (turn + 1) % phase.cores.cpus.len();
            }
        }
    }
    Ok((cores, connections))
}

/// What a core of a phase tells the others by.
type Outlets = (Arc<Tally>, Sender<Box<Sample>>, Sender<reconnect::Wanted>);

/// One core, on its thread.
fn run_core(
    phase: &Phase<'_>,
    number: usize,
    work: Work,
    shared: &Shared,
    (tally, samples, wanted): Outlets,
) -> Result<CoreEnd, RunError> {
    pin_thread(&phase.cores.cpus[number..=number]);
    exact_timers();
    let poller = Poller::new(phase.cores.spin_ns).map_err(system("epoll"));
    // Built here, so that the batches' memory is near this core.
    let pool = match &phase.produce {
        Some(load) => BatchPool::new(&load.shape, number).map(Some),
        None => Ok(None),
    };
    shared.barrier.wait();
    shared.barrier.wait();
    let (poller, pool) = (poller?, pool?);
    let &(start, window) = shared.start.wait();
    let mut sessions: Vec<Box<dyn Session>> = Vec::new();
    if let Some(load) = &phase.produce {
        for (streams, connection) in work.producers {
            let schedule = match load.requests_per_second {
                None => Schedule::Closed,
                Some(rate) => {
                    let turn = (connection, shared.producing_connections);
                    Schedule::new(load.arrival, rate, start, turn, load.seed)
                }
            };
            sessions.push(Box::new(Producer::new(
                load.plan.clone(),
                streams,
                schedule,
            )));
        }
    }
    if let Some(load) = &phase.consume {
        for readings in work.consumers {
            sessions.push(Box::new(Consumer::new(load.plan.clone(), readings)));
        }
    }
    let context = Context {
        pool,
        buffer: vec![0; READ_BYTES],
        recorder: Recorder::new(number, start, window, tally, samples),
        failures: Vec::new(),
        totals: Totals::default(),
        stopped: false,
    };
    let mut sockets = work.producer_sockets;
    sockets.extend(work.consumer_sockets);
    let wanted = (wanted, phase.cores.reconnect_ns);
    let core = Core::new(context, poller, sessions, wanted, shared.stop.clone());
    while now_ns() < start {
        std::thread::sleep(Duration::from_nanos(start.saturating_sub(now_ns())));
    }
    core.run(sockets).map_err(system("epoll"))
}

/// What the main thread saw of a phase.
struct Watched {
    collector: Collector,
    window: Window,
    observed: Observed,
    client_errors: Vec<String>,
}

/// The main thread while cores run: collects their seconds, looks at the broker when the window begins and ends, tells how it goes.
fn watch(
    phase: &Phase<'_>,
    shared: &Shared,
    tallies: &[Arc<Tally>],
    sampled: &Receiver<Box<Sample>>,
    (observer, live): (&mut Observer, &mut Live),
) -> Watched {
    shared.barrier.wait();
    let start = now_ns() + START_NS;
    let begin = start + as_ns(phase.warmup);
    let end = phase
        .duration
        .map(|duration| begin.saturating_add(as_ns(duration)));
    let window = Window {
        start: begin,
        end: end.unwrap_or(u64::MAX),
    };
    shared.start.get_or_init(|| (start, window));
    shared.barrier.wait();
    live.begin(phase.name);
    let mut watched = Watched {
        collector: Collector::new(tallies.len(), window_seconds(phase.duration)),
        window,
        observed: Observed::default(),
        client_errors: Vec::new(),
    };
    let mut looks = [Some(window.start), end];
    let mut targets_due = phase.produce.is_some() && phase.consume.is_some();
    loop {
        let now = now_ns();
        for (which, look) in looks.iter_mut().enumerate() {
            if look.is_some_and(|at| now >= at) {
                *look = None;
                match which {
                    0 => observer.begin(),
                    _ => watched.observed = observer.end(),
                }
            }
        }
        if targets_due && produced(phase) {
            targets_due = false;
            watched.client_errors.extend(set_targets(phase));
        }
        let next = looks.iter().flatten().min().copied().unwrap_or(u64::MAX);
        let wait = next.saturating_sub(now_ns()).min(SECOND_NS / 20);
        match sampled.recv_timeout(Duration::from_nanos(wait)) {
            Ok(sample) => watched.collector.add(&sample, |second, whole| {
                live.second(second, whole, errors(tallies));
            }),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if looks[0].is_some() {
        observer.begin();
    }
    if looks != [None, None] || end.is_none() {
        watched.observed = observer.end();
    }
    watched
        .collector
        .finish(|second, whole| live.second(second, whole, errors(tallies)));
    live.end();
    watched
}

fn window_seconds(duration: Option<Duration>) -> i64 {
    let seconds = duration.map(|duration| as_ns(duration).div_ceil(SECOND_NS));
    seconds.map_or(i64::MAX, |seconds| seconds as i64)
}

fn produced(phase: &Phase<'_>) -> bool {
    let left = |load: &ProduceLoad| load.plan.producing.load(Ordering::Relaxed);
    phase.produce.as_ref().is_none_or(|load| left(load) == 0)
}

/// Tells the consumers where the producers ended.
fn set_targets(phase: &Phase<'_>) -> Option<String> {
    let consume = phase.consume.as_ref()?;
    match phase.cluster.offsets(&phase.cluster.places(), LATEST) {
        Ok(offsets) => {
            consume.plan.targets.set(&offsets);
            None
        }
        Err(error) => {
            // Without an end they would read for ever.
            let nothing = phase.cluster.places().into_iter().map(|place| (place, 0));
            consume.plan.targets.set(&nothing.collect());
            Some(format!("where partitions end is not known: {error}"))
        }
    }
}

fn errors(tallies: &[Arc<Tally>]) -> u64 {
    let each = tallies
        .iter()
        .map(|tally| tally.errors.load(Ordering::Relaxed));
    each.sum()
}

fn conclude(
    phase: &Phase<'_>,
    watched: Watched,
    ends: Vec<CoreEnd>,
    (tallies, connections): (&[Arc<Tally>], (usize, usize)),
) -> PhaseEnd {
    let Watched {
        collector,
        window,
        observed,
        client_errors,
    } = watched;
    let mut ledger = Ledger::default();
    let (mut partitions, mut totals) = (Vec::new(), Totals::default());
    let mut errors = errors(tallies) + client_errors.len() as u64;
    let mut failures = client_errors;
    for end in ends {
        totals.add(&end.totals);
        failures.extend(end.failures);
        for session in end.sessions {
            match session {
                SessionEnd::Produce(producers) => ledger.producers.extend(producers),
                SessionEnd::Consume(ends) => partitions.extend(ends),
            }
        }
    }
    if totals.base_offset_regressions > 0 {
        errors += totals.base_offset_regressions;
        failures.push(format!(
            "{} base offsets went back",
            totals.base_offset_regressions
        ));
    }
    ledger.producers.sort_by_key(|producer| producer.producer);
    // A phase that ended by itself lasted until its last record.
    let last = collector.total.last_ns.max(window.start);
    let ended = match window.end {
        u64::MAX => last,
        end if now_ns() < end => last,
        end => end,
    };
    PhaseEnd {
        elapsed_s: (ended - window.start).max(1) as f64 / SECOND_NS as f64,
        cores: collector.core_use(&phase.cores.cpus),
        total: collector.total,
        seconds: collector.seconds,
        totals,
        errors,
        failures,
        ledger,
        partitions,
        observed,
        connections,
    }
}

/// For plans: no connection is producing yet.
pub fn none_producing() -> AtomicUsize {
    AtomicUsize::new(0)
}
