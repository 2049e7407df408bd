//! A file system of one file, by the kernel's own protocol (`include/uapi/linux/fuse.h`), without a library: the file is
//! a [`Disk`](super::Disk), and whatever stands on it meets the disk's faults. Reads and writes are never cached.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::sync::Arc;

use super::Disk;

/// Largest write the kernel hands over at once.
const WRITE_BYTES_MAX: usize = 1 << 20;
const IN_HEADER_BYTES: usize = 40;
const OUT_HEADER_BYTES: usize = 16;
/// The version of the protocol whose layouts are used here.
const MAJOR: u32 = 7;
const MINOR: u32 = 31;
const ROOT: u64 = 1;
const FILE: u64 = 2;
/// Its name.
pub const FILE_NAME: &str = "disk";

const FORGET: u32 = 2;
const LOOKUP: u32 = 1;
const GETATTR: u32 = 3;
const SETATTR: u32 = 4;
const OPEN: u32 = 14;
const READ: u32 = 15;
const WRITE: u32 = 16;
const STATFS: u32 = 17;
const RELEASE: u32 = 18;
const FSYNC: u32 = 20;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const OPENDIR: u32 = 27;
const RELEASEDIR: u32 = 29;
const INTERRUPT: u32 = 36;
const BATCH_FORGET: u32 = 42;
const FALLOCATE: u32 = 43;

/// ASYNC_READ, BIG_WRITES, ASYNC_DIO, MAX_PAGES.
const INIT_FLAGS: u32 = 1 | 1 << 5 | 1 << 15 | 1 << 22;
/// DIRECT_IO, PARALLEL_DIRECT_WRITES.
const OPEN_FLAGS: u32 = 1 | 1 << 6;

/// Little-endian fields of a request, in order.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u32(&mut self) -> u32 {
        let (taken, rest) = self.0.split_at(4);
        self.0 = rest;
        u32::from_le_bytes(taken.try_into().unwrap())
    }

    fn u64(&mut self) -> u64 {
        let (taken, rest) = self.0.split_at(8);
        self.0 = rest;
        u64::from_le_bytes(taken.try_into().unwrap())
    }
}

/// What is answered: bytes, or an error number.
type Answer = Result<Vec<u8>, i32>;

/// Serves requests until the file system is unmounted. Several threads may do so with one descriptor.
pub fn serve(kernel: &File, disk: &Arc<Disk>) {
    let mut buffer = vec![0; WRITE_BYTES_MAX + 8192];
    loop {
        let length = match (&*kernel).read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => length,
            Err(error) => match error.raw_os_error() {
                Some(libc::EINTR | libc::EAGAIN | libc::ENOENT) => continue,
                // Unmounted.
                _ => return,
            },
        };
        let mut header = Fields(&buffer[..IN_HEADER_BYTES]);
        let (_, opcode, unique, node) = (header.u32(), header.u32(), header.u64(), header.u64());
        if matches!(opcode, FORGET | BATCH_FORGET | INTERRUPT) {
            continue;
        }
        let answer = handle(opcode, node, &buffer[IN_HEADER_BYTES..length], disk);
        let (error, body) = match &answer {
            Ok(body) => (0, &body[..]),
            Err(number) => (-number, &[][..]),
        };
        let mut out = Vec::with_capacity(OUT_HEADER_BYTES + body.len());
        let whole = u32::try_from(OUT_HEADER_BYTES + body.len()).unwrap();
        out.extend_from_slice(&whole.to_le_bytes());
        out.extend_from_slice(&error.to_le_bytes());
        out.extend_from_slice(&unique.to_le_bytes());
        out.extend_from_slice(body);
        // The request may have been given up meanwhile: nobody waits for this answer then.
        let _ = (&*kernel).write_all(&out);
    }
}

fn handle(opcode: u32, node: u64, body: &[u8], disk: &Disk) -> Answer {
    match opcode {
        INIT => Ok(init(body)),
        LOOKUP if body == [FILE_NAME.as_bytes(), &[0]].concat() => Ok(entry(disk)),
        LOOKUP => Err(libc::ENOENT),
        GETATTR | SETATTR => Ok(attributes_out(node, disk)),
        OPEN => Ok(opened(OPEN_FLAGS)),
        OPENDIR => Ok(opened(0)),
        RELEASE | RELEASEDIR | FLUSH => Ok(Vec::new()),
        STATFS => Ok(vec![0; 80]),
        READ if node == FILE => {
            let mut fields = Fields(body);
            let (_, position, bytes) = (fields.u64(), fields.u64(), fields.u32());
            disk.read(position, bytes as usize)
        }
        WRITE if node == FILE => {
            let mut fields = Fields(body);
            let (_, position, bytes) = (fields.u64(), fields.u64(), fields.u32());
            disk.write(position, &body[IN_HEADER_BYTES..][..bytes as usize])?;
            Ok([bytes.to_le_bytes(), [0; 4]].concat())
        }
        FSYNC if node == FILE => disk.flush().map(|()| Vec::new()),
        // Discards and the like: a loop device does without.
        FALLOCATE => Err(libc::EOPNOTSUPP),
        _ => Err(libc::ENOSYS),
    }
}

fn init(body: &[u8]) -> Vec<u8> {
    let mut fields = Fields(body);
    let (_, _, readahead, flags) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
    let mut out = Vec::new();
    for number in [MAJOR, MINOR, readahead, flags & INIT_FLAGS] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    // Background requests and when they are many; largest write; granularity of times; pages of a write; alignment.
    out.extend_from_slice(&64u16.to_le_bytes());
    out.extend_from_slice(&48u16.to_le_bytes());
    out.extend_from_slice(&u32::try_from(WRITE_BYTES_MAX).unwrap().to_le_bytes());
    out.extend_from_slice(&1u32.to_le_bytes());
    out.extend_from_slice(&u16::try_from(WRITE_BYTES_MAX / 4096).unwrap().to_le_bytes());
    out.resize(64, 0);
    out
}

fn opened(flags: u32) -> Vec<u8> {
    let mut out = 0u64.to_le_bytes().to_vec();
    out.extend_from_slice(&flags.to_le_bytes());
    out.resize(16, 0);
    out
}

fn entry(disk: &Disk) -> Vec<u8> {
    let mut out = FILE.to_le_bytes().to_vec();
    // Generation 0, and nothing of it is kept for long.
    out.resize(40, 0);
    out.extend(attributes(FILE, disk));
    out
}

fn attributes_out(node: u64, disk: &Disk) -> Vec<u8> {
    let mut out = vec![0; 16];
    out.extend(attributes(node, disk));
    out
}

fn attributes(node: u64, disk: &Disk) -> Vec<u8> {
    let (mode, bytes) = match node {
        ROOT => (libc::S_IFDIR | 0o700, 0),
        _ => (libc::S_IFREG | 0o600, disk.bytes()),
    };
    let mut out = Vec::new();
    // Node, size, blocks of 512 bytes, three times of 64 bits, three of 32.
    for number in [node, bytes, bytes / 512, 0, 0, 0] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.resize(60, 0);
    // Mode, links, user, group, device, block size, flags.
    for number in [mode, 1, 0, 0, 0, 4096, 0] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out
}

/// Mounts the file system at `directory`; the descriptor that the kernel's requests come from.
pub fn mount(directory: &std::path::Path) -> std::io::Result<File> {
    let kernel = File::options().read(true).write(true).open("/dev/fuse")?;
    let target = std::ffi::CString::new(directory.as_os_str().as_encoded_bytes())?;
    let options = format!(
        "fd={},rootmode=40000,user_id=0,group_id=0",
        kernel.as_raw_fd()
    );
    let options = std::ffi::CString::new(options)?;
    let (kind, flags) = (c"fuse.pelton-disk", libc::MS_NOSUID | libc::MS_NODEV);
    // SAFETY: all four are strings that end, and live through the call.
    #[allow(unsafe_code)]
    let mounted = unsafe {
        libc::mount(
            kind.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            flags,
            options.as_ptr().cast(),
        )
    };
    match mounted {
        0 => Ok(kernel),
        _ => Err(std::io::Error::last_os_error()),
    }
}
