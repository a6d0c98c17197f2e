//! `/api/edgewatch/v1/audit`.

use axum::response::Response;
use edgewatch_core::dialects::native::{AuditListReply, AuditPart};
use http::Uri;

use super::auth::{Here, Member};
use super::error::Refusal;
use super::paging;
use crate::app::fleet;
use crate::http::{answer, query};

/// `GET /api/edgewatch/v1/audit?cursor=&limit=`: who changed what, newest first.
#[worker::send]
pub async fn list(Here(app): Here, Member(caller): Member, uri: Uri) -> Result<Response, Refusal> {
    let pairs = query::pairs(uri.query());
    let limit = paging::limit(&pairs)?;
    let found = fleet::audit(&app, &caller, paging::cursor(&pairs), limit).await.map_err(Refusal)?;
    let cursor = paging::next(&found, limit, |entry| entry.key.clone());
    let changes = found.into_iter().map(AuditPart::from).collect();
    Ok(answer::json(200, answer::JSON, &AuditListReply { changes, cursor }))
}
