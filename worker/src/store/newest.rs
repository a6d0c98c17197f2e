//! Table `host_states`: the newest state of many hosts at once, as the hub has it. What readers get when the hub does not answer.

use std::sync::Arc;

use edgewatch_core::model::{Host, Machine, Presence};
use serde_json::{Value, json};

use super::machine::machine_json;
use super::{Bind, Statement, StoreError};

// ?1 is a JSON list of lists, one per host, in the order of the columns below. Numbers of samples never go back, so a late write of
// an object that was replaced changes nothing.
const PUT: &str = "UPDATE host_states SET last_number = j.value->>1, presence = j.value->>2, last_seen_s = j.value->>3, \
     period_s = j.value->>4, frame_s = j.value->>5, ipv4 = j.value->>6, ipv6 = j.value->>7, addresses_fixed = j.value->>8, \
     country_code = j.value->>9, agent_version = j.value->>10, platform = j.value->>11, platform_version = j.value->>12, \
     kernel = j.value->>13, arch = j.value->>14, virtualization = j.value->>15, cpu_models_json = j.value->>16, \
     gpu_models_json = j.value->>17, mem_total_bytes = j.value->>18, swap_total_bytes = j.value->>19, \
     disk_total_bytes = j.value->>20, booted_at_s = j.value->>21, sampled_at_ms = j.value->>22, cpu_percent = j.value->>23, \
     mem_used_bytes = j.value->>24, swap_used_bytes = j.value->>25, disk_used_bytes = j.value->>26, net_in_bytes = j.value->>27, \
     net_out_bytes = j.value->>28, net_in_bytes_per_s = j.value->>29, net_out_bytes_per_s = j.value->>30, \
     uptime_s = j.value->>31, load1 = j.value->>32, load5 = j.value->>33, load15 = j.value->>34, \
     tcp_connections = j.value->>35, udp_connections = j.value->>36, processes = j.value->>37, gpu_percent = j.value->>38, \
     temperatures_json = j.value->>39, machine_json = coalesce(j.value->>40, machine_json) \
     FROM json_each(?1) j WHERE host_states.host_id = j.value->>0 AND host_states.last_number <= j.value->>1";

/// The most text one statement carries; D1 refuses a value over 2 MB. Source: platform specification, 1.2.
const MAX_STATEMENT_BYTES: usize = 1_500_000;

/// The newest state of a host.
#[derive(Debug, Clone, PartialEq)]
pub struct Newest {
    /// The host.
    pub host: Host,
    /// Whether its administrator set its addresses.
    pub addresses_fixed: bool,
    /// Samples up to this number are stored for good.
    pub last_number: u64,
    /// Seconds between its samples and between its reports.
    pub pace: (u32, u32),
    /// What it is made of, where the database does not have that yet.
    pub machine: Option<Arc<Machine>>,
}

/// The statements that store the newest state of these hosts: 1 row written and about 2 read for each. Each statement may run alone.
///
/// # Errors
/// [`StoreError::Corrupt`] when a state cannot be written as JSON.
pub fn put(states: &[Newest]) -> Result<Vec<Statement>, StoreError> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
    let mut statements = Vec::new();
    let mut list = String::new();
    for state in states {
        let text = serde_json::to_string(&columns(state)?).map_err(corrupt)?;
        if !list.is_empty() && list.len() + text.len() + 2 > MAX_STATEMENT_BYTES {
            statements.push(statement(std::mem::take(&mut list)));
        }
        list.push(if list.is_empty() { '[' } else { ',' });
        list.push_str(&text);
    }
    if !list.is_empty() {
        statements.push(statement(list));
    }
    Ok(statements)
}

fn statement(mut list: String) -> Statement {
    list.push(']');
    Statement::new(PUT, vec![Bind::Text(list)])
}

fn columns(state: &Newest) -> Result<Value, StoreError> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
    let host = &state.host;
    let presence = match host.presence {
        Presence::Never => 0,
        Presence::Online => 1,
        Presence::Offline => 2,
    };
    let mut columns = vec![
        json!(host.id.0),
        json!(state.last_number),
        json!(presence),
        json!(host.last_seen.map(|at| at.0)),
        json!(state.pace.0),
        json!(state.pace.1),
        json!(host.addresses.v4),
        json!(host.addresses.v6),
        json!(u8::from(state.addresses_fixed)),
        json!(host.country_code),
        json!(host.agent_version),
    ];
    match &host.facts {
        None => columns.extend(std::iter::repeat_n(Value::Null, 11)),
        Some(facts) => columns.extend([
            json!(facts.platform),
            json!(facts.platform_version),
            json!(facts.kernel),
            json!(facts.arch),
            json!(facts.virtualization),
            json!(serde_json::to_string(&facts.cpu).map_err(corrupt)?),
            json!(serde_json::to_string(&facts.gpu).map_err(corrupt)?),
            json!(facts.mem_total_bytes),
            json!(facts.swap_total_bytes),
            json!(facts.disk_total_bytes),
            json!(facts.booted_at.0),
        ]),
    }
    match &host.newest {
        None => columns.extend(std::iter::repeat_n(Value::Null, 18)),
        Some(sample) => {
            let sensors: Vec<(&str, f64)> =
                sample.temperatures.iter().map(|sensor| (sensor.name.as_str(), sensor.celsius)).collect();
            columns.extend([
                json!(sample.at.0),
                json!(sample.cpu_percent),
                json!(sample.mem_used_bytes),
                json!(sample.swap_used_bytes),
                json!(sample.disk_used_bytes),
                json!(sample.net_in_bytes),
                json!(sample.net_out_bytes),
                json!(sample.net_in_bytes_per_s),
                json!(sample.net_out_bytes_per_s),
                json!(sample.uptime_s),
                json!(sample.load1),
                json!(sample.load5),
                json!(sample.load15),
                json!(sample.tcp_connections),
                json!(sample.udp_connections),
                json!(sample.processes),
                json!(sample.gpu_percent),
                json!(serde_json::to_string(&sensors).map_err(corrupt)?),
            ]);
        }
    }
    columns.push(json!(state.machine.as_deref().map(machine_json).transpose()?));
    Ok(Value::Array(columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::machine::tests::a_machine;
    use crate::store::mackerel::listing;
    use crate::store::{Db, hosts};
    use edgewatch_core::model::{Addresses, Facts, HostId, Sample, Temperature};
    use edgewatch_core::units::{UnixMillis, UnixSeconds};

    fn state(db: &Db, last_number: u64) -> Newest {
        let mut host = now(hosts::list_all(db)).unwrap().remove(0);
        host.presence = Presence::Online;
        host.last_seen = Some(UnixSeconds(1_795_361_190));
        host.addresses = Addresses { v4: "192.0.2.1".to_owned(), v6: String::new() };
        host.country_code = "de".to_owned();
        host.agent_version = "0.1.0".to_owned();
        host.facts = Some(Facts { cpu: vec!["x".to_owned()], mem_total_bytes: 1 << 40, ..Facts::default() });
        host.newest = Some(Sample {
            number: last_number,
            at: UnixMillis(1_795_361_190_123),
            cpu_percent: Some(0.1 + 0.2),
            mem_used_bytes: Some(9_007_199_254_740_991),
            load1: Some(0.0),
            temperatures: vec![Temperature { name: "cpu".to_owned(), celsius: -0.5 }],
            ..Sample::default()
        });
        Newest { host, addresses_fixed: true, last_number, pace: (10, 60), machine: None }
    }

    #[test]
    fn what_is_put_is_what_is_listed() {
        let db = Db::in_memory().unwrap();
        now(db.batch(hosts::insert(hosts::tests::new_host("alpha", "eu")))).unwrap();
        let newest = state(&db, 9);
        now(db.batch(put(std::slice::from_ref(&newest)).unwrap())).unwrap();
        assert_eq!(now(hosts::list_all(&db)).unwrap(), std::slice::from_ref(&newest.host));
        let enrolled = now(hosts::list_enrolled(&db, Some(&[HostId(1)]))).unwrap().remove(0);
        assert_eq!((enrolled.addresses_fixed, enrolled.last_number), (true, 9));
        assert_eq!((enrolled.host, enrolled.secret_hash), (newest.host, "hash-alpha".to_owned()));
    }

    #[test]
    fn what_a_host_is_made_of_is_told_once_stays_and_is_read_by_who_asks_for_it() {
        let db = Db::in_memory().unwrap();
        now(db.batch(hosts::insert(hosts::tests::new_host("alpha", "eu")))).unwrap();
        let machine = Arc::new(a_machine());
        let first = Newest { machine: Some(Arc::clone(&machine)), ..state(&db, 9) };
        now(db.batch(put(&[first]).unwrap())).unwrap();
        let later = now(db.batch(put(&[state(&db, 10)]).unwrap())).unwrap();
        assert_eq!(later[0].changes, 1);
        let machine_of = |host: Host| host.facts.unwrap().machine;
        let enrolled = now(hosts::list_enrolled(&db, Some(&[HostId(1)]))).unwrap().remove(0);
        assert_eq!((enrolled.last_number, machine_of(enrolled.host)), (10, Some(Arc::clone(&machine))));
        let all = now(hosts::list_enrolled(&db, None)).unwrap().remove(0);
        assert_eq!(machine_of(all.host), Some(Arc::clone(&machine)));
        let detailed = now(listing::find(&db, None, "id-alpha")).unwrap().unwrap().detailed;
        assert_eq!(machine_of(detailed.host), Some(machine));
        assert_eq!(machine_of(now(hosts::list_all(&db)).unwrap().remove(0)), None, "lists for others are without");
        let nothing = Newest { machine: Some(Arc::new(Machine::default())), ..state(&db, 11) };
        now(db.batch(put(&[nothing]).unwrap())).unwrap();
        let detailed = now(listing::find(&db, None, "id-alpha")).unwrap().unwrap().detailed;
        assert_eq!(machine_of(detailed.host), None, "an agent that tells of it no more");
    }

    #[test]
    fn a_late_write_of_an_older_state_changes_nothing() {
        let db = Db::in_memory().unwrap();
        now(db.batch(hosts::insert(hosts::tests::new_host("alpha", "eu")))).unwrap();
        let (older, newer) = (state(&db, 8), state(&db, 9));
        now(db.batch(put(std::slice::from_ref(&newer)).unwrap())).unwrap();
        let late = now(db.batch(put(&[older]).unwrap())).unwrap();
        assert_eq!(late[0].changes, 0);
        assert_eq!(now(hosts::list_all(&db)).unwrap(), [newer.host]);
    }

    #[test]
    fn a_thousand_states_are_few_statements_and_none_too_large() {
        let db = Db::in_memory().unwrap();
        now(db.batch(hosts::insert(hosts::tests::new_host("alpha", "eu")))).unwrap();
        let one = state(&db, 9);
        let many: Vec<Newest> =
            (0..9_000).map(|id| Newest { host: Host { id: HostId(id), ..one.host.clone() }, ..one.clone() }).collect();
        let statements = put(&many).unwrap();
        assert!((2..6).contains(&statements.len()), "{}", statements.len());
        assert_eq!(put(&[]).unwrap(), []);
    }
}
