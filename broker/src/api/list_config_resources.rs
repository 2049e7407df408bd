//! ListConfigResources (KIP-714, KIP-1142): what has settings. Topics and brokers always do, groups and subscriptions to
//! client metrics once they were given some.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::list_config_resources::{
    ListConfigResourcesRequest, ListConfigResourcesResponse, ListConfigResourcesResponseResource,
};

use super::nodes::Node;
use super::{Handled, Reply, Request, reader};
use crate::metadata::{RESOURCE_BROKER, RESOURCE_CLIENT_METRICS, RESOURCE_GROUP, RESOURCE_TOPIC};
use crate::router::Router;

/// Kafka's resource type of the levels of a broker's loggers.
const BROKER_LOGGER: i8 = 8;
/// Every type there is.
const TYPES: &[i8] = &[
    RESOURCE_TOPIC,
    RESOURCE_BROKER,
    BROKER_LOGGER,
    RESOURCE_CLIENT_METRICS,
    RESOURCE_GROUP,
];

/// Answers type by type; version 0 knows subscriptions to client metrics only.
pub fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = ListConfigResourcesRequest::decode(&mut reader(request), request.version)?;
    let types = match (request.version, asked.resource_types.as_slice()) {
        (0, _) => &[RESOURCE_CLIENT_METRICS][..],
        (_, []) => TYPES,
        (_, types) => types,
    };
    let mut response = ListConfigResourcesResponse::default();
    if types.iter().all(|kind| TYPES.contains(kind)) {
        let known = TYPES.iter().filter(|kind| types.contains(kind));
        response.config_resources = known.flat_map(|kind| of(router, *kind)).collect();
    } else {
        response.error_code = ErrorCode::UnsupportedVersion.code();
    }
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

fn of<'a>(router: &Rc<Router>, kind: i8) -> Vec<ListConfigResourcesResponseResource<'a>> {
    let image = router.shard().image();
    let names: Vec<String> = match kind {
        RESOURCE_TOPIC => image.topics.keys().map(ToString::to_string).collect(),
        RESOURCE_BROKER | BROKER_LOGGER => {
            Node::all(router).map(|node| node.id.to_string()).collect()
        }
        _ => image
            .settings
            .keys()
            .filter(|(of, _)| *of == kind)
            .map(|(_, name)| name.clone())
            .collect(),
    };
    let resource = |name: String| ListConfigResourcesResponseResource {
        resource_name: name.into(),
        resource_type: kind,
    };
    names.into_iter().map(resource).collect()
}
