//! A machine to install on: a directory of its own as `/`, and an agent that only writes down how it was called.

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

pub const TOKEN: &str = "TOKENb5yWq8Zn2Xk4Rm6Tf1Hd3Jg7Lp9";
pub const MACHINE_ID: &str = "0123456789abcdef0123456789abcdef";

/// What a run printed, and how it ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Removed when dropped.
pub struct Machine {
    root: PathBuf,
    only_own: Cell<bool>,
}

impl Machine {
    pub fn new() -> Machine {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("edgewatch-bootstrap-{}-{number}", std::process::id()));
        for directory in ["etc", "tmp", "home", "bin"] {
            fs::create_dir_all(root.join(directory)).expect("the temporary directory is writable");
        }
        let machine = Machine { root, only_own: Cell::new(false) };
        machine.write("etc/machine-id", &format!("{MACHINE_ID}\n"));
        machine
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    pub fn write(&self, relative: &str, text: &str) {
        fs::write(self.path(relative), text).expect("the machine's directory is writable");
    }

    /// What a file holds; empty when there is none.
    pub fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap_or_default()
    }

    /// A program of this machine that comes before the real one of that name.
    pub fn add_program(&self, name: &str, text: &str) {
        self.write(&format!("bin/{name}"), text);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path(&format!("bin/{name}")), mode).expect("a file of ours");
    }

    /// From now on no program is found but those in this machine's `bin`.
    pub fn only_own_programs(&self) {
        self.only_own.set(true);
    }

    /// An agent whose `install` and `uninstall` do in this machine's directory what the real ones do in `/`, less the service,
    /// and note their arguments, environment and every command line of that moment.
    pub fn agent(&self) -> Vec<u8> {
        let root = self.root.display();
        format!(
            r#"#!/bin/sh
if [ "$1" = --version ]; then echo "edgewatch-agent 9.9.9"; exit 0; fi
printf '%s\n' "$@" >"{root}/arguments"
env >"{root}/environment"
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' >"{root}/command_lines"
umask >"{root}/umask"
case $1 in
  install)
    stat -c %a "{root}/etc/edgewatch/secret" >"{root}/secret_mode"
    mkdir -p "{root}/usr/local/bin"
    cp "$0" "{root}/usr/local/bin/edgewatch-agent"
    ;;
  uninstall) rm "{root}/usr/local/bin/edgewatch-agent" ;;
esac
"#
        )
        .into_bytes()
    }

    /// Runs the script's file with the token set. Nothing of the caller's environment gets through but what is given here.
    pub fn run(&self, url: &str, variables: &[(&str, &str)], options: &[&str]) -> Outcome {
        let mut command = Command::new(script());
        command.args(options);
        self.finish(command, url, variables, "")
    }

    /// Runs a text as `curl … | SHELL -s -- options` does.
    pub fn pipe(&self, shell: &str, text: &str, url: &str, options: &[&str]) -> Outcome {
        let mut command = Command::new(shell);
        command.args(["-s", "--"]).args(options);
        self.finish(command, url, &[], text)
    }

    fn finish(&self, mut command: Command, url: &str, variables: &[(&str, &str)], input: &str) -> Outcome {
        let others = if self.only_own.get() { "" } else { ":/usr/local/bin:/usr/bin:/bin" };
        let path = format!("{}{others}", self.path("bin").display());
        command.env_clear().env("PATH", path).env("HOME", self.path("home")).env("TMPDIR", self.path("tmp"));
        command.env("EDGEWATCH_ROOT", &self.root).env("NEZHA_TOKEN", TOKEN);
        if !url.is_empty() {
            command.env("NEZHA_DASHBOARD_URL", url);
        }
        command.envs(variables.iter().copied()).current_dir(&self.root);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the shell starts");
        // A script that ends before it read all of itself closes the pipe: no failure of ours.
        let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("the script ends");

        let left = fs::read_dir(self.path("tmp")).expect("it was made in new").count();
        assert_eq!(left, 0, "a run leaves no temporary files");
        Outcome {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// The script as it lies in the tree.
pub fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/nezha_register.sh")
}

/// Lower-case hex SHA-256 of some bytes, by the tool that the script itself uses.
pub fn sha256(bytes: &[u8]) -> String {
    let mut command = Command::new("sha256sum");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("coreutils are installed");
    child.stdin.take().expect("it is piped").write_all(bytes).expect("sha256sum reads all");
    let output = child.wait_with_output().expect("sha256sum ends");
    String::from_utf8_lossy(&output.stdout).chars().take(64).collect()
}
