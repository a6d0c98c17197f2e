//! Space of the counted file systems: one mount per device, local file systems only, from `/proc/self/mounts`. And of those on
//! devices each by itself, which is not asked as often.

use std::time::{Duration, Instant};

use super::kernel_file::KernelFile;
use super::volumes::{Answer, Asker, Volume};
use super::{CollectError, log};

const MOUNTS: &str = "/proc/self/mounts";

/// File system types that count, by a part of their name.
///
/// Quirk: the product we take the list from has `fuse.rclone` too. It lies behind a network, and no network file system
/// is counted here. Source: Nezha agent 0.20.5, expected file system types.
const LOCAL: [&str; 15] = [
    "apfs", "ext2", "ext3", "ext4", "f2fs", "reiserfs", "jfs", "btrfs", "fuseblk", "zfs", "simfs", "ntfs", "fat32",
    "exfat", "xfs",
];

/// File systems that lie in memory.
const MEMORY: [&str; 2] = ["tmpfs", "devtmpfs"];
/// So many file systems are told of by themselves.
const MOST_SHOWN: usize = 256;

/// How often the list of mounts is read anew.
const RELIST: Duration = Duration::from_mins(1);

/// The counted file systems together, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Space {
    /// Size.
    pub total_bytes: u64,
    /// In use, as `df` says it.
    pub used_bytes: u64,
}

/// Beginning of devices that have names of their own.
const DEVICES: &str = "/dev/";
/// Layers of containers, which come and go. Source: mackerel-agent, where they are left out too.
const LAYERS: &str = "mapper/docker-";

/// A mount and what it said last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    path: String,
    /// What it lies on, behind [`DEVICES`].
    device: Option<String>,
    /// Whether it is a part of the sum.
    is_counted: bool,
    /// ZFS datasets of a pool share its free space.
    pool: Option<String>,
    last: Option<Volume>,
    hangs: bool,
}

/// Asks the mounts.
#[derive(Debug)]
pub struct Disk {
    file: KernelFile,
    chosen: Vec<String>,
    mounts: Vec<Mount>,
    listed: Option<Instant>,
    asker: Asker,
}

impl Mount {
    fn at(path: String, device: Option<String>, is_counted: bool) -> Self {
        Self { path, device, is_counted, pool: None, last: None, hangs: false }
    }

    fn ask(&mut self, asker: &mut Asker) {
        match asker.ask(&self.path) {
            Answer::Volume(volume) => {
                self.last = Some(volume);
                self.hangs = false;
            }
            Answer::Refused => self.last = None,
            Answer::Hangs => {
                if !self.hangs {
                    self.hangs = true;
                    log::warn(format_args!("the file system at {} does not answer; it is passed over", self.path));
                }
            }
        }
    }
}

impl Disk {
    /// Counts the mount points in `chosen`, or by the built-in rule when it is empty.
    pub fn new(chosen: Vec<String>) -> Self {
        Self { file: KernelFile::new(MOUNTS), chosen, mounts: Vec::new(), listed: None, asker: Asker::default() }
    }

    /// The space now. A mount that does not answer counts with what it said last.
    ///
    /// # Errors
    /// [`CollectError::Unavailable`] when no mount ever answered or the list cannot be read.
    pub fn read(&mut self, buffer: &mut Vec<u8>, now: Instant) -> Result<Space, CollectError> {
        if self.listed.is_none_or(|listed| now.duration_since(listed) >= RELIST) {
            self.relist(buffer)?;
            self.listed = Some(now);
        }
        self.mounts.iter_mut().filter(|mount| mount.is_counted).for_each(|mount| mount.ask(&mut self.asker));
        add_up(&self.mounts)
            .ok_or(CollectError::Unavailable { what: "every counted file system", kind: std::io::ErrorKind::NotFound })
    }

    /// The file systems on devices, each once, as [`Disk::read`] saw them; those that are no part of the sum are asked now.
    pub fn by_device(&mut self) -> impl Iterator<Item = (&str, Volume)> {
        let asker = &mut self.asker;
        self.mounts.iter_mut().filter_map(move |mount| {
            if !mount.is_counted {
                mount.ask(asker);
            }
            Some((mount.device.as_deref()?, mount.last?))
        })
    }

    /// The file systems on devices and in memory, by what they lie on, each with where the first one of it is mounted. Not those behind a
    /// network, nor the layers of containers, nor what has no size.
    pub fn file_systems(&mut self, buffer: &mut Vec<u8>) -> impl Iterator<Item = (String, String, Volume)> {
        let listed = self.file.read(buffer).map(|text| shown(text, &self.chosen)).unwrap_or_default();
        listed.into_iter().filter_map(|(device, path)| match self.asker.ask(&path) {
            Answer::Volume(volume) if volume.total_bytes > 0 => Some((device, path, volume)),
            _ => None,
        })
    }

    fn relist(&mut self, buffer: &mut Vec<u8>) -> Result<(), CollectError> {
        let text = self.file.read(buffer);
        let mut mounts = if self.chosen.is_empty() {
            select(text?)
        } else {
            // Without the list they still count.
            chosen(&self.chosen, text.unwrap_or_default())
        };
        for mount in &mut mounts {
            if let Some(known) = self.mounts.iter().find(|known| known.path == mount.path) {
                mount.last = known.last;
                mount.hangs = known.hangs;
            }
        }
        self.mounts = mounts;
        Ok(())
    }
}

/// The mounts that count: the first one of each device with a local file system, else the root whatever it is. And the first one of
/// each other device that has a name.
fn select(text: &str) -> Vec<Mount> {
    let mut mounts: Vec<(&str, Mount)> = Vec::new();
    for (device, path, kind) in lines(text) {
        let is_counted = LOCAL.iter().any(|local| kind.contains(local)) && !path.starts_with("/var/lib/kubelet");
        let name = name_of(device);
        let known = mounts.iter().position(|(known, mount)| *known == device && (mount.is_counted || !is_counted));
        if known.is_some() || !(is_counted || name.is_some()) {
            continue;
        }
        // The mount that counts stands for its device.
        mounts.retain(|(known, _)| *known != device);
        let pool = (kind == "zfs").then(|| device.split('/').next().unwrap_or(device).to_owned());
        mounts.push((device, Mount { pool, ..Mount::at(unescape(path), name, is_counted) }));
    }
    let mut mounts: Vec<Mount> = mounts.into_iter().map(|(_, mount)| mount).collect();
    if !mounts.iter().any(|mount| mount.is_counted) {
        match mounts.iter_mut().find(|mount| mount.path == "/") {
            Some(root) => root.is_counted = true,
            None => mounts.push(Mount::at("/".to_owned(), None, true)),
        }
    }
    mounts
}

/// Device and path of each file system that is told of by itself: of those in `chosen`, where there are any.
fn shown(text: &str, chosen: &[String]) -> Vec<(String, String)> {
    let mut shown: Vec<(String, String)> = Vec::new();
    for (device, path, kind) in lines(text) {
        let is_local = LOCAL.iter().any(|local| kind.contains(local)) && !path.starts_with("/var/lib/kubelet");
        let is_root = path == "/";
        let (device, path) = (unescape(device), unescape(path));
        let is_layer = device.strip_prefix(DEVICES).is_some_and(|name| name.starts_with(LAYERS));
        let is_told = name_of(&device).is_some() || is_local || MEMORY.contains(&kind) || is_root;
        let is_chosen = chosen.is_empty() || chosen.contains(&path);
        if is_told
            && !is_layer
            && is_chosen
            && shown.len() < MOST_SHOWN
            && shown.iter().all(|(known, _)| *known != device)
        {
            shown.push((device, path));
        }
    }
    shown
}

/// The mounts at these paths, with the device that was mounted there last; of a device that is there twice the first one tells.
fn chosen(paths: &[String], text: &str) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Vec::with_capacity(paths.len());
    for path in paths {
        let device = lines(text).filter(|(_, at, _)| unescape(at) == *path).last();
        let device = device.and_then(|(device, ..)| name_of(device));
        let device = device.filter(|device| mounts.iter().all(|known| known.device.as_ref() != Some(device)));
        mounts.push(Mount::at(path.clone(), device, true));
    }
    mounts
}

/// Device, path and kind of each mount.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    text.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        Some((fields.next()?, fields.next()?, fields.next()?))
    })
}

/// What a device is called.
fn name_of(device: &str) -> Option<String> {
    let name = device.strip_prefix(DEVICES).filter(|name| !name.is_empty() && !name.starts_with(LAYERS))?;
    Some(unescape(name))
}

/// The kernel writes blanks in paths as `\040` and the like.
pub fn unescape(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        if let [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] = rest {
            bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
            rest = after;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sizes together; `None` when nothing is known of any mount. A ZFS pool's free space counts once.
fn add_up(mounts: &[Mount]) -> Option<Space> {
    let mut space = Space::default();
    let mut known = false;
    let mut pools: Vec<(&str, u64)> = Vec::new();
    for mount in mounts.iter().filter(|mount| mount.is_counted) {
        let Some(volume) = mount.last else { continue };
        known = true;
        space.used_bytes = space.used_bytes.saturating_add(volume.used_bytes);
        match &mount.pool {
            None => space.total_bytes = space.total_bytes.saturating_add(volume.total_bytes),
            Some(pool) => {
                space.total_bytes = space.total_bytes.saturating_add(volume.used_bytes);
                match pools.iter_mut().find(|(name, _)| name == pool) {
                    Some((_, free)) => *free = (*free).max(volume.available_bytes),
                    None => pools.push((pool, volume.available_bytes)),
                }
            }
        }
    }
    let free_in_pools = pools.iter().fold(0_u64, |sum, (_, free)| sum.saturating_add(*free));
    space.total_bytes = space.total_bytes.saturating_add(free_in_pools);
    known.then_some(space)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From a Debian 12 server with a dead NFS mount, a bind mount, a snap and a USB stick.
    const SERVER: &str = "sysfs /sys sysfs rw,nosuid 0 0\nproc /proc proc rw 0 0\nudev /dev devtmpfs rw 0 0\n\
        /dev/vda1 / ext4 rw,relatime,errors=remount-ro 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/loop0 /snap/core/1 squashfs ro 0 0\n\
        /dev/vdb /srv/data\\040two xfs rw 0 0\n/dev/vda1 /var/lib/docker/bind ext4 rw 0 0\nnas:/vol /mnt/nas nfs4 rw,hard 0 0\n\
        /dev/sdc1 /media/stick fuseblk rw 0 0\n/dev/vdd /var/lib/kubelet/pods/x ext4 rw 0 0\nremote: /mnt/r fuse.rclone rw 0 0\n";

    fn paths(text: &str) -> Vec<String> {
        select(text).into_iter().filter(|mount| mount.is_counted).map(|mount| mount.path).collect()
    }

    fn mount(pool: Option<&str>, total_bytes: u64, used_bytes: u64) -> Mount {
        let last = Some(Volume { total_bytes, used_bytes, available_bytes: total_bytes - used_bytes });
        Mount { pool: pool.map(str::to_owned), last, ..Mount::at("/x".to_owned(), None, true) }
    }

    #[test]
    fn one_mount_of_each_local_device_counts() {
        assert_eq!(paths(SERVER), ["/", "/srv/data two", "/media/stick"]);
    }

    #[test]
    fn a_container_counts_its_root() {
        assert_eq!(paths("overlay / overlay rw 0 0\nproc /proc proc rw 0 0\n"), ["/"]);
    }

    #[test]
    fn each_device_with_a_name_is_told_of_once() {
        let devices = |mounts: Vec<Mount>| -> Vec<(String, String)> {
            mounts.into_iter().filter_map(|mount| Some((mount.device?, mount.path))).collect()
        };
        let pair = |device: &str, path: &str| (device.to_owned(), path.to_owned());
        assert_eq!(
            devices(select(SERVER)),
            [
                pair("vda1", "/"),
                pair("loop0", "/snap/core/1"),
                pair("vdb", "/srv/data two"),
                pair("sdc1", "/media/stick"),
                pair("vdd", "/var/lib/kubelet/pods/x")
            ]
        );
        let more = "/dev/mapper/vg-root / ext4 rw 0 0\n/dev/mapper/docker-8:1-77 /x ext4 rw 0 0\ntank/a /t zfs rw 0 0\n\
            /dev/fuse /etc/pve fuse rw 0 0\n/dev/vde /var/lib/kubelet/a ext4 rw 0 0\n/dev/vde /data ext4 rw 0 0\n";
        assert_eq!(
            devices(select(more)),
            [pair("mapper/vg-root", "/"), pair("fuse", "/etc/pve"), pair("vde", "/data")]
        );
        assert_eq!(paths(more), ["/", "/x", "/t", "/data"]);
        let paths = ["/srv/data two", "/none", "/", "/var/lib/docker/bind"].map(str::to_owned);
        assert_eq!(devices(chosen(&paths, SERVER)), [pair("vdb", "/srv/data two"), pair("vda1", "/")]);
        assert_eq!(chosen(&paths, SERVER).iter().filter(|mount| mount.is_counted).count(), 4);
    }

    #[test]
    fn what_is_no_part_of_the_sum_is_told_by_its_device() {
        let (mut disk, mut buffer) = (Disk::new(Vec::new()), vec![0; 4096]);
        disk.read(&mut buffer, Instant::now()).unwrap();
        disk.mounts = vec![Mount::at("/".to_owned(), Some("vda1".to_owned()), false), mount(None, 100, 40)];
        let told: Vec<String> = disk.by_device().map(|(device, _)| device.to_owned()).collect();
        assert_eq!(told, ["vda1"]);
        assert_eq!(add_up(&disk.mounts), Some(Space { total_bytes: 100, used_bytes: 40 }));
    }

    #[test]
    fn space_is_added_up() {
        let sum = add_up(&[mount(None, 100, 40), mount(None, 50, 5)]);
        assert_eq!(sum, Some(Space { total_bytes: 150, used_bytes: 45 }));
    }

    #[test]
    fn the_free_space_of_a_pool_counts_once() {
        // Two datasets of a pool of 100 with 30 and 10 in use: each shows its own use plus the 60 free.
        let sum = add_up(&[mount(Some("tank"), 90, 30), mount(Some("tank"), 70, 10)]);
        assert_eq!(sum, Some(Space { total_bytes: 100, used_bytes: 40 }));
    }

    #[test]
    fn a_mount_that_hangs_counts_with_its_last_answer_and_a_silent_one_not_at_all() {
        let mut hanging = mount(None, 100, 40);
        hanging.hangs = true;
        let silent = Mount { last: None, ..hanging.clone() };
        assert_eq!(add_up(&[hanging, silent.clone()]), Some(Space { total_bytes: 100, used_bytes: 40 }));
        assert_eq!(add_up(&[silent]), None);
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescape("/a\\040b\\134c\\"), "/a b\\c\\");
    }

    #[test]
    fn file_systems_are_told_of_once_each_and_none_behind_a_network() {
        let text = "proc /proc proc rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n/dev/vda / ext4 rw 0 0\ntmpfs /run/user/0 tmpfs rw 0 0\n\
            /dev/vda /srv ext4 rw 0 0\nserver:/x /mnt/nfs nfs4 rw 0 0\noverlay /var/lib/docker/x/merged overlay rw 0 0\n\
            /dev/mapper/docker-1 /x ext2 rw 0 0\nudev /dev devtmpfs rw 0 0\n/dev/sdb1 /my\\040disk vfat rw 0 0\nbot /m fuse.sshfs rw 0 0\n";
        let told = |chosen: &[&str]| {
            let chosen: Vec<String> = chosen.iter().map(|path| (*path).to_owned()).collect();
            let shown = shown(text, &chosen).into_iter();
            shown.map(|(device, path)| format!("{device} {path}")).collect::<Vec<_>>()
        };
        let expected = ["tmpfs /dev/shm", "/dev/vda /", "udev /dev", "/dev/sdb1 /my disk"];
        assert_eq!(told(&[]), expected);
        assert_eq!(told(&["/srv"]), ["/dev/vda /srv"]);
        assert_eq!(shown("overlay / overlay rw 0 0\n", &[]).len(), 1, "the root of a container");
        let many: Vec<String> = (0..1_000).map(|number| format!("/dev/sd{number} /{number} ext4 rw 0 0")).collect();
        assert_eq!(shown(&many.join("\n"), &[]).len(), MOST_SHOWN);
    }
}
