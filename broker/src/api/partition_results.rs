//! Results of requests about offsets, partition by partition, in the order and shape that Kafka gives them: what the broker
//! refuses by itself comes first, one topic once; what the coordinator says is merged into it. Pure.

use std::sync::Arc;

use hashbrown::HashMap;

/// A topic as the client named it: by id, or by name with an id of 0. Of an unknown id the name is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TopicName {
    /// Its id.
    pub id: u128,
    /// Its name.
    pub name: Arc<str>,
}

/// What became of the partitions of one topic: number and code of each.
pub type TopicResults = (TopicName, Vec<(i32, i16)>);

/// Results so far.
#[derive(Debug, Default)]
pub struct PartitionResults {
    topics: Vec<TopicResults>,
    places: HashMap<TopicName, usize>,
}

impl PartitionResults {
    /// Adds results of partitions to their topic, which is there even without any.
    pub fn add(&mut self, topic: TopicName, partitions: impl IntoIterator<Item = (i32, i16)>) {
        let place = *self.places.entry(topic.clone()).or_insert_with(|| {
            self.topics.push((topic, Vec::new()));
            self.topics.len() - 1
        });
        self.topics[place].1.extend(partitions);
    }

    /// All results, with those of the coordinator. Where there were none before, a topic may come twice.
    pub fn merge(mut self, results: Vec<TopicResults>) -> Vec<TopicResults> {
        if self.topics.is_empty() {
            return results;
        }
        for (topic, partitions) in results {
            self.add(topic, partitions);
        }
        self.topics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> TopicName {
        TopicName {
            id: 0,
            name: name.into(),
        }
    }

    #[test]
    fn refusals_come_first_and_their_topics_once() {
        let mut results = PartitionResults::default();
        results.add(topic("b"), [(1, 3)]);
        results.add(topic("a"), [(0, 3)]);
        results.add(topic("b"), []);
        let merged = results.merge(vec![
            (topic("c"), vec![(0, 0)]),
            (topic("b"), vec![(0, 0)]),
            (topic("c"), vec![(1, 0)]),
        ]);
        let expected = vec![
            (topic("b"), vec![(1, 3), (0, 0)]),
            (topic("a"), vec![(0, 3)]),
            (topic("c"), vec![(0, 0), (1, 0)]),
        ];
        assert_eq!(merged, expected);
    }

    #[test]
    fn without_refusals_the_shape_of_the_request_stays() {
        let twice = vec![(topic("a"), vec![(0, 0)]), (topic("a"), vec![(1, 0)])];
        assert_eq!(PartitionResults::default().merge(twice.clone()), twice);
    }
}
