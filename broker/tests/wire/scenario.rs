//! Scenarios: named sequences of requests over topics of their own.

use std::time::Duration;

use protocol::header::RequestHeader;

/// What the client calls itself.
const CLIENT_ID: &str = "wire";

/// Stands in a frame for the id of the scenario's topic of this index.
pub const fn id_of(topic: usize) -> u128 {
    0xfeed_feed_feed_feed_feed_feed_feed_0000 + topic as u128
}

/// Stands in a frame for the id of the topic of this name, the run's prefix included; if the scenario has none, it is the id
/// of no topic.
pub fn id_named(name: &str) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = (1 << 88) + 0x13b;
    let hash = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(PRIME);
    name.bytes().fold(OFFSET, hash)
}

/// Stands in a frame for the fetch session that an answer opened, see [`Step::opens`].
pub const fn session_of(slot: usize) -> i32 {
    0x5e55_1000 + slot as i32
}

/// Stands in a frame for the member id that this step's answer told, see [`Step::remembers`]: as long as the ids that a
/// client called [`CLIENT_ID`], or a static member whose name has four letters, is given.
pub fn member_of(slot: usize) -> String {
    format!("{MEMBER_STANDS}{slot:02}")
}

/// What [`member_of`] begins with.
const MEMBER_STANDS: &str = "wire-stands-for-the-member-id-of-slot-x";

/// What all scenarios of a run share.
#[derive(Debug, Clone)]
pub struct Run {
    /// Stands before every topic name, so that runs against one broker do not meet.
    pub prefix: String,
    /// The broker's node id.
    pub node: i32,
    /// A time in the near past, ms: records are stamped with it and a little more.
    pub time: i64,
}

impl Run {
    /// The name of a topic in this run.
    pub fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// A topic that is there, and led, before a scenario begins.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How many partitions.
    pub partitions: i32,
    /// Settings that differ from the defaults.
    pub configs: Vec<(&'static str, String)>,
}

/// Requests, in order, over connections of their own.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Unique in its API.
    pub name: String,
    /// Made before the first step.
    pub topics: Vec<Topic>,
    /// The requests.
    pub steps: Vec<Step>,
    /// Whether it is about what connections share that come to one shard.
    pub of_one_shard: bool,
}

impl Scenario {
    /// A scenario without topics and steps.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            topics: Vec::new(),
            steps: Vec::new(),
            of_one_shard: false,
        }
    }

    /// Only asked of a broker of one shard.
    pub fn of_one_shard(mut self) -> Self {
        self.of_one_shard = true;
        self
    }

    /// Wants this topic.
    pub fn topic(mut self, name: &str, partitions: i32, configs: &[(&'static str, &str)]) -> Self {
        let configs = configs
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        self.topics.push(Topic {
            name: name.to_owned(),
            partitions,
            configs: configs.collect(),
        });
        self
    }

    /// Then this.
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Then these.
    pub fn steps(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.steps.extend(steps);
        self
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Sends and reads the answer.
    Ask,
    /// Sends; the answer is read by a later step, or there is none.
    Send,
    /// Reads the answer to what an earlier step of this connection sent.
    Receive,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Step {
    /// Unique in its scenario.
    pub label: String,
    /// Which API, to decode the answer.
    pub api_key: i16,
    /// Which version.
    pub version: i16,
    /// The whole request, its length before it.
    pub frame: Vec<u8>,
    /// What to do.
    pub act: Act,
    /// Over which of the scenario's connections.
    pub connection: usize,
    /// Whether the answer is not written down: it only makes ready, and must be no error.
    pub prepares: bool,
    /// Whether it is written down that the answer took at least so long.
    pub at_least: Option<Duration>,
    /// Texts that say that the answer is not settled yet: while it holds one, it is asked for again.
    pub unsettled: &'static [&'static str],
    /// Of what the answer says about topics or groups, only those whose names (without the run's prefix) begin with this.
    pub topics_like: Option<String>,
    /// Whether the answer comes in no order, and is written sorted.
    pub in_any_order: bool,
    /// Whether another broker is left some time before it is asked, as what was changed before reaches it later.
    pub later: bool,
    /// Where the member id of the answer is kept: later frames have it where [`member_of`] stands.
    pub remembers: Option<usize>,
    /// Where the fetch session of the answer is kept: later frames have it where [`session_of`] stands.
    pub opens: Option<usize>,
}

impl Step {
    /// A request of this API and version with this body.
    pub fn ask(label: impl Into<String>, api_key: i16, version: i16, body: &[u8]) -> Self {
        Self::ask_as(label, Some(CLIENT_ID), api_key, version, body)
    }

    /// As [`Step::ask`], of a client of this id.
    pub fn ask_as(
        label: impl Into<String>,
        client_id: Option<&str>,
        api_key: i16,
        version: i16,
        body: &[u8],
    ) -> Self {
        let mut frame = Vec::new();
        let header = RequestHeader {
            api_key,
            api_version: version,
            correlation_id: 77,
            client_id: client_id.map(Into::into),
        };
        header.encode(&mut frame);
        frame.extend_from_slice(body);
        Self::raw(label, api_key, version, frame)
    }

    /// A frame of any bytes; its length is put before it.
    pub fn raw(label: impl Into<String>, api_key: i16, version: i16, frame: Vec<u8>) -> Self {
        let mut framed = (frame.len() as u32).to_be_bytes().to_vec();
        framed.extend_from_slice(&frame);
        Self {
            label: label.into(),
            api_key,
            version,
            frame: framed,
            act: Act::Ask,
            connection: 0,
            prepares: false,
            at_least: None,
            unsettled: &[],
            topics_like: None,
            in_any_order: false,
            later: false,
            remembers: None,
            opens: None,
        }
    }

    /// Reads the answer to what was sent before.
    pub fn receive(label: impl Into<String>, api_key: i16, version: i16) -> Self {
        Self {
            act: Act::Receive,
            ..Self::raw(label, api_key, version, Vec::new())
        }
    }

    /// Only sends.
    pub fn send_only(mut self) -> Self {
        self.act = Act::Send;
        self
    }

    /// Only makes ready: the answer, in which an error fails the test, is not written down.
    pub fn prepares(mut self) -> Self {
        self.prepares = true;
        self
    }

    /// Asks again while the answer holds one of these texts.
    pub fn settles(mut self, unsettled: &'static [&'static str]) -> Self {
        self.unsettled = unsettled;
        self
    }

    /// Asks another broker only after some time: Kafka's brokers hear later of what was changed. We answer when it is in force.
    pub fn later(mut self) -> Self {
        self.later = true;
        self
    }

    /// Keeps the member id that the answer tells.
    pub fn remembers(mut self, slot: usize) -> Self {
        self.remembers = Some(slot);
        self
    }

    /// Keeps the fetch session that the answer opens.
    pub fn opens(mut self, slot: usize) -> Self {
        self.opens = Some(slot);
        self
    }

    /// The answer comes in no order: it is written sorted.
    pub fn in_any_order(mut self) -> Self {
        self.in_any_order = true;
        self
    }

    /// Writes down only the topics or groups whose names begin with this.
    pub fn topics_like(mut self, name: &str) -> Self {
        self.topics_like = Some(name.to_owned());
        self
    }

    /// Over another connection than the first.
    pub fn over(mut self, connection: usize) -> Self {
        self.connection = connection;
        self
    }

    /// Writes down whether the answer took at least so long.
    pub fn at_least(mut self, milliseconds: u64) -> Self {
        self.at_least = Some(Duration::from_millis(milliseconds));
        self
    }
}
