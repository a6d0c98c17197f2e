//! Groups `net_io`, from `/proc/net/dev`, and `net_stats`, from `/sys/class/net`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use edgewatch_core::dialects::openitcockpit::result::{NetIo, NetStats};

use super::fault::{self, Fault};
use super::rates::{Before, grown, per_second};

const NET_DEV: &str = "/proc/net/dev";
/// Source: room for thirty thousand interfaces.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
/// Where the kernel tells of interfaces.
pub const INTERFACES: &str = "/sys/class/net";

/// What went through an interface since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    in_bytes: u64,
    in_packets: u64,
    in_errors: u64,
    in_dropped: u64,
    out_bytes: u64,
    out_packets: u64,
    out_errors: u64,
    out_dropped: u64,
}

/// Remembers the cycle before.
#[derive(Debug, Default)]
pub struct Traffic(Before<Counters>);

impl Traffic {
    /// The group `net_io`. An interface that is new has no rates.
    ///
    /// # Errors
    /// [`Fault::Refused`] and [`Fault::Malformed`] of `/proc/net/dev`.
    pub fn read(&mut self, now_s: i64) -> Result<BTreeMap<String, NetIo>, Fault> {
        let seen = parse(&fault::text(Path::new(NET_DEV), MOST_BYTES)?)?;
        let (before, elapsed) = self.0.replace(seen.clone(), Instant::now());
        Ok(seen
            .into_iter()
            .map(|(name, now)| {
                let told = told(&name, before.get(&name).unwrap_or(&now), &now, elapsed, now_s);
                (name, told)
            })
            .collect())
    }
}

/// The lines behind the two of headings, which have no colon.
fn parse(text: &str) -> Result<BTreeMap<String, Counters>, Fault> {
    let mut found = BTreeMap::new();
    for (name, numbers) in text.lines().filter_map(|line| line.split_once(':')) {
        let mut numbers = numbers.split_ascii_whitespace();
        let mut next = |skipped: usize| {
            let number = numbers.nth(skipped).and_then(|number| number.parse::<u64>().ok());
            number.ok_or_else(|| Fault::malformed(NET_DEV))
        };
        let counters = Counters {
            in_bytes: next(0)?,
            in_packets: next(0)?,
            in_errors: next(0)?,
            in_dropped: next(0)?,
            out_bytes: next(4)?,
            out_packets: next(0)?,
            out_errors: next(0)?,
            out_dropped: next(0)?,
        };
        found.insert(name.trim().to_owned(), counters);
    }
    Ok(found)
}

fn told(name: &str, before: &Counters, now: &Counters, elapsed: Duration, now_s: i64) -> NetIo {
    let rate = |of: fn(&Counters) -> u64| per_second(grown(of(before), of(now)), elapsed);
    NetIo {
        name: name.to_owned(),
        timestamp: now_s,
        bytes_sent: now.out_bytes,
        bytes_recv: now.in_bytes,
        packets_sent: now.out_packets,
        packets_recv: now.in_packets,
        errin: now.in_errors,
        errout: now.out_errors,
        dropin: now.in_dropped,
        dropout: now.out_dropped,
        avg_bytes_sent_ps: rate(|counters| counters.out_bytes),
        avg_bytes_recv_ps: rate(|counters| counters.in_bytes),
        avg_packets_sent_ps: rate(|counters| counters.out_packets),
        avg_packets_recv_ps: rate(|counters| counters.in_packets),
        avg_errin: rate(|counters| counters.in_errors),
        avg_errout: rate(|counters| counters.out_errors),
        avg_dropin: rate(|counters| counters.in_dropped),
        avg_dropout: rate(|counters| counters.out_dropped),
    }
}

/// The group `net_stats`, from the kernel's directory of interfaces.
///
/// # Errors
/// [`Fault::Refused`] when it cannot be listed.
pub fn states(root: &Path) -> Result<BTreeMap<String, NetStats>, Fault> {
    let listing = fs::read_dir(root).map_err(Fault::refused(root.display().to_string()))?;
    let interfaces = listing.flatten().map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
    // Bonding has a file of its own among them.
    Ok(interfaces.filter(|(_, path)| path.is_dir()).map(|(name, path)| (name, state(&path))).collect())
}

/// An interface that is switched off has no carrier, speed or duplex: the kernel refuses to tell them.
fn state(interface: &Path) -> NetStats {
    let line = |name: &str| fault::line(&interface.join(name));
    let number = |name: &str| line(name).and_then(|number| number.parse().ok()).unwrap_or(0);
    NetStats {
        isup: line("carrier").as_deref() == Some("1"),
        duplex: match line("duplex").as_deref() {
            Some("half") => 1,
            Some("full") => 2,
            _ => 0,
        },
        speed: number("speed"),
        mtu: number("mtu"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDirectory;

    const DEV: &str = "Inter-|   Receive                                                |  Transmit\n \
        face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    \
        lo:    1000      10    0    0    0     0          0         0     1000      10    0    0    0     0       0          0\n  \
        eth0:903455563 22392 1 2 9 9 9 9 1300276 13749 3 4 9 9 9 9\n";

    #[test]
    fn counters_are_read_by_interface() {
        let found = parse(DEV).unwrap();
        let eth0 = Counters {
            in_bytes: 903_455_563,
            in_packets: 22_392,
            in_errors: 1,
            in_dropped: 2,
            out_bytes: 1_300_276,
            out_packets: 13_749,
            out_errors: 3,
            out_dropped: 4,
        };
        assert_eq!((found.len(), found["eth0"]), (2, eth0));
        assert!(parse("eth0: 1 2 3\n").is_err());
    }

    #[test]
    fn rates_are_of_the_time_since_the_cycle_before() {
        let before = parse(DEV).unwrap()["eth0"];
        let now = Counters { in_bytes: before.in_bytes + 640_015, out_packets: 0, out_errors: 63, ..before };
        let told = told("eth0", &before, &now, Duration::from_secs(10), 5);
        assert_eq!((told.avg_bytes_recv_ps, told.avg_errout, told.avg_bytes_sent_ps), (64_001, 6, 0));
        assert_eq!((told.avg_packets_sent_ps, told.packets_sent), (0, 0), "reset");
        assert_eq!((told.timestamp, told.errin, told.dropin, told.dropout), (5, 1, 2, 4));
    }

    #[test]
    fn a_first_cycle_has_counters_and_no_rates() {
        let found = Traffic::default().read(7).unwrap();
        let lo = &found["lo"];
        assert_eq!((lo.name.as_str(), lo.avg_bytes_recv_ps, lo.timestamp), ("lo", 0, 7));
    }

    #[test]
    fn an_interface_tells_what_the_kernel_lets_it() {
        let root = TestDirectory::new();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for (name, text) in [("carrier", "1\n"), ("duplex", "full\n"), ("speed", "1000\n"), ("mtu", "1500\n")] {
            put(&format!("eth0/{name}"), text);
        }
        put("veth1/speed", "-1\n");
        put("veth1/carrier", "0\n");
        put("bonding_masters", "bond0\n");
        let found = states(root.path()).unwrap();
        assert_eq!(found["eth0"], NetStats { isup: true, duplex: 2, speed: 1000, mtu: 1500 });
        assert_eq!(found["veth1"], NetStats { isup: false, duplex: 0, speed: -1, mtu: 0 });
        assert_eq!(found.len(), 2);
        assert!(states(&root.path().join("none")).is_err());
    }
}
