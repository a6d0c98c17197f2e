//! Reads the pages of this machine's Prometheus exporters, each at its own pace.
//!
//! Source: openitcockpit specification, 11. One that does not answer is told in the log and tried again; it stops nobody else.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::log;
use crate::stop::Stop;

/// Room for a handshake.
const STACK_BYTES: usize = 256 * 1024;
/// More exporters than any machine has.
const MOST: usize = 32;

/// An exporter of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exporter {
    /// Its name, in lower case.
    pub name: String,
    /// Whether it is asked by TLS.
    pub is_tls: bool,
    /// Its port at `localhost`.
    pub port: u16,
    /// The path of its page, a slash first.
    pub path: String,
    /// From one question to the next.
    pub interval: Duration,
    /// How long it may take to answer.
    pub timeout: Duration,
}

/// Asks an exporter: the text of its page, or why there is none.
pub type Fetch = Arc<dyn Fn(&Exporter) -> Result<Vec<u8>, String> + Send + Sync>;
/// Takes an exporter's page.
pub type Post = Arc<dyn Fn(&Exporter, Vec<u8>) + Send + Sync>;

/// The threads that ask exporters; they end when this is dropped, at the latest when a question under way has its answer.
pub struct Exporters(Arc<Stop>);

impl Exporters {
    /// Asks each exporter right away and then at its interval.
    pub fn start(exporters: &[Exporter], fetch: &Fetch, post: &Post) -> Self {
        let stop = Arc::new(Stop::default());
        for exporter in exporters.iter().take(MOST) {
            let (exporter, fetch, post, stop) =
                (exporter.clone(), Arc::clone(fetch), Arc::clone(post), Arc::clone(&stop));
            let thread = thread::Builder::new().name("exporter".to_owned()).stack_size(STACK_BYTES);
            if let Err(error) = thread.spawn(move || ask(&exporter, &fetch, &post, &stop)) {
                log::warn(format_args!("cannot start a thread for an exporter: {error}"));
            }
        }
        Self(stop)
    }
}

impl Drop for Exporters {
    fn drop(&mut self) {
        self.0.up();
    }
}

fn ask(exporter: &Exporter, fetch: &Fetch, post: &Post, stop: &Stop) {
    let mut due = Instant::now();
    let mut is_told = false;
    while stop.wait(due) {
        match fetch(exporter) {
            Ok(page) => {
                if std::mem::take(&mut is_told) {
                    log::info(format_args!("exporter {} answers again", exporter.name));
                }
                post(exporter, page);
            }
            // Told when it begins: it may last.
            Err(error) if !std::mem::replace(&mut is_told, true) => {
                log::warn(format_args!("exporter {}: {error}", exporter.name));
            }
            Err(error) => log::debug(format_args!("exporter {}: {error}", exporter.name)),
        }
        due = Instant::now().max(due + exporter.interval);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::testing::wait_for;

    #[test]
    fn one_that_refuses_is_tried_again_and_stops_nobody() {
        let exporter = |name: &str| Exporter {
            name: name.to_owned(),
            is_tls: false,
            port: 1,
            path: "/metrics".to_owned(),
            interval: Duration::from_millis(20),
            timeout: Duration::from_millis(10),
        };
        let asked = Arc::new(Mutex::new(Vec::new()));
        let pages = Arc::new(Mutex::new(Vec::new()));
        let (seen, taken) = (Arc::clone(&asked), Arc::clone(&pages));
        let fetch: Fetch = Arc::new(move |exporter| {
            seen.lock().unwrap().push(exporter.name.clone());
            if exporter.name == "bad" { Err("connection refused".to_owned()) } else { Ok(b"up 1\n".to_vec()) }
        });
        let post: Post = Arc::new(move |exporter, page| taken.lock().unwrap().push((exporter.name.clone(), page)));
        let exporters = Exporters::start(&[exporter("bad"), exporter("good")], &fetch, &post);
        let count = |name: &str| asked.lock().unwrap().iter().filter(|one| *one == name).count();
        wait_for("three questions to each", || count("bad") >= 3 && count("good") >= 3);
        assert!(pages.lock().unwrap().iter().all(|page| *page == ("good".to_owned(), b"up 1\n".to_vec())));
        drop(exporters);
        wait_for("the threads to end", || Arc::strong_count(&asked) == 2 && Arc::strong_count(&fetch) == 1);
    }
}
