//! Debian and its kin: dpkg's own file, and a simulated upgrade.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use edgewatch_core::dialects::openitcockpit::result::{Package, PackageUpdate};

use super::command::{Failure, run};
use super::{Found, Options};

const STATUS: &str = "/var/lib/dpkg/status";
/// A longer line is read as several.
const MOST_LINE: u64 = 64 * 1024;
/// What is fetched comes over the network.
const FETCH: Duration = Duration::from_mins(3);
/// A simulation reads all lists.
const SIMULATE: Duration = Duration::from_mins(1);

/// Asks dpkg, and the program at `own`.
pub fn ask(found: &mut Found, own: &Path, options: Options) {
    let installed = File::open(STATUS).and_then(|file| parse_status(BufReader::new(file), options.description_bytes));
    found.packages = found.note(installed.map_err(|error| Failure::Refused(STATUS.to_owned(), error)));
    if !options.checks_updates {
        return;
    }
    // What is known from before is told even if nothing can be fetched.
    found.note(run(own, &["-q", "update"], FETCH, &[0]).map(drop));
    let simulated = run(own, &["-q", "-s", "-o", "Debug::NoLocking=true", "upgrade"], SIMULATE, &[0]);
    found.updates = parse_upgrade(&found.note(simulated));
}

/// A paragraph for each package; those that were removed and left something behind have one too. The file is long: it is read line by
/// line, and of descriptions only what is told is kept.
fn parse_status(mut file: impl BufRead, description_bytes: Option<usize>) -> io::Result<Vec<Package>> {
    let (mut packages, mut bytes) = (Vec::new(), Vec::new());
    let mut paragraph = Paragraph::default();
    loop {
        bytes.clear();
        let read = file.by_ref().take(MOST_LINE).read_until(b'\n', &mut bytes)?;
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim_end_matches('\n');
        if line.is_empty() {
            let Paragraph { mut package, is_installed, .. } = std::mem::take(&mut paragraph);
            super::cut(&mut package.description, description_bytes);
            package.description.shrink_to_fit();
            packages.extend(Some(package).filter(|_| is_installed));
        } else {
            paragraph.take(line);
        }
        if read == 0 {
            return Ok(packages);
        }
    }
}

/// What is known of a paragraph so far.
#[derive(Debug, Default)]
struct Paragraph {
    package: Package,
    is_installed: bool,
    is_description: bool,
}

impl Paragraph {
    /// One more line. What begins with a blank goes on with the field before it.
    fn take(&mut self, line: &str) {
        if line.starts_with([' ', '\t']) {
            if self.is_description {
                self.package.description.push('\n');
                self.package.description.push_str(line);
            }
            return;
        }
        let Some((key, value)) = line.split_once(':') else { return };
        let value = value.trim();
        self.is_description = key == "Description";
        match key {
            "Package" => value.clone_into(&mut self.package.name),
            "Version" => value.clone_into(&mut self.package.version),
            "Status" => self.is_installed = value.ends_with(" installed"),
            "Description" => value.clone_into(&mut self.package.description),
            _ => {}
        }
    }
}

/// Lines such as `Inst curl [1.0] (1.1 Debian-Security:12/stable-security [amd64])`. One without a version now is new, and no update.
fn parse_upgrade(text: &str) -> Vec<PackageUpdate> {
    let updates = text.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
        let (current, rest) = rest.strip_prefix('[')?.split_once("] (")?;
        let (inner, _) = rest.split_once(')')?;
        let (available, origins) = inner.split_once(' ')?;
        Some(PackageUpdate {
            name: name.to_owned(),
            current_version: current.to_owned(),
            available_version: available.to_owned(),
            is_security_update: origins.to_lowercase().contains("security"),
            is_patch: false,
        })
    });
    updates.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Debian 12's file has them.
    const PARAGRAPHS: &str = "Package: adduser\nStatus: install ok installed\nPriority: important\nSection: admin\nVersion: 3.134\n\
        Depends: passwd\nDescription: add and remove users and groups\n This package includes the 'adduser' and 'deluser' commands for creating\n \
        and removing users.\nHomepage: https://x.example\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\nConffiles:\n \
        /etc/x 0123\nDescription: left its configuration\n\nPackage: bare\nStatus: hold ok installed\nVersion: 1:2.0-1\n\n";

    /// As apt 2.6 prints it.
    const UPGRADE: &str = "NOTE: This is only a simulation!\nReading package lists...\nThe following packages will be upgraded:\n  curl base-files\n\
        Inst base-files [12.4+deb12u10] (12.4+deb12u11 Debian:12.11/stable [amd64])\n\
        Inst curl [7.88.1-10+deb12u8] (7.88.1-10+deb12u12 Debian:12.11/stable, Debian-Security:12/stable-security [amd64]) []\n\
        Inst new-one (1.0 Debian:12.11/stable [amd64])\nConf curl (7.88.1-10+deb12u12 Debian:12.11/stable [amd64])\n";

    #[test]
    fn what_is_installed_is_told_and_what_was_removed_is_not() {
        let found = parse_status(PARAGRAPHS.as_bytes(), None).unwrap();
        let told: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.version.as_str())).collect();
        assert_eq!(told, [("adduser", "3.134"), ("bare", "1:2.0-1")]);
        assert_eq!(
            found[0].description,
            "add and remove users and groups\n This package includes the 'adduser' and 'deluser' commands for creating\n \
             and removing users."
        );
        let cut = parse_status(PARAGRAPHS.trim_end().as_bytes(), Some(7)).unwrap();
        assert_eq!((cut.len(), cut[0].description.as_str()), (2, "add and"), "without an empty line at its end too");
    }

    #[test]
    fn updates_are_told_with_both_versions_and_whether_they_are_for_security() {
        let update = |name: &str, current: &str, available: &str, is_security_update| PackageUpdate {
            name: name.to_owned(),
            current_version: current.to_owned(),
            available_version: available.to_owned(),
            is_security_update,
            is_patch: false,
        };
        assert_eq!(
            parse_upgrade(UPGRADE),
            [
                update("base-files", "12.4+deb12u10", "12.4+deb12u11", false),
                update("curl", "7.88.1-10+deb12u8", "7.88.1-10+deb12u12", true)
            ]
        );
    }
}
