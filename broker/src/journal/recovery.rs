//! Reading a journal back after a start, file by file. Never interprets entries; changes nothing before the end is reached.
//!
//! Frames are read in order, chained by sequence and by the CRC of the frame before. At the first bad frame one question
//! is asked: *was it ever synced?* Since one frame is in flight at a time, these prove that it was: a later file (headed
//! only after it was synced), a later valid frame in the same file, a synced mark at or beyond it. With proof it is
//! [`JournalError::Corrupt`] and nothing is changed on disk; without, it is a torn tail, and the next write overwrites it.
//! (Rot in the very last frame before the mark cannot be told from a tear.)
//!
//! A whole last frame may be one whose sync failed. It is kept, so it must be durable before anything follows from it; since
//! a sync after a failed one may succeed without it, it is written once more, byte for byte, and synced.
//!
//! A torn file header leaves the file's older header in force (see `frame`); a file whose newer header rotted is told from
//! that by its first frame, which the older use cannot have written.
//!
//! Memory: one read window of 1 MiB, or of one frame if that is larger, beside what the caller keeps of the slices.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io as std_io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::frame::{self, Defect, FILE_HEADER_BYTES, FileHeader, FileHeaders, FrameHeader};
use super::{
    FIRST_POSITION, Flight, Journal, JournalError, JournalFile, JournalOptions, Section, Sequence,
};
use super::{Shared, State, failed};
use crate::io::Io;
use crate::io::buffer::{ALIGNMENT, Slice, WriteBuffer, align_down};
use crate::io::disk::{File, OpenMode};
use crate::io::executor::Signal;

/// Bytes of one read, unless a frame is larger.
const WINDOW_BYTES: usize = 1 << 20;

/// One frame read back.
#[derive(Debug)]
pub struct RecoveredFrame {
    /// Its number.
    pub sequence: Sequence,
    /// What it carries; bodies share the read's memory (up to 1 MiB of it, or the frame if that is larger).
    pub sections: Vec<Section<Slice>>,
}

/// The frames of a journal in order, then the place to go on writing.
pub struct Recovery {
    shared: Rc<Shared>,
    /// Live files in order of first sequence, and which of them is read.
    files: Vec<JournalFile>,
    at: usize,
    reader: Option<FrameReader>,
    position: u64,
    expected: Sequence,
    previous_crc: u32,
    /// Highest synced mark seen.
    synced_sequence: Sequence,
    /// Where the last frame stands in the file that is read; `None` before its first one.
    last_position: Option<u64>,
    unfinished: Vec<PathBuf>,
    ended: bool,
    /// That the last frame is torn has been logged: what is read twice is told of once.
    torn_told: bool,
}

impl Recovery {
    /// The next frame that carries something, `None` at the end of the journal: from then on its [`Journal`] takes
    /// writes. After an error the journal takes none, ever.
    pub async fn next_frame(&mut self) -> Result<Option<RecoveredFrame>, JournalError> {
        if self.ended {
            return match self.shared.recovered.get() {
                true => Ok(None),
                false => Err(JournalError::Failed),
            };
        }
        // Taken back below: an error or a dropped future ends recovery, and with it the journal.
        self.ended = true;
        self.shared.failed.set(true);
        loop {
            match self.step().await? {
                Some(frame) if frame.sections.is_empty() => {}
                Some(frame) => {
                    self.ended = false;
                    self.shared.failed.set(false);
                    return Ok(Some(frame));
                }
                None => {
                    self.finish().await?;
                    return Ok(None);
                }
            }
        }
    }

    /// The next frame that carries something, `None` at the end: for a look ahead before the first [`Recovery::next_frame`], which
    /// begins anew after that `None`. Changes nothing.
    pub async fn look_ahead(&mut self) -> Result<Option<RecoveredFrame>, JournalError> {
        while let Some(frame) = self.step().await? {
            if !frame.sections.is_empty() {
                return Ok(Some(frame));
            }
        }
        self.rewind();
        Ok(None)
    }

    /// Goes to the first frame.
    fn rewind(&mut self) {
        let first = self.files[0].header;
        self.at = 0;
        self.reader = None;
        self.position = FIRST_POSITION;
        self.last_position = None;
        self.expected = first.first_sequence;
        self.previous_crc = first.previous_crc;
        self.synced_sequence = 0;
    }

    /// Bytes of the journal that are read, and of its files in all (the last one may end before its bytes do).
    pub fn progress(&self) -> (u64, u64) {
        let bytes = |files: &[JournalFile]| files.iter().map(|file| file.bytes).sum::<u64>();
        let before = self.files.get(..self.at).map_or(0, bytes);
        (before + self.position, bytes(&self.files))
    }

    async fn step(&mut self) -> Result<Option<RecoveredFrame>, JournalError> {
        if self
            .files
            .get(self.at + 1)
            .is_some_and(|next| next.header.first_sequence == self.expected)
        {
            self.at += 1;
            self.position = FIRST_POSITION;
            self.last_position = None;
            self.reader = None;
            if self.files[self.at].header.previous_crc != self.previous_crc {
                return Err(self.corrupt("the file does not continue the one before".to_owned()));
            }
        }
        let position = self.position;
        match self.reader().await?.read_frame(position).await? {
            Ok((header, sections)) => {
                if header.sequence != self.expected || header.previous_crc != self.previous_crc {
                    let found = header.sequence;
                    return Err(self.corrupt(format!("frame {found} breaks the chain")));
                }
                self.last_position = Some(position);
                self.position += u64::from(header.frame_bytes);
                self.expected += 1;
                self.previous_crc = header.crc;
                self.synced_sequence = self.synced_sequence.max(header.synced_sequence);
                Ok(Some(RecoveredFrame {
                    sequence: header.sequence,
                    sections,
                }))
            }
            Err(defect) => match self.proof_of_sync(defect).await? {
                Some(proof) => Err(self.corrupt(format!("{defect}, but {proof}"))),
                None => {
                    // Anything else is what a file holds behind its last frame.
                    if defect == Defect::Checksum && !std::mem::replace(&mut self.torn_told, true) {
                        tracing::warn!(path = %self.files[self.at].path.display(), position, frame = self.expected, "the journal ends with a torn frame, which is cut: it was never synced, so nothing in it was acknowledged");
                    }
                    Ok(None)
                }
            },
        }
    }

    /// What proves that the frame expected here was once synced, if anything does.
    async fn proof_of_sync(&mut self, defect: Defect) -> Result<Option<String>, JournalError> {
        if let Defect::Directory(_) = defect {
            return Ok(Some("its checksum matches".to_owned()));
        }
        if let Some(next) = self.files.get(self.at + 1) {
            return Ok(Some(format!(
                "a later file begins with frame {}",
                next.header.first_sequence
            )));
        }
        if self.synced_sequence >= self.expected {
            return Ok(Some(format!(
                "frames up to {} were synced",
                self.synced_sequence
            )));
        }
        let mut position = self.position + ALIGNMENT as u64;
        let reader = self.reader().await?;
        while position < reader.at.bytes {
            if let Ok((header, _)) = reader.read_frame(position).await? {
                return Ok(Some(format!(
                    "frame {} at byte {position} is valid",
                    header.sequence
                )));
            }
            position += ALIGNMENT as u64;
        }
        Ok(None)
    }

    async fn reader(&mut self) -> Result<&mut FrameReader, JournalError> {
        if self.reader.is_none() {
            self.reader = Some(FrameReader::open(&self.shared.io, &self.files[self.at]).await?);
        }
        Ok(self.reader.as_mut().expect("just opened"))
    }

    /// What nothing proves to be synced, as it was read: the last frame, or the header of a file without a frame.
    async fn unproven(&mut self) -> Result<(u64, Slice), JournalError> {
        let (last, end) = (self.last_position, self.position);
        let reader = self.reader().await?;
        let Some(position) = last else {
            let block = reader.read(0, FILE_HEADER_BYTES).await?;
            let known = FileHeaders::decode(&block).map(|headers| headers.latest);
            return match known == Ok(Some(reader.at.header)) {
                true => Ok((0, block)),
                false => Err(self.corrupt("the header reads differently now".to_owned())),
            };
        };
        // Read and checked again, unless it is still in memory as it was checked.
        if let Err(defect) = reader.read_frame(position).await? {
            return Err(self.corrupt(format!("{defect}, but it was whole when it was read first")));
        }
        let slice = reader.read(position, (end - position) as usize).await?;
        Ok((position, slice))
    }

    /// Makes what was read durable and hands the place to the journal. What may never have been synced is written again
    /// first: its sync may have failed, and after that no other one of the same file can be believed to cover it.
    async fn finish(&mut self) -> Result<(), JournalError> {
        let shared = self.shared.clone();
        let flight = Flight::start(&shared);
        let (position, unproven) = self.unproven().await?;
        let path = &self.files[self.at].path;
        self.reader = None;
        let file = shared.open_for_frames(path).await?;
        let mut again = WriteBuffer::new(unproven.len());
        again.as_mut_slice().copy_from_slice(&unproven);
        file.write_at(again, position)
            .await
            .map_err(failed("write", path))?;
        for path in &self.unfinished {
            shared
                .io
                .disk
                .remove(path)
                .await
                .map_err(failed("remove", path))?;
        }
        {
            let state = &mut *shared.state.borrow_mut();
            state.current = Some(file);
            state.position = self.position;
            state.sequence_next = self.expected;
            state.previous_crc = self.previous_crc;
            state.synced_sequence = self.expected - 1;
        }
        shared.recovered.set(true);
        flight.land();
        Ok(())
    }

    fn corrupt(&self, reason: String) -> JournalError {
        let path = self.files[self.at].path.clone();
        JournalError::Corrupt {
            path,
            position: self.position,
            sequence: self.expected,
            reason,
        }
    }
}

/// The first file of a new journal, in a directory whose own name is durable.
async fn begin(shared: &Shared, directory: &Path) -> Result<(), JournalError> {
    let parent = directory.parent();
    if let Some(parent) = parent.filter(|parent| !parent.as_os_str().is_empty()) {
        let synced = shared.io.disk.sync_directory(parent).await;
        synced.map_err(failed("sync the directory", parent))?;
    }
    if !shared.is_ready(ALIGNMENT) {
        let first = shared.make_file().await?;
        shared.state.borrow_mut().spare.push(first);
    }
    shared.roll().await
}

/// Sorts the files of the directory into live, spare and unfinished; makes the first file of a new journal.
pub(super) async fn open(
    io: Io,
    options: JournalOptions,
) -> Result<(Journal, Recovery), JournalError> {
    let directory = options.directory.clone();
    io.disk
        .create_directory(&directory)
        .await
        .map_err(failed("make the directory", &directory))?;
    // A file that an earlier run made may be here by a name that is not durable: that run ended before it was.
    io.disk
        .sync_directory(&directory)
        .await
        .map_err(failed("sync the directory", &directory))?;
    let found = Found::read(&io, &options).await?;
    let run = io.random.next_u64();
    let state = State {
        run,
        file_number_next: found.file_number_next,
        live: VecDeque::from(found.live.clone()),
        spare: found.spare,
        current: None,
        position: FIRST_POSITION,
        sequence_next: found
            .live
            .last()
            .map_or(1, |file| file.header.first_sequence),
        previous_crc: 0,
        synced_sequence: 0,
        marked: false,
    };
    let shared = Rc::new(Shared {
        io,
        options,
        state: RefCell::new(state),
        recovered: Cell::new(false),
        failed: Cell::new(false),
        in_flight: Cell::new(false),
        filling_bytes: Cell::new(0),
        filled: Signal::default(),
    });
    let mut recovery = Recovery {
        shared: shared.clone(),
        files: found.live,
        at: 0,
        reader: None,
        position: FIRST_POSITION,
        expected: 1,
        previous_crc: 0,
        synced_sequence: 0,
        last_position: None,
        unfinished: found.unfinished,
        ended: false,
        torn_told: false,
    };
    if recovery.files.is_empty() {
        begin(&shared, &directory).await?;
        recovery.files = shared.state.borrow().live.iter().cloned().collect();
    }
    recovery.rewind();
    Ok((Journal { shared }, recovery))
}

/// The files of a journal, as their headers tell.
struct Found {
    file_number_next: u64,
    live: Vec<JournalFile>,
    spare: Vec<JournalFile>,
    /// Their filling was cut short: they never were part of the journal.
    unfinished: Vec<PathBuf>,
}

impl Found {
    async fn read(io: &Io, options: &JournalOptions) -> Result<Self, JournalError> {
        let directory = &options.directory;
        let entries = io
            .disk
            .list(directory)
            .await
            .map_err(failed("list", directory))?;
        let mut found = Self {
            file_number_next: 1,
            live: Vec::new(),
            spare: Vec::new(),
            unfinished: Vec::new(),
        };
        let mut damaged = Vec::new();
        for entry in entries {
            let Some(number) = file_number(&entry.name).filter(|_| !entry.is_directory) else {
                continue;
            };
            found.file_number_next = found.file_number_next.max(number.saturating_add(1));
            let path = directory.join(&entry.name);
            let Some((file, is_damaged)) = read_header(io, path.clone(), number).await? else {
                found.unfinished.push(path);
                continue;
            };
            if file.header.journal_id != options.id {
                return Err(JournalError::OtherJournal { path });
            }
            if is_damaged && file.header.first_sequence > 0 {
                damaged.push(path);
            }
            match file.header.first_sequence {
                0 => found.spare.push(file),
                _ => found.live.push(file),
            }
        }
        found.sort_out()?;
        for file in found
            .spare
            .iter()
            .filter(|file| damaged.contains(&file.path))
        {
            check_first_frame(io, file).await?;
        }
        Ok(found)
    }

    /// Files below the oldest one that the newest header names are spare; that oldest one must be there.
    fn sort_out(&mut self) -> Result<(), JournalError> {
        self.live.sort_by_key(|file| file.header.first_sequence);
        let Some(newest) = self.live.last().cloned() else {
            return Ok(());
        };
        let oldest = newest.header.oldest_sequence;
        let recycled = self
            .live
            .partition_point(|file| file.header.first_sequence < oldest);
        self.spare.extend(self.live.drain(..recycled));
        if self.live[0].header.first_sequence != oldest {
            let reason = format!(
                "no file begins with frame {oldest}, which this file's header calls needed"
            );
            return Err(JournalError::Corrupt {
                path: newest.path,
                position: 0,
                sequence: oldest,
                reason,
            });
        }
        for pair in self.live.windows(2) {
            if pair[0].header.first_sequence == pair[1].header.first_sequence {
                let path = pair[1].path.clone();
                let sequence = pair[1].header.first_sequence;
                let reason = format!("{} begins with the same frame", pair[0].path.display());
                return Err(JournalError::Corrupt {
                    path,
                    position: 0,
                    sequence,
                    reason,
                });
            }
        }
        Ok(())
    }
}

/// The number in `<20 digits>.journal`.
fn file_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".journal")?;
    let is_number = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

/// Reads a file's header; whether a slot of it is damaged. `None`: the file was never finished.
async fn read_header(
    io: &Io,
    path: PathBuf,
    number: u64,
) -> Result<Option<(JournalFile, bool)>, JournalError> {
    let file = io
        .disk
        .open(&path, OpenMode::Read)
        .await
        .map_err(failed("open", &path))?;
    let bytes = align_down(file.bytes().map_err(failed("stat", &path))?);
    let head = file
        .read_at(0, FILE_HEADER_BYTES + ALIGNMENT)
        .await
        .map_err(failed("read", &path))?;
    // Nothing was written through it: what closing says changes nothing.
    let _ = file.close().await;
    let corrupt = |reason: &str| JournalError::Corrupt {
        path: path.clone(),
        position: 0,
        sequence: 0,
        reason: reason.to_owned(),
    };
    let headers = match FileHeaders::decode(&head) {
        Ok(headers) => headers,
        Err(Defect::Format(version)) => return Err(JournalError::UnknownFormat { path, version }),
        Err(_) => return Ok(None),
    };
    let is_written = head
        .get(FILE_HEADER_BYTES..)
        .is_some_and(|block| block.iter().any(|byte| *byte != 0));
    let header = match headers.latest {
        None if is_written => return Err(corrupt("no valid header, but frames")),
        None => return Ok(None),
        Some(header) => header,
    };
    if header.first_sequence == 0 && is_written {
        return Err(corrupt(
            "the header says that the file was never used, but it holds frames",
        ));
    }
    if head
        .get(FILE_HEADER_BYTES..)
        .is_some_and(|block| FrameHeader::is_of_next_use(block, &header))
    {
        return Err(corrupt("the header is older than the frames behind it"));
    }
    if header.file_number != number {
        return Err(corrupt("the header has another file number than the name"));
    }
    Ok(Some((
        JournalFile {
            path,
            bytes,
            header,
        },
        headers.damaged,
    )))
}

/// A recycled file with a damaged slot: either a torn header write (then the old use's first frame still stands, as a
/// new header is synced before the first frame), or a lost header of a newer use.
async fn check_first_frame(io: &Io, file: &JournalFile) -> Result<(), JournalError> {
    let mut reader = FrameReader::open(io, file).await?;
    let sequence = file.header.first_sequence;
    match reader.read_frame(FIRST_POSITION).await? {
        Ok((header, _)) if header.sequence == sequence => Ok(()),
        _ => Err(JournalError::Corrupt {
            path: file.path.clone(),
            position: 0,
            sequence,
            reason: "a header slot is damaged and the other one does not fit the frames".to_owned(),
        }),
    }
}

/// Reads frames of one file through a window.
struct FrameReader {
    at: JournalFile,
    file: Rc<dyn File>,
    window: Slice,
    window_position: u64,
}

type ReadFrame = Result<(FrameHeader, Vec<Section<Slice>>), Defect>;

impl FrameReader {
    async fn open(io: &Io, at: &JournalFile) -> Result<Self, JournalError> {
        let file = io
            .disk
            .open(&at.path, OpenMode::Read)
            .await
            .map_err(failed("open", &at.path))?;
        Ok(Self {
            at: at.clone(),
            file,
            window: Slice::empty(),
            window_position: 0,
        })
    }

    /// The frame at `position`, or why there is none.
    async fn read_frame(&mut self, position: u64) -> Result<ReadFrame, JournalError> {
        let header: FileHeader = self.at.header;
        let head = self.read(position, ALIGNMENT).await?;
        let bytes = match FrameHeader::decode(&head, &header) {
            Ok(frame) => frame.frame_bytes as usize,
            Err(defect) => return Ok(Err(defect)),
        };
        if position + bytes as u64 > self.at.bytes {
            return Ok(Err(Defect::Lengths));
        }
        let slice = self.read(position, bytes).await?;
        Ok(frame::decode(&slice, &header).map(|(frame, sections)| {
            let bodies = |section: Section<_>| section.map_bodies(|range| slice.slice(range));
            (frame, sections.into_iter().map(bodies).collect())
        }))
    }

    /// `bytes` bytes at `position`, fewer at the end of the file.
    async fn read(&mut self, position: u64, bytes: usize) -> Result<Slice, JournalError> {
        let end = self.window_position + self.window.len() as u64;
        if position < self.window_position || position + bytes as u64 > end {
            let left = self.at.bytes.saturating_sub(position);
            let wanted = left.min(bytes.max(WINDOW_BYTES) as u64) as usize;
            self.window = match wanted {
                0 => Slice::empty(),
                _ => self
                    .file
                    .read_at(position, wanted)
                    .await
                    .map_err(failed("read", &self.at.path))?,
            };
            // What a device did not give is no torn tail: nothing may be concluded from it.
            if self.window.len() < wanted {
                let short = std_io::Error::from(std_io::ErrorKind::UnexpectedEof);
                return Err(failed("read all of", &self.at.path)(short));
            }
            self.window_position = position;
        }
        let from = (position - self.window_position) as usize;
        let to = self.window.len().min(from + bytes);
        Ok(self.window.slice(from..to))
    }
}
