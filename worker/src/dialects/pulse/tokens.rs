//! Tokens by which nodes register themselves. Source: pulse specification, 13.3.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::pulse::{
    SuccessReply, TokenDefaults, TokenReply, listed_tokens, read_token_draft, revoked_token,
};
use http::Request;

use super::auth::{self, Known};
use super::error::Refusal;
use crate::app::identity::require_admin;
use crate::app::pulse::registration;
use crate::http::{answer, query};

/// `POST /api/tokens/generate`: makes one.
#[worker::send]
pub async fn generate(Known(app, caller): Known, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let variables = &app.config.pulse;
    let defaults = TokenDefaults { validity_s: variables.token_validity_s, most: variables.token_most };
    let draft = read_token_draft(&auth::read(request).await?, defaults)?;
    let made = registration::generate(&app, &caller, draft).await?;
    Ok(answer::json(200, answer::JSON, &TokenReply::from(&made)))
}

/// `GET /api/tokens/list`: those that can still let somebody in.
#[worker::send]
pub async fn list(Known(app, caller): Known) -> Result<Response, Refusal> {
    let all = registration::list(&app, &caller).await?;
    Ok(answer::json(200, answer::JSON, &listed_tokens(&all, app.now_s())))
}

/// `DELETE /api/tokens/revoke?token=`: takes one away.
#[worker::send]
pub async fn revoke(Known(app, caller): Known, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let pairs = query::pairs(request.uri().query());
    let named = query::first(&pairs, "token").to_owned();
    let token = revoked_token(Some(&named), &auth::read(request).await?)?;
    registration::revoke(&app, &caller, &token).await?;
    Ok(answer::json(200, answer::JSON, &SuccessReply::DONE))
}
