//! The ways of an alert: from an agent's socket or its POST to the groups that are told, one for each cause.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgewatch_core::dialects::native::Sample;
use edgewatch_core::dialects::native::stream::{CAN_HOLD, Frame, FromAgent, FromHub, Hello, Versions};
use edgewatch_harness::objects::Sockets;
use edgewatch_harness::receiver::Receiver;
use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const RULES: &str = "/api/edgewatch/v1/rules";
const ALERTS: &str = "/api/edgewatch/v1/alerts";
const PATIENCE: Duration = Duration::from_secs(20);

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    i64::try_from(now.as_millis()).expect("a few centuries")
}

fn channel(worker: &Worker, group: &str, receiver: &Receiver) {
    let url = format!("{}/{group}", receiver.url());
    let body = json!({ "name": group, "kind": "webhook", "url": url, "group": group }).to_string();
    let made = worker.post("/api/edgewatch/v1/channels", &[("Authorization", &worker.token)], &body);
    assert_eq!(made.status, 201, "{}", made.body);
}

fn rule(worker: &Worker, rule: &Value) -> i64 {
    let made = worker.post(RULES, &[("Authorization", &worker.token)], &rule.to_string());
    assert_eq!(made.status, 201, "{}", made.body);
    made.at("/id").as_i64().expect("a number")
}

/// Reports a sample; the next one is to be expected in `frame_s`.
fn report(worker: &Worker, host: &TestHost, number: u64, frame_s: u32, load1: f64) {
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": number, "period_s": 10, "frame_s": frame_s,
        "samples": [{ "number": number, "at_ms": 0, "load1": load1 }]
    });
    let bearer = format!("Bearer {}", host.secret);
    let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
}

/// The group and kind of every message so far, oldest first.
fn told(receiver: &Receiver) -> Vec<(String, String)> {
    let one = |received: edgewatch_harness::receiver::Received| {
        let kind = received.json()["kind"].as_str().unwrap_or_default().to_owned();
        (received.path.trim_start_matches('/').to_owned(), kind)
    };
    receiver.received().into_iter().map(one).collect()
}

fn told_as(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(group, kind)| ((*group).to_owned(), (*kind).to_owned())).collect()
}

#[test]
fn an_alert_that_nobody_acknowledges_is_told_to_the_groups_that_are_named_and_its_end_to_all_of_them() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    for group in ["default", "ops", "boss", "others"] {
        channel(&worker, group, &receiver);
    }
    let (known, unknown) = (worker.add_host("known"), worker.add_host("unknown"));
    let steps = json!([{ "after_s": 90, "group": "boss" }, { "after_s": 210, "group": "default" }]);
    let of = |host: &TestHost| {
        json!({ "name": "busy", "hosts": [host.id], "group": "ops", "escalate": steps,
            "conditions": [{ "metric": "load1", "above": 4 }] })
    };
    rule(&worker, &of(&known));
    let start = now_ms();
    let mut number = 0;
    let mut minute = |minute: i64, load1: f64| {
        number += 1;
        worker.set_clock_ahead(start + minute * 60_000 - now_ms());
        for host in [&known, &unknown] {
            report(&worker, host, number, 60, load1);
        }
        assert!(worker.cron_at(u64::try_from(start + minute * 60_000 + 5_000).expect("past 1970")));
        told(&receiver)
    };
    let mut expected = vec![("ops", "alert_fired")];
    assert_eq!(minute(0, 9.0), told_as(&expected));
    // Somebody knows of it: nobody else is told, however long it goes on.
    let key = worker.get(ALERTS).at("/alerts/0/key").as_str().expect("a key").to_owned();
    let header = [("Authorization", worker.token.as_str())];
    assert_eq!(worker.post(&format!("{ALERTS}/{key}/acknowledge"), &header, "").status, 200);
    for later in 1..=4 {
        assert_eq!(minute(later, 9.0), told_as(&expected), "minute {later}");
    }
    rule(&worker, &of(&unknown));
    expected.push(("ops", "alert_fired"));
    assert_eq!(minute(5, 9.0), told_as(&expected));
    assert_eq!(minute(6, 9.0), told_as(&expected), "a minute and a half is not over");
    expected.push(("boss", "alert_escalated"));
    assert_eq!(minute(7, 9.0), told_as(&expected));
    // A restart would take the clock back for a moment.
    assert!(worker.evict("Hub", "hub-0", Sockets::Hibernate));
    assert_eq!(minute(8, 9.0), told_as(&expected), "once");
    expected.push(("default", "alert_escalated"));
    assert_eq!(minute(9, 9.0), told_as(&expected));
    assert_eq!(minute(10, 9.0), told_as(&expected));
    // Their end is told to everybody who heard of them, and to nobody else.
    let told = minute(11, 1.0);
    let mut ends: Vec<&str> = told.iter().skip(expected.len()).map(|(group, _)| group.as_str()).collect();
    ends.sort_unstable();
    assert_eq!(ends, ["boss", "default", "ops", "ops"], "{told:?}");
    assert!(told.iter().skip(expected.len()).all(|(_, kind)| kind == "alert_recovered"), "{told:?}");
}

#[test]
fn there_is_one_alert_for_each_cause_with_several_rules_on_a_host() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    channel(&worker, "default", &receiver);
    let host = worker.add_host("alpha");
    let load = |above: u32| json!({ "name": "busy", "conditions": [{ "metric": "load1", "above": above }] });
    let (low, high) = (rule(&worker, &load(4)), rule(&worker, &load(8)));
    // Two conditions that fail at once are one cause; a rule that never fails is none.
    let both = rule(
        &worker,
        &json!({ "name": "both", "conditions": [{ "metric": "load1", "above": 2 }, { "metric": "load1", "above": 3 }] }),
    );
    rule(&worker, &load(100));
    let silent = rule(&worker, &json!({ "name": "silent", "conditions": [{ "metric": "offline", "for_s": 10 }] }));
    let sources = || {
        let alerts = worker.get(ALERTS).at("/alerts");
        let mut ids: Vec<i64> =
            alerts.as_array().into_iter().flatten().filter_map(|alert| alert["source_id"].as_i64()).collect();
        ids.sort_unstable();
        ids
    };
    let start = now_ms();
    let fire = |ms: i64| {
        worker.set_clock_ahead(start + ms - now_ms());
        assert!(worker.cron_at(u64::try_from(start + ms).expect("past 1970")));
    };
    for number in 1..=3 {
        report(&worker, &host, number, 10, 9.0);
        fire(i64::try_from(number).expect("a few") * 10_000);
    }
    assert_eq!(sources(), [low, high, both]);
    assert_eq!(told(&receiver), told_as(&[("default", "alert_fired"); 3]));
    // One of them ends, and no other.
    report(&worker, &host, 4, 10, 5.0);
    fire(40_000);
    assert_eq!(sources(), [low, both]);
    assert_eq!(told(&receiver).len(), 4);
    // Silence is a cause of its own, told once: by its rule and not besides.
    for minute in 2..=5 {
        fire(minute * 60_000);
    }
    assert_eq!(sources(), [low, both, silent]);
    let kinds: Vec<String> = told(&receiver).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds[3..], ["alert_recovered", "alert_fired"], "nobody hears of the others again");
    report(&worker, &host, 5, 10, 1.0);
    fire(5 * 60_000 + 10_000);
    assert_eq!(sources(), Vec::<i64>::new());
    let kinds: Vec<String> = told(&receiver).into_iter().skip(5).map(|(_, kind)| kind).collect();
    assert_eq!(kinds, ["alert_recovered"; 3]);
}

/// An agent's side of the stream, as far as a rule needs it.
struct Stream {
    socket: Socket,
    frames: u64,
    next: u64,
}

impl Stream {
    fn open(worker: &Worker, host: &TestHost) -> Self {
        let bearer = format!("Bearer {}", host.secret);
        let socket = Socket::open(worker.address(), "/agent/v1/stream", &[("Authorization", &bearer)]);
        let mut stream = Self { socket: socket.expect("an upgrade"), frames: 0, next: 1 };
        stream.say(&FromAgent::Hello(Hello {
            versions: Versions::OURS,
            agent_version: "0.1.0".to_owned(),
            clock_ms: now_ms(),
            oldest: 1,
            next: 1,
            capabilities: CAN_HOLD,
            dropped_samples: 0,
        }));
        stream.until("the welcome", |answer| matches!(answer, FromHub::Welcome(_)));
        stream
    }

    fn say(&mut self, message: &FromAgent) {
        assert!(self.socket.send_binary(message.encode().expect("a message")), "the socket is gone");
    }

    fn until(&mut self, what: &str, is_it: impl Fn(&FromHub) -> bool) {
        for _ in 0..10 {
            match self.socket.next(PATIENCE) {
                Heard::Binary(bytes) if is_it(&FromHub::decode(&bytes).expect("an answer")) => return,
                Heard::Binary(_) | Heard::Text(_) => {}
                other => panic!("{other:?} instead of {what}"),
            }
        }
        panic!("no {what}");
    }

    /// Sends samples ten seconds apart in one frame, the last one of now, and waits until they are taken.
    fn send(&mut self, loads: &[f64]) {
        let count = i64::try_from(loads.len()).expect("a few");
        let samples = (0_i64..).zip(loads).map(|(at, load1)| {
            let number = self.next + at.unsigned_abs();
            Sample { number, at_ms: now_ms() + (at + 1 - count) * 10_000, load1: Some(*load1), ..Sample::default() }
        });
        let samples: Vec<Sample> = samples.collect();
        self.frames += 1;
        let (frame, oldest) = (self.frames, self.next);
        self.next += count.unsigned_abs();
        self.say(&FromAgent::Frame(Frame {
            frame,
            sent_at_ms: now_ms(),
            oldest,
            dropped_samples: 0,
            period_s: 10,
            frame_s: 60,
            samples,
        }));
        self.until("the answer", |answer| matches!(answer, FromHub::Ack(ack) if ack.answers == Some(frame)));
    }
}

#[test]
fn a_rule_looks_at_what_comes_over_an_agents_socket_and_people_are_told_without_the_schedule() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    channel(&worker, "default", &receiver);
    let host = worker.add_host("alpha");
    rule(&worker, &json!({ "name": "busy", "conditions": [{ "metric": "load1", "above": 4, "for_s": 40 }] }));
    let mut agent = Stream::open(&worker, &host);
    agent.send(&[9.0, 1.0, 9.0, 9.0, 9.0]);
    // Twenty seconds of forty; the object sleeps, and its sockets with it.
    assert!(worker.evict("Hub", "hub-0", Sockets::Hibernate));
    assert_eq!(told(&receiver), []);
    agent.send(&[9.0, 9.0, 9.0]);
    let heard = || wait_until("a message", PATIENCE, || Some(told(&receiver)).filter(|told| !told.is_empty()));
    assert_eq!(heard(), told_as(&[("default", "alert_fired")]));
    assert_eq!(worker.get(ALERTS).at("/alerts/0/detail"), "load1 9");
    assert!(worker.evict("Hub", "hub-0", Sockets::Hibernate));
    // While it goes on nobody hears of it, whatever its connection does.
    agent.send(&[9.0]);
    let mut again = Stream::open(&worker, &host);
    (again.next, again.frames) = (agent.next, 0);
    again.send(&[9.0]);
    assert_eq!(told(&receiver).len(), 1);
    again.send(&[1.0]);
    let both = wait_until("its end", PATIENCE, || Some(told(&receiver)).filter(|told| told.len() > 1));
    assert_eq!(both, told_as(&[("default", "alert_fired"), ("default", "alert_recovered")]));
    assert_eq!(worker.get(ALERTS).at("/alerts"), json!([]));
}
