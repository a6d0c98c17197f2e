//! One check that runs: a process in a group of its own, its output in one pipe.

use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::Check;
use super::command;
use super::outcome::{MOST_BYTES, Outcome};
use crate::{clock, log};

/// How long after its end a check's output is waited for that something it started still holds open.
const LINGER: Duration = Duration::from_millis(500);
/// What a shell reads must fit into a pipe that nobody reads yet, bytes. Source: Linux, pipe(7).
const MOST_SCRIPT_BYTES: usize = 60 * 1024;

/// How much of a check's output is taken before others have their turn, pieces of 4 KiB.
const PIECES_AT_ONCE: usize = 64;
/// How long a killed process is waited for, steps and each one's length: one that the kernel holds must stop nobody.
const DEATH_STEPS: u32 = 40;
const DEATH_STEP: Duration = Duration::from_millis(5);
/// Variables that are ours alone; the rest of the environment is the checks' too.
const SECRETS: [&str; 3] = ["EDGEWATCH_SECRET", "EDGEWATCH_TOKEN", "NEZHA_TOKEN"];

/// A process of a check.
#[derive(Debug)]
pub struct Running {
    name: String,
    words: String,
    timeout: Duration,
    child: Child,
    /// `None` once it is closed by all who had it.
    pipe: Option<PipeReader>,
    printed: Vec<u8>,
    begun_s: i64,
    until: Instant,
    ended: Option<(Option<i32>, Instant)>,
}

/// Starts a check.
///
/// # Errors
/// The outcome of one that could not be started.
pub fn start(check: &Check, now: Instant) -> Result<Running, Outcome> {
    let begun_s = clock::now_s();
    let words = match &check.shell {
        Some(shell) => vec![shell.clone()],
        None => command::words(&check.command).map_err(|error| Outcome::unreadable(&error.to_string(), begun_s))?,
    };
    let shown = words.join(" ");
    let script = check.shell.as_ref().map(|_| check.command.as_str());
    let (child, pipe) = spawn(&words, script).map_err(|error| Outcome::not_started(&error, &shown, begun_s))?;
    Ok(Running {
        name: check.name.clone(),
        words: shown,
        timeout: check.timeout,
        child,
        pipe: Some(pipe),
        printed: Vec::new(),
        begun_s,
        until: now + check.timeout,
        ended: None,
    })
}

fn spawn(words: &[String], script: Option<&str>) -> io::Result<(Child, PipeReader)> {
    if script.is_some_and(|script| script.len() > MOST_SCRIPT_BYTES) {
        return Err(io::Error::other(format!("the command is longer than {MOST_SCRIPT_BYTES} bytes")));
    }
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::NotFound)?;
    // One pipe for both: what was printed first stands first.
    let (pipe, output) = io::pipe()?;
    let mut command = Command::new(program);
    command.args(arguments).process_group(0).stdout(output.try_clone()?).stderr(output);
    for secret in SECRETS {
        command.env_remove(secret);
    }
    command.stdin(if script.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn()?;
    if let (Some(script), Some(mut input)) = (script, child.stdin.take()) {
        // A shell that ended already does not read it; its exit code says why.
        let _ = input.write_all(script.as_bytes());
    }
    Ok((child, pipe))
}

impl Running {
    /// Which check it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What becomes readable when it prints or ends.
    pub fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// When it is killed.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Takes what it printed, and its outcome once it is over.
    pub fn go_on(&mut self, now: Instant) -> Option<Outcome> {
        self.read();
        if self.ended.is_none() {
            match self.child.try_wait() {
                Ok(Some(status)) => self.ended = Some((status.code(), now)),
                Ok(None) => {}
                Err(error) => {
                    log::warn(format_args!("custom check {}: {error}", self.name));
                    self.ended = Some((None, now));
                }
            }
        }
        match self.ended {
            Some((code, at)) if self.pipe.is_none() || now >= at + LINGER => {
                self.read();
                Some(Outcome::ended(code, &self.printed, self.begun_s))
            }
            None if now >= self.until => {
                self.kill();
                self.ended = Some((None, now));
                Some(Outcome::timed_out(&self.words, self.timeout, self.begun_s))
            }
            _ => None,
        }
    }

    /// Ends it and everything it started in its group.
    pub fn kill(&mut self) {
        // Not waited for yet, so the number is still its own.
        if self.ended.is_none() {
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            for _ in 0..DEATH_STEPS {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    break;
                }
                thread::sleep(DEATH_STEP);
            }
        }
    }

    fn read(&mut self) {
        let mut piece = [0; 4096];
        for _ in 0..PIECES_AT_ONCE {
            let Some(pipe) = &mut self.pipe else { return };
            let mut watched = [PollFd::new(pipe, PollFlags::IN)];
            if !matches!(poll(&mut watched, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(1..)) {
                return;
            }
            match pipe.read(&mut piece) {
                Ok(0) | Err(_) => self.pipe = None,
                Ok(length) => {
                    // What is beyond the limit is read all the same: nobody is stopped by a full pipe.
                    let room = MOST_BYTES.saturating_sub(self.printed.len());
                    self.printed.extend(piece.iter().take(length.min(room)));
                }
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
