//! Series of a host that others were merged into: where it has none, theirs.

use edgewatch_core::model::{HostId, SeriesQuery};

use super::guests::Piece;
use super::{HubClient, HubError};
use crate::hub::series::Answer;

/// A point of a series: when its time begins, average, maximum, and how many samples.
type Point = (i64, Option<f64>, Option<f64>, u64);

impl Piece {
    /// Those of its points that have a value.
    fn known(&self) -> impl Iterator<Item = Point> {
        let values = self.average.iter().copied().zip(self.maximum.iter().copied());
        let points = self.at_s.iter().copied().zip(values).zip(self.samples.iter().copied());
        points
            .filter(|((_, (average, _)), _)| average.is_some())
            .map(|((at_s, (average, maximum)), samples)| (at_s, average, maximum, samples))
    }

    /// Its points, and those of `other` whose time it has none of; between two that do not follow one another a gap, as everywhere.
    pub(super) fn filled(self, other: &Self) -> Self {
        let own: Vec<Point> = self.known().collect();
        let step_s = self.step_s.max(1);
        let other_step_s = other.step_s.max(1);
        let is_free = |point: &Point| {
            let behind = own.partition_point(|(at_s, ..)| *at_s < point.0 + other_step_s);
            behind.checked_sub(1).and_then(|at| own.get(at)).is_none_or(|before| before.0 + step_s <= point.0)
        };
        let mut points: Vec<Point> = other.known().filter(is_free).collect();
        if points.is_empty() {
            return self;
        }
        points.extend(own.iter().copied());
        points.sort_by_key(|(at_s, ..)| *at_s);
        let longest_s = step_s.max(other_step_s);
        let mut filled = Self { step_s: longest_s, ..Self::of(&self) };
        for name in &other.tiers {
            if !filled.tiers.contains(name) {
                filled.tiers.push(name.clone());
            }
        }
        let mut before: Option<i64> = None;
        for (at_s, average, maximum, samples) in points {
            if let Some(gap_s) = before.map(|before| before + longest_s).filter(|gap_s| *gap_s < at_s) {
                filled.push((gap_s, None, None, 0));
            }
            filled.push((at_s, average, maximum, samples));
            before = Some(at_s);
        }
        filled
    }

    /// A series without points.
    fn of(piece: &Self) -> Self {
        Self {
            host: piece.host,
            metric: piece.metric.clone(),
            tiers: piece.tiers.clone(),
            step_s: piece.step_s,
            at_s: Vec::new(),
            average: Vec::new(),
            maximum: Vec::new(),
            samples: Vec::new(),
        }
    }

    fn push(&mut self, (at_s, average, maximum, samples): Point) {
        self.at_s.push(at_s);
        self.average.push(average);
        self.maximum.push(maximum);
        self.samples.push(samples);
    }
}

impl HubClient {
    /// The answer of the shards to a question, for one host that others were merged into, the latest first.
    ///
    /// # Errors
    /// [`HubError`] when a shard has no answer.
    pub async fn series_of_merged(
        &self,
        query: &SeriesQuery,
        host: HostId,
        absorbed: &[HostId],
    ) -> Result<Answer, HubError> {
        let hosts = [&[host], absorbed].concat();
        let told = self.series(&SeriesQuery { hosts, ..query.clone() }).await?;
        let mut pieces: Vec<(String, Piece)> = Vec::new();
        for (_, text) in &told.series {
            let piece: Piece = serde_json::from_str(text).map_err(|error| HubError::Corrupt(error.to_string()))?;
            match pieces.iter_mut().find(|(metric, _)| *metric == piece.metric) {
                Some((_, known)) => *known = std::mem::replace(known, Piece::of(&piece)).filled(&piece),
                None => pieces.push((piece.metric.clone(), Piece { host: host.0, ..piece })),
            }
        }
        let mut series = Vec::with_capacity(pieces.len());
        for (_, piece) in pieces {
            let text = serde_json::to_string(&piece).map_err(|error| HubError::Corrupt(error.to_string()))?;
            series.push((host.0, text));
        }
        Ok(Answer { series, ..told })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(step_s: i64, points: &[(i64, Option<f64>)]) -> Piece {
        let mut piece = Piece {
            host: 3,
            metric: "load1".to_owned(),
            tiers: vec!["minutes".to_owned()],
            step_s,
            at_s: vec![],
            average: vec![],
            maximum: vec![],
            samples: vec![],
        };
        for (at_s, value) in points {
            piece.push((*at_s, *value, *value, u64::from(value.is_some())));
        }
        piece
    }

    #[test]
    fn where_a_host_has_nothing_the_others_points_are() {
        let own = piece(60, &[(0, Some(1.0)), (60, None), (300, Some(2.0))]);
        let other = piece(60, &[(0, Some(9.0)), (60, Some(3.0)), (120, None), (240, Some(4.0)), (300, Some(9.0))]);
        let expected = piece(60, &[(0, Some(1.0)), (60, Some(3.0)), (120, None), (240, Some(4.0)), (300, Some(2.0))]);
        assert_eq!(own.clone().filled(&other), expected);
        assert_eq!(own.clone().filled(&piece(60, &[])), own);
        assert_eq!(piece(60, &[(60, None)]).filled(&own), piece(60, &[(0, Some(1.0)), (60, None), (300, Some(2.0))]));
    }

    #[test]
    fn no_time_is_told_twice_whatever_the_steps() {
        let own = piece(60, &[(600, Some(1.0))]);
        let other = piece(600, &[(0, Some(5.0)), (600, Some(6.0)), (1_200, Some(7.0))]);
        let filled = own.filled(&other);
        assert_eq!((filled.step_s, filled.at_s), (600, vec![0, 600, 1_200]));
        assert_eq!(filled.average, [Some(5.0), Some(1.0), Some(7.0)]);
    }
}
