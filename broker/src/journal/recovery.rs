//! Reads a journal from its oldest needed frame to its end, and tells a torn tail from damage. Changes nothing on disk.
//!
//! A bad frame with no valid later frame, and nothing known synced beyond it, is a torn tail: the end. Anything else is
//! damage to synced data, and an error.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use super::frame::{self, Defect, FILE_HEADER_BYTES, FileHeaders, FrameHeader, Section};
use super::{Inner, Journal, JournalError, JournalFile, JournalOptions, Sequence, io_error};
use crate::io::Io;
use crate::io::buffer::{ALIGNMENT, Slice, WriteBuffer};
use crate::io::disk::OpenMode;

const SUFFIX: &str = ".journal";
/// Largest single read, bytes.
const READ_BYTES: usize = 1 << 20;

/// A frame as it was written.
#[derive(Debug)]
pub struct RecoveredFrame {
    /// Its number.
    pub sequence: Sequence,
    /// What it carries.
    pub sections: Vec<Section<Slice>>,
}

/// Gives out the frames of a journal, in order.
pub struct Recovery {
    journal: Journal,
    /// Files still to be read.
    files: VecDeque<JournalFile>,
    expected: Sequence,
    previous_crc: u32,
    synced: Sequence,
    position: u64,
    done: bool,
}

pub(super) async fn open(
    io: Io,
    options: JournalOptions,
) -> Result<(Journal, Recovery), JournalError> {
    let directory = options.directory.clone();
    let made = io.disk.create_directory(&directory).await;
    made.map_err(|source| io_error("making", &directory, source))?;
    let listed = io.disk.list(&directory).await;
    let entries = listed.map_err(|source| io_error("listing", &directory, source))?;
    let (mut live, mut spare) = (Vec::new(), VecDeque::new());
    let (mut journal_id, mut next_file) = (None, 1);
    for entry in entries.iter().filter(|entry| entry.name.ends_with(SUFFIX)) {
        let path = directory.join(&entry.name);
        let number = entry
            .name
            .trim_end_matches(SUFFIX)
            .parse::<u64>()
            .unwrap_or(0);
        next_file = next_file.max(number + 1);
        let opened = io.disk.open(&path, OpenMode::ReadWrite).await;
        let file = opened.map_err(|source| io_error("opening", &path, source))?;
        let block = file
            .read_at(0, FILE_HEADER_BYTES)
            .await
            .map_err(|source| io_error("reading", &path, source))?;
        let headers = match FileHeaders::decode(&block) {
            Ok(headers) => headers,
            Err(Defect::Format(version)) => return Err(JournalError::Format { path, version }),
            Err(_) => FileHeaders {
                latest: None,
                damaged: true,
            },
        };
        // A file whose making was cut short was never used: it is made anew.
        let Some(header) = headers.latest.filter(|_| entry.bytes >= options.file_bytes) else {
            if headers.latest.is_some_and(|header| header.use_number > 0) {
                let reason = "the file is shorter than it was made".to_owned();
                return Err(JournalError::Corrupt {
                    path,
                    position: entry.bytes,
                    sequence: 0,
                    reason,
                });
            }
            file.close()
                .await
                .map_err(|source| io_error("closing", &path, source))?;
            io.disk
                .remove(&path)
                .await
                .map_err(|source| io_error("removing", &path, source))?;
            continue;
        };
        if *journal_id.get_or_insert(header.journal_id) != header.journal_id {
            let reason = "the file belongs to another journal".to_owned();
            return Err(JournalError::Corrupt {
                path,
                position: 0,
                sequence: 0,
                reason,
            });
        }
        let used = JournalFile { path, file, header };
        if header.first_sequence > 0 {
            live.push(used)
        } else {
            spare.push_back(used)
        }
    }
    live.sort_by_key(|used| used.header.first_sequence);
    let oldest = live
        .last()
        .map_or(1, |newest| newest.header.oldest_sequence);
    let needed = live.partition_point(|used| used.header.first_sequence < oldest);
    spare.extend(live.drain(..needed));
    if let Some(first) = live.first()
        && first.header.first_sequence != oldest
    {
        let reason = format!("the file that begins with frame {oldest} is missing");
        return Err(JournalError::Corrupt {
            path: directory,
            position: 0,
            sequence: oldest,
            reason,
        });
    }
    let random = || (u128::from(io.random.next_u64()) << 64) | u128::from(io.random.next_u64());
    let previous_crc = live.first().map_or(0, |first| first.header.previous_crc);
    let inner = Inner {
        journal_id: journal_id.unwrap_or_else(random),
        run: io.random.next_u64(),
        io: io.clone(),
        options,
        live: RefCell::default(),
        spare: RefCell::new(spare),
        position: Cell::new(0),
        next_sequence: Cell::new(oldest),
        previous_crc: Cell::new(previous_crc),
        next_file: Cell::new(next_file),
        marked: Cell::new(false),
        writing: Cell::new(false),
        failed: Cell::new(false),
    };
    let fresh = live.is_empty() && inner.spare.borrow().is_empty();
    let journal = Journal(Rc::new(inner));
    if fresh {
        journal.prepare_file().await?;
    }
    let recovery = Recovery {
        journal: journal.clone(),
        files: live.into(),
        expected: oldest,
        previous_crc,
        synced: 0,
        position: FILE_HEADER_BYTES as u64,
        done: false,
    };
    Ok((journal, recovery))
}

impl Recovery {
    /// The next frame; `None` at the journal's end, from where appending may begin.
    pub async fn next_frame(&mut self) -> Result<Option<RecoveredFrame>, JournalError> {
        while !self.done {
            let Some(current) = self.files.front() else {
                self.finish();
                break;
            };
            match self
                .frame_at(
                    current,
                    self.position,
                    self.expected,
                    Some(self.previous_crc),
                )
                .await?
            {
                Ok((header, bytes, sections)) => {
                    self.position += u64::from(header.frame_bytes);
                    self.expected += 1;
                    self.previous_crc = header.crc;
                    self.synced = self.synced.max(header.synced_sequence);
                    let sections = sections
                        .into_iter()
                        .map(|section| section.map_bodies(|range| bytes.slice(range)))
                        .collect();
                    return Ok(Some(RecoveredFrame {
                        sequence: header.sequence,
                        sections,
                    }));
                }
                Err(reason) => self.end_of_file(reason).await?,
            }
        }
        Ok(None)
    }

    /// No frame follows in this file: the next file goes on, or the journal ends here, or it is damaged.
    async fn end_of_file(&mut self, reason: Defect) -> Result<(), JournalError> {
        let current = self.files.front().expect("it was just read");
        let corrupt = |reason: String| JournalError::Corrupt {
            path: current.path.clone(),
            position: self.position,
            sequence: self.expected,
            reason,
        };
        if let Some(next) = self.files.get(1) {
            let follows = next.header.first_sequence == self.expected
                && next.header.previous_crc == self.previous_crc;
            if !follows {
                return Err(corrupt(format!(
                    "{reason}, and later files hold frames from {}",
                    next.header.first_sequence
                )));
            }
            let read = self.files.pop_front().expect("just seen");
            self.journal.0.live.borrow_mut().push_back(read);
            self.position = FILE_HEADER_BYTES as u64;
            return Ok(());
        }
        if self.synced >= self.expected {
            return Err(corrupt(format!(
                "{reason}, and frame {} was known to be synced",
                self.synced
            )));
        }
        let mut position = self.position + ALIGNMENT as u64;
        while position + ALIGNMENT as u64 <= self.journal.0.options.file_bytes {
            if let Ok((header, ..)) = self.frame_at(current, position, 0, None).await?
                && header.sequence > self.expected
            {
                return Err(corrupt(format!(
                    "{reason}, and frame {} follows whole",
                    header.sequence
                )));
            }
            position += ALIGNMENT as u64;
            if position > self.position + 2 * self.journal.0.options.frame_bytes_max as u64 {
                break;
            }
        }
        self.finish();
        Ok(())
    }

    /// From here on the journal appends.
    fn finish(&mut self) {
        let inner = &self.journal.0;
        if !self.files.is_empty() {
            inner.position.set(self.position);
        }
        inner.live.borrow_mut().extend(self.files.drain(..));
        inner.next_sequence.set(self.expected);
        inner.previous_crc.set(self.previous_crc);
        self.done = true;
    }

    /// The frame at `position`, if a whole one stands there: with this sequence, or any if 0.
    async fn frame_at(
        &self,
        current: &JournalFile,
        position: u64,
        sequence: Sequence,
        previous_crc: Option<u32>,
    ) -> Result<Result<Found, Defect>, JournalError> {
        let file_bytes = self.journal.0.options.file_bytes;
        if position + ALIGNMENT as u64 > file_bytes {
            return Ok(Err(Defect::Short));
        }
        let read = |source| io_error("reading", &current.path, source);
        let first = current
            .file
            .read_at(position, ALIGNMENT)
            .await
            .map_err(read)?;
        let header = match FrameHeader::decode(&first, &current.header) {
            Ok(header) => header,
            Err(defect) => return Ok(Err(defect)),
        };
        let chained = previous_crc.is_none_or(|crc| crc == header.previous_crc)
            && (sequence == 0 || sequence == header.sequence);
        let bytes = header.frame_bytes as usize;
        if !chained || position + bytes as u64 > file_bytes {
            return Ok(Err(Defect::Foreign));
        }
        let mut buffer = WriteBuffer::new(bytes);
        let mut at = 0;
        while at < bytes {
            let part = current
                .file
                .read_at(position + at as u64, READ_BYTES.min(bytes - at))
                .await
                .map_err(read)?;
            if part.is_empty() {
                return Ok(Err(Defect::Short));
            }
            let end = (at + part.len()).min(bytes);
            buffer.as_mut_slice()[at..end].copy_from_slice(&part[..end - at]);
            at = end;
        }
        match frame::decode(buffer.as_slice(), &header, &current.header) {
            Ok(sections) => Ok(Ok((header, buffer.freeze(), sections))),
            Err(defect) => Ok(Err(defect)),
        }
    }
}

type Found = (FrameHeader, Slice, Vec<Section<std::ops::Range<usize>>>);
