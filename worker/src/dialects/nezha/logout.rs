//! `POST /api/logout`. Source: nezha specification, 2.2.

use axum::response::Response;
use edgewatch_core::dialects::nezha::{AdminReply, Form};
use http::HeaderMap;

use super::auth::{Here, Person, Raw};
use super::error::AdminRefusal;
use crate::app::session;
use crate::dialects::context;
use crate::http::{answer, credential};

/// `POST /api/logout` with one's own id: the session is over.
#[worker::send]
pub async fn log_out(
    Here(app): Here,
    Person(caller): Person,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, AdminRefusal> {
    let id = Form::parse(&body).and_then(|form| form.int("ID")).map_err(AdminRefusal)?;
    let cookies = credential::session_cookies(&headers);
    session::close_of(&app, &caller, id, &cookies).await.map_err(AdminRefusal)?;
    let mut response = answer::json(200, answer::JSON_UTF8, &AdminReply::DONE);
    context::clear_session_cookies(&mut response, &app, &headers).map_err(AdminRefusal)?;
    Ok(response)
}
