//! Line 13: the scripts as the Worker hands them out, run by a real shell with stand-ins for what nodes have; what they post goes to the
//! Worker.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use edgewatch_harness::proxmox::{FakeProxmox, Product, lab};
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

use super::fleet::{Fleet, column, send};

/// Users, tokens, roles and rights as Proxmox VE keeps them: each is made once. `$TABLES`: a release that writes no JSON.
const PVEUM: &str = r#"
printf '%s\n' "$*" >>"$STATE/told"
case "$*" in
  "user add "*) [ ! -e "$STATE/user" ] || { echo "create user failed: user '$3' already exists" >&2; exit 255; }; : >"$STATE/user" ;;
  "user token list "*) for one in "$STATE"/token.*; do [ ! -e "$one" ] || printf '│ %s │ 0 │ 0 │\n' "${one##*/token.}"; done ;;
  *--output-format*) [ -z "$TABLES" ] || { echo "Unknown option: output-format" >&2; exit 255; }
    [ ! -e "$STATE/token.$5" ] || { echo "Token already exists." >&2; exit 255; }
    : >"$STATE/token.$5"; printf '{"full-tokenid":"%s!%s","info":{"privsep":"0"},"value":"%s"}\n' "$4" "$5" "$VALUE" ;;
  "user token add "*) [ ! -e "$STATE/token.$5" ] || { echo "Token already exists." >&2; exit 255; }
    : >"$STATE/token.$5"; printf '┌──────┬─────┐\n│ key  │ value │\n╞══════╪═════╡\n│ full-tokenid │ %s!%s │\n│ info │ {"privsep":"0"} │\n│ value │ %s │\n└──────┴─────┘\n' "$4" "$5" "$VALUE" ;;
  "user token remove "*) [ -e "$STATE/token.$5" ] && rm "$STATE/token.$5" ;;
  "role add "*) [ ! -e "$STATE/role" ] || { echo "role '$3' already exists" >&2; exit 255; }; : >"$STATE/role" ;;
  "role modify "*) [ -e "$STATE/role" ] ;;
  "aclmod "*) : ;;
  *) echo "unknown command: $*" >&2; exit 1 ;;
esac
"#;
const PBM: &str = r#"
printf '%s\n' "$*" >>"$STATE/told"
case "$*" in
  "user create "*) [ ! -e "$STATE/user" ] || { echo "Error: user '$3' already exists" >&2; exit 255; }; : >"$STATE/user" ;;
  "user list-tokens "*) : ;;
  "user generate-token "*) [ ! -e "$STATE/token.$4" ] || { echo "Error: token '$4' already exists" >&2; exit 255; }
    : >"$STATE/token.$4"; printf 'Result: {\n  "tokenid": "%s!%s",\n  "value": "%s"\n}\n' "$3" "$4" "$VALUE" ;;
  "user delete-token "*) [ -e "$STATE/token.$4" ] && rm "$STATE/token.$4" ;;
  "acl update "*) : ;;
  *) echo "unknown command: $*" >&2; exit 1 ;;
esac
"#;
/// Keeps what it is told to send, and sends it.
const CURL: &str = r#"printf '%s\n' "$@" >"$STATE/curl"; tee "$STATE/body" | /usr/bin/curl "$@""#;

const VALUE: &str = "7f3c0000-1111-4222-8333-444455556666";

/// A machine of its own: programs, and what they keep.
struct Machine(PathBuf);

impl Machine {
    fn new(name: &str, version: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("edgewatch-scripts-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("state")).expect("a folder");
        let machine = Self(folder);
        let version = format!("echo pve-manager/{version}/649acf70aab54798");
        for (name, text) in [
            ("id", "echo 0"),
            ("hostname", "echo pve1.example.com"),
            ("curl", CURL),
            ("pveum", PVEUM),
            ("proxmox-backup-manager", PBM),
            ("pveversion", version.as_str()),
        ] {
            let path = machine.0.join(name);
            fs::write(&path, format!("#!/bin/bash\n{text}\n")).expect("a program");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
        }
        machine
    }

    /// Runs a script without a terminal; whether it went well, and what it said.
    fn run(&self, script: &str, variables: &[(&str, &str)]) -> (bool, String) {
        let path = self.0.join("setup.sh");
        fs::write(&path, script).expect("a script");
        let checked = Command::new("bash").arg("-n").arg(&path).output().expect("bash");
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        let output = Command::new("setsid")
            .args(["-w", "bash"])
            .arg(&path)
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.0.display()))
            .env("STATE", self.0.join("state"))
            .env("VALUE", VALUE)
            .env("TABLES", "")
            .envs(variables.iter().copied())
            .output()
            .expect("bash");
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    fn kept(&self, what: &str) -> String {
        fs::read_to_string(self.0.join("state").join(what)).unwrap_or_default()
    }

    fn posted(&self) -> Value {
        serde_json::from_str(&self.kept("body")).unwrap_or_else(|error| panic!("{error}: {}", self.kept("body")))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn token(worker: &Worker, wanted: &Value) -> String {
    send(worker, "POST", "/api/tokens/generate", wanted).at("/token").as_str().expect("a token").to_owned()
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |escaped, byte| escaped + &format!("%{byte:02X}"))
}

fn asked(worker: &Worker, query: &str) -> String {
    let reply = worker.get_as(&format!("/api/setup-script?{query}&pulse_url={}", escaped(&worker.url)), &[]);
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body
}

#[test]
fn line_13_a_node_sets_itself_up_is_registered_and_polled_and_a_second_run_makes_no_second_node() {
    let mut fleet = Fleet::empty(
        "scripts",
        FakeProxmox::start(Product::Pve, lab::pve()),
        FakeProxmox::start(Product::Pbs, lab::pbs()),
    );
    fleet.start_agent();
    let worker = &fleet.worker;
    let machine = Machine::new("pve9", "9.0.3");
    let query = format!("type=pve&host={}&backup_perms=true", escaped(&fleet.pve.url()));
    let script = asked(worker, &query);
    let once = token(worker, &json!({"maxUses": 1, "allowedTypes": ["pve"]}));
    let (is_done, said) = machine.run(&script, &[("PULSE_REG_TOKEN", &once)]);
    assert!(is_done && said.contains("Registered at"), "{said}");
    let body = machine.posted();
    let id = body["tokenId"].as_str().expect("an id").to_owned();
    let name = id.strip_prefix("pulse-monitor@pam!").expect("a user's token").to_owned();
    assert!(
        name.starts_with("pulse-127-0-0-1-")
            && name["pulse-127-0-0-1-".len()..].bytes().all(|byte| byte.is_ascii_digit()),
        "{name}"
    );
    let expected = json!({"type": "pve", "host": fleet.pve.url(), "serverName": "pve1.example.com", "tokenId": id, "tokenValue": VALUE});
    assert_eq!(body, expected);
    let curl = machine.kept("curl");
    for line in [
        format!("{}/api/auto-register", worker.url),
        format!("X-Registration-Token: {once}"),
        "Content-Type: application/json".to_owned(),
    ] {
        assert!(curl.lines().any(|told| told == line), "{line}: {curl}");
    }
    assert!(!curl.contains(VALUE), "arguments can be read by everybody");
    let told = machine.kept("told");
    for line in [
        format!("user token add pulse-monitor@pam {name} --privsep 0 --output-format json"),
        "aclmod / -user pulse-monitor@pam -role PVEAuditor".to_owned(),
        "role add PulseMonitor -privs Sys.Audit VM.GuestAgent.Audit Datastore.Audit".to_owned(),
        "aclmod / -user pulse-monitor@pam -role PulseMonitor".to_owned(),
        "aclmod /storage -user pulse-monitor@pam -role PVEDatastoreAdmin".to_owned(),
    ] {
        assert!(told.lines().any(|one| one == line), "{line}: {told}");
    }
    assert!(!told.contains("VM.Monitor"));
    assert_eq!(worker.get("/api/tokens/list").json(), json!([]), "its one use is spent");

    // What was registered is polled: with this token and no other.
    fleet.pve.set_token(&id, VALUE);
    fleet.state("a poll with the new token", |state| state["connectionHealth"]["pve1.example.com"] == true);
    let listed = || worker.get("/api/config/nodes").json();
    assert_eq!(
        (column(&listed(), "name"), column(&listed(), "tokenName")),
        (vec!["pve1.example.com"], vec![id.as_str()])
    );

    // The same script again: everything is there, and the token gets another value.
    let more = token(worker, &json!({"maxUses": 5}));
    let (is_done, said) = machine.run(&script, &[("PULSE_REG_TOKEN", &more), ("VALUE", "another-value")]);
    assert!(is_done && said.contains("exists") && said.contains("Registered at"), "{said}");
    assert_eq!(machine.posted()["tokenValue"], "another-value");
    assert!(machine.kept("told").lines().any(|one| one == format!("user token remove pulse-monitor@pam {name}")));
    assert!(machine.kept("told").lines().any(|one| one.starts_with("role modify PulseMonitor")));
    assert_eq!(column(&listed(), "id"), ["pve-0"]);
    fleet.pve.set_token(&id, "another-value");
    // A newer script has a token of another name; the older one is listed and kept.
    worker.set_clock_ahead(5_000);
    let (is_done, said) = machine.run(&asked(worker, &query), &[("PULSE_REG_TOKEN", &more)]);
    assert!(is_done && said.contains(&name) && said.contains("They are kept"), "{said}");
    let newer = machine.posted()["tokenId"].as_str().unwrap_or_default().to_owned();
    assert_ne!(newer, id);
    assert_eq!((column(&listed(), "id"), column(&listed(), "tokenName")), (vec!["pve-0"], vec![newer.as_str()]));
}

#[test]
fn line_13_older_releases_and_backup_servers_are_set_up_by_what_they_know() {
    let worker = Worker::start();
    let more = token(&worker, &json!({}));
    let posted = worker.post(
        "/api/setup-script",
        &[("Accept", "application/json")],
        &json!({"type": "pve", "host": "https://192.0.2.10:8006", "pulseUrl": worker.url}).to_string(),
    );
    let script = posted.at("/script").as_str().expect("a script").to_owned();
    let machine = Machine::new("pve8", "8.4.9");
    let (is_done, said) = machine.run(&script, &[("TABLES", "1"), ("PULSE_REG_TOKEN", &more)]);
    assert!(is_done && said.contains("Registered at"), "{said}");
    assert_eq!(
        (&machine.posted()["tokenValue"], &machine.posted()["host"]),
        (&json!(VALUE), &json!("https://192.0.2.10:8006"))
    );
    let told = machine.kept("told");
    assert!(
        told.contains("role add PulseMonitor -privs Sys.Audit VM.Monitor Datastore.Audit")
            && !told.contains("PVEDatastoreAdmin"),
        "{told}"
    );

    let plain = worker.post("/api/setup-script", &[], &json!({"type": "pbs", "pulseUrl": worker.url}).to_string());
    let machine = Machine::new("pbs", "");
    for run in 0..2 {
        let (is_done, said) = machine.run(&plain.body, &[("PULSE_REG_TOKEN", &more)]);
        assert!(is_done && said.contains("Registered at"), "{run}: {said}");
    }
    let body = machine.posted();
    let id = body["tokenId"].as_str().expect("an id").to_owned();
    let expected = json!({"type": "pbs", "host": "https://pve1.example.com:8007", "serverName": "pve1.example.com", "tokenId": id, "tokenValue": VALUE});
    assert_eq!(body, expected);
    for line in
        ["acl update / Audit --auth-id pulse-monitor@pbs".to_owned(), format!("acl update / Audit --auth-id {id}")]
    {
        assert!(machine.kept("told").lines().any(|one| one == line), "{line}");
    }
    let listed = worker.get("/api/config/nodes").json();
    assert_eq!(
        (column(&listed, "id"), column(&listed, "host")),
        (vec!["pve-0", "pbs-0"], vec!["https://192.0.2.10:8006", "https://pve1.example.com:8007"])
    );
}

#[test]
fn line_13_a_server_that_refuses_is_no_success_and_tells_what_to_type() {
    let worker = Worker::start();
    let machine = Machine::new("refused", "9.0.3");
    let (is_done, said) = machine.run(&asked(&worker, "type=pve&host=192.0.2.10"), &[]);
    let words = "Registration requires valid registration token or API token";
    assert!(
        is_done && said.contains("Not registered") && said.contains(words) && !said.contains("Registered at"),
        "{said}"
    );
    assert!(said.contains(VALUE) && said.contains("Add the node by hand"), "{said}");
    assert_eq!(worker.get("/api/config/nodes").json(), json!([]));
}

#[test]
fn line_13_nothing_that_is_said_of_a_host_is_run() {
    let worker = Worker::start();
    let more = token(&worker, &json!({}));
    for (number, hostile) in [
        "x'; touch pwned; '",
        "$(touch pwned)",
        "`touch pwned`",
        "x\"; touch pwned; \"",
        "';touch pwned #",
        "\\'; touch pwned; \\'",
        "${IFS}&& touch pwned || |touch pwned >pwned <pwned",
        "@TOKEN_NAME@'; touch pwned; '@PULSE_URL@",
    ]
    .iter()
    .enumerate()
    {
        let machine = Machine::new(&format!("inert-{number}"), "9.0.3");
        for kind in ["pve", "pbs"] {
            let script = asked(&worker, &format!("type={kind}&host={}", escaped(hostile)));
            let (_, said) = machine.run(&script, &[("PULSE_REG_TOKEN", &more)]);
            assert!(!machine.0.join("pwned").exists(), "{hostile}: {said}");
            assert_eq!(machine.posted()["host"], *hostile);
            assert!(said.contains("Not registered") && said.contains("Invalid host format"), "{said}");
        }
    }
    for control in ["a%0Atouch%20pwned", "a%00b", "a%0Db"] {
        let refused = worker.get_as(&format!("/api/setup-script?type=pve&host={control}"), &[]);
        assert_eq!((refused.status, refused.at("/error")), (400, json!("Invalid host format")), "{control}");
    }
    assert_eq!(worker.get("/api/config/nodes").json(), json!([]));
}
