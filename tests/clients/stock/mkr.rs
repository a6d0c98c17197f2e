//! mkr, command by command (specification, section 11).

use std::time::{SystemTime, UNIX_EPOCH};

use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::{Mkr, folder, key, programs};

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs()
}

/// The id in what `mkr create` printed.
fn id(printed: &str) -> String {
    let id = printed.split_whitespace().last().expect("an id");
    assert_eq!(id.len(), 11, "{printed}");
    id.to_owned()
}

fn with_mkr(name: &str, test: impl FnOnce(&Mkr<'_>, &Worker)) {
    let Some(programs) = programs() else { return };
    let (worker, folder) = (Worker::start(), folder(name));
    let key = key(&worker);
    test(&Mkr { program: &programs.mkr, url: &worker.url, key: &key, folder: &folder }, &worker);
}

#[test]
fn stock_mkr_makes_changes_lists_and_retires_hosts() {
    with_mkr("hosts", |mkr, worker| {
        worker.add_host("of nezha");
        let made = mkr.done(&["create", "--st", "standby", "-R", "My-Service:web", "--customIdentifier", "c/1", "new"]);
        let id = id(&made.replace("updated", "").lines().next().unwrap_or_default().replace("standby", ""));
        let status = mkr.json(&["status", &id]);
        assert_eq!((&status["name"], &status["status"]), (&json!("new"), &json!("standby")));
        let hosts = mkr.json(&["hosts"]);
        let names: Vec<&Value> = hosts.as_array().expect("a list").iter().map(|host| &host["name"]).collect();
        assert_eq!(names, [&json!("of nezha"), &json!("new")]);
        assert_eq!(mkr.json(&["hosts", "-s", "My-Service", "-r", "web"])[0]["id"], json!(id));
        assert_eq!(mkr.json(&["hosts", "-n", "nobody"]), json!([]));
        let change = [
            "update",
            "-n",
            "other",
            "--displayName",
            "Other",
            "--memo",
            "m",
            "-R",
            "My-Service:db",
            "-o",
            "--st",
            "working",
        ];
        mkr.done(&[change.as_slice(), &[id.as_str()]].concat());
        let status = mkr.json(&["status", "-v", &id]);
        assert_eq!(
            (&status["name"], &status["status"], &status["memo"]),
            (&json!("other"), &json!("working"), &json!("m"))
        );
        assert_eq!(status["roles"], json!({ "My-Service": ["db"] }), "{status}");
        mkr.done(&["retire", "--force", &id]);
        assert_eq!(mkr.json(&["status", &id])["isRetired"], true);
        let (is_done, text) = mkr.run(&["status", "2eQGEaLxiYU"], "");
        assert!(!is_done && text.contains("Host Not Found."), "{text}");
    });
}

#[test]
fn stock_mkr_throws_and_fetches_metrics() {
    with_mkr("metrics", |mkr, _| {
        let host = id(&mkr.done(&["create", "-R", "My-Service:web", "one"]));
        let at_s = now_s();
        let (is_done, text) =
            mkr.run(&["throw", "-H", &host], &format!("dice.d6\t4\t{at_s}\ndice.d20\t19.5\t{at_s}\n"));
        assert!(is_done, "{text}");
        assert_eq!(mkr.json(&["metric-names", "-H", &host]), json!(["custom.dice.d20", "custom.dice.d6"]));
        let latest = mkr.json(&["fetch", "-n", "custom.dice.d20", "-n", "loadavg5", &host]);
        assert_eq!(latest[&host], json!({ "custom.dice.d20": { "time": at_s, "value": 19.5 }, "loadavg5": null }));
        assert_eq!(mkr.json(&["metrics", "-H", &host, "-n", "custom.dice.d6"]), json!([{ "time": at_s, "value": 4 }]));
        let (is_done, text) = mkr.run(&["throw", "-s", "My-Service"], &format!("visits\t7\t{at_s}\n"));
        assert!(is_done, "{text}");
        assert_eq!(mkr.json(&["metrics", "-s", "My-Service", "-n", "visits"]), json!([{ "time": at_s, "value": 7 }]));
        assert_eq!(mkr.json(&["metric-names", "-s", "My-Service"]), json!(["visits"]));
        let (is_done, text) = mkr.run(&["metrics", "-H", &host, "-n", "loadavg5"], "");
        assert!(!is_done && text.contains("Metric Not Found."), "{text}");
    });
}

#[test]
fn stock_mkr_shows_the_organization_its_people_and_services() {
    with_mkr("people", |mkr, _| {
        mkr.done(&["create", "-R", "My-Service:web", "one"]);
        assert_eq!(mkr.json(&["org"]), json!({ "name": "edgewatch" }));
        assert_eq!(mkr.json(&["services"]), json!([{ "name": "My-Service", "memo": "", "roles": ["web"] }]));
        assert_eq!(mkr.json(&["users"])[0]["authority"], "owner");
    });
}
