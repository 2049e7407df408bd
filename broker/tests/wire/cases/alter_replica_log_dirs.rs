//! AlterReplicaLogDirs: directories that no broker has. Where a broker's own is, its own tests know.

use protocol::messages::alter_replica_log_dirs::{
    self, AlterReplicaLogDirsRequest, AlterReplicaLogDirsRequestDir,
    AlterReplicaLogDirsRequestDirTopic,
};

use super::admin_requests::{bytes, step};
use crate::scenario::{Run, Scenario};

type Dir<'a> = (&'a str, &'a [(&'a str, &'a [i32])]);

fn of(dirs: &[Dir<'_>]) -> AlterReplicaLogDirsRequest<'static> {
    let topic = |(name, partitions): &(&str, &[i32])| AlterReplicaLogDirsRequestDirTopic {
        name: (*name).to_owned().into(),
        partitions: partitions.to_vec(),
    };
    let dir = |(path, topics): &Dir<'_>| AlterReplicaLogDirsRequestDir {
        path: (*path).to_owned().into(),
        topics: topics.iter().map(topic).collect(),
    };
    AlterReplicaLogDirsRequest {
        dirs: dirs.iter().map(dir).collect(),
    }
}

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    (1..=2)
        .flat_map(|version| {
            let topic = format!("dirs-v{version}");
            let name = run.topic(&topic);
            let cases: &[(&str, &[Dir<'_>])] = &[
                ("nothing", &[]),
                ("no topics", &[("/none", &[])]),
                ("no partitions", &[("/none", &[(&name, &[])])]),
                ("partitions", &[("/none", &[(&name, &[0, 1])])]),
                ("an unknown one", &[("/none", &[(&name, &[9, -1])])]),
                ("an unknown topic", &[("/none", &[("unknown", &[0])])]),
                ("an empty path", &[("", &[(&name, &[0])])]),
                ("a relative path", &[("none", &[(&name, &[0])])]),
                (
                    "two topics",
                    &[("/none", &[(&name, &[0]), ("unknown", &[0])])],
                ),
                (
                    "a topic twice",
                    &[("/none", &[(&name, &[0]), (&name, &[0, 1])])],
                ),
                (
                    "two paths",
                    &[("/none", &[(&name, &[0])]), ("/other", &[(&name, &[0])])],
                ),
            ];
            let mut scenario = Scenario::new(format!("paths v{version}")).topic(&topic, 2, &[]);
            for (label, dirs) in cases {
                let request = of(dirs);
                scenario = scenario.step(step!(
                    (*label).to_owned(),
                    alter_replica_log_dirs,
                    version,
                    &request
                ));
            }
            [scenario, bytes(alter_replica_log_dirs::KEY, version)]
        })
        .collect()
}
