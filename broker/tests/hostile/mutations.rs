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
#[derive(Debug, Default)]
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
            .set_read_timeout(Some(Duration::from_millis(300)))
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
    assert!(honest.finish() > 0);
    let panics: Vec<_> = broker
        .lines()
        .into_iter()
        .filter(|line| line.contains("panicked"))
        .collect();
    assert!(panics.is_empty(), "{panics:#?}");
    drop(broker);
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

#[test]
fn thousands_of_random_mutations_of_real_requests() {
    const SEED: u64 = 20_260_824;
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    let honest = Honest::start(broker.port, "honest");
    let mut outcome = Outcome::default();
    let mut random = Random(SEED);
    let requests = golden();
    for _ in 0..6000 {
        let (_, _, bytes) = &requests[random.below(requests.len())];
        let mut spoiled = bytes.clone();
        for _ in 0..1 + random.below(3) {
            random.spoil(&mut spoiled);
        }
        // Mostly the length is true, so that what is behind it is reached.
        if random.below(20) > 0 {
            spoiled = with_true_length(spoiled);
        }
        outcome.send(broker.port, &spoiled);
    }
    assert!(
        outcome.closed > 500 && outcome.answered > 500,
        "{outcome:?}"
    );
    assert_whole(broker, honest, &outcome);
}
