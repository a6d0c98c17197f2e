//! What programs for Mackerel have watched.

use edgewatch_core::domain::downtime::Gone;
use edgewatch_core::domain::ids::{self, Thing};
use edgewatch_core::domain::probing::page;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{ListedMonitor, MonitorDraft, MonitorId, ScopeName, Sent, Watch};

use super::forget::forget;
use super::invalid;
use crate::app::identity::Party;
use crate::app::{App, actor, rules};
use crate::platform::config::Config;
use crate::platform::log;
use crate::store::mackerel::monitors::{self, Stored};
use crate::store::mackerel::services;

const UNKNOWN: Failure = Failure::NotFound { what: "monitor" };
/// So many there may be: the hub keeps all of them in one row.
const MOST: u64 = 300;
/// So many bytes they may be judged by together.
const MOST_BYTES: u64 = 400_000;

fn listed(config: &Config, stored: Stored) -> ListedMonitor {
    let Stored { id, kind, name, document_json, sealed } = stored;
    let public_id = ids::thing_id(Thing::Monitor, id.0);
    // Under another key than this deployment has it cannot be had back: the monitor is listed without.
    let sent = sealed.and_then(|sealed| {
        open(config, &sealed).inspect_err(|failure| log::error("mackerel.monitors", &failure.to_string())).ok()
    });
    ListedMonitor { id, public_id, kind, name, document_json, sent }
}

/// What is sent along with a question, as it was said.
///
/// # Errors
/// [`Failure::Internal`] when it does not open; [`Failure::Conflict`] without a key to open it with.
pub fn open(config: &Config, sealed: &str) -> Result<Sent, Failure> {
    Ok(monitors::decode_sent(&config.seal_key()?.open(sealed)?)?)
}

/// The draft as it can be kept: what is sent along with a question is encrypted.
fn seal(config: &Config, mut draft: MonitorDraft) -> Result<MonitorDraft, Failure> {
    if let (Some(sent), Watch::External { question, .. }) = (&draft.sent, &mut draft.watch) {
        question.sealed = Some(config.seal_key()?.seal(&monitors::encode_sent(sent)?)?);
    }
    Ok(draft)
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
    Ok(monitors::list(&app.db).await?.into_iter().map(|stored| listed(&app.config, stored)).collect())
}

/// A monitor.
///
/// # Errors
/// As [`list`]; [`Failure::NotFound`] when there is none with this id.
pub async fn show(app: &App, party: &Party, id: &str) -> Result<ListedMonitor, Failure> {
    party.of_all()?;
    monitors::find(&app.db, number(id)?).await?.map(|stored| listed(&app.config, stored)).ok_or(UNKNOWN)
}

/// Makes a monitor; gives it.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] for a service or role that there is not, a web address that the platform cannot reach, or one monitor
/// too many; [`Failure::Conflict`] for headers or a body where the deployment has no key to encrypt them with.
pub async fn create(app: &App, party: &Party, draft: MonitorDraft) -> Result<ListedMonitor, Failure> {
    party.of_all()?;
    require_reachable(app, &draft)?;
    require_named(app, &draft).await?;
    let draft = seal(&app.config, draft)?;
    require_room(app, &draft, None).await?;
    let audit = app.audit(&actor(&party.credential), "monitor.create", &draft.name)?;
    let id = monitors::insert(&app.db, &draft, app.now_s(), audit).await?;
    rules::tell_hub(app).await;
    Ok(of_draft(id, draft))
}

/// Puts what `meaning` makes of a monitor in its place, once it is known to be there; gives it.
///
/// # Errors
/// As [`show`]; what `meaning` returns; as [`create`]; [`Failure::Conflict`] when what is sent along was to stay and does not open any more.
pub async fn replace(
    app: &App,
    party: &Party,
    id: &str,
    meaning: impl FnOnce(ListedMonitor) -> Result<MonitorDraft, Failure>,
) -> Result<ListedMonitor, Failure> {
    party.of_all()?;
    let stored = monitors::find(&app.db, number(id)?).await?.ok_or(UNKNOWN)?;
    let (number, was_sent) = (stored.id, stored.sealed.is_some());
    let current = listed(&app.config, stored);
    let is_lost = was_sent && current.sent.is_none();
    let draft = meaning(current)?;
    if is_lost && draft.sent.is_none() {
        // What nobody says again was to stay.
        let detail = "its headers and body were encrypted under another EDGEWATCH_KEY: say them again, or delete it";
        return Err(Failure::Conflict { detail: detail.to_owned() });
    }
    require_reachable(app, &draft)?;
    require_named(app, &draft).await?;
    let draft = seal(&app.config, draft)?;
    require_room(app, &draft, Some(number)).await?;
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
    let MonitorDraft { kind, name, document_json, sent, .. } = draft;
    ListedMonitor { id, public_id: ids::thing_id(Thing::Monitor, id.0), kind, name, document_json, sent }
}

/// Fails when the hub could not keep a monitor with all others.
async fn require_room(app: &App, draft: &MonitorDraft, instead_of: Option<MonitorId>) -> Result<(), Failure> {
    let others = monitors::size(&app.db, instead_of).await?;
    if others.count >= MOST || others.bytes.saturating_add(monitors::bytes(draft)?) > MOST_BYTES {
        return Err(invalid("monitor", "is one too many, or too long"));
    }
    Ok(())
}

/// Fails for a web address that cannot be asked from here, and says why.
fn require_reachable(app: &App, draft: &MonitorDraft) -> Result<(), Failure> {
    let Watch::External { question, .. } = &draft.watch else { return Ok(()) };
    page::check_url(&question.url, app.is_own_machine()).map_err(|error| invalid("url", &error.to_string()))
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
    use crate::platform::seal::SealKey;
    use crate::store::Db;
    use crate::store::db::now;
    use edgewatch_core::model::{Credential, MetricTest, MonitorKind, Role, Session, User, WebQuestion};
    use edgewatch_core::units::UnixSeconds;
    use std::sync::Arc;

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
            sent: None,
        }
    }

    fn of_page(url: &str, header: Option<&str>) -> MonitorDraft {
        let question = WebQuestion { url: url.to_owned(), method: "GET".to_owned(), ..WebQuestion::default() };
        let watch = Watch::External { question, test: MetricTest::of_delay(None, None, 1, 1), service: None };
        let header = header.map(|value| ("X-Key".to_owned(), value.to_owned()));
        let sent = header.map(|header| Sent { headers: vec![header], body: None });
        MonitorDraft { kind: MonitorKind::External, watch, sent, ..draft("w") }
    }

    #[test]
    fn what_is_sent_along_is_encrypted_and_read_back() {
        let mut app = App::for_tests(Db::in_memory().unwrap());
        assert!(app.config.seal_key.is_none());
        let with = of_page("https://example.com/", Some("sesame"));
        assert!(matches!(now(create(&app, &party(), with.clone())), Err(Failure::Conflict { .. })), "there is no key");
        let made = now(create(&app, &party(), of_page("https://example.com/", None))).unwrap();
        assert_eq!(made.sent, None);
        let key = |letter: &str| SealKey::parse(&format!("{}=", letter.repeat(43)));
        app.config = Arc::new(Config { seal_key: key("Q"), ..(*app.config).clone() });
        let made = now(create(&app, &party(), with.clone())).unwrap();
        assert_eq!((&made.sent, &now(show(&app, &party(), &made.public_id)).unwrap()), (&with.sent, &made));
        let stored = now(monitors::find(&app.db, made.id)).unwrap().unwrap();
        let sealed = stored.sealed.clone().unwrap();
        assert!(
            !sealed.contains("sesame")
                && open(&app.config, &sealed).is_ok()
                && !stored.document_json.contains("sesame")
        );
        // Under another key it is not to be had, and the monitor is.
        app.config = Arc::new(Config { seal_key: key("g"), ..(*app.config).clone() });
        assert_eq!(now(show(&app, &party(), &made.public_id)).unwrap().sent, None);
        let put = |app: &App, said: MonitorDraft| now(replace(app, &party(), &made.public_id, |_| Ok(said)));
        assert!(
            matches!(put(&app, of_page("https://example.com/", None)), Err(Failure::Conflict { .. })),
            "it would be lost"
        );
        assert_eq!(put(&app, with.clone()).unwrap().sent, with.sent);
        assert_eq!(put(&app, of_page("https://example.com/", None)).unwrap().sent, None);
    }

    #[test]
    fn what_the_platform_cannot_reach_is_refused_with_the_reason() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let made = now(create(&app, &party(), of_page("https://example.com/", None))).unwrap();
        for (url, reason) in
            [("http://10.0.0.1/", "private"), ("https://8.8.8.8/", "numbers"), ("http://a:b@c/", "HTTP target")]
        {
            let said = of_page(url, None);
            let refusals = [
                now(create(&app, &party(), said.clone())).unwrap_err(),
                now(replace(&app, &party(), &made.public_id, |_| Ok(said))).unwrap_err(),
            ];
            for refusal in refusals {
                assert!(matches!(&refusal, Failure::Invalid { field, .. } if field == "url"), "{refusal}");
                assert!(refusal.to_string().contains(reason), "{refusal}");
            }
        }
        assert_eq!(now(list(&app, &party())).unwrap().len(), 2);
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
    fn all_of_them_fit_where_the_hub_keeps_them() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let long = |length: usize| of_page(&format!("https://example.com/{}", "x".repeat(length)), None);
        let ids: Vec<String> = (0..39).map(|_| now(create(&app, &party(), long(10_000))).unwrap().public_id).collect();
        assert!(now(create(&app, &party(), long(10_000))).is_err());
        let id = ids.first().unwrap();
        assert!(now(replace(&app, &party(), id, |_| Ok(long(30_000)))).is_err());
        now(replace(&app, &party(), id, |_| Ok(long(1_000)))).unwrap();
        now(create(&app, &party(), long(10_000))).unwrap();
    }

    #[test]
    fn there_may_be_three_hundred() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let made = (0..300).take_while(|number| now(create(&app, &party(), draft(&number.to_string()))).is_ok());
        assert_eq!(made.count(), 299, "one is there from the beginning");
    }
}
