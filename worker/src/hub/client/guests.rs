//! Series of guests: asked of the nodes they were on, under the names that they have there.

use edgewatch_core::metrics::of_guest;
use edgewatch_core::model::{HostId, SeriesQuery};
use serde::{Deserialize, Serialize};

use super::{HubClient, HubError};
use crate::hub::series::Answer;

/// Where the series of a guest lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The guest.
    pub guest: HostId,
    /// Its number at its hypervisor.
    pub vmid: u32,
    /// The hosts of nodes where it was, the newest first.
    pub nodes: Vec<HostId>,
}

/// A series as a shard writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) host: i64,
    pub(super) metric: String,
    pub(super) tiers: Vec<String>,
    pub(super) step_s: i64,
    pub(super) at_s: Vec<i64>,
    pub(super) average: Vec<Option<f64>>,
    pub(super) maximum: Vec<Option<f64>>,
    pub(super) samples: Vec<u64>,
}

/// The first `count` and what comes behind the first `skipped` of the others.
fn joined<T: Clone>(earlier: &[T], later: &[T], (count, skipped): (usize, usize)) -> Vec<T> {
    earlier.iter().take(count).chain(later.iter().skip(skipped)).cloned().collect()
}

impl Piece {
    /// These points, and before them those of `earlier`.
    fn after(self, earlier: Self) -> Self {
        let known = |piece: &Self| {
            piece.average.iter().position(Option::is_some).and_then(|place| piece.at_s.get(place)).copied()
        };
        let Some(begins_s) = known(&self) else { return Self { host: self.host, metric: self.metric, ..earlier } };
        let count = earlier.at_s.iter().take_while(|at_s| **at_s < begins_s).count();
        let skipped = self.at_s.iter().take_while(|at_s| **at_s < begins_s).count();
        let counts = (count, skipped);
        Self {
            at_s: joined(&earlier.at_s, &self.at_s, counts),
            average: joined(&earlier.average, &self.average, counts),
            maximum: joined(&earlier.maximum, &self.maximum, counts),
            samples: joined(&earlier.samples, &self.samples, counts),
            ..self
        }
    }
}

impl HubClient {
    /// The answer of the shards to a question, for one host that is a guest.
    ///
    /// # Errors
    /// [`HubError`] when a shard has no answer.
    pub async fn series_of_guest(&self, query: &SeriesQuery, place: &Place) -> Result<Answer, HubError> {
        let names: Vec<String> = query.metrics.iter().map(|key| of_guest(place.vmid, key)).collect();
        let mut answer = Answer { complete: true, ..Answer::default() };
        let mut pieces: Vec<Option<Piece>> = names.iter().map(|_| None).collect();
        let mut unknown = query.metrics.clone();
        for node in &place.nodes {
            let asked = SeriesQuery { hosts: vec![*node], metrics: names.clone(), ..query.clone() };
            let told = self.series(&asked).await?;
            answer.complete &= told.complete;
            for (_, text) in told.series {
                let piece: Piece = serde_json::from_str(&text).map_err(|error| HubError::Corrupt(error.to_string()))?;
                let Some(at) = names.iter().position(|name| *name == piece.metric) else { continue };
                let Some(key) = query.metrics.get(at) else { continue };
                if !told.unknown.contains(&piece.metric) {
                    unknown.retain(|metric| metric != key);
                }
                let piece = Piece { host: place.guest.0, metric: key.clone(), ..piece };
                if let Some(slot) = pieces.get_mut(at) {
                    *slot = Some(match slot.take() {
                        Some(newer) => newer.after(piece),
                        None => piece,
                    });
                }
            }
        }
        for piece in pieces.into_iter().flatten() {
            let text = serde_json::to_string(&piece).map_err(|error| HubError::Corrupt(error.to_string()))?;
            answer.series.push((place.guest.0, text));
        }
        // Of a guest that is polled every built-in metric may be asked.
        unknown.retain(|metric| crate::hub::series::built_in(metric).is_none());
        answer.unknown = unknown;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(points: &[(i64, Option<f64>)]) -> Piece {
        Piece {
            host: 3,
            metric: "cpu_percent".to_owned(),
            tiers: vec![],
            step_s: 60,
            at_s: points.iter().map(|(at_s, _)| *at_s).collect(),
            average: points.iter().map(|(_, value)| *value).collect(),
            maximum: points.iter().map(|(_, value)| *value).collect(),
            samples: points.iter().map(|(_, value)| u64::from(value.is_some())).collect(),
        }
    }

    #[test]
    fn what_was_measured_on_the_node_before_comes_before() {
        let (newer, older) =
            (piece(&[(60, None), (120, Some(2.0))]), piece(&[(0, Some(0.5)), (60, Some(1.0)), (120, None)]));
        assert_eq!(newer.after(older), piece(&[(0, Some(0.5)), (60, Some(1.0)), (120, Some(2.0))]));
        let nothing = piece(&[(60, None)]);
        assert_eq!(nothing.after(piece(&[(0, Some(0.5))])), piece(&[(0, Some(0.5))]));
    }
}
