//! Asks a file system how full it is, and never waits for one that does not answer.
//!
//! A file system on a dead device blocks whoever asks, and nothing can free that thread. So a helper asks; a helper that
//! does not answer in time is left behind, its mount is passed over until it comes back, and a new helper takes over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Longest wait for one mount.
const PATIENCE: Duration = Duration::from_secs(2);

/// Helpers left behind at a time; beyond that nothing new is asked.
const MOST_LOST: usize = 4;

/// The helper needs no more than a path and a system call.
const HELPER_STACK_BYTES: usize = 64 * 1024;

/// Size and use of a file system, in bytes, as `df` counts them.
#[expect(clippy::struct_field_names, reason = "a bare number carries its unit")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    /// Size.
    pub total_bytes: u64,
    /// Size less what is free, reserved blocks counted as free.
    pub used_bytes: u64,
    /// Free for ordinary users.
    pub available_bytes: u64,
}

/// How asking went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The file system answered.
    Volume(Volume),
    /// The file system cannot be asked: gone, or not ours to see.
    Refused,
    /// No answer in time, now or before.
    Hangs,
}

type Question = fn(&str) -> Option<Volume>;

/// Whoever asks.
#[derive(Debug)]
pub struct Asker {
    question: Question,
    patience: Duration,
    helper: Option<Helper>,
    lost: Vec<(String, Arc<AtomicBool>)>,
}

#[derive(Debug)]
struct Helper {
    ask: SyncSender<String>,
    answers: Receiver<Option<Volume>>,
    /// Set by the helper once it ends: a left-behind one has come back.
    ended: Arc<AtomicBool>,
}

impl Default for Asker {
    fn default() -> Self {
        Self::new(statvfs, PATIENCE)
    }
}

impl Asker {
    fn new(question: Question, patience: Duration) -> Self {
        Self { question, patience, helper: None, lost: Vec::new() }
    }

    /// How full the file system at `path` is.
    pub fn ask(&mut self, path: &str) -> Answer {
        self.lost.retain(|(_, ended)| !ended.load(Ordering::Acquire));
        if self.lost.len() >= MOST_LOST || self.lost.iter().any(|(hanging, _)| hanging == path) {
            return Answer::Hangs;
        }
        let helper = match self.helper.take() {
            Some(helper) => helper,
            None => match start(self.question) {
                Ok(helper) => helper,
                Err(_) => return Answer::Refused,
            },
        };
        if helper.ask.send(path.to_owned()).is_err() {
            return Answer::Refused;
        }
        if let Ok(answer) = helper.answers.recv_timeout(self.patience) {
            self.helper = Some(helper);
            answer.map_or(Answer::Refused, Answer::Volume)
        } else {
            self.lost.push((path.to_owned(), helper.ended));
            Answer::Hangs
        }
    }
}

fn start(question: Question) -> std::io::Result<Helper> {
    let (ask, asked) = sync_channel::<String>(1);
    let (answer, answers) = sync_channel(1);
    let ended = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&ended);
    std::thread::Builder::new().name("volumes".to_owned()).stack_size(HELPER_STACK_BYTES).spawn(move || {
        while let Ok(path) = asked.recv() {
            if answer.send(question(&path)).is_err() {
                break;
            }
        }
        mark.store(true, Ordering::Release);
    })?;
    Ok(Helper { ask, answers, ended })
}

fn statvfs(path: &str) -> Option<Volume> {
    let stat = rustix::fs::statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Some(Volume {
        total_bytes: bytes(stat.f_blocks),
        used_bytes: bytes(stat.f_blocks.saturating_sub(stat.f_bfree)),
        available_bytes: bytes(stat.f_bavail),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    const FULL: Volume = Volume { total_bytes: 10, used_bytes: 10, available_bytes: 0 };

    #[test]
    fn the_root_of_this_machine_answers() {
        let Answer::Volume(volume) = Asker::default().ask("/") else { panic!("no answer") };
        assert!(volume.total_bytes >= volume.used_bytes);
    }

    #[test]
    fn a_path_that_is_not_there_is_refused() {
        assert_eq!(Asker::default().ask("/no/such/mount"), Answer::Refused);
    }

    #[test]
    fn a_dead_mount_is_left_behind_and_the_others_go_on() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let mut asker = Asker::new(
            |path| {
                if path == "/dead" {
                    ASKED.fetch_add(1, Ordering::SeqCst);
                    std::thread::park_timeout(Duration::from_mins(1));
                }
                Some(FULL)
            },
            Duration::from_millis(50),
        );
        assert_eq!(asker.ask("/dead"), Answer::Hangs);
        assert_eq!(asker.ask("/alive"), Answer::Volume(FULL));
        assert_eq!(asker.ask("/dead"), Answer::Hangs);
        assert_eq!(ASKED.load(Ordering::SeqCst), 1, "a mount that hangs is not asked again");
    }

    #[test]
    fn a_mount_that_comes_back_is_asked_again() {
        let mut asker = Asker::new(
            |path| {
                if path == "/slow" {
                    std::thread::sleep(Duration::from_millis(120));
                }
                Some(FULL)
            },
            Duration::from_millis(20),
        );
        assert_eq!(asker.ask("/slow"), Answer::Hangs);
        let deadline = std::time::Instant::now() + Duration::from_secs(5);
        while asker.lost.iter().any(|(_, ended)| !ended.load(Ordering::Acquire)) {
            assert!(std::time::Instant::now() < deadline, "the helper never ended");
            std::thread::yield_now();
        }
        asker.patience = Duration::from_secs(5);
        assert_eq!(asker.ask("/slow"), Answer::Volume(FULL));
    }
}
