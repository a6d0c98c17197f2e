use edgewatch_core::model::{AddressNotices, Facts, Hosts};

use super::*;
use crate::hub::directory::tests::entry;
use crate::hub::sql::Sql;
use crate::hub::wire::AgentWire;
use crate::store::rules::RuleSet;

const ID: HostId = HostId(1);
const NOW: UnixMillis = UnixMillis(1_795_361_190_000);

fn after(seconds: i64) -> UnixMillis {
    UnixMillis(NOW.0 + seconds * 1000)
}

fn set(shard: &mut Shard, notices: AddressNotices) {
    shard.set_rules(RuleSet { address_notices: notices, ..RuleSet::default() }, 1, NOW).unwrap();
}

/// A shard with host 1, of whose addresses `ops` is told.
fn shard() -> Shard {
    let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
    shard.complete(vec![]).unwrap();
    let mut one = entry(1);
    (one.host.name, one.host.addresses) = ("fra-1".to_owned(), Addresses::default());
    shard.enrol(vec![one]).unwrap();
    set(&mut shard, AddressNotices { is_on: true, group: "ops".to_owned(), hosts: Hosts::default() });
    shard
}

fn from(shard: &mut Shard, address: &str, now: UnixMillis) {
    let Addresses { v4, v6 } = Addresses::from_reported(address);
    let agent = AgentWire {
        host_id: ID.0,
        secret_hash: String::new(),
        ipv4: v4,
        ipv6: v6,
        country_code: None,
        agent_version: String::new(),
        probes_version: None,
    };
    shard.note_origin(&agent, now).unwrap();
}

/// The host's administrator says what its addresses are; `None`: nothing any more.
fn says(shard: &mut Shard, addresses: Option<&str>, now: UnixMillis) {
    let addresses = addresses.map(Addresses::from_reported);
    shard.note_facts(ID, Facts { addresses, ..Facts::default() }, now).unwrap();
}

/// The object woke anew, from what it keeps.
fn woken(shard: &Shard) -> Shard {
    let mut again = Shard::new(shard.storage.sql.clone()).unwrap();
    again.read_rules().unwrap();
    again.complete(vec![]).unwrap();
    again
}

/// What D1 is to tell: texts without their beginning.
fn told(shard: &Shard) -> Vec<String> {
    let owed = directory::owed(&shard.storage.sql, 99).unwrap();
    let texts = owed.into_iter().filter(|(event, _)| event.kind == EventKind::AddressChanged);
    texts.map(|(event, _)| event.text.strip_prefix("[IP Changed] fra-1, ").unwrap().to_owned()).collect()
}

#[test]
fn a_change_is_told_once_over_sleep_between_all_reports() {
    let mut shard = shard();
    for (minute, address) in
        (0..).zip(["203.0.113.7", "203.0.113.7", "198.51.100.9", "198.51.100.9", "2001:db8::1", "198.51.100.9"])
    {
        from(&mut shard, address, after(minute * 60));
        shard = woken(&shard);
    }
    assert_eq!(told(&shard), ["203.****.7 => 198.****.9"]);
    let (event, name) = directory::owed(&shard.storage.sql, 9).unwrap().remove(0);
    assert_eq!((event.host_id, event.at, event.group.as_str()), (Some(ID), after(120).seconds(), "ops"));
    assert_eq!((name.as_deref(), event.is_quiet, event.alert), (Some("fra-1"), false, None));
    assert_eq!(shard.get(ID).unwrap().entry.host.addresses, Addresses::from_reported("198.51.100.9/2001:db8::1"));
}

#[test]
fn a_change_costs_two_rows_and_no_change_none() {
    let mut shard = shard();
    from(&mut shard, "203.0.113.7", after(0));
    let cost = |shard: &mut Shard, address: &str, second| {
        let before = (shard.storage.sql.rows_read(), shard.storage.sql.rows_written());
        from(shard, address, after(second));
        (shard.storage.sql.rows_read() - before.0, shard.storage.sql.rows_written() - before.1)
    };
    assert_eq!(cost(&mut shard, "203.0.113.7", 10), (0, 0));
    assert_eq!(cost(&mut shard, "198.51.100.9", 20).1, 2);
    assert_eq!(cost(&mut shard, "198.51.100.9", 30), (0, 0));
    assert!(shard.get(ID).unwrap().is_news, "D1 hears of it at once");
}

#[test]
fn hosts_that_nobody_wants_to_hear_of_are_left_out() {
    for notices in [
        AddressNotices::default(),
        AddressNotices { is_on: true, hosts: Hosts::AllBut([ID].into()), ..AddressNotices::default() },
        AddressNotices { is_on: true, hosts: Hosts::Only([HostId(2)].into()), ..AddressNotices::default() },
    ] {
        let mut shard = shard();
        set(&mut shard, notices);
        from(&mut shard, "203.0.113.7", after(0));
        from(&mut shard, "198.51.100.9", after(10));
        // Later they do: of what comes from then on.
        set(&mut shard, AddressNotices { is_on: true, hosts: Hosts::Only([ID].into()), ..AddressNotices::default() });
        from(&mut shard, "198.51.100.9", after(20));
        assert_eq!(told(&shard), Vec::<String>::new());
        from(&mut shard, "203.0.113.7", after(30));
        assert_eq!(told(&shard), ["198.****.9 => 203.****.7"]);
    }
}

#[test]
fn what_the_host_says_counts_and_who_says_it_does_not() {
    let mut shard = shard();
    from(&mut shard, "127.0.0.1", after(0));
    says(&mut shard, Some("203.0.113.7/2001:db8::7"), after(0));
    // One family goes and comes back.
    says(&mut shard, Some("203.0.113.7"), after(100));
    shard = woken(&shard);
    says(&mut shard, Some("203.0.113.7/2001:db8::7"), after(200));
    says(&mut shard, None, after(300));
    from(&mut shard, "127.0.0.1", after(300));
    says(&mut shard, Some("203.0.113.7"), after(400));
    assert_eq!(told(&shard), Vec::<String>::new());
    says(&mut shard, Some("198.51.100.9/2001:db8::7"), after(500));
    assert_eq!(told(&shard), ["203.****.7 => 198.****.9/2001:db8:****:0:7"]);
}

#[test]
fn a_change_within_the_minute_of_another_waits_for_the_next_verdict() {
    let mut shard = shard();
    says(&mut shard, Some("203.0.113.7"), after(0));
    says(&mut shard, Some("198.51.100.9"), after(10));
    assert_eq!(told(&shard), Vec::<String>::new());
    shard.judge(after(20), after(80).seconds()).unwrap();
    shard.judge(after(40), after(100).seconds()).unwrap();
    assert_eq!(told(&shard), ["203.****.7 => 198.****.9"]);
    let again = woken(&shard);
    assert_eq!(again.get(ID).unwrap().entry.host.addresses.v4, "198.51.100.9");
}

#[test]
fn an_address_that_changes_all_the_time_is_told_of_so_often_and_then_as_it_is() {
    let mut shard = shard();
    for minute in 0..30 {
        from(&mut shard, &format!("203.0.113.{minute}"), after(minute * 60));
        shard = woken(&shard);
        shard.judge(after(minute * 60 + 30), after(minute * 60 + 150).seconds()).unwrap();
    }
    assert_eq!(told(&shard).len(), 6);
    for minute in 30..70 {
        shard.judge(after(minute * 60), after(minute * 60 + 120).seconds()).unwrap();
    }
    assert_eq!(told(&shard).len(), 7);
    assert_eq!(told(&shard)[6], "203.****.6 => 203.****.29");
}

#[test]
fn a_change_that_could_not_be_kept_is_told_by_the_next_report() {
    let mut shard = shard();
    from(&mut shard, "203.0.113.7", after(0));
    shard.storage.sql.exec("PRAGMA query_only = ON", vec![]).unwrap();
    let agent = |v4: &str| AgentWire {
        host_id: ID.0,
        secret_hash: String::new(),
        ipv4: v4.to_owned(),
        ipv6: String::new(),
        country_code: None,
        agent_version: String::new(),
        probes_version: None,
    };
    assert!(shard.note_origin(&agent("198.51.100.9"), after(10)).is_err());
    shard.storage.sql.exec("PRAGMA query_only = OFF", vec![]).unwrap();
    shard.note_origin(&agent("198.51.100.9"), after(20)).unwrap();
    shard.storage.sql.exec("ALTER TABLE hosts RENAME TO away", vec![]).unwrap();
    assert!(shard.note_origin(&agent("198.51.100.10"), after(30)).is_err());
    shard.storage.sql.exec("ALTER TABLE away RENAME TO hosts", vec![]).unwrap();
    let mut shard = woken(&shard);
    from(&mut shard, "198.51.100.10", after(40));
    assert_eq!(told(&shard), ["203.****.7 => 198.****.9", "198.****.9 => 198.****.10"]);
}
