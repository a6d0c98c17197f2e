//! Documents that programs keep with hosts, services and roles.

use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Document, MetadataOwner};
use edgewatch_core::units::UnixSeconds;

use super::{hosts, invalid, is_retired, services};
use crate::app::identity::Party;
use crate::app::{App, actor};
use crate::store::mackerel::metadata::{self, Owner};

/// So many documents has a host or a service. Source: mackerel specification, 3.13.
const MOST: u32 = 50;
/// So many has a role.
const MOST_OF_ROLE: u32 = 10;
/// A retired host's documents are read for so long, seconds.
const READABLE_S: i64 = 7 * 86_400;

const UNKNOWN: Failure = Failure::NotFound { what: "metadata" };

/// What is known of the owner of documents.
struct Kept {
    owner: Owner,
    most: u32,
    retired_at: Option<UnixSeconds>,
}

async fn kept(app: &App, party: &Party, owner: &MetadataOwner) -> Result<Kept, Failure> {
    match owner {
        MetadataOwner::Host(id) => {
            let named = hosts::require(app, party, id).await?;
            Ok(Kept { owner: Owner::host(named.id), most: MOST, retired_at: named.retired_at })
        }
        MetadataOwner::Service(name) => {
            party.of_all()?;
            services::require(app, name).await?;
            Ok(Kept { owner: Owner::service(name), most: MOST, retired_at: None })
        }
        MetadataOwner::Role(name) => {
            party.of_all()?;
            services::find_role(app, name).await?;
            Ok(Kept { owner: Owner::role(name), most: MOST_OF_ROLE, retired_at: None })
        }
    }
}

async fn readable(app: &App, party: &Party, owner: &MetadataOwner) -> Result<Owner, Failure> {
    let kept = kept(app, party, owner).await?;
    if kept.retired_at.is_some_and(|at| app.now_s().since(at) > READABLE_S) {
        return Err(invalid("host", "was retired more than a week ago"));
    }
    Ok(kept.owner)
}

async fn writable(app: &App, party: &Party, owner: &MetadataOwner) -> Result<Kept, Failure> {
    let kept = kept(app, party, owner).await?;
    if kept.retired_at.is_some() { Err(is_retired()) } else { Ok(kept) }
}

/// The names of an owner's documents, sorted.
///
/// # Errors
/// [`Failure::NotFound`] for an owner that the caller does not reach; [`Failure::Invalid`] for a host that was retired more than a
/// week ago; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(app: &App, party: &Party, owner: &MetadataOwner) -> Result<Vec<String>, Failure> {
    Ok(metadata::list(&app.db, &readable(app, party, owner).await?).await?)
}

/// A document.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none of this name.
pub async fn show(app: &App, party: &Party, owner: &MetadataOwner, namespace: &str) -> Result<Document, Failure> {
    let owner = readable(app, party, owner).await?;
    metadata::find(&app.db, &owner, namespace).await?.ok_or(UNKNOWN)
}

/// Puts a document in the place of the one of its name. `meaning` refuses a name that may not be, once the owner is known.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] for a retired host, or one document too many.
pub async fn put(
    app: &App,
    party: &Party,
    owner: &MetadataOwner,
    namespace: &str,
    json: String,
    meaning: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let kept = writable(app, party, owner).await?;
    meaning()?;
    let document = Document { json, updated_at: app.now_s() };
    let audit = audit(app, party, "metadata.put", &kept.owner, namespace)?;
    let outcomes = app.db.batch(vec![metadata::put(&kept.owner, namespace, &document, kept.most), audit]).await?;
    if outcomes.first().is_some_and(|put| put.changes > 0) {
        return Ok(());
    }
    Err(invalid("namespace", "there are as many as there may be"))
}

/// Deletes a document.
///
/// # Errors
/// As [`show`]; [`Failure::Invalid`] for a retired host.
pub async fn delete(app: &App, party: &Party, owner: &MetadataOwner, namespace: &str) -> Result<(), Failure> {
    let kept = writable(app, party, owner).await?;
    metadata::find(&app.db, &kept.owner, namespace).await?.ok_or(UNKNOWN)?;
    let audit = audit(app, party, "metadata.delete", &kept.owner, namespace)?;
    app.db.batch(vec![metadata::delete(&kept.owner, namespace), audit]).await?;
    Ok(())
}

fn audit(
    app: &App,
    party: &Party,
    action: &str,
    owner: &Owner,
    namespace: &str,
) -> Result<crate::store::Statement, Failure> {
    app.audit(&actor(&party.credential), action, &format!("{} {namespace}", owner.text()))
}
