//! The result document in our words: a sample, what the host is, what its own checks say. What cannot be true is left out.

use std::collections::BTreeSet;

use super::result::{Agent, CustomCheck, Disk, Document, Group};
use crate::metrics::mackerel::name_part;
use crate::metrics::{CELSIUS_BOUNDS, Metric, interfaces, within};
use crate::model::{CheckReport, Facts, Named, Sample, Severity, Temperature};
use crate::units::{UnixMillis, UnixSeconds};

/// The longest text that is kept of what a host says of itself, and of a check's name, in characters.
const MAX_TEXT_CHARS: usize = 255;
/// The longest name of a sensor, in bytes, and the most of them: they are stored with every sample.
const MAX_SENSOR_BYTES: usize = 64;
const MAX_SENSORS: usize = 64;
/// The most custom checks of a document that are looked at.
const MAX_CHECKS: usize = 1_000;
/// An hour of the clock, seconds.
const HOUR_S: i64 = 3_600;
/// File systems that are somebody else's disk, or always full.
const NOT_OWN: [&str; 10] = ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "squashfs", "iso9660"];

/// Seconds between two cycles, where an agent does not say. Source: openitcockpit specification, 9.2.
const INTERVAL_S: u32 = 30;
/// What an agent may say of it.
const INTERVALS_S: std::ops::RangeInclusive<u32> = 5..=86_400;

impl Document {
    /// Seconds between two documents of the same host.
    pub fn period_s(&self) -> u32 {
        let said = value(self.agent.as_ref()).and_then(|agent| agent.check_interval);
        said.filter(|seconds| INTERVALS_S.contains(seconds)).unwrap_or(INTERVAL_S)
    }

    /// How long the host runs, seconds; where it says.
    pub fn uptime_s(&self) -> Option<u64> {
        value(self.agent.as_ref()).map(|agent| agent.system_uptime).filter(|seconds| *seconds > 0)
    }

    /// The agent's version, empty where it does not say.
    pub fn agent_version(&self) -> String {
        value(self.agent.as_ref()).map(|agent| short(&agent.agent_version)).unwrap_or_default()
    }

    /// What was measured, without a number. `with_details`: with each device, interface, file system, container and check by name too.
    pub fn sample(&self, at: UnixMillis, with_details: bool) -> Sample {
        let mut sample = Sample { at, ..Sample::default() };
        if let Some(agent) = value(self.agent.as_ref()) {
            sample.uptime_s = whole(Metric::Uptime, agent.system_uptime);
        }
        if let Some(cpu) = value(self.cpu.as_ref()) {
            sample.cpu_percent = real(Metric::CpuPercent, cpu.cpu_total_percentage.0);
        }
        if let Some(memory) = value(self.memory.as_ref()) {
            sample.mem_used_bytes = whole(Metric::MemUsed, memory.used);
        }
        if let Some(swap) = value(self.swap.as_ref()) {
            sample.swap_used_bytes = whole(Metric::SwapUsed, swap.used);
        }
        if let Some(load) = value(self.system_load.as_ref()) {
            sample.load1 = real(Metric::Load1, load.one.0);
            sample.load5 = real(Metric::Load5, load.five.0);
            sample.load15 = real(Metric::Load15, load.fifteen.0);
        }
        if value(self.disks.as_ref()).is_some() {
            sample.disk_used_bytes = whole(Metric::DiskUsed, sum(self.own_disks().map(|disk| disk.usage.used)));
        }
        if let Some(processes) = value(self.processes.as_ref()) {
            sample.processes = whole(Metric::Processes, u64::try_from(processes.len()).unwrap_or(u64::MAX));
        }
        self.put_network(&mut sample);
        sample.temperatures = self.temperatures();
        if with_details {
            sample.named = self.details();
        }
        sample
    }

    fn put_network(&self, sample: &mut Sample) {
        let Some(all) = value(self.net_io.as_ref()) else { return };
        let own = || all.iter().filter(|(name, _)| interfaces::is_own(name)).map(|(_, io)| io);
        // A host whose only way out is a tunnel or a virtual pair: better that than nothing.
        let others = || all.iter().filter(|(name, _)| !interfaces::is_loopback(name)).map(|(_, io)| io);
        let used: Vec<_> = if own().next().is_some() { own().collect() } else { others().collect() };
        if used.is_empty() {
            return;
        }
        let of = |part: fn(&super::result::NetIo) -> u64| sum(used.iter().map(|io| part(io)));
        sample.net_in_bytes = whole(Metric::NetIn, of(|io| io.bytes_recv));
        sample.net_out_bytes = whole(Metric::NetOut, of(|io| io.bytes_sent));
        sample.net_in_bytes_per_s = whole(Metric::NetInSpeed, of(|io| io.avg_bytes_recv_ps));
        sample.net_out_bytes_per_s = whole(Metric::NetOutSpeed, of(|io| io.avg_bytes_sent_ps));
    }

    /// The file systems that are the host's own, each device once however often it is mounted.
    fn own_disks(&self) -> impl Iterator<Item = &Disk> {
        let mut seen = BTreeSet::new();
        let all = value(self.disks.as_ref()).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(move |one| {
            let is_own = one.usage.total > 0 && !NOT_OWN.contains(&one.disk.fstype.as_str());
            is_own && seen.insert(one.disk.device.as_str())
        })
    }

    fn temperatures(&self) -> Vec<Temperature> {
        let all = value(self.sensors.as_ref()).map(|sensors| sensors.temperatures.as_slice()).unwrap_or_default();
        let (min, max) = CELSIUS_BOUNDS;
        let known = all.iter().filter_map(|one| {
            let celsius = within(one.current.0, min, max).ok()?;
            let fits = !one.label.is_empty() && one.label.len() <= MAX_SENSOR_BYTES;
            let is_text = !one.label.chars().any(char::is_control);
            (fits && is_text).then(|| Temperature { name: one.label.clone(), celsius })
        });
        known.take(MAX_SENSORS).collect()
    }

    /// What the host is; `None` when the document does not say.
    pub fn facts(&self) -> Option<Facts> {
        let agent = value(self.agent.as_ref())?;
        let boot = agent.last_updated_timestamp.saturating_sub(i64::try_from(agent.system_uptime).unwrap_or(i64::MAX));
        let processors = value(self.cpu.as_ref()).map_or(0, |cpu| cpu.cpu_percentage.len());
        Some(Facts {
            platform: short(&agent.system),
            platform_version: short(platform_version(agent)),
            kernel: short(&agent.kernel_version),
            arch: arch(&agent.goarch),
            virtualization: String::new(),
            // Their model is in no document.
            cpu: if processors > 0 { vec![format!("{processors} Virtual Core")] } else { vec![] },
            gpu: vec![],
            mem_total_bytes: value(self.memory.as_ref()).map_or(0, |memory| memory.total),
            swap_total_bytes: value(self.swap.as_ref()).map_or(0, |swap| swap.total),
            disk_total_bytes: sum(self.own_disks().map(|disk| disk.usage.total)),
            booted_at: UnixSeconds(if agent.system_uptime > 0 { boot.max(0) } else { 0 }),
            addresses: None,
            machine: None,
        })
    }

    /// What the host's own checks say. A clock that is wrong by hours is put right by hours.
    pub fn reports(&self, now: UnixSeconds) -> Vec<CheckReport> {
        let Some(checks) = value(self.customchecks.as_ref()) else { return vec![] };
        let clock = value(self.agent.as_ref()).map_or(now.0, |agent| agent.last_updated_timestamp);
        let off_s = now.0.saturating_sub(clock).saturating_add(HOUR_S / 2).div_euclid(HOUR_S).saturating_mul(HOUR_S);
        let report = |(name, check): (&String, &CustomCheck)| {
            let at = check.execution_unix_timestamp_sec.saturating_add(off_s);
            let at = if check.execution_unix_timestamp_sec > 0 { at } else { now.0 };
            CheckReport {
                name: short(name),
                severity: severity(check.rc),
                message: message(check),
                at: UnixSeconds(at),
                every_min: None,
                attempts: 1,
                is_steady: true,
            }
        };
        checks.iter().filter(|(name, _)| !short(name).is_empty()).take(MAX_CHECKS).map(report).collect()
    }
}

impl Document {
    /// What is told of single things, by Mackerel's names where it has some.
    fn details(&self) -> Vec<Named> {
        let mut details = Details::default();
        if let Some(cpu) = value(self.cpu.as_ref()) {
            let cores = f64::from(u32::try_from(cpu.cpu_percentage.len()).unwrap_or(0));
            let of = cpu.cpu_total_percentage_detailed;
            let parts =
                [("user", of.user), ("nice", of.nice), ("system", of.system), ("idle", of.idle), ("iowait", of.iowait)];
            // All 0 is nothing said.
            if parts.iter().any(|(_, share)| share.0 > 0.0) {
                for (name, share) in parts {
                    details.put(format_args!("cpu.{name}.percentage"), share.0 * cores);
                }
            }
        }
        for disk in self.own_disks().filter(|one| one.disk.device.starts_with("/dev/")) {
            let name = name_part(disk.disk.device.trim_start_matches("/dev/"));
            let size = disk.usage.used.saturating_add(disk.usage.free);
            details.put_whole(format_args!("filesystem.{name}.size"), size);
            details.put_whole(format_args!("filesystem.{name}.used"), disk.usage.used);
        }
        for (name, io) in value(self.net_io.as_ref()).into_iter().flatten() {
            if interfaces::is_loopback(name) || name.starts_with("veth") {
                continue;
            }
            let name = name_part(name);
            details.put_whole(format_args!("interface.{name}.rxBytes.delta"), io.avg_bytes_recv_ps);
            details.put_whole(format_args!("interface.{name}.txBytes.delta"), io.avg_bytes_sent_ps);
        }
        for (name, check) in value(self.customchecks.as_ref()).into_iter().flatten() {
            let name = name_part(name);
            for (label, number) in perfdata(&check.stdout) {
                details.put(format_args!("custom.check.{name}.{}", name_part(label)), number);
            }
        }
        for container in value(self.docker.as_ref()).into_iter().flatten() {
            let name = name_part(container.name.trim_start_matches('/'));
            details.put(format_args!("custom.container.{name}.cpu_percent"), container.cpu_percentage.0);
            details.put_whole(format_args!("custom.container.{name}.memory_bytes"), container.memory_used);
        }
        for (name, io) in value(self.disk_io.as_ref()).into_iter().flatten() {
            let name = name_part(name);
            if !name.starts_with("dm-") {
                details.put_whole(format_args!("disk.{name}.reads.delta"), io.read_iops_per_second);
                details.put_whole(format_args!("disk.{name}.writes.delta"), io.write_iops_per_second);
            }
            details.put_whole(format_args!("custom.disk.{name}.read_bytes"), io.read_bytes_per_second);
            details.put_whole(format_args!("custom.disk.{name}.write_bytes"), io.write_bytes_per_second);
            details.put(format_args!("custom.disk.{name}.load_percent"), io.load_percent.0);
        }
        if let Some(offset) = value(self.ntp.as_ref()).and_then(|ntp| ntp.offset) {
            details.put(format_args!("custom.ntp.offset_s"), offset.0);
        }
        if let Some(users) = value(self.users.as_ref()) {
            details.put_whole(format_args!("custom.users.logged_in"), u64::try_from(users.len()).unwrap_or(0));
        }
        details.named
    }
}

/// Named values, each name once, as many as a sample takes.
#[derive(Default)]
struct Details {
    named: Vec<Named>,
    names: BTreeSet<String>,
}

impl Details {
    fn put(&mut self, name: std::fmt::Arguments<'_>, value: f64) {
        let name = name.to_string();
        let fits = self.named.len() < Named::MAX && value.is_finite() && Named::check_name(&name).is_ok();
        if fits && self.names.insert(name.clone()) {
            self.named.push(Named { name, value });
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "rates and sizes, exact below 2^53")]
    fn put_whole(&mut self, name: std::fmt::Arguments<'_>, value: u64) {
        self.put(name, value as f64);
    }
}

/// The value of a group that is there and has not failed.
pub(super) fn value<T>(group: Option<&Group<T>>) -> Option<&T> {
    group.and_then(Group::value)
}

fn sum(all: impl Iterator<Item = u64>) -> u64 {
    all.fold(0, u64::saturating_add)
}

#[expect(clippy::cast_precision_loss, reason = "what is beyond 2^53 is refused")]
fn whole(metric: Metric, value: u64) -> Option<u64> {
    metric.definition().check(value as f64).is_ok().then_some(value)
}

fn real(metric: Metric, value: f64) -> Option<f64> {
    metric.definition().check(value).ok()
}

/// A text without control characters, not too long.
pub(super) fn short(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(MAX_TEXT_CHARS).collect::<String>().trim().to_owned()
}

/// Quirk: Windows says its version elsewhere.
fn platform_version(agent: &Agent) -> &str {
    if agent.mac_version.is_empty() { &agent.windows_release_id } else { &agent.mac_version }
}

/// The kernel's word for Go's.
fn arch(goarch: &str) -> String {
    match goarch {
        "amd64" => "x86_64".to_owned(),
        "arm64" => "aarch64".to_owned(),
        "386" => "i686".to_owned(),
        other => short(other),
    }
}

/// What a check's exit code means. Source: Monitoring Plugins, development guidelines.
pub(super) const fn severity(rc: i64) -> Option<Severity> {
    match rc {
        0 => None,
        1 => Some(Severity::Warning),
        2 => Some(Severity::Critical),
        _ => Some(Severity::Unknown),
    }
}

/// What a person reads of a check: its first line, before the numbers; of one that said nothing, how it ended.
pub(super) fn message(check: &CustomCheck) -> String {
    let line = check.stdout.lines().next().unwrap_or_default();
    let words = short(line.split('|').next().unwrap_or_default());
    if words.is_empty() { format!("ended with {}", check.rc) } else { words }
}

/// The numbers behind the bar of a check's first line: labels and values, whatever their units. Source: Monitoring Plugins, development
/// guidelines, performance data.
fn perfdata(stdout: &str) -> impl Iterator<Item = (&str, f64)> {
    let (_, mut rest) = stdout.lines().next().unwrap_or_default().split_once('|').unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            let (label, behind) = match rest.strip_prefix('\'') {
                Some(quoted) => quoted.split_once("'=")?,
                None => rest.split_once('=')?,
            };
            let end = behind.find(char::is_whitespace).unwrap_or(behind.len());
            let (field, next) = behind.split_at_checked(end)?;
            rest = next;
            let number = field.split(';').next().unwrap_or_default();
            let digits = number.trim_end_matches(|letter: char| letter.is_alphabetic() || letter == '%');
            if let Ok(value) = digits.parse::<f64>() {
                return Some((label, value));
            }
        }
    })
}

#[cfg(test)]
mod tests;
