//! `compare`: two results side by side, what moved, and whether that can be told from chance. Pure but for reading and writing files.

use std::collections::BTreeMap;
use std::io::Write;

use crate::args::CompareArgs;
use crate::report::files::{read, write};
use crate::report::text::{ms, thousands};
use crate::report::{Measurement, Report, Round, html};
use crate::verbs::CommandError;

/// A difference is significant if chance alone makes one like it less often than this.
const SIGNIFICANT: f64 = 0.05;
/// Rounds of each result from which on chance can be told: with fewer no difference is significant.
const ROUNDS_MIN: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    More,
    Less,
}

/// A figure that both results have.
struct Figure {
    name: &'static str,
    better: Better,
    of: fn(&Measurement) -> Option<f64>,
    of_round: Option<fn(&Round) -> f64>,
    told: fn(f64) -> String,
}

fn ms_of(ns: f64) -> String {
    ms(ns as u64)
}

fn two_digits(value: f64) -> String {
    format!("{value:.2}")
}

fn some(ns: u64) -> Option<f64> {
    (ns > 0).then_some(ns as f64)
}

const FIGURES: &[Figure] = &[
    Figure {
        name: "records/s",
        better: Better::More,
        of: |measurement| Some(measurement.records_per_second),
        of_round: Some(|round| round.records_per_second),
        told: thousands,
    },
    Figure {
        name: "MB/s",
        better: Better::More,
        of: |measurement| Some(measurement.bytes_per_second / 1e6),
        of_round: Some(|round| round.bytes_per_second / 1e6),
        told: two_digits,
    },
    Figure {
        name: "latency p50, ms",
        better: Better::Less,
        of: |measurement| some(measurement.latency_ns.p50),
        of_round: Some(|round| round.latency_ns.p50 as f64),
        told: ms_of,
    },
    Figure {
        name: "latency p99, ms",
        better: Better::Less,
        of: |measurement| some(measurement.latency_ns.p99),
        of_round: Some(|round| round.latency_ns.p99 as f64),
        told: ms_of,
    },
    Figure {
        name: "latency p99.9, ms",
        better: Better::Less,
        of: |measurement| some(measurement.latency_ns.p999),
        of_round: Some(|round| round.latency_ns.p999 as f64),
        told: ms_of,
    },
    Figure {
        name: "latency p99.99, ms",
        better: Better::Less,
        of: |measurement| some(measurement.latency_ns.p9999),
        of_round: None,
        told: ms_of,
    },
    Figure {
        name: "latency max, ms",
        better: Better::Less,
        of: |measurement| some(measurement.latency_ns.max),
        of_round: None,
        told: ms_of,
    },
    Figure {
        name: "end to end p50, ms",
        better: Better::Less,
        of: |measurement| some(measurement.end_to_end_ns.p50),
        of_round: Some(|round| round.end_to_end_ns.p50 as f64),
        told: ms_of,
    },
    Figure {
        name: "end to end p99, ms",
        better: Better::Less,
        of: |measurement| some(measurement.end_to_end_ns.p99),
        of_round: Some(|round| round.end_to_end_ns.p99 as f64),
        told: ms_of,
    },
    Figure {
        name: "broker, cores",
        better: Better::Less,
        of: |measurement| measurement.broker.cpu_cores,
        of_round: None,
        told: two_digits,
    },
    Figure {
        name: "broker CPU, ns/record",
        better: Better::Less,
        of: |measurement| measurement.cost.broker_cpu_ns_per_record,
        of_round: None,
        told: thousands,
    },
    Figure {
        name: "broker memory, MiB",
        better: Better::Less,
        of: |measurement| {
            measurement
                .broker
                .rss_bytes
                .map(|bytes| bytes as f64 / 1_048_576.0)
        },
        of_round: None,
        told: thousands,
    },
    Figure {
        name: "disk bytes a byte",
        better: Better::Less,
        of: |measurement| measurement.cost.disk_bytes_per_byte,
        of_round: None,
        told: two_digits,
    },
];

/// What is said of a difference.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Significance {
    /// Too few rounds to tell.
    Unknown,
    /// How often chance alone makes such a difference.
    Chance(f64),
}

/// Runs the command.
pub fn run(args: &CompareArgs) -> Result<bool, CommandError> {
    let (before, after) = (read(&args.before)?, read(&args.after)?);
    let (Some(first), Some(second)) = (before.first(), after.first()) else {
        return Ok(false);
    };
    let mut worse = false;
    write(std::path::Path::new("-"), |out| {
        worse = table(out, first, second)?;
        Ok(())
    })?;
    if let Some(path) = &args.html {
        let both = [first.clone(), second.clone()];
        write(path, |out| html::write(out, &both))?;
    }
    Ok(!(worse && args.fail_if_worse))
}

/// Writes the table; whether the second result is significantly worse in any figure that has rounds.
fn table(out: &mut dyn Write, before: &Report, after: &Report) -> std::io::Result<bool> {
    writeln!(out, "before: {}", before.title())?;
    writeln!(out, "after:  {}", after.title())?;
    for (name, was, is) in unlike(before, after) {
        writeln!(out, "  not alike: {name} was {was}, is {is}")?;
    }
    writeln!(out, "{:<24}{:>16}{:>16}{:>10}", "", "before", "after", "")?;
    let mut any_worse = false;
    for figure in FIGURES {
        let (Some(was), Some(is)) = ((figure.of)(&before.main), (figure.of)(&after.main)) else {
            continue;
        };
        let change = match was {
            0.0 => 0.0,
            was => 100.0 * (is - was) / was,
        };
        let significance = significance(figure, before, after);
        let better = match figure.better {
            Better::More => is > was,
            Better::Less => is < was,
        };
        let judged = match significance {
            Significance::Chance(chance) if chance < SIGNIFICANT => {
                any_worse |= !better;
                let word = if better { "better" } else { "worse" };
                format!("{word} (chance {chance:.3})")
            }
            Significance::Chance(chance) => format!("may be chance ({chance:.2})"),
            Significance::Unknown => String::new(),
        };
        let (was, is) = ((figure.told)(was), (figure.told)(is));
        writeln!(
            out,
            "{:<24}{was:>16}{is:>16}{change:>+9.1} %  {judged}",
            figure.name
        )?;
    }
    if before.rounds.len() < ROUNDS_MIN || after.rounds.len() < ROUNDS_MIN {
        writeln!(
            out,
            "chance is not judged: that takes --rounds {ROUNDS_MIN} or more of each (here {} and {})",
            before.rounds.len().max(1),
            after.rounds.len().max(1)
        )?;
    }
    Ok(any_worse)
}

fn significance(figure: &Figure, before: &Report, after: &Report) -> Significance {
    let Some(of) = figure.of_round else {
        return Significance::Unknown;
    };
    if before.rounds.len() < ROUNDS_MIN || after.rounds.len() < ROUNDS_MIN {
        return Significance::Unknown;
    }
    let values = |report: &Report| report.rounds.iter().map(of).collect::<Vec<_>>();
    Significance::Chance(rank_sum_chance(&values(before), &values(after)))
}

/// How often two samples of one distribution lie as far apart as these, by the ranks of their values (Mann and Whitney's test, exact,
/// two-sided). Equal values count half each way.
fn rank_sum_chance(a: &[f64], b: &[f64]) -> f64 {
    // Twice the count of pairs in which a is above b, so that halves are whole numbers.
    let above = |x: &f64, y: &f64| match x.total_cmp(y) {
        std::cmp::Ordering::Greater => 2,
        std::cmp::Ordering::Equal => 1,
        std::cmp::Ordering::Less => 0,
    };
    let twice: usize = a
        .iter()
        .map(|x| b.iter().map(|y| above(x, y)).sum::<usize>())
        .sum();
    let pairs = a.len() * b.len();
    // The rarer side; an odd count lies between two whole ones: the nearer to the middle is taken.
    let extreme = twice.min(2 * pairs - twice).div_ceil(2);
    let ways = rank_sums(a.len(), b.len());
    let all: f64 = ways.iter().sum();
    let as_rare: f64 = ways[..=extreme.min(pairs)].iter().sum();
    (2.0 * as_rare / all).min(1.0)
}

/// In how many ways `n` and `m` distinct values can lie so that a given number of pairs has the first above the second.
fn rank_sums(n: usize, m: usize) -> Vec<f64> {
    // The largest value is one of the first (above all m of the others) or one of the others.
    let mut table: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
    for i in 0..=n {
        for j in 0..=m {
            let mut ways = vec![0.0; i * j + 1];
            if i == 0 || j == 0 {
                ways[0] = 1.0;
            } else {
                for (pairs, count) in table[&(i - 1, j)].iter().enumerate() {
                    ways[pairs + j] += count;
                }
                for (pairs, count) in table[&(i, j - 1)].iter().enumerate() {
                    ways[pairs] += count;
                }
            }
            table.insert((i, j), ways);
        }
    }
    table.remove(&(n, m)).unwrap_or_default()
}

/// Settings in which the two differ: what makes a comparison one of other things than it seems.
fn unlike(before: &Report, after: &Report) -> Vec<(String, String, String)> {
    let flat = |report: &Report| -> BTreeMap<String, String> {
        let settings = &report.settings;
        let mut all: BTreeMap<String, String> = [
            ("durability", settings.durability.clone()),
            ("topics", settings.topics.to_string()),
            ("partitions", settings.partitions.to_string()),
            (
                "connections",
                format!(
                    "{} + {}",
                    settings.produce_connections, settings.consume_connections
                ),
            ),
            ("machine", report.machine.line()),
            ("verb", report.command.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let options = settings.produce.iter().chain(&settings.consume);
        all.extend(options.map(|(name, value)| (name.clone(), value.clone())));
        all
    };
    let (before, after) = (flat(before), flat(after));
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let value =
        |of: &BTreeMap<String, String>, name: &str| of.get(name).cloned().unwrap_or("-".to_owned());
    let differing = names.into_iter().filter_map(|name| {
        let (was, is) = (value(&before, name), value(&after, name));
        (was != is).then(|| (name.clone(), was, is))
    });
    differing.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rates: &[f64]) -> Report {
        let round = |&records_per_second: &f64| Round {
            records_per_second,
            ..Round::default()
        };
        let mut report = Report {
            rounds: rates.iter().map(round).collect(),
            ..Report::default()
        };
        report.main.records_per_second = rates[rates.len() / 2];
        report
    }

    fn text(before: &Report, after: &Report) -> (String, bool) {
        let mut out = Vec::new();
        let worse = table(&mut out, before, after).expect("writes");
        (String::from_utf8(out).expect("text"), worse)
    }

    #[test]
    fn the_exact_chances_are_those_of_the_tables() {
        // Published critical values: 5 and 5, U <= 2 is p <= 0.05 and U = 3 is not; 4 and 4, U = 0 is p = 2/70.
        let low = [1.0, 2.0, 3.0, 4.0];
        let high = [5.0, 6.0, 7.0, 8.0];
        assert!((rank_sum_chance(&low, &high) - 2.0 / 70.0).abs() < 1e-9);
        assert!((rank_sum_chance(&high, &low) - 2.0 / 70.0).abs() < 1e-9);
        let five = [1.0, 2.0, 3.0, 4.0, 7.0];
        assert!(rank_sum_chance(&five, &[5.0, 6.0, 8.0, 9.0, 10.0]) < 0.05);
        let mixed = [1.0, 2.0, 3.0, 6.0, 7.0];
        assert!(rank_sum_chance(&mixed, &[4.0, 5.0, 8.0, 9.0, 10.0]) > 0.05);
        assert_eq!(rank_sum_chance(&low, &low), 1.0);
    }

    #[test]
    fn what_is_significantly_worse_is_told() {
        let before = report(&[10.0, 11.0, 12.0, 13.0, 14.0]);
        let (table, worse) = text(&before, &report(&[5.0, 6.0, 7.0, 8.0, 9.0]));
        assert!(worse && table.contains("worse (chance 0.008)"), "{table}");
        let (table, worse) = text(&before, &report(&[10.5, 11.5, 12.5, 9.0, 13.5]));
        assert!(!worse && table.contains("may be chance"), "{table}");
        let (table, worse) = text(&report(&[10.0]), &report(&[5.0]));
        assert!(!worse && table.contains("chance is not judged"), "{table}");
    }

    #[test]
    fn unequal_settings_are_told() {
        let (before, mut after) = (report(&[1.0]), report(&[1.0]));
        after.settings.durability = "page cache".to_owned();
        assert!(
            text(&before, &after)
                .0
                .contains("not alike: durability was , is page cache")
        );
    }
}
