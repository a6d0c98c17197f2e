//! The cycle: looks at the machine every few seconds, adds what others know, and hands the result to those who show and send it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use edgewatch_core::dialects::openitcockpit::result::{CustomCheck, Document, Group};

use super::packages::Summary;
use super::push::Mailbox;
use crate::checks::Results;
use crate::inspect;
use crate::serve::Published;
use crate::stop::Stop;

/// Looking at everything calls deep into libraries, D-Bus among them.
const STACK_BYTES: usize = 512 * 1024;

/// Looks at the machine once.
pub type Inspect = Box<dyn FnMut() -> Document + Send>;

/// What a result is made of beside what [`Inspect`] sees, and where it goes.
#[derive(Debug)]
pub struct Around {
    /// The custom checks'.
    pub results: Results,
    /// The inventory's.
    pub packages: Arc<Summary>,
    /// Who shows it, and knows which exporters answered.
    pub published: Arc<Published>,
    /// Who sends it.
    pub mailbox: Option<Arc<Mailbox>>,
}

/// The thread of the cycle; dropped, it shows and sends nothing more, and ends when its look is over.
#[derive(Debug)]
pub struct Cycle(Arc<Stop>);

impl Cycle {
    /// Looks right away and then at every `interval`.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn start(interval: Duration, mut inspect: Inspect, around: Around) -> std::io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new().name("cycle".to_owned()).stack_size(STACK_BYTES);
        thread.spawn(move || {
            let mut due = Instant::now();
            while seen.wait(due) {
                let document = around.text(inspect());
                if seen.is_up() {
                    return;
                }
                around.hand_over(document);
                due = Instant::now().max(due + interval);
            }
        })?;
        Ok(Self(stop))
    }
}

impl Drop for Cycle {
    fn drop(&mut self) {
        self.0.up();
    }
}

impl Around {
    fn text(&self, mut document: Document) -> Arc<[u8]> {
        let checks = self.results.newest().into_iter().map(|(name, outcome)| {
            let check = CustomCheck {
                stdout: outcome.stdout,
                rc: outcome.rc.into(),
                execution_unix_timestamp_sec: outcome.begun_s,
            };
            (name, check)
        });
        document.customchecks = Some(Group::Value(checks.collect()));
        document.prometheus_exporters = Some(Group::Value(self.published.exporters_heard()));
        document.packagemanager = Some(Group::Value(self.packages.newest()));
        inspect::json(&document)
    }

    fn hand_over(&self, document: Arc<[u8]>) {
        self.published.show_document(Arc::clone(&document));
        if let Some(mailbox) = &self.mailbox {
            mailbox.put_document(document);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::testing::wait_for;

    #[test]
    fn a_result_holds_what_all_know_and_none_comes_after_the_end() {
        let published = Published::new(["node".to_owned()].into_iter(), Arc::from(&b"{}"[..]));
        published.show_exporter("node", b"up 1\n".to_vec(), Duration::from_secs(9));
        let around = Around {
            results: Results::default(),
            packages: Arc::new(Summary::new(false)),
            published: Arc::clone(&published),
            mailbox: None,
        };
        let looks = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&looks);
        let inspect: Inspect = Box::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Document::default()
        });
        assert_eq!(&*published.document(), b"{}");
        let cycle = Cycle::start(Duration::from_millis(20), inspect, around).unwrap();
        wait_for("three looks", || looks.load(Ordering::Relaxed) >= 3);
        let text = String::from_utf8(published.document().to_vec()).unwrap();
        assert_eq!(
            text,
            r#"{"customchecks":{},"packagemanager":{"enabled":false,"pending":false},"prometheus_exporters":["node"]}"#
        );
        drop(cycle);
        wait_for("the thread to end", || Arc::strong_count(&looks) == 1);
        assert_eq!(Arc::strong_count(&published), 1);
    }
}
