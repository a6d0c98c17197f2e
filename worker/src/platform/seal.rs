//! Secrets at rest: AES-256-GCM under the Worker secret `EDGEWATCH_KEY`.
//!
//! A sealed text is `<key number>:<base64 of nonce (12 bytes) and ciphertext>`. The key number is in front so that a new
//! key can be brought in while old texts still open.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgewatch_core::failure::Failure;

use super::random;

const NONCE_BYTES: usize = 12;
/// The number of the one key there is so far.
const KEY_NUMBER: u32 = 1;

/// The key that secrets are sealed under.
#[derive(Clone)]
pub struct SealKey(Key<Aes256Gcm>);

impl SealKey {
    /// The key in `text`: base64 of 32 bytes. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 32] = STANDARD.decode(text.trim()).ok()?.try_into().ok()?;
        Some(Self(Key::<Aes256Gcm>::from(bytes)))
    }

    /// `text`, sealed.
    ///
    /// # Errors
    /// [`Failure::Internal`] without randomness.
    pub fn seal(&self, text: &str) -> Result<String, Failure> {
        let mut nonce = [0; NONCE_BYTES];
        random::fill(&mut nonce)?;
        let sealed = Aes256Gcm::new(&self.0).encrypt(Nonce::from_slice(&nonce), text.as_bytes());
        let sealed = sealed.map_err(|_| Failure::Internal("a secret could not be sealed".to_owned()))?;
        Ok(format!("{KEY_NUMBER}:{}", STANDARD.encode([&nonce[..], &sealed].concat())))
    }

    /// The text in `sealed`.
    ///
    /// # Errors
    /// [`Failure::Internal`] when it was sealed under another key or is damaged.
    pub fn open(&self, sealed: &str) -> Result<String, Failure> {
        let broken = || Failure::Internal("a sealed secret does not open; was EDGEWATCH_KEY changed?".to_owned());
        let (number, text) = sealed.split_once(':').ok_or_else(broken)?;
        if number != KEY_NUMBER.to_string() {
            return Err(broken());
        }
        let bytes = STANDARD.decode(text).map_err(|_| broken())?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES).ok_or_else(broken)?;
        let opened = Aes256Gcm::new(&self.0).decrypt(Nonce::from_slice(nonce), sealed).map_err(|_| broken())?;
        String::from_utf8(opened).map_err(|_| broken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealKey {
        SealKey::parse(&STANDARD.encode([byte; 32])).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_under_its_key_alone() {
        let sealed = key(1).seal("https://example.com/hook").unwrap();
        assert_eq!(key(1).open(&sealed).unwrap(), "https://example.com/hook");
        assert!(key(2).open(&sealed).is_err());
        assert_ne!(sealed, key(1).seal("https://example.com/hook").unwrap());
        for damaged in ["", "1:", "2:AAAA", "1:AAAA", &sealed[..sealed.len() - 4]] {
            assert!(key(1).open(damaged).is_err(), "{damaged}");
        }
    }

    #[test]
    fn a_key_is_base64_of_32_bytes() {
        assert!(SealKey::parse("short").is_none());
        assert!(SealKey::parse(&STANDARD.encode([0; 31])).is_none());
    }
}
