//! What guests are told, on the wire: everything that a guest may ask for is asked for, and nothing of what guests must not know is in
//! any of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgewatch_harness::http::Reply;
use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const V1: &str = "/api/edgewatch/v1";
const PATIENCE: Duration = Duration::from_secs(20);
/// No other number in an answer looks like this one: it is the hidden host's.
const HIDDEN_ID: u64 = 918_273;

/// Every text that no guest may see, with what it is; each of them is somewhere in what an administrator sees.
const SECRETS: [(&str, &str); 16] = [
    ("hidden-zeta", "the name of a hidden host"),
    ("cellar-kappa", "the group of a hidden host"),
    ("note-of-zeta", "a hidden host's note"),
    ("word-of-zeta", "a hidden host's public note"),
    ("note-of-alpha", "the note of a host that is shown"),
    ("203.0.113.77", "the address of a host that is shown"),
    ("198.51.100.66", "the address of a hidden host"),
    ("10.20.30.41", "an address of an interface"),
    ("02:00:5e:10:20:30", "a hardware address"),
    ("probe-kept-back", "the name of a probe that is not public"),
    ("target.example", "what a probe asks"),
    ("refused by 10.9", "what a host said of a probe"),
    ("rule-of-ours", "the name of a rule"),
    ("channel-of-ours", "the name of a channel"),
    ("ada-the-admin", "the name of a person"),
    ("token-of-ours", "the words for a token"),
];

/// A deployment with something to hide.
struct Scene {
    worker: Worker,
    shown: TestHost,
    hidden: TestHost,
    /// What was made at random and must not be told either.
    made: Vec<(String, &'static str)>,
}

fn register(worker: &Worker, body: &Value) -> TestHost {
    let reply = worker.post("/api/v1/server/register", &[("Authorization", &worker.token)], &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
    let secret = reply.at("/secret").as_str().expect("a secret").to_owned();
    let listed = worker.get("/api/v1/server/list").at("/result");
    let found = listed.as_array().into_iter().flatten().find(|server| server["name"] == body["Name"]);
    TestHost { id: found.and_then(|server| server["id"].as_u64()).expect("it is in the list"), secret }
}

fn make(worker: &Worker, path: &str, body: &Value) -> Reply {
    let reply = worker.post(&format!("{V1}{path}"), &[("Authorization", &worker.token)], &body.to_string());
    assert!((200..300).contains(&reply.status), "{path}: {}", reply.body);
    reply
}

fn change(worker: &Worker, path: &str, body: &Value) {
    let reply = worker.request("PATCH", &format!("{V1}{path}"), &[("Authorization", &worker.token)], &body.to_string());
    assert!((200..300).contains(&reply.status), "{path}: {}", reply.body);
}

fn report(worker: &Worker, host: &TestHost, number: u64, address: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970").as_millis();
    let machine =
        json!({ "interfaces": [{ "name": "eth0", "mac": "02:00:5e:10:20:30", "addresses": ["10.20.30.41"] }] });
    let sample = json!({ "number": number, "at_ms": now, "cpu_percent": 12.5, "load1": 1, "uptime_s": 77,
        "probes": [{ "id": 1, "delay_ms": 5 }, { "id": 2, "note": "refused by 10.9.9.9" }] });
    let body = json!({ "agent_version": "0.1.0", "sent_at_ms": now, "oldest": number, "period_s": 10,
        "host": { "platform": "debian", "mem_total_bytes": 1024, "machine": machine }, "samples": [sample] });
    let bearer = format!("Bearer {}", host.secret);
    let headers = [("Authorization", bearer.as_str()), ("CF-Connecting-IP", address)];
    let reply = worker.post("/agent/v1/reports", &headers, &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
}

fn scene(view: &str) -> Scene {
    let worker = Worker::start();
    let shown = register(
        &worker,
        &json!({ "Name": "alpha-shown", "Tag": "front", "Note": "note-of-alpha", "HideForGuest": "off" }),
    );
    worker.sql(&format!("UPDATE sqlite_sequence SET seq = {} WHERE name = 'hosts'", HIDDEN_ID - 1));
    let hidden = register(
        &worker,
        &json!({ "Name": "hidden-zeta", "Tag": "cellar-kappa", "Note": "note-of-zeta", "HideForGuest": "on" }),
    );
    assert_eq!(hidden.id, HIDDEN_ID);
    change(
        &worker,
        &format!("/hosts/{}", shown.id),
        &json!({ "public_note": "word-of-alpha", "tags": ["label-of-alpha"] }),
    );
    change(
        &worker,
        &format!("/hosts/{}", hidden.id),
        &json!({ "public_note": "word-of-zeta", "tags": ["label-of-zeta"] }),
    );
    make(
        &worker,
        "/probes",
        &json!({ "name": "probe-shown", "kind": "http", "target": "https://target.example/", "public": true }),
    );
    make(&worker, "/probes", &json!({ "name": "probe-kept-back", "kind": "tcp", "target": "target.example:81" }));
    report(&worker, &shown, 1, "203.0.113.77");
    report(&worker, &hidden, 1, "198.51.100.66");
    make(
        &worker,
        "/rules",
        &json!({ "name": "rule-of-ours", "conditions": [{ "metric": "cpu_percent", "above": 90, "for_s": 300 }] }),
    );
    let channel = json!({ "name": "channel-of-ours", "kind": "webhook", "url": "https://target.example/hook" });
    make(&worker, "/channels", &channel);
    make(&worker, "/users", &json!({ "username": "ada-the-admin", "password": "correct horse", "role": "admin" }));
    let token = make(&worker, "/tokens", &json!({ "note": "token-of-ours", "scopes": ["read"] }));
    change(&worker, "/settings", &json!({ "guest_view": view }));
    let text = |reply: &Reply, pointer: &str| reply.at(pointer).as_str().expect("a text").to_owned();
    let full = worker.get(&format!("{V1}/hosts/{HIDDEN_ID}"));
    let made = vec![
        (worker.token.clone(), "the administrator's token"),
        (text(&token, "/token"), "a token"),
        (shown.secret.clone(), "the secret of a host that is shown"),
        (hidden.secret.clone(), "a hidden host's secret"),
        (text(&full, "/public_id"), "a hidden host's public id"),
        (text(&full, "/uuid"), "a hidden host's UUID"),
        ("label-of-zeta".to_owned(), "a hidden host's tag"),
    ];
    Scene { worker, shown, hidden, made }
}

/// Every address that a guest may try, in the words of every API, by the number of a host and by none.
fn paths(scene: &Scene) -> Vec<String> {
    let mut paths: Vec<String> = [
        "/",
        "/ui/login",
        "/ui/settings/users",
        "/service",
        "/network",
        "/metrics",
        "/docs",
        "/openapi.json",
        "/robots.txt",
        "/login",
        "/server",
        "/monitor",
        "/setting",
        "/nowhere",
        "/api/v1/server/list",
        "/api/v1/server/details",
        "/api/server",
        "/api/monitor",
        "/api/search-server?word=",
        "/api/token",
        "/api/v0/hosts",
        "/api/v0/services",
        "/api/v0/alerts",
        "/api/v0/monitors",
        "/api/v0/channels",
        "/api/v0/users",
        "/api/v0/org",
        "/api/state",
        "/api/charts",
        "/api/storage",
        "/api/backups",
        "/api/snapshots",
        "/api/guests/metadata",
        "/api/alerts/active",
        "/api/alerts/history",
        "/api/config/nodes",
        "/api/notifications/webhooks",
        "/api/diagnostics",
        "/api/health",
        "/api/version",
        "/agentconnector/push.json",
    ]
    .map(str::to_owned)
    .into();
    for path in [
        "session",
        "hosts",
        "groups",
        "audit",
        "guest",
        "settings",
        "users",
        "tokens",
        "channels",
        "channels/kinds",
        "rules",
        "quiet-hours",
        "alerts",
        "alerts?state=all",
        "events",
        "probes",
        "probes/1",
        "probes/2",
        "probes/summary",
        "usage",
        "push-agents",
        "nowhere",
    ] {
        paths.push(format!("{V1}/{path}"));
    }
    for id in [scene.shown.id, scene.hidden.id] {
        paths.extend([
            format!("/network/{id}"),
            format!("/ui/hosts/{id}"),
            format!("/api/v1/monitor/{id}"),
            format!("/api/v1/server/details?id={id}"),
            format!("/api/v0/hosts/{id}"),
            format!("/api/agents/host/{id}/config"),
            format!("{V1}/hosts/{id}"),
            format!("{V1}/hosts/{id}/checks"),
            format!("{V1}/hosts/{id}/packages"),
            format!("{V1}/series?hosts={id}&metrics=cpu_percent&from=0&points=10"),
        ]);
    }
    paths
}

/// All of an answer as it stood on the wire, but for the lengths and dates that every answer has.
fn wire(reply: &Reply) -> String {
    format!("{:?} {}", reply.headers, reply.body)
}

fn assert_tells_nothing(scene: &Scene, from: &str, heard: &str) {
    let fixed = SECRETS.iter().map(|(text, what)| (*text, *what));
    let made = scene.made.iter().map(|(text, what)| (text.as_str(), *what));
    for (text, what) in fixed.chain(made) {
        assert!(!heard.contains(text), "{from} tells {what}: {heard}");
    }
    // Who names the number may hear it again.
    if !from.contains(&HIDDEN_ID.to_string()) {
        assert!(!heard.contains(&HIDDEN_ID.to_string()), "{from} tells the number of a hidden host: {heard}");
    }
}

/// Opens a socket as a guest and hears what comes, while both hosts report.
fn listen(scene: &Scene, path: &str, number: u64) -> Result<String, u16> {
    let mut socket = Socket::open(scene.worker.address(), path, &[])?;
    let window = json!({ "type": "window", "hosts": [scene.shown.id, scene.hidden.id] }).to_string();
    assert!(socket.send_text(&window));
    let hear = |socket: &mut Socket, wait: Duration| match socket.next(wait) {
        Heard::Text(text) => text,
        Heard::Binary(_) => panic!("{path} sends bytes"),
        Heard::Nothing | Heard::Closed(_) => String::new(),
    };
    let mut heard = hear(&mut socket, PATIENCE);
    assert!(!heard.is_empty(), "{path}: no first message");
    report(&scene.worker, &scene.hidden, number, "198.51.100.66");
    report(&scene.worker, &scene.shown, number, "203.0.113.77");
    // What changed of the host that is shown comes; whatever came with it is looked at.
    let mut more = hear(&mut socket, PATIENCE);
    while !more.is_empty() && heard.len() < 100_000 {
        heard.push_str(&more);
        more = hear(&mut socket, Duration::from_millis(300));
    }
    Ok(heard + &more)
}

#[test]
fn nothing_that_a_guest_gets_tells_what_guests_must_not_know() {
    let scene = scene("status");
    let worker = &scene.worker;
    for path in paths(&scene) {
        for accept in ["application/json", "text/html"] {
            let reply = worker.get_as(&path, &[("Accept", accept)]);
            assert!(reply.status != 500, "{path}: {}", reply.body);
            assert_tells_nothing(&scene, &path, &wire(&reply));
        }
    }
    for (at, path) in ["/live", "/ws", "/nezha/ws"].into_iter().enumerate() {
        let heard = listen(&scene, path, 2 + at as u64).unwrap_or_else(|status| panic!("{path}: {status}"));
        assert!(heard.contains("alpha-shown"), "{path} shows what is not hidden: {heard}");
        assert_tells_nothing(&scene, path, &heard);
    }
    for path in ["/pulse/ws", "/socket.io/?transport=websocket", "/agent/v1/stream", "/agent/v1/proxmox"] {
        let refused = listen(&scene, path, 9).err();
        assert!(refused.is_some_and(|status| (400..500).contains(&status)), "{path}: {refused:?}");
    }
}

#[test]
fn what_guests_may_know_is_told_and_the_rest_is_there_for_others() {
    let scene = scene("status");
    let worker = &scene.worker;
    let live = listen(&scene, "/live", 2).expect("guests are let in");
    for shown in ["alpha-shown", "front", "label-of-alpha", "word-of-alpha"] {
        assert!(live.contains(shown), "{shown}: {live}");
    }
    let probes = worker.get_as(&format!("{V1}/probes/summary"), &[]);
    assert!(probes.body.contains("probe-shown"), "{}", probes.body);
    assert_eq!(worker.get_as(&format!("{V1}/guest"), &[]).at("/view"), "status");
    // None of the texts above is absent for the reason that it is nowhere.
    let heard: String = paths(&scene).iter().map(|path| wire(&worker.get(path))).collect();
    for (text, what) in SECRETS {
        assert!(heard.contains(text), "an administrator sees {what}: {text}");
    }
    let is_readable = |what: &str| ["public id", "UUID", "tag"].iter().any(|end| what.ends_with(end));
    for (text, what) in scene.made.iter().filter(|(_, what)| is_readable(what)) {
        assert!(heard.contains(text.as_str()), "an administrator sees {what}: {text}");
    }
}

#[test]
fn where_guests_are_not_let_in_they_are_told_of_nobody() {
    let scene = scene("off");
    for path in paths(&scene) {
        let heard = wire(&scene.worker.get_as(&path, &[("Accept", "application/json")]));
        assert_tells_nothing(&scene, &path, &heard);
        for shown in ["alpha-shown", "word-of-alpha", "probe-shown"] {
            assert!(!heard.contains(shown), "{path} tells {shown}: {heard}");
        }
    }
    for path in ["/live", "/ws", "/nezha/ws", "/pulse/ws"] {
        assert!(listen(&scene, path, 2).is_err(), "{path}");
    }
}
