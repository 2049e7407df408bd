//! Starts the shards for real: one pinned glommio executor each, the mesh between them, clocks, randomness, signals, the
//! lock on the data directory. Decides nothing about what they do.

use std::any::Any;
use std::cell::Cell;
use std::fs;
use std::future::Future;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_lite::FutureExt;
use glommio::timer::Timer;
use glommio::{
    Latency, LocalExecutorBuilder, Placement, PoolPlacement, Shares, TaskQueueHandle, executor,
    spawn_local_into,
};

use super::clock::{Clock, Instant, Random};
use super::executor::Executor;
use super::glommio_disk::GlommioDisk;
use super::glommio_mesh::{MeshPart, parts};
use super::glommio_net::GlommioNet;
use super::start::StartFiles;
use super::{Io, LocalBoxFuture};

/// Silences the one log line of that module: an error that `GlommioDisk::prepare` provokes on purpose.
pub const PROVOKED_ERRORS_OFF: &str = "glommio::reactor=off";

/// How the shards of this machine run.
#[derive(Debug, Clone)]
pub struct ShardPlan {
    /// The CPU of each shard; several may share one.
    pub cpus: Vec<usize>,
    /// How long an idle shard spins before it sleeps, microseconds; 0 never.
    pub spin_before_park_us: u64,
    /// Registered IO memory of each shard, bytes.
    pub io_memory_bytes: usize,
    /// Holds the data; must exist.
    pub data_directory: PathBuf,
}

/// Runs `body` on every shard and returns what each gave back. An error: a shard could not start or panicked.
pub fn run<F>(plan: &ShardPlan, body: F) -> io::Result<Vec<i32>>
where
    F: Fn(Io) -> LocalBoxFuture<'static, i32> + Clone + Send + 'static,
{
    // SAFETY: registers this process for expedited barriers, before threads would make that slow. It has no arguments.
    unsafe { libc::syscall(libc::SYS_membarrier, 16, 0, 0) };
    let mut handles = Vec::new();
    for (shard, (part, cpu)) in parts(plan.cpus.len())
        .into_iter()
        .zip(&plan.cpus)
        .enumerate()
    {
        let mut builder = LocalExecutorBuilder::new(Placement::Fixed(*cpu))
            .name(&format!("shard-{shard}"))
            .io_memory(plan.io_memory_bytes)
            .ring_depth(512)
            .blocking_thread_pool_placement(PoolPlacement::Unbound(2));
        if plan.spin_before_park_us > 0 {
            builder = builder.spin_before_park(Duration::from_micros(plan.spin_before_park_us));
        }
        let nudged = Nudge::watch()?;
        let (body, directory) = (body.clone(), plan.data_directory.clone());
        let handle = builder.spawn(move || async move {
            glommio::spawn_local(nudged.wait()).detach();
            if let Err(error) = GlommioDisk::prepare(&directory).await {
                tracing::error!(%error, "cannot write direct IO files in the data directory");
                return 1;
            }
            body(io_of(part).await).await
        });
        handles.push(handle.map_err(io::Error::from)?);
    }
    handles
        .into_iter()
        .map(|handle| handle.join().map_err(io::Error::from))
        .collect()
}

/// Runs `body` on one unpinned shard, for tests.
pub fn run_local<F, T>(body: F) -> T
where
    F: AsyncFnOnce(Io) -> T,
{
    let builder = LocalExecutorBuilder::new(Placement::Unbound).io_memory(0);
    let local = builder.make().expect("an executor for a test");
    let nudged = Nudge::watch().expect("a thread for a test");
    local.run(async {
        glommio::spawn_local(nudged.wait()).detach();
        GlommioDisk::prepare(Path::new("."))
            .await
            .expect("tests run in a folder that takes direct IO");
        let part = parts(1).pop().expect("one shard");
        body(io_of(part).await).await
    })
}

/// How long tasks run until the ring of the disks is looked at again, and a task that is [first](Executor::spawn_first) comes
/// before those that were ready already. A flush makes two trips to the disk and would wait for the end of such a turn with each of
/// them; each look costs some microseconds, which those who are bound by the core alone pay (benches/README.md, "Turns").
const TURN: Duration = Duration::from_micros(300);

async fn io_of(part: MeshPart) -> Io {
    let requests =
        executor().create_task_queue(Shares::Static(1000), Latency::Matters(TURN), "requests");
    let first = executor().create_task_queue(Shares::Static(1000), Latency::Matters(TURN), "first");
    let background =
        executor().create_task_queue(Shares::Static(200), Latency::NotImportant, "background");
    let polled = Rc::new(Cell::new(false));
    start("wake guard", Box::pin(guard_wakes(polled.clone())), first);
    Io {
        disk: Rc::new(GlommioDisk),
        net: Rc::new(GlommioNet),
        mesh: part.connect().await,
        clock: Rc::new(SystemClock),
        random: Rc::new(SystemRandom(Cell::new(seed()))),
        executor: Rc::new(GlommioExecutor {
            requests,
            first,
            background,
            polled,
        }),
    }
}

/// Pauses of the guard while tasks run, and while none does.
const GUARD_BUSY: Duration = TURN;
const GUARD_IDLE: Duration = Duration::from_millis(100);
/// Timers the guard has set, each a pause further from the one before than that was: 36 pauses.
const GUARD_TIMERS: usize = 8;

/// glommio 0.9 may fall asleep with tasks that are ready: when its preemption timer fires before the first of them has
/// run (this thread lost its core just then), it takes their queues for empty (`run_task_queues` gives false), and the
/// timer's own event wakes nobody. Without this they would run only when something else happens, which may be never. By
/// then a turn has passed, and a timer of ours that passed within it keeps the executor awake. That makes the guard one of
/// those tasks; so it has further timers set, for when this happens again before it has run, and comes first. [`Nudge`] is
/// there where all of them have passed meanwhile.
async fn guard_wakes(polled: Rc<Cell<bool>>) {
    loop {
        let pause = if polled.take() {
            GUARD_BUSY
        } else {
            GUARD_IDLE
        };
        let mut timers: [Timer; GUARD_TIMERS] = std::array::from_fn(|at| {
            let pauses = (at + 1) * (at + 2) / 2;
            Timer::new(pause * pauses as u32)
        });
        // A timer is set when it is polled first. None wakes anybody but the guard, whose first one counts.
        std::future::poll_fn(|context| {
            let mut first = Poll::Pending;
            for timer in timers.iter_mut().rev() {
                first = Pin::new(timer).poll(context).map(drop);
            }
            first
        })
        .await;
    }
}

/// Wakes a shard from outside: the guard's own timers do not help where all have passed when the shard falls asleep (seen: a
/// shard without any timer, asleep for seconds).
#[derive(Clone, Default)]
struct Nudge(Arc<Mutex<Vec<Waker>>>);

/// Pause between two nudges.
const NUDGE: Duration = Duration::from_millis(100);
/// Nudges that need no answer. A waker is only made on its own shard.
const NUDGES_KEPT: usize = 8;

impl Nudge {
    /// Nudges from a thread of its own, for as long as the shard keeps the other end.
    fn watch() -> io::Result<Self> {
        let nudge = Self::default();
        let wakers = Arc::downgrade(&nudge.0);
        std::thread::Builder::new()
            .name("nudge".into())
            .spawn(move || {
                while let Some(wakers) = wakers.upgrade() {
                    let waker = wakers.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    drop(wakers);
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                    std::thread::sleep(NUDGE);
                }
            })?;
        Ok(nudge)
    }

    /// Never ready; being woken is all.
    async fn wait(self) {
        std::future::poll_fn(|context| {
            let mut wakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            wakers.resize_with(NUDGES_KEPT, || context.waker().clone());
            Poll::<()>::Pending
        })
        .await;
    }
}

fn seed() -> u64 {
    getrandom::u64().expect("the kernel has randomness")
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        static START: OnceLock<std::time::Instant> = OnceLock::new();
        Instant(
            START
                .get_or_init(std::time::Instant::now)
                .elapsed()
                .as_nanos() as u64,
        )
    }

    fn wall_ms(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as i64)
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(glommio::timer::sleep(duration))
    }
}

/// splitmix64, seeded by the kernel.
struct SystemRandom(Cell<u64>);

impl Random for SystemRandom {
    fn next_u64(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

struct GlommioExecutor {
    requests: TaskQueueHandle,
    first: TaskQueueHandle,
    background: TaskQueueHandle,
    /// A task has run since the guard looked last.
    polled: Rc<Cell<bool>>,
}

impl GlommioExecutor {
    /// The same task, which marks that it runs.
    fn marked(&self, mut task: LocalBoxFuture<'static, ()>) -> LocalBoxFuture<'static, ()> {
        let polled = self.polled.clone();
        Box::pin(std::future::poll_fn(move |context| {
            polled.set(true);
            task.as_mut().poll(context)
        }))
    }
}

fn start(name: &'static str, task: LocalBoxFuture<'static, ()>, queue: TaskQueueHandle) {
    let guarded = async move {
        if AssertUnwindSafe(task).catch_unwind().await.is_err() {
            tracing::error!(task = name, "a task panicked; this is a bug in the broker");
        }
    };
    match spawn_local_into(guarded, queue) {
        Ok(task) => drop(task.detach()),
        Err(error) => tracing::error!(task = name, %error, "cannot start a task"),
    }
}

impl Executor for GlommioExecutor {
    fn spawn(&self, name: &'static str, task: LocalBoxFuture<'static, ()>) {
        start(name, self.marked(task), self.requests);
    }

    fn spawn_first(&self, name: &'static str, task: LocalBoxFuture<'static, ()>) {
        start(name, self.marked(task), self.first);
    }

    fn spawn_background(&self, name: &'static str, task: LocalBoxFuture<'static, ()>) {
        start(name, self.marked(task), self.background);
    }

    fn should_yield(&self) -> bool {
        executor().need_preempt()
    }

    fn yield_now(&self) -> LocalBoxFuture<'_, ()> {
        Box::pin(async { executor().yield_now().await })
    }
}

/// CPUs this process may use.
pub fn usable_cpus() -> Vec<usize> {
    // SAFETY: cpu_set_t is plain data; the call fills it or fails.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid and its size is given.
    if unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) } != 0 {
        return vec![0];
    }
    // SAFETY: CPU_ISSET reads within the set for any index below its size.
    (0..libc::CPU_SETSIZE as usize)
        .filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &set) })
        .collect()
}

/// This machine, for the start of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemStart;

impl StartFiles for SystemStart {
    fn lock_directory(&self, directory: &Path, patience: Duration) -> io::Result<Box<dyn Any>> {
        create_directory(directory)?;
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(".lock"))?;
        let deadline = std::time::Instant::now() + patience;
        loop {
            // SAFETY: the descriptor is open for the length of the call.
            if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
                return Ok(Box::new(file));
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::WouldBlock || std::time::Instant::now() >= deadline {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn write_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = path.with_extension("tmp");
        let mut file = fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }

    fn list_names(&self, directory: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn random_u128(&self) -> u128 {
        u128::from(seed()) << 64 | u128::from(seed())
    }

    fn wall_ms(&self) -> i64 {
        SystemClock.wall_ms()
    }
}

/// Makes a directory and those above it, and makes their names durable. Those that were there too: an earlier start may
/// have made them, and ended before they were durable. One that may not be read was made by somebody else.
fn create_directory(directory: &Path) -> io::Result<()> {
    let absolute = std::path::absolute(directory)?;
    fs::create_dir_all(&absolute)?;
    for above in absolute.ancestors().skip(1) {
        match fs::File::open(above) {
            Ok(above) => above.sync_all()?,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A gate that opens once, for tasks of all shards: who waits for it is woken, on whatever thread it opens.
#[derive(Clone, Default)]
pub struct Gate(Arc<GateState>);

#[derive(Default)]
struct GateState {
    opened: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
}

impl Gate {
    /// Opens it; again does nothing.
    pub fn open(&self) {
        self.0.opened.store(true, Ordering::SeqCst);
        let wakers =
            std::mem::take(&mut *self.0.wakers.lock().unwrap_or_else(PoisonError::into_inner));
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Completes when it is open.
    pub fn opened(&self) -> Opened {
        Opened(self.clone())
    }
}

/// Whether somebody asked this process to end.
#[derive(Clone, Default)]
pub struct Termination(Gate);

impl Termination {
    /// Watches SIGTERM and SIGINT on a thread of its own. A second signal ends the process at once.
    pub fn watch() -> io::Result<Self> {
        let termination = Self::default();
        let mut signals = signal_hook::iterator::Signals::new([libc::SIGTERM, libc::SIGINT])?;
        let gate = termination.0.clone();
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                let mut signalled = false;
                for _ in signals.forever() {
                    if signalled {
                        // SAFETY: ends the process. Nothing is to be run on the way: what is acknowledged is on disk.
                        unsafe { libc::_exit(1) };
                    }
                    signalled = true;
                    gate.open();
                }
            })?;
        Ok(termination)
    }

    /// Asks for the end.
    pub fn ask(&self) {
        self.0.open();
    }

    /// Completes when the end was asked for.
    pub fn requested(&self) -> Opened {
        self.0.opened()
    }
}

/// The future of [`Gate::opened`].
pub struct Opened(Gate);

impl Future for Opened {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let state = &self.0.0;
        if state.opened.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        let mut wakers = state.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            wakers.push(context.waker().clone());
        }
        if state.opened.load(Ordering::SeqCst) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
