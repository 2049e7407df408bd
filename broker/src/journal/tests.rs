//! Tests of the journal on a disk in memory that remembers every operation, so that a crash can be tried after each.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io as std_io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_lite::future::block_on;
use proptest::prelude::*;

use super::frame::Defect;
use super::*;
use crate::io::clock::{Clock, Instant, Random};
use crate::io::disk::{DirectoryEntry, Disk, Space};
use crate::io::executor::Executor;
use crate::io::mesh::{Mesh, Message, Stopped};
use crate::io::net::{Accepted, Connection, Listener, Net, SocketBuffers};
use crate::io::{LocalBoxFuture, buffer::align_up};

const DIRECTORY: &str = "/data/journal";

#[derive(Clone)]
enum Op {
    Bytes {
        path: PathBuf,
        bytes: u64,
    },
    Write {
        path: PathBuf,
        position: usize,
        data: Vec<u8>,
    },
    Remove {
        path: PathBuf,
    },
    Sync,
}

#[derive(Clone, Default)]
struct MemoryDisk(Rc<Memory>);

#[derive(Default)]
struct Memory {
    files: RefCell<BTreeMap<PathBuf, Vec<u8>>>,
    ops: RefCell<Vec<Op>>,
    fail_writes: Cell<bool>,
    fail_syncs: Cell<bool>,
    random: Cell<u64>,
}

impl MemoryDisk {
    fn apply(&self, op: Op) {
        {
            let files = &mut *self.0.files.borrow_mut();
            match &op {
                Op::Bytes { path, bytes } => files
                    .entry(path.clone())
                    .or_default()
                    .resize(*bytes as usize, 0),
                Op::Write {
                    path,
                    position,
                    data,
                } => {
                    let file = files.get_mut(path).unwrap();
                    file.resize(file.len().max(position + data.len()), 0);
                    file[*position..position + data.len()].copy_from_slice(data);
                }
                Op::Remove { path } => drop(files.remove(path)),
                Op::Sync => {}
            }
        }
        self.0.ops.borrow_mut().push(op);
    }

    /// A disk with these contents and no history.
    fn copy(&self) -> Self {
        let copy = Self::default();
        *copy.0.files.borrow_mut() = self.0.files.borrow().clone();
        copy.0.random.set(self.0.random.get() + 1_000_003);
        copy
    }

    fn edit(&self, number: u64, edit: impl FnOnce(&mut Vec<u8>)) {
        edit(self.0.files.borrow_mut().get_mut(&path_of(number)).unwrap());
    }

    fn io(&self) -> Io {
        let nothing = Rc::new(Nothing);
        let random = Rc::new(self.clone());
        Io {
            disk: random.clone(),
            net: nothing.clone(),
            mesh: nothing.clone(),
            clock: nothing.clone(),
            random,
            executor: nothing,
        }
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    path: PathBuf,
    /// Every write is synced.
    durable: bool,
}

fn ready<'a, T: 'a>(value: T) -> LocalBoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

impl Disk for MemoryDisk {
    fn open<'a>(
        &'a self,
        path: &'a Path,
        mode: OpenMode,
    ) -> LocalBoxFuture<'a, std_io::Result<Rc<dyn File>>> {
        let exists = self.0.files.borrow().contains_key(path);
        match mode {
            OpenMode::CreateNew if exists => {
                return ready(Err(std_io::ErrorKind::AlreadyExists.into()));
            }
            OpenMode::Read | OpenMode::ReadWrite | OpenMode::ReadWriteDurable if !exists => {
                return ready(Err(std_io::ErrorKind::NotFound.into()));
            }
            _ if !exists => self.apply(Op::Bytes {
                path: path.to_owned(),
                bytes: 0,
            }),
            _ => {}
        }
        ready(Ok(Rc::new(MemoryFile {
            disk: self.clone(),
            path: path.to_owned(),
            durable: mode == OpenMode::ReadWriteDurable,
        })))
    }

    fn list<'a>(&'a self, _: &'a Path) -> LocalBoxFuture<'a, std_io::Result<Vec<DirectoryEntry>>> {
        let files = self.0.files.borrow();
        let entry = |(path, data): (&PathBuf, &Vec<u8>)| DirectoryEntry {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            is_directory: false,
            bytes: data.len() as u64,
        };
        ready(Ok(files.iter().map(entry).collect()))
    }

    fn create_directory<'a>(&'a self, _: &'a Path) -> LocalBoxFuture<'a, std_io::Result<bool>> {
        ready(Ok(true))
    }

    fn remove<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, std_io::Result<()>> {
        self.apply(Op::Remove {
            path: path.to_owned(),
        });
        ready(Ok(()))
    }

    fn rename<'a>(&'a self, _: &'a Path, _: PathBuf) -> LocalBoxFuture<'a, std_io::Result<()>> {
        unreachable!("a journal renames nothing")
    }

    fn sync_directory<'a>(&'a self, _: &'a Path) -> LocalBoxFuture<'a, std_io::Result<()>> {
        ready(Ok(()))
    }

    fn sync_file_system<'a>(&'a self, _: &'a Path) -> LocalBoxFuture<'a, std_io::Result<()>> {
        unreachable!("a journal syncs its files")
    }

    fn space(&self, _: &Path) -> std_io::Result<Space> {
        unreachable!("a journal knows its bounds")
    }
}

impl File for MemoryFile {
    fn read_at(&self, position: u64, len: usize) -> LocalBoxFuture<'_, std_io::Result<Slice>> {
        assert!(position.is_multiple_of(4096) && len.is_multiple_of(4096));
        let files = self.disk.0.files.borrow();
        let data = &files[&self.path];
        let from = data.len().min(position as usize);
        let to = data.len().min(position as usize + len);
        ready(Ok(Slice::from(Bytes::copy_from_slice(&data[from..to]))))
    }

    fn write_at(
        &self,
        buffer: WriteBuffer,
        position: u64,
    ) -> LocalBoxFuture<'_, std_io::Result<Slice>> {
        assert!(position.is_multiple_of(4096));
        if self.disk.0.fail_writes.get() {
            return ready(Err(std_io::Error::other("write")));
        }
        let data = buffer.as_slice().to_vec();
        self.disk.apply(Op::Write {
            path: self.path.clone(),
            position: position as usize,
            data,
        });
        let written = buffer.freeze();
        match self.durable {
            true => Box::pin(async move { self.sync().await.map(|()| written) }),
            false => ready(Ok(written)),
        }
    }

    fn sync(&self) -> LocalBoxFuture<'_, std_io::Result<()>> {
        if self.disk.0.fail_syncs.get() {
            return ready(Err(std_io::Error::other("sync")));
        }
        self.disk.apply(Op::Sync);
        ready(Ok(()))
    }

    fn allocate(&self, bytes: u64) -> LocalBoxFuture<'_, std_io::Result<()>> {
        self.disk.apply(Op::Bytes {
            path: self.path.clone(),
            bytes,
        });
        ready(Ok(()))
    }

    fn truncate(&self, _: u64) -> LocalBoxFuture<'_, std_io::Result<()>> {
        unreachable!("a journal never truncates")
    }

    fn bytes(&self) -> std_io::Result<u64> {
        Ok(self.disk.0.files.borrow()[&self.path].len() as u64)
    }

    fn close(self: Rc<Self>) -> LocalBoxFuture<'static, std_io::Result<()>> {
        ready(Ok(()))
    }
}

impl Random for MemoryDisk {
    fn next_u64(&self) -> u64 {
        self.0.random.set(self.0.random.get() + 1);
        self.0
            .random
            .get()
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(23)
            .wrapping_mul(0xD6E8_FEB8_6659_FD93)
    }
}

/// The rest of the world, which a journal never asks.
struct Nothing;

impl Net for Nothing {
    fn listen(&self, _: SocketAddr, _: u32) -> std_io::Result<Rc<dyn Listener>> {
        unreachable!()
    }
    fn adopt(&self, _: Accepted, _: SocketBuffers) -> std_io::Result<Rc<dyn Connection>> {
        unreachable!()
    }
}

impl Mesh for Nothing {
    fn shard(&self) -> usize {
        unreachable!()
    }
    fn shards(&self) -> usize {
        unreachable!()
    }
    fn send(&self, _: usize, _: Message) -> LocalBoxFuture<'_, Result<(), Stopped>> {
        unreachable!()
    }
    fn receive(&self) -> LocalBoxFuture<'_, (usize, Message)> {
        unreachable!()
    }
}

impl Clock for Nothing {
    fn now(&self) -> Instant {
        unreachable!()
    }
    fn wall_ms(&self) -> i64 {
        unreachable!()
    }
    fn sleep(&self, _: Duration) -> LocalBoxFuture<'static, ()> {
        unreachable!()
    }
}

impl Executor for Nothing {
    fn spawn(&self, _: &'static str, _: LocalBoxFuture<'static, ()>) {
        unreachable!()
    }
    fn spawn_first(&self, _: &'static str, _: LocalBoxFuture<'static, ()>) {
        unreachable!()
    }
    fn spawn_background(&self, _: &'static str, _: LocalBoxFuture<'static, ()>) {
        unreachable!()
    }
    fn should_yield(&self) -> bool {
        unreachable!()
    }
    fn yield_now(&self) -> LocalBoxFuture<'_, ()> {
        unreachable!()
    }
}

fn path_of(number: u64) -> PathBuf {
    Path::new(DIRECTORY).join(format!("{number:020}.journal"))
}

const JOURNAL_ID: u128 = 77;

/// Files of 7 blocks (6 for frames), three of them, frames of at most 4 blocks.
fn options() -> JournalOptions {
    JournalOptions {
        id: JOURNAL_ID,
        directory: DIRECTORY.into(),
        file_bytes: 7 * 4096,
        journal_bytes_max: 3 * 7 * 4096,
        frame_bytes_max: 4 * 4096,
    }
}

type Sections = Vec<Section<Vec<u8>>>;

fn plain(sections: Vec<Section<Slice>>) -> Sections {
    sections
        .into_iter()
        .map(|section| section.map_bodies(|body| body.to_vec()))
        .collect()
}

fn given(sections: &Sections) -> Vec<Section<Bytes>> {
    sections
        .iter()
        .cloned()
        .map(|section| section.map_bodies(Bytes::from))
        .collect()
}

/// One section with one raw item of `bytes` bytes.
fn raw(index: u64, bytes: usize) -> Sections {
    let item = Item {
        kind: ItemKind::Raw,
        topic_id: 7,
        partition: 3,
        offset: -1,
        leader_epoch: 2,
        log_append_time_ms: -1,
        body: vec![index as u8 | 1; bytes],
    };
    let entry = Entry {
        index,
        term: 1,
        kind: EntryKind::Normal,
        items: vec![item],
    };
    vec![Section {
        quorum: 9,
        hard_state: Some(HardState {
            term: 1,
            vote: 2,
            commit: index,
        }),
        entries: vec![entry],
    }]
}

type Recovered = Vec<(Sequence, Sections)>;

fn open_with(
    disk: &MemoryDisk,
    options: JournalOptions,
) -> Result<(Journal, Recovered), JournalError> {
    block_on(async {
        let (journal, mut recovery) = Journal::open(disk.io(), options).await?;
        let mut frames = Vec::new();
        while let Some(frame) = recovery.next_frame().await? {
            frames.push((frame.sequence, plain(frame.sections)));
        }
        Ok((journal, frames))
    })
}

fn open(disk: &MemoryDisk) -> Result<(Journal, Recovered), JournalError> {
    open_with(disk, options())
}

fn write(journal: &Journal, sections: &Sections) -> Result<Sequence, JournalError> {
    let written = block_on(journal.write(given(sections)))?;
    assert_eq!(&plain(written.sections), sections);
    Ok(written.sequence)
}

fn numbers(frames: &Recovered) -> Vec<Sequence> {
    frames.iter().map(|(sequence, _)| *sequence).collect()
}

fn is_corrupt(result: Result<(Journal, Recovered), JournalError>) -> bool {
    matches!(result.map(|_| ()), Err(JournalError::Corrupt { .. }))
}

/// A journal of `frames` frames of one block each, in one file unless more than six.
fn journal_of(frames: u64) -> MemoryDisk {
    let disk = MemoryDisk::default();
    let (journal, _) = open(&disk).unwrap();
    for index in 1..=frames {
        assert_eq!(write(&journal, &raw(index, 3000)).unwrap(), index);
    }
    disk
}

#[test]
fn a_new_journal_is_empty_and_filled_with_zeros() {
    let disk = MemoryDisk::default();
    let (journal, frames) = open(&disk).unwrap();
    assert!(frames.is_empty());
    assert_eq!(
        (
            journal.oldest_sequence(),
            journal.next_sequence(),
            journal.used_bytes()
        ),
        (1, 1, 4096)
    );
    assert_eq!(journal.capacity_bytes(), 3 * 7 * 4096);
    let data = disk.0.files.borrow()[&path_of(1)].clone();
    assert_eq!(data.len(), 7 * 4096);
    assert!(data[4096..].iter().all(|byte| *byte == 0));
    block_on(journal.mark()).unwrap();
    assert_eq!(journal.next_sequence(), 1, "nothing to mark");
    assert!(open(&disk).unwrap().1.is_empty());
}

#[test]
fn frames_roll_over_files_and_come_back() {
    let disk = journal_of(15);
    assert_eq!(disk.0.files.borrow().len(), 3);
    let (journal, frames) = open(&disk).unwrap();
    assert_eq!(numbers(&frames), (1..=15).collect::<Vec<_>>());
    assert_eq!(frames[8].1, raw(9, 3000));
    assert_eq!(write(&journal, &raw(16, 10)).unwrap(), 16);
    assert_eq!(open(&disk).unwrap().1.len(), 16);
}

#[test]
fn a_full_journal_refuses_until_files_are_recycled() {
    let disk = journal_of(18);
    let (journal, _) = open(&disk).unwrap();
    assert!(!journal.has_room(4096));
    assert!(matches!(
        block_on(journal.write(given(&raw(19, 1)))),
        Err(JournalError::Full)
    ));
    journal.recycle_below(6);
    assert!(!journal.has_room(4096), "frame 6 stands in the first file");
    journal.recycle_below(7);
    assert_eq!(
        (journal.oldest_sequence(), journal.has_room(4096)),
        (7, true)
    );
    for index in 19..=24 {
        write(&journal, &raw(index, 3000)).unwrap();
    }
    assert_eq!(disk.0.files.borrow().len(), 3);
    let (_, frames) = open(&disk).unwrap();
    assert_eq!(numbers(&frames), (7..=24).collect::<Vec<_>>());
}

#[test]
fn old_frames_of_a_recycled_file_never_replay() {
    let disk = journal_of(13);
    let (journal, _) = open(&disk).unwrap();
    journal.recycle_below(13);
    for index in 14..=19 {
        write(&journal, &raw(index, 3000)).unwrap();
    }
    // File 1 or 2 now holds frame 19 and five blocks of older frames behind it.
    let (journal, frames) = open(&disk).unwrap();
    assert_eq!(numbers(&frames), (13..=19).collect::<Vec<_>>());
    assert_eq!(journal.next_sequence(), 20);
}

#[test]
fn a_torn_last_frame_is_cut_at_every_sector() {
    let disk = journal_of(2);
    let (journal, _) = open(&disk).unwrap();
    let whole = raw(3, 3 * 4096);
    let used = 80 + 40 + 24 + 48 + 3 * 4096;
    write(&journal, &whole).unwrap();
    for torn in (0..4 * 4096).step_by(512) {
        for front in [true, false] {
            let copy = disk.copy();
            copy.edit(1, |data| {
                let frame = &mut data[3 * 4096..7 * 4096];
                if front {
                    frame[torn..].fill(0)
                } else {
                    frame[..torn].fill(0)
                }
            });
            let complete = if front { torn >= used } else { torn == 0 };
            let (journal, frames) = open(&copy).unwrap();
            assert_eq!(frames.len(), if complete { 3 } else { 2 }, "torn at {torn}");
            let next = frames.len() as u64 + 1;
            assert_eq!(write(&journal, &raw(next, 5)).unwrap(), next);
            let (_, frames) = open(&copy).unwrap();
            assert_eq!(
                (frames.len() as u64, &frames.last().unwrap().1),
                (next, &raw(next, 5))
            );
        }
    }
}

#[test]
fn damage_before_the_last_frame_is_corruption_and_changes_nothing() {
    let disk = journal_of(9);
    for (file, frames) in [(1, 6), (2, 2)] {
        for at in (0..frames * 4096)
            .step_by(997)
            .filter(|at| at % 4096 < 3192 && at % 4096 != 79)
        {
            let copy = disk.copy();
            copy.edit(file, |data| data[4096 + at] ^= 0x10);
            assert!(is_corrupt(open(&copy)), "file {file} byte {at}");
            assert!(copy.0.ops.borrow().is_empty(), "nothing was written");
        }
    }
}

#[test]
fn damage_to_a_marked_last_frame_is_corruption() {
    let disk = journal_of(3);
    let flipped = disk.copy();
    flipped.edit(1, |data| data[3 * 4096 + 200] ^= 1);
    assert_eq!(
        open(&flipped).unwrap().1.len(),
        2,
        "without a mark it is a torn tail"
    );
    let (journal, _) = open(&disk).unwrap();
    block_on(journal.mark()).unwrap();
    block_on(journal.mark()).unwrap();
    assert_eq!(journal.next_sequence(), 5, "one mark is enough");
    assert_eq!(open(&disk).unwrap().1.len(), 3, "marks carry nothing");
    disk.edit(1, |data| data[3 * 4096 + 200] ^= 1);
    assert!(is_corrupt(open(&disk)));
}

#[test]
fn missing_files_and_damaged_headers_are_corruption() {
    let disk = journal_of(15);
    for number in [1, 2] {
        let copy = disk.copy();
        copy.0.files.borrow_mut().remove(&path_of(number));
        assert!(is_corrupt(open(&copy)), "file {number} missing");
    }
    for number in [1, 2, 3] {
        for range in [0..4096, 2048..2049, 2048 + 50..2048 + 51] {
            let copy = disk.copy();
            copy.edit(number, |data| {
                data[range.clone()]
                    .iter_mut()
                    .for_each(|byte| *byte ^= 0x55)
            });
            assert!(is_corrupt(open(&copy)), "file {number} bytes {range:?}");
        }
    }
}

#[test]
fn a_rotted_header_of_a_reused_file_is_corruption() {
    let disk = journal_of(13);
    let (journal, _) = open(&disk).unwrap();
    journal.recycle_below(13);
    for index in 14..=25 {
        write(&journal, &raw(index, 3000)).unwrap();
    }
    for number in 1..=3 {
        for at in [10, 2048 + 10] {
            let copy = disk.copy();
            copy.edit(number, |data| data[at] ^= 1);
            match open(&copy) {
                Ok((_, frames)) => assert_eq!(numbers(&frames), (13..=25).collect::<Vec<_>>()),
                Err(error) => assert!(matches!(error, JournalError::Corrupt { .. })),
            }
        }
    }
}

#[test]
fn other_journals_and_other_formats_are_named() {
    let disk = journal_of(8);
    let other = MemoryDisk::default();
    let its = JournalOptions {
        id: JOURNAL_ID + 1,
        ..options()
    };
    open_with(&other, its).unwrap();
    let foreign = other.0.files.borrow()[&path_of(1)].clone();
    let copy = disk.copy();
    copy.edit(1, |data| data.copy_from_slice(&foreign));
    assert!(matches!(
        open(&copy).map(|_| ()),
        Err(JournalError::OtherJournal { .. })
    ));
    disk.edit(1, |data| {
        data[2048 + 8] = 9;
        let crc = crc32fast::hash(&data[2048..2048 + 76]);
        data[2048 + 76..2048 + 80].copy_from_slice(&crc.to_le_bytes());
    });
    assert!(matches!(
        open(&disk).map(|_| ()),
        Err(JournalError::UnknownFormat { version: 9, .. })
    ));
}

/// After every operation, with the next write torn at some sectors: no acknowledged frame is lost, none is invented.
#[test]
fn a_crash_after_any_operation_loses_nothing_acknowledged() {
    let disk = MemoryDisk::default();
    let (journal, _) = open(&disk).unwrap();
    let mut acknowledged = vec![(0, 0, 0)];
    let mut recycled = 0;
    for index in 1..=40u64 {
        if index % 4 == 0 {
            recycled = index - 4;
            journal.recycle_below(recycled);
        }
        if index == 5 {
            block_on(journal.prepare_file()).unwrap();
        }
        let sequence = write(&journal, &raw(index, 1000 + 700 * (index as usize % 7))).unwrap();
        acknowledged.push((disk.0.ops.borrow().len(), sequence, recycled));
    }
    let ops = disk.0.ops.borrow().clone();
    for crash in 0..ops.len() {
        let sectors = match &ops[crash] {
            Op::Write { data, .. } => vec![0, 512, 2048, 2560, data.len() - 512],
            _ => vec![0],
        };
        let (_, sequence, _) = *acknowledged.iter().rfind(|(at, ..)| *at <= crash).unwrap();
        // Recycling was allowed before the write that this crash interrupts.
        let (.., recycled) = *acknowledged.iter().find(|(at, ..)| *at > crash).unwrap();
        for torn in sectors {
            let copy = MemoryDisk::default();
            copy.0.random.set(1 << 40);
            ops[..crash].iter().for_each(|op| copy.apply(op.clone()));
            if let Op::Write {
                path,
                position,
                data,
            } = &ops[crash]
            {
                let data = data[..torn].to_vec();
                copy.apply(Op::Write {
                    path: path.clone(),
                    position: *position,
                    data,
                });
            }
            let (journal, frames) =
                open(&copy).unwrap_or_else(|error| panic!("crash {crash} torn {torn}: {error}"));
            let found = numbers(&frames);
            let first = found.first().copied().unwrap_or(1);
            assert!(
                first <= recycled.max(1),
                "crash {crash}: needed frames are gone"
            );
            let end = journal.next_sequence();
            assert!(
                end > sequence && end <= sequence + 2,
                "crash {crash} torn {torn}: {end} after {sequence}"
            );
            assert_eq!(found, (first..end).collect::<Vec<_>>());
            for (sequence, sections) in &frames {
                assert_eq!(
                    sections,
                    &raw(*sequence, 1000 + 700 * (*sequence as usize % 7))
                );
            }
            journal.recycle_below(end);
            assert_eq!(write(&journal, &raw(end, 9000)).unwrap(), end);
            assert_eq!(
                open(&copy).unwrap().1.last().unwrap(),
                &(end, raw(end, 9000))
            );
        }
    }
}

#[test]
fn a_failed_write_or_sync_fails_the_journal_for_ever() {
    for sync in [false, true] {
        let disk = journal_of(2);
        let (journal, _) = open(&disk).unwrap();
        let fails = if sync {
            &disk.0.fail_syncs
        } else {
            &disk.0.fail_writes
        };
        fails.set(true);
        let result = block_on(journal.write(given(&raw(3, 1))));
        assert!(matches!(result, Err(JournalError::Io { .. })));
        fails.set(false);
        assert!(matches!(
            block_on(journal.write(given(&raw(3, 1)))),
            Err(JournalError::Failed)
        ));
        assert!(matches!(
            block_on(journal.mark()),
            Err(JournalError::Failed)
        ));
        assert!(matches!(
            block_on(journal.prepare_file()),
            Err(JournalError::Failed)
        ));
        assert_eq!(open(&disk).unwrap().1.len(), if sync { 3 } else { 2 });
    }
}

#[test]
fn a_failed_preparation_leaves_the_journal_as_it_was() {
    let disk = journal_of(2);
    let (journal, _) = open(&disk).unwrap();
    disk.0.fail_writes.set(true);
    assert!(matches!(
        block_on(journal.prepare_file()),
        Err(JournalError::Io { .. })
    ));
    disk.0.fail_writes.set(false);
    assert_eq!(disk.0.files.borrow().len(), 1);
    assert_eq!(write(&journal, &raw(3, 1)).unwrap(), 3);
    assert!(block_on(journal.prepare_file()).unwrap());
    assert!(block_on(journal.prepare_file()).unwrap());
    assert!(
        !block_on(journal.prepare_file()).unwrap(),
        "journal_bytes_max is reached"
    );
    assert_eq!(open(&disk).unwrap().1.len(), 3);
}

#[test]
fn a_file_that_cannot_be_made_for_a_frame_fails_only_that_frame() {
    let disk = journal_of(2);
    let (journal, _) = open(&disk).unwrap();
    let mut sequence = 3;
    while journal.shared.fits(8192) {
        assert_eq!(write(&journal, &raw(sequence, 1)).unwrap(), sequence);
        sequence += 1;
    }
    disk.0.fail_writes.set(true);
    let refused = block_on(journal.make_room(8192));
    assert!(matches!(refused, Err(JournalError::Io { .. })));
    assert!(matches!(
        write(&journal, &raw(sequence, 5000)),
        Err(JournalError::Io { .. })
    ));
    disk.0.fail_writes.set(false);
    assert_eq!(write(&journal, &raw(sequence, 5000)).unwrap(), sequence);
    assert_eq!(disk.0.files.borrow().len(), 2);
}

#[test]
fn an_unfinished_file_is_removed() {
    let disk = journal_of(2);
    disk.apply(Op::Bytes {
        path: path_of(2),
        bytes: 8192,
    });
    let (journal, frames) = open(&disk).unwrap();
    assert_eq!((frames.len(), disk.0.files.borrow().len()), (2, 1));
    assert!(block_on(journal.prepare_file()).unwrap());
    assert!(disk.0.files.borrow().contains_key(&path_of(3)));
}

#[test]
fn frames_up_to_the_limit_and_options_may_change() {
    let disk = journal_of(1);
    let (journal, _) = open(&disk).unwrap();
    let most = 4 * 4096 - 80 - 40 - 24 - 48;
    let result = block_on(journal.write(given(&raw(2, most + 1))));
    assert!(matches!(
        result,
        Err(JournalError::FrameTooLarge {
            bytes: 20480,
            bytes_max: 16384
        })
    ));
    assert_eq!(write(&journal, &raw(2, most)).unwrap(), 2);
    assert_eq!(Journal::frame_bytes(&given(&raw(2, most))), 4 * 4096);
    // Larger frames and files: what was there is read on, the new file has the new size.
    let larger = JournalOptions {
        file_bytes: 10 * 4096,
        frame_bytes_max: 9 * 4096,
        ..options()
    };
    let (journal, frames) = open_with(&disk, larger.clone()).unwrap();
    assert_eq!(numbers(&frames), [1, 2]);
    assert_eq!(write(&journal, &raw(3, 8 * 4096)).unwrap(), 3);
    journal.recycle_below(3);
    assert!(!block_on(journal.prepare_file()).unwrap() || disk.0.files.borrow().len() <= 3);
    let (journal, frames) = open_with(&disk, larger).unwrap();
    assert_eq!(frames.last().unwrap(), &(3, raw(3, 8 * 4096)));
    drop(journal);
    let (_, frames) = open(&disk).unwrap();
    assert_eq!(
        frames.last().unwrap(),
        &(3, raw(3, 8 * 4096)),
        "smaller options read larger frames"
    );
    let wrong = JournalOptions {
        file_bytes: 4 * 4096,
        ..options()
    };
    assert!(matches!(
        open_with(&disk, wrong).map(|_| ()),
        Err(JournalError::Options(_))
    ));
}

#[test]
fn a_larger_frame_after_an_empty_file_keeps_the_order() {
    let disk = MemoryDisk::default();
    open(&disk).unwrap();
    let larger = JournalOptions {
        file_bytes: 10 * 4096,
        frame_bytes_max: 9 * 4096,
        ..options()
    };
    let (journal, _) = open_with(&disk, larger.clone()).unwrap();
    assert_eq!(
        write(&journal, &raw(2, 8 * 4096)).unwrap(),
        2,
        "an empty frame went before"
    );
    assert_eq!(numbers(&open_with(&disk, larger).unwrap().1), [2]);
}

#[test]
fn batches_are_stamped_as_kafka_reads_them() {
    let disk = MemoryDisk::default();
    let (journal, _) = open(&disk).unwrap();
    let mut sections = raw(1, 100);
    let item = &mut sections[0].entries[0].items[0];
    item.kind = ItemKind::Batch;
    item.offset = 0x0102_0304_0506_0708;
    item.leader_epoch = 77;
    let mut with_time = item.clone();
    with_time.log_append_time_ms = 1_700_000_000_000;
    sections[0].entries[0].items.push(with_time);
    let written = plain(block_on(journal.write(given(&sections))).unwrap().sections);
    let [kept, timed] = &written[0].entries[0].items[..] else {
        panic!("two items")
    };
    for item in [kept, timed] {
        assert_eq!(item.body[..8], 0x0102_0304_0506_0708i64.to_be_bytes());
        assert_eq!(item.body[12..16], 77i32.to_be_bytes());
    }
    assert!(
        kept.body[16..].iter().all(|byte| *byte == 1),
        "nothing under the checksum changed"
    );
    assert_eq!(
        timed.body[21..23],
        [0, 1 | 8],
        "bits that mean nothing are dropped"
    );
    assert_eq!(timed.body[35..43], 1_700_000_000_000i64.to_be_bytes());
    assert_eq!(
        timed.body[17..21],
        crc32c::crc32c(&timed.body[21..]).to_be_bytes()
    );
    assert!(timed.body[43..].iter().all(|byte| *byte == 1));
    assert_eq!(open(&disk).unwrap().1, [(1, written)]);
}

#[test]
fn inspect_says_what_is_there() {
    let disk = journal_of(3);
    disk.edit(1, |data| data[2 * 4096 + 300] ^= 1);
    let (text, whole) = inspected(&disk.0.files.borrow()[&path_of(1)]);
    assert!(
        text.contains("first sequence 1") && text.contains("4096: frame 1 bytes 4096"),
        "{text}"
    );
    assert!(text.contains("8192: no frame: checksum mismatch"), "{text}");
    let damage = "8192: DAMAGED: this is no torn end: a valid frame follows at 12288";
    assert!(text.contains(damage) && !whole, "{text}");
    assert!(inspected(&[]).0.contains("no journal file"));
}

#[test]
fn inspect_takes_a_torn_end_for_what_it_is() {
    let disk = journal_of(3);
    disk.edit(1, |data| data[3 * 4096 + 300] ^= 1);
    let (text, whole) = inspected(&disk.0.files.borrow()[&path_of(1)]);
    assert!(
        text.contains("12288: no frame: checksum mismatch") && whole,
        "{text}"
    );
}

fn inspected(bytes: &[u8]) -> (String, bool) {
    let mut text = String::new();
    let whole = crate::inspect::inspect("1.journal", &bytes, false, &mut text);
    (text, whole)
}

fn header() -> FileHeader {
    FileHeader {
        seed: 0xDEAD_BEEF,
        journal_id: 5 << 90,
        file_number: 3,
        use_number: 4,
        first_sequence: 10,
        oldest_sequence: 2,
        frame_bytes_max: 1 << 20,
        previous_crc: 1,
    }
}

const CHAIN: Chain = Chain {
    sequence: 12,
    synced_sequence: 11,
    run: 6,
    previous_crc: 8,
};

fn any_sections() -> impl Strategy<Value = Sections> {
    let kind = prop::sample::select(vec![
        ItemKind::PartitionAdd,
        ItemKind::PartitionRemove,
        ItemKind::LogStart,
        ItemKind::Record,
        ItemKind::Raw,
    ]);
    let body = prop::collection::vec(any::<u8>(), 0..300);
    let numbers = (
        any::<u128>(),
        any::<i32>(),
        any::<i64>(),
        any::<i32>(),
        any::<i64>(),
    );
    let item = (kind, numbers, body).prop_map(|(kind, numbers, body)| {
        let (topic_id, partition, offset, leader_epoch, log_append_time_ms) = numbers;
        Item {
            kind,
            topic_id,
            partition,
            offset,
            leader_epoch,
            log_append_time_ms,
            body,
        }
    });
    let items = prop::collection::vec(item, 0..4);
    let entry = (any::<u64>(), any::<u64>(), any::<bool>(), items).prop_map(
        |(index, term, change, items)| {
            let kind = if change {
                EntryKind::ConfChange
            } else {
                EntryKind::Normal
            };
            Entry {
                index,
                term,
                kind,
                items,
            }
        },
    );
    let state =
        any::<(u64, u64, u64)>().prop_map(|(term, vote, commit)| HardState { term, vote, commit });
    let section = (
        any::<u32>(),
        prop::option::of(state),
        prop::collection::vec(entry, 0..4),
    )
        .prop_map(|(quorum, hard_state, entries)| Section {
            quorum,
            hard_state,
            entries,
        });
    prop::collection::vec(section, 0..5)
}

#[test]
fn frames_larger_than_a_read_window_come_back_from_a_real_disk() {
    let directory = tempfile::tempdir().unwrap();
    let options = JournalOptions {
        id: JOURNAL_ID,
        directory: directory.path().to_owned(),
        file_bytes: 16 << 20,
        journal_bytes_max: 32 << 20,
        frame_bytes_max: 8 << 20,
    };
    let bytes_of = |sequence: u64| ((1 + sequence as usize) << 20) + 333;
    let frames = 1..=4;
    crate::io::production::run_local(async |io| {
        let (journal, mut recovery) = Journal::open(io, options.clone()).await.unwrap();
        assert!(recovery.next_frame().await.unwrap().is_none());
        for sequence in frames.clone() {
            let body = vec![sequence as u8; bytes_of(sequence)];
            let written = journal
                .write(given(&raw_entry(sequence, body)))
                .await
                .unwrap();
            assert_eq!(written.sequence, sequence);
        }
        journal.close().await.unwrap();
    });
    crate::io::production::run_local(async |io| {
        let (_journal, mut recovery) = Journal::open(io, options).await.unwrap();
        for sequence in frames {
            let frame = recovery.next_frame().await.unwrap().unwrap();
            let body = &frame.sections[0].entries[0].items[0].body;
            assert_eq!((frame.sequence, body.len()), (sequence, bytes_of(sequence)));
            assert!(body.iter().all(|byte| *byte == sequence as u8));
        }
        assert!(recovery.next_frame().await.unwrap().is_none());
    });
}

fn raw_entry(index: u64, body: Vec<u8>) -> Sections {
    vec![Section {
        quorum: 1,
        hard_state: None,
        entries: vec![Entry {
            index,
            term: 1,
            kind: EntryKind::Normal,
            items: vec![Item {
                kind: ItemKind::Raw,
                topic_id: 0,
                partition: 0,
                offset: 0,
                leader_epoch: 0,
                log_append_time_ms: -1,
                body,
            }],
        }],
    }]
}

fn encoded(sections: &Sections) -> Vec<u8> {
    let sections = given(sections);
    let mut buffer = vec![0xEE; Journal::frame_bytes(&sections)];
    frame::encode(sections, &header(), CHAIN, &mut buffer);
    buffer
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sections_come_back(sections in any_sections()) {
        let buffer = encoded(&sections);
        let (frame, found) = frame::decode(&buffer, &header()).unwrap();
        prop_assert_eq!((frame.sequence, frame.synced_sequence, frame.run, frame.previous_crc), (12, 11, 6, 8));
        let found: Sections =
            found.into_iter().map(|section| section.map_bodies(|range| buffer[range].to_vec())).collect();
        prop_assert_eq!(found, sections);
        let other = FileHeader { seed: 1, ..header() };
        prop_assert_eq!(frame::decode(&buffer, &other), Err(Defect::Checksum));
    }

    #[test]
    fn mutated_frames_never_panic(
        sections in any_sections(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        fix_checksum in any::<bool>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut buffer = encoded(&sections);
        for (at, byte) in edits {
            let at = at.index(buffer.len().min(512));
            buffer[at] = byte;
        }
        if fix_checksum {
            let number = |at: usize| u32::from_le_bytes(buffer[at..at + 4].try_into().unwrap()) as usize;
            let used = (80 + number(64).min(1 << 20) + number(68).min(1 << 20)).min(buffer.len());
            let mut hasher = crc32fast::Hasher::new_with_initial(header().seed);
            hasher.update(&buffer[..76]);
            hasher.update(&buffer[80..used]);
            let crc = hasher.finalize();
            buffer[76..80].copy_from_slice(&crc.to_le_bytes());
        }
        let _ = frame::decode(&buffer, &header());
        let _ = frame::decode(&buffer[..cut.index(buffer.len())], &header());
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..9000)) {
        prop_assert!(frame::decode(&bytes, &header()).is_err());
        let _ = frame::FileHeaders::decode(&bytes);
        let _ = inspected(&bytes);
        let mut file = vec![0; 4096];
        header().encode_block(None, &mut file);
        file.extend_from_slice(&bytes);
        let _ = inspected(&file);
        prop_assert_eq!(align_up(file.len()) % 4096, 0);
    }
}

mod at_rest;
