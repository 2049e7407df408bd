//! A stopped broker's files, looked into and spoiled on purpose.

use std::fs;
use std::io::Read as _;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ::broker::journal::frame::{FileHeaders, decode};

use crate::broker::PATIENCE;

/// Where a journal's first frame stands.
const FIRST_FRAME: usize = 4096;

/// A frame in a journal file.
#[derive(Debug, Clone)]
pub struct Frame {
    pub place: Range<usize>,
    /// An idle mark: it carries nothing.
    pub is_mark: bool,
}

/// Files below `directory` whose names end so, sorted.
pub fn with_suffix(directory: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(with_suffix(&path, suffix));
        } else if path.to_str().unwrap().ends_with(suffix) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The first `bytes` of a file, or all there are.
fn beginning(path: &Path, bytes: usize) -> Vec<u8> {
    let mut read = Vec::new();
    let file = fs::File::open(path).unwrap();
    file.take(bytes as u64).read_to_end(&mut read).unwrap();
    read
}

/// The frames of a journal file, as far as they are whole; none if the file was never used.
pub fn frames(journal: &Path) -> Vec<Frame> {
    let headers = FileHeaders::decode(&beginning(journal, FIRST_FRAME)).unwrap();
    let Some(header) = headers.latest.filter(|header| header.first_sequence > 0) else {
        return Vec::new();
    };
    let mut bytes = Vec::new();
    let mut frames = Vec::new();
    let mut at = FIRST_FRAME;
    loop {
        if let Some(rest) = bytes.get(at..)
            && let Ok((frame, sections)) = decode(rest, &header)
        {
            let place = at..at + frame.frame_bytes as usize;
            at = place.end;
            frames.push(Frame {
                place,
                is_mark: sections.is_empty(),
            });
            continue;
        }
        // The whole file is far more than what is written of it: no further than the largest frame would reach.
        let wanted = at + header.frame_bytes_max as usize;
        let had = bytes.len();
        if had < wanted {
            bytes = beginning(journal, wanted);
        }
        if bytes.len() == had {
            return frames;
        }
    }
}

/// The one journal file of `shard` that is written to, if no other was ever used.
pub fn only_journal(shard: &Path) -> PathBuf {
    let journals = with_suffix(&shard.join("journal"), ".journal");
    let mut used = journals.into_iter().filter(|file| !frames(file).is_empty());
    let first = used.next().expect("a journal that was used");
    assert!(used.next().is_none(), "one file only");
    first
}

/// Waits until the journal of `shard` has so many files, all of them made.
pub fn wait_for_spares(shard: &Path, count: usize) {
    let deadline = Instant::now() + PATIENCE;
    let is_made = |file: &PathBuf| {
        let headers = beginning(file, FIRST_FRAME);
        FileHeaders::decode(&headers).is_ok_and(|headers| headers.latest.is_some())
    };
    loop {
        let journals = with_suffix(&shard.join("journal"), ".journal");
        if journals.len() >= count && journals.iter().all(is_made) {
            return;
        }
        assert!(Instant::now() < deadline, "{journals:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Puts `bytes` at `position`, and takes back what was there when dropped.
pub struct Spoiled {
    path: PathBuf,
    position: u64,
    before: Vec<u8>,
}

impl Spoiled {
    pub fn with(path: &Path, position: usize, bytes: &[u8]) -> Self {
        let file = fs::File::options().read(true).write(true).open(path);
        let file = file.unwrap();
        let mut before = vec![0; bytes.len()];
        file.read_exact_at(&mut before, position as u64).unwrap();
        file.write_all_at(bytes, position as u64).unwrap();
        Self {
            path: path.to_owned(),
            position: position as u64,
            before,
        }
    }

    /// One bit the other way round.
    pub fn flipped(path: &Path, position: usize, bit: u32) -> Self {
        let file = fs::File::open(path).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, position as u64).unwrap();
        Self::with(path, position, &[byte[0] ^ 1 << (bit % 8)])
    }
}

impl Drop for Spoiled {
    fn drop(&mut self) {
        let file = fs::File::options().write(true).open(&self.path).unwrap();
        file.write_all_at(&self.before, self.position).unwrap();
    }
}
