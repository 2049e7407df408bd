//! Fetch sessions (KIP-227): the partitions that a client follows and what it was last told of them, so that neither side
//! repeats what has not changed. Kafka's slots and its rules of who makes room for whom. Pure: never reads, never answers.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use std::hash::BuildHasher as _;

use super::place::{Absent, Place, Told};
use crate::io::clock::Instant;
use crate::limits;
use crate::metadata::Image;

/// A session that was not used for so long makes room for any other; one so old may have to make room for a larger one.
const EVICTION_MS: u64 = 120_000;

/// What a fetch wants of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub partition: i32,
    /// From where.
    pub offset: i64,
    /// How much.
    pub bytes_max: i32,
    /// What the client believes; below 0 nothing.
    pub current_leader_epoch: i32,
    /// Of the last record it has; below 0 unknown.
    pub last_fetched_epoch: i32,
}

/// What an answer says of a partition, as far as sessions care.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// -1 on error.
    pub high_watermark: i64,
    /// -1 on error.
    pub log_start_offset: i64,
    /// Whether there are records.
    pub records: bool,
    /// An error, or logs that part: it is told in any case.
    pub told: bool,
    /// An error.
    pub failed: bool,
}

/// A partition that a client follows.
#[derive(Debug)]
pub struct Followed {
    /// Its topic's name: as it was told, or as it was when its id was first found.
    pub topic: Option<Rc<str>>,
    /// Its topic's id; 0 in a session of names.
    pub topic_id: u128,
    /// What is wanted of it.
    pub wanted: Wanted,
    high_watermark: i64,
    log_start_offset: i64,
    /// Where it is, by the image of this version.
    place: Option<(u64, Place)>,
    /// It brought records and goes to the end of the line.
    brought: bool,
    /// Who is read before it, and who after it.
    before: Option<u32>,
    after: Option<u32>,
}

impl Followed {
    fn told(&self, by_id: bool) -> Told<'_> {
        Told {
            name: self.topic.as_deref(),
            id: self.topic_id,
            by_id,
        }
    }

    /// Looks where it is by this image, if that is another one.
    fn find(&mut self, by_id: bool, image: &Image) {
        if self
            .place
            .is_some_and(|(version, _)| version == image.version)
        {
            return;
        }
        if by_id && self.topic.is_none() {
            let known = image.topic_by_id(self.topic_id);
            self.topic = known.map(|topic| topic.name.as_ref().into());
        }
        let place = self.told(by_id).find(image).place(self.wanted.partition);
        self.place = Some((image.version, place));
    }

    fn bytes(&self) -> usize {
        let name = self.topic.as_ref().map_or(0, |name| name.len());
        limits::FETCH_SESSION_PARTITION_BYTES + name
    }
}

/// One session.
#[derive(Debug)]
pub struct FetchSession {
    id: i32,
    /// Whether topics are told by id.
    by_id: bool,
    /// A replica's.
    privileged: bool,
    created: Instant,
    last_used: Instant,
    /// What the next request must say.
    epoch: i32,
    followed: Vec<Followed>,
    /// Places in `followed` of those that are read first and last: each knows its neighbours.
    first: Option<u32>,
    last: Option<u32>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    bytes: usize,
}

impl FetchSession {
    /// An empty one, that no client knows yet.
    pub fn new(privileged: bool, by_id: bool) -> Self {
        Self {
            id: 0,
            by_id,
            privileged,
            created: Instant::default(),
            last_used: Instant::default(),
            epoch: 1,
            followed: Vec::new(),
            first: None,
            last: None,
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            bytes: 0,
        }
    }

    /// Its number.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// What its next request must say.
    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// Follows a partition, or wants something else of one it follows. `outcome`: what the client is told of it, if that is
    /// known already.
    pub fn follow(&mut self, topic: Told<'_>, wanted: Wanted, outcome: Option<Outcome>) {
        let hash = self.hash(topic, wanted.partition);
        let (followed, hasher, by_id) = (&self.followed, &self.hasher, self.by_id);
        let entry = self.index.entry(
            hash,
            |at| is_same(&followed[*at as usize], topic, wanted.partition, by_id),
            |at| {
                let known = &followed[*at as usize];
                hash_of(hasher, known.told(by_id), known.wanted.partition)
            },
        );
        match entry {
            Entry::Occupied(known) => self.followed[*known.get() as usize].wanted = wanted,
            Entry::Vacant(free) => {
                let at = self.followed.len() as u32;
                free.insert(at);
                let name = topic.name.map(|name| self.shared(name));
                let new = Followed {
                    topic: name,
                    topic_id: topic.id,
                    wanted,
                    high_watermark: outcome.map_or(-1, |outcome| outcome.high_watermark),
                    log_start_offset: outcome.map_or(-1, |outcome| outcome.log_start_offset),
                    place: None,
                    brought: false,
                    before: None,
                    after: None,
                };
                self.bytes += new.bytes();
                self.followed.push(new);
                self.queue(at);
            }
        }
    }

    /// Follows a partition no more, if it did.
    pub fn forget(&mut self, topic: Told<'_>, partition: i32) {
        let hash = self.hash(topic, partition);
        let (followed, by_id) = (&self.followed, self.by_id);
        let known = self.index.find_entry(hash, |at| {
            is_same(&followed[*at as usize], topic, partition, by_id)
        });
        let Ok(known) = known else { return };
        let (at, _) = known.remove();
        self.unqueue(at);
        let gone = self.followed.swap_remove(at as usize);
        self.bytes -= gone.bytes();
        // The last one has its place now.
        let last = self.followed.len() as u32;
        if at != last {
            let moved = &self.followed[at as usize];
            let hash = hash_of(&self.hasher, moved.told(self.by_id), moved.wanted.partition);
            let entry = self.index.find_mut(hash, |one| *one == last);
            *entry.expect("whatever is followed is listed") = at;
            let (before, after) = (moved.before, moved.after);
            self.link(before, Some(at));
            self.link(Some(at), after);
        }
    }

    /// `at` is read last.
    fn queue(&mut self, at: u32) {
        self.link(self.last, Some(at));
        self.link(Some(at), None);
    }

    /// `at` is not read any more.
    fn unqueue(&mut self, at: u32) {
        let Followed { before, after, .. } = self.followed[at as usize];
        self.link(before, after);
    }

    /// The one is read before the other; nobody stands for the ends of the line.
    fn link(&mut self, before: Option<u32>, after: Option<u32>) {
        match before {
            Some(at) => self.followed[at as usize].after = after,
            None => self.first = after,
        }
        match after {
            Some(at) => self.followed[at as usize].before = before,
            None => self.last = before,
        }
    }

    /// What is followed, in the order of reading: its number until the session changes, and where it is.
    pub fn followed<'s>(
        &'s mut self,
        image: &'s Image,
    ) -> impl Iterator<Item = (u32, &'s Followed, Place)> {
        let by_id = self.by_id;
        for followed in &mut self.followed {
            followed.find(by_id, image);
        }
        let all = &self.followed;
        let order = std::iter::successors(self.first, |at| all[*at as usize].after);
        order.map(|at| {
            let followed = &all[at as usize];
            let place = followed.place.map(|(_, place)| place);
            (at, followed, place.unwrap_or(Err(Absent::Topic)))
        })
    }

    /// The client is about to be told this of the partition of this number. False: it knows that already.
    pub fn answered(&mut self, number: u32, outcome: &Outcome) -> bool {
        let followed = &mut self.followed[number as usize];
        let is_news = outcome.told
            || outcome.records
            || outcome.high_watermark != followed.high_watermark
            || outcome.log_start_offset != followed.log_start_offset;
        // When an error goes away, the client is told so.
        followed.high_watermark = if outcome.failed {
            -1
        } else {
            outcome.high_watermark
        };
        followed.log_start_offset = outcome.log_start_offset;
        followed.brought = outcome.records;
        is_news
    }

    /// Those of `numbers` that brought records are read last from now on, in this order.
    pub fn rotate(&mut self, numbers: impl Iterator<Item = u32>) {
        for at in numbers {
            if std::mem::take(&mut self.followed[at as usize].brought) {
                self.unqueue(at);
                self.queue(at);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.followed.is_empty()
    }

    /// Partitions that it follows.
    fn size(&self) -> usize {
        self.followed.len()
    }

    /// The name, shared with the partition that came before if it is of the same topic.
    fn shared(&self, name: &str) -> Rc<str> {
        let before = self.followed.last().and_then(|last| last.topic.as_ref());
        match before {
            Some(before) if before.as_ref() == name => before.clone(),
            _ => name.into(),
        }
    }

    fn hash(&self, topic: Told<'_>, partition: i32) -> u64 {
        hash_of(
            &self.hasher,
            Told {
                by_id: self.by_id,
                ..topic
            },
            partition,
        )
    }

    /// A session must make room first if it is less: a consumer's before a replica's, a small one before a large one.
    fn value(&self) -> (bool, usize, i32) {
        (self.privileged, self.size(), self.id)
    }
}

fn hash_of(hasher: &DefaultHashBuilder, topic: Told<'_>, partition: i32) -> u64 {
    if topic.by_id {
        hasher.hash_one((topic.id, partition))
    } else {
        hasher.hash_one((topic.name, partition))
    }
}

fn is_same(followed: &Followed, topic: Told<'_>, partition: i32, by_id: bool) -> bool {
    let is_topic = if by_id {
        followed.topic_id == topic.id
    } else {
        followed.topic.as_deref() == topic.name
    };
    is_topic && followed.wanted.partition == partition
}

/// Why a session does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionError {
    /// There is none of this number.
    Unknown,
    /// Its next request is another one.
    Epoch,
    /// It tells topics by id, and the request by name, or the other way round.
    TopicIds,
}

/// All sessions of a shard.
#[derive(Debug)]
pub struct FetchSessions {
    slots: usize,
    sessions: HashMap<i32, Rc<RefCell<FetchSession>>>,
    bytes: usize,
    evicted: u64,
}

impl FetchSessions {
    /// At most `slots` sessions.
    pub fn new(slots: usize) -> Self {
        Self {
            slots: slots.min(limits::FETCH_SESSIONS_PER_SHARD_MAX),
            sessions: HashMap::new(),
            bytes: 0,
            evicted: 0,
        }
    }

    /// Sessions, the partitions they follow, and sessions that made room.
    pub fn figures(&self) -> (usize, usize, u64) {
        let sizes = self
            .sessions
            .values()
            .map(|session| session.borrow().size());
        (self.sessions.len(), sizes.sum(), self.evicted)
    }

    /// Keeps a session, if there is room for it or others make room; its number, 0 if not.
    pub fn open(
        &mut self,
        mut session: FetchSession,
        now: Instant,
        mut random: impl FnMut() -> u64,
    ) -> i32 {
        let has_bytes = self.bytes + session.bytes <= limits::FETCH_SESSION_BYTES_PER_SHARD_MAX;
        if !has_bytes || self.sessions.len() >= self.slots && !self.evict(&session, now) {
            return 0;
        }
        let mut number = || (random() >> 33) as i32;
        let mut id = number();
        while id == 0 || self.sessions.contains_key(&id) {
            id = number();
        }
        (session.id, session.created, session.last_used) = (id, now, now);
        self.bytes += session.bytes;
        self.sessions.insert(id, Rc::new(RefCell::new(session)));
        id
    }

    /// The client needs it no more.
    pub fn close(&mut self, id: i32) {
        if let Some(session) = self.sessions.remove(&id) {
            self.bytes -= session.borrow().bytes;
        }
    }

    /// Goes on with a session, changed by `change`. `None`: nothing is left of it, and it is closed.
    pub fn resume(
        &mut self,
        (id, epoch, by_id): (i32, i32, bool),
        now: Instant,
        change: impl FnOnce(&mut FetchSession),
    ) -> Result<Option<Rc<RefCell<FetchSession>>>, SessionError> {
        let kept = self.sessions.get(&id).ok_or(SessionError::Unknown)?.clone();
        let mut session = kept.borrow_mut();
        if session.epoch != epoch {
            return Err(SessionError::Epoch);
        }
        if session.by_id != by_id {
            return Err(SessionError::TopicIds);
        }
        let before = session.bytes;
        change(&mut session);
        self.bytes = self.bytes - before + session.bytes;
        session.last_used = now;
        session.epoch = epoch.checked_add(1).unwrap_or(1);
        let (is_empty, grew) = (session.is_empty(), session.bytes > before);
        drop(session);
        if is_empty {
            self.close(id);
            return Ok(None);
        }
        if grew && self.bytes > limits::FETCH_SESSION_BYTES_PER_SHARD_MAX {
            // The client opens another, which is refused, and goes on without.
            self.close(id);
            return Err(SessionError::Unknown);
        }
        Ok(Some(kept))
    }

    /// Makes room for `session`, if Kafka would: of one that was not used for long, or of one that is worth less.
    fn evict(&mut self, session: &FetchSession, now: Instant) -> bool {
        let long = EVICTION_MS * 1_000_000;
        let stale = self.sessions.values().map(|kept| kept.borrow());
        let stale = stale.map(|kept| (kept.last_used, kept.id)).min();
        let victim = match stale {
            Some((last_used, id)) if now.since_ns(last_used) > long => Some(id),
            _ => {
                let kept = self.sessions.values().map(|kept| kept.borrow());
                let may_go = kept.filter(|kept| {
                    let is_old = kept.last_used.since_ns(kept.created) > long;
                    is_old || session.privileged && !kept.privileged
                });
                let least = may_go.map(|kept| kept.value()).min();
                let own = (session.privileged, session.size(), 0);
                least.filter(|least| own >= *least).map(|(_, _, id)| id)
            }
        };
        let Some(victim) = victim else { return false };
        self.close(victim);
        self.evicted += 1;
        true
    }
}

#[cfg(test)]
mod tests;
