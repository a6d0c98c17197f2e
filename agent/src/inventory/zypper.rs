//! SUSE: rpm for what is installed, zypper for what is newer, and for patches, which stand for several packages.

use std::path::Path;
use std::time::Duration;

use edgewatch_core::dialects::openitcockpit::result::PackageUpdate;

use super::command::run;
use super::{Found, dnf};

const FETCH: Duration = Duration::from_mins(3);
const LIST: Duration = Duration::from_mins(1);
/// There are updates, and such for security. Source: `zypper(8)`, exit codes.
const GOOD: [i32; 3] = [0, 100, 101];

/// Asks rpm and the program at `own`.
pub fn ask(found: &mut Found, own: &Path, checks_updates: bool) {
    dnf::installed(found);
    if !checks_updates {
        return;
    }
    found.note(run(own, &["--non-interactive", "--quiet", "refresh"], FETCH, &[0]).map(drop));
    let listed = run(own, &["--non-interactive", "--quiet", "list-updates"], LIST, &GOOD);
    found.updates = parse_updates(&found.note(listed));
    let patches = run(own, &["--non-interactive", "--quiet", "list-patches", "--category", "security"], LIST, &GOOD);
    let patches = parse_patches(&found.note(patches));
    found.updates.extend(patches);
}

/// The cells of a table, row by row, by the names in its first line. Which columns there are changed with the years.
fn rows<'a, const N: usize>(text: &'a str, wanted: [&str; N]) -> Vec<[&'a str; N]> {
    let mut lines = text.lines().filter(|line| line.contains('|'));
    let cells = |line: &'a str| line.split('|').map(str::trim).collect::<Vec<&str>>();
    let Some(head) = lines.next().map(cells) else { return Vec::new() };
    let columns = wanted.map(|name| head.iter().position(|cell| *cell == name));
    let row = |line| {
        let cells = cells(line);
        let mut row = [""; N];
        for (place, column) in row.iter_mut().zip(columns) {
            *place = cells.get(column?).copied()?;
        }
        Some(row)
    };
    lines.filter_map(row).collect()
}

fn parse_updates(text: &str) -> Vec<PackageUpdate> {
    let update = |[name, current, available]: [&str; 3]| PackageUpdate {
        name: name.to_owned(),
        current_version: current.to_owned(),
        available_version: available.to_owned(),
        is_security_update: false,
        is_patch: false,
    };
    rows(text, ["Name", "Current Version", "Available Version"]).into_iter().map(update).collect()
}

/// A patch has a name and no versions.
fn parse_patches(text: &str) -> Vec<PackageUpdate> {
    let patch = |[name, category, _]: [&str; 3]| PackageUpdate {
        name: name.to_owned(),
        is_security_update: category == "security",
        is_patch: true,
        ..PackageUpdate::default()
    };
    let needed = |row: &[&str; 3]| row[2] == "needed";
    rows(text, ["Name", "Category", "Status"]).into_iter().filter(needed).map(patch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPDATES: &str = "S | Repository  | Name | Current Version | Available Version | Arch\n\
        --+-------------+------+-----------------+-------------------+-------\n\
        v | SLES-Update | curl | 8.0.1-150400.5  | 8.0.1-150400.11   | x86_64\nv | SLES-Update | vim  | 9.0-1           | 9.1-1             | x86_64\n";
    const PATCHES: &str = "Repository  | Name                    | Category | Severity  | Interactive | Status     | Since      | Summary\n\
        ------------+-------------------------+----------+-----------+-------------+------------+------------+--------\n\
        SLES-Update | SUSE-SLE-15-SP5-2024-77 | security | important | ---         | needed     | -          | Security update for curl\n\
        SLES-Update | SUSE-SLE-15-SP5-2024-5  | security | moderate  | ---         | not needed | -          | Security update for x\n";

    #[test]
    fn tables_are_read_by_their_heads() {
        let told: Vec<_> = parse_updates(UPDATES)
            .into_iter()
            .map(|one| (one.name, one.current_version, one.available_version, one.is_patch))
            .collect();
        let one = |name: &str, current: &str, available: &str| {
            (name.to_owned(), current.to_owned(), available.to_owned(), false)
        };
        assert_eq!(told, [one("curl", "8.0.1-150400.5", "8.0.1-150400.11"), one("vim", "9.0-1", "9.1-1")]);
        assert_eq!(parse_updates("No updates found.\n"), []);
    }

    #[test]
    fn patches_that_are_needed_are_told_by_name() {
        let found = parse_patches(PATCHES);
        let told: Vec<_> = found.iter().map(|one| (&*one.name, one.is_security_update, one.is_patch)).collect();
        assert_eq!(told, [("SUSE-SLE-15-SP5-2024-77", true, true)]);
    }
}
