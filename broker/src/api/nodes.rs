//! Shards as the nodes that clients know: each one, or the machine as a whole. Pure.

use crate::config::Advertise;
use crate::router::Router;

/// A node as it is advertised; the default is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its id; -1 for none.
    pub id: i32,
    /// Where it listens.
    pub host: String,
    /// Its port; -1 for none.
    pub port: i32,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            id: -1,
            host: String::new(),
            port: -1,
        }
    }
}

impl Node {
    /// The node that clients reach `shard` by.
    pub fn of_shard(router: &Router, shard: u32) -> Self {
        let own = router.shard();
        let shard = match own.config.advertise {
            Advertise::Shard => shard,
            Advertise::Machine => 0,
        };
        Self {
            id: own.image().node_id(shard),
            host: own.config.advertised_host.clone(),
            port: i32::from(own.advertised_port(shard)),
        }
    }

    /// All nodes.
    pub fn all(router: &Router) -> impl Iterator<Item = Self> {
        let own = router.shard();
        let shards = match own.config.advertise {
            Advertise::Shard => own.image().shard_count,
            Advertise::Machine => 1,
        };
        (0..shards).map(|shard| Self::of_shard(router, shard))
    }
}
