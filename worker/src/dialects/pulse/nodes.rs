//! Nodes of the configuration. Source: pulse specification, 9.1 to 9.5.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::pulse::{
    ConnectionReply, MAX_NODE_BODY_BYTES, NodeId, NodeRequest, NodeTestReply, Refused, StatusReply, config_nodes,
    no_agent, refused_connection,
};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use http::Request;
use http::request::Parts;

use super::auth::{self, InPath, Known, Looks};
use super::error::Refusal;
use crate::app::App;
use crate::app::identity::require_admin;
use crate::app::pulse::nodes;
use crate::app::visitor::Visitor;
use crate::http::{answer, query};

/// `GET /api/config/nodes`: every node, without what is secret of it. Guests are told of none.
#[worker::send]
pub async fn list(Looks(app, visitor): Looks) -> Result<Response, Refusal> {
    let all = match visitor {
        Visitor::Member(caller) => nodes::list(&app, &caller).await?,
        Visitor::TrustedGuest | Visitor::Guest => vec![],
    };
    Ok(answer::json(200, answer::JSON, &config_nodes(&all)))
}

/// `POST /api/config/nodes`: makes one.
#[worker::send]
pub async fn add(Known(app, caller): Known, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let draft = node_request(request).await?.draft()?;
    let kind = draft.kind;
    let position = nodes::add(&app, &caller, draft).await.map_err(in_words)?;
    let id = NodeId { kind, position }.text();
    Ok(answer::json(201, answer::JSON, &StatusReply::made(id)))
}

async fn node_request(request: Request<Body>) -> Result<NodeRequest, Failure> {
    NodeRequest::parse(&auth::read_up_to(MAX_NODE_BODY_BYTES, request).await?)
}

/// A taken name is told in the words that clients know.
fn in_words(failure: Failure) -> Refusal {
    match failure {
        Failure::Conflict { detail } if detail.contains("with this name") => {
            Refused::new(409, "conflict", "A node with this name already exists").into()
        }
        failure => failure.into(),
    }
}

/// `PUT /api/config/nodes/{id}?name=`: changes one. With `name`: as long as it is called so.
#[worker::send]
pub async fn change(
    Known(app, caller): Known,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let NodeId { kind, position } = NodeId::parse(&id)?;
    let (parts, body) = request.into_parts();
    let expected = expected(&parts);
    let change = node_request(Request::from_parts(parts, body)).await?.change(kind)?;
    nodes::change(&app, &caller, (kind, position), change, expected.as_deref()).await.map_err(in_words)?;
    Ok(answer::json(200, answer::JSON, &StatusReply::DONE))
}

fn expected(parts: &Parts) -> Option<String> {
    let pairs = query::pairs(parts.uri.query());
    Some(query::first(&pairs, "name").to_owned()).filter(|name| !name.is_empty())
}

/// `DELETE /api/config/nodes/{id}?name=`: deletes one. The places of those behind it shift.
#[worker::send]
pub async fn remove(
    Known(app, caller): Known,
    InPath(id): InPath<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let NodeId { kind, position } = NodeId::parse(&id)?;
    let expected = expected(&request.into_parts().0);
    nodes::remove(&app, &caller, (kind, position), expected.as_deref()).await?;
    Ok(answer::json(200, answer::JSON, &StatusReply::DONE))
}

/// `PUT` and `DELETE /api/config/nodes/`: which one, it does not say.
#[worker::send]
pub async fn of_none(Known(_, caller): Known) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    Err(NodeId::parse("").err().unwrap_or(Failure::NotFound { what: "node" }).into())
}

/// `POST /api/config/nodes/test-connection`: has an agent try one that may never be made.
#[worker::send]
pub async fn test_connection(Known(app, caller): Known, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let draft = node_request(request).await?.draft()?;
    match nodes::test(&app, &caller, &draft).await?.unwrap_or_else(|| Err(no_agent(&draft.host))) {
        Ok(tested) => Ok(answer::json(200, answer::JSON, &ConnectionReply::from(tested))),
        Err(failure) => Err(refused_connection(&failure).into()),
    }
}

/// `POST /api/config/nodes/test-config`: likewise, in another form.
#[worker::send]
pub async fn test_config(Known(app, caller): Known, request: Request<Body>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let draft = node_request(request).await?.draft()?;
    let outcome = nodes::test(&app, &caller, &draft).await?.unwrap_or_else(|| Err(no_agent(&draft.host)));
    Ok(answer::json(200, answer::JSON, &NodeTestReply::new(&outcome, false)))
}

/// `POST /api/config/nodes/{id}/test`: has the agent that polls one try it.
#[worker::send]
pub async fn test(Known(app, caller): Known, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    require_admin(&caller)?;
    let reply = match tested(&app, &caller, &id).await {
        Ok(reply) => reply,
        Err(Failure::NotFound { .. } | Failure::Malformed { .. }) => NodeTestReply::not_found(),
        Err(failure) => return Err(failure.into()),
    };
    Ok(answer::json(200, answer::JSON, &reply))
}

async fn tested(app: &App, caller: &Credential, id: &str) -> Result<NodeTestReply, Failure> {
    let NodeId { kind, position } = NodeId::parse(id)?;
    let (host, outcome) = nodes::test_stored(app, caller, kind, position).await?;
    Ok(NodeTestReply::new(&outcome.unwrap_or_else(|| Err(no_agent(&host))), true))
}
