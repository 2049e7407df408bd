//! Produce by idempotent producers: duplicates, gaps, epochs, wraps.

use protocol::compression::Compression;

use super::requests::{PRODUCE, fetch_all, produce, produce_body};
use crate::batch::Batch;
use crate::scenario::{Run, Scenario, Step};

const VERSIONS: [i16; 7] = [3, 4, 5, 8, 9, 11, 13];

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(duplicates(run, version));
        all.push(gaps(run, version));
        all.push(epochs(run, version));
        all.push(wraps(run, version));
    }
    all.push(strangers(run));
    all.push(mixed(run));
    all.push(after_errors(run));
    all.push(partitions_apart(run));
    all.push(in_flight(run));
    all
}

/// Batches of (producer, epoch, first sequence, records), one after the other; then what is there.
fn sent(run: &Run, name: &str, version: i16, batches: &[(i64, i16, i32, i32)]) -> Scenario {
    let topic = format!("{}-v{version}", name.replace(' ', "-"));
    let mut scenario = Scenario::new(format!("{name} v{version}")).topic(&topic, 1, &[]);
    for (at, (producer, epoch, sequence, count)) in batches.iter().enumerate() {
        let bytes = Batch::of(run.time, *count)
            .by(*producer, *epoch, *sequence)
            .bytes();
        let label =
            format!("{at}: producer {producer} epoch {epoch} sequence {sequence} of {count}");
        scenario = scenario.step(produce(run, label, version, &topic, &bytes));
    }
    scenario.step(fetch_all(run, "what is there", 11, &topic, 0))
}

fn duplicates(run: &Run, version: i16) -> Scenario {
    let mut batches: Vec<_> = (0..8).map(|at| (1, 0, at * 2, 2)).collect();
    // The last again, the fifth last, the sixth last, a part of one, one that spans two, and what must follow.
    batches.extend([
        (1, 0, 14, 2),
        (1, 0, 6, 2),
        (1, 0, 4, 2),
        (1, 0, 14, 1),
        (1, 0, 15, 1),
    ]);
    batches.extend([
        (1, 0, 12, 4),
        (1, 0, 13, 2),
        (1, 0, 16, 2),
        (1, 0, 16, 2),
        (1, 0, 8, 2),
        (1, 0, 6, 2),
    ]);
    sent(run, "duplicates", version, &batches)
}

fn gaps(run: &Run, version: i16) -> Scenario {
    let batches = [
        (1, 0, 0, 3),
        (1, 0, 4, 1),
        (1, 0, 2, 1),
        (1, 0, 3, 1),
        (1, 0, i32::MAX, 1),
        (1, 0, 0, 1),
        (1, 0, 0, 4),
        (1, 0, 0, 3),
        (1, 0, 4, 2),
    ];
    sent(run, "gaps", version, &batches)
}

fn epochs(run: &Run, version: i16) -> Scenario {
    let batches = [
        (1, 3, 0, 2),
        (1, 2, 2, 1),
        (1, 2, 0, 2),
        (1, 4, 2, 1),
        (1, 4, 1, 1),
        (1, 4, 0, 2),
        (1, 3, 0, 2),
        (1, 3, 2, 2),
        (1, 4, 0, 2),
        (1, 4, 2, 1),
        (1, i16::MAX, 0, 1),
        (1, i16::MAX, 1, 1),
        (1, 5, 0, 1),
        (1, -1, 0, 1),
        (1, -5, 2, 1),
    ];
    sent(run, "epochs", version, &batches)
}

fn wraps(run: &Run, version: i16) -> Scenario {
    let batches = [
        (1, 0, i32::MAX - 1, 2),
        (1, 0, 0, 2),
        (1, 0, i32::MAX - 1, 2),
        (2, 0, i32::MAX - 1, 5),
        (2, 0, i32::MAX - 1, 5),
        (2, 0, 3, 1),
        (2, 0, 2, 1),
        (3, 0, i32::MAX, 1),
        (3, 0, i32::MAX, 2),
        (3, 0, 0, 1),
        (4, 0, i32::MAX, 1),
        (4, 0, 1, 1),
    ];
    sent(run, "wraps", version, &batches)
}

fn strangers(run: &Run) -> Scenario {
    let batches = [
        (10, 0, 5, 1),
        (10, 0, 6, 1),
        (11, 7, 9, 2),
        (11, 7, 9, 2),
        (12, 0, i32::MAX, 1),
        (0, 0, 0, 1),
        (0, 0, 1, 1),
        (i64::MAX, i16::MAX, 0, 1),
        (13, -1, 0, 1),
        (13, -1, 1, 1),
        (13, 0, 1, 1),
        (13, 0, 0, 1),
        (14, -3, 3, 1),
    ];
    sent(run, "strangers", 9, &batches)
}

fn mixed(run: &Run) -> Scenario {
    let batches = [
        (1, 0, 0, 1),
        (2, 0, 0, 1),
        (-1, -1, -1, 2),
        (1, 0, 1, 1),
        (2, 0, 1, 1),
        (2, 0, 0, 1),
        (1, 0, 0, 1),
        (-1, -1, 7, 1),
        (-1, 5, 7, 1),
        (-5, 5, 7, 1),
    ];
    sent(run, "mixed", 8, &batches)
}

/// What is refused for another reason leaves the sequence as it was; so does what is not there.
fn after_errors(run: &Run) -> Scenario {
    let topic = "errors";
    let of = |sequence, count| Batch::of(run.time, count).by(1, 0, sequence);
    let broken = Batch {
        crc: Some(1),
        ..of(1, 1)
    };
    let counted = Batch {
        count: Some(5),
        ..of(1, 1)
    };
    let late = Batch::of(run.time + 9_000_000, 1).by(1, 0, 1);
    let control = Batch {
        attributes: 0x20,
        ..of(1, 1)
    };
    let other_codec = of(0, 1).with(Compression::Gzip);
    let other_content = Batch::holding(run.time + 7, &[(0, None, Some(b"other"))]).by(1, 0, 0);
    let mut scenario = Scenario::new("after errors").topic(topic, 1, &[]);
    for (label, batch) in [
        ("first", of(0, 1)),
        ("broken", broken),
        ("miscounted", counted),
        ("late", late),
        ("control", control),
        ("the first again, compressed", other_codec),
        ("the first again, with other records", other_content),
        ("second", of(1, 1)),
        ("a gap", of(5, 1)),
        ("third", of(2, 1)),
    ] {
        scenario = scenario.step(produce(run, label, 8, topic, &batch.bytes()));
    }
    scenario.step(fetch_all(run, "what is there", 11, topic, 0))
}

fn partitions_apart(run: &Run) -> Scenario {
    let topic = "apart";
    let of = |sequence| Batch::of(run.time, 1).by(1, 0, sequence).bytes();
    let both = |label: &str, first: &[u8], second: &[u8]| {
        let body = produce_body(
            run,
            9,
            -1,
            None,
            &[(topic, &[(0, Some(first)), (1, Some(second))])],
        );
        Step::ask(label, PRODUCE, 9, &body)
    };
    let twice = |label: &str, first: &[u8], second: &[u8]| {
        let body = produce_body(
            run,
            9,
            -1,
            None,
            &[(topic, &[(0, Some(first)), (0, Some(second))])],
        );
        Step::ask(label, PRODUCE, 9, &body)
    };
    Scenario::new("partitions apart")
        .topic(topic, 2, &[])
        .step(both("0 and 0", &of(0), &of(0)))
        .step(both("1 and 0", &of(1), &of(0)))
        .step(both("0 and 3", &of(0), &of(3)))
        .step(both("3 and 1", &of(3), &of(1)))
        .step(twice("the same partition: 2 and 3", &of(2), &of(3)))
        .step(twice("the same partition: 4 and 5", &of(4), &of(5)))
        .step(fetch_all(run, "partition 0", 11, topic, 0))
        .step(fetch_all(run, "partition 1", 11, topic, 1))
}

/// Five at once and a duplicate of each, before the first is answered; then a gap that makes all after it fail.
fn in_flight(run: &Run) -> Scenario {
    let topic = "in-flight";
    let mut scenario = Scenario::new("in flight").topic(topic, 1, &[]);
    let sequences = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 6, 7, 5, 6];
    for sequence in sequences {
        let bytes = Batch::of(run.time, 1).by(1, 0, sequence).bytes();
        scenario = scenario.step(produce(run, "", 8, topic, &bytes).send_only());
    }
    for (at, sequence) in sequences.iter().enumerate() {
        scenario = scenario.step(Step::receive(
            format!("{at}: sequence {sequence}"),
            PRODUCE,
            8,
        ));
    }
    scenario.step(fetch_all(run, "what is there", 11, topic, 0))
}
