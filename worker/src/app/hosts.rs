//! Hosts: choosing and registering them.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::ids::{self, HOST_SECRET_CHARS};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, Event, EventKind, Form, Host, HostId, Registration, Token};
use std::collections::HashMap;

use super::remember::Reader;
use super::visitor::Visitor;
use super::{App, actor, presence, secret};
use crate::platform::payload::Payload;
use crate::platform::{digest, log, random};
use crate::store::hosts::{self, NewHost};
use crate::store::{Statement, access, settings};

/// Which hosts a reader wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every host.
    All,
    /// These, in this order, repeats kept, unknown ones left out.
    Ids(Vec<HostId>),
    /// Those of one group.
    Tag(String),
}

/// The list of the hosts of a selection, written as `form` says. All and Tag: highest display index first, then by id.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to read; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(app: &App, reader: &Reader, selection: Selection, form: &'static Form) -> Result<Payload, Failure> {
    require(&reader.credential, Right::Read)?;
    if let Some(hub) = &app.hub {
        let now = match &selection {
            Selection::All => hub.list(form, None, None, false).await,
            Selection::Tag(tag) => hub.list(form, None, Some(tag), false).await,
            Selection::Ids(wanted) => hub.list(form, Some(wanted), None, false).await,
        };
        match now {
            Ok((list, epochs)) => {
                require(&reader.confirm(app, Some(&epochs)).await?, Right::Read)?;
                return Ok(list);
            }
            // What D1 was told last is better than nothing.
            Err(error) => log::error("hosts.list", &error.to_string()),
        }
    }
    require(&reader.confirm(app, None).await?, Right::Read)?;
    let hosts = match selection {
        Selection::All => hosts::list_all(&app.db).await?,
        Selection::Tag(tag) => hosts::list_by_tag(&app.db, &tag).await?,
        Selection::Ids(wanted) => {
            let found = hosts::list_by_ids(&app.db, &wanted).await?;
            let by_id: HashMap<HostId, Host> = found.into_iter().map(|host| (host.id, host)).collect();
            wanted.iter().filter_map(|id| by_id.get(id).cloned()).collect()
        }
    };
    Ok(form.list(hosts)?.into())
}

/// Every host that a visitor may see, highest display index first, then by id.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn list_for(app: &App, visitor: &Visitor, form: &'static Form) -> Result<Payload, Failure> {
    let for_guests = !visitor.sees_hidden();
    if let Some(hub) = &app.hub {
        match hub.list(form, None, None, for_guests).await {
            Ok((list, _)) => return Ok(list),
            Err(error) => log::error("hosts.list", &error.to_string()),
        }
    }
    let mut hosts = hosts::list_all(&app.db).await?;
    hosts.retain(|host| !(for_guests && host.hidden_for_guest));
    Ok(form.list(hosts)?.into())
}

/// Tells the hub of hosts that were made, changed or retired. Where that fails, the schedule's next run does it.
pub(super) async fn tell_hub(app: &App, ids: &[HostId]) {
    if let Some(hub) = &app.hub
        && let Err(error) = hub.changed(ids).await
    {
        log::error("hosts.changed", &error.to_string());
    }
}

/// Makes a host and gives its secret, which is known to nobody else from then on.
///
/// A machine that shows its machine id and the secret of its earlier registration stays the host it is and gets the same
/// secret. Nothing else joins: a known machine without that proof becomes another host, and the operator is told.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to register; [`Failure::Unavailable`] when the database does not answer.
pub async fn register(app: &App, caller: &Credential, registration: Registration) -> Result<String, Failure> {
    require(caller, Right::Register)?;
    if let Some(secret) = proven(app, &registration).await? {
        return Ok(secret);
    }
    let by_token = match caller {
        Credential::Token(token) => Some(token),
        Credential::Session(_) => None,
    };
    make(app, &actor(caller), by_token, registration, |_| Ok(vec![])).await.map(|made| made.secret)
}

/// The secret of the host that the machine proves to be: it holds that host's secret, and its machine id is the one that
/// the host was registered with. A machine without an id has its secret alone to show.
async fn proven(app: &App, registration: &Registration) -> Result<Option<String>, Failure> {
    let Some(secret) = &registration.known_secret else { return Ok(None) };
    let Some(known) = hosts::find_by_secret(&app.db, &digest::secret_hash(secret)).await? else { return Ok(None) };
    let same = match (&known.machine_id, &registration.machine_id) {
        (Some(stored), Some(shown)) => digest::is_same(stored, shown),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    Ok(same.then(|| secret.clone()))
}

/// A host that was made.
pub(super) struct Made {
    /// Its agent's secret, which is known to nobody else.
    pub secret: String,
    /// Its public id.
    pub public_id: String,
}

/// Makes a host, with what else is said of it: `more` gives the statements, by the hash of its secret.
pub(super) async fn make(
    app: &App,
    actor: &str,
    by_token: Option<&Token>,
    registration: Registration,
    more: impl FnOnce(&str) -> Result<Vec<Statement>, Failure>,
) -> Result<Made, Failure> {
    let secret = secret(HOST_SECRET_CHARS)?;
    let hash = digest::secret_hash(&secret);
    let public_id = make_with(app, actor, by_token, registration, &hash, more).await?;
    Ok(Made { secret, public_id })
}

/// As [`make`], of a host whose secret has this hash; gives its public id.
///
/// # Errors
/// As [`register`]; [`Failure::Conflict`] when something of it has to be unique, and is not.
pub(super) async fn make_with(
    app: &App,
    actor: &str,
    by_token: Option<&Token>,
    registration: Registration,
    secret_hash: &str,
    more: impl FnOnce(&str) -> Result<Vec<Statement>, Failure>,
) -> Result<String, Failure> {
    let twin = match &registration.machine_id {
        Some(machine_id) => hosts::find_by_machine(&app.db, machine_id).await?,
        None => None,
    };
    let mut uuid = [0; 16];
    random::fill(&mut uuid)?;
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are random enough")]
    let public_id = ids::public_id(app.now, random::number()? as u32);
    let name = registration.name;
    let mut statements = hosts::insert(NewHost {
        public_id: public_id.clone(),
        uuid: ids::uuid(uuid),
        name: name.clone(),
        tag: registration.tag,
        note: registration.note,
        hidden_for_guest: registration.hidden_for_guest,
        secret_hash: secret_hash.to_owned(),
        machine_id: registration.machine_id,
        registered_at: app.now_s(),
        by_token_id: by_token.map(|token| token.id),
    });
    statements.extend(more(secret_hash)?);
    statements.push(app.audit(actor, "host.register", &public_id)?);
    statements.push(settings::bump(settings::HOSTS_VERSION));
    if let Some(twin) = twin {
        let event = Event::new(
            app.time_key()?,
            EventKind::DuplicateMachine,
            Some(twin.id),
            app.now_s(),
            format!(
                "the machine of host {} registered again without its old secret and became another host, \"{name}\"",
                twin.id.0
            ),
        );
        statements.extend(presence::tell(app, &event, None).await?);
    }
    if let Some(token) = by_token.filter(|token| token.uses_left.is_some()) {
        statements.push(access::spend_use(token.id));
    }
    match app.db.batch(statements).await {
        Ok(_) => {}
        Err(error) if access::is_used_up(&error) => {
            return Err(Failure::Forbidden { needs: "a token with uses left" });
        }
        // It may have been carried out; then nobody else would ever know the secret.
        Err(error) if error.is_transient() => {
            hosts::find_by_secret(&app.db, secret_hash).await?.ok_or(error)?;
        }
        Err(error) => return Err(error.into()),
    }
    if let Ok(Some(known)) = hosts::find_by_secret(&app.db, secret_hash).await {
        tell_hub(app, &[known.id]).await;
    }
    Ok(public_id)
}

/// Registers a host without a caller, for the tests of other rooms' use cases.
///
/// # Errors
/// As [`register`].
#[cfg(test)]
pub async fn register_for_tests(app: &App, registration: Registration) -> Result<String, Failure> {
    make(app, "test", None, registration, |_| Ok(vec![])).await.map(|made| made.secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;
    use crate::store::db::now;
    use crate::store::events;
    use edgewatch_core::model::{Piece, Scopes, TokenKind};

    fn caller() -> Credential {
        Credential::Token(Token {
            id: 1,
            kind: TokenKind::Api,
            scopes: Scopes { admin: true, ..Scopes::default() },
            note: String::new(),
            user_id: 1,
            expires_at: None,
            uses_left: None,
            address_ranges: vec![],
            last_use: None,
        })
    }

    fn machine(machine_id: Option<&str>, secret: Option<&str>) -> Registration {
        Registration {
            name: "alpha".to_owned(),
            tag: "eu".to_owned(),
            note: String::new(),
            hidden_for_guest: true,
            machine_id: machine_id.map(str::to_owned),
            known_secret: secret.map(str::to_owned),
        }
    }

    static FORM: Form = Form {
        name: "test",
        of: |_| true,
        before: "[",
        after: "]",
        write: |host| Ok(Piece::new(&format!("{} ", host.id.0), "")),
        seen: |at| at.map_or(-1, |at| at.0).to_string(),
    };

    fn count(app: &App) -> usize {
        now(hosts::list_all(&app.db)).unwrap().len()
    }

    #[test]
    fn the_same_machine_with_its_secret_stays_one_host() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let secret = now(register(&app, &caller(), machine(Some("m1"), None))).unwrap();
        assert_eq!(secret.len(), 18);
        let again = now(register(&app, &caller(), machine(Some("m1"), Some(&secret)))).unwrap();
        assert_eq!((again, count(&app)), (secret, 1));
    }

    #[test]
    fn a_machine_without_an_id_proves_itself_by_its_secret() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let secret = now(register(&app, &caller(), machine(None, None))).unwrap();
        assert_eq!(now(register(&app, &caller(), machine(None, Some(&secret)))).unwrap(), secret);
        assert_ne!(now(register(&app, &caller(), machine(Some("m1"), Some(&secret)))).unwrap(), secret);
        assert_eq!(count(&app), 2);
    }

    #[test]
    fn without_proof_two_calls_make_two_hosts_and_the_operator_is_told() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let secret = now(register(&app, &caller(), machine(Some("m1"), None))).unwrap();
        now(register(&app, &caller(), machine(Some("m1"), Some("wrongwrongwrongwro")))).unwrap();
        // A cloned disk: the secret is right, the machine is another.
        now(register(&app, &caller(), machine(Some("m2"), Some(&secret)))).unwrap();
        assert_eq!(count(&app), 3);
        let told = now(events::list(&app.db, None, 10)).unwrap();
        assert_eq!(told.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::DuplicateMachine]);
    }

    #[test]
    fn hosts_asked_for_by_id_come_in_the_order_asked_with_repeats() {
        let app = App::for_tests(Db::in_memory().unwrap());
        for _ in 0..3 {
            now(register(&app, &caller(), machine(None, None))).unwrap();
        }
        let wanted = Selection::Ids(vec![HostId(3), HostId(1), HostId(9), HostId(3)]);
        let list = now(list(&app, &Reader::for_tests(caller()), wanted, &FORM)).unwrap();
        assert_eq!(list.into_bytes(), b"[3 -1,1 -1,3 -1]");
    }
}
