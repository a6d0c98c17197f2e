//! Which network interfaces count: the same ones with our agent and for what others post.

/// Beginnings of names of interfaces that repeat another interface's traffic or never leave the host.
///
/// Quirk: the product we take the list from looks for these texts (and `lo`) anywhere in a name and so loses `wlo1`, a
/// real wireless card. Here they are beginnings, and only `lo` itself is the loopback.
/// Source: Nezha agent 0.20.5, excluded interfaces.
const VIRTUAL: [&str; 7] = ["tun", "docker", "veth", "br-", "vmbr", "vnet", "kube"];

/// Whether an interface of this name is the host's own way out.
pub fn is_own(name: &str) -> bool {
    !is_loopback(name) && !VIRTUAL.iter().any(|start| name.starts_with(start))
}

/// Whether it leads nowhere.
pub fn is_loopback(name: &str) -> bool {
    name == "lo"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_virtual_interfaces_do_not_count() {
        assert!(["eth0", "enp3s0", "wlo1", "wlan0", "bond0", "mytun"].into_iter().all(is_own));
        let others = ["lo", "tun0", "docker0", "veth1a2", "br-abc", "vmbr0", "vnet3", "kube-bridge"];
        assert!(!others.into_iter().any(is_own));
    }
}
