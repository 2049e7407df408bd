//! InitProducerId without a transactional id: a producer id that was never given out before (KIP-98). With one: no shard is
//! its coordinator.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

use super::{Handled, Reply, Request, reader};
use crate::router::Router;

/// Answers with a fresh producer id.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = InitProducerIdRequest::decode(&mut reader(request), request.version)?;
    let mut response = InitProducerIdResponse {
        producer_epoch: -1,
        ..InitProducerIdResponse::default()
    };
    let timeouts = 1..=router.shard().config.transaction_timeout_ms_max;
    response.error_code = match asked.transactional_id.as_deref() {
        Some("") => ErrorCode::InvalidRequest.code(),
        _ if (asked.producer_id == -1) != (asked.producer_epoch == -1) => {
            ErrorCode::InvalidRequest.code()
        }
        Some(_) if !timeouts.contains(&asked.transaction_timeout_ms) => {
            ErrorCode::InvalidTransactionTimeout.code()
        }
        Some(_) => ErrorCode::NotCoordinator.code(),
        None => match router.next_producer_id().await {
            Ok(producer_id) => {
                response.producer_id = producer_id;
                response.producer_epoch = 0;
                0
            }
            Err(_) => ErrorCode::CoordinatorLoadInProgress.code(),
        },
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}
