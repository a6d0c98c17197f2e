//! `POST /api/alert-rule`, and what its rules do.

use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

/// A Worker that keeps what it sends out, with a channel, and the cookie of an administrator.
fn start() -> (Worker, String) {
    let worker = Worker::builder().without_admin().capture_outbound().start();
    let body = json!({ "token": worker.setup_link(), "username": "admin" }).to_string();
    let setup = worker.post("/api/edgewatch/v1/setup", &[], &body);
    let cookie = setup.header("set-cookie").expect("setup opens a session");
    let value = cookie.split(['=', ';']).nth(1).expect("the cookie has a value");
    let jar = format!("nezha-dashboard={value}");
    let channel = json!({ "name": "ops", "kind": "webhook", "url": "https://hooks.example.com/x" }).to_string();
    let made = worker.post("/api/edgewatch/v1/channels", &native(&jar), &channel);
    assert_eq!(made.status, 201, "{}", made.body);
    (worker, jar)
}

fn native(jar: &str) -> [(&str, &str); 2] {
    [("Cookie", jar), ("x-edgewatch-csrf", "1")]
}

fn save(worker: &Worker, jar: &str, rules: &Value, more: &Value) -> Value {
    let mut body = json!({ "Name": "watch", "RulesRaw": rules.to_string(), "Enable": "on", "TriggerMode": 1 });
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    let reply = worker.post("/api/alert-rule", &[("Cookie", jar)], &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

fn done() -> Value {
    json!({ "code": 200 })
}

/// A host made by the administrator, as `register` does it.
fn add_host(worker: &Worker, jar: &str, name: &str) -> TestHost {
    let body = json!({ "Name": name, "Tag": "eu" }).to_string();
    let made = worker.post("/api/v1/server/register", &[("Cookie", jar)], &body);
    let secret = made.at("/secret").as_str().expect("a secret").to_owned();
    let list = worker.get_as("/api/v1/server/list", &[("Cookie", jar)]).json();
    let found = list["result"].as_array().into_iter().flatten().find(|one| one["name"] == name);
    TestHost { id: found.expect("it is listed")["id"].as_u64().expect("an id"), secret }
}

/// Reports samples ten seconds apart, the last one now; each the values of its keys.
fn report(worker: &Worker, host: &TestHost, first: u64, samples: &[Value]) {
    report_from(worker, host, first, samples, "203.0.113.7");
}

/// The same of a host with these addresses.
fn report_from(worker: &Worker, host: &TestHost, first: u64, samples: &[Value], addresses: &str) {
    let count = i64::try_from(samples.len()).expect("a few");
    let numbered: Vec<Value> = (0_i64..)
        .zip(samples)
        .map(|(at, sample)| {
            let mut sample = sample.clone();
            sample["number"] = json!(first + at.unsigned_abs());
            sample["at_ms"] = json!((at + 1 - count) * 10_000);
            sample
        })
        .collect();
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": first, "period_s": 10,
        "host": {
            "platform": "debian", "platform_version": "12", "arch": "x86_64", "virtualization": "", "kernel": "6.1",
            "cpu": [], "gpu": [], "mem_total_bytes": 1000, "swap_total_bytes": 0, "disk_total_bytes": 1000,
            "booted_at_s": 1_652_683_962, "addresses": addresses
        },
        "samples": numbered
    });
    let bearer = format!("Bearer {}", host.secret);
    let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
}

/// Fires the schedule once a minute, and the Worker's clock goes along: what rings by that clock would else judge in the past. Gives the
/// last of these moments.
fn pass(worker: &Worker, minutes: u64) -> u64 {
    // The alarm that a first report sets has rung by then.
    worker.set_clock_ahead(2_000);
    let start = now_ms() + 2_000;
    for minute in 0..=minutes {
        let at_ms = start + minute * 60_000;
        worker.set_clock_ahead(at_ms.cast_signed() - now_ms().cast_signed());
        assert!(worker.cron_at(at_ms));
    }
    start + minutes * 60_000
}

/// What people were told of alerts, oldest first: kind and text.
fn told(worker: &Worker) -> Vec<(String, String)> {
    told_at(worker, now_ms())
}

fn told_at(worker: &Worker, at_ms: u64) -> Vec<(String, String)> {
    assert!(worker.cron_at(at_ms));
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let bodies =
        worker.outbound().into_iter().filter_map(|one| serde_json::from_str::<Value>(one["body"].as_str()?).ok());
    bodies.map(|body| (word(&body["kind"]), word(&body["text"]))).filter(|one| one.0.starts_with("alert_")).collect()
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970");
    u64::try_from(now.as_millis()).expect("a few centuries")
}

fn cpu(percent: f64) -> Value {
    json!({ "cpu_percent": percent, "load1": percent / 10.0, "net_in_bytes_per_s": 60, "net_out_bytes_per_s": 50 })
}

fn kinds(told: &[(String, String)]) -> Vec<&str> {
    told.iter().map(|one| one.0.as_str()).collect()
}

#[test]
fn a_rule_needs_a_session_and_a_body_that_means_something() {
    let (worker, jar) = start();
    let refused = worker.post("/api/alert-rule", &[], "");
    assert_eq!((refused.status, refused.at("/code")), (200, json!(403)));
    let empty = worker.post("/api/alert-rule", &[("Cookie", &jar)], "");
    assert_eq!((empty.status, empty.at("/code"), empty.at("/message")), (200, json!(400), json!("请求错误：EOF")));
    // No rule; a duration below 3; an interval below 1; a cycle's beginning missing or in the future. [obs]
    for rules in [
        json!([]),
        json!([{ "type": "cpu", "max": 90, "duration": 2 }]),
        json!([{ "type": "transfer_in_cycle", "max": 1, "cycle_start": "2026-01-01T00:00:00Z" }]),
        json!([{ "type": "transfer_in_cycle", "max": 1, "cycle_interval": 1 }]),
        json!([{ "type": "transfer_in_cycle", "max": 1, "cycle_interval": 1, "cycle_start": "2999-01-01T00:00:00Z" }]),
    ] {
        let refused = save(&worker, &jar, &rules, &json!({}));
        assert!(
            refused["code"] == 400 && refused["message"].as_str().is_some_and(|text| text.starts_with("请求错误：")),
            "{refused}"
        );
    }
    let good = json!([{ "type": "cpu", "max": 90, "duration": 3 }]);
    for (key, value) in
        [("RulesRaw", json!("")), ("RulesRaw", json!("{")), ("RulesRaw", json!("{}")), ("RulesRaw", good.clone())]
    {
        let text = value.to_string();
        assert_eq!(save(&worker, &jar, &good, &json!({ key: value }))["code"], 400, "{key}: {text}");
    }
    assert_eq!(
        save(&worker, &jar, &good, &json!({ "ID": 99 })),
        json!({ "code": 400, "message": "请求错误：record not found" })
    );
    let list = || worker.get_as("/api/edgewatch/v1/rules", &[("Cookie", &jar)]).at("/rules");
    assert_eq!(list(), json!([]));
    let cpu = json!([{ "Type": "cpu", "MAX": 90, "Duration": 30, "cover": 1, "ignore": { "3": true } }]);
    assert_eq!(save(&worker, &jar, &cpu, &json!({ "NotificationTag": "ops" })), done());
    assert_eq!(
        list(),
        json!([{ "id": 1, "name": "watch", "enabled": true, "group": "ops", "hosts": [3],
            "conditions": [{ "metric": "cpu_percent", "above": 90.0, "for_s": 30 }],
            "repeat": "never", "ignore_quiet_hours": false }])
    );
    // The whole row is replaced.
    let load = json!([{ "type": "load1", "max": 4, "duration": 10 }]);
    assert_eq!(save(&worker, &jar, &load, &json!({ "ID": 1, "TriggerMode": 0, "Enable": "" })), done());
    assert_eq!((list()[0]["repeat"].clone(), list()[0]["enabled"].clone()), (json!("doubling"), json!(false)));
    for _ in 0..2 {
        assert_eq!(worker.request("DELETE", "/api/alert-rule/1", &[("Cookie", &jar)], "").json(), done());
    }
    assert_eq!(list(), json!([]));
    assert_eq!(worker.request("DELETE", "/api/alert-rule/x", &[("Cookie", &jar)], "").at("/code"), 400);
    assert_eq!(worker.request("DELETE", "/api/alert-rule/1", &[], "").at("/code"), 403);
}

#[test]
fn a_duration_counts_seconds_and_people_are_told_with_a_masked_address() {
    let (worker, jar) = start();
    let host = add_host(&worker, &jar, "fra-1");
    save(&worker, &jar, &json!([{ "type": "cpu", "max": 90, "duration": 30 }]), &json!({}));
    report(&worker, &host, 1, &[cpu(95.0), cpu(95.0), cpu(95.0)]);
    assert_eq!(told(&worker), []);
    report(&worker, &host, 4, &[cpu(95.0), cpu(95.0)]);
    let incident = ("alert_fired".to_owned(), "[Incident] fra-1(203.****.7) watch".to_owned());
    assert_eq!(told(&worker), std::slice::from_ref(&incident));
    report(&worker, &host, 6, &[cpu(96.0), cpu(20.0)]);
    let resolved = ("alert_recovered".to_owned(), "[Resolved] fra-1(203.****.7) watch".to_owned());
    assert_eq!(told(&worker), [incident, resolved]);
    // Of IPv6 the first two and the last two groups are shown.
    let six = add_host(&worker, &jar, "fra-6");
    report_from(&worker, &six, 1, &[cpu(95.0), cpu(95.0), cpu(95.0), cpu(95.0), cpu(95.0)], "2001:db8:1:2:3:4:5:7");
    assert_eq!(told(&worker).last().map(|one| one.1.as_str()), Some("[Incident] fra-6(2001:db8:****:5:7) watch"));
}

#[test]
fn several_conditions_have_to_fail_together() {
    let (worker, jar) = start();
    let host = add_host(&worker, &jar, "fra-1");
    let both = json!([
        { "type": "cpu", "max": 90, "duration": 10 },
        { "type": "net_all_speed", "max": 105, "duration": 10 }
    ]);
    save(&worker, &jar, &both, &json!({}));
    let calm = json!({ "cpu_percent": 95, "net_in_bytes_per_s": 60, "net_out_bytes_per_s": 40 });
    report(&worker, &host, 1, &[calm.clone(), calm.clone(), calm]);
    assert_eq!(told(&worker), []);
    // 60 in and 50 out: both ways are added.
    report(&worker, &host, 4, &[cpu(95.0), cpu(95.0)]);
    assert_eq!(kinds(&told(&worker)), ["alert_fired"]);
}

#[test]
fn a_server_that_never_reported_counts_as_offline_and_has_empty_brackets() {
    let (worker, jar) = start();
    add_host(&worker, &jar, "ghost");
    save(&worker, &jar, &json!([{ "type": "offline", "duration": 60 }]), &json!({}));
    pass(&worker, 4);
    let alerts = worker.get_as("/api/edgewatch/v1/alerts", &[("Cookie", &jar)]);
    assert_eq!(alerts.at("/alerts/0/text"), "[Incident] ghost() watch", "{}", alerts.body);
    assert_eq!(alerts.at("/alerts").as_array().map(Vec::len), Some(1));
}

#[test]
fn a_silent_server_is_told_of_once_and_its_return_too() {
    let (worker, jar) = start();
    let host = add_host(&worker, &jar, "fra-1");
    save(&worker, &jar, &json!([{ "type": "offline", "duration": 10 }]), &json!({}));
    report(&worker, &host, 1, &[cpu(10.0)]);
    let last_ms = pass(&worker, 3);
    let kinds = || -> Vec<String> {
        let events = worker.get_as("/api/edgewatch/v1/events", &[("Cookie", &jar)]).at("/events");
        let one = |event: &Value| event["kind"].as_str().unwrap_or_default().to_owned();
        let mut kinds: Vec<String> = events.as_array().into_iter().flatten().map(one).collect();
        kinds.sort();
        kinds
    };
    assert_eq!(kinds(), ["alert_fired", "host_offline"]);
    report(&worker, &host, 2, &[cpu(10.0)]);
    let heard = told_at(&worker, last_ms + 10_000);
    assert_eq!(kinds(), ["alert_fired", "alert_recovered", "host_offline", "host_online"]);
    assert_eq!(heard.iter().map(|one| one.0.as_str()).collect::<Vec<_>>(), ["alert_fired", "alert_recovered"]);
    let all = worker.outbound();
    assert_eq!(all.len(), 2, "one message for one cause: {all:?}");
}

#[test]
fn transfer_of_a_cycle_survives_a_reboot() {
    let (worker, jar) = start();
    let host = add_host(&worker, &jar, "fra-1");
    let rules = json!([{ "type": "transfer_all_cycle", "max": 1000, "cycle_interval": 1, "cycle_unit": "month",
        "cycle_start": "2020-01-31T00:00:00+02:00" }]);
    save(&worker, &jar, &rules, &json!({}));
    let net =
        |bytes: u64, uptime_s: u64| json!({ "net_in_bytes": bytes, "net_out_bytes": bytes, "uptime_s": uptime_s });
    let long = 90 * 86_400;
    report(&worker, &host, 1, &[net(70_000, long), net(70_300, long + 10)]);
    assert_eq!(told(&worker), []);
    // 600 so far; a reboot, and 300 more.
    report(&worker, &host, 3, &[net(150, 20)]);
    assert_eq!(told(&worker), []);
    report(&worker, &host, 4, &[net(210, 30)]);
    assert_eq!(kinds(&told(&worker)), ["alert_fired"]);
}

#[test]
fn a_restart_of_everything_between_two_reports_changes_nothing() {
    let (worker, jar) = start();
    let host = add_host(&worker, &jar, "fra-1");
    save(&worker, &jar, &json!([{ "type": "cpu", "max": 90, "duration": 20 }]), &json!({}));
    report(&worker, &host, 1, &[cpu(95.0), cpu(95.0)]);
    // Twenty seconds later, ten of which were over already.
    worker.restart();
    worker.set_clock_ahead(20_000);
    report(&worker, &host, 3, &[cpu(95.0)]);
    assert_eq!(kinds(&told(&worker)), ["alert_fired"]);
    worker.restart();
    report(&worker, &host, 4, &[cpu(95.0)]);
    worker.restart();
    report(&worker, &host, 5, &[cpu(5.0)]);
    assert_eq!(kinds(&told(&worker)), ["alert_fired", "alert_recovered"]);
}
