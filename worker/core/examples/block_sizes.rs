//! What packed blocks take, and how long packing them does: on samples that a real agent made (`samples/native`).
//!
//! Usage: `cargo run --release -p edgewatch-core --example block_sizes [FILE]...`, each file a sample per line.

use std::hint::black_box;
use std::path::Path;

use edgewatch_core::blocks::{Block, Row, SeriesId, rollup};
use edgewatch_core::dialects::native::ReportRequest;
use edgewatch_core::metrics;
use edgewatch_core::model::Sample;
use edgewatch_core::units::Step;

const LENGTHS: [usize; 5] = [6, 60, 180, 360, 1080];
/// How often a block is packed and unpacked to be timed.
const TURNS: u32 = 200;
/// Sensors that the second table adds: this is no machine that has any.
const SENSORS: u16 = 8;

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let own = ["check_1s", "run_10s", "build_10s"]
        .map(|name| format!("{}/samples/native/{name}.jsonl", env!("CARGO_MANIFEST_DIR")));
    for path in if given.is_empty() { own.to_vec() } else { given } {
        let rows: Vec<Row> = read(&path).iter().map(row).collect();
        let name = Path::new(&path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        table(&name, &rows);
        table(&format!("{name} with {SENSORS} sensors that walk at random"), &sensed(&rows));
        let minutes = rollup::roll_up(&rows, rollup::MINUTE, step);
        table(&format!("{name} by minutes, average and maximum"), &minutes);
        by_series(&rows);
    }
}

/// Bytes per value and microseconds per block, for blocks of some lengths.
fn table(name: &str, rows: &[Row]) {
    println!("\n{name}: {} rows", rows.len());
    println!("   rows  blocks  bytes  per value  base64  per value  pack us  unpack us");
    let mut lengths: Vec<usize> = LENGTHS.iter().map(|length| (*length).min(rows.len())).collect();
    lengths.dedup();
    for length in lengths {
        // All whole blocks of the length that there are, one beginning where another ends.
        let blocks: Vec<Block> = rows.chunks_exact(length.max(1)).map(block).collect();
        let packed: Vec<Vec<u8>> = blocks.iter().map(Block::pack).collect();
        let values: usize = rows.chunks_exact(length.max(1)).flatten().map(|row| row.values().len()).sum();
        let bytes: usize = packed.iter().map(Vec::len).sum();
        let text: usize = packed.iter().map(|block| block.len().div_ceil(3) * 4).sum();
        let pack_us = time_us(|| blocks.iter().for_each(|block| drop(black_box(block.pack()))));
        let unpack_us = time_us(|| packed.iter().for_each(|bytes| drop(black_box(Block::unpack(bytes)))));
        let per = |all: f64, of: usize| all / f64::from(u32::try_from(of.max(1)).unwrap_or(1));
        let each = |all: usize| per(f64::from(u32::try_from(all).unwrap_or(u32::MAX)), values);
        println!(
            "  {length:>5}  {:>6}  {:>5}  {:>9.3}  {:>6}  {:>9.3}  {:>7.1}  {:>9.1}",
            blocks.len(),
            bytes / blocks.len().max(1),
            each(bytes),
            text / blocks.len().max(1),
            each(text),
            per(pack_us, blocks.len()),
            per(unpack_us, blocks.len()),
        );
    }
}

/// What the longest block would be shorter without each series. Counters lean on their rates, so a rate alone says little.
fn by_series(rows: &[Row]) {
    let rows = &rows[..rows.len().min(1080)];
    let packed = |is_kept: &dyn Fn(SeriesId) -> bool| {
        let mut block = Block::default();
        for row in rows {
            let mut kept = Row::new(row.number, row.at_ms);
            for (id, value) in row.values().iter().filter(|(id, _)| is_kept(*id)) {
                kept.set(*id, *value, Step::Exact);
            }
            block.push(&kept).expect("a block of at most 1080 rows");
        }
        block.pack().len()
    };
    let all = packed(&|_| true);
    print!("  bytes of {} rows: {all}; times and numbers {}", rows.len(), packed(&|_| false));
    for definition in metrics::ALL {
        let column = SeriesId::column(definition.metric as u8);
        print!(", {} {}", definition.key, all.saturating_sub(packed(&|id| id != column)));
    }
    println!();
}

/// Processor time of one run: other work on the machine does not count.
fn time_us(mut run: impl FnMut()) -> f64 {
    run();
    let begun = processor_us();
    (0..TURNS).for_each(|_| run());
    (processor_us() - begun) / f64::from(TURNS)
}

/// What this process has had of the processors, by Linux; 0 elsewhere.
fn processor_us() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let ns: f64 = text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0.0);
    ns / 1000.0
}

fn block(rows: &[Row]) -> Block {
    let mut block = Block::default();
    for row in rows {
        block.push(row).expect("a block of at most 1080 rows");
    }
    block
}

fn read(path: &str) -> Vec<Sample> {
    let text = std::fs::read_to_string(path).expect("a file of samples");
    let lines: Vec<&str> = text.lines().collect();
    let mut samples: Vec<Sample> = Vec::new();
    for lines in lines.chunks(ReportRequest::MAX_SAMPLES) {
        let wire = lines.iter().zip(samples.len() as u64 + 1..).map(|(line, number)| {
            let mut sample: edgewatch_core::dialects::native::Sample = serde_json::from_str(line).expect("a sample");
            sample.number = number;
            sample
        });
        let report = ReportRequest {
            agent_version: String::new(),
            sent_at_ms: 0,
            oldest: 1,
            dropped_samples: 0,
            period_s: 1.0,
            frame_s: None,
            probes_version: None,
            host: None,
            samples: wire.collect(),
        };
        let (report, dropped) = report.into_report().expect("a report");
        assert!(dropped.is_empty(), "{dropped:?}");
        samples.extend(report.samples);
    }
    samples
}

fn step(series: SeriesId) -> Step {
    u8::try_from(series.metric()).map_or(metrics::CELSIUS_STEP, metrics::step)
}

fn row(sample: &Sample) -> Row {
    let mut row = Row::new(sample.number, metrics::kept_ms(sample.at.0));
    for (column, value) in (0_u8..).zip(metrics::kept(sample)) {
        if let Some(value) = value {
            row.set(SeriesId::column(column), value, metrics::step(column));
        }
    }
    row
}

/// The rows with sensors of which each moves by half a degree now and then.
fn sensed(rows: &[Row]) -> Vec<Row> {
    let mut seed = 1_u32;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed
    };
    let mut celsius = [45.0; SENSORS as usize];
    let sense = |row: &Row| {
        let mut row = row.clone();
        for (sensor, celsius) in (SeriesId::FIRST_NAMED..).zip(&mut celsius) {
            *celsius += match random() % 8 {
                0 => 0.5,
                1 => -0.5,
                _ => 0.0,
            };
            row.set(SeriesId(sensor), *celsius, metrics::CELSIUS_STEP);
        }
        row
    };
    rows.iter().map(sense).collect()
}
