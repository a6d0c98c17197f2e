//! Each alert arrives at least once, whatever its receiver does, and a repeat is known for one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use edgewatch_core::units::calendar::Day;
use edgewatch_harness::receiver::{Answering, Received, Receiver};
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::{Fault, Worker};
use serde_json::json;

use super::{MINUTE, channel, events, hosts, run, wait_until_all_told, waiting};

const NAMES: [&str; 3] = ["alpha", "beta", "gamma"];

/// How often each alert came, by its key; a repeat is the same in everything.
fn by_key(received: &[Received]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut bodies: BTreeMap<String, String> = BTreeMap::new();
    for one in received {
        let key = one.header("idempotency-key").expect("every delivery has its key").to_owned();
        assert_eq!(one.json()["key"], json!(key));
        assert_eq!(bodies.entry(key.clone()).or_insert_with(|| one.body.clone()), &one.body, "a repeat is the same");
        *counts.entry(key).or_insert(0) += 1;
    }
    counts
}

/// The keys of what came.
fn keys(receiver: &Receiver) -> BTreeSet<String> {
    by_key(&receiver.received()).into_keys().collect()
}

#[test]
fn a_receiver_that_is_down_for_an_hour_hears_of_each_alert_once() {
    let worker = Worker::start();
    let mut receiver = Receiver::start();
    channel(&worker, "webhook", &json!({ "url": receiver.url() }));
    let (_, start) = hosts(&worker, &NAMES);
    receiver.close();
    run(&worker, start, 0..=30);
    // Everything of ours restarts, in the middle of it and by SIGKILL.
    worker.kill();
    worker.resume();
    run(&worker, start, 31..=61);
    assert!(waiting(&worker) >= 3 && receiver.received().is_empty());
    receiver.reopen();
    worker.restart();
    run(&worker, start, 62..=100);
    wait_until_all_told(&worker, 3, || keys(&receiver));
    let counts = by_key(&receiver.received());
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}

#[test]
fn what_nobody_could_read_a_channels_settings_for_is_told_once_they_can() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    channel(&worker, "webhook", &json!({ "url": receiver.url() }));
    // As it is under another key than the one they were stored with.
    worker.sql("UPDATE channels SET config_sealed = 'broken ' || config_sealed");
    let (_, start) = hosts(&worker, &NAMES);
    run(&worker, start, 0..=12);
    assert!(waiting(&worker) >= 3 && receiver.received().is_empty());
    assert!(worker.get("/api/edgewatch/v1/channels").at("/channels/0/last_error").is_string(), "and the list says why");
    worker.sql("UPDATE channels SET config_sealed = substr(config_sealed, 8)");
    run(&worker, start, 13..=60);
    wait_until_all_told(&worker, 3, || keys(&receiver));
    let counts = by_key(&receiver.received());
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}

#[test]
fn a_receiver_that_answers_500_is_told_again_until_it_takes_it() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    channel(&worker, "webhook", &json!({ "url": receiver.url() }));
    let (_, start) = hosts(&worker, &NAMES);
    receiver.answer(Answering::body(500, "the disk is full"));
    run(&worker, start, 0..=5);
    let first: Vec<String> = by_key(&receiver.received()).into_keys().collect();
    assert!(first.len() >= 3, "{first:?}");
    worker.kill();
    worker.resume();
    run(&worker, start, 6..=20);
    let noted = worker.sql("SELECT DISTINCT last_error FROM outbox");
    assert_eq!(noted["results"][0]["last_error"], "the receiver answered with status 500: the disk is full");
    let listed = worker.get(super::CHANNELS).at("/channels/0");
    assert!(listed["waiting"].as_u64().is_some_and(|waiting| waiting >= 3), "{listed}");
    assert_eq!(listed["last_error"], noted["results"][0]["last_error"], "the operator sees it");
    receiver.answer(Answering::status(204));
    run(&worker, start, 21..=60);
    wait_until_all_told(&worker, 3, || keys(&receiver));
    let counts = by_key(&receiver.received());
    // Tried at minutes 1, 2, 4, 8 and 16, taken at 32.
    assert!(first.iter().all(|key| (5..8).contains(&counts[key])), "{counts:?}");
}

#[test]
fn a_receiver_that_asks_to_be_left_alone_is_left_alone_and_told_then() {
    let worker = Worker::start();
    let (asking, other) = (Receiver::start(), Receiver::start());
    channel(&worker, "webhook", &json!({ "url": asking.url() }));
    channel(&worker, "webhook", &json!({ "url": other.url() }));
    let (_, start) = hosts(&worker, &NAMES);
    // Twenty minutes and a half from when it is asked first, in seconds.
    let seconds = vec![("Retry-After", "1230".to_owned())];
    asking.answer(Answering::Reply(429, seconds, "slow down".to_owned()));
    run(&worker, start, 0..=19);
    let first = by_key(&asking.received());
    assert!(first.values().all(|count| *count == 1), "{first:?}");
    assert!(first.len() < events(&worker).len(), "of what waited with it nothing was tried: {first:?}");
    assert!(keys(&other).len() >= 3, "another receiver does not wait");
    let noted = worker.sql("SELECT max(last_error) AS error FROM outbox WHERE attempts > 0");
    assert_eq!(noted["results"][0]["error"], "the receiver answered with status 429: slow down");
    let listed = worker.get("/api/edgewatch/v1/channels");
    assert!(listed.at("/channels/0/paused_until_s").is_i64(), "the operator sees until when: {}", listed.body);
    assert!(listed.at("/channels/1/paused_until_s").is_null(), "{}", listed.body);
    // Until a date; everything restarts in between.
    let until = date((start + 50 * MINUTE) / 1000 + 30);
    asking.answer(Answering::Reply(503, vec![("Retry-After", until)], String::new()));
    run(&worker, start, 20..=25);
    let (known, second) = (events(&worker), by_key(&asking.received()));
    assert!(second.values().sum::<usize>() > first.len(), "{second:?}");
    worker.kill();
    worker.resume();
    run(&worker, start, 26..=49);
    // What happened since was tried once; of what waited nothing.
    let third = by_key(&asking.received());
    assert!(known.iter().all(|key| third.get(key) == second.get(key)), "{second:?} {third:?}");
    asking.answer(Answering::status(200));
    run(&worker, start, 51..=60);
    wait_until_all_told(&worker, 3, || keys(&asking));
    assert!(by_key(&asking.received()).values().all(|count| *count <= 4));
}

#[test]
fn a_receiver_that_asks_for_ever_is_told_after_a_few_hours_and_one_that_asks_in_riddles_as_any_other() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    channel(&worker, "webhook", &json!({ "url": receiver.url() }));
    let (_, start) = hosts(&worker, &["alpha"]);
    receiver.answer(Answering::Reply(429, vec![("Retry-After", "when the moon is full".to_owned())], String::new()));
    run(&worker, start, 0..=2);
    assert!(receiver.received().len() >= 2, "after a minute");
    receiver.answer(Answering::Reply(429, vec![("Retry-After", "99999999999".to_owned())], String::new()));
    run(&worker, start, 3..=8);
    let told = by_key(&receiver.received());
    receiver.answer(Answering::status(200));
    assert!(worker.cron_at(start + 5 * 60 * MINUTE));
    let later = by_key(&receiver.received());
    assert!(told.iter().all(|(key, count)| later.get(key) == Some(count)), "{told:?} {later:?}");
    for minute in 0..4 {
        assert!(worker.cron_at(start + (6 * 60 + 10 + minute) * MINUTE));
    }
    wait_until_all_told(&worker, 1, || keys(&receiver));
}

/// A moment as HTTP writes it.
fn date(unix_s: u64) -> String {
    let day = Day::of_number(i64::try_from(unix_s / 86_400).expect("a few centuries"));
    let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        [usize::from(day.month) - 1];
    let (hour, minute, second) = (unix_s / 3_600 % 24, unix_s / 60 % 60, unix_s % 60);
    format!("Mon, {:02} {month} {} {hour:02}:{minute:02}:{second:02} GMT", day.day, day.year)
}

#[test]
fn a_receiver_that_hangs_up_is_told_again() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    channel(&worker, "webhook", &json!({ "url": receiver.url() }));
    let (_, start) = hosts(&worker, &NAMES);
    receiver.answer(Answering::HangUp);
    run(&worker, start, 0..=2);
    assert!(waiting(&worker) >= 3);
    receiver.answer(Answering::status(200));
    run(&worker, start, 3..=10);
    wait_until_all_told(&worker, 3, || keys(&receiver));
}

#[test]
fn a_slow_receiver_gets_it_again_and_can_tell() {
    let worker = Worker::start();
    let (slow, quick) = (Receiver::start(), Receiver::start());
    channel(&worker, "webhook", &json!({ "url": slow.url() }));
    channel(&worker, "webhook", &json!({ "url": quick.url() }));
    let (_, start) = hosts(&worker, &["alpha"]);
    slow.answer(Answering::Slowly(Duration::from_secs(14)));
    run(&worker, start, 0..=1);
    // It had the alert, but its answer came too late to count.
    assert!(!slow.received().is_empty() && waiting(&worker) >= 1);
    assert!(!quick.received().is_empty(), "nobody waits for another's receiver");
    slow.answer(Answering::status(200));
    run(&worker, start, 2..=10);
    wait_until_all_told(&worker, 1, || keys(&slow));
    let first = slow.received()[0].header("idempotency-key").expect("a key").to_owned();
    assert!(by_key(&slow.received())[&first] >= 2);
    assert_eq!(keys(&quick), keys(&slow));
    assert!(by_key(&quick.received()).values().all(|count| *count == 1));
}

#[test]
fn a_delivery_that_could_not_be_noted_is_repeated_under_its_key() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    channel(&worker, "webhook", &json!({ "url": receiver.url() }));
    let (_, start) = hosts(&worker, &["alpha"]);
    run(&worker, start, 0..=0);
    worker.faults(Fault::LostBefore, 1, "DELETE FROM outbox WHERE key");
    run(&worker, start, 1..=1);
    assert_eq!((worker.faults_fired(), waiting(&worker) >= 1), (1, true));
    run(&worker, start, 2..=10);
    wait_until_all_told(&worker, 1, || keys(&receiver));
    let first = receiver.received()[0].header("idempotency-key").expect("a key").to_owned();
    assert_eq!(by_key(&receiver.received())[&first], 2);
}

#[test]
fn a_run_that_dies_while_it_sends_loses_nothing() {
    let worker = Worker::start();
    let receiver = Receiver::start();
    channel(&worker, "webhook", &json!({ "url": receiver.url() }));
    let (_, start) = hosts(&worker, &NAMES);
    run(&worker, start, 0..=0);
    receiver.answer(Answering::Slowly(Duration::from_secs(8)));
    std::thread::scope(|scope| {
        // Everything is killed while the receiver thinks about its first alert; the call that fired the schedule fails with it.
        let firing = scope.spawn(|| worker.cron_at(start + MINUTE));
        wait_until("the first delivery", Duration::from_secs(20), || (!receiver.received().is_empty()).then_some(()));
        worker.kill_amid();
        assert!(!firing.join().unwrap_or(false), "the run died");
    });
    receiver.answer(Answering::status(200));
    worker.resume();
    run(&worker, start, 2..=12);
    wait_until_all_told(&worker, 3, || keys(&receiver));
}
