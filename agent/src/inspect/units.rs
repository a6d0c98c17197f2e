//! Group `systemd_services`: every unit that systemd has loaded, of any kind.

use std::path::Path;
use std::time::Instant;

use edgewatch_core::dialects::openitcockpit::result::SystemdUnit;

use super::bus::{self, Bus, Call, wire::Reader};
use super::fault::Fault;

/// There when systemd is the init system. Source: `sd_booted(3)`.
pub const BOOTED: &str = "/run/systemd/system";

const LIST: Call<'_> = Call {
    service: "org.freedesktop.systemd1",
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
    method: "ListUnits",
};

/// The group. Empty where another program is the init system.
///
/// # Errors
/// Those of the bus and of the manager.
pub fn read(booted: &Path, socket: &Path, until: Instant) -> Result<Vec<SystemdUnit>, Fault> {
    if !booted.is_dir() {
        return Ok(Vec::new());
    }
    let body = Bus::connect(socket, until)?.call(LIST, &[])?;
    bus::parse(&body, |reader| reader.structures(unit))
}

/// Name, description, three states, and what nobody here asks for: what it follows, its object, its job with its kind and object.
fn unit(reader: &mut Reader<'_>) -> Option<SystemdUnit> {
    let mut text = || reader.text().map(str::to_owned);
    let (name, description, load_state, active_state, sub_state) = (text()?, text()?, text()?, text()?, text()?);
    reader.skip("souso")?;
    Some(SystemdUnit { active_state, description, load_state, name, sub_state })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::bus::stand_in::{StandIn, array};
    use super::*;

    const UNITS: [[&str; 5]; 2] = [
        ["ssh.service", "OpenBSD Secure Shell server", "loaded", "active", "running"],
        ["-.mount", "Root Mount", "loaded", "active", "mounted"],
    ];

    #[test]
    fn every_unit_is_told() {
        let stand_in = StandIn::start(|method, _| {
            assert_eq!(method, "ListUnits");
            let mut units = UNITS.iter();
            let body = array(|writer| {
                let Some(unit) = units.next() else { return false };
                unit.iter().chain(&["", "/org/freedesktop/systemd1/unit/x"]).for_each(|text| writer.text(text));
                writer.pad(4);
                writer.length(0);
                writer.text("");
                writer.text("/");
                true
            });
            Ok(("a(ssssssouso)", body))
        });
        let found = read(Path::new("/"), &stand_in.socket(), Instant::now() + Duration::from_secs(20)).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|one| [&*one.name, &*one.description, &*one.load_state, &*one.active_state, &*one.sub_state])
            .collect();
        assert_eq!(told, UNITS);
        assert_eq!(stand_in.called()[1], "/org/freedesktop/systemd1 ListUnits");
    }

    #[test]
    fn another_init_system_has_no_units_and_no_bus_is_a_fault() {
        let soon = Instant::now() + Duration::from_secs(20);
        assert_eq!(read(Path::new("/no/such"), Path::new("/no/bus"), soon).unwrap(), []);
        assert!(read(Path::new("/"), Path::new("/no/bus"), soon).is_err());
    }
}
