//! What the product of 4.2.1 does wrong and we must not, by number. Source: pulse specification, 22.

use edgewatch_harness::mail::{LOGIN, MailServer, Mood, Tls};
use edgewatch_harness::proxmox::{FakeProxmox, Product, lab};
use edgewatch_harness::receiver::{Answering, Receiver};
use edgewatch_harness::tls::Authority;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::export;
use super::fleet::{Fleet, by, column, keys, node_of, send};

const NODES: &str = "/api/config/nodes";

#[test]
fn defect_1_what_changes_in_the_configuration_is_seen_everywhere_at_once() {
    let mut fleet = Fleet::empty(
        "defect-1",
        FakeProxmox::start(Product::Pve, lab::pve()),
        FakeProxmox::start(Product::Pbs, lab::pbs()),
    );
    fleet.start_agent();
    // Nothing was restarted between these.
    fleet.configure();
    let connection = || fleet.get("/api/state")["connectionHealth"].clone();
    assert_eq!(keys(&connection()), ["lab", "pbs-backup1"]);
    fleet.whole();
    assert_eq!(column(&fleet.get(NODES), "status"), ["connected", "connected"]);
    assert!(fleet.get("/api/charts")["data"].get("lab-pve1-101").is_some());

    let renamed = send(&fleet.worker, "PUT", "/api/config/nodes/pve-0", &json!({"name": "other"}));
    assert_eq!(renamed.status, 200);
    let state = fleet.get("/api/state");
    assert_eq!(keys(&state["connectionHealth"]), ["other", "pbs-backup1"]);
    assert_eq!(column(&state["nodes"], "id"), ["other-pve1", "other-pve2"]);
    assert_eq!(column(&state["vms"], "instance"), ["other", "other"]);
    assert!(fleet.get("/api/charts")["data"].get("other-pve1-101").is_some());
    assert!(fleet.get("/api/storage/other-pve1-local")["data"].is_object());

    for kind in ["pve-0", "pbs-0"] {
        assert_eq!(send(&fleet.worker, "DELETE", &format!("{NODES}/{kind}"), &Value::Null).status, 200);
    }
    let state = fleet.get("/api/state");
    for list in ["nodes", "vms", "containers", "storage", "pbs", "pbsBackups"] {
        assert_eq!(state[list], json!([]), "{list}");
    }
    assert_eq!(state["connectionHealth"], json!({}));
    assert_eq!(fleet.get("/api/charts")["data"], json!({}));
    let backups = json!({"backupTasks": [], "storageBackups": [], "guestSnapshots": [], "pbsBackups": []});
    assert_eq!((fleet.get("/api/backups"), fleet.get("/api/storage")["data"].clone()), (backups, json!([])));
}

#[test]
fn defect_2_a_cluster_is_polled_at_the_host_that_is_configured() {
    let pve = FakeProxmox::start(Product::Pve, lab::pve());
    let away = FakeProxmox::start_beside(&pve, "127.0.0.2", Product::Pve, lab::pve());
    for fake in [&pve, &away] {
        fake.edit("/cluster/status", |list| {
            list[1]["ip"] = json!("127.0.0.2");
            list[2]["ip"] = json!("127.0.0.2");
        });
    }
    let mut fleet = Fleet::empty("defect-2", pve, FakeProxmox::start(Product::Pbs, lab::pbs()));
    fleet.configure();
    fleet.start_agent();
    fleet.whole();
    assert_eq!(by(&fleet.get(NODES), "id", "pve-0")["isCluster"], true);
    let polled = fleet.pve.requests().len();
    fleet.state("more polls", |_| fleet.pve.requests().len() > polled + 10);
    assert_eq!(away.requests(), Vec::<String>::new());
}

#[test]
fn defect_3_numbers_as_texts_lose_nothing_and_storages_say_what_they_are() {
    let fleet = Fleet::start("defect-3");
    let state = fleet.whole();
    assert_eq!(column(&state["containers"], "id"), ["lab-pve1-201", "lab-pve1-202"]);
    let told = |name: &str| {
        let storage = by(&state["storage"], "name", name);
        (storage["enabled"].clone(), storage["active"].clone())
    };
    assert_eq!(told("local"), (json!(true), json!(true)));
    assert_eq!(told("nas"), (json!(true), json!(true)), "where both are texts");
    assert_eq!(told("old"), (json!(false), json!(false)));
}

#[test]
fn defect_4_every_connection_of_an_address_counts() {
    let worker = Worker::start();
    // Each of these is a connection of its own, from another port.
    let statuses: Vec<u16> = (0..7).map(|_| worker.post("/api/config/export", &[], "{}").status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
}

#[test]
fn defect_5_a_test_mail_that_did_not_go_is_no_success() {
    let authority = Authority::new();
    let worker = Worker::builder().trust(&authority).start();
    let server = MailServer::start(&authority, Tls::Offered, "PLAIN");
    let config = json!({"enabled": true, "server": "localhost", "port": server.port(), "username": LOGIN.0, "password": LOGIN.1,
        "from": "pulse@example.com", "to": ["ops@example.com"], "tls": false, "startTLS": true});
    assert_eq!(send(&worker, "PUT", "/api/notifications/email", &config).status, 200);
    server.set_mood(Mood::Refuses("554 5.7.1 go away"));
    for (path, body) in
        [("/api/notifications/test", json!({"method": "email"})), ("/api/notifications/email/test", json!({}))]
    {
        let refused = send(&worker, "POST", path, &body);
        assert!(
            refused.status == 400 && refused.body.contains("554") && !refused.body.contains("success"),
            "{}",
            refused.body
        );
    }
}

#[test]
fn defect_6_an_import_without_thresholds_leaves_none_of_them_off() {
    let worker = Worker::start();
    let fresh = worker.get("/api/alerts/config").json();
    let schedule = &fresh["schedule"];
    assert_eq!(
        (&schedule["cooldown"], &schedule["groupingWindow"], &schedule["maxAlertsHour"]),
        (&json!(5), &json!(30), &json!(10))
    );
    assert_eq!((&schedule["quietHours"]["start"], &schedule["quietHours"]["end"]), (&json!("22:00"), &json!("08:00")));
    assert_eq!(schedule["quietHours"]["days"].as_object().map(serde_json::Map::len), Some(7));
    assert_eq!(schedule["escalation"]["levels"].as_array().map(Vec::len), Some(3));
    // What it exports says `enabled` and `overrides` of alerts, and nothing else.
    let body = json!({"data": export::KNOWN, "passphrase": export::WORDS});
    assert_eq!(send(&worker, "POST", "/api/config/import", &body).status, 200);
    let after = worker.get("/api/alerts/config").json();
    for key in ["guestDefaults", "nodeDefaults", "storageDefault", "schedule", "hysteresisMargin", "suppressionWindow"]
    {
        assert_eq!(after[key], fresh[key], "{key}");
    }
}

#[test]
fn defect_7_a_registration_that_makes_no_sense_costs_no_use_and_makes_no_node() {
    let worker = Worker::start();
    let token = send(&worker, "POST", "/api/tokens/generate", &json!({"maxUses": 1})).at("/token");
    let token = token.as_str().expect("a token");
    let register = |body: &Value| {
        let reply = worker.post("/api/auto-register", &[("X-Registration-Token", token)], &body.to_string());
        (reply.status, reply.json()["error"].as_str().unwrap_or_default().to_owned())
    };
    let whole = json!({"type": "pve", "host": "192.0.2.10", "tokenId": "a@pam!t", "tokenValue": "v"});
    for (key, value, words) in [
        ("type", "docker", "Invalid node type"),
        ("type", "", "Missing required fields"),
        ("host", "", "Missing required fields"),
        ("tokenValue", "", "Missing required fields"),
    ] {
        let mut body = whole.clone();
        body[key] = json!(value);
        assert_eq!(register(&body), (400, words.to_owned()), "{key} {value}");
    }
    assert_eq!(worker.get("/api/tokens/list").at("/0/usedCount"), json!(0));
    assert_eq!(register(&whole).0, 200);
    let all = worker.get(NODES).json();
    assert_eq!(
        (column(&all, "id"), column(&all, "name")),
        (vec!["pve-0"], vec!["192.0.2.10"]),
        "and none without a name"
    );
}

#[test]
fn defect_8_what_two_clusters_have_of_one_name_is_told_apart() {
    let other = FakeProxmox::start(Product::Pve, lab::pve());
    other.change(|answers| {
        answers.edit("/nodes/pve1/qemu/101/snapshot", |list| list[0]["name"] = json!("of-the-other"));
        answers.edit("/nodes/pve1/lxc/201/snapshot", |list| drop(list.as_array_mut().map(|all| all.remove(0))));
    });
    let fleet = Fleet::start("defect-8");
    assert_eq!(send(&fleet.worker, "POST", NODES, &node_of("pve", "far", &other)).status, 201);
    let state = fleet.state("both clusters", |state| {
        let count = |path: &str| state.pointer(path).and_then(Value::as_array).map_or(0, Vec::len);
        count("/pveBackups/guestSnapshots") == 3 && count("/pveBackups/storageBackups") == 4 && count("/storage") == 6
    });
    let mut snapshots = column(&state["pveBackups"]["guestSnapshots"], "id");
    snapshots.sort_unstable();
    assert_eq!(snapshots, ["far-pve1-101-of-the-other", "lab-pve1-101-before-upgrade", "lab-pve1-201-fresh"]);
    let mut storages = column(&state["storage"], "id");
    storages.sort_unstable();
    assert_eq!(
        storages,
        ["far-pve1-local", "far-pve1-old", "far-shared-nas", "lab-pve1-local", "lab-pve1-old", "shared-nas"]
    );
    let found = fleet.get("/api/storage/far-shared-nas");
    assert_eq!((&found["data"]["instance"], &found["data"]["name"]), (&json!("far"), &json!("nas")));
    let charts = fleet.get("/api/charts");
    assert!(charts["storageData"].get("far-shared-nas").is_some() && charts["storageData"].get("shared-nas").is_some());
}

#[test]
fn defect_9_an_update_that_is_refused_is_not_said_to_have_begun() {
    let feed = Receiver::start();
    feed.answer(Answering::body(200, "[]"));
    let worker = Worker::builder()
        .var("UPDATE_FEED_URL", &format!("{}/releases", feed.url()))
        .var("UPDATE_DEPLOY_HOOK_URL", &format!("{}/deploy", feed.url()))
        .start();
    let refused =
        send(&worker, "POST", "/api/updates/apply", &json!({"downloadUrl": "https://example.com/pulse.tar.gz"}));
    assert_eq!((refused.status, refused.at("/error")), (400, json!("Invalid download URL")));
    assert!(!refused.body.contains("started"));
    let status = worker.get("/api/updates/status").json();
    assert_eq!((&status["status"], status.get("error")), (&json!("idle"), None));
    assert!(feed.received().is_empty(), "nobody was asked to deploy it");
}

#[test]
fn defect_10_configuration_is_nobody_s_who_shows_no_token() {
    let worker = Worker::start();
    let mut open = Vec::new();
    for (method, path) in [
        ("GET", "/api/state"),
        ("GET", "/api/charts"),
        ("GET", "/api/storage-charts"),
        ("GET", "/api/storage/x"),
        ("GET", "/api/backups"),
        ("GET", "/api/snapshots"),
        ("GET", "/api/config"),
        ("GET", NODES),
        ("POST", NODES),
        ("PUT", "/api/config/nodes/pve-0"),
        ("DELETE", "/api/config/nodes/pve-0"),
        ("POST", "/api/config/nodes/test-connection"),
        ("POST", "/api/config/nodes/test-config"),
        ("POST", "/api/config/nodes/pve-0/test"),
        ("GET", "/api/config/system"),
        ("POST", "/api/config/system"),
        ("PUT", "/api/config/system"),
        ("POST", "/api/config/export"),
        ("POST", "/api/config/import"),
        ("GET", "/api/notifications/email"),
        ("PUT", "/api/notifications/email"),
        ("POST", "/api/notifications/email/test"),
        ("POST", "/api/notifications/test"),
        ("GET", "/api/notifications/webhooks"),
        ("POST", "/api/notifications/webhooks"),
        ("GET", "/api/notifications/thresholds"),
        ("POST", "/api/notifications/thresholds"),
        ("GET", "/api/alerts/config"),
        ("PUT", "/api/alerts/config"),
        ("GET", "/api/alerts/active"),
        ("GET", "/api/alerts/history"),
        ("DELETE", "/api/alerts/history"),
        ("POST", "/api/tokens/generate"),
        ("GET", "/api/tokens/list"),
        ("DELETE", "/api/tokens/revoke"),
        ("GET", "/api/updates/check"),
        ("POST", "/api/updates/apply"),
        ("GET", "/api/updates/status"),
        ("GET", "/api/diagnostics"),
        ("GET", "/api/settings"),
        ("POST", "/api/settings/update"),
        ("GET", "/api/discover"),
        ("POST", "/api/auto-register"),
    ] {
        let body = r#"{"type":"pve","host":"h","tokenId":"a@pam!t","tokenValue":"v"}"#;
        for headers in [[].as_slice(), &[("X-API-Token", "wrong")]] {
            let reply = worker.request(method, path, headers, if method == "GET" { "" } else { body });
            if reply.status != 401 {
                open.push((method, path, reply.status));
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(worker.get(NODES).json(), json!([]), "nothing was made");
}

#[test]
fn defect_11_a_container_may_have_one_and_a_half_processors() {
    let fleet = Fleet::start("defect-11");
    assert_eq!(fleet.whole()["containers"][0]["cpus"], json!(1.5));
}

#[test]
fn defect_12_who_has_an_old_list_in_hand_changes_no_other_node() {
    let worker = Worker::start();
    for name in ["one", "two", "three"] {
        let node = json!({"type": "pve", "name": name, "host": format!("{name}.example"), "tokenName": "a@pam!t", "tokenValue": "v"});
        assert_eq!(send(&worker, "POST", NODES, &node).status, 201);
    }
    assert_eq!(send(&worker, "DELETE", "/api/config/nodes/pve-0?name=one", &Value::Null).status, 200);
    // What was `pve-1` is `pve-0` now; who says whom they mean hears of it.
    for method in ["PUT", "DELETE"] {
        let refused = send(&worker, method, "/api/config/nodes/pve-1?name=two", &json!({"name": "wrong"}));
        assert_eq!(refused.status, 409, "{method} {}", refused.body);
    }
    assert_eq!(column(&worker.get(NODES).json(), "name"), ["two", "three"]);
    assert_eq!(send(&worker, "PUT", "/api/config/nodes/pve-0?name=two", &json!({"name": "second"})).status, 200);
    let all = worker.get(NODES).json();
    assert_eq!((column(&all, "id"), column(&all, "name")), (vec!["pve-0", "pve-1"], vec!["second", "three"]));
}
