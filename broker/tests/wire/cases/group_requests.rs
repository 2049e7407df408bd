//! Consumer groups: the requests of members and of those who look at them, with little to write for what is usual.

use protocol::messages::{
    delete_groups, describe_groups, find_coordinator, heartbeat, join_group, leave_group,
    list_groups, offset_commit, offset_delete, offset_fetch, sync_group,
};

use crate::scenario::{Run, Scenario, Step};

/// What coordinators say before they can answer: loading, not available, not the one.
pub const NOT_READY: &[&str] = &["error_code=14", "error_code=15", "error_code=16"];
/// A consumer's subscription to nothing, of version 0. Kafka reads it: over one that counts more topics than there are bytes
/// it fails, and never answers the join.
pub const SUBSCRIPTION: &[u8] = &[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
/// A session long enough for any test.
pub const SESSION_MS: i32 = 300_000;

macro_rules! step {
    ($label:expr, $module:ident, $version:expr, $request:expr) => {{
        let mut body = Vec::new();
        $request.encode(&mut body, $version);
        Step::ask($label, $module::KEY, $version, &body)
    }};
}

/// A scenario whose group's coordinator answers before it begins.
pub fn scenario(name: impl Into<String>, group: &str) -> Scenario {
    let find = find_coordinator::FindCoordinatorRequest {
        key: group.to_owned().into(),
        ..Default::default()
    };
    let look = describe_groups::DescribeGroupsRequest {
        groups: vec![group.to_owned().into()],
        ..Default::default()
    };
    Scenario::new(name)
        .step(
            step!("find", find_coordinator, 2, find)
                .settles(NOT_READY)
                .prepares(),
        )
        .step(
            step!("ready", describe_groups, 4, look)
                .settles(NOT_READY)
                .prepares(),
        )
}

/// A member of a group of consumers joins with one protocol.
pub fn join<'a>(group: &str, member_id: &str) -> join_group::JoinGroupRequest<'a> {
    join_group::JoinGroupRequest {
        group_id: group.to_owned().into(),
        session_timeout_ms: SESSION_MS,
        rebalance_timeout_ms: SESSION_MS,
        member_id: member_id.to_owned().into(),
        protocol_type: "consumer".into(),
        protocols: vec![protocol("range", SUBSCRIPTION)],
        ..Default::default()
    }
}

/// A static member joins.
pub fn join_static<'a>(
    group: &str,
    member_id: &str,
    instance: &'a str,
) -> join_group::JoinGroupRequest<'a> {
    join_group::JoinGroupRequest {
        group_instance_id: Some(instance.into()),
        ..join(group, member_id)
    }
}

/// A protocol and what a member says in it.
pub fn protocol<'a>(
    name: &'a str,
    metadata: &'static [u8],
) -> join_group::JoinGroupRequestProtocol<'a> {
    join_group::JoinGroupRequestProtocol {
        name: name.into(),
        metadata: metadata.into(),
    }
}

/// The request as a step.
pub fn ask_join(
    label: impl Into<String>,
    version: i16,
    request: &join_group::JoinGroupRequest<'_>,
) -> Step {
    step!(label, join_group, version, request)
}

/// A member asks for its part; the leader gives these.
pub fn sync<'a>(
    group: &str,
    member_id: &str,
    generation_id: i32,
    assignments: &[(&str, &'static [u8])],
) -> sync_group::SyncGroupRequest<'a> {
    let assignments =
        assignments.iter().map(
            |(member_id, assignment)| sync_group::SyncGroupRequestAssignment {
                member_id: (*member_id).to_owned().into(),
                assignment: (*assignment).into(),
            },
        );
    sync_group::SyncGroupRequest {
        group_id: group.to_owned().into(),
        generation_id,
        member_id: member_id.to_owned().into(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: assignments.collect(),
        ..Default::default()
    }
}

/// The request as a step.
pub fn ask_sync(
    label: impl Into<String>,
    version: i16,
    request: &sync_group::SyncGroupRequest<'_>,
) -> Step {
    step!(label, sync_group, version, request)
}

/// A member is alive.
pub fn beat<'a>(
    group: &str,
    member_id: &str,
    generation_id: i32,
) -> heartbeat::HeartbeatRequest<'a> {
    heartbeat::HeartbeatRequest {
        group_id: group.to_owned().into(),
        generation_id,
        member_id: member_id.to_owned().into(),
        ..Default::default()
    }
}

/// The request as a step.
pub fn ask_beat(
    label: impl Into<String>,
    version: i16,
    request: &heartbeat::HeartbeatRequest<'_>,
) -> Step {
    step!(label, heartbeat, version, request)
}

/// Members go, each by id and lasting name.
pub fn leave<'a>(
    group: &str,
    members: &[(&str, Option<&'a str>)],
) -> leave_group::LeaveGroupRequest<'a> {
    let member_id = members.first().map_or("", |(member_id, _)| member_id);
    let members =
        members.iter().map(
            |(member_id, instance)| leave_group::LeaveGroupRequestMember {
                member_id: (*member_id).to_owned().into(),
                group_instance_id: instance.map(Into::into),
                ..Default::default()
            },
        );
    leave_group::LeaveGroupRequest {
        group_id: group.to_owned().into(),
        member_id: member_id.to_owned().into(),
        members: members.collect(),
    }
}

/// The request as a step.
pub fn ask_leave(
    label: impl Into<String>,
    version: i16,
    request: &leave_group::LeaveGroupRequest<'_>,
) -> Step {
    step!(label, leave_group, version, request)
}

/// A look at groups.
pub fn ask_describe(label: impl Into<String>, version: i16, groups: &[&str]) -> Step {
    let request = describe_groups::DescribeGroupsRequest {
        groups: groups
            .iter()
            .map(|group| (*group).to_owned().into())
            .collect(),
        include_authorized_operations: true,
    };
    step!(label, describe_groups, version, request)
}

/// A list of groups, by states and types.
pub fn ask_list(label: impl Into<String>, version: i16, states: &[&str], types: &[&str]) -> Step {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned().into()).collect();
    let request = list_groups::ListGroupsRequest {
        states_filter: words(states),
        types_filter: words(types),
    };
    step!(label, list_groups, version, request)
}

/// Groups go.
pub fn ask_delete(label: impl Into<String>, version: i16, groups: &[&str]) -> Step {
    let request = delete_groups::DeleteGroupsRequest {
        groups_names: groups
            .iter()
            .map(|group| (*group).to_owned().into())
            .collect(),
    };
    step!(label, delete_groups, version, request)
}

/// An offset of a partition to store.
pub fn at(
    partition_index: i32,
    committed_offset: i64,
) -> offset_commit::OffsetCommitRequestTopicPartition<'static> {
    offset_commit::OffsetCommitRequestTopicPartition {
        partition_index,
        committed_offset,
        committed_leader_epoch: -1,
        committed_metadata: Some("".into()),
    }
}

/// Topics of an OffsetCommit, by name and id.
pub type CommitParts<'a> = &'a [(
    &'a str,
    u128,
    &'a [offset_commit::OffsetCommitRequestTopicPartition<'static>],
)];

/// Offsets of a group without members are stored.
pub fn commit<'a>(group: &str, topics: CommitParts<'_>) -> offset_commit::OffsetCommitRequest<'a> {
    let topics =
        topics.iter().map(
            |(name, topic_id, partitions)| offset_commit::OffsetCommitRequestTopic {
                name: (*name).to_owned().into(),
                topic_id: protocol::primitives::Uuid(*topic_id),
                partitions: partitions.to_vec(),
            },
        );
    offset_commit::OffsetCommitRequest {
        group_id: group.to_owned().into(),
        generation_id_or_member_epoch: -1,
        topics: topics.collect(),
        ..Default::default()
    }
}

/// The request as a step.
pub fn ask_commit(
    label: impl Into<String>,
    version: i16,
    request: &offset_commit::OffsetCommitRequest<'_>,
) -> Step {
    step!(label, offset_commit, version, request)
}

/// Topics of an OffsetFetch, by name and id; `None` for everything.
pub type FetchParts<'a> = Option<&'a [(&'a str, u128, &'a [i32])]>;

/// Stored offsets of a group are asked for.
pub fn ask_fetch(
    label: impl Into<String>,
    version: i16,
    groups: &[(&str, FetchParts<'_>)],
) -> Step {
    let mut request = offset_fetch::OffsetFetchRequest::default();
    if version < 8 {
        let (group, topics) = groups[0];
        request.group_id = group.to_owned().into();
        request.topics = topics.map(|topics| {
            let topics =
                topics.iter().map(
                    |(name, _, partitions)| offset_fetch::OffsetFetchRequestTopic {
                        name: (*name).to_owned().into(),
                        partition_indexes: partitions.to_vec(),
                    },
                );
            topics.collect()
        });
    } else {
        request.groups = groups
            .iter()
            .map(|(group, topics)| offset_fetch::OffsetFetchRequestGroup {
                group_id: (*group).to_owned().into(),
                topics: topics.map(|topics| topics.iter().map(fetch_topic).collect()),
                ..Default::default()
            })
            .collect();
    }
    let step = step!(label, offset_fetch, version, request);
    let everything = groups.iter().any(|(_, topics)| topics.is_none());
    if everything {
        step.in_any_order()
    } else {
        step
    }
}

fn fetch_topic<'a>(
    (name, topic_id, partitions): &(&str, u128, &[i32]),
) -> offset_fetch::OffsetFetchRequestGroupTopic<'a> {
    offset_fetch::OffsetFetchRequestGroupTopic {
        name: (*name).to_owned().into(),
        topic_id: protocol::primitives::Uuid(*topic_id),
        partition_indexes: partitions.to_vec(),
    }
}

/// Offsets of a group go.
pub fn ask_offset_delete(label: impl Into<String>, group: &str, topics: &[(&str, &[i32])]) -> Step {
    let topics = topics.iter().map(
        |(name, partitions)| offset_delete::OffsetDeleteRequestTopic {
            name: (*name).to_owned().into(),
            partitions: partitions
                .iter()
                .map(
                    |partition_index| offset_delete::OffsetDeleteRequestTopicPartition {
                        partition_index: *partition_index,
                    },
                )
                .collect(),
        },
    );
    let request = offset_delete::OffsetDeleteRequest {
        group_id: group.to_owned().into(),
        topics: topics.collect(),
    };
    step!(label, offset_delete, 0, request)
}

/// Steps that make a stable group of one member, which is kept in slot 0, in generation 1.
pub fn stable(group: &str, member_of_slot_0: &str) -> Vec<Step> {
    vec![
        ask_join("joins", 2, &join(group, ""))
            .remembers(0)
            .prepares(),
        ask_sync(
            "is given its part",
            2,
            &sync(group, member_of_slot_0, 1, &[(member_of_slot_0, b"part")]),
        )
        .prepares(),
    ]
}

/// Bodies that no client sends.
pub fn bytes(run: &Run, name: &str, api_key: i16, version: i16) -> Scenario {
    let raw = |label: &str, body: &[u8]| Step::ask(label, api_key, version, body);
    scenario(format!("bytes {name} v{version}"), &run.topic("bytes"))
        .step(raw("nothing", &[]))
        .step(raw("zeros", &[0; 24]))
        .step(raw("0xff", &[0xff; 24]))
        .step(raw("0x7f", &[0x7f; 24]))
        .step(raw("a null group", &[0xff, 0xff, 0, 0, 0, 0, 0, 0]))
        .step(raw("short", &[0, 9, b'a']))
}
