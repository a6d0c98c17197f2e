//! The built Worker on a workerd of its own: an empty migrated database, a free port, a first admin, ended on drop.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::edge::Edge;
use crate::folder::Folder;
use crate::http::{self, Reply};
use crate::tls::Authority;

/// 32 bytes, base64: what seals stored secrets in tests.
const TEST_KEY: &str = "dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtMDA=";

/// The built Worker, running.
pub struct Worker {
    /// `http://127.0.0.1:<port>`; the same after a restart.
    pub url: String,
    /// An API token of the first admin; empty when the Worker was started without one.
    pub token: String,
    pub(crate) edge: Edge,
    /// After the process, which tells the end of its log when a test fails.
    _folder: Folder,
}

/// A host that was registered for a test.
#[derive(Debug, Clone)]
pub struct TestHost {
    /// Its number in the Nezha dialect.
    pub id: u64,
    /// Its agent's secret.
    pub secret: String,
}

/// How D1 fails: see [`Worker::faults`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It does not.
    Off,
    /// "D1 DB is overloaded": nothing was done.
    Overloaded,
    /// "Network connection lost": nothing was done.
    LostBefore,
    /// "Network connection lost": it was done, the answer is lost.
    LostAfterCommit,
}

/// What a Worker is started with.
#[derive(Debug, Default)]
pub struct Builder {
    vars: Vec<(String, String)>,
    persist: Option<PathBuf>,
    token: Option<String>,
    without_admin: bool,
    capture_outbound: bool,
    trust: Option<String>,
    build: Option<PathBuf>,
    migrations: Option<PathBuf>,
    assets: Option<PathBuf>,
}

impl Builder {
    /// Sets a variable or secret; `EXPOSE_COST` is 1, `EDGEWATCH_KEY` a test key and `PUBLIC_URL` the Worker's address unless set here.
    #[must_use]
    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Keeps the data in `folder`, which stays.
    #[must_use]
    pub fn persist(mut self, folder: &Path) -> Self {
        self.persist = Some(folder.to_owned());
        self
    }

    /// Uses a token made in an earlier start on the same data, instead of setting up an admin.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Sets up nobody: for tests of the setup itself.
    #[must_use]
    pub fn without_admin(mut self) -> Self {
        self.without_admin = true;
        self
    }

    /// Answers outgoing requests in the harness, see [`Worker::outbound`]; without this they reach loopback servers for real.
    #[must_use]
    pub fn capture_outbound(mut self) -> Self {
        self.capture_outbound = true;
        self
    }

    /// Trusts servers whose certificates this one signed, besides those the world trusts.
    #[must_use]
    pub fn trust(mut self, authority: &Authority) -> Self {
        self.trust = Some(authority.pem.clone());
        self
    }

    /// Runs another build than `build/`.
    #[must_use]
    pub fn build(mut self, folder: &Path) -> Self {
        self.build = Some(folder.to_owned());
        self
    }

    /// Hands out other static assets than those of `worker/public`.
    #[must_use]
    pub fn assets(mut self, folder: &Path) -> Self {
        self.assets = Some(folder.to_owned());
        self
    }

    /// Applies other migrations than `d1-migrations/`.
    #[must_use]
    pub fn migrations(mut self, folder: &Path) -> Self {
        self.migrations = Some(folder.to_owned());
        self
    }

    /// Starts it and waits until it answers.
    pub fn start(self) -> Worker {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let kept = Folder::new(&number.to_string());
        let folder = &kept.0;
        let mut arguments = Vec::new();
        let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        for (name, value) in [("EXPOSE_COST", "1"), ("EDGEWATCH_KEY", TEST_KEY)] {
            if !self.vars.iter().any(|(set, _)| set == name) {
                option("--var", format!("{name}={value}"));
            }
        }
        for (name, value) in &self.vars {
            option("--var", format!("{name}={value}"));
        }
        option("--persist", self.persist.unwrap_or_else(|| folder.join("data")).to_string_lossy().into_owned());
        for (name, path) in [("--build", self.build), ("--migrations", self.migrations), ("--assets", self.assets)] {
            if let Some(path) = path {
                option(name, path.to_string_lossy().into_owned());
            }
        }
        if let Some(pem) = self.trust {
            let file = folder.join("authority.pem");
            fs::write(&file, pem).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            option("--trust", file.to_string_lossy().into_owned());
        }
        if self.capture_outbound {
            arguments.push("--capture-outbound".to_owned());
        }
        let edge = Edge::start(&arguments, folder.join("edge.log"));
        let mut worker = Worker { url: edge.url.clone(), token: String::new(), edge, _folder: kept };
        worker.token = match self.token {
            Some(token) => token,
            None if self.without_admin => String::new(),
            None => worker.set_up_admin(),
        };
        worker
    }
}

impl Worker {
    /// Starts the built Worker with an empty, migrated database and a first admin.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Starts it with options.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// `127.0.0.1:<port>`, for sockets.
    pub fn address(&self) -> &str {
        self.edge.address()
    }

    /// A GET with the admin's token.
    pub fn get(&self, path: &str) -> Reply {
        self.get_as(path, &[("Authorization", &self.token)])
    }

    /// A GET with these headers and no others that matter.
    pub fn get_as(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.request("GET", path, headers, "")
    }

    /// A POST with these headers and no others that matter.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.request("POST", path, headers, body)
    }

    /// Any request.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        http::send(self.address(), method, path, headers, body.as_bytes())
    }

    /// Any request to a Worker that may be down.
    ///
    /// # Errors
    /// What the socket says.
    pub fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Reply> {
        http::try_send(self.address(), method, path, headers, body)
    }

    /// Bytes as they are, for requests that no client would send.
    ///
    /// # Errors
    /// What the socket says.
    pub fn send_raw(&self, bytes: &[u8]) -> std::io::Result<Reply> {
        http::send_raw(self.address(), bytes)
    }

    /// Registers a host through the API, as the bootstrap script does.
    pub fn add_host(&self, name: &str) -> TestHost {
        let body = json!({ "Name": name }).to_string();
        let reply = self.post("/api/v1/server/register", &[("Authorization", &self.token)], &body);
        assert_eq!(reply.status, 200, "register: {}", reply.body);
        let secret = reply.at("/secret").as_str().unwrap_or_default().to_owned();
        let listed = self.get("/api/v1/server/list").at("/result");
        let ids = listed.as_array().into_iter().flatten().filter(|server| server["name"] == name);
        // The newest of that name: ids only grow.
        let id = ids.filter_map(|server| server["id"].as_u64()).max();
        TestHost { id: id.unwrap_or_else(|| panic!("{name} is not in {listed}")), secret }
    }

    /// Registers hosts `<prefix>-0`, `<prefix>-1` …, in that order, with one list at the end.
    pub fn add_hosts(&self, prefix: &str, count: usize) -> Vec<TestHost> {
        let secrets = (0..count).map(|index| {
            let body = json!({ "Name": format!("{prefix}-{index}") }).to_string();
            let reply = self.post("/api/v1/server/register", &[("Authorization", &self.token)], &body);
            assert_eq!(reply.status, 200, "register: {}", reply.body);
            reply.at("/secret").as_str().unwrap_or_default().to_owned()
        });
        let secrets: Vec<String> = secrets.collect();
        let listed = self.get("/api/v1/server/list").at("/result");
        let ids: HashMap<&str, u64> = listed
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|server| Some((server["name"].as_str()?, server["id"].as_u64()?)))
            .collect();
        let host = |(index, secret)| {
            let id = ids.get(format!("{prefix}-{index}").as_str());
            TestHost { id: *id.unwrap_or_else(|| panic!("{prefix}-{index} is not in the list")), secret }
        };
        secrets.into_iter().enumerate().map(host).collect()
    }

    /// Runs the scheduled handler as if it were `unix_ms`; whether it came to its end.
    pub fn cron_at(&self, unix_ms: u64) -> bool {
        self.edge.control("POST", "/cron", &json!({ "time_ms": unix_ms }))["outcome"] == "ok"
    }

    /// Moves the clock that requests and objects see, against the real one; schedules have the time they are fired with.
    /// Alarms that are due by then have run, each once, when this comes back. A restart forgets it.
    pub fn set_clock_ahead(&self, offset_ms: i64) {
        self.edge.control("POST", "/clock", &json!({ "offset_ms": offset_ms }));
    }

    /// The runtime's process; 0 while it is down.
    pub fn workerd_pid(&self) -> u32 {
        let state = self.edge.control("GET", "/", &json!({}));
        state["workerd_pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default()
    }

    /// The same in steps, between which no time passes for alarms: what was set for ten seconds is due after a step of ten.
    pub fn step_clock_ahead(&self, offset_ms: i64) {
        self.edge.control("POST", "/clock", &json!({ "offset_ms": offset_ms, "is_step": true }));
    }

    /// Ends workerd by SIGKILL. The Worker's port is dead until [`Worker::resume`].
    pub fn kill(&self) {
        self.edge.control("POST", "/kill", &json!({}));
    }

    /// As [`Worker::kill`], in the middle of whatever another thread has the control port do: that call fails.
    pub fn kill_amid(&self) {
        self.edge.control("POST", "/kill-amid", &json!({}));
    }

    /// Starts workerd again after [`Worker::kill`]: same port, same data.
    pub fn resume(&self) {
        self.edge.control("POST", "/start", &json!({}));
    }

    /// A new workerd on the same data, as after a deployment.
    pub fn restart(&self) {
        self.edge.control("POST", "/restart", &json!({}));
    }

    /// Lets the next `times` calls of D1 fail whose SQL contains `sql_part` (empty: any). A restart forgets it.
    pub fn faults(&self, fault: Fault, times: u32, sql_part: &str) {
        let mode = match fault {
            Fault::Off => "off",
            Fault::Overloaded => "overloaded",
            Fault::LostBefore => "lost_before",
            Fault::LostAfterCommit => "lost_after_commit",
        };
        self.edge.control("POST", "/faults", &json!({ "mode": mode, "times": times, "match": sql_part }));
    }

    /// How many calls have failed since [`Worker::faults`] was last called.
    pub fn faults_fired(&self) -> u64 {
        self.edge.control("GET", "/faults", &json!({}))["fired"].as_u64().unwrap_or_default()
    }

    /// The outgoing requests seen: objects with `method`, `url`, `headers`, `body`, `time_ms`. Needs [`Builder::capture_outbound`].
    pub fn outbound(&self) -> Vec<Value> {
        let seen = self.edge.control("GET", "/outbound", &json!({}));
        seen["requests"].as_array().cloned().unwrap_or_default()
    }

    /// The status that outgoing requests are answered with from now on.
    pub fn answer_outbound(&self, status: u16) {
        self.edge.control("POST", "/outbound", &json!({ "status": status }));
    }

    /// What the Worker has logged so far: request lines, schedule lines, errors.
    pub fn log(&self) -> String {
        self.edge.log()
    }

    /// The rows that the newest run of the schedule read and wrote, as it logged them.
    pub fn schedule_cost(&self) -> (u64, u64) {
        let log = self.log();
        let lines = log.lines().filter_map(|line| line.find('{').and_then(|start| line.get(start..)));
        let parsed = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let last = parsed.rev().find(|line| line["schedule"].is_string());
        let last = last.unwrap_or_else(|| panic!("no schedule in the log:\n{log}"));
        let number = |key: &str| last[key].as_u64().unwrap_or_else(|| panic!("no {key} in {last}"));
        (number("rows_read"), number("rows_written"))
    }

    /// The numbers of all samples stored for a host, in the order stored: those in blocks, then those that wait for theirs. It looks
    /// into the object: "every sample once" must be provable without what reads it.
    pub fn stored_samples(&self, host_id: u64) -> Vec<u64> {
        let stored = crate::fleet::stored::read(self, 1).remove(&host_id).unwrap_or_default();
        stored.blocks.iter().chain(&stored.journal).map(|(number, _)| *number).collect()
    }

    /// How many events of a kind there are, such as `host_offline`.
    pub fn events(&self, kind: &str) -> u64 {
        let found = self.edge.sql("SELECT count(*) AS count FROM events WHERE kind = ?", &[json!(kind)]);
        found["results"][0]["count"].as_u64().unwrap_or_default()
    }

    /// The header value of a session that the first admin's token opens, as a browser has it.
    pub fn cookie(&self) -> String {
        let body = json!({ "token": self.token }).to_string();
        let reply = self.post("/api/edgewatch/v1/session", &[("Content-Type", "application/json")], &body);
        let cookie = reply.header("set-cookie").unwrap_or_else(|| panic!("no session: {}", reply.body));
        cookie.split(';').next().unwrap_or_default().to_owned()
    }

    /// What a statement on D1 gives: `{results, meta}`.
    pub fn sql(&self, sql: &str) -> Value {
        self.edge.sql(sql, &[])
    }

    /// A one-time setup link's token, made as `scripts/setup-link` makes it.
    pub fn setup_link(&self) -> String {
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random).expect("the system has randomness");
        let token = hex(&random);
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs();
        self.edge.sql(
            "INSERT INTO setup_links (token_hash, created_s, expires_s) VALUES (?, ?, ?)",
            &[json!(hex(&Sha256::digest(token.as_bytes()))), json!(now_s), json!(now_s + 3600)],
        );
        token
    }

    fn set_up_admin(&self) -> String {
        let body = json!({ "token": self.setup_link(), "username": "admin" }).to_string();
        let reply = self.post("/api/edgewatch/v1/setup", &[("Content-Type", "application/json")], &body);
        assert_eq!(reply.status, 201, "setup: {}", reply.body);
        reply.at("/token").as_str().expect("setup answers with a token").to_owned()
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
