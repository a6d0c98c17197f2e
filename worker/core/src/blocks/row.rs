//! What lies in packed blocks: one moment of a host, its values by series.

use crate::units::Step;

/// Which figure of which metric: 14 bits for the metric, 2 for the [`Facet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub u16);

/// What a stored value says of its metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facet {
    /// The value, or in coarse tiers the average.
    Value,
    /// The largest value.
    Maximum,
    /// Of how many values, where that differs from [`SeriesId::WEIGHT`].
    Count,
    /// Not given out yet.
    Reserved,
}

const METRIC_BITS: u16 = 14;
const METRIC_MASK: u16 = (1 << METRIC_BITS) - 1;

impl SeriesId {
    /// The least id of a host's own names (see [`super::dictionary`]); below are the columns of `metrics`.
    pub const FIRST_NAMED: u16 = 256;
    /// The most that a named metric's id may be.
    pub const LAST_NAMED: u16 = METRIC_MASK - 1;
    /// Of how many samples a coarse row is made.
    pub const WEIGHT: Self = Self((2 << METRIC_BITS) | METRIC_MASK);

    /// A built-in metric's values, by its column.
    pub const fn column(column: u8) -> Self {
        Self(column as u16)
    }

    /// What the value says.
    pub const fn facet(self) -> Facet {
        match self.0 >> METRIC_BITS {
            0 => Facet::Value,
            1 => Facet::Maximum,
            2 => Facet::Count,
            _ => Facet::Reserved,
        }
    }

    /// The same metric's series for another facet.
    #[must_use]
    pub const fn with(self, facet: Facet) -> Self {
        Self(self.metric() | ((facet as u16) << METRIC_BITS))
    }

    /// The metric's number: a column below [`Self::FIRST_NAMED`], a name of the host's dictionary from there on.
    pub const fn metric(self) -> u16 {
        self.0 & METRIC_MASK
    }
}

/// One moment of a host.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// The sample's number; in coarse tiers the window's, counted from 1970.
    pub number: u64,
    /// The time in ms since 1970; in coarse tiers the window's beginning.
    pub at_ms: i64,
    /// Ascending by series, each at most once, all finite.
    values: Vec<(SeriesId, f64)>,
}

impl Row {
    /// A moment without values.
    pub const fn new(number: u64, at_ms: i64) -> Self {
        Self { number, at_ms, values: Vec::new() }
    }

    /// Of values that are finite and ascend by series.
    pub(super) const fn of_sorted(number: u64, at_ms: i64, values: Vec<(SeriesId, f64)>) -> Self {
        Self { number, at_ms, values }
    }

    /// Sets a value, rounded to `step`. What is no finite number counts as absent.
    pub fn set(&mut self, series: SeriesId, value: f64, step: Step) {
        // Adding 0 turns the negative zero, which equals 0 but is written otherwise, into the ordinary one.
        let value = step.round(value) + 0.0;
        if !value.is_finite() {
            return;
        }
        match self.values.last() {
            Some((last, _)) if *last >= series => match self.values.binary_search_by_key(&series, |(id, _)| *id) {
                Ok(at) => {
                    if let Some(slot) = self.values.get_mut(at) {
                        slot.1 = value;
                    }
                }
                Err(at) => self.values.insert(at, (series, value)),
            },
            _ => self.values.push((series, value)),
        }
    }

    /// The values there are, ascending by series.
    pub fn values(&self) -> &[(SeriesId, f64)] {
        &self.values
    }

    /// A series' value.
    pub fn get(&self, series: SeriesId) -> Option<f64> {
        let at = self.values.binary_search_by_key(&series, |(id, _)| *id).ok()?;
        self.values.get(at).map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_by_series_whatever_order_they_come_in() {
        let mut row = Row::new(1, 2);
        for (series, value) in [(3, 1.0), (1, 2.0), (2, f64::NAN), (3, -0.0), (4, f64::INFINITY)] {
            row.set(SeriesId(series), value, Step::Exact);
        }
        assert_eq!(row.values(), [(SeriesId(1), 2.0), (SeriesId(3), 0.0)]);
        assert!(row.get(SeriesId(3)).unwrap().is_sign_positive());
        assert_eq!(row.get(SeriesId(2)), None);
    }

    #[test]
    fn facets_are_series_of_their_own() {
        let cpu = SeriesId::column(0);
        assert_eq!(cpu.facet(), Facet::Value);
        for facet in [Facet::Maximum, Facet::Count, Facet::Value] {
            assert_eq!((cpu.with(facet).facet(), cpu.with(facet).metric()), (facet, 0));
        }
        assert_eq!(SeriesId::WEIGHT.facet(), Facet::Count);
        assert!(SeriesId::WEIGHT.metric() > SeriesId::LAST_NAMED);
    }
}
