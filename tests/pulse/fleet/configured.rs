//! Lines 6 to 8: nodes as they are configured, tried by a real agent, and polled as the setting says.

use std::time::{Duration, Instant};

use edgewatch_harness::http::Reply;
use edgewatch_harness::proxmox::{FakeProxmox, Fault, PASSWORD, Product, TOKEN_NAME, TOKEN_SECRET, USER, lab};
use edgewatch_harness::tls::Authority;
use edgewatch_harness::wait::wait_until;
use serde_json::{Value, json};

use super::{Fleet, PATIENCE, by, column, keys, node_of, send, take_recent};

fn listed(fleet: &Fleet) -> Value {
    let reply = fleet.worker.get("/api/config/nodes");
    assert!(!reply.body.contains(TOKEN_SECRET) && !reply.body.contains("pass word"), "{}", reply.body);
    reply.json()
}

#[test]
fn line_6_a_node_lives_from_its_making_to_its_end() {
    let fleet = Fleet::start("life");
    fleet.whole();
    let second = FakeProxmox::start(Product::Pve, lab::pve());
    second.change(|answers| answers.set("/cluster/status", json!([{"type": "node", "id": "node/pve1", "name": "pve1", "nodeid": 0, "ip": "192.0.2.30", "local": 1, "online": 1, "level": ""}])));
    second.edit("/nodes", |list| drop(list.as_array_mut().and_then(Vec::pop)));
    let mut other = node_of("pve", "alone", &second);
    other["monitorContainers"] = json!(false);
    let made = send(&fleet.worker, "POST", "/api/config/nodes", &other);
    assert_eq!((made.status, made.json()), (201, json!({"status": "success", "id": "pve-1"})));
    fleet.state("the second", |state| {
        state["connectionHealth"]["alone"] == true && state["nodes"].as_array().map(Vec::len) == Some(3)
    });

    let all = listed(&fleet);
    assert_eq!(column(&all, "id"), ["pve-0", "pve-1", "pbs-0"]);
    let mut first = all[0].clone();
    for endpoint in first["clusterEndpoints"].as_array_mut().into_iter().flatten() {
        let keys = keys(endpoint);
        assert_eq!(keys, ["Host", "IP", "LastSeen", "NodeID", "NodeName", "Online"]);
        endpoint.as_object_mut().expect("an endpoint").remove("LastSeen");
    }
    let expected = json!({
        "id": "pve-0", "type": "pve", "name": "lab", "host": fleet.pve.url(), "hasPassword": false, "tokenName": TOKEN_NAME,
        "hasToken": true, "verifySSL": false, "monitorVMs": true, "monitorContainers": true, "monitorStorage": true,
        "monitorBackups": true, "status": "connected", "isCluster": true, "clusterName": "lab-cluster",
        "clusterEndpoints": [
            {"NodeID": "node/pve1", "NodeName": "pve1", "Host": "pve1", "IP": "192.0.2.10", "Online": true},
            {"NodeID": "node/pve2", "NodeName": "pve2", "Host": "pve2", "IP": "192.0.2.11", "Online": false},
        ],
    });
    assert_eq!(first, expected);
    let expected = json!({
        "id": "pve-1", "type": "pve", "name": "alone", "host": second.url(), "hasPassword": false, "tokenName": TOKEN_NAME,
        "hasToken": true, "verifySSL": false, "monitorVMs": true, "monitorStorage": true, "monitorBackups": true, "status": "connected",
    });
    assert_eq!(all[1], expected);
    let expected = json!({
        "id": "pbs-0", "type": "pbs", "name": "backup1", "host": fleet.pbs.url(), "hasPassword": false, "tokenName": TOKEN_NAME,
        "hasToken": true, "verifySSL": false, "monitorDatastores": true, "monitorSyncJobs": true, "monitorVerifyJobs": true,
        "monitorPruneJobs": true, "status": "connected",
    });
    assert_eq!(all[2], expected);

    // A change keeps the secret: the node is polled under its new name, and can be tried.
    let changed = send(&fleet.worker, "PUT", "/api/config/nodes/pve-1", &json!({"name": "lone", "tokenValue": ""}));
    assert_eq!((changed.status, changed.json()), (200, json!({"status": "success"})));
    let state = fleet.state("the new name", |state| state["connectionHealth"]["lone"] == true);
    assert!(column(&state["nodes"], "id").contains(&"lone-pve1") && state["connectionHealth"].get("alone").is_none());
    let tried = send(&fleet.worker, "POST", "/api/config/nodes/pve-1/test", &Value::Null);
    assert_eq!(
        (tried.status, tried.at("/status"), tried.at("/message")),
        (200, json!("success"), json!("Connected to PVE cluster with 1 nodes"))
    );
    assert!(tried.at("/latency").as_u64().is_some_and(|latency| latency < 10_000), "{}", tried.body);
    let tried = send(&fleet.worker, "POST", "/api/config/nodes/pbs-0/test", &Value::Null);
    assert_eq!((tried.at("/status"), tried.at("/message")), (json!("success"), json!("Connected to PBS")));
    let unknown = send(&fleet.worker, "POST", "/api/config/nodes/pve-7/test", &Value::Null);
    assert_eq!((unknown.status, unknown.json()), (200, json!({"status": "error", "message": "Node not found"})));

    // Its end takes everything of it along, at once, and those behind it move up.
    let removed = send(&fleet.worker, "DELETE", "/api/config/nodes/pve-0", &Value::Null);
    assert_eq!((removed.status, removed.json()), (200, json!({"status": "success"})));
    let all = listed(&fleet);
    assert_eq!((column(&all, "id"), column(&all, "name")), (vec!["pve-0", "pbs-0"], vec!["lone", "backup1"]));
    let state = fleet.get("/api/state");
    assert_eq!(
        (keys(&state["connectionHealth"]), column(&state["nodes"], "id")),
        (vec!["lone", "pbs-backup1"], vec!["lone-pve1"])
    );
    for list in ["nodes", "vms", "containers", "storage"] {
        assert!(column(&state[list], "instance").iter().all(|instance| *instance == "lone"), "{list}");
    }
    let gone = send(&fleet.worker, "DELETE", "/api/config/nodes/pve-1", &Value::Null);
    assert_eq!((gone.status, gone.at("/error")), (404, json!("Node not found")));
}

#[test]
fn line_6_a_password_and_a_user_without_a_realm_are_taken_for_a_backup_server() {
    let mut fleet = Fleet::empty(
        "realm",
        FakeProxmox::start(Product::Pve, lab::pve()),
        FakeProxmox::start(Product::Pbs, lab::pbs()),
    );
    fleet.start_agent();
    let made = |node: &Value| send(&fleet.worker, "POST", "/api/config/nodes", node);
    let bare = json!({"type": "pbs", "host": fleet.pbs.url(), "user": "monitor", "password": PASSWORD});
    assert_eq!(made(&bare).status, 201);
    let with_password = json!({"type": "pve", "host": fleet.pve.url(), "user": USER, "password": PASSWORD, "tokenName": "", "tokenValue": ""});
    assert_eq!(made(&with_password).status, 201);
    let all = listed(&fleet);
    assert_eq!(
        (&all[1]["user"], &all[1]["hasPassword"], &all[1]["hasToken"]),
        (&json!("monitor@pbs"), &json!(true), &json!(false))
    );
    assert_eq!(
        (&all[1]["name"], &all[0]["name"]),
        (&json!("127.0.0.1"), &json!("127.0.0.1")),
        "the host's part of the address"
    );
    // The fake knows `monitor@pve` and its password: that one is connected by a ticket.
    fleet.state("a poll by ticket", |state| state["connectionHealth"]["127.0.0.1"] == true);
    assert!(fleet.pve.tickets_given() >= 1);
    assert_eq!(by(&listed(&fleet), "id", "pve-0")["status"], "connected");
    assert_eq!(by(&listed(&fleet), "id", "pbs-0")["status"], "disconnected", "it is nobody there");
    // A token puts an end to user and password.
    let token = json!({"tokenName": TOKEN_NAME, "tokenValue": TOKEN_SECRET});
    assert_eq!(send(&fleet.worker, "PUT", "/api/config/nodes/pbs-0", &token).status, 200);
    fleet.state("a poll by token", |state| state["connectionHealth"]["pbs-127.0.0.1"] == true);
    let after = listed(&fleet)[1].clone();
    assert_eq!((after.get("user"), &after["hasPassword"], &after["hasToken"]), (None, &json!(false), &json!(true)));
}

fn tried(fleet: &Fleet, node: &Value) -> Reply {
    send(&fleet.worker, "POST", "/api/config/nodes/test-connection", node)
}

/// Waits until an agent is there to try something.
fn with_agent(name: &str, pve: FakeProxmox, pbs: FakeProxmox) -> Fleet {
    let mut fleet = Fleet::empty(name, pve, pbs);
    let nobody = tried(&fleet, &node_of("pve", "lab", &fleet.pve));
    let words = format!("Connection failed: no agent available to reach {}", fleet.pve.url());
    assert_eq!((nobody.status, nobody.at("/error")), (400, json!(words)));
    fleet.start_agent();
    wait_until("an agent", PATIENCE, || {
        (tried(&fleet, &node_of("pve", "lab", &fleet.pve)).status == 200).then_some(())
    });
    fleet
}

#[test]
fn line_7_a_cluster_a_node_alone_and_a_backup_server_are_tried_by_an_agent() {
    let fleet =
        with_agent("tried", FakeProxmox::start(Product::Pve, lab::pve()), FakeProxmox::start(Product::Pbs, lab::pbs()));
    let cluster = node_of("pve", "", &fleet.pve);
    let expected = json!({"status": "success", "message": "Successfully connected to 2 node(s)", "isCluster": true, "nodeCount": 2, "clusterNodeCount": 2});
    assert_eq!((tried(&fleet, &cluster).status, tried(&fleet, &cluster).json()), (200, expected));
    fleet.pve.change(|answers| {
        answers.edit("/nodes", |list| drop(list.as_array_mut().and_then(Vec::pop)));
        answers.set("/cluster/status", json!([{"type": "node", "id": "node/pve1", "name": "pve1", "nodeid": 0, "ip": "192.0.2.10", "local": 1, "online": 1}]));
    });
    let expected = json!({"status": "success", "message": "Successfully connected to 1 node(s)", "isCluster": false, "nodeCount": 1});
    assert_eq!(tried(&fleet, &cluster).json(), expected);
    let by_password = json!({"type": "pve", "host": fleet.pve.url(), "user": USER, "password": PASSWORD});
    assert_eq!(tried(&fleet, &by_password).json(), expected);
    let server = node_of("pbs", "", &fleet.pbs);
    let expected =
        json!({"status": "success", "message": "Successfully connected. Found 2 datastore(s)", "datastoreCount": 2});
    assert_eq!((tried(&fleet, &server).status, tried(&fleet, &server).json()), (200, expected));
    assert_eq!(listed(&fleet), json!([]), "nothing is kept of what was tried");

    let config = |node: &Value| send(&fleet.worker, "POST", "/api/config/nodes/test-config", node);
    for (node, message) in [(&cluster, "Connected to PVE cluster with 1 nodes"), (&server, "Connected to PBS instance")]
    {
        let reply = config(node);
        assert_eq!((reply.status, reply.at("/status"), reply.at("/message")), (200, json!("success"), json!(message)));
        assert!(reply.at("/latency").is_u64(), "{}", reply.body);
    }
    // Why it failed is told as it is.
    let with = |node: &Value, key: &str, value: &str| {
        let mut node = node.clone();
        node[key] = json!(value);
        node
    };
    let no_realm = json!({"type": "pve", "host": fleet.pve.url(), "user": "monitor", "password": "p"});
    for (node, start) in [
        (with(&cluster, "tokenValue", "wrong"), "Connection failed: "),
        (with(&server, "tokenValue", "wrong"), "Connection failed: "),
        (with(&server, "host", &fleet.pve.url()), "Connection failed: "),
        (with(&cluster, "host", "http://127.0.0.1:1"), "Connection failed: "),
        (no_realm, "Failed to create client: "),
    ] {
        let reply = tried(&fleet, &node);
        let words = reply.at("/error").as_str().unwrap_or_default().to_owned();
        assert!(reply.status == 400 && words.starts_with(start) && words.len() > start.len(), "{node}: {}", reply.body);
        let reply = config(&node);
        assert_eq!((reply.status, reply.json()), (200, json!({"status": "error", "message": words})), "{node}");
    }
    assert!(tried(&fleet, &with(&cluster, "tokenValue", "wrong")).body.contains("401"));
}

#[test]
fn line_7_a_certificate_of_its_own_making_is_taken_by_its_fingerprint_alone() {
    let authority = Authority::new();
    let pve = FakeProxmox::start_tls(Product::Pve, lab::pve(), &authority);
    let fleet = with_agent("pinned", pve, FakeProxmox::start_tls(Product::Pbs, lab::pbs(), &authority));
    for (kind, fake) in [("pve", &fleet.pve), ("pbs", &fleet.pbs)] {
        let plain = node_of(kind, "", fake);
        let with = |key: &str, value: Value| {
            let mut node = plain.clone();
            node[key] = value;
            tried(&fleet, &node)
        };
        let colons: Vec<String> =
            fake.fingerprint.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase()).collect();
        for right in [fake.fingerprint.clone(), colons.join(":")] {
            assert_eq!(with("fingerprint", json!(right)).status, 200, "{kind} {right}");
        }
        assert_eq!(with("verifySSL", json!(false)).status, 200, "{kind}: anything is taken");
        for refused in [with("fingerprint", json!("ab".repeat(32))), with("verifySSL", json!(true))] {
            let words = refused.at("/error").as_str().unwrap_or_default().to_owned();
            assert!(refused.status == 400 && words.starts_with("Connection failed: "), "{kind}: {}", refused.body);
        }
    }
}

#[test]
fn line_8_the_agent_polls_as_often_as_the_setting_says() {
    let fleet = Fleet::start("interval");
    fleet.whole();
    let polls = || fleet.pve.requests().iter().filter(|path| *path == "/nodes").count();
    let set = |seconds: u64| {
        let reply = send(&fleet.worker, "PUT", "/api/config/system", &json!({ "pollingInterval": seconds }));
        let words = format!("Polling interval updated to {seconds} seconds");
        assert_eq!(reply.json(), json!({"status": "success", "message": words, "pollingInterval": seconds}));
    };
    let counted = |span: Duration| {
        let (begun, before) = (Instant::now(), polls());
        while begun.elapsed() < span {
            std::thread::sleep(Duration::from_millis(50));
        }
        polls() - before
    };
    assert!(counted(Duration::from_secs(6)) >= 4, "every second");
    set(3_600);
    // What was due is the last for an hour.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(counted(Duration::from_secs(6)), 0);
    set(2);
    wait_until("polls again", PATIENCE, || (polls() > 0 && counted(Duration::from_secs(6)) >= 2).then_some(()));
    assert_eq!(fleet.get("/api/config/system")["pollingInterval"], 2);
    assert_eq!(fleet.get("/api/config")["pollingInterval"], 2);
    let mut last = fleet.get("/api/state")["nodes"][0].clone();
    take_recent(&mut last, "lastSeen");
}

#[test]
fn line_2_an_instance_that_fails_keeps_what_was_known_of_it_and_says_so() {
    let fleet = Fleet::start("failing");
    let before = fleet.whole();
    fleet.pve.fault("/nodes", Fault::Status(500, "no quorum"));
    let state = fleet.state("a failure", |state| state["connectionHealth"]["lab"] == false);
    assert_eq!(state["connectionHealth"], json!({"lab": false, "pbs-backup1": true}));
    for list in ["nodes", "vms", "containers", "storage"] {
        assert_eq!(column(&state[list], "id"), column(&before[list], "id"), "{list}");
    }
    assert_eq!(column(&state["nodes"], "connectionHealth"), ["error", "error"]);
    assert_eq!(by(&listed(&fleet), "id", "pve-0")["status"], "disconnected");
    fleet.pve.mend();
    fleet.state("its recovery", |state| state["connectionHealth"]["lab"] == true);
    // A backup server that nobody reaches stays in its list.
    fleet.pbs.fault("/", Fault::Close);
    let state = fleet.state("a backup server that is gone", |state| state["connectionHealth"]["pbs-backup1"] == false);
    let server = by(&state["pbs"], "id", "pbs-backup1");
    assert_eq!(
        (&server["status"], &server["connectionHealth"], &server["datastores"]),
        (&json!("offline"), &json!("unhealthy"), &json!([]))
    );
}

#[test]
fn line_2_an_instance_that_lets_nobody_in_is_one_node_that_failed_after_a_while() {
    let fleet = Fleet::start("locked-out");
    fleet.whole();
    for fake in [&fleet.pve, &fleet.pbs] {
        fake.set_token("nobody@pve!t", "other");
    }
    let state = fleet.state("a refusal", |state| state["connectionHealth"]["lab"] == false);
    assert_eq!(state["nodes"].as_array().map(Vec::len), Some(2), "at first it stays as it was");
    let state = fleet.state("five refusals", |state| state["nodes"][0]["id"] == "lab-failed");
    assert!(state["stats"]["pollingCycles"].as_u64().is_some_and(|polls| polls > 5), "{}", state["stats"]);
    // A backup server is polled once a minute: what nobody was let in to see for so long is not shown any more either.
    fleet.worker.set_clock_ahead(200_000);
    let state = fleet.get("/api/state");
    let mut failed = state["nodes"][0].clone();
    failed.as_object_mut().expect("a node").remove("lastSeen");
    let nothing = json!({"total": 0, "used": 0, "free": 0, "usage": 0});
    let expected = json!({
        "id": "lab-failed", "name": "lab", "displayName": "lab", "instance": "lab", "status": "offline", "type": "node", "cpu": 0,
        "memory": nothing, "disk": nothing, "uptime": 0, "loadAverage": [], "kernelVersion": "", "pveVersion": "",
        "cpuInfo": {"model": "", "cores": 0, "sockets": 0, "mhz": ""}, "connectionHealth": "error",
        "host": fleet.pve.url(), "isClusterMember": true, "clusterName": "lab-cluster",
    });
    assert_eq!((failed, state["nodes"].as_array().map(Vec::len)), (expected, Some(1)));
    for list in ["vms", "containers", "storage", "pbs", "pbsBackups"] {
        assert_eq!(state[list], json!([]), "{list}");
    }
    assert_eq!(fleet.get("/api/charts")["data"], json!({}));
}
