//! A network that can fail, between an agent and the Worker: a small TCP proxy on loopback.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

/// How often a connection looks whether the network has changed.
const TICK: Duration = Duration::from_millis(20);
/// What a slow network lets through per tick and direction: 3.2 kB a second.
const SLOW_BYTES: usize = 64;

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Network {
    /// It passes everything on.
    Up = 0,
    /// Nothing arrives any more, and nobody is told: connections stay open, new ones too.
    BlackHole = 1,
    /// A trickle.
    Slow = 2,
    /// New connections are refused; those there were cut with a reset.
    Down = 3,
}

impl Network {
    const fn of(number: u8) -> Self {
        match number {
            1 => Self::BlackHole,
            2 => Self::Slow,
            3 => Self::Down,
            _ => Self::Up,
        }
    }
}

/// A running proxy; ended on drop.
pub struct Proxy {
    /// `127.0.0.1:<port>`: what agents connect to.
    pub address: String,
    shared: Arc<Shared>,
}

struct Shared {
    network: AtomicU8,
    over: AtomicBool,
    /// How often everything was cut.
    cuts: AtomicU32,
    /// Both ends of each connection.
    open: Mutex<Vec<[TcpStream; 2]>>,
}

impl Proxy {
    /// Passes connections on to `target`, `127.0.0.1:<port>`.
    pub fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        listener.set_nonblocking(true).expect("sockets can be made not to block");
        let shared = Arc::new(Shared {
            network: AtomicU8::new(0),
            over: AtomicBool::new(false),
            cuts: AtomicU32::new(0),
            open: Mutex::default(),
        });
        let (target, of_thread) = (target.to_owned(), Arc::clone(&shared));
        thread::spawn(move || of_thread.accept(&listener, &target));
        Self { address, shared }
    }

    /// Changes the network, for connections that are open too.
    pub fn set(&self, network: Network) {
        self.shared.network.store(network as u8, Ordering::SeqCst);
        if network == Network::Down {
            self.reset();
        }
    }

    /// Cuts every connection with a reset. The network stays as it is.
    pub fn reset(&self) {
        for ends in self.shared.take() {
            for end in ends {
                // To linger for no time is to reset, once the last one who holds it lets go.
                let _ = set_socket_linger(&end, Some(Duration::ZERO));
            }
        }
        self.shared.cuts.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.reset();
    }
}

impl Shared {
    fn network(&self) -> Network {
        Network::of(self.network.load(Ordering::SeqCst))
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn take(&self) -> Vec<[TcpStream; 2]> {
        std::mem::take(&mut *self.open.lock().expect("nobody panics holding this"))
    }

    fn accept(self: Arc<Self>, listener: &TcpListener, target: &str) {
        while !self.is_over() {
            match listener.accept() {
                Ok((client, _)) if self.network() == Network::Down => drop(client),
                Ok((client, _)) => self.join(client, target),
                Err(_) => thread::sleep(TICK),
            }
        }
    }

    fn join(self: &Arc<Self>, client: TcpStream, target: &str) {
        let Ok(server) = TcpStream::connect(target) else { return };
        for end in [&client, &server] {
            let set = end.set_nodelay(true).and_then(|()| end.set_nonblocking(false));
            let set = set.and_then(|()| end.set_read_timeout(Some(TICK)));
            if set.is_err() {
                return;
            }
        }
        let clones = client.try_clone().and_then(|a| server.try_clone().map(|b| [a, b]));
        let again = client.try_clone().and_then(|a| server.try_clone().map(|b| [a, b]));
        let (Ok(clones), Ok([client_too, server_too])) = (clones, again) else { return };
        self.open.lock().expect("nobody panics holding this").push(clones);
        let (there, back) = (Arc::clone(self), Arc::clone(self));
        thread::spawn(move || there.carry(client, server));
        thread::spawn(move || back.carry(server_too, client_too));
    }

    /// Carries bytes one way until an end is gone. In a black hole they wait where they are, as they would be sent again and
    /// again by TCP.
    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; 16 * 1024];
        let begun = self.cuts.load(Ordering::SeqCst);
        let is_cut = || self.is_over() || self.cuts.load(Ordering::SeqCst) != begun;
        while !is_cut() {
            let most = match self.network() {
                Network::Up | Network::Down => buffer.len(),
                Network::BlackHole => 0,
                Network::Slow => SLOW_BYTES,
            };
            if most == 0 {
                thread::sleep(TICK);
                continue;
            }
            match from.read(buffer.get_mut(..most).unwrap_or_default()) {
                Ok(0) => break,
                Ok(length) => {
                    // What was read when the network went is lost with the connection or waits for it to come back.
                    while self.network() == Network::BlackHole && !is_cut() {
                        thread::sleep(TICK);
                    }
                    if to.write_all(buffer.get(..length).unwrap_or_default()).is_err() {
                        break;
                    }
                    if self.network() == Network::Slow {
                        thread::sleep(TICK);
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => break,
            }
        }
        if is_cut() {
            return;
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}
