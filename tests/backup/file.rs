//! A backup's file, as its lines.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

/// Its lines.
pub fn read(file: &Path) -> Vec<Value> {
    let packed = std::fs::File::open(file).expect("a backup");
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).expect("packed by gzip");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// Writes a file of these bytes, packed.
pub fn write(file: &Path, text: &str) {
    let mut packed = GzEncoder::new(std::fs::File::create(file).expect("a file"), Compression::fast());
    packed.write_all(text.as_bytes()).expect("written");
    packed.finish().expect("packed");
}

/// Who may read it.
pub fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).expect("a backup").permissions().mode() & 0o777
}

/// None of these texts is in it, neither as it is nor as bytes.
pub fn assert_holds_no_secrets(lines: &[Value], secrets: &[&str]) {
    let text = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for secret in secrets {
        let hex = secret.bytes().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().concat();
        assert!(!text.contains(secret) && !text.contains(&hex), "{secret} is in it");
    }
    assert!(text.contains("1:"), "but sealed it is");
}

/// The rows of each table, sorted. Left out: what goes on by itself in a deployment that nobody touches.
fn rows(lines: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line["tables"].is_array()) {
        for table in line["tables"].as_array().into_iter().flatten() {
            let name = format!(
                "{}/{}",
                line["part"].as_str().unwrap_or_default(),
                table["table"].as_str().unwrap_or_default()
            );
            let of_table = table["rows"].as_array().into_iter().flatten().map(ToString::to_string);
            rows.entry(name).or_default().extend(of_table);
        }
    }
    for rows in rows.values_mut() {
        rows.sort();
    }
    // Who did what: the restore itself is there. Settings: how many shards there ever were. When a token was used last. The object's
    // own small state: what it spends is counted, and credentials are counted as taken away.
    for name in ["d1/audit", "d1/settings", "d1/sessions", "d1/tokens", "hub-0/meta"] {
        assert!(name == "d1/sessions" || rows.get(name).is_some_and(|rows| !rows.is_empty()), "no {name}");
        rows.remove(name);
    }
    rows
}

/// The same rows in the same tables.
pub fn assert_same_rows(one: &[Value], other: &[Value]) {
    let (one, other) = (rows(one), rows(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, rows) in &one {
        assert_eq!(rows, &other[name], "{name}");
    }
    for needed in
        ["d1/hosts", "d1/history", "d1/events", "d1/channels", "d1/sqlite_sequence", "hub-0/blocks", "hub-0/hosts"]
    {
        assert!(one.contains_key(needed), "no {needed} in {:?}", one.keys());
    }
}
