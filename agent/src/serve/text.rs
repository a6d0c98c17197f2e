//! Paths and queries as URLs write them. Pure.

use std::fmt::Write;

/// A text with its `%41` decoded; `None` when one is none, or what comes out is no text or holds a control character.
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let (high, low) = (digit(rest.next())?, digit(rest.next())?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains(char::is_control))
}

/// A path that may stand in a header: what a path does not hold is written as `%41`.
pub fn percent_encoded(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@!$&'()*+,;=".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // A text takes it.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// A path without empty parts, `.` and `..`; a slash at its end stays.
pub fn cleaned(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut clean = format!("/{}", parts.join("/"));
    if path.ends_with('/') && clean.len() > 1 {
        clean.push('/');
    }
    clean
}

/// The value of a name in a query, decoded; the first of several.
pub fn query_value(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = |text: &str| percent_decoded(&text.replace('+', " "));
        (decoded(found)? == name).then(|| decoded(value))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        for (path, clean) in [
            ("/", "/"),
            ("//", "/"),
            ("/config", "/config"),
            ("/config/", "/config/"),
            ("//config", "/config"),
            ("/a/../config", "/config"),
            ("/./config/.", "/config"),
            ("/../..", "/"),
            ("/a//b/", "/a/b/"),
        ] {
            assert_eq!(cleaned(path), clean, "{path}");
        }
    }

    #[test]
    fn what_is_escaped_comes_back_and_controls_never_do() {
        assert_eq!(percent_decoded("/a%20b%C3%a4").as_deref(), Some("/a bä"));
        for wrong in ["%", "%4", "%zz", "%ff", "%0d%0a", "a\u{7f}"] {
            assert_eq!(percent_decoded(wrong), None, "{wrong}");
        }
        assert_eq!(percent_encoded("/a b?ä\""), "/a%20b%3F%C3%A4%22");
    }

    #[test]
    fn queries_are_read() {
        assert_eq!(query_value("a=1&exporter=node+x%2B&exporter=z", "exporter").as_deref(), Some("node x+"));
        assert_eq!(query_value("exporter", "exporter").as_deref(), Some(""));
        assert_eq!((query_value("", "exporter"), query_value("exporters=x", "exporter")), (None, None));
    }
}
