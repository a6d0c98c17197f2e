//! Exports and imports: who may, what an export holds, and that one that is not whole changes nothing.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgewatch_harness::http::Reply;
use edgewatch_harness::worker::Worker;
use ring::{aead, pbkdf2};
use serde_json::{Value, json};

/// The passphrase of [`KNOWN`].
pub const WORDS: &str = "correct horse 42";
/// What a server of 4.2.1 exported. Source: pulse specification, 10.3.
pub const KNOWN: &str = concat!(
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9AQUJDREVGR0hJSkvAj2UlEF/RaEygnDjdnogavdj4A91cQZXkfv5nMJ89viYqa1ZeDb",
    "4gC1ga616g0FdqvF4JV4jmeAqy3IUAMJC6cUvcsLlq1lrDweyht+Wr57lzQHcDpFuMvYntbn+2TJPJrvpmO5TDYVyETEIZ1wdw/r8o0gl4P8SN",
    "8/re3+q8IOKwN3NIlSMNwcscgK8ja+2h/axIvlfxg9nVcmG5XsoIP3Tm9Jy73HLVCDsRuI0XeuL6335HTwkaIP6MLYxRa/RXII/zAht75FizGV",
    "IpoNBdV77zLuMorUHkaHKiwddmGt63a6ZwIin6RNkA4qnl9AKCJuE+Ej4+xHJprlYivKkCaCyoSuksqAW9zZmYCXHPdeqRy4IFKtmO7DFa/O8Z",
    "y5pALiVI7m3mOZAuiBz8LNH8PpL0jBbU3sswKgBWw6VeBazWpoj68XUZQwiKk5DYtp59p1V6Z1apupG6MRx0IyOAsy5dfxsOV3EkQw2NTtiVNr",
    "IhHn0VvtZianzyCrS2V848HQWeGLSrTYvCEdhHgOAMtzZONW5GzQqEqmqliIgc74KyI9eDowXYRE8Rxgg3uvZPPCQPGRVUCtQLOzrrlzY8Mw4f",
    "S34KeiArrTnW1NypXsNi+Jm/9SfKrelsalvsBEfwfH2tosURBDStZLq/oXuMsSYXe6qF7OUxvuli7IqSu/pvUd1z1/wTMut6BlqUCSY6IuSf8n",
    "c9bCeVKv33Ovz2qWAmvB5JwAUkIOtahY7Xg2sW2xqU+vMrFd+NhZcuiA==",
);

fn post(worker: &Worker, path: &str, body: &Value) -> Reply {
    worker.post(path, &[("X-API-Token", &worker.token)], &body.to_string())
}

/// What an export holds, by other libraries than the Worker's.
pub fn opened(data: &str, words: &str) -> Value {
    let bytes = STANDARD.decode(data).expect("base64");
    let (salt, rest) = bytes.split_at(32);
    let (nonce, sealed) = rest.split_at(12);
    let mut key = [0; 32];
    let iterations = NonZeroU32::new(100_000).expect("a number");
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, words.as_bytes(), &mut key);
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, &key).expect("a key"));
    let mut sealed = sealed.to_vec();
    let nonce = aead::Nonce::try_assume_unique_for_key(nonce).expect("12 bytes");
    let plain = key.open_in_place(nonce, aead::Aad::empty(), &mut sealed).expect("the passphrase");
    serde_json::from_slice(plain).expect("JSON")
}

/// The text that an export gives.
pub fn exported(worker: &Worker) -> String {
    let reply = post(worker, "/api/config/export", &json!({"passphrase": WORDS}));
    assert_eq!((reply.status, reply.at("/status")), (200, json!("success")), "{}", reply.body);
    reply.at("/data").as_str().expect("a text").to_owned()
}

#[test]
fn an_export_of_the_product_is_taken_and_ours_holds_the_same() {
    let worker = Worker::start();
    let done = post(&worker, "/api/config/import", &json!({"data": KNOWN, "passphrase": WORDS}));
    assert_eq!(
        done.json(),
        json!({"status": "success", "message": "Configuration imported successfully"}),
        "{}",
        done.body
    );
    let nodes = worker.get("/api/config/nodes").json();
    assert_eq!(
        (&nodes[0]["id"], &nodes[0]["name"], &nodes[0]["hasToken"]),
        (&json!("pve-0"), &json!("pve1"), &json!(true))
    );
    assert_eq!(worker.get("/api/config/system").at("/pollingInterval"), json!(5));
    // Thresholds that it says nothing of are the usual ones.
    assert_eq!(worker.get("/api/alerts/config").at("/guestDefaults/cpu/trigger"), json!(80));

    let before = exported(&worker);
    let document = opened(&before, WORDS);
    assert_eq!(document["version"], "4.0");
    assert_eq!(
        document["nodes"]["pveInstances"][0],
        json!({"Name": "pve1", "Host": "https://192.0.2.10:8006", "User": "",
        "Password": "", "TokenName": "pulse-monitor@pam!t1", "TokenValue": "11111111-2222-3333-4444-555555555555",
        "Fingerprint": "", "VerifySSL": false, "MonitorVMs": true, "MonitorContainers": true, "MonitorStorage": true,
        "MonitorBackups": true, "IsCluster": false, "ClusterName": "", "ClusterEndpoints": null})
    );
    // The whole answer is as good as the text in it.
    let whole = json!({"status": "success", "data": before}).to_string();
    let again = post(&worker, "/api/config/import", &json!({"data": whole, "passphrase": WORDS}));
    assert_eq!(again.status, 200, "{}", again.body);
    let mut after = opened(&exported(&worker), WORDS);
    after["exportedAt"] = document["exportedAt"].clone();
    assert_eq!(after, document);
}

#[test]
fn what_cannot_be_opened_changes_nothing() {
    let worker = Worker::builder().var("TRUSTED_ADDRESS_HEADER", "x-test-address").start();
    let kept = worker.get("/api/config/system").json();
    let short = STANDARD.encode([7; 40]);
    let cut = &KNOWN[..KNOWN.len() - 8];
    let message = "failed to decrypt import data: cipher: message authentication failed";
    let failed = |why: &str| format!("Failed to import configuration: {why}");
    for (number, (data, words, expected)) in [
        (KNOWN, "correct horse 43", failed(message)),
        (cut, WORDS, failed(message)),
        (short.as_str(), WORDS, failed("failed to decrypt import data: ciphertext too short")),
        (KNOWN, "", "Passphrase is required".to_owned()),
        ("", WORDS, "Import data is required".to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"data": data, "passphrase": words}).to_string();
        let address = format!("192.0.2.{number}");
        let headers = [("X-API-Token", worker.token.as_str()), ("x-test-address", &address)];
        let refused = worker.post("/api/config/import", &headers, &body);
        assert_eq!((refused.status, refused.at("/error")), (400, json!(expected)));
    }
    assert_eq!((worker.get("/api/config/nodes").json(), worker.get("/api/config/system").json()), (json!([]), kept));
}

#[test]
fn a_passphrase_has_twelve_bytes_and_who_asks_is_looked_at_first() {
    let worker = Worker::start();
    let nobody = worker.post("/api/config/export", &[], "{}");
    assert_eq!((nobody.status, nobody.at("/error")), (401, json!("Unauthorized")));
    for (body, words) in [
        (json!([]), "Invalid request body"),
        (json!({}), "Passphrase is required"),
        (json!({"passphrase": "elevenbytes"}), "Passphrase must be at least 12 characters long"),
    ] {
        let refused = post(&worker, "/api/config/export", &body);
        assert_eq!((refused.status, refused.at("/error")), (400, json!(words)));
    }
}

#[test]
fn with_no_token_there_is_no_export_unless_it_was_opened() {
    let words = "requires API_TOKEN to be set (or set ALLOW_UNPROTECTED_EXPORT=true for homelab use)";
    let worker = Worker::builder().without_admin().start();
    for (path, word) in [("/api/config/export", "Export"), ("/api/config/import", "Import")] {
        let refused = worker.post(path, &[], "{}");
        assert_eq!((refused.status, refused.at("/error")), (403, json!(format!("{word} {words}"))));
    }
    let opened = Worker::builder().without_admin().var("ALLOW_UNPROTECTED_EXPORT", "true").start();
    let body = json!({"passphrase": WORDS}).to_string();
    assert_eq!(opened.post("/api/config/export", &[], &body).status, 200);
    assert_eq!(opened.get_as("/api/security/status", &[]).at("/exportProtected"), json!(false));
}

#[test]
fn the_sixth_in_a_minute_is_one_too_many_whatever_became_of_the_others() {
    let worker = Worker::builder().var("TRUSTED_ADDRESS_HEADER", "x-test-address").start();
    let ask =
        |method: &str, path: &str, address: &str| worker.request(method, path, &[("x-test-address", address)], "");
    for (method, path, status) in [
        ("POST", "/api/config/export", 401),
        ("POST", "/api/config/import", 401),
        ("GET", "/api/config/export", 405),
        ("POST", "/api/config/export", 401),
        ("POST", "/api/config/import", 401),
        ("POST", "/api/config/export", 429),
        ("POST", "/api/config/import", 429),
    ] {
        assert_eq!(ask(method, path, "192.0.2.1").status, status, "{method} {path}");
    }
    let refused = ask("POST", "/api/config/export", "192.0.2.1");
    assert_eq!((refused.at("/code"), refused.header("x-ratelimit-limit")), (json!("rate_limited"), Some("5")));
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    assert!(refused.header("x-ratelimit-reset").is_some_and(|at| at.ends_with('Z')));
    let wait_s: i64 = refused.header("retry-after").and_then(|wait| wait.parse().ok()).expect("seconds");
    assert!((1..=61).contains(&wait_s), "{wait_s}");
    assert_eq!(ask("POST", "/api/config/export", "192.0.2.2").status, 401, "another address has its own");
    worker.step_clock_ahead(62_000);
    assert_eq!(ask("POST", "/api/config/export", "192.0.2.1").status, 401);
}
