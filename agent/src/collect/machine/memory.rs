//! What memory is used for, from `/proc/meminfo`.

use edgewatch_core::metrics::memory::MEMORY_KINDS;
use edgewatch_core::model::MemoryKind;

/// The kinds in the text of the file; lines that do not read as they should are passed over.
pub fn parse(text: &str) -> Vec<MemoryKind> {
    let kind = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let kib = rest.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        let is_told = MEMORY_KINDS.iter().any(|(_, told)| *told == name);
        is_told.then(|| MemoryKind { name: name.to_owned(), kib })
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
        assert!(MEMORY_KINDS.is_sorted());
    }
}
