//! Data at rest decays while the broker is down, and what must come of it: damage to segments refuses the reads that meet it
//! and nothing else; damage to what a start needs refuses the start, and once the file is restored nothing is missing; the
//! last frame of a journal is spared, since its rot is a torn write to a lone machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use broker::journal::frame::{self, FILE_HEADER_BYTES, FileHeaders};
use broker::log::format;
use broker::shard::PartitionKey;

use super::disk::content::PAGE_BYTES;
use super::disk::rot::{ROTS, Rot};
use super::run::Operator;

/// Which kind of file decays.
const KINDS: [&str; 6] = [".journal", ".log", ".log", ".idx", ".manifest", "/"];

impl Operator {
    /// The broker is down for a while, and something of the disk is not what it was when it comes back.
    pub(super) async fn decay(&self) {
        self.setting.kill();
        // What has decayed already does not say any more where the last frame stands.
        let spared = self.last_frames();
        for _ in 0..self.random.spread(1, 4) {
            self.rot_one(&spared);
        }
        let down = self.random.spread_us(1, 200_000);
        self.setting.world.sleep(down).await;
        self.start().await;
        // Long enough to see whether it recovers.
        self.supervise(Duration::from_millis(self.random.spread(1, 200)))
            .await;
    }

    /// A broker that came up without some files goes on without them: an old copy would not fit any more.
    pub(super) fn forget_copies(&self) {
        let mut damages = self.damages.borrow_mut();
        if !damages.is_empty() && self.setting.machine.is_serving() {
            damages.retain(|damage| damage.path.ends_with(".log") || !damage.is_whole_file());
        }
    }

    /// Of every journal file the pages of its journal's last frame, as far as that is known.
    fn last_frames(&self) -> BTreeMap<String, BTreeSet<usize>> {
        let mut paths = self.setting.machine.disk.paths();
        paths.retain(|path| path.ends_with(".journal"));
        let of = |path: String| Some((self.last_frame(&path)?, path));
        let known = paths.into_iter().filter_map(of);
        known.map(|(pages, path)| (path, pages)).collect()
    }

    fn rot_one(&self, last_frames: &BTreeMap<String, BTreeSet<usize>>) {
        let disk = &self.setting.machine.disk;
        let kind = *self.random.pick::<&str>(&KINDS);
        let mut paths = disk.paths();
        paths.retain(|path| {
            path.contains(kind) && !path.ends_with(".tmp") && !path.ends_with(".plan")
        });
        if paths.is_empty() {
            return;
        }
        let path = self.random.pick(&paths);
        let rot = *self.random.pick(&ROTS);
        let spared = match path.ends_with(".journal") {
            true => last_frames.get(path).cloned(),
            false => Some(BTreeSet::new()),
        };
        let Some(spared) = spared else { return };
        // Where the last frame stands nothing but its pages is safe to lose.
        if !spared.is_empty() && matches!(rot, Rot::Cut | Rot::Gone) {
            return;
        }
        let may = |page: usize| !spared.contains(&page);
        let Some(damage) = disk.rot(path, rot, may, &self.random) else {
            return;
        };
        if let Some(key) = partition_of(path) {
            self.setting.damaged.borrow_mut().insert(key);
        }
        self.damages.borrow_mut().push(damage);
    }

    /// The pages of the journal's last frame in the file at `path`; none if it stands in another file. `None`: not known.
    fn last_frame(&self, path: &str) -> Option<BTreeSet<usize>> {
        let disk = &self.setting.machine.disk;
        let directory = &path[..path.rfind('/')?];
        let mut files = disk.paths();
        files.retain(|other| other.starts_with(directory) && other.ends_with(".journal"));
        let last = files
            .into_iter()
            .filter_map(|other| {
                let (sequence, pages) = last_of(&disk.bytes_of(&other))?;
                Some((sequence, pages, other))
            })
            .max_by_key(|(sequence, ..)| *sequence);
        match last {
            Some((_, pages, other)) if other == path => Some(pages),
            Some(_) => Some(BTreeSet::new()),
            None => None,
        }
    }

    /// The files that have decayed and that a start needs: none reads segments, or needs indexes.
    pub(super) fn needed_and_decayed(&self) -> Vec<String> {
        let damages = self.damages.borrow();
        let needed = |path: &str| !path.ends_with(".log") && !path.ends_with(".idx");
        let paths = damages.iter().map(|damage| damage.path.clone());
        paths.filter(|path| needed(path)).collect()
    }

    /// Whether something has decayed, before the start or since, that a start may mean which said this.
    pub(super) fn has_decayed(&self, said: &str) -> bool {
        let before = self.decayed_before.borrow();
        let now = self.needed_and_decayed();
        before.iter().chain(&now).any(|path| may_mean(said, path))
    }

    /// What decayed is restored from a copy, where the broker has not written since. After a start that was refused, only what
    /// that may have meant: of anything else it may have begun to go on without. In the end (no refusals) segments too, but no
    /// other file that a start may have done without.
    pub(super) fn restore(&self, refusals: Option<&[&str]>) {
        let disk = &self.setting.machine.disk;
        let all = std::mem::take(&mut *self.damages.borrow_mut());
        let whole = all.iter().filter(|damage| damage.is_whole_file());
        let whole: BTreeSet<String> = whole.map(|damage| damage.path.clone()).collect();
        let (restored, kept): (Vec<_>, Vec<_>) = all.into_iter().partition(|damage| {
            let is_segment = damage.path.ends_with(".log");
            match refusals {
                None => is_segment || !whole.contains(&damage.path),
                Some(said) => !is_segment && said.iter().any(|said| may_mean(said, &damage.path)),
            }
        });
        *self.damages.borrow_mut() = kept;
        // The last one first: it may have hit what another one had hit.
        for damage in restored.into_iter().rev() {
            let key = partition_of(&damage.path);
            if !disk.undo(damage)
                && let Some(key) = key
            {
                self.setting.lost.borrow_mut().insert(key);
            }
        }
    }
}

/// Whether what a refused start said may be about this file: it names its shard, or none. Manifests have been read when a
/// journal is found damaged, so one that is gone was not missed, and recovery may have begun to write without it, now or in a start
/// before, if it says of another one that it is damaged.
fn may_mean(said: &str, path: &str) -> bool {
    if said.contains("journal corrupt at") && path.ends_with(".manifest") {
        return false;
    }
    let is_checkpoint = path.contains("/shard-") && path.ends_with(".manifest");
    if said.contains("the checkpoint is damaged") && is_checkpoint {
        return said.contains(path);
    }
    let shard = said
        .strip_prefix("shard ")
        .and_then(|said| said.split(':').next());
    shard.is_none_or(|number| {
        let is_elsewhere = path.contains("/shard-") && !path.contains(&format!("/shard-{number}/"));
        !is_elsewhere
    })
}

/// The last valid frame in a journal file: its sequence and its pages.
fn last_of(bytes: &[u8]) -> Option<(u64, BTreeSet<usize>)> {
    let header = FileHeaders::decode(bytes).ok()?.latest?;
    let mut last = None;
    for at in (FILE_HEADER_BYTES..bytes.len()).step_by(PAGE_BYTES) {
        if let Ok((frame, _)) = frame::decode(&bytes[at..], &header) {
            let first = at / PAGE_BYTES;
            let pages = (first..first + frame.frame_bytes as usize / PAGE_BYTES).collect();
            last = Some((frame.sequence, pages));
        }
    }
    last
}

/// The partition whose segment `path` is.
fn partition_of(path: &str) -> Option<PartitionKey> {
    path.strip_suffix(".log")?;
    let directory = Path::new(path).parent()?.file_name()?.to_str()?;
    let (partition, topic_id) = format::partition_of(directory)?;
    Some(PartitionKey {
        topic_id,
        partition,
    })
}
