//! Where the server listens, and with which certificates.

use std::io::{self, ErrorKind};
use std::net::TcpListener;

use super::settings::{Level, Listen, TlsFiles};
use crate::serve::{self, AutoFiles, Tls};

/// Listens.
///
/// # Errors
/// In words: the address is not this machine's, or the port is taken.
pub fn bind(listen: &Listen) -> Result<TcpListener, String> {
    let Listen { address, port } = listen;
    let bound = if address.is_empty() {
        // All addresses of both families, where the machine has both.
        TcpListener::bind(("::", *port)).or_else(|error| match error.kind() {
            ErrorKind::AddrInUse | ErrorKind::PermissionDenied => Err(error),
            _ => TcpListener::bind(("0.0.0.0", *port)),
        })
    } else {
        bind_to(address, *port)
    };
    bound
        .map_err(|error| format!("cannot listen at {}:{port}: {error}", if address.is_empty() { "*" } else { address }))
}

fn bind_to(address: &str, port: u16) -> io::Result<TcpListener> {
    match address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) => TcpListener::bind((inside, port)),
        None => TcpListener::bind((address, port)),
    }
}

/// The files of Auto-TLS.
pub fn auto_files(files: &TlsFiles) -> AutoFiles {
    AutoFiles {
        csr: files.csr.clone(),
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        authority: files.authority.clone(),
    }
}

/// How TLS is spoken; `None` for plain HTTP: where nothing was exchanged yet and the administrator has no certificate.
///
/// # Errors
/// In words: a file cannot be used. Plain HTTP would be less than was asked for.
pub fn tls(files: &TlsFiles) -> Result<Option<Tls>, String> {
    let is_modern = files.level == Level::Modern;
    let auto = auto_files(files);
    if let Some((certificate, key, authority)) = auto.complete().filter(|_| files.is_auto) {
        let clients = serve::certificates(authority)?;
        let mut chain = serve::certificates(certificate)?;
        chain.extend(clients.iter().cloned());
        return Tls::new(chain, serve::key(key)?, Some(clients), is_modern).map(Some);
    }
    match &files.own {
        Some((certificate, key)) => {
            Tls::new(serve::certificates(certificate)?, serve::key(key)?, None, is_modern).map(Some)
        }
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

    use super::*;
    use crate::testing::TestDirectory;

    #[test]
    fn addresses_are_written_as_the_stock_agent_wants_them() {
        let at = |address: &str| bind(&Listen { address: address.to_owned(), port: 0 });
        for address in ["", "127.0.0.1", "localhost", "0.0.0.0"] {
            assert!(at(address).is_ok(), "{address}");
        }
        // As it is written before a colon.
        if TcpListener::bind("[::1]:0").is_ok() {
            assert!(at("[::1]").unwrap().local_addr().unwrap().is_ipv6() && at("[::]").is_ok());
        }
        let taken = at("127.0.0.1").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = bind(&Listen { address: "127.0.0.1".to_owned(), port }).unwrap_err();
        assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
        assert!(at("192.0.2.1").is_err(), "another machine's");
    }

    /// Writes a certificate, its key and itself as an authority, and returns the paths.
    fn written(directory: &TestDirectory, name: &str) -> (PathBuf, PathBuf, PathBuf) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let at = |ending: &str| directory.path().join(format!("{name}.{ending}"));
        for (ending, text) in [("crt", &pem), ("key", &key.serialize_pem()), ("ca", &pem)] {
            std::fs::write(at(ending), text).unwrap();
        }
        (at("crt"), at("key"), at("ca"))
    }

    #[test]
    fn certificates_are_those_of_auto_tls_once_it_is_done_and_else_the_administrators() {
        let directory = TestDirectory::new();
        let (certificate, key, authority) = written(&directory, "auto");
        let (own_certificate, own_key, _) = written(&directory, "own");
        let whole = TlsFiles {
            is_auto: true,
            level: Level::Lax,
            own: Some((own_certificate, own_key)),
            csr: None,
            certificate: Some(certificate),
            key: Some(key.clone()),
            authority: Some(authority),
        };
        let is_mutual = |files: &TlsFiles| tls(files).unwrap().map(|tls| tls.is_mutual());
        assert_eq!(is_mutual(&whole), Some(true));
        assert_eq!(is_mutual(&TlsFiles { is_auto: false, ..whole.clone() }), Some(false));
        assert_eq!(is_mutual(&TlsFiles { is_auto: false, own: None, ..whole.clone() }), None);
        // The original ends at this.
        let undone = TlsFiles { certificate: Some("/none".into()), ..whole.clone() };
        assert_eq!(is_mutual(&undone), Some(false));
        assert_eq!(is_mutual(&TlsFiles { own: None, ..undone }), None);
        // Plain HTTP in place of what cannot be read would be a door left open.
        std::fs::write(&key, "garbage").unwrap();
        assert!(tls(&whole).unwrap_err().contains("auto.key"));
    }
}
