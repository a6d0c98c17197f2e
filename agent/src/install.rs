//! `install` and `uninstall`: the binary, a user without rights, the configuration, the secret and a hardened service.
//! Doing it twice does it once; a newer binary replaces the older one.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::config::{Config, ConfigError, DEFAULT_FILE, KEYS, Layer, below};
use crate::failed::Failed;
use crate::secret::Secret;
use crate::{files, register};

const USER: &str = "edgewatch";
const NAME: &str = "edgewatch-agent";
const UNIT: &str = "/etc/systemd/system/edgewatch-agent.service";
const UNIT_TEXT: &str = include_str!("edgewatch-agent.service");
const DEFAULT_STATE_DIR: &str = "/var/lib/edgewatch";

/// Keys that concern one run, not the installed agent.
const NOT_KEPT: [&str; 2] = ["token_file", "log_level"];

/// Where and how to install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The file system's root; another one is for images and tests: no user is made, nothing is started.
    pub root: PathBuf,
    /// Where `bin/` lies.
    pub prefix: PathBuf,
    /// Whether to start the service.
    pub is_started: bool,
    /// Whether `uninstall` also removes configuration, secret, state and user.
    pub is_purged: bool,
}

impl Plan {
    fn at(&self, path: &Path) -> PathBuf {
        below(&self.root, path)
    }

    fn is_here(&self) -> bool {
        self.root == Path::new("/")
    }

    fn binary(&self) -> PathBuf {
        self.prefix.join("bin").join(NAME)
    }
}

/// The user and group of the service, where it is installed.
pub fn service_user() -> Option<(u32, u32)> {
    find_user(&fs::read_to_string("/etc/passwd").ok()?)
}

fn find_user(passwd: &str) -> Option<(u32, u32)> {
    let mut fields = passwd.lines().find(|line| line.split(':').next() == Some(USER))?.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Installs the agent. `given` is what flags and environment said: it is kept in the configuration file. Returns what to
/// tell people.
///
/// # Errors
/// [`Failed`], with what to do.
pub fn install(plan: &Plan, config: &Config, given: &Layer) -> Result<String, Failed> {
    config.server()?;
    let kept: Vec<(&str, &str)> =
        KEYS.iter().filter(|key| !NOT_KEPT.contains(key)).filter_map(|key| Some((*key, given.get(key)?))).collect();
    kept.iter().try_for_each(|(key, value)| must_be_one_line(key, value))?;
    // These two get into the unit, and the state directory may come from the file.
    must_be_one_line("prefix", &plan.prefix.to_string_lossy())?;
    must_be_one_line("state_dir", &config.state_dir.to_string_lossy())?;
    must_be_root(plan)?;
    copy_binary(plan)?;
    if plan.is_here() && service_user().is_none() {
        make_user()?;
    }
    let owner = if plan.is_here() { service_user() } else { None };

    let file = plan.at(Path::new(DEFAULT_FILE));
    make_directory(file.parent().unwrap_or(&plan.root))?;
    let before = fs::read_to_string(&file).unwrap_or_default();
    put(&file, &merge(&before, &kept), 0o644)?;

    let mut told = Vec::new();
    let has_secret = keep_secret(plan, config, owner, &mut told)?;
    make_state_directory(plan, config, owner)?;
    put(&plan.at(Path::new(UNIT)), &unit(&plan.binary(), &config.state_dir), 0o644)?;
    told.push(start(plan, has_secret)?);
    Ok(told.join("\n"))
}

/// Undoes what [`install`] did. Returns what to tell people.
///
/// # Errors
/// [`Failed`] when something cannot be removed.
pub fn uninstall(plan: &Plan, config: &Config) -> Result<String, Failed> {
    must_be_root(plan)?;
    if plan.is_here() && has_systemd() {
        // A service that is not there any more is no reason to stop.
        let _ = command("systemctl", &["disable", "--now", "edgewatch-agent.service"]);
    }
    remove_file(&plan.at(Path::new(UNIT)))?;
    if plan.is_here() && has_systemd() {
        let _ = command("systemctl", &["daemon-reload"]);
    }
    remove_file(&plan.at(&plan.binary()))?;
    if !plan.is_purged {
        return Ok(format!(
            "removed; {DEFAULT_FILE}, {} and {} are kept (--purge removes them)",
            config.secret_file.display(),
            config.state_dir.display()
        ));
    }
    remove_file(&plan.at(&config.secret_file))?;
    remove_file(&plan.at(Path::new(DEFAULT_FILE)))?;
    // Only what is ours, and only when nothing else was put there.
    for file in ["spool", "spool.new", "status.json"] {
        remove_file(&plan.at(&config.state_dir).join(file))?;
    }
    let _ = fs::remove_dir(plan.at(&config.state_dir));
    if let Some(directory) = plan.at(Path::new(DEFAULT_FILE)).parent() {
        let _ = fs::remove_dir(directory);
    }
    if plan.is_here() && service_user().is_some() {
        let _ = command("userdel", &[USER]).or_else(|_| command("deluser", &[USER]));
    }
    Ok("removed, with configuration, secret and state".to_owned())
}

/// A line break in a value would make another line of the configuration file or the unit.
fn must_be_one_line(key: &str, value: &str) -> Result<(), ConfigError> {
    if value.contains(char::is_control) {
        return Err(ConfigError::new(format!(
            "{key} is {value:?}; it must not hold a line break or another control character"
        )));
    }
    Ok(())
}

fn must_be_root(plan: &Plan) -> Result<(), Failed> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if plan.is_here() && !is_root {
        return Err(Failed::new("this needs root: run it with sudo"));
    }
    Ok(())
}

fn copy_binary(plan: &Plan) -> Result<(), Failed> {
    let binary = plan.at(&plan.binary());
    let cannot = |error: io::Error| Failed::new(format!("cannot install {}: {error}", binary.display()));
    let mine = std::env::current_exe().map_err(cannot)?;
    if fs::canonicalize(&binary).is_ok_and(|installed| installed == mine) {
        return Ok(());
    }
    make_directory(binary.parent().unwrap_or(&plan.root))?;
    // A running binary cannot be written, but replaced.
    let beside = binary.with_extension("new");
    fs::copy(&mine, &beside).map_err(cannot)?;
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o755)).map_err(cannot)?;
    fs::rename(&beside, &binary).map_err(cannot)
}

fn make_user() -> Result<(), Failed> {
    let useradd = [
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        "/usr/sbin/nologin",
        USER,
    ];
    let adduser = ["-S", "-D", "-H", "-G", USER, "-h", "/nonexistent", "-s", "/sbin/nologin", USER];
    let made = command("useradd", &useradd)
        .or_else(|_| command("addgroup", &["-S", USER]).and_then(|()| command("adduser", &adduser)));
    made.map_err(|error| Failed::new(format!("cannot make the user {USER}: {error}")))
}

/// The secret: given by the environment, there already, or asked of the server. False when there is none.
fn keep_secret(
    plan: &Plan,
    config: &Config,
    owner: Option<(u32, u32)>,
    told: &mut Vec<String>,
) -> Result<bool, Failed> {
    let path = plan.at(&config.secret_file);
    // Another root's secret is that root's alone: this machine's own must not get into an image.
    let known = match config.given_secret() {
        Some(secret) => Some(secret.clone()),
        None => Secret::read(&path)?,
    };
    if let Some(secret) = known {
        make_directory(path.parent().unwrap_or(&plan.root))?;
        files::replace(&path, format!("{}\n", secret.reveal()), 0o600, owner)
            .map_err(|error| Failed::new(format!("cannot write {}: {error}", path.display())))?;
        return Ok(true);
    }
    if plan.is_here() && config.token()?.is_some() {
        told.push(register::register(config, owner)?);
        return Ok(true);
    }
    Ok(false)
}

fn make_state_directory(plan: &Plan, config: &Config, owner: Option<(u32, u32)>) -> Result<(), Failed> {
    let path = plan.at(&config.state_dir);
    make_directory(&path)?;
    match owner {
        Some((user, group)) => chown(&path, Some(user), Some(group))
            .map_err(|error| Failed::new(format!("cannot give {} to {USER}: {error}", path.display()))),
        None => Ok(()),
    }
}

fn start(plan: &Plan, has_secret: bool) -> Result<String, Failed> {
    let without = "there is no secret yet: set EDGEWATCH_TOKEN and run `edgewatch-agent register`";
    if !plan.is_here() {
        return Ok(format!("installed below {}; nothing was started", plan.root.display()));
    }
    if !has_systemd() {
        return Ok(format!(
            "{}installed; systemd does not run here, start it by hand: su -s /bin/sh {USER} -c '{} run'",
            if has_secret { String::new() } else { format!("{without}\n") },
            plan.binary().display()
        ));
    }
    let run = |arguments: &[&str]| {
        command("systemctl", arguments).map_err(|error| Failed::new(format!("systemctl failed: {error}")))
    };
    run(&["daemon-reload"])?;
    run(&["enable", "edgewatch-agent.service"])?;
    if !plan.is_started {
        return Ok("installed; start it by `systemctl start edgewatch-agent`".to_owned());
    }
    if !has_secret {
        return Err(Failed::new(format!(
            "installed, and not started: {without}, then `systemctl start edgewatch-agent`"
        )));
    }
    run(&["restart", "edgewatch-agent.service"])?;
    Ok("installed and started; `edgewatch-agent status` tells how it fares".to_owned())
}

fn unit(binary: &Path, state_dir: &Path) -> String {
    let text = UNIT_TEXT.replace("@BINARY@", &binary.to_string_lossy());
    if state_dir == Path::new(DEFAULT_STATE_DIR) {
        return text;
    }
    text.replace(
        "StateDirectory=edgewatch\n",
        &format!("StateDirectory=edgewatch\nReadWritePaths={}\n", state_dir.display()),
    )
}

/// The configuration file's text with these values in place of older ones; everything else stays as people wrote it.
fn merge(before: &str, values: &[(&str, &str)]) -> String {
    let key_of = |line: &str| line.split_once('=').map(|(key, _)| key.trim().to_owned());
    let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        lines.push("# Edgewatch agent. `edgewatch-agent --help` lists every key.".to_owned());
    }
    for (key, value) in values {
        let line = format!("{key} = {value}");
        match lines.iter_mut().find(|line| key_of(line).as_deref() == Some(*key)) {
            Some(older) => *older = line,
            None => lines.push(line),
        }
    }
    lines.join("\n") + "\n"
}

fn put(path: &Path, text: &str, mode: u32) -> Result<(), Failed> {
    if fs::read_to_string(path).is_ok_and(|before| before == text) {
        return Ok(());
    }
    make_directory(path.parent().unwrap_or(Path::new("/")))?;
    files::replace(path, text, mode, None)
        .map_err(|error| Failed::new(format!("cannot write {}: {error}", path.display())))
}

fn make_directory(path: &Path) -> Result<(), Failed> {
    fs::create_dir_all(path).map_err(|error| Failed::new(format!("cannot make {}: {error}", path.display())))
}

fn remove_file(path: &Path) -> Result<(), Failed> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failed::new(format!("cannot remove {}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

fn has_systemd() -> bool {
    Path::new("/run/systemd/system").exists()
}

fn command(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDirectory;

    fn plan(directory: &TestDirectory, is_purged: bool) -> Plan {
        Plan { root: directory.path().to_owned(), prefix: "/usr/local".into(), is_started: false, is_purged }
    }

    fn config(given: &Layer) -> Config {
        let environment = |name: &str| (name == "EDGEWATCH_SECRET").then(|| "Yejw9jNvi4GJhxTMZg".to_owned());
        Config::load(Some(Path::new("/dev/null")), Path::new("/"), given.clone(), &environment).unwrap()
    }

    #[test]
    fn installing_twice_is_installing_once_and_uninstalling_leaves_nothing() {
        let directory = TestDirectory::new();
        let mut given = Layer::default();
        given.set("url", "https://watch.example.com".to_owned());
        let at = |path: &str| directory.path().join(path);
        for _ in 0..2 {
            install(&plan(&directory, false), &config(&given), &given).unwrap();
            let text = fs::read_to_string(at("etc/edgewatch/agent.conf")).unwrap();
            assert_eq!(text.matches("url = https://watch.example.com").count(), 1);
        }
        assert_eq!(fs::metadata(at("usr/local/bin/edgewatch-agent")).unwrap().mode() & 0o777, 0o755);
        assert_eq!(fs::metadata(at("etc/edgewatch/secret")).unwrap().mode() & 0o777, 0o600);
        let unit = fs::read_to_string(at("etc/systemd/system/edgewatch-agent.service")).unwrap();
        assert!(unit.contains("ExecStart=/usr/local/bin/edgewatch-agent run\n"));
        assert!(!unit.contains("Yejw"), "no secret in the unit");

        uninstall(&plan(&directory, false), &config(&given)).unwrap();
        assert!(at("etc/edgewatch/secret").exists() && !at("usr/local/bin/edgewatch-agent").exists());
        uninstall(&plan(&directory, true), &config(&given)).unwrap();
        assert!(!at("etc/edgewatch").exists() && !at("var/lib/edgewatch").exists());
    }

    #[test]
    fn a_value_that_would_add_a_line_is_refused_before_anything_is_written() {
        for key in KEYS.into_iter().filter(|key| !NOT_KEPT.contains(key)) {
            for broken in ["a\nstate_dir = /evil", "a\r", "a\tb", "a\u{1b}[2J", "\0", "\u{85}", "a\n"] {
                let directory = TestDirectory::new();
                let mut given = Layer::default();
                given.set("url", "https://watch.example.com".to_owned());
                let config = config(&given);
                given.set(key, broken.to_owned());
                let words = install(&plan(&directory, false), &config, &given).unwrap_err().to_string();
                assert!(words.starts_with(&format!("{key} is \"")) && words.contains("control character"), "{words}");
                assert!(!words.contains(char::is_control), "{words}");
                assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "{key}");
            }
        }
    }

    #[test]
    fn a_prefix_adds_no_line_to_the_unit() {
        let directory = TestDirectory::new();
        let mut given = Layer::default();
        given.set("url", "https://watch.example.com".to_owned());
        let plan = Plan { prefix: "/usr\nUser=root".into(), ..plan(&directory, false) };
        assert!(install(&plan, &config(&given), &given).unwrap_err().to_string().starts_with("prefix is"));
    }

    #[test]
    fn values_replace_older_ones_and_comments_stay() {
        let before = "# mine\nurl=https://old\n\nname = alpha\n";
        let after = merge(before, &[("url", "https://new"), ("tag", "EU")]);
        assert_eq!(after, "# mine\nurl = https://new\n\nname = alpha\ntag = EU\n");
    }

    #[test]
    fn another_state_directory_can_be_written_by_the_service() {
        assert!(unit(Path::new("/b"), Path::new("/data/edgewatch")).contains("ReadWritePaths=/data/edgewatch\n"));
        assert!(!unit(Path::new("/b"), Path::new(DEFAULT_STATE_DIR)).contains("ReadWritePaths=/"));
    }

    #[test]
    fn the_user_is_found_by_its_name() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\nedgewatcher:x:1:1::/:/\nedgewatch:x:998:997::/nonexistent:/usr/sbin/nologin\n";
        assert_eq!(find_user(passwd), Some((998, 997)));
        assert_eq!(find_user("root:x:0:0::/root:/bin/sh\n"), None);
    }
}
