//! The least a broker can do that keeps what it acknowledges: checks the CRC of each batch, gathers all batches that come while a
//! write is under way, writes them by direct IO, syncs, and only then gives out their answers. No log, no index, no order of
//! partitions: what it reaches is what this machine can do at most, and no broker can beat it. Asked to, it writes everything a
//! second time, not synced, as a broker does that has a journal beside its segments, or only where nothing was ever written, as a
//! log does that grows, or both, as a journal that is written over beside a log that grows: what that costs.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

use protocol::record_batch::RecordBatch;
use rustix::fs::{FallocateFlags, OFlags};

use super::aligned::Aligned;

/// Most that is gathered for one write.
const GATHER_BYTES_MAX: usize = 64 << 20;
/// Smallest file: two writes.
pub const STORE_BYTES_MIN: u64 = 2 * GATHER_BYTES_MAX as u64;
/// The file is filled with pieces of this size, so that no write has blocks to allocate.
const FILL_BYTES: usize = 1 << 20;

/// Buffers that may wait for their second write while others are filled.
const SPARES_TWICE: usize = 4;

/// An answer that waits for its batch to be durable, and the connection it goes to.
pub type Waiting = (usize, Vec<u8>);

/// Where the batches go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// Over blocks that were written before, round and round.
    Written,
    /// Into blocks that are allocated ahead and were never written.
    New,
}

/// What a writing thread tells.
enum Told {
    Durable,
    Empty(Aligned),
}

/// Gathers batches for the thread that writes them.
pub struct Store {
    gathering: Aligned,
    spares: Vec<Aligned>,
    waiting: Vec<Waiting>,
    in_flight: Vec<Waiting>,
    is_writing: bool,
    to_writer: Sender<Aligned>,
    from_writer: Receiver<io::Result<Told>>,
    written: UnixStream,
    written_over: bool,
}

impl Store {
    /// Fills `bytes` of the file at `path` with `batch` over and over, and starts the thread that writes to it, on this thread's
    /// CPU. Where everything is written `again`, there are a second file and a second thread; a file of [`Blocks::New`] is not filled.
    pub fn new(
        path: &Path,
        bytes: u64,
        batch: &[u8],
        blocks: Blocks,
        again: Option<Blocks>,
    ) -> io::Result<Self> {
        let bytes = bytes.max(STORE_BYTES_MIN);
        let spares = if again.is_some() { SPARES_TWICE } else { 1 };
        let (done, from_writer) = channel();
        let (written, told) = UnixStream::pair()?;
        written.set_nonblocking(true)?;
        let mut second = None;
        if let Some(blocks) = again {
            let round = Round::of(blocks, &path.with_extension("again"), bytes, batch)?;
            second = Some(
                round.start(done.clone(), told.try_clone()?, |file, full, told| {
                    file.write(full.blocks())?;
                    told(Told::Empty(full));
                    Ok(())
                })?,
            );
        }
        let once = Round::of(blocks, path, bytes, batch)?;
        let to_writer = once.start(done, told, move |file, full, told| {
            file.write(full.blocks())?;
            file.file.sync_data()?;
            match &second {
                // A thread that has ended has told why.
                Some(second) => drop(second.send(full)),
                None => told(Told::Empty(full)),
            }
            told(Told::Durable);
            Ok(())
        })?;
        Ok(Self {
            gathering: Aligned::new(GATHER_BYTES_MAX),
            spares: (0..spares)
                .map(|_| Aligned::new(GATHER_BYTES_MAX))
                .collect(),
            waiting: Vec::new(),
            in_flight: Vec::new(),
            is_writing: false,
            to_writer,
            from_writer,
            written,
            written_over: blocks == Blocks::New,
        })
    }

    /// Whether the file has anything else than the batches that it is filled with: others were taken, or it was not filled.
    pub fn written_over(&self) -> bool {
        self.written_over
    }

    /// Becomes readable when a write has ended.
    pub fn written(&self) -> &UnixStream {
        &self.written
    }

    /// Takes a batch; its answer for `connection` comes from [`Store::durable`].
    pub fn take(&mut self, batch: &[u8], connection: usize, answer: Vec<u8>) -> io::Result<()> {
        let parsed =
            RecordBatch::parse(batch).map_err(|error| io::Error::other(error.to_string()))?;
        if !parsed.crc_matches() {
            return Err(io::Error::other("a batch with a wrong CRC"));
        }
        gather(&mut self.gathering, batch)?;
        self.written_over = true;
        self.waiting.push((connection, answer));
        Ok(())
    }

    /// Begins a write, if none is under way and there is something to write.
    pub fn begin(&mut self) {
        if self.waiting.is_empty() || self.is_writing {
            return;
        }
        if let Some(spare) = self.spares.pop() {
            let full = std::mem::replace(&mut self.gathering, spare);
            std::mem::swap(&mut self.waiting, &mut self.in_flight);
            self.is_writing = true;
            // A writer that has ended is told of by `durable`.
            let _ = self.to_writer.send(full);
        }
    }

    /// The answers whose batches have become durable.
    pub fn durable(&mut self) -> io::Result<Vec<Waiting>> {
        let _ = (&self.written).read(&mut [0; 64]);
        let mut durable = Vec::new();
        while let Ok(told) = self.from_writer.try_recv() {
            match told? {
                Told::Durable => {
                    self.is_writing = false;
                    durable.append(&mut self.in_flight);
                }
                Told::Empty(mut empty) => {
                    empty.length = 0;
                    self.spares.push(empty);
                }
            }
        }
        Ok(durable)
    }
}

fn gather(gathering: &mut Aligned, bytes: &[u8]) -> io::Result<()> {
    let at = gathering.length;
    if at + bytes.len() > gathering.capacity() {
        return Err(io::Error::other("more in flight than one write takes"));
    }
    gathering.length += bytes.len();
    gathering.blocks_mut()[at..at + bytes.len()].copy_from_slice(bytes);
    Ok(())
}

/// A file whose blocks are all there, written round and round, or once and then replaced.
struct Round {
    file: File,
    bytes: u64,
    position: u64,
    /// The path, if it is replaced.
    replaced: Option<PathBuf>,
}

impl Round {
    fn of(blocks: Blocks, path: &Path, bytes: u64, batch: &[u8]) -> io::Result<Self> {
        match blocks {
            Blocks::Written => Self::filled(path, bytes, batch),
            Blocks::New => Self::new_blocks(path, bytes),
        }
    }

    /// A file of `bytes` at `path`, filled with `batch` over and over.
    fn filled(path: &Path, bytes: u64, batch: &[u8]) -> io::Result<Self> {
        let file = empty(path)?;
        let mut fill = Aligned::new(FILL_BYTES);
        fill.length = FILL_BYTES;
        let mut over_and_over = batch.iter().copied().cycle();
        for position in (0..bytes).step_by(FILL_BYTES) {
            fill.blocks_mut()
                .fill_with(|| over_and_over.next().unwrap_or_default());
            file.write_all_at(fill.blocks(), position)?;
        }
        file.sync_all()?;
        Ok(Self {
            file,
            bytes,
            position: 0,
            replaced: None,
        })
    }

    /// A file of `bytes` at `path`, allocated and never written.
    fn new_blocks(path: &Path, bytes: u64) -> io::Result<Self> {
        let file = empty(path)?;
        rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes)?;
        file.sync_all()?;
        Ok(Self {
            file,
            bytes,
            position: 0,
            replaced: Some(path.to_path_buf()),
        })
    }

    fn write(&mut self, blocks: &[u8]) -> io::Result<()> {
        let length = blocks.len() as u64;
        if self.position + length > self.bytes {
            self.position = 0;
            if let Some(path) = &self.replaced {
                std::fs::remove_file(path)?;
                let full = std::mem::replace(self, Self::new_blocks(path, self.bytes)?);
                // Its blocks are freed when it is closed, which takes a while.
                std::thread::spawn(|| drop(full));
            }
        }
        self.file.write_all_at(blocks, self.position)?;
        self.position += length;
        Ok(())
    }

    /// A thread that does `work` with all it is sent, until that fails.
    fn start(
        mut self,
        done: Sender<io::Result<Told>>,
        wake: UnixStream,
        mut work: impl FnMut(&mut Self, Aligned, &dyn Fn(Told)) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Sender<Aligned>> {
        let (orders, ordered) = channel();
        let tell = move |told| {
            // Nobody is there any more only when the program ends.
            let _ = done.send(told);
            let _ = (&wake).write(&[1]);
        };
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                while let Ok(full) = ordered.recv() {
                    if let Err(error) = work(&mut self, full, &|told| tell(Ok(told))) {
                        return tell(Err(error));
                    }
                }
            })?;
        Ok(orders)
    }
}

fn empty(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(OFlags::DIRECT.bits() as i32)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::aligned::ALIGNMENT;
    use protocol::compression::Compression;
    use protocol::record_batch::RecordBatchBuilder;

    fn batch(value: &[u8]) -> Vec<u8> {
        let mut builder = RecordBatchBuilder::new(Compression::None);
        builder.append(1, None, Some(value), &[]).unwrap();
        builder.build().unwrap()
    }

    fn wait(store: &mut Store) -> Vec<Waiting> {
        loop {
            let durable = store.durable().unwrap();
            if !durable.is_empty() {
                return durable;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn answers_come_after_their_batches_are_in_the_file() {
        let (first, second) = (batch(b"first"), batch(b"second"));
        let (_directory, path, _) = two_taken(&first, &second, None);
        let kept = std::fs::read(&path).unwrap();
        assert!(kept.starts_with(&first) && kept[ALIGNMENT..].starts_with(&second));
    }

    #[test]
    fn what_is_written_twice_is_in_both_files() {
        let (first, second) = (batch(b"first"), batch(b"second"));
        for again in [Blocks::Written, Blocks::New] {
            let (_directory, path, mut store) = two_taken(&first, &second, Some(again));
            while store.spares.len() < SPARES_TWICE {
                store.durable().unwrap();
                std::thread::yield_now();
            }
            for path in [&path, &path.with_extension("again")] {
                let kept = std::fs::read(path).unwrap();
                assert!(kept.starts_with(&first) && kept[ALIGNMENT..].starts_with(&second));
            }
        }
    }

    #[test]
    fn a_full_file_of_new_blocks_is_replaced() {
        let directory = tempfile::tempdir_in(".").unwrap();
        let path = directory.path().join("store");
        let mut round = Round::new_blocks(&path, 2 * ALIGNMENT as u64).unwrap();
        let mut block = Aligned::new(ALIGNMENT);
        block.length = ALIGNMENT;
        for filled in 1..=3 {
            block.blocks_mut().fill(filled);
            round.write(block.blocks()).unwrap();
        }
        let kept = std::fs::read(&path).unwrap();
        assert_eq!(
            (kept[0], kept[ALIGNMENT], kept.len()),
            (3, 0, 2 * ALIGNMENT)
        );
    }

    /// A store that has written one batch, then another.
    fn two_taken(
        first: &[u8],
        second: &[u8],
        again: Option<Blocks>,
    ) -> (tempfile::TempDir, PathBuf, Store) {
        // A file system in memory takes no direct IO.
        let directory = tempfile::tempdir_in(".").unwrap();
        let path = directory.path().join("store");
        let mut store = Store::new(&path, 0, &[0], Blocks::Written, again).unwrap();
        store.begin();
        assert!(store.durable().unwrap().is_empty(), "nothing was given");
        store.take(first, 7, b"one".to_vec()).unwrap();
        store.begin();
        store.take(second, 8, b"two".to_vec()).unwrap();
        assert_eq!(wait(&mut store), [(7, b"one".to_vec())]);
        let kept = std::fs::read(&path).unwrap();
        assert!(kept.starts_with(first) && !kept[ALIGNMENT..].starts_with(second));
        store.begin();
        assert_eq!(wait(&mut store), [(8, b"two".to_vec())]);
        (directory, path, store)
    }

    #[test]
    fn a_damaged_batch_is_not_taken() {
        let directory = tempfile::tempdir_in(".").unwrap();
        let path = directory.path().join("store");
        let mut store = Store::new(&path, 0, &[0], Blocks::Written, None).unwrap();
        let mut damaged = batch(b"value");
        *damaged.last_mut().unwrap() ^= 1;
        assert!(store.take(&damaged, 1, Vec::new()).is_err());
        assert!(store.take(&[], 1, Vec::new()).is_err());
    }
}
