//! `meta` of a host: an object of the machine's own making, whose known keys have types that Go clients insist on: one wrong
//! type makes their whole list undecodable. Source: mackerel specification, 2.1.

use serde_json::{Map, Value};

use super::machine::is_our_agent;
use super::read::invalid;
use crate::failure::Failure;
use crate::model::{Facts, HostKind, HostMeta};
use crate::units::UnixSeconds;

/// The most that is kept of a machine's words, as JSON.
const MAX_BYTES: usize = 512 * 1024;
/// What a line of [`Facts::cpu`] ends with.
pub(super) const CORE_WORDS: [&str; 2] = [" Physical Core", " Virtual Core"];

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
    let kind = if agent_name.starts_with("mackerel-agent") || is_our_agent(agent_name) {
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
        machine: None,
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
        assert_eq!(kind(r#"{"agent-name":"edgewatch-agent/0.1.0 (Revision x)"}"#), HostKind::Agent);
        assert_eq!(kind(r#"{"agent-name":"mackerel-container-agent/0.11.3"}"#), HostKind::ContainerAgent);
        assert_eq!(kind(r#"{"cloud":{"provider":"ec2","metadata":{}}}"#), HostKind::Cloud);
        assert_eq!(kind(r#"{"cloud":{},"agent-name":"other"}"#), HostKind::Unknown);
        assert_eq!(kind("{}"), HostKind::Unknown);
    }
}
