//! One member of a classic group as its coordinator sees it while it is there. Pure.

use std::sync::Arc;

use bytes::Bytes;

use super::Ticket;
use super::records::GenerationMember;

/// A member.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its lasting name, for a static member.
    pub group_instance_id: Option<Arc<str>>,
    /// Client id of the connection it joined by.
    pub client_id: Arc<str>,
    /// Its address.
    pub client_host: Arc<str>,
    /// How long a rebalance waits for it.
    pub rebalance_timeout_ms: i32,
    /// After this time without a word it is gone.
    pub session_timeout_ms: i32,
    /// Protocols it knows, the preferred one first, each once, and what it says of itself in each.
    pub protocols: Vec<(Arc<str>, Bytes)>,
    /// Its part, as the leader gave it.
    pub assignment: Bytes,
    /// It has not been in a generation yet: it can be gone although it waits.
    pub is_new: bool,
    /// Its JoinGroup waits for the others.
    pub(super) join: Option<Ticket>,
    /// Its SyncGroup waits for the leader's.
    pub sync: Option<Ticket>,
}

impl Member {
    /// A member as the log has it: it knows the protocol that was chosen.
    pub fn recorded(member: &GenerationMember, protocol: Arc<str>) -> Self {
        Self {
            group_instance_id: member.group_instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            session_timeout_ms: member.session_timeout_ms,
            protocols: vec![(protocol, member.subscription.clone())],
            assignment: member.assignment.clone(),
            is_new: false,
            join: None,
            sync: None,
        }
    }

    /// What the log will have of it.
    pub fn record(&self, member_id: &Arc<str>, protocol: &str) -> GenerationMember {
        GenerationMember {
            member_id: member_id.clone(),
            group_instance_id: self.group_instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            session_timeout_ms: self.session_timeout_ms,
            subscription: self.metadata(protocol),
            assignment: self.assignment.clone(),
        }
    }

    /// Whether it is static: known by a lasting name.
    pub fn is_static(&self) -> bool {
        self.group_instance_id.is_some()
    }

    /// Whether its JoinGroup waits.
    pub fn is_joining(&self) -> bool {
        self.join.is_some()
    }

    /// Whether it counts as alive without a heartbeat: it waits for others, and sends none.
    pub fn is_excused(&self) -> bool {
        !self.is_new && (self.join.is_some() || self.sync.is_some())
    }

    /// What it says of itself in `protocol`, nothing if it does not know it.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        let known = self.protocols.iter().find(|(name, _)| &**name == protocol);
        known
            .map(|(_, metadata)| metadata.clone())
            .unwrap_or_default()
    }

    /// Memory it takes, roughly, its record included.
    pub fn bytes(&self) -> usize {
        let protocols = self.protocols.iter();
        let instance = self.group_instance_id.as_deref().unwrap_or_default();
        size_of::<Self>()
            + size_of::<GenerationMember>()
            + instance.len()
            + self.client_id.len()
            + self.client_host.len()
            + self.assignment.len()
            + protocols
                .map(|(name, metadata)| name.len() + metadata.len() + 64)
                .sum::<usize>()
    }
}

/// Protocols as a member is kept with: each name once, the first of several counts; bytes of their own, so that none of
/// the request's memory is held.
pub fn own_protocols(protocols: &[(String, Bytes)]) -> Vec<(Arc<str>, Bytes)> {
    let mut own: Vec<(Arc<str>, Bytes)> = Vec::with_capacity(protocols.len());
    for (name, metadata) in protocols {
        if !own.iter().any(|(known, _)| **known == **name) {
            own.push((name.as_str().into(), Bytes::copy_from_slice(metadata)));
        }
    }
    own
}
