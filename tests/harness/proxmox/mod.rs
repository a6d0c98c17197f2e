//! A Proxmox VE or a Proxmox Backup Server on loopback that answers what it is told to: answers by path, credentials, and faults.
//!
//! What there is to be asked is an [`Answers`]: the lab of the acceptance list ([`lab`]), a large cluster ([`scale`]), or what somebody
//! recorded ([`Answers::recorded`]). Shapes: pulse specification, 17 and 18.

mod answers;
pub mod edge;
pub mod lab;
pub mod scale;
mod serve;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use answers::Answers;
use rustls::{ServerConnection, StreamOwned};
use serde_json::Value;

use crate::receiver::{Port, lock};
use crate::tls::Authority;

/// Which product it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Proxmox VE: `PVEAPIToken=name=secret`, `PVEAuthCookie`.
    Pve,
    /// Proxmox Backup Server: `PBSAPIToken=name:secret`, `PBSAuthCookie`; answers in chunks.
    Pbs,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status with these words in its status line, as Proxmox does, and `{"data":null}`.
    Status(u16, &'static str),
    /// The right answer after so long.
    Slow(Duration),
    /// The head of an answer and then nothing for this long.
    Hang(Duration),
    /// A page of another server.
    Html,
    /// An answer that ends in the middle.
    Cut,
    /// The connection is closed without a word.
    Close,
    /// The right answer with every number as a text.
    TextNumbers,
    /// The right answer with every number as a double.
    Doubles,
    /// The right answer, and at each request other values of what guests do.
    Lively,
}

/// The token that the server knows at first.
pub const TOKEN_NAME: &str = "monitor@pve!t1";
/// Its secret.
pub const TOKEN_SECRET: &str = "5d3c1a70-0000-4000-8000-00000000beef";
/// A user that may ask for a ticket.
pub const USER: &str = "monitor@pve";
/// The user's password.
pub const PASSWORD: &str = "pass word=1&2";

/// The server; its port is closed on drop.
pub struct FakeProxmox {
    port: Port,
    shared: Arc<Shared>,
    is_tls: bool,
    /// SHA-256 of its certificate, hex; empty without TLS.
    pub fingerprint: String,
}

pub(crate) struct Shared {
    pub(crate) product: Product,
    pub(crate) answers: Mutex<Answers>,
    pub(crate) faults: Mutex<Vec<Faulty>>,
    pub(crate) requests: Mutex<Vec<String>>,
    pub(crate) credentials: Mutex<Credentials>,
    pub(crate) busy: AtomicUsize,
    pub(crate) most_busy: AtomicUsize,
    pub(crate) connections: AtomicUsize,
}

pub(crate) struct Faulty {
    pub(crate) part: String,
    pub(crate) fault: Fault,
    /// So many more times.
    pub(crate) left: usize,
}

#[derive(Default)]
pub(crate) struct Credentials {
    pub(crate) tokens: Vec<(String, String)>,
    pub(crate) tickets: Vec<String>,
    pub(crate) given: usize,
}

impl FakeProxmox {
    /// A server by plain HTTP.
    pub fn start(product: Product, answers: Answers) -> Self {
        Self::start_at(0, product, answers, None)
    }

    /// A server by TLS, with a certificate for `localhost`.
    pub fn start_tls(product: Product, answers: Answers, authority: &Authority) -> Self {
        Self::start_at(0, product, answers, Some(authority))
    }

    /// A server at a port of one's own choice; 0 is a free one.
    pub fn start_at(port: u16, product: Product, answers: Answers, authority: Option<&Authority>) -> Self {
        Self::listen("127.0.0.1", port, product, answers, authority)
    }

    /// A server at another address of loopback, at the port of `other`: another node of its cluster.
    pub fn start_beside(other: &Self, address: &'static str, product: Product, answers: Answers) -> Self {
        Self::listen(address, other.port(), product, answers, None)
    }

    fn listen(
        address: &'static str,
        port: u16,
        product: Product,
        answers: Answers,
        authority: Option<&Authority>,
    ) -> Self {
        let shared = Arc::new(Shared {
            product,
            answers: Mutex::new(answers),
            faults: Mutex::default(),
            requests: Mutex::default(),
            credentials: Mutex::new(Credentials {
                tokens: vec![(TOKEN_NAME.to_owned(), TOKEN_SECRET.to_owned())],
                ..Credentials::default()
            }),
            busy: AtomicUsize::new(0),
            most_busy: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
        });
        let (serving, tls) = (Arc::clone(&shared), authority.map(|authority| Arc::clone(&authority.server)));
        let serve = move |stream: std::net::TcpStream| {
            serving.connections.fetch_add(1, Ordering::Relaxed);
            let _ = stream.set_nodelay(true);
            match &tls {
                None => drop(serve::serve(stream, &serving)),
                Some(config) => {
                    if let Ok(session) = ServerConnection::new(Arc::clone(config)) {
                        drop(serve::serve(StreamOwned::new(session, stream), &serving));
                    }
                }
            }
        };
        let fingerprint = authority.map(|authority| authority.fingerprint.clone()).unwrap_or_default();
        Self { port: Port::open_at(address, port, serve), shared, is_tls: authority.is_some(), fingerprint }
    }

    /// Its URL: scheme, host and port.
    pub fn url(&self) -> String {
        if self.is_tls {
            format!("https://localhost:{}", self.port.number)
        } else {
            format!("http://127.0.0.1:{}", self.port.number)
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port.number
    }

    /// Changes what it answers.
    pub fn change(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut lock(&self.shared.answers));
    }

    /// Changes the `data` of one path.
    pub fn edit(&self, path: &str, edit: impl FnOnce(&mut Value)) {
        self.change(|answers| answers.edit(path, edit));
    }

    /// From now on every request whose path has this part meets the fault.
    pub fn fault(&self, part: &str, fault: Fault) {
        self.fault_times(part, fault, usize::MAX);
    }

    /// So many requests whose path has this part meet the fault.
    pub fn fault_times(&self, part: &str, fault: Fault, times: usize) {
        lock(&self.shared.faults).push(Faulty { part: part.to_owned(), fault, left: times });
    }

    /// Everything goes well again.
    pub fn mend(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Knows no token but this one any more.
    pub fn set_token(&self, name: &str, secret: &str) {
        lock(&self.shared.credentials).tokens = vec![(name.to_owned(), secret.to_owned())];
    }

    /// The tickets it gave are worth nothing any more.
    pub fn expire_tickets(&self) {
        lock(&self.shared.credentials).tickets.clear();
    }

    /// How many tickets it has given.
    pub fn tickets_given(&self) -> usize {
        lock(&self.shared.credentials).given
    }

    /// Every request's path and query below `/api2/json`, oldest first.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.shared.requests).clone()
    }

    /// Forgets the requests.
    pub fn forget_requests(&self) {
        lock(&self.shared.requests).clear();
    }

    /// How many requests were under way at once at most.
    pub fn most_at_once(&self) -> usize {
        self.shared.most_busy.load(Ordering::Relaxed)
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Closes the port; who comes is refused. Connections that stand are served on.
    pub fn close(&mut self) {
        self.port.close();
        self.shared.connections.store(0, Ordering::Relaxed);
        self.fault("", Fault::Close);
    }

    /// Opens the same port again.
    pub fn reopen(&mut self) {
        self.mend();
        self.port.reopen();
    }
}
