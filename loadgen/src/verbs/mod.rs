//! The verbs that run load: each makes phases of its options, runs them, and makes a report of what came of them.
//!
//! | module | verbs |
//! |---|---|
//! | [`bench`] | what they share: cores, observer, progress, reports |
//! | [`load`] | options into loads |
//! | [`produce`] | produce |
//! | [`consume`] | consume, verify |
//! | [`both`] | both, backlog, chase |
//! | [`search`] | search |
//! | [`churn`] | churn |

pub mod bench;
pub mod both;
pub mod churn;
pub mod consume;
pub mod load;
pub mod produce;
pub mod search;

use thiserror::Error;

use crate::args::{Command, MeasureArgs, OutputArgs};

use crate::client::kafka::ClientError;
use crate::payload::PayloadError;
use crate::report::Report;
use crate::report::files::FileError;
use crate::report::requirements::RequirementError;
use crate::run::RunError;

/// Why a command could not run, or not to its end.
#[derive(Debug, Error)]
pub enum CommandError {
    /// No answer, or a refusal.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A phase.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Values out of a file.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// Results.
    #[error(transparent)]
    File(#[from] FileError),
    /// A requirement.
    #[error(transparent)]
    Requirement(#[from] RequirementError),
    /// Options that do not go together, or a file that says what cannot be; in words.
    #[error("{0}")]
    Usage(String),
}

/// What came of a command, and how it is to be told.
pub struct Outcome {
    /// The result.
    pub report: Report,
    /// In which forms.
    pub output: OutputArgs,
    expect_faults: bool,
}

impl Outcome {
    fn new(report: Report, measure: &MeasureArgs, output: &OutputArgs) -> Self {
        Self {
            report,
            output: output.clone(),
            expect_faults: measure.expect_faults,
        }
    }

    /// Whether all went well.
    pub fn is_good(&self) -> bool {
        self.report.is_good(self.expect_faults)
    }
}

/// Runs a verb that measures.
pub fn run(command: &Command) -> Result<Outcome, CommandError> {
    let outcome = match command {
        Command::Produce(args) => Outcome::new(produce::run(args)?, &args.measure, &args.output),
        Command::Consume(args) => Outcome::new(consume::run(args)?, &args.measure, &args.output),
        Command::Both(args) => Outcome::new(both::run(args)?, &args.measure, &args.output),
        Command::Backlog(args) => {
            let report = both::run_backlog(args)?;
            Outcome::new(report, &args.both.measure, &args.both.output)
        }
        Command::Chase(args) => {
            let report = both::run_chase(args)?;
            Outcome::new(report, &args.both.measure, &args.both.output)
        }
        Command::Verify(args) => {
            let report = consume::run_verify(args)?;
            Outcome::new(report, &args.consume.measure, &args.consume.output)
        }
        Command::Churn(args) => Outcome::new(churn::run(args)?, &args.measure, &args.output),
        Command::Search(args) => {
            let report = search::run(args)?;
            Outcome::new(report, &args.both.measure, &args.both.output)
        }
        Command::Scenario(_) | Command::Compare(_) | Command::Report(_) | Command::Sink(_) => {
            return Err(CommandError::Usage(
                "this verb measures nothing by itself".to_owned(),
            ));
        }
    };
    Ok(outcome)
}
