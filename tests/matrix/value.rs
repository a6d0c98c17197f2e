//! What is said and what is shown, in one unit for each metric, and whether the one is the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::table::Metric;

/// A value in the unit of its metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Number(f64),
    Text(String),
    /// Numbers by the names of single things.
    Numbers(BTreeMap<String, f64>),
    Texts(BTreeSet<String>),
}

/// What a reader shows of a host.
pub type Shown = BTreeMap<Metric, Value>;

/// What a writer said of a host.
#[derive(Debug, Clone, Default)]
pub struct Said {
    values: BTreeMap<Metric, Expected>,
}

/// What has to be shown.
#[derive(Debug, Clone)]
pub struct Expected {
    pub value: Value,
    /// How far off it may be: a share of it, and so much.
    share: f64,
    slack: f64,
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<BTreeMap<String, f64>> for Value {
    fn from(numbers: BTreeMap<String, f64>) -> Self {
        Self::Numbers(numbers)
    }
}

impl From<BTreeSet<String>> for Value {
    fn from(texts: BTreeSet<String>) -> Self {
        Self::Texts(texts)
    }
}

impl Value {
    /// Whether it is what stands for nothing where every key has to be.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Number(number) => *number == 0.0,
            Self::Text(text) => text.is_empty(),
            Self::Numbers(all) => all.is_empty(),
            Self::Texts(all) => all.is_empty(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => write!(out, "{text:?}"),
            Self::Numbers(all) => write!(out, "{all:?}"),
            Self::Texts(all) => write!(out, "{all:?}"),
        }
    }
}

impl Said {
    /// This exactly.
    pub fn put(&mut self, metric: Metric, value: impl Into<Value>) {
        self.within(metric, value, 0.0, 0.0);
    }

    /// This to a share of it, and so much.
    pub fn within(&mut self, metric: Metric, value: impl Into<Value>, share: f64, slack: f64) {
        self.values.insert(metric, Expected { value: value.into(), share, slack });
    }

    /// Takes back what a part of the writers does not say.
    pub fn remove(&mut self, metrics: &[Metric]) {
        self.values.retain(|metric, _| !metrics.contains(metric));
    }

    pub fn get(&self, metric: Metric) -> Option<&Expected> {
        self.values.get(&metric)
    }

    pub fn metrics(&self) -> impl Iterator<Item = Metric> {
        self.values.keys().copied()
    }
}

impl Expected {
    /// Why what is shown is not what was said; `grain` is the share that its reader rounds by.
    pub fn differs(&self, shown: &Value, grain: f64) -> Option<String> {
        let is_same = |one: f64, other: f64| {
            // Doubles that took another way through a division.
            let rounded = 1e-9 * one.abs();
            (one - other).abs() <= (one.abs() * (self.share + grain)).max(self.slack) + rounded
        };
        let fits = match (&self.value, shown) {
            (Value::Number(said), Value::Number(shown)) => is_same(*said, *shown),
            (Value::Numbers(said), Value::Numbers(shown)) => {
                said.keys().eq(shown.keys())
                    && said.values().zip(shown.values()).all(|(one, other)| is_same(*one, *other))
            }
            (said, shown) => said == shown,
        };
        let hint = || match (&self.value, shown) {
            (Value::Number(said), Value::Number(shown)) => factor(*said, *shown),
            _ => String::new(),
        };
        (!fits).then(|| format!("{shown} is shown, {} was said{}", self.value, hint()))
    }
}

/// In which unit a wrong number may be.
fn factor(said: f64, shown: f64) -> String {
    let share = shown / said;
    let close = |factor: f64| (share / factor - 1.0).abs() < 0.01;
    let known = [8.0, 100.0, 1000.0, 1024.0, 1_048_576.0];
    let found = known.into_iter().find(|factor| close(*factor) || close(factor.recip()));
    found.map(|factor| format!(": a factor of {factor}")).unwrap_or_default()
}
