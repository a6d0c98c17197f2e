//! `POST /agent/v1/reports`.

use edgewatch_harness::golden::Volatile;
use edgewatch_harness::http::Reply;
use edgewatch_harness::objects::Exhausted;
use edgewatch_harness::worker::{Fault, TestHost, Worker};
use serde_json::{Value, json};

const REPORTS: &str = "/agent/v1/reports";

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970");
    u64::try_from(now.as_millis()).expect("a few centuries")
}

fn samples(numbers: std::ops::RangeInclusive<u64>) -> Vec<Value> {
    numbers.map(|number| json!({ "number": number, "at_ms": now_ms(), "cpu_percent": 1.5, "load1": 0.25 })).collect()
}

fn body(oldest: u64, samples: &[Value]) -> Value {
    json!({ "agent_version": "0.1.0", "sent_at_ms": now_ms(), "oldest": oldest, "period_s": 10, "samples": samples })
}

fn post(worker: &Worker, host: &TestHost, body: &str) -> Reply {
    worker.post(REPORTS, &[("Authorization", &format!("Bearer {}", host.secret))], body)
}

fn send(worker: &Worker, host: &TestHost, oldest: u64, numbers: std::ops::RangeInclusive<u64>) -> Reply {
    post(worker, host, &body(oldest, &samples(numbers)).to_string())
}

#[test]
fn a_report_is_answered_with_what_is_durable_and_how_to_go_on() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let reply = send(&worker, &host, 1, 1..=3);
    assert_eq!(reply.status, 200);
    reply.assert_golden_but("native/report.taken", &[("time_ms", Volatile::UnixMillis)]);
    let server = worker.get("/api/v1/server/details").at("/result/0");
    assert_eq!((&server["status"]["CPU"], &server["status"]["Load1"]), (&json!(1.5), &json!(0.25)));
}

#[test]
fn a_report_costs_a_row_of_the_object_and_a_repeat_none() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    // The first one also notes the agent's version, and every one of another half hour its block.
    for (numbers, written) in [(1..=1, 2), (2..=121, 1), (2..=121, 0), (121..=122, 1)] {
        let cost = send(&worker, &host, 1, numbers.clone()).cost();
        assert_eq!((cost.d1_rows_written, cost.object_rows_written, cost.requests), (0, written, 2), "{numbers:?}");
        assert!(cost.d1_rows_read <= 2 && cost.object_rows_read <= 4, "{numbers:?}: {cost:?}");
    }
    // Whose secret it is was found out once.
    assert_eq!(send(&worker, &host, 1, 123..=123).cost().d1_rows_read, 0);
}

#[test]
fn what_a_host_is_counts_without_samples_too() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let mut text = body(1, &[]);
    text["host"] = json!({ "platform": "debian", "mem_total_bytes": 1024 });
    let reply = post(&worker, &host, &text.to_string());
    assert_eq!((reply.status, reply.at("/durable_up_to"), reply.cost().d1_rows_written), (200, json!(0), 0));
    let server = worker.get("/api/v1/server/details").at("/result/0");
    assert_eq!((&server["host"]["Platform"], &server["host"]["MemTotal"]), (&json!("debian"), &json!(1024)));
    assert_eq!(server["last_active"], -62_135_596_800_i64, "a host report alone does not move it");
}

#[test]
fn a_hole_is_asked_for_and_a_given_up_one_is_not() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    send(&worker, &host, 1, 1..=2);
    let hole = send(&worker, &host, 1, 5..=6);
    assert_eq!((hole.at("/durable_up_to"), hole.at("/resend_from")), (json!(2), json!(3)));
    assert_eq!(hole.cost().d1_rows_written, 0);
    assert_eq!(send(&worker, &host, 4, 5..=6).at("/resend_from"), json!(4));
    let given_up = send(&worker, &host, 5, 5..=6).json();
    assert_eq!((&given_up["durable_up_to"], given_up.get("resend_from")), (&json!(6), None));
}

#[test]
fn an_agent_that_lost_its_counter_learns_the_true_one() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    send(&worker, &host, 1, 1..=50);
    assert_eq!(send(&worker, &host, 1, 1..=1).at("/durable_up_to"), json!(50));
}

#[test]
fn one_impossible_value_costs_itself_alone_and_is_named() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let day_off = i64::try_from(now_ms()).expect("a time") - 86_400_000;
    let text = format!(
        r#"{{"agent_version":"0.1.0","sent_at_ms":{},"oldest":1,"period_s":10,"samples":[
            {{"number":1,"at_ms":{day_off},"cpu_percent":NaN,"mem_used_bytes":-5,"load1":0.5,"processes":"many","load5":1e999}},
            {{"number":2,"at_ms":{},"cpu_percent":101,"load1":0.75,"temperatures":[{{"name":"a","celsius":-300}},{{"name":"b","celsius":40}}]}}]}}"#,
        now_ms(),
        now_ms()
    );
    let reply = post(&worker, &host, &text);
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.assert_golden_but("native/report.dropped", &[("time_ms", Volatile::UnixMillis)]);
    let status = worker.get("/api/v1/server/details").at("/result/0/status");
    assert_eq!((&status["Load1"], &status["CPU"]), (&json!(0.75), &json!(0)));
    assert_eq!(status["Temperatures"], json!([{ "Name": "b", "Temperature": 40 }]));
}

#[test]
fn the_largest_exact_number_is_kept_and_read_back() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let largest = (1_u64 << 53) - 1;
    let mut sample = samples(largest..=largest).remove(0);
    sample["mem_used_bytes"] = json!(largest);
    sample["disk_used_bytes"] = json!(largest + 1);
    let reply = post(&worker, &host, &body(largest, &[sample]).to_string());
    assert_eq!((reply.status, reply.at("/durable_up_to")), (200, json!(largest)), "{}", reply.body);
    assert_eq!(reply.at("/dropped/0/field"), "disk_used_bytes");
    let status = worker.get("/api/v1/server/details").at("/result/0/status");
    assert_eq!((&status["MemUsed"], &status["DiskUsed"]), (&json!(largest), &json!(0)));
    assert_eq!(send(&worker, &host, 1, 1..=1).at("/durable_up_to"), json!(largest));
}

#[test]
fn what_is_no_report_is_refused_and_nothing_is_stored() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let too_many = body(1, &samples(1..=121)).to_string();
    let backwards = body(1, &[samples(2..=2), samples(1..=1)].concat()).to_string();
    let zero = body(1, &samples(0..=0)).to_string();
    let beyond = body(1, &samples(1 << 53..=1 << 53)).to_string();
    let oldest = body(9, &samples(1..=1)).to_string();
    let deep = format!("{{\"samples\":{}", "[".repeat(200_000));
    for (text, code) in [
        ("", "malformed"),
        ("{}", "malformed"),
        ("[1]", "malformed"),
        ("null", "malformed"),
        ("\u{0}", "malformed"),
        (r#"{"samples":"x"}"#, "malformed"),
        (deep.as_str(), "malformed"),
        (too_many.as_str(), "invalid"),
        (backwards.as_str(), "invalid"),
        (zero.as_str(), "invalid"),
        (beyond.as_str(), "invalid"),
        (oldest.as_str(), "invalid"),
    ] {
        let reply = post(&worker, &host, text);
        let start: String = text.chars().take(60).collect();
        assert_eq!((reply.status, reply.at("/error/code")), (400, json!(code)), "{start}");
        assert_eq!(reply.cost().d1_rows_written, 0, "{start}");
    }
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(512 * 1024));
    let reply = post(&worker, &host, &large);
    assert_eq!((reply.status, reply.at("/error/code")), (413, json!("too_large")));
    assert_eq!(worker.get("/api/v1/server/list").at("/result/0/last_active"), -62_135_596_800_i64);
}

#[test]
fn only_the_hosts_own_secret_opens() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let text = body(1, &samples(1..=1)).to_string();
    let token = format!("Bearer {}", worker.token);
    let other = format!("Bearer {}x", &host.secret[..17]);
    for headers in [
        vec![],
        vec![("Authorization", host.secret.as_str())],
        vec![("Authorization", token.as_str())],
        vec![("Authorization", other.as_str())],
    ] {
        let reply = worker.post(REPORTS, &headers, &text);
        assert_eq!((reply.status, reply.at("/error/code")), (401, json!("unauthenticated")), "{headers:?}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    let beta = worker.add_host("beta");
    send(&worker, &beta, 1, 1..=1);
    let list = worker.get("/api/v1/server/list").at("/result");
    assert_eq!(list[0]["last_active"], -62_135_596_800_i64, "alpha has not reported");
    assert_ne!(list[1]["last_active"], -62_135_596_800_i64);
}

#[test]
fn unknown_fields_and_older_agents_are_welcome() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let text = r#"{"agent_version":"9.9","sent_at_ms":0,"oldest":1,"period_s":10,"new":{"x":[1]},
        "samples":[{"number":1,"at_ms":0,"load1":1,"future_metric":3}]}"#;
    let reply = post(&worker, &host, text);
    assert_eq!((reply.status, reply.at("/durable_up_to")), (200, json!(1)));
}

#[test]
fn a_database_that_is_away_costs_no_report() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    send(&worker, &host, 1, 1..=1);
    for (number, fault) in (2..).zip([Fault::Overloaded, Fault::LostBefore, Fault::LostAfterCommit]) {
        worker.faults(fault, 1_000, "");
        assert_eq!(send(&worker, &host, 1, number..=number).at("/durable_up_to"), json!(number), "{fault:?}");
    }
    worker.faults(Fault::Off, 0, "");
    assert_eq!(worker.stored_samples(host.id), [1, 2, 3, 4]);
}

#[test]
fn an_object_that_writes_nothing_costs_a_503_and_no_sample() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    send(&worker, &host, 1, 1..=1);
    worker.exhaust(Exhausted::ObjectRowsWritten);
    let reply = send(&worker, &host, 1, 2..=3);
    assert_eq!((reply.status, reply.at("/error/code")), (503, json!("unavailable")));
    assert_eq!(reply.header("retry-after"), Some("5"));
    assert_ne!(worker.refill(Exhausted::ObjectRowsWritten), 0);
    let reply = send(&worker, &host, 1, 2..=3);
    assert_eq!((reply.at("/durable_up_to"), reply.cost().object_rows_written), (json!(3), 1));
    assert_eq!(worker.stored_samples(host.id), [1, 2, 3]);
}

#[test]
fn reports_that_overtake_each_other_store_every_sample_once() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let reply = send(&worker, &host, 1, 1..=20);
                    assert_eq!((reply.status, reply.at("/durable_up_to")), (200, json!(20)));
                }
            });
        }
    });
    let stored = worker.stored_samples(host.id);
    assert_eq!(stored, (1..=20).collect::<Vec<u64>>());
}

#[test]
fn other_methods_and_paths_are_refused_in_our_words() {
    let worker = Worker::start();
    let header = [("Authorization", worker.token.as_str())];
    for (method, path, status, code) in [
        ("GET", REPORTS, 405, "method_not_allowed"),
        ("POST", "/agent/v1/unknown", 404, "not_found"),
        ("GET", "/api/edgewatch/v1/unknown", 404, "not_found"),
        ("GET", "/api/edgewatch/v1/setup", 405, "method_not_allowed"),
    ] {
        let reply = worker.request(method, path, &header, "");
        assert_eq!((reply.status, reply.at("/error/code")), (status, json!(code)), "{method} {path}");
    }
}
