//! Writing small files so that a reader sees the old one or the new one, never half of it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

/// Puts `text` into the file at `path` with this mode. The owner is `owner` (user, group), else that of the file before.
///
/// # Errors
/// Those of the file system; the old file is untouched then.
pub fn replace(path: &Path, text: impl AsRef<[u8]>, mode: u32, owner: Option<(u32, u32)>) -> io::Result<()> {
    replace_with(path, text.as_ref(), mode, owner, true)
}

/// As [`replace`], for what may be lost in a power cut: the disk is not waited for.
///
/// # Errors
/// Those of the file system.
pub fn replace_soon(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    replace_with(path, text.as_bytes(), mode, None, false)
}

fn replace_with(path: &Path, text: &[u8], mode: u32, owner: Option<(u32, u32)>, is_synced: bool) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let result = write_beside(beside.as_ref(), path, text, mode, owner, is_synced);
    if result.is_err() {
        let _ = fs::remove_file(&beside);
    }
    result
}

fn write_beside(
    beside: &Path,
    path: &Path,
    text: &[u8],
    mode: u32,
    owner: Option<(u32, u32)>,
    is_synced: bool,
) -> io::Result<()> {
    let _ = fs::remove_file(beside);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(beside)?;
    let mine = file.metadata()?;
    let wanted = owner.or_else(|| fs::metadata(path).ok().map(|old| (old.uid(), old.gid())));
    if let Some((user, group)) = wanted.filter(|wanted| *wanted != (mine.uid(), mine.gid())) {
        fchown(&file, Some(user), Some(group))?;
    }
    file.write_all(text)?;
    if is_synced {
        file.sync_all()?;
    }
    fs::rename(beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDirectory;

    #[test]
    fn a_file_is_replaced_whole_with_its_mode() {
        let directory = TestDirectory::new();
        let path = directory.path().join("secret");
        replace(&path, "one", 0o600, None).unwrap();
        replace(&path, "two", 0o600, None).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
