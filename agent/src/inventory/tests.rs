//! Whole inventories.

use super::*;

fn update(name: &str, is_security_update: bool, is_patch: bool) -> PackageUpdate {
    PackageUpdate { name: name.to_owned(), is_security_update, is_patch, ..PackageUpdate::default() }
}

#[test]
fn before_the_first_one_everything_is_empty_and_pending_only_when_switched_on() {
    let inventory = before(true);
    assert!(inventory.enabled && inventory.pending && inventory.linux_packages.is_empty());
    assert_eq!(before(false), Inventory::default());
    let written = serde_json::to_value(before(false)).unwrap();
    assert_eq!(written["LinuxPackages"], serde_json::json!([]), "never null");
}

#[test]
fn updates_are_counted_and_what_went_wrong_is_said() {
    let found = Found {
        packages: vec![Package::default(), Package::default()],
        updates: vec![update("a", false, false), update("b", true, false), update("patch", true, true)],
        errors: vec!["one".to_owned(), "two".to_owned()],
    };
    let identity = Identity { platform: Some("sles".to_owned()), booted_at_s: Some(900), ..Identity::default() };
    let inventory = whole("zypper", found, &identity, 1_000, true);
    let stats = &inventory.stats;
    assert_eq!((stats.installed_packages, stats.upgradable_packages, stats.security_updates), (2, 2, 2));
    assert_eq!((stats.last_error.as_str(), stats.package_manager.as_str()), ("one; two", "zypper"));
    assert_eq!((stats.os_name.as_str(), stats.uptime, stats.reboot_required), ("sles", 100, true));
    assert_eq!((inventory.enabled, inventory.pending, inventory.last_update), (true, false, 1_000));
}

#[test]
fn a_description_is_cut_between_letters() {
    let kept = |most| {
        let mut text = "aé".to_owned();
        cut(&mut text, most);
        text
    };
    assert_eq!([None, Some(3), Some(2), Some(0)].map(kept), ["aé", "aé", "a", ""]);
}

#[test]
fn this_machine_has_packages_or_says_why_not() {
    let inventory = take(Options { checks_updates: false, description_bytes: Some(80) });
    let stats = &inventory.stats;
    assert!(stats.installed_packages > 0 || !stats.last_error.is_empty(), "{stats:?}");
    assert!(inventory.linux_packages.iter().all(|one| one.description.len() <= 80 && !one.name.is_empty()));
    assert_eq!((stats.operating_system.as_str(), inventory.linux_updates.len()), ("linux", 0));
}
