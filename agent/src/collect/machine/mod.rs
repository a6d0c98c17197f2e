//! What the host is made of, as the stock Mackerel agent would tell it: looked at when facts are, not with every sample. Source: mackerel
//! specification, 2.1 and 2.2.

mod addresses;
mod block_devices;
mod memory;
mod processors;

use std::fs;

use edgewatch_core::model::{FileSystem, Machine};

use super::disk::Disk;
use super::host::CPUINFO;
use super::log;
use super::memory::MEMINFO;

/// The revision of the sources, where the build was told.
const REVISION: &str = match option_env!("EDGEWATCH_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};
/// The kernel's name for itself, and which build it is.
const OSTYPE: &str = "/proc/sys/kernel/ostype";
const VERSION: &str = "/proc/sys/kernel/version";
/// What Linux is a part of, as the stock agent's host says it.
const OS: &str = "GNU/Linux";

/// All that is told of this machine when nothing more is wanted: which agent tells it.
pub fn bare() -> Machine {
    Machine { agent_revision: REVISION.to_owned(), ..Machine::default() }
}

/// This machine. What it does not tell is left out.
pub fn read(buffer: &mut Vec<u8>, disk: &mut Disk) -> Machine {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let mut machine = Machine {
        kernel_name: text(OSTYPE).trim().to_owned(),
        kernel_version: text(VERSION).trim().to_owned(),
        os: OS.to_owned(),
        processors: processors::parse(&text(CPUINFO)),
        block_devices: block_devices::read(),
        file_systems: disk
            .file_systems(buffer)
            .map(|(device, mount, volume)| FileSystem {
                device,
                mount,
                size_kib: volume.total_bytes / 1024,
                used_kib: volume.used_bytes / 1024,
                available_kib: volume.available_bytes / 1024,
            })
            .collect(),
        memory: memory::parse(&text(MEMINFO)),
        interfaces: addresses::interfaces()
            .inspect_err(|error| log::debug(format_args!("the interfaces' addresses are not told: {error}")))
            .unwrap_or_default(),
        ..bare()
    };
    for (what, reason) in machine.fit() {
        log::debug(format_args!("{what}: {}; the rest is left out", reason.words()));
    }
    machine
}

/// What is told now, where it differs from before by no more than a file system that counts its own overhead wavers: then it is as large
/// as it was.
pub fn settle(now: &mut Machine, before: &Machine) {
    for one in &mut now.file_systems {
        let known = before.file_systems.iter().find(|known| (&known.device, &known.mount) == (&one.device, &one.mount));
        if let Some(known) = known.filter(|known| known.size_kib.abs_diff(one.size_kib) <= known.size_kib / 100) {
            one.size_kib = known.size_kib;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn this_machine_says_what_it_is_made_of() {
        let machine = read(&mut vec![0; 4096], &mut Disk::new(vec![]));
        assert_eq!((machine.kernel_name.as_str(), machine.os.as_str()), ("Linux", "GNU/Linux"));
        assert!(machine.kernel_version.starts_with('#'), "{}", machine.kernel_version);
        assert!(machine.processors.iter().any(|one| one.places.iter().any(|place| place.count > 0)));
        assert!(machine.memory.iter().any(|kind| kind.name == "MemTotal" && kind.kib > 0));
        assert!(machine.file_systems.iter().any(|one| one.mount == "/" && one.size_kib > 0), "{machine:?}");
        assert!(machine.interfaces.iter().all(|one| one.name != "lo" && !(one.v4.is_empty() && one.v6.is_empty())));
    }

    #[test]
    fn what_changes_all_the_time_is_no_news_of_this_machine() {
        let mut disk = Disk::new(vec![]);
        let before = read(&mut vec![0; 4096], &mut disk);
        std::thread::sleep(Duration::from_millis(50));
        let mut now = read(&mut vec![0; 4096], &mut disk);
        settle(&mut now, &before);
        assert_eq!(now.steady(), before.steady());
    }

    #[test]
    fn a_file_system_that_wavers_keeps_its_size_and_one_that_grows_does_not() {
        let sized = |size_kib| Machine {
            file_systems: vec![FileSystem { device: "tank".to_owned(), size_kib, ..FileSystem::default() }],
            ..Machine::default()
        };
        let settled = |size_kib| {
            let mut now = sized(size_kib);
            settle(&mut now, &sized(1_000));
            now.file_systems[0].size_kib
        };
        assert_eq!((settled(1_009), settled(991), settled(1_011)), (1_000, 1_000, 1_011));
    }
}
