//! A map bounded by weight: what was used longest ago leaves first. Pure.

use std::collections::BTreeMap;
use std::hash::Hash;

use hashbrown::HashMap;

/// The map. One entry heavier than the bound is still kept until the next comes.
pub struct Lru<K, V> {
    weight_max: usize,
    weight: usize,
    uses: u64,
    entries: HashMap<K, Entry<V>>,
    /// Keys by their last use.
    order: BTreeMap<u64, K>,
}

struct Entry<V> {
    value: V,
    weight: usize,
    used: u64,
}

impl<K: Copy + Eq + Hash, V: Clone> Lru<K, V> {
    /// An empty one that keeps at most `weight_max`.
    pub fn new(weight_max: usize) -> Self {
        Self {
            weight_max,
            weight: 0,
            uses: 0,
            entries: HashMap::new(),
            order: BTreeMap::new(),
        }
    }

    /// The value of `key`, which is now the one used last.
    pub fn get(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.get_mut(key)?;
        self.order.remove(&entry.used);
        self.uses += 1;
        entry.used = self.uses;
        self.order.insert(self.uses, *key);
        Some(entry.value.clone())
    }

    /// Puts a value in; returns the one it replaces and those that must leave for it.
    #[must_use]
    pub fn insert(&mut self, key: K, value: V, weight: usize) -> Vec<V> {
        let mut out: Vec<V> = self.remove(&key).into_iter().collect();
        while self.weight + weight > self.weight_max
            && let Some((_, oldest)) = self.order.first_key_value()
        {
            let oldest = *oldest;
            out.extend(self.remove(&oldest));
        }
        self.uses += 1;
        self.order.insert(self.uses, key);
        self.weight += weight;
        let used = self.uses;
        self.entries.insert(
            key,
            Entry {
                value,
                weight,
                used,
            },
        );
        out
    }

    /// Takes one out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.remove(key)?;
        self.order.remove(&entry.used);
        self.weight -= entry.weight;
        Some(entry.value)
    }

    /// Weight of all that is kept.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_list_in_order_of_use(operations in vec((0..3_u8, 0..12_u8, 1..40_usize), 0..200)) {
            let mut lru = Lru::new(100);
            // Key, value and weight; the one used last at the end.
            let mut model: Vec<(u8, usize, usize)> = Vec::new();
            for (step, (operation, key, weight)) in operations.into_iter().enumerate() {
                let known = model.iter().position(|(one, ..)| *one == key);
                match operation {
                    0 => {
                        let out = lru.insert(key, step, weight);
                        let mut expected = Vec::new();
                        expected.extend(known.map(|at| model.remove(at).1));
                        while model.iter().map(|(.., weight)| weight).sum::<usize>() + weight > 100 {
                            expected.push(model.remove(0).1);
                        }
                        model.push((key, step, weight));
                        prop_assert_eq!(out, expected);
                    }
                    1 => {
                        let expected = known.map(|at| {
                            let one = model.remove(at);
                            model.push(one);
                            one.1
                        });
                        prop_assert_eq!(lru.get(&key), expected);
                    }
                    _ => prop_assert_eq!(lru.remove(&key), known.map(|at| model.remove(at).1)),
                }
                prop_assert_eq!(lru.len(), model.len());
                prop_assert_eq!(lru.weight(), model.iter().map(|(.., weight)| weight).sum::<usize>());
                prop_assert!(lru.weight() <= 100 && lru.order.len() == model.len());
            }
        }
    }

    #[test]
    fn one_heavier_than_the_bound_pushes_out_all_others() {
        let mut lru = Lru::new(10);
        assert_eq!(lru.insert(1, "a", 5), Vec::<&str>::new());
        assert_eq!(lru.insert(2, "b", 50), ["a"]);
        assert_eq!(lru.get(&2), Some("b"));
        assert_eq!(lru.insert(3, "c", 1), ["b"]);
    }
}
