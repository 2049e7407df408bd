//! DescribeConfigs (KIP-133, KIP-226, KIP-569): settings of topics and brokers, their true values and where they come from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsRequestResource, DescribeConfigsResponse,
    DescribeConfigsResponseResult, DescribeConfigsResponseResultConfig,
    DescribeConfigsResponseResultConfigSynonym,
};

use super::nodes::Node;
use super::{Handled, INVALID_REQUEST, Reply, Request, reader};
use crate::config::describe::{
    DescribedConfig, describe_broker, describe_cluster, describe_loggers, describe_topic,
};
use crate::config::resources::{describe_client_metrics, describe_group};
use crate::controller::topics::check_name;
use crate::limits;
use crate::logging;
use crate::router::Router;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

/// Kafka's code and a text.
pub(super) type Refusal = (ErrorCode, String);

/// Answers resource by resource; one of an unknown type spoils the whole request.
pub fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = DescribeConfigsRequest::decode(&mut reader(request), request.version)?;
    let types = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];
    let known =
        |resource: &DescribeConfigsRequestResource<'_>| types.contains(&resource.resource_type);
    let all_known = asked.resources.iter().all(known);
    let mut room = limits::DESCRIBED_BYTES_MAX;
    let results = asked.resources.iter().map(|resource| {
        let mut result = DescribeConfigsResponseResult {
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            ..DescribeConfigsResponseResult::default()
        };
        let described = match all_known {
            true => describe(router, resource, &asked, &mut room),
            false => Err((ErrorCode::InvalidRequest, INVALID_REQUEST.to_owned())),
        };
        match described {
            Ok(configs) => {
                result.error_message = Some("".into());
                result.configs = configs;
            }
            Err((code, message)) => {
                result.error_code = code.code();
                result.error_message = Some(message.into());
            }
        }
        result
    });
    let response = DescribeConfigsResponse {
        throttle_time_ms: 0,
        results: results.collect(),
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// The lines that were asked for (no names: all), while there is room for what they take.
fn describe<'a>(
    router: &Rc<Router>,
    resource: &DescribeConfigsRequestResource<'_>,
    asked: &DescribeConfigsRequest<'_>,
    room: &mut usize,
) -> Result<Vec<DescribeConfigsResponseResultConfig<'a>>, Refusal> {
    let configs = all(router, resource)?;
    let names = resource.configuration_keys.as_deref().unwrap_or_default();
    let wanted = |config: &DescribedConfig| {
        (names.is_empty() && config.listed) || names.iter().any(|name| name == config.name)
    };
    let lines: Vec<_> = configs
        .into_iter()
        .filter(wanted)
        .map(|config| line(config, asked))
        .collect();
    *room = room.saturating_sub(lines.iter().map(line_bytes).sum());
    if *room == 0 {
        let text = "Too much is described in one request: ask for less.";
        return Err((ErrorCode::PolicyViolation, text.to_owned()));
    }
    Ok(lines)
}

/// Everything there is to say about a resource.
fn all(
    router: &Rc<Router>,
    resource: &DescribeConfigsRequestResource<'_>,
) -> Result<Vec<DescribedConfig>, Refusal> {
    let name = &*resource.resource_name;
    let image = router.shard().image();
    let config = &*router.shard().settings();
    let none = BTreeMap::new();
    let own = image.settings_of(resource.resource_type, name);
    let own = own.unwrap_or(&none);
    match resource.resource_type {
        TOPIC => {
            check_name(name).map_err(|why| (ErrorCode::InvalidTopicException, why))?;
            match image.topic(name) {
                Some(topic) => Ok(describe_topic(&topic.configs, config)),
                None => Err((ErrorCode::UnknownTopicOrPartition, String::new())),
            }
        }
        BROKER if name.is_empty() => Ok(describe_cluster(config)),
        BROKER => {
            let node = node_of(router, name, "Broker", |own| {
                format!("Unexpected broker id, expected {own} or empty string,")
            })?;
            Ok(describe_broker(config, node))
        }
        BROKER_LOGGER if name.is_empty() => Err((
            ErrorCode::InvalidRequest,
            "Broker id must not be empty".to_owned(),
        )),
        BROKER_LOGGER => {
            node_of(router, name, "Broker", |own| {
                format!("Unexpected broker id, expected {own}")
            })?;
            let level = logging::level().unwrap_or_else(|| config.log_level.clone());
            Ok(describe_loggers(&level))
        }
        CLIENT_METRICS if name.is_empty() => Err((
            ErrorCode::InvalidRequest,
            "Client metrics subscription name must not be empty".to_owned(),
        )),
        GROUP if name.is_empty() => Err((
            ErrorCode::InvalidRequest,
            "Group name must not be empty".to_owned(),
        )),
        CLIENT_METRICS => Ok(describe_client_metrics(own)),
        _ => Ok(describe_group(own)),
    }
}

/// The node of this name, which is one of this machine. Kafka calls it now a broker and now a node; `other` words what is said
/// of this node's id where another is named.
pub(super) fn node_of(
    router: &Rc<Router>,
    name: &str,
    what: &str,
    other: fn(i32) -> String,
) -> Result<i32, Refusal> {
    let image = router.shard().image();
    let node: i32 = name.parse().map_err(|_| {
        let text = format!("{what} id must be an integer, but it is: {name}");
        (ErrorCode::InvalidRequest, text)
    })?;
    if image.shard_of_node(node).is_none() {
        let own = Node::of_shard(router, router.shard().number).id;
        let text = format!("{} but received {name}", other(own));
        return Err((ErrorCode::InvalidRequest, text));
    }
    Ok(node)
}

/// About what a line takes in the answer.
fn line_bytes(line: &DescribeConfigsResponseResultConfig<'_>) -> usize {
    const NUMBERS_BYTES: usize = 16;
    let text = |text: &Option<Cow<'_, str>>| text.as_ref().map_or(0, |text| text.len());
    let synonyms: usize = line
        .synonyms
        .iter()
        .map(|synonym| synonym.name.len() + text(&synonym.value) + NUMBERS_BYTES)
        .sum();
    line.name.len() + text(&line.value) + text(&line.documentation) + synonyms + NUMBERS_BYTES
}

fn line<'a>(
    config: DescribedConfig,
    asked: &DescribeConfigsRequest<'_>,
) -> DescribeConfigsResponseResultConfig<'a> {
    let synonyms = config
        .synonyms
        .into_iter()
        .filter(|_| asked.include_synonyms)
        .map(
            |(name, value, source)| DescribeConfigsResponseResultConfigSynonym {
                name: name.into(),
                value: value.map(Into::into),
                source: source.code(),
            },
        );
    DescribeConfigsResponseResultConfig {
        name: config.name.into(),
        value: config.value.map(Into::into),
        read_only: config.read_only,
        config_source: config.source.code(),
        is_sensitive: config.sensitive,
        synonyms: synonyms.collect(),
        config_type: config.config_type.code(),
        documentation: asked
            .include_documentation
            .then(|| config.documentation.into()),
    }
}
