//! What a seed draws: the sizes of everything, who the clients are, and which faults there are and how often.

use std::fmt;

use broker::config::Config;
use broker::limits;

use super::client::admin::Wishes;
use super::client::records::VALUE_BYTES_MIN;
use super::disk::aim::{TARGETS, Target};
use super::machine::Shape;
use super::random::Random;

/// A family of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The process is killed, between any two turns of any tasks.
    Kill,
    /// The machine loses its power.
    Power,
    /// The process is asked to stop, and started again.
    Stop,
    /// The disk is slow at times, and stands still at others.
    Slow,
    /// Reads fail.
    Read,
    /// Writes fail, and may have happened in part.
    Write,
    /// Syncs fail once and then work again.
    Sync,
    /// The file system is full for a while.
    Full,
    /// Data at rest decays while the broker is down.
    Rot,
    /// Syncs say for a while that they succeeded, and make nothing durable.
    Lie,
}

/// All families.
pub const FAULTS: [Fault; 10] = [
    Fault::Kill,
    Fault::Power,
    Fault::Stop,
    Fault::Slow,
    Fault::Read,
    Fault::Write,
    Fault::Sync,
    Fault::Full,
    Fault::Rot,
    Fault::Lie,
];

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill",
            Self::Power => "power",
            Self::Stop => "stop",
            Self::Slow => "slow",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Full => "full",
            Self::Rot => "rot",
            Self::Lie => "lie",
        })
    }
}

impl Fault {
    /// A run has it once in so many.
    fn rarity(self) -> u64 {
        match self {
            Self::Kill | Self::Power | Self::Stop | Self::Slow => 2,
            Self::Read | Self::Write | Self::Sync | Self::Full | Self::Rot | Self::Lie => 4,
        }
    }

    /// Whether it makes reads fail: what a failed sync dropped may have left memory already.
    pub fn breaks_reads(self) -> bool {
        matches!(self, Self::Read | Self::Sync)
    }

    /// The family of this name.
    pub fn named(name: &str) -> Option<Self> {
        FAULTS.into_iter().find(|fault| fault.to_string() == name)
    }
}

/// Where the process or the power ends, whatever else breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Behind so many steps of the first start, before any shard runs.
    StartStep(u32, Fault),
    /// Behind so many turns of any tasks.
    Turn(u64, Fault),
}

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The machine.
    pub shape: Shape,
    /// Its settings.
    pub config: Config,
    /// What the admin does.
    pub wishes: Wishes,
    /// Idempotent producers, and others.
    pub producers: (u32, u32),
    /// Consumers.
    pub consumers: u32,
    /// Members of consumer groups, and how many groups they share.
    pub members: (u32, u32),
    /// Clients that commit offsets, each to a group of its own that has no members.
    pub committers: u32,
    /// How long some committed offsets are kept, milliseconds, at most; 0: all for ever.
    pub offset_retention_ms_max: u64,
    /// Requests of all clients together.
    pub requests: u64,
    /// Pauses of clients, microseconds, at most.
    pub think_us_max: u64,
    /// Keys of records.
    pub keys: u64,
    /// Bytes of a record's value, at least and at most.
    pub value_bytes: (u64, u64),
    /// The families that this run draws its faults from.
    pub faults: Vec<Fault>,
    /// How many times something breaks.
    pub breaks: u64,
    /// Time between two of them, microseconds, at most.
    pub peace_us_max: u64,
    /// The process or the power ends behind an operation of the disk once in so many times, else at any turn; 0 never.
    pub aimed_one_in: u64,
    /// Which operations that are.
    pub targets: Vec<Target>,
    /// The process or the power ends here too.
    pub ends: Option<Point>,
    /// Latency of the disk, microseconds.
    pub latency_us: (u64, u64),
    /// Whether syncing the file system empties the device's cache.
    pub sync_all_flushes: bool,
    /// A client hangs up once in so many answers that it waits for; 0 never.
    pub hang_up_one_in: u64,
}

impl Plan {
    /// The plan of `seed`, with faults of these families only.
    pub fn draw(seed: u64, allowed: &[Fault]) -> Self {
        let random = Random::stream(seed, 2);
        let faults = Random::stream(seed, 3);
        let drawn = FAULTS
            .into_iter()
            .filter(|fault| faults.one_in(fault.rarity()));
        let mut drawn: Vec<Fault> = drawn.collect();
        let may_lie = drawn.contains(&Fault::Lie);
        drawn.retain(|fault| allowed.contains(fault));
        let low = random.spread(1, 200);
        let retention = Random::stream(seed, 20);
        let groups = Random::stream(seed, 21);
        let mut plan = Self {
            shape: Shape {
                number: 1,
                shards: random.spread(1, 4) as u32,
                mesh_queue_max: random.spread(1, 64) as usize,
                window_bytes: random.spread(512, 256 << 10) as usize,
                open_segments_max: random.spread(1, 16) as usize,
                prepared_bytes_max: random.spread(16 << 10, 1 << 20) as usize,
            },
            config: config(&random, &Random::stream(seed, 23), may_lie),
            wishes: Wishes {
                topics: random.between(1, 4),
                partitions_max: random.spread(1, 6),
                delete_one_in: *random.pick(&[0, 2, 8]),
                segment_ms_max: *random.pick(&[0, 20, 2000]),
                delete_records_one_in: *Random::stream(seed, 6).pick(&[0, 2, 8]),
                retention_one_in: *retention.pick(&[0, 1, 3]),
                own_caching: Random::stream(seed, 8).one_in(8),
                compacted: 0,
                compaction: (0.5, 0),
            },
            producers: (random.between(1, 3) as u32, random.below(3) as u32),
            consumers: random.below(3) as u32,
            members: (
                *groups.pick(&[0, 0, 0, 2, 3, 5]),
                groups.between(1, 2) as u32,
            ),
            committers: groups.below(2) as u32,
            offset_retention_ms_max: 0,
            requests: random.spread(60, 600),
            think_us_max: random.spread(10, 20_000),
            keys: 1,
            value_bytes: (VALUE_BYTES_MIN, random.spread(32, 4096)),
            breaks: random.below(8) * u64::from(!drawn.is_empty()),
            faults: drawn,
            peace_us_max: random.spread(2_000, 2_000_000),
            aimed_one_in: *Random::stream(seed, 7).pick(&[0, 1, 2, 4]),
            targets: TARGETS.to_vec(),
            ends: None,
            latency_us: (low, low * random.spread(1, 100)),
            sync_all_flushes: random.one_in(2),
            hang_up_one_in: *random.pick(&[0, 0, 10, 100]),
        };
        plan.config.retention_check_interval_ms = retention.spread(20, 5000);
        plan.config.offsets_topic_partitions = groups.between(1, 4) as u32;
        plan.config.groups.session_timeout_ms_min = 1;
        plan.config.groups.initial_rebalance_delay_ms = groups.spread(1, 300) as i32;
        if groups.one_in(3) {
            plan.expire_offsets(groups.spread(10, 500), groups.spread(10, 2000));
        }
        plan.draw_compaction(&Random::stream(seed, 22));
        if may_lie {
            // A disk that lies may lose what stands in the place of segments that are gone: no rule holds. Also when lies are not
            // allowed, so that a run that was made shorter without them stays what it was.
            plan.wishes.compacted = 0;
        }
        plan
    }

    fn draw_compaction(&mut self, random: &Random) {
        self.keys = random.spread(1, 60);
        self.wishes.compacted = random.below(2) * random.next();
        let dirty_ratio = *random.pick(&[0.0, 0.1, 0.5]);
        self.wishes.compaction = (dirty_ratio, *random.pick(&[0, 1, 1000]));
        self.config.compaction.backoff_ms = random.spread(1, 5000);
        self.config.compaction.key_bytes_max = random.spread(1, 10_000);
    }

    /// From here on some offsets are kept for `retention_ms_max` at most, and looked for every `check_ms`.
    pub fn expire_offsets(&mut self, check_ms: u64, retention_ms_max: u64) {
        self.config.groups.offsets_retention_check_interval_ms = check_ms;
        self.offset_retention_ms_max = retention_ms_max;
    }
}

/// Settings so small that files roll, fill and are recycled within a run. What `states` draws is for topics that say nothing
/// themselves, those of the coordinators above all: their segments roll and are compacted, unless the disk `may_lie`.
fn config(random: &Random, states: &Random, may_lie: bool) -> Config {
    let frame_bytes_max = 4096 * random.between(32, 64);
    let journal_file_bytes = frame_bytes_max + 4096 * random.between(1, 64);
    let journal_bytes_max = journal_file_bytes * random.between(2, 5);
    let dirty_bytes_max = random.spread(4 << 10, 512 << 10);
    let checkpoint_interval_ms = random.spread(1000, 30_000);
    let write_caching = random.one_in(8).to_string();
    let batch_bytes_max = limits::batch_bytes_max(frame_bytes_max).to_string();
    let roll_ms = match may_lie {
        true => "604800000".to_owned(),
        false => states.spread(20, 1_000_000).to_string(),
    };
    // What topics take over must be set as an operator sets it: by name.
    let pairs = [
        ("message.max.bytes", batch_bytes_max.as_str()),
        ("write.caching", write_caching.as_str()),
        ("log.roll.ms", roll_ms.as_str()),
        (
            "log.cleaner.min.cleanable.ratio",
            states.pick::<&str>(&["0", "0.5"]),
        ),
        (
            "log.cleaner.delete.retention.ms",
            states.pick::<&str>(&["0", "500", "86400000"]),
        ),
    ];
    let mut config = Config::from_pairs(&pairs).expect("legal settings");
    config.data_dir = "/pelton/data".into();
    config.listen_port = 9092;
    config.frame_bytes_max = frame_bytes_max;
    config.journal_file_bytes = journal_file_bytes;
    config.journal_bytes_max = Some(journal_bytes_max);
    config.dirty_bytes_max = Some(dirty_bytes_max);
    config.checkpoint_interval_ms = checkpoint_interval_ms;
    config.direct_bytes_min = *states.pick(&[1, 200, 2000, u64::MAX]);
    config
}
