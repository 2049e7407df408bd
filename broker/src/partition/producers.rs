//! Idempotent producers of one partition (KIP-98, Kafka's `ProducerAppendInfo` and `ProducerStateEntry`): the last five
//! batches of each, applied, and what is in flight over them. Pure.

use std::collections::VecDeque;

use hashbrown::HashMap;
use protocol::record_batch::{NO_PRODUCER_EPOCH, NO_SEQUENCE, increment_sequence};

use super::validate::ProduceError;
use crate::limits;

/// Who sent a batch, and its sequence numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// Producer id, not negative.
    pub producer_id: i64,
    /// Producer epoch.
    pub epoch: i16,
    /// Sequence of the first record.
    pub first: i32,
    /// Sequence of the last record; may have wrapped.
    pub last: i32,
}

/// A batch that is remembered, to recognise its duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// Sequence of its first record.
    pub first: i32,
    /// Sequence of its last record.
    pub last: i32,
    /// Offset of its first record.
    pub base_offset: i64,
    /// Broker time it was stamped with, -1 for none.
    pub log_append_time_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Producer {
    epoch: i16,
    /// The last five, oldest first.
    batches: VecDeque<Remembered>,
    /// For eviction: grows with every batch of the partition.
    used: u64,
}

/// All producers of a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Producers {
    applied: HashMap<i64, Producer>,
    in_flight: HashMap<i64, VecDeque<(i16, Remembered)>>,
    /// Of producers that nothing else is known of: epoch and first sequence of a batch that found no room. It comes again, and
    /// those sent behind it must not come first.
    refused: HashMap<i64, (i16, i32)>,
    used: u64,
}

impl Producers {
    /// Decides on a batch that would stand at `base_offset`: `Some` for a duplicate, of which the first copy is given.
    pub fn prepare(
        &mut self,
        sequence: &Sequence,
        base_offset: i64,
        log_append_time_ms: i64,
    ) -> Result<Option<Remembered>, ProduceError> {
        let in_flight = self.in_flight.get(&sequence.producer_id);
        let applied = self.applied.get(&sequence.producer_id);
        let same = |epoch: i16, known: &Remembered| {
            epoch == sequence.epoch && (known.first, known.last) == (sequence.first, sequence.last)
        };
        let flying = in_flight
            .into_iter()
            .flatten()
            .rev()
            .find(|(epoch, known)| same(*epoch, known))
            .map(|(_, known)| *known);
        let stored = || {
            applied.and_then(|known| {
                known
                    .batches
                    .iter()
                    .rev()
                    .find(|batch| same(known.epoch, batch))
                    .copied()
            })
        };
        if let Some(first) = flying.or_else(stored) {
            return Ok(Some(first));
        }
        let last = in_flight
            .and_then(|all| all.back())
            .map(|(epoch, known)| (*epoch, known.last));
        let last = last
            .or_else(|| applied.and_then(|known| Some((known.epoch, known.batches.back()?.last))));
        match (last, self.refused.get(&sequence.producer_id)) {
            (None, Some((epoch, first))) if *epoch == sequence.epoch => {
                check_expected(sequence, *first)?;
            }
            _ => {
                let (epoch, last) = last.unwrap_or((NO_PRODUCER_EPOCH, NO_SEQUENCE));
                check_order(sequence, epoch, last)?;
            }
        }
        self.refused.remove(&sequence.producer_id);
        let batch = Remembered {
            first: sequence.first,
            last: sequence.last,
            base_offset,
            log_append_time_ms,
        };
        self.in_flight
            .entry(sequence.producer_id)
            .or_default()
            .push_back((sequence.epoch, batch));
        Ok(None)
    }

    /// Where the last batch of this producer begins, if one is known.
    pub fn last_base_offset(&self, producer_id: i64) -> Option<i64> {
        let known = self.applied.get(&producer_id)?;
        known.batches.back().map(|last| last.base_offset)
    }

    /// The batch prepared for `base_offset`, the newest, was not proposed.
    pub fn unprepare(&mut self, base_offset: i64) {
        let mut refused = None;
        self.in_flight.retain(|id, all| {
            let newest = all.pop_back_if(|(_, batch)| batch.base_offset >= base_offset);
            refused = newest.map(|(epoch, batch)| (*id, epoch, batch)).or(refused);
            !all.is_empty()
        });
        if let Some((producer_id, epoch, batch)) = refused {
            self.refused(&Sequence {
                producer_id,
                epoch,
                first: batch.first,
                last: batch.last,
            });
        }
    }

    /// A batch was not taken, for now. Unless more is known of its producer, it is the next one that is.
    pub fn refused(&mut self, sequence: &Sequence) {
        let id = sequence.producer_id;
        let known = self.in_flight.contains_key(&id) || self.applied.contains_key(&id);
        let has_room = self.refused.len() < limits::REFUSED_PRODUCERS_PER_PARTITION_MAX;
        let first_refused = self
            .refused
            .get(&id)
            .is_none_or(|(epoch, _)| *epoch != sequence.epoch);
        if !known && first_refused && (has_room || self.refused.contains_key(&id)) {
            self.refused.insert(id, (sequence.epoch, sequence.first));
        }
    }

    /// A batch is committed.
    pub fn apply(&mut self, sequence: &Sequence, base_offset: i64, max_timestamp: i64) {
        let mut batch = Remembered {
            first: sequence.first,
            last: sequence.last,
            base_offset,
            log_append_time_ms: max_timestamp,
        };
        if let Some(all) = self.in_flight.get_mut(&sequence.producer_id) {
            if let Some((_, prepared)) = all.pop_front() {
                assert_eq!(
                    prepared.base_offset, base_offset,
                    "batches commit in the order they were prepared"
                );
                batch = prepared;
            }
            if all.is_empty() {
                self.in_flight.remove(&sequence.producer_id);
            }
        }
        self.used += 1;
        let used = self.used;
        if self.applied.len() >= limits::PRODUCERS_PER_PARTITION_MAX
            && !self.applied.contains_key(&sequence.producer_id)
        {
            self.evict();
        }
        let producer = self
            .applied
            .entry(sequence.producer_id)
            .or_insert_with(|| Producer {
                epoch: sequence.epoch,
                batches: VecDeque::with_capacity(limits::BATCHES_PER_PRODUCER),
                used,
            });
        if producer.epoch != sequence.epoch {
            producer.epoch = sequence.epoch;
            producer.batches.clear();
        }
        producer.used = used;
        if producer.batches.len() == limits::BATCHES_PER_PRODUCER {
            producer.batches.pop_front();
        }
        producer.batches.push_back(batch);
    }

    /// Forgets the producer that was quiet for longest: the bound on memory.
    fn evict(&mut self) {
        let idle = self
            .applied
            .iter()
            .min_by_key(|(_, producer)| producer.used)
            .map(|(id, _)| *id);
        if let Some(id) = idle {
            self.applied.remove(&id);
        }
    }

    /// Applied state as flat little-endian numbers, for the manifest: per producer id i64, epoch i16, batches u16, then
    /// per batch first i32, last i32, base offset i64, broker time i64.
    pub fn encode(&self) -> Vec<u8> {
        let mut producers: Vec<_> = self.applied.iter().collect();
        producers.sort_by_key(|(_, producer)| producer.used);
        let mut out = Vec::new();
        for (id, producer) in producers {
            out.extend_from_slice(&id.to_le_bytes());
            out.extend_from_slice(&producer.epoch.to_le_bytes());
            out.extend_from_slice(&(producer.batches.len() as u16).to_le_bytes());
            for batch in &producer.batches {
                out.extend_from_slice(&batch.first.to_le_bytes());
                out.extend_from_slice(&batch.last.to_le_bytes());
                out.extend_from_slice(&batch.base_offset.to_le_bytes());
                out.extend_from_slice(&batch.log_append_time_ms.to_le_bytes());
            }
        }
        out
    }

    /// What [`Producers::encode`] wrote; `None` if it is not that.
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut producers = Self::default();
        while !bytes.is_empty() {
            let id = i64::from_le_bytes(*take(&mut bytes)?);
            let epoch = i16::from_le_bytes(*take(&mut bytes)?);
            let count = u16::from_le_bytes(*take(&mut bytes)?);
            if usize::from(count) > limits::BATCHES_PER_PRODUCER {
                return None;
            }
            let mut batches = VecDeque::with_capacity(limits::BATCHES_PER_PRODUCER);
            for _ in 0..count {
                batches.push_back(Remembered {
                    first: i32::from_le_bytes(*take(&mut bytes)?),
                    last: i32::from_le_bytes(*take(&mut bytes)?),
                    base_offset: i64::from_le_bytes(*take(&mut bytes)?),
                    log_append_time_ms: i64::from_le_bytes(*take(&mut bytes)?),
                });
            }
            producers.used += 1;
            producers.applied.insert(
                id,
                Producer {
                    epoch,
                    batches,
                    used: producers.used,
                },
            );
        }
        Some(producers)
    }
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(first)
}

fn check_order(sequence: &Sequence, epoch: i16, last: i32) -> Result<(), ProduceError> {
    if sequence.epoch < epoch {
        return Err(ProduceError::InvalidProducerEpoch {
            producer_id: sequence.producer_id,
            epoch: sequence.epoch,
            known: epoch,
        });
    }
    // Of an unknown producer, and after a batch without an epoch, any sequence will do.
    let expected = if epoch == NO_PRODUCER_EPOCH {
        sequence.first
    } else if sequence.epoch > epoch {
        0
    } else {
        increment_sequence(last, 1)
    };
    check_expected(sequence, expected)
}

fn check_expected(sequence: &Sequence, expected: i32) -> Result<(), ProduceError> {
    if sequence.first != expected {
        return Err(ProduceError::OutOfOrderSequence {
            producer_id: sequence.producer_id,
            got: sequence.first,
            expected,
        });
    }
    Ok(())
}
