//! What a day of a real host takes in a real database, page waste included: samples that our agent made (`samples/native`), laid
//! end to end until they are a day.

use std::path::PathBuf;

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::tiers::{self, Rings, SAMPLES, Tier};
use edgewatch_core::blocks::{Block, Row};
use edgewatch_core::dialects::native;
use edgewatch_core::model::{HostId, Sample};

use super::rings::{self, StoredBlock};
use super::rows;
use super::sql::Sql;

const DAY_MS: i64 = 86_400_000;

/// The samples of one file.
pub fn recorded(name: &str) -> Vec<Sample> {
    let path = format!("{}/core/samples/native/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let wire = |line: &str| serde_json::from_str::<native::Sample>(line).unwrap();
    text.lines().filter_map(|line| wire(line).into_sample()).collect()
}

/// The samples over and over, `period_ms` apart as nearly as they were; counters go on from lap to lap.
pub fn laps(recorded: &[Sample], period_ms: i64) -> impl Iterator<Item = Sample> {
    let (first, last) = (recorded[0].clone(), recorded[recorded.len() - 1].clone());
    let (own_ms, count) = ((last.at.0 - first.at.0) / (recorded.len() as i64 - 1), recorded.len());
    (0_usize..).map(move |at| {
        let lap = (at / count) as u64;
        let mut sample = recorded[at % count].clone();
        let jitter_ms = sample.at.0 - first.at.0 - own_ms * (at % count) as i64;
        sample.number = at as u64 + 1;
        sample.at.0 = period_ms * at as i64 + jitter_ms % period_ms;
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

/// Bytes of the file per host, and values in them.
fn stored(rows: &[Row], tier: Tier, hosts: i64) -> (u64, usize, usize) {
    let path = std::env::temp_dir().join(format!("edgewatch-measure-{}-{}.sqlite", std::process::id(), tier.block_s));
    let scratch = Scratch(path);
    let _ = std::fs::remove_file(&scratch.0);
    let sql = Sql::in_file(&scratch.0).unwrap();
    rings::create(&sql).unwrap();
    sql.exec("PRAGMA synchronous = OFF", vec![]).unwrap();
    let empty = sql.bytes();
    let (mut values, mut packed) = (0, 0);
    let of_block: Vec<Vec<Row>> = rows
        .chunk_by(|a, b| a.at_ms / i64::from(tier.block_s) / 1000 == b.at_ms / i64::from(tier.block_s) / 1000)
        .map(<[Row]>::to_vec)
        .collect();
    let blocks: Vec<StoredBlock> = of_block
        .iter()
        .map(|rows| {
            let mut block = Block::default();
            rows.iter().for_each(|row| block.push(row).unwrap());
            values += rows.iter().map(|row| row.values().len()).sum::<usize>();
            StoredBlock::of_samples(rows[0].at_ms.unsigned_abs() / 1000 / u64::from(tier.block_s), &block).unwrap()
        })
        .collect();
    for block in &blocks {
        packed += block.data.len();
        // In turn, as blocks of hosts end; each a little different, as hosts are.
        for host in 1..=hosts {
            rings::put(&sql, HostId(host), 10_000, block).unwrap();
        }
    }
    ((sql.bytes() - empty) / hosts.unsigned_abs(), packed, values)
}

#[test]
fn a_day_of_a_real_host_takes_less_than_a_byte_per_value() {
    println!("host       block s  rows  bytes/block  bytes/value packed  in the file");
    for name in ["run_10s", "check_1s"] {
        let recorded = recorded(name);
        let mut names = Dictionary::default();
        let day: Vec<Sample> = laps(&recorded, 10_000).take_while(|sample| sample.at.0 < DAY_MS).collect();
        let rows = rows::rows(&day, &mut names);
        for block_s in [1_800, 3_600, 5_400, 7_200, 10_800, 21_600] {
            let tier = Tier { block_s, ..SAMPLES };
            let (bytes, packed, values) = stored(&rows, tier, 20);
            let blocks = 86_400 / block_s as usize;
            let per_value = |bytes: f64| bytes / values as f64;
            println!(
                "{name:<10} {block_s:>7} {:>5} {:>12} {:>19.3} {:>12.3}",
                rows.len() / blocks,
                packed / blocks,
                per_value(packed as f64),
                per_value(bytes as f64)
            );
            if block_s == SAMPLES.block_s {
                assert!(per_value(bytes as f64) < 10.0);
            }
        }
    }
    let _ = (Rings::default(), tiers::ALL);
}
