//! The built agent as a child process: configured by environment and a secret file, ended on drop.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::worker::{TestHost, Worker};

/// A running agent.
pub struct Agent {
    child: Child,
    log: PathBuf,
}

/// The agent that `scripts/build-agent` built, or the one that `EDGEWATCH_AGENT` names.
pub fn binary() -> PathBuf {
    built("edgewatch-agent")
}

/// The one of them with all features.
pub fn full_binary() -> PathBuf {
    built("edgewatch-agent-full")
}

fn built(kind: &str) -> PathBuf {
    let built = format!(
        "{}/../../worker/public/download/{kind}-{}-unknown-linux-musl",
        env!("CARGO_MANIFEST_DIR"),
        std::env::consts::ARCH
    );
    let path = std::env::var_os("EDGEWATCH_AGENT").map_or_else(|| PathBuf::from(built), PathBuf::from);
    assert!(path.is_file(), "no agent at {}; scripts/build-agent builds it", path.display());
    path
}

impl Agent {
    /// Starts `edgewatch-agent run` for a host, its secret and state in `folder`. What it logs is added to a file there.
    pub fn start(worker: &Worker, host: &TestHost, folder: &Path) -> Self {
        Self::start_with(worker, host, folder, &[])
    }

    /// The same with more in its environment, such as `EDGEWATCH_TRANSPORT`.
    pub fn start_with(worker: &Worker, host: &TestHost, folder: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start_at(&binary(), &worker.url, &host.secret, folder, environment)
    }

    /// The same of any binary, against any server.
    pub fn start_at(program: &Path, url: &str, host_secret: &str, folder: &Path, environment: &[(&str, &str)]) -> Self {
        let secret = folder.join("secret");
        fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&secret);
        let written = file.and_then(|mut file| std::io::Write::write_all(&mut file, host_secret.as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {error}", secret.display()));
        let log = folder.join("agent.log");
        let output = File::options().append(true).create(true).open(&log).expect("the log can be written");
        let child = Command::new(program)
            .args(["run", "--state-dir"])
            .arg(folder.join("state"))
            .env_clear()
            .env("EDGEWATCH_URL", url)
            .env("EDGEWATCH_SECRET_FILE", &secret)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("the agent does not start: {error}"));
        Self { child, log }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged, earlier starts in the same folder included.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to end, as systemd does, and waits until it has.
    pub fn stop(mut self) -> ExitStatus {
        let asked = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        assert!(asked.is_ok_and(|status| status.success()), "the agent cannot be asked to end");
        self.child.wait().expect("a child can be waited for")
    }

    /// Ends it by SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the agent's log:\n{}\n---", self.log());
        }
    }
}
