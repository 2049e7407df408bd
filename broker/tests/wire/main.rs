//! What Pelton answers is what Apache Kafka 4.3.0 answers, byte for byte but for ids and times.
//!
//! Each API has a file of scenarios (`cases/`), named sequences of requests, and a recording of Kafka's answers to them
//! (`kafka-4.3.0/`). `cargo test --test wire` starts a Pelton with one shard and one with two, sends every scenario, writes
//! the answers as normalised text and compares them with the recording. Where we differ on purpose, `deliberate.rs` says so,
//! with the reason.
//!
//! ```text
//! PELTON_WIRE_TARGET=HOST:PORT cargo test --test wire                          compare another broker with the recordings
//! PELTON_WIRE_TARGET=HOST:PORT PELTON_WIRE_RECORD=1 cargo test --test wire     record its answers anew
//! PELTON_WIRE_ONLY=TEXT                                                        only scenarios whose name holds TEXT
//! ```
//!
//! Record each API from a fresh Apache Kafka 4.3.0 of one node with the settings in `broker::SETTINGS`.

// A list of cases is long, whatever is done about it.
#![allow(clippy::unwrap_used, clippy::too_many_lines, clippy::type_complexity)]

mod answer;
mod batch;
mod broker;
mod cases;
mod deliberate;
mod recording;
mod run;
mod scenario;

use run::Api;

macro_rules! apis {
    ($($name:ident),* $(,)?) => {
        $(
            mod $name {
                #[test]
                fn one_shard() {
                    crate::check(stringify!($name), crate::cases::$name::scenarios, 1);
                }

                /// Half of the partitions are led by the shard that the client is not connected to.
                #[test]
                fn two_shards() {
                    crate::check(stringify!($name), crate::cases::$name::scenarios, 2);
                }
            }
        )*
    };
}

apis!(
    produce,
    produce_records,
    produce_producers,
    fetch,
    fetch_sessions,
    list_offsets,
    offset_for_leader_epoch,
    init_producer_id,
    api_versions,
    frames,
    metadata,
    create_topics,
    delete_topics,
    describe_configs,
    find_coordinator,
    join_group,
    sync_group,
    heartbeat,
    leave_group,
    rebalances,
    offset_commit,
    offset_fetch,
    offset_delete,
    list_groups,
    delete_groups,
    create_partitions,
    delete_records,
    incremental_alter_configs,
    alter_configs,
    list_config_resources,
    configs_in_force,
    describe_cluster,
    describe_log_dirs,
    describe_quorum,
    describe_topic_partitions,
    elect_leaders,
    list_partition_reassignments,
    alter_partition_reassignments,
    alter_replica_log_dirs,
    describe_acls,
    admin_mixed,
);

fn check(name: &'static str, scenarios: run::Scenarios, shards: u32) {
    run::check(&Api { name, scenarios }, shards);
}
