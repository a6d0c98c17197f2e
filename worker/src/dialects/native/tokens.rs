//! `/api/edgewatch/v1/tokens`.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::native::{TokenListReply, TokenPart, TokenReply, TokenRequest};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{AddressRange, ListedToken, Scopes, TokenKind};
use http::StatusCode;

use super::auth::{Here, Json, Member};
use super::error::Refusal;
use crate::app::tokens::{self, Wanted};
use crate::http::answer;

const MAX_NOTE_CHARS: usize = 200;
const MAX_RANGES: usize = 32;

/// `GET /api/edgewatch/v1/tokens`: every token without its text, oldest first.
#[worker::send]
pub async fn list(Here(app): Here, Member(caller): Member) -> Result<Response, Refusal> {
    let tokens = tokens::list(&app, &caller).await.map_err(Refusal)?;
    let reply = TokenListReply { tokens: tokens.into_iter().map(part).collect() };
    Ok(answer::json(200, answer::JSON, &reply))
}

/// `POST /api/edgewatch/v1/tokens`: a new token, shown this once.
#[worker::send]
pub async fn create(
    Here(app): Here,
    Member(caller): Member,
    Json(request): Json<TokenRequest>,
) -> Result<Response, Refusal> {
    let (id, token) = tokens::create(&app, &caller, wanted(request).map_err(Refusal)?).await.map_err(Refusal)?;
    Ok(answer::json(201, answer::JSON, &TokenReply { id, token }))
}

/// `DELETE /api/edgewatch/v1/tokens/{id}`: the token is dead at once.
#[worker::send]
pub async fn revoke(Here(app): Here, Member(caller): Member, Path(id): Path<String>) -> Result<Response, Refusal> {
    let id = id.parse().map_err(|_| Refusal(Failure::NotFound { what: "token" }))?;
    tokens::revoke(&app, &caller, id).await.map_err(Refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn wanted(request: TokenRequest) -> Result<Wanted, Failure> {
    let invalid = |field: &str, reason: &str| Failure::Invalid { field: field.to_owned(), reason: reason.to_owned() };
    if request.note.chars().count() > MAX_NOTE_CHARS {
        return Err(invalid("note", "at most 200 characters"));
    }
    let kind = match request.kind.as_deref() {
        None | Some("api") => TokenKind::Api,
        Some("agent") => TokenKind::Agent,
        Some(_) => return Err(invalid("kind", "api or agent")),
    };
    let mut scopes = Scopes::default();
    match (kind, request.scopes) {
        (TokenKind::Api, None) => scopes.read = true,
        (TokenKind::Api, Some(words)) => {
            for word in words {
                match word.as_str() {
                    "read" => scopes.read = true,
                    "write" => scopes.write = true,
                    "register" => scopes.register = true,
                    "admin" => scopes.admin = true,
                    _ => return Err(invalid("scopes", "of read, write, register, admin")),
                }
            }
        }
        (TokenKind::Agent, None) => {}
        (TokenKind::Agent, Some(_)) => {
            return Err(invalid("scopes", "an agent's token takes none"));
        }
    }
    let mut address_ranges = Vec::with_capacity(request.address_ranges.len());
    for text in &request.address_ranges {
        let range = AddressRange::parse(text).ok_or_else(|| invalid("address_ranges", "such as 10.0.0.0/8"))?;
        address_ranges.push(range);
    }
    if address_ranges.len() > MAX_RANGES {
        return Err(invalid("address_ranges", "at most 32"));
    }
    let (expires_in_s, uses) = (request.expires_in_s, request.uses);
    Ok(Wanted { kind, scopes, note: request.note, expires_in_s, uses, address_ranges })
}

fn part(listed: ListedToken) -> TokenPart {
    let token = listed.token;
    TokenPart {
        id: token.id,
        tail: listed.tail,
        kind: match token.kind {
            TokenKind::Api => "api",
            TokenKind::Agent => "agent",
        },
        scopes: token.scopes.words(),
        note: token.note,
        created_at_s: listed.created_at.0,
        expires_at_s: token.expires_at.map(|at| at.0),
        uses_left: token.uses_left,
        address_ranges: token.address_ranges.iter().map(ToString::to_string).collect(),
        last_use_s: token.last_use.map(|at| at.0),
    }
}
