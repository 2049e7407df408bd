//! Sets of sequences as ranges: what was acknowledged, what is missing. Nearly always one range or none.

use serde::{Deserialize, Serialize};

/// Disjoint ranges `from..to`, in order, none touching the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// How many ranges it takes.
    pub fn pieces(&self) -> usize {
        self.0.len()
    }

    /// How many numbers are in it.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|(from, to)| to - from).sum()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + Clone {
        self.0.iter().copied()
    }

    /// Adds `from..to`.
    pub fn insert(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        if let Some(last) = self.0.last_mut()
            && last.1 == from
        {
            last.1 = to;
            return;
        }
        // All that touch the new range become one with it.
        let first = self.0.partition_point(|range| range.1 < from);
        let end = self.0.partition_point(|range| range.0 <= to);
        let (mut from, mut to) = (from, to);
        if let Some(touching) = self.0.get(first..end)
            && let (Some(head), Some(tail)) = (touching.first(), touching.last())
        {
            from = from.min(head.0);
            to = to.max(tail.1);
        }
        self.0.splice(first..end.max(first), [(from, to)]);
    }

    /// Takes one number out; whether it was there.
    pub fn remove(&mut self, number: u64) -> bool {
        let at = self.0.partition_point(|range| range.1 <= number);
        let Some(&(from, to)) = self.0.get(at) else {
            return false;
        };
        if number < from {
            return false;
        }
        let rest = [(from, number), (number + 1, to)];
        self.0
            .splice(at..=at, rest.into_iter().filter(|(from, to)| from < to));
        true
    }

    /// What both have.
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut both, mut at) = (Self::default(), 0);
        for &(from, to) in &self.0 {
            while other.0.get(at).is_some_and(|range| range.1 <= from) {
                at += 1;
            }
            let overlapping = other.0[at..].iter().take_while(|range| range.0 < to);
            for range in overlapping {
                both.insert(from.max(range.0), to.min(range.1));
            }
        }
        both
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn ranges_are_a_set_of_numbers(
            steps in proptest::collection::vec((any::<bool>(), 0_u64..60, 0_u64..8), 0..40),
            others in proptest::collection::vec((0_u64..60, 0_u64..8), 0..10),
        ) {
            let (mut ranges, mut model) = (Ranges::default(), BTreeSet::new());
            for (insert, from, length) in steps {
                if insert {
                    ranges.insert(from, from + length);
                    model.extend(from..from + length);
                } else {
                    prop_assert_eq!(ranges.remove(from), model.remove(&from));
                }
                let numbers: BTreeSet<u64> = ranges.iter().flat_map(|(from, to)| from..to).collect();
                prop_assert_eq!(&numbers, &model);
                prop_assert_eq!(ranges.len(), model.len() as u64);
                prop_assert!(ranges.0.windows(2).all(|pair| pair[0].1 < pair[1].0));
            }
            let (mut other, mut other_model) = (Ranges::default(), BTreeSet::new());
            for (from, length) in others {
                other.insert(from, from + length);
                other_model.extend(from..from + length);
            }
            let both: BTreeSet<u64> = ranges.intersection(&other).iter().flat_map(|(from, to)| from..to).collect();
            prop_assert_eq!(both, model.intersection(&other_model).copied().collect::<BTreeSet<u64>>());
        }
    }
}
