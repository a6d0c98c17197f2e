//! Two shards over two databases: whatever was reported to either is in the new one afterwards, once.

use edgewatch_core::model::{Sample, Temperature};

use super::*;
use crate::hub::directory::tests::entry;
use crate::hub::sql::Sql;
use crate::hub::testing;
use edgewatch_core::blocks::Facet;
use edgewatch_core::units::UnixSeconds;

const HOST: HostId = HostId(7);
const SHARDS: u32 = 3;
/// A block of minutes of the host, and so one of samples, begins with number 0.
const BLOCK: u64 = 83_118;

fn at_ms(number: u64) -> i64 {
    MINUTES.start_ms(HOST, BLOCK) + number.cast_signed() * 10_000
}

fn shard(index: u32) -> Shard {
    let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
    shard.place = Place { index, shards: SHARDS };
    shard
}

/// One that had the host when there was one shard alone, and the one that has it now.
fn shards() -> (Shard, Shard) {
    let owner = wire::shard_of(HOST, SHARDS);
    let (mut old, mut new) = (shard((owner + 1) % SHARDS), shard(owner));
    let mut known = entry(HOST.0);
    known.host.last_seen = None;
    old.place = Place::default();
    for shard in [&mut old, &mut new] {
        shard.complete(vec![]).unwrap();
        shard.enrol(vec![known.clone()]).unwrap();
    }
    (old, new)
}

fn sample(number: u64) -> Sample {
    Sample {
        number,
        at: UnixMillis(at_ms(number)),
        load1: Some(1.25),
        uptime_s: Some(1_000 + number),
        ..Sample::default()
    }
}

fn report_samples(shard: &mut Shard, samples: &[Sample], oldest: u64) -> Option<u64> {
    let now = samples.last().unwrap().at;
    let mut last = None;
    for some in samples.chunks(60) {
        let report = testing::report(some.to_vec(), oldest, now, 60);
        last = shard.post(HOST, report, now).unwrap().0;
    }
    last
}

fn report(shard: &mut Shard, numbers: std::ops::RangeInclusive<u64>, oldest: u64) {
    assert_eq!(report_samples(shard, &numbers.map(sample).collect::<Vec<_>>(), oldest), None);
}

fn parcels(old: &mut Shard) -> Vec<Parcel> {
    old.place = Place { index: (wire::shard_of(HOST, SHARDS) + 1) % SHARDS, shards: SHARDS };
    old.clear();
    old.read_rules().unwrap();
    assert_eq!(foreign(old), Ok(vec![HOST]));
    pack(old, HOST, None, UnixMillis(at_ms(0))).unwrap().unwrap()
}

fn give(parcels: &[Parcel], new: &mut Shard) {
    for parcel in parcels {
        let parcel = Parcel::decode(&parcel.encode().unwrap()).unwrap();
        adopt(new, &parcel, || None, UnixMillis(at_ms(5_000))).unwrap();
    }
}

fn hand_over(old: &mut Shard, new: &mut Shard) {
    let parcels = parcels(old);
    give(&parcels, new);
    forget(old, HOST).unwrap();
    assert_eq!(foreign(old), Ok(vec![]));
    assert_eq!((rings::list(&old.storage.sql, HOST), journal::find(&old.storage.sql, HOST)), (Ok(vec![]), Ok(None)));
}

fn blocks(shard: &Shard, tier: Tier) -> Vec<StoredBlock> {
    rings::list(&shard.storage.sql, HOST).unwrap().into_iter().filter(|stored| stored.tier == tier.number).collect()
}

/// The numbers of all samples in rows, once what waits is written.
fn numbers(shard: &mut Shard) -> Vec<u64> {
    let storage = shard.storage.clone();
    shard.get_mut(HOST).unwrap().settle(&storage, UnixMillis(at_ms(5_000))).unwrap();
    blocks(shard, SAMPLES).iter().flat_map(|stored| stored.block().unwrap().numbers().to_vec()).collect()
}

fn all(up_to: u64) -> Vec<u64> {
    (1..=up_to).collect()
}

/// Of how many samples the minutes of a block are made.
fn weight(shard: &Shard, block_no: u64) -> f64 {
    let stored = blocks(shard, MINUTES).into_iter().find(|stored| stored.block_no == block_no);
    stored.map_or(0.0, |stored| stored.block().unwrap().rows().filter_map(|row| row.get(SeriesId::WEIGHT)).sum())
}

#[test]
fn a_block_that_both_have_a_part_of_is_whole_afterwards() {
    let (mut old, mut new) = shards();
    report(&mut old, 1..=60, 1);
    // The answer about the last six was lost: the agent sends them again.
    report(&mut new, 55..=66, 55);
    hand_over(&mut old, &mut new);
    assert_eq!(new.get(HOST).unwrap().progress(), (66, 66));
    assert_eq!(numbers(&mut new), all(66));
    assert_eq!(blocks(&new, SAMPLES).len(), 1);
    report(&mut new, 67..=72, 67);
    assert_eq!(numbers(&mut new), all(72));
}

#[test]
fn the_last_result_goes_along_unless_a_newer_one_came_since() {
    let result = |at_s: i64| {
        let came = kept::Kept { at: UnixSeconds(at_s), size_bytes: 9, is_trimmed: false, packed: vec![7; 900_000] };
        kept::encode(&kept::Head::default().next(&came), &came.packed).unwrap()
    };
    let put = |shard: &mut Shard, at_s: i64| {
        let sql = shard.storage.sql.clone();
        let tracked = shard.get_mut(HOST).unwrap();
        tracked.result = Some(result(at_s));
        tracked.put_journal(&sql, UnixMillis(at_ms(5_000))).unwrap();
    };
    let found = |shard: &Shard| {
        let bytes = journal::result(&shard.storage.sql, HOST).unwrap();
        bytes.and_then(|bytes| kept::kept(&bytes)).map(|kept| kept.at.0)
    };
    for (here, expected) in [(None, 200), (Some(100), 200), (Some(300), 300)] {
        let (mut old, mut new) = shards();
        report(&mut old, 1..=600, 1);
        put(&mut old, 200);
        report(&mut new, 601..=606, 601);
        if let Some(at_s) = here {
            put(&mut new, at_s);
        }
        hand_over(&mut old, &mut new);
        assert_eq!((found(&new), found(&old)), (Some(expected), None));
        assert_eq!(numbers(&mut new).last(), Some(&606));
        assert_eq!(found(&new), Some(expected));
    }
}

#[test]
fn what_comes_again_after_a_hand_over_is_a_repeat() {
    let (mut old, mut new) = shards();
    report(&mut old, 1..=60, 1);
    report(&mut new, 49..=54, 49);
    hand_over(&mut old, &mut new);
    assert_eq!(new.get(HOST).unwrap().progress(), (60, 60));
    report(&mut new, 55..=66, 49);
    assert_eq!(numbers(&mut new), all(66));
}

#[test]
fn a_host_that_has_not_come_back_goes_on_where_it_was() {
    let (mut old, mut new) = shards();
    report(&mut old, 1..=60, 1);
    let durable = old.get(HOST).unwrap().progress().1;
    hand_over(&mut old, &mut new);
    assert_eq!((durable, new.get(HOST).unwrap().progress()), (60, (60, 60)));
    assert_eq!(report_samples(&mut new, &[sample(70)], 64), Some(64), "the agent still has those in between");
    report(&mut new, 61..=70, 61);
    assert_eq!(numbers(&mut new), all(70));
}

#[test]
fn a_later_block_keeps_its_slot() {
    let (mut old, mut new) = shards();
    report(&mut old, 1..=60, 1);
    let round = SAMPLES.ring_blocks * u64::from(SAMPLES.block_s) / 10;
    report(&mut new, round + 1..=round + 60, round + 1);
    let slot_of = |shard: &Shard| blocks(shard, SAMPLES).first().map(|stored| stored.block_no % SAMPLES.ring_blocks);
    hand_over(&mut old, &mut new);
    assert!(slot_of(&new).is_some());
    assert_eq!(numbers(&mut new), (round + 1..=round + 60).collect::<Vec<_>>());
}

#[test]
fn a_hand_over_whose_reply_was_lost_may_come_again() {
    let (mut old, mut new) = shards();
    report(&mut old, 1..=2_500, 1);
    report(&mut new, 2_490..=2_520, 2_490);
    let first = parcels(&mut old);
    give(&first, &mut new);
    let (rows, minutes) = (numbers(&mut new), blocks(&new, MINUTES));
    assert_eq!(rows, all(2_520));
    report(&mut new, 2_521..=2_540, 2_521);
    let again = parcels(&mut old);
    assert_eq!(again, first);
    let before = new.storage.sql.rows_written();
    give(&again, &mut new);
    assert!(new.storage.sql.rows_written() - before <= 3, "the pending block, the journal and the host");
    assert_eq!((numbers(&mut new), blocks(&new, MINUTES)), (all(2_540), minutes));
}

#[test]
fn a_host_of_many_bytes_comes_in_parts_and_any_of_them_twice() {
    let (mut old, mut new) = shards();
    report(&mut old, 1..=3_300, 1);
    report(&mut new, 3_301..=3_320, 3_301);
    let whole = parcels(&mut old).remove(0);
    let each =
        whole.blocks.iter().map(|stored| Parcel { is_last: false, blocks: vec![stored.clone()], ..whole.clone() });
    let mut parts: Vec<Parcel> = each.collect();
    assert!(parts.len() > 4, "{}", parts.len());
    for part in parts.clone().iter().rev() {
        give(std::slice::from_ref(part), &mut new);
        report(&mut new, 3_321..=3_330, 3_301);
    }
    parts.last_mut().unwrap().is_last = true;
    give(&parts, &mut new);
    assert_eq!(numbers(&mut new), all(3_330));
    assert!((weight(&new, BLOCK) - 2_159.0).abs() < 0.5, "{}", weight(&new, BLOCK));
}

#[test]
fn minutes_are_rolled_up_from_the_samples_of_both() {
    // Samples 1 to 2,159 lie in the block. The new shard ends it, before the other part comes or after.
    for is_before in [true, false] {
        let (mut old, mut new) = shards();
        report(&mut old, 1..=1_003, 1);
        if !is_before {
            report(&mut new, 1_001..=2_200, 1_001);
            assert!((weight(&new, BLOCK) - 1_159.0).abs() < 0.5);
        }
        hand_over(&mut old, &mut new);
        report(&mut new, 1_001..=2_200, 1_001);
        assert_eq!(numbers(&mut new), all(2_200));
        assert!((weight(&new, BLOCK) - 2_159.0).abs() < 0.5, "{is_before}: {}", weight(&new, BLOCK));
    }
}

#[test]
fn a_block_of_minutes_that_ended_while_nobody_reported_is_rolled_up_too() {
    for is_before in [true, false] {
        let (mut old, mut new) = shards();
        report(&mut old, 1..=600, 1);
        if !is_before {
            report(&mut new, 2_500..=2_510, 2_500);
        }
        hand_over(&mut old, &mut new);
        report(&mut new, 2_500..=2_512, 2_500);
        assert!((weight(&new, BLOCK) - 600.0).abs() < 0.5, "{is_before}: {}", weight(&new, BLOCK));
    }
}

#[test]
fn minutes_of_which_both_have_a_part_keep_what_the_samples_no_longer_tell() {
    let (mut old, mut new) = shards();
    // Both rolled the block up: by a clock that was far ahead for a moment, for example.
    report(&mut old, 1..=2_200, 1);
    report(&mut new, 2_101..=2_300, 2_101);
    let mut parcel = parcels(&mut old).remove(0);
    parcel.blocks.retain(|stored| stored.tier == MINUTES.number);
    let before = weight(&new, BLOCK);
    give(&[parcel], &mut new);
    assert!(before < 60.0 && (weight(&new, BLOCK) - 2_159.0).abs() < 0.5, "{before} {}", weight(&new, BLOCK));
}

#[test]
fn an_agent_that_lost_its_counter_loses_none_of_the_samples_with_one_number() {
    let (mut old, mut new) = shards();
    report(&mut old, 1..=12, 1);
    let anew = |number: u64| Sample { at: UnixMillis(at_ms(number + 30)), uptime_s: Some(5), ..sample(number) };
    report_samples(&mut new, &(11..=14).map(anew).collect::<Vec<_>>(), 11);
    hand_over(&mut old, &mut new);
    let mut expected = [all(12), vec![11, 12, 13, 14]].concat();
    expected.sort_unstable();
    assert_eq!(numbers(&mut new), expected);
}

fn with_sensors(number: u64, names: &[&str]) -> Sample {
    let sensor = |name: &&str| Temperature { name: (*name).to_owned(), celsius: f64::from(name.as_bytes()[0]) };
    Sample { temperatures: names.iter().map(sensor).collect(), ..sample(number) }
}

fn report_sensors(shard: &mut Shard, numbers: std::ops::RangeInclusive<u64>, names: &[&str]) {
    let first = *numbers.start();
    let samples: Vec<Sample> = numbers.map(|number| with_sensors(number, names)).collect();
    assert_eq!(report_samples(shard, &samples, first), None);
}

/// The temperature of each sensor in all rows of a tier: that of the sensor's name, whatever its id.
fn assert_names(shard: &Shard, tier: Tier) -> usize {
    let dictionary = rings::dictionary(&shard.storage.sql, HOST).unwrap();
    let mut seen = 0;
    for row in blocks(shard, tier).iter().flat_map(|stored| stored.block().unwrap().rows().collect::<Vec<_>>()) {
        let named =
            |(series, _): &&(SeriesId, f64)| series.metric() >= SeriesId::FIRST_NAMED && *series != SeriesId::WEIGHT;
        for (series, value) in row.values().iter().filter(named).filter(|(series, _)| series.facet() != Facet::Count) {
            let name = dictionary.name(*series).unwrap().strip_prefix("temperature/").unwrap();
            assert!((*value - f64::from(name.as_bytes()[0])).abs() < 0.05, "{name} in {}", row.number);
            seen += 1;
        }
    }
    seen
}

#[test]
fn names_that_have_other_ids_here_are_renamed() {
    let (mut old, mut new) = shards();
    report_sensors(&mut old, 1..=2_200, &["a", "b"]);
    report_sensors(&mut new, 2_201..=2_206, &["c", "b", "a"]);
    hand_over(&mut old, &mut new);
    assert_eq!(numbers(&mut new), all(2_206));
    assert_eq!(assert_names(&new, SAMPLES), 2_200 * 2 + 6 * 3);
    assert!(assert_names(&new, MINUTES) > 0);
    // And where nothing was named here yet, the ids are those from there.
    let (mut old, mut new) = shards();
    report_sensors(&mut old, 1..=1, &["x", "y"]);
    let parcels = parcels(&mut old);
    give(&parcels, &mut new);
    let names = rings::dictionary(&old.storage.sql, HOST).unwrap();
    assert_eq!((numbers(&mut new), names.len()), (vec![1], 2));
    assert_eq!(rings::dictionary(&new.storage.sql, HOST), Ok(names));
}

#[test]
fn names_that_d1_has_keep_their_ids() {
    let new = shard(0);
    let mut names = Dictionary::default();
    for name in ["temperature/b", "temperature/a"] {
        names.assign(name, Step::Tenths).unwrap();
    }
    take_names(&new, &[(HOST, names.encode()), (HostId(8), vec![9, 9])]).unwrap();
    assert_eq!(rings::dictionary(&new.storage.sql, HOST), Ok(names.clone()));
    let mut others = Dictionary::default();
    others.assign("temperature/z", Step::Tenths).unwrap();
    take_names(&new, &[(HOST, others.encode())]).unwrap();
    assert_eq!(rings::dictionary(&new.storage.sql, HOST), Ok(names), "what is known here is newer");
}

#[test]
fn a_host_of_another_shard_is_neither_judged_nor_answered_for() {
    let (mut old, _) = shards();
    report(&mut old, 1..=6, 1);
    assert_eq!(old.iter().count(), 1);
    parcels(&mut old);
    old.complete(vec![]).unwrap();
    assert_eq!(old.iter().count(), 0);
    old.clear();
    assert_eq!(old.load(HOST, || None), Ok(false));
    let now = UnixMillis(at_ms(10_000));
    assert_eq!(old.judge(now, now.seconds()).map(|reply| reply.offline), Ok(0));
    assert_eq!(foreign(&old), Ok(vec![HOST]));
    assert_eq!(untold(&old), Ok(0));
}

#[test]
fn hosts_that_were_online_elsewhere_get_three_minutes() {
    let owner = wire::shard_of(HOST, SHARDS);
    let mut new = shard(owner);
    new.complete(vec![]).unwrap();
    let now = UnixMillis(at_ms(0));
    new.judge(now, now.seconds().plus(60)).unwrap();
    let mut online = entry(HOST.0);
    online.host.presence = Presence::Online;
    online.host.last_seen = Some(now.seconds().plus(-3_000));
    let strangers = strangers(&new, std::slice::from_ref(&online)).unwrap();
    assert_eq!(strangers, [HOST]);
    bear_with(&mut new, std::slice::from_ref(&online), &strangers, now).unwrap();
    new.enrol(vec![online.clone()]).unwrap();
    assert_eq!(super::strangers(&new, &[online]), Ok(vec![]));
    let after = |seconds: i64| UnixMillis(now.0 + seconds * 1000);
    let mut judge = |seconds: i64| {
        new.note_worker(after(seconds));
        new.judge(after(seconds), after(seconds + 60).seconds()).unwrap().offline
    };
    assert_eq!([60, 120, 180].map(&mut judge), [0, 0, 0]);
    // And the patience that a host that posts has from then on.
    assert_eq!([240, 300, 360].map(&mut judge).iter().sum::<usize>(), 1);
}

#[test]
fn days_that_were_done_without_the_samples_from_there_are_done_again() {
    let (mut old, mut new) = shards();
    report(&mut old, 1..=6, 1);
    let day = tiers::day_no(HOST, at_ms(1));
    for (ours, theirs, expected) in [
        (None, None, None),
        (None, Some(day - 1), Some(day - 1)),
        (Some(day), Some(day - 2), Some(day - 2)),
        (Some(day - 2), Some(day), Some(day)),
        (Some(day + 3), None, Some(day - 1)),
        (Some(day - 3), None, Some(day - 3)),
    ] {
        let mut parcel = parcels(&mut old).remove(0);
        parcel.coarse_done = theirs;
        new.get_mut(HOST).unwrap().entry.coarse_done = ours;
        give(&[parcel], &mut new);
        assert_eq!(new.get(HOST).unwrap().entry.coarse_done, expected, "{ours:?} {theirs:?}");
    }
}

#[test]
fn who_heard_a_host_last_knows_how_it_is() {
    let (mut old, mut new) = shards();
    report(&mut old, 1..=6, 1);
    let mut parcel = parcels(&mut old).remove(0);
    parcel.host.presence = Presence::Offline;
    parcel.host.agent_version = "9".to_owned();
    give(std::slice::from_ref(&parcel), &mut new);
    let known = new.get(HOST).unwrap().host();
    assert_eq!((known.presence, known.agent_version.as_str()), (Presence::Offline, "9"));
    assert_eq!(known.newest.map(|newest| newest.number), Some(6));
    report(&mut new, 7..=12, 7);
    new.get_mut(HOST).unwrap().entry.host.presence = Presence::Online;
    give(&[parcel], &mut new);
    let known = new.get(HOST).unwrap().host();
    assert_eq!((known.presence, known.newest.map(|newest| newest.number)), (Presence::Online, Some(12)));
}

#[test]
fn a_parcel_is_bounded_and_comes_back_as_it_was() {
    let (mut old, _) = shards();
    report_samples(&mut old, &[with_sensors(1, &["a"]), sample(2)], 1);
    let small = parcels(&mut old).remove(0);
    assert_eq!(Parcel::decode(&small.encode().unwrap()), Ok(small.clone()));
    let bytes = small.encode().unwrap();
    assert!([0, 3, 4, 40, bytes.len() - 1].iter().all(|end| Parcel::decode(&bytes[..*end]).is_err()));
    let large = StoredBlock { data: vec![7; 600_000], ..small.blocks[0].clone() };
    let parts = Parcel { blocks: vec![large; 5], ..small }.split();
    assert_eq!(parts.iter().map(|part| part.blocks.len()).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(parts.iter().map(|part| part.is_last).collect::<Vec<_>>(), [false, false, true]);
    assert!(parts.iter().all(|part| part.encode().unwrap().len() < 1_500_000));
}

#[test]
fn a_note_of_the_list_says_nothing_with_another_number_of_shards() {
    let [one, three] = [1, 3].map(|shards| Place { index: 0, shards });
    assert!(one.is_current(&one.noted(7)) && !three.is_current(&one.noted(7)) && !one.is_current("7"));
    let (mut old, mut new) = shards();
    directory::put_meta(&old.storage.sql, NOTE_KEY, &one.noted(7)).unwrap();
    directory::put_meta(&new.storage.sql, NOTE_KEY, &three.noted(7)).unwrap();
    hand_over(&mut old, &mut new);
    let note = |shard: &Shard| directory::meta(&shard.storage.sql, NOTE_KEY).unwrap();
    assert_eq!((note(&old), note(&new)), (Some(String::new()), Some(three.noted(7))));
    assert!(!one.is_retired() && Place { index: 1, shards: 1 }.is_retired());
}

mod told;
