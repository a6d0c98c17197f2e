//! The admin routes of servers, and deleting of anything.

use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use edgewatch_core::dialects::nezha::{AdminReply, ErrorReply, GroupForm, SearchReply, ServerForm, parse_ids_body};
use edgewatch_core::model::{HostId, RuleId};
use http::{Request, Uri};

use super::auth::{Admin, Here};
use super::error::AdminRefusal;
use super::monitor;
use crate::app::{channels, host_admin, rules};
use crate::http::{answer, body, query};

/// What a write answers that was carried out.
pub fn done() -> Response {
    answer::json(200, answer::JSON_UTF8, &AdminReply::DONE)
}

/// The body of an admin route.
///
/// # Errors
/// [`AdminRefusal`] for one that cannot be read or is too large.
pub async fn read(request: Request<Body>) -> Result<Vec<u8>, AdminRefusal> {
    let (parts, body) = request.into_parts();
    body::read(&parts.headers, body, body::DEFAULT_CAP_BYTES).await.map_err(AdminRefusal)
}

/// `POST /api/server`: makes a server, or replaces all that is said of one.
#[worker::send]
pub async fn save(Here(app): Here, Admin(caller): Admin, request: Request<Body>) -> Result<Response, AdminRefusal> {
    let form = ServerForm::parse(&read(request).await?).map_err(AdminRefusal)?;
    let saved = match form.id {
        0 => host_admin::create(&app, &caller, form.edit).await,
        id => host_admin::edit(&app, &caller, HostId(id), &form.edit).await,
    };
    saved.map_err(AdminRefusal)?;
    Ok(done())
}

/// `POST /api/batch-update-server-group`: puts servers into a group.
#[worker::send]
pub async fn set_group(
    Here(app): Here,
    Admin(caller): Admin,
    request: Request<Body>,
) -> Result<Response, AdminRefusal> {
    let form = GroupForm::parse(&read(request).await?).map_err(AdminRefusal)?;
    host_admin::set_group(&app, &caller, &form.servers, &form.group).await.map_err(AdminRefusal)?;
    Ok(done())
}

/// `POST /api/batch-delete-server`: deletes servers.
#[worker::send]
pub async fn delete_many(
    Here(app): Here,
    Admin(caller): Admin,
    request: Request<Body>,
) -> Result<Response, AdminRefusal> {
    let ids: Vec<HostId> =
        parse_ids_body(&read(request).await?).map_err(AdminRefusal)?.into_iter().map(HostId).collect();
    host_admin::retire(&app, &caller, &ids).await.map_err(AdminRefusal)?;
    Ok(done())
}

/// `GET /api/search-server?word=`: servers by id, or by a part of name, group or note.
#[worker::send]
pub async fn search(Here(app): Here, Admin(caller): Admin, uri: Uri) -> Result<Response, AdminRefusal> {
    let pairs = query::pairs(uri.query());
    let found = host_admin::search(&app, &caller, query::first(&pairs, "word")).await.map_err(AdminRefusal)?;
    Ok(answer::json(200, answer::JSON_UTF8, &SearchReply::of(found)))
}

/// `GET /api/search-tasks?word=`, `GET /api/search-ddns?word=`: there are none of either.
#[worker::send]
pub async fn search_nothing(Admin(_): Admin) -> Result<Response, AdminRefusal> {
    Ok(answer::json(200, answer::JSON_UTF8, &SearchReply::of(vec![])))
}

/// `DELETE /api/{model}/{id}`. Quirk: what is not known is deleted too, and a model that there is not has no effect.
#[worker::send]
pub async fn delete(
    Here(app): Here,
    Admin(caller): Admin,
    Path((model, id)): Path<(String, String)>,
) -> Result<Response, AdminRefusal> {
    let Some(id) = id.parse::<i64>().ok().filter(|id| *id > 0) else {
        // Quirk: whatever the model is.
        let refused = ErrorReply { code: 400, message: "错误的 Server ID".to_owned() };
        return Ok(answer::json(200, answer::JSON_UTF8, &refused));
    };
    match model.as_str() {
        "server" => host_admin::retire(&app, &caller, &[HostId(id)]).await.map_err(AdminRefusal)?,
        "monitor" => monitor::delete(&app, &caller, id).await.map_err(AdminRefusal)?,
        "alert-rule" => rules::delete_nezha(&app, &caller, RuleId(id)).await.map_err(AdminRefusal)?,
        "notification" => channels::delete_nezha(&app, &caller, id).await.map_err(AdminRefusal)?,
        _ => {}
    }
    Ok(done())
}
