//! Decisions about topics, as Kafka 4.3.0 makes them.

#![cfg(test)]

use std::sync::Arc;

use super::*;
use crate::limits;

fn controller(topics: &[&str]) -> Controller {
    let mut controller = Controller::new(Image::default(), Arc::new(Config::default()));
    decide(
        &mut controller,
        ControllerRequest::Register {
            machine_id: 1,
            cluster_id: 7,
            shard_count: 2,
        },
    );
    if !topics.is_empty() {
        let topics = topics.iter().map(|name| topic(name, 1)).collect();
        let request = ControllerRequest::CreateTopics {
            topics,
            validate_only: false,
        };
        decide(&mut controller, request);
    }
    controller
}

/// Handles a request and replays what was decided.
fn decide(controller: &mut Controller, request: ControllerRequest) -> ControllerReply {
    let decision = controller.handle(
        request,
        Moment {
            entropy: 0x1234_5678_9abc_def0,
            ..Moment::default()
        },
    );
    for record in &decision.records {
        controller.replay(record);
    }
    decision.reply
}

fn topic(name: &str, partitions: i32) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        partitions,
        replication_factor: 1,
        ..NewTopic::default()
    }
}

fn create(
    controller: &mut Controller,
    topics: &[NewTopic],
) -> Vec<Result<CreatedTopic, CreateTopicError>> {
    let request = ControllerRequest::CreateTopics {
        topics: topics.to_vec(),
        validate_only: false,
    };
    match decide(controller, request) {
        ControllerReply::Created(results) => results,
        other => panic!("{other:?}"),
    }
}

fn delete(controller: &mut Controller, topics: &[TopicRef]) -> Vec<DeletedTopic> {
    let request = ControllerRequest::DeleteTopics {
        topics: topics.to_vec(),
    };
    match decide(controller, request) {
        ControllerReply::Deleted(topics) => topics,
        other => panic!("{other:?}"),
    }
}

fn name(text: &str) -> TopicRef {
    TopicRef::Name(text.to_owned())
}

#[test]
fn a_topic_named_twice_is_not_made() {
    let mut controller = controller(&[]);
    let results = create(
        &mut controller,
        &[topic("a", 1), topic("b", 1), topic("a", 1)],
    );
    assert_eq!(results[0], Err(CreateTopicError::DuplicateName));
    assert!(results[1].is_ok());
    assert_eq!(results[2], Err(CreateTopicError::DuplicateName));
    let made: Vec<_> = controller
        .image()
        .topics
        .keys()
        .map(|name| name.to_string())
        .collect();
    assert_eq!(made, ["b"]);
}

#[test]
fn a_request_for_too_many_partitions_makes_nothing() {
    let most = limits::PARTITIONS_CREATED_PER_REQUEST_MAX as i32;
    let mut controller = controller(&[]);
    for topics in [
        vec![topic("a", most + 1)],
        vec![topic("a", most), topic("b", 1)],
        vec![topic("a", most + 1), topic("b", -5)],
        vec![topic("a", i32::MAX), topic("b", i32::MAX), topic("c", 2)],
    ] {
        let results = create(&mut controller, &topics);
        let refused = |result: &Result<_, _>| matches!(result, Err(CreateTopicError::TooMany(_)));
        assert!(results.iter().all(refused), "{results:?}");
    }
    // What is named twice is not made, so it does not count.
    let twice = [topic("a", most + 1), topic("a", 1), topic("b", 1)];
    assert!(create(&mut controller, &twice)[2].is_ok());
}

#[test]
fn the_controllers_own_log_cannot_be_made() {
    let results = create(&mut controller(&[]), &[topic("__cluster_metadata", 1)]);
    assert_eq!(results, [Err(CreateTopicError::Internal)]);
}

#[test]
fn what_is_given_twice_is_not_removed() {
    let mut controller = controller(&["a", "b", "c"]);
    let id = |name: &str, controller: &Controller| {
        TopicRef::Id(controller.image().topic(name).unwrap().id)
    };
    let (a, b) = (id("a", &controller), id("b", &controller));
    let told = |topics: &[DeletedTopic]| -> Vec<_> {
        let one = |topic: &DeletedTopic| (topic.name.clone(), topic.id != 0, topic.result);
        topics.iter().map(one).collect()
    };
    let some = |text: &str| Some(text.to_owned());
    let twice = delete(
        &mut controller,
        &[name("a"), name("a"), b.clone(), b.clone()],
    );
    assert_eq!(
        told(&twice),
        [
            (some("a"), false, Err(DeleteTopicError::DuplicateName)),
            (None, true, Err(DeleteTopicError::DuplicateId)),
        ]
    );
    for both in [[name("a"), a.clone()], [a.clone(), name("a")]] {
        let answered = delete(&mut controller, &both);
        let expected = [(some("a"), true, Err(DeleteTopicError::NameAndId))];
        assert_eq!(told(&answered), expected);
    }
    assert_eq!(controller.image().topics.len(), 3);
    let gone = delete(&mut controller, &[a, name("b"), name("x"), TopicRef::Id(9)]);
    assert_eq!(
        told(&gone),
        [
            (some("a"), true, Ok(())),
            (some("b"), true, Ok(())),
            (some("x"), false, Err(DeleteTopicError::UnknownName)),
            (None, true, Err(DeleteTopicError::UnknownId)),
        ]
    );
    assert_eq!(controller.image().topics.len(), 1);
}

/// A record that is too large could be written and never be read again; what is decided is proposed whole.
#[test]
fn configs_are_bounded_one_by_one_and_all_together() {
    let mut controller = controller(&[]);
    let replicas = |bytes: usize| Some("0:1,".repeat(bytes / 4) + "0:1");
    let with = |name: &str, configs: usize, bytes: usize| NewTopic {
        configs: vec![
            (
                "leader.replication.throttled.replicas".to_owned(),
                replicas(bytes)
            );
            configs
        ],
        ..topic(name, 1)
    };
    let most = limits::CONFIG_VALUE_BYTES_MAX;
    let results = create(
        &mut controller,
        &[with("long", 1, most), with("short", 1, most / 2)],
    );
    assert!(matches!(results[0], Err(CreateTopicError::TooMany(_))));
    assert!(results[1].is_ok(), "{results:?}");
    let many = 2 * limits::CONTROLLER_CONFIG_BYTES_MAX / most;
    let results = create(
        &mut controller,
        &[with("many", many, most / 2), topic("none", 1)],
    );
    let refused = |result: &Result<_, _>| matches!(result, Err(CreateTopicError::TooMany(_)));
    assert!(results.iter().all(refused), "{results:?}");
}
