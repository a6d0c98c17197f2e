//! Those who sign: a server's own authority as section 6.3 describes it, and strangers.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, IsCa, Issuer, KeyPair,
    PKCS_RSA_SHA512, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Made for these tests alone: a key of this length takes seconds to make.
const KEY: &str = include_str!("authority_key.txt");

/// A certificate and its key.
pub struct Pair {
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// The same in PEM.
    pub pem: String,
    /// The key in PEM.
    pub key_pem: String,
    key: Vec<u8>,
}

impl Pair {
    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        let (der, pem) = (certificate.der().clone(), certificate.pem());
        Self { certificate: der, pem, key_pem: key.serialize_pem(), key: key.serialize_der() }
    }

    /// The key.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()))
    }
}

/// One who signs.
pub struct Authority {
    /// Its own certificate and key: what an openITCOCKPIT server shows as its client certificate.
    pub own: Pair,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// An openITCOCKPIT server's: RSA of 4096 bits, SHA-512, a hundred years, for itself and for its agents.
    pub fn of_server() -> Self {
        let key = KeyPair::from_pem_and_sign_algo(KEY, &PKCS_RSA_SHA512).expect("the key is of RSA");
        Self::new("8f4a2c71.agentserver.oitc", key)
    }

    /// Somebody else's.
    pub fn stranger() -> Self {
        Self::new("stranger", KeyPair::generate().expect("a key can be made"))
    }

    fn new(name: &str, key: KeyPair) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = date_time_ymd(2126, 1, 1);
        let certificate = params.self_signed(&key).expect("a certificate can be made");
        Self { own: Pair::new(&certificate, &key), issuer: Issuer::new(params, key) }
    }

    /// Signs a request as the stock server does: its subject, no other names, ten years.
    pub fn sign(&self, request: &str) -> String {
        let mut request = CertificateSigningRequestParams::from_pem(request).expect("the request can be read");
        request.params.subject_alt_names.clear();
        request.params.not_after = date_time_ymd(2036, 1, 1);
        request.signed_by(&self.issuer).expect("a certificate can be signed").pem()
    }

    /// A client's certificate.
    pub fn client(&self, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let (mut params, key) = (named("client"), KeyPair::generate().expect("a key can be made"));
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate can be signed");
        Pair::new(&certificate, &key)
    }
}

/// One that nobody else signed.
pub fn self_signed() -> Pair {
    let key = KeyPair::generate().expect("a key can be made");
    let certificate = named("nobody").self_signed(&key).expect("a certificate can be made");
    Pair::new(&certificate, &key)
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
