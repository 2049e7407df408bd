//! Produces to partitions of other shards. They reach the owner in the order in which they were asked for, as those of one
//! connection must stay in order; the owner decides on each as it arrives. Never waits for an answer.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use super::{Answer, Ask, Call, Hop, Router};
use crate::io::executor::Signal;
use crate::shard::{PartitionKey, ProduceFailure, ProduceRequest, ProduceTicket};

/// What waits to be sent to one other shard, in order. Bounded by what connections may have in work.
#[derive(Default)]
pub(super) struct Outbox {
    asks: RefCell<VecDeque<(u64, Ask)>>,
    /// A task sends them.
    sending: Cell<bool>,
}

/// The answer of another shard to a produce, once it is there.
pub struct RemoteProduce(Rc<Call>);

impl RemoteProduce {
    /// The answer, if it has come.
    pub fn take(&self) -> Option<Result<ProduceTicket, ProduceFailure>> {
        match self.0.answer.borrow_mut().take() {
            Some(Answer::Produce(answer)) => Some(answer),
            Some(_) => Some(Err(ProduceFailure::Stopped)),
            None => None,
        }
    }
}

impl Router {
    /// Asks `owner`; `wake` is set when its answer has come.
    pub(super) fn produce_elsewhere(
        self: &Rc<Self>,
        owner: u32,
        key: PartitionKey,
        request: ProduceRequest,
        wake: &Signal,
    ) -> RemoteProduce {
        let number = self.next_call.replace(self.next_call.get() + 1);
        let call = Rc::new(Call {
            answer: RefCell::default(),
            arrived: wake.clone(),
        });
        self.calls.borrow_mut().insert(number, call.clone());
        let outbox = &self.outboxes[owner as usize];
        outbox
            .asks
            .borrow_mut()
            .push_back((number, Ask::Produce(key, request)));
        if !outbox.sending.replace(true) {
            let sending = self.clone().send_all(owner);
            self.shard
                .io
                .executor
                .spawn("remote produce", Box::pin(sending));
        }
        RemoteProduce(call)
    }

    async fn send_all(self: Rc<Self>, owner: u32) {
        let outbox = &self.outboxes[owner as usize];
        loop {
            let next = outbox.asks.borrow_mut().pop_front();
            let Some((number, ask)) = next else { break };
            let hop = Box::new(Hop::Ask(number, ask));
            if self.shard.io.mesh.send(owner as usize, hop).await.is_err() {
                self.answered(number, Answer::Produce(Err(ProduceFailure::Stopped)));
            }
        }
        outbox.sending.set(false);
    }

    /// Decides on a produce of shard `from` at once, and answers when it may be acknowledged.
    pub(super) fn serve_produce(
        self: &Rc<Self>,
        (from, number): (u32, u64),
        key: PartitionKey,
        request: ProduceRequest,
    ) {
        let decided = self.shard.produce(key, request);
        let router = self.clone();
        let task = async move {
            let answer = match decided {
                Ok(ticket) => {
                    let acknowledged = router.shard.wait_acknowledged(&ticket).await;
                    acknowledged.map(|()| ticket)
                }
                Err(failure) => Err(failure),
            };
            let answer = Hop::Answer(number, Answer::Produce(answer));
            router.tell(from, answer).await;
        };
        self.shard.io.executor.spawn("hop", Box::pin(task));
    }
}
