//! Every answer that differs from Kafka's on purpose, and why. What is not listed here is a defect.

use crate::recording::Recording;

/// A difference: in Kafka's answers, `kafka` stands where ours have `pelton`.
struct Deliberate {
    /// Recording.
    api: &'static str,
    /// What the scenario's name begins with.
    scenario: &'static str,
    /// What the step's label has in it.
    step: &'static str,
    /// Text of Kafka's answer; empty for the whole answer.
    kafka: &'static str,
    /// What stands in its place in ours.
    pelton: &'static str,
    /// Why.
    reason: &'static str,
}

/// A refusal of ours in place of a fault of Kafka's: UNKNOWN_SERVER_ERROR.
const fn fault(
    api: &'static str,
    scenario: &'static str,
    step: &'static str,
    pelton: &'static str,
    reason: &'static str,
) -> Deliberate {
    Deliberate {
        api,
        scenario,
        step,
        kafka: "error_code=-1 ",
        pelton,
        reason,
    }
}

const DELIBERATE: &[Deliberate] = &[
    fault(
        "produce_records",
        "",
        "codec ",
        "error_code=76 ",
        "a codec that does not exist is one that is not supported",
    ),
    fault(
        "produce_records",
        "",
        "",
        "error_code=87 ",
        "a length of 2 GiB, payloads that do not decompress, offset deltas with gaps in a compressed batch: invalid records",
    ),
    Deliberate {
        api: "produce_records",
        scenario: "lying lengths",
        step: "",
        kafka: "error_code=0 base_offset=0 ",
        pelton: "error_code=87 base_offset=-1 ",
        reason: "Kafka stores compressed records whose own length is wrong, which no consumer can read",
    },
    fault(
        "fetch",
        "isolation",
        "level",
        "error_code=42 ",
        "an isolation level that does not exist makes an invalid request",
    ),
    fault(
        "list_offsets",
        "readers",
        "isolation",
        "error_code=42 ",
        "an isolation level that does not exist makes an invalid request",
    ),
    fault(
        "fetch",
        "limits",
        "max -",
        "error_code=42 ",
        "a limit below zero makes an invalid request",
    ),
    Deliberate {
        api: "produce",
        scenario: "with a transactional id",
        step: "of a producer",
        kafka: "error_code=19 ",
        pelton: "error_code=48 ",
        reason: "Kafka looks for a coordinator and lets the client try again; here are no transactions yet",
    },
    Deliberate {
        api: "produce",
        scenario: "with a transactional id",
        step: "of a producer",
        kafka: "Unable to verify the partition has been added to the transaction. Underlying error: COORDINATOR_NOT_AVAILABLE",
        pelton: "This broker has no transactions yet.",
        reason: "the text that goes with it",
    },
    Deliberate {
        api: "produce",
        scenario: "with a transactional id",
        step: "of none",
        kafka: "error_code=0 base_offset=0 log_append_time_ms=-1 log_start_offset=0 record_errors=[] error_message=null",
        pelton: "error_code=48 base_offset=-1 log_append_time_ms=-1 log_start_offset=-1 record_errors=[] error_message=\"This broker has no transactions yet.\"",
        reason: "Kafka appends a transactional batch of no producer, which no transaction can ever end",
    },
    Deliberate {
        api: "find_coordinator",
        scenario: "v6",
        step: "type 2, a share key",
        kafka: "node_id=some host=some port=some error_code=0 ",
        pelton: "node_id=-1 host=\"\" port=-1 error_code=15 ",
        reason: "there are no share groups yet, so no coordinator of any; clients ask again",
    },
    Deliberate {
        api: "produce",
        scenario: "null records",
        step: "",
        kafka: "no answer",
        pelton: "responses=[\n  name=\"null\" partition_responses=[\n    index=0 error_code=87 base_offset=-1 log_append_time_ms=-1 log_start_offset=-1 record_errors=[] error_message=null]]",
        reason: "Kafka leaves null records without an answer; they are no batch",
    },
    Deliberate {
        api: "metadata",
        scenario: "ids v12",
        step: "neither",
        kafka: "error_code=-1",
        pelton: "error_code=42",
        reason: "Kafka fails over a topic with neither name nor id; it is refused as in versions 10 and 11",
    },
    Deliberate {
        api: "metadata",
        scenario: "ids v13",
        step: "neither",
        kafka: "error_code=-1",
        pelton: "error_code=42",
        reason: "Kafka fails over a topic with neither name nor id; it is refused as in versions 10 and 11",
    },
    Deliberate {
        api: "describe_configs",
        scenario: "other types",
        step: "loggers",
        kafka: "value=\"INFO\"",
        pelton: "value=\"ERROR,GLOMMIO=OFF\"",
        reason: "the broker of this test logs errors only",
    },
    Deliberate {
        api: "describe_topic_partitions",
        scenario: "names",
        step: "\"\" of 0",
        kafka: "error_code=-1 name=\"\" topic_id=AAAAAAAAAAAAAAAAAAAAAA is_internal=false partitions=[] topic_authorized_operations=-2147483648",
        pelton: "error_code=17 name=\"\" topic_id=AAAAAAAAAAAAAAAAAAAAAA is_internal=false partitions=[] topic_authorized_operations=3576",
        reason: "Kafka fails over an empty name; it is an illegal one, as it says itself where there is a cursor",
    },
    Deliberate {
        api: "describe_topic_partitions",
        scenario: "cursors",
        step: "far beyond",
        kafka: "topic_name=\"cursor-b\" partition_index=-2147483640",
        pelton: "null",
        reason: "Kafka's sum overflows; beyond the end there is nothing more",
    },
    Deliberate {
        api: "incremental_alter_configs",
        scenario: "topics",
        step: "operation 4",
        kafka: "error_code=-1 error_message=null",
        pelton: "error_code=42 error_message=\"Unknown operations type 4\"",
        reason: "Kafka fails over an operation that does not exist; it is refused, as Kafka itself does for brokers",
    },
    Deliberate {
        api: "incremental_alter_configs",
        scenario: "topics",
        step: "operation -1",
        kafka: "error_code=-1 error_message=null",
        pelton: "error_code=42 error_message=\"Unknown operations type -1\"",
        reason: "Kafka fails over an operation that does not exist; it is refused, as Kafka itself does for brokers",
    },
    Deliberate {
        api: "incremental_alter_configs",
        scenario: "loggers",
        step: "operation 4",
        kafka: "error_code=-1 error_message=null",
        pelton: "error_code=42 error_message=\"Unknown operations type 4\"",
        reason: "Kafka fails over an operation that does not exist; it is refused, as Kafka itself does for brokers",
    },
    Deliberate {
        api: "incremental_alter_configs",
        scenario: "broker values",
        step: "log.retention.ms=\"-2\"",
        kafka: "error_code=0 error_message=null",
        pelton: "error_code=42 error_message=\"Invalid value -2 for configuration log.retention.ms: Value must be at least -1\"",
        reason: "no topic can have such a retention: Kafka takes what it refuses at its own start",
    },
    Deliberate {
        api: "alter_configs",
        scenario: "broker values",
        step: "node: log.retention.ms=\"-2\"",
        kafka: "error_code=0 error_message=null",
        pelton: "error_code=42 error_message=\"Invalid value -2 for configuration log.retention.ms: Value must be at least -1\"",
        reason: "no topic can have such a retention: Kafka takes what it refuses at its own start",
    },
    Deliberate {
        api: "alter_configs",
        scenario: "broker values",
        step: "all: log.retention.ms=\"-2\"",
        kafka: "error_code=40 error_message=\"Cluster-level min.insync.replicas cannot be removed while ELR is enabled.\"",
        pelton: "error_code=42 error_message=\"Invalid value -2 for configuration log.retention.ms: Value must be at least -1\"",
        reason: "of two faults Kafka names the other, as it takes this for none",
    },
    Deliberate {
        api: "incremental_alter_configs",
        scenario: "broker values",
        step: "log.cleaner.threads=\"0\"",
        kafka: "/ by zero",
        pelton: "Invalid value org.apache.kafka.common.config.ConfigException: Log cleaner threads cannot be reduced to less than half the current value 1 for configuration Invalid dynamic configuration",
        reason: "Kafka divides by the new number",
    },
    Deliberate {
        api: "alter_configs",
        scenario: "broker values",
        step: "log.cleaner.threads=\"0\"",
        kafka: "/ by zero",
        pelton: "Invalid value org.apache.kafka.common.config.ConfigException: Log cleaner threads cannot be reduced to less than half the current value 1 for configuration Invalid dynamic configuration",
        reason: "Kafka divides by the new number",
    },
    Deliberate {
        api: "create_topics",
        scenario: "values",
        step: "max.message.bytes=16777215",
        kafka: "",
        pelton: "topics=[\n  name=\"value-max.message.bytes-3\" topic_id=AAAAAAAAAAAAAAAAAAAAAA error_code=40 error_message=\"Invalid value 16777215 for configuration max.message.bytes: Value must be no more than 16711680 (a batch must fit into one journal frame)\" topic_config_error_code=0 num_partitions=-1 replication_factor=-1 configs=[]]",
        reason: "a batch must fit into a frame of the journal",
    },
    Deliberate {
        api: "create_topics",
        scenario: "values",
        step: "internal.segment.bytes",
        kafka: "",
        pelton: "topics=[\n  name=\"value-internal.segment.bytes-0\" topic_id=AAAAAAAAAAAAAAAAAAAAAA error_code=40 error_message=\"Unknown topic config name: internal.segment.bytes\" topic_config_error_code=0 num_partitions=-1 replication_factor=-1 configs=[]]",
        reason: "a setting for Kafka's own tests, which is not listed either",
    },
];

/// Turns Kafka's answers into what ours shall be. With `whole`, a difference that no longer is one is an error.
pub fn apply(api: &str, kafka: &mut Recording, whole: bool) {
    for one in DELIBERATE.iter().filter(|one| one.api == api) {
        let mut used = false;
        let scenarios = kafka.scenarios.iter_mut();
        for (_, steps) in scenarios.filter(|(name, _)| name.starts_with(one.scenario)) {
            for told in steps.iter_mut() {
                if !told.label.contains(one.step) || !told.answer.contains(one.kafka) {
                    continue;
                }
                used = true;
                told.answer = if one.kafka.is_empty() {
                    one.pelton.to_owned()
                } else {
                    told.answer.replace(one.kafka, one.pelton)
                };
            }
        }
        assert!(
            used || !whole,
            "{} {}: no answer of Kafka's has {:?} any more ({})",
            one.scenario,
            one.step,
            one.kafka,
            one.reason
        );
    }
}
