//! What the hub is asked while somebody looks.

use std::time::Duration;

use edgewatch_harness::objects::Sockets;
use edgewatch_harness::socket::Heard;
use edgewatch_harness::wait::wait_until;
use serde_json::{Value, json};

use blackbox::stage::{PATIENCE, Stage, host, names, next};

fn window(hosts: &[u64]) -> String {
    json!({ "type": "window", "hosts": hosts }).to_string()
}

/// Waits for the hub to be asked for these hosts; everything it was asked so far.
fn asked_for(stage: &Stage, hosts: &[u64]) -> Vec<Value> {
    wait_until(&format!("the hub to be asked for {hosts:?}"), PATIENCE, || {
        let watched = stage.watched();
        watched.last().is_some_and(|last| last["hosts"] == json!(hosts)).then_some(watched)
    })
}

#[test]
fn the_hub_is_told_what_all_look_at_and_when_nobody_does() {
    let stage = Stage::start();
    let (mut one, mut other) = (stage.look(), stage.look());
    next(&mut one);
    next(&mut other);
    assert_eq!(stage.watched()[0], json!({ "hosts": [], "for_s": 90, "snapshot": true, "feed": false }));
    assert!(one.send_text(&window(&[3, 1])));
    assert!(other.send_text(&window(&[2, 3])));
    let watched = asked_for(&stage, &[1, 2, 3]);
    assert_eq!(watched.last().expect("it was asked")["snapshot"], false);
    one.close(1000);
    asked_for(&stage, &[2, 3]);
    other.close(1000);
    let nobody = wait_until("the hub to be told that nobody looks", PATIENCE, || {
        stage.watched().pop().filter(|last| last["for_s"] == 0)
    });
    assert_eq!(nobody["hosts"], json!([]));
    let before = stage.watched().len();
    stage.worker.set_clock_ahead(3_600_000);
    assert_eq!(stage.watched().len(), before, "no alarm is left");
    assert_eq!(stage.push(&json!({ "hosts": [host(1, "alpha")] })), 0);
}

#[test]
fn one_who_scrolls_does_not_flood_the_hub() {
    let stage = Stage::start();
    let mut viewer = stage.look();
    next(&mut viewer);
    stage.worker.reset_meters();
    for first in 1..=60 {
        assert!(viewer.send_text(&window(&[first, first + 1])));
        std::thread::sleep(Duration::from_millis(10));
    }
    let watched = asked_for(&stage, &[60, 61]);
    assert!(watched.len() <= 4, "{watched:?}");
    assert!(stage.worker.meters().class("Viewers", "alarms_set") <= 4);
}

#[test]
fn it_is_asked_again_every_minute_while_somebody_looks() {
    let stage = Stage::start();
    let mut viewer = stage.look();
    next(&mut viewer);
    assert!(viewer.send_text(&window(&[7])));
    let before = asked_for(&stage, &[7]).len();
    for minute in 1..=3 {
        assert!(viewer.send_text("ping"));
        assert_eq!(viewer.next(PATIENCE), Heard::Text("pong".to_owned()));
        stage.worker.set_clock_ahead(minute * 61_000);
        wait_until("the hub to be asked again", PATIENCE, || {
            (stage.watched().len() >= before + usize::try_from(minute).unwrap_or(0)).then_some(())
        });
    }
    let last = stage.watched().pop().expect("it was asked");
    assert_eq!(last, json!({ "hosts": [7], "for_s": 90, "snapshot": false, "feed": false }));
}

#[test]
fn a_hub_that_is_away_is_said_so_and_asked_until_it_is_back() {
    let stage = Stage::start();
    stage.set(&json!({ "hosts": [host(1, "alpha")], "failing": true }));
    let mut viewer = stage.look();
    let snapshot = next(&mut viewer);
    assert_eq!(names(&snapshot), [""; 0]);
    assert!(snapshot["banner"].as_str().is_some_and(|banner| banner.contains("cannot be read")), "{snapshot}");
    stage.set(&json!({ "failing": false }));
    stage.worker.set_clock_ahead(6_000);
    let snapshot = next(&mut viewer);
    assert_eq!(
        (&snapshot["type"], names(&snapshot), &snapshot["banner"]),
        (&json!("snapshot"), vec!["alpha"], &json!(null))
    );
}

#[test]
fn who_saw_everything_forgets_nothing_because_the_hub_is_away() {
    let stage = Stage::start();
    stage.set(&json!({ "hosts": [host(1, "alpha")] }));
    let mut old = stage.look();
    next(&mut old);
    stage.set(&json!({ "failing": true }));
    assert!(stage.worker.evict("Viewers", "viewers", Sockets::Hibernate));
    let mut new = stage.look();
    assert_eq!(names(&next(&mut new)), [""; 0]);
    let told = next(&mut old);
    assert_eq!((&told["type"], names(&told), &told["gone"]), (&json!("delta"), vec![], &json!([])));
    assert!(told["banner"].is_string());
    stage.push(&json!({ "hosts": [host(2, "beta")] }));
    for viewer in [&mut old, &mut new] {
        assert_eq!(names(&next(viewer)), ["beta"]);
    }
    stage.set(&json!({ "failing": false, "hosts": [host(1, "alpha"), host(2, "beta")] }));
    stage.worker.set_clock_ahead(6_000);
    for viewer in [&mut old, &mut new] {
        assert_eq!(names(&next(viewer)), ["alpha", "beta"]);
    }
}
