//! Table `monitors`: what programs for Mackerel have watched. The hub keeps what they are judged by in the same JSON.

use edgewatch_core::model::{
    MetricTest, MissingLimits, Monitor, MonitorDraft, MonitorId, MonitorKind, MonitorScopes, ScopeName, Sent, Severity,
    Watch, WebQuestion,
};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::store::rules::RULES_VERSION;
use crate::store::{Bind, Db, Outcome, Statement, StoreError, settings};

const LIST: &str = "SELECT id, kind, name, document_json, watch_json ->> '$.external.sealed' AS sealed FROM monitors \
     ORDER BY kind, name, id";
const FIND: &str = "SELECT id, kind, name, document_json, watch_json ->> '$.external.sealed' AS sealed FROM monitors \
     WHERE id = ?1";
const LIST_WATCHES: &str = "SELECT m.id, m.name, m.watch_json, s.id AS service_id FROM monitors m \
     LEFT JOIN services s ON s.name = m.service ORDER BY m.id";
const INSERT: &str = "INSERT INTO monitors (kind, name, service, document_json, watch_json, updated_at_s) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id";
const UPDATE: &str = "UPDATE monitors SET name = ?2, service = ?3, document_json = ?4, watch_json = ?5, updated_at_s = ?6 \
     WHERE id = ?1";
const DELETE: &str = "DELETE FROM monitors WHERE id = ?1";
const LIST_OF_SERVICE: &str = "SELECT id FROM monitors WHERE service = ?1 AND kind = 'service' ORDER BY id";
const DELETE_OF_SERVICE: &str = "DELETE FROM monitors WHERE service = ?1 AND kind = 'service'";
// A web address is looked at all the same.
const LEAVE_SERVICE: &str = "UPDATE monitors SET service = NULL, document_json = json_remove(document_json, '$.service'), \
     watch_json = json_remove(watch_json, '$.external.service') WHERE service = ?1 AND kind = 'external'";
const COUNT: &str = "SELECT count(*) AS count, coalesce(sum(length(watch_json)), 0) AS bytes FROM monitors \
     WHERE id <> ?1";

/// A monitor as it is stored for those who list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number.
    pub id: MonitorId,
    /// What kind of thing it looks at.
    pub kind: MonitorKind,
    /// What people call it.
    pub name: String,
    /// All that was said of it, but for what is sent along with a question.
    pub document_json: String,
    /// That, encrypted; `None` for nothing.
    pub sealed: Option<String>,
}

/// How many monitors there are, and how many bytes they are judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Size {
    /// How many.
    pub count: u64,
    /// Bytes.
    pub bytes: u64,
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    kind: String,
    name: String,
    document_json: String,
    sealed: Option<String>,
}

#[derive(Deserialize)]
struct WatchRow {
    id: i64,
    name: String,
    watch_json: String,
    service_id: Option<i64>,
}

#[derive(Deserialize)]
struct IdRow {
    id: i64,
}

/// A monitor as text, with what the hub needs to know of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonitorWire {
    id: i64,
    name: String,
    service_id: Option<i64>,
    watch: WatchWire,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct WatchWire {
    #[serde(skip_serializing_if = "is_false")]
    mute: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    every_min: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connectivity: Option<ConnectivityWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<TestWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<ServiceWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<ExternalWire>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    only: Vec<(String, Option<String>)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not: Vec<(String, Option<String>)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ConnectivityWire {
    gone: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct TestWire {
    metric: String,
    above: bool,
    warning: Option<f64>,
    critical: Option<f64>,
    points: u32,
    attempts: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ServiceWire {
    name: String,
    test: TestWire,
    warning_min: Option<u32>,
    critical_min: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ExternalWire {
    url: String,
    method: String,
    #[serde(skip_serializing_if = "is_false", default)]
    follows: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    contains: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sealed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    warning: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    critical: Option<f64>,
    points: u32,
    attempts: u32,
}

/// What is sent along, before it is encrypted.
#[derive(Serialize, Deserialize)]
struct SentWire {
    headers: Vec<(String, String)>,
    body: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Every monitor, by kind and name.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] for one that cannot be read. So for all that follow.
pub async fn list(db: &Db) -> Result<Vec<Stored>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// A monitor by number.
///
/// # Errors
/// As [`list`].
pub async fn find(db: &Db, id: MonitorId) -> Result<Option<Stored>, StoreError> {
    let row: Option<Row> = db.run(Statement::new(FIND, vec![id.0.into()])).await?.first()?;
    row.map(Stored::try_from).transpose()
}

/// All that the hub needs to judge by them, by number: a row read for each, and one for its service.
///
/// # Errors
/// As [`list`].
pub async fn list_watches(db: &Db) -> Result<Vec<Monitor>, StoreError> {
    let rows: Vec<WatchRow> = db.run(Statement::new(LIST_WATCHES, vec![])).await?.rows()?;
    let monitor = |row: WatchRow| {
        let watch = serde_json::from_str(&row.watch_json).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(MonitorWire { id: row.id, name: row.name, service_id: row.service_id, watch }.into())
    };
    rows.into_iter().map(monitor).collect()
}

/// How many there are beside one.
///
/// # Errors
/// As [`list`].
pub async fn size(db: &Db, beside: Option<MonitorId>) -> Result<Size, StoreError> {
    let beside = beside.map_or(0, |id| id.0);
    let size: Option<Size> = db.run(Statement::new(COUNT, vec![beside.into()])).await?.first()?;
    size.ok_or_else(|| StoreError::Corrupt("a count without a row".to_owned()))
}

/// How many bytes a monitor is judged by.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be written.
pub fn bytes(draft: &MonitorDraft) -> Result<u64, StoreError> {
    Ok(u64::try_from(watch_text(draft)?.len()).unwrap_or(u64::MAX))
}

/// Inserts a monitor together with `with` (its audit row) and gives its number.
///
/// # Errors
/// As [`list`].
pub async fn insert(db: &Db, draft: &MonitorDraft, now: UnixSeconds, with: Statement) -> Result<MonitorId, StoreError> {
    let mut binds = vec![Bind::from(draft.kind.word())];
    binds.extend(said(draft, now)?);
    let outcomes = db.batch(vec![Statement::new(INSERT, binds), settings::bump(RULES_VERSION), with]).await?;
    let row: Option<IdRow> = outcomes.first().map(Outcome::first).transpose()?.flatten();
    row.map(|row| MonitorId(row.id)).ok_or_else(|| StoreError::Corrupt("an insert returned no id".to_owned()))
}

/// Puts a monitor in the place of the one with this number, together with writing `with`; false when there was none.
///
/// # Errors
/// As [`list`].
pub async fn update(
    db: &Db,
    id: MonitorId,
    draft: &MonitorDraft,
    now: UnixSeconds,
    with: Statement,
) -> Result<bool, StoreError> {
    let mut binds = vec![Bind::from(id.0)];
    binds.extend(said(draft, now)?);
    let outcomes = db.batch(vec![Statement::new(UPDATE, binds), settings::bump(RULES_VERSION), with]).await?;
    Ok(outcomes.first().is_some_and(|outcome| outcome.changes > 0))
}

/// The monitors of a service's metrics.
///
/// # Errors
/// As [`list`].
pub async fn list_of_service(db: &Db, service: &str) -> Result<Vec<MonitorId>, StoreError> {
    let rows: Vec<IdRow> = db.run(Statement::new(LIST_OF_SERVICE, vec![service.into()])).await?.rows()?;
    Ok(rows.into_iter().map(|row| MonitorId(row.id)).collect())
}

/// Deletes a monitor, together with writing `with` (its audit row, and what named it); false when there was none.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn delete(db: &Db, id: MonitorId, with: Vec<Statement>) -> Result<bool, StoreError> {
    let mut statements = vec![Statement::new(DELETE, vec![id.0.into()]), settings::bump(RULES_VERSION)];
    statements.extend(with);
    let outcomes = db.batch(statements).await?;
    Ok(outcomes.first().is_some_and(|outcome| outcome.changes > 0))
}

/// The statements that delete the monitors of a service's metrics, and take it out of those of web addresses.
pub fn delete_of_service(service: &str) -> Vec<Statement> {
    let of = |sql| Statement::new(sql, vec![service.into()]);
    vec![of(DELETE_OF_SERVICE), of(LEAVE_SERVICE), settings::bump(RULES_VERSION)]
}

/// What is sent along with a question as one text, to be encrypted.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be written.
pub fn encode_sent(sent: &Sent) -> Result<String, StoreError> {
    let wire = SentWire { headers: sent.headers.clone(), body: sent.body.clone() };
    serde_json::to_string(&wire).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// What [`encode_sent`] wrote.
///
/// # Errors
/// [`StoreError::Corrupt`] for anything else; it does not say what that was.
pub fn decode_sent(text: &str) -> Result<Sent, StoreError> {
    let wire: SentWire = serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt(format!("what is sent along: {:?}", error.classify())))?;
    Ok(Sent { headers: wire.headers, body: wire.body })
}

fn said(draft: &MonitorDraft, now: UnixSeconds) -> Result<[Bind; 5], StoreError> {
    Ok([
        draft.name.as_str().into(),
        draft.service.as_deref().into(),
        draft.document_json.as_str().into(),
        watch_text(draft)?.into(),
        now.0.into(),
    ])
}

fn watch_text(draft: &MonitorDraft) -> Result<String, StoreError> {
    let watch = WatchWire::of(draft.is_mute, draft.every_min, &draft.watch);
    serde_json::to_string(&watch).map_err(|error| StoreError::Corrupt(error.to_string()))
}

impl TryFrom<Row> for Stored {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let kind = MonitorKind::parse(&row.kind);
        let kind = kind.ok_or_else(|| StoreError::Corrupt(format!("monitor kind {}", row.kind)))?;
        Ok(Self { id: MonitorId(row.id), kind, name: row.name, document_json: row.document_json, sealed: row.sealed })
    }
}

impl WatchWire {
    fn of(mute: bool, every_min: Option<u32>, watch: &Watch) -> Self {
        let base = Self { mute, every_min, ..Self::default() };
        let names = |scopes: &[ScopeName]| scopes.iter().map(|one| (one.service.clone(), one.role.clone())).collect();
        let scoped =
            |scopes: &MonitorScopes, base: Self| Self { only: names(&scopes.only), not: names(&scopes.not), ..base };
        match watch {
            Watch::Connectivity { gone, scopes } => {
                let connectivity = Some(ConnectivityWire { gone: gone.word().to_owned() });
                scoped(scopes, Self { connectivity, ..base })
            }
            Watch::Host { test, scopes } => scoped(scopes, Self { host: Some(TestWire::from(test)), ..base }),
            Watch::Service { service, test, missing, .. } => {
                let wire = ServiceWire {
                    name: service.clone(),
                    test: TestWire::from(test),
                    warning_min: missing.warning_min,
                    critical_min: missing.critical_min,
                };
                Self { service: Some(wire), ..base }
            }
            Watch::External { question, test, service } => {
                Self { external: Some(ExternalWire::of(question, test, service.as_deref())), ..base }
            }
            Watch::Nothing => base,
        }
    }

    fn into_watch(self, service_id: Option<i64>) -> Watch {
        let names = |names: Vec<(String, Option<String>)>| {
            names.into_iter().map(|(service, role)| ScopeName { service, role }).collect()
        };
        let scopes = MonitorScopes { only: names(self.only), not: names(self.not) };
        if let Some(ConnectivityWire { gone }) = self.connectivity {
            Watch::Connectivity { gone: Severity::parse(&gone).unwrap_or(Severity::Critical), scopes }
        } else if let Some(test) = self.host {
            Watch::Host { test: test.into(), scopes }
        } else if let Some(ServiceWire { name, test, warning_min, critical_min }) = self.service {
            let missing = MissingLimits { warning_min, critical_min };
            Watch::Service { service: name, number: service_id.unwrap_or(0), test: test.into(), missing }
        } else {
            self.external.map_or(Watch::Nothing, ExternalWire::into_watch)
        }
    }
}

impl ExternalWire {
    fn of(question: &WebQuestion, test: &MetricTest, service: Option<&str>) -> Self {
        let WebQuestion { url, method, follows, status, contains, sealed } = question.clone();
        Self {
            url,
            method,
            follows,
            status,
            contains,
            sealed,
            service: service.map(str::to_owned),
            warning: test.warning,
            critical: test.critical,
            points: test.points,
            attempts: test.attempts,
        }
    }

    fn into_watch(self) -> Watch {
        let Self { url, method, follows, status, contains, sealed, service, .. } = self;
        let test = MetricTest::of_delay(self.warning, self.critical, self.points, self.attempts);
        Watch::External { question: WebQuestion { url, method, follows, status, contains, sealed }, test, service }
    }
}

impl From<&Monitor> for MonitorWire {
    fn from(monitor: &Monitor) -> Self {
        let service_id = match &monitor.watch {
            Watch::Service { number, .. } if *number > 0 => Some(*number),
            _ => None,
        };
        let watch = WatchWire::of(monitor.is_mute, monitor.every_min, &monitor.watch);
        Self { id: monitor.id.0, name: monitor.name.clone(), service_id, watch }
    }
}

impl From<MonitorWire> for Monitor {
    fn from(wire: MonitorWire) -> Self {
        let MonitorWire { id, name, service_id, watch } = wire;
        let (is_mute, every_min) = (watch.mute, watch.every_min);
        Self { id: MonitorId(id), name, is_mute, every_min, watch: watch.into_watch(service_id) }
    }
}

impl From<&MetricTest> for TestWire {
    fn from(test: &MetricTest) -> Self {
        Self {
            metric: test.metric.clone(),
            above: test.is_above,
            warning: test.warning,
            critical: test.critical,
            points: test.points,
            attempts: test.attempts,
        }
    }
}

impl From<TestWire> for MetricTest {
    fn from(wire: TestWire) -> Self {
        Self {
            metric: wire.metric,
            is_above: wire.above,
            warning: wire.warning,
            critical: wire.critical,
            points: wire.points,
            attempts: wire.attempts,
        }
    }
}

#[cfg(test)]
mod tests;
