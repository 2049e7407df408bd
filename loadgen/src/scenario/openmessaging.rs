//! Workloads of the OpenMessaging Benchmark: flat YAML of names and values, made into a step. Pure.

use std::collections::BTreeMap;

use super::Step;
use crate::content::STAMP_BYTES;

/// A producer rate from which on these workloads mean "as many as go".
const MAX_RATE: f64 = 10_000_000.0;
/// What their Kafka driver's producers gather: so many bytes, or what comes in a millisecond.
const BATCH_BYTES: f64 = 131_072.0;
const LINGER_S: f64 = 0.001;

/// Names that a workload may have; those without use here are passed over.
const NAMES: &[&str] = &[
    "name",
    "topics",
    "partitionsPerTopic",
    "keyDistributor",
    "messageSize",
    "useRandomizedPayloads",
    "randomBytesRatio",
    "randomizedPayloadPoolSize",
    "payloadFile",
    "subscriptionsPerTopic",
    "producersPerTopic",
    "consumerPerSubscription",
    "producerRate",
    "consumerBacklogSizeGB",
    "backlogDrainRatio",
    "testDurationMinutes",
    "warmupDurationMinutes",
];

/// The step of a workload.
pub fn step(text: &str) -> Result<Step, String> {
    let workload = Workload(flat(text)?);
    let topics = workload.number("topics", 1.0)?;
    let size = workload.number("messageSize", 1024.0)?.max(1.0);
    let rate = workload.number("producerRate", 0.0)?;
    let producers = topics * workload.number("producersPerTopic", 1.0)?;
    let consumers = topics * workload.number("consumerPerSubscription", 1.0)?;
    let backlog = workload.number("consumerBacklogSizeGB", 0.0)?;
    let minutes = |name, default| Ok::<_, String>(60.0 * workload.number(name, default)?);
    let fixed_rate = rate > 0.0 && rate < MAX_RATE;
    let full = (BATCH_BYTES / size).max(1.0);
    let batch = match fixed_rate {
        true => (rate / producers.max(1.0) * LINGER_S).clamp(1.0, full),
        false => full,
    };
    let mut options = vec![
        format!("--topics={}", whole(topics)),
        format!(
            "--partitions={}",
            whole(workload.number("partitionsPerTopic", 1.0)?)
        ),
        format!("--record-bytes={}", whole(size)),
        format!("--connections={}", whole(producers)),
        format!("--consumers={}", whole(consumers)),
        format!(
            "--groups={}",
            whole(workload.number("subscriptionsPerTopic", 1.0)?)
        ),
        format!("--batch-records={}", whole(batch)),
        format!(
            "--duration={}s",
            whole(minutes("testDurationMinutes", 5.0)?)
        ),
        format!(
            "--warmup={}s",
            whole(minutes("warmupDurationMinutes", 1.0)?)
        ),
    ];
    workload.payload(size, &mut options)?;
    if fixed_rate {
        options.push(format!("--rate={}", whole(rate)));
    }
    let verb = match (backlog > 0.0, rate == 0.0) {
        (true, _) => {
            options.push(format!("--backlog={}GiB", whole(backlog)));
            options.extend(fixed_rate.then(|| "--keep-producing".to_owned()));
            "backlog"
        }
        (false, true) => {
            options.push("--end-to-end".to_owned());
            "search"
        }
        (false, false) => "both",
    };
    Ok(Step {
        verb: verb.to_owned(),
        options,
    })
}

/// Names and values of a file.
struct Workload(BTreeMap<String, String>);

impl Workload {
    fn number(&self, name: &str, default: f64) -> Result<f64, String> {
        let Some(text) = self.0.get(name) else {
            return Ok(default);
        };
        let number = text.replace('_', "").parse::<f64>();
        number.map_err(|_| format!("{name}: {text} is not a number"))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn payload(&self, size: f64, options: &mut Vec<String>) -> Result<(), String> {
        options.extend(self.text("name").map(|name| format!("--name={name}")));
        if size < STAMP_BYTES as f64 {
            options.push("--no-stamp".to_owned());
        }
        if self.text("useRandomizedPayloads") == Some("true") {
            let random = self.number("randomBytesRatio", 1.0)?.clamp(0.0, 1.0);
            options.push(format!("--compressible={:.3}", 1.0 - random));
        }
        let keys = match self.text("keyDistributor") {
            Some("RANDOM_NANO") => Some("uniform:1000000"),
            Some("KEY_ROUND_ROBIN") => Some("sequential:10000"),
            _ => None,
        };
        options.extend(keys.map(|keys| format!("--keys={keys}")));
        Ok(())
    }
}

fn whole(number: f64) -> String {
    format!("{:.0}", number.max(1.0))
}

/// `name: value` lines; comments, quotes and document marks are taken off.
fn flat(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = match line.find('#') {
            Some(0) => "",
            Some(at) if line[..at].ends_with(char::is_whitespace) => &line[..at],
            _ => line,
        };
        if line.trim().is_empty() || line.trim() == "---" {
            continue;
        }
        let wrong = || format!("line {}: not a name and a value of a workload", number + 1);
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        if name.starts_with(char::is_whitespace) || !NAMES.contains(&name.trim()) {
            return Err(format!(
                "line {}: {} is no field of a workload",
                number + 1,
                name.trim()
            ));
        }
        let value = value.trim().trim_matches(['"', '\'']);
        values.insert(name.trim().to_owned(), value.to_owned());
    }
    match values.is_empty() {
        true => Err("no workload in it".to_owned()),
        false => Ok(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Arguments;
    use clap::Parser;

    fn made(text: &str) -> (String, Vec<String>) {
        let step = step(text).expect("a workload");
        let mut line = vec!["pelton-loadgen".to_owned(), step.verb.clone()];
        line.extend(step.options.iter().cloned());
        Arguments::try_parse_from(line).expect("a command line");
        (step.verb, step.options)
    }

    #[test]
    fn a_fixed_rate_becomes_both() {
        let text = "# a comment\nname: one topic\ntopics: 1\npartitionsPerTopic: 16\nmessageSize: 1024\nuseRandomizedPayloads: true\nrandomBytesRatio: 0.5\nkeyDistributor: \"NO_KEY\"\nsubscriptionsPerTopic: 2\nconsumerPerSubscription: 4\nproducersPerTopic: 4\nproducerRate: 200000   # a second\nconsumerBacklogSizeGB: 0\ntestDurationMinutes: 5\n";
        let (verb, options) = made(text);
        assert_eq!(verb, "both");
        for option in [
            "--rate=200000",
            "--batch-records=50",
            "--groups=2",
            "--consumers=4",
            "--duration=300s",
            "--warmup=60s",
            "--compressible=0.500",
        ] {
            assert!(
                options.iter().any(|given| given == option),
                "{option}: {options:?}"
            );
        }
    }

    #[test]
    fn no_rate_is_a_search_and_a_huge_one_a_closed_loop() {
        assert_eq!(made("topics: 3\nproducerRate: 0").0, "search");
        let (verb, options) = made("topics: 100\nmessageSize: 100\nproducerRate: 10000000");
        assert_eq!(verb, "both");
        assert!(!options.iter().any(|option| option.starts_with("--rate")));
        assert!(
            options.contains(&"--batch-records=1311".to_owned()),
            "{options:?}"
        );
        let (verb, options) = made("producerRate: 100000\nconsumerBacklogSizeGB: 100");
        assert_eq!(verb, "backlog");
        assert!(options.contains(&"--keep-producing".to_owned()));
    }

    #[test]
    fn what_is_no_workload_is_told() {
        for text in [
            "",
            "topics",
            "unknown: 3",
            "topics: many",
            "topics: 1\n  nested: 2",
        ] {
            assert!(step(text).is_err(), "{text}");
        }
    }
}
