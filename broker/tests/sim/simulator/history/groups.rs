//! What clients of consumer groups were told. Every offset that is ever committed is a number of its own, so that a fetch
//! says exactly which commit it sees.
//!
//! Checked on every answer: an acknowledged commit is seen until a later one is (offset-went-back, lost-offset), a refused
//! one never is (refused-offset), a note stays with its offset, a generation is assigned once and each of its parts has one
//! owner (two-assignments, two-owners), a lasting name has one member (static-member-twice), and who is of an older
//! generation than one that is assigned commits nothing (stale-generation). A disk whose syncs lied, and which then lost its
//! power, may take back what came after that: any commit since the last certain one may be the one that is seen.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use broker::shard::PartitionKey;

use super::History;

/// An offset that somebody committed, or tried to.
#[derive(Debug, Clone)]
struct Commit {
    offset: i64,
    /// When it was sent.
    begun: u64,
    /// When it was certain that it is stored, if ever.
    done: Option<u64>,
    /// It is not stored.
    refused: bool,
    /// It is kept for a time only.
    expires: bool,
}

/// A generation that its leader has assigned.
#[derive(Debug)]
struct Generation {
    /// Number of the assignment.
    assignment: i64,
    /// When somebody was told first.
    told: u64,
    /// Who owns which part: its lasting name, or its member id.
    owners: BTreeMap<i32, String>,
}

/// One group.
#[derive(Debug, Default)]
struct Group {
    commits: BTreeMap<PartitionKey, Vec<Commit>>,
    generations: BTreeMap<i32, Generation>,
    /// Clients that are in it, and the generation each is in; 0 for none.
    clients: BTreeMap<u32, i32>,
}

/// All of them.
#[derive(Default)]
pub struct Groups {
    /// Counts what happens.
    now: Cell<u64>,
    next_offset: Cell<i64>,
    next_assignment: Cell<i64>,
    groups: RefCell<BTreeMap<String, Group>>,
    /// Groups that nobody is in may go, and begin again at their first generation.
    pub may_go: Cell<bool>,
    acked: Cell<u64>,
    settles: Cell<bool>,
}

impl Groups {
    /// Something happens; the number of it.
    pub fn tick(&self) -> u64 {
        self.now.set(self.now.get() + 1);
        self.now.get()
    }

    /// All groups, and the partitions that something was committed for.
    pub fn all(&self) -> Vec<(String, Vec<PartitionKey>)> {
        let groups = self.groups.borrow();
        let each = groups.iter().map(|(name, group)| {
            let keys = group.commits.keys().copied();
            (name.clone(), keys.collect())
        });
        each.collect()
    }

    /// Client `number` takes part in `group`, in this generation of it; 0 for none yet.
    pub fn is_in(&self, group: &str, number: u32, generation_id: i32) {
        let mut groups = self.groups.borrow_mut();
        let group = groups.entry(group.to_owned()).or_default();
        group.clients.insert(number, generation_id);
    }

    /// Client `number` takes no part in `group` any more.
    pub fn leaves(&self, group: &str, number: u32) {
        if let Some(group) = self.groups.borrow_mut().get_mut(group) {
            group.clients.remove(&number);
        }
    }

    /// Nothing breaks any more: from here on it counts where clients are then.
    pub fn settle(&self) {
        if !self.settles.replace(true) {
            let mut groups = self.groups.borrow_mut();
            let clients = groups
                .values_mut()
                .flat_map(|group| group.clients.values_mut());
            clients.for_each(|generation_id| *generation_id = 0);
        }
    }

    /// Whether all clients of `group` are in one generation.
    pub fn is_settled(&self, group: &str) -> bool {
        let groups = self.groups.borrow();
        let Some(group) = groups.get(group) else {
            return true;
        };
        let generations: BTreeSet<i32> = group.clients.values().copied().collect();
        generations.len() <= 1 && !generations.contains(&0)
    }

    /// An assignment is about to be given; its number.
    pub fn assigns(&self) -> i64 {
        self.next_assignment.set(self.next_assignment.get() + 1);
        self.next_assignment.get()
    }

    /// An offset is about to be committed; what it is.
    pub fn commits(&self, group: &str, key: PartitionKey, expires: bool) -> i64 {
        self.next_offset.set(self.next_offset.get() + 1);
        let commit = Commit {
            offset: self.next_offset.get(),
            begun: self.tick(),
            done: None,
            refused: false,
            expires,
        };
        let mut groups = self.groups.borrow_mut();
        let group = groups.entry(group.to_owned()).or_default();
        group.commits.entry(key).or_default().push(commit);
        self.next_offset.get()
    }

    /// Only what was known at event `floor` is certain, and of offsets only those of these topics.
    pub fn go_back(&self, floor: u64, topics: &BTreeSet<u128>) {
        for group in self.groups.borrow_mut().values_mut() {
            for (key, commits) in &mut group.commits {
                let is_certain = |done: &u64| *done <= floor && topics.contains(&key.topic_id);
                for commit in commits {
                    commit.done = commit.done.filter(is_certain);
                }
            }
            group
                .generations
                .retain(|_, generation| generation.told <= floor);
        }
    }

    /// Commits acknowledged.
    pub fn acked(&self) -> u64 {
        self.acked.get()
    }

    fn change(
        &self,
        group: &str,
        key: PartitionKey,
        offset: i64,
        change: impl FnOnce(&mut Commit),
    ) {
        let mut groups = self.groups.borrow_mut();
        let commits = groups
            .get_mut(group)
            .and_then(|group| group.commits.get_mut(&key));
        let mut commits = commits.into_iter().flatten();
        if let Some(commit) = commits.find(|commit| commit.offset == offset) {
            change(commit);
        }
    }
}

impl History {
    /// The commit of `offset` is acknowledged to a member of this generation, -1 for who is no member.
    pub fn committed(&self, group: &str, key: PartitionKey, offset: i64, generation_id: i32) {
        let now = self.groups.tick();
        self.groups.acked.set(self.groups.acked.get() + 1);
        let mut begun = 0;
        self.groups.change(group, key, offset, |commit| {
            begun = commit.begun;
            commit.done = Some(commit.done.unwrap_or(now));
        });
        let groups = self.groups.groups.borrow();
        let Some(group_state) = groups.get(group) else {
            return;
        };
        let mut later = group_state
            .generations
            .range(generation_id.saturating_add(1)..);
        let newer = later.rfind(|(_, newer)| newer.told < begun);
        if let Some((newer, _)) = newer
            && generation_id >= 0
            && !self.groups.may_go.get()
        {
            let what = format!("{group}: a commit of generation {generation_id} after {newer}");
            self.fail("stale-generation", what);
        }
    }

    /// The commit of `offset` is refused: it is stored nowhere.
    pub fn refused_commit(&self, group: &str, key: PartitionKey, offset: i64) {
        self.groups
            .change(group, key, offset, |commit| commit.refused = true);
    }

    /// A fetch that began at `begun` was told this offset of `key` with this note; -1: none is stored.
    pub fn fetched(&self, group: &str, key: PartitionKey, begun: u64, (offset, note): (i64, &str)) {
        let now = self.groups.tick();
        let mut groups = self.groups.groups.borrow_mut();
        let commits = groups
            .entry(group.to_owned())
            .or_default()
            .commits
            .entry(key)
            .or_default();
        let certain = |commit: &&Commit| commit.done.is_some_and(|done| done < begun);
        let latest = commits.iter().filter(certain).map(|commit| commit.begun);
        let latest = latest.max();
        // What was over before the latest certain one began is overwritten.
        let may_be = |commit: &Commit| {
            let over = commit.done.zip(latest);
            !commit.refused && over.is_none_or(|(done, latest)| done >= latest)
        };
        if offset == -1 {
            // Committed by name, it may have gone to the topic that had the name before, and with it.
            if let Some(latest) = latest
                && !self.is_made_anew(key.topic_id)
                && !commits
                    .iter()
                    .any(|commit| may_be(commit) && commit.expires)
            {
                let what = format!("{group} {key:?}: none, after the commit of event {latest}");
                self.fail("lost-offset", what);
            }
            return;
        }
        let Some(at) = commits.iter().position(|commit| commit.offset == offset) else {
            // A topic of this name that was there before may have been meant.
            let elsewhere = groups.get(group).is_some_and(|group| {
                let all = group.commits.values().flatten();
                all.into_iter().any(|commit| commit.offset == offset)
            });
            if !elsewhere {
                let what = format!("{group} {key:?}: {offset} was never committed");
                self.fail("unknown-offset", what);
            }
            return;
        };
        let commit = &commits[at];
        if commit.refused {
            let what = format!("{group} {key:?}: {commit:?} is stored");
            self.fail("refused-offset", what);
        } else if !may_be(commit) {
            let what = format!("{group} {key:?}: {commit:?}, after the one of event {latest:?}");
            self.fail("offset-went-back", what);
        }
        if note != self::note(offset) {
            let what = format!("{group} {key:?}: {offset} with the note {note}");
            self.fail("other-note", what);
        }
        let commit = &mut commits[at];
        commit.done = Some(commit.done.unwrap_or(now));
    }

    /// `owner` was given `parts` of an assignment in a generation of `group`.
    pub fn assigned(
        &self,
        (group, generation_id): (&str, i32),
        owner: &str,
        (assignment, parts): (i64, &[i32]),
    ) {
        if self.groups.may_go.get() {
            return;
        }
        let told = self.groups.tick();
        let mut groups = self.groups.groups.borrow_mut();
        let generations = &mut groups.entry(group.to_owned()).or_default().generations;
        let generation = generations.entry(generation_id).or_insert(Generation {
            assignment,
            told,
            owners: BTreeMap::new(),
        });
        if generation.assignment != assignment {
            let other = generation.assignment;
            let what = format!("{group} {generation_id}: {assignment} for {owner}, {other} before");
            self.fail("two-assignments", what);
        }
        for part in parts {
            let before = generation.owners.insert(*part, owner.to_owned());
            if let Some(before) = before.filter(|before| before != owner) {
                let what = format!("{group} {generation_id}: {part} is {owner}'s and {before}'s");
                self.fail("two-owners", what);
            }
        }
    }

    /// A leader was told who is in `group`: the lasting names of its members.
    pub fn told_members<'a>(&self, group: &str, instances: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for instance in instances {
            if !seen.insert(instance) {
                self.fail("static-member-twice", format!("{group}: {instance}"));
            }
        }
    }
}

/// The note that is committed with `offset`.
pub fn note(offset: i64) -> String {
    format!("note {offset}")
}
