//! Notification groups. Source: mackerel specification, 10.

use serde::{Deserialize, Serialize};

use super::names::is_service_name;
use super::read::{invalid, named, parse_object};
use super::scope::{self, Names};
use crate::failure::Failure;
use crate::model::{GroupLink, NotificationGroup};

/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 512;
/// The most monitors, and the most services.
const MOST_LINKS: usize = 1_000;

/// A notification group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NotificationGroupPart {
    /// Its id.
    pub id: String,
    /// `group`, or `group-default`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What people call it.
    pub name: String,
    /// `all`, or `critical`.
    pub notification_level: &'static str,
    /// Ids of groups.
    pub child_notification_group_ids: Vec<String>,
    /// Ids of channels.
    pub child_channel_ids: Vec<String>,
    /// Monitors.
    pub monitors: Vec<GroupMonitorPart>,
    /// Services.
    pub services: Vec<GroupServicePart>,
}

/// A monitor that a group is told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupMonitorPart {
    /// Its id.
    pub id: String,
    /// Whether the default group is spared.
    #[serde(rename = "skipDefault", default)]
    pub skip_default: Option<bool>,
}

/// A service that a group is told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupServicePart {
    /// Its name.
    pub name: String,
    /// Whether the default group is spared.
    #[serde(rename = "skipDefault", default)]
    pub skip_default: Option<bool>,
}

/// `GET /notification-groups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NotificationGroupListReply {
    /// In the order in which they were made.
    pub notification_groups: Vec<NotificationGroupPart>,
}

/// `POST /notification-groups`, `PUT /notification-groups/<id>`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NotificationGroupRequest {
    name: String,
    notification_level: Option<String>,
    child_notification_group_ids: Names,
    child_channel_ids: Names,
    monitors: Option<Vec<GroupMonitorPart>>,
    services: Option<Vec<GroupServicePart>>,
}

impl NotificationGroupRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what cannot be read.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        parse_object(body)
    }

    /// What it means: a group that is not the default one.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what cannot be.
    pub fn checked(self) -> Result<NotificationGroup, Failure> {
        let only_critical = match self.notification_level.as_deref() {
            None | Some("all") => false,
            Some("critical") => true,
            Some(_) => return Err(invalid("notificationLevel", "is not all or critical")),
        };
        let monitors = self.monitors.unwrap_or_default().into_iter();
        let services = self.services.unwrap_or_default().into_iter();
        Ok(NotificationGroup {
            name: named(self.name, MAX_NAME_CHARS)?,
            is_default: false,
            only_critical,
            children: scope::ids("childNotificationGroupIds", self.child_notification_group_ids)?,
            channels: Some(scope::ids("childChannelIds", self.child_channel_ids)?),
            monitors: links("monitors", monitors.map(|one| (one.id, one.skip_default)), scope::is_id)?,
            services: links("services", services.map(|one| (one.name, one.skip_default)), is_service_name)?,
        })
    }
}

/// Each once: of two that name the same the first counts.
fn links(
    field: &str,
    named: impl Iterator<Item = (String, Option<bool>)>,
    is_good: impl Fn(&str) -> bool,
) -> Result<Vec<GroupLink>, Failure> {
    let mut links: Vec<GroupLink> = Vec::new();
    for (of, skips) in named {
        if !is_good(&of) || links.len() >= MOST_LINKS {
            return Err(invalid(field, "has what can be none, or more than 1,000"));
        }
        if links.iter().all(|link| link.of != of) {
            links.push(GroupLink { of, skips_default: skips.unwrap_or(false) });
        }
    }
    Ok(links)
}

impl NotificationGroupPart {
    /// A group with its id; `defaults` are the ids of the channels that it has where it names none itself.
    pub fn of(id: String, group: NotificationGroup, defaults: &[String]) -> Self {
        let monitor = |link: GroupLink| GroupMonitorPart { id: link.of, skip_default: Some(link.skips_default) };
        let service = |link: GroupLink| GroupServicePart { name: link.of, skip_default: Some(link.skips_default) };
        Self {
            id,
            kind: if group.is_default { "group-default" } else { "group" },
            name: group.name,
            notification_level: if group.only_critical { "critical" } else { "all" },
            child_notification_group_ids: group.children,
            child_channel_ids: group.channels.unwrap_or_else(|| defaults.to_vec()),
            monitors: group.monitors.into_iter().map(monitor).collect(),
            services: group.services.into_iter().map(service).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<NotificationGroup, Failure> {
        NotificationGroupRequest::parse(body.as_bytes())?.checked()
    }

    #[test]
    fn a_group_comes_back_as_it_was_sent() {
        let full = concat!(
            r#"{"id":"11111111113","type":"group","name":"night","notificationLevel":"critical","childNotificationGroupIds":["11111111112"],"#,
            r#""childChannelIds":["11111111114"],"monitors":[{"id":"2cSZzK3XfmG","skipDefault":true}],"services":[{"name":"Shop","skipDefault":false}]}"#
        );
        let part = NotificationGroupPart::of("11111111113".to_owned(), read(full).unwrap(), &[]);
        assert_eq!(serde_json::to_string(&part).unwrap(), full);
        let least = r#"{"name":"n","notificationLevel":null,"childChannelIds":null,"monitors":[{"id":"a"},{"id":"a","skipDefault":true}],"services":null}"#;
        let group = read(least).unwrap();
        assert_eq!((group.only_critical, &group.channels, group.services.len()), (false, &Some(vec![]), 0));
        assert_eq!(group.monitors, [GroupLink { of: "a".to_owned(), skips_default: false }]);
    }

    #[test]
    fn the_default_group_has_the_default_channels_until_it_names_some() {
        let group = NotificationGroup { is_default: true, name: "Default".to_owned(), ..NotificationGroup::default() };
        let channels = ["11111111112".to_owned()];
        let part = NotificationGroupPart::of("11111111112".to_owned(), group.clone(), &channels);
        assert_eq!((part.kind, part.child_channel_ids.as_slice()), ("group-default", &channels[..]));
        let none = NotificationGroup { channels: Some(vec![]), ..group };
        assert!(NotificationGroupPart::of(String::new(), none, &channels).child_channel_ids.is_empty());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"name":""}"#,
            r#"{"name":1}"#,
            r#"{"name":"n","notificationLevel":"loud"}"#,
            r#"{"name":"n","childChannelIds":[1]}"#,
            r#"{"name":"n","childChannelIds":["-"]}"#,
            r#"{"name":"n","monitors":["a"]}"#,
            r#"{"name":"n","monitors":[{"id":""}]}"#,
            r#"{"name":"n","services":[{"name":"a b"}]}"#,
            r#"{"name":"n","services":[{}]}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
