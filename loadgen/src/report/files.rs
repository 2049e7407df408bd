//! Results in and out of files.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Report;
use crate::histogram::Durations;

/// A file that cannot be read or written.
#[derive(Debug, Error)]
#[error("{path}: {reason}", path = .path.display())]
pub struct FileError {
    /// As given.
    pub path: PathBuf,
    /// In words.
    pub reason: String,
}

fn unusable(path: &Path, reason: impl ToString) -> FileError {
    FileError {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

/// Reads what `--json` wrote: a result, or the results of a scenario's steps.
pub fn read(path: &Path) -> Result<Vec<Report>, FileError> {
    let text = std::fs::read(path).map_err(|error| unusable(path, error))?;
    let many = serde_json::from_slice::<Vec<Report>>(&text);
    let reports = match many {
        Ok(reports) => reports,
        Err(_) => {
            let one = serde_json::from_slice::<Report>(&text);
            vec![one.map_err(|error| {
                unusable(path, format!("not a result of pelton-loadgen: {error}"))
            })?]
        }
    };
    match reports.iter().all(|report| report.schema > 0) && !reports.is_empty() {
        true => Ok(reports),
        false => Err(unusable(path, "not a result of pelton-loadgen")),
    }
}

/// Writes through `fill`; "-" is standard output.
pub fn write(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), FileError> {
    let written = if path.as_os_str() == "-" {
        let mut out = std::io::stdout().lock();
        fill(&mut out).and_then(|()| out.flush())
    } else {
        File::create(path).and_then(|file| {
            let mut out = BufWriter::new(file);
            fill(&mut out)?;
            out.flush()
        })
    };
    written.map_err(|error| unusable(path, error))
}

/// Writes a result as JSON.
pub fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), FileError> {
    write(path, |out| {
        serde_json::to_writer(&mut *out, value)?;
        writeln!(out)
    })
}

/// Writes the latency distribution in HdrHistogram's percentile format.
pub fn write_hgrm(path: &Path, report: &Report) -> Result<(), FileError> {
    write(path, |mut out| {
        Durations::from_counts(&report.main.histogram).write_hgrm(&mut out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::SCHEMA;

    #[test]
    fn results_are_read_as_written_and_other_files_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("result.json");
        let report = Report {
            schema: SCHEMA,
            command: "produce".to_owned(),
            ..Report::default()
        };
        write_json(&path, &report).expect("writes");
        assert_eq!(read(&path).expect("reads")[0].command, "produce");
        write_json(&path, &[&report, &report]).expect("writes");
        assert_eq!(read(&path).expect("reads").len(), 2);
        for other in ["{}", "[]", "x", "{\"records\": \"many\"}"] {
            std::fs::write(&path, other).expect("writes");
            assert!(read(&path).is_err(), "{other}");
        }
        assert!(read(&directory.path().join("absent")).is_err());
    }
}
