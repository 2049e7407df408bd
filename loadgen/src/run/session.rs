//! What a core's loop and its sessions say to each other. A session is one connection's work: it decides what is sent when, and is
//! told when its socket is ready, when its time has come, and when its connection is lost.

use protocol::fetch::FetchStreamError;
use protocol::primitives::DecodeError;
use protocol::record_batch::BatchBuildError;
use thiserror::Error;

use super::link::Link;
use super::record::{Recorder, Window};
use crate::client::cluster::Place;
use crate::client::kafka::ClientError;
use crate::content::BatchPool;

/// Failures told in words, of one core.
const FAILURES_MAX: usize = 16;
/// Bytes read at once: with what is around it, it fits a core's second-level cache.
pub const READ_BYTES: usize = 256 << 10;

/// Why a session's connection is of no use any more.
#[derive(Debug, Error)]
pub enum LinkError {
    /// It broke.
    #[error("connection lost: {0}")]
    Io(#[from] std::io::Error),
    /// No answer.
    #[error("no answer for {0} s")]
    NoAnswer(u64),
    /// The answer is no answer to what was asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The answer does not parse.
    #[error("response does not parse: {0}")]
    Decode(#[from] DecodeError),
    /// The answer does not parse.
    #[error(transparent)]
    Fetch(#[from] FetchStreamError),
    /// The answer is not about what was asked.
    #[error("the answer is not about the partitions asked for")]
    Unasked,
    /// Asks to look up the leader again.
    #[error("{0}")]
    Elsewhere(ClientError),
    /// A batch cannot be built.
    #[error(transparent)]
    Build(#[from] BatchBuildError),
}

/// What the sessions of a core share.
pub struct Context {
    /// Prebuilt batches; `None` where nothing is produced.
    pub pool: Option<BatchPool>,
    /// For reading.
    pub buffer: Vec<u8>,
    /// Counts.
    pub recorder: Recorder,
    /// What went wrong, in words; the first few.
    pub failures: Vec<String>,
    /// What else is counted.
    pub totals: Totals,
    /// Whether the operator wants an end.
    pub stopped: bool,
}

/// Counted over a whole run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    /// Requests that the broker refused.
    pub refused_requests: u64,
    /// Records in them.
    pub refused_records: u64,
    /// Records sent whose answer never came: they may or may not be there.
    pub ambiguous_records: u64,
    /// Records sent again by idempotent producers.
    pub retried_records: u64,
    /// Connections that were lost.
    pub disconnects: u64,
    /// Base offsets that went back.
    pub base_offset_regressions: u64,
}

impl Totals {
    /// Adds another core's.
    pub fn add(&mut self, other: &Self) {
        self.refused_requests += other.refused_requests;
        self.refused_records += other.refused_records;
        self.ambiguous_records += other.ambiguous_records;
        self.retried_records += other.retried_records;
        self.disconnects += other.disconnects;
        self.base_offset_regressions += other.base_offset_regressions;
    }
}

impl Context {
    /// The measured window.
    pub fn window(&self) -> Window {
        self.recorder.window()
    }

    /// Keeps a failure in words, if there are not enough already.
    pub fn fail(&mut self, failure: impl FnOnce() -> String) {
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(failure());
        }
    }
}

/// One connection's work.
pub trait Session {
    /// A partition whose leader it wants to talk to.
    fn place(&self) -> Place;
    /// It is connected: for the first time, or again.
    fn begin(&mut self, link: Link, context: &mut Context, now: u64) -> Result<(), LinkError>;
    /// Its socket may be read or written again; `ended`: its end is to be read.
    fn handle_ready(
        &mut self,
        context: &mut Context,
        now: u64,
        ended: bool,
    ) -> Result<(), LinkError>;
    /// [`Session::next_deadline`] has come.
    fn handle_time(&mut self, context: &mut Context, now: u64) -> Result<(), LinkError>;
    /// When it wants to be called without its socket being ready, ns.
    fn next_deadline(&self, window: Window) -> u64;
    /// Its connection is lost.
    fn handle_loss(&mut self, context: &mut Context, now: u64);
    /// It is done, or will not be connected again and so is done now. Called once.
    fn close(&mut self, context: &mut Context);
    /// Whether it has nothing left to do.
    fn is_done(&self) -> bool;
    /// What came of it.
    fn finish(self: Box<Self>) -> SessionEnd;
}

/// What came of a session.
pub enum SessionEnd {
    /// By producer.
    Produce(Vec<crate::verify::ledger::ProducerLedger>),
    /// By partition.
    Consume(Vec<super::consume::PartitionEnd>),
}
