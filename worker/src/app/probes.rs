//! Probes: making them, and what came of them.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::probing::{
    self, DEFAULT_INTERVAL_S, MAX_INTERVAL_S, MAX_PROBES, MAX_TARGETS_BYTES, State, check_edge_target, check_target,
};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Audience, Credential, Host, HostId, Probe, ProbeId, ProbeSpec};

use super::visitor::Visitor;
use super::{App, actor};
use crate::hub::client::ProbeNews;
pub use crate::hub::probe_history::ProbePoints;
use crate::hub::probe_history::{Tallies, Tally};
use crate::platform::log;
use crate::store::settings::{self, HOSTS_VERSION};
use crate::store::{Statement, hosts, probes};

const MAX_NAME_CHARS: usize = 128;
/// How many hosts a probe may name.
const MAX_NAMED: usize = 5_000;
/// How many all probes together may name: the hub keeps the list in one row, and no row has more than 2 MB.
const MAX_NAMED_IN_ALL: usize = 50_000;
/// Of the name of a group of channels.
const MAX_GROUP_CHARS: usize = 64;
/// Days of availability, today included.
const DAYS: i64 = 30;
const DAY_S: i64 = 86_400;
/// No delay is longer than this, ms.
const MAX_DELAY_MS: f64 = 120_000.0;
/// Certificates that last longer are nobody's.
const MAX_CERTIFICATE_DAYS: u32 = 3_650;

/// How a probe fared.
#[derive(Debug, Clone, PartialEq)]
pub struct Fared {
    /// The probe.
    pub probe: Probe,
    /// By the results of all hosts.
    pub by_hosts: Figures,
    /// By the Worker's own, where it asks.
    pub by_edge: Option<Figures>,
    /// Some of what was said of it: by which host (0 is the Worker), and the words.
    pub notes: Vec<(i64, String)>,
}

/// What results amount to.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// By the newest thirty.
    pub state: State,
    /// The mean delay of the good ones of the last quarter of an hour, ms.
    pub delay_ms: Option<f64>,
    /// When the certificate ends that was seen last, Unix seconds.
    pub tls_expires_s: Option<i64>,
    /// By day, today last: how many there were, and how many of a hundred were good.
    pub days: Vec<(u64, Option<f64>)>,
}

/// Every probe, by number.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to read.
pub async fn list(app: &App, caller: &Credential) -> Result<Vec<Probe>, Failure> {
    require(caller, Right::Read)?;
    Ok(probes::list(&app.db).await?)
}

/// One probe.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none of this number.
pub async fn find(app: &App, caller: &Credential, id: ProbeId) -> Result<Probe, Failure> {
    let found = list(app, caller).await?.into_iter().find(|probe| probe.id == id);
    found.ok_or(Failure::NotFound { what: "probe" })
}

/// Makes a probe and tells every agent that it covers.
///
/// # Errors
/// [`Failure::Forbidden`] for callers who are no administrators; [`Failure::Invalid`] for what cannot be, a target that the edge cannot
/// reach included; [`Failure::Conflict`] when there are as many as there may be.
pub async fn create(app: &App, caller: &Credential, spec: ProbeSpec) -> Result<ProbeId, Failure> {
    require(caller, Right::Admin)?;
    let spec = checked(app, spec)?;
    let all = probes::list(&app.db).await?;
    if all.len() >= MAX_PROBES {
        return Err(Failure::Conflict { detail: format!("there are {MAX_PROBES} probes, and no more can be") });
    }
    require_room(&all, None, &spec)?;
    let with = with(app, caller, "probe.create", &spec.name)?;
    let id = probes::insert(&app.db, &spec, app.now_s(), with).await?;
    tell_hub(app).await;
    Ok(id)
}

/// Puts another probe in the place of one. `keep_edge`: what Nezha has no words for stays as it is, so whether the Worker asks, and how
/// many days before a certificate's end people are told.
///
/// # Errors
/// As [`create`]; [`Failure::NotFound`] when there is none of this number.
pub async fn update(
    app: &App,
    caller: &Credential,
    id: ProbeId,
    mut spec: ProbeSpec,
    keep_edge: bool,
) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let all = probes::list(&app.db).await?;
    let before = all.iter().find(|probe| probe.id == id).ok_or(Failure::NotFound { what: "probe" })?;
    if keep_edge {
        let notices = &mut spec.notices;
        if notices.of_state && before.spec.notices.certificate_days > 0 {
            notices.certificate_days = before.spec.notices.certificate_days;
        }
        // Who may see what stays as it was decided.
        spec.delays_public = before.spec.delays_public;
        // A target that the edge cannot reach is none of its own any more.
        spec.from_edge =
            before.spec.from_edge && (app.is_own_machine() || check_edge_target(spec.kind, &spec.target).is_ok());
    }
    let spec = checked(app, spec)?;
    require_room(&all, Some(id), &spec)?;
    let with = with(app, caller, "probe.update", &id.0.to_string())?;
    if !probes::update(&app.db, id, &spec, with).await? {
        return Err(Failure::NotFound { what: "probe" });
    }
    tell_hub(app).await;
    Ok(())
}

/// Deletes a probe. Its results are in no answer from then on.
///
/// # Errors
/// As [`update`].
pub async fn delete(app: &App, caller: &Credential, id: ProbeId) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    if !probes::list(&app.db).await?.iter().any(|probe| probe.id == id) {
        return Err(Failure::NotFound { what: "probe" });
    }
    let with = with(app, caller, "probe.delete", &id.0.to_string())?;
    if !probes::delete(&app.db, id, with).await? {
        return Err(Failure::NotFound { what: "probe" });
    }
    tell_hub(app).await;
    Ok(())
}

/// A host, and the delays that it saw in the last day: of each ping that covers it and has any, by number. Guests see those of which
/// they may.
///
/// # Errors
/// [`Failure::NotFound`] for an unknown host; [`Failure::Forbidden`] for one that is hidden from this visitor;
/// [`Failure::Unavailable`] when the hub or the database does not answer.
pub async fn delays(app: &App, visitor: &Visitor, id: HostId) -> Result<(Host, Vec<ProbePoints>), Failure> {
    let found = if id.0 > 0 { hosts::list_by_ids(&app.db, &[id]).await? } else { vec![] };
    let host = found.into_iter().next().ok_or(Failure::NotFound { what: "host" })?;
    if host.hidden_for_guest && !visitor.sees_hidden() {
        return Err(Failure::Forbidden { needs: "to see hidden hosts" });
    }
    let for_guests = !matches!(visitor, Visitor::Member(_));
    let points = app.hub()?.probe_points(id, for_guests).await?;
    Ok((host, points))
}

/// How probes fared in thirty days, and today's number of days since 1970. Guests see the public ones.
///
/// # Errors
/// [`Failure::Unavailable`] when the hub or the database does not answer.
pub async fn summary(app: &App, visitor: &Visitor) -> Result<(i64, Vec<Fared>), Failure> {
    let ProbeNews { probes, hosts: mut by_hosts, edge: mut by_edge, notes } = app.hub()?.probe_tallies().await?;
    let today = app.now_s().0.div_euclid(DAY_S);
    let is_member = matches!(visitor, Visitor::Member(_));
    let fared = |probe: Probe| Fared {
        by_hosts: figures(&taken(&mut by_hosts, probe.id), today),
        by_edge: probe.spec.from_edge.then(|| figures(&taken(&mut by_edge, probe.id), today)),
        notes: notes
            .iter()
            .filter(|(id, ..)| *id == probe.id.0)
            .map(|(_, host, words)| (*host, words.clone()))
            .collect(),
        probe,
    };
    let shown = probes.into_iter().filter(|probe| is_member || probe.spec.is_public);
    Ok((today, shown.map(fared).collect()))
}

fn taken(tallies: &mut Tallies, id: ProbeId) -> Tally {
    tallies.remove(&id.0).unwrap_or_default()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "counts")]
fn figures(tally: &Tally, today: i64) -> Figures {
    let (sum_ms, count) = tally.recent_delays;
    let day = |day: i64| {
        let (all, up) = tally.days.get(&day).copied().unwrap_or_default();
        // Means of means: to a thousandth of a percent.
        (all.round() as u64, (all > 0.0).then(|| (up / all * 100_000.0).round() / 1_000.0))
    };
    Figures {
        state: tally.availability().state(),
        delay_ms: (count > 0).then(|| (sum_ms / count as f64 * 100.0).round() / 100.0),
        tls_expires_s: tally.tls_expires_s,
        days: (today - DAYS + 1..=today).map(day).collect(),
    }
}

/// The probe as it is stored, when it can be.
fn checked(app: &App, mut spec: ProbeSpec) -> Result<ProbeSpec, Failure> {
    let invalid = |field: &str, reason: String| Err(Failure::Invalid { field: field.to_owned(), reason });
    if spec.name.is_empty() || spec.name.chars().count() > MAX_NAME_CHARS {
        return invalid("name", format!("1 to {MAX_NAME_CHARS} characters"));
    }
    if let Err(error) = check_target(spec.kind, &spec.target) {
        return invalid("target", error.to_string());
    }
    if spec.from_edge
        && !app.is_own_machine()
        && let Err(error) = check_edge_target(spec.kind, &spec.target)
    {
        return invalid("target", error.to_string());
    }
    if spec.from_edge && spec.kind == edgewatch_core::model::ProbeKind::Icmp {
        return invalid("target", probing::TargetError::NoPings.to_string());
    }
    if spec.interval_s == 0 {
        spec.interval_s = DEFAULT_INTERVAL_S;
    }
    if spec.interval_s > MAX_INTERVAL_S {
        return invalid("interval_s", format!("at most {MAX_INTERVAL_S}"));
    }
    if spec.coverage.named().len() > MAX_NAMED {
        return invalid("hosts", format!("at most {MAX_NAMED}"));
    }
    if spec.notices.group.chars().count() > MAX_GROUP_CHARS || spec.notices.group.chars().any(char::is_control) {
        return invalid("group", format!("at most {MAX_GROUP_CHARS} characters"));
    }
    if Audience::is_like(&spec.notices.group) {
        return invalid("group", "stands for a monitor".to_owned());
    }
    let (min_ms, max_ms) = (spec.notices.min_delay_ms, spec.notices.max_delay_ms);
    if ![min_ms, max_ms].iter().all(|bound| (0.0..=MAX_DELAY_MS).contains(bound)) {
        return invalid("notify", format!("delays from 0 to {MAX_DELAY_MS} ms"));
    }
    if spec.notices.certificate_days > MAX_CERTIFICATE_DAYS {
        return invalid("notify.certificate_days", format!("at most {MAX_CERTIFICATE_DAYS}"));
    }
    Ok(spec)
}

fn require_room(all: &[Probe], instead_of: Option<ProbeId>, spec: &ProbeSpec) -> Result<(), Failure> {
    let others = all.iter().filter(|probe| Some(probe.id) != instead_of);
    let bytes: usize = others.clone().map(|probe| probe.spec.target.len()).sum();
    if bytes + spec.target.len() > MAX_TARGETS_BYTES {
        let detail = format!("the targets of all probes together have at most {MAX_TARGETS_BYTES} bytes");
        return Err(Failure::Conflict { detail });
    }
    let named: usize = others.map(|probe| probe.spec.coverage.named().len()).sum();
    if named + spec.coverage.named().len() > MAX_NAMED_IN_ALL {
        let detail = format!("all probes together name at most {MAX_NAMED_IN_ALL} hosts");
        return Err(Failure::Conflict { detail });
    }
    Ok(())
}

/// What goes with every change: its audit row, and the number by which the hub finds out when it cannot be told.
fn with(app: &App, caller: &Credential, action: &str, subject: &str) -> Result<Vec<Statement>, Failure> {
    Ok(vec![app.audit(&actor(caller), action, subject)?, settings::bump(HOSTS_VERSION)])
}

/// Tells the hub, which tells agents. Where that fails, the schedule's next run does it.
async fn tell_hub(app: &App) {
    if let Some(hub) = &app.hub
        && let Err(error) = hub.probes_changed().await
    {
        log::error("probes.changed", &error.to_string());
    }
}

#[cfg(test)]
mod tests;
