//! Notification groups, and how alerts are put together. Source: mackerel specification, 10.

use serde_json::{Value, json};

use super::{Mackerel, audited};

fn webhook(mackerel: &Mackerel, name: &str) -> String {
    let wanted = json!({ "type": "webhook", "name": name, "url": "https://example.com/hook" });
    mackerel.done("POST", "/channels", &wanted)["id"].as_str().expect("an id").to_owned()
}

fn groups(mackerel: &Mackerel) -> Value {
    mackerel.get("/notification-groups")["notificationGroups"].clone()
}

#[test]
fn there_is_one_default_group_with_the_default_channels_until_it_names_others() {
    let mackerel = Mackerel::start();
    let first = groups(&mackerel);
    let id = first[0]["id"].as_str().expect("an id").to_owned();
    let default = json!({
        "id": id, "type": "group-default", "name": "Default", "notificationLevel": "all",
        "childNotificationGroupIds": [], "childChannelIds": [], "monitors": [], "services": []
    });
    assert_eq!(first, json!([default]));
    let (one, two) = (webhook(&mackerel, "one"), webhook(&mackerel, "two"));
    let elsewhere =
        json!({ "name": "e", "kind": "webhook", "group": "night", "config": { "url": "https://example.com/" } });
    let header = [("Authorization", mackerel.worker.token.as_str())];
    let made = mackerel.worker.post("/api/edgewatch/v1/channels", &header, &elsewhere.to_string());
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(groups(&mackerel)[0]["childChannelIds"], json!([one, two]));
    let path = format!("/notification-groups/{id}");
    let mut named = default.clone();
    named["childChannelIds"] = json!([two]);
    assert_eq!(mackerel.done("PUT", &path, &named), named);
    assert_eq!(groups(&mackerel), json!([named]));
    mackerel.refused(400, ("DELETE", &path), "");
    mackerel.done("DELETE", &format!("/channels/{two}"), &Value::Null);
    assert_eq!(groups(&mackerel)[0]["childChannelIds"], json!([]), "a channel that is no more is in no group");
}

#[test]
fn groups_are_made_changed_and_deleted_with_all_that_they_name() {
    let mackerel = Mackerel::start();
    let channel = webhook(&mackerel, "one");
    mackerel.done("POST", "/services", &json!({ "name": "Shop" }));
    let child = mackerel.done("POST", "/notification-groups", &json!({ "name": "child" }));
    let expected = json!({
        "id": child["id"], "type": "group", "name": "child", "notificationLevel": "all",
        "childNotificationGroupIds": [], "childChannelIds": [], "monitors": [], "services": []
    });
    assert_eq!(child, expected);
    let full = json!({
        "name": "parent", "notificationLevel": "critical", "childNotificationGroupIds": [child["id"]], "childChannelIds": [channel],
        "monitors": [{ "id": "2cSZzK3XfmG", "skipDefault": true }], "services": [{ "name": "Shop", "skipDefault": false }]
    });
    let parent = mackerel.done("POST", "/notification-groups", &full);
    let path = format!("/notification-groups/{}", parent["id"].as_str().expect("an id"));
    let mut expected = full.clone();
    (expected["id"], expected["type"]) = (parent["id"].clone(), json!("group"));
    assert_eq!((&parent, &groups(&mackerel)[2]), (&expected, &expected));
    assert_eq!(mackerel.done("PUT", &path, &parent), expected, "what was answered may be sent back");
    let odd = r#"{"name":"parent","notificationLevel":null,"childNotificationGroupIds":null,"childChannelIds":null,"monitors":null,"services":null}"#;
    assert_eq!(mackerel.call("PUT", &path, odd).at("/notificationLevel"), json!("all"));
    mackerel.done("PUT", &path, &parent);

    // What is no more is named no more.
    mackerel.done("DELETE", "/services/Shop", &Value::Null);
    mackerel.done("DELETE", &format!("/notification-groups/{}", child["id"].as_str().expect("an id")), &Value::Null);
    mackerel.done("DELETE", &format!("/channels/{channel}"), &Value::Null);
    let left = mackerel.done("DELETE", &path, &Value::Null);
    let lists = ["childNotificationGroupIds", "childChannelIds", "services"].map(|key| left[key].clone());
    assert_eq!(lists, [json!([]), json!([]), json!([])]);
    mackerel.refused(404, ("DELETE", &path), "");
    let actions = ["notification_group.create", "notification_group.update", "notification_group.delete"];
    assert_eq!(actions.map(|action| audited(&mackerel.worker, action)), [2, 3, 2]);
}

#[test]
fn a_group_names_nothing_that_is_not_there() {
    let mackerel = Mackerel::start();
    let made = mackerel.done("POST", "/notification-groups", &json!({ "name": "n" }));
    let id = made["id"].as_str().expect("an id");
    let path = format!("/notification-groups/{id}");
    for bad in [
        json!({}),
        json!([]),
        json!({ "name": "" }),
        json!({ "name": "n", "notificationLevel": "loud" }),
        json!({ "name": "n", "childNotificationGroupIds": ["11111111119"] }),
        json!({ "name": "n", "childChannelIds": ["11111111119"] }),
        json!({ "name": "n", "monitors": [{ "id": "" }] }),
        json!({ "name": "n", "monitors": ["a"] }),
        json!({ "name": "n", "services": [{ "name": "Nope" }] }),
    ] {
        mackerel.refused(400, ("POST", "/notification-groups"), &bad.to_string());
        mackerel.refused(400, ("PUT", &path), &bad.to_string());
    }
    let itself = json!({ "name": "n", "childNotificationGroupIds": [id] });
    mackerel.refused(400, ("PUT", &path), &itself.to_string());
    assert_eq!(groups(&mackerel).as_array().map(Vec::len), Some(2));
}

#[test]
fn a_group_costs_its_row_and_its_audit() {
    let mackerel = Mackerel::start();
    mackerel.done("POST", "/notification-groups", &json!({ "name": "first" }));
    assert_eq!(mackerel.price("POST", "/notification-groups", &json!({ "name": "n" })), 3);
    let id = groups(&mackerel)[2]["id"].as_str().expect("an id").to_owned();
    let path = format!("/notification-groups/{id}");
    assert_eq!(mackerel.price("PUT", &path, &json!({ "name": "m" })), 2);
    assert_eq!(mackerel.price("DELETE", &path, &Value::Null), 2);
}

#[test]
fn alert_group_settings_are_kept() {
    let mackerel = Mackerel::start();
    assert_eq!(mackerel.call("GET", "/alert-group-settings", "").body, r#"{"alertGroupSettings":[]}"#);
    mackerel.make(&json!({ "name": "a", "meta": {}, "roleFullnames": ["Shop:web"] }));
    let full = json!({
        "name": "s", "memo": "m", "serviceScopes": ["Shop"], "roleScopes": ["Shop:web"], "monitorScopes": ["2cSZzK3XfmG"],
        "notificationInterval": 60
    });
    let made = mackerel.done("POST", "/alert-group-settings?", &full);
    let id = made["id"].as_str().expect("an id").to_owned();
    let path = format!("/alert-group-settings/{id}");
    let mut expected = full.clone();
    expected["id"] = json!(id);
    assert_eq!((&made, &mackerel.get(&path)), (&expected, &expected));
    let odd = r#"{"name":"t","memo":null,"serviceScopes":null,"roleScopes":null,"monitorScopes":null,"notificationInterval":null}"#;
    let changed = mackerel.call("PUT", &path, odd);
    let bare = json!({ "id": id, "name": "t", "memo": "", "serviceScopes": [], "roleScopes": [], "monitorScopes": [] });
    assert_eq!((changed.status, changed.json()), (200, bare.clone()));
    assert_eq!(mackerel.get("/alert-group-settings"), json!({ "alertGroupSettings": [bare] }));
    for bad in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": "s", "notificationInterval": 5 }),
        json!({ "name": "s", "serviceScopes": ["Nope"] }),
        json!({ "name": "s", "roleScopes": ["Shop:nope"] }),
    ] {
        mackerel.refused(400, ("POST", "/alert-group-settings"), &bad.to_string());
        mackerel.refused(400, ("PUT", &path), &bad.to_string());
    }
    assert_eq!(mackerel.price("PUT", &path, &full), 2);
    assert_eq!(mackerel.done("DELETE", &path, &Value::Null), expected);
    mackerel.refused(404, ("GET", &path), "");
    let actions = ["alert_group_setting.create", "alert_group_setting.update", "alert_group_setting.delete"];
    assert_eq!(actions.map(|action| audited(&mackerel.worker, action)), [1, 2, 1]);
}
