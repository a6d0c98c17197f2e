//! What agents checked, for who asks, and its alerts.

use edgewatch_harness::objects::Sockets;
use edgewatch_harness::worker::Worker;
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
    // The newest one, whatever D1 has, and after sleep and death too.
    assert_eq!(cockpit.submit(UUID, &password, &cycle(1)).status, 200);
    let uptime = || checks(&cockpit)["results"]["agent"]["system_uptime"].clone();
    assert_eq!(uptime(), json!(86_453));
    cockpit.worker.evict("Hub", "hub-0", Sockets::Hibernate);
    assert_eq!(uptime(), json!(86_453));
    assert_eq!(cockpit.submit(UUID, &password, &cycle(2)).status, 200);
    cockpit.worker.kill();
    cockpit.worker.resume();
    assert_eq!(uptime(), json!(86_483));
}

#[test]
fn what_was_answered_is_read_while_its_host_moves_to_another_shard_and_after() {
    let folder = std::env::temp_dir().join(format!("edgewatch-openitcockpit-{}", std::process::id()));
    let data = folder.join("data");
    let mut cockpit = Cockpit::over(Worker::builder().persist(&data).start());
    let agents: Vec<(String, String)> = (0..4)
        .map(|number| format!("agent-{number}"))
        .map(|uuid| {
            let password = cockpit.registered(&uuid);
            assert_eq!(cockpit.submit(&uuid, &password, &cycle(0)).status, 200);
            assert_eq!(cockpit.submit(&uuid, &password, &cycle(1)).status, 200);
            (uuid, password)
        })
        .collect();
    let uptimes = |cockpit: &Cockpit| -> Vec<i64> {
        (1..=agents.len())
            .map(|id| {
                let reply = cockpit.admin("GET", &format!("/hosts/{id}/checks"), &Value::Null);
                assert_eq!(reply.status, 200, "{}", reply.body);
                reply.at("/results/agent/system_uptime").as_i64().expect("a number")
            })
            .collect()
    };
    let (first, second, third) = (86_423, 86_453, 86_483);
    assert_eq!(uptimes(&cockpit), [second; 4]);
    for (shards, newest) in [(3, second), (1, third)] {
        let (token, key) = (cockpit.worker.token.clone(), cockpit.key.clone());
        drop(cockpit);
        let builder = Worker::builder().persist(&data).token(&token).var("HUB_SHARDS", &shards.to_string());
        cockpit = Cockpit { worker: builder.start(), key };
        // Until it was handed over, a new shard knows what D1 does.
        assert!(uptimes(&cockpit).iter().all(|uptime| [first, newest].contains(uptime)), "{:?}", uptimes(&cockpit));
        for minute in 1..=4 {
            assert!(cockpit.worker.cron_at(u64::try_from(now_ms()).expect("past 1970") + minute * 60_000));
        }
        assert_eq!(uptimes(&cockpit), [newest; 4], "{shards} shards");
        for (uuid, password) in &agents {
            assert_eq!(cockpit.submit(uuid, password, &cycle(2)).status, 200);
        }
        assert_eq!(uptimes(&cockpit), [third; 4], "{shards} shards");
    }
    drop(cockpit);
    let _ = std::fs::remove_dir_all(folder);
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
fn the_database_gets_a_result_now_and_then_whatever_checks_do() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    let stored = || {
        let found = cockpit.worker.sql("SELECT at_s FROM check_results WHERE kind = 'checkdata'");
        found["results"][0]["at_s"].as_i64().expect("a time")
    };
    cockpit.submit(UUID, &password, &with_check(0, 0, "OK"));
    let first = stored();
    for (number, rc) in [(4, 0), (5, 2), (6, 0)] {
        cockpit.worker.set_clock_ahead(i64::from(rc) * 1_000 + 3_600_000 * i64::try_from(number - 3).expect("small"));
        cockpit.submit(UUID, &password, &with_check(number, rc.into(), "x"));
        assert_eq!(stored(), first);
    }
    cockpit.worker.set_clock_ahead(6 * 3_600_000 + 60_000);
    cockpit.submit(UUID, &password, &with_check(700, 0, "OK"));
    assert!(stored() > first);
}

#[test]
fn two_machines_that_push_as_one_are_heard_and_flagged_to_administrators() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    let another = cockpit.registered("another");
    let flagged = || {
        let all = cockpit.agents();
        let of = |uuid: &str| all.iter().find(|one| one["uuid"] == json!(uuid)).expect("it")["cloned_at_s"].clone();
        (of(UUID), of("another"))
    };
    // One was started a day after the other. Both are well, and so is the machine that was started again.
    let copy = |number: u64| cycle(number).replace("\"system_uptime\":86", "\"system_uptime\":2");
    for (number, text) in [(0, cycle(0)), (1, copy(1)), (2, copy(2))] {
        assert_eq!(cockpit.submit("another", &another, &text).status, 200, "{number}");
    }
    for (number, text) in [(0, cycle(0)), (1, copy(1))] {
        assert_eq!(cockpit.submit(UUID, &password, &text).status, 200, "{number}");
    }
    assert_eq!((flagged(), cockpit.worker.events("duplicate_machine")), ((Value::Null, Value::Null), 0));
    // A sleeping hub knows them again.
    cockpit.worker.evict("Hub", "hub-0", Sockets::Hibernate);
    let third = cockpit.submit(UUID, &password, &cycle(2).replace("86483", "86424"));
    assert_eq!((third.status, third.cost().d1_rows_written), (200, 1));
    let (cloned, other) = flagged();
    assert!(cloned.as_i64().is_some_and(|at_s| i64::try_from(now_ms() / 1000).expect("a few centuries") - at_s < 60));
    assert_eq!(other, Value::Null);
    for number in 3..6 {
        let text = if number % 2 == 1 { copy(number) } else { cycle(2).replace("86483", "86425") };
        let again = cockpit.submit(UUID, &password, &text);
        assert_eq!((again.status, again.cost().d1_rows_written), (200, 0), "not each time");
    }
    cockpit.worker.cron_at(u64::try_from(now_ms()).expect("past 1970"));
    assert_eq!(cockpit.worker.events("duplicate_machine"), 1);
}

#[test]
fn machines_that_were_started_together_are_told_apart_by_their_addresses() {
    let cockpit = Cockpit::start();
    let password = cockpit.registered(UUID);
    let key = format!("X-OITC-API {}", cockpit.key);
    for (number, address) in (0..).zip(["203.0.113.7", "198.51.100.9", "203.0.113.7"]) {
        let headers = [("Authorization", key.as_str()), ("CF-Connecting-IP", address)];
        let body = crate::envelope(UUID, &password, &cycle(0).replace("86423", &(86_423 + number).to_string()));
        assert_eq!(cockpit.worker.request("POST", crate::SUBMIT, &headers, &body).status, 200);
    }
    assert!(cockpit.agents()[0]["cloned_at_s"].is_i64(), "{:?}", cockpit.agents());
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
    let later: Vec<u64> = (2..=4).map(minutes).collect();
    assert_eq!(later.last(), Some(&1));
    cockpit.submit(UUID, &password, &cycle(10));
    minutes(5);
    assert_eq!(cockpit.worker.events("host_online"), 1);
}
