//! Segments leave: first the log forgets them, then, when readers have had time to let go, their files go. Decides nothing.

use super::format::{self, Segment};
use super::{LogError, PartitionLog};

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
        state.segments.drain(..count).collect()
    }

    /// Removes the files of a segment that was forgotten. One that is being read stays readable to its reader.
    ///
    /// # Errors
    /// A file is still there.
    pub async fn remove_segment(&self, base_offset: i64) -> Result<(), LogError> {
        self.shared.close(self.key(base_offset)).await;
        for name in [
            format::segment_name(base_offset),
            format::index_name(base_offset),
        ] {
            let path = self.path(name);
            let removed = self.shared.io.disk.remove(&path).await;
            removed.map_err(|error| LogError::io(&path, 0, error))?;
        }
        Ok(())
    }

    /// Once a run: removes what an earlier run forgot and did not come to remove, which lies below all that is known.
    ///
    /// # Errors
    /// A file is still there.
    pub async fn sweep(&self, log_start_offset: i64) -> Result<(), LogError> {
        if self.swept.replace(true) {
            return Ok(());
        }
        let first = self
            .state
            .borrow()
            .segments
            .first()
            .map(|first| first.base_offset);
        let first = first.unwrap_or(log_start_offset);
        let listed = match self.shared.io.disk.list(&self.directory).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            listed => listed.map_err(|error| LogError::io(&self.directory, 0, error))?,
        };
        for entry in listed {
            if let Some(base_offset) =
                format::base_offset_of(&entry.name).filter(|base| *base < first)
            {
                self.remove_segment(base_offset).await?;
            }
        }
        Ok(())
    }
}
