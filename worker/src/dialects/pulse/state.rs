//! What is polled, now and before: state, storages, series, backups. The object writes it all; here it passes through. Source: pulse
//! specification, 6 to 8.

use axum::response::Response;
use edgewatch_core::dialects::pulse::{HOSTS, Refused, storage_minutes};
use edgewatch_core::failure::Failure;
use http::Uri;

use super::auth::{InPath, Looks};
use super::error::Refusal;
use crate::app::App;
use crate::app::pulse::shown::{self, Wanted};
use crate::app::visitor::Visitor;
use crate::http::{answer, query};

/// `GET /api/state`: everything there is now.
#[worker::send]
pub async fn state(looks: Result<Looks, Refusal>) -> Result<Response, Refusal> {
    let Looks(app, visitor) = match looks {
        Err(Refusal::Usual(Failure::Unauthenticated)) => return Err(Refused::no_token().into()),
        looks => looks?,
    };
    let payload = shown::state(&app, &visitor, &HOSTS).await?;
    Ok(answer::with_payload(200, answer::JSON, payload))
}

async fn found(app: &App, visitor: &Visitor, wanted: Wanted) -> Result<Response, Refusal> {
    let payload = shown::find(app, visitor, wanted).await?;
    Ok(answer::with_payload(200, answer::JSON, payload))
}

/// `GET /api/storage/`: every storage. Source: pulse specification, 6.3.
#[worker::send]
pub async fn storages(Looks(app, visitor): Looks) -> Result<Response, Refusal> {
    found(&app, &visitor, Wanted::Storages).await
}

/// `GET /api/storage/{id}`: a storage, or those of a node.
#[worker::send]
pub async fn storage(Looks(app, visitor): Looks, InPath(id): InPath<String>) -> Result<Response, Refusal> {
    match shown::find(&app, &visitor, Wanted::Storage(id.clone())).await {
        Ok(payload) => Ok(answer::with_payload(200, answer::JSON, payload)),
        Err(Failure::NotFound { .. }) => Err(Refused::no_storage(&id).into()),
        Err(failure) => Err(failure.into()),
    }
}

/// `GET /api/charts?range=`: series of guests, nodes and storages.
#[worker::send]
pub async fn charts(Looks(app, visitor): Looks, uri: Uri) -> Result<Response, Refusal> {
    let range = query::first(&query::pairs(uri.query()), "range").to_owned();
    found(&app, &visitor, Wanted::Charts(range)).await
}

/// `GET /api/storage-charts?range=`: series of storages in another form.
#[worker::send]
pub async fn storage_charts(Looks(app, visitor): Looks, uri: Uri) -> Result<Response, Refusal> {
    let minutes = storage_minutes(query::first(&query::pairs(uri.query()), "range"));
    found(&app, &visitor, Wanted::StorageCharts(minutes)).await
}

/// `GET /api/backups` and everything below it that is nothing else. Source: pulse specification, 8.
#[worker::send]
pub async fn backups(Looks(app, visitor): Looks) -> Result<Response, Refusal> {
    found(&app, &visitor, Wanted::Backups).await
}

/// `GET /api/backups/pve`: backups on storages.
#[worker::send]
pub async fn backups_of_pve(Looks(app, visitor): Looks) -> Result<Response, Refusal> {
    found(&app, &visitor, Wanted::BackupsOfPve).await
}

/// `GET /api/backups/pbs`: Backup Servers with their backups.
#[worker::send]
pub async fn backups_of_pbs(Looks(app, visitor): Looks) -> Result<Response, Refusal> {
    found(&app, &visitor, Wanted::BackupsOfPbs).await
}

/// `GET /api/snapshots`: snapshots of guests.
#[worker::send]
pub async fn snapshots(Looks(app, visitor): Looks) -> Result<Response, Refusal> {
    found(&app, &visitor, Wanted::Snapshots).await
}
