//! What is said comes back as it was; and hosts for the tests of others.

use super::*;
use crate::store::machine::tests::a_machine;
use edgewatch_core::model::{HostClass, Temperature};
use edgewatch_core::units::UnixMillis;

pub fn host() -> Host {
    Host {
        id: HostId(7),
        public_id: "2JcbGzHzqXW".to_owned(),
        uuid: "0b0b".to_owned(),
        class: HostClass::Machine,
        parent: None,
        name: "alpha \"1\"\u{202e}".to_owned(),
        tag: "eu".to_owned(),
        tags: vec!["db".to_owned(), "a,\"b\"".to_owned()],
        absorbed: vec![HostId(5)],
        note: "n".to_owned(),
        public_note: "p".to_owned(),
        display_index: -3,
        hidden_for_guest: true,
        registered_at: UnixSeconds(5),
        presence: Presence::Offline,
        last_seen: Some(UnixSeconds(1_795_361_190)),
        addresses: Addresses { v4: "192.0.2.1".to_owned(), v6: String::new() },
        country_code: "de".to_owned(),
        agent_version: "0.1.0".to_owned(),
        facts: Some(Facts {
            cpu: vec!["x".to_owned()],
            mem_total_bytes: 1 << 40,
            machine: Some(Arc::new(a_machine())),
            ..Facts::default()
        }),
        newest: Some(Sample {
            number: 9,
            at: UnixMillis(1_795_361_190_123),
            cpu_percent: Some(0.1 + 0.2),
            mem_used_bytes: Some(9_007_199_254_740_991),
            temperatures: vec![Temperature { name: "cpu".to_owned(), celsius: -0.5 }],
            ..Sample::default()
        }),
    }
}

#[test]
fn a_host_comes_back_to_the_last_bit() {
    let text = serde_json::to_string(&HostWire::from(&host())).unwrap();
    let wire: HostWire = serde_json::from_str(&text).unwrap();
    assert_eq!(Host::try_from(wire), Ok(host()));
}

#[test]
fn a_report_comes_back_as_it_was_written() {
    let facts = Facts {
        platform: "debian".to_owned(),
        gpu: vec!["y".to_owned()],
        disk_total_bytes: 7,
        booted_at: UnixSeconds(1_795_000_000),
        addresses: Some(Addresses { v4: "192.0.2.1".to_owned(), v6: "2001:db8::1".to_owned() }),
        ..host().facts.unwrap()
    };
    let report = Report {
        agent_version: "0.1.0".to_owned(),
        sent_at: UnixMillis(-5),
        oldest: 9,
        period_s: 10,
        frame_s: 60,
        probes_version: None,
        facts: Some(facts),
        samples: vec![host().newest.unwrap()],
    };
    let read = |report: &Report| read_report(&write_report(report).unwrap(), "0.1.0").unwrap();
    assert_eq!(read(&report), report);
    let without = Report { facts: None, ..report.clone() };
    assert_eq!(read(&without), without);
    let question = Report { samples: vec![], oldest: 1, ..without };
    assert_eq!(read(&question), question);
    assert!(read_report(&[1, 0, 0], "").is_err());
}

#[test]
fn shards_are_stable_and_even() {
    assert!((1..100).all(|id| shard_of(HostId(id), 1) == 0));
    let mut counts = [0; 4];
    for id in 1..=4_000 {
        counts[shard_of(HostId(id), 4) as usize] += 1;
    }
    assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
    assert_eq!([1, 2, 3].map(|id| shard_of(HostId(id), 7)), [1, 2, 3].map(|id| shard_of(HostId(id), 7)));
}
