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

/// A digest of one host in the feed.
fn fed(id: i64, hidden: bool, display_index: i64, online: bool, seen_s: Option<i64>) -> Digest {
    let feed = json!({ "piece": { "ID": id }, "display_index": display_index, "online": online, "seen_s": seen_s });
    let host = json!({ "id": id, "hidden": hidden, "piece": {}, "feed": feed });
    serde_json::from_value(json!({ "shard": id % 2, "now_ms": 5, "hosts": [host] })).unwrap()
}

#[test]
fn the_feed_is_in_order_hides_the_hidden_and_says_who_is_up() {
    let now_s = NOW_MS / 1000;
    let mut fleet = Fleet::default();
    fleet.take(fed(1, false, 0, true, Some(now_s - 19)));
    fleet.take(fed(2, true, 5, false, Some(now_s - 19)));
    fleet.take(fed(3, false, 5, false, None));
    let servers = |fleet: &Fleet, sees_hidden| -> Vec<(i64, String)> {
        let text: Value = serde_json::from_str(&fleet.feed(sees_hidden, UnixMillis(NOW_MS))).unwrap();
        let one = |server: &Value| (server["ID"].as_i64().unwrap(), server["LastActive"].as_str().unwrap().to_owned());
        text["servers"].as_array().into_iter().flatten().map(one).collect()
    };
    let at = |seconds: i64| UnixSeconds(seconds).rfc3339();
    let never = "0001-01-01T00:00:00Z".to_owned();
    assert_eq!(servers(&fleet, true), [(2, at(now_s - 19)), (3, never.clone()), (1, at(now_s - 5))]);
    assert_eq!(servers(&fleet, false), [(3, never), (1, at(now_s - 5))]);
    assert_eq!((fleet.first_in_feed(2), fleet.has_feed()), (vec![2, 3], true));
    fleet.miss(1);
    assert_eq!(servers(&fleet, false)[1], (1, at(now_s - 19)), "of a shard that does not answer nothing is made up");
    fleet.take(digest(1, 6, &[(1, false)], &[]));
    assert!(fleet.has_feed(), "what was known of it stays");
    fleet.take(digest(1, 6, &[(9, false)], &[]));
    assert!(!fleet.has_feed());
}
