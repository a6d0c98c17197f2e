//! One host as our own pages show it now.

use serde::Serialize;

use crate::model::{Facts, Host, Presence, Sample, Temperature};

/// So much of a note goes with every change of its host.
const MAX_NOTE_CHARS: usize = 500;

/// A host now. What is not known is left out; a value is never 0 in its place. Addresses are not in it: the same piece goes
/// to everybody who may see the host.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostNow {
    /// The host's number.
    pub id: i64,
    /// Its id in addresses of pages.
    pub public_id: String,
    /// What people call it: any text at all.
    pub name: String,
    /// Its group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tag: String,
    /// Labels beside the group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// A note for everybody who may see the host, its first 500 characters: any text at all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub public_note: String,
    /// What it is to a hypervisor: `node`, `qemu`, `lxc` or `pbs`; left out for a machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'static str>,
    /// The number of the node that it is a guest of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<i64>,
    /// Higher is listed first.
    pub display_index: i64,
    /// Up, down, or never heard from.
    pub presence: PresenceWord,
    /// When it was last heard from, by the server's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_s: Option<i64>,
    /// Distribution id, such as `debian`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub platform: String,
    /// Distribution version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub platform_version: String,
    /// Kernel architecture.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub arch: String,
    /// Hypervisor or container name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub virtualization: String,
    /// Two lower-case letters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub country_code: String,
    /// The version of the agent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub agent_version: String,
    /// Memory in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem_total_bytes: Option<u64>,
    /// Swap in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swap_total_bytes: Option<u64>,
    /// Disk space in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_total_bytes: Option<u64>,
    /// When the values below were measured, by the server's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled_at_ms: Option<i64>,
    /// Use of all processors together, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
    /// Memory in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem_used_bytes: Option<u64>,
    /// Swap in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swap_used_bytes: Option<u64>,
    /// Disk space in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_used_bytes: Option<u64>,
    /// Bytes received since boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_in_bytes: Option<u64>,
    /// Bytes sent since boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_out_bytes: Option<u64>,
    /// Bytes received per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_in_bytes_per_s: Option<u64>,
    /// Bytes sent per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_out_bytes_per_s: Option<u64>,
    /// Seconds since the host was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_s: Option<u64>,
    /// Load average of 1 minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load1: Option<f64>,
    /// Load average of 5 minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load5: Option<f64>,
    /// Load average of 15 minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load15: Option<f64>,
    /// TCP sockets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_connections: Option<u64>,
    /// UDP sockets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udp_connections: Option<u64>,
    /// Processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// Use of the busiest GPU, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_percent: Option<f64>,
    /// Sensors in the order sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub temperatures: Vec<TemperatureNow>,
}

/// Whether a host is thought to be up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum PresenceWord {
    /// It has not reported since it was registered.
    Never,
    /// It reports.
    Online,
    /// It fell silent.
    Offline,
}

/// One temperature sensor.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TemperatureNow {
    /// The sensor's name.
    pub name: String,
    /// Degrees Celsius.
    pub celsius: f64,
}

impl From<&Host> for HostNow {
    fn from(host: &Host) -> Self {
        let (no_facts, no_sample) = (Facts::default(), Sample::default());
        let facts = host.facts.as_ref().unwrap_or(&no_facts);
        let sample = host.newest.as_ref().unwrap_or(&no_sample);
        let totals = host.totals();
        Self {
            id: host.id.0,
            public_id: host.public_id.clone(),
            name: host.name.clone(),
            tag: host.tag.clone(),
            tags: host.tags.clone(),
            public_note: host.public_note.chars().take(MAX_NOTE_CHARS).collect(),
            class: host.class.is_polled().then(|| host.class.word()),
            parent_id: host.parent.map(|id| id.0),
            display_index: host.display_index,
            presence: host.presence.into(),
            last_seen_s: host.last_seen.map(|seen| seen.0),
            platform: facts.platform.clone(),
            platform_version: facts.platform_version.clone(),
            arch: facts.arch.clone(),
            virtualization: facts.virtualization.clone(),
            country_code: host.country_code.clone(),
            agent_version: host.agent_version.clone(),
            mem_total_bytes: totals.mem_bytes,
            swap_total_bytes: totals.swap_bytes,
            disk_total_bytes: totals.disk_bytes,
            sampled_at_ms: host.newest.as_ref().map(|sample| sample.at.0),
            cpu_percent: sample.cpu_percent,
            mem_used_bytes: sample.mem_used_bytes,
            swap_used_bytes: sample.swap_used_bytes,
            disk_used_bytes: sample.disk_used_bytes,
            net_in_bytes: sample.net_in_bytes,
            net_out_bytes: sample.net_out_bytes,
            net_in_bytes_per_s: sample.net_in_bytes_per_s,
            net_out_bytes_per_s: sample.net_out_bytes_per_s,
            uptime_s: sample.uptime_s,
            load1: sample.load1,
            load5: sample.load5,
            load15: sample.load15,
            tcp_connections: sample.tcp_connections,
            udp_connections: sample.udp_connections,
            processes: sample.processes,
            gpu_percent: sample.gpu_percent,
            temperatures: sample.temperatures.iter().map(TemperatureNow::from).collect(),
        }
    }
}

impl From<Presence> for PresenceWord {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Never => Self::Never,
            Presence::Online => Self::Online,
            Presence::Offline => Self::Offline,
        }
    }
}

impl From<&Temperature> for TemperatureNow {
    fn from(temperature: &Temperature) -> Self {
        Self { name: temperature.name.clone(), celsius: temperature.celsius }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Addresses, HostClass, HostId};
    use crate::units::{UnixMillis, UnixSeconds};

    fn silent() -> Host {
        Host {
            id: HostId(7),
            public_id: "4Zq5g3mQ1aB".to_owned(),
            uuid: "0b0c".to_owned(),
            class: HostClass::Machine,
            parent: None,
            name: "</script>".to_owned(),
            tag: String::new(),
            tags: Vec::new(),
            absorbed: Vec::new(),
            note: "for administrators".to_owned(),
            public_note: String::new(),
            display_index: 0,
            hidden_for_guest: true,
            registered_at: UnixSeconds(1),
            presence: Presence::Never,
            last_seen: None,
            addresses: Addresses { v4: "203.0.113.9".to_owned(), v6: String::new() },
            country_code: String::new(),
            agent_version: String::new(),
            facts: None,
            newest: None,
        }
    }

    #[test]
    fn a_host_never_heard_from_is_five_keys() {
        let text = serde_json::to_string(&HostNow::from(&silent())).unwrap();
        assert_eq!(
            text,
            r#"{"id":7,"public_id":"4Zq5g3mQ1aB","name":"</script>","display_index":0,"presence":"never"}"#
        );
    }

    #[test]
    fn measured_zero_and_not_measured_differ() {
        let newest = Sample {
            at: UnixMillis(5_000),
            cpu_percent: Some(0.0),
            temperatures: vec![Temperature { name: "cpu".to_owned(), celsius: -3.5 }],
            ..Sample::default()
        };
        let facts = Facts { mem_total_bytes: 1024, ..Facts::default() };
        let host = Host { presence: Presence::Online, facts: Some(facts), newest: Some(newest), ..silent() };
        let value = serde_json::to_value(HostNow::from(&host)).unwrap();
        assert_eq!((&value["cpu_percent"], value.get("load1")), (&serde_json::json!(0.0), None));
        assert_eq!((&value["mem_total_bytes"], &value["sampled_at_ms"]), (&1024.into(), &5000.into()));
        assert_eq!(value["temperatures"][0]["celsius"], -3.5);
        assert_eq!((value.get("swap_total_bytes"), value.get("disk_total_bytes")), (None, None), "nobody said it");
        let newest = host.newest.clone().map(|newest| Sample { swap_used_bytes: Some(0), ..newest });
        let without_swap = serde_json::to_value(HostNow::from(&Host { newest, ..host })).unwrap();
        assert_eq!(without_swap["swap_total_bytes"], 0);
    }
}
