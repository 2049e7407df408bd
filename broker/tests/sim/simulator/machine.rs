//! One machine: a disk and a clock that stay, and a process that comes and goes. The process is the broker as it is: its
//! start, its shards and its stop run through the same functions as in production.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use broker::cli::ExitCode;
use broker::config::Config;
use broker::data_directory::{DataDirectory, Refusal};
use broker::io::Io;
use broker::io::production::Termination;
use broker::router::Router;
use broker::serve::{self, Startup};
use broker::shard::recovery::Machine as Hardware;

use super::clock::{SimClock, SimExecutor, SimRandom};
use super::disk::SimDisk;
use super::mesh::SimMesh;
use super::net::{Client, SimNet};
use super::random::Random;
use super::world::{Owner, World};

/// What the machine is like, beside its settings.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Its number in the cluster.
    pub number: u32,
    /// Shards at the first start.
    pub shards: u32,
    /// Messages between two shards.
    pub mesh_queue_max: usize,
    /// Bytes on the way in one direction of a connection.
    pub window_bytes: usize,
    /// Segments a shard keeps open.
    pub open_segments_max: usize,
    /// Bytes that wait for a frame.
    pub prepared_bytes_max: usize,
}

/// How a process ended.
#[derive(Debug)]
pub enum Ended {
    /// It stopped by itself, every shard with this.
    Exit(Vec<Result<ExitCode, Refusal>>),
    /// It refused to start before any shard ran.
    Refused(Refusal),
}

/// One machine.
pub struct Machine {
    world: World,
    shape: Shape,
    config: Config,
    random: Random,
    /// Its disk.
    pub disk: SimDisk,
    skew_ms: Rc<Cell<i64>>,
    process: RefCell<Option<Rc<Process>>>,
    next_incarnation: Cell<u32>,
    observer: Rc<dyn Observer>,
}

/// Who watches the shards of a machine.
pub trait Observer {
    /// A shard has recovered and does not serve yet.
    fn opened(&self, router: &Rc<Router>);
    /// The process is about to be gone, with these shards.
    fn ends(&self, routers: &[Rc<Router>]);
    /// What was there may not be found again.
    fn forgets(&self);
}

/// One run of the broker.
pub struct Process {
    /// Whose its tasks are.
    pub owner: Owner,
    alive: Rc<Cell<bool>>,
    startup: Arc<Startup>,
    net: SimNet,
    routers: RefCell<Vec<Option<Rc<Router>>>>,
    ended: RefCell<Vec<Option<Result<ExitCode, Refusal>>>>,
}

impl Machine {
    /// A machine with an empty disk.
    pub fn new(
        world: &World,
        (shape, config): (Shape, Config),
        random: Random,
        observer: Rc<dyn Observer>,
    ) -> Rc<Self> {
        Rc::new(Self {
            world: world.clone(),
            config,
            disk: SimDisk::new(world.clone(), random.fork()),
            random,
            shape,
            skew_ms: Rc::default(),
            process: RefCell::default(),
            next_incarnation: Cell::new(1),
            observer,
        })
    }

    /// How far its wall clock is off.
    pub fn set_skew_ms(&self, skew_ms: i64) {
        self.skew_ms.set(skew_ms);
    }

    /// The process that runs, if one does.
    pub fn process(&self) -> Option<Rc<Process>> {
        self.process.borrow().clone()
    }

    /// Starts the broker.
    ///
    /// # Errors
    /// It refuses before any shard runs.
    pub fn start(self: &Rc<Self>) -> Result<(), Refusal> {
        assert!(self.process.borrow().is_none(), "one process at a time");
        let directory = DataDirectory::open(&self.config, self.shape.shards, &self.disk)?;
        let shards = directory.shards() as usize;
        let hardware = Hardware {
            memory_bytes: 8 << 30,
            open_segments_max: self.shape.open_segments_max,
            prepared_bytes_max: self.shape.prepared_bytes_max,
        };
        let cluster_id = directory.cluster_id_or(|| 1);
        let startup = Startup::new(
            self.config.clone(),
            hardware,
            (directory.id(), cluster_id),
            (0..shards).collect(),
            Termination::default(),
        );
        let incarnation = self.next_incarnation.get();
        self.next_incarnation.set(incarnation + 1);
        let process = Rc::new(Process {
            owner: self.shape.number << 16 | incarnation,
            alive: Rc::new(Cell::new(true)),
            startup: Arc::new(startup),
            net: SimNet::new(self.shape.window_bytes, self.random.fork()),
            routers: RefCell::new(vec![None; shards]),
            ended: RefCell::new((0..shards).map(|_| None).collect()),
        });
        let mesh = SimMesh::new(shards, self.shape.mesh_queue_max, self.random.fork());
        for shard in 0..shards {
            let io = self.io(&process, &mesh, shard);
            self.spawn_shard(&process, io, shard);
        }
        *self.process.borrow_mut() = Some(process);
        Ok(())
    }

    fn io(&self, process: &Process, mesh: &Rc<SimMesh>, shard: usize) -> Io {
        Io {
            disk: Rc::new(self.disk.clone()),
            net: Rc::new(process.net.clone()),
            mesh: mesh.end(shard),
            clock: Rc::new(SimClock {
                world: self.world.clone(),
                skew_ms: self.skew_ms.clone(),
            }),
            random: Rc::new(SimRandom(self.random.fork())),
            executor: Rc::new(SimExecutor {
                world: self.world.clone(),
                owner: process.owner,
                alive: process.alive.clone(),
                random: self.random.fork(),
            }),
        }
    }

    fn spawn_shard(&self, process: &Rc<Process>, io: Io, shard: usize) {
        let (process, owner) = (Rc::downgrade(process), process.owner);
        let observer = self.observer.clone();
        let startup = process.upgrade().expect("just made").startup.clone();
        let life = async move {
            let opened = |router: &Rc<Router>| {
                if let Some(process) = process.upgrade() {
                    process.routers.borrow_mut()[shard] = Some(router.clone());
                }
                observer.opened(router);
            };
            let ended = serve::run_shard(io, &startup, opened).await;
            if let Some(process) = process.upgrade() {
                process.ended.borrow_mut()[shard] = Some(ended);
            }
        };
        self.world.spawn(owner, "shard", Box::pin(life));
    }

    /// The process ends at once, wherever its tasks stand.
    pub fn kill(&self) {
        self.end_process();
        self.disk.kill();
    }

    /// The machine loses its power.
    pub fn lose_power(&self) {
        self.end_process();
        if self.disk.has_lied() {
            self.observer.forgets();
        }
        self.disk.lose_power();
    }

    fn end_process(&self) {
        let Some(process) = self.process.borrow_mut().take() else {
            return;
        };
        self.observer.ends(&process.routers());
        process.alive.set(false);
        process.net.break_all();
        process.routers.borrow_mut().clear();
        self.world.kill(process.owner);
    }

    /// Asks the process to end, as SIGTERM does.
    pub fn ask_to_stop(&self) {
        if let Some(process) = self.process() {
            process.startup.ask_to_stop();
        }
    }

    /// How the process ended, if every shard of it has; it is gone then.
    pub fn take_ended(&self) -> Option<Vec<Result<ExitCode, Refusal>>> {
        let process = self.process()?;
        if process.ended.borrow().iter().any(Option::is_none) {
            return None;
        }
        let ended = process.ended.borrow_mut().drain(..).flatten().collect();
        self.end_process();
        self.disk.kill();
        Some(ended)
    }

    /// Waits until the process has ended by itself, for `patience` at most.
    pub async fn wait_ended(&self, patience: Duration) -> Option<Vec<Result<ExitCode, Refusal>>> {
        let deadline = self.world.now_ns() + patience.as_nanos() as u64;
        loop {
            if let Some(ended) = self.take_ended() {
                return Some(ended);
            }
            if self.process().is_none() || self.world.now_ns() > deadline {
                return None;
            }
            self.world.sleep(Duration::from_millis(2)).await;
        }
    }

    /// Connects to `port`.
    pub fn connect(&self, port: u16) -> Option<Client> {
        self.process()?.net.connect(port)
    }

    /// The port of clients that know nothing yet.
    pub fn bootstrap_port(&self) -> u16 {
        self.config.listen_port
    }

    /// Which run of the broker this is, or was.
    pub fn incarnation(&self) -> u32 {
        self.next_incarnation.get()
    }

    /// Whether every shard has recovered and leads all that is its own.
    pub fn is_whole(&self) -> bool {
        let whole = |process: Rc<Process>| {
            let routers = process.routers.borrow();
            let leads = |router: &Rc<Router>| router.shard().leads_all();
            routers
                .iter()
                .all(|router| router.as_ref().is_some_and(leads))
        };
        self.is_serving() && self.process().is_some_and(whole)
    }

    /// Whether a shard acknowledges nothing any more until it is started again.
    pub fn is_fenced(&self) -> bool {
        let fenced = |process: Rc<Process>| {
            let routers = process.routers();
            routers.iter().any(|router| router.shard().is_fenced())
        };
        self.process().is_some_and(fenced)
    }

    /// Whether every shard serves.
    pub fn is_serving(&self) -> bool {
        self.process()
            .is_some_and(|process| process.startup.is_serving())
    }
}

impl Process {
    /// The shards that have recovered.
    pub fn routers(&self) -> Vec<Rc<Router>> {
        self.routers.borrow().iter().flatten().cloned().collect()
    }
}
