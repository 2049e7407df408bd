//! Decisions about partitions that existing topics are to get. Follows Kafka's `ReplicationControlManager`, its order of checks
//! and its sentences. Pure; a topic never has fewer partitions than before.

use hashbrown::{HashMap, HashSet};
use protocol::native::MetadataRecord;

use super::ControllerReply;
use super::topics::Placer;
use crate::coordinator::GROUP_TOPIC;
use crate::limits;
use crate::metadata::{Image, Placement};
use crate::replicated::Decision;

/// A topic that is to have more partitions.
#[derive(Debug, Clone, Default)]
pub struct GrowTopic {
    /// Its name.
    pub name: String,
    /// How many it shall have.
    pub count: i32,
    /// Node ids of each new one, if the client places them itself.
    pub assignments: Option<Vec<Vec<i32>>>,
}

/// Why a topic did not get more partitions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrowTopicError {
    /// No topic of this name.
    #[error("This server does not host this topic-partition.")]
    Unknown,
    /// Named twice in one request.
    #[error("Duplicate topic name.")]
    DuplicateName,
    /// Not more than there are, or a topic whose number is fixed.
    #[error("{0}")]
    InvalidPartitions(String),
    /// An assignment that cannot be.
    #[error("{0}")]
    InvalidAssignment(String),
    /// More than one request may make, or than the cluster may have.
    #[error("{0}")]
    TooMany(String),
}

/// What became of a topic of the request, or of several of the same name.
pub type GrownTopic = (String, Result<(), GrowTopicError>);

/// Decides on each topic of a CreatePartitions request; one that is named twice gets none, and is answered once.
pub(super) fn create(
    image: &Image,
    topics: &[GrowTopic],
    validate_only: bool,
) -> Decision<MetadataRecord, ControllerReply> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for topic in topics {
        *counts.entry(topic.name.as_str()).or_default() += 1;
    }
    let mut placer = Placer::new(image);
    let mut records = Vec::new();
    let mut results = Vec::with_capacity(topics.len());
    let mut told = HashSet::new();
    for topic in topics.iter().filter(|topic| told.insert(&topic.name)) {
        let result = if counts[topic.name.as_str()] > 1 {
            Err(GrowTopicError::DuplicateName)
        } else {
            grow(image, topic, &mut placer, records.len()).map(|new| records.extend(new))
        };
        results.push((topic.name.clone(), result));
    }
    if validate_only {
        records.clear();
    }
    Decision {
        records,
        reply: ControllerReply::Grown(results),
    }
}

/// The records of the new partitions; `earlier` topics of the request make so many.
fn grow(
    image: &Image,
    wanted: &GrowTopic,
    placer: &mut Placer<'_>,
    earlier: usize,
) -> Result<Vec<MetadataRecord>, GrowTopicError> {
    let topic = image.topic(&wanted.name).ok_or(GrowTopicError::Unknown)?;
    let present = topic.partitions.len();
    let additional = additional(wanted, present)?;
    if wanted.name == GROUP_TOPIC {
        let text = format!(
            "The number of partitions of {GROUP_TOPIC} says which groups are where: it cannot change."
        );
        return Err(GrowTopicError::InvalidPartitions(text));
    }
    let placements = match &wanted.assignments {
        Some(assignments) => assigned(image, assignments, additional, placer)?,
        None => {
            check_room(image, additional + earlier)?;
            (0..additional).map(|_| placer.place(None)).collect()
        }
    };
    let numbered = (present as i32..).zip(placements);
    let record = |(partition, placement): (i32, Placement)| MetadataRecord::Partition {
        topic_id: topic.id,
        partition,
        quorum: placement.quorum.0,
        shard: placement.shard,
    };
    Ok(numbered.map(record).collect())
}

fn additional(wanted: &GrowTopic, present: usize) -> Result<usize, GrowTopicError> {
    let (name, count) = (&wanted.name, wanted.count);
    match usize::try_from(count) {
        Ok(count) if count > present => Ok(count - present),
        Ok(count) if count == present => Err(GrowTopicError::InvalidPartitions(format!(
            "Topic already has {present} partition(s)."
        ))),
        _ => Err(GrowTopicError::InvalidPartitions(format!(
            "The topic {name} currently has {present} partition(s); {count} would not be an increase."
        ))),
    }
}

fn check_room(image: &Image, new: usize) -> Result<(), GrowTopicError> {
    let most = limits::PARTITIONS_CREATED_PER_REQUEST_MAX;
    if new > most {
        let text = "Excessively large number of partitions per request.";
        return Err(GrowTopicError::TooMany(text.to_owned()));
    }
    let most = limits::PARTITIONS_PER_CLUSTER_MAX;
    if image.partitions() + new > most {
        return Err(GrowTopicError::TooMany(format!(
            "A cluster has at most {most} partitions."
        )));
    }
    Ok(())
}

fn assigned(
    image: &Image,
    assignments: &[Vec<i32>],
    additional: usize,
    placer: &mut Placer<'_>,
) -> Result<Vec<Placement>, GrowTopicError> {
    if assignments.len() != additional {
        return Err(GrowTopicError::InvalidAssignment(format!(
            "Attempted to add {additional} additional partition(s), but only {} assignment(s) were specified.",
            assignments.len()
        )));
    }
    check_room(image, additional)?;
    let place = |nodes: &Vec<i32>| {
        let shards = shards_of(image, nodes).map_err(GrowTopicError::InvalidAssignment)?;
        let [shard] = shards[..] else {
            return Err(GrowTopicError::InvalidAssignment(format!(
                "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with previous partitions, which have 1 replica(s).",
                shards.len()
            )));
        };
        Ok(placer.place(Some(shard)))
    };
    assignments.iter().map(place).collect()
}

/// The shards that a list of nodes names, at least one. Kafka looks at the nodes by number.
pub fn shards_of(image: &Image, nodes: &[i32]) -> Result<Vec<u32>, String> {
    if nodes.is_empty() {
        return Err("The manual partition assignment includes an empty replica list.".to_owned());
    }
    let mut sorted = nodes.to_vec();
    sorted.sort_unstable();
    let mut shards = Vec::with_capacity(sorted.len());
    for (place, node) in sorted.iter().enumerate() {
        let Some(shard) = image.shard_of_node(*node) else {
            return Err(format!(
                "The manual partition assignment includes broker {node}, but no such broker is registered."
            ));
        };
        if place > 0 && sorted[place - 1] == *node {
            return Err(format!(
                "The manual partition assignment includes the broker {node} more than once."
            ));
        }
        shards.push(shard);
    }
    Ok(shards)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Topic, data_quorum, topic_records};

    fn image() -> Image {
        let mut image = Image::default();
        image.replay(&MetadataRecord::Machine {
            machine_id: 1,
            shard_count: 2,
        });
        for (id, name) in [(7, "a"), (8, GROUP_TOPIC)] {
            let topic = Topic {
                id,
                name: name.into(),
                partitions: vec![Placement {
                    quorum: data_quorum(0, 0),
                    shard: 0,
                }],
                configs: [].into(),
            };
            let records = topic_records(&topic);
            records.iter().for_each(|record| image.replay(record));
        }
        image
    }

    type Wanted<'a> = (&'a str, i32, Option<&'a [&'a [i32]]>);

    fn ask(topics: &[Wanted<'_>], validate_only: bool) -> (Vec<MetadataRecord>, String) {
        let topics: Vec<_> = topics
            .iter()
            .map(|(name, count, assignments)| GrowTopic {
                name: (*name).to_owned(),
                count: *count,
                assignments: assignments
                    .map(|all| all.iter().map(|nodes| nodes.to_vec()).collect()),
            })
            .collect();
        let decision = create(&image(), &topics, validate_only);
        let ControllerReply::Grown(results) = decision.reply else {
            panic!("another reply");
        };
        (decision.records, format!("{results:?}"))
    }

    #[test]
    fn new_partitions_are_numbered_on_and_spread() {
        let mut image = image();
        let (records, told) = ask(&[("a", 4, None)], false);
        assert!(told.contains("Ok"), "{told}");
        records.iter().for_each(|record| image.replay(record));
        let shards: Vec<_> = image
            .topic("a")
            .unwrap()
            .partitions
            .iter()
            .map(|one| one.shard)
            .collect();
        assert_eq!(shards.len(), 4);
        assert!(shards[1..].contains(&1), "{shards:?}");
    }

    #[test]
    fn what_is_validated_only_changes_nothing() {
        let (records, told) = ask(&[("a", 4, None)], true);
        assert!(records.is_empty() && told.contains("Ok"), "{told}");
    }

    #[test]
    fn assignments_name_known_nodes_one_for_each_new_partition() {
        let (records, _) = ask(&[("a", 3, Some(&[&[1001], &[1000]]))], false);
        let shards: Vec<_> = records
            .iter()
            .map(|record| match record {
                MetadataRecord::Partition {
                    shard, partition, ..
                } => (*partition, *shard),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(shards, [(1, 1), (2, 0)]);
        for wrong in [
            &[&[1000][..]][..],
            &[&[77], &[1000]],
            &[&[], &[1000]],
            &[&[1000, 1001], &[1000]],
        ] {
            let (records, told) = ask(&[("a", 3, Some(wrong))], false);
            assert!(
                records.is_empty() && told.contains("InvalidAssignment"),
                "{told}"
            );
        }
    }

    /// Which group is where follows from the number of partitions.
    #[test]
    fn the_topic_of_groups_keeps_its_partitions() {
        let (records, told) = ask(&[(GROUP_TOPIC, 4, None)], false);
        assert!(
            records.is_empty() && told.contains("InvalidPartitions"),
            "{told}"
        );
    }

    #[test]
    fn one_request_makes_no_more_than_its_bound() {
        let most = limits::PARTITIONS_CREATED_PER_REQUEST_MAX as i32;
        assert_eq!(ask(&[("a", most + 1, None)], false).0.len(), most as usize);
        let (records, told) = ask(&[("a", most + 2, None)], false);
        assert!(records.is_empty() && told.contains("TooMany"), "{told}");
        let (records, told) = ask(&[("a", 2, None), ("a", 3, None)], false);
        assert!(
            records.is_empty() && told.contains("DuplicateName"),
            "{told}"
        );
    }
}
