//! How probes fared: what it costs to ask, whose results count, and that none counts twice or is lost.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgewatch_core::dialects::native::stream::{Frame, FromAgent, Hello, Versions};
use edgewatch_core::dialects::native::{ProbePart, Sample};
use edgewatch_harness::http::Reply;
use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const PROBES: &str = "/api/edgewatch/v1/probes";
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Longer than an answer is kept.
const LATER_MS: i64 = 61_000;

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    i64::try_from(now.as_millis()).expect("a few centuries")
}

fn make(worker: &Worker, body: &Value) {
    let reply = worker.post(PROBES, &[("Authorization", &worker.token)], &body.to_string());
    assert_eq!(reply.status, 201, "{}", reply.body);
}

fn everywhere(worker: &Worker) {
    make(worker, &json!({ "name": "a", "kind": "tcp", "target": "192.0.2.1:80", "public": true }));
}

/// Posts samples at these times, `now` being the agent's clock: whether the probe 1 succeeded, or nothing of probes.
fn report(worker: &Worker, host: &TestHost, now: i64, first: u64, samples: &[(i64, Option<bool>)]) {
    let sample = |(number, (at_ms, result)): (u64, &(i64, Option<bool>))| {
        let results = match result {
            Some(true) => json!([{ "id": 1, "delay_ms": 5 }]),
            Some(false) => json!([{ "id": 1 }]),
            None => json!([]),
        };
        let sensors = json!([{ "name": "cpu", "celsius": 45 }]);
        json!({ "number": number, "at_ms": at_ms, "load1": 1, "temperatures": sensors, "probes": results })
    };
    let samples: Vec<Value> = (first..).zip(samples).map(sample).collect();
    let last = first + samples.len() as u64 - 1;
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": now, "oldest": first, "period_s": 10, "samples": samples
    });
    let bearer = format!("Bearer {}", host.secret);
    let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
    assert_eq!((reply.status, reply.at("/durable_up_to")), (200, json!(last)), "{}", reply.body);
}

/// Every five minutes of so many hours up to `now`.
fn hours(now: i64, hours: i64, result: Option<bool>) -> Vec<(i64, Option<bool>)> {
    (0..hours * 12).map(|step| (now - hours * HOUR_MS + step * 300_000, result)).collect()
}

fn guest(worker: &Worker) -> Reply {
    let reply = worker.get_as(&format!("{PROBES}/summary"), &[]);
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply
}

/// How many results of the first probe there were in all days, and on how many days.
fn results(reply: &Reply) -> (u64, usize) {
    let days = reply.at("/probes/0/days");
    let counts = days.as_array().into_iter().flatten().filter_map(|day| day["results"].as_u64());
    (counts.clone().sum(), counts.filter(|count| *count > 0).count())
}

fn let_guests_in(worker: &Worker) {
    worker.sql("INSERT INTO settings (key, value) VALUES ('guest_view', 'status')");
}

#[test]
fn asking_costs_rows_of_hosts_with_probes_alone_and_asking_again_none() {
    let worker = Worker::start();
    let_guests_in(&worker);
    let hosts = worker.add_hosts("h", 12);
    let nobody = guest(&worker).cost();
    // Two with probes that count, and two whose results are of a probe that is not theirs: as good as without.
    let only: Vec<u64> = hosts[..2].iter().map(|host| host.id).collect();
    make(
        &worker,
        &json!({ "name": "a", "kind": "tcp", "target": "192.0.2.1:80", "public": true, "hosts": { "only": only } }),
    );
    let now = now_ms();
    for (at, host) in hosts.iter().enumerate() {
        report(&worker, host, now, 1, &hours(now, 4, (at < 4).then_some(true)));
    }
    worker.restart();
    worker.get("/api/v1/server/list");
    let first = guest(&worker);
    assert_eq!(results(&first).0, 2 * 48, "{}", first.body);
    assert_eq!(first.cost().d1_rows_read, nobody.d1_rows_read, "D1 is asked who may look, and nothing else");
    let read = first.cost().object_rows_read;
    assert!(read <= 45, "{read} rows for two hosts of twelve");
    let second = guest(&worker);
    assert_eq!((second.cost().object_rows_read, second.cost().object_rows_written), (0, 0));
    assert_eq!(second.body, first.body);
    // What is at hand is kept up with what comes: no row is read after the minute either.
    report(&worker, &hosts[0], now_ms(), 49, &[(now_ms(), Some(false))]);
    assert_eq!(results(&guest(&worker)).0, 2 * 48, "the answer is a minute old at most");
    worker.set_clock_ahead(LATER_MS);
    let third = guest(&worker);
    assert_eq!((results(&third).0, third.cost().object_rows_read), (2 * 48 + 1, 0), "{}", third.body);
    // An object that slept has its answer still.
    worker.restart();
    worker.set_clock_ahead(LATER_MS);
    let woken = guest(&worker);
    assert_eq!(woken.body, third.body);
    assert!(woken.cost().object_rows_read <= 12, "{:?}", woken.cost());
    // Another list has another answer at once.
    make(&worker, &json!({ "name": "b", "kind": "icmp", "target": "192.0.2.2", "public": true }));
    assert_eq!(guest(&worker).at("/probes").as_array().map(Vec::len), Some(2));
}

#[test]
fn days_that_are_over_cost_no_row_of_d1_and_count_once_over_midnight_and_restarts() {
    let worker = Worker::start();
    let_guests_in(&worker);
    let hosts = worker.add_hosts("h", 3);
    let nobody = guest(&worker).cost();
    everywhere(&worker);
    let begun = now_ms();
    let at = |ahead_ms: i64| {
        worker.set_clock_ahead(ahead_ms);
        assert!(worker.cron_at(u64::try_from(begun + ahead_ms).expect("past 1970")));
    };
    let mut sent: u64 = 0;
    for day in 0..4 {
        at(day * DAY_MS + 1_000);
        let now = now_ms() + day * DAY_MS + 1_000;
        let first = u64::try_from(day).expect("a day") * 240 + 1;
        for host in &hosts {
            for (first, some) in (first..).step_by(100).zip(hours(now, 20, Some(day != 1)).chunks(100)) {
                report(&worker, host, now, first, some);
            }
            sent += 240;
        }
        for run in 1..=3 {
            at(day * DAY_MS + run * LATER_MS);
        }
        let kept = guest(&worker);
        assert_eq!(results(&kept).0, sent, "{}", kept.body);
        // Put together anew.
        worker.restart();
        at(day * DAY_MS + 4 * LATER_MS);
        worker.get("/api/v1/server/list");
        at(day * DAY_MS + 5 * LATER_MS);
        let anew = guest(&worker);
        assert_eq!((results(&anew).0, anew.at("/probes/0/days")), (sent, kept.at("/probes/0/days")));
        assert_eq!(anew.cost().d1_rows_read, nobody.d1_rows_read);
    }
    let stored = worker.sql("SELECT count(*) AS rows FROM history WHERE tier = 3");
    assert!(stored["results"][0]["rows"].as_u64().is_some_and(|rows| rows >= 3), "days are over: {stored}");
    let summary = guest(&worker);
    assert!(results(&summary).1 >= 4, "{}", summary.body);
    let read = summary.cost().object_rows_read;
    assert_eq!(read, 0, "the same minute");
}

/// Rows that the hub writes while ten hosts with a sensor report on four days from `begun` on, with results of a probe or without.
fn rows_written(begun: i64, result: Option<bool>) -> u64 {
    let worker = Worker::start();
    let hosts = worker.add_hosts("h", 10);
    everywhere(&worker);
    for day in 0..4 {
        let at = |minute: i64| {
            let now = begun + day * DAY_MS + minute * LATER_MS;
            worker.set_clock_ahead(now - now_ms());
            assert!(worker.cron_at(u64::try_from(now).expect("past 1970")));
            now
        };
        let now = at(0);
        let first = u64::try_from(day).expect("a day") * 96 + 1;
        for host in &hosts {
            report(&worker, host, now, first, &hours(now, 8, result));
        }
        for minute in 1..=3 {
            at(minute);
        }
    }
    let stored = worker.sql("SELECT count(DISTINCT host_id) AS hosts FROM history WHERE tier = 3");
    assert_eq!(stored["results"][0]["hosts"], 10, "days of all are over");
    worker.meters().class("Hub", "rows_written")
}

#[test]
fn days_of_hosts_with_probes_are_written_in_rows_that_are_written_anyway() {
    // The same moments for both: which block a sample lies in goes by the clock.
    let begun = now_ms() + HOUR_MS;
    let without = rows_written(begun, None);
    assert_eq!(rows_written(begun, Some(true)), without);
    assert!(without > 300, "{without}");
}

#[test]
fn results_of_a_probe_that_does_not_cover_the_host_count_nowhere() {
    let worker = Worker::start();
    let hosts = worker.add_hosts("h", 3);
    make(&worker, &json!({ "name": "a", "kind": "tcp", "target": "192.0.2.1:80", "hosts": { "only": [hosts[0].id] } }));
    let now = now_ms();
    report(&worker, &hosts[0], now, 1, &[(now - 60_000, Some(true)), (now - 30_000, Some(true))]);
    report(&worker, &hosts[1], now, 1, &[(now - 61_000, Some(false)), (now - 29_000, Some(false))]);
    // By a socket, too.
    let bearer = format!("Bearer {}", hosts[2].secret);
    let mut socket =
        Socket::open(worker.address(), "/agent/v1/stream", &[("Authorization", &bearer)]).expect("an upgrade");
    let hello = Hello {
        versions: Versions::OURS,
        agent_version: String::new(),
        clock_ms: now,
        oldest: 1,
        next: 1,
        capabilities: 0,
        dropped_samples: 0,
    };
    let failed = ProbePart { id: 1, note: Some("refused".to_owned()), ..ProbePart::default() };
    let sample = Sample { number: 1, at_ms: now - 20_000, load1: Some(1.0), probes: vec![failed], ..Sample::default() };
    let frame = Frame {
        frame: 1,
        sent_at_ms: now,
        oldest: 1,
        period_s: 10,
        frame_s: 60,
        samples: vec![sample],
        ..Frame::default()
    };
    for message in [FromAgent::Hello(hello), FromAgent::Frame(frame)] {
        assert!(socket.send_binary(message.encode().expect("a message")));
        assert!(matches!(socket.next(Duration::from_secs(10)), Heard::Binary(_)), "an answer");
    }
    wait_until("the frame", Duration::from_secs(10), || {
        let listed = worker.get("/api/v1/server/list").at("/result");
        let seen = listed.as_array().into_iter().flatten().filter(|server| server["last_active"].as_i64() > Some(0));
        (seen.count() == 3).then_some(())
    });
    let summary = worker.get(&format!("{PROBES}/summary"));
    assert_eq!(summary.at("/probes/0/days/29"), json!({ "results": 2, "up_percent": 100.0 }));
    assert_eq!((summary.at("/probes/0/state"), summary.at("/probes/0/notes")), (json!("good"), json!([])));
    // Nor do they come back when the list changes: they were never taken.
    let body = json!({ "name": "a", "kind": "tcp", "target": "192.0.2.1:80" }).to_string();
    let put = worker.request("PUT", &format!("{PROBES}/1"), &[("Authorization", &worker.token)], &body);
    assert_eq!(put.status, 200);
    assert_eq!(worker.get(&format!("{PROBES}/summary")).at("/probes/0/days/29/results"), 2);
}
