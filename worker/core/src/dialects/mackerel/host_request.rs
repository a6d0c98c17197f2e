//! What is said of hosts: bodies of the routes below `/api/v0/hosts`. Source: mackerel specification, 3.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::host::{is_told_by_our_agent, made_json};
use super::interface::{InterfaceRequest, machine_of, normal_json};
use super::machine::is_our_agent;
use super::meta::read_meta;
use super::names::{is_check_name, role_names};
use super::read::{Key, bounded, invalid, named, parse_object};
use crate::failure::Failure;
use crate::model::{DetailedHost, HostDraft, HostStatus, RoleName, Said};

/// The longest name, display name or identifier, in characters.
const MAX_NAME_CHARS: usize = 512;
/// The longest note, in characters.
const MAX_MEMO_CHARS: usize = 10_000;
/// So many checks has a host.
const MOST_CHECKS: usize = 1_000;
/// So many hosts are named by one call.
const MOST_IDS: usize = 30;

/// `POST /hosts`, `PUT /hosts/<id>`. Any key but the first two may be null or missing, which are not the same.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct HostRequest {
    name: String,
    meta: Map<String, Value>,
    #[serde(default)]
    display_name: Key<String>,
    #[serde(default)]
    custom_identifier: Key<String>,
    #[serde(default)]
    memo: Key<String>,
    #[serde(default)]
    interfaces: Key<Vec<InterfaceRequest>>,
    #[serde(default)]
    role_fullnames: Key<Vec<String>>,
    #[serde(default)]
    checks: Key<Vec<CheckRequest>>,
}

/// A check that a host runs. Quirk: in its oldest form a name alone.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
enum CheckRequest {
    Name(String),
    Full {
        name: String,
        #[serde(default)]
        memo: Option<String>,
    },
}

impl HostRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is no JSON, lacks a required key, or is of a wrong type.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        parse_object(body)
    }

    /// What it means, to a new host or to the one that it is sent for: what a client only sends back says nothing.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a name, role, interface or check that cannot be; [`Failure::Malformed`] for meta of wrong types.
    pub fn into_draft(self, current: Option<&DetailedHost>) -> Result<HostDraft, Failure> {
        let names_our_agent = self.meta.get("agent-name").and_then(Value::as_str).is_some_and(is_our_agent);
        let mut meta = Some(read_meta(self.meta)?);
        let mut interfaces_json = self.interfaces.0.try_map(normal_json)?;
        if let Some(DetailedHost { host, details, .. }) = current {
            let (made_meta, made_interfaces) = made_json(host)?;
            let is_same = |said: &str, made: &str| json(said).is_some_and(|said| json(made) == Some(said));
            if details.meta_json.is_none() {
                // What our agent said may be older by now than what it says: to keep it would be to listen to it no more.
                let is_of_agent = names_our_agent && is_told_by_our_agent(host);
                meta = meta.filter(|meta| !is_of_agent && !is_same(&meta.json, &made_meta));
            }
            if let (None, Said::Value(said)) = (&details.interfaces_json, &interfaces_json)
                && is_same(said, &made_interfaces)
            {
                interfaces_json = Said::Nothing;
            }
        }
        if let Some(meta) = &mut meta {
            let known = current.and_then(|current| current.details.interfaces_json.as_deref());
            let said = if let Said::Value(json) = &interfaces_json { Some(json.as_str()) } else { known };
            meta.facts.machine = said.and_then(machine_of);
        }
        let short = |field: &'static str| move |text: String| bounded(field, text, MAX_NAME_CHARS);
        Ok(HostDraft {
            name: named(self.name, MAX_NAME_CHARS)?,
            meta,
            display_name: self.display_name.0.try_map(short("displayName"))?,
            custom_identifier: identifier(self.custom_identifier.0).try_map(short("customIdentifier"))?,
            memo: self.memo.0.try_map(|text| bounded("memo", text, MAX_MEMO_CHARS))?,
            interfaces_json,
            roles: self.role_fullnames.0.try_map(|names| role_names(&names))?,
            checks: self.checks.0.try_map(checks)?,
        })
    }
}

fn checks(requests: Vec<CheckRequest>) -> Result<Vec<(String, String)>, Failure> {
    if requests.len() > MOST_CHECKS {
        return Err(invalid("checks", "more than 1,000"));
    }
    let check = |request: CheckRequest| {
        let (name, memo) = match request {
            CheckRequest::Name(name) => (name, None),
            CheckRequest::Full { name, memo } => (name, memo),
        };
        if is_check_name(&name) {
            Ok((name, bounded("checks", memo.unwrap_or_default(), MAX_MEMO_CHARS)?))
        } else {
            Err(invalid("checks", "a name is not one to 255 of a-z, A-Z, 0-9, - and _"))
        }
    };
    requests.into_iter().map(check).collect()
}

/// `POST /hosts/<id>/status`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatusRequest {
    status: String,
}

impl StatusRequest {
    /// Reads a body. An unknown status is told before an unknown host: it is part of the body's form.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what cannot be read; [`Failure::Invalid`] for a status that there is not.
    pub fn parse(body: &[u8]) -> Result<HostStatus, Failure> {
        status(&parse_object::<Self>(body)?.status)
    }
}

/// The status of this word.
///
/// # Errors
/// [`Failure::Invalid`] for a word that is none.
pub fn status(word: &str) -> Result<HostStatus, Failure> {
    HostStatus::parse(word).ok_or_else(|| invalid("status", "is not working, standby, maintenance or poweroff"))
}

/// `POST /hosts/bulk-update-statuses`, `POST /hosts/bulk-retire`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BulkRequest {
    ids: Vec<String>,
    status: Option<String>,
}

impl BulkRequest {
    /// Reads a body that names hosts: their ids, each once.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what cannot be read; [`Failure::Invalid`] for more than thirty.
    pub fn parse_ids(body: &[u8]) -> Result<Vec<String>, Failure> {
        parse_object::<Self>(body)?.into_ids()
    }

    /// Likewise, with the status that they shall have.
    ///
    /// # Errors
    /// As [`BulkRequest::parse_ids`]; [`Failure::Invalid`] for a status that there is not.
    pub fn parse_status(body: &[u8]) -> Result<(Vec<String>, HostStatus), Failure> {
        let mut request: Self = parse_object(body)?;
        let word = request.status.take().ok_or_else(|| invalid("status", "is missing"))?;
        Ok((request.into_ids()?, status(&word)?))
    }

    fn into_ids(mut self) -> Result<Vec<String>, Failure> {
        if self.ids.len() > MOST_IDS {
            return Err(invalid("ids", "more than 30"));
        }
        self.ids.sort();
        self.ids.dedup();
        Ok(self.ids)
    }
}

/// `PUT /hosts/<id>/role-fullnames`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RolesRequest {
    role_fullnames: Option<Vec<String>>,
}

impl RolesRequest {
    /// Reads a body. Null is as good as an empty list; so is a missing key.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what cannot be read.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        parse_object(body)
    }

    /// The roles.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a name that is none.
    pub fn roles(&self) -> Result<Vec<RoleName>, Failure> {
        role_names(self.role_fullnames.as_deref().unwrap_or_default())
    }
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// What an identifier comes to: an empty one is none. Source: mackerel specification, 3.1.
fn identifier(said: Said<String>) -> Said<String> {
    match said {
        Said::Value(text) if text.is_empty() => Said::Null,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::mackerel::HostPart;
    use crate::dialects::mackerel::host::tests::host;

    fn draft(json: &str) -> Result<HostDraft, Failure> {
        HostRequest::parse(json.as_bytes())?.into_draft(None)
    }

    #[test]
    fn what_mkr_really_sends_is_taken() {
        let sent = r#"{"name":"newhost","memo":"m","meta":{},"interfaces":null,"roleFullnames":["My-Service:web"],"checks":null,"customIdentifier":"cid"}
"#;
        let draft = draft(sent).unwrap();
        assert_eq!((draft.name.as_str(), draft.memo, draft.checks), ("newhost", Said::Value("m".into()), Said::Null));
        assert_eq!((draft.interfaces_json, draft.display_name), (Said::Null, Said::Nothing));
        assert_eq!(draft.roles.value().unwrap()[0].full(), "My-Service:web");
        assert_eq!(draft.custom_identifier, Said::Value("cid".into()));
    }

    #[test]
    fn what_is_only_sent_back_says_nothing_and_anything_else_counts() {
        use crate::model::HostDetails;
        let current = |meta_json: Option<&str>| DetailedHost {
            host: host("web01"),
            retired_at: None,
            details: HostDetails { meta_json: meta_json.map(str::to_owned), ..HostDetails::default() },
            roles: vec![],
        };
        let answered = serde_json::to_string(&HostPart::of(current(None)).unwrap()).unwrap();
        let draft = |body: &str, current: &DetailedHost| {
            HostRequest::parse(body.as_bytes()).unwrap().into_draft(Some(current)).unwrap()
        };
        let same = draft(&answered, &current(None));
        assert_eq!((same.meta, same.interfaces_json), (None, Said::Nothing));
        let other = draft(&answered.replace("192.0.2.2", "192.0.2.3").replace("0.1.0", "0.1.1"), &current(None));
        assert_eq!(
            (other.meta.unwrap().agent_version.as_str(), other.interfaces_json.value().is_some()),
            ("0.1.1", true)
        );
        assert!(draft(&answered, &current(Some("{}"))).meta.is_some(), "what was once given stays its host's own");
    }

    #[test]
    fn what_our_agent_said_a_while_ago_is_not_kept_in_the_place_of_what_it_says() {
        use std::sync::Arc;

        use crate::model::{Facts, HostDetails, Machine};
        let current = |is_ours: bool| {
            let machine = Machine { agent_revision: "x".to_owned(), ..Machine::default() };
            let facts = Facts { machine: is_ours.then(|| Arc::new(machine)), ..Facts::default() };
            let host = crate::model::Host { facts: Some(facts), ..host("web01") };
            DetailedHost { host, retired_at: None, details: HostDetails::default(), roles: vec![] }
        };
        let meta = |name: &str, is_ours| {
            let body = format!(r#"{{"name":"web01","meta":{{"agent-name":"{name}","filesystem":{{"/dev/vda":1}}}}}}"#);
            HostRequest::parse(body.as_bytes()).unwrap().into_draft(Some(&current(is_ours))).unwrap().meta
        };
        assert_eq!(meta("edgewatch-agent/0.1.0 (Revision x)", true), None);
        assert!(meta("mackerel-agent/0.87.0 (Revision x)", true).is_some(), "another agent runs there now");
        assert!(meta("edgewatch-agent/0.1.0 (Revision x)", false).is_some(), "nobody else says it");
    }

    #[test]
    fn the_interfaces_are_of_the_machine_whether_they_come_with_it_or_came_before() {
        use crate::model::HostDetails;
        let names = |more: &str, known: Option<&str>| {
            let details = HostDetails { interfaces_json: known.map(str::to_owned), ..HostDetails::default() };
            let current = DetailedHost { host: host("web01"), retired_at: None, details, roles: vec![] };
            let body = format!(r#"{{"name":"web01","meta":{{"agent-version":"0.87.1"}}{more}}}"#);
            let draft = HostRequest::parse(body.as_bytes()).unwrap().into_draft(Some(&current)).unwrap();
            let machine = draft.meta.unwrap().facts.machine;
            machine.map(|machine| machine.interfaces.iter().map(|one| one.name.clone()).collect::<Vec<_>>())
        };
        let known = r#"[{"name":"eth0","ipv4Addresses":[],"ipv6Addresses":[]}]"#;
        assert_eq!(names(r#","interfaces":[{"name":"eth1"}]"#, Some(known)), Some(vec!["eth1".to_owned()]));
        assert_eq!(names("", Some(known)), Some(vec!["eth0".to_owned()]));
        assert_eq!((names("", None), names(r#","interfaces":[]"#, Some(known))), (None, None));
    }

    #[test]
    fn checks_are_names_or_objects() {
        let draft =
            draft(r#"{"name":"a","meta":{},"checks":["old",{"name":"new","memo":"x"},{"name":"c","memo":null}]}"#);
        let checks = draft.unwrap().checks.value().unwrap();
        let pair = |name: &str, memo: &str| (name.to_owned(), memo.to_owned());
        assert_eq!(checks, [pair("old", ""), pair("new", "x"), pair("c", "")]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [
            "",
            "[]",
            r#"["a",{}]"#,
            "{}",
            r#"{"name":"a"}"#,
            r#"{"name":"a","meta":null}"#,
            r#"{"name":"a","meta":[]}"#,
            r#"{"name":null,"meta":{}}"#,
            r#"{"name":1,"meta":{}}"#,
            r#"{"name":"","meta":{}}"#,
            r#"{"name":"a","meta":{"cpu":1}}"#,
            r#"{"name":"a","meta":{},"displayName":1}"#,
            r#"{"name":"a","meta":{},"interfaces":{}}"#,
            r#"{"name":"a","meta":{},"interfaces":[{}]}"#,
            r#"{"name":"a","meta":{},"roleFullnames":["a:b"]}"#,
            r#"{"name":"a","meta":{},"roleFullnames":[null]}"#,
            r#"{"name":"a","meta":{},"checks":[{}]}"#,
            r#"{"name":"a","meta":{},"checks":["a b"]}"#,
        ] {
            assert!(draft(bad).is_err(), "{bad}");
        }
        let long = format!(r#"{{"name":"{}","meta":{{}}}}"#, "a".repeat(513));
        assert!(draft(&long).is_err());
    }

    #[test]
    fn thirty_hosts_are_named_at_most() {
        let ids = |count: usize| serde_json::json!({ "ids": vec!["x"; count], "status": "standby" }).to_string();
        assert_eq!(BulkRequest::parse_ids(ids(30).as_bytes()), Ok(vec!["x".to_owned()]));
        assert!(BulkRequest::parse_ids(ids(31).as_bytes()).is_err());
        let both = BulkRequest::parse_status(ids(1).as_bytes()).unwrap();
        assert_eq!(both, (vec!["x".to_owned()], HostStatus::Standby));
        for bad in [r#"{"ids":[]}"#, r#"{"ids":[],"status":"up"}"#, r#"{"status":"standby"}"#, r#"{"ids":null}"#] {
            assert!(BulkRequest::parse_status(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
