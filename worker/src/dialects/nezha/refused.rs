//! What Nezha has and this fleet does not: commands on hosts, tunnels to them, their replacement from afar, and the upkeep of names
//! in other people's zones. Source: nezha specification, 12 and 17.

use axum::response::Response;
use edgewatch_core::failure::Failure;

use super::auth::Admin;
use super::error::AdminRefusal;

/// `/api/cron`, `/api/cron/{id}/manual`, `/api/nat`, `/api/ddns`, `/api/force-update`: nothing is stored.
#[worker::send]
pub async fn never(Admin(_): Admin) -> Result<Response, AdminRefusal> {
    let detail = "not supported: agents run no commands, open no tunnels and replace nothing by order of a server";
    Err(AdminRefusal(Failure::Conflict { detail: detail.to_owned() }))
}
