//! One self-contained page of one or more results: what was measured, plots over one another, and everything a doubter asks for.
//! Nothing is fetched, nothing runs. Pure.
//!
//! | module | what it is the only home of |
//! |---|---|
//! | [`figures`] | the tables of figures |
//! | [`plots`] | the plots |

mod figures;
mod plots;

use std::collections::BTreeSet;
use std::io::Write;

use super::Report;
use super::svg::{COLOURS, escape};
use super::text::thousands;
use figures::percentile;

const STYLE: &str = "\
:root{--bg:#fff;--fg:#1a1f26;--dim:#66707c;--grid:#e3e7ec;--card:#f6f8fa;--bad:#b42318;--good:#11734b;\
--k0:#0b66c3;--k1:#d9480f;--k2:#2b8a3e;--k3:#862e9c;--k4:#c2255c;--k5:#5c940d;--k6:#1098ad;--k7:#7a5b00}\
@media (prefers-color-scheme:dark){:root{--bg:#14181d;--fg:#e4e8ec;--dim:#98a2ad;--grid:#2b323a;--card:#1c2229;--bad:#ff8a7a;--good:#5fd3a0;\
--k0:#5aa9f8;--k1:#ff9b66;--k2:#6bd17d;--k3:#d39ae6;--k4:#ff86ae;--k5:#b7de6a;--k6:#5fd6e6;--k7:#e4c163}}\
*{box-sizing:border-box}body{margin:0 auto;max-width:980px;padding:24px 20px 60px;background:var(--bg);color:var(--fg);\
font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}h1{font-size:26px;margin:0 0 4px}h2{font-size:18px;margin:34px 0 6px}\
p{margin:4px 0 10px;color:var(--dim)}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
.wide{overflow-x:auto}th,td{padding:5px 10px;border-bottom:1px solid var(--grid);text-align:right;vertical-align:top}\
th:first-child,td:first-child{text-align:left}th{font-weight:600}td.text,.words th{text-align:left;overflow-wrap:anywhere}\
.bad{color:var(--bad);font-weight:600}.good{color:var(--good);font-weight:600}.dim{color:var(--dim)}\
svg{width:100%;height:auto;display:block;background:var(--card);border-radius:8px}.grid{stroke:var(--grid)}\
.tick{fill:var(--dim);font-size:12px}.axis{fill:var(--dim);font-size:13px}.line{fill:none;stroke-width:2;stroke-linejoin:round}\
.dashed{stroke-dasharray:6 4}.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:8px 2px;font-size:13px}\
.legend svg{display:inline;width:26px;height:10px;background:none;vertical-align:middle;margin-right:6px}\
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:16px 0}\
.card{background:var(--card);border-radius:8px;padding:12px 16px}.card b{display:block;font-size:22px;font-variant-numeric:tabular-nums}\
.card span{color:var(--dim);font-size:13px}details{margin:10px 0}summary{cursor:pointer;font-weight:600}code{overflow-wrap:anywhere}";

/// Writes the page.
pub fn write(out: &mut dyn Write, reports: &[Report]) -> std::io::Result<()> {
    let reports = &told_apart(reports)[..];
    let title = match reports {
        [one] => one.title(),
        several => format!("{} results of pelton-loadgen", several.len()),
    };
    let title = escape(&title);
    writeln!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>{STYLE}{}</style></head><body><h1>{title}</h1>",
        colours()
    )?;
    if let [one] = reports {
        head(out, one)?;
    }
    figures::write(out, reports)?;
    plots::distribution(out, reports)?;
    plots::throughput(out, reports)?;
    plots::latency(out, reports)?;
    for report in reports {
        plots::by_rate(out, report)?;
        figures::write_phases(out, report)?;
    }
    notes(out, reports)?;
    settings(out, reports)?;
    for report in reports {
        details(out, report)?;
    }
    writeln!(out, "</body></html>")
}

/// The results, those that have a title in common with another one numbered.
fn told_apart(reports: &[Report]) -> Vec<Report> {
    let titles: Vec<_> = reports.iter().map(Report::title).collect();
    let mut apart = reports.to_vec();
    for (number, report) in apart.iter_mut().enumerate() {
        let title = &titles[number];
        if titles.iter().filter(|other| *other == title).count() > 1 {
            let before = titles[..number].iter().filter(|other| *other == title);
            report.name = Some(format!("{title} ({})", before.count() + 1));
        }
    }
    apart
}

fn colours() -> String {
    (0..COLOURS)
        .map(|number| {
            format!(
                ".line.c{number}{{stroke:var(--k{number})}}.mark.c{number}{{fill:var(--k{number})}}"
            )
        })
        .collect()
}

/// The figures that one looks for first.
fn head(out: &mut dyn Write, report: &Report) -> std::io::Result<()> {
    let main = &report.main;
    writeln!(
        out,
        "<p>{} on {} partitions, {} connections. {}. {}</p><div class=\"cards\">",
        escape(&report.command),
        report.settings.partitions,
        report.settings.produce_connections + report.settings.consume_connections,
        match main.open_loop {
            true => "Open loop: latency counts from when each batch was due",
            false => "Closed loop: latency counts from when each request was sent",
        },
        escape(&report.settings.durability)
    )?;
    let mut card = |figure: String, what: &str| {
        writeln!(
            out,
            "<div class=\"card\"><b>{}</b><span>{}</span></div>",
            escape(&figure),
            escape(what)
        )
    };
    card(thousands(main.records_per_second), "records a second")?;
    card(format!("{:.1}", main.bytes_per_second / 1e6), "MB a second")?;
    if main.latency_ns.count > 0 {
        card(percentile(main, main.latency_ns.p99), "ms, p99 latency")?;
    }
    if main.end_to_end_ns.count > 0 {
        card(
            percentile(main, main.end_to_end_ns.p99),
            "ms, p99 end to end",
        )?;
    }
    if let Some(ns) = main.cost.broker_cpu_ns_per_record {
        card(thousands(ns), "ns of broker CPU a record")?;
    }
    writeln!(out, "</div>")
}

/// Text and the class it is drawn in.
type Cell = (String, &'static str);

fn plain(text: impl Into<String>) -> Cell {
    (text.into(), "")
}

fn row(
    out: &mut dyn Write,
    name: &str,
    cells: impl IntoIterator<Item = Cell>,
) -> std::io::Result<()> {
    write!(out, "<tr><td>{}</td>", escape(name))?;
    for (text, class) in cells {
        write!(out, "<td class=\"{class}\">{}</td>", escape(&text))?;
    }
    writeln!(out, "</tr>")
}

fn table_head(out: &mut dyn Write, reports: &[Report]) -> std::io::Result<()> {
    write!(out, "<table><tr><th></th>")?;
    for report in reports {
        write!(out, "<th>{}</th>", escape(&report.title()))?;
    }
    writeln!(out, "</tr>")
}

/// What a reader must not overlook.
fn notes(out: &mut dyn Write, reports: &[Report]) -> std::io::Result<()> {
    writeln!(
        out,
        "<h2>What the limit was, and what went wrong</h2><div class=\"wide\"><table>"
    )?;
    for report in reports {
        let main = &report.main;
        let title = report.title();
        row(
            out,
            &title,
            [(format!("limited by {}", main.limited_by), "text")],
        )?;
        let rate = main.rate.as_ref();
        if rate.is_some_and(|rate| !rate.sustained) {
            let said = "The rate was not kept: percentiles are left out, since they would say how long the run was.";
            row(out, "", [(said.to_owned(), "text bad")])?;
        }
        if !report.generator.optimised {
            row(
                out,
                "",
                [(
                    "The generator was built without optimisation.".to_owned(),
                    "text bad",
                )],
            )?;
        }
        let incidents = &main.incidents;
        if incidents.disconnects + incidents.ambiguous_records + incidents.retried_records > 0 {
            let said = format!(
                "{} connections lost, {} records of unknown fate, {} sent again",
                incidents.disconnects, incidents.ambiguous_records, incidents.retried_records
            );
            row(out, "", [(said, "text")])?;
        }
        let verdict = main
            .verification
            .iter()
            .flat_map(|verdict| &verdict.details);
        for line in report
            .broken_requirements
            .iter()
            .chain(&incidents.failures)
            .chain(verdict)
        {
            row(out, "", [(line.clone(), "text bad")])?;
        }
    }
    writeln!(out, "</table></div>")
}

fn settings(out: &mut dyn Write, reports: &[Report]) -> std::io::Result<()> {
    writeln!(
        out,
        "<details open><summary>Settings</summary><div class=\"wide words\">"
    )?;
    table_head(out, reports)?;
    let mut each = |name: &str, of: &dyn Fn(&Report) -> String| {
        row(out, name, reports.iter().map(|report| (of(report), "text")))
    };
    each("an acknowledgement means", &|report| {
        report.settings.durability.clone()
    })?;
    each("topics, partitions, leaders", &|report| {
        let settings = &report.settings;
        format!(
            "{}, {}, {}",
            settings.topics, settings.partitions, settings.leaders
        )
    })?;
    each("connections (producing, consuming)", &|report| {
        format!(
            "{}, {}",
            report.settings.produce_connections, report.settings.consume_connections
        )
    })?;
    let names: BTreeSet<_> = reports
        .iter()
        .flat_map(|report| {
            report
                .settings
                .produce
                .keys()
                .chain(report.settings.consume.keys())
        })
        .collect();
    for name in names {
        each(&name.replace('_', " "), &|report| {
            let settings = &report.settings;
            let value = settings
                .produce
                .get(name)
                .or_else(|| settings.consume.get(name));
            value.cloned().unwrap_or_default()
        })?;
    }
    each("machine", &|report| report.machine.line())?;
    each("command line", &|report| {
        report.generator.command_line.join(" ")
    })?;
    each("generator", &|report| {
        format!("pelton-loadgen {}", report.generator.version)
    })?;
    writeln!(out, "</table></div></details>")
}

fn details(out: &mut dyn Write, report: &Report) -> std::io::Result<()> {
    writeln!(
        out,
        "<details><summary>More of {}</summary><div class=\"wide\"><table>",
        escape(&report.title())
    )?;
    for core in &report.main.client {
        row(
            out,
            &format!("generator on CPU {}", core.cpu),
            [plain(format!("busy {:.0} %", 100.0 * core.busy))],
        )?;
    }
    for thread in &report.main.broker.threads {
        let used = format!("{:.2} cores, last on CPU {}", thread.cpu_cores, thread.cpu);
        row(
            out,
            &format!("broker thread {}", thread.name),
            [plain(used)],
        )?;
    }
    for cpu in &report.main.cpus {
        let used = format!(
            "user {:.0} %, system {:.0} %, interrupts {:.0} %, stolen {:.0} %",
            100.0 * cpu.user,
            100.0 * cpu.system,
            100.0 * cpu.interrupts,
            100.0 * cpu.stolen
        );
        row(out, &format!("machine's CPU {}", cpu.cpu), [plain(used)])?;
    }
    let told = report
        .settings
        .topic_configs
        .iter()
        .chain(&report.machine.settings);
    for (name, value) in told {
        row(out, name, [plain(value.clone())])?;
    }
    for (name, value) in &report.main.metrics {
        row(out, name, [plain(format!("{value}"))])?;
    }
    writeln!(out, "</table></div></details>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::{Durations, Latency};
    use crate::report::Rate;
    use crate::run::collect::Second;

    fn report(name: &str) -> Report {
        let mut report = Report {
            name: Some(name.to_owned()),
            ..Report::default()
        };
        let second = |second| Second {
            second,
            produced: 1000,
            latency_ns: Latency {
                p50: 1_000_000,
                p99: 2_000_000,
                max: 3_000_000,
                count: 1000,
                ..Latency::default()
            },
            ..Second::default()
        };
        report.main.seconds = (-2..10).map(second).collect();
        report.main.histogram = vec![(1_000_000, 900), (2_000_000, 100)];
        report.main.latency_ns = Durations::from_counts(&report.main.histogram).summary();
        report
    }

    fn page(reports: &[Report]) -> String {
        let mut page = Vec::new();
        write(&mut page, reports).expect("writes");
        String::from_utf8(page).expect("text")
    }

    #[test]
    fn a_page_stands_alone_and_has_its_plots() {
        let page = page(&[report("one <b>"), report("two")]);
        assert_eq!(page.matches("role=\"img\"").count(), 3);
        assert!(page.contains("one &lt;b&gt;") && !page.contains("one <b>"));
        for outside in ["http:", "https:", "<script", "url(", "@import", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
        let opened = page.matches("<table>").count();
        assert_eq!(opened, page.matches("</table>").count());
        assert!(page.ends_with("</body></html>\n"));
    }

    #[test]
    fn percentiles_of_a_rate_that_was_not_kept_are_left_out() {
        let mut one = report("one");
        assert!(page(std::slice::from_ref(&one)).contains("<b>2.001</b><span>ms, p99 latency"));
        one.main.rate = Some(Rate {
            target: 5000.0,
            achieved: 0.5,
            ..Rate::default()
        });
        let page = page(std::slice::from_ref(&one));
        assert!(page.contains("<b>–</b><span>ms, p99 latency"));
        assert!(!page.contains("Latency by percentile"));
    }

    #[test]
    fn results_of_one_title_are_told_apart() {
        let page = page(&[report("same"), report("other"), report("same")]);
        for title in ["<th>same (1)</th>", "<th>same (2)</th>", "<th>other</th>"] {
            assert!(page.contains(title), "{title}");
        }
    }
}
