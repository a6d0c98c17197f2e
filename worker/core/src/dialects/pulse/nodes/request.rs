//! What is said of a node: of a new one, of one to try, and of what is to change. Source: pulse specification, 9.2 and 9.3.

use serde::Deserialize;

use super::address::{host_part, normalized};
use crate::dialects::pulse::read::{self, bad, text};
use crate::failure::Failure;
use crate::model::proxmox::{Credentials, InstanceChange, InstanceDraft, InstanceKind, Monitors, MonitorsChange};

/// The longest text of a node, bytes.
const MAX_TEXT_BYTES: usize = 512;

/// The body of `POST` and `PUT /api/config/nodes` and of the routes that try one.
#[derive(Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct NodeRequest {
    /// `pve` or `pbs`.
    #[serde(rename = "type", deserialize_with = "text")]
    pub kind: String,
    /// What people call it; its host's name when empty.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// Its address, with or without scheme and port.
    #[serde(deserialize_with = "text")]
    pub host: String,
    /// `name@realm`.
    #[serde(deserialize_with = "text")]
    pub user: String,
    /// The user's password.
    #[serde(deserialize_with = "text")]
    pub password: String,
    /// `user@realm!id`, or the id alone beside a user.
    #[serde(deserialize_with = "text")]
    pub token_name: String,
    /// The token's value.
    #[serde(deserialize_with = "text")]
    pub token_value: String,
    /// SHA-256 of its certificate.
    pub fingerprint: Option<String>,
    /// Whether its certificate must be one that the world trusts.
    #[serde(rename = "verifySSL")]
    pub verify_ssl: Option<bool>,
    /// What is looked at; and so the next eight. Quirk: what is not said is looked at, where 4.2.1 leaves it out.
    #[serde(rename = "monitorVMs")]
    pub monitor_vms: Option<bool>,
    /// Containers.
    pub monitor_containers: Option<bool>,
    /// Storages.
    pub monitor_storage: Option<bool>,
    /// Backups.
    pub monitor_backups: Option<bool>,
    /// Datastores.
    pub monitor_datastores: Option<bool>,
    /// Sync jobs.
    pub monitor_sync_jobs: Option<bool>,
    /// Verify jobs.
    pub monitor_verify_jobs: Option<bool>,
    /// Prune jobs.
    pub monitor_prune_jobs: Option<bool>,
    /// Garbage collection.
    pub monitor_garbage_jobs: Option<bool>,
}

impl std::fmt::Debug for NodeRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It may end up in a log.
        write!(formatter, "NodeRequest({:?}, {:?})", self.kind, self.host)
    }
}

impl NodeRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for one that cannot be read.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        read::parse(body)
    }

    /// A node to be made, or to be tried. What is wrong is told in this order: host, kind, credentials, the rest.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for the first thing that is wrong.
    pub fn draft(self) -> Result<InstanceDraft, Failure> {
        if self.host.trim().is_empty() {
            return Err(bad("Host is required"));
        }
        let kind = InstanceKind::parse(&self.kind).ok_or_else(|| bad("Invalid node type"))?;
        let said = self.credentials(kind);
        if !said.are_complete() {
            return Err(bad("Authentication credentials required"));
        }
        let host = normalized(&self.host, kind)?;
        self.check()?;
        let name = if self.name.trim().is_empty() { host_part(&host) } else { self.name.trim().to_owned() };
        let monitors = Monitors::default().with(self.monitors(kind));
        Ok(InstanceDraft {
            kind,
            name,
            host,
            credentials: only_way_in(kind, said),
            fingerprint: fingerprint(self.fingerprint.as_deref().unwrap_or_default())?,
            verify_tls: self.verify_ssl.unwrap_or(false),
            monitors,
            cluster: None,
        })
    }

    /// What is to change of a node of this kind.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is wrong.
    pub fn change(self, kind: InstanceKind) -> Result<InstanceChange, Failure> {
        self.check()?;
        let (name, host) = (self.name.trim(), self.host.trim());
        Ok(InstanceChange {
            name: (!name.is_empty()).then(|| name.to_owned()),
            host: if host.is_empty() { None } else { Some(normalized(host, kind)?) },
            credentials: self.credentials(kind),
            fingerprint: self.fingerprint.as_deref().map(fingerprint).transpose()?,
            verify_tls: self.verify_ssl,
            monitors: self.monitors(kind),
        })
    }

    fn check(&self) -> Result<(), Failure> {
        let texts = [&self.name, &self.user, &self.password, &self.token_name, &self.token_value];
        let is_fine = |text: &&String| text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control);
        // They become parts of headers and ids.
        if texts.iter().all(is_fine) { Ok(()) } else { Err(bad(read::INVALID_BODY)) }
    }

    fn credentials(&self, kind: InstanceKind) -> Credentials {
        let user = match kind {
            InstanceKind::Pbs if !self.user.is_empty() && !self.user.contains('@') => format!("{}@pbs", self.user),
            _ => self.user.clone(),
        };
        Credentials {
            token_name: whole_token_name(&user, &self.token_name),
            user,
            password: self.password.clone(),
            token_value: self.token_value.clone(),
        }
    }

    fn monitors(&self, kind: InstanceKind) -> MonitorsChange {
        MonitorsChange {
            vms: self.monitor_vms,
            containers: self.monitor_containers,
            storage: self.monitor_storage,
            // Of a Backup Server they are always looked at.
            backups: if kind == InstanceKind::Pbs { Some(true) } else { self.monitor_backups },
            datastores: self.monitor_datastores,
            sync_jobs: self.monitor_sync_jobs,
            verify_jobs: self.monitor_verify_jobs,
            prune_jobs: self.monitor_prune_jobs,
            garbage_jobs: self.monitor_garbage_jobs,
        }
    }
}

/// The name of a token with its user, where that is known: `user@realm!id`.
pub fn whole_token_name(user: &str, token: &str) -> String {
    if token.is_empty() || token.contains('!') || !user.contains('@') {
        return token.to_owned();
    }
    format!("{user}!{token}")
}

/// A token takes the place of a password, and of a Backup Server's user too.
fn only_way_in(kind: InstanceKind, said: Credentials) -> Credentials {
    if said.token_name.is_empty() || said.token_value.is_empty() {
        return Credentials { token_name: String::new(), token_value: String::new(), ..said };
    }
    let user = if kind == InstanceKind::Pbs { String::new() } else { said.user };
    Credentials { user, password: String::new(), ..said }
}

/// A fingerprint in pairs of hexadecimal digits with colons, or nothing.
fn fingerprint(text: &str) -> Result<String, Failure> {
    let digits: String = text.chars().filter(|one| *one != ':' && !one.is_whitespace()).collect();
    if digits.is_empty() {
        return Ok(String::new());
    }
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(bad("Invalid fingerprint: a SHA-256 in hexadecimal is needed"));
    }
    let upper = digits.to_ascii_uppercase();
    let pairs: Vec<&str> = (0..32).filter_map(|pair| upper.get(pair * 2..pair * 2 + 2)).collect();
    Ok(pairs.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(body: &str) -> Result<InstanceDraft, Failure> {
        NodeRequest::parse(body.as_bytes()).and_then(NodeRequest::draft)
    }

    #[test]
    fn what_is_wrong_first_is_told_first() {
        for (body, words) in [
            ("", "Invalid request body"),
            ("[]", "Invalid request body"),
            (r#"{"host":1}"#, "Invalid request body"),
            (r#"{"monitorVMs":"yes"}"#, "Invalid request body"),
            ("{}", "Host is required"),
            (r#"{"type":"x","host":""}"#, "Host is required"),
            (r#"{"host":"a b"}"#, "Invalid node type"),
            (r#"{"type":"pmg","host":"a"}"#, "Invalid node type"),
            (r#"{"type":"pve","host":"a b"}"#, "Authentication credentials required"),
            (r#"{"type":"pve","host":"a","user":"u@pam"}"#, "Authentication credentials required"),
            (r#"{"type":"pve","host":"a","tokenName":"t"}"#, "Authentication credentials required"),
            (r#"{"type":"pve","host":"a b","user":"u@pam","password":"p"}"#, "Invalid host format"),
            ("{\"type\":\"pve\",\"host\":\"a\",\"user\":\"u@pam\",\"password\":\"p\\n\"}", "Invalid request body"),
            (
                r#"{"type":"pve","host":"a","user":"u@pam","password":"p","fingerprint":"AB"}"#,
                "Invalid fingerprint: a SHA-256 in hexadecimal is needed",
            ),
        ] {
            assert_eq!(draft(body), Err(bad(words)), "{body}");
        }
    }

    #[test]
    fn a_new_node_has_what_is_said_and_what_goes_without_saying() {
        let made = draft(r#"{"type":"pve","host":"192.0.2.10","user":"monitor@pve","password":"secret"}"#).unwrap();
        assert_eq!((made.name.as_str(), made.host.as_str()), ("192.0.2.10", "https://192.0.2.10:8006"));
        assert_eq!((made.monitors, made.verify_tls, made.fingerprint.as_str()), (Monitors::default(), false, ""));
        let token = r#"{"type":"pve","name":"lab","host":"pve1","user":"m@pve","password":"p","tokenName":"t","tokenValue":"v","monitorVMs":false,"verifySSL":true}"#;
        let made = draft(token).unwrap();
        let token = Credentials {
            user: "m@pve".to_owned(),
            token_name: "m@pve!t".to_owned(),
            token_value: "v".to_owned(),
            ..Credentials::default()
        };
        assert_eq!((made.credentials, made.monitors.vms, made.verify_tls), (token, false, true));
        let marked =
            format!(r#"{{"type":"pve","host":"a","user":"u@pam","password":"p","fingerprint":"{}"}}"#, "aB".repeat(32));
        assert!(draft(&marked).unwrap().fingerprint.starts_with("AB:AB:AB"));
    }

    #[test]
    fn a_backup_server_has_its_realm_and_one_way_in() {
        let made = draft(r#"{"type":"pbs","host":"b1","user":"admin","password":"p","monitorBackups":false,"monitorGarbageJobs":true}"#).unwrap();
        assert_eq!((made.credentials.user.as_str(), made.host.as_str()), ("admin@pbs", "https://b1:8007"));
        assert!(made.monitors.backups && made.monitors.garbage_jobs);
        let made =
            draft(r#"{"type":"pbs","host":"b1","user":"m","password":"p","tokenName":"t1","tokenValue":"v"}"#).unwrap();
        let token =
            Credentials { token_name: "m@pbs!t1".to_owned(), token_value: "v".to_owned(), ..Credentials::default() };
        assert_eq!(made.credentials, token);
    }

    #[test]
    fn a_change_says_what_it_says() {
        let change = |body: &str, kind| NodeRequest::parse(body.as_bytes()).unwrap().change(kind);
        assert_eq!(change(r#"{"name":"","host":"","user":null}"#, InstanceKind::Pve), Ok(InstanceChange::default()));
        let said = change(
            r#"{"type":"pve","name":"n","host":"b1","user":"u","fingerprint":"","monitorDatastores":false}"#,
            InstanceKind::Pbs,
        )
        .unwrap();
        assert_eq!((said.name.as_deref(), said.host.as_deref()), (Some("n"), Some("https://b1:8007")));
        assert_eq!((said.credentials.user.as_str(), said.fingerprint.as_deref()), ("u@pbs", Some("")));
        assert_eq!((said.monitors.datastores, said.monitors.backups, said.verify_tls), (Some(false), Some(true), None));
        assert_eq!(change(r#"{"host":"a:0"}"#, InstanceKind::Pve), Err(bad("Invalid port number")));
    }

    #[test]
    fn secrets_are_in_no_log() {
        let request =
            NodeRequest::parse(br#"{"type":"pve","host":"a","password":"hidden","tokenValue":"hidden"}"#).unwrap();
        assert!(!format!("{request:?}").contains("hidden"));
    }
}
