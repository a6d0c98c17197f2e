//! From an agent's sample to a viewer's screen: real hub, real viewers, simulated agents.

use std::time::{Duration, Instant};

use blackbox::stage::{PATIENCE, names, next};
use edgewatch_harness::fleet::{Fleet, Options};
use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

const STEP: Duration = Duration::from_secs(1);

fn look(worker: &Worker) -> Socket {
    Socket::open(worker.address(), "/live", &[("Authorization", &worker.token)]).expect("the admin may look")
}

/// The newest piece of a host that comes while the fleet lives on and that is as wanted.
fn piece(worker: &Worker, fleet: &mut Fleet, viewer: &mut Socket, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        fleet.advance(worker, STEP, Duration::from_secs(5));
        while let Heard::Text(text) = viewer.next(Duration::from_millis(20)) {
            let message: Value = serde_json::from_str(&text).unwrap_or_default();
            let hosts = message["hosts"].as_array().cloned().unwrap_or_default();
            if let Some(found) = hosts.into_iter().find(&wanted) {
                return found;
            }
        }
    }
    panic!("nothing of that kind came")
}

#[test]
fn what_an_agent_measures_is_seen_by_who_looks() {
    let worker = Worker::start();
    let hosts = worker.add_hosts("live", 2);
    let mut viewer = look(&worker);
    let snapshot = next(&mut viewer);
    assert_eq!((names(&snapshot), &snapshot["banner"]), (vec!["live-0", "live-1"], &json!(null)));
    assert_eq!((&snapshot["hosts"][0]["presence"], snapshot["hosts"][0].get("cpu_percent")), (&json!("never"), None));

    assert!(viewer.send_text(&json!({ "type": "window", "hosts": [hosts[0].id] }).to_string()));
    let mut fleet = Fleet::new(&hosts[..1], Options::of(&worker));
    let is_first = |host: &Value| host["id"] == hosts[0].id && host["cpu_percent"].is_number();
    let first = piece(&worker, &mut fleet, &mut viewer, is_first);
    assert_eq!((&first["name"], &first["presence"]), (&json!("live-0"), &json!("online")));
    let sampled_ms = first["sampled_at_ms"].as_i64().expect("a time");
    let later = piece(&worker, &mut fleet, &mut viewer, |host| host["sampled_at_ms"].as_i64() > Some(sampled_ms));
    assert_eq!(later["id"], hosts[0].id);

    let mut late = look(&worker);
    let snapshot = next(&mut late);
    assert_eq!(names(&snapshot), ["live-0", "live-1"]);
    assert_eq!(
        (&snapshot["hosts"][0]["presence"], &snapshot["hosts"][1]["presence"]),
        (&json!("online"), &json!("never"))
    );
}
