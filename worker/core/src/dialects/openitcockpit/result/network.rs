//! `net_stats` and `net_io`: interfaces.

use serde::{Deserialize, Serialize};

/// One value of the group `net_stats`, whose key is the interface's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetStats {
    /// Quirk: on Linux whether there is a carrier, not whether the interface is switched on.
    pub isup: bool,
    /// 0 unknown, 1 half, 2 full. macOS and FreeBSD do not say.
    #[serde(default)]
    pub duplex: i64,
    /// Mbit/s; 0 where it cannot be read. Quirk: -1, as the kernel says of virtual interfaces, is passed on. macOS and FreeBSD do not say.
    #[serde(default)]
    pub speed: i64,
    /// The longest packet, bytes.
    #[serde(default)]
    pub mtu: i64,
}

/// One value of the group `net_io`, whose key is the interface's name. Averages are those of the time since the cycle before, whole
/// numbers per second; 0 in the first one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetIo {
    /// The interface's name.
    #[serde(default)]
    pub name: String,
    /// When the counters were read, Unix seconds.
    #[serde(default)]
    pub timestamp: i64,
    /// Bytes sent since the machine was started.
    pub bytes_sent: u64,
    /// Bytes received since the machine was started.
    pub bytes_recv: u64,
    /// Packets sent.
    #[serde(default)]
    pub packets_sent: u64,
    /// Packets received.
    #[serde(default)]
    pub packets_recv: u64,
    /// Packets that were received broken.
    #[serde(default)]
    pub errin: u64,
    /// Packets that could not be sent.
    #[serde(default)]
    pub errout: u64,
    /// Packets that were received and dropped.
    #[serde(default)]
    pub dropin: u64,
    /// Packets that were dropped in place of being sent.
    #[serde(default)]
    pub dropout: u64,
    /// Bytes sent per second.
    #[serde(default)]
    pub avg_bytes_sent_ps: u64,
    /// Bytes received per second.
    #[serde(default)]
    pub avg_bytes_recv_ps: u64,
    /// Packets sent per second.
    #[serde(default)]
    pub avg_packets_sent_ps: u64,
    /// Packets received per second.
    #[serde(default)]
    pub avg_packets_recv_ps: u64,
    /// As `errin`, per second.
    #[serde(default)]
    pub avg_errin: u64,
    /// As `errout`, per second.
    #[serde(default)]
    pub avg_errout: u64,
    /// As `dropin`, per second.
    #[serde(default)]
    pub avg_dropin: u64,
    /// As `dropout`, per second.
    #[serde(default)]
    pub avg_dropout: u64,
}
