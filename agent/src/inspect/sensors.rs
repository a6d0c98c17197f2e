//! Group `sensors`: temperatures by hwmon and thermal zones, and batteries. What cannot be read costs itself alone.

use std::fs;
use std::path::{Path, PathBuf};

use edgewatch_core::dialects::openitcockpit::result::{Battery, Float, Sensors, Temperature};

use super::fault;
use crate::collect::temperature;

const POWER: &str = "/sys/class/power_supply";

/// The group. A machine without either has two empty lists.
pub fn read() -> Sensors {
    let listed = temperature::list(Path::new(temperature::HWMON), Path::new(temperature::THERMAL));
    Sensors { temperatures: temperatures(listed), batteries: batteries(Path::new(POWER)) }
}

fn temperatures(listed: Vec<(String, PathBuf)>) -> Vec<Temperature> {
    let one = |(label, path): (String, PathBuf)| {
        let beside = |end: &str| {
            let stem = path.file_name()?.to_str()?.strip_suffix("_input")?;
            celsius(&path.with_file_name(format!("{stem}_{end}")))
        };
        Some(Temperature {
            current: Float(celsius(&path)?),
            high: Float(beside("max").or_else(|| trip(&path, "hot")).unwrap_or(0.0)),
            critical: Float(beside("crit").or_else(|| trip(&path, "critical")).unwrap_or(0.0)),
            label,
        })
    };
    listed.into_iter().filter_map(one).collect()
}

/// Degrees of a file of thousandths. Nothing is colder than -273, and what says so is broken.
fn celsius(path: &Path) -> Option<f64> {
    let thousandths: f64 = fault::line(path)?.parse().ok()?;
    Some(thousandths / 1000.0).filter(|celsius| *celsius > -273.15 && *celsius < 1000.0)
}

/// A thermal zone's limit of that kind.
fn trip(zone: &Path, kind: &str) -> Option<f64> {
    // Source: the kernel's `THERMAL_MAX_TRIPS` was 12.
    (0..12)
        .find(|number| fault::line(&zone.with_file_name(format!("trip_point_{number}_type"))).as_deref() == Some(kind))
        .and_then(|number| celsius(&zone.with_file_name(format!("trip_point_{number}_temp"))))
}

/// The machine's own: those of mice and the like are marked as a device's.
fn batteries(root: &Path) -> Vec<Battery> {
    let Ok(listing) = fs::read_dir(root) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = listing.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.retain(|path| {
        fault::line(&path.join("type")).as_deref() == Some("Battery")
            && fault::line(&path.join("scope")).as_deref() != Some("Device")
    });
    let found = paths.iter().filter_map(|path| Some((percent(path)?, is_plugged(path))));
    (0..)
        .zip(found)
        .map(|(id, (percent, power_plugged))| Battery { id, percent: Float(percent), secsleft: 0, power_plugged })
        .collect()
}

/// By charge or energy, which are finer; else as the battery says it.
fn percent(battery: &Path) -> Option<f64> {
    let number = |name: &str| fault::line(&battery.join(name))?.parse::<u64>().ok();
    let fine = ["charge", "energy"].iter().find_map(|kind| {
        let full = number(&format!("{kind}_full")).filter(|full| *full > 0)?;
        Some(super::rates::percent(number(&format!("{kind}_now"))?, full))
    });
    fine.or_else(|| Some(crate::collect::exact(number("capacity")?.min(100))))
}

fn is_plugged(battery: &Path) -> bool {
    matches!(fault::line(&battery.join("status")).as_deref(), Some("Full" | "Charging" | "Not charging"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDirectory;

    fn put(root: &TestDirectory, path: &str, text: &str) {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn temperatures_have_their_limits_and_a_broken_sensor_costs_itself() {
        let root = TestDirectory::new();
        put(&root, "hwmon/hwmon0/name", "coretemp\n");
        put(&root, "hwmon/hwmon0/temp1_label", "Package id 0\n");
        put(&root, "hwmon/hwmon0/temp1_input", "27500\n");
        put(&root, "hwmon/hwmon0/temp1_max", "80000\n");
        put(&root, "hwmon/hwmon0/temp1_crit", "100000\n");
        put(&root, "hwmon/hwmon0/temp2_input", "no data\n");
        put(&root, "hwmon/hwmon1/name", "outside\n");
        put(&root, "hwmon/hwmon1/temp1_input", "-7000\n");
        put(&root, "thermal/thermal_zone0/type", "acpitz\n");
        put(&root, "thermal/thermal_zone0/temp", "46000\n");
        put(&root, "thermal/thermal_zone0/trip_point_0_type", "passive\n");
        put(&root, "thermal/thermal_zone0/trip_point_1_type", "critical\n");
        put(&root, "thermal/thermal_zone0/trip_point_1_temp", "105000\n");
        let listed = temperature::list(&root.path().join("hwmon"), &root.path().join("thermal"));
        let one = |label: &str, current: f64, high: f64, critical: f64| Temperature {
            label: label.to_owned(),
            current: Float(current),
            high: Float(high),
            critical: Float(critical),
        };
        assert_eq!(
            temperatures(listed),
            [
                one("acpitz", 46.0, 0.0, 105.0),
                one("coretemp_package_id_0", 27.5, 80.0, 100.0),
                one("outside_temp1", -7.0, 0.0, 0.0)
            ]
        );
    }

    #[test]
    fn the_machines_own_batteries_are_told() {
        let root = TestDirectory::new();
        put(&root, "AC/type", "Mains\n");
        put(&root, "BAT0/type", "Battery\n");
        put(&root, "BAT0/charge_now", "4810000\n");
        put(&root, "BAT0/charge_full", "5000000\n");
        put(&root, "BAT0/capacity", "96\n");
        put(&root, "BAT0/status", "Discharging\n");
        put(&root, "BAT1/type", "Battery\n");
        put(&root, "BAT1/capacity", "70\n");
        put(&root, "BAT1/status", "Not charging\n");
        put(&root, "mouse/type", "Battery\n");
        put(&root, "mouse/scope", "Device\n");
        put(&root, "mouse/capacity", "5\n");
        let found = batteries(root.path());
        let told: Vec<_> = found.iter().map(|one| (one.id, one.percent, one.secsleft, one.power_plugged)).collect();
        assert_eq!(told, [(0, Float(96.2), 0, false), (1, Float(70.0), 0, true)]);
        assert_eq!(batteries(&root.path().join("none")), []);
    }
}
