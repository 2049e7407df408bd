//! What one core owns: partitions, quorums, the journal, and on shard 0 the controller. Its loop takes committed entries
//! and applies them, wakes who waits, writes the tail back, checkpoints. Never parses a request, never names Kafka's codes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use protocol::native::QuorumManifest;
use protocol::record_batch::BatchParseError;

use crate::config::Config;
use crate::config::topic::{CompressionType, TimestampType, TopicConfig};
use crate::controller::Controller;
use crate::coordinator::group::GroupError;
use crate::io::Io;
use crate::io::buffer::Slice;
use crate::io::executor::{Line, Signal, Waiters};
use crate::journal::frame::ItemKind;
use crate::journal::{Journal, JournalError, Sequence};
use crate::limits;
use crate::log::{LogDirectory, PartitionLog, Segment};
use crate::metadata::{Image, Topic, is_internal};
use crate::metrics::Metrics;
use crate::partition::leader_epochs::LeaderEpochs;
use crate::partition::{Partition, PartitionConfig, PartitionStart, ProduceError};
use crate::planted::{self, Bug};
use crate::quorum::{Committed, Pending, Quorums, Window};
use crate::replicated::runtime::Runtime;

mod compaction;
pub mod control;
mod direct;
pub mod fetch;
pub mod fetch_sessions;
pub mod figures;
mod group_log;
pub mod groups;
pub mod place;
pub mod produce;
mod read_turns;
pub mod recovery;
pub mod retention;
pub mod write_back;

use read_turns::ReadTurns;

pub use control::{ControlError, ControllerQuorum};
pub use fetch::{
    EpochRequest, OffsetAnswer, OffsetRequest, OffsetSpec, ReadAnswer, ReadFailure, ReadRequest,
    Watched,
};
pub use produce::{Commit, ProduceRequest, ProduceTicket};
pub use retention::{DeleteRecordsFailure, DeletedRecords};

/// A partition of a topic, by the topic's id: a re-created topic is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionKey {
    /// The topic.
    pub topic_id: u128,
    /// The partition's number.
    pub partition: i32,
}

/// Why a produce did not happen, or may not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProduceFailure {
    /// Acks that do not exist.
    #[error("acks must be -1, 0 or 1")]
    InvalidAcks,
    /// A transactional batch in a request without a transactional id.
    #[error("Transactional records need a transactional id.")]
    NoTransactionalId,
    /// A batch of the request is none: all of it is refused.
    #[error("{0}")]
    Malformed(BatchParseError),
    /// No such topic or partition.
    #[error("This server does not host this topic-partition.")]
    Unknown,
    /// No topic of this id.
    #[error("This server does not host this topic ID.")]
    UnknownTopicId,
    /// Clients may not write to it.
    #[error("Cannot append to an internal topic.")]
    InternalTopic,
    /// Not led here, or not yet.
    #[error(
        "For requests intended only for the leader, this error indicates that the broker is not the current leader."
    )]
    NotLeader,
    /// The batch is refused.
    #[error("{error}")]
    Refused {
        /// Why.
        error: ProduceError,
        /// First offset of the partition.
        log_start_offset: i64,
    },
    /// The disk failed or is full.
    #[error("Disk error when trying to access log file on the disk.")]
    Storage,
    /// Too much waits for the disk.
    #[error("The broker is behind with its writes; try again.")]
    Full,
    /// The shard has stopped.
    #[error("The shard has stopped.")]
    Stopped,
}

impl ProduceFailure {
    /// Single records at fault: index in the batch, and reason.
    pub fn record_errors(&self) -> &[(i32, String)] {
        match self {
            Self::Refused { error, .. } => error.record_errors(),
            _ => &[],
        }
    }
}

/// A partition this shard leads.
pub struct Owned {
    /// Which it is.
    pub key: PartitionKey,
    /// Decisions and tail.
    pub partition: RefCell<Partition>,
    /// Its segments.
    pub log: PartitionLog,
    /// Its name, for what operators read.
    pub topic: Arc<str>,
    /// Place of its quorum.
    quorum: usize,
    /// Term of the entry that added it: leader epochs are counted from there.
    added_term: u64,
    /// Of its tail, the oldest bytes, which are in segments as well.
    stored_bytes: Cell<u64>,
    /// Fetches that wait for it to grow.
    waiters: Waiters,
    /// It is deleted: what still goes on with it changes nothing any more.
    removed: Cell<bool>,
}

/// Where a partition's entries stand.
struct Home {
    /// Place of its quorum.
    quorum: usize,
    /// Term of the entry that added it.
    added_term: u64,
}

/// What the file system has no room for. While there is something, produces are refused.
#[derive(Default)]
struct OutOfSpace {
    segments: Cell<bool>,
    /// A further file.
    journal: Cell<bool>,
}

/// For how long no frame was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Idle {
    No,
    /// The synced mark is durable.
    Marked,
    /// Readers have the disk for themselves.
    Long,
}

/// One shard.
pub struct Shard {
    /// The door.
    pub io: Io,
    /// From 0.
    pub number: u32,
    /// The broker's settings as at its start.
    pub config: Arc<Config>,
    /// The settings in force: some change while the broker runs.
    settings: RefCell<Arc<Config>>,
    /// What it counts.
    pub metrics: Metrics,
    data: PathBuf,
    journal_id: u128,
    journal: Journal,
    quorums: RefCell<Quorums>,
    /// Hashed without a seed: the ids in the keys are random and ours, and a start under one seed walks them in one order.
    partitions: RefCell<HashMap<PartitionKey, Rc<Owned>, FixedState>>,
    /// The partitions that have a tail, each by the frame that holds its oldest batch.
    tails: RefCell<BTreeSet<(Sequence, PartitionKey)>>,
    logs: Rc<LogDirectory>,
    image: RefCell<Arc<Image>>,
    /// The image that this shard's partitions follow; `None` until the first is in place.
    reconciled: RefCell<Option<Arc<Image>>>,
    /// What the journal says of segments beyond the manifests, while it is replayed.
    told: RefCell<direct::Told>,
    kept: RefCell<direct::Kept>,
    /// The newest version of the image that this shard is known to have followed, in earlier runs as well.
    followed_version: Cell<u64>,
    controller: RefCell<Option<Runtime<Controller>>>,
    /// Shard 0: the image as committed, which is published when it grows.
    committed_image: RefCell<Image>,
    /// Shard 0: the image version each shard has in place.
    applied_versions: RefCell<Vec<u64>>,
    /// Shard 0: the committed image has grown.
    publish_wanted: Signal,
    /// Which quorums have opened and lead their partitions.
    has_led: RefCell<Vec<bool>>,
    /// The last frame whose entries are applied.
    applied_sequence: Cell<Sequence>,
    checkpointed_sequence: Cell<Sequence>,
    /// The frame that each quorum's manifest was made from.
    manifest_sequences: RefCell<HashMap<u32, Sequence>>,
    /// The manifests written since the start, by quorum: an unchanged one is not written again.
    checkpointed: RefCell<HashMap<u32, QuorumManifest>>,
    flush_wanted: Signal,
    flush_waiters: Waiters,
    /// Who waits for room for a produce. Without an order the one woken first would take it all, time after time.
    pub room: Line,
    read_turns: ReadTurns,
    write_back_wanted: Signal,
    reconcile_wanted: Signal,
    /// What a partition of a topic without settings of its own has.
    partition_defaults: RefCell<PartitionConfig>,
    /// Bytes of all tails, and of those what is in segments as well.
    dirty_bytes: Cell<u64>,
    stored_bytes: Cell<u64>,
    /// The most that may be in no segment.
    dirty_bytes_max: u64,
    /// Read for fetches and not yet with their connections.
    read_bytes: Cell<u64>,
    out_of_space: OutOfSpace,
    stopping: Cell<bool>,
    /// The flush loop has ended: nothing more is applied.
    flush_ended: Cell<bool>,
    retention: retention::Retention,
    coordinators: groups::Coordinators,
    /// What clients follow.
    pub fetch_sessions: RefCell<fetch_sessions::FetchSessions>,
    compaction: compaction::Compaction,
    /// The write-back loop has ended, after the flush loop.
    write_back_ended: Signal,
}

impl Shard {
    /// The current image.
    pub fn image(&self) -> Arc<Image> {
        self.image.borrow().clone()
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Config> {
        self.settings.borrow().clone()
    }

    /// The port on which clients reach `shard`.
    pub fn advertised_port(&self, shard: u32) -> u16 {
        match self.config.advertise {
            crate::config::Advertise::Shard => self.config.shard_port(shard as u16).unwrap_or(0),
            crate::config::Advertise::Machine => self.config.listen_port,
        }
    }

    /// The partition, if it is led here.
    pub fn owned(&self, key: PartitionKey) -> Option<Rc<Owned>> {
        self.partitions.borrow().get(&key).cloned()
    }

    /// The partition, if it is led here and everything acknowledged in earlier runs is applied: only then is it known how far
    /// it reaches. Before, a reader that was further already would be told that it is beyond the end.
    pub fn led(&self, key: PartitionKey) -> Option<Rc<Owned>> {
        let owned = self.owned(key)?;
        self.has_led.borrow()[owned.quorum].then_some(owned)
    }

    /// Whether all its quorums have opened since the start.
    pub fn leads_all(&self) -> bool {
        let has_led = self.has_led.borrow();
        !has_led.is_empty() && has_led.iter().all(|led| *led)
    }

    /// Leader epochs of partitions that are led here; 0 for one that is still to be added, -1 for one that is
    /// not led yet, whose epoch is an older one.
    pub fn leader_epochs(&self, keys: &[PartitionKey]) -> Vec<i32> {
        let epoch = |key: &PartitionKey| {
            let owned = self.owned(*key);
            owned.map_or(0, |owned| match self.has_led.borrow()[owned.quorum] {
                true => owned.partition.borrow().leader_epoch(),
                false => -1,
            })
        };
        keys.iter().map(epoch).collect()
    }

    /// Whether a write has failed: nothing is acknowledged any more.
    pub fn is_fenced(&self) -> bool {
        self.quorums.borrow().is_fenced()
    }

    /// Whether there are records that only memory has.
    pub fn has_volatile_records(&self) -> bool {
        let partitions = self.partitions.borrow();
        let mut partitions = partitions.values().map(|owned| owned.partition.borrow());
        partitions.any(|partition| partition.prepared_offset() > partition.high_watermark())
    }

    /// Sets `signal` after the next flush.
    pub fn notify_after_flush(&self, signal: &Signal) {
        let added = self.flush_waiters.add(signal, usize::MAX);
        assert!(added, "connections bound who waits for a flush");
    }

    /// Waits until `pending` is applied; false if the shard is fenced first.
    pub async fn wait_applied(&self, pending: Pending) -> bool {
        loop {
            if self.quorums.borrow().applied(pending.quorum) >= pending.index {
                return true;
            }
            if self.quorums.borrow().is_fenced() {
                return false;
            }
            let flushed = Signal::default();
            self.notify_after_flush(&flushed);
            flushed.wait().await;
        }
    }

    /// Writes frames for as long as the shard lives: one flush in flight, everything that waits goes into the next.
    pub async fn run_flush(self: Rc<Self>) {
        let mut idle = Idle::Long;
        while !self.is_fenced() {
            let window = self.quorums.borrow_mut().begin_flush();
            let Some(window) = window else {
                if self.stopping.get() {
                    break;
                }
                idle = self.wait_idle(idle).await;
                continue;
            };
            idle = Idle::No;
            self.flush(window).await;
        }
        self.flush_ended.set(true);
        self.write_back_wanted.set();
    }

    /// Writes one frame and applies what it commits.
    async fn flush(&self, mut window: Window) {
        let bytes = Journal::frame_bytes(&window.sections);
        if !self.make_room(bytes).await {
            return;
        }
        let _frame = self.read_turns.frame(bytes as u64);
        let before = self.io.clock.now();
        let Some(mut direct) = self.store_direct(&mut window.sections).await else {
            return;
        };
        let bytes = Journal::frame_bytes(&window.sections);
        match Quorums::flush(&self.journal, window).await {
            Ok((readies, mut written)) => {
                direct.landed(&mut written.sections);
                let took_ns = self.io.clock.now().since_ns(before);
                self.metrics.flushed(bytes as u64, took_ns);
                self.applied_sequence.set(written.sequence);
                let committed = self.quorums.borrow_mut().end_flush(readies, written);
                committed.into_iter().for_each(|entry| self.apply(entry));
                self.keep_stored(direct);
                self.lead_opened();
                self.wake_flush_waiters();
            }
            Err(error) => self.fence(&error.to_string()),
        }
    }

    /// Waits until the journal takes a frame of `bytes`. False: the shard is fenced.
    async fn make_room(&self, bytes: usize) -> bool {
        let mut waited_for_space = false;
        while let Err(error) = self.journal.make_room(bytes).await {
            if self.is_fenced() {
                return false;
            }
            self.write_back_wanted.set();
            if let JournalError::Full = error {
                // A checkpoint makes room, and says so.
                let freed = Signal::default();
                self.notify_after_flush(&freed);
                freed.wait().await;
                continue;
            }
            if !std::mem::replace(&mut waited_for_space, true) {
                tracing::warn!(shard = self.number, %error, "the journal needs a further file");
            }
            self.wait_for_space(&self.out_of_space.journal, &self.data)
                .await;
        }
        if waited_for_space {
            self.there_is_space(&self.out_of_space.journal);
        }
        true
    }

    /// Waits until a flush is asked for, or it has been idle for longer: then an empty frame makes the synced mark durable, and later
    /// readers have the disk for themselves. What is asked for during a flush may have gone with it: that ends no idle time.
    async fn wait_idle(&self, idle: Idle) -> Idle {
        let longer_ms = match idle {
            Idle::No => limits::JOURNAL_IDLE_MARK_MS,
            Idle::Marked => limits::READERS_WAIT_FOR_NO_FRAME_MS,
            Idle::Long => {
                self.flush_wanted.wait().await;
                return idle;
            }
        };
        let longer = Duration::from_millis(longer_ms);
        if self
            .flush_wanted
            .wait_at_most(&*self.io.clock, longer)
            .await
        {
            return idle;
        }
        if idle == Idle::Marked {
            self.read_turns.no_frames();
            return Idle::Long;
        }
        if let Err(error) = self.journal.mark().await {
            self.fence(&error.to_string());
        }
        Idle::Marked
    }

    fn wake_flush_waiters(&self) {
        self.flush_waiters.set_all();
    }

    /// A write failed: nothing is acknowledged here any more.
    fn fence(&self, why: &str) {
        tracing::error!(
            shard = self.number,
            why,
            "the journal failed; this shard is fenced and acknowledges nothing more. Restart it when the disk is well"
        );
        self.acknowledge_nothing_more();
    }

    /// Produces are refused from here on, whoever waits is told; what is here can be read.
    fn acknowledge_nothing_more(&self) {
        self.quorums.borrow_mut().fence();
        self.wake_flush_waiters();
        let waiting: Vec<_> = self.partitions.borrow().values().cloned().collect();
        waiting.iter().for_each(|owned| owned.wake());
        self.close_coordinators();
    }

    /// A committed entry happens: the same on the leader and in recovery.
    pub(in crate::shard) fn apply(&self, entry: Committed) {
        let (quorum, term, sequence) = (entry.quorum, entry.term, entry.sequence);
        if planted::on(Bug::OffsetReusedAfterFailure) && entry.items.is_empty() {
            let partitions = self.partitions.borrow();
            partitions.values().for_each(|owned| owned.drop_prepared());
        }
        let mut image_grew = false;
        for item in entry.items {
            let key = PartitionKey {
                topic_id: item.topic_id,
                partition: item.partition,
            };
            match item.kind {
                ItemKind::Batch => self.apply_batch(key, item.offset, item.body, sequence),
                ItemKind::PartitionAdd => self.apply_add(key, quorum, term, &item.body),
                ItemKind::PartitionRemove => self.apply_remove(key),
                ItemKind::Record => image_grew |= self.apply_record(&item.body),
                ItemKind::LogStart => self.apply_log_start(key, item.offset),
                ItemKind::Stored => self.apply_stored(key, &item.body),
                ItemKind::Raw => {}
            }
        }
        if image_grew {
            self.publish_wanted.set();
        }
    }

    fn apply_batch(&self, key: PartitionKey, base_offset: i64, batch: Slice, sequence: Sequence) {
        // A batch of a partition that was removed meanwhile has no reader left.
        let Some(owned) = self.owned(key) else { return };
        let mut partition = owned.partition.borrow_mut();
        if base_offset < partition.high_watermark() {
            return;
        }
        self.dirty_bytes
            .set(self.dirty_bytes.get() + batch.len() as u64);
        if partition.tail().is_empty() {
            self.tails.borrow_mut().insert((sequence, key));
        }
        partition.apply(batch, sequence);
        drop(partition);
        owned.wake();
        if self.is_behind() {
            self.write_back_wanted.set();
        }
    }

    fn apply_add(&self, key: PartitionKey, quorum: usize, term: u64, name: &[u8]) {
        if self.partitions.borrow().contains_key(&key) {
            return;
        }
        let name: Arc<str> = String::from_utf8_lossy(name).into();
        let home = Home {
            quorum,
            added_term: term,
        };
        let start = PartitionStart {
            leader_epochs: LeaderEpochs::new(vec![(0, 0)]),
            ..PartitionStart::default()
        };
        self.insert_partition(key, name, home, (start, (Vec::new(), 0)));
        // It takes records from here on. During recovery there is no image yet, and none of it takes any before there is.
        let image = self.image();
        let topic = image.topic_by_id(key.topic_id);
        if let Some((owned, config)) = self
            .owned(key)
            .zip(topic.and_then(|topic| self.config_of(topic)))
        {
            owned.configure(config);
        }
    }

    /// Puts a partition among those of this shard; it touches no file until its first write-back.
    fn insert_partition(
        &self,
        key: PartitionKey,
        topic: Arc<str>,
        home: Home,
        (start, (segments, cleaned_offset)): (PartitionStart, (Vec<Segment>, i64)),
    ) {
        let log = PartitionLog::new(self.logs.clone(), &topic, key.partition, key.topic_id);
        log.restore(segments, cleaned_offset);
        if let Some(stored) = self.told.borrow().of(key) {
            log.continue_with(stored);
        }
        let config = self.partition_defaults.borrow().clone();
        let owned = Owned {
            key,
            partition: RefCell::new(Partition::new(config, start)),
            log,
            topic,
            quorum: home.quorum,
            added_term: home.added_term,
            stored_bytes: Cell::new(0),
            waiters: Waiters::default(),
            removed: Cell::new(false),
        };
        let before = self.partitions.borrow_mut().insert(key, Rc::new(owned));
        assert!(before.is_none(), "a partition is added once");
    }

    fn apply_remove(&self, key: PartitionKey) {
        self.told.borrow_mut().forget(key);
        let Some(owned) = self.partitions.borrow_mut().remove(&key) else {
            return;
        };
        owned.wake();
        self.end_coordinator(key, &GroupError::NotCoordinator);
        // Its tail is written nowhere.
        if let Some(front) = owned.partition.borrow().tail().front() {
            let listed = self.tails.borrow_mut().remove(&(front.sequence, key));
            assert!(listed, "a partition with a tail is listed");
        }
        let left = self.dirty_bytes.get() - owned.partition.borrow().tail_bytes() as u64;
        self.dirty_bytes.set(left);
        self.now_stored(&owned, 0);
        owned.removed.set(true);
        self.compaction.forget(&owned);
        let remove = async move {
            if let Err(error) = owned.log.remove().await {
                tracing::warn!(topic = %owned.topic, partition = owned.key.partition, %error, "the files of a deleted partition are still there");
            }
        };
        self.io
            .executor
            .spawn_background("remove partition", Box::pin(remove));
    }

    fn default_partition_config(config: &Config) -> PartitionConfig {
        let none = std::collections::BTreeMap::new();
        let topic = TopicConfig::from_overrides(&none, config)
            .expect("the broker's own defaults are legal");
        Self::partition_config(&topic, config)
    }

    /// The largest batch that a frame takes.
    fn frame_bytes_max(config: &Config) -> usize {
        limits::batch_bytes_max(config.frame_bytes_max) as usize
    }

    /// What a partition needs to know of its topic's settings.
    fn partition_config(topic: &TopicConfig, config: &Config) -> PartitionConfig {
        use protocol::compression::Compression;
        let compression = match topic.compression_type {
            CompressionType::Producer => None,
            CompressionType::Uncompressed => Some((Compression::None, None)),
            CompressionType::Gzip => Some((Compression::Gzip, Some(topic.gzip_level))),
            CompressionType::Snappy => Some((Compression::Snappy, None)),
            CompressionType::Lz4 => Some((Compression::Lz4, None)),
            CompressionType::Zstd => Some((Compression::Zstd, Some(topic.zstd_level))),
        };
        let frame_max = Self::frame_bytes_max(config);
        PartitionConfig {
            message_bytes_max: (topic.message_bytes_max as usize).min(frame_max),
            segment_bytes_max: topic.segment_bytes_max as usize,
            timestamp_type: match topic.timestamp_type {
                TimestampType::CreateTime => protocol::record_batch::TimestampType::CreateTime,
                TimestampType::LogAppendTime => {
                    protocol::record_batch::TimestampType::LogAppendTime
                }
            },
            timestamp_before_ms_max: topic.timestamp_before_ms_max,
            timestamp_after_ms_max: topic.timestamp_after_ms_max,
            compacted: topic.cleanup_policy.compact,
            compression: compression
                .map(|(codec, level)| (codec, level.filter(|level| *level != -1))),
            validate_compressed: config.validate_compressed
                == crate::config::ValidateCompressed::Full,
            write_caching: topic.write_caching,
        }
    }

    /// What a partition of `topic` needs to know of its settings, and when its segments roll: bytes and milliseconds.
    fn config_of(&self, topic: &Topic) -> Option<(PartitionConfig, (u64, i64))> {
        let in_force = self.settings();
        let settings = TopicConfig::from_overrides(&topic.configs, &in_force).ok()?;
        let mut config = Self::partition_config(&settings, &in_force);
        if is_internal(&topic.name) {
            // The bound is for clients: a large group's record is one batch.
            config.message_bytes_max = Self::frame_bytes_max(&self.config);
        }
        // A segment is compacted when it is sealed: within the time that the topic allows.
        let segment_ms = match settings.cleanup_policy.compact {
            true => settings.segment_ms.min(settings.max_compaction_lag_ms),
            false => settings.segment_ms,
        };
        Some((config, (u64::from(settings.segment_bytes_max), segment_ms)))
    }

    /// Gives every partition of `topic` led here the topic's settings.
    fn configure(&self, topic: &Topic) {
        let Some(config) = self.config_of(topic) else {
            return;
        };
        for (partition, placement) in topic.partitions.iter().enumerate() {
            let key = PartitionKey {
                topic_id: topic.id,
                partition: partition as i32,
            };
            if placement.shard == self.number
                && let Some(owned) = self.owned(key)
            {
                owned.configure(config.clone());
            }
        }
    }
}

impl Owned {
    fn configure(&self, (config, (segment_bytes_max, segment_ms)): (PartitionConfig, (u64, i64))) {
        self.log.configure(segment_bytes_max, segment_ms);
        self.partition.borrow_mut().configure(config);
    }

    fn wake(&self) {
        self.waiters.set_all();
    }

    /// What is on its way is as if it had never come.
    fn drop_prepared(&self) {
        let mut partition = self.partition.borrow_mut();
        let committed = partition.high_watermark();
        partition.unprepare(committed);
    }
}

#[cfg(test)]
mod tests;
