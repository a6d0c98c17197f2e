//! Who may connect under Auto-TLS.
//!
//! An openITCOCKPIT server shows its own certificate of an authority, which the library refuses to take for that of a client. So one that
//! lies, byte for byte, among those that are trusted is taken, provided that it is valid today; for any other the library decides.
//! Source: openitcockpit specification, 6.3.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

use crate::certificate::{self, Refusal};

/// Those who are trusted, and how a chain to them is verified.
#[derive(Debug)]
pub struct Trust {
    certificates: Vec<CertificateDer<'static>>,
    chains: Arc<dyn ClientCertVerifier>,
}

impl Trust {
    /// Trusts these, and whom they vouch for.
    ///
    /// # Errors
    /// In words, when there is none that can be used.
    pub fn new(
        certificates: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<Self>, String> {
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots
                .add(certificate.clone())
                .map_err(|error| format!("a certificate of the authority is none: {error}"))?;
        }
        let chains = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
        let chains = chains.map_err(|error| format!("the authority's certificates cannot be used: {error}"))?;
        Ok(Arc::new(Self { certificates, chains }))
    }

    fn verify(&self, shown: &CertificateDer<'_>, between: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Error> {
        if !self.certificates.iter().any(|known| known.as_ref() == shown.as_ref()) {
            return self.chains.verify_client_cert(shown, between, now).map(drop);
        }
        let outline = certificate::outline(shown).ok_or(CertificateError::BadEncoding)?;
        let now_s = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now_s < outline.begins_s {
            return Err(CertificateError::NotValidYet.into());
        }
        if now_s > outline.ends_s {
            return Err(CertificateError::Expired.into());
        }
        Ok(())
    }
}

/// The verifier of one connection, which keeps why it refused.
#[derive(Debug)]
pub struct Verifier {
    trust: Arc<Trust>,
    refusal: Refusal,
}

impl Verifier {
    /// A verifier for the next connection.
    pub fn new(trust: &Arc<Trust>) -> Arc<Self> {
        Arc::new(Self { trust: Arc::clone(trust), refusal: Refusal::default() })
    }

    /// Why the certificate was refused, in words that follow "its certificate"; told once.
    pub fn take_refusal(&self) -> Option<&'static str> {
        self.refusal.take()
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.trust.chains.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.trust.verify(end_entity, intermediates, now);
        self.refusal.note(&verified, end_entity);
        verified.map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.chains.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.chains.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.chains.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd,
    };
    use std::time::Duration;

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    }

    fn authority(name: &str) -> (CertificateDer<'static>, Issuer<'static, KeyPair>) {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().der().clone(), Issuer::new(params, key))
    }

    fn leaf(change: impl FnOnce(&mut CertificateParams), issuer: &Issuer<'_, KeyPair>) -> CertificateDer<'static> {
        let mut params = params("client");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        params.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap().der().clone()
    }

    fn told(trust: &Arc<Trust>, shown: &CertificateDer<'_>, year: u64) -> Option<&'static str> {
        let verifier = Verifier::new(trust);
        let now = UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 31_557_600));
        let result = verifier.verify_client_cert(shown, &[], now);
        let refusal = verifier.take_refusal();
        assert_eq!(result.is_err(), refusal.is_some());
        refusal
    }

    #[test]
    fn the_authority_itself_and_those_it_signed_are_taken_and_nobody_else() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let (own, own_issuer) = authority("ours");
        let (other, other_issuer) = authority("theirs");
        // One of the same name and another key is not the one that is trusted.
        let (namesake, _) = authority("ours");
        let trust = Trust::new(vec![own.clone()], &provider).unwrap();
        let stranger_key = KeyPair::generate().unwrap();
        let stranger = params("client").self_signed(&stranger_key).unwrap().der().clone();
        let ends = |year| move |params: &mut CertificateParams| params.not_after = date_time_ymd(year, 1, 1);
        let begins = |year| move |params: &mut CertificateParams| params.not_before = date_time_ymd(year, 1, 1);
        let server = |params: &mut CertificateParams| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        };
        let sub_authority = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        for (shown, expected) in [
            (&own, None),
            (&leaf(|_| (), &own_issuer), None),
            (&leaf(|params| params.extended_key_usages.clear(), &own_issuer), None),
            (&leaf(ends(2030), &own_issuer), Some("has expired")),
            (&leaf(begins(2050), &own_issuer), Some("is not valid yet")),
            (&leaf(server, &own_issuer), Some("is not for this use")),
            (&leaf(|_| (), &other_issuer), Some("is signed by another authority")),
            (&other, Some("is signed by itself and not one that is trusted")),
            (&stranger, Some("is signed by itself and not one that is trusted")),
            (&leaf(sub_authority, &own_issuer), Some("cannot be verified")),
            (&CertificateDer::from(vec![1, 2, 3]), Some("cannot be read")),
        ] {
            assert_eq!(told(&trust, shown, 2040), expected);
        }
        assert!(told(&trust, &namesake, 2040).is_some());
        assert_eq!(told(&trust, &own, 1970), Some("is not valid yet"));
        let ended = {
            let (mut params, key) = (params("old"), KeyPair::generate().unwrap());
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.not_after = date_time_ymd(2020, 1, 1);
            params.self_signed(&key).unwrap().der().clone()
        };
        let trust = Trust::new(vec![own, ended.clone()], &provider).unwrap();
        assert_eq!(told(&trust, &ended, 2040), Some("has expired"), "trusted, and no longer good");
    }

    #[test]
    fn without_a_certificate_there_is_nobody_to_trust() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        assert!(Trust::new(vec![], &provider).is_err());
        assert!(Trust::new(vec![CertificateDer::from(vec![0x30, 0])], &provider).is_err());
    }
}
