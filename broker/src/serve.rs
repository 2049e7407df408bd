//! Starts the broker and stops it: one executor a shard, recovery, listeners, the banner, draining. Serves nothing itself.
//!
//! No shard writes before all have recovered, so a damaged one stops the start before anything is changed; no shard
//! serves before the data directory is complete; the banner comes when every port is open.

use std::net::{SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use futures_lite::future::or;
use protocol::primitives::Uuid;

use crate::admin::Admin;
use crate::cli::ExitCode;
use crate::config::{Advertise, Config, Origin, host_port};
use crate::controller::{self, ControllerRequest};
use crate::data_directory::{self, DataDirectory, Refusal};
use crate::io::Io;
use crate::io::host;
use crate::io::production::{self, Gate, ShardPlan, SystemStart, Termination};
use crate::io::start::StartFiles as _;
use crate::journal::JournalError;
use crate::limits;
use crate::log::manifest::ManifestError;
use crate::net::{self, Server};
use crate::preflight;
use crate::router::Router;
use crate::shard::Shard;
use crate::shard::recovery::{self, Machine, Recovered, ShardHome, StartError};

/// How often a taken port is tried again, and after which pause.
const BIND_TRIES: u32 = 20;
const BIND_PAUSE: Duration = Duration::from_millis(50);
/// What a host is taken to have that does not tell.
const MEMORY_BYTES_UNKNOWN: u64 = 1 << 30;
/// How long a stop waits for replies under way, and then for the checkpoint: together below ten seconds.
const DRAIN_PATIENCE: Duration = Duration::from_secs(1);
const STOP_PATIENCE: Duration = Duration::from_secs(7);

/// Runs the broker until it is asked to stop.
pub fn run(config: &Config) -> ExitCode {
    match start(config) {
        Ok(code) => code,
        Err((code, message)) => {
            tracing::error!("{message}");
            code
        }
    }
}

/// What the shards of a start know of each other.
pub struct Startup {
    config: Arc<Config>,
    machine: Machine,
    directory_id: u128,
    cluster_id: u128,
    cores: Vec<usize>,
    termination: Termination,
    /// Shards that have recovered, and what that was in all; milliseconds of the slowest.
    recovered: AtomicU32,
    frames: AtomicU64,
    bytes: AtomicU64,
    milliseconds: AtomicU64,
    all_recovered: Gate,
    /// Shards whose ports are open.
    serving: AtomicU32,
    all_serving: Gate,
}

fn start(config: &Config) -> Result<ExitCode, Refusal> {
    let cpus = production::usable_cpus();
    let directory = DataDirectory::open(config, cpus.len() as u32, &SystemStart)?;
    let shards = directory.shards() as usize;
    let plan = ShardPlan {
        cpus: (0..shards).map(|shard| cpus[shard % cpus.len()]).collect(),
        spin_before_park_us: if cpus.len() > shards {
            config.spin_before_park_us
        } else {
            0
        },
        io_memory_bytes: config.io_memory_bytes as usize,
        data_directory: directory.path().to_owned(),
    };
    let termination = Termination::watch()
        .map_err(|error| (ExitCode::Runtime, format!("cannot watch signals: {error}")))?;
    let open_files = host::raise_open_files().unwrap_or(1024);
    let (connections_max, open_segments_max) = share_descriptors(open_files, shards);
    let mut config = config.clone();
    config.connections_max = config.connections_max.min(connections_max);
    let machine = Machine {
        memory_bytes: preflight::memory_bytes(&host::LinuxHost).unwrap_or(MEMORY_BYTES_UNKNOWN),
        open_segments_max,
        prepared_bytes_max: limits::PREPARED_BYTES_PER_SHARD_MAX as usize,
    };
    let cluster_id = directory.cluster_id_or(|| controller::uuid(SystemStart.random_u128()));
    let ids = (directory.id(), cluster_id);
    let startup = Startup::new(config, machine, ids, plan.cpus.clone(), termination);
    let startup = Arc::new(startup);
    let body = move |io: Io| -> crate::io::LocalBoxFuture<'static, i32> {
        let startup = startup.clone();
        Box::pin(async move {
            let ended = run_shard(io, &startup, |_| {}).await;
            let code = ended.unwrap_or_else(|refusal| {
                tracing::error!("{}", refusal.1);
                refusal.0
            });
            code as i32
        })
    };
    let codes = production::run(&plan, body)
        .map_err(|error| (ExitCode::Runtime, format!("a shard could not run: {error}")))?;
    let failed = codes.into_iter().find(|code| *code != ExitCode::Ok as i32);
    Ok(failed.map_or(ExitCode::Ok, ExitCode::of))
}

/// How many connections and how many open segments each of `shards` may have, so that a flood of connections never
/// takes the descriptors that segments and journals need.
fn share_descriptors(open_files: u64, shards: usize) -> (u32, usize) {
    let own = usize::try_from(open_files).unwrap_or(usize::MAX) / shards.max(1);
    let rest = own.saturating_sub(limits::OTHER_DESCRIPTORS_PER_SHARD);
    let segments = (rest / 4).clamp(1, limits::OPEN_SEGMENTS_PER_SHARD_MAX);
    let connections = rest.saturating_sub(segments).max(1);
    (u32::try_from(connections).unwrap_or(u32::MAX), segments)
}

/// One shard's life: it recovers, serves until the end is asked for, and stops. When it ends, for whatever reason, all end.
/// `opened` sees it once it has recovered.
///
/// # Errors
/// Why it does not start.
pub async fn run_shard(
    io: Io,
    startup: &Startup,
    opened: impl FnOnce(&Rc<Router>),
) -> Result<ExitCode, Refusal> {
    let ended = live(io, startup, opened).await;
    startup.termination.ask();
    ended
}

async fn live(
    io: Io,
    startup: &Startup,
    opened: impl FnOnce(&Rc<Router>),
) -> Result<ExitCode, Refusal> {
    let number = io.mesh.shard() as u32;
    let config = &startup.config;
    let home = ShardHome {
        number,
        directory: data_directory::shard_directory(&config.data_dir, number),
        journal_id: data_directory::journal_id(startup.directory_id, number),
    };
    let admin = (number == 0).then(|| Admin::new(io.clone()));
    if let Some(admin) = &admin {
        listen_admin(admin, config)?;
    }
    let (shard, recovered) = recovery::open(io, home, config.clone(), startup.machine)
        .await
        .map_err(|error| refusal_of(number, &error))?;
    startup.shard_recovered(&shard.io, recovered).await?;
    if !startup
        .unless_asked_to_stop(startup.all_recovered.opened())
        .await
    {
        return Ok(ExitCode::Ok);
    }
    let router = Router::new(shard.clone());
    if let Some(admin) = admin {
        admin.recovered(router.clone());
        let all_serving = startup.all_serving.opened();
        let ready = async move {
            all_serving.await;
            admin.ready();
        };
        shard.io.executor.spawn("admin ready", Box::pin(ready));
    }
    let server = Server::new(router.clone());
    opened(&router);
    spawn_loops(&router, &server, startup.cluster_id);
    // A shard whose journal has failed already serves what it can.
    let leads = || shard.leads_all() || shard.is_fenced();
    let is_ready = async {
        while shard.image().shard_count == 0 || !leads() {
            shard.io.clock.sleep(Duration::from_millis(1)).await;
        }
    };
    if !startup.unless_asked_to_stop(is_ready).await {
        return Ok(ExitCode::Ok);
    }
    listen(&server, &shard).await?;
    if startup.serving.fetch_add(1, Ordering::SeqCst) + 1 == startup.shards() {
        startup.banner(&shard);
        startup.all_serving.open();
    }
    startup.termination.requested().await;
    stop(&server, &shard).await;
    match shard.is_fenced() || shard.has_volatile_records() {
        true => Ok(ExitCode::Runtime),
        false => Ok(ExitCode::Ok),
    }
}

impl Startup {
    /// A start of shards on these cores, one each, with the ids of the data directory and the cluster; `termination` asks
    /// for their end.
    pub fn new(
        config: Config,
        machine: Machine,
        (directory_id, cluster_id): (u128, u128),
        cores: Vec<usize>,
        termination: Termination,
    ) -> Self {
        Self {
            config: Arc::new(config),
            machine,
            directory_id,
            cluster_id,
            cores,
            termination,
            recovered: AtomicU32::new(0),
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            milliseconds: AtomicU64::new(0),
            all_recovered: Gate::default(),
            serving: AtomicU32::new(0),
            all_serving: Gate::default(),
        }
    }

    /// Asks all shards to end.
    pub fn ask_to_stop(&self) {
        self.termination.ask();
    }

    /// Whether every shard serves.
    pub fn is_serving(&self) -> bool {
        self.serving.load(Ordering::SeqCst) == self.shards()
    }

    fn shards(&self) -> u32 {
        self.cores.len() as u32
    }

    /// One shard more has recovered; the last one completes the data directory.
    async fn shard_recovered(&self, io: &Io, recovered: Recovered) -> Result<(), Refusal> {
        self.frames.fetch_add(recovered.frames, Ordering::SeqCst);
        self.bytes.fetch_add(recovered.bytes, Ordering::SeqCst);
        self.milliseconds
            .fetch_max(recovered.milliseconds, Ordering::SeqCst);
        if self.recovered.fetch_add(1, Ordering::SeqCst) + 1 == self.shards() {
            data_directory::complete(io, &self.config.data_dir).await?;
            self.all_recovered.open();
        }
        Ok(())
    }

    /// Waits for `event`. False: the end was asked for first.
    async fn unless_asked_to_stop(&self, event: impl Future<Output = ()>) -> bool {
        let happens = async {
            event.await;
            true
        };
        let stops = async {
            self.termination.requested().await;
            false
        };
        or(happens, stops).await
    }

    fn banner(&self, shard: &Shard) {
        let config = &self.config;
        let own: Vec<String> = (0..self.shards())
            .map(|number| host_port(&config.advertised_host, shard.advertised_port(number)))
            .collect();
        let durability = match config.write_caching {
            true => "write caching: acknowledged before it is on disk",
            false => "every acknowledged record is on disk",
        };
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            cluster_id = %Uuid(shard.image().cluster_id),
            bootstrap = %host_port(&config.advertised_host, config.listen_port),
            shards = self.shards(),
            shard_addresses = own.join(" "),
            cores = ?self.cores,
            data_dir = %config.data_dir.display(),
            durability,
            recovered_frames = self.frames.load(Ordering::SeqCst),
            recovered_bytes = self.bytes.load(Ordering::SeqCst),
            recovery_ms = self.milliseconds.load(Ordering::SeqCst),
            "Pelton is ready"
        );
    }
}

/// Why shard `number` does not start, and what to do about it.
fn refusal_of(number: u32, error: &StartError) -> Refusal {
    const COPY: &str = "Restore the shard's directory from a copy, or choose another --data-dir to start anew; nothing was changed";
    let said = |code, advice: &str| (code, format!("shard {number}: {error}. {advice}"));
    match error {
        StartError::Journal(JournalError::UnknownFormat { .. }) => said(
            ExitCode::OtherLayout,
            "Start the broker that wrote it, or choose another --data-dir; nothing was changed",
        ),
        StartError::Journal(JournalError::Options(_)) => said(
            ExitCode::Config,
            "See journal.file.bytes, journal.bytes.max and frame.bytes.max",
        ),
        StartError::Journal(JournalError::Io {
            path,
            source,
            operation,
        }) => {
            let (code, sentence) = data_directory::unusable(path, source);
            (
                code,
                format!("shard {number}: cannot {operation}: {sentence}"),
            )
        }
        StartError::Directory { path, source } => {
            let (code, sentence) = data_directory::unusable(path, source);
            (code, format!("shard {number}: {sentence}"))
        }
        StartError::Journal(_) | StartError::Stored { .. } => said(ExitCode::Damaged, COPY),
        StartError::Manifest(ManifestError { .. })
        | StartError::JournalMissing { .. }
        | StartError::ManifestOld { .. }
        | StartError::OtherCheckpoint { .. }
        | StartError::JournalOld { .. }
        | StartError::ManifestMissing { .. }
        | StartError::Gap { .. }
        | StartError::Replica { .. } => (ExitCode::Damaged, format!("shard {number}: {error}")),
    }
}

async fn stop(server: &Server, shard: &Shard) {
    tracing::info!(shard = shard.number, "stopping");
    // Members that wait for others would keep their connections.
    shard.close_coordinators();
    server.drain(DRAIN_PATIENCE).await;
    let checkpointed = async {
        shard.stop().await;
        true
    };
    let late = async {
        shard.io.clock.sleep(STOP_PATIENCE).await;
        false
    };
    if !or(checkpointed, late).await {
        tracing::warn!(
            shard = shard.number,
            "stopping without a checkpoint, which takes too long; the next start replays the journal"
        );
    }
    if shard.has_volatile_records() {
        tracing::error!(
            shard = shard.number,
            "the disk has not taken every record by now: those are lost that topics with write.caching acknowledged early"
        );
    }
}

fn spawn_loops(router: &Rc<Router>, server: &Rc<Server>, cluster_id: u128) {
    let shard = router.shard().clone();
    let executor = shard.io.executor.clone();
    executor.spawn_first("flush", Box::pin(shard.clone().run_flush()));
    executor.spawn_background("write back", Box::pin(shard.clone().run_write_back()));
    executor.spawn_background("fill journal", Box::pin(shard.clone().run_fill()));
    executor.spawn_background("retention", Box::pin(shard.clone().run_retention()));
    executor.spawn_background("compaction", Box::pin(shard.clone().run_compaction()));
    executor.spawn("group reads", Box::pin(shard.clone().run_group_reads()));
    executor.spawn(
        "group deadlines",
        Box::pin(shard.clone().run_group_deadlines()),
    );
    executor.spawn("reconcile", Box::pin(router.clone().run_reconcile()));
    executor.spawn("watch connections", Box::pin(server.clone().run_watch()));
    let adopting = server.clone();
    executor.spawn(
        "mesh",
        Box::pin(router.clone().run(move |accepted| adopting.adopt(accepted))),
    );
    if shard.number == 0 {
        executor.spawn("publish", Box::pin(router.clone().run_publish()));
        let register = async move {
            let request = ControllerRequest::Register {
                cluster_id,
                machine_id: shard.config.machine_id,
                shard_count: shard.io.mesh.shards() as u32,
            };
            if let Err(error) = shard.control(request).await {
                tracing::error!(%error, "this machine could not be registered");
            }
        };
        executor.spawn("register", Box::pin(register));
    }
}

/// The operators' port. The default one may be taken, by a second broker of this host: then there is none.
fn listen_admin(admin: &Rc<Admin>, config: &Config) -> Result<(), Refusal> {
    let Some((host, port)) = &config.admin_listen else {
        return Ok(());
    };
    let address = resolve("admin.listen", host, *port)?;
    match admin.listen(address) {
        Ok(_) => Ok(()),
        Err(error) if *config.origin("admin.listen") == Origin::Default => {
            tracing::warn!(%address, %error, "no /metrics and /healthz here: choose another --admin-listen");
            Ok(())
        }
        Err(error) => {
            let text = format!(
                "cannot listen on {address}: {error}. Choose another --admin-listen, or off"
            );
            Err((ExitCode::Busy, text))
        }
    }
}

/// The bootstrap port on shard 0, and the shard's own.
async fn listen(server: &Rc<Server>, shard: &Shard) -> Result<(), Refusal> {
    let config = &shard.config;
    if shard.number == 0 {
        bind(server, shard, config.listen_port).await?;
    }
    if config.advertise == Advertise::Shard {
        let port = config.shard_port(shard.number as u16).ok_or_else(|| {
            let text = "a shard's port would be above 65535: choose a lower port for --listen";
            (ExitCode::Config, text.to_owned())
        })?;
        bind(server, shard, port).await?;
    }
    Ok(())
}

/// Binds one port. The listener of a broker that was just killed can outlive it for a moment, so a taken port is tried again.
async fn bind(server: &Rc<Server>, shard: &Shard, port: u16) -> Result<(), Refusal> {
    let (io, config) = (&shard.io, &shard.config);
    let address = resolve("listen", &config.listen_host, port)?;
    let mut tries = BIND_TRIES;
    let listener = loop {
        match io.net.listen(address, net::backlog(config)) {
            Ok(listener) => break listener,
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && tries > 0 => {
                tries -= 1;
                io.clock.sleep(BIND_PAUSE).await;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                let text = format!(
                    "cannot listen on {address}: {error}. Is another broker running? Stop it, or choose another --listen"
                );
                return Err((ExitCode::Busy, text));
            }
            Err(error) => {
                let text = format!("cannot listen on {address}: {error}. Choose another --listen");
                return Err((ExitCode::Config, text));
            }
        }
    };
    let shared = port == config.listen_port;
    let task = server.clone().run_listener(listener, shared);
    io.executor.spawn("accept", Box::pin(task));
    Ok(())
}

fn resolve(setting: &str, host: &str, port: u16) -> Result<SocketAddr, Refusal> {
    let failed = |why: String| {
        let text = format!("{setting}: {host}:{port} is no address of this host: {why}");
        (ExitCode::Config, text)
    };
    let mut addresses = (host, port)
        .to_socket_addrs()
        .map_err(|error| failed(error.to_string()))?;
    addresses
        .next()
        .ok_or_else(|| failed("it resolves to nothing".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_to_segments_and_journals() {
        assert_eq!(share_descriptors(1024, 1), (720, 240));
        assert_eq!(share_descriptors(1024, 4), (144, 48));
        assert_eq!(share_descriptors(1 << 20, 2), (491_456, 32_768));
        assert_eq!(share_descriptors(10, 8), (1, 1));
        for open_files in [256, 1024, 20_000, 1 << 20] {
            for shards in [1, 2, 16] {
                let (connections, segments) = share_descriptors(open_files, shards);
                let all = (connections as usize + segments) * shards;
                assert!(all as u64 <= open_files || connections == 1);
            }
        }
    }
}
