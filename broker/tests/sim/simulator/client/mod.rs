//! The clients of the model: producers, consumers, members of groups, an admin. Each speaks Kafka's protocol over a simulated connection,
//! holds what it is told against the [`History`], and goes on when connections break.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use broker::shard::PartitionKey;
use futures_lite::future::or;
use protocol::header::{RequestHeader, skip_response_header};
use protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseTopic,
};
use protocol::primitives::Reader;

use super::clock::wall_ms;
use super::history::{History, Known};
use super::machine::Machine;
use super::net::Client as Connection;
use super::random::Random;
use super::world::World;

pub mod admin;
pub mod consumer;
pub mod member;
pub mod offsets;
pub mod producer;
pub mod records;

/// How long a client waits for one answer.
const PATIENCE: Duration = Duration::from_secs(40);

/// More than any topic of a run has.
const PARTITIONS_MAX: i32 = 16;

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Things break.
    Chaos,
    /// Nothing breaks any more: what was begun is finished.
    Healed,
}

/// What all clients share.
pub struct Setting {
    /// Where they run.
    pub world: World,
    /// Whom they talk to.
    pub machine: Rc<Machine>,
    /// What they know.
    pub history: History,
    /// How far the run has come.
    pub phase: Cell<Phase>,
    /// Requests that clients may still make of their own accord.
    pub requests_left: Cell<u64>,
    /// Clients that have not finished, and what they last did.
    pub busy: RefCell<Vec<(u32, String)>>,
    /// Pauses between requests, microseconds, at most.
    pub think_us_max: u64,
    /// Values of records, bytes, at least and at most.
    pub value_bytes: (u64, u64),
    /// A client hangs up once in so many answers that it waits for; 0 never.
    pub hang_up_one_in: u64,
    /// Names that topics may have.
    pub topic_names: Vec<String>,
    /// How long some committed offsets are kept, milliseconds, at most; 0: all for ever.
    pub offset_retention_ms_max: u64,
    /// `write.caching` of topics that have none of their own; `None`: each has one.
    pub caching: Option<bool>,
    /// Until all is mended a read may be answered with a storage error.
    pub reads_fail: bool,
    /// Partitions with a segment that has decayed.
    pub damaged: RefCell<BTreeSet<PartitionKey>>,
    /// Those of which something cannot be restored any more, or was never stored by a disk that lied.
    pub lost: RefCell<BTreeSet<PartitionKey>>,
    /// The disk had lied when the power went, and the broker has not been whole since.
    pub has_lost: Cell<bool>,
    /// The disk had lied when the power went, some time in this run.
    pub has_ever_lost: Cell<bool>,
}

impl Setting {
    /// Whether produces to `topic` are acknowledged before they are durable; those to compacted ones never are.
    pub fn caches(&self, topic: &str) -> bool {
        if self.history.keeps_newest(topic) {
            return false;
        }
        let by_name = topic.bytes().last().is_some_and(|byte| byte % 2 == 0);
        self.caching.unwrap_or(by_name)
    }

    /// The process is killed.
    pub fn kill(&self) {
        self.machine.kill();
        self.history.process_ended();
    }

    /// The machine loses its power.
    pub fn lose_power(&self) {
        let has_lied = self.machine.disk.has_lied();
        self.machine.lose_power();
        if !has_lied {
            self.history.process_ended();
        } else {
            self.world
                .tell(|| "the disk has lost what it had called synced".to_owned());
            let lost = self.history.disk_lost();
            self.lost.borrow_mut().extend(lost);
            self.has_lost.set(true);
            self.has_ever_lost.set(true);
            if self.machine.disk.faults().lies.get() {
                self.history.disk_lies(false);
            }
        }
    }

    /// Whether clients go on by themselves.
    pub fn goes_on(&self) -> bool {
        self.phase.get() == Phase::Chaos && self.requests_left.get() > 0
    }

    /// Wall time of everybody, milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        wall_ms(&self.world)
    }

    /// Takes one request of those left.
    pub fn spend(&self) {
        self.requests_left
            .set(self.requests_left.get().saturating_sub(1));
    }

    /// Notes what client `number` does now.
    pub fn doing(&self, number: u32, what: impl FnOnce() -> String) {
        if self.world.trace().is_kept() || self.phase.get() == Phase::Healed {
            let what = what();
            self.world.tell(|| format!("client {number}: {what}"));
            let mut busy = self.busy.borrow_mut();
            if let Some(slot) = busy.iter_mut().find(|(client, _)| *client == number) {
                slot.1 = what;
            }
        }
    }

    /// Client `number` begins.
    pub fn begin(&self, number: u32) {
        self.busy.borrow_mut().push((number, "begins".to_owned()));
    }

    /// Client `number` has finished.
    pub fn finish(&self, number: u32) {
        self.busy
            .borrow_mut()
            .retain(|(client, _)| *client != number);
    }
}

/// One client's connection and its stream of chance.
pub struct Wire {
    /// What it shares.
    pub setting: Rc<Setting>,
    /// Its number.
    pub number: u32,
    /// Its chance.
    pub random: Random,
    connection: Option<Connection>,
    correlation: i32,
    /// Ports of all shards, once it was told.
    ports: Vec<u16>,
    /// The run of the broker that it was connected to last.
    run: u32,
    /// A request was not answered in time although nothing breaks.
    healed_at_ns: u64,
}

/// The connection broke, or the answer did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

/// A topic as Metadata tells.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its id.
    pub id: u128,
    /// By partition: port of the leader, and leader epoch.
    pub partitions: Vec<(u16, i32)>,
}

impl Wire {
    /// Client `number`, not connected.
    pub fn new(setting: Rc<Setting>, number: u32, random: Random) -> Self {
        Self {
            setting,
            number,
            random,
            connection: None,
            correlation: 0,
            ports: Vec::new(),
            run: 0,
            healed_at_ns: 0,
        }
    }

    /// Pauses as clients do between requests.
    pub async fn think(&self) {
        let pause = self.random.spread_us(1, self.setting.think_us_max.max(2));
        self.setting.world.sleep(pause).await;
    }

    /// Waits before something is tried again.
    pub async fn back_off(&self) {
        let pause = self.random.spread_us(1_000, 100_000);
        self.setting.world.sleep(pause).await;
    }

    /// Whether it has a connection.
    pub fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Whether whoever it was connected to last is gone: what comes from there still is a late word.
    pub fn is_late(&self) -> bool {
        let machine = &self.setting.machine;
        machine.process().is_none() || machine.incarnation() != self.run
    }

    /// Gives the connection up.
    pub fn hang_up(&mut self) {
        self.connection = None;
    }

    /// Connects to `port`, however long that takes.
    pub async fn connect(&mut self, port: u16) {
        self.connection = None;
        loop {
            self.connection = self.setting.machine.connect(port);
            if self.connection.is_some() {
                self.run = self.setting.machine.incarnation();
                return;
            }
            self.back_off().await;
        }
    }

    /// A port: the right one mostly, or any other.
    pub fn some_port(&self, right: u16) -> u16 {
        if self.random.one_in(5) {
            let bootstrap = self.setting.machine.bootstrap_port();
            let any = self.random.index(self.ports.len() + 1);
            return self.ports.get(any).copied().unwrap_or(bootstrap);
        }
        right
    }

    /// Sends a request; its answer is received in the order of requests.
    pub async fn send(
        &mut self,
        (api_key, api_version): (i16, i16),
        encode: impl FnOnce(&mut Vec<u8>, i16),
    ) -> Result<(), Lost> {
        self.correlation += 1;
        let header = RequestHeader {
            api_key,
            api_version,
            correlation_id: self.correlation,
            client_id: Some("sim".into()),
        };
        let mut frame = vec![0; 4];
        header.encode(&mut frame);
        encode(&mut frame, api_version);
        let length = (frame.len() - 4) as u32;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        let connection = self.connection.take().ok_or(Lost)?;
        self.setting.spend();
        match self.in_time(connection.send(&frame)).await {
            Some(Ok(())) => self.connection = Some(connection),
            Some(Err(_)) => return Err(Lost),
            None => return Err(self.too_late("takes no request")),
        }
        Ok(())
    }

    /// The next answer: its correlation id and what follows the header. The API and version are those of its request.
    pub async fn receive(
        &mut self,
        (api_key, version): (i16, i16),
    ) -> Result<(i32, Vec<u8>), Lost> {
        let connection = self.connection.take().ok_or(Lost)?;
        if self.hangs_up() {
            return Err(Lost);
        }
        let frame = match self.in_time(connection.receive()).await {
            Some(Ok(frame)) => frame,
            Some(Err(_)) => return Err(Lost),
            None => return Err(self.too_late("does not answer")),
        };
        if self.setting.has_ever_lost.get() && self.is_late() {
            // What it says may be lost already.
            return Err(Lost);
        }
        self.connection = Some(connection);
        let mut reader = Reader::new(&frame);
        let Ok(correlation) = skip_response_header(&mut reader, api_key, version) else {
            self.fail("malformed-answer", format!("header of API {api_key}"));
            return Err(Lost);
        };
        let at = reader.position();
        Ok((correlation, frame[at..].to_vec()))
    }

    /// Whether it hangs up now, with its requests under way. The admin stays: it has to learn what became of them.
    fn hangs_up(&self) -> bool {
        let setting = &self.setting;
        let may = self.number > 0 && setting.phase.get() == Phase::Chaos;
        may && self.random.one_in(setting.hang_up_one_in)
    }

    /// Sends a request and receives its answer; nothing else is under way.
    pub async fn ask(
        &mut self,
        api: (i16, i16),
        encode: impl FnOnce(&mut Vec<u8>, i16),
    ) -> Result<Vec<u8>, Lost> {
        self.send(api, encode).await?;
        let (correlation, body) = self.receive(api).await?;
        if correlation != self.correlation {
            self.fail(
                "wrong-answer",
                format!("{correlation} for {}", self.correlation),
            );
            return Err(Lost);
        }
        Ok(body)
    }

    /// The correlation id of the request sent last.
    pub fn correlation(&self) -> i32 {
        self.correlation
    }

    /// Notes a violation this client has seen.
    pub fn fail(&self, kind: &str, what: String) {
        let number = self.number;
        self.setting
            .history
            .fail(kind, format!("client {number}: {what}"));
    }

    async fn in_time<T>(&mut self, answer: impl Future<Output = T>) -> Option<T> {
        let healed = self.setting.phase.get() == Phase::Healed;
        self.healed_at_ns = if healed {
            self.setting.world.now_ns()
        } else {
            0
        };
        let late = async {
            self.setting.world.sleep(PATIENCE).await;
            None
        };
        or(async { Some(answer.await) }, late).await
    }

    fn too_late(&self, what: &str) -> Lost {
        self.setting
            .doing(self.number, || format!("the broker {what}"));
        if self.healed_at_ns > 0 {
            self.fail(
                "no-answer",
                format!("the broker {what} within {PATIENCE:?}, and nothing breaks"),
            );
        }
        Lost
    }

    /// Asks Metadata about `names`, and holds what it says against what is known.
    pub async fn metadata(&mut self, names: &[String]) -> Result<Vec<Option<Told>>, Lost> {
        const API: (i16, i16) = (3, 12);
        let before: Vec<Before> = names.iter().map(|name| self.before(name)).collect();
        let topics = names.iter().map(|name| MetadataRequestTopic {
            name: Some(name.as_str().into()),
            ..MetadataRequestTopic::default()
        });
        let request = MetadataRequest {
            topics: Some(topics.collect()),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.ask(API, encode).await?;
        let Ok(answer) = MetadataResponse::decode(&mut Reader::new(&body), API.1) else {
            self.fail("malformed-answer", "Metadata".to_owned());
            return Err(Lost);
        };
        let cluster_id = answer.cluster_id.as_deref().unwrap_or_default();
        self.setting.history.told_cluster_id(cluster_id);
        let brokers = answer.brokers.iter();
        let brokers: Vec<(i32, u16)> = brokers.map(|one| (one.node_id, one.port as u16)).collect();
        self.ports = brokers.iter().map(|(_, port)| *port).collect();
        let topics = answer.topics.iter().zip(names.iter().zip(&before));
        Ok(topics
            .map(|(topic, (name, before))| self.told(name, before, topic, &brokers))
            .collect())
    }

    /// What is known of `name` before it is asked about.
    fn before(&self, name: &str) -> Before {
        let history = &self.setting.history;
        let topic = history.topic(name);
        let epoch = |id: u128, partition: i32| {
            history.leader_epoch(PartitionKey {
                topic_id: id,
                partition,
            })
        };
        let epochs = match topic.0 {
            Known::Present(id) => (0..PARTITIONS_MAX)
                .map(|partition| epoch(id, partition))
                .collect(),
            _ => Vec::new(),
        };
        Before { topic, epochs }
    }

    fn told(
        &self,
        name: &str,
        before: &Before,
        topic: &MetadataResponseTopic<'_>,
        brokers: &[(i32, u16)],
    ) -> Option<Told> {
        let history = &self.setting.history;
        let id = (topic.error_code == 0).then_some(topic.topic_id.0);
        history.told_topic(name, before.topic, id);
        let id = id?;
        if before.topic.0 == Known::Present(id) {
            for (one, known) in topic.partitions.iter().zip(&before.epochs) {
                let key = PartitionKey {
                    topic_id: id,
                    partition: one.partition_index,
                };
                // -1: it is not led yet, or its shard does not answer any more.
                if one.leader_epoch >= 0 {
                    history.told_leader_epoch(key, *known, one.leader_epoch);
                }
            }
        }
        let port_of = |node: i32| {
            let broker = brokers.iter().find(|(id, _)| *id == node);
            broker.map_or(0, |(_, port)| *port)
        };
        let partitions = topic.partitions.iter();
        let partitions = partitions.map(|one| (port_of(one.leader_id), one.leader_epoch));
        Some(Told {
            id,
            partitions: partitions.collect(),
        })
    }
}

/// What is known of a topic when a client asks about it.
struct Before {
    topic: (Known, u64),
    /// Highest leader epoch of each partition.
    epochs: Vec<i32>,
}
