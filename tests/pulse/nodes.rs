//! Nodes of the configuration, and what agents do for people who set them up.

use std::thread;
use std::time::{Duration, Instant};

use edgewatch_harness::http::Reply;
use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

const WAIT: Duration = Duration::from_secs(20);

fn send(worker: &Worker, method: &str, path: &str, body: &Value) -> Reply {
    worker.request(method, path, &[("X-API-Token", &worker.token)], &body.to_string())
}

fn add(worker: &Worker, kind: &str, name: &str) -> Reply {
    let host = format!("{name}.example");
    let body = json!({"type": kind, "name": name, "host": host, "tokenName": "pulse@pam!t1", "tokenValue": "hidden"});
    send(worker, "POST", "/api/config/nodes", &body)
}

fn listed(worker: &Worker) -> Value {
    let reply = worker.get("/api/config/nodes");
    assert!(!reply.body.contains("hidden"), "{}", reply.body);
    reply.json()
}

fn column(worker: &Worker, key: &str) -> Vec<String> {
    let all = listed(worker);
    all.as_array().expect("nodes").iter().map(|node| node[key].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_node_is_made_listed_changed_and_deleted_and_those_behind_it_shift() {
    let worker = Worker::start();
    assert_eq!(listed(&worker), json!([]));
    for (kind, name, id) in [("pve", "one", "pve-0"), ("pbs", "backup", "pbs-0"), ("pve", "two", "pve-1")] {
        let made = add(&worker, kind, name);
        assert_eq!((made.status, made.json()), (201, json!({"status": "success", "id": id})));
    }
    assert_eq!(column(&worker, "id"), ["pve-0", "pve-1", "pbs-0"]);
    let first = listed(&worker)[0].clone();
    assert_eq!(
        (&first["host"], &first["hasToken"], &first["hasPassword"]),
        (&json!("https://one.example:8006"), &json!(true), &json!(false))
    );
    assert_eq!(
        (&first["tokenName"], &first["status"], first.get("user")),
        (&json!("pulse@pam!t1"), &json!("disconnected"), None)
    );
    assert!(first["monitorVMs"] == true && listed(&worker)[2].get("monitorGarbageJobs").is_none());

    let changed =
        send(&worker, "PUT", "/api/config/nodes/pve-1", &json!({"name": "three", "host": "", "monitorVMs": false}));
    assert_eq!((changed.status, changed.json()), (200, json!({"status": "success"})));
    let second = listed(&worker)[1].clone();
    assert_eq!(
        (&second["name"], &second["host"], &second["hasToken"]),
        (&json!("three"), &json!("https://two.example:8006"), &json!(true))
    );
    assert_eq!(second.get("monitorVMs"), None);

    // Who has an old list in hand says whom they mean.
    for method in ["PUT", "DELETE"] {
        let guarded = send(&worker, method, "/api/config/nodes/pve-1?name=two", &json!({"name": "four"}));
        assert_eq!(guarded.status, 409, "{method}");
    }
    assert_eq!(
        send(&worker, "DELETE", "/api/config/nodes/pve-0?name=one", &Value::Null).json(),
        json!({"status": "success"})
    );
    assert_eq!(
        (column(&worker, "id"), column(&worker, "name")),
        (vec!["pve-0".to_owned(), "pbs-0".to_owned()], vec!["three".to_owned(), "backup".to_owned()])
    );
    assert_eq!(send(&worker, "DELETE", "/api/config/nodes/pve-1", &Value::Null).status, 404);
}

#[test]
fn what_is_wrong_is_told_in_the_words_and_the_order_that_clients_know() {
    let worker = Worker::start();
    add(&worker, "pve", "one");
    let whole = json!({"type": "pve", "host": "x", "user": "u@pam", "password": "p"});
    let with = |key: &str, value: Value| {
        let mut body = whole.clone();
        body[key] = value;
        body
    };
    let no_credentials = json!({"type": "pve", "host": "x", "user": "u@pam"});
    for (method, path, body, status, words) in [
        ("POST", "", json!([]), 400, "Invalid request body"),
        ("POST", "", json!({"type": "pmg"}), 400, "Host is required"),
        ("POST", "", json!({"type": "pmg", "host": "x"}), 400, "Invalid node type"),
        ("POST", "", no_credentials.clone(), 400, "Authentication credentials required"),
        ("POST", "", with("host", json!("a b")), 400, "Invalid host format"),
        ("POST", "", with("host", json!("1.2.3.400")), 400, "Invalid IP address"),
        ("POST", "", with("host", json!("x:99999")), 400, "Invalid port number"),
        ("POST", "", with("name", json!("one")), 409, "A node with this name already exists"),
        ("PUT", "/", json!({}), 400, "Node ID required"),
        ("DELETE", "/", json!({}), 400, "Node ID required"),
        ("PUT", "/pve", json!({}), 400, "Invalid node ID"),
        ("DELETE", "/pve-x", json!({}), 400, "Invalid node ID"),
        ("PUT", "/pve-0", json!([]), 400, "Invalid request body"),
        ("PUT", "/pve-9", json!({}), 404, "Node not found"),
        ("DELETE", "/pbs-0", json!({}), 404, "Node not found"),
        ("POST", "/test-connection", no_credentials, 400, "Authentication credentials required"),
        ("POST", "/test-config", json!({"type": "pmg", "host": "x"}), 400, "Invalid node type"),
    ] {
        let refused = send(&worker, method, &format!("/api/config/nodes{path}"), &body);
        assert_eq!((refused.status, refused.at("/error")), (status, json!(words)), "{method} {path} {body}");
    }
    let large = with("password", json!("p".repeat(33_000)));
    assert_eq!(send(&worker, "POST", "/api/config/nodes", &large).status, 413);
    assert_eq!(column(&worker, "name"), ["one"]);
}

#[test]
fn an_address_is_made_whole_and_a_backup_server_s_user_gets_its_realm() {
    let worker = Worker::start();
    for (kind, host, expected) in [
        ("pve", "192.0.2.1", "https://192.0.2.1:8006"),
        ("pve", "http://a.example", "http://a.example:8006"),
        ("pve", "https://b.example:443/", "https://b.example:443"),
        ("pbs", "c.example/", "https://c.example:8007"),
        ("pbs", "https://d.example:9000", "https://d.example:9000"),
    ] {
        let body = json!({"type": kind, "host": host, "user": "admin", "password": "hidden"});
        assert_eq!(send(&worker, "POST", "/api/config/nodes", &body).status, 201, "{host}");
        let all = listed(&worker);
        let node = all.as_array().expect("nodes").iter().find(|node| node["host"] == expected);
        let user = if kind == "pbs" { "admin@pbs" } else { "admin" };
        assert_eq!(node.expect(expected)["user"], user);
    }
}

#[test]
fn with_no_agent_a_test_says_so_at_once() {
    let worker = Worker::start();
    add(&worker, "pve", "one");
    let body = json!({"type": "pve", "host": "x.example", "user": "u@pam", "password": "p"});
    let begun = Instant::now();
    let words = "Connection failed: no agent available to reach https://x.example:8006";
    let refused = send(&worker, "POST", "/api/config/nodes/test-connection", &body);
    assert_eq!((refused.status, refused.at("/error")), (400, json!(words)));
    let told = send(&worker, "POST", "/api/config/nodes/test-config", &body);
    assert_eq!((told.status, told.json()), (200, json!({"status": "error", "message": words})));
    let stored = send(&worker, "POST", "/api/config/nodes/pve-0/test", &Value::Null);
    let words = "Connection failed: no agent available to reach https://one.example:8006";
    assert_eq!((stored.status, stored.json()), (200, json!({"status": "error", "message": words})));
    for id in ["pve-9", "x"] {
        let unknown = send(&worker, "POST", &format!("/api/config/nodes/{id}/test"), &Value::Null);
        assert_eq!((unknown.status, unknown.json()), (200, json!({"status": "error", "message": "Node not found"})));
    }
    let no_realm = json!({"type": "pve", "host": "x.example", "user": "u", "password": "p"});
    let refused = send(&worker, "POST", "/api/config/nodes/test-connection", &no_realm);
    assert_eq!(refused.at("/error"), json!("Failed to create client: invalid user format, expected user@realm"));
    assert!(begun.elapsed() < Duration::from_secs(10));
}

fn hear(socket: &mut Socket) -> Value {
    match socket.next(WAIT) {
        Heard::Text(text) => serde_json::from_str(&text).expect("JSON"),
        other => panic!("{other:?} in the place of a message"),
    }
}

/// An agent that offers the role, after its welcome.
pub(crate) fn agent(worker: &Worker) -> Socket {
    let host = worker.add_host("agent");
    let bearer = format!("Bearer {}", host.secret);
    let mut socket =
        Socket::open(worker.address(), "/agent/v1/proxmox", &[("Authorization", &bearer)]).expect("an upgrade");
    assert!(socket.send_text(&json!({"t": "hello", "version": 1, "run": "r1"}).to_string()));
    assert_eq!(hear(&mut socket)["t"], "welcome");
    socket
}

/// What a request is answered while an agent answers the job that comes of it.
pub(crate) fn while_agent_says(
    worker: &Worker,
    socket: &mut Socket,
    path: &str,
    body: &Value,
    result: &Value,
) -> (Reply, Value) {
    thread::scope(|scope| {
        let asking = scope.spawn(|| send(worker, "POST", path, body));
        let job = loop {
            let heard = hear(socket);
            if heard["t"] == "job" {
                break heard;
            }
        };
        let done = json!({"t": "done", "job": job["job"], "result": result});
        assert!(socket.send_text(&done.to_string()));
        (asking.join().expect("an answer"), job)
    })
}

#[test]
fn an_agent_tries_what_it_is_told_of_and_its_word_is_passed_on() {
    let worker = Worker::start();
    add(&worker, "pve", "one");
    let mut socket = agent(&worker);
    let pve = json!({"type": "pve", "host": "x.example", "tokenName": "a@pam!t", "tokenValue": "v", "fingerprint": "ab".repeat(32)});
    let test = "/api/config/nodes/test-connection";

    let cluster = json!({"tested": {"nodes": 2, "is_cluster": true, "took_ms": 12}});
    let (reply, job) = while_agent_says(&worker, &mut socket, test, &pve, &cluster);
    let expected = json!({"status": "success", "message": "Successfully connected to 2 node(s)", "isCluster": true, "nodeCount": 2, "clusterNodeCount": 2});
    assert_eq!((reply.status, reply.json()), (200, expected));
    assert_eq!(
        (&job["kind"], &job["instance"]["host"], &job["instance"]["token_value"]),
        (&json!("test"), &json!("https://x.example:8006"), &json!("v"))
    );
    assert!(job["instance"]["fingerprint"].as_str().is_some_and(|mark| mark.starts_with("AB:AB")));

    let pbs = json!({"type": "pbs", "host": "b.example", "user": "u", "password": "p"});
    let (reply, _) = while_agent_says(&worker, &mut socket, test, &pbs, &json!({"tested": {"datastores": 1}}));
    assert_eq!(
        reply.json(),
        json!({"status": "success", "message": "Successfully connected. Found 1 datastore(s)", "datastoreCount": 1})
    );

    let denied = json!({"error": {"kind": "auth", "text": "401 no such token"}});
    let (reply, _) = while_agent_says(&worker, &mut socket, test, &pve, &denied);
    assert_eq!((reply.status, reply.at("/error")), (400, json!("Connection failed: 401 no such token")));
    let (reply, _) = while_agent_says(&worker, &mut socket, "/api/config/nodes/test-config", &pve, &denied);
    assert_eq!(reply.json(), json!({"status": "error", "message": "Connection failed: 401 no such token"}));

    let (reply, job) = while_agent_says(&worker, &mut socket, "/api/config/nodes/pve-0/test", &Value::Null, &cluster);
    assert_eq!(
        reply.json(),
        json!({"status": "success", "message": "Connected to PVE cluster with 2 nodes", "latency": 12})
    );
    assert_eq!(job["instance"]["token_value"], "hidden");

    let found = json!({"found": {"servers": [{"ip": "192.0.2.9", "port": 8006, "kind": "pve", "version": "8.4"}], "errors": ["x"]}});
    let (reply, _) = while_agent_says(&worker, &mut socket, "/api/discover", &json!({"subnet": "auto"}), &found);
    let server = json!({"ip": "192.0.2.9", "port": 8006, "type": "pve", "version": "8.4"});
    assert_eq!(reply.json(), json!({"servers": [server], "errors": ["x"]}));
}
