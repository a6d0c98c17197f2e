//! `POST …/agentconnector/register_agent.json`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::openitcockpit::{KnownReply, RegisterRequest, RegisteredReply};
use edgewatch_core::failure::Failure;
use http::request::Parts;

use super::push::came;
use crate::app::App;
use crate::app::push_agents::{self, Registered};
use crate::app::remember::Reader;
use crate::http::{answer, body};

/// What an agent says of itself weighs no more.
const CAP_BYTES: usize = 64 * 1024;

pub async fn register((app, reader): (App, Reader), parts: &Parts, body: Body) -> Result<Response, Failure> {
    let bytes = body::read(&parts.headers, body, CAP_BYTES).await?;
    let wanted = RegisterRequest::parse(&bytes)?;
    let (agentuuid, shown) = (wanted.uuid.clone(), wanted.password.clone());
    // It is looked up anew: what is made lasts.
    let caller = reader.confirm(&app, None).await?;
    Ok(match push_agents::register(&app, &caller, wanted, came(&app, parts)).await? {
        Registered::With { password } => answer::json(201, answer::JSON, &RegisteredReply { agentuuid, password }),
        Registered::Already => {
            answer::json(200, answer::JSON, &KnownReply { agentuuid, password: shown, success: true })
        }
    })
}
