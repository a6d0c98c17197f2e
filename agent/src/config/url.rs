//! The server's base URL, and which proxy leads to it.

use super::{ConfigError, Environment};

/// A base URL without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    host: String,
    is_tls: bool,
}

impl BaseUrl {
    /// Reads a base URL. Plain HTTP is for this machine only, unless it is allowed.
    ///
    /// # Errors
    /// When it is no URL a report can be sent to.
    pub fn parse(text: &str, insecure_http: bool) -> Result<Self, ConfigError> {
        let text = text.trim().trim_end_matches('/');
        let wrong = |words: &str| {
            ConfigError::new(format!("url {words}; something like https://edgewatch.example.com is expected"))
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("has no https:// at its beginning"))?;
        let is_tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(wrong("is neither https:// nor http://")),
        };
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) || rest.contains(['?', '#', '"', '\\']) {
            return Err(wrong("holds what a base URL cannot hold"));
        }
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return Err(wrong("must not hold a name or a password"));
        }
        let host = match authority.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        if host.is_empty() {
            return Err(wrong("names no server"));
        }
        let url = Self { text: text.to_owned(), host: host.to_ascii_lowercase(), is_tls };
        if !is_tls && !insecure_http && !url.is_loopback() {
            return Err(ConfigError::new(
                "url begins with http://: the secret would travel in the clear; use https://, or allow it with --insecure-http",
            ));
        }
        Ok(url)
    }

    /// The URL's text, no slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the server is spoken to by TLS.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The proxy that the environment names for this server.
    pub fn proxy(&self, environment: Environment<'_>) -> Option<String> {
        let first = |names: &[&str]| names.iter().find_map(|name| environment(name)).filter(|value| !value.is_empty());
        if self.is_loopback() || first(&["NO_PROXY", "no_proxy"]).is_some_and(|list| self.is_in(&list)) {
            return None;
        }
        // HTTP_PROXY in capitals may come from a request's header in a CGI program: only the small one is heard.
        let own: &[&str] = if self.is_tls { &["HTTPS_PROXY", "https_proxy"] } else { &["http_proxy"] };
        first(own).or_else(|| first(&["ALL_PROXY", "all_proxy"]))
    }

    fn is_in(&self, list: &str) -> bool {
        list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
            let entry = entry.to_ascii_lowercase();
            let suffix = entry.trim_start_matches('*').trim_start_matches('.');
            entry == "*"
                || self.host == suffix
                || self.host.strip_suffix(suffix).is_some_and(|before| before.ends_with('.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> BaseUrl {
        BaseUrl::parse(text, true).unwrap()
    }

    #[test]
    fn a_base_url_loses_its_last_slash() {
        assert_eq!(url("https://watch.example.com/").as_str(), "https://watch.example.com");
        assert_eq!(url("https://example.com/watch/").as_str(), "https://example.com/watch");
    }

    #[test]
    fn plain_http_is_for_this_machine_or_by_permission() {
        for local in ["http://localhost:8787", "http://127.0.0.1", "http://127.1.2.3:1", "http://[::1]:8787"] {
            assert!(BaseUrl::parse(local, false).is_ok(), "{local}");
        }
        for remote in ["http://example.com", "http://10.0.0.1", "http://localhost.example.com", "http://[2001:db8::1]"]
        {
            assert!(BaseUrl::parse(remote, false).unwrap_err().to_string().contains("--insecure-http"), "{remote}");
            assert!(BaseUrl::parse(remote, true).is_ok(), "{remote}");
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for text in [
            "",
            "example.com",
            "ftp://example.com",
            "https://",
            "https://a b",
            "https://u:p@h",
            "https://h/?q=1",
            "https:///x",
        ] {
            assert!(BaseUrl::parse(text, true).is_err(), "{text}");
        }
    }

    fn proxied(url_text: &str, variables: &[(&str, &str)]) -> Option<String> {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        url(url_text).proxy(&|name| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
    }

    #[test]
    fn the_proxy_comes_from_the_environment() {
        let proxy = [("HTTPS_PROXY", "http://p:1"), ("ALL_PROXY", "http://q:2")];
        assert_eq!(proxied("https://example.com", &proxy).as_deref(), Some("http://p:1"));
        assert_eq!(proxied("http://example.com", &proxy).as_deref(), Some("http://q:2"));
        assert_eq!(proxied("http://localhost:1", &proxy), None);
        assert_eq!(proxied("https://example.com", &[]), None);
    }

    #[test]
    fn no_proxy_lists_hosts_and_domains() {
        let with =
            |list| proxied("https://watch.example.com", &[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", list)]).is_none();
        assert!(with("example.com") && with(".example.com") && with("a, watch.example.com") && with("*"));
        assert!(!with("ample.com") && !with("other.example.com") && !with(""));
    }
}
