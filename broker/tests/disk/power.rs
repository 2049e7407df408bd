//! Rows T1, T2 and T6-T10: a disk that loses power, fails, lies, fills up, is slow or hangs, below ext4. Needs root.

use std::fs;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use crate::SMALL;
use crate::broker::{Broker, PATIENCE, connect};
use crate::device::image::Random;
use crate::device::{Faults, Machine, own_mounts};
use crate::load::{End, Load, Written};
use crate::wire::{API_VERSIONS, create_topic, fetch, fetched, frame, reply, try_once};
use crate::{files, skipped};

/// KAFKA_STORAGE_ERROR.
const STORAGE_ERROR: i16 = 56;
const DISK_BYTES: usize = 256 << 20;
const WRITERS: usize = 4;
const POWER_LOSSES: u64 = 4;
const ONE: [&str; 2] = ["--shards", "1"];

/// A journal of two files.
const TWO_FILES: [&str; 4] = [
    "--set",
    "journal.file.bytes=32MiB",
    "--set",
    "journal.bytes.max=64MiB",
];

/// A disk of its own for `test`, or a line that says why there is none.
fn machine(test: &str, bytes: usize) -> Option<Machine> {
    let made = own_mounts().and_then(|()| Machine::new(bytes));
    made.map_err(|why| skipped(test, &why)).ok()
}

fn start_loads(port: u16) -> Vec<Load> {
    let topic = |number| format!("load-{number}");
    let loads: Vec<_> = (0..WRITERS)
        .map(|number| Load::start(port, &topic(number)))
        .collect();
    loads.iter().for_each(Load::goes_on);
    loads
}

/// All loads end, each because it was refused as by a failed disk, or because its broker was gone.
fn ended(loads: Vec<Load>) -> Vec<Written> {
    let ended = loads.into_iter().map(|load| match load.ended() {
        (written, End::Closed | End::Refused(STORAGE_ERROR)) => written,
        (written, end) => panic!("{}: {end:?}", written.topic),
    });
    ended.collect()
}

fn assert_all_there(broker: &Broker, written: &[Written]) {
    written.iter().for_each(|one| one.assert_there(broker.port));
}

#[test]
fn t01_t02_power_losses_under_load_lose_nothing_acknowledged() {
    let Some(mut machine) = machine("t01_t02", 2 * DISK_BYTES) else {
        return;
    };
    let data = machine.root().join("data");
    let options = [&["--shards", "2"], &SMALL[..]].concat();
    let mut random = Random(1);
    let mut written: Option<Vec<Written>> = None;
    let mut unflushed = 0;
    for _ in 0..POWER_LOSSES {
        let broker = Broker::start_as(&data, 2, &options);
        let loads = match &written {
            None => start_loads(broker.port),
            Some(written) => written.iter().map(|one| one.go_on(broker.port)).collect(),
        };
        loads.iter().for_each(Load::goes_on);
        std::thread::sleep(Duration::from_millis(random.below(1200)));
        machine.power_off_after(random.below(40));
        written = Some(ended(loads));
        broker.kill();
        unflushed += machine.power_on(&mut random).unwrap().unflushed;
    }
    let broker = Broker::start_as(&data, 2, &options);
    assert_all_there(&broker, &written.unwrap());
    assert!(unflushed > 0, "no write was on its way");
    broker.stop();
}

#[test]
fn t01_a_file_system_that_is_shut_down_fences_and_loses_nothing_acknowledged() {
    /// `EXT4_IOC_SHUTDOWN`, and its flag that leaves the file system's own journal unflushed.
    const SHUTDOWN: libc::c_ulong = 0x8004_587d;
    const WITHOUT_FLUSH: u32 = 2;
    let Some(mut machine) = machine("t01_shutdown", DISK_BYTES) else {
        return;
    };
    let data = machine.root().join("data");
    let options = [&ONE[..], &SMALL].concat();
    let broker = Broker::start_as(&data, 1, &options);
    let loads = start_loads(broker.port);
    let root = fs::File::open(machine.root()).unwrap();
    let flags = WITHOUT_FLUSH;
    // SAFETY: the descriptor is open, the flags are there.
    #[allow(unsafe_code)]
    let shut = unsafe { libc::ioctl(root.as_raw_fd(), SHUTDOWN, &raw const flags) };
    assert_eq!(shut, 0, "{}", std::io::Error::last_os_error());
    drop(root);
    let written = ended(loads);
    assert!(broker.wait_for("this shard is fenced"));
    broker.kill();
    machine.power_on(&mut Random(1)).unwrap();
    let broker = Broker::start_as(&data, 1, &options);
    assert_all_there(&broker, &written);
    broker.stop();
}

#[test]
fn t06_a_failed_write_fences_the_shard_and_a_restart_heals_it() {
    fenced_by("t06_write", |machine| {
        machine
            .disk()
            .set(|faults| faults.failing_writes = u32::MAX);
    });
}

#[test]
fn t07_a_failed_sync_is_never_retried() {
    fenced_by("t07", |machine| {
        machine.disk().set(|faults| faults.failing_flushes = 1);
    });
}

/// After `fail`, nothing is acknowledged until a restart, reads go on, and then all is there.
fn fenced_by(test: &str, fail: impl FnOnce(&Machine)) {
    let Some(mut machine) = machine(test, DISK_BYTES) else {
        return;
    };
    let data = machine.root().join("data");
    let options = [&ONE[..], &TWO_FILES].concat();
    let broker = Broker::start_as(&data, 1, &options);
    // Nothing but the journal's frames is to be written.
    files::wait_for_spares(&data.join("shard-0"), 2);
    let loads = start_loads(broker.port);
    fail(&machine);
    let written = ended(loads);
    assert!(broker.wait_for("this shard is fenced"));
    // The disk is well again; that changes nothing.
    machine.disk().set(|faults| *faults = Faults::default());
    for one in &written {
        assert_eq!(
            one.go_on(broker.port).ended().1,
            End::Refused(STORAGE_ERROR)
        );
        one.assert_there(broker.port);
    }
    let mut broker = broker;
    broker.signal(libc::SIGTERM);
    assert_eq!(
        broker.wait(PATIENCE).code(),
        Some(1),
        "{:#?}",
        broker.lines()
    );
    // What the failed sync left in the device's cache may be lost.
    machine.power_on(&mut Random(7)).unwrap();
    let broker = Broker::start_as(&data, 1, &options);
    assert_all_there(&broker, &written);
    broker.stop();
}

#[test]
fn t06_a_segment_that_cannot_be_read_refuses_its_range_only() {
    let Some(mut machine) = machine("t06_read", DISK_BYTES) else {
        return;
    };
    let data = machine.root().join("data");
    let options = [&ONE[..], &SMALL].concat();
    let broker = Broker::start_as(&data, 1, &options);
    let load = Load::start(broker.port, "t");
    load.wait_for(20_000);
    let written = load.stop();
    broker.stop();
    machine.remount().unwrap();
    let segments = files::with_suffix(&data, ".log");
    let bad = Machine::extents_of(&segments[1]).unwrap();
    assert!(!bad.is_empty());
    let broker = Broker::start_as(&data, 1, &options);
    machine.disk().set(|faults| faults.unreadable = bad);
    let base = |at: usize| -> i64 {
        let name = segments[at].file_stem().unwrap().to_str().unwrap();
        name.parse().unwrap()
    };
    let code = |offset| fetched(&try_once(broker.port, &fetch("t", offset, 1 << 20)).unwrap()).0;
    assert_eq!(code(base(1)), STORAGE_ERROR);
    assert!(broker.wait_for("a segment cannot be read"));
    assert_eq!((code(0), code(base(2))), (0, 0));
    // Writing goes on.
    let load = written.go_on(broker.port);
    load.goes_on();
    let written = load.stop();
    machine.disk().set(|faults| faults.unreadable.clear());
    written.assert_there(broker.port);
    broker.stop();
}

#[test]
fn t08_a_disk_that_lies_about_syncs_is_found_out_or_loses_only_the_end() {
    let Some(mut machine) = machine("t08_lies", DISK_BYTES) else {
        return;
    };
    let data = machine.root().join("data");
    let broker = Broker::start_as(&data, 1, &ONE);
    let load = Load::start(broker.port, "t");
    load.wait_for(1000);
    let before = load.acknowledged();
    machine.disk().set(|faults| faults.lying = true);
    load.goes_on();
    machine.power_off();
    broker.kill();
    let (written, _) = load.ended();
    machine.power_on(&mut Random(8)).unwrap();
    // Out of contract: what was acknowledged last may be gone. What is there is whole, in order, and nobody else's.
    let command = crate::broker::command(&data, crate::broker::free_ports(1), &ONE);
    let mut broker = Broker::launch(command, &data);
    if broker.wait_for("Pelton is ready") {
        crate::wire::assert_records(broker.port, "t", before..=written.acknowledged + 50);
        broker.stop();
    } else {
        let status = broker.wait(PATIENCE);
        assert_eq!(
            status.code(),
            Some(crate::exit::DAMAGED),
            "{:#?}",
            broker.lines()
        );
    }
}

#[test]
fn t09_a_full_file_system_refuses_produces_and_heals() {
    let Some(mut machine) = machine("t09", 64 << 20) else {
        return;
    };
    let data = machine.root().join("data");
    let options = [&ONE[..], &SMALL].concat();
    let broker = Broker::start_as(&data, 1, &options);
    let load = Load::start(broker.port, "t");
    let (written, end) = load.ended();
    assert_eq!(end, End::Refused(STORAGE_ERROR));
    assert!(broker.wait_for("the file system is full"));
    // Reads go on; space that comes back is used.
    written.assert_there(broker.port);
    assert_eq!(
        create_topic(broker.port, "small", 1, &[]),
        0,
        "the journal has its space"
    );
    let delete = crate::wire::Body::default().i32(1).text("t").i32(30_000);
    let deleted = try_once(
        broker.port,
        &frame(crate::wire::DELETE_TOPICS, 1, &delete.0),
    );
    assert!(deleted.is_some());
    assert!(broker.wait_for("there is space again"));
    let load = Load::go_on(broker.port, "small", 0);
    load.goes_on();
    let written = load.stop();
    machine.power_off();
    broker.kill();
    machine.power_on(&mut Random(9)).unwrap();
    let broker = Broker::start_as(&data, 1, &options);
    written.assert_there(broker.port);
    broker.stop();
}

#[test]
fn t10_a_slow_disk_slows_only_what_needs_it() {
    let Some(machine) = machine("t10_slow", DISK_BYTES) else {
        return;
    };
    let data = machine.root().join("data");
    let broker = Broker::start_as(&data, 1, &ONE);
    let load = Load::start(broker.port, "t");
    load.goes_on();
    machine
        .disk()
        .set(|faults| faults.delay = Duration::from_millis(300));
    load.goes_on();
    machine.disk().set(|faults| faults.delay = Duration::ZERO);
    load.stop().assert_there(broker.port);
    broker.stop();
}

#[test]
fn t10_a_hung_disk_stops_produces_and_nothing_else() {
    let Some(machine) = machine("t10_hung", DISK_BYTES) else {
        return;
    };
    let data = machine.root().join("data");
    let broker = Broker::start_as(&data, 1, &ONE);
    let load = Load::start(broker.port, "t");
    load.goes_on();
    machine.disk().set(|faults| faults.hung = true);
    // Whoever needs no disk is served, many times over, while a produce waits.
    let mut stream = connect(broker.port);
    let before = load.acknowledged();
    let begun = Instant::now();
    let mut answered = 0;
    while begun.elapsed() < Duration::from_secs(3) {
        stream.write_all(&frame(API_VERSIONS, 0, &[])).unwrap();
        reply(&mut stream).expect("answered while the disk hangs");
        answered += 1;
    }
    assert!(answered > 100, "{answered}");
    let hung = load.acknowledged();
    assert!(hung <= before + 100, "{before}, {hung}");
    machine.disk().set(|faults| faults.hung = false);
    load.goes_on();
    load.stop().assert_there(broker.port);
    broker.stop();
}
