//! Interim.
use edgewatch_core::blocks::dictionary::Dictionary;
use edgewatch_core::blocks::{Row, SeriesId};
use edgewatch_core::metrics;
use edgewatch_core::model::Sample;
pub fn of_samples(samples: &[Sample], dictionary: &mut Dictionary) -> Vec<Row> {
    samples.iter().map(|sample| {
        let mut row = Row::new(sample.number, sample.at.0);
        for (column, value) in (0u8..).zip(metrics::columns(sample)) {
            if let Some(value) = value { row.set(SeriesId::column(column), value, metrics::step(column)); }
        }
        for t in &sample.temperatures {
            if let Ok(id) = dictionary.assign(&format!("temperature/{}", t.name), metrics::CELSIUS_STEP) { row.set(id, t.celsius, metrics::CELSIUS_STEP); }
        }
        row
    }).collect()
}
