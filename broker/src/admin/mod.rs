//! The operators' listener (`admin.listen`): `/metrics`, `/healthz`, `/readyz`, `/shards`. Lives on shard 0, asks the others
//! over the mesh when somebody asks it. Changes nothing, and is not in the way of clients: few connections, short patience.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_lite::future::or;
use serde_json::json;

use crate::io::Io;
use crate::io::net::{Accepted, Connection, Listener, SocketBuffers};
use crate::limits;
use crate::metrics::Figures;
use crate::router::Router;

mod exposition;
pub mod http;
mod lag;

use http::{Asked, Page};

/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The listener and what it can tell so far.
pub struct Admin {
    io: Io,
    router: RefCell<Option<Rc<Router>>>,
    /// Every port is open.
    ready: Cell<bool>,
    connections: Cell<usize>,
}

impl Admin {
    /// Knows of nothing yet but that the broker starts.
    pub fn new(io: Io) -> Rc<Self> {
        Rc::new(Self {
            io,
            router: RefCell::new(None),
            ready: Cell::new(false),
            connections: Cell::new(0),
        })
    }

    /// Shard 0 has recovered: the shards can be asked.
    pub fn recovered(&self, router: Rc<Router>) {
        *self.router.borrow_mut() = Some(router);
    }

    /// Every port of every shard is open.
    pub fn ready(&self) {
        self.ready.set(true);
    }

    /// Binds `address`, and serves there for as long as the shard lives.
    pub fn listen(self: &Rc<Self>, address: SocketAddr) -> std::io::Result<SocketAddr> {
        let listener = self
            .io
            .net
            .listen(address, limits::ADMIN_CONNECTIONS_MAX as u32)?;
        let bound = listener.local_address();
        let task = self.clone().run(listener);
        self.io.executor.spawn("admin", Box::pin(task));
        Ok(bound)
    }

    async fn run(self: Rc<Self>, listener: Rc<dyn Listener>) {
        loop {
            match listener.accept().await {
                Ok(accepted) => self.clone().adopt(accepted),
                Err(_) => self.io.clock.sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn adopt(self: Rc<Self>, accepted: Accepted) {
        if self.connections.get() >= limits::ADMIN_CONNECTIONS_MAX {
            return;
        }
        let Ok(connection) = self.io.net.adopt(accepted, SocketBuffers::default()) else {
            return;
        };
        self.connections.set(self.connections.get() + 1);
        let admin = self.clone();
        let task = async move {
            let patience = Duration::from_millis(limits::ADMIN_PATIENCE_MS);
            or(admin.serve(&*connection), admin.io.clock.sleep(patience)).await;
            connection.close();
            admin.connections.set(admin.connections.get() - 1);
        };
        self.io
            .executor
            .spawn_background("admin connection", Box::pin(task));
    }

    async fn serve(&self, connection: &dyn Connection) {
        let (page, with_body) = match http::receive(connection).await {
            None => return,
            Some(Err(reason)) => (Page::text(400, format!("{reason}\n")), true),
            Some(Ok(asked)) => (self.page(&asked).await, asked.method != "HEAD"),
        };
        http::send(connection, &http::write(&page, with_body)).await;
    }

    async fn page(&self, asked: &Asked) -> Page {
        if !["GET", "HEAD"].contains(&&*asked.method) {
            return Page::text(405, "only GET and HEAD\n");
        }
        match &*asked.path {
            "/metrics" => {
                let details = asked
                    .query
                    .split('&')
                    .any(|part| part == "detail=partition");
                let mut figures = self.figures(details).await;
                self.fill_in_lag(&mut figures).await;
                exposition::page(figures)
            }
            "/shards" => shards(&self.figures(false).await),
            "/healthz" => healthy(&self.figures(false).await),
            "/readyz" => self.is_ready(&self.figures(false).await),
            "/" => Page::text(
                200,
                "/metrics[?detail=partition] /healthz /readyz /shards\n",
            ),
            _ => Page::text(404, "there is /metrics, /healthz, /readyz and /shards\n"),
        }
    }

    /// What every shard tells; `None` for one that does not answer in time. Empty while the broker recovers.
    async fn figures(&self, details: bool) -> Vec<(u32, Option<Figures>)> {
        let Some(router) = self.router.borrow().clone() else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for shard in 0..self.io.mesh.shards() as u32 {
            let late = async {
                let patience = Duration::from_millis(limits::FIGURES_PATIENCE_MS);
                self.io.clock.sleep(patience).await;
                None
            };
            all.push((shard, or(router.figures(shard, details), late).await));
        }
        all
    }

    /// How far groups are behind, if every shard that is asked answers in time.
    async fn fill_in_lag(&self, figures: &mut [(u32, Option<Figures>)]) {
        let Some(router) = self.router.borrow().clone() else {
            return;
        };
        let mut told: Vec<_> = figures
            .iter_mut()
            .filter_map(|(_, told)| told.as_mut())
            .collect();
        let patience = Duration::from_millis(limits::FIGURES_PATIENCE_MS);
        or(
            lag::fill_in(&router, &mut told),
            self.io.clock.sleep(patience),
        )
        .await;
    }

    fn is_ready(&self, figures: &[(u32, Option<Figures>)]) -> Page {
        let healthy = healthy(figures);
        let stopping = figures
            .iter()
            .any(|(_, told)| told.as_ref().is_some_and(|told| told.stopping));
        match () {
            () if figures.is_empty() => Page::text(503, "recovering\n"),
            () if !self.ready.get() => Page::text(503, "not every port is open yet\n"),
            () if stopping => Page::text(503, "stopping\n"),
            () => healthy,
        }
    }
}

/// Alive, and every shard acknowledges. A broker that recovers is alive.
fn healthy(figures: &[(u32, Option<Figures>)]) -> Page {
    let mut ills = String::new();
    for (shard, told) in figures {
        match told {
            None => ills += &format!("shard {shard} does not answer\n"),
            Some(told) if told.fenced => {
                ills += &format!(
                    "shard {shard} is fenced: its disk failed a write; restart it when the disk is well\n"
                );
            }
            Some(told) if told.out_of_space => {
                ills += &format!("shard {shard} refuses produces: its file system is full\n");
            }
            Some(_) => {}
        }
    }
    match ills.is_empty() {
        true => Page::text(200, "ok\n"),
        false => Page::text(503, ills),
    }
}

fn shards(figures: &[(u32, Option<Figures>)]) -> Page {
    let shards: Vec<_> = figures
        .iter()
        .map(|(shard, told)| match told {
            None => json!({ "shard": shard, "answers": false }),
            Some(told) => json!({
                "shard": shard,
                "answers": true,
                "node_id": told.node_id,
                "port": told.port,
                "partitions": told.partitions,
                "connections": told.counters.connections,
                "fenced": told.fenced,
                "out_of_space": told.out_of_space,
                "stopping": told.stopping,
                "dirty_bytes": told.dirty_bytes,
                "dirty_bytes_max": told.dirty_bytes_max,
                "journal_used_bytes": told.journal_used_bytes,
                "journal_capacity_bytes": told.journal_capacity_bytes,
                "applied_sequence": told.applied_sequence,
                "checkpointed_sequence": told.checkpointed_sequence,
            }),
        })
        .collect();
    Page {
        status: 200,
        media_type: "application/json",
        body: format!("{:#}\n", json!({ "shards": shards })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_that_is_ill_is_named() {
        let well = Figures::default();
        let fenced = Figures {
            fenced: true,
            ..Figures::default()
        };
        let full = Figures {
            out_of_space: true,
            ..Figures::default()
        };
        assert_eq!(healthy(&[(0, Some(well.clone()))]), Page::text(200, "ok\n"));
        for (ill, word) in [
            (None, "answer"),
            (Some(fenced), "fenced"),
            (Some(full), "full"),
        ] {
            let page = healthy(&[(0, Some(well.clone())), (1, ill)]);
            assert_eq!(page.status, 503);
            assert!(
                page.body.starts_with("shard 1 ") && page.body.contains(word),
                "{}",
                page.body
            );
        }
    }
}
