//! Rows T2-T5, T8 and T29: files that are torn, flipped, missing, cut, misdirected or old, as one finds them at a start. Either
//! everything acknowledged is there, or the broker refuses with a sentence, and changes nothing.

use std::fs;
use std::path::Path;

use tempfile::{TempDir, tempdir};

use crate::SMALL;
use crate::broker::{Broker, PATIENCE, command, free_ports};
use crate::device::image::Random;
use crate::exit;
use crate::files::{self, Spoiled};
use crate::load::{Load, Written};
use crate::wire::{create_topic, fetch, fetched, try_once};

/// KAFKA_STORAGE_ERROR.
const STORAGE_ERROR: i16 = 56;

const TOPIC_ALREADY_EXISTS: i16 = 36;

/// Where a frame carries its checksum.
const CHECKSUM_AT: usize = 76;

/// A killed broker's directory whose journal ends with an idle mark, and what was written.
fn killed() -> (TempDir, Written) {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    let load = Load::start(broker.port, "t");
    load.wait_for(2000);
    let written = load.stop();
    kill_idle(broker, data.path());
    (data, written)
}

/// Kills a broker that nobody writes to any more, once its journal ends with an idle mark.
fn kill_idle(broker: Broker, data: &Path) {
    let journal = files::only_journal(&data.join("shard-0"));
    let deadline = std::time::Instant::now() + PATIENCE;
    while !files::frames(&journal).last().unwrap().is_mark {
        assert!(std::time::Instant::now() < deadline, "an idle mark comes");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    broker.kill();
}

/// A start must be refused as damaged, in these words.
fn refuses(data: &Path, options: &[&str], words: &str) {
    let mut broker = Broker::launch(command(data, free_ports(2), options), data);
    let status = broker.wait(PATIENCE);
    let said = broker.ended_lines();
    assert_eq!(status.code(), Some(exit::DAMAGED), "{said:#?}");
    assert!(said.iter().any(|line| line.contains(words)), "{said:#?}");
}

#[test]
fn t02_a_torn_frame_at_the_journals_end_is_cut_and_told() {
    let (data, written) = killed();
    let journal = files::only_journal(&data.path().join("shard-0"));
    // A frame that was being written: its header is there and its body is not, or nothing is.
    for bytes in [1, 16, 4096] {
        let last = files::frames(&journal).last().unwrap().place.start;
        let spoiled = match bytes {
            1 => Spoiled::flipped(&journal, last + CHECKSUM_AT, 3),
            _ => Spoiled::with(&journal, last, &vec![0; bytes]),
        };
        let broker = Broker::start(data.path(), &[]);
        written.assert_there(broker.port);
        if bytes == 1 {
            assert!(broker.wait_for("ends with a torn frame"));
        }
        kill_idle(broker, data.path());
        // The start has written its own frames there, of which the mark is the last.
        std::mem::forget(spoiled);
    }
}

#[test]
fn t03_a_flipped_bit_in_synced_frames_is_refused_or_harmless() {
    let (data, written) = killed();
    let journal = files::only_journal(&data.path().join("shard-0"));
    let frames = files::frames(&journal);
    let mut random = Random(3);
    let mut refused = 0;
    for _ in 0..12 {
        let frame = &frames[random.below(frames.len() as u64 - 1) as usize].place;
        let at = frame.start + random.below(frame.len() as u64) as usize;
        let _spoiled = Spoiled::flipped(&journal, at, random.below(8) as u32);
        let before = fs::read(&journal).unwrap();
        let port = free_ports(2);
        let mut broker = Broker::launch(command(data.path(), port, &[]), data.path());
        if broker.wait_for("Pelton is ready") {
            // Between the end of a frame and the end of its block, where nothing is.
            written.assert_there(broker.port);
            broker.kill();
            continue;
        }
        assert_eq!(broker.wait(PATIENCE).code(), Some(exit::DAMAGED));
        let said = broker.ended_lines();
        let names = |line: &String| line.contains("journal corrupt at") && line.contains("Restore");
        assert!(said.iter().any(names), "{said:#?}");
        assert!(fs::read(&journal).unwrap() == before, "nothing was changed");
        refused += 1;
    }
    assert!(refused > 4, "{refused} of 12");
    let broker = Broker::start(data.path(), &[]);
    written.assert_there(broker.port);
    broker.stop();
}

#[test]
fn t05_a_misdirected_or_stale_frame_is_refused() {
    let (data, written) = killed();
    let journal = files::only_journal(&data.path().join("shard-0"));
    let frames = files::frames(&journal);
    let bytes = fs::read(&journal).unwrap();
    let middle = frames.len() / 2;
    let same = |a: usize, b: usize| frames[a].place.len() == frames[b].place.len();
    let other = (0..middle)
        .rev()
        .find(|other| same(*other, middle))
        .unwrap();
    {
        // A write went to the place of another; a write never came to its place.
        let (from, to) = (frames[other].place.clone(), frames[middle].place.clone());
        let _spoiled = Spoiled::with(&journal, to.start, &bytes[from]);
        refuses(data.path(), &[], "journal corrupt at");
    }
    {
        let place = frames[middle].place.clone();
        let _spoiled = Spoiled::with(&journal, place.start, &vec![0; place.len()]);
        refuses(data.path(), &[], "journal corrupt at");
    }
    let broker = Broker::start(data.path(), &[]);
    written.assert_there(broker.port);
    broker.stop();
}

/// A stopped broker's directory with several segments of a topic, and what was written.
fn with_segments() -> (TempDir, Written) {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &SMALL);
    let load = Load::start(broker.port, "t");
    load.wait_for(20_000);
    let written = load.stop();
    broker.stop();
    (data, written)
}

/// Kafka's code for a fetch from `offset`.
fn fetch_code(port: u16, offset: i64) -> i16 {
    fetched(&try_once(port, &fetch("t", offset, 1 << 20)).unwrap()).0
}

#[test]
fn t04_a_damaged_segment_refuses_its_range_and_serves_the_others() {
    let (data, mut written) = with_segments();
    let segments = files::with_suffix(data.path(), ".log");
    assert!(segments.len() > 3, "{segments:?}");
    let base_of = |path: &Path| -> i64 {
        let name = path.file_stem().unwrap().to_str().unwrap();
        name.parse().unwrap()
    };
    let second = base_of(&segments[1]);
    let third = base_of(&segments[2]);
    let bytes = fs::read(&segments[1]).unwrap();
    // Flipped in its first batch; cut to half; gone. The offset that is refused, and why.
    for (damage, bad) in [("flipped", second), ("cut", third - 1), ("gone", second)] {
        match damage {
            "flipped" => {
                let mut flipped = bytes.clone();
                flipped[200] ^= 4;
                fs::write(&segments[1], &flipped).unwrap();
            }
            "cut" => fs::write(&segments[1], &bytes[..bytes.len() / 2]).unwrap(),
            _ => fs::remove_file(&segments[1]).unwrap(),
        }
        let broker = Broker::start(data.path(), &SMALL);
        assert_eq!(fetch_code(broker.port, bad), STORAGE_ERROR, "{damage}");
        assert!(broker.wait_for("a segment cannot be read"), "{damage}");
        let named = segments[1].to_str().unwrap();
        assert!(broker.lines().iter().any(|line| line.contains(named)));
        assert_eq!(fetch_code(broker.port, 0), 0, "{damage}");
        assert_eq!(fetch_code(broker.port, third), 0, "{damage}");
        // The partition takes records as before.
        let load = written.go_on(broker.port);
        load.goes_on();
        written = load.stop();
        broker.kill();
        fs::write(&segments[1], &bytes).unwrap();
    }
    let broker = Broker::start(data.path(), &SMALL);
    written.assert_there(broker.port);
    broker.stop();
}

#[test]
fn t04_a_damaged_or_missing_index_is_rebuilt() {
    let (data, written) = with_segments();
    let indexes = files::with_suffix(data.path(), ".idx");
    assert!(!indexes.is_empty());
    for (number, index) in indexes.iter().enumerate() {
        let bytes = fs::read(index).unwrap();
        match number % 3 {
            0 => fs::remove_file(index).unwrap(),
            1 => fs::write(index, &bytes[..bytes.len() / 2]).unwrap(),
            _ => {
                let mut flipped = bytes.clone();
                flipped[bytes.len() / 3] ^= 1;
                fs::write(index, flipped).unwrap();
            }
        }
    }
    let broker = Broker::start(data.path(), &SMALL);
    written.assert_there(broker.port);
    broker.stop();
}

/// Puts a copy of the directory `from` in the place of `to`.
fn put_in_place(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    copy_all(from, to);
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_all(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// A stopped broker on two shards, which has `topics`.
fn two_shards_with(data: &Path, topics: &[&str]) {
    let broker = Broker::start_as(data, 2, &[]);
    for topic in topics {
        assert_eq!(create_topic(broker.port, topic, 4, &[]), 0);
    }
    broker.stop();
}

#[test]
fn t29_a_journal_older_than_its_checkpoint_is_refused() {
    let (data, written) = killed();
    let copies = tempdir().unwrap();
    let (old, new) = (copies.path().join("old"), copies.path().join("new"));
    let journal = data.path().join("shard-0/journal");
    copy_all(&journal, &old);
    let broker = Broker::start(data.path(), &[]);
    let load = written.go_on(broker.port);
    load.goes_on();
    let written = load.stop();
    broker.stop();
    copy_all(&journal, &new);
    put_in_place(&old, &journal);
    refuses(data.path(), &[], "is an older copy");
    put_in_place(&new, &journal);
    let broker = Broker::start(data.path(), &[]);
    written.assert_there(broker.port);
    broker.stop();
}

#[test]
fn t29_a_shard_of_another_directory_is_refused() {
    let (mine, other) = (tempdir().unwrap(), tempdir().unwrap());
    two_shards_with(mine.path(), &["t"]);
    two_shards_with(other.path(), &["t"]);
    let manifest = |data: &Path| files::with_suffix(&data.join("shard-1"), ".manifest")[0].clone();
    let own = fs::read(manifest(mine.path())).unwrap();
    fs::copy(manifest(other.path()), manifest(mine.path())).unwrap();
    refuses(mine.path(), &[], "belongs to another journal");
    fs::write(manifest(mine.path()), own).unwrap();
    let shard = |data: &Path| data.join("shard-1");
    put_in_place(&shard(other.path()), &shard(mine.path()));
    refuses(mine.path(), &[], "belongs to another journal");
}

#[test]
fn t29_an_older_first_shard_removes_nothing_of_the_others() {
    let data = tempdir().unwrap();
    two_shards_with(data.path(), &["before"]);
    let copies = tempdir().unwrap();
    let (old, new) = (copies.path().join("old"), copies.path().join("new"));
    let first = data.path().join("shard-0");
    copy_all(&first, &old);
    two_shards_with(data.path(), &["after"]);
    let here = || {
        let entries = fs::read_dir(data.path().join("shard-1")).unwrap().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    let before = here();
    copy_all(&first, &new);
    put_in_place(&old, &first);
    let broker = Broker::start_as(data.path(), 2, &[]);
    assert!(broker.wait_for("shard 0 has older metadata"));
    broker.kill();
    assert_eq!(here(), before);
    put_in_place(&new, &first);
    let broker = Broker::start_as(data.path(), 2, &[]);
    let code = create_topic(broker.port, "after", 4, &[]);
    assert_eq!(code, TOPIC_ALREADY_EXISTS);
    broker.stop();
}
