//! What people are told of a host that moves: of its addresses and alerts, once.

use edgewatch_core::model::{AddressNotices, EventKind};

use super::*;
use crate::store::rules::RuleSet;

#[test]
fn who_was_told_of_an_address_there_is_not_told_again_here_and_of_another_once() {
    let from = |shard: &mut Shard, address: &str, number: u64| {
        let agent = wire::AgentWire {
            host_id: HOST.0,
            secret_hash: String::new(),
            ipv4: address.to_owned(),
            ipv6: String::new(),
            country_code: None,
            agent_version: String::new(),
            probes_version: None,
        };
        shard.note_origin(&agent, UnixMillis(at_ms(number))).unwrap();
    };
    let told = |shard: &Shard| -> Vec<String> {
        let owed = directory::owed(&shard.storage.sql, 9).unwrap();
        owed.into_iter().map(|(event, _)| event.text).filter(|text| text.starts_with("[IP Changed]")).collect()
    };
    for (last, expected) in [("198.51.100.9", 0), ("198.18.0.3", 1)] {
        let (mut old, mut new) = shards();
        for shard in [&mut old, &mut new] {
            // As D1 knows it, and will for a while.
            from(shard, "203.0.113.7", 1);
            let notices = AddressNotices { is_on: true, ..AddressNotices::default() };
            let set = RuleSet { address_notices: notices, ..RuleSet::default() };
            shard.set_rules(set, 1, UnixMillis(at_ms(1))).unwrap();
        }
        from(&mut old, "198.51.100.9", 2);
        assert_eq!(told(&old).len(), 1);
        let mut ours = vec![Entry::clone(&new.get(HOST).unwrap().entry)];
        ours[0].host.presence = Presence::Online;
        doubt(&mut ours, &[HOST], UnixMillis(at_ms(3)));
        new.dismiss(HOST).unwrap();
        new.enrol(ours).unwrap();
        from(&mut new, "198.51.100.9", 4);
        from(&mut new, last, 5);
        new.judge(UnixMillis(at_ms(6)), UnixMillis(at_ms(12)).seconds()).unwrap();
        assert_eq!(told(&new), Vec::<String>::new());
        report(&mut new, 1..=7, 1);
        hand_over(&mut old, &mut new);
        new.judge(UnixMillis(at_ms(9)), UnixMillis(at_ms(15)).seconds()).unwrap();
        new.judge(UnixMillis(at_ms(12)), UnixMillis(at_ms(18)).seconds()).unwrap();
        assert_eq!(told(&new).len(), expected, "{:?}", told(&new));
    }
}

/// A shard that looks at the load of its hosts, and one that had the host and told of an alert of it.
fn shards_with_an_alert() -> (Shard, Shard) {
    let (mut old, mut new) = shards();
    for shard in [&mut old, &mut new] {
        let rule = crate::hub::rules::tests::rule_of(3, r#"{"test":"load1","for_s":0,"above":[1.0,1.0],"below":null}"#);
        let set = RuleSet { rules: vec![rule], ..RuleSet::default() };
        shard.set_rules(set, 1, UnixMillis(at_ms(0))).unwrap();
    }
    report(&mut old, 1..=3, 1);
    assert_eq!(alerts(&old), [EventKind::AlertFired]);
    let mut ours = vec![Entry::clone(&new.get(HOST).unwrap().entry)];
    ours[0].host.presence = Presence::Online;
    doubt(&mut ours, &[HOST], UnixMillis(at_ms(3)));
    new.dismiss(HOST).unwrap();
    new.enrol(ours).unwrap();
    (old, new)
}

fn alerts(shard: &Shard) -> Vec<EventKind> {
    let owed = directory::owed(&shard.storage.sql, 9).unwrap();
    owed.into_iter().map(|(event, _)| event.kind).filter(|kind| kind.word().starts_with("alert_")).collect()
}

/// What the old shard says ahead, as it travels.
fn said(old: &mut Shard) -> tidings::Tidings {
    let owner = wire::shard_of(HOST, SHARDS);
    old.place = Place { index: (owner + 1) % SHARDS, shards: SHARDS };
    let said = tidings::of(old, &[HOST], owner).unwrap();
    assert!(tidings::of(old, &[HOST], (owner + 2) % SHARDS).unwrap().is_empty());
    serde_json::from_str(&serde_json::to_string(&said).unwrap()).unwrap()
}

fn calm(number: u64) -> Sample {
    Sample { load1: Some(0.5), ..sample(number) }
}

#[test]
fn an_alert_goes_on_where_its_host_is_and_is_told_once() {
    for (is_said_first, is_heard_of) in [(true, true), (true, false), (false, true)] {
        let (mut old, mut new) = shards_with_an_alert();
        // It is as bad as before, and nobody here knows of that yet.
        report(&mut new, 4..=6, 4);
        assert_eq!(alerts(&new), []);
        if is_said_first {
            let said = said(&mut old);
            tidings::heed(&mut new, said.clone(), UnixMillis(at_ms(6))).unwrap();
            // The answer may be lost: then it is said again, and comes with the host besides.
            if is_heard_of {
                tidings::are_heard(&mut old, &said).unwrap();
            }
            report(&mut new, 7..=8, 7);
            assert_eq!(alerts(&new), []);
            report_samples(&mut new, &[calm(9)], 9);
            assert_eq!(alerts(&new), [EventKind::AlertRecovered]);
            tidings::heed(&mut new, said, UnixMillis(at_ms(9))).unwrap();
        }
        old.place = Place::default();
        hand_over(&mut old, &mut new);
        report_samples(&mut new, &[calm(10)], 10);
        assert_eq!((alerts(&old), alerts(&new)), (vec![EventKind::AlertFired], vec![EventKind::AlertRecovered]));
        assert_eq!(directory::list_alert_states(&new.storage.sql), Ok(vec![]));
    }
}

#[test]
fn whom_nobody_speaks_of_is_judged_after_an_hour() {
    let (_, mut new) = shards_with_an_alert();
    report(&mut new, 4..=360, 4);
    assert_eq!(alerts(&new), []);
    report(&mut new, 361..=370, 361);
    assert_eq!(alerts(&new), [EventKind::AlertFired]);
}
