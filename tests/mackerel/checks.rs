//! Checks of hosts. Source: mackerel specification, 3.1, 3.4, 3.12 and 7.

use edgewatch_harness::http::Reply;
use edgewatch_harness::objects::Sockets;
use edgewatch_harness::receiver::Receiver;
use edgewatch_harness::wait::wait_until;
use serde_json::{Value, json};

use super::tsdb::now_s;
use super::watching::{PATIENCE, alerts};
use super::{Mackerel, call, key};

const REPORT: &str = "/monitoring/checks/report";
const SUCCESS: &str = r#"{"success":true}"#;

/// What a check says.
pub fn says(host: &str, name: &str, status: &str, at_s: i64) -> Value {
    json!({
        "source": { "type": "host", "hostId": host }, "name": name, "status": status, "message": format!("{name} {status}"),
        "occurredAt": at_s
    })
}

impl Mackerel {
    fn report_of(&self, reports: &[Value]) -> Reply {
        self.call("POST", REPORT, &json!({ "reports": reports }).to_string())
    }

    /// Reports that are taken.
    pub fn report(&self, reports: &[Value]) -> Reply {
        let reply = self.report_of(reports);
        assert_eq!((reply.status, reply.body.as_str()), (200, SUCCESS));
        reply
    }

    fn check_names(&self) -> Vec<String> {
        let listed = self.get("/monitoring/checks");
        let checks = listed["checks"].as_array().expect("a list").iter();
        checks.map(|check| check["name"].as_str().expect("a name").to_owned()).collect()
    }
}

#[test]
fn checks_are_announced_kept_by_null_and_synchronised_unless_they_have_an_alert() {
    let mackerel = Mackerel::start();
    let id = mackerel.make(&json!({ "name": "a", "meta": {}, "checks": ["old", { "name": "new", "memo": "x" }] }));
    assert_eq!(mackerel.check_names(), ["old", "new"]);
    assert!(mackerel.show(&id).get("checks").is_none());
    let put = |checks: Value| {
        mackerel.done("PUT", &format!("/hosts/{id}"), &json!({ "name": "a", "meta": {}, "checks": checks }));
        mackerel.check_names()
    };
    assert_eq!(put(Value::Null), ["old", "new"]);
    mackerel.done("PUT", &format!("/hosts/{id}"), &json!({ "name": "a", "meta": {} }));
    assert_eq!(put(json!(["new", "more"])), ["new", "more"]);
    mackerel.report(&[says(&id, "more", "CRITICAL", now_s() - 5), says(&id, "new", "OK", now_s() - 5)]);
    assert_eq!(put(json!([])), ["more"], "it has an alert");
    mackerel.report(&[says(&id, "more", "OK", now_s() - 4)]);
    assert_eq!(put(json!([])), Vec::<String>::new());
    mackerel.report(&[says(&id, "more", "OK", now_s() - 3)]);
    assert_eq!(mackerel.check_names(), ["more"], "what reports is a check");
}

#[test]
fn checks_are_listed_in_pages_and_shown() {
    let mackerel = Mackerel::start();
    assert_eq!(mackerel.call("GET", "/monitoring/checks", "").body, r#"{"checks":[]}"#);
    let names: Vec<String> = (0..5).map(|number| format!("c{number}")).collect();
    let host = mackerel.make(&json!({ "name": "a", "meta": {}, "checks": names }));
    let first = mackerel.get("/monitoring/checks?nextId=&limit=2");
    let rest = mackerel.get(&format!("/monitoring/checks?nextId={}", first["nextId"].as_str().expect("more")));
    assert!(rest.get("nextId").is_none());
    let all: Vec<&Value> = [&first, &rest].into_iter().filter_map(|page| page["checks"].as_array()).flatten().collect();
    assert_eq!(all.iter().filter_map(|check| check["name"].as_str()).collect::<Vec<_>>(), names);
    let id = all[3]["id"].as_str().expect("an id");
    assert_eq!(id.len(), 11);
    assert_eq!(mackerel.get(&format!("/monitoring/checks/{id}")), json!({ "check": { "id": id, "name": "c3" } }));
    for bad in ["0", "101", "x"] {
        assert_eq!(mackerel.call("GET", &format!("/monitoring/checks?limit={bad}"), "").status, 400, "{bad}");
    }
    let unknown = mackerel.call("GET", "/monitoring/checks/2eQGEaLxiYU", "");
    assert_eq!((unknown.status, unknown.at("/error/message")), (404, json!("Check Not Found.")));
    mackerel.done("POST", &format!("/hosts/{host}/retire"), &json!({}));
    assert_eq!(mackerel.check_names(), Vec::<String>::new());
}

#[test]
fn what_checks_report_opens_changes_and_ends_one_alert() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let at = now_s() - 60;
    let twice = |status: &str, at_s: i64| {
        let mut report = says(&id, "disk", status, at_s);
        (report["maxCheckAttempts"], report["notificationInterval"]) = (json!(2), json!(5));
        report
    };
    mackerel.report(&[twice("WARNING", at)]);
    mackerel.report(&[twice("WARNING", at)]);
    let statuses = mackerel.get(&format!("/hosts/{id}/monitored-statuses"));
    let check = mackerel.get("/monitoring/checks")["checks"][0]["id"].clone();
    let detail = json!({ "type": "check", "message": "disk WARNING", "memo": "" });
    assert_eq!(
        statuses,
        json!({ "monitoredStatuses": [{ "monitorId": check, "status": "WARNING", "detail": detail }] })
    );
    assert_eq!(mackerel.get("/alerts"), json!({ "alerts": [] }), "the same second once more is no second attempt");
    mackerel.report(&[twice("WARNING", at + 1)]);
    let open = alerts(&mackerel, "", 1);
    let expected = json!({
        "id": open[0]["id"], "status": "WARNING", "monitorId": check, "type": "check", "hostId": id,
        "message": "disk WARNING", "openedAt": open[0]["openedAt"]
    });
    assert_eq!(open[0], expected);
    // The object sleeps, and knows what was said.
    mackerel.worker.evict("Hub", "hub-0", Sockets::Hibernate);
    mackerel.report(&[twice("CRITICAL", at + 2)]);
    assert_eq!(alerts(&mackerel, "", 1)[0]["status"], json!("CRITICAL"));
    mackerel.report(&[twice("OK", at + 3)]);
    alerts(&mackerel, "", 0);
    let over = alerts(&mackerel, "?withClosed=true", 1);
    assert_eq!((&over[0]["id"], &over[0]["status"]), (&open[0]["id"], &json!("OK")));
    assert!(over[0]["closedAt"].is_i64());
    let log = mackerel.get(&format!("/alerts/{}/logs?limit=100&nextId=", over[0]["id"].as_str().expect("an id")));
    let steps: Vec<(&Value, &Value)> =
        log["logs"].as_array().expect("a list").iter().map(|one| (&one["status"], &one["trigger"])).collect();
    let monitoring = json!("monitoring");
    let [ok, critical, warning] = ["OK", "CRITICAL", "WARNING"].map(|status| json!(status));
    assert_eq!(steps, [(&ok, &monitoring), (&critical, &monitoring), (&warning, &monitoring)]);
    assert_eq!(log["logs"][1]["statusDetail"]["detail"], json!({ "message": "disk CRITICAL", "memo": "" }));
}

#[test]
fn a_report_without_a_change_costs_no_row_in_the_database() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let at = now_s() - 600;
    mackerel.report(&[says(&id, "disk", "OK", at)]);
    mackerel.report(&[says(&id, "disk", "OK", at + 60)]);
    let cost = mackerel.report(&[says(&id, "disk", "OK", at + 120)]).cost();
    assert_eq!((cost.d1_rows_read, cost.d1_rows_written, cost.object_rows_written), (0, 0, 1), "{cost:?}");
    let again = mackerel.report(&[says(&id, "disk", "OK", at + 120)]).cost();
    assert_eq!((again.d1_rows_read, again.d1_rows_written, again.object_rows_written), (0, 0, 0), "{again:?}");
}

#[test]
fn reports_of_nobody_are_left_out_where_others_are_good() {
    let mackerel = Mackerel::start();
    let (id, retired) = (mackerel.host("a"), mackerel.host("b"));
    mackerel.done("POST", &format!("/hosts/{retired}/retire"), &json!({}));
    let at = now_s() - 60;
    let nobodys = [says("2eQGEaLxiYU", "c", "OK", at), says(&retired, "c", "OK", at)];
    let mut mixed = nobodys.to_vec();
    mixed.extend([
        says(&id, "a b", "OK", at),
        says(&id, "old", "CRITICAL", at - 6 * 3_600),
        says(&id, "good", "OK", at),
    ]);
    mackerel.report(&mixed);
    assert_eq!(mackerel.check_names(), ["good"]);
    let unknown = mackerel.report_of(&nobodys[..1]);
    assert_eq!((unknown.status, unknown.at("/error/message")), (404, json!("Host Not Found.")));
    assert_eq!(mackerel.report_of(&nobodys[1..]).status, 400);
    assert_eq!(mackerel.report_of(&[says(&id, "a b", "OK", at)]).status, 400);
    assert_eq!(mackerel.report_of(&vec![says(&id, "c", "OK", at); 101]).status, 400);
    assert_eq!(mackerel.report_of(&[]).status, 200);
    for bad in ["", "[]", "null", "{}", r#"{"reports":[{}]}"#, r#"{"reports":null}"#] {
        assert_eq!(mackerel.call("POST", REPORT, bad).status, 400, "{bad}");
    }
    mackerel.done("POST", &format!("/hosts/{id}/retire"), &json!({}));
    assert_eq!(mackerel.report_of(&[says(&id, "good", "OK", now_s())]).status, 400, "retired meanwhile");
}

#[test]
fn an_agents_key_reports_for_its_own_hosts_alone() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let agent = super::token(&mackerel.worker, &json!({ "kind": "agent", "note": "agent" }));
    let body = json!({ "reports": [says(&id, "c", "OK", now_s())] }).to_string();
    assert_eq!(call(&mackerel.worker, &agent, "POST", REPORT, &body).status, 404);
    let made = call(&mackerel.worker, &agent, "POST", "/hosts", r#"{"name":"b","meta":{},"checks":["c"]}"#);
    let own = made.at("/id").as_str().expect("an id").to_owned();
    let body = json!({ "reports": [says(&own, "c", "OK", now_s())] }).to_string();
    assert_eq!(call(&mackerel.worker, &agent, "POST", REPORT, &body).body, SUCCESS);
    let statuses = call(&mackerel.worker, &agent, "GET", &format!("/hosts/{own}/monitored-statuses"), "");
    assert_eq!(statuses.at("/monitoredStatuses/0/status"), json!("OK"));
    let read = key(&mackerel.worker, &["read"]);
    assert_eq!(call(&mackerel.worker, &read, "POST", REPORT, &body).status, 403);
}

#[test]
fn a_thousand_checks_of_a_host_are_judged_and_those_beyond_are_told_once_a_day() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let at = now_s() - 60;
    let said = |number: usize, status: &str, at_s: i64| says(&id, &format!("c{number}"), status, at_s);
    for first in (0..1_000).step_by(100) {
        let reports: Vec<Value> = (first..first + 100).map(|number| said(number, "OK", at)).collect();
        mackerel.report(&reports);
    }
    mackerel.report(&[said(999, "CRITICAL", at + 1), said(500, "CRITICAL", at + 1)]);
    alerts(&mackerel, "", 2);
    assert_eq!(mackerel.worker.events("news"), 0, "so many are taken");
    // Beside a good one, and alone, where there is nobody else to be glad of a success.
    mackerel.report(&[said(999, "OK", at + 2), said(1_000, "CRITICAL", at + 2), said(1_001, "CRITICAL", at + 2)]);
    let alone = mackerel.report_of(&[said(1_000, "CRITICAL", at + 3)]);
    assert_eq!((alone.status, alone.at("/error/message").is_string()), (400, true), "{}", alone.body);
    assert_eq!((alone.cost().d1_rows_read, alone.cost().d1_rows_written), (0, 0), "the database is not asked for room");
    alerts(&mackerel, "", 1);
    let told = mackerel.worker.sql("SELECT text FROM events WHERE kind = 'news'")["results"].clone();
    assert_eq!(told.as_array().map(Vec::len), Some(1), "{told}");
    let text = told[0]["text"].as_str().expect("a text");
    assert!(text.contains("1000 checks") && text.contains("2 others"), "{text}");
    assert!(mackerel.worker.log().matches("checks.names").count() >= 2, "and each time in the log");
    // A host that says what checks it has makes room.
    let put = json!({ "name": "a", "meta": {}, "checks": ["c1", "c1000"] });
    mackerel.done("PUT", &format!("/hosts/{id}"), &put);
    mackerel.report(&[said(1_000, "CRITICAL", at + 4)]);
    let open = alerts(&mackerel, "", 2);
    assert_eq!(open[0]["message"], json!("c1000 CRITICAL"));
}

#[test]
fn a_host_that_announced_as_many_checks_as_it_may_have_asks_the_database_for_room_once_in_a_while() {
    let mackerel = Mackerel::start();
    let names: Vec<String> = (0..1_000).map(|number| format!("c{number}")).collect();
    let id = mackerel.make(&json!({ "name": "a", "meta": {}, "checks": names }));
    let at = now_s() - 60;
    let beyond = |after: i64| {
        let reply = mackerel.report_of(&[says(&id, "more", "CRITICAL", at + after)]);
        assert_eq!(reply.status, 400, "{}", reply.body);
        reply.cost()
    };
    assert!(beyond(0).d1_rows_read >= 1_000, "it counts them");
    assert_eq!(mackerel.worker.events("news"), 1);
    assert!(beyond(1).d1_rows_read <= 2, "by its name alone");
    mackerel.report(&[says(&id, "c999", "CRITICAL", at + 2)]);
    assert_eq!(alerts(&mackerel, "", 1)[0]["message"], json!("c999 CRITICAL"), "those that it announced are judged");
    mackerel.worker.set_clock_ahead(11 * 60_000);
    assert!(beyond(3).d1_rows_read >= 1_000, "somebody may have made room");
    mackerel.done("PUT", &format!("/hosts/{id}"), &json!({ "name": "a", "meta": {}, "checks": ["c999"] }));
    mackerel.report(&[says(&id, "more", "CRITICAL", at + 4)]);
    alerts(&mackerel, "", 2);
}

#[test]
fn an_alert_that_was_answered_survives_the_death_of_the_runtime_in_the_same_moment() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let at = now_s() - 60;
    // The object knows the host and the check: nothing but the report itself is written when it dies.
    mackerel.report(&[says(&id, "disk", "OK", at), says(&id, "load", "OK", at)]);
    let die = |status: &str, after: i64| {
        mackerel.report(&[says(&id, "disk", status, at + after), says(&id, "load", "OK", at + after)]);
        mackerel.worker.kill();
        mackerel.worker.resume();
    };
    die("CRITICAL", 1);
    // Nothing wakes the object but its own alarm, or who asks.
    let open = alerts(&mackerel, "", 1);
    assert_eq!((&open[0]["status"], &open[0]["message"]), (&json!("CRITICAL"), &json!("disk CRITICAL")));
    die("WARNING", 2);
    wait_until("it is another one", PATIENCE, || {
        (alerts(&mackerel, "", 1)[0]["status"] == json!("WARNING")).then_some(())
    });
    die("OK", 3);
    alerts(&mackerel, "", 0);
    let over = alerts(&mackerel, "?withClosed=true", 1);
    assert_eq!(over[0]["id"], open[0]["id"], "the same alert from its beginning to its end");
    let log = mackerel.get(&format!("/alerts/{}/logs", over[0]["id"].as_str().expect("an id")));
    let steps: Vec<&Value> = log["logs"].as_array().expect("a list").iter().map(|one| &one["status"]).collect();
    assert_eq!(steps, [&json!("OK"), &json!("WARNING"), &json!("CRITICAL")]);
}

#[test]
fn an_alert_is_told_although_nothing_but_the_schedule_runs_after_the_runtimes_death() {
    let mackerel = Mackerel::start();
    let receiver = Receiver::start();
    mackerel.tell(&receiver);
    let id = mackerel.host("a");
    mackerel.report(&[says(&id, "disk", "CRITICAL", now_s() - 60)]);
    mackerel.worker.kill();
    mackerel.worker.resume();
    assert!(mackerel.worker.cron_at(u64::try_from(now_s() * 1000).expect("past 1970")));
    wait_until("somebody is told", PATIENCE, || (!receiver.received().is_empty()).then_some(()));
    let told = receiver.received();
    assert_eq!(told[0].json()["kind"], json!("alert_fired"));
}
