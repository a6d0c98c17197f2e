//! The script as the Worker serves it, against that Worker, with the agent it hands out.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use edgewatch_harness::worker::Worker;
use serde_json::json;

struct Root(PathBuf);

impl Drop for Root {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `curl …/install.sh | sh -s -- --no-start`, below `root`; what it printed.
fn install(script: &str, worker: &Worker, root: &Path) -> String {
    let mut child = Command::new("sh")
        .args(["-s", "--", "--no-start"])
        .env("NEZHA_TOKEN", &worker.token)
        .env("NODE_NAME", "we\"ird \\ näme")
        .env("EDGEWATCH_ROOT", root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is a sh");
    child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("the script is read");
    let output = child.wait_with_output().expect("it ends");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    assert!(!text.contains(&worker.token), "{text}");
    text
}

#[test]
fn the_served_script_makes_one_host_however_often_it_runs() {
    let worker = Worker::start();
    let root = Root(std::env::temp_dir().join(format!("edgewatch-real-{}", std::process::id())));
    std::fs::create_dir_all(&root.0).expect("a folder");
    let served = worker.get_as("/install.sh", &[("Host", "evil.example")]);
    assert_eq!(served.status, 200);
    assert!(
        served.body.contains(&format!("DEFAULT_DASHBOARD_URL='{}'", worker.url)),
        "the configured address, not the asked one"
    );

    let first = install(&served.body, &worker, &root.0);
    assert!(first.contains("Run command : edgewatch-agent install"), "{first}");
    let secret_file = root.0.join("etc/edgewatch/secret");
    let mode = std::fs::metadata(&secret_file).expect("the secret is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let secret = std::fs::read_to_string(&secret_file).expect("readable by us");
    assert!(!first.contains(secret.trim()));

    install(&served.body, &worker, &root.0);
    assert_eq!(std::fs::read_to_string(&secret_file).expect("still there"), secret);
    let servers = worker.get("/api/v1/server/list").at("/result");
    assert_eq!(servers.as_array().map(Vec::len), Some(1));
    assert_eq!(servers[0]["name"], json!("we\"ird \\ näme"));

    // The unit as it will run, but for the program's place: that one has to exist.
    let unit = std::fs::read_to_string(root.0.join("etc/systemd/system/edgewatch-agent.service")).expect("a unit");
    let program = root.0.join("usr/local/bin/edgewatch-agent").display().to_string();
    let copy = root.0.join("edgewatch-agent.service");
    std::fs::write(&copy, unit.replace("/usr/local/bin/edgewatch-agent", &program)).expect("writable");
    if let Ok(verified) = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&copy).output() {
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        assert!(verified.status.success() && !said.contains("edgewatch-agent.service"), "{said}");
    }

    std::fs::remove_file(&secret_file).expect("removable");
    install(&served.body, &worker, &root.0);
    let servers = worker.get("/api/v1/server/list").at("/result");
    assert_eq!(servers.as_array().map(Vec::len), Some(2), "without the proof it is another host");
}

#[test]
fn binaries_come_with_their_checksum() {
    let worker = Worker::start();
    let name = format!("edgewatch-agent-{}-unknown-linux-musl", std::env::consts::ARCH);
    let sum = worker.get_as(&format!("/download/{name}.sha256"), &[]);
    assert_eq!((sum.status, sum.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    assert!(sum.body.trim_end().ends_with(&format!("  {name}")), "{}", sum.body);
    let binary = worker.request("HEAD", &format!("/download/{name}"), &[], "");
    assert_eq!((binary.status, binary.header("content-type")), (200, Some("application/octet-stream")));
}
