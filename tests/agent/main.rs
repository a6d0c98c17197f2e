//! The real agent against the real Worker: this machine's own values arrive, nothing is lost, and silence is noticed.

mod details;
mod values;

use std::net::TcpListener;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgewatch_harness::agent::Agent;
use edgewatch_harness::folder::Folder;
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    u64::try_from(now.as_millis()).expect("a few centuries")
}

fn server(worker: &Worker, id: u64) -> Value {
    worker.get(&format!("/api/v1/server/details?id={id}")).at("/result/0")
}

#[test]
fn the_backlog_of_an_outage_arrives_once_each_and_in_order() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let folder = Folder::new("backlog");
    let agent = Agent::start(&worker, &host, &folder.0);
    let stored = |worker: &Worker| worker.stored_samples(host.id);
    // The first frame goes at once, the next one after a minute; the hub stores what it took within another.
    let first = wait_until("a sample", Duration::from_secs(100), || {
        Some(stored(&worker)).filter(|numbers| !numbers.is_empty())
    });
    worker.kill();
    std::thread::sleep(Duration::from_secs(22));
    worker.resume();
    let after = wait_until("the backlog", Duration::from_mins(2), || {
        Some(stored(&worker)).filter(|numbers| numbers.len() >= first.len() + 2)
    });
    let expected: Vec<u64> = (1..=u64::try_from(after.len()).expect("a few")).collect();
    assert_eq!(after, expected);
    // Stopped and started again, it goes on with the next number.
    assert!(agent.stop().success());
    let at_stop = stored(&worker);
    let agent = Agent::start(&worker, &host, &folder.0);
    let again = wait_until("another sample", Duration::from_secs(100), || {
        Some(stored(&worker)).filter(|numbers| numbers.len() > at_stop.len())
    });
    // Killed outright and its state lost, it learns from the Worker where to go on.
    agent.kill();
    std::fs::remove_dir_all(folder.0.join("state")).expect("the state can be removed");
    let _agent = Agent::start(&worker, &host, &folder.0);
    let last = wait_until("a sample of the third start", Duration::from_secs(100), || {
        Some(stored(&worker)).filter(|numbers| numbers.len() > again.len())
    });
    let expected: Vec<u64> = (1..=u64::try_from(last.len()).expect("a few")).collect();
    assert_eq!(last, expected);
}

#[test]
fn an_agent_that_posts_and_is_stopped_is_called_offline_by_the_schedule_and_online_when_it_is_back() {
    const POST: [(&str, &str); 1] = [("EDGEWATCH_TRANSPORT", "post")];
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let folder = Folder::new("presence");
    let kinds = |worker: &Worker| {
        let events = worker.get("/api/edgewatch/v1/events").at("/events");
        events.as_array().into_iter().flatten().map(|event| event["kind"].clone()).collect::<Vec<_>>()
    };
    let agent = Agent::start_with(&worker, &host, &folder.0, &POST);
    wait_until("a report", Duration::from_secs(30), || {
        server(&worker, host.id)["last_active"].as_i64().filter(|seen| *seen > 0)
    });
    assert!(worker.cron_at(now_ms()));
    assert!(agent.stop().success());
    // Three of its periods of a minute, and the schedule in between.
    for minute in 1..=3 {
        assert_eq!(kinds(&worker), Vec::<Value>::new());
        assert!(worker.cron_at(now_ms() + minute * 62_000));
    }
    assert_eq!(kinds(&worker), ["host_offline"]);
    let _agent = Agent::start_with(&worker, &host, &folder.0, &POST);
    wait_until("host_online", Duration::from_secs(30), || {
        assert!(worker.cron_at(now_ms()));
        Some(kinds(&worker)).filter(|kinds| kinds.contains(&json!("host_online")))
    });
}

#[test]
fn a_rule_looks_at_what_the_agent_streams_and_its_end_is_told_when_the_rule_wants_it_no_more() {
    let worker = Worker::builder().capture_outbound().start();
    let header = [("Authorization", worker.token.as_str())];
    let channel = json!({ "name": "ops", "kind": "webhook", "url": "https://hooks.example.com/x" }).to_string();
    assert_eq!(worker.post("/api/edgewatch/v1/channels", &header, &channel).status, 201);
    // Some of this machine's memory is in use, and not all of it.
    let rule = |above: f64| json!({ "name": "memory", "conditions": [{ "metric": "mem_percent", "above": above }] });
    let made = worker.post("/api/edgewatch/v1/rules", &header, &rule(0.0).to_string());
    assert_eq!(made.status, 201, "{}", made.body);
    let host = worker.add_host("alpha");
    let folder = Folder::new("rule");
    let _agent = Agent::start(&worker, &host, &folder.0);
    let told = |count: usize| {
        let found = wait_until("a message", Duration::from_secs(100), || {
            // Who looks at a host makes its agent report at once. No schedule runs: the hub tells by itself.
            server(&worker, host.id);
            Some(worker.outbound()).filter(|sent| sent.len() >= count)
        });
        let bodies = found.iter().filter_map(|one| serde_json::from_str::<Value>(one["body"].as_str()?).ok());
        bodies.map(|body| body["kind"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told(1), ["alert_fired"]);
    let path = format!("/api/edgewatch/v1/rules/{}", made.at("/id"));
    assert_eq!(worker.request("PUT", &path, &header, &rule(100.0).to_string()).status, 200);
    assert_eq!(told(2), ["alert_fired", "alert_recovered"]);
}

#[test]
fn a_probe_made_while_an_agent_is_connected_is_asked_and_drawn() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let folder = Folder::new("probes");
    let _agent = Agent::start(&worker, &host, &folder.0);
    wait_until("a report", Duration::from_secs(30), || {
        server(&worker, host.id)["last_active"].as_i64().filter(|seen| *seen > 0)
    });
    let open = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = open.local_addr().expect("an address");
    std::thread::spawn(move || open.incoming().for_each(drop));
    let header = [("Authorization", worker.token.as_str())];
    for (name, target) in [("open", address.to_string()), ("closed", "127.0.0.1:1".to_owned())] {
        let body = json!({ "name": name, "kind": "tcp", "target": target, "interval_s": 10 }).to_string();
        assert_eq!(worker.post("/api/edgewatch/v1/probes", &header, &body).status, 201);
    }
    let series = wait_until("two results of each", Duration::from_secs(90), || {
        // Who looks at a host makes its agent report at once.
        server(&worker, host.id);
        let found = worker.get(&format!("/api/v1/monitor/{}", host.id)).at("/result");
        found.as_array().filter(|found| found.len() == 2).cloned()
    });
    assert_eq!((&series[0]["monitor_name"], &series[1]["monitor_name"]), (&json!("open"), &json!("closed")));
    assert!(series[0]["avg_delay"][0].as_f64().is_some_and(|delay| (0.0..200.0).contains(&delay)), "{series:?}");
    assert_eq!(series[1]["avg_delay"][0], 0.0, "what is dead is 0");
    let state = |at: usize| worker.get("/api/edgewatch/v1/probes/summary").at(&format!("/probes/{at}/state"));
    assert_eq!((state(0), state(1)), (json!("good"), json!("down")));
    assert_eq!(worker.get("/api/v1/server/list").at("/result").as_array().map(Vec::len), Some(1));
}

#[test]
fn a_secret_that_is_not_accepted_is_said_once() {
    let worker = Worker::start();
    let mut host = worker.add_host("alpha");
    host.secret = "000000000000000000".to_owned();
    let folder = Folder::new("refused");
    let agent = Agent::start_with(&worker, &host, &folder.0, &[("EDGEWATCH_TRANSPORT", "post")]);
    wait_until("the refusal", Duration::from_secs(30), || Some(()).filter(|()| agent.log().contains("401")));
    std::thread::sleep(Duration::from_secs(15));
    assert_eq!(agent.log().matches("401").count(), 1, "{}", agent.log());
    assert!(!agent.log().contains(&host.secret));
    let requests = worker.log().matches("/agent/v1/reports").count();
    assert_eq!(requests, 1, "tried hourly");
}

#[test]
fn the_secret_is_on_no_command_line_and_in_no_environment() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let folder = Folder::new("secrecy");
    let agent = Agent::start(&worker, &host, &folder.0);
    for file in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{}/{file}", agent.pid())).expect("our own child");
        assert!(!String::from_utf8_lossy(&text).contains(&host.secret), "{file}");
    }
}
