//! What a machine is made of, and what it was like when it said so: more than most readers ask for.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::DropReason;

/// A machine in detail. An empty text or list was not said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Machine {
    /// The revision of the sources that its agent was built from.
    pub agent_revision: String,
    /// The kernel's name, such as `Linux`.
    pub kernel_name: String,
    /// Which build of the kernel's release it is, such as `#1 SMP PREEMPT_DYNAMIC`.
    pub kernel_version: String,
    /// What the kernel is a part of, such as `GNU/Linux`.
    pub os: String,
    /// The processors, those that are alike together.
    pub processors: Vec<Processors>,
    /// Disks and what else is read by blocks.
    pub block_devices: Vec<BlockDevice>,
    /// What is mounted, each device once.
    pub file_systems: Vec<FileSystem>,
    /// What memory is used for.
    pub memory: Vec<MemoryKind>,
    /// The network's interfaces that have addresses.
    pub interfaces: Vec<Interface>,
}

/// Processors that are alike in all but their places.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Processors {
    /// Who made them, such as `GenuineIntel`.
    pub vendor: String,
    /// The maker's numbers for what they are.
    pub family: String,
    /// As [`Processors::family`].
    pub model: String,
    /// As [`Processors::family`].
    pub stepping: String,
    /// What they are called.
    pub model_name: String,
    /// Their cache, such as `1024 KB`.
    pub cache_size: String,
    /// What the first of them ran at when it was asked.
    pub mhz: Option<f64>,
    /// Where they are, in the kernel's order.
    pub places: Vec<Place>,
}

/// Processors in a row: of one package, on cores whose numbers rise by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The package's number, where it is known.
    pub package: Option<u32>,
    /// The first core's, likewise; where it is not, no core's is.
    pub core: Option<u32>,
    /// How many.
    pub count: u32,
}

/// A disk, or what else is read by blocks: its files below `/sys/block`, as they read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockDevice {
    /// Such as `vda`.
    pub name: String,
    /// In sectors of 512 bytes.
    pub size: String,
    /// `1` when it can be taken out.
    pub removable: String,
    /// What it is called.
    pub model: String,
    /// Which revision.
    pub rev: String,
    /// Such as `running`.
    pub state: String,
    /// Seconds.
    pub timeout: String,
    /// Who made it.
    pub vendor: String,
}

/// What is mounted somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileSystem {
    /// Such as `/dev/vda`, or `tmpfs`.
    pub device: String,
    /// Where.
    pub mount: String,
    /// In all.
    pub size_kib: u64,
    /// In use.
    pub used_kib: u64,
    /// Left for ordinary users.
    pub available_kib: u64,
}

/// What memory is used for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryKind {
    /// As the kernel calls it, such as `MemFree`.
    pub name: String,
    /// How much.
    pub kib: u64,
}

/// An interface of the network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interface {
    /// Such as `eth0`.
    pub name: String,
    /// Its hardware's address, `02:fc:00:00:00:01`; empty where it has none.
    pub mac: String,
    /// In the kernel's order.
    pub v4: Vec<Ipv4Addr>,
    /// Likewise.
    pub v6: Vec<Ipv6Addr>,
}

/// The longest text of a machine, in bytes.
const MAX_TEXT_BYTES: usize = 256;
/// Room for what a machine says in all, in bytes as JSON has it unless texts are full of quotes. Such a machine as people rent says
/// some 2,000, a large one with 60 disks 10,000.
const MAX_BYTES: usize = 24 * 1024;
/// So many interfaces, devices, file systems, or kinds of memory.
const MOST: usize = 256;
/// So many addresses of each family has an interface.
const MOST_ADDRESSES: usize = 64;
/// So many processors in all.
const MOST_PROCESSORS: u32 = 4_096;

/// What of the machine is too much, and why.
pub type Unfit = Vec<(&'static str, DropReason)>;

impl Machine {
    /// The machine without what changes all the time: what is free, what is used, how fast processors run just now. What is left is news
    /// when it changes.
    #[must_use]
    pub fn steady(&self) -> Self {
        let mut steady = self.clone();
        steady.processors.iter_mut().for_each(|processors| processors.mhz = None);
        steady.file_systems.iter_mut().for_each(|one| (one.used_kib, one.available_kib) = (0, 0));
        steady.memory.iter_mut().for_each(|kind| kind.kib = 0);
        steady
    }

    /// Leaves out what is more than a machine may say, and says what that was: texts that are too long, lists without end, names that
    /// are none. Control characters of texts go without a word.
    pub fn fit(&mut self) -> Unfit {
        let mut fitting = Fitting { left: MAX_BYTES, unfit: Vec::new() };
        for text in [&mut self.agent_revision, &mut self.kernel_name, &mut self.kernel_version, &mut self.os] {
            fitting.text("machine.kernel", text);
        }
        self.memory.retain_mut(|kind| fitting.text("machine.memory", &mut kind.name) && !kind.name.is_empty());
        fitting.list("machine.memory", &mut self.memory, |kind| 10 + kind.name.len());
        let mut count = 0;
        for one in &mut self.processors {
            fitting.processors(one);
            one.places.retain_mut(|place| {
                place.count = place.count.min(MOST_PROCESSORS - count);
                count += place.count;
                place.count > 0
            });
        }
        self.processors.retain(|one| !one.places.is_empty());
        fitting.list("machine.processors", &mut self.processors, |one| {
            let texts = [&one.vendor, &one.family, &one.model, &one.stepping, &one.model_name, &one.cache_size]
                .map(String::len);
            120 + texts.iter().sum::<usize>() + 40 * one.places.len()
        });
        for one in &mut self.interfaces {
            fitting.text("machine.interfaces", &mut one.name);
            fitting.text("machine.interfaces", &mut one.mac);
            if !is_hardware_address(&one.mac) {
                one.mac.clear();
            }
            one.v4.truncate(MOST_ADDRESSES);
            one.v6.truncate(MOST_ADDRESSES);
        }
        self.interfaces.retain(|one| !one.name.is_empty());
        fitting.list("machine.interfaces", &mut self.interfaces, |one| {
            40 + one.name.len() + one.mac.len() + 18 * one.v4.len() + 42 * one.v6.len()
        });
        for one in &mut self.file_systems {
            fitting.text("machine.file_systems", &mut one.device);
            fitting.text("machine.file_systems", &mut one.mount);
        }
        self.file_systems.retain(|one| !one.device.is_empty());
        fitting.list("machine.file_systems", &mut self.file_systems, |one| 110 + one.device.len() + one.mount.len());
        for one in &mut self.block_devices {
            for text in one.texts_mut() {
                fitting.text("machine.block_devices", text);
            }
        }
        self.block_devices.retain(|one| !one.name.is_empty());
        fitting.list("machine.block_devices", &mut self.block_devices, |one| {
            one.clone().texts_mut().into_iter().map(|text| if text.is_empty() { 0 } else { 14 + text.len() }).sum()
        });
        fitting.unfit
    }
}

impl BlockDevice {
    /// All that is said of it, its name first.
    pub fn texts_mut(&mut self) -> [&mut String; 8] {
        let Self { name, size, removable, model, rev, state, timeout, vendor } = self;
        [name, size, removable, model, rev, state, timeout, vendor]
    }
}

/// What is left of the room, and what had none.
struct Fitting {
    left: usize,
    unfit: Unfit,
}

impl Fitting {
    fn drop_value(&mut self, what: &'static str, reason: DropReason) {
        if !self.unfit.contains(&(what, reason)) {
            self.unfit.push((what, reason));
        }
    }

    /// False for a text that was too long, and is empty now.
    fn text(&mut self, what: &'static str, text: &mut String) -> bool {
        if text.contains(char::is_control) {
            text.retain(|letter| !letter.is_control());
        }
        let fits = text.len() <= MAX_TEXT_BYTES;
        if !fits {
            text.clear();
            self.drop_value(what, DropReason::TooLong);
        }
        fits
    }

    fn processors(&mut self, one: &mut Processors) {
        let Processors { vendor, family, model, stepping, model_name, cache_size, mhz, places } = one;
        for text in [vendor, family, model, stepping, model_name, cache_size] {
            self.text("machine.processors", text);
        }
        *mhz = mhz.filter(|mhz| mhz.is_finite() && *mhz >= 0.0);
        if places.len() > MOST {
            places.truncate(MOST);
            self.drop_value("machine.processors", DropReason::TooMany);
        }
    }

    /// Keeps as many from the front as there is room for.
    fn list<T>(&mut self, what: &'static str, list: &mut Vec<T>, bytes: impl Fn(&T) -> usize) {
        let fits = |one: &T| match self.left.checked_sub(bytes(one)) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        };
        let kept = list.iter().take(MOST).map(fits).take_while(|fits| *fits).count();
        if kept < list.len() {
            list.truncate(kept);
            self.drop_value(what, DropReason::TooMany);
        }
    }
}

/// Whether it is pairs of hexadecimal digits with colons between them.
fn is_hardware_address(text: &str) -> bool {
    text.split(':').all(|pair| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        text.to_owned()
    }

    fn small() -> Machine {
        Machine {
            agent_revision: text("1b684c4"),
            kernel_name: text("Linux"),
            kernel_version: text("#1 SMP"),
            os: text("GNU/Linux"),
            processors: vec![Processors {
                vendor: text("GenuineIntel"),
                mhz: Some(2600.0),
                places: vec![Place { package: Some(0), core: Some(0), count: 2 }],
                ..Processors::default()
            }],
            block_devices: vec![BlockDevice { name: text("vda"), size: text("8"), ..BlockDevice::default() }],
            file_systems: vec![FileSystem {
                device: text("/dev/vda"),
                mount: text("/"),
                size_kib: 10,
                used_kib: 5,
                available_kib: 4,
            }],
            memory: vec![MemoryKind { name: text("MemFree"), kib: 7 }],
            interfaces: vec![Interface {
                name: text("eth0"),
                mac: text("02:fc:00:00:00:01"),
                v4: vec![Ipv4Addr::LOCALHOST],
                v6: vec![],
            }],
        }
    }

    #[test]
    fn what_changes_all_the_time_is_no_news_and_everything_else_is() {
        let known = small();
        let mut later = known.clone();
        later.processors[0].mhz = Some(800.0);
        (later.file_systems[0].used_kib, later.file_systems[0].available_kib) = (6, 3);
        later.memory[0].kib = 1;
        assert_eq!(later.steady(), known.steady());
        let changes: [fn(&mut Machine); 6] = [
            |machine| machine.file_systems[0].size_kib = 11,
            |machine| machine.processors[0].places[0].count = 4,
            |machine| machine.block_devices[0].size = text("9"),
            |machine| machine.interfaces[0].v4.clear(),
            |machine| machine.kernel_version = text("#2 SMP"),
            |machine| machine.memory.clear(),
        ];
        for change in changes {
            let mut other = known.clone();
            change(&mut other);
            assert_ne!(other.steady(), known.steady(), "{other:?}");
        }
    }

    #[test]
    fn a_usual_machine_fits_as_it_is() {
        let mut machine = small();
        assert_eq!(machine.fit(), []);
        assert_eq!(machine, small());
    }

    #[test]
    fn texts_without_end_and_names_that_are_none_are_left_out() {
        let mut machine = small();
        machine.kernel_version = "x".repeat(257);
        machine.os = text("a\u{1b}[31m\nb");
        machine.interfaces[0].mac = text("02:fc:<b>");
        machine.block_devices.push(BlockDevice::default());
        machine.file_systems[0].device = "y".repeat(300);
        machine.processors[0].mhz = Some(f64::NAN);
        let unfit = machine.fit();
        assert_eq!(unfit, [("machine.kernel", DropReason::TooLong), ("machine.file_systems", DropReason::TooLong)]);
        assert_eq!((machine.kernel_version.as_str(), machine.os.as_str()), ("", "a[31mb"));
        assert_eq!((machine.interfaces[0].mac.as_str(), machine.block_devices.len()), ("", 1));
        assert!(machine.file_systems.is_empty() && machine.processors[0].mhz.is_none());
    }

    #[test]
    fn lists_without_end_are_cut_where_there_is_no_more_room() {
        let mut machine = small();
        machine.block_devices = vec![BlockDevice { name: "n".repeat(200), ..BlockDevice::default() }; 5_000];
        machine.interfaces = vec![
            Interface {
                name: text("e"),
                v4: vec![Ipv4Addr::LOCALHOST; 1_000],
                v6: vec![Ipv6Addr::LOCALHOST; 1_000],
                ..Interface::default()
            };
            2
        ];
        machine.processors[0].places = vec![Place { package: None, core: None, count: u32::MAX }; 1_000];
        let unfit = machine.fit();
        assert_eq!(
            unfit,
            [("machine.processors", DropReason::TooMany), ("machine.block_devices", DropReason::TooMany)]
        );
        assert_eq!((machine.interfaces[0].v4.len(), machine.interfaces[0].v6.len()), (64, 64));
        assert_eq!(machine.processors[0].places.iter().map(|place| place.count).sum::<u32>(), MOST_PROCESSORS);
        let bytes: usize = machine.block_devices.iter().map(|one| one.name.len() + 14).sum();
        assert!((10_000..MAX_BYTES).contains(&bytes), "{bytes}");
        assert_eq!(machine.fit(), [], "what fits, fits again");
    }
}
