//! Table `push_agents`: agents that push what they checked, each with a UUID and a password of its own.

use edgewatch_core::model::{HostId, PushAgent, PushStanding};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::{Bind, Db, Statement, StoreError, hex};

macro_rules! select_agents {
    ($rest:literal) => {
        concat!(
            "SELECT p.id, p.uuid, p.host_id, p.registered, p.password_hash, p.host_name, p.address, p.remote_address, ",
            "p.forwarded_for, p.user_agent, p.registered_at_s, p.may_register_again, p.submitted_at_s, p.cloned_at_s, ",
            "h.id IS NOT NULL AND h.retired_at_s IS NULL AS is_live, h.name AS host_called, s.last_seen_s ",
            "FROM push_agents p LEFT JOIN hosts h ON h.id = p.host_id LEFT JOIN host_states s ON s.host_id = h.id ",
            $rest
        )
    };
}

const FIND: &str = select_agents!("WHERE p.uuid = ?1");
const FIND_BY_NUMBER: &str = select_agents!("WHERE p.id = ?1");
const LIST: &str = select_agents!("ORDER BY p.registered_at_s DESC, p.uuid");
/// Agents that nobody knows, and those of hosts that are no more, make room for one that registers.
const MAKE_ROOM: &str = "DELETE FROM push_agents WHERE uuid = ?1 AND (registered = 0 \
     OR host_id IN (SELECT id FROM hosts WHERE retired_at_s IS NOT NULL))";
const INSERT: &str = "INSERT INTO push_agents (uuid, host_id, registered, password_hash, host_name, address, remote_address, \
     forwarded_for, user_agent, registered_at_s, by_token_id) \
     VALUES (?1, (SELECT id FROM hosts WHERE secret_hash = ?2), 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const COUNT_OF_TOKEN: &str =
    "SELECT count(*) AS count FROM push_agents WHERE by_token_id = ?1 AND registered_at_s > ?2";
const RENEW_HOST: &str = "UPDATE hosts SET secret_hash = ?2 \
     WHERE id = (SELECT host_id FROM push_agents WHERE uuid = ?1 AND may_register_again = 1)";
const RENEW: &str =
    "UPDATE push_agents SET password_hash = ?2, may_register_again = 0 WHERE uuid = ?1 AND may_register_again = 1";
const SET_PASSWORD: &str = "UPDATE push_agents SET password_hash = ?2, may_register_again = 0 WHERE host_id = ?1";
const ALLOW: &str = "UPDATE push_agents SET may_register_again = 1 WHERE uuid = ?1 AND registered = 1";
const NOTE_UNKNOWN: &str = "INSERT INTO push_agents (uuid, registered, password_hash, host_name, address, remote_address, \
     forwarded_for, user_agent, registered_at_s, submitted_at_s, checkdata) \
     SELECT ?1, 0, ?2, '', '', ?3, ?4, ?5, ?6, ?6, unhex(?7) \
     WHERE (SELECT count(*) FROM push_agents WHERE registered = 0) < ?8 \
     ON CONFLICT (uuid) DO UPDATE SET password_hash = excluded.password_hash, remote_address = excluded.remote_address, \
     forwarded_for = excluded.forwarded_for, user_agent = excluded.user_agent, submitted_at_s = excluded.submitted_at_s, \
     checkdata = excluded.checkdata WHERE push_agents.registered = 0";
const NOTE_SUBMITTED: &str =
    "UPDATE push_agents SET submitted_at_s = ?2, checkdata = unhex(?3) WHERE uuid = ?1 AND registered = 1";
const NOTE_TWINS: &str = "UPDATE push_agents SET cloned_at_s = ?2 WHERE host_id = ?1";
const FIND_CHECKDATA: &str = "SELECT hex(checkdata) AS hex FROM push_agents WHERE uuid = ?1 AND checkdata IS NOT NULL";
/// The host's secret becomes the agent's password.
const GIVE_SECRET: &str = "UPDATE hosts SET secret_hash = (SELECT password_hash FROM push_agents WHERE uuid = ?1) \
     WHERE id = ?2 AND retired_at_s IS NULL";
const LET_GO: &str = "DELETE FROM push_agents WHERE uuid <> ?1 \
     AND host_id = (SELECT id FROM hosts WHERE id = ?2 AND retired_at_s IS NULL)";
const ACCEPT: &str = "UPDATE push_agents SET registered = 1, submitted_at_s = NULL, checkdata = NULL, \
     host_id = (SELECT id FROM hosts WHERE secret_hash = push_agents.password_hash) \
     WHERE uuid = ?1 AND password_hash IN (SELECT secret_hash FROM hosts)";
const ACCEPT_FOR: &str = "UPDATE push_agents SET registered = 1, submitted_at_s = NULL, checkdata = NULL, host_id = ?2 \
     WHERE uuid = ?1 AND ?2 IN (SELECT id FROM hosts WHERE id = ?2 AND retired_at_s IS NULL)";
const DELETE: &str = "DELETE FROM push_agents WHERE uuid = ?1";

/// An agent as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The agent.
    pub agent: PushAgent,
    /// SHA-256 of its password.
    pub password_hash: String,
}

/// An agent about to be inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPushAgent {
    /// What tells it from others.
    pub uuid: String,
    /// SHA-256 of its password; of the host with this secret it becomes the agent, where there is one.
    pub password_hash: String,
    /// What its machine is called.
    pub host_name: String,
    /// Where it thinks it is.
    pub address: String,
    /// How it came.
    pub came: Came,
    /// When.
    pub at: UnixSeconds,
    /// The token it registers with.
    pub by_token_id: Option<i64>,
}

/// How a request came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Came {
    /// From where.
    pub remote_address: String,
    /// Forwarded for whom, as was said.
    pub forwarded_for: String,
    /// By which program, as it says.
    pub user_agent: String,
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    uuid: String,
    host_id: Option<i64>,
    registered: i64,
    password_hash: String,
    host_name: String,
    address: String,
    remote_address: String,
    forwarded_for: String,
    user_agent: String,
    registered_at_s: i64,
    may_register_again: i64,
    submitted_at_s: Option<i64>,
    cloned_at_s: Option<i64>,
    is_live: i64,
    host_called: Option<String>,
    last_seen_s: Option<i64>,
}

#[derive(Deserialize)]
struct CountRow {
    count: u64,
}

#[derive(Deserialize)]
struct HexRow {
    hex: String,
}

impl From<Row> for Stored {
    fn from(row: Row) -> Self {
        let standing = match (row.host_id, row.is_live != 0, row.registered != 0) {
            (Some(id), true, _) => PushStanding::Accepted(HostId(id)),
            (None, _, true) => PushStanding::Pending,
            _ => PushStanding::Stray,
        };
        let called = row.host_called.filter(|_| matches!(standing, PushStanding::Accepted(_)));
        Self {
            agent: PushAgent {
                uuid: row.uuid,
                number: row.id,
                standing,
                host: called.map(|name| (name, row.last_seen_s.map(UnixSeconds))),
                host_name: row.host_name,
                address: row.address,
                remote_address: row.remote_address,
                forwarded_for: row.forwarded_for,
                user_agent: row.user_agent,
                registered_at: UnixSeconds(row.registered_at_s),
                submitted_at: row.submitted_at_s.map(UnixSeconds),
                cloned_at: row.cloned_at_s.map(UnixSeconds),
                may_register_again: row.may_register_again != 0,
            },
            password_hash: row.password_hash,
        }
    }
}

/// The agent of this UUID: 4 rows read.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn find(db: &Db, uuid: &str) -> Result<Option<Stored>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![uuid.into()])).await?.first()?;
    Ok(row.map(Stored::from))
}

/// The agent of this number: 3 rows read.
///
/// # Errors
/// As [`find`].
pub async fn find_by_number(db: &Db, number: i64) -> Result<Option<PushAgent>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND_BY_NUMBER, vec![number.into()])).await?.first()?;
    Ok(row.map(|row| Stored::from(row).agent))
}

/// Every agent, the newest first: 3 rows read for each.
///
/// # Errors
/// As [`find`].
pub async fn list(db: &Db) -> Result<Vec<PushAgent>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    Ok(rows.into_iter().map(|row| Stored::from(row).agent).collect())
}

/// The statements that insert an agent, to be run in one batch: not unique where somebody known has its UUID.
pub fn insert(new: NewPushAgent) -> Vec<Statement> {
    let values = vec![
        Bind::from(new.uuid.as_str()),
        new.password_hash.into(),
        new.host_name.into(),
        new.address.into(),
        new.came.remote_address.into(),
        new.came.forwarded_for.into(),
        new.came.user_agent.into(),
        new.at.0.into(),
        new.by_token_id.into(),
    ];
    vec![Statement::new(MAKE_ROOM, vec![new.uuid.into()]), Statement::new(INSERT, values)]
}

/// How many agents registered with a token after that moment: a row read for each.
///
/// # Errors
/// As [`find`].
pub async fn count_of_token(db: &Db, token_id: i64, after: UnixSeconds) -> Result<u64, StoreError> {
    let row: Option<CountRow> =
        db.run(Statement::new(COUNT_OF_TOKEN, vec![token_id.into(), after.0.into()])).await?.first()?;
    Ok(row.map_or(0, |row| row.count))
}

/// The statements that give an agent another password where it may register again, and its host with it. The last one changes a row
/// where that was so.
pub fn renew(uuid: &str, password_hash: &str) -> Vec<Statement> {
    [RENEW_HOST, RENEW].map(|sql| Statement::new(sql, vec![uuid.into(), password_hash.into()])).to_vec()
}

/// The statement that gives the agent of a host, where it has one, another password.
pub fn set_password(host: HostId, password_hash: &str) -> Statement {
    Statement::new(SET_PASSWORD, vec![host.0.into(), password_hash.into()])
}

/// The statement that lets a registered agent register again, once.
pub fn allow_again(uuid: &str) -> Statement {
    Statement::new(ALLOW, vec![uuid.into()])
}

/// The statement that notes an agent that nobody knows, unless there are `most` of them: 5 rows written, or none. `checkdata`:
/// what it pushed.
pub fn note_unknown(
    uuid: &str,
    password_hash: &str,
    came: &Came,
    at: UnixSeconds,
    checkdata: Option<&[u8]>,
    most: u32,
) -> Statement {
    let Came { remote_address, forwarded_for, user_agent } = came;
    Statement::new(
        NOTE_UNKNOWN,
        vec![
            uuid.into(),
            password_hash.into(),
            remote_address.as_str().into(),
            forwarded_for.as_str().into(),
            user_agent.as_str().into(),
            at.0.into(),
            checkdata.map(hex::write).into(),
            most.into(),
        ],
    )
}

/// The statement that notes what a registered agent pushed that was not accepted: 1 row written.
pub fn note_submitted(uuid: &str, at: UnixSeconds, checkdata: Option<&[u8]>) -> Statement {
    Statement::new(NOTE_SUBMITTED, vec![uuid.into(), at.0.into(), checkdata.map(hex::write).into()])
}

/// The statement that notes that two machines push as the agent of a host: 1 row written, or none.
pub fn note_twins(host: HostId, at: UnixSeconds) -> Statement {
    Statement::new(NOTE_TWINS, vec![host.0.into(), at.0.into()])
}

/// What an agent pushed while it was not accepted: gzip of JSON.
///
/// # Errors
/// As [`find`].
pub async fn find_checkdata(db: &Db, uuid: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<HexRow> = db.run(Statement::new(FIND_CHECKDATA, vec![uuid.into()])).await?.first()?;
    row.map(|row| hex::read(&row.hex)).transpose()
}

/// The statements that make an agent a host's: its password is the host's secret from then on, and whoever spoke for the host does no
/// more. The first one changes a row where the host is there.
pub fn give_host(uuid: &str, host: HostId) -> Vec<Statement> {
    [GIVE_SECRET, LET_GO, ACCEPT_FOR].map(|sql| Statement::new(sql, vec![uuid.into(), host.0.into()])).to_vec()
}

/// The statement that makes an agent the one of the host that has its password for a secret.
pub fn accept(uuid: &str) -> Statement {
    Statement::new(ACCEPT, vec![uuid.into()])
}

/// The statement that forgets an agent.
pub fn delete(uuid: &str) -> Statement {
    Statement::new(DELETE, vec![uuid.into()])
}
