//! The prober against targets on loopback.

mod delay;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::{ProbeList, ProbePart, ProbeTaskPart};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::{Board, Roots, icmp, start};

fn no_roots() -> Roots {
    Box::new(|| Err("no certificates here".to_owned()))
}

fn list(targets: &[(u8, String)]) -> ProbeList {
    let one = |(id, (kind, target)): (i64, &(u8, String))| ProbeTaskPart {
        id,
        kind: *kind,
        target: target.clone(),
        interval_s: 10,
    };
    ProbeList { version: 1, probes: (1..).zip(targets).map(one).collect() }
}

/// The first result of each target, in order.
fn results(targets: &[(u8, String)], roots: Roots) -> Vec<ProbePart> {
    let board = Arc::new(Board::new().unwrap());
    start(&board, 7, roots);
    board.set(list(targets));
    let begun = Instant::now();
    let mut found: Vec<ProbePart> = Vec::new();
    while found.len() < targets.len() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{found:?}");
        for result in board.take() {
            if found.iter().all(|known| known.id != result.id) {
                found.push(result);
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
    board.set(ProbeList::default());
    found.sort_by_key(|result| result.id);
    found
}

/// A server on loopback that answers each connection by `answer`; its address.
fn server(answer: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap());
        }
    });
    address
}

fn read_head(stream: &mut impl Read) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

#[test]
fn a_port_that_listens_is_up_and_one_that_does_not_is_down() {
    let open = server(drop);
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let port = open.rsplit(':').next().unwrap();
    let found = results(&[(3, open.clone()), (3, closed), (3, format!("localhost:{port}"))], no_roots());
    assert!(found[0].delay_ms.is_some_and(|delay_ms| delay_ms < 100.0), "{found:?}");
    assert_eq!((found[1].delay_ms, found[1].note.as_deref()), (None, Some("connection refused")));
    assert!(found[2].delay_ms.is_some(), "a name is looked up first: {found:?}");
}

#[test]
fn a_page_is_up_by_its_status_and_slow_by_the_time_it_takes() {
    let address = server(|mut stream| {
        thread::spawn(move || {
            let head = read_head(&mut stream);
            assert!(head.contains("\r\nConnection: close\r\n") && head.contains("\r\nHost: 127.0.0.1:"), "{head}");
            let status = if head.starts_with("GET /down?a=b ") { "503 Busy" } else { "302 Found" };
            thread::sleep(Duration::from_millis(150));
            let _ = write!(stream, "HTTP/1.1 {status}\r\nLocation: /else\r\nContent-Length: 2\r\n\r\nok");
        });
    });
    let found = results(&[(1, format!("http://{address}")), (1, format!("http://{address}/down?a=b#c"))], no_roots());
    assert!(found[0].delay_ms.is_some_and(|delay_ms| (150.0..600.0).contains(&delay_ms)), "{found:?}");
    assert_eq!((found[1].delay_ms, found[1].note.as_deref()), (None, Some("status 503")));
}

#[test]
fn a_certificates_end_and_issuer_are_told_even_when_it_is_not_good() {
    let mut issuer = CertificateParams::new(vec![]).unwrap();
    issuer.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    issuer.distinguished_name.push(DnType::CommonName, "Edge Test CA");
    let issuer = CertifiedIssuer::self_signed(issuer, KeyPair::generate().unwrap()).unwrap();
    let serve = |end: (i32, u8, u8)| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(end.0, end.1, end.2);
        let certificate = params.signed_by(&key, &issuer).unwrap().der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
        let address = server(move |stream| {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            if !read_head(&mut stream).is_empty() {
                // Closed without a goodbye, as many do.
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello");
                let _ = stream.flush();
            }
        });
        (1, format!("https://localhost:{}", address.rsplit(':').next().unwrap()))
    };
    let targets = [serve((2099, 1, 1)), serve((2021, 1, 1))];
    let der = issuer.der().clone();
    let trusting: Roots = Box::new(move || {
        let mut roots = RootCertStore::empty();
        roots.add(der.clone()).map_err(|error| error.to_string())?;
        Ok(Arc::new(roots))
    });
    let found = results(&targets, trusting);
    assert!(found[0].delay_ms.is_some(), "{found:?}");
    assert_eq!((found[0].tls_expires_s, found[0].note.as_deref()), (Some(4_070_908_800.0), Some("Edge Test CA")));
    assert_eq!((found[1].delay_ms, found[1].tls_expires_s), (None, Some(1_609_459_200.0)));
    assert!(found[1].note.as_deref().is_some_and(|note| note.contains("xpired")), "{found:?}");
    let untrusting = results(&targets[..1], no_roots());
    assert_eq!((untrusting[0].delay_ms, untrusting[0].note.as_deref()), (None, Some("no certificates here")));
}

#[test]
fn pings_are_answered_or_the_kernel_says_why_not() {
    let found = results(&[(2, "127.0.0.1".to_owned()), (2, "::1".to_owned())], no_roots());
    let allowed = std::fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap_or_default();
    println!("ping_group_range is {}: {found:?}", allowed.trim());
    // Root may where the groups allow it, and nobody else: either answer is a right one, and never a third.
    match (found[0].delay_ms, found[0].note.as_deref()) {
        (Some(delay_ms), None) => assert!(delay_ms < 100.0),
        (None, Some(note)) => assert!(note == icmp::REFUSED || note.contains("ping sockets"), "{note}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn many_dead_targets_do_not_hold_up_the_others() {
    // Nobody answers there: connections hang until their limit.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap().to_string();
    let mut targets: Vec<(u8, String)> = (0..10).map(|_| (1, format!("http://{address}/"))).collect();
    let open = server(drop);
    targets.push((3, open));
    let board = Arc::new(Board::new().unwrap());
    start(&board, 7, no_roots());
    board.set(list(&targets));
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < Duration::from_secs(15));
        if board.take().iter().any(|result| result.id == 11 && result.delay_ms.is_some()) {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    board.set(ProbeList::default());
}
