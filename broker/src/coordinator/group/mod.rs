//! Consumer groups: what may be asked of their coordinator and what it answers, in its own words; `api/` turns them into
//! Kafka's. Pure.

use std::sync::Arc;

use bytes::Bytes;

use crate::config::Config;
use crate::limits;

pub mod classic;
pub mod figures;
pub mod join;
pub mod machine;
pub mod member;
pub mod offsets;
pub mod records;
pub mod state;
#[cfg(test)]
mod tests;
pub mod timers;
pub mod turn;

/// Who waits for a reply: a number that the runtime gives out, unique for the life of a coordinator.
pub type Ticket = u64;

/// What may be asked about one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupRequest {
    /// A member joins or joins again. Its reply waits until the group's next generation begins.
    Join(JoinGroup),
    /// A member asks for its part, the leader gives everybody's. Its reply waits for the leader's.
    Sync(SyncGroup),
    /// A member is alive.
    Heartbeat(MemberRef),
    /// Members go.
    Leave(Vec<LeavingMember>),
    /// Offsets are stored.
    CommitOffsets(CommitOffsets),
    /// Offsets are asked for.
    FetchOffsets(FetchOffsets),
    /// What the group looks like.
    Describe,
    /// The group goes, with its offsets.
    Delete,
    /// Offsets go.
    DeleteOffsets(Vec<TopicPartitions>),
}

/// JoinGroup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JoinGroup {
    /// Empty for a member that has none yet.
    pub member_id: String,
    /// Its own lasting name, for a static member.
    pub group_instance_id: Option<String>,
    /// Client id of the connection; new member ids begin with it.
    pub client_id: String,
    /// Address of the client as Kafka prints it: `/10.0.0.7`.
    pub client_host: String,
    /// After this time without a word the member is gone.
    pub session_timeout_ms: i32,
    /// How long a rebalance waits for it; below version 1 its session timeout.
    pub rebalance_timeout_ms: i32,
    /// `consumer`, `connect`, ...
    pub protocol_type: String,
    /// Names and metadata, the preferred one first.
    pub protocols: Vec<(String, Bytes)>,
    /// From version 4 on a new dynamic member is first given its id, and joins with it.
    pub requires_member_id: bool,
    /// From version 9 on a static leader that comes back can be told not to assign anew (KIP-814).
    pub supports_skipping_assignment: bool,
}

/// SyncGroup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncGroup {
    /// Who.
    pub member: MemberRef,
    /// What it believes; not checked where it is none.
    pub protocol_type: Option<String>,
    /// Likewise.
    pub protocol_name: Option<String>,
    /// From the leader: member ids and their assignments.
    pub assignments: Vec<(String, Bytes)>,
}

/// A member as it presents itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberRef {
    /// Given by the coordinator.
    pub member_id: String,
    /// Its lasting name, for a static member.
    pub group_instance_id: Option<String>,
    /// The generation it belongs to.
    pub generation_id: i32,
}

/// A member that goes, or that an administrator removes by its lasting name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeavingMember {
    /// Empty where only its name is known.
    pub member_id: String,
    /// Its lasting name.
    pub group_instance_id: Option<String>,
}

/// OffsetCommit. Whether topics and partitions exist is checked by the caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitOffsets {
    /// Who; a generation of -1 comes from who is no member.
    pub member: MemberRef,
    /// How long the offsets are kept, milliseconds; -1 for the broker's setting.
    pub retention_ms: i64,
    /// What.
    pub topics: Vec<CommitTopic>,
}

/// Offsets of one topic to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitTopic {
    /// Its id, 0 if it is not known.
    pub topic_id: u128,
    /// Its name.
    pub topic: Arc<str>,
    /// Its partitions.
    pub partitions: Vec<CommitPartition>,
}

/// An offset to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitPartition {
    /// Number of the partition.
    pub partition: i32,
    /// The next record to read.
    pub offset: i64,
    /// Leader epoch of the last record read, -1 if it is not known.
    pub leader_epoch: i32,
    /// The client's own note.
    pub metadata: String,
}

/// OffsetFetch of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchOffsets {
    /// `None` for every offset there is.
    pub topics: Option<Vec<TopicPartitions>>,
}

/// Partitions of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPartitions {
    /// The topic's id, 0 if the client does not name one: an offset that was stored for another id counts as none.
    pub topic_id: u128,
    /// Its name.
    pub topic: Arc<str>,
    /// Their numbers.
    pub partitions: Vec<i32>,
}

/// What the coordinator answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupReply {
    /// To [`GroupRequest::Join`].
    Joined(JoinedGroup),
    /// To [`GroupRequest::Sync`].
    Synced(SyncedGroup),
    /// To [`GroupRequest::Heartbeat`].
    Alive,
    /// To [`GroupRequest::Leave`]: one result a member, in the order of the request.
    Left(Vec<Result<(), GroupError>>),
    /// To [`GroupRequest::CommitOffsets`]: one result a partition, in the order and shape of the request.
    Committed(Vec<Vec<Result<(), GroupError>>>),
    /// To [`GroupRequest::FetchOffsets`]: in the order and shape of the request, if it named topics.
    Offsets(Vec<FetchedTopic>),
    /// To [`GroupRequest::Describe`].
    Described(DescribedGroup),
    /// To [`GroupRequest::Delete`].
    Deleted,
    /// To [`GroupRequest::DeleteOffsets`]: one result a partition, in the order and shape of the request.
    OffsetsDeleted(Vec<Vec<Result<(), GroupError>>>),
}

/// The generation that a member has joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JoinedGroup {
    /// Its number.
    pub generation_id: i32,
    /// The group's type.
    pub protocol_type: Option<String>,
    /// The protocol chosen.
    pub protocol_name: Option<String>,
    /// Member id of the leader.
    pub leader: String,
    /// The leader need not assign anew.
    pub skip_assignment: bool,
    /// Member id of who asked.
    pub member_id: String,
    /// For the leader: everybody, with the metadata of the protocol chosen.
    pub members: Vec<JoinedMember>,
}

/// A member as the leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedMember {
    /// Its id.
    pub member_id: String,
    /// Its lasting name.
    pub group_instance_id: Option<String>,
    /// What it says of itself.
    pub metadata: Bytes,
}

/// A member's part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncedGroup {
    /// The group's type.
    pub protocol_type: Option<String>,
    /// The protocol chosen.
    pub protocol_name: Option<String>,
    /// As the leader gave it.
    pub assignment: Bytes,
}

/// Offsets of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedTopic {
    /// Its name.
    pub topic: Arc<str>,
    /// Its partitions.
    pub partitions: Vec<FetchedOffset>,
}

/// A stored offset, or that there is none: offset and leader epoch -1, no note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedOffset {
    /// Number of the partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// Leader epoch that came with it.
    pub leader_epoch: i32,
    /// The note that came with it.
    pub metadata: String,
}

/// A group as DescribeGroups shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DescribedGroup {
    /// Where it stands.
    pub state: GroupState,
    /// Its type, empty if it never had a member.
    pub protocol_type: String,
    /// The protocol chosen; empty unless it is stable.
    pub protocol_name: String,
    /// Everybody; metadata and assignments only while it is stable.
    pub members: Vec<DescribedMember>,
}

/// A member as DescribeGroups shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedMember {
    /// Its id.
    pub member_id: String,
    /// Its lasting name.
    pub group_instance_id: Option<String>,
    /// Client id of the connection it joined by.
    pub client_id: String,
    /// Its address.
    pub client_host: String,
    /// What it says of itself, in the protocol chosen.
    pub metadata: Bytes,
    /// Its part.
    pub assignment: Bytes,
}

/// A group as ListGroups shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedGroup {
    /// Its id.
    pub group_id: String,
    /// Its type, empty if it never had a member.
    pub protocol_type: String,
    /// Where it stands.
    pub state: GroupState,
}

/// Where a group stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GroupState {
    /// No members.
    #[default]
    Empty,
    /// Members are joining.
    PreparingRebalance,
    /// All have joined; the leader's assignment is awaited.
    CompletingRebalance,
    /// Everybody has a part.
    Stable,
    /// It is about to go.
    Dead,
}

impl GroupState {
    /// Every one of them.
    pub const ALL: [Self; 5] = [
        Self::Empty,
        Self::PreparingRebalance,
        Self::CompletingRebalance,
        Self::Stable,
        Self::Dead,
    ];

    /// Kafka's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}

/// The broker's settings for groups.
#[derive(Debug, Clone)]
pub struct GroupConfig {
    /// `group.min.session.timeout.ms`.
    pub session_timeout_ms_min: i32,
    /// `group.max.session.timeout.ms`.
    pub session_timeout_ms_max: i32,
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`.
    pub members_max: usize,
    /// `offsets.retention.minutes`.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_ms: u64,
    /// A group's record: metadata and assignments of all its members.
    pub record_bytes_max: usize,
    /// `offset.metadata.max.bytes`; Kafka counts characters (UTF-16 units).
    pub offset_metadata_units_max: usize,
}

impl GroupConfig {
    /// Those of `config`.
    pub fn of(config: &Config) -> Self {
        let settings = &config.groups;
        Self {
            session_timeout_ms_min: settings.session_timeout_ms_min,
            session_timeout_ms_max: settings.session_timeout_ms_max,
            initial_rebalance_delay_ms: settings.initial_rebalance_delay_ms,
            members_max: settings.members_max as usize,
            offsets_retention_ms: i64::from(settings.offsets_retention_minutes) * 60_000,
            offsets_retention_check_ms: settings.offsets_retention_check_interval_ms,
            record_bytes_max: limits::GROUP_RECORD_BYTES_MAX
                .min(limits::batch_bytes_max(config.frame_bytes_max) as usize / 2),
            offset_metadata_units_max: settings.offset_metadata_units_max as usize,
        }
    }
}

impl GroupRequest {
    /// What is refused whoever coordinates the group.
    pub fn check(&self, group_id: &str, config: &GroupConfig) -> Result<(), GroupError> {
        let needs_id = !matches!(
            self,
            Self::CommitOffsets(_) | Self::FetchOffsets(_) | Self::Describe | Self::Delete
        );
        if needs_id && group_id.is_empty() {
            return Err(GroupError::InvalidGroupId);
        }
        if let Self::Join(join) = self {
            let legal = config.session_timeout_ms_min..=config.session_timeout_ms_max;
            if !legal.contains(&join.session_timeout_ms) {
                return Err(GroupError::InvalidSessionTimeout);
            }
            let bytes = join.protocols.iter().map(|(_, metadata)| metadata.len());
            if join.protocols.len() > limits::GROUP_PROTOCOLS_PER_MEMBER_MAX
                || bytes.sum::<usize>() > limits::GROUP_MEMBER_BYTES_MAX
            {
                return Err(GroupError::GroupTooLarge);
            }
        }
        Ok(())
    }

    /// Whether it can make the coordinator hold more.
    pub fn is_growth(&self) -> bool {
        matches!(self, Self::Join(_) | Self::CommitOffsets(_))
    }

    /// Whether it can make the coordinator write to its log.
    pub fn is_write(&self) -> bool {
        !matches!(
            self,
            Self::Heartbeat(_) | Self::FetchOffsets(_) | Self::Describe
        )
    }
}

/// Why the coordinator refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The group's coordinator is another shard.
    #[error("This is not the correct coordinator.")]
    NotCoordinator,
    /// Its state is still read from the log.
    #[error("The coordinator is loading and hence can't process requests.")]
    Loading,
    /// There is none: its topic is not there, its log cannot be written, or the shard stops.
    #[error("The coordinator is not available.")]
    NotAvailable,
    /// The group id is empty where it may not be.
    #[error("The configured groupId is invalid.")]
    InvalidGroupId,
    /// A new member has to join again, with this id.
    #[error(
        "The group member needs to have a valid member id before actually entering a consumer group."
    )]
    MemberIdRequired {
        /// The id that it was given.
        member_id: String,
    },
    /// No such member.
    #[error("The coordinator is not aware of this member.")]
    UnknownMember,
    /// The member was taken out while it waited for this reply.
    #[error("The member is no longer in the group.")]
    RemovedMember,
    /// Another member has taken its lasting name.
    #[error(
        "The broker rejected this static consumer since another consumer with the same group.instance.id has registered with a different member.id."
    )]
    FencedInstance,
    /// The same of a member that waits to join.
    #[error(
        "The broker rejected this static consumer since another consumer with the same group.instance.id has registered with a different member.id."
    )]
    FencedJoin {
        /// The id that it had.
        member_id: String,
    },
    /// Another generation.
    #[error("Specified group generation id is not valid.")]
    IllegalGeneration,
    /// The group is rebalancing: join again.
    #[error("The group is rebalancing, so a rejoin is needed.")]
    RebalanceInProgress,
    /// No protocol in common, or another type.
    #[error(
        "The group member's supported protocols are incompatible with those of existing members or first group member tried to join with empty protocol type or empty protocol list."
    )]
    InconsistentProtocol,
    /// Not a legal session timeout.
    #[error(
        "The session timeout is not within the range allowed by the broker (as configured by group.min.session.timeout.ms and group.max.session.timeout.ms)."
    )]
    InvalidSessionTimeout,
    /// The group, or the shard, has as many members as it may.
    #[error("The consumer group has reached its max size.")]
    GroupFull,
    /// What a member says of itself, or the group's metadata with all assignments, is more than is kept.
    #[error("The group's metadata is too large.")]
    GroupTooLarge,
    /// No such group.
    #[error("The group id does not exist.")]
    UnknownGroup,
    /// It has members.
    #[error("The group is not empty.")]
    NotEmpty,
    /// Of one partition: the note is longer than `offset.metadata.max.bytes`.
    #[error("The metadata field of the offset request was too large.")]
    MetadataTooLarge,
    /// Of one partition: the group is subscribed to its topic.
    #[error("The group is subscribed to the topic, so that its offsets cannot be deleted.")]
    SubscribedToTopic,
}
