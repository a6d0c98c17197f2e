//! One host over the object's life: sleep, restart, refusal, overlap. After each story, what is stored is what was sent.

use super::*;
use crate::hub::directory::{self, tests::entry};
use crate::hub::lengths::Lengths;
use crate::hub::testing;
use edgewatch_core::model::{Named, ProbeResult};
use edgewatch_core::units::UnixMillis;

mod lives;

const NOW: UnixMillis = UnixMillis(1_795_361_190_000);
const PERIOD_MS: i64 = 10_000;

fn storage() -> Storage {
    let sql = Sql::in_memory().unwrap();
    rings::create(&sql).unwrap();
    journal::create(&sql).unwrap();
    directory::create(&sql).unwrap();
    Storage { sql, lengths: Lengths::default(), means: std::rc::Rc::default() }
}

fn at(number: u64) -> UnixMillis {
    UnixMillis(NOW.0 + number.cast_signed() * PERIOD_MS)
}

fn report(numbers: std::ops::RangeInclusive<u64>, oldest: u64) -> Report {
    let sample = |number: u64| Sample { number, at: at(number), load1: Some(1.25), ..Sample::default() };
    testing::report(numbers.map(sample).collect(), oldest, NOW, 60)
}

fn fresh(storage: &Storage) -> Tracked {
    Tracked::load(&storage.sql, entry(7), None).unwrap()
}

/// The object slept: what the attachment had is what there is.
fn woken(storage: &Storage, before: &Tracked) -> Tracked {
    let held = Held::decode(&before.held().attachment()).unwrap();
    Tracked::load(&storage.sql, entry(7), Some(held)).unwrap()
}

/// The numbers of everything stored: rows of the ring, then the journal where it is ahead of them.
fn stored(storage: &Storage) -> Vec<u64> {
    let all =
        rings::range(&storage.sql, HostId(7), 0, storage.rings(HostId(7)).of(tiers::SAMPLES), 0..=u64::from(u32::MAX))
            .unwrap();
    let mut numbers: Vec<u64> = Vec::new();
    for row in all {
        numbers.extend(Block::unpack(&row.data).unwrap().numbers());
    }
    let in_rings = numbers.last().copied().unwrap_or(0);
    if let Some(kept) = journal::find(&storage.sql, HostId(7)).unwrap().filter(|kept| kept.upto > in_rings) {
        for frame in Held::decode(&kept.data).unwrap().pending {
            numbers.extend(held::unpack(&frame).unwrap().iter().map(|sample| sample.number));
        }
    }
    numbers
}

fn all(up_to: u64) -> Vec<u64> {
    (1..=up_to).collect()
}

#[test]
fn what_a_host_says_of_probes_is_kept_of_as_many_as_there_may_be() {
    let storage = storage();
    let mut host = fresh(&storage);
    for number in 1..=4 {
        let result = |probe| ProbeResult {
            probe: ProbeId(probe),
            delay_ms: None,
            tls_expires: None,
            note: Some("refused".to_owned()),
        };
        let mut one = report(number..=number, 1);
        let first = i64::try_from(number).unwrap() * 1_000;
        one.samples[0].probes = (first..first + 150).map(result).collect();
        host.take(&storage, &one).unwrap();
    }
    assert_eq!(host.notes.len(), MAX_PROBES);
    assert!(host.notes.contains_key(&ProbeId(4_149)) && !host.notes.contains_key(&ProbeId(1_000)));
}

/// Breaks every write into a table until the guard is given up.
fn refuse(storage: &Storage, table: &'static str) {
    let trigger = match table {
        "blocks" => "CREATE TRIGGER no_blocks BEFORE INSERT ON blocks BEGIN SELECT RAISE(ABORT, 'refused'); END",
        _ => "CREATE TRIGGER no_journal BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'refused'); END",
    };
    storage.sql.exec(trigger, vec![]).unwrap();
}

fn allow(storage: &Storage) {
    storage.sql.exec("DROP TRIGGER IF EXISTS no_blocks", vec![]).unwrap();
    storage.sql.exec("DROP TRIGGER IF EXISTS no_journal", vec![]).unwrap();
}

#[test]
fn a_day_of_samples_is_a_row_per_block_and_nothing_more() {
    let storage = storage();
    let mut host = fresh(&storage);
    // An hour less than the ring holds.
    for minute in 0..1_380 {
        assert_eq!(host.take(&storage, &report(minute * 6 + 1..=minute * 6 + 6, 1)), Ok(Verdict::Take { skip: 0 }));
        host.keep_if_due(&storage.sql, at(minute * 6 + 6), 1_800, 60).unwrap();
    }
    // And one of minutes for every six hours.
    assert_eq!(storage.sql.rows_written(), 46 + 4);
    host.write_block(&storage).unwrap();
    assert!(stored(&storage) == all(8_280));
    assert_eq!(host.progress(), (8_280, 8_280));
}

/// Six samples of a busy host with every metric there is, the last of which tells thirty values of the minute.
fn detailed(minute: u64) -> Report {
    let noise = |seed: u64, below: u64| (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20 & (below - 1);
    let sample = |number: u64| {
        let hundredths = |seed: u64| f64::from(u32::try_from(noise(number * 64 + seed, 16_384)).unwrap()) / 100.0;
        let kinds = ["cpu", "disk.vda", "disk.vda1", "interface.eth0", "interface.docker0", "filesystem.vda"];
        let names = kinds.iter().flat_map(|kind| (0..5).map(move |part| format!("{kind}.part{part}.percentage")));
        let details = names.zip(16..).map(|(name, seed)| Named { name, value: hundredths(seed) });
        Sample {
            number,
            at: at(number),
            cpu_percent: Some(hundredths(0) / 2.0),
            mem_used_bytes: Some((4 << 30) + noise(number, 1 << 24) * 4096),
            swap_used_bytes: Some(0),
            disk_used_bytes: Some((40 << 30) + number * 4096),
            net_in_bytes: Some((1 << 40) + number * 5_000_000 + noise(number, 1 << 20)),
            net_out_bytes: Some((1 << 39) + number * 500_000 + noise(number, 1 << 18)),
            net_in_bytes_per_s: Some(noise(number, 1 << 20)),
            net_out_bytes_per_s: Some(noise(number, 1 << 18)),
            uptime_s: Some(number * 10),
            load1: Some(hundredths(1)),
            load5: Some(hundredths(2)),
            load15: Some(hundredths(3)),
            tcp_connections: Some(noise(number, 256)),
            udp_connections: Some(7),
            processes: Some(noise(number, 512)),
            named: if number.is_multiple_of(6) { details.collect() } else { vec![] },
            ..Sample::default()
        }
    };
    testing::report((minute * 6 + 1..=minute * 6 + 6).map(sample).collect(), 1, NOW, 60)
}

#[test]
fn what_is_told_once_a_minute_costs_no_rows_and_sleeps_with_the_object() {
    let storage = storage();
    let mut host = fresh(&storage);
    let mut largest = 0;
    for minute in 0..1_380 {
        assert_eq!(host.take(&storage, &detailed(minute)), Ok(Verdict::Take { skip: 0 }));
        host.keep_if_due(&storage.sql, at(minute * 6 + 6), 1_800, 60).unwrap();
        largest = largest.max(host.held().encode().len());
        if minute % 7 == 3 {
            host = woken(&storage, &host);
        }
    }
    println!("{largest} bytes are held at the most");
    assert!(largest <= held::MAX_ATTACHMENT_BYTES, "{largest}");
    assert_eq!(storage.sql.rows_written(), 46 + 4 + 1, "as without it, and the names once");
    host.write_block(&storage).unwrap();
    assert!(stored(&storage) == all(8_280));
}

#[test]
fn a_small_fleet_is_durable_with_every_report() {
    let storage = storage();
    let mut host = fresh(&storage);
    for minute in 0..120 {
        host.take(&storage, &report(minute * 6 + 1..=minute * 6 + 6, 1)).unwrap();
        host.keep_if_due(&storage.sql, at(minute * 6 + 6), 60, 60).unwrap();
        assert_eq!(host.progress(), (minute * 6 + 6, minute * 6 + 6));
        // It sleeps after every one of them.
        host = if minute % 2 == 0 { woken(&storage, &host) } else { fresh(&storage) };
    }
    assert_eq!(stored(&storage), all(720));
    assert!(storage.sql.rows_written() <= 120 + 5, "{}", storage.sql.rows_written());
}

#[test]
fn what_slept_with_the_object_is_asked_for_again_and_stored_once() {
    let storage = storage();
    let mut host = fresh(&storage);
    host.take(&storage, &report(1..=6, 1)).unwrap();
    // Without an attachment nothing of it is left.
    let mut restarted = fresh(&storage);
    assert_eq!(restarted.take(&storage, &report(7..=12, 1)), Ok(Verdict::Resend { from: 1 }));
    restarted.take(&storage, &report(1..=12, 1)).unwrap();
    restarted.keep(&storage.sql, NOW).unwrap();
    let mut again = woken(&storage, &restarted);
    assert_eq!(again.take(&storage, &report(7..=14, 1)), Ok(Verdict::Take { skip: 6 }));
    again.write_block(&storage).unwrap();
    assert_eq!(stored(&storage), all(14));
}

#[test]
fn a_block_that_was_begun_in_an_earlier_life_goes_on() {
    let storage = storage();
    let mut host = fresh(&storage);
    host.take(&storage, &report(1..=6, 1)).unwrap();
    host.write_block(&storage).unwrap();
    let mut restarted = fresh(&storage);
    restarted.take(&storage, &report(7..=12, 7)).unwrap();
    restarted.write_block(&storage).unwrap();
    assert_eq!(stored(&storage), all(12));
    assert_eq!(storage.sql.rows_written(), 2);
}

#[test]
fn a_journal_that_its_block_overtook_is_not_read_again() {
    let storage = storage();
    let mut host = fresh(&storage);
    host.take(&storage, &report(1..=6, 1)).unwrap();
    host.keep(&storage.sql, NOW).unwrap();
    host.take(&storage, &report(7..=12, 1)).unwrap();
    host.write_block(&storage).unwrap();
    let mut restarted = fresh(&storage);
    restarted.take(&storage, &report(13..=18, 1)).unwrap();
    assert_eq!(restarted.pending().len(), 6);
    restarted.write_block(&storage).unwrap();
    assert_eq!(stored(&storage), all(18));
}

#[test]
fn a_refused_block_takes_no_further_samples_and_loses_none() {
    let storage = storage();
    let mut host = fresh(&storage);
    host.take(&storage, &report(1..=6, 1)).unwrap();
    refuse(&storage, "blocks");
    // Three hours of samples: what is too much to wait cannot be taken.
    let long = report(7..=1_200, 1);
    assert!(matches!(host.take(&storage, &long), Err(HubError::Refused(_))));
    let (taken, durable) = host.progress();
    assert_eq!(durable, 0);
    assert!(taken < 1_200);
    allow(&storage);
    host.take(&storage, &long).unwrap();
    host.write_block(&storage).unwrap();
    assert_eq!((stored(&storage), host.progress()), (all(1_200), (1_200, 1_200)));
}

#[test]
fn a_refused_journal_makes_nothing_durable() {
    let storage = storage();
    let mut host = fresh(&storage);
    host.take(&storage, &report(1..=6, 1)).unwrap();
    refuse(&storage, "journal");
    assert!(host.keep(&storage.sql, NOW).is_err());
    assert_eq!(host.progress(), (6, 0));
    host.forget_pending();
    allow(&storage);
    assert_eq!(host.take(&storage, &report(7..=12, 1)), Ok(Verdict::Resend { from: 1 }));
}

#[test]
fn forgetting_keeps_what_the_journal_has() {
    let storage = storage();
    let mut host = fresh(&storage);
    host.take(&storage, &report(1..=6, 1)).unwrap();
    host.keep(&storage.sql, NOW).unwrap();
    host.take(&storage, &report(7..=9, 1)).unwrap();
    host.forget_pending();
    assert_eq!(host.take(&storage, &report(7..=12, 1)), Ok(Verdict::Take { skip: 0 }));
    host.write_block(&storage).unwrap();
    assert_eq!(stored(&storage), all(12));
}

#[test]
fn an_attachment_too_small_for_the_samples_leaves_them_to_the_journal() {
    let storage = storage();
    let mut host = fresh(&storage);
    for number in 1..=230 {
        // One sample a frame, all at one moment: a block that outgrows its attachment.
        let mut one = report(number..=number, 1);
        one.samples[0].at = at(1);
        host.take(&storage, &one).unwrap();
        host.keep(&storage.sql, NOW).unwrap();
        host = woken(&storage, &host);
    }
    host.write_block(&storage).unwrap();
    assert_eq!(stored(&storage), all(230));
}

#[test]
fn a_clock_that_stands_still_ends_blocks_by_their_rows() {
    let storage = storage();
    let mut host = fresh(&storage);
    for from in (1..=13_000).step_by(100) {
        let mut still = report(from..=from + 99, 1);
        still.samples.iter_mut().for_each(|sample| sample.at = at(1));
        host.take(&storage, &still).unwrap();
    }
    host.write_block(&storage).unwrap();
    let rows =
        rings::range(&storage.sql, HostId(7), 0, storage.rings(HostId(7)).of(tiers::SAMPLES), 0..=u64::from(u32::MAX))
            .unwrap();
    assert!(rows.iter().all(|row| Block::unpack(&row.data).unwrap().len() <= 12_400), "{}", rows.len());
    assert!(rows.len() > 1 && stored(&storage) == all(13_000));
}

#[test]
fn a_clock_that_steps_back_overwrites_nothing() {
    let storage = storage();
    let mut host = fresh(&storage);
    host.take(&storage, &report(1..=6, 1)).unwrap();
    let mut back = report(7..=12, 1);
    back.samples.iter_mut().for_each(|sample| sample.at.0 -= 7_200_000);
    host.take(&storage, &back).unwrap();
    host.write_block(&storage).unwrap();
    assert_eq!(stored(&storage), all(12));
    assert_eq!(rings::newest(&storage.sql, HostId(7), 0).unwrap().unwrap().last_number, 12);
}

#[test]
fn a_hole_that_nobody_can_fill_is_left_and_nothing_after_it() {
    let storage = storage();
    let mut host = fresh(&storage);
    host.take(&storage, &report(1..=6, 1)).unwrap();
    assert_eq!(host.take(&storage, &report(10..=400, 10)), Ok(Verdict::Take { skip: 0 }));
    host.write_block(&storage).unwrap();
    let expected: Vec<u64> = (1..=6).chain(10..=400).collect();
    assert_eq!(stored(&storage), expected);
}
