//! Checks of the kernel and of what it grants this process. Facts in, findings out; changes nothing.

use super::{Finding, Host, Rule, Severity, bytes_text};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "kernel",
        title: "Linux version",
        severity: Severity::Fatal,
        required: "5.8 or newer to run, 6.1 or newer to run well",
        why: "the io_uring operations in use came with 5.8; later ones are faster and have fewer faults",
        fix: "install a newer kernel",
        find: kernel,
    },
    Rule {
        id: "io_uring",
        title: "io_uring allowed",
        severity: Severity::Fatal,
        required: "a ring can be set up",
        why: "all disk and network work goes through io_uring; there is no other way in",
        fix: "sysctl -w kernel.io_uring_disabled=0",
        find: io_uring,
    },
    Rule {
        id: "memlock",
        title: "locked memory",
        severity: Severity::Warning,
        required: "3 x io.memory.bytes x shards, best unlimited",
        why: "the direct-IO buffers are registered with three rings a shard; without room they work unregistered and slower",
        fix: "ulimit -l unlimited, or LimitMEMLOCK=infinity in the systemd unit",
        find: memlock,
    },
    Rule {
        id: "open_files",
        title: "open files",
        severity: Severity::Warning,
        required: "65536 or more, best 1048576",
        why: "each connection and each segment in use holds a descriptor",
        fix: "ulimit -n 1048576, or LimitNOFILE=1048576 in the systemd unit",
        find: open_files,
    },
    Rule {
        id: "backlog",
        title: "accept backlog",
        severity: Severity::Warning,
        required: "net.core.somaxconn of 1024 or more",
        why: "it bounds the connections that wait while clients reconnect all at once",
        fix: "sysctl -w net.core.somaxconn=4096",
        find: backlog,
    },
    Rule {
        id: "clock_sync",
        title: "clock synchronised",
        severity: Severity::Warning,
        required: "synchronised",
        why: "timestamps, retention and look-ups by time follow this clock",
        fix: "run chrony or systemd-timesyncd",
        find: clock_sync,
    },
    Rule {
        id: "clocksource",
        title: "clock source",
        severity: Severity::Warning,
        required: "tsc, or the hypervisor's own",
        why: "the clock is read for every batch; slow sources cost a system call each",
        fix: "boot with tsc=reliable if the CPU's counter is known to be stable",
        find: clocksource,
    },
];

const EPERM: i32 = 1;
const EACCES: i32 = 13;
const ENOSYS: i32 = 38;
const ENOMEM: i32 = 12;

fn kernel(host: &Host<'_>) -> Finding {
    let Some(release) = host.facts.kernel_release() else {
        return Finding::untold();
    };
    let mut parts = release
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        return Finding::untold();
    };
    let version = (major, minor);
    let severity = if version < (5, 8) {
        Severity::Fatal
    } else {
        Severity::Warning
    };
    Finding::of(version >= (6, 1), release).severity(severity)
}

fn io_uring(host: &Host<'_>) -> Finding {
    let Err(errno) = host.facts.io_uring_setup() else {
        return Finding::of(true, "works");
    };
    let disabled = host
        .number("/proc/sys/kernel/io_uring_disabled")
        .unwrap_or(0);
    let finding = Finding::of(false, format!("io_uring_setup failed with errno {errno}"));
    match (errno, disabled) {
        (EPERM | EACCES, 1..) => finding,
        (EPERM | EACCES, _) => finding.fix(
            "a seccomp filter forbids it, as container run-times do by default: start the container with a profile \
             that allows io_uring_setup, io_uring_enter and io_uring_register (or seccomp=unconfined)",
        ),
        (ENOSYS, _) => finding.fix("this kernel is built without io_uring: use one that has it"),
        (ENOMEM, _) => finding.fix("raise the locked-memory limit: ulimit -l unlimited"),
        _ => finding,
    }
}

fn memlock(host: &Host<'_>) -> Finding {
    let Some(limit) = host.soft_limit("Max locked memory") else {
        return Finding::untold();
    };
    let need = host
        .needs
        .io_memory_bytes
        .saturating_mul(3)
        .saturating_mul(u64::from(host.needs.shards));
    let current = format!("{}, needs {}", bytes_text(limit), bytes_text(need));
    // CAP_IPC_LOCK exempts from the limit.
    if may_lock_without_limit(host) {
        return Finding::of(true, format!("{current} (exempt by CAP_IPC_LOCK)"));
    }
    let severity = if limit < 512 << 10 {
        Severity::Fatal
    } else {
        Severity::Warning
    };
    Finding::of(limit >= need, current).severity(severity)
}

fn may_lock_without_limit(host: &Host<'_>) -> bool {
    const CAP_IPC_LOCK: u64 = 1 << 14;
    let status = host.facts.read("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .is_some_and(|caps| caps & CAP_IPC_LOCK != 0)
}

fn open_files(host: &Host<'_>) -> Finding {
    match host.soft_limit("Max open files") {
        Some(u64::MAX) => Finding::of(true, "unlimited"),
        Some(limit) => Finding::of(limit >= 65_536, limit.to_string()),
        None => Finding::untold(),
    }
}

fn backlog(host: &Host<'_>) -> Finding {
    match host.number("/proc/sys/net/core/somaxconn") {
        Some(length) => Finding::of(length >= 1024, length.to_string()),
        None => Finding::untold(),
    }
}

fn clock_sync(host: &Host<'_>) -> Finding {
    match host.facts.clock_synchronised() {
        Some(true) => Finding::of(true, "synchronised"),
        Some(false) => Finding::of(false, "not synchronised"),
        None => Finding::untold(),
    }
}

fn clocksource(host: &Host<'_>) -> Finding {
    match host.word("/sys/devices/system/clocksource/clocksource0/current_clocksource") {
        Some(source) => {
            let fast = [
                "tsc",
                "kvm-clock",
                "arch_sys_counter",
                "hyperv_clocksource_tsc_page",
            ];
            Finding::of(fast.contains(&source.as_str()), source)
        }
        None => Finding::untold(),
    }
}
