//! Transcripts of what goes on in a group: a line is a step, and behind `|` stands all that comes out of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::machine::{GroupCommand, GroupCoordinator};
use super::records::GroupRecord;
use super::*;
use crate::replicated::{Moment, StateMachine};

mod joining;
mod offsets;
mod random;
mod statics;

/// A coordinator, its log, and clients with short names.
pub struct Scene {
    pub machine: GroupCoordinator,
    pub log: Vec<GroupRecord>,
    config: GroupConfig,
    pub now_ms: u64,
    group_id: String,
    /// Member ids by client, as the client knows them.
    ids: BTreeMap<String, String>,
    /// Clients by every member id they ever had.
    names: BTreeMap<String, String>,
    /// Who holds which ticket.
    tickets: BTreeMap<Ticket, String>,
    next_ticket: Ticket,
    entropy: u128,
    /// Records before this one are told.
    told: usize,
}

/// Some time in 2023: timestamps are told as what has passed since.
const WALL_MS: i64 = 1_700_000_000_000;

pub fn config() -> GroupConfig {
    GroupConfig {
        session_timeout_ms_min: 1000,
        session_timeout_ms_max: 60_000,
        initial_rebalance_delay_ms: 3000,
        members_max: 10,
        offsets_retention_ms: 1_000_000,
        offsets_retention_check_ms: 600_000,
        record_bytes_max: 4000,
        offset_metadata_units_max: 10,
    }
}

impl Scene {
    pub fn new(config: GroupConfig) -> Self {
        let mut machine = GroupCoordinator::new(config.clone());
        machine.start(Moment::default());
        Self {
            machine,
            log: Vec::new(),
            config,
            now_ms: 0,
            group_id: "g".into(),
            ids: BTreeMap::new(),
            names: BTreeMap::new(),
            tickets: BTreeMap::new(),
            next_ticket: 0,
            entropy: 0,
            told: 0,
        }
    }

    fn moment(&mut self) -> Moment {
        self.entropy += 1;
        Moment {
            now_ms: self.now_ms,
            wall_ms: WALL_MS + self.now_ms as i64,
            entropy: self.entropy,
        }
    }

    /// Hands a command to the coordinator, replays what it decides, and returns who is told what.
    pub fn step(&mut self, command: GroupCommand) -> Vec<(Ticket, Result<GroupReply, GroupError>)> {
        let moment = self.moment();
        let decision = self.machine.handle(command, moment);
        for record in &decision.records {
            self.machine.replay(record);
        }
        self.log.extend(decision.records);
        decision.reply
    }

    /// Asks in the name of `who`.
    pub fn ask(&mut self, who: &str, request: GroupRequest) -> Vec<String> {
        if let Err(error) = request.check(&self.group_id, &self.config) {
            return vec![format!("{who}: {}", error_name(&error))];
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.tickets.insert(ticket, who.to_owned());
        let command = GroupCommand::Ask {
            ticket,
            group_id: self.group_id.clone(),
            request,
        };
        let answers = self.step(command);
        self.tell(answers)
    }

    fn tell(&mut self, answers: Vec<(Ticket, Result<GroupReply, GroupError>)>) -> Vec<String> {
        let told = answers.into_iter().map(|(ticket, reply)| {
            let who = self
                .tickets
                .remove(&ticket)
                .expect("a ticket is answered once");
            let new_id = match &reply {
                Ok(GroupReply::Joined(joined)) => Some(&joined.member_id),
                Err(GroupError::MemberIdRequired { member_id }) => Some(member_id),
                _ => None,
            };
            if let Some(id) = new_id {
                self.ids.insert(who.clone(), id.clone());
                self.names.insert(id.clone(), who.clone());
            }
            (who, reply)
        });
        let told: Vec<_> = told.collect();
        let mut lines: Vec<String> = told
            .into_iter()
            .map(|(who, reply)| {
                format!("{who}: {}", self.words(&reply))
                    .trim_end()
                    .to_owned()
            })
            .collect();
        lines.sort();
        lines
    }

    /// Lets time pass, and does what comes due, at its time.
    pub fn pass(&mut self, ms: u64) -> Vec<String> {
        let (end, mut lines) = (self.now_ms + ms, Vec::new());
        while let Some(at_ms) = self.machine.next_deadline_ms().filter(|at| *at <= end) {
            self.now_ms = self.now_ms.max(at_ms);
            let answers = self.step(GroupCommand::Deadline);
            lines.extend(self.tell(answers));
        }
        self.now_ms = end;
        lines.sort();
        lines
    }

    /// The coordinator's state is lost and read again from its log. Nobody who waits is answered.
    pub fn crash(&mut self) {
        let mut machine = GroupCoordinator::new(self.config.clone());
        self.log.iter().for_each(|record| machine.replay(record));
        let moment = self.moment();
        machine.start(moment);
        self.machine = machine;
        self.tickets.clear();
    }

    fn words(&self, reply: &Result<GroupReply, GroupError>) -> String {
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return error_name(error),
        };
        let name = |id: &str| self.names.get(id).cloned().unwrap_or(format!("?{id}"));
        match reply {
            GroupReply::Joined(joined) => {
                let members = joined.members.iter();
                let mut members: Vec<String> = members
                    .map(|m| format!("{}:{}", name(&m.member_id), text(&m.metadata)))
                    .collect();
                members.sort();
                let protocol = joined.protocol_name.clone().unwrap_or_default();
                let mut words = format!(
                    "joined {} {protocol} leader={}",
                    joined.generation_id,
                    name(&joined.leader)
                );
                if !members.is_empty() {
                    words += &format!(" [{}]", members.join(" "));
                }
                if joined.skip_assignment {
                    words += " skip";
                }
                words
            }
            GroupReply::Synced(synced) => format!("part {}", text(&synced.assignment)),
            GroupReply::Alive | GroupReply::Deleted => "ok".into(),
            GroupReply::Left(results) => results
                .iter()
                .map(result_word)
                .collect::<Vec<_>>()
                .join(" "),
            GroupReply::Committed(topics) | GroupReply::OffsetsDeleted(topics) => topics
                .iter()
                .flatten()
                .map(result_word)
                .collect::<Vec<_>>()
                .join(" "),
            GroupReply::Offsets(topics) => offset_words(topics),
            GroupReply::Described(group) => self.group_words(group),
        }
    }

    fn group_words(&self, group: &DescribedGroup) -> String {
        let name = |id: &str| self.names.get(id).cloned().unwrap_or(format!("?{id}"));
        let member = |m: &DescribedMember| {
            let (metadata, assignment) = (text(&m.metadata), text(&m.assignment));
            format!("{}:{metadata}:{assignment}", name(&m.member_id))
        };
        let mut members: Vec<String> = group.members.iter().map(member).collect();
        members.sort();
        let (state, kind) = (group.state.name(), &group.protocol_type);
        let protocol = &group.protocol_name;
        format!("{state} '{kind}' '{protocol}' [{}]", members.join(" "))
    }

    /// The records that came since this was asked last.
    fn log_words(&mut self) -> Vec<String> {
        let new = &self.log[self.told..];
        let name = |id: &str| self.names.get(id).cloned().unwrap_or(format!("?{id}"));
        let words = new.iter().map(|record| match record {
            GroupRecord::Offset {
                group_id,
                topic,
                partition,
                value,
            } => match value {
                Some(value) => format!("{group_id} {topic}/{partition}={}", value.offset),
                None => format!("{group_id} {topic}/{partition} gone"),
            },
            GroupRecord::Group { group_id, value } => match value {
                None => format!("{group_id} gone"),
                Some(value) => {
                    let members = value.members.iter();
                    let mut members: Vec<String> = members
                        .map(|m| format!("{}:{}", name(&m.member_id), text(&m.assignment)))
                        .collect();
                    members.sort();
                    format!(
                        "{group_id} generation {} [{}]",
                        value.generation_id,
                        members.join(" ")
                    )
                }
            },
        });
        let words = words.collect();
        self.told = self.log.len();
        words
    }

    /// One step, in words.
    fn line(&mut self, line: &str) -> Vec<String> {
        let mut words = line.split_whitespace();
        let verb = words.next().expect("a line has words");
        let rest: Vec<&str> = words.collect();
        let first = rest.first().copied().unwrap_or_default();
        match verb {
            "group" => {
                self.group_id = first.trim_matches('\'').to_owned();
                Vec::new()
            }
            "crash" => {
                self.crash();
                Vec::new()
            }
            "log" => self.log_words(),
            "gone" => {
                let gone = rest.iter().map(|topic| (Arc::from(*topic), 7)).collect();
                self.step(GroupCommand::ForgetTopics(gone));
                self.pass(0)
            }
            "list" => {
                let listed = self.machine.list();
                listed
                    .map(|group| {
                        format!(
                            "{} '{}' {}",
                            group.group_id,
                            group.protocol_type,
                            group.state.name()
                        )
                    })
                    .collect()
            }
            "figures" => self.figures(),
            "join" => self.join(first, &rest[1..]),
            "sync" => self.sync(first, &rest[1..]),
            "beat" => {
                let member = self.member(first, rest[1]);
                let (who, _) = split_instance(first);
                self.ask(who, GroupRequest::Heartbeat(member))
            }
            "leave" => self.leave(&rest),
            "commit" => self.commit(first, &rest[1..]),
            "fetch" => {
                let topics = (first != "*").then(|| topic_partitions(&rest));
                self.ask("-", GroupRequest::FetchOffsets(FetchOffsets { topics }))
            }
            "describe" => self.ask("-", GroupRequest::Describe),
            "delete" => self.ask("-", GroupRequest::Delete),
            "drop" => self.ask("-", GroupRequest::DeleteOffsets(topic_partitions(&rest))),
            time => self.pass(
                time.strip_prefix('+')
                    .expect("a verb or a time")
                    .parse()
                    .unwrap(),
            ),
        }
    }

    /// What operators are told: groups by state, offsets, what was done; then each group.
    fn figures(&self) -> Vec<String> {
        let (sums, counts) = (self.machine.sums(), self.machine.counts());
        let states = GroupState::ALL.iter().zip(sums.by_state);
        let states = states.filter(|(_, count)| *count > 0);
        let mut words: Vec<String> = states
            .map(|(state, count)| format!("{count} {}", state.name()))
            .collect();
        words.push(format!("{} offsets", sums.offsets));
        words.push(format!(
            "{} rebalanced {} committed {} expired {} deleted",
            counts.rebalances,
            counts.offset_commits,
            counts.offset_expirations,
            counts.offset_deletions
        ));
        words.extend(self.machine.groups().map(|(group_id, group)| {
            let told = group.figures(group_id);
            let places = told.offsets.iter();
            let places = places.map(|o| format!(" {}/{}={}", o.topic, o.partition, o.offset));
            let places: String = places.collect();
            format!(
                "{} {} of {}{places}",
                told.group_id,
                told.state.name(),
                told.members
            )
        }));
        words
    }

    /// A client as it presents itself: `a`, or `a#i` by its lasting name too.
    fn member(&self, who: &str, generation: &str) -> MemberRef {
        let (who, instance) = split_instance(who);
        MemberRef {
            member_id: self.ids.get(who).cloned().unwrap_or_default(),
            group_instance_id: instance,
            generation_id: generation.parse().unwrap(),
        }
    }

    fn join(&mut self, who: &str, options: &[&str]) -> Vec<String> {
        let (who, group_instance_id) = split_instance(who);
        let mut join = JoinGroup {
            member_id: self.ids.get(who).cloned().unwrap_or_default(),
            group_instance_id,
            client_id: who.to_owned(),
            client_host: "/127.0.0.1".into(),
            session_timeout_ms: 10_000,
            rebalance_timeout_ms: 30_000,
            protocol_type: "consumer".into(),
            protocols: Vec::new(),
            requires_member_id: true,
            supports_skipping_assignment: false,
        };
        for option in options {
            match option.split_once('=') {
                None if *option == "anew" => join.member_id.clear(),
                None if *option == "old" => join.requires_member_id = false,
                None if *option == "newest" => join.supports_skipping_assignment = true,
                Some(("session", ms)) => join.session_timeout_ms = ms.parse().unwrap(),
                Some(("rebalance", ms)) => join.rebalance_timeout_ms = ms.parse().unwrap(),
                Some(("type", name)) => join.protocol_type = name.into(),
                Some(("id", id)) => join.member_id = id.into(),
                Some((name, said)) => {
                    join.protocols
                        .push((name.into(), Bytes::copy_from_slice(said.as_bytes())));
                }
                None => panic!("{option}"),
            }
        }
        self.ask(who, GroupRequest::Join(join))
    }

    fn sync(&mut self, who: &str, rest: &[&str]) -> Vec<String> {
        let mut sync = SyncGroup {
            member: self.member(who, rest[0]),
            ..SyncGroup::default()
        };
        for option in &rest[1..] {
            match option.split_once('=').expect("an option") {
                ("type", name) => sync.protocol_type = Some(name.into()),
                ("protocol", name) => sync.protocol_name = Some(name.into()),
                (member, part) => {
                    let id = self.ids.get(member).cloned().unwrap_or(member.into());
                    sync.assignments
                        .push((id, Bytes::copy_from_slice(part.as_bytes())));
                }
            }
        }
        let (who, _) = split_instance(who);
        self.ask(who, GroupRequest::Sync(sync))
    }

    fn leave(&mut self, members: &[&str]) -> Vec<String> {
        let leaving = members.iter().map(|who| {
            let (who, instance) = split_instance(who);
            LeavingMember {
                member_id: self.ids.get(who).cloned().unwrap_or(who.into()),
                group_instance_id: instance,
            }
        });
        let leaving = leaving.collect();
        self.ask("-", GroupRequest::Leave(leaving))
    }

    /// `commit a 1 t/0=5@3'note' keep=1000`
    fn commit(&mut self, who: &str, rest: &[&str]) -> Vec<String> {
        let mut commit = CommitOffsets {
            member: self.member(who, rest[0]),
            retention_ms: -1,
            topics: Vec::new(),
        };
        for option in &rest[1..] {
            let (place, offset) = option.split_once('=').expect("an offset");
            let Some((topic, partition)) = place.split_once('/') else {
                commit.retention_ms = offset.parse().unwrap();
                continue;
            };
            let (offset, note) = offset.split_once('\'').unwrap_or((offset, ""));
            let (offset, epoch) = offset.split_once('@').unwrap_or((offset, "-1"));
            let (topic, topic_id) = split_topic(topic);
            commit.topics.push(CommitTopic {
                topic_id,
                topic,
                partitions: vec![CommitPartition {
                    partition: partition.parse().unwrap(),
                    offset: offset.parse().unwrap(),
                    leader_epoch: epoch.parse().unwrap(),
                    metadata: note.trim_end_matches('\'').into(),
                }],
            });
        }
        let (who, _) = split_instance(who);
        self.ask(who, GroupRequest::CommitOffsets(commit))
    }
}

fn offset_words(topics: &[FetchedTopic]) -> String {
    let mut words = Vec::new();
    for topic in topics {
        for offset in &topic.partitions {
            let mut word = format!("{}/{}={}", topic.topic, offset.partition, offset.offset);
            if offset.leader_epoch != -1 {
                word += &format!("@{}", offset.leader_epoch);
            }
            if !offset.metadata.is_empty() {
                word += &format!("'{}'", offset.metadata);
            }
            words.push(word);
        }
    }
    words.join(" ")
}

fn split_instance(who: &str) -> (&str, Option<String>) {
    match who.split_once('#') {
        Some((who, instance)) => (who, Some(instance.to_owned())),
        None => (who, None),
    }
}

/// `t` or `t:id`.
fn split_topic(topic: &str) -> (Arc<str>, u128) {
    let (name, id) = topic.split_once(':').unwrap_or((topic, "0"));
    (name.into(), id.parse().unwrap())
}

fn topic_partitions(words: &[&str]) -> Vec<TopicPartitions> {
    let each = words.iter().map(|word| {
        let (topic, partition) = word.split_once('/').expect("a partition");
        let (topic, topic_id) = split_topic(topic);
        TopicPartitions {
            topic_id,
            topic,
            partitions: vec![partition.parse().unwrap()],
        }
    });
    each.collect()
}

fn text(bytes: &Bytes) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn error_name(error: &GroupError) -> String {
    match error {
        GroupError::MemberIdRequired { .. } => "MemberIdRequired".into(),
        GroupError::FencedJoin { .. } => "FencedJoin".into(),
        other => format!("{other:?}"),
    }
}

fn result_word(result: &Result<(), GroupError>) -> String {
    match result {
        Ok(()) => "ok".into(),
        Err(error) => error_name(error),
    }
}

/// Plays a transcript and compares all of it.
pub fn play_with(config: GroupConfig, script: &str) {
    let mut scene = Scene::new(config);
    let (mut played, mut written) = (Vec::new(), Vec::new());
    for line in script.lines() {
        let line = line.split("//").next().unwrap().trim();
        if line.is_empty() {
            continue;
        }
        let step = line.split('|').next().unwrap().trim();
        let outcome = scene.line(step).join("; ");
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        written.push(line.trim_end_matches(" |").to_owned());
        played.push(match outcome.is_empty() {
            true => step.split_whitespace().collect::<Vec<_>>().join(" "),
            false => {
                let step = step.split_whitespace().collect::<Vec<_>>().join(" ");
                format!("{step} | {outcome}")
            }
        });
    }
    let (played, written) = (played.join("\n"), written.join("\n"));
    assert!(
        played == written,
        "played:\n{played}\n\nwritten:\n{written}\n"
    );
}

pub fn play(script: &str) {
    play_with(config(), script);
}
