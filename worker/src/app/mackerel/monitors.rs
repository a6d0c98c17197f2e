//! What programs for Mackerel have watched.

use edgewatch_core::domain::downtime::Gone;
use edgewatch_core::domain::ids::{self, Thing};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{ListedMonitor, MonitorDraft, MonitorId, ScopeName};

use super::forget::forget;
use super::invalid;
use crate::app::identity::Party;
use crate::app::{App, actor, rules};
use crate::store::mackerel::monitors::{self, Stored};
use crate::store::mackerel::services;

const UNKNOWN: Failure = Failure::NotFound { what: "monitor" };
/// So many there may be: the hub keeps all of them in one row.
const MOST: u64 = 300;
/// So many bytes they may be judged by together.
const MOST_BYTES: u64 = 400_000;

fn listed(stored: Stored) -> ListedMonitor {
    let Stored { id, kind, name, document_json } = stored;
    ListedMonitor { id, public_id: ids::thing_id(Thing::Monitor, id.0), kind, name, document_json }
}

fn number(id: &str) -> Result<MonitorId, Failure> {
    ids::thing_number(Thing::Monitor, id).map(MonitorId).ok_or(UNKNOWN)
}

/// Every monitor, by kind and name.
///
/// # Errors
/// [`Failure::Forbidden`] for who reaches some hosts alone; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(app: &App, party: &Party) -> Result<Vec<ListedMonitor>, Failure> {
    party.of_all()?;
    Ok(monitors::list(&app.db).await?.into_iter().map(listed).collect())
}

/// A monitor.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none with this id.
pub async fn show(app: &App, party: &Party, id: &str) -> Result<ListedMonitor, Failure> {
    party.of_all()?;
    monitors::find(&app.db, number(id)?).await?.map(listed).ok_or(UNKNOWN)
}

/// Makes a monitor; gives it.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] for a service or role that there is not, or one monitor too many.
pub async fn create(app: &App, party: &Party, draft: MonitorDraft) -> Result<ListedMonitor, Failure> {
    party.of_all()?;
    require_named(app, &draft).await?;
    let size = monitors::size(&app.db).await?;
    if size.count >= MOST || size.bytes >= MOST_BYTES {
        return Err(invalid("monitor", "is one too many"));
    }
    let audit = app.audit(&actor(&party.credential), "monitor.create", &draft.name)?;
    let id = monitors::insert(&app.db, &draft, app.now_s(), audit).await?;
    rules::tell_hub(app).await;
    Ok(of_draft(id, draft))
}

/// Puts what `meaning` makes of a monitor in its place, once it is known to be there; gives it.
///
/// # Errors
/// As [`show`]; what `meaning` returns; [`Failure::Invalid`] for a service or role that there is not.
pub async fn replace(
    app: &App,
    party: &Party,
    id: &str,
    meaning: impl FnOnce(ListedMonitor) -> Result<MonitorDraft, Failure>,
) -> Result<ListedMonitor, Failure> {
    let current = show(app, party, id).await?;
    let number = current.id;
    let draft = meaning(current)?;
    require_named(app, &draft).await?;
    let audit = app.audit(&actor(&party.credential), "monitor.update", id)?;
    if !monitors::update(&app.db, number, &draft, app.now_s(), audit).await? {
        return Err(UNKNOWN);
    }
    rules::tell_hub(app).await;
    Ok(of_draft(number, draft))
}

/// Deletes a monitor; its alerts end, and nobody is told. No notification group and no downtime names it any more. Gives it as it was.
///
/// # Errors
/// As [`show`].
pub async fn delete(app: &App, party: &Party, id: &str) -> Result<ListedMonitor, Failure> {
    let current = show(app, party, id).await?;
    let gone = [current.public_id.clone()];
    let mut with = forget(app, &Gone { monitors: &gone, ..Gone::default() }).await?;
    with.push(app.audit(&actor(&party.credential), "monitor.delete", id)?);
    let is_found = monitors::delete(&app.db, current.id, with).await?;
    rules::tell_hub(app).await;
    if is_found { Ok(current) } else { Err(UNKNOWN) }
}

fn of_draft(id: MonitorId, draft: MonitorDraft) -> ListedMonitor {
    listed(Stored { id, kind: draft.kind, name: draft.name, document_json: draft.document_json })
}

/// Fails unless there is every service and role that a monitor names.
async fn require_named(app: &App, draft: &MonitorDraft) -> Result<(), Failure> {
    if draft.scopes.is_empty() && draft.service.is_none() {
        return Ok(());
    }
    let known = services::list(&app.db).await?;
    let has = |scope: &ScopeName| {
        let service = known.iter().find(|one| one.name == scope.service);
        service.is_some_and(|service| scope.role.as_ref().is_none_or(|role| service.roles.contains(role)))
    };
    if !draft.scopes.iter().all(has) {
        return Err(invalid("scopes", "name a service or role that there is not"));
    }
    match &draft.service {
        Some(name) if !known.iter().any(|one| one.name == *name) => Err(invalid("service", "is none that there is")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;
    use crate::store::db::now;
    use edgewatch_core::model::{Credential, MonitorKind, Role, Session, User, Watch};
    use edgewatch_core::units::UnixSeconds;

    fn party() -> Party {
        let user = User { id: 1, name: "a".to_owned(), role: Role::Admin };
        let session = Session { user, expires_at: UnixSeconds(i64::MAX) };
        Party::to(crate::app::identity::Needs::ReadWrite, Credential::Session(session)).unwrap()
    }

    fn draft(name: &str) -> MonitorDraft {
        MonitorDraft {
            kind: MonitorKind::Query,
            name: name.to_owned(),
            is_mute: false,
            every_min: None,
            watch: Watch::Nothing,
            service: None,
            scopes: vec![],
            document_json: "{}".to_owned(),
        }
    }

    #[test]
    fn what_a_monitor_names_has_to_be_there() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let scope = ScopeName { service: "Svc".to_owned(), role: Some("web".to_owned()) };
        let scoped = MonitorDraft { scopes: vec![scope], ..draft("a") };
        assert!(matches!(now(create(&app, &party(), scoped.clone())), Err(Failure::Invalid { .. })));
        let role = edgewatch_core::model::RoleName { service: "Svc".to_owned(), role: "web".to_owned() };
        now(app.db.batch(services::make_missing(&[role]))).unwrap();
        let made = now(create(&app, &party(), scoped)).unwrap();
        assert_eq!(now(show(&app, &party(), &made.public_id)).unwrap(), made);
        let other = MonitorDraft { service: Some("Nope".to_owned()), ..draft("b") };
        assert!(now(replace(&app, &party(), &made.public_id, |_| Ok(other))).is_err());
        assert_eq!(now(delete(&app, &party(), &made.public_id)).unwrap(), made);
        for id in [made.public_id.as_str(), "x", ""] {
            assert_eq!(now(show(&app, &party(), id)), Err(UNKNOWN));
        }
        assert_eq!(now(list(&app, &party())).unwrap().len(), 1);
    }

    #[test]
    fn there_may_be_three_hundred() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let made = (0..300).take_while(|number| now(create(&app, &party(), draft(&number.to_string()))).is_ok());
        assert_eq!(made.count(), 299, "one is there from the beginning");
    }
}
