use super::*;
use crate::store::access;
use crate::store::channels;
use crate::store::db::now;
use crate::store::events;
use edgewatch_core::model::{AlertNote, Cause, HostId, RuleId};

fn request(event: &Event, channel_id: i64) -> Request {
    let request_sealed = "sealed".to_owned();
    Request { event_key: event.key.clone(), mark: mark(event), channel_id, request_sealed, delay_s: 0 }
}

/// An event and its notification, as one transaction writes them.
fn tell(db: &Db) {
    let event = Event::new("e1".to_owned(), EventKind::MonitoringImpaired, None, UnixSeconds(10), String::new());
    let queue = insert(&[request(&event, 7)], UnixSeconds(10)).unwrap();
    now(db.batch(vec![queue, events::insert([&event]).unwrap()])).unwrap();
}

fn database() -> Db {
    let db = with_channels();
    tell(&db);
    db
}

/// A database with channels 1 to 8.
fn with_channels() -> Db {
    let db = Db::in_memory().unwrap();
    for number in 1..=8 {
        let audit = access::audit(&format!("c{number}"), UnixSeconds(5), "user:1", "channel", "x");
        let written = channels::Written { name: "a", group: "default", config_sealed: "s", said: None };
        assert_eq!(now(channels::insert(&db, "ntfy", written, UnixSeconds(5), audit)), Ok(number));
    }
    db
}

fn of_alert(key: &str, kind: EventKind, alert: &str, text: &str) -> Event {
    let mut event = Event::new(key.to_owned(), kind, Some(HostId(7)), UnixSeconds(10), text.to_owned());
    let cause = Cause::rule(RuleId(3), HostId(7));
    let (opened_at, detail) = (UnixSeconds(8), "load1 9".to_owned());
    event.alert = Some(AlertNote::new(alert.to_owned(), cause, opened_at, detail));
    event
}

/// Writes an event with its notifications, as the hub does; gives the rows changed in the outbox.
fn write(db: &Db, event: &Event, channels: &[i64]) -> u64 {
    let requests: Vec<Request> = channels.iter().map(|channel| request(event, *channel)).collect();
    let mut statements: Vec<Statement> = drop_overtaken([event]).unwrap().into_iter().collect();
    statements.push(insert(&requests, UnixSeconds(10)).unwrap());
    let of_outbox = statements.len();
    statements.push(events::insert([event]).unwrap());
    now(db.batch(statements)).unwrap().iter().take(of_outbox).map(|outcome| outcome.changes).sum()
}

/// Whom a run would tell of what, by its order.
fn due(db: &Db) -> Vec<(String, i64)> {
    let due = now(list_due(db, UnixSeconds(10), 99)).unwrap();
    due.into_iter().map(|one| (one.event_key().to_owned(), one.channel_id)).collect()
}

#[test]
fn of_an_alert_one_reminder_waits_for_a_channel_however_many_come() {
    let db = with_channels();
    for number in 0..100 {
        let reminder = of_alert(&format!("{number:02}"), EventKind::AlertReminder, "a1", "so it is");
        let rows = write(&db, &reminder, if number < 50 { &[7] } else { &[7, 8] });
        assert_eq!(rows, u64::from(number == 0 || number == 50), "a row for the first alone: {number}");
    }
    assert_eq!(due(&db), [("00".to_owned(), 7), ("50".to_owned(), 8)]);
    write(&db, &of_alert("aa", EventKind::AlertReminder, "a2", "so it is"), &[7]);
    assert_eq!(due(&db).len(), 3, "another alert has its own");
    // Told, or given up: the next one waits again.
    let waiting = now(list_due(&db, UnixSeconds(10), 99)).unwrap();
    now(delete(&db, &waiting[0].key)).unwrap();
    now(note_failure(&db, &waiting[1].key, None, UnixSeconds(10), "503")).unwrap();
    assert_eq!(write(&db, &of_alert("ab", EventKind::AlertReminder, "a1", "so it is"), &[7, 8]), 2);
}

#[test]
fn a_reminder_in_other_words_takes_the_place_of_one_that_waits() {
    let db = with_channels();
    write(&db, &of_alert("01", EventKind::AlertReminder, "a1", "14 days"), &[7]);
    assert_eq!(write(&db, &of_alert("02", EventKind::AlertReminder, "a1", "7 days"), &[7]), 2);
    assert_eq!(due(&db), [("02".to_owned(), 7)]);
}

#[test]
fn what_is_new_goes_before_reminders_and_the_end_of_an_alert_takes_them_along() {
    let db = with_channels();
    write(&db, &of_alert("01", EventKind::AlertReminder, "a1", "x"), &[7]);
    write(&db, &of_alert("02", EventKind::AlertReminder, "a2", "x"), &[7]);
    write(&db, &of_alert("03", EventKind::AlertFired, "a3", "x"), &[7]);
    let tried = now(list_due(&db, UnixSeconds(10), 1)).unwrap().remove(0);
    assert!(now(claim(&db, &tried, UnixSeconds(10))).unwrap());
    write(&db, &of_alert("04", EventKind::AlertRecovered, "a1", "x"), &[7]);
    let keys: Vec<String> = due(&db).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["04", "03", "02"], "what was tried once goes before reminders too");
}

#[test]
fn a_reminder_does_not_wait_for_ever_behind_what_a_dead_channel_does_not_take() {
    let db = with_channels();
    write(&db, &of_alert("01", EventKind::AlertFired, "a1", "x"), &[8]);
    for _ in 0..3 {
        let dead = now(list_due(&db, UnixSeconds(10), 1)).unwrap().remove(0);
        assert!(now(claim(&db, &dead, UnixSeconds(10))).unwrap());
    }
    write(&db, &of_alert("02", EventKind::AlertReminder, "a2", "x"), &[7]);
    assert_eq!(due(&db), [("02".to_owned(), 7), ("01".to_owned(), 8)]);
}

/// Queues a part of each of these events for channel 7, due after half a minute.
fn queue_parts(db: &Db, keys: &[&str]) {
    for key in keys {
        let event = of_alert(key, EventKind::AlertFired, key, "x");
        let part = Request {
            mark: mark_of_part(&event),
            request_sealed: format!("part {key}"),
            delay_s: 30,
            ..request(&event, 7)
        };
        let queue = insert(&[part], UnixSeconds(10)).unwrap();
        now(db.batch(vec![queue, events::insert([&event]).unwrap()])).unwrap();
    }
}

#[test]
fn parts_wait_for_each_other_and_become_one_request() {
    let db = with_channels();
    queue_parts(&db, &["01", "02", "03"]);
    tell(&db);
    assert_eq!(due(&db), [("e1".to_owned(), 7)], "not yet");
    let due_then = now(list_due(&db, UnixSeconds(40), 9)).unwrap();
    assert_eq!(due_then.iter().filter(|one| one.is_part()).count(), 3);
    let parts = now(list_parts(&db, 7)).unwrap();
    assert_eq!(parts.iter().map(|part| part.event_key().to_owned()).collect::<Vec<_>>(), ["01", "02", "03"]);
    assert_eq!(now(list_parts(&db, 8)).unwrap(), []);
    queue_parts(&db, &["04"]);
    let all = now(finish_parts(&db, &parts, "all", UnixSeconds(40))).unwrap().unwrap();
    assert_eq!((all.key.as_str(), all.is_part(), all.created_at), ("01:7", false, UnixSeconds(10)));
    let found = now(list_due(&db, UnixSeconds(40), 9)).unwrap();
    let keys: Vec<&str> = found.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["01:7", "e1:7", "g04:04:7"], "what came since is not lost");
    assert_eq!((found[0].request_sealed.as_str(), found[0].event_key()), ("all", "01"));
    // The answer was lost, or another run read them too: nothing of it happens twice.
    assert_eq!(now(finish_parts(&db, &parts, "again", UnixSeconds(40))).unwrap(), None);
    let late = [&parts[..1], &now(list_parts(&db, 7)).unwrap()[..]].concat();
    assert_eq!(now(finish_parts(&db, &late, "again", UnixSeconds(40))).unwrap(), None);
    assert_eq!(now(list_parts(&db, 7)).unwrap().len(), 1);
    assert_eq!(now(finish_parts(&db, &[], "x", UnixSeconds(40))).unwrap(), None);
}

#[test]
fn nothing_waits_for_a_channel_that_was_deleted_meanwhile() {
    let db = with_channels();
    let audit = access::audit("x", UnixSeconds(5), "user:1", "channel.delete", "7");
    assert!(now(channels::delete(&db, 7, vec![audit])).unwrap());
    assert_eq!(write(&db, &of_alert("01", EventKind::AlertFired, "a1", "x"), &[7, 8]), 1);
    assert_eq!(due(&db), [("01".to_owned(), 8)]);
}

#[test]
fn a_transaction_that_is_repeated_tells_nobody_again() {
    let db = database();
    let keys = || {
        let due = now(list_due(&db, UnixSeconds(10), 10)).unwrap();
        due.into_iter().map(|one| one.key).collect::<Vec<_>>()
    };
    tell(&db);
    assert_eq!(keys(), ["e1:7"]);
    now(delete(&db, "e1:7")).unwrap();
    tell(&db);
    assert_eq!(keys(), Vec::<String>::new(), "delivered meanwhile");
}

#[test]
fn of_two_runs_one_gets_the_notification() {
    let db = database();
    let waiting = now(list_due(&db, UnixSeconds(10), 10)).unwrap().remove(0);
    assert!(now(claim(&db, &waiting, UnixSeconds(100))).unwrap());
    assert!(!now(claim(&db, &waiting, UnixSeconds(100))).unwrap());
    assert_eq!(now(list_due(&db, UnixSeconds(99), 10)).unwrap(), []);
    assert_eq!(now(list_due(&db, UnixSeconds(100), 10)).unwrap()[0].attempts, 1);
}

#[test]
fn what_is_postponed_waits_longer_and_never_less_and_another_channel_does_not() {
    let db = database();
    now(db.run(channels::pause(8, UnixSeconds(500)))).unwrap();
    assert_eq!(now(list_due(&db, UnixSeconds(10), 10)).unwrap().len(), 1);
    for until in [500, 100] {
        let written = now(db.run(channels::pause(7, UnixSeconds(until)))).unwrap().changes;
        assert_eq!(written, u64::from(until == 500), "a row, however many wait");
        assert_eq!(now(list_due(&db, UnixSeconds(499), 10)).unwrap(), []);
    }
    let due = now(list_due(&db, UnixSeconds(500), 10)).unwrap();
    assert_eq!((due.len(), due[0].attempts, due[0].channel_id), (1, 0, 7));
}

#[test]
fn a_delivered_one_is_gone_and_a_given_up_one_is_not_tried_again() {
    let db = database();
    now(note_failure(&db, "e1:7", Some(UnixSeconds(50)), UnixSeconds(10), "503")).unwrap();
    assert_eq!(now(list_due(&db, UnixSeconds(49), 10)).unwrap(), []);
    let standing =
        |waiting, given_up| vec![Standing { channel_id: 7, waiting, given_up, last_error: Some("503".to_owned()) }];
    assert_eq!(now(list_standing(&db)).unwrap(), standing(1, 0));
    now(note_failure(&db, "e1:7", None, UnixSeconds(60), "503")).unwrap();
    assert_eq!(now(list_standing(&db)).unwrap(), standing(0, 1));
    assert_eq!(now(list_due(&db, UnixSeconds(1000), 10)).unwrap(), []);
    assert_eq!(now(db.run(delete_given_up(UnixSeconds(60)))).unwrap().changes, 0);
    assert_eq!(now(db.run(delete_given_up(UnixSeconds(61)))).unwrap().changes, 1);
}

#[test]
fn what_is_left_of_a_mail_takes_its_place() {
    let db = database();
    now(replace(&db, "e1:7", "rest")).unwrap();
    assert_eq!(now(list_due(&db, UnixSeconds(10), 10)).unwrap()[0].request_sealed, "rest");
}

#[test]
fn what_waits_for_a_channel_goes_with_it() {
    let db = database();
    now(db.run(delete_of_channel(8))).unwrap();
    assert_eq!(now(list_due(&db, UnixSeconds(10), 10)).unwrap().len(), 1);
    now(db.run(delete_of_channel(7))).unwrap();
    assert_eq!(now(list_due(&db, UnixSeconds(10), 10)).unwrap(), []);
}
