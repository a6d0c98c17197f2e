//! What a poll saw: the values that change from poll to poll.

use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::loose::{self, Number, Text, Whole};

/// A rate that needs a second reading.
pub const NO_RATE: i64 = -1;

/// A node, as of a poll. One that is offline has its name and status alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeNow {
    /// Its name in the cluster.
    #[serde(deserialize_with = "loose::text")]
    pub name: String,
    /// `online`, `offline` or `unknown`.
    #[serde(deserialize_with = "loose::text")]
    pub status: String,
    /// 0 to 1.
    #[serde(deserialize_with = "loose::number", skip_serializing_if = "loose::is_default")]
    pub cpu: f64,
    /// Memory in use.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub mem_used: i64,
    /// All memory.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub mem_total: i64,
    /// Swap in use.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub swap_used: i64,
    /// All swap.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub swap_total: i64,
    /// The root file system: in use.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub disk_used: i64,
    /// All of it.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub disk_total: i64,
    /// What may still be written: less than what is not in use.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub disk_free: i64,
    /// Seconds since it was started.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub uptime_s: i64,
    /// Load averages of 1, 5 and 15 minutes; empty when unknown.
    #[serde(deserialize_with = "numbers", skip_serializing_if = "Vec::is_empty")]
    pub load: Vec<f64>,
}

/// What a guest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum GuestKind {
    /// A virtual machine.
    #[default]
    Qemu,
    /// A container.
    Lxc,
}

impl GuestKind {
    /// The word for it: `qemu` or `lxc`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }

    /// 0 or 1, as in a guest's row.
    pub const fn code(self) -> u8 {
        match self {
            Self::Qemu => 0,
            Self::Lxc => 1,
        }
    }

    fn of(text: &str) -> Self {
        if matches!(text, "1" | "lxc" | "ct") { Self::Lxc } else { Self::Qemu }
    }
}

impl Serialize for GuestKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.code())
    }
}

impl<'de> Deserialize<'de> for GuestKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer).map(|text| Self::of(&text.0.unwrap_or_default()))
    }
}

/// What a guest does. Its code stands in a guest's row, its word where there is no code for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum GuestStatus {
    /// 0.
    #[default]
    Stopped,
    /// 1.
    Running,
    /// 2.
    Paused,
    /// 3.
    Suspended,
    /// A word of a newer Proxmox.
    Other(String),
}

impl GuestStatus {
    /// The status of that word, or of that code as a text.
    pub fn of(text: &str) -> Self {
        match text {
            "0" | "stopped" | "" => Self::Stopped,
            "1" | "running" => Self::Running,
            "2" | "paused" => Self::Paused,
            "3" | "suspended" => Self::Suspended,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Its word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::Other(word) => word,
        }
    }
}

impl Serialize for GuestStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Stopped => serializer.serialize_u8(0),
            Self::Running => serializer.serialize_u8(1),
            Self::Paused => serializer.serialize_u8(2),
            Self::Suspended => serializer.serialize_u8(3),
            Self::Other(word) => serializer.serialize_str(word),
        }
    }
}

impl<'de> Deserialize<'de> for GuestStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer).map(|text| Self::of(&text.0.unwrap_or_default()))
    }
}

/// A guest, as of a poll: a row `[vmid, kind, status, cpu, mem_used, mem_total, disk_used, disk_total, netin, netout, diskread, diskwrite,
/// uptime_s, lock]`, the last one left out where there is none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GuestNow {
    /// Its number in the cluster.
    pub vmid: u64,
    /// What it is.
    pub kind: GuestKind,
    /// What it does.
    pub status: GuestStatus,
    /// 0 to 1.
    pub cpu: f64,
    /// Memory in use.
    pub mem_used: i64,
    /// Memory it may use.
    pub mem_total: i64,
    /// Disk in use; 0 for virtual machines of which nobody knows ([`super::GuestRow::disk_reason`]).
    pub disk_used: i64,
    /// All of it: the file systems of virtual machines whose agent tells, else what was given to the guest.
    pub disk_total: i64,
    /// Received, bytes per second.
    pub net_in: i64,
    /// Sent, bytes per second.
    pub net_out: i64,
    /// Read from disks, bytes per second.
    pub disk_read: i64,
    /// Written to disks, bytes per second.
    pub disk_write: i64,
    /// Seconds since it was started. A guest that is left out of a poll runs on.
    pub uptime_s: i64,
    /// What it is locked for (`backup`, `snapshot`, …); empty when it is not.
    pub lock: String,
}

impl GuestNow {
    /// Whether only time has passed since `before`.
    pub fn is_still(&self, before: &Self) -> bool {
        let Self { uptime_s, .. } = self;
        *self == Self { uptime_s: *uptime_s, ..before.clone() }
    }
}

/// The state of a storage on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageStatus {
    /// It can be used.
    #[default]
    Available,
    /// It is wanted and cannot be used.
    Inactive,
    /// It is switched off.
    Disabled,
}

impl<'de> Deserialize<'de> for StorageStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer).map(|text| match text.0.as_deref() {
            Some("available") => Self::Available,
            Some("disabled") => Self::Disabled,
            _ => Self::Inactive,
        })
    }
}

/// A storage on a node, as of a poll: a row `[name, node, status, used, total, avail]`. A shared one has a row for each node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageNow {
    /// Its name.
    pub name: String,
    /// The node that sees it.
    pub node: String,
    /// Its state there.
    pub status: StorageStatus,
    /// In use.
    pub used: i64,
    /// All of it.
    pub total: i64,
    /// What may still be written.
    pub avail: i64,
}

/// A backup server, as of a poll.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PbsNow {
    /// `online` or `offline`.
    #[serde(deserialize_with = "loose::text")]
    pub status: String,
    /// 0 to 1; 0 where the token may not see it.
    #[serde(deserialize_with = "loose::number", skip_serializing_if = "loose::is_default")]
    pub cpu: f64,
    /// Memory in use.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub mem_used: i64,
    /// All memory.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub mem_total: i64,
    /// The root file system: in use.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub disk_used: i64,
    /// All of it.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub disk_total: i64,
    /// Seconds since it was started.
    #[serde(deserialize_with = "loose::whole", skip_serializing_if = "loose::is_default")]
    pub uptime_s: i64,
    /// Load averages of 1, 5 and 15 minutes; empty when unknown.
    #[serde(deserialize_with = "numbers", skip_serializing_if = "Vec::is_empty")]
    pub load: Vec<f64>,
    /// Its datastores that can be seen.
    #[serde(deserialize_with = "loose::list")]
    pub datastores: Vec<DatastoreNow>,
}

/// A datastore, as of a poll. What it is stands in the census.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DatastoreNow {
    /// Its name.
    #[serde(deserialize_with = "loose::text")]
    pub name: String,
    /// In use.
    #[serde(deserialize_with = "loose::whole")]
    pub used: i64,
    /// All of it.
    #[serde(deserialize_with = "loose::whole")]
    pub total: i64,
    /// What may still be written.
    #[serde(deserialize_with = "loose::whole")]
    pub avail: i64,
    /// Why its sizes are unknown.
    #[serde(deserialize_with = "loose::optional_text", skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let list: Vec<Number> = loose::list(deserializer)?;
    Ok(list.into_iter().map(|number| number.0.unwrap_or_default()).collect())
}

impl Serialize for GuestNow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_seq(None)?;
        row.serialize_element(&self.vmid)?;
        row.serialize_element(&self.kind)?;
        row.serialize_element(&self.status)?;
        row.serialize_element(&self.cpu)?;
        for value in [
            self.mem_used,
            self.mem_total,
            self.disk_used,
            self.disk_total,
            self.net_in,
            self.net_out,
            self.disk_read,
            self.disk_write,
            self.uptime_s,
        ] {
            row.serialize_element(&value)?;
        }
        if !self.lock.is_empty() {
            row.serialize_element(&self.lock)?;
        }
        row.end()
    }
}

impl Serialize for StorageNow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.name, &self.node, self.status, self.used, self.total, self.avail).serialize(serializer)
    }
}

/// A row of a poll: what is missing at its end is the default, what is behind the known is of a newer agent.
struct Row<A>(A);

impl<'de, A: SeqAccess<'de>> Row<A> {
    fn next<T: Deserialize<'de> + Default>(&mut self) -> Result<T, A::Error> {
        self.0.next_element().map(Option::unwrap_or_default)
    }

    fn whole(&mut self) -> Result<i64, A::Error> {
        self.next::<Whole>().map(|whole| whole.0.unwrap_or_default())
    }

    fn number(&mut self) -> Result<f64, A::Error> {
        self.next::<Number>().map(|number| number.0.unwrap_or_default())
    }

    fn text(&mut self) -> Result<String, A::Error> {
        self.next::<Text>().map(|text| text.0.unwrap_or_default())
    }

    fn end(&mut self) -> Result<(), A::Error> {
        while self.0.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

impl<'de> Deserialize<'de> for GuestNow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Guest;

        impl<'de> Visitor<'de> for Guest {
            type Value = GuestNow;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a guest's row")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<GuestNow, A::Error> {
                let mut row = Row(elements);
                let guest = GuestNow {
                    vmid: row.whole()?.try_into().unwrap_or_default(),
                    kind: row.next()?,
                    status: row.next()?,
                    cpu: row.number()?,
                    mem_used: row.whole()?,
                    mem_total: row.whole()?,
                    disk_used: row.whole()?,
                    disk_total: row.whole()?,
                    net_in: row.whole()?,
                    net_out: row.whole()?,
                    disk_read: row.whole()?,
                    disk_write: row.whole()?,
                    uptime_s: row.whole()?,
                    lock: row.text()?,
                };
                row.end()?;
                Ok(guest)
            }
        }

        deserializer.deserialize_seq(Guest)
    }
}

impl<'de> Deserialize<'de> for StorageNow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Storage;

        impl<'de> Visitor<'de> for Storage {
            type Value = StorageNow;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a storage's row")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<StorageNow, A::Error> {
                let mut row = Row(elements);
                let storage = StorageNow {
                    name: row.text()?,
                    node: row.text()?,
                    status: row.next()?,
                    used: row.whole()?,
                    total: row.whole()?,
                    avail: row.whole()?,
                };
                row.end()?;
                Ok(storage)
            }
        }

        deserializer.deserialize_seq(Storage)
    }
}
