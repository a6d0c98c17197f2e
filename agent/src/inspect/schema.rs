//! The shapes of sections 8 and 12 of the specification, for documents and inventories as they are sent: every key of a Linux machine's, and
//! the kind of its value. The black-box tests read this file too.

use serde_json::Value;

/// Kinds by key: `string`, `bool`, `int`, `uint`, `float` (any number), `percent`; `*` for any key; an array of one shape.
const SHAPES: &str = r#"{
 "agent":{"last_updated":"string","last_updated_timestamp":"uint","system":"string","system_uptime":"uint","kernel_version":"string",
  "mac_version":"string","windows_release_id":"string","windows_current_build":"string","family":"string","agent_version":"string",
  "temperature_unit":"string","goos":"string","goarch":"string","goversion":"string","check_interval":"uint"},
 "cpu":{"cpu_total_percentage":"percent","cpu_percentage":["percent"],
  "cpu_total_percentage_detailed":{"User":"percent","Nice":"percent","System":"percent","Idle":"percent","Iowait":"percent"},
  "cpu_percentage_detailed":[{"User":"percent","Nice":"percent","System":"percent","Idle":"percent","Iowait":"percent"}]},
 "memory":{"total":"uint","available":"uint","percent":"percent","used":"uint","free":"uint","active":"uint","inactive":"uint","wired":"uint"},
 "swap":{"total":"uint","percent":"percent","used":"uint","free":"uint","sin":"uint","sout":"uint"},
 "system_load":{"0":"float","1":"float","2":"float"},
 "disks":[{"disk":{"device":"string","mountpoint":"string","fstype":"string","opts":["string"]},
  "usage":{"total":"uint","used":"uint","free":"uint","percent":"percent"}}],
 "disk_io":{"*":{"Timestamp":"uint","Device":"string","ReadBytes":"uint","WriteBytes":"uint","ReadCount":"uint","WriteCount":"uint",
  "ReadTime":"uint","WriteTime":"uint","IoTime":"uint","Frequency_PerfTime":"float","Timestamp_Sys100NS":"float","AvgDiskSecPerRead":"float",
  "AvgDiskSecPerRead_Base":"float","AvgDiskSecPerWrite":"float","AvgDiskSecPerWrite_Base":"float","PercentDiskTime":"float",
  "PercentDiskTime_Base":"float","DiskReadsPerSec":"float","DiskWritesPerSec":"float","DiskReadBytesPerSec":"float",
  "DiskWriteBytesPerSec":"float","AvgDiskBytesPerRead":"float","AvgDiskBytesPerRead_Base":"float","AvgDiskBytesPerWrite":"float",
  "AvgDiskBytesPerWrite_Base":"float","ReadIopsPerSecond":"uint","WriteIopsPerSecond":"uint","TotalIopsPerSecond":"uint",
  "ReadBytesPerSecond":"uint","WriteBytesPerSecond":"uint","TotalAvgWait":"float","ReadAvgWait":"float","WriteAvgWait":"float",
  "ReadAvgSize":"float","WriteAvgSize":"float","LoadPercent":"percent"}},
 "net_stats":{"*":{"isup":"bool","duplex":"uint","speed":"int","mtu":"uint"}},
 "net_io":{"*":{"name":"string","timestamp":"uint","bytes_sent":"uint","bytes_recv":"uint","packets_sent":"uint","packets_recv":"uint",
  "errin":"uint","errout":"uint","dropin":"uint","dropout":"uint","avg_bytes_sent_ps":"uint","avg_bytes_recv_ps":"uint",
  "avg_packets_sent_ps":"uint","avg_packets_recv_ps":"uint","avg_errin":"uint","avg_errout":"uint","avg_dropin":"uint","avg_dropout":"uint"}},
 "processes":[{"pid":"uint","ppid":"uint","username":"string","name":"string","cpu_percent":"float","memory_percent":"percent",
  "cmdline":"string","status":["string"],"exec":"string","nice_level":"int","num_fds":"uint",
  "Memory":{"rss":"uint","vms":"uint","hwm":"uint","data":"uint","stack":"uint","locked":"uint","swap":"uint"},"CreateTime":"uint"}],
 "users":[{"name":"string","terminal":"string","host":"string","started":"uint"}],
 "sensors":{"Temperatures":[{"label":"string","current":"float","high":"float","critical":"float"}],
  "Batteries":[{"id":"uint","percent":"percent","secsleft":"uint","power_plugged":"bool"}]},
 "ntp":{"Timestamp":"uint","TimestampMicro":"uint","SyncStatus":"bool","Offset":"float"},
 "systemd_services":[{"ActiveState":"string","Description":"string","LoadState":"string","Name":"string","SubState":"string"}],
 "docker":[{"id":"string","name":"string","image":"string","size_rw":"int","size_root_fs":"int","state":"string","status":"string",
  "network_rx":"uint","network_tx":"uint","cpu_percentage":"float","memory_percentage":"percent","disk_read":"uint","disk_write":"uint",
  "memory_used":"uint"}],
 "customchecks":{"*":{"stdout":"string","rc":"int","execution_unix_timestamp_sec":"uint"}},
 "prometheus_exporters":["string"],
 "packagemanager":{"Enabled":"bool","Pending":"bool","LastUpdate":"uint","Stats":{"InstalledPackages":"uint","UpgradablePackages":"uint",
  "SecurityUpdates":"uint","RebootRequired":"bool","LastError":"string","OperatingSystem":"string","PackageManager":"string",
  "OsName":"string","OsVersion":"string","OsFamily":"string","AgentVersion":"string","Uptime":"uint"}}
}"#;

/// What an inventory has beside what the group `packagemanager` has. The lists that a Linux machine leaves empty hold nothing.
const LISTS: &str = r#"{"LinuxPackages":[{"Name":"string","Version":"string","Description":"string"}],
 "LinuxUpdates":[{"Name":"string","CurrentVersion":"string","AvailableVersion":"string","IsSecurityUpdate":"bool","IsPatch":"bool"}],
 "WindowsApps":["nothing"],"WindowsUpdates":["nothing"],"MacosApps":["nothing"],"MacosUpdates":["nothing"]}"#;

/// Groups of another platform's, or of no stock package.
const ELSEWHERE: [&str; 4] = ["launchd_services", "libvirt", "windows_eventlog", "windows_services"];

fn parsed(shapes: &str) -> Value {
    serde_json::from_str(shapes).expect("the shapes are JSON")
}

/// What of an inventory is not as section 12 has it.
pub fn inventory_problems(inventory: &Value) -> Vec<String> {
    let (mut shapes, lists): (Value, Value) = (parsed(SHAPES), parsed(LISTS));
    let mut shape = shapes["packagemanager"].take();
    shape.as_object_mut().expect("an object").extend(lists.as_object().expect("an object").clone());
    let mut problems = Vec::new();
    compare("inventory", &shape, inventory, &mut problems);
    problems
}

/// What of a document is not as section 8 has it.
pub fn problems(document: &Value) -> Vec<String> {
    let shapes = parsed(SHAPES);
    let mut problems = Vec::new();
    for (name, group) in document.as_object().expect("an object") {
        let is_error =
            group.as_object().is_some_and(|group| group.len() == 1 && group.get("error").is_some_and(Value::is_string));
        let is_off = name == "packagemanager" && *group == serde_json::json!({ "enabled": false, "pending": false });
        match shapes.get(name) {
            Some(shape) if !is_error && !is_off => compare(name, shape, group, &mut problems),
            None if !ELSEWHERE.contains(&name.as_str()) => problems.push(format!("{name} is unknown")),
            _ => {}
        }
    }
    problems
}

fn compare(path: &str, shape: &Value, value: &Value, problems: &mut Vec<String>) {
    match shape {
        Value::String(kind) => {
            if !is(kind, value) {
                problems.push(format!("{path} is no {kind}: {value}"));
            }
        }
        Value::Array(shapes) => match value {
            Value::Array(values) => {
                for value in values {
                    compare(&format!("{path}[]"), &shapes[0], value, problems);
                }
            }
            other => problems.push(format!("{path} is no list: {other}")),
        },
        Value::Object(shapes) => {
            let Value::Object(values) = value else {
                problems.push(format!("{path} is no object: {value}"));
                return;
            };
            if let Some(shape) = shapes.get("*") {
                for (name, value) in values {
                    compare(&format!("{path}.{name}"), shape, value, problems);
                }
                return;
            }
            for (name, shape) in shapes {
                match values.get(name) {
                    Some(value) => compare(&format!("{path}.{name}"), shape, value, problems),
                    None => problems.push(format!("{path}.{name} is missing")),
                }
            }
            let unknown = values.keys().filter(|name| !shapes.contains_key(*name));
            problems.extend(unknown.map(|name| format!("{path}.{name} is unknown")));
        }
        other => panic!("no shape: {other}"),
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "bool" => value.is_boolean(),
        "uint" => value.is_u64(),
        "int" => value.is_i64() || value.is_u64(),
        "float" => value.is_number(),
        "percent" => value.as_f64().is_some_and(|percent| (0.0..=100.0).contains(&percent)),
        other => panic!("no kind: {other}"),
    }
}
