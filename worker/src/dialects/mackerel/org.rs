//! `/api/v0/org`.

use axum::response::Response;
use edgewatch_core::dialects::mackerel::OrgReply;

use super::auth::Reads;
use super::error::Refusal;
use crate::app::organization;
use crate::http::answer;

/// `GET /api/v0/org`: the organization, which is this deployment.
#[worker::send]
pub async fn show(Reads(app, party): Reads) -> Result<Response, Refusal> {
    let reply = OrgReply { name: organization::name(&app, &party).await?, display_name: None };
    Ok(answer::json(200, answer::JSON, &reply))
}
