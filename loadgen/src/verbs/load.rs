//! Options made into loads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use protocol::compression::Compression;
use protocol::produce::client::ProduceHead;
use protocol::record_batch::HEADER_BYTES;

use crate::args::{FetchOptions, ProduceOptions};
use crate::client::cluster::{Cluster, Place, init_producer_id};
use crate::client::kafka::CLIENT_ID;
use crate::clock::SECOND_NS;
use crate::content::{BatchShape, STAMP_BYTES};
use crate::keys::Keys;
use crate::payload::{Payload, Sizes, read_lines};
use crate::run::consume::{ConsumePlan, Looks, Targets};
use crate::run::produce::ProducePlan;
use crate::run::{ConsumeLoad, ProduceLoad, none_producing};
use crate::verify::ledger::Ledger;

use super::CommandError;

/// Bytes of one request at most.
const REQUEST_BYTES_MAX: u64 = 256 << 20;
/// The broker's time for a request, ms.
const TIMEOUT_MS: i32 = 30_000;
/// Kafka keeps five batches of an idempotent producer.
const IDEMPOTENT_IN_FLIGHT_MAX: u32 = 5;
/// What a record has around its value, and a header, at most.
const RECORD_OVERHEAD_BYTES: usize = 64;
/// A consumer that gets nothing for so long, below its target, is stuck, ns.
const STUCK_NS: u64 = 30 * SECOND_NS;

/// Checks options that depend on one another.
pub fn check(options: &ProduceOptions) -> Result<(), CommandError> {
    let batches = u64::from(options.batch_records) * u64::from(options.request_partitions);
    let bytes = batches * u64::from(options.record_bytes.max());
    let usage = |text: String| Err(CommandError::Usage(text));
    if bytes > REQUEST_BYTES_MAX {
        return usage(format!(
            "--batch-records x --request-partitions x --record-bytes is {bytes} bytes: at most {REQUEST_BYTES_MAX} are sent in one request"
        ));
    }
    let small = (options.record_bytes.min() as usize) < STAMP_BYTES;
    if small && !options.no_stamp && options.payload_file.is_none() {
        return usage(format!(
            "--record-bytes: a stamp takes {STAMP_BYTES} bytes; for smaller values give --no-stamp"
        ));
    }
    if options.idempotent && options.in_flight > IDEMPOTENT_IN_FLIGHT_MAX {
        return usage(format!(
            "--idempotent: brokers keep track of {IDEMPOTENT_IN_FLIGHT_MAX} batches: --in-flight must not be more"
        ));
    }
    if options.idempotent && options.acks != -1 {
        return usage("--idempotent needs --acks all".to_owned());
    }
    if let Some(every) = options.tombstones {
        if options.keys == Keys::None {
            return usage("--tombstones needs --keys".to_owned());
        }
        if !options.batch_records.is_multiple_of(every) {
            return usage("--batch-records must be a multiple of --tombstones".to_owned());
        }
    }
    Ok(())
}

/// How batches look.
fn shape(options: &ProduceOptions, seed: u64) -> Result<BatchShape, CommandError> {
    let lines = match &options.payload_file {
        Some(path) => Some(Arc::new(read_lines(path)?)),
        None => None,
    };
    Ok(BatchShape {
        payload: Payload {
            sizes: options.record_bytes,
            keys: options.keys,
            tombstone_every: options.tombstones,
            headers: options.headers,
            compressible: options.compressible,
            lines,
            seed,
        },
        records: options.batch_records as usize,
        compression: options.compression,
        stamped: !options.no_stamp,
    })
}

/// A producing load: at `rate` records a second, or as many as go; until `records` are sent, or the phase ends.
pub fn produce(
    cluster: &Cluster,
    options: &ProduceOptions,
    (run, seed): (u32, u64),
    rate: Option<u64>,
    records: Option<u64>,
) -> Result<ProduceLoad, CommandError> {
    let topics: Vec<_> = cluster
        .topics
        .iter()
        .map(|topic| topic.name.clone())
        .collect();
    let connections = options.connections as usize;
    let producer_ids = match options.idempotent {
        true => {
            let count = cluster.assign(connections, true).len();
            let ids = (0..count).map(|_| init_producer_id(&cluster.bootstrap));
            ids.collect::<Result<_, _>>()?
        }
        false => Vec::new(),
    };
    let request_records = u64::from(options.batch_records) * u64::from(options.request_partitions);
    let plan = ProducePlan {
        run,
        acks: options.acks,
        in_flight_max: options.in_flight as usize,
        batch_records: options.batch_records as usize,
        request_partitions: options.request_partitions as usize,
        heads: topics
            .iter()
            .map(|topic| ProduceHead::new(CLIENT_ID, topic, options.acks, TIMEOUT_MS))
            .collect(),
        topics,
        idempotent: options.idempotent,
        records_left: records.map(AtomicU64::new),
        producing: none_producing(),
    };
    Ok(ProduceLoad {
        plan: Arc::new(plan),
        shape: shape(options, seed)?,
        connections,
        requests_per_second: rate.map(|rate| rate as f64 / request_records as f64),
        arrival: options.arrival,
        seed,
        producer_ids,
    })
}

/// Where and how far a consuming load reads.
pub struct Reach {
    /// Where reading begins.
    pub offsets: BTreeMap<Place, i64>,
    /// Where it ends; `None`: that is not known yet.
    pub targets: Option<BTreeMap<Place, i64>>,
    /// Whether it goes on after the phase's end until the targets are reached.
    pub to_targets: bool,
    /// Whether it begins again when it is there.
    pub repeat: bool,
    /// Whether every producer's records are there from its first on.
    pub from_first: bool,
    /// Who wrote to the topics, if these are compacted and to be checked as such.
    pub compacted: Option<Ledger>,
}

/// A consuming load.
pub fn consume(
    cluster: &Cluster,
    options: &FetchOptions,
    connections: u32,
    looks: Looks,
    reach: Reach,
) -> ConsumeLoad {
    let i32_of = |bytes: u64| i32::try_from(bytes).unwrap_or(i32::MAX);
    let targets = Targets::unknown(&cluster.places());
    if let Some(known) = &reach.targets {
        targets.set(known);
    }
    let plan = ConsumePlan {
        topics: cluster
            .topics
            .iter()
            .map(|topic| topic.name.clone())
            .collect(),
        looks,
        in_flight_max: options.fetches_in_flight as usize,
        fetch_sessions: options.fetch_sessions,
        fetch_bytes: i32_of(options.fetch_bytes),
        partition_bytes: i32_of(options.partition_fetch_bytes),
        min_bytes: i32_of(options.fetch_min_bytes),
        max_wait_ms: i32_of(options.fetch_wait.as_millis() as u64),
        targets,
        to_targets: reach.to_targets,
        repeat: reach.repeat,
        stuck_ns: STUCK_NS,
    };
    ConsumeLoad {
        plan: Arc::new(plan),
        connections: connections as usize,
        groups: options.groups as usize,
        offsets: reach.offsets,
        from_first: reach.from_first,
        compacted: reach.compacted,
    }
}

/// What a consumer has to look at to time records from end to end.
pub fn stamps(options: &ProduceOptions) -> Looks {
    if options.no_stamp {
        return Looks::Headers;
    }
    // A compressed batch is opened whole; so is one whose first record's size is not known.
    if options.compression != Compression::None || options.payload_file.is_some() {
        return Looks::Records;
    }
    let around = RECORD_OVERHEAD_BYTES * (1 + options.headers as usize);
    Looks::Stamps(HEADER_BYTES + options.record_bytes.max() as usize + around)
}

/// The producers' settings, for the report.
pub fn produce_settings(options: &ProduceOptions) -> BTreeMap<String, String> {
    let sizes = match options.record_bytes {
        Sizes::Fixed(size) => size.to_string(),
        Sizes::Uniform(min, max) => format!("{min}-{max}"),
        Sizes::Zipf(min, max) => format!("zipf:{min}-{max}"),
    };
    let keys = match options.keys {
        Keys::None => "none".to_owned(),
        Keys::Sequential(count) => format!("sequential:{count}"),
        Keys::Uniform(count) => format!("uniform:{count}"),
        Keys::Zipf(count) => format!("zipf:{count}"),
    };
    let tombstones = options
        .tombstones
        .map_or("none".to_owned(), |every| format!("1 of {every}"));
    let rate = options
        .rate
        .map_or("closed loop".to_owned(), |rate| rate.to_string());
    let acks = match options.acks {
        -1 => "all".to_owned(),
        acks => acks.to_string(),
    };
    let named = [
        ("acks", acks),
        ("arrival", format!("{:?}", options.arrival).to_lowercase()),
        ("batch_records", options.batch_records.to_string()),
        ("compressible", options.compressible.to_string()),
        ("compression", options.compression.name().to_owned()),
        ("headers", options.headers.to_string()),
        ("idempotent", options.idempotent.to_string()),
        ("in_flight", options.in_flight.to_string()),
        ("keys", keys),
        ("rate", rate),
        ("record_bytes", sizes),
        ("request_partitions", options.request_partitions.to_string()),
        ("stamped", (!options.no_stamp).to_string()),
        ("tombstones", tombstones),
    ];
    named.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The consumers' settings, for the report.
pub fn consume_settings(options: &FetchOptions, looks: Looks) -> BTreeMap<String, String> {
    let looks = match looks {
        Looks::Headers => "batch headers",
        Looks::Stamps(_) => "batch headers, and one stamp a batch",
        Looks::Crc => "CRC and offsets",
        Looks::Records => "every record",
    };
    let named = [
        ("fetch_bytes", options.fetch_bytes.to_string()),
        ("fetch_min_bytes", options.fetch_min_bytes.to_string()),
        ("fetch_sessions", options.fetch_sessions.to_string()),
        ("fetch_wait_ms", options.fetch_wait.as_millis().to_string()),
        ("fetches_in_flight", options.fetches_in_flight.to_string()),
        ("groups", options.groups.to_string()),
        ("looks_at", looks.to_owned()),
        (
            "partition_fetch_bytes",
            options.partition_fetch_bytes.to_string(),
        ),
    ];
    named.map(|(name, value)| (name.to_owned(), value)).into()
}
