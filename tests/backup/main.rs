//! A deployment is backed up, wiped and restored: what anybody can read is the same, agents go on with their secrets, and no sample is
//! lost or there twice. Files that are not whole, and deployments that are not empty, are refused with nothing changed.

mod file;
mod refused;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use edgewatch_harness::fleet::{Fleet, Options, stored};
use edgewatch_harness::folder::Folder;
use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

/// What passes at once: less than the silence after which a host counts as offline.
const STEP: Duration = Duration::from_secs(20);
const STEPS_PER_MINUTE: u32 = 3;
/// How long answers may take in real time.
const PATIENCE: Duration = Duration::from_secs(20);

/// `scripts/backup` or `scripts/restore` as a user runs it.
///
/// # Panics
/// When it does not run.
pub fn script(name: &str, worker: &Worker, token: &str, file: &Path) -> Output {
    let program = format!("{}/../scripts/{name}", env!("CARGO_MANIFEST_DIR"));
    let url = format!("http://{}", worker.address());
    let done = Command::new(program).args(["--url", &url]).arg(file).env("EDGEWATCH_TOKEN", token).output();
    done.expect("the script runs")
}

/// What it said, when it must have gone well.
fn good(done: &Output) -> String {
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
    said
}

fn pass(fleet: &mut Fleet, worker: &Worker, minutes: u32) {
    for _ in 0..minutes {
        for _ in 0..STEPS_PER_MINUTE {
            fleet.advance(worker, STEP, PATIENCE);
        }
        assert!(worker.cron_at(u64::try_from(fleet.now().wall_ms).expect("past 1970")), "the schedule failed");
    }
}

fn post(worker: &Worker, path: &str, body: &Value) -> Value {
    let reply = worker.post(path, &[("Authorization", &worker.token)], &body.to_string());
    assert!((200..300).contains(&reply.status), "{path}: {} {}", reply.status, reply.body);
    if reply.body.is_empty() { Value::Null } else { reply.at("") }
}

fn ask(worker: &Worker, token: &str, path: &str) -> Reply {
    worker.get_as(path, &[("Authorization", token)])
}

/// Everything that people make, each of it at least once.
fn furnish(worker: &Worker) -> String {
    post(
        worker,
        "/api/edgewatch/v1/users",
        &json!({ "username": "vera", "role": "viewer", "password": "a long password" }),
    );
    let token = post(worker, "/api/edgewatch/v1/tokens", &json!({ "scopes": ["read"], "note": "reads" }));
    post(
        worker,
        "/api/edgewatch/v1/channels",
        &json!({ "name": "ops", "kind": "webhook", "url": "https://hooks.example.com/very-secret" }),
    );
    let probe = json!({ "name": "front", "kind": "tcp", "target": "192.0.2.1:80", "interval_s": 60 });
    post(worker, "/api/edgewatch/v1/probes", &probe);
    let changed = worker.request(
        "PATCH",
        "/api/edgewatch/v1/settings",
        &[("Authorization", &worker.token)],
        &json!({ "guest_view": "status", "heartbeat_url": "https://beat.example.com/also-secret", "heartbeat_interval_s": 300 }).to_string(),
    );
    assert_eq!(changed.status, 200, "{}", changed.body);
    // Doubles that a short text would not hold, and bytes; nothing else makes them in so short a time.
    worker.sql("INSERT INTO history (host_id, tier, slot, block_no, samples, start_ms, end_ms, data) VALUES (1, 2, 900001, 900001, 7, 1, 2, x'00ff10')");
    worker.sql(
        "INSERT INTO events (key, kind, at_s, text, value) VALUES ('00000000001', 'news', 5, 'it''s \"odd\" \u{e4}\u{2028}\u{85}', 0.1 + 0.2), \
         ('00000000002', 'news', 5, 'small', 1.2345678901234567e-300), ('00000000003', 'news', 5, 'large', 9007199254740991)",
    );
    token["token"].as_str().expect("a token").to_owned()
}

/// Every read that people have, by path. What tells the time of the answer is left out.
fn reads(worker: &Worker, token: &str, hosts: &[TestHost], to_s: i64) -> BTreeMap<String, Value> {
    let ids = hosts.iter().map(|host| host.id.to_string()).collect::<Vec<_>>().join(",");
    let series = |hours: i64, points: u32, metrics: &str| {
        let from = to_s - hours * 3600;
        format!("/api/edgewatch/v1/series?hosts={ids}&metrics={metrics}&from={from}&to={to_s}&points={points}")
    };
    let paths = [
        "/api/v1/server/list".to_owned(),
        "/api/edgewatch/v1/users".to_owned(),
        "/api/edgewatch/v1/tokens".to_owned(),
        "/api/edgewatch/v1/channels".to_owned(),
        "/api/edgewatch/v1/rules".to_owned(),
        "/api/edgewatch/v1/alerts".to_owned(),
        "/api/edgewatch/v1/events".to_owned(),
        "/api/edgewatch/v1/probes".to_owned(),
        "/api/edgewatch/v1/settings".to_owned(),
        series(1, 360, "cpu_percent,mem_used_bytes"),
        series(24, 200, "cpu_percent,load1"),
        series(24 * 30, 100, "cpu_percent"),
        series(24 * 365, 100, "cpu_percent"),
    ];
    let read = |path: String| {
        let reply = ask(worker, token, &path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        let mut value = reply.at("");
        tidy(&mut value);
        (path, value)
    };
    paths.into_iter().map(read).collect()
}

/// Leaves out what an answer says of the moment it was given.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in ["last_use_s", "last_active", "now_s", "now_ms"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn start(shards: u32) -> Worker {
    Worker::builder().var("HUB_SHARDS", &shards.to_string()).capture_outbound().start()
}

/// Nothing that was called durable is missing, nothing is there twice.
fn assert_whole(fleet: &Fleet, worker: &Worker, shards: u32) {
    let verdict = stored::check(fleet, &stored::read(worker, shards));
    assert_eq!((verdict.lost, verdict.twice), (0, 0), "{verdict:?}\n{}", worker.log());
    assert!(verdict.acknowledged > 0);
}

/// The agents find the deployment at another address.
fn move_to(fleet: &mut Fleet, worker: &Worker) {
    worker.address().clone_into(&mut fleet.options.address);
    fleet.set_worker_clock(worker);
    fleet.settle(PATIENCE);
}

#[test]
fn everything_is_there_again_and_agents_go_on() {
    let folder = Folder::new("whole");
    let file = folder.0.join("first.backup");
    let first = start(1);
    let hosts = first.add_hosts("host", 5);
    let reader = furnish(&first);
    let mut fleet = Fleet::new(&hosts[..4], Options::of(&first));
    pass(&mut fleet, &first, 8);
    // One of them reports by requests, and then falls silent.
    let sent_ms = fleet.now().wall_ms;
    let report = json!({
        "agent_version": "0.1.0", "sent_at_ms": sent_ms, "oldest": 1, "period_s": 10,
        "samples": [{ "number": 1, "at_ms": sent_ms, "load1": 1.5 }]
    });
    let bearer = format!("Bearer {}", hosts[4].secret);
    assert_eq!(first.post("/agent/v1/reports", &[("Authorization", &bearer)], &report.to_string()).status, 200);
    pass(&mut fleet, &first, 5);
    assert_eq!(first.events("host_offline"), 1);

    let said = good(&script("backup", &first, &first.token, &file));
    assert!(!said.contains(&first.token), "{said}");
    let to_s = fleet.now().wall_ms / 1000 + 60;
    let before = reads(&first, &first.token, &hosts, to_s);
    assert!(before.values().all(|value| !value.is_null()));
    assert_whole(&fleet, &first, 1);
    let contents = file::read(&file);
    file::assert_holds_no_secrets(
        &contents,
        &[&first.token, &reader, &hosts[0].secret, "very-secret", "also-secret", "a long password"],
    );
    let (admin, mode) = (first.token.clone(), file::mode(&file));
    assert_eq!(mode, 0o600);
    drop(first);
    fleet.pass(STEP);
    fleet.pump(Duration::from_millis(2));

    // Another deployment with the same key, which a restore into broke off once.
    let second = start(1);
    let stranger = second.token.clone();
    fleet.set_worker_clock(&second);
    let head = contents[0].to_string();
    let begun = second.post("/api/edgewatch/v1/restore", &[("Authorization", &stranger)], &head);
    assert_eq!(begun.status, 200, "{}", begun.body);
    let page = contents.iter().find(|line| line["part"] == "hub-0").expect("a page of the hub");
    let sent = second.post(
        "/api/edgewatch/v1/restore/hub-0/1",
        &[("Authorization", &stranger)],
        &page["tables"][0].to_string(),
    );
    assert_eq!(sent.status, 204, "{}", sent.body);
    let listed = second.get("/api/v1/server/list").at("/result");
    assert!(listed.as_array().is_none_or(Vec::is_empty), "nothing of it is seen: {listed}");
    let said = good(&script("restore", &second, &stranger, &file));
    assert!(said.contains("restored"), "{said}");
    assert_eq!(ask(&second, &stranger, "/api/edgewatch/v1/tokens").status, 401, "who restored it is nobody here");

    let after = reads(&second, &admin, &hosts, to_s);
    for (path, value) in &before {
        assert_eq!(&after[path], value, "{path}");
    }
    assert_eq!(
        ask(&second, &reader, "/api/edgewatch/v1/series?hosts=1&metrics=load1&from=0&to=60&points=1").status,
        200
    );
    assert_eq!(ask(&second, &reader, "/api/edgewatch/v1/users").status, 403);
    let login = json!({ "username": "vera", "password": "a long password" }).to_string();
    assert!((200..300).contains(&second.post("/api/edgewatch/v1/session", &[], &login).status));

    // Row by row: what is written of a backup again is what was restored.
    let again = folder.0.join("second.backup");
    good(&script("backup", &second, &admin, &again));
    file::assert_same_rows(&contents, &file::read(&again));

    move_to(&mut fleet, &second);
    pass(&mut fleet, &second, 4);
    assert_whole(&fleet, &second, 1);
    assert_eq!(fleet.counters().renumbered, 0);
    assert!(fleet.counters().refused.is_empty(), "{:?}", fleet.counters());
    let listed = ask(&second, &admin, "/api/v1/server/list").at("/result");
    assert_eq!(listed.as_array().map(Vec::len), Some(5));
    // Numbers are never given twice.
    let added = second.post("/api/v1/server/register", &[("Authorization", &admin)], r#"{"Name":"newest"}"#);
    assert_eq!(added.status, 200, "{}", added.body);
    let newest = second.sql("SELECT max(id) AS id FROM hosts");
    assert_eq!(newest["results"][0]["id"], json!(6), "{newest}");
}

#[test]
fn a_backup_goes_into_another_number_of_shards() {
    let folder = Folder::new("shards");
    let file = folder.0.join("a.backup");
    let mut worker = start(2);
    let mut token = worker.token.clone();
    let hosts = worker.add_hosts("host", 8);
    let mut fleet = Fleet::new(&hosts, Options::of(&worker));
    pass(&mut fleet, &worker, 4);
    for (shards, objects) in [(3, 3), (1, 3)] {
        good(&script("backup", &worker, &token, &file));
        drop(worker);
        fleet.pass(STEP);
        fleet.pump(Duration::from_millis(2));
        worker = start(shards);
        fleet.set_worker_clock(&worker);
        good(&script("restore", &worker, &worker.token, &file));
        token.clone_into(&mut worker.token);
        move_to(&mut fleet, &worker);
        pass(&mut fleet, &worker, 7);
        assert_whole(&fleet, &worker, objects);
        assert_eq!(worker.events("host_offline"), 0);
        let held = (0..objects).map(|index| {
            let rows = worker.object_sql("Hub", &format!("hub-{index}"), "SELECT host_id FROM hosts");
            assert_eq!(rows.is_empty(), index >= shards, "hub-{index} of {shards}: {rows:?}");
            rows.len()
        });
        assert_eq!(held.sum::<usize>(), hosts.len());
    }
    token.clear();
}
