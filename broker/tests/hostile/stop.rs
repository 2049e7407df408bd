//! Stops: clean under load, at once when asked twice, and by force. Nothing acknowledged is lost in any.

use std::io::Write as _;
use std::time::Duration;

use tempfile::tempdir;

use crate::broker::{Broker, PATIENCE, connect};
use crate::load::{End, Load};
use crate::wire::{Body, FETCH, frame};

/// The promise for a stop under load.
const STOP_MAX: Duration = Duration::from_secs(10);

/// Starts a broker under load, lets `end` end it, and looks for every acknowledged record after another start.
fn ends_under_load(end: impl FnOnce(&mut Broker)) {
    let data = tempdir().unwrap();
    let mut broker = Broker::start(data.path(), &[]);
    let loads: Vec<_> = (0..4)
        .map(|number| Load::start(broker.port, &format!("load-{number}")))
        .collect();
    loads.iter().for_each(|load| load.wait_for(500));
    end(&mut broker);
    drop(broker);
    let written: Vec<_> = loads
        .into_iter()
        .map(|load| match load.ended() {
            (written, End::Closed) => written,
            (_, end) => panic!("a stop is no failure: {end:?}"),
        })
        .collect();
    let broker = Broker::start(data.path(), &[]);
    written.iter().for_each(|one| one.assert_there(broker.port));
    broker.stop();
}

#[test]
fn a_stop_under_load_is_clean_and_takes_less_than_ten_seconds() {
    ends_under_load(|broker| {
        broker.signal(libc::SIGTERM);
        assert_eq!(
            broker.wait(STOP_MAX).code(),
            Some(0),
            "{:#?}",
            broker.lines()
        );
    });
}

#[test]
fn a_kill_under_load_loses_nothing_acknowledged() {
    ends_under_load(|broker| {
        broker.signal(libc::SIGKILL);
        assert_eq!(broker.wait(PATIENCE).code(), None);
    });
}

#[test]
fn a_second_signal_stops_at_once() {
    ends_under_load(|broker| {
        // A fetch that waits: the first stop gives it a while to be answered.
        let mut waiting = connect(broker.port);
        let body = Body::default()
            .i32(-1)
            .i32(60_000)
            .i32(1 << 30)
            .i32(1 << 20)
            .i8(0);
        let body = body.i32(1).text("load-0").i32(1).i32(0).i64(0).i32(1);
        waiting.write_all(&frame(FETCH, 4, &body.0)).unwrap();
        let lines = broker.lines().len();
        std::thread::sleep(Duration::from_millis(100));
        broker.signal(libc::SIGINT);
        assert!(broker.wait_for_new(lines, "stopping"));
        broker.signal(libc::SIGTERM);
        assert_eq!(
            broker.wait(PATIENCE).code(),
            Some(1),
            "{:#?}",
            broker.lines()
        );
    });
}
