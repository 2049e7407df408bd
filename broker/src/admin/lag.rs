//! How far consumer groups are behind: what they have stored against the ends of the partitions, which other shards may lead.
//! Asks each shard once. Reads no records.

use std::collections::BTreeMap;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::metadata::Image;
use crate::metrics::Figures;
use crate::router::Router;
use crate::shard::PartitionKey;

/// Fills in the lag of every offset that is told. The ends are asked for after the offsets, so none is behind what was stored.
pub async fn fill_in(router: &Rc<Router>, figures: &mut [&mut Figures]) {
    let image = router.shard().image();
    let mut wanted: BTreeMap<u32, Vec<PartitionKey>> = BTreeMap::new();
    for (topic, topic_id, partition) in places(figures) {
        if let Some((owner, key)) = find(&image, topic, topic_id, partition) {
            wanted.entry(owner).or_default().push(key);
        }
    }
    let mut ends: HashMap<PartitionKey, i64> = HashMap::new();
    for (owner, mut keys) in wanted {
        keys.sort_unstable();
        keys.dedup();
        let told = router.high_watermarks(owner, keys.clone()).await;
        let known = keys.into_iter().zip(told);
        ends.extend(known.filter_map(|(key, end)| Some((key, end?))));
    }
    let groups = figures.iter_mut().flat_map(|shard| &mut shard.groups.told);
    for stored in groups.flat_map(|group| &mut group.offsets) {
        let found = find(&image, &stored.topic, stored.topic_id, stored.partition);
        let end = found.and_then(|(_, key)| ends.get(&key));
        stored.lag = end.map(|end| end.saturating_sub(stored.offset).max(0).unsigned_abs());
    }
}

fn places<'a>(figures: &'a [&mut Figures]) -> impl Iterator<Item = (&'a str, u128, i32)> {
    let groups = figures.iter().flat_map(|shard| &shard.groups.told);
    let offsets = groups.flat_map(|group| &group.offsets);
    offsets.map(|stored| (&*stored.topic, stored.topic_id, stored.partition))
}

/// The partition that an offset was stored for, and the shard that leads it, if it is still the same topic.
fn find(image: &Image, topic: &str, topic_id: u128, partition: i32) -> Option<(u32, PartitionKey)> {
    let topic = image.topic(topic)?;
    if topic_id != 0 && topic_id != topic.id {
        return None;
    }
    let place = topic.partitions.get(usize::try_from(partition).ok()?)?;
    let key = PartitionKey {
        topic_id: topic.id,
        partition,
    };
    Some((place.shard, key))
}
