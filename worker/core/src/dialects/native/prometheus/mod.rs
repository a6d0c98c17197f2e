//! `GET /metrics`: the fleet in the text format of Prometheus, and in `OpenMetrics` for who asks for that.
//!
//! Whoever knows something writes lines of it; each begins with a byte that says of which family it is. All lines of a family have to
//! stand together in the end: [`arrange`] sees to that, and puts what a family means before it. So what is written of a host is good
//! for as long as the host is the same, like any other piece of a list.

mod host;
mod own;

use std::fmt::{Display, Write};

pub use host::HOST;
pub use own::{ProbeLine, probe, probe_hosts, probe_info, usage};

/// What a number of a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It goes up and down.
    Gauge,
    /// It only grows, but for a beginning anew.
    Counter,
}

impl Kind {
    /// In the format's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }
}

/// A family of numbers: one name, told apart by labels.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Which one.
    pub family: Family,
    /// Its name, with the base unit at its end.
    pub name: &'static str,
    /// What its numbers are.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

macro_rules! families {
    ($($family:ident $name:literal $kind:ident $labels:ident $help:literal)*) => {
        /// A family of numbers, by its place in [`FAMILIES`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Family {
            $(#[doc = $help] $family,)*
        }

        /// Every family, in the order in which they are written.
        pub const FAMILIES: &[Definition] = &[
            $(Definition {
                family: Family::$family,
                name: concat!("edgewatch_", $name),
                kind: Kind::$kind,
                labels: $labels,
                help: $help,
            },)*
        ];
    };
}

const OF_HOST: &[&str] = &["id", "name", "group"];
const OF_FACTS: &[&str] = &[
    "id",
    "name",
    "group",
    "class",
    "parent_id",
    "platform",
    "platform_version",
    "arch",
    "virtualization",
    "country_code",
    "agent_version",
];
const OF_SENSOR: &[&str] = &["id", "name", "group", "sensor", "index"];
const OF_TARGET: &[&str] = &["probe_id", "probe", "kind", "target"];
const OF_PROBE: &[&str] = &["probe_id", "probe", "host_id", "host"];
const OF_SHARD: &[&str] = &["probe_id", "probe", "result", "shard"];
const OF_METER: &[&str] = &["meter", "unit"];
const OF_NOTHING: &[&str] = &[];

families! {
    HostInfo "host_info" Gauge OF_FACTS "Always 1: what is known of a host stands in the labels."
    HostUp "host_up" Gauge OF_HOST "Whether the host reports: 1, or 0 when it fell silent; a host that never reported has none."
    HostLastSeen "host_last_seen_timestamp_seconds" Gauge OF_HOST "When the host was last heard from, Unix seconds."
    HostSampled "host_sample_timestamp_seconds" Gauge OF_HOST "When the values of the host were measured, Unix seconds."
    Cpu "host_cpu_ratio" Gauge OF_HOST "Use of all processors together, 0 to 1."
    MemoryUsed "host_memory_used_bytes" Gauge OF_HOST "Memory in use."
    MemoryTotal "host_memory_total_bytes" Gauge OF_HOST "Memory in all."
    SwapUsed "host_swap_used_bytes" Gauge OF_HOST "Swap in use."
    SwapTotal "host_swap_total_bytes" Gauge OF_HOST "Swap in all."
    DiskUsed "host_disk_used_bytes" Gauge OF_HOST "Disk space in use."
    DiskTotal "host_disk_total_bytes" Gauge OF_HOST "Disk space in all."
    Received "host_network_receive_bytes_total" Counter OF_HOST "Bytes received since the host was started."
    Sent "host_network_transmit_bytes_total" Counter OF_HOST "Bytes sent since the host was started."
    ReceiveRate "host_network_receive_bytes_per_second" Gauge OF_HOST "Bytes received per second."
    SendRate "host_network_transmit_bytes_per_second" Gauge OF_HOST "Bytes sent per second."
    Uptime "host_uptime_seconds" Gauge OF_HOST "How long ago the host was started."
    Load1 "host_load1" Gauge OF_HOST "Load average of 1 minute."
    Load5 "host_load5" Gauge OF_HOST "Load average of 5 minutes."
    Load15 "host_load15" Gauge OF_HOST "Load average of 15 minutes."
    TcpConnections "host_tcp_connections" Gauge OF_HOST "TCP sockets."
    UdpConnections "host_udp_connections" Gauge OF_HOST "UDP sockets."
    Processes "host_processes" Gauge OF_HOST "Processes."
    Gpu "host_gpu_ratio" Gauge OF_HOST "Use of the busiest GPU, 0 to 1."
    Temperature "host_temperature_celsius" Gauge OF_SENSOR "A sensor of the host; names may repeat, the index does not."
    ProbeInfo "probe_info" Gauge OF_TARGET "Always 1: what a probe asks stands in the labels."
    ProbeHosts "probe_hosts" Gauge OF_SHARD "How many hosts' newest result of the last quarter of an hour is good (up) or bad (down), by shard of the hub."
    ProbeSuccess "probe_success" Gauge OF_PROBE "Whether the newest result of a host is good, when it is of the last quarter of an hour; host 0 is the Worker itself."
    ProbeDuration "probe_duration_seconds" Gauge OF_PROBE "How long that result took, where there was an answer."
    ProbeResult "probe_result_timestamp_seconds" Gauge OF_PROBE "When that result is of, Unix seconds."
    ProbeCertificate "probe_certificate_expiry_timestamp_seconds" Gauge OF_PROBE "When the certificate ends that a host saw last, within a day, Unix seconds."
    MeterUsed "meter_used" Gauge OF_METER "What a meter of the platform shows since 00:00 UTC, in its unit; of bytes what is held."
    MeterAllowance "meter_allowance" Gauge OF_METER "What may be used of it a day, or held; none where nothing is metered."
    MeterUsedRatio "meter_used_ratio" Gauge OF_METER "Used as a part of the allowance: 1 is all of it."
    MeterForeseenRatio "meter_day_end_ratio" Gauge OF_METER "The same at the end of the day, when the pace stays."
    MeterRefused "meter_refused" Gauge OF_METER "Whether the platform says that it is used up."
    FrameSeconds "agent_frame_seconds" Gauge OF_NOTHING "Seconds between two frames of an agent that nobody watches, as the budget allows."
    DayEnd "day_end_timestamp_seconds" Gauge OF_NOTHING "When the meters begin anew, Unix seconds."
}

/// The byte that the first family's lines begin with; all of them are printable.
const FIRST_TAG: u8 = b'!';

/// Lines while they are written.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Lines(String);

impl Lines {
    /// Adds a line. What is no finite number is left out.
    pub fn add(&mut self, family: Family, labels: &str, value: f64) {
        if value.is_finite() {
            self.add_text(family, labels, &value);
        }
    }

    /// Adds a line whose value is there already as text.
    fn add_text(&mut self, family: Family, labels: &str, value: &dyn Display) {
        self.begin(family, labels);
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "{value}");
    }

    /// Everything of a line but its value and its end.
    fn begin(&mut self, family: Family, labels: &str) {
        self.0.push(char::from(FIRST_TAG + family as u8));
        self.0.push_str(FAMILIES.get(family as usize).map_or("", |definition| definition.name));
        let _ = if labels.is_empty() { self.0.write_str(" ") } else { write!(self.0, "{{{labels}}} ") };
    }

    /// What was written.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// Labels as they stand between braces. Values are escaped; what else is no text (a tab, an escape of terminals) is a space.
pub fn labels(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        for one in value.chars() {
            match one {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                one if one.is_control() => text.push(' '),
                one => text.push(one),
            }
        }
        text.push('"');
    }
    text
}

/// The document of these lines. Those without a value are left out, and so are families without lines.
pub fn arrange(lines: &[u8], is_open_metrics: bool) -> Vec<u8> {
    let mut of_family: Vec<Vec<&[u8]>> = vec![Vec::new(); FAMILIES.len()];
    for line in lines.split(|byte| *byte == b'\n') {
        let Some((tag, line)) = line.split_first() else { continue };
        let family = of_family.get_mut(usize::from(tag.wrapping_sub(FIRST_TAG)));
        if let Some(family) = family.filter(|_| !line.is_empty() && !line.ends_with(b" ")) {
            family.push(line);
        }
    }
    let mut document = Vec::with_capacity(lines.len() + 160 * FAMILIES.len());
    for (definition, lines) in FAMILIES.iter().zip(of_family).filter(|(_, lines)| !lines.is_empty()) {
        // OpenMetrics calls a counter's family by what its numbers' names have before `_total`.
        let name = if is_open_metrics { definition.name.trim_end_matches("_total") } else { definition.name };
        let head = format!("# HELP {name} {}\n# TYPE {name} {}\n", definition.help, definition.kind.word());
        document.extend_from_slice(head.as_bytes());
        for line in lines {
            document.extend_from_slice(line);
            document.push(b'\n');
        }
    }
    if is_open_metrics {
        document.extend_from_slice(b"# EOF\n");
    }
    document
}

#[cfg(test)]
mod tests;
