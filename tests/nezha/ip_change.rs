//! `[IP Changed]`, and whether addresses in messages are whole: `POST /api/setting`, sections 7.3, 10 and 11.

use std::time::Duration;

use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

use super::session::administrator;

const SETTING: &str = "/api/setting";
const SOON: Duration = Duration::from_secs(20);
const SETTINGS: &str = "/api/edgewatch/v1/settings";

/// A Worker that keeps what it sends out, with a channel in the default group and one in `ops`, and an administrator's cookie.
fn start() -> (Worker, String) {
    let worker = Worker::builder().capture_outbound().start();
    for group in ["default", "ops"] {
        let url = format!("https://hooks.example.com/{group}");
        let channel = json!({ "name": group, "kind": "webhook", "url": url, "group": group }).to_string();
        let made = worker.post("/api/edgewatch/v1/channels", &[("Authorization", &worker.token)], &channel);
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let (_, session) = administrator(&worker, "ada");
    (worker, format!("nezha-dashboard={session}"))
}

fn set(worker: &Worker, cookie: &str, form: &Value) {
    let reply = worker.post(SETTING, &[("Cookie", cookie)], &form.to_string());
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"code":200}"#));
}

/// A host reports from an address of its connection.
fn report_from(worker: &Worker, host: &TestHost, number: u64, address: &str) {
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": number, "period_s": 10,
        "samples": [{ "number": number, "at_ms": 0, "load1": 1 }]
    });
    let bearer = format!("Bearer {}", host.secret);
    let headers = [("Authorization", bearer.as_str()), ("CF-Connecting-IP", address)];
    let reply = worker.post("/agent/v1/reports", &headers, &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
}

/// A host reports, and says what its addresses are.
fn report_with(worker: &Worker, host: &TestHost, number: u64, addresses: &str) {
    let mut facts = super::facts();
    facts["addresses"] = json!(addresses);
    super::report(worker, host, number, &facts);
}

/// The group and text of every notice of an address so far, in the order told.
fn told(worker: &Worker) -> Vec<(String, String)> {
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970").as_millis();
    assert!(worker.cron_at(u64::try_from(now_ms).expect("a few centuries")));
    let of = |one: &Value| {
        let body: Value = serde_json::from_str(one["body"].as_str()?).ok()?;
        let group = one["url"].as_str()?.rsplit('/').next()?.to_owned();
        (body["kind"] == "address_changed").then(|| (group, body["text"].as_str().unwrap_or_default().to_owned()))
    };
    worker.outbound().iter().filter_map(of).collect()
}

/// Waits until exactly these were told: another run of the schedule may be at it already.
fn assert_told(worker: &Worker, expected: &[(String, String)]) {
    wait_until("the notices", SOON, || (told(worker) == expected).then_some(()));
}

fn notice(group: &str, text: &str) -> (String, String) {
    (group.to_owned(), format!("[IP Changed] {text}"))
}

#[test]
fn another_address_of_a_server_is_told_once_and_masked() {
    let (worker, cookie) = start();
    set(&worker, &cookie, &json!({ "EnableIPChangeNotification": "on" }));
    let host = worker.add_host("fra-1");
    // Neither the first address nor the same again.
    report_from(&worker, &host, 1, "203.0.113.7");
    report_from(&worker, &host, 2, "203.0.113.7");
    assert_eq!(told(&worker), []);
    report_from(&worker, &host, 3, "198.51.100.9");
    let first = notice("default", "fra-1, 203.****.7 => 198.****.9");
    assert_told(&worker, std::slice::from_ref(&first));
    worker.restart();
    report_from(&worker, &host, 4, "198.51.100.9");
    // The other family: its first address.
    report_from(&worker, &host, 5, "2001:db8:1:2::7");
    worker.restart();
    report_from(&worker, &host, 6, "198.51.100.9");
    assert_told(&worker, std::slice::from_ref(&first));
    report_from(&worker, &host, 7, "2001:db8:1:2::8");
    let both = notice("default", "fra-1, 198.****.9/2001:db8:****:0:7 => 198.****.9/2001:db8:****:0:8");
    assert_told(&worker, &[first, both]);
    let events = worker.get("/api/edgewatch/v1/events").at("/events");
    let kinds: Vec<&Value> = events.as_array().into_iter().flatten().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["address_changed", "address_changed"]);
}

#[test]
fn a_family_that_goes_and_comes_back_is_no_change() {
    let (worker, cookie) = start();
    set(&worker, &cookie, &json!({ "EnableIPChangeNotification": "on" }));
    let host = worker.add_host("fra-1");
    // What a server says of itself is written once a minute at the most, and told as often.
    let step = |minute: i64| worker.set_clock_ahead(minute * 61_000);
    for (minute, addresses) in (0..).zip([
        "203.0.113.7/2001:db8::7",
        "203.0.113.7",
        "203.0.113.7/2001:db8::7",
        "2001:db8::7",
        "203.0.113.7/2001:db8::7",
    ]) {
        step(minute);
        report_with(&worker, &host, minute.unsigned_abs() + 1, addresses);
        let listed = worker.get("/api/v1/server/list").at("/result/0");
        assert_eq!(listed["ipv6"] == "", !addresses.contains(':'), "{listed}");
    }
    assert_eq!(told(&worker), []);
    step(5);
    report_with(&worker, &host, 6, "203.0.113.8");
    step(6);
    report_with(&worker, &host, 7, "203.0.113.8/2001:db8::7");
    assert_told(&worker, &[notice("default", "fra-1, 203.****.7/2001:db8:****:0:7 => 203.****.8")]);
    step(7);
    report_with(&worker, &host, 8, "203.0.113.8/2001:db8::9");
    let last = notice("default", "fra-1, 203.****.8/2001:db8:****:0:7 => 203.****.8/2001:db8:****:0:9");
    wait_until("the last notice", SOON, || (told(&worker).last() == Some(&last)).then_some(()));
}

#[test]
fn the_form_says_which_servers_and_who_is_told() {
    let (worker, cookie) = start();
    let hosts = worker.add_hosts("fra", 2);
    let mut number = 0;
    let mut all_move = |to: &str| {
        number += 1;
        for host in &hosts {
            report_from(&worker, host, number, to);
        }
    };
    all_move("203.0.113.1");
    // Off unless it is on.
    set(&worker, &cookie, &json!({ "IPChangeNotificationTag": "ops" }));
    all_move("203.0.113.2");
    assert_eq!(told(&worker), []);
    // Cover 0: all but the listed.
    let listed = |cover: u8| {
        json!({ "EnableIPChangeNotification": "on", "IPChangeNotificationTag": "ops", "Cover": cover,
            "IgnoredIPNotification": hosts[0].id.to_string() })
    };
    set(&worker, &cookie, &listed(0));
    all_move("203.0.113.3");
    let first = notice("ops", "fra-1, 203.****.2 => 203.****.3");
    assert_told(&worker, std::slice::from_ref(&first));
    // Cover 1: only the listed; as a form.
    let form = format!(
        "Cover=1&EnableIPChangeNotification=on&IPChangeNotificationTag=&IgnoredIPNotification={}%2C99",
        hosts[0].id
    );
    let headers = [("Cookie", cookie.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(worker.post(SETTING, &headers, &form).body, r#"{"code":200}"#);
    all_move("203.0.113.4");
    let second = notice("default", "fra-0, 203.****.3 => 203.****.4");
    assert_told(&worker, &[first.clone(), second.clone()]);
    // A form without it ends it.
    set(&worker, &cookie, &json!({ "Title": "Fleet" }));
    all_move("203.0.113.5");
    assert_told(&worker, &[first, second]);
    let off = json!({ "enabled": false, "group": "" });
    assert_eq!(worker.get(SETTINGS).at("/ip_change_notifications"), off);
    for wrong in [
        json!({ "Cover": 2 }),
        json!({ "IgnoredIPNotification": "fra-0" }),
        json!({ "IPChangeNotificationTag": "x".repeat(65) }),
        json!({ "EnableIPChangeNotification": true }),
    ] {
        let reply = worker.post(SETTING, &[("Cookie", &cookie)], &wrong.to_string());
        assert_eq!((reply.status, reply.at("/code")), (200, json!(400)), "{wrong}");
    }
    assert_eq!(worker.get(SETTINGS).at("/ip_change_notifications"), off, "nothing of it was kept");
}

#[test]
fn a_change_is_told_though_the_database_is_away_when_it_comes() {
    use edgewatch_harness::worker::Fault;
    let (worker, cookie) = start();
    set(&worker, &cookie, &json!({ "EnableIPChangeNotification": "on" }));
    let host = worker.add_host("fra-1");
    report_from(&worker, &host, 1, "203.0.113.7");
    assert_eq!(told(&worker), []);
    // The reply of the transaction that queues it is lost, and everything restarts before it is told again.
    worker.faults(Fault::LostAfterCommit, 1, "INSERT INTO events");
    report_from(&worker, &host, 2, "198.51.100.9");
    let fired = || worker.faults_fired() == 1;
    wait_until("the fault", SOON, || fired().then_some(()));
    worker.restart();
    worker.set_clock_ahead(60_000);
    report_from(&worker, &host, 3, "198.51.100.9");
    assert_told(&worker, &[notice("default", "fra-1, 203.****.7 => 198.****.9")]);
}

#[test]
fn while_addresses_stay_notices_cost_nothing_and_a_change_costs_little() {
    let (worker, cookie) = start();
    let host = worker.add_host("fra-1");
    let cost = |number: u64, address: &str| {
        let body = json!({
            "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": number, "period_s": 10,
            "samples": [{ "number": number, "at_ms": 0, "load1": 1 }]
        });
        let bearer = format!("Bearer {}", host.secret);
        let headers = [("Authorization", bearer.as_str()), ("CF-Connecting-IP", address)];
        worker.post("/agent/v1/reports", &headers, &body.to_string()).cost()
    };
    for number in 1..=3 {
        cost(number, "203.0.113.7");
    }
    let before = cost(4, "203.0.113.7");
    set(&worker, &cookie, &json!({ "EnableIPChangeNotification": "on" }));
    let (calm, moved) = (cost(5, "203.0.113.7"), cost(6, "198.51.100.9"));
    assert_eq!((calm.d1_rows_written, calm.object_rows_written), (before.d1_rows_written, before.object_rows_written));
    assert_eq!(calm.d1_rows_written, 0);
    // The host's row and the event's.
    assert_eq!(moved.object_rows_written, calm.object_rows_written + 2);
}

#[test]
fn addresses_are_plain_in_every_message_where_that_is_set() {
    let (worker, cookie) = start();
    let header = [("Cookie", cookie.as_str())];
    let host = worker.add_host("fra-1");
    let rule = json!({ "Name": "watch", "RulesRaw": r#"[{"type":"load1","max":4,"duration":3}]"#, "Enable": "on", "TriggerMode": 1 });
    assert_eq!(worker.post("/api/alert-rule", &header, &rule.to_string()).body, r#"{"code":200}"#);
    set(&worker, &cookie, &json!({ "EnableIPChangeNotification": "on", "EnablePlainIPInNotification": "on" }));
    // The load of these reports is 5.23.
    report_with(&worker, &host, 1, "203.0.113.7/2001:db8::7");
    worker.set_clock_ahead(10_000);
    report_with(&worker, &host, 2, "203.0.113.7/2001:db8::7");
    let texts = || -> Vec<String> {
        told(&worker);
        let all = worker.outbound();
        let bodies = all.iter().filter_map(|one| serde_json::from_str::<Value>(one["body"].as_str()?).ok());
        // That it was silent for a minute is told without an address.
        let texts = bodies.filter_map(|body| Some(body["text"].as_str()?.to_owned()));
        texts.filter(|text| text.starts_with('[')).collect()
    };
    assert_eq!(texts(), ["[Incident] fra-1(203.0.113.7/2001:db8::7) watch"]);
    worker.set_clock_ahead(80_000);
    report_with(&worker, &host, 3, "198.51.100.9");
    assert_eq!(texts()[1..], ["[IP Changed] fra-1, 203.0.113.7/2001:db8::7 => 198.51.100.9"]);
    // Masked again for the alert's end.
    set(&worker, &cookie, &json!({ "EnablePlainIPInNotification": "" }));
    let rule = json!({ "ID": 1, "Name": "watch", "RulesRaw": r#"[{"type":"load1","max":6,"duration":3}]"#, "Enable": "on", "TriggerMode": 1 });
    assert_eq!(worker.post("/api/alert-rule", &header, &rule.to_string()).body, r#"{"code":200}"#);
    worker.set_clock_ahead(90_000);
    report_with(&worker, &host, 4, "198.51.100.9");
    assert_eq!(texts()[2..], ["[Resolved] fra-1(198.****.9) watch"]);
}

#[test]
fn the_same_settings_are_ours_too() {
    let (worker, cookie) = start();
    let header = [("Authorization", worker.token.as_str())];
    let change = |body: &Value| worker.request("PATCH", SETTINGS, &header, &body.to_string());
    let ops = json!({ "enabled": true, "group": "ops", "hosts": [1] });
    assert_eq!(change(&json!({ "ip_change_notifications": ops })).at("/ip_change_notifications"), ops);
    assert_eq!(
        change(&json!({ "guest_view": "status" })).at("/ip_change_notifications"),
        ops,
        "what is left out stays"
    );
    for (wrong, field) in [
        (json!({ "enabled": true, "hosts": [1], "except_hosts": [2] }), "except_hosts"),
        (json!({ "enabled": true, "hosts": [0] }), "hosts"),
        (json!({ "enabled": true, "group": "x".repeat(65) }), "group"),
    ] {
        let reply = change(&json!({ "ip_change_notifications": wrong }));
        assert_eq!((reply.status, reply.at("/error/field")), (400, json!(field)), "{}", reply.body);
    }
    let host = worker.add_host("fra-1");
    report_from(&worker, &host, 1, "203.0.113.7");
    report_from(&worker, &host, 2, "203.0.113.8");
    assert_told(&worker, &[notice("ops", "fra-1, 203.****.7 => 203.****.8")]);
    let audit =
        worker.sql("SELECT actor FROM audit WHERE action = 'settings.change' AND subject LIKE '%address_notices%'");
    assert_eq!(audit["results"].as_array().map(Vec::len), Some(1), "{audit}");
    drop(cookie);
}
