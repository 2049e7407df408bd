//! Tasks of one shard and how they wait for each other. Never shares anything between shards.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
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
        // Waking only schedules, so the borrow is safe, and the room is kept for the next wait.
        self.0.waiters.borrow_mut().drain(..).for_each(Waker::wake);
    }

    /// Waits until the flag is set, and takes it back. Meant for one waiter; with several, one takes it and the others wait on.
    pub fn wait(&self) -> SignalWait {
        SignalWait(self.clone())
    }
}

/// Signals to set once, by whoever makes something happen. A signal that its owner has dropped leaves by itself, so that a
/// wait which ended otherwise (a fetch whose time was up) costs nothing for long.
#[derive(Default)]
pub struct Waiters(RefCell<Vec<Weak<SignalState>>>);

/// Below this many, waiters whose owner is gone are not looked for.
const WAITERS_KEPT: usize = 16;

impl Waiters {
    /// Adds `signal`, unless it was the last one added. False, and nothing added: there are `max` that still wait.
    pub fn add(&self, signal: &Signal, max: usize) -> bool {
        let mut waiters = self.0.borrow_mut();
        if waiters
            .last()
            .is_some_and(|last| std::ptr::eq(last.as_ptr(), Rc::as_ptr(&signal.0)))
        {
            return true;
        }
        // Growing is the moment to look: each look is paid for by as many additions as there are waiters left.
        let len = waiters.len();
        if len >= WAITERS_KEPT && (len == waiters.capacity() || len >= max) {
            waiters.retain(|waiter| waiter.strong_count() > 0);
        }
        if waiters.len() >= max {
            return false;
        }
        waiters.push(Rc::downgrade(&signal.0));
        true
    }

    /// Sets all of them, and forgets them.
    pub fn set_all(&self) {
        // Waking only schedules: nothing is added while this borrow lasts, and the room is kept for the next ones.
        for waiter in self.0.borrow_mut().drain(..) {
            if let Some(state) = waiter.upgrade() {
                Signal(state).set();
            }
        }
    }

    /// How many were added and not yet set or found gone.
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiters_whose_owner_is_gone_do_not_pile_up() {
        let waiters = Waiters::default();
        let kept = Signal::default();
        assert!(waiters.add(&kept, 100));
        for _ in 0..10_000 {
            assert!(
                waiters.add(&Signal::default(), 100),
                "dropped signals leave room"
            );
        }
        assert!(waiters.len() <= 64, "{} waiters", waiters.len());
        waiters.set_all();
        assert!(kept.0.set.get() && waiters.is_empty());
    }

    #[test]
    fn waiters_that_wait_are_bounded_and_added_once() {
        let waiters = Waiters::default();
        let signals: Vec<Signal> = (0..40).map(|_| Signal::default()).collect();
        let added = signals
            .iter()
            .filter(|signal| waiters.add(signal, 32) && waiters.add(signal, 32))
            .count();
        assert_eq!((added, waiters.len()), (32, 32));
    }
}
