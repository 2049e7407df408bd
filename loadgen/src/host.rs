//! This machine: which CPUs there are, where a thread runs, and what a reader of a report has to know of the hardware and the kernel.

use std::collections::BTreeMap;

use std::num::NonZeroU64;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity, set_current_timer_slack};
use serde::{Deserialize, Serialize};

/// CPUs that a set can name.
const CPUS_MAX: usize = 1024;

/// CPUs that this process may use.
pub fn usable_cpus() -> Vec<usize> {
    let set = sched_getaffinity(None);
    let cpus = set.map(|set| {
        (0..CPUS_MAX)
            .filter(|&cpu| set.is_set(cpu))
            .collect::<Vec<_>>()
    });
    match cpus {
        Ok(cpus) if !cpus.is_empty() => cpus,
        _ => vec![0],
    }
}

/// Keeps the calling thread, and those that it starts, to `cpus`. Without the right to do so it runs where it may.
pub fn pin_thread(cpus: &[usize]) {
    let mut set = CpuSet::new();
    for &cpu in cpus.iter().filter(|&&cpu| cpu < CPUS_MAX) {
        set.set(cpu);
    }
    // Refused for a CPU that is not ours: the caller chose from `usable_cpus`, or the operator chose otherwise.
    let _ = sched_setaffinity(None, &set);
}

/// Lets the kernel's timers of this thread be exact: by default they may be 50 µs late, so that they can be joined.
pub fn exact_timers() {
    // An old kernel's timers stay as they are.
    let _ = set_current_timer_slack(NonZeroU64::new(1));
}

/// Lets this process open as many files, and so connections, as it may.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // The limit stays as it is; a connection too many is refused and told.
    let _ = setrlimit(Resource::Nofile, raised);
}

/// What a reader of figures has to know.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// As the kernel names it.
    pub cpu_model: String,
    /// CPUs online.
    pub cpus: usize,
    /// CPUs that the generator may use.
    pub usable_cpus: Vec<usize>,
    /// Installed, bytes.
    pub memory_bytes: u64,
    /// Release.
    pub kernel: String,
    /// Distribution.
    pub os: String,
    /// Whether a hypervisor is below.
    pub virtual_machine: bool,
    /// Runnable tasks in the last minute before the run, from the load average.
    pub load_average: f64,
    /// Kernel settings that move figures, where they can be read.
    pub settings: BTreeMap<String, String>,
}

/// Settings worth telling.
const SETTINGS: &[(&str, &str)] = &[
    (
        "clocksource",
        "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    ),
    (
        "cpu_governor",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    ),
    ("io_uring_disabled", "/proc/sys/kernel/io_uring_disabled"),
    (
        "sched_autogroup",
        "/proc/sys/kernel/sched_autogroup_enabled",
    ),
    ("smt", "/sys/devices/system/cpu/smt/active"),
    (
        "tcp_congestion_control",
        "/proc/sys/net/ipv4/tcp_congestion_control",
    ),
    ("tcp_rmem", "/proc/sys/net/ipv4/tcp_rmem"),
    ("tcp_wmem", "/proc/sys/net/ipv4/tcp_wmem"),
    (
        "transparent_hugepages",
        "/sys/kernel/mm/transparent_hugepage/enabled",
    ),
];

impl Machine {
    /// Looks it up; what cannot be read stays empty.
    pub fn read() -> Self {
        let cpu_info = text("/proc/cpuinfo");
        let field = |name: &str| value_of(&cpu_info, name).unwrap_or_default();
        let settings = SETTINGS.iter().filter_map(|(name, path)| {
            let value = text(path);
            let words: Vec<_> = value.split_whitespace().collect();
            (!words.is_empty()).then(|| ((*name).to_owned(), words.join(" ")))
        });
        let os = text("/etc/os-release");
        let os = os
            .lines()
            .find_map(|line| line.strip_prefix("PRETTY_NAME="));
        let load = text("/proc/loadavg");
        Self {
            cpu_model: field("model name"),
            cpus: cpu_info
                .lines()
                .filter(|line| line.starts_with("processor"))
                .count(),
            usable_cpus: usable_cpus(),
            memory_bytes: kib_of(&text("/proc/meminfo"), "MemTotal") << 10,
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            os: os.unwrap_or_default().trim_matches('"').to_owned(),
            virtual_machine: field("flags").split(' ').any(|flag| flag == "hypervisor"),
            load_average: load
                .split(' ')
                .next()
                .and_then(|word| word.parse().ok())
                .unwrap_or_default(),
            settings: settings.collect(),
        }
    }

    /// In one line.
    pub fn line(&self) -> String {
        let kind = match self.virtual_machine {
            true => ", virtual machine",
            false => "",
        };
        let gib = self.memory_bytes as f64 / f64::from(1 << 30);
        format!(
            "{}, {} CPUs, {gib:.1} GiB, Linux {}{kind}",
            self.cpu_model, self.cpus, self.kernel
        )
    }
}

/// A file's text; empty if it cannot be read.
pub fn text(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// `value` of the first line `name : value`.
fn value_of(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim().to_owned())
    })
}

/// Of a line `name: number kB`.
pub fn kib_of(text: &str, name: &str) -> u64 {
    let value = value_of(text, name).unwrap_or_default();
    value
        .split(' ')
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_read() {
        let machine = Machine::read();
        assert!(
            machine.cpus >= 1 && machine.memory_bytes > 1 << 20,
            "{machine:?}"
        );
        assert!(!machine.kernel.is_empty());
        assert_eq!(machine.usable_cpus, usable_cpus());
    }

    #[test]
    fn a_pinned_thread_stays_on_its_cpu() {
        let thread = std::thread::spawn(|| {
            let cpu = *usable_cpus().last().expect("one at least");
            pin_thread(&[cpu]);
            (usable_cpus(), cpu)
        });
        let (usable, cpu) = thread.join().expect("joins");
        assert_eq!(usable, [cpu]);
    }
}
