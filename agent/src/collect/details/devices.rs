//! Devices by name: disks, interfaces and file systems, what their metrics are called, and what their counters were.

use std::sync::Arc;
use std::time::Duration;

use edgewatch_core::model::Named;

use super::Detail;
use crate::collect::{CollectError, rate};

/// Disks.
pub const DISKSTATS: &str = "/proc/diskstats";
/// The most devices of a kind: a sample carries 600 names.
pub const MOST: usize = 64;

/// What is known of devices of one kind. Each has two figures.
#[derive(Debug)]
pub struct Devices {
    kind: &'static str,
    figures: [&'static str; 2],
    known: Vec<Device>,
    look: u64,
}

#[derive(Debug)]
struct Device {
    name: String,
    metrics: [Arc<str>; 2],
    before: Option<[u64; 2]>,
    /// When it was there last.
    look: u64,
}

impl Devices {
    /// Of this kind, with these figures: their metrics are `<kind>.<device>.<figure>`.
    pub const fn new(kind: &'static str, figures: [&'static str; 2]) -> Self {
        Self { kind, figures, known: Vec::new(), look: 0 }
    }

    /// The devices are looked at once more.
    pub fn begin(&mut self) {
        self.look += 1;
        let last = self.look - 1;
        // What was away has no counters to go on from.
        for device in self.known.iter_mut().filter(|device| device.look != last) {
            device.before = None;
        }
    }

    /// How fast a device's counters grew, units a second in so many `parts` of one; a counter that fell, or that is new, says nothing.
    pub fn count(
        &mut self,
        name: &str,
        counters: [u64; 2],
        elapsed: Option<Duration>,
        parts: f64,
        into: &mut Vec<Detail>,
    ) {
        let Some(device) = self.of(name) else { return };
        let before = device.before.replace(counters);
        let Some(before) = before else { return };
        for ((metric, before), after) in device.metrics.iter().zip(before).zip(counters) {
            if let Some(rate) = rate::per_second(before, after, elapsed) {
                into.push(Detail { name: Arc::clone(metric), value: (rate * parts).round() / parts });
            }
        }
    }

    /// What a device's figures are.
    pub fn tell(&mut self, name: &str, values: [f64; 2], into: &mut Vec<Detail>) {
        let Some(device) = self.of(name) else { return };
        let named = device.metrics.iter().zip(values);
        into.extend(named.map(|(metric, value)| Detail { name: Arc::clone(metric), value }));
    }

    /// The device of that name; `None` when its metrics are another one's in this look, or there are too many. Where there is no room,
    /// a new one takes the place of the one that is gone for longest.
    fn of(&mut self, name: &str) -> Option<&mut Device> {
        let look = self.look;
        if let Some(at) = self.known.iter().position(|device| device.name == name) {
            let device = self.known.get_mut(at)?;
            device.look = look;
            return Some(device);
        }
        let metric = |figure| Arc::from(format!("{}.{}.{figure}", self.kind, Plain(name)));
        let device = Device { name: name.to_owned(), metrics: self.figures.map(metric), before: None, look };
        if device.metrics.iter().any(|metric| metric.len() > Named::MAX_NAME_BYTES) {
            return None;
        }
        let twin = self.known.iter().position(|known| known.metrics[0] == device.metrics[0]);
        let place = match twin {
            None if self.known.len() < MOST => {
                self.known.push(device);
                return self.known.last_mut();
            }
            None => (0..self.known.len()).min_by_key(|at| self.known[*at].look)?,
            Some(twin) => twin,
        };
        let place = self.known.get_mut(place).filter(|device| device.look != look)?;
        *place = device;
        Some(place)
    }
}

/// A device's name in a metric's: what is no letter, digit, dash or underscore is an underscore.
struct Plain<'a>(&'a str);

impl std::fmt::Display for Plain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        self.0.chars().try_for_each(|letter| formatter.write_char(if plain(letter) { letter } else { '_' }))
    }
}

/// The disks in `/proc/diskstats` that ever did anything, partitions too, with the reads and the writes that they completed. What
/// the device mapper makes of disks is left out.
pub fn disks(text: &str) -> impl Iterator<Item = Result<(&str, [u64; 2]), CollectError>> {
    let malformed = || CollectError::Malformed { what: DISKSTATS };
    text.lines().filter_map(move |line| {
        let mut fields = line.split_ascii_whitespace().skip(2);
        let name = fields.next()?;
        if name.starts_with("dm-") || fields.clone().all(|field| field == "0") {
            return None;
        }
        let mut field = |skipped: usize| fields.nth(skipped).and_then(|field| field.parse().ok());
        let found = field(0).zip(field(3)).map(|(reads, writes)| (name, [reads, writes]));
        Some(found.ok_or_else(malformed))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Option<Duration> = Some(Duration::from_mins(1));

    /// From a Debian 12 server: a disk with two partitions, one of them never used, an empty loop device, LVM.
    const DISKS: &str = " 254       0 vda 750193 3037 28116978 368712 16600606 7233846 424712632 23987908 0 2355636 24345740 0 0 0 0\n \
        254       1 vda1 1641 9310 87552 1252 6365 3717 80664 24192 0 15040 25428 0 0 0 0\n \
        254       2 vda2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n \
        253       0 dm-0 46095806 0 549095028 2243928 7192424 0 305024576 12521088 0 2728444 14782668\n \
        259       0 nvme0n1 7 0 0 0 8 0 0 0 0 0 0\n 179 0 mmcblk0p1 0 0 0 0 0 0 0 0 0 1 0\n";

    fn rates(devices: &mut Devices, counters: &[(&str, [u64; 2])], elapsed: Option<Duration>) -> Vec<(String, f64)> {
        let mut found = Vec::new();
        devices.begin();
        for (name, counters) in counters {
            devices.count(name, *counters, elapsed, 100.0, &mut found);
        }
        found.into_iter().map(|one| (one.name.to_string(), one.value)).collect()
    }

    fn disk() -> Devices {
        Devices::new("disk", ["reads.delta", "writes.delta"])
    }

    #[test]
    fn disks_that_did_anything_are_counted_and_partitions_too() {
        let found: Vec<_> = disks(DISKS).map(Result::unwrap).collect();
        assert_eq!(
            found,
            [("vda", [750_193, 16_600_606]), ("vda1", [1_641, 6_365]), ("nvme0n1", [7, 8]), ("mmcblk0p1", [0, 0])]
        );
        assert_eq!(disks("8 0 sda 1 2 3\n").map(|one| one.is_err()).collect::<Vec<_>>(), [true]);
        assert_eq!(disks("8 0\n\n").count(), 0);
    }

    #[test]
    fn what_a_counter_grew_is_told_by_the_second() {
        let mut devices = disk();
        assert_eq!(rates(&mut devices, &[("vda", [100, 50])], MINUTE), [], "the first look");
        let found = rates(&mut devices, &[("vda", [100, 650]), ("vdb", [1, 1])], MINUTE);
        assert_eq!(found, [("disk.vda.reads.delta".to_owned(), 0.0), ("disk.vda.writes.delta".to_owned(), 10.0)]);
        let found = rates(&mut devices, &[("vda", [101, 650]), ("vdb", [1, 1])], MINUTE);
        assert!((found[0].1 - 0.02).abs() < 1e-12, "{found:?}");
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(rates(&mut devices, &[("vda", [102, 650])], None), [], "no time to speak of");
    }

    #[test]
    fn a_counter_that_fell_is_left_out_and_goes_on_from_there() {
        let mut devices = disk();
        rates(&mut devices, &[("vda", [1_000, 1_000])], MINUTE);
        let found = rates(&mut devices, &[("vda", [5, 1_060])], MINUTE);
        assert_eq!(found, [("disk.vda.writes.delta".to_owned(), 1.0)]);
        assert_eq!(rates(&mut devices, &[("vda", [65, 1_060])], MINUTE).len(), 2);
    }

    #[test]
    fn a_device_that_was_away_begins_anew() {
        let mut devices = disk();
        rates(&mut devices, &[("sdb", [1_000, 1_000])], MINUTE);
        rates(&mut devices, &[], MINUTE);
        assert_eq!(rates(&mut devices, &[("sdb", [9_000, 9_000])], MINUTE), []);
        assert_eq!(rates(&mut devices, &[("sdb", [9_000, 9_000])], MINUTE).len(), 2);
    }

    #[test]
    fn names_are_made_plain_and_twins_are_one() {
        let mut devices = Devices::new("interface", ["rxBytes.delta", "txBytes.delta"]);
        let both = [("eth0.100", [1, 1]), ("eth0:100", [5, 5]), ("wlp3s0-ü", [1, 1])];
        rates(&mut devices, &both, MINUTE);
        let found = rates(&mut devices, &both, MINUTE);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "interface.eth0_100.rxBytes.delta",
                "interface.eth0_100.txBytes.delta",
                "interface.wlp3s0-_.rxBytes.delta",
                "interface.wlp3s0-_.txBytes.delta"
            ]
        );
        let mut found = Vec::new();
        Devices::new("filesystem", ["size", "used"]).tell(
            &format!("mapper/{}", "x".repeat(240)),
            [1.0, 1.0],
            &mut found,
        );
        assert_eq!(found, [], "too long for a name");
    }

    #[test]
    fn devices_that_come_and_go_take_no_room_for_ever() {
        let mut devices = disk();
        for look in 0..1_000_u64 {
            let name = format!("br-{look:012x}");
            rates(&mut devices, &[("eth0", [look, look]), (name.as_str(), [0, 0])], MINUTE);
        }
        assert_eq!(devices.known.len(), MOST);
        assert_eq!(rates(&mut devices, &[("eth0", [9_999, 9_999])], MINUTE).len(), 2, "and what stays, stays");
        let names: Vec<String> = (0..MOST + 9).map(|name| format!("sd{name}")).collect();
        let many: Vec<(&str, [u64; 2])> = names.iter().map(|name| (name.as_str(), [1, 1])).collect();
        rates(&mut devices, &many, MINUTE);
        assert_eq!(rates(&mut devices, &many, MINUTE).len(), 2 * MOST);
    }
}
