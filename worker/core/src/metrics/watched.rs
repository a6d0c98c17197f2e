//! What monitors look at: a metric by Mackerel's name, or a rate that is made of several. Source: mackerel specification, 8.1.

use super::mackerel::{CPU_PARTS, derived, set};
use super::{ALL, Metric, columns};
use crate::model::{Facts, Named, Sample};

/// Where a sample comes from.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// It was posted: it has what it names, and nothing else.
    Posted,
    /// Our agent measured it, at a host that is this.
    Agent(Option<&'a Facts>),
}

/// Whether a named value is a part of what is looked at.
pub fn is_part(metric: &str, name: &str) -> bool {
    match metric {
        "cpu%" => name.starts_with("cpu."),
        "memory%" | "swap%" => name.starts_with("memory."),
        "disk%" => name.starts_with("filesystem."),
        _ => name == metric,
    }
}

/// A sample of stored values: those by column, and those by name that matter.
pub fn sample_of(by_column: [Option<f64>; ALL.len()], named: Vec<Named>) -> Sample {
    let mut sample = Sample { named, ..Sample::default() };
    set(&mut sample, by_column);
    sample
}

/// What a sample says of a metric, or of a rate; `None` where it says nothing.
pub fn measured(metric: &str, sample: &Sample, origin: Origin<'_>) -> Option<f64> {
    let get = |name: &str| sample.named.iter().find(|one| one.name == name).map(|one| one.value);
    let share = |used: f64, total: f64| (total > 0.0).then(|| (100.0 * used / total).clamp(0.0, 100.0));
    let by_name = match metric {
        "cpu%" => idle_percent(sample).map(|idle| (100.0 - idle).clamp(0.0, 100.0)),
        "memory%" => get("memory.used").zip(get("memory.total")).and_then(|(used, total)| share(used, total)),
        "swap%" => {
            let both = get("memory.swap_free").zip(get("memory.swap_total"));
            both.and_then(|(free, total)| share(total - free, total))
        }
        "disk%" => {
            let part = |one: &Named| {
                let device = one.name.strip_prefix("filesystem.")?.strip_suffix(".used")?;
                share(one.value, get(&format!("filesystem.{device}.size"))?)
            };
            sample.named.iter().filter_map(part).reduce(f64::max)
        }
        name => get(name),
    };
    by_name.or_else(|| match origin {
        Origin::Posted => None,
        Origin::Agent(facts) => built_in(metric, sample, facts),
    })
}

/// Nothing runs for so much of all cores together, percent.
fn idle_percent(sample: &Sample) -> Option<f64> {
    let part = |name: &&str| {
        let value =
            |one: &Named| (one.name.strip_prefix("cpu.")?.strip_suffix(".percentage")? == *name).then_some(one.value);
        sample.named.iter().find_map(value)
    };
    let idle = part(&"idle")?;
    // The parts are 100 for each core together.
    let total: f64 = CPU_PARTS.iter().filter_map(part).sum();
    (total > 0.0).then(|| 100.0 * idle / total)
}

/// From what our agent measures itself.
#[expect(clippy::cast_precision_loss, reason = "sizes are exact below 2^53")]
fn built_in(metric: &str, sample: &Sample, facts: Option<&Facts>) -> Option<f64> {
    let value = |metric: Metric| columns(sample).get(metric as usize).copied().flatten();
    let share = |metric: Metric, total: fn(&Facts) -> u64| {
        let total = facts.map(total).filter(|total| *total > 0)?;
        Some((100.0 * value(metric)? / total as f64).clamp(0.0, 100.0))
    };
    match metric {
        "cpu%" => sample.cpu_percent,
        "memory%" => share(Metric::MemUsed, |facts| facts.mem_total_bytes),
        "swap%" => share(Metric::SwapUsed, |facts| facts.swap_total_bytes),
        "disk%" => share(Metric::DiskUsed, |facts| facts.disk_total_bytes),
        name => derived(name)?.newest(sample, facts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(named: &[(&str, f64)]) -> Sample {
        let named = named.iter().map(|(name, value)| Named { name: (*name).to_owned(), value: *value });
        Sample { named: named.collect(), ..Sample::default() }
    }

    #[test]
    fn rates_are_made_of_what_was_posted() {
        let sample = posted(&[
            ("cpu.idle.percentage", 300.0),
            ("cpu.user.percentage", 60.0),
            ("cpu.iowait.percentage", 40.0),
            ("memory.total", 1000.0),
            ("memory.used", 250.0),
            ("memory.swap_total", 100.0),
            ("memory.swap_free", 90.0),
            ("filesystem.vda.size", 100.0),
            ("filesystem.vda.used", 30.0),
            ("filesystem.vdb.size", 50.0),
            ("filesystem.vdb.used", 40.0),
            ("custom.a", -1.5),
        ]);
        let of = |metric| measured(metric, &sample, Origin::Posted);
        assert_eq!(
            (of("cpu%"), of("memory%"), of("swap%"), of("disk%")),
            (Some(25.0), Some(25.0), Some(10.0), Some(80.0))
        );
        assert_eq!((of("custom.a"), of("loadavg5"), of("container-cpu%")), (Some(-1.5), None, None));
        let bare = posted(&[("memory.swap_total", 0.0), ("memory.swap_free", 0.0), ("filesystem.vda.used", 3.0)]);
        let of = |metric| measured(metric, &bare, Origin::Posted);
        assert_eq!((of("swap%"), of("disk%"), of("cpu%")), (None, None, None));
    }

    #[test]
    fn what_our_agent_measures_answers_where_it_is_the_right_value() {
        let sample = Sample {
            cpu_percent: Some(12.5),
            mem_used_bytes: Some(30),
            disk_used_bytes: Some(4),
            load5: Some(1.25),
            ..Sample::default()
        };
        let facts = Facts { mem_total_bytes: 40, disk_total_bytes: 5, ..Facts::default() };
        let of = |metric| measured(metric, &sample, Origin::Agent(Some(&facts)));
        assert_eq!((of("cpu%"), of("memory%"), of("disk%"), of("swap%")), (Some(12.5), Some(75.0), Some(80.0), None));
        assert_eq!((of("loadavg5"), of("memory.used"), of("cpu.user.percentage")), (Some(1.25), Some(30.0), None));
        assert_eq!(measured("memory%", &sample, Origin::Agent(None)), None);
        assert_eq!(measured("loadavg5", &sample, Origin::Posted), None);
        let back = sample_of(columns(&sample), vec![]);
        assert_eq!((back.load5, back.mem_used_bytes), (Some(1.25), Some(30)));
    }
}
