//! The least a broker can do that keeps what it acknowledges: checks the CRC of each batch, gathers all batches that come while a
//! write is under way, writes them by direct IO, syncs, and only then gives out their answers. No log, no index, no order of
//! partitions: what it reaches is what this machine can do at most, and no broker can beat it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use protocol::record_batch::RecordBatch;
use rustix::fs::OFlags;

use super::aligned::Aligned;

/// Most that is gathered for one write.
const GATHER_BYTES_MAX: usize = 64 << 20;
/// Smallest file: two writes.
pub const STORE_BYTES_MIN: u64 = 2 * GATHER_BYTES_MAX as u64;
/// The file is filled with pieces of this size, so that no write has blocks to allocate.
const FILL_BYTES: usize = 1 << 20;

/// An answer that waits for its batch to be durable, and the connection it goes to.
pub type Waiting = (usize, Vec<u8>);

/// Gathers batches for the thread that writes them.
pub struct Store {
    gathering: Aligned,
    spare: Option<Aligned>,
    waiting: Vec<Waiting>,
    in_flight: Vec<Waiting>,
    to_writer: Sender<Aligned>,
    from_writer: Receiver<io::Result<Aligned>>,
    written: UnixStream,
    written_over: bool,
}

impl Store {
    /// Fills `bytes` of the file at `path` with `batch` over and over, and starts the thread that writes to it, on this thread's CPU.
    pub fn new(path: &Path, bytes: u64, batch: &[u8]) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .custom_flags(OFlags::DIRECT.bits() as i32)
            .open(path)?;
        let mut fill = Aligned::new(GATHER_BYTES_MAX);
        fill.length = FILL_BYTES;
        let bytes = bytes.max(STORE_BYTES_MIN);
        let mut over_and_over = batch.iter().copied().cycle();
        for position in (0..bytes).step_by(FILL_BYTES) {
            fill.blocks_mut()
                .fill_with(|| over_and_over.next().unwrap_or_default());
            file.write_all_at(fill.blocks(), position)?;
        }
        file.sync_all()?;
        fill.length = 0;
        let (to_writer, orders) = channel();
        let (done, from_writer) = channel();
        let (written, told) = UnixStream::pair()?;
        written.set_nonblocking(true)?;
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || write(&file, bytes, &orders, &done, &told))?;
        Ok(Self {
            gathering: fill,
            spare: Some(Aligned::new(GATHER_BYTES_MAX)),
            waiting: Vec::new(),
            in_flight: Vec::new(),
            to_writer,
            from_writer,
            written,
            written_over: false,
        })
    }

    /// Whether batches were taken, and so lie where those lay that the file was filled with.
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
        if self.waiting.is_empty() {
            return;
        }
        if let Some(spare) = self.spare.take() {
            let full = std::mem::replace(&mut self.gathering, spare);
            std::mem::swap(&mut self.waiting, &mut self.in_flight);
            // A writer that has ended is told of by `durable`.
            let _ = self.to_writer.send(full);
        }
    }

    /// The answers whose batches have become durable.
    pub fn durable(&mut self) -> io::Result<Vec<Waiting>> {
        let _ = (&self.written).read(&mut [0; 64]);
        match self.from_writer.try_recv() {
            Ok(written) => {
                let mut empty = written?;
                empty.length = 0;
                self.spare = Some(empty);
                Ok(std::mem::take(&mut self.in_flight))
            }
            Err(_) => Ok(Vec::new()),
        }
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

/// Writes what it is given, one after the other, round and round the file.
fn write(
    file: &File,
    bytes: u64,
    orders: &Receiver<Aligned>,
    done: &Sender<io::Result<Aligned>>,
    told: &UnixStream,
) {
    let mut position = 0;
    while let Ok(full) = orders.recv() {
        let length = full.blocks().len() as u64;
        if position + length > bytes {
            position = 0;
        }
        let written = file.write_all_at(full.blocks(), position);
        let synced = written.and_then(|()| file.sync_data());
        position += length;
        if done.send(synced.map(|()| full)).is_err() {
            return;
        }
        let _ = (&mut &*told).write(&[1]);
    }
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
        // A file system in memory takes no direct IO.
        let directory = tempfile::tempdir_in(".").unwrap();
        let path = directory.path().join("store");
        let mut store = Store::new(&path, 0, &[0]).unwrap();
        store.begin();
        assert!(store.durable().unwrap().is_empty(), "nothing was given");
        let (first, second) = (batch(b"first"), batch(b"second"));
        store.take(&first, 7, b"one".to_vec()).unwrap();
        store.begin();
        store.take(&second, 8, b"two".to_vec()).unwrap();
        assert_eq!(wait(&mut store), [(7, b"one".to_vec())]);
        let kept = std::fs::read(&path).unwrap();
        assert!(kept.starts_with(&first));
        store.begin();
        assert_eq!(wait(&mut store), [(8, b"two".to_vec())]);
        let kept = std::fs::read(&path).unwrap();
        assert!(kept[ALIGNMENT..].starts_with(&second));
    }

    #[test]
    fn a_damaged_batch_is_not_taken() {
        let directory = tempfile::tempdir_in(".").unwrap();
        let mut store = Store::new(&directory.path().join("store"), 0, &[0]).unwrap();
        let mut damaged = batch(b"value");
        *damaged.last_mut().unwrap() ^= 1;
        assert!(store.take(&damaged, 1, Vec::new()).is_err());
        assert!(store.take(&[], 1, Vec::new()).is_err());
    }
}
