//! Group `agent`: the machine, and this program.

use std::time::{Duration, Instant};

use edgewatch_core::dialects::openitcockpit::result::Agent;
use edgewatch_core::units::{UnixMillis, UnixSeconds};

use crate::collect::host::{self, Identity};

/// Longest version that a server's column takes. Source: openITCOCKPIT specification, 8.2.
const MOST_VERSION: usize = 15;

/// The group, at the end of a cycle. `began` is when this program did.
pub fn agent(began: Instant, interval: Duration) -> Agent {
    let now_ms = UnixMillis(crate::clock::now_ms());
    let now = UnixSeconds(now_ms.0.div_euclid(1000));
    let identity = Identity::read();
    let booted_at_s = identity.booted_at_s.and_then(|booted| i64::try_from(booted).ok()).unwrap_or(now.0);
    Agent {
        last_updated: go_time(now_ms, began.elapsed()),
        last_updated_timestamp: now.0,
        system: identity.platform.unwrap_or_default(),
        system_uptime: u64::try_from(now.0 - booted_at_s).unwrap_or(0),
        kernel_version: identity.kernel.unwrap_or_default(),
        mac_version: identity.platform_version.unwrap_or_default(),
        family: host::family().to_owned(),
        agent_version: version().to_owned(),
        temperature_unit: "C".to_owned(),
        goos: "linux".to_owned(),
        goarch: architecture(std::env::consts::ARCH).to_owned(),
        check_interval: Some(u32::try_from(interval.as_secs()).unwrap_or(u32::MAX)),
        ..Agent::default()
    }
}

/// Ours: three numbers.
pub fn version() -> &'static str {
    let version = env!("CARGO_PKG_VERSION");
    version.get(..MOST_VERSION).unwrap_or(version)
}

/// The text that Go makes of a time; of the world's clock, since for people's a static program has no table of zones.
fn go_time(now: UnixMillis, age: Duration) -> String {
    let (date, [hour, minute, second]) = UnixSeconds(now.0.div_euclid(1000)).civil();
    let (year, month, day) = (date.year, date.month, date.day);
    let fraction = format!(".{:03}", now.0.rem_euclid(1000));
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    let age = format!("{}.{:09}", age.as_secs(), age.subsec_nanos());
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction} +0000 UTC m=+{age}")
}

/// Go's word for an architecture.
fn architecture(ours: &str) -> &str {
    match ours {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_go_writes_it() {
        let age = Duration::new(30, 152_694_163);
        assert_eq!(go_time(UnixMillis(1_776_842_108_190), age), "2026-04-22 07:15:08.19 +0000 UTC m=+30.152694163");
        assert_eq!(go_time(UnixMillis(1_776_842_108_000), age), "2026-04-22 07:15:08 +0000 UTC m=+30.152694163");
    }

    #[test]
    fn architectures_have_gos_names() {
        assert_eq!(["x86_64", "aarch64", "x86", "riscv64"].map(architecture), ["amd64", "arm64", "386", "riscv64"]);
    }

    #[test]
    fn this_machine_says_what_it_is() {
        let before_s = crate::clock::now_s();
        let agent = agent(Instant::now(), Duration::from_secs(30));
        assert!((before_s..=crate::clock::now_s()).contains(&agent.last_updated_timestamp));
        assert!(agent.system_uptime > 0 && !agent.system.is_empty() && !agent.kernel_version.is_empty(), "{agent:?}");
        let numbers: Vec<&str> = agent.agent_version.split('.').collect();
        assert!(numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u32>().is_ok()), "{agent:?}");
        assert_eq!(agent.check_interval, Some(30));
    }
}
