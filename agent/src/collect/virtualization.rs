//! Whether the host is a guest, and whose: the files that `systemd-detect-virt` looks at, in its order and words.

use std::fs;
use std::path::Path;

use super::host::Processors;

/// What the files say.
#[expect(clippy::struct_excessive_bools, reason = "each is one file's presence")]
#[derive(Debug, Default)]
struct Evidence {
    container: Option<String>,
    has_dockerenv: bool,
    has_containerenv: bool,
    is_openvz: bool,
    kernel: String,
    dmi: String,
    hypervisor_type: String,
    device_tree: String,
    clocks: String,
    hypervisor_flag: bool,
}

/// The container's name, else the hypervisor's, else `None`.
pub fn detect(processors: &Processors) -> Option<&'static str> {
    let evidence = gather(processors);
    container(&evidence).or_else(|| hypervisor(&evidence))
}

/// Whether a hypervisor runs this host, in a container or not.
pub fn is_hypervisor_guest(processors: &Processors) -> bool {
    hypervisor(&gather(processors)).is_some()
}

fn gather(processors: &Processors) -> Evidence {
    let text =
        |path: &str| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()).unwrap_or_default();
    let of_process_one = || {
        let environment = fs::read("/proc/1/environ").ok()?;
        let entry = environment.split(|&byte| byte == 0).find_map(|entry| entry.strip_prefix(b"container="))?;
        Some(String::from_utf8_lossy(entry).into_owned())
    };
    let named = text("/run/systemd/container");
    let dmi = ["product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version"];
    Evidence {
        container: Some(named).filter(|name| !name.is_empty()).or_else(of_process_one),
        has_dockerenv: Path::new("/.dockerenv").exists(),
        has_containerenv: Path::new("/run/.containerenv").exists(),
        is_openvz: Path::new("/proc/vz").exists() && !Path::new("/proc/bc").exists(),
        kernel: text("/proc/sys/kernel/osrelease"),
        dmi: dmi.map(|name| text(&format!("/sys/class/dmi/id/{name}"))).join("\n"),
        hypervisor_type: text("/sys/hypervisor/type"),
        device_tree: text("/proc/device-tree/hypervisor/compatible"),
        clocks: text("/sys/devices/system/clocksource/clocksource0/available_clocksource"),
        hypervisor_flag: processors.hypervisor,
    }
}

fn container(evidence: &Evidence) -> Option<&'static str> {
    if evidence.is_openvz {
        return Some("openvz");
    }
    if evidence.kernel.contains("Microsoft") || evidence.kernel.contains("WSL") {
        return Some("wsl");
    }
    match evidence.container.as_deref() {
        Some("docker") => return Some("docker"),
        Some("podman") => return Some("podman"),
        Some("lxc") => return Some("lxc"),
        Some("lxc-libvirt") => return Some("lxc-libvirt"),
        Some("systemd-nspawn") => return Some("systemd-nspawn"),
        Some("rkt") => return Some("rkt"),
        Some("oci") | None => {}
        Some(_) => return Some("container-other"),
    }
    if evidence.has_containerenv {
        return Some("podman");
    }
    evidence.has_dockerenv.then_some("docker")
}

/// Source: systemd, `src/basic/virt.c`, `dmi_vendor_table`.
const VENDORS: [(&str, &str); 14] = [
    ("KVM", "kvm"),
    ("OpenStack", "kvm"),
    ("KubeVirt", "kvm"),
    ("Amazon EC2", "amazon"),
    ("QEMU", "qemu"),
    ("VMware", "vmware"),
    ("VMW", "vmware"),
    ("innotek GmbH", "oracle"),
    ("VirtualBox", "oracle"),
    ("Xen", "xen"),
    ("Bochs", "bochs"),
    ("Parallels", "parallels"),
    ("BHYVE", "bhyve"),
    ("Apple Virtualization", "apple"),
];

fn hypervisor(evidence: &Evidence) -> Option<&'static str> {
    let starts = |text: &str| evidence.dmi.lines().any(|line| line.starts_with(text));
    let is_bare_metal_instance = evidence.dmi.lines().any(|line| line.rsplit('.').next() == Some("metal"));
    let vendor = if starts("Google Compute Engine") {
        Some("google")
    } else if starts("Microsoft Corporation") && starts("Virtual Machine") || starts("Hyper-V") {
        Some("microsoft")
    } else {
        VENDORS.iter().find(|(text, _)| starts(text)).map(|(_, name)| *name)
    };
    match vendor {
        // A bare-metal instance has the vendor's name and no hypervisor.
        Some("amazon") if is_bare_metal_instance => return None,
        // The maker of the virtual hardware; with the kernel's help it is KVM.
        Some("qemu") if evidence.hypervisor_flag || evidence.clocks.contains("kvm-clock") => return Some("kvm"),
        Some(name) => return Some(name),
        None => {}
    }
    if evidence.hypervisor_type == "xen" || evidence.device_tree.contains("xen") {
        return Some("xen");
    }
    if evidence.device_tree.contains("linux,kvm") || evidence.clocks.contains("kvm-clock") {
        return Some("kvm");
    }
    if evidence.clocks.contains("hyperv_clocksource") {
        return Some("microsoft");
    }
    evidence.hypervisor_flag.then_some("vm-other")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dmi(lines: &[&str]) -> Evidence {
        Evidence { dmi: lines.join("\n"), hypervisor_flag: true, ..Evidence::default() }
    }

    #[test]
    fn a_bare_machine_is_no_guest() {
        let evidence = Evidence { dmi: "PowerEdge R640\nDell Inc.\nDell Inc.".to_owned(), ..Evidence::default() };
        assert_eq!(container(&evidence).or_else(|| hypervisor(&evidence)), None);
        let metal = Evidence { dmi: "c5.metal\nAmazon EC2".to_owned(), ..Evidence::default() };
        assert_eq!(hypervisor(&metal), None);
    }

    #[test]
    fn makers_of_virtual_hardware_are_known() {
        assert_eq!(hypervisor(&dmi(&["Standard PC (Q35 + ICH9, 2009)", "QEMU"])), Some("kvm"));
        assert_eq!(hypervisor(&dmi(&["VMware Virtual Platform", "VMware, Inc."])), Some("vmware"));
        assert_eq!(hypervisor(&dmi(&["VirtualBox", "innotek GmbH"])), Some("oracle"));
        assert_eq!(hypervisor(&dmi(&["Virtual Machine", "Microsoft Corporation"])), Some("microsoft"));
        assert_eq!(hypervisor(&dmi(&["Google Compute Engine", "Google"])), Some("google"));
        assert_eq!(hypervisor(&dmi(&["t3.small", "Amazon EC2"])), Some("amazon"));
    }

    #[test]
    fn a_laptop_of_the_maker_of_a_hypervisor_is_no_guest() {
        let evidence = Evidence { dmi: "Surface Pro\nMicrosoft Corporation".to_owned(), ..Evidence::default() };
        assert_eq!(hypervisor(&evidence), None);
    }

    #[test]
    fn without_dmi_the_clock_tells() {
        let evidence = Evidence { clocks: "kvm-clock tsc".to_owned(), hypervisor_flag: true, ..Evidence::default() };
        assert_eq!(hypervisor(&evidence), Some("kvm"));
        assert_eq!(hypervisor(&Evidence { hypervisor_flag: true, ..Evidence::default() }), Some("vm-other"));
    }

    #[test]
    fn a_container_is_named_before_its_hypervisor() {
        let docker = Evidence { has_dockerenv: true, ..dmi(&["KVM"]) };
        assert_eq!(container(&docker), Some("docker"));
        let lxc = Evidence { container: Some("lxc".to_owned()), ..Evidence::default() };
        assert_eq!(container(&lxc), Some("lxc"));
        let podman = Evidence { container: Some("oci".to_owned()), has_containerenv: true, ..Evidence::default() };
        assert_eq!(container(&podman), Some("podman"));
        let wsl = Evidence { kernel: "5.15.0-microsoft-standard-WSL2".to_owned(), ..Evidence::default() };
        assert_eq!(container(&wsl), Some("wsl"));
    }
}
