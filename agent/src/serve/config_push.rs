//! `/config`: the files of the configuration, read and changed from outside where the local file allows it.
//!
//! Source: openitcockpit specification, 7. Differs from the original: what could not be loaded is not written, a key that is absent leaves
//! its file alone, and what would change commands is refused unless the local file allows that too.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::http::{Answer, Body};
use super::store::{self, Change};
use crate::log;

/// What the original says of everything that it cannot read.
const UNREADABLE: &str = "invalid json or base64 string";

/// Where the configuration lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFiles {
    /// The main file.
    pub main: PathBuf,
    /// The custom checks.
    pub checks: Option<PathBuf>,
    /// The exporters.
    pub exporters: Option<PathBuf>,
}

/// New contents, decoded; `None` leaves a file as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The main file's.
    pub main: Vec<u8>,
    /// The custom checks'.
    pub checks: Option<Vec<u8>>,
    /// The exporters'.
    pub exporters: Option<Vec<u8>>,
}

/// What is to become of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is written.
    Taken,
    /// It may not be, in words.
    Forbidden(String),
    /// It could not be loaded, in words.
    Bad(String),
}

/// Decides about a push.
pub type Judge = Box<dyn Fn(&Pushed) -> Verdict + Send + Sync>;

/// The route's work.
pub struct ConfigPush {
    /// Where the configuration lies.
    pub files: ConfigFiles,
    /// Who decides.
    pub judge: Judge,
}

/// The body of `GET /config`.
#[derive(Serialize)]
struct ConfigReply {
    configuration: String,
    customcheck_configuration: String,
    prometheus_exporter: String,
}

/// The body of `POST /config`.
#[derive(Deserialize)]
struct ConfigRequest {
    configuration: String,
    customcheck_configuration: Option<String>,
    prometheus_exporter: Option<String>,
}

impl ConfigPush {
    /// `GET /config`.
    pub fn show(&self) -> Answer {
        let encoded = |path: &Option<PathBuf>| {
            let content = path.as_ref().and_then(|path| store::read(path).ok().flatten());
            STANDARD.encode(content.unwrap_or_default())
        };
        let Ok(Some(main)) = store::read(&self.files.main) else {
            return Answer::error(500, "internal server error");
        };
        let reply = ConfigReply {
            configuration: STANDARD.encode(main),
            customcheck_configuration: encoded(&self.files.checks),
            prometheus_exporter: encoded(&self.files.exporters),
        };
        match serde_json::to_vec(&reply) {
            Ok(body) => Answer::json(Body::Own(body)),
            Err(_) => Answer::error(500, "internal server error"),
        }
    }

    /// `POST /config`. Status 200 means that it was written.
    pub fn take(&self, body: &[u8]) -> Answer {
        let Some(pushed) = decoded(body) else {
            log::warn(format_args!("a pushed configuration was refused: {UNREADABLE}"));
            return Answer::error(500, UNREADABLE);
        };
        match (self.judge)(&pushed) {
            Verdict::Taken => {}
            Verdict::Forbidden(why) => {
                log::warn(format_args!("a pushed configuration was refused: {why}"));
                return Answer::error(403, &why);
            }
            Verdict::Bad(why) => {
                log::warn(format_args!("a pushed configuration was refused: {why}"));
                return Answer::error(500, &format!("{UNREADABLE}\n{why}"));
            }
        }
        let mut changes = vec![Change { path: self.files.main.clone(), content: pushed.main }];
        for (path, content) in [(&self.files.checks, pushed.checks), (&self.files.exporters, pushed.exporters)] {
            if let (Some(path), Some(content)) = (path, content) {
                changes.push(Change { path: path.clone(), content });
            }
        }
        match store::write(&changes) {
            Ok(()) => {
                log::warn(format_args!("the configuration was changed by a push"));
                Answer::empty(200)
            }
            Err(why) => {
                log::warn(format_args!("a pushed configuration was not kept: {why}"));
                Answer::error(500, "internal server error")
            }
        }
    }
}

fn decoded(body: &[u8]) -> Option<Pushed> {
    let request: ConfigRequest = serde_json::from_slice(body).ok()?;
    let optional = |text: Option<String>| text.map(|text| STANDARD.decode(text)).transpose().ok();
    Some(Pushed {
        main: STANDARD.decode(request.configuration).ok().filter(|main| !main.is_empty())?,
        checks: optional(request.customcheck_configuration)?,
        exporters: optional(request.prometheus_exporter)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDirectory;

    fn push(directory: &TestDirectory, verdict: &Verdict) -> ConfigPush {
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("main"), "[default]\n").unwrap();
        std::fs::write(at("exporters"), "[x]\n").unwrap();
        let verdict = verdict.clone();
        ConfigPush {
            files: ConfigFiles { main: at("main"), checks: Some(at("checks")), exporters: Some(at("exporters")) },
            judge: Box::new(move |_| verdict.clone()),
        }
    }

    fn said(answer: &Answer) -> (u16, String) {
        (answer.status, String::from_utf8(answer.body.bytes().to_vec()).unwrap())
    }

    #[test]
    fn what_is_shown_can_be_posted_back() {
        let directory = TestDirectory::new();
        let push = push(&directory, &Verdict::Taken);
        let (status, shown) = said(&push.show());
        let expected =
            r#"{"configuration":"W2RlZmF1bHRdCg==","customcheck_configuration":"","prometheus_exporter":"W3hdCg=="}"#;
        assert_eq!((status, shown.as_str()), (200, expected));
        assert_eq!(said(&push.take(shown.as_bytes())), (200, String::new()));
        let text = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
        assert_eq!(
            (text("main"), text("checks"), text("exporters")),
            ("[default]\n".into(), String::new(), "[x]\n".into())
        );
    }

    #[test]
    fn an_absent_key_leaves_its_file_alone_and_an_empty_one_empties_it() {
        let directory = TestDirectory::new();
        let push = push(&directory, &Verdict::Taken);
        let text = |name: &str| std::fs::read_to_string(directory.path().join(name)).ok();
        assert_eq!(push.take(br#"{"configuration":"YQ==","customcheck_configuration":null,"other":1}"#).status, 200);
        assert_eq!((text("main"), text("checks"), text("exporters")), (Some("a".into()), None, Some("[x]\n".into())));
        assert_eq!(push.take(br#"{"configuration":"YQ==","prometheus_exporter":""}"#).status, 200);
        assert_eq!(text("exporters"), Some(String::new()));
    }

    #[test]
    fn what_cannot_be_read_or_loaded_changes_nothing_and_is_told() {
        let directory = TestDirectory::new();
        let good = push(&directory, &Verdict::Taken);
        for body in [
            "",
            "x",
            "{}",
            r#"{"configuration":""}"#,
            r#"{"configuration":"!"}"#,
            r#"{"configuration":7}"#,
            r#"{"configuration":"YQ==","customcheck_configuration":"!"}"#,
            r#"{"configuration":"YQ==","prometheus_exporter":[]}"#,
        ] {
            assert_eq!(
                said(&good.take(body.as_bytes())),
                (500, "invalid json or base64 string\n".to_owned()),
                "{body}"
            );
        }
        let bad = push(&directory, &Verdict::Bad("line 3".to_owned()));
        let body = br#"{"configuration":"YQ=="}"#;
        assert_eq!(said(&bad.take(body)), (500, "invalid json or base64 string\nline 3\n".to_owned()));
        let forbidden = push(&directory, &Verdict::Forbidden("no commands".to_owned()));
        assert_eq!(said(&forbidden.take(body)), (403, "no commands\n".to_owned()));
        assert_eq!(std::fs::read_to_string(directory.path().join("main")).unwrap(), "[default]\n");
        std::fs::remove_file(directory.path().join("main")).unwrap();
        assert_eq!(said(&good.show()), (500, "internal server error\n".to_owned()));
    }
}
