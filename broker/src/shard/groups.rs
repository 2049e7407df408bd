//! The group coordinators of one shard: one state machine a partition of `__consumer_offsets` that is led here. Runs them:
//! requests in, records to the partition's log, replies out when the records are committed, deadlines when they come. What
//! fails to reach the log takes the state with it, which is then read again. Decides nothing about groups.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;
use hashbrown::HashMap;

use super::{Owned, PartitionKey, Shard};
use crate::coordinator::group::figures::GroupsFigures;
use crate::coordinator::group::machine::{GroupCommand, GroupCoordinator};
use crate::coordinator::group::{GroupError, GroupReply, GroupRequest, ListedGroup, Ticket};
use crate::coordinator::{GROUP_TOPIC, partition_of};
use crate::io::executor::Signal;
use crate::limits;
use crate::metadata::Topic;
use crate::planted::{self, Bug};
use crate::quorum::Pending;
use crate::replicated::runtime::Runtime;

/// How long a log that cannot be read, or a disk without room, is left alone before the next try.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The coordinators of a shard.
#[derive(Default)]
pub(in crate::shard) struct Coordinators {
    all: RefCell<BTreeMap<PartitionKey, Rc<Coordinator>>>,
    /// Those whose logs are to be read.
    unread: RefCell<VecDeque<PartitionKey>>,
    read_wanted: Signal,
    /// Something is due earlier than the loop knows.
    deadline_moved: Signal,
    /// When the loop looks next; monotonic milliseconds.
    next_look_ms: Cell<u64>,
    /// Memory that all groups take.
    bytes: Cell<usize>,
    /// The shard stops: nobody is served any more.
    closed: Cell<bool>,
}

impl Coordinators {
    /// What they come to, and the groups by themselves: as many as fit into `lines_max` lines of figures.
    pub(in crate::shard) fn figures(&self, lines_max: usize) -> GroupsFigures {
        let mut figures = GroupsFigures::default();
        for coordinator in self.all.borrow().values() {
            if let Some(run) = coordinator.runtime.borrow().as_ref() {
                figures.add(run.machine(), lines_max);
            }
        }
        figures
    }
}

/// One of them.
struct Coordinator {
    owned: Rc<Owned>,
    /// `None` until the log is read.
    runtime: RefCell<Option<Runtime<GroupCoordinator>>>,
    /// Who waits for a reply.
    waiting: RefCell<HashMap<Ticket, Rc<Waiting>>>,
    next_ticket: Cell<Ticket>,
}

/// Somebody who waits, and what he is told: a reply, which may go out when the pending entry is applied.
#[derive(Default)]
struct Waiting {
    told: RefCell<Option<Told>>,
    signal: Signal,
}

type Told = (Result<GroupReply, GroupError>, Option<Pending>);

/// A place among those who wait; it is given up when its owner goes, whatever the reason.
struct Place {
    coordinator: Rc<Coordinator>,
    ticket: Ticket,
    waiting: Rc<Waiting>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.coordinator.waiting.borrow_mut().remove(&self.ticket);
    }
}

impl Coordinator {
    fn wait(self: &Rc<Self>) -> Place {
        let ticket = self.next_ticket.get();
        self.next_ticket.set(ticket + 1);
        let waiting = Rc::new(Waiting::default());
        self.waiting.borrow_mut().insert(ticket, waiting.clone());
        Place {
            coordinator: self.clone(),
            ticket,
            waiting,
        }
    }

    fn tell(&self, ticket: Ticket, told: Told) {
        // Who has gone meanwhile is told nothing.
        if let Some(waiting) = self.waiting.borrow_mut().remove(&ticket) {
            *waiting.told.borrow_mut() = Some(told);
            waiting.signal.set();
        }
    }

    /// Tells everybody that there will be no reply.
    fn refuse_all(&self, error: &GroupError) {
        let tickets: Vec<Ticket> = self.waiting.borrow().keys().copied().collect();
        for ticket in tickets {
            self.tell(ticket, (Err(error.clone()), None));
        }
    }

    fn bytes(&self) -> usize {
        let runtime = self.runtime.borrow();
        runtime.as_ref().map_or(0, |run| run.machine().sums().bytes)
    }

    fn next_deadline_ms(&self) -> Option<u64> {
        self.runtime.borrow().as_ref()?.next_deadline_ms()
    }
}

impl Shard {
    /// Asks the coordinator of the group of this id, which is on this shard. The reply is true for good: what it rests on is
    /// committed.
    pub async fn group(
        &self,
        group_id: String,
        request: GroupRequest,
    ) -> Result<GroupReply, GroupError> {
        if request.is_write() {
            self.wait_for_group_room(request.is_growth()).await?;
        }
        let coordinator = match self.coordinator_of(&group_id) {
            // Members need not know that a session goes on unseen, as in Kafka.
            Err(GroupError::Loading) if matches!(request, GroupRequest::Heartbeat(_)) => {
                return Ok(GroupReply::Alive);
            }
            found => found?,
        };
        let place = coordinator.wait();
        let command = GroupCommand::Ask {
            ticket: place.ticket,
            group_id,
            request,
        };
        self.step(&coordinator, command);
        place.waiting.signal.wait().await;
        let told = place.waiting.told.borrow_mut().take();
        let (reply, pending) = told.expect("a signal comes with what is told");
        let early = planted::on(Bug::OffsetCommitAckedEarly)
            && matches!(reply, Ok(GroupReply::Committed(_)));
        match pending {
            Some(_) if early => reply,
            Some(pending) if !self.wait_applied(pending).await => Err(GroupError::NotAvailable),
            _ => reply,
        }
    }

    /// Every group that this shard coordinates.
    pub async fn groups(&self) -> Result<Vec<ListedGroup>, GroupError> {
        let (mut groups, mut pendings) = (Vec::new(), Vec::new());
        let keys: Vec<PartitionKey> = match self.image().topic(GROUP_TOPIC) {
            Some(topic) => self.keys_here(topic).map(|(key, _)| key).collect(),
            None => Vec::new(),
        };
        for key in keys {
            let coordinator = self.coordinator(key)?;
            let runtime = coordinator.runtime.borrow();
            let runtime = runtime.as_ref().ok_or(GroupError::Loading)?;
            groups.extend(runtime.machine().list());
            pendings.push(runtime.decided());
        }
        for pending in pendings {
            if !self.wait_applied(pending).await {
                return Err(GroupError::NotAvailable);
            }
        }
        Ok(groups)
    }

    /// Waits until the log takes whatever one request can write.
    async fn wait_for_group_room(&self, is_growth: bool) -> Result<(), GroupError> {
        let full = || self.coordinators.bytes.get() > limits::GROUP_BYTES_PER_SHARD_MAX;
        loop {
            let refused = self.is_fenced() || self.is_out_of_space() || self.stopping.get();
            if refused || is_growth && full() {
                return Err(GroupError::NotAvailable);
            }
            if !self.must_wait(limits::GROUP_DECISION_BYTES_MAX) {
                return Ok(());
            }
            self.after_flush().await;
        }
    }

    fn coordinator_of(&self, group_id: &str) -> Result<Rc<Coordinator>, GroupError> {
        let image = self.image();
        let topic = image.topic(GROUP_TOPIC).ok_or(GroupError::NotCoordinator)?;
        self.coordinator(PartitionKey {
            topic_id: topic.id,
            partition: partition_of(group_id, topic.partitions.len()),
        })
    }

    /// The coordinator of a partition, if its log is read. One with an empty log is there at once.
    fn coordinator(&self, key: PartitionKey) -> Result<Rc<Coordinator>, GroupError> {
        if self.coordinators.closed.get() {
            return Err(GroupError::NotAvailable);
        }
        let owned = self.owned(key).ok_or(GroupError::NotCoordinator)?;
        let known = self.coordinators.all.borrow().get(&key).cloned();
        let coordinator = known.unwrap_or_else(|| self.begin_coordinator(owned));
        match coordinator.runtime.borrow().is_some() {
            true => Ok(coordinator.clone()),
            false => Err(GroupError::Loading),
        }
    }

    fn begin_coordinator(&self, owned: Rc<Owned>) -> Rc<Coordinator> {
        let key = owned.key;
        let is_empty = self.led(key).is_some() && !owned.partition.borrow().has_records();
        let coordinator = Rc::new(Coordinator {
            owned,
            runtime: RefCell::default(),
            waiting: RefCell::default(),
            next_ticket: Cell::new(0),
        });
        let mut all = self.coordinators.all.borrow_mut();
        all.insert(key, coordinator.clone());
        drop(all);
        if is_empty {
            self.open_coordinator(&coordinator, self.new_group_machine());
        } else {
            self.coordinators.unread.borrow_mut().push_back(key);
            self.coordinators.read_wanted.set();
        }
        coordinator
    }

    /// The log is read: the coordinator serves from here on.
    fn open_coordinator(&self, coordinator: &Rc<Coordinator>, mut machine: GroupCoordinator) {
        machine.start(self.moment());
        let image = self.image();
        let is_gone = |(topic, topic_id): &(Arc<str>, u128)| match image.topic(topic) {
            Some(topic) => *topic_id != 0 && *topic_id != topic.id,
            None => true,
        };
        let gone: Vec<_> = machine.topics().into_iter().filter(is_gone).collect();
        let groups = machine.len();
        let runtime = Runtime::new(machine, coordinator.owned.quorum);
        *coordinator.runtime.borrow_mut() = Some(runtime);
        self.account_groups(0, coordinator.bytes());
        if groups > 0 {
            let partition = coordinator.owned.key.partition;
            tracing::debug!(shard = self.number, partition, groups, "groups are read");
        }
        if !gone.is_empty() {
            self.step(coordinator, GroupCommand::ForgetTopics(gone));
        }
        self.look_at_deadline(coordinator);
    }

    /// One step of a coordinator: what it decides goes to the log, who is answered is told.
    fn step(&self, coordinator: &Rc<Coordinator>, command: GroupCommand) {
        let mut runtime = coordinator.runtime.borrow_mut();
        let Some(run) = runtime.as_mut() else {
            return coordinator.refuse_all(&GroupError::Loading);
        };
        let bytes_before = run.machine().sums().bytes;
        let counts_before = run.machine().counts();
        let owned = &coordinator.owned;
        let append = |records: &[_]| self.append_group_records(owned, records);
        let stepped = run.handle(command, self.moment(), append);
        let bytes_after = run.machine().sums().bytes;
        let done = run.machine().counts() - counts_before;
        drop(runtime);
        match stepped {
            Ok((answers, pending)) => {
                self.account_groups(bytes_before, bytes_after);
                self.metrics.groups_did(&done);
                for (ticket, reply) in answers {
                    coordinator.tell(ticket, (reply, Some(pending)));
                }
                self.look_at_deadline(coordinator);
            }
            Err(failure) => {
                self.account_groups(bytes_before, bytes_after);
                tracing::warn!(shard = self.number, partition = owned.key.partition, %failure, "a group coordinator could not write; its log is read again");
                self.end_coordinator(owned.key, &GroupError::NotAvailable);
            }
        }
    }

    fn account_groups(&self, before: usize, after: usize) {
        let bytes = &self.coordinators.bytes;
        bytes.set(bytes.get() + after - before);
    }

    /// Lets a coordinator's state go; who waits is told `error`. The next request reads the log again.
    pub(in crate::shard) fn end_coordinator(&self, key: PartitionKey, error: &GroupError) {
        let ended = self.coordinators.all.borrow_mut().remove(&key);
        if let Some(coordinator) = ended {
            self.account_groups(coordinator.bytes(), 0);
            *coordinator.runtime.borrow_mut() = None;
            coordinator.refuse_all(error);
        }
    }

    /// The shard stops, or may not write any more: nobody is served from here on.
    pub fn close_coordinators(&self) {
        self.coordinators.closed.set(true);
        let keys: Vec<_> = self.coordinators.all.borrow().keys().copied().collect();
        for key in keys {
            self.end_coordinator(key, &GroupError::NotAvailable);
        }
    }

    /// A newer image is in place: logs that were not read yet are read, offsets of topics that are gone go.
    pub(in crate::shard) fn coordinators_follow(&self, gone: &[Arc<Topic>], new: &[Arc<Topic>]) {
        for topic in new.iter().filter(|topic| *topic.name == *GROUP_TOPIC) {
            for (key, _) in self.keys_here(topic) {
                // What it says is for those who ask.
                let _ = self.coordinator(key);
            }
        }
        if gone.is_empty() {
            return;
        }
        let gone: Vec<_> = gone
            .iter()
            .map(|topic| (topic.name.clone(), topic.id))
            .collect();
        let all: Vec<_> = self.coordinators.all.borrow().values().cloned().collect();
        for coordinator in all {
            // One that is still read looks at the image when it is done.
            if coordinator.runtime.borrow().is_some() {
                self.step(&coordinator, GroupCommand::ForgetTopics(gone.clone()));
            }
        }
    }

    /// Reads logs of coordinators, one after the other, for as long as the shard lives.
    pub async fn run_group_reads(self: Rc<Self>) {
        loop {
            let next = self.coordinators.unread.borrow_mut().pop_front();
            let Some(key) = next else {
                self.coordinators.read_wanted.wait().await;
                continue;
            };
            let known = self.coordinators.all.borrow().get(&key).cloned();
            let Some(coordinator) = known else { continue };
            let read = self.read_groups(&coordinator.owned).await;
            let current = self.coordinators.all.borrow().get(&key).cloned();
            if !current.is_some_and(|current| Rc::ptr_eq(&current, &coordinator)) {
                continue;
            }
            match read {
                Ok(machine) => self.open_coordinator(&coordinator, machine),
                Err(failure) => {
                    tracing::error!(shard = self.number, partition = key.partition, %failure, "the log of a group coordinator cannot be read; it is tried again");
                    self.io.clock.sleep(RETRY_PAUSE).await;
                    self.end_coordinator(key, &GroupError::NotAvailable);
                }
            }
        }
    }

    fn look_at_deadline(&self, coordinator: &Coordinator) {
        let deadline_ms = coordinator.next_deadline_ms();
        if deadline_ms.is_some_and(|at_ms| at_ms < self.coordinators.next_look_ms.get()) {
            self.coordinators.deadline_moved.set();
        }
    }

    /// Does what is due in groups, for as long as the shard lives. While nothing is due it sleeps.
    pub async fn run_group_deadlines(self: Rc<Self>) {
        loop {
            let all: Vec<_> = self.coordinators.all.borrow().values().cloned().collect();
            let deadlines = all.iter().filter_map(|one| one.next_deadline_ms());
            let next_ms = deadlines.min();
            let now_ms = self.moment().now_ms;
            let moved = &self.coordinators.deadline_moved;
            match next_ms {
                None => {
                    self.coordinators.next_look_ms.set(u64::MAX);
                    moved.wait().await;
                }
                Some(at_ms) if at_ms > now_ms => {
                    self.coordinators.next_look_ms.set(at_ms);
                    let rest = Duration::from_millis(at_ms - now_ms);
                    or(moved.wait(), self.io.clock.sleep(rest)).await;
                }
                Some(_) if self.wait_for_group_room(false).await.is_err() => {
                    self.io.clock.sleep(RETRY_PAUSE).await;
                }
                Some(_) => {
                    self.do_due(&all, now_ms);
                    self.io.executor.yield_now().await;
                }
            }
        }
    }

    /// One thing that is due of each coordinator.
    fn do_due(&self, all: &[Rc<Coordinator>], now_ms: u64) {
        for coordinator in all {
            if coordinator
                .next_deadline_ms()
                .is_some_and(|at_ms| at_ms <= now_ms)
            {
                self.step(coordinator, GroupCommand::Deadline);
            }
        }
    }
}
