//! How the server speaks TLS: with the administrator's certificate, or with that of Auto-TLS and with known clients alone.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::{Error, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};

use super::line::{Channel, Line};
use super::verify::{Trust, Verifier};
use crate::log;

/// A TLS record of a handshake begins with this. Source: RFC 8446, 5.1.
const HANDSHAKE: u8 = 22;
/// What a client of plain HTTP is told, as Go's server tells it.
const NO_TLS: &str = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
const BOTH_VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];
const NEWEST_VERSION: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// Our side of every handshake.
#[derive(Debug, Clone)]
pub struct Tls {
    provider: Arc<CryptoProvider>,
    versions: &'static [&'static SupportedProtocolVersion],
    own: Arc<SingleCertAndKey>,
    /// Who may connect; everybody when `None`.
    trust: Option<Arc<Trust>>,
}

impl Tls {
    /// Shows `chain`, lets `clients` connect (everybody when `None`), and speaks TLS 1.2 unless `is_modern`.
    ///
    /// # Errors
    /// In words, when the key is none of the certificate or nobody could connect.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: Arc<dyn SigningKey>,
        clients: Option<Vec<CertificateDer<'static>>>,
        is_modern: bool,
    ) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let own = CertifiedKey::new(chain, key);
        match own.keys_match() {
            // A kind of key whose public half the library does not tell.
            Ok(()) | Err(Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(Error::InconsistentKeys(_)) => return Err("the key is not that of the certificate".to_owned()),
            Err(error) => return Err(format!("the certificate cannot be used: {error}")),
        }
        let trust = clients.map(|clients| Trust::new(clients, &provider)).transpose()?;
        let versions = if is_modern { NEWEST_VERSION } else { BOTH_VERSIONS };
        Ok(Self { provider, versions, own: Arc::new(SingleCertAndKey::from(own)), trust })
    }

    /// Whether only known clients can connect.
    pub fn is_mutual(&self) -> bool {
        self.trust.is_some()
    }

    /// Shakes hands. `None` when there is nothing more to say; why is in the log.
    pub fn accept(&self, mut line: Line, peer: SocketAddr) -> Option<Channel> {
        // Who looks whether the port is open says nothing.
        if line.first()? != HANDSHAKE {
            let _ = line.write_all(NO_TLS.as_bytes());
            Channel::Plain(line).close();
            return None;
        }
        let verifier = self.trust.as_ref().map(Verifier::new);
        let mut connection = match self.connection(verifier.as_ref()) {
            Ok(connection) => connection,
            Err(error) => {
                log::warn(format_args!("TLS cannot be spoken: {error}"));
                return None;
            }
        };
        while connection.is_handshaking() {
            if let Err(error) = connection.complete_io(&mut line) {
                let refusal = verifier.as_ref().and_then(|verifier| verifier.take_refusal());
                tell(&error, refusal, peer);
                Channel::Plain(line).close();
                return None;
            }
        }
        Some(Channel::Tls(Box::new(StreamOwned::new(connection, line))))
    }

    /// Each connection has a configuration of its own: its verifier keeps what it found.
    fn connection(&self, verifier: Option<&Arc<Verifier>>) -> Result<ServerConnection, Error> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider));
        let builder = builder.with_protocol_versions(self.versions)?;
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(Arc::<Verifier>::clone(verifier)),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::<SingleCertAndKey>::clone(&self.own));
        // Who connects shows its certificate each time.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        ServerConnection::new(Arc::new(config))
    }
}

fn tell(error: &io::Error, refusal: Option<&'static str>, peer: SocketAddr) {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    match (cause, refusal) {
        (Some(Error::NoCertificatesPresented), _) => {
            log::warn(format_args!("{peer} was refused: it shows no client certificate"));
        }
        (_, Some(refusal)) => log::warn(format_args!("{peer} was refused: its certificate {refusal}")),
        (Some(Error::InvalidCertificate(_)), None) => {
            log::warn(format_args!("{peer} was refused: it cannot prove that its certificate is its own"));
        }
        _ => log::info(format_args!("no TLS with {peer}: {error}")),
    }
}

/// The certificates in a file.
///
/// # Errors
/// In words: it cannot be read, or holds none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("cannot read the certificates in {}: {error}", path.display());
    let found = CertificateDer::pem_file_iter(path).map_err(|error| cannot(&error))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|error| cannot(&error))?;
    if found.is_empty() { Err(cannot(&"there is none")) } else { Ok(found) }
}

/// The private key in a file: RSA, ECDSA or Ed25519; PKCS#8, PKCS#1 or SEC1.
///
/// # Errors
/// In words: it cannot be read, or is none of those.
pub fn key(path: &Path) -> Result<Arc<dyn SigningKey>, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("cannot use the key in {}: {error}", path.display());
    let der = PrivateKeyDer::from_pem_file(path).map_err(|error| cannot(&error))?;
    rustls::crypto::ring::sign::any_supported_type(&der).map_err(|error| cannot(&error))
}
