//! A classic consumer group while it is coordinated: its members, the generation they are in, and how it comes to the next.
//! Follows Kafka's `ClassicGroup` and what its `GroupMetadataManager` does with one. None of it is in the log but what a
//! [`Generation`] says; offsets are elsewhere. Pure.
//!
//! ```text
//!          join                  all joined, or time is up             the leader's SyncGroup
//!  Empty --------> Preparing --------------------------> Completing --------------------------> Stable
//!    ^               |   ^---- join of another, leave, loss of a member ----+--------------------'
//!    '--- nobody left
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::member::Member;
use super::records::{Generation, GroupRecord, subscribed_topics};
use super::turn::{Due, Turn};
use super::{
    DescribedGroup, DescribedMember, GroupError, GroupReply, GroupState, JoinedGroup, JoinedMember,
    MemberRef, Ticket,
};
use crate::coordinator::java_hash;
use crate::planted::{self, Bug};

/// The type of groups whose metadata says which topics they read.
pub const CONSUMER: &str = "consumer";

/// How long a new member may wait for its first generation before it counts as gone: it has no session yet (Kafka's
/// `classicGroupNewMemberJoinTimeoutMs`).
pub(super) const NEW_MEMBER_JOIN_TIMEOUT_MS: i32 = 300_000;

/// Where a group stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// No members.
    Empty,
    /// Members are joining.
    Preparing(Option<FirstJoin>),
    /// All have joined; the leader's assignment is awaited.
    Completing,
    /// Everybody has a part.
    Stable,
}

/// The first members of an empty group are waited for together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FirstJoin {
    /// The current delay.
    pub delay_ms: i32,
    /// How far it may still be extended.
    pub rest_ms: i32,
    /// Somebody has come since it began.
    pub grew: bool,
}

/// A classic group.
#[derive(Debug)]
pub struct ClassicGroup {
    pub(super) id: Arc<str>,
    pub(super) phase: Phase,
    /// When it came into its phase, wall time in milliseconds; -1 if it is not known.
    since_ms: i64,
    pub(super) generation_id: i32,
    pub(super) protocol_type: Option<Arc<str>>,
    pub(super) protocol_name: Option<Arc<str>>,
    pub(super) leader: Option<Arc<str>>,
    pub(super) members: BTreeMap<Arc<str>, Member>,
    /// Member ids of static members by their lasting names.
    pub(super) static_members: BTreeMap<Arc<str>, Arc<str>>,
    /// Ids that were given out and have not joined yet.
    pub(super) pending: BTreeSet<Arc<str>>,
    /// Members of this generation that have not asked for their part.
    pub(super) unsynced: BTreeSet<Arc<str>>,
    /// Members whose JoinGroup waits.
    joining: usize,
    /// How many members know a protocol.
    known_by: BTreeMap<Arc<str>, usize>,
    /// Topics it reads; `None` if they are not known.
    subscribed: Option<BTreeSet<Arc<str>>>,
    bytes: usize,
}

impl ClassicGroup {
    /// A group that nobody is in.
    pub fn new(id: Arc<str>, since_ms: i64) -> Self {
        Self {
            id,
            phase: Phase::Empty,
            since_ms,
            generation_id: 0,
            protocol_type: None,
            protocol_name: None,
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending: BTreeSet::new(),
            unsynced: BTreeSet::new(),
            joining: 0,
            known_by: BTreeMap::new(),
            subscribed: None,
            bytes: 0,
        }
    }

    /// The group as the log has it; its members' sessions begin now.
    pub fn load(id: Arc<str>, recorded: &Generation, turn: &mut Turn<'_>) -> Self {
        let mut group = Self::new(id, recorded.since_ms);
        group.generation_id = recorded.generation_id;
        group.protocol_type.clone_from(&recorded.protocol_type);
        group.protocol_name.clone_from(&recorded.protocol_name);
        let protocol = recorded.protocol_name.clone().unwrap_or_default();
        for member in &recorded.members {
            group.insert(
                member.member_id.clone(),
                Member::recorded(member, protocol.clone()),
            );
            group.hear_of(&member.member_id, turn);
        }
        group.leader.clone_from(&recorded.leader);
        if !group.members.is_empty() {
            group.phase = Phase::Stable;
        }
        group.subscribed = group.compute_subscribed();
        let too_many = group.members.len() > turn.config.members_max;
        if too_many {
            // The bound has changed: they commit what they have and join again, some of them in vain.
            group.prepare(turn);
        }
        group
    }

    /// Kafka's word for where it stands.
    pub fn state(&self) -> GroupState {
        match self.phase {
            Phase::Empty => GroupState::Empty,
            Phase::Preparing(_) => GroupState::PreparingRebalance,
            Phase::Completing => GroupState::CompletingRebalance,
            Phase::Stable => GroupState::Stable,
        }
    }

    /// Its id.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Whether everybody has a part.
    pub fn is_stable(&self) -> bool {
        self.phase == Phase::Stable
    }

    /// Whether a member that stores offsets is heard of by that.
    pub fn commits_count_as_heartbeats(&self) -> bool {
        matches!(self.phase, Phase::Stable | Phase::Preparing(_))
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.phase == Phase::Empty
    }

    /// Its type, if it ever had a member.
    pub fn protocol_type(&self) -> Option<&str> {
        self.protocol_type.as_deref()
    }

    /// Whether its metadata says which topics it reads.
    pub fn is_consumer(&self) -> bool {
        self.protocol_type() == Some(CONSUMER)
    }

    /// Whether it is known which topics it reads.
    pub fn knows_topics(&self) -> bool {
        self.subscribed.is_some()
    }

    /// Whether it reads `topic`, or may.
    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed {
            Some(topics) => topics.contains(topic),
            None => self.is_consumer(),
        }
    }

    /// When it came into its state, if that is known; wall time in milliseconds.
    pub fn since_ms(&self) -> Option<i64> {
        Some(self.since_ms).filter(|since_ms| *since_ms != -1)
    }

    /// Memory it takes, roughly.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.bytes
    }

    /// How many are in it.
    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// Whether it has neither members nor ids that were given out and may still join.
    pub fn is_deserted(&self) -> bool {
        self.members.is_empty() && self.pending.is_empty()
    }

    /// Whether `who` is a member, and nobody has taken its lasting name.
    pub fn check_member(&self, who: &MemberRef) -> Result<(), GroupError> {
        if let Some(instance) = &who.group_instance_id {
            match self.static_members.get(instance.as_str()) {
                None => return Err(GroupError::UnknownMember),
                Some(member_id) if **member_id != *who.member_id => {
                    return Err(GroupError::FencedInstance);
                }
                Some(_) => {}
            }
        }
        match self.members.contains_key(who.member_id.as_str()) {
            true => Ok(()),
            false => Err(GroupError::UnknownMember),
        }
    }

    /// Whether `who` is a member of this generation.
    pub fn check_generation(&self, who: &MemberRef) -> Result<(), GroupError> {
        self.check_member(who)?;
        let is_older = who.generation_id < self.generation_id;
        match who.generation_id == self.generation_id
            || is_older && planted::on(Bug::StaleGenerationAccepted)
        {
            true => Ok(()),
            false => Err(GroupError::IllegalGeneration),
        }
    }

    /// Whether `who` may store offsets.
    pub fn check_commit(&self, who: &MemberRef) -> Result<(), GroupError> {
        let outsider = who.generation_id < 0;
        if outsider && self.is_empty() {
            return Ok(());
        }
        if !outsider || !who.member_id.is_empty() || who.group_instance_id.is_some() {
            self.check_generation(who)?;
        } else {
            return Err(GroupError::UnknownMember);
        }
        match self.phase {
            Phase::Completing => Err(GroupError::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// A member is alive.
    pub fn heartbeat(&self, who: &MemberRef, turn: &mut Turn<'_>) -> Result<(), GroupError> {
        self.check_generation(who)?;
        self.hear_of(who.member_id.as_str(), turn);
        match self.phase {
            Phase::Preparing(_) => Err(GroupError::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// The session of a member begins anew. One that is not there has none.
    pub fn hear_of(&self, member_id: &str, turn: &mut Turn<'_>) {
        if let Some((id, member)) = self.members.get_key_value(member_id) {
            let due = Due::Session(self.id.clone(), id.clone());
            turn.set(due, member.session_timeout_ms);
        }
    }

    /// Whether a member of this type and these protocols can be in the group.
    pub(super) fn supports<'a>(
        &self,
        protocol_type: &str,
        mut protocols: impl Iterator<Item = &'a str>,
    ) -> bool {
        if self.is_empty() {
            return !protocol_type.is_empty() && protocols.next().is_some();
        }
        let known_by_all = |name| {
            let count = self.known_by.get(name).copied().unwrap_or(0);
            count == self.members.len()
        };
        self.protocol_type() == Some(protocol_type) && protocols.any(known_by_all)
    }

    /// The protocol that the next generation would use: of those that all know, the one most of them prefer.
    pub(super) fn select_protocol(&self) -> Option<Arc<str>> {
        let known_by_all = |name: &Arc<str>| self.known_by.get(name) == Some(&self.members.len());
        let mut votes: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for member in self.members.values() {
            let mut preferred = member.protocols.iter().map(|(name, _)| name);
            if let Some(name) = preferred.find(|name| known_by_all(name)) {
                *votes.entry(name).or_default() += 1;
            }
        }
        // Where several have as many votes Kafka takes the first one of a Java hash map.
        let place = |name: &str| {
            let hash = java_hash(name);
            (hash ^ ((hash as u32) >> 16) as i32) & 15
        };
        let chosen = votes
            .into_iter()
            .min_by_key(|(name, count)| (std::cmp::Reverse(*count), place(name)));
        chosen.map(|(name, _)| name.clone())
    }

    fn compute_subscribed(&self) -> Option<BTreeSet<Arc<str>>> {
        if !self.is_consumer() {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = self.protocol_name.as_deref()?;
        let mut all = BTreeSet::new();
        for member in self.members.values() {
            // What no consumer wrote says nothing of its topics.
            all.extend(subscribed_topics(&member.metadata(protocol)).ok()?);
        }
        Some(all)
    }

    /// A member comes in. The first one leads.
    pub(super) fn insert(&mut self, member_id: Arc<str>, member: Member) {
        if let Some(instance) = &member.group_instance_id {
            self.static_members
                .insert(instance.clone(), member_id.clone());
        }
        self.leader.get_or_insert_with(|| member_id.clone());
        self.pending.remove(&member_id);
        self.count(&member);
        let before = self.members.insert(member_id, member);
        assert!(before.is_none(), "a member comes in once");
    }

    /// A member, or an id that was given out, goes. Who waits for it is told.
    pub(super) fn remove(&mut self, member_id: &str, turn: &mut Turn<'_>) {
        if let Some((id, member)) = self.take(member_id) {
            turn.refuse(member.join, GroupError::RemovedMember);
            turn.refuse(member.sync, GroupError::RemovedMember);
            if let Some(instance) = &member.group_instance_id {
                self.static_members.remove(instance);
            }
            if self.leader.as_ref() == Some(&id) {
                self.leader = self.members.keys().next().cloned();
            }
        }
        self.pending.remove(member_id);
        self.unsynced.remove(member_id);
        turn.timers
            .cancel(&Due::Session(self.id.clone(), member_id.into()));
    }

    /// Takes a member out, and nothing else.
    pub(super) fn take(&mut self, member_id: &str) -> Option<(Arc<str>, Member)> {
        let (id, member) = self.members.remove_entry(member_id)?;
        self.uncount(&member);
        Some((id, member))
    }

    fn count(&mut self, member: &Member) {
        self.joining += usize::from(member.is_joining());
        self.bytes += member.bytes();
        for (name, _) in &member.protocols {
            *self.known_by.entry(name.clone()).or_default() += 1;
        }
    }

    fn uncount(&mut self, member: &Member) {
        self.joining -= usize::from(member.is_joining());
        self.bytes -= member.bytes();
        for (name, _) in &member.protocols {
            let count = self.known_by.get_mut(name);
            let count = count.expect("what a member knows was counted");
            *count -= 1;
            if *count == 0 {
                self.known_by.remove(name);
            }
        }
    }

    /// Changes a member.
    pub(super) fn change(&mut self, member_id: &str, change: impl FnOnce(&mut Member)) {
        if let Some((id, mut member)) = self.take(member_id) {
            change(&mut member);
            self.count(&member);
            self.members.insert(id, member);
        }
    }

    /// Ids that were given out are forgotten: the group is about to go.
    pub fn forget_pending(&mut self, turn: &mut Turn<'_>) {
        for member_id in std::mem::take(&mut self.pending) {
            turn.timers
                .cancel(&Due::Session(self.id.clone(), member_id));
        }
    }

    fn enter(&mut self, phase: Phase, turn: &Turn<'_>) {
        self.phase = phase;
        self.since_ms = turn.moment.wall_ms;
    }

    /// Begins a rebalance, or ends the one that goes on if it can.
    pub(super) fn rebalance(&mut self, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Preparing(_) => self.complete_if_all_joined(turn),
            _ => self.prepare(turn),
        }
    }

    /// Begins a rebalance. The first one after the group was empty gives others time to come.
    pub(super) fn prepare(&mut self, turn: &mut Turn<'_>) {
        if self.phase == Phase::Completing {
            self.refuse_syncs(turn);
        }
        self.unsynced.clear();
        turn.timers.cancel(&Due::Sync(self.id.clone()));
        let rebalance_timeout_ms = self.rebalance_timeout_ms();
        if self.is_empty() {
            let delay_ms = turn.config.initial_rebalance_delay_ms;
            let first = FirstJoin {
                delay_ms,
                rest_ms: rebalance_timeout_ms.saturating_sub(delay_ms).max(0),
                grew: false,
            };
            self.enter(Phase::Preparing(Some(first)), turn);
            turn.set(Due::Join(self.id.clone()), delay_ms);
            return;
        }
        self.enter(Phase::Preparing(None), turn);
        match self.have_all_joined() {
            true => self.complete_join(turn),
            false => turn.set(Due::Join(self.id.clone()), rebalance_timeout_ms),
        }
    }

    /// Nobody gets a part in this generation: who waits for one joins again.
    fn refuse_syncs(&mut self, turn: &mut Turn<'_>) {
        let waiting: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for member_id in waiting {
            let mut sync = None;
            self.change(&member_id, |member| {
                sync = member.sync.take();
                member.assignment = Default::default();
            });
            if sync.is_some() {
                turn.refuse(sync, GroupError::RebalanceInProgress);
                self.hear_of(&member_id, turn);
            }
        }
    }

    fn rebalance_timeout_ms(&self) -> i32 {
        let timeouts = self.members.values().map(|m| m.rebalance_timeout_ms);
        timeouts.max().unwrap_or(0).max(0)
    }

    /// Members whose JoinGroup waits.
    pub(super) fn joining(&self) -> usize {
        self.joining
    }

    pub(super) fn have_all_joined(&self) -> bool {
        self.members.len() == self.joining && self.pending.is_empty()
    }

    /// Ends the rebalance if everybody is there; a first one lasts its time.
    pub(super) fn complete_if_all_joined(&mut self, turn: &mut Turn<'_>) {
        if self.phase == Phase::Preparing(None) && self.have_all_joined() {
            self.complete_join(turn);
        }
    }

    /// The time to join is up.
    pub fn join_due(&mut self, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Preparing(Some(first)) if first.grew && first.rest_ms > 0 => {
                let delay_ms = turn.config.initial_rebalance_delay_ms.min(first.rest_ms);
                self.phase = Phase::Preparing(Some(FirstJoin {
                    delay_ms,
                    rest_ms: (first.rest_ms - first.delay_ms).max(0),
                    grew: false,
                }));
                turn.set(Due::Join(self.id.clone()), delay_ms);
            }
            Phase::Preparing(_) => self.complete_join(turn),
            _ => {}
        }
    }

    /// The next generation begins with those who are there.
    pub(super) fn complete_join(&mut self, turn: &mut Turn<'_>) {
        turn.timers.cancel(&Due::Join(self.id.clone()));
        let missing = |member: &Member| !member.is_joining() && !member.is_static();
        let missing: Vec<Arc<str>> = self.ids_where(missing);
        for member_id in missing {
            self.remove(&member_id, turn);
        }
        if !self.elect_joined_leader() && !self.members.is_empty() {
            // Static members alone, none of them here: their sessions will end.
            turn.set(Due::Join(self.id.clone()), self.rebalance_timeout_ms());
            return;
        }
        self.generation_id = self.generation_id.wrapping_add(1);
        self.protocol_name = self.select_protocol();
        self.subscribed = self.compute_subscribed();
        self.unsynced.clear();
        if self.members.is_empty() {
            self.enter(Phase::Empty, turn);
            self.record(turn);
            return;
        }
        self.enter(Phase::Completing, turn);
        self.unsynced = self.members.keys().cloned().collect();
        for member_id in self.unsynced.clone() {
            let joined = self.joined(&member_id, self.is_leader(&member_id));
            let mut join = None;
            self.change(&member_id, |member| {
                join = member.join.take();
                member.is_new = false;
            });
            if let Some(ticket) = join {
                turn.answer(ticket, Ok(GroupReply::Joined(joined)));
            }
            self.hear_of(&member_id, turn);
        }
        turn.set(Due::Sync(self.id.clone()), self.rebalance_timeout_ms());
    }

    fn ids_where(&self, condition: impl Fn(&Member) -> bool) -> Vec<Arc<str>> {
        let those = self.members.iter().filter(|(_, member)| condition(member));
        those.map(|(id, _)| id.clone()).collect()
    }

    /// Makes sure that the leader is one who has joined. False: nobody has.
    fn elect_joined_leader(&mut self) -> bool {
        let leader = self.leader.as_ref().and_then(|id| self.members.get(id));
        if leader.is_some_and(Member::is_joining) {
            return true;
        }
        let joined = self.members.iter().find(|(_, member)| member.is_joining());
        let Some((member_id, _)) = joined else {
            return false;
        };
        self.leader = Some(member_id.clone());
        true
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// What a member is told of this generation; the leader also who is in it.
    pub(super) fn joined(&self, member_id: &str, with_members: bool) -> JoinedGroup {
        let protocol = self.protocol_name.as_deref().unwrap_or_default();
        let told = |(id, member): (&Arc<str>, &Member)| JoinedMember {
            member_id: id.to_string(),
            group_instance_id: member.group_instance_id.as_deref().map(Into::into),
            metadata: member.metadata(protocol),
        };
        let members = match with_members {
            true => self.members.iter().map(told).collect(),
            false => Vec::new(),
        };
        JoinedGroup {
            generation_id: self.generation_id,
            protocol_type: self.protocol_type.as_deref().map(Into::into),
            protocol_name: self.protocol_name.as_deref().map(Into::into),
            leader: self.leader.as_deref().unwrap_or_default().into(),
            skip_assignment: false,
            member_id: member_id.into(),
            members,
        }
    }

    /// The generation as the log will have it.
    pub(super) fn generation(&self) -> Generation {
        let protocol = self.protocol_name.as_deref().unwrap_or_default();
        let members = self.members.iter();
        Generation {
            protocol_type: self.protocol_type.clone(),
            generation_id: self.generation_id,
            protocol_name: self.protocol_name.clone(),
            leader: self.leader.clone(),
            since_ms: self.since_ms,
            members: members
                .map(|(id, member)| member.record(id, protocol))
                .collect(),
        }
    }

    /// Puts the generation on record.
    pub(super) fn record(&self, turn: &mut Turn<'_>) {
        turn.records.push(GroupRecord::Group {
            group_id: self.id.clone(),
            value: Some(self.generation()),
        });
    }

    /// Everybody has a part.
    pub(super) fn stabilize(&mut self, turn: &mut Turn<'_>) {
        self.enter(Phase::Stable, turn);
        turn.counts.rebalances += 1;
        self.record(turn);
    }

    /// A member, or an id that was given out, was not heard of for too long.
    pub fn session_due(&mut self, member_id: &str, turn: &mut Turn<'_>) {
        let excused = self.members.get(member_id).map(Member::is_excused);
        if excused == Some(true) {
            // Its session begins anew when what it waits for comes.
            return;
        }
        self.remove(member_id, turn);
        match self.phase {
            Phase::Stable | Phase::Completing if excused.is_some() => self.prepare(turn),
            Phase::Preparing(_) if self.have_all_joined() => self.complete_join(turn),
            _ => {}
        }
    }

    /// The time to ask for one's part is up: who has not asked is out.
    pub fn sync_due(&mut self, turn: &mut Turn<'_>) {
        let late = std::mem::take(&mut self.unsynced);
        if !matches!(self.phase, Phase::Completing | Phase::Stable) || late.is_empty() {
            return;
        }
        for member_id in late {
            self.remove(&member_id, turn);
        }
        self.prepare(turn);
    }

    /// The group as DescribeGroups shows it.
    pub fn describe(&self) -> DescribedGroup {
        let protocol = match self.phase {
            Phase::Stable => self.protocol_name.as_deref().unwrap_or_default(),
            _ => "",
        };
        let shown = |(id, member): (&Arc<str>, &Member)| DescribedMember {
            member_id: id.to_string(),
            group_instance_id: member.group_instance_id.as_deref().map(Into::into),
            client_id: member.client_id.to_string(),
            client_host: member.client_host.to_string(),
            metadata: match self.phase {
                Phase::Stable => member.metadata(protocol),
                _ => Default::default(),
            },
            assignment: member.assignment.clone(),
        };
        DescribedGroup {
            state: self.state(),
            protocol_type: self.protocol_type.as_deref().unwrap_or_default().into(),
            protocol_name: protocol.into(),
            members: self.members.iter().map(shown).collect(),
        }
    }

    /// Every ticket that waits here, which is then answered by nobody else: the coordinator stops.
    pub fn take_tickets(&mut self) -> Vec<Ticket> {
        let members = self.members.values_mut();
        let waiting = members.flat_map(|member| [member.join.take(), member.sync.take()]);
        self.joining = 0;
        waiting.flatten().collect()
    }
}
