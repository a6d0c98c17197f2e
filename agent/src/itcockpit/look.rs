//! What the cycle and the inventory look at.

use super::cycle::Inspect;
use super::packages::Take;
use super::settings::Settings;
use crate::inspect::Inspector;
use crate::inventory::{self, Options};

/// What looks at the machine as the settings say.
pub fn inspect(settings: &Settings) -> Inspect {
    let mut inspector = Inspector::new(settings.groups, settings.interval);
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
