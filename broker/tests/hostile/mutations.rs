//! Real clients' requests, spoiled: lengths and counts that lie at every place of every request, and random damage with a
//! fixed seed. The broker answers or closes, and goes on.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::time::Duration;

use tempfile::tempdir;

use crate::broker::{Broker, connect};
use crate::wire::{API_VERSIONS, Honest, frame};

/// What memory may grow to under any of this, bytes.
const PEAK_BYTES_MAX: u64 = 900 << 20;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

/// Recorded requests: API key, version, frame.
fn golden() -> Vec<(i16, i16, Vec<u8>)> {
    let text = include_str!("../../../protocol/tests/golden/kafka-4.3.0.tsv");
    let rows = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let (key, version) = (columns[0].parse().unwrap(), columns[1].parse().unwrap());
            (key, version, unhex(columns[3]))
        });
    rows.collect()
}

/// What became of spoiled requests.
#[derive(Debug, Default, Clone, Copy)]
struct Outcome {
    answered: u32,
    closed: u32,
    waits: u32,
}

impl Outcome {
    /// Sends `spoiled` and a request that is well, on a connection of their own, and reads to its end.
    fn send(&mut self, port: u16, spoiled: &[u8]) {
        let mut stream = connect(port);
        // A spoiled fetch may ask to wait for minutes: that is its right, and nobody waits for it here.
        stream
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let well = frame(API_VERSIONS, 0, &[]);
        if stream.write_all(&[spoiled, &well].concat()).is_err() {
            self.closed += 1;
            return;
        }
        let _ = stream.shutdown(Shutdown::Write);
        let mut all = Vec::new();
        match stream.read_to_end(&mut all) {
            Ok(0) => self.closed += 1,
            Ok(_) => self.answered += 1,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => self.waits += 1,
            Err(_) => self.closed += 1,
        }
    }
}

fn with_true_length(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = i32::try_from(bytes.len() - 4).unwrap();
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes
}

fn assert_whole(broker: Broker, honest: Honest, outcome: &Outcome) {
    let peak = broker.peak_bytes();
    assert!(peak < PEAK_BYTES_MAX, "{peak} bytes, {outcome:?}");
    let (records, latencies) = honest.finish_timed();
    let at = |thousandth: usize| latencies[(latencies.len() - 1) * thousandth / 1000];
    // To be read where somebody asks for it: `cargo test ... -- --nocapture`.
    eprintln!(
        "{outcome:?}; {} MiB at most; the honest client: {records} records, none wrong, microseconds p50 {} p99 {} p999 {} max {}",
        peak >> 20,
        at(500),
        at(990),
        at(999),
        at(1000)
    );
    let panics: Vec<_> = broker
        .lines()
        .into_iter()
        .filter(|line| line.contains("panicked"))
        .collect();
    assert!(panics.is_empty(), "{panics:#?}");
    broker.stop();
}

#[test]
fn lengths_and_counts_that_lie_at_every_place_of_every_request() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    let honest = Honest::start(broker.port, "honest");
    let mut outcome = Outcome::default();
    let mut seen = Vec::new();
    for (key, version, bytes) in golden() {
        if seen.contains(&(key, version)) {
            continue;
        }
        seen.push((key, version));
        // From the client id's length on, at most as far as batches are none of this test's business.
        for at in 12..bytes.len().saturating_sub(4).min(150) {
            for lie in [i32::MAX, -1, i32::MIN] {
                let mut spoiled = bytes.clone();
                spoiled[at..at + 4].copy_from_slice(&lie.to_be_bytes());
                outcome.send(broker.port, &spoiled);
            }
        }
    }
    assert!(
        seen.len() >= 60,
        "every API and version of the captures: {}",
        seen.len()
    );
    assert!(
        outcome.closed > 1000 && outcome.answered > 1000,
        "{outcome:?}"
    );
    assert_whole(broker, honest, &outcome);
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        if bytes.len() < 6 {
            return;
        }
        let at = 4 + self.below(bytes.len() - 4);
        match self.below(7) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][self.below(5)],
            2 => bytes.truncate(at + 1),
            3 => drop(bytes.remove(at)),
            4 => bytes.insert(at, self.below(256) as u8),
            5 => {
                let end = (at + 1 + self.below(40)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                let _ = bytes.splice(at..at, again).count();
            }
            _ => {
                let end = (at + 8).min(bytes.len());
                bytes[at..end].fill(0xff);
            }
        }
    }
}

/// A number from the environment, for long runs.
fn number(name: &str, otherwise: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// A real conversation of one to four requests, of which one or some are spoiled.
fn spoiled_conversation(requests: &[(i16, i16, Vec<u8>)], random: &mut Random) -> Vec<u8> {
    let mut all = Vec::new();
    for left in (0..1 + random.below(4)).rev() {
        let (_, _, bytes) = &requests[random.below(requests.len())];
        let mut bytes = bytes.clone();
        if left == 0 || random.below(4) == 0 {
            for _ in 0..1 + random.below(3) {
                random.spoil(&mut bytes);
            }
            // Mostly the length is true, so that what is behind it is reached.
            if random.below(20) > 0 {
                bytes = with_true_length(bytes);
            }
        }
        all.extend(bytes);
    }
    all
}

/// `PELTON_MUTATIONS` (how many) and `PELTON_SEED` make it a long run.
#[test]
fn thousands_of_random_mutations_of_real_requests() {
    let seed = number("PELTON_SEED", 20_260_824);
    let mutations = number("PELTON_MUTATIONS", 6000);
    let data = tempdir().unwrap();
    let broker = Broker::start_as(data.path(), 2, &["--shards", "2"]);
    let honest = Honest::start(broker.port, "honest");
    let (port, requests) = (broker.port, golden());
    let fuzzers = std::thread::scope(|scope| {
        let fuzzers = [0, 1, 2].map(|number| {
            let requests = &requests;
            scope.spawn(move || {
                let (mut random, mut outcome) = (Random(seed + number), Outcome::default());
                for _ in 0..mutations / 3 {
                    outcome.send(port, &spoiled_conversation(requests, &mut random));
                }
                outcome
            })
        });
        fuzzers.map(|fuzzer| fuzzer.join().unwrap())
    });
    let sum = |count: fn(&Outcome) -> u32| fuzzers.iter().map(count).sum();
    let outcome = Outcome {
        answered: sum(|outcome| outcome.answered),
        closed: sum(|outcome| outcome.closed),
        waits: sum(|outcome| outcome.waits),
    };
    assert!(
        outcome.closed > 500 && outcome.answered > 500,
        "{outcome:?}"
    );
    assert_whole(broker, honest, &outcome);
}
