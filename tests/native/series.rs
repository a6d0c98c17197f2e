//! `GET /api/edgewatch/v1/series`.

use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const SERIES: &str = "/api/edgewatch/v1/series";
/// An hour and a half, in samples of ten seconds.
const SAMPLES: u64 = 540;

/// Posts an hour and a half of samples that ended just now, without those of ten minutes; gives when they ended, Unix seconds.
fn report_past(worker: &Worker, host: &TestHost) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970");
    let now_ms = u64::try_from(now.as_millis()).expect("a few centuries");
    let at_ms = |number: u64| now_ms - (SAMPLES - number) * 10_000 - if number <= 240 { 600_000 } else { 0 };
    let sample = |number: u64| {
        json!({ "number": number, "at_ms": at_ms(number), "cpu_percent": number % 10, "mem_used_bytes": 1_935_474_689_u64,
                "temperatures": [{ "name": "cpu", "celsius": 45.5 }], "metrics": { "cpu.user.percentage": 23.017 } })
    };
    for first in (1..=SAMPLES).step_by(60) {
        let samples: Vec<Value> = (first..first + 60).map(sample).collect();
        let body =
            json!({ "agent_version": "0.1.0", "sent_at_ms": now_ms, "oldest": 1, "period_s": 10, "samples": samples });
        let header = [("Authorization", &*format!("Bearer {}", host.secret))];
        let reply = worker.post("/agent/v1/reports", &header, &body.to_string());
        assert_eq!(reply.at("/durable_up_to"), json!(first + 59), "{}", reply.body);
    }
    now_ms / 1000 + 1
}

fn samples(series: &Value) -> u64 {
    series["samples"].as_array().expect("a column").iter().filter_map(Value::as_u64).sum()
}

#[test]
fn history_is_there_as_soon_as_it_is_reported_and_shows_its_gaps() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let to_s = report_past(&worker, &host);
    let from_s = to_s - 2 * 3_600;
    let path = format!(
        "{SERIES}?hosts={}&metrics=cpu_percent,mem_used_bytes,temperature/cpu,load1,cpu.user.percentage&from={from_s}&to={to_s}&points=300",
        host.id
    );
    let reply = worker.get(&path);
    assert_eq!((reply.status, reply.at("/complete")), (200, json!(true)), "{}", reply.body);
    assert_eq!((reply.at("/from_s"), reply.at("/to_s")), (json!(from_s), json!(to_s)));
    let [cpu, memory, sensor, load, own] = [0, 1, 2, 3, 4].map(|at| reply.at(&format!("/series/{at}")));
    assert_eq!(
        (&cpu["host"], &cpu["metric"], &cpu["tiers"]),
        (&json!(host.id), &json!("cpu_percent"), &json!(["samples"]))
    );
    for series in [&cpu, &memory, &sensor, &own] {
        assert_eq!(samples(series), SAMPLES, "{series}");
        let gaps = series["average"].as_array().expect("a column").iter().filter(|value| value.is_null()).count();
        assert_eq!(gaps, 1, "{series}");
    }
    assert_eq!(
        (&memory["average"][0], &sensor["maximum"][0]),
        (&json!(1_935_671_296.0), &json!(45.5)),
        "11 binary digits of memory"
    );
    assert_eq!(load["at_s"], json!([]));
    assert_eq!(own["average"][0], json!(23.017), "a metric of its own is kept exactly");
    let cost = reply.cost();
    assert!(cost.d1_rows_read + cost.object_rows_read <= 40, "{cost:?}");

    // A week in the same points: minutes where they are complete, the rest from samples; nothing counts twice.
    let week = worker.get(&format!("{SERIES}?hosts={}&metrics=cpu_percent&to={to_s}&from={}", host.id, to_s - 604_800));
    assert_eq!(samples(&week.at("/series/0")), SAMPLES, "{}", week.body);
    let cost = week.cost();
    assert!(cost.d1_rows_read + cost.object_rows_read <= 40, "{cost:?}");
}

#[test]
fn several_hosts_come_in_the_order_asked() {
    let worker = Worker::builder().var("HUB_SHARDS", "3").start();
    let hosts = worker.add_hosts("h", 5);
    report_past(&worker, &hosts[2]);
    let ids: Vec<String> = hosts.iter().rev().map(|host| host.id.to_string()).collect();
    let reply = worker.get(&format!("{SERIES}?hosts={}&metrics=load1,cpu_percent", ids.join(",")));
    let series = reply.at("/series");
    let series = series.as_array().expect("a list");
    let order: Vec<(String, &str)> =
        series.iter().map(|series| (series["host"].to_string(), series["metric"].as_str().expect("a key"))).collect();
    let expected: Vec<(String, &str)> =
        ids.iter().flat_map(|id| [(id.clone(), "load1"), (id.clone(), "cpu_percent")]).collect();
    assert_eq!(order, expected);
    assert_eq!(series.iter().map(samples).sum::<u64>(), SAMPLES);
}

#[test]
fn what_cannot_be_answered_is_refused_by_name() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    report_past(&worker, &host);
    assert_eq!(worker.get_as(&format!("{SERIES}?hosts={}", host.id), &[]).status, 401);
    let refused = |query: &str| {
        let reply = worker.get(&format!("{SERIES}?{query}"));
        (reply.status, reply.at("/error/field"))
    };
    assert_eq!(refused(""), (400, json!("hosts")));
    assert_eq!(refused(&format!("hosts={}&points=0", host.id)), (400, json!("points")));
    assert_eq!(worker.get(&format!("{SERIES}?hosts=999")).status, 404);
    let unknown = worker.get(&format!("{SERIES}?hosts={}&metrics=temperature/gpu", host.id));
    assert_eq!((unknown.status, unknown.at("/error/field")), (400, json!("metrics")));
    assert!(unknown.body.contains("temperature/cpu"), "{}", unknown.body);
}

#[test]
fn what_else_may_be_asked_of_a_host_is_listed() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let path = format!("/api/edgewatch/v1/hosts/{}/metrics", host.id);
    let nothing = json!({ "built_in": [], "own": [], "probes": [], "checks": false, "packages": false });
    assert_eq!(worker.get(&path).at(""), nothing);
    report_past(&worker, &host);
    let number = worker.post(
        "/api/edgewatch/v1/probes",
        &[("Authorization", worker.token.as_str())],
        r#"{"name":"gateway","kind":"icmp","target":"127.0.0.1"}"#,
    );
    let probe = number.at("/id");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970").as_millis();
    let sample = json!({ "number": SAMPLES + 1, "at_ms": u64::try_from(now).expect("a few centuries"), "probes": [{ "id": probe, "delay_ms": 12.5 }] });
    let body = json!({ "agent_version": "0.1.0", "sent_at_ms": u64::try_from(now).expect("a few centuries"), "oldest": 1, "period_s": 10, "samples": [sample] });
    let header = [("Authorization", &*format!("Bearer {}", host.secret))];
    assert_eq!(worker.post("/agent/v1/reports", &header, &body.to_string()).status, 200);
    let reply = worker.get(&path);
    assert_eq!(
        (reply.status, reply.at("/probes"), reply.at("/checks")),
        (200, json!([probe]), json!(false)),
        "{}",
        reply.body
    );
    let own = reply.at("/own");
    assert_eq!(own.pointer("/0/name"), Some(&json!("cpu.user.percentage")));
    let delays = worker.get(&format!("{SERIES}?hosts={}&metric=probe/{probe}/delay_ms", host.id));
    assert_eq!(samples(&delays.at("/series/0")), 1, "{}", delays.body);
}
