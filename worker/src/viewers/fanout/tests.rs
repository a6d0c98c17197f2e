use super::*;
use serde_json::{Value, json};

const NOW_MS: i64 = 1_795_361_190_000;

fn digest(shard: u32, at_ms: i64, hosts: &[(i64, bool)], gone: &[i64]) -> Digest {
    let hosts: Vec<Value> = hosts
        .iter()
        .map(|(id, hidden)| json!({ "id": id, "hidden": hidden, "piece": { "id": id, "at": at_ms } }))
        .collect();
    let digest = json!({ "shard": shard, "now_ms": at_ms, "hosts": hosts, "gone": gone });
    serde_json::from_str(&digest.to_string()).unwrap()
}

fn ids(text: &str) -> Vec<i64> {
    let value: Value = serde_json::from_str(text).unwrap();
    value["hosts"].as_array().unwrap().iter().map(|host| host["id"].as_i64().unwrap()).collect()
}

fn gone(text: &str) -> Vec<i64> {
    let value: Value = serde_json::from_str(text).unwrap();
    value["gone"].as_array().unwrap().iter().filter_map(Value::as_i64).collect()
}

fn delta(fleet: &Fleet, changes: &Changes, sees_hidden: bool) -> Option<String> {
    fleet.delta(changes, sees_hidden, NOW_MS).unwrap()
}

#[test]
fn hidden_hosts_are_for_those_who_may_see_them() {
    let mut fleet = Fleet::default();
    let changes = fleet.take_all(digest(0, 1, &[(1, false), (2, true), (3, false)], &[]));
    assert!(fleet.is_loaded(1) && !fleet.is_loaded(2));
    assert_eq!(ids(&fleet.snapshot(true, NOW_MS).unwrap()), [1, 2, 3]);
    let guest = fleet.snapshot(false, NOW_MS).unwrap();
    assert_eq!(ids(&guest), [1, 3]);
    assert_eq!(ids(&delta(&fleet, &changes, false).unwrap()), [1, 3]);

    let changes = fleet.take(digest(0, 2, &[(2, true)], &[]));
    assert_eq!(ids(&delta(&fleet, &changes, true).unwrap()), [2]);
    assert_eq!(delta(&fleet, &changes, false), None, "not even an empty message tells that something happened");

    let changes = fleet.take(digest(0, 3, &[], &[2]));
    assert_eq!(gone(&delta(&fleet, &changes, true).unwrap()), [2]);
    assert_eq!(delta(&fleet, &changes, false), None);

    let changes = fleet.take(digest(0, 3, &[], &[77]));
    assert_eq!(delta(&fleet, &changes, false), None, "nobody knows whether 77 was hidden");
}

#[test]
fn a_host_that_is_hidden_from_now_on_leaves_the_guests() {
    let mut fleet = Fleet::default();
    fleet.take_all(digest(0, 1, &[(1, false)], &[]));
    let changes = fleet.take(digest(0, 2, &[(1, true)], &[]));
    let (member, guest) = (delta(&fleet, &changes, true).unwrap(), delta(&fleet, &changes, false).unwrap());
    assert_eq!((ids(&member), gone(&member)), (vec![1], vec![]));
    assert_eq!((ids(&guest), gone(&guest)), (vec![], vec![1]));
    let changes = fleet.take(digest(0, 3, &[(1, false)], &[]));
    assert_eq!(ids(&delta(&fleet, &changes, false).unwrap()), [1], "and comes back with all of its piece");
}

#[test]
fn an_answer_that_is_overtaken_changes_nothing_back() {
    let mut fleet = Fleet::default();
    fleet.take(digest(0, 10, &[(1, false), (5, false)], &[]));
    fleet.take(digest(0, 11, &[], &[3]));
    let changes = fleet.take_all(digest(0, 9, &[(1, false), (2, false), (3, false)], &[]));
    assert_eq!(ids(&delta(&fleet, &changes, true).unwrap()), [2], "1 is newer here, 3 has died since");
    let snapshot = fleet.snapshot(true, NOW_MS).unwrap();
    assert_eq!(ids(&snapshot), [1, 2, 5], "5 came after the answer was made");
    assert!(snapshot.contains(r#"{"at":10,"id":1}"#), "{snapshot}");
}

#[test]
fn hosts_missing_in_an_answer_are_gone_and_those_of_other_shards_are_not() {
    let mut fleet = Fleet::default();
    fleet.take_all(digest(0, 1, &[(1, false), (2, true)], &[]));
    fleet.take_all(digest(1, 1, &[(3, false)], &[]));
    let changes = fleet.take_all(digest(0, 2, &[], &[]));
    assert_eq!(gone(&delta(&fleet, &changes, true).unwrap()), [1, 2]);
    assert_eq!(gone(&delta(&fleet, &changes, false).unwrap()), [1]);
    assert_eq!(ids(&fleet.snapshot(true, NOW_MS).unwrap()), [3]);
}

#[test]
fn a_grave_is_forgotten_after_a_minute() {
    let mut fleet = Fleet::default();
    fleet.take(digest(0, 1, &[(1, false)], &[]));
    fleet.take(digest(0, 2, &[], &[1]));
    assert_eq!(fleet.graves.len(), 1);
    fleet.take(digest(0, 60_002, &[(1, false)], &[]));
    assert!(fleet.graves.is_empty());
    assert_eq!(ids(&fleet.snapshot(true, NOW_MS).unwrap()), [1]);
}

#[test]
fn banners_are_joined_and_told_when_they_change() {
    let mut fleet = Fleet::default();
    let banner = |text: &str| Digest { banner: Some(text.to_owned()), ..digest(0, 1, &[], &[]) };
    let changes = fleet.take(banner("Slowed down."));
    let text = delta(&fleet, &changes, false).unwrap();
    assert!(text.ends_with(r#""banner":"Slowed down."}"#), "{text}");
    assert_eq!(fleet.take(banner("Slowed down.")), Changes::default());

    assert!(fleet.miss(1).banner && !fleet.miss(1).banner);
    let text = fleet.snapshot(false, NOW_MS).unwrap();
    assert!(text.contains(&format!("\"banner\":\"{UNREACHABLE} Slowed down.\"")), "{text}");
    assert!(fleet.take(digest(1, 2, &[], &[])).banner, "it answered");
    let changes = fleet.take(banner(""));
    assert!(delta(&fleet, &changes, true).unwrap().ends_with(r#""banner":null}"#));
}

#[test]
fn a_thousand_hosts_are_one_text() {
    let mut fleet = Fleet::default();
    let hosts: Vec<(i64, bool)> = (1..=1000).map(|id| (id, id % 10 == 0)).collect();
    fleet.take_all(digest(0, 1, &hosts, &[]));
    assert_eq!(ids(&fleet.snapshot(true, NOW_MS).unwrap()).len(), 1000);
    assert_eq!(ids(&fleet.snapshot(false, NOW_MS).unwrap()).len(), 900);
}
