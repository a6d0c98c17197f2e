//! `/api/edgewatch/v1/series` and `/api/edgewatch/v1/hosts/{id}/metrics`.

use axum::extract::Path;
use axum::response::Response;
use edgewatch_core::dialects::native::{SeriesNamesReply, read_series_query, series_reply};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::HostId;
use http::Uri;

use super::auth::{Here, Member};
use super::error::Refusal;
use crate::app::series;
use crate::http::{answer, query};

/// `GET /api/edgewatch/v1/series?hosts=&metrics=&from=&to=&points=`: history as columns.
#[worker::send]
pub async fn read(Here(app): Here, Member(caller): Member, uri: Uri) -> Result<Response, Refusal> {
    let pairs = query::pairs(uri.query());
    let pairs = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let query = read_series_query(pairs, app.now_s()).map_err(Refusal)?;
    let history = series::read(&app, &caller, &query).await.map_err(Refusal)?;
    let reply = series_reply(query.from, query.to, history.complete, &history.pieces);
    Ok(answer::with_body(200, answer::JSON, reply.into_bytes()))
}

/// `GET /api/edgewatch/v1/hosts/{id}/metrics`: what may be asked of a host's series beside the built-in metrics.
#[worker::send]
pub async fn names(Here(app): Here, Member(caller): Member, Path(id): Path<String>) -> Result<Response, Refusal> {
    let host = id.parse().map_err(|_| Refusal(Failure::NotFound { what: "host" }))?;
    let there_is = series::inventory(&app, &caller, HostId(host)).await.map_err(Refusal)?;
    let reply = SeriesNamesReply {
        host,
        metrics: there_is.names,
        checks: there_is.has_checks,
        packages: there_is.has_packages,
    };
    Ok(answer::json(200, answer::JSON, &reply))
}
