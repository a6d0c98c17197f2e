//! mkr, command by command (specification, section 11).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgewatch_harness::wait::wait_until;
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

#[test]
fn stock_mkr_pulls_and_pushes_monitors() {
    with_mkr("monitors", |mkr, _| {
        mkr.done(&["create", "-R", "My-Service:web", "one"]);
        let first = mkr.json(&["monitors"]);
        assert_eq!((&first[0]["type"], first.as_array().map(Vec::len)), (&json!("connectivity"), Some(1)));
        mkr.done(&["monitors", "pull"]);
        assert!(mkr.done(&["monitors", "diff"]).contains("0 modify, 0 append, 0 remove"));
        let load = json!({
            "type": "host", "name": "load", "metric": "loadavg5", "operator": ">", "warning": 4, "critical": 8, "duration": 3,
            "scopes": ["My-Service"]
        });
        let connectivity = json!({ "type": "connectivity", "name": "connectivity", "alertStatusOnGone": "WARNING" });
        let page = json!({
            "type": "external", "name": "page", "url": "https://example.com/", "method": "POST", "requestBody": "a=1",
            "headers": [{ "name": "Authorization", "value": "Bearer sesame" }], "followRedirect": true, "expectedStatusCode": 204
        });
        let wanted = json!({ "monitors": [connectivity, load, page] }).to_string();
        std::fs::write(mkr.folder.join("wanted.json"), wanted).expect("the folder is ours");
        mkr.done(&["monitors", "push", "-F", "wanted.json"]);
        let pushed = mkr.json(&["monitors"]);
        assert_eq!((&pushed[0]["id"], &pushed[0]["alertStatusOnGone"]), (&first[0]["id"], &json!("WARNING")));
        let (external, load) = (&pushed[1], &pushed[2]);
        assert_eq!((&load["name"], &load["critical"]), (&json!("load"), &json!(8)));
        for (key, value) in page.as_object().expect("an object") {
            assert_eq!(external[key], *value, "what is sent along comes back too");
        }
        mkr.done(&["monitors", "pull", "-F", "pulled.json"]);
        assert!(mkr.done(&["monitors", "diff", "-F", "pulled.json"]).contains("0 modify, 0 append, 0 remove"));
        mkr.done(&["monitors", "push", "-F", "monitors.json"]);
        assert_eq!(mkr.json(&["monitors"]), first, "as it was pulled");
    });
}

#[test]
fn stock_mkr_reports_a_job_that_fails_and_closes_its_alert() {
    with_mkr("alerts", |mkr, _| {
        let host = id(&mkr.done(&["create", "-R", "My-Service:web", "one"]));
        let (is_done, text) =
            mkr.run(&["wrap", "-H", &host, "-n", "job", "-a", "--", "sh", "-c", "echo bad; exit 2"], "");
        assert!(!is_done && !text.contains("failed to post"), "{text}");
        let alerts = wait_until("the alert", Duration::from_secs(20), || {
            let alerts = mkr.json(&["alerts"]);
            alerts.as_array().is_some_and(|all| !all.is_empty()).then_some(alerts)
        });
        let alert = alerts[0]["id"].as_str().expect("an id");
        assert_eq!((&alerts[0]["type"], &alerts[0]["status"]), (&json!("check"), &json!("CRITICAL")));
        let listed = mkr.done(&["alerts", "list"]);
        assert!(listed.contains(alert) && listed.contains("My-Service:web"), "{listed}");
        assert_eq!(mkr.json(&["alerts", "logs", alert])[0]["trigger"], "monitoring");
        mkr.done(&["alerts", "close", "-r", "mended", alert]);
        assert_eq!(mkr.json(&["alerts"]), json!([]));
        let closed = mkr.json(&["alerts", "-w"]);
        assert_eq!((&closed[0]["id"], &closed[0]["status"]), (&json!(alert), &json!("OK")));
    });
}

#[test]
fn stock_mkr_keeps_annotations_and_lists_what_else_there_is() {
    with_mkr("annotations", |mkr, _| {
        mkr.done(&["create", "-R", "My-Service:web", "one"]);
        let at = now_s().to_string();
        let span = ["--from", &at, "--to", &at, "--service", "My-Service"];
        let made = mkr.json(&[&["annotations", "create", "--title", "deploy"], &span[..]].concat());
        let id = made["id"].as_str().expect("an id");
        mkr.json(&[&["annotations", "update", "--id", id, "--title", "rollback"], &span[..]].concat());
        let listed = mkr.json(&["annotations", "list", "--from", &at, "--to", &at, "--service", "My-Service"]);
        assert_eq!((&listed[0]["title"], listed.as_array().map(Vec::len)), (&json!("rollback"), Some(1)));
        mkr.json(&["annotations", "delete", "--id", id]);
        assert_eq!(mkr.json(&["channels"]), json!([]));
        assert_eq!(mkr.json(&["aws-integrations"]), json!([]));
    });
}
