//! What requests about consumer groups share: the question to the coordinator, and Kafka's codes for what it refuses.

use std::rc::Rc;

use protocol::error_code::ErrorCode;

use crate::coordinator::group::{GroupConfig, GroupError, GroupReply, GroupRequest};
use crate::router::Router;

/// Asks the coordinator of this group, unless any coordinator would refuse.
pub async fn ask(
    router: &Rc<Router>,
    group_id: &str,
    request: GroupRequest,
) -> Result<GroupReply, GroupError> {
    request.check(group_id, &GroupConfig::of(&router.shard().config))?;
    router.group(group_id, request).await
}

/// Kafka's code. Requests whose versions tell an unknown group in other ways look at it before.
pub fn group_error_code(error: &GroupError) -> ErrorCode {
    match error {
        GroupError::NotCoordinator => ErrorCode::NotCoordinator,
        GroupError::Loading => ErrorCode::CoordinatorLoadInProgress,
        GroupError::NotAvailable => ErrorCode::CoordinatorNotAvailable,
        GroupError::InvalidGroupId => ErrorCode::InvalidGroupId,
        GroupError::MemberIdRequired { .. } => ErrorCode::MemberIdRequired,
        GroupError::UnknownMember | GroupError::RemovedMember => ErrorCode::UnknownMemberId,
        GroupError::FencedInstance | GroupError::FencedJoin { .. } => ErrorCode::FencedInstanceId,
        GroupError::IllegalGeneration => ErrorCode::IllegalGeneration,
        GroupError::RebalanceInProgress => ErrorCode::RebalanceInProgress,
        GroupError::InconsistentProtocol => ErrorCode::InconsistentGroupProtocol,
        GroupError::InvalidSessionTimeout => ErrorCode::InvalidSessionTimeout,
        GroupError::GroupFull => ErrorCode::GroupMaxSizeReached,
        // Kafka fails here; a client shows its user this.
        GroupError::GroupTooLarge => ErrorCode::MessageTooLarge,
        GroupError::UnknownGroup => ErrorCode::GroupIdNotFound,
        GroupError::NotEmpty => ErrorCode::NonEmptyGroup,
        GroupError::MetadataTooLarge => ErrorCode::OffsetMetadataTooLarge,
        GroupError::SubscribedToTopic => ErrorCode::GroupSubscribedToTopic,
    }
}

/// The code of a result: 0 where nothing was refused.
pub fn result_code(result: &Result<(), GroupError>) -> i16 {
    match result {
        Ok(()) => ErrorCode::None.code(),
        Err(error) => group_error_code(error).code(),
    }
}
