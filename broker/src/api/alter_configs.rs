//! AlterConfigs (KIP-133) and IncrementalAlterConfigs (KIP-339): settings of topics, brokers, groups and client metrics, and
//! the level of the log. Resource by resource, in the order of the request.

use std::rc::Rc;

use hashbrown::{HashMap, HashSet};
use protocol::error_code::ErrorCode;
use protocol::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResponse, AlterConfigsResponseResource,
};
use protocol::messages::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
    IncrementalAlterConfigsResponseResource,
};

use super::describe_configs::{Refusal, node_of};
use super::{Handled, Reply, Request, reader};
use crate::controller::{
    Change, ChangeConfigsError, ConfigChanges, ControllerReply, ControllerRequest,
};
use crate::logging;
use crate::metadata::{RESOURCE_BROKER, RESOURCE_CLIENT_METRICS, RESOURCE_GROUP, RESOURCE_TOPIC};
use crate::router::Router;

/// Kafka's resource type of the levels of a broker's loggers.
const BROKER_LOGGER: i8 = 8;
/// The logger that all log lines pass.
const ROOT_LOGGER: &str = "root";
/// What a level may be called, Kafka's first name for it included.
const LEVELS: &[&str] = &["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"];

/// Operations of IncrementalAlterConfigs.
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// A resource as both requests name it.
struct Asked<'a> {
    kind: i8,
    name: &'a str,
    /// Name, operation, value.
    changes: Vec<(&'a str, i8, Option<&'a str>)>,
    whole: bool,
}

/// What is left to do for a resource that is not refused at once.
enum Checked {
    /// The controller decides.
    Changes(ConfigChanges),
    /// Nothing.
    Done,
}

/// Sets all settings of resources: what is not given is at its default again.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = AlterConfigsRequest::decode(&mut reader(request), request.version)?;
    let resources: Vec<_> = asked
        .resources
        .iter()
        .map(|resource| Asked {
            kind: resource.resource_type,
            name: &resource.resource_name,
            changes: resource
                .configs
                .iter()
                .map(|config| (&*config.name, SET, config.value.as_deref()))
                .collect(),
            whole: true,
        })
        .collect();
    let results = change(router, &resources, asked.validate_only).await;
    let both = asked.resources.iter().zip(results);
    let responses =
        both.map(
            |(resource, (error_code, error_message))| AlterConfigsResponseResource {
                error_code,
                error_message: error_message.map(Into::into),
                resource_type: resource.resource_type,
                resource_name: resource.resource_name.clone(),
            },
        );
    let response = AlterConfigsResponse {
        throttle_time_ms: 0,
        responses: responses.collect(),
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// Changes single settings of resources.
pub async fn handle_incremental(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = IncrementalAlterConfigsRequest::decode(&mut reader(request), request.version)?;
    let resources: Vec<_> = asked
        .resources
        .iter()
        .map(|resource| Asked {
            kind: resource.resource_type,
            name: &resource.resource_name,
            changes: resource
                .configs
                .iter()
                .map(|config| {
                    (
                        &*config.name,
                        config.config_operation,
                        config.value.as_deref(),
                    )
                })
                .collect(),
            whole: false,
        })
        .collect();
    let results = change(router, &resources, asked.validate_only).await;
    let both = asked.resources.iter().zip(results);
    let responses = both.map(|(resource, (error_code, error_message))| {
        IncrementalAlterConfigsResponseResource {
            error_code,
            error_message: error_message.map(Into::into),
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
        }
    });
    let response = IncrementalAlterConfigsResponse {
        throttle_time_ms: 0,
        responses: responses.collect(),
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// Code and text for each resource: what this broker refuses by itself, and what the controller says of the rest.
async fn change(
    router: &Rc<Router>,
    resources: &[Asked<'_>],
    validate_only: bool,
) -> Vec<(i16, Option<String>)> {
    let mut counts: HashMap<(i8, &str), usize> = HashMap::new();
    for asked in resources {
        *counts.entry((asked.kind, asked.name)).or_default() += 1;
    }
    let mut results: Vec<Result<(), Refusal>> = Vec::with_capacity(resources.len());
    let mut wanted = Vec::new();
    let mut places = Vec::new();
    for asked in resources {
        let twice = counts[&(asked.kind, asked.name)] > 1;
        let checked = if twice {
            Err(invalid("Each resource must appear at most once."))
        } else {
            check(router, asked, validate_only)
        };
        results.push(match checked {
            Ok(Checked::Changes(changes)) => {
                wanted.push(changes);
                places.push(results.len());
                Ok(())
            }
            Ok(Checked::Done) => Ok(()),
            Err(refusal) => Err(refusal),
        });
    }
    if !wanted.is_empty() {
        let control = ControllerRequest::ChangeConfigs {
            resources: wanted,
            validate_only,
        };
        match router.control(control).await {
            Ok(ControllerReply::Changed(changed)) => {
                for (place, result) in places.into_iter().zip(changed) {
                    results[place] = result.map_err(|error| (code(&error), error.to_string()));
                }
            }
            _ => {
                for place in places {
                    let text = "The controller did not answer.".to_owned();
                    results[place] = Err((ErrorCode::RequestTimedOut, text));
                }
            }
        }
    }
    results
        .into_iter()
        .map(|result| match result {
            Ok(()) => (0, None),
            Err((code, text)) => (code.code(), Some(text)),
        })
        .collect()
}

fn invalid(text: &str) -> Refusal {
    (ErrorCode::InvalidRequest, text.to_owned())
}

fn code(error: &ChangeConfigsError) -> ErrorCode {
    match error {
        ChangeConfigsError::InvalidConfig(_) => ErrorCode::InvalidConfig,
        ChangeConfigsError::InvalidRequest(_) => ErrorCode::InvalidRequest,
        ChangeConfigsError::InvalidTopic(_) => ErrorCode::InvalidTopicException,
        ChangeConfigsError::UnknownTopic(_) => ErrorCode::UnknownTopicOrPartition,
        ChangeConfigsError::TooMany(_) => ErrorCode::PolicyViolation,
    }
}

/// What Kafka's broker checks before it asks the controller, in its order (`ConfigAdminManager.preprocess`).
fn check(router: &Rc<Router>, asked: &Asked<'_>, validate_only: bool) -> Result<Checked, Refusal> {
    let mut names = HashSet::new();
    if !asked.changes.iter().all(|(name, _, _)| names.insert(*name)) {
        return Err(invalid("Error due to duplicate config keys"));
    }
    let is_null = |change: &&(&str, i8, Option<&str>)| change.1 != DELETE && change.2.is_none();
    let nulls: Vec<_> = asked.changes.iter().filter(is_null).collect();
    if !nulls.is_empty() {
        let names: Vec<_> = nulls.iter().map(|(name, _, _)| *name).collect();
        let names = names.join(", ");
        return Err(invalid(&format!("Null value not supported for : {names}")));
    }
    let mut resource_name = asked.name.to_owned();
    match asked.kind {
        BROKER_LOGGER if !asked.whole => {
            node_of(router, asked.name, "Node", |own| {
                format!("Unexpected node id. Expected {own},")
            })?;
            let levels = levels(&asked.changes)?;
            if !validate_only {
                levels.into_iter().for_each(logging::set_level);
            }
            return Ok(Checked::Done);
        }
        RESOURCE_BROKER if !asked.name.is_empty() => {
            let node = node_of(router, asked.name, "Node", |own| {
                format!("Unexpected broker id, expected {own},")
            })?;
            resource_name = node.to_string();
        }
        RESOURCE_BROKER | RESOURCE_TOPIC | RESOURCE_CLIENT_METRICS | RESOURCE_GROUP => {}
        other => return Err(invalid(&format!("Unknown resource type {other}"))),
    }
    let changes = asked.changes.iter().map(|(name, operation, value)| {
        let value = || value.unwrap_or_default().to_owned();
        let change = match *operation {
            SET => Change::Set(value()),
            DELETE => Change::Delete,
            APPEND => Change::Append(value()),
            SUBTRACT => Change::Subtract(value()),
            other => return Err(invalid(&format!("Unknown operations type {other}"))),
        };
        Ok(((*name).to_owned(), change))
    });
    Ok(Checked::Changes(ConfigChanges {
        resource_type: asked.kind,
        resource_name,
        changes: changes.collect::<Result<_, _>>()?,
        whole: asked.whole,
    }))
}

/// The levels to set; there is one logger, which always has one.
fn levels<'a>(changes: &[(&'a str, i8, Option<&'a str>)]) -> Result<Vec<&'a str>, Refusal> {
    let config = |text: String| (ErrorCode::InvalidConfig, text);
    let mut levels = Vec::new();
    for (name, operation, value) in changes {
        if ![SET, DELETE].contains(operation) {
            let text = match *operation {
                APPEND => "APPEND operation is not allowed for the BROKER_LOGGER resource".into(),
                SUBTRACT => {
                    "SUBTRACT operation is not allowed for the BROKER_LOGGER resource".into()
                }
                other => format!("Unknown operations type {other}"),
            };
            return Err((ErrorCode::InvalidRequest, text));
        }
        if *name != ROOT_LOGGER {
            return Err(config(format!("Logger {name} does not exist!")));
        }
        let level = value.unwrap_or_default();
        if *operation == DELETE {
            return Err(invalid(
                "Removing the log level of the root logger is not allowed",
            ));
        }
        if !LEVELS.contains(&level) {
            return Err(config(format!(
                "Cannot set the log level of {name} to {level} as it is not a supported log level. Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN"
            )));
        }
        levels.push(level);
    }
    Ok(levels)
}
