//! Scripts that set nodes up, and nodes that register themselves. Source: pulse specification, 13.1 and 13.2.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::pulse::{
    RegisteredReply, Registering, RegisteringWish, RegistrationCheckReply, SetupRequest, SetupScript,
    refused_registration, refused_token,
};
use edgewatch_core::failure::Failure;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, header};

use super::auth::{self, Here};
use super::error::Refusal;
use crate::app::App;
use crate::app::pulse::door;
use crate::app::pulse::registration::{self, Admission};
use crate::http::{answer, body, credential, query};

/// `GET /api/setup-script?type=&host=&pulse_url=&backup_perms=`: the script, for everybody: there is nothing secret in it.
#[worker::send]
pub async fn script(Here(app): Here, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let pairs = query::pairs(parts.uri.query());
    let asked = SetupRequest::of_query(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Ok(plain(asked.script(&own_url(&app, &parts), app.now_s())?))
}

/// `POST /api/setup-script`: likewise; as JSON for who wants that.
#[worker::send]
pub async fn script_of_body(Here(app): Here, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let asked = SetupRequest::parse(&body::read(&parts.headers, body, body::DEFAULT_CAP_BYTES).await?)?;
    let script = asked.script(&own_url(&app, &parts), app.now_s())?;
    if wants_json(&parts.headers) {
        return Ok(answer::json(200, answer::JSON, &script));
    }
    Ok(plain(script))
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.to_ascii_lowercase().contains("application/json")
}

fn plain(script: SetupScript) -> Response {
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    let mut response = answer::with_body(200, text, script.script.into_bytes());
    if let Ok(disposition) = HeaderValue::try_from(format!("inline; filename={}", script.filename)) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

/// The address of this deployment: the configured one, else the one that was asked.
pub(super) fn own_url(app: &App, parts: &Parts) -> String {
    if let Some(url) = &app.config.public_url {
        return url.clone();
    }
    let forwarded = parts.headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    let scheme = forwarded.filter(|one| ["http", "https"].contains(one)).or(parts.uri.scheme_str()).unwrap_or("https");
    let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    format!("{scheme}://{}", host.or(parts.uri.host()).unwrap_or_default())
}

/// `POST /api/auto-register`: a node registers itself. What it brings is looked at in the product's order: a registration token, which
/// decides alone, once the body is known to be whole; else a token for the API, before.
#[worker::send]
pub async fn register(Here(app): Here, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let token = credential::registration_token(&parts.headers);
    let shown = auth::shown(&parts, None);
    let mut admission = registration::admission(&app, &shown, token).await?;
    if matches!(&admission, Admission::Actor(actor) if actor.starts_with("user:")) {
        // By a cookie.
        auth::refuse_other_sites(&app, &parts)?;
    }
    let body = body::read(&parts.headers, body, body::DEFAULT_CAP_BYTES).await?;
    let said = Registering::parse(&body, &own_url(&app, &parts), app.now_s(), registration::random()?);
    if let Admission::Nobody { is_token_required } = admission {
        // Later releases bring it in the body.
        let in_body = said.as_ref().map(|said| said.auth_token.clone()).unwrap_or_default();
        admission = by_body(&app, shown, &in_body).await?;
        if matches!(admission, Admission::Nobody { .. }) {
            return Err(refused_registration(is_token_required).into());
        }
    }
    let Registering { said_host, wish, .. } = said?;
    answered(&app, &admission, &said_host, wish).await
}

async fn by_body(app: &App, shown: door::Shown<'_>, token: &str) -> Result<Admission, Failure> {
    match token {
        "" => Ok(Admission::Nobody { is_token_required: false }),
        registration if registration.starts_with("PULSE-REG-") => Ok(Admission::Token(registration.to_owned())),
        token => {
            registration::admission(app, &door::Shown { tokens: vec![token], cookies: vec![], ..shown }, None).await
        }
    }
}

async fn answered(
    app: &App,
    admission: &Admission,
    said_host: &str,
    wish: RegisteringWish,
) -> Result<Response, Refusal> {
    let (draft, is_new) = match wish {
        RegisteringWish::Register(draft) => (draft, false),
        RegisteringWish::NewToken(draft) => (draft, true),
        RegisteringWish::Check(kind, host) => {
            let found = registration::is_registered(app, admission, kind, &host).await?;
            let registered = found.map_err(refused_token)?;
            return Ok(answer::json(200, answer::JSON, &RegistrationCheckReply { registered }));
        }
    };
    let reply = if is_new { RegisteredReply::with_token(&draft) } else { RegisteredReply::added(said_host) };
    registration::register(app, admission, said_host, draft).await?.map_err(refused_token)?;
    Ok(answer::json(200, answer::JSON, &reply))
}
