//! Table `sessions`: who is logged in.

use edgewatch_core::model::{Session, User};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::users::UserRow;
use super::{Db, Statement, StoreError};

const FIND: &str = "SELECT u.id, u.name, coalesce(s.as_role, u.role) AS role, s.expires_at_s FROM sessions s \
     JOIN users u ON u.id = s.user_id WHERE s.session_hash = ?1 AND s.expires_at_s > ?2";
// Nobody is logged in with a password that was changed in the meantime.
const INSERT: &str = "INSERT INTO sessions (session_hash, user_id, created_at_s, expires_at_s, token_id, as_role) \
     SELECT ?1, u.id, ?3, ?4, ?5, ?6 FROM users u WHERE u.id = ?2 AND (?7 IS NULL OR u.credential_no = ?7)";
const DELETE: &str = "DELETE FROM sessions WHERE session_hash = ?1";
const DELETE_OF_USER: &str = "DELETE FROM sessions WHERE user_id = ?1";
const DELETE_EXPIRED: &str = "DELETE FROM sessions WHERE expires_at_s <= ?1";

/// A session about to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession<'a> {
    /// SHA-256 of the cookie's value.
    pub session_hash: &'a str,
    /// Whose it is.
    pub user_id: i64,
    /// Which of the user's passwords was shown; `None` when it was none.
    pub credential_no: Option<i64>,
    /// The token it was opened with, whose end is the session's.
    pub token_id: Option<i64>,
    /// Whether it is a viewer's, whatever the user is.
    pub as_viewer: bool,
    /// When.
    pub created_at: UnixSeconds,
    /// Until when it is open.
    pub expires_at: UnixSeconds,
}

#[derive(Deserialize)]
struct Row {
    #[serde(flatten)]
    user: UserRow,
    expires_at_s: i64,
}

/// The open session whose cookie has this hash.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn find_session(db: &Db, session_hash: &str, now: UnixSeconds) -> Result<Option<Session>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![session_hash.into(), now.0.into()])).await?.first()?;
    let session = |row: Row| Ok(Session { user: User::try_from(row.user)?, expires_at: UnixSeconds(row.expires_at_s) });
    row.map(session).transpose()
}

/// The statement that opens a session: 1 row, or none where the user is gone or has another password by now.
pub fn insert(session: &NewSession<'_>) -> Statement {
    let binds = vec![
        session.session_hash.into(),
        session.user_id.into(),
        session.created_at.0.into(),
        session.expires_at.0.into(),
        session.token_id.into(),
        session.as_viewer.then(|| "viewer".to_owned()).into(),
        session.credential_no.into(),
    ];
    Statement::new(INSERT, binds)
}

/// The statement that ends the session whose cookie has this hash.
pub fn delete_session(session_hash: &str) -> Statement {
    Statement::new(DELETE, vec![session_hash.into()])
}

/// The statement that ends all sessions of a user.
pub fn delete_of_user(user_id: i64) -> Statement {
    Statement::new(DELETE_OF_USER, vec![user_id.into()])
}

/// The statement that forgets sessions that are over.
pub fn delete_expired_sessions(now: UnixSeconds) -> Statement {
    Statement::new(DELETE_EXPIRED, vec![now.0.into()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::access::{self, NewToken};
    use crate::store::db::now;
    use crate::store::users::{self, NewUser};
    use edgewatch_core::model::{Role, Scopes, TokenKind};

    const NOW: UnixSeconds = UnixSeconds(100);

    fn with_user() -> (Db, i64) {
        let db = Db::in_memory().unwrap();
        let ada =
            NewUser { name: "ada", role: Role::Admin, email: None, password_hash: Some("first"), created_at: NOW };
        let id = now(users::add(&db, &ada, access::audit("k", NOW, "user:1", "user.create", "ada"))).unwrap();
        (db, id)
    }

    fn session(session_hash: &str, user_id: i64) -> NewSession<'_> {
        NewSession {
            session_hash,
            user_id,
            credential_no: None,
            token_id: None,
            as_viewer: false,
            created_at: NOW,
            expires_at: UnixSeconds(200),
        }
    }

    #[test]
    fn a_session_opened_with_a_token_ends_with_it_and_may_be_a_viewers() {
        let (db, user_id) = with_user();
        let token = NewToken {
            token_hash: "t".to_owned(),
            tail: "abcd".to_owned(),
            kind: TokenKind::Api,
            scopes: Scopes { read: true, ..Scopes::default() },
            note: String::new(),
            user_id,
            created_at: NOW,
            expires_at: None,
            uses_left: None,
            address_ranges: vec![],
        };
        let token_id =
            now(access::add_token(&db, token, access::audit("k1", NOW, "user:1", "token.create", ""))).unwrap();
        for (hash, as_viewer, role) in [("s1", true, Role::Viewer), ("s2", false, Role::Admin)] {
            let new = NewSession { token_id: Some(token_id), as_viewer, ..session(hash, user_id) };
            now(db.run(insert(&new))).unwrap();
            let found = now(find_session(&db, hash, NOW)).unwrap().unwrap();
            assert_eq!((found.user.role, found.user.id), (role, user_id));
        }
        now(db.run(insert(&session("s3", user_id)))).unwrap();
        let gone = access::audit("k9", NOW, "user:1", "token.delete", "n");
        now(access::delete_token(&db, token_id, gone)).unwrap();
        assert_eq!(now(find_session(&db, "s1", NOW)).unwrap(), None);
        assert!(now(find_session(&db, "s3", NOW)).unwrap().is_some(), "one of its own goes on");
    }

    #[test]
    fn a_password_that_was_changed_in_the_meantime_opens_nothing() {
        let (db, user_id) = with_user();
        let with = |session_hash, credential_no| {
            let new = NewSession { credential_no: Some(credential_no), ..session(session_hash, user_id) };
            now(db.run(insert(&new))).unwrap().changes
        };
        assert_eq!(with("s1", 0), 1);
        now(db.batch(users::set_password(user_id, Some("second")))).unwrap();
        assert_eq!((with("s2", 0), with("s3", 1)), (0, 1));
        assert_eq!(now(find_session(&db, "s1", NOW)).unwrap(), None, "the old password's session is over");
        assert_eq!(now(db.run(insert(&session("s4", user_id + 1)))).unwrap().changes, 0, "nobody is no user");
    }

    #[test]
    fn sessions_that_are_over_are_forgotten() {
        let (db, user_id) = with_user();
        now(db.run(insert(&session("s1", user_id)))).unwrap();
        assert_eq!(now(find_session(&db, "s1", UnixSeconds(200))).unwrap(), None);
        assert_eq!(now(db.run(delete_expired_sessions(UnixSeconds(199)))).unwrap().changes, 0);
        assert_eq!(now(db.run(delete_expired_sessions(UnixSeconds(200)))).unwrap().changes, 1);
        now(db.run(insert(&session("s2", user_id)))).unwrap();
        assert_eq!(now(db.run(delete_of_user(user_id))).unwrap().changes, 1);
    }
}
