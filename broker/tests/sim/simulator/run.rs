//! One seed from beginning to end: a machine starts, clients use it, things break, everything is mended, all that was begun
//! is finished, and what is there is held against what was told.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::client::admin::Admin;
use super::client::consumer::Consumer;
use super::client::member::Member;
use super::client::producer::Producer;
use super::client::{Phase, Setting};
use super::disk::aim::Aim;
use super::disk::rot::Damage;
use super::history::{History, Violation};
use super::invariants::Watch;
use super::machine::Machine;
use super::plan::{Fault, Plan, Point};
use super::random::Random;
use super::trace::{self, Trace};
use super::world::{OUTSIDE, Turn, World};

/// Time after mending within which everything must be finished.
const FINISH: Duration = Duration::from_secs(300);
/// Longest wait for an operation that something breaks behind, milliseconds.
const AIM_MS_MAX: u64 = 2000;
/// Turns of one run after which something is wrong with it.
const STEPS_MAX: u64 = 20_000_000;

/// How a run went.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Equal for equal runs.
    pub hash: u64,
    /// Turns.
    pub steps: u64,
    /// Time that passed in it, nanoseconds.
    pub simulated_ns: u64,
    /// Records acknowledged and read.
    pub records: (u64, u64),
    /// Records that logs start behind, as somebody was told.
    pub gone: u64,
    /// Commits of offsets that were acknowledged.
    pub commits: u64,
    /// Times the broker was started.
    pub starts: u32,
    /// Turns until all was mended.
    pub chaos_steps: u64,
    /// The first start was cut short.
    pub first_start_cut: bool,
    /// What must not be and was.
    pub violation: Option<Violation>,
    /// What was told of it, if anybody wanted to know.
    pub lines: Vec<String>,
}

/// Runs `plan` under `seed`.
pub fn run(seed: u64, plan: &Plan, trace: Trace) -> Outcome {
    trace::keeping_panics(|| trace.clone().with_log(|| run_in(seed, plan, trace)))
}

/// Nothing is known yet but what may go.
fn history(plan: &Plan) -> History {
    let history = History::default();
    let expires = plan.offset_retention_ms_max > 0;
    history.groups.may_go.set(expires);
    history.keep_newest(plan.wishes.compacted, plan.keys);
    history
}

fn run_in(seed: u64, plan: &Plan, trace: Trace) -> Outcome {
    let world = World::new(seed, trace.clone());
    let watch: Rc<Watch> = Rc::default();
    let (shape, config) = (plan.shape.clone(), plan.config.clone());
    let random = Random::stream(seed, 4);
    let machine = Machine::new(&world, (shape, config), random, watch.clone());
    let setting = Rc::new(Setting {
        world: world.clone(),
        machine: machine.clone(),
        history: history(plan),
        phase: Cell::new(Phase::Chaos),
        requests_left: Cell::new(plan.requests),
        busy: RefCell::default(),
        think_us_max: plan.think_us_max,
        value_bytes: plan.value_bytes,
        hang_up_one_in: plan.hang_up_one_in,
        damaged: RefCell::default(),
        lost: RefCell::default(),
        topic_names: plan.wishes.names(),
        offset_retention_ms_max: plan.offset_retention_ms_max,
        has_lost: Cell::new(false),
        has_ever_lost: Cell::new(false),
        caching: (!plan.wishes.own_caching).then_some(plan.config.write_caching),
        reads_fail: plan.faults.iter().any(|fault| fault.breaks_reads()),
    });
    let operator = Rc::new(Operator {
        setting: setting.clone(),
        plan: plan.clone(),
        random: Random::stream(seed, 5),
        done: Cell::new(false),
        chaos_steps: Cell::new(0),
        first_start_cut: Cell::new(false),
        failed_before: Cell::default(),
        damages: RefCell::default(),
        decayed_before: RefCell::default(),
    });
    if let Some(Point::Turn(turn, fault)) = plan.ends {
        let setting = setting.clone();
        world.call_at_step(turn, move || end(&setting, fault));
    }
    spawn_clients(seed, plan, &setting);
    let life = operator.clone();
    let life = async move { life.run().await };
    world.spawn(OUTSIDE, "operator", Box::pin(life));
    let unfinished = turn_until_done(&operator, &watch);
    if let Some((kind, what)) = unfinished {
        setting.history.fail(kind, what);
    }
    let outcome = Outcome {
        hash: world.hash(),
        steps: world.steps(),
        simulated_ns: world.now_ns(),
        records: setting.history.counts(),
        gone: setting.history.gone(),
        commits: setting.history.groups.acked(),
        starts: machine.incarnation() - 1,
        chaos_steps: operator.chaos_steps.get(),
        first_start_cut: operator.first_start_cut.get(),
        violation: setting.history.violation(),
        lines: trace.lines(),
    };
    if outcome.violation.is_some() {
        // After a panic its state is broken: nothing of it may run any more, not even what dropping it does.
        std::mem::forget((world, operator, setting, machine, watch));
    } else {
        machine.kill();
        world.kill(OUTSIDE);
        world.end();
    }
    outcome
}

/// Why the run did not come to its end.
fn turn_until_done(operator: &Operator, watch: &Watch) -> Option<(&'static str, String)> {
    let setting = &operator.setting;
    while !operator.done.get() && !setting.history.has_failed() {
        let turn = setting.world.turn();
        setting.world.trace().at(setting.world.now_ns());
        match turn {
            Turn::Ran(_) | Turn::Waited => {
                watch.look(setting);
                operator.forget_copies();
            }
            Turn::Idle => return Some(("dead", "nothing can run any more".to_owned())),
            Turn::Panicked(what) => return Some(("panic", what)),
            Turn::Spins(task) => return Some(("spins", format!("task `{task}`"))),
        }
        if setting.world.steps() > STEPS_MAX {
            return Some(("endless", format!("more than {STEPS_MAX} turns")));
        }
    }
    None
}

fn spawn_clients(seed: u64, plan: &Plan, setting: &Rc<Setting>) {
    let world = &setting.world;
    let random = |number: u32| Random::stream(seed, 1000 + u64::from(number));
    let admin = Admin::new(setting.clone(), 0, random(0), plan.wishes.clone());
    world.spawn(OUTSIDE, "admin", Box::pin(admin.run()));
    let (idempotent, others) = plan.producers;
    for number in 1..=idempotent + others {
        let producer = Producer::new(
            setting.clone(),
            number,
            random(number),
            number <= idempotent,
        );
        world.spawn(OUTSIDE, "producer", Box::pin(producer.run()));
    }
    for number in 0..plan.consumers {
        let number = 100 + number;
        let consumer = Consumer::new(setting.clone(), number, random(number));
        world.spawn(OUTSIDE, "consumer", Box::pin(consumer.run()));
    }
    let (members, groups) = plan.members;
    for place in 0..members {
        let number = 200 + place;
        let group = format!("group-{}", place % groups);
        let member = Member::new(setting.clone(), number, random(number), group);
        world.spawn(OUTSIDE, "member", Box::pin(member.run()));
    }
    for place in 0..plan.committers {
        let number = 300 + place;
        let group = format!("alone-{place}");
        let member = Member::new(setting.clone(), number, random(number), group);
        world.spawn(OUTSIDE, "committer", Box::pin(member.run_alone()));
    }
}

/// Ends the process, or the machine's power.
fn end(setting: &Setting, fault: Fault) {
    match fault {
        Fault::Power => setting.lose_power(),
        _ => setting.kill(),
    }
}

/// Who starts the broker, breaks things, mends them, and looks at the end whether all is well.
pub(super) struct Operator {
    pub(super) setting: Rc<Setting>,
    pub(super) plan: Plan,
    pub(super) random: Random,
    pub(super) done: Cell<bool>,
    chaos_steps: Cell<u64>,
    pub(super) first_start_cut: Cell<bool>,
    /// Operations of the disk that had failed when the broker was started last, and those that had found no space.
    pub(super) failed_before: Cell<(u64, u64)>,
    /// What has decayed and was not restored.
    pub(super) damages: RefCell<Vec<Damage>>,
    /// The files a start needs that had decayed when the broker was started last.
    pub(super) decayed_before: RefCell<Vec<String>>,
}

impl Operator {
    async fn run(&self) {
        let faults = self.setting.machine.disk.faults();
        faults.latency_us.set(self.plan.latency_us);
        faults.sync_all_flushes.set(self.plan.sync_all_flushes);
        self.start().await;
        for _ in 0..self.plan.breaks {
            let peace_us = self.random.spread(1, self.plan.peace_us_max);
            self.supervise(Duration::from_micros(peace_us)).await;
            let fault = *self.random.pick(&self.plan.faults);
            self.setting.world.tell(|| format!("operator: {fault}"));
            self.inflict(fault).await;
        }
        if self.plan.breaks == 0 {
            while self.setting.goes_on() {
                self.supervise(Duration::from_millis(100)).await;
            }
        }
        self.heal();
        self.wait_finished().await;
        self.read_all().await;
        self.restart_hard().await;
        self.read_all().await;
        self.restart_soft().await;
        self.read_all().await;
        self.done.set(true);
    }

    fn heal(&self) {
        self.chaos_steps.set(self.setting.world.steps());
        self.setting
            .world
            .tell(|| "operator: all is mended".to_owned());
        let disk = &self.setting.machine.disk;
        disk.faults().heal();
        if disk.has_lied() {
            disk.settle();
        }
        self.restore(None);
        self.setting.phase.set(Phase::Healed);
    }

    /// Waits for `time`; a process that ends meanwhile, or that something else has ended, is started again.
    pub(super) async fn supervise(&self, time: Duration) {
        let deadline = self.setting.world.now_ns() + time.as_nanos() as u64;
        loop {
            let left = deadline.saturating_sub(self.setting.world.now_ns());
            let pause = Duration::from_nanos(left).min(Duration::from_millis(20));
            self.setting.world.sleep(pause).await;
            if let Some(ended) = self.setting.machine.take_ended() {
                self.setting.history.process_ended();
                self.judge(&ended);
                self.start().await;
            } else if self.setting.machine.process().is_none() {
                self.start().await;
            }
            if self.setting.machine.is_whole() {
                self.setting.has_lost.set(false);
            }
            self.restart_if_fenced().await;
            if self.setting.world.now_ns() >= deadline {
                return;
            }
        }
    }

    /// The process or the power ends, whichever this run has.
    pub(super) fn break_down(&self) {
        let power = self.plan.faults.contains(&Fault::Power);
        if power && (self.random.one_in(2) || !self.plan.faults.contains(&Fault::Kill)) {
            self.setting.lose_power();
        } else {
            self.setting.kill();
        }
    }

    async fn inflict(&self, fault: Fault) {
        match fault {
            Fault::Kill | Fault::Power => self.end_now(fault).await,
            Fault::Stop => self.stop().await,
            Fault::Slow => self.slow(),
            Fault::Read | Fault::Write | Fault::Sync => self.fail_operations(fault),
            Fault::Full => self.fill_up(),
            Fault::Rot => self.decay().await,
            Fault::Lie => self.lie().await,
        }
    }

    /// Ends the process or the power between any two turns from here on, or behind an operation of the disk.
    pub(super) async fn end_now(&self, fault: Fault) {
        let world = &self.setting.world;
        let ended = Rc::new(Cell::new(false));
        let (setting, told) = (self.setting.clone(), ended.clone());
        let end = move || {
            if !told.replace(true) {
                end(&setting, fault);
            }
        };
        if self.random.one_in(self.plan.aimed_one_in) {
            let aim = Aim::draw(&self.plan.targets, &self.random);
            world.tell(|| format!("operator: waits for {aim:?}"));
            self.setting.machine.disk.call_behind(aim, end.clone());
            let deadline = world.now_ns() + self.random.spread(1, AIM_MS_MAX) * 1_000_000;
            while !ended.get() && world.now_ns() < deadline {
                world.sleep(Duration::from_millis(1)).await;
            }
        }
        if !ended.get() {
            world.call_at_step(self.random.spread(1, 4096), end);
        }
        while !ended.get() {
            world.sleep(Duration::from_millis(1)).await;
        }
        let down_us = self.random.spread(1, 200_000);
        world.sleep(Duration::from_micros(down_us)).await;
        self.start().await;
    }

    /// I35: everything that was begun is finished.
    async fn wait_finished(&self) {
        let deadline = self.setting.world.now_ns() + FINISH.as_nanos() as u64;
        while !self.setting.busy.borrow().is_empty() {
            self.supervise(Duration::from_millis(20)).await;
            if self.setting.world.now_ns() > deadline {
                let busy = format!("{:?}", self.setting.busy.borrow());
                return self.setting.history.fail("unfinished", busy);
            }
        }
    }

    /// A last consumer reads everything, and a last client of the groups fetches all offsets.
    async fn read_all(&self) {
        let reader = Consumer::new(self.setting.clone(), 999, self.random.fork());
        let life = Box::pin(reader.run_final());
        self.setting.world.spawn(OUTSIDE, "final read", life);
        let member = Member::new(self.setting.clone(), 998, self.random.fork(), String::new());
        let life = Box::pin(member.run_final());
        self.setting.world.spawn(OUTSIDE, "final fetch", life);
        self.supervise(Duration::from_micros(1)).await;
        self.wait_finished().await;
    }

    /// The power goes, although nothing is under way: nothing may be missing (I19, I20).
    async fn restart_hard(&self) {
        self.setting.lose_power();
        self.start().await;
    }

    /// A clean stop, and the start after it.
    async fn restart_soft(&self) {
        self.stop().await;
    }
}
