//! What viewers are told.

use std::time::Duration;

use edgewatch_harness::objects::Sockets;
use edgewatch_harness::socket::Heard;
use edgewatch_harness::wait::wait_until;
use serde_json::json;

use blackbox::stage::{PATIENCE, Stage, host, names, next};

/// Long enough for what is on its way.
const QUIET: Duration = Duration::from_millis(300);

#[test]
fn a_viewer_gets_everything_at_once_and_then_what_changes() {
    let stage = Stage::start();
    stage.set(&json!({ "hosts": [host(1, "alpha"), host(2, "</script>")] }));
    let mut first = stage.look();
    let snapshot = next(&mut first);
    assert_eq!((&snapshot["type"], &snapshot["version"]), (&json!("snapshot"), &json!(1)));
    assert_eq!((names(&snapshot), &snapshot["banner"]), (vec!["alpha", "</script>"], &json!(null)));
    assert!(snapshot["now_ms"].as_i64().is_some_and(|now_ms| now_ms > 1_700_000_000_000));

    let mut second = stage.look();
    assert_eq!(names(&next(&mut second)), ["alpha", "</script>"]);
    assert_eq!(stage.push(&json!({ "hosts": [host(2, "beta"), host(3, "gamma")], "gone": [1] })), 2);
    for viewer in [&mut first, &mut second] {
        let delta = next(viewer);
        assert_eq!((&delta["type"], names(&delta)), (&json!("delta"), vec!["beta", "gamma"]));
        assert_eq!(delta["gone"], json!([1]));
    }
    assert_eq!(stage.push(&json!({})), 2);
    assert_eq!(first.next(QUIET), Heard::Nothing, "nothing changed, nothing said");
    assert_eq!(names(&next(&mut stage.look())), ["beta", "gamma"]);

    stage.push(&json!({ "banner": "Agents are slowed down: 80 % of today's rows are used." }));
    assert!(next(&mut second)["banner"].as_str().is_some_and(|banner| banner.starts_with("Agents are slowed")));
}

#[test]
fn pings_wake_nobody_and_nonsense_harms_nobody() {
    let stage = Stage::start();
    let mut viewer = stage.look();
    next(&mut viewer);
    assert!(viewer.send_text("ping"));
    assert_eq!(viewer.next(Duration::from_secs(5)), Heard::Text("pong".to_owned()));
    assert_eq!(stage.worker.meters().class("Viewers", "messages"), 0);
    for text in ["", "{", "[]", r#"{"type":"dance"}"#, &"x".repeat(100_000), r#"{"type":"window","hosts":"all"}"#] {
        assert!(viewer.send_text(text));
    }
    assert!(viewer.send_binary(vec![0; 70_000]));
    stage.push(&json!({ "hosts": [host(1, "alpha")] }));
    assert_eq!(names(&next(&mut viewer)), ["alpha"]);
}

#[test]
fn one_who_vanishes_takes_nobody_along() {
    let stage = Stage::start();
    let (mut stays, goes, says_goodbye) = (stage.look(), stage.look(), stage.look());
    next(&mut stays);
    goes.cut();
    says_goodbye.close(1000);
    for round in 1..=20 {
        stage.push(&json!({ "hosts": [host(1, &format!("round {round}"))] }));
        assert_eq!(names(&next(&mut stays)), [format!("round {round}")]);
    }
    assert_eq!(stage.push(&json!({})), 1);
}

#[test]
fn sleep_loses_no_viewer_and_a_new_one_sees_everything() {
    let stage = Stage::start();
    stage.set(&json!({ "hosts": [host(1, "alpha"), host(2, "beta")] }));
    let mut old = stage.look();
    next(&mut old);
    assert!(stage.worker.evict("Viewers", "viewers", Sockets::Hibernate));
    assert_eq!(stage.push(&json!({ "hosts": [host(1, "alpha 2")] })), 1);
    assert_eq!(names(&next(&mut old)), ["alpha 2"], "a member needs no more than what changed");

    stage.set(&json!({ "hosts": [host(1, "alpha 2"), host(2, "beta")] }));
    assert!(stage.worker.evict("Viewers", "viewers", Sockets::Hibernate));
    let mut new = stage.look();
    assert_eq!(names(&next(&mut new)), ["alpha 2", "beta"]);
    assert_eq!(next(&mut old)["type"], "snapshot", "and so does whoever was there, in case something was missed");
}

#[test]
fn a_thousand_hosts_come_in_one_message() {
    let stage = Stage::start();
    let hosts: Vec<_> = (1..=1000).map(|id| host(id, &format!("host-{id}"))).collect();
    stage.set(&json!({ "hosts": hosts }));
    assert_eq!(names(&next(&mut stage.look())).len(), 1000);
}

#[test]
fn who_comes_back_after_everybody_left_sees_what_is_now() {
    let stage = Stage::start();
    stage.set(&json!({ "hosts": [host(1, "before")] }));
    for round in 0..10 {
        let mut viewer = stage.look();
        let snapshot = next(&mut viewer);
        assert_eq!(names(&snapshot), [if round == 0 { "before".to_owned() } else { format!("after {}", round - 1) }]);
        viewer.close(1000);
        // Nobody is told of this; the next snapshot has it.
        stage.set(&json!({ "hosts": [host(1, &format!("after {round}"))] }));
    }
    // A page that is loaded again: gone and back at once, and still told of what happens.
    for _ in 0..10 {
        let mut viewer = stage.look();
        next(&mut viewer);
        viewer.cut();
    }
    let mut viewer = stage.look();
    next(&mut viewer);
    // Whatever the hub heard of those who left, it hears of this one again, by an alarm that is still set.
    let before = stage.watched().len();
    stage.worker.set_clock_ahead(61_000);
    wait_until("the hub to be told that somebody looks", PATIENCE, || {
        let watched = stage.watched();
        (watched.len() > before).then(|| watched.last().cloned()).flatten().filter(|last| last["for_s"] == 90)
    });
    assert_eq!(stage.push(&json!({ "hosts": [host(1, "now")] })), 1);
    assert_eq!(names(&next(&mut viewer)), ["now"]);
}
