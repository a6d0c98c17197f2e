//! `POST /api/config/export` and `/import`. Source: pulse specification, 10.
//!
//! What is encrypted, and how it is laid out, is here; keys are derived and ciphers run where the platform has them.

mod blob;
mod document;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::read::{self, bad, text};
use crate::failure::Failure;

pub use blob::{Blob, BlobError, KEY_ITERATIONS};
pub use document::{ExportDocument, Imported, read_document};

/// The shortest passphrase that an export is made with, bytes.
const MIN_PASSPHRASE_BYTES: usize = 12;

/// The body of an export.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportRequest {
    /// What the export is encrypted with.
    #[serde(default, deserialize_with = "text")]
    pub passphrase: String,
}

impl ExportRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] in the product's words.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let request: Self = read::parse(body)?;
        match request.passphrase.len() {
            0 => Err(bad("Passphrase is required")),
            1..MIN_PASSPHRASE_BYTES => Err(bad("Passphrase must be at least 12 characters long")),
            _ => Ok(request),
        }
    }
}

/// The answer to an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportReply {
    status: &'static str,
    /// Base64.
    data: String,
}

impl ExportReply {
    /// The answer with what was encrypted.
    pub fn new(blob: &Blob) -> Self {
        Self { status: "success", data: blob.encode() }
    }
}

/// The body of an import.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportRequest {
    /// What an export answered: its `data`, or all of the answer as text.
    #[serde(default, deserialize_with = "text")]
    pub data: String,
    /// What it was encrypted with.
    #[serde(default, deserialize_with = "text")]
    pub passphrase: String,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Whole {
    data: String,
}

impl ImportRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] in the product's words.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let mut request: Self = read::parse(body)?;
        if request.passphrase.is_empty() {
            return Err(bad("Passphrase is required"));
        }
        if let Ok(whole) = serde_json::from_str::<Whole>(&request.data) {
            request.data = whole.data;
        }
        if request.data.trim().is_empty() {
            return Err(bad("Import data is required"));
        }
        Ok(request)
    }
}

/// The answer to an import that went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportedReply {
    status: &'static str,
    message: &'static str,
}

impl ImportedReply {
    /// All of it was taken.
    pub const DONE: Self = Self { status: "success", message: "Configuration imported successfully" };
}
