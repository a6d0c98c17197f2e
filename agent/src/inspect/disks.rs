//! Group `disks`, from `/proc/self/mounts`. A file system that does not answer is left out: 0 % used would be a lie.

use std::path::Path;
use std::time::Duration;

use edgewatch_core::dialects::openitcockpit::result::{Disk, DiskUsage, Float, Mount};

use super::fault::{self, Fault};
use super::patience::Patience;
use super::rates::percent;
use crate::collect::disk::unescape;
use crate::collect::volumes::{Answer, Asker, Volume};

const MOUNTS: &str = "/proc/self/mounts";
/// Source: room for ten thousand mounts.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// What stands in a device's place for what lies on none. Source: openITCOCKPIT specification, 8.5.
const NO_DEVICES: [&str; 24] = [
    "sysfs",
    "proc",
    "udev",
    "devpts",
    "devfs",
    "tmpfs",
    "securityfs",
    "cgroup",
    "cgroup2",
    "pstore",
    "debugfs",
    "hugetlbfs",
    "systemd-1",
    "mqueue",
    "none",
    "sunrpc",
    "nfsd",
    "nsfs",
    "fusectl",
    "configfs",
    "overlay",
    "shm",
    "tracefs",
    "binfmt_misc",
];
/// Sessions of a remote desktop, which come and go. Source: openITCOCKPIT specification, 8.5.
const SESSIONS: &str = "thinlinc/sessions";

/// Asks the file systems.
#[derive(Debug, Default)]
pub struct Disks(Asker);

impl Disks {
    /// The group.
    ///
    /// # Errors
    /// [`Fault::Refused`] when the list of mounts cannot be read; [`Fault::Skipped`] when the cycle's time is over before all were asked.
    pub fn read(&mut self, patience: &Patience) -> Result<Vec<Disk>, Fault> {
        let mut found = Vec::new();
        for mount in parse(&fault::text(Path::new(MOUNTS), MOST_BYTES)?) {
            // What hangs takes two seconds of it, once.
            patience.left(Duration::MAX)?;
            let usage = match self.0.ask(&mount.mountpoint) {
                Answer::Volume(volume) => usage(volume),
                Answer::Refused => DiskUsage::default(),
                Answer::Hangs => continue,
            };
            found.push(Disk { disk: mount, usage });
        }
        Ok(found)
    }
}

/// The mounts that the group has.
fn parse(text: &str) -> Vec<Mount> {
    let mounts = text.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (device, path, kind, options) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        Some(Mount {
            device: unescape(device),
            mountpoint: unescape(path),
            fstype: kind.to_owned(),
            opts: Some(options.split(',').map(str::to_owned).collect()),
        })
    });
    let is_told = |mount: &Mount| {
        !NO_DEVICES.contains(&mount.device.as_str()) && !mount.mountpoint.to_lowercase().contains(SESSIONS)
    };
    mounts.filter(is_told).collect()
}

fn usage(volume: Volume) -> DiskUsage {
    DiskUsage {
        total: volume.total_bytes,
        used: volume.used_bytes,
        free: volume.available_bytes,
        percent: Float(percent(volume.used_bytes, volume.used_bytes.saturating_add(volume.available_bytes))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "sysfs /sys sysfs rw,nosuid 0 0\nudev /dev devtmpfs rw 0 0\ndevtmpfs /chroot/dev devtmpfs rw 0 0\n\
        /dev/vda1 / ext4 rw,relatime,errors=remount-ro 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/loop0 /snap/core/1 squashfs ro 0 0\n\
        /dev/vdb /srv/data\\040two xfs rw 0 0\nnas:/vol /mnt/nas nfs4 rw,hard 0 0\ncache /var/cache/x tmpfs rw 0 0\n\
        overlay /var/lib/docker/overlay2/1/merged overlay rw 0 0\nhome /var/opt/ThinLinc/sessions/a/1 fuse rw 0 0\n";

    #[test]
    fn what_lies_on_a_device_or_has_a_name_of_its_own_is_told() {
        let paths: Vec<String> = parse(SERVER).into_iter().map(|mount| mount.mountpoint).collect();
        assert_eq!(paths, ["/chroot/dev", "/", "/snap/core/1", "/srv/data two", "/mnt/nas", "/var/cache/x"]);
    }

    #[test]
    fn options_are_a_list() {
        let root = parse(SERVER).swap_remove(1);
        assert_eq!((root.device.as_str(), root.fstype.as_str()), ("/dev/vda1", "ext4"));
        assert_eq!(root.opts.unwrap(), ["rw", "relatime", "errors=remount-ro"]);
    }

    #[test]
    fn percent_is_of_what_ordinary_users_could_have() {
        let usage = usage(Volume { total_bytes: 100, used_bytes: 45, available_bytes: 45 });
        assert_eq!((usage.total, usage.used, usage.free, usage.percent), (100, 45, 45, Float(50.0)));
    }

    #[test]
    fn the_file_systems_of_this_machine_answer() {
        let mut patience = Patience::new();
        patience.begin(std::time::Instant::now() + Duration::from_secs(20));
        let disks = Disks::default().read(&patience).unwrap();
        assert!(disks.iter().all(|disk| disk.usage.used <= disk.usage.total), "{disks:?}");
    }
}
