//! How members come into a classic group, give it their parts and leave it: JoinGroup, SyncGroup and LeaveGroup, in Kafka's
//! order of checks. Pure.

use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashMap;

use super::classic::{ClassicGroup, NEW_MEMBER_JOIN_TIMEOUT_MS, Phase};
use super::member::{Member, own_protocols};
use super::turn::{Due, Turn};
use super::{
    GroupError, GroupReply, JoinGroup, JoinedGroup, LeavingMember, MemberRef, SyncGroup,
    SyncedGroup, Ticket,
};
use crate::limits;
use crate::planted::{self, Bug};

impl ClassicGroup {
    /// JoinGroup.
    pub fn join(&mut self, request: JoinGroup, ticket: Ticket, turn: &mut Turn<'_>) {
        if !self.has_room_for(&request.member_id, turn.config.members_max) {
            self.remove(&request.member_id, turn);
            return turn.answer(ticket, Err(GroupError::GroupFull));
        }
        let protocols = request.protocols.iter().map(|(name, _)| name.as_str());
        if !self.supports(&request.protocol_type, protocols) {
            return turn.answer(ticket, Err(GroupError::InconsistentProtocol));
        }
        match request.member_id.is_empty() {
            true => self.join_new(&request, ticket, turn),
            false => self.join_again(&request, ticket, turn),
        }
    }

    /// A group that rebalances takes as many as may be in it, those first who come first: so a group that is too large after
    /// a change of the bound becomes smaller.
    fn has_room_for(&self, member_id: &str, members_max: usize) -> bool {
        let member = self.members.get(member_id);
        match self.phase {
            Phase::Empty => true,
            Phase::Preparing(_) => {
                member.is_some_and(Member::is_joining) || self.joining() < members_max
            }
            Phase::Completing | Phase::Stable => {
                member.is_some() || self.members.len() < members_max
            }
        }
    }

    fn join_new(&mut self, request: &JoinGroup, ticket: Ticket, turn: &mut Turn<'_>) {
        let member_id = new_member_id(request, turn.moment.entropy);
        if let Some(instance) = &request.group_instance_id {
            match self.static_members.get(instance.as_str()).cloned() {
                Some(_) if planted::on(Bug::StaticMemberDuplicated) => {
                    self.add(member_id, request, ticket, turn);
                }
                Some(old) => self.replace_static(&old, member_id, (request, ticket), turn),
                None => self.add(member_id, request, ticket, turn),
            }
        } else if request.requires_member_id {
            self.pending.insert(member_id.clone());
            let due = Due::Session(self.id.clone(), member_id.clone());
            turn.set(due, request.session_timeout_ms);
            let member_id = member_id.to_string();
            turn.answer(ticket, Err(GroupError::MemberIdRequired { member_id }));
        } else {
            self.add(member_id, request, ticket, turn);
        }
    }

    fn join_again(&mut self, request: &JoinGroup, ticket: Ticket, turn: &mut Turn<'_>) {
        let member_id = request.member_id.as_str();
        if request.group_instance_id.is_none()
            && let Some(member_id) = self.pending.get(member_id).cloned()
        {
            return self.add(member_id, request, ticket, turn);
        }
        let who = MemberRef {
            member_id: request.member_id.clone(),
            group_instance_id: request.group_instance_id.clone(),
            generation_id: self.generation_id,
        };
        if let Err(error) = self.check_member(&who) {
            return turn.answer(ticket, Err(error));
        }
        let known = &self.members[member_id].protocols;
        let is_same = *known == own_protocols(&request.protocols);
        let is_leader = self.is_leader(member_id);
        // It may not have got its reply: it is told again, unless something has changed. A leader of a stable group that
        // joins again wants a rebalance.
        let is_told_again = match self.phase {
            Phase::Completing => is_same,
            Phase::Stable => is_same && !is_leader,
            Phase::Empty | Phase::Preparing(_) => false,
        };
        if is_told_again {
            let joined = self.joined(member_id, is_leader);
            return turn.answer(ticket, Ok(GroupReply::Joined(joined)));
        }
        self.update(member_id, request, ticket, turn);
        self.rebalance(turn);
    }

    /// A new member comes in, and the group rebalances.
    fn add(
        &mut self,
        member_id: Arc<str>,
        request: &JoinGroup,
        ticket: Ticket,
        turn: &mut Turn<'_>,
    ) {
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type.as_str().into());
        }
        if let Phase::Preparing(Some(first)) = &mut self.phase {
            first.grew = true;
        }
        let member = Member {
            group_instance_id: request.group_instance_id.as_deref().map(Into::into),
            client_id: request.client_id.as_str().into(),
            client_host: request.client_host.as_str().into(),
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            session_timeout_ms: request.session_timeout_ms,
            protocols: own_protocols(&request.protocols),
            assignment: Bytes::new(),
            is_new: true,
            join: Some(ticket),
            sync: None,
        };
        self.insert(member_id.clone(), member);
        let due = Due::Session(self.id.clone(), member_id);
        turn.set(due, NEW_MEMBER_JOIN_TIMEOUT_MS);
        self.rebalance(turn);
    }

    /// A member joins again with what it says of itself now, and waits. A join of its that waited before is over.
    fn update(
        &mut self,
        member_id: &str,
        request: &JoinGroup,
        ticket: Ticket,
        turn: &mut Turn<'_>,
    ) {
        let mut before = None;
        self.change(member_id, |member| {
            member.protocols = own_protocols(&request.protocols);
            member.rebalance_timeout_ms = request.rebalance_timeout_ms;
            member.session_timeout_ms = request.session_timeout_ms;
            before = member.join.replace(ticket);
        });
        turn.refuse(before, GroupError::RebalanceInProgress);
    }

    /// A static member comes back with a new id: it takes the old one's place, and who still uses the old id is fenced. A
    /// stable group that would choose the same protocol goes on undisturbed.
    fn replace_static(
        &mut self,
        old_id: &str,
        new_id: Arc<str>,
        (request, ticket): (&JoinGroup, Ticket),
        turn: &mut Turn<'_>,
    ) {
        let leader_before = self.leader.clone().unwrap_or_default();
        let (_, mut member) = self.take(old_id).expect("static members are members");
        let fenced = GroupError::FencedJoin {
            member_id: old_id.to_owned(),
        };
        turn.refuse(member.join.take(), fenced);
        turn.refuse(member.sync.take(), GroupError::FencedInstance);
        member.is_new = false;
        turn.timers
            .cancel(&Due::Session(self.id.clone(), old_id.into()));
        if self.is_leader(old_id) {
            self.leader = Some(new_id.clone());
        }
        if self.unsynced.remove(old_id) {
            self.unsynced.insert(new_id.clone());
        }
        self.insert(new_id.clone(), member);
        self.update(&new_id, request, ticket, turn);
        self.hear_of(&new_id, turn);
        match self.phase {
            Phase::Stable if self.select_protocol() == self.protocol_name => {
                self.change(&new_id, |member| member.join = None);
                self.record(turn);
                let joined = self.joined_in_place(&new_id, request, &leader_before);
                turn.answer(ticket, Ok(GroupReply::Joined(joined)));
            }
            // The leader may have assigned the old id's part already.
            Phase::Stable | Phase::Completing => self.prepare(turn),
            Phase::Empty | Phase::Preparing(_) => self.complete_if_all_joined(turn),
        }
    }

    /// What a static member is told that has taken its own place. If it leads it is not to assign anew: newer clients are told
    /// so, older ones are told that their old id leads.
    fn joined_in_place(
        &self,
        member_id: &str,
        request: &JoinGroup,
        leader_before: &str,
    ) -> JoinedGroup {
        if request.supports_skipping_assignment {
            let is_leader = self.is_leader(member_id);
            JoinedGroup {
                skip_assignment: is_leader,
                ..self.joined(member_id, is_leader)
            }
        } else {
            JoinedGroup {
                leader: leader_before.into(),
                ..self.joined(member_id, false)
            }
        }
    }

    /// SyncGroup.
    pub fn sync(&mut self, request: SyncGroup, ticket: Ticket, turn: &mut Turn<'_>) {
        if let Err(error) = self.check_sync(&request) {
            return turn.answer(ticket, Err(error));
        }
        let member_id = request.member.member_id.as_str();
        self.unsynced.remove(member_id);
        if self.unsynced.is_empty() {
            turn.timers.cancel(&Due::Sync(self.id.clone()));
        }
        if self.phase == Phase::Stable {
            let synced = self.synced(&self.members[member_id]);
            return turn.answer(ticket, Ok(GroupReply::Synced(synced)));
        }
        let mut before = None;
        self.change(member_id, |member| before = member.sync.replace(ticket));
        turn.refuse(before, GroupError::RebalanceInProgress);
        if self.is_leader(member_id) {
            self.assign(&request.assignments, turn);
        }
    }

    fn check_sync(&self, request: &SyncGroup) -> Result<(), GroupError> {
        self.check_generation(&request.member)?;
        let differs = |claimed: &Option<String>, ours: &Option<Arc<str>>| {
            let both = claimed.as_deref().zip(ours.as_deref());
            both.is_some_and(|(claimed, ours)| claimed != ours)
        };
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol_name, &self.protocol_name)
        {
            return Err(GroupError::InconsistentProtocol);
        }
        match self.phase {
            Phase::Preparing(_) => Err(GroupError::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// The leader has spoken: everybody gets a part, an empty one if it gave none.
    fn assign(&mut self, assignments: &[(String, Bytes)], turn: &mut Turn<'_>) {
        let given: HashMap<&str, &Bytes> = assignments
            .iter()
            .map(|(member_id, assignment)| (member_id.as_str(), assignment))
            .collect();
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for member_id in &ids {
            let part = given
                .get(&**member_id)
                .copied()
                .cloned()
                .unwrap_or_default();
            self.change(member_id, |member| {
                member.assignment = Bytes::copy_from_slice(&part);
            });
        }
        if self.generation().bytes() > turn.config.record_bytes_max {
            for member_id in &ids {
                let mut sync = None;
                self.change(member_id, |member| sync = member.sync.take());
                turn.refuse(sync, GroupError::GroupTooLarge);
            }
            return self.prepare(turn);
        }
        self.stabilize(turn);
        for member_id in &ids {
            let synced = self.synced(&self.members[member_id]);
            let mut sync = None;
            self.change(member_id, |member| sync = member.sync.take());
            if let Some(ticket) = sync {
                turn.answer(ticket, Ok(GroupReply::Synced(synced)));
                self.hear_of(member_id, turn);
            }
        }
    }

    fn synced(&self, member: &Member) -> SyncedGroup {
        SyncedGroup {
            protocol_type: self.protocol_type.as_deref().map(Into::into),
            protocol_name: self.protocol_name.as_deref().map(Into::into),
            assignment: member.assignment.clone(),
        }
    }

    /// LeaveGroup: each on its own, then one rebalance for all.
    pub fn leave(
        &mut self,
        members: &[LeavingMember],
        turn: &mut Turn<'_>,
    ) -> Vec<Result<(), GroupError>> {
        let results: Vec<_> = members
            .iter()
            .map(|member| self.leave_one(member, turn))
            .collect();
        if results.iter().any(Result::is_ok) {
            match self.phase {
                Phase::Stable | Phase::Completing => self.prepare(turn),
                Phase::Preparing(_) => self.complete_if_all_joined(turn),
                Phase::Empty => {}
            }
        }
        results
    }

    fn leave_one(&mut self, who: &LeavingMember, turn: &mut Turn<'_>) -> Result<(), GroupError> {
        let member_id = if who.member_id.is_empty() {
            let instance = who.group_instance_id.as_deref().unwrap_or_default();
            let known = self.static_members.get(instance).cloned();
            known.ok_or(GroupError::UnknownMember)?
        } else {
            let who = MemberRef {
                member_id: who.member_id.clone(),
                group_instance_id: who.group_instance_id.clone(),
                generation_id: self.generation_id,
            };
            if !self.pending.contains(who.member_id.as_str()) {
                self.check_member(&who)?;
            }
            who.member_id.as_str().into()
        };
        self.remove(&member_id, turn);
        Ok(())
    }
}

/// A member's new id: its lasting name, or its client id, and a random UUID.
fn new_member_id(request: &JoinGroup, entropy: u128) -> Arc<str> {
    let name = request.group_instance_id.as_ref();
    let name = name.unwrap_or(&request.client_id);
    let name = &name[..name.floor_char_boundary(limits::MEMBER_NAME_BYTES_MAX)];
    // Version 4, variant 1, as in RFC 9562.
    let uuid = entropy & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let part = |shift: u32, digits: u32| (uuid >> shift) & ((1 << (4 * digits)) - 1);
    format!(
        "{name}-{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 8),
        part(80, 4),
        part(64, 4),
        part(48, 4),
        part(0, 12)
    )
    .into()
}
