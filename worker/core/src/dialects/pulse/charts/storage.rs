//! `GET /api/storage-charts`.

use serde::Serialize;

use super::thin::{ChartPoint, Thinned, bucket_ms};
use super::{Number, Written};
use crate::dialects::pulse::number::time_ms;
use crate::units::UnixMillis;

/// How much of a storage was used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoragePoint {
    /// When.
    pub at: UnixMillis,
    /// In use, bytes.
    pub used: f64,
    /// In all, bytes.
    pub total: f64,
    /// What could still be written, bytes.
    pub avail: f64,
}

/// The answer while it is written: a bare object by storage.
#[derive(Debug)]
pub struct StorageCharts {
    after_ms: i64,
    now_ms: i64,
    bucket_ms: i64,
    out: Written,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct WirePoint {
    value: Number,
    /// Quirk: RFC 3339, where other charts have milliseconds.
    timestamp: String,
}

impl StorageCharts {
    /// The four series of a storage.
    pub const SERIES: [&'static str; 4] = ["usage", "used", "total", "avail"];

    /// An answer for so many minutes, about so many storages.
    pub fn new(minutes: u32, storages: usize, now: UnixMillis) -> Self {
        let (now_ms, range_ms) = (now.seconds().millis().0, i64::from(minutes) * 60_000);
        let mut out = Written::default();
        out.raw("{");
        Self { after_ms: now_ms - range_ms, now_ms, bucket_ms: bucket_ms(range_ms, 0, storages.saturating_mul(4)), out }
    }

    /// From when on points are wanted.
    pub const fn after(&self) -> UnixMillis {
        UnixMillis(self.after_ms)
    }

    /// Adds a storage: what it is now, and what it was, ascending in time.
    pub fn storage(&mut self, id: &str, now: StoragePoint, points: impl Iterator<Item = StoragePoint>) {
        let mut series: [Thinned; 4] =
            std::array::from_fn(|_| Thinned::new(self.after_ms, self.now_ms, self.bucket_ms));
        for point in points {
            for (series, value) in series.iter_mut().zip(values(point)) {
                series.add(ChartPoint { at: point.at, value });
            }
        }
        self.out.name(id);
        self.out.raw("{");
        for ((name, series), now) in Self::SERIES.into_iter().zip(series).zip(values(now)) {
            self.out.name(name);
            let wire = |point: ChartPoint| WirePoint { value: Number(point.value), timestamp: time_ms(Some(point.at)) };
            self.out.list(series.finish(now).into_iter().map(wire));
        }
        self.out.raw("}");
    }

    /// The whole answer.
    pub fn finish(mut self) -> Written {
        self.out.raw("}");
        self.out
    }
}

/// In the order of [`StorageCharts::SERIES`].
fn values(StoragePoint { used, total, avail, .. }: StoragePoint) -> [f64; 4] {
    [if total > 0.0 { used / total * 100.0 } else { 0.0 }, used, total, avail]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn storages_have_four_series_with_the_value_first() {
        let now = UnixMillis(1_754_992_800_500);
        let point = |back_s: i64, used: f64| StoragePoint {
            at: UnixMillis(now.0 - back_s * 1000),
            used,
            total: 400.0,
            avail: 300.0,
        };
        let mut charts = StorageCharts::new(60, 2, now);
        assert_eq!(charts.after(), UnixMillis(1_754_989_200_000));
        charts.storage("a", point(0, 100.0), [point(4_000, 1.0), point(60, 50.0), point(0, 100.0)].into_iter());
        charts.storage("b", StoragePoint { total: 0.0, ..point(0, 0.0) }, [].into_iter());
        let text = charts.finish().text();
        assert!(
            text.starts_with(r#"{"a":{"usage":[{"value":12.5,"timestamp":"2025-08-12T09:59:00Z"},{"value":25,"#),
            "{text}"
        );
        let reply: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(reply["a"]["used"][0]["value"], 50);
        assert_eq!(reply["a"]["avail"].as_array().unwrap().len(), 2);
        assert_eq!(reply["b"]["usage"], json!([{"value": 0, "timestamp": "2025-08-12T10:00:00Z"}]));
        assert_eq!(StorageCharts::new(60, 0, now).finish().text(), "{}");
    }
}
