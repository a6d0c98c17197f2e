//! The routes: who may ask for what, and what is answered.
//!
//! Source: openitcockpit specification, 5.2, 5.3, 6, 7 and 11. `/debug/pprof` of the original is left out.

use std::net::IpAddr;
use std::sync::Arc;

use super::auth::Guard;
use super::autotls::AutoTls;
use super::config_push::ConfigPush;
use super::http::{Answer, Body, Head, NoBody};
use super::published::Published;
use super::text;
use crate::log;

/// Everything that is asked for lies here.
pub struct Site {
    /// What is shown.
    pub published: Arc<Published>,
    /// Who is let in.
    pub guard: Guard,
    /// Whether only known clients can connect.
    pub is_mutual: bool,
    /// Auto-TLS.
    pub auto_tls: AutoTls,
    /// `/config`, where the local file allows it.
    pub config: Option<ConfigPush>,
    /// Has everything begin anew with the files as they are now.
    pub reload: Box<dyn Fn() + Send + Sync>,
}

/// What is asked for, once it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `GET /`.
    Document,
    /// `GET /packages`.
    Packages,
    /// `GET /prometheus`, of one exporter or of their names.
    Prometheus(Option<String>),
    /// `GET /config`.
    ShowConfig,
    /// `POST /config`.
    TakeConfig,
    /// `GET /autotls`, for a domain where one is named.
    Request(Option<String>),
    /// `POST /autotls`.
    TakeCertificate,
}

impl Call {
    /// Whether it comes with a body.
    pub fn wants_body(&self) -> bool {
        matches!(self, Self::TakeConfig | Self::TakeCertificate)
    }
}

/// What is answered, and whether everything is to begin anew after it.
pub struct Outcome {
    /// The answer.
    pub answer: Answer,
    /// Whether [`Site::reload`] is due.
    pub reloads: bool,
}

impl Outcome {
    fn just(answer: Answer) -> Self {
        Self { answer, reloads: false }
    }
}

impl Site {
    /// What a request asks for; the answer when it may not. `local` is the address that it came in by.
    ///
    /// # Errors
    /// The refusal.
    pub fn admit(&self, head: &Head, local: IpAddr) -> Result<Call, Answer> {
        let clean = text::cleaned(&head.path);
        if clean != head.path {
            let query = if head.query.is_empty() { String::new() } else { format!("?{}", head.query) };
            return Err(Answer::moved(text::percent_encoded(&clean) + &query));
        }
        let parameter = |name: &str| text::query_value(&head.query, name);
        let call = match (clean.as_str(), head.method.as_str()) {
            ("/", "GET") => Call::Document,
            ("/packages", "GET") => Call::Packages,
            ("/prometheus", "GET") => Call::Prometheus(parameter("exporter").filter(|name| !name.is_empty())),
            ("/config", "GET") => Call::ShowConfig,
            ("/config", "POST") => Call::TakeConfig,
            ("/autotls", "GET") => Call::Request(parameter("domain")),
            ("/autotls", "POST") => Call::TakeCertificate,
            ("/" | "/packages" | "/prometheus" | "/config" | "/autotls", _) => return Err(Answer::empty(405)),
            _ => return Err(Answer::error(404, "404 page not found")),
        };
        if !self.guard.lets_in(head.authorization.as_deref()) {
            return Err(Answer::error(403, "Forbidden"));
        }
        if call.wants_body() && head.is_cross_site {
            // A page that somebody looks at on this machine must not change it.
            return Err(Answer::error(403, "Forbidden"));
        }
        if matches!(call, Call::ShowConfig | Call::TakeConfig) {
            self.may_config(head, local)?;
        }
        Ok(call)
    }

    fn may_config(&self, head: &Head, local: IpAddr) -> Result<(), Answer> {
        if self.config.is_none() {
            return Err(Answer::error(403, "config update is disabled"));
        }
        let is_known = self.guard.is_on() || self.is_mutual;
        if is_known || (local.to_canonical().is_loopback() && head.host.as_deref().is_none_or(is_this_machine)) {
            return Ok(());
        }
        let words = "config update needs basic authentication or Auto-TLS at this address";
        log::warn(format_args!("{words}"));
        Err(Answer::error(403, words))
    }

    /// Does it.
    pub fn perform(&self, call: Call, body: Result<Vec<u8>, NoBody>) -> Outcome {
        let body = match body {
            Ok(body) => body,
            Err(NoBody::TooLong) => return Outcome::just(Answer::error(413, "the body is longer than 1 MiB")),
            Err(NoBody::Unreadable) => return Outcome::just(Answer::error(500, "could not read body")),
        };
        match call {
            Call::Document => Outcome::just(Answer::json(Body::Shared(self.published.document()))),
            Call::Packages => Outcome::just(Answer::json(Body::Shared(self.published.packages()))),
            Call::Prometheus(name) => Outcome::just(self.prometheus(name.as_deref())),
            Call::ShowConfig => Outcome::just(match &self.config {
                Some(config) => config.show(),
                None => Answer::error(403, "config update is disabled"),
            }),
            Call::TakeConfig => {
                let answer = match &self.config {
                    Some(config) => config.take(&body),
                    None => Answer::error(403, "config update is disabled"),
                };
                Outcome { reloads: answer.status == 200, answer }
            }
            Call::Request(domain) => Outcome::just(match self.auto_tls.request(domain).map(|csr| CsrReply { csr }) {
                Ok(reply) => json(&reply),
                Err(why) => internal("GET /autotls", &why),
            }),
            Call::TakeCertificate => match self.auto_tls.take(&body) {
                Ok(()) => Outcome { answer: Answer::empty(200), reloads: true },
                Err(why) => Outcome::just(internal("POST /autotls", &why)),
            },
        }
    }

    fn prometheus(&self, name: Option<&str>) -> Answer {
        let Some(name) = name else { return json(&self.published.exporters()) };
        let body = match self.published.exporter(name) {
            Some(page) => Body::Shared(page),
            // Quirk: a status of success, and no newline.
            None => Body::Own(b"Unknown exporter".to_vec()),
        };
        Answer { content_type: Some("text/plain"), body, ..Answer::empty(200) }
    }
}

/// The body of `GET /autotls`.
#[derive(serde::Serialize)]
struct CsrReply {
    csr: String,
}

fn json(reply: &impl serde::Serialize) -> Answer {
    match serde_json::to_vec(reply) {
        Ok(body) => Answer::json(Body::Own(body)),
        Err(error) => internal("an answer", &error.to_string()),
    }
}

fn internal(what: &str, why: &str) -> Answer {
    log::warn(format_args!("{what}: {why}"));
    Answer::error(500, "internal server error")
}

/// Whether a `Host` header names this machine and no name that somebody could let point to it.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::time::Duration;

    use super::super::autotls::AutoFiles;
    use super::super::config_push::{ConfigFiles, Verdict};
    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    fn site(credentials: Option<&str>, is_mutual: bool, takes_config: bool) -> Site {
        let config = takes_config.then(|| ConfigPush {
            files: ConfigFiles { main: "/dev/null".into(), checks: None, exporters: None },
            judge: Box::new(|_| Verdict::Taken),
        });
        Site {
            published: Published::new(["node"].map(str::to_owned).into_iter(), Arc::from(&b"{}"[..])),
            guard: Guard::new(credentials),
            is_mutual,
            auto_tls: AutoTls::new(AutoFiles::default(), "x".to_owned(), true),
            config,
            reload: Box::new(|| ()),
        }
    }

    fn head(method: &str, target: &str) -> Head {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Head { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), ..Head::default() }
    }

    fn status(site: &Site, method: &str, target: &str, local: IpAddr) -> u16 {
        site.admit(&head(method, target), local).map_or_else(|answer| answer.status, |_| 200)
    }

    #[test]
    fn routes_and_methods_answer_as_the_original_does() {
        let open = site(None, false, true);
        for (method, target, expected) in [
            ("GET", "/", 200),
            ("GET", "/?x=y", 200),
            ("GET", "/config", 200),
            ("POST", "/config", 200),
            ("GET", "/autotls?domain=a", 200),
            ("POST", "/autotls", 200),
            ("GET", "/packages", 200),
            ("GET", "/prometheus?exporter=node", 200),
            ("POST", "/", 405),
            ("HEAD", "/", 405),
            ("OPTIONS", "/config", 405),
            ("POST", "/packages", 405),
            ("DELETE", "/autotls", 405),
            ("GET", "/config/", 404),
            ("GET", "/debug/pprof/", 404),
            ("GET", "/none", 404),
            ("GET", "//", 301),
            ("GET", "/a/../config", 301),
        ] {
            assert_eq!(status(&open, method, target, LOCAL), expected, "{method} {target}");
        }
        let moved = open.admit(&head("GET", "//a b?x=y"), LOCAL).unwrap_err();
        assert_eq!(moved.location.as_deref(), Some("/a%20b?x=y"));
    }

    #[test]
    fn credentials_guard_what_there_is_and_nothing_else() {
        let guarded = site(Some("u:p"), false, true);
        for (method, target, expected) in
            [("GET", "/", 403), ("POST", "/config", 403), ("POST", "/", 405), ("GET", "/none", 404), ("GET", "//", 301)]
        {
            assert_eq!(status(&guarded, method, target, OUTSIDE), expected, "{method} {target}");
        }
        let refusal = guarded.admit(&head("GET", "/"), OUTSIDE).unwrap_err();
        assert_eq!(refusal, Answer::error(403, "Forbidden"));
        let known = Head { authorization: Some("Basic dTpw".to_owned()), ..head("GET", "/config") };
        assert_eq!(guarded.admit(&known, OUTSIDE), Ok(Call::ShowConfig));
    }

    #[test]
    fn the_configuration_is_for_known_clients_or_for_this_machine() {
        let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let mapped = IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped());
        for (local, expected) in [(LOCAL, 200), (v6, 200), (mapped, 200), (OUTSIDE, 403)] {
            assert_eq!(status(&site(None, false, true), "POST", "/config", local), expected, "{local}");
            assert_eq!(status(&site(None, false, true), "GET", "/config", local), expected, "{local}");
        }
        assert_eq!(status(&site(None, true, true), "POST", "/config", OUTSIDE), 200, "mutual TLS");
        assert_eq!(
            site(None, false, false).admit(&head("GET", "/config"), LOCAL),
            Err(Answer::error(403, "config update is disabled"))
        );
        for (host, is_let_in) in [
            ("localhost:3333", true),
            ("127.0.0.1", true),
            ("[::1]:1", true),
            ("rebound.example.com", false),
            ("192.0.2.7:1", false),
        ] {
            let named = Head { host: Some(host.to_owned()), ..head("POST", "/config") };
            assert_eq!(site(None, false, true).admit(&named, LOCAL).is_ok(), is_let_in, "{host}");
        }
    }

    #[test]
    fn a_page_in_a_browser_changes_nothing() {
        for target in ["/config", "/autotls"] {
            let from_page = Head { is_cross_site: true, ..head("POST", target) };
            assert_eq!(site(None, false, true).admit(&from_page, LOCAL).unwrap_err().status, 403, "{target}");
        }
    }

    #[test]
    fn exporters_are_listed_and_shown() {
        let site = site(None, false, false);
        let said = |name: Option<&str>| {
            let answer = site.perform(Call::Prometheus(name.map(str::to_owned)), Ok(vec![])).answer;
            (answer.status, answer.content_type, String::from_utf8(answer.body.bytes().to_vec()).unwrap())
        };
        assert_eq!(said(None), (200, Some("application/json"), r#"["node"]"#.to_owned()));
        assert_eq!(said(Some("node")), (200, Some("text/plain"), "Unknown exporter".to_owned()));
        assert_eq!(said(Some("other")).2, "Unknown exporter");
        site.published.show_exporter("node", b"up 1\n".to_vec(), Duration::from_secs(9));
        assert_eq!(said(Some("node")), (200, Some("text/plain"), "up 1\n".to_owned()));
    }

    #[test]
    fn what_has_no_body_to_read_is_told_so() {
        let site = site(None, false, true);
        let said = |no_body| site.perform(Call::TakeConfig, Err(no_body)).answer;
        assert_eq!(said(NoBody::Unreadable), Answer::error(500, "could not read body"));
        assert_eq!(said(NoBody::TooLong).status, 413);
        assert_eq!(
            site.perform(Call::TakeCertificate, Ok(b"x".to_vec())).answer,
            Answer::error(500, "internal server error")
        );
    }
}
