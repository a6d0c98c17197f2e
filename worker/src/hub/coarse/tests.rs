use super::*;
use crate::hub::rings::StoredBlock;
use crate::hub::rollup;
use crate::hub::testing::{CPU, Reporter};
use crate::store::db::now;
use edgewatch_core::blocks::Facet;
use edgewatch_core::blocks::tiers::Tier;

const DAY_MS: i64 = 86_400_000;
/// A Sunday, 15:26:30 UTC.
const START_MS: i64 = 1_795_361_190_000;

/// Reports every minute.
fn reported(host: i64, days: i64) -> Reporter {
    let mut reporter = Reporter::new(host);
    let first_ms = tiers::day_start_ms(HostId(host), tiers::day_no(HostId(host), START_MS) + 1);
    for minute in 0..days * 1_440 {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let cpu = (minute % 100) as f64;
        reporter.report_cpu(first_ms + minute * 60_000 + 7, cpu);
    }
    reporter
}

fn held(reporter: &Reporter, tier: Tier) -> Vec<(u64, Vec<Row>)> {
    let host = reporter.host;
    let wanted = Wanted { host, tier: tier.number, from_no: 0, to_no: u64::from(u32::MAX) };
    let mut blocks = now(history::list(&reporter.db, &[wanted])).unwrap();
    blocks.sort_by_key(|block| block.block_no);
    let rows = |block: &CoarseBlock| Block::unpack(&block.data).unwrap().rows().collect();
    blocks.iter().map(|block| (block.block_no, rows(block))).collect()
}

fn rows(reporter: &Reporter, tier: Tier) -> Vec<Row> {
    held(reporter, tier).into_iter().flat_map(|(_, rows)| rows).collect()
}

#[test]
fn each_day_is_written_once_and_every_window_is_there() {
    let reporter = reported(5, 8);
    let (tens, hours) = (rows(&reporter, TENS), rows(&reporter, TWO_HOURS));
    // The eighth day is not over.
    assert_eq!((tens.len(), hours.len()), (7 * 144, 7 * 12));
    for pair in tens.windows(2) {
        assert_eq!(pair[0].number + 1, pair[1].number);
    }
    let weight = |rows: &[Row]| rows.iter().filter_map(|row| row.get(SeriesId::WEIGHT)).sum::<f64>();
    assert_eq!((weight(&tens), weight(&hours)), (7.0 * 1_440.0, 7.0 * 1_440.0));
    // Minutes 0 to 9, and 0 to 99 and 0 to 19.
    assert_eq!((tens[0].get(CPU), tens[0].get(CPU.with(Facet::Maximum))), (Some(4.5), Some(9.0)));
    assert_eq!((hours[0].get(CPU), hours[0].get(CPU.with(Facet::Maximum))), (Some(42.83), None));
    // Per day a row of each tier and no other, and none for a repeat.
    assert_eq!(reporter.db.meter().rows_written(), 7 * 2);
    let blocks = |tier| held(&reporter, tier).len();
    assert!((2..=3).contains(&blocks(TENS)) && (1..=2).contains(&blocks(TWO_HOURS)));
}

#[test]
fn a_repeat_and_a_late_write_of_a_dead_instance_change_nothing() {
    let mut reporter = reported(5, 3);
    let before = (rows(&reporter, TENS), reporter.db.meter().rows_written());
    let first = tiers::day_no(reporter.host, START_MS) + 1;
    let days: Vec<Day> = (first..first + 2)
        .filter_map(|day| build(&reporter.sql, reporter.host, &reporter.rings, day).unwrap())
        .collect();
    let written = now(write(&reporter.db, &reporter.rings, &days));
    assert_eq!(written.done, [(reporter.host, first), (reporter.host, first + 1)]);
    // An instance that knows half of a day.
    let mut half = days[1].clone();
    half.tens.truncate(72);
    half.two_hours.truncate(6);
    assert_eq!(now(write(&reporter.db, &reporter.rings, &[half])).failed, None);
    assert_eq!((rows(&reporter, TENS), reporter.db.meter().rows_written()), before);
    reporter.write_days(reporter.newest_ms);
    assert_eq!(reporter.db.meter().rows_written(), before.1);
}

#[test]
fn a_day_is_over_when_a_sample_crossed_it_or_nothing_came_for_an_hour() {
    let host = HostId(5);
    let day = tiers::day_no(host, START_MS);
    let (start_ms, end_ms) = (tiers::day_start_ms(host, day), tiers::day_start_ms(host, day + 1));
    let due = |newest_ms, now_ms| due(host, &Rings::default(), Some(day - 1), newest_ms, now_ms);
    let block_end_ms = SAMPLES.end_ms(host, SAMPLES.block_no(host, end_ms - 1));
    assert_eq!(due(end_ms - 1, end_ms), [0; 0]);
    assert_eq!(due(block_end_ms - 1, block_end_ms), [0; 0], "its last samples may be in no ring yet");
    assert_eq!(due(block_end_ms, block_end_ms), [day]);
    assert_eq!(due(start_ms, end_ms + 3_599_999), [0; 0]);
    assert_eq!(due(start_ms, end_ms + 3_600_000), [day], "silent");
    assert_eq!(due(end_ms + 1, block_end_ms + 3_599_999), [0; 0], "it spoke again, and its block goes on");
    assert_eq!(due(end_ms + 1, block_end_ms + 3_600_000), [day]);
    assert_eq!(due(start_ms, end_ms + 50 * DAY_MS), [day], "nothing behind the newest sample");
    assert_eq!(due(end_ms + 2 * DAY_MS, end_ms + 2 * DAY_MS + 1), [day, day + 1]);
    let unknown = super::due(host, &Rings::default(), None, START_MS, START_MS);
    assert_eq!(unknown.last(), Some(&(day - 1)));
    assert!((7..=8).contains(&unknown.len()), "what the ring of minutes may hold");
    let long_ago = super::due(host, &Rings::default(), Some(3), START_MS, START_MS);
    assert_eq!(long_ago, unknown);
}

#[test]
fn days_that_d1_refused_are_written_later() {
    let mut reporter = Reporter::new(5);
    reporter.writes_days = false;
    let first_ms = tiers::day_start_ms(reporter.host, tiers::day_no(reporter.host, START_MS) + 1);
    for minute in 0..6 * 1_440 {
        reporter.report_cpu(first_ms + minute * 60_000, 1.0);
    }
    assert_eq!(rows(&reporter, TENS).len(), 0);
    let written = reporter.write_days(reporter.newest_ms);
    assert_eq!((written.done.len(), written.failed, written.damaged), (5, None, 0));
    assert_eq!(rows(&reporter, TENS).len(), 5 * 144);
}

#[test]
fn what_minutes_are_missing_comes_from_samples() {
    let reporter = reported(5, 2);
    let first = tiers::day_no(reporter.host, START_MS) + 1;
    let whole = build(&reporter.sql, reporter.host, &reporter.rings, first + 1).unwrap().unwrap();
    // The last block of minutes of the second day is not written yet.
    let with_open = whole.tens.len();
    assert!(with_open < 144 && with_open > 144 - 19, "{with_open}");
    assert_eq!(build(&reporter.sql, reporter.host, &reporter.rings, first - 3).unwrap(), None);
}

#[test]
fn samples_that_came_late_are_laid_into_a_day_that_is_done() {
    let mut reporter = reported(5, 3);
    let before = rows(&reporter, TENS);
    let day = tiers::day_no(reporter.host, START_MS) + 2;
    let late_ms = tiers::day_start_ms(reporter.host, day) + 7 * 600_000 + 30_000;
    let mut block = Block::default();
    let mut row = Row::new(1_000_000, late_ms);
    row.set(CPU, 100.0, Step::Exact);
    block.push(&row).unwrap();
    let open_no = SAMPLES.block_no(reporter.host, reporter.newest_ms) + 1;
    let stored = StoredBlock::of_samples(open_no, &block).unwrap();
    rings::put(&reporter.sql, reporter.host, reporter.rings.of(SAMPLES), &stored).unwrap();
    let minutes_no = MINUTES.block_no(reporter.host, late_ms);
    assert_eq!(rollup::rewrite(&reporter.sql, reporter.host, &reporter.rings, minutes_no), Ok(true));
    reporter.day_done = Some(day - 1);
    reporter.write_days(reporter.newest_ms);
    let after = rows(&reporter, TENS);
    let changed: Vec<usize> = (0..before.len()).filter(|at| before[*at] != after[*at]).collect();
    assert_eq!(changed, [144 + 7]);
    assert_eq!(after[changed[0]].get(SeriesId::WEIGHT), Some(11.0));
    assert_eq!(after[changed[0]].get(CPU.with(Facet::Maximum)), Some(100.0));
}

#[test]
fn many_hosts_go_into_few_statements_and_each_is_done_when_all_of_it_is_written() {
    let one = reported(5, 2);
    let first = tiers::day_no(one.host, START_MS) + 1;
    let day = build(&one.sql, one.host, &one.rings, first).unwrap().unwrap();
    let days: Vec<Day> = (1..=50).map(|host| Day { host: HostId(host), ..day.clone() }).collect();
    let db = Db::in_memory().unwrap();
    let written = now(write(&db, &Rings::default(), &days));
    assert_eq!((written.done.len(), written.failed), (50, None));
    // The days of other hosts end at other times; their rows still lie in one block or another.
    assert!(db.meter().rows_written() >= 100);
}

#[test]
fn names_are_written_before_the_rows_that_use_them() {
    use edgewatch_core::blocks::dictionary::Dictionary;
    let reporter = reported(5, 2);
    let mut names = Dictionary::default();
    names.assign("temperature/cpu", Step::Tenths).unwrap();
    rings::put_dictionary(&reporter.sql, reporter.host, &names).unwrap();
    let first = tiers::day_no(reporter.host, START_MS) + 1;
    let day = build(&reporter.sql, reporter.host, &reporter.rings, first).unwrap().unwrap();
    let db = Db::in_memory().unwrap();
    now(write(&db, &reporter.rings, &[day]));
    let stored = now(history::list_dictionaries(&db, &[reporter.host])).unwrap();
    assert_eq!(stored, [(reporter.host, names.encode())]);
}

#[test]
fn what_is_told_once_a_minute_stays_in_the_hub() {
    let reporter = reported(3, 2);
    let mut names = Dictionary::default();
    let [detail, own] = ["cpu.user.percentage", "temperature/cpu"].map(|name| names.assign(name, Step::Exact).unwrap());
    let tier = MINUTES.number;
    for stored in rings::whole(&reporter.sql, reporter.host, MINUTES, reporter.rings.of(MINUTES)).unwrap() {
        let mut block = Block::default();
        for mut row in stored.block().unwrap().rows() {
            for series in [detail, own] {
                row.set(series, 4.0, Step::Exact);
            }
            block.push(&row).unwrap();
        }
        let again = StoredBlock { tier, data: block.pack(), ..stored };
        rings::replace(&reporter.sql, reporter.host, reporter.rings.of(MINUTES), &again).unwrap();
    }
    let day = tiers::day_no(reporter.host, reporter.newest_ms) - 1;
    let built = |reporter: &Reporter| build(&reporter.sql, reporter.host, &reporter.rings, day).unwrap().unwrap();
    rings::put_dictionary(&reporter.sql, reporter.host, &names).unwrap();
    let both = built(&reporter);
    for row in both.tens.iter().chain(&both.two_hours) {
        assert_eq!((row.get(detail), row.get(own), row.get(CPU).is_some()), (None, Some(4.0), true));
    }
    assert_eq!(both.names, Some(names.encode()));
    let mut alone = Dictionary::default();
    alone.assign("cpu.user.percentage", Step::Exact).unwrap();
    rings::put_dictionary(&reporter.sql, reporter.host, &alone).unwrap();
    assert_eq!(built(&reporter).names, None, "no row for names that D1 needs not");
}

#[test]
fn what_stands_still_stays_exact_what_moves_is_short_and_what_counts_is_left_alone() {
    let reporter = reported(3, 2);
    let mut names = Dictionary::default();
    let [still, moving, probe, grown] = ["custom.memory.total", "custom.moving", "probe/1/up", "custom.once"]
        .map(|name| names.assign(name, Step::Exact).unwrap());
    let total = 8_123_456_789.0;
    let measured = |row: &Row| 1e9 / 3.0 + f64::from(u32::try_from(row.number % 97).unwrap()) * 12_345.678_9;
    let is_after_noon = |row: &Row| row.at_ms.rem_euclid(DAY_MS) >= DAY_MS / 2;
    for stored in minutes(&reporter) {
        let mut block = Block::default();
        for mut row in stored.block().unwrap().rows() {
            row.set(still, total, Step::Exact);
            row.set(moving, measured(&row), Step::Exact);
            row.set(probe, f64::from(u8::from(row.number % 7 != 0)), Step::Exact);
            row.set(grown, if is_after_noon(&row) { 9_007_199_254_740_991.0 } else { 0.1 }, Step::Exact);
            block.push(&row).unwrap();
        }
        let again = StoredBlock { tier: MINUTES.number, data: block.pack(), ..stored };
        rings::replace(&reporter.sql, reporter.host, reporter.rings.of(MINUTES), &again).unwrap();
    }
    rings::put_dictionary(&reporter.sql, reporter.host, &names).unwrap();
    let day_no = tiers::day_no(reporter.host, reporter.newest_ms) - 1;
    let day = build(&reporter.sql, reporter.host, &reporter.rings, day_no).unwrap().unwrap();
    let minutes: Vec<Row> =
        minutes(&reporter).iter().flat_map(|stored| stored.block().unwrap().rows().collect::<Vec<_>>()).collect();
    let (mut is_short, mut parts) = (false, Vec::new());
    for row in &day.tens {
        assert_eq!([still, still.with(Facet::Maximum)].map(|series| row.get(series)), [Some(total); 2]);
        let of_window: Vec<f64> =
            minutes.iter().filter(|one| TEN_MINUTES.window(one.at_ms) == row.number).map(measured).collect();
        let weight = row.get(SeriesId::WEIGHT).unwrap();
        let exact = of_window.iter().sum::<f64>() / weight;
        let kept = row.get(moving).unwrap();
        assert!((kept - exact).abs() <= exact / 16_384.0, "{kept} {exact}");
        is_short |= (kept - exact).abs() > exact / 1_000_000.0;
        let most = of_window.iter().copied().fold(0.0, f64::max);
        assert!((row.get(moving.with(Facet::Maximum)).unwrap() - most).abs() <= most / 16_384.0);
        parts.push(row.get(probe).unwrap() * weight);
        let grown = row.get(grown).unwrap();
        assert!([9_007_199_254_740_991.0, 0.1].contains(&grown), "it changed once that day: {grown}");
    }
    assert!(is_short, "else nothing is saved");
    // How often a probe succeeded can be told from its averages.
    assert!(parts.iter().all(|part| (part - part.round()).abs() < 1e-9 && *part < 10.0), "{parts:?}");
    assert_eq!(with_short_numbers(&day.tens, &names), day.tens, "once more changes nothing");
    let db = Db::in_memory().unwrap();
    now(write(&db, &reporter.rings, std::slice::from_ref(&day)));
    let wanted = Wanted { host: reporter.host, tier: TENS.number, from_no: 0, to_no: u64::from(u32::MAX) };
    let stored = now(history::list(&db, &[wanted])).unwrap().remove(0);
    assert_eq!(Block::unpack(&stored.data).unwrap().rows().collect::<Vec<Row>>(), day.tens);
}

/// The blocks of minutes that the hub has.
fn minutes(reporter: &Reporter) -> Vec<StoredBlock> {
    rings::whole(&reporter.sql, reporter.host, MINUTES, reporter.rings.of(MINUTES)).unwrap()
}
