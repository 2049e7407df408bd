//! The plots of results, drawn over one another. Pure.

use std::io::Write;

use crate::histogram::Durations;
use crate::report::svg::{Axis, COLOURS, Line, Scale, chart, escape};
use crate::report::text::thousands;
use crate::report::{Measurement, Report};
use crate::run::collect::Second;

/// Points of a line over time at most.
const TIME_POINTS_MAX: usize = 600;
/// Points of a distribution for each power of ten.
const POINTS_PER_DECADE: u32 = 40;

const RATE: Axis<'_> = Axis {
    label: "records/s",
    scale: Scale::Linear,
    tick: short,
    step_min: 0.0,
};
const LATENCY: Axis<'_> = Axis {
    label: "ms",
    scale: Scale::Log,
    tick: ms_tick,
    step_min: 0.0,
};
const TIME: Axis<'_> = Axis {
    label: "seconds; the warm-up is before 0",
    scale: Scale::Linear,
    tick: thousands,
    step_min: 1.0,
};
const PERCENTILE: Axis<'_> = Axis {
    label: "percentile",
    scale: Scale::Log,
    tick: percentile_tick,
    step_min: 0.0,
};

fn legend(out: &mut dyn Write, lines: &[Line]) -> std::io::Result<()> {
    write!(out, "<div class=\"legend\">")?;
    for line in lines {
        let dashed = if line.dashed { " dashed" } else { "" };
        write!(
            out,
            "<span><svg viewBox=\"0 0 26 10\"><path class=\"line c{}{dashed}\" d=\"M1 5L25 5\"/></svg>{}</span>",
            line.colour % COLOURS,
            escape(&line.name)
        )?;
    }
    writeln!(out, "</div>")
}

fn plot(
    out: &mut dyn Write,
    (title, said): (&str, &str),
    (x, y): (Axis<'_>, Axis<'_>),
    lines: &[Line],
) -> std::io::Result<()> {
    if lines.iter().all(|line| line.points.len() < 2) {
        return Ok(());
    }
    writeln!(
        out,
        "<h2>{}</h2><p>{}</p>{}",
        escape(title),
        escape(said),
        chart(title, x, y, lines)
    )?;
    legend(out, lines)
}

fn ms_tick(value: f64) -> String {
    match value {
        value if value >= 1.0 || value == 0.0 => thousands(value),
        value => format!("{value}"),
    }
}

/// Of "one in so many": 1 is 0 %, 10 is 90 %, 100 is 99 %.
fn percentile_tick(one_in: f64) -> String {
    let decimals = (one_in.log10().ceil() as usize).saturating_sub(2);
    format!("{:.decimals$} %", 100.0 - 100.0 / one_in)
}

fn short(value: f64) -> String {
    match value {
        value if value >= 1e9 => format!("{}G", value / 1e9),
        value if value >= 1e6 => format!("{}M", value / 1e6),
        value if value >= 1e3 => format!("{}k", value / 1e3),
        value => format!("{value}"),
    }
}

/// Latency by percentile.
pub fn distribution(out: &mut dyn Write, reports: &[Report]) -> std::io::Result<()> {
    let mut lines = Vec::new();
    let told = |report: &&Report| report.main.rate.as_ref().is_none_or(|rate| rate.sustained);
    let numbered = reports.iter().enumerate();
    for (colour, report) in numbered.filter(|(_, report)| told(report)) {
        let kinds = [
            (&report.main.histogram, "", false),
            (&report.main.end_to_end_histogram, ", end to end", true),
        ];
        for (counts, kind, dashed) in kinds {
            let name = match reports.len() {
                1 => format!("latency{kind}"),
                _ => format!("{}{kind}", report.title()),
            };
            lines.push(Line {
                name,
                colour,
                dashed,
                points: percentile_points(&Durations::from_counts(counts)),
            });
        }
    }
    lines.retain(|line| !line.points.is_empty());
    let said = "Both axes are logarithmic: each step to the right leaves a tenth of the records.";
    plot(
        out,
        ("Latency by percentile", said),
        (PERCENTILE, LATENCY),
        &lines,
    )
}

/// `(one in so many, ms)`.
fn percentile_points(durations: &Durations) -> Vec<(f64, f64)> {
    let count = durations.count();
    if count == 0 {
        return Vec::new();
    }
    let mut points: Vec<(f64, f64)> = Vec::new();
    for step in 0.. {
        let one_in = 10_f64.powf(f64::from(step) / f64::from(POINTS_PER_DECADE));
        let last = one_in >= count as f64;
        let one_in = one_in.min(count as f64);
        let quantile = if last { 1.0 } else { 1.0 - 1.0 / one_in };
        let ns = durations.at(quantile).max(1);
        points.push((one_in, ns as f64 / 1e6));
        if last {
            break;
        }
    }
    points
}

/// Records by the second.
pub fn throughput(out: &mut dyn Write, reports: &[Report]) -> std::io::Result<()> {
    let mut lines = Vec::new();
    for (colour, report) in reports.iter().enumerate() {
        let produced = |second: &Second| second.produced as f64;
        let consumed = |second: &Second| second.consumed as f64;
        lines.push(time_line(
            reports,
            report,
            (colour, false),
            "produced",
            &produced,
        ));
        lines.push(time_line(
            reports,
            report,
            (colour, true),
            "consumed",
            &consumed,
        ));
    }
    plot(
        out,
        ("Throughput over time", "Each point is a second."),
        (TIME, RATE),
        &something(lines),
    )
}

/// Latency by the second.
pub fn latency(out: &mut dyn Write, reports: &[Report]) -> std::io::Result<()> {
    let in_ms = |ns: u64| ns as f64 / 1e6;
    let p50 = |second: &Second| in_ms(second.latency_ns.p50);
    let p99 = |second: &Second| in_ms(second.latency_ns.p99);
    let max = |second: &Second| in_ms(second.latency_ns.max);
    let end_to_end = |second: &Second| in_ms(second.end_to_end_ns.p99);
    let mut lines = Vec::new();
    if let [one] = reports {
        lines.push(time_line(reports, one, (2, false), "p50", &p50));
        lines.push(time_line(reports, one, (0, false), "p99", &p99));
        lines.push(time_line(reports, one, (1, false), "max", &max));
        lines.push(time_line(
            reports,
            one,
            (3, true),
            "end to end p99",
            &end_to_end,
        ));
    } else {
        for (colour, report) in reports.iter().enumerate() {
            lines.push(time_line(reports, report, (colour, false), "p99", &p99));
            lines.push(time_line(
                reports,
                report,
                (colour, true),
                "end to end p99",
                &end_to_end,
            ));
        }
    }
    for line in &mut lines {
        line.points.retain(|point| point.1 > 0.0);
    }
    let said = "Percentiles of each second; the axis is logarithmic.";
    plot(
        out,
        ("Latency over time", said),
        (TIME, LATENCY),
        &something(lines),
    )
}

/// Lines that are not zero all along.
fn something(mut lines: Vec<Line>) -> Vec<Line> {
    lines.retain(|line| line.points.iter().any(|point| point.1 > 0.0));
    lines
}

fn time_line(
    reports: &[Report],
    report: &Report,
    (colour, dashed): (usize, bool),
    what: &str,
    of: &dyn Fn(&Second) -> f64,
) -> Line {
    let name = match reports.len() {
        1 => what.to_owned(),
        _ => format!("{}, {what}", report.title()),
    };
    let seconds = &report.main.seconds;
    let together = seconds.len().div_ceil(TIME_POINTS_MAX).max(1);
    let groups = seconds.chunks(together).filter_map(|group| {
        // Of seconds drawn as one the largest counts: a spike must not be averaged away.
        let largest = group.iter().map(of).fold(0.0, f64::max);
        Some((group.first()?.second as f64, largest))
    });
    Line {
        name,
        colour,
        dashed,
        points: groups.collect(),
    }
}

/// Latency by rate, of a search or a sweep.
pub fn by_rate(out: &mut dyn Write, report: &Report) -> std::io::Result<()> {
    let kept = |phase: &&Measurement| phase.rate.as_ref().is_some_and(|rate| rate.sustained);
    let mut phases: Vec<_> = report.phases.iter().filter(kept).collect();
    phases.sort_by(|a, b| a.records_per_second.total_cmp(&b.records_per_second));
    let line = |name: &str, colour, of: fn(&Measurement) -> u64| Line {
        name: name.to_owned(),
        colour,
        dashed: false,
        points: phases
            .iter()
            .map(|phase| (phase.records_per_second, of(phase).max(1) as f64 / 1e6))
            .collect(),
    };
    let lines = [
        line("p50", 2, |phase| phase.latency_ns.p50),
        line("p99", 0, |phase| phase.latency_ns.p99),
        line("p99.9", 1, |phase| phase.latency_ns.p999),
    ];
    plot(
        out,
        ("Latency by rate", "Only rates that were kept."),
        (RATE, LATENCY),
        &lines,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_ticks_count_nines() {
        let ticks = [1.0, 5.0, 10.0, 100.0, 1e3, 1e5].map(percentile_tick);
        let told = ["0 %", "80 %", "90 %", "99 %", "99.9 %", "99.999 %"];
        assert_eq!(ticks, told);
    }

    #[test]
    fn a_distribution_ends_at_its_largest_value() {
        let points = percentile_points(&Durations::from_counts(&[
            (1_000_000, 999),
            (50_000_000, 1),
        ]));
        let (one_in, ms) = points.last().copied().expect("points");
        assert!(
            one_in == 1000.0 && (49.9..50.2).contains(&ms),
            "{one_in} {ms}"
        );
        assert!(points.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    }
}
