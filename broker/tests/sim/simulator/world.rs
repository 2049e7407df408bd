//! The seeded executor: one thread, all machines and all clients. The next ready task is a seeded pick; time moves only
//! when nothing can run. Never looks at the real clock, never draws a number that is not the seed's.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use broker::io::LocalBoxFuture;

use super::random::Random;
use super::trace::{self, Trace};

/// Whose a task is: a process of a machine, or [`OUTSIDE`].
pub type Owner = u32;
/// Clients, the operator, whatever breaks things.
pub const OUTSIDE: Owner = 0;

/// Turns without time passing after which something spins.
const SPIN_STEPS: u64 = 300_000;

/// The executor and its clock. Cheap to clone.
#[derive(Clone)]
pub struct World(Rc<Inner>);

struct Inner {
    now_ns: Cell<u64>,
    steps: Cell<u64>,
    steps_at_advance: Cell<u64>,
    /// Rolls over everything that happens: equal for equal runs.
    hash: Cell<u64>,
    picks: Random,
    tasks: RefCell<Vec<Slot>>,
    free: RefCell<Vec<u32>>,
    ready: Ready,
    timers: RefCell<BinaryHeap<Reverse<Timer>>>,
    next_timer: Cell<u64>,
    /// Things to do between two turns: at which step, and what.
    alarms: RefCell<Vec<(u64, Call)>>,
    trace: Trace,
}

type Call = Box<dyn FnOnce()>;

/// Ids of tasks that were woken. Shared with wakers, which the language wants to be `Send`.
type Ready = Arc<Mutex<Vec<TaskId>>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TaskId {
    slot: u32,
    generation: u32,
}

struct Slot {
    generation: u32,
    owner: Owner,
    task: Option<Task>,
}

struct Task {
    name: &'static str,
    future: LocalBoxFuture<'static, ()>,
    wake: Arc<TaskWake>,
    waker: Waker,
}

struct TaskWake {
    id: TaskId,
    queued: Mutex<bool>,
    ready: Ready,
}

impl Wake for TaskWake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut queued = self.queued.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *queued, true) {
            let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            ready.push(self.id);
        }
    }
}

struct Timer {
    at_ns: u64,
    number: u64,
    event: Event,
}

enum Event {
    Wake(Rc<SleepState>),
    Call(Call),
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_ns, self.number).cmp(&(other.at_ns, other.number))
    }
}

/// What one turn did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// A task of this owner ran.
    Ran(Owner),
    /// Nothing could run, so time moved on.
    Waited,
    /// Nothing can run, and nothing will.
    Idle,
    /// A task panicked.
    Panicked(String),
    /// Tasks run and run, and no time passes.
    Spins(&'static str),
}

impl World {
    /// An empty world under `seed`.
    pub fn new(seed: u64, trace: Trace) -> Self {
        Self(Rc::new(Inner {
            now_ns: Cell::new(1),
            steps: Cell::new(0),
            steps_at_advance: Cell::new(0),
            hash: Cell::new(seed),
            picks: Random::stream(seed, 1),
            tasks: RefCell::default(),
            free: RefCell::default(),
            ready: Ready::default(),
            timers: RefCell::default(),
            next_timer: Cell::new(0),
            alarms: RefCell::default(),
            trace,
        }))
    }

    /// Nanoseconds since the world began.
    pub fn now_ns(&self) -> u64 {
        self.0.now_ns.get()
    }

    /// Turns so far.
    pub fn steps(&self) -> u64 {
        self.0.steps.get()
    }

    /// Of everything that has happened.
    pub fn hash(&self) -> u64 {
        self.0.hash.get()
    }

    /// Something happened: it goes into the hash.
    pub fn mark(&self, number: u64) {
        let mixed = (self.0.hash.get() ^ number).wrapping_mul(0x9fb2_1c65_1e98_df25);
        self.0.hash.set(mixed ^ (mixed >> 32));
    }

    /// What is told of this run.
    pub fn trace(&self) -> &Trace {
        &self.0.trace
    }

    /// One line for who reads the run, made only if somebody does.
    pub fn tell(&self, line: impl FnOnce() -> String) {
        self.0.trace.tell(self.now_ns(), line);
    }

    /// Starts a task.
    pub fn spawn(&self, owner: Owner, name: &'static str, future: LocalBoxFuture<'static, ()>) {
        let mut tasks = self.0.tasks.borrow_mut();
        let slot = self.0.free.borrow_mut().pop().unwrap_or_else(|| {
            tasks.push(Slot {
                generation: 0,
                owner,
                task: None,
            });
            (tasks.len() - 1) as u32
        });
        let place = &mut tasks[slot as usize];
        let wake = Arc::new(TaskWake {
            id: TaskId {
                slot,
                generation: place.generation,
            },
            queued: Mutex::new(false),
            ready: self.0.ready.clone(),
        });
        place.owner = owner;
        place.task = Some(Task {
            name,
            future,
            waker: Waker::from(wake.clone()),
            wake: wake.clone(),
        });
        drop(tasks);
        wake.wake();
    }

    /// Drops all tasks of `owner` where they stand.
    pub fn kill(&self, owner: Owner) {
        let mut dead = Vec::new();
        for (slot, place) in self.0.tasks.borrow_mut().iter_mut().enumerate() {
            if place.owner == owner
                && let Some(task) = place.task.take()
            {
                place.generation += 1;
                self.0.free.borrow_mut().push(slot as u32);
                dead.push(task);
            }
        }
        // What runs while they are dropped may start and wake others.
        drop(dead);
    }

    /// The end of the world: nothing that was to happen does, so that nothing holds on to it.
    pub fn end(&self) {
        let timers = std::mem::take(&mut *self.0.timers.borrow_mut());
        drop(timers);
        drop(self.0.alarms.take());
    }

    /// Whether `owner` has a task left.
    pub fn has_tasks(&self, owner: Owner) -> bool {
        let tasks = self.0.tasks.borrow();
        tasks
            .iter()
            .any(|slot| slot.owner == owner && slot.task.is_some())
    }

    /// Calls `event` when `after` has passed.
    pub fn call_after(&self, after: Duration, event: impl FnOnce() + 'static) {
        self.add_timer(after, Event::Call(Box::new(event)));
    }

    /// Calls `event` between two turns, `steps` turns from now.
    pub fn call_at_step(&self, steps: u64, event: impl FnOnce() + 'static) {
        let at = self.steps() + steps;
        self.0.alarms.borrow_mut().push((at, Box::new(event)));
    }

    /// Completes when `duration` has passed.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        Sleep {
            world: self.clone(),
            duration,
            state: None,
        }
    }

    fn add_timer(&self, after: Duration, event: Event) {
        let number = self.0.next_timer.get();
        self.0.next_timer.set(number + 1);
        let at_ns = self.now_ns() + after.as_nanos() as u64;
        let timer = Timer {
            at_ns,
            number,
            event,
        };
        self.0.timers.borrow_mut().push(Reverse(timer));
    }

    /// Runs one ready task, or moves time to the next event.
    pub fn turn(&self) -> Turn {
        while let Some(event) = self.next_due() {
            event();
        }
        while let Some(id) = self.pick() {
            if let Some(turn) = self.run(id) {
                return turn;
            }
        }
        self.advance()
    }

    fn next_due(&self) -> Option<Call> {
        let mut alarms = self.0.alarms.borrow_mut();
        let due = alarms.iter().position(|(at, _)| *at <= self.steps())?;
        Some(alarms.remove(due).1)
    }

    fn pick(&self) -> Option<TaskId> {
        let mut ready = self.0.ready.lock().unwrap_or_else(PoisonError::into_inner);
        match ready.len() {
            0 => None,
            1 => ready.pop(),
            len => Some(ready.swap_remove(self.0.picks.index(len))),
        }
    }

    /// `None`: the task is gone.
    fn run(&self, id: TaskId) -> Option<Turn> {
        let (mut task, owner) = {
            let mut tasks = self.0.tasks.borrow_mut();
            let place = &mut tasks[id.slot as usize];
            if place.generation != id.generation {
                return None;
            }
            (place.task.take()?, place.owner)
        };
        *task
            .wake
            .queued
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = false;
        self.0.steps.set(self.steps() + 1);
        self.mark(u64::from(id.slot) << 32 | u64::from(id.generation));
        let mut context = Context::from_waker(&task.waker);
        let polled = catch_unwind(AssertUnwindSafe(|| task.future.as_mut().poll(&mut context)));
        let polled = match polled {
            Ok(polled) => polled,
            Err(_) => {
                let said = format!("task `{}`: {}", task.name, trace::take_panic());
                // Its state is broken: nothing of it may run any more, not even what dropping it does.
                std::mem::forget(task);
                return Some(Turn::Panicked(said));
            }
        };
        if self.steps() - self.0.steps_at_advance.get() > SPIN_STEPS {
            return Some(Turn::Spins(task.name));
        }
        let mut tasks = self.0.tasks.borrow_mut();
        let place = &mut tasks[id.slot as usize];
        if polled.is_pending() && place.generation == id.generation {
            place.task = Some(task);
        } else {
            if place.generation == id.generation {
                place.generation += 1;
                self.0.free.borrow_mut().push(id.slot);
            }
            drop(tasks);
            drop(task);
        }
        Some(Turn::Ran(owner))
    }

    fn advance(&self) -> Turn {
        loop {
            let Some(Reverse(timer)) = self.0.timers.borrow_mut().pop() else {
                return Turn::Idle;
            };
            match timer.event {
                Event::Wake(state) => {
                    let Some(waker) = state.take() else { continue };
                    self.move_to(timer.at_ns);
                    waker.wake();
                }
                Event::Call(event) => {
                    self.move_to(timer.at_ns);
                    event();
                }
            }
            return Turn::Waited;
        }
    }

    fn move_to(&self, at_ns: u64) {
        assert!(at_ns >= self.now_ns(), "time never goes back");
        self.0.now_ns.set(at_ns);
        self.0.steps_at_advance.set(self.steps());
        self.mark(at_ns);
    }
}

struct SleepState(RefCell<Option<Waker>>);

impl SleepState {
    fn take(&self) -> Option<Waker> {
        self.0.borrow_mut().take()
    }
}

/// The future of [`World::sleep`]. Its time begins when it is polled first.
pub struct Sleep {
    world: World,
    duration: Duration,
    state: Option<Rc<SleepState>>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &self.state {
            None => {
                let state = SleepState(RefCell::new(Some(context.waker().clone())));
                let state = Rc::new(state);
                self.world
                    .add_timer(self.duration, Event::Wake(state.clone()));
                self.state = Some(state);
                Poll::Pending
            }
            Some(state) => {
                let mut waker = state.0.borrow_mut();
                match &mut *waker {
                    None => Poll::Ready(()),
                    Some(waker) => {
                        waker.clone_from(context.waker());
                        Poll::Pending
                    }
                }
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        // Its event finds no waker and counts for nothing.
        self.state.iter().for_each(|state| drop(state.take()));
    }
}

/// Wakers that wait for one thing; all are woken at once.
#[derive(Default)]
pub struct Wakers(RefCell<Vec<Waker>>);

impl Wakers {
    /// Adds the one of `context`.
    pub fn add(&self, context: &Context<'_>) {
        let mut wakers = self.0.borrow_mut();
        if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            wakers.push(context.waker().clone());
        }
    }

    /// Wakes and forgets them.
    pub fn wake(&self) {
        let wakers = std::mem::take(&mut *self.0.borrow_mut());
        wakers.into_iter().for_each(Waker::wake);
    }
}
