//! `POST /api/agents/host/report`, and `/api/agents/agent/report`, which is the same. Source: pulse specification, 16.1.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use super::{INTERVAL_S, INTERVALS_S, invalid_json, is_own_disk, sanitized, short};
use crate::dialects::pulse::error::Refused;
use crate::dialects::pulse::read::{list, text};
use crate::metrics::mackerel::name_part;
use crate::metrics::{CELSIUS_BOUNDS, Metric, interfaces, within};
use crate::model::{Facts, Interface, Machine, Named, Sample, Temperature};
use crate::units::calendar::parse_rfc3339_ms;
use crate::units::{MAX_EXACT_INTEGER, UnixMillis, UnixSeconds};

/// The most sensors of a report that are looked at.
const MAX_SENSORS: usize = 64;
/// The most file systems of a report that are told of one by one.
const MAX_FILE_SYSTEMS: usize = 64;
/// The longest name of a sensor, bytes.
const MAX_SENSOR_BYTES: usize = 64;

/// A report. Quirk: zeros are left out, so a missing number is 0.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct HostReport {
    pub(super) agent: Agent,
    pub(super) host: HostPart,
    pub(super) metrics: Metrics,
    #[serde(deserialize_with = "list")]
    pub(super) disks: Vec<Disk>,
    #[serde(deserialize_with = "list")]
    pub(super) network: Vec<Network>,
    pub(super) sensors: Sensors,
    #[serde(deserialize_with = "list")]
    pub(super) tags: Vec<String>,
    /// RFC 3339, by the agent's clock: when it was measured, however late it comes.
    #[serde(deserialize_with = "text")]
    pub(super) timestamp: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Agent {
    #[serde(deserialize_with = "text")]
    pub id: String,
    #[serde(deserialize_with = "text")]
    pub version: String,
    /// Seconds between two reports.
    pub interval_seconds: f64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HostPart {
    #[serde(deserialize_with = "text")]
    pub id: String,
    #[serde(deserialize_with = "text")]
    pub hostname: String,
    #[serde(deserialize_with = "text")]
    pub display_name: String,
    #[serde(deserialize_with = "text")]
    pub machine_id: String,
    #[serde(deserialize_with = "text")]
    pub platform: String,
    #[serde(deserialize_with = "text")]
    pub os_name: String,
    #[serde(deserialize_with = "text")]
    pub os_version: String,
    #[serde(deserialize_with = "text")]
    pub kernel_version: String,
    #[serde(deserialize_with = "text")]
    pub architecture: String,
    #[serde(deserialize_with = "text")]
    pub cpu_model: String,
    pub cpu_count: f64,
    pub uptime_seconds: f64,
    #[serde(deserialize_with = "list")]
    pub load_average: Vec<f64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metrics {
    /// 0 to 100.
    pub cpu_usage_percent: f64,
    pub memory: Memory,
}

#[expect(clippy::struct_field_names, reason = "as the product has them")]
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Memory {
    /// Bytes; and so the next three.
    pub total_bytes: f64,
    pub used_bytes: f64,
    pub swap_total_bytes: f64,
    pub swap_used_bytes: f64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Disk {
    #[serde(deserialize_with = "text")]
    pub device: String,
    #[serde(deserialize_with = "text")]
    pub mountpoint: String,
    #[serde(deserialize_with = "text")]
    pub filesystem: String,
    #[serde(rename = "type", deserialize_with = "text")]
    pub kind: String,
    /// Bytes; and so the next two.
    pub total_bytes: f64,
    pub used_bytes: f64,
    pub free_bytes: f64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Network {
    #[serde(deserialize_with = "text")]
    pub name: String,
    #[serde(deserialize_with = "text")]
    pub mac: String,
    #[serde(deserialize_with = "list")]
    pub addresses: Vec<String>,
    /// Bytes since its start; and so the next one.
    pub rx_bytes: f64,
    pub tx_bytes: f64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Sensors {
    /// Degrees by name.
    pub temperature_celsius: Option<BTreeMap<String, f64>>,
}

impl HostReport {
    /// Reads a body.
    ///
    /// # Errors
    /// 400 for what cannot be read, and for a host without a name.
    pub fn parse(body: &[u8]) -> Result<Self, Refused> {
        let report: Self = serde_json::from_slice(body).map_err(|error| invalid_json(&error))?;
        if report.host.hostname.trim().is_empty() {
            return Err(Refused::new(400, "invalid_report", "host report missing hostname"));
        }
        Ok(report)
    }

    /// By what the same host is known again: the first of what it says that is not empty.
    pub fn identity(&self) -> String {
        let known = [&self.host.id, &self.host.machine_id, &self.agent.id];
        let said = known.into_iter().map(|text| short(text.trim())).find(|text| !text.is_empty());
        said.unwrap_or_else(|| sanitized(&self.host.hostname))
    }

    /// The id that the agent has, which a credential may be bound to; may be empty.
    pub fn agent_id(&self) -> &str {
        &self.agent.id
    }

    /// What people call it.
    pub fn name(&self) -> String {
        let names = [&self.host.display_name, &self.host.hostname];
        names.into_iter().map(|name| short(name.trim())).find(|name| !name.is_empty()).unwrap_or_default()
    }

    /// The agent's version.
    pub fn agent_version(&self) -> String {
        short(&self.agent.version)
    }

    /// The tags that it has itself.
    pub fn tags(&self) -> Vec<String> {
        self.tags.iter().map(|tag| short(tag)).filter(|tag| !tag.is_empty()).take(64).collect()
    }

    /// Seconds between two reports.
    pub fn period_s(&self) -> u32 {
        whole(self.agent.interval_seconds)
            .and_then(|seconds| u32::try_from(seconds).ok())
            .filter(|seconds| INTERVALS_S.contains(seconds))
            .unwrap_or(INTERVAL_S)
    }

    /// When it was measured, by the agent's clock; `None` where it does not say.
    pub fn measured_at(&self) -> Option<UnixMillis> {
        parse_rfc3339_ms(&self.timestamp).filter(|at| at.0 > 0)
    }

    /// What was measured at this time, without a number and without speeds, which nobody knows who has one report.
    pub fn sample(&self, at: UnixMillis) -> Sample {
        let memory = self.metrics.memory;
        let load = |metric: Metric, index: usize| {
            self.host.load_average.get(index).and_then(|value| metric.definition().check(*value).ok())
        };
        let mut sample = Sample {
            at,
            cpu_percent: Metric::CpuPercent.definition().check(self.metrics.cpu_usage_percent).ok(),
            mem_used_bytes: whole(memory.used_bytes),
            swap_used_bytes: whole(memory.swap_used_bytes),
            disk_used_bytes: sum(self.own_disks().map(|disk| disk.used_bytes)),
            uptime_s: whole(self.host.uptime_seconds).filter(|seconds| *seconds > 0),
            load1: load(Metric::Load1, 0),
            load5: load(Metric::Load5, 1),
            load15: load(Metric::Load15, 2),
            temperatures: self.temperatures(),
            named: self.file_systems(),
            ..Sample::default()
        };
        let own: Vec<&Network> = self.network.iter().filter(|one| interfaces::is_own(&one.name)).collect();
        if !own.is_empty() {
            sample.net_in_bytes = sum(own.iter().map(|one| one.rx_bytes));
            sample.net_out_bytes = sum(own.iter().map(|one| one.tx_bytes));
        }
        sample
    }

    /// The file systems that are the host's own, each device once.
    fn own_disks(&self) -> impl Iterator<Item = &Disk> {
        let mut seen = BTreeSet::new();
        self.disks.iter().filter(move |disk| {
            let kind = if disk.kind.is_empty() { &disk.filesystem } else { &disk.kind };
            let is_own = disk.total_bytes > 0.0 && is_own_disk(kind, &disk.mountpoint);
            is_own && (disk.device.is_empty() || seen.insert(disk.device.as_str()))
        })
    }

    /// Each file system of a device of its own, by Mackerel's names: what is kept for the administrator does not count.
    fn file_systems(&self) -> Vec<Named> {
        let devices = self.own_disks().filter_map(|disk| Some((disk.device.strip_prefix("/dev/")?, disk)));
        let parts = devices.take(MAX_FILE_SYSTEMS).flat_map(|(device, disk)| {
            let size = if disk.free_bytes > 0.0 { disk.used_bytes + disk.free_bytes } else { disk.total_bytes };
            let device = name_part(device);
            [("size", size), ("used", disk.used_bytes)]
                .map(|(part, value)| Named { name: format!("filesystem.{device}.{part}"), value })
        });
        parts.filter(|one| whole(one.value).is_some()).collect()
    }

    fn temperatures(&self) -> Vec<Temperature> {
        let (min, max) = CELSIUS_BOUNDS;
        let all = self.sensors.temperature_celsius.iter().flatten();
        let known = all
            .filter(|(name, _)| !name.is_empty() && name.len() <= MAX_SENSOR_BYTES && !name.contains(char::is_control));
        let real = known.filter_map(|(name, celsius)| {
            Some(Temperature { name: name.clone(), celsius: within(*celsius, min, max).ok()? })
        });
        real.take(MAX_SENSORS).collect()
    }

    /// What the host is, as it said so at this time.
    pub fn facts(&self, at: UnixMillis) -> Facts {
        let count = whole(self.host.cpu_count).filter(|count| (1..=4_096).contains(count));
        let uptime_s = whole(self.host.uptime_seconds).filter(|seconds| *seconds > 0);
        let boot = uptime_s.and_then(|seconds| i64::try_from(seconds).ok()).map(|seconds| at.seconds().plus(-seconds));
        let model = short(&self.host.cpu_model);
        let platform = if self.host.os_name.is_empty() { &self.host.platform } else { &self.host.os_name };
        Facts {
            platform: short(platform),
            platform_version: short(&self.host.os_version),
            kernel: short(&self.host.kernel_version),
            arch: short(&self.host.architecture),
            virtualization: String::new(),
            cpu: count
                .map(|count| format!("{model} {count} Virtual Core").trim_start().to_owned())
                .into_iter()
                .collect(),
            gpu: vec![],
            mem_total_bytes: whole(self.metrics.memory.total_bytes).unwrap_or(0),
            swap_total_bytes: whole(self.metrics.memory.swap_total_bytes).unwrap_or(0),
            disk_total_bytes: sum(self.own_disks().map(|disk| disk.total_bytes)).unwrap_or(0),
            booted_at: boot.unwrap_or(UnixSeconds(0)),
            addresses: None,
            machine: self.machine().map(Arc::new),
        }
    }

    /// Its interfaces with their addresses; `None` when it tells of none.
    fn machine(&self) -> Option<Machine> {
        let interfaces: Vec<Interface> = self.network.iter().map(Interface::from).collect();
        let mut machine = Machine { interfaces, ..Machine::default() };
        // What is too much is left out; agents of others are not told.
        machine.fit();
        (!machine.interfaces.is_empty()).then_some(machine)
    }
}

impl From<&Network> for Interface {
    fn from(network: &Network) -> Self {
        let plain =
            || network.addresses.iter().map(|one| one.split_once('/').map_or(one.as_str(), |(address, _)| address));
        Self {
            name: network.name.clone(),
            mac: network.mac.clone(),
            v4: plain().filter_map(|address| address.parse().ok()).collect(),
            v6: plain().filter_map(|address| address.parse().ok()).collect(),
        }
    }
}

/// A whole number that is kept exactly; `None` for what is none.
pub(super) fn whole(number: f64) -> Option<u64> {
    #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is a double exactly")]
    const MAX: f64 = MAX_EXACT_INTEGER as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 2^53 - 1")]
    (0.0..=MAX).contains(&number).then_some(number as u64)
}

fn sum(numbers: impl Iterator<Item = f64>) -> Option<u64> {
    let mut all = numbers.peekable();
    all.peek()?;
    whole(all.sum())
}
