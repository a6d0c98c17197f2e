//! Stock agents of Pulse that report to us, and what they ask. Source: pulse specification, 16.
//! Left out: commands to agents, of which there are none.

mod docker;
mod host;
mod reply;
#[cfg(test)]
mod tests;

#[cfg(feature = "schema")]
pub use docker::DockerBody;
pub use docker::{DockerReply, DockerReport};
pub use host::HostReport;
pub use reply::{
    AgentConfigReply, HostLookup, HostReportReply, LookedUpHost, LookupReply, RemovedReply, is_same_name, no_host,
};

use super::error::Refused;

/// The longest report, bytes, as it is after it was unpacked.
pub const MAX_REPORT_BYTES: usize = 1024 * 1024;
/// Seconds between two reports, where an agent does not say.
const INTERVAL_S: u32 = 30;
/// What an agent may say of it.
const INTERVALS_S: std::ops::RangeInclusive<u32> = 5..=3_600;
/// The longest text that is kept of what a host says of itself, in characters.
const MAX_TEXT_CHARS: usize = 255;
/// File systems that are no disks of the host.
const PSEUDO: [&str; 14] = [
    "tmpfs",
    "devtmpfs",
    "overlay",
    "overlayfs",
    "squashfs",
    "proc",
    "sysfs",
    "cgroup",
    "cgroup2",
    "autofs",
    "fuse.lxcfs",
    "efivarfs",
    "nfs",
    "nfs4",
];
/// Where no disks are mounted.
const PSEUDO_MOUNTS: [&str; 5] = ["/run", "/sys", "/proc", "/dev", "/snap"];

/// Whether a file system is the host's own.
fn is_own_disk(kind: &str, mount: &str) -> bool {
    let is_below =
        |place: &&str| mount.strip_prefix(*place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    !PSEUDO.contains(&kind) && !PSEUDO_MOUNTS.iter().any(is_below)
}

/// A text without what nobody can read, and not too long.
fn short(text: &str) -> String {
    text.chars().filter(|one| !one.is_control()).take(MAX_TEXT_CHARS).collect()
}

/// A name that can be part of an id: letters, digits, `-`, `_` and `.`.
fn sanitized(name: &str) -> String {
    let one =
        |one: char| if one.is_ascii_alphanumeric() || "-_.".contains(one) { one.to_ascii_lowercase() } else { '-' };
    name.chars().take(MAX_TEXT_CHARS).map(one).collect::<String>().trim_matches('-').to_owned()
}

/// What is said of a body that is none.
fn invalid_json(error: &serde_json::Error) -> Refused {
    let mut refused = Refused::new(400, "invalid_json", "Failed to decode request body");
    refused.details.insert("error".to_owned(), error.to_string());
    refused
}
