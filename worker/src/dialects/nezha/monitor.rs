//! Service monitors.

use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use edgewatch_core::dialects::nezha::{self, AdminReply, MonitorForm, MonitorReply, MonitorSeries};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, ProbeId};
use http::Request;

use super::auth::{Admin, Here, Visiting};
use super::error::{AdminRefusal, MonitorRefusal};
use crate::app::{App, probes};
use crate::http::{answer, body};

/// `GET /api/v1/monitor/{id}`: the delays of a server's last day, by monitor.
#[worker::send]
pub async fn delays(
    Here(app): Here,
    Visiting(visitor): Visiting,
    Path(id): Path<String>,
) -> Result<Response, MonitorRefusal> {
    let id = nezha::parse_server_id(&id).map_err(MonitorRefusal)?;
    let (host, series) = probes::delays(&app, &visitor, id).await.map_err(MonitorRefusal)?;
    let part = |one: probes::ProbePoints| MonitorSeries::of((one.id, one.name), (host.id.0, &host.name), &one.points);
    Ok(answer::json(200, answer::JSON_UTF8, &MonitorReply::of(series.into_iter().map(part).collect())))
}

/// `POST /api/monitor`: a new monitor, or another one in the place of the one with this `ID`.
#[worker::send]
pub async fn save(Here(app): Here, Admin(caller): Admin, request: Request<Body>) -> Result<Response, AdminRefusal> {
    let (parts, body) = request.into_parts();
    let bytes = body::read(&parts.headers, body, body::DEFAULT_CAP_BYTES).await.map_err(AdminRefusal)?;
    let MonitorForm { id, spec } = MonitorForm::parse(&bytes).map_err(AdminRefusal)?;
    match id {
        Some(id) => probes::update(&app, &caller, id, spec, true).await,
        None => probes::create(&app, &caller, spec).await.map(drop),
    }
    .map_err(AdminRefusal)?;
    Ok(answer::json(200, answer::JSON_UTF8, &AdminReply::DONE))
}

/// Deletes a monitor. Quirk: one that there is not is as good as deleted.
///
/// # Errors
/// As [`probes::delete`], but for that.
pub async fn delete(app: &App, caller: &Credential, id: i64) -> Result<(), Failure> {
    match probes::delete(app, caller, ProbeId(id)).await {
        Err(Failure::NotFound { .. }) => Ok(()),
        done => done,
    }
}
