//! How a shard starts: manifests, then every journal frame after them, in order, through the same `apply` as ever.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use hashbrown::HashMap;

use super::fetch_sessions::FetchSessions;
use super::{Home, PartitionKey, Shard, direct};
use crate::config::Config;
use crate::io::Io;
use crate::io::disk::Space;
use crate::journal::frame::{HardState, Section};
use crate::journal::{Journal, JournalError, JournalOptions, Recovery, Sequence};
use crate::limits;
use crate::log::LogDirectory;
use crate::log::format::partition_of;
use crate::log::manifest::{self, Manifest, ManifestError, ManifestReadError, PartitionState};
use crate::metadata::{CONTROLLER_QUORUM, Image, QUORUMS_PER_SHARD, data_quorum};
use crate::partition::PartitionStart;
use crate::partition::leader_epochs::LeaderEpochs;
use crate::partition::producers::Producers;
use crate::planted::{self, Bug};
use crate::quorum::replica::{ReplicaError, ReplicaStart};
use crate::quorum::{Committed, QuorumId, Quorums};

/// How often a long recovery says how far it is.
const PROGRESS_NS: u64 = 1_000_000_000;
/// The one replica of a lone machine's quorums.
const REPLICA: u64 = 1;

/// Why a shard does not start. Nothing was deleted or overwritten.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal is damaged, or the device fails.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// A manifest is damaged.
    #[error("the checkpoint is damaged: {0}. Restore the file from a copy; nothing was changed")]
    Manifest(#[from] ManifestError),
    /// What is stored contradicts itself.
    #[error("quorum {quorum}: {error}. The data directory is damaged; nothing was changed")]
    Replica {
        /// Which.
        quorum: u32,
        /// How.
        error: ReplicaError,
    },
    /// There are checkpoints, and no journal beside them.
    #[error(
        "{path} holds no journal, but the checkpoints beside it need one: what was acknowledged last would be lost. Restore the directory from a copy; nothing was changed"
    )]
    JournalMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The journal goes on from a checkpoint that is not there.
    #[error(
        "the journal begins with frame {oldest}, so there was a checkpoint of quorum {quorum}, but there is no {path}. Restore the file from a copy; nothing was changed"
    )]
    ManifestMissing {
        /// Whose.
        quorum: u32,
        /// Where it should be.
        path: PathBuf,
        /// The oldest frame of the journal.
        oldest: Sequence,
    },
    /// A frame goes on from a later checkpoint than the one that is there.
    #[error(
        "the journal goes on from frame {wanted}, where there was a checkpoint of quorum {quorum}, but {path} is older or gone. Restore the file from a copy; nothing was changed"
    )]
    ManifestOld {
        /// Whose.
        quorum: u32,
        /// Where it should be.
        path: PathBuf,
        /// The frame it was made from.
        wanted: Sequence,
    },
    /// The journal does not go on where the checkpoint ended.
    #[error(
        "quorum {quorum} is at entry {applied}, but the journal goes on with entry {found}: the checkpoint or the journal is older than the other. Restore both from one copy; nothing was changed"
    )]
    Gap {
        /// Whose.
        quorum: u32,
        /// The last entry before.
        applied: u64,
        /// The next one found.
        found: u64,
    },
    /// A frame is whole and says what cannot be.
    #[error(
        "frame {sequence} of the journal says what cannot be of a partition's segments: a later version wrote it, or it is damaged in memory. Nothing was changed"
    )]
    Stored {
        /// Which.
        sequence: Sequence,
    },
    /// A checkpoint was made from another journal.
    #[error(
        "{path} belongs to another journal than the one beside it. Restore both from one copy; nothing was changed"
    )]
    OtherCheckpoint {
        /// The checkpoint.
        path: PathBuf,
    },
    /// The journal ends before the checkpoint was made.
    #[error(
        "the journal ends with frame {last}, but {path} was made from frame {wanted} of it: the journal is an older copy, or its disk has lost what it had called synced. Restore both from one copy; nothing acknowledged since is in it"
    )]
    JournalOld {
        /// The checkpoint.
        path: PathBuf,
        /// The newest frame of the journal.
        last: Sequence,
        /// The newest frame when the checkpoint was made.
        wanted: Sequence,
    },
    /// A directory or a checkpoint cannot be made or read, whether or not it is well.
    #[error("{path}: {source}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Which shard it is, and what is its own.
#[derive(Debug, Clone)]
pub struct ShardHome {
    /// Its number.
    pub number: u32,
    /// Where its files are.
    pub directory: PathBuf,
    /// Id of its journal.
    pub journal_id: u128,
}

/// What the machine has for a shard.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Memory of the whole machine.
    pub memory_bytes: u64,
    /// Segments that one shard may keep open.
    pub open_segments_max: usize,
    /// Bytes that may wait for a frame of the shard's journal.
    pub prepared_bytes_max: usize,
}

/// What recovery did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recovered {
    /// Frames replayed.
    pub frames: u64,
    /// Bytes of record batches in them.
    pub bytes: u64,
    /// How long it took, milliseconds.
    pub milliseconds: u64,
}

/// What is known of a quorum while frames are replayed.
struct Replaying {
    id: QuorumId,
    hard_state: HardState,
    applied_index: u64,
    applied_term: u64,
    uncommitted: VecDeque<Committed>,
}

/// Opens the shard at `home` and brings it to where it was.
pub async fn open(
    io: Io,
    home: ShardHome,
    config: Arc<Config>,
    machine: Machine,
) -> Result<(Rc<Shard>, Recovered), StartError> {
    let started = io.clock.now();
    let data = &home.directory;
    let space = prepare_directory(&io, data).await?;
    let manifests = manifest::read_all(&io, data).await;
    let manifests = manifests.map_err(|error| match error {
        ManifestReadError::Io { path, source } => StartError::Directory { path, source },
        ManifestReadError::Damaged(error) => error.into(),
    })?;
    if !manifests.is_empty() {
        // Of a run that was killed the last one may have its name in memory only, and frames will go on from it.
        let synced = io.disk.sync_directory(data).await;
        synced.map_err(|source| StartError::Directory {
            path: data.clone(),
            source,
        })?;
    }
    let wanted = newest_origin(&home, &manifests)?;
    let journal_bytes_max = config.journal_bytes_max(space.total_bytes);
    let options = JournalOptions {
        id: home.journal_id,
        directory: data.join("journal"),
        file_bytes: config.journal_file_bytes,
        journal_bytes_max,
        frame_bytes_max: config.frame_bytes_max as usize,
    };
    if !manifests.is_empty() && !has_journal(&io, &options.directory).await? {
        let path = options.directory;
        return Err(StartError::JournalMissing { path });
    }
    let (journal, mut recovery) = Journal::open(io.clone(), options).await?;
    let shard = empty(&io, home, config, (journal, journal_bytes_max), machine);
    let mut quorums = shard.replaying(&manifests)?;
    let sequences = manifests
        .iter()
        .map(|manifest| (manifest.quorum.quorum, manifest.origin.sequence));
    shard.manifest_sequences.borrow_mut().extend(sequences);
    let known = |number| {
        let known = quorums.iter().find(|quorum| quorum.id.0 == number);
        known.map(|quorum| (quorum.applied_index, shard.manifest_sequence(number)))
    };
    let told = direct::read_told(&mut recovery, &shard.data, known).await?;
    *shard.told.borrow_mut() = told;
    for manifest in manifests {
        shard.restore(manifest, &quorums)?;
    }
    let mut recovered = shard.replay_all(&mut recovery, &mut quorums).await?;
    shard.told.take();
    shard.journal_reaches(wanted)?;
    shard.remove_left_over().await?;
    for replaying in quorums {
        shard.start_quorum(replaying)?;
    }
    recovered.milliseconds = io.clock.now().since_ns(started) / 1_000_000;
    Ok((shard, recovered))
}

/// The shard before anything is known of what it holds.
fn empty(
    io: &Io,
    home: ShardHome,
    config: Arc<Config>,
    (journal, journal_bytes_max): (Journal, u64),
    machine: Machine,
) -> Rc<Shard> {
    let shards = io.mesh.shards() as u32;
    Rc::new(Shard {
        metrics: Default::default(),
        number: home.number,
        journal_id: home.journal_id,
        journal,
        quorums: RefCell::new(Quorums::new(
            config.frame_bytes_max as usize,
            machine.prepared_bytes_max,
        )),
        partitions: RefCell::default(),
        logs: LogDirectory::new(
            io.clone(),
            &home.directory,
            machine.open_segments_max,
            limits::INDEX_BYTES_PER_SHARD_MAX,
        ),
        image: RefCell::new(Arc::new(Image::default())),
        controller: RefCell::new(None),
        committed_image: RefCell::new(Image::default()),
        applied_versions: RefCell::new(vec![0; shards as usize]),
        flush_wanted: Default::default(),
        flush_waiters: Default::default(),
        room: Default::default(),
        read_turns: Default::default(),
        write_back_wanted: Default::default(),
        retention: Default::default(),
        compaction: Default::default(),
        coordinators: Default::default(),
        reconcile_wanted: Default::default(),
        publish_wanted: Default::default(),
        has_led: RefCell::default(),
        tails: RefCell::default(),
        reconciled: RefCell::default(),
        followed_version: Cell::new(0),
        told: RefCell::default(),
        kept: RefCell::default(),
        manifest_sequences: RefCell::default(),
        checkpointed: RefCell::default(),
        partition_defaults: RefCell::new(Shard::default_partition_config(&config)),
        settings: RefCell::new(config.clone()),
        dirty_bytes: Cell::new(0),
        stored_bytes: Cell::new(0),
        dirty_bytes_max: config.dirty_bytes_max(machine.memory_bytes, shards, journal_bytes_max),
        read_bytes: Cell::new(0),
        fetch_sessions: RefCell::new(FetchSessions::new(config.fetch_session_slots as usize)),
        out_of_space: Default::default(),
        stopping: Cell::new(false),
        flush_ended: Cell::new(false),
        write_back_ended: Default::default(),
        applied_sequence: Cell::new(0),
        checkpointed_sequence: Cell::new(0),
        io: io.clone(),
        config,
        data: home.directory,
    })
}

/// The newest frame that a checkpoint was made from, and which checkpoint that is.
fn newest_origin(
    home: &ShardHome,
    manifests: &[Manifest],
) -> Result<Option<(Sequence, PathBuf)>, StartError> {
    let path_of = |found: &Manifest| manifest::path(&home.directory, found.quorum.quorum);
    let foreign = |found: &&Manifest| found.origin.journal_id != home.journal_id;
    if let Some(found) = manifests.iter().find(foreign) {
        let path = path_of(found);
        return Err(StartError::OtherCheckpoint { path });
    }
    let newest = manifests.iter().max_by_key(|found| found.origin.sequence);
    Ok(newest.map(|found| (found.origin.sequence, path_of(found))))
}

async fn has_journal(io: &Io, directory: &Path) -> Result<bool, StartError> {
    match io.disk.list(directory).await {
        Ok(entries) => Ok(entries.iter().any(|entry| !entry.is_directory)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(StartError::Directory {
            path: directory.to_owned(),
            source,
        }),
    }
}

async fn prepare_directory(io: &Io, data: &Path) -> Result<Space, StartError> {
    let failed = |source| StartError::Directory {
        path: data.to_owned(),
        source,
    };
    io.disk.create_directory(data).await.map_err(failed)?;
    io.disk.space(data).map_err(failed)
}

impl Shard {
    /// This shard's quorums, as their manifests left them.
    fn replaying(&self, manifests: &[Manifest]) -> Result<Vec<Replaying>, StartError> {
        let controller = (self.number == 0).then_some(CONTROLLER_QUORUM);
        let data = (0..QUORUMS_PER_SHARD).map(|place| data_quorum(self.number, place));
        let fresh = |id| Replaying {
            id,
            hard_state: HardState::default(),
            applied_index: 0,
            applied_term: 0,
            uncommitted: VecDeque::new(),
        };
        let mut quorums: Vec<Replaying> = controller.into_iter().chain(data).map(fresh).collect();
        // The first checkpoint wrote all manifests, before it let the first frame go.
        let oldest = self.journal.oldest_sequence();
        for replaying in &mut quorums {
            let found = manifests
                .iter()
                .find(|manifest| manifest.quorum.quorum == replaying.id.0);
            let Some(found) = found else {
                if oldest > 1 {
                    return Err(StartError::ManifestMissing {
                        quorum: replaying.id.0,
                        path: manifest::path(&self.data, replaying.id.0),
                        oldest,
                    });
                }
                continue;
            };
            let quorum = &found.quorum;
            replaying.hard_state = HardState {
                term: quorum.term,
                vote: quorum.vote,
                commit: quorum.commit,
            };
            replaying.applied_index = quorum.applied_index;
            replaying.applied_term = quorum.applied_term;
        }
        Ok(quorums)
    }

    fn restore(&self, manifest: Manifest, quorums: &[Replaying]) -> Result<(), StartError> {
        let number = manifest.quorum.quorum;
        let Some(place) = quorums.iter().position(|quorum| quorum.id.0 == number) else {
            return Ok(());
        };
        self.followed_version
            .update(|version| version.max(manifest.origin.image_version));
        if quorums[place].id == CONTROLLER_QUORUM {
            let image = &mut *self.committed_image.borrow_mut();
            manifest
                .records
                .iter()
                .for_each(|record| image.replay(record));
            // Records of what is gone are not in a snapshot, but they counted.
            image.version = manifest.origin.image_version;
        }
        for state in manifest.partitions {
            self.restore_partition(place, state)
                .map_err(|problem| ManifestError {
                    path: manifest::path(&self.data, number),
                    problem,
                })?;
        }
        Ok(())
    }

    fn restore_partition(&self, quorum: usize, state: PartitionState) -> Result<(), String> {
        let key = PartitionKey {
            topic_id: state.head.topic_id,
            partition: state.head.partition,
        };
        let start = PartitionStart {
            log_start_offset: match planted::on(Bug::LogStartForgotten) {
                true => 0,
                false => state.head.log_start_offset,
            },
            next_offset: state.head.next_offset,
            leader_epochs: match planted::on(Bug::EpochsForgotten) {
                true => LeaderEpochs::default(),
                false => LeaderEpochs::new(state.leader_epochs),
            },
            producers: Producers::decode(match planted::on(Bug::ProducersForgotten) {
                true => &[],
                false => &state.producers,
            })
            .ok_or_else(|| {
                format!(
                    "the producers of {}-{} are malformed",
                    state.topic, key.partition
                )
            })?,
        };
        let home = Home {
            quorum,
            added_term: state.head.added_term,
        };
        let log = (state.segments, state.cleaned_offset);
        self.insert_partition(key, state.topic, home, (start, log));
        Ok(())
    }

    /// Directories of partitions whose removal is in the journal or behind it, and was not finished: everything that is
    /// known of partitions is replayed, and topic ids are never used again.
    async fn remove_left_over(&self) -> Result<(), StartError> {
        let failed = |source| StartError::Directory {
            path: self.data.clone(),
            source,
        };
        for entry in self.io.disk.list(&self.data).await.map_err(failed)? {
            let Some((partition, topic_id)) = partition_of(&entry.name) else {
                continue;
            };
            let key = PartitionKey {
                topic_id,
                partition,
            };
            if entry.is_directory && self.owned(key).is_none() {
                tracing::info!(directory = %entry.name, "removing what is left of a deleted topic");
                let path = self.data.join(&entry.name);
                self.io.disk.remove(&path).await.map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Replays what the journal holds, all of it, within the same memory as ever.
    async fn replay_all(
        &self,
        recovery: &mut Recovery,
        quorums: &mut [Replaying],
    ) -> Result<Recovered, StartError> {
        let mut recovered = Recovered::default();
        let mut told = self.io.clock.now();
        while let Some(frame) = recovery.next_frame().await? {
            recovered.frames += 1;
            for section in frame.sections {
                recovered.bytes += self.replay(section, frame.sequence, quorums)?;
            }
            self.applied_sequence.set(frame.sequence);
            // On a full file system the journal's size bounds what stays in memory.
            while self.unstored_bytes() > self.dirty_bytes_max
                && !self.out_of_space.segments.get()
                && !self.is_fenced()
                && self.write_back_oldest().await
            {}
            if self.io.clock.now().since_ns(told) >= PROGRESS_NS {
                told = self.io.clock.now();
                let (read, total) = recovery.progress();
                tracing::info!(
                    shard = self.number,
                    read_mib = read >> 20,
                    of_mib = total >> 20,
                    "recovering: replaying the journal"
                );
            }
        }
        self.commit_stored(quorums);
        Ok(recovered)
    }

    /// Whether the journal, now replayed, holds the frame that a checkpoint was made from.
    fn journal_reaches(&self, wanted: Option<(Sequence, PathBuf)>) -> Result<(), StartError> {
        let last = self.journal.next_sequence() - 1;
        match wanted {
            Some((wanted, path)) if wanted > last => {
                Err(StartError::JournalOld { path, last, wanted })
            }
            _ => Ok(()),
        }
    }

    /// One section of a frame: entries wait for the commit index that covers them; what is committed is applied.
    fn replay(
        &self,
        section: Section<crate::io::buffer::Slice>,
        sequence: Sequence,
        quorums: &mut [Replaying],
    ) -> Result<u64, StartError> {
        let Some(place) = quorums
            .iter()
            .position(|quorum| quorum.id.0 == section.quorum)
        else {
            return Ok(0);
        };
        let quorum = &mut quorums[place];
        let mut bytes = 0;
        for entry in section.entries {
            let last = quorum
                .uncommitted
                .back()
                .map_or(quorum.applied_index, |entry| entry.index);
            if entry.index <= last {
                continue;
            }
            if entry.index != last + 1 {
                return Err(StartError::Gap {
                    quorum: quorum.id.0,
                    applied: last,
                    found: entry.index,
                });
            }
            bytes += entry
                .items
                .iter()
                .map(|item| item.body.len() as u64)
                .sum::<u64>();
            quorum.uncommitted.push_back(Committed {
                quorum: place,
                index: entry.index,
                term: entry.term,
                sequence,
                items: entry.items,
            });
        }
        if let Some(state) = section.hard_state {
            quorum.hard_state.term = quorum.hard_state.term.max(state.term);
            if state.term == quorum.hard_state.term {
                quorum.hard_state.vote = state.vote;
            }
            quorum.hard_state.commit = quorum.hard_state.commit.max(state.commit);
        }
        self.apply_committed(quorum);
        Ok(bytes)
    }

    fn apply_committed(&self, quorum: &mut Replaying) {
        while quorum
            .uncommitted
            .front()
            .is_some_and(|entry| entry.index <= quorum.hard_state.commit)
        {
            let entry = quorum.uncommitted.pop_front().expect("just seen");
            quorum.applied_index = entry.index;
            quorum.applied_term = entry.term;
            self.apply(entry);
        }
    }

    /// The journal is read to its end and synced, so what stands in it is stored by a majority of the one voter: committed,
    /// although no later frame says so. A checkpoint may come before the first flush; it finds all of it applied.
    fn commit_stored(&self, quorums: &mut [Replaying]) {
        for quorum in quorums {
            let last = quorum.uncommitted.back().map(|entry| entry.index);
            quorum.hard_state.commit = quorum.hard_state.commit.max(last.unwrap_or(0));
            self.apply_committed(quorum);
        }
    }

    fn start_quorum(&self, replaying: Replaying) -> Result<(), StartError> {
        let start = ReplicaStart {
            replica: REPLICA,
            voters: vec![REPLICA],
            hard_state: replaying.hard_state,
            applied_index: replaying.applied_index,
            applied_term: replaying.applied_term,
            entry_terms: replaying
                .uncommitted
                .iter()
                .map(|entry| entry.term)
                .collect(),
        };
        let failed = |error| StartError::Replica {
            quorum: replaying.id.0,
            error,
        };
        self.quorums
            .borrow_mut()
            .add(replaying.id, &start, replaying.uncommitted.into())
            .map_err(failed)?;
        self.has_led.borrow_mut().push(false);
        Ok(())
    }

    /// After a flush: quorums that have just opened lead their partitions in a new epoch, and the controller opens.
    pub(in crate::shard) fn lead_opened(&self) {
        let quorums = self.quorums.borrow();
        let opened: HashMap<usize, u64> = {
            let mut led = self.has_led.borrow_mut();
            let newly = (0..quorums.len()).filter(|place| {
                quorums.is_open(*place) && !std::mem::replace(&mut led[*place], true)
            });
            newly.map(|place| (place, quorums.term(place))).collect()
        };
        if opened.is_empty() {
            return;
        }
        for owned in self.partitions.borrow().values() {
            if let Some(term) = opened.get(&owned.quorum) {
                let epoch = i32::try_from(term - owned.added_term)
                    .expect("a broker restarts less than 2^31 times");
                owned.partition.borrow_mut().lead(epoch);
            }
        }
        let controller = quorums
            .place(CONTROLLER_QUORUM)
            .is_some_and(|place| opened.contains_key(&place));
        drop(quorums);
        if controller {
            self.open_controller();
            self.publish_wanted.set();
        }
    }
}
