//! What agents checked, for who asks, and its alerts.

use serde_json::{Value, json};

use super::{Cockpit, LINUX, UUID, cycle, token};

fn checks(cockpit: &Cockpit) -> Value {
    let reply = cockpit.admin("GET", "/hosts/1/checks", &Value::Null);
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

fn with_check(number: u64, rc: i64, words: &str) -> String {
    let at = 1_776_842_100 + 30 * number;
    let checks = json!({ "check_disk": { "stdout": words, "rc": rc, "execution_unix_timestamp_sec": at } });
    with_checks(number, &checks.to_string())
}

fn with_checks(number: u64, checks: &str) -> String {
    let text = cycle(number);
    let (before, _) = text.split_once("\"customchecks\"").expect("the group");
    let rest = text.split_once("\"disk_io\"").expect("the next group").1;
    format!("{before}\"customchecks\":{checks},\"disk_io\"{rest}")
}

#[test]
fn the_last_result_is_shown_judged_and_as_it_came() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    let none = cockpit.admin("GET", "/hosts/1/checks", &Value::Null);
    assert_eq!(none.status, 404, "{}", none.body);
    assert_eq!(cockpit.submit(UUID, &password, LINUX).status, 200);
    let shown = checks(&cockpit);
    let expected: Value = serde_json::from_str(LINUX).expect("JSON");
    assert_eq!((&shown["results"], &shown["is_trimmed"], &shown["host"]), (&expected, &json!(false), &json!(1)));
    let all = shown["checks"].as_array().expect("a list");
    assert_eq!(all.len(), 21);
    let of = |group: &str| all.iter().filter(|check| check["group"] == json!(group)).cloned().collect::<Vec<_>>();
    assert_eq!(
        of("disks")[0],
        json!({ "group": "disks", "name": "/ used", "status": "OK", "value": 8.26, "unit": "%", "message": "" })
    );
    assert_eq!(of("customchecks")[0]["message"], json!("OK - load average: 0.10"));
    // The newest one, whatever D1 has.
    assert_eq!(cockpit.submit(UUID, &password, &cycle(1)).status, 200);
    assert_eq!(checks(&cockpit)["results"]["agent"]["system_uptime"], json!(86_453));
    // After the runtime's death the last one that was stored.
    cockpit.worker.kill();
    cockpit.worker.resume();
    assert_eq!(checks(&cockpit)["results"]["agent"]["system_uptime"], json!(86_423));
}

#[test]
fn who_may_read_hosts_may_read_their_checks() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    cockpit.submit(UUID, &password, LINUX);
    let reader = token(&cockpit.worker, &["read"]);
    for (who, status) in [(reader.as_str(), 200), (cockpit.key.as_str(), 403), ("", 401)] {
        let reply = cockpit.worker.get_as("/api/edgewatch/v1/hosts/1/checks", &[("Authorization", who)]);
        assert_eq!(reply.status, status, "{}", reply.body);
    }
    for path in ["/hosts/2/checks", "/hosts/x/checks", "/hosts/1/packages", "/hosts/-1/checks"] {
        assert_eq!(cockpit.admin("GET", path, &Value::Null).status, 404, "{path}");
    }
}

#[test]
fn a_check_that_fails_is_an_alert_until_it_is_good_again() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    let key = token(&cockpit.worker, &["read"]);
    let alerts = || cockpit.worker.get_as("/api/v0/alerts", &[("X-Api-Key", key.as_str())]).at("/alerts");
    let open = || {
        cockpit.worker.cron_at(u64::try_from(now_ms()).expect("past 1970"));
        alerts().as_array().expect("a list").clone()
    };
    assert_eq!(cockpit.submit(UUID, &password, &with_check(0, 0, "DISK OK")).status, 200);
    assert_eq!(open(), Vec::<Value>::new());
    assert_eq!(cockpit.submit(UUID, &password, &with_check(1, 2, "DISK CRITICAL - / is full | /=99%")).status, 200);
    let found = open();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["type"], &found[0]["status"]), (&json!("check"), &json!("CRITICAL")));
    assert_eq!(found[0]["message"], json!("DISK CRITICAL - / is full"));
    assert_eq!(cockpit.submit(UUID, &password, &with_check(2, 1, "DISK WARNING")).status, 200);
    assert_eq!(open()[0]["status"], json!("WARNING"));
    assert_eq!(cockpit.submit(UUID, &password, &with_check(3, 0, "DISK OK")).status, 200);
    assert_eq!(open(), Vec::<Value>::new());
    let listed = cockpit.worker.get_as("/api/v0/monitoring/checks", &[("X-Api-Key", key.as_str())]);
    assert_eq!(listed.at("/checks/0/name"), json!("check_disk"), "{}", listed.body);
}

#[test]
fn a_check_that_is_reported_no_more_ends_its_alert_and_leaves_the_lists() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    let key = token(&cockpit.worker, &["read"]);
    let listed = |path: &str| {
        cockpit.worker.cron_at(u64::try_from(now_ms()).expect("past 1970"));
        let name = path.rsplit('/').next().unwrap_or_default();
        let reply = cockpit.worker.get_as(path, &[("X-Api-Key", key.as_str())]);
        reply.at(&format!("/{name}")).as_array().map_or(0, Vec::len)
    };
    let open = || listed("/api/v0/alerts");
    let submit = |text: &str| assert_eq!(cockpit.submit(UUID, &password, text).status, 200);
    submit(&with_check(0, 2, "DISK CRITICAL"));
    assert_eq!((open(), listed("/api/v0/monitoring/checks")), (1, 1));
    // An agent that was just started has not run all of its checks; a group that is missing or has failed says nothing of them.
    let none = |number: u64, group: &str| with_checks(number, group);
    submit(&none(1, "{}"));
    cockpit.worker.set_clock_ahead(240_000);
    submit(&none(2, r#"{"error":"x"}"#));
    submit(&none(3, "{}"));
    assert_eq!((open(), listed("/api/v0/monitoring/checks")), (1, 1));
    cockpit.worker.set_clock_ahead(600_000);
    submit(r#"{"agent":{"system_uptime":90000}}"#);
    assert_eq!(open(), 1);
    let last = cockpit.submit(UUID, &password, &none(9, "{}"));
    assert_eq!((open(), listed("/api/v0/monitoring/checks")), (0, 0));
    assert!(last.cost().d1_rows_written <= 2, "{:?}", last.cost());
    let events = cockpit.admin("GET", "/events?limit=5", &Value::Null).body;
    assert!(events.contains("check_disk: the host no longer reports this check"), "{events}");
    // It may come back.
    submit(&with_check(10, 1, "DISK WARNING"));
    assert_eq!((open(), listed("/api/v0/monitoring/checks")), (1, 1));
}

fn now_ms() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970").as_millis()
}

#[test]
fn the_database_gets_a_result_when_a_check_changes_and_not_each_time() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    let stored = || {
        let found = cockpit.worker.sql("SELECT at_s FROM check_results WHERE kind = 'checkdata'");
        found["results"][0]["at_s"].as_i64().expect("a time")
    };
    cockpit.submit(UUID, &password, &with_check(0, 0, "OK"));
    let first = stored();
    cockpit.worker.set_clock_ahead(120_000);
    cockpit.submit(UUID, &password, &with_check(4, 0, "OK"));
    assert_eq!(stored(), first);
    cockpit.submit(UUID, &password, &with_check(5, 2, "bad"));
    assert!(stored() > first, "a check changed");
    let second = stored();
    cockpit.worker.set_clock_ahead(3_600_000 + 180_000);
    cockpit.submit(UUID, &password, &with_check(120, 2, "bad"));
    assert!(stored() > second, "an hour is over");
}

#[test]
fn a_host_that_pushes_no_more_is_offline_after_three_cycles() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    cockpit.submit(UUID, &password, &cycle(0));
    let begun_ms = u64::try_from(now_ms()).expect("past 1970");
    let minutes = |minute: i64| {
        cockpit.worker.set_clock_ahead(minute * 60_000);
        assert!(cockpit.worker.cron_at(begun_ms + u64::try_from(minute).expect("small") * 60_000));
        cockpit.worker.events("host_offline")
    };
    assert_eq!((minutes(0), minutes(1)), (0, 0));
    assert_eq!((2..=4).map(minutes).last(), Some(1));
    cockpit.submit(UUID, &password, &cycle(10));
    minutes(5);
    assert_eq!(cockpit.worker.events("host_online"), 1);
}
