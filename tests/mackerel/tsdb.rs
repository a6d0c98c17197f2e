//! Values of metrics: posted, and read back. Source: mackerel specification, 3.11, 5.1 to 5.3.

use std::time::{SystemTime, UNIX_EPOCH};

use edgewatch_harness::http::Reply;
use edgewatch_harness::objects::{Exhausted, Sockets};
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::{Mackerel, call, key, token};

const NOT_FOUND: &str = r#"{"error":{"message":"Host Not Found."}}"#;

/// Now, in seconds.
pub fn now_s() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    i64::try_from(now.as_secs()).expect("a few centuries")
}

/// The beginning of the minute that many minutes before the one in which the test first asked: the same however long it
/// takes.
fn minute(ago: i64) -> i64 {
    thread_local!(static FIRST_ASKED: i64 = now_s() / 60);
    FIRST_ASKED.with(|minute| (minute - ago) * 60)
}

/// A value as it is posted.
pub fn value(host: &str, name: &str, time: i64, value: impl Into<Value>) -> Value {
    json!({ "hostId": host, "name": name, "time": time, "value": value.into() })
}

impl Mackerel {
    fn post(&self, values: &[Value]) -> Reply {
        self.call("POST", "/tsdb", &json!(values).to_string())
    }

    /// Posts what is taken; gives how many rows that wrote in D1 and in the object.
    fn posted(&self, values: &[Value]) -> u64 {
        let reply = self.post(values);
        assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"success":true}"#));
        let cost = reply.cost();
        cost.d1_rows_written + cost.object_rows_written
    }

    /// The times and values of a metric in a time, both ends included.
    fn points(&self, host: &str, name: &str, (from, to): (i64, i64)) -> Vec<(i64, f64)> {
        let reply = self.get(&format!("/hosts/{host}/metrics?name={name}&from={from}&to={to}"));
        let metrics = reply["metrics"].as_array().expect("a list").iter();
        let point = |point: &Value| {
            assert_eq!(point.as_object().map(serde_json::Map::len), Some(2), "{point}");
            (point["time"].as_i64().expect("a whole number"), point["value"].as_f64().expect("a number"))
        };
        metrics.map(point).collect()
    }

    fn metric_names(&self, host: &str) -> Value {
        self.get(&format!("/hosts/{host}/metric-names"))["names"].clone()
    }
}

#[test]
fn what_is_posted_in_any_order_reads_back_in_the_order_of_time() {
    // 8.
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let at = [minute(3), minute(2), minute(1)];
    for (place, of) in [(2, 3.5), (0, 1.5), (1, 2.5)] {
        mackerel.posted(&[value(&id, "custom.a", at[place], of)]);
    }
    let all = [(at[0], 1.5), (at[1], 2.5), (at[2], 3.5)];
    let of = |from, to| mackerel.points(&id, "custom.a", (from, to));
    assert_eq!(of(0, now_s()), all);
    assert_eq!(of(at[0], at[1]), all[..2], "both ends are included");
    assert_eq!(of(at[0] + 1, at[1] - 1), []);
    // The same minute at another second: one point, the last value.
    mackerel.posted(&[value(&id, "custom.a", at[1] + 7, 9)]);
    assert_eq!(of(0, now_s()), [all[0], (at[1] + 7, 9.0), all[2]]);
    let reply = mackerel.call("GET", &format!("/hosts/{id}/metrics?name=custom.b&from=0&to=5"), "");
    assert_eq!((reply.status, reply.at("/error/message")), (404, json!("Metric Not Found.")));
    assert_eq!(mackerel.metric_names(&id), json!(["custom.a"]));
}

#[test]
fn a_fraction_of_a_second_is_cut_and_what_is_a_day_away_is_not_stored() {
    // 8.
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let at = minute(1);
    let body = format!(r#"[{{"hostId":"{id}","name":"custom.a","time":{at}.75,"value":4.23}}]"#);
    let reply = mackerel.call("POST", "/tsdb?", &format!("{body}\n"));
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"success":true}"#));
    let day = 24 * 3_600;
    for away in [-day - 3_600, day + 3_600] {
        mackerel.posted(&[value(&id, "custom.a", now_s() + away, 1)]);
    }
    mackerel.posted(&[value(&id, "custom.a", now_s() + day - 3_600, 2)]);
    mackerel.posted(&[value(&id, "custom.a", now_s() - day + 3_600, 3)]);
    let points = mackerel.points(&id, "custom.a", (0, now_s() + 3 * day));
    assert_eq!(points.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [3.0, 4.23, 2.0]);
    assert_eq!(points[1].0, at);
}

#[test]
fn a_bad_value_costs_itself_and_no_other() {
    // 8.
    let mackerel = Mackerel::start();
    let (id, retired) = (mackerel.host("a"), mackerel.host("b"));
    mackerel.done("POST", &format!("/hosts/{retired}/retire"), &json!({}));
    let at = minute(1);
    let bad = [
        value("2eQGEaLxiYU", "custom.a", at, 1),
        value(&retired, "custom.a", at, 1),
        value(&id, "custom.ä b", at, 1),
        value(&id, &"x".repeat(256), at, 1),
        value(&id, "", at, 1),
    ];
    let mut mixed = bad.to_vec();
    mixed.push(value(&id, "custom.good", at, 5));
    mackerel.posted(&mixed);
    assert_eq!(mackerel.metric_names(&id), json!(["custom.good"]));
    // Where nothing is good it is told why.
    let alone = |value: &Value| {
        let reply = mackerel.post(std::slice::from_ref(value));
        (reply.status, reply.body)
    };
    assert_eq!(alone(&bad[0]), (404, NOT_FOUND.to_owned()));
    for bad in &bad[1..] {
        assert_eq!(alone(bad).0, 400, "{bad}");
    }
    assert_eq!(mackerel.post(&[bad[0].clone(), bad[1].clone()]).status, 400, "retired is told rather than unknown");
    // Nothing of a body that is none is stored.
    let good = value(&id, "custom.other", at, 5).to_string();
    for body in [
        "null".to_owned(),
        String::new(),
        "{}".to_owned(),
        format!("[{good},{{}}]"),
        format!("[{good},{}]", value(&id, "custom.a", at, "1")),
        format!("[{good},{}]", json!({ "hostId": id, "name": "a", "value": 1 })),
    ] {
        assert_eq!(mackerel.call("POST", "/tsdb", &body).status, 400, "{body}");
    }
    assert_eq!(mackerel.post(&[]).status, 200);
    assert_eq!(mackerel.metric_names(&id), json!(["custom.good"]));
}

#[test]
fn the_newest_value_of_a_metric_that_was_never_posted_is_null() {
    // 9.
    let mackerel = Mackerel::start();
    let (one, other) = (mackerel.host("a"), mackerel.host("b"));
    let at = minute(2);
    mackerel.posted(&[value(&one, "x", at, 0.9), value(&one, "x", at - 60, 7), value(&other, "y", at, 3)]);
    let latest = mackerel.get(&format!("/tsdb/latest?hostId={one}&hostId={other}&hostId=2eQGEaLxiYU&name=x&name=y"));
    assert_eq!(
        latest,
        json!({ "tsdbLatest": {
            one.as_str(): { "x": { "time": at, "value": 0.9 }, "y": null },
            other.as_str(): { "x": null, "y": { "time": at, "value": 3.0 } }
        } })
    );
    for query in ["", "?", "?hostId=a", "?name=x", "?hostId=&name="] {
        assert_eq!(mackerel.call("GET", &format!("/tsdb/latest{query}"), "").status, 400, "{query}");
    }
}

#[test]
fn a_question_for_points_names_all_three_of_its_parts() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    mackerel.posted(&[value(&id, "x", minute(1), 1)]);
    for query in
        ["", "?", "?name=x&from=0", "?name=x&to=5", "?from=0&to=5", "?name=x&from=a&to=5", "?name=x&from=6&to=5"]
    {
        assert_eq!(mackerel.call("GET", &format!("/hosts/{id}/metrics{query}"), "").status, 400, "{query}");
    }
    for path in ["/hosts/2eQGEaLxiYU/metrics?name=x&from=0&to=5", "/hosts/2eQGEaLxiYU/metric-names"] {
        let reply = mackerel.call("GET", path, "");
        assert_eq!((reply.status, reply.body.as_str()), (404, NOT_FOUND));
    }
    let empty = mackerel.call("GET", &format!("/hosts/{id}/metrics?name=x&from=0&to=5"), "");
    assert_eq!((empty.status, empty.body.as_str()), (200, r#"{"metrics":[]}"#));
    assert_eq!(mackerel.metric_names(&mackerel.host("b")), json!([]));
}

#[test]
fn keys_may_do_what_they_may() {
    // 10.
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let posted = json!([value(&id, "x", minute(1), 1)]).to_string();
    let (read, write) = (key(&mackerel.worker, &["read"]), key(&mackerel.worker, &["write"]));
    let reads = [
        format!("/hosts/{id}/metrics?name=x&from=0&to={}", now_s()),
        format!("/hosts/{id}/metric-names"),
        format!("/tsdb/latest?hostId={id}&name=x"),
    ];
    mackerel.posted(&[value(&id, "x", minute(1), 1)]);
    for path in &reads {
        assert_eq!(call(&mackerel.worker, &read, "GET", path, "").status, 200, "{path}");
        assert_eq!(call(&mackerel.worker, &write, "GET", path, "").status, 403, "{path}");
        assert_eq!(mackerel.worker.get_as(&format!("/api/v0{path}"), &[]).status, 401, "{path}");
    }
    assert_eq!(call(&mackerel.worker, &read, "POST", "/tsdb", &posted).status, 403);
    assert_eq!(call(&mackerel.worker, &write, "POST", "/tsdb", "no JSON").status, 403, "before the body is read");
    assert_eq!(mackerel.worker.post("/api/v0/tsdb", &[], &posted).status, 401);
    // One that made no host reaches none.
    let agent = token(&mackerel.worker, &json!({ "kind": "agent" }));
    assert_eq!(call(&mackerel.worker, &agent, "POST", "/tsdb", &posted).status, 404);
    assert_eq!(call(&mackerel.worker, &agent, "GET", &reads[1], "").status, 404);
    let made = call(&mackerel.worker, &agent, "POST", "/hosts", r#"{"name":"own","meta":{}}"#);
    let own = made.at("/id").as_str().expect("an id").to_owned();
    let both = json!([value(&id, "x", minute(1), 8), value(&own, "x", minute(1), 5)]).to_string();
    assert_eq!(call(&mackerel.worker, &agent, "POST", "/tsdb", &both).status, 200);
    assert_eq!(mackerel.points(&id, "x", (0, now_s())), [(minute(1), 1.0)], "another's host is not touched");
    assert_eq!(mackerel.points(&own, "x", (0, now_s())).len(), 1);
}

#[test]
fn a_key_that_was_taken_away_posts_nothing_although_it_was_remembered() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let body = |of: f64| json!([value(&id, "x", minute(1), of)]).to_string();
    let made = mackerel.worker.post(
        "/api/edgewatch/v1/tokens",
        &[("Authorization", mackerel.worker.token.as_str())],
        &json!({ "scopes": ["read", "write"] }).to_string(),
    );
    let key = made.at("/token").as_str().expect("a token").to_owned();
    for _ in 0..3 {
        assert_eq!(call(&mackerel.worker, &key, "POST", "/tsdb", &body(1.0)).status, 200);
    }
    let authorized = [("Authorization", mackerel.worker.token.as_str())];
    let gone =
        mackerel.worker.request("DELETE", &format!("/api/edgewatch/v1/tokens/{}", made.at("/id")), &authorized, "");
    assert!(gone.status < 300, "{}: {}", gone.status, gone.body);
    assert_eq!(call(&mackerel.worker, &key, "POST", "/tsdb", &body(2.0)).status, 401);
    assert_eq!(mackerel.points(&id, "x", (0, now_s())), [(minute(1), 1.0)]);
}

#[test]
fn thirty_values_cost_two_rows_at_most_and_the_same_minute_again_none() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let values = |ago: i64| -> Vec<Value> {
        (0..30).map(|name| value(&id, &format!("custom.m{name}"), minute(ago), f64::from(name) / 3.0)).collect()
    };
    assert!(mackerel.posted(&values(9)) <= 2, "the host's first");
    for ago in (2..9).rev() {
        assert_eq!(mackerel.posted(&values(ago)), 1);
    }
    for _ in 0..3 {
        assert_eq!(mackerel.posted(&values(2)), 0, "posted again, stored once");
    }
    // A key and a host that are known are not looked up.
    let reply = mackerel.post(&values(1));
    let cost = reply.cost();
    assert_eq!((cost.d1_rows_read, cost.d1_rows_written, cost.object_rows_written), (0, 0, 1), "{cost:?}");
    assert_eq!(mackerel.points(&id, "custom.m29", (0, now_s())).len(), 9);
}

#[test]
fn five_hundred_metrics_a_minute_are_kept() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    let name = |name: usize| format!("custom.some-plugin.group-of-values.value_{name}");
    let ago = 5;
    for ago in (1..=ago).rev() {
        let values: Vec<Value> = (0..500).map(|at| value(&id, &name(at), minute(ago), at)).collect();
        assert!(mackerel.posted(&values) <= 3, "its block is written more often");
    }
    assert_eq!(mackerel.metric_names(&id).as_array().map(Vec::len), Some(500));
    for at in [0, 250, 499] {
        let points = mackerel.points(&id, &name(at), (0, now_s()));
        let expected = f64::from(u32::try_from(at).expect("small"));
        assert_eq!(points.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [expected; 5]);
    }
    // Two thousand values of two hosts in one post, late minutes among them.
    let other = mackerel.host("b");
    let values: Vec<Value> = (0..2_000)
        .map(|at| value(if at % 2 == 0 { &id } else { &other }, "custom.long", minute(1_000) + at * 20, at))
        .collect();
    mackerel.posted(&values);
    assert_eq!(mackerel.points(&id, "custom.long", (0, now_s())).len(), 667);
}

#[test]
fn what_was_answered_survives_the_runtimes_death() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    for ago in (1..5).rev() {
        mackerel.posted(&[value(&id, "x", minute(ago), ago)]);
        mackerel.worker.kill();
        mackerel.worker.resume();
    }
    let expected: Vec<(i64, f64)> =
        [(4, 4.0), (3, 3.0), (2, 2.0), (1, 1.0)].map(|(ago, value)| (minute(ago), value)).to_vec();
    assert_eq!(mackerel.points(&id, "x", (0, now_s())), expected);
    assert_eq!(mackerel.posted(&[value(&id, "x", minute(1), 1)]), 0, "the retry of an answer that was lost");
}

#[test]
fn a_shard_that_does_not_answer_makes_503_and_the_retry_stores_nothing_twice() {
    let worker = Worker::builder().var("HUB_SHARDS", "3").start();
    let mackerel = Mackerel { key: key(&worker, &["read", "write"]), worker };
    let hosts: Vec<String> = (0..6).map(|name| mackerel.host(&format!("h{name}"))).collect();
    let values: Vec<Value> = hosts.iter().map(|id| value(id, "x", minute(1), 5)).collect();
    mackerel.worker.exhaust_for(Exhausted::ObjectRowsWritten, 1, "INSERT INTO journal");
    let refused = mackerel.post(&values);
    assert_eq!(refused.status, 503, "{}", refused.body);
    mackerel.worker.refill(Exhausted::ObjectRowsWritten);
    assert_eq!(mackerel.post(&values).status, 200);
    assert_eq!(mackerel.posted(&values), 0);
    for id in &hosts {
        assert_eq!(mackerel.points(id, "x", (0, now_s())), [(minute(1), 5.0)]);
    }
    let latest = mackerel.get(&format!("/tsdb/latest?name=x&hostId={}", hosts.join("&hostId=")));
    assert_eq!(latest["tsdbLatest"].as_object().map(serde_json::Map::len), Some(6));
}

#[test]
fn a_host_that_posts_is_seen_by_every_other_dialect() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("web01");
    let at = minute(1);
    let said = [
        ("loadavg1", 0.5),
        ("loadavg5", 4.23),
        ("loadavg15", 3.25),
        ("cpu.user.percentage", 50.0),
        ("cpu.system.percentage", 50.0),
        ("cpu.idle.percentage", 300.0),
        ("memory.total", 8e9),
        ("memory.used", 3e9),
        ("memory.swap_total", 2e9),
        ("memory.swap_free", 1.5e9),
        ("filesystem.vda1.size", 1e11),
        ("filesystem.vda1.used", 4e10),
        ("interface.eth0.rxBytes.delta", 1_000.0),
        ("interface.eth0.txBytes.delta", 70.0),
    ];
    let values: Vec<Value> = said.iter().map(|(name, of)| value(&id, name, at, *of)).collect();
    mackerel.posted(&values);
    mackerel.posted(&[value(&id, "custom.dice.d6", at, 3)]);
    let shown = || {
        let details = mackerel.worker.get("/api/v1/server/details").at("/result/0");
        let (host, status) = (&details["host"], &details["status"]);
        assert_eq!(status["CPU"], json!(25), "{details}");
        assert_eq!((&status["MemUsed"], &host["MemTotal"]), (&json!(3_000_000_000_u64), &json!(8_000_000_000_u64)));
        assert_eq!((&status["SwapUsed"], &host["SwapTotal"]), (&json!(500_000_000), &json!(2_000_000_000)));
        assert_eq!(
            (&status["DiskUsed"], &host["DiskTotal"]),
            (&json!(40_000_000_000_u64), &json!(100_000_000_000_u64))
        );
        assert_eq!((&status["NetInSpeed"], &status["NetOutSpeed"]), (&json!(1_000), &json!(70)));
        assert_eq!((&status["Load1"], &status["Load5"], &status["Load15"]), (&json!(0.5), &json!(4.23), &json!(3.25)));
        assert!(details["last_active"].as_i64().is_some_and(|seen| now_s() - seen < 60), "{details}");
        details["id"].as_i64().expect("a number")
    };
    let number = shown();
    // And when the object has slept or died.
    mackerel.worker.evict("Hub", "hub-0", Sockets::Hibernate);
    assert_eq!(shown(), number);
    let path = format!(
        "/api/edgewatch/v1/series?hosts={number}&metrics=cpu_percent,custom.dice.d6,loadavg5&from={}&to={}",
        at - 300,
        now_s() + 1
    );
    let series = mackerel.worker.get(&path);
    assert_eq!((series.status, series.at("/complete")), (200, json!(true)), "{}", series.body);
    let first = |place: usize| series.at(&format!("/series/{place}/average/0"));
    assert_eq!((first(0), first(1), first(2)), (json!(25.0), json!(3.0), json!(4.23)), "{}", series.body);
    assert_eq!(series.at("/series/0/samples"), json!([1]));
}

#[test]
fn a_host_of_our_own_agent_answers_by_mackerels_names() {
    let mackerel = Mackerel::start();
    let host = mackerel.worker.add_host("native");
    let id = mackerel.get("/hosts")["hosts"][0]["id"].as_str().expect("an id").to_owned();
    let at_ms = minute(1) * 1000;
    let sample = |number: u64| {
        json!({ "number": number, "at_ms": at_ms + i64::try_from(number).expect("small") * 10_000, "cpu_percent": 12.5, "load5": number,
                "mem_used_bytes": 3_000_000_000_u64, "metrics": { "custom.named": 0.1 } })
    };
    let report = json!({
        "agent_version": "0.1.0", "sent_at_ms": now_s() * 1000, "oldest": 1, "period_s": 10,
        "host": { "mem_total_bytes": 8_000_000_000_u64, "cpu": ["Xeon 4 Virtual Core"] },
        "samples": (1..=5).map(sample).collect::<Vec<_>>()
    });
    let bearer = format!("Bearer {}", host.secret);
    let posted = mackerel.worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &report.to_string());
    assert_eq!(posted.at("/durable_up_to"), json!(5), "{}", posted.body);
    let names =
        ["cpu.idle.percentage", "custom.named", "loadavg5", "memory.mem_available", "memory.total", "memory.used"];
    assert_eq!(mackerel.metric_names(&id), json!(names));
    let points = |name: &str| mackerel.points(&id, name, (0, now_s() + 60));
    assert_eq!(points("loadavg5"), [(minute(1), 3.0)], "a point a minute");
    assert_eq!(points("cpu.idle.percentage"), [(minute(1), 350.0)]);
    assert_eq!(points("custom.named"), [(minute(1), 0.1)]);
    assert_eq!(points("memory.total"), [(minute(1), 8e9)]);
    let latest = mackerel
        .get(&format!("/tsdb/latest?hostId={id}&name=loadavg5&name=memory.mem_available&name=cpu.user.percentage"));
    let latest = &latest["tsdbLatest"][&id];
    assert_eq!(latest["loadavg5"], json!({ "time": minute(1) + 50, "value": 5.0 }));
    assert_eq!((&latest["memory.mem_available"]["value"], &latest["cpu.user.percentage"]), (&json!(5e9), &Value::Null));
    // What somebody posts of it beside the agent takes nothing from the agent.
    mackerel.posted(&[value(&id, "custom.thrown", minute(1), 7)]);
    assert_eq!(points("custom.thrown"), [(minute(1), 7.0)]);
    let next = json!({ "agent_version": "0.1.0", "sent_at_ms": now_s() * 1000, "oldest": 1, "period_s": 10, "samples": [sample(6)] });
    let posted = mackerel.worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &next.to_string());
    assert_eq!((posted.at("/durable_up_to"), posted.json().get("resend_from")), (json!(6), None));
}

#[test]
fn a_host_that_stops_posting_is_offline_after_three_minutes_and_back_with_the_next_post() {
    let mackerel = Mackerel::start();
    let id = mackerel.host("a");
    mackerel.posted(&[value(&id, "x", minute(1), 1)]);
    let minutes = |passed: std::ops::RangeInclusive<i64>| {
        for minute in passed {
            let ahead_ms = minute * 60_000;
            mackerel.worker.set_clock_ahead(ahead_ms);
            assert!(mackerel.worker.cron_at(u64::try_from(now_s() * 1000 + ahead_ms).expect("past 1970")));
        }
        mackerel.worker.events("host_offline")
    };
    assert_eq!(minutes(0..=2), 0);
    assert_eq!(minutes(3..=5), 1);
    mackerel.posted(&[value(&id, "x", minute(1) + 300, 1)]);
    minutes(6..=6);
    assert_eq!(mackerel.worker.events("host_online"), 1);
}

#[test]
fn a_service_has_metrics_of_its_own() {
    let mackerel = Mackerel::start();
    for name in ["shop", "blog"] {
        mackerel.done("POST", "/services", &json!({ "name": name, "memo": "" }));
    }
    let post =
        |service: &str, values: Value| mackerel.call("POST", &format!("/services/{service}/tsdb"), &values.to_string());
    let at = minute(1);
    let values = json!([{ "name": "clicks", "time": at, "value": 5 }, { "name": "no name", "time": at, "value": 5 }]);
    assert_eq!(post("shop", values).body, r#"{"success":true}"#);
    assert_eq!(post("nope", json!([])).status, 404);
    assert_eq!(post("shop", json!(null)).status, 400);
    let reply = mackerel.get(&format!("/services/shop/metrics?name=clicks&from={at}&to={at}"));
    assert_eq!(reply, json!({ "metrics": [{ "time": at, "value": 5.0 }] }));
    assert_eq!(mackerel.get("/services/shop/metric-names"), json!({ "names": ["clicks"] }));
    assert_eq!(mackerel.get("/services/blog/metric-names"), json!({ "names": [] }));
    let unknown = mackerel.call("GET", "/services/blog/metrics?name=clicks&from=0&to=1", "");
    assert_eq!((unknown.status, unknown.at("/error/message")), (404, json!("Metric Not Found.")));
    assert_eq!(mackerel.get("/hosts")["hosts"], json!([]), "it is in no list of hosts");
    let agent = token(&mackerel.worker, &json!({ "kind": "agent" }));
    assert_eq!(call(&mackerel.worker, &agent, "GET", "/services/shop/metric-names", "").status, 403);
}
