//! Reads and offset look-ups on the shard that leads the partition: from the tail in memory, else from segments.

use std::cell::Cell;

use futures_lite::future::or;
use protocol::compression::{Compression, decompress};
use protocol::record::records;
use protocol::record_batch::{RecordBatch, TimestampType};

use super::{Owned, PartitionKey, Shard};
use crate::io::buffer::Slice;
use crate::io::clock::Instant;
use crate::io::executor::Signal;
use crate::limits;
use crate::log::reader::Wanted;
use crate::partition::TailBatch;
use crate::planted::{self, Bug};

/// One partition's part of a Fetch request.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// Which.
    pub key: PartitionKey,
    /// From where.
    pub offset: i64,
    /// How much.
    pub bytes_max: usize,
    /// The first batch whole, even beyond that.
    pub at_least_one: bool,
    /// What the client believes.
    pub current_leader_epoch: Option<i32>,
    /// Epoch of the last record it has.
    pub last_fetched_epoch: Option<i32>,
}

/// Why a read gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFailure {
    /// No such partition.
    Unknown,
    /// No topic of this id.
    UnknownTopicId,
    /// The topic of this id is gone, and another has its name.
    InconsistentTopicId,
    /// Not led here, or not to be read by another replica.
    NotLeader,
    /// A limit or an isolation level that does not exist.
    Invalid,
    /// Below the log start, or beyond the end.
    OffsetOutOfRange,
    /// The client's epoch is old.
    FencedLeaderEpoch,
    /// The client's epoch is newer than ours.
    UnknownLeaderEpoch,
    /// The disk failed, or its data is not what was written.
    Storage,
}

/// What a read gives.
#[derive(Debug)]
pub struct ReadAnswer {
    /// Why nothing.
    pub failure: Option<ReadFailure>,
    /// End of what may be read.
    pub high_watermark: i64,
    /// Its begin.
    pub log_start_offset: i64,
    /// Epoch and offset where the client's log parts from ours.
    pub diverging: Option<(i32, i64)>,
    /// Whole batches, where they lie.
    pub records: Vec<Slice>,
    /// There is more that could be read at once: one read of a segment gives no more.
    pub more: bool,
}

impl ReadAnswer {
    /// An answer that is only a failure.
    pub fn failed(failure: ReadFailure) -> Self {
        Self {
            failure: Some(failure),
            high_watermark: -1,
            log_start_offset: -1,
            diverging: None,
            records: Vec::new(),
            more: false,
        }
    }

    /// The owner has stopped.
    pub fn stopped() -> Self {
        Self::failed(ReadFailure::NotLeader)
    }

    /// Whether there is something at `offset`.
    pub fn is_before_end(&self, offset: i64) -> bool {
        self.failure.is_none() && self.diverging.is_none() && offset < self.high_watermark
    }

    /// Bytes of records.
    pub fn bytes(&self) -> usize {
        self.records.iter().map(|slice| slice.len()).sum()
    }

    /// Bytes of memory that they hold on to.
    pub fn held_bytes(&self) -> usize {
        Slice::held_bytes(&self.records)
    }
}

/// Which offset is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The end of what may be read.
    Latest,
    /// The first offset.
    Earliest,
    /// What only tiered storage has; there is none.
    Tiered,
    /// The first record with the largest timestamp.
    MaxTimestamp,
    /// The first record with this timestamp or a later one.
    Timestamp(i64),
}

/// One partition's part of a ListOffsets request.
#[derive(Debug, Clone, Copy)]
pub struct OffsetRequest {
    /// Which.
    pub key: PartitionKey,
    /// What.
    pub spec: OffsetSpec,
    /// What the client believes.
    pub current_leader_epoch: Option<i32>,
}

/// One partition's part of an OffsetForLeaderEpoch request.
#[derive(Debug, Clone, Copy)]
pub struct EpochRequest {
    /// Which.
    pub key: PartitionKey,
    /// What the client believes.
    pub current_leader_epoch: Option<i32>,
    /// The epoch whose end is asked for.
    pub leader_epoch: i32,
}

/// A partition that a fetch waits for.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    /// Which.
    pub key: PartitionKey,
    /// Its high watermark when it was read.
    pub high_watermark: i64,
}

/// An offset; -1 where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetAnswer {
    /// Why nothing.
    pub failure: Option<ReadFailure>,
    /// The offset.
    pub offset: i64,
    /// The record's timestamp, for look-ups by time.
    pub timestamp: i64,
    /// Leader epoch of that offset.
    pub leader_epoch: i32,
}

impl OffsetAnswer {
    fn failed(failure: ReadFailure) -> Self {
        Self {
            failure: Some(failure),
            offset: -1,
            timestamp: -1,
            leader_epoch: -1,
        }
    }

    /// The owner has stopped.
    pub fn stopped() -> Self {
        Self::failed(ReadFailure::NotLeader)
    }
}

/// What one fetch has read and not yet handed to its connection: fetches that read at the same time share the bound.
pub struct HeldBytes<'a> {
    all: &'a Cell<u64>,
    bytes: u64,
}

impl HeldBytes<'_> {
    /// How much more may be read (a first batch always may).
    pub fn room(&self) -> usize {
        let left = limits::FETCH_READ_BYTES_PER_SHARD_MAX.saturating_sub(self.all.get());
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    /// That much memory is held on to by what was read.
    pub fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.all.set(self.all.get() + bytes as u64);
    }
}

impl Drop for HeldBytes<'_> {
    fn drop(&mut self) {
        self.all.set(self.all.get() - self.bytes);
    }
}

fn check_epoch(owned: &Owned, claimed: Option<i32>) -> Result<(), ReadFailure> {
    let current = owned.partition.borrow().leader_epoch();
    match claimed {
        Some(claimed) if claimed < current => Err(ReadFailure::FencedLeaderEpoch),
        Some(claimed) if claimed > current => Err(ReadFailure::UnknownLeaderEpoch),
        _ => Ok(()),
    }
}

/// Where the client's log parts from ours, if it does (KIP-320).
fn diverging(owned: &Owned, request: &ReadRequest) -> Result<Option<(i32, i64)>, ReadFailure> {
    let Some(last) = request.last_fetched_epoch else {
        return Ok(None);
    };
    let partition = owned.partition.borrow();
    let end = partition
        .leader_epochs()
        .end_of(last, partition.high_watermark());
    match end {
        None => Err(ReadFailure::OffsetOutOfRange),
        Some(_) if request.offset < partition.log_start_offset() => {
            Err(ReadFailure::OffsetOutOfRange)
        }
        Some((epoch, end)) if epoch == last && end >= request.offset => Ok(None),
        Some(parted) => Ok(Some(parted)),
    }
}

impl Shard {
    /// An account of what one fetch reads, until its answer is with its connection.
    pub fn hold_read_bytes(&self) -> HeldBytes<'_> {
        HeldBytes {
            all: &self.read_bytes,
            bytes: 0,
        }
    }

    /// Reads once. With `wake`, a read that finds nothing new is woken when the partition grows.
    pub async fn read(&self, request: &ReadRequest, wake: Option<&Signal>) -> ReadAnswer {
        let Some(owned) = self.led(request.key) else {
            return ReadAnswer::failed(ReadFailure::NotLeader);
        };
        if let Err(failure) = check_epoch(&owned, request.current_leader_epoch) {
            return ReadAnswer::failed(failure);
        }
        let (high_watermark, log_start_offset, tail_start) = {
            let partition = owned.partition.borrow();
            (
                match planted::on(Bug::HighWatermarkTooEarly) {
                    true => partition.prepared_offset(),
                    false => partition.high_watermark(),
                },
                partition.log_start_offset(),
                partition.tail_start_offset(),
            )
        };
        let mut answer = ReadAnswer {
            failure: None,
            high_watermark,
            log_start_offset,
            diverging: None,
            records: Vec::new(),
            more: false,
        };
        match diverging(&owned, request) {
            Ok(parted) => answer.diverging = parted,
            Err(failure) => return ReadAnswer::failed(failure),
        }
        if answer.diverging.is_some() {
            return answer;
        }
        if request.offset < log_start_offset || request.offset > high_watermark {
            return ReadAnswer::failed(ReadFailure::OffsetOutOfRange);
        }
        if let Some(wake) = wake {
            // One too many is not woken: it answers when its time is up.
            owned
                .waiters
                .add(wake, limits::DELAYED_FETCHES_PER_PARTITION_MAX);
        }
        if request.offset >= tail_start {
            answer.records = owned.partition.borrow().read_tail(
                request.offset,
                request.bytes_max,
                request.at_least_one,
            );
            return answer;
        }
        if request.bytes_max == 0 && !request.at_least_one {
            return answer;
        }
        self.read_segments(&owned, request, wake, (answer, tail_start))
            .await
    }

    /// Reads what lies below the tail, which begins at `tail_start`, into `answer`.
    async fn read_segments(
        &self,
        owned: &Owned,
        request: &ReadRequest,
        wake: Option<&Signal>,
        (mut answer, tail_start): (ReadAnswer, i64),
    ) -> ReadAnswer {
        let mut wanted = Wanted {
            offset: request.offset,
            bytes_max: request.bytes_max,
            at_least_one: request.at_least_one,
            upper_offset: tail_start,
            window_bytes_max: usize::MAX,
            ahead: true,
        };
        let turn = self.read_turns.turn(&*self.io.clock).await;
        if turn.is_some() {
            wanted.window_bytes_max = limits::FETCH_READ_BESIDE_WRITES_BYTES;
            wanted.ahead = false;
        }
        let found = owned.log.read(&wanted).await;
        drop(turn);
        // While it waited for its turn and for the disk, the log start may have passed it: what was read begins behind what is gone.
        if request.offset < owned.partition.borrow().log_start_offset() {
            return ReadAnswer::failed(ReadFailure::OffsetOutOfRange);
        }
        match found {
            Ok(Some(found)) => {
                answer.more =
                    !found.batches.is_empty() && found.next_offset < answer.high_watermark;
                answer.records = found.batches;
            }
            // What was the tail went to segments meanwhile: they are read again.
            Ok(None) if owned.partition.borrow().tail_start_offset() != tail_start => {
                return Box::pin(self.read(request, wake)).await;
            }
            // Compaction has left nothing up to the tail.
            Ok(None) => {
                let partition = owned.partition.borrow();
                let (bytes_max, at_least_one) = (request.bytes_max, request.at_least_one);
                answer.records = partition.read_tail(request.offset, bytes_max, at_least_one);
                answer.high_watermark = partition.high_watermark();
            }
            Err(error) => {
                tracing::error!(topic = %owned.topic, partition = request.key.partition, offset = request.offset, %error, "a segment cannot be read");
                return ReadAnswer::failed(ReadFailure::Storage);
            }
        }
        answer
    }

    /// Waits until one of these partitions has grown or is gone, `deadline` has come, or nobody wants to know any more: then
    /// `wake` is set too.
    pub async fn wait_grown(
        &self,
        watched: &[Watched],
        deadline: Instant,
        wake: &Signal,
        is_wanted: impl Fn() -> bool,
    ) {
        while is_wanted() {
            for one in watched {
                let Some(owned) = self.owned(one.key) else {
                    return;
                };
                if owned.partition.borrow().high_watermark() > one.high_watermark {
                    return;
                }
                owned
                    .waiters
                    .add(wake, limits::DELAYED_FETCHES_PER_PARTITION_MAX);
            }
            let now = self.io.clock.now();
            if now >= deadline {
                return;
            }
            let rest = std::time::Duration::from_nanos(deadline.since_ns(now));
            or(wake.wait(), self.io.clock.sleep(rest)).await;
        }
    }

    /// The largest leader epoch not above the one asked for, and where it ends; `None` where nothing is known of it.
    pub fn epoch_end(&self, request: EpochRequest) -> Result<Option<(i32, i64)>, ReadFailure> {
        let owned = self.led(request.key).ok_or(ReadFailure::NotLeader)?;
        check_epoch(&owned, request.current_leader_epoch)?;
        let partition = owned.partition.borrow();
        let end = partition.high_watermark();
        // -1 is no epoch.
        let asked = (request.leader_epoch != -1).then_some(request.leader_epoch);
        Ok(asked.and_then(|epoch| partition.leader_epochs().end_of(epoch, end)))
    }

    /// Looks an offset up.
    pub async fn offset(&self, request: OffsetRequest) -> OffsetAnswer {
        let Some(owned) = self.led(request.key) else {
            return OffsetAnswer::failed(ReadFailure::NotLeader);
        };
        if let Err(failure) = check_epoch(&owned, request.current_leader_epoch) {
            return OffsetAnswer::failed(failure);
        }
        let simple = {
            let partition = owned.partition.borrow();
            match request.spec {
                OffsetSpec::Latest => {
                    Some((partition.high_watermark(), Some(partition.leader_epoch())))
                }
                OffsetSpec::Earliest => {
                    let start = partition.log_start_offset();
                    Some((start, partition.leader_epochs().epoch_of(start)))
                }
                OffsetSpec::Tiered => Some((-1, None)),
                OffsetSpec::MaxTimestamp | OffsetSpec::Timestamp(_) => None,
            }
        };
        if let Some((offset, epoch)) = simple {
            return OffsetAnswer {
                failure: None,
                offset,
                timestamp: -1,
                leader_epoch: epoch.unwrap_or(-1),
            };
        }
        let found = match request.spec {
            OffsetSpec::Timestamp(target) => self.find_timestamp(&owned, target).await,
            _ => self.find_max_timestamp(&owned).await,
        };
        match found {
            Ok(Some((offset, timestamp))) => {
                let epoch = owned
                    .partition
                    .borrow()
                    .leader_epochs()
                    .epoch_of(offset)
                    .unwrap_or(-1);
                OffsetAnswer {
                    failure: None,
                    offset,
                    timestamp,
                    leader_epoch: epoch,
                }
            }
            Ok(None) => OffsetAnswer {
                failure: None,
                offset: -1,
                timestamp: -1,
                leader_epoch: -1,
            },
            Err(failure) => OffsetAnswer::failed(failure),
        }
    }

    async fn find_timestamp(
        &self,
        owned: &Owned,
        target: i64,
    ) -> Result<Option<(i64, i64)>, ReadFailure> {
        let mut from = owned.partition.borrow().log_start_offset();
        loop {
            // Whatever leaves the tail while segments are searched is searched there too.
            let stored = owned.log.batch_for_timestamp(target, from).await;
            let stored = stored.map_err(|error| {
                tracing::error!(topic = %owned.topic, %error, "a segment cannot be searched by time");
                ReadFailure::Storage
            })?;
            let Some(bytes) = stored else { break };
            let batch = RecordBatch::parse(&bytes).map(|batch| batch.header());
            let high_watermark = owned.partition.borrow().high_watermark();
            if batch.is_ok_and(|batch| batch.base_offset() >= high_watermark) {
                // Stored ahead of its commit.
                break;
            }
            let found = first_at_least(&bytes, target, from);
            let last_offset = batch.map(|batch| batch.last_offset());
            match (found, last_offset) {
                // The record that reaches it lies before the log start.
                (None, Ok(last_offset)) => from = last_offset + 1,
                (found, _) => return Ok(found),
            }
        }
        let partition = owned.partition.borrow();
        let reaches =
            |batch: &&TailBatch| batch.max_timestamp >= target && batch.last_offset >= from;
        let mut batches = partition.tail().iter().filter(reaches);
        Ok(batches.find_map(|batch| first_at_least(&batch.bytes, target, from)))
    }

    async fn find_max_timestamp(&self, owned: &Owned) -> Result<Option<(i64, i64)>, ReadFailure> {
        let tail = {
            let partition = owned.partition.borrow();
            // The first batch with the largest time.
            let best = partition
                .tail()
                .iter()
                .rev()
                .max_by_key(|batch| batch.max_timestamp);
            best.map(|batch| (batch.max_timestamp, batch.bytes.clone()))
        };
        let stored = owned.log.max_timestamp();
        let target = match (stored, &tail) {
            (None, None) => return Ok(None),
            (Some(stored), Some((time, bytes))) if *time > stored => {
                return Ok(first_at_least(bytes, *time, 0));
            }
            (None, Some((time, bytes))) => return Ok(first_at_least(bytes, *time, 0)),
            (Some(stored), _) => stored,
        };
        self.find_timestamp(owned, target).await
    }
}

/// Offset and timestamp of the first record of `batch` at or after `target`, and not below `from` by its offset, looking inside
/// compressed batches.
fn first_at_least(batch: &[u8], target: i64, from: i64) -> Option<(i64, i64)> {
    let batch = RecordBatch::parse(batch).ok()?;
    let header = batch.header();
    if header.attributes().timestamp_type() == TimestampType::LogAppendTime {
        return (header.max_timestamp() >= target)
            .then_some((header.base_offset().max(from), header.max_timestamp()));
    }
    let codec = Compression::from_id(header.attributes().compression_id())?;
    let unpacked;
    let payload = if codec == Compression::None {
        batch.payload()
    } else {
        unpacked = decompress(codec, batch.payload(), limits::DECOMPRESSED_BYTES_MAX).ok()?;
        &unpacked
    };
    for record in records(payload) {
        let record = record.ok()?;
        let timestamp = header.base_timestamp().wrapping_add(record.timestamp_delta);
        let offset = header.base_offset() + i64::from(record.offset_delta);
        if timestamp >= target && offset >= from {
            return Some((offset, timestamp));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetches_that_read_at_once_share_one_bound() {
        let all = Cell::new(0);
        let account = || HeldBytes {
            all: &all,
            bytes: 0,
        };
        let whole = limits::FETCH_READ_BYTES_PER_SHARD_MAX as usize;
        let (mut one, mut two) = (account(), account());
        one.add(whole - 10);
        assert_eq!(two.room(), 10);
        two.add(100);
        assert_eq!(one.room(), 0, "a first batch may pass the bound");
        drop(two);
        assert_eq!(one.room(), 10);
        drop(one);
        assert_eq!(account().room(), whole);
    }
}
