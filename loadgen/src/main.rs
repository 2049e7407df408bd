//! `pelton-loadgen`: drives, measures and checks any broker that speaks Kafka's protocol.
//!
//! It must outrun what it measures and never flatter it: load comes from pinned cores that wait for nothing but sockets and due
//! times, latency counts from when a request was due, and the report says when this program was the limit.
//!
//! | module | what it is the only home of |
//! |---|---|
//! | [`args`] | the command line |
//! | [`scenario`] | steps and workloads out of files |
//! | [`verbs`] | what each verb runs, and the report it makes of that |
//! | [`run`] | load: cores, connections, counting |
//! | [`client`] | talking to a broker before and after a run |
//! | [`schedule`], [`payload`], [`content`], [`random`] | when batches are due, what records look like, batches that are stamped in place |
//! | [`keys`] | which key each record has |
//! | [`verify`] | was everything kept |
//! | [`histogram`] | distributions of durations |
//! | [`host`], [`observe`], [`clock`] | this machine, the broker's process, time |
//! | [`report`], [`compare`], [`live`], [`kafka_output`] | results: told, compared, and while they come |
//! | [`sink`] | a broker that keeps nothing, to measure this program |

mod args;
mod client;
mod clock;
mod compare;
mod content;
mod histogram;
mod host;
mod kafka_output;
mod keys;
mod live;
mod observe;
mod payload;
mod random;
mod report;
mod run;
mod scenario;
mod schedule;
mod sink;
mod verbs;
mod verify;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use verbs::CommandError;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments.command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nobody to tell it to is no reason to say it went well.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            match error {
                CommandError::Usage(_) | CommandError::Requirement(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// Runs a command; whether all went well.
fn run(command: &Command) -> Result<bool, CommandError> {
    match command {
        Command::Scenario(scenario) => scenario::run(scenario),
        Command::Compare(compare) => compare::run(compare),
        Command::Report(report) => report::pages(report),
        Command::Sink(sink) => sink::run(sink),
        measuring => {
            let result = verbs::run(measuring)?;
            verbs::bench::tell(&result.report, &result.output)?;
            Ok(result.is_good())
        }
    }
}
