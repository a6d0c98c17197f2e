//! `/api/edgewatch/v1/hosts` and `/api/edgewatch/v1/groups`: hosts as administrators keep them.
//!
//! `GET hosts?cursor=&limit=` is by number; `PATCH hosts/{id}` changes what it names and leaves the rest. A text may be anything that
//! fits, so whoever shows one takes it for hostile.

use serde::{Deserialize, Serialize};

use super::MachinePart;
use super::live::PresenceWord;
use crate::failure::Failure;
use crate::model::{Counted, DetailedHost, Facts, HostChange, HostStatus, RoleName};

/// The longest name of a host or group, in bytes.
const MAX_NAME_BYTES: usize = 1_024;
/// The longest note, in bytes.
const MAX_NOTE_BYTES: usize = 16_384;
/// The longest memo, in characters. Source: mackerel specification, 5.
const MAX_MEMO_CHARS: usize = 10_000;
/// So many labels a host has at most, each so long in characters.
const MAX_TAGS: usize = 20;
const MAX_TAG_CHARS: usize = 64;
/// So many roles.
const MAX_ROLES: usize = 100;

/// The answer of `GET /api/edgewatch/v1/hosts?cursor=&limit=`, by number.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostListReply {
    /// At most `limit` hosts.
    pub hosts: Vec<HostPart>,
    /// Send it as `cursor` to get those behind them; null at the end.
    pub cursor: Option<String>,
}

/// A host, for those who may know all of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostPart {
    /// Its number.
    pub id: i64,
    /// Its id in Mackerel's words.
    pub public_id: String,
    /// Its id in openITCOCKPIT's words.
    pub uuid: String,
    /// What people call it.
    pub name: String,
    /// Its group; may be empty. What Nezha and alert rules call its tag.
    pub group: String,
    /// Labels beside the group.
    pub tags: Vec<String>,
    /// A note for administrators: in no answer to a guest.
    pub note: String,
    /// A note for everybody who may see the host.
    pub public_note: String,
    /// Higher is listed first.
    pub display_index: i64,
    /// In no answer to a guest.
    pub hidden_for_guest: bool,
    /// What it is to a hypervisor: `machine` for nothing, `node`, `qemu`, `lxc` or `pbs`.
    pub class: &'static str,
    /// The number of the node that it is a guest of.
    pub parent_id: Option<i64>,
    /// When it was registered, Unix seconds.
    pub registered_at_s: i64,
    /// Up, down, or never heard from.
    pub presence: PresenceWord,
    /// When it was last heard from, Unix seconds.
    pub last_seen_s: Option<i64>,
    /// The version of the agent that reports, or empty.
    pub agent_version: String,
    /// Where it reports from.
    pub addresses: AddressesPart,
    /// Two lower-case letters, or empty when not known.
    pub country_code: String,
    /// What it is, where it said so.
    pub facts: Option<FactsPart>,
    /// What programs for Mackerel know of it.
    pub mackerel: MackerelPart,
}

/// The addresses of a host; null when not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AddressesPart {
    /// In dotted form.
    pub ipv4: Option<String>,
    /// With colons.
    pub ipv6: Option<String>,
}

/// What a host is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FactsPart {
    /// Distribution id, such as `debian`.
    pub platform: String,
    /// Distribution version.
    pub platform_version: String,
    /// Kernel release.
    pub kernel: String,
    /// Kernel architecture.
    pub arch: String,
    /// Hypervisor or container name, empty on bare metal.
    pub virtualization: String,
    /// One line per processor model.
    pub cpu: Vec<String>,
    /// GPU model names.
    pub gpu: Vec<String>,
    /// Memory in all; 0 when not known. Likewise below.
    pub mem_total_bytes: u64,
    /// Swap in all.
    pub swap_total_bytes: u64,
    /// Space of the counted file systems.
    pub disk_total_bytes: u64,
    /// When the host was started, Unix seconds.
    pub booted_at_s: Option<i64>,
    /// What it is made of: processors, block devices, file systems, interfaces. Of one host that is asked for alone, where its agent
    /// says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachinePart>,
}

/// What programs for Mackerel know of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MackerelPart {
    /// `working`, `standby`, `maintenance` or `poweroff`: monitors look at it or do not.
    pub status: &'static str,
    /// A note.
    pub memo: String,
    /// `service:role`, sorted.
    pub roles: Vec<String>,
}

/// The body of `POST` and `PATCH /api/edgewatch/v1/hosts`: what is left out stays, or is as for every new host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostRequest {
    /// What people call it, 1 to 1,024 bytes. A new host needs one.
    #[serde(default)]
    pub name: Option<String>,
    /// Its group, at most 1,024 bytes; empty for none.
    #[serde(default)]
    pub group: Option<String>,
    /// Labels, all of them: at most 20 of 1 to 64 characters, each once.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// A note for administrators, at most 16,384 bytes.
    #[serde(default)]
    pub note: Option<String>,
    /// A note for everybody who may see the host, likewise.
    #[serde(default)]
    pub public_note: Option<String>,
    /// Higher is listed first.
    #[serde(default)]
    pub display_index: Option<i32>,
    /// Whether guests do not see it; a new host is hidden unless `false` is said.
    #[serde(default)]
    pub hidden_for_guest: Option<bool>,
    /// What programs for Mackerel know of it.
    #[serde(default)]
    pub mackerel: Option<MackerelRequest>,
}

/// What is to be changed of what programs for Mackerel know.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MackerelRequest {
    /// `working`, `standby`, `maintenance` or `poweroff`.
    #[serde(default)]
    pub status: Option<String>,
    /// A note, at most 10,000 characters.
    #[serde(default)]
    pub memo: Option<String>,
    /// `service:role`, all of them, at most 100; services and roles that there are not are made.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
}

/// The answer of `POST /api/edgewatch/v1/hosts`, with status 201.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostMadeReply {
    /// The host.
    pub host: HostPart,
    /// Its agent's secret, shown this once.
    pub secret: String,
}

/// The answer of `POST /api/edgewatch/v1/hosts/{id}/secret`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostSecretReply {
    /// The agent's new secret, shown this once. The one before it is dead.
    pub secret: String,
}

/// The body of `POST /api/edgewatch/v1/hosts/{id}/merge`: the host in the path becomes a part of this one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MergeRequest {
    /// The number of the host that stays.
    pub into: i64,
    /// Whose agent goes on: `kept` or `absorbed`; when left out, the one that was heard from last.
    #[serde(default)]
    pub credential: Option<String>,
}

/// The answer of `GET /api/edgewatch/v1/groups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupListReply {
    /// Groups that hosts are in, by name; the one with an empty name holds those in none.
    pub groups: Vec<CountedPart>,
    /// Labels that hosts bear, by name.
    pub tags: Vec<CountedPart>,
}

/// A group or a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CountedPart {
    /// Its name.
    pub name: String,
    /// How many hosts.
    pub hosts: u64,
}

impl From<Counted> for CountedPart {
    fn from(counted: Counted) -> Self {
        Self { name: counted.name, hosts: counted.hosts }
    }
}

impl HostPart {
    /// As [`HostPart::from`], with what the host is made of.
    pub fn whole(detailed: DetailedHost) -> Self {
        let machine = detailed.host.facts.as_ref().and_then(|facts| facts.machine.as_deref().map(MachinePart::from));
        let mut part = Self::from(detailed);
        if let Some(facts) = &mut part.facts {
            facts.machine = machine;
        }
        part
    }
}

impl From<DetailedHost> for HostPart {
    fn from(detailed: DetailedHost) -> Self {
        let DetailedHost { host, retired_at: _, details, roles } = detailed;
        let some = |text: String| (!text.is_empty()).then_some(text);
        Self {
            id: host.id.0,
            public_id: host.public_id,
            uuid: host.uuid,
            name: host.name,
            group: host.tag,
            tags: host.tags,
            note: host.note,
            public_note: host.public_note,
            display_index: host.display_index,
            hidden_for_guest: host.hidden_for_guest,
            class: host.class.word(),
            parent_id: host.parent.map(|id| id.0),
            registered_at_s: host.registered_at.0,
            presence: host.presence.into(),
            last_seen_s: host.last_seen.map(|at| at.0),
            agent_version: host.agent_version,
            addresses: AddressesPart { ipv4: some(host.addresses.v4), ipv6: some(host.addresses.v6) },
            country_code: host.country_code,
            facts: host.facts.map(FactsPart::from),
            mackerel: MackerelPart {
                status: details.status.word(),
                memo: details.memo,
                roles: roles.iter().map(RoleName::full).collect(),
            },
        }
    }
}

impl From<Facts> for FactsPart {
    fn from(facts: Facts) -> Self {
        Self {
            platform: facts.platform,
            platform_version: facts.platform_version,
            kernel: facts.kernel,
            arch: facts.arch,
            virtualization: facts.virtualization,
            cpu: facts.cpu,
            gpu: facts.gpu,
            mem_total_bytes: facts.mem_total_bytes,
            swap_total_bytes: facts.swap_total_bytes,
            disk_total_bytes: facts.disk_total_bytes,
            booted_at_s: Some(facts.booted_at.0).filter(|at_s| *at_s != 0),
            machine: None,
        }
    }
}

impl TryFrom<HostRequest> for HostChange {
    type Error = Failure;

    fn try_from(request: HostRequest) -> Result<Self, Failure> {
        let HostRequest { name, group, tags, note, public_note, display_index, hidden_for_guest, mackerel } = request;
        if let Some(name) = &name {
            check_line("name", name)?;
            if name.trim().is_empty() {
                return Err(invalid("name", "may not be empty".to_owned()));
            }
        }
        group.as_deref().map(|group| check_line("group", group)).transpose()?;
        for (field, note) in [("note", &note), ("public_note", &public_note)] {
            if note.as_ref().is_some_and(|note| note.len() > MAX_NOTE_BYTES || note.contains('\0')) {
                return Err(invalid(field, format!("at most {MAX_NOTE_BYTES} bytes, none of them 0")));
            }
        }
        let MackerelRequest { status, memo, roles } = mackerel.unwrap_or_default();
        if memo.as_ref().is_some_and(|memo| memo.chars().count() > MAX_MEMO_CHARS || memo.contains('\0')) {
            return Err(invalid("mackerel.memo", format!("at most {MAX_MEMO_CHARS} characters, none of them 0")));
        }
        let status = status.map(|word| {
            let reason = || invalid("mackerel.status", "working, standby, maintenance or poweroff".to_owned());
            HostStatus::parse(&word).ok_or_else(reason)
        });
        Ok(Self {
            name,
            group,
            tags: tags.map(labels).transpose()?,
            note,
            public_note,
            display_index: display_index.map(i64::from),
            hidden_for_guest,
            status: status.transpose()?,
            memo,
            roles: roles.map(role_names).transpose()?,
        })
    }
}

fn invalid(field: &str, reason: String) -> Failure {
    Failure::Invalid { field: field.to_owned(), reason }
}

fn check_line(field: &str, text: &str) -> Result<(), Failure> {
    if text.len() > MAX_NAME_BYTES || text.chars().any(char::is_control) {
        return Err(invalid(field, format!("at most {MAX_NAME_BYTES} bytes, no control characters among them")));
    }
    Ok(())
}

/// Labels without blanks around them, each once.
fn labels(texts: Vec<String>) -> Result<Vec<String>, Failure> {
    let mut tags: Vec<String> = Vec::with_capacity(texts.len().min(MAX_TAGS));
    for text in texts {
        let tag = text.trim();
        if tag.is_empty() || tag.chars().count() > MAX_TAG_CHARS || tag.chars().any(char::is_control) {
            let reason = format!("each of 1 to {MAX_TAG_CHARS} characters, no control characters among them");
            return Err(invalid("tags", reason));
        }
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
        if tags.len() > MAX_TAGS {
            return Err(invalid("tags", format!("at most {MAX_TAGS}")));
        }
    }
    Ok(tags)
}

/// Full names of roles, sorted, each once. Source of what may be one: mackerel specification, 2.3.
fn role_names(texts: Vec<String>) -> Result<Vec<RoleName>, Failure> {
    let is_word = |text: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (2..=63).contains(&text.len())
            && text.bytes().all(is_plain)
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
    };
    let role = |text: String| {
        let (service, role) = text.split_once(':').filter(|(service, role)| is_word(service) && is_word(role))?;
        Some(RoleName { service: service.to_owned(), role: role.to_owned() })
    };
    let wanted = "service:role, both of 2 to 63 of a-z, A-Z, 0-9, - and _, the first a letter or digit";
    let roles: Option<Vec<RoleName>> = texts.into_iter().map(role).collect();
    let mut roles = roles.ok_or_else(|| invalid("mackerel.roles", wanted.to_owned()))?;
    roles.sort();
    roles.dedup();
    if roles.len() > MAX_ROLES {
        return Err(invalid("mackerel.roles", format!("at most {MAX_ROLES}")));
    }
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: serde_json::Value) -> Result<HostChange, Failure> {
        HostChange::try_from(serde_json::from_value::<HostRequest>(body).unwrap())
    }

    #[test]
    fn what_is_not_named_is_not_changed() {
        assert_eq!(read(json!({})), Ok(HostChange::default()));
        assert_eq!(read(json!({ "name": null, "mackerel": {} })), Ok(HostChange::default()));
        let all = json!({
            "name": "</script>\u{202e}", "group": "", "tags": [" db ", "a,\"b\"", "db"], "note": "n\nm", "public_note": "",
            "display_index": -3, "hidden_for_guest": false,
            "mackerel": { "status": "standby", "memo": "m", "roles": ["web:app", "db:main", "web:app"] }
        });
        let change = read(all).unwrap();
        assert_eq!((change.name.as_deref(), change.group.as_deref()), (Some("</script>\u{202e}"), Some("")));
        assert_eq!(change.tags, Some(vec!["db".to_owned(), "a,\"b\"".to_owned()]));
        assert_eq!((change.status, change.display_index), (Some(HostStatus::Standby), Some(-3)));
        let roles: Vec<String> = change.roles.unwrap().iter().map(RoleName::full).collect();
        assert_eq!(roles, ["db:main", "web:app"]);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_its_key() {
        let many: Vec<String> = (0..21).map(|number| number.to_string()).collect();
        let roles: Vec<String> = (0..101).map(|number| format!("web:r{number}")).collect();
        for (body, field) in [
            (json!({ "name": "" }), "name"),
            (json!({ "name": " \u{a0}" }), "name"),
            (json!({ "name": "a\nb" }), "name"),
            (json!({ "name": "x".repeat(1_025) }), "name"),
            (json!({ "group": "a\u{0}" }), "group"),
            (json!({ "tags": [""] }), "tags"),
            (json!({ "tags": [" "] }), "tags"),
            (json!({ "tags": ["ä".repeat(65)] }), "tags"),
            (json!({ "tags": ["a\tb"] }), "tags"),
            (json!({ "tags": many }), "tags"),
            (json!({ "note": "x".repeat(16_385) }), "note"),
            (json!({ "public_note": "a\u{0}b" }), "public_note"),
            (json!({ "mackerel": { "status": "gone" } }), "mackerel.status"),
            (json!({ "mackerel": { "memo": "x".repeat(10_001) } }), "mackerel.memo"),
            (json!({ "mackerel": { "roles": ["web"] } }), "mackerel.roles"),
            (json!({ "mackerel": { "roles": ["web:a"] } }), "mackerel.roles"),
            (json!({ "mackerel": { "roles": roles } }), "mackerel.roles"),
        ] {
            let refused = read(body.clone());
            assert!(matches!(&refused, Err(Failure::Invalid { field: at, .. }) if at == field), "{body} {refused:?}");
        }
        assert!(read(json!({ "tags": ["ä".repeat(64)] })).is_ok());
    }
}
