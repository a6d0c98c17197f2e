//! `/api/edgewatch/v1/series`.

use axum::response::Response;
use edgewatch_core::dialects::native::{read_series_query, series_reply};
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
