//! Starts a fixed command, and ends it with all that it started when it takes too long.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// More than the lists of any machine we know.
const MOST_OUTPUT: u64 = 64 * 1024 * 1024;
/// What is kept of complaints.
const MOST_COMPLAINT: u64 = 4096;
const STACK_BYTES: usize = 64 * 1024;
/// How often a program that has closed its output is looked at.
const STEP: Duration = Duration::from_millis(20);

/// Why a command told nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The program is not there.
    #[error("{0} is not there")]
    Missing(&'static str),
    /// It could not be started, or a file could not be read.
    #[error("{0}: {1}")]
    Refused(String, io::Error),
    /// It took too long.
    #[error("{0} took more than {1} s")]
    Late(String, u64),
    /// It ended with another code than those that are good.
    #[error("{0} ended with {1}: {2}")]
    Ended(String, i32, String),
}

/// What a command prints, and its code, which is one of `good`.
///
/// # Errors
/// [`Failure`]; by a signal it ends with -1.
pub fn run(program: &Path, arguments: &[&str], limit: Duration, good: &[i32]) -> Result<String, Failure> {
    let name = || {
        let first = arguments.iter().find(|argument| !argument.starts_with('-')).unwrap_or(&"");
        let program = program.file_name().unwrap_or_default().to_string_lossy();
        format!("{program} {first}").trim_end().to_owned()
    };
    let until = Instant::now() + limit;
    let mut child = Command::new(program)
        .args(arguments)
        // Words and numbers as parsers expect them, and nobody there to ask.
        .env("LC_ALL", "C")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| Failure::Refused(name(), error))?;
    let output = child.stdout.take().and_then(|pipe| reader(pipe, MOST_OUTPUT));
    let complaint = child.stderr.take().and_then(|pipe| reader(pipe, MOST_COMPLAINT));
    let output = given(output, until);
    let code = end(&mut child, output.is_some(), until);
    match (output, code) {
        (Some(output), Some(code)) if good.contains(&code) => Ok(String::from_utf8_lossy(&output).into_owned()),
        (Some(_), Some(code)) => {
            let complaint = given(complaint, Instant::now() + STEP * 10).unwrap_or_default();
            let complaint = String::from_utf8_lossy(&complaint);
            let line = complaint.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it did not say why");
            Err(Failure::Ended(name(), code, line.trim().to_owned()))
        }
        _ => Err(Failure::Late(name(), limit.as_secs())),
    }
}

/// All that comes out of a pipe; what is beyond `most` is read and dropped, so that its writer can go on.
fn reader(mut pipe: impl Read + Send + 'static, most: u64) -> Option<Receiver<Vec<u8>>> {
    let (give, receiver) = sync_channel(1);
    let read = move || {
        let mut bytes = Vec::new();
        let _ = pipe.by_ref().take(most).read_to_end(&mut bytes);
        let _ = io::copy(&mut pipe, &mut io::sink());
        let _ = give.send(bytes);
    };
    std::thread::Builder::new().name("inventory".to_owned()).stack_size(STACK_BYTES).spawn(read).ok()?;
    Some(receiver)
}

fn given(receiver: Option<Receiver<Vec<u8>>>, until: Instant) -> Option<Vec<u8>> {
    receiver?.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
}

/// The code that it ended with; `None` when it had to be ended, as what did not even close its output has to, with all it started.
fn end(child: &mut Child, is_read: bool, until: Instant) -> Option<i32> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) if is_read => return Some(status.code().unwrap_or(-1)),
            Ok(None) if is_read && Instant::now() < until => std::thread::sleep(STEP),
            _ => break,
        }
    }
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.wait();
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestDirectory, wait_for};

    const LONG: Duration = Duration::from_secs(20);

    fn shell(script: &str, limit: Duration, good: &[i32]) -> Result<String, Failure> {
        run(Path::new("/bin/sh"), &["-c", script], limit, good)
    }

    #[test]
    fn what_it_prints_is_given_for_a_good_code() {
        assert_eq!(shell("echo $LC_ALL; pwd; exit 100", LONG, &[0, 100]).unwrap(), "C\n/\n");
    }

    #[test]
    fn another_code_is_a_failure_with_its_last_words() {
        let failure = shell("echo one >&2; echo two >&2; exit 3", LONG, &[0]).unwrap_err();
        assert!(matches!(&failure, Failure::Ended(_, 3, words) if words == "two"), "{failure}");
        let failure = shell("kill -9 $$", LONG, &[0]).unwrap_err();
        assert!(matches!(failure, Failure::Ended(_, -1, _)), "{failure}");
        assert!(matches!(run(Path::new("/no/such"), &[], LONG, &[0]), Err(Failure::Refused(..))));
    }

    #[test]
    fn one_that_takes_too_long_is_ended_with_what_it_started() {
        let directory = TestDirectory::new();
        let note = directory.path().join("pid");
        let begin = Instant::now();
        // The second leaves a child behind that keeps its output open.
        for script in ["sleep 60 & echo $! > NOTE; sleep 60", "sleep 60 & echo $! > NOTE"] {
            let script = script.replace("NOTE", &note.display().to_string());
            let failure = shell(&script, Duration::from_millis(300), &[0]).unwrap_err();
            assert!(matches!(failure, Failure::Late(..)), "{failure}");
            let child = std::fs::read_to_string(&note).unwrap();
            let state = || std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
            wait_for("its child to end", || state().is_err() || state().is_ok_and(|stat| stat.contains(") Z ")));
        }
        assert!(begin.elapsed() < LONG);
    }

    #[test]
    fn one_that_complains_at_length_does_not_stand_still() {
        assert_eq!(shell("head -c 300000 /dev/zero >&2; echo done", LONG, &[0]).unwrap(), "done\n");
    }
}
