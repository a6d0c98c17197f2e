//! Table `probes`: what is asked again and again.

use edgewatch_core::model::{Coverage, HostId, Probe, ProbeId, ProbeKind, ProbeNotices, ProbeSpec};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::{Bind, Db, Outcome, Statement, StoreError};

const LIST: &str = "SELECT id, name, kind, target, interval_s, cover, hosts, from_edge, is_public, delays_public, \
     notify_state, notify_delay, min_delay_ms, max_delay_ms, notify_group, certificate_days, created_at_s FROM probes ORDER BY id";
const INSERT: &str = "INSERT INTO probes (name, kind, target, interval_s, cover, hosts, from_edge, is_public, notify_state, \
     notify_delay, min_delay_ms, max_delay_ms, notify_group, delays_public, certificate_days, created_at_s) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) RETURNING id";
const UPDATE: &str = "UPDATE probes SET name = ?1, kind = ?2, target = ?3, interval_s = ?4, cover = ?5, hosts = ?6, \
     from_edge = ?7, is_public = ?8, notify_state = ?9, notify_delay = ?10, min_delay_ms = ?11, max_delay_ms = ?12, \
     notify_group = ?13, delays_public = ?14, certificate_days = ?15 WHERE id = ?16";
const DELETE: &str = "DELETE FROM probes WHERE id = ?1";

#[derive(Deserialize)]
struct Row {
    id: i64,
    name: String,
    kind: i64,
    target: String,
    interval_s: u32,
    cover: i64,
    hosts: String,
    from_edge: i64,
    is_public: i64,
    delays_public: i64,
    notify_state: i64,
    notify_delay: i64,
    min_delay_ms: f64,
    max_delay_ms: f64,
    notify_group: String,
    certificate_days: Option<u32>,
    created_at_s: i64,
}

#[derive(Deserialize)]
struct IdRow {
    id: i64,
}

/// Every probe, by number: as many rows read.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] when a row holds what no probe is.
pub async fn list(db: &Db) -> Result<Vec<Probe>, StoreError> {
    let rows: Vec<Row> = db.run(Statement::new(LIST, vec![])).await?.rows()?;
    rows.into_iter().map(Probe::try_from).collect()
}

/// Inserts a probe together with `with`, and gives its number.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn insert(db: &Db, spec: &ProbeSpec, now: UnixSeconds, with: Vec<Statement>) -> Result<ProbeId, StoreError> {
    let mut binds = binds(spec)?;
    binds.push(now.0.into());
    let mut statements = vec![Statement::new(INSERT, binds)];
    statements.extend(with);
    let outcomes = db.batch(statements).await?;
    let row: Option<IdRow> = outcomes.first().map(Outcome::first).transpose()?.flatten();
    row.map(|row| ProbeId(row.id)).ok_or_else(|| StoreError::Corrupt("an insert returned no id".to_owned()))
}

/// Puts another probe in the place of this number, together with `with`; false when there is none.
///
/// # Errors
/// As [`insert`].
pub async fn update(db: &Db, id: ProbeId, spec: &ProbeSpec, with: Vec<Statement>) -> Result<bool, StoreError> {
    let mut binds = binds(spec)?;
    binds.push(id.0.into());
    changed(db, Statement::new(UPDATE, binds), with).await
}

/// Deletes a probe together with writing `with`; false when there was none.
///
/// # Errors
/// As [`insert`].
pub async fn delete(db: &Db, id: ProbeId, with: Vec<Statement>) -> Result<bool, StoreError> {
    changed(db, Statement::new(DELETE, vec![id.0.into()]), with).await
}

async fn changed(db: &Db, statement: Statement, with: Vec<Statement>) -> Result<bool, StoreError> {
    let mut statements = vec![statement];
    statements.extend(with);
    let outcomes = db.batch(statements).await?;
    Ok(outcomes.first().is_some_and(|outcome| outcome.changes > 0))
}

fn binds(spec: &ProbeSpec) -> Result<Vec<Bind>, StoreError> {
    let hosts: Vec<i64> = spec.coverage.named().iter().map(|host| host.0).collect();
    let hosts = serde_json::to_string(&hosts).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(vec![
        spec.name.as_str().into(),
        i64::from(spec.kind.number()).into(),
        spec.target.as_str().into(),
        spec.interval_s.into(),
        matches!(spec.coverage, Coverage::Only(_)).into(),
        hosts.into(),
        spec.from_edge.into(),
        spec.is_public.into(),
        spec.notices.of_state.into(),
        spec.notices.of_delay.into(),
        spec.notices.min_delay_ms.into(),
        spec.notices.max_delay_ms.into(),
        spec.notices.group.as_str().into(),
        spec.delays_public.into(),
        spec.notices.certificate_days.into(),
    ])
}

impl TryFrom<Row> for Probe {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("probe {}: {what}", row.id));
        let hosts: Vec<i64> = serde_json::from_str(&row.hosts).map_err(|_| corrupt("its hosts"))?;
        let hosts = hosts.into_iter().map(HostId).collect();
        let of_state = row.notify_state != 0;
        let spec = ProbeSpec {
            kind: ProbeKind::of_number(row.kind).ok_or_else(|| corrupt("its kind"))?,
            coverage: if row.cover == 0 { Coverage::AllBut(hosts) } else { Coverage::Only(hosts) },
            name: row.name,
            target: row.target,
            interval_s: row.interval_s,
            from_edge: row.from_edge != 0,
            is_public: row.is_public != 0,
            delays_public: row.delays_public != 0,
            notices: ProbeNotices {
                of_state,
                certificate_days: ProbeNotices::certificate_days(row.certificate_days, of_state),
                of_delay: row.notify_delay != 0,
                min_delay_ms: row.min_delay_ms,
                max_delay_ms: row.max_delay_ms,
                group: row.notify_group,
            },
        };
        Ok(Self { id: ProbeId(row.id), spec, created_at: UnixSeconds(row.created_at_s) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;

    fn spec(name: &str) -> ProbeSpec {
        ProbeSpec {
            name: name.to_owned(),
            kind: ProbeKind::Tcp,
            target: "example.com:443".to_owned(),
            interval_s: 30,
            coverage: Coverage::Only(vec![HostId(1), HostId(7)]),
            from_edge: true,
            is_public: true,
            delays_public: true,
            notices: ProbeNotices {
                of_state: true,
                of_delay: false,
                min_delay_ms: 0.5,
                max_delay_ms: 250.0,
                certificate_days: 30,
                group: "night".to_owned(),
            },
        }
    }

    #[test]
    fn a_probe_comes_back_as_it_was_put_and_its_number_is_never_given_out_again() {
        let db = Db::in_memory().unwrap();
        let put = |spec: &ProbeSpec| now(insert(&db, spec, UnixSeconds(5), vec![])).unwrap();
        let (first, second) = (put(&spec("a")), put(&spec("b")));
        let all_but = ProbeSpec { coverage: Coverage::AllBut(vec![]), kind: ProbeKind::Icmp, ..spec("c") };
        assert!(now(update(&db, first, &all_but, vec![])).unwrap());
        let probe = |id, spec| Probe { id, spec, created_at: UnixSeconds(5) };
        assert_eq!(now(list(&db)).unwrap(), [probe(first, all_but), probe(second, spec("b"))]);
        assert!(now(delete(&db, second, vec![])).unwrap() && !now(delete(&db, second, vec![])).unwrap());
        assert!(!now(update(&db, second, &spec("d"), vec![])).unwrap());
        assert_eq!(put(&spec("e")), ProbeId(3));
    }

    #[test]
    fn probes_of_before_are_told_of_certificates_as_the_original_does() {
        let db = Db::in_memory().unwrap();
        for of_state in [true, false] {
            now(insert(&db, &spec("old"), UnixSeconds(5), vec![])).unwrap();
            let sql =
                "UPDATE probes SET notify_state = ?1, certificate_days = NULL WHERE id = (SELECT max(id) FROM probes)";
            now(db.run(Statement::new(sql, vec![of_state.into()]))).unwrap();
        }
        let found: Vec<_> = now(list(&db)).unwrap().into_iter().map(|probe| probe.spec.notices).collect();
        let told: Vec<_> = found.iter().map(|notices| (notices.of_state, notices.certificate_days)).collect();
        assert_eq!(told, [(true, 7), (false, 0)]);
    }
}
