//! Clocks, randomness and tasks of one machine, on the world's.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use broker::io::LocalBoxFuture;
use broker::io::clock::{Clock, Instant, Random as DoorRandom};
use broker::io::executor::Executor;

use super::random::Random;
use super::world::{Owner, World};

/// When every world begins: 2026-01-01.
const BEGIN_MS: i64 = 1_767_225_600_000;

/// Wall time of the world, milliseconds since 1970.
pub fn wall_ms(world: &World) -> i64 {
    BEGIN_MS + (world.now_ns() / 1_000_000) as i64
}

/// The clock of one machine.
pub struct SimClock {
    /// The world's time.
    pub world: World,
    /// How far this machine's wall clock is off, milliseconds.
    pub skew_ms: Rc<Cell<i64>>,
}

impl Clock for SimClock {
    fn now(&self) -> Instant {
        Instant(self.world.now_ns())
    }

    fn wall_ms(&self) -> i64 {
        wall_ms(&self.world) + self.skew_ms.get()
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(self.world.sleep(duration))
    }
}

/// Randomness of one machine.
pub struct SimRandom(pub Random);

impl DoorRandom for SimRandom {
    fn next_u64(&self) -> u64 {
        self.0.next()
    }
}

/// The tasks of one process.
pub struct SimExecutor {
    /// Where they run.
    pub world: World,
    /// Whose they are.
    pub owner: Owner,
    /// False once the process was killed.
    pub alive: Rc<Cell<bool>>,
    /// When tasks are told that they had their turn.
    pub random: Random,
}

impl Executor for SimExecutor {
    fn spawn(&self, name: &'static str, task: LocalBoxFuture<'static, ()>) {
        if self.alive.get() {
            self.world.spawn(self.owner, name, task);
        }
    }

    fn spawn_first(&self, name: &'static str, task: LocalBoxFuture<'static, ()>) {
        self.spawn(name, task);
    }

    fn spawn_background(&self, name: &'static str, task: LocalBoxFuture<'static, ()>) {
        self.spawn(name, task);
    }

    fn should_yield(&self) -> bool {
        self.random.one_in(8)
    }

    fn yield_now(&self) -> LocalBoxFuture<'_, ()> {
        let mut yielded = false;
        Box::pin(poll_fn(move |context| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }))
    }
}
