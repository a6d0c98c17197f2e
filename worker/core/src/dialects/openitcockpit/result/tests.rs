//! The document as agents send it, on every platform.

use serde_json::Value;

use super::*;

const LINUX: &str = include_str!("../../../../samples/openitcockpit/result_linux.json");
const WINDOWS: &str = include_str!("../../../../samples/openitcockpit/result_windows.json");
const MACOS: &str = include_str!("../../../../samples/openitcockpit/result_macos.json");
const ERRORS: &str = include_str!("../../../../samples/openitcockpit/result_errors.json");
const INVENTORY: &str = include_str!("../../../../samples/openitcockpit/inventory_debian.json");

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn written(document: &Document) -> Value {
    serde_json::to_value(document).unwrap()
}

fn of<T>(group: Option<&Group<T>>) -> &T {
    group.and_then(Group::value).expect("the group has a value")
}

#[test]
fn a_document_of_linux_is_read_and_written_as_it_was() {
    let document = Document::read(LINUX).unwrap();
    assert_eq!(written(&document), value(LINUX));
    let disk_io = &of(document.disk_io.as_ref())["sda"];
    assert_eq!(
        (disk_io.read_bytes, disk_io.read_iops_per_second, disk_io.load_percent),
        (12_195_970, 256, Float(3.08))
    );
    assert_eq!(of(document.processes.as_ref())[0].memory.resident_bytes(), 23_420_928);
    assert_eq!(of(document.customchecks.as_ref())["check_load"].rc, 0);
    let PackageManager::On(packages) = of(document.packagemanager.as_ref()) else { panic!("switched on") };
    assert_eq!(packages.stats.installed_packages, 795);
    let domain = &of(document.libvirt.as_ref())["1e6a8d99-471e-493a-8490-bf9eb5487951"];
    assert_eq!(domain.memory.unwrap().unused, 3_846_432);
    assert_eq!(domain.diskio.as_ref().unwrap()["vda"].path, "/var/lib/libvirt/images/vm1.qcow2");
}

#[test]
fn groups_and_their_keys_are_written_in_the_order_of_the_stock_agent() {
    let compact = LINUX.replace('\n', "");
    assert_eq!(serde_json::to_string(&Document::read(LINUX).unwrap()).unwrap(), compact);
}

#[test]
fn a_document_of_windows_is_read() {
    let document = Document::read(WINDOWS).unwrap();
    let errors: Vec<&str> =
        [document.swap.as_ref().and_then(Group::error), document.docker.as_ref().and_then(Group::error)]
            .into_iter()
            .flatten()
            .collect();
    assert_eq!(errors, ["Empty result from WMI", "Cannot connect to the Docker daemon"]);
    assert_eq!(of(document.disks.as_ref())[0].disk.opts, None);
    assert_eq!(
        of(document.net_io.as_ref())["Ethernet0"].bytes_recv,
        18_446_744_073_709_551_000,
        "beyond 2^53, exactly"
    );
    let process = &of(document.processes.as_ref())[0];
    assert_eq!((process.memory.resident_bytes(), process.status.as_ref()), (17_616_896, None));
    assert_eq!(of(document.windows_services.as_ref())[0].name, "Spooler");
    assert_eq!(of(document.windows_eventlog.as_ref())["System"][0].event_id, 7036);
    assert_eq!(of(document.packagemanager.as_ref()), &PackageManager::OFF);
}

#[test]
fn a_document_of_macos_is_read() {
    let document = Document::read(MACOS).unwrap();
    assert_eq!(of(document.ntp.as_ref()).offset, None);
    assert_eq!(of(document.net_stats.as_ref())["en0"], NetStats { isup: true, mtu: 1500, ..NetStats::default() });
    assert_eq!(of(document.sensors.as_ref()).temperatures, []);
    assert_eq!(of(document.launchd_services.as_ref())[0].label, "com.apple.trustd");
    let PackageManager::On(packages) = of(document.packagemanager.as_ref()) else { panic!("switched on") };
    assert!(packages.pending);
    assert_eq!(packages.stats.last_error, "");
}

#[test]
fn every_group_may_be_an_error() {
    let document = Document::read(ERRORS).unwrap();
    assert_eq!(written(&document), value(ERRORS));
    assert_eq!(document.users.unwrap().error(), Some("users: operation not permitted"));
}

#[test]
fn one_group_of_a_wrong_shape_costs_itself_alone() {
    let names: Vec<String> = value(ERRORS).as_object().unwrap().keys().cloned().collect();
    for name in &names {
        for wrong in ["5", "\"x\"", "[5]", "{\"a\":5}", "{}"] {
            let mut object = value(LINUX).as_object().unwrap().clone();
            object.insert(name.clone(), value(wrong));
            let document = Document::read(&Value::from(object).to_string()).unwrap();
            let other = if name == "memory" {
                written(&document)["swap"]["used"].clone()
            } else {
                written(&document)["memory"]["used"].clone()
            };
            assert!(other.is_u64(), "{name} {wrong}");
        }
    }
    let document = Document::read(r#"{"cpu":{"cpu_total_percentage":"high"},"users":null,"new":[1]}"#).unwrap();
    assert!(document.cpu.unwrap().error().is_some());
    assert_eq!(document.users, None);
}

#[test]
fn of_a_group_that_is_there_twice_the_last_one_counts() {
    let document = Document::read(r#"{"prometheus_exporters":["a"],"prometheus_exporters":["b"]}"#).unwrap();
    assert_eq!(of(document.prometheus_exporters.as_ref()), &["b"]);
}

#[test]
fn an_empty_document_and_one_that_is_an_error_are_read() {
    assert_eq!(Document::read("{}").unwrap(), Document::default());
    assert_eq!(Document::read(r#"{"error":"no"}"#).unwrap().error.as_deref(), Some("no"));
    assert!(Document::read("[]").is_err());
    assert!(Document::read("{").is_err());
}

#[test]
fn an_inventory_is_read_and_written_as_it_was() {
    let inventory = Inventory::read(INVENTORY).unwrap();
    assert_eq!(serde_json::to_value(&inventory).unwrap(), value(INVENTORY));
    assert_eq!(inventory.linux_updates[0].available_version, "7.88.1-10+deb12u12");
    let summary = serde_json::to_value(PackageManager::On(Box::new(inventory.summary()))).unwrap();
    assert_eq!(summary, value(LINUX)["packagemanager"]);
}

#[test]
fn an_inventory_with_nulls_is_read() {
    let inventory = Inventory::read(r#"{"Enabled":true,"Stats":{"LastError":null},"LinuxPackages":null}"#).unwrap();
    assert_eq!(inventory, Inventory { enabled: true, ..Inventory::default() });
}
