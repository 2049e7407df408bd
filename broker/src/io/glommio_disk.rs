//! The production [`Disk`]: glommio's direct IO for file contents, its blocking thread for directories. Never IOPOLL
//! (a probe file is opened write-only first, which keeps glommio from choosing it), never an unaligned read.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use glommio::io::{DmaFile, OpenOptions};

use super::LocalBoxFuture;
use super::buffer::{Slice, WriteBuffer};
use super::disk::{DirectoryEntry, Disk, File, OpenMode, Space};

/// Disks through glommio.
pub struct GlommioDisk;

impl GlommioDisk {
    /// To be called once on every executor for the directory that holds the data, before any other file is opened there.
    pub async fn prepare(directory: &Path) -> io::Result<()> {
        let probe = directory.join(format!(".probe-{}", glommio::executor().id()));
        let file = DmaFile::create(&probe).await?;
        file.close().await?;
        fs::remove_file(&probe)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let guarded = move || catch_unwind(AssertUnwindSafe(work));
    match glommio::executor().spawn_blocking(guarded).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::other("a blocking disk operation panicked")),
    }
}

impl Disk for GlommioDisk {
    fn open<'a>(
        &'a self,
        path: &'a Path,
        mode: OpenMode,
    ) -> LocalBoxFuture<'a, io::Result<Rc<dyn File>>> {
        Box::pin(async move {
            let mut options = OpenOptions::new();
            options.read(true);
            match mode {
                OpenMode::Read => {}
                OpenMode::ReadWrite => {
                    options.write(true);
                }
                OpenMode::ReadWriteDurable => {
                    options.write(true).custom_flags(libc::O_DSYNC);
                }
                OpenMode::Create => {
                    options.write(true).create(true);
                }
                OpenMode::CreateNew => {
                    options.write(true).create_new(true);
                }
            }
            let file = options.dma_open(path).await?;
            Ok(Rc::new(GlommioFile {
                file: Rc::new(file),
            }) as Rc<dyn File>)
        })
    }

    fn list<'a>(
        &'a self,
        directory: &'a Path,
    ) -> LocalBoxFuture<'a, io::Result<Vec<DirectoryEntry>>> {
        let directory = directory.to_owned();
        Box::pin(blocking(move || {
            let mut entries = Vec::new();
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                let metadata = entry.metadata()?;
                if let Ok(name) = entry.file_name().into_string() {
                    entries.push(DirectoryEntry {
                        name,
                        is_directory: metadata.is_dir(),
                        bytes: metadata.len(),
                    });
                }
            }
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(entries)
        }))
    }

    fn create_directory<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<bool>> {
        let path = path.to_owned();
        Box::pin(blocking(move || match fs::create_dir(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&path).map(|()| true)
            }
            Err(_) if path.is_dir() => Ok(false),
            Err(error) => Err(error),
        }))
    }

    fn remove<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<()>> {
        let path = path.to_owned();
        Box::pin(blocking(move || {
            let removed = match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&path),
                Ok(_) => fs::remove_file(&path),
                Err(error) => Err(error),
            };
            match removed {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other,
            }
        }))
    }

    fn rename<'a>(&'a self, from: &'a Path, to: PathBuf) -> LocalBoxFuture<'a, io::Result<()>> {
        let from = from.to_owned();
        Box::pin(blocking(move || fs::rename(from, to)))
    }

    fn sync_directory<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<()>> {
        let path = path.to_owned();
        Box::pin(blocking(move || fs::File::open(path)?.sync_all()))
    }

    fn sync_file_system<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<()>> {
        let path = path.to_owned();
        Box::pin(blocking(move || {
            let directory = fs::File::open(path)?;
            // SAFETY: the descriptor is open for the length of the call.
            match unsafe { libc::syncfs(directory.as_raw_fd()) } {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        }))
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        use std::os::unix::ffi::OsStrExt;
        let path = std::ffi::CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: statvfs is plain data; the call fills it or fails.
        let mut stat: libc::statvfs = unsafe { std::mem::zeroed() };
        // SAFETY: both pointers are valid for the length of the call.
        if unsafe { libc::statvfs(path.as_ptr(), &mut stat) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Space {
            free_bytes: stat.f_bavail * stat.f_frsize,
            total_bytes: stat.f_blocks * stat.f_frsize,
        })
    }
}

struct GlommioFile {
    file: Rc<DmaFile>,
}

impl File for GlommioFile {
    fn read_at(&self, position: u64, len: usize) -> LocalBoxFuture<'_, io::Result<Slice>> {
        Box::pin(async move {
            Ok(Slice::from_read(
                self.file.read_at_aligned(position, len).await?,
            ))
        })
    }

    fn write_at(
        &self,
        buffer: WriteBuffer,
        position: u64,
    ) -> LocalBoxFuture<'_, io::Result<Slice>> {
        Box::pin(async move {
            let buffer = Rc::new(buffer.0);
            let written = self.file.write_rc_at(buffer.clone(), position).await?;
            if written != buffer.len() {
                return Err(io::Error::new(
                    io::ErrorKind::WriteZero,
                    "the device took only a part of a write",
                ));
            }
            Ok(Slice::from_dma(buffer))
        })
    }

    fn sync(&self) -> LocalBoxFuture<'_, io::Result<()>> {
        Box::pin(async move { Ok(self.file.fdatasync().await?) })
    }

    fn allocate(&self, bytes: u64) -> LocalBoxFuture<'_, io::Result<()>> {
        Box::pin(async move { Ok(self.file.pre_allocate(bytes, false).await?) })
    }

    fn truncate(&self, bytes: u64) -> LocalBoxFuture<'_, io::Result<()>> {
        Box::pin(async move { Ok(self.file.truncate(bytes).await?) })
    }

    fn bytes(&self) -> io::Result<u64> {
        // SAFETY: stat is plain data; the call fills it or fails.
        let mut stat: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: the descriptor is open, the pointer valid.
        match unsafe { libc::fstat(self.file.as_raw_fd(), &mut stat) } {
            0 => Ok(stat.st_size as u64),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn close(self: Rc<Self>) -> LocalBoxFuture<'static, io::Result<()>> {
        let file = self.file.clone();
        drop(self);
        Box::pin(async move {
            file.close_rc().await?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::production::run_local;

    #[test]
    fn a_read_is_as_long_as_asked_whatever_that_is() {
        const BYTES: usize = 5 << 20;
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("file");
        run_local(async |io| {
            let file = io
                .disk
                .open(&path, OpenMode::CreateNew)
                .await
                .expect("open");
            let mut buffer = WriteBuffer::new(BYTES);
            for (at, byte) in buffer.as_mut_slice().iter_mut().enumerate() {
                *byte = (at % 251) as u8;
            }
            let written = file.write_at(buffer, 0).await.expect("write");
            let read = file.read_at(0, BYTES).await.expect("read");
            assert!(*read == *written, "{} bytes came back", read.len());
            let end = file
                .read_at(BYTES as u64 - 4096, BYTES)
                .await
                .expect("read");
            assert_eq!(end.len(), 4096, "shorter only at the end of the file");
            file.close().await.expect("close");
        });
    }

    #[test]
    fn what_is_written_to_a_durable_file_is_synced_by_the_kernel() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("file");
        let synced = |mode| {
            run_local(async |io| {
                let file = io.disk.open(&path, mode).await.expect("open");
                let written = file.write_at(WriteBuffer::new(4096), 0).await;
                assert_eq!(written.expect("write").len(), 4096);
                let is_it = |fd: &fs::DirEntry| fs::read_link(fd.path()).is_ok_and(|to| to == path);
                let mut open = fs::read_dir("/proc/self/fd")
                    .expect("descriptors")
                    .flatten();
                let number = open.find(is_it).expect("it is open").file_name();
                let number = number.to_string_lossy().parse().expect("a number");
                // SAFETY: it asks for the flags of an open descriptor, and changes nothing.
                let flags = unsafe { libc::fcntl(number, libc::F_GETFL) };
                assert!(flags >= 0, "{}", io::Error::last_os_error());
                file.close().await.expect("close");
                flags & libc::O_DSYNC != 0
            })
        };
        assert!(!synced(OpenMode::CreateNew));
        assert!(synced(OpenMode::ReadWriteDurable));
    }
}
