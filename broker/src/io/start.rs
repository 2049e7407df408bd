//! What a start asks of the machine before any shard runs: a lock, small files that are there whole or not at all, an id.
//! Blocking, so never used once shards run. Judges nothing.

use std::any::Any;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The machine, before any shard runs.
pub trait StartFiles {
    /// Makes `directory`, durably, and takes its lock, held until what is returned is dropped or the process ends.
    /// `WouldBlock` when another process has it and keeps it for `patience`.
    fn lock_directory(&self, directory: &Path, patience: Duration) -> io::Result<Box<dyn Any>>;
    /// The whole of a small file.
    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Writes a small file so that it is there whole or not at all, durably.
    fn write_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// The names in a directory that are UTF-8, sorted.
    fn list_names(&self, directory: &Path) -> io::Result<Vec<String>>;
    /// A random number.
    fn random_u128(&self) -> u128;
    /// Milliseconds since 1970.
    fn wall_ms(&self) -> i64;
}
