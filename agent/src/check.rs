//! `check`: one sample, for people or as JSON. Speaks to nobody.

use std::fmt::Write;
use std::thread;
use std::time::Duration;

use edgewatch_core::dialects::native::{HostFacts, Sample};
use serde::Serialize;

use crate::collect::Collector;
use crate::config::Config;
use crate::failed::Failed;
use crate::{clock, report};

const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Checked {
    host: HostFacts,
    sample: Sample,
}

/// What the agent would report now.
///
/// # Errors
/// [`Failed`] when the sample cannot be written as JSON.
pub fn check(config: &Config, is_json: bool) -> Result<String, Failed> {
    let mut collector = Collector::new(config.selection.clone(), config.details);
    collector.take_baseline();
    thread::sleep(INTERVAL);
    let reading = collector.read();
    let host = report::host_facts(collector.facts(Some(&reading)), config.addresses.as_deref());
    let mut sample = report::sample(&reading, clock::now_ms());
    sample.named = report::named(collector.details(&reading, Some(INTERVAL)));
    if is_json {
        let checked = Checked { host, sample };
        return serde_json::to_string_pretty(&checked).map_err(|error| Failed::new(error.to_string()));
    }
    Ok(describe(&host, &sample))
}

fn describe(host: &HostFacts, sample: &Sample) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: Option<String>| {
        let _ = writeln!(text, "{name:<16} {}", value.as_deref().unwrap_or("not available"));
    };
    let platform =
        host.platform.as_ref().map(|id| format!("{id} {}", host.platform_version.as_deref().unwrap_or_default()));
    line("system", platform);
    line("kernel", host.kernel.as_ref().map(|kernel| format!("{kernel} {}", host.arch.as_deref().unwrap_or_default())));
    line("virtualization", Some(host.virtualization.clone().unwrap_or_else(|| "none".to_owned())));
    host.cpu.iter().for_each(|model| line("processor", Some(model.clone())));
    host.gpu.iter().for_each(|model| line("GPU", Some(model.clone())));
    line("processor use", sample.cpu_percent.map(|percent| format!("{percent:.2} %")));
    line("memory", of(sample.mem_used_bytes, host.mem_total_bytes));
    line("swap", of(sample.swap_used_bytes, host.swap_total_bytes));
    line("disk", of(sample.disk_used_bytes, host.disk_total_bytes));
    line("received", with_rate(sample.net_in_bytes, sample.net_in_bytes_per_s));
    line("sent", with_rate(sample.net_out_bytes, sample.net_out_bytes_per_s));
    line("uptime", sample.uptime_s.map(|seconds| format!("{seconds:.0} s")));
    let load = sample.load1.zip(sample.load5).zip(sample.load15);
    line("load", load.map(|((one, five), fifteen)| format!("{one:.2} {five:.2} {fifteen:.2}")));
    line("TCP sockets", sample.tcp_connections.map(|count| count.to_string()));
    line("UDP sockets", sample.udp_connections.map(|count| count.to_string()));
    line("processes", sample.processes.map(|count| count.to_string()));
    if !host.gpu.is_empty() {
        line("GPU use", sample.gpu_percent.map(|percent| format!("{percent:.0} %")));
    }
    sample.temperatures.iter().for_each(|sensor| line(&sensor.name, Some(format!("{:.1} °C", sensor.celsius))));
    if !sample.named.is_empty() {
        text.push_str("\nonce a minute, in the words of Mackerel:\n");
    }
    for named in &sample.named {
        let _ = writeln!(text, "{:<36} {}", named.name, named.value);
    }
    text
}

fn of(used: Option<f64>, total: Option<f64>) -> Option<String> {
    used.zip(total).map(|(used, total)| format!("{} of {}", bytes(used), bytes(total)))
}

fn with_rate(total: Option<f64>, rate: Option<f64>) -> Option<String> {
    let rate = rate.map_or_else(String::new, |rate| format!(", {}/s", bytes(rate)));
    total.map(|total| format!("{}{rate}", bytes(total)))
}

fn bytes(count: f64) -> String {
    let mut unit = 0;
    let mut number = count;
    while number >= 1024.0 && unit < 5 {
        number /= 1024.0;
        unit += 1;
    }
    let name = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"][unit];
    if unit == 0 { format!("{number:.0} {name}") } else { format!("{number:.1} {name}") }
}

#[cfg(test)]
mod tests {
    use edgewatch_core::dialects::native::Named;

    use super::*;

    #[test]
    fn bytes_are_said_in_readable_units() {
        assert_eq!(bytes(512.0), "512 B");
        assert_eq!(bytes(1536.0), "1.5 KiB");
        assert_eq!(bytes(25_276_514_304.0), "23.5 GiB");
    }

    #[test]
    fn what_is_told_once_a_minute_stands_by_itself() {
        let named = vec![Named { name: "cpu.user.percentage".into(), value: 12.5 }];
        let text = describe(&HostFacts::default(), &Sample { named, ..Sample::default() });
        assert!(text.ends_with("Mackerel:\ncpu.user.percentage                  12.5\n"), "{text}");
        assert!(!describe(&HostFacts::default(), &Sample::default()).contains("Mackerel"));
    }

    #[test]
    fn what_is_missing_is_said_to_be() {
        let text = describe(&HostFacts::default(), &Sample { load1: Some(0.5), ..Sample::default() });
        assert!(text.contains("processor use    not available"));
        assert!(text.contains("load             not available"));
    }
}
