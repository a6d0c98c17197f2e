//! Where people are told: mail and webhooks. Source: pulse specification, 11.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::pulse::{
    EmailConfig, HookRequest, Limited, NotificationTest, Refused, StatusReply, TestSentReply, WebhookKeys,
    WebhookTestReply, changed_mail, email_providers, email_test, hook_request, read_hook, sample_alert, tested_hook,
    webhook_templates,
};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::proxmox::ResourceAlert;
use edgewatch_core::model::{Credential, Hook, MailSettings};
use http::Request;

use super::auth::{self, Here, InPath, Known};
use super::error::Refusal;
use crate::app::App;
use crate::app::identity::require_admin;
use crate::app::pulse::{nodes, outlets};
use crate::http::{answer, body};

/// `GET /api/notifications/email`: the setting, without its password.
#[worker::send]
pub async fn mail(Known(app, caller): Known) -> Result<Response, Refusal> {
    Ok(answer::json(200, answer::JSON, &EmailConfig::shown(&outlets::mail(&app, &caller).await?)))
}

/// `POST` and `PUT /api/notifications/email`: an empty password stays.
#[worker::send]
pub async fn change_mail(Known(app, caller): Known, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let body = auth::read(request).await?;
    let new = changed_mail(&outlets::mail(&app, &caller).await?, &body)?;
    outlets::save_mail(&app, &caller, &new).await?;
    Ok(answer::json(200, answer::JSON, &StatusReply::DONE))
}

/// `GET /api/notifications/email-providers`: for everybody who looks, nothing of it is ours.
#[worker::send]
pub async fn providers(Known(..): Known) -> Result<Response, Refusal> {
    Ok(answer::json(200, answer::JSON, &email_providers()))
}

/// `POST /api/notifications/email/test`: sends a mail and tells what came of it. Every request counts.
#[worker::send]
pub async fn test_mail(Here(app): Here, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    auth::count(&app, &parts, Limited::TestMail).await?;
    let caller = auth::caller(&app, &parts).await?;
    require_admin(&caller)?;
    let body = body::read(&parts.headers, body, body::DEFAULT_CAP_BYTES).await?;
    let settings = email_test(&outlets::mail(&app, &caller).await?, &body)?;
    send_mail(&app, &caller, &settings).await
}

async fn send_mail(app: &App, caller: &Credential, settings: &MailSettings) -> Result<Response, Refusal> {
    let sent = outlets::try_mail(app, caller, settings, &sample(app).await?).await?;
    if sent.is_delivered {
        return Ok(answer::json(200, answer::JSON, &TestSentReply::DONE));
    }
    Err(Refused::new(400, "send_failed", sent.words).into())
}

/// What is told of in a test: an alert of the first node that there is.
async fn sample(app: &App) -> Result<ResourceAlert, Failure> {
    let node = nodes::first_node(app).await?;
    Ok(sample_alert(node.as_ref().map(|(instance, node)| (instance.as_str(), node.as_str())), app.now_s()))
}

/// `POST /api/notifications/test`: mail or a webhook. Mail counts as elsewhere.
#[worker::send]
pub async fn test(Here(app): Here, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body, body::DEFAULT_CAP_BYTES).await?;
    // Who asks for mail is in the body.
    let is_mail =
        matches!(NotificationTest::parse(&MailSettings::default(), &body), Ok(NotificationTest::Mail(_)) | Err(_));
    if is_mail {
        auth::count(&app, &parts, Limited::TestMail).await?;
    }
    let caller = auth::caller(&app, &parts).await?;
    require_admin(&caller)?;
    match NotificationTest::parse(&outlets::mail(&app, &caller).await?, &body)? {
        NotificationTest::Mail(settings) => send_mail(&app, &caller, &settings).await,
        NotificationTest::Webhook(id) => {
            let hooks = outlets::hooks(&app, &caller).await?;
            let hook = tested_hook(&hooks, id.as_deref())?;
            match tried(&app, &caller, hook).await? {
                (200, _) => Ok(answer::json(200, answer::JSON, &TestSentReply::DONE)),
                (_, words) => Err(Refused::new(400, "send_failed", words).into()),
            }
        }
    }
}

/// The status to answer with, and why it is not 200.
async fn tried(app: &App, caller: &Credential, hook: &Hook) -> Result<(u16, String), Failure> {
    match sent(app, caller, hook).await? {
        Ok((status, _)) if (200..300).contains(&status) => Ok((200, String::new())),
        Ok((status, _)) => Ok((400, format!("webhook returned status {status}"))),
        Err(words) => Ok((400, words)),
    }
}

async fn sent(app: &App, caller: &Credential, hook: &Hook) -> Result<Result<(u16, String), String>, Failure> {
    let HookRequest { method, url, headers, body } = hook_request(hook, &sample(app).await?, app.now_s())?;
    outlets::try_hook(caller, hook, (&method, &url, &headers, &body)).await
}

/// `GET /api/notifications/webhooks`: every webhook, its headers masked.
#[worker::send]
pub async fn hooks(Known(app, caller): Known) -> Result<Response, Refusal> {
    let all = outlets::hooks(&app, &caller).await?;
    Ok(answer::json(200, answer::JSON, &all.iter().map(WebhookKeys::shown).collect::<Vec<_>>()))
}

/// `POST /api/notifications/webhooks`: makes one.
#[worker::send]
pub async fn add_hook(Known(app, caller): Known, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let (hook, echo) = read_hook(&auth::read(request).await?, None, &outlets::fresh_id(&app)?)?;
    outlets::save_hook(&app, &caller, hook).await?;
    Ok(answer::json(200, answer::JSON, &echo))
}

/// `PUT /api/notifications/webhooks/{id}`: changes one.
#[worker::send]
pub async fn change_hook(
    Known(app, caller): Known,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let body = auth::read(request).await?;
    let all = outlets::hooks(&app, &caller).await?;
    let known = all.iter().find(|hook| hook.id == id).ok_or_else(|| Refused::no_webhook(&id))?;
    let (hook, echo) = read_hook(&body, Some(known), &id)?;
    outlets::save_hook(&app, &caller, hook).await?;
    Ok(answer::json(200, answer::JSON, &echo))
}

/// `DELETE /api/notifications/webhooks/{id}`: takes one away.
#[worker::send]
pub async fn remove_hook(Known(app, caller): Known, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    match outlets::remove_hook(&app, &caller, &id).await {
        Ok(()) => Ok(answer::json(200, answer::JSON, &StatusReply::DONE)),
        Err(Failure::NotFound { .. }) => Err(Refused::no_webhook(&id).into()),
        Err(failure) => Err(failure.into()),
    }
}

/// `POST /api/notifications/webhooks/test`: tries one that may never be made.
#[worker::send]
pub async fn test_hook(Known(app, caller): Known, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let body = auth::read(request).await?;
    let all = outlets::hooks(&app, &caller).await?;
    let (said, _) = read_hook(&body, None, "webhook-test")?;
    // One that is there has secrets that its mask stands for.
    let known = all.iter().find(|hook| hook.id == said.id);
    let (hook, _) = read_hook(&body, known, &said.id)?;
    let (status, reply) = match sent(&app, &caller, &hook).await? {
        Ok((status, response)) => WebhookTestReply::answered(status, response),
        Err(words) => WebhookTestReply::failed(words),
    };
    Ok(answer::json(status, answer::JSON, &reply))
}

/// `GET /api/notifications/webhook-templates`.
#[worker::send]
pub async fn templates(Known(..): Known) -> Result<Response, Refusal> {
    Ok(answer::json(200, answer::JSON, &webhook_templates()))
}
