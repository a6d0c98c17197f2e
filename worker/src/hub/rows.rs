//! What of a sample goes into blocks, and as what: built-in metrics by their columns, the others by their names.

use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::{Block, Row, SeriesId, rollup};
use edgewatch_core::metrics::{self, mackerel};
use edgewatch_core::model::{ProbeId, Sample};
use edgewatch_core::units::Step;

use super::rings::StoredBlock;

/// The largest block that is stored, bytes: as hexadecimal text it still goes through one statement of D1.
pub const MAX_BLOCK_BYTES: usize = 700_000;

/// The parts of a probe's name: whether it succeeded (1 or 0), its delay where it did, and when a certificate ends where one was seen.
pub const UP: &str = "up";
/// See [`UP`].
pub const DELAY: &str = "delay_ms";
/// See [`UP`].
pub const EXPIRES: &str = "tls_expires_s";

/// Which probe a series has the delays of.
pub fn probe_of_delay(name: &str) -> Option<i64> {
    name.strip_prefix("probe/")?.strip_suffix(DELAY)?.strip_suffix('/')?.parse().ok()
}

/// The name of a series of a probe's.
pub fn probe_name(id: ProbeId, part: &str) -> String {
    format!("probe/{}/{part}", id.0)
}

/// The probe that a series is of, and which part of it.
pub fn probe_of(name: &str) -> Option<(ProbeId, &str)> {
    let (id, part) = name.strip_prefix("probe/")?.split_once('/')?;
    Some((ProbeId(id.parse().ok()?), part))
}

/// Names of devices may take so much of a host's dictionary: what comes and goes leaves room for its sensors and probes.
const MOST_STOCK_NAMES: usize = 2_048;

/// Leaves out what an agent tells under new names of devices, where it told of too many already.
pub fn leave_room(samples: &mut [Sample], dictionary: &Dictionary) {
    if dictionary.len() >= MOST_STOCK_NAMES {
        let is_kept = |name: &str| dictionary.find(name).is_some() || !mackerel::is_stock(name);
        for sample in samples {
            sample.named.retain(|one| is_kept(&one.name));
        }
    }
}

/// The rows of samples, in the order given. Sensors get an id in the host's dictionary as `temperature/<sensor>`, metrics of
/// its own under their names, probes as [`probe_name`] has it; a name that it cannot take in is left out. When the dictionary
/// grew, store it before the rows.
pub fn rows(samples: &[Sample], dictionary: &mut Dictionary) -> Vec<Row> {
    samples.iter().map(|sample| row(sample, dictionary)).collect()
}

fn row(sample: &Sample, dictionary: &mut Dictionary) -> Row {
    let mut row = Row::new(sample.number, metrics::kept_ms(sample.at.0));
    for (column, value) in (0_u8..).zip(metrics::kept(sample)) {
        if let Some(value) = value {
            row.set(SeriesId::column(column), value, metrics::step(column));
        }
    }
    for sensor in &sample.temperatures {
        let name = format!("temperature/{}", sensor.name);
        if let Ok(series) = dictionary.assign(&name, metrics::CELSIUS_STEP) {
            row.set(series, sensor.celsius, metrics::CELSIUS_STEP);
        }
    }
    for named in &sample.named {
        if let Ok(series) = dictionary.assign(&named.name, Step::Exact) {
            row.set(series, named.value, Step::Exact);
        }
    }
    for result in &sample.probes {
        #[expect(clippy::cast_precision_loss, reason = "seconds of centuries are exact")]
        let expires = result.tls_expires.map(|at| at.0 as f64);
        // The mean of whether it succeeded is a part of one, so that is kept exactly.
        let values = [
            (UP, Some(f64::from(u8::from(result.is_up()))), Step::Exact),
            (DELAY, result.delay_ms, Step::Hundredths),
            (EXPIRES, expires, Step::Whole),
        ];
        for (part, value, step) in values {
            let Some(value) = value else { continue };
            if let Ok(series) = dictionary.assign(&probe_name(result.probe, part), step) {
                row.set(series, value, step);
            }
        }
    }
    row
}

/// How finely a series is kept in coarse rows.
pub fn coarse_step(series: SeriesId, dictionary: &Dictionary) -> Step {
    match u8::try_from(series.metric()) {
        Ok(column) => metrics::coarse_step(column),
        Err(_) => dictionary.step(series).unwrap_or_default(),
    }
}

/// The block of coarse rows that may be stored. What is too large for one loses its largest values first, then all but three
/// digits of the host's own metrics, then these: that takes thousands of them.
pub fn fitting(rows: &[Row]) -> (Block, Vec<u8>) {
    fitting_within(rows, MAX_BLOCK_BYTES)
}

/// As [`fitting`], with another limit in bytes.
pub fn fitting_within(rows: &[Row], bytes: usize) -> (Block, Vec<u8>) {
    let all = |of: fn(&Row) -> Row| rows.iter().map(of).collect::<Vec<Row>>();
    packed(rows, bytes)
        .or_else(|| packed(&all(rollup::averages), bytes))
        .or_else(|| packed(&all(|row| shortened(&rollup::averages(row))), bytes))
        .or_else(|| packed(&all(built_in), bytes))
        .unwrap_or_default()
}

fn packed(rows: &[Row], most: usize) -> Option<(Block, Vec<u8>)> {
    let mut block = Block::default();
    for row in rows {
        block.push(row).ok()?;
    }
    let bytes = block.pack();
    (bytes.len() <= most).then_some((block, bytes))
}

fn is_own(series: SeriesId) -> bool {
    series.metric() >= SeriesId::FIRST_NAMED && series != SeriesId::WEIGHT
}

fn shortened(row: &Row) -> Row {
    let mut kept = Row::new(row.number, row.at_ms);
    for (series, value) in row.values() {
        // Counts are small whole numbers: they stay what they are.
        kept.set(*series, *value, if is_own(*series) { Step::Binary11 } else { Step::Exact });
    }
    kept
}

fn built_in(row: &Row) -> Row {
    let mut kept = Row::new(row.number, row.at_ms);
    for (series, value) in row.values().iter().filter(|(series, _)| !is_own(*series)) {
        kept.set(*series, *value, Step::Exact);
    }
    kept
}

impl StoredBlock {
    /// An open block of samples as it is stored now; `None` while it has no row.
    pub fn of_samples(block_no: u64, block: &Block) -> Option<Self> {
        Some(Self {
            tier: 0,
            block_no,
            first_number: *block.numbers().iter().min()?,
            last_number: *block.numbers().iter().max()?,
            start_ms: *block.times_ms().iter().min()?,
            end_ms: *block.times_ms().iter().max()?,
            data: block.pack(),
        })
    }

    /// The block in it.
    ///
    /// # Errors
    /// [`super::HubError::Corrupt`] when that is none.
    pub fn block(&self) -> Result<Block, super::HubError> {
        Ok(Block::unpack(&self.data)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewatch_core::model::{Named, Temperature};
    use edgewatch_core::units::UnixMillis;

    fn sample(number: u64) -> Sample {
        let sensor = |name: &str, celsius| Temperature { name: name.to_owned(), celsius };
        Sample {
            number,
            at: UnixMillis(1_795_361_190_007),
            cpu_percent: Some(17.336),
            mem_used_bytes: Some(1_935_474_689),
            temperatures: vec![sensor("cpu", 45.04), sensor("nvme", 31.96), sensor("", 1.0)],
            named: vec![Named { name: "custom.dice.d6".to_owned(), value: 1.0 / 3.0 }],
            ..Sample::default()
        }
    }

    #[test]
    fn a_sample_becomes_a_row_at_the_steps_of_its_metrics() {
        let mut names = Dictionary::default();
        let rows = rows(&[sample(7), sample(8)], &mut names);
        assert_eq!((rows[1].number, rows[1].at_ms), (8, 1_795_361_190_000), "to 10 ms");
        assert_eq!(rows[0].get(SeriesId::column(0)), Some(17.34));
        assert_eq!(rows[0].get(SeriesId::column(1)), Some(1_935_671_296.0), "11 binary digits of 1,935,474,689");
        assert_eq!(rows[0].get(SeriesId::column(2)), None, "not measured");
        // A sensor without a name is still told apart: the dictionary's name is not empty.
        let celsius = |name: &str| rows[0].get(names.find(name).unwrap());
        assert_eq!((celsius("temperature/cpu"), celsius("temperature/nvme")), (Some(45.0), Some(32.0)));
        assert_eq!(celsius("temperature/"), Some(1.0));
        assert_eq!((names.len(), celsius("custom.dice.d6")), (4, Some(1.0 / 3.0)), "exactly");
    }

    #[test]
    fn the_bounds_of_a_block_are_those_of_all_its_rows() {
        assert_eq!(StoredBlock::of_samples(3, &Block::default()), None);
        let mut block = Block::default();
        // A clock that stepped back.
        for (number, at_ms) in [(5, 2_000), (6, 1_000), (7, 1_500)] {
            block.push(&Row::new(number, at_ms)).unwrap();
        }
        let stored = StoredBlock::of_samples(3, &block).unwrap();
        assert_eq!((stored.first_number, stored.last_number, stored.start_ms, stored.end_ms), (5, 7, 1_000, 2_000));
        assert_eq!(stored.block(), Ok(block));
    }

    #[test]
    fn what_is_too_large_keeps_the_built_in_metrics() {
        let many = |series: u16| {
            let mut row = Row::new(1, 60_000);
            row.set(SeriesId::column(0), 1.0, Step::Exact);
            for id in SeriesId::FIRST_NAMED..SeriesId::FIRST_NAMED + series {
                row.set(SeriesId(id), f64::from(id), Step::Exact);
            }
            rollup::roll_up([&row], rollup::MINUTE, |_| Step::Exact).remove(0)
        };
        let (few, _) = fitting(&vec![many(3); 4]);
        assert_eq!((few.len(), few.series().len()), (4, 9));
        let (lean, bytes) = fitting(&vec![many(4_000); 400]);
        assert_eq!((lean.len(), lean.series().len()), (400, 3));
        assert!(bytes.len() < MAX_BLOCK_BYTES);
    }

    #[test]
    fn devices_that_come_and_go_leave_room_for_what_else_has_a_name() {
        let names = |first: usize, count: usize| {
            let named = (first..first + count).map(|device| format!("interface.br-{device}.rxBytes.delta"));
            named.map(|name| Named { name, value: 1.0 }).collect::<Vec<Named>>()
        };
        let mut dictionary = Dictionary::default();
        for look in 0..100 {
            let mut samples = [Sample { named: names(look * 60, 61), ..Sample::default() }];
            leave_room(&mut samples, &dictionary);
            rows(&samples, &mut dictionary);
        }
        assert!((MOST_STOCK_NAMES..MOST_STOCK_NAMES + 61).contains(&dictionary.len()), "{}", dictionary.len());
        let mut samples = [Sample { named: [names(0, 2), names(9_000, 1)].concat(), ..Sample::default() }];
        samples[0].named.push(Named { name: "custom.new".to_owned(), value: 1.0 });
        leave_room(&mut samples, &dictionary);
        assert_eq!(samples[0].named.len(), 3, "those that it has, and those that are no device's");
    }
}
