//! What the Worker tells of rules and alerts, and what is asked of D1 because of it.

use crate::hub::HubError;
use crate::hub::object::{Answer, Inner};
use crate::store::{Db, rules, settings};

/// Takes in the rules of D1 when `version`, or the one there, is another than this shard has.
///
/// # Errors
/// [`HubError::Refused`] when D1 or the object's database does not answer; what is known stays.
pub async fn learn(inner: &Inner, db: Option<&Db>, version: Option<u64>) -> Answer<()> {
    let known = inner.with(|shard| Ok(shard.rules.version()))?;
    // A deployment without a rule has version 0, and nothing to ask for.
    if version.is_some_and(|version| known.unwrap_or(0) == version) {
        return Ok(());
    }
    let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
    // Known before they are read: what changes meanwhile is read again.
    let version = settings::find_count(db, rules::RULES_VERSION).await?;
    let set = rules::find_set(db).await?;
    inner.complete()?;
    let now = inner.now();
    inner.with(|shard| shard.set_rules(set, version, now))?;
    inner.flush.soon();
    Ok(())
}
