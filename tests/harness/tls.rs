//! Certificates for servers on loopback, made for one run.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

/// One who signs certificates for `localhost`.
#[derive(Clone)]
pub struct Authority {
    /// Its own certificate, to be trusted.
    pub pem: String,
    /// A server with a certificate that it signed.
    pub server: Arc<ServerConfig>,
    /// SHA-256 of that certificate, hex.
    pub fingerprint: String,
}

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let key = || KeyPair::generate().expect("a key can be made");
        let authority_key = key();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = authority.self_signed(&authority_key).expect("a certificate can be made").pem();
        let own_key = key();
        let own = CertificateParams::new(["localhost".to_owned()]).expect("localhost is a name");
        let own = own.signed_by(&own_key, &Issuer::new(authority, authority_key)).expect("a certificate can be signed");
        let fingerprint =
            Sha256::digest(own.der()).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let own_key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own_key.serialize_der()));
        let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has the usual versions")
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], own_key)
            .expect("the key fits the certificate");
        Self { pem, server: Arc::new(server), fingerprint }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
