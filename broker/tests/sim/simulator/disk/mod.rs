//! The simulated disk of one machine, below the broker's door: files of pages and sectors, names, space, time.
//!
//! Fault model. An operation takes time and may outlive who asked for it. A write is seen by reads when it completes; it
//! survives a loss of power only once the file was synced (or the file system, and then the device's cache), else as
//! nothing, whole, torn at 512 bytes, or out of order. A name survives once its directory was synced. When a process is
//! killed, what it had under way happens, happens in part, or does not happen; everything that completed stays. An
//! operation that fails may have happened in part; a sync that fails leaves each page that was to be made durable dropped,
//! unsynced, or seen and never made durable until it is written again. A sync that lies makes nothing durable, but no sync that
//! fails after it drops what it was asked for: that has left memory. Data at rest decays ([`rot`]). Which of these happen, and
//! when, is set from outside ([`Faults`]).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use broker::io::LocalBoxFuture;
use broker::io::buffer::{Slice, WriteBuffer};
use broker::io::disk::{DirectoryEntry, Disk, File, OpenMode, Space};

use super::random::Random;
use super::world::{Wakers, World};

pub mod aim;
pub mod content;
pub mod faults;
mod names;
pub mod rot;
mod start;

use aim::Aim;
use content::{Content, Moment, PAGE_BYTES, Survival};
use faults::{Action, Faults};
use names::{Names, Node, parent};

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It completes.
    Complete,
    /// Its process was killed.
    Killed,
    /// The machine lost its power.
    Unpowered,
    /// It fails.
    Fails,
}

/// What happens when an operation is over.
type Operation = Box<dyn FnOnce(Fate)>;
/// What happens behind an operation.
type Event = Box<dyn FnOnce()>;

/// The disk. Cheap to clone.
#[derive(Clone)]
pub struct SimDisk(Rc<Inner>);

struct Inner {
    world: World,
    random: Random,
    faults: Faults,
    names: RefCell<Names>,
    used_bytes: Rc<Cell<u64>>,
    moment: Cell<Moment>,
    /// A sync said that it had succeeded, and nothing has become durable.
    lied: Cell<bool>,
    /// A sync of the file system waits for the device's cache to be emptied.
    handed_over: Cell<bool>,
    in_flight: RefCell<BTreeMap<u64, Operation>>,
    next_operation: Cell<u64>,
    /// What a start still does before its process is killed.
    start_left: Cell<Option<u32>>,
    /// Something to do behind an operation.
    aimed: RefCell<Option<(Aim, Event)>>,
}

impl SimDisk {
    /// An empty disk with nothing wrong.
    pub fn new(world: World, random: Random) -> Self {
        Self(Rc::new(Inner {
            world,
            random,
            faults: Faults::default(),
            names: RefCell::default(),
            used_bytes: Rc::default(),
            moment: Cell::new(1),
            lied: Cell::new(false),
            handed_over: Cell::new(false),
            in_flight: RefCell::default(),
            next_operation: Cell::new(0),
            start_left: Cell::new(None),
            aimed: RefCell::default(),
        }))
    }

    /// What goes wrong.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// The process ended: what it had under way is left to chance.
    pub fn kill(&self) {
        self.end_all(Fate::Killed);
    }

    /// Power is lost, and with it what was not synced.
    pub fn lose_power(&self) {
        self.end_all(Fate::Unpowered);
        let random = &self.0.random;
        let now = self.0.moment.get();
        let survival = match random.below(8) {
            0 | 1 => Survival::Nothing,
            2 => Survival::Everything,
            3 | 4 => Survival::Prefix(now.saturating_sub(random.spread(1, 64))),
            5 => Survival::Pages,
            _ => Survival::Sectors,
        };
        self.0
            .world
            .tell(|| format!("disk: power lost, {survival:?}"));
        self.0.names.borrow_mut().lose_power(survival, random);
        for (_, content) in self.0.names.borrow().files() {
            content.borrow_mut().lose_power(survival, random);
        }
        self.0.handed_over.set(false);
        self.0.lied.set(false);
    }

    /// Bytes in use.
    pub fn used_bytes(&self) -> u64 {
        self.0.used_bytes.get()
    }

    /// A number for all names and bytes.
    pub fn hash(&self) -> u64 {
        let mut hash = 0_u64;
        for (path, content) in self.0.names.borrow().files() {
            let name = crc32fast::hash(path.as_bytes());
            hash = (hash ^ content.borrow().hash() ^ u64::from(name))
                .wrapping_mul(0x9fb2_1c65_1e98_df25);
        }
        hash
    }

    fn end_all(&self, fate: Fate) {
        *self.0.aimed.borrow_mut() = None;
        let all = std::mem::take(&mut *self.0.in_flight.borrow_mut());
        all.into_values().for_each(|operation| operation(fate));
    }

    fn next_moment(&self) -> Moment {
        let moment = self.0.moment.get();
        self.0.moment.set(moment + 1);
        moment
    }

    fn latency(&self) -> Duration {
        let (faults, random) = (&self.0.faults, &self.0.random);
        let (low, high) = faults.latency_us.get();
        let mut latency = random.spread_us(low, high);
        if random.one_in(faults.slow.get()) {
            latency *= 100;
        }
        let stalled = faults
            .stalled_until_ns
            .get()
            .saturating_sub(self.0.world.now_ns());
        latency + Duration::from_nanos(stalled)
    }

    /// An operation on `name`: it takes its time, then `effect` happens, unless its process or the power ends first, or it
    /// fails. `effect` is then told so; what it returns is of no interest to anybody.
    async fn operate<T: 'static>(
        &self,
        (action, name): (Action, String),
        effect: impl FnOnce(&Self, Fate) -> io::Result<T> + 'static,
    ) -> io::Result<T> {
        let done: Rc<RefCell<Option<io::Result<T>>>> = Rc::default();
        let wakers: Rc<Wakers> = Rc::default();
        let number = self.0.next_operation.get();
        self.0.next_operation.set(number + 1);
        let (disk, slot, waiting) = (self.clone(), done.clone(), wakers.clone());
        let operation = move |fate| {
            let error = match fate {
                Fate::Complete => disk.0.faults.strike(action, &name, &disk.0.random),
                _ => None,
            };
            let result = match error {
                None => effect(&disk, fate),
                Some(error) => {
                    disk.0
                        .world
                        .tell(|| format!("disk: {action:?} of {name} fails"));
                    drop(effect(&disk, Fate::Fails));
                    Err(error)
                }
            };
            disk.0.world.mark(number << 1 | u64::from(result.is_ok()));
            *slot.borrow_mut() = Some(result);
            waiting.wake();
            if fate == Fate::Complete {
                disk.completed(action, &name);
            }
        };
        self.0
            .in_flight
            .borrow_mut()
            .insert(number, Box::new(operation));
        let disk = self.clone();
        self.0.world.call_after(self.latency(), move || {
            let operation = disk.0.in_flight.borrow_mut().remove(&number);
            if let Some(operation) = operation {
                operation(Fate::Complete);
            }
        });
        poll_fn(|context| match done.borrow_mut().take() {
            Some(result) => Poll::Ready(result),
            None => {
                wakers.add(context);
                Poll::Pending
            }
        })
        .await
    }

    /// Calls `event` behind the operation that `aim` means, unless the process or the power ends before; an earlier such wish is
    /// forgotten.
    pub fn call_behind(&self, aim: Aim, event: impl FnOnce() + 'static) {
        *self.0.aimed.borrow_mut() = Some((aim, Box::new(event)));
    }

    fn completed(&self, action: Action, name: &str) {
        let mut aimed = self.0.aimed.borrow_mut();
        let met = aimed
            .as_mut()
            .is_some_and(|(aim, _)| aim.meets(action, name));
        if met && let Some((aim, event)) = aimed.take() {
            let what = || format!("disk: {action:?} of {name} completed, as was waited for");
            self.0.world.tell(what);
            self.0.world.call_at_step(aim.turns(), event);
        }
    }

    /// Tells of an operation that happened.
    fn tell(&self, fate: Fate, what: impl FnOnce() -> String) {
        self.0.world.tell(|| match fate {
            Fate::Complete => format!("disk: {}", what()),
            _ => format!("disk: {} ({fate:?})", what()),
        });
    }

    /// Whether something that cannot happen in part happens.
    fn happens(&self, fate: Fate) -> bool {
        fate == Fate::Complete || self.0.random.one_in(2)
    }

    /// Whether a sync makes anything durable.
    fn becomes_durable(&self, fate: Fate) -> bool {
        if self.0.faults.lies.get() {
            self.0.lied.set(true);
            return false;
        }
        fate != Fate::Fails && self.happens(fate)
    }

    /// Whether something was said to be durable that the next loss of power may take.
    pub fn has_lied(&self) -> bool {
        self.0.lied.get()
    }

    /// Everything that is seen is durable.
    pub fn settle(&self) {
        let moment = self.next_moment();
        for (_, content) in self.0.names.borrow().files() {
            content.borrow_mut().sync(moment);
        }
        self.0.names.borrow_mut().sync_all(moment);
        self.0.lied.set(false);
    }

    fn take_space(&self, bytes: u64) -> io::Result<()> {
        if bytes > 0 && self.used_bytes() + bytes > self.0.faults.capacity_bytes.get() {
            let without = &self.0.faults.without_space;
            without.set(without.get() + 1);
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn open_now(&self, path: &str, mode: OpenMode) -> io::Result<Rc<RefCell<Content>>> {
        let mut names = self.0.names.borrow_mut();
        let may_make = matches!(mode, OpenMode::Create | OpenMode::CreateNew);
        match names.file(path) {
            Ok(_) if mode == OpenMode::CreateNew => Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound && may_make => {
                if !names.is_directory(parent(path)) {
                    return Err(error);
                }
                self.take_space(1)?;
                let content = Content::new(self.0.used_bytes.clone());
                let content = Rc::new(RefCell::new(content));
                let node = Node::File(content.clone());
                names.set(vec![(path.to_owned(), Some(node))], self.next_moment());
                Ok(content)
            }
            found => found,
        }
    }

    fn create_directory_now(&self, path: &str) -> io::Result<bool> {
        let mut made = false;
        let mut names = self.0.names.borrow_mut();
        let slashes = path.match_indices('/').map(|(at, _)| at).skip(1);
        for end in slashes.chain([path.len()]) {
            let above = &path[..end];
            match names.get(above) {
                Some(Node::Directory) => {}
                Some(Node::File(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
                None => {
                    self.take_space(1)?;
                    let node = Some(Node::Directory);
                    names.set(vec![(above.to_owned(), node)], self.next_moment());
                    made = true;
                }
            }
        }
        Ok(made)
    }

    fn rename_now(&self, from: &str, to: String) -> io::Result<()> {
        let mut names = self.0.names.borrow_mut();
        let node = names.get(from).cloned();
        let node = node.ok_or(io::ErrorKind::NotFound)?;
        assert_eq!(parent(from), parent(&to), "the broker renames in place");
        let sets = vec![(from.to_owned(), None), (to, Some(node))];
        names.set(sets, self.next_moment());
        Ok(())
    }

    fn sync_directory_now(&self, path: &str) -> io::Result<()> {
        let mut names = self.0.names.borrow_mut();
        if !names.is_directory(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        names.sync(path, self.0.moment.get());
        Ok(())
    }

    fn sync_all_now(&self, moment: Moment) {
        let flushes = self.0.faults.sync_all_flushes.get();
        for (_, content) in self.0.names.borrow().files() {
            let mut content = content.borrow_mut();
            match flushes {
                true => content.sync(moment),
                false if content.is_dirty() => content.hand_over(moment),
                false => {}
            }
        }
        self.0.names.borrow_mut().sync_all(moment);
        self.0.handed_over.set(!flushes);
    }

    fn device_flushed(&self) {
        if self.0.handed_over.replace(false) {
            for (_, content) in self.0.names.borrow().files() {
                content.borrow_mut().device_flushed();
            }
        }
    }
}

/// A path as the names have it.
fn text(path: &Path) -> String {
    let text = path.to_str().expect("the broker's paths are text");
    assert!(text.starts_with('/'), "paths are whole");
    text.to_owned()
}

impl Disk for SimDisk {
    fn open<'a>(
        &'a self,
        path: &'a Path,
        mode: OpenMode,
    ) -> LocalBoxFuture<'a, io::Result<Rc<dyn File>>> {
        Box::pin(async move {
            let path = text(path);
            let name = path.clone();
            let action = match mode {
                OpenMode::Read | OpenMode::ReadWrite | OpenMode::ReadWriteDurable => Action::Open,
                OpenMode::Create | OpenMode::CreateNew => Action::Create,
            };
            let open = move |disk: &Self, fate| match disk.happens(fate) {
                true => disk.open_now(&path, mode),
                false => Err(io::ErrorKind::Interrupted.into()),
            };
            let opened = self.operate((action, name.clone()), open);
            Ok(Rc::new(SimFile {
                disk: self.clone(),
                content: opened.await?,
                name,
                durable: mode == OpenMode::ReadWriteDurable,
            }) as Rc<dyn File>)
        })
    }

    fn list<'a>(
        &'a self,
        directory: &'a Path,
    ) -> LocalBoxFuture<'a, io::Result<Vec<DirectoryEntry>>> {
        let directory = text(directory);
        let what = (Action::List, directory.clone());
        Box::pin(self.operate(what, move |disk, _| {
            let names = disk.0.names.borrow();
            let entries = names.list(&directory)?.into_iter().map(|(name, node)| {
                let (is_directory, bytes) = match node {
                    Node::Directory => (true, 0),
                    Node::File(content) => (false, content.borrow().bytes()),
                };
                DirectoryEntry {
                    name,
                    is_directory,
                    bytes,
                }
            });
            Ok(entries.collect())
        }))
    }

    fn create_directory<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<bool>> {
        let path = text(path);
        let what = (Action::CreateDirectory, path.clone());
        Box::pin(self.operate(what, move |disk, fate| {
            if !disk.happens(fate) {
                return Ok(false);
            }
            disk.tell(fate, || format!("make {path}"));
            disk.create_directory_now(&path)
        }))
    }

    fn remove<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<()>> {
        let path = text(path);
        let what = (Action::Remove, path.clone());
        Box::pin(self.operate(what, move |disk, fate| {
            if disk.happens(fate) && disk.0.names.borrow().get(&path).is_some() {
                disk.tell(fate, || format!("remove {path}"));
                let moment = disk.next_moment();
                disk.0.names.borrow_mut().remove(&path, moment);
            }
            Ok(())
        }))
    }

    fn rename<'a>(&'a self, from: &'a Path, to: PathBuf) -> LocalBoxFuture<'a, io::Result<()>> {
        let (from, to) = (text(from), text(&to));
        let what = (Action::Rename, to.clone());
        Box::pin(self.operate(what, move |disk, fate| {
            if !disk.happens(fate) {
                return Ok(());
            }
            disk.tell(fate, || format!("rename {from} to {to}"));
            disk.rename_now(&from, to)
        }))
    }

    fn sync_directory<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<()>> {
        let path = text(path);
        let what = (Action::SyncDirectory, path.clone());
        Box::pin(self.operate(what, move |disk, fate| {
            if !disk.becomes_durable(fate) {
                return Ok(());
            }
            disk.tell(fate, || format!("sync directory {path}"));
            disk.sync_directory_now(&path)
        }))
    }

    fn sync_file_system<'a>(&'a self, path: &'a Path) -> LocalBoxFuture<'a, io::Result<()>> {
        let moment = self.0.moment.get();
        let below = text(path);
        let what = (Action::SyncAll, format!("{below} all"));
        Box::pin(self.operate(what, move |disk, fate| {
            if fate == Fate::Fails {
                // Of other files whoever syncs them is told.
                let hit = |path: &str| {
                    !disk.has_lied() && path.starts_with(&below) && !path.ends_with(".journal")
                };
                let names = disk.0.names.borrow();
                for (_, content) in names.files().filter(|(path, _)| hit(path)) {
                    content.borrow_mut().sync_failed(moment, &disk.0.random);
                }
            } else if disk.becomes_durable(fate) {
                disk.tell(fate, || "sync all".to_owned());
                disk.sync_all_now(moment);
            }
            Ok(())
        }))
    }

    fn space(&self, _: &Path) -> io::Result<Space> {
        let total_bytes = self.0.faults.capacity_bytes.get();
        Ok(Space {
            free_bytes: total_bytes.saturating_sub(self.used_bytes()),
            total_bytes,
        })
    }
}

/// An open file.
struct SimFile {
    disk: SimDisk,
    content: Rc<RefCell<Content>>,
    name: String,
    /// A write is over when it is synced: what may befall the two apart may befall the one in the middle.
    durable: bool,
}

impl SimFile {
    /// A write as far as it comes.
    fn write_now(
        disk: &SimDisk,
        content: &RefCell<Content>,
        (data, position): (&Slice, u64),
        fate: Fate,
    ) -> io::Result<()> {
        let mut content = content.borrow_mut();
        disk.take_space(content.growth_to(position + data.len() as u64))?;
        let random = &disk.0.random;
        let stops = matches!(fate, Fate::Killed | Fate::Fails);
        if !stops || random.one_in(2) {
            content.write(position, data, disk.next_moment());
            return Ok(());
        }
        // Some of its pages were on their way already.
        let some = random.one_in(2);
        for at in (0..data.len()).step_by(PAGE_BYTES) {
            if some && random.one_in(2) {
                let page = data.slice(at..at + PAGE_BYTES);
                content.write(position + at as u64, &page, disk.next_moment());
            }
        }
        Ok(())
    }
}

impl File for SimFile {
    fn read_at(&self, position: u64, len: usize) -> LocalBoxFuture<'_, io::Result<Slice>> {
        let aligned = position.is_multiple_of(PAGE_BYTES as u64) && len.is_multiple_of(PAGE_BYTES);
        assert!(aligned, "direct reads are aligned: {}", self.name);
        let content = self.content.clone();
        let read = move |_: &SimDisk, _| Ok(content.borrow().read(position, len));
        Box::pin(self.disk.operate((Action::Read, self.name.clone()), read))
    }

    fn write_at(
        &self,
        buffer: WriteBuffer,
        position: u64,
    ) -> LocalBoxFuture<'_, io::Result<Slice>> {
        assert!(position.is_multiple_of(PAGE_BYTES as u64), "{}", self.name);
        let data = buffer.freeze();
        let content = self.content.clone();
        let name = self.name.clone();
        let action = match position {
            0 => Action::Head,
            _ => Action::Write,
        };
        let what = (action, name.clone());
        Box::pin(async move {
            let write = move |disk: &SimDisk, fate| {
                disk.tell(fate, || format!("write {name} {position}+{}", data.len()));
                Self::write_now(disk, &content, (&data, position), fate).map(|()| data)
            };
            let written = self.disk.operate(what, write).await?;
            if self.durable {
                self.sync().await?;
            }
            Ok(written)
        })
    }

    fn sync(&self) -> LocalBoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            let content = self.content.clone();
            let name = self.name.clone();
            let moment = self.disk.0.moment.get();
            let sync = move |disk: &SimDisk, fate| {
                if fate == Fate::Fails {
                    if !disk.has_lied() {
                        content.borrow_mut().sync_failed(moment, &disk.0.random);
                    }
                } else if disk.becomes_durable(fate) {
                    disk.tell(fate, || format!("sync {name}"));
                    content.borrow_mut().sync(moment);
                    disk.device_flushed();
                }
                Ok(())
            };
            let what = (Action::Sync, self.name.clone());
            self.disk.operate(what, sync).await
        })
    }

    fn allocate(&self, bytes: u64) -> LocalBoxFuture<'_, io::Result<()>> {
        let content = self.content.clone();
        let what = (Action::Allocate, self.name.clone());
        Box::pin(self.disk.operate(what, move |disk, fate| {
            let mut content = content.borrow_mut();
            disk.take_space(content.growth_to(bytes))?;
            if disk.happens(fate) {
                content.allocate(bytes);
            }
            Ok(())
        }))
    }

    fn truncate(&self, bytes: u64) -> LocalBoxFuture<'_, io::Result<()>> {
        let content = self.content.clone();
        let name = self.name.clone();
        let what = (Action::Truncate, name.clone());
        Box::pin(self.disk.operate(what, move |disk, fate| {
            if disk.happens(fate) {
                disk.tell(fate, || format!("cut {name} to {bytes}"));
                let moment = disk.next_moment();
                content.borrow_mut().truncate(bytes, moment);
            }
            Ok(())
        }))
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.content.borrow().bytes())
    }

    fn close(self: Rc<Self>) -> LocalBoxFuture<'static, io::Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
