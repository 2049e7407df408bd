//! Sends scenarios to a broker, writes down what it answers, compares that with a recording.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::header::skip_response_header;
use protocol::messages::create_topics::{
    CreateTopicsRequest, CreateTopicsRequestTopic, CreateTopicsRequestTopicConfig,
    CreateTopicsResponse,
};
use protocol::messages::fetch::{self, FetchResponse};
use protocol::messages::join_group::{self, JoinGroupResponse};
use protocol::messages::list_offsets::{
    ListOffsetsRequest, ListOffsetsRequestTopic, ListOffsetsRequestTopicPartition,
    ListOffsetsResponse,
};
use protocol::messages::metadata::{MetadataRequest, MetadataResponse};
use protocol::primitives::{Reader, Uuid};

use crate::answer::{self, Times, View};
use crate::broker::{Broker, Connection, Silence};
use crate::deliberate;
use crate::recording::{self, Recording, Told};
use crate::scenario::{Act, Run, Scenario, Step, Topic, id_named, id_of, member_of, session_of};

/// Makes the scenarios of an API for one run.
pub type Scenarios = fn(&Run) -> Vec<Scenario>;

/// An API under comparison.
pub struct Api {
    /// Name of its recording.
    pub name: &'static str,
    /// What is asked.
    pub scenarios: Scenarios,
}

/// How far in the past records are stamped.
const RECORDS_AGE_MS: i64 = 1_800_000;
const LEADER_MAX: Duration = Duration::from_secs(20);
/// How long another broker is left where a step says so.
const LATER: Duration = Duration::from_millis(400);
/// How long an answer may take to settle.
const SETTLED_MAX: Duration = Duration::from_secs(10);

/// Asks a broker of so many shards everything, and compares; or records.
pub fn check(api: &Api, shards: u32) {
    let record = std::env::var_os("PELTON_WIRE_RECORD").is_some();
    let elsewhere = std::env::var_os("PELTON_WIRE_TARGET").is_some();
    if elsewhere && shards > 1 {
        return;
    }
    let only = std::env::var("PELTON_WIRE_ONLY").unwrap_or_default();
    let broker = Broker::start(shards);
    let now = now_ms();
    let run = Run {
        // Of the same length at any time, as what is recorded may tell lengths.
        prefix: format!("w{:07x}-", now & 0x0fff_ffff),
        node: node(&broker),
        time: now - RECORDS_AGE_MS,
    };
    let times = Times {
        records: run.time,
        now,
    };
    let mut told = Recording::default();
    let mut left_out = Vec::new();
    for scenario in (api.scenarios)(&run) {
        if !scenario.name.contains(&only) {
            continue;
        }
        if scenario.of_one_shard && shards > 1 {
            left_out.push(scenario.name);
            continue;
        }
        let answers = play(&broker, &run, times, &scenario);
        let twice = told.scenarios.insert(scenario.name.clone(), answers);
        assert!(
            twice.is_none(),
            "two scenarios are called {}",
            scenario.name
        );
    }
    if record {
        assert!(only.is_empty(), "a recording is whole");
        recording::write(api.name, &told);
        return;
    }
    let mut kafka = recording::read(api.name);
    kafka.scenarios.retain(|name, _| name.contains(&only));
    if !elsewhere {
        deliberate::apply(api.name, &mut kafka, only.is_empty());
    }
    for name in left_out {
        kafka.scenarios.remove(&name);
    }
    let differences = compare(&kafka, &told);
    assert!(
        differences.is_empty(),
        "{}: {} answers of {} differ from the recording (-: Kafka, +: this broker)\n{}",
        api.name,
        differences.len(),
        told.scenarios.values().map(Vec::len).sum::<usize>(),
        differences.join("\n")
    );
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_millis() as i64
}

fn compare(kafka: &Recording, told: &Recording) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, answers) in &told.scenarios {
        let Some(known) = kafka.scenarios.get(name) else {
            differences.push(format!("{name}: not in the recording"));
            continue;
        };
        for (index, told) in answers.iter().enumerate() {
            match known.get(index) {
                Some(known) if known.label != told.label => {
                    differences.push(format!(
                        "{name}: {} was recorded as {}",
                        told.label, known.label
                    ));
                }
                Some(known) if known.answer == told.answer => {}
                Some(known) => differences.push(difference(name, known, told)),
                None => differences.push(format!("{name}: {} is not in the recording", told.label)),
            }
        }
    }
    for name in kafka.scenarios.keys() {
        if !told.scenarios.contains_key(name) {
            differences.push(format!("{name}: recorded, but not asked"));
        }
    }
    differences
}

fn difference(name: &str, known: &Told, told: &Told) -> String {
    let mut text = format!("== {name}\n-> {}\n", told.label);
    let (ours, theirs): (Vec<_>, Vec<_>) = (
        told.answer.lines().collect(),
        known.answer.lines().collect(),
    );
    for line in theirs.iter().filter(|line| !ours.contains(line)) {
        let _ = writeln!(text, "  - {line}");
    }
    for line in ours.iter().filter(|line| !theirs.contains(line)) {
        let _ = writeln!(text, "  + {line}");
    }
    text
}

fn play(broker: &Broker, run: &Run, times: Times, scenario: &Scenario) -> Vec<Told> {
    let ids = create(broker, run, &scenario.topics);
    let names: Vec<String> = (scenario.topics.iter())
        .map(|topic| run.topic(&topic.name))
        .collect();
    let mut connections = BTreeMap::new();
    let mut members = BTreeMap::new();
    let mut sessions = BTreeMap::new();
    let mut told = Vec::new();
    for step in &scenario.steps {
        let connection = connections
            .entry(step.connection)
            .or_insert_with(|| Connection::open(broker.address));
        let frame = with_members(with_ids(&step.frame, &ids, &names), &members);
        let frame = with_sessions(frame, &sessions);
        if step.later && std::env::var_os("PELTON_WIRE_TARGET").is_some() {
            std::thread::sleep(LATER);
        }
        if step.act != Act::Receive {
            connection.send(&frame);
        }
        if step.act == Act::Send {
            continue;
        }
        let started = Instant::now();
        let view = View {
            times,
            prefix: &run.prefix,
            node: run.node,
            topics_like: step.topics_like.as_deref(),
            in_any_order: step.in_any_order,
            members: &members,
            ids: &ids,
            names: &names,
        };
        let answer = match settled(broker, connection, (step, &frame), &view) {
            Ok((answer, frame)) => {
                if let Some(slot) = step.remembers {
                    members.insert(slot, member_id(step.version, &frame));
                }
                if let Some(slot) = step.opens {
                    sessions.insert(slot, session_id(step.version, &frame));
                }
                answer
            }
            Err(silence) => {
                connections.remove(&step.connection);
                match silence {
                    Silence::Closed => "closed".to_owned(),
                    Silence::Mute => "no answer".to_owned(),
                }
            }
        };
        let answer = match step.at_least {
            Some(least) if started.elapsed() >= least => {
                format!("{answer}\nafter {least:?} or more")
            }
            Some(least) => format!("{answer}\nbefore {least:?}"),
            None => answer,
        };
        if step.prepares {
            let good = answer.contains("error_code=0") || !answer.contains("error_code");
            assert!(good, "{}: {}: {answer}", scenario.name, step.label);
            next_millisecond();
            continue;
        }
        told.push(Told {
            label: step.label.clone(),
            answer,
        });
    }
    told
}

/// Waits until the clock shows another millisecond: what the next step makes the broker stamp is later than what the last
/// one did, as it was with the recorded answers.
fn next_millisecond() {
    let milliseconds = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.expect("after 1970").as_millis()
    };
    let before = milliseconds();
    while milliseconds() == before {
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// The answer to a step that was sent, as text and as it came; asked for again while it is not settled.
fn settled(
    broker: &Broker,
    connection: &mut Connection,
    (step, frame): (&Step, &[u8]),
    view: &View<'_>,
) -> Result<(String, Vec<u8>), Silence> {
    let started = Instant::now();
    loop {
        let answer = connection.receive(broker.answer_max)?;
        let text = answer::text(step.api_key, step.version, &answer, view);
        let unsettled = step.unsettled.iter().any(|one| text.contains(one));
        if !unsettled || started.elapsed() > SETTLED_MAX {
            return Ok((text, answer));
        }
        std::thread::sleep(Duration::from_millis(20));
        connection.send(frame);
    }
}

/// The node id of a broker that is alone.
fn node(broker: &Broker) -> i32 {
    let mut body = Vec::new();
    MetadataRequest::default().encode(&mut body, 1);
    let mut connection = Connection::open(broker.address);
    let frame = ask(&mut connection, &Step::ask("node", 3, 1, &body));
    let metadata = MetadataResponse::decode(&mut Reader::new(&frame[4..]), 1).unwrap();
    metadata.brokers[0].node_id
}

/// `frame` with the topics' ids where [`id_of`] or [`id_named`] stands for them.
fn with_ids(frame: &[u8], ids: &[Uuid], names: &[String]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    for (topic, (id, name)) in ids.iter().zip(names).enumerate() {
        for stands in [id_of(topic), id_named(name)] {
            replace(&mut frame, &stands.to_be_bytes(), &id.0.to_be_bytes());
        }
    }
    frame
}

/// `frame` with the fetch sessions where [`session_of`] stands for them.
fn with_sessions(mut frame: Vec<u8>, sessions: &BTreeMap<usize, i32>) -> Vec<u8> {
    for (slot, session) in sessions {
        let stands = session_of(*slot).to_be_bytes();
        replace(&mut frame, &stands, &session.to_be_bytes());
    }
    frame
}

/// Puts `value` wherever `stands` stands, which is as long.
fn replace(frame: &mut [u8], stands: &[u8], value: &[u8]) {
    let bytes = stands.len();
    let mut from = 0;
    while let Some(at) = frame[from..].windows(bytes).position(|some| some == stands) {
        frame[from + at..from + at + bytes].copy_from_slice(value);
        from += at + bytes;
    }
}

/// `frame` with the member ids where [`member_of`] stands for them.
fn with_members(mut frame: Vec<u8>, members: &BTreeMap<usize, String>) -> Vec<u8> {
    for (slot, member) in members {
        let stands = member_of(*slot);
        assert_eq!(
            stands.len(),
            member.len(),
            "a stand-in is as long as {member}"
        );
        replace(&mut frame, stands.as_bytes(), member.as_bytes());
    }
    frame
}

/// The member id in an answer to a join.
fn member_id(version: i16, frame: &[u8]) -> String {
    let mut reader = Reader::new(frame);
    skip_response_header(&mut reader, join_group::KEY, version).unwrap();
    let joined = JoinGroupResponse::decode(&mut reader, version).unwrap();
    joined.member_id.into_owned()
}

/// The session in an answer to a fetch.
fn session_id(version: i16, frame: &[u8]) -> i32 {
    let mut reader = Reader::new(frame);
    skip_response_header(&mut reader, fetch::KEY, version).unwrap();
    let fetched = FetchResponse::decode(&mut reader, version).unwrap();
    fetched.session_id
}

/// Makes the topics, waits until every partition is led, and gives their ids.
fn create(broker: &Broker, run: &Run, topics: &[Topic]) -> Vec<Uuid> {
    if topics.is_empty() {
        return Vec::new();
    }
    let mut connection = Connection::open(broker.address);
    let request = CreateTopicsRequest {
        topics: topics
            .iter()
            .map(|topic| CreateTopicsRequestTopic {
                name: run.topic(&topic.name).into(),
                num_partitions: topic.partitions,
                replication_factor: 1,
                configs: topic
                    .configs
                    .iter()
                    .map(|(name, value)| CreateTopicsRequestTopicConfig {
                        name: (*name).into(),
                        value: Some(value.as_str().into()),
                    })
                    .collect(),
                ..CreateTopicsRequestTopic::default()
            })
            .collect(),
        timeout_ms: 30_000,
        ..CreateTopicsRequest::default()
    };
    let mut body = Vec::new();
    request.encode(&mut body, 7);
    let frame = ask(&mut connection, &Step::ask("create", 19, 7, &body));
    let mut reader = Reader::new(&frame);
    skip_response_header(&mut reader, 19, 7).unwrap();
    let created = CreateTopicsResponse::decode(&mut reader, 7).unwrap();
    for topic in &created.topics {
        assert_eq!(topic.error_code, 0, "cannot create {topic:?}");
    }
    let started = Instant::now();
    while !is_led(&mut connection, run, topics) {
        assert!(started.elapsed() < LEADER_MAX, "no leader for {topics:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    let id = |topic: &Topic| {
        let name = run.topic(&topic.name);
        let created = created.topics.iter().find(|made| made.name == name);
        created.expect("every topic is answered").topic_id
    };
    topics.iter().map(id).collect()
}

/// Whether every partition answers.
fn is_led(connection: &mut Connection, run: &Run, topics: &[Topic]) -> bool {
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: topics
            .iter()
            .map(|topic| ListOffsetsRequestTopic {
                name: run.topic(&topic.name).into(),
                partitions: (0..topic.partitions)
                    .map(|partition_index| ListOffsetsRequestTopicPartition {
                        partition_index,
                        current_leader_epoch: -1,
                        timestamp: -1,
                    })
                    .collect(),
            })
            .collect(),
        ..ListOffsetsRequest::default()
    };
    let mut body = Vec::new();
    request.encode(&mut body, 1);
    let frame = ask(connection, &Step::ask("led", 2, 1, &body));
    let response = ListOffsetsResponse::decode(&mut Reader::new(&frame[4..]), 1).unwrap();
    let mut partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
    partitions.all(|partition| partition.error_code == 0)
}

fn ask(connection: &mut Connection, step: &Step) -> Vec<u8> {
    connection.send(&step.frame);
    let answer = connection.receive(LEADER_MAX);
    answer.unwrap_or_else(|silence| panic!("{}: {silence:?}", step.label))
}
