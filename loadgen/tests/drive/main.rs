//! The program as its users run it, against a broker that keeps what it is told, or lies about it in one way: verification that
//! cannot fail would prove nothing. No test here judges a time from above.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod liar;

use std::path::Path;
use std::process::{Command, Output};

use liar::{Liar, Lie};
use serde_json::Value;

/// Runs the program quietly for a short time.
fn loadgen(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_pelton-loadgen"))
        .args(arguments)
        .output();
    output.expect("the program runs")
}

/// Runs a verb against a broker and reads its result.
fn measure(broker: &Liar, verb: &str, arguments: &[&str]) -> (Value, i32) {
    let address = broker.address.to_string();
    let mut line = vec![
        verb,
        "--bootstrap",
        &address,
        "--quiet",
        "--json",
        "-",
        "--spin",
        "0ms",
    ];
    line.extend(arguments);
    let output = loadgen(&line);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let value = serde_json::from_slice(&output.stdout);
    let value = value.unwrap_or_else(|error| panic!("{error}: {errors}"));
    (value, output.status.code().unwrap_or(-1))
}

fn number(value: &Value, path: &str) -> u64 {
    let found = path.split('.').fold(value, |value, name| &value[name]);
    found
        .as_u64()
        .unwrap_or_else(|| panic!("{path} is {found}"))
}

#[test]
fn what_an_honest_broker_keeps_is_verified() {
    let broker = Liar::start(3, Lie::None);
    let records = ["--records", "20000", "--batch-records", "100", "--verify"];
    let (result, status) = measure(&broker, "produce", &records);
    assert_eq!(
        (status, &result["verified"]),
        (0, &Value::Bool(true)),
        "{result}"
    );
    assert_eq!(number(&result, "records"), 20_000);
    assert_eq!(number(&result, "latency_ns.count"), 20_000);
    assert_eq!(number(&result, "settings.partitions"), 3);
    // By another process, from what the first one wrote down.
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("produced.json");
    std::fs::write(&report, result.to_string()).unwrap();
    let (again, status) = measure(&broker, "verify", &["--report", report.to_str().unwrap()]);
    assert_eq!(
        (status, &again["verified"]),
        (0, &Value::Bool(true)),
        "{again}"
    );
    let (consumed, status) = measure(&broker, "consume", &[]);
    assert_eq!((status, number(&consumed, "records")), (0, 20_000));
}

#[test]
fn every_lie_is_found_out() {
    let lies = [
        (Lie::Lose, "lost"),
        (Lie::Double, "duplicated"),
        (Lie::Swap, "out_of_order"),
        (Lie::ChangeByte, "corrupt"),
        (Lie::ChangeValue, "corrupt"),
        (Lie::Misplace, "misplaced"),
        (Lie::SkipOffset, "offsets"),
    ];
    for (lie, fault) in lies {
        let broker = Liar::start(2, lie);
        let records = [
            "--records",
            "4000",
            "--batch-records",
            "50",
            "--verify",
            "--connections",
            "2",
        ];
        let (result, status) = measure(&broker, "produce", &records);
        assert_eq!(
            (status, &result["verified"]),
            (1, &Value::Bool(false)),
            "{lie:?}: {result}"
        );
        assert!(
            number(&result, &format!("verification.{fault}")) > 0,
            "{lie:?}: {}",
            result["verification"]
        );
    }
}

#[test]
fn a_verdict_of_what_another_process_saw_acknowledged_finds_a_loss() {
    let broker = Liar::start(1, Lie::Lose);
    let (result, _) = measure(
        &broker,
        "produce",
        &["--records", "2000", "--batch-records", "50"],
    );
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("produced.json");
    std::fs::write(&report, result.to_string()).unwrap();
    let (verdict, status) = measure(&broker, "verify", &["--report", report.to_str().unwrap()]);
    assert_eq!(status, 1);
    assert!(number(&verdict, "verification.lost") > 0, "{verdict}");
}

#[test]
fn a_run_survives_lost_connections_and_counts_what_is_unknown() {
    let broker = Liar::start(2, Lie::CutConnections);
    let records = [
        "--records",
        "6000",
        "--batch-records",
        "50",
        "--verify",
        "--expect-faults",
    ];
    let (result, status) = measure(&broker, "produce", &records);
    assert_eq!(
        (status, &result["verified"]),
        (0, &Value::Bool(true)),
        "{result}"
    );
    assert!(number(&result, "incidents.disconnects") > 0);
    let unknown = number(&result, "incidents.ambiguous_records");
    assert!(unknown > 0);
    assert_eq!(
        number(&result, "records") + unknown,
        6000,
        "each record is acknowledged, or of unknown fate"
    );
    assert!(number(&result, "errors") > 0);
    // Some of the unknown ones are there, since every other cut comes after the append.
    assert!(number(&result, "verification.unacknowledged_present") > 0);
}

#[test]
fn an_idempotent_producer_sends_again_and_nothing_is_unknown() {
    let broker = Liar::start(2, Lie::CutConnections);
    let records = [
        "--records",
        "6000",
        "--batch-records",
        "50",
        "--verify",
        "--expect-faults",
        "--idempotent",
    ];
    let (result, status) = measure(&broker, "produce", &records);
    assert_eq!(
        (status, &result["verified"]),
        (0, &Value::Bool(true)),
        "{result}"
    );
    assert!(number(&result, "incidents.retried_records") > 0);
    assert_eq!(
        number(&result, "incidents.ambiguous_records"),
        0,
        "{}",
        result["incidents"]
    );
    assert_eq!(number(&result, "records"), 6000);
    assert_eq!(number(&result, "verification.unacknowledged_present"), 0);
}

#[test]
fn refusals_are_errors_and_no_losses() {
    let broker = Liar::start(1, Lie::Refuse);
    let records = ["--records", "2000", "--batch-records", "50", "--verify"];
    let (result, status) = measure(&broker, "produce", &records);
    assert_eq!(
        (status, &result["verified"]),
        (1, &Value::Bool(true)),
        "{result}"
    );
    assert!(number(&result, "incidents.refused_records") > 0);
    assert_eq!(
        number(&result, "errors"),
        number(&result, "incidents.refused_requests")
    );
}

#[test]
fn an_open_loop_counts_the_wait_of_all_that_was_due_during_a_stall() {
    let broker = Liar::start(1, Lie::Stall);
    let load = [
        "--rate",
        "1000",
        "--batch-records",
        "1",
        "--connections",
        "1",
        "--warmup",
        "0s",
        "--duration",
        "1s",
    ];
    let (result, status) = measure(&broker, "produce", &load);
    assert_eq!(status, 0, "{result}");
    // A thousand batches were due. During the stall of 400 ms about 400 of these: a closed loop, or one that counts from the
    // moment of sending, sees five slow ones.
    assert_eq!(number(&result, "latency_ns.count"), 1000);
    assert!(
        number(&result, "latency_ns.p90") > 200_000_000,
        "{}",
        result["latency_ns"]
    );
    assert!(result["rate"]["late"].as_f64().unwrap() > 0.2);
    assert_eq!(result["open_loop"], true);
}

#[test]
fn end_to_end_everything_acknowledged_is_consumed_and_timed() {
    let broker = Liar::start(2, Lie::None);
    let load = [
        "--rate",
        "20k",
        "--batch-records",
        "20",
        "--connections",
        "2",
        "--consumers",
        "2",
        "--warmup",
        "0s",
        "--duration",
        "500ms",
        "--verify",
        "--topics",
        "2",
    ];
    let (result, status) = measure(&broker, "both", &load);
    assert_eq!(
        (status, &result["verified"]),
        (0, &Value::Bool(true)),
        "{result}"
    );
    // On a machine too slow for the rate some batches are never sent, and count with the time that they waited.
    let unsent = 20 * number(&result, "rate.unsent");
    let timed = number(&result, "end_to_end_ns.count");
    assert_eq!(timed + unsent, number(&result, "latency_ns.count"));
    assert!(number(&result, "end_to_end_ns.max") > 0);
    assert_eq!(number(&result, "settings.topics"), 2);
}

#[test]
fn fetch_sessions_read_the_same_and_survive_being_forgotten() {
    for lie in [Lie::None, Lie::ForgetSessions] {
        let broker = Liar::start(5, lie);
        let records = ["--records", "20010", "--batch-records", "10", "--verify"];
        let (produced, status) = measure(&broker, "produce", &records);
        assert_eq!(status, 0, "{produced}");
        // A batch at a time, and one of the partitions has one more than the others, so those are forgotten before it is.
        let read = [
            "--fetch-sessions",
            "--connections",
            "1",
            "--fetches-in-flight",
            "2",
            "--partition-fetch-bytes",
            "1500",
            "--verify",
        ];
        let (consumed, status) = measure(&broker, "consume", &read);
        assert_eq!(
            (status, number(&consumed, "records")),
            (0, 20_010),
            "{lie:?}: {consumed}"
        );
        assert_eq!(number(&consumed, "errors"), 0, "{lie:?}: {consumed}");
        assert_eq!(consumed["verified"], Value::Bool(true));
        let (incremental, forgotten) = broker.session_use();
        assert!(
            incremental > 400 && forgotten > 0,
            "{incremental}, {forgotten}"
        );
    }
}

#[test]
fn backlog_chase_search_and_churn_tell_what_they_are_about() {
    let broker = Liar::start(2, Lie::None);
    let short = [
        "--duration",
        "200ms",
        "--warmup",
        "0s",
        "--connections",
        "2",
        "--consumers",
        "2",
    ];
    let run = |verb: &str, more: &[&str]| {
        let (result, status) = measure(&broker, verb, &[&short[..], more].concat());
        assert_eq!(status, 0, "{verb}: {result}");
        result
    };
    let backlog = run(
        "backlog",
        &["--backlog", "200KiB", "--verify", "--topic", "a"],
    );
    assert_eq!(backlog["phases"][0]["phase"], "build");
    assert_eq!(number(&backlog, "records"), 2048);
    assert_eq!(backlog["verified"], true);
    let chase = run(
        "chase",
        &[
            "--backlog",
            "200KiB",
            "--rate",
            "10k",
            "--batch-records",
            "10",
            "--topic",
            "b",
        ],
    );
    assert_eq!(chase["phases"][1]["phase"], "alone");
    assert!(
        number(&chase, "consumed.records") > 2048,
        "the backlog is read over and over"
    );
    let search = [
        "--p99",
        "10s",
        "--rate-max",
        "2000",
        "--batch-records",
        "10",
        "--precision",
        "0.5",
        "--topic",
        "c",
    ];
    assert!(
        run("search", &search)["rate"]["sustained"]
            .as_bool()
            .unwrap()
    );
    let churn = ["--duration", "200ms", "--warmup", "0s", "--parallel", "2"];
    for what in ["connections", "topics"] {
        let (result, status) = measure(
            &broker,
            "churn",
            &[&churn[..], &["--what", what, "--idle", "3"]].concat(),
        );
        assert_eq!(status, 0, "{result}");
        assert!(number(&result, "records") > 0, "{what}");
    }
}

#[test]
fn records_of_every_shape_are_taken_and_read_back() {
    let shapes: [&[&str]; 5] = [
        &[
            "--record-bytes",
            "40-400",
            "--keys",
            "zipf:100",
            "--headers",
            "2",
            "--compressible",
            "0.5",
        ],
        &["--compression", "zstd"],
        &[
            "--compression",
            "lz4",
            "--request-partitions",
            "3",
            "--topics",
            "2",
        ],
        &["--request-partitions", "2", "--batch-records", "400"],
        &[
            "--acks",
            "1",
            "--record-bytes",
            "20KiB",
            "--batch-records",
            "3",
        ],
    ];
    for (number, shape) in shapes.iter().enumerate() {
        let broker = Liar::start(3, Lie::None);
        let topic = format!("t{number}");
        let records = [
            "--records",
            "3000",
            "--verify",
            "--topic",
            &topic,
            "--batch-records",
            "100",
        ];
        let (result, status) = measure(&broker, "produce", &[&records[..], shape].concat());
        assert_eq!(
            (status, &result["verified"]),
            (0, &Value::Bool(true)),
            "{shape:?}: {result}"
        );
    }
    let broker = Liar::start(1, Lie::None);
    let small = ["--records", "3000", "--no-stamp", "--record-bytes", "10"];
    assert_eq!(measure(&broker, "produce", &small).1, 0);
    assert_eq!(measure(&broker, "consume", &["--check-crc"]).1, 0);
    assert_eq!(
        measure(&broker, "consume", &["--verify"]).1,
        1,
        "these are not its records"
    );
}

#[test]
fn results_are_told_in_every_form() {
    let broker = Liar::start(1, Lie::None);
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let address = broker.address.to_string();
    let run = |arguments: &[&str]| {
        let output = loadgen(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let produce = [
        "produce",
        "--bootstrap",
        &address,
        "--quiet",
        "--duration",
        "200ms",
        "--warmup",
        "0s",
    ];
    let (json, html, hgrm) = (file("a.json"), file("a.html"), file("a.hgrm"));
    let (hlog, csv) = (file("a.hlog"), file("a.csv"));
    let files = [
        "--json", &json, "--html", &html, "--hgrm", &hgrm, "--hlog", &hlog, "--csv", &csv,
        "--rounds", "2",
    ];
    let table = run(&[&produce[..], &files].concat());
    assert!(
        table.contains("records/s") && table.contains("rounds"),
        "{table}"
    );
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    assert!(read(&html).contains("</svg>"));
    assert!(read(&hgrm).contains("#[Mean"));
    assert!(read(&hlog).contains("#[BaseTime"));
    assert!(read(&csv).lines().count() >= 2);
    let result: Value = serde_json::from_str(&read(&json)).unwrap();
    assert_eq!(result["rounds"].as_array().unwrap().len(), 2);
    let kafka = run(&[&produce[..], &["--kafka-output"]].concat());
    assert!(
        kafka.lines().last().unwrap().ends_with("ms 99.9th."),
        "{kafka}"
    );
    assert!(run(&["compare", &json, &json]).contains("chance is not judged"));
    let page = file("both.html");
    run(&["report", &json, &json, "--html", &page]);
    assert!(read(&page).contains("2 results"));
}

#[test]
fn scenarios_run_their_steps() {
    let broker = Liar::start(2, Lie::None);
    let directory = tempfile::tempdir().unwrap();
    let (file, results) = (
        directory.path().join("s.toml"),
        directory.path().join("r.json"),
    );
    let text = format!(
        "bootstrap = \"{}\"\nquiet = true\n[[step]]\nverb = \"produce\"\nrecords = 1000\n[[step]]\nverb = \"consume\"\nverify = true\n",
        broker.address
    );
    std::fs::write(&file, text).unwrap();
    let output = loadgen(&[
        "scenario",
        file.to_str().unwrap(),
        "--json",
        results.to_str().unwrap(),
    ]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let read: Value = serde_json::from_str(&std::fs::read_to_string(&results).unwrap()).unwrap();
    assert_eq!(number(&read[1], "records"), 1000);
    let workload = directory.path().join("w.yaml");
    std::fs::write(
        &workload,
        "name: one\ntopics: 1\npartitionsPerTopic: 2\nmessageSize: 100\nproducerRate: 5000\n",
    )
    .unwrap();
    let address = broker.address.to_string();
    let line = [
        "scenario",
        workload.to_str().unwrap(),
        "--bootstrap",
        &address,
        "--",
        "--duration",
        "200ms",
        "--warmup",
        "0s",
        "--quiet",
        "--topic",
        "omb",
    ];
    let output = loadgen(&line);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("end to end"));
}

#[test]
fn requirements_and_wrong_usage_have_exit_codes_of_their_own() {
    let broker = Liar::start(1, Lie::None);
    let produce = ["--records", "100", "--batch-records", "10"];
    let required = |requirement: &str| {
        measure(
            &broker,
            "produce",
            &[&produce[..], &["--require", requirement]].concat(),
        )
        .1
    };
    assert_eq!(required("records==100"), 0);
    assert_eq!(required("records>=101"), 1);
    let address = broker.address.to_string();
    let wrong: [&[&str]; 4] = [
        &["produce", "--record-bytes", "10"],
        &["produce", "--require", "nothing"],
        &["produce", "--idempotent", "--in-flight", "6"],
        &["produce", "--no-such-option"],
    ];
    for arguments in wrong {
        let output = loadgen(&[arguments, &["--bootstrap", &address]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    let output = loadgen(&["produce", "--bootstrap", "127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot connect"));
    assert_eq!(loadgen(&["report", "no-such-file"]).status.code(), Some(1));
    assert!(!Path::new("report.html").exists());
}
