//! What becomes of a configuration that is pushed: what could not be loaded is not taken, and from outside nobody names a command or
//! another file, unless the local file allows it.
//!
//! Whoever could let a file of ours lie elsewhere could have it written over the custom checks, or have any file shown.

use std::path::Path;

use super::push::AuthFile;
use super::settings::{self, Settings};
use super::{definitions, listen};
use crate::serve::{Pushed, Verdict};

/// Decides about a push, by the configuration that runs.
pub fn judge(running: &Settings, pushed: &Pushed) -> Verdict {
    match consider(running, pushed) {
        Ok(()) => Verdict::Taken,
        Err(verdict) => verdict,
    }
}

fn consider(running: &Settings, pushed: &Pushed) -> Result<(), Verdict> {
    let bad = |error: &dyn ToString| Verdict::Bad(error.to_string());
    let new = settings::parse(&text(&pushed.main), &running.file).map_err(|error| bad(&error))?;
    if !running.takes_commands {
        may(running, &new, pushed)?;
    }
    let checks = pushed.checks.as_ref().map(|content| definitions::checks(&text(content)).1);
    let exporters = pushed.exporters.as_ref().map(|content| definitions::exporters(&text(content)).1);
    // A local file's bad section disables itself; one that is pushed can still be put right by who pushes it.
    if let Some(note) = checks.into_iter().chain(exporters).flatten().next() {
        return Err(Verdict::Bad(note));
    }
    if let Some(push) = &new.push {
        AuthFile::open(&push.auth_file).map_err(|error| bad(&error))?;
    }
    listen::tls(&new.tls).map_err(|error| bad(&error))?;
    match new.listen {
        Some(mut wanted) => {
            // A port that we listen at ourselves is free once we leave it.
            if running.listen.as_ref().is_some_and(|listen| listen.port == wanted.port) {
                wanted.port = 0;
            }
            listen::bind(&wanted).map(drop).map_err(|error| bad(&error))
        }
        None => Ok(()),
    }
}

fn may(running: &Settings, new: &Settings, pushed: &Pushed) -> Result<(), Verdict> {
    let forbidden =
        |what: &str| Err(Verdict::Forbidden(format!("{what}, and the local file does not set config-update-commands")));
    if let (Some(content), Some(path)) = (&pushed.checks, &running.checks_file)
        && *content != std::fs::read(path).unwrap_or_default()
    {
        return forbidden("custom checks are changed");
    }
    if new.takes_commands {
        return forbidden("config-update-commands is set");
    }
    if paths(new) != paths(running) {
        return forbidden("other files are named");
    }
    if new.own != running.own {
        return forbidden("the section [edgewatch] is changed");
    }
    Ok(())
}

/// The files that are written, or shown as they are.
fn paths(settings: &Settings) -> [Option<&Path>; 7] {
    let tls = &settings.tls;
    [
        settings.checks_file.as_deref(),
        settings.exporters_file.as_deref(),
        Some(settings.auth_file.as_path()),
        tls.csr.as_deref(),
        tls.certificate.as_deref(),
        tls.key.as_deref(),
        tls.authority.as_deref(),
    ]
}

fn text(content: &[u8]) -> String {
    String::from_utf8_lossy(content).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDirectory;

    const CHECKS: &str = "[a]\ncommand = true\nenabled = true\n";

    /// A running configuration with these lines, and what becomes of a push on it.
    struct Bench {
        directory: TestDirectory,
        running: Settings,
    }

    impl Bench {
        fn new(lines: &str) -> Self {
            let directory = TestDirectory::new();
            std::fs::write(directory.path().join("customchecks.ini"), CHECKS).unwrap();
            let running = settings::parse(&main(lines), &directory.path().join("config.ini")).unwrap();
            Self { directory, running }
        }

        fn verdict(&self, lines: &str, checks: Option<&str>, exporters: Option<&str>) -> Verdict {
            let bytes = |text: &str| text.as_bytes().to_vec();
            let pushed =
                Pushed { main: main(lines).into_bytes(), checks: checks.map(bytes), exporters: exporters.map(bytes) };
            judge(&self.running, &pushed)
        }
    }

    fn main(lines: &str) -> String {
        format!("[default]\nport = 0\naddress = 127.0.0.1\n{lines}\n")
    }

    fn is_bad(verdict: &Verdict, words: &str) -> bool {
        matches!(verdict, Verdict::Bad(why) if why.contains(words))
    }

    fn is_forbidden(verdict: &Verdict, words: &str) -> bool {
        matches!(verdict, Verdict::Forbidden(why) if why.contains(words))
    }

    #[test]
    fn what_can_be_loaded_is_taken_and_what_cannot_is_told() {
        let bench = Bench::new("");
        assert_eq!(bench.verdict("interval = 60", Some(CHECKS), Some("")), Verdict::Taken);
        assert_eq!(bench.verdict("", None, Some("[n]\nenabled=1\nport=1\npath=/\ninterval=15\n")), Verdict::Taken);
        for (lines, words) in [
            ("interval = often", "interval"),
            ("nonsense", "line 4"),
            ("auth = hunter2", "colon"),
            ("certfile = /none\nkeyfile = /none", "/none"),
            ("address = 192.0.2.1", "192.0.2.1"),
            ("[oitc]\nenabled = 1\nurl = h:1", "url"),
        ] {
            let verdict = bench.verdict(lines, None, None);
            assert!(is_bad(&verdict, words), "{lines}: {verdict:?}");
        }
        assert!(is_bad(&bench.verdict("", None, Some("[n]\nenabled=1\n")), "exporter n"));
    }

    #[test]
    fn commands_come_from_outside_only_where_the_local_file_says_so() {
        let other = "[a]\ncommand = evil\nenabled = true\n";
        let bench = Bench::new("");
        for checks in [other, "", "[a]\ncommand = true\nenabled = false\n"] {
            assert!(is_forbidden(&bench.verdict("", Some(checks), None), "custom checks"), "{checks}");
        }
        let open = Bench::new("config-update-commands = True");
        assert_eq!(open.verdict("config-update-commands = True", Some(other), None), Verdict::Taken);
        assert_eq!(open.verdict("", Some(""), None), Verdict::Taken);
        assert!(is_bad(&open.verdict("", Some("[a]\ncommand =\n"), None), "no command"));
    }

    #[test]
    fn no_way_round_by_another_file_leads_to_commands_or_to_what_is_not_to_be_shown() {
        let bench = Bench::new("");
        let checks = bench.directory.path().join("customchecks.ini").display().to_string();
        for lines in [
            "config-update-commands = True".to_owned(),
            "customchecks = /tmp/evil.ini".to_owned(),
            "customchecks =".to_owned(),
            format!("[prometheus]\nexporters = {checks}"),
            "[prometheus]\nexporters = /etc/shadow".to_owned(),
            format!("[oitc]\nauthfile = {checks}"),
            format!("autossl-csr-file = {checks}"),
            format!("autossl-crt-file = {checks}"),
            format!("autossl-key-file = {checks}"),
            format!("autossl-ca-file = {checks}"),
            "[edgewatch]\nsecret_file = /etc/shadow".to_owned(),
        ] {
            let verdict = bench.verdict(&lines, None, None);
            assert!(is_forbidden(&verdict, "config-update-commands"), "{lines}: {verdict:?}");
        }
        // A path that is spelled out and stays the same is no change.
        assert_eq!(bench.verdict(&format!("customchecks = {checks}"), None, None), Verdict::Taken);
    }
}
