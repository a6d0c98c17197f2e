//! `disk_io`: counters and rates of block devices.

use serde::{Deserialize, Serialize};

use super::Float;

/// One value of the group `disk_io`, whose key is the device's name. Rates are those of the time since the cycle before, whole numbers
/// per second; 0 in the first one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct DiskIo {
    /// When the counters were read, Unix seconds.
    pub timestamp: i64,
    /// The device's name.
    pub device: String,
    /// Read since the machine was started. Quirk: sectors of 512 bytes on Linux, bytes elsewhere.
    pub read_bytes: u64,
    /// Written since the machine was started. Quirk: as `read_bytes`.
    pub write_bytes: u64,
    /// Reads that were completed.
    pub read_count: u64,
    /// Writes that were completed.
    pub write_count: u64,
    /// What reads took together, ms.
    pub read_time: u64,
    /// What writes took together, ms.
    pub write_time: u64,
    /// How long the device was busy, ms.
    pub io_time: u64,
    /// Raw counter of Windows, else 0; so are the fifteen that follow.
    #[serde(rename = "Frequency_PerfTime")]
    pub frequency_perf_time: Float,
    /// Windows.
    #[serde(rename = "Timestamp_Sys100NS")]
    pub timestamp_sys_100ns: Float,
    /// Windows.
    pub avg_disk_sec_per_read: Float,
    /// Windows.
    #[serde(rename = "AvgDiskSecPerRead_Base")]
    pub avg_disk_sec_per_read_base: Float,
    /// Windows.
    pub avg_disk_sec_per_write: Float,
    /// Windows.
    #[serde(rename = "AvgDiskSecPerWrite_Base")]
    pub avg_disk_sec_per_write_base: Float,
    /// Windows.
    pub percent_disk_time: Float,
    /// Windows.
    #[serde(rename = "PercentDiskTime_Base")]
    pub percent_disk_time_base: Float,
    /// Windows.
    pub disk_reads_per_sec: Float,
    /// Windows.
    pub disk_writes_per_sec: Float,
    /// Windows.
    pub disk_read_bytes_per_sec: Float,
    /// Windows.
    pub disk_write_bytes_per_sec: Float,
    /// Windows.
    pub avg_disk_bytes_per_read: Float,
    /// Windows.
    #[serde(rename = "AvgDiskBytesPerRead_Base")]
    pub avg_disk_bytes_per_read_base: Float,
    /// Windows.
    pub avg_disk_bytes_per_write: Float,
    /// Windows.
    #[serde(rename = "AvgDiskBytesPerWrite_Base")]
    pub avg_disk_bytes_per_write_base: Float,
    /// Reads per second.
    pub read_iops_per_second: u64,
    /// Writes per second.
    pub write_iops_per_second: u64,
    /// Reads and writes per second; not always the sum of the two, since each is cut.
    pub total_iops_per_second: u64,
    /// Read, bytes per second.
    pub read_bytes_per_second: u64,
    /// Written, bytes per second.
    pub write_bytes_per_second: u64,
    /// What a read or write took, ms. Quirk: on Windows the sum of the two.
    pub total_avg_wait: Float,
    /// What a read took, ms.
    pub read_avg_wait: Float,
    /// What a write took, ms.
    pub write_avg_wait: Float,
    /// Bytes of a read.
    pub read_avg_size: Float,
    /// Bytes of a write.
    pub write_avg_size: Float,
    /// For how much of the time the device was busy, percent.
    pub load_percent: Float,
}
