//! Auto-TLS: a request for a certificate, and what came of it.
//!
//! Source: openitcockpit specification, 6. Differs from the original: what is posted is looked at before anything is written, and only
//! certificates are, whatever else stood around them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{CertificateError, Error, RootCertStore};
use serde::Deserialize;

use super::store::Change;
use super::{csr, pem, store, tls};
use crate::{certificate, files, log};

/// Where the parts lie; an empty path in the configuration is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AutoFiles {
    /// The last request.
    pub csr: Option<PathBuf>,
    /// Our certificate.
    pub certificate: Option<PathBuf>,
    /// Our key.
    pub key: Option<PathBuf>,
    /// Who signed it, and may connect.
    pub authority: Option<PathBuf>,
}

impl AutoFiles {
    /// Certificate, key and authority, when all three files are there.
    pub fn complete(&self) -> Option<(&Path, &Path, &Path)> {
        let (certificate, key, authority) =
            (self.certificate.as_deref()?, self.key.as_deref()?, self.authority.as_deref()?);
        [certificate, key, authority].iter().all(|path| path.exists()).then_some((certificate, key, authority))
    }
}

/// The two routes' work.
#[derive(Debug)]
pub struct AutoTls {
    files: AutoFiles,
    host_name: String,
    /// Whether what is exchanged will be used.
    is_on: bool,
    one_at_a_time: Mutex<()>,
}

/// What a server posts.
#[derive(Deserialize)]
struct Posted {
    signed: String,
    ca: String,
}

impl AutoTls {
    /// For these files; `host_name` is who asks where nobody says a domain.
    pub fn new(files: AutoFiles, host_name: String, is_on: bool) -> Self {
        Self { files, host_name, is_on, one_at_a_time: Mutex::new(()) }
    }

    /// A request for a certificate of `domain`, in PEM. Makes a key when there is none.
    ///
    /// # Errors
    /// In words.
    pub fn request(&self, domain: Option<String>) -> Result<String, String> {
        let _turn = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.files.key.as_deref().ok_or("there is no autossl-key-file")?;
        if !path.exists() {
            make_key(path)?;
        }
        let key = tls::key(path)?;
        let own = if self.host_name.is_empty() { "unknown" } else { &self.host_name };
        let name = domain.filter(|domain| !domain.is_empty()).unwrap_or_else(|| own.to_owned());
        let request = csr::request(&name, &*key).map_err(|error| error.to_string())?;
        if let Some(path) = &self.files.csr
            && let Err(error) = files::replace(path, &request, 0o600, None)
        {
            log::warn(format_args!("cannot write {}: {error}", path.display()));
        }
        Ok(request)
    }

    /// Takes what a server signed and by whom it may be known, given as JSON.
    ///
    /// # Errors
    /// In words; nothing was written then.
    pub fn take(&self, body: &[u8]) -> Result<(), String> {
        let _turn = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let posted: Posted =
            serde_json::from_slice(body).map_err(|error| format!("the body is not as expected: {error}"))?;
        let (Some(certificate), Some(key), Some(authority)) =
            (&self.files.certificate, &self.files.key, &self.files.authority)
        else {
            return Err("autossl-crt-file, autossl-key-file or autossl-ca-file is empty".to_owned());
        };
        let signed = parsed(&posted.signed).map_err(|error| format!("`signed` {error}"))?;
        let by = parsed(&posted.ca).map_err(|error| format!("`ca` {error}"))?;
        judge(&signed, &by, tls::key(key)?, now())?;
        let change = |path: &Path, certificates: &[CertificateDer<'_>]| Change {
            path: path.to_owned(),
            content: certificates.iter().map(|der| pem::encode("CERTIFICATE", der)).collect::<String>().into_bytes(),
        };
        store::write(&[change(certificate, &signed), change(authority, &by)])?;
        log::warn(format_args!(
            "Auto-TLS: a certificate was taken, and who may connect with it{}",
            if self.is_on { "" } else { "; try-autossl is off, so it is not used" }
        ));
        Ok(())
    }
}

fn now() -> UnixTime {
    UnixTime::since_unix_epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn parsed(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match found {
        Ok(found) if found.is_empty() => Err("holds no certificate".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(format!("is no PEM: {error}")),
    }
}

/// A key for this machine, of ECDSA over P-256. A key of another kind that lies there already is used.
fn make_key(path: &Path) -> Result<(), String> {
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
    let made = made.map_err(|_| "no key can be made".to_owned())?;
    files::replace(path, pem::encode("PRIVATE KEY", made.as_ref()), 0o600, None)
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Whether these certificates can be served with that key.
fn judge(
    signed: &[CertificateDer<'static>],
    by: &[CertificateDer<'static>],
    key: Arc<dyn SigningKey>,
    now: UnixTime,
) -> Result<(), String> {
    let (own, between) = signed.split_first().ok_or("`signed` holds no certificate")?;
    match CertifiedKey::new(signed.to_vec(), key).keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(Error::InconsistentKeys(_)) => return Err("`signed` is not for our key".to_owned()),
        Err(error) => return Err(format!("`signed` cannot be used: {error}")),
    }
    let mut roots = RootCertStore::empty();
    for certificate in by {
        roots.add(certificate.clone()).map_err(|error| format!("`ca` holds what is none: {error}"))?;
    }
    // Signed this second by a machine whose clock runs ahead of ours, it is good all the same.
    let begins_s = certificate::outline(own).map_or(0, |outline| outline.begins_s);
    let begins = UnixTime::since_unix_epoch(std::time::Duration::from_secs(begins_s.max(0).unsigned_abs()));
    let at = now.max(begins);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let parsed = ParsedCertificate::try_from(own).map_err(|error| format!("`signed` cannot be used: {error}"))?;
    let algorithms = provider.signature_verification_algorithms.all;
    let as_server = verify_server_cert_signed_by_trust_anchor(&parsed, &roots, between, at, algorithms);
    let verdict = as_server.or_else(|error| {
        // A chain is a chain, whatever the certificate is said to be for.
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        verifier.map_err(|_| error)?.verify_client_cert(own, between, at).map(drop)
    });
    verdict.map_err(|error| match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "`signed` is not signed by `ca`".to_owned()
        }
        Error::InvalidCertificate(error) => format!("`signed` {}", certificate::reason(&error, own)),
        error => format!("`signed` cannot be used: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::testing::TestDirectory;
    use rcgen::{
        BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair, date_time_ymd,
    };

    fn files(directory: &TestDirectory) -> AutoFiles {
        let at = |name: &str| Some(directory.path().join(name));
        AutoFiles { csr: at("agent.csr"), certificate: at("agent.crt"), key: at("agent.key"), authority: at("ca.crt") }
    }

    fn authority() -> (String, Issuer<'static, KeyPair>) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), Issuer::new(params, key))
    }

    /// Signed as the stock server signs: the subject of the request, and nothing else of it.
    fn signed(request: &str, issuer: &Issuer<'_, KeyPair>, change: impl FnOnce(&mut CertificateParams)) -> String {
        let mut request = CertificateSigningRequestParams::from_pem(request).unwrap();
        request.params.subject_alt_names.clear();
        change(&mut request.params);
        request.signed_by(issuer).unwrap().pem()
    }

    fn body(signed: &str, ca: &str) -> Vec<u8> {
        serde_json::to_vec(&serde_json::json!({ "signed": signed, "ca": ca })).unwrap()
    }

    #[test]
    fn the_key_is_made_once_and_is_private() {
        let directory = TestDirectory::new();
        let auto = AutoTls::new(files(&directory), "web01".to_owned(), true);
        let first = auto.request(None).unwrap();
        let key = std::fs::read(directory.path().join("agent.key")).unwrap();
        assert_eq!(std::fs::metadata(directory.path().join("agent.key")).unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(directory.path().join("agent.csr")).unwrap(), first);
        auto.request(Some("other.example.com".to_owned())).unwrap();
        assert_eq!(std::fs::read(directory.path().join("agent.key")).unwrap(), key);
        assert!(auto.request(Some("no name".to_owned())).is_err());
        assert!(AutoTls::new(AutoFiles::default(), String::new(), true).request(None).is_err());
    }

    #[test]
    fn only_a_certificate_of_our_key_and_that_authority_is_taken() {
        let directory = TestDirectory::new();
        let auto = AutoTls::new(files(&directory), "web01".to_owned(), true);
        let request = auto.request(None).unwrap();
        let (ca, issuer) = authority();
        let (other_ca, _) = authority();
        let good = signed(&request, &issuer, |_| ());
        let foreign = CertificateParams::default().signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().pem();
        let ended = signed(&request, &issuer, |params| params.not_after = date_time_ymd(2020, 1, 1));
        for (signed, ca, words) in [
            ("garbage", ca.as_str(), "`signed` holds no certificate"),
            (good.as_str(), "garbage", "`ca` holds no certificate"),
            (&foreign, &ca, "not for our key"),
            (&good, &other_ca, "not signed by `ca`"),
            (&ended, &ca, "has expired"),
        ] {
            let error = auto.take(&body(signed, ca)).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        assert!(auto.take(b"{}").is_err() && auto.take(b"garbage").is_err());
        assert!(files(&directory).complete().is_none(), "nothing was written");
        auto.take(&body(&format!("[evil]\ncommand = x\n{good}"), &ca)).unwrap();
        let (certificate, _, authority) =
            files(&directory).complete().map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())).unwrap();
        assert_eq!(std::fs::read_to_string(certificate).unwrap().lines().next(), Some("-----BEGIN CERTIFICATE-----"));
        assert_eq!(std::fs::metadata(authority).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_certificate_signed_by_a_clock_ahead_of_ours_or_for_clients_is_taken() {
        let directory = TestDirectory::new();
        let auto = AutoTls::new(files(&directory), "web01".to_owned(), true);
        let request = auto.request(None).unwrap();
        let (ca, issuer) = authority();
        let ahead = signed(&request, &issuer, |params| params.not_before = date_time_ymd(2090, 1, 1));
        auto.take(&body(&ahead, &ca)).unwrap();
        let client = signed(&request, &issuer, |params| {
            params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        });
        auto.take(&body(&client, &ca)).unwrap();
    }
}
