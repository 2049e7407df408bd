//! A fetch that waits for partitions of other shards: their owner waits in its place and answers once. Reads nothing.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashMap;

use super::{Answer, Call, Hop, Router};
use crate::io::clock::Instant;
use crate::io::executor::Signal;
use crate::shard::Watched;

/// What waits here for other shards: by shard and number of the question, and what wakes it.
pub(super) type Watches = RefCell<HashMap<(u32, u64), Signal>>;

/// A wait at another shard. It ends by its answer, by [`Watch::end`], and at its deadline at the latest.
pub struct Watch {
    router: Rc<Router>,
    owner: u32,
    number: u64,
}

impl Router {
    /// Sets `wake` when one of these partitions, which another shard leads, has grown beyond what was read of it; at the latest
    /// at `deadline`.
    pub async fn watch(
        self: &Rc<Self>,
        owner: u32,
        watched: Vec<Watched>,
        deadline: Instant,
        wake: &Signal,
    ) -> Watch {
        let number = self.next_call.replace(self.next_call.get() + 1);
        let call = Call {
            answer: RefCell::default(),
            arrived: wake.clone(),
        };
        self.calls.borrow_mut().insert(number, Rc::new(call));
        let watch = Watch {
            router: self.clone(),
            owner,
            number,
        };
        self.tell(owner, Hop::Watch(number, watched, deadline))
            .await;
        watch
    }

    pub(super) fn serve_watch(
        self: &Rc<Self>,
        asked: (u32, u64),
        watched: Vec<Watched>,
        deadline: Instant,
    ) {
        let wake = Signal::default();
        self.watches.borrow_mut().insert(asked, wake.clone());
        let router = self.clone();
        let task = async move {
            let is_wanted = || router.watches.borrow().contains_key(&asked);
            let shard = &router.shard;
            shard.wait_grown(&watched, deadline, &wake, is_wanted).await;
            if router.watches.borrow_mut().remove(&asked).is_some() {
                let (from, number) = asked;
                router.tell(from, Hop::Answer(number, Answer::Grown)).await;
            }
        };
        self.shard.io.executor.spawn("watch", Box::pin(task));
    }

    pub(super) fn end_watch(&self, asked: (u32, u64)) {
        let wake = self.watches.borrow_mut().remove(&asked);
        if let Some(wake) = wake {
            wake.set();
        }
    }
}

impl Watch {
    /// Ends it: the owner, if it still waits, is told.
    pub async fn end(self) {
        let call = self.router.calls.borrow_mut().remove(&self.number);
        if call.is_some_and(|call| call.answer.borrow().is_none()) {
            self.router
                .tell(self.owner, Hop::Unwatch(self.number))
                .await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.router.calls.borrow_mut().remove(&self.number);
    }
}
