//! Odd forms that real clients send, and what they may rely on at their start. Source: mackerel specification, 1, 1.2, 4.2.

use edgewatch_harness::receiver::Receiver;
use edgewatch_harness::worker::Fault;
use serde_json::{Value, json};

use super::tsdb::{now_s, value};
use super::watching::alerts;
use super::{Mackerel, call, key};

#[test]
fn keys_that_are_unheard_of_change_nothing() {
    let mackerel = Mackerel::start();
    let host = mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["Shop:web"] }));
    let at = now_s();
    let monitor = json!({
        "type": "host", "name": "m", "metric": "loadavg5", "operator": ">", "duration": 1, "critical": 9, "warning": null
    });
    for (method, path, body) in [
        ("POST", "/hosts".to_owned(), json!({ "name": "b", "meta": {} })),
        ("PUT", format!("/hosts/{host}"), json!({ "name": "a", "meta": {} })),
        ("POST", format!("/hosts/{host}/status"), json!({ "status": "working" })),
        ("PUT", format!("/hosts/{host}/role-fullnames"), json!({ "roleFullnames": ["Shop:web"] })),
        ("POST", "/hosts/bulk-update-statuses".to_owned(), json!({ "ids": [host], "status": "working" })),
        ("POST", "/services".to_owned(), json!({ "name": "Svc" })),
        ("POST", "/services/Svc/roles".to_owned(), json!({ "name": "role" })),
        ("POST", "/monitors".to_owned(), monitor),
        ("POST", "/channels".to_owned(), json!({ "type": "webhook", "name": "w", "url": "https://example.com/" })),
        ("POST", "/notification-groups".to_owned(), json!({ "name": "g" })),
        (
            "POST",
            "/downtimes".to_owned(),
            json!({ "name": "d", "start": at, "duration": 1, "monitorScopes": ["11111111119"] }),
        ),
        ("POST", "/alert-group-settings".to_owned(), json!({ "name": "s" })),
        ("POST", "/graph-annotations".to_owned(), json!({ "title": "t", "from": 1, "to": 2, "service": "Svc" })),
        ("POST", "/dashboards".to_owned(), json!({ "title": "t", "urlPath": "p" })),
        (
            "POST",
            "/monitoring/checks/report".to_owned(),
            json!({ "reports": [{
                "source": { "type": "host", "hostId": host, "unheardOf": 1 }, "name": "c", "status": "OK", "message": "",
                "occurredAt": at, "unheardOf": {}
            }] }),
        ),
    ] {
        let mut odd = body;
        odd["unheardOf"] = json!([{ "a": null }]);
        let answered = mackerel.done(method, &path, &odd);
        assert!(!answered.to_string().contains("unheardOf"), "{method} {path}: {answered}");
    }
    let mut posted = value(&host, "x", at, 1);
    posted["unheardOf"] = json!({});
    mackerel.done("POST", "/tsdb", &json!([posted]));
    mackerel.done("POST", "/services/Svc/tsdb", &json!([{ "name": "x", "time": at, "value": 1, "unheardOf": null }]));
    let defs = json!([{ "name": "custom.a", "unheardOf": 1, "metrics": [{ "name": "custom.a.b", "unheardOf": 1 }] }]);
    mackerel.done("POST", "/graph-defs/create", &defs);
}

#[test]
fn an_agent_that_starts_while_the_database_does_not_answer_hears_503_and_nothing_else() {
    let mackerel = Mackerel::start();
    let id = mackerel.make(&json!({ "name": "a", "meta": {}, "customIdentifier": "cid" }));
    let all = "status=working&status=standby&status=maintenance&status=poweroff";
    for (method, path, body) in [
        ("GET", format!("/hosts?customIdentifier=cid&{all}"), String::new()),
        ("GET", format!("/hosts/{id}"), String::new()),
        ("GET", "/hosts-by-custom-identifier/cid".to_owned(), String::new()),
        ("POST", "/hosts".to_owned(), r#"{"name":"b","meta":{}}"#.to_owned()),
        ("PUT", format!("/hosts/{id}"), r#"{"name":"a","meta":{"x":1}}"#.to_owned()),
        ("POST", format!("/hosts/{id}/status"), r#"{"status":"standby"}"#.to_owned()),
        ("POST", format!("/hosts/{id}/retire"), "null".to_owned()),
    ] {
        for fault in [Fault::Overloaded, Fault::LostBefore] {
            // Whoever asks, the key is looked up first.
            for part in ["tokens", "hosts"] {
                let key = key(&mackerel.worker, &["read", "write"]);
                mackerel.worker.faults(fault, 9, part);
                let refused = call(&mackerel.worker, &key, method, &path, &body);
                assert!(mackerel.worker.faults_fired() > 0, "{method} {path}: {part}");
                mackerel.worker.faults(Fault::Off, 0, part);
                assert_eq!(refused.status, 503, "{method} {path} {part}: {}", refused.body);
                assert!(refused.at("/error/message").is_string(), "{}", refused.body);
            }
        }
    }
    let host = mackerel.show(&id);
    assert_eq!((&host["status"], &host["isRetired"], &host["meta"]), (&json!("working"), &json!(false), &json!({})));
    assert_eq!(mackerel.names(""), ["a"], "and nothing was made or changed");
}

#[test]
fn nothing_is_ever_a_redirect_to_another_address() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    for path in ["//org", "/org/", "/hosts//", "/ORG", &format!("/hosts/{id}/"), &format!("/hosts//{id}")] {
        let reply = mackerel.call("GET", path, "");
        assert_eq!((reply.status, reply.header("location")), (404, None), "{path}");
    }
}

#[test]
fn thirty_hosts_are_changed_at_once_and_one_more_is_one_too_many() {
    // 11.
    let mackerel = Mackerel::start();
    let ids: Vec<String> = (0..31).map(|number| mackerel.host(&format!("h{number:02}"))).collect();
    let said = |ids: &[String]| json!({ "ids": ids, "status": "maintenance" });
    mackerel.refused(400, ("POST", "/hosts/bulk-update-statuses"), &said(&ids).to_string());
    mackerel.refused(400, ("POST", "/hosts/bulk-retire"), &said(&ids).to_string());
    assert_eq!(mackerel.names("").len(), 31);
    mackerel.done("POST", "/hosts/bulk-update-statuses", &said(&ids[..30]));
    assert_eq!((mackerel.names("").len(), mackerel.names("?status=maintenance").len()), (1, 30));
    mackerel.done("POST", "/hosts/bulk-retire", &said(&ids[..30]));
    assert_eq!(mackerel.names("?status=maintenance&status=working"), ["h30"]);
}

#[test]
fn nobody_is_told_that_the_alerts_of_a_retired_host_are_over() {
    let mackerel = Mackerel::start();
    let receiver = Receiver::start();
    mackerel.tell(&receiver);
    let monitor =
        json!({ "type": "host", "name": "m", "metric": "loadavg5", "operator": ">", "duration": 1, "critical": 8 });
    mackerel.done("POST", "/monitors", &monitor);
    let [first, second] = ["a", "b"].map(|name| mackerel.host(name));
    let bad = |host: &str| {
        mackerel.done("POST", "/tsdb", &json!([value(host, "loadavg5", now_s(), 9)]));
    };
    bad(&first);
    alerts(&mackerel, "", 1);
    mackerel.done("POST", &format!("/hosts/{first}/retire"), &Value::Null);
    alerts(&mackerel, "", 0);
    // What comes later is told: then the other one would have been, too.
    bad(&second);
    alerts(&mackerel, "", 1);
    let kinds = || -> Vec<Value> { receiver.received().into_iter().map(|one| one.json()["kind"].clone()).collect() };
    edgewatch_harness::wait::wait_until("both are told", super::watching::PATIENCE, || {
        (kinds().iter().filter(|kind| **kind == "alert_fired").count() == 2).then_some(())
    });
    assert_eq!(kinds(), [json!("alert_fired"), json!("alert_fired")]);
}

#[test]
fn a_body_that_is_no_text_or_too_large_is_told_so_and_nothing_is_kept() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let Mackerel { worker, key } = &mackerel;
    for path in ["/hosts", "/tsdb", "/monitoring/checks/report", "/monitors", "/services"] {
        let head = format!(
            "POST /api/v0{path} HTTP/1.1\r\nHost: {}\r\nX-Api-Key: {key}\r\nConnection: close\r\nContent-Length: 5\r\n\r\n",
            worker.address()
        );
        let reply = worker.send_raw(&[head.as_bytes(), b"{\"\xff\"}"].concat()).expect("an answer");
        assert_eq!((reply.status, reply.at("/error/message").is_string()), (400, true), "{path}: {}", reply.body);
    }
    let large = "x".repeat(4 * 1024 * 1024);
    for (path, body) in [
        ("/hosts", json!({ "name": "b", "meta": {}, "memo": large })),
        ("/tsdb", json!([value(&id, "x", now_s(), 1), { "unheardOf": large }])),
        ("/dashboards", json!({ "title": "t", "urlPath": "p", "memo": large })),
    ] {
        mackerel.refused(413, ("POST", path), &body.to_string());
    }
    assert_eq!(mackerel.names(""), ["a"]);
    assert_eq!(mackerel.get(&format!("/hosts/{id}/metric-names")), json!({ "names": [] }));
    assert_eq!(mackerel.get("/dashboards"), json!({ "dashboards": [] }));
}
