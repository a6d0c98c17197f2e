use super::*;
use crate::hub::directory::tests::entry;
use crate::hub::sql::Sql;

/// 00:00 UTC of some day.
const MIDNIGHT: UnixMillis = UnixMillis(20_780 * 86_400_000);

fn at(seconds: i64) -> UnixMillis {
    UnixMillis(MIDNIGHT.0 + seconds * 1000)
}

/// A shard of so many hosts on sockets, under the free plan.
fn shard(hosts: i64) -> Shard {
    let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
    shard.governor.terms = terms(Budget::default(), 1);
    shard.read_watch(at(0)).unwrap();
    shard.complete(vec![]).unwrap();
    shard.enrol((1..=hosts).map(entry).collect()).unwrap();
    for tracked in shard.iter_mut() {
        tracked.entry.host.presence = Presence::Online;
        tracked.link = Link::Socket;
    }
    shard
}

fn told(shard: &Shard) -> Vec<String> {
    let owed = directory::owed(&shard.storage.sql, 99).unwrap().into_iter();
    owed.filter(|(event, _)| event.kind == EventKind::BudgetTight).map(|(event, _)| event.text).collect()
}

fn used(shard: &Shard, now: UnixMillis, meter: &str) -> u64 {
    shard.usage(now).meters.into_iter().find(|part| part.meter == meter).unwrap().used
}

#[test]
fn what_is_counted_outlives_the_objects_sleep() {
    let mut shard = shard(1);
    shard.count(at(60), Usage { messages: 40, d1_rows_written: 7, d1_bytes: 900, ..Usage::default() });
    shard.steer(at(60));
    shard.keep_watch().unwrap();
    let before = shard.governor.clone();
    let mut again = Shard::new(shard.storage.sql.clone()).unwrap();
    again.governor.terms = terms(Budget::default(), 1);
    again.read_watch(at(90)).unwrap();
    assert_eq!((again.governor.ledger, again.governor.held), (before.ledger, before.held));
    assert!(!again.governor.is_due(at(90)) && again.governor.is_due(at(660)));
    assert_eq!((used(&again, at(90), "d1_rows_written"), used(&again, at(90), "d1_bytes")), (7, 900));
    assert_eq!(used(&again, at(90), "object_requests"), 2, "forty messages");
    // The object's own rows are counted once.
    let rows = used(&shard, at(90), "object_rows_written");
    shard.count(at(95), Usage::default());
    shard.count(at(96), Usage::default());
    assert_eq!(used(&shard, at(96), "object_rows_written"), rows + 1, "what was kept");
}

#[test]
fn a_fleet_that_is_too_large_reports_less_often_and_people_hear_of_it_once() {
    let mut shard = shard(1_000);
    let mut is_told = false;
    for minute in 0..300 {
        let frame_s = u64::from(shard.levers.frame_s);
        let more = Usage { messages: 1_000 * 60 / frame_s, active_ms: 5_000, ..Usage::default() };
        // As if messages counted whole: a thousand hosts are too many then.
        shard.governor.terms.ratio = Ratio::One;
        shard.count(at(minute * 60), more);
        if shard.governor.is_due(at(minute * 60)) {
            is_told |= shard.steer(at(minute * 60));
            shard.tell_of_meters(at(minute * 60)).unwrap();
        }
    }
    assert!(is_told && shard.levers.frame_s > 60);
    let reply = shard.usage(at(300 * 60));
    assert_eq!(reply.levers.frame_s, shard.levers.frame_s);
    assert!(told(&shard).len() <= 4, "{:?}", told(&shard));
}

#[test]
fn a_small_fleet_keeps_the_operators_wish() {
    let mut shard = shard(3);
    for minute in 0..1_440 {
        shard.count(at(minute * 60), Usage { messages: 3, alarms: 6, alarms_set: 6, ..Usage::default() });
        if shard.governor.is_due(at(minute * 60)) {
            assert!(!shard.steer(at(minute * 60)));
            shard.tell_of_meters(at(minute * 60)).unwrap();
        }
    }
    assert_eq!((shard.levers, shard.hold_until_ms, told(&shard).len()), (Levers::default(), 0, 0));
}

#[test]
fn a_refused_meter_is_told_of_and_ends_when_it_allows_again() {
    let mut shard = shard(3);
    shard.count(at(3_600), Usage::default());
    assert!(!shard.steer(at(3_600)));
    shard.storage.sql.note_refusal("Exceeded allowed rows written in Durable Objects free tier.");
    shard.count(at(3_610), Usage::default());
    assert!(shard.governor.is_due(at(3_610)));
    assert!(shard.steer(at(3_610)), "agents are to hold");
    assert_eq!(shard.governor.hold_until(), Some(day_end(at(0).seconds())));
    assert!(shard.settings(edgewatch_core::model::HostId(1), at(3_610)).hold_for_s > 3_600);
    let reply = shard.usage(at(3_610));
    assert!(reply.banner.unwrap().contains("object rows written"));
    assert_eq!(reply.hold_until_s, Some(MIDNIGHT.0 / 1000 + 86_400));
    assert!(reply.meters.iter().any(|part| part.refused && part.meter == "object_rows_written"));
    // The event is a row itself: that it could be written is the proof that the refusal is over.
    shard.tell_of_meters(at(3_610)).unwrap();
    assert_eq!(told(&shard).len(), 1);
    shard.count(at(3_620), Usage::default());
    assert!(shard.steer(at(3_620)), "agents are to go on");
    shard.tell_of_meters(at(3_620)).unwrap();
    assert_eq!((shard.hold_until_ms, shard.usage(at(3_620)).banner, told(&shard).len()), (0, None, 1));
}

#[test]
fn what_holds_hosts_that_post_back_is_no_silence_of_theirs() {
    let mut shard = shard(2);
    for tracked in shard.iter_mut() {
        tracked.link = Link::Post { period_s: 10, frame_s: 60 };
        tracked.seen_ms = at(0).0;
    }
    shard.judge(at(0), at(60).seconds()).unwrap();
    shard.hold_until_ms = at(600).0;
    let judge = |shard: &mut Shard, second: i64| {
        shard.note_worker(at(second));
        shard.judge(at(second), at(second + 60).seconds()).unwrap().offline
    };
    let held: usize = (1..=12).map(|minute| judge(&mut shard, minute * 60)).sum();
    assert_eq!(held, 0, "held until minute 10, patient for three more");
    assert_eq!(judge(&mut shard, 13 * 60 + 1), 2);
}

#[test]
fn while_the_worker_is_away_hosts_that_post_are_not_judged_and_people_hear_of_it() {
    let mut shard = shard(2);
    for tracked in shard.iter_mut() {
        tracked.link = Link::Post { period_s: 10, frame_s: 60 };
        tracked.seen_ms = at(0).0;
    }
    let judge = |shard: &mut Shard, second: i64| shard.judge(at(second), at(second + 20).seconds()).unwrap().offline;
    shard.note_worker(at(0));
    let away: usize = (0..=60).map(|step| judge(&mut shard, step * 20)).sum();
    assert_eq!(away, 0, "alarms alone judge");
    shard.note_worker(at(1_205));
    let kinds: Vec<EventKind> =
        directory::owed(&shard.storage.sql, 9).unwrap().into_iter().map(|(event, _)| event.kind).collect();
    assert_eq!(kinds, [EventKind::MonitoringImpaired]);
    for second in (1_220..1_380).step_by(20) {
        shard.note_worker(at(second));
        assert_eq!(judge(&mut shard, second), 0, "three minutes to be heard in");
    }
    assert_eq!(judge(&mut shard, 1_390), 2);
}

#[test]
fn nobody_is_down_because_storage_refused() {
    let mut shard = shard(2);
    for tracked in shard.iter_mut() {
        tracked.seen_ms = at(0).0;
    }
    shard.judge(at(0), at(20).seconds()).unwrap();
    shard.note_refused(at(10));
    let judge = |shard: &mut Shard, second: i64| shard.judge(at(second), at(second + 20).seconds()).unwrap().offline;
    let offline: usize = (1..=19).map(|step| judge(&mut shard, step * 20)).sum();
    assert_eq!(offline, 0, "300 s of holding and 90 of coming back");
    assert_eq!(judge(&mut shard, 410), 2);
}

#[test]
fn the_first_shard_counts_what_all_of_them_spend() {
    let mut first = shard(2);
    let mut second = shard(3);
    (first.governor.terms.shards, second.governor.terms.shards) = (2, 2);
    second.count(at(60), Usage { messages: 100, ..Usage::default() });
    let report = second.report_to_first(1, at(60));
    let wire: ShardReport = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(wire, report);
    first.take_report(wire.clone(), at(60));
    // Told again after a lost answer.
    first.take_report(wire, at(61));
    second.count(at(120), Usage { messages: 20, ..Usage::default() });
    first.steer(at(110));
    let orders = first.take_report(second.report_to_first(1, at(120)), at(120));
    assert_eq!(first.governor.ledger.spent.messages, 120);
    assert_eq!(first.fleet_load(at(120)).socket_hosts, 5);
    second.take_orders(&orders, at(120));
    assert_eq!((second.governor.levers().0, second.levers.live_hosts), (first.governor.levers().0, 25));
    // A new day begins for both.
    second.count(at(86_460), Usage { messages: 3, ..Usage::default() });
    first.take_report(second.report_to_first(1, at(86_460)), at(86_460));
    assert_eq!(first.governor.ledger.spent.messages, 3);
}

#[test]
fn where_nothing_is_metered_nothing_is_slowed_down() {
    let mut shard = shard(10);
    shard.governor.terms = terms(Budget { plan: "own", ..Budget::default() }, 1);
    shard.count(at(60), Usage { messages: u64::MAX / 100, object_calls: 10_000_000, ..Usage::default() });
    assert!(!shard.steer(at(60)));
    let reply = shard.usage(at(60));
    assert_eq!((reply.plan, reply.levers.frame_s, reply.banner), ("own", 60, None));
    assert!(reply.meters.iter().all(|part| part.allowance.is_none() && !part.is_wall));
}
