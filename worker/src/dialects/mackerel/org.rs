//! `/api/v0/org`, and the people of the organization.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::mackerel::{
    AwsIntegrationListReply, InvitationListReply, InvitationPart, InvitationRequest, MackerelUser,
    MackerelUserListReply, OrgReply, read_revoked,
};
use http::Request;

use super::auth::{InPath, Reads, ReadsWrites, read};
use super::error::Refusal;
use super::hosts::{done, ok};
use crate::app::mackerel::people::{self, Person};
use crate::app::organization;

/// `GET /org`: the organization, which is this deployment.
#[worker::send]
pub async fn show(Reads(app, party): Reads) -> Result<Response, Refusal> {
    Ok(ok(&OrgReply { name: organization::name(&app, &party).await?, display_name: None }))
}

fn user(person: Person) -> MackerelUser {
    MackerelUser::of(person.account, person.public_id, person.is_owner)
}

/// `GET /users`: everybody.
#[worker::send]
pub async fn users(Reads(app, party): Reads) -> Result<Response, Refusal> {
    let users = people::list(&app, &party).await?.into_iter().map(user).collect();
    Ok(ok(&MackerelUserListReply { users }))
}

/// `DELETE /users/<id>`: gives the person as they were.
#[worker::send]
pub async fn remove_user(
    ReadsWrites(app, party): ReadsWrites,
    InPath(id): InPath<String>,
) -> Result<Response, Refusal> {
    Ok(ok(&user(people::remove(&app, &party, &id).await?)))
}

/// `GET /invitations`: those that are good.
#[worker::send]
pub async fn invitations(Reads(app, party): Reads) -> Result<Response, Refusal> {
    let invitations = people::invited(&app, &party).await?.into_iter().map(InvitationPart::from).collect();
    Ok(ok(&InvitationListReply { invitations }))
}

/// `POST /invitations`: somebody who gets an account with their first sign-in by the access proxy.
#[worker::send]
pub async fn invite(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    people::may_invite(&party)?;
    let (email, authority) = InvitationRequest::parse(&read(request).await?)?;
    Ok(ok(&InvitationPart::from(people::invite(&app, &party, &email, authority).await?)))
}

/// `POST /invitations/revoke`.
#[worker::send]
pub async fn revoke(ReadsWrites(app, party): ReadsWrites, request: Request<Body>) -> Result<Response, Refusal> {
    people::may_invite(&party)?;
    people::revoke(&app, &party, &read_revoked(&read(request).await?)?).await?;
    Ok(done())
}

/// `GET /aws-integrations`: there are none.
#[worker::send]
pub async fn aws_integrations(Reads(_, party): Reads) -> Result<Response, Refusal> {
    party.of_all()?;
    Ok(ok(&AwsIntegrationListReply::default()))
}
