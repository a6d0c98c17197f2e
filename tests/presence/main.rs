//! Real agents over their sockets: whoever is gone is called offline within half a minute, and nobody else. No schedule runs here:
//! the hub's alarm alone decides.

use std::time::{Duration, Instant};

use edgewatch_harness::agent::Agent;
use edgewatch_harness::folder::Folder;
use edgewatch_harness::objects::Sockets;
use edgewatch_harness::proxy::{Network, Proxy};
use edgewatch_harness::wait::wait_until as wait_for;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::Value;

/// From the last sign of life to the event at most. Source: issue 3, item 5.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits until it is so.
fn wait_until(what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) {
    wait_for(what, patience, || is_so().then_some(()));
}

/// Kind and host of every event, oldest first.
fn events(worker: &Worker) -> Vec<(String, u64)> {
    let events = worker.get("/api/edgewatch/v1/events").at("/events");
    let one = |event: &Value| {
        (event["kind"].as_str().unwrap_or_default().to_owned(), event["host_id"].as_u64().unwrap_or_default())
    };
    events.as_array().into_iter().flatten().rev().map(one).collect()
}

fn is_told(worker: &Worker, kind: &str, host: &TestHost) -> bool {
    events(worker).contains(&(kind.to_owned(), host.id))
}

fn last_active(worker: &Worker, host: &TestHost) -> i64 {
    let path = format!("/api/v1/server/details?id={}", host.id);
    worker.get(&path).at("/result/0/last_active").as_i64().unwrap_or_default()
}

#[test]
fn who_is_gone_is_called_offline_within_half_a_minute_and_nobody_else() {
    let worker = Worker::start();
    let proxy = Proxy::start(worker.address());
    let folder = Folder::new("gone");
    let [stays, ended, killed, silent] = ["stays", "ended", "killed", "silent"].map(|name| worker.add_host(name));
    let start =
        |url: &str, name: &str, host| Agent::start_with(&worker, host, &folder.0.join(name), &[("EDGEWATCH_URL", url)]);
    let _stays = start(&worker.url, "stays", &stays);
    let [of_ended, of_killed] =
        [("ended", &ended), ("killed", &killed)].map(|(name, host)| start(&worker.url, name, host));
    let of_silent = start(&format!("http://{}", proxy.address), "silent", &silent);
    wait_until("all agents are connected", Duration::from_secs(30), || worker.sockets("Hub", "hub-0") == 4);
    wait_until("all of them have reported", Duration::from_secs(30), || {
        [&stays, &ended, &killed, &silent].iter().all(|host| last_active(&worker, host) > 0)
    });

    // A process that ends in order, one that does not, and a network (or a machine) that is simply gone.
    let gone = Instant::now();
    proxy.set(Network::BlackHole);
    of_ended.stop();
    of_killed.kill();
    for (name, host) in [("ended", &ended), ("killed", &killed), ("silent", &silent)] {
        wait_until(name, LIMIT.saturating_sub(gone.elapsed()), || is_told(&worker, "host_offline", host));
    }
    let took = gone.elapsed();
    assert!(took <= LIMIT, "{took:?}");
    let offline = events(&worker);
    assert_eq!(offline.len(), 3, "{offline:?}");
    assert!(!is_told(&worker, "host_offline", &stays));

    // It comes back by itself.
    proxy.set(Network::Up);
    proxy.reset();
    wait_until("the network is back", Duration::from_mins(1), || is_told(&worker, "host_online", &silent));
    drop(of_silent);
}

#[test]
fn sleep_and_restarts_call_nobody_offline() {
    let worker = Worker::start();
    let folder = Folder::new("sleep");
    let hosts: Vec<TestHost> = (0..3).map(|index| worker.add_host(&format!("host-{index}"))).collect();
    let agents: Vec<Agent> =
        hosts.iter().map(|host| Agent::start(&worker, host, &folder.0.join(host.id.to_string()))).collect();
    wait_until("all agents are connected", Duration::from_secs(30), || worker.sockets("Hub", "hub-0") == 3);
    wait_until("all of them have reported", Duration::from_secs(30), || {
        hosts.iter().all(|host| last_active(&worker, host) > 0)
    });
    worker.evict("Hub", "hub-0", Sockets::Hibernate);
    assert_eq!(worker.sockets("Hub", "hub-0"), 3, "sockets outlive the sleep");
    worker.restart();
    wait_until("all agents are back", Duration::from_mins(1), || worker.sockets("Hub", "hub-0") == 3);
    // Longer than the silence that would be an outage.
    let until = Instant::now() + Duration::from_secs(25);
    wait_until("time passes", Duration::from_secs(40), || Instant::now() >= until);
    assert_eq!(events(&worker), []);
    for host in &hosts {
        let stored = worker.stored_samples(host.id);
        let expected: Vec<u64> = (1..=stored.len() as u64).collect();
        assert_eq!(stored, expected, "every sample once");
    }
    drop(agents);
}

#[test]
fn a_ping_counts_from_when_it_came_wherever_the_clock_stands() {
    let worker = Worker::start();
    // Far ahead: were that added to the time of a ping once more, whoever pinged would be up for another hour.
    let ahead_ms = 3_600_000;
    worker.set_clock_ahead(ahead_ms);
    let host = worker.add_host("pings");
    let folder = Folder::new("pings");
    let proxy = Proxy::start(worker.address());
    let url = format!("http://{}", proxy.address);
    let agent = Agent::start_with(&worker, &host, &folder.0, &[("EDGEWATCH_URL", &url)]);
    wait_until("it has reported", Duration::from_secs(30), || last_active(&worker, &host) > 0);
    proxy.set(Network::BlackHole);
    worker.set_clock_ahead(ahead_ms + 60_000);
    wait_until("it is called offline", LIMIT, || is_told(&worker, "host_offline", &host));
    drop(agent);
}
