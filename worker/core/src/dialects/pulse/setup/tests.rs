//! The scripts, run by a real shell with stand-ins for what nodes have.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::*;

const NOW: UnixSeconds = UnixSeconds(1_754_995_749);

/// A folder of programs that stand in for a node's, and what they were told.
struct Node(PathBuf);

impl Node {
    fn new(name: &str, programs: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("edgewatch-setup-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let node = Self(folder);
        let usual = [
            ("id", "echo 0"),
            ("hostname", "echo pve1.example.com"),
            (
                "curl",
                "printf '%s\\n' \"$@\" >>\"$LOG.curl\"; cat >>\"$LOG.body\"; printf '%s' \"${ANSWER:-{\\\"status\\\":\\\"success\\\"\\}}\"",
            ),
        ];
        for (name, text) in usual.iter().chain(programs) {
            let path = node.0.join(name);
            std::fs::write(&path, format!("#!/bin/bash\n{text}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        node
    }

    /// Runs a script without a terminal; whether it ended well, and what it said.
    fn run(&self, script: &str, variables: &[(&str, &str)]) -> (bool, String) {
        let path = self.0.join("script.sh");
        std::fs::write(&path, script).unwrap();
        let checked = Command::new("bash").arg("-n").arg(&path).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        let output = Command::new("setsid")
            .args(["-w", "bash"])
            .arg(&path)
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.0.display()))
            .env("LOG", self.0.join("log"))
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    fn told(&self, what: &str) -> String {
        std::fs::read_to_string(self.0.join(format!("log.{what}"))).unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

const LOGGED: &str = "printf '%s ' \"$@\" >>\"$LOG.pveum\"; echo >>\"$LOG.pveum\"\n";
const JSON_TOKEN: &str = "case \"$*\" in *'token add'*) echo '{\"full-tokenid\":\"x\",\"value\":\"11111111-2222\"}' ;; *'token list'*) echo '│ pulse-10-0-0-1-1700000000 │' ;; esac";
const TABLE_TOKEN: &str = "case \"$*\" in *output-format*) exit 1 ;; *'token add'*) printf '┌─┐\\n│ key │ value │\\n│ full-tokenid │ x │\\n│ value        │ 33333333-4444 │\\n' ;; esac";
const PBS_TOKEN: &str = "case \"$*\" in *generate-token*) printf 'Result: {\\n  \"tokenid\": \"x\",\\n  \"value\": \"55555555-6666\"\\n}\\n' ;; esac";

fn script(pairs: &[(&str, &str)]) -> String {
    SetupRequest::of_query(pairs.iter().copied()).script("https://watch.example.com", NOW).unwrap().script
}

#[test]
fn a_node_gets_a_user_a_token_and_rights_and_is_registered() {
    let node =
        Node::new("json", &[("pveum", &format!("{LOGGED}{JSON_TOKEN}")), ("pveversion", "echo pve-manager/9.0.3/abc")]);
    let text = script(&[
        ("type", "pve"),
        ("host", "https://192.0.2.10:8006"),
        ("pulse_url", "http://192.0.2.5:7655/"),
        ("backup_perms", "true"),
    ]);
    let (is_done, said) = node.run(&text, &[("PULSE_REG_TOKEN", "PULSE-REG-0123456789abcdef")]);
    assert!(is_done && said.contains("Registered at http://192.0.2.5:7655."), "{said}");
    assert!(said.contains("pulse-10-0-0-1-1700000000") && said.contains("They are kept"), "{said}");
    let body = r#"{"type":"pve","host":"https://192.0.2.10:8006","serverName":"pve1.example.com","tokenId":"pulse-monitor@pam!pulse-192-0-2-5-1754995749","tokenValue":"11111111-2222"}"#;
    assert_eq!(node.told("body"), body);
    let curl = node.told("curl");
    assert!(
        curl.contains("http://192.0.2.5:7655/api/auto-register\n")
            && curl.contains("X-Registration-Token: PULSE-REG-0123456789abcdef\n"),
        "{curl}"
    );
    assert!(!curl.contains("11111111"), "{curl}");
    let pveum = node.told("pveum");
    for told in [
        "user add pulse-monitor@pam ",
        "user token add pulse-monitor@pam pulse-192-0-2-5-1754995749 --privsep 0 ",
        "aclmod / -user pulse-monitor@pam -role PVEAuditor ",
        "role add PulseMonitor -privs Sys.Audit VM.GuestAgent.Audit Datastore.Audit ",
        "aclmod / -user pulse-monitor@pam -role PulseMonitor ",
        "aclmod /storage -user pulse-monitor@pam -role PVEDatastoreAdmin ",
    ] {
        assert!(pveum.contains(told), "{told}: {pveum}");
    }
    assert!(!pveum.contains("token remove"), "{pveum}");
}

#[test]
fn older_nodes_print_tables_and_have_another_privilege() {
    let node = Node::new(
        "table",
        &[("pveum", &format!("{LOGGED}{TABLE_TOKEN}")), ("pveversion", "echo pve-manager/8.4.9/abc")],
    );
    let (is_done, said) = node.run(&script(&[]), &[]);
    assert!(is_done, "{said}");
    assert!(
        node.told("body").contains(r#""tokenValue":"33333333-4444""#)
            && node.told("body").contains(r#""host":"https://pve1.example.com:8006""#)
    );
    let pveum = node.told("pveum");
    assert!(pveum.contains("VM.Monitor") && !pveum.contains("PVEDatastoreAdmin"), "{pveum}");
    assert!(!node.told("curl").contains("X-Registration-Token"));
}

#[test]
fn a_refused_registration_tells_what_to_type() {
    let node = Node::new("refused", &[("pveum", JSON_TOKEN), ("pveversion", "true")]);
    let (is_done, said) = node.run(&script(&[("host", "h")]), &[("ANSWER", r#"{"error":"Unauthorized"}"#)]);
    assert!(
        is_done
            && said.contains("Not registered: {\"error\":\"Unauthorized\"}")
            && said.contains("Token value: 11111111-2222"),
        "{said}"
    );
    let plain = Node::new("user", &[("pveum", JSON_TOKEN), ("id", "echo 1000")]);
    let (is_done, said) = plain.run(&script(&[]), &[]);
    assert!(!is_done && said.contains("run this as root") && plain.told("curl").is_empty(), "{said}");
}

#[test]
fn a_backup_server_has_its_own_commands() {
    let node = Node::new("pbs", &[("proxmox-backup-manager", &format!("{LOGGED}{PBS_TOKEN}"))]);
    let (is_done, said) = node.run(&script(&[("type", "pbs")]), &[("PULSE_SETUP_TOKEN", "0123456789abcdef")]);
    assert!(is_done && node.told("curl").contains("X-Setup-Token: 0123456789abcdef\n"), "{said}");
    let body = r#"{"type":"pbs","host":"https://pve1.example.com:8007","serverName":"pve1.example.com","tokenId":"pulse-monitor@pbs!pulse-watch-example-com-1754995749","tokenValue":"55555555-6666"}"#;
    assert_eq!(node.told("body"), body);
    let told = node.told("pveum");
    for one in [
        "user create pulse-monitor@pbs ",
        "user generate-token pulse-monitor@pbs pulse-watch-example-com-1754995749 ",
        "acl update / Audit --auth-id pulse-monitor@pbs ",
        "acl update / Audit --auth-id pulse-monitor@pbs!pulse-watch-example-com-1754995749 ",
    ] {
        assert!(told.contains(one), "{one}: {told}");
    }
}

#[test]
fn what_is_said_of_a_host_is_never_run() {
    let node = Node::new("inert", &[("pveum", JSON_TOKEN), ("pveversion", "true")]);
    let hostile = r#"x"; touch pwned1 '; touch pwned2; ' $(touch pwned3) `touch pwned4` @TOKEN_NAME@ \"#;
    let (is_done, said) = node.run(&script(&[("host", hostile), ("pulse_url", "http://a'$(touch${IFS}pwned5)'")]), &[]);
    assert!(is_done, "{said}");
    let body: serde_json::Value = serde_json::from_str(&node.told("body")).unwrap();
    assert_eq!(body["host"], hostile);
    assert!(!(1..=5).any(|number| node.0.join(format!("pwned{number}")).exists()));
}

#[test]
fn a_command_carries_its_code_beside_the_address() {
    let request =
        SetupRequest::parse(br#"{"type":"pve","host":"https://192.0.2.10:8006","backupPerms":true}"#).unwrap();
    let reply = SetupUrlReply::new(&request, "https://watch.example.com/", "0123456789abcdef", NOW).unwrap();
    let url = "https://watch.example.com/api/setup-script?type=pve&host=https%3A%2F%2F192.0.2.10%3A8006&pulse_url=https%3A%2F%2Fwatch.example.com&backup_perms=true";
    let json = serde_json::to_value(&reply).unwrap();
    assert_eq!((&json["url"], &json["expires"], &json["tokenHint"]), (&url.into(), &NOW.0.into(), &"012…def".into()));
    assert_eq!(json["commandWithEnv"], format!("curl -sSL '{url}' | PULSE_SETUP_TOKEN='0123456789abcdef' bash"));
    assert_eq!(json["commandWithoutEnv"], format!("curl -sSL '{url}' | bash"));
    let nothing = SetupRequest::parse(b"{}").unwrap();
    assert_eq!(SetupUrlReply::new(&nothing, "https://own", "c", NOW).err(), Some(bad("Missing required fields")));
}

#[test]
fn a_script_is_asked_for_in_two_ways() {
    let posted = SetupRequest::parse(br#"{"type":"pbs","host":"h","pulseUrl":"http://p","backupPerms":true}"#).unwrap();
    let asked = SetupRequest::of_query([
        ("type", "pbs"),
        ("host", "h"),
        ("pulse_url", "http://p"),
        ("backup_perms", "true"),
        ("x", "y"),
    ]);
    assert_eq!(posted, asked);
    let made = posted.script("https://own", NOW).unwrap();
    assert_eq!(made.filename, "pulse-setup-pbs.sh");
    assert!(made.script.starts_with("#!/bin/bash\n") && made.script.contains("\nPULSE_URL='http://p'\n"));
    let refused = |pairs: &[(&'static str, &'static str)]| {
        SetupRequest::of_query(pairs.iter().copied()).script("https://own", NOW).err()
    };
    assert_eq!(refused(&[("type", "pmg")]), Some(bad("Invalid node type")));
    assert_eq!(refused(&[("host", "a\nb")]), Some(bad("Invalid host format")));
    for url in ["javascript:x", "http://a b", "http://a\nb", "watch"] {
        assert_eq!(refused(&[("pulse_url", url)]), Some(bad("Invalid pulse_url")), "{url}");
    }
    assert_eq!(token_name("http://[2001:db8::1]:7655/x", NOW), "pulse-2001-db8--1-1754995749");
}
