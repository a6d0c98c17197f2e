//! An access proxy as far as the Worker sees it: the keys that it serves, and the assertions that it signs.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use serde_json::{Value, json};

/// A key made for these tests: who has it can fool nobody else.
const KEY: &str = include_str!("access_proxy_key.txt");
/// The name that the key has.
const KEY_ID: &str = "test-key";

/// A running proxy; ended on drop.
pub struct AccessProxy {
    /// `http://127.0.0.1:<port>`: the team's domain, and who issues.
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    asked: AtomicU32,
    down: AtomicBool,
    over: AtomicBool,
}

impl AccessProxy {
    /// Serves its keys on loopback.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        listener.set_nonblocking(true).expect("sockets can be made not to block");
        let shared =
            Arc::new(Shared { asked: AtomicU32::new(0), down: AtomicBool::new(false), over: AtomicBool::new(false) });
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            while !of_thread.over.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok((stream, _)) => of_thread.serve(stream),
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        Self { url, shared }
    }

    /// How often it was asked for its keys.
    pub fn asked(&self) -> u32 {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Answers with status 500 from now on, or not any more.
    pub fn set_down(&self, down: bool) {
        self.shared.down.store(down, Ordering::SeqCst);
    }

    /// The claims for this address, good for an hour, for the audience `test-audience`.
    pub fn claims(&self, email: &str) -> Value {
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs();
        json!({ "iss": self.url, "aud": ["test-audience"], "iat": now_s, "nbf": now_s, "exp": now_s + 3600,
            "type": "app", "email": email, "sub": "7f8a" })
    }

    /// The assertion for this address.
    pub fn assertion(&self, email: &str) -> String {
        sign(KEY_ID, &self.claims(email))
    }
}

/// An assertion with these claims, signed with the test key under a name.
pub fn sign(kid: &str, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&json!({ "alg": "RS256", "kid": kid })), part(claims));
    let pair = pair();
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).expect("the key signs");
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn pair() -> RsaKeyPair {
    let text: String = KEY.split_whitespace().collect();
    RsaKeyPair::from_der(&STANDARD.decode(text).expect("the file is base64")).expect("of a key")
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_nonblocking(false);
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let mut head = Vec::new();
        let mut byte = [0_u8];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
            head.extend(byte);
        }
        let is_asked = head.starts_with(b"GET /cdn-cgi/access/certs ");
        if is_asked {
            self.asked.fetch_add(1, Ordering::SeqCst);
        }
        let status = if self.down.load(Ordering::SeqCst) || !is_asked { "500 Broken" } else { "200 OK" };
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair().public_key());
        let key = json!({ "kid": KEY_ID, "kty": "RSA", "alg": "RS256", "use": "sig",
            "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e) });
        let body = json!({ "keys": [key], "public_cert": {}, "public_certs": [] }).to_string();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        let _ = stream.write_all(answer.as_bytes());
    }
}

impl Drop for AccessProxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
    }
}
