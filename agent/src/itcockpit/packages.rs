//! When inventories are made, and who is told. Source: openitcockpit specification, 12.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use edgewatch_core::dialects::openitcockpit::result::{Inventory, PackageManager};

use super::push::Mailbox;
use crate::inspect;
use crate::inventory::before;
use crate::log;
use crate::serve::Published;
use crate::stop::Stop;

/// From the start to the first inventory: a machine that was just started has other things to do.
const FIRST: Duration = Duration::from_secs(90);
const STACK_BYTES: usize = 256 * 1024;

/// Makes an inventory.
pub type Take = Box<dyn FnMut() -> Inventory + Send>;

/// The newest inventory in numbers.
#[derive(Debug)]
pub struct Summary(Mutex<PackageManager>);

impl Summary {
    /// What is said before the first one, and always where there are none.
    pub fn new(is_enabled: bool) -> Self {
        let before =
            if is_enabled { PackageManager::On(Box::new(before(true).summary())) } else { PackageManager::OFF };
        Self(Mutex::new(before))
    }

    /// What is said now.
    pub fn newest(&self) -> PackageManager {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The thread that makes inventories; dropped, it tells nobody any more and ends when the one under way is made.
#[derive(Debug)]
pub struct Packages(Arc<Stop>);

/// Who is told of an inventory.
#[derive(Debug)]
pub struct Told {
    /// In numbers.
    pub summary: Arc<Summary>,
    /// Who shows it.
    pub published: Arc<Published>,
    /// Who sends it.
    pub mailbox: Option<Arc<Mailbox>>,
}

impl Packages {
    /// Makes one after a while and then at every `interval`.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn start(interval: Duration, take: Take, told: Told) -> std::io::Result<Self> {
        Self::start_after(FIRST, interval, take, told)
    }

    fn start_after(first: Duration, interval: Duration, mut take: Take, told: Told) -> std::io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new().name("packages".to_owned()).stack_size(STACK_BYTES);
        thread.spawn(move || {
            let mut due = Instant::now() + first;
            while seen.wait(due) {
                let inventory = take();
                if seen.is_up() {
                    return;
                }
                told.tell(&inventory);
                due = Instant::now().max(due + interval);
            }
        })?;
        Ok(Self(stop))
    }
}

impl Drop for Packages {
    fn drop(&mut self) {
        self.0.up();
    }
}

impl Told {
    fn tell(&self, inventory: &Inventory) {
        log::debug(format_args!("{} packages are installed", inventory.stats.installed_packages));
        let summary = PackageManager::On(Box::new(inventory.summary()));
        *self.summary.0.lock().unwrap_or_else(PoisonError::into_inner) = summary;
        let text = inspect::json(inventory);
        self.published.show_packages(Arc::clone(&text));
        if let Some(mailbox) = &self.mailbox {
            mailbox.put_packages(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::wait_for;

    #[test]
    fn before_the_first_inventory_it_is_pending_and_then_all_are_told() {
        let said = |summary: &Summary| serde_json::to_value(summary.newest()).unwrap();
        assert_eq!(said(&Summary::new(false)), serde_json::json!({ "enabled": false, "pending": false }));
        let summary = Arc::new(Summary::new(true));
        assert_eq!((&said(&summary)["Enabled"], &said(&summary)["Pending"]), (&true.into(), &true.into()));
        let published = Published::new(std::iter::empty(), inspect::json(&before(true)));
        let shown = || -> serde_json::Value { serde_json::from_slice(&published.packages()).unwrap() };
        assert_eq!((&shown()["Pending"], &shown()["LinuxPackages"]), (&true.into(), &serde_json::json!([])));
        let take: Take = Box::new(|| {
            let mut inventory = before(true);
            inventory.pending = false;
            inventory.stats.installed_packages += 7;
            inventory
        });
        let told = Told { summary: Arc::clone(&summary), published: Arc::clone(&published), mailbox: None };
        let packages = Packages::start_after(Duration::ZERO, Duration::from_mins(1), take, told).unwrap();
        wait_for("the inventory", || shown()["Stats"]["InstalledPackages"] == 7);
        wait_for("its numbers", || said(&summary)["Stats"]["InstalledPackages"] == 7);
        assert_eq!(said(&summary)["Pending"], false);
        drop(packages);
        wait_for("the thread to end", || Arc::strong_count(&summary) == 1);
    }
}
