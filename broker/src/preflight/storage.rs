//! Checks of the file system and device that hold the data. Facts in, findings out; leaves nothing on the disk.

use super::{FileSystem, Finding, Host, Rule, Severity, bytes_text, chosen};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "direct_io",
        title: "direct writes",
        severity: Severity::Fatal,
        required: "one block of 4096 bytes can be written with O_DIRECT",
        why: "the journal and the segments are written past the page cache, in blocks of 4096",
        fix: "give --data-dir a directory on a local XFS or ext4 file system with sectors of at most 4096 bytes",
        find: direct_io,
    },
    Rule {
        id: "file_system",
        title: "file system",
        severity: Severity::Warning,
        required: "XFS, or ext4",
        why: "durability and speed were measured there; others lie about syncs, lack direct IO, or copy on write",
        fix: "mkfs.xfs -s size=4096 the device and mount it for --data-dir",
        find: file_system,
    },
    Rule {
        id: "mount",
        title: "mount options",
        severity: Severity::Info,
        required: "noatime, and no discard",
        why: "access times are writes nobody reads; discard makes deletions wait for the device",
        fix: "mount -o remount,noatime,nodiscard, and run fstrim by timer",
        find: mount,
    },
    Rule {
        id: "free_space",
        title: "free space",
        severity: Severity::Warning,
        required: "10 GiB beside the journal",
        why: "the journal is allocated ahead; a full disk refuses produces until space returns",
        fix: "free space, choose another --data-dir, or set a smaller journal.bytes.max",
        find: free_space,
    },
    Rule {
        id: "write_cache",
        title: "device write cache",
        severity: Severity::Info,
        required: "write through: none, or protected against power loss",
        why: "behind a volatile cache every acknowledged window costs a cache flush, often a millisecond or more",
        fix: "use drives with power-loss protection; never force write through on a drive without it",
        find: write_cache,
    },
    Rule {
        id: "io_scheduler",
        title: "IO scheduler",
        severity: Severity::Warning,
        required: "none",
        why: "writes are large and in order already; a scheduler only adds a lock and a queue",
        fix: "echo none > /sys/block/DEVICE/queue/scheduler, and a udev rule to keep it",
        find: io_scheduler,
    },
    Rule {
        id: "sector_size",
        title: "logical sector",
        severity: Severity::Warning,
        required: "512 or 4096",
        why: "all direct IO is aligned to 4096 bytes; a larger sector refuses it",
        fix: "format the namespace with sectors of 4096 bytes",
        find: sector_size,
    },
];

const ENOSPC: i32 = 28;
const EISDIR: i32 = 21;
const EOPNOTSUPP: i32 = 95;

fn direct_io(host: &Host<'_>) -> Finding {
    match host.facts.direct_write(&host.needs.data_dir) {
        Ok(()) => Finding::of(true, "works"),
        // No nameless files here: nothing was learned about direct IO.
        Err(EOPNOTSUPP | EISDIR) => Finding::untold(),
        Err(errno) => {
            let (why, fix) = match errno {
                13 | 1 => (
                    ": not permitted",
                    Some("give this user the right to write to --data-dir"),
                ),
                22 => (": direct IO not supported", None),
                ENOSPC => (
                    ": no space",
                    Some("make space there, or choose another --data-dir"),
                ),
                30 => (
                    ": read-only",
                    Some("mount it for writing, or choose another --data-dir"),
                ),
                _ => ("", None),
            };
            let mut finding = Finding::of(false, format!("failed with errno {errno}{why}"));
            finding.fix = fix.map(str::to_owned);
            // A full disk says nothing about direct IO, and an existing data directory may still be served.
            if errno == ENOSPC {
                finding.severity(Severity::Warning)
            } else {
                finding
            }
        }
    }
}

/// What `statfs` calls it, a name for people, and whether data belongs there.
const FILE_SYSTEMS: &[(i64, &str, bool)] = &[
    (0x5846_5342, "xfs", true),
    (0xEF53, "ext4", true),
    (
        0x0102_1994,
        "tmpfs (memory only: lost with the machine)",
        false,
    ),
    (
        0x8584_58F6,
        "ramfs (memory only: lost with the machine)",
        false,
    ),
    (
        0x794C_7630,
        "overlayfs (a container's own layer: mount a volume)",
        false,
    ),
    (0x6969, "nfs", false),
    (0xFF53_4D42, "cifs", false),
    (0xFE53_4D42, "smb2", false),
    (0x6573_5546, "fuse", false),
    (0x9123_683E, "btrfs (copies on write)", false),
    (0x2FC1_2FC1, "zfs (copies on write)", false),
    (0x0102_1997, "9p", false),
    (0xF2F5_2010, "f2fs", false),
];

fn file_system(host: &Host<'_>) -> Finding {
    let Some(FileSystem { magic, .. }) = host.facts.file_system(&host.needs.data_dir) else {
        return Finding::untold();
    };
    match FILE_SYSTEMS.iter().find(|(known, _, _)| *known == magic) {
        Some((_, name, good)) => Finding::of(*good, *name),
        None => Finding::of(false, format!("unknown ({magic:#x})")),
    }
}

fn mount(host: &Host<'_>) -> Finding {
    let device = host
        .facts
        .file_system(&host.needs.data_dir)
        .map(|fs| format!("{}:{}", fs.device.0, fs.device.1));
    let table = host.facts.read("/proc/self/mountinfo").unwrap_or_default();
    // Fields: id, parent, major:minor, root, mount point, options, ...; the super block's options come last.
    let options = table.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        (Some(*fields.get(2)?) == device.as_deref())
            .then(|| format!("{},{}", fields[5..6].concat(), fields[fields.len() - 1]))
    });
    let Some(options) = options else {
        return Finding::untold();
    };
    let has = |option: &str| options.split(',').any(|o| o == option);
    let wrong: Vec<_> = [(!has("noatime"), "no noatime"), (has("discard"), "discard")]
        .into_iter()
        .filter_map(|(wrong, what)| wrong.then_some(what))
        .collect();
    Finding::of(
        wrong.is_empty(),
        if wrong.is_empty() {
            "as wanted".to_owned()
        } else {
            wrong.join(", ")
        },
    )
}

fn free_space(host: &Host<'_>) -> Finding {
    let Some(fs) = host.facts.file_system(&host.needs.data_dir) else {
        return Finding::untold();
    };
    let journals = host
        .needs
        .journal_bytes_max
        .unwrap_or(0)
        .saturating_mul(u64::from(host.needs.shards));
    // Never fatal: a broker whose disk is full must be able to start, to serve reads and to heal.
    let current = format!("{} of {}", bytes_text(fs.bytes_free), bytes_text(fs.bytes));
    Finding::of(fs.bytes_free >= (10 << 30) + journals, current)
}

fn write_cache(host: &Host<'_>) -> Finding {
    match host.queue("write_cache") {
        Some(cache) => Finding::of(cache == "write through", cache),
        None => Finding::untold(),
    }
}

fn io_scheduler(host: &Host<'_>) -> Finding {
    match host.queue("scheduler") {
        Some(list) => Finding::of(chosen(&list) == "none", chosen(&list)),
        None => Finding::untold(),
    }
}

fn sector_size(host: &Host<'_>) -> Finding {
    match host
        .queue("logical_block_size")
        .and_then(|text| text.parse::<u64>().ok())
    {
        Some(bytes) => Finding::of(bytes <= 4096, bytes.to_string()),
        None => Finding::untold(),
    }
}
