//! One connection of `produce`: sends when a batch is due and the ring of requests in flight has room, else takes answers. It
//! never retries; once refused it stops sending.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use protocol::messages::produce as wire;
use protocol::primitives::Reader;

use super::ProduceError;
use crate::client::{ClientError, Connection};
use crate::content::{PRODUCE_VERSION, ProduceFrame, Shape, Stamp};
use crate::report::{self, Acknowledged, Live};

/// What all connections of a run share.
pub struct Plan {
    /// Drawn for this run.
    pub run: u32,
    /// Of all requests.
    pub shape: Shape,
    /// Records of a batch.
    pub batch_records: usize,
    /// Unanswered requests a connection.
    pub in_flight_max: usize,
    /// Between two batches of a connection; none: at once.
    pub batch_interval: Option<Duration>,
    /// Still to be sent by all together; unused with a duration.
    pub records_left: AtomicU64,
    /// Until when to send.
    pub duration: Option<Duration>,
    /// Counted by all.
    pub live: Live,
}

impl Plan {
    /// Takes the records of the next batch out of what is still to be sent; 0: nothing is.
    fn claim(&self) -> usize {
        if self.duration.is_some() {
            return self.batch_records;
        }
        let batch = self.batch_records as u64;
        let take = |left: u64| Some(left.saturating_sub(batch));
        let left = self
            .records_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        left.unwrap_or_default().min(batch) as usize
    }
}

/// What one connection came to.
pub struct Outcome {
    /// By partition.
    pub acknowledged: Vec<Acknowledged>,
    /// Of each request.
    pub latency: Histogram<u64>,
    /// The first.
    pub failure: Option<String>,
}

struct InFlight {
    due: Instant,
    slot: usize,
    sequence: u64,
    records: usize,
}

struct Slot {
    partition: i32,
    frame: ProduceFrame,
    next_sequence: u64,
    acknowledged: u64,
}

/// One connection and what is in flight on it.
pub struct Worker<'a> {
    plan: &'a Plan,
    number: u32,
    connection: Connection,
    slots: Vec<Slot>,
    in_flight: VecDeque<InFlight>,
    requests: u64,
    latency: Histogram<u64>,
    failure: Option<String>,
}

impl<'a> Worker<'a> {
    /// Connects to a leader and builds a batch for each of its partitions.
    pub fn new(
        plan: &'a Plan,
        number: u32,
        address: &str,
        partitions: &[i32],
    ) -> Result<Self, ProduceError> {
        let slot = |&partition: &i32| {
            let frame = ProduceFrame::new(&plan.shape, partition, plan.batch_records)?;
            Ok(Slot {
                partition,
                frame,
                next_sequence: 0,
                acknowledged: 0,
            })
        };
        let slots: Result<_, ProduceError> = partitions.iter().map(slot).collect();
        Ok(Self {
            plan,
            number,
            connection: Connection::connect(address)?,
            slots: slots?,
            in_flight: VecDeque::with_capacity(plan.in_flight_max),
            requests: 0,
            latency: report::histogram(),
            failure: None,
        })
    }

    /// Produces until the plan is done; returns when all is answered.
    pub fn run(mut self, start: Instant) -> Outcome {
        if let Err(error) = self.drive(start) {
            let lost = self.in_flight.len().max(1) as u64;
            self.plan.live.errors.fetch_add(lost, Ordering::Relaxed);
            self.failure.get_or_insert(error.to_string());
        }
        let connection = self.number;
        let acknowledged = self.slots.iter().map(|slot| Acknowledged {
            connection,
            partition: slot.partition as u32,
            records: slot.acknowledged,
        });
        Outcome {
            acknowledged: acknowledged.collect(),
            latency: self.latency,
            failure: self.failure,
        }
    }

    fn drive(&mut self, start: Instant) -> Result<(), ProduceError> {
        let end = self.plan.duration.map(|duration| start + duration);
        let mut sending = true;
        while sending || !self.in_flight.is_empty() {
            if !sending || self.in_flight.len() >= self.plan.in_flight_max {
                sending &= self.receive()?;
                continue;
            }
            let now = Instant::now();
            let due = match self.plan.batch_interval {
                Some(interval) => start + interval.mul_f64(self.requests as f64),
                None => now,
            };
            if end.is_some_and(|end| now >= end || due >= end) {
                sending = false;
            } else if due <= now {
                sending = self.send(due)?;
            } else if self.in_flight.is_empty() {
                std::thread::sleep(due - now);
            } else if self.connection.wait_for_answer(due - now)? {
                sending &= self.receive()?;
            }
        }
        Ok(())
    }

    /// Sends the next batch; `false` if there is none.
    fn send(&mut self, due: Instant) -> Result<bool, ProduceError> {
        let plan = self.plan;
        let records = plan.claim();
        if records == 0 {
            return Ok(false);
        }
        let at = self.requests as usize % self.slots.len();
        let slot = &mut self.slots[at];
        if slot.frame.records() != records {
            slot.frame = ProduceFrame::new(&plan.shape, slot.partition, records)?;
        }
        let sequence = slot.next_sequence;
        let frame = slot.frame.stamped(Stamp {
            run: plan.run,
            connection: self.number,
            partition: slot.partition as u32,
            sequence,
        })?;
        self.connection.send(frame)?;
        slot.next_sequence += records as u64;
        self.requests += 1;
        if plan.shape.acks == 0 {
            self.connection.expect_no_answer();
            plan.live
                .add(records as u64, (records * plan.shape.record_bytes) as u64);
        } else {
            self.in_flight.push_back(InFlight {
                due,
                slot: at,
                sequence,
                records,
            });
        }
        Ok(true)
    }

    /// Takes the answer to the oldest request; `false` if it is a refusal.
    fn receive(&mut self) -> Result<bool, ProduceError> {
        let body = self.connection.receive(wire::KEY, PRODUCE_VERSION)?;
        let answered = Instant::now();
        let response = wire::ProduceResponse::decode(&mut Reader::new(body), PRODUCE_VERSION)
            .map_err(ClientError::from)?;
        let request = self.in_flight.pop_front().ok_or(ProduceError::NoAnswer)?;
        let slot = &mut self.slots[request.slot];
        let answer = response
            .responses
            .first()
            .and_then(|topic| topic.partition_responses.first());
        let answer = answer.ok_or(ProduceError::NoAnswer)?;
        if answer.error_code != 0 {
            let topic = &self.plan.shape.topic;
            let refused = ClientError::Refused {
                request: format!("Produce to {topic}-{}", slot.partition),
                number: answer.error_code,
            };
            self.failure.get_or_insert(refused.to_string());
            self.plan.live.errors.fetch_add(1, Ordering::Relaxed);
            return Ok(false);
        }
        if slot.acknowledged == request.sequence {
            slot.acknowledged += request.records as u64;
        }
        let bytes = request.records * self.plan.shape.record_bytes;
        self.plan.live.add(request.records as u64, bytes as u64);
        report::record_latency(&mut self.latency, answered - request.due);
        Ok(true)
    }
}
