//! The URL of an openITCOCKPIT server, and what is asked below it. Pure.
//!
//! Source: openitcockpit specification, 1.1.

use std::fmt;

/// What a push asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// To be known.
    Register,
    /// To take a result.
    CheckData,
    /// To take an inventory.
    PackageInfo,
}

impl Endpoint {
    fn path(self) -> &'static str {
        match self {
            Self::Register => "/agentconnector/register_agent.json",
            Self::CheckData => "/agentconnector/submit_checkdata.json",
            Self::PackageInfo => "/agentconnector/submit_package_info.json",
        }
    }
}

/// Why a text is no URL of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It begins otherwise.
    #[error("has no http:// or https:// at its beginning")]
    Scheme,
    /// There is none.
    #[error("names no server")]
    Host,
    /// A blank, a control character or another that must be escaped.
    #[error("holds what a URL cannot hold")]
    Characters,
}

/// A server: scheme, host and port, a path below which it answers, and a query that goes with every request.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    is_tls: bool,
    authority: String,
    path: String,
    query: Option<String>,
}

impl Target {
    /// Reads a URL. Name and password in it are left out: the API key takes the header that they would go by.
    ///
    /// # Errors
    /// [`TargetError`] when no request can be made of it.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TargetError::Scheme);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\<>^`{|}".contains(&byte)) {
            return Err(TargetError::Characters);
        }
        let (scheme, rest) = text.split_once("://").ok_or(TargetError::Scheme)?;
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(TargetError::Scheme),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query.to_owned())),
            None => (rest, None),
        };
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, path),
            None => (rest, ""),
        };
        let authority = authority.rsplit_once('@').map_or(authority, |(_, authority)| authority);
        let target = Self {
            is_tls,
            authority: authority.to_ascii_lowercase(),
            path: path.trim_end_matches('/').to_owned(),
            query,
        };
        if target.host().is_empty() { Err(TargetError::Host) } else { Ok(target) }
    }

    /// Where a request goes.
    pub fn url(&self, endpoint: Endpoint) -> String {
        let Self { authority, path, .. } = self;
        let slash = if path.is_empty() { "" } else { "/" };
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}://{authority}{slash}{path}{}{query}", self.scheme(), endpoint.path())
    }

    /// Scheme, host and port: what may be told in a log.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority)
    }

    /// Whether it is spoken to by TLS.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    fn scheme(&self) -> &'static str {
        if self.is_tls { "https" } else { "http" }
    }

    /// The host, without a port, an address of IPv6 in its brackets.
    fn host(&self) -> &str {
        match self.authority.split_once(']') {
            Some((address, _)) => address,
            None => self.authority.split(':').next().unwrap_or_default(),
        }
    }
}

/// Where a redirect from `url` leads, when it may be followed with the key and the password: to the same host, and not from TLS to none.
pub fn redirected(url: &str, location: &str) -> Option<String> {
    let from = Target::parse(url).ok()?;
    let location = location.trim();
    if location.starts_with('/') && !location.starts_with("//") {
        return location.bytes().all(|byte| byte.is_ascii_graphic()).then(|| format!("{}{location}", from.origin()));
    }
    let full = if location.starts_with("//") { format!("{}:{location}", from.scheme()) } else { location.to_owned() };
    let to = Target::parse(&full).ok()?;
    (to.host() == from.host() && (to.is_tls || !from.is_tls)).then_some(full)
}

/// Without path and query, which may hold secrets.
impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.origin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_path_port_and_query_survive() {
        for (url, expected) in [
            ("https://h", "https://h/agentconnector/register_agent.json"),
            ("https://h/", "https://h/agentconnector/register_agent.json"),
            ("HTTP://H:8080", "http://h:8080/agentconnector/register_agent.json"),
            ("https://h/base/path/?token=ab", "https://h/base/path/agentconnector/register_agent.json?token=ab"),
            ("https://h?token=ab", "https://h/agentconnector/register_agent.json?token=ab"),
            ("https://user:pw@h/t", "https://h/t/agentconnector/register_agent.json"),
            ("http://[::1]:99/x", "http://[::1]:99/x/agentconnector/register_agent.json"),
        ] {
            assert_eq!(Target::parse(url).unwrap().url(Endpoint::Register), expected, "{url}");
        }
        let target = Target::parse("https://h").unwrap();
        assert!(target.url(Endpoint::CheckData).ends_with("/agentconnector/submit_checkdata.json"));
        assert!(target.url(Endpoint::PackageInfo).ends_with("/agentconnector/submit_package_info.json"));
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        for (url, error) in [
            ("", TargetError::Scheme),
            ("h:8080", TargetError::Scheme),
            ("ftp://h", TargetError::Scheme),
            ("https:///x", TargetError::Host),
            ("https://:80/x", TargetError::Host),
            ("https://a b", TargetError::Characters),
            ("https://a/\r\nX: y", TargetError::Characters),
        ] {
            assert_eq!(Target::parse(url), Err(error), "{url}");
        }
    }

    #[test]
    fn a_redirect_takes_secrets_nowhere_else() {
        let to = |location| redirected("https://h:1/a?b", location);
        assert_eq!(to("/c?d").as_deref(), Some("https://h:1/c?d"));
        assert_eq!(to("https://H:2/c").as_deref(), Some("https://H:2/c"));
        assert_eq!(to("//h/c").as_deref(), Some("https://h/c"));
        for elsewhere in ["http://h:1/c", "https://other/c", "//other/c", "c", "", "https://h@other/c", "/c\r\nx"] {
            assert_eq!(to(elsewhere), None, "{elsewhere}");
        }
        assert_eq!(redirected("http://h/a", "https://h/a").as_deref(), Some("https://h/a"));
    }
}
