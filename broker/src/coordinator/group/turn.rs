//! What one step leads to, gathered while it goes through a group: records, replies, times. Pure.

use std::sync::Arc;

use super::figures::GroupCounts;
use super::records::GroupRecord;
use super::timers::Timers;
use super::{GroupConfig, GroupError, GroupReply, Ticket};
use crate::replicated::{Decision, Moment};

/// What can be due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// A member, or an id that was given out, has not been heard of.
    Session(Arc<str>, Arc<str>),
    /// A group has waited long enough for members to join.
    Join(Arc<str>),
    /// A group has waited long enough for members to ask for their parts.
    Sync(Arc<str>),
    /// Offsets and groups are to be looked at for what has expired.
    Sweep,
}

impl Due {
    /// The group it is about.
    pub fn group(&self) -> Option<&Arc<str>> {
        match self {
            Self::Session(group_id, _) | Self::Join(group_id) | Self::Sync(group_id) => {
                Some(group_id)
            }
            Self::Sweep => None,
        }
    }
}

/// A reply and who waits for it.
pub type Answer = (Ticket, Result<GroupReply, GroupError>);

/// One step.
#[derive(Debug)]
pub struct Turn<'a> {
    /// When it is made.
    pub moment: Moment,
    /// The broker's settings.
    pub config: &'a GroupConfig,
    /// What is due later.
    pub timers: &'a mut Timers<Due>,
    /// What was done.
    pub counts: &'a mut GroupCounts,
    /// To be appended.
    pub records: Vec<GroupRecord>,
    /// To go out when the records are committed.
    pub answers: Vec<Answer>,
}

impl Turn<'_> {
    /// What it has led to.
    pub fn decision(self) -> Decision<GroupRecord, Vec<Answer>> {
        Decision {
            records: self.records,
            reply: self.answers,
        }
    }

    /// Answers who holds `ticket`.
    pub fn answer(&mut self, ticket: Ticket, reply: Result<GroupReply, GroupError>) {
        self.answers.push((ticket, reply));
    }

    /// Answers `ticket`, if there is one, with an error.
    pub fn refuse(&mut self, ticket: Option<Ticket>, error: GroupError) {
        if let Some(ticket) = ticket {
            self.answer(ticket, Err(error));
        }
    }

    /// `due` comes `delay_ms` from now; what is negative comes at once.
    pub fn set(&mut self, due: Due, delay_ms: i32) {
        let delay_ms = u64::try_from(delay_ms).unwrap_or(0);
        self.timers.set(due, self.moment.now_ms + delay_ms);
    }
}
