//! Disks and what else is read by blocks, from `/sys/block`.

use std::fs;

use edgewatch_core::model::BlockDevice;

const BLOCKS: &str = "/sys/block";
/// More there is in none of the files.
const MOST_BYTES: usize = 1024;

/// The devices, by name.
pub fn read() -> Vec<BlockDevice> {
    let Ok(entries) = fs::read_dir(BLOCKS) else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
        .into_iter()
        .map(|name| told(name, |name, file| fs::read_to_string(format!("{BLOCKS}/{name}/{file}")).ok()))
        .collect()
}

/// A device with what its files say.
fn told(name: String, read: impl Fn(&str, &str) -> Option<String>) -> BlockDevice {
    let text = |file: &str| {
        let text = read(&name, file).filter(|text| text.len() <= MOST_BYTES);
        text.map(|text| text.trim().to_owned()).unwrap_or_default()
    };
    BlockDevice {
        size: text("size"),
        removable: text("removable"),
        model: text("device/model"),
        rev: text("device/rev"),
        state: text("device/state"),
        timeout: text("device/timeout"),
        vendor: text("device/vendor"),
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_says_what_its_files_say_without_their_blanks() {
        let device = told("sda".to_owned(), |name, file| {
            assert_eq!(name, "sda");
            match file {
                "size" => Some("536870912\n".to_owned()),
                "device/model" => Some("Virtual Disk    \n".to_owned()),
                "device/state" => Some("x".repeat(2_000)),
                _ => None,
            }
        });
        let expected = BlockDevice {
            name: "sda".to_owned(),
            size: "536870912".to_owned(),
            model: "Virtual Disk".to_owned(),
            ..BlockDevice::default()
        };
        assert_eq!(device, expected);
    }
}
