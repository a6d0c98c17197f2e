//! Everything that the deployment holds, read for a backup and laid into an empty deployment. What is kept of secrets is in it as it is
//! stored, hashed or sealed; the key that opens what is sealed is not.
//!
//! Read in this order: what agents poll of Proxmox, the hub's shards, the database. Each hands on to the next and may repeat itself, so
//! what moved on in between is there twice, which is harmless, and never missing.

use std::collections::BTreeMap;

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;

use super::{App, actor, remember};
use crate::gate::client as gate;
use crate::hub::dump::calls::Place;
use crate::platform::payload::Payload;
use crate::store::dump;
use crate::store::settings;

/// The part that is D1.
const DATABASE: &str = "d1";

/// What there is to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The newest migration.
    pub schema: String,
    /// The parts, in the order in which they are to be read.
    pub parts: Vec<String>,
}

/// What there is to read.
///
/// # Errors
/// [`Failure::Forbidden`] for callers who are no administrators; [`Failure::Conflict`] while hosts move from shard to shard or a backup
/// is being restored; [`Failure::Unavailable`] when the database does not answer.
pub async fn head(app: &App, caller: &Credential) -> Result<Head, Failure> {
    require(caller, Right::Admin)?;
    let shards = app.hub()?.shards();
    if settings::find_count(&app.db, settings::HUB_SHARDS).await? > u64::from(shards) {
        let detail = "hosts are moving to fewer shards; try again in some minutes".to_owned();
        return Err(Failure::Conflict { detail });
    }
    if dump::begun(&app.db).await?.is_some() {
        return Err(Failure::Conflict { detail: "a backup is being restored here".to_owned() });
    }
    let schema = dump::schema_version(&app.db).await?;
    app.db.run(app.audit(&actor(caller), "backup.read", "")?).await?;
    let hubs = (0..shards).map(|shard| format!("hub-{shard}"));
    let parts = std::iter::once("proxmox".to_owned()).chain(hubs).chain([DATABASE.to_owned()]).collect();
    Ok(Head { schema, parts })
}

/// A page of a part, by the cursor of the page before, as JSON.
///
/// # Errors
/// As [`head`]; [`Failure::NotFound`] when there is no such part.
pub async fn page(app: &App, caller: &Credential, part: &str, cursor: Option<String>) -> Result<Payload, Failure> {
    require(caller, Right::Admin)?;
    if part == DATABASE {
        return gate::dump(app.objects()?, cursor).await;
    }
    Ok(place(part)?.read(app.objects()?, cursor).await?)
}

fn place(part: &str) -> Result<Place, Failure> {
    Place::of_part(part).ok_or(Failure::NotFound { what: "part of a backup" })
}

/// Begins to restore a backup of these parts, or begins anew. Nothing of it is seen before [`finish`].
///
/// # Errors
/// As [`head`]; [`Failure::Invalid`] for a backup of another schema; [`Failure::Conflict`] where there is something already.
pub async fn begin(app: &App, caller: &Credential, wanted: &Head) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let ours = dump::schema_version(&app.db).await?;
    if wanted.schema != ours {
        let reason = format!(
            "is {:?}, and this deployment's is {ours:?}: restore it into the version that it is of",
            wanted.schema
        );
        return Err(Failure::Invalid { field: "schema".to_owned(), reason });
    }
    let places = places(wanted.parts.iter())?;
    if let Some(words) = dump::obstacle(&app.db).await? {
        let detail = format!("a backup goes into an empty deployment alone, and this one has {words}");
        return Err(Failure::Conflict { detail });
    }
    dump::begin(&app.db, shards_of(&places)).await?;
    for place in places {
        place.close(app.objects()?).await?;
    }
    Ok(())
}

fn places<'a>(parts: impl Iterator<Item = &'a String>) -> Result<Vec<Place>, Failure> {
    parts.filter(|part| *part != DATABASE).map(|part| place(part)).collect()
}

fn shards_of(places: &[Place]) -> u64 {
    u64::try_from(places.iter().filter(|place| place.is_shard()).count()).unwrap_or(u64::MAX)
}

/// Takes in rows of one table of a part. `seq`: the number of this call, the same when it is sent again.
///
/// # Errors
/// As [`begin`]; [`Failure::Conflict`] where no restore was begun, and for rows that do not fit here.
pub async fn fill(app: &App, caller: &Credential, part: &str, seq: u64, body: Vec<u8>) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    if dump::begun(&app.db).await?.is_none() || dump::is_closed(&app.db).await? {
        return Err(Failure::Conflict { detail: "no restore was begun".to_owned() });
    }
    // Read where there is time for it, not here.
    let body = String::from_utf8(body).map_err(|error| Failure::Malformed { detail: error.to_string() })?;
    if part == DATABASE {
        return gate::fill(app.objects()?, seq, &body).await;
    }
    Ok(place(part)?.fill(app.objects()?, &body).await?)
}

/// Lets what was restored take effect, all of it at once, when it is as many `rows` of each part as were sent; gives how many these are.
/// Who restored it is nobody here from then on, unless the backup knows them.
///
/// # Errors
/// As [`begin`]; [`Failure::Conflict`] when something is missing: then nothing has changed.
pub async fn finish(app: &App, caller: &Credential, rows: &BTreeMap<String, u64>) -> Result<u64, Failure> {
    require(caller, Right::Admin)?;
    let places = places(rows.keys())?;
    if dump::begun(&app.db).await?.is_none() {
        return Err(Failure::Conflict { detail: "no restore was begun".to_owned() });
    }
    for (part, sent) in rows {
        let there = match part.as_str() {
            DATABASE => dump::count(&app.db).await?,
            part => place(part)?.count(app.objects()?).await?,
        };
        if there != *sent {
            return Err(Failure::Conflict { detail: format!("{part} has {there} rows and not {sent}; begin anew") });
        }
    }
    let shards = shards_of(&places);
    dump::commit(&app.db, shards, &app.time_key()?, app.now_s(), &actor(caller)).await?;
    open(app, shards).await?;
    Ok(rows.values().sum())
}

/// Opens the objects of a database that is restored. A schedule does it when [`finish`] broke off.
///
/// # Errors
/// [`Failure::Unavailable`] when one of them does not answer: doing it again helps.
pub async fn open(app: &App, shards: u64) -> Result<(), Failure> {
    let hubs = (0..shards).map(|shard| format!("hub-{shard}"));
    for part in hubs.chain(["proxmox".to_owned()]) {
        place(&part)?.open(app.objects()?).await?;
    }
    dump::opened(&app.db).await?;
    remember::taken_away(app).await
}

/// Opens what a restore left closed that broke off after it had taken effect.
///
/// # Errors
/// As [`open`].
pub async fn open_what_is_closed(app: &App) -> Result<(), Failure> {
    if !dump::is_closed(&app.db).await? {
        return Ok(());
    }
    let ever = settings::find_count(&app.db, settings::HUB_SHARDS).await?;
    open(app, ever.max(u64::from(app.hub()?.shards()))).await
}

/// Gives a restore up: the deployment is empty again, as it was.
///
/// # Errors
/// As [`begin`].
pub async fn give_up(app: &App, caller: &Credential) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let Some(shards) = dump::begun(&app.db).await? else {
        return Err(Failure::Conflict { detail: "no restore was begun".to_owned() });
    };
    if dump::is_closed(&app.db).await? {
        return Err(Failure::Conflict { detail: "the restore has taken effect".to_owned() });
    }
    let hubs = (0..shards.max(u64::from(app.hub()?.shards()))).map(|shard| format!("hub-{shard}"));
    for part in hubs.chain(["proxmox".to_owned()]) {
        // Emptied, for what came of the backup must not be met by hosts of the same numbers.
        place(&part)?.close(app.objects()?).await?;
        place(&part)?.open(app.objects()?).await?;
    }
    Ok(dump::give_up(&app.db).await?)
}
