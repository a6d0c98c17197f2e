//! The files that name custom checks and exporters. Pure. A section that is wrong is left out by itself.
//!
//! Source: openitcockpit specification, 10.1 and 11. Differs: in the original one bad section, or a dot in a name, discards the whole file.

use super::ini::{Ini, Section};
use super::settings::seconds;
use super::values::Values;
use crate::checks::{Check, Exporter};
use crate::config::ConfigError;

/// A day is the longest time that means anything here, seconds.
const MOST_S: i64 = 86_400;

/// The checks that are switched on, and what a person should be told.
pub fn checks(text: &str) -> (Vec<Check>, Vec<String>) {
    every(text, "custom check", check)
}

/// The exporters that are switched on, and what a person should be told.
pub fn exporters(text: &str) -> (Vec<Exporter>, Vec<String>) {
    every(text, "exporter", exporter)
}

fn every<T>(
    text: &str,
    kind: &str,
    read: impl Fn(&Section, &mut Vec<String>) -> Result<Option<T>, ConfigError>,
) -> (Vec<T>, Vec<String>) {
    let ini = Ini::parse(text);
    let (mut found, mut notes) = (Vec::new(), Vec::new());
    for section in ini.sections().iter().filter(|section| section.name != "default") {
        let result = match section.wrong.first() {
            Some(wrong) => Err(ConfigError::new(wrong.as_str())),
            None => read(section, &mut notes),
        };
        match result {
            Ok(one) => found.extend(one),
            Err(error) => notes.push(format!("{kind} {} is left out: {error}", section.name)),
        }
    }
    (found, notes)
}

fn check(section: &Section, notes: &mut Vec<String>) -> Result<Option<Check>, ConfigError> {
    let values = Values::new(&section.name, Some(section));
    let is_enabled = values.truth("enabled", false)?;
    let command = values.text("command").ok_or_else(|| ConfigError::new("it has no command"))?;
    let interval_s = values.number("interval", 60, 0..=MOST_S, notes)?;
    let timeout_s = values.number("timeout", 15, 1..=MOST_S, notes)?;
    if timeout_s > interval_s {
        return Err(ConfigError::new(format!(
            "its timeout of {timeout_s} s is longer than its interval of {interval_s} s"
        )));
    }
    Ok(is_enabled.then(|| Check {
        name: section.name.clone(),
        command: command.to_owned(),
        interval: seconds(interval_s),
        timeout: seconds(timeout_s),
        shell: values.text("shell").map(str::to_owned),
    }))
}

fn exporter(section: &Section, notes: &mut Vec<String>) -> Result<Option<Exporter>, ConfigError> {
    let values = Values::new(&section.name, Some(section));
    let is_enabled = values.truth("enabled", false)?;
    let is_tls = match values.text("method").unwrap_or("http") {
        method if method.eq_ignore_ascii_case("http") => false,
        method if method.eq_ignore_ascii_case("https") => true,
        method => return Err(values.wrong("method", method, "http or https is expected")),
    };
    let port = values.number("port", 0, 0..=65_535, notes)?;
    let port = u16::try_from(port).ok().filter(|port| *port > 0).ok_or_else(|| ConfigError::new("it has no port"))?;
    let path = values.text("path").ok_or_else(|| ConfigError::new("it has no path"))?;
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(values.wrong("path", path, "a URL's path is expected"));
    }
    let timeout_s = values.number("timeout", 15, 1..=MOST_S, notes)?;
    let interval_s = values.number("interval", 0, 0..=MOST_S, notes)?;
    if timeout_s > interval_s {
        return Err(ConfigError::new(format!(
            "its interval of {interval_s} s is shorter than its timeout of {timeout_s} s"
        )));
    }
    Ok(is_enabled.then(|| Exporter {
        name: section.name.clone(),
        is_tls,
        port,
        path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
        interval: seconds(interval_s),
        timeout: seconds(timeout_s),
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn checks_are_read_and_a_bad_one_disables_itself() {
        let (found, notes) = checks(
            "[default]\nmax_worker_threads = 8\n\
             [Check_Load]\ncommand = `check_load -w 1;2 # all`\ninterval = 120\ntimeout = 10\nenabled = true\n\
             [with.dots]\ncommand = echo a#b ; c\nenabled = 1\nshell = /bin/bash\n\
             [off]\ncommand = x\n\
             [empty]\ncommand =\nenabled = true\n\
             [none]\nenabled = false\n\
             [slow]\ncommand = x\ninterval = 5\ntimeout = 6\nenabled = true\n\
             [odd]\ncommand = x\nenabled = perhaps\n\
             [broken]\ncommand = x\nno value\nenabled = true\n",
        );
        let [load, dots] = &found[..] else { panic!("{found:?}") };
        assert_eq!((load.name.as_str(), load.command.as_str()), ("check_load", "check_load -w 1;2 # all"));
        assert_eq!((load.interval, load.timeout), (Duration::from_mins(2), Duration::from_secs(10)));
        assert_eq!((dots.name.as_str(), dots.command.as_str()), ("with.dots", "echo a"));
        assert_eq!(dots.shell.as_deref(), Some("/bin/bash"));
        assert_eq!((dots.interval, dots.timeout), (Duration::from_mins(1), Duration::from_secs(15)));
        let of: Vec<&str> = notes.iter().filter_map(|note| note.split(' ').nth(2)).collect();
        assert_eq!(of, ["empty", "none", "slow", "odd", "broken"], "{notes:?}");
    }

    #[test]
    fn exporters_are_read_and_a_bad_one_disables_itself() {
        let (found, notes) = exporters(
            "[Node_Exporter]\nenabled = true\nport = 9100\npath = /metrics\ninterval = 15\n\
             [mysqld]\nenabled = true\nmethod = HTTPS\nport = 9104\npath = metrics\ninterval = 30\ntimeout = 5\n\
             [off]\nport = 1\npath = /\ninterval = 15\n\
             [no_port]\nenabled = true\npath = /\ninterval = 15\n\
             [no_path]\nenabled = true\nport = 1\ninterval = 15\n\
             [hasty]\nenabled = true\nport = 1\npath = /\ninterval = 5\n\
             [ftp]\nenabled = true\nmethod = ftp\nport = 1\npath = /\ninterval = 15\n",
        );
        let [node, mysqld] = &found[..] else { panic!("{found:?}") };
        assert_eq!(
            (node.name.as_str(), node.is_tls, node.port, node.path.as_str()),
            ("node_exporter", false, 9100, "/metrics")
        );
        assert_eq!((node.interval, node.timeout), (Duration::from_secs(15), Duration::from_secs(15)));
        assert_eq!((mysqld.is_tls, mysqld.path.as_str(), mysqld.timeout), (true, "/metrics", Duration::from_secs(5)));
        let of: Vec<&str> = notes.iter().filter_map(|note| note.split(' ').nth(1)).collect();
        assert_eq!(of, ["no_port", "no_path", "hasty", "ftp"], "{notes:?}");
    }
}
