//! Red Hat and its kin: rpm for what is installed, dnf or yum for what is newer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use edgewatch_core::dialects::openitcockpit::result::{Package, PackageUpdate};

use super::Found;
use super::command::run;

/// Name, version with its epoch where it has one, and what it is, a line each.
const FORMAT: &str = "%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{SUMMARY}\\n";
const LIST: Duration = Duration::from_mins(1);
/// Lists are fetched meanwhile.
const CHECK: Duration = Duration::from_mins(3);
/// There are updates. Source: `dnf(8)`, check-update.
const UPDATES: i32 = 100;

/// What rpm knows.
pub fn installed(found: &mut Found) {
    let listed = super::needed("rpm").and_then(|rpm| run(&rpm, &["-qa", "--queryformat", FORMAT], LIST, &[0]));
    found.packages = parse_installed(&found.note(listed));
}

/// Asks rpm and the program at `own`.
pub fn ask(found: &mut Found, own: &Path, is_yum: bool, checks_updates: bool) {
    installed(found);
    if !checks_updates {
        return;
    }
    let checked = run(own, &["-q", "check-update"], CHECK, &[0, UPDATES]);
    let updates = found.note(checked);
    let only = if is_yum { "security" } else { "--security" };
    let advised = run(own, &["-q", "updateinfo", "list", only], CHECK, &[0]);
    let advised = parse_advisories(&found.note(advised));
    found.updates = parse_updates(&updates, &found.packages, &advised);
}

/// Keys that packages are signed with are kept as packages, and are none.
fn parse_installed(text: &str) -> Vec<Package> {
    let lines = text.lines().filter_map(|line| {
        let mut fields = line.splitn(3, '\t');
        Some(Package {
            name: fields.next()?.to_owned(),
            version: fields.next()?.to_owned(),
            description: fields.next().unwrap_or_default().to_owned(),
        })
    });
    lines.filter(|package| package.name != "gpg-pubkey").collect()
}

/// Three columns; what is too long for its own is on lines of its own, which begin with a blank. What is made obsolete follows.
fn parse_updates(text: &str, installed: &[Package], advised: &BTreeSet<String>) -> Vec<PackageUpdate> {
    let current: BTreeMap<&str, &str> =
        installed.iter().map(|package| (package.name.as_str(), package.version.as_str())).collect();
    let mut rows: Vec<Vec<&str>> = Vec::new();
    for line in text.lines().take_while(|line| !line.starts_with("Obsoleting")) {
        let words = line.split_whitespace();
        match rows.last_mut().filter(|row| row.len() < 3 && line.starts_with(' ')) {
            Some(row) => row.extend(words),
            None => rows.push(words.collect()),
        }
    }
    let update = |row: Vec<&str>| {
        let [package, available, _] = row.try_into().ok()?;
        let (name, _) = package.rsplit_once('.')?;
        // Anything else that has three words is no version.
        available.starts_with(|letter: char| letter.is_ascii_digit()).then(|| PackageUpdate {
            name: name.to_owned(),
            current_version: current.get(name).copied().unwrap_or_default().to_owned(),
            available_version: available.to_owned(),
            is_security_update: advised.contains(name),
            is_patch: false,
        })
    };
    rows.into_iter().filter_map(update).collect()
}

/// The names in lines such as `RHSA-2024:1 Important/Sec. curl-7.76.1-29.el9.x86_64`, which newer programs have more columns in.
fn parse_advisories(text: &str) -> BTreeSet<String> {
    let name = |word: &str| {
        let mut parts = word.rsplitn(3, '-');
        let (release, version, name) = (parts.next()?, parts.next()?, parts.next()?);
        let is_package = version.starts_with(|letter: char| letter.is_ascii_digit()) && release.contains('.');
        is_package.then(|| name.to_owned())
    };
    text.lines().filter_map(|line| line.split_whitespace().skip(1).find_map(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTALLED: &str = "bash\t5.1.8-6.el9\tThe GNU Bourne Again shell\ncurl\t7.76.1-26.el9\tA utility\ngpg-pubkey\t1-2\tkey\n\
        bind-libs\t32:9.16.23-11.el9\tLibraries\nNetworkManager-initscripts-updown\t1:1.44.0-3.el9\tScripts\n";
    /// As yum 3 and dnf 4 print it, wrapped.
    const CHECK_UPDATE: &str = "\nbash.x86_64                       5.1.8-9.el9            baseos\n\
        curl.x86_64                       7.76.1-29.el9_4        baseos\nNetworkManager-initscripts-updown.noarch\n                                  \
        1:1.46.0-1.el9         baseos\nSecurity: kernel-core is installed\nObsoleting Packages\nold.noarch   2.0-1  baseos\n";
    const ADVISORIES_4: &str = "RHSA-2024:1 Important/Sec. curl-7.76.1-29.el9_4.x86_64\nRHSA-2024:2 Moderate/Sec.  bind-libs-32:9.16.23-18.el9.x86_64\n";
    const ADVISORIES_5: &str = "Name         Type     Severity  Package                    Issued\n\
        FEDORA-2024-1a2b security Important NetworkManager-initscripts-updown-1:1.46.0-1.fc40.noarch 2024-05-01 01:02:03\n";

    #[test]
    fn updates_are_told_with_the_version_that_is_installed() {
        let installed = parse_installed(INSTALLED);
        assert_eq!(installed.len(), 4);
        assert_eq!(
            (installed[0].version.as_str(), installed[0].description.as_str()),
            ("5.1.8-6.el9", "The GNU Bourne Again shell")
        );
        let found = parse_updates(CHECK_UPDATE, &installed, &parse_advisories(ADVISORIES_4));
        let told: Vec<_> = found
            .iter()
            .map(|one| (&*one.name, &*one.current_version, &*one.available_version, one.is_security_update))
            .collect();
        assert_eq!(
            told,
            [
                ("bash", "5.1.8-6.el9", "5.1.8-9.el9", false),
                ("curl", "7.76.1-26.el9", "7.76.1-29.el9_4", true),
                ("NetworkManager-initscripts-updown", "1:1.44.0-3.el9", "1:1.46.0-1.el9", false)
            ]
        );
    }

    #[test]
    fn both_generations_of_advisories_are_read() {
        assert_eq!(parse_advisories(ADVISORIES_4), BTreeSet::from(["curl".to_owned(), "bind-libs".to_owned()]));
        assert_eq!(parse_advisories(ADVISORIES_5), BTreeSet::from(["NetworkManager-initscripts-updown".to_owned()]));
    }
}
