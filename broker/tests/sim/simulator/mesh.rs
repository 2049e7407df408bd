//! Messages between the shards of one machine: in order for each pair of shards, in any order over pairs.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use broker::io::LocalBoxFuture;
use broker::io::mesh::{Mesh, Message, Stopped};

use super::random::Random;
use super::world::Wakers;

/// All queues of one process.
pub struct SimMesh {
    shards: Vec<Inbox>,
    queue_max: usize,
    random: Random,
}

struct Inbox {
    /// By sender.
    queues: RefCell<Vec<VecDeque<Message>>>,
    arrived: Wakers,
    taken: Wakers,
}

impl SimMesh {
    /// A mesh of that many shards, each pair with a queue of `queue_max`.
    pub fn new(shards: usize, queue_max: usize, random: Random) -> Rc<Self> {
        let inbox = |_| Inbox {
            queues: RefCell::new((0..shards).map(|_| VecDeque::new()).collect()),
            arrived: Wakers::default(),
            taken: Wakers::default(),
        };
        Rc::new(Self {
            shards: (0..shards).map(inbox).collect(),
            queue_max,
            random,
        })
    }

    /// The end of shard `shard`.
    pub fn end(self: &Rc<Self>, shard: usize) -> Rc<dyn Mesh> {
        Rc::new(End {
            mesh: self.clone(),
            shard,
        })
    }
}

struct End {
    mesh: Rc<SimMesh>,
    shard: usize,
}

impl End {
    fn take(&self) -> Option<(usize, Message)> {
        let inbox = &self.mesh.shards[self.shard];
        let mut queues = inbox.queues.borrow_mut();
        let waiting = queues.iter().filter(|queue| !queue.is_empty()).count();
        if waiting == 0 {
            return None;
        }
        let pick = self.mesh.random.index(waiting);
        let mut waiting = (0..)
            .zip(queues.iter_mut())
            .filter(|(_, queue)| !queue.is_empty());
        let (from, queue) = waiting.nth(pick)?;
        let message = queue.pop_front()?;
        inbox.taken.wake();
        Some((from, message))
    }
}

impl Mesh for End {
    fn shard(&self) -> usize {
        self.shard
    }

    fn shards(&self) -> usize {
        self.mesh.shards.len()
    }

    fn send(&self, to: usize, message: Message) -> LocalBoxFuture<'_, Result<(), Stopped>> {
        let mut message = Some(message);
        Box::pin(poll_fn(move |context| {
            let inbox = &self.mesh.shards[to];
            let queue = &mut inbox.queues.borrow_mut()[self.shard];
            if queue.len() >= self.mesh.queue_max {
                inbox.taken.add(context);
                return Poll::Pending;
            }
            queue.extend(message.take());
            inbox.arrived.wake();
            Poll::Ready(Ok(()))
        }))
    }

    fn receive(&self) -> LocalBoxFuture<'_, (usize, Message)> {
        Box::pin(poll_fn(|context| match self.take() {
            Some(message) => Poll::Ready(message),
            None => {
                self.mesh.shards[self.shard].arrived.add(context);
                Poll::Pending
            }
        }))
    }
}
