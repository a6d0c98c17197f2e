//! What a machine is made of, in a report and in the facts by socket: the same JSON. An empty text or list was not said.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::model;

/// A machine in detail.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct MachinePart {
    /// The revision of the sources that its agent was built from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub agent_revision: String,
    /// Such as `Linux`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kernel_name: String,
    /// Which build of the kernel's release it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kernel_version: String,
    /// Such as `GNU/Linux`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub os: String,
    /// Those that are alike together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub processors: Vec<ProcessorsPart>,
    /// Disks and their like.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub block_devices: Vec<BlockDevicePart>,
    /// Each device once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub file_systems: Vec<FileSystemPart>,
    /// What memory is used for, KiB by the kernel's names, such as `MemFree`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub memory: BTreeMap<String, u64>,
    /// Those with addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<InterfacePart>,
}

/// Processors that are alike.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ProcessorsPart {
    /// Such as `GenuineIntel`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vendor: String,
    /// The maker's number.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub family: String,
    /// Likewise.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// Likewise.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stepping: String,
    /// What they are called.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model_name: String,
    /// Such as `1024 KB`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cache_size: String,
    /// What the first one ran at just then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mhz: Option<f64>,
    /// In the kernel's order: package, the first core, and how many cores in a row from it. Null where a number is not known.
    pub places: Vec<(Option<u32>, Option<u32>, u32)>,
}

/// What is read by blocks, as the kernel tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct BlockDevicePart {
    /// Such as `vda`.
    pub name: String,
    /// Sectors of 512 bytes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub size: String,
    /// `0` or `1`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub removable: String,
    /// What it is called.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// Which revision.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rev: String,
    /// Such as `running`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// Seconds.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub timeout: String,
    /// Who made it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vendor: String,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct FileSystemPart {
    /// Such as `/dev/vda`.
    pub device: String,
    /// Where.
    pub mount: String,
    /// In all.
    pub size_kib: u64,
    /// In use.
    pub used_kib: u64,
    /// Left for ordinary users.
    pub available_kib: u64,
}

/// An interface of the network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct InterfacePart {
    /// Such as `eth0`.
    pub name: String,
    /// Its hardware's address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac: String,
    /// Of both families, without prefix lengths and zones; what is none is passed over.
    pub addresses: Vec<String>,
}

impl MachinePart {
    /// The machine in the model's words, and what of it is too much.
    pub fn into_machine(self) -> (model::Machine, model::Unfit) {
        let mut machine = model::Machine {
            agent_revision: self.agent_revision,
            kernel_name: self.kernel_name,
            kernel_version: self.kernel_version,
            os: self.os,
            processors: self.processors.into_iter().map(model::Processors::from).collect(),
            block_devices: self.block_devices.into_iter().map(model::BlockDevice::from).collect(),
            file_systems: self.file_systems.into_iter().map(model::FileSystem::from).collect(),
            memory: self.memory.into_iter().map(|(name, kib)| model::MemoryKind { name, kib }).collect(),
            interfaces: self.interfaces.into_iter().map(model::Interface::from).collect(),
        };
        let unfit = machine.fit();
        (machine, unfit)
    }
}

impl From<&model::Machine> for MachinePart {
    fn from(machine: &model::Machine) -> Self {
        let machine = machine.clone();
        Self {
            agent_revision: machine.agent_revision,
            kernel_name: machine.kernel_name,
            kernel_version: machine.kernel_version,
            os: machine.os,
            processors: machine.processors.into_iter().map(ProcessorsPart::from).collect(),
            block_devices: machine.block_devices.into_iter().map(BlockDevicePart::from).collect(),
            file_systems: machine.file_systems.into_iter().map(FileSystemPart::from).collect(),
            memory: machine.memory.into_iter().map(|kind| (kind.name, kind.kib)).collect(),
            interfaces: machine.interfaces.into_iter().map(InterfacePart::from).collect(),
        }
    }
}

impl From<ProcessorsPart> for model::Processors {
    fn from(part: ProcessorsPart) -> Self {
        let ProcessorsPart { vendor, family, model, stepping, model_name, cache_size, mhz, places } = part;
        let place = |(package, core, count)| model::Place { package, core, count };
        let places = places.into_iter().map(place).collect();
        Self { vendor, family, model, stepping, model_name, cache_size, mhz, places }
    }
}

impl From<model::Processors> for ProcessorsPart {
    fn from(processors: model::Processors) -> Self {
        let model::Processors { vendor, family, model, stepping, model_name, cache_size, mhz, places } = processors;
        let places = places.into_iter().map(|place| (place.package, place.core, place.count)).collect();
        Self { vendor, family, model, stepping, model_name, cache_size, mhz, places }
    }
}

impl From<BlockDevicePart> for model::BlockDevice {
    fn from(part: BlockDevicePart) -> Self {
        let BlockDevicePart { name, size, removable, model, rev, state, timeout, vendor } = part;
        Self { name, size, removable, model, rev, state, timeout, vendor }
    }
}

impl From<model::BlockDevice> for BlockDevicePart {
    fn from(device: model::BlockDevice) -> Self {
        let model::BlockDevice { name, size, removable, model, rev, state, timeout, vendor } = device;
        Self { name, size, removable, model, rev, state, timeout, vendor }
    }
}

impl From<FileSystemPart> for model::FileSystem {
    fn from(part: FileSystemPart) -> Self {
        let FileSystemPart { device, mount, size_kib, used_kib, available_kib } = part;
        Self { device, mount, size_kib, used_kib, available_kib }
    }
}

impl From<model::FileSystem> for FileSystemPart {
    fn from(one: model::FileSystem) -> Self {
        let model::FileSystem { device, mount, size_kib, used_kib, available_kib } = one;
        Self { device, mount, size_kib, used_kib, available_kib }
    }
}

impl From<InterfacePart> for model::Interface {
    fn from(part: InterfacePart) -> Self {
        let mut interface = Self { name: part.name, mac: part.mac, v4: Vec::new(), v6: Vec::new() };
        for address in part.addresses {
            match address.parse() {
                Ok(IpAddr::V4(address)) => interface.v4.push(address),
                Ok(IpAddr::V6(address)) => interface.v6.push(address),
                Err(_) => {}
            }
        }
        interface
    }
}

impl From<model::Interface> for InterfacePart {
    fn from(interface: model::Interface) -> Self {
        let v4 = interface.v4.iter().map(ToString::to_string);
        let addresses = v4.chain(interface.v6.iter().map(ToString::to_string)).collect();
        Self { name: interface.name, mac: interface.mac, addresses }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VM: &str = include_str!("../../../samples/native/machine.json");

    #[test]
    fn a_machine_goes_through_the_model_and_comes_back() {
        let part: MachinePart = serde_json::from_str(VM).unwrap();
        let (machine, unfit) = part.clone().into_machine();
        assert_eq!(unfit, []);
        assert_eq!(MachinePart::from(&machine), part);
        assert_eq!(machine.processors[0].places[0], model::Place { package: Some(0), core: Some(0), count: 2 });
        assert_eq!((machine.interfaces[0].v4.len(), machine.interfaces[0].v6.len()), (1, 2));
    }

    #[test]
    fn what_a_newer_agent_adds_is_passed_over_and_what_an_older_one_lacks_is_empty() {
        let part: MachinePart = serde_json::from_str(r#"{"mainboard":{"x":[1]},"os":"GNU/Linux"}"#).unwrap();
        assert_eq!(part, MachinePart { os: "GNU/Linux".to_owned(), ..MachinePart::default() });
        assert_eq!(serde_json::to_string(&part).unwrap(), r#"{"os":"GNU/Linux"}"#);
    }

    #[test]
    fn what_is_no_address_is_passed_over() {
        let interface = |address: &str| InterfacePart {
            name: "eth0".to_owned(),
            mac: String::new(),
            addresses: vec![address.to_owned()],
        };
        for none in ["192.0.2.2/24", "fe80::1%eth0", "<b>", "", "1.2.3"] {
            let interface = model::Interface::from(interface(none));
            assert!(interface.v4.is_empty() && interface.v6.is_empty(), "{none}");
        }
        assert_eq!(InterfacePart::from(model::Interface::from(interface("FD00:0::2"))).addresses, ["fd00::2"]);
    }
}
