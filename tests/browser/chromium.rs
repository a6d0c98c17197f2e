//! A headless Chromium with one page, driven over its debugging protocol.

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use edgewatch_harness::http;
use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::wait::wait_until;
use serde_json::{Value, json};

/// It takes two seconds on two busy cores.
const PATIENCE: Duration = Duration::from_secs(30);
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A page in a browser of its own, ended on drop.
pub struct Page {
    child: Child,
    profile: PathBuf,
    wire: RefCell<Wire>,
}

struct Wire {
    socket: Socket,
    calls: u64,
    /// What the browser complained of: scripts that failed, what the policy refused.
    complaints: Vec<String>,
}

impl Page {
    /// Opens an address; `None`, said aloud, where there is no browser.
    pub fn open(url: &str) -> Option<Self> {
        let Some(program) = browser() else {
            eprintln!("no Chromium here: the page was not tried in a browser");
            return None;
        };
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).expect("the system has randomness");
        let profile = env::temp_dir().join(format!("edgewatch-browser-{:016x}", u64::from_le_bytes(random)));
        fs::create_dir_all(&profile).expect("a temporary folder can be made");
        let child = Command::new(program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--remote-debugging-port=0", "--window-size=1280,800", "about:blank"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the browser starts");
        let port = wait_until("the browser's port", PATIENCE, || {
            let text = fs::read_to_string(profile.join("DevToolsActivePort")).ok()?;
            text.lines().next()?.parse::<u16>().ok()
        });
        let address = format!("127.0.0.1:{port}");
        let path = wait_until("the browser's page", PATIENCE, || {
            let list = http::try_send(&address, "GET", "/json/list", &[], b"").ok()?;
            let pages: Value = serde_json::from_str(&list.body).ok()?;
            let page = pages.as_array()?.iter().find(|page| page["type"] == "page")?;
            page["webSocketDebuggerUrl"].as_str()?.strip_prefix(&format!("ws://{address}")).map(str::to_owned)
        });
        let socket = Socket::open(&address, &path, &[]).expect("the browser speaks its protocol");
        let page = Self { child, profile, wire: RefCell::new(Wire { socket, calls: 0, complaints: Vec::new() }) };
        for domain in ["Runtime", "Log", "Page"] {
            page.call(&format!("{domain}.enable"), &json!({}));
        }
        page.call("Page.navigate", &json!({ "url": url }));
        Some(page)
    }

    /// The value of an expression.
    pub fn value(&self, expression: &str) -> Value {
        let reply = self.call("Runtime.evaluate", &json!({ "expression": expression, "returnByValue": true }));
        assert!(reply["exceptionDetails"].is_null(), "{expression}: {reply}");
        reply["result"]["value"].clone()
    }

    /// Runs a statement.
    pub fn run(&self, statement: &str) {
        self.value(&format!("void ({statement})"));
    }

    /// Waits until an expression is true; one that fails, as while the page changes, is not.
    pub fn wait_for(&self, expression: &str) {
        wait_until(expression, PATIENCE, || {
            let reply = self.call("Runtime.evaluate", &json!({ "expression": expression, "returnByValue": true }));
            (reply["result"]["value"] == true).then_some(())
        });
    }

    /// What scripts failed at and what the policy refused. A refused log-in or a server that is away is not among them.
    pub fn violations(&self) -> Vec<String> {
        self.value("1");
        self.wire.borrow().complaints.clone()
    }

    fn call(&self, method: &str, params: &Value) -> Value {
        let mut wire = self.wire.borrow_mut();
        wire.calls += 1;
        let id = wire.calls;
        assert!(
            wire.socket.send_text(&json!({ "id": id, "method": method, "params": params }).to_string()),
            "{method}"
        );
        loop {
            let Heard::Text(text) = wire.socket.next(PATIENCE) else { panic!("the browser is gone at {method}") };
            let message: Value = serde_json::from_str(&text).unwrap_or_default();
            if message["id"] == id {
                return message["result"].clone();
            }
            let entry = &message["params"]["entry"];
            let complains = match message["method"].as_str() {
                Some("Runtime.exceptionThrown") => true,
                Some("Log.entryAdded") => entry["level"] == "error" && entry["source"] != "network",
                _ => false,
            };
            if complains {
                wire.complaints.push(text);
            }
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

fn browser() -> Option<PathBuf> {
    if let Some(named) = env::var_os("EDGEWATCH_BROWSER") {
        return Some(PathBuf::from(named));
    }
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.exists())
}
