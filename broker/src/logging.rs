//! Log lines: text or JSON on standard error, by a thread of their own, so that a slow reader never holds a shard up.
//!
//! Only sets the writer up and bounds repetition; what is logged is said where it happens. Nothing is logged per request
//! above debug.

use std::io::IsTerminal as _;
use std::sync::{OnceLock, RwLock};

use thiserror::Error;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::config::LogFormat;
use crate::io::production;
use crate::limits;

/// Why logging cannot be set up.
#[derive(Debug, Error)]
pub enum LoggingError {
    /// `log.level` is not a filter.
    #[error("invalid value `{level}` for `log.level`: {why}")]
    Level {
        /// As given.
        level: String,
        /// What the filter's parser said.
        why: String,
    },
    /// Someone has set logging up already.
    #[error("logging is already set up")]
    Already,
}

/// Puts another filter in the place of the one in force; whether it did.
type Change = Box<dyn Fn(EnvFilter) -> bool + Send + Sync>;

static CHANGE: OnceLock<Change> = OnceLock::new();

/// The level that was set while the process ran.
static LEVEL: RwLock<Option<String>> = RwLock::new(None);

/// Sets the level of all log lines while the process runs; Kafka's FATAL is ERROR here. What is no level changes nothing, nor
/// does anything before [`init`].
pub fn set_level(level: &str) {
    let name = match level {
        "FATAL" => "error".to_owned(),
        other => other.to_lowercase(),
    };
    let Ok(filter) = filter(&name) else { return };
    if CHANGE.get().is_some_and(|change| change(filter))
        && let Ok(mut current) = LEVEL.write()
    {
        *current = Some(level.to_owned());
    }
}

/// The level that was set while the process ran, if one was.
pub fn level() -> Option<String> {
    LEVEL.read().ok().and_then(|level| level.clone())
}

/// Keeps the writing thread alive; dropping it writes what is queued. Hold it until the process ends.
pub struct Logging {
    _guard: WorkerGuard,
    dropped: ErrorCounter,
}

impl Logging {
    /// Lines dropped since the start because standard error was too slow.
    pub fn dropped_lines(&self) -> usize {
        self.dropped.dropped_lines()
    }
}

/// Sends all log lines of the process, those of libraries that use `log` too, to standard error. Colours only on a
/// terminal, and not if `no_color` (the NO_COLOR convention: the variable is set and not empty).
///
/// Call it before any thread is pinned: the writing thread inherits the CPUs of its creator.
///
/// # Errors
/// A level that is none, or a second call.
pub fn init(format: LogFormat, level: &str, no_color: bool) -> Result<Logging, LoggingError> {
    let filter = filter(level)?;
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(limits::LOG_LINES_QUEUED_MAX)
        .thread_name("log")
        .finish(std::io::stderr());
    let dropped = writer.error_counter();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_span_events(FmtSpan::NONE);
    let (done, change): (_, Change) = match format {
        LogFormat::Json => {
            let json = builder.json().flatten_event(true);
            let json = json.with_current_span(false).with_filter_reloading();
            let reload = json.reload_handle();
            let change = move |filter| reload.reload(filter).is_ok();
            (json.try_init(), Box::new(change))
        }
        LogFormat::Text => {
            let colours = !no_color && std::io::stderr().is_terminal();
            let text = builder.with_ansi(colours).with_filter_reloading();
            let reload = text.reload_handle();
            let change = move |filter| reload.reload(filter).is_ok();
            (text.try_init(), Box::new(change))
        }
    };
    done.map_err(|_| LoggingError::Already)?;
    let _ = CHANGE.set(change);
    Ok(Logging {
        _guard: guard,
        dropped,
    })
}

/// What to do with a line that may repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admit {
    /// Write it, and say that so many like it were left out before.
    Line {
        /// Lines left out since the last one written.
        left_out: u64,
    },
    /// Leave it out.
    Quiet,
}

/// Bounds the lines of one reason: `limits::LOG_LINES_PER_WINDOW` in each window of `limits::LOG_WINDOW_MS`.
/// One value a reason, held by whoever logs.
#[derive(Clone, Copy, Debug, Default)]
pub struct RateLimit {
    window_start_ms: u64,
    lines: u32,
    left_out: u64,
}

impl RateLimit {
    /// Decides about a line at this time (any clock that does not run backwards).
    pub fn admit(&mut self, now_ms: u64) -> Admit {
        if now_ms.saturating_sub(self.window_start_ms) >= limits::LOG_WINDOW_MS {
            self.window_start_ms = now_ms;
            self.lines = 0;
        }
        if self.lines < limits::LOG_LINES_PER_WINDOW {
            self.lines += 1;
            Admit::Line {
                left_out: std::mem::take(&mut self.left_out),
            }
        } else {
            self.left_out += 1;
            Admit::Quiet
        }
    }
}

fn filter(level: &str) -> Result<EnvFilter, LoggingError> {
    let wrong = |why: String| LoggingError::Level {
        level: level.to_owned(),
        why,
    };
    // A lone word that is no level would silently be taken as the name of a module.
    let words = ["off", "error", "warn", "info", "debug", "trace"];
    if let Some(word) = level
        .split(',')
        .map(str::trim)
        .find(|w| !w.contains('=') && !words.contains(w))
    {
        return Err(wrong(format!(
            "`{word}` is none of {}, nor module=level",
            words.join(", ")
        )));
    }
    let filter = EnvFilter::builder()
        .parse(level)
        .map_err(|error| wrong(error.to_string()))?;
    // The one line of that module is an error that the start provokes on purpose: see `io::glommio_disk`.
    let silent = production::PROVOKED_ERRORS_OFF
        .parse()
        .expect("it is a directive");
    Ok(filter.add_directive(silent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_reason_are_bounded_and_counted() {
        let mut limit = RateLimit::default();
        let t = 1_000_000;
        for _ in 0..limits::LOG_LINES_PER_WINDOW {
            assert_eq!(limit.admit(t), Admit::Line { left_out: 0 });
        }
        for _ in 0..100 {
            assert_eq!(limit.admit(t + limits::LOG_WINDOW_MS - 1), Admit::Quiet);
        }
        assert_eq!(
            limit.admit(t + limits::LOG_WINDOW_MS),
            Admit::Line { left_out: 100 }
        );
        assert_eq!(
            limit.admit(t + limits::LOG_WINDOW_MS),
            Admit::Line { left_out: 0 }
        );
    }

    #[test]
    fn the_first_window_begins_at_any_time() {
        assert_eq!(RateLimit::default().admit(0), Admit::Line { left_out: 0 });
        assert_eq!(
            RateLimit::default().admit(u64::MAX),
            Admit::Line { left_out: 0 }
        );
    }

    #[test]
    fn levels_are_words_or_modules_with_words() {
        for good in ["info", "warn,broker::journal=debug", "off"] {
            assert!(filter(good).is_ok(), "{good}");
        }
        for bad in ["loud", "broker=loud", "info,,", ""] {
            assert!(filter(bad).is_err(), "{bad}");
        }
    }
}
