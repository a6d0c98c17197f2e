//! What the cycle and the inventory look at.

use edgewatch_core::dialects::openitcockpit::result::{Agent, Document, Group};

use super::cycle::Inspect;
use super::packages::{self, Take};
use super::settings::Settings;
use crate::clock;
use crate::collect::Identity;

/// What looks at the machine as the settings say.
pub fn inspect(settings: &Settings) -> Inspect {
    let identity = Identity::read();
    let check_interval = u32::try_from(settings.interval.as_secs()).ok();
    Box::new(move || {
        let now_s = clock::now_s();
        let agent = Agent {
            last_updated_timestamp: now_s,
            system: identity.platform.clone().unwrap_or_default(),
            system_uptime: identity
                .booted_at_s
                .and_then(|at| now_s.checked_sub_unsigned(at))
                .map_or(0, i64::unsigned_abs),
            kernel_version: identity.kernel.clone().unwrap_or_default(),
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            temperature_unit: "C".to_owned(),
            goos: "linux".to_owned(),
            check_interval,
            ..Agent::default()
        };
        Document { agent: Some(Group::Value(agent)), ..Document::default() }
    })
}

/// What makes inventories as the settings say.
pub fn take(settings: &Settings) -> Take {
    let is_enabled = settings.packages.is_enabled;
    Box::new(move || packages::before(is_enabled))
}
