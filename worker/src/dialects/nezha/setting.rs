//! `POST /api/setting`: what this fleet takes of the original's settings. Source: nezha specification, 7.3 and 17.

use axum::response::Response;
use edgewatch_core::dialects::nezha::{AdminReply, SettingRequest};
use http::HeaderMap;

use super::auth::{Admin, Here, Raw};
use super::error::AdminRefusal;
use crate::app::settings::{self, Change};
use crate::http::{answer, query};

/// `POST /api/setting`.
#[worker::send]
pub async fn change(
    Here(app): Here,
    Admin(caller): Admin,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, AdminRefusal> {
    let pairs = query::form(&headers, &body);
    let request = SettingRequest::parse(&body, pairs.as_deref()).map_err(AdminRefusal)?;
    let change = Change {
        view_password: request.view_password,
        plain_ip_in_notifications: Some(request.plain_ip_in_notifications),
        address_notices: Some(request.address_notices),
        ..Change::default()
    };
    settings::change(&app, &caller, &change).await.map_err(AdminRefusal)?;
    Ok(answer::json(200, answer::JSON_UTF8, &AdminReply::DONE))
}
