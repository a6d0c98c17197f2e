//! The stock web front end without a browser: every field that its page declares, read by a session and by a guest of what a real agent
//! polls, and what the page sends when somebody saves. Source of both: the types and requests of the front end of 4.2 to 4.8.

use std::path::PathBuf;
use std::time::Duration;

use edgewatch_harness::agent::{Agent, full_binary};
use edgewatch_harness::http::Reply;
use edgewatch_harness::proxmox::{FakeProxmox, Product, TOKEN_NAME, TOKEN_SECRET, lab};
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

const WAIT: Duration = Duration::from_secs(60);

/// A list of the state, and what each entry of it has: `s` for texts, `n` for numbers, `b` for booleans, `a` for lists, `o` for objects;
/// with a mark behind it what may be missing.
const LISTS: [(&str, &str); 8] = [
    (
        "/nodes",
        "id:s name:s instance:s host:s status:s type:s cpu:n memory:o disk:o uptime:n loadAverage:a kernelVersion:s pveVersion:s \
         cpuInfo:o lastSeen:s connectionHealth:s isClusterMember:b clusterName:s",
    ),
    ("/vms", GUEST),
    ("/containers", GUEST),
    (
        "/storage",
        "id:s name:s node:s instance:s type:s status:s total:n used:n free:n usage:n content:s shared:b enabled:b active:b",
    ),
    (
        "/pbs",
        "id:s name:s host:s status:s version:s cpu:n memory:n memoryUsed:n memoryTotal:n uptime:n datastores:a backupJobs:a syncJobs:a \
         verifyJobs:a pruneJobs:a garbageJobs:a connectionHealth:s lastSeen:s",
    ),
    (
        "/pbsBackups",
        "id:s instance:s datastore:s namespace:s backupType:s vmid:s backupTime:s size:n protected:b verified:b comment:s files:a owner:s?",
    ),
    (
        "/pveBackups/storageBackups",
        "id:s storage:s node:s instance:s type:s vmid:n time:s ctime:n size:n format:s notes:s? protected:b volid:s isPBS:b verified:b \
         verification:s?",
    ),
    (
        "/pveBackups/guestSnapshots",
        "id:s name:s node:s instance:s type:s vmid:n time:s description:s? parent:s? vmstate:b",
    ),
];
const GUEST: &str = "id:s vmid:n name:s node:s instance:s status:s type:s cpu:n cpus:n memory:o disk:o networkIn:n networkOut:n \
                     diskRead:n diskWrite:n uptime:n template:b lastBackup:s tags:a? lock:s? lastSeen:s";
const STATE: &str = "nodes:a vms:a containers:a storage:a pbs:a pbsBackups:a metrics:a pveBackups:o performance:o connectionHealth:o \
                     stats:o activeAlerts:a recentlyResolved:a lastUpdate:s";

/// What of these is not there, or of another type.
fn missing(of: &Value, declared: &str) -> Vec<String> {
    let is_there = |one: &&str| {
        let (key, kind) = one.split_once(':').expect("a key and its type");
        let value = &of[key];
        match kind.trim_end_matches('?') {
            _ if value.is_null() => kind.ends_with('?') && of.get(key).is_none(),
            "s" => value.is_string(),
            "n" => value.is_number(),
            "b" => value.is_boolean(),
            "a" => value.is_array(),
            _ => value.is_object(),
        }
    };
    declared.split_whitespace().filter(|one| !is_there(one)).map(str::to_owned).collect()
}

/// A page of the same origin, with its session or without.
struct Page<'a> {
    worker: &'a Worker,
    cookie: Option<String>,
}

impl Page<'_> {
    fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let mut headers = vec![("Content-Type", "application/json"), ("Origin", self.worker.url.as_str())];
        headers.extend(self.cookie.as_deref().map(|cookie| ("Cookie", cookie)));
        self.worker.request(method, path, &headers, body)
    }

    fn get(&self, path: &str) -> Value {
        let reply = self.send("GET", path, "");
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.json()
    }

    /// What the page shows as a success.
    fn save(&self, method: &str, path: &str, body: &Value) -> Value {
        let reply = self.send(method, path, &body.to_string());
        assert!(matches!(reply.status, 200 | 201), "{method} {path}: {} {}", reply.status, reply.body);
        reply.json()
    }
}

/// The lab, and an agent that polls it.
struct Polled {
    _servers: [FakeProxmox; 2],
    _agent: Agent,
    folder: PathBuf,
}

impl Polled {
    fn start(worker: &Worker, page: &Page<'_>) -> Self {
        let pve = FakeProxmox::start(Product::Pve, lab::pve());
        let pbs = FakeProxmox::start(Product::Pbs, lab::pbs());
        for (kind, name, host) in [("pve", "lab", pve.url()), ("pbs", "backup1", pbs.url())] {
            // As the page's form sends it.
            let node = json!({ "type": kind, "name": name, "host": host, "user": "", "tokenName": TOKEN_NAME, "tokenValue": TOKEN_SECRET,
                "fingerprint": "", "verifySSL": false, "monitorVMs": true, "monitorContainers": true, "monitorStorage": true,
                "monitorBackups": true, "monitorDatastores": true });
            assert_eq!(page.save("POST", "/api/config/nodes", &node)["status"], "success");
        }
        page.save("PUT", "/api/config/system", &json!({ "pollingInterval": 1 }));
        let host = worker.add_host("collector");
        let folder = std::env::temp_dir().join(format!("edgewatch-stock-page-{}", std::process::id()));
        let environment = [("EDGEWATCH_PROXMOX", "on"), ("EDGEWATCH_LOG_LEVEL", "debug")];
        let agent = Agent::start_at(&full_binary(), &worker.url, &host.secret, &folder, &environment);
        Self { _servers: [pve, pbs], _agent: agent, folder }
    }
}

impl Drop for Polled {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn list<'a>(state: &'a Value, path: &str) -> &'a [Value] {
    state.pointer(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[test]
fn every_field_that_the_page_declares_is_there_for_a_session_and_for_a_guest() {
    let worker = Worker::start();
    let page = Page { worker: &worker, cookie: Some(worker.cookie()) };
    let guest = Page { worker: &worker, cookie: None };
    let _polled = Polled::start(&worker, &page);
    let token = format!("Bearer {}", worker.token);
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    let opened = worker.request("PATCH", "/api/edgewatch/v1/settings", &headers, r#"{"guest_view":"pulse"}"#);
    assert!(opened.status < 300, "{}", opened.body);
    let all = |page: &Page<'_>| {
        let state = page.get("/api/state");
        LISTS.iter().all(|(path, _)| !list(&state, path).is_empty()).then_some(state)
    };
    let state = wait_until("all of the lab", WAIT, || all(&page));
    // Every host is hidden until the operator says otherwise.
    let made = || {
        worker.sql(
            "SELECT h.id, h.name, h.tag, h.note FROM hosts h JOIN proxmox_hosts p ON p.host_id = h.id ORDER BY h.id",
        )
    };
    let hosts =
        wait_until("hosts of all parts", WAIT, || Some(made()).filter(|rows| list(rows, "/results").len() == 7));
    let hide = |is_hidden: &str| {
        for host in list(&hosts, "/results") {
            let edit = json!({ "id": host["id"], "Name": host["name"], "Tag": host["tag"], "Note": host["note"], "HideForGuest": is_hidden,
                "DDNSProfilesRaw": "[]" });
            assert_eq!(page.send("POST", "/api/server", &edit.to_string()).body, r#"{"code":200}"#);
        }
    };
    let closed = guest.get("/api/state");
    let seen = LISTS.iter().find(|(path, _)| !list(&closed, path).is_empty());
    assert_eq!((seen, &closed["connectionHealth"]), (None, &json!({})));
    hide("off");
    let open = guest.get("/api/state");
    for (who, state) in [("session", state.clone()), ("guest", open)] {
        assert_eq!(missing(&state, STATE), [""; 0], "{who}");
        for (path, declared) in LISTS {
            assert!(!list(&state, path).is_empty(), "{who} {path}");
            for one in list(&state, path) {
                assert_eq!(missing(one, declared), [""; 0], "{who} {path} {one}");
            }
        }
        let amounts =
            list(&state, "/nodes").iter().chain(list(&state, "/vms")).flat_map(|one| [&one["memory"], &one["disk"]]);
        for amount in amounts {
            assert_eq!(missing(amount, "total:n used:n free:n usage:n"), [""; 0], "{who} {amount}");
        }
        assert_eq!(missing(&state["nodes"][0]["cpuInfo"], "model:s cores:n sockets:n mhz:s"), [""; 0]);
        let store = &state["pbs"][0]["datastores"][0];
        assert_eq!(missing(store, "name:s total:n used:n free:n usage:n status:s error:s? namespaces:a"), [""; 0]);
        assert_eq!(missing(&store["namespaces"][2], "path:s parent:s depth:n"), [""; 0]);
        let stats = "startTime:s uptime:n pollingCycles:n webSocketClients:n version:s";
        assert_eq!(missing(&state["stats"], stats), [""; 0]);
        // Snapshots and backups are counted by the name of their node.
        assert_eq!(state["pveBackups"]["guestSnapshots"][0]["node"], state["nodes"][0]["name"]);
    }
    hide("on");
    assert_eq!(guest.get("/api/state")["nodes"], json!([]));
    hide("off");

    let nodes = page.get("/api/config/nodes");
    let endpoints = list(&nodes, "/0/clusterEndpoints");
    assert_eq!(missing(&endpoints[0], "NodeID:s NodeName:s Host:s IP:s Online:b LastSeen:s"), [""; 0]);
    assert!(endpoints[0]["Online"] == true && endpoints[0]["LastSeen"].as_str() > Some("2025"), "{nodes}");

    let charts = guest.get("/api/charts?range=1h");
    assert_eq!(missing(&charts, "data:o nodeData:o storageData:o timestamp:n stats:o"), [""; 0]);
    let series = "cpu:a memory:a disk:a diskread:a diskwrite:a netin:a netout:a";
    assert_eq!(missing(&charts["data"]["lab-pve1-101"], series), [""; 0]);
    assert_eq!(missing(&charts["nodeData"]["lab-pve1"]["cpu"][0], "timestamp:n value:n"), [""; 0]);
    // What may be written is less than what is not used.
    let points = guest.get("/api/storage-charts?range=60");
    let local = list(&state, "/storage").iter().find(|one| one["id"] == "lab-pve1-local").expect("the storage");
    for (name, now) in [("avail", "free"), ("used", "used"), ("total", "total"), ("usage", "usage")] {
        let points = list(&points, &format!("/lab-pve1-local/{name}")).iter().map(|point| &point["value"]);
        assert!(points.clone().count() > 0 && points.clone().all(|value| *value == local[now]), "{name} {points:?}");
    }
}

#[test]
fn what_the_page_saves_is_kept_and_shown_again() {
    let worker = Worker::start();
    let page = Page { worker: &worker, cookie: Some(worker.cookie()) };
    let limit = |trigger: u32| json!({ "trigger": trigger, "clear": trigger.saturating_sub(5) });
    // Keys that only the page knows go along with every change.
    let config = json!({
        "enabled": true,
        "guestDefaults": { "cpu": limit(70), "memory": limit(85), "disk": limit(90), "diskRead": limit(150), "diskWrite": limit(0),
            "networkIn": limit(200), "networkOut": limit(200) },
        "nodeDefaults": { "cpu": limit(80), "memory": limit(85), "disk": limit(90) },
        "storageDefault": limit(85), "minimumDelta": 2.0, "suppressionWindow": 5, "hysteresisMargin": 5.0,
        "overrides": { "lab-pve1-101": { "cpu": limit(95) }, "lab-pve1": { "memory": limit(60) } },
        "schedule": {
            "quietHours": { "enabled": true, "start": "22:00", "end": "08:00", "timezone": "Europe/Berlin", "days": { "monday": true,
                "tuesday": true, "wednesday": true, "thursday": true, "friday": true, "saturday": true, "sunday": false } },
            "cooldown": 5, "groupingWindow": 60, "maxAlertsHour": 3,
            "escalation": { "enabled": true, "levels": [{ "after": 15, "notify": "email" }, { "after": 60, "notify": "all" }] },
            "grouping": { "enabled": true, "window": 1, "byNode": true, "byGuest": false },
        },
        "aggregation": { "enabled": true, "timeWindow": 10, "countThreshold": 3, "similarityWindow": 5.0 },
        "flapping": { "enabled": true, "threshold": 5, "window": 10, "suppressionTime": 30, "minStability": 0.8 },
        "ioNormalization": { "enabled": true, "vmDiskMax": 500.0, "containerDiskMax": 300.0, "networkMax": 1000.0 },
    });
    assert_eq!(page.save("PUT", "/api/alerts/config", &config)["status"], "success");
    let shown = page.get("/api/alerts/config");
    for (key, said) in config.as_object().expect("an object") {
        let same = |a: &Value, b: &Value| a == b || a.as_f64().is_some() && a.as_f64() == b.as_f64();
        assert!(same(&shown[key], said), "{key}: {} in the place of {said}", shown[key]);
    }

    let mut mail = json!({ "enabled": true, "server": "smtp.example.com", "port": 587, "username": "me@example.com", "password": "hidden-word",
        "from": "me@example.com", "to": ["ops@example.com"], "tls": false, "startTLS": true, "provider": "Custom" });
    page.save("PUT", "/api/notifications/email", &mail);
    mail["password"] = "".into();
    assert_eq!(page.get("/api/notifications/email"), mail);
    page.save("PUT", "/api/notifications/email", &mail);
    // What is shown as switched off is not tried.
    mail["enabled"] = false.into();
    let tried = page.send("POST", "/api/notifications/test", &json!({ "method": "email", "config": mail }).to_string());
    let words = "email notifications are not enabled in the provided configuration";
    assert_eq!((tried.status, tried.at("/error")), (400, json!(words)));

    let hook = json!({ "name": "Ops", "url": "https://example.com/hook", "method": "POST", "service": "teams", "enabled": true,
        "headers": { "X-Key": "hidden-word" }, "template": "" });
    let made = page.save("POST", "/api/notifications/webhooks", &hook);
    let path = format!("/api/notifications/webhooks/{}", made["id"].as_str().expect("an id"));
    let mut listed = page.get("/api/notifications/webhooks")[0].clone();
    assert_eq!(missing(&listed, "id:s name:s url:s method:s headers:o enabled:b service:s template:s?"), [""; 0]);
    assert!(!listed.to_string().contains("hidden-word"));
    listed["enabled"] = false.into();
    page.save("PUT", &path, &listed);
    assert_eq!(page.get("/api/notifications/webhooks"), json!([listed]));
    page.save("DELETE", &path, &Value::Null);
    assert_eq!(page.get("/api/notifications/webhooks"), json!([]));
    for (path, declared) in [
        (
            "/api/notifications/email-providers",
            "name:s smtpHost:s smtpPort:n tls:b startTLS:b authRequired:b instructions:s",
        ),
        (
            "/api/notifications/webhook-templates",
            "service:s name:s urlPattern:s method:s headers:o payloadTemplate:s instructions:s",
        ),
    ] {
        let all = page.get(path);
        assert!(
            list(&all, "").len() > 6 && list(&all, "").iter().all(|one| missing(one, declared).is_empty()),
            "{all}"
        );
    }
}

#[test]
fn the_page_edits_a_node_by_what_it_was_shown_and_takes_its_configuration_along() {
    let worker = Worker::start();
    let page = Page { worker: &worker, cookie: Some(worker.cookie()) };
    let node = json!({ "type": "pve", "name": "lab", "host": "192.0.2.10", "tokenName": "monitor@pve!t1", "tokenValue": "hidden-word" });
    page.save("POST", "/api/config/nodes", &node);
    let mut shown = page.get("/api/config/nodes")[0].clone();
    let declared = "id:s type:s name:s host:s hasPassword:b hasToken:b verifySSL:b status:s tokenName:s";
    assert_eq!(missing(&shown, declared), [""; 0]);
    shown["name"] = "renamed".into();
    page.save("PUT", "/api/config/nodes/pve-0", &shown);
    let changed = &page.get("/api/config/nodes")[0];
    assert_eq!((&changed["name"], &changed["hasToken"]), (&json!("renamed"), &json!(true)));

    // Nobody is there to try it: the page shows these words.
    let tried = page.send("POST", "/api/config/nodes/test-connection", &node.to_string());
    assert!(tried.status == 400 && tried.body.contains("Connection failed:"), "{}", tried.body);
    let tried = page.save("POST", "/api/config/nodes/pve-0/test", &Value::Null);
    assert_eq!(tried["status"], "error");

    let exported = page.save("POST", "/api/config/export", &json!({ "passphrase": "correct horse 42" }));
    page.save("DELETE", "/api/config/nodes/pve-0", &Value::Null);
    assert_eq!(page.get("/api/config/nodes"), json!([]));
    let import = json!({ "passphrase": "correct horse 42", "data": exported["data"] });
    assert_eq!(page.save("POST", "/api/config/import", &import)["status"], "success");
    assert_eq!(page.get("/api/config/nodes")[0]["name"], "renamed");
    // Another site's page may not.
    let headers = [("Cookie", page.cookie.as_deref().unwrap_or_default()), ("Origin", "https://evil.example")];
    assert_eq!(worker.request("DELETE", "/api/config/nodes/pve-0", &headers, "").status, 403);
}
