//! Routes, keys and their order. Source: mackerel specification, 1.

use edgewatch_harness::worker::Worker;
use serde_json::json;

use super::{Mackerel, call, key, token};

const NOT_FOUND: &str = r#"{"error":{"message":"Not found."}}"#;
const NO_KEY: &str = r#"{"error":{"message":"Authentication failed. Please try with valid Api Key."}}"#;

/// Every route: method, path with a target that is not there, flags it asks for, whether it reads a body.
pub const ROUTES: &[(&str, &str, &str, bool)] = &[
    ("GET", "/org", "R", false),
    ("GET", "/users", "R", false),
    ("DELETE", "/users/x", "RW", false),
    ("GET", "/invitations", "R", false),
    ("POST", "/invitations", "RW", true),
    ("POST", "/invitations/revoke", "RW", true),
    ("GET", "/aws-integrations", "R", false),
    ("DELETE", "/graph-defs", "RW", true),
    ("POST", "/graph-defs/create", "RW", true),
    ("GET", "/hosts", "R", false),
    ("GET", "/hosts.json", "R", false),
    ("POST", "/hosts", "RW", true),
    ("POST", "/hosts/bulk-update-statuses", "RW", true),
    ("POST", "/hosts/bulk-retire", "RW", true),
    ("GET", "/hosts/x", "R", false),
    ("PUT", "/hosts/x", "RW", true),
    ("POST", "/hosts/x/status", "RW", true),
    ("PUT", "/hosts/x/role-fullnames", "W", true),
    ("POST", "/hosts/x/retire", "RW", true),
    ("GET", "/hosts/x/monitored-statuses", "R", false),
    ("GET", "/hosts-by-custom-identifier/x", "R", false),
    ("POST", "/tsdb", "RW", true),
    ("GET", "/tsdb/latest?hostId=z&name=a", "R", false),
    ("GET", "/hosts/x/metrics?name=a&from=0&to=1", "R", false),
    ("GET", "/hosts/x/metric-names", "R", false),
    ("POST", "/services/x/tsdb", "RW", true),
    ("GET", "/services/x/metrics?name=a&from=0&to=1", "R", false),
    ("GET", "/services/x/metric-names", "R", false),
    ("DELETE", "/services/x/graph-defs/a.*", "RW", false),
    ("GET", "/services", "R", false),
    ("POST", "/services", "RW", true),
    ("DELETE", "/services/x", "RW", false),
    ("GET", "/services/x/roles", "R", false),
    ("POST", "/services/x/roles", "RW", true),
    ("DELETE", "/services/x/roles/y", "RW", false),
    ("GET", "/hosts/x/metadata", "R", false),
    ("GET", "/hosts/x/metadata/n", "R", false),
    ("PUT", "/hosts/x/metadata/n", "RW", true),
    ("DELETE", "/hosts/x/metadata/n", "RW", false),
    ("GET", "/services/x/metadata", "R", false),
    ("GET", "/services/x/metadata/n", "R", false),
    ("PUT", "/services/x/metadata/n", "RW", true),
    ("DELETE", "/services/x/metadata/n", "RW", false),
    ("GET", "/services/x/roles/y/metadata", "R", false),
    ("GET", "/services/x/roles/y/metadata/n", "R", false),
    ("PUT", "/services/x/roles/y/metadata/n", "RW", true),
    ("DELETE", "/services/x/roles/y/metadata/n", "RW", false),
    ("GET", "/monitoring/checks", "R", false),
    ("POST", "/monitoring/checks/report", "RW", true),
    ("GET", "/monitoring/checks/x", "R", false),
    ("GET", "/monitors", "R", false),
    ("POST", "/monitors", "RW", true),
    ("GET", "/monitors/x", "R", false),
    ("PUT", "/monitors/x", "RW", true),
    ("DELETE", "/monitors/x", "RW", false),
    ("GET", "/alerts", "R", false),
    ("GET", "/alerts/x", "R", false),
    ("PUT", "/alerts/x", "RW", true),
    ("POST", "/alerts/x/close", "RW", true),
    ("GET", "/alerts/x/logs", "R", false),
    ("GET", "/channels", "R", false),
    ("POST", "/channels", "RW", true),
    ("PUT", "/channels/x", "RW", true),
    ("DELETE", "/channels/x", "RW", false),
    ("GET", "/notification-groups", "R", false),
    ("POST", "/notification-groups", "RW", true),
    ("PUT", "/notification-groups/x", "RW", true),
    ("DELETE", "/notification-groups/x", "RW", false),
    ("GET", "/downtimes", "R", false),
    ("POST", "/downtimes", "RW", true),
    ("PUT", "/downtimes/x", "RW", true),
    ("DELETE", "/downtimes/x", "RW", false),
    ("GET", "/alert-group-settings", "R", false),
    ("POST", "/alert-group-settings", "RW", true),
    ("GET", "/alert-group-settings/x", "R", false),
    ("PUT", "/alert-group-settings/x", "RW", true),
    ("DELETE", "/alert-group-settings/x", "RW", false),
    ("GET", "/graph-annotations", "R", false),
    ("POST", "/graph-annotations", "RW", true),
    ("PUT", "/graph-annotations/x", "RW", true),
    ("DELETE", "/graph-annotations/x", "RW", false),
    ("GET", "/dashboards", "R", false),
    ("POST", "/dashboards", "RW", true),
    ("GET", "/dashboards/x", "R", false),
    ("PUT", "/dashboards/x", "RW", true),
    ("DELETE", "/dashboards/x", "RW", false),
];

/// A good body for a route whose target is not there.
fn good_body(path: &str) -> &'static str {
    match path.split('/').nth(1).unwrap_or_default() {
        "channels" => return r#"{"type":"webhook","name":"a","url":"https://example.com/"}"#,
        "downtimes" => return r#"{"name":"a","start":1,"duration":1}"#,
        "graph-annotations" => return r#"{"title":"a","from":1,"to":2,"service":"Nope"}"#,
        "dashboards" => return r#"{"title":"a","urlPath":"a"}"#,
        _ => {}
    }
    match path.rsplit('/').next().unwrap_or_default() {
        "bulk-update-statuses" => r#"{"ids":["x"],"status":"standby"}"#,
        "bulk-retire" => r#"{"ids":["x"]}"#,
        "status" => r#"{"status":"standby"}"#,
        "tsdb" => "[]",
        "roles" => r#"{"name":"aa"}"#,
        "close" => r#"{"reason":""}"#,
        _ => r#"{"name":"a","meta":{},"memo":"m"}"#,
    }
}

#[test]
fn an_unknown_route_is_told_before_the_key_is_looked_at() {
    // 1.
    let worker = Worker::start();
    for (method, path) in [
        ("GET", "/api/v0/nope"),
        ("GET", "/api/v0"),
        ("GET", "/api/v0/"),
        ("GET", "/api/v0/org/"),
        ("POST", "/api/v0/org"),
        ("GET", "/api/v0/hosts/"),
        ("GET", "/api/v0/hosts/x/"),
        ("DELETE", "/api/v0/hosts/x"),
        ("GET", "/api/v0/hosts/bulk-retire/x"),
        ("GET", "/api/v0/hosts-by-custom-identifier/a/b"),
        ("GET", "/api/v0/traces/1"),
        ("POST", "/api/v0/traces"),
        ("GET", "/api/v0/apm/services"),
        ("GET", "/api/v0/settings/ip-restriction/web"),
        ("PUT", "/api/v0/settings/ip-restriction/api"),
        ("GET", "/api/v0/channels/x"),
        ("GET", "/api/v0/downtimes/"),
        ("GET", "/api/v0/%6frg"),
    ] {
        for headers in [&[][..], &[("X-Api-Key", "")]] {
            let reply = worker.request(method, path, headers, "");
            assert_eq!((reply.status, reply.body.as_str()), (404, NOT_FOUND), "{method} {path}");
            assert_eq!(reply.header("content-type"), Some("application/json"));
        }
    }
}

#[test]
fn a_missing_empty_or_unknown_key_is_401_with_the_known_text() {
    // 1.
    let worker = Worker::start();
    let basic = ("Authorization", "Basic dXNlcjpwYXNz");
    let bearer = ("Authorization", worker.token.as_str());
    for headers in
        [&[][..], &[("X-Api-Key", "")], &[("X-Api-Key", "x")], &[("X-Api-Key", &"a".repeat(43))], &[basic], &[bearer]]
    {
        let reply = worker.get_as("/api/v0/org", headers);
        assert_eq!((reply.status, reply.body.as_str()), (401, NO_KEY), "{headers:?}");
    }
    let reply = worker.get_as("/api/v0/org?", &[basic, ("x-api-key", &worker.token)]);
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"name":"edgewatch","displayName":null}"#));
}

#[test]
fn each_route_asks_for_its_flags_and_no_others() {
    // 10.
    let worker = Worker::start();
    let (read, write) = (key(&worker, &["read"]), key(&worker, &["write"]));
    for (method, path, flags, _) in ROUTES {
        let none = worker.request(method, &format!("/api/v0{path}"), &[], "{");
        assert_eq!((none.status, none.body.as_str()), (401, NO_KEY), "{method} {path}");
        // A body that cannot be read shows that permission is looked at first.
        let (by_reader, by_writer) =
            (call(&worker, &read, method, path, "{"), call(&worker, &write, method, path, "{"));
        let refused = |status: u16| status == 403;
        assert_eq!(refused(by_reader.status), *flags != "R", "{method} {path}: {}", by_reader.body);
        assert_eq!(refused(by_writer.status), *flags != "W", "{method} {path}: {}", by_writer.body);
        if refused(by_reader.status) {
            assert!(by_reader.at("/error/message").is_string());
        }
    }
}

#[test]
fn a_body_that_cannot_be_read_is_told_before_a_target_that_is_not_there() {
    let mackerel = Mackerel::start();
    for (method, path, _, has_body) in ROUTES {
        if *has_body {
            for body in ["{", "[}"] {
                let key = if path.contains("invitations") { &mackerel.worker.token } else { &mackerel.key };
                let malformed = call(&mackerel.worker, key, method, path, body);
                assert_eq!(malformed.status, 400, "{method} {path} {body}: {}", malformed.body);
                assert!(malformed.at("/error/message").is_string());
            }
        }
        let named = path.split('/').any(|part| part == "x") || path.contains("bulk");
        if named && !path.contains("identifier") {
            let unknown = mackerel.call(method, path, good_body(path));
            let is_admins = path.contains("users");
            assert_eq!(unknown.status, if is_admins { 403 } else { 404 }, "{method} {path}: {}", unknown.body);
            if path.contains("hosts") {
                assert_eq!(unknown.body, r#"{"error":{"message":"Host Not Found."}}"#, "{method} {path}");
            }
        }
    }
}

#[test]
fn a_key_from_elsewhere_is_403() {
    let worker = Worker::start();
    let elsewhere = token(&worker, &json!({ "scopes": ["read", "write"], "address_ranges": ["192.0.2.0/24"] }));
    for (method, path, _, _) in ROUTES {
        let reply = call(&worker, &elsewhere, method, path, "{}");
        assert_eq!((reply.status, reply.at("/error/message").is_string()), (403, true), "{method} {path}");
    }
}

#[test]
fn a_question_mark_is_no_query_and_a_body_needs_no_type_and_no_length() {
    let Mackerel { worker, key } = Mackerel::start();
    let address = worker.address();
    let chunked = format!(
        "POST /api/v0/hosts? HTTP/1.1\r\nHost: {address}\r\nX-Api-Key: {key}\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n17\r\n{{\"name\":\"a\",\"meta\":{{}}}}\n\r\n0\r\n\r\n"
    );
    let made = worker.send_raw(chunked.as_bytes()).expect("an answer");
    assert_eq!(made.status, 200, "{}", made.body);
    let odd = [("X-Api-Key", key.as_str()), ("Content-Type", "text/plain")];
    let listed = worker.get_as("/api/v0/hosts?", &odd);
    assert_eq!(listed.at("/hosts/0/id"), made.at("/id"));
    let posted = worker.post("/api/v0/hosts?", &odd, "{\"name\":\"\\u003cb\\u003e\",\"meta\":{}}\n");
    let id = posted.at("/id").as_str().expect("an id").to_owned();
    assert_eq!(worker.get_as(&format!("/api/v0/hosts/{id}?"), &odd).at("/host/name"), json!("<b>"));
}

#[test]
fn a_session_may_look_and_another_site_may_not_make_a_browser_write() {
    let worker = Worker::start();
    let cookie = worker.cookie();
    assert_eq!(worker.get_as("/api/v0/hosts", &[("Cookie", &cookie)]).status, 200);
    let body = r#"{"name":"a","meta":{}}"#;
    let cross = [("Cookie", cookie.as_str()), ("Origin", "https://evil.example")];
    assert_eq!(worker.post("/api/v0/hosts", &cross, body).status, 403);
    assert_eq!(worker.post("/api/v0/hosts", &[("Cookie", &cookie)], body).status, 200);
}
