//! The bytes of one file as a device has them: what a read sees, and for each page what may be there instead after power
//! was lost. Pages are shared with the buffers that were written, so that a write costs no copy.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use broker::io::buffer::Slice;
use bytes::Bytes;

use super::super::random::Random;
use super::rot::Rot;

/// Unit of caching and of addressing.
pub const PAGE_BYTES: usize = 4096;
/// Unit that a device writes whole or not at all.
pub const SECTOR_BYTES: usize = 512;

/// Order of writes over the whole disk.
pub type Moment = u64;

/// `None` is zeros.
pub type Page = Option<Slice>;

/// What power loss leaves of writes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survival {
    /// None of them.
    Nothing,
    /// All of them.
    Everything,
    /// All up to some moment; the one at that moment may be torn.
    Prefix(Moment),
    /// Each page whichever it likes.
    Pages,
    /// Each sector whichever it likes.
    Sectors,
}

/// One file's bytes.
pub struct Content {
    bytes: u64,
    durable_bytes: u64,
    pages: Vec<Page>,
    /// What stood in a page before it was written last.
    older: BTreeMap<usize, Page>,
    unsynced: BTreeMap<usize, Unsynced>,
    /// Written up to here was handed to the device by a sync of the file system that did not empty the device's cache.
    handed_over: Moment,
    allocated_bytes: u64,
    used_bytes: Rc<Cell<u64>>,
}

/// A page that was written since it was synced.
struct Unsynced {
    durable: Page,
    /// In order; the last one is what a read sees.
    writes: Vec<(Moment, Page)>,
    /// What was written before a sync that failed is taken for clean: no later sync makes it durable.
    forsaken: Moment,
}

impl Drop for Content {
    fn drop(&mut self) {
        self.used_bytes
            .set(self.used_bytes.get() - self.allocated_bytes);
    }
}

impl Content {
    /// An empty file on a disk that counts its `used_bytes`.
    pub fn new(used_bytes: Rc<Cell<u64>>) -> Self {
        Self {
            bytes: 0,
            durable_bytes: 0,
            pages: Vec::new(),
            older: BTreeMap::new(),
            unsynced: BTreeMap::new(),
            handed_over: 0,
            allocated_bytes: 0,
            used_bytes,
        }
    }

    /// Its length.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How much more of the disk a file of `bytes` would take.
    pub fn growth_to(&self, bytes: u64) -> u64 {
        bytes
            .next_multiple_of(PAGE_BYTES as u64)
            .saturating_sub(self.allocated_bytes)
    }

    /// Takes space for `bytes`.
    pub fn allocate(&mut self, bytes: u64) {
        let more = self.growth_to(bytes);
        self.allocated_bytes += more;
        self.used_bytes.set(self.used_bytes.get() + more);
        self.bytes = self.bytes.max(bytes);
    }

    /// Whether something of it is not durable.
    pub fn is_dirty(&self) -> bool {
        !self.unsynced.is_empty() || self.bytes != self.durable_bytes
    }

    /// Up to `len` bytes at `position`, fewer at the end.
    pub fn read(&self, position: u64, len: usize) -> Slice {
        let len = (self.bytes.saturating_sub(position)).min(len as u64) as usize;
        let first = (position / PAGE_BYTES as u64) as usize;
        if len == 0 {
            return Slice::empty();
        }
        if len <= PAGE_BYTES
            && let Some(Some(page)) = self.pages.get(first)
        {
            return page.slice(0..len);
        }
        let mut out = vec![0; len];
        for (at, piece) in out.chunks_mut(PAGE_BYTES).enumerate() {
            if let Some(Some(page)) = self.pages.get(first + at) {
                let bytes = piece.len();
                piece.copy_from_slice(&page[..bytes]);
            }
        }
        Slice::from(Bytes::from(out))
    }

    /// Writes whole pages.
    pub fn write(&mut self, position: u64, data: &Slice, moment: Moment) {
        self.allocate(position + data.len() as u64);
        let first = position as usize / PAGE_BYTES;
        for at in 0..data.len() / PAGE_BYTES {
            let page = data.slice(at * PAGE_BYTES..(at + 1) * PAGE_BYTES);
            self.put(first + at, Some(page), moment);
        }
    }

    /// Cuts or lengthens it.
    pub fn truncate(&mut self, bytes: u64, moment: Moment) {
        let whole = (bytes / PAGE_BYTES as u64) as usize;
        let rest = (bytes % PAGE_BYTES as u64) as usize;
        if bytes < self.bytes {
            if rest > 0
                && let Some(Some(page)) = self.pages.get(whole)
            {
                let mut cut = page.to_vec();
                cut[rest..].fill(0);
                self.put(whole, Some(slice(cut)), moment);
            }
            for page in whole + usize::from(rest > 0)..self.pages.len() {
                self.put(page, None, moment);
            }
            let kept = bytes.next_multiple_of(PAGE_BYTES as u64);
            let freed = self.allocated_bytes.saturating_sub(kept);
            self.allocated_bytes -= freed;
            self.used_bytes.set(self.used_bytes.get() - freed);
        }
        self.bytes = bytes;
    }

    fn put(&mut self, at: usize, page: Page, moment: Moment) {
        if self.pages.len() <= at {
            self.pages.resize(at + 1, None);
        }
        let before = std::mem::replace(&mut self.pages[at], page.clone());
        self.older.insert(at, before.clone());
        let unsynced = self.unsynced.entry(at).or_insert_with(|| Unsynced {
            durable: before,
            writes: Vec::new(),
            forsaken: 0,
        });
        unsynced.writes.push((moment, page));
    }

    /// What was written before `moment` is durable, and the length.
    pub fn sync(&mut self, moment: Moment) {
        self.durable_bytes = self.bytes;
        self.unsynced.retain(|_, unsynced| {
            let done = unsynced.writes.partition_point(|(at, _)| *at < moment);
            let newest = unsynced.writes[..done].last();
            if newest.is_some_and(|(at, _)| *at >= unsynced.forsaken)
                && let Some((_, page)) = unsynced.writes.drain(..done).next_back()
            {
                unsynced.durable = page;
            }
            !unsynced.writes.is_empty()
        });
    }

    /// A sync of what was written before `moment` failed. Of each page it is dropped, or still to be synced, or seen and
    /// never made durable.
    pub fn sync_failed(&mut self, moment: Moment, random: &Random) {
        let all = random.below(6);
        let pages = &mut self.pages;
        self.unsynced.retain(|at, unsynced| {
            let done = unsynced.writes.partition_point(|(at, _)| *at < moment);
            match if all < 3 { all } else { random.below(3) } {
                0 => {
                    unsynced.writes.drain(..done);
                    if unsynced.writes.is_empty() {
                        pages[*at] = unsynced.durable.clone();
                    }
                }
                1 => unsynced.forsaken = moment,
                _ => {}
            }
            !unsynced.writes.is_empty()
        });
    }

    /// A sync of the file system: durable with the next emptying of the device's cache.
    pub fn hand_over(&mut self, moment: Moment) {
        self.handed_over = self.handed_over.max(moment);
    }

    /// The device's cache was emptied.
    pub fn device_flushed(&mut self) {
        if self.handed_over > 0 {
            let moment = std::mem::take(&mut self.handed_over);
            self.sync(moment);
        }
    }

    /// Power is lost: what is there from now on.
    pub fn lose_power(&mut self, survival: Survival, random: &Random) {
        for (at, unsynced) in std::mem::take(&mut self.unsynced) {
            self.pages[at] = unsynced.survivor(survival, random);
        }
        let keep_bytes = match survival {
            Survival::Nothing => false,
            Survival::Everything => true,
            _ => random.one_in(2),
        };
        if !keep_bytes {
            self.bytes = self.durable_bytes;
        }
        self.durable_bytes = self.bytes;
        self.handed_over = 0;
        let pages = (self.bytes as usize).div_ceil(PAGE_BYTES);
        self.pages.resize(pages, None);
        let allocated = self.bytes.next_multiple_of(PAGE_BYTES as u64);
        let used = self.used_bytes.get() - self.allocated_bytes + allocated;
        self.used_bytes.set(used);
        self.allocated_bytes = allocated;
    }

    /// A durable page that `may` be hit.
    pub fn some_page(&self, may: impl Fn(usize) -> bool, random: &Random) -> Option<usize> {
        let count = self.pages.len().min(self.bytes as usize / PAGE_BYTES);
        let hits = |page: &usize| may(*page) && !self.unsynced.contains_key(page);
        let pages: Vec<usize> = (0..count).filter(hits).collect();
        (!pages.is_empty()).then(|| *random.pick(&pages))
    }

    /// Damages a page; what it held before and holds after.
    pub fn rot_page(&mut self, at: usize, rot: Rot, random: &Random) -> Option<(Page, Page)> {
        let before = self.pages[at].clone();
        let after = match rot {
            Rot::Stale => self.older.get(&at).cloned().unwrap_or(None),
            Rot::Misdirected => random.pick(&self.pages).clone(),
            _ => {
                let mut bytes = before
                    .as_ref()
                    .map_or(vec![0; PAGE_BYTES], |page| page.to_vec());
                bytes[random.index(PAGE_BYTES)] ^= 1 << random.below(8);
                Some(slice(bytes))
            }
        };
        if same(&before, &after) {
            return None;
        }
        self.pages[at] = after.clone();
        Some((before, after))
    }

    /// Makes a page what it was, if it is still what it was made.
    pub fn restore_page(&mut self, at: usize, before: Page, after: &Page) -> bool {
        let untouched = !self.unsynced.contains_key(&at)
            && self.pages.get(at).is_some_and(|page| same(page, after));
        if untouched {
            self.pages[at] = before;
        }
        untouched
    }

    /// The same bytes again, if all of them are durable.
    pub fn copy(&self) -> Option<Self> {
        let copied = || {
            self.used_bytes
                .set(self.used_bytes.get() + self.allocated_bytes);
            Self {
                bytes: self.bytes,
                durable_bytes: self.bytes,
                pages: self.pages.clone(),
                older: BTreeMap::new(),
                unsynced: BTreeMap::new(),
                handed_over: 0,
                allocated_bytes: self.allocated_bytes,
                used_bytes: self.used_bytes.clone(),
            }
        };
        (!self.is_dirty()).then(copied)
    }

    /// Loses its end.
    pub fn cut(&mut self, random: &Random) -> Option<()> {
        let bytes = (self.bytes > 0).then(|| random.below(self.bytes))?;
        self.truncate(bytes, 0);
        self.unsynced.clear();
        self.durable_bytes = bytes;
        self.pages.truncate((bytes as usize).div_ceil(PAGE_BYTES));
        Some(())
    }

    /// A number for its bytes.
    pub fn hash(&self) -> u64 {
        let mut hasher = crc32fast::Hasher::new();
        for page in &self.pages {
            match page {
                Some(page) => hasher.update(page),
                None => hasher.update(&[0; PAGE_BYTES]),
            }
        }
        self.bytes << 32 | u64::from(hasher.finalize())
    }
}

impl Unsynced {
    fn survivor(self, survival: Survival, random: &Random) -> Page {
        let newest = |writes: &[(Moment, Page)]| writes.last().map(|(_, page)| page.clone());
        match survival {
            Survival::Nothing => self.durable,
            Survival::Everything => newest(&self.writes).expect("it was written"),
            Survival::Prefix(moment) => {
                let before = self.writes.partition_point(|(at, _)| *at < moment);
                let base = newest(&self.writes[..before]).unwrap_or(self.durable);
                match self.writes.get(before) {
                    Some((at, torn)) if *at == moment => tear(&[base, torn.clone()], random),
                    _ => base,
                }
            }
            Survival::Pages | Survival::Sectors => {
                let mut versions = vec![self.durable];
                versions.extend(self.writes.into_iter().map(|(_, page)| page));
                match survival {
                    Survival::Pages => random.pick(&versions).clone(),
                    _ => tear(&versions, random),
                }
            }
        }
    }
}

/// Whether two pages hold the same bytes.
fn same(one: &Page, other: &Page) -> bool {
    let zeros = [0; PAGE_BYTES];
    let bytes = |page: &Page| page.as_ref().map_or(zeros.to_vec(), |page| page.to_vec());
    bytes(one) == bytes(other)
}

/// Each sector from one of these.
fn tear(versions: &[Page], random: &Random) -> Page {
    let mut out = vec![0; PAGE_BYTES];
    for (at, sector) in out.chunks_mut(SECTOR_BYTES).enumerate() {
        if let Some(page) = random.pick(versions) {
            sector.copy_from_slice(&page[at * SECTOR_BYTES..(at + 1) * SECTOR_BYTES]);
        }
    }
    Some(slice(out))
}

fn slice(bytes: Vec<u8>) -> Slice {
    Slice::from(Bytes::from(bytes))
}
