//! Table `hosts`: one host is merged into another. Every statement but the first asks whether the first one did its work, so that all
//! of it is done or nothing.

use edgewatch_core::model::HostId;
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::{Db, Statement, StoreError};

// Numbers travel as doubles: where one becomes text it is cast. ?1 the host that is merged, ?2 the one it is merged into, ?3 when: the same in all of them.
macro_rules! once_merged {
    ($sql:literal) => {
        concat!(
            $sql,
            " AND EXISTS (SELECT 1 FROM hosts m WHERE m.id = ?1 AND m.merged_into_id = ?2 AND m.retired_at_s = ?3 AND m.secret_hash = 'merging')"
        )
    };
}

const RETIRE: &str = "UPDATE hosts SET retired_at_s = ?3, secret_hash = 'merging', merged_into_id = ?2 \
     WHERE id = ?1 AND retired_at_s IS NULL AND secret_hash = ?4 \
     AND EXISTS (SELECT 1 FROM hosts k WHERE k.id = ?2 AND k.retired_at_s IS NULL)";
const PASS_ON: &str = once_merged!("UPDATE hosts SET merged_into_id = ?2 WHERE merged_into_id = ?1");
const TAKE_IN: &str = once_merged!(
    "UPDATE hosts SET absorbed_json = (SELECT json_group_array(value) FROM (SELECT CAST(?1 AS INTEGER) AS value \
     UNION ALL SELECT value FROM json_each((SELECT a.absorbed_json FROM hosts a WHERE a.id = ?1)) \
     UNION ALL SELECT value FROM json_each(hosts.absorbed_json))) WHERE id = ?2"
);
const TAKE_SECRET: &str = once_merged!(
    "UPDATE hosts SET secret_hash = ?4, machine_id = (SELECT a.machine_id FROM hosts a WHERE a.id = ?1) WHERE id = ?2"
);
// The last: from then on the same merge is one that was done.
const END: &str = once_merged!("UPDATE hosts SET machine_id = NULL, secret_hash = 'retired:' || id WHERE id = ?1");
const FREE_IDENTIFIER: &str = once_merged!("UPDATE host_details SET is_retired = 1 WHERE host_id = ?1");
const DROP_PUSH_AGENT: &str = once_merged!("DELETE FROM push_agents WHERE host_id = ?2");
const TAKE_PUSH_AGENT: &str = once_merged!("UPDATE push_agents SET host_id = ?2 WHERE host_id = ?1");
const DROP_PULSE_AGENT: &str = once_merged!(
    "DELETE FROM pulse_agents WHERE host_id = ?2 AND EXISTS (SELECT 1 FROM pulse_agents p WHERE p.host_id = ?1)"
);
const TAKE_PULSE_AGENT: &str = once_merged!("UPDATE pulse_agents SET host_id = ?2 WHERE host_id = ?1");
const AUDIT: &str = once_merged!(
    "INSERT INTO audit (key, at_s, actor, action, subject) SELECT ?4, ?3, ?5, 'host.merge', CAST(?1 AS INTEGER) || ' into ' || CAST(?2 AS INTEGER) WHERE true"
);
const FIND_MERGED: &str = "SELECT id FROM hosts WHERE id = ?1 AND merged_into_id = ?2";
const FIND_COLLECTED: &str = "SELECT id FROM proxmox_instances WHERE collector_id = ?1 LIMIT 1";

#[derive(Deserialize)]
struct IdRow {
    #[expect(dead_code, reason = "that there is a row is all that is asked")]
    id: i64,
}

/// Which host is merged into which, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merge {
    /// It is no host of its own any more.
    pub absorbed: HostId,
    /// The one that stays.
    pub into: HostId,
    /// When.
    pub at: UnixSeconds,
}

impl Merge {
    fn statement(self, sql: &'static str, more: &[&str]) -> Statement {
        let mut binds = vec![self.absorbed.0.into(), self.into.0.into(), self.at.0.into()];
        binds.extend(more.iter().map(|text| (*text).into()));
        Statement::new(sql, binds)
    }

    /// The statements that merge, to be run in one batch; the first one changes nothing where a host is no more, or the absorbed one's
    /// secret is not the one with this hash. With `moves_credential` the host that stays has that secret from then on, and the agents
    /// that pushed for the absorbed one push for it; without, that secret is dead. Some ten rows written, every host read.
    pub fn statements(self, secret_hash: &str, moves_credential: bool, audit_key: &str, actor: &str) -> Vec<Statement> {
        let mut all = vec![self.statement(RETIRE, &[secret_hash])];
        all.extend([PASS_ON, TAKE_IN].map(|sql| self.statement(sql, &[])));
        if moves_credential {
            all.push(self.statement(TAKE_SECRET, &[secret_hash]));
            let agents = [DROP_PUSH_AGENT, TAKE_PUSH_AGENT, DROP_PULSE_AGENT, TAKE_PULSE_AGENT];
            all.extend(agents.map(|sql| self.statement(sql, &[])));
        }
        all.push(self.statement(FREE_IDENTIFIER, &[]));
        all.push(self.statement(AUDIT, &[audit_key, actor]));
        all.push(self.statement(END, &[]));
        all
    }

    /// Whether it was done: 1 row read.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when D1 refuses.
    pub async fn is_done(self, db: &Db) -> Result<bool, StoreError> {
        let found: Option<IdRow> =
            db.run(Statement::new(FIND_MERGED, vec![self.absorbed.0.into(), self.into.0.into()])).await?.first()?;
        Ok(found.is_some())
    }
}

/// Whether a host's agent is the one that polls some Proxmox server: as many rows read as there are servers.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn is_collector(db: &Db, id: HostId) -> Result<bool, StoreError> {
    let found: Option<IdRow> = db.run(Statement::new(FIND_COLLECTED, vec![id.0.into()])).await?.first()?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::hosts::{self, tests::new_host};
    use crate::store::{access, host_edits};

    fn db() -> Db {
        let db = Db::in_memory().unwrap();
        for name in ["a", "b", "c"] {
            now(db.batch(hosts::insert(new_host(name, "")))).unwrap();
        }
        db
    }

    fn merge(db: &Db, (absorbed, into): (i64, i64), secret: &str, moves: bool) -> u64 {
        let merge = Merge { absorbed: HostId(absorbed), into: HostId(into), at: UnixSeconds(1_000) };
        let key = format!("k{absorbed}{into}{secret}");
        now(db.batch(merge.statements(secret, moves, &key, "user:1"))).unwrap()[0].changes
    }

    fn secret_of(db: &Db, hash: &str) -> Option<(i64, Option<String>)> {
        now(hosts::find_by_secret(db, hash)).unwrap().map(|known| (known.id.0, known.machine_id))
    }

    #[test]
    fn the_host_that_stays_has_one_credential_and_the_others_history() {
        let db = db();
        assert_eq!(merge(&db, (2, 1), "hash-b", true), 1);
        assert_eq!(secret_of(&db, "hash-b"), Some((1, Some("machine-b".to_owned()))));
        assert_eq!(secret_of(&db, "hash-a"), None);
        assert_eq!(merge(&db, (1, 3), "hash-b", false), 1);
        assert_eq!((secret_of(&db, "hash-b"), secret_of(&db, "hash-c").map(|one| one.0)), (None, Some(3)));
        let left = now(hosts::list_all(&db)).unwrap();
        assert_eq!((left.len(), &left[0].absorbed), (1, &vec![HostId(1), HostId(2)]));
        assert!(now(hosts::find_by_machine(&db, "machine-b")).unwrap().is_none());
        // What is read with a host that is there is not deleted, and it is once that one is gone.
        assert_eq!(now(host_edits::list_retired(&db, UnixSeconds(9_000), 9)).unwrap(), []);
        now(db.batch(host_edits::retire(&[HostId(3)], UnixSeconds(2_000)))).unwrap();
        assert_eq!(now(host_edits::list_retired(&db, UnixSeconds(9_000), 9)).unwrap().len(), 3);
        let told: Vec<String> =
            now(access::list_audit(&db, None, 9)).unwrap().into_iter().map(|one| one.subject).collect();
        assert_eq!(told, ["2 into 1", "1 into 3"]);
    }

    #[test]
    fn all_of_it_is_done_or_nothing() {
        let db = db();
        for (ids, secret) in [((2, 1), "hash-other"), ((2, 9), "hash-b"), ((9, 1), "hash-b")] {
            assert_eq!(merge(&db, ids, secret, true), 0, "{ids:?}");
        }
        assert_eq!(now(hosts::list_all(&db)).unwrap().len(), 3);
        assert_eq!(secret_of(&db, "hash-a").map(|one| one.0), Some(1));
        assert_eq!(now(access::list_audit(&db, None, 9)).unwrap(), []);
        let one = Merge { absorbed: HostId(2), into: HostId(1), at: UnixSeconds(1_000) };
        assert_eq!(now(one.is_done(&db)), Ok(false));
        merge(&db, (2, 1), "hash-b", false);
        // Again in the same second, as by a double click: nothing is done twice.
        assert_eq!((now(one.is_done(&db)), merge(&db, (2, 1), "hash-b", false)), (Ok(true), 0));
        assert_eq!(now(hosts::list_all(&db)).unwrap()[0].absorbed, [HostId(2)]);
        assert_eq!(now(access::list_audit(&db, None, 9)).unwrap().len(), 1);
    }
}
