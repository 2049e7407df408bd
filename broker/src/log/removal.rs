//! Segments leave: first the log forgets them, then, when readers have had time to let go, their files go. Decides nothing.

use std::collections::BTreeSet;

use super::format::{Segment, SegmentId};
use super::{LogError, PartitionLog, Swept};

impl PartitionLog {
    /// Forgets the segments that lie whole below `offset`, and gives them. Their files are still there. The last one stays
    /// while something is being appended, and while it is empty: what could not be written to it yet comes again, into the
    /// same file.
    pub fn forget_below(&self, offset: i64) -> Vec<Segment> {
        let mut state = self.state.borrow_mut();
        let mut count = state
            .segments
            .partition_point(|segment| segment.bytes > 0 && segment.next_offset <= offset);
        if count == state.segments.len() && self.appending.get() {
            count = count.saturating_sub(1);
        }
        let forgotten: Vec<Segment> = state.segments.drain(..count).collect();
        let is_known = |id: SegmentId| forgotten.iter().all(|gone| gone.id != id);
        state.unsynced.retain(|id| is_known(*id));
        if let Some(committed) = &mut *self.committed.borrow_mut() {
            committed.retain(|segment| is_known(segment.id));
        }
        forgotten
    }

    /// Removes the files of a segment that was forgotten or replaced. One that is being read stays readable to its reader.
    ///
    /// # Errors
    /// A file is still there.
    pub async fn remove_segment(&self, id: SegmentId) -> Result<(), LogError> {
        self.shared.close(self.key(id)).await;
        for name in [id.segment_name(), id.index_name()] {
            let path = self.path(name);
            let removed = self.shared.io.disk.remove(&path).await;
            removed.map_err(|error| LogError::io(&path, 0, error))?;
        }
        Ok(())
    }

    /// Once a run: removes what an earlier run forgot or replaced and did not come to remove, and what a compaction had written
    /// that no checkpoint knows. Above the active segment it removes nothing.
    ///
    /// # Errors
    /// A file is still there.
    pub async fn sweep(&self, log_start_offset: i64) -> Result<(), LogError> {
        if self.swept.get() != Swept::NotYet {
            return Ok(());
        }
        self.swept.set(Swept::Running);
        // What is written meanwhile may get the name of a file that is to go.
        self.hold().await;
        let swept = match self.removed.get() {
            true => Ok(()),
            false => self.sweep_now(log_start_offset).await,
        };
        self.append_is_over();
        self.swept.set(Swept::Done);
        swept
    }

    async fn sweep_now(&self, log_start_offset: i64) -> Result<(), LogError> {
        let listed = match self.shared.io.disk.list(&self.directory).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            listed => listed.map_err(|error| LogError::io(&self.directory, 0, error))?,
        };
        let left_over = {
            let state = self.state.borrow();
            let is_known = |id: &SegmentId| state.segments.iter().any(|known| known.id == *id);
            let active = state.segments.last().map(|active| active.base_offset());
            let is_below = |id: &SegmentId| match active {
                Some(active) => id.base_offset <= active,
                None => id.base_offset < log_start_offset,
            };
            let ids = listed
                .iter()
                .filter_map(|entry| SegmentId::of_name(&entry.name));
            let left_over: BTreeSet<_> = ids.filter(|id| is_below(id) && !is_known(id)).collect();
            left_over
        };
        for id in left_over {
            self.remove_segment(id).await?;
        }
        Ok(())
    }

    /// Whether nothing is there that this run does not know.
    pub fn is_swept(&self) -> bool {
        self.swept.get() == Swept::Done
    }
}
