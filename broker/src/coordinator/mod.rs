//! Coordinators: replicated state machines whose logs are the partitions of internal topics. Consumer groups now,
//! transactions later. Pure: no IO, no clock, no randomness of its own; the shard runs them (`shard::groups`).

pub mod group;

/// The topic whose partitions are the logs of the group coordinators.
pub const GROUP_TOPIC: &str = "__consumer_offsets";

/// The partition that keeps the state of `key`: Kafka's function, Java's hash of the UTF-16 text, so that tools that know
/// it find the same place. `partitions` is at least 1.
pub fn partition_of(key: &str, partitions: usize) -> i32 {
    // As in Kafka the smallest number, which has no positive twin, counts as 0.
    let hash = java_hash(key).checked_abs().unwrap_or(0);
    (hash as usize % partitions) as i32
}

/// Java's hash of a text.
pub fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Java: `"group".hashCode()` is 98629247; the second text's hash is `Integer.MIN_VALUE`.
    #[test]
    fn partitions_are_those_that_kafka_computes() {
        assert_eq!(partition_of("group", 50), 98_629_247 % 50);
        assert_eq!(partition_of("polygenelubricants", 50), 0);
        assert_eq!(partition_of("", 50), 0);
        assert_eq!(partition_of("é€", 50), (233 * 31 + 8364) % 50);
    }
}
