//! The same through TLS and through a proxy.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::testing::stand_in::Duplex;

/// A server behind TLS, its URL, and the certificate to trust.
fn tls(directory: &TestDirectory) -> (StandIn, String, ClientSettings) {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let wrap = Arc::new(move |stream: TcpStream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        Box::new(StreamOwned::new(connection, stream)) as Box<dyn Duplex>
    });
    let server = StandIn::wrapped(0, &[Manner::Hub], wrap);
    let ca_file = directory.path().join("ca.pem");
    std::fs::write(&ca_file, issued.cert.pem()).unwrap();
    let url = format!("https://localhost:{}", server.address().rsplit(':').next().unwrap());
    (server, url, ClientSettings { ca_file: Some(ca_file), ..ClientSettings::default() })
}

#[test]
fn a_backlog_goes_through_tls() {
    let directory = TestDirectory::new();
    let (server, url, settings) = tls(&directory);
    let mut bench = Bench::with(&url, Transport::WebSocket, settings, Limits::default());
    for _ in 0..10 {
        bench.measure(150);
        bench.shared.lock().backlog.save();
    }
    bench.due();
    bench.wait_until_safe();
    assert_eq!(server.taken(), all(1_500));
    bench.measure(1);
    assert!(bench.stop());
    assert_eq!(server.taken(), all(1_501));
}

#[test]
fn the_secret_goes_to_nobody_with_a_certificate_that_is_not_trusted() {
    let (directory, elsewhere) = (TestDirectory::new(), TestDirectory::new());
    let (server, url, _) = tls(&directory);
    let (_, _, settings) = tls(&elsewhere);
    let bench = Bench::with(&url, Transport::Auto, settings, Limits::default());
    bench.measure_and_send(1);
    wait_for("the status", || bench.status().error.is_some_and(|error| error.contains("certificate")));
    assert_eq!((bench.held(), server.know().events.len()), (1, 0));
}

/// A proxy that lets CONNECT with the right words through; what it was asked.
fn proxy(answer: &'static str) -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tell, asked) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            let head = String::from_utf8(head).unwrap();
            let target = head.split(' ').nth(1).unwrap().to_owned();
            client.write_all(answer.as_bytes()).unwrap();
            let _ = tell.send(head);
            if !answer.contains(" 200 ") {
                continue;
            }
            let mut server = TcpStream::connect(target).unwrap();
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            thread::spawn(move || std::io::copy(&mut server, &mut client));
        }
    });
    (address, asked)
}

#[test]
fn a_proxy_is_asked_to_connect() {
    let server = StandIn::start(0, &[Manner::Hub]);
    let (address, asked) = proxy("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n");
    let settings = ClientSettings { proxy: Some(format!("http://me:secret@{address}")), ..ClientSettings::default() };
    let bench = Bench::with(&server.url(), Transport::WebSocket, settings, Limits::default());
    bench.measure_and_send(3);
    bench.wait_until_safe();
    assert_eq!(server.taken(), all(3));
    let head = asked.recv().unwrap();
    assert!(head.starts_with(&format!("CONNECT {} HTTP/1.1\r\n", server.address())), "{head}");
    assert!(head.contains("\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n"), "{head}");
    assert!(!head.contains(SECRET));
}

#[test]
fn a_proxy_that_refuses_is_told() {
    let server = StandIn::start(0, &[Manner::Hub]);
    let (address, _asked) = proxy("HTTP/1.1 407 Who are you\r\n\r\n");
    let settings = ClientSettings { proxy: Some(format!("http://{address}")), ..ClientSettings::default() };
    let bench = Bench::with(&server.url(), Transport::WebSocket, settings, Limits::default());
    bench.measure_and_send(1);
    wait_for("the status", || bench.status().error.is_some_and(|error| error.contains("407")));
    assert_eq!(bench.held(), 1);
}

#[test]
fn a_proxy_that_cannot_be_asked_is_no_way_for_a_websocket() {
    let settings = ClientSettings { proxy: Some("https://127.0.0.1:1".to_owned()), ..ClientSettings::default() };
    let client = Client::new(&settings).unwrap();
    assert!(Dialer::new(&client, "http://example.com", SECRET, Line::REPORTS).is_err());
}
