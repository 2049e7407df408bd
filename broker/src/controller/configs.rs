//! Decisions about settings of topics, brokers, groups and client metrics, after Kafka's `ConfigurationControlManager`: each
//! resource by itself, all of its changes or none. Pure.

use std::collections::BTreeMap;

use hashbrown::HashSet;
use protocol::native::MetadataRecord;

use super::ControllerReply;
use super::topics::{check_configs_room, check_name, config_record_bytes};
use crate::config::dynamic::CLUSTER_DEFAULT;
use crate::config::resources::{ResourceConfigError, check_client_metrics, check_group};
use crate::config::setting::{Kind, Setting};
use crate::config::topic::TopicConfig;
use crate::config::{Config, broker, topic};
use crate::limits;
use crate::metadata::{
    Image, RESOURCE_BROKER, RESOURCE_CLIENT_METRICS, RESOURCE_GROUP, RESOURCE_TOPIC,
};
use crate::replicated::Decision;

/// What happens to one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It gets this value.
    Set(String),
    /// It is at its default again.
    Delete,
    /// These words, separated by commas, join the list.
    Append(String),
    /// These words leave the list.
    Subtract(String),
}

/// Changes of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigChanges {
    /// Kafka's number of its type.
    pub resource_type: i8,
    /// Its name.
    pub resource_name: String,
    /// By name of the setting.
    pub changes: Vec<(String, Change)>,
    /// Whether every setting that is not named is deleted.
    pub whole: bool,
}

/// Why nothing of a resource was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeConfigsError {
    /// The resource cannot have such settings, or values.
    #[error("{0}")]
    InvalidConfig(String),
    /// There can be no such resource, or it cannot be asked this way.
    #[error("{0}")]
    InvalidRequest(String),
    /// No topic may be called so.
    #[error("{0}")]
    InvalidTopic(String),
    /// There is no such topic.
    #[error("The topic '{0}' does not exist.")]
    UnknownTopic(String),
    /// More than the cluster keeps.
    #[error("{0}")]
    TooMany(String),
}

/// Decides resource by resource.
pub(super) fn change(
    image: &Image,
    config: &Config,
    resources: &[ConfigChanges],
    validate_only: bool,
) -> Decision<MetadataRecord, ControllerReply> {
    let mut records = Vec::new();
    let mut results = Vec::with_capacity(resources.len());
    let mut room = limits::CONTROLLER_CONFIG_BYTES_MAX;
    for resource in resources {
        let decided = change_one(image, config, resource);
        let decided = decided.and_then(|new| {
            room = room
                .checked_sub(new.iter().map(record_bytes).sum())
                .ok_or_else(|| {
                    let text = "The request changes too much.".to_owned();
                    ChangeConfigsError::TooMany(text)
                })?;
            records.extend(new);
            Ok(())
        });
        results.push(decided);
    }
    if validate_only {
        records.clear();
    }
    Decision {
        records,
        reply: ControllerReply::Changed(results),
    }
}

/// About what a record takes.
fn record_bytes(record: &MetadataRecord) -> usize {
    match record {
        MetadataRecord::Config {
            resource_name,
            key,
            value,
            ..
        } => config_record_bytes(resource_name, key, value.as_ref().map_or(0, String::len)),
        _ => 0,
    }
}

type Given = BTreeMap<String, String>;

fn change_one(
    image: &Image,
    config: &Config,
    resource: &ConfigChanges,
) -> Result<Vec<MetadataRecord>, ChangeConfigsError> {
    let none = Given::new();
    let kept = kept(image, resource).unwrap_or(&none);
    let mut wanted = if resource.whole {
        Given::new()
    } else {
        kept.clone()
    };
    for (name, change) in &resource.changes {
        match changed(config, resource.resource_type, kept, (name, change))? {
            Some(value) => wanted.insert(name.clone(), value),
            None => wanted.remove(name),
        };
    }
    check(image, config, resource, &wanted)?;
    check_room(image, resource, &wanted)?;
    let names: HashSet<_> = kept.keys().chain(wanted.keys()).collect();
    let mut names: Vec<_> = names
        .into_iter()
        .filter(|name| kept.get(*name) != wanted.get(*name))
        .collect();
    names.sort_unstable();
    let record = |name: &String| MetadataRecord::Config {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        key: name.clone(),
        value: wanted.get(name).cloned(),
    };
    Ok(names.into_iter().map(record).collect())
}

/// What the resource has.
fn kept<'a>(image: &'a Image, resource: &ConfigChanges) -> Option<&'a Given> {
    match resource.resource_type {
        RESOURCE_TOPIC => image
            .topic(&resource.resource_name)
            .map(|topic| &topic.configs),
        kind => image.settings_of(kind, &resource.resource_name),
    }
}

/// The value of a setting after this change; `None`: the default.
fn changed(
    config: &Config,
    resource_type: i8,
    kept: &Given,
    (name, change): (&String, &Change),
) -> Result<Option<String>, ChangeConfigsError> {
    let (words, appends) = match change {
        Change::Set(value) => return Ok(Some(value.clone())),
        Change::Delete => return Ok(None),
        Change::Append(words) => (words, true),
        Change::Subtract(words) => (words, false),
    };
    let Some(row) = list(resource_type, name) else {
        let text = match (resource_type, broker::setting(name), appends) {
            (RESOURCE_BROKER, None, _) => format!("Unknown config name: {name}"),
            (RESOURCE_BROKER, Some(_), true) => {
                format!("Config value append is not allowed for config key: {name}")
            }
            (RESOURCE_BROKER, Some(_), false) => {
                format!("Config value subtract is not allowed for config key: {name}")
            }
            (_, _, true) => format!("Can't APPEND to key {name} because its type is not LIST."),
            (_, _, false) => {
                format!("Can't SUBTRACT to key {name} because its type is not LIST.")
            }
        };
        return Err(ChangeConfigsError::InvalidConfig(text));
    };
    let default = || match resource_type {
        RESOURCE_TOPIC => topic::default_text(name, config),
        _ => row.default_value().wire_text(),
    };
    let now = kept.get(name).cloned().or_else(default);
    let mut parts: Vec<&str> = now.as_deref().map_or_else(Vec::new, |now| match now {
        "" => Vec::new(),
        now => now.split(',').map(str::trim).collect(),
    });
    for word in words.split(',') {
        match parts.iter().position(|part| *part == word) {
            Some(at) if !appends => {
                parts.remove(at);
            }
            None if appends => parts.push(word),
            _ => {}
        }
    }
    Ok(Some(parts.join(",")))
}

/// The row of a setting that is a list.
fn list(resource_type: i8, name: &str) -> Option<&'static Setting> {
    let row = match resource_type {
        RESOURCE_TOPIC => topic::setting(name).map(|row| &row.setting),
        RESOURCE_BROKER => broker::setting(name),
        _ => None,
    };
    row.filter(|row| row.kind == Kind::List)
}

fn check(
    image: &Image,
    config: &Config,
    resource: &ConfigChanges,
    wanted: &Given,
) -> Result<(), ChangeConfigsError> {
    let name = &resource.resource_name;
    match resource.resource_type {
        RESOURCE_TOPIC => {
            if name.is_empty() {
                let text = "Default topic resources are not allowed.".to_owned();
                return Err(ChangeConfigsError::InvalidRequest(text));
            }
            check_name(name).map_err(ChangeConfigsError::InvalidTopic)?;
            TopicConfig::from_overrides(wanted, config)
                .map_err(|error| ChangeConfigsError::InvalidConfig(error.to_string()))?;
            match image.topic(name) {
                Some(_) => Ok(()),
                None => Err(ChangeConfigsError::UnknownTopic(name.clone())),
            }
        }
        RESOURCE_BROKER => check_broker(config, resource, wanted),
        RESOURCE_GROUP | RESOURCE_CLIENT_METRICS if name.is_empty() => {
            let text = match resource.resource_type {
                RESOURCE_GROUP => "Default group resources are not allowed.",
                _ => "Subscription name can't be empty",
            };
            Err(ChangeConfigsError::InvalidRequest(text.to_owned()))
        }
        RESOURCE_GROUP => check_group(wanted).map_err(refused),
        RESOURCE_CLIENT_METRICS => check_client_metrics(wanted).map_err(refused),
        other => Err(ChangeConfigsError::InvalidRequest(format!(
            "Unknown resource type {other}"
        ))),
    }
}

fn refused(error: ResourceConfigError) -> ChangeConfigsError {
    match error {
        ResourceConfigError::Config(text) => ChangeConfigsError::InvalidConfig(text),
        ResourceConfigError::Request(text) => ChangeConfigsError::InvalidRequest(text),
    }
}

fn check_broker(
    config: &Config,
    resource: &ConfigChanges,
    wanted: &Given,
) -> Result<(), ChangeConfigsError> {
    config
        .check_dynamic(wanted)
        .map_err(ChangeConfigsError::InvalidRequest)?;
    let of_one = !resource.resource_name.is_empty();
    let named = |name: &str| resource.changes.iter().any(|(changed, _)| changed == name);
    let text = match (of_one, wanted.contains_key(CLUSTER_DEFAULT)) {
        (true, true) => "Broker-level min.insync.replicas cannot be altered while ELR is enabled.",
        (true, false) if named(CLUSTER_DEFAULT) => {
            "Broker-level min.insync.replicas cannot be altered while ELR is enabled."
        }
        (false, false) if named(CLUSTER_DEFAULT) || resource.whole => {
            "Cluster-level min.insync.replicas cannot be removed while ELR is enabled."
        }
        _ => return Ok(()),
    };
    Err(ChangeConfigsError::InvalidConfig(text.to_owned()))
}

/// Kafka has no bounds but those of its requests.
fn check_room(
    image: &Image,
    resource: &ConfigChanges,
    wanted: &Given,
) -> Result<(), ChangeConfigsError> {
    let too_many = |text: &str| Err(ChangeConfigsError::TooMany(text.to_owned()));
    if resource.resource_name.len() > limits::CONFIG_VALUE_BYTES_MAX {
        return too_many("The name of a resource is too long.");
    }
    check_configs_room(wanted).map_err(ChangeConfigsError::TooMany)?;
    let is_new = resource.resource_type != RESOURCE_TOPIC && kept(image, resource).is_none();
    if is_new && image.settings.len() >= limits::CONFIG_RESOURCES_MAX {
        return too_many("There are too many resources with settings of their own.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        let mut image = Image::default();
        image.replay(&MetadataRecord::Topic {
            topic_id: 7,
            name: "a".to_owned(),
        });
        image
    }

    fn ask(
        image: &mut Image,
        (resource_type, name): (i8, &str),
        changes: &[(&str, Change)],
        whole: bool,
    ) -> Result<(), ChangeConfigsError> {
        let changes = changes.iter();
        let resource = ConfigChanges {
            resource_type,
            resource_name: name.to_owned(),
            changes: changes
                .map(|(name, change)| ((*name).to_owned(), change.clone()))
                .collect(),
            whole,
        };
        let decision = change(image, &Config::default(), &[resource], false);
        decision
            .records
            .iter()
            .for_each(|record| image.replay(record));
        match decision.reply {
            ControllerReply::Changed(mut results) => results.remove(0),
            other => panic!("{other:?}"),
        }
    }

    fn set(text: &str) -> Change {
        Change::Set(text.to_owned())
    }

    #[test]
    fn lists_grow_and_shrink_from_their_default() {
        let mut image = image();
        let topic = (RESOURCE_TOPIC, "a");
        let policy = |image: &Image| {
            image
                .topic("a")
                .unwrap()
                .configs
                .get("cleanup.policy")
                .cloned()
        };
        for (change, told) in [
            (Change::Append("compact".into()), Some("delete,compact")),
            (Change::Append("compact".into()), Some("delete,compact")),
            (Change::Subtract("delete".into()), Some("compact")),
            (Change::Subtract("compact".into()), Some("")),
            (Change::Append("delete".into()), Some("delete")),
            (Change::Delete, None),
            (Change::Subtract("delete".into()), Some("")),
        ] {
            ask(&mut image, topic, &[("cleanup.policy", change)], false).unwrap();
            assert_eq!(policy(&image).as_deref(), told);
        }
        let wrong = Change::Append("x".into());
        assert!(
            ask(
                &mut image,
                topic,
                &[("cleanup.policy", wrong.clone())],
                false
            )
            .is_err()
        );
        assert!(ask(&mut image, topic, &[("retention.ms", wrong)], false).is_err());
    }

    #[test]
    fn a_resource_changes_whole_or_not_at_all() {
        let mut image = image();
        let topic = (RESOURCE_TOPIC, "a");
        ask(&mut image, topic, &[("retention.ms", set("5"))], false).unwrap();
        let both = [("retention.ms", set("6")), ("segment.bytes", set("1"))];
        assert!(ask(&mut image, topic, &both, false).is_err());
        assert_eq!(image.topic("a").unwrap().configs["retention.ms"], "5");
        ask(&mut image, topic, &[("segment.ms", set("9"))], true).unwrap();
        let configs = &image.topic("a").unwrap().configs;
        assert_eq!(configs.keys().collect::<Vec<_>>(), ["segment.ms"]);
    }

    #[test]
    fn settings_of_brokers_and_groups_are_kept_and_go() {
        let mut image = image();
        let all = (RESOURCE_BROKER, "");
        ask(
            &mut image,
            all,
            &[("message.max.bytes", set("5000"))],
            false,
        )
        .unwrap();
        let group = (RESOURCE_GROUP, "g");
        ask(
            &mut image,
            group,
            &[("share.auto.offset.reset", set("earliest"))],
            false,
        )
        .unwrap();
        let mut again = Image::default();
        image
            .records()
            .iter()
            .for_each(|record| again.replay(record));
        assert_eq!(again.settings, image.settings);
        assert_eq!(image.settings.len(), 2);
        ask(
            &mut image,
            all,
            &[("message.max.bytes", Change::Delete)],
            false,
        )
        .unwrap();
        ask(&mut image, group, &[], true).unwrap();
        assert!(image.settings.is_empty());
    }

    /// A record of the controller that is too large could be written, and never be read again.
    #[test]
    fn no_value_is_larger_than_a_record_may_be() {
        let mut image = image();
        let replicas = "0:1,".repeat(limits::CONFIG_VALUE_BYTES_MAX / 4) + "0:1";
        let long = [("leader.replication.throttled.replicas", set(&replicas))];
        let told = ask(&mut image, (RESOURCE_TOPIC, "a"), &long, false);
        assert!(
            matches!(told, Err(ChangeConfigsError::TooMany(_))),
            "{told:?}"
        );
    }

    /// What is decided is proposed whole, so that it must find room.
    #[test]
    fn one_request_changes_no_more_than_is_proposed_at_once() {
        let image = image();
        let one = ConfigChanges {
            resource_type: RESOURCE_GROUP,
            resource_name: "g".repeat(limits::CONFIG_VALUE_BYTES_MAX),
            changes: vec![("share.auto.offset.reset".to_owned(), set("latest"))],
            whole: false,
        };
        let many =
            vec![one; 1 + limits::CONTROLLER_CONFIG_BYTES_MAX / limits::CONFIG_VALUE_BYTES_MAX];
        let decision = change(&image, &Config::default(), &many, false);
        assert!(decision.records.len() < many.len());
        let ControllerReply::Changed(results) = decision.reply else {
            panic!("another reply");
        };
        assert!(matches!(results.first(), Some(Ok(()))));
        assert!(matches!(
            results.last(),
            Some(Err(ChangeConfigsError::TooMany(_)))
        ));
    }

    #[test]
    fn what_every_broker_must_agree_on_is_not_one_brokers() {
        let mut image = image();
        let insync = [("min.insync.replicas", set("1"))];
        assert!(ask(&mut image, (RESOURCE_BROKER, "1000"), &insync, false).is_err());
        assert!(ask(&mut image, (RESOURCE_BROKER, ""), &insync, false).is_ok());
        let gone = [("min.insync.replicas", Change::Delete)];
        assert!(ask(&mut image, (RESOURCE_BROKER, ""), &gone, false).is_err());
        assert!(ask(&mut image, (RESOURCE_BROKER, ""), &[], true).is_err());
    }
}
