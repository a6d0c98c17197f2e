//! `/api/edgewatch/v1/backup` and `/api/edgewatch/v1/restore`.

use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::native::{
    BackupHead, FORMAT, RestoreFinishReply, RestoreFinishRequest, RestoreReply, VERSION,
};
use edgewatch_core::failure::Failure;
use http::{HeaderMap, StatusCode, Uri};

use super::auth::{Here, Json, Member};
use super::error::Refusal;
use crate::app::backup::{self, Head};
use crate::http::{answer, body, query};

/// One call of a restore: a row of D1 is 2 MB at most, and hexadecimal text is twice as long as bytes. Source: design, "The native API".
const CAP_BYTES: usize = 8 * 1024 * 1024;

/// `GET /api/edgewatch/v1/backup`: the head of a backup.
#[worker::send]
pub async fn head(Here(app): Here, Member(caller): Member) -> Result<Response, Refusal> {
    let head = backup::head(&app, &caller).await.map_err(Refusal)?;
    let reply = BackupHead {
        format: FORMAT.to_owned(),
        version: VERSION,
        schema: head.schema,
        edgewatch: env!("CARGO_PKG_VERSION").to_owned(),
        made_at_s: app.now_s().0,
        parts: head.parts,
    };
    Ok(answer::json(200, answer::JSON, &reply))
}

/// `GET /api/edgewatch/v1/backup/{part}?cursor=`: a page of it.
#[worker::send]
pub async fn page(
    Here(app): Here,
    Member(caller): Member,
    Path(part): Path<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let pairs = query::pairs(uri.query());
    let cursor = Some(query::first(&pairs, "cursor")).filter(|cursor| !cursor.is_empty()).map(str::to_owned);
    let page = backup::page(&app, &caller, &part, cursor).await.map_err(Refusal)?;
    Ok(answer::with_payload(200, answer::JSON, page))
}

/// `POST /api/edgewatch/v1/restore`: begins to restore a backup with this head.
#[worker::send]
pub async fn begin(Here(app): Here, Member(caller): Member, Json(head): Json<BackupHead>) -> Result<Response, Refusal> {
    let invalid = |field: &str, reason: String| Refusal(Failure::Invalid { field: field.to_owned(), reason });
    if head.format != FORMAT {
        return Err(invalid("format", format!("is no {FORMAT}")));
    }
    if head.version != VERSION {
        return Err(invalid("version", format!("is {}, and this version of Edgewatch knows {VERSION}", head.version)));
    }
    let wanted = Head { schema: head.schema, parts: head.parts };
    backup::begin(&app, &caller, &wanted).await.map_err(Refusal)?;
    Ok(answer::json(200, answer::JSON, &RestoreReply { parts: wanted.parts }))
}

/// `POST /api/edgewatch/v1/restore/{part}/{seq}`: rows of one table.
#[worker::send]
pub async fn fill(
    Here(app): Here,
    Member(caller): Member,
    Path((part, seq)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let seq = seq.parse().map_err(|_| Refusal(Failure::NotFound { what: "page" }))?;
    let bytes = body::read(&headers, body, CAP_BYTES).await.map_err(Refusal)?;
    backup::fill(&app, &caller, &part, seq, bytes).await.map_err(Refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/edgewatch/v1/restore/finish`: lets it take effect.
#[worker::send]
pub async fn finish(
    Here(app): Here,
    Member(caller): Member,
    Json(request): Json<RestoreFinishRequest>,
) -> Result<Response, Refusal> {
    let rows = backup::finish(&app, &caller, &request.rows).await.map_err(Refusal)?;
    Ok(answer::json(200, answer::JSON, &RestoreFinishReply { rows }))
}

/// `DELETE /api/edgewatch/v1/restore`: gives it up.
#[worker::send]
pub async fn give_up(Here(app): Here, Member(caller): Member) -> Result<Response, Refusal> {
    backup::give_up(&app, &caller).await.map_err(Refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
