//! An alert that is on while its host moves to another shard goes on there: it is neither lost nor told twice, and its end is told once.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use edgewatch_harness::receiver::Receiver;
use edgewatch_harness::worker::{Fault, TestHost, Worker};
use serde_json::json;

use super::Folder;

const HOSTS: usize = 6;

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970");
    i64::try_from(now.as_millis()).expect("a few centuries")
}

/// A fleet that reports by POST, every twenty seconds of its own time.
struct World {
    folder: Folder,
    receiver: Receiver,
    worker: Option<Worker>,
    hosts: Vec<TestHost>,
    start_ms: i64,
    /// Seconds that have passed.
    at_s: i64,
    number: u64,
    /// Whether a report may be refused, as while something is made to fail.
    may_fail: bool,
}

impl World {
    fn start(name: &str) -> Self {
        let folder = Folder(std::env::temp_dir().join(format!("edgewatch-shards-{}-{name}", std::process::id())));
        let worker = Worker::builder().persist(&folder.0.join("data")).start();
        let receiver = Receiver::start();
        let header = [("Authorization", worker.token.as_str())];
        let channel = json!({ "name": "ops", "kind": "webhook", "url": receiver.url() }).to_string();
        assert_eq!(worker.post("/api/edgewatch/v1/channels", &header, &channel).status, 201);
        let rule = json!({ "name": "busy", "conditions": [{ "metric": "load1", "above": 4 }] }).to_string();
        assert_eq!(worker.post("/api/edgewatch/v1/rules", &header, &rule).status, 201);
        let notices = json!({ "ip_change_notifications": { "enabled": true } }).to_string();
        assert_eq!(worker.request("PATCH", "/api/edgewatch/v1/settings", &header, &notices).status, 200);
        let hosts = worker.add_hosts("host", HOSTS);
        Self { folder, receiver, worker: Some(worker), hosts, start_ms: now_ms(), at_s: 0, number: 0, may_fail: false }
    }

    fn worker(&self) -> &Worker {
        self.worker.as_ref().expect("it runs")
    }

    fn set_clock(&self) {
        self.worker().set_clock_ahead(self.start_ms + self.at_s * 1000 - now_ms());
    }

    /// Another number of shards: a new Worker on the same data.
    fn change(&mut self, shards: u32) {
        let token = self.worker().token.clone();
        self.worker = None;
        let builder = Worker::builder().persist(&self.folder.0.join("data")).token(&token);
        self.worker = Some(builder.var("HUB_SHARDS", &shards.to_string()).start());
        self.set_clock();
    }

    /// Everybody reports this load from this address, twenty seconds after the time before.
    fn report(&mut self, load1: f64, address: &str) {
        self.at_s += 20;
        self.number += 1;
        self.set_clock();
        for host in &self.hosts {
            let body = json!({
                "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": self.number, "period_s": 20,
                "samples": [{ "number": self.number, "at_ms": 0, "load1": load1 }]
            });
            let bearer = format!("Bearer {}", host.secret);
            let headers = [("Authorization", bearer.as_str()), ("CF-Connecting-IP", address)];
            let reply = self.worker().post("/agent/v1/reports", &headers, &body.to_string());
            assert!(reply.status == 200 || self.may_fail && reply.status == 503, "{} {}", reply.status, reply.body);
        }
    }

    /// A minute of reports, and the schedule at its end.
    fn minute(&mut self, load1: f64, address: &str) -> bool {
        for _ in 0..3 {
            self.report(load1, address);
        }
        self.worker().cron_at(u64::try_from(self.start_ms + self.at_s * 1000).expect("past 1970"))
    }

    /// How many messages of alerts and addresses came, by kind over all hosts. What is made to fail may be told of too.
    fn told(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let kinds = self.receiver.received().into_iter().map(|one| one.json()["kind"].as_str().map(str::to_owned));
        for kind in kinds.flatten().filter(|kind| kind.starts_with("alert_") || kind == "address_changed") {
            *counts.entry(kind).or_insert(0) += 1;
        }
        counts
    }

    fn open(&self) -> usize {
        self.worker().get("/api/edgewatch/v1/alerts").at("/alerts").as_array().map_or(0, Vec::len)
    }
}

fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
}

#[test]
fn an_alert_that_is_on_while_its_host_moves_is_neither_lost_nor_told_twice() {
    let mut world = World::start("alerts");
    assert!(world.minute(9.0, "203.0.113.7"));
    let fired = counts(&[("alert_fired", HOSTS)]);
    assert_eq!((world.told(), world.open()), (fired.clone(), HOSTS));
    for shards in [3, 2, 1] {
        world.change(shards);
        // Before any run of the schedule the new shards know of a host what D1 does.
        world.report(9.0, "203.0.113.7");
        for _ in 0..4 {
            assert!(world.minute(9.0, "203.0.113.7"));
        }
        assert_eq!((world.told(), world.open()), (fired.clone(), HOSTS), "{shards} shards");
    }
    world.change(3);
    world.report(9.0, "203.0.113.7");
    // They recover, and move to another address, before their shards heard what was told of them.
    for _ in 0..4 {
        assert!(world.minute(1.0, "198.51.100.9"));
    }
    let expected = counts(&[("alert_fired", HOSTS), ("alert_recovered", HOSTS), ("address_changed", HOSTS)]);
    assert_eq!((world.told(), world.open()), (expected, 0));
}

#[test]
fn it_holds_when_d1_and_the_objects_refuse_in_the_middle() {
    let mut world = World::start("alert-faults");
    assert!(world.minute(9.0, "203.0.113.7"));
    assert_eq!(world.told(), counts(&[("alert_fired", HOSTS)]));
    world.change(3);
    world.report(9.0, "203.0.113.7");
    world.may_fail = true;
    world.worker().faults(Fault::LostAfterCommit, 2, "");
    world.worker().exhaust_for(edgewatch_harness::objects::Exhausted::ObjectRowsWritten, 2, "INSERT INTO hosts");
    for _ in 0..5 {
        // A run may fail; the next one does its work.
        world.minute(9.0, "203.0.113.7");
        world.worker().restart();
        world.set_clock();
    }
    assert_eq!((world.told(), world.open()), (counts(&[("alert_fired", HOSTS)]), HOSTS));
    world.may_fail = false;
    for _ in 0..2 {
        assert!(world.minute(1.0, "203.0.113.7"));
    }
    assert_eq!((world.told(), world.open()), (counts(&[("alert_fired", HOSTS), ("alert_recovered", HOSTS)]), 0));
}
