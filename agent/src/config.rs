//! The configuration: a file, then the environment, then flags, made into one validated [`Config`]. Nothing reads the
//! environment later.
//!
//! The file holds lines `key = value`; `#` begins a comment line; a value may stand in double quotes.

mod url;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::collect::Selection;
use crate::log::Level;
use crate::secret::Secret;
use crate::spool;

pub use self::url::BaseUrl;

/// Where the file lies unless told otherwise.
pub const DEFAULT_FILE: &str = "/etc/edgewatch/agent.conf";
const DEFAULT_SECRET_FILE: &str = "/etc/edgewatch/secret";
const DEFAULT_STATE_DIR: &str = "/var/lib/edgewatch";
const DEFAULT_SPOOL_MIB: u64 = 8;
const DEFAULT_PERIOD_S: u32 = 10;
const DAY_S: u64 = 86_400;

/// Every key of the file, which is also a flag (`--state-dir`) and a variable (`EDGEWATCH_STATE_DIR`).
pub const KEYS: [&str; 22] = [
    "url",
    "name",
    "tag",
    "secret_file",
    "token_file",
    "state_dir",
    "period_s",
    "frame_s",
    "spool_max_mib",
    "transport",
    "ca_file",
    "insecure_http",
    "mounts",
    "interfaces",
    "addresses",
    "log_level",
    "probes",
    "details",
    "hide_for_guest",
    "itcockpit_config",
    "proxmox",
    "proxmox_config",
];

/// Names that the bootstrap script of the product before us uses for the same things.
const OTHER_NAMES: [(&str, &str); 2] = [("url", "NEZHA_DASHBOARD_URL"), ("name", "NODE_NAME")];

/// What is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// An error in these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

/// Values by key, of one source or several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layer(BTreeMap<&'static str, String>);

impl Layer {
    /// Sets a value. False when there is no such key.
    pub fn set(&mut self, key: &str, value: String) -> bool {
        match KEYS.iter().find(|known| **known == key) {
            Some(key) => {
                self.0.insert(key, value);
                true
            }
            None => false,
        }
    }

    /// The value of a key. An empty one is none: it takes back what a lower layer says.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn over(mut self, below: Self) -> Self {
        for (key, value) in below.0 {
            self.0.entry(key).or_insert(value);
        }
        self
    }
}

/// How reports travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// By a WebSocket, and by POST while something in between refuses one.
    #[default]
    Auto,
    /// By a WebSocket and nothing else.
    WebSocket,
    /// By POST and nothing else.
    Post,
}

impl Transport {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "auto" => Self::Auto,
            "websocket" => Self::WebSocket,
            "post" => Self::Post,
            _ => return None,
        })
    }
}

/// The environment as a function, so that tests have their own.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How the agent works.
#[derive(Debug, Clone)]
pub struct Config {
    url: Option<BaseUrl>,
    /// What the host is called; its own name when `None`.
    pub name: Option<String>,
    /// The group to register in.
    pub tag: Option<String>,
    /// Where the host's secret lies.
    pub secret_file: PathBuf,
    secret: Option<Secret>,
    token_file: Option<PathBuf>,
    token: Option<Secret>,
    /// Where the spool and the status lie.
    pub state_dir: PathBuf,
    /// Seconds between two samples: the server may ask for more.
    pub period_s: u32,
    /// Seconds between two reports: the server may ask for more.
    pub frame_s: u32,
    spool_bytes: u64,
    /// How reports travel.
    pub transport: Transport,
    /// Trust only the certificates in this file.
    pub ca_file: Option<PathBuf>,
    /// The proxy to the server.
    pub proxy: Option<String>,
    /// What counts.
    pub selection: Selection,
    /// Addresses to show instead of what the server sees.
    pub addresses: Option<String>,
    /// Whether the host asks targets when the server wants it to.
    pub probes: bool,
    /// Whether what the stock Mackerel agent tells is measured once a minute too.
    pub details: bool,
    /// How much is logged.
    pub level: Level,
    /// Whether guests of the dashboard see the host, when it is registered.
    pub hide_for_guest: Option<bool>,
    /// The main file of the role of an openITCOCKPIT agent, when it is wanted.
    pub itcockpit_file: Option<PathBuf>,
    /// Whether hypervisors and backup servers of Proxmox are polled for the server.
    pub proxmox: bool,
    /// Those of them whose credentials stay on this machine.
    #[cfg_attr(not(feature = "proxmox"), expect(dead_code, reason = "only that role reads it"))]
    pub proxmox_file: Option<PathBuf>,
}

impl Config {
    /// The configuration of this process: `flags` over the environment over the file. A file that is not named is
    /// [`DEFAULT_FILE`] below `root`.
    ///
    /// # Errors
    /// [`ConfigError`] with what to do about it.
    pub fn load(
        file: Option<&Path>,
        root: &Path,
        flags: Layer,
        environment: Environment<'_>,
    ) -> Result<Self, ConfigError> {
        let named = file.map(Path::to_owned).or_else(|| environment("EDGEWATCH_CONFIG").map(PathBuf::from));
        let path = named.clone().unwrap_or_else(|| below(root, Path::new(DEFAULT_FILE)));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => String::new(),
            Err(error) => return Err(ConfigError::new(format!("cannot read {}: {error}", path.display()))),
        };
        let lines =
            parse_file(&text, &path).map_err(|error| ConfigError::new(format!("{}: {error}", path.display())))?;
        Self::of(&given(flags, environment).over(lines), environment)
    }

    fn of(values: &Layer, environment: Environment<'_>) -> Result<Self, ConfigError> {
        let insecure_http = truth(values, "insecure_http")?.unwrap_or(false);
        let url = values.get("url").map(|url| BaseUrl::parse(url, insecure_http)).transpose()?;
        let period_s = number(values, "period_s", 1..=3600)?.map_or(DEFAULT_PERIOD_S, truncate);
        let frame_s = number(values, "frame_s", 1..=86_400)?.map_or(period_s, truncate);
        let path = |key| values.get(key).map(PathBuf::from);
        let secret = |name: &str| environment(name).map(|text| Secret::parse(&text, name)).transpose();
        let level = values.get("log_level").unwrap_or("info");
        let transport = values.get("transport").unwrap_or("auto");
        Ok(Self {
            proxy: url.as_ref().and_then(|url| url.proxy(environment)),
            url,
            name: values.get("name").map(str::to_owned),
            tag: values.get("tag").map(str::to_owned),
            secret_file: path("secret_file").unwrap_or_else(|| DEFAULT_SECRET_FILE.into()),
            secret: secret("EDGEWATCH_SECRET")?,
            token_file: path("token_file"),
            token: secret("EDGEWATCH_TOKEN")?.map_or_else(|| secret("NEZHA_TOKEN"), |token| Ok(Some(token)))?,
            state_dir: path("state_dir").unwrap_or_else(|| DEFAULT_STATE_DIR.into()),
            period_s,
            frame_s: frame_s.max(period_s),
            spool_bytes: number(values, "spool_max_mib", 1..=1024)?.unwrap_or(DEFAULT_SPOOL_MIB) << 20,
            transport: Transport::parse(transport).ok_or_else(|| {
                ConfigError::new(format!("transport is `{transport}`; choose auto, websocket or post"))
            })?,
            ca_file: path("ca_file"),
            selection: Selection { mounts: list(values, "mounts"), interfaces: list(values, "interfaces") },
            addresses: values.get("addresses").map(str::to_owned),
            probes: truth(values, "probes")?.unwrap_or(true),
            details: truth(values, "details")?.unwrap_or(true),
            level: Level::parse(level).ok_or_else(|| {
                ConfigError::new(format!("log_level is `{level}`; choose error, warn, info or debug"))
            })?,
            hide_for_guest: truth(values, "hide_for_guest")?,
            itcockpit_file: path("itcockpit_config"),
            // Whoever names instances wants them polled.
            proxmox: truth(values, "proxmox")?.unwrap_or_else(|| values.get("proxmox_config").is_some()),
            proxmox_file: path("proxmox_config"),
        })
    }

    /// The server.
    ///
    /// # Errors
    /// When none is configured.
    pub fn server(&self) -> Result<&BaseUrl, ConfigError> {
        self.url.as_ref().ok_or_else(|| {
            ConfigError::new(format!(
                "no server: set `url` in {DEFAULT_FILE}, the variable EDGEWATCH_URL, or the flag --url"
            ))
        })
    }

    /// This host's secret, from the environment or its file; `None` before the host is registered.
    ///
    /// # Errors
    /// When there is a file that must not be used.
    pub fn secret(&self) -> Result<Option<Secret>, ConfigError> {
        self.secret.clone().map_or_else(|| Secret::read(&self.secret_file), |secret| Ok(Some(secret)))
    }

    /// The secret in the environment alone.
    pub fn given_secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// The token that may register hosts, from its file or the environment; `None` when there is none.
    ///
    /// # Errors
    /// When the file named for it cannot be used.
    pub fn token(&self) -> Result<Option<Secret>, ConfigError> {
        let Some(path) = &self.token_file else { return Ok(self.token.clone()) };
        let token = Secret::read(path)?;
        token.map_or_else(
            || Err(ConfigError::new(format!("there is no file {}", path.display()))),
            |token| Ok(Some(token)),
        )
    }

    /// How much the spool may hold: a day.
    pub fn spool_limits(&self) -> spool::Limits {
        spool::Limits { samples: (DAY_S / u64::from(self.period_s)).max(1), bytes: self.spool_bytes }
    }
}

/// Where a path lies in the file system with that root.
pub fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// What was said for this run: flags over the environment.
pub fn given(flags: Layer, environment: Environment<'_>) -> Layer {
    flags.over(parse_environment(environment))
}

/// The lines of the configuration file at `path`. A stock openITCOCKPIT agent's main file switches its role on, and our keys stand in a
/// section of it.
///
/// # Errors
/// A line that is none, or a key that is unknown, with the line's number.
fn parse_file(text: &str, path: &Path) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    if let Some(own) = itcockpit_keys(text) {
        for (key, value) in own {
            set(&mut layer, &key, value).map_err(|error| ConfigError::new(format!("[edgewatch] {error}")))?;
        }
        layer.set("itcockpit_config", path.to_string_lossy().into_owned());
        return Ok(layer);
    }
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let at = |words: String| ConfigError::new(format!("line {}: {words}", index + 1));
        let (key, value) = line.split_once('=').ok_or_else(|| at("expected `key = value`".to_owned()))?;
        let (key, value) = (key.trim(), value.trim());
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        set(&mut layer, key, value.to_owned()).map_err(at)?;
    }
    Ok(layer)
}

#[cfg(feature = "itcockpit")]
fn itcockpit_keys(text: &str) -> Option<BTreeMap<String, String>> {
    crate::itcockpit::own_keys(text)
}

/// Built without that role, such a file is none of ours.
#[cfg(not(feature = "itcockpit"))]
fn itcockpit_keys(_: &str) -> Option<BTreeMap<String, String>> {
    None
}

fn set(layer: &mut Layer, key: &str, value: String) -> Result<(), String> {
    if matches!(key, "secret" | "token") {
        return Err(format!("a {key} does not belong here; put it into a file of mode 0600 and set `{key}_file`"));
    }
    if layer.set(key, value) { Ok(()) } else { Err(format!("unknown key `{key}`; known are {}", KEYS.join(", "))) }
}

fn parse_environment(environment: Environment<'_>) -> Layer {
    let mut layer = Layer::default();
    for (key, name) in OTHER_NAMES {
        if let Some(value) = environment(name) {
            layer.set(key, value);
        }
    }
    for key in KEYS {
        if let Some(value) = environment(&format!("EDGEWATCH_{}", key.to_uppercase())) {
            layer.set(key, value);
        }
    }
    layer
}

fn number(values: &Layer, key: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, ConfigError> {
    let Some(text) = values.get(key) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.map(Some).ok_or_else(|| {
        ConfigError::new(format!(
            "{key} is `{text}`; a whole number from {} to {} is expected",
            range.start(),
            range.end()
        ))
    })
}

fn truncate(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn truth(values: &Layer, key: &str) -> Result<Option<bool>, ConfigError> {
    match values.get(key) {
        None => Ok(None),
        Some("true" | "yes" | "on" | "1") => Ok(Some(true)),
        Some("false" | "no" | "off" | "0") => Ok(Some(false)),
        Some(text) => Err(ConfigError::new(format!("{key} is `{text}`; true or false is expected"))),
    }
}

fn list(values: &Layer, key: &str) -> Vec<String> {
    let parts = values.get(key).unwrap_or_default().split(',');
    parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
