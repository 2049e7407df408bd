//! The broker seen from outside, before and after the measured window: its process (CPU, memory, disk, context switches), the
//! machine's CPUs, and Pelton's metrics if it is one. Whatever cannot be seen is left out of the report; nothing here fails a run.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{SECOND_NS, now_ns};
use crate::host::{kib_of, text};

const HTTP_TIMEOUT: Duration = Duration::from_millis(500);
/// Bytes of a metrics page at most.
const PAGE_BYTES_MAX: u64 = 64 << 20;
/// Metrics kept of a page.
const METRICS_MAX: usize = 1000;

/// What the broker's process used in the measured window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BrokerUse {
    /// Its process id.
    pub pid: Option<u32>,
    /// CPU time over elapsed time, all threads: 1.0 is a whole core.
    pub cpu_cores: Option<f64>,
    /// Resident memory at the end, bytes.
    pub rss_bytes: Option<u64>,
    /// The most it ever had, bytes.
    pub rss_peak_bytes: Option<u64>,
    /// Written to disks, bytes.
    pub disk_written_bytes: Option<u64>,
    /// Read from disks, bytes.
    pub disk_read_bytes: Option<u64>,
    /// It waited for something.
    pub context_switches_voluntary: Option<u64>,
    /// Something else wanted its CPU.
    pub context_switches_involuntary: Option<u64>,
    /// Threads that used a hundredth of a core or more.
    pub threads: Vec<ThreadUse>,
}

/// A thread of the broker.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ThreadUse {
    /// Its name.
    pub name: String,
    /// CPU time over elapsed time.
    pub cpu_cores: f64,
    /// The CPU it ran on last.
    pub cpu: usize,
}

/// A CPU of the machine in the measured window, shares of the time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CpuUse {
    /// Its number.
    pub cpu: usize,
    /// Programs.
    pub user: f64,
    /// Kernel on behalf of programs.
    pub system: f64,
    /// Interrupts, among them the network's.
    pub interrupts: f64,
    /// Taken by the hypervisor for others.
    pub stolen: f64,
}

/// What was seen in the measured window.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The broker's process.
    pub broker: BrokerUse,
    /// The machine's CPUs.
    pub cpus: Vec<CpuUse>,
    /// Growth of the counters that Pelton tells, summed over labels.
    pub metrics: BTreeMap<String, f64>,
}

/// Looks at one broker.
pub struct Observer {
    pid: Option<u32>,
    admin: Option<String>,
    before: Option<Snapshot>,
}

#[derive(Default)]
struct Snapshot {
    at: u64,
    threads: BTreeMap<u32, Thread>,
    io: Option<(u64, u64)>,
    switches: (u64, u64),
    cpus: Vec<[u64; 8]>,
    metrics: BTreeMap<String, f64>,
}

struct Thread {
    name: String,
    cpu_ns: u64,
    cpu: usize,
    switches: (u64, u64),
}

impl Observer {
    /// Of the process, and of the admin listener at "host:port", where known.
    pub fn new(pid: Option<u32>, admin: Option<String>) -> Self {
        Self {
            pid,
            admin,
            before: None,
        }
    }

    /// The measured window begins.
    pub fn begin(&mut self) {
        self.before = Some(self.look());
    }

    /// The measured window ends.
    pub fn end(&mut self) -> Observed {
        let Some(before) = self.before.take() else {
            return Observed::default();
        };
        let after = self.look();
        Observed {
            broker: self
                .pid
                .map(|pid| broker_use(pid, &before, &after))
                .unwrap_or_default(),
            cpus: cpu_use(&before.cpus, &after.cpus),
            metrics: growth(&before.metrics, &after.metrics),
        }
    }

    fn look(&self) -> Snapshot {
        let mut snapshot = Snapshot {
            cpus: machine_cpus(&text("/proc/stat")),
            metrics: self.admin.as_deref().map(read_metrics).unwrap_or_default(),
            at: now_ns(),
            ..Snapshot::default()
        };
        if let Some(pid) = self.pid {
            snapshot.threads = threads(pid);
            snapshot.io = disk_bytes(&text(&format!("/proc/{pid}/io")));
            for thread in snapshot.threads.values() {
                snapshot.switches.0 += thread.switches.0;
                snapshot.switches.1 += thread.switches.1;
            }
        }
        snapshot
    }
}

fn broker_use(pid: u32, before: &Snapshot, after: &Snapshot) -> BrokerUse {
    let status = text(&format!("/proc/{pid}/status"));
    if status.is_empty() {
        return BrokerUse {
            pid: Some(pid),
            ..BrokerUse::default()
        };
    }
    let elapsed = (after.at - before.at).max(1) as f64;
    let mut threads: Vec<_> = after
        .threads
        .iter()
        .map(|(id, thread)| {
            let earlier = before.threads.get(id).map_or(0, |thread| thread.cpu_ns);
            ThreadUse {
                name: thread.name.clone(),
                cpu_cores: thread.cpu_ns.saturating_sub(earlier) as f64 / elapsed,
                cpu: thread.cpu,
            }
        })
        .collect();
    let cpu_cores = threads.iter().map(|thread| thread.cpu_cores).sum();
    threads.retain(|thread| thread.cpu_cores >= 0.01);
    threads.sort_by(|a, b| b.cpu_cores.total_cmp(&a.cpu_cores));
    let io = before.io.zip(after.io);
    BrokerUse {
        pid: Some(pid),
        cpu_cores: Some(cpu_cores),
        rss_bytes: Some(kib_of(&status, "VmRSS") << 10),
        rss_peak_bytes: Some(kib_of(&status, "VmHWM") << 10),
        disk_read_bytes: io.map(|(before, after)| after.0.saturating_sub(before.0)),
        disk_written_bytes: io.map(|(before, after)| after.1.saturating_sub(before.1)),
        context_switches_voluntary: Some(after.switches.0.saturating_sub(before.switches.0)),
        context_switches_involuntary: Some(after.switches.1.saturating_sub(before.switches.1)),
        threads,
    }
}

fn threads(pid: u32) -> BTreeMap<u32, Thread> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/task"));
    let ids = entries.into_iter().flatten().flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(|id: u32| Some((id, thread(pid, id)?)))
        .collect()
}

fn thread(pid: u32, id: u32) -> Option<Thread> {
    let file = |name: &str| text(&format!("/proc/{pid}/task/{id}/{name}"));
    let (stat, status) = (file("stat"), file("status"));
    // The name may hold anything: it ends at the last parenthesis.
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<_> = tail.split_whitespace().collect();
    let field = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    // Counted from the state, the third field: utime and stime are 14 and 15, the processor is 39.
    let ticks = field(11)? + field(12)?;
    let tick_ns = SECOND_NS / rustix::param::clock_ticks_per_second().max(1);
    let exact = file("schedstat")
        .split_whitespace()
        .next()
        .and_then(|ns| ns.parse().ok());
    Some(Thread {
        name,
        cpu_ns: exact.unwrap_or(ticks * tick_ns),
        cpu: field(36)? as usize,
        switches: (
            kib_of(&status, "voluntary_ctxt_switches"),
            kib_of(&status, "nonvoluntary_ctxt_switches"),
        ),
    })
}

fn disk_bytes(io: &str) -> Option<(u64, u64)> {
    (!io.is_empty()).then(|| (kib_of(io, "read_bytes"), kib_of(io, "write_bytes")))
}

/// Of each CPU: user, nice, system, idle, iowait, irq, softirq, steal, in ticks.
fn machine_cpus(stat: &str) -> Vec<[u64; 8]> {
    let lines = stat
        .lines()
        .filter(|line| line.starts_with("cpu") && !line.starts_with("cpu "));
    let cpus = lines.map(|line| {
        let mut times = [0; 8];
        for (time, word) in times.iter_mut().zip(line.split_whitespace().skip(1)) {
            *time = word.parse().unwrap_or_default();
        }
        times
    });
    cpus.collect()
}

fn cpu_use(before: &[[u64; 8]], after: &[[u64; 8]]) -> Vec<CpuUse> {
    let cpus = before
        .iter()
        .zip(after)
        .enumerate()
        .map(|(cpu, (before, after))| {
            let grown = |at: usize| after[at].saturating_sub(before[at]) as f64;
            let whole = (0..8).map(grown).sum::<f64>().max(1.0);
            CpuUse {
                cpu,
                user: (grown(0) + grown(1)) / whole,
                system: grown(2) / whole,
                interrupts: (grown(5) + grown(6)) / whole,
                stolen: grown(7) / whole,
            }
        });
    cpus.collect()
}

/// The counters of an OpenMetrics page, summed over labels; empty if nobody answers.
fn read_metrics(admin: &str) -> BTreeMap<String, f64> {
    http_get(admin, "/metrics")
        .map(|page| counters(&page))
        .unwrap_or_default()
}

/// The body of an answer with status 200.
pub fn http_get(address: &str, path: &str) -> Option<String> {
    let address = address.to_socket_addrs().ok()?.next()?;
    let mut stream = TcpStream::connect_timeout(&address, HTTP_TIMEOUT).ok()?;
    stream.set_read_timeout(Some(HTTP_TIMEOUT)).ok()?;
    stream.set_write_timeout(Some(HTTP_TIMEOUT)).ok()?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    // A page that ends without an end is judged by what came.
    let _ = stream.take(PAGE_BYTES_MAX).read_to_end(&mut answer);
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.split(' ')
        .nth(1)
        .is_some_and(|status| status == "200")
        .then(|| body.to_owned())
}

fn counters(page: &str) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = line.rsplit_once(' ') else {
            continue;
        };
        // A line may end with a time; ours do not.
        let name = name.split('{').next().unwrap_or(name);
        let counts = ["_total", "_sum", "_count"]
            .iter()
            .any(|end| name.ends_with(end));
        let Ok(value) = value.parse::<f64>() else {
            continue;
        };
        if counts && (sums.len() < METRICS_MAX || sums.contains_key(name)) {
            *sums.entry(name.to_owned()).or_default() += value;
        }
    }
    sums
}

fn growth(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let grown = after.iter().map(|(name, value)| {
        let earlier = before.get(name).copied().unwrap_or_default();
        (name.clone(), value - earlier)
    });
    grown.filter(|(_, value)| *value != 0.0).collect()
}

/// The process of this host that listens on a port of it, if it can be seen.
pub fn listener(bootstrap: &str) -> Option<u32> {
    let address = bootstrap.to_socket_addrs().ok()?.next()?;
    if !address.ip().is_loopback() {
        return None;
    }
    let wanted = format!(":{:04X}", address.port());
    let tables = text("/proc/net/tcp") + &text("/proc/net/tcp6");
    let socket = tables.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        // State 0A is LISTEN.
        let listens = fields.get(1)?.ends_with(&wanted) && *fields.get(3)? == "0A";
        listens.then(|| format!("socket:[{}]", fields[9]))
    })?;
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten();
        let mut targets = files
            .flatten()
            .filter_map(|file| std::fs::read_link(file.path()).ok());
        targets.any(|target| target.as_os_str() == socket.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen_using_cpu_and_listening() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = socket.local_addr().expect("an address").to_string();
        assert_eq!(listener(&address), Some(std::process::id()));
        let mut observer = Observer::new(Some(std::process::id()), Some(address));
        observer.begin();
        let start = now_ns();
        while now_ns() < start + 20_000_000 {}
        let observed = observer.end();
        assert!(observed.broker.cpu_cores.is_some_and(|cores| cores > 0.0));
        assert!(
            observed
                .broker
                .rss_bytes
                .is_some_and(|bytes| bytes > 1 << 16)
        );
        assert!(observed.metrics.is_empty() && !observed.cpus.is_empty());
    }

    #[test]
    fn a_process_that_is_gone_is_left_out() {
        let mut observer = Observer::new(Some(u32::MAX), None);
        observer.begin();
        assert_eq!(observer.end().broker.cpu_cores, None);
    }

    #[test]
    fn counters_are_summed_over_labels_and_gauges_left_out() {
        let page = "# HELP x y\nflushes_total{shard=\"0\"} 3\nflushes_total{shard=\"1\"} 4\nup 1\nbad_total x\nwait_seconds_sum 0.5\n";
        let before = counters(page);
        assert_eq!(before["flushes_total"], 7.0);
        assert_eq!(before.len(), 2);
        let mut after = before.clone();
        after.insert("flushes_total".to_owned(), 10.0);
        assert_eq!(
            growth(&before, &after),
            [("flushes_total".to_owned(), 3.0)].into()
        );
    }
}
