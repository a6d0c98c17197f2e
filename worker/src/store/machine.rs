//! What a host is made of, as column `machine_json` of `host_states` holds it: JSON, lists instead of objects where there may be many.
//! A part that comes later comes under a key of its own.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use edgewatch_core::model::{BlockDevice, FileSystem, Interface, Machine, MemoryKind, Place, Processors};
use serde::{Deserialize, Serialize};

use super::StoreError;

/// Vendor, family, model, stepping, the model's name, cache; MHz; places as package, core, count.
type ProcessorsRow = ([String; 6], Option<f64>, Vec<(Option<u32>, Option<u32>, u32)>);
/// Device, where it is mounted, KiB in all, in use, available.
type FileSystemRow = (String, String, u64, u64, u64);
/// Name, hardware address, addresses.
type InterfaceRow = (String, String, Vec<Ipv4Addr>, Vec<Ipv6Addr>);

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Row {
    agent_revision: String,
    /// Its name, its version, and the system that it is a part of.
    kernel: [String; 3],
    processors: Vec<ProcessorsRow>,
    /// Name, size, removable, model, rev, state, timeout, vendor.
    block_devices: Vec<[String; 8]>,
    file_systems: Vec<FileSystemRow>,
    memory: Vec<(String, u64)>,
    interfaces: Vec<InterfaceRow>,
}

/// A machine, to be stored; one of which nothing is said is an empty text.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be written.
pub fn machine_json(machine: &Machine) -> Result<String, StoreError> {
    if *machine == Machine::default() {
        return Ok(String::new());
    }
    let Machine { agent_revision, kernel_name, kernel_version, os, .. } = machine.clone();
    let row = Row {
        agent_revision,
        kernel: [kernel_name, kernel_version, os],
        processors: machine.processors.iter().cloned().map(processors_row).collect(),
        block_devices: machine
            .block_devices
            .iter()
            .cloned()
            .map(|mut one| one.texts_mut().map(std::mem::take))
            .collect(),
        file_systems: machine.file_systems.iter().cloned().map(file_system_row).collect(),
        memory: machine.memory.iter().map(|kind| (kind.name.clone(), kind.kib)).collect(),
        interfaces: machine.interfaces.iter().cloned().map(|one| (one.name, one.mac, one.v4, one.v6)).collect(),
    };
    serde_json::to_string(&row).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// What [`machine_json`] stored.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be read.
pub fn machine(json: Option<String>) -> Result<Option<Arc<Machine>>, StoreError> {
    let Some(json) = json.filter(|json| !json.is_empty()) else { return Ok(None) };
    let row: Row =
        serde_json::from_str(&json).map_err(|error| StoreError::Corrupt(format!("machine_json: {error}")))?;
    let [kernel_name, kernel_version, os] = row.kernel;
    Ok(Some(Arc::new(Machine {
        agent_revision: row.agent_revision,
        kernel_name,
        kernel_version,
        os,
        processors: row.processors.into_iter().map(processors).collect(),
        block_devices: row.block_devices.into_iter().map(block_device).collect(),
        file_systems: row.file_systems.into_iter().map(file_system).collect(),
        memory: row.memory.into_iter().map(|(name, kib)| MemoryKind { name, kib }).collect(),
        interfaces: row.interfaces.into_iter().map(|(name, mac, v4, v6)| Interface { name, mac, v4, v6 }).collect(),
    })))
}

fn processors_row(one: Processors) -> ProcessorsRow {
    let texts = [one.vendor, one.family, one.model, one.stepping, one.model_name, one.cache_size];
    (texts, one.mhz, one.places.into_iter().map(|place| (place.package, place.core, place.count)).collect())
}

fn processors((texts, mhz, places): ProcessorsRow) -> Processors {
    let [vendor, family, model, stepping, model_name, cache_size] = texts;
    let places = places.into_iter().map(|(package, core, count)| Place { package, core, count }).collect();
    Processors { vendor, family, model, stepping, model_name, cache_size, mhz, places }
}

fn block_device([name, size, removable, model, rev, state, timeout, vendor]: [String; 8]) -> BlockDevice {
    BlockDevice { name, size, removable, model, rev, state, timeout, vendor }
}

fn file_system_row(one: FileSystem) -> FileSystemRow {
    (one.device, one.mount, one.size_kib, one.used_kib, one.available_kib)
}

fn file_system((device, mount, size_kib, used_kib, available_kib): FileSystemRow) -> FileSystem {
    FileSystem { device, mount, size_kib, used_kib, available_kib }
}

/// What is stored is read; and a machine for the tests of others.
#[cfg(test)]
pub mod tests {
    use super::*;

    /// A machine of which everything is said.
    pub fn a_machine() -> Machine {
        let text = str::to_owned;
        Machine {
            agent_revision: text("1b684c4"),
            kernel_name: text("Linux"),
            kernel_version: text("#1 SMP PREEMPT_DYNAMIC"),
            os: text("GNU/Linux"),
            processors: vec![Processors {
                vendor: text("GenuineIntel"),
                family: text("6"),
                model: text("167"),
                stepping: text("1"),
                model_name: text("Intel(R) Xeon(R)"),
                cache_size: text("491520 KB"),
                mhz: Some(2_596.132),
                places: vec![
                    Place { package: Some(0), core: Some(0), count: 2 },
                    Place { package: None, core: None, count: 1 },
                ],
            }],
            block_devices: vec![BlockDevice {
                name: text("vda"),
                size: text("536870912"),
                removable: text("0"),
                model: text("m"),
                rev: text("r"),
                state: text("running"),
                timeout: text("30"),
                vendor: text("0x1af4"),
            }],
            file_systems: vec![FileSystem {
                device: text("/dev/vda"),
                mount: text("/"),
                size_kib: u64::MAX,
                used_kib: 2,
                available_kib: 1,
            }],
            memory: vec![MemoryKind { name: text("MemTotal"), kib: 24_684_084 }],
            interfaces: vec![Interface {
                name: text("eth0"),
                mac: text("02:fc:00:00:00:01"),
                v4: vec![Ipv4Addr::new(192, 0, 2, 2)],
                v6: vec![Ipv6Addr::LOCALHOST],
            }],
        }
    }

    #[test]
    fn a_machine_is_read_as_it_was_stored() {
        let read = |json: &str| machine(Some(json.to_owned()));
        assert_eq!(read(&machine_json(&a_machine()).unwrap()).unwrap(), Some(Arc::new(a_machine())));
        assert_eq!(read(&machine_json(&Machine::default()).unwrap()).unwrap(), None);
        assert_eq!(machine(None).unwrap(), None);
        let newer = read(r#"{"mainboard":[1],"kernel":["Linux","",""]}"#).unwrap().unwrap();
        assert_eq!(newer.kernel_name, "Linux");
        assert!(matches!(read("{"), Err(StoreError::Corrupt(_))));
    }
}
