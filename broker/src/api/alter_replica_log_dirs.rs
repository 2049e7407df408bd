//! AlterReplicaLogDirs (KIP-113): all data of a machine lies in one directory. To ask for a partition to be there changes
//! nothing, as in Kafka; there is no other.

use std::collections::BTreeMap;
use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::alter_replica_log_dirs::{
    AlterReplicaLogDirsRequest, AlterReplicaLogDirsRequestDir, AlterReplicaLogDirsResponse,
    AlterReplicaLogDirsResponseTopic, AlterReplicaLogDirsResponseTopicPartition,
};

use super::{Handled, Reply, Request, reader};
use crate::metadata::Image;
use crate::router::Router;

/// Codes by topic and partition.
type Decided<'a> = BTreeMap<&'a str, BTreeMap<i32, ErrorCode>>;

/// Answers partition by partition; of one that is named twice the last directory counts.
pub fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = AlterReplicaLogDirsRequest::decode(&mut reader(request), request.version)?;
    let shard = router.shard();
    let directory = shard.config.data_dir.display().to_string();
    let results = decide(&shard.image(), &directory, &asked.dirs)
        .into_iter()
        .map(|(topic, partitions)| AlterReplicaLogDirsResponseTopic {
            topic_name: topic.into(),
            partitions: partitions
                .into_iter()
                .map(
                    |(partition_index, code)| AlterReplicaLogDirsResponseTopicPartition {
                        partition_index,
                        error_code: code.code(),
                    },
                )
                .collect(),
        });
    let response = AlterReplicaLogDirsResponse {
        results: results.collect(),
        ..AlterReplicaLogDirsResponse::default()
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

fn decide<'a>(
    image: &Image,
    directory: &str,
    dirs: &'a [AlterReplicaLogDirsRequestDir<'_>],
) -> Decided<'a> {
    let mut decided = Decided::new();
    for dir in dirs {
        for topic in &dir.topics {
            for partition in &topic.partitions {
                let known = image.topic(&topic.name).is_some_and(|topic| {
                    usize::try_from(*partition).is_ok_and(|number| number < topic.partitions.len())
                });
                let code = match (dir.path == directory, known) {
                    (false, _) => ErrorCode::LogDirNotFound,
                    (true, false) => ErrorCode::UnknownTopicOrPartition,
                    (true, true) => ErrorCode::None,
                };
                let partitions = decided.entry(&topic.name).or_default();
                partitions.insert(*partition, code);
            }
        }
    }
    decided
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Placement, Topic, data_quorum, topic_records};
    use protocol::messages::alter_replica_log_dirs::AlterReplicaLogDirsRequestDirTopic;
    use protocol::native::MetadataRecord;

    #[test]
    fn a_partition_is_in_the_one_directory_that_there_is() {
        let mut image = Image::default();
        image.replay(&MetadataRecord::Machine {
            machine_id: 1,
            shard_count: 1,
        });
        let topic = Topic {
            id: 7,
            name: "a".into(),
            partitions: vec![Placement {
                quorum: data_quorum(0, 0),
                shard: 0,
            }],
            configs: [].into(),
        };
        let records = topic_records(&topic);
        records.iter().for_each(|record| image.replay(record));
        let dir = |path: &'static str, name: &'static str, partitions: &[i32]| {
            AlterReplicaLogDirsRequestDir {
                path: path.into(),
                topics: vec![AlterReplicaLogDirsRequestDirTopic {
                    name: name.into(),
                    partitions: partitions.to_vec(),
                }],
            }
        };
        let told = |dirs: &[AlterReplicaLogDirsRequestDir<'_>]| {
            let decided = decide(&image, "/data", dirs);
            let codes = decided.into_values().flatten();
            codes
                .map(|(number, code)| (number, code.code()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            told(&[dir("/data", "a", &[0, 1, -1])]),
            [(-1, 3), (0, 0), (1, 3)]
        );
        assert_eq!(told(&[dir("/data", "b", &[0])]), [(0, 3)]);
        assert_eq!(told(&[dir("/other", "a", &[0, 1])]), [(0, 57), (1, 57)]);
        assert_eq!(
            told(&[dir("/other", "a", &[0]), dir("/data", "a", &[0])]),
            [(0, 0)]
        );
        assert_eq!(told(&[dir("/data", "a", &[])]), []);
    }
}
