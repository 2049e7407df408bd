//! The data directory as a whole, looked at before any shard opens: its lock, the one page that says what it is
//! (`storage.manifest`), and whether all shards it names are there. Deletes nothing, and changes nothing it refuses.
//!
//! The first start writes `storage.plan`, makes the shards, and renames it to `storage.manifest` when all of them are
//! made: from then on a shard that is missing was lost, and a plan alone means that nothing was ever acknowledged here.

use std::any::Any;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::frame::{Frame, FrameBuilder};
use protocol::native::StorageManifest;

use crate::cli::ExitCode;
use crate::config::Config;
use crate::controller;
use crate::io::Io;
use crate::io::start::StartFiles;

/// Version of everything in a data directory.
const FORMAT_VERSION: u32 = 3;
/// Largest storage manifest, bytes.
const MANIFEST_BYTES_MAX: usize = 4096;
/// How long the lock of a broker that has just ended may outlive it.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const MANIFEST: &str = "storage.manifest";
const PLAN: &str = "storage.plan";

/// Why the broker does not start: the process's exit code, and a sentence that says what to do.
pub type Refusal = (ExitCode, String);

/// A data directory that is this process's own.
pub struct DataDirectory {
    path: PathBuf,
    manifest: StorageManifest,
    _lock: Box<dyn Any>,
}

impl DataDirectory {
    /// Takes the directory `config` names, makes it if it is new, and checks that it is whole.
    ///
    /// # Errors
    /// Another broker has it; it cannot be written; it is of another format or number of shards; something is missing.
    pub fn open(config: &Config, cores: u32, files: &dyn StartFiles) -> Result<Self, Refusal> {
        let path = config.data_dir.clone();
        let lock = files.lock_directory(&path, LOCK_PATIENCE).map_err(|error| match error
            .kind()
        {
            ErrorKind::WouldBlock => (
                ExitCode::Busy,
                format!(
                    "{} is in use by another broker: stop that one, or choose another --data-dir",
                    path.display()
                ),
            ),
            _ => unusable(&path, &error),
        })?;
        let manifest = match read(files, &path.join(MANIFEST))? {
            Some(manifest) => {
                same_shards(config, &path, &manifest)?;
                all_there(files, &path, manifest.shard_count)?;
                manifest
            }
            None => match read(files, &path.join(PLAN))? {
                Some(plan) => {
                    same_shards(config, &path, &plan)?;
                    // The start that wrote it may have ended before its name was durable, and shards are made under it.
                    write_plan(&plan, &path, files)?;
                    plan
                }
                None => first_start(config, &path, cores, files)?,
            },
        };
        Ok(Self {
            path,
            manifest,
            _lock: lock,
        })
    }

    /// Shards that live here.
    pub fn shards(&self) -> u32 {
        self.manifest.shard_count
    }

    /// The cluster's id, chosen at the first start; `fresh` where an older broker kept it with the controller alone.
    pub fn cluster_id_or(&self, fresh: impl FnOnce() -> u128) -> u128 {
        match self.manifest.cluster_id {
            0 => fresh(),
            known => known,
        }
    }

    /// Random, of this directory: its shards' journals have their ids from it.
    pub fn id(&self) -> u128 {
        self.manifest.directory_id
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// All shards of the directory `path` are made, and none has served yet: the plan, if there is one, becomes the manifest.
pub async fn complete(io: &Io, path: &Path) -> Result<(), Refusal> {
    let failed = |error| unusable(path, &error);
    // The names of the shards' own directories first: a manifest without them would say that they were lost.
    io.disk.sync_directory(path).await.map_err(failed)?;
    match io.disk.rename(&path.join(PLAN), path.join(MANIFEST)).await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(error)),
        // An earlier start may have renamed it, and ended before that was durable.
        _ => io.disk.sync_directory(path).await.map_err(failed),
    }
}

/// What a file system that says no means for an operator.
pub fn unusable(path: &Path, error: &Error) -> Refusal {
    let advice = match error.kind() {
        ErrorKind::PermissionDenied => {
            "Give this user the right to write there, or choose another --data-dir"
        }
        ErrorKind::ReadOnlyFilesystem => "Mount it for writing, or choose another --data-dir",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "Make space there, set a smaller journal.file.bytes and journal.bytes.max, or choose another --data-dir"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "A file is in the way: choose another --data-dir"
        }
        _ => "See whether the disk is well, or choose another --data-dir",
    };
    (
        ExitCode::Unusable,
        format!("{} cannot be used: {error}. {advice}", path.display()),
    )
}

fn read(files: &dyn StartFiles, path: &Path) -> Result<Option<StorageManifest>, Refusal> {
    let bytes = match files.read_file(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(path, &error)),
    };
    let damaged = |problem: String| {
        let text = format!(
            "{} is damaged: {problem}. Restore it from a copy; nothing was changed",
            path.display()
        );
        (ExitCode::Damaged, text)
    };
    let (frame, _) =
        Frame::parse(&bytes, MANIFEST_BYTES_MAX).map_err(|error| damaged(error.to_string()))?;
    let manifest = StorageManifest::decode(&frame).map_err(|error| damaged(error.to_string()))?;
    if manifest.format_version != FORMAT_VERSION {
        let text = format!(
            "{} says format version {}, but this broker reads version {FORMAT_VERSION}: start the broker that wrote it, \
             or choose another --data-dir; nothing was changed",
            path.display(),
            manifest.format_version
        );
        return Err((ExitCode::OtherLayout, text));
    }
    if manifest.shard_count == 0 {
        return Err(damaged("it names no shard".to_owned()));
    }
    Ok(Some(manifest))
}

fn same_shards(config: &Config, path: &Path, manifest: &StorageManifest) -> Result<(), Refusal> {
    match config.shards {
        Some(asked) if asked != manifest.shard_count => Err((
            ExitCode::OtherLayout,
            format!(
                "{} was made with {} shards, but shards is set to {asked}: leave the setting out, or choose another \
                 --data-dir; nothing was changed",
                path.display(),
                manifest.shard_count
            ),
        )),
        _ => Ok(()),
    }
}

fn all_there(files: &dyn StartFiles, path: &Path, shards: u32) -> Result<(), Refusal> {
    for shard in 0..shards {
        let journal = shard_directory(path, shard).join("journal");
        let files = match files.list_names(&journal) {
            Ok(files) => files,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(unusable(&journal, &error)),
        };
        if !files.iter().any(|name| name.ends_with(".journal")) {
            let text = format!(
                "{} holds no journal, but shard {shard} of {shards} had one: what was acknowledged there is lost without \
                 it. Restore the directory from a copy, or choose another --data-dir to start anew; nothing was changed",
                journal.display()
            );
            return Err((ExitCode::Damaged, text));
        }
    }
    Ok(())
}

/// Where shard `number` keeps its files.
pub fn shard_directory(path: &Path, number: u32) -> PathBuf {
    path.join(format!("shard-{number}"))
}

/// The id of the journal of shard `number` in the directory of this id: the journal of another is refused.
pub fn journal_id(directory_id: u128, number: u32) -> u128 {
    directory_id.wrapping_add(u128::from(number))
}

fn first_start(
    config: &Config,
    path: &Path,
    cores: u32,
    files: &dyn StartFiles,
) -> Result<StorageManifest, Refusal> {
    let names = files
        .list_names(path)
        .map_err(|error| unusable(path, &error))?;
    if let Some(shard) = names.iter().find(|name| name.starts_with("shard-")) {
        let text = format!(
            "{} is missing, but there is {shard}: without it nobody knows how many shards belong here. Restore the file \
             from a copy, or choose another --data-dir to start anew; nothing was changed",
            path.join(MANIFEST).display()
        );
        return Err((ExitCode::Damaged, text));
    }
    let manifest = StorageManifest {
        format_version: FORMAT_VERSION,
        cluster_id: controller::uuid(files.random_u128()),
        directory_id: files.random_u128(),
        machine_id: config.machine_id,
        shard_count: config.shards.unwrap_or(cores).max(1),
        shard: 0,
        created_ms: files.wall_ms(),
    };
    write_plan(&manifest, path, files)?;
    Ok(manifest)
}

fn write_plan(plan: &StorageManifest, path: &Path, files: &dyn StartFiles) -> Result<(), Refusal> {
    let mut builder = FrameBuilder::new();
    let bytes = plan
        .encode(&mut builder)
        .map_err(|error| (ExitCode::Runtime, error.to_string()))?;
    files
        .write_file(&path.join(PLAN), bytes)
        .map_err(|error| unusable(path, &error))
}
