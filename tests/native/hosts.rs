//! Hosts as those keep them who keep the fleet: `GET, POST /api/edgewatch/v1/hosts` and what is below it, groups, and what happened to one.

use std::thread;

use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const HOSTS: &str = "/api/edgewatch/v1/hosts";
const TOKENS: &str = "/api/edgewatch/v1/tokens";
/// Texts that mean something to a page, a database, a shell or a reader of text.
const HOSTILE: &str = "</script><img src=x onerror=alert(1)>'; DROP TABLE hosts; -- \u{202e}$(id)";

fn as_admin(worker: &Worker) -> [(&str, &str); 1] {
    [("Authorization", &worker.token)]
}

fn patch(worker: &Worker, id: u64, body: &Value) -> Reply {
    worker.request("PATCH", &format!("{HOSTS}/{id}"), &as_admin(worker), &body.to_string())
}

fn made(worker: &Worker, body: &Value) -> Value {
    let reply = worker.post(HOSTS, &as_admin(worker), &body.to_string());
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.json()
}

fn token(worker: &Worker, wanted: &Value) -> String {
    let reply = worker.post(TOKENS, &as_admin(worker), &wanted.to_string());
    reply.at("/token").as_str().expect("a token").to_owned()
}

fn report(worker: &Worker, secret: &str, number: u64) -> Reply {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970").as_millis();
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": u64::try_from(now).expect("ms"), "oldest": number, "period_s": 10,
        "host": { "platform": "debian", "cpu": ["x 1 Virtual Core"], "mem_total_bytes": 1024 },
        "samples": [{ "number": number, "at_ms": u64::try_from(now).expect("ms"), "load1": 1.5,
            "temperatures": [{ "name": "cpu", "celsius": 40.5 }], "metrics": { "custom.queue.length": 3.0 } }]
    });
    worker.post("/agent/v1/reports", &[("Authorization", &format!("Bearer {secret}"))], &body.to_string())
}

#[test]
fn a_host_is_made_shown_changed_and_retired() {
    let worker = Worker::start();
    let new = made(
        &worker,
        &json!({ "name": HOSTILE, "group": "eu", "tags": ["db", HOSTILE.split(' ').next().expect("a word")], "note": "n\nm",
            "public_note": "p", "display_index": 7, "mackerel": { "status": "standby", "memo": "m", "roles": ["shop:db"] } }),
    );
    let (host, secret) = (&new["host"], new["secret"].as_str().expect("a secret"));
    let id = host["id"].as_u64().expect("a number");
    assert_eq!((&host["name"], &host["group"], &host["tags"][0]), (&json!(HOSTILE), &json!("eu"), &json!("db")));
    assert_eq!((&host["hidden_for_guest"], &host["presence"]), (&json!(true), &json!("never")));
    let expected = json!({ "status": "standby", "memo": "m", "roles": ["shop:db"] });
    assert_eq!((&host["mackerel"], &host["facts"]), (&expected, &json!(null)));
    assert_eq!(report(&worker, secret, 1).status, 200);

    let shown = worker.get(&format!("{HOSTS}/{id}"));
    assert_eq!(
        (shown.status, shown.at("/presence"), shown.at("/facts/platform")),
        (200, json!("online"), json!("debian"))
    );
    assert!(shown.at("/last_seen_s").is_i64() && !shown.body.contains(secret), "{}", shown.body);
    // The token, three rows of the host and one of its role; the hub says how it is now. It asked D1 for hosts once, just now.
    let cost = worker.get(&format!("{HOSTS}/{id}")).cost();
    assert_eq!((cost.d1_rows_read, cost.d1_rows_written, cost.object_rows_written), (5, 0, 0), "{cost:?}");

    let changed = patch(&worker, id, &json!({ "name": "alpha", "tags": [], "mackerel": { "memo": "" } }));
    assert_eq!((changed.status, changed.at("/name"), changed.at("/tags")), (200, json!("alpha"), json!([])));
    assert_eq!((changed.at("/note"), changed.at("/group")), (json!("n\nm"), json!("eu")), "the rest stays");
    assert_eq!(changed.at("/mackerel"), json!({ "status": "standby", "memo": "", "roles": ["shop:db"] }));
    // What is so already is not written.
    let again = patch(&worker, id, &json!({ "name": "alpha", "tags": [], "mackerel": { "roles": ["shop:db"] } }));
    assert_eq!((again.status, again.cost().d1_rows_written), (200, 0), "{}", again.body);
    let cost = patch(&worker, id, &json!({ "note": "other" })).cost();
    assert!(cost.d1_rows_written <= 4, "the host, the audit, the count of changes: {cost:?}");

    let metrics = worker.get(&format!("{HOSTS}/{id}/metrics"));
    assert_eq!((metrics.status, metrics.at("/built_in")), (200, json!(["load1"])), "{}", metrics.body);
    let own =
        json!([{ "name": "custom.queue.length", "unit": null }, { "name": "temperature/cpu", "unit": "celsius" }]);
    assert_eq!(metrics.at("/own"), own);

    assert_eq!(worker.request("DELETE", &format!("{HOSTS}/{id}"), &as_admin(&worker), "").status, 204);
    assert_eq!(report(&worker, secret, 2).status, 401);
    let audit = worker.get("/api/edgewatch/v1/audit?limit=3");
    let actions: Vec<Value> = (0..3).map(|at| audit.at(&format!("/changes/{at}/action"))).collect();
    assert_eq!(actions, ["host.retire", "host.edit", "host.edit"]);
    assert_eq!(
        (audit.at("/changes/1/subject"), audit.at("/changes/2/subject")),
        (json!(format!("{id} note")), json!(format!("{id} name,tags,memo")))
    );
    for (method, path, body) in
        [("GET", "", ""), ("PATCH", "", "{}"), ("DELETE", "", ""), ("POST", "/secret", ""), ("GET", "/metrics", "")]
    {
        for number in [id.to_string(), "99".to_owned(), "x".to_owned(), "0".to_owned()] {
            let reply = worker.request(method, &format!("{HOSTS}/{number}{path}"), &as_admin(&worker), body);
            assert_eq!((reply.status, reply.at("/error/code")), (404, json!("not_found")), "{method} {number}{path}");
        }
    }
}

#[test]
fn what_cannot_be_is_refused_by_its_key_and_nothing_of_it_is_done() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    for (body, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": "beta", "tags": [""] }), "tags"),
        (json!({ "name": "beta", "mackerel": { "roles": ["no role"] } }), "mackerel.roles"),
        (json!({ "name": "beta", "mackerel": { "status": "gone" } }), "mackerel.status"),
        (json!({ "name": "beta", "note": "x".repeat(16_385) }), "note"),
    ] {
        let refused = patch(&worker, host.id, &body);
        assert_eq!((refused.status, refused.at("/error/field")), (400, json!(field)), "{}", refused.body);
    }
    assert_eq!(worker.get(&format!("{HOSTS}/{}", host.id)).at("/name"), "alpha");
    for body in ["", "{", "[]", r#"{"tags":"db"}"#, r#"{"display_index":1e12}"#] {
        let refused = worker.request("PATCH", &format!("{HOSTS}/{}", host.id), &as_admin(&worker), body);
        assert_eq!((refused.status, refused.at("/error/code")), (400, json!("malformed")), "{body}");
    }
    let nameless = worker.post(HOSTS, &as_admin(&worker), "{}");
    assert_eq!((nameless.status, nameless.at("/error/field")), (400, json!("name")));
    for query in ["?limit=0", "?limit=501", "?limit=x", "?cursor=x"] {
        assert_eq!(worker.get(&format!("{HOSTS}{query}")).status, 400, "{query}");
    }
    assert_eq!(worker.get("/api/edgewatch/v1/audit?limit=501").status, 400);
    assert_eq!(worker.get("/api/edgewatch/v1/events?host=x").at("/error/field"), "host");
}

#[test]
fn lists_come_in_pages_and_groups_are_counted() {
    let worker = Worker::start();
    for (name, group, tags) in [("a", "eu", json!(["db", "x"])), ("b", "", json!(["db"])), ("c", "eu", json!([]))] {
        made(&worker, &json!({ "name": name, "group": group, "tags": tags }));
    }
    let first = worker.get(&format!("{HOSTS}?limit=2"));
    assert_eq!(
        (first.at("/hosts/0/name"), first.at("/hosts/1/name"), first.at("/cursor")),
        (json!("a"), json!("b"), json!("2"))
    );
    let second = worker.get(&format!("{HOSTS}?limit=2&cursor=2"));
    let hosts = second.at("/hosts").as_array().map(Vec::len);
    assert_eq!((second.at("/hosts/0/name"), hosts, second.at("/cursor")), (json!("c"), Some(1), json!(null)));
    // The token, and three rows a host.
    assert!(second.cost().d1_rows_read <= 4, "{:?}", second.cost());
    let groups = worker.get("/api/edgewatch/v1/groups");
    let expected = json!({
        "groups": [{ "name": "", "hosts": 1 }, { "name": "eu", "hosts": 2 }],
        "tags": [{ "name": "db", "hosts": 2 }, { "name": "x", "hosts": 1 }]
    });
    assert_eq!((groups.json(), groups.cost().d1_rows_read), (expected, 4));
}

#[test]
fn who_may_do_what() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let one = format!("{HOSTS}/{}", host.id);
    let routes = [
        ("GET", HOSTS.to_owned(), ""),
        ("POST", HOSTS.to_owned(), r#"{"name":"x"}"#),
        ("GET", one.clone(), ""),
        ("PATCH", one.clone(), r#"{"name":"x"}"#),
        ("DELETE", one.clone(), ""),
        ("POST", format!("{one}/secret"), ""),
        ("GET", format!("{one}/metrics"), ""),
        ("GET", "/api/edgewatch/v1/groups".to_owned(), ""),
        ("GET", "/api/edgewatch/v1/audit".to_owned(), ""),
        ("GET", "/api/edgewatch/v1/events?host=1".to_owned(), ""),
        ("GET", "/api/edgewatch/v1/guest".to_owned(), ""),
    ];
    for (method, path, body) in &routes {
        let refused = worker.request(method, path, &[], body);
        assert_eq!((refused.status, refused.at("/error/code")), (401, json!("unauthenticated")), "{method} {path}");
    }
    let reader = token(&worker, &json!({ "scopes": ["read"] }));
    let writer = token(&worker, &json!({ "scopes": ["read", "write"] }));
    for (method, path, body) in &routes {
        let may = *method == "GET" && !path.ends_with("/audit");
        for one in [&reader, &writer] {
            let status = worker.request(method, path, &[("Authorization", one)], body).status;
            assert_eq!(status, if may { 200 } else { 403 }, "{method} {path}");
        }
    }
    // A session of an administrator needs the header that no other site can send.
    let cookie = worker.cookie();
    let by_cookie = |csrf: bool| {
        let mut headers = vec![("Cookie", cookie.as_str())];
        headers.extend(csrf.then_some(("x-edgewatch-csrf", "1")));
        worker.request("PATCH", &one, &headers, r#"{"note":"by hand"}"#).status
    };
    assert_eq!((by_cookie(false), by_cookie(true)), (403, 200));
    assert_eq!(worker.get("/api/edgewatch/v1/audit?limit=1").at("/changes/0/actor_name"), "admin");
}

#[test]
fn an_agents_token_keeps_the_hosts_it_made_and_no_others() {
    let worker = Worker::start();
    let other = worker.add_host("other");
    let agents = token(&worker, &json!({ "kind": "agent", "uses": 1 }));
    let header = [("Authorization", agents.as_str())];
    let mine = worker.post(HOSTS, &header, r#"{"name":"mine","tags":["t"]}"#);
    assert_eq!((mine.status, mine.at("/host/tags")), (201, json!(["t"])), "{}", mine.body);
    let id = mine.at("/host/id");
    assert_eq!(worker.post(HOSTS, &header, r#"{"name":"one too many"}"#).status, 403);
    let listed = worker.get_as(HOSTS, &header);
    assert_eq!((listed.at("/hosts/0/id"), listed.at("/hosts").as_array().map(Vec::len)), (id.clone(), Some(1)));
    let (mine, others) = (format!("{HOSTS}/{id}"), format!("{HOSTS}/{}", other.id));
    assert_eq!(worker.request("PATCH", &mine, &header, r#"{"note":"x"}"#).status, 200);
    assert_eq!(worker.request("PATCH", &mine, &header, r#"{"hidden_for_guest":false}"#).status, 403);
    assert_eq!(worker.post(HOSTS, &header, r#"{"name":"x","hidden_for_guest":false}"#).status, 403);
    assert_eq!(worker.post(&format!("{mine}/secret"), &header, "").status, 403);
    for (method, body) in [("GET", ""), ("PATCH", "{}"), ("DELETE", "")] {
        assert_eq!(worker.request(method, &others, &header, body).status, 404, "{method}");
    }
    assert_eq!(worker.request("DELETE", &mine, &header, "").status, 204);
}

#[test]
fn another_secret_is_good_at_once_and_the_one_before_is_dead() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    assert_eq!(report(&worker, &host.secret, 1).status, 200);
    let renewed = worker.post(&format!("{HOSTS}/{}/secret", host.id), &as_admin(&worker), "");
    let secret = renewed.at("/secret").as_str().expect("a secret").to_owned();
    assert_eq!((renewed.status, secret.len(), secret == host.secret), (200, 18, false));
    // It was remembered here and in the hub.
    assert_eq!(report(&worker, &host.secret, 2).status, 401);
    let good = report(&worker, &secret, 2);
    assert_eq!((good.status, good.at("/durable_up_to")), (200, json!(2)), "{}", good.body);
    assert_eq!(worker.get("/api/edgewatch/v1/audit?limit=1").at("/changes/0/action"), "host.secret");
}

#[test]
fn of_changes_at_a_time_each_is_there_whole() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let change = |number: usize| {
        let text = format!("n{number}");
        json!({ "name": text, "group": text, "tags": [text], "note": text, "mackerel": { "memo": text, "roles": [format!("aa:{text}")] } })
    };
    let statuses: Vec<u16> = thread::scope(|scope| {
        let (worker, change) = (&worker, &change);
        let all: Vec<_> =
            (0..8).map(|number| scope.spawn(move || patch(worker, host.id, &change(number)).status)).collect();
        all.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert_eq!(statuses, [200; 8]);
    let now = worker.get(&format!("{HOSTS}/{}", host.id)).json();
    let text = &now["name"];
    assert_eq!(
        (&now["group"], &now["tags"][0], &now["note"], &now["mackerel"]["memo"]),
        (text, text, text, text),
        "{now}"
    );
    let role = format!("aa:{}", text.as_str().expect("a text"));
    assert_eq!(now["mackerel"]["roles"], json!([role]));
}

#[test]
fn what_happened_to_one_host_is_no_more_than_that() {
    let worker = Worker::start();
    let TestHost { id, .. } = worker.add_host("alpha");
    for (key, host) in [("01", id), ("02", id + 1), ("03", id), ("04", id)] {
        worker.sql(&format!(
            "INSERT INTO events (key, at_s, kind, host_id, text) VALUES ('{key}', 1, 'host_offline', {host}, 't')"
        ));
    }
    let keys = |query: &str| {
        let reply = worker.get(&format!("/api/edgewatch/v1/events?host={id}{query}"));
        let events = reply.at("/events");
        let keys: Vec<String> =
            events.as_array().into_iter().flatten().filter_map(|one| Some(one["key"].as_str()?.to_owned())).collect();
        (keys.join(" "), reply.at("/cursor"), reply.cost().d1_rows_read)
    };
    let (first, cursor, read) = keys("&limit=2");
    assert_eq!((first.as_str(), &cursor), ("04 03", &json!("03")));
    assert!(read <= 6, "{read}");
    assert_eq!(keys("&limit=2&cursor=03").0, "01");
}

#[test]
fn guests_are_shown_title_and_theme_labels_and_public_notes_and_nothing_else() {
    let worker = Worker::start();
    let set =
        |body: Value| worker.request("PATCH", "/api/edgewatch/v1/settings", &as_admin(&worker), &body.to_string());
    for (body, field) in
        [(json!({ "guest_theme": "blue" }), "guest_theme"), (json!({ "guest_title": "x".repeat(101) }), "guest_title")]
    {
        assert_eq!(set(body).at("/error/field"), field);
    }
    let reply = set(json!({ "guest_title": HOSTILE, "guest_theme": "dark" }));
    assert_eq!((reply.at("/guest_title"), reply.at("/guest_theme")), (json!(HOSTILE), json!("dark")));
    let guest = "/api/edgewatch/v1/guest";
    assert_eq!(worker.get_as(guest, &[]).status, 401, "nobody is let in yet");
    set(json!({ "guest_view": "status" }));
    assert_eq!(worker.get_as(guest, &[]).json(), json!({ "title": HOSTILE, "theme": "dark", "view": "status" }));
    made(
        &worker,
        &json!({ "name": "shown", "hidden_for_guest": false, "tags": ["label"], "note": "secret note", "public_note": "open" }),
    );
    made(&worker, &json!({ "name": "hidden", "tags": ["covert"] }));
    for path in [HOSTS, "/api/edgewatch/v1/groups", "/api/edgewatch/v1/hosts/1", "/api/edgewatch/v1/hosts/1/metrics"] {
        assert_eq!(worker.get_as(path, &[]).status, 401, "{path}");
    }
    let mut live = edgewatch_harness::socket::Socket::open(worker.address(), "/live", &[]).expect("a socket");
    let edgewatch_harness::socket::Heard::Text(snapshot) = live.next(std::time::Duration::from_secs(20)) else {
        panic!("no snapshot")
    };
    assert!(snapshot.contains(r#""tags":["label"]"#) && snapshot.contains(r#""public_note":"open""#), "{snapshot}");
    assert!(!snapshot.contains("secret note") && !snapshot.contains("covert"), "{snapshot}");
}
