//! Kafka's codes for what a group's coordinator refuses. Decides nothing.

use protocol::error_code::ErrorCode;

use crate::coordinator::group::GroupError;

/// Kafka's code. Requests whose versions tell an unknown group in other ways look at it before.
pub fn group_error_code(error: &GroupError) -> ErrorCode {
    match error {
        GroupError::NotCoordinator => ErrorCode::NotCoordinator,
        GroupError::Loading => ErrorCode::CoordinatorLoadInProgress,
        GroupError::NotAvailable => ErrorCode::CoordinatorNotAvailable,
        GroupError::InvalidGroupId => ErrorCode::InvalidGroupId,
        GroupError::MemberIdRequired { .. } => ErrorCode::MemberIdRequired,
        GroupError::UnknownMember => ErrorCode::UnknownMemberId,
        GroupError::FencedInstance => ErrorCode::FencedInstanceId,
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
