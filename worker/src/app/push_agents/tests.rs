use super::*;
use crate::store::Db;
use crate::store::db::now;
use crate::store::host_edits;
use edgewatch_core::model::{Host, Scopes, Token, TokenKind};

fn caller(scopes: Scopes) -> Credential {
    Credential::Token(Token {
        id: 1,
        kind: TokenKind::Api,
        scopes,
        note: String::new(),
        user_id: 1,
        expires_at: None,
        uses_left: None,
        address_ranges: vec![],
        last_use: None,
    })
}

fn agent_key() -> Credential {
    caller(Scopes { register: true, ..Scopes::default() })
}

fn admin() -> Credential {
    caller(Scopes { admin: true, ..Scopes::default() })
}

fn app() -> App {
    App::for_tests(Db::in_memory().unwrap())
}

fn wants(uuid: &str, password: &str) -> PushRegistration {
    PushRegistration {
        uuid: uuid.to_owned(),
        password: password.to_owned(),
        host_name: "web\u{7}01 ".to_owned(),
        address: "192.0.2.10".to_owned(),
    }
}

fn try_to(app: &App, uuid: &str, password: &str) -> Result<Registered, Failure> {
    now(register(app, &agent_key(), wants(uuid, password), Came::default()))
}

/// Registers an agent; gives its password.
fn made(app: &App, uuid: &str) -> String {
    match try_to(app, uuid, "") {
        Ok(Registered::With { password }) => password,
        other => panic!("{other:?}"),
    }
}

fn listed(app: &App) -> Vec<PushAgent> {
    now(list(app, &admin())).unwrap()
}

fn all_hosts(app: &App) -> Vec<Host> {
    now(crate::store::hosts::list_all(&app.db)).unwrap()
}

fn is_conflict<T>(result: &Result<T, Failure>) -> bool {
    matches!(result, Err(Failure::Conflict { .. }))
}

fn set_manual(app: &App) {
    now(app.db.run(settings::put(settings::PUSH_AGENTS, "manual"))).unwrap();
}

fn note_stray(app: &App, uuid: &str, password: &str) {
    let hash = digest::secret_hash(password);
    let statement = push_agents::note_unknown(uuid, &hash, &Came::default(), app.now_s(), Some(b"x"), 100);
    now(app.db.run(statement)).unwrap();
}

#[test]
fn a_new_uuid_is_a_new_host_with_the_password_for_its_secret() {
    let app = app();
    let password = made(&app, "u1");
    assert!(password.len() == 128 && password.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    let other = made(&app, "u2");
    assert_ne!(password, other);
    // Of the same name, and not the same host.
    assert_eq!(all_hosts(&app).iter().map(|host| host.name.as_str()).collect::<Vec<_>>(), ["web01", "web01"]);
    let known = now(crate::store::hosts::find_by_secret(&app.db, &digest::secret_hash(&password))).unwrap();
    assert_eq!(known.map(|known| known.id), Some(HostId(1)));
    let agents = listed(&app);
    assert!(agents.iter().all(|agent| matches!(agent.standing, PushStanding::Accepted(_))), "{agents:?}");
}

#[test]
fn a_uuid_that_is_known_gets_no_password_twice_and_a_good_one_is_confirmed() {
    let app = app();
    let password = made(&app, "u1");
    assert!(is_conflict(&try_to(&app, "u1", "")));
    assert_eq!(try_to(&app, "u1", &password), Ok(Registered::Already));
    assert_eq!(try_to(&app, "u1", "wrong"), Err(UNKNOWN));
    assert_eq!(try_to(&app, "u2", &password), Err(UNKNOWN));
    assert_eq!(all_hosts(&app).len(), 1);
    for uuid in ["", "a\nb", &"a".repeat(38)] {
        assert!(matches!(try_to(&app, uuid, ""), Err(Failure::Invalid { .. })), "{uuid:?}");
    }
    made(&app, &"é".repeat(37));
}

#[test]
fn without_the_right_nobody_registers_or_decides() {
    let app = app();
    let reader = caller(Scopes { read: true, write: true, ..Scopes::default() });
    let refused = now(register(&app, &reader, wants("u1", ""), Came::default()));
    assert_eq!(refused, Err(Failure::Forbidden { needs: "the scope register" }));
    made(&app, "u1");
    for who in [reader, agent_key()] {
        assert!(matches!(now(list(&app, &who)), Err(Failure::Forbidden { .. })));
        assert!(matches!(now(accept(&app, &who, "u1", None)), Err(Failure::Forbidden { .. })));
        assert!(matches!(now(allow_again(&app, &who, "u1")), Err(Failure::Forbidden { .. })));
        assert!(matches!(now(remove(&app, &who, "u1")), Err(Failure::Forbidden { .. })));
        assert!(matches!(now(checkdata(&app, &who, "u1")), Err(Failure::Forbidden { .. })));
    }
}

#[test]
fn by_hand_an_agent_is_no_host_until_an_administrator_says_so() {
    let app = app();
    set_manual(&app);
    let password = made(&app, "u1");
    assert_eq!((all_hosts(&app).len(), listed(&app)[0].standing), (0, PushStanding::Pending));
    assert!(is_conflict(&try_to(&app, "u1", "")));
    assert_eq!(try_to(&app, "u1", &password), Ok(Registered::Already));
    now(accept(&app, &admin(), "u1", None)).unwrap();
    assert_eq!(listed(&app)[0].standing, PushStanding::Accepted(HostId(1)));
    assert_eq!(all_hosts(&app)[0].name, "web01");
    assert!(is_conflict(&now(accept(&app, &admin(), "u1", None))));
    assert!(is_conflict(&now(remove(&app, &admin(), "u1"))), "it goes with its host");
}

#[test]
fn an_unknown_agent_is_adopted_with_the_password_it_brings() {
    let app = app();
    let first = made(&app, "u1");
    note_stray(&app, "u2", "brought");
    assert_eq!(listed(&app).iter().find(|one| one.uuid == "u2").unwrap().standing, PushStanding::Stray);
    assert_eq!(now(checkdata(&app, &admin(), "u2")), Ok(Some(b"x".to_vec())));
    assert_eq!(try_to(&app, "u2", "brought"), Err(UNKNOWN), "not before an administrator says so");
    assert_eq!(now(accept(&app, &admin(), "u2", Some(HostId(9)))), Err(Failure::NotFound { what: "host" }));
    assert_eq!(listed(&app).iter().find(|one| one.uuid == "u2").unwrap().standing, PushStanding::Stray);
    // It takes the place of the agent that spoke for the host before.
    now(accept(&app, &admin(), "u2", Some(HostId(1)))).unwrap();
    let agents = listed(&app);
    assert_eq!(agents.len(), 1, "{agents:?}");
    assert_eq!((agents[0].uuid.as_str(), agents[0].standing), ("u2", PushStanding::Accepted(HostId(1))));
    assert_eq!(try_to(&app, "u2", "brought"), Ok(Registered::Already));
    assert_eq!(try_to(&app, "u1", &first), Err(UNKNOWN));
    assert_eq!(now(checkdata(&app, &admin(), "u2")), Ok(None));
}

#[test]
fn two_agents_with_one_password_are_not_two_hosts() {
    let app = app();
    let password = made(&app, "u1");
    note_stray(&app, "u2", &password);
    assert!(is_conflict(&now(accept(&app, &admin(), "u2", None))));
    made(&app, "u3");
    assert!(is_conflict(&now(accept(&app, &admin(), "u2", Some(HostId(2))))));
    assert_eq!(listed(&app).iter().find(|one| one.uuid == "u2").unwrap().standing, PushStanding::Stray);
}

#[test]
fn who_may_register_again_gets_another_password_once() {
    let app = app();
    let old = made(&app, "u1");
    assert_eq!(now(allow_again(&app, &admin(), "u9")), Err(UNKNOWN));
    now(allow_again(&app, &admin(), "u1")).unwrap();
    assert_eq!(try_to(&app, "u1", &old), Ok(Registered::Already), "good until then");
    let new = made(&app, "u1");
    assert_ne!(old, new);
    assert!(is_conflict(&try_to(&app, "u1", "")));
    assert_eq!((try_to(&app, "u1", &old), try_to(&app, "u1", &new)), (Err(UNKNOWN), Ok(Registered::Already)));
    let known = now(crate::store::hosts::find_by_secret(&app.db, &digest::secret_hash(&new))).unwrap();
    assert_eq!(known.map(|known| known.id), Some(HostId(1)), "it is the host it was");
    assert_eq!(all_hosts(&app).len(), 1);
}

#[test]
fn the_agent_of_a_host_that_is_no_more_begins_anew() {
    let app = app();
    let old = made(&app, "u1");
    now(app.db.batch(host_edits::retire(&[HostId(1)], app.now_s()))).unwrap();
    assert_eq!(listed(&app)[0].standing, PushStanding::Stray);
    assert_eq!(try_to(&app, "u1", &old), Err(UNKNOWN));
    made(&app, "u1");
    assert_eq!(listed(&app)[0].standing, PushStanding::Accepted(HostId(2)));
}

#[test]
fn a_leaked_key_registers_so_many_in_an_hour() {
    let app = app();
    let insert = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) \
         INSERT INTO push_agents (uuid, registered, password_hash, host_name, address, remote_address, forwarded_for, \
         user_agent, registered_at_s, by_token_id) SELECT 'n' || i, 1, '', '', '', '', '', '', ?1, 1 FROM n";
    now(app.db.run(Statement::new(insert, vec![app.now_s().plus(-3_000).0.into()]))).unwrap();
    assert!(matches!(try_to(&app, "u1", ""), Err(Failure::TooManyAttempts { .. })));
    let later = App { now: edgewatch_core::units::UnixMillis(app.now.0 + 601_000), ..app };
    made(&later, "u1");
}
