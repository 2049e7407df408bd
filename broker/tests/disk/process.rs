//! Rows T14, T16, T21 and T22: a process that is stopped for a while, whose clock jumps, that has few descriptors or little
//! memory.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::tempdir;

use crate::broker::{Broker, command, connect, free_ports};
use crate::load::{End, Load};
use crate::wire::{Body, FETCH, Fields, frame, reply, try_once};
use crate::{SMALL, skipped};

#[test]
fn t14_a_stopped_process_goes_on_where_it_was() {
    let data = tempdir().unwrap();
    let options = [&["--shards", "2"], &SMALL[..]].concat();
    let broker = Broker::start_as(data.path(), 2, &options);
    let loads: Vec<_> = (0..4)
        .map(|number| Load::start(broker.port, &format!("load-{number}")))
        .collect();
    loads.iter().for_each(Load::goes_on);
    for pause_ms in [1, 10, 100, 500, 2000] {
        broker.signal(libc::SIGSTOP);
        // One batch each may have been answered already and not yet counted.
        std::thread::sleep(Duration::from_millis(50));
        let before: Vec<_> = loads.iter().map(Load::acknowledged).collect();
        std::thread::sleep(Duration::from_millis(pause_ms));
        let after: Vec<_> = loads.iter().map(Load::acknowledged).collect();
        assert_eq!(before, after, "nobody answers for a stopped broker");
        broker.signal(libc::SIGCONT);
        loads.iter().for_each(Load::goes_on);
    }
    for load in loads {
        load.stop().assert_there(broker.port);
    }
    broker.stop();
}

/// A broker whose wall clock is ahead by what [`Clock::jump`] says.
struct Clock {
    seconds: PathBuf,
}

impl Clock {
    fn jump(&self, seconds: i64) {
        // In place: the process has it mapped.
        let file = fs::File::options().write(true).open(&self.seconds);
        file.unwrap().write_all(&seconds.to_le_bytes()).unwrap();
    }
}

/// Starts a broker with one shard and a clock of its own, built from `skew.c`; the error says why there is none.
fn with_clock(data: &Path, place: &Path) -> Result<(Broker, Clock), String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/disk/skew.c");
    let library = place.join("skew.so");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .arg(&library);
    let built = compiler.arg(&source).output();
    let built = built.map_err(|error| format!("cc: {error}"))?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned());
    }
    let clock = Clock {
        seconds: place.join("seconds"),
    };
    fs::write(&clock.seconds, [0; 4096]).unwrap();
    let mut command = command(data, free_ports(1), &["--shards", "1"]);
    command
        .env("LD_PRELOAD", &library)
        .env("SKEW_FILE", &clock.seconds);
    let broker = Broker::launch(command, data);
    assert!(broker.wait_for("Pelton is ready"), "{:#?}", broker.lines());
    Ok((broker, clock))
}

/// Timestamp with which a topic that stamps by the broker's clock takes a record, ms.
fn stamp(port: u16, topic: &str) -> i64 {
    let records = crate::wire::batch(protocol::compression::Compression::None, &[b"x"]);
    let answer = try_once(port, &crate::wire::produce(topic, -1, &records)).unwrap();
    let mut fields = Fields(&answer);
    fields.take(4 + 4);
    fields.text();
    fields.take(4 + 4);
    assert_eq!(fields.i16(), 0);
    fields.i64();
    fields.i64()
}

#[test]
fn t16_jumps_of_the_wall_clock_move_stamps_and_nothing_else() {
    const HOUR: i64 = 3600;
    let (data, place) = (tempdir().unwrap(), tempdir().unwrap());
    let (broker, clock) = match with_clock(data.path(), place.path()) {
        Ok(made) => made,
        Err(why) => return skipped("t16", &why),
    };
    let port = broker.port;
    let stamped = [("message.timestamp.type", "LogAppendTime")];
    assert_eq!(crate::wire::create_topic(port, "stamped", 1, &stamped), 0);
    let load = Load::start(port, "t");
    let begun = stamp(port, "stamped");
    for seconds in [HOUR, -HOUR, 24 * HOUR, 0] {
        // A fetch that waits for what does not come: neither at once nor for ever.
        let mut waiting = connect(port);
        let body = Body::default()
            .i32(-1)
            .i32(500)
            .i32(1 << 30)
            .i32(1 << 20)
            .i8(0);
        let body = body.i32(1).text("stamped").i32(1).i32(0).i64(0).i32(1);
        waiting.write_all(&frame(FETCH, 4, &body.0)).unwrap();
        let asked = std::time::Instant::now();
        clock.jump(seconds);
        load.goes_on();
        reply(&mut waiting).expect("it ends by the monotonic clock");
        assert!(asked.elapsed() >= Duration::from_millis(400), "{seconds}");
        let ahead = (stamp(port, "stamped") - begun) / 1000 - seconds;
        assert!((0..120).contains(&ahead), "{seconds}: {ahead}");
    }
    load.stop().assert_there(port);
    broker.stop();
}

/// A control group of version 1 or 2 with a limit of memory; removed when dropped.
struct Group(PathBuf);

impl Group {
    fn new(bytes: u64) -> Result<Self, String> {
        let name = format!("pelton-test-{}", std::process::id());
        let roots = [
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            ("/sys/fs/cgroup", "memory.max"),
        ];
        let mut why = String::new();
        for (root, limit) in roots {
            let group = Path::new(root).join(&name);
            match fs::create_dir(&group) {
                Ok(()) => {
                    let made = Self(group);
                    match fs::write(made.0.join(limit), bytes.to_string()) {
                        Ok(()) => return Ok(made),
                        Err(error) => why = format!("{root}: {limit}: {error}"),
                    }
                }
                Err(error) => why = format!("{root}: {error}"),
            }
        }
        Err(why)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// A broker in `group`.
fn start_in(group: &Group, data: &Path, options: &[&str]) -> Broker {
    let own = command(data, free_ports(1), options);
    let mut inside = Command::new("sh");
    let script = r#"echo $$ > "$0" && exec "$@""#;
    inside
        .args(["-c", script])
        .arg(group.0.join("cgroup.procs"));
    inside.arg(own.get_program()).args(own.get_args());
    inside
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let broker = Broker::launch(inside, data);
    assert!(broker.wait_for("Pelton is ready"), "{:#?}", broker.lines());
    broker
}

#[test]
fn t22_within_a_limit_of_memory_produces_are_slowed_not_killed() {
    const LIMIT: u64 = 512 << 20;
    let group = match Group::new(LIMIT) {
        Ok(group) => group,
        Err(why) => return skipped("t22", &why),
    };
    let data = tempdir().unwrap();
    let mut broker = start_in(&group, data.path(), &["--shards", "1"]);
    let port = broker.port;
    // Several times the limit, as fast as it is taken.
    let senders: Vec<_> = (0..8)
        .map(|number| {
            std::thread::spawn(move || {
                let topic = format!("bulk-{number}");
                assert_eq!(crate::wire::create_topic(port, &topic, 1, &[]), 0);
                let none = protocol::compression::Compression::None;
                let records = crate::wire::batch(none, &[&[b'x'; 900_000]]);
                let request = crate::wire::produce(&topic, -1, &records);
                let mut stream = connect(port);
                for _ in 0..200 {
                    stream.write_all(&request).unwrap();
                    let answer = reply(&mut stream).expect("slowed, not closed");
                    assert_eq!(crate::wire::produced(&answer).0, 0);
                }
            })
        })
        .collect();
    for sender in senders {
        sender.join().unwrap();
    }
    assert!(broker.is_running());
    let load = Load::start(port, "t");
    load.goes_on();
    // And when it is killed for memory after all, it is as after any kill.
    broker.kill();
    let (written, end) = load.ended();
    assert_eq!(end, End::Closed);
    let broker = start_in(&group, data.path(), &["--shards", "1"]);
    written.assert_there(broker.port);
    broker.stop();
}
