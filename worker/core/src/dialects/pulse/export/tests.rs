//! Exports: the known answer of the format, what is refused, and that nothing is lost between an export and an import.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use serde_json::Value;

use super::*;
use crate::dialects::pulse::read::bad;
use crate::dialects::pulse::state::world::instance;
use crate::model::proxmox::{Cluster, Credentials, Endpoint, Instance, InstanceKind, Monitors, SystemSettings};
use crate::model::{AlertConfig, Hook, Limit, MailSettings, Thresholds};
use crate::units::UnixSeconds;

const PASSPHRASE: &str = "correct horse 42";
const PLAINTEXT: &str = r#"{"version":"4.0","exportedAt":"2025-08-12T10:00:00Z","nodes":{"pveInstances":[{"Name":"pve1","Host":"https://192.0.2.10:8006","User":"","Password":"","TokenName":"pulse-monitor@pam!t1","TokenValue":"11111111-2222-3333-4444-555555555555","Fingerprint":"","VerifySSL":false,"MonitorVMs":true,"MonitorContainers":true,"MonitorStorage":true,"MonitorBackups":true,"IsCluster":false,"ClusterName":"","ClusterEndpoints":null}],"pbsInstances":[]},"alerts":{"enabled":true,"overrides":{}},"email":{"enabled":false,"to":[]},"webhooks":[],"system":{"pollingInterval":5}}"#;
const BLOB: &str = concat!(
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9AQUJDREVGR0hJSkvAj2UlEF/RaEygnDjdnogavdj4A91cQZXkfv5nMJ89viYqa1ZeDb4gC1ga616g0FdqvF4J",
    "V4jmeAqy3IUAMJC6cUvcsLlq1lrDweyht+Wr57lzQHcDpFuMvYntbn+2TJPJrvpmO5TDYVyETEIZ1wdw/r8o0gl4P8SN8/re3+q8IOKwN3NIlSMNwcscgK8ja+2h/axI",
    "vlfxg9nVcmG5XsoIP3Tm9Jy73HLVCDsRuI0XeuL6335HTwkaIP6MLYxRa/RXII/zAht75FizGVIpoNBdV77zLuMorUHkaHKiwddmGt63a6ZwIin6RNkA4qnl9AKCJuE+",
    "Ej4+xHJprlYivKkCaCyoSuksqAW9zZmYCXHPdeqRy4IFKtmO7DFa/O8Zy5pALiVI7m3mOZAuiBz8LNH8PpL0jBbU3sswKgBWw6VeBazWpoj68XUZQwiKk5DYtp59p1V6",
    "Z1apupG6MRx0IyOAsy5dfxsOV3EkQw2NTtiVNrIhHn0VvtZianzyCrS2V848HQWeGLSrTYvCEdhHgOAMtzZONW5GzQqEqmqliIgc74KyI9eDowXYRE8Rxgg3uvZPPCQP",
    "GRVUCtQLOzrrlzY8Mw4fS34KeiArrTnW1NypXsNi+Jm/9SfKrelsalvsBEfwfH2tosURBDStZLq/oXuMsSYXe6qF7OUxvuli7IqSu/pvUd1z1/wTMut6BlqUCSY6IuSf",
    "8nc9bCeVKv33Ovz2qWAmvB5JwAUkIOtahY7Xg2sW2xqU+vMrFd+NhZcuiA=="
);

fn key(passphrase: &str, salt: &[u8]) -> [u8; 32] {
    pbkdf2::pbkdf2_hmac_array::<sha2::Sha256, 32>(passphrase.as_bytes(), salt, KEY_ITERATIONS[0])
}

fn open(blob: &Blob, passphrase: &str) -> Result<Vec<u8>, BlobError> {
    let cipher = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&key(passphrase, &blob.salt)));
    cipher.decrypt(Nonce::from_slice(&blob.nonce), blob.sealed.as_slice()).map_err(|_| BlobError::Authentication)
}

fn seal(plaintext: &[u8], salt: [u8; 32], nonce: [u8; 12]) -> Blob {
    let cipher = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&key(PASSPHRASE, &salt)));
    Blob { salt, nonce, sealed: cipher.encrypt(Nonce::from_slice(&nonce), plaintext).unwrap() }
}

#[test]
fn the_known_answer_of_the_format_comes_out_in_both_directions() {
    let (salt, nonce) = (
        std::array::from_fn(|index| u8::try_from(index).unwrap()),
        std::array::from_fn(|index| 0x40 + u8::try_from(index).unwrap()),
    );
    let hex = "4343ba0f29c455db3b7f1da1441c2cb3286fdfc8be6fda30caa556e841d53b0a";
    let expected: [u8; 32] =
        std::array::from_fn(|index| u8::from_str_radix(&hex[index * 2..index * 2 + 2], 16).unwrap());
    assert_eq!(key(PASSPHRASE, &salt), expected);
    assert_eq!(PLAINTEXT.len(), 559);
    let blob = seal(PLAINTEXT.as_bytes(), salt, nonce);
    assert_eq!(blob.encode(), BLOB);
    let read = Blob::decode(BLOB).unwrap();
    assert_eq!(read, blob);
    assert_eq!(open(&read, PASSPHRASE).unwrap(), PLAINTEXT.as_bytes());
    let spread = format!(" {}\n{} ", &BLOB[..100], BLOB[100..].trim_end_matches('='));
    assert_eq!(Blob::decode(&spread), Ok(blob));
}

#[test]
fn what_is_known_is_imported_and_missing_thresholds_are_the_usual_ones() {
    let imported = read_document(PLAINTEXT.as_bytes()).unwrap();
    let node = &imported.instances[0];
    assert_eq!(
        (imported.instances.len(), node.name.as_str(), node.credentials.token_name.as_str()),
        (1, "pve1", "pulse-monitor@pam!t1")
    );
    assert!(node.credentials.are_complete() && node.cluster.is_none());
    assert_eq!((imported.alerts, imported.mail), (AlertConfig::default(), MailSettings::default()));
    assert_eq!((imported.system, imported.hooks.len()), (SystemSettings::default(), 0));
    let later = r#"{"VERSION":"6.3","apprise":{},"Nodes":{"PBSInstances":[{"name":"b","host":"192.0.2.20","monitorGarbageJobs":true,"VerifyTLS":1}],"pmgInstances":[{}]},
        "Alerts":{"GuestDefaults":{"CPU":{"Trigger":70,"Clear":60}}},"SYSTEM":{"pollingInterval":30}}"#;
    let imported = read_document(later.as_bytes()).unwrap();
    assert_eq!(imported.instances[0].host, "https://192.0.2.20:8007");
    assert!(imported.instances[0].monitors.garbage_jobs && imported.alerts.guest.limits.len() == 1);
    assert_eq!(imported.alerts.node, Thresholds::percentages());
    assert_eq!(imported.system.polling_s, 30);
}

#[test]
fn an_export_is_imported_without_loss() {
    let credentials =
        Credentials { token_name: "m@pam!t".to_owned(), token_value: "v".to_owned(), ..Credentials::default() };
    let mut lab = instance(InstanceKind::Pve, 0, "lab").instance;
    lab.cluster = Some(Cluster {
        name: "c".to_owned(),
        endpoints: vec![Endpoint {
            node_id: "node/a".to_owned(),
            is_online: true,
            last_seen: Some(UnixSeconds(7)),
            ..Endpoint::default()
        }],
    });
    lab.monitors = Monitors { vms: false, ..Monitors::default() };
    let server = instance(InstanceKind::Pbs, 0, "backup1").instance;
    let password = Credentials { user: "a@pbs".to_owned(), password: "p".to_owned(), ..Credentials::default() };
    let instances: Vec<(Instance, Credentials)> = vec![(lab.clone(), credentials.clone()), (server, password)];
    let mut alerts = AlertConfig { hold_s: 9, storage: Limit::new(70.0, 60.0), ..AlertConfig::default() };
    alerts.overrides.insert("Lab-PVE1-101".to_owned(), Thresholds { is_off: true, ..Thresholds::default() });
    let mail = MailSettings { password: "secret".to_owned(), to: vec!["a@b".to_owned()], ..MailSettings::default() };
    let hook = Hook {
        id: "webhook-1".to_owned(),
        url: "https://example.com".to_owned(),
        method: "POST".to_owned(),
        service: "generic".to_owned(),
        headers: [("X-Key".to_owned(), "k".to_owned())].into(),
        ..Hook::default()
    };
    let system = SystemSettings { polling_s: 10, update_at: "03:00".to_owned(), ..SystemSettings::default() };
    let document = ExportDocument::new(
        UnixSeconds(1_754_992_800),
        &instances,
        &alerts,
        &mail,
        std::slice::from_ref(&hook),
        &system,
    );
    let plaintext = serde_json::to_vec(&document).unwrap();
    let value: Value = serde_json::from_slice(&plaintext).unwrap();
    assert_eq!((&value["version"], &value["nodes"]["pbsInstances"][0]["Password"]), (&"4.0".into(), &"p".into()));
    assert_eq!(value["nodes"]["pveInstances"][0]["ClusterEndpoints"][0]["NodeID"], "node/a");
    let blob = seal(&plaintext, [7; 32], [8; 12]);
    let opened = open(&Blob::decode(&blob.encode()).unwrap(), PASSPHRASE).unwrap();
    let imported = read_document(&opened).unwrap();
    assert_eq!(
        (imported.instances[0].cluster.as_ref(), &imported.instances[0].credentials),
        (lab.cluster.as_ref(), &credentials)
    );
    assert!(!imported.instances[0].monitors.vms && imported.instances[1].monitors == Monitors::default());
    assert_eq!((imported.alerts, imported.mail, imported.hooks, imported.system), (alerts, mail, vec![hook], system));
}

#[test]
fn what_is_no_export_is_refused_with_its_reason() {
    let words = |error: BlobError| Failure::from(error);
    let wrong = open(&Blob::decode(BLOB).unwrap(), "wrong horse 4242").unwrap_err();
    let expected =
        "Failed to import configuration: failed to decrypt import data: cipher: message authentication failed";
    assert_eq!(words(wrong), bad(expected));
    let mut changed = Blob::decode(BLOB).unwrap();
    changed.sealed.pop();
    assert_eq!(open(&changed, PASSPHRASE), Err(BlobError::Authentication));
    assert_eq!(Blob::decode("AAEC"), Err(BlobError::Short));
    assert_eq!(Blob::decode(&BLOB[..76]), Err(BlobError::Short));
    assert!(matches!(Blob::decode("not base64!"), Err(BlobError::Encoding(_))));
    for text in [
        "",
        "[]",
        "{",
        r#"{"nodes":[]}"#,
        r#"{"nodes":{"pveInstances":[{"Host":"a b"}]}}"#,
        r#"{"alerts":{"enabled":1}}"#,
    ] {
        let refused = read_document(text.as_bytes()).unwrap_err();
        assert!(refused.to_string().starts_with("failed to parse import data: "), "{text}");
    }
}

#[test]
fn passphrases_have_twelve_bytes_where_an_export_is_made() {
    let export = |body: &str| {
        ExportRequest::parse(body.as_bytes()).map(|request| request.passphrase).map_err(|failure| match failure {
            Failure::Malformed { detail } => detail,
            other => other.to_string(),
        })
    };
    assert_eq!(export("[]"), Err("Invalid request body".to_owned()));
    assert_eq!(export("{}"), Err("Passphrase is required".to_owned()));
    assert_eq!(
        export(r#"{"passphrase":"elevenbytes"}"#),
        Err("Passphrase must be at least 12 characters long".to_owned())
    );
    assert_eq!(export(r#"{"passphrase":"übérélevn"}"#), Ok("übérélevn".to_owned()));
    let import = |body: &str| ImportRequest::parse(body.as_bytes()).map(|request| request.data);
    assert_eq!(import(r#"{"data":"x"}"#), Err(bad("Passphrase is required")));
    assert_eq!(import(r#"{"passphrase":"x","data":" "}"#), Err(bad("Import data is required")));
    assert_eq!(
        import(r#"{"passphrase":"x","data":"{\"status\":\"success\",\"data\":\"AAEC\"}"}"#),
        Ok("AAEC".to_owned())
    );
    let reply = ExportReply::new(&Blob { salt: [0; 32], nonce: [0; 12], sealed: vec![0; 16] });
    assert!(serde_json::to_string(&reply).unwrap().starts_with(r#"{"status":"success","data":"AAAA"#));
    let done = r#"{"status":"success","message":"Configuration imported successfully"}"#;
    assert_eq!(serde_json::to_string(&ImportedReply::DONE).unwrap(), done);
}
