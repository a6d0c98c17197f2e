//! Temperature sensors: every `temp*_input` below `/sys/class/hwmon`, and thermal zones that have no twin there.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Chips with sensors.
pub const HWMON: &str = "/sys/class/hwmon";
/// Zones of temperature.
pub const THERMAL: &str = "/sys/class/thermal";

/// A host with more sensors than this has a name for the rest, not a temperature.
const MOST_SENSORS: usize = 64;

/// A sensor's name, unique on its host, and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Sensor {
    /// Chip and label, such as `coretemp_core_0`.
    pub name: String,
    /// Degrees Celsius.
    pub celsius: f64,
}

/// The sensors of this host.
#[derive(Debug)]
pub struct Sensors {
    every: Duration,
    listed: Option<Instant>,
    /// By name.
    found: Vec<(String, PathBuf, Option<File>)>,
}

impl Sensors {
    /// Looks for new sensors every `every`.
    pub fn new(every: Duration) -> Self {
        Self { every, listed: None, found: Vec::new() }
    }

    /// What every sensor above 0 says, by name. A sensor that fails is left out.
    pub fn read(&mut self, buffer: &mut [u8], now: Instant) -> Vec<Sensor> {
        if self.listed.is_none_or(|listed| now.duration_since(listed) >= self.every) {
            self.listed = Some(now);
            self.found =
                list(Path::new(HWMON), Path::new(THERMAL)).into_iter().map(|(name, path)| (name, path, None)).collect();
        }
        let mut sensors = Vec::new();
        for (name, path, file) in &mut self.found {
            if file.is_none() {
                *file = File::open(&*path).ok();
            }
            let read = file.as_ref().and_then(|file| file.read_at(buffer, 0).ok());
            match read.and_then(|length| parse(std::str::from_utf8(&buffer[..length]).ok()?)) {
                Some(celsius) => sensors.push(Sensor { name: name.clone(), celsius }),
                None => *file = None,
            }
        }
        sensors
    }
}

/// Degrees of a text of thousandths; `None` for what is no temperature of a running machine.
fn parse(text: &str) -> Option<f64> {
    let thousandths: f64 = text.trim().parse().ok()?;
    Some(thousandths / 1000.0).filter(|celsius| *celsius > 0.0 && *celsius < 1000.0)
}

/// Every sensor's name and file, by name, names unique.
pub fn list(hwmon: &Path, thermal: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for chip in entries(hwmon, "hwmon") {
        let chip_name = text(&chip.join("name")).unwrap_or_else(|| "hwmon".to_owned());
        for input in entries(&chip, "temp") {
            let Some(stem) = input.file_name().and_then(|name| name.to_str()?.strip_suffix("_input")) else { continue };
            let label = text(&chip.join(format!("{stem}_label")));
            found.push((join(&chip_name, label.as_deref().unwrap_or(stem)), input));
        }
    }
    for zone in entries(thermal, "thermal_zone") {
        // The kernel hangs the twin of a zone below the zone.
        if entries(&zone, "hwmon").is_empty() {
            let name = text(&zone.join("type")).unwrap_or_else(|| "thermal".to_owned());
            found.push((join(&name, ""), zone.join("temp")));
        }
    }
    found.sort();
    found.truncate(MOST_SENSORS);
    make_unique(&mut found);
    found
}

fn make_unique(found: &mut [(String, PathBuf)]) {
    for index in 1..found.len() {
        let mut number = 2;
        let wanted = found[index].0.clone();
        while found[..index].iter().any(|(name, _)| *name == found[index].0) {
            found[index].0 = format!("{wanted}_{number}");
            number += 1;
        }
    }
    found.sort();
}

fn join(chip: &str, label: &str) -> String {
    let label = label.to_lowercase().split_whitespace().collect::<Vec<_>>().join("_");
    if label.is_empty() { chip.to_owned() } else { format!("{chip}_{label}") }
}

fn entries(directory: &Path, start: &str) -> Vec<PathBuf> {
    let Ok(listing) = fs::read_dir(directory) else { return Vec::new() };
    let is_wanted =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(start.as_bytes()));
    listing.filter_map(|entry| Some(entry.ok()?.path())).filter(is_wanted).collect()
}

fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDirectory;

    #[test]
    fn thousandths_above_zero_are_temperatures() {
        assert_eq!(parse("45500\n"), Some(45.5));
        assert_eq!(parse("0\n"), None);
        assert_eq!(parse("-128000\n"), None);
        assert_eq!(parse("n/a\n"), None);
    }

    #[test]
    fn chips_and_zones_without_a_twin_are_listed_by_unique_names() {
        let root = TestDirectory::new();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("hwmon/hwmon0/name", "coretemp\n");
        put("hwmon/hwmon0/temp1_label", "Package id 0\n");
        put("hwmon/hwmon0/temp1_input", "45000\n");
        put("hwmon/hwmon0/temp1_crit", "100000\n");
        put("hwmon/hwmon1/name", "nvme\n");
        put("hwmon/hwmon1/temp1_input", "38000\n");
        put("hwmon/hwmon2/name", "nvme\n");
        put("hwmon/hwmon2/temp1_input", "39000\n");
        put("thermal/thermal_zone0/type", "x86_pkg_temp\n");
        put("thermal/thermal_zone0/temp", "46000\n");
        put("thermal/thermal_zone1/type", "acpitz\n");
        put("thermal/thermal_zone1/hwmon3/name", "acpitz\n");

        let found = list(&root.path().join("hwmon"), &root.path().join("thermal"));

        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["coretemp_package_id_0", "nvme_temp1", "nvme_temp1_2", "x86_pkg_temp"]);
    }
}
