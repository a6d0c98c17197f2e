//! Table `invitations`: who gets an account with their first sign-in by the access proxy.

use edgewatch_core::model::{Authority, Invitation, Role};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use crate::store::{Db, Statement, StoreError};

const LIST: &str =
    "SELECT email, authority, expires_at_s FROM invitations WHERE expires_at_s > ?1 ORDER BY expires_at_s, email";
const FIND: &str = "SELECT email, authority, expires_at_s FROM invitations WHERE email = ?1 AND expires_at_s > ?2";
const PUT: &str = "INSERT INTO invitations (email, authority, role, expires_at_s) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (email) DO UPDATE SET authority = excluded.authority, role = excluded.role, \
     expires_at_s = excluded.expires_at_s";
const DELETE: &str = "DELETE FROM invitations WHERE email = ?1";
const DELETE_EXPIRED: &str = "DELETE FROM invitations WHERE expires_at_s <= ?1";
// Of one that was revoked by now nothing is made.
const ACCEPT: &str = "INSERT INTO users (name, role, email, created_at_s) SELECT email, role, email, ?2 FROM invitations \
     WHERE email = ?1 AND expires_at_s > ?2 ON CONFLICT DO NOTHING";

#[derive(Deserialize)]
struct Row {
    email: String,
    authority: String,
    expires_at_s: i64,
}

impl TryFrom<Row> for Invitation {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unknown = || StoreError::Corrupt(format!("authority {}", row.authority));
        let authority = Authority::parse(&row.authority).ok_or_else(unknown)?;
        Ok(Self { email: row.email, authority, expires_at: UnixSeconds(row.expires_at_s) })
    }
}

/// The invitations that are good at `now`, the one that ends first first.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when a row cannot be read.
pub async fn list(db: &Db, now: UnixSeconds) -> Result<Vec<Invitation>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![now.0.into()])).await?.rows()?;
    rows.into_iter().map(Invitation::try_from).collect()
}

/// The invitation of this address, while it is good.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, email: &str, now: UnixSeconds) -> Result<Option<Invitation>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![email.into(), now.0.into()])).await?.first()?;
    row.map(Invitation::try_from).transpose()
}

/// The statements that put an invitation in the place of the one of its address; those that are over go with it.
pub fn put(invitation: &Invitation, now: UnixSeconds) -> Vec<Statement> {
    let Invitation { email, authority, expires_at } = invitation;
    let role = match authority {
        Authority::Manager => Role::Admin,
        Authority::Collaborator | Authority::Viewer => Role::Viewer,
    };
    let binds = vec![email.as_str().into(), authority.word().into(), role.word().into(), expires_at.0.into()];
    vec![Statement::new(DELETE_EXPIRED, vec![now.0.into()]), Statement::new(PUT, binds)]
}

/// The statement that revokes an invitation: 1 row written.
pub fn delete(email: &str) -> Statement {
    Statement::new(DELETE, vec![email.into()])
}

/// The statements that make the account of who is invited, once.
pub fn accept(email: &str, now: UnixSeconds) -> Vec<Statement> {
    vec![Statement::new(ACCEPT, vec![email.into(), now.0.into()]), delete(email)]
}
