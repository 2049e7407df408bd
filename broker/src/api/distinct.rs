//! Topics and partitions of a request, each once however often it is named: Kafka keeps them in maps. Pure; a few are
//! compared one by one, more are hashed.

use std::borrow::Cow;
use std::hash::Hash;

use hashbrown::HashMap;
use protocol::primitives::Uuid;
use smallvec::SmallVec;

/// As many are compared one by one.
const FEW: usize = 8;

/// A topic as a request tells it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum Topic<'a> {
    /// By name.
    Name(Cow<'a, str>),
    /// By id.
    Id(Uuid),
}

/// What a request has named so far.
#[derive(Debug, Default)]
pub struct Distinct<'a> {
    topics: Known<Topic<'a>>,
    topics_len: usize,
    items: Known<(usize, i32)>,
}

impl<'a> Distinct<'a> {
    /// The number of this topic: topics are numbered from 0 as they are first named.
    pub fn topic(&mut self, topic: Topic<'a>) -> usize {
        let number = self.topics.first(topic, self.topics_len);
        self.topics_len = self.topics_len.max(number + 1);
        number
    }

    /// The item that first named this partition of a topic; `item` itself if it is the first.
    pub fn item(&mut self, topic: usize, partition: i32, item: usize) -> usize {
        self.items.first((topic, partition), item)
    }
}

/// Whether one of `items` is there just once.
pub fn any_once<T: Hash + Eq>(items: impl IntoIterator<Item = T>) -> bool {
    let mut counts: HashMap<T, usize> = HashMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts.values().any(|count| *count == 1)
}

#[derive(Debug)]
struct Known<K> {
    few: SmallVec<[(K, usize); FEW]>,
    many: HashMap<K, usize>,
}

impl<K> Default for Known<K> {
    fn default() -> Self {
        Self {
            few: SmallVec::new(),
            many: HashMap::new(),
        }
    }
}

impl<K: Hash + Eq> Known<K> {
    /// The value that `key` first came with.
    fn first(&mut self, key: K, value: usize) -> usize {
        if self.many.is_empty() {
            if let Some((_, first)) = self.few.iter().find(|(known, _)| *known == key) {
                return *first;
            }
            if self.few.len() < FEW {
                self.few.push((key, value));
                return value;
            }
            self.many.extend(self.few.drain(..));
        }
        *self.many.entry(key).or_insert(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_told_apart_alike() {
        for count in [1, FEW, FEW + 1, 5 * FEW] {
            let mut distinct = Distinct::default();
            for number in 0..count {
                let name = format!("topic {number}");
                assert_eq!(distinct.topic(Topic::Name(name.clone().into())), number);
                assert_eq!(distinct.topic(Topic::Name(name.into())), number);
                assert_eq!(distinct.item(number, 7, 2 * number), 2 * number);
                assert_eq!(distinct.item(number, 7, 2 * number + 1), 2 * number);
                assert_eq!(distinct.item(0, 7, 99), 0);
                assert_eq!(
                    distinct.item(0, 8 + number as i32, 99 + number),
                    99 + number
                );
            }
        }
    }
}
