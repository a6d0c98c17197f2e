//! The agent's arguments, wiring and exit codes.

mod arguments;
mod backlog;
mod certificate;
mod check;
#[cfg(feature = "itcockpit")]
mod checks;
mod clock;
mod collect;
#[cfg(feature = "proxmox")]
mod collector;
mod config;
mod failed;
mod files;
mod help;
#[cfg(feature = "itcockpit")]
mod inspect;
mod install;
#[cfg(feature = "itcockpit")]
mod inventory;
#[cfg(feature = "itcockpit")]
mod itcockpit;
mod log;
mod probe;
#[cfg(feature = "proxmox")]
mod proxmox;
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
#[cfg(feature = "itcockpit")]
mod serve;
mod shared;
mod spool;
mod status;
#[cfg(feature = "itcockpit")]
mod stop;
mod stream;
#[cfg(test)]
mod testing;
mod wake;

use std::io::Write;
use std::process::ExitCode;

use crate::arguments::{Arguments, Command, LogPlan};
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
    let Arguments { command, config_file, flags, is_json, plan, log: log_plan } = arguments;
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
        Command::Run => {
            log_to_file(&log_plan)?;
            run_roles(&config, &environment).map(|()| String::new())
        }
        Command::Check => check::check(&config, is_json),
        Command::Status => tell_status(&config, is_json),
        Command::Install => install::install(&plan, &config, &given),
        Command::Uninstall => install::uninstall(&plan, &config),
        Command::Help(_) | Command::Version => Ok(String::new()),
    }
}

/// Runs what is configured: reporting, the role of an openITCOCKPIT agent, or both.
#[cfg(feature = "itcockpit")]
fn run_roles(config: &Config, environment: config::Environment<'_>) -> Result<(), Failed> {
    let Some(path) = &config.itcockpit_file else { return run::run(config) };
    let _role = itcockpit::start(path, environment)?;
    if config.server().is_ok() { run::run(config) } else { run::wait_for_end() }
}

#[cfg(not(feature = "itcockpit"))]
fn run_roles(config: &Config, _: config::Environment<'_>) -> Result<(), Failed> {
    if config.itcockpit_file.is_some() {
        return Err(Failed::new("this agent was built without the role of an openITCOCKPIT agent"));
    }
    run::run(config)
}

#[cfg(feature = "itcockpit")]
fn log_to_file(plan: &LogPlan) -> Result<(), Failed> {
    let Some(path) = plan.file.as_ref().filter(|_| !plan.is_off) else { return Ok(()) };
    let kept_days = Some(plan.kept_days).filter(|days| *days > 0);
    log::keep_in(path, kept_days)
        .map_err(|error| Failed::new(format!("cannot write the log {}: {error}", path.display())))
}

#[cfg(not(feature = "itcockpit"))]
fn log_to_file(plan: &LogPlan) -> Result<(), Failed> {
    match plan.file.as_ref().filter(|_| !plan.is_off) {
        Some(_) => Err(Failed::new("this agent was built without log files; it logs to standard error")),
        None => Ok(()),
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
