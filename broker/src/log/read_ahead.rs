//! What readers that are behind will ask for next: where each has stopped, and the window from there on, read before it comes back.
//! Bounded in memory and in what is on its way. Never reads blocks that may still be written, and never answers for what it read.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::directory::{LogDirectory, SegmentKey};
use super::index::Mark;
use super::lru::Lru;
use super::segment_reader::{SegmentReader, Window};
use crate::io::executor::Signal;
use crate::limits;

/// What a place counts as without a window, bytes.
const PLACE_BYTES: usize = 256;

/// Where the readers of one shard have stopped; the one that stopped longest ago is forgotten first.
pub(super) struct ReadAhead {
    /// By segment and the offset that is wanted next.
    places: RefCell<Lru<(SegmentKey, i64), Place>>,
    /// Windows on their way from the disk.
    on_their_way: Cell<usize>,
}

/// Where a reader has stopped.
#[derive(Clone)]
pub(super) struct Place {
    /// In front of the batch that it wants next.
    pub at: Mark,
    coming: Option<Rc<Coming>>,
}

/// A window that is read ahead.
#[derive(Default)]
struct Coming {
    window: Cell<Option<Window>>,
    has_come: Cell<bool>,
    came: Signal,
}

impl ReadAhead {
    pub fn new(bytes_max: usize) -> Self {
        Self {
            places: RefCell::new(Lru::new(bytes_max)),
            on_their_way: Cell::new(0),
        }
    }

    /// The place of a reader that comes back for `offset`, if one has stopped there. It is forgotten.
    pub fn resume(&self, key: SegmentKey, offset: i64) -> Option<Place> {
        self.places.borrow_mut().remove(&(key, offset))
    }

    /// Memory of all places and their windows, bytes.
    pub fn memory_bytes(&self) -> usize {
        self.places.borrow().weight()
    }

    /// How many windows are on their way.
    pub fn on_their_way(&self) -> usize {
        self.on_their_way.get()
    }
}

impl Place {
    /// The window from there on, if it was read ahead: what could not be read is read again by who wants it.
    pub async fn window(self) -> Option<Window> {
        let coming = self.coming?;
        while !coming.has_come.get() {
            coming.came.wait().await;
        }
        coming.window.take()
    }
}

impl LogDirectory {
    /// A reader has stopped at `at` and will want what `of` names next: a segment, and an offset in it. With `ahead`, so many bytes are read
    /// from there on by that reader.
    pub(super) fn stopped(
        self: &Rc<Self>,
        of: (SegmentKey, i64),
        at: Mark,
        ahead: Option<(usize, SegmentReader)>,
    ) {
        let is_busy = self.read_ahead.on_their_way() >= limits::READS_AHEAD_ON_THEIR_WAY_MAX;
        let ahead = ahead.filter(|_| !is_busy).and_then(|(want, reader)| {
            let bytes = reader.final_bytes(&at, want)?;
            Some((bytes, self.read_from(at, want, reader)))
        });
        let (bytes, coming) = ahead.map_or((0, None), |(bytes, coming)| (bytes, Some(coming)));
        let bytes = PLACE_BYTES + bytes;
        let place = Place { at, coming };
        let mut places = self.read_ahead.places.borrow_mut();
        drop(places.insert(of, place, bytes));
    }

    /// Begins to read a window.
    fn read_from(self: &Rc<Self>, at: Mark, want: usize, reader: SegmentReader) -> Rc<Coming> {
        let on_their_way = &self.read_ahead.on_their_way;
        on_their_way.set(on_their_way.get() + 1);
        let coming = Rc::new(Coming::default());
        let (directory, comes) = (self.clone(), coming.clone());
        let read = async move {
            comes.window.set(reader.window(&at, want).await.ok());
            comes.has_come.set(true);
            comes.came.set();
            let on_their_way = &directory.read_ahead.on_their_way;
            on_their_way.set(on_their_way.get() - 1);
        };
        self.io.executor.spawn("read-ahead", Box::pin(read));
        coming
    }
}
