//! When people are told that a host has another address: one setting, as JSON.

use std::collections::BTreeSet;

use edgewatch_core::model::{AddressNotices, HostId, Hosts};
use serde::{Deserialize, Serialize};

use super::{Db, Statement, StoreError, settings};

const KEY: &str = "address_notices";

/// As it is stored; what is left out is as when nothing is set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Wire {
    on: bool,
    group: String,
    /// Whether `hosts` are the only ones, or the ones left out.
    only: bool,
    hosts: BTreeSet<i64>,
}

/// What is set.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when it cannot be read.
pub async fn find(db: &Db) -> Result<AddressNotices, StoreError> {
    let Some(text) = settings::find(db, KEY).await? else { return Ok(AddressNotices::default()) };
    let wire: Wire = serde_json::from_str(&text).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(wire.into())
}

/// The statement that sets it: 1 row written.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be written.
pub fn put(notices: &AddressNotices) -> Result<Statement, StoreError> {
    let text = serde_json::to_string(&Wire::from(notices)).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(settings::put(KEY, &text))
}

impl From<&AddressNotices> for Wire {
    fn from(notices: &AddressNotices) -> Self {
        Self {
            on: notices.is_on,
            group: notices.group.clone(),
            only: matches!(notices.hosts, Hosts::Only(_)),
            hosts: notices.hosts.named().iter().map(|id| id.0).collect(),
        }
    }
}

impl From<Wire> for AddressNotices {
    fn from(wire: Wire) -> Self {
        let hosts: BTreeSet<HostId> = wire.hosts.into_iter().map(HostId).collect();
        Self {
            is_on: wire.on,
            group: wire.group,
            hosts: if wire.only { Hosts::Only(hosts) } else { Hosts::AllBut(hosts) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    #[test]
    fn what_is_set_comes_back_and_nothing_is_set_at_first() {
        let db = Db::in_memory().unwrap();
        assert_eq!(now(find(&db)), Ok(AddressNotices::default()));
        for hosts in [Hosts::Only([HostId(3)].into()), Hosts::AllBut([HostId(1), HostId(2)].into())] {
            let notices = AddressNotices { is_on: true, group: "ops".to_owned(), hosts };
            now(db.run(put(&notices).unwrap())).unwrap();
            assert_eq!(now(find(&db)), Ok(notices));
        }
    }
}
