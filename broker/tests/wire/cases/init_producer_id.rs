//! InitProducerId without transactions.

use protocol::messages::init_producer_id::InitProducerIdRequest;

use super::requests::{INIT_PRODUCER_ID, tagged};
use crate::scenario::{Run, Scenario, Step};

fn ask(label: impl Into<String>, version: i16, request: &InitProducerIdRequest<'_>) -> Step {
    let mut body = Vec::new();
    request.encode(&mut body, version);
    Step::ask(label, INIT_PRODUCER_ID, version, &body)
}

/// Before any transactional id has a coordinator.
fn transactional(version: i16) -> Scenario {
    let mut scenario = Scenario::new(format!("transactional v{version}"));
    for transaction_timeout_ms in [60_000, 1, 900_000, 900_001, 0, -1, i32::MAX, i32::MIN] {
        let request = InitProducerIdRequest {
            transactional_id: Some("tx".into()),
            transaction_timeout_ms,
            ..InitProducerIdRequest::default()
        };
        let label = format!("timeout {transaction_timeout_ms}");
        scenario = scenario.step(ask(label, version, &request));
        if version >= 3 {
            for (producer_id, producer_epoch) in [(5, -1), (-1, 5), (5, 5)] {
                let request = InitProducerIdRequest {
                    producer_id,
                    producer_epoch,
                    ..request.clone()
                };
                let label =
                    format!("timeout {transaction_timeout_ms}, {producer_id}/{producer_epoch}");
                scenario = scenario.step(ask(label, version, &request));
            }
        }
    }
    scenario
}

pub fn scenarios(_: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in 0..=4 {
        let plain = InitProducerIdRequest {
            transaction_timeout_ms: 60_000,
            ..InitProducerIdRequest::default()
        };
        let mut scenario = Scenario::new(format!("v{version}")).step(ask("plain", version, &plain));
        for timeout in [0, -1, i32::MIN, i32::MAX] {
            let request = InitProducerIdRequest {
                transaction_timeout_ms: timeout,
                ..plain.clone()
            };
            scenario = scenario.step(ask(format!("timeout {timeout}"), version, &request));
        }
        let empty = InitProducerIdRequest {
            transactional_id: Some("".into()),
            ..plain.clone()
        };
        scenario = scenario.step(ask("empty transactional id", version, &empty));
        if version >= 3 {
            for (producer_id, producer_epoch) in [
                (5, -1),
                (-1, 5),
                (5, 5),
                (0, 0),
                (-2, -1),
                (-2, -2),
                (-1, -2),
                (i64::MAX, i16::MAX),
                (5, -2),
            ] {
                let request = InitProducerIdRequest {
                    producer_id,
                    producer_epoch,
                    ..plain.clone()
                };
                scenario = scenario.step(ask(
                    format!("producer {producer_id} epoch {producer_epoch}"),
                    version,
                    &request,
                ));
            }
            let both = InitProducerIdRequest {
                transactional_id: Some("".into()),
                producer_id: 5,
                ..plain.clone()
            };
            scenario = scenario.step(ask(
                "empty transactional id, lone producer id",
                version,
                &both,
            ));
        }
        all.push(scenario);
        let mut body = Vec::new();
        plain.encode(&mut body, version);
        let mut longer = body.clone();
        longer.extend_from_slice(&[0, 0, 0]);
        all.push(
            Scenario::new(format!("v{version} lengths"))
                .step(Step::ask(
                    "bytes after the end",
                    INIT_PRODUCER_ID,
                    version,
                    &longer,
                ))
                .step(Step::ask(
                    "cut",
                    INIT_PRODUCER_ID,
                    version,
                    &body[..body.len() - 1],
                ))
                .step(Step::ask("empty", INIT_PRODUCER_ID, version, &[]))
                .steps(tagged(INIT_PRODUCER_ID, version, &body))
                .step(Step::ask_as(
                    "no client id",
                    None,
                    INIT_PRODUCER_ID,
                    version,
                    &body,
                ))
                .step(Step::ask_as(
                    "empty client id",
                    Some(""),
                    INIT_PRODUCER_ID,
                    version,
                    &body,
                )),
        );
    }
    for version in 0..=4 {
        all.push(transactional(version));
    }
    all.push(
        Scenario::new("versions that are not")
            .step(Step::ask("6", INIT_PRODUCER_ID, 60, &[0; 16]))
            .step(Step::ask("-1", INIT_PRODUCER_ID, -1, &[0; 16])),
    );
    all
}
