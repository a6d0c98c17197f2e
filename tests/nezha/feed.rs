//! `GET /ws`, and the same within the page at `/`. Source: nezha specification, 13.

use std::time::{Duration, Instant};

use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const WAIT: Duration = Duration::from_secs(15);

/// A fleet of a visible host and a hidden one that reported, and a visible one that never did.
fn fleet() -> (Worker, Vec<TestHost>) {
    let worker = Worker::start();
    let hosts = worker.add_hosts("host", 3);
    worker.sql("UPDATE hosts SET hidden_for_guest = (id = 2), public_note = '{\"plan\":\"a''b\"}', note = 'SECRET' WHERE id < 3");
    worker.sql("UPDATE hosts SET hidden_for_guest = 0, display_index = 5 WHERE id = 3");
    worker.sql("UPDATE settings SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE key = 'hosts_version'");
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970").as_millis();
    assert!(worker.cron_at(u64::try_from(now_ms).expect("a time")));
    for host in &hosts[..2] {
        super::report(&worker, host, 1, &super::facts());
    }
    (worker, hosts)
}

fn let_guests_in(worker: &Worker) {
    worker.sql("INSERT INTO settings (key, value) VALUES ('guest_view', 'status')");
}

fn open(worker: &Worker, headers: &[(&str, &str)]) -> Result<Socket, u16> {
    Socket::open(worker.address(), "/ws", headers)
}

fn text(socket: &mut Socket) -> (String, Value) {
    match socket.next(WAIT) {
        Heard::Text(text) => {
            let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            (text, value)
        }
        other => panic!("no text: {other:?}"),
    }
}

fn ids(value: &Value) -> Vec<u64> {
    value["servers"].as_array().into_iter().flatten().filter_map(|server| server["ID"].as_u64()).collect()
}

/// The JSON in the page's literal, as a front end finds it.
fn literal(page: &str) -> Value {
    let start = page.find("servers = JSON.parse('").expect("a literal") + "servers = JSON.parse('".len();
    let line = page[start..].split('\n').next().expect("a line");
    let inner = &line[..line.find("')").expect("its end")];
    let json: String = serde_json::from_str(&format!("\"{inner}\"")).expect("a text");
    serde_json::from_str(&json).expect("JSON")
}

#[test]
fn ws_as_a_guest_lacks_hidden_servers_and_as_a_member_has_them() {
    // Check 12.
    let (worker, _hosts) = fleet();
    let_guests_in(&worker);
    let cookie = worker.cookie();
    let mut guest = open(&worker, &[]).expect("a guest is let in");
    let mut member = open(&worker, &[("Cookie", &cookie)]).expect("a member is let in");
    let (guest_text, first) = text(&mut guest);
    assert_eq!(ids(&first), [3, 1]);
    let (_, whole) = text(&mut member);
    assert_eq!(ids(&whole), [3, 1, 2], "display index descending, then id");
    for secret in ["SECRET", "198.51.100.7", "2001:db8", "PublicNote", "host-1"] {
        assert!(!guest_text.contains(secret), "{secret}: {guest_text}");
    }
}

#[test]
fn ws_has_every_key_in_the_products_order() {
    let (worker, _hosts) = fleet();
    let cookie = worker.cookie();
    let mut socket = open(&worker, &[("Cookie", &cookie)]).expect("an upgrade");
    let (raw, value) = text(&mut socket);
    assert_eq!(value["now"].as_i64().map(|now| now % 1000), Some(0), "a whole second in ms");
    let server = &value["servers"][1];
    assert_eq!((&server["Name"], &server["DeletedAt"]), (&json!("host-0"), &Value::Null));
    assert_eq!((&server["HideForGuest"], &server["EnableDDNS"]), (&json!(false), &json!(false)));
    assert_eq!((&server["Host"]["Platform"], &server["State"]["CPU"]), (&json!("darwin"), &json!(17.33)));
    assert!(server["LastActive"].as_str().is_some_and(|at| at.ends_with('Z') && at > "2026"), "{server}");
    assert_eq!(value["servers"][0]["LastActive"], "0001-01-01T00:00:00Z", "never active");
    let keys = [
        "ID",
        "CreatedAt",
        "UpdatedAt",
        "DeletedAt",
        "Name",
        "Tag",
        "DisplayIndex",
        "HideForGuest",
        "EnableDDNS",
        "Host",
        "State",
        "LastActive",
    ];
    let places: Vec<Option<usize>> = keys.iter().map(|key| raw.find(&format!("\"{key}\":"))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} in {raw}");
}

#[test]
fn ws_tells_all_again_every_two_seconds_and_what_changed_with_it() {
    // Check 12: two messages within 3 s.
    let (worker, hosts) = fleet();
    let cookie = worker.cookie();
    let mut socket = open(&worker, &[("Cookie", &cookie)]).expect("an upgrade");
    text(&mut socket);
    text(&mut socket);
    let begun = Instant::now();
    text(&mut socket);
    text(&mut socket);
    assert!((3..=6).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    super::report(&worker, &hosts[2], 1, &super::facts());
    let end = Instant::now() + WAIT;
    while text(&mut socket).1["servers"][0]["Host"]["Platform"] != "darwin" {
        assert!(Instant::now() < end, "the report is never told");
    }
    let (_, value) = text(&mut socket);
    let active = value["servers"][0]["LastActive"].as_str().expect("a time").to_owned();
    assert!(active.as_str() > "2026", "{active}");
}

#[test]
fn ws_goes_on_after_the_viewers_object_was_put_to_sleep() {
    let (worker, _hosts) = fleet();
    let cookie = worker.cookie();
    let mut socket = open(&worker, &[("Cookie", &cookie)]).expect("an upgrade");
    text(&mut socket);
    worker.evict("Hub", "hub-0", edgewatch_harness::objects::Sockets::Hibernate);
    for _ in 0..3 {
        assert_eq!(ids(&text(&mut socket).1).len(), 3);
    }
}

#[test]
fn without_servers_the_key_is_missing() {
    let worker = Worker::start();
    let cookie = worker.cookie();
    let mut socket = open(&worker, &[("Cookie", &cookie)]).expect("an upgrade");
    let (_, value) = text(&mut socket);
    assert_eq!(
        value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["now".to_owned()])
    );
    assert_eq!(literal(&worker.get_as("/", &[("Cookie", &cookie)]).body).get("servers"), None);
}

#[test]
fn who_may_not_look_is_refused_before_the_upgrade() {
    let (worker, _hosts) = fleet();
    assert_eq!(open(&worker, &[]).map(drop), Err(200), "guests are not let in by default");
    let refused = worker.get_as("/ws", &[]);
    assert_eq!((refused.status, refused.json()), (200, json!({ "code": 403, "message": "访问受限" })));
    let cookie = worker.cookie();
    let evil = [("Cookie", cookie.as_str()), ("Origin", "https://evil.example")];
    assert_eq!(open(&worker, &evil).map(drop), Err(403));
    let ours = [("Cookie", cookie.as_str()), ("Origin", worker.url.as_str())];
    assert!(open(&worker, &ours).is_ok());
    let plain = worker.get_as("/ws", &[("Cookie", &cookie)]);
    assert_eq!((plain.status, plain.body.as_str()), (400, "Bad Request"));
    let sibling = [("Cookie", cookie.as_str()), ("Origin", "http://127.0.0.1:1")];
    assert_eq!(open(&worker, &sibling).map(drop), Err(403), "the port belongs to the host");
    let_guests_in(&worker);
    assert_eq!(worker.get_as("/ws", &[]).status, 400);
    assert_eq!(open(&worker, &[("Origin", "https://evil.example")]).map(drop), Err(403));
}

#[test]
fn the_page_holds_the_servers_that_its_reader_may_see() {
    let (worker, _hosts) = fleet();
    let page = |headers: &[(&str, &str)]| worker.get_as("/", headers).body;
    assert_eq!(literal(&page(&[])).get("servers"), None, "guests are not let in by default");
    let cookie = worker.cookie();
    let whole = literal(&page(&[("Cookie", &cookie)]));
    assert_eq!(ids(&whole), [3, 1, 2]);
    let note = whole["servers"][1]["PublicNote"].as_str().expect("a public note");
    assert_eq!(serde_json::from_str::<Value>(note).expect("JSON")["plan"], "a'b");
    assert_eq!(whole["servers"][0].get("PublicNote"), None, "where there is none");
    let_guests_in(&worker);
    let seen = page(&[]);
    assert_eq!(ids(&literal(&seen)), [3, 1]);
    assert!(!seen.contains("SECRET") && !seen.contains("host-1"), "{seen}");
}

#[test]
fn a_hostile_name_stays_within_its_text() {
    let worker = Worker::start();
    let name = "</script><script>alert('1')</script>\u{2028}\\u0022&amp;";
    let body = json!({ "Name": name, "HideForGuest": "off" }).to_string();
    let made = worker.post("/api/v1/server/register", &[("Authorization", &worker.token)], &body);
    assert_eq!(made.at("/code"), 200);
    let cookie = worker.cookie();
    let page = worker.get_as("/", &[("Cookie", &cookie)]).body;
    assert_eq!(literal(&page)["servers"][0]["Name"], name);
    // Once, on one line, and nothing of JSON or HTML in it that is not escaped.
    assert_eq!(page.matches("JSON.parse(").count(), 1);
    let line = page.lines().find(|line| line.contains("JSON.parse(")).expect("a line");
    let inner =
        line.split_once("servers = JSON.parse('").and_then(|(_, rest)| rest.split_once("')")).expect("a literal").0;
    assert!(!inner.contains(['"', '\'', '<', '>', '&']), "{inner}");
    for part in ["{\\u0022now\\u0022:", "\\u003c/script\\u003e", "\\u0027", "\\u0026amp;"] {
        assert!(inner.contains(part), "{part} in {inner}");
    }
    assert_eq!(page.matches("<script").count(), 4, "our own two, where styles lie, and the block of data");
    assert!(!page.contains("alert('1')"));
}

#[test]
fn front_ends_that_ask_for_a_newer_version_find_nothing() {
    let worker = Worker::start();
    let_guests_in(&worker);
    let cookie = worker.cookie();
    for path in ["/api/v1/profile", "/api/v1/setting", "/api/v1/server", "/api/v1/ws/server"] {
        for headers in [&[][..], &[("Authorization", worker.token.as_str())], &[("Cookie", cookie.as_str())]] {
            assert_eq!(worker.get_as(path, headers).status, 404, "{path}");
        }
        assert!(Socket::open(worker.address(), path, &[]).is_err(), "{path}");
    }
}
