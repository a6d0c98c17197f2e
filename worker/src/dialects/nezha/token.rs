//! `/api/token`: tokens that open `/api/v1/`. Source: nezha specification, 7.1 and 17.

use axum::extract::Path;
use axum::response::Response;
use edgewatch_core::dialects::nezha;
use edgewatch_core::failure::Failure;

use super::auth::{Admin, Here, Raw};
use super::error::AdminRefusal;
use crate::app::tokens;
use crate::http::answer;

/// `GET /api/token`: one's own tokens, masked.
#[worker::send]
pub async fn list(Here(app): Here, Admin(caller): Admin) -> Result<Response, AdminRefusal> {
    let tokens = tokens::list_own(&app, &caller).await.map_err(AdminRefusal)?;
    Ok(answer::json(200, answer::JSON_UTF8, &nezha::TokenListReply::of(tokens)))
}

/// `POST /api/token`: a new token, which reads and registers; shown this once.
#[worker::send]
pub async fn create(Here(app): Here, Admin(caller): Admin, Raw(body): Raw) -> Result<Response, AdminRefusal> {
    let note = nezha::read_token_note(&body).map_err(AdminRefusal)?;
    let made = tokens::create_plain(&app, &caller, note.clone(), nezha::TOKEN_CHARS).await;
    let token = made.map_err(AdminRefusal)?;
    Ok(answer::json(200, answer::JSON_UTF8, &nezha::TokenReply::of(note, token)))
}

/// `DELETE /api/token/{token}`: by the token or by its masked form. It is dead at once.
#[worker::send]
pub async fn delete(Here(app): Here, Admin(caller): Admin, Path(text): Path<String>) -> Result<Response, AdminRefusal> {
    let unknown = || Ok(answer::json(200, answer::JSON_UTF8, &nezha::TokenDeletedReply::UNKNOWN));
    let own = tokens::find_own(&app, &caller, nezha::read_masked_token(&text), &text).await.map_err(AdminRefusal)?;
    let Some(id) = own else { return unknown() };
    match tokens::revoke(&app, &caller, id).await {
        Ok(()) => Ok(answer::json(200, answer::JSON_UTF8, &nezha::TokenDeletedReply::DONE)),
        Err(Failure::NotFound { .. }) => unknown(),
        Err(failure) => Err(AdminRefusal(failure)),
    }
}
