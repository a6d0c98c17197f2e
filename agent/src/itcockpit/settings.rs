//! The stock agent's `config.ini`, made into one validated [`Settings`]. Pure but for [`load`].
//!
//! Source: openitcockpit specification, 9.2 to 9.4. Where the original would crash or never work, what it must have meant is taken and noted.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ini::{Ini, Section};
use super::target::Target;
use super::values::Values;
use crate::config::ConfigError;
use crate::inspect::Groups;

/// A file longer than this is none of ours, bytes.
pub const MOST_BYTES: u64 = 1 << 20;

/// Everything that the role is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The main file.
    pub file: PathBuf,
    /// Where the server listens; `None` when there is none.
    pub listen: Option<Listen>,
    /// How the server speaks TLS.
    pub tls: TlsFiles,
    /// `user:password` that the server wants, when it wants any.
    pub auth: Option<Credentials>,
    /// Whether `/config` answers.
    pub takes_config: bool,
    /// Whether `/config` may change what is run. Ours.
    pub takes_commands: bool,
    /// From one cycle to the next.
    pub interval: Duration,
    /// The file of custom checks.
    pub checks_file: Option<PathBuf>,
    /// Which groups a cycle looks at.
    pub groups: Groups,
    /// Where results are sent; `None` when they are not.
    pub push: Option<Push>,
    /// The file of exporters, and whether they are asked.
    pub exporters_file: Option<PathBuf>,
    /// Whether exporters are asked.
    pub has_exporters: bool,
    /// The software inventory.
    pub packages: Packages,
    /// The file with this agent's name and password at a server, whether or not results are sent.
    pub auth_file: PathBuf,
    /// The section `[edgewatch]`: keys of our own configuration, which this role does not read.
    pub own: BTreeMap<String, String>,
    /// What a person should be told about the file.
    pub notes: Vec<String>,
}

/// An address to listen at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// A name or an address, one of IPv6 in brackets; empty for all.
    pub address: String,
    /// 0 lets the system choose.
    pub port: u16,
}

/// How old TLS may be. Our library has no suite or group that `intermediate` would leave out of `lax`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// TLS 1.2 and newer.
    Lax,
    /// The same.
    Intermediate,
    /// TLS 1.3.
    Modern,
}

/// The server's certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Whether the three files of Auto-TLS are used once they are there.
    pub is_auto: bool,
    /// How old TLS may be.
    pub level: Level,
    /// The administrator's own certificate and key.
    pub own: Option<(PathBuf, PathBuf)>,
    /// The request of Auto-TLS.
    pub csr: Option<PathBuf>,
    /// The certificate of Auto-TLS.
    pub certificate: Option<PathBuf>,
    /// The key of Auto-TLS.
    pub key: Option<PathBuf>,
    /// Who may connect under Auto-TLS.
    pub authority: Option<PathBuf>,
}

/// `user:password`. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(String);

impl Credentials {
    /// The text itself, for the one place that compares it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(…)")
    }
}

/// Where results are sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Push {
    /// The server.
    pub target: Target,
    /// Its key for us; may be empty.
    pub api_key: String,
    /// Whether its certificate is checked.
    pub verifies: bool,
    /// How long one push may take.
    pub timeout: Duration,
    /// The proxy to it; the environment's when `None`.
    pub proxy: Option<String>,
    /// The file with this agent's UUID and password.
    pub auth_file: PathBuf,
}

impl fmt::Debug for Push {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Push").field("target", &self.target).finish_non_exhaustive()
    }
}

/// The software inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packages {
    /// Whether there is one.
    pub is_enabled: bool,
    /// Whether updates are looked for.
    pub checks_updates: bool,
    /// From one inventory to the next.
    pub interval: Duration,
    /// How much of a description is kept, bytes; `None` for all of it.
    pub description_bytes: Option<usize>,
}

/// Reads the file at `path`.
///
/// # Errors
/// [`ConfigError`] when it cannot be read or what it says cannot be done.
pub fn load(path: &Path) -> Result<Settings, ConfigError> {
    let text = read(path).map_err(|error| ConfigError::new(format!("cannot read {}: {error}", path.display())))?;
    parse(&text, path).map_err(|error| ConfigError::new(format!("{}: {error}", path.display())))
}

/// The text of a file, whatever its bytes.
///
/// # Errors
/// Those of the file system, and one for a file longer than [`MOST_BYTES`].
pub fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read;

    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(std::io::Error::other("it is longer than 1 MiB"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads the text of the file at `path`.
///
/// # Errors
/// [`ConfigError`] with what is wrong.
pub fn parse(text: &str, path: &Path) -> Result<Settings, ConfigError> {
    let ini = Ini::parse(text);
    if let Some(wrong) = ini.first_wrong() {
        return Err(ConfigError::new(wrong));
    }
    let main = Values::new("default", ini.section("default"));
    let oitc = Values::new("oitc", ini.section("oitc"));
    let prometheus = Values::new("prometheus", ini.section("prometheus"));
    let mut notes = Vec::new();
    let beside = |name: &str| path.parent().unwrap_or_else(|| Path::new("/")).join(name);

    let mut interval_s = main.number("interval", 30, 0..=86_400, &mut notes)?;
    if interval_s < 5 {
        notes.push(format!("[default] interval is {interval_s}; 5 seconds is the shortest"));
        interval_s = 5;
    }
    let pushes = oitc.truth("enabled", false)?;
    let listens = !pushes || oitc.truth("enable-webserver", false)?;
    let port = main.number("port", 3333, 0..=65_535, &mut notes)?;
    let listen = listens.then(|| Listen {
        address: main.raw("address").unwrap_or_default().to_owned(),
        port: u16::try_from(port).unwrap_or(3333),
    });
    let auth_file = oitc.path("authfile", None).unwrap_or_else(|| beside("auth.json"));
    let push = if pushes { Some(push(&oitc, interval_s, auth_file.clone(), &mut notes)?) } else { None };
    Ok(Settings {
        file: path.to_owned(),
        listen,
        tls: tls(&main, &beside, &mut notes)?,
        auth: credentials(&main)?,
        takes_config: main.truth("config-update-mode", false)?,
        takes_commands: main.truth("config-update-commands", false)?,
        interval: seconds(interval_s),
        checks_file: main.path("customchecks", Some(beside("customchecks.ini"))),
        groups: groups(&main)?,
        push,
        exporters_file: prometheus.path("exporters", Some(beside("prometheus_exporters.ini"))),
        has_exporters: prometheus.truth("enabled", false)?,
        packages: packages(&Values::new("packagemanager", ini.section("packagemanager")), &mut notes)?,
        auth_file,
        own: own(&ini),
        notes,
    })
}

/// The keys of our own configuration that stand in the section `[edgewatch]`, by name.
pub fn own(ini: &Ini) -> BTreeMap<String, String> {
    let entries = ini.section("edgewatch").into_iter().flat_map(Section::entries);
    entries.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Seconds that are not negative.
pub fn seconds(number: i64) -> Duration {
    Duration::from_secs(number.unsigned_abs())
}

fn tls(main: &Values<'_>, beside: &impl Fn(&str) -> PathBuf, notes: &mut Vec<String>) -> Result<TlsFiles, ConfigError> {
    let own = match (main.path("certfile", None), main.path("keyfile", None)) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => {
            notes.push("[default] certfile and keyfile stand together; one alone is left aside".to_owned());
            None
        }
    };
    Ok(TlsFiles {
        is_auto: main.truth("try-autossl", false)?,
        level: match main.raw("tls-security-level").unwrap_or_default().to_lowercase().as_str() {
            "intermediate" => Level::Intermediate,
            "modern" => Level::Modern,
            _ => Level::Lax,
        },
        own,
        csr: main.path("autossl-csr-file", Some(beside("agent.csr"))),
        certificate: main.path("autossl-crt-file", Some(beside("agent.crt"))),
        key: main.path("autossl-key-file", Some(beside("agent.key"))),
        authority: main.path("autossl-ca-file", Some(beside("server_ca.crt"))),
    })
}

fn credentials(main: &Values<'_>) -> Result<Option<Credentials>, ConfigError> {
    let Some(text) = main.text("auth").map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if !text.contains(':') {
        // The value may be a password: it is not repeated.
        return Err(ConfigError::new("[default] auth has no colon; `user:password` is expected"));
    }
    Ok(Some(Credentials(text.to_owned())))
}

/// What this program never has (Windows, macOS, libvirt) is read and left aside.
fn groups(main: &Values<'_>) -> Result<Groups, ConfigError> {
    // What has no group here must still be readable, as the original has it.
    for key in ["winservices", "wineventlog", "libvirt", "launchdservices", "qemustats", "alfrescostats"] {
        main.truth(key, true)?;
    }
    Ok(Groups {
        cpu: main.truth("cpustats", true)?,
        memory: main.truth("memory", true)?,
        swap: main.truth("swap", true)?,
        load: main.truth("load", true)?,
        disks: main.truth("diskstats", true)?,
        disk_io: main.truth("diskio", true)?,
        net_stats: main.truth("netstats", true)?,
        net_io: main.truth("netio", true)?,
        processes: main.truth("processstats", true)?,
        users: main.truth("userstats", true)?,
        // Quirk: off where the key is absent, although the shipped file has it on.
        sensors: main.truth("sensorstats", false)?,
        systemd: main.truth("systemdservices", true)?,
        docker: main.truth("dockerstats", false)?,
        ntp: main.truth("ntp", true)?,
    })
}

fn push(oitc: &Values<'_>, interval_s: i64, auth_file: PathBuf, notes: &mut Vec<String>) -> Result<Push, ConfigError> {
    let url = oitc.raw("url").unwrap_or_default();
    let target = Target::parse(url).map_err(|error| ConfigError::new(format!("[oitc] url {error}")))?;
    let api_key = oitc.raw("apikey").unwrap_or_default().to_owned();
    if !api_key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConfigError::new("[oitc] apikey holds what a header cannot hold"));
    }
    if let Some(proxy) = oitc.text("proxy") {
        // The URL may hold a password: it is not repeated here.
        ureq::Proxy::new(proxy)
            .map_err(|_| ConfigError::new("[oitc] proxy cannot be read; only HTTP proxies are used"))?;
    }
    let verifies = oitc.truth("verify-server-certificate", false)?;
    if target.is_tls() && !verifies {
        notes.push(
            "[oitc] verify-server-certificate is off: whoever stands between this agent and its server is believed"
                .to_owned(),
        );
    }
    let timeout_s = match oitc.number("timeout", 0, 0..=86_400, notes)? {
        0 => (interval_s - 1).max(1),
        timeout_s => timeout_s,
    };
    Ok(Push {
        target,
        api_key,
        verifies,
        timeout: seconds(timeout_s),
        proxy: oitc.text("proxy").map(str::to_owned),
        auth_file,
    })
}

fn packages(section: &Values<'_>, notes: &mut Vec<String>) -> Result<Packages, ConfigError> {
    section.truth("enable-alternative-packagemanagers", false)?;
    let minutes = section.number("check-interval", 60, 0..=525_600, notes)?;
    let description = section.number("limit-description-length", 80, -1..=1 << 20, notes)?;
    Ok(Packages {
        is_enabled: section.truth("enabled", true)?,
        checks_updates: section.truth("enable-update-check", true)?,
        interval: seconds(minutes.max(1) * 60),
        description_bytes: usize::try_from(description).ok(),
    })
}

#[cfg(test)]
mod tests;
