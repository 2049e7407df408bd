//! The least a broker can do that gives out what is on its disk: direct reads of the store's file, several under way, from which
//! batches are sent without another copy. No index, no cache: the fetch twin of [`super::store`].

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use rustix::fs::OFlags;

use super::aligned::{ALIGNMENT, Aligned};
use super::answers::{BASE_OFFSET_BYTES, Part};

/// Reads under way at most.
const READERS: usize = 16;

/// What is read for one answer, then the answer.
pub struct ReadAnswer {
    /// The connection that it goes to.
    pub connection: usize,
    parts: Vec<Part>,
    /// Where in the file the blocks of each part lie, and where in the buffer its batches.
    places: Vec<(u64, Range<usize>)>,
    buffer: Aligned,
}

impl ReadAnswer {
    /// What is to be sent, in order.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let buffer = self.buffer.blocks();
        let parts = self.parts.iter().zip(&self.places);
        parts.flat_map(move |(part, (_, batches))| [&part.head[..], &buffer[batches.clone()]])
    }

    /// The memory, to be used again.
    pub fn into_buffer(self) -> Aligned {
        self.buffer
    }

    fn read(&mut self, file: &File, batch_bytes: usize) -> io::Result<()> {
        let buffer = self.buffer.blocks_mut();
        for (part, (position, batches)) in self.parts.iter().zip(&self.places) {
            let blocks =
                batches.start - batches.start % ALIGNMENT..batches.end.next_multiple_of(ALIGNMENT);
            file.read_exact_at(&mut buffer[blocks], *position)?;
            let starts = batches.clone().step_by(batch_bytes);
            for (offset, start) in part.offsets.iter().zip(starts) {
                buffer[start..start + BASE_OFFSET_BYTES].copy_from_slice(offset);
            }
        }
        Ok(())
    }
}

/// Reads a file that is full of one batch, over and over.
pub struct Reads {
    to_readers: Sender<ReadAnswer>,
    from_readers: Receiver<io::Result<ReadAnswer>>,
    read: UnixStream,
    batch_bytes: usize,
    /// Batches in the file, and how many of them are a partition's.
    batches: usize,
    partition_batches: usize,
}

impl Reads {
    /// Of the file at `path` with `bytes` of batches of `batch_bytes`, shared out over `partitions`. The threads that read run on
    /// this thread's CPU.
    pub fn new(path: &Path, bytes: u64, batch_bytes: usize, partitions: usize) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(OFlags::DIRECT.bits() as i32)
            .open(path)?;
        let file = Arc::new(file);
        let (to_readers, orders) = channel();
        let orders = Arc::new(Mutex::new(orders));
        let (done, from_readers) = channel();
        let (read, told) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        let told = Arc::new(told);
        for _ in 0..READERS {
            let (file, orders, done, told) =
                (file.clone(), orders.clone(), done.clone(), told.clone());
            std::thread::Builder::new()
                .name("reader".to_owned())
                .spawn(move || serve(&file, batch_bytes, &orders, &done, &told))?;
        }
        let batches = (bytes / batch_bytes as u64) as usize;
        Ok(Self {
            to_readers,
            from_readers,
            read,
            batch_bytes,
            batches,
            partition_batches: (batches / partitions).max(1),
        })
    }

    /// Becomes readable when a read has ended.
    pub fn ended(&self) -> &UnixStream {
        &self.read
    }

    /// Begins to read the batches of `parts`, into `spare` if they fit there.
    pub fn begin(&self, connection: usize, parts: Vec<Part>, spare: Option<Aligned>) {
        let (mut places, mut length) = (Vec::with_capacity(parts.len()), 0);
        for part in &parts {
            let first = part.partition as usize * self.partition_batches + part.first_batch;
            let wanted = part.offsets.len() * self.batch_bytes;
            let file_bytes = self.batches * self.batch_bytes;
            // Round and round the file; what would lie over its end is taken from before it.
            let start = (first % self.batches * self.batch_bytes).min(file_bytes - wanted);
            let start = start - start % self.batch_bytes;
            let skip = start % ALIGNMENT;
            places.push(((start - skip) as u64, length + skip..length + skip + wanted));
            length = (length + skip + wanted).next_multiple_of(ALIGNMENT);
        }
        let fits = |spare: &Aligned| spare.capacity() >= length;
        let mut buffer = spare.filter(fits).unwrap_or_else(|| Aligned::new(length));
        buffer.length = length;
        // Readers that have ended are told of by `ready`.
        let _ = self.to_readers.send(ReadAnswer {
            connection,
            parts,
            places,
            buffer,
        });
    }

    /// The answers that have been read.
    pub fn ready(&self) -> io::Result<Vec<ReadAnswer>> {
        let _ = (&self.read).read(&mut [0; 64]);
        self.from_readers.try_iter().collect()
    }
}

fn serve(
    file: &File,
    batch_bytes: usize,
    orders: &Mutex<Receiver<ReadAnswer>>,
    done: &Sender<io::Result<ReadAnswer>>,
    told: &UnixStream,
) {
    let next = || orders.lock().ok()?.recv().ok();
    while let Some(mut answer) = next() {
        let read = answer.read(file, batch_bytes);
        if done.send(read.map(|()| answer)).is_err() {
            return;
        }
        let _ = (&mut &*told).write(&[1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::compression::Compression;
    use protocol::record_batch::{RecordBatch, RecordBatchBuilder};

    use crate::sink::store::{Blocks, STORE_BYTES_MIN, Store};

    #[test]
    fn what_the_store_was_filled_with_is_read_with_the_offsets_asked_for() {
        let mut builder = RecordBatchBuilder::new(Compression::None);
        builder.append(1, None, Some(b"value"), &[]).unwrap();
        let batch = builder.build().unwrap();
        let directory = tempfile::tempdir_in(".").unwrap();
        let path = directory.path().join("store");
        Store::new(&path, 0, &batch, Blocks::Written, None).unwrap();
        let reads = Reads::new(&path, STORE_BYTES_MIN, batch.len(), 3).unwrap();
        let part = |partition: i32, first_batch: usize| Part {
            head: vec![partition as u8],
            offsets: (0..100i64).map(|at| (7 + at).to_be_bytes()).collect(),
            partition,
            first_batch,
        };
        // Unaligned ones, the file's end, and far beyond it.
        let far = (
            STORE_BYTES_MIN as usize / batch.len() - 50,
            usize::MAX >> 20,
        );
        let parts = vec![part(0, 0), part(1, 13), part(0, far.0), part(2, far.1)];
        reads.begin(5, parts, None);
        let answer = loop {
            if let Some(answer) = reads.ready().unwrap().pop() {
                break answer;
            }
            std::thread::yield_now();
        };
        assert_eq!(answer.connection, 5);
        let pieces: Vec<_> = answer.pieces().collect();
        assert_eq!(pieces.len(), 8);
        for (head, batches) in pieces.chunks(2).map(|part| (part[0], part[1])) {
            assert_eq!((head.len(), batches.len()), (1, 100 * batch.len()));
            for (at, bytes) in batches.chunks(batch.len()).enumerate() {
                let read = RecordBatch::parse(bytes).unwrap();
                assert!(read.crc_matches());
                assert_eq!(read.header().base_offset(), 7 + at as i64);
            }
        }
    }
}
