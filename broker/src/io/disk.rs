//! Files by direct IO, and the directories they stand in. Station 7 of the produce walk. Never retries, never caches.

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::LocalBoxFuture;
use super::buffer::{Slice, WriteBuffer};

/// How [`Disk::open`] opens a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Read only; the file must exist.
    Read,
    /// Read and write; the file must exist.
    ReadWrite,
    /// Read and write, and every write is durable when it ends (`O_DSYNC`); the file must exist.
    ReadWriteDurable,
    /// Read and write; made if absent, contents kept.
    Create,
    /// Read and write; must not exist yet.
    CreateNew,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// Name without the path. Names that are not UTF-8 are left out of listings.
    pub name: String,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// Length in bytes (files).
    pub bytes: u64,
}

/// Free and total bytes of a file system, as an unprivileged process sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes still free.
    pub free_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

/// The file systems of this machine.
pub trait Disk {
    /// Opens a file for direct IO.
    fn open<'a>(
        &'a self,
        path: &'a Path,
        mode: OpenMode,
    ) -> LocalBoxFuture<'a, io::Result<Rc<dyn File>>>;
    /// The entries of a directory, sorted by name.
    fn list<'a>(
        &'a self,
        directory: &'a Path,
    ) -> LocalBoxFuture<'a, io::Result<Vec<DirectoryEntry>>>;
    /// Makes a directory and those above it. False: it was there.
    fn create_directory<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<bool>>;
    /// Removes a file, or a directory with all in it. Absence is no error.
    fn remove<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<()>>;
    /// Renames a file, replacing what stood there.
    fn rename<'a>(&'a self, from: &'a Path, to: PathBuf) -> LocalBoxFuture<'a, io::Result<()>>;
    /// Makes the entries of a directory durable.
    fn sync_directory<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<()>>;
    /// `syncfs` of the file system that holds `path`, on the blocking thread. Says nothing about the device's cache on every file system: sync a file after it.
    fn sync_file_system<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<()>>;
    /// Free and total space of the file system that holds `path`.
    fn space(&self, path: &Path) -> io::Result<Space>;
}

/// One open file. Positions and lengths are multiples of [`ALIGNMENT`](super::buffer::ALIGNMENT).
pub trait File {
    /// Reads up to `len` bytes at `position`; shorter at the end of the file, empty beyond it.
    fn read_at(&self, position: u64, len: usize) -> LocalBoxFuture<'_, io::Result<Slice>>;
    /// Writes the whole buffer at `position` and gives it back shared. A short write is an error. After an error of a write that was
    /// to be durable, nothing may be concluded about what the disk holds, as after a failed [`File::sync`].
    fn write_at(&self, buffer: WriteBuffer, position: u64)
    -> LocalBoxFuture<'_, io::Result<Slice>>;
    /// Makes written bytes durable (`fdatasync`). After an error nothing written since the last success may be trusted.
    fn sync(&self) -> LocalBoxFuture<'_, io::Result<()>>;
    /// Gives blocks to the file up to `bytes` and lengthens it to that, never shortens it.
    fn allocate(&self, bytes: u64) -> LocalBoxFuture<'_, io::Result<()>>;
    /// Cuts or lengthens the file to `bytes` (any number).
    fn truncate(&self, bytes: u64) -> LocalBoxFuture<'_, io::Result<()>>;
    /// Length in bytes, asked of the descriptor, not of the path.
    fn bytes(&self) -> io::Result<u64>;
    /// Closes the file. A file that is merely dropped closes at some later turn of the executor.
    fn close(self: Rc<Self>) -> LocalBoxFuture<'static, io::Result<()>>;
}
