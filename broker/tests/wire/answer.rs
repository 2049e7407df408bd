//! An answer as text: decoded, normalised, one line a topic or partition.
//!
//! Masked are what differs between two brokers or two runs: ids, hosts and ports, times of the broker's clock, what settings
//! are documented with. Times of records are written relative to the run's.

use std::collections::BTreeMap;

use protocol::header::skip_response_header;
use protocol::messages;
use protocol::primitives::{DecodeError, Reader, Uuid};

use crate::batch;
use value::Value;

pub mod value;

/// APIs whose answers Kafka gives in the order of its hash maps: written sorted. Fetch answers in the request's order.
const UNORDERED: &[i16] = &[0, 2, 3, 11, 15, 16, 19, 20, 21, 23, 34, 37, 42];
/// APIs whose newest versions tell topics by id only.
const BY_ID: &[i16] = &[0, 1];
/// Every broker has its own features; those of Apache Kafka promise what is Apache Kafka's alone.
const FEATURES: &[&str] = &[
    "supported_features",
    "finalized_features",
    "finalized_features_epoch",
];
/// Fields, by API, that stand in answers from a version on: before it they are not written.
const ADDED: &[(i16, &str, i16)] = &[
    (0, "topic_id", 13),
    (0, "node_endpoints", 10),
    (1, "topic_id", 13),
    (1, "node_endpoints", 16),
];
/// Metadata, and the version from which its whole answer has an error code.
const METADATA_ERROR: (i16, i16) = (3, 13);
/// Fields that say in words what is wrong.
const MESSAGES: &[&str] = &["error_message", "batch_index_error_message"];
/// What stands before the times between which a timestamp must be.
const TIMES_FROM: &str = "should be within [";
/// Fields that name an item of a list.
const KEYS: &[&str] = &[
    "name",
    "partition_index",
    "partition",
    "index",
    "node_id",
    "group_id",
    "member_id",
    "topic",
    "topic_name",
    "partition_id",
    "resource_name",
];

/// Around what times are written.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// The run's time of records, ms.
    pub records: i64,
    /// When the run began, ms.
    pub now: i64,
}

impl Times {
    /// A time, or any other number, as text.
    pub fn text(self, number: i64) -> String {
        const NEAR_MS: i64 = 100_000;
        const RUN_MS_MAX: i64 = 1_700_000;
        const DAY_MS: i64 = 86_400_000;
        let from_records = number.wrapping_sub(self.records);
        let from_now = number.wrapping_sub(self.now);
        if (-NEAR_MS..RUN_MS_MAX).contains(&from_now) {
            "now".to_owned()
        } else if (-DAY_MS..DAY_MS).contains(&from_records) {
            format!("T{from_records:+}")
        } else {
            number.to_string()
        }
    }
}

/// What of an answer is written, and how.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Around what times are written.
    pub times: Times,
    /// What is left out of every name.
    pub prefix: &'a str,
    /// The broker's node id.
    pub node: i32,
    /// Only topics and groups of such names are written.
    pub topics_like: Option<&'a str>,
    /// Whether the answer is in no order, beside those of the APIs that never are.
    pub in_any_order: bool,
    /// Member ids that are known, by slot: they are written as `member 0`.
    pub members: &'a BTreeMap<usize, String>,
    /// The scenario's topics by id: answers that tell topics by id only are written with ...
    pub ids: &'a [Uuid],
    /// ... their names.
    pub names: &'a [String],
}

/// The answer in `frame`, which has no length before it.
pub fn text(api_key: i16, version: i16, frame: &[u8], view: &View<'_>) -> String {
    match decode(api_key, version, frame) {
        Ok(debug) => {
            let mut debug = debug.replace(view.prefix, "");
            for (slot, member) in view.members {
                debug = debug.replace(member, &format!("member {slot}"));
            }
            if BY_ID.contains(&api_key) {
                for (id, name) in view.ids.iter().zip(view.names) {
                    let name = name.trim_start_matches(view.prefix);
                    debug = debug.replace(&id.to_string(), &format!("\"{name}\""));
                }
            }
            let mut value = Value::parse(&debug);
            let added = ADDED.iter().filter(|(api, _, _)| *api == api_key);
            for (_, name, _) in added.filter(|(_, _, from)| version < *from) {
                value.leave_out(name);
            }
            if let (Value::Struct(fields), true) = (
                &mut value,
                api_key == METADATA_ERROR.0 && version < METADATA_ERROR.1,
            ) {
                fields.retain(|(name, _)| name != "error_code");
            }
            normalise("", &mut value, view);
            if UNORDERED.contains(&api_key) || view.in_any_order {
                value.sort(KEYS);
            }
            value.to_string()
        }
        Err(error) => format!("undecodable: {error}: {frame:02x?}"),
    }
}

fn decode(api_key: i16, version: i16, frame: &[u8]) -> Result<String, String> {
    let mut reader = Reader::new(frame);
    // A version that is not known is answered in the shape of version 0 (KIP-511).
    let known = messages::api_versions::VERSION_MIN..=messages::api_versions::VERSION_MAX;
    let version = if api_key == 18 && !known.contains(&version) {
        0
    } else {
        version
    };
    let text = body(api_key, version, &mut reader).map_err(|error| error.to_string())?;
    match reader.remaining() {
        0 => Ok(text),
        left => Err(format!("{left} bytes left over after {text}")),
    }
}

fn body(api_key: i16, version: i16, reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    skip_response_header(reader, api_key, version)?;
    macro_rules! shown {
        ($($module:ident $response:ident,)*) => {
            match api_key {
                $(messages::$module::KEY => format!("{:?}", messages::$module::$response::decode(reader, version)?),)*
                other => panic!("no answer of API {other} can be read"),
            }
        };
    }
    Ok(shown! {
        alter_configs AlterConfigsResponse,
        alter_partition_reassignments AlterPartitionReassignmentsResponse,
        alter_replica_log_dirs AlterReplicaLogDirsResponse,
        api_versions ApiVersionsResponse,
        create_partitions CreatePartitionsResponse,
        create_topics CreateTopicsResponse,
        delete_groups DeleteGroupsResponse,
        delete_records DeleteRecordsResponse,
        delete_topics DeleteTopicsResponse,
        describe_acls DescribeAclsResponse,
        describe_cluster DescribeClusterResponse,
        describe_configs DescribeConfigsResponse,
        describe_groups DescribeGroupsResponse,
        describe_log_dirs DescribeLogDirsResponse,
        describe_quorum DescribeQuorumResponse,
        describe_topic_partitions DescribeTopicPartitionsResponse,
        elect_leaders ElectLeadersResponse,
        fetch FetchResponse,
        find_coordinator FindCoordinatorResponse,
        heartbeat HeartbeatResponse,
        incremental_alter_configs IncrementalAlterConfigsResponse,
        init_producer_id InitProducerIdResponse,
        join_group JoinGroupResponse,
        leave_group LeaveGroupResponse,
        list_config_resources ListConfigResourcesResponse,
        list_groups ListGroupsResponse,
        list_offsets ListOffsetsResponse,
        list_partition_reassignments ListPartitionReassignmentsResponse,
        metadata MetadataResponse,
        offset_commit OffsetCommitResponse,
        offset_delete OffsetDeleteResponse,
        offset_fetch OffsetFetchResponse,
        offset_for_leader_epoch OffsetForLeaderEpochResponse,
        produce ProduceResponse,
        sync_group SyncGroupResponse,
    })
}

/// Masks what may differ; `name` is the field that holds `value`.
fn normalise(name: &str, value: &mut Value, view: &View<'_>) {
    if name == "records" {
        if let Some(bytes) = value.bytes() {
            *value = Value::List(batch::texts(&bytes, view.times));
        }
        return;
    }
    match value {
        Value::Struct(fields) => {
            fields.retain(|(name, field)| !is_absent(name, field));
            for (name, field) in fields {
                normalise(name, field, view);
            }
        }
        // Every broker serves its own APIs.
        Value::List(items) if name == "api_keys" && items.len() > 1 => {
            *value = Value::Atom("several".to_owned());
        }
        Value::List(items) => {
            if let (Some(like), "topics" | "groups" | "replica_election_results") =
                (view.topics_like, name)
            {
                items.retain(|topic| is_like(topic, like));
            }
            items
                .iter_mut()
                .for_each(|item| normalise(name, item, view));
        }
        Value::Atom(text) if name == "resource_name" && *text == format!("\"{}\"", view.node) => {
            *text = "node".to_owned();
        }
        Value::Atom(text) if MESSAGES.contains(&name) && text != "null" => {
            *text = message(text, view);
        }
        Value::Atom(text) => *text = masked(name, text, view.times),
    }
}

/// What is wrong, in words: the broker's node id is written as Kafka's, 1; ids of topics and times of its clock are masked.
fn message(text: &str, view: &View<'_>) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut told = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let signed = first == '-' && !told.ends_with(is_word) && !told.ends_with('-');
        let from = usize::from(signed);
        let end = rest[from..]
            .find(|c| !is_word(c))
            .map_or(rest.len(), |at| from + at);
        let end = if end == 0 { first.len_utf8() } else { end };
        let (word, left) = rest.split_at(end);
        rest = left;
        match word.parse::<i64>() {
            Ok(number) if number == i64::from(view.node) => told.push('1'),
            Ok(number) => told.push_str(&view.times.text(number)),
            Err(_) => told.push_str(word),
        }
    }
    for id in view.ids {
        told = told.replace(&id.to_string(), "id");
    }
    match told.split_once(TIMES_FROM) {
        Some((told, rest)) => {
            let after = rest.split_once(']').map_or("", |(_, after)| after);
            format!("{told}{TIMES_FROM}some]{after}")
        }
        None => told,
    }
}

/// Whether a topic's name begins with `like`.
fn is_like(topic: &Value, like: &str) -> bool {
    let Value::Struct(fields) = topic else {
        return true;
    };
    let begins = |text: &String| text.trim_start_matches('"').starts_with(like);
    fields
        .iter()
        .any(|(name, value)| matches!(value, Value::Atom(text) if ["name", "group_id", "topic"].contains(&name.as_str()) && begins(text)))
}

/// Structures that tagged fields bring, when the tag is not there; what is nearly always 0; features.
fn is_absent(name: &str, value: &Value) -> bool {
    if FEATURES.contains(&name) {
        return true;
    }
    let Value::Struct(fields) = value else {
        return name == "throttle_time_ms" && *value == Value::Atom("0".to_owned());
    };
    let unset = |field: &Value| matches!(field, Value::Atom(text) if text == "-1");
    !fields.is_empty() && fields.iter().all(|(_, field)| unset(field))
}

/// Whether this is a member id, in quotes: a name and a random UUID.
fn is_member_id(text: &str) -> bool {
    const UUID_CHARS: usize = 36;
    let text = text.trim_matches('"');
    let Some(uuid) = text
        .len()
        .checked_sub(UUID_CHARS)
        .and_then(|at| text.get(at..))
    else {
        return false;
    };
    uuid.char_indices().all(|(at, c)| match at {
        8 | 13 | 18 | 23 => c == '-',
        _ => c.is_ascii_hexdigit(),
    })
}

fn masked(name: &str, text: &str, times: Times) -> String {
    let is_set = |unset: &str| text != unset;
    let mask = match name {
        "documentation" | "cluster_id" | "host" | "log_dir" => is_set("null") && text != "\"\"",
        "topic_id" => is_set("AAAAAAAAAAAAAAAAAAAAAA") && !text.starts_with('"'),
        "member_id" | "leader" => is_member_id(text),
        "producer_id" | "port" | "node_id" | "leader_id" | "controller_id" | "broker_id"
        | "total_bytes" | "usable_bytes" => is_set("-1"),
        "replica_nodes" | "isr_nodes" | "offline_replicas" => true,
        "session_id" => is_set("0"),
        // Round trips and the load of the machine.
        "throttle_time_ms" => is_set("0"),
        _ => false,
    };
    match text.parse::<i64>() {
        _ if mask => "some".to_owned(),
        Ok(number) => times.text(number),
        Err(_) => text.to_owned(),
    }
}
