//! Bytes of requests that one shard holds for all its connections, and who waits for room. Never touches a connection.
//!
//! Requests are charged as they arrive, not by the length they claim, so a lying length costs others nothing. When the
//! bytes are spent, one request at a time (the *privileged* one) goes on past the bound until it is whole: requests that
//! are all half-read can therefore not wait for each other for ever. The bound is overdrawn by at most one request.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use crate::io::executor::Signal;

/// The account. Holders are numbered by their connection.
pub struct Budget {
    bytes_max: u64,
    used: Cell<u64>,
    privileged: Cell<Option<usize>>,
    waiting: RefCell<VecDeque<Signal>>,
}

impl Budget {
    /// An empty account of this many bytes.
    pub fn new(bytes_max: u64) -> Self {
        Self {
            bytes_max,
            used: Cell::new(0),
            privileged: Cell::new(None),
            waiting: RefCell::default(),
        }
    }

    /// Charges `bytes`, when there is room for them.
    pub async fn grow(&self, holder: usize, bytes: u64) {
        let mut waited = false;
        while !self.try_grow(holder, bytes) {
            self.place(waited).wait().await;
            waited = true;
        }
        if waited && self.used.get() < self.bytes_max {
            self.wake_one();
        }
    }

    /// A place among those who wait: the first one for who was woken and found no room.
    fn place(&self, first: bool) -> Signal {
        let wake = Signal::default();
        let mut waiting = self.waiting.borrow_mut();
        if first {
            waiting.push_front(wake.clone());
        } else {
            waiting.push_back(wake.clone());
        }
        wake
    }

    /// Charges `bytes` if nobody waits and they leave half of the account free: for what is merely faster.
    pub fn grow_if_ample(&self, bytes: u64) -> bool {
        let ample = self.used.get() + bytes <= self.bytes_max / 2 && !self.is_short();
        if ample {
            self.used.set(self.used.get() + bytes);
        }
        ample
    }

    fn try_grow(&self, holder: usize, bytes: u64) -> bool {
        let fits = self.used.get() == 0 || self.used.get() + bytes <= self.bytes_max;
        if !fits && self.privileged.get().is_none() {
            self.privileged.set(Some(holder));
        }
        let granted = fits || self.privileged.get() == Some(holder);
        if granted {
            self.used.set(self.used.get() + bytes);
        }
        granted
    }

    /// The request of `holder` is whole, or given up: it takes no more bytes.
    pub fn whole(&self, holder: usize) {
        if self.privileged.get() == Some(holder) {
            self.privileged.set(None);
            self.wake_one();
        }
    }

    /// Takes back what was charged.
    pub fn give_back(&self, bytes: u64) {
        let used = self.used.get();
        assert!(bytes <= used, "more is given back than was charged");
        self.used.set(used - bytes);
        self.wake_one();
    }

    /// Whether somebody waits for room, or has passed the bound.
    pub fn is_short(&self) -> bool {
        self.privileged.get().is_some() || !self.waiting.borrow().is_empty()
    }

    fn wake_one(&self) {
        let first = self.waiting.borrow_mut().pop_front();
        if let Some(first) = first {
            first.set();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::{FutureExt as _, block_on, poll_once};

    use super::*;

    fn grows(budget: &Budget, holder: usize, bytes: u64) -> bool {
        block_on(poll_once(budget.grow(holder, bytes))).is_some()
    }

    #[test]
    fn what_fits_is_charged_at_once_and_a_large_one_alone() {
        let budget = Budget::new(100);
        assert!(grows(&budget, 1, 1000));
        assert!(!budget.is_short());
        budget.give_back(1000);
        assert!(grows(&budget, 1, 60) && grows(&budget, 2, 40));
    }

    #[test]
    fn one_request_goes_on_past_the_bound_and_the_next_when_it_is_whole() {
        let budget = Budget::new(100);
        assert!(grows(&budget, 1, 60) && grows(&budget, 2, 40));
        assert!(grows(&budget, 1, 60), "1 is privileged");
        let mut second = budget.grow(2, 10).boxed_local();
        let mut third = budget.grow(3, 10).boxed_local();
        assert!(block_on(poll_once(&mut second)).is_none());
        assert!(block_on(poll_once(&mut third)).is_none());
        assert!(grows(&budget, 1, 60), "still");
        budget.whole(1);
        assert!(block_on(poll_once(&mut third)).is_none(), "2 came first");
        assert!(block_on(poll_once(&mut second)).is_some());
        assert!(budget.is_short());
        budget.whole(2);
        assert!(block_on(poll_once(&mut third)).is_some());
        budget.whole(3);
        assert!(!budget.is_short());
        assert_eq!(budget.used.get(), 240);
    }

    #[test]
    fn room_that_comes_back_is_passed_on_in_order() {
        let budget = Budget::new(100);
        assert!(grows(&budget, 1, 100) && grows(&budget, 1, 1));
        let mut waiting: Vec<_> = (2..6).map(|n| budget.grow(n, 30).boxed_local()).collect();
        for grow in &mut waiting {
            assert!(block_on(poll_once(grow)).is_none());
        }
        budget.give_back(101);
        let done: Vec<bool> = waiting
            .iter_mut()
            .map(|grow| block_on(poll_once(grow)).is_some())
            .collect();
        assert_eq!(done, [true, true, true, false]);
        budget.whole(1);
        assert!(block_on(poll_once(&mut waiting[3])).is_some());
    }

    #[test]
    fn speed_is_paid_from_the_free_half_only() {
        let budget = Budget::new(100);
        assert!(budget.grow_if_ample(50));
        assert!(!budget.grow_if_ample(1));
        budget.give_back(50);
        assert!(budget.grow_if_ample(1));
    }
}
