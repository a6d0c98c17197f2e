//! What a host of our own agent says it is, against what the stock agent says of the same machine at the same time, key by key.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use edgewatch_harness::agent::Agent;
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use serde_json::Value;

use super::agent::{configure, run};
use super::{Mkr, folder, key, programs};

/// The keys below a value with the kinds of what they hold; of lists what any element has.
fn shape(value: &Value, path: &str, into: &mut BTreeMap<String, &'static str>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "fraction",
        Value::Number(_) => "whole",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    into.insert(path.to_owned(), kind);
    match value {
        Value::Array(list) => list.iter().for_each(|one| shape(one, &format!("{path}[]"), into)),
        Value::Object(object) => object.iter().for_each(|(key, one)| shape(one, &format!("{path}/{key}"), into)),
        _ => {}
    }
}

fn shape_of(value: &Value) -> BTreeMap<String, &'static str> {
    let mut found = BTreeMap::new();
    shape(value, "", &mut found);
    found
}

/// What kind of file system is mounted of each device.
fn kinds() -> BTreeMap<String, String> {
    let mounts = fs::read_to_string("/proc/self/mounts").expect("Linux");
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    fields.map(|fields| (fields[0].to_owned(), fields[2].to_owned())).collect()
}

/// Interfaces in an order of their own, with their addresses in one.
fn interfaces(host: &Value) -> Vec<Value> {
    let mut found = host["interfaces"].as_array().expect("a list").clone();
    // Pairs of containers come and go, and each would cost a row of the database: our agent leaves them out.
    found.retain(|one| !one["name"].as_str().expect("a name").starts_with("veth"));
    for one in &mut found {
        for family in ["ipv4Addresses", "ipv6Addresses"] {
            one[family].as_array_mut().expect("a list").sort_by_key(Value::to_string);
        }
        // The first of the list is told once more, and its order is the agent's own.
        for first in ["ipAddress", "ipv6Address"] {
            one.as_object_mut().expect("an object").remove(first);
        }
    }
    found.sort_by_key(|one| one["name"].to_string());
    found
}

#[test]
fn a_host_of_our_agent_says_of_this_machine_what_the_stock_agent_says() {
    let Some(programs) = programs() else { return };
    let (worker, folder) = (Worker::start(), folder("facts"));
    let key = key(&worker);
    configure(&worker, &key, &folder);
    let registered = worker.add_host("ours");
    let _agent = Agent::start(&worker, &registered, &folder.join("ours"));
    let _stock = run(programs, &folder);
    let get = |path: &str| worker.get_as(&format!("/api/v0{path}"), &[("X-Api-Key", key.as_str())]).json();
    let id = wait_until("the stock agent's id", Duration::from_secs(30), || {
        fs::read_to_string(folder.join("id")).ok().filter(|id| !id.is_empty())
    });
    let mut stock = wait_until("what the stock agent says", Duration::from_secs(30), || {
        let host = get(&format!("/hosts/{id}"))["host"].clone();
        host["meta"]["kernel"].is_object().then_some(host)
    });
    let mut ours = wait_until("what our agent says", Duration::from_mins(2), || {
        let host = get("/hosts?name=ours")["hosts"][0].clone();
        host["meta"]["kernel"]["version"].is_string().then_some(host)
    });

    // Set by the stock agent's configuration, not by the machine.
    stock.as_object_mut().expect("an object").remove("displayName");
    (stock["roles"], stock["status"]) = (ours["roles"].clone(), ours["status"].clone());
    // What lies behind a network or in a container's layers is none of ours: what is dead there would be waited for, and layers come and go.
    let kinds = kinds();
    let is_told = |device: &String| {
        let kind = kinds.get(device).map(String::as_str).unwrap_or_default();
        device.starts_with("/dev/") || ["tmpfs", "devtmpfs", "ext4", "xfs", "btrfs", "zfs"].contains(&kind)
    };
    let systems = stock["meta"]["filesystem"].as_object_mut().expect("an object");
    systems.retain(|device, _| is_told(device));
    assert!(!systems.is_empty());

    // The same keys, of the same types, all over the host; and its kind.
    let of_interfaces = |host: &Value| shape_of(&Value::from(interfaces(host)));
    assert_eq!(of_interfaces(&ours), of_interfaces(&stock));
    assert_eq!(interfaces(&ours), interfaces(&stock));
    for host in [&mut ours, &mut stock] {
        host.as_object_mut().expect("an object").remove("interfaces");
    }
    assert_eq!(shape_of(&ours), shape_of(&stock));
    for key in ["type", "size", "memo", "isRetired"] {
        assert_eq!(ours[key], stock[key], "{key}");
    }

    // The same values, where they are not of the moment or of the agent.
    for processors in [&mut ours, &mut stock].map(|host| &mut host["meta"]["cpu"]) {
        for one in processors.as_array_mut().expect("a list") {
            one["mhz"] = Value::Null;
        }
    }
    for key in ["kernel", "block_device", "cpu"] {
        assert_eq!(ours["meta"][key], stock["meta"][key], "{key}");
    }
    for key in ["total", "swap_total", "vmalloc_total", "commit_limit"] {
        assert_eq!(ours["meta"]["memory"][key], stock["meta"]["memory"][key], "{key}");
    }
    for (device, one) in stock["meta"]["filesystem"].as_object().expect("an object") {
        let own = &ours["meta"]["filesystem"][device];
        // Of several mounts in memory the stock agent tells of the last, ours of the first.
        let is_same = (&own["mount"], &own["kb_size"]) == (&one["mount"], &one["kb_size"]);
        assert!(is_same || !device.starts_with("/dev/"), "{device}: {own} {one}");
    }
    let name = ours["meta"]["agent-name"].as_str().expect("a name");
    assert!(name.starts_with("edgewatch-agent/") && name.contains(" (Revision "), "{name}");

    // mkr reads both.
    let mkr = Mkr { program: &programs.mkr, url: &worker.url, key: &key, folder: &folder };
    let listed = mkr.json(&["hosts", "--verbose"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed}");
    let shown = mkr.json(&["status", ours["id"].as_str().expect("an id")]);
    let own = worker.get_as("/api/v0/hosts?name=ours", &[("X-Api-Key", key.as_str())]).at("/hosts/0/interfaces");
    let addresses: Vec<&Value> = own.as_array().into_iter().flatten().map(|one| &one["ipAddress"]).collect();
    assert!(addresses.iter().all(|address| shown["ipAddresses"].to_string().contains(&address.to_string())), "{shown}");
}
