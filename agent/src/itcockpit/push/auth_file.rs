//! The file with this agent's name and password at the server. Source: openitcockpit specification, 1.6.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::files;
use crate::itcockpit::settings;

const PRIVATE: u32 = 0o600;

/// Who this agent is to the server. Its `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// A UUID, made on the first start.
    pub uuid: String,
    /// Empty before the server has given one.
    #[serde(default)]
    pub password: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").field("uuid", &self.uuid).finish_non_exhaustive()
    }
}

/// The file, and what stands in it.
#[derive(Debug)]
pub struct AuthFile {
    path: PathBuf,
    identity: Identity,
}

impl AuthFile {
    /// Reads it. Where there is none, or it names nobody, a new name is made; [`AuthFile::save`] keeps it.
    ///
    /// # Errors
    /// When it cannot be read, or what stands there is something else: it must not be overwritten then.
    pub fn open(path: &Path) -> Result<Self, ConfigError> {
        let wrong = |error: &dyn fmt::Display| ConfigError::new(format!("the authfile {}: {error}", path.display()));
        let found = match settings::read(path) {
            Ok(text) => serde_json::from_str(&text)
                // What serde says may repeat a password.
                .map_err(|_| wrong(&"it is no JSON object with `uuid` and `password`"))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Identity { uuid: String::new(), password: String::new() }
            }
            Err(error) => return Err(wrong(&error)),
        };
        let identity =
            if found.uuid.is_empty() { Identity { uuid: new_uuid()?, password: String::new() } } else { found };
        Ok(Self { path: path.to_owned(), identity })
    }

    /// Who this agent is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Writes it, for its owner alone to read.
    ///
    /// # Errors
    /// In words.
    pub fn save(&self) -> Result<(), String> {
        let text = serde_json::to_string(&self.identity).map_err(|error| error.to_string())?;
        files::replace(&self.path, text, PRIVATE, None)
            .map_err(|error| format!("cannot write the authfile {}: {error}", self.path.display()))
    }

    /// Takes the server's password, and writes it.
    ///
    /// # Errors
    /// In words; the password holds until the agent ends, all the same.
    pub fn take(&mut self, password: String) -> Result<(), String> {
        self.identity.password = password;
        self.save()
    }
}

/// A UUID of version 4. Source: RFC 9562, 5.4.
fn new_uuid() -> Result<String, ConfigError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| ConfigError::new(format!("no random numbers: {error}")))?;
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | (4 << 76) | (2 << 62);
    let hex = format!("{number:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or_default().to_owned());
    Ok(parts.join("-"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::testing::TestDirectory;

    #[test]
    fn a_new_agent_gets_a_name_that_stays_and_a_private_file() {
        let directory = TestDirectory::new();
        let path = directory.path().join("auth.json");
        let mut file = AuthFile::open(&path).unwrap();
        let uuid = file.identity().uuid.clone();
        let shape: String = uuid.chars().map(|letter| if letter.is_ascii_hexdigit() { 'x' } else { letter }).collect();
        assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
        assert!(uuid.as_bytes()[14] == b'4' && b"89ab".contains(&uuid.as_bytes()[19]) && uuid == uuid.to_lowercase());
        file.save().unwrap();
        let text = || std::fs::read_to_string(&path).unwrap();
        assert_eq!(text(), format!(r#"{{"uuid":"{uuid}","password":""}}"#));
        file.take("5f0c".to_owned()).unwrap();
        assert_eq!(text(), format!(r#"{{"uuid":"{uuid}","password":"5f0c"}}"#));
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let again = AuthFile::open(&path).unwrap();
        assert_eq!(*again.identity(), Identity { uuid, password: "5f0c".to_owned() });
        assert!(!format!("{again:?}").contains("5f0c"));
    }

    #[test]
    fn a_file_without_a_name_gets_one_and_another_file_is_left_alone() {
        let directory = TestDirectory::new();
        let path = directory.path().join("auth.json");
        std::fs::write(&path, r#"{"uuid":"","password":"old"}"#).unwrap();
        let identity = AuthFile::open(&path).unwrap().identity().clone();
        assert!(!identity.uuid.is_empty() && identity.password.is_empty());
        for other in ["", "password = hunter2", "[]"] {
            std::fs::write(&path, other).unwrap();
            let error = AuthFile::open(&path).unwrap_err().to_string();
            assert!(error.contains("auth.json") && !error.contains("hunter2"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
        }
        let nowhere = AuthFile::open(&directory.path().join("none/auth.json")).unwrap();
        assert!(nowhere.save().unwrap_err().contains("none/auth.json"));
    }
}
