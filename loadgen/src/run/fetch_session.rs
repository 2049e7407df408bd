//! A fetch session (KIP-227) as a client keeps it, one for each fetch that it has in flight: which id and epoch the next request
//! carries. It sends nothing, and what the broker was told of each partition is kept with the partition.

use protocol::error_code::ErrorCode;

/// Epoch of a request that asks for no session.
const NONE: i32 = -1;
/// Epoch of a request that closes the session it names, if any, and opens a new one.
const OPEN: i32 = 0;

/// Id and epoch of the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchSession {
    id: i32,
    epoch: i32,
}

impl FetchSession {
    /// `wanted`: the first request asks for a session; else none ever does.
    pub fn new(wanted: bool) -> Self {
        let epoch = if wanted { OPEN } else { NONE };
        Self { id: 0, epoch }
    }

    /// What the next request carries: session id and epoch.
    pub fn next(&self) -> (i32, i32) {
        (self.id, self.epoch)
    }

    /// Whether the next request names every partition, not only those that changed.
    pub fn is_full(&self) -> bool {
        self.epoch <= OPEN
    }

    /// Takes the head of an answer. False if it is a refusal that another request would not mend; one for what the broker no longer
    /// knows of the session is mended by the next request, which names every partition again.
    pub fn answered(&mut self, error_code: i16, session_id: i32) -> bool {
        match ErrorCode::from_code(error_code) {
            ErrorCode::None if self.epoch == NONE => {}
            // A broker that keeps no session answers 0, to the first request or later.
            ErrorCode::None if session_id == 0 => *self = Self::new(true),
            ErrorCode::None => {
                self.id = session_id;
                self.epoch = self.epoch.checked_add(1).unwrap_or(1);
            }
            ErrorCode::FetchSessionIdNotFound if !self.is_full() => *self = Self::new(true),
            ErrorCode::InvalidFetchSessionEpoch if !self.is_full() => self.epoch = OPEN,
            _ => return false,
        }
        true
    }

    /// Forgets how far it was: an answer will never come.
    pub fn lost(&mut self) {
        self.epoch = self.epoch.min(OPEN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_opened_gone_on_with_and_opened_again() {
        let mut session = FetchSession::new(true);
        assert_eq!((session.next(), session.is_full()), ((0, 0), true));
        assert!(session.answered(0, 7));
        assert_eq!((session.next(), session.is_full()), ((7, 1), false));
        assert!(session.answered(0, 7));
        assert_eq!(session.next(), (7, 2));
        session.lost();
        assert_eq!((session.next(), session.is_full()), ((7, 0), true));
        assert!(session.answered(0, 8));
        assert!(session.answered(ErrorCode::InvalidFetchSessionEpoch as i16, 0));
        assert_eq!(session.next(), (8, 0), "the old one is closed by the next");
        assert!(session.answered(0, 9));
        assert!(session.answered(ErrorCode::FetchSessionIdNotFound as i16, 0));
        assert_eq!(session.next(), (0, 0));
        let unknown = ErrorCode::FetchSessionIdNotFound as i16;
        assert!(!session.answered(unknown, 0), "of none that was named");
        assert!(session.answered(0, 10));
        assert!(session.answered(0, 0), "the broker keeps it no longer");
        assert_eq!(session.next(), (0, 0));
    }

    #[test]
    fn epochs_begin_again_at_one_behind_the_last() {
        let mut session = FetchSession {
            id: 7,
            epoch: i32::MAX,
        };
        assert!(session.answered(0, 7));
        assert_eq!(session.next(), (7, 1));
    }

    #[test]
    fn without_sessions_every_request_is_full_and_no_answer_changes_that() {
        let mut session = FetchSession::new(false);
        assert!(session.answered(0, 0) && session.answered(0, 7));
        session.lost();
        assert_eq!((session.next(), session.is_full()), ((0, -1), true));
        assert!(!session.answered(ErrorCode::FetchSessionIdNotFound as i16, 0));
        assert!(!session.answered(ErrorCode::CorruptMessage as i16, 0));
    }
}
