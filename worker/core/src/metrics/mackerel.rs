//! Mackerel's names of what the stock agent measures, and our own metrics: both ways, one table.
//!
//! Way in: [`fill`] reads our metrics off the named values of a minute. Way out: [`derived`] answers a name of Mackerel's from a
//! host's own metric, where that is the right value; a split that nobody measured is not made up. Source: mackerel
//! specification, 5.5.

use super::{ALL, Metric, columns, interfaces};
use crate::model::{Facts, Sample};

/// How long a minute's values stand for what a later post leaves out, ms: posts may be of some of a host's metrics only.
const CARRIED_FOR_MS: i64 = 300_000;

/// The parts of the processors' time. With `guest`, the stock agent takes guests off `user`. Their sum is 100 for each core.
pub(super) const CPU_PARTS: [&str; 9] =
    ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest"];
/// What is told of memory.
const MEMORY_PARTS: [&str; 9] =
    ["total", "used", "mem_available", "free", "buffers", "cached", "swap_total", "swap_free", "swap_cached"];
/// Those in which nothing runs; waiting for a disk counts as idle, as with our agent.
const CPU_IDLE: [&str; 2] = ["idle", "iowait"];

/// What a host has of something in all, bytes, where its named values say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Memory.
    pub mem_bytes: Option<u64>,
    /// Swap.
    pub swap_bytes: Option<u64>,
    /// The file systems together.
    pub disk_bytes: Option<u64>,
}

/// One of Mackerel's names that a host's own metric answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derived {
    /// The name.
    pub name: &'static str,
    /// The metric that it is read off.
    pub metric: Metric,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// As it is.
    Same,
    /// What is left of the host's memory, or of its swap.
    Left,
    /// The host's memory or swap in all, whatever the metric is.
    Whole,
    /// What is not used of the processors, 100 for each.
    IdleCores,
}

/// Every name that is answered from a metric of ours.
pub const DERIVED: [Derived; 9] = [
    Derived { name: "cpu.idle.percentage", metric: Metric::CpuPercent, how: How::IdleCores },
    Derived { name: "loadavg1", metric: Metric::Load1, how: How::Same },
    Derived { name: "loadavg15", metric: Metric::Load15, how: How::Same },
    Derived { name: "loadavg5", metric: Metric::Load5, how: How::Same },
    Derived { name: "memory.mem_available", metric: Metric::MemUsed, how: How::Left },
    Derived { name: "memory.swap_free", metric: Metric::SwapUsed, how: How::Left },
    Derived { name: "memory.swap_total", metric: Metric::SwapUsed, how: How::Whole },
    Derived { name: "memory.total", metric: Metric::MemUsed, how: How::Whole },
    Derived { name: "memory.used", metric: Metric::MemUsed, how: How::Same },
];

/// A part of a metric's name, as Mackerel's agent makes one: what is no letter, digit, `_` or `-` is `_`.
pub fn name_part(part: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' };
    let name: String = part.chars().map(letter).take(100).collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

/// Which of our metrics answers one of Mackerel's names.
pub fn derived(name: &str) -> Option<&'static Derived> {
    DERIVED.iter().find(|derived| derived.name == name)
}

/// Whether it is one of the names under which the stock agent, and ours once a minute, tells of the whole host.
pub fn is_stock(name: &str) -> bool {
    let mut parts = name.splitn(3, '.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("cpu"), Some(part), Some("percentage")) => CPU_PARTS.contains(&part),
        (Some("memory"), Some(part), None) => MEMORY_PARTS.contains(&part),
        (Some("loadavg1" | "loadavg5" | "loadavg15"), None, _)
        | (Some("interface"), Some(_), Some("rxBytes.delta" | "txBytes.delta"))
        | (Some("disk"), Some(_), Some("reads.delta" | "writes.delta"))
        | (Some("filesystem"), Some(_), Some("size" | "used")) => true,
        _ => false,
    }
}

impl Derived {
    /// The value of the name where the metric is `value`; `None` where what the host said of itself is not enough.
    #[expect(clippy::cast_precision_loss, reason = "sizes are exact below 2^53")]
    pub fn value(&self, value: f64, facts: Option<&Facts>) -> Option<f64> {
        let whole = || {
            let facts = facts?;
            let bytes = if self.metric == Metric::SwapUsed { facts.swap_total_bytes } else { facts.mem_total_bytes };
            (bytes > 0).then_some(bytes as f64)
        };
        match self.how {
            How::Same => Some(value),
            How::Whole => whole(),
            How::Left => whole().map(|whole| (whole - value).max(0.0)),
            How::IdleCores => cores(facts?).map(|cores| (100.0 - value) * cores),
        }
    }

    /// The newest value of the name, where there is one.
    pub fn newest(&self, sample: &Sample, facts: Option<&Facts>) -> Option<f64> {
        let value = columns(sample).get(self.metric as usize).copied().flatten()?;
        self.value(value, facts)
    }
}

/// How many cores the lines of a host's processors name: `<model> <count> Virtual Core`.
pub fn cores(facts: &Facts) -> Option<f64> {
    let count = |line: &String| {
        let line = line.strip_suffix(" Core")?;
        let (line, _) = line.rsplit_once(' ')?;
        line.rsplit_once(' ').map_or(line, |(_, count)| count).parse::<u32>().ok()
    };
    let cores: Option<u32> = facts.cpu.iter().map(count).sum();
    cores.filter(|cores| *cores > 0).map(f64::from)
}

/// Fills our metrics from a sample's named values, where these say them and they can be; the others stay as they are.
pub fn fill(sample: &mut Sample) {
    let mut values = values(&Named::of(sample));
    for (value, said) in values.iter_mut().zip(columns(sample)) {
        *value = value.or(said);
    }
    set(sample, values);
}

/// What the host has in all, as far as a sample's named values say.
pub fn totals(sample: &Sample) -> Totals {
    let named = Named::of(sample);
    let whole =
        |value: Option<f64>| value.and_then(|value| Metric::MemUsed.definition().check(value).ok()).map(to_whole);
    Totals {
        mem_bytes: whole(named.get("memory.total")),
        swap_bytes: whole(named.get("memory.swap_total")),
        disk_bytes: whole(named.sum("filesystem.", ".size", |_| true)),
    }
}

/// Takes from `before` what `sample` does not say of our metrics, unless that is too old to be true of now.
pub fn carry(before: &Sample, sample: &mut Sample) {
    if !(0..=CARRIED_FOR_MS).contains(&sample.at.0.saturating_sub(before.at.0)) {
        return;
    }
    let mut values = columns(sample);
    for (value, before) in values.iter_mut().zip(columns(before)) {
        *value = value.or(before);
    }
    set(sample, values);
}

/// Whether a sample says anything of our metrics.
pub fn says_something(sample: &Sample) -> bool {
    columns(sample).iter().any(Option::is_some)
}

/// A sample's named values in the order of their names.
struct Named<'a>(Vec<(&'a str, f64)>);

impl<'a> Named<'a> {
    fn of(sample: &'a Sample) -> Self {
        let mut named: Vec<(&str, f64)> = sample.named.iter().map(|one| (one.name.as_str(), one.value)).collect();
        named.sort_by(|one, other| one.0.cmp(other.0));
        Self(named)
    }

    fn get(&self, name: &str) -> Option<f64> {
        let at = self.0.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        self.0.get(at).map(|(_, value)| *value)
    }

    /// The sum of what lies between these two texts, where `counts` says so; `None` when nothing does.
    fn sum(&self, before: &str, behind: &str, counts: impl Fn(&str) -> bool) -> Option<f64> {
        let from = self.0.partition_point(|(name, _)| *name < before);
        let parts = self.0.iter().skip(from).take_while(|(name, _)| name.starts_with(before));
        let part = |(name, value): &(&str, f64)| {
            let middle = name.strip_prefix(before)?.strip_suffix(behind)?;
            (!middle.is_empty() && counts(middle)).then_some(*value)
        };
        parts.filter_map(part).fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }
}

/// Our metrics by column.
fn values(named: &Named<'_>) -> [Option<f64>; ALL.len()] {
    let memory = |name: &str| named.get(&format!("memory.{name}"));
    let used_memory = || {
        let total = memory("total")?;
        let left =
            memory("mem_available").or_else(|| Some(memory("free")? + memory("buffers")? + memory("cached")?))?;
        Some((total - left).max(0.0))
    };
    let speed = |behind: &str| {
        // A host whose only way out is a tunnel or a virtual pair: better that than nothing.
        let any = || named.sum("interface.", behind, |name| !interfaces::is_loopback(name));
        named.sum("interface.", behind, interfaces::is_own).or_else(any)
    };
    let mut values = [None; ALL.len()];
    let found = [
        (Metric::CpuPercent, busy_percent(named)),
        (Metric::MemUsed, memory("used").or_else(used_memory)),
        (Metric::SwapUsed, memory("swap_total").zip(memory("swap_free")).map(|(total, free)| (total - free).max(0.0))),
        (Metric::DiskUsed, named.sum("filesystem.", ".used", |_| true)),
        (Metric::NetInSpeed, speed(".rxBytes.delta")),
        (Metric::NetOutSpeed, speed(".txBytes.delta")),
        (Metric::Load1, named.get("loadavg1")),
        (Metric::Load5, named.get("loadavg5")),
        (Metric::Load15, named.get("loadavg15")),
    ];
    for (metric, value) in found {
        if let Some(slot) = values.get_mut(metric as usize) {
            *slot = value.and_then(|value| metric.definition().check(value).ok());
        }
    }
    values
}

fn busy_percent(named: &Named<'_>) -> Option<f64> {
    let part = |name: &str| named.get(&format!("cpu.{name}.percentage"));
    // Without what is idle the rest is no whole.
    part("idle")?;
    let total: f64 = CPU_PARTS.iter().filter_map(|name| part(name)).sum();
    let idle: f64 = CPU_IDLE.iter().filter_map(|name| part(name)).sum();
    (total > 0.0).then(|| (100.0 * (total - idle) / total).clamp(0.0, 100.0))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be from 0 to 2^53")]
fn to_whole(value: f64) -> u64 {
    value.round() as u64
}

/// Puts values by column into a sample.
pub(super) fn set(sample: &mut Sample, values: [Option<f64>; ALL.len()]) {
    let [
        cpu_percent,
        mem_used,
        swap_used,
        disk_used,
        net_in,
        net_out,
        net_in_speed,
        net_out_speed,
        uptime,
        load_of_one,
        load_of_five,
        of_fifteen,
        tcp,
        udp,
        processes,
        gpu_percent,
    ] = values;
    let whole = |value: Option<f64>| value.map(to_whole);
    (sample.cpu_percent, sample.gpu_percent) = (cpu_percent, gpu_percent);
    (sample.load1, sample.load5, sample.load15) = (load_of_one, load_of_five, of_fifteen);
    (sample.mem_used_bytes, sample.swap_used_bytes) = (whole(mem_used), whole(swap_used));
    (sample.disk_used_bytes, sample.uptime_s, sample.processes) = (whole(disk_used), whole(uptime), whole(processes));
    (sample.net_in_bytes, sample.net_out_bytes) = (whole(net_in), whole(net_out));
    (sample.net_in_bytes_per_s, sample.net_out_bytes_per_s) = (whole(net_in_speed), whole(net_out_speed));
    (sample.tcp_connections, sample.udp_connections) = (whole(tcp), whole(udp));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model;
    use crate::units::UnixMillis;

    fn sample(named: &[(&str, f64)]) -> Sample {
        let named = named.iter().map(|(name, value)| model::Named { name: (*name).to_owned(), value: *value });
        Sample { at: UnixMillis(1_795_361_160_000), named: named.collect(), ..Sample::default() }
    }

    fn filled(named: &[(&str, f64)]) -> Sample {
        let mut sample = sample(named);
        fill(&mut sample);
        sample
    }

    #[test]
    fn a_part_of_a_name_has_no_separator() {
        let long = "x".repeat(200);
        for (part, name) in
            [("eth0.100", "eth0_100"), ("mapper/vg-a b", "mapper_vg-a_b"), ("ä", "_"), ("", "_"), (&long, &long[..100])]
        {
            assert_eq!(name_part(part), name);
        }
    }

    #[test]
    fn a_minute_of_the_stock_agent_says_our_metrics() {
        let filled = filled(&[
            ("loadavg1", 0.5),
            ("loadavg5", 4.23),
            ("loadavg15", 3.0),
            ("cpu.user.percentage", 50.0),
            ("cpu.guest.percentage", 10.0),
            ("cpu.system.percentage", 40.0),
            ("cpu.idle.percentage", 280.0),
            ("cpu.iowait.percentage", 20.0),
            ("memory.total", 8e9),
            ("memory.used", 3e9),
            ("memory.mem_available", 5e9),
            ("memory.swap_total", 2e9),
            ("memory.swap_free", 1.5e9),
            ("filesystem.vda1.size", 100e9),
            ("filesystem.vda1.used", 40e9),
            ("filesystem.mapper_vg-home.size", 50e9),
            ("filesystem.mapper_vg-home.used", 2e9),
            ("interface.eth0.rxBytes.delta", 1_000.4),
            ("interface.eth1.rxBytes.delta", 500.0),
            ("interface.docker0.rxBytes.delta", 900.0),
            ("interface.eth0.txBytes.delta", 70.0),
            ("disk.vda.reads.delta", 3.0),
            ("custom.filesystem.a.used", 1.0),
        ]);
        assert_eq!((filled.load1, filled.load5, filled.load15), (Some(0.5), Some(4.23), Some(3.0)));
        assert_eq!(filled.cpu_percent, Some(25.0), "100 of 400: idle and waiting are not busy");
        assert_eq!((filled.mem_used_bytes, filled.swap_used_bytes), (Some(3_000_000_000), Some(500_000_000)));
        assert_eq!(filled.disk_used_bytes, Some(42_000_000_000));
        assert_eq!((filled.net_in_bytes_per_s, filled.net_out_bytes_per_s), (Some(1_500), Some(70)));
        assert_eq!((filled.net_in_bytes, filled.uptime_s, filled.processes), (None, None, None), "nobody said");
        let expected = Totals {
            mem_bytes: Some(8_000_000_000),
            swap_bytes: Some(2_000_000_000),
            disk_bytes: Some(150_000_000_000),
        };
        assert_eq!(totals(&filled), expected);
    }

    #[test]
    fn what_cannot_be_is_left_out_and_old_kernels_are_understood() {
        let old = filled(&[
            ("memory.total", 8e9),
            ("memory.free", 1e9),
            ("memory.buffers", 2e9),
            ("memory.cached", 3e9),
            ("loadavg5", -1.0),
            ("cpu.user.percentage", 5.0),
            ("interface.veth1.txBytes.delta", 7.0),
            ("interface.lo.txBytes.delta", 9.0),
        ]);
        assert_eq!((old.mem_used_bytes, old.load5, old.cpu_percent), (Some(2_000_000_000), None, None));
        assert_eq!(old.net_out_bytes_per_s, Some(7), "the only way out");
        assert!(!says_something(&filled(&[("custom.dice.d6", 3.0), ("filesystem..used", 1.0)])));
        assert!(!says_something(&filled(&[("memory.used", -3.0), ("cpu.idle.percentage", 0.0)])));
    }

    #[test]
    fn every_name_that_is_answered_says_the_metric_it_is_read_off_when_it_comes_back() {
        let facts = Facts {
            cpu: vec!["Xeon(R) E5 2 Virtual Core".to_owned(), "ARM 2 Physical Core".to_owned()],
            mem_total_bytes: 8_000_000_000,
            swap_total_bytes: 2_000_000_000,
            ..Facts::default()
        };
        let own = Sample {
            cpu_percent: Some(12.5),
            mem_used_bytes: Some(3_000_000_000),
            swap_used_bytes: Some(500_000_000),
            load1: Some(0.5),
            load5: Some(4.23),
            load15: Some(3.0),
            ..Sample::default()
        };
        let answered: Vec<(&str, f64)> = DERIVED
            .iter()
            .map(|derived| (derived.name, derived.newest(&own, Some(&facts)).unwrap()))
            .chain([("cpu.user.percentage", 50.0)])
            .collect();
        let value = |name: &str| answered.iter().find(|(known, _)| *known == name).unwrap().1;
        assert!((value("cpu.idle.percentage") - 350.0).abs() < 1e-9 && (value("memory.total") - 8e9).abs() < 1e-9);
        assert!((value("memory.mem_available") - 5e9).abs() < 1e-9 && (value("loadavg5") - 4.23).abs() < 1e-9);
        assert_eq!(Sample { named: vec![], at: own.at, ..filled(&answered) }, own);
        assert_eq!(totals(&sample(&answered)).swap_bytes, Some(2_000_000_000));
        for derived in &DERIVED {
            assert_eq!(super::derived(derived.name), Some(derived), "it is found");
            let said = derived.newest(&own, None).is_some();
            assert_eq!(said, derived.how == How::Same, "{}: nothing is made up", derived.name);
        }
        assert_eq!(derived("cpu.user.percentage"), None, "a split that nobody measured");
        assert!(DERIVED.is_sorted_by_key(|derived| derived.name));
    }

    #[test]
    fn stock_names_are_told_from_all_others() {
        for name in [
            "loadavg15",
            "cpu.iowait.percentage",
            "memory.swap_cached",
            "interface.eth0.rxBytes.delta",
            "disk.nvme0n1p1.writes.delta",
            "filesystem.mapper_vg-root.used",
        ] {
            assert!(is_stock(name), "{name}");
        }
        assert!(DERIVED.iter().all(|derived| is_stock(derived.name)));
        for name in [
            "custom.cpu.user.percentage",
            "loadavg1.x",
            "cpu.user",
            "cpu.all.percentage",
            "memory.total.x",
            "memory.rest",
            "interface.eth0.rxBytes",
            "disk.vda.reads.delta.x",
            "filesystem.size",
            "temperature/cpu",
            "probe/1/up",
            "",
        ] {
            assert!(!is_stock(name), "{name}");
        }
    }

    #[test]
    fn what_a_post_leaves_out_is_what_it_was_for_five_minutes() {
        let before = filled(&[("loadavg5", 4.0), ("loadavg1", 1.0)]);
        let after = |seconds: i64| {
            let mut sample = filled(&[("loadavg1", 2.0)]);
            sample.at = UnixMillis(before.at.0 + seconds * 1000);
            carry(&before, &mut sample);
            (sample.load1, sample.load5)
        };
        assert_eq!([after(60), after(300)], [(Some(2.0), Some(4.0)); 2]);
        assert_eq!([after(301), after(-1)], [(Some(2.0), None); 2]);
    }
}
