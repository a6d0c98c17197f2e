//! The document of this machine against the specification's shapes.

use serde_json::Value;

use super::schema::{inventory_problems, problems};
use super::*;
use crate::testing::wait_for;

const SAMPLE: &str = include_str!("../../../worker/core/samples/openitcockpit/result_linux.json");
const INVENTORY: &str = include_str!("../../../worker/core/samples/openitcockpit/inventory_debian.json");

const INTERVAL: Duration = Duration::from_secs(30);

fn every(is_wanted: bool) -> Groups {
    Groups {
        cpu: is_wanted,
        memory: is_wanted,
        swap: is_wanted,
        load: is_wanted,
        disks: is_wanted,
        disk_io: is_wanted,
        net_stats: is_wanted,
        net_io: is_wanted,
        processes: is_wanted,
        users: is_wanted,
        sensors: is_wanted,
        systemd: is_wanted,
        docker: is_wanted,
        ntp: is_wanted,
    }
}

fn sent(document: &Document) -> Value {
    serde_json::from_slice(&json(document)).unwrap()
}

#[test]
fn the_document_of_this_machine_has_every_group_and_the_shapes_of_the_specification() {
    let mut inspector = Inspector::new(every(true), INTERVAL);
    let begin = Instant::now();
    let first = sent(&inspector.cycle());
    assert!(begin.elapsed() >= FIRST_LOOK, "the processors were looked at for a second");
    for document in [first, sent(&inspector.cycle())] {
        assert_eq!(problems(&document), Vec::<String>::new());
        let names: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "agent",
                "cpu",
                "disk_io",
                "disks",
                "docker",
                "memory",
                "net_io",
                "net_stats",
                "ntp",
                "processes",
                "sensors",
                "swap",
                "system_load",
                "systemd_services",
                "users"
            ]
        );
        // What no machine of ours lacks, wherever the test runs.
        for name in ["agent", "cpu", "disks", "memory", "net_io", "processes", "swap", "system_load"] {
            assert!(document[name].get("error").is_none(), "{name}: {}", document[name]);
        }
        assert!(document["processes"].as_array().unwrap().len() > 1);
        assert_eq!(document["agent"]["check_interval"], 30);
    }
}

#[test]
fn the_document_is_read_back_as_it_was() {
    let document = Inspector::new(Groups { cpu: false, ..every(true) }, INTERVAL).cycle();
    let bytes = json(&document);
    assert_eq!(Document::read(std::str::from_utf8(&bytes).unwrap()).unwrap(), document);
}

#[test]
fn a_group_that_hangs_costs_itself_alone_and_comes_back() {
    let mut inspector = Inspector::new(Groups { cpu: false, ..every(true) }, INTERVAL);
    let (free, freed) = std::sync::mpsc::channel::<()>();
    inspector.patience.begin(Instant::now() + Duration::from_secs(20));
    let late = inspector.patience.ask(&inspector.interfaces, Duration::from_millis(20), move |(), _| {
        let _ = freed.recv();
        Ok(())
    });
    assert!(matches!(late, Err(Fault::Late(_))));
    let document = inspector.cycle();
    assert_eq!(
        document.net_stats.and_then(|group| group.error().map(str::to_owned)).unwrap(),
        "no answer since an earlier cycle"
    );
    assert!(document.processes.unwrap().value().is_some() && document.disks.unwrap().value().is_some());
    drop(free);
    wait_for("the group to come back", || inspector.cycle().net_stats.unwrap().value().is_some());
}

#[test]
fn groups_that_are_not_selected_are_not_there() {
    let document = sent(&Inspector::new(every(false), INTERVAL).cycle());
    assert_eq!(document.as_object().unwrap().keys().collect::<Vec<_>>(), ["agent"]);
}

#[test]
fn a_group_that_fails_is_an_error_and_one_that_is_not_wanted_is_nothing() {
    let failed = told(true, "users", || Err::<(), _>(Fault::Said("no".to_owned())));
    assert_eq!(failed, Some(Group::Failed("no".to_owned())));
    assert_eq!(told(false, "users", || Err::<(), _>(Fault::Skipped)), None);
}

#[test]
fn the_shapes_are_those_of_the_specifications_example() {
    let sample: Value = serde_json::from_str(SAMPLE).unwrap();
    assert_eq!(problems(&sample), Vec::<String>::new());
    for (group, key, wrong) in [
        ("memory", "total", Value::from(-1)),
        ("memory", "percent", Value::from(101)),
        ("ntp", "SyncStatus", Value::from(1)),
    ] {
        let mut changed = sample.clone();
        changed[group][key] = wrong;
        assert_eq!(problems(&changed).len(), 1, "{group}.{key}");
        changed[group].as_object_mut().unwrap().remove(key);
        assert_eq!(problems(&changed), [format!("{group}.{key} is missing")]);
    }
    let mut changed = sample;
    changed["users"][0]["more"] = Value::from(1);
    assert_eq!(problems(&changed), ["users[].more is unknown"]);
    assert_eq!(problems(&serde_json::json!({ "fans": [] })), ["fans is unknown"]);
    let inventory: Value = serde_json::from_str(INVENTORY).unwrap();
    assert_eq!(inventory_problems(&inventory), Vec::<String>::new());
    assert_eq!(inventory_problems(&serde_json::json!({})).len(), 10, "every key is missing");
}
