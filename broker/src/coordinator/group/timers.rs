//! When something is due: at most one time a key. Moving a time away costs no sorting: the key is looked at when its old time
//! comes, and put back. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// Times by key. Monotonic milliseconds.
#[derive(Debug)]
pub struct Timers<K> {
    /// When a key is due, and where it stands in `queue`: never later than that.
    due: BTreeMap<K, (u64, u64)>,
    queue: BTreeSet<(u64, K)>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self {
            due: BTreeMap::new(),
            queue: BTreeSet::new(),
        }
    }
}

impl<K: Ord + Clone> Timers<K> {
    /// `key` is due at `at_ms`, whatever was set before.
    pub fn set(&mut self, key: K, at_ms: u64) {
        if let Some((due_ms, queued_ms)) = self.due.get_mut(&key) {
            *due_ms = at_ms;
            if at_ms < *queued_ms {
                let before = std::mem::replace(queued_ms, at_ms);
                let entry = (before, key);
                let was_queued = self.queue.remove(&entry);
                assert!(was_queued, "a key that is due stands in the queue");
                self.queue.insert((at_ms, entry.1));
            }
        } else {
            self.due.insert(key.clone(), (at_ms, at_ms));
            self.queue.insert((at_ms, key));
        }
    }

    /// `key` is not due any more.
    pub fn cancel(&mut self, key: &K) {
        if let Some((key, (_, queued_ms))) = self.due.remove_entry(key) {
            self.queue.remove(&(queued_ms, key));
        }
    }

    /// When to look next. Something may turn out not to be due yet.
    pub fn next_ms(&self) -> Option<u64> {
        self.queue.first().map(|(queued_ms, _)| *queued_ms)
    }

    /// Takes one key that is due.
    pub fn take_due(&mut self, now_ms: u64) -> Option<K> {
        while self.next_ms()? <= now_ms {
            let (_, key) = self.queue.pop_first().expect("just seen");
            let (due_ms, queued_ms) = self.due.get_mut(&key).expect("what is queued is due");
            if *due_ms <= now_ms {
                self.due.remove(&key);
                return Some(key);
            }
            *queued_ms = *due_ms;
            self.queue.insert((*due_ms, key));
        }
        None
    }

    /// Whether `key` is due some day.
    pub fn contains(&self, key: &K) -> bool {
        self.due.contains_key(key)
    }

    /// How many are set.
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_that_moves_away_is_looked_at_once() {
        let mut timers = Timers::default();
        timers.set("a", 10);
        for now in 0..9 {
            timers.set("a", 10 + now);
        }
        assert_eq!(timers.next_ms(), Some(10), "nothing was sorted anew");
        assert_eq!(timers.take_due(10), None);
        assert_eq!(timers.next_ms(), Some(18));
        timers.set("a", 12);
        assert_eq!(
            (timers.next_ms(), timers.take_due(12)),
            (Some(12), Some("a"))
        );
        assert!(timers.is_empty() && timers.next_ms().is_none());
    }

    proptest! {
        /// Against a plain map from keys to times.
        #[test]
        fn what_is_due_is_what_was_set_last(steps in prop::collection::vec((0u8..3, 0u8..6, 0u64..40), 0..200)) {
            let (mut timers, mut model, mut now) = (Timers::default(), BTreeMap::new(), 0);
            for (what, key, time) in steps {
                match what {
                    0 => {
                        timers.set(key, now + time);
                        model.insert(key, now + time);
                    }
                    1 => {
                        timers.cancel(&key);
                        model.remove(&key);
                    }
                    _ => {
                        now += time;
                        let earliest = model.values().min().copied();
                        prop_assert!(timers.next_ms() <= earliest, "never late");
                        let mut due: Vec<u8> = std::iter::from_fn(|| timers.take_due(now)).collect();
                        due.sort_unstable();
                        let expected: Vec<u8> = model.iter().filter(|(_, at)| **at <= now).map(|(key, _)| *key).collect();
                        prop_assert_eq!(due, expected);
                        model.retain(|_, at| *at > now);
                    }
                }
                prop_assert_eq!(timers.len(), model.len());
                prop_assert_eq!(timers.queue.len(), model.len());
            }
        }
    }
}
