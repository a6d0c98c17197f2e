//! What holds for every route. Source: nezha specification, 1.

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

const JSON: &str = "application/json; charset=utf-8";

/// Every route: its method and path. Not all of them exist with these numbers; that they are routes is what counts.
const ROUTES: [(&str, &str); 40] = [
    ("GET", "/api/v1/server/list"),
    ("GET", "/api/v1/server/details"),
    ("POST", "/api/v1/server/register"),
    ("GET", "/api/v1/monitor/1"),
    ("GET", "/ws"),
    ("GET", "/service"),
    ("GET", "/network"),
    ("GET", "/network/1"),
    ("GET", "/server"),
    ("GET", "/monitor"),
    ("GET", "/notification"),
    ("GET", "/setting"),
    ("POST", "/view-password"),
    ("GET", "/api/token"),
    ("POST", "/api/token"),
    ("DELETE", "/api/token/x"),
    ("POST", "/api/server"),
    ("POST", "/api/monitor"),
    ("POST", "/api/notification"),
    ("POST", "/api/alert-rule"),
    ("POST", "/api/setting"),
    ("POST", "/api/logout"),
    ("POST", "/api/cron"),
    ("GET", "/api/cron/1/manual"),
    ("POST", "/api/nat"),
    ("POST", "/api/ddns"),
    ("POST", "/api/force-update"),
    ("POST", "/api/batch-update-server-group"),
    ("POST", "/api/batch-delete-server"),
    ("GET", "/api/search-server"),
    ("GET", "/api/search-tasks"),
    ("GET", "/api/search-ddns"),
    ("DELETE", "/api/server/1"),
    ("DELETE", "/api/monitor/1"),
    ("DELETE", "/api/notification/1"),
    ("DELETE", "/api/alert-rule/1"),
    ("DELETE", "/api/cron/1"),
    ("DELETE", "/api/ddns/1"),
    ("DELETE", "/api/nat/1"),
    ("DELETE", "/api/nat/99"),
];

/// Whether there is no white space but within texts.
fn is_compact(json: &str) -> bool {
    let (mut in_text, mut is_escaped) = (false, false);
    for character in json.chars() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if in_text => is_escaped = true,
            '"' => in_text = !in_text,
            _ if !in_text && character.is_whitespace() => return false,
            _ => {}
        }
    }
    true
}

#[test]
fn every_answer_is_compact_json_with_its_type_and_length() {
    // H1.
    let worker = Worker::start();
    let host = worker.add_host("a name, with: white space");
    super::report(&worker, &host, 1, &super::facts());
    let cookie = worker.cookie();
    let token = [("Authorization", worker.token.as_str())];
    let session = [("Cookie", cookie.as_str())];
    let made = json!({ "Name": "n", "DDNSProfilesRaw": "[]" }).to_string();
    let answers: Vec<(&str, Reply)> = vec![
        ("list", worker.get("/api/v1/server/list")),
        ("details", worker.get("/api/v1/server/details")),
        ("details of one", worker.get("/api/v1/server/details?id=1")),
        ("register", worker.post("/api/v1/server/register", &token, "{}")),
        ("register, short", worker.post("/api/v1/server/register?simple=1", &token, "{}")),
        ("register, malformed", worker.post("/api/v1/server/register", &token, "[]")),
        ("refused", worker.get_as("/api/v1/server/list", &[])),
        ("monitor", worker.get("/api/v1/monitor/1")),
        ("monitor of no number", worker.get("/api/v1/monitor/x")),
        ("monitor of nobody", worker.get("/api/v1/monitor/99")),
        ("guest's monitor", worker.get_as("/api/v1/monitor/1", &[])),
        ("tokens", worker.get_as("/api/token", &session)),
        ("token made", worker.post("/api/token", &session, "{}")),
        ("token unknown", worker.request("DELETE", "/api/token/x", &session, "")),
        ("server made", worker.post("/api/server", &session, &made)),
        ("server refused", worker.post("/api/server", &session, "")),
        ("search", worker.get_as("/api/search-server?word=a", &session)),
        ("admin refused", worker.post("/api/server", &[], "")),
        ("not supported", worker.post("/api/cron", &session, "{}")),
    ];
    for (what, reply) in answers {
        assert_eq!(reply.header("content-type"), Some(JSON), "{what}");
        assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()), "{what}");
        assert!(
            is_compact(&reply.body) && serde_json::from_str::<Value>(&reply.body).is_ok(),
            "{what}: {}",
            reply.body
        );
    }
}

#[test]
fn a_wrong_method_is_404_on_every_route_and_head_on_a_get_route_too() {
    // H5.
    let worker = Worker::start();
    let cookie = worker.cookie();
    let session = [("Cookie", cookie.as_str())];
    for (method, path) in ROUTES {
        // A path of several methods is asked with one that it has not.
        let others: &[&str] =
            if method == "GET" { &["HEAD", "PUT", "PATCH"] } else { &["HEAD", "PUT", "PATCH", "GET"] };
        for other in others {
            if ROUTES.contains(&(*other, path)) {
                continue;
            }
            assert_eq!(worker.request(other, path, &session, "").status, 404, "{other} {path}");
        }
    }
    for path in
        ["/api/v1", "/api/v1/", "/api/v1/server", "/api/v1/monitor", "/api/v1/monitor/", "/api/v1/server/list/1"]
    {
        assert_eq!(worker.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_slash_behind_every_route_leads_to_the_one_without() {
    // H6.
    let worker = Worker::start();
    for (method, path) in ROUTES {
        let reply = worker.request(method, &format!("{path}/"), &[], "");
        let expected = if method == "GET" { 301 } else { 307 };
        assert_eq!((reply.status, reply.header("location")), (expected, Some(path)), "{method} {path}/");
    }
    let query = worker.get("/api/v1/server/list/?tag=a%2Fb&x=1");
    assert_eq!((query.status, query.header("location")), (301, Some("/api/v1/server/list?tag=a%2Fb&x=1")));
    for (method, path) in
        [("POST", "/api/v1/server/list/"), ("GET", "/api/v1/server/register/"), ("GET", "/api/v1/monitor//")]
    {
        assert_eq!(worker.request(method, path, &[], "").status, 404, "{method} {path}: what is no route stays none");
    }
}

#[test]
fn a_body_counts_whatever_type_it_is_said_to_have_and_whatever_follows_it() {
    // H7.
    let worker = Worker::start();
    let cookie = worker.cookie();
    let register = |content_type: &str, body: &str| {
        let headers = [("Authorization", worker.token.as_str()), ("Content-Type", content_type)];
        worker.post("/api/v1/server/register", &headers, body).at("/code")
    };
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"] {
        assert_eq!(register(content_type, r#"{"NAME":"x","uNkNoWn":[{}]}"#), 200, "{content_type}");
    }
    let made = |body: &str| worker.post("/api/token", &[("Cookie", &cookie)], body).at("/result/note");
    assert_eq!((made("null"), made("{}")), (json!(""), json!("")));
    assert_eq!(made(r#"{"nOtE":"bot"} garbage"#), "bot");
    assert_eq!(made(r#"{"Note":"one"}{"Note":"two"}"#), "one", "only the first value is read");
    for wrong in ["", " ", "[]", "1", "\"x\"", r#"{"Note":1}"#, r#"{"Note":["x"]}"#, "{\"Note\":"] {
        let reply = worker.post("/api/token", &[("Cookie", &cookie)], wrong);
        assert_eq!((reply.status, reply.at("/code")), (200, json!(400)), "{wrong}");
    }
}

#[test]
fn nothing_is_negotiated_nothing_is_paged_and_nobody_is_slowed_down() {
    // H8. Who accepts compressed answers may get one: the platform makes those, in front of us.
    let worker = Worker::start();
    worker.add_hosts("host", 30);
    let headers = [
        ("Authorization", worker.token.as_str()),
        ("Origin", "https://panel.example"),
        ("If-None-Match", "*"),
        ("Range", "bytes=0-1"),
    ];
    for _ in 0..40 {
        let reply = worker.get_as("/api/v1/server/list?page=2&limit=1&per_page=1", &headers);
        assert_eq!((reply.status, reply.at("/result").as_array().map(Vec::len)), (200, Some(30)));
        for (name, value) in &reply.headers {
            let name = name.to_ascii_lowercase();
            let is_foreign = name.starts_with("access-control-")
                || name.contains("ratelimit")
                || ["etag", "content-encoding", "link", "last-modified", "retry-after"].contains(&name.as_str());
            assert!(!is_foreign, "{name}: {value}");
        }
    }
    let preflight = [("Origin", "https://panel.example"), ("Access-Control-Request-Method", "GET")];
    let asked = worker.request("OPTIONS", "/api/v1/server/list", &preflight, "");
    assert_eq!((asked.status, asked.header("access-control-allow-origin")), (404, None));
}
