//! DescribeCluster (KIP-700, KIP-919, KIP-1073): the cluster's id, its controller and its brokers.

use std::borrow::Cow;
use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::describe_cluster::{
    DescribeClusterRequest, DescribeClusterResponse, DescribeClusterResponseBroker,
};
use protocol::primitives::Uuid;

use super::metadata::{CLUSTER_OPERATIONS, NOT_ASKED};
use super::nodes::Node;
use super::{Handled, Reply, Request, reader};
use crate::router::Router;

/// Endpoints of brokers; those of controllers are not told to clients, as on a listener of Kafka's brokers.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

/// Answers with the brokers, or says why not.
pub fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = DescribeClusterRequest::decode(&mut reader(request), request.version)?;
    let response = match asked.endpoint_type {
        BROKERS => brokers(router, &asked),
        CONTROLLERS => refused(
            ErrorCode::MismatchedEndpointType,
            "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER".to_owned(),
        ),
        other => refused(
            ErrorCode::UnsupportedEndpointType,
            format!("Unsupported endpoint type {other}"),
        ),
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

fn refused<'a>(code: ErrorCode, message: String) -> DescribeClusterResponse<'a> {
    DescribeClusterResponse {
        error_code: code.code(),
        error_message: Some(message.into()),
        ..DescribeClusterResponse::default()
    }
}

fn brokers<'a>(router: &Rc<Router>, asked: &DescribeClusterRequest) -> DescribeClusterResponse<'a> {
    let image = router.shard().image();
    let rack = &router.shard().config.rack;
    let broker = |node: Node| DescribeClusterResponseBroker {
        broker_id: node.id,
        host: node.host.into(),
        port: node.port,
        rack: rack.clone().map(Cow::from),
        is_fenced: false,
    };
    DescribeClusterResponse {
        endpoint_type: BROKERS,
        cluster_id: Uuid(image.cluster_id).to_string().into(),
        controller_id: image.node_id(0),
        brokers: Node::all(router).map(broker).collect(),
        cluster_authorized_operations: if asked.include_cluster_authorized_operations {
            CLUSTER_OPERATIONS
        } else {
            NOT_ASKED
        },
        ..DescribeClusterResponse::default()
    }
}
