//! Too much at once: pipelining without end, peers that never read, floods of connections, no descriptors left.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use protocol::compression::Compression;
use tempfile::tempdir;

use crate::broker::{Broker, PATIENCE, command, connect, free_ports};
use crate::wire::{
    API_VERSIONS, Honest, batch, create_topic, fetch, fetched, frame, produce, produced, reply,
    try_once,
};

const MIB: u64 = 1 << 20;

/// Waits until `holds`, which is certain to come.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether the broker has closed this connection, or does within a moment.
fn is_served(stream: &mut TcpStream) -> bool {
    stream.write_all(&frame(API_VERSIONS, 0, &[])).is_ok() && reply(stream).is_some()
}

#[test]
fn a_million_pipelined_requests_are_all_answered_in_order() {
    const REQUESTS: u32 = 1_000_000;
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    let honest = Honest::start(broker.port, "honest");
    let before = broker.resident_bytes();
    let mut stream = connect(broker.port);
    let mut sending = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        let mut request = frame(API_VERSIONS, 0, &[]);
        for first in (0..REQUESTS).step_by(1000) {
            let mut many = Vec::new();
            for number in first..first + 1000 {
                request[8..12].copy_from_slice(&number.to_be_bytes());
                many.extend_from_slice(&request);
            }
            sending.write_all(&many).unwrap();
        }
    });
    let mut buffered = std::io::BufReader::with_capacity(1 << 16, &mut stream);
    let mut bytes = Vec::new();
    for number in 0..REQUESTS {
        let mut length = [0; 4];
        buffered.read_exact(&mut length).unwrap();
        bytes.resize(u32::from_be_bytes(length) as usize, 0);
        buffered.read_exact(&mut bytes).unwrap();
        assert_eq!(bytes[..4], number.to_be_bytes(), "replies come in order");
    }
    sender.join().unwrap();
    let grown = broker.peak_bytes().saturating_sub(before);
    assert!(grown < 128 * MIB, "{grown} bytes");
    assert!(honest.finish() > 0);
    broker.stop();
}

#[test]
fn pipelined_produces_are_answered_in_order() {
    const REQUESTS: i64 = 20_000;
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    assert_eq!(create_topic(broker.port, "t", 1, &[]), 0);
    let mut stream = connect(broker.port);
    let mut sending = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        let request = produce("t", -1, &batch(Compression::None, &[b"x"]));
        (0..REQUESTS).for_each(|_| sending.write_all(&request).unwrap());
    });
    for number in 0..REQUESTS {
        assert_eq!(produced(&reply(&mut stream).unwrap()), (0, number));
    }
    sender.join().unwrap();
    broker.stop();
}

#[test]
fn peers_that_never_read_cost_bounded_memory_and_nobody_else() {
    let data = tempdir().unwrap();
    // All of it is read from memory.
    let broker = Broker::start(data.path(), &["--set", "direct.bytes.min=1GiB"]);
    assert_eq!(create_topic(broker.port, "bulk", 1, &[]), 0);
    let records = batch(Compression::None, &[&[b'x'; 300_000]]);
    for _ in 0..180 {
        let answer = try_once(broker.port, &produce("bulk", -1, &records)).unwrap();
        assert_eq!(produced(&answer).0, 0);
    }
    let honest = Honest::start(broker.port, "honest");
    let mut deaf = Vec::new();
    for _ in 0..60 {
        let mut stream = connect(broker.port);
        for _ in 0..20 {
            stream.write_all(&fetch("bulk", 0, 50 << 20)).unwrap();
        }
        deaf.push(stream);
    }
    honest.goes_on();
    std::thread::sleep(Duration::from_secs(2));
    honest.goes_on();
    let peak = broker.peak_bytes();
    assert!(
        peak < 1400 * MIB,
        "{} MiB for 60 peers that never read",
        peak / MIB
    );
    // Who reads gets something still, and everything once the others have gone.
    let answer = try_once(broker.port, &fetch("bulk", 0, 50 << 20)).unwrap();
    assert!(fetched(&answer).2.len() >= 300_000);
    drop(deaf);
    wait_until("what was held for the deaf is free again", || {
        let answer = try_once(broker.port, &fetch("bulk", 0, 50 << 20)).unwrap();
        fetched(&answer).2.len() > 40 << 20
    });
    assert!(honest.finish() > 0);
    broker.stop();
}

#[test]
fn half_read_requests_hold_no_more_than_their_bound() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &["--set", "queued.max.request.bytes=32000000"]);
    let honest = Honest::start(broker.port, "honest");
    let before = broker.resident_bytes();
    // Each sends 7 of the 8 MB it promised: 700 MB in all, of which the broker takes what its bound allows.
    let senders: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = connect(broker.port);
            stream.set_nonblocking(true).unwrap();
            std::thread::spawn(move || {
                let part = vec![0u8; 7_000_000];
                let mut bytes = [&8_000_000i32.to_be_bytes()[..], &part].concat();
                let end = Instant::now() + Duration::from_secs(2);
                while !bytes.is_empty() && Instant::now() < end {
                    match stream.write(&bytes) {
                        Ok(sent) => drop(bytes.drain(..sent)),
                        Err(_) => std::thread::sleep(Duration::from_millis(5)),
                    }
                }
                stream
            })
        })
        .collect();
    let streams: Vec<_> = senders
        .into_iter()
        .map(|sender| sender.join().unwrap())
        .collect();
    honest.goes_on();
    let grown = broker.peak_bytes().saturating_sub(before);
    assert!(
        grown < 160 * MIB,
        "{} MiB for half-read requests",
        grown / MIB
    );
    // A large request of an honest client finds room once the others have gone.
    drop(streams);
    assert_eq!(create_topic(broker.port, "large", 1, &[]), 0);
    let records = batch(Compression::None, &[&[b'x'; 900_000]]);
    let answer = try_once(broker.port, &produce("large", -1, &records)).unwrap();
    assert_eq!(produced(&answer), (0, 0));
    assert!(honest.finish() > 0);
    broker.stop();
}

#[test]
fn connections_beyond_the_bounds_are_closed_and_room_is_used_again() {
    for (setting, reason) in [
        ("max.connections=3", "(max.connections)"),
        ("max.connections.per.ip=3", "(max.connections.per.ip)"),
    ] {
        let data = tempdir().unwrap();
        let broker = Broker::start(data.path(), &["--set", setting]);
        let mut kept = Vec::new();
        wait_until("three are served", || {
            let mut stream = broker.connect();
            if is_served(&mut stream) {
                kept.push(stream);
            }
            kept.len() == 3
        });
        for _ in 0..20 {
            assert!(!is_served(&mut broker.connect()), "{setting}");
        }
        broker.assert_refusal(reason);
        assert!(kept.iter_mut().all(is_served), "{setting}");
        drop(kept.pop());
        wait_until("a place is free again", || is_served(&mut broker.connect()));
        broker.stop();
    }
}

#[test]
fn idle_connections_are_closed_and_busy_ones_are_not() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &["--set", "connections.max.idle.ms=1000"]);
    let mut idle = broker.connect();
    let mut busy = broker.connect();
    let honest = Honest::start(broker.port, "honest");
    let mut half = broker.connect();
    half.write_all(&[0, 0]).unwrap();
    let busy = std::thread::spawn(move || {
        for _ in 0..25 {
            assert!(is_served(&mut busy));
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    // Waits for the close: a reply could not come.
    assert_eq!(reply(&mut idle), None);
    busy.join().unwrap();
    assert!(honest.finish() > 0);
    broker.stop();
}

#[test]
fn a_flood_of_connections_leaves_nothing_behind() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    let honest = Honest::start(broker.port, "honest");
    let before = broker.descriptors();
    for round in 0..20 {
        let flood: Vec<_> = (0..100).map(|_| broker.connect()).collect();
        for (number, mut stream) in flood.into_iter().enumerate() {
            // Nothing, a part of a request, a request whose reply nobody takes.
            let request = frame(API_VERSIONS, 0, &[]);
            let length = [0, 7, request.len()][number % 3];
            stream.write_all(&request[..length]).unwrap();
        }
        if round % 5 == 0 {
            honest.goes_on();
        }
    }
    wait_until("the flood's descriptors are free", || {
        broker.descriptors() <= before + 2
    });
    assert!(honest.finish() > 0);
    broker.stop();
}

#[test]
fn without_descriptors_those_who_are_in_are_served() {
    let data = tempdir().unwrap();
    let port = free_ports(1);
    let own = command(data.path(), port, &["--shards", "1"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", r#"ulimit -n 200 && exec "$@""#, "sh"]);
    limited.arg(own.get_program()).args(own.get_args());
    limited
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let broker = Broker::launch(limited, data.path());
    assert!(broker.wait_for("Pelton is ready"), "{:#?}", broker.lines());
    let honest = Honest::start(broker.port, "honest");
    let mut flood: Vec<_> = (0..300).map(|_| broker.connect()).collect();
    honest.goes_on();
    let served = flood
        .iter_mut()
        .filter_map(|stream| is_served(stream).then_some(()))
        .count();
    assert!((50..200).contains(&served), "{served} of 300 are served");
    // Segments find their descriptors: new partitions with data, by a connection that is in.
    honest.goes_on();
    drop(flood);
    wait_until("there is room again", || is_served(&mut broker.connect()));
    assert!(honest.finish() > 0);
    broker.stop();
}
