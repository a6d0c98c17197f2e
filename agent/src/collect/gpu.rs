//! Graphics cards: names, and use where the driver tells it in `/sys` (amdgpu does, others do not).

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const CARDS: &str = "/sys/class/drm";
const NVIDIA: &str = "/proc/driver/nvidia/gpus";
const PCI_IDS: [&str; 2] = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"];

/// A card of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Card {
    name: String,
    busy: Option<PathBuf>,
}

/// The cards of this host.
#[derive(Debug)]
pub struct Gpus {
    every: Duration,
    listed: Option<Instant>,
    cards: Vec<Card>,
}

impl Gpus {
    /// Looks for new cards every `every`.
    pub fn new(every: Duration) -> Self {
        Self { every, listed: None, cards: Vec::new() }
    }

    /// Use of the busiest card, 0 to 100; `None` when no card tells.
    pub fn busiest(&mut self, buffer: &mut [u8], now: Instant) -> Option<f64> {
        if self.listed.is_none_or(|listed| now.duration_since(listed) >= self.every) {
            self.listed = Some(now);
            self.relist();
        }
        let uses = self.cards.iter().filter_map(|card| read_percent(card.busy.as_deref()?, buffer));
        uses.max_by(f64::total_cmp)
    }

    /// The cards' names.
    pub fn names(&mut self) -> Vec<String> {
        if self.listed.is_none() {
            self.relist();
        }
        self.cards.iter().map(|card| card.name.clone()).collect()
    }

    fn relist(&mut self) {
        self.cards = list(Path::new(CARDS), Path::new(NVIDIA), &PCI_IDS);
    }
}

fn read_percent(path: &Path, buffer: &mut [u8]) -> Option<f64> {
    let length = std::io::Read::read(&mut fs::File::open(path).ok()?, buffer).ok()?;
    parse_percent(std::str::from_utf8(&buffer[..length]).ok()?)
}

fn parse_percent(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|percent| (0.0..=100.0).contains(percent))
}

fn list(cards: &Path, nvidia: &Path, pci_ids: &[&str]) -> Vec<Card> {
    let Ok(listing) = fs::read_dir(cards) else { return Vec::new() };
    let is_card = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()?.strip_prefix("card"));
        name.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut paths: Vec<PathBuf> = listing.filter_map(|entry| Some(entry.ok()?.path())).filter(is_card).collect();
    paths.sort();
    paths.iter().filter_map(|path| card(&path.join("device"), nvidia, pci_ids)).collect()
}

/// `None` for what has no PCI ids: a frame buffer, not a card.
fn card(device: &Path, nvidia: &Path, pci_ids: &[&str]) -> Option<Card> {
    let id = |name| Some(fs::read_to_string(device.join(name)).ok()?.trim().trim_start_matches("0x").to_lowercase());
    let (vendor, model) = (id("vendor")?, id("device")?);
    let slot = fs::canonicalize(device).ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let of_driver = || {
        let text = fs::read_to_string(nvidia.join(slot?).join("information")).ok()?;
        text.lines().find_map(|line| Some(line.strip_prefix("Model:")?.trim().to_owned()))
    };
    let of_list = || {
        let file = pci_ids.iter().find_map(|path| fs::File::open(path).ok())?;
        find_name(BufReader::new(file), &vendor, &model)
    };
    let bare = || match vendor.as_str() {
        "10de" => format!("NVIDIA {model}"),
        "1002" => format!("AMD {model}"),
        "8086" => format!("Intel {model}"),
        _ => format!("GPU {vendor}:{model}"),
    };
    let busy = Some(device.join("gpu_busy_percent")).filter(|path| path.exists());
    Some(Card { name: of_driver().or_else(of_list).unwrap_or_else(bare), busy })
}

/// The vendor's and the model's name in the list that `lspci` uses; vendors stand at the margin, models behind a tab.
fn find_name(list: impl BufRead, vendor: &str, model: &str) -> Option<String> {
    let mut vendor_name: Option<String> = None;
    for line in list.split(b'\n') {
        let line = line.ok()?;
        let line = String::from_utf8_lossy(&line);
        if line.starts_with('#') || line.starts_with("\t\t") {
            continue;
        }
        match (line.strip_prefix('\t'), &vendor_name) {
            (Some(entry), Some(vendor_name)) => {
                if let Some(name) = entry.strip_prefix(model) {
                    return Some(format!("{vendor_name} {}", name.trim()));
                }
            }
            (Some(_), None) => {}
            (None, Some(_)) if !line.is_empty() => return None,
            (None, _) => {
                vendor_name =
                    line.strip_prefix(vendor).filter(|rest| rest.starts_with(' ')).map(|rest| rest.trim().to_owned());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDirectory;

    const IDS: &str = "# list\n1001  Kolter Electronic\n\t0010  PCI 1616\n1002  Advanced Micro Devices, Inc. [AMD/ATI]\n\
        \t73bf  Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]\n\t\t1002 0e3a  Radeon RX 6900 XT\n\t73df  Navi 22\n1003  ULSI Systems\n\t0201  US201\n";

    #[test]
    fn names_come_from_the_list_of_pci_ids() {
        let name = find_name(IDS.as_bytes(), "1002", "73bf");
        assert_eq!(
            name.as_deref(),
            Some("Advanced Micro Devices, Inc. [AMD/ATI] Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]")
        );
        assert_eq!(find_name(IDS.as_bytes(), "1002", "0201"), None);
        assert_eq!(find_name(IDS.as_bytes(), "9999", "0201"), None);
    }

    #[test]
    fn a_card_with_use_and_one_without_are_listed_and_connectors_are_not() {
        let root = TestDirectory::new();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("drm/card0/device/vendor", "0x1002\n");
        put("drm/card0/device/device", "0x73bf\n");
        put("drm/card0/device/gpu_busy_percent", "37\n");
        put("drm/card0-HDMI-A-1/status", "connected\n");
        put("drm/card1/device/vendor", "0x10de\n");
        put("drm/card1/device/device", "0x2204\n");
        put("drm/renderD128/device/vendor", "0x1002\n");

        let cards = list(&root.path().join("drm"), &root.path().join("nvidia"), &[]);

        let names: Vec<&str> = cards.iter().map(|card| card.name.as_str()).collect();
        assert_eq!(names, ["AMD 73bf", "NVIDIA 2204"]);
        assert_eq!(read_percent(cards[0].busy.as_deref().unwrap(), &mut [0; 64]), Some(37.0));
        assert_eq!(cards[1].busy, None);
    }

    #[test]
    fn a_percentage_beyond_its_range_is_none() {
        assert_eq!(parse_percent("0\n"), Some(0.0));
        assert_eq!(parse_percent("101\n"), None);
        assert_eq!(parse_percent("busy\n"), None);
    }
}
