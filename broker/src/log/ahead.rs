//! Appends that are durable before they are committed: the direct way of a produce. Until they are, nobody is told of them: the
//! log still ends for the others where it did, and what a restart does not know of is overwritten. Decides nothing.

use super::format::Segment;
use super::stored::Stored;
use super::{LogBatch, LogError, PartitionLog, State};
use crate::io::buffer::Slice;
use crate::io::disk::OpenMode;
use crate::limits;
use crate::planted::{self, Bug};

impl PartitionLog {
    /// Waits until no append runs and nothing stored ahead waits for its commit. Who appends then has to begin at once.
    pub async fn wait_idle(&self) {
        while self.appending.get() {
            // Who stores ahead would otherwise come first, again and again.
            self.awaited.set(true);
            self.append_ended.wait().await;
        }
        self.awaited.set(false);
        // One that waits takes the signal from the others, and may find nothing to append.
        self.append_ended.set();
    }

    /// Whether batches can be stored ahead now, and what a restart must be told of the segments is little.
    pub fn may_store_ahead(&self) -> bool {
        let state = self.state.borrow();
        let busy = self.appending.get() || self.awaited.get() || self.rewriting.get();
        !(busy || self.removed.get())
            && state.replaced.is_empty()
            && state.unsynced.len() < limits::SEGMENTS_TOLD_MAX
            && state.told().len() < limits::SEGMENTS_TOLD_MAX
    }

    /// Appends `batches`, which follow each other and the end of the log, and makes all of the log durable. Gives them as they
    /// lie in memory now. [`PartitionLog::ahead_is_over`] has to follow, whatever comes of it, when they are committed or will be so
    /// from elsewhere.
    ///
    /// # Errors
    /// After [`LogError::NoSpace`] they may be appended again, as they are; after any other the file must not be written any more.
    pub async fn store_ahead(&self, batches: &[LogBatch]) -> Result<Vec<Slice>, LogError> {
        assert!(!self.appending.replace(true), "one append at a time");
        let committed = self.state.borrow().filled();
        *self.committed.borrow_mut() = Some(committed);
        let written = self.append_all(batches).await?;
        self.sync_appended().await?;
        Ok(written)
    }

    /// What was stored ahead belongs to the log from here on.
    pub fn ahead_is_over(&self) {
        *self.committed.borrow_mut() = None;
        self.append_is_over();
    }

    /// After [`PartitionLog::restore`] from a manifest: there is more of it than that says.
    pub fn continue_with(&self, stored: &Stored) {
        let mut state = self.state.borrow_mut();
        let segments = stored.continued(std::mem::take(&mut state.segments));
        *state = State {
            manifest_offset: state.manifest_offset,
            ..State::new(segments, state.cleaned_offset)
        };
    }

    /// The segments that the manifest of a restart would not have as they are now.
    pub fn told(&self) -> Vec<Segment> {
        self.state.borrow().told()
    }

    /// A manifest is durable that has `segments`, of which all was durable before it.
    pub fn checkpointed(&self, segments: &[Segment]) {
        let mut state = self.state.borrow_mut();
        let manifest_offset = segments.last().map_or(i64::MIN, Segment::base_offset);
        state.manifest_offset = manifest_offset;
        state
            .unsynced
            .retain(|id| id.base_offset >= manifest_offset);
    }

    async fn sync_appended(&self) -> Result<(), LogError> {
        if planted::on(Bug::StoredNotSynced) {
            return Ok(());
        }
        let unsynced = self.state.borrow().unsynced.clone();
        for id in &unsynced {
            let path = self.path(id.segment_name());
            let file = self.open(*id, &path, OpenMode::ReadWrite).await?;
            let synced = file.sync().await;
            synced.map_err(|error| LogError::io(&path, 0, error))?;
        }
        if self.state.borrow().unnamed {
            let disk = &self.shared.io.disk;
            for directory in [self.directory.as_path(), self.shared.root()] {
                let synced = disk.sync_directory(directory).await;
                synced.map_err(|error| LogError::io(directory, 0, error))?;
            }
        }
        let mut state = self.state.borrow_mut();
        state.unsynced.clear();
        state.unnamed = false;
        Ok(())
    }
}

impl State {
    fn told(&self) -> Vec<Segment> {
        let segments = self.segments.iter();
        let told =
            segments.filter(|one| one.bytes > 0 && one.base_offset() >= self.manifest_offset);
        told.copied().collect()
    }
}
