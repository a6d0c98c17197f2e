//! `/api/edgewatch/v1/users`.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::native::{AccountPart, MadeUserReply, UserChangeRequest, UserListReply, UserRequest};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Role;
use http::StatusCode;

use super::auth::{Here, Json, Member};
use super::error::Refusal;
use crate::app::accounts::{self, Change, Wanted};
use crate::http::answer;

/// `GET /api/edgewatch/v1/users`: everybody, oldest first.
#[worker::send]
pub async fn list(Here(app): Here, Member(caller): Member) -> Result<Response, Refusal> {
    let accounts = accounts::list(&app, &caller).await.map_err(Refusal)?;
    let reply = UserListReply { users: accounts.into_iter().map(AccountPart::from).collect() };
    Ok(answer::json(200, answer::JSON, &reply))
}

/// `POST /api/edgewatch/v1/users`: a new account.
#[worker::send]
pub async fn create(
    Here(app): Here,
    Member(caller): Member,
    Json(request): Json<UserRequest>,
) -> Result<Response, Refusal> {
    let role = role(request.role.as_deref()).map_err(Refusal)?.unwrap_or(Role::Viewer);
    let wanted = Wanted { name: request.username, role, password: request.password, email: request.email };
    let id = accounts::create(&app, &caller, wanted).await.map_err(Refusal)?;
    Ok(answer::json(201, answer::JSON, &MadeUserReply { id }))
}

/// `PATCH /api/edgewatch/v1/users/{id}`: another role, password or address.
#[worker::send]
pub async fn change(
    Here(app): Here,
    Member(caller): Member,
    Path(id): Path<String>,
    Json(request): Json<UserChangeRequest>,
) -> Result<Response, Refusal> {
    let role = role(request.role.as_deref()).map_err(Refusal)?;
    let change = Change { role, password: request.password, email: request.email };
    accounts::change(&app, &caller, number(&id)?, change).await.map_err(Refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `DELETE /api/edgewatch/v1/users/{id}`: the account with its sessions and tokens.
#[worker::send]
pub async fn remove(Here(app): Here, Member(caller): Member, Path(id): Path<String>) -> Result<Response, Refusal> {
    accounts::remove(&app, &caller, number(&id)?).await.map_err(Refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn role(word: Option<&str>) -> Result<Option<Role>, Failure> {
    let invalid = || Failure::Invalid { field: "role".to_owned(), reason: "admin or viewer".to_owned() };
    word.map(|word| Role::parse(word).ok_or_else(invalid)).transpose()
}

fn number(id: &str) -> Result<i64, Refusal> {
    id.parse().map_err(|_| Refusal(Failure::NotFound { what: "user" }))
}
