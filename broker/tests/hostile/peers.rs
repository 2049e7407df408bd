//! Many peers, slow peers, and peers that are gone without a word.

use std::io::Write as _;
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use tempfile::tempdir;

use crate::broker::{Broker, PATIENCE, connect};
use crate::wire::{API_VERSIONS, Body, FETCH, Honest, create_topic, frame, reply};

/// Says aloud what could not be tried here. Not `eprintln!`, which the test runner swallows.
fn skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

/// Descriptors this process may have, after asking for as many as it may.
fn descriptors_max() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure is this thread's own, the calls fill or read it.
    #[allow(unsafe_code)]
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
    }
    limit.rlim_cur
}

fn is_served(stream: &mut TcpStream) -> bool {
    stream.write_all(&frame(API_VERSIONS, 0, &[])).is_ok() && reply(stream).is_some()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn ten_thousand_idle_connections_are_kept_and_cost_little() {
    const CONNECTIONS: usize = 10_000;
    let descriptors = descriptors_max();
    // The broker keeps a quarter of its own for segments.
    if descriptors < 2 * CONNECTIONS as u64 {
        return skipped(
            "ten_thousand_idle_connections",
            &format!("this user may have {descriptors} descriptors only"),
        );
    }
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    let honest = Honest::start(broker.port, "honest");
    let before = broker.resident_bytes();

    let mut idle: Vec<TcpStream> = (0..CONNECTIONS).map(|_| connect(broker.port)).collect();
    idle.iter_mut()
        .step_by(100)
        .for_each(|stream| assert!(is_served(stream)));
    honest.goes_on();
    let grown = broker.resident_bytes().saturating_sub(before);
    assert!(
        grown < 128 << 20,
        "{grown} bytes for {CONNECTIONS} connections"
    );
    assert!(is_served(&mut idle[CONNECTIONS - 1]), "the last one is in");
    drop(idle);
    assert!(honest.finish() > 0);
    broker.stop();
}

#[test]
fn slow_writers_are_answered_and_hold_up_nobody() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    let honest = Honest::start(broker.port, "honest");
    let mut slow: Vec<TcpStream> = (0..50).map(|_| connect(broker.port)).collect();
    for byte in frame(API_VERSIONS, 0, &[]) {
        slow.iter_mut()
            .for_each(|stream| stream.write_all(&[byte]).unwrap());
        honest.goes_on();
    }
    assert!(slow.iter_mut().all(|stream| reply(stream).is_some()));
    assert!(honest.finish() > 0);
    broker.stop();
}

/// Closes a connection so that its peer does not hear of it.
fn vanish(stream: &TcpStream) -> std::io::Result<()> {
    /// `TCP_REPAIR`: the socket is closed in silence.
    const REPAIR: libc::c_int = 19;
    let on: libc::c_int = 1;
    let length = libc::socklen_t::try_from(size_of_val(&on)).unwrap();
    // SAFETY: the descriptor is open, and the value as long as it says.
    #[allow(unsafe_code)]
    let set = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            REPAIR,
            (&raw const on).cast(),
            length,
        )
    };
    match set {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

#[test]
fn peers_that_vanished_without_a_word_are_closed_when_their_time_is_up() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &["--set", "connections.max.idle.ms=2000"]);
    assert_eq!(create_topic(broker.port, "t", 1, &[]), 0);
    let honest = Honest::start(broker.port, "honest");
    let before = broker.descriptors();
    let waits = Body::default()
        .i32(-1)
        .i32(500)
        .i32(1 << 30)
        .i32(1 << 20)
        .i8(0);
    let waits = waits.i32(1).text("t").i32(1).i32(0).i64(0).i32(1);
    let fetch = frame(FETCH, 4, &waits.0);
    let half: Vec<_> = (0..90).map(|_| connect(broker.port)).collect();
    for (number, mut stream) in half.into_iter().enumerate() {
        // Nothing; a request whose answer comes when nobody is there any more.
        let length = [0, fetch.len()][number % 2];
        stream.write_all(&fetch[..length]).unwrap();
        if let Err(error) = vanish(&stream) {
            return skipped("peers_that_vanished", &error.to_string());
        }
    }
    wait_until("what vanished is closed", || {
        broker.descriptors() <= before + 2
    });
    assert!(honest.finish() > 0);
    broker.stop();
}
