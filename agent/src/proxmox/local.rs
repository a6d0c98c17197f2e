//! Instances whose credentials stay on this machine: the file that `proxmox_config` names.
//!
//! ```text
//! [discover]
//! networks = 192.0.2.0/24
//!
//! [lab]
//! kind = pve
//! host = https://192.0.2.10:8006
//! token_name = monitor@pve!t1
//! secret_file = /etc/edgewatch/lab.secret
//! ```

use std::path::{Path, PathBuf};

use edgewatch_core::dialects::native::proxmox::{Hidden, Instance, InstanceKind, LocalInstance};

use super::networks::Network;
use crate::config::ConfigError;
use crate::secret::Secret;

/// The section that is no instance.
const DISCOVER: &str = "discover";
/// A longer file is none of ours.
const MOST_BYTES: u64 = 256 * 1024;

/// What stands in the file.
#[derive(Debug, Default)]
pub struct Local {
    instances: Vec<Own>,
    /// Networks in which servers may be looked for.
    pub networks: Vec<Network>,
}

/// An instance of the file.
#[derive(Debug, Default)]
struct Own {
    key: String,
    instance: Instance,
    secret_file: Option<PathBuf>,
}

impl Local {
    /// Reads the file.
    ///
    /// # Errors
    /// With the line's number, and what is expected there.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let wrong = |error: &dyn std::fmt::Display| ConfigError::new(format!("{}: {error}", path.display()));
        let length = std::fs::metadata(path).map_err(|error| wrong(&error))?.len();
        if length > MOST_BYTES {
            return Err(wrong(&"the file is too long"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        Self::parse(&text).map_err(|error| wrong(&error))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut local = Self::default();
        let mut section: Option<String> = None;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            let at = |words: String| format!("line {}: {words}", index + 1);
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                let name = name.trim().to_owned();
                if name.is_empty() || local.instances.iter().any(|own| own.key == name) {
                    return Err(at("a section needs a name of its own".to_owned()));
                }
                if name != DISCOVER {
                    let instance = Instance { name: name.clone(), ..Instance::default() };
                    local.instances.push(Own { key: name.clone(), instance, secret_file: None });
                }
                section = Some(name);
                continue;
            }
            let (key, value) = line.split_once('=').ok_or_else(|| at("expected `key = value`".to_owned()))?;
            let value = value.trim();
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            match (section.as_deref(), local.instances.last_mut()) {
                (Some(DISCOVER), _) => local.discover(key.trim(), value).map_err(at)?,
                (Some(_), Some(own)) => own.set(key.trim(), value).map_err(at)?,
                _ => return Err(at("a section, such as [lab], comes first".to_owned())),
            }
        }
        match local.instances.iter().find(|own| own.instance.host.is_empty()) {
            Some(own) => Err(format!("[{}] has no host", own.key)),
            None => Ok(local),
        }
    }

    fn discover(&mut self, key: &str, value: &str) -> Result<(), String> {
        if key != "networks" {
            return Err(format!("unknown key `{key}`; known is networks"));
        }
        for text in value.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            self.networks.push(Network::parse(text)?);
        }
        Ok(())
    }

    /// As they are told to the edge.
    pub fn told(&self) -> Vec<LocalInstance> {
        let told = |own: &Own| LocalInstance {
            key: own.key.clone(),
            kind: own.instance.kind,
            name: own.instance.name.clone(),
            host: own.instance.host.clone(),
        };
        self.instances.iter().map(told).collect()
    }

    /// The instance of that key under the edge's `id`, with its secret, which is read anew; `None` for an unknown key.
    ///
    /// # Errors
    /// When the file with its secret cannot be used.
    pub fn instance(&self, key: &str, id: &str) -> Result<Option<Instance>, ConfigError> {
        let Some(own) = self.instances.iter().find(|own| own.key == key) else { return Ok(None) };
        let mut instance = Instance { id: id.to_owned(), local: Some(key.to_owned()), ..own.instance.clone() };
        if let Some(path) = &own.secret_file {
            let secret = Secret::read(path)?
                .ok_or_else(|| ConfigError::new(format!("[{key}]: there is no file {}", path.display())))?;
            let secret = Some(Hidden(secret.reveal().to_owned()));
            if instance.token_name.is_some() { instance.token_value = secret } else { instance.password = secret }
        }
        Ok(Some(instance))
    }
}

impl Own {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let Self { instance, secret_file, .. } = self;
        let text = || Some(value.to_owned()).filter(|value| !value.is_empty());
        let monitor = &mut instance.monitor;
        let truth = |into: &mut bool| {
            *into = match value {
                "true" | "yes" | "on" | "1" => true,
                "false" | "no" | "off" | "0" => false,
                _ => return Err(format!("{key} is `{value}`; true or false is expected")),
            };
            Ok(())
        };
        match key {
            "kind" => {
                instance.kind =
                    InstanceKind::parse(value).ok_or_else(|| format!("kind is `{value}`; choose pve or pbs"))?;
            }
            "name" => value.clone_into(&mut instance.name),
            "host" => value.clone_into(&mut instance.host),
            "user" => instance.user = text(),
            "token_name" => instance.token_name = text(),
            "secret_file" => *secret_file = text().map(PathBuf::from),
            "fingerprint" => instance.fingerprint = text(),
            "verify_tls" => truth(&mut instance.verify_tls)?,
            "vms" => truth(&mut monitor.vms)?,
            "containers" => truth(&mut monitor.containers)?,
            "storage" => truth(&mut monitor.storage)?,
            "backups" => truth(&mut monitor.backups)?,
            "datastores" => truth(&mut monitor.datastores)?,
            "sync_jobs" => truth(&mut monitor.sync_jobs)?,
            "verify_jobs" => truth(&mut monitor.verify_jobs)?,
            "prune_jobs" => truth(&mut monitor.prune_jobs)?,
            "garbage_jobs" => truth(&mut monitor.garbage_jobs)?,
            "password" | "token_value" | "token" | "secret" => {
                return Err(format!(
                    "a {key} does not belong here; put it into a file of mode 0600 and set `secret_file`"
                ));
            }
            _ => return Err(format!("unknown key `{key}`")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDirectory;

    const FILE: &str = "# ours\n[discover]\nnetworks = 192.0.2.0/30, 198.51.100.7/32\n\n[lab]\nkind = pve\nhost = https://pve1:8006\n\
        token_name = \"m@pve!t1\"\ncontainers = off\n[store]\nkind=pbs\nname = Store\nhost=pbs1\nuser=root\n";

    #[test]
    fn a_file_is_read() {
        let local = Local::parse(FILE).unwrap();
        let told = local.told();
        assert_eq!((told[0].key.as_str(), told[0].kind, told[0].name.as_str()), ("lab", InstanceKind::Pve, "lab"));
        assert_eq!((told[1].key.as_str(), told[1].kind, told[1].name.as_str()), ("store", InstanceKind::Pbs, "Store"));
        let lab = local.instance("lab", "7").unwrap().unwrap();
        assert!(!lab.monitor.containers && lab.monitor.vms);
        assert_eq!((lab.id.as_str(), lab.token_name.as_deref()), ("7", Some("m@pve!t1")));
        assert_eq!(local.networks.iter().map(|network| network.hosts().count()).sum::<usize>(), 3);
        assert!(local.instance("other", "7").unwrap().is_none());
    }

    #[test]
    fn a_secret_comes_from_a_private_file_and_never_from_this_one() {
        use std::os::unix::fs::PermissionsExt;
        let directory = TestDirectory::new();
        let path = directory.path().join("lab.secret");
        std::fs::write(&path, "s3cret\n").unwrap();
        let local =
            Local::parse(&format!("[lab]\nhost=h\ntoken_name=m@pve!t1\nsecret_file={}", path.display())).unwrap();
        assert!(local.instance("lab", "7").is_err(), "others can read it");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(local.instance("lab", "7").unwrap().unwrap().token_value, Some(Hidden("s3cret".to_owned())));
        assert!(Local::parse("[lab]\nhost=h\npassword=x").unwrap_err().contains("secret_file"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, words) in [
            ("host = x", "line 1: a section"),
            ("[a]\nhost=x\n[a]", "line 3: a section needs"),
            ("[a]\nkind = esx", "line 2: kind is `esx`"),
            ("[a]\nvms = maybe", "line 2: vms is `maybe`"),
            ("[a]\ncolour = red", "unknown key `colour`"),
            ("[a]\nhost", "expected `key = value`"),
            ("[a]\n", "[a] has no host"),
            ("[discover]\nnetworks = 10.0.0.0/8", "too large"),
        ] {
            let error = Local::parse(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
