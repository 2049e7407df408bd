//! What the broker allocates a request in steady state, by a counting allocator around the whole broker in this process: nothing
//! a record, and of a request's bytes no more than the buffers they lie in. Prints its figures with `--nocapture`; with
//! `ALLOCATION_SITES=1` also who allocates.

#![allow(clippy::unwrap_used, unsafe_code)]

#[path = "harness/broker.rs"]
#[allow(dead_code, reason = "shared with other test programs")]
mod harness;
#[path = "harness/wire.rs"]
#[allow(dead_code, reason = "shared with other test programs")]
mod wire;

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use ::broker::cli::ExitCode;
use ::broker::config::Config;
use protocol::compression::Compression;

use harness as broker;
use harness::{connect, free_ports};
use wire::{batch, create_topic, fetch, fetched, produce, produced, reply};

/// Counts what all threads but the client's allocate.
struct Counting;

static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
/// Whether who allocates is written down.
static SITES_WANTED: AtomicBool = AtomicBool::new(false);
static SITES: Mutex<BTreeMap<String, (u64, u64)>> = Mutex::new(BTreeMap::new());

thread_local! {
    /// The client, and whoever is writing a site down.
    static PASSED_OVER: Cell<bool> = const { Cell::new(false) };
}

fn count(bytes: usize) {
    // A thread that ends has no such value any more.
    if PASSED_OVER.try_with(Cell::get).unwrap_or(true) {
        return;
    }
    CALLS.fetch_add(1, Relaxed);
    BYTES.fetch_add(bytes as u64, Relaxed);
    if SITES_WANTED.load(Relaxed) {
        PASSED_OVER.set(true);
        let site = site(&Backtrace::force_capture().to_string());
        let mut sites = SITES.lock().unwrap();
        let entry = sites.entry(site).or_default();
        *entry = (entry.0 + 1, entry.1 + bytes as u64);
        drop(sites);
        PASSED_OVER.set(false);
    }
}

/// The innermost places of this workspace and its engine in a stack.
fn site(stack: &str) -> String {
    let places = stack
        .lines()
        .filter_map(|line| line.trim().strip_prefix("at "));
    let ours = places.filter_map(|place| {
        let cut = [
            "./src/",
            "broker/src/",
            "protocol/src/",
            "/raft-",
            "/glommio-",
        ];
        let at = cut.iter().find_map(|cut| place.find(cut))?;
        Some(place[at..].trim_start_matches('/'))
    });
    // Of the runtime and the engine the innermost place says what it is, of the broker the next few who wants it.
    let (mut told, mut own) = (Vec::new(), 0);
    for place in ours {
        let of_broker = !place.starts_with("glommio-") && !place.starts_with("raft-");
        if of_broker || told.is_empty() {
            told.push(place);
        }
        own += usize::from(of_broker);
        if own == 3 {
            break;
        }
    }
    told.join(" < ")
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes.saturating_sub(layout.size()));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, bytes) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What was allocated for each request.
#[derive(Debug, Clone, Copy)]
struct Cost {
    calls: f64,
    bytes: f64,
}

const WARM_UP: usize = 300;
const REQUESTS: usize = 300;
/// What is due by time and not by request falls into some windows: the cheapest one counts.
const WINDOWS: usize = 5;

/// Sends `request` again and again, `in_flight` at once, and tells what the broker allocates for each.
fn cost(name: &str, port: u16, request: &[u8], in_flight: usize, check: impl Fn(&[u8])) -> Cost {
    let mut stream = connect(port);
    drive(&mut stream, request, WARM_UP, in_flight, &check);
    let mut least = Cost {
        calls: f64::INFINITY,
        bytes: f64::INFINITY,
    };
    for _ in 0..WINDOWS {
        let before = (CALLS.load(Relaxed), BYTES.load(Relaxed));
        drive(&mut stream, request, REQUESTS, in_flight, &check);
        let each = |now: u64, before: u64| (now - before) as f64 / REQUESTS as f64;
        least.calls = least.calls.min(each(CALLS.load(Relaxed), before.0));
        least.bytes = least.bytes.min(each(BYTES.load(Relaxed), before.1));
    }
    eprintln!(
        "{name}: {:.2} allocations, {:.0} bytes a request of {} bytes",
        least.calls,
        least.bytes,
        request.len()
    );
    if std::env::var_os("ALLOCATION_SITES").is_some() {
        tell_sites(&mut stream, request, in_flight, &check);
    }
    least
}

fn tell_sites(stream: &mut TcpStream, request: &[u8], in_flight: usize, check: &impl Fn(&[u8])) {
    const LOOKED_AT: usize = 60;
    SITES_WANTED.store(true, Relaxed);
    drive(stream, request, LOOKED_AT, in_flight, check);
    SITES_WANTED.store(false, Relaxed);
    let mut sites: Vec<_> = std::mem::take(&mut *SITES.lock().unwrap())
        .into_iter()
        .collect();
    sites.sort_by_key(|(_, (calls, _))| std::cmp::Reverse(*calls));
    for (site, (calls, bytes)) in sites {
        let (calls, each) = (calls as f64 / LOOKED_AT as f64, bytes / calls);
        eprintln!("  {calls:6.2} a request, {each:8} bytes each: {site}");
    }
}

fn drive(
    stream: &mut TcpStream,
    request: &[u8],
    requests: usize,
    in_flight: usize,
    check: &impl Fn(&[u8]),
) {
    for sent in 0..requests + in_flight {
        if sent < requests {
            stream.write_all(request).unwrap();
        }
        if sent >= in_flight {
            check(&reply(stream).expect("an answer"));
        }
    }
}

fn of_records(records: usize, bytes: usize) -> Vec<u8> {
    batch(Compression::None, &vec![&vec![b'x'; bytes][..]; records])
}

/// Allocations for each record that `more` has above `less`.
fn growth(less: (usize, Cost), more: (usize, Cost)) -> f64 {
    (more.1.calls - less.1.calls) / (more.0 - less.0) as f64
}

/// A turn of the loop, a piece of what is received or written back, or a batch of an answer may allocate; a record may not.
const ALLOCATIONS_PER_RECORD_MAX: f64 = 0.05;
/// Buffers that a request's bytes lie in: as received, in the journal's frame, and on their way to a segment.
const BUFFERS_MAX: f64 = 4.0;
const OTHER_BYTES_MAX: f64 = 65_536.0;

#[test]
fn steady_state_allocates_nothing_a_record() {
    PASSED_OVER.set(true);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let port = free_ports(1);
    let listen = format!("127.0.0.1:{port}");
    let data = directory.path().to_str().unwrap().to_owned();
    let running = std::thread::spawn(move || {
        let config = Config::from_pairs(&[
            ("data.dir", &data),
            ("listen", &listen),
            ("shards", "1"),
            ("admin.listen", "off"),
            // Made whole while the first records come.
            ("journal.bytes.max", "128MiB"),
        ]);
        ::broker::serve::run(&config.unwrap())
    });
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            !running.is_finished(),
            "the broker serves until it is told to stop"
        );
        std::thread::yield_now();
    }
    // Its records are of long ago.
    let configs = [("retention.ms", "-1")];
    assert_eq!(create_topic(port, "steady", 1, &configs), 0);
    let accepted = |reply: &[u8]| assert_eq!(produced(reply).0, 0);
    let produce_of = |records: usize, bytes: usize, in_flight: usize| {
        let request = produce("steady", -1, &of_records(records, bytes));
        let name = format!("produce of {records} x {bytes} B, {in_flight} in flight");
        (records, cost(&name, port, &request, in_flight, accepted))
    };
    // One at a time: a flush then is one request, however slow this machine is. Small ones: a piece that is received has many.
    let grown = growth(produce_of(1000, 10, 1), produce_of(20_000, 10, 1));
    assert!(
        grown < ALLOCATIONS_PER_RECORD_MAX,
        "{grown} allocations a record produced"
    );
    let sent = produce("steady", -1, &of_records(1000, 100)).len() as f64;
    let (_, pipelined) = produce_of(1000, 100, 5);
    assert!(pipelined.bytes < BUFFERS_MAX * sent + OTHER_BYTES_MAX);

    let kept = |reply: &[u8]| {
        let (code, _, bytes) = fetched(reply);
        assert!(code == 0 && !bytes.is_empty(), "code {code}");
    };
    assert_eq!(create_topic(port, "kept", 1, &configs), 0);
    let mut stream = connect(port);
    let request = produce("kept", -1, &of_records(1000, 100));
    drive(&mut stream, &request, 20, 1, &accepted);
    let fetch_of = |batches: usize| {
        let bytes = i32::try_from(batches * request.len()).unwrap();
        let name = format!("fetch of {batches} x 1000 x 100 B");
        let cost = cost(&name, port, &fetch("kept", 0, bytes), 1, kept);
        (1000 * batches, cost)
    };
    let grown = growth(fetch_of(1), fetch_of(10));
    assert!(
        grown < ALLOCATIONS_PER_RECORD_MAX,
        "{grown} allocations a record fetched"
    );
    // As an operator would.
    // SAFETY: the broker has taken this signal over, and nothing is passed.
    assert_eq!(unsafe { libc::raise(libc::SIGTERM) }, 0);
    assert_eq!(running.join().unwrap(), ExitCode::Ok);
}
