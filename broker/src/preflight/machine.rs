//! Checks of CPUs and memory. Facts in, findings out; changes nothing.

use super::{Finding, Host, Rule, Severity, bytes_text, chosen};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "cores",
        title: "cores for shards",
        severity: Severity::Warning,
        required: "a usable core for each shard",
        why: "shards that share a core take turns, and each waits for the other",
        fix: "start with fewer shards (before the first start), or allow the process more CPUs",
        find: cores,
    },
    Rule {
        id: "cpu_quota",
        title: "CPU quota",
        severity: Severity::Warning,
        required: "no quota, in no group (cpu.max = max)",
        why: "a quota stops every shard at once for the rest of its period: latencies of 100 ms",
        fix: "set CPUs by cpuset and leave cpu.max at max",
        find: cpu_quota,
    },
    Rule {
        id: "smt",
        title: "hyper-threads",
        severity: Severity::Info,
        required: "off, or one shard a physical core",
        why: "two shards on one core share its caches and units and slow each other",
        fix: "pin the process to one thread of each core: taskset -c LIST pelton",
        find: smt,
    },
    Rule {
        id: "governor",
        title: "frequency governor",
        severity: Severity::Warning,
        required: "performance",
        why: "a shard sleeps often and briefly; other governors answer each wake-up at low frequency",
        fix: "cpupower frequency-set -g performance",
        find: governor,
    },
    Rule {
        id: "memory",
        title: "memory",
        severity: Severity::Warning,
        required: "1 GiB a shard",
        why: "an eighth of it holds records on their way to segments, the rest buffers, indexes and producers",
        fix: "fewer shards (before the first start), smaller io.memory.bytes and dirty.bytes.max, or more memory",
        find: memory,
    },
    Rule {
        id: "swap",
        title: "swap",
        severity: Severity::Warning,
        required: "none, or vm.swappiness of 1 or less",
        why: "a shard that waits for a swapped page stops all its partitions",
        fix: "swapoff -a, or sysctl -w vm.swappiness=1",
        find: swap,
    },
    Rule {
        id: "thp",
        title: "huge pages",
        severity: Severity::Info,
        required: "madvise or never",
        why: "with always, small buffers are charged as whole huge pages against locked memory",
        fix: "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
        find: thp,
    },
    Rule {
        id: "numa_balancing",
        title: "NUMA balancing",
        severity: Severity::Info,
        required: "0",
        why: "shards are pinned and allocate near themselves; moving their pages only costs faults",
        fix: "sysctl -w kernel.numa_balancing=0",
        find: numa_balancing,
    },
];

fn cores(host: &Host<'_>) -> Finding {
    let usable = host.facts.usable_cpus().len();
    let shards = host.needs.shards;
    Finding::of(
        usable >= shards as usize,
        format!("{usable} usable for {shards} shards"),
    )
}

fn cpu_quota(host: &Host<'_>) -> Finding {
    let quotas = super::group_values(host.facts, "cpu", ("cpu.max", "cpu.cfs_quota_us"));
    let quota = quotas
        .iter()
        .find(|quota| !quota.starts_with("max") && !quota.starts_with('-'));
    match quota {
        Some(quota) => Finding::of(false, quota.as_str()),
        None if quotas.is_empty() => Finding::untold(),
        None => Finding::of(true, "none"),
    }
}

fn smt(host: &Host<'_>) -> Finding {
    match host.word("/sys/devices/system/cpu/smt/active").as_deref() {
        Some("0") => Finding::of(true, "off"),
        Some("1") => Finding::of(false, "on"),
        _ => Finding::untold(),
    }
}

fn governor(host: &Host<'_>) -> Finding {
    match host.word("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") {
        Some(governor) => Finding::of(governor == "performance", governor),
        None => Finding::untold(),
    }
}

fn memory(host: &Host<'_>) -> Finding {
    let Some(bytes) = super::memory_bytes(host.facts) else {
        return Finding::untold();
    };
    let need = u64::from(host.needs.shards) << 30;
    Finding::of(
        bytes >= need,
        format!("{} for {} shards", bytes_text(bytes), host.needs.shards),
    )
}

fn swap(host: &Host<'_>) -> Finding {
    let Some(swaps) = host.facts.read("/proc/swaps") else {
        return Finding::untold();
    };
    let areas = swaps
        .lines()
        .skip(1)
        .filter(|line| !line.trim().is_empty())
        .count();
    if areas == 0 {
        return Finding::of(true, "none");
    }
    let swappiness = host.number("/proc/sys/vm/swappiness").unwrap_or(60);
    Finding::of(
        swappiness <= 1,
        format!("{areas} in use, vm.swappiness {swappiness}"),
    )
}

fn thp(host: &Host<'_>) -> Finding {
    match host.word("/sys/kernel/mm/transparent_hugepage/enabled") {
        Some(list) => Finding::of(chosen(&list) != "always", chosen(&list)),
        None => Finding::untold(),
    }
}

fn numa_balancing(host: &Host<'_>) -> Finding {
    match host.number("/proc/sys/kernel/numa_balancing") {
        Some(value) => Finding::of(value == 0, value.to_string()),
        None => Finding::untold(),
    }
}
