//! What was sent and acknowledged, by producer, and the verdict: all of it is there, once, in order. Pure.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::compacted::KeyedLedger;
use super::partition::{Faults, PartitionCheck, ProducerId};
use super::ranges::Ranges;

/// Losses told in words.
const DETAILS_MAX: usize = 16;

/// What one producer sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProducerLedger {
    /// Drawn for the run that it is of.
    pub run: u32,
    /// Its number in the run.
    pub producer: u32,
    /// Topic it wrote to.
    pub topic: String,
    /// Partition it wrote to.
    pub partition: i32,
    /// Records it sent at least once.
    pub sent: u64,
    /// Sequences that were acknowledged; all of these must be there. Others may.
    pub acknowledged: Ranges,
    /// Their keys, if they have any.
    #[serde(default)]
    pub keyed: Option<KeyedLedger>,
}

/// What producers sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ledger {
    /// By run and number.
    pub producers: Vec<ProducerLedger>,
}

/// What verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Faults by kind; none in a good run.
    #[serde(flatten)]
    pub faults: Faults,
    /// Partitions that were not read to their end: nobody knows what is in the rest.
    pub unread_partitions: u64,
    /// Records that were neither acknowledged nor refused, and are there: no fault.
    pub unacknowledged_present: u64,
    /// Some of the faults in words.
    pub details: Vec<String>,
}

impl Verdict {
    /// Whether everything is as it should be.
    pub fn is_good(&self) -> bool {
        self.faults.is_none() && self.unread_partitions == 0
    }
}

impl Ledger {
    /// Who wrote to a partition.
    pub fn of(&self, topic: &str, partition: i32) -> impl Iterator<Item = &ProducerLedger> {
        let is_there = move |producer: &&ProducerLedger| {
            producer.partition == partition && producer.topic == topic
        };
        self.producers.iter().filter(is_there)
    }

    /// Whether all records have keys, and no two producers of a run wrote to the same partition.
    pub fn is_keyed_alone(&self) -> bool {
        let mut places = HashSet::new();
        self.producers.iter().all(|producer| {
            let place = (producer.run, producer.topic.as_str(), producer.partition);
            producer.keyed.is_some() && places.insert(place)
        })
    }

    /// Compares with what lies in the partitions, by topic and number.
    pub fn verify<'a>(
        &self,
        partitions: impl IntoIterator<Item = (&'a str, i32, &'a PartitionCheck)>,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        let mut by_place: BTreeMap<(&str, i32), &PartitionCheck> = BTreeMap::new();
        for (topic, partition, check) in partitions {
            verdict.faults.add(&check.faults());
            verdict.details.extend(check.details().iter().cloned());
            if let Some(end) = check.compacted_end() {
                verdict.faults.lost += end.lost;
                verdict.faults.resurrected += end.resurrected;
                verdict.details.push(format!(
                    "{topic} partition {partition}: {} keys, {} records are left of {} acknowledged; {} keys lost, {} older again",
                    end.keys, end.read, end.acknowledged, end.lost, end.resurrected
                ));
            }
            by_place.insert((topic, partition), check);
        }
        for producer in &self.producers {
            let id = ProducerId {
                run: producer.run,
                producer: producer.producer,
            };
            let place = (producer.topic.as_str(), producer.partition);
            let seen = by_place.get(&place).and_then(|check| check.seen(id));
            let (next, mut absent) = match seen {
                Some(seen) => (seen.next, seen.missing.clone()),
                None => (0, Ranges::default()),
            };
            let present = next - absent.len();
            absent.insert(next, u64::MAX);
            let lost = producer.acknowledged.intersection(&absent);
            if !lost.is_empty() {
                verdict.faults.lost += lost.len();
                let (from, to) = lost.iter().next().unwrap_or_default();
                verdict.details.push(format!(
                    "{} partition {}: {} acknowledged records of producer {} are not there, first {from} to {}",
                    producer.topic,
                    producer.partition,
                    lost.len(),
                    producer.producer,
                    to - 1
                ));
            }
            let kept = producer.acknowledged.len() - lost.len();
            verdict.unacknowledged_present += present.saturating_sub(kept);
        }
        verdict.details.truncate(DETAILS_MAX);
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_acknowledged_and_is_not_there_is_lost() {
        let mut acknowledged = Ranges::default();
        acknowledged.insert(0, 10);
        acknowledged.insert(20, 30);
        let producer = |number, acknowledged: &Ranges| ProducerLedger {
            run: 1,
            producer: number,
            topic: "t".to_owned(),
            partition: 0,
            sent: 30,
            acknowledged: acknowledged.clone(),
            keyed: None,
        };
        let ledger = Ledger {
            producers: vec![producer(0, &acknowledged), producer(1, &Ranges::default())],
        };
        let empty = PartitionCheck::new(0, 0, true, true);
        let verdict = ledger.verify([("t", 0, &empty)]);
        assert_eq!(verdict.faults.lost, 20);
        assert!(
            verdict.details[0].contains("first 0 to 9"),
            "{:?}",
            verdict.details
        );
        assert_eq!(ledger.verify([]).faults.lost, 20);
        let text = serde_json::to_string(&ledger).expect("JSON");
        let read: Ledger = serde_json::from_str(&text).expect("reads");
        assert_eq!(read.producers[0].acknowledged, acknowledged);
    }
}
