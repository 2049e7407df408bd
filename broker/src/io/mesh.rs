//! Messages between the shards of one machine. Never looks into them; keeps their order per pair of shards.

use std::any::Any;

use super::LocalBoxFuture;

/// What travels: the router's own type, boxed.
pub type Message = Box<dyn Any + Send>;

/// This shard's end of the full mesh.
pub trait Mesh {
    /// This shard's number, from 0.
    fn shard(&self) -> usize;
    /// How many shards the machine has.
    fn shards(&self) -> usize;
    /// Queues `message` for shard `to`, waiting while that queue is full. Sending to oneself is allowed. An error: that shard has stopped.
    fn send(&self, to: usize, message: Message) -> LocalBoxFuture<'_, Result<(), Stopped>>;
    /// The next message and the shard it came from. Awaited by one task only.
    fn receive(&self) -> LocalBoxFuture<'_, (usize, Message)>;
}

/// The shard at the other end has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;
