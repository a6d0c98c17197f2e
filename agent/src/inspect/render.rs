//! JSON as the stock agent writes it: compact, and with what HTML would take for its own escaped.

use std::io::{self, Write};
use std::sync::Arc;

use edgewatch_core::dialects::openitcockpit::result::Document;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// Go's way with texts.
struct Escaped;

impl Formatter for Escaped {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut letters = tail.chars();
            let escaped = letters.next().map_or(0, u32::from);
            write!(writer, "\\u{escaped:04x}")?;
            rest = letters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// The bytes of `value`, once, for all who read them. What cannot be written is an error in its place.
pub fn json(value: &impl Serialize) -> Arc<[u8]> {
    let mut bytes = Vec::new();
    match value.serialize(&mut Serializer::with_formatter(&mut bytes, Escaped)) {
        Ok(()) => bytes.into(),
        Err(error) => {
            let failed = Document { error: Some(error.to_string()), ..Document::default() };
            serde_json::to_vec(&failed).unwrap_or_default().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_html_would_take_for_its_own_is_escaped() {
        let text = "a<b>&\u{2028}é\"\n\u{2029}";
        let json = json(&text);
        let written = std::str::from_utf8(&json).unwrap();
        assert_eq!(written, r#""a\u003cb\u003e\u0026\u2028é\"\n\u2029""#);
        assert_eq!(serde_json::from_str::<String>(written).unwrap(), text);
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let map = std::collections::HashMap::from([(vec![1], 1)]);
        assert_eq!(&*json(&map), br#"{"error":"key must be a string"}"#);
    }
}
