//! Journal files as files: made ahead of their use, filled with zeros once, headed as never used, durable with their names; headed
//! anew and opened for frames. Never decides which file that is: a caller who heads one that holds frames loses them.

use std::path::Path;
use std::rc::Rc;

use super::frame::{FILE_HEADER_BYTES, FileHeader};
use super::{JournalError, JournalFile, Shared, failed};
use crate::io::buffer::WriteBuffer;
use crate::io::disk::{File, OpenMode};
use crate::planted::{self, Bug};

/// Bytes of one write while a file is filled with zeros.
const FILL_BYTES: u64 = 1 << 20;

/// Marks a file in the making, until dropped.
struct Filling<'a>(&'a Shared);

impl Drop for Filling<'_> {
    fn drop(&mut self) {
        self.0.filling_bytes.set(0);
        self.0.filled.set();
    }
}

impl Shared {
    /// Whether one more file keeps to `journal_bytes_max`. Spare files of another size do not count: they go.
    pub(super) fn may_make_file(&self) -> bool {
        let state = self.state.borrow();
        let live: u64 = state.live.iter().map(|file| file.bytes).sum();
        let spare: u64 = state
            .spare
            .iter()
            .filter(|file| self.is_usable(file))
            .map(|file| file.bytes)
            .sum();
        live + spare + self.filling_bytes.get() + self.options.file_bytes
            <= self.options.journal_bytes_max
    }

    /// A new file, filled with zeros, headed as never used, durable with its name.
    pub(super) async fn make_file(&self) -> Result<JournalFile, JournalError> {
        let bytes = self.options.file_bytes;
        assert_eq!(
            self.filling_bytes.replace(bytes),
            0,
            "one file is filled at a time"
        );
        let _filling = Filling(self);
        let header = {
            let state = &mut *self.state.borrow_mut();
            state.file_number_next += 1;
            FileHeader {
                seed: 0,
                journal_id: self.options.id,
                file_number: state.file_number_next - 1,
                use_number: 0,
                first_sequence: 0,
                oldest_sequence: 0,
                frame_bytes_max: self.options.frame_bytes_max as u32,
                previous_crc: 0,
            }
        };
        let path = self
            .options
            .directory
            .join(format!("{:020}.journal", header.file_number));
        let made = JournalFile {
            path,
            bytes,
            header,
        };
        let filled = self.fill(&made).await;
        if filled.is_err() {
            // It never became part of the journal; a next start would find it unfinished and remove it.
            let _ = self.io.disk.remove(&made.path).await;
        }
        filled.map(|()| made)
    }

    async fn fill(&self, made: &JournalFile) -> Result<(), JournalError> {
        let (path, disk) = (&made.path, &self.io.disk);
        let file = disk
            .open(path, OpenMode::CreateNew)
            .await
            .map_err(failed("create", path))?;
        file.allocate(made.bytes)
            .await
            .map_err(failed("allocate", path))?;
        let mut position = 0;
        while position < made.bytes {
            let mut zeros = WriteBuffer::new(FILL_BYTES.min(made.bytes - position) as usize);
            zeros.as_mut_slice().fill(0);
            let bytes = zeros.as_slice().len() as u64;
            file.write_at(zeros, position)
                .await
                .map_err(failed("fill", path))?;
            position += bytes;
        }
        file.sync().await.map_err(failed("sync", path))?;
        self.write_header(&*file, made, None, &made.header).await?;
        file.sync().await.map_err(failed("sync", path))?;
        let directory = &self.options.directory;
        if !planted::on(Bug::FileNotNamed) {
            disk.sync_directory(directory)
                .await
                .map_err(failed("sync the directory", directory))?;
        }
        file.close().await.map_err(failed("close", path))
    }

    /// Removes one spare file of another size than `file_bytes`, if a durable header says that it is not needed.
    pub(super) async fn remove_misfit(&self) -> Result<bool, JournalError> {
        let misfit = {
            let state = &mut *self.state.borrow_mut();
            let oldest = state
                .live
                .back()
                .map_or(0, |file| file.header.oldest_sequence);
            let removable =
                |file: &JournalFile| !self.is_usable(file) && file.header.first_sequence < oldest;
            state
                .spare
                .iter()
                .position(removable)
                .map(|at| state.spare.remove(at))
        };
        let Some(misfit) = misfit else {
            return Ok(false);
        };
        self.io
            .disk
            .remove(&misfit.path)
            .await
            .map_err(failed("remove", &misfit.path))?;
        let directory = &self.options.directory;
        self.io
            .disk
            .sync_directory(directory)
            .await
            .map_err(failed("sync the directory", directory))?;
        Ok(true)
    }

    /// Writes a file's header, over the one before if there is one.
    pub(super) async fn write_header(
        &self,
        file: &dyn File,
        at: &JournalFile,
        before: Option<&FileHeader>,
        header: &FileHeader,
    ) -> Result<(), JournalError> {
        let mut block = WriteBuffer::new(FILE_HEADER_BYTES);
        header.encode_block(before, block.as_mut_slice());
        file.write_at(block, 0)
            .await
            .map(drop)
            .map_err(failed("write the header of", &at.path))
    }

    /// Opens the file that frames go to. What is written to it is durable when the write ends: one trip through the ring instead
    /// of two, and no thread of the kernel's pool, which is where a sync of its own goes.
    pub(super) async fn open_for_frames(&self, path: &Path) -> Result<Rc<dyn File>, JournalError> {
        let mode = match planted::on(Bug::AckedBeforeSync) {
            true => OpenMode::ReadWrite,
            false => OpenMode::ReadWriteDurable,
        };
        self.open(path, mode).await
    }

    pub(super) async fn open(
        &self,
        path: &Path,
        mode: OpenMode,
    ) -> Result<Rc<dyn File>, JournalError> {
        let opened = self.io.disk.open(path, mode).await;
        opened.map_err(failed("open", path))
    }
}
