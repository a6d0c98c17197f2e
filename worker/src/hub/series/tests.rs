use std::sync::LazyLock;

use super::*;
use crate::hub::testing::Reporter;
use crate::store::db::now;
use edgewatch_core::units::Step;
use serde_json::Value;

/// A Sunday, 15:26:30 UTC.
const NOW_MS: i64 = 1_795_361_190_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

fn ask(host: i64, metrics: &[&str], back_ms: i64, points: u32) -> SeriesQuery {
    SeriesQuery {
        hosts: vec![HostId(host)],
        metrics: metrics.iter().map(|metric| (*metric).to_owned()).collect(),
        from: UnixMillis(NOW_MS - back_ms).seconds(),
        to: UnixMillis(NOW_MS).seconds(),
        points,
    }
}

fn known(reporter: &Reporter) -> Known {
    Known { newest_ms: Some(reporter.newest_ms), day_done: reporter.day_done }
}

fn answered(reporter: &Reporter, query: &SeriesQuery) -> Answer {
    let sources = Sources { sql: &reporter.sql, db: &reporter.db, rings: &|_| reporter.rings };
    now(answer(sources, query, UnixMillis(NOW_MS), reporter)).unwrap()
}

impl Memory for Reporter {
    fn kept_under(&self, host: HostId, _: &str) -> HostId {
        host
    }

    fn known(&self, _: HostId) -> Known {
        known(self)
    }

    fn pending(&self, id: HostId) -> (Vec<Row>, Dictionary) {
        (self.open.rows().collect(), rings::dictionary(&self.sql, id).unwrap())
    }
}

/// One series: tiers, step, and per point its time, average, largest and count.
type Line = (Vec<String>, i64, Vec<(i64, Option<f64>, Option<f64>, u64)>);

fn line(answer: &Answer, at: usize) -> Line {
    let part: Value = serde_json::from_str(&answer.series[at].1).unwrap();
    let tiers = part["tiers"].as_array().unwrap().iter().map(|tier| tier.as_str().unwrap().to_owned()).collect();
    let column = |name: &str| part[name].as_array().unwrap().clone();
    let points = (0..column("at_s").len()).map(|at| {
        let number = |name: &str| column(name)[at].as_f64();
        (
            column("at_s")[at].as_i64().unwrap(),
            number("average"),
            number("maximum"),
            column("samples")[at].as_u64().unwrap(),
        )
    });
    (tiers, part["step_s"].as_i64().unwrap(), points.collect())
}

fn samples(points: &[(i64, Option<f64>, Option<f64>, u64)]) -> u64 {
    points.iter().map(|point| point.3).sum()
}

fn gaps(points: &[(i64, Option<f64>, Option<f64>, u64)]) -> usize {
    points.iter().filter(|point| point.1.is_none()).count()
}

/// A year of a host: every ten minutes, in the last two days every minute, in the last hours every ten seconds.
fn year(host: i64) -> Reporter {
    let mut reporter = Reporter::new(host);
    let mut at_ms = NOW_MS - 365 * DAY_MS;
    while at_ms < NOW_MS {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        reporter.report_cpu(at_ms, (at_ms / 10_000 % 100) as f64);
        at_ms += match NOW_MS - at_ms {
            back_ms if back_ms > 2 * DAY_MS => 600_000,
            back_ms if back_ms > 8 * 3_600_000 => MINUTE_MS,
            _ => 10_000,
        };
    }
    reporter
}

/// Made once: it takes seconds. For what does not count rows.
static YEAR: LazyLock<Reporter> = LazyLock::new(|| year(5));

#[test]
fn a_month_of_a_host_with_a_year_behind_it_reads_at_most_forty_rows() {
    let reporter = year(2);
    let before = (reporter.sql.rows_read(), reporter.db.meter().rows_read());
    let query = ask(2, &["cpu_percent"], 30 * DAY_MS, 300);
    let answer = answered(&reporter, &query);
    let hub_rows = reporter.sql.rows_read() - before.0;
    let d1_rows = reporter.db.meter().rows_read() - before.1;
    // A range of slots may cost one row more than it gives, and the list of ranges its elements: two ranges each.
    assert!(hub_rows + 4 + d1_rows + 4 <= 40, "{hub_rows} {d1_rows}");
    println!("a month read {hub_rows} rows of the hub and {d1_rows} of D1");
    let (tiers, step_s, points) = line(&answer, 0);
    assert_eq!(tiers, ["ten_minutes", "minutes", "samples"]);
    assert_eq!((step_s, gaps(&points), answer.complete), (9_000, 0, true));
    assert!((285..=300).contains(&points.len()), "{}", points.len());
    // Each sample of the month once: by tens of minutes, then minutes, then ten seconds.
    let start_ms = points[0].0 * 1000;
    let expected = (NOW_MS - 2 * DAY_MS - start_ms) / 600_000 + (2 * 1_440 - 480) + 8 * 360;
    assert!((samples(&points).cast_signed() - expected).abs() <= 2, "{} {expected}", samples(&points));
}

#[test]
fn a_year_reaches_back_through_every_tier() {
    let reporter = &*YEAR;
    let answer = answered(reporter, &ask(5, &["cpu_percent", "load1"], 365 * DAY_MS, 365));
    let (tiers, step_s, points) = line(&answer, 0);
    assert_eq!(tiers, ["two_hours", "ten_minutes", "minutes", "samples"]);
    assert_eq!((step_s % 7_200, gaps(&points)), (0, 0));
    assert!(points.len() <= 365 && points.len() > 320, "{}", points.len());
    assert!(points[0].2.is_none(), "of the far past only averages are known");
    assert!(points.last().unwrap().2.is_some());
    let expected = 363 * 144 + (2 * 1_440 - 480) + 8 * 360;
    assert!(samples(&points).abs_diff(expected) <= 14, "{} {expected}", samples(&points));
    assert_eq!(line(&answer, 1).2, [], "a metric that was never measured");
}

#[test]
fn what_is_only_in_memory_is_at_the_end_and_nothing_counts_twice() {
    let mut reporter = Reporter::new(5);
    for at in 0..3 * 360 {
        reporter.report_cpu(NOW_MS - (3 * 360 - at) * 10_000, 1.0);
    }
    let query = ask(5, &["cpu_percent"], 4 * 3_600_000, 2_000);
    let (tiers, _, points) = line(&answered(&reporter, &query), 0);
    assert_eq!((tiers, samples(&points)), (vec!["samples".to_owned()], 3 * 360));
    assert_eq!(points.last().map(|point| point.3), Some(1));
    // The same when some of them are in the ring already and others in memory.
    let by_minutes = ask(5, &["cpu_percent"], 4 * 3_600_000, 100);
    let (_, step_s, points) = line(&answered(&reporter, &by_minutes), 0);
    assert_eq!((step_s, samples(&points), gaps(&points)), (144, 3 * 360, 0));
    reporter.store_open();
    reporter.open = Block::default();
    assert_eq!(samples(&line(&answered(&reporter, &by_minutes), 0).2), 3 * 360);
}

#[test]
fn a_silence_is_a_gap_in_every_tier() {
    let mut reporter = Reporter::new(5);
    for minute in 0..3 * 1_440 {
        let back_min = 3 * 1_440 - minute;
        // Silent for three hours, two days ago, and for twenty minutes an hour ago: too short for points of twenty.
        if !(2_880 - 180..2_880).contains(&back_min) && !(60..80).contains(&back_min) {
            reporter.report_cpu(NOW_MS - back_min * MINUTE_MS, 1.0);
        }
    }
    for (back_ms, points, expected) in
        [(3 * DAY_MS, 300, 1), (3 * DAY_MS, 2_000, 2), (3 * DAY_MS, 50, 1), (2 * 3_600_000, 300, 1), (3_600_000, 60, 0)]
    {
        let (_, step_s, points) = line(&answered(&reporter, &ask(5, &["cpu_percent"], back_ms, points)), 0);
        assert_eq!(gaps(&points), expected, "{step_s} s");
        assert!(points.iter().all(|point| point.1.is_none() || point.3 > 0));
    }
}

#[test]
fn a_host_that_is_silent_for_long_costs_little_and_keeps_its_past() {
    let mut reporter = Reporter::new(5);
    for tens in 0..40 * 144 {
        reporter.report_cpu(NOW_MS - 60 * DAY_MS + tens * 600_000, 1.0);
    }
    reporter.store_open();
    reporter.open = Block::default();
    reporter.write_days(NOW_MS);
    let before = reporter.sql.rows_read();
    let (tiers, _, points) = line(&answered(&reporter, &ask(5, &["cpu_percent"], 60 * DAY_MS, 300)), 0);
    assert_eq!((tiers, reporter.sql.rows_read() - before), (vec!["ten_minutes".to_owned()], 0));
    assert_eq!((samples(&points), gaps(&points)), (40 * 144, 0));
    assert!(points.last().unwrap().0 * 1000 < NOW_MS - 19 * DAY_MS);
}

#[test]
fn minutes_that_were_not_rolled_up_are_taken_from_samples() {
    let mut reporter = Reporter::new(5);
    for minute in 0..720 {
        reporter.report_cpu(NOW_MS - (720 - minute) * MINUTE_MS, 1.0);
    }
    let query = ask(5, &["cpu_percent"], 12 * 3_600_000, 200);
    let whole = line(&answered(&reporter, &query), 0);
    assert_eq!((whole.0.len(), samples(&whole.2)), (2, 720));
    // As if the roll-ups had failed.
    let last = MINUTES.block_no(HostId(5), NOW_MS) - 1;
    let sql = Sql::in_memory().unwrap();
    rings::create(&sql).unwrap();
    for block in rings::range(&reporter.sql, HostId(5), 0, reporter.rings.of(SAMPLES), 0..=u64::from(u32::MAX)).unwrap()
    {
        rings::put(&sql, HostId(5), reporter.rings.of(SAMPLES), &block).unwrap();
    }
    assert_eq!(rings::find(&sql, HostId(5), 1, 32, last), Ok(None));
    reporter.sql = sql;
    let (tiers, _, points) = line(&answered(&reporter, &query), 0);
    assert_eq!((tiers, samples(&points)), (vec!["samples".to_owned()], 720));
}

#[test]
fn named_metrics_are_found_by_their_names() {
    let mut reporter = Reporter::new(5);
    let mut names = Dictionary::default();
    let sensor = names.assign("temperature/cpu", Step::Tenths).unwrap();
    rings::put_dictionary(&reporter.sql, HostId(5), &names).unwrap();
    for minute in 0..60 {
        let mut row = Row::new(0, NOW_MS - (60 - minute) * MINUTE_MS);
        row.set(sensor, 45.5, Step::Tenths);
        reporter.report(&row);
    }
    let answer = answered(&reporter, &ask(5, &["temperature/cpu", "cpu_percent"], 3_600_000, 60));
    assert_eq!((answer.series.len(), answer.unknown.len(), answer.names.len()), (2, 0, 0));
    let (_, _, points) = line(&answer, 0);
    assert_eq!((samples(&points), points[0].1), (60, Some(45.5)));
    let unknown = answered(&reporter, &ask(5, &["temperature/gpu"], 3_600_000, 60));
    assert_eq!(
        (unknown.unknown, unknown.names),
        (vec!["temperature/gpu".to_owned()], vec!["temperature/cpu".to_owned()])
    );
}

#[test]
fn without_the_hub_the_coarse_tiers_answer_and_say_so() {
    let reporter = &*YEAR;
    let read = |back_ms| {
        let query = ask(5, &["cpu_percent"], back_ms, 300);
        now(answer_coarse(&reporter.db, &reporter.rings, &query, UnixMillis(NOW_MS))).unwrap()
    };
    let month = read(30 * DAY_MS);
    let (tiers, _, points) = line(&month, 0);
    assert_eq!((tiers, month.complete), (vec!["ten_minutes".to_owned()], false));
    assert!(samples(&points) > 28 * 144);
    let (tiers, step_s, points) = line(&read(4 * DAY_MS), 0);
    assert_eq!((tiers, step_s), (vec!["ten_minutes".to_owned()], 1_200));
    assert!(points.len() > 100);
    assert_eq!(line(&read(300 * DAY_MS), 0).0, ["two_hours", "ten_minutes"]);
}

#[test]
fn a_damaged_block_is_left_out_and_the_answer_says_so() {
    let mut reporter = Reporter::new(5);
    for minute in 0..720 {
        reporter.report_cpu(NOW_MS - (720 - minute) * MINUTE_MS, 1.0);
    }
    let block_no = SAMPLES.block_no(HostId(5), NOW_MS - 360 * MINUTE_MS);
    let mut block = rings::find(&reporter.sql, HostId(5), 0, reporter.rings.of(SAMPLES), block_no).unwrap().unwrap();
    block.data.truncate(7);
    block.last_number += 1;
    rings::put(&reporter.sql, HostId(5), reporter.rings.of(SAMPLES), &block).unwrap();
    let answer = answered(&reporter, &ask(5, &["cpu_percent"], 12 * 3_600_000, 2_000));
    let (_, _, points) = line(&answer, 0);
    assert_eq!((answer.complete, gaps(&points), samples(&points)), (false, 1, 720 - 180));
}

#[test]
fn the_answers_of_shards_become_one() {
    let answer = |host: i64, unknown: &[&str]| Answer {
        series: vec![(host, format!("{{\"host\":{host}}}"))],
        unknown: unknown.iter().map(|name| (*name).to_owned()).collect(),
        names: vec!["a".to_owned()],
        complete: host != 3,
    };
    let joined = Answer::join(vec![answer(1, &["x", "y"]), answer(2, &["y"])], &[HostId(2), HostId(1)]);
    assert_eq!(joined.series.iter().map(|(host, _)| *host).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((joined.unknown, joined.names, joined.complete), (vec!["y".to_owned()], vec!["a".to_owned()], true));
    assert!(!Answer::join(vec![answer(1, &[]), answer(3, &[])], &[]).complete);
    let text = serde_json::to_string(&answer(1, &["x"])).unwrap();
    assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), answer(1, &["x"]));
}
