//! Files that are changed together or not at all, each with one backup of what it was.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::files;

/// Readable by their owner alone.
const PRIVATE: u32 = 0o600;

/// A file's new content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub content: Vec<u8>,
}

/// Makes the changes; the mode of a file that is there stays, a new one is private. Where one fails the others are taken back.
///
/// # Errors
/// The failure and the file it is about.
pub fn write(changes: &[Change]) -> Result<(), String> {
    let mut done: Vec<(&Path, Option<Vec<u8>>, u32)> = Vec::new();
    for Change { path, content } in changes {
        let mode = fs::metadata(path).map_or(PRIVATE, |data| data.mode() & 0o777);
        let result = read(path).and_then(|before| {
            if before.as_ref() == Some(content) {
                return Ok(());
            }
            if let Some(before) = &before {
                files::replace(&backup(path), before, PRIVATE, None)?;
            }
            files::replace(path, content, mode, None)?;
            done.push((path, before, mode));
            Ok(())
        });
        if let Err(error) = result {
            for (path, before, mode) in done {
                // The disk that failed may fail again; the backup is beside it.
                let _ = match before {
                    Some(before) => files::replace(path, before, mode, None),
                    None => fs::remove_file(path),
                };
            }
            return Err(format!("cannot write {}: {error}", path.display()));
        }
    }
    Ok(())
}

/// A file's content; `None` when there is no such file.
///
/// # Errors
/// Those of the file system.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a file's last content is kept.
fn backup(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".bak");
    name.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::testing::TestDirectory;

    fn change(path: &Path, content: &str) -> Change {
        Change { path: path.to_owned(), content: content.into() }
    }

    #[test]
    fn all_is_written_with_a_backup_and_modes_stay() {
        let directory = TestDirectory::new();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("old"), "one").unwrap();
        fs::set_permissions(at("old"), fs::Permissions::from_mode(0o640)).unwrap();
        write(&[change(&at("old"), "two"), change(&at("new"), "three")]).unwrap();
        let text = |name: &str| fs::read_to_string(at(name)).unwrap();
        assert_eq!((text("old"), text("new"), text("old.bak")), ("two".into(), "three".into(), "one".into()));
        let mode = |name: &str| fs::metadata(at(name)).unwrap().mode() & 0o777;
        assert_eq!((mode("old"), mode("new"), mode("old.bak")), (0o640, 0o600, 0o600));
        // What stays the same leaves the backup of before.
        write(&[change(&at("old"), "two")]).unwrap();
        assert_eq!(text("old.bak"), "one");
    }

    #[test]
    fn where_one_fails_nothing_has_changed() {
        let directory = TestDirectory::new();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("first"), "one").unwrap();
        let changes = [change(&at("first"), "two"), change(&at("made"), "x"), change(&at("none/second"), "y")];
        let error = write(&changes).unwrap_err();
        assert!(error.contains("none/second"), "{error}");
        assert_eq!(fs::read_to_string(at("first")).unwrap(), "one");
        assert!(!at("made").exists());
    }
}
