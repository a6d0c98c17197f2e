//! A host as it is answered. Strict: one mistyped field makes a client's whole list undecodable. Source: mackerel specification, 2.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::interface::InterfacePart;
use super::machine::MetaPart;
use crate::failure::Failure;
use crate::model::{DetailedHost, HostKind};

/// One host.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct HostPart {
    /// Eleven characters of base58. Quirk: the Rust client refuses more than 15 bytes.
    pub id: String,
    /// Whole Unix seconds.
    pub created_at: i64,
    /// Never empty.
    pub name: String,
    /// Left out when nobody set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Left out when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_identifier: Option<String>,
    /// Quirk: of the documentation before 2021; both are served.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `standard`, which the Rust client requires.
    pub size: &'static str,
    /// `working`, `standby`, `maintenance` or `poweroff`.
    pub status: &'static str,
    /// Quirk: never null.
    pub memo: String,
    /// Always there.
    pub is_retired: bool,
    /// Whole Unix seconds; there when retired alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<i64>,
    /// Names of roles by service. Quirk: never null.
    pub roles: BTreeMap<String, Vec<String>>,
    /// An object whose known keys have the types that Go clients expect.
    pub meta: Box<RawValue>,
    /// A list. Quirk: never null.
    pub interfaces: Box<RawValue>,
}

/// `GET /hosts/<id>`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostReply {
    /// The host. Quirk: null where one was looked for by its identifier and is not there.
    pub host: Option<HostPart>,
}

/// `GET /hosts`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostListReply {
    /// By when they were made.
    pub hosts: Vec<HostPart>,
}

/// What a host was made or changed by answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostIdReply {
    /// Its id.
    pub id: String,
}

/// What is answered where there is nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SuccessReply {
    /// True.
    pub success: bool,
}

impl SuccessReply {
    /// The answer.
    pub const DONE: Self = Self { success: true };
}

impl HostPart {
    /// The host in Mackerel's words.
    ///
    /// # Errors
    /// [`Failure::Internal`] when what is stored of it is no JSON.
    pub fn of(detailed: DetailedHost) -> Result<Self, Failure> {
        let DetailedHost { host, retired_at, details, roles: played } = detailed;
        let kind = match (&details.meta_json, details.kind) {
            (None, HostKind::Unknown) if is_told_by_our_agent(&host) => HostKind::Agent,
            (_, kind) => kind,
        };
        let (meta, interfaces) = (meta(&host, details.meta_json)?, interfaces(&host, details.interfaces_json)?);
        let mut roles: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in played {
            roles.entry(name.service).or_default().push(name.role);
        }
        Ok(Self {
            // Another dialect takes hosts without a name.
            name: if host.name.is_empty() { host.public_id.clone() } else { host.name },
            id: host.public_id,
            created_at: host.registered_at.0,
            display_name: details.display_name,
            custom_identifier: details.custom_identifier,
            kind: kind.word(),
            size: "standard",
            status: details.status.word(),
            memo: details.memo,
            is_retired: retired_at.is_some(),
            retired_at: retired_at.map(|at| at.0),
            roles,
            meta,
            interfaces,
        })
    }
}

/// The meta that stands in a host's answer, as it was given or made of what is known.
fn meta(host: &crate::model::Host, given: Option<String>) -> Result<Box<RawValue>, Failure> {
    if let Some(json) = given {
        return stored("meta", json);
    }
    let mut meta = MetaPart::of(&host.agent_version, host.facts.as_ref());
    if host.class.is_guest() {
        meta.leave_out_no_swap();
    }
    written(&meta)
}

fn interfaces(host: &crate::model::Host, given: Option<String>) -> Result<Box<RawValue>, Failure> {
    match given {
        Some(json) => stored("interfaces", json),
        None => written(&InterfacePart::of_host(host)),
    }
}

/// Whether our agent says itself what the host is: then nobody else needs to.
pub fn is_told_by_our_agent(host: &crate::model::Host) -> bool {
    MetaPart::of(&host.agent_version, host.facts.as_ref()).is_of_our_agent()
}

fn stored(what: &str, json: String) -> Result<Box<RawValue>, Failure> {
    RawValue::from_string(json).map_err(|error| Failure::Internal(format!("stored {what}: {error}")))
}

fn written(value: &impl Serialize) -> Result<Box<RawValue>, Failure> {
    to_raw_value(value).map_err(|error| Failure::Internal(error.to_string()))
}

/// What a host's answer has for `meta` and `interfaces` as long as nobody gave them, as JSON: so that a client that sends back what
/// it got changes nothing.
///
/// # Errors
/// [`Failure::Internal`] when it cannot be written.
pub fn made_json(host: &crate::model::Host) -> Result<(String, String), Failure> {
    Ok((meta(host, None)?.get().to_owned(), interfaces(host, None)?.get().to_owned()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::model::{
        Addresses, Facts, Host, HostClass, HostDetails, HostId, HostKind, HostStatus, Interface, Machine, Presence,
        RoleName,
    };
    use crate::units::UnixSeconds;

    pub fn host(name: &str) -> Host {
        Host {
            id: HostId(7),
            public_id: "2eQGEaLxiYU".to_owned(),
            uuid: "u".to_owned(),
            class: HostClass::Machine,
            parent: None,
            name: name.to_owned(),
            tag: "eu".to_owned(),
            tags: Vec::new(),
            absorbed: Vec::new(),
            note: "secret note".to_owned(),
            public_note: String::new(),
            display_index: 0,
            hidden_for_guest: true,
            registered_at: UnixSeconds(1_700_000_000),
            presence: Presence::Online,
            last_seen: None,
            addresses: Addresses { v4: "192.0.2.2".to_owned(), v6: "fd00::2".to_owned() },
            country_code: String::new(),
            agent_version: "0.1.0".to_owned(),
            facts: None,
            newest: None,
        }
    }

    fn json(detailed: DetailedHost) -> String {
        serde_json::to_string(&HostPart::of(detailed).unwrap()).unwrap()
    }

    #[test]
    fn a_host_with_everything_said_of_it() {
        let role = |service: &str, role: &str| RoleName { service: service.to_owned(), role: role.to_owned() };
        let details = HostDetails {
            status: HostStatus::Poweroff,
            display_name: Some("front 1".to_owned()),
            custom_identifier: Some("i-0123".to_owned()),
            memo: "m".to_owned(),
            kind: HostKind::Agent,
            meta_json: Some(r#"{"agent-name":"mackerel-agent/0.87.1"}"#.to_owned()),
            interfaces_json: Some("[]".to_owned()),
        };
        let roles = vec![role("My-Service", "app"), role("My-Service", "db"), role("Other", "x1")];
        let retired_at = Some(UnixSeconds(1_700_000_900));
        let expected = concat!(
            r#"{"id":"2eQGEaLxiYU","createdAt":1700000000,"name":"web01","displayName":"front 1","customIdentifier":"i-0123","#,
            r#""type":"agent","size":"standard","status":"poweroff","memo":"m","isRetired":true,"retiredAt":1700000900,"#,
            r#""roles":{"My-Service":["app","db"],"Other":["x1"]},"meta":{"agent-name":"mackerel-agent/0.87.1"},"interfaces":[]}"#
        );
        assert_eq!(json(DetailedHost { host: host("web01"), retired_at, details, roles }), expected);
    }

    #[test]
    fn a_host_of_another_dialect_is_whole() {
        let facts = Facts { platform: "debian".to_owned(), mem_total_bytes: 4096, ..Facts::default() };
        let bare = DetailedHost {
            host: Host { facts: Some(facts), ..host("") },
            retired_at: None,
            details: HostDetails::default(),
            roles: vec![],
        };
        let expected = concat!(
            r#"{"id":"2eQGEaLxiYU","createdAt":1700000000,"name":"2eQGEaLxiYU","type":"unknown","size":"standard","status":"working","#,
            r#""memo":"","isRetired":false,"roles":{},"meta":{"agent-version":"0.1.0","kernel":{"platform_name":"Debian"},"#,
            r#""memory":{"swap_total":"0kB","total":"4kB"}},"interfaces":[{"name":"default","ipv4Addresses":["192.0.2.2"],"#,
            r#""ipv6Addresses":["fd00::2"],"ipAddress":"192.0.2.2","ipv6Address":"fd00::2"}]}"#
        );
        assert_eq!(json(bare.clone()), expected);
        // Of a guest's swap nobody said anything.
        let guest = DetailedHost { host: Host { class: HostClass::Qemu, ..bare.host }, ..bare };
        assert!(json(guest).contains(r#""memory":{"total":"4kB"}}"#));
    }

    #[test]
    fn a_host_of_our_agent_is_an_agents_host_with_the_interfaces_that_it_has() {
        let interface = Interface {
            name: "eth0".to_owned(),
            mac: "02:fc:00:00:00:01".to_owned(),
            v4: vec![],
            v6: vec!["fd00::2".parse().unwrap(), "fe80::1".parse().unwrap()],
        };
        let machine = Machine { agent_revision: "x".to_owned(), interfaces: vec![interface], ..Machine::default() };
        let facts = Facts { machine: Some(Arc::new(machine)), ..Facts::default() };
        let of = |details| DetailedHost {
            host: Host { facts: Some(facts.clone()), ..host("a") },
            retired_at: None,
            details,
            roles: vec![],
        };
        let said = json(of(HostDetails::default()));
        let expected = concat!(
            r#""meta":{"agent-revision":"x","agent-version":"0.1.0","agent-name":"edgewatch-agent/0.1.0 (Revision x)"},"#,
            r#""interfaces":[{"name":"eth0","macAddress":"02:fc:00:00:00:01","ipv4Addresses":[],"ipv6Addresses":["fd00::2","fe80::1"],"#,
            r#""ipv6Address":"fd00::2"}]}"#
        );
        assert!(said.contains(r#""type":"agent""#) && said.ends_with(expected), "{said}");
        let given = HostDetails { meta_json: Some("{}".to_owned()), ..HostDetails::default() };
        assert!(json(of(given)).contains(r#""type":"unknown""#), "somebody else said what it is");
    }
}
