//! How a run goes while it lasts: a line a second on a terminal, Kafka-shaped lines where asked for, HdrHistogram's interval log,
//! and the operator's Ctrl-C.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::kafka_output;
use crate::run::collect::{Second, latency};
use crate::run::record::Sample;

/// Divides nanoseconds for the interval log, whose readers expect milliseconds.
const NS_PER_MS: f64 = 1e6;

/// Tells how a run goes.
pub struct Live {
    terminal: bool,
    kafka_lines: bool,
    log: Option<IntervalLog>,
    stop: Arc<AtomicBool>,
    phase: String,
}

struct IntervalLog {
    file: BufWriter<File>,
    started: SystemTime,
}

impl Live {
    /// Lines go to standard error if it is a terminal and `quiet` is not wanted.
    pub fn new(quiet: bool, kafka_lines: bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        // A second Ctrl-C ends the process, as it would have without this.
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, stop.clone());
            let _ = signal_hook::flag::register(signal, stop.clone());
        }
        Self {
            terminal: !quiet && std::io::stderr().is_terminal(),
            kafka_lines,
            log: None,
            stop,
            phase: String::new(),
        }
    }

    /// Also writes each second's latencies to `path`, in HdrHistogram's interval log format.
    pub fn log_to(&mut self, path: &Path) -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        let started = SystemTime::now();
        let mut serializer = V2DeflateSerializer::new();
        let mut builder = IntervalLogWriterBuilder::new();
        builder
            .with_start_time(started)
            .with_base_time(started)
            .with_max_value_divisor(NS_PER_MS);
        builder.begin_log_with(&mut file, &mut serializer)?;
        self.log = Some(IntervalLog { file, started });
        Ok(())
    }

    /// Set when the operator wants the run to end.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// Whether the operator wants an end.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Says something between phases, on a terminal.
    pub fn say(&self, line: &str) {
        if self.terminal {
            // A terminal that went away is no reason to end the run.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// A phase begins.
    pub fn begin(&mut self, phase: &str) {
        phase.clone_into(&mut self.phase);
    }

    /// A second is over.
    pub fn second(&mut self, second: &Second, sample: &Sample, errors: u64) {
        if self.terminal {
            self.say(&self.line(second, errors));
        }
        if self.kafka_lines && second.second >= 0 {
            let line = kafka_output::window_line(sample);
            let _ = writeln!(std::io::stdout(), "{line}");
        }
        if let Some(log) = &mut self.log
            && second.second >= 0
        {
            // A full disk costs the log, not the run.
            let _ = log.write(second.second, sample);
        }
    }

    /// A phase is over.
    pub fn end(&mut self) {
        if let Some(log) = &mut self.log {
            let _ = log.file.flush();
        }
    }

    fn line(&self, second: &Second, errors: u64) -> String {
        let ms = |ns: u64| ns as f64 / NS_PER_MS;
        let mut line = format!("{:>5} s ", second.second);
        if second.second < 0 {
            line = format!("{:>7} ", "warm-up");
        }
        line += &format!("{:<8}", self.phase);
        for (records, bytes, verb) in [
            (second.produced, second.produced_bytes, "out"),
            (second.consumed, second.consumed_bytes, "in"),
        ] {
            if records > 0 || verb == "out" && second.consumed == 0 {
                line += &format!(
                    " {records:>11} records/s {:>8.1} MB/s {verb}",
                    bytes as f64 / 1e6
                );
            }
        }
        if second.latency_ns.count > 0 {
            let (p50, p99) = (ms(second.latency_ns.p50), ms(second.latency_ns.p99));
            line += &format!("   p50 {p50:>8.3} p99 {p99:>8.3} ms");
        }
        if second.end_to_end_ns.count > 0 {
            line += &format!("   end to end p99 {:>8.3} ms", ms(second.end_to_end_ns.p99));
        }
        if errors > 0 {
            line += &format!("   {errors} errors");
        }
        line
    }
}

impl IntervalLog {
    fn write(&mut self, second: i64, sample: &Sample) -> std::io::Result<()> {
        let mut serializer = V2DeflateSerializer::new();
        let mut text = Vec::new();
        let mut builder = IntervalLogWriterBuilder::new();
        builder
            .with_base_time(self.started)
            .with_max_value_divisor(NS_PER_MS);
        let mut log = builder.begin_log_with(&mut text, &mut serializer)?;
        let start = Duration::from_secs(second.max(0) as u64);
        let length = Duration::from_nanos(sample.span_ns);
        let kinds = [("", latency(sample)), ("end-to-end", &sample.end_to_end)];
        for (tag, durations) in kinds {
            if durations.count() > 0 {
                let tag = Tag::new(tag).filter(|_| !tag.is_empty());
                log.write_histogram(durations.histogram(), start, length, tag)
                    .map_err(|error| std::io::Error::other(format!("{error:?}")))?;
            }
        }
        // The head was written when the log began.
        let lines = text.split_inclusive(|&byte| byte == b'\n');
        for line in lines.filter(|line| !line.starts_with(b"#") && !line.starts_with(b"\"")) {
            self.file.write_all(line)?;
        }
        Ok(())
    }
}
