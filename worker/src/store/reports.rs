//! Tables `host_states` and `blocks`, as a report touches them: one row of each, in one transaction.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgewatch_core::model::{Addresses, Facts, HostId, Sample};
use edgewatch_core::units::UnixSeconds;
use serde::Deserialize;

use super::hosts::StoredSensor;
use super::{Bind, Db, Statement, StoreError};

const FIND_PROGRESS: &str = "SELECT h.id, h.secret_hash, s.last_number, s.block_no \
     FROM hosts h JOIN host_states s ON s.host_id = h.id WHERE h.secret_hash = ?1 AND h.retired_at_s IS NULL";

// Both statements take effect only while the host's progress is what the writer saw (?4, ?2): a late or repeated
// write changes nothing. The block's own guard holds even if a state were restored from a backup.
const PUT_BLOCK: &str = "INSERT INTO blocks (host_id, tier, slot, block_no, start_ms, last_number, data) \
     SELECT ?1, ?2, ?3, ?5, ?6, ?7, ?8 FROM host_states WHERE host_id = ?1 AND last_number = ?4 \
     ON CONFLICT (host_id, tier, slot) DO UPDATE SET block_no = excluded.block_no, start_ms = excluded.start_ms, \
     last_number = excluded.last_number, data = excluded.data \
     WHERE excluded.block_no > blocks.block_no \
     OR (excluded.block_no = blocks.block_no AND excluded.last_number > blocks.last_number)";

const UPDATE_STATE: &str = "UPDATE host_states SET last_number = ?3, block_no = ?4, last_seen_s = ?5, \
     presence = CASE presence WHEN 0 THEN 1 ELSE presence END, period_s = ?6, agent_version = ?7, \
     country_code = COALESCE(?8, country_code), \
     addresses_fixed = COALESCE(?9, addresses_fixed), \
     ipv4 = CASE COALESCE(?9, addresses_fixed) WHEN 1 THEN COALESCE(?10, ipv4) \
     ELSE COALESCE(?12, CASE addresses_fixed WHEN 1 THEN '' ELSE ipv4 END) END, \
     ipv6 = CASE COALESCE(?9, addresses_fixed) WHEN 1 THEN COALESCE(?11, ipv6) \
     ELSE COALESCE(?13, CASE addresses_fixed WHEN 1 THEN '' ELSE ipv6 END) END, \
     platform = COALESCE(?14, platform), platform_version = COALESCE(?15, platform_version), \
     kernel = COALESCE(?16, kernel), arch = COALESCE(?17, arch), virtualization = COALESCE(?18, virtualization), \
     cpu_models_json = COALESCE(?19, cpu_models_json), gpu_models_json = COALESCE(?20, gpu_models_json), \
     mem_total_bytes = COALESCE(?21, mem_total_bytes), swap_total_bytes = COALESCE(?22, swap_total_bytes), \
     disk_total_bytes = COALESCE(?23, disk_total_bytes), booted_at_s = COALESCE(?24, booted_at_s), \
     sampled_at_ms = ?25, cpu_percent = ?26, mem_used_bytes = ?27, swap_used_bytes = ?28, disk_used_bytes = ?29, \
     net_in_bytes = ?30, net_out_bytes = ?31, net_in_bytes_per_s = ?32, net_out_bytes_per_s = ?33, uptime_s = ?34, \
     load1 = ?35, load5 = ?36, load15 = ?37, tcp_connections = ?38, udp_connections = ?39, processes = ?40, \
     gpu_percent = ?41, temperatures_json = ?42, frame_s = ?43 \
     WHERE host_id = ?1 AND last_number = ?2";

// Facts that come without samples count only while nothing newer is stored.
const UPDATE_FACTS: &str = "UPDATE host_states SET platform = ?2, platform_version = ?3, kernel = ?4, arch = ?5, \
     virtualization = ?6, cpu_models_json = ?7, gpu_models_json = ?8, mem_total_bytes = ?9, swap_total_bytes = ?10, \
     disk_total_bytes = ?11, booted_at_s = ?12, addresses_fixed = ?13, \
     ipv4 = COALESCE(?14, CASE addresses_fixed WHEN 1 THEN '' ELSE ipv4 END), \
     ipv6 = COALESCE(?15, CASE addresses_fixed WHEN 1 THEN '' ELSE ipv6 END) \
     WHERE host_id = ?1 AND last_number = ?16";

const LIST_BLOCKS: &str = "SELECT data FROM blocks WHERE host_id = ?1 AND tier = ?2 ORDER BY block_no";

/// How far a host's reports are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which host.
    pub id: HostId,
    /// SHA-256 of its secret.
    pub secret_hash: String,
    /// All samples up to this number are stored.
    pub last_number: u64,
    /// The newest block written.
    pub block_no: u64,
}

/// What a report leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Which host.
    pub host_id: HostId,
    /// The progress that the writer saw; any other and nothing is written.
    pub seen_number: u64,
    /// The block's tier.
    pub tier: u8,
    /// The block's slot in its ring.
    pub slot: u64,
    /// The block's number.
    pub block_no: u64,
    /// The block.
    pub block: Vec<u8>,
    /// The first sample's time, ms.
    pub start_ms: i64,
    /// The newest sample of the report.
    pub newest: Sample,
    /// When it came, by our clock.
    pub received_at: UnixSeconds,
    /// Seconds between samples.
    pub period_s: u32,
    /// Seconds between reports.
    pub frame_s: u32,
    /// The agent's version.
    pub agent_version: String,
    /// Where the caller is, as two lower-case letters, where known.
    pub country_code: Option<String>,
    /// Where the report came from.
    pub seen_at: Addresses,
    /// What the host is, when the report says so.
    pub facts: Option<Facts>,
}

#[derive(Deserialize)]
struct ProgressRow {
    id: i64,
    secret_hash: String,
    last_number: u64,
    block_no: u64,
}

#[derive(Deserialize)]
struct BlockRow {
    data: String,
}

/// The progress of the host whose secret has this hash. Reads 2 rows.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn find_progress(db: &Db, secret_hash: &str) -> Result<Option<Progress>, StoreError> {
    let row: Option<ProgressRow> = db.run(Statement::new(FIND_PROGRESS, vec![secret_hash.into()])).await?.first()?;
    Ok(row.map(|row| Progress {
        id: HostId(row.id),
        secret_hash: row.secret_hash,
        last_number: row.last_number,
        block_no: row.block_no,
    }))
}

/// Stores a report: its block and the host's newest state, 2 rows written. False when the host's progress is not what
/// the writer saw; then nothing was written.
///
/// # Errors
/// [`StoreError::Backend`]; after a transient one it may be stored all the same, and trying again is harmless.
pub async fn insert(db: &Db, entry: Entry) -> Result<bool, StoreError> {
    let block = Statement::new(
        PUT_BLOCK,
        vec![
            entry.host_id.0.into(),
            u32::from(entry.tier).into(),
            entry.slot.into(),
            entry.seen_number.into(),
            entry.block_no.into(),
            entry.start_ms.into(),
            entry.newest.number.into(),
            STANDARD.encode(&entry.block).into(),
        ],
    );
    let outcomes = db.batch(vec![block, Statement::new(UPDATE_STATE, state_binds(entry)?)]).await?;
    Ok(outcomes.last().is_some_and(|outcome| outcome.changes > 0))
}

/// Stores what a host is when it comes without new samples: 1 row written, none when the host's progress has moved on.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn put_facts(db: &Db, progress: &Progress, facts: Facts) -> Result<(), StoreError> {
    let mut binds = vec![Bind::Int(progress.id.0)];
    let addresses = facts.addresses.clone();
    binds.extend(facts_binds(facts)?);
    binds.push(addresses.is_some().into());
    binds.push(addresses.as_ref().map(|one| one.v4.clone()).into());
    binds.push(addresses.map(|one| one.v6).into());
    binds.push(progress.last_number.into());
    db.run(Statement::new(UPDATE_FACTS, binds)).await.map(drop)
}

/// The blocks of a host's tier, oldest first.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses; [`StoreError::Corrupt`] for what is no base64.
pub async fn list_blocks(db: &Db, host_id: HostId, tier: u8) -> Result<Vec<Vec<u8>>, StoreError> {
    let binds = vec![host_id.0.into(), u32::from(tier).into()];
    let rows: Vec<BlockRow> = db.run(Statement::new(LIST_BLOCKS, binds)).await?.rows()?;
    let decode = |row: BlockRow| STANDARD.decode(row.data).map_err(|error| StoreError::Corrupt(error.to_string()));
    rows.into_iter().map(decode).collect()
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn facts_binds(facts: Facts) -> Result<[Bind; 11], StoreError> {
    Ok([
        facts.platform.into(),
        facts.platform_version.into(),
        facts.kernel.into(),
        facts.arch.into(),
        facts.virtualization.into(),
        json(&facts.cpu)?.into(),
        json(&facts.gpu)?.into(),
        facts.mem_total_bytes.into(),
        facts.swap_total_bytes.into(),
        facts.disk_total_bytes.into(),
        Bind::Int(facts.booted_at.0),
    ])
}

fn state_binds(entry: Entry) -> Result<Vec<Bind>, StoreError> {
    let some = |text: String| (!text.is_empty()).then_some(text);
    let sample = entry.newest;
    let sensors: Vec<StoredSensor> =
        sample.temperatures.into_iter().map(|sensor| (sensor.name, sensor.celsius)).collect();
    let mut binds: Vec<Bind> = vec![
        entry.host_id.0.into(),
        entry.seen_number.into(),
        sample.number.into(),
        entry.block_no.into(),
        entry.received_at.0.into(),
        entry.period_s.into(),
        entry.agent_version.into(),
        entry.country_code.into(),
    ];
    let fixed = entry.facts.as_ref().map(|facts| facts.addresses.clone());
    binds.push(fixed.as_ref().map(Option::is_some).into());
    let fixed = fixed.flatten();
    binds.push(fixed.as_ref().map(|addresses| addresses.v4.clone()).into());
    binds.push(fixed.map(|addresses| addresses.v6).into());
    binds.push(some(entry.seen_at.v4).into());
    binds.push(some(entry.seen_at.v6).into());
    match entry.facts {
        None => binds.extend(std::iter::repeat_n(Bind::Null, 11)),
        Some(facts) => binds.extend(facts_binds(facts)?),
    }
    binds.extend([
        Bind::Int(sample.at.0),
        sample.cpu_percent.into(),
        sample.mem_used_bytes.into(),
        sample.swap_used_bytes.into(),
        sample.disk_used_bytes.into(),
        sample.net_in_bytes.into(),
        sample.net_out_bytes.into(),
        sample.net_in_bytes_per_s.into(),
        sample.net_out_bytes_per_s.into(),
        sample.uptime_s.into(),
        sample.load1.into(),
        sample.load5.into(),
        sample.load15.into(),
        sample.tcp_connections.into(),
        sample.udp_connections.into(),
        sample.processes.into(),
        sample.gpu_percent.into(),
        json(&sensors)?.into(),
        entry.frame_s.into(),
    ]);
    Ok(binds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::hosts;
    use edgewatch_core::model::{Presence, Temperature};
    use edgewatch_core::units::UnixMillis;

    fn entry(seen_number: u64, last_number: u64, block_no: u64) -> Entry {
        Entry {
            host_id: HostId(1),
            seen_number,
            tier: 0,
            slot: block_no % 4,
            block_no,
            block: vec![u8::try_from(last_number).unwrap()],
            start_ms: 1_795_361_190_000,
            newest: Sample {
                number: last_number,
                at: UnixMillis(1_795_361_190_000),
                cpu_percent: Some(17.33),
                mem_used_bytes: Some((1 << 53) - 1),
                temperatures: vec![Temperature { name: "cpu".to_owned(), celsius: 41.5 }],
                ..Sample::default()
            },
            received_at: UnixSeconds(1_795_361_191),
            period_s: 10,
            frame_s: 10,
            agent_version: "0.1.0".to_owned(),
            country_code: None,
            seen_at: Addresses::from_reported("198.51.100.7"),
            facts: None,
        }
    }

    fn database() -> Db {
        let db = Db::in_memory().unwrap();
        now(db.batch(hosts::insert(hosts::tests::new_host("alpha", "")))).unwrap();
        db
    }

    fn stored(db: &Db) -> Vec<u8> {
        now(list_blocks(db, HostId(1), 0)).unwrap().concat()
    }

    #[test]
    fn a_report_is_one_block_and_the_newest_state() {
        let db = database();
        let facts = Facts { platform: "debian".to_owned(), cpu: vec!["a \"b\"".to_owned()], ..Facts::default() };
        assert!(now(insert(&db, Entry { facts: Some(facts.clone()), ..entry(0, 3, 1) })).unwrap());
        let host = now(hosts::list_all(&db)).unwrap().remove(0);
        assert_eq!(host.newest, Some(entry(0, 3, 1).newest));
        assert_eq!(host.facts, Some(facts));
        assert_eq!((host.presence, host.last_seen), (Presence::Online, Some(UnixSeconds(1_795_361_191))));
        assert_eq!(host.addresses.v4, "198.51.100.7");
        assert_eq!(stored(&db), [3]);
        assert_eq!(
            now(find_progress(&db, "hash-alpha")).unwrap().map(|one| (one.last_number, one.block_no)),
            Some((3, 1))
        );
    }

    #[test]
    fn a_repeated_or_late_write_changes_nothing() {
        let db = database();
        assert!(now(insert(&db, entry(0, 3, 1))).unwrap());
        assert!(!now(insert(&db, entry(0, 3, 1))).unwrap(), "the reply was lost after the commit, and it comes again");
        assert!(now(insert(&db, entry(3, 5, 2))).unwrap());
        // A writer that saw progress 0 wakes up with a longer report for block 1: its end is stored in block 2 already.
        assert!(!now(insert(&db, entry(0, 5, 1))).unwrap());
        assert_eq!(stored(&db), [3, 5]);
    }

    #[test]
    fn a_full_ring_gives_up_its_oldest_block() {
        let db = database();
        for number in 1..=6u64 {
            assert!(now(insert(&db, entry(number - 1, number, number))).unwrap());
        }
        assert_eq!(stored(&db), [3, 4, 5, 6]);
    }

    #[test]
    fn facts_and_the_other_family_stay_when_a_report_is_silent_about_them() {
        let db = database();
        let facts = Facts { platform: "debian".to_owned(), ..Facts::default() };
        now(insert(&db, Entry { facts: Some(facts), ..entry(0, 1, 1) })).unwrap();
        let v6 = Addresses::from_reported("2001:db8::7");
        now(insert(&db, Entry { seen_at: v6, country_code: Some("de".to_owned()), ..entry(1, 2, 2) })).unwrap();
        let host = now(hosts::list_all(&db)).unwrap().remove(0);
        assert_eq!((host.addresses.v4.as_str(), host.addresses.v6.as_str()), ("198.51.100.7", "2001:db8::7"));
        assert_eq!(host.facts.map(|facts| facts.platform).as_deref(), Some("debian"));
        assert_eq!(host.country_code, "de");
    }

    #[test]
    fn addresses_that_the_administrator_set_outlive_reports_from_elsewhere() {
        let db = database();
        let set = Some(Addresses::from_reported("203.0.113.9/2001:db8::9"));
        let facts = Facts { platform: "debian".to_owned(), addresses: set, ..Facts::default() };
        now(insert(&db, Entry { facts: Some(facts), ..entry(0, 1, 1) })).unwrap();
        now(insert(&db, entry(1, 2, 2))).unwrap();
        let host = now(hosts::list_all(&db)).unwrap().remove(0);
        assert_eq!((host.addresses.v4.as_str(), host.addresses.v6.as_str()), ("203.0.113.9", "2001:db8::9"));
        let unset = Facts { platform: "debian".to_owned(), ..Facts::default() };
        now(insert(&db, Entry { facts: Some(unset), ..entry(2, 3, 3) })).unwrap();
        let host = now(hosts::list_all(&db)).unwrap().remove(0);
        assert_eq!((host.addresses.v4.as_str(), host.addresses.v6.as_str()), ("198.51.100.7", ""), "taken back");
    }

    #[test]
    fn facts_alone_say_what_a_host_is_and_not_that_it_is_up() {
        let db = database();
        let facts = Facts { platform: "debian".to_owned(), mem_total_bytes: 7, ..Facts::default() };
        let progress = now(find_progress(&db, "hash-alpha")).unwrap().unwrap();
        now(put_facts(&db, &progress, facts.clone())).unwrap();
        let host = now(hosts::list_all(&db)).unwrap().remove(0);
        assert_eq!((host.facts, host.last_seen, host.presence), (Some(facts.clone()), None, Presence::Never));
        now(insert(&db, entry(0, 1, 1))).unwrap();
        let late = Facts { platform: "old".to_owned(), ..facts.clone() };
        now(put_facts(&db, &progress, late)).unwrap();
        assert_eq!(now(hosts::list_all(&db)).unwrap().remove(0).facts, Some(facts), "a late one changes nothing");
    }

    #[test]
    fn a_failing_state_takes_the_block_with_it() {
        let db = database();
        let absurd = Sample { number: 3, mem_used_bytes: Some(1 << 60), ..Sample::default() };
        assert!(now(insert(&db, Entry { newest: absurd, ..entry(0, 3, 1) })).is_err());
        assert_eq!(stored(&db), Vec::<u8>::new());
    }
}
