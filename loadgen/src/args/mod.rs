//! The command line. Checks each option by itself; it never talks to a broker. A scenario's steps are read by the same definitions.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use protocol::compression::Compression;

use crate::keys::Keys;
use crate::payload::Sizes;
use crate::schedule::Arrival;

pub mod values;
use values::Cpus;

const GUIDE: &str = "\
First steps (a broker at 127.0.0.1:9092):
  How many records a second it takes, 10 s at full speed over 8 connections:
    pelton-loadgen produce --partitions 8
  And gives back, from the beginning, every record checked:
    pelton-loadgen consume --verify
  Latency at a load, from when each batch was due to its acknowledgement, as one HTML page:
    pelton-loadgen produce --partitions 8 --rate 500k --duration 60s --html report.html
  From producer to consumer, none lost, none twice, in order:
    pelton-loadgen both --partitions 8 --rate 200k --verify
  The highest rate whose p99 stays below 5 ms:
    pelton-loadgen search --partitions 8 --p99 5ms
  Two runs side by side:
    pelton-loadgen compare before.json after.json

Open and closed loop:
  With --rate batches are due at times fixed beforehand (open loop): when the broker stalls, latency counts for all that was due
  meanwhile. Without, each connection keeps --in-flight requests unanswered (closed loop): that finds the most a broker takes,
  and says little about latency.

On one machine:
  Pin the broker and this program to different CPUs: taskset -c 0 BROKER, and --cpus 1 here. The report says when this program,
  not the broker, was the limit.

Exit code: 0 good; 1 errors, or verification or a --require failed; 2 wrong usage.";

/// Drives, measures and checks any broker that speaks Kafka's protocol.
#[derive(Debug, Parser)]
#[command(name = "pelton-loadgen", version, after_help = GUIDE, max_term_width = 110, args_override_self = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Produce: throughput, and latency of acknowledgement
    Produce(Box<ProduceArgs>),
    /// Consume what is there, or follow what comes
    Consume(Box<ConsumeArgs>),
    /// Produce and consume at once: latency from end to end
    Both(Box<BothArgs>),
    /// Build a backlog, then drain it
    Backlog(Box<BacklogArgs>),
    /// Consumers far behind catch up while producers run; what that costs the producers
    Chase(Box<ChaseArgs>),
    /// Connections and topics that come and go, or many idle connections
    Churn(Box<ChurnArgs>),
    /// Search the highest rate that keeps a latency, or sweep over rates
    Search(Box<SearchArgs>),
    /// Is all there that a produce run saw acknowledged?
    Verify(Box<VerifyArgs>),
    /// Run the steps of a TOML file, or a workload of the OpenMessaging Benchmark (YAML)
    Scenario(ScenarioArgs),
    /// Compare two results
    Compare(CompareArgs),
    /// Make one HTML page of one or more results
    Report(ReportArgs),
    /// A broker that keeps nothing: how fast is this program itself?
    #[command(hide = true)]
    Sink(SinkArgs),
}

/// Where to.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Broker and topics")]
pub struct TargetArgs {
    /// Any broker of the cluster; the leaders are looked up there
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9092")]
    pub bootstrap: String,
    /// Topic; with --topics the names are NAME-0, NAME-1, ...
    #[arg(long, value_name = "NAME", default_value = "pelton-loadgen")]
    pub topic: String,
    /// Topics
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub topics: u32,
    /// Partitions of each topic, which is created if absent [default: those it has, or 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=1_000_000))]
    pub partitions: Option<i32>,
    /// Replication factor of topics that are created; -1: the broker's default
    #[arg(long, value_name = "N", default_value_t = -1, allow_negative_numbers = true)]
    pub replication_factor: i16,
    /// Config of topics that are created; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = values::setting)]
    pub topic_config: Vec<(String, String)>,
}

impl TargetArgs {
    /// Names of the topics.
    pub fn names(&self) -> Vec<String> {
        match self.topics {
            1 => vec![self.topic.clone()],
            topics => (0..topics)
                .map(|number| format!("{}-{number}", self.topic))
                .collect(),
        }
    }
}

/// Where this program runs, and what is measured.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Measuring")]
pub struct MeasureArgs {
    /// Measure for this long: 500ms, 10s, 5m, 1h [default: 10s, or until a given end]
    #[arg(long, value_name = "TIME", value_parser = values::positive_duration)]
    pub duration: Option<Duration>,
    /// Before that, run without measuring for this long [default: 2s, none before a given end]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub warmup: Option<Duration>,
    /// Run so often; the median run is reported, with the spread
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Threads of this program, one pinned to a CPU each
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub cores: u32,
    /// The CPUs of these threads, such as 1,3-5 [default: the last ones that may be used]
    #[arg(long, value_name = "LIST", value_parser = values::cpus)]
    pub cpus: Option<Cpus>,
    /// Look for answers for so long before sleeping: waking up takes longer than a fast broker's answer
    #[arg(long, value_name = "TIME", default_value = "50us", value_parser = values::duration)]
    pub spin: Duration,
    /// Process of the broker, whose CPU, memory, disk and context switches are reported [default: the local one that listens at
    /// --bootstrap]
    #[arg(long, value_name = "PID")]
    pub broker_pid: Option<u32>,
    /// Where a Pelton tells its metrics
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9644")]
    pub admin: String,
    /// Lost connections are made again for so long
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::duration)]
    pub reconnect: Duration,
    /// Refusals and lost connections do not make the exit code 1: for runs in which brokers are killed
    #[arg(long)]
    pub expect_faults: bool,
    /// Fail unless this holds, such as 'records_per_second>=7e6' or 'latency_ns.p99<=5e6'; may be given several times
    #[arg(long, value_name = "FIELD>=NUMBER")]
    pub require: Vec<String>,
    /// Payloads and arrivals are drawn from this
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
}

impl MeasureArgs {
    /// How long is measured where nothing else ends a phase.
    pub fn duration(&self) -> Duration {
        self.duration.unwrap_or(Duration::from_secs(10))
    }

    /// What is not measured before.
    pub fn warmup(&self) -> Duration {
        self.warmup.unwrap_or(Duration::from_secs(2))
    }
}

/// How the result is told.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Write the result as JSON; -: to standard output, in place of the table
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write one self-contained HTML page with plots
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the latency distribution in HdrHistogram's percentile format (.hgrm)
    #[arg(long, value_name = "FILE")]
    pub hgrm: Option<PathBuf>,
    /// Write each second's latencies in HdrHistogram's interval log format (.hlog)
    #[arg(long, value_name = "FILE")]
    pub hlog: Option<PathBuf>,
    /// Write a line a second as CSV
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Print lines in the shape of Kafka's performance tools
    #[arg(long)]
    pub kafka_output: bool,
    /// No progress lines
    #[arg(long, short)]
    pub quiet: bool,
    /// A name for this result, in reports and comparisons
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
}

/// What is produced, and how.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Producing")]
pub struct ProduceOptions {
    /// Connections; at least one is made to each broker that leads a partition
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub connections: u32,
    /// Requests that a connection keeps unanswered
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub in_flight: u32,
    /// Records a second over all connections: open loop [default: as many as the broker takes, closed loop]
    #[arg(long, value_name = "N", value_parser = values::count)]
    pub rate: Option<u64>,
    /// How batches arrive at a given rate: fixed, poisson, or burst:N (N at once)
    #[arg(long, value_name = "KIND", default_value = "fixed", value_parser = values::arrival)]
    pub arrival: Arrival,
    /// Bytes of a record's value: 100, 100-2000 (all equally often) or zipf:100-2000 (small ones most often)
    #[arg(long, value_name = "SIZE", default_value = "100", value_parser = values::sizes)]
    pub record_bytes: Sizes,
    /// Records of a batch
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub batch_records: u32,
    /// Partitions of a request, a batch each
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub request_partitions: u32,
    /// Who must have a record before it is acknowledged: all (in-sync replicas), 1 (leader), 0 (nobody; no latency)
    #[arg(long, value_name = "WHO", default_value = "all", value_parser = values::acks, allow_hyphen_values = true)]
    pub acks: i16,
    /// Number batches as Kafka's idempotent producers do, and send again what was not answered
    #[arg(long)]
    pub idempotent: bool,
    /// none, gzip, snappy, lz4 or zstd. Records with stamps or keys are compressed before each request, which costs this program much
    /// CPU; with --no-stamp and no --keys once before the run
    #[arg(long, value_name = "CODEC", default_value = "none", value_parser = values::compression)]
    pub compression: Compression,
    /// Keys: none, sequential:N, uniform:N or zipf:N, of N different ones. Drawn for each record; they do not choose the partition
    #[arg(long, value_name = "KIND", default_value = "none", value_parser = values::keys)]
    pub keys: Keys,
    /// One record of N has no value, which deletes its key in a compacted topic
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub tombstones: Option<u32>,
    /// Headers of each record
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=50))]
    pub headers: u8,
    /// Share of each value, from 0 to 1, that is one letter over and over; the rest is random text
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = values::share)]
    pub compressible: f64,
    /// Take values from the lines of this file, behind the stamp
    #[arg(long, value_name = "FILE")]
    pub payload_file: Option<PathBuf>,
    /// Records without producer, sequence, check and due time (36 bytes): for values smaller than that. Nothing can be verified then
    #[arg(long)]
    pub no_stamp: bool,
}

/// What is consumed, and how.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Consuming")]
pub struct FetchOptions {
    /// Bytes asked for in one fetch
    #[arg(long, value_name = "BYTES", default_value = "16MiB", value_parser = values::bytes)]
    pub fetch_bytes: u64,
    /// Bytes asked for of one partition in a fetch
    #[arg(long, value_name = "BYTES", default_value = "1MiB", value_parser = values::bytes)]
    pub partition_fetch_bytes: u64,
    /// A fetch is answered when so many bytes are there
    #[arg(long, value_name = "BYTES", default_value = "1", value_parser = values::bytes)]
    pub fetch_min_bytes: u64,
    /// Or after this time
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = values::duration)]
    pub fetch_wait: Duration,
    /// Fetches that a connection keeps unanswered; its partitions are shared over them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub fetches_in_flight: u32,
    /// Keep a fetch session for each of them: a request names only the partitions that changed, as Kafka's own consumer does it
    #[arg(long)]
    pub fetch_sessions: bool,
    /// Read everything so many times at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub groups: u32,
}

impl Default for FetchOptions {
    /// The documented defaults.
    fn default() -> Self {
        Self {
            fetch_bytes: 16 << 20,
            partition_fetch_bytes: 1 << 20,
            fetch_min_bytes: 1,
            fetch_wait: Duration::from_millis(500),
            fetches_in_flight: 1,
            fetch_sessions: false,
            groups: 1,
        }
    }
}

/// Options of `produce`.
#[derive(Debug, Clone, Args)]
pub struct ProduceArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub produce: ProduceOptions,
    /// Stop after this many records, in place of a time; no warm-up
    #[arg(long, value_name = "TOTAL", value_parser = values::count, conflicts_with_all = ["duration", "warmup"], help_heading = "Producing")]
    pub records: Option<u64>,
    /// Afterwards read everything back: nothing acknowledged lost, nothing twice, order, content
    #[arg(long, help_heading = "Producing", conflicts_with_all = ["no_stamp", "tombstones"])]
    pub verify: bool,
    #[command(flatten)]
    pub measure: MeasureArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Options of `consume`.
#[derive(Debug, Clone, Args)]
pub struct ConsumeArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// Connections; at least one is made to each broker that leads a partition
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Consuming")]
    pub connections: u32,
    #[command(flatten)]
    pub fetch: FetchOptions,
    /// Begin at the earliest or at the latest offset
    #[arg(long, value_name = "WHERE", default_value = "earliest", value_parser = ["earliest", "latest"], help_heading = "Consuming")]
    pub from: String,
    /// Do not stop where partitions end: read what comes, for --duration
    #[arg(long, help_heading = "Consuming")]
    pub follow: bool,
    /// Begin again at the beginning as soon as all is read, for --duration
    #[arg(long, help_heading = "Consuming", conflicts_with_all = ["follow", "verify"])]
    pub repeat: bool,
    /// Check CRC, offsets, and of every record content and order
    #[arg(long, help_heading = "Consuming")]
    pub verify: bool,
    /// Check CRC and offsets: for records that others wrote
    #[arg(long, help_heading = "Consuming", conflicts_with = "verify")]
    pub check_crc: bool,
    #[command(flatten)]
    pub measure: MeasureArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Options of `both`.
#[derive(Debug, Clone, Args)]
pub struct BothArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    #[command(flatten)]
    pub produce: ProduceOptions,
    /// Connections that consume, of each group
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Consuming")]
    pub consumers: u32,
    #[command(flatten)]
    pub fetch: FetchOptions,
    /// Check every record: nothing acknowledged lost, nothing twice, order, content
    #[arg(long, help_heading = "Consuming", conflicts_with = "no_stamp")]
    pub verify: bool,
    #[command(flatten)]
    pub measure: MeasureArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Options of `backlog`.
#[derive(Debug, Clone, Args)]
pub struct BacklogArgs {
    #[command(flatten)]
    pub both: BothArgs,
    /// Bytes of values to build up before anything is consumed
    #[arg(long, value_name = "BYTES", default_value = "1GiB", value_parser = values::bytes, help_heading = "Backlog")]
    pub backlog: u64,
    /// Go on producing, at --rate, while the backlog is drained
    #[arg(long, help_heading = "Backlog", requires = "rate")]
    pub keep_producing: bool,
}

/// Options of `chase`.
#[derive(Debug, Clone, Args)]
pub struct ChaseArgs {
    #[command(flatten)]
    pub both: BothArgs,
    /// Bytes of values that consumers are behind when they begin
    #[arg(long, value_name = "BYTES", default_value = "1GiB", value_parser = values::bytes, help_heading = "Chase")]
    pub backlog: u64,
}

/// Options of `churn`.
#[derive(Debug, Clone, Args)]
pub struct ChurnArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// What comes and goes
    #[arg(long, value_name = "WHAT", default_value = "connections", value_parser = ["connections", "topics"])]
    pub what: String,
    /// At once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub parallel: u32,
    /// Also hold this many idle connections meanwhile
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub idle: u32,
    /// Only hold the idle ones: what do they cost the broker?
    #[arg(long, requires = "idle")]
    pub only_idle: bool,
    #[command(flatten)]
    pub measure: MeasureArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Options of `search`.
#[derive(Debug, Clone, Args)]
pub struct SearchArgs {
    #[command(flatten)]
    pub both: BothArgs,
    /// The latency that must be kept
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = values::positive_duration, help_heading = "Search")]
    pub p99: Duration,
    /// Measure latency from producer to consumer in place of acknowledgement
    #[arg(long, help_heading = "Search")]
    pub end_to_end: bool,
    /// Stop when the answer is known to this share of it
    #[arg(long, value_name = "SHARE", default_value = "0.05", value_parser = values::share, help_heading = "Search")]
    pub precision: f64,
    /// Do not search: measure at each of 10 % to 100 % of the highest rate
    #[arg(long, help_heading = "Search")]
    pub sweep: bool,
    /// The rate at which the search begins, or of which a sweep takes its shares [default: what a closed loop reaches]
    #[arg(long, value_name = "N", value_parser = values::count, help_heading = "Search")]
    pub rate_max: Option<u64>,
}

/// Options of `verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub consume: ConsumeArgs,
    /// What `produce --json` wrote: everything it counts as acknowledged must be there. May be given several times, oldest first
    #[arg(long, value_name = "FILE", required = true)]
    pub report: Vec<PathBuf>,
    /// The topics are compacted, and nobody else wrote to them: of each key the newest record must be there, at its offset, and
    /// nothing older behind it. The reports are of runs with --keys and --idempotent and no more connections than partitions
    #[arg(long)]
    pub compacted: bool,
}

/// Options of `scenario`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
A scenario is TOML: options by their long names, for all steps and for each:
  bootstrap = \"127.0.0.1:9092\"
  partitions = 8
  [[step]]
  verb = \"produce\"
  rate = \"500k\"
  [[step]]
  verb = \"consume\"
  verify = true
Options that a verb does not have are an error in a step and passed over among those for all. A file that ends with .yaml or .yml is a
workload of the OpenMessaging Benchmark; a rate of 0 there, which asks for the highest sustainable one, becomes a search.")]
pub struct ScenarioArgs {
    /// TOML, or the OpenMessaging Benchmark's YAML
    pub file: PathBuf,
    /// Any broker of the cluster, in place of the file's
    #[arg(long, value_name = "HOST:PORT")]
    pub bootstrap: Option<String>,
    /// Write the results of all steps as one JSON array; -: to standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write one HTML page of all steps
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// More options for every step, as on its command line
    #[arg(last = true)]
    pub more: Vec<String>,
}

/// Options of `compare`.
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// The result to compare with
    pub before: PathBuf,
    /// The result to judge
    pub after: PathBuf,
    /// Write one HTML page with both
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Exit with 1 if the second is significantly worse
    #[arg(long)]
    pub fail_if_worse: bool,
}

/// Options of `report`.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// Results, drawn over one another
    #[arg(required = true)]
    pub results: Vec<PathBuf>,
    /// Write one self-contained HTML page
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub html: PathBuf,
}

/// Options of `sink`.
#[derive(Debug, Clone, Args)]
pub struct SinkArgs {
    /// Where to listen
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9092")]
    pub listen: String,
    /// Partitions that every topic seems to have
    #[arg(long, default_value_t = 8)]
    pub partitions: i32,
    /// The CPU to run on
    #[arg(long)]
    pub cpu: Option<usize>,
    /// Keep what is produced: check every batch, write it to this file and sync it before the answer. With that the sink is
    /// what a durable broker on this machine can reach at most
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// Size of that file; unless --new-blocks is given it is filled first, then written round and round
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    pub store_bytes: u64,
    /// Write everything a second time, to FILE.again and not synced: what a broker can reach at most that has a journal beside
    /// its segments
    #[arg(long, requires = "store")]
    pub twice: bool,
    /// Write only where nothing was ever written, in a new file when one is full: what a broker can reach at most whose log
    /// grows. Nothing can be fetched then. With --twice only FILE.again is written so
    #[arg(long, requires = "store")]
    pub new_blocks: bool,
    /// Bytes of the values in fetched records
    #[arg(long, default_value_t = 100)]
    pub record_bytes: u32,
    /// Records of a fetched batch
    #[arg(long, default_value_t = 1000)]
    pub batch_records: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent_and_has_the_documented_defaults() {
        Arguments::command().debug_assert();
        let parsed = Arguments::try_parse_from(["pelton-loadgen", "produce"]);
        let Command::Produce(produce) = parsed.expect("everything has a default").command else {
            panic!("not produce");
        };
        assert_eq!(produce.produce.record_bytes, Sizes::Fixed(100));
        assert_eq!(produce.produce.acks, -1);
        assert_eq!(produce.measure.duration(), Duration::from_secs(10));
        assert_eq!(produce.target.names(), ["pelton-loadgen"]);
    }

    #[test]
    fn records_and_duration_exclude_each_other() {
        let line = ["x", "produce", "--records", "5", "--duration", "1s"];
        assert!(Arguments::try_parse_from(line).is_err());
    }
}
