//! DescribeConfigs (KIP-133, KIP-226, KIP-569): settings of topics and brokers, their true values and where they come from.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsRequestResource, DescribeConfigsResponse,
    DescribeConfigsResponseResult, DescribeConfigsResponseResultConfig,
    DescribeConfigsResponseResultConfigSynonym,
};

use super::{Handled, Reply, Request, reader};
use crate::config::describe::{DescribedConfig, describe_broker, describe_topic};
use crate::controller::topics::check_name;
use crate::router::Router;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// Answers resource by resource.
pub fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = DescribeConfigsRequest::decode(&mut reader(request), request.version)?;
    let results = asked.resources.iter().map(|resource| {
        let mut result = DescribeConfigsResponseResult {
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            ..DescribeConfigsResponseResult::default()
        };
        match describe(router, resource) {
            Ok(configs) => {
                let wanted = |config: &DescribedConfig| {
                    resource
                        .configuration_keys
                        .as_ref()
                        .is_none_or(|keys| keys.iter().any(|key| key == config.name))
                };
                let lines = configs
                    .into_iter()
                    .filter(wanted)
                    .map(|config| line(config, &asked));
                result.configs = lines.collect();
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

fn describe(
    router: &Rc<Router>,
    resource: &DescribeConfigsRequestResource<'_>,
) -> Result<Vec<DescribedConfig>, (ErrorCode, String)> {
    let name = &*resource.resource_name;
    let image = router.shard().image();
    let config = &router.shard().config;
    match resource.resource_type {
        TOPIC => {
            check_name(name).map_err(|why| (ErrorCode::InvalidTopicException, why))?;
            match image.topic(name) {
                Some(topic) => Ok(describe_topic(&topic.configs, config)),
                None => Err((ErrorCode::UnknownTopicOrPartition, String::new())),
            }
        }
        BROKER if name.is_empty() => Ok(Vec::new()),
        BROKER => {
            let node: i32 = name.parse().map_err(|_| {
                (
                    ErrorCode::InvalidRequest,
                    format!("Broker id must be an integer, but it is: {name}"),
                )
            })?;
            if image.shard_of_node(node).is_none() {
                let own = image.node_id(router.shard().number);
                let text = format!(
                    "Unexpected broker id, expected {own} or empty string, but received {name}"
                );
                return Err((ErrorCode::InvalidRequest, text));
            }
            Ok(describe_broker(config, node))
        }
        other => Err((
            ErrorCode::InvalidRequest,
            format!("Unsupported resource type: {other}"),
        )),
    }
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
