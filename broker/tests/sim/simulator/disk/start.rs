//! The disk as a start sees it before any shard runs. A start may be cut short between any two of its steps.

use std::any::Any;
use std::io;
use std::path::Path;
use std::time::Duration;

use broker::io::buffer::WriteBuffer;
use broker::io::disk::OpenMode;
use broker::io::start::StartFiles;

use super::{Action, Fate, PAGE_BYTES, SimDisk, parent, text};

impl SimDisk {
    /// The next start's process is killed after that many of its steps; `None`: it is not.
    pub fn cut_start_short(&self, steps: Option<u32>) {
        self.0.start_left.set(steps);
    }

    /// Whether the last start was cut short.
    pub fn was_cut_short(&self) -> bool {
        self.0.start_left.get() == Some(0)
    }

    fn step(&self, action: Action, name: &str) -> io::Result<()> {
        match self.0.start_left.get() {
            None => {}
            Some(0) => return Err(io::Error::other("the process was killed")),
            Some(left) => self.0.start_left.set(Some(left - 1)),
        }
        let (faults, random) = (&self.0.faults, &self.0.random);
        faults.strike(action, name, random).map_or(Ok(()), Err)
    }
}

impl StartFiles for SimDisk {
    fn lock_directory(&self, directory: &Path, _: Duration) -> io::Result<Box<dyn Any>> {
        let directory = text(directory);
        self.step(Action::CreateDirectory, &directory)?;
        self.create_directory_now(&directory)?;
        let mut above = &*directory;
        while above != "/" {
            above = parent(above);
            self.step(Action::SyncDirectory, above)?;
            if self.becomes_durable(Fate::Complete) {
                self.sync_directory_now(above)?;
            }
        }
        Ok(Box::new(()))
    }

    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        let path = text(path);
        self.step(Action::Read, &path)?;
        let content = self.0.names.borrow().file(&path)?;
        let content = content.borrow();
        Ok(content.read(0, content.bytes() as usize).to_vec())
    }

    fn write_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let path = text(path);
        let temporary = format!("{path}.tmp");
        self.step(Action::Create, &temporary)?;
        let content = self.open_now(&temporary, OpenMode::Create)?;
        let whole = bytes.len().next_multiple_of(PAGE_BYTES);
        let mut buffer = WriteBuffer::new(whole);
        buffer.as_mut_slice().fill(0);
        buffer.as_mut_slice()[..bytes.len()].copy_from_slice(bytes);
        self.take_space(content.borrow().growth_to(whole as u64))?;
        {
            let mut content = content.borrow_mut();
            content.write(0, &buffer.freeze(), self.next_moment());
            content.truncate(bytes.len() as u64, self.next_moment());
        }
        self.step(Action::Sync, &temporary)?;
        if self.becomes_durable(Fate::Complete) {
            content.borrow_mut().sync(self.0.moment.get());
        }
        self.step(Action::Rename, &path)?;
        self.rename_now(&temporary, path.clone())?;
        self.step(Action::SyncDirectory, &path)?;
        match self.becomes_durable(Fate::Complete) {
            true => self.sync_directory_now(parent(&path)),
            false => Ok(()),
        }
    }

    fn list_names(&self, directory: &Path) -> io::Result<Vec<String>> {
        let directory = text(directory);
        self.step(Action::List, &directory)?;
        let listed = self.0.names.borrow().list(&directory)?;
        Ok(listed.into_iter().map(|(name, _)| name).collect())
    }

    fn random_u128(&self) -> u128 {
        u128::from(self.0.random.next()) << 64 | u128::from(self.0.random.next())
    }

    fn wall_ms(&self) -> i64 {
        super::super::clock::wall_ms(&self.0.world)
    }
}
