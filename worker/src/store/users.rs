//! Table `users`: people, and what they log in with.

use edgewatch_core::model::{Account, Login, Role, User};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::{Db, Outcome, Statement, StoreError, sessions};

const FIND_LOGIN: &str = "SELECT id, name, role, password_hash, credential_no FROM users WHERE name = ?1";
const FIND_LOGIN_BY_ID: &str = "SELECT id, name, role, password_hash, credential_no FROM users WHERE id = ?1";
const FIND_BY_EMAIL: &str = "SELECT id, name, role FROM users WHERE email = ?1";
const LIST: &str =
    "SELECT id, name, role, email, password_hash IS NOT NULL AS has_password, created_at_s FROM users ORDER BY id";
const INSERT: &str =
    "INSERT INTO users (name, role, email, password_hash, created_at_s) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id";
const INSERT_BY_EMAIL: &str = "INSERT INTO users (name, role, email, created_at_s) VALUES (?1, ?2, ?1, ?3) \
     ON CONFLICT DO NOTHING";
const SET_PASSWORD: &str = "UPDATE users SET password_hash = ?2, credential_no = credential_no + 1 WHERE id = ?1";
const SET_EMAIL: &str = "UPDATE users SET email = ?2 WHERE id = ?1";
const SET_ADMIN: &str = "UPDATE users SET role = 'admin' WHERE id = ?1";
// A deployment always has an administrator: what would take the last one away changes nothing.
const SET_VIEWER: &str = "UPDATE users SET role = 'viewer' WHERE id = ?1 \
     AND EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND id <> ?1)";
// A viewer's tokens look; those that do more were an administrator's.
const DELETE_STRONG_TOKENS: &str = "DELETE FROM tokens WHERE user_id = ?1 \
     AND (may_write OR may_register OR may_admin OR kind <> 'api') AND (SELECT role FROM users WHERE id = ?1) = 'viewer'";
const DELETE_TOKENS: &str =
    "DELETE FROM tokens WHERE user_id = ?1 AND EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND id <> ?1)";
const DELETE_SESSIONS: &str =
    "DELETE FROM sessions WHERE user_id = ?1 AND EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND id <> ?1)";
const DELETE: &str =
    "DELETE FROM users WHERE id = ?1 AND EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND id <> ?1)";

/// A user about to be inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser<'a> {
    /// The login name; no two have the same.
    pub name: &'a str,
    /// What they may do.
    pub role: Role,
    /// Lower case; no two have the same.
    pub email: Option<&'a str>,
    /// The password as it is stored.
    pub password_hash: Option<&'a str>,
    /// When.
    pub created_at: UnixSeconds,
}

/// The columns that make a [`User`].
#[derive(Deserialize)]
pub(super) struct UserRow {
    id: i64,
    name: String,
    role: String,
}

#[derive(Deserialize)]
struct LoginRow {
    #[serde(flatten)]
    user: UserRow,
    password_hash: Option<String>,
    credential_no: i64,
}

#[derive(Deserialize)]
struct AccountRow {
    #[serde(flatten)]
    user: UserRow,
    email: Option<String>,
    has_password: i64,
    created_at_s: i64,
}

#[derive(Deserialize)]
struct IdRow {
    id: i64,
}

/// What the user of this name logs in with.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn find_login(db: &Db, name: &str) -> Result<Option<Login>, StoreError> {
    login(&db.run(Statement::new(FIND_LOGIN, vec![name.into()])).await?)
}

/// What the user of this number logs in with.
///
/// # Errors
/// As [`find_login`].
pub async fn find_login_by_id(db: &Db, id: i64) -> Result<Option<Login>, StoreError> {
    login(&db.run(Statement::new(FIND_LOGIN_BY_ID, vec![id.into()])).await?)
}

fn login(outcome: &Outcome) -> Result<Option<Login>, StoreError> {
    let row: Option<LoginRow> = outcome.first()?;
    let login = |row: LoginRow| {
        let LoginRow { user, password_hash, credential_no } = row;
        Ok(Login { user: User::try_from(user)?, password_hash, credential_no })
    };
    row.map(login).transpose()
}

/// The user with this address.
///
/// # Errors
/// As [`find_login`].
pub async fn find_by_email(db: &Db, email: &str) -> Result<Option<User>, StoreError> {
    let row: Option<UserRow> = db.run(Statement::new(FIND_BY_EMAIL, vec![email.into()])).await?.first()?;
    row.map(User::try_from).transpose()
}

/// Everybody, in the order in which they came.
///
/// # Errors
/// As [`find_login`].
pub async fn list(db: &Db) -> Result<Vec<Account>, StoreError> {
    let rows: Vec<AccountRow> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    let account = |row: AccountRow| {
        Ok(Account {
            user: User::try_from(row.user)?,
            email: row.email,
            has_password: row.has_password != 0,
            created_at: UnixSeconds(row.created_at_s),
        })
    };
    rows.into_iter().map(account).collect()
}

/// Inserts a user together with writing `with` (the audit row) and gives their number: 3 rows, 4 with an address.
///
/// # Errors
/// As [`find_login`]; see [`is_taken`].
pub async fn add(db: &Db, user: &NewUser<'_>, with: Statement) -> Result<i64, StoreError> {
    let binds = vec![
        user.name.into(),
        user.role.word().into(),
        user.email.into(),
        user.password_hash.into(),
        user.created_at.0.into(),
    ];
    let outcomes = db.batch(vec![Statement::new(INSERT, binds), with]).await?;
    let row: Option<IdRow> = outcomes.first().map(Outcome::first).transpose()?.flatten();
    row.map(|row| row.id).ok_or_else(|| StoreError::Corrupt("an insert returned no id".to_owned()))
}

/// The statement that makes a user of an address, by which they are called too; nothing where the address or the name is taken.
pub fn insert_by_email(email: &str, role: Role, created_at: UnixSeconds) -> Statement {
    Statement::new(INSERT_BY_EMAIL, vec![email.into(), role.word().into(), created_at.0.into()])
}

/// Whether an error says that another user has the name or the address.
pub fn is_taken(error: &StoreError) -> Option<&'static str> {
    let StoreError::Backend { detail, .. } = error else { return None };
    let taken = |column: &str| detail.contains(&format!("UNIQUE constraint failed: users.{column}"));
    [("name", "username"), ("email", "email")].into_iter().find(|(column, _)| taken(column)).map(|(_, field)| field)
}

/// The statements that set a user's password, or take it away, and end the sessions there are.
pub fn set_password(id: i64, password_hash: Option<&str>) -> Vec<Statement> {
    vec![Statement::new(SET_PASSWORD, vec![id.into(), password_hash.into()]), sessions::delete_of_user(id)]
}

/// The statement that sets a user's address, or takes it away.
pub fn set_email(id: i64, email: Option<&str>) -> Statement {
    Statement::new(SET_EMAIL, vec![id.into(), email.into()])
}

/// The statements that give a user a role. The last administrator keeps theirs; who is one no more loses the tokens that do more
/// than look.
pub fn set_role(id: i64, role: Role) -> Vec<Statement> {
    match role {
        Role::Admin => vec![Statement::new(SET_ADMIN, vec![id.into()])],
        Role::Viewer => {
            vec![Statement::new(SET_VIEWER, vec![id.into()]), Statement::new(DELETE_STRONG_TOKENS, vec![id.into()])]
        }
    }
}

/// The statements that remove a user with the tokens they made and the sessions they have; the last of them changes a row when
/// the user is gone. The last administrator stays.
pub fn delete(id: i64) -> Vec<Statement> {
    [DELETE_SESSIONS, DELETE_TOKENS, DELETE].map(|sql| Statement::new(sql, vec![id.into()])).to_vec()
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let role = Role::parse(&row.role).ok_or_else(|| StoreError::Corrupt(format!("role {}", row.role)))?;
        Ok(Self { id: row.id, name: row.name, role })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::access::{self, NewToken};
    use crate::store::db::now;
    use edgewatch_core::model::{Scopes, TokenKind};

    const NOW: UnixSeconds = UnixSeconds(100);

    fn user(db: &Db, name: &str, role: Role, email: Option<&str>) -> Result<i64, StoreError> {
        let new = NewUser { name, role, email, password_hash: Some("stored"), created_at: NOW };
        now(add(db, &new, access::audit(name, NOW, "user:1", "user.create", name)))
    }

    fn token(db: &Db, user_id: i64, token_hash: &str, scopes: Scopes) -> bool {
        let token = NewToken {
            token_hash: token_hash.to_owned(),
            tail: "abcd".to_owned(),
            kind: TokenKind::Api,
            scopes,
            note: String::new(),
            user_id,
            created_at: NOW,
            expires_at: None,
            uses_left: None,
            address_ranges: vec![],
        };
        now(access::add_token(db, token, access::audit(token_hash, NOW, "user:1", "token.create", ""))).is_ok()
    }

    #[test]
    fn people_are_found_by_name_number_and_address() {
        let db = Db::in_memory().unwrap();
        let ada = user(&db, "ada", Role::Admin, Some("ada@example.com")).unwrap();
        user(&db, "bob", Role::Viewer, None).unwrap();
        let login = now(find_login(&db, "ada")).unwrap().unwrap();
        assert_eq!((login.user.id, login.password_hash.as_deref(), login.credential_no), (ada, Some("stored"), 0));
        assert_eq!(now(find_login_by_id(&db, ada)).unwrap(), Some(login.clone()));
        assert_eq!(now(find_by_email(&db, "ada@example.com")).unwrap(), Some(login.user));
        assert_eq!((now(find_login(&db, "eve")).unwrap(), now(find_by_email(&db, "x@y")).unwrap()), (None, None));
        let all = now(list(&db)).unwrap();
        let names: Vec<_> = all.iter().map(|one| (one.user.name.as_str(), one.user.role, one.has_password)).collect();
        assert_eq!(names, [("ada", Role::Admin, true), ("bob", Role::Viewer, true)]);
    }

    #[test]
    fn no_two_have_the_same_name_or_address() {
        let db = Db::in_memory().unwrap();
        user(&db, "ada", Role::Admin, Some("ada@example.com")).unwrap();
        let taken = |name, email| user(&db, name, Role::Viewer, email).map_err(|error| is_taken(&error));
        assert_eq!(taken("ada", None), Err(Some("username")));
        assert_eq!(taken("eve", Some("ada@example.com")), Err(Some("email")));
        assert!(taken("eve", None).is_ok() && taken("mal", None).is_ok(), "many have no address");
        for email in ["ada@example.com", "new@example.com", "new@example.com"] {
            now(db.run(insert_by_email(email, Role::Viewer, NOW))).unwrap();
        }
        assert_eq!(now(list(&db)).unwrap().len(), 4);
    }

    #[test]
    fn the_last_administrator_stays_one() {
        let db = Db::in_memory().unwrap();
        let ada = user(&db, "ada", Role::Admin, None).unwrap();
        let bob = user(&db, "bob", Role::Viewer, None).unwrap();
        let changes = |statements| now(db.batch(statements)).unwrap().iter().map(|one| one.changes).collect::<Vec<_>>();
        assert_eq!(changes(set_role(ada, Role::Viewer)), [0, 0]);
        assert_eq!(changes(delete(ada)), [0, 0, 0]);
        assert_eq!(changes(set_role(bob, Role::Admin)), [1]);
        assert_eq!(changes(set_role(ada, Role::Viewer)), [1, 0]);
        assert_eq!(changes(delete(ada)), [0, 0, 1]);
    }

    #[test]
    fn with_the_role_go_the_tokens_that_did_more_and_with_the_user_all_of_them() {
        let db = Db::in_memory().unwrap();
        user(&db, "ada", Role::Admin, None).unwrap();
        let bob = user(&db, "bob", Role::Admin, None).unwrap();
        assert!(token(&db, bob, "strong", Scopes { admin: true, read: true, ..Scopes::default() }));
        assert!(token(&db, bob, "weak", Scopes { read: true, ..Scopes::default() }));
        now(db.batch(set_role(bob, Role::Viewer))).unwrap();
        let left = || now(access::list_tokens(&db)).unwrap().len();
        assert_eq!(left(), 1);
        now(db.batch(delete(bob))).unwrap();
        assert_eq!((left(), now(list(&db)).unwrap().len()), (0, 1));
    }

    #[test]
    fn a_password_that_is_set_is_another_credential() {
        let db = Db::in_memory().unwrap();
        let ada = user(&db, "ada", Role::Admin, None).unwrap();
        now(db.batch(set_password(ada, None))).unwrap();
        now(db.run(set_email(ada, Some("ada@example.com")))).unwrap();
        let login = now(find_login(&db, "ada")).unwrap().unwrap();
        assert_eq!((login.password_hash, login.credential_no), (None, 1));
        assert!(now(find_by_email(&db, "ada@example.com")).unwrap().is_some());
    }

    #[test]
    fn who_is_made_by_their_address_is_in_the_audit_and_who_is_not_is_not() {
        let db = Db::in_memory().unwrap();
        let make = |key: &str, email: &str| {
            let audit = access::audit_of_new(key, NOW, "access-proxy", "user.create", email);
            let outcomes = now(db.batch(vec![audit, insert_by_email(email, Role::Viewer, NOW)])).unwrap();
            outcomes.iter().map(|outcome| outcome.changes).collect::<Vec<_>>()
        };
        let named = NewUser { name: "bob@x.y", role: Role::Admin, email: None, password_hash: None, created_at: NOW };
        now(add(&db, &named, access::audit("k", NOW, "user:1", "user.create", "bob@x.y"))).unwrap();
        assert_eq!(make("1", "ada@x.y"), [1, 1]);
        assert_eq!(make("2", "ada@x.y"), [0, 0], "the address is taken");
        assert_eq!(make("3", "bob@x.y"), [0, 0], "the name is taken");
    }
}
