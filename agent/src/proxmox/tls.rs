//! Whom to believe: a certificate that is trusted, one with a known fingerprint, or anybody.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};

use super::error::ApiError;
use edgewatch_core::dialects::native::proxmox::PollErrorKind;

/// Whom to believe. Source: pulse specification, 17.1.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Certificates that these vouch for.
    Roots(Arc<RootCertStore>),
    /// The certificate with this fingerprint, and no other.
    Pinned(Fingerprint),
    /// Anybody: most Proxmox have certificates of their own making.
    Anybody,
}

/// SHA-256 of a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Hex digits, with or without colons, in either case; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits = text.chars().filter(|letter| !matches!(letter, ':' | ' ')).map(|letter| letter.to_digit(16));
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            let both = digits.next()?? * 16 + digits.next()??;
            *byte = u8::try_from(both).ok()?;
        }
        digits.next().is_none().then_some(Self(bytes))
    }

    fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate.as_ref()).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fingerprint({self})")
    }
}

/// How TLS is spoken with one server, and what it showed last.
#[derive(Debug, Clone)]
pub struct Tls {
    /// For connections.
    pub config: Arc<ClientConfig>,
    judge: Arc<Judge>,
}

impl Tls {
    /// TLS with a server that is believed by `trust`.
    ///
    /// # Errors
    /// When the library cannot speak it.
    pub fn new(trust: Trust) -> Result<Self, ApiError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let failed = |text: String| ApiError::new(PollErrorKind::Tls, text);
        let roots = match &trust {
            Trust::Roots(roots) => {
                let builder = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(&provider));
                Some(builder.build().map_err(|error| failed(error.to_string()))?)
            }
            _ => None,
        };
        let judge = Arc::new(Judge { trust, roots, provider: Arc::clone(&provider), seen: Mutex::default() });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&judge) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(2);
        Ok(Self { config: Arc::new(config), judge })
    }

    /// The fingerprint of the certificate that was shown last.
    pub fn seen(&self) -> Option<Fingerprint> {
        *self.judge.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Judge {
    trust: Trust,
    roots: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<Fingerprint>>,
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Fingerprint::of(certificate);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        match (&self.trust, &self.roots) {
            (_, Some(roots)) => roots.verify_server_cert(certificate, intermediates, name, ocsp, now),
            (Trust::Pinned(wanted), _) if *wanted != shown => {
                Err(Error::General(format!("the certificate is another one: its fingerprint is {shown}")))
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // Whoever shows a certificate must have its key, whoever that is.
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_with_and_without_colons_in_either_case() {
        let plain = "ab".repeat(32);
        let colons = ["AB"; 32].join(":");
        assert_eq!(Fingerprint::parse(&plain), Fingerprint::parse(&colons));
        assert_eq!(Fingerprint::parse(&plain).unwrap().to_string(), plain);
        for wrong in ["", "ab", &"ab".repeat(33), &"zz".repeat(32), &"ab".repeat(20)] {
            assert_eq!(Fingerprint::parse(wrong), None, "{wrong}");
        }
    }
}
