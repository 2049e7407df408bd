//! Tasks of one shard and how they wait for each other. Never shares anything between shards.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_lite::future::or;

use super::LocalBoxFuture;
use super::clock::Clock;

/// Runs the tasks of one shard.
pub trait Executor {
    /// Starts a task that serves requests. It is scheduled, not polled inside the call. A panic in it is caught, logged and ends only that task.
    fn spawn(&self, name: &'static str, task: LocalBoxFuture<'static, ()>);
    /// As [`Executor::spawn`], for a task that those who produce wait for (one a shard, the flush): ready again, it runs before others that were
    /// ready already.
    fn spawn_first(&self, name: &'static str, task: LocalBoxFuture<'static, ()>);
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

    /// The same for so long at most. False: it was not set.
    pub async fn wait_at_most(&self, clock: &dyn Clock, longest: Duration) -> bool {
        let set = async {
            self.wait().await;
            true
        };
        let over = async {
            clock.sleep(longest).await;
            false
        };
        or(set, over).await
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

/// Tasks of one shard that want the same, first come first served. As long as its owners: one place each.
#[derive(Default)]
pub struct Line {
    places: RefCell<VecDeque<(u64, Signal)>>,
    next: Cell<u64>,
}

/// A place in a [`Line`], until it is dropped.
pub struct Place<'a> {
    line: &'a Line,
    number: u64,
    is_first: Signal,
}

impl Line {
    /// Takes the last place.
    pub fn join(&self) -> Place<'_> {
        let number = self.next.get();
        self.next.set(number + 1);
        let is_first = Signal::default();
        self.places
            .borrow_mut()
            .push_back((number, is_first.clone()));
        Place {
            line: self,
            number,
            is_first,
        }
    }

    /// Whether nobody stands in it.
    pub fn is_empty(&self) -> bool {
        self.places.borrow().is_empty()
    }

    fn first(&self) -> Option<u64> {
        self.places.borrow().front().map(|(number, _)| *number)
    }
}

impl Place<'_> {
    /// Waits until nobody is before this one.
    pub async fn first(&self) {
        while self.line.first() != Some(self.number) {
            self.is_first.wait().await;
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut places = self.line.places.borrow_mut();
        places.retain(|(number, _)| *number != self.number);
        if let Some((_, is_first)) = places.front() {
            is_first.set();
        }
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
    use futures_lite::future::{block_on, poll_once};

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
    fn who_stands_in_line_is_first_in_the_order_of_coming() {
        let line = Line::default();
        let places: Vec<_> = (0..3).map(|_| line.join()).collect();
        let mut turns: Vec<_> = places.iter().map(|place| Box::pin(place.first())).collect();
        let mut ready = |at: usize| block_on(poll_once(&mut turns[at])).is_some();
        assert!(ready(0) && !ready(1) && !ready(2));
        drop(turns);
        let mut places = places.into_iter();
        let (first, second, third) = (places.next(), places.next(), places.next().unwrap());
        drop(second);
        let mut turn = Box::pin(third.first());
        assert!(block_on(poll_once(&mut turn)).is_none(), "one is before it");
        drop(first);
        assert!(block_on(poll_once(&mut turn)).is_some());
        drop(turn);
        drop(third);
        assert!(line.is_empty());
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
