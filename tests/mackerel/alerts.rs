//! Alerts and their log. Source: mackerel specification, 9.

use serde_json::{Value, json};

use super::checks::says;
use super::tsdb::now_s;
use super::watching::alerts;
use super::{Mackerel, audited};

fn id(alert: &Value) -> String {
    alert["id"].as_str().expect("an id").to_owned()
}

#[test]
fn alerts_are_listed_in_pages_newest_first() {
    let mackerel = Mackerel::start();
    let host = mackerel.host("a");
    assert_eq!(mackerel.call("GET", "/alerts?nextId=&limit=", "").body, r#"{"alerts":[]}"#);
    let at = now_s() - 60;
    let reports: Vec<Value> =
        (0..5).map(|number| says(&host, &format!("c{number}"), "CRITICAL", at + number)).collect();
    mackerel.report(&reports);
    let all = alerts(&mackerel, "", 5);
    assert_eq!(all[0]["message"], json!("c4 CRITICAL"));
    let first = mackerel.get("/alerts?limit=2");
    let next = first["nextId"].as_str().expect("more");
    assert_eq!(next, id(&all[1]));
    let second = mackerel.get(&format!("/alerts?limit=3&nextId={next}"));
    assert_eq!((&second["alerts"][0], second.get("nextId")), (&all[2], None));
    assert_eq!(second["alerts"].as_array().map(Vec::len), Some(3));
    for bad in ["0", "101", "x", "-1"] {
        assert_eq!(mackerel.call("GET", &format!("/alerts?limit={bad}"), "").status, 400, "{bad}");
    }
    assert_eq!(mackerel.get("/alerts?nextId=nope"), json!({ "alerts": [] }));
}

#[test]
fn an_alert_is_noted_on_closed_by_hand_and_comes_again_when_it_is_still_so() {
    let mackerel = Mackerel::start();
    let host = mackerel.host("a");
    let at = now_s() - 60;
    mackerel.report(&[says(&host, "c", "CRITICAL", at)]);
    let alert = alerts(&mackerel, "", 1).remove(0);
    let path = format!("/alerts/{}", id(&alert));
    assert_eq!(mackerel.get(&path), alert);
    let noted = mackerel.done("PUT", &path, &json!({ "memo": "seen <b>" }));
    assert_eq!(noted, json!({ "id": id(&alert), "memo": "seen <b>" }));
    assert_eq!(mackerel.get(&path)["memo"], json!("seen <b>"));
    let long = json!({ "memo": "x".repeat(80 * 1024 + 1) }).to_string();
    assert_eq!(mackerel.call("PUT", &path, &long).status, 413);
    for bad in ["", "null", "{}", r#"{"memo":null}"#] {
        assert_eq!(mackerel.call("PUT", &path, bad).status, 400, "{bad}");
    }

    let close = format!("{path}/close");
    for bad in ["", "null", "{}", r#"{"reason":1}"#] {
        assert_eq!(mackerel.call("POST", &close, bad).status, 400, "{bad}");
    }
    let closed = mackerel.done("POST", &close, &json!({ "reason": "" }));
    assert_eq!((&closed["status"], &closed["reason"], &closed["memo"]), (&json!("OK"), &json!(""), &json!("seen <b>")));
    assert!(closed["closedAt"].is_i64());
    alerts(&mackerel, "", 0);
    let again = mackerel.done("POST", &close, &json!({ "reason": "why" }));
    assert_eq!((&again["closedAt"], &again["reason"]), (&closed["closedAt"], &json!("why")));
    let steps = || mackerel.get(&format!("{path}/logs"))["logs"].as_array().expect("a list").clone();
    edgewatch_harness::wait::wait_until("its log", std::time::Duration::from_secs(20), || {
        (steps().len() == 2).then_some(())
    });
    assert_eq!((&steps()[0]["status"], &steps()[0]["trigger"]), (&json!("OK"), &json!("manual")));
    for bad in ["0", "101", "x"] {
        mackerel.refused(400, ("GET", &format!("{path}/logs?limit={bad}")), "");
    }
    let first = mackerel.get(&format!("{path}/logs?limit=1"));
    let rest = mackerel.get(&format!("{path}/logs?nextId={}", first["nextId"].as_str().expect("more")));
    assert_eq!((&rest["logs"][0], rest.get("nextId")), (&steps()[1], None));
    mackerel.report(&[says(&host, "c", "CRITICAL", at + 1)]);
    assert_ne!(id(&alerts(&mackerel, "", 1)[0]), id(&alert));
    assert_eq!(["alert.memo", "alert.close"].map(|action| audited(&mackerel.worker, action)), [1, 2]);
    let unknown = mackerel.call("GET", "/alerts/2eQGEaLxiYU", "");
    assert_eq!((unknown.status, unknown.at("/error/message")), (404, json!("Alert Not Found.")));
}

#[test]
fn alerts_of_our_own_rules_are_there_as_the_type_that_they_have() {
    let mackerel = Mackerel::start();
    let header = [("Authorization", mackerel.worker.token.as_str())];
    for (name, metric) in [("busy", "load1"), ("traffic", "net_in_transfer")] {
        let rule = json!({ "name": name, "conditions": [{ "metric": metric, "above": 4 }] }).to_string();
        let made = mackerel.worker.post("/api/edgewatch/v1/rules", &header, &rule);
        assert!(made.status == 201 || metric != "load1", "{}", made.body);
    }
    let host = mackerel.worker.add_host("native");
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": 1, "period_s": 20,
        "samples": [{ "number": 1, "at_ms": 0, "load1": 9.0, "named": [] }]
    });
    let bearer = format!("Bearer {}", host.secret);
    let reply = mackerel.worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
    let alert = alerts(&mackerel, "", 1).remove(0);
    let listed = mackerel.get("/hosts")["hosts"][0]["id"].clone();
    assert_eq!((&alert["type"], &alert["hostId"], &alert["status"]), (&json!("host"), &listed, &json!("CRITICAL")));
    assert_eq!(alert["monitorId"].as_str().map(str::len), Some(11));
    assert_eq!(mackerel.get("/monitors")["monitors"].as_array().map(Vec::len), Some(1), "a rule is no monitor");
}
