//! Hosts of other kinds in the state: what stock agents would have reported of them. Source: pulse specification, 16.3.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Amount, Number};
use crate::failure::Failure;
use crate::metrics::mackerel::cores;
use crate::model::proxmox::Used;
use crate::model::{Form, Host, Interface, PERIOD_S, Piece, Presence};
use crate::units::UnixSeconds;

/// How hosts are written for the key `hosts` of the state.
pub static HOSTS: Form = Form {
    name: "pulse.hosts.1",
    of: |host| !host.class.is_polled(),
    before: "[",
    after: "]",
    write: piece,
    seen: |at| at.map_or(0, |at: UnixSeconds| at.millis().0).to_string(),
};

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct HostRow {
    id: String,
    hostname: String,
    display_name: String,
    platform: String,
    os_name: String,
    os_version: String,
    kernel_version: String,
    architecture: String,
    cpu_count: u32,
    /// Percent.
    cpu_usage: Number,
    load_average: Vec<Number>,
    memory: HostMemory,
    disks: Vec<HostDisk>,
    network_interfaces: Vec<HostInterface>,
    sensors: Sensors,
    raid: [(); 0],
    /// `online` or `offline`.
    status: &'static str,
    uptime_seconds: u64,
    interval_seconds: u32,
    agent_version: String,
    tags: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct HostMemory {
    #[serde(flatten)]
    amount: Amount,
    /// Bytes.
    swap_used: u64,
    /// Bytes.
    swap_total: u64,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct HostDisk {
    #[serde(flatten)]
    amount: Amount,
    mountpoint: String,
    #[serde(rename = "type")]
    kind: String,
    device: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct HostInterface {
    name: String,
    mac: String,
    addresses: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Sensors {
    /// Degrees by name.
    temperature_celsius: BTreeMap<String, Number>,
    fan_rpm: BTreeMap<String, Number>,
    additional: BTreeMap<String, Number>,
}

fn piece(host: Host) -> Result<Piece, Failure> {
    let row = serde_json::to_string(&HostRow::from(host)).map_err(|error| Failure::Internal(error.to_string()))?;
    // When it was last seen is the last key.
    let before = row.strip_suffix('}').unwrap_or(&row);
    Ok(Piece::new(&format!("{before},\"lastSeen\":"), "}"))
}

impl From<Host> for HostRow {
    fn from(host: Host) -> Self {
        let facts = host.facts.unwrap_or_default();
        let newest = host.newest.unwrap_or_default();
        let loads = [newest.load1, newest.load5, newest.load15];
        let memory = Used { used: newest.mem_used_bytes.unwrap_or(0), total: facts.mem_total_bytes };
        let disk = Used { used: newest.disk_used_bytes.unwrap_or(0), total: facts.disk_total_bytes };
        // What each of its disks holds is not measured, only what all of them do.
        let disks = vec![HostDisk {
            amount: disk.into(),
            mountpoint: "/".to_owned(),
            kind: String::new(),
            device: String::new(),
        }];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of counts of 32 bits")]
        let cpu_count = cores(&facts).unwrap_or(0.0) as u32;
        let interfaces = facts.machine.as_ref().map(|machine| machine.interfaces.as_slice()).unwrap_or_default();
        Self {
            id: host.uuid,
            hostname: host.name.clone(),
            display_name: host.name,
            os_name: facts.platform.clone(),
            platform: facts.platform,
            os_version: facts.platform_version,
            kernel_version: facts.kernel,
            architecture: facts.arch,
            cpu_count,
            cpu_usage: Number(newest.cpu_percent.unwrap_or(0.0)),
            load_average: loads.into_iter().flatten().map(Number).collect(),
            memory: HostMemory {
                amount: memory.into(),
                swap_used: newest.swap_used_bytes.unwrap_or(0),
                swap_total: facts.swap_total_bytes,
            },
            disks: if disk.total > 0 { disks } else { vec![] },
            network_interfaces: interfaces.iter().map(HostInterface::from).collect(),
            sensors: Sensors {
                temperature_celsius: newest
                    .temperatures
                    .into_iter()
                    .map(|one| (one.name, Number(one.celsius)))
                    .collect(),
                fan_rpm: BTreeMap::new(),
                additional: BTreeMap::new(),
            },
            raid: [],
            status: if host.presence == Presence::Online { "online" } else { "offline" },
            uptime_seconds: newest.uptime_s.unwrap_or(0),
            interval_seconds: PERIOD_S,
            agent_version: host.agent_version,
            tags: if host.tag.is_empty() { vec![] } else { vec![host.tag] },
        }
    }
}

impl From<&Interface> for HostInterface {
    fn from(one: &Interface) -> Self {
        let v4 = one.v4.iter().map(ToString::to_string);
        Self {
            name: one.name.clone(),
            mac: one.mac.clone(),
            addresses: v4.chain(one.v6.iter().map(ToString::to_string)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{Addresses, Facts, HostClass, HostId, Sample, Temperature};
    use crate::units::UnixMillis;

    fn host() -> Host {
        Host {
            id: HostId(3),
            public_id: "2u4PP3TJqbv".to_owned(),
            uuid: "0192f0a0-0000-7000-8000-000000000003".to_owned(),
            class: HostClass::Machine,
            parent: None,
            name: "web01".to_owned(),
            tag: "prod".to_owned(),
            tags: Vec::new(),
            absorbed: Vec::new(),
            note: String::new(),
            public_note: String::new(),
            display_index: 0,
            hidden_for_guest: true,
            registered_at: UnixSeconds(1),
            presence: Presence::Online,
            last_seen: Some(UnixSeconds(1_754_992_800)),
            addresses: Addresses::default(),
            country_code: String::new(),
            agent_version: "1.0".to_owned(),
            facts: Some(Facts {
                platform: "debian".to_owned(),
                cpu: vec!["Example CPU 8 Virtual Core".to_owned()],
                mem_total_bytes: 16_777_216_000,
                disk_total_bytes: 1_000,
                ..Facts::default()
            }),
            newest: Some(Sample {
                at: UnixMillis(1),
                cpu_percent: Some(7.5),
                mem_used_bytes: Some(4_194_304_000),
                disk_used_bytes: Some(400),
                load1: Some(0.1),
                temperatures: vec![Temperature { name: "cpu".to_owned(), celsius: 45.0 }],
                ..Sample::default()
            }),
        }
    }

    #[test]
    fn a_host_of_another_kind_is_in_the_form_of_stock_agents() {
        let list = HOSTS
            .list([host(), Host { facts: None, newest: None, last_seen: None, presence: Presence::Never, ..host() }]);
        let list: Value = serde_json::from_slice(&list.unwrap()).unwrap();
        let one = &list[0];
        assert_eq!((&one["cpuCount"], &one["cpuUsage"], &one["status"]), (&json!(8), &json!(7.5), &json!("online")));
        let memory = json!({"total": 16_777_216_000_u64, "used": 4_194_304_000_u64, "free": 12_582_912_000_u64, "usage": 25,
            "swapUsed": 0, "swapTotal": 0});
        assert_eq!(one["memory"], memory);
        assert_eq!(one["disks"][0]["usage"], 40);
        assert_eq!((&one["lastSeen"], &one["tags"]), (&json!(1_754_992_800_000_i64), &json!(["prod"])));
        assert_eq!(one["sensors"]["temperatureCelsius"], json!({"cpu": 45}));
        let empty = &list[1];
        assert_eq!((&empty["lastSeen"], &empty["disks"], &empty["loadAverage"]), (&json!(0), &json!([]), &json!([])));
        assert_eq!(empty["status"], "offline");
    }
}
