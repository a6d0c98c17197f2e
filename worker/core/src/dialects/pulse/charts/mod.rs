//! `GET /api/charts` and `GET /api/storage-charts`. Source: pulse specification, 7.
//!
//! Both are written piece by piece from whatever holds the points. Of many series each gets fewer points: 500 guests with a point every
//! ten seconds would make an answer of 50 MB.

mod range;
mod storage;
mod thin;

use serde::Serialize;

use super::number::Number;
use super::written::Written;
use crate::units::UnixMillis;

pub use range::{ChartRange, storage_minutes};
pub use storage::{StorageCharts, StoragePoint};
pub use thin::ChartPoint;
use thin::{Thinned, bucket_ms, thin};

/// A series of an object: what it is now, and what it was.
pub struct Series<'a> {
    /// Its newest value, for an object without any points.
    pub now: f64,
    /// Its points, ascending in time. Negative ones stand for what is not known, and are left out.
    pub points: &'a mut dyn Iterator<Item = ChartPoint>,
}

/// `GET /api/charts` while it is written.
#[derive(Debug)]
pub struct Charts {
    /// Nothing that is as old, ms.
    after_ms: i64,
    /// Whole seconds, in ms.
    now_ms: i64,
    bucket_ms: i64,
    oldest_ms: i64,
    guests: Written,
    nodes: Written,
    storages: Written,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct WirePoint {
    /// Unix milliseconds of a whole second.
    timestamp: i64,
    value: Number,
}

impl Charts {
    /// The series of a guest, by their names: percent, then bytes per second.
    pub const GUEST: [&'static str; 7] = ["cpu", "memory", "disk", "diskread", "diskwrite", "netin", "netout"];
    /// Those of a node: percent.
    pub const NODE: [&'static str; 3] = ["cpu", "memory", "disk"];
    /// That of a storage: percent.
    pub const STORAGE: [&'static str; 1] = ["disk"];

    /// An answer for this range, about so many series in all.
    pub fn new(range: ChartRange, series: usize, now: UnixMillis) -> Self {
        let now_ms = now.seconds().millis().0;
        let mut charts = Self {
            after_ms: now_ms - range.ms(),
            now_ms,
            bucket_ms: bucket_ms(range.ms(), range.usual_bucket_ms(), series),
            oldest_ms: now_ms,
            guests: Written::default(),
            nodes: Written::default(),
            storages: Written::default(),
        };
        for part in [&mut charts.guests, &mut charts.nodes, &mut charts.storages] {
            part.raw("{");
        }
        charts
    }

    /// From when on points are wanted.
    pub const fn after(&self) -> UnixMillis {
        UnixMillis(self.after_ms)
    }

    /// Adds a guest, with series as [`Charts::GUEST`] names them.
    pub fn guest(&mut self, id: &str, series: [Series<'_>; 7]) {
        let mut part = std::mem::take(&mut self.guests);
        self.object(&mut part, id, Self::GUEST.into_iter().zip(series));
        self.guests = part;
    }

    /// Adds a node, with series as [`Charts::NODE`] names them.
    pub fn node(&mut self, id: &str, series: [Series<'_>; 3]) {
        let mut part = std::mem::take(&mut self.nodes);
        self.object(&mut part, id, Self::NODE.into_iter().zip(series));
        self.nodes = part;
    }

    /// Adds a storage, with how much of it is used.
    pub fn storage(&mut self, id: &str, usage: Series<'_>) {
        let mut part = std::mem::take(&mut self.storages);
        self.object(&mut part, id, Self::STORAGE.into_iter().zip([usage]));
        self.storages = part;
    }

    fn object<'a>(&mut self, out: &mut Written, id: &str, series: impl Iterator<Item = (&'static str, Series<'a>)>) {
        out.name(id);
        out.raw("{");
        for (name, Series { now, points }) in series {
            out.name(name);
            let mut thinned = Thinned::new(self.after_ms, self.now_ms, self.bucket_ms);
            thin(&mut thinned, points);
            let points = thinned.finish(now);
            self.oldest_ms = points.first().map_or(self.oldest_ms, |first| self.oldest_ms.min(first.at.0));
            out.list(points.into_iter().map(|one| WirePoint { timestamp: one.at.0, value: Number(one.value) }));
        }
        out.raw("}");
    }

    /// The whole answer.
    pub fn finish(self) -> Written {
        let mut out = Written::default();
        out.raw("{");
        for (name, mut part) in [("data", self.guests), ("nodeData", self.nodes), ("storageData", self.storages)] {
            part.raw("}");
            out.name(name);
            out.join(&part);
        }
        out.key("timestamp", &self.now_ms);
        out.name("stats");
        out.raw("{");
        out.key("oldestDataTimestamp", &self.oldest_ms);
        out.raw("}}");
        out
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_754_995_749_321);

    fn every(step_s: i64, back_s: i64) -> impl Iterator<Item = ChartPoint> {
        (0..=back_s / step_s).rev().map(move |steps| ChartPoint {
            at: UnixMillis(NOW.0 - steps * step_s * 1000),
            #[expect(clippy::cast_precision_loss, reason = "small")]
            value: (steps % 10) as f64,
        })
    }

    fn charts(range: &str, step_s: i64, back_s: i64, series: usize) -> Value {
        let mut charts = Charts::new(ChartRange::parse(range), series, NOW);
        let mut points: Vec<_> = (0..12).map(|_| every(step_s, back_s)).collect();
        let mut all = points.iter_mut().map(|points| Series { now: 42.5, points });
        let mut next = || all.next().unwrap();
        charts.storage("lab-pve1-local", next());
        charts.guest("lab-pve1-101", std::array::from_fn(|_| next()));
        charts.node("lab-pve1", std::array::from_fn(|_| next()));
        serde_json::from_str(&charts.finish().text()).unwrap()
    }

    fn stamps(series: &Value) -> Vec<i64> {
        series.as_array().unwrap().iter().map(|point| point["timestamp"].as_i64().unwrap()).collect()
    }

    #[test]
    fn every_range_gives_whole_ascending_seconds_inside_it_and_not_too_many() {
        for (range, seconds) in [
            ("5m", 300),
            ("15m", 900),
            ("30m", 1_800),
            ("1h", 3_600),
            ("4h", 14_400),
            ("8h", 28_800),
            ("12h", 43_200),
            ("24h", 86_400),
            ("7d", 604_800),
            ("30d", 2_592_000),
            ("", 3_600),
            ("99y", 3_600),
        ] {
            let reply = charts(range, 10, seconds + 100, 12);
            let now = reply["timestamp"].as_i64().unwrap();
            assert_eq!(now, 1_754_995_749_000);
            for series in Charts::GUEST.map(|name| &reply["data"]["lab-pve1-101"][name]) {
                let stamps = stamps(series);
                assert!(stamps.len() > 20 && stamps.len() <= 1_010, "{range}: {}", stamps.len());
                assert!(stamps.is_sorted_by(|a, b| a < b), "{range}");
                assert!(stamps.iter().all(|at| at % 1000 == 0 && *at > now - seconds * 1000 && *at <= now), "{range}");
                assert!(stamps.first().unwrap() - (now - seconds * 1000) < 11_000, "{range}");
            }
            assert_eq!(reply["stats"]["oldestDataTimestamp"], stamps(&reply["nodeData"]["lab-pve1"]["cpu"])[0]);
        }
    }

    #[test]
    fn each_object_has_its_series_and_short_ranges_are_as_they_were_measured() {
        let reply = charts("1h", 10, 3_000, 12);
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            keys(&reply["data"]["lab-pve1-101"]),
            ["cpu", "disk", "diskread", "diskwrite", "memory", "netin", "netout"]
        );
        assert_eq!(keys(&reply["nodeData"]["lab-pve1"]), ["cpu", "disk", "memory"]);
        assert_eq!(keys(&reply["storageData"]["lab-pve1-local"]), ["disk"]);
        let points = reply["storageData"]["lab-pve1-local"]["disk"].as_array().unwrap();
        assert_eq!((points.len(), &points[300]), (301, &json!({"timestamp": 1_754_995_749_000_i64, "value": 0})));
    }

    #[test]
    fn an_object_without_history_has_one_point_and_nothing_is_an_object_too() {
        let mut charts = Charts::new(ChartRange::parse("24h"), 1, NOW);
        let mut unknown = [ChartPoint { at: UnixMillis(NOW.0 - 5_000), value: -1.0 }].into_iter();
        charts.storage("s", Series { now: 18.1, points: &mut unknown });
        let reply: Value = serde_json::from_str(&charts.finish().text()).unwrap();
        let expected = json!({"data":{},"nodeData":{},"storageData":{"s":{"disk":[{"timestamp":1_754_995_749_000_i64,"value":18.1}]}},
            "timestamp":1_754_995_749_000_i64,"stats":{"oldestDataTimestamp":1_754_995_749_000_i64}});
        assert_eq!(reply, expected);
    }

    #[test]
    fn many_series_have_fewer_points_each() {
        let points =
            |series: usize| charts("1h", 10, 3_600, series)["data"]["lab-pve1-101"]["cpu"].as_array().unwrap().len();
        assert!(points(12) > 350 && points(3_560) < 70 && points(1_000_000) >= 10);
    }
}
