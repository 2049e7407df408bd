//! How a shard starts: manifests, then every journal frame after them, in order, through the same `apply` as ever.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use hashbrown::HashMap;

use super::{Owned, PartitionKey, Shard};
use crate::config::Config;
use crate::io::Io;
use crate::io::disk::Space;
use crate::journal::frame::{HardState, Section};
use crate::journal::{Journal, JournalError, JournalOptions, Sequence};
use crate::limits;
use crate::log::manifest::{self, Manifest, ManifestError, PartitionState};
use crate::log::{OpenFiles, PartitionLog};
use crate::logging::RateLimit;
use crate::metadata::{CONTROLLER_QUORUM, Image, QUORUMS_PER_SHARD, data_quorum};
use crate::partition::leader_epochs::LeaderEpochs;
use crate::partition::producers::Producers;
use crate::partition::{Partition, PartitionStart};
use crate::quorum::replica::{ReplicaError, ReplicaStart};
use crate::quorum::{Committed, QuorumId, Quorums};

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
    /// The directory cannot be made.
    #[error("{path}: {source}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
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

/// Opens the shard `number` in `data` and brings it to where it was.
pub async fn open(
    io: Io,
    number: u32,
    config: Arc<Config>,
    data: PathBuf,
    memory_bytes: u64,
) -> Result<(Rc<Shard>, Recovered), StartError> {
    let started = io.clock.now();
    let space = prepare_directory(&io, &data).await?;
    let journal_bytes_max = config.journal_bytes_max(space.total_bytes);
    let options = JournalOptions {
        directory: data.join("journal"),
        file_bytes: config.journal_file_bytes,
        journal_bytes_max,
        frame_bytes_max: config.frame_bytes_max as usize,
    };
    let (journal, mut recovery) = Journal::open(io.clone(), options).await?;
    let manifests = manifest::read_all(&io, &data).await?;
    let shards = io.mesh.shards() as u32;
    let shard = Rc::new(Shard {
        number,
        connections: Cell::new(0),
        journal,
        quorums: RefCell::new(Quorums::new(config.frame_bytes_max as usize)),
        partitions: RefCell::default(),
        open_files: OpenFiles::new(limits::OPEN_SEGMENTS_PER_SHARD_MAX),
        image: RefCell::new(Arc::new(Image::default())),
        controller: RefCell::new(None),
        committed_image: RefCell::new(Image::default()),
        applied_versions: RefCell::new(vec![0; shards as usize]),
        flush_wanted: Default::default(),
        flush_waiters: RefCell::default(),
        write_back_wanted: Default::default(),
        reconcile_wanted: Default::default(),
        publish_wanted: Default::default(),
        led: RefCell::default(),
        dirty_bytes: Cell::new(0),
        dirty_bytes_max: config.dirty_bytes_max(memory_bytes, shards, journal_bytes_max),
        out_of_space: Cell::new(false),
        stopping: Cell::new(false),
        write_back_ended: Cell::new(false),
        applied_sequence: Cell::new(0),
        checkpointed_sequence: Cell::new(0),
        refusals: RefCell::new(RateLimit::default()),
        io: io.clone(),
        config,
        data,
    });
    let mut quorums = shard.replaying(&manifests);
    for manifest in manifests {
        shard.restore(manifest, &quorums);
    }
    let mut recovered = Recovered::default();
    while let Some(frame) = recovery.next_frame().await? {
        recovered.frames += 1;
        for section in frame.sections {
            recovered.bytes += shard.replay(section, frame.sequence, &mut quorums);
        }
        shard.applied_sequence.set(frame.sequence);
        while shard.dirty_bytes.get() > shard.dirty_bytes_max && shard.write_back_oldest().await {}
    }
    for replaying in quorums {
        shard.start_quorum(replaying)?;
    }
    recovered.milliseconds = io.clock.now().since_ns(started) / 1_000_000;
    Ok((shard, recovered))
}

async fn prepare_directory(io: &Io, data: &std::path::Path) -> Result<Space, StartError> {
    let failed = |source| StartError::Directory {
        path: data.to_owned(),
        source,
    };
    io.disk.create_directory(data).await.map_err(failed)?;
    io.disk.space(data).map_err(failed)
}

impl Shard {
    /// This shard's quorums, as their manifests left them.
    fn replaying(&self, manifests: &[Manifest]) -> Vec<Replaying> {
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
        for replaying in &mut quorums {
            if let Some(found) = manifests
                .iter()
                .find(|manifest| manifest.quorum.quorum == replaying.id.0)
            {
                let quorum = &found.quorum;
                replaying.hard_state = HardState {
                    term: quorum.term,
                    vote: quorum.vote,
                    commit: quorum.commit,
                };
                replaying.applied_index = quorum.applied_index;
                replaying.applied_term = quorum.applied_term;
            }
        }
        quorums
    }

    fn restore(&self, manifest: Manifest, quorums: &[Replaying]) {
        let place = quorums
            .iter()
            .position(|quorum| quorum.id.0 == manifest.quorum.quorum);
        let Some(place) = place else { return };
        manifest
            .records
            .iter()
            .for_each(|record| self.committed_image.borrow_mut().replay(record));
        for state in manifest.partitions {
            self.restore_partition(place, state);
        }
    }

    fn restore_partition(&self, quorum: usize, state: PartitionState) {
        let key = PartitionKey {
            topic_id: state.head.topic_id,
            partition: state.head.partition,
        };
        let log = PartitionLog::new(
            self.io.clone(),
            &self.data,
            &state.topic,
            key.partition,
            key.topic_id,
            self.open_files.clone(),
        );
        log.restore(state.segments);
        let start = PartitionStart {
            log_start_offset: state.head.log_start_offset,
            next_offset: state.head.next_offset,
            leader_epochs: LeaderEpochs::new(state.leader_epochs),
            producers: Producers::decode(&state.producers).unwrap_or_default(),
        };
        let owned = Owned {
            partition: RefCell::new(Partition::new(self.default_partition_config(), start)),
            log,
            topic: state.topic.as_str().into(),
            quorum,
            added_term: state.head.added_term,
            waiters: RefCell::default(),
        };
        self.partitions.borrow_mut().insert(key, Rc::new(owned));
    }

    /// One section of a frame: entries wait for the commit index that covers them; what is committed is applied.
    fn replay(
        &self,
        section: Section<crate::io::buffer::Slice>,
        sequence: Sequence,
        quorums: &mut [Replaying],
    ) -> u64 {
        let Some(place) = quorums
            .iter()
            .position(|quorum| quorum.id.0 == section.quorum)
        else {
            return 0;
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
            assert_eq!(
                entry.index,
                last + 1,
                "the journal holds every entry after the checkpoint"
            );
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
        bytes
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
        self.led.borrow_mut().push(false);
        Ok(())
    }

    /// After a flush: quorums that have just opened lead their partitions in a new epoch, and the controller opens.
    pub(in crate::shard) fn lead_opened(&self) {
        let quorums = self.quorums.borrow();
        let opened: HashMap<usize, u64> = {
            let mut led = self.led.borrow_mut();
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
