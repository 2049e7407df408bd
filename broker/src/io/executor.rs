//! Tasks of one shard and how they wait for each other. Never shares anything between shards.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::LocalBoxFuture;

/// Runs the tasks of one shard.
pub trait Executor {
    /// Starts a task that serves requests. It is scheduled, not polled inside the call. A panic in it is caught, logged and ends only that task.
    fn spawn(&self, name: &'static str, task: LocalBoxFuture<'static, ()>);
    /// Starts a task of low priority (write-back, checkpoints, filling of journal files).
    fn spawn_background(&self, name: &'static str, task: LocalBoxFuture<'static, ()>);
    /// Whether the running task has had its turn and should await [`Executor::yield_now`].
    fn should_yield(&self) -> bool;
    /// Lets other tasks run.
    fn yield_now(&self) -> LocalBoxFuture<'_, ()>;
}

/// A flag that tasks of one shard wait for: set wakes all waiters; a wait takes the flag.
#[derive(Clone, Default)]
pub struct Signal(Rc<SignalState>);

#[derive(Default)]
struct SignalState {
    set: Cell<bool>,
    waiters: RefCell<Vec<Waker>>,
}

impl Signal {
    /// Sets the flag and wakes who waits.
    pub fn set(&self) {
        self.0.set.set(true);
        let waiters = std::mem::take(&mut *self.0.waiters.borrow_mut());
        for waiter in waiters {
            waiter.wake();
        }
    }

    /// Waits until the flag is set, and takes it back. Meant for one waiter; with several, one takes it and the others wait on.
    pub fn wait(&self) -> SignalWait {
        SignalWait(self.clone())
    }
}

/// The future of [`Signal::wait`].
pub struct SignalWait(Signal);

impl Future for SignalWait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0.0.set.replace(false) {
            return Poll::Ready(());
        }
        let mut waiters = self.0.0.waiters.borrow_mut();
        if !waiters
            .iter()
            .any(|waiter| waiter.will_wake(context.waker()))
        {
            waiters.push(context.waker().clone());
        }
        Poll::Pending
    }
}
