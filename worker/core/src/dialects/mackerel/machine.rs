//! `meta` of a host that did not come by this dialect: what is known of it, in the types that Go clients insist on. Of a host of our
//! own agent that is what the stock one says. Source: mackerel specification, 2.1.

use std::collections::BTreeMap;

use serde::Serialize;

use super::meta::CORE_WORDS;
use crate::metrics::memory::MEMORY_KINDS;
use crate::model::{BlockDevice, Facts, FileSystem, Machine, MemoryKind, Processors};

/// So many processors are written out.
const MOST_PROCESSORS: usize = 1_024;
/// What our agent is called.
const AGENT: &str = "edgewatch-agent";

/// What the names of distributions look like where that is more than a capital at the beginning.
const PLATFORMS: [(&str, &str); 2] = [("centos", "CentOS"), ("opensuse", "openSUSE")];

/// The `meta` of a host. A key of which nothing is known is left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MetaPart<'a> {
    #[serde(rename = "agent-revision", skip_serializing_if = "str::is_empty")]
    agent_revision: &'a str,
    #[serde(rename = "agent-version", skip_serializing_if = "str::is_empty")]
    agent_version: &'a str,
    #[serde(rename = "agent-name", skip_serializing_if = "String::is_empty")]
    agent_name: String,
    /// By their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    block_device: BTreeMap<&'a str, BlockDevicePart<'a>>,
    /// One for each processor.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cpu: Vec<CpuPart<'a>>,
    /// By their devices.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    filesystem: BTreeMap<&'a str, FileSystemPart<'a>>,
    #[serde(skip_serializing_if = "KernelPart::is_empty")]
    kernel: KernelPart<'a>,
    /// Quirk: texts alone, such as `24684096kB`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    memory: BTreeMap<&'static str, String>,
}

/// One processor. Quirk: texts alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CpuPart<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    cache_size: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    core_id: Option<String>,
    /// Quirk: always one, however many cores its package has.
    #[serde(skip_serializing_if = "str::is_empty")]
    cores: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    family: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mhz: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    model: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    model_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_id: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    stepping: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    vendor_id: &'a str,
}

/// One disk or its like. Quirk: texts alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlockDevicePart<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    model: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    removable: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    rev: &'a str,
    /// Sectors of 512 bytes.
    #[serde(skip_serializing_if = "str::is_empty")]
    size: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    state: &'a str,
    /// Seconds.
    #[serde(skip_serializing_if = "str::is_empty")]
    timeout: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    vendor: &'a str,
}

/// One file system.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileSystemPart<'a> {
    kb_available: u64,
    kb_size: u64,
    kb_used: u64,
    mount: &'a str,
    /// Of what is used and available together, rounded up, such as `21%`.
    percent_used: String,
}

/// The kernel. Quirk: texts alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KernelPart<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    machine: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    os: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    platform_name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    platform_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    release: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
}

impl KernelPart<'_> {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl<'a> MetaPart<'a> {
    /// The `meta` of a host with these facts.
    pub fn of(agent_version: &'a str, facts: Option<&'a Facts>) -> Self {
        let mut meta = Self { agent_version, ..Self::default() };
        let Some(facts) = facts else { return meta };
        meta.kernel = KernelPart {
            machine: &facts.arch,
            platform_name: platform_name(&facts.platform),
            platform_version: &facts.platform_version,
            release: &facts.kernel,
            ..KernelPart::default()
        };
        if let Some(machine) = &facts.machine {
            meta.describe(machine);
        }
        if meta.cpu.is_empty() {
            meta.cpu = facts.cpu.iter().flat_map(|line| processors_of(line)).take(MOST_PROCESSORS).collect();
        }
        // Without memory there is no host: then it was not said. Without swap there are many.
        if meta.memory.is_empty() && facts.mem_total_bytes > 0 {
            let sizes = [("total", facts.mem_total_bytes), ("swap_total", facts.swap_total_bytes)];
            meta.memory = sizes.into_iter().map(|(key, bytes)| (key, format!("{}kB", bytes / 1024))).collect();
        }
        meta
    }

    fn describe(&mut self, machine: &'a Machine) {
        if !machine.agent_revision.is_empty() && !self.agent_version.is_empty() {
            self.agent_revision = &machine.agent_revision;
            self.agent_name = format!("{AGENT}/{} (Revision {})", self.agent_version, self.agent_revision);
        }
        let KernelPart { name, os, version, .. } = &mut self.kernel;
        (*name, *os, *version) = (&machine.kernel_name, &machine.os, &machine.kernel_version);
        let device = |device: &'a BlockDevice| (device.name.as_str(), BlockDevicePart::from(device));
        self.block_device = machine.block_devices.iter().map(device).collect();
        self.cpu = machine.processors.iter().flat_map(each).take(MOST_PROCESSORS).collect();
        let mounted = |one: &'a FileSystem| (one.device.as_str(), FileSystemPart::from(one));
        self.filesystem = machine.file_systems.iter().map(mounted).collect();
        let kind = |kind: &MemoryKind| {
            let (key, _) = MEMORY_KINDS.iter().find(|(_, name)| *name == kind.name)?;
            Some((*key, format!("{}kB", kind.kib)))
        };
        self.memory = machine.memory.iter().filter_map(kind).collect();
    }

    /// Says nothing of swap where there is none: of a guest nobody asked.
    pub fn leave_out_no_swap(&mut self) {
        self.memory.retain(|key, text| *key != "swap_total" || text != "0kB");
    }

    /// Whether it tells of our agent.
    pub fn is_of_our_agent(&self) -> bool {
        is_our_agent(&self.agent_name)
    }
}

/// Whether an agent of this name is ours.
pub fn is_our_agent(name: &str) -> bool {
    name.strip_prefix(AGENT).is_some_and(|rest| rest.starts_with('/'))
}

/// A distribution's id as its name: `debian` is Debian.
fn platform_name(id: &str) -> String {
    if let Some((_, name)) = PLATFORMS.iter().find(|(known, _)| *known == id) {
        return (*name).to_owned();
    }
    let mut letters = id.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// Each of the processors that are alike.
fn each(processors: &Processors) -> impl Iterator<Item = CpuPart<'_>> {
    let mhz = processors.mhz.map(|mhz| mhz.to_string());
    processors.places.iter().flat_map(move |place| {
        let mhz = mhz.clone();
        (0..place.count).map(move |number| CpuPart {
            cache_size: &processors.cache_size,
            core_id: place.core.map(|first| first.saturating_add(number).to_string()),
            cores: "1",
            family: &processors.family,
            mhz: mhz.clone(),
            model: &processors.model,
            model_name: &processors.model_name,
            physical_id: place.package.map(|package| package.to_string()),
            stepping: &processors.stepping,
            vendor_id: &processors.vendor,
        })
    })
}

/// `ARM Cortex-A72 4 Physical Core` is four of that name, `4 Virtual Core` four without one; a line without a number is one.
fn processors_of(line: &str) -> impl Iterator<Item = CpuPart<'_>> {
    let counted = CORE_WORDS.into_iter().find_map(|words| line.strip_suffix(words)).and_then(|rest| {
        let (model, count) = rest.rsplit_once(' ').unwrap_or(("", rest));
        Some((model, count.parse::<usize>().ok()?))
    });
    let (model_name, count) = counted.unwrap_or((line, 1));
    std::iter::repeat_n(CpuPart { model_name, ..CpuPart::default() }, count.min(MOST_PROCESSORS))
}

impl<'a> From<&'a BlockDevice> for BlockDevicePart<'a> {
    fn from(device: &'a BlockDevice) -> Self {
        Self {
            model: &device.model,
            removable: &device.removable,
            rev: &device.rev,
            size: &device.size,
            state: &device.state,
            timeout: &device.timeout,
            vendor: &device.vendor,
        }
    }
}

impl<'a> From<&'a FileSystem> for FileSystemPart<'a> {
    fn from(one: &'a FileSystem) -> Self {
        let (used, both) = (u128::from(one.used_kib), u128::from(one.used_kib) + u128::from(one.available_kib));
        Self {
            kb_available: one.available_kib,
            kb_size: one.size_kib,
            kb_used: one.used_kib,
            mount: &one.mount,
            percent_used: format!("{}%", if both == 0 { 0 } else { (used * 100).div_ceil(both) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::super::meta::read_meta;
    use super::*;
    use crate::model::Place;

    fn text(text: &str) -> String {
        text.to_owned()
    }

    fn vm() -> Facts {
        let processors = Processors {
            vendor: text("GenuineIntel"),
            family: text("6"),
            model: text("167"),
            stepping: text("1"),
            model_name: text("Intel(R) Xeon(R) Processor"),
            cache_size: text("491520 KB"),
            mhz: Some(2600.0),
            places: vec![Place { package: Some(0), core: Some(0), count: 2 }],
        };
        let machine = Machine {
            agent_revision: text("1b684c4"),
            kernel_name: text("Linux"),
            kernel_version: text("#1 SMP"),
            os: text("GNU/Linux"),
            processors: vec![processors],
            block_devices: vec![
                BlockDevice { name: text("loop0"), size: text("0"), removable: text("0"), ..BlockDevice::default() },
                BlockDevice {
                    name: text("vda"),
                    size: text("536870912"),
                    removable: text("0"),
                    vendor: text("0x1af4"),
                    ..BlockDevice::default()
                },
            ],
            file_systems: vec![FileSystem {
                device: text("/dev/vda"),
                mount: text("/"),
                size_kib: 264_212_084,
                used_kib: 56_467_420,
                available_kib: 39_033_844,
            }],
            memory: vec![
                MemoryKind { name: text("MemTotal"), kib: 24_684_084 },
                MemoryKind { name: text("SwapTotal"), kib: 0 },
                MemoryKind { name: text("Slab"), kib: 7 },
                MemoryKind { name: text("Of a kernel to come"), kib: 7 },
            ],
            interfaces: vec![],
        };
        Facts {
            platform: text("debian"),
            platform_version: text("12.11"),
            kernel: text("6.18.44"),
            arch: text("x86_64"),
            cpu: vec![text("Intel(R) Xeon(R) Processor 2 Virtual Core")],
            mem_total_bytes: 24_684_084 * 1024,
            machine: Some(Arc::new(machine)),
            ..Facts::default()
        }
    }

    #[test]
    fn a_host_of_our_agent_is_told_of_as_the_stock_one_tells() {
        let facts = vm();
        let meta = MetaPart::of("0.1.0", Some(&facts));
        assert!(meta.is_of_our_agent());
        let processor = |core: &str| {
            json!({ "cache_size": "491520 KB", "core_id": core, "cores": "1", "family": "6", "mhz": "2600", "model": "167",
                "model_name": "Intel(R) Xeon(R) Processor", "physical_id": "0", "stepping": "1", "vendor_id": "GenuineIntel" })
        };
        let expected = json!({
            "agent-revision": "1b684c4", "agent-version": "0.1.0", "agent-name": "edgewatch-agent/0.1.0 (Revision 1b684c4)",
            "block_device": { "loop0": { "removable": "0", "size": "0" },
                "vda": { "removable": "0", "size": "536870912", "vendor": "0x1af4" } },
            "cpu": [processor("0"), processor("1")],
            "filesystem": { "/dev/vda": { "kb_available": 39_033_844, "kb_size": 264_212_084, "kb_used": 56_467_420,
                "mount": "/", "percent_used": "60%" } },
            "kernel": { "machine": "x86_64", "name": "Linux", "os": "GNU/Linux", "platform_name": "Debian",
                "platform_version": "12.11", "release": "6.18.44", "version": "#1 SMP" },
            "memory": { "total": "24684084kB", "swap_total": "0kB", "slab": "7kB" },
        });
        assert_eq!(serde_json::to_value(&meta).unwrap(), expected);
        // A client that sends it back is understood, and means the same machine.
        let back = read_meta(serde_json::from_value(expected).unwrap()).unwrap().facts;
        assert_eq!((back.platform.as_str(), back.mem_total_bytes), ("debian", facts.mem_total_bytes));
    }

    #[test]
    fn a_host_of_another_dialect_has_what_is_known_in_the_right_types() {
        let facts = Facts {
            platform: text("debian"),
            kernel: text("6.1.0"),
            arch: text("aarch64"),
            cpu: vec![text("ARM Cortex-A72 2 Physical Core"), text("odd")],
            mem_total_bytes: 2048,
            ..Facts::default()
        };
        let json = serde_json::to_string(&MetaPart::of("0.1.0", Some(&facts))).unwrap();
        let expected = concat!(
            r#"{"agent-version":"0.1.0","cpu":[{"model_name":"ARM Cortex-A72"},{"model_name":"ARM Cortex-A72"},{"model_name":"odd"}],"#,
            r#""kernel":{"machine":"aarch64","platform_name":"Debian","release":"6.1.0"},"memory":{"swap_total":"0kB","total":"2kB"}}"#
        );
        assert_eq!(json, expected);
        assert_eq!(serde_json::to_string(&MetaPart::of("", None)).unwrap(), "{}");
        let back = read_meta(serde_json::from_str(&json).unwrap()).unwrap().facts;
        assert_eq!((back.cpu[0].as_str(), back.mem_total_bytes), ("ARM Cortex-A72 2 Physical Core", 2048));
        let nameless = Facts { cpu: vec![text("4 Virtual Core")], ..Facts::default() };
        assert_eq!(MetaPart::of("", Some(&nameless)).cpu, vec![CpuPart::default(); 4]);
        let many = Facts { cpu: vec![text("x 99999999999 Virtual Core")], ..Facts::default() };
        assert_eq!(MetaPart::of("", Some(&many)).cpu.len(), MOST_PROCESSORS);
    }

    #[test]
    fn an_agent_that_tells_no_details_is_named_and_its_host_told_of_as_before() {
        let machine = Machine { agent_revision: text("1b684c4"), ..Machine::default() };
        let facts = Facts { machine: Some(Arc::new(machine)), ..vm() };
        let meta = serde_json::to_value(MetaPart::of("0.1.0", Some(&facts))).unwrap();
        let keys: Vec<&String> = meta.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["agent-name", "agent-revision", "agent-version", "cpu", "kernel", "memory"]);
        assert_eq!(meta["cpu"][1], json!({ "model_name": "Intel(R) Xeon(R) Processor" }));
        assert_eq!(meta["memory"], json!({ "total": "24684084kB", "swap_total": "0kB" }));
    }

    #[test]
    fn processors_without_end_and_sizes_beyond_all_bounds_are_no_harm() {
        let mut facts = vm();
        let machine = Arc::make_mut(facts.machine.as_mut().unwrap());
        machine.processors[0].places = vec![Place { package: None, core: Some(u32::MAX), count: u32::MAX }];
        let sizes = |used_kib, available_kib| FileSystem { used_kib, available_kib, ..FileSystem::default() };
        machine.file_systems = vec![sizes(u64::MAX, u64::MAX)];
        let meta = MetaPart::of("0.1.0", Some(&facts));
        assert_eq!((meta.cpu.len(), meta.cpu[1].core_id.as_deref()), (MOST_PROCESSORS, Some("4294967295")));
        assert_eq!(meta.filesystem[""].percent_used, "50%");
        for (used, available, percent) in [(0, 0, "0%"), (0, 9, "0%"), (1, 999, "1%"), (9, 0, "100%")] {
            assert_eq!(FileSystemPart::from(&sizes(used, available)).percent_used, percent);
        }
    }

    #[test]
    fn names_of_the_agent_are_told_apart_by_their_whole_first_word() {
        assert!(is_our_agent("edgewatch-agent/0.1.0 (Revision x)"));
        assert!(!is_our_agent("edgewatch-agents/1") && !is_our_agent("mackerel-agent/0.87.0") && !is_our_agent(""));
        assert_eq!(serde_json::to_value(MetaPart::default()).unwrap(), Value::Object(serde_json::Map::new()));
        assert_eq!(["centos", "alpine", ""].map(platform_name), ["CentOS", "Alpine", ""]);
    }
}
