//! `/api/edgewatch/v1/alerts`.

use axum::extract::Path;
use axum::response::Response;
use edgewatch_core::dialects::native::{AcknowledgeRequest, AlertListReply, AlertPart};
use edgewatch_core::failure::Failure;
use http::Uri;

use super::auth::{Here, JsonOrNothing, Member};
use super::error::Refusal;
use crate::app::rules;
use crate::http::{answer, query};

/// How many alerts a page has at most, and when nothing is said.
const MAX_LIMIT: u32 = 500;
const DEFAULT_LIMIT: u32 = 100;

/// `GET /api/edgewatch/v1/alerts?state=&cursor=&limit=`: what is not as it should be, newest first; with `state=all` what was, too.
#[worker::send]
pub async fn list(Here(app): Here, Member(caller): Member, uri: Uri) -> Result<Response, Refusal> {
    let pairs = query::pairs(uri.query());
    let invalid =
        |field: &str, reason: &str| Refusal(Failure::Invalid { field: field.to_owned(), reason: reason.to_owned() });
    let is_open = match query::first(&pairs, "state") {
        "" | "open" => true,
        "all" => false,
        _ => return Err(invalid("state", "open or all")),
    };
    let limit = match query::first(&pairs, "limit") {
        "" => DEFAULT_LIMIT,
        text => text
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or_else(|| invalid("limit", "a number from 1 to 500"))?,
    };
    let before = Some(query::first(&pairs, "cursor")).filter(|cursor| !cursor.is_empty());
    let found = rules::list_alerts(&app, &caller, is_open, before, limit).await.map_err(Refusal)?;
    let is_full = u32::try_from(found.len()).is_ok_and(|count| count == limit);
    let cursor = found.last().filter(|_| is_full).map(|alert| alert.key.clone());
    let names = rules::acknowledgers(&app, &found).await.map_err(Refusal)?;
    let alerts = found.into_iter().map(|alert| AlertPart::from(alert).with_name(&names)).collect();
    Ok(answer::json(200, answer::JSON, &AlertListReply { alerts, cursor }))
}

/// `POST /api/edgewatch/v1/alerts/{key}/acknowledge`: somebody knows, and may note what. Doing it again changes the note alone.
#[worker::send]
pub async fn acknowledge(
    Here(app): Here,
    Member(caller): Member,
    Path(key): Path<String>,
    JsonOrNothing(request): JsonOrNothing<AcknowledgeRequest>,
) -> Result<Response, Refusal> {
    let alert = rules::acknowledge(&app, &caller, &key, request.note.as_deref()).await.map_err(Refusal)?;
    let names = rules::acknowledgers(&app, std::slice::from_ref(&alert)).await.map_err(Refusal)?;
    Ok(answer::json(200, answer::JSON, &AlertPart::from(alert).with_name(&names)))
}
