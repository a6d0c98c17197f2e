//! Several lives of one host that meet: sockets that outlive their peers, posts beside sockets, an object that restarts in between,
//! and hosts that would stop themselves or others.

use super::*;
use std::sync::Arc;

use crate::hub::directory;
use crate::hub::shard::Shard;
use crate::store::machine::tests::a_machine;
use edgewatch_core::blocks::tiers::MINUTES;
use edgewatch_core::model::{Facts, Machine, MemoryKind, Temperature};

const ID: HostId = HostId(7);

fn shard() -> Shard {
    let mut shard = Shard::new(storage().sql).unwrap();
    shard.enrol(vec![entry(7), entry(8)]).unwrap();
    shard.load(ID, || None).unwrap();
    shard
}

/// A host of which six samples are durable.
fn reported(storage: &Storage) -> Tracked {
    let mut host = fresh(storage);
    host.take(storage, &report(1..=6, 1)).unwrap();
    host.keep(&storage.sql, NOW).unwrap();
    assert_eq!(host.progress(), (6, 6));
    host
}

fn with_sensors(mut report: Report, name: impl Fn(u64, u64) -> String) -> Report {
    for sample in &mut report.samples {
        let sensor = |sensor: u64| Temperature {
            name: name(sample.number, sensor),
            celsius: 40.0 + f64::from(u32::try_from((sample.number * 7 + sensor) % 9).unwrap()) / 7.0,
        };
        sample.temperatures = (0..64).map(sensor).collect();
    }
    report
}

#[test]
fn a_socket_that_ends_before_its_hello_takes_nothing_back() {
    let storage = storage();
    reported(&storage);
    let mut restarted = fresh(&storage);
    restarted.put_journal(&storage.sql, NOW).unwrap();
    let mut next = fresh(&storage);
    next.ensure_loaded(&storage.sql).unwrap();
    assert_eq!((next.progress(), next.pending().len()), ((6, 6), 6));
}

#[test]
fn a_late_close_of_a_replaced_socket_takes_nothing_back() {
    let storage = storage();
    let mut host = reported(&storage);
    let older = host.held().attachment();
    host.take(&storage, &report(7..=12, 1)).unwrap();
    host.keep(&storage.sql, NOW).unwrap();
    // It sleeps; the close of the older socket wakes it.
    let mut woken = Tracked::load(&storage.sql, entry(7), Some(Held::decode(&older).unwrap())).unwrap();
    woken.put_journal(&storage.sql, NOW).unwrap();
    woken.take(&storage, &report(13..=18, 13)).unwrap();
    woken.write_block(&storage).unwrap();
    assert_eq!(stored(&storage), all(18));
}

#[test]
fn posts_beside_a_dead_socket_are_not_forgotten_with_every_sleep() {
    let mut shard = shard();
    let storage = shard.storage.clone();
    let host = shard.get_mut(ID).unwrap();
    host.take(&storage, &report(1..=6, 1)).unwrap();
    (host.link, host.seen_ms) = (Link::Socket, NOW.0);
    host.keep(&storage.sql, NOW).unwrap();
    let dead = host.held().attachment();
    let later = UnixMillis(NOW.0 + 60_000);
    shard.post(ID, report(7..=12, 1), later).unwrap();
    let mut woken = Shard::new(storage.sql.clone()).unwrap();
    woken.load(ID, || Held::decode(&dead).ok()).unwrap();
    let host = woken.get(ID).unwrap();
    assert_eq!((host.link == Link::Socket, host.seen_ms), (false, later.0));
    woken.post(ID, report(13..=18, 13), later).unwrap();
    woken.get_mut(ID).unwrap().write_block(&storage).unwrap();
    assert_eq!(stored(&storage), all(18));
}

#[test]
fn an_agent_that_lost_its_counter_and_posts_is_told_a_number_that_nobody_has() {
    let mut shard = shard();
    let storage = shard.storage.clone();
    // By a socket, and not durable yet.
    shard.get_mut(ID).unwrap().take(&storage, &report(1..=6, 1)).unwrap();
    shard.post(ID, Report { samples: vec![], ..report(1..=1, 1) }, NOW).unwrap();
    let durable = shard.get(ID).unwrap().progress().1;
    let mut own = report(durable + 1..=durable + 6, durable + 1);
    own.samples.iter_mut().for_each(|sample| sample.load1 = Some(9.0));
    shard.post(ID, own, NOW).unwrap();
    let pending = shard.get(ID).unwrap().pending();
    assert_eq!(pending.iter().filter(|sample| sample.load1 == Some(9.0)).count(), 6);
}

#[test]
fn a_host_that_samples_every_second_has_minutes_too() {
    let storage = storage();
    let mut host = fresh(&storage);
    for from in (1..=13 * 3_600).step_by(120) {
        let mut fast = report(from..=from + 119, 1);
        fast.samples.iter_mut().for_each(|sample| sample.at = UnixMillis(NOW.0 + sample.number.cast_signed() * 1_000));
        host.take(&storage, &fast).unwrap();
    }
    let ring = storage.rings(HostId(7)).of(MINUTES);
    let minutes = rings::range(&storage.sql, ID, MINUTES.number, ring, 0..=u64::from(u32::MAX)).unwrap();
    assert!((2..=3).contains(&minutes.len()), "{}", minutes.len());
    let rows: usize = minutes.iter().map(|block| Block::unpack(&block.data).unwrap().len()).sum();
    assert!(rows >= 2 * 360 - 360, "{rows} minutes");
}

#[test]
fn a_large_report_is_a_sign_of_life_that_outlives_the_sleep() {
    let mut shard = shard();
    let sql = shard.storage.sql.clone();
    for post in 0..5_u64 {
        let now = UnixMillis(NOW.0 + 60_000 * post.cast_signed());
        let large = with_sensors(report(post * 60 + 1..=post * 60 + 60, 1), |_, sensor| format!("s{sensor}"));
        shard.post(ID, large, now).unwrap();
        shard = Shard::new(sql.clone()).unwrap();
        shard.load(ID, || None).unwrap();
        assert_eq!(shard.get(ID).unwrap().seen_ms, now.0);
    }
}

#[test]
fn a_host_with_new_names_all_the_time_stops_neither_itself_nor_others() {
    let mut shard = shard();
    shard.load(HostId(8), || None).unwrap();
    for number in 1..=1_500_u64 {
        let one =
            with_sensors(report(number..=number, 1), |number, sensor| ((number * 64 + sensor) % 4_032).to_string());
        let frame = Frame { frame: number, period_s: 10, frame_s: 60, ..Frame::of_samples(&one.samples) };
        assert_eq!(shard.frame(ID, Frame { oldest: 1, ..frame }, at(number)).len(), 1, "{number}");
    }
    assert_eq!(shard.settings(HostId(8), at(1_500)).hold_for_s, 0);
    let storage = shard.storage.clone();
    shard.get_mut(ID).unwrap().write_block(&storage).unwrap();
    assert!(stored(&storage) == all(1_500));
}

#[test]
fn enrolling_again_writes_nothing_of_hosts_that_reported_since() {
    let mut shard = shard();
    shard.complete(vec![]).unwrap();
    shard.post(ID, report(1..=6, 1), NOW).unwrap();
    let before = shard.storage.sql.rows_written();
    shard.enrol(vec![Entry { floor: 600, ..entry(7) }, Entry { floor: 600, ..entry(8) }]).unwrap();
    assert_eq!(shard.storage.sql.rows_written(), before);
}

#[test]
fn what_a_host_says_it_is_is_written_once_a_minute_however_often_it_changes() {
    let mut shard = shard();
    let before = shard.storage.sql.rows_written();
    let say = |shard: &mut Shard, kernel: u64, now| {
        let facts = Facts { kernel: kernel.to_string(), ..Default::default() };
        shard.note_facts(ID, facts, now).unwrap();
    };
    (0..1_000).for_each(|number| say(&mut shard, number, NOW));
    assert_eq!(shard.storage.sql.rows_written() - before, 1);
    assert_eq!(shard.get(ID).unwrap().host().facts.unwrap().kernel, "999");
    say(&mut shard, 1_000, UnixMillis(NOW.0 + 60_000));
    assert_eq!(shard.storage.sql.rows_written() - before, 2);
}

#[test]
fn what_changes_all_the_time_of_a_host_costs_no_row_and_goes_with_the_next() {
    let mut shard = shard();
    let machine =
        |number: u64| Machine { memory: vec![MemoryKind { name: "MemFree".to_owned(), kib: number }], ..a_machine() };
    let say = |shard: &mut Shard, machine: Machine, now: UnixMillis| {
        let before = shard.storage.sql.rows_written();
        shard.note_facts(ID, Facts { machine: Some(Arc::new(machine)), ..Facts::default() }, now).unwrap();
        shard.storage.sql.rows_written() - before
    };
    let kept = |shard: &Shard| {
        let kept = directory::find(&shard.storage.sql, ID).unwrap().unwrap();
        kept.host.facts.unwrap().machine.unwrap().memory[0].kib
    };
    assert_eq!(say(&mut shard, machine(1), NOW), 1);
    let told = shard.get(ID).unwrap().machine_to_tell();
    assert_eq!(told.as_ref().unwrap().memory[0].kib, 1);
    shard.get_mut(ID).unwrap().machine_told = told;
    assert_eq!(say(&mut shard, machine(1), at(600)), 0);
    assert_eq!(shard.get(ID).unwrap().machine_to_tell(), None, "D1 has it");
    for number in 2..100 {
        assert_eq!(say(&mut shard, machine(number), at(600 * number)), 0, "{number}");
    }
    let to_tell = shard.get(ID).unwrap().machine_to_tell();
    assert_eq!(to_tell.unwrap().memory[0].kib, 99, "D1 hears of it when it hears of the host");
    assert_eq!((shard.get(ID).unwrap().host().facts.unwrap().machine.unwrap().memory[0].kib, kept(&shard)), (99, 1));
    let other = Machine { interfaces: vec![], ..machine(100) };
    assert_eq!(say(&mut shard, other, at(600 * 100)), 1);
    assert_eq!(kept(&shard), 100);
}

#[test]
fn an_agent_that_never_stops_talking_is_sent_away_for_a_while() {
    let mut shard = shard();
    assert!((0..600).all(|_| shard.bears(ID, NOW)));
    assert!(!shard.bears(ID, UnixMillis(NOW.0 + 59_999)));
    assert!(shard.bears(HostId(8), NOW), "others are not");
    assert!(shard.bears(ID, UnixMillis(NOW.0 + 60_000)));
}

#[test]
fn a_block_that_cannot_be_read_stops_neither_its_host_nor_the_days_of_others() {
    let mut shard = shard();
    shard.complete(vec![]).unwrap();
    let storage = shard.storage.clone();
    for id in [7, 8] {
        for minute in 0..60 * 33_u64 {
            let one = report(minute * 6 + 1..=minute * 6 + 6, 1);
            shard.post(HostId(id), one, at(minute * 6 + 6)).unwrap();
        }
    }
    storage.sql.exec("UPDATE blocks SET data = x'0102' WHERE host_id = 7", vec![]).unwrap();
    let (days, _) = shard.finished_days(at(60 * 33 * 6), 20).unwrap();
    assert!(days.iter().any(|day| day.host == HostId(8)), "{}", days.len());
    for minute in 60 * 33..60 * 42_u64 {
        let one = report(minute * 6 + 1..=minute * 6 + 6, 1);
        assert_eq!(shard.post(ID, one, at(minute * 6 + 6)).unwrap().0, None);
    }
}
