//! A folder of one test's own.

use std::path::PathBuf;

/// Removed on drop, with all that is in it.
pub struct Folder(pub PathBuf);

impl Folder {
    /// A new one. No two tests of one program may use the same name at a time.
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("edgewatch-test-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
