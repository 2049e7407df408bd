//! The production [`Mesh`]: one bounded channel for each ordered pair of shards, and one task each that pumps it into the
//! shard's own queue (waiting on a shared channel must not be raced against anything else).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use glommio::channels::shared_channel::{self, ConnectedSender, SharedReceiver, SharedSender};

use super::LocalBoxFuture;
use super::executor::Signal;
use super::mesh::{Mesh, Message, Stopped};

/// Messages that may wait between two shards, and once more in the receiver's own queue.
const QUEUE_MAX: usize = 1024;

/// One shard's ends, to be moved to its thread.
pub struct MeshPart {
    shard: usize,
    senders: Vec<Option<SharedSender<Message>>>,
    receivers: Vec<Option<SharedReceiver<Message>>>,
}

/// The ends of a full mesh, by shard.
pub fn parts(shards: usize) -> Vec<MeshPart> {
    let empty = |shard| MeshPart {
        shard,
        senders: (0..shards).map(|_| None).collect(),
        receivers: (0..shards).map(|_| None).collect(),
    };
    let mut parts: Vec<MeshPart> = (0..shards).map(empty).collect();
    for from in 0..shards {
        for to in (0..shards).filter(|to| *to != from) {
            let (sender, receiver) = shared_channel::new_bounded(QUEUE_MAX);
            parts[from].senders[to] = Some(sender);
            parts[to].receivers[from] = Some(receiver);
        }
    }
    parts
}

#[derive(Default)]
struct Queue {
    messages: RefCell<VecDeque<(usize, Message)>>,
    arrived: Signal,
    taken: Signal,
}

impl Queue {
    async fn push(&self, from: usize, message: Message) {
        while self.messages.borrow().len() >= QUEUE_MAX {
            self.taken.wait().await;
        }
        self.messages.borrow_mut().push_back((from, message));
        self.arrived.set();
    }
}

impl MeshPart {
    /// Connects with all other shards; returns when they have done so too.
    pub async fn connect(self) -> Rc<dyn Mesh> {
        let queue = Rc::new(Queue::default());
        let shards = self.senders.len();
        for (from, receiver) in self.receivers.into_iter().enumerate() {
            if let Some(receiver) = receiver {
                let queue = queue.clone();
                let pump = async move {
                    let receiver = receiver.connect().await;
                    while let Some(message) = receiver.recv().await {
                        queue.push(from, message).await;
                    }
                };
                glommio::spawn_local(pump).detach();
            }
        }
        let mut senders = Vec::with_capacity(shards);
        for sender in self.senders {
            senders.push(match sender {
                Some(sender) => Some(sender.connect().await),
                None => None,
            });
        }
        Rc::new(GlommioMesh {
            shard: self.shard,
            senders,
            queue,
        })
    }
}

struct GlommioMesh {
    shard: usize,
    senders: Vec<Option<ConnectedSender<Message>>>,
    queue: Rc<Queue>,
}

impl Mesh for GlommioMesh {
    fn shard(&self) -> usize {
        self.shard
    }

    fn shards(&self) -> usize {
        self.senders.len()
    }

    fn send(&self, to: usize, message: Message) -> LocalBoxFuture<'_, Result<(), Stopped>> {
        Box::pin(async move {
            match &self.senders[to] {
                Some(sender) => sender.send(message).await.map_err(|_| Stopped),
                None => {
                    self.queue.push(self.shard, message).await;
                    Ok(())
                }
            }
        })
    }

    fn receive(&self) -> LocalBoxFuture<'_, (usize, Message)> {
        Box::pin(async move {
            loop {
                let next = self.queue.messages.borrow_mut().pop_front();
                if let Some(next) = next {
                    self.queue.taken.set();
                    return next;
                }
                self.queue.arrived.wait().await;
            }
        })
    }
}
