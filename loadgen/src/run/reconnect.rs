//! Connections made again while a run goes on: on a thread of their own, so that no core waits. The leader is looked up anew.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use crate::client::cluster::{Cluster, Place};
use crate::client::kafka::{ClientError, connect};
use crate::clock::now_ns;

/// Between two attempts, ns.
const PAUSE_NS: u64 = 100_000_000;

/// Asks for a connection to a partition's leader.
pub struct Wanted {
    /// Session of the core that asks.
    pub session: usize,
    /// Whose leader.
    pub place: Place,
    /// No attempt is made after this, ns.
    pub until: u64,
    /// Where to answer.
    pub reply: Sender<Made>,
}

/// The connection, or why there is none.
pub struct Made {
    /// Session that asked.
    pub session: usize,
    /// Connected, or in vain until the end.
    pub socket: Result<TcpStream, ClientError>,
}

/// Makes what is wanted until nobody can want any more.
pub fn run(cluster: &Cluster, wanted: &Receiver<Wanted>) {
    let mut waiting: Vec<Option<Wanted>> = Vec::new();
    let mut due: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    loop {
        let now = now_ns();
        let next = due.peek().map(|Reverse((at, _))| at.saturating_sub(now));
        match wanted.recv_timeout(Duration::from_nanos(next.unwrap_or(1_000_000_000))) {
            Ok(new) => {
                due.push(Reverse((now_ns() + PAUSE_NS, waiting.len())));
                waiting.push(Some(new));
            }
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        while let Some(&Reverse((at, number))) = due.peek()
            && at <= now_ns()
        {
            due.pop();
            let Some(one) = waiting[number].take() else {
                continue;
            };
            let socket = attempt(cluster, one.place);
            if socket.is_err() && now_ns() < one.until {
                due.push(Reverse((now_ns() + PAUSE_NS, number)));
                waiting[number] = Some(one);
                continue;
            }
            let session = one.session;
            // A core that is gone wants nothing any more.
            let _ = one.reply.send(Made { session, socket });
        }
    }
}

fn attempt(cluster: &Cluster, place: Place) -> Result<TcpStream, ClientError> {
    let names = [cluster.topic(place).to_owned()];
    // The broker that led it may be the only one that can be asked.
    let known = [cluster.bootstrap.as_str(), cluster.leader(place)];
    let mut asked = Cluster::prepare(known[0], &names, None);
    if asked.is_err() && known[1] != known[0] {
        asked = Cluster::prepare(known[1], &names, None);
    }
    let place = Place { topic: 0, ..place };
    connect(asked?.leader(place))
}
