//! `meta` of a host: an object of the machine's own making, whose known keys have types that Go clients insist on: one wrong
//! type makes their whole list undecodable. Source: mackerel specification, 2.1.

use serde::Serialize;
use serde_json::{Map, Value};

use super::read::invalid;
use crate::failure::Failure;
use crate::model::{Facts, HostKind, HostMeta};
use crate::units::UnixSeconds;

/// The most that is kept of a machine's words, as JSON.
const MAX_BYTES: usize = 512 * 1024;
/// So many processors are written out for a host of another dialect.
const MOST_PROCESSORS: usize = 1_024;
/// What a line of [`Facts::cpu`] ends with.
const CORE_WORDS: [&str; 2] = [" Physical Core", " Virtual Core"];

/// Whether a value is of the type that clients expect.
type Fits = fn(&Value) -> bool;

/// The keys that clients know.
const KNOWN: [(&str, Fits); 9] = [
    ("agent-name", Value::is_string),
    ("agent-version", Value::is_string),
    ("agent-revision", Value::is_string),
    ("block_device", |value| is_object_of(value, Value::is_object)),
    ("cpu", |value| value.as_array().is_some_and(|list| list.iter().all(Value::is_object))),
    ("filesystem", Value::is_object),
    ("kernel", |value| is_object_of(value, Value::is_string)),
    ("memory", |value| is_object_of(value, Value::is_string)),
    ("cloud", is_cloud),
];

fn is_object_of(value: &Value, fits: Fits) -> bool {
    value.as_object().is_some_and(|object| object.values().all(fits))
}

fn is_cloud(value: &Value) -> bool {
    // Go finds the key whatever its case.
    let is_provider = |key: &str| folded(key) == "provider";
    value.as_object().is_some_and(|cloud| cloud.iter().all(|(key, value)| !is_provider(key) || value.is_string()))
}

/// A key as Go compares it: its case does not count, nor do the two letters that Unicode folds to `k` and `s`.
fn folded(key: &str) -> String {
    key.chars()
        .map(|letter| match letter {
            '\u{212a}' => 'k',
            '\u{17f}' => 's',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

/// What a machine says that it is, once it is of the right types. A known key that is null is left out.
///
/// # Errors
/// [`Failure::Malformed`] for a known key of another type; [`Failure::Invalid`] for more than is kept.
pub fn read_meta(mut meta: Map<String, Value>) -> Result<HostMeta, Failure> {
    let known = |key: &str| KNOWN.iter().find(|(name, _)| folded(key) == *name);
    meta.retain(|key, value| !(value.is_null() && known(key).is_some()));
    for (key, value) in &meta {
        if known(key).is_some_and(|(_, fits)| !fits(value)) {
            return Err(Failure::Malformed { detail: format!("meta.{key} is of a wrong type") });
        }
    }
    let json = serde_json::to_string(&meta).map_err(|error| Failure::Internal(error.to_string()))?;
    if json.len() > MAX_BYTES {
        return Err(invalid("meta", format!("more than {MAX_BYTES} bytes")));
    }
    let agent_name = text(&meta, "agent-name");
    let kind = if agent_name.starts_with("mackerel-agent") {
        HostKind::Agent
    } else if agent_name.starts_with("mackerel-container-agent") || agent_name.starts_with("container-agent") {
        HostKind::ContainerAgent
    } else if meta.contains_key("cloud") && agent_name.is_empty() {
        HostKind::Cloud
    } else {
        HostKind::Unknown
    };
    Ok(HostMeta { json, kind, agent_version: text(&meta, "agent-version").to_owned(), facts: facts(&meta) })
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default().trim()
}

/// The machine in our words, as far as it says what we have words for.
fn facts(meta: &Map<String, Value>) -> Facts {
    let empty = Map::new();
    let part = |key: &str| meta.get(key).and_then(Value::as_object).unwrap_or(&empty);
    let (kernel, memory) = (part("kernel"), part("memory"));
    let is_guest = meta.contains_key("cloud")
        || part("block_device").keys().any(|device| device.starts_with("vd") || device.starts_with("xvd"));
    Facts {
        platform: text(kernel, "platform_name").to_lowercase(),
        platform_version: text(kernel, "platform_version").to_owned(),
        kernel: text(kernel, "release").to_owned(),
        arch: text(kernel, "machine").to_owned(),
        virtualization: String::new(),
        cpu: processors(meta, is_guest),
        gpu: vec![],
        mem_total_bytes: bytes_of(text(memory, "total")),
        swap_total_bytes: bytes_of(text(memory, "swap_total")),
        disk_total_bytes: disk_bytes(part("filesystem")),
        booted_at: UnixSeconds(0),
        addresses: None,
    }
}

/// A line for each model, with how many there are, as our own agent writes them.
fn processors(meta: &Map<String, Value>, is_guest: bool) -> Vec<String> {
    let mut models: Vec<(&str, usize)> = Vec::new();
    let all = meta.get("cpu").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    for name in all.map(|processor| text(processor, "model_name")).filter(|name| !name.is_empty()) {
        match models.iter_mut().find(|(model, _)| *model == name) {
            Some((_, count)) => *count += 1,
            None => models.push((name, 1)),
        }
    }
    let [physical, virtual_] = CORE_WORDS;
    let kind = if is_guest { virtual_ } else { physical };
    models.into_iter().map(|(model, count)| format!("{model} {count}{kind}")).collect()
}

/// `24684096kB` in bytes; 0 for what is no such text.
fn bytes_of(text: &str) -> u64 {
    let kilobytes = text.strip_suffix("kB").and_then(|number| number.trim().parse::<u64>().ok());
    kilobytes.and_then(|number| number.checked_mul(1024)).unwrap_or(0)
}

/// What of all devices is used or free, as the metrics `filesystem.<device>.size` count it.
fn disk_bytes(filesystems: &Map<String, Value>) -> u64 {
    let kilobytes = |filesystem: &Map<String, Value>, key: &str| filesystem.get(key).and_then(Value::as_u64);
    let devices = filesystems.iter().filter(|(device, _)| device.starts_with("/dev/"));
    let sizes = devices.filter_map(|(_, value)| {
        let filesystem = value.as_object()?;
        let parts = kilobytes(filesystem, "kb_used").zip(kilobytes(filesystem, "kb_available"));
        parts.map(|(used, free)| used.saturating_add(free)).or_else(|| kilobytes(filesystem, "kb_size"))
    });
    sizes.fold(0, u64::saturating_add).saturating_mul(1024)
}

/// The `meta` of a host that did not come by this dialect: what is known of it, in the right types, and no more.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MetaPart {
    #[serde(rename = "agent-version", skip_serializing_if = "String::is_empty")]
    agent_version: String,
    /// One for each processor.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cpu: Vec<CpuPart>,
    #[serde(skip_serializing_if = "KernelPart::is_empty")]
    kernel: KernelPart,
    #[serde(skip_serializing_if = "MemoryPart::is_empty")]
    memory: MemoryPart,
}

/// One processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CpuPart {
    model_name: String,
}

/// The kernel. Quirk: texts alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct KernelPart {
    #[serde(skip_serializing_if = "String::is_empty")]
    release: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    machine: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    platform_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    platform_version: String,
}

/// The memory. Quirk: texts alone, such as `24684096kB`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MemoryPart {
    #[serde(skip_serializing_if = "String::is_empty")]
    total: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    swap_total: String,
}

impl KernelPart {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl MemoryPart {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl MetaPart {
    /// The `meta` of a host with these facts.
    pub fn of(agent_version: &str, facts: Option<&Facts>) -> Self {
        let mut meta = Self { agent_version: agent_version.to_owned(), ..Self::default() };
        if let Some(facts) = facts {
            meta.cpu = facts.cpu.iter().flat_map(|line| processors_of(line)).take(MOST_PROCESSORS).collect();
            meta.kernel = KernelPart {
                release: facts.kernel.clone(),
                machine: facts.arch.clone(),
                platform_name: facts.platform.clone(),
                platform_version: facts.platform_version.clone(),
            };
            // Without memory there is no host: then it was not said. Without swap there are many.
            if facts.mem_total_bytes > 0 {
                let text = |bytes: u64| format!("{}kB", bytes / 1024);
                meta.memory =
                    MemoryPart { total: text(facts.mem_total_bytes), swap_total: text(facts.swap_total_bytes) };
            }
        }
        meta
    }
}

/// `ARM Cortex-A72 4 Physical Core` is four of that name; a line without a number is one.
fn processors_of(line: &str) -> impl Iterator<Item = CpuPart> + use<> {
    let counted = CORE_WORDS.into_iter().find_map(|words| line.strip_suffix(words)).and_then(|rest| {
        let (model, count) = rest.rsplit_once(' ')?;
        Some((model, count.parse::<usize>().ok()?))
    });
    let (model, count) = counted.unwrap_or((line, 1));
    std::iter::repeat_n(CpuPart { model_name: model.to_owned() }, count.min(MOST_PROCESSORS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<HostMeta, Failure> {
        read_meta(serde_json::from_str(json).unwrap())
    }

    const LINUX: &str = include_str!("../../../samples/mackerel/meta.json");

    #[test]
    fn what_a_linux_agent_sends_becomes_facts() {
        let meta = read(LINUX).unwrap();
        assert_eq!((meta.kind, meta.agent_version.as_str()), (HostKind::Agent, "0.87.1"));
        let facts = meta.facts;
        assert_eq!((facts.platform.as_str(), facts.platform_version.as_str()), ("debian", "12.11"));
        assert_eq!((facts.kernel.as_str(), facts.arch.as_str()), ("6.18.0", "x86_64"));
        assert_eq!(facts.cpu, ["AMD EPYC 2 Virtual Core"]);
        assert_eq!((facts.mem_total_bytes, facts.swap_total_bytes), (24_684_096 * 1024, 0));
        assert_eq!(facts.disk_total_bytes, (19_318_684 + 75_967_204) * 1024);
        let sent: Value = serde_json::from_str(LINUX).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&meta.json).unwrap(), sent, "and is kept as it is");
    }

    #[test]
    fn known_keys_of_other_types_are_refused_whatever_their_case() {
        for bad in [
            r#"{"agent-name":1}"#,
            r#"{"agent-version":{}}"#,
            r#"{"agent-revision":[]}"#,
            r#"{"block_device":{"vda":"x"}}"#,
            r#"{"block_device":[]}"#,
            r#"{"cpu":{}}"#,
            r#"{"cpu":["x"]}"#,
            r#"{"filesystem":[]}"#,
            r#"{"kernel":{"name":1}}"#,
            r#"{"kernel":{"name":null}}"#,
            r#"{"memory":{"total":24684096}}"#,
            r#"{"cloud":"ec2"}"#,
            r#"{"cloud":{"provider":1}}"#,
            r#"{"cloud":{"PROVIDER":1}}"#,
            r#"{"CPU":"x"}"#,
            "{\"\u{212a}ernel\":\"x\"}",
            "{\"File\u{17f}ystem\":\"x\"}",
        ] {
            assert!(matches!(read(bad), Err(Failure::Malformed { .. })), "{bad}");
        }
        for good in [
            "{}",
            r#"{"agent-name":"x","anything":[1,"a",null]}"#,
            r#"{"cpu":[],"kernel":{},"memory":{},"filesystem":{"/dev/vda":1},"block_device":{},"cloud":{"metadata":1}}"#,
        ] {
            let json: Value = serde_json::from_str(good).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&read(good).unwrap().json).unwrap(), json, "{good}");
        }
        assert_eq!(read(r#"{"cpu":null,"x":null}"#).unwrap().json, r#"{"x":null}"#);
        let huge = format!(r#"{{"x":"{}"}}"#, "a".repeat(MAX_BYTES));
        assert!(matches!(read(&huge), Err(Failure::Invalid { .. })));
    }

    #[test]
    fn the_kind_is_told_by_the_agents_name_or_a_cloud_alone() {
        let kind = |json| read(json).unwrap().kind;
        assert_eq!(kind(r#"{"agent-name":"mackerel-agent/0.87.1 (Revision x)"}"#), HostKind::Agent);
        assert_eq!(kind(r#"{"agent-name":"mackerel-container-agent/0.11.3"}"#), HostKind::ContainerAgent);
        assert_eq!(kind(r#"{"cloud":{"provider":"ec2","metadata":{}}}"#), HostKind::Cloud);
        assert_eq!(kind(r#"{"cloud":{},"agent-name":"other"}"#), HostKind::Unknown);
        assert_eq!(kind("{}"), HostKind::Unknown);
    }

    #[test]
    fn a_host_of_another_dialect_has_what_is_known_in_the_right_types() {
        let facts = Facts {
            platform: "debian".to_owned(),
            kernel: "6.1.0".to_owned(),
            arch: "aarch64".to_owned(),
            cpu: vec!["ARM Cortex-A72 2 Physical Core".to_owned(), "odd".to_owned()],
            mem_total_bytes: 2048,
            ..Facts::default()
        };
        let json = serde_json::to_string(&MetaPart::of("0.1.0", Some(&facts))).unwrap();
        let expected = concat!(
            r#"{"agent-version":"0.1.0","cpu":[{"model_name":"ARM Cortex-A72"},{"model_name":"ARM Cortex-A72"},{"model_name":"odd"}],"#,
            r#""kernel":{"release":"6.1.0","machine":"aarch64","platform_name":"debian"},"memory":{"total":"2kB","swap_total":"0kB"}}"#
        );
        assert_eq!(json, expected);
        assert_eq!(serde_json::to_string(&MetaPart::of("", None)).unwrap(), "{}");
        let back = read(&json).unwrap().facts;
        assert_eq!((back.cpu[0].as_str(), back.mem_total_bytes), ("ARM Cortex-A72 2 Physical Core", 2048));
        let many = Facts { cpu: vec!["x 99999999999 Virtual Core".to_owned()], ..Facts::default() };
        assert_eq!(MetaPart::of("", Some(&many)).cpu.len(), MOST_PROCESSORS);
    }
}
