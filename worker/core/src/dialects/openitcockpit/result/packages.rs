//! `packagemanager`, and the inventory: the answer to `GET /packages` and the `checkdata` of `submit_package_info`. Source: openITCOCKPIT
//! specification, 8.12 and 12.

use serde::{Deserialize, Serialize};

use super::group::nullable;

/// The group `packagemanager`. Quirk: its keys are capitalised unless it is switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PackageManager {
    /// Switched on.
    On(Box<PackageSummary>),
    /// Switched off.
    Off {
        /// False.
        enabled: bool,
        /// False.
        pending: bool,
    },
}

impl PackageManager {
    /// What stands there when inventories are switched off.
    pub const OFF: Self = Self::Off { enabled: false, pending: false };
}

/// The packages in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct PackageSummary {
    /// True.
    pub enabled: bool,
    /// Whether the first inventory is still to come.
    #[serde(default)]
    pub pending: bool,
    /// When the last one was made, Unix seconds.
    #[serde(default)]
    pub last_update: i64,
    /// The numbers.
    #[serde(default)]
    pub stats: PackageStats,
}

/// An inventory in numbers. Zero and empty before the first one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct PackageStats {
    /// How many are installed.
    pub installed_packages: u64,
    /// How many have a newer version.
    pub upgradable_packages: u64,
    /// How many of these mend something that an attacker could use.
    pub security_updates: u64,
    /// Whether what was updated needs the machine to start anew.
    pub reboot_required: bool,
    /// What went wrong; empty for nothing. Old agents may say `null`.
    #[serde(deserialize_with = "nullable")]
    pub last_error: String,
    /// `linux`, `windows` or `macos`.
    pub operating_system: String,
    /// `apt`, `dnf`, `yum`, `zypper`, `pacman`, `rpm`, `windows-updates` or `macos-updates`.
    pub package_manager: String,
    /// Distribution id.
    pub os_name: String,
    /// The distribution's version.
    pub os_version: String,
    /// Family of distributions.
    pub os_family: String,
    /// As in the group `agent`.
    pub agent_version: String,
    /// Seconds since the machine was started.
    pub uptime: u64,
}

/// All packages, and all that have a newer version. Lists of other platforms are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct Inventory {
    /// Whether inventories are made.
    pub enabled: bool,
    /// Whether the first one is still to come.
    pub pending: bool,
    /// When it was made, Unix seconds.
    pub last_update: i64,
    /// In numbers.
    pub stats: PackageStats,
    /// What is installed.
    #[serde(deserialize_with = "nullable")]
    pub linux_packages: Vec<Package>,
    /// What has a newer version.
    #[serde(deserialize_with = "nullable")]
    pub linux_updates: Vec<PackageUpdate>,
    /// What is installed.
    #[serde(deserialize_with = "nullable")]
    pub windows_apps: Vec<WindowsApp>,
    /// What Windows would update.
    #[serde(deserialize_with = "nullable")]
    pub windows_updates: Vec<WindowsUpdate>,
    /// What is installed.
    #[serde(deserialize_with = "nullable")]
    pub macos_apps: Vec<Package>,
    /// What macOS would update.
    #[serde(deserialize_with = "nullable")]
    pub macos_updates: Vec<MacosUpdate>,
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// For people; cut as the agent's configuration says.
    #[serde(default, deserialize_with = "nullable")]
    pub description: String,
}

/// A package that has a newer version.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct PackageUpdate {
    /// Its name.
    pub name: String,
    /// What is installed.
    #[serde(default)]
    pub current_version: String,
    /// What there is.
    #[serde(default)]
    pub available_version: String,
    /// Whether it mends something that an attacker could use.
    #[serde(default)]
    pub is_security_update: bool,
    /// Whether it is one of SUSE's patches, which stand for several packages.
    #[serde(default)]
    pub is_patch: bool,
}

/// A program on Windows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct WindowsApp {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whose it is.
    pub publisher: String,
}

/// An update of Windows.
#[expect(clippy::struct_excessive_bools, reason = "so it is on the wire")]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct WindowsUpdate {
    /// Its title.
    pub title: String,
    /// For people.
    pub description: String,
    /// Articles that tell of it.
    #[serde(rename = "KBArticleIDs", deserialize_with = "nullable")]
    pub kb_article_ids: Vec<String>,
    /// Whether it is there already.
    pub is_installed: bool,
    /// Whether it mends something that an attacker could use.
    pub is_security_update: bool,
    /// Whether it may be left out.
    pub is_optional: bool,
    /// Its id.
    #[serde(rename = "UpdateID")]
    pub update_id: String,
    /// Which edition of that.
    pub revision_number: i64,
    /// Whether the machine has to start anew.
    pub reboot_required: bool,
}

/// An update of macOS.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase", default)]
pub struct MacosUpdate {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// What there is.
    pub version: String,
}

impl Inventory {
    /// Reads any agent's inventory.
    ///
    /// # Errors
    /// When the text is no JSON object, or a known key is of another type.
    pub fn read(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// What of it stands in the result document.
    pub fn summary(&self) -> PackageSummary {
        PackageSummary {
            enabled: self.enabled,
            pending: self.pending,
            last_update: self.last_update,
            stats: self.stats.clone(),
        }
    }
}
