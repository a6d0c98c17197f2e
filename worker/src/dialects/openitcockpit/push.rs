//! `POST …/agentconnector/submit_checkdata.json` and `submit_package_info.json`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::openitcockpit::{ReceivedReply, Submission, SuccessReply, bad_request};
use edgewatch_core::failure::Failure;
use http::header::{CONTENT_LENGTH, USER_AGENT};
use http::request::Parts;

use crate::app::App;
use crate::app::ingest::Origin;
use crate::app::push_agents::Came;
use crate::app::remember::Reader;
use crate::app::results::{self, Push};
use crate::dialects::Caller;
use crate::http::{answer, body, client};

/// The most that is read. Source: openitcockpit specification, 1.5: what the server stores.
const CAP_BYTES: usize = 16 * 1024 * 1024;

/// How a request came.
pub fn came(app: &App, parts: &Parts) -> Came {
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let address = client::address(&parts.headers, app.config.trusted_address_header.as_deref());
    Came {
        remote_address: address.map(|address| address.to_canonical().to_string()).unwrap_or_default(),
        forwarded_for: text("x-forwarded-for").to_owned(),
        user_agent: text(USER_AGENT.as_str()).to_owned(),
    }
}

/// The body, where there is room for one of its length beside those that are being read.
async fn read(parts: &Parts, body: Body) -> Result<(Vec<u8>, body::Room), Failure> {
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let room = body::Room::for_bytes(announced.unwrap_or(CAP_BYTES).min(CAP_BYTES))?;
    Ok((body::read(&parts.headers, body, CAP_BYTES).await?, room))
}

fn push<'a>(app: &App, parts: &Parts, submission: &'a Submission<'_>) -> Push<'a> {
    let caller = Caller::of(parts);
    let origin = Origin { addresses: client::addresses(caller.address), country_code: caller.country_code };
    Push {
        uuid: &submission.uuid,
        password: &submission.password,
        checkdata: submission.checkdata,
        origin,
        came: came(app, parts),
    }
}

pub async fn checkdata((app, reader): (App, Reader), parts: &Parts, body: Body) -> Result<Response, Failure> {
    let (bytes, _room) = read(parts, body).await?;
    let submission = Submission::parse(&bytes)?;
    let received = results::submit(&app, &reader, push(&app, parts, &submission)).await?;
    Ok(match received {
        Some(received_checks) => answer::json(200, answer::JSON, &ReceivedReply { success: true, received_checks }),
        None => refused(),
    })
}

pub async fn packages((app, reader): (App, Reader), parts: &Parts, body: Body) -> Result<Response, Failure> {
    let (bytes, _room) = read(parts, body).await?;
    let submission = Submission::parse(&bytes)?;
    let is_kept = results::submit_packages(&app, &reader, push(&app, parts, &submission)).await?;
    Ok(if is_kept { answer::json(200, answer::JSON, &SuccessReply { success: true }) } else { refused() })
}

fn refused() -> Response {
    let (status, body) = bad_request();
    answer::json(status, answer::JSON, &body)
}
