//! `GET` and `POST /api/setup-script`: what makes a user and a token on a node and registers them. Source: pulse specification, 13.1.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::read::{self, bad, text};
use crate::failure::Failure;
use crate::model::proxmox::InstanceKind;
use crate::units::UnixSeconds;

const PVE: &str = include_str!("pve.sh");
const PBS: &str = include_str!("pbs.sh");
/// The longest value that goes into a script, bytes.
const MAX_BYTES: usize = 1_024;

/// What a script is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct SetupRequest {
    /// `pve` or `pbs`; `pve` when empty.
    #[serde(rename = "type", deserialize_with = "text")]
    kind: String,
    /// The node's address; empty for the name it has itself.
    #[serde(deserialize_with = "text")]
    host: String,
    /// The server's address; empty for the one that was asked.
    #[serde(deserialize_with = "text")]
    pulse_url: String,
    /// Whether the monitor may see all backups.
    backup_perms: Option<bool>,
}

impl SetupRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for one that cannot be read.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        read::parse(body)
    }

    /// Reads the values of a query.
    pub fn of_query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut request = Self::default();
        for (name, value) in pairs {
            match name {
                "type" => value.clone_into(&mut request.kind),
                "host" => value.clone_into(&mut request.host),
                "pulse_url" => value.clone_into(&mut request.pulse_url),
                "backup_perms" => request.backup_perms = Some(value == "true"),
                _ => {}
            }
        }
        request
    }

    /// The script, from a server that is asked at `own_url`.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for a kind that is none, and for values that no address can have.
    pub fn script(&self, own_url: &str, now: UnixSeconds) -> Result<SetupScript, Failure> {
        let kind = match self.kind.as_str() {
            "" => InstanceKind::Pve,
            word => InstanceKind::parse(word).ok_or_else(|| bad("Invalid node type"))?,
        };
        let url = if self.pulse_url.is_empty() { own_url } else { &self.pulse_url }.trim_end_matches('/');
        if !(url.starts_with("https://") || url.starts_with("http://")) || !is_line(url) || url.contains(' ') {
            return Err(bad("Invalid pulse_url"));
        }
        if !is_line(&self.host) {
            return Err(bad("Invalid host format"));
        }
        let (template, word) = match kind {
            InstanceKind::Pve => (PVE, "pve"),
            InstanceKind::Pbs => (PBS, "pbs"),
        };
        let values = [
            ("@PULSE_URL@", quoted(url)),
            ("@HOST@", quoted(self.host.trim())),
            ("@TOKEN_NAME@", quoted(&token_name(url, now))),
            ("@BACKUP_PERMS@", quoted(if self.backup_perms == Some(true) { "true" } else { "false" })),
        ];
        Ok(SetupScript { script: filled(template, &values), filename: format!("pulse-setup-{word}.sh") })
    }
}

/// A script, and the answer to those who want it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetupScript {
    /// Its text.
    pub script: String,
    /// What to call it.
    pub filename: String,
}

/// `POST /api/setup-script-url`: a command to type on a node, with a code that lets it register itself once. Source: pulse
/// specification, 13.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SetupUrlReply {
    url: String,
    command: String,
    /// Unix seconds.
    expires: i64,
    setup_token: String,
    /// What may be shown of it.
    token_hint: String,
    command_with_env: String,
    command_without_env: String,
}

impl SetupUrlReply {
    /// For how long a code is good, seconds.
    pub const VALIDITY_S: i64 = 300;

    /// The answer to `request` from a server that is asked at `own_url`, with a code that is good until `expires`.
    ///
    /// # Errors
    /// As [`SetupRequest::script`]; and where no kind or no host is said.
    pub fn new(request: &SetupRequest, own_url: &str, code: &str, expires: UnixSeconds) -> Result<Self, Failure> {
        if request.kind.is_empty() || request.host.trim().is_empty() {
            return Err(bad("Missing required fields"));
        }
        request.script(own_url, expires)?;
        let base = own_url.trim_end_matches('/');
        let perms = if request.backup_perms == Some(true) { "&backup_perms=true" } else { "" };
        let (host, pulse_url) = (in_query(request.host.trim()), in_query(base));
        let url = format!("{base}/api/setup-script?type={}&host={host}&pulse_url={pulse_url}{perms}", request.kind);
        let plain = format!("curl -sSL {} | bash", quoted(&url));
        let with_env = format!("curl -sSL {} | PULSE_SETUP_TOKEN={} bash", quoted(&url), quoted(code));
        let hint: String = code
            .chars()
            .take(3)
            .chain("…".chars())
            .chain(code.chars().skip(code.chars().count().saturating_sub(3)))
            .collect();
        Ok(Self {
            url,
            command: with_env.clone(),
            expires: expires.0,
            setup_token: code.to_owned(),
            token_hint: hint,
            command_with_env: with_env,
            command_without_env: plain,
        })
    }
}

/// A text as a value of a query.
fn in_query(text: &str) -> String {
    let one = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

fn is_line(text: &str) -> bool {
    text.len() <= MAX_BYTES && !text.chars().any(char::is_control)
}

/// A text that a shell takes as it is, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The template with each mark's first place filled. One pass: what was filled in is not looked at again.
fn filled(template: &str, values: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(template.len() + 256);
    for line in template.split_inclusive('\n') {
        let value = values.iter().find_map(|(mark, value)| Some((line.split_once(mark)?, value)));
        match value {
            Some(((before, after), value)) => {
                out.push_str(before);
                out.push_str(value);
                out.push_str(after);
            }
            None => out.push_str(line),
        }
    }
    out
}

/// Such as `pulse-192-0-2-5-1754995749`. Source: pulse specification, 13.1.
pub fn token_name(url: &str, now: UnixSeconds) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let part = |one: char| if one.is_ascii_alphanumeric() { one } else { '-' };
    let host: String = host.chars().take(80).map(part).collect();
    format!("pulse-{}-{now}", host.trim_matches('-'))
}
