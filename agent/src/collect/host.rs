//! What the host is: system, kernel, processors, when it was started, its name and machine id.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use sysinfo::System;

use super::CollectError;
use super::kernel_file::KernelFile;

/// What the kernel knows of each processor.
pub const CPUINFO: &str = "/proc/cpuinfo";
const UPTIME: &str = "/proc/uptime";

/// What the system says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Distribution id, such as `debian`.
    pub platform: Option<String>,
    /// Distribution version, such as `12.11`.
    pub platform_version: Option<String>,
    /// Kernel release.
    pub kernel: Option<String>,
    /// Kernel architecture.
    pub arch: Option<String>,
    /// When the host was started, seconds since 1970.
    pub booted_at_s: Option<u64>,
}

impl Identity {
    /// Reads it.
    pub fn read() -> Self {
        let platform = System::distribution_id();
        let debian = if platform == "debian" { std::fs::read_to_string("/etc/debian_version").ok() } else { None };
        Self {
            platform_version: platform_version(debian.as_deref(), System::os_version().ok()),
            platform: Some(platform),
            kernel: System::kernel_version().ok(),
            arch: Some(System::cpu_arch()).filter(|arch| !arch.is_empty()),
            booted_at_s: System::boot_time().ok().filter(|booted| *booted > 0),
        }
    }
}

/// Debian's own file knows the point release, which the common one leaves out.
fn platform_version(debian: Option<&str>, common: Option<String>) -> Option<String> {
    let debian = debian.map(str::trim).filter(|version| !version.is_empty());
    debian.map(str::to_owned).or(common)
}

/// The family of this distribution, by its own id or by those that it says it is like; empty for one of no family that we know.
#[cfg(feature = "itcockpit")]
pub fn family() -> &'static str {
    let like = System::distribution_id_like();
    std::iter::once(System::distribution_id()).chain(like).find_map(|id| family_of(&id)).unwrap_or_default()
}

#[cfg(feature = "itcockpit")]
fn family_of(id: &str) -> Option<&'static str> {
    Some(match id {
        "debian" | "ubuntu" | "raspbian" | "linuxmint" | "kali" | "devuan" | "pop" => "debian",
        "rhel" | "centos" | "rocky" | "almalinux" | "ol" | "amzn" | "scientific" | "cloudlinux" => "rhel",
        "fedora" => "fedora",
        "arch" | "manjaro" | "endeavouros" => "arch",
        "alpine" => "alpine",
        "gentoo" => "gentoo",
        "suse" | "sles" | "sled" => "suse",
        id if id.starts_with("opensuse") => "suse",
        _ => return None,
    })
}

/// The host's name, for people.
pub fn host_name() -> Option<String> {
    System::host_name().ok().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// A fingerprint of the machine id: the id itself stays on the machine. `None` when there is no id.
pub fn machine_id() -> Option<String> {
    let id =
        ["/etc/machine-id", "/var/lib/dbus/machine-id"].iter().find_map(|path| std::fs::read_to_string(path).ok())?;
    fingerprint(&id)
}

fn fingerprint(machine_id: &str) -> Option<String> {
    let id = machine_id.trim();
    // systemd writes `uninitialized` before the first boot is through.
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let digest = Sha256::new().chain_update(b"edgewatch:").chain_update(id).finalize();
    Some(digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}

/// `/proc/uptime`, kept open.
#[derive(Debug)]
pub struct UptimeFile(KernelFile);

impl Default for UptimeFile {
    fn default() -> Self {
        Self(KernelFile::new(UPTIME))
    }
}

impl UptimeFile {
    /// Seconds since the host was started.
    ///
    /// # Errors
    /// [`CollectError::Unavailable`] and [`CollectError::Malformed`] of `/proc/uptime`.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> Result<f64, CollectError> {
        parse_uptime(self.0.read(buffer)?)
    }
}

fn parse_uptime(text: &str) -> Result<f64, CollectError> {
    let first = text.split_ascii_whitespace().next().and_then(|field| field.parse().ok());
    first.ok_or(CollectError::Malformed { what: UPTIME })
}

/// The processors by model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Processors {
    /// Model and how many.
    pub models: Vec<(String, usize)>,
    /// The processors say that a hypervisor runs them.
    pub hypervisor: bool,
}

impl Processors {
    /// One line per model, in the words of the contract.
    pub fn lines(&self, is_guest: bool) -> Vec<String> {
        let kind = if is_guest { "Virtual" } else { "Physical" };
        self.models.iter().map(|(model, count)| format!("{model} {count} {kind} Core")).collect()
    }
}

/// The processors of this host.
///
/// # Errors
/// [`CollectError::Unavailable`] and [`CollectError::Malformed`] of `/proc/cpuinfo`.
pub fn processors(buffer: &mut Vec<u8>) -> Result<Processors, CollectError> {
    parse_processors(KernelFile::new(CPUINFO).read(buffer)?)
}

fn parse_processors(text: &str) -> Result<Processors, CollectError> {
    let mut processors = Processors::default();
    let mut count = |model: String| match processors.models.iter_mut().find(|(known, _)| *known == model) {
        Some((_, count)) => *count += 1,
        None => processors.models.push((model, 1)),
    };
    let mut hypervisor = false;
    for block in text.split("\n\n") {
        let (mut is_processor, mut model, mut implementer, mut part) = (false, None, None, None);
        for line in block.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match key.trim() {
                "processor" => is_processor = true,
                "model name" | "cpu model" | "uarch" => model = Some(value),
                "CPU implementer" => implementer = Some(value),
                "CPU part" => part = Some(value),
                "flags" => hypervisor |= value.split(' ').any(|flag| flag == "hypervisor"),
                _ => {}
            }
        }
        if is_processor {
            count(match (model, implementer, part) {
                (Some(model), _, _) if !model.is_empty() => model.to_owned(),
                (_, Some(implementer), Some(part)) => arm_model(implementer, part),
                _ => "Unknown processor".to_owned(),
            });
        }
    }
    processors.hypervisor = hypervisor;
    if processors.models.is_empty() {
        return Err(CollectError::Malformed { what: CPUINFO });
    }
    Ok(processors)
}

/// Source: the kernel's `arch/arm64/include/asm/cputype.h`.
fn arm_model(implementer: &str, part: &str) -> String {
    let name = match (implementer, part) {
        ("0x41", "0xd03") => "Cortex-A53",
        ("0x41", "0xd05") => "Cortex-A55",
        ("0x41", "0xd07") => "Cortex-A57",
        ("0x41", "0xd08") => "Cortex-A72",
        ("0x41", "0xd09") => "Cortex-A73",
        ("0x41", "0xd0a") => "Cortex-A75",
        ("0x41", "0xd0b") => "Cortex-A76",
        ("0x41", "0xd0c") => "Neoverse-N1",
        ("0x41", "0xd40") => "Neoverse-V1",
        ("0x41", "0xd49") => "Neoverse-N2",
        ("0x41", "0xd4f") => "Neoverse-V2",
        ("0xc0", "0xac3") => "Ampere-1",
        _ => return format!("ARM implementer {implementer} part {part}"),
    };
    format!("ARM {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const XEON: &str = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) Processor\nflags\t\t: fpu vme hypervisor lahf_lm\n\n\
        processor\t: 1\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) Processor\nflags\t\t: fpu vme hypervisor lahf_lm\n\n";
    const RASPBERRY: &str = "processor\t: 0\nBogoMIPS\t: 108.00\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n\n\
        processor\t: 1\nBogoMIPS\t: 108.00\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n\nRevision\t: c03114\nModel\t\t: Raspberry Pi 4 Model B\n";

    #[test]
    fn processors_are_counted_by_model() {
        let processors = parse_processors(XEON).unwrap();
        assert!(processors.hypervisor);
        assert_eq!(processors.lines(true), ["Intel(R) Xeon(R) Processor 2 Virtual Core"]);
    }

    #[test]
    fn an_arm_board_gets_a_name_by_its_part() {
        let processors = parse_processors(RASPBERRY).unwrap();
        assert_eq!(processors.lines(false), ["ARM Cortex-A72 2 Physical Core"]);
        assert_eq!(arm_model("0x99", "0x1"), "ARM implementer 0x99 part 0x1");
    }

    #[test]
    fn a_file_without_processors_is_malformed() {
        assert!(parse_processors("Revision : c03114\n").is_err());
    }

    #[test]
    fn debian_knows_its_point_release() {
        assert_eq!(platform_version(Some("12.11\n"), Some("12".to_owned())).as_deref(), Some("12.11"));
        assert_eq!(platform_version(None, Some("24.04".to_owned())).as_deref(), Some("24.04"));
        assert_eq!(platform_version(Some("\n"), None), None);
    }

    #[cfg(feature = "itcockpit")]
    #[test]
    fn a_distribution_has_a_family() {
        let families = ["ubuntu", "almalinux", "opensuse-leap", "manjaro", "plan9"].map(family_of);
        assert_eq!(families, [Some("debian"), Some("rhel"), Some("suse"), Some("arch"), None]);
    }

    #[test]
    fn uptime_is_the_first_number() {
        assert_eq!(parse_uptime("2873.25 5500.10\n").ok(), Some(2873.25));
        assert!(parse_uptime("").is_err());
    }

    #[test]
    fn a_machine_id_is_hashed_and_anything_else_is_none() {
        let fingerprint_of = fingerprint("3d1219c7c4c5404aaa1f6d2a48adfda4\n").unwrap();
        assert_eq!(fingerprint_of.len(), 64);
        assert_ne!(fingerprint_of, fingerprint("3d1219c7c4c5404aaa1f6d2a48adfda5").unwrap());
        assert_eq!(fingerprint("uninitialized\n"), None);
        assert_eq!(fingerprint(""), None);
    }
}
