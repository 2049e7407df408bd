//! What this host lacks: a table of checks over facts that tests can fake, each with why it matters and how to mend it.
//!
//! Changes nothing on the host and decides nothing for the broker: it returns findings, and `pelton check` or the start
//! act on them. Facts come through [`HostFacts`]; the production side is `io::host`.

mod kernel;
mod machine;
mod storage;

use std::fmt::Write as _;

use serde::Serialize;

use crate::config::Config;

/// What the checks ask of the host. A `None` or an error means that the host does not tell.
pub trait HostFacts {
    /// The text of a small file (procfs, sysfs).
    fn read(&self, path: &str) -> Option<String>;
    /// The kernel's release, such as `6.1.0-18-amd64`.
    fn kernel_release(&self) -> Option<String>;
    /// Sets a ring up and lets it go. The error is the errno.
    fn io_uring_setup(&self) -> Result<(), i32>;
    /// The CPUs this process may run on.
    fn usable_cpus(&self) -> Vec<usize>;
    /// The file system that holds `path`, or would: the nearest directory above it that exists.
    fn file_system(&self, path: &str) -> Option<FileSystem>;
    /// Writes one block directly to a file without a name on that file system. The error is the errno.
    fn direct_write(&self, path: &str) -> Result<(), i32>;
    /// Whether the kernel's clock is synchronised.
    fn clock_synchronised(&self) -> Option<bool>;
}

/// A file system as `statfs` and `stat` show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// `f_type`.
    pub magic: i64,
    /// Size.
    pub bytes: u64,
    /// Free for this user.
    pub bytes_free: u64,
    /// Device number of its block device, (0, _) if it has none.
    pub device: (u32, u32),
}

/// How much a failed check matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// The broker runs, slower or less safely.
    Warning,
    /// The broker cannot run.
    Fatal,
}

/// One check's finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// A stable name; tuning.md has a paragraph for each.
    pub id: &'static str,
    /// What is looked at.
    pub title: &'static str,
    /// How much it matters here if not ok.
    pub severity: Severity,
    /// What the host has.
    pub current: String,
    /// What it should have.
    pub required: String,
    /// Whether that is so, or cannot be told.
    pub ok: bool,
    /// Why it matters to this broker.
    pub why: &'static str,
    /// What to do.
    pub fix: String,
}

/// What the checks measure the host against.
#[derive(Clone, Debug)]
pub struct Needs {
    /// Where the data will lie.
    pub data_dir: String,
    /// Shards that will run.
    pub shards: u32,
    /// Direct-IO buffers of a shard.
    pub io_memory_bytes: u64,
    /// Journal of a shard if it is set.
    pub journal_bytes_max: Option<u64>,
}

impl Needs {
    /// The needs of a broker with these settings; `usable_cpus` stands in for shards that are not set.
    pub fn of(config: &Config, usable_cpus: usize) -> Self {
        let cpus = u32::try_from(usable_cpus.max(1)).unwrap_or(u32::MAX);
        Self {
            data_dir: config.data_dir.display().to_string(),
            shards: config.shards.unwrap_or(cpus),
            io_memory_bytes: config.io_memory_bytes,
            journal_bytes_max: config.journal_bytes_max,
        }
    }
}

/// Runs every check, in table order.
pub fn run(facts: &dyn HostFacts, needs: &Needs) -> Vec<Check> {
    let host = Host { facts, needs };
    rules()
        .map(|rule| {
            let finding = (rule.find)(&host);
            Check {
                id: rule.id,
                title: rule.title,
                severity: finding.severity.unwrap_or(rule.severity),
                current: finding.current,
                required: rule.required.to_owned(),
                ok: finding.ok,
                why: rule.why,
                fix: finding.fix.unwrap_or_else(|| rule.fix.to_owned()),
            }
        })
        .collect()
}

/// The names of all checks, in table order.
pub fn ids() -> impl Iterator<Item = &'static str> {
    rules().map(|rule| rule.id)
}

/// The worst finding that is not ok.
pub fn worst(checks: &[Check]) -> Option<Severity> {
    checks
        .iter()
        .filter(|check| !check.ok)
        .map(|check| check.severity)
        .max()
}

/// The memory this process may use: the machine's, or its control group's if that is less.
pub fn memory_bytes(facts: &dyn HostFacts) -> Option<u64> {
    let text = facts.read("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let machine = total
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .and_then(|kib| kib.checked_mul(1024));
    let limits = group_values(facts, "memory", ("memory.max", "memory.limit_in_bytes"));
    let limits = limits.iter().filter_map(|text| text.parse::<u64>().ok());
    machine.into_iter().chain(limits).min()
}

/// What this process's control groups say in the files of `controller`, those of groups above included: all of them hold.
/// The files are named for the second and for the first version of control groups.
fn group_values(
    facts: &dyn HostFacts,
    controller: &str,
    (second, first): (&str, &str),
) -> Vec<String> {
    let groups = facts.read("/proc/self/cgroup").unwrap_or_default();
    let mut values = Vec::new();
    for group in groups.lines() {
        let mut fields = group.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup".to_owned(), second),
            names if names.split(',').any(|one| one == controller) => {
                (format!("/sys/fs/cgroup/{controller}"), first)
            }
            _ => continue,
        };
        let above = std::path::Path::new(path.trim_start_matches('/')).ancestors();
        let files = above.map(|above| match above.to_str() {
            None | Some("") => format!("{root}/{name}"),
            Some(above) => format!("{root}/{above}/{name}"),
        });
        let texts = files.filter_map(|file| facts.read(&file));
        values.extend(texts.map(|text| text.trim().to_owned()));
    }
    values
}

/// The findings as aligned lines, with why and how to mend it below each that is not ok, and a count at the end.
pub fn render_text(checks: &[Check]) -> String {
    let width = |text: fn(&Check) -> &str| {
        checks
            .iter()
            .map(|c| text(c).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (id, title) = (width(|c| c.id), width(|c| c.title));
    let mut out = String::new();
    for check in checks {
        let mark = match (check.ok, check.severity) {
            (true, _) => "ok",
            (false, Severity::Info) => "info",
            (false, Severity::Warning) => "WARN",
            (false, Severity::Fatal) => "FATAL",
        };
        let _ = writeln!(
            out,
            "{mark:<5}  {:<id$}  {:<title$}  {}",
            check.id, check.title, check.current
        );
        if !check.ok {
            let _ = writeln!(
                out,
                "         wanted: {}\n         why:    {}\n         fix:    {}",
                check.required, check.why, check.fix
            );
        }
    }
    let failed = |severity| {
        checks
            .iter()
            .filter(|c| !c.ok && c.severity == severity)
            .count()
    };
    let _ = writeln!(
        out,
        "{} checks: {} ok, {} fatal, {} warnings, {} notes",
        checks.len(),
        checks.iter().filter(|c| c.ok).count(),
        failed(Severity::Fatal),
        failed(Severity::Warning),
        failed(Severity::Info)
    );
    out
}

/// The findings as one JSON document: `{"checks": [...]}`.
pub fn render_json(checks: &[Check]) -> String {
    serde_json::json!({ "checks": checks }).to_string()
}

/// One row of the table.
struct Rule {
    id: &'static str,
    title: &'static str,
    severity: Severity,
    required: &'static str,
    why: &'static str,
    fix: &'static str,
    find: fn(&Host<'_>) -> Finding,
}

struct Finding {
    ok: bool,
    current: String,
    /// In place of the rule's.
    severity: Option<Severity>,
    /// In place of the rule's.
    fix: Option<String>,
}

impl Finding {
    fn of(ok: bool, current: impl Into<String>) -> Self {
        Self {
            ok,
            current: current.into(),
            severity: None,
            fix: None,
        }
    }

    /// The host does not tell: nothing to complain about.
    fn untold() -> Self {
        Self::of(true, "not told by this host")
    }

    fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// The host with what is needed of it, and the readings that several checks share.
struct Host<'a> {
    facts: &'a dyn HostFacts,
    needs: &'a Needs,
}

impl Host<'_> {
    fn word(&self, path: &str) -> Option<String> {
        self.facts
            .read(path)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    }

    fn number(&self, path: &str) -> Option<u64> {
        self.word(path)?.parse().ok()
    }

    /// The soft limit of this row of /proc/self/limits; `u64::MAX` for unlimited.
    fn soft_limit(&self, row: &str) -> Option<u64> {
        let text = self.facts.read("/proc/self/limits")?;
        let rest = text.lines().find_map(|line| line.strip_prefix(row))?;
        match rest.split_whitespace().next()? {
            "unlimited" => Some(u64::MAX),
            number => number.parse().ok(),
        }
    }

    /// A queue attribute of the data's block device, also when that is a partition of it.
    fn queue(&self, attribute: &str) -> Option<String> {
        let (major, minor) = self.facts.file_system(&self.needs.data_dir)?.device;
        let base = format!("/sys/dev/block/{major}:{minor}");
        self.word(&format!("{base}/queue/{attribute}"))
            .or_else(|| self.word(&format!("{base}/../queue/{attribute}")))
    }
}

fn rules() -> impl Iterator<Item = &'static Rule> {
    [kernel::RULES, machine::RULES, storage::RULES]
        .into_iter()
        .flatten()
}

/// The chosen one of a sysfs list such as `none [mq-deadline]`.
fn chosen(list: &str) -> &str {
    list.split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or(list.trim(), |(word, _)| word)
}

/// Bytes for people: `64 MiB`.
fn bytes_text(bytes: u64) -> String {
    match bytes {
        u64::MAX => "unlimited".to_owned(),
        b if b >= 1 << 30 => format!("{} GiB", b >> 30),
        b if b >= 1 << 20 => format!("{} MiB", b >> 20),
        b => format!("{} KiB", b >> 10),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A host that has everything; each test takes one thing away.
    struct Fake {
        files: BTreeMap<String, String>,
        release: &'static str,
        ring: Result<(), i32>,
        cpus: usize,
        file_system: FileSystem,
        direct: Result<(), i32>,
        synchronised: Option<bool>,
    }

    const XFS: i64 = 0x5846_5342;

    fn good() -> Fake {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1048576              1048576              files\n\
                      Max locked memory         unlimited            unlimited            bytes\n";
        let files = [
            ("/proc/self/limits", limits),
            (
                "/proc/meminfo",
                "MemTotal:       67108864 kB\nMemFree: 1 kB\n",
            ),
            ("/proc/swaps", "Filename\tType\tSize\n"),
            ("/proc/sys/net/core/somaxconn", "4096\n"),
            ("/proc/sys/vm/swappiness", "60\n"),
            ("/proc/sys/kernel/numa_balancing", "0\n"),
            (
                "/sys/devices/system/clocksource/clocksource0/current_clocksource",
                "tsc\n",
            ),
            (
                "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                "performance\n",
            ),
            ("/sys/devices/system/cpu/smt/active", "0\n"),
            (
                "/sys/kernel/mm/transparent_hugepage/enabled",
                "always [madvise] never\n",
            ),
            ("/proc/self/cgroup", "0::/\n"),
            ("/sys/fs/cgroup/cpu.max", "max 100000\n"),
            (
                "/sys/dev/block/259:1/../queue/scheduler",
                "[none] mq-deadline\n",
            ),
            (
                "/sys/dev/block/259:1/../queue/write_cache",
                "write through\n",
            ),
            ("/sys/dev/block/259:1/../queue/logical_block_size", "4096\n"),
            (
                "/proc/self/mountinfo",
                "36 35 259:1 / / rw,noatime shared:1 - xfs /dev/nvme0n1p1 rw\n",
            ),
        ];
        Fake {
            files: files
                .iter()
                .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
                .collect(),
            release: "6.12.0-1-amd64",
            ring: Ok(()),
            cpus: 8,
            file_system: FileSystem {
                magic: XFS,
                bytes: 1 << 40,
                bytes_free: 1 << 39,
                device: (259, 1),
            },
            direct: Ok(()),
            synchronised: Some(true),
        }
    }

    impl HostFacts for Fake {
        fn read(&self, path: &str) -> Option<String> {
            self.files.get(path).cloned()
        }
        fn kernel_release(&self) -> Option<String> {
            Some(self.release.to_owned())
        }
        fn io_uring_setup(&self) -> Result<(), i32> {
            self.ring
        }
        fn usable_cpus(&self) -> Vec<usize> {
            (0..self.cpus).collect()
        }
        fn file_system(&self, _: &str) -> Option<FileSystem> {
            Some(self.file_system)
        }
        fn direct_write(&self, _: &str) -> Result<(), i32> {
            self.direct
        }
        fn clock_synchronised(&self) -> Option<bool> {
            self.synchronised
        }
    }

    fn needs() -> Needs {
        Needs {
            data_dir: "/data".to_owned(),
            shards: 4,
            io_memory_bytes: 64 << 20,
            journal_bytes_max: None,
        }
    }

    /// The ids that fail once `change` was made to a good host, with their severities.
    fn failing(change: impl FnOnce(&mut Fake)) -> Vec<(&'static str, Severity)> {
        let mut fake = good();
        change(&mut fake);
        run(&fake, &needs())
            .into_iter()
            .filter(|c| !c.ok)
            .map(|c| (c.id, c.severity))
            .collect()
    }

    fn set(path: &'static str, text: &'static str) -> impl FnOnce(&mut Fake) {
        move |fake| {
            fake.files.insert(path.to_owned(), text.to_owned());
        }
    }

    #[test]
    fn a_good_host_passes_everything() {
        assert_eq!(failing(|_| {}), []);
    }

    #[test]
    fn a_host_that_tells_nothing_fails_nothing_but_what_was_tried() {
        assert_eq!(failing(|fake| fake.files.clear()), []);
    }

    #[test]
    fn each_lack_is_found_alone() {
        use Severity::{Fatal, Info, Warning};
        assert_eq!(failing(|f| f.release = "5.4.0-150"), [("kernel", Fatal)]);
        assert_eq!(failing(|f| f.release = "5.15.0"), [("kernel", Warning)]);
        assert_eq!(failing(|f| f.ring = Err(1)), [("io_uring", Fatal)]);
        assert_eq!(failing(|f| f.cpus = 2), [("cores", Warning)]);
        assert_eq!(
            failing(|f| f.file_system.magic = 0x0102_1994),
            [("file_system", Warning)]
        );
        assert_eq!(
            failing(|f| f.file_system.bytes_free = 1 << 33),
            [("free_space", Warning)]
        );
        assert_eq!(failing(|f| f.direct = Err(28)), [("direct_io", Warning)]);
        assert_eq!(failing(|f| f.direct = Err(22)), [("direct_io", Fatal)]);
        assert_eq!(failing(|f| f.direct = Err(13)), [("direct_io", Fatal)]);
        assert_eq!(failing(|f| f.direct = Err(95)), []);
        assert_eq!(
            failing(|f| f.synchronised = Some(false)),
            [("clock_sync", Warning)]
        );
        assert_eq!(
            failing(set("/proc/swaps", "Filename\n/dev/sda2 partition 1 0 -2\n")),
            [("swap", Warning)]
        );
        assert_eq!(
            failing(set("/sys/fs/cgroup/cpu.max", "150000 100000\n")),
            [("cpu_quota", Warning)]
        );
        // A service's own, and the first version's.
        let service = |fake: &mut Fake| {
            set("/proc/self/cgroup", "0::/a.slice/b.service\n")(fake);
            set("/sys/fs/cgroup/a.slice/cpu.max", "50000 100000\n")(fake);
        };
        assert_eq!(failing(service), [("cpu_quota", Warning)]);
        let first = |quota: &'static str| {
            failing(move |fake| {
                set("/proc/self/cgroup", "1:cpuacct,cpu:/a\n")(fake);
                set("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", quota)(fake);
            })
        };
        assert_eq!(first("-1\n"), []);
        assert_eq!(first("50000\n"), [("cpu_quota", Warning)]);
        assert_eq!(
            failing(set("/sys/devices/system/cpu/smt/active", "1\n")),
            [("smt", Info)]
        );
        assert_eq!(
            failing(set("/proc/meminfo", "MemTotal: 2097152 kB\n")),
            [("memory", Warning)]
        );
        assert_eq!(
            failing(set("/proc/sys/net/core/somaxconn", "128\n")),
            [("backlog", Warning)]
        );
        let queue = "/sys/dev/block/259:1/../queue/scheduler";
        assert_eq!(
            failing(set(queue, "none [mq-deadline]\n")),
            [("io_scheduler", Warning)]
        );
        let sector = "/sys/dev/block/259:1/../queue/logical_block_size";
        assert_eq!(failing(set(sector, "16384\n")), [("sector_size", Warning)]);
        let cache = "/sys/dev/block/259:1/../queue/write_cache";
        assert_eq!(failing(set(cache, "write back\n")), [("write_cache", Info)]);
        let mount = "36 35 259:1 / / rw,relatime,discard - xfs /dev/x rw\n";
        assert_eq!(
            failing(set("/proc/self/mountinfo", mount)),
            [("mount", Info)]
        );
    }

    #[test]
    fn a_control_groups_memory_counts_if_it_is_less() {
        let mut fake = good();
        assert_eq!(memory_bytes(&fake), Some(64 << 30));
        // A container sees its own group as the root.
        set("/proc/self/cgroup", "0::/\n")(&mut fake);
        set("/sys/fs/cgroup/memory.max", "1073741824\n")(&mut fake);
        assert_eq!(memory_bytes(&fake), Some(1 << 30));
        set("/sys/fs/cgroup/memory.max", "max\n")(&mut fake);
        assert_eq!(memory_bytes(&fake), Some(64 << 30));
        // A service has its own, and the one above it has another.
        set("/proc/self/cgroup", "5:cpu:/x\n0::/a.slice/b.service\n")(&mut fake);
        let own = "/sys/fs/cgroup/a.slice/b.service/memory.max";
        set(own, "4096000\n")(&mut fake);
        assert_eq!(memory_bytes(&fake), Some(4_096_000));
        set("/sys/fs/cgroup/a.slice/memory.max", "4096\n")(&mut fake);
        assert_eq!(memory_bytes(&fake), Some(4096));
        set("/proc/self/cgroup", "4:cpu,memory:/a\ngarbage\n")(&mut fake);
        assert_eq!(memory_bytes(&fake), Some(64 << 30));
        let first = "/sys/fs/cgroup/memory/a/memory.limit_in_bytes";
        set(first, "8192\n")(&mut fake);
        assert_eq!(memory_bytes(&fake), Some(8192));
    }

    #[test]
    fn locked_memory_counts_three_times_the_buffers_of_each_shard() {
        let limit = |bytes: &str| {
            let text = format!(
                "Max open files 1048576 1048576 files\nMax locked memory {bytes} {bytes} bytes\n"
            );
            failing(|f| {
                f.files.insert("/proc/self/limits".to_owned(), text);
            })
        };
        assert_eq!(limit("805306368"), []);
        assert_eq!(limit("805306367"), [("memlock", Severity::Warning)]);
        assert_eq!(limit("65536"), [("memlock", Severity::Fatal)]);
    }

    #[test]
    fn the_reports_name_the_lack_and_its_fix() {
        let mut fake = good();
        fake.ring = Err(1);
        let checks = run(&fake, &needs());
        assert_eq!(worst(&checks), Some(Severity::Fatal));
        let text = render_text(&checks);
        assert!(text.contains("FATAL  io_uring"), "{text}");
        assert!(text.contains("seccomp"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&render_json(&checks)).unwrap();
        assert_eq!(json["checks"].as_array().unwrap().len(), checks.len());
        assert_eq!(json["checks"][1]["severity"], "fatal");
    }

    #[test]
    fn tuning_md_and_the_checks_name_each_other() {
        let page = include_str!("../../../tuning.md");
        let mut named: Vec<_> = page
            .lines()
            .filter_map(|line| {
                line.split_once("(check: `")?
                    .1
                    .split_once("`)")
                    .map(|(id, _)| id)
            })
            .collect();
        named.sort_unstable();
        let mut known: Vec<_> = ids().collect();
        known.sort_unstable();
        assert_eq!(named, known);
    }
}
