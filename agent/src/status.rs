//! How the agent fares, in a small file that `edgewatch-agent status` reads. Written when it changes from well to ill or
//! back, and otherwise at most once a minute.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{clock, files, log};

const FILE: &str = "status.json";
const EVERY: Duration = Duration::from_mins(1);

/// The file's content.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The server's base URL.
    pub server: String,
    /// The agent's version.
    pub version: String,
    /// The process.
    pub pid: u32,
    /// When the agent was started, seconds since 1970.
    pub started_at_s: i64,
    /// When this was written, seconds since 1970.
    pub written_at_s: i64,
    /// Seconds between two reports.
    pub frame_s: u32,
    /// When the server answered last, seconds since 1970; 0 before the first answer.
    pub answered_at_s: i64,
    /// How reports travel: `websocket` or `post`, and why when it was not the first choice.
    #[serde(default)]
    pub transport: String,
    /// When the last ping was answered, seconds since 1970; 0 without a WebSocket.
    #[serde(default)]
    pub pong_at_s: i64,
    /// Every sample up to this number is safe at the server.
    pub durable_up_to: u64,
    /// Samples measured and not safe yet.
    pub held_samples: u64,
    /// Samples lost since the start, for want of room or because they grew too old.
    pub dropped_samples: u64,
    /// The server's clock less this host's, milliseconds.
    pub skew_ms: i64,
    /// What is wrong; absent while all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The agent ended in good order.
    pub is_stopped: bool,
}

impl Status {
    /// The status in the state directory; `None` when there is none that can be read.
    pub fn read(state_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(state_dir.join(FILE)).ok()?).ok()
    }

    /// The status in lines for people, seen from `now_s`.
    pub fn describe(&self, now_s: i64) -> String {
        let ago = |at_s: i64| if at_s == 0 { "never".to_owned() } else { format!("{} s ago", (now_s - at_s).max(0)) };
        let mut text = format!(
            "written          {}\nserver           {}\nagent            {} (process {}), started {}\ntransport        {}\nlast answer      {}\nlast pong        {}\nsafe up to       {}\nnot yet safe     {}\ndropped          {}\nclock            {}\n",
            ago(self.written_at_s),
            self.server,
            self.version,
            self.pid,
            ago(self.started_at_s),
            self.transport,
            ago(self.answered_at_s),
            ago(self.pong_at_s),
            self.durable_up_to,
            self.held_samples,
            self.dropped_samples,
            describe_skew(self.skew_ms),
        );
        if let Some(error) = &self.error {
            let _ = writeln!(text, "error            {error}");
        }
        text
    }

    /// Whether the agent reports, seen from `now_s`: `Err` says in words why not.
    ///
    /// # Errors
    /// Words for people.
    pub fn judge(&self, now_s: i64) -> Result<(), String> {
        if self.is_stopped {
            return Err("the agent is stopped".to_owned());
        }
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        if self.answered_at_s == 0 {
            return Err("the server has not answered yet".to_owned());
        }
        // Three reports may go by, and the file may be a minute old.
        let patience_s = i64::from(self.frame_s) * 3 + 120;
        let age_s = now_s - self.answered_at_s;
        if age_s > patience_s {
            return Err(format!("no sign of life of the agent for {age_s} s"));
        }
        Ok(())
    }
}

/// What the network takes on its way is no difference of the clocks.
fn describe_skew(skew_ms: i64) -> String {
    match skew_ms / 1000 {
        -2..=2 => "in step with the server's".to_owned(),
        seconds if seconds > 0 => format!("{seconds} s behind the server's"),
        seconds => format!("{} s ahead of the server's", -seconds),
    }
}

/// Writes the file.
#[derive(Debug)]
pub struct StatusFile {
    path: PathBuf,
    kept: Status,
    /// What our own configuration wants.
    frame_s: u32,
    written: Option<Instant>,
    /// Whether something was wrong when it was written, and by what reports went then.
    was: (bool, String),
    is_newly_failing: bool,
    is_broken: bool,
}

impl StatusFile {
    /// A status of an agent that has just started.
    pub fn new(state_dir: &Path, server: &str, frame_s: u32) -> Self {
        let kept = Status {
            server: server.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at_s: clock::now_s(),
            frame_s,
            ..Status::default()
        };
        Self {
            path: state_dir.join(FILE),
            kept,
            frame_s,
            written: None,
            was: Default::default(),
            is_newly_failing: false,
            is_broken: false,
        }
    }

    /// The server answered, and wants a report every `frame_s` seconds.
    pub fn set_answered(&mut self, at_s: i64, skew_ms: i64, frame_s: u32) {
        (self.kept.answered_at_s, self.kept.skew_ms, self.kept.error) = (at_s, skew_ms, None);
        self.set_pace(frame_s);
    }

    /// The server showed that it lives.
    pub fn set_alive(&mut self, at_s: i64, is_pong: bool) {
        self.kept.answered_at_s = at_s;
        if is_pong {
            self.kept.pong_at_s = at_s;
        }
    }

    /// The server wants a report every `frame_s` seconds.
    pub fn set_pace(&mut self, frame_s: u32) {
        self.kept.frame_s = frame_s.max(self.frame_s);
    }

    /// Reports travel by this from now on.
    pub fn set_transport(&mut self, words: impl Into<String>) {
        self.kept.transport = words.into();
    }

    /// An attempt failed.
    pub fn set_failed(&mut self, error: &str) {
        self.is_newly_failing = self.kept.error.is_none();
        self.kept.error = Some(error.to_owned());
    }

    /// Whether the failure set last is the first one in a row.
    pub fn is_newly_failing(&self) -> bool {
        self.is_newly_failing
    }

    /// Writes the file when it is time to; `counts` are those of the backlog.
    pub fn write(&mut self, counts: &Status, is_now: bool) {
        let is = (self.kept.error.is_some(), self.kept.transport.as_str());
        let is_news = is != (self.was.0, self.was.1.as_str());
        // The first sample that is safe is what people wait for.
        let is_first = self.kept.durable_up_to == 0 && counts.durable_up_to > 0;
        let is_old = self.written.is_none_or(|written| written.elapsed() >= EVERY);
        let is_time = is_old || is_first || is_now || is_news;
        if !is_time {
            return;
        }
        (self.written, self.was) = (Some(Instant::now()), (is.0, is.1.to_owned()));
        self.kept = Status {
            durable_up_to: counts.durable_up_to,
            held_samples: counts.held_samples,
            dropped_samples: counts.dropped_samples,
            is_stopped: counts.is_stopped,
            written_at_s: clock::now_s(),
            ..std::mem::take(&mut self.kept)
        };
        let written = serde_json::to_string(&self.kept).map_err(std::io::Error::from);
        let written = written.and_then(|text| files::replace_soon(&self.path, &text, 0o644));
        if let Err(error) = written
            && !std::mem::replace(&mut self.is_broken, true)
        {
            log::warn(format_args!("cannot write {}: {error}", self.path.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDirectory;

    fn well() -> Status {
        Status { answered_at_s: 1_000, frame_s: 10, ..Status::default() }
    }

    #[test]
    fn an_agent_that_was_answered_lately_is_well() {
        assert_eq!(well().judge(1_100), Ok(()));
        assert!(well().judge(2_000).unwrap_err().contains("1000 s"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(
            Status { error: Some("no answer in time".to_owned()), ..well() }
                .judge(1_001)
                .unwrap_err()
                .contains("in time")
        );
        assert!(Status { is_stopped: true, ..well() }.judge(1_001).unwrap_err().contains("stopped"));
        assert!(Status { answered_at_s: 0, ..well() }.judge(1_001).is_err());
    }

    #[test]
    fn a_clock_is_said_to_be_off_when_it_is() {
        assert!(describe_skew(-1_900).contains("in step"));
        assert_eq!(describe_skew(90_000), "90 s behind the server's");
        assert_eq!(describe_skew(-90_000), "90 s ahead of the server's");
    }

    #[test]
    fn the_way_to_the_server_is_told_at_once() {
        let directory = TestDirectory::new();
        let mut file = StatusFile::new(directory.path(), "https://a.example.com", 10);
        file.write(&Status::default(), false);
        file.set_transport("post (status 404)");
        file.write(&Status::default(), false);
        let text = Status::read(directory.path()).unwrap().describe(0);
        assert!(text.contains("transport        post (status 404)\n"), "{text}");
        assert!(text.contains("last pong        never\n"), "{text}");
    }

    #[test]
    fn the_file_is_written_on_change_and_otherwise_seldom() {
        let directory = TestDirectory::new();
        let mut file = StatusFile::new(directory.path(), "https://a.example.com", 10);
        let counts = |durable_up_to| Status { durable_up_to, ..Status::default() };
        file.set_answered(5, 0, 60);
        file.write(&counts(1), false);
        file.write(&counts(2), false);
        assert_eq!(Status::read(directory.path()).unwrap().durable_up_to, 1);
        file.set_failed("away");
        assert!(file.is_newly_failing());
        file.write(&counts(3), false);
        let status = Status::read(directory.path()).unwrap();
        assert_eq!((status.durable_up_to, status.frame_s, status.error.as_deref()), (3, 60, Some("away")));
        file.set_failed("away");
        assert!(!file.is_newly_failing());
        file.set_answered(9, 0, 1);
        file.write(&counts(4), false);
        let status = Status::read(directory.path()).unwrap();
        assert_eq!((status.durable_up_to, status.frame_s, status.error), (4, 10, None));
    }
}
