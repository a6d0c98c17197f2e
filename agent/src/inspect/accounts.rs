//! Names of accounts, from `/etc/passwd`: a static program has no other source of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::fault;

const PASSWD: &str = "/etc/passwd";
/// Source: room for a hundred thousand accounts.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// What was read, and when it was written.
#[derive(Debug, Default)]
pub struct Accounts {
    changed: Option<SystemTime>,
    names: BTreeMap<u32, String>,
}

impl Accounts {
    /// Reads the file anew if it changed. Where there is none, numbers stand for names.
    pub fn refresh(&mut self) {
        let changed = fs::metadata(PASSWD).and_then(|file| file.modified()).ok();
        if changed.is_none() || changed != self.changed {
            self.names = parse(&fault::text(Path::new(PASSWD), MOST_BYTES).unwrap_or_default());
            self.changed = changed;
        }
    }

    /// The account's name, or its number.
    pub fn name(&self, uid: u32) -> String {
        self.names.get(&uid).cloned().unwrap_or_else(|| uid.to_string())
    }
}

/// Of two names for one number the first counts.
fn parse(text: &str) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(Ok(uid))) = (fields.next(), fields.nth(1).map(str::parse)) {
            names.entry(uid).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_number_counts() {
        let text =
            "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:\n+\nbroken:x:y\n";
        let accounts = Accounts { changed: None, names: parse(text) };
        assert_eq!([0, 33, 1000].map(|uid| accounts.name(uid)), ["root", "www-data", "1000"]);
    }
}
