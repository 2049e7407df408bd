//! What the host says about itself, for `preflight`, and the few files read before any shard runs.
//!
//! Blocking, so only for the start and `pelton check`, never on a shard. Judges nothing.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs;
use std::io::Read as _;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::preflight::{FileSystem, HostFacts};

/// The machine this process runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinuxHost;

/// Bytes of a file that are read for a fact or as configuration; the rest of a longer one is not looked at.
const TEXT_BYTES_MAX: u64 = 4 << 20;

/// Size and alignment of the trial write.
const BLOCK: usize = 4096;

/// Number of `mi_option_purge_delay`, which the crate leaves out of its constants: milliseconds.
const PURGE_DELAY: std::ffi::c_int = 15;

/// Has mimalloc, if it is this process's allocator, keep freed memory for so long. Before there are other threads.
pub fn keep_freed_memory(kept: std::time::Duration) {
    let kept_ms = std::ffi::c_long::try_from(kept.as_millis()).unwrap_or(std::ffi::c_long::MAX);
    // SAFETY: stores a number under a known option; nobody else reads or sets options meanwhile.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, kept_ms) };
}

/// The text of a configuration file.
///
/// # Errors
/// What the system said, or that the file is larger than 4 MiB or not UTF-8.
pub fn read_config(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let file = fs::File::open(path)?;
    if file.metadata()?.len() > TEXT_BYTES_MAX {
        return Err(std::io::Error::other(
            "larger than 4 MiB, so hardly a configuration file",
        ));
    }
    file.take(TEXT_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// A file that is only read, in pieces, for `pelton inspect`.
#[derive(Debug)]
pub struct PlainFile {
    file: fs::File,
    bytes: u64,
}

impl PlainFile {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// What the system said.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let file = fs::File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes })
    }

    /// Its length when it was opened.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its bytes from `position` on; fewer than `bytes` only at the end.
    ///
    /// # Errors
    /// What the system said.
    pub fn read_at(&self, position: u64, bytes: usize) -> std::io::Result<Vec<u8>> {
        use std::os::unix::fs::FileExt as _;
        let left = self.bytes.saturating_sub(position);
        let mut out = vec![0; left.min(bytes as u64) as usize];
        let mut read = 0;
        while read < out.len() {
            match self.file.read_at(&mut out[read..], position + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        out.truncate(read);
        Ok(out)
    }
}

/// The files at and below `path`, sorted; of a file itself, that one.
///
/// # Errors
/// What the system said, of the first directory that cannot be listed.
pub fn files_below(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        if fs::metadata(&path)?.is_dir() {
            for entry in fs::read_dir(&path)? {
                open.push(entry?.path());
            }
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The environment as text pairs; variables that are not UTF-8 are left out, since no setting can be.
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Raises this process's soft limit of open files to its hard limit. Returns the limit in force after it.
pub fn raise_open_files() -> Option<u64> {
    let mut limit = MaybeUninit::<libc::rlimit>::zeroed();
    // SAFETY: the call fills the one structure it is given.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, limit.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: zeroed above and filled by the call.
    let mut limit = unsafe { limit.assume_init() };
    let before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: the call only reads the structure.
    let raised = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } == 0;
    Some(if raised { limit.rlim_max } else { before })
}

impl HostFacts for LinuxHost {
    fn read(&self, path: &str) -> Option<String> {
        let mut bytes = Vec::new();
        fs::File::open(path)
            .ok()?
            .take(TEXT_BYTES_MAX)
            .read_to_end(&mut bytes)
            .ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn kernel_release(&self) -> Option<String> {
        self.read("/proc/sys/kernel/osrelease")
            .map(|text| text.trim().to_owned())
    }

    fn io_uring_setup(&self) -> Result<(), i32> {
        // `struct io_uring_params` of the kernel's uapi is 120 bytes, all zero for a plain ring.
        let mut params = [0u64; 15];
        // SAFETY: the kernel reads and writes at most 120 bytes of `params`, which lives through the call.
        let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 4u32, params.as_mut_ptr()) };
        if fd < 0 {
            return Err(errno());
        }
        let fd = libc::c_int::try_from(fd).expect("a descriptor is a small number");
        // SAFETY: the call above returned this descriptor and nothing else owns it.
        unsafe { libc::close(fd) };
        Ok(())
    }

    fn usable_cpus(&self) -> Vec<usize> {
        let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
        // SAFETY: the pointer and size are those of one whole set, which the call fills.
        let rc =
            unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), set.as_mut_ptr()) };
        if rc != 0 {
            return Vec::new();
        }
        // SAFETY: zeroed above, and every bit pattern is a legal set.
        let set = unsafe { set.assume_init() };
        let bits = 8 * size_of::<libc::cpu_set_t>();
        // SAFETY: `cpu` stays below the number of bits of the set.
        (0..bits)
            .filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &set) })
            .collect()
    }

    fn file_system(&self, path: &str) -> Option<FileSystem> {
        let dir = existing(Path::new(path))?;
        let name = CString::new(dir.as_os_str().as_bytes()).ok()?;
        let mut stat = MaybeUninit::<libc::statfs>::zeroed();
        // SAFETY: `name` ends with a zero byte and `stat` is one whole structure, which the call fills.
        let rc = unsafe { libc::statfs(name.as_ptr(), stat.as_mut_ptr()) };
        if rc != 0 {
            return None;
        }
        // SAFETY: zeroed above and filled by the call.
        let stat = unsafe { stat.assume_init() };
        let device = fs::metadata(&dir).ok()?.dev();
        let block = u64::try_from(stat.f_bsize).ok()?;
        Some(FileSystem {
            magic: stat.f_type,
            bytes: block.saturating_mul(stat.f_blocks),
            bytes_free: block.saturating_mul(stat.f_bavail),
            device: (libc::major(device), libc::minor(device)),
        })
    }

    fn direct_write(&self, path: &str) -> Result<(), i32> {
        #[repr(align(4096))]
        struct Block([u8; BLOCK]);

        let dir = existing(Path::new(path)).ok_or(libc::ENOENT)?;
        let file = fs::OpenOptions::new()
            .write(true)
            .custom_flags(libc::O_TMPFILE | libc::O_DIRECT)
            .mode(0o600)
            .open(dir)
            .map_err(|error| error.raw_os_error().unwrap_or(libc::EIO))?;
        let block = Box::new(Block([0; BLOCK]));
        match std::os::unix::fs::FileExt::write_at(&file, &block.0, 0) {
            Ok(BLOCK) => Ok(()),
            Ok(_) => Err(libc::ENOSPC),
            Err(error) => Err(error.raw_os_error().unwrap_or(libc::EIO)),
        }
    }

    fn clock_synchronised(&self) -> Option<bool> {
        let mut timex = MaybeUninit::<libc::timex>::zeroed();
        // SAFETY: with `modes` zero the call only reads the clock's state into the structure.
        let state = unsafe { libc::adjtimex(timex.as_mut_ptr()) };
        // SAFETY: zeroed above, and every bit pattern of its numbers is legal.
        let timex = unsafe { timex.assume_init() };
        (state >= 0).then_some(timex.status & libc::STA_UNSYNC == 0)
    }
}

/// The nearest directory at or above `path` that exists.
fn existing(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    absolute
        .ancestors()
        .find(|dir| dir.is_dir())
        .map(Path::to_path_buf)
}

fn errno() -> i32 {
    std::io::Error::last_os_error()
        .raw_os_error()
        .unwrap_or(libc::EIO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_tells_something() {
        let host = LinuxHost;
        assert!(host.kernel_release().is_some());
        assert!(!host.usable_cpus().is_empty());
        assert!(host.file_system("/definitely/not/there").is_some());
        assert!(host.read("/definitely/not/there").is_none());
    }

    #[test]
    fn the_limit_of_open_files_never_falls() {
        let first = raise_open_files().unwrap();
        assert_eq!(raise_open_files(), Some(first));
    }

    #[test]
    fn freed_memory_is_kept_for_as_long_as_asked() {
        // SAFETY: reads a number.
        let kept_ms = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(
            kept_ms(),
            1000,
            "the default of that option and of no other"
        );
        keep_freed_memory(std::time::Duration::from_secs(7));
        assert_eq!(kept_ms(), 7000);
    }

    #[test]
    fn the_trial_write_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let _ = LinuxHost.direct_write(&dir.path().join("deeper/still").display().to_string());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
