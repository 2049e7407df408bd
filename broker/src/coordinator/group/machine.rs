//! The coordinator of the groups of one partition of `__consumer_offsets`: a replicated state machine. What the log keeps
//! (offsets, and each group's last recorded generation) changes by `replay` alone; who is in a group and waits for what
//! changes while requests are handled, and is made anew from the record when the log has been read. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use super::figures::{GroupCounts, GroupSums};
use super::offsets::{Offsets, commit_offsets};
use super::records::{Generation, GroupRecord};
use super::state::Group;
use super::timers::Timers;
use super::turn::{Answer, Due, Turn};
use super::{GroupConfig, GroupError, GroupReply, GroupRequest, ListedGroup, Ticket};
use crate::limits;
use crate::replicated::{Decision, Moment, StateMachine};

/// What comes to the coordinator.
#[derive(Debug, Clone)]
pub enum GroupCommand {
    /// Somebody asks about a group. The reply, at once or later, goes to who holds the ticket.
    Ask {
        /// Who waits.
        ticket: Ticket,
        /// The group.
        group_id: String,
        /// What is asked.
        request: GroupRequest,
    },
    /// Something is due.
    Deadline,
    /// These topics are gone: their offsets go too, without haste.
    ForgetTopics(Vec<(Arc<str>, u128)>),
}

/// A walk over all groups that looks for what is to go.
#[derive(Debug, Default)]
struct Sweep {
    /// It goes on behind this group.
    after: Option<Arc<str>>,
    /// Whether it looks for what has expired.
    expires: bool,
    /// Topics whose offsets go.
    gone: BTreeSet<(Arc<str>, u128)>,
    /// When the next one looks for what has expired.
    next_expiry_ms: u64,
}

/// The state machine.
#[derive(Debug)]
pub struct GroupCoordinator {
    config: GroupConfig,
    groups: BTreeMap<Arc<str>, Group>,
    timers: Timers<Due>,
    sweep: Sweep,
    sums: GroupSums,
    counts: GroupCounts,
}

fn turn<'a>(
    config: &'a GroupConfig,
    (timers, counts): (&'a mut Timers<Due>, &'a mut GroupCounts),
    moment: Moment,
) -> Turn<'a> {
    Turn {
        moment,
        config,
        timers,
        counts,
        records: Vec::new(),
        answers: Vec::new(),
    }
}

impl GroupCoordinator {
    /// One that has read nothing yet.
    pub fn new(config: GroupConfig) -> Self {
        Self {
            config,
            groups: BTreeMap::new(),
            timers: Timers::default(),
            sweep: Sweep::default(),
            sums: GroupSums::default(),
            counts: GroupCounts::default(),
        }
    }

    /// The log is read: groups come to life as they are recorded, and their members' sessions begin.
    pub fn start(&mut self, moment: Moment) {
        let mut turn = turn(&self.config, (&mut self.timers, &mut self.counts), moment);
        for (group_id, group) in &mut self.groups {
            self.sums.uncount(group);
            group.start(group_id, &mut turn);
            self.sums.count(group);
        }
        assert!(
            turn.records.is_empty() && turn.answers.is_empty(),
            "members that were read wait for nothing"
        );
        if !self.groups.is_empty() {
            self.keep_sweeping(moment);
        }
    }

    /// What the groups come to.
    pub fn sums(&self) -> &GroupSums {
        &self.sums
    }

    /// What was done since it was made.
    pub fn counts(&self) -> GroupCounts {
        self.counts
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Every group, by id.
    pub fn list(&self) -> impl Iterator<Item = ListedGroup> {
        let groups = self.groups.iter();
        groups.map(|(group_id, group)| group.list(group_id))
    }

    /// The groups themselves, by id.
    pub fn groups(&self) -> impl Iterator<Item = (&Arc<str>, &Group)> {
        self.groups.iter()
    }

    /// Topics that offsets are stored for, by name and id (0 where it was not known).
    pub fn topics(&self) -> BTreeSet<(Arc<str>, u128)> {
        let offsets = self
            .groups
            .values()
            .flat_map(|group| group.offsets().iter());
        offsets
            .map(|(topic, _, offset)| (topic.clone(), offset.topic_id))
            .collect()
    }

    /// The coordinator stops: everybody who waits, to be told so.
    pub fn take_tickets(&mut self) -> Vec<Ticket> {
        let groups = self.groups.values_mut();
        groups.flat_map(Group::take_tickets).collect()
    }

    /// What the log keeps of each group: coordinators that have seen the same records agree on it.
    pub fn recorded(&self) -> impl Iterator<Item = (&str, Option<&Generation>, &Offsets)> {
        let groups = self.groups.iter();
        groups.map(|(id, group)| (&**id, group.recorded(), group.offsets()))
    }

    fn ask(
        &mut self,
        (ticket, group_id): (Ticket, &str),
        request: GroupRequest,
        moment: Moment,
    ) -> Decision<GroupRecord, Vec<Answer>> {
        let groups = self.groups.len();
        let mut turn = turn(&self.config, (&mut self.timers, &mut self.counts), moment);
        let reply = match (self.groups.get_mut(group_id), request) {
            (Some(group), request) => {
                self.sums.uncount(group);
                let reply = group.ask(request, ticket, &mut turn);
                self.sums.count(group);
                reply
            }
            (None, GroupRequest::Join(join)) if join.member_id.is_empty() => {
                if groups < limits::GROUPS_PER_COORDINATOR_MAX {
                    let group_id: Arc<str> = group_id.into();
                    let group = Group::begin(&group_id, join, ticket, &mut turn);
                    self.sums.count(&group);
                    self.groups.insert(group_id, group);
                    None
                } else {
                    Some(Err(GroupError::GroupFull))
                }
            }
            (None, GroupRequest::CommitOffsets(_))
                if groups >= limits::GROUPS_PER_COORDINATOR_MAX =>
            {
                Some(Err(GroupError::GroupFull))
            }
            (None, request) => Some(ask_without_group(group_id, request, &mut turn)),
        };
        if let Some(reply) = reply {
            turn.answer(ticket, reply);
        }
        let decision = turn.decision();
        if !self.groups.is_empty() || !decision.records.is_empty() {
            self.keep_sweeping(moment);
        }
        decision
    }

    fn deadline(&mut self, moment: Moment) -> Decision<GroupRecord, Vec<Answer>> {
        let due = self.timers.take_due(moment.now_ms);
        if due == Some(Due::Sweep) {
            return self.sweep(moment);
        }
        let mut turn = turn(&self.config, (&mut self.timers, &mut self.counts), moment);
        if let Some(due) = due
            && let Some(group_id) = due.group()
            && let Some(group) = self.groups.get_mut(group_id)
        {
            self.sums.uncount(group);
            group.due(&due, &mut turn);
            self.sums.count(group);
        }
        turn.decision()
    }

    /// Looks at some groups for offsets, and groups, that are to go.
    fn sweep(&mut self, moment: Moment) -> Decision<GroupRecord, Vec<Answer>> {
        let sweep = &mut self.sweep;
        if moment.now_ms >= sweep.next_expiry_ms {
            sweep.next_expiry_ms = moment.now_ms + self.config.offsets_retention_check_ms;
            sweep.expires = true;
            sweep.after = None;
        }
        let from = match &sweep.after {
            Some(after) => Bound::Excluded(after.clone()),
            None => Bound::Unbounded,
        };
        let mut turn = turn(&self.config, (&mut self.timers, &mut self.counts), moment);
        let mut groups = self.groups.range_mut((from, Bound::Unbounded));
        for (group_id, group) in groups.by_ref().take(limits::GROUPS_SWEPT_PER_TURN) {
            group.sweep(sweep.expires, &sweep.gone, &mut turn);
            sweep.after = Some(group_id.clone());
            if turn.records.len() >= limits::GROUPS_SWEPT_PER_TURN {
                break;
            }
        }
        if groups.next().is_some() {
            turn.set(Due::Sweep, 0);
        } else {
            sweep.expires = false;
            sweep.after = None;
            sweep.gone.clear();
        }
        let decision = turn.decision();
        if !self.groups.is_empty() {
            self.keep_sweeping(moment);
        }
        decision
    }

    /// There are groups, or there will be one: some day they are looked at.
    fn keep_sweeping(&mut self, moment: Moment) {
        if self.timers.contains(&Due::Sweep) {
            return;
        }
        if self.sweep.next_expiry_ms <= moment.now_ms {
            self.sweep.next_expiry_ms = moment.now_ms + self.config.offsets_retention_check_ms;
        }
        self.timers.set(Due::Sweep, self.sweep.next_expiry_ms);
    }

    fn forget_topics(&mut self, topics: Vec<(Arc<str>, u128)>, moment: Moment) {
        for (topic, topic_id) in topics {
            // Offsets of old records do not say which topic of this name they are for.
            self.sweep.gone.insert((topic.clone(), 0));
            self.sweep.gone.insert((topic, topic_id));
        }
        self.sweep.after = None;
        self.timers.set(Due::Sweep, moment.now_ms);
    }
}

impl StateMachine for GroupCoordinator {
    type Request = GroupCommand;
    type Record = GroupRecord;
    type Reply = Vec<Answer>;

    fn handle(
        &mut self,
        command: GroupCommand,
        moment: Moment,
    ) -> Decision<GroupRecord, Vec<Answer>> {
        match command {
            GroupCommand::Ask {
                ticket,
                group_id,
                request,
            } => self.ask((ticket, &group_id), request, moment),
            GroupCommand::Deadline => self.deadline(moment),
            GroupCommand::ForgetTopics(topics) => {
                self.forget_topics(topics, moment);
                Decision {
                    records: Vec::new(),
                    reply: Vec::new(),
                }
            }
        }
    }

    fn replay(&mut self, record: &GroupRecord) {
        let (GroupRecord::Offset { group_id, .. } | GroupRecord::Group { group_id, .. }) = record;
        if !self.groups.contains_key(group_id) {
            if record.is_tombstone() {
                return;
            }
            let group = Group::new(group_id.clone());
            self.sums.count(&group);
            self.groups.insert(group_id.clone(), group);
        }
        let group = self
            .groups
            .get_mut(group_id)
            .expect("made sure of just now");
        self.sums.uncount(group);
        group.replay(record);
        let is_end = matches!(record, GroupRecord::Group { value: None, .. });
        if is_end && group.is_gone() {
            self.groups.remove(group_id);
        } else {
            self.sums.count(group);
        }
    }

    fn next_deadline_ms(&self) -> Option<u64> {
        self.timers.next_ms()
    }
}

/// A request about a group that is not there.
fn ask_without_group(
    group_id: &str,
    request: GroupRequest,
    turn: &mut Turn<'_>,
) -> Result<GroupReply, GroupError> {
    match request {
        GroupRequest::Join(_) | GroupRequest::Sync(_) | GroupRequest::Heartbeat(_) => {
            Err(GroupError::UnknownMember)
        }
        GroupRequest::Leave(members) => {
            let unknown = members.iter().map(|_| Err(GroupError::UnknownMember));
            Ok(GroupReply::Left(unknown.collect()))
        }
        // Who is no member stores offsets in a group of its own making.
        GroupRequest::CommitOffsets(commit) if commit.member.generation_id < 0 => {
            commit_offsets(&group_id.into(), &Offsets::default(), &commit, turn)
        }
        GroupRequest::FetchOffsets(fetch) => {
            Ok(GroupReply::Offsets(Offsets::default().fetch(&fetch)))
        }
        GroupRequest::CommitOffsets(_)
        | GroupRequest::Describe
        | GroupRequest::Delete
        | GroupRequest::DeleteOffsets(_) => Err(GroupError::UnknownGroup),
    }
}
