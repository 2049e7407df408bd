//! How the operator starts and stops the broker and breaks its disk, and how a process may end after that.

use std::time::Duration;

use broker::cli::ExitCode;
use broker::data_directory::Refusal;

use super::client::Phase;
use super::disk::faults::UNBOUNDED;
use super::plan::{Fault, Point};
use super::run::Operator;

/// Time within which a process must have stopped once it was asked to.
const STOP: Duration = Duration::from_secs(10);

/// A stop that takes so long may have given up a disk that stands still, and with it what was acknowledged early.
const GIVES_UP: Duration = Duration::from_secs(6);

/// Parts of names that errors are aimed at; the empty one is in all.
const AIMS: [&str; 7] = [
    "",
    ".journal",
    ".log",
    ".idx",
    ".manifest",
    "all",
    "shard-0",
];

/// What a start says that sees what a lying disk has lost.
const LOSSES: [&str; 8] = [
    "journal corrupt at",
    "is an older copy",
    "older than the other",
    "there was a checkpoint of",
    "holds no journal",
    "the checkpoint is damaged",
    "storage.manifest is damaged",
    "storage.plan is damaged",
];

/// How each shard of a process ended.
type Ended = [Result<ExitCode, Refusal>];

impl Operator {
    /// Starts the broker until it runs.
    pub(super) async fn start(&self) {
        let machine = &self.setting.machine;
        loop {
            let cut = self.breaks_starts() && self.random.one_in(8);
            let steps = self.random.spread(1, 16) as u32;
            let first = match self.plan.ends {
                Some(Point::StartStep(steps, _)) if !self.first_start_cut.get() => Some(steps),
                _ => None,
            };
            let first = first.filter(|_| machine.incarnation() == 1);
            machine.disk.cut_start_short(first.or(cut.then_some(steps)));
            self.failed_before.set(self.failures());
            *self.decayed_before.borrow_mut() = self.needed_and_decayed();
            let started = machine.start();
            match started {
                Ok(()) => return,
                Err(_) if machine.disk.was_cut_short() => {
                    self.first_start_cut.update(|cut| cut || first.is_some());
                    self.break_down();
                }
                Err(refusal) => self.refused(&[&refusal]),
            }
            if self.setting.history.has_failed() || self.done.get() {
                return;
            }
            self.setting.world.sleep(Duration::from_millis(5)).await;
        }
    }

    fn breaks_starts(&self) -> bool {
        let chaos = self.setting.phase.get() == Phase::Chaos;
        chaos
            && (self.plan.faults.contains(&Fault::Kill) || self.plan.faults.contains(&Fault::Power))
    }

    /// Operations of the disk that have failed so far, and those that have found no space.
    fn failures(&self) -> (u64, u64) {
        let faults = self.setting.machine.disk.faults();
        (faults.struck(), faults.without_space.get())
    }

    /// Whether an operation has failed since the broker was started.
    fn disk_has_failed(&self) -> bool {
        self.failures().0 > self.failed_before.get().0
    }

    /// A start was refused: whether what happened is a reason for what is said. Before the next one the disk may be mended.
    fn refused(&self, refusals: &[&Refusal]) {
        for (code, said) in refusals {
            self.setting
                .world
                .tell(|| format!("operator: refused, {code:?}: {said}"));
            let decayed = self.has_decayed(said);
            if *code == ExitCode::Damaged && !decayed && self.setting.has_lost.get() {
                return self.lost_for_good(said);
            }
            let legal = match code {
                ExitCode::Unusable => decayed || self.failures() != self.failed_before.get(),
                ExitCode::Damaged | ExitCode::OtherLayout => decayed,
                _ => false,
            };
            if !legal {
                let what = format!("{code:?}: {said}");
                self.setting.history.fail("refused", what);
            }
        }
        let said: Vec<&str> = refusals.iter().map(|(_, said)| said.as_str()).collect();
        self.restore(Some(&said));
        if self.random.one_in(2) {
            let faults = self.setting.machine.disk.faults();
            faults.stop_errors();
            faults.capacity_bytes.set(UNBOUNDED);
        }
    }

    /// The broker sees that its disk has lost what it had called synced: nothing but a copy helps, and the run is over.
    fn lost_for_good(&self, said: &str) {
        if !LOSSES.iter().any(|loss| said.contains(loss)) {
            self.setting.history.fail("refused", said.to_owned());
        }
        self.done.set(true);
    }

    /// What a process says that ended although nobody asked it to: one shard at least could not start.
    pub(super) fn judge(&self, ended: &Ended) {
        let refusals: Vec<&Refusal> = ended.iter().filter_map(|one| one.as_ref().err()).collect();
        if refusals.is_empty() {
            self.setting.history.fail("ended", format!("{ended:?}"));
        }
        self.refused(&refusals);
    }

    /// Asks the process to stop, and starts it again.
    pub(super) async fn stop(&self) {
        let machine = &self.setting.machine;
        let asked_ns = self.setting.world.now_ns();
        let was_serving = machine.is_serving();
        machine.ask_to_stop();
        let ended = machine.wait_ended(STOP * 10).await;
        if ended.is_none() && machine.process().is_none() {
            // Something else has ended it.
            return self.start().await;
        }
        let Some(ended) = ended else {
            let what = "it does not stop".to_owned();
            return self.setting.history.fail("no-stop", what);
        };
        let took = Duration::from_nanos(self.setting.world.now_ns() - asked_ns);
        if was_serving && took > STOP {
            let what = format!("it took {took:?} to stop");
            self.setting.history.fail("slow-stop", what);
        }
        let well = ended.iter().all(|one| matches!(one, Ok(ExitCode::Ok)));
        match well {
            true => self.setting.history.stopped_well(),
            false => self.setting.history.process_ended(),
        }
        for one in &ended {
            match one {
                Ok(ExitCode::Ok) => {}
                Ok(ExitCode::Runtime) if self.disk_has_failed() || took > GIVES_UP => {}
                Ok(_) => self.setting.history.fail("ended", format!("{ended:?}")),
                Err(refusal) => self.refused(&[refusal]),
            }
        }
        self.start().await;
    }

    /// A shard that is fenced acknowledges nothing until it is started again: an operator sees it sooner or later.
    pub(super) async fn restart_if_fenced(&self) {
        if !self.setting.machine.is_fenced() || !self.random.one_in(8) {
            return;
        }
        self.setting
            .world
            .tell(|| "operator: a shard is fenced, the broker is started again".to_owned());
        if self.setting.has_ever_lost.get() && !self.disk_has_failed() {
            // A shard has seen that it knows more than the first one, which has the metadata.
            return self.done.set(true);
        }
        if !self.disk_has_failed() {
            let what = "although nothing of the disk has failed".to_owned();
            self.setting.history.fail("fenced", what);
        }
        let power = self.plan.faults.contains(&Fault::Power);
        match self.random.below(3) {
            0 => self.end_now(Fault::Kill).await,
            1 if power => self.end_now(Fault::Power).await,
            _ => self.stop().await,
        }
    }

    /// The disk lies for a while. Then the power goes, mostly; or the process ends, which loses nothing; or nothing happens, and
    /// the power may go later.
    pub(super) async fn lie(&self) {
        let disk = &self.setting.machine.disk;
        self.setting.history.disk_lies(disk.has_lied());
        disk.faults().lies.set(true);
        let time = self.random.spread_us(1_000, 3_000_000);
        self.supervise(time).await;
        disk.faults().lies.set(false);
        match self.random.below(4) {
            0 => {}
            1 => self.end_now(Fault::Kill).await,
            _ => self.end_now(Fault::Power).await,
        }
    }

    /// The disk is slow from now on, or stands still for a while.
    pub(super) fn slow(&self) {
        let faults = self.setting.machine.disk.faults();
        if self.random.one_in(2) {
            faults.slow.set(self.random.spread(2, 100));
        } else {
            let still_us = self.random.spread(1_000, 30_000_000);
            let until = self.setting.world.now_ns() + still_us * 1000;
            faults.stalled_until_ns.set(until);
        }
    }

    /// Some of the next reads, writes or syncs fail.
    pub(super) fn fail_operations(&self, fault: Fault) {
        let faults = self.setting.machine.disk.faults();
        let (strikes, left) = match fault {
            Fault::Read => (&faults.reads, self.random.spread(1, 64)),
            Fault::Write => (&faults.writes, self.random.spread(1, 4)),
            _ => (&faults.syncs, self.random.spread(1, 4)),
        };
        strikes.set(
            self.random.spread(1, 64),
            left,
            self.random.pick::<&str>(&AIMS),
        );
    }

    /// The file system has little room left, or none, until space returns.
    pub(super) fn fill_up(&self) {
        let machine = self.setting.machine.clone();
        let room = match self.random.one_in(3) {
            true => 0,
            false => self.random.spread(4096, 1 << 20),
        };
        let full = machine.disk.used_bytes() + room;
        machine.disk.faults().capacity_bytes.set(full);
        let time = self.random.spread_us(1_000, 10_000_000);
        let mended = move || machine.disk.faults().capacity_bytes.set(UNBOUNDED);
        self.setting.world.call_after(time, mended);
    }
}
