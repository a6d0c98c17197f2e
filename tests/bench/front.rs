//! TLS in front of the Worker, as Cloudflare's edge has it: a certificate made for the run, connections that stay open.

use std::fmt::Display;
use std::io::{BufReader, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use edgewatch_harness::tls::Authority;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::wire::{Connection, read_message};

/// How long one side of a socket is listened to before the other one has its turn.
const TURN: Duration = Duration::from_millis(5);

/// The front, until the process ends.
pub struct Front {
    /// `https://localhost:<port>`
    pub url: String,
    /// The certificate that signed the front's own.
    pub authority_pem: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    requests: AtomicU64,
}

impl Front {
    /// Listens on a free port of loopback and passes each request on to `upstream`.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub fn start(upstream: &str) -> Result<Self, String> {
        let Authority { pem: authority_pem, server: config, .. } = Authority::new();
        let listener = TcpListener::bind("localhost:0").map_err(words("the TLS front cannot listen"))?;
        let port = listener.local_addr().map_err(words("the TLS front has no address"))?.port();
        let counts = Arc::new(Counts::default());
        let (upstream, counted) = (upstream.to_owned(), Arc::clone(&counts));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, upstream, counts) = (Arc::clone(&config), upstream.clone(), Arc::clone(&counted));
                // A connection that breaks is the client's to notice; it is counted again when it comes back.
                thread::spawn(move || serve(stream, config, &upstream, &counts));
            }
        });
        Ok(Self { url: format!("https://localhost:{port}"), authority_pem, counts })
    }

    /// How many connections came, and how many requests were answered over them.
    pub fn counts(&self) -> (u64, u64) {
        (self.counts.connections.load(Ordering::Relaxed), self.counts.requests.load(Ordering::Relaxed))
    }
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, upstream: &str, counts: &Counts) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let session = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut client = BufReader::new(StreamOwned::new(session, stream));
    counts.connections.fetch_add(1, Ordering::Relaxed);
    while let Some(request) = read_message(&mut client)? {
        // workerd hangs up on a connection that is idle for a few seconds.
        let mut worker = Connection::open(upstream)?;
        let answer = worker.exchange(&[request.head, request.body].concat())?;
        let is_upgraded = answer.status() == 101;
        client.get_mut().write_all(&[answer.head, answer.body].concat())?;
        counts.requests.fetch_add(1, Ordering::Relaxed);
        if is_upgraded {
            return pipe(client.into_inner(), worker.into_stream());
        }
    }
    Ok(())
}

/// Passes on what either side says, until one hangs up.
fn pipe(mut client: StreamOwned<ServerConnection, TcpStream>, mut worker: TcpStream) -> std::io::Result<()> {
    client.sock.set_read_timeout(Some(TURN))?;
    worker.set_read_timeout(Some(TURN))?;
    let mut bytes = [0; 16 * 1024];
    loop {
        if let Some(length) = heard(client.read(&mut bytes))? {
            worker.write_all(bytes.get(..length).unwrap_or_default())?;
        }
        if let Some(length) = heard(worker.read(&mut bytes))? {
            client.write_all(bytes.get(..length).unwrap_or_default())?;
        }
    }
}

/// How much came; `None` when nothing did in time.
fn heard(read: std::io::Result<usize>) -> std::io::Result<Option<usize>> {
    match read {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(length) => Ok(Some(length)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
        Err(error) => Err(error),
    }
}

fn words<E: Display>(what: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error}")
}
