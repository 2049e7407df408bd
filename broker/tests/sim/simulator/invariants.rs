//! What must hold of a running broker's own state, looked at from outside between two turns: what recovery brought back is
//! what was lost (I19), and nothing that only grows ever falls (I4, I17, I18, I28).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use broker::log::manifest::{Manifest, PartitionState};
use broker::partition::leader_epochs::LeaderEpochs;
use broker::router::Router;
use broker::shard::{PartitionKey, Shard};

use super::client::Setting;
use super::history::{History, Known};
use super::machine::Observer;

/// Turns between two looks at everything.
const LOOK_STEPS: u64 = 64;

/// One shard's state, by quorum.
type State = Vec<Manifest>;

/// Watches the shards of one machine.
#[derive(Default)]
pub struct Watch {
    /// The state each shard had when its process ended.
    before: RefCell<BTreeMap<u32, State>>,
    /// Shards that have recovered and do not lead yet.
    recovering: RefCell<Vec<Rc<Router>>>,
    /// What each partition had reached at the last look, in this life of the process.
    reached: RefCell<BTreeMap<PartitionKey, (i64, i32, i64)>>,
    /// By quorum: term, commit and applied index at the last look.
    quorums: RefCell<BTreeMap<u32, (u64, u64, u64)>>,
    next_look: Cell<u64>,
}

impl Observer for Watch {
    fn opened(&self, router: &Rc<Router>) {
        self.recovering.borrow_mut().push(router.clone());
    }

    fn ends(&self, routers: &[Rc<Router>]) {
        self.recovering.borrow_mut().clear();
        self.reached.borrow_mut().clear();
        self.quorums.borrow_mut().clear();
        for router in routers {
            let shard = router.shard();
            // One that did not lead yet has not applied all that it had.
            if shard.leads_all() {
                self.before.borrow_mut().insert(shard.number, state(shard));
            }
        }
    }

    fn forgets(&self) {
        self.before.borrow_mut().clear();
    }
}

impl Watch {
    /// After every turn.
    pub fn look(&self, setting: &Setting) {
        let history = &setting.history;
        self.recovering.borrow_mut().retain(|router| {
            let leads = router.shard().leads_all();
            if leads {
                self.recovered(router.shard(), history);
            }
            !leads
        });
        if setting.world.steps() >= self.next_look.get() {
            self.next_look.set(setting.world.steps() + LOOK_STEPS);
            if let Some(process) = setting.machine.process() {
                for router in process.routers() {
                    self.look_at(router.shard(), history);
                }
            }
        }
    }

    /// I19: the shard leads, so all that it recovered is applied, and nothing else is yet.
    fn recovered(&self, shard: &Shard, history: &History) {
        let Some(before) = self.before.borrow_mut().remove(&shard.number) else {
            return;
        };
        let after = state(shard);
        for (before, after) in before.iter().zip(&after) {
            let quorum = before.quorum.quorum;
            let (was, is) = (before.quorum.applied_index, after.quorum.applied_index);
            if is < was {
                let what =
                    format!("quorum {quorum} had applied {was} entries, after recovery {is}");
                history.fail("recovery", what);
            }
            // The own term's first entry comes on top.
            if is == was + 1 && before.records != after.records {
                history.fail("recovery", format!("quorum {quorum}: another image"));
            }
            let found: BTreeMap<_, _> =
                after.partitions.iter().map(|one| (key(one), one)).collect();
            for was in &before.partitions {
                match found.get(&key(was)) {
                    Some(is) => compare(was, is, history),
                    None if is_wanted(was, history) => {
                        history.fail("recovery", format!("{:?} is gone", key(was)));
                    }
                    None => {}
                }
            }
        }
    }

    fn look_at(&self, shard: &Shard, history: &History) {
        for (manifest, owners) in shard.manifests() {
            let quorum = manifest.quorum;
            let now = (quorum.term, quorum.commit, quorum.applied_index);
            let before = self.quorums.borrow_mut().insert(quorum.quorum, now);
            if let Some(before) = before
                && (now.0 < before.0 || now.1 < before.1 || now.2 < before.2)
            {
                history.fail(
                    "quorum-regressed",
                    format!("quorum {}: {now:?} after {before:?}", quorum.quorum),
                );
            }
            for owned in owners {
                let partition = owned.partition.borrow();
                let end = partition.high_watermark();
                let start = partition.log_start_offset();
                let now = (end, partition.leader_epoch(), start);
                let before = self.reached.borrow_mut().insert(owned.key, now);
                let fell = before
                    .is_some_and(|before| now.0 < before.0 || now.1 < before.1 || now.2 < before.2);
                let tail_start = partition.tail_start_offset();
                if fell || start > end || tail_start > end {
                    history.fail(
                        "partition-regressed",
                        format!(
                            "{:?}: {now:?} after {before:?}, tail at {tail_start}",
                            owned.key
                        ),
                    );
                }
            }
        }
    }
}

fn state(shard: &Shard) -> State {
    let manifests = shard.manifests();
    manifests
        .into_iter()
        .map(|(manifest, _)| manifest)
        .collect()
}

fn key(state: &PartitionState) -> PartitionKey {
    PartitionKey {
        topic_id: state.head.topic_id,
        partition: state.head.partition,
    }
}

/// Whether a partition must be there: its topic is, for certain.
fn is_wanted(state: &PartitionState, history: &History) -> bool {
    history.topic(&state.topic).0 == Known::Present(state.head.topic_id)
}

fn compare(was: &PartitionState, is: &PartitionState, history: &History) {
    let case = |what: &str| format!("{:?}: {what}: {:?} before, {:?} after", key(was), was, is);
    if was.head.added_term != is.head.added_term || was.topic != is.topic {
        history.fail("recovery", case("another partition"));
    }
    if is.head.next_offset < was.head.next_offset
        || is.head.log_start_offset < was.head.log_start_offset
    {
        history.fail("recovery", case("another range"));
    }
    // What was on its way when the process ended may be there now.
    if is.head.next_offset != was.head.next_offset
        || is.head.log_start_offset != was.head.log_start_offset
    {
        return;
    }
    if was.producers != is.producers {
        history.fail("recovery", case("other producers"));
    }
    let mut epochs = LeaderEpochs::new(was.leader_epochs.clone());
    if let Some((latest, start)) = is.leader_epochs.last() {
        epochs.begin(*latest, *start);
    }
    if epochs.entries() != is.leader_epochs {
        history.fail("recovery", case("other leader epochs"));
    }
}
