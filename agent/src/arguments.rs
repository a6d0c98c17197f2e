//! The command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt;

use crate::config::{ConfigError, KEYS, Layer};
use crate::install::Plan;

/// What the agent is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make this machine a host of the server.
    Register,
    /// Report until told to end.
    Run,
    /// Show one sample.
    Check,
    /// Tell how the running agent fares.
    Status,
    /// Install the service.
    Install,
    /// Remove it.
    Uninstall,
    /// Show the version.
    Version,
    /// Show help, of one command or of all.
    Help(Option<String>),
}

/// The command line, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// What to do.
    pub command: Command,
    /// The configuration file, when it is named.
    pub config_file: Option<PathBuf>,
    /// Values for configuration keys.
    pub flags: Layer,
    /// Answer in JSON.
    pub is_json: bool,
    /// For `install` and `uninstall`.
    pub plan: Plan,
    /// A file for the log too.
    pub log: LogPlan,
}

/// A file that the log goes to, as the stock openITCOCKPIT agent's options say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlan {
    /// The file, when one is named.
    pub file: Option<PathBuf>,
    /// There is none, even so.
    pub is_off: bool,
    /// How many earlier days are kept; 0 lets the file go on for ever.
    pub kept_days: u32,
}

impl Arguments {
    /// The file system whose configuration counts: what is installed for another root must not take this machine's.
    pub fn root(&self) -> &Path {
        match self.command {
            Command::Install | Command::Uninstall => &self.plan.root,
            _ => Path::new("/"),
        }
    }
}

/// Reads the command line without the program's name.
///
/// # Errors
/// [`ConfigError`] with what is wrong about it.
pub fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Arguments, ConfigError> {
    let wrong =
        |error: lexopt::Error| ConfigError::new(format!("{error}; `edgewatch-agent --help` lists what there is"));
    let mut parser = lexopt::Parser::from_args(line);
    let mut command: Option<Command> = None;
    let mut is_help = false;
    let mut arguments = Arguments {
        command: Command::Help(None),
        config_file: None,
        flags: Layer::default(),
        is_json: false,
        plan: Plan { root: "/".into(), prefix: "/usr/local".into(), is_started: true, is_purged: false },
        log: LogPlan { file: None, is_off: false, kept_days: 3 },
    };
    let mut name = String::new();
    while let Some(argument) = parser.next().map_err(wrong)? {
        match argument {
            Short('h') | Long("help") => is_help = true,
            Short('V') | Long("version") => command = Some(Command::Version),
            Long("json") => arguments.is_json = true,
            Long("no-start") => arguments.plan.is_started = false,
            Long("purge") => arguments.plan.is_purged = true,
            Long("insecure-http") => drop(arguments.flags.set("insecure_http", "true".to_owned())),
            Short('v') | Long("verbose") => drop(arguments.flags.set("log_level", "info".to_owned())),
            Short('d') | Long("debug") => drop(arguments.flags.set("log_level", "debug".to_owned())),
            Short('l') | Long("log") => arguments.log.file = Some(parser.value().map_err(wrong)?.into()),
            Long("disable-logfile") => arguments.log.is_off = true,
            Long("disable-logrotate") => arguments.log.kept_days = 0,
            Long("log-rotate") => {
                let days = parser.value().map_err(wrong)?;
                arguments.log.kept_days = days.parse().map_err(wrong)?;
            }
            Short('c') | Long("config") => arguments.config_file = Some(parser.value().map_err(wrong)?.into()),
            Long("root") => arguments.plan.root = parser.value().map_err(wrong)?.into(),
            Long("prefix") => arguments.plan.prefix = parser.value().map_err(wrong)?.into(),
            Long(flag @ ("secret" | "token")) => {
                return Err(ConfigError::new(format!(
                    "a {flag} on the command line can be read by every user of this machine: set EDGEWATCH_{} or use --{flag}-file",
                    flag.to_uppercase()
                )));
            }
            Long(flag) => {
                let key = key_of(flag);
                let Some(key) = KEYS.iter().find(|known| **known == key) else {
                    return Err(wrong(Long(flag).unexpected()));
                };
                let value = parser.value().map_err(wrong)?.into_string();
                let value = value.map_err(|value| ConfigError::new(format!("{} is no text", value.display())))?;
                arguments.flags.set(key, value);
            }
            Value(value) if command.is_none() => {
                name = value.to_string_lossy().into_owned();
                command = Some(command_of(&name)?);
            }
            Value(value) if command == Some(Command::Help(None)) => {
                command = Some(Command::Help(Some(value.to_string_lossy().into_owned())));
            }
            other => return Err(wrong(other.unexpected())),
        }
    }
    arguments.command = match command {
        Some(_) if is_help => Command::Help(Some(name)),
        None if is_help => Command::Help(None),
        // So a stock openITCOCKPIT agent is started.
        None if arguments.config_file.is_some() => Command::Run,
        Some(command) => command,
        None => return Err(ConfigError::new("no command; `edgewatch-agent --help` lists what there is")),
    };
    Ok(arguments)
}

/// `--state-dir` is the key `state_dir`; `--period` and `--frame` are seconds, as their keys say.
fn key_of(flag: &str) -> String {
    match flag {
        "period" | "frame" => format!("{flag}_s"),
        _ => flag.replace('-', "_"),
    }
}

fn command_of(name: &str) -> Result<Command, ConfigError> {
    Ok(match name {
        "register" => Command::Register,
        "run" => Command::Run,
        "check" => Command::Check,
        "status" => Command::Status,
        "install" => Command::Install,
        "uninstall" => Command::Uninstall,
        "version" => Command::Version,
        "help" => Command::Help(None),
        _ => {
            return Err(ConfigError::new(format!(
                "there is no command `{name}`; `edgewatch-agent --help` lists what there is"
            )));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, ConfigError> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn flags_are_configuration_keys() {
        let arguments =
            parsed("run --url https://a.example.com --state-dir=/tmp/x --period 30 --insecure-http").unwrap();
        assert_eq!(arguments.command, Command::Run);
        assert_eq!(arguments.flags.get("url"), Some("https://a.example.com"));
        assert_eq!(arguments.flags.get("state_dir"), Some("/tmp/x"));
        assert_eq!(arguments.flags.get("period_s"), Some("30"));
        assert_eq!(arguments.flags.get("insecure_http"), Some("true"));
    }

    #[test]
    fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
        for line in ["register --token abc123", "run --secret abc123", "run --secret=abc123"] {
            let words = parsed(line).unwrap_err().to_string();
            assert!(words.contains("-file") && !words.contains("abc123"), "{words}");
        }
    }

    #[test]
    fn the_stock_openitcockpit_agents_options_are_taken() {
        let arguments = parsed("-c /etc/oitc/config.ini -l /tmp/agent.log -v --log-rotate 7").unwrap();
        assert_eq!((arguments.command, arguments.config_file), (Command::Run, Some("/etc/oitc/config.ini".into())));
        assert_eq!(arguments.log, LogPlan { file: Some("/tmp/agent.log".into()), is_off: false, kept_days: 7 });
        assert_eq!(arguments.flags.get("log_level"), Some("info"));
        let arguments = parsed("--config x -d --disable-logfile --disable-logrotate").unwrap();
        assert_eq!(arguments.log, LogPlan { file: None, is_off: true, kept_days: 0 });
        assert_eq!(arguments.flags.get("log_level"), Some("debug"));
        assert!(parsed("-c x --log-rotate often").is_err() && parsed("-v").is_err());
        assert_eq!(parsed("check -c x").unwrap().command, Command::Check);
    }

    #[test]
    fn help_is_of_all_or_of_one_command() {
        assert_eq!(parsed("--help").unwrap().command, Command::Help(None));
        assert_eq!(parsed("help").unwrap().command, Command::Help(None));
        assert_eq!(parsed("install --help").unwrap().command, Command::Help(Some("install".to_owned())));
        assert_eq!(parsed("help install").unwrap().command, Command::Help(Some("install".to_owned())));
        assert_eq!(parsed("--version").unwrap().command, Command::Version);
    }

    #[test]
    fn what_is_unknown_is_an_error_that_leads_to_help() {
        for line in ["", "watch", "run --frequency 5", "run now", "run --url"] {
            assert!(parsed(line).is_err(), "{line}");
        }
        assert!(parsed("watch").unwrap_err().to_string().contains("--help"));
    }

    #[test]
    fn install_takes_its_own_options() {
        let plan = parsed("install --root /tmp/r --prefix /usr --no-start").unwrap().plan;
        assert_eq!(plan, Plan { root: "/tmp/r".into(), prefix: "/usr".into(), is_started: false, is_purged: false });
        assert!(parsed("uninstall --purge").unwrap().plan.is_purged);
    }

    #[test]
    fn another_roots_configuration_is_for_installing_there() {
        for (line, root) in [
            ("install --root /tmp/r", "/tmp/r"),
            ("uninstall --root /tmp/r", "/tmp/r"),
            ("install", "/"),
            ("run --root /tmp/r", "/"),
        ] {
            assert_eq!(parsed(line).unwrap().root(), Path::new(root), "{line}");
        }
    }
}
