//! Table `proxmox_hosts`: nodes, guests and backup servers as hosts. Whoever makes them is one alone: the object that takes in what
//! agents poll.

use edgewatch_core::model::{HostClass, HostId};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::store::{Bind, Db, Statement, StoreError, settings};

/// So many nodes of a guest's past are known.
pub const MOST_NODES: usize = 4;

const LIST: &str = "SELECT p.host_id, p.instance_id, p.key, p.name, p.nodes_json, h.class, h.parent_id, \
     h.retired_at_s IS NOT NULL AS is_retired, h.hidden_for_guest FROM proxmox_hosts p JOIN hosts h ON h.id = p.host_id \
     WHERE p.instance_id = ?1 ORDER BY p.host_id";
const FIND: &str = "SELECT p.host_id, p.instance_id, p.key, p.name, p.nodes_json, h.class, h.parent_id, \
     h.retired_at_s IS NOT NULL AS is_retired, h.hidden_for_guest FROM json_each(?1) wanted JOIN proxmox_hosts p ON p.host_id = wanted.value \
     JOIN hosts h ON h.id = p.host_id ORDER BY p.host_id";
// Nobody's secret: a hash is of hexadecimal digits alone.
const INSERT: &str = "INSERT INTO hosts (public_id, uuid, name, tag, note, hidden_for_guest, secret_hash, registered_at_s, \
     class, parent_id) SELECT value ->> 'public_id', value ->> 'uuid', value ->> 'name', value ->> 'tag', '', 1, \
     'proxmox:' || (value ->> 'public_id'), ?2, value ->> 'class', value ->> 'parent' FROM json_each(?1)";
const INSERT_STATES: &str = "INSERT INTO host_states (host_id) SELECT h.id FROM json_each(?1) \
     JOIN hosts h ON h.public_id = value ->> 'public_id'";
const INSERT_PARTS: &str = "INSERT INTO proxmox_hosts (host_id, instance_id, key, name, nodes_json) \
     SELECT h.id, ?2, value ->> 'key', h.name, \
     CASE WHEN h.parent_id IS NULL THEN '[]' ELSE json_array(h.parent_id) END FROM json_each(?1) \
     JOIN hosts h ON h.public_id = value ->> 'public_id'";
const REVIVE: &str = "UPDATE hosts SET retired_at_s = NULL \
     WHERE id IN (SELECT value FROM json_each(?1)) AND retired_at_s IS NOT NULL";
// A name that people gave it stays.
const RENAME_HOSTS: &str = "UPDATE hosts SET name = told.new FROM (SELECT value ->> 'host' AS host, value ->> 'name' AS new \
     FROM json_each(?1)) told JOIN proxmox_hosts p ON p.host_id = told.host WHERE hosts.id = told.host AND hosts.name = p.name";
const RENAME: &str = "UPDATE proxmox_hosts SET name = told.new FROM (SELECT value ->> 'host' AS host, value ->> 'name' AS new \
     FROM json_each(?1)) told WHERE proxmox_hosts.host_id = told.host";
const MOVE_HOSTS: &str = "UPDATE hosts SET parent_id = told.parent FROM (SELECT value ->> 'host' AS host, \
     value ->> 'parent' AS parent FROM json_each(?1)) told WHERE hosts.id = told.host";
const MOVE: &str = "UPDATE proxmox_hosts SET nodes_json = told.nodes FROM (SELECT value ->> 'host' AS host, \
     value -> 'nodes' AS nodes FROM json_each(?1)) told WHERE proxmox_hosts.host_id = told.host";

/// A part of an instance that becomes a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewPart {
    /// `node/<name>`, `guest/<number>` or `pbs`.
    pub key: String,
    /// Eleven characters of base58.
    pub public_id: String,
    /// A UUID.
    pub uuid: String,
    /// What it is called.
    pub name: String,
    /// Its group.
    pub tag: String,
    /// The word of its class.
    #[serde(rename = "class")]
    pub class_word: &'static str,
    /// The host of the node that it is a guest of.
    pub parent: Option<i64>,
}

/// A part of an instance, and its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its host.
    pub host: HostId,
    /// The instance's number.
    pub instance: i64,
    /// As in [`NewPart`].
    pub key: String,
    /// What it was called when it was told of last.
    pub name: String,
    /// What it is.
    pub class: HostClass,
    /// The host of the node that it is a guest of.
    pub parent: Option<HostId>,
    /// The hosts of nodes where it was, the newest first.
    pub nodes: Vec<HostId>,
    /// Whether its host is retired.
    pub is_retired: bool,
    /// Whether its host is in no answer to a guest.
    pub is_hidden: bool,
}

/// A guest that runs on another node than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Its host.
    pub host: i64,
    /// The node's.
    pub parent: i64,
    /// Where it was, the newest first: [`MOST_NODES`] at most.
    pub nodes: Vec<i64>,
}

/// A part that is called otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rename {
    /// Its host.
    pub host: i64,
    /// Its name now.
    pub name: String,
}

#[derive(Deserialize)]
struct Row {
    host_id: i64,
    instance_id: i64,
    key: String,
    name: String,
    nodes_json: String,
    class: String,
    parent_id: Option<i64>,
    is_retired: i64,
    hidden_for_guest: i64,
}

impl TryFrom<Row> for Part {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let nodes: Vec<i64> = serde_json::from_str(&row.nodes_json)
            .map_err(|error| StoreError::Corrupt(format!("proxmox_hosts.nodes_json: {error}")))?;
        Ok(Self {
            host: HostId(row.host_id),
            instance: row.instance_id,
            key: row.key,
            name: row.name,
            class: crate::store::hosts::class(&row.class)?,
            parent: row.parent_id.map(HostId),
            nodes: nodes.into_iter().map(HostId).collect(),
            is_retired: row.is_retired != 0,
            is_hidden: row.hidden_for_guest != 0,
        })
    }
}

/// The parts of an instance, by number: 2 rows read for each.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] for a row that cannot be read; so for all that follow.
pub async fn list(db: &Db, instance: i64) -> Result<Vec<Part>, StoreError> {
    read(db, Statement::new(LIST, vec![instance.into()])).await
}

/// The parts that are these hosts, by number: 2 rows read for each.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, hosts: &[HostId]) -> Result<Vec<Part>, StoreError> {
    read(db, Statement::new(FIND, vec![ids(hosts)])).await
}

async fn read(db: &Db, statement: Statement) -> Result<Vec<Part>, StoreError> {
    let rows: Vec<Row> = db.run(statement).await?.rows()?;
    rows.into_iter().map(Part::try_from).collect()
}

fn ids(hosts: &[HostId]) -> Bind {
    let numbers: Vec<String> = hosts.iter().map(|id| id.0.to_string()).collect();
    Bind::from(format!("[{}]", numbers.join(",")))
}

fn json<T: Serialize>(all: &[T]) -> Result<Bind, StoreError> {
    serde_json::to_string(all).map(Bind::from).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// The statements that make parts into hosts, in one batch: a row in each of three tables and their indices, once.
///
/// # Errors
/// [`StoreError::Corrupt`] when they cannot be written as JSON; so for all that follow.
pub fn insert(instance: i64, new: &[NewPart], now: UnixSeconds) -> Result<Vec<Statement>, StoreError> {
    let all = json(new)?;
    Ok(vec![
        Statement::new(INSERT, vec![all.clone(), now.0.into()]),
        Statement::new(INSERT_STATES, vec![all.clone()]),
        Statement::new(INSERT_PARTS, vec![all, instance.into()]),
        settings::bump(settings::HOSTS_VERSION),
    ])
}

/// The statements by which retired hosts are live again: a row each.
pub fn revive(hosts: &[HostId]) -> Vec<Statement> {
    vec![Statement::new(REVIVE, vec![ids(hosts)]), settings::bump(settings::HOSTS_VERSION)]
}

/// The statements that give parts other names: two rows each.
///
/// # Errors
/// As [`insert`].
pub fn rename(names: &[Rename]) -> Result<Vec<Statement>, StoreError> {
    let all = json(names)?;
    let (hosts, parts) = (Statement::new(RENAME_HOSTS, vec![all.clone()]), Statement::new(RENAME, vec![all]));
    Ok(vec![hosts, parts, settings::bump(settings::HOSTS_VERSION)])
}

/// The statements that put guests on other nodes: two rows each.
///
/// # Errors
/// As [`insert`].
pub fn move_to(moves: &[Move]) -> Result<Vec<Statement>, StoreError> {
    let all = json(moves)?;
    let (hosts, parts) = (Statement::new(MOVE_HOSTS, vec![all.clone()]), Statement::new(MOVE, vec![all]));
    Ok(vec![hosts, parts, settings::bump(settings::HOSTS_VERSION)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::{host_edits, hosts};

    const NOW: UnixSeconds = UnixSeconds(1_795_361_190);

    fn part(key: &str, name: &str, class: HostClass, parent: Option<i64>) -> NewPart {
        NewPart {
            key: key.to_owned(),
            public_id: format!("p-{key}"),
            uuid: format!("u-{key}"),
            name: name.to_owned(),
            tag: "lab".to_owned(),
            class_word: class.word(),
            parent,
        }
    }

    fn two_nodes_and_a_guest() -> Db {
        let db = Db::in_memory().unwrap();
        let nodes = [part("node/a", "a", HostClass::Node, None), part("node/b", "b", HostClass::Node, None)];
        now(db.batch(insert(7, &nodes, NOW).unwrap())).unwrap();
        let guest = part("guest/101", "we\"b", HostClass::Qemu, Some(1));
        now(db.batch(insert(7, &[guest], NOW).unwrap())).unwrap();
        db
    }

    #[test]
    fn parts_become_hosts_that_know_what_they_are_and_nobody_s_secret_is_theirs() {
        let db = two_nodes_and_a_guest();
        let parts = now(list(&db, 7)).unwrap();
        let told: Vec<_> = parts.iter().map(|one| (one.host.0, one.key.as_str(), one.class, one.parent)).collect();
        let guest = (3, "guest/101", HostClass::Qemu, Some(HostId(1)));
        assert_eq!(told, [(1, "node/a", HostClass::Node, None), (2, "node/b", HostClass::Node, None), guest]);
        assert_eq!((parts[0].nodes.as_slice(), parts[2].nodes.as_slice()), (&[][..], &[HostId(1)][..]));
        let all = now(hosts::list_all(&db)).unwrap();
        assert_eq!((all[2].name.as_str(), all[2].class, all[2].parent), ("we\"b", HostClass::Qemu, Some(HostId(1))));
        assert!(all[2].hidden_for_guest && all[2].tag == "lab");
        assert_eq!(now(find(&db, &[HostId(3), HostId(9)])).unwrap(), parts[2..]);
        assert_eq!(now(list(&db, 8)).unwrap(), []);
    }

    #[test]
    fn a_guest_moves_and_its_past_is_known() {
        let db = two_nodes_and_a_guest();
        now(db.batch(move_to(&[Move { host: 3, parent: 2, nodes: vec![2, 1] }]).unwrap())).unwrap();
        let guest = now(find(&db, &[HostId(3)])).unwrap().remove(0);
        assert_eq!((guest.parent, guest.nodes), (Some(HostId(2)), vec![HostId(2), HostId(1)]));
    }

    #[test]
    fn a_name_follows_unless_people_gave_another() {
        let db = two_nodes_and_a_guest();
        let called = |name: &str| now(db.batch(rename(&[Rename { host: 3, name: name.to_owned() }]).unwrap())).unwrap();
        let name = || now(hosts::list_by_ids(&db, &[HostId(3)])).unwrap().remove(0).name;
        called("web2");
        assert_eq!(name(), "web2");
        now(db.run(Statement::new("UPDATE hosts SET name = 'shop' WHERE id = 3", vec![]))).unwrap();
        called("web3");
        assert_eq!(name(), "shop");
        assert_eq!(now(find(&db, &[HostId(3)])).unwrap()[0].name, "web3");
    }

    #[test]
    fn a_guest_that_comes_back_is_the_host_it_was() {
        let db = two_nodes_and_a_guest();
        now(db.batch(host_edits::retire(&[HostId(3)], NOW))).unwrap();
        assert!(now(find(&db, &[HostId(3)])).unwrap()[0].is_retired);
        assert_eq!(now(hosts::list_all(&db)).unwrap().len(), 2);
        now(db.batch(revive(&[HostId(3)]))).unwrap();
        assert_eq!(now(hosts::list_all(&db)).unwrap().len(), 3);
    }
}
