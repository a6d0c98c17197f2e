//! `/api/v0/graph-defs`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{read_graph_def_name, read_graph_defs};
use http::Request;

use super::auth::{ReadsWrites, read};
use super::error::Refusal;
use super::hosts::done;
use crate::app::mackerel::graph_defs;

/// `POST /graph-defs/create`: how metrics are drawn, in the place of what was said of them before.
#[worker::send]
pub async fn create(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    let defs = read_graph_defs(&read(request).await?)?;
    graph_defs::put(&app, &party, &defs).await?;
    Ok(done())
}

/// `DELETE /graph-defs`: the one that the body names.
#[worker::send]
pub async fn delete(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    party.of_all()?;
    let name = read_graph_def_name(&read(request).await?)?;
    graph_defs::delete(&app, &party, &name).await?;
    Ok(done())
}
