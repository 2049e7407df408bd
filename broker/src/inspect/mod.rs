//! `pelton inspect`: a segment (ours or Kafka's), an index, a journal file or a manifest in words, and what is wrong with
//! it at which byte. It reads through a [`Source`], piece by piece, and changes nothing.

use std::fmt;
use std::io;

mod index;
mod journal;
mod manifest;
mod segment;

/// Least bytes read at once.
const READ_BYTES: usize = 1 << 20;

/// Bytes that can be read at any place: a file.
pub trait Source {
    /// How many there are.
    fn bytes(&self) -> u64;
    /// Those from `position` on; fewer than `bytes` only at the end.
    fn read_at(&self, position: u64, bytes: usize) -> io::Result<Vec<u8>>;
}

impl Source for &[u8] {
    fn bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, position: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let from = self.len().min(position as usize);
        Ok(self[from..self.len().min(from + bytes)].to_vec())
    }
}

impl Source for crate::io::host::PlainFile {
    fn bytes(&self) -> u64 {
        self.bytes()
    }

    fn read_at(&self, position: u64, bytes: usize) -> io::Result<Vec<u8>> {
        self.read_at(position, bytes)
    }
}

/// Why an inspection ends before the file does.
enum Stop {
    /// Nobody reads the words any more.
    Deaf,
    /// The file cannot be read here.
    Read(u64, io::Error),
}

impl From<fmt::Error> for Stop {
    fn from(_: fmt::Error) -> Self {
        Self::Deaf
    }
}

/// Takes the words, and remembers whether something was wrong.
struct Report<'a> {
    out: &'a mut dyn fmt::Write,
    whole: bool,
    records: bool,
}

impl Report<'_> {
    fn say(&mut self, words: fmt::Arguments<'_>) -> Result<(), Stop> {
        self.out.write_fmt(words)?;
        Ok(self.out.write_char('\n')?)
    }

    fn wrong(&mut self, position: u64, words: fmt::Arguments<'_>) -> Result<(), Stop> {
        self.whole = false;
        self.say(format_args!("{position}: DAMAGED: {words}"))
    }
}

/// Reads ahead, so that a walk over small things is not a read each.
struct Window<'a> {
    source: &'a dyn Source,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    fn over(source: &'a dyn Source) -> Self {
        Self {
            source,
            start: 0,
            bytes: Vec::new(),
        }
    }

    /// The bytes from `position` on, `bytes` of them unless the file ends before.
    fn at(&mut self, position: u64, bytes: usize) -> Result<&[u8], Stop> {
        let end = self
            .source
            .bytes()
            .min(position.saturating_add(bytes as u64));
        let held = position >= self.start && end <= self.start + self.bytes.len() as u64;
        if !held {
            let read = self.source.read_at(position, bytes.max(READ_BYTES));
            self.bytes = read.map_err(|error| Stop::Read(position, error))?;
            self.start = position;
        }
        let from = self.bytes.len().min((position - self.start) as usize);
        let to = self.bytes.len().min(from + bytes);
        Ok(&self.bytes[from..to])
    }
}

type Inspection = fn(&str, &dyn Source, &mut Report<'_>) -> Result<(), Stop>;

/// What a file is, by its name, and how it is looked through.
fn inspection_of(name: &str) -> Option<Inspection> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let known: [(&str, Inspection); 6] = [
        (".log", segment::inspect),
        (".idx", index::inspect),
        (".index", index::inspect_kafka_offsets),
        (".timeindex", index::inspect_kafka_times),
        (".journal", journal::inspect),
        (".manifest", manifest::inspect),
    ];
    let found = known.into_iter().find(|(suffix, _)| name.ends_with(suffix));
    if let Some((_, inspection)) = found {
        return Some(inspection);
    }
    kafkas(name).map(|_| -> Inspection { name_only })
}

/// Files of Kafka's that are named, not read.
fn kafkas(name: &str) -> Option<&'static str> {
    let known = [
        (".snapshot", "Kafka's snapshot of a partition's producers"),
        (".txnindex", "Kafka's index of aborted transactions"),
        (
            "leader-epoch-checkpoint",
            "Kafka's leader epochs of a partition, as text",
        ),
        (
            "partition.metadata",
            "Kafka's topic id of a partition, as text",
        ),
        (
            "meta.properties",
            "Kafka's identity of a log directory, as text",
        ),
        (
            "-checkpoint",
            "Kafka's offsets of a log directory's partitions, as text",
        ),
    ];
    let found = known.into_iter().find(|(suffix, _)| name.ends_with(suffix));
    found.map(|(_, what)| what)
}

fn name_only(name: &str, source: &dyn Source, report: &mut Report<'_>) -> Result<(), Stop> {
    let what = kafkas(name).unwrap_or("a file of Kafka's");
    report.say(format_args!(
        "{what}, {} bytes: not read here",
        source.bytes()
    ))
}

/// Whether [`inspect`] can tell what a file is from its name.
pub fn is_known(name: &str) -> bool {
    inspection_of(name).is_some()
}

/// Says to `out` what the file `name` holds, with every record of a segment if `records`. False: something is wrong with it.
pub fn inspect(name: &str, source: &dyn Source, records: bool, out: &mut dyn fmt::Write) -> bool {
    let mut report = Report {
        out,
        whole: true,
        records,
    };
    let Some(inspection) = inspection_of(name) else {
        // A reader that has gone away is no finding.
        let _ = report.wrong(0, format_args!("what this file is cannot be told from its name: .log, .idx, .journal and .manifest are known, and Kafka's"));
        return false;
    };
    if let Err(Stop::Read(position, error)) = inspection(name, source, &mut report) {
        let _ = report.wrong(position, format_args!("it cannot be read: {error}"));
    }
    report.whole
}

/// The base offset in a file's name.
fn base_offset_of(name: &str, suffix: &str) -> Option<i64> {
    let name = name.rsplit('/').next()?.strip_suffix(suffix)?;
    // What compaction wrote has a generation behind it.
    name.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests;
