//! Pelton: an event-streaming broker, one pinned thread a core, share-nothing.
//!
//! A produce walks straight down: [`net::connection`] cuts a request out, [`api::produce`] splits it by partition,
//! [`router`] finds the owner, [`partition`] decides, [`quorum`] gives it its place in a log, [`journal`] makes it durable
//! with one flush for all who wait, [`io::disk`] writes. Commits come back through [`shard`]'s loop, which applies them.
//!
//! | module | what it decides or does | never |
//! |---|---|---|
//! | [`serve`] | starts and stops the shards, the banner | serves requests |
//! | [`data_directory`] | the lock on it, its own manifest, whether all shards are there | opens a shard |
//! | [`net`] | listeners, connections, order of replies, bytes in flight | interprets a body |
//! | [`api`] | THE table of APIs and versions; one file a request; errors to Kafka's codes | touches sockets or files |
//! | [`router`] | which shard owns what; the one mesh hop | decides about what it carries |
//! | [`shard`] | what one core owns; its loop: commit, apply, write back, checkpoint, recover; retention and compaction | parses requests |
//! | [`partition`] | Kafka's checks, offsets, producers, leader epochs, tail memory | does IO |
//! | [`quorum`] | propose, flush window, commit; raft behind it | applies |
//! | [`journal`] | frames of one shard: gather, write, sync, recycle, recover | knows partitions |
//! | [`log`] | segments, indexes, manifests; writes segments again without what was replaced | knows the journal |
//! | [`replicated`], [`controller`] | the state machine shape; topics, placement, settings, producer ids | do IO |
//! | [`coordinator`] | consumer groups: members, generations, offsets | does IO |
//! | [`metadata`] | the immutable image every shard reads | changes by itself |
//! | [`metrics`], [`admin`] | what a shard counts; the HTTP listener that tells it, and health | slows the hot path: an increment is a store |
//! | [`config`], [`limits`] | settings and their origins; every bound | |
//! | [`inspect`] | a segment (ours or Kafka's), index, journal file or manifest in words | changes what it reads |
//! | [`planted`] | bugs on purpose, for the simulator to find; nothing without its feature | plants one by itself |
//! | [`preflight`] | what this host lacks | |
//! | [`io`] | the one door: disk, net, mesh, clock, randomness, executor | decides |

pub mod admin;
pub mod api;
pub mod cli;
pub mod config;
pub mod controller;
pub mod coordinator;
pub mod data_directory;
pub mod inspect;
pub mod io;
pub mod journal;
pub mod limits;
pub mod log;
pub mod logging;
pub mod metadata;
pub mod metrics;
pub mod net;
pub mod partition;
pub mod planted;
pub mod preflight;
pub mod quorum;
pub mod replicated;
pub mod router;
pub mod serve;
pub mod shard;
