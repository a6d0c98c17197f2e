//! `list`, `details` and `register`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::nezha::{self, ServerQuery};
use edgewatch_core::model::Credential;
use http::{HeaderMap, Request, Uri};

use super::auth::{Here, Member, Onlooker};
use super::error::{Refusal, RegisterRefusal};
use crate::app::App;
use crate::app::hosts::{self, Selection};
use crate::dialects::Caller;
use crate::http::{answer, body, query};

/// `GET /api/v1/server/list?tag=`: every server, or those of one group.
#[worker::send]
pub async fn list(Here(app): Here, Onlooker(reader): Onlooker, uri: Uri) -> Result<Response, Refusal> {
    let ServerQuery { tag, .. } = parse(&uri);
    let selection = if tag.is_empty() { Selection::All } else { Selection::Tag(tag) };
    let list = hosts::list(&app, &reader, selection, &nezha::LIST).await.map_err(Refusal)?;
    Ok(answer::with_payload(200, answer::JSON_UTF8, list))
}

/// `GET /api/v1/server/details?id=&tag=`: the servers asked for, all of them by default. `id` wins over `tag`.
#[worker::send]
pub async fn details(Here(app): Here, Onlooker(reader): Onlooker, uri: Uri) -> Result<Response, Refusal> {
    let ServerQuery { id, tag } = parse(&uri);
    let selection = match (id.is_empty(), tag.is_empty()) {
        (false, _) => Selection::Ids(nezha::parse_ids(&id)),
        (true, false) => Selection::Tag(tag),
        (true, true) => Selection::All,
    };
    let details = hosts::list(&app, &reader, selection, &nezha::DETAILS).await.map_err(Refusal)?;
    Ok(answer::with_payload(200, answer::JSON_UTF8, details))
}

/// `POST /api/v1/server/register?simple=`: a new server, and its secret this once.
#[worker::send]
pub async fn register(
    Here(app): Here,
    Member(caller): Member,
    from: Caller,
    request: Request<Body>,
) -> Result<Response, RegisterRefusal> {
    let simple = nezha::is_simple(query::first(&query::pairs(request.uri().query()), "simple"));
    let (parts, body) = request.into_parts();
    let secret = make(&app, &caller, &from, &parts.headers, body).await;
    let secret = secret.map_err(|failure| RegisterRefusal { failure, simple })?;
    Ok(if simple {
        answer::json(200, answer::JSON_UTF8, &secret)
    } else {
        answer::json(200, answer::JSON_UTF8, &nezha::RegisterReply::of(secret))
    })
}

async fn make(
    app: &App,
    caller: &Credential,
    from: &Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<String, edgewatch_core::failure::Failure> {
    let body = body::read(headers, body, body::DEFAULT_CAP_BYTES).await?;
    let address = from.address.map(|address| address.to_string()).unwrap_or_default();
    let registration = nezha::RegisterRequest::parse(&body)?.into_registration(&address);
    hosts::register(app, caller, registration).await
}

fn parse(uri: &Uri) -> ServerQuery {
    let pairs = query::pairs(uri.query());
    ServerQuery::from_pairs(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}
