//! Tables of what agents poll of Proxmox: instances, and which hosts are their parts.

pub mod hosts;
pub mod instances;
