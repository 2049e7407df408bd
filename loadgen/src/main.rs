//! `pelton-loadgen`: drives any broker that speaks Kafka's protocol, and checks that it kept what it acknowledged.
//!
//! Plain threads and blocking sockets, so that what is measured is the broker. It never retries: a refused or lost request is an
//! error of the run.
//!
//! | module | what it is the only home of |
//! |---|---|
//! | [`args`] | the command line |
//! | [`client`] | connections, requests and answers |
//! | [`topic`] | creation, who leads what, offsets, which connection takes which partitions |
//! | [`content`] | what a record holds, and the prebuilt batches of them |
//! | [`check`] | whether a partition's bytes are what was produced |
//! | [`produce`], [`consume`] | the commands |
//! | [`report`] | what is counted and how it is told |

mod args;
mod check;
mod client;
mod consume;
mod content;
mod produce;
mod report;
mod topic;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    let json = arguments.command.target().json;
    let outcome = run(&arguments.command);
    let told = match &outcome {
        Ok(report) => report.write(&mut std::io::stdout().lock(), json),
        Err(error) => writeln!(std::io::stderr(), "error: {error}"),
    };
    match outcome {
        Ok(report) if told.is_ok() && report.is_good() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn run(command: &args::Command) -> Result<report::Report, Box<dyn std::error::Error>> {
    Ok(match command {
        args::Command::Produce(produce) => produce::run(produce)?,
        args::Command::Consume(consume) => consume::run(consume)?,
        args::Command::Verify(verify) => consume::run_verify(verify)?,
    })
}
