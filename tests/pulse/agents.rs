//! Stock agents of hosts report to us. Source: pulse specification, 16.

use std::io::Write as _;
use std::time::Duration;

use edgewatch_harness::http::{Reply, send};
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

const REPORT: &str = "/api/agents/host/report";
const WAIT: Duration = Duration::from_secs(20);

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970");
    i64::try_from(since.as_millis()).expect("before the end of time")
}

/// A time as agents write it.
fn time(at_ms: i64) -> String {
    let at = edgewatch_core::units::UnixSeconds(at_ms.div_euclid(1000)).rfc3339();
    // With a fraction whose zeros at the end are left out, as it comes back.
    let fraction = format!(".{:03}", at_ms.rem_euclid(1000));
    at.replace('Z', &format!("{}Z", fraction.trim_end_matches('0').trim_end_matches('.')))
}

fn body(name: &str, at_ms: i64, received: u64) -> Value {
    json!({
        "agent": { "id": format!("id-{name}"), "version": "v4.36.2", "type": "unified", "intervalSeconds": 30 },
        "host": {
            "id": format!("id-{name}"), "hostname": name, "platform": "debian", "osName": "debian", "osVersion": "12.7",
            "kernelVersion": "6.1.0-25-amd64", "architecture": "x86_64", "cpuModel": "Example CPU", "cpuCount": 8,
            "uptimeSeconds": 864_000 + at_ms / 1000 % 86_400, "loadAverage": [0.1, 0.2, 0.3],
        },
        "metrics": { "cpuUsagePercent": 7.5, "memory": { "totalBytes": 16_777_216_000_u64, "usedBytes": 4_194_304_000_u64 } },
        "disks": [{ "device": "/dev/sda1", "mountpoint": "/", "type": "ext4", "totalBytes": 1_000_000_000, "usedBytes": 400_000_000 }],
        "network": [{ "name": "eth0", "mac": "02:00:00:00:00:01", "addresses": ["192.0.2.30/24"], "rxBytes": received, "txBytes": 65_432 }],
        "sensors": { "temperatureCelsius": { "cpu_package": 45.0 } },
        "tags": ["prod"], "timestamp": time(at_ms),
    })
}

fn token(worker: &Worker, kind: &str) -> String {
    let wanted = if kind == "agent" {
        json!({ "kind": kind, "note": "agents" })
    } else {
        json!({ "scopes": ["register"], "note": "agents" })
    };
    let wanted = wanted.to_string();
    let made = worker.post("/api/edgewatch/v1/tokens", &[("Authorization", &worker.token)], &wanted);
    made.json()["token"].as_str().unwrap_or_else(|| panic!("{}", made.body)).to_owned()
}

fn report(worker: &Worker, token: &str, body: &Value) -> Reply {
    let bearer = format!("Bearer {token}");
    worker.post(REPORT, &[("Authorization", &bearer), ("X-API-Token", token)], &body.to_string())
}

fn hosts(worker: &Worker) -> Vec<Value> {
    worker.get("/api/state").at("/hosts").as_array().cloned().unwrap_or_default()
}

#[test]
fn what_a_stock_agent_reports_is_a_host_in_every_dialect() {
    let worker = Worker::start();
    let token = token(&worker, "agent");
    let begun = now_ms() - 60_000;
    let first = report(&worker, &token, &body("web01", begun, 1_000));
    assert_eq!(first.status, 200, "{}", first.body);
    let id = first.at("/hostId").as_str().expect("an id").to_owned();
    assert_eq!(
        first.json(),
        json!({
            "success": true, "hostId": id, "agentId": id, "lastSeen": time(begun), "platform": "debian", "osName": "debian",
            "osVersion": "12.7", "config": { "commandsEnabled": false },
        })
    );
    let second = report(&worker, &token, &body("web01", begun + 30_000, 31_000));
    assert_eq!((second.status, second.at("/hostId")), (200, json!(id)));
    let shown = wait_until("the host", WAIT, || hosts(&worker).pop().filter(|host| host["status"] == "online"));
    for (key, value) in [
        ("id", json!(id)),
        ("hostname", json!("web01")),
        ("kernelVersion", json!("6.1.0-25-amd64")),
        ("architecture", json!("x86_64")),
        ("cpuCount", json!(8)),
        ("cpuUsage", json!(7.5)),
        ("loadAverage", json!([0.1, 0.2, 0.3])),
        ("agentVersion", json!("v4.36.2")),
        ("tags", json!(["prod"])),
    ] {
        assert_eq!(shown[key], value, "{key} of {shown}");
    }
    assert_eq!(shown.pointer("/memory/used"), Some(&json!(4_194_304_000_u64)));
    assert_eq!(shown.pointer("/networkInterfaces/0/addresses"), Some(&json!(["192.0.2.30"])));
    let details = worker.get("/api/v1/server/details");
    let nezha = details.at("/result/0");
    assert_eq!((&nezha["name"], nezha.pointer("/status/NetInSpeed")), (&json!("web01"), Some(&json!(1_000))));
    assert_eq!(nezha.pointer("/host/Platform"), Some(&json!("debian")));
}

#[test]
fn what_comes_again_is_there_once_and_costs_no_row_of_the_database() {
    let worker = Worker::start();
    let token = token(&worker, "api");
    let begun = now_ms() - 120_000;
    for step in [0, 30_000] {
        assert_eq!(report(&worker, &token, &body("web01", begun + step, 1_000)).status, 200);
    }
    let again = report(&worker, &token, &body("web01", begun + 30_000, 1_000));
    assert_eq!(again.status, 200);
    let next = report(&worker, &token, &body("web01", begun + 60_000, 9_000));
    let cost = next.cost();
    assert_eq!((cost.d1_rows_read, cost.d1_rows_written), (0, 0), "{}", next.body);
    let from = begun / 1000 - 60;
    let series = worker.get(&format!("/api/edgewatch/v1/series?hosts=1&metrics=cpu_percent&from={from}"));
    let counted: u64 = series.at("/series/0/samples").as_array().into_iter().flatten().filter_map(Value::as_u64).sum();
    assert_eq!(counted, 3, "{}", series.body);
    assert_eq!(hosts(&worker).len(), 1);
}

#[test]
fn what_is_no_report_is_refused_in_the_structured_form() {
    let worker = Worker::start();
    let token = token(&worker, "agent");
    let good = body("web01", now_ms(), 1).to_string();
    let ask = |token: &str, headers: &[(&str, &str)], body: &[u8]| {
        let mut all = vec![("X-API-Token", token), ("Content-Type", "application/json")];
        all.extend_from_slice(headers);
        let reply = send(worker.address(), "POST", REPORT, &all, body);
        (reply.status, reply.json()["code"].as_str().unwrap_or_default().to_owned())
    };
    let refused = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(ask(&token, &[], b"{"), refused(400, "invalid_json"));
    assert_eq!(ask(&token, &[], br#"{"host":{"hostname":" "}}"#), refused(400, "invalid_report"));
    assert_eq!(ask(&token, &[("Content-Encoding", "br")], good.as_bytes()), refused(415, "unsupported_encoding"));
    assert_eq!(ask(&token, &[("Content-Encoding", "gzip")], good.as_bytes()), refused(400, "invalid_json"));
    let packed = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("packed");
        encoder.finish().expect("packed")
    };
    assert_eq!(ask(&token, &[("Content-Encoding", "gzip")], &packed(&vec![b' '; 9_000_000])).0, 413);
    assert_eq!(ask(&token, &[], &vec![b' '; 1_048_577]).0, 413);
    assert_eq!(ask("wrongwrongwrongwrongwrong", &[], good.as_bytes()).0, 401);
    assert_eq!(worker.request("GET", REPORT, &[("X-API-Token", &token)], "").status, 405);
    assert!(hosts(&worker).is_empty());
    assert_eq!(ask(&token, &[("Content-Encoding", "gzip")], &packed(good.as_bytes())).0, 200);
    let wanted = json!({ "scopes": ["read"], "note": "looks" }).to_string();
    let made = worker.post("/api/edgewatch/v1/tokens", &[("Authorization", &worker.token)], &wanted).json();
    let reader = made["token"].as_str().expect("a token").to_owned();
    assert_eq!(ask(&reader, &[], good.as_bytes()), refused(403, "missing_scope"));
}

#[test]
fn an_agent_s_token_reaches_the_hosts_it_made_and_no_others() {
    let worker = Worker::start();
    let (one, other) = (token(&worker, "agent"), token(&worker, "agent"));
    let id = report(&worker, &one, &body("web01.example.com", now_ms() - 60_000, 1)).at("/hostId");
    let id = id.as_str().expect("an id").to_owned();
    let foreign = report(&worker, &other, &body("web01.example.com", now_ms() - 30_000, 2));
    assert_eq!((foreign.status, foreign.at("/code")), (400, json!("invalid_report")), "{}", foreign.body);
    let ask = |token: &str, method: &str, path: &str| {
        let reply = worker.request(method, path, &[("X-API-Token", token)], "");
        (reply.status, reply.json())
    };
    for query in [format!("id={id}"), "id=id-web01.example.com".to_owned(), "hostname=WEB01".to_owned()] {
        let (status, found) = ask(&one, "GET", &format!("/api/agents/host/lookup?{query}"));
        assert_eq!(
            (status, &found["host"]["id"], &found["host"]["hostname"]),
            (200, &json!(id), &json!("web01.example.com"))
        );
    }
    for (token, query, status, code) in [
        (&other, "hostname=web01", 404, "host_not_found"),
        (&one, "hostname=web", 404, "host_not_found"),
        (&one, "id=", 400, "missing_lookup_param"),
    ] {
        let (found, reply) = ask(token, "GET", &format!("/api/agents/host/lookup?{query}"));
        assert_eq!((found, &reply["code"]), (status, &json!(code)), "{query}");
    }
    for path in [format!("/api/agents/host/{id}/config"), format!("/api/agents/agent/{id}/config")] {
        let expected = json!({ "success": true, "hostId": id, "config": { "commandsEnabled": false } });
        assert_eq!(ask(&one, "GET", &path), (200, expected));
    }
    let path = format!("/api/agents/host/{id}");
    assert_eq!(ask(&one, "DELETE", &path).0, 403);
    let removed = json!({ "success": true, "hostId": id, "message": "Host removed" });
    assert_eq!(ask(&worker.token, "DELETE", &path), (200, removed));
    assert_eq!(ask(&worker.token, "DELETE", &path).0, 404);
    assert_eq!(ask(&one, "GET", "/api/agent/ws").0, 404);
    // Its agent goes on: that is another host.
    let back = report(&worker, &one, &body("web01.example.com", now_ms(), 3));
    assert_eq!(back.status, 200, "{}", back.body);
    assert_ne!(back.at("/hostId"), json!(id));
}

#[test]
fn a_report_of_containers_is_one_of_their_host() {
    let worker = Worker::start();
    let token = token(&worker, "agent");
    let docker = json!({
        "agent": { "id": "d1", "version": "v4.36.2", "intervalSeconds": 30 },
        "host": { "hostname": "dock", "machineId": "m-1", "totalCpu": 4, "totalMemoryBytes": 8_000_000_000_u64, "uptimeSeconds": 60, "cpuUsagePercent": 3.5 },
        "containers": [{ "id": "c1", "name": "web", "state": "running" }, { "id": "c2", "name": "db", "state": "exited" }],
        "timestamp": time(now_ms()),
    });
    let reply = worker.post("/api/agents/docker/report", &[("X-API-Token", &token)], &docker.to_string());
    assert_eq!((reply.status, reply.at("/containers")), (200, json!(2)), "{}", reply.body);
    let shown = wait_until("the host", WAIT, || hosts(&worker).pop());
    assert_eq!((&shown["hostname"], &shown["cpuUsage"]), (&json!("dock"), &json!(3.5)));
    let nameless = worker.post("/api/agents/docker/report", &[("X-API-Token", &token)], "{}");
    assert_eq!((nameless.status, nameless.at("/code")), (400, json!("invalid_report")));
}
