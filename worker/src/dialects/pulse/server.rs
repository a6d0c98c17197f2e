//! What the server says of itself. Source: pulse specification, 3.2, 5 and 16.2.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::pulse::{
    AgentVersionReply, ConfigReply, DiagnosticsReply, DiscoverReply, DiscoveredServer, HealthReply, SecurityReply,
    ServerInfoReply, SettingsReply, SettingsSavedReply, SettingsUpdate, StatusReply, VersionReply, system_with,
};
use http::Request;

use super::auth::{self, Here, Known, Looks};
use super::error::Refusal;
use crate::app::identity::require_admin;
use crate::app::pulse::{door, nodes, system, told};
use crate::app::status;
use crate::http::answer;

/// `GET /api/health`: open to everybody.
#[worker::send]
pub async fn health(Here(app): Here) -> Result<Response, Refusal> {
    let uptime = status::uptime_s(&app).await?;
    let reply = HealthReply { status: "healthy".to_owned(), timestamp: app.now_s().0, uptime };
    Ok(answer::json(200, answer::JSON, &reply))
}

/// `GET /api/version`: open to everybody.
#[worker::send]
pub async fn version(Here(app): Here) -> Result<Response, Refusal> {
    let settings = system::find(&app).await?;
    let channel = if settings.update_channel.is_empty() { "stable" } else { &settings.update_channel };
    Ok(answer::json(200, answer::JSON, &VersionReply::new(channel)))
}

/// `GET /api/security/status`: open to everybody.
#[worker::send]
pub async fn security(Here(app): Here) -> Result<Response, Refusal> {
    let has_token = door::has_token(&app).await?;
    let variables = &app.config.pulse;
    let (allows, requires) = (variables.allows_unprotected_export, variables.requires_registration_token);
    Ok(answer::json(200, answer::JSON, &SecurityReply::new(has_token, allows, requires)))
}

/// `GET /api/server/info`: open to everybody.
pub async fn info() -> Response {
    answer::json(200, answer::JSON, &ServerInfoReply::default())
}

/// `GET /api/agent/version`: open to everybody.
pub async fn agent_version() -> Response {
    answer::json(200, answer::JSON, &AgentVersionReply::default())
}

/// `GET /api/config`.
#[worker::send]
pub async fn config(Looks(app, _): Looks) -> Result<Response, Refusal> {
    Ok(answer::json(200, answer::JSON, &ConfigReply::of(&system::find(&app).await?)))
}

/// `GET /api/settings`.
#[worker::send]
pub async fn settings(Looks(app, _): Looks) -> Result<Response, Refusal> {
    Ok(answer::json(200, answer::JSON, &SettingsReply::of(&system::find(&app).await?)))
}

/// `POST /api/settings/update`.
#[worker::send]
pub async fn update_settings(Known(app, caller): Known, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let update = SettingsUpdate::parse(&auth::read(request).await?)?;
    let new = system_with(&system::find(&app).await?, &update.settings)?;
    if update.validate_only {
        return Ok(answer::json(200, answer::JSON, &SettingsSavedReply::VALID));
    }
    system::save(&app, &caller, &new).await?;
    Ok(answer::json(200, answer::JSON, &SettingsSavedReply::SAVED))
}

/// `GET /api/diagnostics`.
#[worker::send]
pub async fn diagnostics(Known(app, caller): Known) -> Result<Response, Refusal> {
    let instances = nodes::list(&app, &caller).await?;
    let reply = DiagnosticsReply::new(status::uptime_s(&app).await?, &instances);
    Ok(answer::json(200, answer::JSON, &reply))
}

/// `POST /api/test-notification`: tells whoever listens as if a node had registered itself.
#[worker::send]
pub async fn test_notification(Known(app, caller): Known) -> Result<Response, Refusal> {
    told::sample(&app, &caller).await?;
    Ok(answer::json(200, answer::JSON, &StatusReply::NOTIFIED))
}

/// `GET` and `POST /api/discover`: what an agent finds in the networks that its own file names.
#[worker::send]
pub async fn discover(Known(app, caller): Known) -> Result<Response, Refusal> {
    let (servers, errors) = nodes::discover(&app, &caller).await?;
    let servers = servers.into_iter().map(DiscoveredServer::from).collect();
    Ok(answer::json(200, answer::JSON, &DiscoverReply { servers, errors }))
}
