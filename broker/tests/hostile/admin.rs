//! The operators' listener: what it tells of a broker that works, and what it does with those who are no operators.

use std::io::{Read as _, Write as _};
use std::time::Instant;

use tempfile::tempdir;

use crate::broker::{Broker, PATIENCE, connect, free_ports};
use crate::wire::{Body, Honest, frame, try_once};

/// Sends `bytes` and gives what comes until the end.
fn exchange(port: u16, bytes: &[u8]) -> String {
    let mut stream = connect(port);
    stream.write_all(bytes).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(port: u16, target: &str) -> (u16, String) {
    let answer = exchange(
        port,
        format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(),
    );
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// The value of the one line that begins so.
fn value(metrics: &str, line: &str) -> f64 {
    let found = metrics
        .lines()
        .find_map(|known| known.strip_prefix(line)?.strip_prefix(' '));
    let found = found.unwrap_or_else(|| panic!("no {line} in {metrics}"));
    found.parse().unwrap()
}

/// Stores an offset, by who is in no group.
fn commit(port: u16, group: &str, topic: &str, offset: i64) {
    const FIND_COORDINATOR: i16 = 10;
    const OFFSET_COMMIT: i16 = 8;
    // Who looks for it makes its topic.
    let find = frame(FIND_COORDINATOR, 0, &Body::default().text(group).0);
    let body = Body::default().text(group).i32(-1).text("").i64(-1);
    let body = body.i32(1).text(topic).i32(1).i32(0).i64(offset).text("");
    let commit = frame(OFFSET_COMMIT, 2, &body.0);
    let begun = Instant::now();
    loop {
        try_once(port, &find).unwrap();
        let answer = try_once(port, &commit).unwrap();
        if answer.ends_with(&[0, 0]) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{answer:?}");
    }
}

fn start(data: &std::path::Path) -> (Broker, u16) {
    let port = free_ports(0);
    let broker = Broker::start(data, &["--admin-listen", &format!("127.0.0.1:{port}")]);
    (broker, port)
}

#[test]
fn pages_tell_what_clients_did() {
    let data = tempdir().unwrap();
    let (broker, port) = start(data.path());
    let honest = Honest::start(broker.port, "counted");
    while honest.acknowledged() < 40 {
        honest.goes_on();
    }
    assert_eq!(get(port, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(get(port, "/readyz"), (200, "ok\n".to_owned()));
    let (status, shards) = get(port, "/shards");
    assert_eq!(status, 200);
    assert!(shards.contains("\"fenced\": false"), "{shards}");
    let (status, metrics) = get(port, "/metrics");
    assert_eq!(status, 200);
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    let label = "{shard=\"0\"}";
    let produces = value(
        &metrics,
        "kafka_network_requestmetrics_requests_total{shard=\"0\",request=\"Produce\"}",
    );
    assert!(produces >= 20.0);
    assert!(
        value(
            &metrics,
            &format!("kafka_server_brokertopicmetrics_messagesin_total{label}")
        ) >= 40.0
    );
    assert!(value(&metrics, &format!("pelton_journal_flushes_total{label}")) > 0.0);
    assert_eq!(
        value(&metrics, &format!("pelton_fetch_copied_bytes_total{label}")),
        0.0
    );
    let times = "pelton_request_duration_seconds";
    let produce = "shard=\"0\",request=\"Produce\"";
    let counted = value(&metrics, &format!("{times}_count{{{produce}}}"));
    assert_eq!(
        value(
            &metrics,
            &format!("{times}_bucket{{le=\"+Inf\",{produce}}}")
        ),
        counted
    );
    assert!(
        !metrics.contains("kafka_log_log_size"),
        "partitions only where asked for"
    );
    let (_, metrics) = get(port, "/metrics?detail=partition");
    let partition = "{shard=\"0\",topic=\"counted\",partition=\"0\"}";
    assert!(value(&metrics, &format!("kafka_log_log_logendoffset{partition}")) >= 20.0);
    honest.finish();
    broker.stop();
}

#[test]
fn groups_are_told_with_how_far_they_are_behind() {
    let data = tempdir().unwrap();
    let (broker, port) = start(data.path());
    let honest = Honest::start(broker.port, "counted");
    while honest.acknowledged() < 40 {
        honest.goes_on();
    }
    honest.finish();
    commit(broker.port, "behind", "counted", 5);
    let (_, metrics) = get(port, "/metrics?detail=partition");
    let partition = "{shard=\"0\",topic=\"counted\",partition=\"0\"}";
    let end = value(&metrics, &format!("kafka_log_log_logendoffset{partition}"));
    let label = "{shard=\"0\"}";
    let group = "{shard=\"0\",consumergroup=\"behind\"";
    let place = format!("{group},topic=\"counted\",partition=\"0\"}}");
    assert_eq!(
        value(
            &metrics,
            &format!("kafka_consumergroup_current_offset{place}")
        ),
        5.0
    );
    assert!(value(&metrics, &format!("kafka_consumergroup_lag{place}")) == end - 5.0);
    assert_eq!(
        value(&metrics, &format!("kafka_consumergroup_members{group}}}")),
        0.0
    );
    let info = format!("kafka_consumergroup_info{group},state=\"Empty\",protocol_type=\"\"}}");
    assert_eq!(value(&metrics, &info), 1.0);
    let commits = "kafka_server_group_coordinator_metrics_offset_commit_total";
    assert_eq!(value(&metrics, &format!("{commits}{label}")), 1.0);
    broker.stop();
}

#[test]
fn the_dashboard_names_only_metrics_that_exist() {
    let data = tempdir().unwrap();
    let (broker, port) = start(data.path());
    Honest::start(broker.port, "shown").finish();
    commit(broker.port, "shown", "shown", 0);
    let (_, metrics) = get(port, "/metrics?detail=partition");
    let dashboard = include_str!("../../grafana/pelton.json");
    let dashboard: serde_json::Value = serde_json::from_str(dashboard).unwrap();
    let mut queries = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            queries += 1;
            let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for name in
                words.filter(|word| word.starts_with("kafka_") || word.starts_with("pelton_"))
            {
                assert!(
                    metrics.contains(&format!("\n{name}{{")),
                    "{name} of {query:?} does not exist"
                );
            }
        }
    }
    assert!(queries >= 12, "{queries}");
    broker.stop();
}

#[test]
fn who_asks_for_nonsense_gets_a_sentence_and_clients_do_not_notice() {
    let data = tempdir().unwrap();
    let (broker, port) = start(data.path());
    let honest = Honest::start(broker.port, "served");
    assert_eq!(get(port, "/no/such").0, 404);
    let posted = exchange(port, b"POST /metrics HTTP/1.1\r\n\r\n");
    assert!(posted.starts_with("HTTP/1.1 405 "), "{posted}");
    let kafka = exchange(port, &[0, 0, 0, 9, 0, 18, 0, 0, 0, 0, 0, 1, 0]);
    assert!(kafka.starts_with("HTTP/1.1 400 "), "{kafka}");
    // Heads that never end: the broker's patience is shorter than ours.
    let begun = Instant::now();
    let silent: Vec<_> = (0..40)
        .map(|_| {
            let mut stream = connect(port);
            let _ = stream.write_all(b"GET / HT");
            stream
        })
        .collect();
    honest.goes_on();
    for mut stream in silent {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(get(port, "/healthz").0, 200);
    honest.finish();
    broker.stop();
}
