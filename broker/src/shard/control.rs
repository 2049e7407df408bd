//! The controller on shard 0, and how every shard follows the image it makes: partitions are added and removed by entries
//! of their quorums, and a topic counts as created when every owner has applied.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use protocol::frame::{Frame, FrameBuilder};
use protocol::native::MetadataRecord;

use super::{PartitionKey, Shard};
use crate::controller::{Controller, ControllerReply, ControllerRequest};
use crate::io::executor::Signal;
use crate::journal::frame::{Item, ItemKind};
use crate::metadata::{CONTROLLER_QUORUM, Image};
use crate::quorum::{Pending, ProposeError};
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

impl Shard {
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

    async fn after_flush(&self) {
        let signal = Signal::default();
        self.notify_after_flush(signal.clone());
        signal.wait().await;
    }

    fn decide(
        &self,
        request: &ControllerRequest,
    ) -> Result<(ControllerReply, Pending), ProposeError> {
        let mut quorums = self.quorums.borrow_mut();
        let mut controller = self.controller.borrow_mut();
        let controller = controller.as_mut().ok_or(ProposeError::NotReady)?;
        let entropy =
            (u128::from(self.io.random.next_u64()) << 64) | u128::from(self.io.random.next_u64());
        controller.handle(request.clone(), entropy, &mut quorums, encode)
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

    /// A newer image: it counts at once; what it asks of this shard follows.
    pub fn image_changed(&self, image: Arc<Image>) {
        *self.image.borrow_mut() = image;
        self.reconcile_wanted.set();
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
        let mut pendings = Vec::new();
        for (key, quorum, kind, name) in self.differences(&image) {
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
        for topic in image.topics.values() {
            self.configure(topic);
        }
        Some(image.version)
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

    /// What must be added and removed here: partition, place of its quorum, what to do, the topic's name.
    fn differences(&self, image: &Image) -> Vec<(PartitionKey, usize, ItemKind, Bytes)> {
        let mut wanted = HashSet::new();
        let mut differences = Vec::new();
        for topic in image.topics.values() {
            for (partition, placement) in topic.partitions.iter().enumerate() {
                if placement.shard != self.number {
                    continue;
                }
                let key = PartitionKey {
                    topic_id: topic.id,
                    partition: partition as i32,
                };
                wanted.insert(key);
                if self.owned(key).is_none() {
                    let quorum = self
                        .quorums
                        .borrow()
                        .place(placement.quorum)
                        .expect("a shard has its quorums");
                    let name = Bytes::copy_from_slice(topic.name.as_bytes());
                    differences.push((key, quorum, ItemKind::PartitionAdd, name));
                }
            }
        }
        for (key, owned) in self.partitions.borrow().iter() {
            if !wanted.contains(key) {
                differences.push((*key, owned.quorum, ItemKind::PartitionRemove, Bytes::new()));
            }
        }
        differences.sort_by_key(|(key, ..)| *key);
        differences
    }
}

fn encode(record: &MetadataRecord) -> Bytes {
    let mut builder = FrameBuilder::new();
    let frame = record
        .encode(&mut builder)
        .expect("names and values were checked against their limits");
    Bytes::copy_from_slice(frame)
}
