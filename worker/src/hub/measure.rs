//! What a day of a real host takes in a real database, page waste included: samples that our agent made (`samples/native`), laid
//! end to end until they are a day.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::tiers::{MINUTES, SAMPLES, TENS, TWO_HOURS, Tier};
use edgewatch_core::blocks::{Block, Row, rollup};
use edgewatch_core::dialects::native;
use edgewatch_core::dialects::native::stream::{Frame, FromAgent};
use edgewatch_core::model::{HostId, Named, Sample};

use super::rings::{self, StoredBlock};
use super::rollup::coarser;
use super::sql::Sql;
use super::{coarse, rows};

const DAY_MS: i64 = 86_400_000;

/// The samples of one file.
fn recorded(name: &str) -> Vec<Sample> {
    let path = format!("{}/core/samples/native/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let wire = |line: &str| serde_json::from_str::<native::Sample>(line).unwrap();
    text.lines().filter_map(|line| wire(line).into_sample()).collect()
}

/// What was told of minutes.
fn details() -> Vec<Vec<Named>> {
    recorded("details_60s").into_iter().map(|sample| sample.named).collect()
}

/// Every sixth sample tells of its minute.
fn with_details(samples: Vec<Sample>) -> Vec<Sample> {
    let details = details();
    let mut minutes = details.iter().cycle();
    let with = |(at, sample): (usize, Sample)| match minutes.next().filter(|_| at % 6 == 5) {
        Some(named) => Sample { named: named.clone(), ..sample },
        None => sample,
    };
    samples.into_iter().enumerate().map(with).collect()
}

/// The samples over and over, `period_ms` apart as nearly as they were; counters go on from lap to lap.
fn laps(recorded: &[Sample], period_ms: i64) -> impl Iterator<Item = Sample> {
    let (first, last) = (recorded[0].clone(), recorded[recorded.len() - 1].clone());
    let count = i64::try_from(recorded.len()).unwrap();
    let own_ms = (last.at.0 - first.at.0) / (count - 1);
    (0_i64..).zip(recorded.iter().cycle()).map(move |(at, sample)| {
        let mut sample = sample.clone();
        let lap = (at / count).unsigned_abs();
        let jitter_ms = sample.at.0 - first.at.0 - own_ms * (at % count);
        sample.number = at.unsigned_abs() + 1;
        sample.at.0 = period_ms * at + jitter_ms % period_ms;
        let on = |value: Option<u64>, from: Option<u64>, to: Option<u64>| Some(value? + lap * (to? - from?));
        sample.net_in_bytes = on(sample.net_in_bytes, first.net_in_bytes, last.net_in_bytes);
        sample.net_out_bytes = on(sample.net_out_bytes, first.net_out_bytes, last.net_out_bytes);
        sample.uptime_s = on(sample.uptime_s, first.uptime_s, last.uptime_s);
        sample
    })
}

/// A file of a database that is gone afterwards.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What a ring of such blocks takes in the file per host: its blocks in turn, as those of hosts end.
fn in_file(blocks: &[StoredBlock], ring_blocks: u64) -> u64 {
    const HOSTS: i64 = 20;
    static FILES: AtomicU32 = AtomicU32::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("edgewatch-measure-{}-{number}.sqlite", std::process::id()));
    let scratch = Scratch(path);
    let _ = std::fs::remove_file(&scratch.0);
    let sql = Sql::in_file(&scratch.0).unwrap();
    sql.exec("PRAGMA synchronous = OFF", vec![]).unwrap();
    rings::create(&sql).unwrap();
    let empty = sql.bytes();
    for (number, block) in (0..ring_blocks).zip(blocks.iter().cycle()) {
        let block = StoredBlock { block_no: number, ..block.clone() };
        for host in 1..=HOSTS {
            rings::put(&sql, HostId(host), ring_blocks, &block).unwrap();
        }
    }
    (sql.bytes() - empty) / HOSTS.unsigned_abs()
}

fn pack(rows: &[Row]) -> (StoredBlock, u64) {
    let mut block = Block::default();
    for row in rows {
        block.push(row).unwrap();
    }
    let values = rows.iter().map(|row| row.values().len() as u64).sum();
    (StoredBlock::of_samples(0, &block).unwrap(), values)
}

/// Per value: packed, and in the file. And the file's bytes per host.
#[expect(clippy::cast_precision_loss, reason = "small")]
fn ring(rows: &[Row], tier: Tier) -> (f64, f64, u64) {
    let window = |row: &Row| row.at_ms / 1000 / i64::from(tier.block_s);
    let (blocks, values): (Vec<StoredBlock>, Vec<u64>) = rows.chunk_by(|a, b| window(a) == window(b)).map(pack).unzip();
    let of_block = values.iter().sum::<u64>() as f64 / values.len() as f64;
    let packed = blocks.iter().map(|block| block.data.len() as f64).sum::<f64>() / values.len() as f64;
    let file = in_file(&blocks, tier.ring_blocks);
    (packed / of_block, file as f64 / (of_block * tier.ring_blocks as f64), file)
}

/// Rows of so many seconds, every `period_ms`.
fn rows_of(recorded: &[Sample], period_ms: i64, seconds: i64, names: &mut Dictionary) -> Vec<Row> {
    let samples: Vec<Sample> = laps(recorded, period_ms).take_while(|one| one.at.0 < seconds * 1000).collect();
    rows::rows(&samples, names)
}

#[test]
fn a_day_of_a_real_host_takes_less_than_a_byte_per_value() {
    for name in ["run_10s", "check_1s"] {
        let (recorded, mut names) = (recorded(name), Dictionary::default());
        let day = rows_of(&recorded, 10_000, 86_400, &mut names);
        for block_s in [1_800, 3_600, 7_200, 10_800, 21_600] {
            let tier = Tier { block_s, ring_blocks: 86_400 / u64::from(block_s), ..SAMPLES };
            let (packed, file, _) = ring(&day, tier);
            println!("{name:<8} samples in blocks of {block_s:>6} s: {packed:.3} packed, {file:.3} in the file");
        }
        let (packed, file, samples) = ring(&day, SAMPLES);
        println!("{name:<8} samples     {packed:.3} packed, {file:.3} in the file, {samples:>7} bytes a host");
        // A machine that compiles all the time packs to one byte a value; one that does less, to much less.
        assert!(packed < 1.0 && file < if name == "run_10s" { 0.65 } else { 0.35 }, "{name}: {file}");

        let six_hours = rows_of(&recorded, 10_000, 21_600, &mut names);
        let minutes = coarser(&six_hours, rollup::MINUTE, &names);
        // Coarser than real: fewer samples in a window make its average less steady.
        let month = rows_of(&recorded, 60_000, 5_184_000, &mut names);
        let tens = coarser(&month, rollup::TEN_MINUTES, &names);
        let hours: Vec<Row> = coarser(&month, rollup::TWO_HOURS, &names).iter().map(rollup::averages).collect();
        let mut bytes = vec![samples];
        for (tier, rows) in [(MINUTES, &minutes), (TENS, &tens), (TWO_HOURS, &hours)] {
            let (packed, file, host) = ring(rows, tier);
            println!("{name:<8} {:<11} {packed:.3} packed, {file:.3} in the file, {host:>7} bytes a host", tier.name);
            bytes.push(host);
        }
        println!("{name:<8} the hub {} bytes a host, D1 {}", bytes[0] + bytes[1], bytes[2] + bytes[3]);
    }
}

/// What rings in D1 would take of this, whose samples are a minute apart: of five days of ten minutes and as many averages. `as_kept`
/// is what becomes of a day.
fn in_d1(recorded: &[Sample], is_told: bool, as_kept: impl Fn(&[Row], &Dictionary) -> Vec<Row>) -> u64 {
    let minutes: Vec<Sample> = laps(recorded, 60_000).take_while(|one| one.at.0 < 432_000_000).collect();
    let details = details();
    let told = |(sample, named): (Sample, &Vec<Named>)| Sample { named: named.clone(), ..sample };
    let minutes = if is_told { minutes.into_iter().zip(details.iter().cycle()).map(told).collect() } else { minutes };
    let mut names = Dictionary::default();
    let tens = coarser(&rows::rows(&minutes, &mut names), rollup::TEN_MINUTES, &names);
    let by_day = tens.chunk_by(|a, b| a.at_ms.div_euclid(DAY_MS) == b.at_ms.div_euclid(DAY_MS));
    let tens: Vec<Row> = by_day.flat_map(|day| as_kept(day, &names)).collect();
    let averages: Vec<Row> = tens.iter().map(rollup::averages).collect();
    let of = |rows: &[Row], tier: Tier| in_file(&[pack(rows).0], tier.ring_blocks);
    of(&tens, TENS) + of(&averages, TWO_HOURS)
}

/// A day of frames of a minute, and what the hub keeps of half an hour until it is in a row.
fn on_the_way(day: &[Sample]) -> (usize, usize) {
    let frame = |samples: &[Sample]| FromAgent::Frame(Frame::of_samples(samples)).encode().unwrap();
    let frames = day.chunks(6).map(|samples| frame(samples).len()).sum();
    let half_hours = day.chunks(180).map(|samples| samples.chunks(120).map(|most| frame(most).len()).sum::<usize>());
    (frames, half_hours.max().unwrap_or_default())
}

#[test]
fn what_is_told_once_a_minute_takes_as_much_as_is_promised() {
    for name in ["run_10s", "build_10s"] {
        let recorded = recorded(name);
        let samples: Vec<Sample> = laps(&recorded, 10_000).take_while(|one| one.at.0 < 86_400_000).collect();
        let mut bytes = Vec::new();
        for (told, day) in [("without", samples.clone()), ("with", with_details(samples))] {
            let mut names = Dictionary::default();
            let rows = rows::rows(&day, &mut names);
            let (.., samples) = ring(&rows, SAMPLES);
            let six_hours: Vec<Row> = rows.into_iter().filter(|row| row.at_ms < 21_600_000).collect();
            let (.., minutes) = ring(&coarser(&six_hours, rollup::MINUTE, &names), MINUTES);
            let (frames, held) = on_the_way(&day);
            println!(
                "{name:<9} {told:<7} frames {frames:>7} a day, held {held:>5}, samples {samples:>7}, minutes {minutes:>7}, names {:>4}",
                names.encode().len()
            );
            bytes.push((samples + minutes, held));
        }
        let own = in_d1(&recorded, false, coarse::with_short_numbers);
        // As those of hosts of the stock agent are kept: the same metrics, and no others.
        let posted = in_d1(&recorded, true, coarse::with_short_numbers);
        let exact = in_d1(&recorded, true, |day, _| day.to_vec());
        println!("{name:<9} D1 {own} bytes a host, with all of them {posted}, and were these doubles {exact}");
        assert!(own < 750_000 && posted < 2_100_000 && exact > 2 * posted, "{name}: {own} {posted} {exact}");
        let [(without, _), (with, held)] = bytes[..] else { panic!("both") };
        assert!(with < 2 * without + 200_000, "{name}: {with} for {without}");
        assert!(held < crate::hub::held::MAX_ATTACHMENT_BYTES, "{held}");
    }
}
