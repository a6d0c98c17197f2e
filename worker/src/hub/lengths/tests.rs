use super::*;
use crate::hub::directory::tests::entry;
use crate::hub::rings::StoredBlock;
use edgewatch_core::domain::budget::forecast::Terms;
use edgewatch_core::domain::budget::prices::Plan;

const NOW: UnixMillis = UnixMillis(1_795_361_190_000);
const DEFAULT: [u64; 4] = [9, 32, 19, 32];
const SHORT: [u64; 4] = [9, 8, 19, 32];

/// A shard of so many hosts, each with full rings.
fn shard(hosts: i64, plan: Plan) -> Shard {
    let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
    shard.governor.terms = Terms { plan, ..Terms::default() };
    shard.complete(vec![]).unwrap();
    shard.enrol((1..=hosts).map(entry).collect()).unwrap();
    for host in (1..=hosts).map(HostId) {
        for (tier, count) in [(SAMPLES, 9), (MINUTES, 32)] {
            let newest_no = tier.block_no(host, NOW.0);
            for block_no in newest_no + 1 - count..=newest_no {
                put(&shard, host, tier, block_no, block_no);
            }
        }
    }
    shard
}

fn put(shard: &Shard, host: HostId, tier: Tier, block_no: u64, last_number: u64) {
    let start_ms = tier.start_ms(host, block_no);
    let data = block_no.to_le_bytes().to_vec();
    let tier_no = tier.number;
    let block = StoredBlock {
        tier: tier_no,
        block_no,
        first_number: block_no,
        last_number,
        start_ms,
        end_ms: start_ms + 1,
        data,
    };
    let length = shard.storage.rings(host).of(tier);
    assert_eq!(rings::put(&shard.storage.sql, host, length, &block), Ok(true));
}

/// How many blocks of a host are found, by the lengths in force for it; each must be the one it says.
fn found(shard: &Shard, host: i64, tier: Tier) -> usize {
    let host = HostId(host);
    let ring = shard.storage.rings(host).of(tier);
    let newest_no = tier.block_no(host, NOW.0) + 5;
    let blocks = rings::range(&shard.storage.sql, host, tier.number, ring, 0..=newest_no).unwrap();
    for block in &blocks {
        assert_eq!(block.data, block.block_no.to_le_bytes());
        assert_eq!(rings::find(&shard.storage.sql, host, tier.number, ring, block.block_no), Ok(Some(block.clone())));
    }
    blocks.len()
}

fn step(shard: &mut Shard, now: UnixMillis) -> bool {
    match shard.move_some(now).unwrap() {
        Some(lengths) => {
            shard.storage.lengths = lengths;
            lengths.is_moving()
        }
        None => false,
    }
}

#[test]
fn hosts_are_moved_some_at_a_time_and_each_is_read_right_meanwhile() {
    let mut shard = shard(50, Plan::Own);
    assert_eq!(shard.change_lengths(SHORT, NOW), Ok(true));
    assert_eq!(shard.change_lengths(SHORT, NOW), Ok(false));
    let mut steps = 0;
    loop {
        let is_more = step(&mut shard, NOW);
        steps += 1;
        for host in 1..=50 {
            let minutes = if host <= steps * 20 { 8 } else { 32 };
            assert_eq!((found(&shard, host, SAMPLES), found(&shard, host, MINUTES)), (9, minutes), "{host}");
        }
        // It goes on where it was after a restart.
        shard.storage.lengths = Lengths::read(&shard.storage.sql, Wishes::default()).unwrap();
        if !is_more {
            break;
        }
        // What comes meanwhile goes into the ring that the host has then.
        let host = HostId(31);
        let next_no = MINUTES.block_no(host, NOW.0) + u64::try_from(steps).unwrap();
        put(&shard, host, MINUTES, next_no, next_no);
        let length = shard.storage.rings(host).of(MINUTES);
        assert_eq!(rings::whole(&shard.storage.sql, host, MINUTES, length).unwrap().len() as u64, length);
    }
    assert_eq!((steps, shard.storage.lengths.is_moving(), step(&mut shard, NOW)), (3, false, false));
    assert_eq!(shard.storage.lengths, Lengths::read(&shard.storage.sql, Wishes::default()).unwrap());
}

#[test]
fn one_change_after_the_other_and_longer_again_keeps_what_is_there() {
    let mut shard = shard(30, Plan::Own);
    shard.change_lengths(SHORT, NOW).unwrap();
    step(&mut shard, NOW);
    assert_eq!(shard.change_lengths(DEFAULT, NOW), Ok(false), "it waits");
    while step(&mut shard, NOW) {}
    assert_eq!(shard.change_lengths([12, 32, 19, 32], NOW), Ok(true));
    while step(&mut shard, NOW) {}
    for host in 1..=30 {
        assert_eq!((found(&shard, host, SAMPLES), found(&shard, host, MINUTES)), (9, 8));
    }
    let (rings, host) = (shard.storage.rings(HostId(1)), HostId(1));
    let held_ms = rings.held_from_ms(MINUTES, host, MINUTES.block_no(host, NOW.0));
    assert!(held_ms >= NOW.0 - 8 * 21_600_000, "minutes are not looked for where they are no more");
}

#[test]
fn moving_costs_no_more_than_a_tenth_of_the_day() {
    let mut shard = shard(200, Plan::Free);
    shard.governor.terms.account_percent = 5;
    shard.change_lengths(SHORT, NOW).unwrap();
    let (before, mut now, mut days) = (shard.storage.sql.rows_written(), NOW, 0);
    while shard.storage.lengths.is_moving() {
        while step(&mut shard, now) {}
        now = UnixMillis(now.0 + 86_400_000);
        days += 1;
        let written = shard.storage.sql.rows_written() - before;
        assert!(written <= days * (500 + ROWS_AT_ONCE), "{written} rows in {days} days");
    }
    assert!((4..=20).contains(&days), "{days} days");
}

#[test]
fn lengths_in_d1_hold_at_once_and_every_host_is_trimmed() {
    let mut shard = shard(50, Plan::Own);
    for host in shard.iter_mut() {
        host.hear(NOW);
    }
    assert_eq!(shard.to_trim(NOW), None);
    assert_eq!(shard.change_lengths([9, 32, 10, 16], NOW), Ok(true));
    assert!(!shard.storage.lengths.is_moving());
    let target = shard.storage.lengths.target();
    assert_eq!(
        (target.of(TENS), target.of(TWO_HOURS), of_coarse_text(Some(&shard.storage.lengths.coarse_text()))),
        (10, 16, target)
    );
    let mut seen = Vec::new();
    while let Some(newest) = shard.to_trim(NOW) {
        seen.extend(newest.iter().map(|(host, tier, _)| (host.0, tier.number)));
        shard.note_trimmed(&newest, 30, NOW).unwrap();
    }
    assert_eq!(seen, (1..=50).flat_map(|host| [(host, 2), (host, 3)]).collect::<Vec<_>>());
    assert!(!Lengths::read(&shard.storage.sql, Wishes::default()).unwrap().is_trimming());
    assert_eq!(of_coarse_text(Some("no")), Rings::default());
}

#[test]
fn a_move_that_fails_leaves_everything_as_it_was() {
    let mut shard = shard(3, Plan::Own);
    shard.change_lengths(SHORT, NOW).unwrap();
    let lengths = shard.storage.lengths;
    shard.storage.sql.exec("DROP TABLE meta", vec![]).unwrap();
    assert!(shard.move_some(NOW).is_err());
    assert_eq!(shard.storage.lengths, lengths);
}
