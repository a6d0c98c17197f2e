//! A certificate request. Source: RFC 2986; openitcockpit specification, 6.1.

use rustls::SignatureScheme;
use rustls::sign::SigningKey;

use super::der::{
    ATTRIBUTES, BIT_STRING, DNS_NAME, INTEGER, NULL, OCTET_STRING, OID, SEQUENCE, SET, UTF8_STRING, element,
};
use super::pem;

/// `commonName`, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// `subjectAltName`, 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// `extensionRequest`, 1.2.840.113549.1.9.14.
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];
/// `sha256WithRSAEncryption`, 1.2.840.113549.1.1.11.
const SHA256_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
/// `ecdsa-with-SHA256`, 1.2.840.10045.4.3.2.
const SHA256_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// `ecdsa-with-SHA384`, 1.2.840.10045.4.3.3.
const SHA384_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
/// `Ed25519`, 1.3.101.112.
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A common name has room for so many characters. Source: RFC 5280, ub-common-name.
const MOST_COMMON_NAME: usize = 64;
/// A DNS name has room for so many. Source: RFC 1035, 2.3.4.
const MOST_DNS_NAME: usize = 253;

/// Why there is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsrError {
    /// A certificate cannot name that.
    #[error("`{0}` is no name of a host")]
    Name(String),
    /// The key is of a kind that requests are not signed with.
    #[error("the key cannot sign a request")]
    Key,
}

/// A request, in PEM, for a certificate of `name` and this key.
///
/// # Errors
/// [`CsrError`]: the name or the key cannot be used.
pub fn request(name: &str, key: &dyn SigningKey) -> Result<String, CsrError> {
    let is_name = name.bytes().all(|byte| byte.is_ascii_graphic()) && (1..=MOST_DNS_NAME).contains(&name.len());
    if !is_name {
        return Err(CsrError::Name(name.chars().filter(|letter| !letter.is_control()).take(MOST_DNS_NAME).collect()));
    }
    let public = key.public_key().ok_or(CsrError::Key)?;
    let common: String = name.chars().take(MOST_COMMON_NAME).collect();
    let attribute = element(SEQUENCE, &[&element(OID, &[COMMON_NAME]), &element(UTF8_STRING, &[common.as_bytes()])]);
    let subject = element(SEQUENCE, &[&element(SET, &[&attribute])]);
    let names = element(SEQUENCE, &[&element(DNS_NAME, &[name.as_bytes()])]);
    let extension = element(SEQUENCE, &[&element(OID, &[SUBJECT_ALT_NAME]), &element(OCTET_STRING, &[&names])]);
    let wanted = element(SET, &[&element(SEQUENCE, &[&extension])]);
    let attributes = element(ATTRIBUTES, &[&element(SEQUENCE, &[&element(OID, &[EXTENSION_REQUEST]), &wanted])]);
    let info = element(SEQUENCE, &[&element(INTEGER, &[&[0]]), &subject, &public, &attributes]);

    let schemes = [
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::ECDSA_NISTP256_SHA256,
        SignatureScheme::ECDSA_NISTP384_SHA384,
        SignatureScheme::ED25519,
    ];
    let signer = key.choose_scheme(&schemes).ok_or(CsrError::Key)?;
    let algorithm = match signer.scheme() {
        SignatureScheme::RSA_PKCS1_SHA256 => element(SEQUENCE, &[&element(OID, &[SHA256_RSA]), &element(NULL, &[])]),
        SignatureScheme::ECDSA_NISTP256_SHA256 => element(SEQUENCE, &[&element(OID, &[SHA256_ECDSA])]),
        SignatureScheme::ECDSA_NISTP384_SHA384 => element(SEQUENCE, &[&element(OID, &[SHA384_ECDSA])]),
        SignatureScheme::ED25519 => element(SEQUENCE, &[&element(OID, &[ED25519])]),
        _ => return Err(CsrError::Key),
    };
    let signature = signer.sign(&info).map_err(|_| CsrError::Key)?;
    let whole = element(SEQUENCE, &[&info, &algorithm, &element(BIT_STRING, &[&[0], &signature])]);
    Ok(pem::encode("CERTIFICATE REQUEST", &whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateSigningRequestParams, DnType, DnValue, KeyPair, SanType};
    use rustls::crypto::ring::sign::any_supported_type;
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

    fn key(algorithm: &'static rcgen::SignatureAlgorithm) -> std::sync::Arc<dyn SigningKey> {
        let der = KeyPair::generate_for(algorithm).unwrap().serialize_der();
        any_supported_type(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der))).unwrap()
    }

    #[test]
    fn a_request_is_read_by_others_and_bears_its_name() {
        for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
            let pem = request("web01.example.com", &*key(algorithm)).unwrap();
            // The signature is verified by the one who reads it.
            let read = CertificateSigningRequestParams::from_pem(&pem).unwrap().params;
            assert_eq!(read.subject_alt_names, [SanType::DnsName("web01.example.com".try_into().unwrap())]);
            let common = read.distinguished_name.get(&DnType::CommonName);
            assert_eq!(common, Some(&DnValue::Utf8String("web01.example.com".to_owned())));
        }
    }

    #[test]
    fn a_long_name_is_whole_where_there_is_room() {
        let key = key(&rcgen::PKCS_ECDSA_P256_SHA256);
        let name = "a".repeat(200);
        let read = CertificateSigningRequestParams::from_pem(&request(&name, &*key).unwrap()).unwrap().params;
        assert_eq!(read.subject_alt_names, [SanType::DnsName(name.as_str().try_into().unwrap())]);
        for wrong in ["", "a b", "ä", "a\nb", &"a".repeat(254)] {
            assert!(matches!(request(wrong, &*key), Err(CsrError::Name(_))), "{wrong}");
        }
    }
}
