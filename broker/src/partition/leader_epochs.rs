//! Where each leader epoch of a partition began (Kafka's `LeaderEpochFileCache`, KIP-101, KIP-320). Pure.

/// Epochs and their start offsets, both strictly increasing (I18).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeaderEpochs(Vec<(i32, i64)>);

impl LeaderEpochs {
    /// The epochs of a manifest, in order.
    pub fn new(epochs: Vec<(i32, i64)>) -> Self {
        assert!(
            epochs
                .windows(2)
                .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1),
            "epochs grow"
        );
        Self(epochs)
    }

    /// `epoch` begins at `offset`, unless it has begun before. An epoch in which nothing was appended gives way.
    pub fn begin(&mut self, epoch: i32, offset: i64) {
        if self.latest().is_some_and(|latest| latest >= epoch) {
            return;
        }
        while self.0.last().is_some_and(|&(_, start)| start >= offset) {
            self.0.pop();
        }
        self.0.push((epoch, offset));
    }

    /// The log starts at `offset` now: of the epochs that began before, the one it lies in is left, and begins there.
    pub fn begin_at(&mut self, offset: i64) {
        let before = self.0.partition_point(|&(_, start)| start <= offset);
        if let Some(last) = before.checked_sub(1) {
            self.0.drain(..last);
            self.0[0].1 = offset;
        }
    }

    /// The newest epoch.
    pub fn latest(&self) -> Option<i32> {
        self.0.last().map(|&(epoch, _)| epoch)
    }

    /// The epoch that the record at `offset` was appended in.
    pub fn epoch_of(&self, offset: i64) -> Option<i32> {
        let at = self.0.partition_point(|&(_, start)| start <= offset);
        at.checked_sub(1).map(|at| self.0[at].0)
    }

    /// The largest epoch not above `epoch`, and where it ends; the newest ends at `end_offset`. Below the oldest known epoch
    /// `epoch` itself, which ends where the oldest begins; `None` above the newest.
    pub fn end_of(&self, epoch: i32, end_offset: i64) -> Option<(i32, i64)> {
        let latest = self.latest()?;
        if epoch == latest {
            return Some((latest, end_offset));
        }
        let at = self.0.partition_point(|&(known, _)| known <= epoch);
        let (_, end) = *self.0.get(at)?;
        let floor = at.checked_sub(1).map_or(epoch, |at| self.0[at].0);
        Some((floor, end))
    }

    /// All of them, in order.
    pub fn entries(&self) -> &[(i32, i64)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_below_the_log_start_are_forgotten() {
        let epochs = || LeaderEpochs::new(vec![(0, 0), (3, 10), (4, 20)]);
        for (offset, left) in [
            (0, &[(0, 0), (3, 10), (4, 20)][..]),
            (5, &[(0, 5), (3, 10), (4, 20)]),
            (10, &[(3, 10), (4, 20)]),
            (25, &[(4, 25)]),
        ] {
            let mut epochs = epochs();
            epochs.begin_at(offset);
            assert_eq!(epochs.entries(), left);
        }
        let mut none = LeaderEpochs::default();
        none.begin_at(7);
        assert!(none.entries().is_empty());
    }

    #[test]
    fn epochs_say_where_they_end() {
        let mut epochs = LeaderEpochs::default();
        epochs.begin(0, 0);
        epochs.begin(3, 10);
        epochs.begin(4, 10);
        assert_eq!(
            epochs.entries(),
            [(0, 0), (4, 10)],
            "an empty epoch gives way"
        );
        assert_eq!(epochs.end_of(2, 50), Some((0, 10)));
        assert_eq!(epochs.end_of(4, 50), Some((4, 50)));
        assert_eq!(epochs.end_of(9, 50), None, "an epoch that never was");
        assert_eq!(LeaderEpochs::default().end_of(0, 50), None);
        let later = LeaderEpochs::new(vec![(5, 7)]);
        assert_eq!(later.end_of(2, 50), Some((2, 7)), "older than all");
        assert_eq!(
            (epochs.epoch_of(9), epochs.epoch_of(10)),
            (Some(0), Some(4))
        );
        epochs.begin(1, 60);
        assert_eq!(epochs.latest(), Some(4), "an old epoch never comes back");
    }
}
