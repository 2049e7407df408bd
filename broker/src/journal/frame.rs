//! Bytes of a journal file: its header, its frames, and back. Pure; never does IO and never decides what a bad frame means.
//!
//! All numbers are little-endian. The first 4096-byte block of a file holds two header *slots*, at byte 0 for even and at
//! byte 2048 for odd uses of the file: a torn header write leaves the slot of the use before it whole.
//!
//! ```text
//! slot    0 magic u64          8 format version u32     12 seed u32           16 journal id u128
//!        32 file number u64   40 use number u64         48 first sequence u64 (0: no frame was ever in this file)
//!        56 oldest sequence u64 (first sequence of the oldest file that is needed once this slot is durable)
//!        64 frame bytes max u32   68 CRC of frame (first sequence - 1) u32    72 zero u32    76 CRC-32 of bytes 0..76 u32
//! frame   0 magic u64          8 journal id u128        24 use number u64     32 sequence u64
//!        40 highest sequence known synced u64           48 run u64 (random per start: equal content, other CRC)
//!        56 CRC of the previous frame u32               60 sections u32       64 directory bytes u32
//!        68 body bytes u32    72 frame bytes u32 (with padding)               76 CRC-32 of all but this field and padding u32
//!        80 directory, then the bodies in the order of their items, each padded to 8; zeros up to a multiple of 4096
//! section 0 quorum u32   4 flags u32 (1: hard state)    8 entries u32   12 zero u32
//!        16 only with a hard state: term u64, vote u64, commit u64;  then the entries
//! entry   0 index u64    8 term u64    16 kind u32     20 items u32;   then the items
//! item    0 kind u32     4 body bytes u32   8 topic id u128   24 partition i32   28 leader epoch i32
//!        32 offset i64  40 log append time in ms i64 (-1: none)
//! ```
//!
//! The CRC-32 of a frame starts from the seed of its file's use: bytes of an earlier use never validate, and who does not
//! know the seed and the journal id (no client does) cannot forge a frame inside a record.

use std::ops::Range;

use bytes::Bytes;
use protocol::record_batch;

use crate::io::buffer::{ALIGNMENT, align_up};
use crate::planted::{self, Bug};

/// Format version this code writes and reads.
pub const FORMAT_VERSION: u32 = 1;
/// Bytes of a file before its first frame.
pub const FILE_HEADER_BYTES: usize = ALIGNMENT;

const SLOT_BYTES: usize = 80;
const SLOT_POSITIONS: [usize; 2] = [0, 2048];
const SLOT_MAGIC: u64 = u64::from_le_bytes(*b"PeltonJF");
const FRAME_MAGIC: u64 = u64::from_le_bytes(*b"PeltonFr");
const FRAME_HEADER_BYTES: usize = 80;
const CHECKSUM_AT: usize = 76;
const SECTION_BYTES: usize = 16;
const HARD_STATE_BYTES: usize = 24;
const ENTRY_BYTES: usize = 24;
const ITEM_BYTES: usize = 48;
const FLAG_HARD_STATE: u32 = 1;

/// Number of a frame, from 1.
pub type Sequence = u64;

/// Raft's hard state of one quorum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardState {
    /// Current term.
    pub term: u64,
    /// Whom this replica voted for in that term, 0: nobody.
    pub vote: u64,
    /// Highest index known committed.
    pub commit: u64,
}

/// What raft makes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// Applied by the state machine.
    Normal = 0,
    /// Changes the members.
    ConfChange = 1,
}

/// What an item's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A Kafka v2 record batch, appended to a partition; stamped when it is copied into a frame.
    Batch = 1,
    /// A partition begins.
    PartitionAdd = 2,
    /// A partition ends.
    PartitionRemove = 3,
    /// The log start offset moves.
    LogStart = 4,
    /// A record of a replicated state machine.
    Record = 5,
    /// Bytes that the quorum itself reads.
    Raw = 6,
    /// Batches that went straight to a partition's segment, which is durable: what is to be known of them.
    Stored = 7,
}

/// One thing an entry does. `B` is `Bytes` on the way in, `Slice` once written or recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<B> {
    /// What the body is.
    pub kind: ItemKind,
    /// Topic id, 0 where none is meant.
    pub topic_id: u128,
    /// Partition index.
    pub partition: i32,
    /// Base offset (batches), or the offset meant.
    pub offset: i64,
    /// Leader epoch.
    pub leader_epoch: i32,
    /// Log append time in milliseconds since the epoch, -1: none.
    pub log_append_time_ms: i64,
    /// The bytes.
    pub body: B,
}

/// One raft entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<B> {
    /// Raft index.
    pub index: u64,
    /// Raft term.
    pub term: u64,
    /// What raft makes of it.
    pub kind: EntryKind,
    /// What it does, in order.
    pub items: Vec<Item<B>>,
}

/// One raft Ready of one quorum. Never spans frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<B> {
    /// The quorum's number.
    pub quorum: u32,
    /// Its hard state, if it changed.
    pub hard_state: Option<HardState>,
    /// Its new entries, in order.
    pub entries: Vec<Entry<B>>,
}

impl<B> Section<B> {
    /// The same section with every body turned into another one.
    pub fn map_bodies<C>(self, mut body: impl FnMut(B) -> C) -> Section<C> {
        let mut entries = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            let items = entry
                .items
                .into_iter()
                .map(|item| item.with_body(&mut body))
                .collect();
            entries.push(Entry {
                index: entry.index,
                term: entry.term,
                kind: entry.kind,
                items,
            });
        }
        Section {
            quorum: self.quorum,
            hard_state: self.hard_state,
            entries,
        }
    }
}

impl<B> Item<B> {
    fn with_body<C>(self, body: impl FnOnce(B) -> C) -> Item<C> {
        Item {
            kind: self.kind,
            topic_id: self.topic_id,
            partition: self.partition,
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            log_append_time_ms: self.log_append_time_ms,
            body: body(self.body),
        }
    }
}

/// Why bytes are no frame, or no file header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// The bytes end too early.
    #[error("the bytes end too early")]
    Short,
    /// The magic number is another.
    #[error("no magic number")]
    Magic,
    /// It belongs to another journal or another use of the file.
    #[error("of another journal or another use of the file")]
    Foreign,
    /// The lengths contradict each other or a bound.
    #[error("impossible lengths")]
    Lengths,
    /// The checksum does not match.
    #[error("checksum mismatch")]
    Checksum,
    /// The checksum matches but the directory makes no sense: never the work of a tear.
    #[error("impossible directory: {0}")]
    Directory(&'static str),
    /// A whole header of a format this code does not know.
    #[error("unknown format version {0}")]
    Format(u32),
}

/// One use of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// Starts the checksums of this use's frames.
    pub seed: u32,
    /// The journal's random id.
    pub journal_id: u128,
    /// The file's number, as in its name.
    pub file_number: u64,
    /// How often the file was headed before; 0: it only was filled with zeros.
    pub use_number: u64,
    /// Sequence of the first frame, 0: none was ever written.
    pub first_sequence: Sequence,
    /// First sequence of the oldest file that is needed once this header is durable.
    pub oldest_sequence: Sequence,
    /// Largest frame of this use, in bytes.
    pub frame_bytes_max: u32,
    /// CRC of the frame before the first one, 0 at the journal's beginning.
    pub previous_crc: u32,
}

/// What the first block of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeaders {
    /// The latest whole slot.
    pub latest: Option<FileHeader>,
    /// A slot holds neither zeros nor a whole header: a torn header write, or rot.
    pub damaged: bool,
}

impl FileHeader {
    /// Writes this header and `before`, the one of the use before, into the first block of a file.
    pub fn encode_block(&self, before: Option<&Self>, block: &mut [u8]) {
        assert_eq!(block.len(), FILE_HEADER_BYTES, "a file header is one block");
        block.fill(0);
        for header in before.into_iter().chain([self]) {
            let at = SLOT_POSITIONS[(header.use_number % 2) as usize];
            header.encode_slot(&mut block[at..at + SLOT_BYTES]);
        }
    }

    fn encode_slot(&self, slot: &mut [u8]) {
        let mut writer = Writer { bytes: slot, at: 0 };
        writer.put(&SLOT_MAGIC.to_le_bytes());
        writer.put(&FORMAT_VERSION.to_le_bytes());
        writer.put(&self.seed.to_le_bytes());
        writer.put(&self.journal_id.to_le_bytes());
        writer.put(&self.file_number.to_le_bytes());
        writer.put(&self.use_number.to_le_bytes());
        writer.put(&self.first_sequence.to_le_bytes());
        writer.put(&self.oldest_sequence.to_le_bytes());
        writer.put(&self.frame_bytes_max.to_le_bytes());
        writer.put(&self.previous_crc.to_le_bytes());
        writer.put(&0u32.to_le_bytes());
        let crc = crc32fast::hash(&slot[..CHECKSUM_AT]);
        slot[CHECKSUM_AT..].copy_from_slice(&crc.to_le_bytes());
    }

    fn decode_slot(slot: &[u8]) -> Result<Self, Defect> {
        let mut reader = Reader { bytes: slot, at: 0 };
        if reader.u64()? != SLOT_MAGIC {
            return Err(Defect::Magic);
        }
        let version = reader.u32()?;
        let header = Self {
            seed: reader.u32()?,
            journal_id: reader.u128()?,
            file_number: reader.u64()?,
            use_number: reader.u64()?,
            first_sequence: reader.u64()?,
            oldest_sequence: reader.u64()?,
            frame_bytes_max: reader.u32()?,
            previous_crc: reader.u32()?,
        };
        let zero = reader.u32()?;
        if reader.u32()? != crc32fast::hash(&slot[..CHECKSUM_AT]) {
            return Err(Defect::Checksum);
        }
        // The places of magic, version and checksum are the same in every format.
        if version != FORMAT_VERSION {
            return Err(Defect::Format(version));
        }
        let live = header.first_sequence > 0;
        if zero != 0
            || live != (header.use_number > 0)
            || header.oldest_sequence > header.first_sequence
        {
            return Err(Defect::Lengths);
        }
        Ok(header)
    }
}

impl FileHeaders {
    /// Reads the first block of a file. Errors only with [`Defect::Short`] or [`Defect::Format`].
    pub fn decode(block: &[u8]) -> Result<Self, Defect> {
        let mut headers = Self {
            latest: None,
            damaged: false,
        };
        for (parity, at) in SLOT_POSITIONS.into_iter().enumerate() {
            let slot = block.get(at..at + SLOT_BYTES).ok_or(Defect::Short)?;
            match FileHeader::decode_slot(slot) {
                Ok(header) if header.use_number % 2 == parity as u64 => {
                    let later = headers
                        .latest
                        .is_none_or(|other| other.use_number < header.use_number);
                    if later {
                        headers.latest = Some(header);
                    }
                }
                Err(Defect::Format(version)) => return Err(Defect::Format(version)),
                _ => headers.damaged |= slot.iter().any(|byte| *byte != 0),
            }
        }
        Ok(headers)
    }
}

/// The fixed part of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// The frame's number.
    pub sequence: Sequence,
    /// Highest sequence known synced when it was written.
    pub synced_sequence: Sequence,
    /// Random number of the start that wrote it.
    pub run: u64,
    /// CRC of the frame before.
    pub previous_crc: u32,
    /// Sections in the directory.
    pub section_count: u32,
    /// Bytes of the directory.
    pub directory_bytes: u32,
    /// Bytes of all bodies with their padding.
    pub body_bytes: u32,
    /// Bytes of the whole frame, a multiple of 4096.
    pub frame_bytes: u32,
    /// The checksum it carries.
    pub crc: u32,
}

impl FrameHeader {
    /// Reads the fixed part and checks all but the checksum: what it says of lengths may be used to read the rest.
    pub fn decode(bytes: &[u8], file: &FileHeader) -> Result<Self, Defect> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.u64()? != FRAME_MAGIC {
            return Err(Defect::Magic);
        }
        let foreign = reader.u128()? != file.journal_id || reader.u64()? != file.use_number;
        if foreign && !planted::on(Bug::StaleFrameAccepted) {
            return Err(Defect::Foreign);
        }
        let header = Self {
            sequence: reader.u64()?,
            synced_sequence: reader.u64()?,
            run: reader.u64()?,
            previous_crc: reader.u32()?,
            section_count: reader.u32()?,
            directory_bytes: reader.u32()?,
            body_bytes: reader.u32()?,
            frame_bytes: reader.u32()?,
            crc: reader.u32()?,
        };
        let used = FRAME_HEADER_BYTES as u64
            + u64::from(header.directory_bytes)
            + u64::from(header.body_bytes);
        let whole = used.div_ceil(ALIGNMENT as u64) * ALIGNMENT as u64;
        if header.frame_bytes > file.frame_bytes_max || whole != u64::from(header.frame_bytes) {
            return Err(Defect::Lengths);
        }
        Ok(header)
    }

    /// Whether a file's first frame, which begins with `bytes`, is of the use after the one `file` tells of: a frame comes
    /// only after the header of its use is durable, so that header was lost.
    pub fn is_of_next_use(bytes: &[u8], file: &FileHeader) -> bool {
        let mut reader = Reader { bytes, at: 0 };
        reader.u64() == Ok(FRAME_MAGIC)
            && reader.u128() == Ok(file.journal_id)
            && reader.u64() == Ok(file.use_number.wrapping_add(1))
    }

    fn used_bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.directory_bytes as usize + self.body_bytes as usize
    }
}

/// What a frame is stamped with beside its content.
#[derive(Clone, Copy, Debug)]
pub struct Chain {
    /// The frame's number.
    pub sequence: Sequence,
    /// Highest sequence known synced.
    pub synced_sequence: Sequence,
    /// Random number of this start.
    pub run: u64,
    /// CRC of the frame before.
    pub previous_crc: u32,
}

/// Sections whose bodies are ranges of the bytes of their frame.
pub type Places = Vec<Section<Range<usize>>>;

/// Directory and body bytes of `sections`.
fn measure(sections: &[Section<Bytes>]) -> (usize, usize) {
    let (mut directory, mut body) = (0, 0);
    for section in sections {
        directory += SECTION_BYTES + section.hard_state.map_or(0, |_| HARD_STATE_BYTES);
        for entry in &section.entries {
            directory += ENTRY_BYTES + entry.items.len() * ITEM_BYTES;
            body += entry
                .items
                .iter()
                .map(|item| item.body.len().next_multiple_of(8))
                .sum::<usize>();
        }
    }
    (directory, body)
}

/// Bytes of the frame that carries `sections`, padding included.
pub fn frame_bytes(sections: &[Section<Bytes>]) -> usize {
    let (directory, body) = measure(sections);
    align_up(FRAME_HEADER_BYTES + directory + body)
}

/// Writes a frame into `buffer`, which is exactly [`frame_bytes`] long, stamps batches on the way, and returns the
/// frame's CRC and where each body came to lie.
pub fn encode(
    sections: Vec<Section<Bytes>>,
    file: &FileHeader,
    chain: Chain,
    buffer: &mut [u8],
) -> (u32, Places) {
    let (directory_bytes, body_bytes) = measure(&sections);
    let used = FRAME_HEADER_BYTES + directory_bytes + body_bytes;
    assert_eq!(
        buffer.len(),
        align_up(used),
        "the buffer is exactly one frame"
    );
    assert!(
        buffer.len() <= file.frame_bytes_max as usize,
        "a frame keeps its file's limit"
    );
    let (head, bodies) = buffer.split_at_mut(FRAME_HEADER_BYTES + directory_bytes);
    let mut writer = Writer { bytes: head, at: 0 };
    writer.put(&FRAME_MAGIC.to_le_bytes());
    writer.put(&file.journal_id.to_le_bytes());
    writer.put(&file.use_number.to_le_bytes());
    writer.put(&chain.sequence.to_le_bytes());
    writer.put(&chain.synced_sequence.to_le_bytes());
    writer.put(&chain.run.to_le_bytes());
    writer.put(&chain.previous_crc.to_le_bytes());
    for number in [
        sections.len(),
        directory_bytes,
        body_bytes,
        align_up(used),
        0,
    ] {
        writer.put_u32(number);
    }
    let mut at = 0;
    for section in &sections {
        encode_section(&mut writer, section);
        for item in section.entries.iter().flat_map(|entry| &entry.items) {
            let place = &mut bodies[at..at + item.body.len().next_multiple_of(8)];
            let (body, padding) = place.split_at_mut(item.body.len());
            body.copy_from_slice(&item.body);
            padding.fill(0);
            stamp(item, body);
            at += place.len();
        }
    }
    assert_eq!(
        (writer.at, at),
        (FRAME_HEADER_BYTES + directory_bytes, body_bytes),
        "measured as written"
    );
    bodies[at..].fill(0);
    let crc = checksum(&buffer[..used], file.seed);
    buffer[CHECKSUM_AT..FRAME_HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
    let mut at = FRAME_HEADER_BYTES + directory_bytes;
    let mut place = |body: Bytes| {
        let range = at..at + body.len();
        at += body.len().next_multiple_of(8);
        range
    };
    (
        crc,
        sections
            .into_iter()
            .map(|section| section.map_bodies(&mut place))
            .collect(),
    )
}

/// Reads the frame at the start of `bytes` with everything checked; bodies are ranges of `bytes`.
pub fn decode(bytes: &[u8], file: &FileHeader) -> Result<(FrameHeader, Places), Defect> {
    let header = FrameHeader::decode(bytes, file)?;
    let used = bytes.get(..header.used_bytes()).ok_or(Defect::Short)?;
    if bytes.len() < header.frame_bytes as usize {
        return Err(Defect::Short);
    }
    if checksum(used, file.seed) != header.crc && !planted::on(Bug::TornFrameAccepted) {
        return Err(Defect::Checksum);
    }
    let body_from = FRAME_HEADER_BYTES + header.directory_bytes as usize;
    let mut directory = Directory {
        reader: Reader {
            bytes: &used[..body_from],
            at: FRAME_HEADER_BYTES,
        },
        body_at: body_from,
        body_end: used.len(),
    };
    let count = directory.count(header.section_count, SECTION_BYTES)?;
    let mut sections = Vec::with_capacity(count);
    for _ in 0..count {
        let section = directory.section().map_err(|defect| match defect {
            Defect::Short => Defect::Directory("the directory ends too early"),
            other => other,
        });
        sections.push(section?);
    }
    if directory.reader.at != body_from || directory.body_at != used.len() {
        return Err(Defect::Directory("bytes are left over"));
    }
    Ok((header, sections))
}

fn checksum(used: &[u8], seed: u32) -> u32 {
    let seed = match planted::on(Bug::StaleFrameAccepted) {
        true => 0,
        false => seed,
    };
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    hasher.update(&used[..CHECKSUM_AT]);
    hasher.update(&used[FRAME_HEADER_BYTES..]);
    hasher.finalize()
}

/// Gives a copied batch what was decided on when it came.
fn stamp(item: &Item<Bytes>, body: &mut [u8]) {
    if item.kind == ItemKind::Batch {
        record_batch::stamp(
            body,
            item.offset,
            item.leader_epoch,
            item.log_append_time_ms,
        );
    }
}

fn encode_section(writer: &mut Writer<'_>, section: &Section<Bytes>) {
    writer.put(&section.quorum.to_le_bytes());
    let flags = section.hard_state.map_or(0, |_| FLAG_HARD_STATE);
    writer.put(&flags.to_le_bytes());
    writer.put_u32(section.entries.len());
    writer.put_u32(0);
    if let Some(state) = section.hard_state {
        for number in [state.term, state.vote, state.commit] {
            writer.put(&number.to_le_bytes());
        }
    }
    for entry in &section.entries {
        writer.put(&entry.index.to_le_bytes());
        writer.put(&entry.term.to_le_bytes());
        writer.put(&(entry.kind as u32).to_le_bytes());
        writer.put_u32(entry.items.len());
        for item in &entry.items {
            writer.put(&(item.kind as u32).to_le_bytes());
            writer.put_u32(item.body.len());
            writer.put(&item.topic_id.to_le_bytes());
            writer.put(&item.partition.to_le_bytes());
            writer.put(&item.leader_epoch.to_le_bytes());
            writer.put(&item.offset.to_le_bytes());
            writer.put(&item.log_append_time_ms.to_le_bytes());
        }
    }
}

/// Reads a directory whose checksum matched; still trusts no count in it.
struct Directory<'a> {
    reader: Reader<'a>,
    body_at: usize,
    body_end: usize,
}

impl Directory<'_> {
    /// `count` as a number of things of at least `bytes_min` bytes each that the rest of the directory can hold.
    fn count(&self, count: u32, bytes_min: usize) -> Result<usize, Defect> {
        let count = count as usize;
        if count > self.reader.left() / bytes_min {
            return Err(Defect::Directory("more things than bytes"));
        }
        Ok(count)
    }

    fn section(&mut self) -> Result<Section<Range<usize>>, Defect> {
        let quorum = self.reader.u32()?;
        let flags = self.reader.u32()?;
        let count = self.reader.u32()?;
        if flags & !FLAG_HARD_STATE != 0 || self.reader.u32()? != 0 {
            return Err(Defect::Directory("unknown section flags"));
        }
        let hard_state = match flags {
            FLAG_HARD_STATE => Some(HardState {
                term: self.reader.u64()?,
                vote: self.reader.u64()?,
                commit: self.reader.u64()?,
            }),
            _ => None,
        };
        let count = self.count(count, ENTRY_BYTES)?;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            entries.push(self.entry()?);
        }
        Ok(Section {
            quorum,
            hard_state,
            entries,
        })
    }

    fn entry(&mut self) -> Result<Entry<Range<usize>>, Defect> {
        let index = self.reader.u64()?;
        let term = self.reader.u64()?;
        let kind = match self.reader.u32()? {
            0 => EntryKind::Normal,
            1 => EntryKind::ConfChange,
            _ => return Err(Defect::Directory("unknown entry kind")),
        };
        let count = self.reader.u32()?;
        let count = self.count(count, ITEM_BYTES)?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.item()?);
        }
        Ok(Entry {
            index,
            term,
            kind,
            items,
        })
    }

    fn item(&mut self) -> Result<Item<Range<usize>>, Defect> {
        let kind = match self.reader.u32()? {
            1 => ItemKind::Batch,
            2 => ItemKind::PartitionAdd,
            3 => ItemKind::PartitionRemove,
            4 => ItemKind::LogStart,
            5 => ItemKind::Record,
            6 => ItemKind::Raw,
            7 => ItemKind::Stored,
            _ => return Err(Defect::Directory("unknown item kind")),
        };
        let bytes = self.reader.u32()? as usize;
        let topic_id = self.reader.u128()?;
        let partition = self.reader.i32()?;
        let leader_epoch = self.reader.i32()?;
        let offset = self.reader.i64()?;
        let log_append_time_ms = self.reader.i64()?;
        let padded = bytes.checked_next_multiple_of(8).unwrap_or(usize::MAX);
        if padded > self.body_end - self.body_at {
            return Err(Defect::Directory("a body beyond the frame"));
        }
        let body = self.body_at..self.body_at + bytes;
        self.body_at += padded;
        Ok(Item {
            kind,
            topic_id,
            partition,
            offset,
            leader_epoch,
            log_append_time_ms,
            body,
        })
    }
}

struct Writer<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, field: &[u8]) {
        self.bytes[self.at..self.at + field.len()].copy_from_slice(field);
        self.at += field.len();
    }

    fn put_u32(&mut self, number: usize) {
        let number = u32::try_from(number).expect("a frame is smaller than 4 GiB");
        self.put(&number.to_le_bytes());
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Defect> {
        let rest = self.bytes.get(self.at..).ok_or(Defect::Short)?;
        let field = rest.first_chunk::<N>().ok_or(Defect::Short)?;
        self.at += N;
        Ok(*field)
    }

    fn u32(&mut self) -> Result<u32, Defect> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Defect> {
        self.take().map(u64::from_le_bytes)
    }

    fn u128(&mut self) -> Result<u128, Defect> {
        self.take().map(u128::from_le_bytes)
    }

    fn i32(&mut self) -> Result<i32, Defect> {
        self.take().map(i32::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64, Defect> {
        self.take().map(i64::from_le_bytes)
    }
}
