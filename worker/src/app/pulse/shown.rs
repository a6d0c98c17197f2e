//! What is shown of what agents poll. The object writes it; here it passes through.

use std::sync::Mutex;

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, Form};

use crate::app::visitor::Visitor;
use crate::app::{App, hosts};
use crate::platform::payload::Payload;
use crate::proxmox::client;
use crate::proxmox::wire::{ShowRequest, What};
use crate::store::settings;

/// What somebody wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Alerts that go on, newest first. Guests are told of none: they may be of hosts that are hidden from them.
    Alerts,
    /// Backups of all kinds.
    Backups,
    /// Those on storages.
    BackupsOfPve,
    /// Backup Servers with their backups.
    BackupsOfPbs,
    /// Snapshots of guests.
    Snapshots,
    /// All storages.
    Storages,
    /// A storage, or those of a node.
    Storage(String),
    /// Series, for as long as a word says.
    Charts(String),
    /// Series of storages, for so many minutes.
    StorageCharts(u32),
}

impl From<Wanted> for What {
    fn from(wanted: Wanted) -> Self {
        match wanted {
            Wanted::Alerts => Self::Alerts,
            Wanted::Backups => Self::Backups,
            Wanted::BackupsOfPve => Self::BackupsOfPve,
            Wanted::BackupsOfPbs => Self::BackupsOfPbs,
            Wanted::Snapshots => Self::Snapshots,
            Wanted::Storages => Self::Storages,
            Wanted::Storage(id) => Self::Storage { id },
            Wanted::Charts(range) => Self::Charts { range },
            Wanted::StorageCharts(minutes) => Self::StorageCharts { minutes },
        }
    }
}

/// When this deployment began, which never changes.
static STARTED_AT_S: Mutex<Option<i64>> = Mutex::new(None);

/// Everything there is now, hosts that nobody polls in the form given.
///
/// # Errors
/// [`Failure::Unavailable`] when the object does not answer.
pub async fn state(app: &App, visitor: &Visitor, form: &'static Form) -> Result<Payload, Failure> {
    let listed = hosts::list_for(app, visitor, form).await?.into_bytes();
    let hosts = String::from_utf8(listed).map_err(|error| Failure::Internal(error.to_string()))?;
    let what = What::State { hosts, viewers: 0, started_at_s: started_at_s(app).await? };
    show(app, visitor, what).await
}

/// Something else of it.
///
/// # Errors
/// As [`state`]; [`Failure::NotFound`] for a storage that there is not.
pub async fn find(app: &App, visitor: &Visitor, wanted: Wanted) -> Result<Payload, Failure> {
    show(app, visitor, wanted.into()).await
}

/// What is polled, and how polling fares, without the lists that are long.
///
/// # Errors
/// As [`state`]; [`Failure::Forbidden`] without the right to read.
pub async fn overview(app: &App, caller: Credential) -> Result<Payload, Failure> {
    require(&caller, Right::Read)?;
    show(app, &Visitor::Member(caller), What::Overview).await
}

async fn show(app: &App, visitor: &Visitor, what: What) -> Result<Payload, Failure> {
    let wanted = ShowRequest { what, for_guests: !visitor.sees_hidden() };
    client::show(app.objects()?, &wanted).await?.ok_or(Failure::NotFound { what: "storage" })
}

async fn started_at_s(app: &App) -> Result<i64, Failure> {
    let known = STARTED_AT_S.lock().ok().and_then(|known| *known);
    if let Some(known) = known {
        return Ok(known);
    }
    let found = settings::find_installed_at(&app.db).await?.seconds().0;
    if let Ok(mut known) = STARTED_AT_S.lock() {
        *known = Some(found);
    }
    Ok(found)
}
