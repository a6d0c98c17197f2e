//! Channels that Mackerel's API made are told of alerts, or of nothing.

use std::time::Duration;

use edgewatch_harness::receiver::Receiver;
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use serde_json::json;

use super::{hosts, run};

#[test]
fn a_channel_that_is_told_of_alerts_is_told_and_one_that_is_not_hears_nothing() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    for (path, events) in [("loud", json!(["alert"])), ("quiet", json!(["hostStatus"]))] {
        let url = format!("{}/{path}", receiver.url());
        let wanted = json!({ "type": "webhook", "name": path, "url": url, "events": events });
        let made = worker.post("/api/v0/channels", &[("X-Api-Key", &worker.token)], &wanted.to_string());
        assert_eq!(made.status, 200, "{}", made.body);
    }
    let (_, start) = hosts(&worker, &["alpha"]);
    run(&worker, start, 0..=2);
    wait_until("somebody to be told", Duration::from_secs(20), || {
        receiver.received().iter().any(|one| one.json()["kind"] == "host_offline").then_some(())
    });
    assert!(receiver.received().iter().all(|one| one.path == "/loud"));
}
