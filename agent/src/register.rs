//! `register`: makes this machine a host of the server and keeps the secret it is given.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Config, ConfigError};
use crate::failed::Failed;
use crate::push::https::Client;
use crate::secret::Secret;
use crate::{collect, files, install, run};

/// Source: the registration of the product before us, `POST /api/v1/server/register`.
const PATH: &str = "/api/v1/server/register";
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RegisterRequest<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
    /// Quirk: hidden exactly when the text is `on`.
    #[serde(skip_serializing_if = "Option::is_none")]
    hide_for_guest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine_id: Option<&'a str>,
    /// Proves that a machine known already is ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

/// Quirk: a refusal has status 200 and says so by `code`.
#[derive(Debug, Deserialize)]
struct RegisterReply {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    secret: String,
}

/// Registers this machine and keeps its secret. Twice keeps one host. Returns what to tell people.
///
/// # Errors
/// [`Failed`] when the server refuses or cannot be reached, or the secret cannot be kept.
pub fn register(config: &Config, owner: Option<(u32, u32)>) -> Result<String, Failed> {
    let server = config.server()?;
    let token = config.token()?.ok_or_else(|| {
        ConfigError::new("no token: set EDGEWATCH_TOKEN, or name a file of mode 0600 by --token-file")
    })?;
    let known = config.secret()?;
    let name = config.name.clone().or_else(collect::host_name);
    let machine_id = collect::machine_id();
    let request = RegisterRequest {
        name: name.as_deref().unwrap_or_default(),
        tag: config.tag.as_deref(),
        hide_for_guest: config.hide_for_guest.map(|is_hidden| if is_hidden { "on" } else { "off" }),
        machine_id: machine_id.as_deref(),
        secret: known.as_ref().map(Secret::reveal),
    };
    let body = serde_json::to_vec(&request).map_err(|error| Failed::new(error.to_string()))?;
    let failed = |error: crate::push::https::ClientError| Failed::new(error.to_string());
    let mut client = Client::new(&run::client_settings(config, TIMEOUT)?).map_err(failed)?;
    let answer = client.post(&format!("{}{PATH}", server.as_str()), token.reveal(), &body).map_err(failed)?;
    let secret = understand(answer.status, answer.body)?;

    let is_known = known.as_ref() == Some(&secret);
    keep(&config.secret_file, &secret, owner)?;
    Ok(format!(
        "{} at {} as `{}`; the secret is in {}",
        if is_known { "still registered" } else { "registered" },
        server.as_str(),
        name.as_deref().unwrap_or("this address"),
        config.secret_file.display()
    ))
}

fn understand(status: u16, body: &[u8]) -> Result<Secret, Failed> {
    let reply: Option<RegisterReply> = serde_json::from_slice(body).ok();
    let refused = |why: &str| Failed::new(format!("the server refuses to register this host: {why}"));
    match reply {
        Some(RegisterReply { code: 200, secret, .. }) => {
            Secret::parse(&secret, "the server's answer").map_err(|error| Failed::new(error.to_string()))
        }
        Some(RegisterReply { code: 403, message, .. }) => {
            Err(refused(&format!("{message} (is the token right, and may it register hosts?)")))
        }
        Some(reply) => Err(refused(&format!("{} (code {})", reply.message, reply.code))),
        None => Err(Failed::new(format!(
            "the server's answer is none to a registration (status {status}); is the URL right?"
        ))),
    }
}

fn keep(path: &Path, secret: &Secret, owner: Option<(u32, u32)>) -> Result<(), Failed> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory)
            .map_err(|error| Failed::new(format!("cannot make {}: {error}", directory.display())))?;
    }
    // The service reads the file under its own user; an older file's owner is kept.
    let owner = owner.or_else(|| if path.exists() { None } else { install::service_user() });
    files::replace(path, format!("{}\n", secret.reveal()), 0o600, owner)
        .map_err(|error| Failed::new(format!("cannot write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_gives_a_secret() {
        let body = br#"{"code":200,"message":"Server created successfully","secret":"Yejw9jNvi4GJhxTMZg"}"#;
        assert_eq!(understand(200, body).unwrap().reveal(), "Yejw9jNvi4GJhxTMZg");
    }

    #[test]
    fn refusals_come_with_status_200_too() {
        let refused = understand(200, br#"{"code":403,"message":"Unauthorized"}"#).unwrap_err().to_string();
        assert!(refused.contains("token"), "{refused}");
        let refused =
            understand(400, br#"{"code":400,"message":"Parse JSON failed","secret":""}"#).unwrap_err().to_string();
        assert!(refused.contains("Parse JSON failed"), "{refused}");
        assert!(understand(200, b"<html>").unwrap_err().to_string().contains("URL"));
        assert!(understand(200, br#"{"code":200,"secret":""}"#).is_err());
    }

    #[test]
    fn absent_parts_are_not_sent() {
        let request =
            RegisterRequest { name: "alpha", tag: None, hide_for_guest: None, machine_id: None, secret: Some("s") };
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"Name":"alpha","Secret":"s"}"#);
    }
}
