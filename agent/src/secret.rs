//! Secrets: read from files that only their owner can read, never shown.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::config::ConfigError;

/// Longer than any secret or token we know.
const MOST_BYTES: u64 = 4096;

/// A secret or token. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret in a text, blanks around it cut off.
    ///
    /// # Errors
    /// When the text is empty or cannot stand in a header. `source` names where it came from.
    pub fn parse(text: &str, source: &str) -> Result<Self, ConfigError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ConfigError::new(format!("{source} is empty")));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.len() > 512 {
            return Err(ConfigError::new(format!(
                "{source} does not hold a secret: one word of letters and digits is expected"
            )));
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret in a file; `None` when there is no such file.
    ///
    /// # Errors
    /// When the file can be read by others than its owner, or not by us, or holds no secret.
    pub fn read(path: &Path) -> Result<Option<Self>, ConfigError> {
        let shown = path.display();
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ConfigError::new(format!("cannot read {shown}: {error}"))),
        };
        let unreadable = |error: std::io::Error| ConfigError::new(format!("cannot read {shown}: {error}"));
        let mode = file.metadata().map_err(unreadable)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(ConfigError::new(format!(
                "{shown} can be read by others (mode {mode:04o}); run `chmod 600 {shown}`, and consider a new secret"
            )));
        }
        let mut text = String::new();
        file.take(MOST_BYTES).read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(&text, &shown.to_string()).map(Some)
    }

    /// The secret itself, for the one place that sends or stores it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::testing::TestDirectory;

    fn read(text: &str, mode: u32) -> Result<Option<Secret>, ConfigError> {
        let directory = TestDirectory::new();
        let path = directory.path().join("secret");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        Secret::read(&path)
    }

    #[test]
    fn a_private_file_is_read() {
        assert_eq!(read("Yejw9jNvi4GJhxTMZg\n", 0o600).unwrap().unwrap().reveal(), "Yejw9jNvi4GJhxTMZg");
        assert!(read("x", 0o400).is_ok());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_remedy() {
        for mode in [0o640, 0o604, 0o644] {
            let error = read("Yejw9jNvi4GJhxTMZg", mode).unwrap_err().to_string();
            assert!(error.contains("chmod 600"), "{error}");
            assert!(!error.contains("Yejw"), "{error}");
        }
    }

    #[test]
    fn no_file_is_no_secret_and_an_empty_one_is_an_error() {
        assert_eq!(Secret::read(Path::new("/no/such/file")).unwrap(), None);
        assert!(read(" \n", 0o600).is_err());
        assert!(read("two words", 0o600).is_err());
    }

    #[test]
    fn a_secret_is_never_shown() {
        assert_eq!(format!("{:?}", Secret::parse("abc", "x").unwrap()), "Secret(…)");
    }
}
