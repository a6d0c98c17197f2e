//! The agent's arguments, wiring and exit codes.

mod arguments;
mod backlog;
mod check;
mod clock;
mod collect;
mod config;
mod failed;
mod files;
mod help;
#[cfg(feature = "itcockpit")]
#[cfg_attr(
    not(test),
    expect(dead_code, unused_imports, reason = "the role that runs its cycles comes with the server")
)]
mod inspect;
mod install;
#[cfg(feature = "itcockpit")]
#[cfg_attr(not(test), expect(dead_code, reason = "as of `inspect`"))]
mod inventory;
mod log;
mod probe;
mod push;
mod queue;
mod record;
mod register;
mod report;
mod reporter;
mod run;
mod schedule;
mod secret;
mod sender;
mod shared;
mod spool;
mod status;
mod stream;
#[cfg(test)]
mod testing;
mod wake;

use std::io::Write;
use std::process::ExitCode;

use crate::arguments::{Arguments, Command};
use crate::config::Config;
use crate::failed::Failed;
use crate::status::Status;

fn main() -> ExitCode {
    match perform() {
        Ok(text) => {
            if !text.is_empty() {
                // Whoever closed the other end of a pipe has read enough.
                let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
            }
            ExitCode::SUCCESS
        }
        Err(failed) => {
            log::error(format_args!("{failed}"));
            ExitCode::from(failed.code())
        }
    }
}

fn perform() -> Result<String, Failed> {
    let arguments = arguments::parse(std::env::args_os().skip(1))?;
    let root = arguments.root().to_owned();
    let Arguments { command, config_file, flags, is_json, plan } = arguments;
    match command {
        Command::Help(of) => return Ok(help::text(of.as_deref()).to_owned()),
        Command::Version => return Ok(concat!("edgewatch-agent ", env!("CARGO_PKG_VERSION")).to_owned()),
        _ => {}
    }
    let environment = |name: &str| std::env::var(name).ok();
    let given = config::given(flags, &environment);
    let config = Config::load(config_file.as_deref(), &root, given.clone(), &environment)?;
    log::set_level(config.level);
    match command {
        Command::Register => register::register(&config, None),
        Command::Run => run::run(&config).map(|()| String::new()),
        Command::Check => check::check(&config, is_json),
        Command::Status => tell_status(&config, is_json),
        Command::Install => install::install(&plan, &config, &given),
        Command::Uninstall => install::uninstall(&plan, &config),
        Command::Help(_) | Command::Version => Ok(String::new()),
    }
}

fn tell_status(config: &Config, is_json: bool) -> Result<String, Failed> {
    let status = Status::read(&config.state_dir).ok_or_else(|| {
        Failed::new(format!("no agent has left its status in {}; is it running?", config.state_dir.display()))
    })?;
    let verdict = status.judge(clock::now_s());
    let text = if is_json {
        serde_json::to_string_pretty(&status).map_err(|error| Failed::new(error.to_string()))?
    } else {
        status.describe(clock::now_s())
    };
    match verdict {
        Ok(()) => Ok(text),
        Err(words) => {
            let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
            Err(Failed::new(format!("not reporting: {words}")))
        }
    }
}
