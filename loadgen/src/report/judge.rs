//! What may be said of a measurement: whether a rate was kept, who was the limit, what a record cost, what an acknowledgement means.
//! Pure.

use std::collections::BTreeMap;

use super::{Consumed, Cost, Incidents, Measurement, Rate};
use crate::run::PhaseEnd;
use crate::run::collect::latency;
use crate::verify::ledger::Verdict;

/// A core of this program that worked for more of the time was the limit, or soon would be.
const BUSY_SHARE: f64 = 0.95;
/// A broker that used so much of its cores was the limit.
const BROKER_BUSY_SHARE: f64 = 0.9;
/// A rate is kept if so much of it was acknowledged.
const SUSTAINED_SHARE: f64 = 0.99;
/// This program's own delay must stay below this share of the latency it measures.
const SLIP_SHARE: f64 = 0.1;

/// Makes a measurement of a phase. `target` is the rate in records a second of an open loop.
pub fn measurement(
    phase: &str,
    end: &PhaseEnd,
    target: Option<f64>,
    verdict: Option<Verdict>,
) -> Measurement {
    let total = &end.total;
    let elapsed = end.elapsed_s;
    let produced = end.connections.0 > 0;
    let (records, bytes, requests) = match produced {
        true => (total.produced, total.produced_bytes, total.produce_requests),
        false => (total.consumed, total.consumed_bytes, total.fetch_requests),
    };
    let consumed = (produced && end.connections.1 > 0).then(|| Consumed {
        records_per_second: total.consumed as f64 / elapsed,
        bytes_per_second: total.consumed_bytes as f64 / elapsed,
        records: total.consumed,
        bytes: total.consumed_bytes,
        requests_per_second: total.fetch_requests as f64 / elapsed,
    });
    let rate = target.map(|target| {
        let achieved = total.produced as f64 / elapsed / target;
        Rate {
            target,
            achieved,
            sustained: achieved >= SUSTAINED_SHARE,
            late: total.late as f64 / total.batches.max(1) as f64,
            unsent: total.unsent,
        }
    });
    let latency_of = match (produced, rate.is_some()) {
        (false, _) => "fetch",
        (true, true) => "from due",
        (true, false) => "from sent",
    };
    let mut measurement = Measurement {
        phase: phase.to_owned(),
        records_per_second: records as f64 / elapsed,
        bytes_per_second: bytes as f64 / elapsed,
        errors: end.errors,
        latency_ns: latency(total).summary(),
        latency_of: latency_of.to_owned(),
        broker: end.observed.broker.clone(),
        verified: verdict.as_ref().map(Verdict::is_good),
        elapsed_seconds: elapsed,
        records,
        bytes,
        open_loop: rate.is_some(),
        rate,
        service_ns: total.service.summary(),
        slip_ns: total.slip.summary(),
        end_to_end_ns: total.end_to_end.summary(),
        fetch_ns: total.fetch.summary(),
        consumed,
        requests_per_second: requests as f64 / elapsed,
        incidents: incidents(end),
        verification: verdict,
        client: end.cores.clone(),
        cpus: end.observed.cpus.clone(),
        metrics: end.observed.metrics.clone(),
        histogram: latency(total).counts(),
        end_to_end_histogram: total.end_to_end.counts(),
        seconds: end.seconds.clone(),
        ..Measurement::default()
    };
    measurement.cost = cost(&measurement);
    (measurement.client_limited, measurement.limited_by) = limit(&measurement);
    measurement
}

fn incidents(end: &PhaseEnd) -> Incidents {
    Incidents {
        refused_requests: end.totals.refused_requests,
        refused_records: end.totals.refused_records,
        disconnects: end.totals.disconnects,
        ambiguous_records: end.totals.ambiguous_records,
        retried_records: end.totals.retried_records,
        failures: end.failures.iter().take(16).cloned().collect(),
    }
}

fn cost(measurement: &Measurement) -> Cost {
    let consumed = measurement
        .consumed
        .as_ref()
        .map_or(0, |consumed| consumed.records);
    let records = (measurement.records + consumed) as f64;
    let elapsed_ns = measurement.elapsed_seconds * 1e9;
    let busy: f64 = measurement.client.iter().map(|core| core.busy).sum();
    let cores = measurement.broker.cpu_cores.filter(|cores| *cores > 0.0);
    let written = measurement.broker.disk_written_bytes;
    let produced = measurement.service_ns.count > 0 && measurement.bytes > 0;
    Cost {
        broker_cpu_ns_per_record: cores
            .filter(|_| records > 0.0)
            .map(|cores| cores * elapsed_ns / records),
        records_per_broker_core_second: cores
            .map(|cores| records / (cores * measurement.elapsed_seconds)),
        disk_bytes_per_byte: written
            .filter(|_| produced)
            .map(|written| written as f64 / measurement.bytes as f64),
        client_cpu_ns_per_record: busy * elapsed_ns / records.max(1.0),
    }
}

/// Whether this program was the limit, and what the limit was in words.
fn limit(measurement: &Measurement) -> (bool, String) {
    let busiest = measurement
        .client
        .iter()
        .map(|core| core.busy)
        .fold(0.0, f64::max);
    if busiest > BUSY_SHARE {
        let words = format!(
            "this program: one of its cores worked {:.0} % of the time",
            100.0 * busiest
        );
        return (true, words);
    }
    let slip = measurement.slip_ns.p99 as f64;
    if measurement.open_loop && slip > SLIP_SHARE * measurement.latency_ns.p99 as f64 {
        let words = format!(
            "this program: it sent up to {:.3} ms later than it could (p99)",
            slip / 1e6
        );
        return (true, words);
    }
    if measurement.rate.as_ref().is_some_and(|rate| rate.sustained) {
        return (false, "the rate asked for".to_owned());
    }
    // A broker that was pinned to fewer cores than it has threads shows in the busiest CPUs it ran on.
    let mut by_cpu: BTreeMap<usize, f64> = BTreeMap::new();
    for thread in &measurement.broker.threads {
        *by_cpu.entry(thread.cpu).or_default() += thread.cpu_cores;
    }
    let busiest = by_cpu.values().copied().fold(0.0, f64::max);
    if busiest > BROKER_BUSY_SHARE {
        return (
            false,
            format!(
                "the broker: a core of it worked {:.0} % of the time",
                100.0 * busiest.min(1.0)
            ),
        );
    }
    let waits = "waiting for answers: the broker's disk, its other threads, or too few connections and requests in flight";
    (false, waits.to_owned())
}

/// What an acknowledgement means, by the topic's configs.
pub fn durability(acks: i16, configs: &BTreeMap<String, String>) -> String {
    let config = |name: &str| configs.get(name).map(String::as_str);
    let who = match acks {
        0 => return "acks=0: nothing is acknowledged".to_owned(),
        1 => "acks=1, the leader alone",
        _ => "acks=all",
    };
    // Brokers with this config sync before they acknowledge unless it is on.
    let what = match (config("write.caching"), config("flush.messages")) {
        (Some("true"), _) => "memory (write.caching=true)",
        (Some(_), _) => "written and flushed to disk",
        (None, Some("1")) => "written and flushed to disk (flush.messages=1)",
        (None, Some(_)) => "page cache, flushed later",
        (None, None) => "not told by the broker",
    };
    format!("{who}: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Latency;
    use crate::observe::{BrokerUse, ThreadUse};
    use crate::run::collect::CoreUse;

    fn measured(busy: f64, broker: f64) -> Measurement {
        let thread = |name: &str, cpu_cores| ThreadUse {
            name: name.to_owned(),
            cpu_cores,
            cpu: 0,
        };
        Measurement {
            elapsed_seconds: 2.0,
            records: 4_000_000,
            client: vec![CoreUse {
                cpu: 1,
                busy,
                cpu_share: 1.0,
            }],
            broker: BrokerUse {
                cpu_cores: Some(broker),
                threads: vec![thread("a", broker / 2.0), thread("b", broker / 2.0)],
                ..BrokerUse::default()
            },
            latency_ns: Latency {
                p99: 1_000_000,
                ..Latency::default()
            },
            ..Measurement::default()
        }
    }

    #[test]
    fn who_was_the_limit_is_told() {
        assert!(limit(&measured(0.97, 0.5)).0);
        let (client, words) = limit(&measured(0.5, 0.98));
        assert!(!client && words.starts_with("the broker"), "{words}");
        assert!(limit(&measured(0.5, 0.5)).1.starts_with("waiting"));
        let mut late = measured(0.2, 0.2);
        late.open_loop = true;
        late.slip_ns.p99 = 200_000;
        assert!(
            limit(&late).0,
            "a delay of its own that shows in the latency"
        );
        late.slip_ns.p99 = 20_000;
        assert!(!limit(&late).0);
    }

    #[test]
    fn a_record_costs_cpu_time_over_records() {
        let cost = cost(&measured(0.5, 0.8));
        assert_eq!(cost.broker_cpu_ns_per_record, Some(400.0));
        assert_eq!(cost.records_per_broker_core_second, Some(2_500_000.0));
        assert_eq!(cost.client_cpu_ns_per_record, 250.0);
    }

    #[test]
    fn durability_is_told_in_words() {
        let configs = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
        assert!(durability(-1, &configs("write.caching", "false")).ends_with("flushed to disk"));
        assert!(durability(1, &configs("write.caching", "true")).contains("memory"));
        assert!(
            durability(-1, &configs("flush.messages", "9223372036854775807"))
                .contains("page cache")
        );
        assert!(durability(-1, &configs("flush.messages", "1")).contains("flush.messages=1"));
        assert!(durability(0, &configs("flush.messages", "1")).contains("nothing"));
    }
}
