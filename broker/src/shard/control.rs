//! The controller on shard 0, and how every shard follows the image it makes: partitions are added and removed by entries
//! of their quorums, and a topic counts as created when every owner has applied.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use protocol::frame::{Frame, FrameBuilder};
use protocol::native::MetadataRecord;

use super::{PartitionKey, Shard};
use crate::config::Advertise;
use crate::controller::{Controller, ControllerReply, ControllerRequest};
use crate::io::executor::Signal;
use crate::journal::frame::{Item, ItemKind};
use crate::metadata::{CONTROLLER_QUORUM, Image, Placement, RESOURCE_BROKER, Topic};
use crate::quorum::{ITEM_OVERHEAD_BYTES, Pending, ProposeError, Quorums};
use crate::replicated::Moment;
use crate::replicated::runtime::Runtime;

/// Largest metadata record, bytes.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// Why the controller did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// It is not ready, or its journal failed.
    #[error("the controller is not available")]
    Unavailable,
    /// Its shard has stopped.
    #[error("the controller's shard has stopped")]
    Stopped,
}

/// How far the log of the cluster's metadata is, as clients see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControllerQuorum {
    /// Its leader's.
    pub leader_epoch: i32,
    /// Everything below it is committed, and in the image.
    pub high_watermark: i64,
    /// Where the next entry goes.
    pub log_end_offset: i64,
}

impl Shard {
    /// Shard 0: how far the controller's quorum is; `None` while it does not lead.
    pub fn controller_quorum(&self) -> Option<ControllerQuorum> {
        let quorums = self.quorums.borrow();
        let place = quorums.place(CONTROLLER_QUORUM)?;
        // Entries are counted from 1, offsets from 0.
        quorums.is_open(place).then(|| ControllerQuorum {
            leader_epoch: quorums.term(place) as i32,
            high_watermark: quorums.applied(place) as i64,
            log_end_offset: quorums.last_index(place) as i64,
        })
    }

    /// Shard 0: decides on `request`; the reply comes when it is committed and in place on every shard.
    pub async fn control(
        &self,
        request: ControllerRequest,
    ) -> Result<ControllerReply, ControlError> {
        let (reply, pending) = loop {
            let decided = self.decide(&request);
            match decided {
                Ok(decided) => break decided,
                Err(ProposeError::Fenced) => return Err(ControlError::Unavailable),
                Err(ProposeError::NotReady | ProposeError::Full) => self.after_flush().await,
            }
        };
        self.flush_wanted.set();
        if !self.wait_applied(pending).await {
            return Err(ControlError::Unavailable);
        }
        let version = self.committed_image.borrow().version;
        while !self.applied_everywhere(version) {
            if self.stopping.get() {
                return Err(ControlError::Stopped);
            }
            self.after_flush().await;
        }
        Ok(reply)
    }

    /// Waits for the next flush.
    pub(in crate::shard) async fn after_flush(&self) {
        let signal = Signal::default();
        self.notify_after_flush(&signal);
        signal.wait().await;
    }

    fn decide(
        &self,
        request: &ControllerRequest,
    ) -> Result<(ControllerReply, Pending), ProposeError> {
        let mut quorums = self.quorums.borrow_mut();
        let mut controller = self.controller.borrow_mut();
        let controller = controller.as_mut().ok_or(ProposeError::NotReady)?;
        let place = quorums
            .place(CONTROLLER_QUORUM)
            .ok_or(ProposeError::NotReady)?;
        if !quorums.is_open(place) {
            return Err(match quorums.is_fenced() {
                true => ProposeError::Fenced,
                false => ProposeError::NotReady,
            });
        }
        let append = |records: &[MetadataRecord]| propose_records(&mut quorums, place, records);
        controller.handle(request.clone(), self.moment(), append)
    }

    /// Now, with fresh chance.
    pub(in crate::shard) fn moment(&self) -> Moment {
        let (clock, random) = (&self.io.clock, &self.io.random);
        Moment {
            now_ms: clock.now().0 / 1_000_000,
            wall_ms: clock.wall_ms(),
            entropy: (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64()),
        }
    }

    /// Shard 0: the controller takes requests from here on.
    pub(in crate::shard) fn open_controller(&self) {
        let place = self.quorums.borrow().place(CONTROLLER_QUORUM);
        if let Some(place) = place
            && self.controller.borrow().is_none()
        {
            let image = self.committed_image.borrow().clone();
            *self.controller.borrow_mut() = Some(Runtime::new(
                Controller::new(image, self.config.clone()),
                place,
            ));
        }
    }

    /// A committed metadata record; true, as the image has grown.
    pub(in crate::shard) fn apply_record(&self, body: &[u8]) -> bool {
        let (frame, _) = Frame::parse(body, RECORD_BYTES_MAX)
            .expect("the journal's checksum covers metadata records");
        let record =
            MetadataRecord::decode(&frame).expect("only metadata records are proposed as such");
        self.committed_image.borrow_mut().replay(&record);
        true
    }

    /// Shard 0: waits until the committed image has grown and gives it out. Never before the controller has opened: until
    /// then the last records of the journal are not applied, and an image without them would remove what they made.
    pub async fn next_publication(&self) -> Arc<Image> {
        loop {
            self.publish_wanted.wait().await;
            if self.controller.borrow().is_some() {
                return Arc::new(self.committed_image.borrow().clone());
            }
        }
    }

    /// A newer image: it counts at once, also for the settings of what is here; what else it asks of this shard follows. No
    /// record may be taken under other settings than its topic's.
    pub fn image_changed(&self, image: Arc<Image>) {
        let before = self.image.replace(image.clone());
        if self.follow_settings(&before) {
            let all = image.topics.values();
            all.for_each(|topic| self.configure(topic));
        } else {
            let changed = Changes::between(&before, &image).new;
            changed.iter().for_each(|topic| self.configure(topic));
        }
        self.reconcile_wanted.set();
    }

    /// The broker's settings in force are those of the image. False: they are as they were.
    fn follow_settings(&self, before: &Image) -> bool {
        let image = self.image();
        if Arc::ptr_eq(&before.settings, &image.settings) {
            return false;
        }
        let node = match self.config.advertise {
            Advertise::Shard => image.node_id(self.number),
            Advertise::Machine => image.node_id(0),
        };
        let none = BTreeMap::new();
        let of = |name: &str| image.settings_of(RESOURCE_BROKER, name).unwrap_or(&none);
        let settings = self.config.with_dynamic(of(""), of(&node.to_string()));
        *self.partition_defaults.borrow_mut() = Self::default_partition_config(&settings);
        *self.settings.borrow_mut() = Arc::new(settings);
        true
    }

    /// Shard 0: `shard` has the image of this version in place.
    pub fn image_applied_by(&self, shard: u32, version: u64) {
        let mut versions = self.applied_versions.borrow_mut();
        let slot = &mut versions[shard as usize];
        *slot = version.max(*slot);
        drop(versions);
        self.wake_flush_waiters();
    }

    fn applied_everywhere(&self, version: u64) -> bool {
        self.applied_versions
            .borrow()
            .iter()
            .all(|applied| *applied >= version)
    }

    /// Waits for a newer image and makes this shard follow it; returns its version once all is in place.
    pub async fn next_reconciled(&self) -> Option<u64> {
        self.reconcile_wanted.wait().await;
        let image = self.image();
        if image.version < self.followed_version.get() {
            let (version, followed) = (image.version, self.followed_version.get());
            tracing::error!(
                shard = self.number,
                version,
                followed,
                "shard 0 has older metadata than this shard has followed: its directory is an older copy. This shard is fenced, and nothing was removed. Restore the whole data directory from one copy"
            );
            self.acknowledge_nothing_more();
            return None;
        }
        let before = self.reconciled.borrow().clone();
        let (differences, gone, changed) = match &before {
            None => {
                let all = image.topics.values().cloned().collect();
                (self.all_differences(&image), Vec::new(), all)
            }
            Some(before) => {
                let changes = Changes::between(before, &image);
                (self.differences(&changes), changes.gone, changes.new)
            }
        };
        let mut pendings = Vec::new();
        for Difference {
            key,
            quorum,
            kind,
            name,
        } in differences
        {
            let item = Item {
                kind,
                topic_id: key.topic_id,
                partition: key.partition,
                offset: -1,
                leader_epoch: -1,
                log_append_time_ms: -1,
                body: name,
            };
            pendings.push(self.propose_waiting(quorum, item).await?);
        }
        for pending in pendings {
            if !self.wait_applied(pending).await {
                return None;
            }
        }
        self.coordinators_follow(&gone, &changed);
        let version = image.version;
        self.followed_version.set(version);
        *self.reconciled.borrow_mut() = Some(image);
        Some(version)
    }

    async fn propose_waiting(&self, quorum: usize, item: Item<Bytes>) -> Option<Pending> {
        loop {
            let proposed = self.quorums.borrow_mut().propose(quorum, item.clone());
            match proposed {
                Ok(pending) => {
                    self.flush_wanted.set();
                    return Some(pending);
                }
                Err(ProposeError::Fenced) => return None,
                Err(ProposeError::NotReady | ProposeError::Full) => self.after_flush().await,
            }
        }
    }

    /// After a start: what must be added here, and what is here and must go.
    fn all_differences(&self, image: &Image) -> Vec<Difference> {
        let mut wanted = HashSet::new();
        let mut differences = Vec::new();
        for topic in image.topics.values() {
            wanted.extend(self.keys_here(topic).map(|(key, _)| key));
            self.add_missing(topic, &mut differences);
        }
        for (key, owned) in self.partitions.borrow().iter() {
            if !wanted.contains(key) {
                differences.push(Difference::remove(*key, owned.quorum));
            }
        }
        differences.sort_by_key(|difference| difference.key);
        differences
    }

    /// What `changes` ask of this shard.
    fn differences(&self, changes: &Changes) -> Vec<Difference> {
        let mut differences = Vec::new();
        for topic in &changes.gone {
            for (key, _) in self.keys_here(topic) {
                if let Some(owned) = self.owned(key) {
                    differences.push(Difference::remove(key, owned.quorum));
                }
            }
        }
        for topic in &changes.new {
            self.add_missing(topic, &mut differences);
        }
        differences
    }

    fn add_missing(&self, topic: &Topic, differences: &mut Vec<Difference>) {
        for (key, placement) in self.keys_here(topic) {
            if self.owned(key).is_none() {
                let place = self.quorums.borrow().place(placement.quorum);
                differences.push(Difference {
                    key,
                    quorum: place.expect("a shard has its quorums"),
                    kind: ItemKind::PartitionAdd,
                    name: Bytes::copy_from_slice(topic.name.as_bytes()),
                });
            }
        }
    }

    /// The partitions of `topic` that belong on this shard.
    pub(in crate::shard) fn keys_here<'a>(
        &self,
        topic: &'a Topic,
    ) -> impl Iterator<Item = (PartitionKey, &'a Placement)> + use<'a> {
        let (number, topic_id) = (self.number, topic.id);
        let numbered = (0..).zip(&topic.partitions);
        let here = numbered.filter(move |(_, placement)| placement.shard == number);
        here.map(move |(partition, placement)| {
            let key = PartitionKey {
                topic_id,
                partition,
            };
            (key, placement)
        })
    }
}

/// A partition to add to a quorum of this shard, or to remove from it.
struct Difference {
    key: PartitionKey,
    /// Place of the quorum.
    quorum: usize,
    kind: ItemKind,
    /// The topic's name, for one that is added.
    name: Bytes,
}

impl Difference {
    fn remove(key: PartitionKey, quorum: usize) -> Self {
        Self {
            key,
            quorum,
            kind: ItemKind::PartitionRemove,
            name: Bytes::new(),
        }
    }
}

/// Topics that two images do not share. A topic that has changed is another one at the same place: it is new, and as its
/// partitions never leave it, it is not gone.
#[derive(Debug, Default)]
struct Changes {
    gone: Vec<Arc<Topic>>,
    new: Vec<Arc<Topic>>,
}

impl Changes {
    /// Walks both by name. Unchanged topics are shared between images, so that each costs one comparison.
    fn between(before: &Image, after: &Image) -> Self {
        let mut changes = Self::default();
        let mut old = before.topics.values().peekable();
        for topic in after.topics.values() {
            while let Some(gone) = old.next_if(|old| old.name < topic.name) {
                changes.gone.push(gone.clone());
            }
            let same_name = old.next_if(|old| old.name == topic.name);
            if same_name.is_some_and(|old| Arc::ptr_eq(old, topic)) {
                continue;
            }
            if let Some(old) = same_name.filter(|old| old.id != topic.id) {
                changes.gone.push(old.clone());
            }
            changes.new.push(topic.clone());
        }
        changes.gone.extend(old.cloned());
        changes
    }
}

/// Proposes all of `records` or none; returns what the last one waits for.
fn propose_records(
    quorums: &mut Quorums,
    place: usize,
    records: &[MetadataRecord],
) -> Result<Pending, ProposeError> {
    let bodies: Vec<Bytes> = records.iter().map(encode).collect();
    let bytes = bodies.iter().map(|body| body.len() + ITEM_OVERHEAD_BYTES);
    if quorums.is_full(bytes.sum()) {
        return Err(ProposeError::Full);
    }
    let mut last = None;
    for body in bodies {
        let item = Item {
            kind: ItemKind::Record,
            topic_id: 0,
            partition: -1,
            offset: -1,
            leader_epoch: -1,
            log_append_time_ms: -1,
            body,
        };
        last = Some(quorums.propose(place, item)?);
    }
    Ok(last.expect("only decisions with records are proposed"))
}

fn encode(record: &MetadataRecord) -> Bytes {
    let mut builder = FrameBuilder::new();
    let frame = record
        .encode(&mut builder)
        .expect("names and values were checked against their limits");
    Bytes::copy_from_slice(frame)
}

#[cfg(test)]
mod tests {
    use protocol::native::MetadataRecord as Record;

    use super::*;

    fn topic(image: &mut Image, topic_id: u128, name: &str) {
        image.replay(&Record::Topic {
            topic_id,
            name: name.to_owned(),
        });
        image.replay(&Record::Partition {
            topic_id,
            partition: 0,
            quorum: 1,
            shard: 0,
        });
    }

    fn names(topics: &[Arc<Topic>]) -> Vec<(&str, u128)> {
        topics
            .iter()
            .map(|topic| (&*topic.name, topic.id))
            .collect()
    }

    #[test]
    fn only_what_changed_between_two_images_is_looked_at() {
        let mut image = Image::default();
        for (id, name) in [(1, "a"), (2, "b"), (3, "c"), (5, "e")] {
            topic(&mut image, id, name);
        }
        let before = image.clone();
        assert!(names(&Changes::between(&before, &image).new).is_empty());
        image.replay(&Record::RemoveTopic { topic_id: 1 });
        image.replay(&Record::RemoveTopic { topic_id: 3 });
        topic(&mut image, 30, "c");
        topic(&mut image, 4, "d");
        image.replay(&Record::Config {
            resource_type: crate::metadata::RESOURCE_TOPIC,
            resource_name: "e".to_owned(),
            key: "retention.ms".to_owned(),
            value: Some("1".to_owned()),
        });
        let changes = Changes::between(&before, &image);
        assert_eq!(
            names(&changes.gone),
            [("a", 1), ("c", 3)],
            "a re-created topic is another one"
        );
        assert_eq!(names(&changes.new), [("c", 30), ("d", 4), ("e", 5)]);
        assert_eq!(
            names(&Changes::between(&image, &Image::default()).gone).len(),
            4
        );
    }
}
