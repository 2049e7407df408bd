//! `scenario`: steps out of a TOML file, or a workload of the OpenMessaging Benchmark. Steps are command lines in another dress: their
//! options are those of the verbs, read by the same definitions.

mod openmessaging;

use std::path::Path;

use clap::{CommandFactory, Parser};
use toml::{Table, Value};

use crate::args::{Arguments, ScenarioArgs};
use crate::report::Report;
use crate::report::files::{FileError, write, write_json};
use crate::report::html;
use crate::verbs::{self, CommandError};

/// Verbs that a step may have.
const VERBS: &[&str] = &[
    "produce", "consume", "both", "backlog", "chase", "churn", "search", "verify",
];

/// One step: its verb and its options, as on a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    verb: String,
    options: Vec<String>,
}

/// Runs the command.
pub fn run(args: &ScenarioArgs) -> Result<bool, CommandError> {
    let text = std::fs::read_to_string(&args.file).map_err(|error| FileError {
        path: args.file.clone(),
        reason: error.to_string(),
    })?;
    let unusable =
        |reason: String| CommandError::Usage(format!("{}: {reason}", args.file.display()));
    let extension = args
        .file
        .extension()
        .and_then(|extension| extension.to_str());
    let steps = match extension {
        Some("yaml" | "yml") => openmessaging::step(&text).map(|step| vec![step]),
        _ => steps(&text),
    };
    let mut good = true;
    let mut reports: Vec<Report> = Vec::new();
    let lines = steps
        .map_err(unusable)?
        .into_iter()
        .map(|step| command_line(step, args));
    for line in lines.collect::<Vec<_>>() {
        let parsed =
            Arguments::try_parse_from(&line).map_err(|error| unusable(error.to_string()))?;
        let outcome = verbs::run(&parsed.command)?;
        // With all results on standard output there is no room for tables.
        if args.json.as_deref() != Some(Path::new("-")) {
            verbs::bench::tell(&outcome.report, &outcome.output)?;
        }
        good &= outcome.is_good();
        reports.push(outcome.report);
    }
    if let Some(path) = &args.json {
        write_json(path, &reports)?;
    }
    if let Some(path) = &args.html {
        write(path, |out| html::write(out, &reports))?;
    }
    Ok(good)
}

/// Options given later win over earlier ones.
fn command_line(step: Step, args: &ScenarioArgs) -> Vec<String> {
    let mut line = vec!["pelton-loadgen".to_owned(), step.verb];
    line.extend(step.options);
    if let Some(bootstrap) = &args.bootstrap {
        line.push(format!("--bootstrap={bootstrap}"));
    }
    line.extend(args.more.iter().cloned());
    line
}

/// The steps of a TOML file.
fn steps(text: &str) -> Result<Vec<Step>, String> {
    let mut all: Table = text
        .parse()
        .map_err(|error: toml::de::Error| error.to_string())?;
    let steps = match all.remove("step") {
        Some(Value::Array(steps)) => steps,
        _ => return Err("a scenario has [[step]] tables".to_owned()),
    };
    let mut made = Vec::new();
    for (number, step) in steps.into_iter().enumerate() {
        let wrong = |reason: &str| format!("step {}: {reason}", number + 1);
        let Value::Table(mut own) = step else {
            return Err(wrong("not a table"));
        };
        let verb = match own.remove("verb") {
            Some(Value::String(verb)) if VERBS.contains(&verb.as_str()) => verb,
            _ => return Err(wrong(&format!("verb must be one of {}", VERBS.join(", ")))),
        };
        let mut options = Vec::new();
        let shared = all
            .iter()
            .filter(|(name, _)| has_option(&verb, name) && !own.contains_key(*name));
        for (name, value) in shared.chain(&own) {
            put_option(&mut options, name, value).map_err(|reason| wrong(&reason))?;
        }
        made.push(Step { verb, options });
    }
    Ok(made)
}

fn has_option(verb: &str, name: &str) -> bool {
    let command = Arguments::command();
    let name = name.replace('_', "-");
    let verb = command.find_subcommand(verb);
    verb.is_some_and(|verb| {
        verb.get_arguments()
            .any(|argument| argument.get_long() == Some(&name))
    })
}

fn put_option(options: &mut Vec<String>, name: &str, value: &Value) -> Result<(), String> {
    let flag = format!("--{}", name.replace('_', "-"));
    let mut put = |value: String| options.push(format!("{flag}={value}"));
    match value {
        Value::Boolean(true) => options.push(flag),
        Value::Boolean(false) => {}
        Value::String(text) => put(text.clone()),
        Value::Integer(number) => put(number.to_string()),
        Value::Float(number) => put(number.to_string()),
        Value::Array(values) => {
            for value in values {
                put_option(options, name, value)?;
            }
        }
        Value::Datetime(_) | Value::Table(_) => {
            return Err(format!(
                "{name}: write a string, a number, true or false, or an array of them"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_take_what_is_for_all_where_their_verb_has_it() {
        let text = "
            bootstrap = \"broker:9092\"
            partitions = 8
            record_bytes = 200
            [[step]]
            verb = \"produce\"
            rate = \"500k\"
            partitions = 4
            topic-config = [\"a=1\", \"b=2\"]
            [[step]]
            verb = \"consume\"
            verify = true
            quiet = false
        ";
        let steps = steps(text).expect("a scenario");
        let expected = [
            "--bootstrap=broker:9092",
            "--record-bytes=200",
            "--partitions=4",
            "--rate=500k",
            "--topic-config=a=1",
            "--topic-config=b=2",
        ];
        assert_eq!(steps[0].options, expected);
        assert_eq!(
            steps[1].options,
            ["--bootstrap=broker:9092", "--partitions=8", "--verify"]
        );
        for step in steps {
            let args = ScenarioArgs {
                file: Default::default(),
                bootstrap: Some("other:1".to_owned()),
                json: None,
                html: None,
                more: vec!["--duration".to_owned(), "1s".to_owned()],
            };
            Arguments::try_parse_from(command_line(step, &args)).expect("a command line");
        }
    }

    #[test]
    fn what_is_no_scenario_is_told() {
        for (text, said) in [
            ("x", "TOML"),
            ("partitions = 3", "[[step]]"),
            ("[[step]]\nverb = \"sink\"", "verb must be one of"),
            ("[[step]]\nverb = \"produce\"\n[step.rate]\nx = 1", "rate"),
        ] {
            let error = steps(text).expect_err(text);
            assert!(error.contains(said), "{error}");
        }
    }
}
