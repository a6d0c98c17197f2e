//! Table `settings`: one text per key.

use serde::Deserialize;

use super::{Bind, Db, Statement, StoreError};
use edgewatch_core::units::UnixMillis;

const FIND: &str = "SELECT value FROM settings WHERE key = ?1";
const FIND_TWO: &str = "SELECT key, value FROM settings WHERE key IN (?1, ?2)";
const PUT: &str = "INSERT INTO settings (key, value) VALUES (?1, ?2) \
     ON CONFLICT (key) DO UPDATE SET value = excluded.value";

const BUMP: &str = "INSERT INTO settings (key, value) VALUES (?1, '1') \
     ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)";

const RAISE: &str = "INSERT INTO settings (key, value) VALUES (?1, ?2) \
     ON CONFLICT (key) DO UPDATE SET value = excluded.value \
     WHERE CAST(excluded.value AS INTEGER) > CAST(settings.value AS INTEGER)";

/// The key of how often the list of hosts was changed: their names, groups, secrets, and which there are.
pub const HOSTS_VERSION: &str = "hosts_version";
/// The key of how many seconds lie between two polls of a hypervisor; not there for what agents do by themselves.
pub const PROXMOX_POLL_S: &str = "proxmox_poll_s";
/// The key of the highest number of hub shards whose objects may hold something; nothing there means 1.
pub const HUB_SHARDS: &str = "hub_shards";
/// The key of how long the rings in D1 are, where they are not as they always were, as the hub writes it.
pub const COARSE_RINGS: &str = "coarse_rings";
/// The key of what guests may see: `off`, `status` or `pulse`; nothing there means `off`.
pub const GUEST_VIEW: &str = "guest_view";
/// The key of the view password, as it is stored; nothing there or an empty text means that there is none.
pub const VIEW_PASSWORD: &str = "view_password";
/// The key of what stands above the guest page; nothing there or an empty text means the product's name.
pub const GUEST_TITLE: &str = "guest_title";
/// The key of how the guest page looks: `light` or `dark`; nothing there means as the guest's own system does.
pub const GUEST_THEME: &str = "guest_theme";
/// The key of whether notifications name addresses in full: `1`, or `0` as when nothing is there.
pub const PLAIN_IP_IN_NOTIFICATIONS: &str = "plain_ip_in_notifications";
/// The key of what becomes of an agent that pushes and registers: `manual`, or `auto` as when nothing is there.
pub const PUSH_AGENTS: &str = "push_agents";
/// The key of which dialect `/ws` speaks at which host name: a name and a word to a line; nothing there means at none.
pub const DIALECT_HOSTS: &str = "dialect_hosts";
/// The key of what this deployment's organization is called, where it was named.
pub const ORGANIZATION: &str = "organization";
/// The key of the address that is called as long as all is well, sealed; an empty text for none.
pub const HEARTBEAT: &str = "heartbeat";
/// The key of how many seconds lie between two of those calls.
pub const HEARTBEAT_INTERVAL_S: &str = "heartbeat_interval_s";
/// The key of how many of them in a row failed.
pub const HEARTBEAT_FAILED: &str = "heartbeat_failed";
/// The key of the start that `uptime` counts from.
const INSTALLED_AT_MS: &str = "installed_at_ms";

#[derive(Deserialize)]
struct Row {
    value: String,
}

#[derive(Deserialize)]
struct KeyRow {
    key: String,
    value: String,
}

/// The text under `key`.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn find(db: &Db, key: &str) -> Result<Option<String>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![Bind::from(key)])).await?.first()?;
    Ok(row.map(|row| row.value))
}

/// The texts under two keys, in one question: 2 rows read at most.
///
/// # Errors
/// As [`find`].
pub async fn find_two(db: &Db, one: &str, other: &str) -> Result<(Option<String>, Option<String>), StoreError> {
    let outcome = db.run(Statement::new(FIND_TWO, vec![Bind::from(one), Bind::from(other)])).await?;
    let (mut first, mut second) = (None, None);
    for KeyRow { key, value } in outcome.rows()? {
        if key == one {
            first = Some(value);
        } else {
            second = Some(value);
        }
    }
    Ok((first, second))
}

/// The statement that puts `value` under `key`: 1 row written.
pub fn put(key: &str, value: &str) -> Statement {
    Statement::new(PUT, vec![Bind::from(key), Bind::from(value)])
}

/// The statement that puts `count` under `key` unless as much is there: 1 row written, or none.
pub fn raise(key: &str, count: u64) -> Statement {
    Statement::new(RAISE, vec![Bind::from(key), Bind::from(count.to_string())])
}

/// The statement that counts `key` up by one: 1 row written.
pub fn bump(key: &str) -> Statement {
    Statement::new(BUMP, vec![Bind::from(key)])
}

/// The count under `key`; 0 before the first [`bump`].
///
/// # Errors
/// As [`find`].
pub async fn find_count(db: &Db, key: &str) -> Result<u64, StoreError> {
    Ok(find(db, key).await?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// When this deployment was first set up.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when it is not stored as it should be.
pub async fn find_installed_at(db: &Db) -> Result<UnixMillis, StoreError> {
    let text = find(db, INSTALLED_AT_MS).await?.unwrap_or_default();
    text.parse().map(UnixMillis).map_err(|_| StoreError::Corrupt(format!("{INSTALLED_AT_MS} is {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    #[test]
    fn a_value_put_twice_is_the_second() {
        let db = Db::in_memory().unwrap();
        assert_eq!(now(find(&db, "a")).unwrap(), None);
        now(db.batch(vec![put("a", "1"), put("a", "2")])).unwrap();
        assert_eq!(now(find(&db, "a")).unwrap().as_deref(), Some("2"));
    }

    #[test]
    fn two_values_are_found_in_one_question() {
        let db = Db::in_memory().unwrap();
        assert_eq!(now(find_two(&db, "a", "b")).unwrap(), (None, None));
        now(db.batch(vec![put("b", "2"), put("c", "3")])).unwrap();
        assert_eq!(now(find_two(&db, "a", "b")).unwrap(), (None, Some("2".to_owned())));
        now(db.run(put("a", "1"))).unwrap();
        assert_eq!(now(find_two(&db, "a", "b")).unwrap(), (Some("1".to_owned()), Some("2".to_owned())));
    }

    #[test]
    fn a_count_goes_up_by_one() {
        let db = Db::in_memory().unwrap();
        assert_eq!(now(find_count(&db, HOSTS_VERSION)).unwrap(), 0);
        now(db.batch(vec![bump(HOSTS_VERSION), bump(HOSTS_VERSION)])).unwrap();
        assert_eq!(now(find_count(&db, HOSTS_VERSION)).unwrap(), 2);
    }

    #[test]
    fn a_count_is_only_raised() {
        let db = Db::in_memory().unwrap();
        for (count, changes, expected) in [(9, 1, 9), (10, 1, 10), (9, 0, 10), (10, 0, 10)] {
            assert_eq!(now(db.run(raise(HUB_SHARDS, count))).unwrap().changes, changes);
            assert_eq!(now(find_count(&db, HUB_SHARDS)).unwrap(), expected);
        }
    }

    #[test]
    fn the_first_migration_stores_the_start() {
        let db = Db::in_memory().unwrap();
        assert!(now(find_installed_at(&db)).unwrap().0 > 1_700_000_000_000);
    }
}
