//! One fleet, every dialect: hosts of others are seen here, and hosts of this one elsewhere.

use edgewatch_harness::golden::Volatile;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::{Mackerel, key};

const AGENT_META: &str = include_str!("../../worker/core/samples/mackerel/meta.json");

/// What Nezha shows of the host of a name.
fn nezha(worker: &Worker, name: &str) -> Value {
    let details = worker.get("/api/v1/server/details").at("/result");
    let found = details.as_array().and_then(|all| all.iter().find(|server| server["name"] == name).cloned());
    found.unwrap_or_else(|| panic!("no {name} in {details}"))
}

#[test]
fn a_host_of_another_dialect_is_whole_here_and_may_be_sent_back() {
    let worker = Worker::start();
    let host = worker.add_host("native");
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": 1, "period_s": 10,
        "host": {
            "platform": "debian", "platform_version": "12.11", "arch": "x86_64", "virtualization": "kvm", "kernel": "6.1.0",
            "cpu": ["AMD EPYC 2 Virtual Core"], "gpu": [], "mem_total_bytes": 4_294_967_296_u64, "swap_total_bytes": 0,
            "disk_total_bytes": 1, "booted_at_s": 1, "addresses": "198.51.100.7/2001:db8::7"
        },
        "samples": [{ "number": 1, "at_ms": 0, "cpu_percent": 1 }]
    });
    let bearer = format!("Bearer {}", host.secret);
    assert_eq!(worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string()).status, 200);
    // What the hub has comes to the database with its flush.
    assert!(worker.cron_at(u64::try_from(now_ms()).expect("a time")));
    let key = key(&worker, &["read", "write"]);
    let mackerel = Mackerel { worker, key };
    let listed = mackerel.call("GET", "/hosts", "");
    let volatile = [("hosts[].id", Volatile::Id), ("hosts[].createdAt", Volatile::UnixSeconds)];
    listed.assert_golden_but("mackerel/hosts.native", &volatile);

    let before = listed.at("/hosts/0");
    let id = before["id"].as_str().expect("an id").to_owned();
    mackerel.done("PUT", &format!("/hosts/{id}"), &before);
    assert_eq!(mackerel.show(&id), before);
    let said = json!({ "name": "renamed", "meta": before["meta"], "memo": "m", "roleFullnames": ["Svc:role"] });
    mackerel.done("PUT", &format!("/hosts/{id}"), &said);
    let after = mackerel.show(&id);
    assert_eq!((&after["memo"], &after["meta"]), (&json!("m"), &before["meta"]));
    assert_eq!(nezha(&mackerel.worker, "renamed")["host"]["Platform"], json!("debian"), "what it says itself stays");
}

fn now_ms() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_millis()
}

#[test]
fn a_mackerel_host_is_in_nezhas_lists_with_what_its_meta_says() {
    let mackerel = Mackerel::start();
    let meta: Value = serde_json::from_str(AGENT_META).expect("JSON");
    let id = mackerel.make(&json!({ "name": "web01", "meta": meta, "roleFullnames": ["Svc:web", "Db:main"] }));
    let server = nezha(&mackerel.worker, "web01");
    assert_eq!(server["tag"], json!("Db"), "the first service");
    let host = &server["host"];
    assert_eq!((&host["Platform"], &host["PlatformVersion"]), (&json!("debian"), &json!("12.11")));
    assert_eq!((&host["CPU"], &host["Arch"]), (&json!(["AMD EPYC 2 Virtual Core"]), &json!("x86_64")));
    assert_eq!((&host["MemTotal"], &host["Version"]), (&json!(24_684_096_u64 * 1024), &json!("0.87.1")));

    let mut upgraded = meta.clone();
    upgraded["kernel"]["platform_version"] = json!("13.0");
    upgraded["memory"]["total"] = json!("1024kB");
    let put = json!({ "name": "web02", "meta": upgraded });
    mackerel.done("PUT", &format!("/hosts/{id}"), &put);
    let server = nezha(&mackerel.worker, "web02");
    assert_eq!((&server["host"]["PlatformVersion"], &server["host"]["MemTotal"]), (&json!("13.0"), &json!(1_048_576)));

    mackerel.done("PUT", &format!("/hosts/{id}/role-fullnames"), &json!({ "roleFullnames": ["Svc:web"] }));
    assert_eq!(nezha(&mackerel.worker, "web02")["tag"], json!("Svc"), "its group follows");

    let bare = mackerel.host("bare");
    assert_eq!(nezha(&mackerel.worker, "bare")["tag"], json!(""));
    mackerel.done("POST", &format!("/hosts/{bare}/retire"), &Value::Null);
    let left = mackerel.worker.get("/api/v1/server/list").at("/result");
    assert_eq!(left.as_array().map(Vec::len), Some(1), "the hub was told");
}

#[test]
fn guests_do_not_see_a_new_mackerel_host() {
    let mackerel = Mackerel::start();
    mackerel.host("nobodys-business");
    let body = json!({ "guest_view": "status" }).to_string();
    let headers = [("Authorization", mackerel.worker.token.as_str())];
    let set = mackerel.worker.request("PATCH", "/api/edgewatch/v1/settings", &headers, &body);
    assert_eq!(set.status / 100, 2, "{}", set.body);
    let page = mackerel.worker.get_as("/", &[]);
    assert!(page.status == 200 && !page.body.contains("nobodys-business"), "hidden, as registered hosts are");
}

#[test]
fn a_name_that_is_no_name_is_shown_as_the_id() {
    let worker = Worker::start();
    let cookie = worker.cookie();
    let made = worker.post("/api/server", &[("Cookie", &cookie)], r#"{"Name":"x","DDNSProfilesRaw":"[]"}"#);
    assert_eq!(made.at("/code"), json!(200), "{}", made.body);
    worker.sql("UPDATE hosts SET name = ''");
    let key = key(&worker, &["read", "write"]);
    let mackerel = Mackerel { worker, key };
    let host = mackerel.get("/hosts")["hosts"][0].clone();
    assert_eq!(host["name"], host["id"]);
}
