//! Tables `tokens`, `setup_links` and `audit`: what programs come in with, how the first administrator is made, and who did what.

use edgewatch_core::model::{AddressRange, AuditEntry, ListedToken, Scopes, Token, TokenKind, User};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::users::UserRow;
use super::{Db, Statement, StoreError};

const FIND_TOKEN: &str = "SELECT id, tail, kind, may_read, may_write, may_register, may_admin, note, user_id, created_at_s, \
     expires_at_s, uses_left, address_ranges_json, last_use_s FROM tokens WHERE token_hash = ?1";
// At most the few of agents are read before one is found.
const FIND_API_TOKEN: &str =
    "SELECT id FROM tokens WHERE kind = 'api' AND (expires_at_s IS NULL OR expires_at_s > ?1) LIMIT 1";
const LIST_TOKENS: &str = "SELECT id, tail, kind, may_read, may_write, may_register, may_admin, note, user_id, created_at_s, \
     expires_at_s, uses_left, address_ranges_json, last_use_s FROM tokens ORDER BY id";
const INSERT_TOKEN: &str = "INSERT INTO tokens (token_hash, tail, kind, may_read, may_write, may_register, may_admin, note, \
     user_id, created_at_s, expires_at_s, uses_left, address_ranges_json) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) RETURNING id";
const SPEND_USE: &str = "UPDATE tokens SET uses_left = uses_left - 1 WHERE id = ?1 AND uses_left IS NOT NULL";
const DELETE_TOKEN: &str = "DELETE FROM tokens WHERE id = ?1";
const NOTE_USE: &str = "UPDATE tokens SET last_use_s = ?2 WHERE id = ?1";
// The one use: of two requests with the same link, one changes the row; all that follows in its batch asks for its mark (the
// last value of each), so that either everything is made or nothing, the link's use included.
const USE_LINK: &str = "UPDATE setup_links SET used_s = ?2, used_key = ?3 \
     WHERE token_hash = ?1 AND used_s IS NULL AND expires_s > ?2";
const PUT_ADMIN: &str = "INSERT INTO users (name, role, created_at_s, password_hash) \
     SELECT ?1, 'admin', ?2, ?3 FROM setup_links WHERE used_key = ?4 ON CONFLICT (name) DO UPDATE SET role = 'admin', \
     password_hash = coalesce(excluded.password_hash, password_hash), \
     credential_no = credential_no + (excluded.password_hash IS NOT NULL)";
// With a new password the sessions that were opened with the old one are over.
const END_SESSIONS: &str = "DELETE FROM sessions WHERE ?2 IS NOT NULL AND user_id IN \
     (SELECT u.id FROM users u JOIN setup_links l ON l.used_key = ?3 WHERE u.name = ?1)";
const PUT_FIRST_TOKEN: &str = "INSERT INTO tokens (token_hash, tail, kind, may_read, may_write, may_register, may_admin, note, \
     user_id, created_at_s) SELECT ?1, ?2, 'api', 0, 0, 0, 1, ?3, u.id, ?4 FROM users u JOIN setup_links l ON l.used_key = ?6 \
     WHERE u.name = ?5";
const PUT_FIRST_SESSION: &str = "INSERT INTO sessions (session_hash, user_id, created_at_s, expires_at_s) \
     SELECT ?1, u.id, ?2, ?3 FROM users u JOIN setup_links l ON l.used_key = ?5 WHERE u.name = ?4";
const FIND_MADE: &str =
    "SELECT u.id, u.name, u.role FROM users u JOIN setup_links l ON l.used_key = ?2 WHERE u.name = ?1";
const FIND_LINK: &str =
    "SELECT token_hash AS id FROM setup_links WHERE token_hash = ?1 AND used_s IS NULL AND expires_s > ?2";
const DELETE_AUDIT: &str =
    "DELETE FROM audit WHERE key IN (SELECT key FROM audit WHERE key < ?1 ORDER BY key LIMIT 500)";
// Who it was is found by number: a row more read for each change.
const LIST_AUDIT: &str = "SELECT a.key, a.at_s, a.actor, a.action, a.subject, \
     CASE WHEN a.actor LIKE 'user:%' THEN (SELECT name FROM users WHERE id = CAST(substr(a.actor, 6) AS INTEGER)) \
     WHEN a.actor LIKE 'token:%' THEN (SELECT note FROM tokens WHERE id = CAST(substr(a.actor, 7) AS INTEGER)) END AS actor_name \
     FROM audit a WHERE a.key < coalesce(?1, '~') ORDER BY a.key DESC LIMIT ?2";
const INSERT_AUDIT: &str = "INSERT INTO audit (key, at_s, actor, action, subject) VALUES (?1, ?2, ?3, ?4, ?5)";
// Before the statement that makes the user, which does nothing where somebody has the address or the name.
const INSERT_AUDIT_OF_NEW: &str = "INSERT INTO audit (key, at_s, actor, action, subject) SELECT ?1, ?2, ?3, ?4, ?5 \
     WHERE NOT EXISTS (SELECT 1 FROM users WHERE name = ?5 OR email = ?5)";

/// A token about to be inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// SHA-256 of its text.
    pub token_hash: String,
    /// Its last four characters.
    pub tail: String,
    /// What it is for.
    pub kind: TokenKind,
    /// What it may do.
    pub scopes: Scopes,
    /// The holder's words for it.
    pub note: String,
    /// The person who makes it.
    pub user_id: i64,
    /// When.
    pub created_at: UnixSeconds,
    /// From when on it is dead.
    pub expires_at: Option<UnixSeconds>,
    /// How many hosts it may register.
    pub uses_left: Option<u32>,
    /// Where it may be used from; empty for anywhere.
    pub address_ranges: Vec<AddressRange>,
}

#[derive(Deserialize)]
struct TokenRow {
    id: i64,
    tail: String,
    kind: String,
    may_read: i64,
    may_write: i64,
    may_register: i64,
    may_admin: i64,
    note: String,
    user_id: i64,
    created_at_s: i64,
    expires_at_s: Option<i64>,
    uses_left: Option<u32>,
    address_ranges_json: String,
    last_use_s: Option<i64>,
}

#[derive(Deserialize)]
struct AuditRow {
    key: String,
    at_s: i64,
    actor: String,
    actor_name: Option<String>,
    action: String,
    subject: String,
}

#[derive(Deserialize)]
struct IdRow {
    id: i64,
}

/// The token whose text has this hash, dead or alive.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn find_token(db: &Db, token_hash: &str) -> Result<Option<Token>, StoreError> {
    let row: Option<TokenRow> = db.run(Statement::new(FIND_TOKEN, vec![token_hash.into()])).await?.first()?;
    row.map(|row| ListedToken::try_from(row).map(|listed| listed.token)).transpose()
}

/// Whether there is a token of a program that is alive at `now`.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn has_api_token(db: &Db, now: UnixSeconds) -> Result<bool, StoreError> {
    let row: Option<IdRow> = db.run(Statement::new(FIND_API_TOKEN, vec![now.0.into()])).await?.first()?;
    Ok(row.is_some_and(|row| row.id > 0))
}

/// Every token, oldest first.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list_tokens(db: &Db) -> Result<Vec<ListedToken>, StoreError> {
    let rows: Vec<TokenRow> = db.run(Statement::new(LIST_TOKENS, vec![])).await?.rows()?;
    rows.into_iter().map(ListedToken::try_from).collect()
}

/// The statement that inserts a token and returns its `id`.
fn insert_token(token: NewToken) -> Statement {
    let kind = match token.kind {
        TokenKind::Api => "api",
        TokenKind::Agent => "agent",
    };
    let ranges: Vec<String> = token.address_ranges.iter().map(ToString::to_string).collect();
    let binds = vec![
        token.token_hash.into(),
        token.tail.into(),
        kind.into(),
        token.scopes.read.into(),
        token.scopes.write.into(),
        token.scopes.register.into(),
        token.scopes.admin.into(),
        token.note.into(),
        token.user_id.into(),
        token.created_at.0.into(),
        token.expires_at.map(|at| at.0).into(),
        token.uses_left.into(),
        serde_json::Value::from(ranges).to_string().into(),
    ];
    Statement::new(INSERT_TOKEN, binds)
}

/// Inserts a token together with `with` (its audit row) and gives its number.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn add_token(db: &Db, token: NewToken, with: Statement) -> Result<i64, StoreError> {
    let outcomes = db.batch(vec![insert_token(token), with]).await?;
    let row: Option<IdRow> = outcomes.first().map(super::Outcome::first).transpose()?.flatten();
    row.map(|row| row.id).ok_or_else(|| StoreError::Corrupt("an insert returned no id".to_owned()))
}

/// Deletes a token together with writing `with`; false when there was none. It is dead at once.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn delete_token(db: &Db, id: i64, with: Statement) -> Result<bool, StoreError> {
    let outcomes = db.batch(vec![Statement::new(DELETE_TOKEN, vec![id.into()]), with]).await?;
    Ok(outcomes.first().is_some_and(|outcome| outcome.changes > 0))
}

/// The statement that takes one use off a token that has a number of them. Without one left it fails, and its batch with it:
/// see [`is_used_up`].
pub fn spend_use(id: i64) -> Statement {
    Statement::new(SPEND_USE, vec![id.into()])
}

/// Whether a batch failed because a token in it had no use left.
pub fn is_used_up(error: &StoreError) -> bool {
    matches!(error, StoreError::Backend { detail, .. } if detail.contains("CHECK constraint failed: uses_left"))
}

/// Notes that a token was used: 1 row written.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn note_use(db: &Db, id: i64, now: UnixSeconds) -> Result<(), StoreError> {
    db.run(Statement::new(NOTE_USE, vec![id.into(), now.0.into()])).await.map(drop)
}

/// What a setup link makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstAdmin<'a> {
    /// SHA-256 of the link's token.
    pub link_hash: &'a str,
    /// A fresh key that marks this use of the link.
    pub used_key: &'a str,
    /// The administrator's login name.
    pub name: &'a str,
    /// The password as it is stored; `None` to leave the one there is.
    pub password_hash: Option<&'a str>,
    /// SHA-256 and the last four characters of a token with the scope admin.
    pub token: (&'a str, &'a str),
    /// The note on it.
    pub token_note: &'a str,
    /// SHA-256 of a session.
    pub session_hash: &'a str,
    /// When.
    pub now: UnixSeconds,
    /// Until when the session is open.
    pub session_expires_at: UnixSeconds,
}

/// Whether a setup link may be used at `now`.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn is_link_alive(db: &Db, link_hash: &str, now: UnixSeconds) -> Result<bool, StoreError> {
    let outcome = db.run(Statement::new(FIND_LINK, vec![link_hash.into(), now.0.into()])).await?;
    Ok(!outcome.rows::<serde::de::IgnoredAny>()?.is_empty())
}

/// Uses up a setup link and makes the administrator, a token and a session, all or nothing, together with writing `with`.
/// `None` when the link is unknown, used or too old.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; then nothing was made, the link included, or its answer was lost twice.
pub async fn use_link(db: &Db, first: &FirstAdmin<'_>, with: Statement) -> Result<Option<User>, StoreError> {
    let (now, key) = (first.now.0, first.used_key);
    let statements = vec![
        Statement::new(USE_LINK, vec![first.link_hash.into(), now.into(), key.into()]),
        Statement::new(PUT_ADMIN, vec![first.name.into(), now.into(), first.password_hash.into(), key.into()]),
        Statement::new(END_SESSIONS, vec![first.name.into(), first.password_hash.into(), key.into()]),
        Statement::new(
            PUT_FIRST_TOKEN,
            vec![
                first.token.0.into(),
                first.token.1.into(),
                first.token_note.into(),
                now.into(),
                first.name.into(),
                key.into(),
            ],
        ),
        Statement::new(
            PUT_FIRST_SESSION,
            vec![
                first.session_hash.into(),
                now.into(),
                first.session_expires_at.0.into(),
                first.name.into(),
                key.into(),
            ],
        ),
        with,
    ];
    let lost = match db.batch(statements).await {
        Ok(_) => None,
        // It may have been carried out; the mark on the link tells.
        Err(error) if error.is_transient() => Some(error),
        Err(error) => return Err(error),
    };
    let made: Option<UserRow> =
        db.run(Statement::new(FIND_MADE, vec![first.name.into(), key.into()])).await?.first()?;
    match (made, lost) {
        (Some(row), _) => User::try_from(row).map(Some),
        (None, Some(error)) => Err(error),
        (None, None) => Ok(None),
    }
}

/// At most `limit` changes, newest first; with `before` only those with a smaller key. Two rows read for each.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list_audit(db: &Db, before: Option<&str>, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
    let rows: Vec<AuditRow> = db.run(Statement::new(LIST_AUDIT, vec![before.into(), limit.into()])).await?.rows()?;
    let entry = |row: AuditRow| AuditEntry {
        key: row.key,
        at: UnixSeconds(row.at_s),
        actor: row.actor,
        actor_name: row.actor_name,
        action: row.action,
        subject: row.subject,
    };
    Ok(rows.into_iter().map(entry).collect())
}

/// The statement that forgets what was done before `key`, some of it at a time: a row each.
pub fn delete_audit_before(key: &str) -> Statement {
    Statement::new(DELETE_AUDIT, vec![key.into()])
}

/// The statement that says in the audit table what `actor` did to `subject`: 1 row.
pub fn audit(key: &str, at: UnixSeconds, actor: &str, action: &str, subject: &str) -> Statement {
    Statement::new(INSERT_AUDIT, vec![key.into(), at.0.into(), actor.into(), action.into(), subject.into()])
}

/// As [`audit`] for somebody who is about to be made a user under their address: no row where that will not be.
pub fn audit_of_new(key: &str, at: UnixSeconds, actor: &str, action: &str, email: &str) -> Statement {
    Statement::new(INSERT_AUDIT_OF_NEW, vec![key.into(), at.0.into(), actor.into(), action.into(), email.into()])
}

impl TryFrom<TokenRow> for ListedToken {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        let kind = match row.kind.as_str() {
            "api" => TokenKind::Api,
            "agent" => TokenKind::Agent,
            other => return Err(StoreError::Corrupt(format!("token kind {other}"))),
        };
        let scopes = Scopes {
            read: row.may_read != 0,
            write: row.may_write != 0,
            register: row.may_register != 0,
            admin: row.may_admin != 0,
        };
        let corrupt = |detail: String| StoreError::Corrupt(format!("address_ranges_json: {detail}"));
        let texts: Vec<String> =
            serde_json::from_str(&row.address_ranges_json).map_err(|error| corrupt(error.to_string()))?;
        let range = |text: String| AddressRange::parse(&text).ok_or_else(|| corrupt(text));
        let ranges = texts.into_iter().map(range).collect::<Result<Vec<_>, _>>()?;
        let token = Token {
            id: row.id,
            kind,
            scopes,
            note: row.note,
            user_id: row.user_id,
            expires_at: row.expires_at_s.map(UnixSeconds),
            uses_left: row.uses_left,
            address_ranges: ranges,
            last_use: row.last_use_s.map(UnixSeconds),
        };
        Ok(Self { token, tail: row.tail, created_at: UnixSeconds(row.created_at_s) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::sessions::{delete_session, find_session};
    use crate::store::{Bind, users};
    use edgewatch_core::model::Role;

    const LINK: &str = "INSERT INTO setup_links (token_hash, created_s, expires_s) VALUES (?1, ?2, ?3)";

    fn first<'a>(link_hash: &'a str, used_key: &'a str) -> FirstAdmin<'a> {
        FirstAdmin {
            link_hash,
            used_key,
            name: "ada",
            password_hash: None,
            token: (used_key, "tail"),
            token_note: "made at setup",
            session_hash: used_key,
            now: UnixSeconds(100),
            session_expires_at: UnixSeconds(200),
        }
    }

    fn use_it(db: &Db, link_hash: &str, used_key: &str) -> Option<User> {
        now(use_link(db, &first(link_hash, used_key), audit(used_key, UnixSeconds(100), "setup", "user.admin", "ada")))
            .unwrap()
    }

    fn with_links() -> Db {
        let db = Db::in_memory().unwrap();
        for (hash, expires) in [("fresh", 200), ("another", 200), ("old", 100)] {
            now(db.run(Statement::new(LINK, vec![Bind::from(hash), Bind::Int(0), Bind::Int(expires)]))).unwrap();
        }
        db
    }

    #[test]
    fn a_setup_link_is_good_for_one_use_within_its_time() {
        let db = with_links();
        let admin = use_it(&db, "fresh", "k1").unwrap();
        assert_eq!((admin.name.as_str(), admin.role), ("ada", Role::Admin));
        assert!(now(find_token(&db, "k1")).unwrap().is_some_and(|token| token.scopes.admin));
        assert!(now(find_session(&db, "k1", UnixSeconds(100))).unwrap().is_some());
        for (link, key) in [("fresh", "k2"), ("old", "k3"), ("unknown", "k4")] {
            assert_eq!(use_it(&db, link, key), None, "{link}");
            assert_eq!(now(find_token(&db, key)).unwrap(), None, "{link}");
        }
        assert_eq!(use_it(&db, "another", "k5"), Some(admin));
    }

    #[test]
    fn a_link_that_sets_a_password_ends_the_sessions_before_it_and_one_that_sets_none_keeps_both() {
        let db = with_links();
        assert!(now(is_link_alive(&db, "fresh", UnixSeconds(199))).unwrap());
        assert!(!now(is_link_alive(&db, "fresh", UnixSeconds(200))).unwrap());
        use_it(&db, "fresh", "k1").unwrap();
        assert!(!now(is_link_alive(&db, "fresh", UnixSeconds(100))).unwrap());
        let with_password = FirstAdmin { password_hash: Some("stored"), ..first("another", "k2") };
        let admin =
            now(use_link(&db, &with_password, audit("k2", UnixSeconds(1), "setup", "user.admin", "ada"))).unwrap();
        let session = |hash| now(find_session(&db, hash, UnixSeconds(100))).unwrap();
        assert_eq!((session("k1"), session("k2").map(|one| one.user)), (None, admin));
        now(db.run(Statement::new(LINK, vec![Bind::from("third"), Bind::Int(0), Bind::Int(200)]))).unwrap();
        use_it(&db, "third", "k3").unwrap();
        assert!(session("k2").is_some());
        let login = now(users::find_login(&db, "ada")).unwrap().unwrap();
        assert_eq!((login.password_hash.as_deref(), login.credential_no), (Some("stored"), 1));
    }

    #[test]
    fn a_link_is_not_used_up_when_nothing_could_be_made() {
        let db = with_links();
        let taken = audit("k9", UnixSeconds(1), "setup", "user.admin", "x");
        now(db.run(taken.clone())).unwrap();
        assert!(now(use_link(&db, &first("fresh", "k1"), taken)).is_err(), "the audit row is there already");
        assert!(use_it(&db, "fresh", "k2").is_some());
    }

    #[test]
    fn tokens_and_sessions_are_found_by_their_hash_until_they_are_gone() {
        let db = with_links();
        let admin = use_it(&db, "fresh", "k0").unwrap();
        let token = NewToken {
            token_hash: "t".to_owned(),
            tail: "abcd".to_owned(),
            kind: TokenKind::Api,
            scopes: Scopes { admin: true, ..Scopes::default() },
            note: "n".to_owned(),
            user_id: admin.id,
            created_at: UnixSeconds(1),
            expires_at: None,
            uses_left: Some(1),
            address_ranges: vec![AddressRange::parse("10.0.0.0/8").unwrap()],
        };
        let id = now(add_token(&db, token, audit("k1", UnixSeconds(1), "setup", "token.create", "n"))).unwrap();
        now(note_use(&db, id, UnixSeconds(7))).unwrap();
        let found = now(find_token(&db, "t")).unwrap().unwrap();
        assert_eq!((found.id, found.last_use, found.scopes.admin), (id, Some(UnixSeconds(7)), true));
        assert_eq!((found.uses_left, found.address_ranges.len()), (Some(1), 1));
        assert!(now(has_api_token(&db, UnixSeconds(1))).unwrap());
        now(db.run(spend_use(id))).unwrap();
        assert!(now(db.run(spend_use(id))).is_err_and(|error| is_used_up(&error)));
        assert!(now(delete_token(&db, id, audit("k2", UnixSeconds(1), "user:1", "token.delete", "n"))).unwrap());
        assert_eq!(now(find_token(&db, "t")).unwrap(), None);

        assert_eq!(now(find_session(&db, "k0", UnixSeconds(199))).unwrap().map(|one| one.user), Some(admin));
        assert_eq!(now(find_session(&db, "k0", UnixSeconds(200))).unwrap(), None);
        now(db.run(delete_session("k0"))).unwrap();
        assert_eq!(now(find_session(&db, "k0", UnixSeconds(199))).unwrap(), None);
    }
}
