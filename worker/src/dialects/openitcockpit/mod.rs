//! openITCOCKPIT's push mode: three paths below any prefix, as its agents call them, and those of its administrators.
//!
//! Nothing redirects and nothing is HTML, for agents act on neither; `error` is always a text. Source: openitcockpit specification, 1
//! to 4.

mod admin;
mod auth;
mod error;
mod push;
mod register;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::openitcockpit::NotAllowedReply;
use edgewatch_core::failure::Failure;
use http::request::Parts;
use http::{Method, Request};

use crate::app::App;
use crate::app::remember::Reader;
use crate::http::answer;
use error::Refusal;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint<'a> {
    Register,
    CheckData,
    Packages,
    List,
    Select,
    Output,
    /// An agent's number, as it was sent.
    Delete(&'a str),
}

impl<'a> Endpoint<'a> {
    /// Of a path without its extension.
    fn of(segments: &[&'a str]) -> Option<Self> {
        match segments {
            [.., "agentconnector", last] => Some(match *last {
                "register_agent" => Self::Register,
                "submit_checkdata" => Self::CheckData,
                "submit_package_info" => Self::Packages,
                "push" => Self::List,
                "select_agent" => Self::Select,
                "showOutput" => Self::Output,
                _ => return None,
            }),
            [.., "agentconnector", "delete_push_agent", number] => Some(Self::Delete(number)),
            _ => None,
        }
    }

    fn takes(self, method: &Method) -> bool {
        match self {
            Self::Register | Self::CheckData | Self::Packages | Self::Delete(_) => method == Method::POST,
            Self::List | Self::Output => method == Method::GET,
            Self::Select => method == Method::GET || method == Method::POST,
        }
    }
}

/// Whether a path is one of openITCOCKPIT's; without their extension they are refused, and no page. Source: openitcockpit
/// specification, 3.1.
pub fn is_ours(segments: &[&str]) -> bool {
    segments.split_last().is_some_and(|(last, before)| {
        let bare = last.strip_suffix(".json").unwrap_or(last);
        Endpoint::of(&[before, &[bare]].concat()).is_some()
    })
}

/// Answers a request for one of its paths. The order is: the key, the method and the extension, the body.
#[worker::send]
pub async fn serve(request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let Some(bare) = path.strip_suffix(".json") else { return not_allowed(&path) };
    let known = match auth::key(&parts).await {
        Ok(known) => known,
        Err(failure) => return Refusal(failure).into_response(),
    };
    let segments: Vec<&str> = bare.split('/').collect();
    let Some(endpoint) = Endpoint::of(&segments).filter(|endpoint| endpoint.takes(&parts.method)) else {
        return not_allowed(&path);
    };
    let answered = match endpoint {
        Endpoint::Register => register::register(known, &parts, body).await,
        Endpoint::CheckData => push::checkdata(known, &parts, body).await,
        Endpoint::Packages => push::packages(known, &parts, body).await,
        _ => of_admin(known, endpoint, &parts, body).await,
    };
    answered.unwrap_or_else(|failure| Refusal(failure).into_response())
}

/// What administrators ask for: who they are is looked up anew.
async fn of_admin(
    (app, reader): (App, Reader),
    endpoint: Endpoint<'_>,
    parts: &Parts,
    body: Body,
) -> Result<Response, Failure> {
    let caller = reader.confirm(&app, None).await?;
    match endpoint {
        Endpoint::List => admin::list(&app, &caller, parts).await,
        Endpoint::Select if parts.method == Method::POST => admin::choose(&app, &caller, parts, body).await,
        Endpoint::Select => admin::choice(&app, &caller, parts).await,
        Endpoint::Output => admin::output(&app, &caller, parts).await,
        Endpoint::Delete(number) => admin::delete(&app, &caller, number).await,
        Endpoint::Register | Endpoint::CheckData | Endpoint::Packages => Err(Failure::MethodNotAllowed),
    }
}

fn not_allowed(path: &str) -> Response {
    answer::json(405, answer::JSON, &NotAllowedReply::at(path))
}
