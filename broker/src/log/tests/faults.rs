//! A disk that passes everything on to the real one, counts what is read, and is full, or slow to remove, when a test says so.

use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::io::buffer::{ALIGNMENT, Slice, WriteBuffer, align_down};
use crate::io::disk::{DirectoryEntry, Disk, File, OpenMode, Space};
use crate::io::{Io, LocalBoxFuture};

/// What the tests steer and see.
#[derive(Default)]
pub struct Faults {
    /// Bytes asked for by reads.
    pub bytes_read: Cell<u64>,
    /// Operations that take space until one is refused; each after it is, until this is `None` again.
    pub full_after: Cell<Option<u32>>,
    /// So many turns of the others go by before the next file is removed.
    pub remove_turns: Cell<u32>,
}

impl Faults {
    /// `io` with such a disk.
    pub fn around(io: &Io) -> (Io, Rc<Self>) {
        let faults = Rc::new(Self::default());
        let disk = FaultyDisk {
            real: io.disk.clone(),
            faults: faults.clone(),
        };
        let io = Io {
            disk: Rc::new(disk),
            ..io.clone()
        };
        (io, faults)
    }

    fn take_space(&self) -> io::Result<()> {
        match self.full_after.get() {
            None => Ok(()),
            Some(0) => Err(io::ErrorKind::StorageFull.into()),
            Some(more) => {
                self.full_after.set(Some(more - 1));
                Ok(())
            }
        }
    }
}

/// Flips a bit of one byte of a file.
pub async fn flip(io: &Io, path: &Path, position: u64) {
    let file = io.disk.open(path, OpenMode::ReadWrite).await.unwrap();
    let bytes = file.bytes().unwrap();
    let start = align_down(position);
    let block = file.read_at(start, ALIGNMENT).await.unwrap();
    let mut buffer = WriteBuffer::new(ALIGNMENT);
    buffer.as_mut_slice().fill(0);
    buffer.as_mut_slice()[..block.len()].copy_from_slice(&block);
    buffer.as_mut_slice()[(position - start) as usize] ^= 8;
    file.write_at(buffer, start).await.unwrap();
    file.truncate(bytes).await.unwrap();
    file.close().await.unwrap();
}

/// Puts the first block of `from` into `to`.
pub async fn copy(io: &Io, from: &Path, to: &Path) {
    let file = io.disk.open(from, OpenMode::Read).await.unwrap();
    let block = file.read_at(0, ALIGNMENT).await.unwrap();
    file.close().await.unwrap();
    let mut buffer = WriteBuffer::new(ALIGNMENT);
    buffer.as_mut_slice().copy_from_slice(&block);
    let file = io.disk.open(to, OpenMode::Create).await.unwrap();
    file.write_at(buffer, 0).await.unwrap();
    file.close().await.unwrap();
}

struct FaultyDisk {
    real: Rc<dyn Disk>,
    faults: Rc<Faults>,
}

impl Disk for FaultyDisk {
    fn open<'a>(
        &'a self,
        path: &'a Path,
        mode: OpenMode,
    ) -> LocalBoxFuture<'a, io::Result<Rc<dyn File>>> {
        Box::pin(async move {
            if mode == OpenMode::Create {
                self.faults.take_space()?;
            }
            let real = self.real.open(path, mode).await?;
            let faults = self.faults.clone();
            Ok(Rc::new(FaultyFile { real, faults }) as Rc<dyn File>)
        })
    }

    fn list<'a>(
        &'a self,
        directory: &'a Path,
    ) -> LocalBoxFuture<'a, io::Result<Vec<DirectoryEntry>>> {
        self.real.list(directory)
    }

    fn create_directory<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<bool>> {
        Box::pin(async move {
            self.faults.take_space()?;
            self.real.create_directory(path).await
        })
    }

    fn remove<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            for _ in 0..self.faults.remove_turns.take() {
                futures_lite::future::yield_now().await;
            }
            self.real.remove(path).await
        })
    }

    fn rename<'a>(&'a self, from: &'a Path, to: PathBuf) -> LocalBoxFuture<'a, io::Result<()>> {
        self.real.rename(from, to)
    }

    fn sync_directory<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<()>> {
        self.real.sync_directory(path)
    }

    fn sync_file_system<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<()>> {
        self.real.sync_file_system(path)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        self.real.space(path)
    }
}

struct FaultyFile {
    real: Rc<dyn File>,
    faults: Rc<Faults>,
}

impl File for FaultyFile {
    fn read_at(&self, position: u64, len: usize) -> LocalBoxFuture<'_, io::Result<Slice>> {
        self.faults
            .bytes_read
            .set(self.faults.bytes_read.get() + len as u64);
        self.real.read_at(position, len)
    }

    fn write_at(
        &self,
        buffer: WriteBuffer,
        position: u64,
    ) -> LocalBoxFuture<'_, io::Result<Slice>> {
        Box::pin(async move {
            self.faults.take_space()?;
            self.real.write_at(buffer, position).await
        })
    }

    fn sync(&self) -> LocalBoxFuture<'_, io::Result<()>> {
        self.real.sync()
    }

    fn allocate(&self, bytes: u64) -> LocalBoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            self.faults.take_space()?;
            self.real.allocate(bytes).await
        })
    }

    fn truncate(&self, bytes: u64) -> LocalBoxFuture<'_, io::Result<()>> {
        self.real.truncate(bytes)
    }

    fn bytes(&self) -> io::Result<u64> {
        self.real.bytes()
    }

    fn close(self: Rc<Self>) -> LocalBoxFuture<'static, io::Result<()>> {
        let real = self.real.clone();
        drop(self);
        real.close()
    }
}
