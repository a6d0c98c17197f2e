//! What the cycle and the inventory look at.

use super::cycle::Inspect;
use super::packages::Take;
use super::settings::{Groups, Settings};
use crate::inspect::{Inspector, Selected};
use crate::inventory::{self, Options};

/// What looks at the machine as the settings say.
pub fn inspect(settings: &Settings) -> Inspect {
    let Groups {
        cpu,
        memory,
        swap,
        load,
        disks,
        disk_io,
        net_stats,
        net_io,
        processes,
        users,
        sensors,
        systemd,
        docker,
        ntp,
    } = settings.groups;
    let selected = Selected {
        cpu,
        memory,
        swap,
        load,
        disks,
        disk_io,
        net_stats,
        net_io,
        processes,
        users,
        sensors,
        systemd,
        docker,
        ntp,
        interval: settings.interval,
    };
    let mut inspector = Inspector::new(selected);
    Box::new(move || inspector.cycle())
}

/// What makes inventories as the settings say.
pub fn take(settings: &Settings) -> Take {
    let options = Options {
        checks_updates: settings.packages.checks_updates,
        description_bytes: settings.packages.description_bytes,
    };
    Box::new(move || inventory::take(options))
}
