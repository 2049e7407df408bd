//! Rows T15: kills at random moments. Also while a broker starts, recovers, rolls segments and makes checkpoints.

use std::time::Duration;

use tempfile::tempdir;

use crate::SMALL;
use crate::broker::{Broker, command, free_ports};
use crate::device::image::Random;
use crate::load::{End, Load, Written};

/// Kills while the directory of a broker is made for the first time.
const FIRST_STARTS: u64 = 12;
/// Kills under load.
const ROUNDS: u64 = 8;
const WRITERS: usize = 4;

fn ended(loads: Vec<Load>) -> Vec<Written> {
    let ended = loads.into_iter().map(|load| match load.ended() {
        (written, End::Closed) => written,
        (written, end) => panic!("{}: a kill says nothing, but {end:?}", written.topic),
    });
    ended.collect()
}

#[test]
fn t15_kills_during_the_first_start_leave_a_directory_that_starts() {
    let mut random = Random(15);
    for round in 0..FIRST_STARTS {
        let data = tempdir().unwrap();
        let options = ["--shards", "2", "--set", "journal.file.bytes=32MiB"];
        for _ in 0..2 {
            let started =
                Broker::launch(command(data.path(), free_ports(2), &options), data.path());
            // Some die before the first file, some while the journals are filled, some after.
            std::thread::sleep(Duration::from_millis(random.below(40 + 20 * round)));
            started.kill();
        }
        let broker = Broker::start_as(data.path(), 2, &options);
        let written = {
            let load = Load::start(broker.port, "t");
            load.goes_on();
            load.stop()
        };
        written.assert_there(broker.port);
        broker.stop();
    }
}

#[test]
fn t15_kills_under_load_during_rolls_checkpoints_and_recovery_lose_nothing() {
    let mut random = Random(1515);
    let data = tempdir().unwrap();
    let options = [&["--shards", "2"], &SMALL[..]].concat();
    let mut written: Option<Vec<Written>> = None;
    let rolled = || crate::files::with_suffix(data.path(), ".log").len() > WRITERS;
    let mut round = 0;
    // A slow machine gets as many rounds as it needs to write more than one segment a partition.
    while round < ROUNDS || !rolled() {
        round += 1;
        assert!(round <= 20 * ROUNDS, "segments are rolled");
        // Half of the starts are cut short as well.
        while random.below(2) == 0 {
            let started =
                Broker::launch(command(data.path(), free_ports(2), &options), data.path());
            std::thread::sleep(Duration::from_millis(random.below(250)));
            started.kill();
        }
        let broker = Broker::start_as(data.path(), 2, &options);
        let port = broker.port;
        let loads: Vec<Load> = match &written {
            None => (0..WRITERS)
                .map(|number| Load::start(port, &format!("load-{number}")))
                .collect(),
            Some(written) => written.iter().map(|one| one.go_on(port)).collect(),
        };
        loads.iter().for_each(Load::goes_on);
        std::thread::sleep(Duration::from_millis(random.below(700)));
        broker.kill();
        written = Some(ended(loads));
    }
    let broker = Broker::start_as(data.path(), 2, &options);
    let written = written.unwrap();
    written.iter().for_each(|one| one.assert_there(broker.port));
    assert!(rolled(), "what was rolled is kept");
    broker.stop();
}
