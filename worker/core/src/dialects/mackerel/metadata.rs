//! Documents that programs keep. Source: mackerel specification, 3.13.

use serde::Serialize;
use serde::de::IgnoredAny;

use super::read::parse;
use crate::failure::Failure;

/// The largest document.
pub const MAX_DOCUMENT_BYTES: usize = 100 * 1024;

/// `GET …/metadata`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MetadataListReply {
    /// By name.
    pub metadata: Vec<NamespacePart>,
}

/// The name of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NamespacePart {
    /// The name.
    pub namespace: String,
}

impl MetadataListReply {
    /// The list of these names.
    pub fn of(namespaces: Vec<String>) -> Self {
        Self { metadata: namespaces.into_iter().map(|namespace| NamespacePart { namespace }).collect() }
    }
}

/// The document that a body is, as it was sent: any JSON, a bare text or null too.
///
/// # Errors
/// [`Failure::Malformed`] for what is none.
pub fn read_document(body: &[u8]) -> Result<String, Failure> {
    parse::<IgnoredAny>(body)?;
    let text = std::str::from_utf8(body).map_err(|error| Failure::Malformed { detail: error.to_string() })?;
    Ok(text.trim_ascii().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_json_is_a_document_and_stays_as_it_is() {
        for (body, expected) in
            [("null\n", "null"), ("\"a\"", "\"a\""), (" {\"b\":1, \"a\":1.0} ", "{\"b\":1, \"a\":1.0}"), ("3", "3")]
        {
            assert_eq!(read_document(body.as_bytes()).unwrap(), expected);
        }
        for bad in [&b""[..], b"{", b"nul", b"\"\xff\"", b"1 2"] {
            assert!(read_document(bad).is_err(), "{bad:?}");
        }
    }
}
