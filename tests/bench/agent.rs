//! `bench agent`: what the agent as it is shipped uses on a host while it reports over TLS, and what others use beside it.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use edgewatch_harness::agent::binary;
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::json;

use crate::figures::{share, table};
use crate::front::Front;
use crate::process::{self, TICKS_PER_S, Usage};

/// Its own default.
const PERIOD_S: u64 = 10;
/// Between two frames of an agent that nobody watches, and a period.
const FRAME_S: u64 = 70;
const LOOK_EVERY: Duration = Duration::from_secs(1);
const SAY_EVERY_S: u64 = 60;
/// Where Debian keeps the roots. The agent reads as many as on a user's machine, so that what they take is counted.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Measures for `seconds`, from the first report that arrived; the processes `others` beside it.
///
/// # Errors
/// When a process ends, or the agent's samples do not arrive.
pub fn run(seconds: u64, others: &[u32]) -> Result<(), String> {
    crate::say("agent: starting the Worker, TLS before it, and the agent");
    if let Some(pid) = others.iter().find(|pid| process::usage(**pid).is_none()) {
        return Err(format!("there is no process {pid}"));
    }
    let worker = Worker::start();
    let host = worker.add_host("bench");
    let front = Front::start(worker.address())?;
    let folder = std::env::temp_dir().join(format!("edgewatch-bench-{}", std::process::id()));
    let agent = Agent::start(&front, &host, &folder, &[])?;
    wait_until("the agent's first report", Duration::from_mins(1), || worker.stored_samples(host.id).first().map(drop));

    let mut subjects: Vec<Subject> = Vec::new();
    for pid in std::iter::once(agent.pid()).chain(others.iter().copied()) {
        subjects.push(Subject::of(pid)?);
    }
    crate::say(&format!("agent: measuring for {seconds} s"));
    let begun = Instant::now();
    let mut said = 0;
    while begun.elapsed() < Duration::from_secs(seconds) {
        thread::sleep(LOOK_EVERY);
        for subject in &mut subjects {
            subject.look()?;
        }
        let elapsed = begun.elapsed().as_secs();
        if elapsed >= said + SAY_EVERY_S && elapsed < seconds {
            said = elapsed;
            let kib = subjects.first().map_or(0, |agent| agent.last.rss_kib);
            crate::say(&format!("agent: {elapsed} s of {seconds}: {kib} KiB resident"));
        }
    }
    let arrived = worker.stored_samples(host.id).len() as u64;
    // What was measured since the last frame may not have been sent yet.
    if arrived < (seconds.saturating_sub(FRAME_S) / PERIOD_S).max(1) {
        return Err(format!("of {seconds} s only {arrived} samples arrived; the agent's log:\n{}", agent.log()));
    }
    print(seconds, &subjects, arrived, agent.roots, front.counts());
    Ok(())
}

fn print(seconds: u64, subjects: &[Subject], arrived: u64, roots: usize, (connections, requests): (u64, u64)) {
    println!(
        "{seconds} s, a sample each {PERIOD_S} s over TLS. Roots trusted: {roots}; samples: {arrived}; requests: {requests}; \
         connections: {connections}"
    );
    let rows = subjects.iter().map(|subject| {
        let Subject { name, pid, most, last, bytes, .. } = subject;
        let ticks = subject.ticks();
        let core = share(ticks, seconds * u64::from(TICKS_PER_S)) * 100.0;
        let memory = [most.rss_kib, last.rss_kib, most.pss_kib, last.pss_kib].map(|kib| kib.to_string());
        let rest = [ticks.to_string(), format!("{core:.3} %"), most.threads.to_string(), bytes.to_string()];
        [name.clone(), pid.to_string()].into_iter().chain(memory).chain(rest).collect()
    });
    let head = [
        "process",
        "pid",
        "RSS KiB, most",
        "last",
        "Pss KiB, most",
        "last",
        "CPU ticks",
        "of a core",
        "threads",
        "binary bytes",
    ];
    println!("{}", table(&head, &rows.collect::<Vec<Vec<String>>>()));
    for (index, subject) in subjects.iter().enumerate().rev() {
        let Subject { name, pid, most, bytes, .. } = subject;
        let kind = if index == 0 {
            r#""agent""#.to_owned()
        } else {
            format!(r#""beside","pid":{pid},"name":{}"#, json!(name))
        };
        println!(
            r#"{{"bench":{kind},"seconds":{seconds},"rss_kib":{},"pss_kib":{},"cpu_ticks":{},"threads":{},"binary_bytes":{bytes}}}"#,
            most.rss_kib,
            most.pss_kib,
            subject.ticks(),
            most.threads
        );
    }
}

/// A process that is looked at.
pub struct Subject {
    pid: u32,
    name: String,
    bytes: u64,
    first: Usage,
    /// As it was looked at last.
    pub last: Usage,
    /// The highest of each value.
    pub most: Usage,
}

impl Subject {
    /// The process of that number, from now on.
    ///
    /// # Errors
    /// When there is none.
    pub fn of(pid: u32) -> Result<Self, String> {
        let first = process::usage(pid).ok_or_else(|| format!("process {pid} is gone"))?;
        let (name, bytes) = (process::program(pid), process::program_bytes(pid));
        Ok(Self { pid, name, bytes, first, last: first, most: first })
    }

    /// Looks at it.
    ///
    /// # Errors
    /// When it has ended.
    pub fn look(&mut self) -> Result<(), String> {
        let now = process::usage(self.pid).ok_or_else(|| format!("{} ({}) has ended", self.name, self.pid))?;
        self.last = now;
        self.most.rss_kib = self.most.rss_kib.max(now.rss_kib);
        self.most.pss_kib = self.most.pss_kib.max(now.pss_kib);
        self.most.threads = self.most.threads.max(now.threads);
        Ok(())
    }

    /// What it used between the first look and the last.
    pub fn ticks(&self) -> u64 {
        self.last.ticks.saturating_sub(self.first.ticks)
    }
}

/// The agent and its folder, both gone on drop. The harness's own speaks plain HTTP.
pub struct Agent {
    child: Child,
    folder: PathBuf,
    /// How many certificates it trusts.
    roots: usize,
}

impl Agent {
    /// Reports for `host` by way of `front`, with more in its environment.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(front: &Front, host: &TestHost, folder: &Path, more: &[(&str, &Path)]) -> Result<Self, String> {
        let wrong = |error: std::io::Error| format!("the agent cannot be started: {error}");
        fs::create_dir_all(folder).map_err(wrong)?;
        let (secret, roots) = (folder.join("secret"), folder.join("roots.pem"));
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&secret);
        file.and_then(|mut file| std::io::Write::write_all(&mut file, host.secret.as_bytes())).map_err(wrong)?;
        let system = fs::read_to_string(SYSTEM_ROOTS).unwrap_or_default();
        let trusted = format!("{system}\n{}", front.authority_pem);
        fs::write(&roots, &trusted).map_err(wrong)?;
        let log = File::create(folder.join("agent.log")).map_err(wrong)?;
        let child = Command::new(binary())
            .args(["run", "--state-dir"])
            .arg(folder.join("state"))
            .env_clear()
            .env("EDGEWATCH_URL", &front.url)
            .env("EDGEWATCH_SECRET_FILE", &secret)
            .env("EDGEWATCH_CA_FILE", &roots)
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(wrong)?;
        Ok(Self { child, folder: folder.to_owned(), roots: trusted.matches("BEGIN CERTIFICATE").count() })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("agent.log")).unwrap_or_default()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- the agent's log:\n{}\n---", self.log());
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
