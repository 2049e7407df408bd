//! The door to a world in memory, for targets that read whole directories: files are vectors, time stands still, every
//! operation is done at once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use broker::io::buffer::{Slice, WriteBuffer};
use broker::io::clock::{Clock, Instant, Random};
use broker::io::disk::{DirectoryEntry, Disk, File, OpenMode, Space};
use broker::io::executor::Executor;
use broker::io::mesh::{Mesh, Message, Stopped};
use broker::io::net::{Accepted, Connection, Listener, Net, SocketBuffers};
use broker::io::{Io, LocalBoxFuture};

/// Bytes of one file.
type Content = Rc<RefCell<Vec<u8>>>;

/// All files.
#[derive(Default)]
pub struct Memory {
    files: RefCell<BTreeMap<PathBuf, Content>>,
}

impl Memory {
    /// Puts a file there.
    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        let content = Rc::new(RefCell::new(bytes));
        self.files.borrow_mut().insert(path.into(), content);
    }

    /// What a file holds, if it is there.
    #[allow(dead_code, reason = "not every target asks")]
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let files = self.files.borrow();
        let content = files.get(Path::new(path))?;
        Some(content.borrow().clone())
    }
}

/// The door to these files.
pub fn io(memory: Rc<Memory>) -> Io {
    let still = Rc::new(Still(Cell::new(1)));
    Io {
        disk: memory,
        net: still.clone(),
        mesh: still.clone(),
        clock: still.clone(),
        random: still.clone(),
        executor: still,
    }
}

/// Runs what never waits.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("it waits for something that does not come");
}

fn ready<'a, T: 'a>(value: T) -> LocalBoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

struct MemoryFile(Content);

impl Disk for Memory {
    fn open<'a>(
        &'a self,
        path: &'a Path,
        mode: OpenMode,
    ) -> LocalBoxFuture<'a, io::Result<Rc<dyn File>>> {
        let mut files = self.files.borrow_mut();
        let found = files.get(path).cloned();
        let content = match (found, mode) {
            (Some(_), OpenMode::CreateNew) => Err(io::ErrorKind::AlreadyExists.into()),
            (Some(content), _) => Ok(content),
            (None, OpenMode::Read | OpenMode::ReadWrite) => Err(io::ErrorKind::NotFound.into()),
            (None, _) => Ok(files.entry(path.to_owned()).or_default().clone()),
        };
        ready(content.map(|content| Rc::new(MemoryFile(content)) as Rc<dyn File>))
    }

    fn list<'a>(
        &'a self,
        directory: &'a Path,
    ) -> LocalBoxFuture<'a, io::Result<Vec<DirectoryEntry>>> {
        let files = self.files.borrow();
        let here = files
            .iter()
            .filter(|(path, _)| path.parent() == Some(directory));
        let entry = |(path, content): (&PathBuf, &Content)| {
            Some(DirectoryEntry {
                name: path.file_name()?.to_str()?.to_owned(),
                is_directory: false,
                bytes: content.borrow().len() as u64,
            })
        };
        ready(Ok(here.filter_map(entry).collect()))
    }

    fn create_directory<'a>(&'a self, _: &'a Path) -> LocalBoxFuture<'a, io::Result<()>> {
        ready(Ok(()))
    }

    fn remove<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<()>> {
        self.files
            .borrow_mut()
            .retain(|file, _| !file.starts_with(path));
        ready(Ok(()))
    }

    fn rename<'a>(&'a self, from: &'a Path, to: PathBuf) -> LocalBoxFuture<'a, io::Result<()>> {
        let mut files = self.files.borrow_mut();
        let moved = files.remove(from).map(|content| files.insert(to, content));
        ready(moved.map(drop).ok_or(io::ErrorKind::NotFound.into()))
    }

    fn sync_directory<'a>(&'a self, _: &'a Path) -> LocalBoxFuture<'a, io::Result<()>> {
        ready(Ok(()))
    }

    fn sync_file_system<'a>(&'a self, _: &'a Path) -> LocalBoxFuture<'a, io::Result<()>> {
        ready(Ok(()))
    }

    fn space(&self, _: &Path) -> io::Result<Space> {
        Ok(Space {
            free_bytes: 1 << 40,
            total_bytes: 1 << 40,
        })
    }
}

impl File for MemoryFile {
    fn read_at(&self, position: u64, len: usize) -> LocalBoxFuture<'_, io::Result<Slice>> {
        let content = self.0.borrow();
        let from = content.len().min(position as usize);
        let to = content.len().min(from.saturating_add(len));
        ready(Ok(Slice::from(bytes::Bytes::copy_from_slice(
            &content[from..to],
        ))))
    }

    fn write_at(
        &self,
        buffer: WriteBuffer,
        position: u64,
    ) -> LocalBoxFuture<'_, io::Result<Slice>> {
        let mut content = self.0.borrow_mut();
        let end = position as usize + buffer.as_slice().len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[position as usize..end].copy_from_slice(buffer.as_slice());
        ready(Ok(buffer.freeze()))
    }

    fn sync(&self) -> LocalBoxFuture<'_, io::Result<()>> {
        ready(Ok(()))
    }

    fn allocate(&self, bytes: u64) -> LocalBoxFuture<'_, io::Result<()>> {
        let mut content = self.0.borrow_mut();
        let len = content.len().max(bytes as usize);
        content.resize(len, 0);
        ready(Ok(()))
    }

    fn truncate(&self, bytes: u64) -> LocalBoxFuture<'_, io::Result<()>> {
        self.0.borrow_mut().resize(bytes as usize, 0);
        ready(Ok(()))
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.borrow().len() as u64)
    }

    fn close(self: Rc<Self>) -> LocalBoxFuture<'static, io::Result<()>> {
        ready(Ok(()))
    }
}

/// Everything else: a clock that stands, numbers that are not random, one shard that nobody talks to.
struct Still(Cell<u64>);

impl Clock for Still {
    fn now(&self) -> Instant {
        Instant(0)
    }
    fn wall_ms(&self) -> i64 {
        1_700_000_000_000
    }
    fn sleep(&self, _: Duration) -> LocalBoxFuture<'static, ()> {
        ready(())
    }
}

impl Random for Still {
    fn next_u64(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

impl Executor for Still {
    fn spawn(&self, _: &'static str, _: LocalBoxFuture<'static, ()>) {}
    fn spawn_background(&self, _: &'static str, _: LocalBoxFuture<'static, ()>) {}
    fn should_yield(&self) -> bool {
        false
    }
    fn yield_now(&self) -> LocalBoxFuture<'_, ()> {
        ready(())
    }
}

impl Mesh for Still {
    fn shard(&self) -> usize {
        0
    }
    fn shards(&self) -> usize {
        1
    }
    fn send(&self, _: usize, _: Message) -> LocalBoxFuture<'_, Result<(), Stopped>> {
        ready(Err(Stopped))
    }
    fn receive(&self) -> LocalBoxFuture<'_, (usize, Message)> {
        Box::pin(std::future::pending())
    }
}

impl Net for Still {
    fn listen(&self, _: SocketAddr, _: u32) -> io::Result<Rc<dyn Listener>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn adopt(&self, _: Accepted, _: SocketBuffers) -> io::Result<Rc<dyn Connection>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
