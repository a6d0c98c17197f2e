//! Arch and its kin. Lists are fetched by `checkupdates` alone, into a place of their own: fetched any other way they would make the
//! next installation a partial upgrade.

use std::path::Path;
use std::time::Duration;

use edgewatch_core::dialects::openitcockpit::result::{Package, PackageUpdate};

use super::Found;
use super::command::run;

const LIST: Duration = Duration::from_mins(1);
const FETCH: Duration = Duration::from_mins(3);
/// There are none. Source: `checkupdates(8)`.
const NO_UPDATES: i32 = 2;
/// There are none, likewise. Source: `pacman(8)`, `--upgrades`.
const NOTHING: i32 = 1;

/// Asks it.
pub fn ask(found: &mut Found, own: &Path, checks_updates: bool) {
    let listed = run(own, &["-Qi"], LIST, &[0]);
    found.packages = parse_installed(&found.note(listed));
    if checks_updates {
        let told = match super::program("checkupdates") {
            Some(checkupdates) => run(&checkupdates, &[], FETCH, &[0, NO_UPDATES]),
            None => run(own, &["-Qu"], LIST, &[0, NOTHING]),
        };
        found.updates = parse_updates(&found.note(told));
    }
}

/// A paragraph for each package, with lines such as `Name            : bash`.
fn parse_installed(text: &str) -> Vec<Package> {
    let paragraphs = text.split("\n\n").filter_map(|paragraph| {
        let value = |wanted: &str| {
            let line = paragraph.lines().filter_map(|line| line.split_once(" : "));
            line.into_iter().find(|(key, _)| key.trim() == wanted).map(|(_, value)| value.trim().to_owned())
        };
        Some(Package {
            name: value("Name")?,
            version: value("Version")?,
            description: value("Description").unwrap_or_default(),
        })
    });
    paragraphs.collect()
}

/// Lines such as `bash 5.2.021-1 -> 5.2.026-2`, those of packages that are held back with a word behind.
fn parse_updates(text: &str) -> Vec<PackageUpdate> {
    let updates = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (name, current, arrow, available) = (words.next()?, words.next()?, words.next()?, words.next()?);
        (arrow == "->").then(|| PackageUpdate {
            name: name.to_owned(),
            current_version: current.to_owned(),
            available_version: available.to_owned(),
            // Arch does not say.
            is_security_update: false,
            is_patch: false,
        })
    });
    updates.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTALLED: &str = "Name            : acl\nVersion         : 2.3.2-1\nDescription     : Access control list utilities, \
        libraries and headers\nArchitecture    : x86_64\nURL             : https://savannah.example/projects/acl\nDepends On      : attr\n                  \
        libattr.so=1-64\n\nName            : bash\nVersion         : 5.2.026-2\nDescription     : The GNU Bourne Again shell\n\n";

    #[test]
    fn packages_are_read_by_paragraph() {
        let told: Vec<_> =
            parse_installed(INSTALLED).into_iter().map(|one| (one.name, one.version, one.description)).collect();
        let one = |name: &str, version: &str, words: &str| (name.to_owned(), version.to_owned(), words.to_owned());
        assert_eq!(
            told,
            [
                one("acl", "2.3.2-1", "Access control list utilities, libraries and headers"),
                one("bash", "5.2.026-2", "The GNU Bourne Again shell")
            ]
        );
    }

    #[test]
    fn updates_are_read_by_line() {
        let found = parse_updates("bash 5.2.021-1 -> 5.2.026-2\nlinux 6.7-1 -> 6.8-1 [ignored]\n:: notice\n");
        let told: Vec<_> =
            found.iter().map(|one| (&*one.name, &*one.current_version, &*one.available_version)).collect();
        assert_eq!(told, [("bash", "5.2.021-1", "5.2.026-2"), ("linux", "6.7-1", "6.8-1")]);
    }
}
