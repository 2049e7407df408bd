//! The one door to the world: disk, net, mesh, clock, randomness, executor.
//!
//! Only this folder names glommio, `std::time`, files, sockets or `unsafe`. Everything above it holds an [`Io`]: small
//! object-safe traits, behind which stands production (glommio) or a seeded simulator. It decides nothing: no retry, no
//! policy, no format lives here.
#![allow(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

pub mod buffer;
pub mod clock;
pub mod disk;
pub mod executor;
pub mod glommio_disk;
pub mod glommio_mesh;
pub mod glommio_net;
pub mod host;
pub mod mesh;
pub mod net;
pub mod production;
pub mod start;

/// A future that stays on its shard. One such box a disk operation or a send is allowed on the hot path.
pub type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// All that a shard may do to the world. Cheap to clone.
#[derive(Clone)]
pub struct Io {
    /// Files and directories.
    pub disk: Rc<dyn disk::Disk>,
    /// Listeners and connections.
    pub net: Rc<dyn net::Net>,
    /// Messages to the other shards of this machine.
    pub mesh: Rc<dyn mesh::Mesh>,
    /// Monotonic and wall time, sleeping.
    pub clock: Rc<dyn clock::Clock>,
    /// Random numbers; seeded in the simulator.
    pub random: Rc<dyn clock::Random>,
    /// Tasks of this shard.
    pub executor: Rc<dyn executor::Executor>,
}
