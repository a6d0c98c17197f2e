//! Where a server is: scheme, host and port.

use super::error::ApiError;

/// A server's URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    is_tls: bool,
    host: String,
    port: u16,
}

impl Place {
    /// `https://host:port`, with or without a scheme (https) and a port (`port`); a path behind it is left out.
    ///
    /// # Errors
    /// When there is no host, or the port is none.
    pub fn parse(text: &str, port: u16) -> Result<Self, ApiError> {
        let text = text.trim();
        let (is_tls, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (None, Some(rest)) => (true, rest),
            (None, None) if !text.contains("://") => (true, text),
            _ => return Err(ApiError::nonsense("the host's URL is neither http nor https")),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let wrong = || ApiError::nonsense("the host's URL cannot be read");
        let (host, given) = match authority.strip_prefix('[') {
            Some(inside) => inside.split_once(']').ok_or_else(wrong)?,
            None => match authority.rfind(':') {
                Some(at) => authority.split_at(at),
                None => (authority, ""),
            },
        };
        let port = match given.strip_prefix(':') {
            Some(digits) => digits.parse().map_err(|_| wrong())?,
            None if given.is_empty() => port,
            None => return Err(wrong()),
        };
        if host.is_empty() || host.contains([' ', '@', '\r', '\n']) {
            return Err(wrong());
        }
        Ok(Self { is_tls, host: host.to_owned(), port })
    }

    /// The same by another address: a node of the same cluster.
    pub fn at(&self, address: &str) -> Self {
        Self { host: address.to_owned(), ..self.clone() }
    }

    /// Whether TLS is spoken there.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Name or address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as a header has them.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The URL.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.is_tls { "https" } else { "http" }, self.authority())
    }
}

/// A text as a part of a path or a query.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0').to_ascii_uppercase();
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_with_and_without_its_parts() {
        for (text, url) in [
            ("https://192.0.2.10:8006", "https://192.0.2.10:8006"),
            ("pve1.example.com", "https://pve1.example.com:8006"),
            ("http://127.0.0.1:81/", "http://127.0.0.1:81"),
            ("https://[2001:db8::1]:8006/x?y", "https://[2001:db8::1]:8006"),
            ("[2001:db8::1]", "https://[2001:db8::1]:8006"),
        ] {
            assert_eq!(Place::parse(text, 8006).unwrap().url(), url, "{text}");
        }
        for text in ["", "https://", "ftp://x", "x:y", "https://u@h", "h:99999", "[::1", "[::1]x", "a b"] {
            assert!(Place::parse(text, 8006).is_err(), "{text}");
        }
    }

    #[test]
    fn another_node_is_asked_in_the_same_way() {
        let place = Place::parse("http://pve1:81", 8006).unwrap();
        assert_eq!(place.at("2001:db8::2").url(), "http://[2001:db8::2]:81");
    }

    #[test]
    fn odd_letters_are_encoded() {
        assert_eq!(encoded("prod/web"), "prod%2Fweb");
        assert_eq!(encoded("pass word=1&2"), "pass%20word%3D1%262");
    }
}
