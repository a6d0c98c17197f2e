//! A client that speaks TLS, shows the certificate it is given, and believes any.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, ProtocolVersion, SignatureScheme, StreamOwned,
    SupportedProtocolVersion,
};

use crate::authority::Pair;

/// What came back: the status, the body, and what the server showed.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
    /// The certificates that the server showed, its own first.
    pub chain: Vec<CertificateDer<'static>>,
}

/// Sends one request by TLS.
///
/// # Errors
/// Those of the handshake; the alert's words are in them.
pub fn send(address: &str, own: Option<&Pair>, method: &str, path: &str, body: &str) -> io::Result<Reply> {
    send_with(address, own.map(|own| (own.certificate.clone(), own.key())), method, path, body)
}

/// The same with a certificate and a key, which need not fit.
///
/// # Errors
/// Those of the handshake; the alert's words are in them.
pub fn send_with(
    address: &str,
    own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    method: &str,
    path: &str,
    body: &str,
) -> io::Result<Reply> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.expect("the usual versions").dangerous();
    let builder = builder.with_custom_certificate_verifier(Arc::new(Anybody(Arc::clone(&provider))));
    let config = match own {
        Some((certificate, key)) => {
            let key = provider.key_provider.load_private_key(key).expect("a key");
            let shown = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
            builder.with_client_cert_resolver(Arc::new(shown))
        }
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut stream = StreamOwned::new(connection, socket);
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // A server may refuse while we still speak: what it says then is told by the reading.
    let written = stream.write_all(head.as_bytes());
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    written?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let chain = stream.conn.peer_certificates().unwrap_or_default();
    let chain = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
    Ok(Reply { status, body: body.to_owned(), chain })
}

/// Shakes hands in one of these versions, with HTTP/2 on offer: the version that was taken, and the protocol.
///
/// # Errors
/// Those of the handshake; the alert's words are in them.
pub fn shake(
    address: &str,
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<(ProtocolVersion, Option<Vec<u8>>)> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions);
    let builder = builder.expect("versions that the library has").dangerous();
    let mut config = builder.with_custom_certificate_verifier(Arc::new(Anybody(provider))).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").expect("a name");
    let mut connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    let version = connection.protocol_version().expect("it was agreed on");
    Ok((version, connection.alpn_protocol().map(<[u8]>::to_vec)))
}

#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
