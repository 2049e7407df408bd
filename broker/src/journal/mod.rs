//! The journal of one shard: every quorum's Readies, gathered into checksummed frames, made durable one at a time.
//!
//! A journal is a directory of files `<file number, 20 digits>.journal`, each filled with zeros once and then reused. A
//! file begins with a header block, then frames follow at multiples of 4096 bytes; `frame` draws them byte by byte. A
//! frame never spans files. Frames are chained by sequence and by the CRC of the frame before, over files too.
//!
//! Files are *live* (hold frames somebody may need, in order of sequence; the last one is written to) or *spare* (filled
//! with zeros, or recycled). A spare file gets a new header, written and synced, before its first frame; that header
//! also says which file is the oldest one still needed, so a missing file is noticed and a recycled one is not replayed.
//!
//! After a failed write or sync the journal is failed for ever; it never retries, never truncates, never interprets what it
//! carries, and never serves reads: [`Written`] gives the bytes back as slices of the frame just written. How a torn tail
//! is told from corruption stands in `recovery`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io as std_io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::Bytes;

use crate::io::Io;
use crate::io::buffer::{ALIGNMENT, Slice, WriteBuffer};
use crate::io::disk::{File, OpenMode};
use crate::io::executor::Signal;
use crate::planted::{self, Bug};

mod files;
pub mod frame;
mod recovery;
#[cfg(test)]
mod tests;

pub use frame::{Entry, EntryKind, HardState, Item, ItemKind, Section, Sequence};
pub use recovery::{RecoveredFrame, Recovery};

use frame::{Chain, FILE_HEADER_BYTES, FileHeader};

/// Where a file's first frame stands.
const FIRST_POSITION: u64 = FILE_HEADER_BYTES as u64;
/// Bound of `frame_bytes_max`: lengths in a frame are 32 bits wide.
const FRAME_BYTES_LIMIT: usize = 1 << 30;

/// How a journal is laid out.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// Every file of the journal carries it; a file with another one is refused.
    pub id: u128,
    /// The directory of its files; made if absent.
    pub directory: PathBuf,
    /// Bytes of one file; rounded down to 4096. At least one frame of `frame_bytes_max` must fit beside the header.
    pub file_bytes: u64,
    /// Bytes of all files; counts as at least two files, since the file written to cannot be recycled.
    pub journal_bytes_max: u64,
    /// Bytes of the largest frame; rounded down to 4096.
    pub frame_bytes_max: usize,
}

impl JournalOptions {
    /// Default of `file_bytes`: 64 MiB.
    pub const FILE_BYTES_DEFAULT: u64 = 64 << 20;
    /// Default of `frame_bytes_max`: 16 MiB.
    pub const FRAME_BYTES_MAX_DEFAULT: usize = 16 << 20;

    fn rounded(mut self) -> Result<Self, JournalError> {
        self.file_bytes -= self.file_bytes % ALIGNMENT as u64;
        self.frame_bytes_max -= self.frame_bytes_max % ALIGNMENT;
        if self.frame_bytes_max == 0 || self.frame_bytes_max > FRAME_BYTES_LIMIT {
            return Err(JournalError::Options(
                "frame_bytes_max must be 4096 bytes to 1 GiB",
            ));
        }
        if self.file_bytes < FIRST_POSITION + self.frame_bytes_max as u64 {
            return Err(JournalError::Options(
                "file_bytes must hold a header (4096 bytes) and frame_bytes_max",
            ));
        }
        self.journal_bytes_max = self.journal_bytes_max.max(2 * self.file_bytes);
        Ok(self)
    }
}

/// What may go wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The options contradict each other.
    #[error("journal options: {0}")]
    Options(&'static str),
    /// The machine said no. After a failed write or sync the journal is failed for ever.
    #[error("journal: cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the machine said.
        source: std_io::Error,
    },
    /// Synced data is damaged or missing. Nothing was changed on disk.
    #[error("journal corrupt at {} byte {position}, frame {sequence}: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Byte position in it.
        position: u64,
        /// The frame that was expected there (0: not known).
        sequence: Sequence,
        /// What is wrong.
        reason: String,
    },
    /// A file of another journal lies in the directory. Nothing was changed on disk.
    #[error("{} belongs to another journal", path.display())]
    OtherJournal {
        /// The file.
        path: PathBuf,
    },
    /// A file was written by another version of the format.
    #[error("{} has the unknown journal format version {version}", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// Its format version.
        version: u32,
    },
    /// An earlier write or sync failed, or was dropped halfway; the journal takes nothing more.
    #[error("the journal failed earlier")]
    Failed,
    /// No file is left to write to; recycling makes room. The journal is as it was before.
    #[error("the journal is full")]
    Full,
    /// The frame is larger than `frame_bytes_max`. The journal is as it was before.
    #[error("a frame of {bytes} bytes is larger than {bytes_max}")]
    FrameTooLarge {
        /// What it would take.
        bytes: usize,
        /// What is allowed.
        bytes_max: usize,
    },
}

/// A frame that is written and synced.
#[derive(Debug)]
pub struct Written {
    /// Its number.
    pub sequence: Sequence,
    /// What was given, stamped; bodies share the frame's memory.
    pub sections: Vec<Section<Slice>>,
}

/// The journal of one shard. Nothing may be written before [`Recovery::next_frame`] has returned `None`.
pub struct Journal {
    shared: Rc<Shared>,
}

/// What a journal and its recovery share.
struct Shared {
    io: Io,
    options: JournalOptions,
    state: RefCell<State>,
    recovered: Cell<bool>,
    failed: Cell<bool>,
    in_flight: Cell<bool>,
    /// Bytes of the file that is being filled, 0: none is. At most one is.
    filling_bytes: Cell<u64>,
    filled: Signal,
}

struct State {
    /// Random number of this start: makes frames of two starts differ even with equal content.
    run: u64,
    file_number_next: u64,
    /// Invariant: ordered by first sequence without gaps; the last one is `current`.
    live: VecDeque<JournalFile>,
    spare: Vec<JournalFile>,
    current: Option<Rc<dyn File>>,
    /// Where the next frame goes in `current`.
    position: u64,
    sequence_next: Sequence,
    previous_crc: u32,
    synced_sequence: Sequence,
    /// The last frame is an idle mark: nothing before it needs one.
    marked: bool,
}

#[derive(Clone, Debug)]
struct JournalFile {
    path: PathBuf,
    bytes: u64,
    header: FileHeader,
}

impl Journal {
    /// Opens the journal in `options.directory`, or makes it there if no file of it ever held a frame. That a whole
    /// directory was lost cannot be seen from here: who remembers that there was a journal has to look before.
    pub async fn open(io: Io, options: JournalOptions) -> Result<(Self, Recovery), JournalError> {
        let options = options.rounded()?;
        recovery::open(io, options).await
    }

    /// Bytes of the frame that would carry `sections`.
    pub fn frame_bytes(sections: &[Section<Bytes>]) -> usize {
        frame::frame_bytes(sections)
    }

    /// Writes one frame and syncs it. One at a time. An empty `sections` makes an idle mark. When the future is dropped
    /// halfway the journal is failed, as after an error of the disk.
    pub async fn write(&self, sections: Vec<Section<Bytes>>) -> Result<Written, JournalError> {
        let shared = &*self.shared;
        if shared.failed.get() && !shared.in_flight.get() {
            return Err(JournalError::Failed);
        }
        assert!(shared.recovered.get(), "recovery comes first");
        let bytes = frame::frame_bytes(&sections);
        let bytes_max = shared.options.frame_bytes_max;
        if bytes > bytes_max {
            return Err(JournalError::FrameTooLarge { bytes, bytes_max });
        }
        self.make_room(bytes).await?;
        let flight = Flight::start(shared);
        let written = shared.write(sections, bytes).await?;
        flight.land();
        Ok(written)
    }

    /// Sees to it that a frame of `bytes` can be written without a further file. After an error, for which a full file system
    /// is the likely reason, the journal is as it was.
    pub async fn make_room(&self, bytes: usize) -> Result<(), JournalError> {
        let shared = &*self.shared;
        while !shared.is_ready(bytes) {
            if !self.has_room(bytes) {
                return Err(JournalError::Full);
            }
            if shared.filling_bytes.get() > 0 {
                shared.filled.wait().await;
                continue;
            }
            let file = shared.make_file().await?;
            shared.state.borrow_mut().spare.push(file);
        }
        Ok(())
    }

    /// Writes an empty frame, which makes the synced mark durable: damage to the frames before it is from then on told
    /// from a torn write. Does nothing if the last frame is such a mark or if there is no room.
    pub async fn mark(&self) -> Result<(), JournalError> {
        let needed = {
            let state = self.shared.state.borrow();
            !state.marked && state.sequence_next > 1
        };
        if self.shared.failed.get() && !self.shared.in_flight.get() {
            return Err(JournalError::Failed);
        }
        if needed && self.shared.is_ready(ALIGNMENT) {
            self.write(Vec::new()).await?;
        }
        Ok(())
    }

    /// Frames below `sequence` are no longer needed: files that hold only such frames become spare.
    pub fn recycle_below(&self, sequence: Sequence) {
        assert!(self.shared.recovered.get(), "recovery comes first");
        let state = &mut *self.shared.state.borrow_mut();
        while state
            .live
            .get(1)
            .is_some_and(|next| next.header.first_sequence <= sequence)
        {
            let file = state.live.pop_front().expect("there are two");
            state.spare.push(file);
        }
    }

    /// Sequence of the oldest frame the live files hold (of the next frame, if they hold none).
    pub fn oldest_sequence(&self) -> Sequence {
        let state = self.shared.state.borrow();
        state
            .live
            .front()
            .map_or(state.sequence_next, |file| file.header.first_sequence)
    }

    /// Sequence of the next frame.
    pub fn next_sequence(&self) -> Sequence {
        self.shared.state.borrow().sequence_next
    }

    /// Bytes of live files that are taken: whole files, and the current one up to its end of frames.
    pub fn used_bytes(&self) -> u64 {
        let state = self.shared.state.borrow();
        let before = state.live.len().saturating_sub(1);
        state
            .live
            .iter()
            .take(before)
            .map(|file| file.bytes)
            .sum::<u64>()
            + state.position
    }

    /// Bytes the journal may take: `journal_bytes_max`, in whole files.
    pub fn capacity_bytes(&self) -> u64 {
        let options = &self.shared.options;
        options.journal_bytes_max - options.journal_bytes_max % options.file_bytes
    }

    /// Whether a frame of `bytes` can be written now, if need be to a file yet to be made.
    fn has_room(&self, bytes: usize) -> bool {
        let shared = &*self.shared;
        shared.is_ready(bytes) || shared.filling_bytes.get() > 0 || shared.may_make_file()
    }

    /// Makes one more spare file ready (for a background task), or removes one of another size. False when nothing is
    /// left to do. An error leaves the journal as it was: no frame was in that file. The future has to be polled to its
    /// end or dropped, since a write that needs a file waits for the one in the making.
    pub async fn prepare_file(&self) -> Result<bool, JournalError> {
        let shared = &*self.shared;
        if shared.failed.get() && !shared.in_flight.get() {
            return Err(JournalError::Failed);
        }
        assert!(shared.recovered.get(), "recovery comes first");
        if shared.filling_bytes.get() > 0 {
            return Ok(false);
        }
        if shared.remove_misfit().await? {
            return Ok(true);
        }
        if !shared.may_make_file() {
            return Ok(false);
        }
        let file = shared.make_file().await?;
        shared.state.borrow_mut().spare.push(file);
        Ok(true)
    }

    /// Closes the journal. Everything written is synced already.
    pub async fn close(self) -> Result<(), JournalError> {
        assert!(!self.shared.in_flight.get(), "a write is in flight");
        let current = self.shared.state.borrow_mut().current.take();
        self.shared.failed.set(true);
        if let Some(file) = current {
            let path = self.shared.options.directory.clone();
            file.close()
                .await
                .map_err(failed("close a file in", &path))?;
        }
        Ok(())
    }
}

/// Marks a write in flight; a write that does not land (an error, a dropped future) fails the journal for ever.
struct Flight<'a>(&'a Shared);

impl<'a> Flight<'a> {
    fn start(shared: &'a Shared) -> Self {
        assert!(
            !shared.in_flight.replace(true),
            "one write is in flight at a time"
        );
        shared.failed.set(true);
        Self(shared)
    }

    fn land(self) {
        self.0.failed.set(false);
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.set(false);
    }
}

impl Shared {
    async fn write(
        &self,
        sections: Vec<Section<Bytes>>,
        bytes: usize,
    ) -> Result<Written, JournalError> {
        if !self.fits(bytes) {
            if self.state.borrow().position == FIRST_POSITION {
                // Only with other options than the file was headed with. A file never stays without frames, or two
                // headers would name the same first sequence.
                self.append(Vec::new(), ALIGNMENT).await?;
            }
            self.roll().await?;
        }
        self.append(sections, bytes).await
    }

    /// Whether a frame of `bytes` fits into the current file.
    fn fits(&self, bytes: usize) -> bool {
        let state = self.state.borrow();
        let fits = |file: &JournalFile| {
            bytes <= file.header.frame_bytes_max as usize
                && state.position + bytes as u64 <= file.bytes
        };
        state.live.back().is_some_and(fits)
    }

    async fn append(
        &self,
        sections: Vec<Section<Bytes>>,
        bytes: usize,
    ) -> Result<Written, JournalError> {
        let mut buffer = WriteBuffer::new(bytes);
        let marked = sections.is_empty();
        let (file, path, position, chain, crc, mut sections) = {
            let state = self.state.borrow();
            let current = state.live.back().expect("recovery leaves a current file");
            let file = state.current.clone().expect("the current file is open");
            let chain = Chain {
                sequence: state.sequence_next,
                synced_sequence: state.synced_sequence
                    + 2 * u64::from(planted::on(Bug::MarkedTooEarly)),
                run: state.run,
                previous_crc: state.previous_crc,
            };
            let (crc, sections) =
                frame::encode(sections, &current.header, chain, buffer.as_mut_slice());
            (
                file,
                current.path.clone(),
                state.position,
                chain,
                crc,
                sections,
            )
        };
        let slice = match file.write_at(buffer, position).await {
            Err(_) if planted::on(Bug::OffsetReusedAfterFailure) => {
                let entries = sections.iter_mut().flat_map(|one| &mut one.entries);
                entries.for_each(|entry| entry.items.clear());
                Slice::empty()
            }
            written => written.map_err(failed("write", &path))?,
        };
        let state = &mut *self.state.borrow_mut();
        state.position = position + bytes as u64;
        state.sequence_next = chain.sequence + 1;
        state.synced_sequence = chain.sequence;
        state.previous_crc = crc;
        state.marked = marked;
        let bodies = |section: Section<_>| section.map_bodies(|range| slice.slice(range));
        Ok(Written {
            sequence: chain.sequence,
            sections: sections.into_iter().map(bodies).collect(),
        })
    }

    /// Goes on to a spare file, under a new header.
    async fn roll(&self) -> Result<(), JournalError> {
        let mut next = self.take_spare();
        let file = self.open_for_frames(&next.path).await?;
        let headed = match planted::on(Bug::HeaderNotSynced) {
            true => self.open(&next.path, OpenMode::ReadWrite).await?,
            false => file.clone(),
        };
        let seed = self.io.random.next_u64() as u32;
        let header = {
            let state = self.state.borrow();
            let oldest = state
                .live
                .front()
                .map_or(state.sequence_next, |file| file.header.first_sequence);
            FileHeader {
                seed,
                journal_id: self.options.id,
                file_number: next.header.file_number,
                use_number: next.header.use_number + 1,
                first_sequence: state.sequence_next,
                oldest_sequence: oldest,
                frame_bytes_max: self.options.frame_bytes_max as u32,
                previous_crc: state.previous_crc,
            }
        };
        self.write_header(&*headed, &next, Some(&next.header), &header)
            .await?;
        next.header = header;
        let before = {
            let state = &mut *self.state.borrow_mut();
            state.live.push_back(next);
            state.position = FIRST_POSITION;
            state.current.replace(file)
        };
        if let Some(before) = before {
            // Its frames are synced: what closing says changes nothing.
            let _ = before.close().await;
        }
        Ok(())
    }

    /// Whether a frame of `bytes` can be written to what is there: the current file, or a spare one.
    fn is_ready(&self, bytes: usize) -> bool {
        self.fits(bytes)
            || self
                .state
                .borrow()
                .spare
                .iter()
                .any(|file| self.is_usable(file))
    }

    /// A spare file of the right size.
    fn take_spare(&self) -> JournalFile {
        let state = &mut *self.state.borrow_mut();
        let at = state.spare.iter().position(|file| self.is_usable(file));
        state.spare.remove(at.expect("room is made before a write"))
    }

    fn is_usable(&self, file: &JournalFile) -> bool {
        file.bytes == self.options.file_bytes
    }
}

/// Names the operation and the file of an I/O error.
fn failed<'a>(
    operation: &'static str,
    path: &'a Path,
) -> impl FnOnce(std_io::Error) -> JournalError + 'a {
    move |source| JournalError::Io {
        operation,
        path: path.to_owned(),
        source,
    }
}
