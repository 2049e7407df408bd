//! The table on a terminal, and CSV. Pure.

use std::io::Write;

use super::{Measurement, Report};
use crate::histogram::Latency;

/// Writes the table.
pub fn write(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    let settings = &report.settings;
    writeln!(
        out,
        "{}: {} partitions of {}, {} connections, {}",
        report.title(),
        settings.partitions,
        match settings.topics {
            0 | 1 => settings.topic.clone(),
            topics => format!("{topics} topics"),
        },
        settings.produce_connections + settings.consume_connections,
        settings.durability
    )?;
    write_phases(out, &report.phases)?;
    write_measurement(out, &report.main)?;
    write_rounds(out, report)?;
    if !report.generator.optimised {
        writeln!(
            out,
            "  built without optimisation: these figures say nothing (cargo run --release)"
        )?;
    }
    for broken in &report.broken_requirements {
        writeln!(out, "  required and broken: {broken}")?;
    }
    Ok(())
}

fn write_measurement(out: &mut impl Write, measurement: &Measurement) -> std::io::Result<()> {
    let incidents = &measurement.incidents;
    writeln!(
        out,
        "  {:<12} {} records in {:.2} s: {} records/s, {:.1} MB/s, {} errors",
        measurement.phase,
        thousands(measurement.records as f64),
        measurement.elapsed_seconds,
        thousands(measurement.records_per_second),
        measurement.bytes_per_second / 1e6,
        measurement.errors
    )?;
    if let Some(consumed) = &measurement.consumed {
        writeln!(
            out,
            "  {:<12} {} records: {} records/s, {:.1} MB/s",
            "consumed",
            thousands(consumed.records as f64),
            thousands(consumed.records_per_second),
            consumed.bytes_per_second / 1e6
        )?;
    }
    write_rate(out, measurement)?;
    let sustained = measurement.rate.as_ref().is_none_or(|rate| rate.sustained);
    write_latency(
        out,
        &measurement.latency_of,
        &measurement.latency_ns,
        sustained,
    )?;
    if measurement.open_loop {
        write_latency(out, "from sent", &measurement.service_ns, true)?;
    }
    write_latency(out, "end to end", &measurement.end_to_end_ns, sustained)?;
    write_broker(out, measurement)?;
    writeln!(out, "  {:<12} {}", "limited by", measurement.limited_by)?;
    if incidents.disconnects + incidents.ambiguous_records + incidents.retried_records > 0 {
        writeln!(
            out,
            "  {:<12} {} connections lost, {} records of unknown fate, {} sent again",
            "incidents",
            incidents.disconnects,
            incidents.ambiguous_records,
            incidents.retried_records
        )?;
    }
    for failure in &incidents.failures {
        writeln!(out, "  {:<12} {failure}", "failed")?;
    }
    write_verification(out, measurement)
}

/// Phases beside the main one, a line each.
fn write_phases(out: &mut impl Write, phases: &[Measurement]) -> std::io::Result<()> {
    for phase in phases {
        let rate = phase.rate.as_ref();
        write!(
            out,
            "  {:<12} {:>12} records/s",
            phase.phase,
            thousands(phase.records_per_second)
        )?;
        match rate {
            Some(rate) if !rate.sustained => {
                write!(
                    out,
                    ", {:.1} % of the rate: not kept",
                    100.0 * rate.achieved
                )?;
            }
            _ if phase.latency_ns.count == 0 => {}
            _ => {
                let latency = &phase.latency_ns;
                let (p50, p99, max) = (ms(latency.p50), ms(latency.p99), ms(latency.max));
                write!(
                    out,
                    ", {} ms: p50 {p50}  p99 {p99}  max {max}",
                    phase.latency_of
                )?;
            }
        }
        if let Some(cores) = phase.broker.cpu_cores {
            write!(out, ", broker {cores:.2} cores")?;
        }
        if phase.errors > 0 {
            write!(out, ", {} errors", phase.errors)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_rate(out: &mut impl Write, measurement: &Measurement) -> std::io::Result<()> {
    let Some(rate) = &measurement.rate else {
        return Ok(());
    };
    writeln!(
        out,
        "  {:<12} {:.2} % of {} records/s; {:.2} % of batches sent late; own delay p99 {} ms",
        "rate",
        100.0 * rate.achieved,
        thousands(rate.target),
        100.0 * rate.late,
        ms(measurement.slip_ns.p99)
    )?;
    if rate.unsent > 0 {
        writeln!(
            out,
            "  {:<12} {} batches were due and never sent",
            "", rate.unsent
        )?;
    }
    Ok(())
}

fn write_latency(
    out: &mut impl Write,
    kind: &str,
    latency: &Latency,
    sustained: bool,
) -> std::io::Result<()> {
    if latency.count == 0 {
        return Ok(());
    }
    if !sustained {
        return writeln!(
            out,
            "  {kind:<12} not told: the rate was not kept, so the queue grew and percentiles say how long the run was"
        );
    }
    writeln!(
        out,
        "  {kind:<12} ms: p50 {}  p90 {}  p99 {}  p99.9 {}  p99.99 {}  max {}  mean {:.3}",
        ms(latency.p50),
        ms(latency.p90),
        ms(latency.p99),
        ms(latency.p999),
        ms(latency.p9999),
        ms(latency.max),
        latency.mean / 1e6
    )
}

fn write_broker(out: &mut impl Write, measurement: &Measurement) -> std::io::Result<()> {
    let broker = &measurement.broker;
    if let (Some(cores), Some(rss)) = (broker.cpu_cores, broker.rss_bytes) {
        write!(
            out,
            "  {:<12} {cores:.2} cores, {:.0} MiB",
            "broker",
            rss as f64 / 1_048_576.0
        )?;
        if let Some(ns) = measurement.cost.broker_cpu_ns_per_record {
            write!(out, ", {ns:.0} ns of CPU a record")?;
        }
        if let Some(written) = broker.disk_written_bytes {
            write!(out, ", {:.1} MB written", written as f64 / 1e6)?;
        }
        if let Some(per_byte) = measurement.cost.disk_bytes_per_byte {
            write!(out, " ({per_byte:.2} x)")?;
        }
        let switches = broker
            .context_switches_voluntary
            .zip(broker.context_switches_involuntary);
        if let Some((own, forced)) = switches {
            write!(
                out,
                ", {} + {} context switches",
                thousands(own as f64),
                thousands(forced as f64)
            )?;
        }
        writeln!(out)?;
    }
    let cores = measurement
        .client
        .iter()
        .map(|core| format!("CPU {} {:.0} %", core.cpu, 100.0 * core.busy));
    let cores: Vec<_> = cores.collect();
    if cores.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {:<12} busy: {}", "generator", cores.join(", "))
}

fn write_verification(out: &mut impl Write, measurement: &Measurement) -> std::io::Result<()> {
    let Some(verdict) = &measurement.verification else {
        return Ok(());
    };
    let faults = &verdict.faults;
    match measurement.verified {
        Some(true) => writeln!(out, "  {:<12} yes", "verified"),
        _ => writeln!(
            out,
            "  {:<12} NO: {} lost, {} twice, {} out of order, {} corrupt, {} misplaced, {} offsets wrong, {} older ones again, {} partitions not read",
            "verified",
            faults.lost,
            faults.duplicated,
            faults.out_of_order,
            faults.corrupt,
            faults.misplaced,
            faults.offsets,
            faults.resurrected,
            verdict.unread_partitions
        ),
    }?;
    for detail in &verdict.details {
        writeln!(out, "  {:<12} {detail}", "")?;
    }
    Ok(())
}

fn write_rounds(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    if report.rounds.is_empty() {
        return Ok(());
    }
    let rates: Vec<_> = report
        .rounds
        .iter()
        .map(|round| round.records_per_second)
        .collect();
    let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let most = rates.iter().copied().fold(0.0, f64::max);
    let all: Vec<_> = rates.iter().map(|rate| thousands(*rate)).collect();
    writeln!(
        out,
        "  {:<12} {} records/s; the median one is above; {:.1} % between least and most",
        "rounds",
        all.join(", "),
        100.0 * (most - least) / report.main.records_per_second.max(1.0)
    )
}

/// Writes a line for each second.
pub fn write_csv(out: &mut dyn Write, report: &Report) -> std::io::Result<()> {
    writeln!(
        out,
        "second,produced_per_second,produced_bytes_per_second,consumed_per_second,consumed_bytes_per_second,\
         latency_p50_ns,latency_p99_ns,latency_p999_ns,latency_max_ns,end_to_end_p50_ns,end_to_end_p99_ns,client_busy"
    )?;
    for second in &report.main.seconds {
        let (latency, end_to_end) = (&second.latency_ns, &second.end_to_end_ns);
        writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{},{},{:.3}",
            second.second,
            second.produced,
            second.produced_bytes,
            second.consumed,
            second.consumed_bytes,
            latency.p50,
            latency.p99,
            latency.p999,
            latency.max,
            end_to_end.p50,
            end_to_end.p99,
            second.client_busy
        )?;
    }
    Ok(())
}

/// Nanoseconds as milliseconds.
pub fn ms(ns: u64) -> String {
    format!("{:.3}", ns as f64 / 1e6)
}

/// A number with a comma between its thousands, without a fraction.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && grouped != "-" {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Rate;

    fn text(report: &Report) -> String {
        let mut text = Vec::new();
        write(&mut text, report).expect("writes");
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, grouped) in [
            (0.0, "0"),
            (999.4, "999"),
            (1e6, "1,000,000"),
            (-12345.0, "-12,345"),
        ] {
            assert_eq!(thousands(number), grouped);
        }
    }

    #[test]
    fn percentiles_of_a_rate_that_was_not_kept_are_not_told() {
        let mut report = Report::default();
        report.main.latency_ns = Latency {
            p99: 5_000_000,
            count: 9,
            ..Latency::default()
        };
        report.main.open_loop = true;
        report.main.rate = Some(Rate {
            target: 1000.0,
            achieved: 0.98,
            sustained: false,
            ..Rate::default()
        });
        assert!(!text(&report).contains("p99 5.000"), "{}", text(&report));
        if let Some(rate) = &mut report.main.rate {
            rate.sustained = true;
        }
        assert!(text(&report).contains("p99 5.000"), "{}", text(&report));
    }

    #[test]
    fn csv_has_as_many_columns_in_every_line() {
        let mut report = Report::default();
        report.main.seconds = vec![Default::default(); 2];
        let mut text = Vec::new();
        write_csv(&mut text, &report).expect("writes");
        let text = String::from_utf8(text).expect("text");
        let columns: Vec<_> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(columns, [12, 12, 12]);
    }
}
