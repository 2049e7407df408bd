//! The `pelton` binary: reads the command line and the settings, then does what was asked. Decides nothing else.

use std::io::Write as _;

use broker::cli::{Cli, Command, ExitCode, render_settings};
use broker::config::{Config, ConfigErrors, PreflightMode};
use broker::io::host::{
    LinuxHost, PlainFile, environment, files_below, keep_freed_memory, read_config,
};
use broker::logging;
use broker::preflight::{self, HostFacts as _, Needs, Severity};
use clap::Parser as _;

/// Receive, frame and segment buffers come and go by the megabyte. The system's allocator gives each back to the kernel,
/// which then zeroes new pages for the next one: half of a busy shard's time. This one keeps them, and uses huge pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long it keeps them. Whenever that is over it gives back all that is free just then, buffers in steady use too: after its own
/// second, that costs a shard at full speed a fifth of its records.
const MEMORY_KEPT: std::time::Duration = std::time::Duration::from_secs(10);

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    let config = match load(&cli) {
        Ok(config) => config,
        Err(message) => {
            complain(&message);
            return ExitCode::Config.into();
        }
    };
    match cli.command.unwrap_or(Command::Start) {
        Command::Start => start(&config),
        Command::Check { json, strict } => check(&config, json, strict),
        Command::Inspect { path, records } => inspect(&path, records),
        Command::Settings => {
            print(&render_settings(&config));
            ExitCode::Ok
        }
    }
    .into()
}

fn load(cli: &Cli) -> Result<Config, String> {
    let file = match &cli.flags.config {
        Some(path) => {
            let text = read_config(path.as_ref()).map_err(|error| format!("{path}: {error}"))?;
            Some((path.clone(), text))
        }
        None => None,
    };
    Config::load(&cli.flags.layers(file, environment()))
        .map_err(|errors: ConfigErrors| errors.to_string())
}

fn start(config: &Config) -> ExitCode {
    keep_freed_memory(MEMORY_KEPT);
    let no_color = environment()
        .iter()
        .any(|(name, value)| name == "NO_COLOR" && !value.is_empty());
    let _logging = match logging::init(config.log_format, &config.log_level, no_color) {
        Ok(logging) => logging,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::Config;
        }
    };
    for name in config.given_without_effect() {
        tracing::warn!(setting = name, "this setting has no effect in this version");
    }
    if config.preflight != PreflightMode::Off {
        let checks = preflight::run(
            &LinuxHost,
            &Needs::of(config, LinuxHost.usable_cpus().len()),
        );
        for check in checks.iter().filter(|check| !check.ok) {
            let (check_id, current, fix) = (check.id, &check.current, &check.fix);
            match check.severity {
                Severity::Info => {}
                Severity::Warning => {
                    tracing::warn!(check = check_id, current, fix, "{}", check.why);
                }
                Severity::Fatal => {
                    tracing::error!(check = check_id, current, fix, "{}", check.why);
                }
            }
        }
        let bar = if config.preflight == PreflightMode::Strict {
            Severity::Warning
        } else {
            Severity::Fatal
        };
        if preflight::worst(&checks).is_some_and(|worst| worst >= bar) {
            tracing::error!("this host cannot run the broker as asked: see `pelton check`");
            return ExitCode::Preflight;
        }
    }
    broker::serve::run(config)
}

fn check(config: &Config, json: bool, strict: bool) -> ExitCode {
    let checks = preflight::run(
        &LinuxHost,
        &Needs::of(config, LinuxHost.usable_cpus().len()),
    );
    print(&if json {
        preflight::render_json(&checks) + "\n"
    } else {
        preflight::render_text(&checks)
    });
    match preflight::worst(&checks) {
        Some(Severity::Fatal) => ExitCode::Preflight,
        Some(Severity::Warning) if strict => ExitCode::Runtime,
        _ => ExitCode::Ok,
    }
}

fn inspect(path: &str, records: bool) -> ExitCode {
    let files = match files_below(path.as_ref()) {
        Ok(files) => files,
        Err(error) => {
            complain(&format!("{path}: {error}"));
            return ExitCode::Runtime;
        }
    };
    let mut out = Lines(std::io::BufWriter::new(std::io::stdout().lock()));
    let mut code = ExitCode::Ok;
    let mut looked_at = 0;
    for file in &files {
        let name = file.display().to_string();
        // In a directory, what is neither ours nor Kafka's is passed over.
        let alone = name == path;
        if !alone && !broker::inspect::is_known(&name) {
            continue;
        }
        looked_at += 1;
        if !alone && writeln!(out.0, "{name}").is_err() {
            break;
        }
        match PlainFile::open(file) {
            Ok(source) if broker::inspect::inspect(&name, &source, records, &mut out) => {}
            Ok(_) => code = ExitCode::Damaged,
            Err(error) => {
                complain(&format!("{name}: {error}"));
                code = ExitCode::Runtime;
            }
        }
    }
    if looked_at == 0 {
        complain(&format!(
            "{path}: nothing below it is a segment, index, journal file or manifest"
        ));
        code = ExitCode::Runtime;
    }
    let _ = out.0.flush();
    code
}

/// Words on their way to standard output.
struct Lines<W: std::io::Write>(W);

impl<W: std::io::Write> std::fmt::Write for Lines<W> {
    fn write_str(&mut self, words: &str) -> std::fmt::Result {
        self.0
            .write_all(words.as_bytes())
            .map_err(|_| std::fmt::Error)
    }
}

/// Standard output may be a pipe that closed early; that is no failure.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "pelton: {text}");
}
