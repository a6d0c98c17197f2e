//! Table `registration_tokens`: by what Proxmox nodes register themselves.

use edgewatch_core::model::proxmox::{InstanceKind, RegistrationToken};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use crate::store::{Db, Statement, StoreError};

const INSERT: &str = "INSERT INTO registration_tokens (token_hash, token_sealed, created_at_s, expires_at_s, most, kinds_json, \
     description) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const FIND: &str = "SELECT token_sealed, expires_at_s, most, used, kinds_json, description FROM registration_tokens WHERE token_hash = ?1";
const LIST: &str = "SELECT token_sealed, expires_at_s, most, used, kinds_json, description FROM registration_tokens \
     ORDER BY created_at_s, token_hash";
const SPEND: &str = "UPDATE registration_tokens SET used = used + 1 WHERE token_hash = ?1";
const DELETE: &str = "DELETE FROM registration_tokens WHERE token_hash = ?1";
const SWEEP: &str = "DELETE FROM registration_tokens WHERE expires_at_s < ?1";

#[derive(Deserialize)]
struct Row {
    token_sealed: String,
    expires_at_s: i64,
    most: Option<u32>,
    used: u32,
    kinds_json: String,
    description: String,
}

/// A token whose text is still sealed: it stands in the text's place.
impl TryFrom<Row> for RegistrationToken {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = |detail: String| StoreError::Corrupt(format!("registration_tokens.kinds_json: {detail}"));
        let words: Vec<String> = serde_json::from_str(&row.kinds_json).map_err(|error| corrupt(error.to_string()))?;
        let kind = |word: String| InstanceKind::parse(&word).ok_or_else(|| corrupt(word));
        Ok(Self {
            token: row.token_sealed,
            expires_at: UnixSeconds(row.expires_at_s),
            most: row.most,
            used: row.used,
            kinds: words.into_iter().map(kind).collect::<Result<_, _>>()?,
            description: row.description,
        })
    }
}

/// The statement that inserts a token, whose text is sealed in its place: 1 row.
pub fn insert(token_hash: &str, token: &RegistrationToken, now: UnixSeconds) -> Statement {
    let kinds: Vec<&str> = token.kinds.iter().map(|kind| kind.word()).collect();
    let binds = vec![
        token_hash.into(),
        token.token.as_str().into(),
        now.0.into(),
        token.expires_at.0.into(),
        token.most.into(),
        serde_json::Value::from(kinds).to_string().into(),
        token.description.as_str().into(),
    ];
    Statement::new(INSERT, binds)
}

/// The statement that forgets tokens that ended before `before`.
pub fn sweep(before: UnixSeconds) -> Statement {
    Statement::new(SWEEP, vec![before.0.into()])
}

/// The token whose text has this hash, whatever it is still good for; its text sealed.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] for a row that cannot be read; so for all that follow.
pub async fn find(db: &Db, token_hash: &str) -> Result<Option<RegistrationToken>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![token_hash.into()])).await?.first()?;
    row.map(RegistrationToken::try_from).transpose()
}

/// Every token, oldest first; their texts sealed.
///
/// # Errors
/// As [`find`].
pub async fn list(db: &Db) -> Result<Vec<RegistrationToken>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    rows.into_iter().map(RegistrationToken::try_from).collect()
}

/// The statement that counts a use. Without one left it fails, and its batch with it: see [`is_used_up`].
pub fn spend(token_hash: &str) -> Statement {
    Statement::new(SPEND, vec![token_hash.into()])
}

/// Whether a batch failed because a token in it had no use left.
pub fn is_used_up(error: &StoreError) -> bool {
    matches!(error, StoreError::Backend { detail, .. } if detail.contains("CHECK constraint failed: most"))
}

/// Deletes a token together with writing `with`; false when there was none.
///
/// # Errors
/// As [`find`].
pub async fn delete(db: &Db, token_hash: &str, with: Statement) -> Result<bool, StoreError> {
    let outcomes = db.batch(vec![Statement::new(DELETE, vec![token_hash.into()]), with]).await?;
    Ok(outcomes.first().is_some_and(|outcome| outcome.changes > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::settings;

    fn token(most: Option<u32>) -> RegistrationToken {
        RegistrationToken {
            token: "sealed".to_owned(),
            expires_at: UnixSeconds(100),
            most,
            used: 0,
            kinds: vec![InstanceKind::Pve],
            description: "d".to_owned(),
        }
    }

    #[test]
    fn a_token_is_used_as_often_as_it_says_and_what_goes_with_one_use_too_many_is_not_done() {
        let db = Db::in_memory().unwrap();
        now(db.batch(vec![insert("one", &token(Some(1)), UnixSeconds(1)), insert("any", &token(None), UnixSeconds(2))]))
            .unwrap();
        now(db.run(spend("one"))).unwrap();
        let again = now(db.batch(vec![settings::put("x", "1"), spend("one")]));
        assert!(again.is_err_and(|error| is_used_up(&error)));
        assert_eq!(now(settings::find(&db, "x")).unwrap(), None);
        for _ in 0..3 {
            now(db.run(spend("any"))).unwrap();
        }
        let all = now(list(&db)).unwrap();
        assert_eq!(all.iter().map(|one| one.used).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(now(find(&db, "one")).unwrap(), Some(RegistrationToken { used: 1, ..token(Some(1)) }));
        now(db.run(sweep(UnixSeconds(100)))).unwrap();
        assert!(now(delete(&db, "one", settings::put("x", "1"))).unwrap());
        assert!(!now(delete(&db, "one", settings::put("x", "1"))).unwrap());
        now(db.run(sweep(UnixSeconds(101)))).unwrap();
        assert!(now(list(&db)).unwrap().is_empty());
    }
}
