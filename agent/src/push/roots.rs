//! The certificates we trust, read one at a time: of each only what a check needs stays in memory.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::https::ClientError;

/// Where distributions keep the system's roots.
const SYSTEM: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
];

/// The certificates in `ca_file`, else the system's.
///
/// # Errors
/// When there is no file with a certificate in it.
pub fn load(ca_file: Option<&Path>) -> Result<RootCertStore, ClientError> {
    let path = match ca_file {
        Some(path) => path.to_owned(),
        None => SYSTEM.iter().map(PathBuf::from).find(|path| path.exists()).ok_or_else(|| {
            ClientError::new(
                "this system has no trusted certificates; install `ca-certificates` or set `ca_file`".to_owned(),
            )
        })?,
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(&path)
        .map_err(|error| ClientError::new(format!("cannot read the certificates in {}: {error}", path.display())))?;
    for certificate in certificates.flatten() {
        // One that cannot be read is one we do not trust.
        let _ = roots.add(certificate);
    }
    roots.roots.shrink_to_fit();
    if roots.is_empty() {
        return Err(ClientError::new(format!("{} has no certificate that can be read", path.display())));
    }
    Ok(roots)
}

/// The system's certificates, those of them that there are, and those in `ca_file`.
///
/// # Errors
/// When there is none at all.
pub fn load_all(ca_file: Option<&Path>) -> Result<RootCertStore, ClientError> {
    let (system, own) = (load(None), ca_file.map(|path| load(Some(path))));
    match (system, own) {
        (Ok(mut system), Some(Ok(own))) => {
            system.roots.extend(own.roots);
            Ok(system)
        }
        (Ok(found), _) | (Err(_), Some(Ok(found))) => Ok(found),
        (Err(error), _) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDirectory;

    #[test]
    fn a_file_without_certificates_is_an_error_with_its_name() {
        let directory = TestDirectory::new();
        let path = directory.path().join("ca.pem");
        std::fs::write(&path, "no certificate").unwrap();
        assert!(load(Some(&path)).unwrap_err().to_string().contains("ca.pem"));
        assert!(load(Some(&directory.path().join("none.pem"))).unwrap_err().to_string().contains("none.pem"));
    }
}
