//! The machine's packages, and which of them have a newer version: `GET /packages` and `submit_package_info` of the stock agent.
//!
//! What is installed is read from the package manager's own files where those are text; else, and for what is newer, its program is
//! started: one of a few fixed command lines, with a time limit, never anything from outside. Source: openITCOCKPIT specification, 12.

mod apt;
mod command;
mod dnf;
mod pacman;
mod zypper;

use std::path::{Path, PathBuf};

use edgewatch_core::dialects::openitcockpit::result::{Inventory, Package, PackageStats, PackageUpdate};

use crate::collect::host::{self, Identity};
use command::Failure;

/// Where package managers are. Source: the file system hierarchy; the environment is not asked.
const PROGRAMS: [&str; 4] = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
/// There when an update waits for the machine to start anew. Source: openITCOCKPIT specification, 12.
const REBOOT: [&str; 2] = ["/run/reboot-required", "/var/run/reboot-required"];

/// How it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether newer versions are looked for: then lists are fetched, as the package manager does it.
    pub checks_updates: bool,
    /// How much of a description is kept, bytes; `None` for all of it.
    pub description_bytes: Option<usize>,
}

/// Package managers, in the order in which they are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    Apt,
    Dnf,
    Yum,
    Pacman,
    Zypper,
    Rpm,
}

/// What a manager told. What went wrong leaves the rest as it is.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    packages: Vec<Package>,
    updates: Vec<PackageUpdate>,
    errors: Vec<String>,
}

/// What there is before the first inventory, and all there ever is when they are switched off.
pub fn before(is_enabled: bool) -> Inventory {
    Inventory { enabled: is_enabled, pending: is_enabled, ..Inventory::default() }
}

/// An inventory of this machine. Takes seconds, and minutes where lists come slowly.
pub fn take(options: Options) -> Inventory {
    let manager = Manager::ORDER.into_iter().find_map(|manager| Some((manager, program(manager.program())?)));
    let (name, mut found) = match manager {
        Some((manager, program)) => (manager.name(), manager.ask(&program, options)),
        None => ("", Found { errors: vec!["no package manager that we know".to_owned()], ..Found::default() }),
    };
    for package in &mut found.packages {
        cut(&mut package.description, options.description_bytes);
    }
    whole(name, found, &Identity::read(), crate::clock::now_s(), REBOOT.iter().any(|path| Path::new(path).exists()))
}

fn whole(manager: &str, found: Found, identity: &Identity, now_s: i64, reboot_required: bool) -> Inventory {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let booted_at_s = identity.booted_at_s.and_then(|booted| i64::try_from(booted).ok());
    let stats = PackageStats {
        installed_packages: count(found.packages.len()),
        // A patch stands for packages that are told by themselves.
        upgradable_packages: count(found.updates.iter().filter(|update| !update.is_patch).count()),
        security_updates: count(found.updates.iter().filter(|update| update.is_security_update).count()),
        reboot_required,
        last_error: found.errors.join("; "),
        operating_system: "linux".to_owned(),
        package_manager: manager.to_owned(),
        os_name: identity.platform.clone().unwrap_or_default(),
        os_version: identity.platform_version.clone().unwrap_or_default(),
        os_family: host::family().to_owned(),
        agent_version: crate::inspect::version().to_owned(),
        uptime: booted_at_s.and_then(|booted| u64::try_from(now_s - booted).ok()).unwrap_or(0),
    };
    Inventory {
        enabled: true,
        last_update: now_s,
        stats,
        linux_packages: found.packages,
        linux_updates: found.updates,
        ..Inventory::default()
    }
}

impl Manager {
    const ORDER: [Self; 6] = [Self::Apt, Self::Dnf, Self::Yum, Self::Pacman, Self::Zypper, Self::Rpm];

    /// The program that does its work.
    fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            other => other.name(),
        }
    }

    /// Its name on the wire.
    fn name(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Dnf => "dnf",
            Self::Yum => "yum",
            Self::Pacman => "pacman",
            Self::Zypper => "zypper",
            Self::Rpm => "rpm",
        }
    }

    fn ask(self, own: &Path, options: Options) -> Found {
        let checks_updates = options.checks_updates;
        let mut found = Found::default();
        match self {
            Self::Apt => apt::ask(&mut found, own, options),
            Self::Dnf | Self::Yum => dnf::ask(&mut found, own, self == Self::Yum, checks_updates),
            Self::Pacman => pacman::ask(&mut found, own, checks_updates),
            Self::Zypper => zypper::ask(&mut found, own, checks_updates),
            Self::Rpm => dnf::installed(&mut found),
        }
        found
    }
}

impl Found {
    /// What was told; what went wrong is kept among the errors.
    fn note<T: Default>(&mut self, told: Result<T, Failure>) -> T {
        told.unwrap_or_else(|failure| {
            self.errors.push(failure.to_string());
            T::default()
        })
    }
}

/// Where a program is.
fn program(name: &str) -> Option<PathBuf> {
    PROGRAMS.iter().map(|directory| Path::new(directory).join(name)).find(|path| path.is_file())
}

/// As [`program`].
fn needed(name: &'static str) -> Result<PathBuf, Failure> {
    program(name).ok_or(Failure::Missing(name))
}

/// Keeps whole letters only.
fn cut(text: &mut String, most: Option<usize>) {
    if let Some(most) = most.filter(|most| *most < text.len()) {
        text.truncate(text.floor_char_boundary(most));
    }
}

#[cfg(test)]
mod tests;
