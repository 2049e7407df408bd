//! The swarm: seeds without end, each with a mix of faults and sizes of its own. A failure prints its seed, the shortest run
//! that still shows it, and the command that replays it. Ends with one JSON line. See tests/sim/README.md.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;

#[path = "../tests/sim/simulator/mod.rs"]
mod simulator;

use simulator::hunt::{HUNTS, Hunt};
use simulator::plan::{FAULTS, Fault, Plan, Point};
use simulator::run::{Outcome, run};
use simulator::shrink::{Shrunk, shrink};
use simulator::sweep;
use simulator::trace::Trace;

/// What a sweep may end.
const ENDS: [Fault; 2] = [Fault::Kill, Fault::Power];

/// Runs the broker in a simulated world, seed after seed.
#[derive(Parser)]
#[command(name = "sim")]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// This seed only, and tell everything of it; with a planted bug, of the run that hunts it.
    #[arg(long)]
    seed: Option<u64>,
    /// Stop after that many minutes.
    #[arg(long)]
    minutes: Option<f64>,
    /// Families of faults, with commas; all without it, `none` for none.
    #[arg(long)]
    faults: Option<String>,
    /// Threads, each with seeds of its own.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Go on after a violation, up to that many.
    #[arg(long, default_value_t = 1)]
    violations: u64,
    /// Breaks that happen in the run, at most: for replaying a shortened one.
    #[arg(long)]
    breaks: Option<u64>,
    /// Requests that clients make, at most: for replaying a shortened one.
    #[arg(long)]
    requests: Option<u64>,
    /// Plants bugs in the broker, `all` or one by its name, and says how many seeds it takes to catch each; with `none` it
    /// plants none, and the same runs must find nothing.
    #[arg(long)]
    planted: Option<String>,
    /// Ends the process (`kill`) or takes the power (`power`) at every turn of short runs, with a comma both: of `--seed`, or
    /// of that many `--seeds` from the first on.
    #[arg(long)]
    sweep: Option<String>,
    /// Turns from one end of a sweep to the next.
    #[arg(long, default_value_t = 1)]
    stride: u64,
    /// Of a sweep of one seed, the run that ends at this turn only, and everything of it.
    #[arg(long)]
    turn: Option<u64>,
    /// Lines of a failing run that are printed.
    #[arg(long, default_value_t = 60)]
    lines: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(name) = &arguments.planted {
        return match name.as_str() {
            "none" => control(&arguments),
            name => hunt_planted(&arguments, name),
        };
    }
    let faults = match families(arguments.faults.as_deref()) {
        Ok(faults) => faults,
        Err(name) => {
            eprintln!(
                "no such family of faults: {name}; there are {}",
                names(&FAULTS)
            );
            return ExitCode::FAILURE;
        }
    };
    if let Some(faults) = &arguments.sweep {
        return sweep_all(&arguments, faults);
    }
    match arguments.seed {
        Some(seed) => replay(&arguments, seed, &faults),
        None => swarm(&arguments, &faults),
    }
}

fn families(given: Option<&str>) -> Result<Vec<Fault>, String> {
    match given {
        None => Ok(FAULTS.to_vec()),
        Some("none") => Ok(Vec::new()),
        Some(list) => list
            .split(',')
            .map(|name| Fault::named(name).ok_or_else(|| name.to_owned()))
            .collect(),
    }
}

fn names(faults: &[Fault]) -> String {
    let names: Vec<String> = faults.iter().map(Fault::to_string).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(",")
    }
}

fn plan(arguments: &Arguments, seed: u64, faults: &[Fault]) -> Plan {
    let mut plan = Plan::draw(seed, faults);
    plan.breaks = plan.breaks.min(arguments.breaks.unwrap_or(u64::MAX));
    plan.requests = plan.requests.min(arguments.requests.unwrap_or(u64::MAX));
    plan
}

fn replay(arguments: &Arguments, seed: u64, faults: &[Fault]) -> ExitCode {
    told(arguments, seed, &plan(arguments, seed, faults))
}

/// One run, and everything of it.
fn told(arguments: &Arguments, seed: u64, plan: &Plan) -> ExitCode {
    println!("{plan:#?}");
    let outcome = run(seed, plan, Trace::kept());
    for line in outcome
        .lines
        .iter()
        .rev()
        .take(arguments.lines.max(400))
        .rev()
    {
        println!("{line}");
    }
    report(1, &outcome);
    match &outcome.violation {
        Some(violation) => {
            println!("VIOLATION {}: {}", violation.kind, violation.what);
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

fn control(arguments: &Arguments) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for hunt in HUNTS {
        for seed in arguments.first..arguments.first + arguments.seeds {
            let plan = hunt.plan(seed);
            if let Some(violation) = run(seed, &plan, Trace::default()).violation {
                println!("in the runs that provoke {:?}:", hunt.bug);
                tell(arguments, &shrink(seed, &plan, &violation));
                code = ExitCode::FAILURE;
                break;
            }
        }
    }
    code
}

fn hunt_planted(arguments: &Arguments, name: &str) -> ExitCode {
    let is_meant = |hunt: &&Hunt| name == "all" || format!("{:?}", hunt.bug) == name;
    let hunts: Vec<&Hunt> = HUNTS.iter().filter(is_meant).collect();
    if hunts.is_empty() {
        let all: Vec<_> = HUNTS.iter().map(|hunt| hunt.bug).collect();
        eprintln!("no such bug: {name}; there are {all:?}");
        return ExitCode::FAILURE;
    }
    if let Some(seed) = arguments.seed {
        broker::planted::plant(Some(hunts[0].bug));
        return told(arguments, seed, &hunts[0].plan(seed));
    }
    let mut code = ExitCode::SUCCESS;
    for hunt in hunts {
        let begun = Instant::now();
        let caught = hunt.go(arguments.first, hunt.seeds_max);
        let seconds = begun.elapsed().as_secs_f64();
        let bug = format!("{:?}", hunt.bug);
        match caught {
            Some((seeds, found)) => println!(
                "{bug:<24} {seeds:>4} of {:>4} seeds {seconds:>6.1} s  {}: {:.120}",
                hunt.seeds_max, found.kind, found.what
            ),
            None => {
                println!("{bug:<24} NOT CAUGHT {seconds:>6.1} s");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn sweep_all(arguments: &Arguments, faults: &str) -> ExitCode {
    let faults = match families(Some(faults)) {
        Ok(faults) if faults.iter().all(|fault| ENDS.contains(fault)) => faults,
        _ => {
            eprintln!("a sweep is of {}", names(&ENDS));
            return ExitCode::FAILURE;
        }
    };
    if let (Some(seed), Some(turn), Some(fault)) = (arguments.seed, arguments.turn, faults.first())
    {
        let plan = Plan {
            ends: Some(Point::Turn(turn, *fault)),
            ..sweep::plan(seed, *fault)
        };
        return told(arguments, seed, &plan);
    }
    let seeds = match arguments.seed {
        Some(seed) => seed..seed + 1,
        None => arguments.first..arguments.first + arguments.seeds,
    };
    let begun = Instant::now();
    let (mut points, mut violations) = (0, 0);
    for seed in seeds.clone() {
        for fault in &faults {
            let swept = sweep::sweep(seed, *fault, seed % arguments.stride, arguments.stride);
            points += swept.points;
            violations += u64::from(swept.violation.is_some());
            println!("seed {seed}, {fault}: {} points", swept.points);
            if let Some((point, violation)) = swept.violation {
                println!(
                    "VIOLATION at {point:?}\n{}: {}",
                    violation.kind, violation.what
                );
            }
        }
    }
    let line = serde_json::json!({
        "seeds": seeds.count(),
        "points": points,
        "violations": violations,
        "seconds": begun.elapsed().as_secs_f64(),
    });
    println!("{line}");
    match violations {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// What all threads have done.
#[derive(Default)]
struct Sums {
    next: AtomicU64,
    done: AtomicU64,
    violations: AtomicU64,
    simulated_ns: AtomicU64,
    steps: AtomicU64,
    acked: AtomicU64,
    read: AtomicU64,
    gone: AtomicU64,
    commits: AtomicU64,
    starts: AtomicU64,
    /// Independent of the order in which threads finish.
    hash: AtomicU64,
    stop: AtomicBool,
    kinds: Mutex<BTreeMap<String, (u64, u64)>>,
}

fn swarm(arguments: &Arguments, faults: &[Fault]) -> ExitCode {
    let sums = Sums::default();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads.max(1) {
            scope.spawn(|| work(arguments, faults, &sums, begun));
        }
        while sums.done.load(Ordering::SeqCst) < arguments.seeds
            && !sums.stop.load(Ordering::SeqCst)
        {
            std::thread::sleep(Duration::from_millis(200));
            progress(&sums, arguments.seeds, begun);
        }
    });
    let violations = sums.violations.load(Ordering::SeqCst);
    finish(&sums, begun);
    if violations > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn work(arguments: &Arguments, faults: &[Fault], sums: &Sums, begun: Instant) {
    loop {
        let number = sums.next.fetch_add(1, Ordering::SeqCst);
        let late = arguments
            .minutes
            .is_some_and(|minutes| begun.elapsed().as_secs_f64() > minutes * 60.0);
        if late {
            sums.stop.store(true, Ordering::SeqCst);
        }
        if number >= arguments.seeds || sums.stop.load(Ordering::SeqCst) {
            return;
        }
        let seed = arguments.first + number;
        let plan = plan(arguments, seed, faults);
        let outcome = run(seed, &plan, Trace::default());
        add(sums, &outcome);
        if let Some(violation) = &outcome.violation {
            let found = sums.violations.fetch_add(1, Ordering::SeqCst) + 1;
            let mut kinds = sums.kinds.lock().expect("no thread panics with it");
            let kind = kinds.entry(violation.kind.clone()).or_insert((0, seed));
            kind.0 += 1;
            let is_first = kind.0 == 1;
            drop(kinds);
            if is_first {
                tell(arguments, &shrink(seed, &plan, violation));
            }
            if found >= arguments.violations {
                sums.stop.store(true, Ordering::SeqCst);
            }
        }
        sums.done.fetch_add(1, Ordering::SeqCst);
    }
}

fn add(sums: &Sums, outcome: &Outcome) {
    sums.simulated_ns
        .fetch_add(outcome.simulated_ns, Ordering::SeqCst);
    sums.steps.fetch_add(outcome.steps, Ordering::SeqCst);
    sums.acked.fetch_add(outcome.records.0, Ordering::SeqCst);
    sums.read.fetch_add(outcome.records.1, Ordering::SeqCst);
    sums.gone.fetch_add(outcome.gone, Ordering::SeqCst);
    sums.commits.fetch_add(outcome.commits, Ordering::SeqCst);
    sums.starts
        .fetch_add(u64::from(outcome.starts), Ordering::SeqCst);
    sums.hash.fetch_add(outcome.hash, Ordering::SeqCst);
}

fn commit() -> String {
    let said = Command::new("git").args(["rev-parse", "HEAD"]).output();
    said.ok().map_or_else(
        || "unknown".to_owned(),
        |said| String::from_utf8_lossy(&said.stdout).trim().to_owned(),
    )
}

fn tell(arguments: &Arguments, shrunk: &Shrunk) {
    let out = std::io::stdout();
    let mut out = out.lock();
    let plan = &shrunk.plan;
    let _ = writeln!(
        out,
        "\nVIOLATION seed {} commit {}\n{}: {}",
        shrunk.seed,
        commit(),
        shrunk.violation.kind,
        shrunk.violation.what
    );
    for line in shrunk.lines.iter().rev().take(arguments.lines).rev() {
        let _ = writeln!(out, "  {line}");
    }
    let _ = writeln!(
        out,
        "replay: cargo run --release -p broker --example sim -- --seed {} --faults {} --breaks {} --requests {}\n",
        shrunk.seed,
        names(&plan.faults),
        plan.breaks,
        plan.requests
    );
}

fn progress(sums: &Sums, seeds: u64, begun: Instant) {
    let mut out = std::io::stderr();
    if out.is_terminal() {
        let done = sums.done.load(Ordering::SeqCst);
        let rate = done as f64 / begun.elapsed().as_secs_f64() * 60.0;
        let violations = sums.violations.load(Ordering::SeqCst);
        let _ = write!(
            out,
            "\r{done} of {seeds} seeds, {rate:.0} a minute, {violations} violations "
        );
    }
}

fn report(seeds: u64, outcome: &Outcome) {
    let sums = Sums::default();
    add(&sums, outcome);
    sums.done.store(seeds, Ordering::SeqCst);
    sums.violations
        .store(u64::from(outcome.violation.is_some()), Ordering::SeqCst);
    finish(&sums, Instant::now());
}

fn finish(sums: &Sums, begun: Instant) {
    let get = |number: &AtomicU64| number.load(Ordering::SeqCst);
    let kinds = sums.kinds.lock().expect("no thread panics with it");
    let line = serde_json::json!({
        "seeds": get(&sums.done),
        "violations": get(&sums.violations),
        "kinds": kinds.iter().map(|(kind, (count, seed))| (kind.clone(), serde_json::json!([count, seed]))).collect::<serde_json::Map<_, _>>(),
        "simulated_hours": get(&sums.simulated_ns) as f64 / 3.6e12,
        "trace_hash": format!("{:016x}", get(&sums.hash)),
        "turns": get(&sums.steps),
        "starts": get(&sums.starts),
        "records_acknowledged": get(&sums.acked),
        "records_read": get(&sums.read),
        "records_gone": get(&sums.gone),
        "offset_commits": get(&sums.commits),
        "seconds": begun.elapsed().as_secs_f64(),
    });
    println!("{line}");
}
