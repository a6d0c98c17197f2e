//! Who asks: each gives what its dialect shows of every host, in the unit of the metric.

mod live;
mod mackerel;
mod nezha;
mod prometheus;
mod pulse;
mod series;

use std::collections::BTreeMap;
use std::time::Duration;

use edgewatch_harness::worker::Worker;
use serde_json::Value as Json;

use super::table::{Kind, Metric, Reader, Writer};
use super::value::{Said, Shown, Value};

/// How long a first message of a socket may take.
const WAIT: Duration = Duration::from_secs(15);

/// A host that a writer tells of.
#[derive(Debug, Clone)]
pub struct Subject {
    pub writer: Writer,
    pub letter: char,
    pub kind: Kind,
    pub name: String,
    /// Its number, and its id in Mackerel's dialect.
    pub id: u64,
    pub public_id: String,
    pub said: Said,
}

/// How a reader sees whether a host is up.
#[derive(Debug, Clone, PartialEq)]
pub enum Presence {
    /// In a word.
    Online,
    Offline,
    /// By when it was last heard, Unix seconds.
    Seen(i64),
}

/// What one look shows, by the names of hosts.
#[derive(Debug, Default)]
pub struct Look {
    pub shown: BTreeMap<String, Shown>,
    pub presence: BTreeMap<String, Presence>,
}

/// Asks once.
pub fn look(worker: &Worker, key: &str, subjects: &[Subject], reader: Reader, now_s: i64) -> Look {
    match reader {
        Reader::Nezha => nezha::details(worker),
        Reader::NezhaFeed => nezha::feed(worker),
        Reader::Mackerel => mackerel::all(worker, key, subjects),
        Reader::Pulse => pulse::state_and_charts(worker),
        Reader::PulseFeed => pulse::feed(worker),
        Reader::Live => live::snapshot(worker, subjects),
        Reader::Prometheus => prometheus::scrape(worker, now_s),
        Reader::Series => series::newest(worker, subjects, now_s),
    }
}

/// The hosts that the dashboard knows.
pub fn first_of_live(worker: &Worker) -> Vec<Json> {
    list(&live::first(worker, &[]), "/hosts").cloned().collect()
}

/// The share that a reader rounds a metric by; it is exact elsewhere.
pub fn grain(reader: Reader, metric: Metric) -> f64 {
    if reader == Reader::Series { series::grain(metric) } else { 0.0 }
}

/// Takes values out of JSON, those that are there.
struct Taker<'a> {
    from: &'a Json,
    shown: Shown,
}

impl<'a> Taker<'a> {
    fn of(from: &'a Json) -> Self {
        Self { from, shown: Shown::new() }
    }

    /// A number at a pointer, times something.
    fn number_times(&mut self, metric: Metric, pointer: &str, factor: f64) {
        if let Some(number) = self.from.pointer(pointer).and_then(Json::as_f64) {
            self.shown.insert(metric, Value::Number(number * factor));
        }
    }

    fn number(&mut self, metric: Metric, pointer: &str) {
        self.number_times(metric, pointer, 1.0);
    }

    fn text(&mut self, metric: Metric, pointer: &str) {
        if let Some(text) = self.from.pointer(pointer).and_then(Json::as_str) {
            self.shown.insert(metric, Value::Text(text.to_owned()));
        }
    }

    fn numbers(&mut self, metric: Metric, numbers: impl Iterator<Item = (String, f64)>) {
        let numbers: BTreeMap<String, f64> = numbers.collect();
        if !numbers.is_empty() {
            self.shown.insert(metric, Value::Numbers(numbers));
        }
    }

    fn put(&mut self, metric: Metric, value: impl Into<Value>) {
        self.shown.insert(metric, value.into());
    }
}

/// A list of objects.
fn list<'a>(from: &'a Json, pointer: &str) -> impl Iterator<Item = &'a Json> {
    from.pointer(pointer).and_then(Json::as_array).into_iter().flatten()
}

fn name_of(from: &Json, key: &str) -> String {
    from[key].as_str().unwrap_or_default().to_owned()
}

/// The model and the count of a line such as `Example Processor 9000 4 Virtual Core`.
fn processors(line: &str) -> (String, Option<f64>) {
    let rest = [" Virtual Core", " Physical Core"].into_iter().find_map(|words| line.strip_suffix(words));
    let Some(rest) = rest else { return (line.to_owned(), None) };
    let (model, count) = rest.rsplit_once(' ').unwrap_or(("", rest));
    (model.to_owned(), count.parse().ok())
}

/// Seconds since 1970 of a time in RFC 3339.
pub fn seconds(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).map_or(0, |at| at.timestamp())
}
