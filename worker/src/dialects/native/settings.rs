//! `/api/edgewatch/v1/settings`.

use axum::response::Response;
use edgewatch_core::dialects::native::{GuestReply, SettingsReply, SettingsRequest};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{AddressNotices, Credential, GuestTheme, GuestView, SocketDialect};

use super::auth::{Here, Json, Member, Visiting};
use super::error::Refusal;
use crate::app::App;
use crate::app::settings::{self, Change};
use crate::http::answer;

/// `GET /api/edgewatch/v1/settings`: what is set.
#[worker::send]
pub async fn show(Here(app): Here, Member(caller): Member) -> Result<Response, Refusal> {
    reply(&app, &caller).await
}

/// `GET /api/edgewatch/v1/guest`: what guests are shown around the hosts.
#[worker::send]
pub async fn for_guests(Here(app): Here, Visiting(visitor): Visiting) -> Result<Response, Refusal> {
    let (page, view) = settings::for_guests(&app, &visitor).await.map_err(Refusal)?;
    let reply = GuestReply { title: page.title, theme: page.theme.word(), view: view.word() };
    Ok(answer::json(200, answer::JSON, &reply))
}

/// `PATCH /api/edgewatch/v1/settings`: sets what is named and answers with what is set then.
#[worker::send]
pub async fn change(
    Here(app): Here,
    Member(caller): Member,
    Json(request): Json<SettingsRequest>,
) -> Result<Response, Refusal> {
    let reason = || Failure::Invalid { field: "guest_view".to_owned(), reason: "off, status or pulse".to_owned() };
    let view = request.guest_view.as_deref().map(|word| GuestView::parse(word).ok_or_else(reason));
    let reason = || Failure::Invalid { field: "guest_theme".to_owned(), reason: "system, light or dark".to_owned() };
    let theme = request.guest_theme.as_deref().map(|word| GuestTheme::parse(word).ok_or_else(reason));
    let reason = || Failure::Invalid { field: "push_agents".to_owned(), reason: "auto or manual".to_owned() };
    let accepts = request.push_agents.as_deref().map(|word| match word {
        "auto" => Ok(true),
        "manual" => Ok(false),
        _ => Err(reason()),
    });
    let reason = || Failure::Invalid { field: "dialect_hosts".to_owned(), reason: "nezha, pulse or both".to_owned() };
    let spoken = |(host, word): (String, String)| Some((host, SocketDialect::parse(&word)?));
    let hosts = request.dialect_hosts.map(|hosts| hosts.into_iter().map(spoken).collect::<Option<_>>());
    let change = Change {
        guest_view: view.transpose().map_err(Refusal)?,
        guest_title: request.guest_title,
        guest_theme: theme.transpose().map_err(Refusal)?,
        view_password: request.view_password,
        plain_ip_in_notifications: request.plain_ip_in_notifications,
        address_notices: request.ip_change_notifications.map(AddressNotices::try_from).transpose().map_err(Refusal)?,
        accepts_push_agents: accepts.transpose().map_err(Refusal)?,
        heartbeat_url: request.heartbeat_url,
        heartbeat_interval_s: request.heartbeat_interval_s,
        dialect_hosts: hosts.map(|hosts| hosts.ok_or_else(reason)).transpose().map_err(Refusal)?,
    };
    settings::change(&app, &caller, &change).await.map_err(Refusal)?;
    reply(&app, &caller).await
}

async fn reply(app: &App, caller: &Credential) -> Result<Response, Refusal> {
    let set = settings::read(app, caller).await.map_err(Refusal)?;
    let reply = SettingsReply {
        guest_view: set.guest_view.word(),
        guest_title: set.guest_page.title,
        guest_theme: set.guest_page.theme.word(),
        view_password_set: set.view_password_set,
        plain_ip_in_notifications: set.plain_ip_in_notifications,
        ip_change_notifications: set.address_notices.into(),
        push_agents: if set.accepts_push_agents { "auto" } else { "manual" },
        heartbeat_url: set.heartbeat.url,
        heartbeat_interval_s: set.heartbeat.interval_s,
        heartbeat_failures: set.heartbeat.failures,
        dialect_hosts: set.dialect_hosts.into_iter().map(|(host, dialect)| (host, dialect.word().to_owned())).collect(),
    };
    Ok(answer::json(200, answer::JSON, &reply))
}
