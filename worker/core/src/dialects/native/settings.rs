//! `/api/edgewatch/v1/settings`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::model::{AddressNotices, HostId, Hosts};

/// The body of `PATCH /api/edgewatch/v1/settings`: what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettingsRequest {
    /// `off`, `status` or `pulse`: how far guests are let in.
    #[serde(default)]
    pub guest_view: Option<String>,
    /// What stands above the guest page, at most 100 characters; empty for the product's name.
    #[serde(default)]
    pub guest_title: Option<String>,
    /// `system`, `light` or `dark`: how the guest page looks.
    #[serde(default)]
    pub guest_theme: Option<String>,
    /// What guests are asked for; an empty one for nothing. It is never shown again.
    #[serde(default)]
    pub view_password: Option<String>,
    /// Whether notifications name addresses in full.
    #[serde(default)]
    pub plain_ip_in_notifications: Option<bool>,
    /// When people are told that a host has another address: all of it.
    #[serde(default)]
    pub ip_change_notifications: Option<AddressNoticesPart>,
    /// `auto` or `manual`: whether an agent that pushes is a new host as soon as it registers, or when an administrator accepts it.
    #[serde(default)]
    pub push_agents: Option<String>,
    /// All of them: by the name of a host, in whose words its `/ws` speaks, `nezha`, `pulse` or `both`.
    #[serde(default)]
    pub dialect_hosts: Option<BTreeMap<String, String>>,
    /// What is called as long as Edgewatch is whole; an empty text for nothing. It is never shown again.
    #[serde(default)]
    pub heartbeat_url: Option<String>,
    /// How many seconds lie between two calls: 60 to 3600.
    #[serde(default)]
    pub heartbeat_interval_s: Option<u32>,
}

/// The answer of `GET` and `PATCH /api/edgewatch/v1/settings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettingsReply {
    /// `off`, `status` or `pulse`.
    pub guest_view: &'static str,
    /// What stands above the guest page; empty for the product's name. Any text at all.
    pub guest_title: String,
    /// `system`, `light` or `dark`.
    pub guest_theme: &'static str,
    /// Whether guests are asked for a password.
    pub view_password_set: bool,
    /// Whether notifications name addresses in full.
    pub plain_ip_in_notifications: bool,
    /// When people are told that a host has another address.
    pub ip_change_notifications: AddressNoticesPart,
    /// `auto` or `manual`.
    pub push_agents: &'static str,
    /// By the name of a host, `nezha`, `pulse` or `both`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dialect_hosts: BTreeMap<String, String>,
    /// What is called as long as Edgewatch is whole, masked; left out where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat_url: Option<String>,
    /// How many seconds lie between two calls.
    pub heartbeat_interval_s: u32,
    /// How many calls in a row failed until now.
    pub heartbeat_failures: u64,
}

/// The answer of `GET /api/edgewatch/v1/guest`, for guests where they are let in, and for members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GuestReply {
    /// What stands above the guest page; empty for the product's name. Any text at all.
    pub title: String,
    /// `system`, `light` or `dark`.
    pub theme: &'static str,
    /// `off`, `status` or `pulse`: how far guests are let in.
    pub view: &'static str,
}

/// When people are told that a host has another address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AddressNoticesPart {
    /// Whether they are at all.
    pub enabled: bool,
    /// Which group of channels is told; empty for the default one.
    #[serde(default)]
    pub group: String,
    /// Of these hosts alone; of all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<i64>>,
    /// Not of these hosts; not together with `hosts`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except_hosts: Vec<i64>,
}

impl From<AddressNotices> for AddressNoticesPart {
    fn from(notices: AddressNotices) -> Self {
        let named = notices.hosts.named().iter().map(|id| id.0).collect();
        let (hosts, except_hosts) = match notices.hosts {
            Hosts::AllBut(_) => (None, named),
            Hosts::Only(_) => (Some(named), Vec::new()),
        };
        Self { enabled: notices.is_on, group: notices.group, hosts, except_hosts }
    }
}

impl TryFrom<AddressNoticesPart> for AddressNotices {
    type Error = Failure;

    fn try_from(part: AddressNoticesPart) -> Result<Self, Failure> {
        let numbers = |ids: Vec<i64>| ids.into_iter().map(HostId).collect();
        let hosts = match part.hosts {
            Some(_) if !part.except_hosts.is_empty() => {
                let reason = "not together with hosts".to_owned();
                return Err(Failure::Invalid { field: "except_hosts".to_owned(), reason });
            }
            Some(hosts) => Hosts::Only(numbers(hosts)),
            None => Hosts::AllBut(numbers(part.except_hosts)),
        };
        Ok(Self { is_on: part.enabled, group: part.group, hosts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_all_but_some_or_some_alone() {
        for (json, is_good) in [
            (r#"{"enabled":true,"group":"ops","hosts":[2,3]}"#, true),
            (r#"{"enabled":true,"group":"","except_hosts":[7]}"#, true),
            (r#"{"enabled":false,"group":""}"#, true),
            (r#"{"enabled":true,"hosts":[2],"except_hosts":[7]}"#, false),
        ] {
            let part: AddressNoticesPart = serde_json::from_str(json).unwrap();
            let notices = AddressNotices::try_from(part);
            assert_eq!(notices.is_ok(), is_good, "{json}");
            if let Ok(notices) = notices {
                assert_eq!(serde_json::to_string(&AddressNoticesPart::from(notices)).unwrap(), json);
            }
        }
    }
}
