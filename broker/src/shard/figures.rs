//! What a shard tells of itself when an operator asks. Reads; changes nothing.

use super::{Owned, PartitionKey, Shard};
use crate::limits;
use crate::metrics::{Figures, PartitionFigures};

impl Shard {
    /// What it counted and how it stands; with each partition's own figures if `details` are wanted.
    pub fn figures(&self, details: bool) -> Figures {
        let partitions = self.partitions.borrow();
        let mut figures = Figures {
            shard: self.number,
            node_id: self.image().node_id(self.number),
            port: self.advertised_port(self.number),
            counters: self.metrics.snapshot(),
            partitions: partitions.len() as u64,
            fenced: self.is_fenced(),
            out_of_space: self.is_out_of_space(),
            stopping: self.stopping.get(),
            dirty_bytes: self.unstored_bytes(),
            dirty_bytes_max: self.dirty_bytes_max,
            journal_used_bytes: self.journal.used_bytes(),
            journal_capacity_bytes: self.journal.capacity_bytes(),
            fetch_sessions: self.fetch_sessions.borrow().figures(),
            groups: self
                .coordinators
                .figures(limits::GROUP_LINES_MAX / self.io.mesh.shards()),
            compaction: self.compaction.figures(self.io.clock.now()),
            applied_sequence: self.applied_sequence.get(),
            checkpointed_sequence: self.checkpointed_sequence.get(),
            details: Vec::new(),
        };
        if details {
            let mut owned: Vec<_> = partitions
                .values()
                .map(|owned| of_partition(owned))
                .collect();
            owned.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
            figures.details = owned;
        }
        figures
    }

    /// The offset after the last committed record of each partition; `None` for one that is not led here.
    pub fn high_watermarks(&self, keys: &[PartitionKey]) -> Vec<Option<i64>> {
        let one = |key: &PartitionKey| {
            let owned = self.led(*key)?;
            let partition = owned.partition.borrow();
            Some(partition.high_watermark())
        };
        keys.iter().map(one).collect()
    }
}

fn of_partition(owned: &Owned) -> PartitionFigures {
    let partition = owned.partition.borrow();
    let segments = owned.log.segments();
    let on_disk: u64 = segments.iter().map(|segment| segment.bytes).sum();
    PartitionFigures {
        topic: owned.topic.clone(),
        partition: owned.key.partition,
        log_start_offset: partition.log_start_offset(),
        high_watermark: partition.high_watermark(),
        size_bytes: on_disk + owned.tail_bytes_beyond(&segments),
        segments: segments.len() as u64,
    }
}
