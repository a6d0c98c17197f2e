//! Table `monitors`: what programs for Mackerel have watched. The hub keeps what they are judged by in the same JSON.

use edgewatch_core::model::{
    MetricTest, MissingLimits, Monitor, MonitorDraft, MonitorId, MonitorKind, MonitorScopes, ScopeName, Severity, Watch,
};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::store::rules::RULES_VERSION;
use crate::store::{Bind, Db, Outcome, Statement, StoreError, settings};

const LIST: &str = "SELECT id, kind, name, document_json FROM monitors ORDER BY kind, name, id";
const FIND: &str = "SELECT id, kind, name, document_json FROM monitors WHERE id = ?1";
const LIST_WATCHES: &str = "SELECT m.id, m.name, m.watch_json, s.id AS service_id FROM monitors m \
     LEFT JOIN services s ON s.name = m.service ORDER BY m.id";
const INSERT: &str = "INSERT INTO monitors (kind, name, service, document_json, watch_json, updated_at_s) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id";
const UPDATE: &str = "UPDATE monitors SET name = ?2, service = ?3, document_json = ?4, watch_json = ?5, updated_at_s = ?6 \
     WHERE id = ?1";
const DELETE: &str = "DELETE FROM monitors WHERE id = ?1";
const LIST_OF_SERVICE: &str = "SELECT id FROM monitors WHERE service = ?1 AND kind = 'service' ORDER BY id";
const DELETE_OF_SERVICE: &str = "DELETE FROM monitors WHERE service = ?1 AND kind = 'service'";
const COUNT: &str = "SELECT count(*) AS count, coalesce(sum(length(watch_json)), 0) AS bytes FROM monitors";

/// A monitor as it is stored for those who list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number.
    pub id: MonitorId,
    /// What kind of thing it looks at.
    pub kind: MonitorKind,
    /// What people call it.
    pub name: String,
    /// All that was said of it.
    pub document_json: String,
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

/// How many there are.
///
/// # Errors
/// As [`list`].
pub async fn size(db: &Db) -> Result<Size, StoreError> {
    let size: Option<Size> = db.run(Statement::new(COUNT, vec![])).await?.first()?;
    size.ok_or_else(|| StoreError::Corrupt("a count without a row".to_owned()))
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

/// The statements that delete the monitors of a service's metrics.
pub fn delete_of_service(service: &str) -> Vec<Statement> {
    vec![Statement::new(DELETE_OF_SERVICE, vec![service.into()]), settings::bump(RULES_VERSION)]
}

fn said(draft: &MonitorDraft, now: UnixSeconds) -> Result<[Bind; 5], StoreError> {
    let watch = WatchWire::of(draft.is_mute, draft.every_min, &draft.watch);
    let watch = serde_json::to_string(&watch).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok([
        draft.name.as_str().into(),
        draft.service.as_deref().into(),
        draft.document_json.as_str().into(),
        watch.into(),
        now.0.into(),
    ])
}

impl TryFrom<Row> for Stored {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let kind = MonitorKind::parse(&row.kind);
        let kind = kind.ok_or_else(|| StoreError::Corrupt(format!("monitor kind {}", row.kind)))?;
        Ok(Self { id: MonitorId(row.id), kind, name: row.name, document_json: row.document_json })
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
            Watch::Nothing
        }
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
mod tests {
    use super::*;
    use crate::store::db::now;

    fn test(metric: &str) -> MetricTest {
        MetricTest {
            metric: metric.to_owned(),
            is_above: true,
            warning: Some(4.0),
            critical: Some(0.1 + 0.2),
            points: 3,
            attempts: 2,
        }
    }

    fn scopes() -> MonitorScopes {
        let scope = |role: Option<&str>| ScopeName { service: "Svc".to_owned(), role: role.map(str::to_owned) };
        MonitorScopes { only: vec![scope(None)], not: vec![scope(Some("batch"))] }
    }

    fn draft(name: &str, watch: Watch) -> MonitorDraft {
        let (kind, service) = match &watch {
            Watch::Connectivity { .. } => (MonitorKind::Connectivity, None),
            Watch::Host { .. } => (MonitorKind::Host, None),
            Watch::Service { service, .. } => (MonitorKind::Service, Some(service.clone())),
            Watch::Nothing => (MonitorKind::Query, None),
        };
        MonitorDraft {
            kind,
            name: name.to_owned(),
            is_mute: true,
            every_min: Some(60),
            watch,
            service,
            scopes: vec![],
            document_json: "{}".to_owned(),
        }
    }

    #[test]
    fn a_deployment_begins_with_the_monitor_that_the_hub_knows_without_asking() {
        let db = Db::in_memory().unwrap();
        assert_eq!(now(list_watches(&db)).unwrap(), [Monitor::first()]);
        assert_eq!(now(list(&db)).unwrap()[0].kind, MonitorKind::Connectivity);
        assert_eq!(now(settings::find_count(&db, RULES_VERSION)).unwrap(), 0);
    }

    #[test]
    fn a_monitor_comes_back_as_it_was_put_and_as_the_hub_keeps_it() {
        let db = Db::in_memory().unwrap();
        let audit = || Statement::new("SELECT 1", vec![]);
        now(db.run(Statement::new("INSERT INTO services (id, name) VALUES (7, 'Svc')", vec![]))).unwrap();
        let missing = MissingLimits { warning_min: Some(10), critical_min: None };
        let watches = [
            Watch::Connectivity { gone: Severity::Warning, scopes: scopes() },
            Watch::Host { test: test("cpu%"), scopes: scopes() },
            Watch::Service { service: "Svc".to_owned(), number: 7, test: test("clicks"), missing },
            Watch::Nothing,
        ];
        for watch in &watches {
            now(insert(&db, &draft("m", watch.clone()), UnixSeconds(1), audit())).unwrap();
        }
        let found = now(list_watches(&db)).unwrap();
        assert_eq!(found[1..].iter().map(|one| one.watch.clone()).collect::<Vec<_>>(), watches);
        assert!(found[1..].iter().all(|one| one.is_mute && one.every_min == Some(60)));
        for monitor in &found {
            let text = serde_json::to_string(&MonitorWire::from(monitor)).unwrap();
            assert_eq!(Monitor::from(serde_json::from_str::<MonitorWire>(&text).unwrap()), *monitor);
        }
        let kinds: Vec<_> = now(list(&db)).unwrap().into_iter().map(|one| one.kind.word()).collect();
        assert_eq!(kinds, ["connectivity", "connectivity", "host", "query", "service"]);
        assert!(now(update(&db, MonitorId(2), &draft("n", Watch::Nothing), UnixSeconds(2), audit())).unwrap());
        assert_eq!(now(find(&db, MonitorId(2))).unwrap().unwrap().name, "n");
        assert!(now(delete(&db, MonitorId(2), vec![audit()])).unwrap());
        assert!(!now(delete(&db, MonitorId(2), vec![audit()])).unwrap());
        assert_eq!(now(list_of_service(&db, "Svc")).unwrap(), [MonitorId(4)]);
        now(db.batch(delete_of_service("Svc"))).unwrap();
        assert_eq!(now(size(&db)).unwrap().count, 3);
        assert_eq!(now(settings::find_count(&db, RULES_VERSION)).unwrap(), 8);
    }
}
