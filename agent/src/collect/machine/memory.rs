//! What memory is used for, from `/proc/meminfo`.

use edgewatch_core::model::MemoryKind;

/// What is told: the kinds that the stock agent tells of. Source: mackerel specification, 2.1.
const TOLD: [&str; 28] = [
    "Active",
    "AnonPages",
    "Bounce",
    "Buffers",
    "Cached",
    "CommitLimit",
    "Committed_AS",
    "Dirty",
    "HighFree",
    "HighTotal",
    "Inactive",
    "LowFree",
    "LowTotal",
    "Mapped",
    "MemFree",
    "MemTotal",
    "NFS_Unstable",
    "PageTables",
    "SReclaimable",
    "SUnreclaim",
    "Slab",
    "SwapCached",
    "SwapFree",
    "SwapTotal",
    "VmallocChunk",
    "VmallocTotal",
    "VmallocUsed",
    "Writeback",
];

/// The kinds in the text of the file; lines that do not read as they should are passed over.
pub fn parse(text: &str) -> Vec<MemoryKind> {
    let kind = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let kib = rest.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        TOLD.binary_search(&name).ok().map(|_| MemoryKind { name: name.to_owned(), kib })
    };
    text.lines().filter_map(kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_are_told_of_are_read_and_others_are_not() {
        let text = "MemTotal:       24684084 kB\nMemAvailable:   1 kB\nHugePages_Total:       0\nSwapFree:  0 kB\nSlab: x kB\nDirty\n";
        let kinds: Vec<(String, u64)> = parse(text).into_iter().map(|kind| (kind.name, kind.kib)).collect();
        assert_eq!(kinds, [("MemTotal".to_owned(), 24_684_084), ("SwapFree".to_owned(), 0)]);
        assert!(TOLD.is_sorted());
    }
}
