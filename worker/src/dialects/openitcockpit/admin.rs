//! What administrators' programs ask of agents that push, by a key with the scope admin. Source: openitcockpit specification, 13.5.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::openitcockpit::result::pretty;
use edgewatch_core::dialects::openitcockpit::{
    HostPart, OutputReply, PushListReply, PushPart, SelectReply, SelectRequest, SuccessReply,
};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, HostId, PushAgent, PushStanding};
use http::request::Parts;

use crate::app::App;
use crate::app::{push_agents, results};
use crate::http::{answer, body, query};

/// What is chosen weighs no more.
const CAP_BYTES: usize = 64 * 1024;
/// A larger text is shown as it came: to make lines of it takes longer than an event of the Worker may.
const MAX_PRETTY_BYTES: usize = 100_000;

/// `GET push.json`, with `filter[hasHostAssignment]` 0 or 1: agents with a host, or without.
pub async fn list(app: &App, caller: &Credential, parts: &Parts) -> Result<Response, Failure> {
    let all = push_agents::list(app, caller).await?;
    let pairs = query::pairs(parts.uri.query());
    let is_wanted = |agent: &PushAgent| match query::first(&pairs, "filter[hasHostAssignment]") {
        "0" => agent.host.is_none(),
        "1" => agent.host.is_some(),
        _ => true,
    };
    let agents = all.into_iter().filter(is_wanted).map(PushPart::of).collect();
    Ok(answer::json(200, answer::JSON, &PushListReply { agents }))
}

/// `GET select_agent.json?hostId=N`: which agents may speak for a host.
pub async fn choice(app: &App, caller: &Credential, parts: &Parts) -> Result<Response, Failure> {
    let id = HostId(number(parts, "hostId")?);
    let host = HostPart { id: id.0, name: push_agents::host_named(app, caller, id).await? };
    let all = push_agents::list(app, caller).await?;
    Ok(answer::json(200, answer::JSON, &SelectReply::of(host, &all)))
}

/// `POST select_agent.json`: an agent speaks for a host from now on, and whoever did does no more.
pub async fn choose(app: &App, caller: &Credential, parts: &Parts, body: Body) -> Result<Response, Failure> {
    let (id, uuid, host) = SelectRequest::parse(&body::read(&parts.headers, body, CAP_BYTES).await?)?;
    let agent = push_agents::of_number(app, caller, id).await?;
    if uuid.is_some_and(|uuid| uuid != agent.uuid) {
        return Err(Failure::NotFound { what: "agent" });
    }
    match push_agents::accept(app, caller, &agent.uuid, Some(host)).await {
        Ok(()) => {}
        Err(Failure::Conflict { .. }) if agent.standing == PushStanding::Accepted(host) => {}
        // 403 has another meaning here.
        Err(Failure::Conflict { detail }) => {
            return Err(Failure::Invalid { field: "pushagent".to_owned(), reason: detail });
        }
        Err(failure) => return Err(failure),
    }
    Ok(answer::json(200, answer::JSON, &SuccessReply { success: true }))
}

/// `GET showOutput.json?mode=push&id=N`: what an agent checked last.
pub async fn output(app: &App, caller: &Credential, parts: &Parts) -> Result<Response, Failure> {
    let agent = push_agents::of_number(app, caller, number(parts, "id")?).await?;
    let text = match agent.standing {
        PushStanding::Accepted(host) => found(results::output(app, caller, host).await)?.map_or_else(
            || Ok(String::new()),
            |payload| {
                serde_json::from_slice(&payload.into_bytes()).map_err(|error| Failure::Internal(error.to_string()))
            },
        )?,
        PushStanding::Pending | PushStanding::Stray => {
            let bytes = found(results::of_agent(app, caller, &agent.uuid).await)?.unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            if text.len() > MAX_PRETTY_BYTES { text.into_owned() } else { pretty(&text) }
        }
    };
    Ok(answer::json(200, answer::JSON, &OutputReply::of(agent, &text)))
}

/// `POST delete_push_agent/N.json`: forgets an agent that is no host's.
pub async fn delete(app: &App, caller: &Credential, number: &str) -> Result<Response, Failure> {
    let number = number.parse().map_err(|_| Failure::NotFound { what: "agent" })?;
    let agent = push_agents::of_number(app, caller, number).await?;
    match push_agents::remove(app, caller, &agent.uuid).await {
        Ok(()) => Ok(answer::json(200, answer::JSON, &SuccessReply { success: true })),
        Err(Failure::Conflict { .. }) => Ok(answer::json(400, answer::JSON, &SuccessReply { success: false })),
        Err(failure) => Err(failure),
    }
}

fn number(parts: &Parts, key: &str) -> Result<i64, Failure> {
    let pairs = query::pairs(parts.uri.query());
    let reason = || Failure::Invalid { field: key.to_owned(), reason: "has to be a number".to_owned() };
    query::first(&pairs, key).parse().map_err(|_| reason())
}

/// Nothing for what was not pushed yet.
fn found<T>(result: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Failure::NotFound { .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}
