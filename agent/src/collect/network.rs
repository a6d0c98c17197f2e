//! Bytes over the network, from `/proc/net/dev`.

use std::time::Duration;

use edgewatch_core::metrics::interfaces;

use super::kernel_file::KernelFile;
use super::{CollectError, rate};

/// The file.
pub const NET_DEV: &str = "/proc/net/dev";

/// Bytes since boot on the counted interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Received.
    pub in_bytes: u64,
    /// Sent.
    pub out_bytes: u64,
}

/// One interface's counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter<'a> {
    /// What it is called.
    pub name: &'a str,
    /// What went through it.
    pub traffic: Traffic,
}

/// Remembers the look before.
#[derive(Debug)]
pub struct Network {
    file: KernelFile,
    allowed: Vec<String>,
    before: Vec<(u64, Traffic)>,
    now: Vec<(u64, Traffic)>,
}

impl Network {
    /// Counts the interfaces in `allowed`, or by the built-in rule when it is empty.
    pub fn new(allowed: Vec<String>) -> Self {
        Self { file: KernelFile::new(NET_DEV), allowed, before: Vec::new(), now: Vec::new() }
    }

    /// Bytes since boot, and bytes per second since the look before (received, sent).
    ///
    /// # Errors
    /// [`CollectError::Unavailable`] and [`CollectError::Malformed`] of `/proc/net/dev`.
    pub fn read(
        &mut self,
        buffer: &mut Vec<u8>,
        elapsed: Option<Duration>,
    ) -> Result<(Traffic, Option<(f64, f64)>), CollectError> {
        let text = self.file.read(buffer)?;
        std::mem::swap(&mut self.before, &mut self.now);
        self.now.clear();
        count(text, &self.allowed, &mut self.now)?;
        Ok((sum(&self.now), speed(&self.before, &self.now, elapsed)))
    }
}

/// Puts the counted interfaces of `/proc/net/dev` into `into`, each with a fingerprint of its name.
///
/// # Errors
/// [`CollectError::Malformed`] when a line has too few numbers.
fn count(text: &str, allowed: &[String], into: &mut Vec<(u64, Traffic)>) -> Result<(), CollectError> {
    let is_counted = |name: &str| {
        if allowed.is_empty() { interfaces::is_own(name) } else { allowed.iter().any(|allowed| allowed == name) }
    };
    for counter in counters(text) {
        let counter = counter?;
        if is_counted(counter.name) {
            into.push((fingerprint(counter.name), counter.traffic));
        }
    }
    if into.is_empty() && allowed.is_empty() {
        // A host whose only way out is a tunnel or a virtual pair, such as a container: better that than nothing.
        for counter in counters(text) {
            let counter = counter?;
            if counter.name != "lo" {
                into.push((fingerprint(counter.name), counter.traffic));
            }
        }
    }
    Ok(())
}

/// Every interface of `/proc/net/dev`.
pub fn counters(text: &str) -> impl Iterator<Item = Result<Counter<'_>, CollectError>> {
    let malformed = || CollectError::Malformed { what: NET_DEV };
    // The two lines of headings have no colon.
    text.lines().filter_map(|line| line.split_once(':')).map(move |(name, numbers)| {
        let mut fields = numbers.split_ascii_whitespace();
        let in_bytes = fields.next().and_then(|field| field.parse().ok()).ok_or_else(malformed)?;
        let out_bytes = fields.nth(7).and_then(|field| field.parse().ok()).ok_or_else(malformed)?;
        Ok(Counter { name: name.trim_start(), traffic: Traffic { in_bytes, out_bytes } })
    })
}

fn sum(counters: &[(u64, Traffic)]) -> Traffic {
    counters.iter().fold(Traffic::default(), |sum, (_, traffic)| Traffic {
        in_bytes: sum.in_bytes.saturating_add(traffic.in_bytes),
        out_bytes: sum.out_bytes.saturating_add(traffic.out_bytes),
    })
}

/// Interfaces that came or went, and counters that fell, make the interval worthless.
fn speed(before: &[(u64, Traffic)], now: &[(u64, Traffic)], elapsed: Option<Duration>) -> Option<(f64, f64)> {
    let same = before.len() == now.len()
        && before.iter().zip(now).all(|(before, now)| {
            before.0 == now.0 && before.1.in_bytes <= now.1.in_bytes && before.1.out_bytes <= now.1.out_bytes
        });
    if !same || now.is_empty() {
        return None;
    }
    let (before, now) = (sum(before), sum(now));
    Some((
        rate::per_second(before.in_bytes, now.in_bytes, elapsed)?,
        rate::per_second(before.out_bytes, now.out_bytes, elapsed)?,
    ))
}

/// FNV-1a. Source: draft-eastlake-fnv.
fn fingerprint(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    const TEN_S: Option<Duration> = Some(Duration::from_secs(10));

    fn text(lines: &[(&str, u64, u64)]) -> String {
        let mut text = "Inter-|   Receive                                                |  Transmit\n \
            face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
            .to_owned();
        for (name, received, sent) in lines {
            let _ = writeln!(text, "{name:>6}: {received} 19328 0 0 0 0 0 0 {sent} 11041 0 0 0 0 0 0");
        }
        text
    }

    fn counted(lines: &[(&str, u64, u64)], allowed: &[&str]) -> Vec<(u64, Traffic)> {
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let mut into = Vec::new();
        count(&text(lines), &allowed, &mut into).unwrap();
        into
    }

    #[test]
    fn loopback_and_virtual_interfaces_do_not_count() {
        let lines = [
            ("lo", 1, 1),
            ("eth0", 476_930_428, 1_025_272),
            ("docker0", 5, 5),
            ("veth1a2", 5, 5),
            ("br-9f", 5, 5),
            ("tun0", 5, 5),
        ];
        assert_eq!(sum(&counted(&lines, &[])), Traffic { in_bytes: 476_930_428, out_bytes: 1_025_272 });
    }

    #[test]
    fn a_wireless_card_named_wlo1_counts() {
        assert_eq!(sum(&counted(&[("lo", 1, 1), ("wlo1", 7, 8)], &[])), Traffic { in_bytes: 7, out_bytes: 8 });
    }

    #[test]
    fn a_host_with_nothing_else_counts_all_but_the_loopback() {
        assert_eq!(sum(&counted(&[("lo", 1, 1), ("vnet0", 7, 8)], &[])), Traffic { in_bytes: 7, out_bytes: 8 });
    }

    #[test]
    fn an_allow_list_replaces_the_rule() {
        assert_eq!(
            sum(&counted(&[("eth0", 1, 1), ("docker0", 7, 8)], &["docker0"])),
            Traffic { in_bytes: 7, out_bytes: 8 }
        );
        assert!(counted(&[("eth0", 1, 1)], &["eth9"]).is_empty());
    }

    #[test]
    fn numbers_glued_to_the_name_are_read() {
        let mut into = Vec::new();
        count("eth0:4769 1 0 0 0 0 0 0 33 1 0 0 0 0 0 0\n", &[], &mut into).unwrap();
        assert_eq!(sum(&into), Traffic { in_bytes: 4769, out_bytes: 33 });
    }

    #[test]
    fn a_short_line_is_malformed() {
        assert!(count("eth0: 1 2 3\n", &[], &mut Vec::new()).is_err());
    }

    #[test]
    fn speed_is_growth_over_time() {
        let before = counted(&[("eth0", 1_000, 500), ("eth1", 0, 0)], &[]);
        let now = counted(&[("eth0", 11_000, 500), ("eth1", 10_000, 0)], &[]);
        assert_eq!(speed(&before, &now, TEN_S), Some((2_000.0, 0.0)));
    }

    #[test]
    fn a_new_interface_or_a_reset_counter_gives_no_speed() {
        let before = counted(&[("eth0", 1_000, 500)], &[]);
        assert_eq!(speed(&[], &before, TEN_S), None);
        assert_eq!(speed(&before, &counted(&[("eth0", 2_000, 500), ("eth1", 9_000_000, 1)], &[]), TEN_S), None);
        assert_eq!(speed(&before, &counted(&[("eth0", 999, 600)], &[]), TEN_S), None);
        assert_eq!(speed(&before, &counted(&[("eth1", 2_000, 600)], &[]), TEN_S), None);
    }
}
