//! A member of a consumer group: joins, gives or takes its part, lives on heartbeats, commits, leaves, forgets who it was;
//! and now and then it commits as whom it was before, which must be refused. One without a group of its own making commits
//! as nobody's member. In the end every group must settle: all its clients in one generation.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use protocol::messages::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse,
};
use protocol::messages::leave_group::{
    LeaveGroupRequest, LeaveGroupRequestMember, LeaveGroupResponse,
};
use protocol::messages::sync_group::{
    SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse,
};
use protocol::primitives::Reader;

use super::super::random::Random;
use super::offsets::{Identity, Place, Wanted};
use super::{Lost, Phase, Setting, Wire};

const JOIN_GROUP: i16 = 11;
const HEARTBEAT: i16 = 12;
const LEAVE_GROUP: i16 = 13;
const SYNC_GROUP: i16 = 14;

/// How parts are given out, as members call it.
const PROTOCOL: &str = "range";
/// Parts that a leader gives out.
const PARTS: i32 = 6;
/// Time after mending within which a group must have settled, seconds.
const SETTLE_S: u64 = 120;

/// The member.
pub struct Member {
    wire: Wire,
    group: String,
    /// Its lasting name, if it is static.
    instance: Option<String>,
    session_timeout_ms: i32,
    rebalance_timeout_ms: i32,
    /// How long some of its offsets are kept, milliseconds, at most; 0 for ever.
    retention_ms_max: u64,
    port: Option<u16>,
    member_id: String,
    /// The generation it has a part in; 0 for none.
    generation_id: i32,
    /// Who it was in an earlier generation, or before it forgot.
    former: Option<Identity>,
    /// Where it has committed in this generation.
    mine: Vec<Place>,
    healed_at_ns: Option<u64>,
}

/// What it was told by JoinGroup.
struct Joined {
    generation_id: i32,
    protocol: Option<String>,
    /// For the leader: everybody.
    members: Vec<String>,
}

impl Member {
    /// Client `number`, in `group`.
    pub fn new(setting: Rc<Setting>, number: u32, random: Random, group: String) -> Self {
        let is_static = random.one_in(3);
        let retention_ms_max = setting.offset_retention_ms_max;
        Self {
            group,
            instance: is_static.then(|| format!("instance-{number}")),
            session_timeout_ms: random.spread(500, 3000) as i32,
            rebalance_timeout_ms: random.spread(500, 3000) as i32,
            retention_ms_max,
            port: None,
            member_id: String::new(),
            generation_id: 0,
            former: None,
            mine: Vec::new(),
            healed_at_ns: None,
            wire: Wire::new(setting, number, random),
        }
    }

    /// Takes part until the run ends, and then until the group has settled.
    pub async fn run(mut self) {
        let setting = self.wire.setting.clone();
        setting.begin(self.wire.number);
        self.is_in(0);
        while !self.is_over() {
            if setting.phase.get() == Phase::Chaos && !setting.goes_on() {
                self.wire.back_off().await;
            } else if self.session().await.is_err() {
                self.wire.hang_up();
                self.wire.back_off().await;
            }
        }
        setting.history.groups.leaves(&self.group, self.wire.number);
        setting.finish(self.wire.number);
    }

    /// Commits and fetches as nobody's member until the run ends.
    pub async fn run_alone(mut self) {
        let setting = self.wire.setting.clone();
        setting.begin(self.wire.number);
        while setting.goes_on() {
            if self.alone().await.is_err() {
                self.wire.hang_up();
                self.wire.back_off().await;
            }
        }
        setting.finish(self.wire.number);
    }

    /// Fetches every offset of every group once.
    pub async fn run_final(mut self) {
        let setting = self.wire.setting.clone();
        setting.begin(self.wire.number);
        for (group, keys) in setting.history.groups.all() {
            self.group = group;
            self.port = None;
            for (topic, id, partitions) in setting.history.present() {
                let known = setting.history.topic(&topic);
                for key in keys.iter().filter(|key| key.topic_id == id) {
                    assert!(
                        key.partition < partitions,
                        "only what is there was asked about"
                    );
                    let place = Place {
                        topic: topic.clone(),
                        known,
                        key: *key,
                    };
                    while !self.has_fetched(&place).await && !self.is_lost() {
                        self.wire.back_off().await;
                    }
                }
            }
        }
        setting.finish(self.wire.number);
    }

    async fn has_fetched(&mut self, place: &Place) -> bool {
        if !matches!(self.find().await, Ok(true)) {
            return false;
        }
        match self.wire.fetch_offset(&self.group, place).await {
            Ok(Ok(_)) => true,
            Ok(Err(code)) => {
                self.told(code);
                false
            }
            Err(Lost) => {
                self.wire.hang_up();
                false
            }
        }
    }

    /// Whether it has tried for long although nothing breaks any more.
    fn has_waited(&mut self) -> bool {
        let now_ns = self.wire.setting.world.now_ns();
        let healed_ns = *self.healed_at_ns.get_or_insert(now_ns);
        now_ns - healed_ns > SETTLE_S * 1_000_000_000
    }

    /// The log of a coordinator has decayed for good, or a lying disk seems to have lost it, or the run has failed: nothing more
    /// can be known.
    fn is_lost(&mut self) -> bool {
        if self.wire.setting.has_ever_lost.get() && self.has_waited() {
            return true;
        }
        let setting = &self.wire.setting;
        let history = &setting.history;
        let lost = setting.lost.borrow();
        history.has_failed() || lost.iter().any(|key| !history.knows(key.topic_id))
    }

    fn is_over(&mut self) -> bool {
        let setting = &self.wire.setting;
        if setting.phase.get() != Phase::Healed {
            return false;
        }
        setting.history.groups.settle();
        let settled = setting.history.groups.is_settled(&self.group);
        if self.has_waited() && !settled && !self.is_lost() {
            let what = format!("{} is not in one generation after {SETTLE_S} s", self.group);
            self.wire.fail("group-unsettled", what);
        }
        settled || self.is_lost()
    }

    /// Makes sure that it has its part still.
    async fn confirm(&mut self) -> Result<(), Lost> {
        if self.generation_id > 0 && self.port.is_some() {
            let joined = Joined {
                generation_id: self.generation_id,
                protocol: Some(PROTOCOL.to_owned()),
                members: Vec::new(),
            };
            self.sync(joined).await?;
        }
        Ok(())
    }

    /// Notes the generation it is in; 0 for none.
    fn is_in(&mut self, generation_id: i32) {
        if self.generation_id != 0 && generation_id != self.generation_id {
            self.former = Some(self.identity());
            self.mine.clear();
        }
        self.generation_id = generation_id;
        let groups = &self.wire.setting.history.groups;
        groups.is_in(&self.group, self.wire.number, generation_id);
    }

    fn identity(&self) -> Identity {
        Identity {
            member_id: self.member_id.clone(),
            instance: self.instance.clone(),
            generation_id: self.generation_id,
        }
    }

    /// Connects to the coordinator. False: not now.
    async fn find(&mut self) -> Result<bool, Lost> {
        if self.port.is_some() && self.wire.is_connected() {
            return Ok(true);
        }
        let bootstrap = self.wire.setting.machine.bootstrap_port();
        self.wire.connect(bootstrap).await;
        self.port = self.wire.find_coordinator(&self.group).await?;
        let Some(port) = self.port else {
            self.wire.back_off().await;
            return Ok(false);
        };
        self.wire.connect(self.wire.some_port(port)).await;
        Ok(true)
    }

    async fn session(&mut self) -> Result<(), Lost> {
        if !self.find().await? {
            return Ok(());
        }
        if self.generation_id == 0 && !self.enter().await? {
            self.wire.back_off().await;
            return Ok(());
        }
        let healed = self.wire.setting.phase.get() == Phase::Healed;
        if healed {
            self.wire.back_off().await;
            self.beat().await?;
            return self.confirm().await;
        }
        self.wire.think().await;
        match self.wire.random.below(16) {
            0..=4 => self.commit(false).await,
            5..=6 => self.commit(true).await,
            7..=9 => self.fetch().await,
            10 if self.wire.random.one_in(4) => self.leave().await,
            11 if self.wire.random.one_in(4) => {
                // As a process that ends without a word and comes back.
                self.is_in(0);
                self.member_id.clear();
                Ok(())
            }
            _ => self.beat().await,
        }
    }

    async fn alone(&mut self) -> Result<(), Lost> {
        if !self.find().await? {
            return Ok(());
        }
        let Some(place) = self.wire.some_place() else {
            self.wire.back_off().await;
            return Ok(());
        };
        let code = match self.wire.random.one_in(2) {
            true => {
                let wanted = Wanted {
                    who: Identity {
                        generation_id: -1,
                        ..Identity::default()
                    },
                    is_stale: false,
                    retention_ms: self.retention_ms(),
                };
                let group = &self.group;
                self.wire.commit_offset(group, &place, wanted).await?
            }
            false => match self.wire.fetch_offset(&self.group, &place).await? {
                Ok(_) => ErrorCode::None,
                Err(code) => code,
            },
        };
        self.told(code);
        self.wire.think().await;
        Ok(())
    }

    fn retention_ms(&self) -> Option<i64> {
        let expires = self.retention_ms_max > 0 && self.instance.is_none();
        let random = &self.wire.random;
        (expires && random.one_in(2)).then(|| random.spread(1, self.retention_ms_max) as i64)
    }

    /// Joins, and takes its part. False: not now.
    async fn enter(&mut self) -> Result<bool, Lost> {
        let Some(joined) = self.join().await? else {
            return Ok(false);
        };
        self.sync(joined).await
    }

    async fn join(&mut self) -> Result<Option<Joined>, Lost> {
        let version_min = if self.instance.is_some() { 5 } else { 0 };
        let version = self.wire.random.between(version_min, 9) as i16;
        let metadata = subscription(&self.wire.setting.topic_names);
        let request = JoinGroupRequest {
            group_id: self.group.as_str().into(),
            session_timeout_ms: self.session_timeout_ms,
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            member_id: self.member_id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
            protocol_type: "consumer".into(),
            protocols: vec![JoinGroupRequestProtocol {
                name: PROTOCOL.into(),
                metadata: metadata.as_slice().into(),
            }],
            reason: None,
        };
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.wire.ask((JOIN_GROUP, version), encode).await?;
        let answer = JoinGroupResponse::decode(&mut Reader::new(&body), version);
        let Ok(answer) = answer else {
            self.wire.fail("malformed-answer", "JoinGroup".to_owned());
            return Err(Lost);
        };
        let (number, code) = (self.wire.number, ErrorCode::from_code(answer.error_code));
        self.wire.setting.doing(number, || {
            let (id, generation_id) = (&answer.member_id, answer.generation_id);
            format!("{}: joins: {code:?}, {id}, {generation_id}", self.group)
        });
        match code {
            ErrorCode::None => {}
            ErrorCode::MemberIdRequired if self.instance.is_none() => {
                self.member_id = answer.member_id.into_owned();
                return Ok(None);
            }
            code => {
                self.told(code);
                return Ok(None);
            }
        }
        let instances = answer.members.iter();
        let instances = instances.filter_map(|member| member.group_instance_id.as_deref());
        let history = &self.wire.setting.history;
        history.told_members(&self.group, instances);
        self.member_id = answer.member_id.into_owned();
        let leads = !answer.skip_assignment && answer.leader == self.member_id;
        let members = answer.members.into_iter();
        let members = members.map(|member| member.member_id.into_owned());
        Ok(Some(Joined {
            generation_id: answer.generation_id,
            protocol: answer.protocol_name.map(Into::into),
            members: members.filter(|_| leads).collect(),
        }))
    }

    async fn sync(&mut self, joined: Joined) -> Result<bool, Lost> {
        let version_min = if self.instance.is_some() { 3 } else { 0 };
        let version = self.wire.random.between(version_min, 5) as i16;
        let parts = match joined.members.len() as i32 {
            0 => Vec::new(),
            count => {
                let number = self.wire.setting.history.groups.assigns();
                let each = (0..count).zip(&joined.members);
                let part = |place| assignment(number, (place..PARTS).step_by(count as usize));
                each.map(|(place, member_id)| (member_id.as_str(), part(place)))
                    .collect()
            }
        };
        let request = SyncGroupRequest {
            group_id: self.group.as_str().into(),
            generation_id: joined.generation_id,
            member_id: self.member_id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
            protocol_type: Some("consumer".into()),
            protocol_name: joined.protocol.as_deref().map(Into::into),
            assignments: parts
                .iter()
                .map(|(member_id, part)| SyncGroupRequestAssignment {
                    member_id: (*member_id).into(),
                    assignment: part.as_slice().into(),
                })
                .collect(),
        };
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.wire.ask((SYNC_GROUP, version), encode).await?;
        let answer = SyncGroupResponse::decode(&mut Reader::new(&body), version);
        let Ok(answer) = answer else {
            self.wire.fail("malformed-answer", "SyncGroup".to_owned());
            return Err(Lost);
        };
        let (number, code) = (self.wire.number, ErrorCode::from_code(answer.error_code));
        let part = parts_of(&answer.assignment);
        self.wire.setting.doing(number, || {
            let (group, generation_id) = (&self.group, joined.generation_id);
            format!("{group}: its part in {generation_id}: {code:?}, {part:?}")
        });
        if code != ErrorCode::None {
            self.told(code);
            return Ok(false);
        }
        let owner = self.instance.as_deref().unwrap_or(&self.member_id);
        if let Some((assignment, parts)) = part {
            let history = &self.wire.setting.history;
            let generation = (self.group.as_str(), joined.generation_id);
            history.assigned(generation, owner, (assignment, &parts));
        }
        self.is_in(joined.generation_id);
        Ok(true)
    }

    async fn beat(&mut self) -> Result<(), Lost> {
        let version_min = if self.instance.is_some() { 3 } else { 0 };
        let version = self.wire.random.between(version_min, 4) as i16;
        let request = HeartbeatRequest {
            group_id: self.group.as_str().into(),
            generation_id: self.generation_id,
            member_id: self.member_id.as_str().into(),
            group_instance_id: self.instance.as_deref().map(Into::into),
        };
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.wire.ask((HEARTBEAT, version), encode).await?;
        let Ok(answer) = HeartbeatResponse::decode(&mut Reader::new(&body), version) else {
            self.wire.fail("malformed-answer", "Heartbeat".to_owned());
            return Err(Lost);
        };
        self.told(ErrorCode::from_code(answer.error_code));
        Ok(())
    }

    /// Commits an offset, as itself or as whom it was before.
    async fn commit(&mut self, as_former: bool) -> Result<(), Lost> {
        let former = self.former.clone().filter(|_| as_former);
        let Some(place) = self.wire.some_place() else {
            return self.beat().await;
        };
        // A group that may begin again may come to the same generation again.
        let may_go = self.wire.setting.history.groups.may_go.get();
        let is_stale = former.as_ref().is_some_and(|former| {
            let is_older = former.generation_id < self.generation_id;
            !may_go && (is_older || former.member_id != self.member_id)
        });
        let wanted = Wanted {
            who: former.unwrap_or_else(|| self.identity()),
            is_stale,
            retention_ms: self.retention_ms(),
        };
        let group = &self.group;
        let code = self.wire.commit_offset(group, &place, wanted).await?;
        if is_stale {
            return Ok(());
        }
        if code == ErrorCode::None && self.wire.is_still(&place) {
            self.mine.push(place);
        }
        self.told(code);
        Ok(())
    }

    /// Fetches an offset, one of its own rather. Those of a live group that reads the topic never expire.
    async fn fetch(&mut self) -> Result<(), Lost> {
        let own = match self.mine.is_empty() {
            true => None,
            false => Some(self.wire.random.pick(&self.mine).clone()),
        };
        let is_own = own.is_some();
        let Some(place) = own.or_else(|| self.wire.some_place()) else {
            return self.beat().await;
        };
        let fetched = self.wire.fetch_offset(&self.group, &place).await?;
        if let Err(code) = fetched {
            self.told(code);
        }
        if fetched == Ok(-1) && is_own {
            // Whether the group has lived on without a break says a further SyncGroup.
            let generation_id = self.generation_id;
            self.confirm().await?;
            let lives = self.generation_id == generation_id && self.port.is_some();
            // Committed by name, it may have gone to the topic that had the name before, and with it.
            let anew = self.wire.setting.history.is_made_anew(place.key.topic_id);
            if lives && !anew && self.wire.is_still(&place) {
                let what = format!("{}: {:?} is gone", self.group, place.key);
                self.wire.fail("offset-expired", what);
            }
        }
        Ok(())
    }

    async fn leave(&mut self) -> Result<(), Lost> {
        let version_min = if self.instance.is_some() { 3 } else { 0 };
        let version = self.wire.random.between(version_min, 5) as i16;
        let request = LeaveGroupRequest {
            group_id: self.group.as_str().into(),
            member_id: self.member_id.as_str().into(),
            members: vec![LeaveGroupRequestMember {
                member_id: self.member_id.as_str().into(),
                group_instance_id: self.instance.as_deref().map(Into::into),
                reason: None,
            }],
        };
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.wire.ask((LEAVE_GROUP, version), encode).await?;
        let Ok(answer) = LeaveGroupResponse::decode(&mut Reader::new(&body), version) else {
            self.wire.fail("malformed-answer", "LeaveGroup".to_owned());
            return Err(Lost);
        };
        let code = ErrorCode::from_code(answer.error_code);
        let number = self.wire.number;
        self.wire
            .setting
            .doing(number, || format!("{}: leaves: {code:?}", self.group));
        if code == ErrorCode::None {
            self.is_in(0);
            self.member_id.clear();
        }
        self.told(code);
        Ok(())
    }

    /// Does what an answer asks for.
    fn told(&mut self, code: ErrorCode) {
        match code {
            ErrorCode::None | ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId => {}
            ErrorCode::IllegalGeneration
            | ErrorCode::RebalanceInProgress
            | ErrorCode::GroupIdNotFound => self.is_in(0),
            ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                self.is_in(0);
                self.member_id.clear();
            }
            ErrorCode::NotCoordinator
            | ErrorCode::CoordinatorLoadInProgress
            | ErrorCode::CoordinatorNotAvailable => self.port = None,
            _ => {
                let what = format!("{}: {code:?}", self.group);
                self.wire.fail("wrong-refusal", what);
            }
        }
    }
}

/// What a consumer says of itself: a ConsumerProtocolSubscription, version 0.
fn subscription(topics: &[String]) -> Vec<u8> {
    let mut out = vec![0, 0];
    out.extend((topics.len() as i32).to_be_bytes());
    for topic in topics {
        out.extend((topic.len() as i16).to_be_bytes());
        out.extend(topic.as_bytes());
    }
    out.extend((-1i32).to_be_bytes());
    out
}

/// A part of the assignment `number`. For the broker it is bytes.
fn assignment(number: i64, parts: impl Iterator<Item = i32>) -> Vec<u8> {
    let mut out = number.to_be_bytes().to_vec();
    parts.for_each(|part| out.extend(part.to_be_bytes()));
    out
}

/// The assignment's number and the parts; `None` if nothing was given.
fn parts_of(bytes: &[u8]) -> Option<(i64, Vec<i32>)> {
    let (number, rest) = bytes.split_first_chunk()?;
    let parts = rest.chunks_exact(4);
    let parts = parts.filter_map(|part| Some(i32::from_be_bytes(*part.first_chunk()?)));
    Some((i64::from_be_bytes(*number), parts.collect()))
}
