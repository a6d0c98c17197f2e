//! `/api/v0/org`, and the people of the organization.

use axum::response::Response;
use edgewatch_core::dialects::mackerel::{
    AwsIntegrationListReply, InvitationListReply, MackerelUser, MackerelUserListReply, OrgReply,
};

use super::auth::{InPath, Reads, ReadsWrites};
use super::error::Refusal;
use super::hosts::ok;
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

/// `GET /invitations`: nobody is invited, accounts are made.
#[worker::send]
pub async fn invitations(Reads(_, party): Reads) -> Result<Response, Refusal> {
    party.of_all()?;
    Ok(ok(&InvitationListReply::default()))
}

/// `GET /aws-integrations`: there are none.
#[worker::send]
pub async fn aws_integrations(Reads(_, party): Reads) -> Result<Response, Refusal> {
    party.of_all()?;
    Ok(ok(&AwsIntegrationListReply::default()))
}
