//! Starts the broker and stops it: the data directory and its lock, one executor a shard, recovery, listeners, the banner,
//! draining. Serves nothing itself.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use futures_lite::future::or;
use protocol::frame::{Frame, FrameBuilder};
use protocol::native::StorageManifest;
use protocol::primitives::Uuid;

use crate::cli::ExitCode;
use crate::config::{Advertise, Config};
use crate::controller::ControllerRequest;
use crate::io::Io;
use crate::io::production::{self, ShardPlan, Termination};
use crate::journal::JournalError;
use crate::metadata::Image;
use crate::net::{self, Server};
use crate::router::Router;
use crate::shard::Shard;
use crate::shard::recovery::{self, Recovered, StartError};

/// Version of everything in a data directory.
const FORMAT_VERSION: u32 = 1;
/// Largest storage manifest, bytes.
const STORAGE_BYTES_MAX: usize = 4096;
/// How often a taken port is tried again, and after which pause.
const BIND_TRIES: u32 = 20;
const BIND_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);
/// How long a stop waits for replies under way, and then for the checkpoint: together below ten seconds.
const DRAIN_PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);
const STOP_PATIENCE: std::time::Duration = std::time::Duration::from_secs(7);
const STORAGE_FILE: &str = "storage.manifest";

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

type Refusal = (ExitCode, String);

fn start(config: &Config) -> Result<ExitCode, Refusal> {
    let data = config.data_dir.clone();
    let _lock = production::lock_directory(&data).map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => (
            ExitCode::Busy,
            format!(
                "{} is in use by another broker; stop it or choose another --data-dir",
                data.display()
            ),
        ),
        _ => (ExitCode::Runtime, format!("{}: {error}", data.display())),
    })?;
    let cpus = production::usable_cpus();
    let shards = shard_count(config, &data, cpus.len() as u32)?;
    let plan = ShardPlan {
        cpus: (0..shards as usize)
            .map(|shard| cpus[shard % cpus.len()])
            .collect(),
        spin_before_park_us: if cpus.len() > shards as usize {
            config.spin_before_park_us
        } else {
            0
        },
        io_memory_bytes: config.io_memory_bytes as usize,
        data_directory: data,
    };
    let termination = Termination::watch()
        .map_err(|error| (ExitCode::Runtime, format!("cannot watch signals: {error}")))?;
    let config = Arc::new(config.clone());
    let cores = plan.cpus.clone();
    let body = move |io: Io| -> crate::io::LocalBoxFuture<'static, i32> {
        let (config, termination, cores) = (config.clone(), termination.clone(), cores.clone());
        Box::pin(async move {
            let code = run_shard(io, config, &termination, &cores).await;
            termination.ask();
            code as i32
        })
    };
    let codes = production::run(&plan, body)
        .map_err(|error| (ExitCode::Runtime, format!("a shard could not run: {error}")))?;
    Ok(codes
        .into_iter()
        .find(|code| *code != ExitCode::Ok as i32)
        .map_or(ExitCode::Ok, exit_code))
}

fn exit_code(code: i32) -> ExitCode {
    let all = [
        ExitCode::Damaged,
        ExitCode::OtherLayout,
        ExitCode::Busy,
        ExitCode::Config,
    ];
    all.into_iter()
        .find(|known| *known as i32 == code)
        .unwrap_or(ExitCode::Runtime)
}

/// How many shards: what the data directory has, else what was asked for, else the usable cores. Written down at the first start.
fn shard_count(config: &Config, data: &Path, cores: u32) -> Result<u32, Refusal> {
    let path = data.join(STORAGE_FILE);
    match production::read_file(&path) {
        Ok(bytes) => {
            let found = read_storage(&path, &bytes)?;
            match config.shards {
                Some(asked) if asked != found.shard_count => Err((
                    ExitCode::OtherLayout,
                    format!(
                        "{} was made with {} shards, but shards is set to {asked}: leave the setting out, or choose another data directory",
                        data.display(),
                        found.shard_count
                    ),
                )),
                _ => Ok(found.shard_count),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let shards = config.shards.unwrap_or(cores);
            let manifest = StorageManifest {
                format_version: FORMAT_VERSION,
                cluster_id: 0,
                directory_id: u128::from(getrandom::u64().unwrap_or(1)),
                machine_id: config.machine_id,
                shard_count: shards,
                shard: 0,
                created_ms: 0,
            };
            let mut builder = FrameBuilder::new();
            let bytes = manifest
                .encode(&mut builder)
                .map_err(|error| (ExitCode::Runtime, error.to_string()))?;
            production::write_file(&path, bytes)
                .map_err(|error| (ExitCode::Runtime, format!("{}: {error}", path.display())))?;
            Ok(shards)
        }
        Err(error) => Err((ExitCode::Runtime, format!("{}: {error}", path.display()))),
    }
}

fn read_storage(path: &Path, bytes: &[u8]) -> Result<StorageManifest, Refusal> {
    let damaged = |problem: String| {
        let text = format!(
            "{} is damaged: {problem}. Restore it from a copy; nothing was changed",
            path.display()
        );
        (ExitCode::Damaged, text)
    };
    let (frame, _) =
        Frame::parse(bytes, STORAGE_BYTES_MAX).map_err(|error| damaged(error.to_string()))?;
    let manifest = StorageManifest::decode(&frame).map_err(|error| damaged(error.to_string()))?;
    if manifest.format_version != FORMAT_VERSION {
        let text = format!(
            "{} has format version {}, this broker reads version {FORMAT_VERSION}: start it with the version that wrote it",
            path.display(),
            manifest.format_version
        );
        return Err((ExitCode::OtherLayout, text));
    }
    Ok(manifest)
}

async fn run_shard(
    io: Io,
    config: Arc<Config>,
    termination: &Termination,
    cores: &[usize],
) -> ExitCode {
    let number = io.mesh.shard() as u32;
    let data: PathBuf = config.data_dir.join(format!("shard-{number}"));
    let opened = recovery::open(
        io.clone(),
        number,
        config.clone(),
        data,
        production::memory_bytes(),
    )
    .await;
    let (shard, recovered) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            tracing::error!(shard = number, "{error}");
            return match error {
                StartError::Journal(JournalError::UnknownFormat { .. }) => ExitCode::OtherLayout,
                StartError::Journal(JournalError::Corrupt { .. })
                | StartError::Manifest(_)
                | StartError::JournalMissing { .. }
                | StartError::ManifestMissing { .. }
                | StartError::Gap { .. }
                | StartError::Replica { .. } => ExitCode::Damaged,
                _ => ExitCode::Runtime,
            };
        }
    };
    let router = Router::new(shard.clone());
    let server = Server::new(router.clone());
    spawn_loops(&router, &server);
    let ready = async {
        while shard.image().shard_count == 0 {
            io.clock.sleep(std::time::Duration::from_millis(1)).await;
        }
        true
    };
    let stopped = async {
        termination.requested().await;
        false
    };
    if !or(ready, stopped).await {
        return ExitCode::Ok;
    }
    if let Err(error) = listen(&server, &shard).await {
        tracing::error!(shard = number, "{error}");
        return ExitCode::Busy;
    }
    banner(&shard, recovered, cores);
    termination.requested().await;
    tracing::info!(shard = number, "stopping");
    server.drain(DRAIN_PATIENCE).await;
    let checkpointed = async {
        shard.stop().await;
        true
    };
    let late = async {
        io.clock.sleep(STOP_PATIENCE).await;
        false
    };
    if !or(checkpointed, late).await {
        tracing::warn!(
            shard = number,
            "stopping without a checkpoint, which takes too long; the next start replays the journal"
        );
    }
    if shard.is_fenced() {
        ExitCode::Runtime
    } else {
        ExitCode::Ok
    }
}

fn spawn_loops(router: &Rc<Router>, server: &Rc<Server>) {
    let shard = router.shard().clone();
    let executor = shard.io.executor.clone();
    executor.spawn("flush", Box::pin(shard.clone().run_flush()));
    executor.spawn_background("write back", Box::pin(shard.clone().run_write_back()));
    executor.spawn_background("fill journal", Box::pin(shard.clone().run_fill()));
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

/// The bootstrap port on shard 0, and the shard's own.
async fn listen(server: &Rc<Server>, shard: &Shard) -> Result<(), String> {
    let config = &shard.config;
    if shard.number == 0 {
        bind(server, shard, config.listen_port).await?;
    }
    if config.advertise == Advertise::Shard {
        let port = config
            .shard_port(shard.number as u16)
            .ok_or("the shard's port would be above 65535: choose a lower --listen port")?;
        bind(server, shard, port).await?;
    }
    Ok(())
}

/// Binds one port. The listener of a broker that was just killed can outlive it for a moment, so a taken port is tried again.
async fn bind(server: &Rc<Server>, shard: &Shard, port: u16) -> Result<(), String> {
    let (io, config) = (&shard.io, &shard.config);
    let address = resolve(&config.listen_host, port)?;
    let mut tries = BIND_TRIES;
    let listener = loop {
        match io.net.listen(address, net::backlog(config)) {
            Ok(listener) => break listener,
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && tries > 0 => {
                tries -= 1;
                io.clock.sleep(BIND_PAUSE).await;
            }
            Err(error) => {
                return Err(format!(
                    "cannot listen on {address}: {error}. Is another broker running? Choose another --listen"
                ));
            }
        }
    };
    let shared = port == config.listen_port;
    let task = server.clone().run_listener(listener, shared);
    io.executor.spawn("accept", Box::pin(task));
    Ok(())
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr, String> {
    let failed = |why: String| format!("listen: {host}:{port} is no address of this host: {why}");
    let mut addresses = (host, port)
        .to_socket_addrs()
        .map_err(|error| failed(error.to_string()))?;
    addresses
        .next()
        .ok_or_else(|| failed("it resolves to nothing".to_owned()))
}

fn banner(shard: &Shard, recovered: Recovered, cores: &[usize]) {
    let image: Arc<Image> = shard.image();
    let config = &shard.config;
    tracing::info!(
        shard = shard.number,
        core = cores[shard.number as usize],
        port = shard.advertised_port(shard.number),
        frames = recovered.frames,
        bytes = recovered.bytes,
        milliseconds = recovered.milliseconds,
        "shard recovered"
    );
    if shard.number == 0 {
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            cluster_id = %Uuid(image.cluster_id),
            bootstrap = %crate::config::host_port(&config.advertised_host, config.listen_port),
            shards = image.shard_count,
            data_dir = %config.data_dir.display(),
            durability = if config.write_caching { "write caching: acknowledged before it is on disk" } else { "every acknowledged record is on disk" },
            "Pelton is ready"
        );
    }
}
