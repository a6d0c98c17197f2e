//! Graphs of a service's metrics: nobody makes them, they are there with the metrics. One that is deleted takes its metrics with it,
//! until they are posted anew; what was posted before then is not shown again.

use edgewatch_core::domain::posted::is_in_graph;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::HostId;
use edgewatch_core::units::UnixSeconds;

use super::find_service;
use crate::app::identity::Party;
use crate::app::{App, actor};
use crate::store::mackerel::service_graphs;

/// Deletes a graph of a service, by the beginning of its metrics' names and `*`.
///
/// # Errors
/// [`Failure::NotFound`] when there is no such service, or it has no metric in this graph; [`Failure::Unavailable`] when nobody
/// answers.
pub async fn delete(app: &App, party: &Party, service: &str, graph: &str) -> Result<(), Failure> {
    let of = find_service(app, party, service).await?;
    let (names, _) = app.hub()?.metric_names(of).await?;
    let names = Deleted::of(app, service).await?.without(app, of, names).await?;
    if !names.iter().any(|name| is_in_graph(name, graph)) {
        return Err(Failure::NotFound { what: "graph definition" });
    }
    let audit = app.audit(&actor(&party.credential), "service_graph.delete", &format!("{service}: {graph}"))?;
    app.db.batch(vec![service_graphs::put(service, graph, app.now_s()), audit]).await?;
    Ok(())
}

/// The graphs of a service that were deleted, and when.
pub(super) struct Deleted(Vec<(String, UnixSeconds)>);

impl Deleted {
    /// From the database: a row read for each.
    pub(super) async fn of(app: &App, service: &str) -> Result<Self, Failure> {
        Ok(Self(service_graphs::list(&app.db, service).await?))
    }

    /// Since when the points of a metric are shown; `None` for all of them.
    pub(super) fn since(&self, name: &str) -> Option<UnixSeconds> {
        self.0.iter().filter(|(graph, _)| is_in_graph(name, graph)).map(|(_, at)| *at).max()
    }

    /// Those of the names of a service's metrics that are shown: the hub is asked only where a graph of theirs was deleted.
    pub(super) async fn without(&self, app: &App, of: HostId, names: Vec<String>) -> Result<Vec<String>, Failure> {
        let doubted: Vec<String> = names.iter().filter(|name| self.since(name).is_some()).cloned().collect();
        if doubted.is_empty() {
            return Ok(names);
        }
        let (mut latest, _) = app.hub()?.latest(&[of], &doubted).await?;
        let newest = latest.remove(&of.0).unwrap_or_default();
        let is_back = |name: &String| {
            let place = doubted.iter().position(|one| one == name);
            let Some((place, since)) = place.zip(self.since(name)) else { return true };
            newest.get(place).copied().flatten().is_some_and(|(at_s, _)| at_s >= since.0)
        };
        Ok(names.into_iter().filter(is_back).collect())
    }
}
