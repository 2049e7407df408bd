//! Every answer that differs from Kafka's on purpose, and why. What is not listed here is a defect.

use crate::recording::Recording;

/// A difference: in Kafka's answers, `kafka` stands where ours have `pelton`.
struct Deliberate {
    /// Recording.
    api: &'static str,
    /// What the scenario's name begins with.
    scenario: &'static str,
    /// What the step's label begins with.
    step: &'static str,
    /// Text of Kafka's answer; empty for the whole answer.
    kafka: &'static str,
    /// What stands in its place in ours.
    pelton: &'static str,
    /// Why.
    reason: &'static str,
}

const DELIBERATE: &[Deliberate] = &[
    Deliberate {
        api: "metadata",
        scenario: "ids v12",
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
        pelton: "value=\"ERROR\"",
        reason: "the broker of this test logs errors only",
    },
];

/// Turns Kafka's answers into what ours shall be. With `whole`, a difference that no longer is one is an error.
pub fn apply(api: &str, kafka: &mut Recording, whole: bool) {
    for one in DELIBERATE.iter().filter(|one| one.api == api) {
        let mut used = false;
        let scenarios = kafka.scenarios.iter_mut();
        for (_, steps) in scenarios.filter(|(name, _)| name.starts_with(one.scenario)) {
            for told in steps.iter_mut() {
                if !told.label.starts_with(one.step) || !told.answer.contains(one.kafka) {
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
