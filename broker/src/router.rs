//! The way from a request to the shard that owns what it is about: a call here, one mesh hop elsewhere. Nothing else
//! crosses cores. Station 3 of the produce walk. It decides nothing about what it carries.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hashbrown::HashMap;

use crate::controller::{ControllerReply, ControllerRequest, PRODUCER_ID_BLOCK};
use crate::coordinator::group::{GroupError, GroupReply, GroupRequest, ListedGroup};
use crate::io::buffer::Slice;
use crate::io::clock::Instant;
use crate::io::executor::Signal;
use crate::io::net::Accepted;
use crate::metadata::Image;
use crate::metrics::Figures;
use crate::shard::{
    ControlError, ControllerQuorum, EpochRequest, OffsetAnswer, OffsetRequest, PartitionKey,
    ProduceFailure, ProduceRequest, ProduceTicket, ReadAnswer, ReadFailure, ReadRequest, Shard,
    Watched,
};

mod admin;
mod groups;
mod offsets;
mod remote;
pub mod watch;

pub use admin::{Cut, CutAt};
pub use remote::RemoteProduce;

/// What shards say to each other.
pub enum Hop {
    /// A connection handed out by shard 0.
    Connection(Accepted),
    /// A newer image.
    Image(Arc<Image>),
    /// To shard 0: everything of the image of this version that concerns the sender is in place.
    ImageApplied(u64),
    /// A request for the receiver, and its number.
    Ask(u64, Ask),
    /// Its answer.
    Answer(u64, Answer),
    /// A question that is answered when one of these partitions has grown, at the latest at this instant.
    Watch(u64, Vec<Watched>, Instant),
    /// The sender does not want that answer any more.
    Unwatch(u64),
}

/// Requests that cross cores.
pub enum Ask {
    /// One partition's records.
    Produce(PartitionKey, ProduceRequest),
    /// One partition's read.
    Read(ReadRequest),
    /// One offset.
    Offset(OffsetRequest),
    /// The end of a leader epoch.
    EpochEnd(EpochRequest),
    /// Leader epochs of these partitions.
    LeaderEpochs(Vec<PartitionKey>),
    /// Ends of these partitions.
    HighWatermarks(Vec<PartitionKey>),
    /// What the receiver counted; with each partition's own figures, if true.
    Figures(bool),
    /// For the controller.
    Control(ControllerRequest),
    /// How far the controller's quorum is.
    ControllerQuorum,
    /// About the group of this id.
    Group(String, GroupRequest),
    /// Every group that the shard coordinates.
    Groups,
    /// Records to delete.
    DeleteRecords(Vec<CutAt>),
}

/// Answers that cross cores: record bytes are copied once, and counted.
pub enum Answer {
    /// Committed, or refused.
    Produce(Result<ProduceTicket, ProduceFailure>),
    /// What was read.
    Read(RemoteRead),
    /// One of the watched partitions may have grown.
    Grown,
    /// The offset.
    Offset(OffsetAnswer),
    /// The epoch, and where it ends.
    EpochEnd(Result<Option<(i32, i64)>, ReadFailure>),
    /// One a partition, in the order of the question.
    LeaderEpochs(Vec<i32>),
    /// The offset after the last committed record of each, in the order of the question.
    HighWatermarks(Vec<Option<i64>>),
    /// What that shard counted.
    Figures(Box<Figures>),
    /// What the controller says.
    Control(Result<ControllerReply, ControlError>),
    /// How far it is, if it leads.
    ControllerQuorum(Option<ControllerQuorum>),
    /// What the group's coordinator says.
    Group(Result<GroupReply, GroupError>),
    /// What all coordinators of the shard say.
    Groups(Result<Vec<ListedGroup>, GroupError>),
    /// What became of them.
    DeletedRecords(Vec<Cut>),
}

/// A read's answer in a form that may change cores.
pub struct RemoteRead {
    failure: Option<ReadFailure>,
    high_watermark: i64,
    log_start_offset: i64,
    diverging: Option<(i32, i64)>,
    records: Bytes,
    more: bool,
}

/// A produce on its way: decided here, or asked of another shard.
pub enum Produced {
    /// Decided here; it may still wait for its commit.
    Here(Result<ProduceTicket, ProduceFailure>),
    /// Asked elsewhere.
    Elsewhere(RemoteProduce),
}

#[derive(Default)]
struct Call {
    answer: RefCell<Option<Answer>>,
    arrived: Signal,
}

/// This shard's router.
pub struct Router {
    shard: Rc<Shard>,
    calls: RefCell<HashMap<u64, Rc<Call>>>,
    watches: watch::Watches,
    /// By shard.
    outboxes: Vec<remote::Outbox>,
    next_call: Cell<u64>,
    /// Producer ids this shard may still give out: next, end.
    producer_ids: Cell<(i64, i64)>,
}

impl Router {
    /// Routes for `shard`.
    pub fn new(shard: Rc<Shard>) -> Rc<Self> {
        let shards = shard.io.mesh.shards();
        Rc::new(Self {
            shard,
            calls: RefCell::default(),
            watches: watch::Watches::default(),
            outboxes: (0..shards).map(|_| remote::Outbox::default()).collect(),
            next_call: Cell::new(1),
            producer_ids: Cell::new((0, 0)),
        })
    }

    /// The shard this router stands on.
    pub fn shard(&self) -> &Rc<Shard> {
        &self.shard
    }

    /// Produces to a partition that `owner` leads. `wake` is set when an answer from elsewhere has come.
    pub fn produce(
        self: &Rc<Self>,
        owner: u32,
        key: PartitionKey,
        request: ProduceRequest,
        wake: &Signal,
    ) -> Produced {
        if owner == self.shard.number {
            return Produced::Here(self.shard.produce(key, request));
        }
        Produced::Elsewhere(self.produce_elsewhere(owner, key, request, wake))
    }

    /// Reads once from a partition that `owner` leads. With `wake`, a read here that finds nothing new is woken when the
    /// partition grows; for one elsewhere see [`Router::watch`].
    pub async fn read(&self, owner: u32, request: ReadRequest, wake: &Signal) -> ReadAnswer {
        if owner == self.shard.number {
            return self.shard.read(&request, Some(wake)).await;
        }
        match self.ask(owner, Ask::Read(request)).await {
            Some(Answer::Read(read)) => ReadAnswer {
                failure: read.failure,
                high_watermark: read.high_watermark,
                log_start_offset: read.log_start_offset,
                diverging: read.diverging,
                records: if read.records.is_empty() {
                    Vec::new()
                } else {
                    vec![Slice::from(read.records)]
                },
                more: read.more,
            },
            _ => ReadAnswer::stopped(),
        }
    }

    /// Asks the controller; its reply comes when it is committed and, for topics, in place everywhere.
    pub async fn control(
        &self,
        request: ControllerRequest,
    ) -> Result<ControllerReply, ControlError> {
        if self.shard.number == 0 {
            return self.shard.control(request).await;
        }
        match self.ask(0, Ask::Control(request)).await {
            Some(Answer::Control(reply)) => reply,
            _ => Err(ControlError::Stopped),
        }
    }

    /// A producer id that was never given out before.
    pub async fn next_producer_id(&self) -> Result<i64, ControlError> {
        loop {
            let (next, end) = self.producer_ids.get();
            if next < end {
                self.producer_ids.set((next + 1, end));
                return Ok(next);
            }
            let shard = self.shard.number;
            match self
                .control(ControllerRequest::AllocateProducerIds { shard })
                .await?
            {
                ControllerReply::ProducerIds(first) => {
                    self.producer_ids.set((first, first + PRODUCER_ID_BLOCK))
                }
                _ => return Err(ControlError::Unavailable),
            }
        }
    }

    /// Shard 0: gives every newer image to all shards.
    pub async fn run_publish(self: Rc<Self>) {
        loop {
            let image = self.shard.next_publication().await;
            for shard in 1..self.shard.io.mesh.shards() as u32 {
                self.tell(shard, Hop::Image(image.clone())).await;
            }
            self.shard.image_changed(image);
        }
    }

    /// Follows every newer image, and says so to shard 0.
    pub async fn run_reconcile(self: Rc<Self>) {
        loop {
            match self.shard.next_reconciled().await {
                Some(version) if self.shard.number == 0 => self.shard.image_applied_by(0, version),
                Some(version) => self.tell(0, Hop::ImageApplied(version)).await,
                None => return,
            }
        }
    }

    /// Sends what is not answered.
    pub async fn tell(&self, shard: u32, hop: Hop) {
        if self
            .shard
            .io
            .mesh
            .send(shard as usize, Box::new(hop))
            .await
            .is_err()
        {
            tracing::debug!(shard, "a shard has stopped; what was for it is dropped");
        }
    }

    async fn ask(&self, shard: u32, ask: Ask) -> Option<Answer> {
        let number = self.next_call.replace(self.next_call.get() + 1);
        let call = Rc::new(Call::default());
        self.calls.borrow_mut().insert(number, call.clone());
        let sent = self
            .shard
            .io
            .mesh
            .send(shard as usize, Box::new(Hop::Ask(number, ask)))
            .await;
        if sent.is_ok() {
            call.arrived.wait().await;
        }
        self.calls.borrow_mut().remove(&number);
        call.answer.borrow_mut().take()
    }

    /// Serves what other shards send, until the mesh ends. Connections handed over go to `adopt`.
    pub async fn run(self: Rc<Self>, adopt: impl Fn(Accepted)) {
        loop {
            let (from, message) = self.shard.io.mesh.receive().await;
            let hop = *message
                .downcast::<Hop>()
                .expect("only the router sends over the mesh");
            let from = from as u32;
            match hop {
                Hop::Connection(accepted) => adopt(accepted),
                Hop::Image(image) => self.shard.image_changed(image),
                Hop::ImageApplied(version) => self.shard.image_applied_by(from, version),
                Hop::Answer(number, answer) => self.answered(number, answer),
                Hop::Ask(number, Ask::Produce(key, request)) => {
                    self.serve_produce((from, number), key, request);
                }
                Hop::Ask(number, ask) => {
                    let router = self.clone();
                    let task = async move {
                        let answer = router.serve(ask).await;
                        router.tell(from, Hop::Answer(number, answer)).await;
                    };
                    self.shard.io.executor.spawn("hop", Box::pin(task));
                }
                Hop::Watch(number, watched, deadline) => {
                    self.serve_watch((from, number), watched, deadline);
                }
                Hop::Unwatch(number) => self.end_watch((from, number)),
            }
        }
    }

    /// The answer to call `number` is here; nobody may want it any more.
    fn answered(&self, number: u64, answer: Answer) {
        if let Some(call) = self.calls.borrow_mut().remove(&number) {
            *call.answer.borrow_mut() = Some(answer);
            call.arrived.set();
        }
    }

    async fn serve(&self, ask: Ask) -> Answer {
        match ask {
            Ask::Produce(..) => unreachable!("a produce is decided on as it arrives"),
            Ask::Read(request) => {
                let answer = self.shard.read(&request, None).await;
                let bytes = answer.bytes();
                self.shard.metrics.fetch_hop_copied_bytes.add(bytes as u64);
                let mut copy = BytesMut::with_capacity(bytes);
                answer
                    .records
                    .iter()
                    .for_each(|slice| copy.extend_from_slice(slice));
                Answer::Read(RemoteRead {
                    failure: answer.failure,
                    high_watermark: answer.high_watermark,
                    log_start_offset: answer.log_start_offset,
                    diverging: answer.diverging,
                    records: copy.freeze(),
                    more: answer.more,
                })
            }
            Ask::Offset(request) => Answer::Offset(self.shard.offset(request).await),
            Ask::EpochEnd(request) => Answer::EpochEnd(self.shard.epoch_end(request)),
            Ask::HighWatermarks(keys) => Answer::HighWatermarks(self.shard.high_watermarks(&keys)),
            Ask::LeaderEpochs(keys) => Answer::LeaderEpochs(self.shard.leader_epochs(&keys)),
            Ask::Figures(details) => Answer::Figures(Box::new(self.shard.figures(details))),
            Ask::Control(request) => Answer::Control(self.shard.control(request).await),
            Ask::ControllerQuorum => Answer::ControllerQuorum(self.shard.controller_quorum()),
            Ask::Group(group_id, request) => {
                Answer::Group(self.shard.group(group_id, request).await)
            }
            Ask::Groups => Answer::Groups(self.shard.groups().await),
            Ask::DeleteRecords(asked) => {
                Answer::DeletedRecords(self.shard.delete_records(&asked).await)
            }
        }
    }
}
