//! Guests of hypervisors, whose series lie with those of the nodes they were on; and hosts that others were merged into.

use edgewatch_core::failure::Failure;
use edgewatch_core::metrics::{self, mackerel, of_guest};
use edgewatch_core::model::{Host, HostId, SeriesQuery};

use super::App;
use crate::hub::client::guests::Place;
use crate::hub::posted::wire::PointsQuery;
use crate::hub::series::Answer;
use crate::hub::{HubError, client::HubClient};
use crate::store::hosts;
use crate::store::proxmox::hosts::{self as parts, Part};

/// Where the series of a guest lie; `None` of what is no guest.
fn place(part: Part) -> Option<Place> {
    let vmid = part.key.strip_prefix("guest/")?.parse().ok()?;
    Some(Place { guest: part.host, vmid, nodes: part.nodes })
}

/// Where the series of those of these hosts lie that are guests: 2 rows read for each.
pub(super) async fn places(app: &App, hosts: &[Host]) -> Result<Vec<Place>, Failure> {
    let guests: Vec<HostId> = hosts.iter().filter(|host| host.class.is_guest()).map(|host| host.id).collect();
    if guests.is_empty() {
        return Ok(Vec::new());
    }
    Ok(parts::find(&app.db, &guests).await?.into_iter().filter_map(place).collect())
}

/// The answer of the hub to a question about hosts, guests of these places among them, and such that others were merged into.
pub(super) async fn series(
    hub: &HubClient,
    query: &SeriesQuery,
    places: &[Place],
    found: &[Host],
) -> Result<Answer, HubError> {
    let merged: Vec<&Host> = found.iter().filter(|host| !host.absorbed.is_empty()).collect();
    if places.is_empty() && merged.is_empty() {
        return hub.series(query).await;
    }
    let is_apart =
        |id: &HostId| places.iter().any(|place| place.guest == *id) || merged.iter().any(|host| host.id == *id);
    let others: Vec<HostId> = query.hosts.iter().copied().filter(|id| !is_apart(id)).collect();
    let mut answers = Vec::new();
    if !others.is_empty() {
        answers.push(hub.series(&SeriesQuery { hosts: others, ..query.clone() }).await?);
    }
    for host in merged {
        answers.push(hub.series_of_merged(query, host.id, &host.absorbed).await?);
    }
    for place in places {
        answers.push(hub.series_of_guest(query, place).await?);
    }
    Ok(Answer::join(answers, &query.hosts))
}

/// The points of a metric by its name in Mackerel, of a host that is a guest: second and value. `None` of what is no guest, or has no
/// such metric.
pub(super) async fn points(
    app: &App,
    of: HostId,
    name: &str,
    (from_s, to_s): (i64, i64),
) -> Result<Option<Vec<(i64, f64)>>, Failure> {
    let Some(derived) = mackerel::derived(name) else { return Ok(None) };
    let found = hosts::list_by_ids(&app.db, &[of]).await?;
    let Some(place) = places(app, &found).await?.pop() else { return Ok(None) };
    let Some(definition) = metrics::ALL.iter().find(|one| one.metric == derived.metric) else { return Ok(None) };
    let facts = found.first().and_then(|host| host.facts.as_ref());
    let mut all: Vec<(i64, f64)> = Vec::new();
    for node in &place.nodes {
        let name = of_guest(place.vmid, definition.key);
        let (points, _) = app.hub()?.points(&PointsQuery { of: node.0, name, from_s, to_s }).await?;
        let points = points.unwrap_or_default();
        all.extend(points.into_iter().filter_map(|(at_s, value)| Some((at_s, derived.value(value, facts)?))));
    }
    all.sort_by_key(|(at_s, _)| *at_s);
    all.dedup_by_key(|(at_s, _)| *at_s);
    Ok(Some(all))
}
