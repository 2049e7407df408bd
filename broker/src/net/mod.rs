//! Listeners: shard 0 accepts on the bootstrap port and hands connections out in turn; every shard accepts on its own
//! port. Never looks into what arrives.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::io::net::{Accepted, Listener};
use crate::router::{Hop, Router};

pub mod connection;

/// How long accepting pauses after it failed (no descriptor left, for one).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts until the shard stops; each connection goes to `place`'s choice of shard.
pub async fn run_listener(router: Rc<Router>, listener: Rc<dyn Listener>, shared: bool) {
    let next = Cell::new(0);
    loop {
        match listener.accept().await {
            Ok(accepted) => {
                let shards = router.shard().io.mesh.shards() as u32;
                let shard = if shared {
                    next.replace((next.get() + 1) % shards)
                } else {
                    router.shard().number
                };
                if shard == router.shard().number {
                    adopt(&router, accepted);
                } else {
                    router.tell(shard, Hop::Connection(accepted)).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections; trying again");
                router.shard().io.clock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Makes a connection this shard's own and serves it.
pub fn adopt(router: &Rc<Router>, accepted: Accepted) {
    if router.shard().connections.get() >= router.shard().config.connections_max as usize {
        tracing::warn!(peer = %accepted.peer, "too many connections on this shard; closing the new one");
        return;
    }
    match router.shard().io.net.adopt(accepted) {
        Ok(connection) => connection::spawn(router.clone(), connection),
        Err(error) => tracing::warn!(%error, "cannot serve a connection"),
    }
}
