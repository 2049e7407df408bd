//! What is told of a run: lines with the world's time, kept only when somebody reads them; the broker's own log among
//! them; and what a panic said. Decides nothing.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::panic;
use std::rc::Rc;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Lines of a run that are kept: the last ones.
const LINES_MAX: usize = 4000;

/// The lines of one run. Cheap to clone.
#[derive(Clone, Default)]
pub struct Trace(Option<Rc<Lines>>);

#[derive(Default)]
struct Lines {
    lines: RefCell<std::collections::VecDeque<String>>,
    now_ns: Cell<u64>,
}

thread_local! {
    static CURRENT: RefCell<Option<Trace>> = const { RefCell::new(None) };
    /// `None`: panics of this thread are not ours.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

impl Trace {
    /// One that keeps lines.
    pub fn kept() -> Self {
        Self(Some(Rc::default()))
    }

    /// Adds a line.
    pub fn tell(&self, now_ns: u64, line: impl FnOnce() -> String) {
        if let Some(lines) = &self.0 {
            lines.now_ns.set(now_ns);
            lines.push(&line());
        }
    }

    /// The world's time, for lines that do not know it.
    pub fn at(&self, now_ns: u64) {
        if let Some(lines) = &self.0 {
            lines.now_ns.set(now_ns);
        }
    }

    /// Whether lines are kept.
    pub fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// All lines.
    pub fn lines(&self) -> Vec<String> {
        let lines = self.0.as_ref().map(|lines| lines.lines.borrow().clone());
        lines.unwrap_or_default().into()
    }

    /// Runs `work` with the broker's log in this trace, if it keeps lines.
    pub fn with_log<T>(&self, work: impl FnOnce() -> T) -> T {
        if !self.is_kept() {
            return work();
        }
        CURRENT.with(|current| *current.borrow_mut() = Some(self.clone()));
        let done = tracing::subscriber::with_default(Log, work);
        CURRENT.with(|current| *current.borrow_mut() = None);
        done
    }
}

impl Lines {
    fn push(&self, line: &str) {
        let mut lines = self.lines.borrow_mut();
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        let us = self.now_ns.get() / 1000;
        lines.push_back(format!(
            "{:>4}.{:06} {line}",
            us / 1_000_000,
            us % 1_000_000
        ));
    }
}

/// Puts the broker's log lines into the current trace.
struct Log;

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::DEBUG && metadata.target().starts_with("broker")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        CURRENT.with(|current| {
            if let Some(Trace(Some(lines))) = &*current.borrow() {
                let level = event.metadata().level();
                lines.push(&format!("log {level}{}", text.0));
            }
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

/// Runs `work`; a panic on this thread in it is not printed but kept for [`take_panic`].
pub fn keeping_panics<T>(work: impl FnOnce() -> T) -> T {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let ours = PANIC.with(|panic| {
                let mut panic = panic.borrow_mut();
                panic.is_some() && panic.replace(info.to_string()).is_some()
            });
            if !ours {
                before(info);
            }
        }));
    });
    PANIC.with(|panic| *panic.borrow_mut() = Some(String::new()));
    let done = work();
    PANIC.with(|panic| *panic.borrow_mut() = None);
    done
}

/// What the last panic of this thread said.
pub fn take_panic() -> String {
    PANIC.with(|panic| {
        panic
            .borrow_mut()
            .replace(String::new())
            .unwrap_or_default()
    })
}
