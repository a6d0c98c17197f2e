//! Names of guests' metrics among those of their nodes.

/// The name of a metric of the guest with this number; `key` is that of a built-in metric, where there is one.
pub fn of_guest(vmid: u32, key: &str) -> String {
    format!("guest.{vmid}.{key}")
}
