//! The checks that a document answers, each judged: those that the server's wizard proposes, with its limits. Source: openitcockpit
//! specification, 13.3.
//!
//! Of units and services those are looked at that run, as the wizard does, and units that failed; how much memory a container had when
//! somebody set its limits is in no document, so that is told and not judged.

use super::intake::{message, severity, short, value};
use super::result::{Disk, Document, NetIo};
use crate::model::{HostCheck, Severity};

/// What a network interface is taken for that does not say its speed, Mbit/s.
const USUAL_MBIT: f64 = 1_000.0;
const BYTES_PER_MBIT: f64 = 125_000.0;

/// Two limits: what is a warning, and what is critical.
type Limits = (f64, f64);

const CPU: Limits = (85.0, 90.0);
const MEMORY: Limits = (80.0, 90.0);
const SWAP: Limits = (40.0, 80.0);
const DISK_USED: Limits = (80.0, 90.0);
const DISK_FREE: Limits = (20.0, 10.0);
const DISK_LOAD: Limits = (60.0, 80.0);
const LINK: Limits = (85.0, 90.0);
const FAULTS: Limits = (5.0, 10.0);
const PROCESS: Limits = (50.0, 60.0);
const CELSIUS: Limits = (90.0, 100.0);
const BATTERY: Limits = (35.0, 20.0);
const CONTAINER_CPU: Limits = (80.0, 90.0);
const DOMAIN: Limits = (80.0, 90.0);
const CLOCK_S: Limits = (60.0, 90.0);

fn above(value: f64, (warning, critical): Limits) -> Option<Severity> {
    if value >= critical {
        Some(Severity::Critical)
    } else if value >= warning {
        Some(Severity::Warning)
    } else {
        None
    }
}

fn below(value: f64, (warning, critical): Limits) -> Option<Severity> {
    above(-value, (-warning, -critical))
}

fn check(group: &'static str, name: impl Into<String>, severity: Option<Severity>) -> HostCheck {
    HostCheck { group, name: name.into(), severity, value: None, unit: "", message: String::new() }
}

fn measured(check: HostCheck, value: f64, unit: &'static str) -> HostCheck {
    HostCheck { value: value.is_finite().then_some(value), unit, ..check }
}

fn limited(group: &'static str, name: impl Into<String>, value: f64, limits: Limits) -> HostCheck {
    measured(check(group, name, above(value, limits)), value, "%")
}

impl Document {
    /// Every check, judged; groups in the order of their names in the specification. A group that failed is one check that nobody can
    /// judge.
    pub fn judged(&self) -> Vec<HostCheck> {
        let mut all = Vec::new();
        self.of_machine(&mut all);
        self.of_disks(&mut all);
        self.of_network(&mut all);
        self.of_programs(&mut all);
        self.of_guests(&mut all);
        for (name, one) in value(self.customchecks.as_ref()).into_iter().flatten() {
            let judged = check("customchecks", short(name), severity(one.rc));
            all.push(HostCheck { message: message(one), ..judged });
        }
        self.of_failures(&mut all);
        all
    }

    fn of_machine(&self, all: &mut Vec<HostCheck>) {
        if let Some(agent) = value(self.agent.as_ref()) {
            #[expect(clippy::cast_precision_loss, reason = "seconds, exact below 2^53")]
            all.push(measured(check("agent", "uptime", None), agent.system_uptime as f64, "s"));
        }
        let cpu = value(self.cpu.as_ref());
        all.extend(cpu.map(|cpu| limited("cpu", "cpu", cpu.cpu_total_percentage.0, CPU)));
        if let Some(load) = value(self.system_load.as_ref()) {
            let cores = cpu.map_or(1, |cpu| cpu.cpu_percentage.len().max(1));
            let cores = f64::from(u32::try_from(cores).unwrap_or(u32::MAX));
            let severity = above(load.five.0, (cores, cores + 2.0));
            all.push(measured(check("system_load", "load of 5 minutes", severity), load.five.0, ""));
        }
        let memory = value(self.memory.as_ref());
        all.extend(memory.map(|memory| limited("memory", "memory", memory.percent.0, MEMORY)));
        all.extend(value(self.swap.as_ref()).map(|swap| limited("swap", "swap", swap.percent.0, SWAP)));
        if let Some(ntp) = value(self.ntp.as_ref()) {
            let offset = ntp.offset.map_or(0.0, |offset| offset.0);
            all.push(measured(check("ntp", "clock", above(offset.abs(), CLOCK_S)), offset, "s"));
        }
        if let Some(sensors) = value(self.sensors.as_ref()) {
            let temperature = |one: &super::result::Temperature| {
                let severity = above(one.current.0, CELSIUS);
                measured(check("sensors", short(&one.label), severity), one.current.0, "°C")
            };
            all.extend(sensors.temperatures.iter().map(temperature));
            let battery = |one: &super::result::Battery| {
                let severity = below(one.percent.0, BATTERY);
                measured(check("sensors", format!("battery {}", one.id), severity), one.percent.0, "%")
            };
            all.extend(sensors.batteries.iter().map(battery));
        }
    }

    fn of_disks(&self, all: &mut Vec<HostCheck>) {
        for Disk { disk, usage } in value(self.disks.as_ref()).into_iter().flatten() {
            let (name, used) = (short(&disk.mountpoint), usage.percent.0);
            all.push(limited("disks", format!("{name} used"), used, DISK_USED));
            let free = if usage.total == 0 { 0.0 } else { 100.0 - used };
            // What could not be asked is not full.
            let severity = if usage.total == 0 { None } else { below(free, DISK_FREE) };
            all.push(measured(check("disks", format!("{name} free"), severity), free, "%"));
        }
        for (name, io) in value(self.disk_io.as_ref()).into_iter().flatten() {
            all.push(limited("disk_io", short(name), io.load_percent.0, DISK_LOAD));
        }
    }

    fn of_network(&self, all: &mut Vec<HostCheck>) {
        let stats = value(self.net_stats.as_ref());
        for (name, one) in stats.into_iter().flatten() {
            let severity = (!one.isup).then_some(Severity::Critical);
            let words = if one.isup { "up" } else { "down" };
            all.push(HostCheck { message: words.to_owned(), ..check("net_stats", short(name), severity) });
        }
        for (name, io) in value(self.net_io.as_ref()).into_iter().flatten() {
            let said = stats.and_then(|stats| stats.get(name)).map_or(0, |one| one.speed);
            all.push(of_traffic(name, io, said));
        }
    }

    fn of_programs(&self, all: &mut Vec<HostCheck>) {
        for one in value(self.processes.as_ref()).into_iter().flatten() {
            let name = [&one.cmdline, &one.exec, &one.name].into_iter().find(|name| !name.is_empty());
            let severity = above(one.cpu_percent.0, PROCESS).max(above(one.memory_percent.0, PROCESS));
            let judged = check("processes", name.map(|name| short(name)).unwrap_or_default(), severity);
            all.push(measured(judged, one.cpu_percent.0, "%"));
        }
        for unit in value(self.systemd_services.as_ref()).into_iter().flatten() {
            let severity = match unit.active_state.as_str() {
                "active" => None,
                "failed" => Some(Severity::Critical),
                _ => continue,
            };
            let judged = check("systemd_services", short(&unit.name), severity);
            all.push(HostCheck { message: short(&format!("{}: {}", unit.active_state, unit.sub_state)), ..judged });
        }
        for one in value(self.launchd_services.as_ref()).into_iter().flatten().filter(|one| one.is_running) {
            all.push(check("launchd_services", short(&one.label), None));
        }
        for one in value(self.windows_services.as_ref()).into_iter().flatten().filter(|one| one.status == "Running") {
            let judged = check("windows_services", short(&one.name), None);
            all.push(HostCheck { message: short(&one.display_name), ..judged });
        }
        for (name, entries) in value(self.windows_eventlog.as_ref()).into_iter().flatten() {
            let errors = entries.iter().filter(|entry| entry.entry_type == 1).count();
            let errors = f64::from(u32::try_from(errors).unwrap_or(u32::MAX));
            all.push(measured(check("windows_eventlog", short(name), None), errors, "errors"));
        }
    }

    fn of_guests(&self, all: &mut Vec<HostCheck>) {
        for one in value(self.docker.as_ref()).into_iter().flatten() {
            let name = short(one.name.trim_start_matches('/'));
            let severity = (one.state != "running").then_some(Severity::Critical);
            all.push(HostCheck { message: short(&one.status), ..check("docker", format!("{name} running"), severity) });
            all.push(limited("docker", format!("{name} cpu"), one.cpu_percentage.0, CONTAINER_CPU));
            #[expect(clippy::cast_precision_loss, reason = "bytes, exact below 2^53")]
            all.push(measured(check("docker", format!("{name} memory"), None), one.memory_used as f64, "B"));
        }
        for one in value(self.libvirt.as_ref()).into_iter().flatten().map(|(_, one)| one) {
            let used = one.cpu_usage.as_ref().map_or(0.0, |usage| usage.guest_percent.0);
            let severity = if one.is_running { above(used, DOMAIN) } else { Some(Severity::Critical) };
            let words = if one.is_running { "runs" } else { "does not run" };
            let judged = measured(check("libvirt", short(&one.name), severity), used, "%");
            all.push(HostCheck { message: words.to_owned(), ..judged });
        }
    }

    fn of_failures(&self, all: &mut Vec<HostCheck>) {
        let failed: [(&'static str, Option<&str>); 19] = [
            ("agent", self.agent.as_ref().and_then(|group| group.error())),
            ("cpu", self.cpu.as_ref().and_then(|group| group.error())),
            ("customchecks", self.customchecks.as_ref().and_then(|group| group.error())),
            ("disk_io", self.disk_io.as_ref().and_then(|group| group.error())),
            ("disks", self.disks.as_ref().and_then(|group| group.error())),
            ("docker", self.docker.as_ref().and_then(|group| group.error())),
            ("launchd_services", self.launchd_services.as_ref().and_then(|group| group.error())),
            ("libvirt", self.libvirt.as_ref().and_then(|group| group.error())),
            ("memory", self.memory.as_ref().and_then(|group| group.error())),
            ("net_io", self.net_io.as_ref().and_then(|group| group.error())),
            ("net_stats", self.net_stats.as_ref().and_then(|group| group.error())),
            ("ntp", self.ntp.as_ref().and_then(|group| group.error())),
            ("processes", self.processes.as_ref().and_then(|group| group.error())),
            ("sensors", self.sensors.as_ref().and_then(|group| group.error())),
            ("swap", self.swap.as_ref().and_then(|group| group.error())),
            ("system_load", self.system_load.as_ref().and_then(|group| group.error())),
            ("systemd_services", self.systemd_services.as_ref().and_then(|group| group.error())),
            ("windows_eventlog", self.windows_eventlog.as_ref().and_then(|group| group.error())),
            ("windows_services", self.windows_services.as_ref().and_then(|group| group.error())),
        ];
        for (group, error) in failed.into_iter().filter_map(|(group, error)| Some((group, error?))) {
            let judged = check(group, group, Some(Severity::Unknown));
            all.push(HostCheck { message: short(error), ..judged });
        }
    }
}

/// How much of its link an interface uses, and how often it fails.
fn of_traffic(name: &str, io: &NetIo, speed_mbit: i64) -> HostCheck {
    let mbit = i32::try_from(speed_mbit).ok().filter(|mbit| *mbit > 0).map_or(USUAL_MBIT, f64::from);
    #[expect(clippy::cast_precision_loss, reason = "rates, exact below 2^53")]
    let share = |bytes: u64| 100.0 * bytes as f64 / (mbit * BYTES_PER_MBIT);
    let used = share(io.avg_bytes_sent_ps).max(share(io.avg_bytes_recv_ps));
    let faults = [io.avg_errin, io.avg_errout, io.avg_dropin, io.avg_dropout].into_iter().max().unwrap_or(0);
    let faults = f64::from(u32::try_from(faults).unwrap_or(u32::MAX));
    let severity = above(used, LINK).max(above(faults, FAULTS));
    let judged = measured(check("net_io", short(name), severity), used, "%");
    if faults > 0.0 { HostCheck { message: format!("{faults} errors or drops per second"), ..judged } } else { judged }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: &str = include_str!("../../../samples/openitcockpit/result_linux.json");
    const WINDOWS: &str = include_str!("../../../samples/openitcockpit/result_windows.json");
    const ERRORS: &str = include_str!("../../../samples/openitcockpit/result_errors.json");

    fn judged(text: &str) -> Vec<HostCheck> {
        Document::read(text).unwrap().judged()
    }

    fn of<'a>(all: &'a [HostCheck], group: &str) -> Vec<&'a HostCheck> {
        all.iter().filter(|check| check.group == group).collect()
    }

    #[test]
    fn every_group_of_the_wizard_has_its_checks() {
        let all = judged(LINUX);
        let counts: Vec<(&str, usize)> = [
            "agent",
            "cpu",
            "system_load",
            "memory",
            "swap",
            "ntp",
            "sensors",
            "disks",
            "disk_io",
            "net_stats",
            "net_io",
            "processes",
            "systemd_services",
            "docker",
            "libvirt",
            "customchecks",
        ]
        .map(|group| (group, of(&all, group).len()))
        .to_vec();
        let expected = [
            ("agent", 1),
            ("cpu", 1),
            ("system_load", 1),
            ("memory", 1),
            ("swap", 1),
            ("ntp", 1),
            ("sensors", 2),
            ("disks", 2),
            ("disk_io", 1),
            ("net_stats", 2),
            ("net_io", 1),
            ("processes", 1),
            ("systemd_services", 1),
            ("docker", 3),
            ("libvirt", 1),
            ("customchecks", 1),
        ];
        assert_eq!(counts, expected);
        assert_eq!(all.len(), 21);
        assert!(all.iter().all(|check| check.severity.is_none()), "{all:?}");
        assert_eq!(of(&all, "customchecks")[0].message, "OK - load average: 0.10");
        let free = of(&all, "disks")[1];
        assert_eq!((free.name.as_str(), free.unit), ("/ free", "%"));
        assert!((free.value.unwrap() - 91.74).abs() < 0.001);
    }

    #[test]
    fn limits_are_the_wizards() {
        let text = r#"{"cpu":{"cpu_total_percentage":85,"cpu_percentage":[85,85]},"system_load":{"0":9,"1":4,"2":0},
            "memory":{"total":10,"available":1,"percent":90.0,"used":9},"swap":{"total":10,"percent":39.9,"used":3},
            "disks":[{"disk":{"device":"a","mountpoint":"/a"},"usage":{"total":10,"used":9,"free":1,"percent":89.9}}],
            "disk_io":{"sda":{"LoadPercent":80}},"net_stats":{"eth0":{"isup":false,"speed":100}},
            "net_io":{"eth0":{"bytes_sent":1,"bytes_recv":1,"avg_bytes_sent_ps":11000000,"avg_dropin":4}},
            "processes":[{"pid":1,"cpu_percent":10,"memory_percent":55,"cmdline":"","exec":"x","name":"y"}],
            "systemd_services":[{"ActiveState":"failed","Name":"a.service"},{"ActiveState":"inactive","Name":"b.service"}],
            "sensors":{"Temperatures":[{"label":"t","current":100}],"Batteries":[{"id":1,"percent":20}]},
            "customchecks":{"a":{"stdout":"","rc":2},"b":{"stdout":"late","rc":124}},"ntp":{"Timestamp":1,"Offset":-61}}"#;
        let all = judged(text);
        let severities = |group: &str| of(&all, group).iter().map(|check| check.severity).collect::<Vec<_>>();
        let (warning, critical) = (Some(Severity::Warning), Some(Severity::Critical));
        assert_eq!(severities("cpu"), [warning]);
        assert_eq!(severities("system_load"), [critical]);
        assert_eq!(severities("memory"), [critical]);
        assert_eq!(severities("swap"), [None]);
        assert_eq!(severities("disks"), [warning, warning]);
        assert_eq!(severities("disk_io"), [critical]);
        assert_eq!(severities("net_stats"), [critical]);
        assert_eq!(severities("net_io"), [warning], "88 of 100 Mbit");
        assert_eq!(severities("processes"), [warning]);
        assert_eq!(of(&all, "processes")[0].name, "x");
        assert_eq!(severities("systemd_services"), [critical]);
        assert_eq!(severities("sensors"), [critical, critical]);
        assert_eq!(severities("customchecks"), [critical, Some(Severity::Unknown)]);
        assert_eq!(of(&all, "customchecks")[0].message, "ended with 2");
        assert_eq!(severities("ntp"), [warning]);
    }

    #[test]
    fn a_group_that_failed_is_a_check_that_nobody_can_judge() {
        let all = judged(ERRORS);
        assert!(!all.is_empty() && all.iter().all(|check| check.severity == Some(Severity::Unknown)), "{all:?}");
        assert!(all.iter().all(|check| !check.message.is_empty()));
        assert_eq!(judged("{}"), []);
        let windows = judged(WINDOWS);
        assert!(of(&windows, "windows_services").iter().all(|check| check.severity.is_none()));
        assert_eq!(of(&windows, "swap")[0].message, "Empty result from WMI");
    }
}
