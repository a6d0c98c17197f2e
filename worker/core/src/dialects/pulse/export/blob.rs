//! How an export is laid out: base64 of salt, nonce, and what AES-256-GCM makes of the document. Source: pulse specification, 10.3.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use thiserror::Error;

use crate::dialects::pulse::read::bad;
use crate::failure::Failure;

/// How often the key is derived (PBKDF2, HMAC-SHA-256, 32 bytes): as exports are made, and as those of 6.x are. A reader tries both, in
/// this order.
pub const KEY_ITERATIONS: [u32; 2] = [100_000, 600_000];
/// Bytes of the salt.
const SALT_BYTES: usize = 32;
/// Bytes of the nonce.
const NONCE_BYTES: usize = 12;
/// Bytes of the tag behind the ciphertext.
const TAG_BYTES: usize = 16;

/// People copy exports by hand: an end without padding is as good as one with it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An encrypted export. There is no associated data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// What the key was derived with.
    pub salt: [u8; SALT_BYTES],
    /// Never twice with the same key.
    pub nonce: [u8; NONCE_BYTES],
    /// Ciphertext and tag.
    pub sealed: Vec<u8>,
}

/// Why an export cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BlobError {
    /// It is no base64.
    #[error("failed to decode import data: {0}")]
    Encoding(String),
    /// It is shorter than salt, nonce and tag.
    #[error("failed to decrypt import data: ciphertext too short")]
    Short,
    /// The passphrase is another one, or something was changed.
    #[error("failed to decrypt import data: cipher: message authentication failed")]
    Authentication,
    /// What was encrypted is no export.
    #[error("failed to parse import data: {0}")]
    Document(String),
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        bad(format!("Failed to import configuration: {error}"))
    }
}

impl Blob {
    /// The text that is handed out.
    pub fn encode(&self) -> String {
        STANDARD.encode([self.salt.as_slice(), &self.nonce, &self.sealed].concat())
    }

    /// What such a text holds; white space in it does not matter.
    ///
    /// # Errors
    /// [`BlobError::Encoding`] or [`BlobError::Short`].
    pub fn decode(text: &str) -> Result<Self, BlobError> {
        let text: String = text.split_ascii_whitespace().collect();
        let bytes = LENIENT.decode(text).map_err(|error| BlobError::Encoding(error.to_string()))?;
        let (salt, rest) = bytes.split_first_chunk::<SALT_BYTES>().ok_or(BlobError::Short)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(BlobError::Short)?;
        if sealed.len() < TAG_BYTES {
            return Err(BlobError::Short);
        }
        Ok(Self { salt: *salt, nonce: *nonce, sealed: sealed.to_vec() })
    }
}
