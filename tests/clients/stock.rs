//! Mackerel's own agent and its own command line, as their makers ship them, built from the sources that tests/clients/stock/go.mod pins.
//!
//! They need Go and its module proxy. Where these are not to be had, the tests say so past the test runner's capture.

mod agent;
mod facts;
mod mkr;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use edgewatch_harness::worker::Worker;
use serde_json::Value;

/// Where the two lie.
struct Programs {
    agent: PathBuf,
    mkr: PathBuf,
}

/// The two, built once; `None` where they cannot be.
fn programs() -> Option<&'static Programs> {
    static BUILT: OnceLock<Option<Programs>> = OnceLock::new();
    BUILT.get_or_init(build).as_ref()
}

fn build() -> Option<Programs> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stock");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/stock");
    let go = |arguments: &[&str]| {
        let mut command = Command::new("go");
        command.args(arguments).current_dir(&sources).stdin(Stdio::null()).output()
    };
    let fetched = go(&["mod", "download", "github.com/mackerelio/mackerel-agent", "github.com/mackerelio/mkr"]);
    if let Some(why) = why_not("go", fetched) {
        say(&format!("Mackerel's own programs were not run, for their sources are not to be had: {why}"));
        return None;
    }
    let target = folder.to_str().expect("a path in UTF-8");
    let [agent, mkr] = ["mackerel-agent", "mkr"].map(|name| format!("github.com/mackerelio/{name}"));
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    if let Some(why) = why_not("go", go(&["build", "-o", target, &agent, &mkr])) {
        // A library of theirs that the proxy has no more; what is wrong with our own files is seen where they are to be had.
        say(&format!("Mackerel's own programs were not run, for they cannot be built here: {why}"));
        return None;
    }
    Some(Programs { agent: folder.join("mackerel-agent"), mkr: folder.join("mkr") })
}

/// Why a program did not do what it was run for; `None` when it did.
pub fn why_not(program: &str, ran: std::io::Result<std::process::Output>) -> Option<String> {
    match ran {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("{program}: {error}")),
    }
}

/// Says something that a test that passes would keep to itself.
pub fn say(text: &str) {
    writeln!(std::io::stderr(), "{text}").expect("the test's output can be written");
}

/// mkr, told where the Worker is.
struct Mkr<'a> {
    program: &'a Path,
    url: &'a str,
    key: &'a str,
    /// Where its configuration would lie, and what it writes.
    folder: &'a Path,
}

impl Mkr<'_> {
    /// Runs a command with something to read; gives whether it says that it succeeded, and all that it printed.
    fn run(&self, arguments: &[&str], input: &str) -> (bool, String) {
        let mut child = Command::new(self.program)
            .args(["--apibase", self.url, "--conf", "/dev/null"])
            .args(arguments)
            .current_dir(self.folder)
            .env_clear()
            .env("MACKEREL_APIKEY", self.key)
            .env("HOME", self.folder)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("mkr does not start: {error}"));
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("mkr reads");
        let output = child.wait_with_output().expect("a child can be waited for");
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), text)
    }

    /// Runs a command that succeeds; gives what it printed.
    fn done(&self, arguments: &[&str]) -> String {
        let (is_done, text) = self.run(arguments, "");
        assert!(is_done && !text.contains("error"), "mkr {arguments:?}: {text}");
        text
    }

    /// Runs a command that prints JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.done(arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("mkr {arguments:?}: {error}: {text}"))
    }
}

/// A key that may read and write.
fn key(worker: &Worker) -> String {
    super::mackerel::key(worker, &["read", "write"])
}

/// A folder of a test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("stock-{name}-{}", std::process::id()));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}
