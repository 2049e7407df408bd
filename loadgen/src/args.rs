//! The command line. Checks each option by itself; it never talks to a broker.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use protocol::compression::Compression;

use crate::content::VALUE_BYTES_MIN;

const EXAMPLES: &str = "\
Examples:
  Ten seconds at full speed, 8 connections with 5 requests in flight each:
    pelton-loadgen produce --bootstrap 127.0.0.1:9092 --topic bench --partitions 8

  Latency at a fixed load (counted from when a request was due, not from when it could be sent):
    pelton-loadgen produce --topic bench --rate 500000 --duration 60s --json > produced.json

  Read everything back; CRC, offsets and content are checked:
    pelton-loadgen consume --topic bench

  Was anything lost that was acknowledged? (Use a fresh topic for each such test.)
    pelton-loadgen verify --topic bench --report produced.json

Exit code: 0 good, 1 errors or failed verification, 2 wrong usage.";

/// Drives and checks any broker that speaks Kafka's protocol.
#[derive(Debug, Parser)]
#[command(name = "pelton-loadgen", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Produce records with verifiable content; measures throughput and the latency of acknowledgement
    Produce(ProduceArgs),
    /// Fetch every partition from its first offset to its end; checks CRC, offsets and content
    Consume(ConsumeArgs),
    /// As consume, and checks that everything a produce run saw acknowledged is there
    Verify(VerifyArgs),
}

impl Command {
    /// What every command has.
    pub fn target(&self) -> &TargetArgs {
        match self {
            Self::Produce(produce) => &produce.target,
            Self::Consume(consume) => &consume.target,
            Self::Verify(verify) => &verify.consume.target,
        }
    }
}

/// Where to, and how to tell.
#[derive(Debug, Args)]
pub struct TargetArgs {
    /// Any broker of the cluster; the leaders are looked up there
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9092")]
    pub bootstrap: String,
    /// Topic
    #[arg(long, value_name = "NAME")]
    pub topic: String,
    /// Connections, one thread each; at least one is made to each broker that leads a partition
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub connections: u32,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Options of `produce`.
#[derive(Debug, Args)]
pub struct ProduceArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// Partitions of the topic, which is created if absent [default: those it has, or 1]
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..=100_000))]
    pub partitions: Option<i32>,
    /// Replication factor of a topic that is created; -1: the broker's default
    #[arg(long, default_value_t = -1, allow_negative_numbers = true)]
    pub replication_factor: i16,
    /// Bytes of a record's value, at least 24; there is no key
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(VALUE_BYTES_MIN as i64..=16 << 20))]
    pub record_bytes: u32,
    /// Records of a batch; each request carries one batch
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub batch_records: u32,
    /// Requests a connection keeps unanswered
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub in_flight: u32,
    /// Stop after this many records
    #[arg(long, value_name = "TOTAL", conflicts_with = "duration")]
    pub records: Option<u64>,
    /// Stop after this time: 500ms, 10s, 5m, 1h
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    pub duration: Duration,
    /// Records per second over all connections [default: as many as the broker takes]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub rate: Option<u64>,
    /// Who must have a record before it is acknowledged: all (in-sync replicas), 1 (leader), 0 (nobody; no latency)
    #[arg(long, default_value = "all", value_parser = parse_acks, allow_hyphen_values = true)]
    pub acks: i16,
    /// none, gzip, snappy, lz4 or zstd; all but none cost this program much CPU
    #[arg(long, default_value = "none", value_parser = parse_compression)]
    pub compression: Compression,
}

/// Options of `consume`.
#[derive(Debug, Args)]
pub struct ConsumeArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// Check CRC and offsets only: for topics that others wrote to
    #[arg(long)]
    pub ignore_content: bool,
    /// Bytes of records asked for in one request
    #[arg(long, default_value_t = 32 << 20, value_parser = clap::value_parser!(i32).range(1024..=128 << 20))]
    pub fetch_bytes: i32,
}

/// Options of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub consume: ConsumeArgs,
    /// What `produce --json` printed: everything it counts as acknowledged must be there
    #[arg(long, value_name = "FILE")]
    pub report: PathBuf,
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("write a number and a unit, such as 500ms, 10s, 5m or 1h".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "not a number".to_owned())?;
    match number.checked_mul(unit_ms) {
        Some(ms) if ms > 0 && ms <= 30 * 24 * 3_600_000 => Ok(Duration::from_millis(ms)),
        _ => Err("must be above zero and at most 30 days".to_owned()),
    }
}

fn parse_acks(text: &str) -> Result<i16, String> {
    match text {
        "all" | "-1" => Ok(-1),
        "1" => Ok(1),
        "0" => Ok(0),
        _ => Err("must be all, 1 or 0".to_owned()),
    }
}

fn parse_compression(text: &str) -> Result<Compression, String> {
    Compression::from_name(text).ok_or_else(|| "must be none, gzip, snappy, lz4 or zstd".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent_and_has_the_documented_defaults() {
        Arguments::command().debug_assert();
        let parsed = Arguments::try_parse_from(["pelton-loadgen", "produce", "--topic", "t"]);
        let Command::Produce(produce) = parsed.expect("a topic is enough").command else {
            panic!("not produce");
        };
        assert_eq!(produce.record_bytes, 100);
        assert_eq!(produce.acks, -1);
        assert_eq!(produce.duration, Duration::from_secs(10));
    }

    #[test]
    fn durations_need_a_unit_and_a_bound() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("5m"), Ok(Duration::from_secs(300)));
        for wrong in [
            "",
            "10",
            "s",
            "0s",
            "1d",
            "99999999999999999999s",
            "9999999h",
        ] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn records_and_duration_exclude_each_other() {
        let line = [
            "x",
            "produce",
            "--topic",
            "t",
            "--records",
            "5",
            "--duration",
            "1s",
        ];
        assert!(Arguments::try_parse_from(line).is_err());
    }
}
