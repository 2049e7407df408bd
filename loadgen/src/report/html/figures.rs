//! The tables of figures: one column a result, one row a phase. Pure.

use std::io::Write;

use super::{Cell, plain, row, table_head};
use crate::histogram::Latency;
use crate::report::svg::escape;
use crate::report::text::{ms, thousands};
use crate::report::{Measurement, Report};

const MIB: f64 = 1_048_576.0;

/// A row: its name, and its cell of a result.
type Row = (&'static str, fn(&Report) -> Cell);

const ROWS: &[Row] = &[
    ("records/s", |report| {
        plain(thousands(report.main.records_per_second))
    }),
    ("MB/s", |report| {
        plain(format!("{:.1}", report.main.bytes_per_second / 1e6))
    }),
    ("consumed, records/s", |report| {
        let consumed = report.main.consumed.as_ref();
        optional(
            consumed.map(|consumed| consumed.records_per_second),
            thousands,
        )
    }),
    ("rate kept", |report| match &report.main.rate {
        None => plain(""),
        Some(rate) => {
            let class = if rate.sustained { "" } else { "bad" };
            (
                format!(
                    "{:.2} % of {}",
                    100.0 * rate.achieved,
                    thousands(rate.target)
                ),
                class,
            )
        }
    }),
    ("latency p50, ms", |report| {
        latency(report, |latency| latency.p50)
    }),
    ("p90", |report| latency(report, |latency| latency.p90)),
    ("p99", |report| latency(report, |latency| latency.p99)),
    ("p99.9", |report| latency(report, |latency| latency.p999)),
    ("p99.99", |report| latency(report, |latency| latency.p9999)),
    ("max", |report| latency(report, |latency| latency.max)),
    ("end to end p50, ms", |report| {
        end_to_end(report, |latency| latency.p50)
    }),
    ("end to end p99, ms", |report| {
        end_to_end(report, |latency| latency.p99)
    }),
    ("generator's own delay p99, ms", |report| {
        match report.main.slip_ns.count {
            0 => plain(""),
            _ => plain(ms(report.main.slip_ns.p99)),
        }
    }),
    ("broker, cores", |report| {
        optional(report.main.broker.cpu_cores, |cores| format!("{cores:.2}"))
    }),
    ("broker CPU, ns a record", |report| {
        optional(report.main.cost.broker_cpu_ns_per_record, thousands)
    }),
    ("records for a broker core second", |report| {
        optional(report.main.cost.records_per_broker_core_second, thousands)
    }),
    ("broker memory, MiB", |report| {
        optional(
            report.main.broker.rss_bytes.map(|bytes| bytes as f64 / MIB),
            thousands,
        )
    }),
    ("written to disk, MB", |report| {
        optional(
            report
                .main
                .broker
                .disk_written_bytes
                .map(|bytes| bytes as f64 / 1e6),
            thousands,
        )
    }),
    ("disk bytes a byte produced", |report| {
        optional(report.main.cost.disk_bytes_per_byte, |share| {
            format!("{share:.2}")
        })
    }),
    ("context switches (own + forced)", |report| {
        let broker = &report.main.broker;
        let both = broker
            .context_switches_voluntary
            .zip(broker.context_switches_involuntary);
        plain(both.map_or_else(String::new, |(own, forced)| {
            format!("{} + {}", thousands(own as f64), thousands(forced as f64))
        }))
    }),
    ("generator's busiest core", |report| {
        let busiest = report
            .main
            .client
            .iter()
            .map(|core| core.busy)
            .fold(0.0, f64::max);
        plain(format!("{:.0} %", 100.0 * busiest))
    }),
    ("limited by the generator", |report| {
        match report.main.client_limited {
            true => ("yes".to_owned(), "bad"),
            false => plain("no"),
        }
    }),
    ("errors", |report| {
        let class = if report.main.errors > 0 { "bad" } else { "" };
        (thousands(report.main.errors as f64), class)
    }),
    ("verified", |report| match report.main.verified {
        None => plain(""),
        Some(true) => ("yes".to_owned(), "good"),
        Some(false) => ("NO".to_owned(), "bad"),
    }),
    ("rounds, records/s", |report| {
        let rounds = report
            .rounds
            .iter()
            .map(|round| thousands(round.records_per_second));
        plain(rounds.collect::<Vec<_>>().join(" · "))
    }),
];

/// Writes the table of all results.
pub fn write(out: &mut dyn Write, reports: &[Report]) -> std::io::Result<()> {
    writeln!(out, "<h2>Figures</h2>")?;
    write!(out, "<div class=\"wide\">")?;
    table_head(out, reports)?;
    for (name, of) in ROWS {
        let cells: Vec<_> = reports.iter().map(of).collect();
        // A row that says nothing of any result is left out.
        if cells.iter().any(|(text, _)| !text.is_empty()) {
            row(out, name, cells)?;
        }
    }
    writeln!(out, "</table></div>")
}

/// Writes the table of a result's phases.
pub fn write_phases(out: &mut dyn Write, report: &Report) -> std::io::Result<()> {
    if report.phases.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<h2>Phases of {}</h2><div class=\"wide\"><table><tr><th></th><th>records/s</th><th>of the rate</th>\
         <th>p50, ms</th><th>p99</th><th>p99.9</th><th>max</th><th>broker, cores</th><th>errors</th></tr>",
        escape(&report.title())
    )?;
    for phase in report.phases.iter().chain([&report.main]) {
        let latency = &phase.latency_ns;
        let rate = phase.rate.as_ref().map_or(plain(""), |rate| {
            let class = if rate.sustained { "" } else { "bad" };
            (format!("{:.1} %", 100.0 * rate.achieved), class)
        });
        let cells = [
            plain(thousands(phase.records_per_second)),
            rate,
            plain(percentile(phase, latency.p50)),
            plain(percentile(phase, latency.p99)),
            plain(percentile(phase, latency.p999)),
            plain(percentile(phase, latency.max)),
            optional(phase.broker.cpu_cores, |cores| format!("{cores:.2}")),
            plain(thousands(phase.errors as f64)),
        ];
        row(out, &phase.phase, cells)?;
    }
    writeln!(out, "</table></div>")
}

/// A percentile, or a dash where the rate was not kept: then it says only how long the run was.
pub fn percentile(measurement: &Measurement, ns: u64) -> String {
    match measurement.rate.as_ref().is_none_or(|rate| rate.sustained) {
        true => ms(ns),
        false => "–".to_owned(),
    }
}

fn latency(report: &Report, of: fn(&Latency) -> u64) -> Cell {
    shown(&report.main, &report.main.latency_ns, of)
}

fn end_to_end(report: &Report, of: fn(&Latency) -> u64) -> Cell {
    shown(&report.main, &report.main.end_to_end_ns, of)
}

fn shown(measurement: &Measurement, latency: &Latency, of: fn(&Latency) -> u64) -> Cell {
    match latency.count {
        0 => plain(""),
        _ => plain(percentile(measurement, of(latency))),
    }
}

fn optional(value: Option<f64>, told: impl Fn(f64) -> String) -> Cell {
    plain(value.map(told).unwrap_or_default())
}
