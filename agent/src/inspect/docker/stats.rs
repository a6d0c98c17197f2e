//! What a container uses. Source: Docker Engine API 1.41, `GET /containers/{id}/stats`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::inspect::rates::{grown, mean, percent};

/// The answer, as far as it is told. Parts may be missing or `null`: daemons of either group version leave out what they have not.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Stats {
    #[serde(rename = "cpu_stats", deserialize_with = "nullable")]
    cpu: Cpu,
    #[serde(rename = "precpu_stats", deserialize_with = "nullable")]
    cpu_before: Cpu,
    #[serde(rename = "memory_stats", deserialize_with = "nullable")]
    memory: Memory,
    networks: Option<BTreeMap<String, Network>>,
    #[serde(rename = "blkio_stats", deserialize_with = "nullable")]
    disk: Disk,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cpu {
    #[serde(rename = "cpu_usage")]
    usage: Usage,
    system_cpu_usage: u64,
    online_cpus: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Usage {
    total_usage: u64,
    percpu_usage: Option<Vec<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Memory {
    usage: u64,
    limit: u64,
    #[serde(deserialize_with = "nullable")]
    stats: BTreeMap<String, u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Network {
    rx_bytes: u64,
    tx_bytes: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Disk {
    io_service_bytes_recursive: Option<Vec<Transferred>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Transferred {
    op: String,
    value: u64,
}

/// Time that processors spent since their machine was started, ns: for the container, and for everything, idle time too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Processor {
    own: u64,
    all: u64,
}

/// `null` says no more than what is not there.
fn nullable<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl From<&Cpu> for Processor {
    fn from(cpu: &Cpu) -> Self {
        Self { own: cpu.usage.total_usage, all: cpu.system_cpu_usage }
    }
}

impl Stats {
    /// For the next cycle to compare with.
    pub fn processor(&self) -> Processor {
        Processor::from(&self.cpu)
    }

    /// As `docker stats` has it, 100 for each processor: since the cycle before, else since the daemon looked before; 0 where neither did.
    pub fn cpu_percent(&self, earlier: Option<Processor>) -> f64 {
        let looked = Some(Processor::from(&self.cpu_before)).filter(|before| before.all > 0);
        let Some(before) = earlier.or(looked) else { return 0.0 };
        let now = self.processor();
        let each = self.cpu.usage.percpu_usage.as_ref().map_or(1, Vec::len);
        let count = match self.cpu.online_cpus {
            0 => u64::try_from(each).unwrap_or(1),
            count => count,
        };
        mean(grown(before.own, now.own), grown(before.all, now.all)) * crate::collect::exact(count) * 100.0
    }

    /// Bytes received and sent on all its interfaces.
    pub fn network(&self) -> (u64, u64) {
        let networks = self.networks.iter().flatten().map(|(_, network)| network);
        networks.fold((0, 0), |(rx, tx), one| (one.rx_bytes.saturating_add(rx), one.tx_bytes.saturating_add(tx)))
    }

    /// Bytes read and written. The second version of groups has small letters.
    pub fn disk(&self) -> (u64, u64) {
        let entries = self.disk.io_service_bytes_recursive.as_deref().unwrap_or_default();
        let sum = |op: &str| {
            let of_kind = entries.iter().filter(|entry| entry.op.eq_ignore_ascii_case(op));
            of_kind.fold(0_u64, |sum, entry| sum.saturating_add(entry.value))
        };
        (sum("read"), sum("write"))
    }

    /// Bytes less what the kernel keeps of files and nobody used for a while, and what that is of the limit, percent.
    pub fn memory(&self) -> (u64, f64) {
        let memory = &self.memory;
        let idle = ["inactive_file", "total_inactive_file"].map(|name| memory.stats.get(name).copied());
        // The first version of groups has both names, and the second counts what is below it.
        let [second, first] = idle;
        let used = memory.usage.saturating_sub(first.or(second).unwrap_or(0));
        (used, percent(used, memory.limit))
    }
}
