//! Recordings as files of text: one an API, one block a scenario.
//!
//! ```text
//! == scenario
//! -> request
//! answer
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

/// What was answered to one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The step's.
    pub label: String,
    /// Lines of text.
    pub answer: String,
}

/// What was answered, by scenario.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// In the order of the steps.
    pub scenarios: BTreeMap<String, Vec<Told>>,
}

fn path(api: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/wire/kafka-4.3.0")
        .join(format!("{api}.txt"))
}

/// Reads the recording of an API; none is empty.
pub fn read(api: &str) -> Recording {
    let text = std::fs::read_to_string(path(api)).unwrap_or_default();
    let mut recording = Recording::default();
    let mut steps: &mut Vec<Told> = &mut Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("== ") {
            steps = recording.scenarios.entry(name.to_owned()).or_default();
        } else if let Some(label) = line.strip_prefix("-> ") {
            steps.push(Told {
                label: label.to_owned(),
                answer: String::new(),
            });
        } else if let Some(told) = steps.last_mut()
            && !line.is_empty()
        {
            if !told.answer.is_empty() {
                told.answer.push('\n');
            }
            told.answer.push_str(line);
        }
    }
    recording
}

/// Writes the recording of an API.
pub fn write(api: &str, recording: &Recording) {
    let mut text = String::new();
    for (name, steps) in &recording.scenarios {
        let _ = writeln!(text, "== {name}");
        for told in steps {
            let _ = writeln!(text, "-> {}\n{}", told.label, told.answer);
        }
        text.push('\n');
    }
    std::fs::write(path(api), text).unwrap();
}
