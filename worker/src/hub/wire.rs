//! What the Worker and the object say to each other: JSON over the object's `fetch`, and a host as JSON, which is also how the
//! object stores one.

use std::sync::Arc;

use edgewatch_core::dialects::native;
use edgewatch_core::dialects::native::stream::{self, Frame, FromAgent};
use edgewatch_core::domain::address_change::Told;
use edgewatch_core::model::{
    Addresses, Dropped, Facts, Host, HostClass, HostId, HostStanding, HostStatus, Monitor, Presence, ProbeResult,
    ProbeTask, Report, RoleName, Sample,
};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

use super::HubError;
use super::addresses::ToldWire;
use super::monitors::NewsWire;
use super::probe_history::Tallies;
use super::probes::ProbeWire;
use crate::store::mackerel::monitors::MonitorWire;

/// The header with a typed identity, which never comes from outside.
pub const IDENTITY_HEADER: &str = "x-edgewatch-identity";
/// The header of an answer that says how much was spent in the object: rows read and written in D1, and in the object.
pub const COST_HEADER: &str = "x-edgewatch-object-cost";
/// The header of a list with the epoch of [`EpochReply`]: the body is handed on unread.
pub const EPOCH_HEADER: &str = "x-edgewatch-epoch";

/// How [`super::client::HubClient::metrics`] is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsRequest {
    /// As `OpenMetrics`.
    pub is_open_metrics: bool,
    /// The whole document; else its lines, in no order.
    pub is_whole: bool,
}

/// A host as the object has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostWire {
    id: i64,
    public_id: String,
    uuid: String,
    /// What it is to a hypervisor; nothing for a machine.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    class: Option<String>,
    /// The node that it is a guest of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    parent: Option<i64>,
    name: String,
    tag: String,
    note: String,
    /// Labels beside the group.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    tags: Vec<String>,
    /// The hosts that were merged into it, the latest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    absorbed: Vec<i64>,
    #[serde(default)]
    public_note: String,
    display_index: i64,
    hidden_for_guest: bool,
    registered_at_s: i64,
    /// 0 never heard from, 1 online, 2 offline.
    presence: u8,
    last_seen_s: Option<i64>,
    ipv4: String,
    ipv6: String,
    country_code: String,
    agent_version: String,
    facts: Option<FactsWire>,
    /// In the agent's own words: exact.
    newest: Option<native::Sample>,
    /// What people know of its addresses, where that is more than those.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub told: Option<ToldWire>,
    /// Its status, and its roles by service, where there is something to say of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub standing: Option<StandingWire>,
}

/// What is said of a host for those who watch it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StandingWire {
    status: String,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    roles: Vec<(String, String)>,
}

impl StandingWire {
    /// Nothing for a host that works and plays no role.
    pub fn of(standing: &HostStanding) -> Option<Self> {
        let roles = standing.roles.iter().map(|name| (name.service.clone(), name.role.clone())).collect();
        let wire = Self { status: standing.status.word().to_owned(), roles };
        (*standing != HostStanding::default()).then_some(wire)
    }

    /// What it says.
    pub fn into_standing(self) -> HostStanding {
        let role = |(service, role)| RoleName { service, role };
        HostStanding {
            status: HostStatus::parse(&self.status).unwrap_or_default(),
            roles: self.roles.into_iter().map(role).collect(),
        }
    }
}

/// What a host says it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactsWire {
    platform: String,
    platform_version: String,
    kernel: String,
    arch: String,
    virtualization: String,
    cpu: Vec<String>,
    gpu: Vec<String>,
    mem_total_bytes: u64,
    swap_total_bytes: u64,
    disk_total_bytes: u64,
    booted_at_s: i64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    machine: Option<native::MachinePart>,
}

/// Which agent speaks: the host that its secret proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentWire {
    /// Which host.
    pub host_id: i64,
    /// SHA-256 of its secret.
    pub secret_hash: String,
    /// Where it is, where known.
    pub ipv4: String,
    /// Likewise.
    pub ipv6: String,
    /// Its country, two lower-case letters, where known.
    pub country_code: Option<String>,
    /// Its version, when it posts.
    #[serde(default)]
    pub agent_version: String,
    /// Which list of probes it goes by, when it posts and asks targets.
    #[serde(default)]
    pub probes_version: Option<u64>,
}

/// What became of a posted report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedWire {
    /// Samples up to this number are stored for good.
    pub durable_up_to: u64,
    /// The first missing number, when nothing was taken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resend_from: Option<u64>,
    /// Numbers of samples whose times could not be.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub times_off: Vec<u64>,
    /// Seconds between two samples, as the hub wants it.
    pub period_s: u32,
    /// Seconds between two reports, likewise.
    pub frame_s: u32,
    /// What the agent is to ask, when that is not what it goes by.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub probes: Option<native::ProbeList>,
}

/// How often credentials were taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochReply {
    /// Changes whenever one was: what was known of credentials before holds no more.
    pub epoch: u64,
}

/// Which hosts changed: names, groups, retirement, secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedRequest {
    /// The hosts; all of them when there is no list.
    pub ids: Option<Vec<i64>>,
}

/// The schedule asks for the verdict on all hosts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictRequest {
    /// When the schedule was due, ms since 1970.
    pub now_ms: i64,
    /// The number of the last change to the list of hosts.
    pub hosts_version: u64,
    /// The number of the last change to rules.
    #[serde(default)]
    pub rules_version: u64,
    /// What the other shards found out about probes, for the one that judges by it; nothing when one of them did not answer.
    #[serde(default)]
    pub monitors: Option<Vec<NewsWire>>,
}

/// Somebody knows of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgedRequest {
    /// Its key.
    pub alert: String,
}

/// What the meters show.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UsageWire {
    /// The answer for people and programs, as JSON.
    pub reply: String,
    /// As in [`EpochReply`].
    pub epoch: u64,
}

impl UsageWire {
    /// The answer with the epoch.
    ///
    /// # Errors
    /// [`HubError::Corrupt`] when it cannot be written.
    pub fn of(reply: &native::UsageReply, epoch: u64) -> Result<Self, HubError> {
        let reply = serde_json::to_string(reply).map_err(|error| HubError::Corrupt(error.to_string()))?;
        Ok(Self { reply, epoch })
    }
}

/// The verdict.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct VerdictReply {
    /// Hosts called offline.
    pub offline: usize,
    /// Hosts called online again.
    pub online: usize,
    /// Whether judgement was suspended by this run.
    pub impaired: bool,
    /// Hosts that belong to other shards and are still to be handed over, and events that are still to be told.
    #[serde(default)]
    pub left: usize,
    /// What the Worker is to ask in this run.
    #[serde(default)]
    pub edge: Vec<native::ProbeTaskPart>,
    /// The monitors whose web addresses it is to ask.
    #[serde(default)]
    pub external: Vec<MonitorWire>,
    /// What this shard found out about probes, for the one that judges by it.
    #[serde(default)]
    pub monitors: Vec<NewsWire>,
}

impl VerdictReply {
    /// What the Worker is to ask in this run: probes, and monitors of web addresses.
    pub fn edge_tasks(self) -> (Vec<ProbeTask>, Vec<Monitor>) {
        let tasks = native::ProbeList { version: 0, probes: self.edge }.into_tasks();
        (tasks, self.external.into_iter().map(Monitor::from).collect())
    }
}

/// What came of a run of the Worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeRequest {
    /// When the run was due, ms since 1970.
    pub at_ms: i64,
    /// The results, each probe's once.
    pub results: Vec<native::ProbePart>,
    /// What web addresses answered: the monitor's number, how long it took in ms, and what was wrong.
    #[serde(default)]
    pub answers: Vec<(i64, Option<f64>, Option<String>)>,
}

/// Whose points of delay are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsRequest {
    /// The host's number.
    pub host: i64,
    /// Of those probes alone whose delays guests may see.
    #[serde(default)]
    pub for_guests: bool,
}

/// How probes fared.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TalliesReply {
    /// Every probe; of the first shard alone.
    pub probes: Vec<ProbeWire>,
    /// What hosts found out.
    pub hosts: Tallies,
    /// What the Worker found out.
    pub edge: Tallies,
    /// Some of what was said of a probe: its number, the host's (0 is the Worker), and the words.
    pub notes: Vec<(i64, i64, String)>,
}

/// A presence as a number, in JSON and in the tables.
pub const fn presence_number(presence: Presence) -> u8 {
    match presence {
        Presence::Never => 0,
        Presence::Online => 1,
        Presence::Offline => 2,
    }
}

/// The presence of a number.
pub const fn presence_of(number: u8) -> Presence {
    match number {
        0 => Presence::Never,
        1 => Presence::Online,
        _ => Presence::Offline,
    }
}

impl HostWire {
    /// A host, and what people know of its addresses.
    pub fn of(host: &Host, told: Option<&Told>) -> Self {
        Self { told: told.map(ToldWire::from), ..Self::from(host) }
    }
}

impl From<&Host> for HostWire {
    fn from(host: &Host) -> Self {
        Self {
            id: host.id.0,
            public_id: host.public_id.clone(),
            uuid: host.uuid.clone(),
            class: host.class.is_polled().then(|| host.class.word().to_owned()),
            parent: host.parent.map(|id| id.0),
            name: host.name.clone(),
            tag: host.tag.clone(),
            note: host.note.clone(),
            tags: host.tags.clone(),
            absorbed: host.absorbed.iter().map(|id| id.0).collect(),
            public_note: host.public_note.clone(),
            display_index: host.display_index,
            hidden_for_guest: host.hidden_for_guest,
            registered_at_s: host.registered_at.0,
            presence: presence_number(host.presence),
            last_seen_s: host.last_seen.map(|at| at.0),
            ipv4: host.addresses.v4.clone(),
            ipv6: host.addresses.v6.clone(),
            country_code: host.country_code.clone(),
            agent_version: host.agent_version.clone(),
            facts: host.facts.as_ref().map(FactsWire::from),
            // What probes gave is in no answer about now.
            newest: host
                .newest
                .as_ref()
                .map(|sample| native::Sample { probes: Vec::new(), ..native::Sample::from(sample) }),
            told: None,
            standing: None,
        }
    }
}

impl TryFrom<HostWire> for Host {
    type Error = HubError;

    fn try_from(wire: HostWire) -> Result<Self, HubError> {
        Ok(Self {
            id: HostId(wire.id),
            public_id: wire.public_id,
            uuid: wire.uuid,
            class: wire.class.and_then(|word| HostClass::parse(&word)).unwrap_or_default(),
            parent: wire.parent.map(HostId),
            name: wire.name,
            tag: wire.tag,
            note: wire.note,
            tags: wire.tags,
            absorbed: wire.absorbed.into_iter().map(HostId).collect(),
            public_note: wire.public_note,
            display_index: wire.display_index,
            hidden_for_guest: wire.hidden_for_guest,
            registered_at: UnixSeconds(wire.registered_at_s),
            presence: presence_of(wire.presence),
            last_seen: wire.last_seen_s.map(UnixSeconds),
            addresses: Addresses { v4: wire.ipv4, v6: wire.ipv6 },
            country_code: wire.country_code,
            agent_version: wire.agent_version,
            facts: wire.facts.map(Facts::from),
            newest: wire.newest.map(sample).transpose()?,
        })
    }
}

/// A sample by the same rules as a reported one; what was taken once passes them again.
fn sample(wire: native::Sample) -> Result<Sample, HubError> {
    wire.into_sample().ok_or_else(|| HubError::Corrupt("a newest sample that cannot be".to_owned()))
}

impl From<&Facts> for FactsWire {
    fn from(facts: &Facts) -> Self {
        Self {
            platform: facts.platform.clone(),
            platform_version: facts.platform_version.clone(),
            kernel: facts.kernel.clone(),
            arch: facts.arch.clone(),
            virtualization: facts.virtualization.clone(),
            cpu: facts.cpu.clone(),
            gpu: facts.gpu.clone(),
            mem_total_bytes: facts.mem_total_bytes,
            swap_total_bytes: facts.swap_total_bytes,
            disk_total_bytes: facts.disk_total_bytes,
            booted_at_s: facts.booted_at.0,
            machine: facts.machine.as_deref().map(native::MachinePart::from),
        }
    }
}

impl From<FactsWire> for Facts {
    fn from(wire: FactsWire) -> Self {
        Self {
            platform: wire.platform,
            platform_version: wire.platform_version,
            kernel: wire.kernel,
            arch: wire.arch,
            virtualization: wire.virtualization,
            cpu: wire.cpu,
            gpu: wire.gpu,
            mem_total_bytes: wire.mem_total_bytes,
            swap_total_bytes: wire.swap_total_bytes,
            disk_total_bytes: wire.disk_total_bytes,
            booted_at: UnixSeconds(wire.booted_at_s),
            addresses: None,
            machine: wire.machine.map(|part| Arc::new(part.into_machine().0)),
        }
    }
}

/// The shard of a host, out of so many: the same for as long as their number stays.
pub fn shard_of(id: HostId, shards: u32) -> u32 {
    // Fibonacci hashing: neighbouring numbers lie far apart.
    let hash = id.owner().0.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    u32::try_from(hash % u64::from(shards.max(1))).unwrap_or(0)
}

/// The object of a shard, by name.
pub fn shard_name(shard: u32) -> String {
    format!("hub-{shard}")
}

/// A posted report in bytes: its frame, then what the host is, each behind its length as a u32, little-endian.
///
/// # Errors
/// [`HubError::TooLarge`] when the samples weigh too much for a frame; [`HubError::Corrupt`] when they are too many or not in order.
pub fn write_report(report: &Report) -> Result<Vec<u8>, HubError> {
    let frame = Frame {
        sent_at_ms: report.sent_at.0,
        oldest: report.oldest,
        period_s: report.period_s,
        frame_s: report.frame_s,
        ..Frame::of_samples(&report.samples)
    };
    let facts = report.facts.as_ref().map(|facts| FromAgent::Facts(stream::Facts(facts.into())));
    let mut bytes = Vec::new();
    for message in std::iter::once(FromAgent::Frame(frame)).chain(facts) {
        let part = message.encode()?;
        bytes.extend(u32::try_from(part.len()).unwrap_or(0).to_le_bytes());
        bytes.extend(part);
    }
    Ok(bytes)
}

/// What [`write_report`] wrote. Every value was checked before.
///
/// # Errors
/// [`HubError::Corrupt`] for anything else.
pub fn read_report(bytes: &[u8], agent_version: &str) -> Result<Report, HubError> {
    let corrupt = |detail: &str| HubError::Corrupt(format!("a report: {detail}"));
    let (mut report, mut facts, mut rest) = (None, None, bytes);
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let (part, behind) = behind.split_at_checked(length).ok_or_else(|| corrupt("cut short"))?;
        rest = behind;
        match FromAgent::decode(part).map_err(|error| corrupt(&error.to_string()))? {
            FromAgent::Frame(frame) => {
                let (read, _) =
                    frame.into_report(agent_version.to_owned()).map_err(|error| corrupt(&error.to_string()))?;
                report = Some(read);
            }
            FromAgent::Facts(read) => facts = Some(read.into_facts().0),
            _ => {}
        }
    }
    let mut report = report.ok_or_else(|| corrupt("no frame"))?;
    report.facts = facts;
    Ok(report)
}

/// What came of probes, in the model's words. What cannot be is left out.
pub fn results(parts: Vec<native::ProbePart>) -> Vec<ProbeResult> {
    let sample = native::Sample { probes: parts, ..native::Sample::default() };
    sample.into_sample().map(|sample| sample.probes).unwrap_or_default()
}

/// The samples of `dropped` whose times could not be.
pub fn times_off(dropped: &[Dropped]) -> Vec<u64> {
    dropped.iter().filter_map(|one| one.number).collect()
}

#[cfg(test)]
pub(super) mod tests;
