//! openITCOCKPIT's push mode: three paths below any prefix, as its agents call them. Nothing redirects and nothing is HTML, for agents
//! act on neither; `error` is always a text. Source: openitcockpit specification, 1 to 4.

mod auth;
mod error;
mod push;
mod register;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::openitcockpit::NotAllowedReply;
use edgewatch_core::failure::Failure;
use http::{Method, Request};

use crate::http::answer;
use error::Refusal;

/// Answers a request for one of its paths. The order is: the key, the method and the extension, the body.
#[worker::send]
pub async fn serve(request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let Some(endpoint) = path.rsplit('/').next().and_then(|last| last.strip_suffix(".json")) else {
        return not_allowed(&path);
    };
    let known = match auth::key(&parts).await {
        Ok(known) => known,
        Err(failure) => return Refusal(failure).into_response(),
    };
    if parts.method != Method::POST {
        return not_allowed(&path);
    }
    let answered = match endpoint {
        "register_agent" => register::register(known, &parts, body).await,
        "submit_checkdata" => push::checkdata(known, &parts, body).await,
        "submit_package_info" => push::packages(known, &parts, body).await,
        _ => Err(Failure::NotFound { what: "route" }),
    };
    answered.unwrap_or_else(|failure| Refusal(failure).into_response())
}

fn not_allowed(path: &str) -> Response {
    answer::json(405, answer::JSON, &NotAllowedReply::at(path))
}
