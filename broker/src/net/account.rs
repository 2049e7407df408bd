//! What one connection holds in memory, and its part of the shard's budget. Never touches the bytes themselves.

use std::cell::Cell;
use std::rc::Rc;

use super::budget::Budget;
use crate::limits::{CONNECTION_READ_BYTES, CONNECTION_READ_BYTES_MAX};

/// Bytes of one connection. What it holds up to the size of a first read is free: a bound on the number of connections
/// bounds that, and small requests need no room.
pub struct Account {
    budget: Rc<Budget>,
    holder: usize,
    held_bytes: Cell<u64>,
    charged_bytes: Cell<u64>,
    read_bytes: Cell<usize>,
}

impl Account {
    /// An account that holds nothing; `holder` is the connection's number.
    pub fn new(budget: Rc<Budget>, holder: usize) -> Self {
        Self {
            budget,
            holder,
            held_bytes: Cell::new(0),
            charged_bytes: Cell::new(0),
            read_bytes: Cell::new(CONNECTION_READ_BYTES),
        }
    }

    /// Bytes of requests held.
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes.get()
    }

    /// Bytes of the next read.
    pub fn read_bytes(&self) -> usize {
        self.read_bytes.get()
    }

    /// Holds `bytes` more of a request, once there is room for them.
    pub async fn hold(&self, bytes: u64) {
        self.held_bytes.set(self.held_bytes.get() + bytes);
        let missing = self.due_bytes().saturating_sub(self.charged_bytes.get());
        if missing > 0 {
            self.budget.grow(self.holder, missing).await;
            self.charged_bytes.set(self.charged_bytes.get() + missing);
            // Others may have been let go meanwhile.
            self.settle();
        }
    }

    /// The request that was being held has come whole.
    pub fn whole(&self) {
        self.budget.whole(self.holder);
    }

    /// Lets `bytes` of requests go.
    pub fn release(&self, bytes: u64) {
        self.held_bytes.set(self.held_bytes.get() - bytes);
        self.settle();
    }

    /// Reads grow for a client that fills them, as long as memory is ample, and shrink for one that does not.
    pub fn read_ahead(&self, filled: bool) {
        let now = self.read_bytes.get();
        if filled && now < CONNECTION_READ_BYTES_MAX && self.budget.grow_if_ample(now as u64) {
            self.read_bytes.set(2 * now);
        } else if !filled && now > CONNECTION_READ_BYTES {
            self.budget.give_back(now as u64 / 2);
            self.read_bytes.set(now / 2);
        }
    }

    /// The connection has ended: everything is given back.
    pub fn close(&self) {
        self.budget.whole(self.holder);
        let ahead = self.read_bytes.replace(CONNECTION_READ_BYTES) - CONNECTION_READ_BYTES;
        let charged = self.charged_bytes.take();
        self.budget.give_back(charged + ahead as u64);
        self.held_bytes.set(0);
    }

    fn due_bytes(&self) -> u64 {
        let free = CONNECTION_READ_BYTES as u64;
        self.held_bytes.get().saturating_sub(free)
    }

    fn settle(&self) {
        let excess = self.charged_bytes.get().saturating_sub(self.due_bytes());
        if excess > 0 {
            self.charged_bytes.set(self.charged_bytes.get() - excess);
            self.budget.give_back(excess);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::{FutureExt as _, block_on, poll_once};

    use super::*;

    const FREE: u64 = CONNECTION_READ_BYTES as u64;

    #[test]
    fn the_first_read_is_free_and_the_rest_waits_for_room() {
        let budget = Rc::new(Budget::new(100));
        let (one, two) = (Account::new(budget.clone(), 1), Account::new(budget, 2));
        block_on(one.hold(FREE + 100));
        one.whole();
        block_on(two.hold(FREE));
        let mut privileged = two.hold(10).boxed_local();
        assert!(block_on(poll_once(&mut privileged)).is_some());
        drop(privileged);
        let mut waiting = one.hold(1).boxed_local();
        assert!(block_on(poll_once(&mut waiting)).is_none());
        two.close();
        assert!(block_on(poll_once(&mut waiting)).is_some());
    }

    #[test]
    fn what_is_released_while_waiting_is_not_charged_twice() {
        let budget = Rc::new(Budget::new(100));
        let (one, two) = (
            Account::new(budget.clone(), 1),
            Account::new(budget.clone(), 2),
        );
        block_on(one.hold(FREE + 60));
        block_on(two.hold(FREE + 40));
        block_on(two.hold(1));
        let mut waiting = one.hold(60).boxed_local();
        assert!(block_on(poll_once(&mut waiting)).is_none());
        one.release(FREE + 60);
        two.close();
        assert!(block_on(poll_once(&mut waiting)).is_some());
        drop(waiting);
        assert_eq!((one.held_bytes(), one.charged_bytes.get()), (60, 0));
        one.close();
        assert!(budget.grow_if_ample(50), "all of it came back");
    }
}
