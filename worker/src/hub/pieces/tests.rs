//! Whatever happens to hosts, what is put together of pieces is what would be written anew.

use super::*;
use crate::hub::directory::{Entry, tests::entry};
use crate::hub::sql::Sql;
use crate::hub::testing;
use crate::hub::wire::AgentWire;
use edgewatch_core::dialects::native::stream::{Frame, Hello, Versions};
use edgewatch_core::model::{Addresses, Facts, Host, Link, Presence, Report, Sample};

const HOSTS: i64 = 6;
const START: UnixMillis = UnixMillis(1_795_361_190_000);

fn wanted(form: &Form) -> ListRequest {
    ListRequest { form: form.name.to_owned(), is_whole: true, ..ListRequest::default() }
}

fn shard() -> Shard {
    let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
    shard.complete(vec![]).unwrap();
    shard.enrol((1..=HOSTS).map(entry).collect()).unwrap();
    shard
}

/// Compares all that can be asked for with what the hosts are now; gives `details` of all.
fn compare(pieces: &mut Pieces, shard: &Shard, now: UnixMillis, after: &str) -> String {
    let mut hosts: Vec<Host> = shard.iter().map(Tracked::host).collect();
    hosts.sort_by_key(|host| place(host.display_index, host.id));
    let some: Vec<HostId> = [3, 1, 77, 3].map(HostId).to_vec();
    let mut whole = Vec::new();
    for form in FORMS {
        let expected = form.list(hosts.clone()).unwrap();
        let request = wanted(form);
        whole = pieces.list(shard, &request, now).unwrap().0;
        assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&expected), "{} after {after}", form.name);

        let of_group = hosts.iter().filter(|host| host.tag == "eu").cloned();
        let group = pieces.list(shard, &ListRequest { tag: Some("eu".to_owned()), ..request.clone() }, now).unwrap().0;
        assert_eq!(group, form.list(of_group).unwrap(), "after {after}");

        let ids = Some(some.iter().map(|id| id.0).collect());
        let picked = some.iter().filter_map(|id| hosts.iter().find(|host| host.id == *id).cloned());
        let picked = form.list(picked).unwrap();
        assert_eq!(pieces.list(shard, &ListRequest { ids: ids.clone(), ..request.clone() }, now).unwrap().0, picked);

        // As the Worker does it when there are several shards.
        let part = ListRequest { is_whole: false, ..request };
        let parts = [pieces.list(shard, &part, now).unwrap().0];
        assert_eq!(crate::hub::listing::assemble(form, &parts, None).unwrap(), expected, "after {after}");
        let parts = [pieces.list(shard, &ListRequest { ids, ..part }, now).unwrap().0];
        assert_eq!(crate::hub::listing::assemble(form, &parts, Some(&some)).unwrap(), picked, "after {after}");
    }
    String::from_utf8(whole).unwrap()
}

fn sample(number: u64, now: UnixMillis) -> Sample {
    Sample { number, at: now, cpu_percent: Some(0.5), uptime_s: Some(number), ..Sample::default() }
}

fn facts(number: u64) -> Facts {
    Facts { kernel: number.to_string(), platform_version: number.to_string(), ..Facts::default() }
}

fn agent(id: HostId, ipv4: &str) -> AgentWire {
    AgentWire {
        host_id: id.0,
        secret_hash: String::new(),
        ipv4: ipv4.to_owned(),
        ipv6: String::new(),
        country_code: Some("fi".to_owned()),
        agent_version: "9.9.9".to_owned(),
        probes_version: None,
    }
}

fn post(shard: &mut Shard, id: HostId, number: u64, now: UnixMillis) {
    let report = Report { facts: Some(facts(number)), ..testing::report(vec![sample(number, now)], number, now, 60) };
    shard.post(id, report, now).unwrap();
}

fn change(shard: &mut Shard, id: HostId, change: impl FnOnce(&mut Host)) {
    let mut entry = Entry::clone(&shard.get(id).unwrap().entry);
    change(&mut entry.host);
    shard.enrol(vec![entry]).unwrap();
}

/// What can happen to a host, by number; `None` when there is no more.
#[expect(clippy::too_many_lines, reason = "a list")]
fn happen(what: usize, shard: &mut Shard, id: HostId, number: u64, now: UnixMillis) -> Option<&'static str> {
    Some(match what {
        0 => {
            let frame = Frame { oldest: number, ..Frame::of_samples(&[sample(number, now)]) };
            shard.frame(id, frame, now);
            "a frame"
        }
        1 => {
            post(shard, id, number, now);
            "a report"
        }
        2 => {
            let hello = Hello {
                versions: Versions::OURS,
                agent_version: number.to_string(),
                clock_ms: now.0,
                oldest: number,
                next: number,
                capabilities: 0,
                dropped_samples: 0,
            };
            shard.hello(id, &hello, now);
            "a hello"
        }
        3 => {
            shard.note_facts(id, facts(number), now).unwrap();
            "facts"
        }
        4 => {
            let v4 = format!("192.0.2.{}", number % 250);
            let facts = Facts { addresses: Some(Addresses { v4, v6: String::new() }), ..facts(1) };
            shard.note_facts(id, facts, now).unwrap();
            "addresses of its administrator"
        }
        5 => {
            shard.note_origin(&agent(id, &format!("198.51.100.{}", number % 250)), now).unwrap();
            "another origin"
        }
        6 => {
            crate::hub::presence::hear_all(shard, &[(id, now.0 + 7_000)]);
            "a ping"
        }
        7 => {
            change(shard, id, |host| host.name = format!("renamed \"{number}\"\u{202e}"));
            "another name"
        }
        8 => {
            change(shard, id, |host| host.tag = if host.tag == "eu" { "us" } else { "eu" }.to_owned());
            "another group"
        }
        9 => {
            change(shard, id, |host| host.display_index = number.cast_signed() % 5 - 2);
            "another place"
        }
        10 => {
            change(shard, id, |host| host.hidden_for_guest = !host.hidden_for_guest);
            "being hidden or shown"
        }
        11 => {
            let tracked = shard.get_mut(id).unwrap();
            tracked.link = Link::Socket;
            shard.judge(now, now.seconds().plus(20)).unwrap();
            shard.judge(UnixMillis(now.0 + 19_000), now.seconds().plus(40)).unwrap();
            shard.judge(UnixMillis(now.0 + 38_000), now.seconds().plus(60)).unwrap();
            "silence"
        }
        12 => {
            shard.get_mut(id).unwrap().hear(now);
            shard.judge(now, now.seconds().plus(20)).unwrap();
            "a sign of life"
        }
        13 => {
            // Its row goes to D1.
            shard.note_done(&[(id, number)]).unwrap();
            "a finished day"
        }
        14 => {
            shard.dismiss(id).unwrap();
            "its end"
        }
        15 => {
            shard.dismiss(id).unwrap();
            let mut again = entry(id.0);
            (again.host.name, again.host.last_seen) = (format!("again {number}"), None);
            (again.host.presence, again.host.facts) = (Presence::Never, None);
            shard.enrol(vec![again]).unwrap();
            "another life"
        }
        16 => {
            let sql = shard.storage.sql.clone();
            let tracked = shard.get_mut(id).unwrap();
            tracked.forget_pending();
            tracked.reload(&sql).unwrap();
            "being read anew"
        }
        17 => {
            shard.clear();
            shard.complete(vec![]).unwrap();
            "the object's sleep"
        }
        18 => {
            let storage = shard.storage.clone();
            shard.get_mut(id).unwrap().settle(&storage, now).unwrap();
            "being stored"
        }
        _ => return None,
    })
}

#[test]
fn what_is_kept_is_what_would_be_written_anew_after_any_change() {
    let (mut shard, mut pieces) = (shard(), Pieces::default());
    compare(&mut pieces, &shard, START, "nothing");
    let kinds = (0..99).take_while(|what| happen(*what, &mut self::shard(), HostId(1), 1, START).is_some()).count();
    assert!(kinds > 15);
    // Every kind after every other one, some twice in a row, on hosts that come by turns.
    let mut now = START;
    for (step, number) in (0..kinds * kinds).zip(1_u64..) {
        let (what, id) = ((step * 7 + step / kinds) % kinds, HostId(1 + number.cast_signed() * 5 % HOSTS));
        if shard.get(id).is_none() {
            shard.enrol(vec![entry(id.0)]).unwrap();
        }
        now.0 += 11_000;
        let after = happen(what, &mut shard, id, number, now).unwrap();
        compare(&mut pieces, &shard, now, after);
    }
}

#[test]
fn what_changed_is_seen_by_the_next_reader() {
    let (mut shard, mut pieces) = (shard(), Pieces::default());
    let mut before = compare(&mut pieces, &shard, START, "nothing");
    let mut changed = |shard: &mut Shard, what: usize, number: u64, before: &mut String| {
        let now = UnixMillis(START.0 + number.cast_signed() * 60_000);
        happen(what, shard, HostId(3), number, now);
        let after = compare(&mut pieces, shard, now, "one change");
        std::mem::replace(before, after.clone()) != after
    };
    for (number, what) in (1..).zip([0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 14]) {
        assert!(changed(&mut shard, what, number, &mut before), "change {what}");
    }
}

#[test]
fn a_piece_is_written_once_until_its_host_changes() {
    let (mut shard, mut pieces) = (shard(), Pieces::default());
    let stamps = |pieces: &Pieces| -> Vec<u64> { pieces.kept[FORMS[1].name].values().map(|kept| kept.stamp).collect() };
    // Who reported by then is called online.
    shard.judge(START, START.seconds().plus(20)).unwrap();
    pieces.list(&shard, &wanted(FORMS[1]), START).unwrap();
    let before = stamps(&pieces);
    crate::hub::presence::hear_all(&mut shard, &[(HostId(2), START.0 + 5_000)]);
    shard.judge(START, START.seconds().plus(20)).unwrap();
    pieces.list(&shard, &wanted(FORMS[1]), START).unwrap();
    assert_eq!(stamps(&pieces), before, "nothing but a sign of life");
    post(&mut shard, HostId(2), 1, START);
    pieces.list(&shard, &wanted(FORMS[1]), START).unwrap();
    let after = stamps(&pieces);
    assert!(before.iter().zip(&after).enumerate().all(|(at, (before, after))| (at == 1) == (after > before)));
}

#[test]
fn what_is_kept_is_bounded_and_goes_when_nobody_reads() {
    let (mut shard, mut pieces) = (shard(), Pieces::default());
    assert_eq!(pieces.bytes(), 0);
    for form in FORMS {
        pieces.list(&shard, &wanted(form), START).unwrap();
    }
    let per_host = pieces.bytes() / usize::try_from(HOSTS).unwrap();
    // In five forms, of which nobody reads all.
    assert!((300..4_000).contains(&per_host), "{per_host}");
    // Hosts that are no more go with the next list of all.
    shard.dismiss(HostId(1)).unwrap();
    for form in FORMS {
        pieces.list(&shard, &wanted(form), START).unwrap();
    }
    let recount = |pieces: &Pieces| {
        let kept = pieces.kept.values().flat_map(BTreeMap::values);
        kept.map(Kept::bytes).sum::<usize>()
    };
    assert_eq!((pieces.kept[FORMS[0].name].len(), recount(&pieces)), (5, pieces.bytes()));
    pieces.forget_unread(UnixMillis(START.0 + KEPT_MS - 1));
    assert!(pieces.bytes() > 0);
    pieces.forget_unread(UnixMillis(START.0 + KEPT_MS));
    assert_eq!((pieces.bytes(), recount(&pieces)), (0, 0));
    // More than may be kept is written all the same.
    for id in 2..=4 {
        change(&mut shard, HostId(id), |host| host.name = "x".repeat(7 << 20));
    }
    let list = pieces.list(&shard, &wanted(FORMS[0]), START).unwrap().0;
    assert_eq!(list, FORMS[0].list(shard.iter().map(Tracked::host)).unwrap());
    assert_eq!(pieces.kept[FORMS[0].name].len(), 4, "one of the large ones is not kept");
    assert!(pieces.bytes() <= MOST_BYTES && recount(&pieces) == pieces.bytes());
}

#[test]
fn a_form_that_nobody_knows_is_an_error() {
    let (shard, mut pieces) = (shard(), Pieces::default());
    let request = ListRequest { form: "pulse.state".to_owned(), ..wanted(FORMS[0]) };
    assert!(matches!(pieces.list(&shard, &request, START), Err(HubError::Corrupt(_))));
    assert_eq!(pieces.list(&shard, &wanted(FORMS[0]), START).unwrap().1.len(), 6);
}
