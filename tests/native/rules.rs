//! Rules, alerts and quiet hours.

use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const RULES: &str = "/api/edgewatch/v1/rules";
const ALERTS: &str = "/api/edgewatch/v1/alerts";
const QUIET: &str = "/api/edgewatch/v1/quiet-hours";

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970");
    u64::try_from(now.as_millis()).expect("a few centuries")
}

fn load_rule(more: &Value) -> Value {
    let mut rule = json!({ "name": "busy", "conditions": [{ "metric": "load1", "above": 4, "above_clear": 2 }] });
    for (key, value) in more.as_object().into_iter().flatten() {
        rule[key] = value.clone();
    }
    rule
}

fn make(worker: &Worker, rule: &Value) -> i64 {
    let made = worker.post(RULES, &[("Authorization", &worker.token)], &rule.to_string());
    assert_eq!(made.status, 201, "{}", made.body);
    made.at("/id").as_i64().expect("a number")
}

fn report(worker: &Worker, host: &TestHost, number: u64, load1: f64) -> edgewatch_harness::http::Reply {
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": number, "period_s": 10,
        "samples": [{ "number": number, "at_ms": 0, "load1": load1 }]
    });
    let bearer = format!("Bearer {}", host.secret);
    let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply
}

/// What people were told, oldest first.
fn told(worker: &Worker, at_ms: u64) -> Vec<String> {
    assert!(worker.cron_at(at_ms));
    let bodies =
        worker.outbound().into_iter().filter_map(|one| serde_json::from_str::<Value>(one["body"].as_str()?).ok());
    bodies
        .filter_map(|body| Some(body["kind"].as_str()?.to_owned()))
        .filter(|kind| kind.starts_with("alert_"))
        .collect()
}

/// Lets five minutes pass, by their number from 0 on, in which the host reports this every minute: of one that is offline nobody is
/// reminded. Gives when the schedule ran last; for number 0 once, at the start.
fn five_minutes<'a>(worker: &'a Worker, host: &'a TestHost) -> impl Fn(u64, f64) -> u64 + 'a {
    let start = now_ms();
    move |number: u64, load1: f64| {
        let minutes = if number == 0 { 0..=0 } else { number * 5 - 4..=number * 5 };
        let run = |minute: u64| {
            worker.set_clock_ahead(i64::try_from(minute).expect("a few") * 60_000);
            report(worker, host, minute + 1, load1);
            let at_ms = start + minute * 60_000 + 5_000;
            assert!(worker.cron_at(at_ms));
            at_ms
        };
        minutes.fold(0, |_, minute| run(minute))
    }
}

fn with_channel() -> Worker {
    let worker = Worker::builder().capture_outbound().start();
    let body = json!({ "name": "ops", "kind": "webhook", "url": "https://hooks.example.com/x" }).to_string();
    assert_eq!(worker.post("/api/edgewatch/v1/channels", &[("Authorization", &worker.token)], &body).status, 201);
    worker
}

#[test]
fn a_rule_is_made_shown_replaced_and_deleted() {
    let worker = Worker::start();
    let header = [("Authorization", worker.token.as_str())];
    let full = json!({
        "name": "busy", "enabled": true, "group": "ops", "except_hosts": [4], "tags": ["eu"],
        "conditions": [{ "metric": "load1", "above": 4.0, "above_clear": 2.0, "for_s": 60 }, { "metric": "offline", "for_s": 30 }],
        "repeat": "every", "repeat_s": 600, "escalate": [{ "after_s": 900, "group": "boss" }], "ignore_quiet_hours": true
    });
    let id = make(&worker, &full);
    let mut expected = full;
    expected["id"] = json!(id);
    assert_eq!(worker.get(RULES).at("/rules"), json!([expected]));
    let replaced = worker.request("PUT", &format!("{RULES}/{id}"), &header, &load_rule(&json!({})).to_string());
    assert_eq!((replaced.status, replaced.at("/conditions/0/above_clear")), (200, json!(2.0)), "{}", replaced.body);
    assert_eq!(worker.request("PUT", &format!("{RULES}/99"), &header, &load_rule(&json!({})).to_string()).status, 404);
    for (more, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "conditions": [] }), "conditions"),
        (json!({ "conditions": [{ "metric": "weather", "above": 1 }] }), "metric"),
        (json!({ "conditions": [{ "metric": "load1", "above": 1, "above_clear": 2 }] }), "conditions"),
        (json!({ "repeat": "every", "repeat_s": 299 }), "repeat_s"),
    ] {
        let refused = worker.post(RULES, &header, &load_rule(&more).to_string());
        assert_eq!((refused.status, refused.at("/error/field")), (400, json!(field)), "{}", refused.body);
    }
    assert_eq!(worker.post(RULES, &header, "{").at("/error/code"), "malformed");
    assert_eq!(worker.request("DELETE", &format!("{RULES}/{id}"), &header, "").status, 204);
    assert_eq!(worker.request("DELETE", &format!("{RULES}/{id}"), &header, "").status, 404);
    assert_eq!(worker.get(RULES).at("/rules"), json!([]));
}

#[test]
fn rules_are_for_administrators_and_alerts_for_readers() {
    let worker = Worker::start();
    let made = worker.post("/api/edgewatch/v1/tokens", &[("Authorization", &worker.token)], r#"{"scopes":["read"]}"#);
    let reader = made.at("/token").as_str().expect("a token").to_owned();
    let header = [("Authorization", reader.as_str())];
    assert_eq!(worker.get_as(RULES, &header).status, 403);
    assert_eq!(worker.post(RULES, &header, &load_rule(&json!({})).to_string()).status, 403);
    assert_eq!(worker.get_as(QUIET, &header).status, 403);
    assert_eq!(worker.post(&format!("{ALERTS}/x/acknowledge"), &header, "").status, 403);
    let alerts = worker.get_as(ALERTS, &header);
    assert_eq!((alerts.status, alerts.body.as_str()), (200, r#"{"alerts":[],"cursor":null}"#));
    for path in [RULES, ALERTS, QUIET] {
        assert_eq!(worker.get_as(path, &[]).status, 401, "{path}");
    }
    for query in ["state=closed", "limit=0", "limit=501"] {
        assert_eq!(worker.get_as(&format!("{ALERTS}?{query}"), &header).status, 400, "{query}");
    }
    assert_eq!(worker.post(&format!("{ALERTS}/x/acknowledge"), &[("Authorization", &worker.token)], "").status, 404);
}

#[test]
fn an_alert_recovers_at_its_clear_level_and_is_listed_while_it_goes_on_and_after() {
    let worker = with_channel();
    let host = worker.add_host("alpha");
    let id = make(&worker, &load_rule(&json!({})));
    report(&worker, &host, 1, 5.0);
    assert_eq!(told(&worker, now_ms()), ["alert_fired"]);
    let open = worker.get(ALERTS);
    assert_eq!(open.at("/alerts/0/source_id"), json!(id), "{}", open.body);
    assert_eq!((open.at("/alerts/0/host_id"), open.at("/alerts/0/detail")), (json!(host.id), json!("load1 5")));
    report(&worker, &host, 2, 3.0);
    assert_eq!(told(&worker, now_ms()).len(), 1);
    report(&worker, &host, 3, 2.0);
    assert_eq!(told(&worker, now_ms()), ["alert_fired", "alert_recovered"]);
    assert_eq!(worker.get(ALERTS).at("/alerts"), json!([]));
    let all = worker.get(&format!("{ALERTS}?state=all"));
    let count = all.at("/alerts").as_array().map(Vec::len);
    assert!(all.at("/alerts/0/closed_at_s").is_i64() && count == Some(1), "{}", all.body);
    let events = worker.get("/api/edgewatch/v1/events");
    assert_eq!((events.at("/events/0/alert"), events.at("/events/0/rule_id")), (all.at("/alerts/0/key"), json!(id)));
}

#[test]
fn while_nothing_changes_rules_cost_no_rows() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    make(&worker, &load_rule(&json!({})));
    report(&worker, &host, 1, 1.0);
    assert!(worker.cron_at(now_ms()));
    let price = |number: u64, load1: f64| {
        let cost = report(&worker, &host, number, load1).cost();
        (cost.d1_rows_read, cost.d1_rows_written, cost.object_rows_written)
    };
    // The secret's row; the journal's.
    let at_rest = price(2, 1.0);
    assert_eq!((at_rest.1, at_rest.2), (0, 1), "at rest: {at_rest:?}");
    // The journal's, the state's, the event's.
    let fires = price(3, 9.0);
    assert_eq!((fires.1, fires.2), (0, 3), "fires: {fires:?}");
    assert!(worker.cron_at(now_ms()));
    assert!(worker.cron_at(now_ms()));
    let goes_on = price(4, 9.0);
    assert_eq!((goes_on.1, goes_on.2), (0, 1), "goes on: {goes_on:?}");
    assert!(worker.cron_at(now_ms()));
    assert_eq!(worker.schedule_cost().1, 0, "the schedule writes nothing while an alert goes on");
}

#[test]
fn an_acknowledged_alert_is_repeated_no_more_and_its_end_is_told() {
    let worker = with_channel();
    let header = [("Authorization", worker.token.as_str())];
    let host = worker.add_host("alpha");
    make(
        &worker,
        &load_rule(&json!({ "repeat": "every", "repeat_s": 300, "escalate": [{ "after_s": 450, "group": "" }] })),
    );
    let step = five_minutes(&worker, &host);
    let step = |number: u64, load1: f64| told(&worker, step(number, load1));
    assert_eq!(step(0, 5.0), ["alert_fired"]);
    assert_eq!(step(1, 5.0), ["alert_fired", "alert_reminder"]);
    let key = worker.get(ALERTS).at("/alerts/0/key").as_str().expect("a key").to_owned();
    let known = worker.post(&format!("{ALERTS}/{key}/acknowledge"), &header, "");
    assert_eq!(known.status, 200, "{}", known.body);
    assert!(known.at("/acknowledged_by").as_str().is_some_and(|by| by.starts_with("token:")), "{}", known.body);
    assert_eq!((known.at("/severity"), known.at("/note")), (json!("critical"), Value::Null), "{}", known.body);
    worker.restart();
    for later in 2..=4 {
        assert_eq!(step(later, 5.0).len(), 2, "step {later}");
    }
    assert_eq!(step(5, 1.0), ["alert_fired", "alert_reminder", "alert_recovered"]);
}

#[test]
fn a_note_is_kept_with_the_alert_and_can_be_changed() {
    let worker = with_channel();
    let header = [("Authorization", worker.token.as_str())];
    let host = worker.add_host("alpha");
    make(&worker, &load_rule(&json!({})));
    report(&worker, &host, 1, 5.0);
    assert_eq!(told(&worker, now_ms()), ["alert_fired"]);
    let key = worker.get(ALERTS).at("/alerts/0/key").as_str().expect("a key").to_owned();
    let path = format!("{ALERTS}/{key}/acknowledge");
    let note = |body: &Value| worker.post(&path, &header, &body.to_string());
    let known = note(&json!({ "note": " the nightly build\n" }));
    assert_eq!((known.status, known.at("/note")), (200, json!("the nightly build")), "{}", known.body);
    let (at, by) = (known.at("/acknowledged_at_s"), known.at("/acknowledged_by"));
    assert!(at.is_i64());
    // Doing it again without a word leaves the note, another note takes its place, an empty one takes it away.
    for (body, kept) in [
        (json!({}), json!("the nightly build")),
        (json!({ "note": "<b>still</b>" }), json!("<b>still</b>")),
        (json!({ "note": "" }), Value::Null),
    ] {
        let again = note(&body);
        assert_eq!((again.status, again.at("/note")), (200, kept.clone()), "{}", again.body);
        assert_eq!((again.at("/acknowledged_at_s"), again.at("/acknowledged_by")), (at.clone(), by.clone()));
        assert_eq!(worker.get(ALERTS).at("/alerts/0/note"), kept);
    }
    let long = note(&json!({ "note": "x".repeat(2_001) }));
    assert_eq!((long.status, long.at("/error/field")), (400, json!("note")));
    assert_eq!(worker.post(&path, &header, "{").at("/error/code"), "malformed");
}

#[test]
fn quiet_hours_are_the_operators_and_hold_messages_back() {
    let worker = with_channel();
    let header = [("Authorization", worker.token.as_str())];
    assert_eq!(worker.get(QUIET).at("/quiet_hours"), Value::Null);
    let put = |body: &Value| worker.request("PUT", QUIET, &header, &body.to_string());
    for (zone, from) in [("Mars/Olympus", "22:00"), ("Europe/Berlin", "25:00")] {
        let wrong = json!({ "quiet_hours": { "time_zone": zone, "from": from, "to": "07:00" } });
        assert_eq!(put(&wrong).status, 400, "{zone} {from}");
    }
    // All day, in a zone that the runtime alone knows.
    let all_day = json!({ "quiet_hours": { "time_zone": "Asia/Kathmandu", "from": "00:00", "to": "00:00" } });
    assert_eq!(put(&all_day).status, 200);
    let host = worker.add_host("alpha");
    make(&worker, &load_rule(&json!({})));
    report(&worker, &host, 1, 5.0);
    assert_eq!(told(&worker, now_ms()), Vec::<String>::new());
    assert_eq!(worker.get("/api/edgewatch/v1/events").at("/events/0/quiet"), true);
    assert_eq!(worker.get(ALERTS).at("/alerts/0/source"), "rule");
    assert_eq!(put(&json!({ "quiet_hours": null })).status, 200);
    assert_eq!(told(&worker, now_ms()), ["alert_fired"]);
    report(&worker, &host, 2, 1.0);
    assert_eq!(told(&worker, now_ms()), ["alert_fired", "alert_recovered"]);
}

#[test]
fn a_rule_for_a_tag_is_the_default_of_hosts_to_come_and_its_end_ends_its_alerts() {
    let worker = with_channel();
    let header = [("Authorization", worker.token.as_str())];
    let id = make(&worker, &load_rule(&json!({ "tags": ["AutoRegister"] })));
    let other = make(&worker, &load_rule(&json!({ "tags": ["elsewhere"] })));
    assert_ne!(id, other);
    let host = worker.add_host("alpha");
    report(&worker, &host, 1, 5.0);
    assert_eq!(told(&worker, now_ms()), ["alert_fired"]);
    assert_eq!(worker.request("DELETE", &format!("{RULES}/{id}"), &header, "").status, 204);
    assert_eq!(told(&worker, now_ms()).len(), 1, "nobody is told");
    assert_eq!(worker.get(ALERTS).at("/alerts"), json!([]));
    let kind = worker.get("/api/edgewatch/v1/events").at("/events/0/kind");
    assert_eq!(kind, "alert_withdrawn");
}

#[test]
fn a_host_that_leaves_a_rules_group_has_recovered_and_people_are_told_once() {
    let worker = with_channel();
    let host = worker.add_host("alpha");
    make(&worker, &load_rule(&json!({ "tags": ["AutoRegister"], "repeat": "every", "repeat_s": 300 })));
    report(&worker, &host, 1, 5.0);
    assert_eq!(told(&worker, now_ms()), ["alert_fired"]);
    let group = json!({ "Servers": [host.id], "Group": "elsewhere" }).to_string();
    let moved = worker.post("/api/batch-update-server-group", &[("Cookie", &worker.cookie())], &group);
    assert_eq!(moved.json(), json!({ "code": 200 }));
    for minute in 1..=3 {
        worker.set_clock_ahead(i64::try_from(minute).expect("a few") * 61_000);
        report(&worker, &host, minute + 1, 9.0);
        let told = told(&worker, now_ms() + minute * 61_000);
        assert_eq!(told, ["alert_fired", "alert_recovered"], "minute {minute}");
    }
    assert_eq!(worker.get(ALERTS).at("/alerts"), json!([]));
}

#[test]
fn a_rule_of_a_group_without_a_channel_is_warned_of_and_its_alert_says_so() {
    let worker = with_channel();
    let header = [("Authorization", worker.token.as_str())];
    let host = worker.add_host("alpha");
    let heard = worker.post(RULES, &header, &load_rule(&json!({ "name": "heard" })).to_string());
    assert!(heard.status == 201 && !heard.body.contains("warnings"), "{}", heard.body);
    let unheard = load_rule(&json!({ "group": "nobody" })).to_string();
    let made = worker.post(RULES, &header, &unheard);
    let warning = made.at("/warnings/0").as_str().unwrap_or_default().to_owned();
    assert!(made.status == 201 && warning.contains("\"nobody\" has no channel"), "{}", made.body);
    let id = made.at("/id");
    let replaced = worker.request("PUT", &format!("{RULES}/{id}"), &header, &unheard);
    assert_eq!((replaced.status, replaced.at("/warnings/0")), (200, json!(warning)), "{}", replaced.body);
    report(&worker, &host, 1, 5.0);
    assert_eq!(told(&worker, now_ms()), ["alert_fired"], "of the other rule");
    let events = worker.get("/api/edgewatch/v1/events").at("/events");
    let of_kind = |kind: &str| {
        let events = events.as_array().into_iter().flatten();
        events.filter(|event| event["kind"] == kind).cloned().collect::<Vec<_>>()
    };
    let said = of_kind("nobody_told");
    assert_eq!((said.len(), of_kind("alert_fired").len()), (1, 2), "{events}");
    assert!(said[0]["text"].as_str().is_some_and(|text| text.contains("\"nobody\"")), "{said:?}");
}

#[test]
fn one_reminder_waits_for_a_receiver_that_is_down_and_goes_with_the_alert() {
    let worker = with_channel();
    let host = worker.add_host("alpha");
    make(&worker, &load_rule(&json!({ "repeat": "every", "repeat_s": 300 })));
    worker.answer_outbound(500);
    let step = five_minutes(&worker, &host);
    let step = |number: u64, load1: f64| {
        step(number, load1);
        let of_alerts = "SELECT e.kind AS kind FROM outbox o JOIN events e ON instr(o.key, e.key) > 0 \
             WHERE e.kind LIKE 'alert_%' ORDER BY e.key";
        let found = worker.sql(of_alerts)["results"].as_array().cloned().unwrap_or_default();
        found.iter().map(|row| row["kind"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(step(0, 5.0), ["alert_fired"]);
    for number in 1..=3 {
        assert_eq!(step(number, 5.0), ["alert_fired", "alert_reminder"], "step {number}");
    }
    let kinds = worker.get("/api/edgewatch/v1/events").at("/events").to_string();
    assert_eq!(kinds.matches("alert_reminder").count(), 3, "each is listed: {kinds}");
    assert_eq!(step(4, 1.0), ["alert_fired", "alert_recovered"]);
    worker.answer_outbound(200);
    let tried = told(&worker, now_ms()).len();
    for number in 5..=9 {
        step(number, 1.0);
    }
    let mut seen = told(&worker, now_ms()).split_off(tried);
    seen.sort_unstable();
    assert_eq!(seen, ["alert_fired", "alert_recovered"], "no reminder of what is over");
}
